//! Description of the machine and the time of a measurement.

use crate::workspace::Workspace;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Returns the present date and time in UTC.
pub(super) fn date() -> Option<String> {
    words(Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]))
}

pub(super) fn describe() -> Value {
    json!({
        "cpu": cpu(),
        "cores": std::thread::available_parallelism().ok(),
        "memory_bytes": memory(),
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
    })
}

/// Returns the commit, with `-dirty` if the working tree differs from it.
pub(super) fn commit(workspace: &Workspace) -> Option<String> {
    let arguments = ["describe", "--always", "--dirty", "--abbrev=12"];
    words(Command::new("git").current_dir(workspace.root()).args(arguments))
}

/// Returns the version of the compiler that cargo uses at the root.
pub(super) fn rustc(workspace: &Workspace) -> Option<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    words(Command::new(rustc).current_dir(workspace.root()).arg("--version"))
}

fn cpu() -> Option<String> {
    if cfg!(target_os = "macos") {
        return words(Command::new("sysctl").args(["-n", "machdep.cpu.brand_string"]));
    }
    field(&std::fs::read_to_string(Path::new("/proc/cpuinfo")).ok()?, "model name")
}

fn memory() -> Option<u64> {
    if cfg!(target_os = "macos") {
        return words(Command::new("sysctl").args(["-n", "hw.memsize"]))?.parse().ok();
    }
    let total = field(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemTotal")?;
    Some(total.strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Finds the first `name : value` in a file of the kernel's.
fn field(text: &str, name: &str) -> Option<String> {
    let value = text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name)?.1;
    Some(value.trim().to_owned())
}

/// Returns the output of a command, or nothing if it fails.
fn words(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_kernels_files_are_read() {
        let text = "processor\t: 0\nmodel name\t: A CPU: fast\nprocessor\t: 1\nmodel name\t: Another\n";
        assert_eq!(field(text, "model name").as_deref(), Some("A CPU: fast"));
        assert_eq!(field(text, "flags"), None);
    }

    #[test]
    fn the_date_is_one() {
        let date = date().expect("there is a clock");
        assert!(date.starts_with("20") && date.ends_with('Z') && date.len() == 20, "{date}");
    }
}
