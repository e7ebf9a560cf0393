//! Memory that this process may take: the one place that reads limits.

use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

/// Bytes that can be used without swapping: what the system says is available, and no more than the process' control groups and
/// its limit of address space (`ulimit -v`) leave. Where that cannot be told, 4 GiB.
pub(crate) fn available() -> u64 {
    let system = read("/proc/meminfo").and_then(|text| kilobytes(&text, "MemAvailable:"));
    let groups = read("/proc/self/cgroup").map(|text| groups(&text)).unwrap_or_default();
    let groups = groups.iter().filter_map(Group::left);
    groups.chain(system).chain(address_space()).min().unwrap_or(4 << 30)
}

/// What the limit of address space leaves.
fn address_space() -> Option<u64> {
    let limit = getrlimit(Resource::As).current?;
    let used = kilobytes(&read("/proc/self/status")?, "VmSize:")?;
    Some(limit.saturating_sub(used))
}

/// A control group whose memory this process shares.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    folder: PathBuf,
    /// Its files for the limit and for what is used, and the field of `memory.stat` for what can be dropped of that.
    names: [&'static str; 3],
}

const VERSION_1: [&str; 3] = ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"];
const VERSION_2: [&str; 3] = ["memory.max", "memory.current", "inactive_file"];

impl Group {
    fn left(&self) -> Option<u64> {
        let [limit, used, unused] = self.names;
        let number = |name: &str| read(self.folder.join(name))?.trim().parse::<u64>().ok();
        // Files that were read count as used until the memory is wanted.
        let statistics = read(self.folder.join("memory.stat")).unwrap_or_default();
        let unused = field(&statistics, unused).unwrap_or(0);
        Some(number(limit)?.saturating_sub(number(used)?.saturating_sub(unused)))
    }
}

/// The groups that `/proc/self/cgroup` names, with those above them; a container sees its own as the topmost.
fn groups(text: &str) -> Vec<Group> {
    let of_line = |line: &str| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (root, names) = match controllers {
            "" => ("/sys/fs/cgroup", VERSION_2),
            _ if controllers.split(',').any(|name| name == "memory") => ("/sys/fs/cgroup/memory", VERSION_1),
            _ => return None,
        };
        let path = path.trim_start_matches('/').to_owned();
        let above: Vec<_> = Path::new(&path).ancestors().map(|path| Path::new(root).join(path)).collect();
        Some(above.into_iter().map(move |folder| Group { folder, names }))
    };
    text.lines().filter_map(of_line).flatten().collect()
}

fn read(path: impl AsRef<Path>) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// A line of `/proc/meminfo`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    field(text, name)?.checked_mul(1 << 10)
}

/// The number behind a name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().map(str::split_whitespace);
    lines.find_map(|mut words| (words.next()? == name).then(|| words.next()?.parse().ok()).flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let text = "MemTotal:       24605052 kB\nMemFree:         100 kB\nMemAvailable:   23000000 kB\n";
        assert_eq!(kilobytes(text, "MemAvailable:"), Some(23_000_000 << 10));
        assert_eq!(kilobytes(text, "Swap:"), None);
        assert_eq!(field("active_file 5\ninactive_file 7\n", "inactive_file"), Some(7));
        assert!(available() > 1 << 20);
    }

    #[test]
    fn a_group_comes_with_those_above_it() {
        let folders =
            |text: &str| -> Vec<PathBuf> { groups(text).into_iter().map(|group| group.folder).collect() };
        let two = ["/sys/fs/cgroup/a/b.scope", "/sys/fs/cgroup/a", "/sys/fs/cgroup/"].map(PathBuf::from);
        assert_eq!(folders("0::/a/b.scope\n"), two);
        assert_eq!(folders("0::/\n"), [PathBuf::from("/sys/fs/cgroup/")]);
        let one = ["/sys/fs/cgroup/memory/job", "/sys/fs/cgroup/memory/"].map(PathBuf::from);
        assert_eq!(folders("7:cpu,cpuacct:/job\n5:memory:/job\n"), one);
        assert_eq!(folders("nonsense"), Vec::<PathBuf>::new());
    }
}
