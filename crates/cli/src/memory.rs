//! How much memory there is.

/// Bytes that can be used without swapping: what the system says is available, and no more than the process' control group
/// may take. Where that cannot be told, 4 GiB.
pub(crate) fn available() -> u64 {
    let system = read("/proc/meminfo").and_then(|text| field(&text, "MemAvailable:"));
    let limit = number("/sys/fs/cgroup/memory.max");
    let used = number("/sys/fs/cgroup/memory.current");
    let group = limit.zip(used).map(|(limit, used)| limit.saturating_sub(used));
    [system, group].into_iter().flatten().min().unwrap_or(4 << 30)
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn number(path: &str) -> Option<u64> {
    read(path)?.trim().parse().ok()
}

/// A line of `/proc/meminfo`, in bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10)
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
}
