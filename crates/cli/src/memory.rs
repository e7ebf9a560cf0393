//! Memory that this process may still use.

use std::path::Path;

/// Returns the bytes that can be used without swapping: the memory that the system calls available, and no more than the limits
/// of the process (`ulimit -v`, `ulimit -d`) and of its control groups leave. If none of these can be read, 4 GiB.
pub(crate) fn available() -> u64 {
    available_below(Path::new("/")).unwrap_or(4 << 30)
}

/// Returns the least of the limits in the files below `root`.
fn available_below(root: &Path) -> Option<u64> {
    let read = |path: &str| read(&root.join(path)).unwrap_or_default();
    let system = field(&read("proc/meminfo"), "MemAvailable:");
    let (limits, status) = (read("proc/self/limits"), read("proc/self/status"));
    let left = |limit: &str, used: &str| {
        Some(process_limit(&limits, limit)?.saturating_sub(field(&status, used).unwrap_or(0)))
    };
    let process = [left("Max address space", "VmSize:"), left("Max data size", "VmData:")];
    let groups = read("proc/self/cgroup");
    let groups = groups.lines().filter_map(|line| of_groups(root, line)).min();
    [system, groups].into_iter().chain(process).flatten().min()
}

/// Returns the bytes that a control group and all above it leave, by a line of `/proc/self/cgroup`; both versions of the
/// interface are read.
fn of_groups(root: &Path, line: &str) -> Option<u64> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?);
    let (mount, limit, used, cache) = if controllers.is_empty() {
        ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file ")
    } else if controllers.split(',').any(|name| name == "memory") {
        ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file ")
    } else {
        return None;
    };
    let left = |folder: &Path| {
        let number = |name: &str| read(&folder.join(name))?.trim().parse::<u64>().ok();
        // Cached files are given up when memory is needed.
        let cached = || {
            let text = read(&folder.join("memory.stat"))?;
            text.lines().find_map(|line| line.strip_prefix(cache))?.trim().parse::<u64>().ok()
        };
        let used = number(used)?.saturating_sub(cached().unwrap_or(0));
        Some(number(limit)?.saturating_sub(used))
    };
    // In a container the group may have its outside name and lie at the top.
    let folders = Path::new(path.trim_start_matches('/')).ancestors();
    folders.filter_map(|folder| left(&root.join(mount).join(folder))).min()
}

fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// Reads a line of `/proc/meminfo` or `/proc/self/status`, in bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10)
}

/// Reads the soft limit in a line of `/proc/self/limits`, in bytes; `None` if it is unlimited.
fn process_limit(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_is_read() {
        let text = "MemTotal:       24605052 kB\nMemFree:         100 kB\nMemAvailable:   23000000 kB\n";
        assert_eq!(field(text, "MemAvailable:"), Some(23_000_000 << 10));
        assert_eq!(field(text, "Swap:"), None);
        assert!(available() > 1 << 20);
    }

    /// Checks the least limit on files of a system with 1,000,000 kB available, to which limits are added one after the other.
    #[test]
    fn the_least_of_all_limits_counts() {
        let folder = tempfile::tempdir().unwrap();
        let left = |files: &[(&str, &str)]| {
            for (name, text) in files {
                let path = folder.path().join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            available_below(folder.path())
        };
        assert_eq!(left(&[]), None);
        assert_eq!(left(&[("proc/meminfo", "MemAvailable:   1000000 kB\n")]), Some(1_024_000_000));
        let limits = |space: &str, data: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max data size             {data}            unlimited            bytes     \n\
                 Max address space         {space}           unlimited            bytes     \n"
            )
        };
        let status = "VmPeak:\t  200 kB\nVmSize:\t  100 kB\nVmData:\t  50 kB\n";
        let unlimited = limits("unlimited", "unlimited");
        assert_eq!(
            left(&[("proc/self/status", status), ("proc/self/limits", &unlimited)]),
            Some(1_024_000_000)
        );
        let limited = limits("900102400", "unlimited");
        assert_eq!(left(&[("proc/self/limits", &limited)]), Some(900_000_000));
        let limited = limits("900102400", "800051200");
        assert_eq!(left(&[("proc/self/limits", &limited)]), Some(800_000_000));

        let group = "5:cpu,cpuacct:/a\n4:memory:/docker/abc\n0::/user/session\n";
        let first = [
            ("proc/self/cgroup", group),
            ("sys/fs/cgroup/user/session/memory.max", "max\n"),
            ("sys/fs/cgroup/user/session/memory.current", "5\n"),
        ];
        assert_eq!(left(&first), Some(800_000_000));
        let above = [
            ("sys/fs/cgroup/user/memory.max", "700000100\n"),
            ("sys/fs/cgroup/user/memory.current", "500\n"),
            ("sys/fs/cgroup/user/memory.stat", "anon 100\ninactive_file 400\nactive_file 7\n"),
        ];
        assert_eq!(left(&above), Some(700_000_000));
        // The older interface, at the top as a container sees its own group.
        let older = [
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "600000050\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "90\n"),
            ("sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 40\n"),
        ];
        assert_eq!(left(&older), Some(600_000_000));
        assert_eq!(left(&[("proc/meminfo", "MemAvailable:   7 kB\n")]), Some(7 << 10));
    }
}
