//! Process of `thorax serve`: its address, its resources, and its end.

use crate::bench::ours::Thorax;
use crate::failure::fail;
use crate::serving::Serving;
use crate::workspace::shown;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::net::SocketAddr;

pub(super) struct Server {
    process: Serving,
    shown: String,
    pub(super) address: SocketAddr,
}

impl Server {
    /// Starts it on a free port; its first line contains the address.
    pub(super) fn start(thorax: &Thorax, flags: &[String], more: &[&str]) -> Result<Self> {
        let mut command = thorax.command();
        command.args(["serve", "--quiet", "--listen", "127.0.0.1:0"]).args(flags).args(more);
        let shown = shown(&command);
        let process = Serving::start(command).with_context(|| format!("`{shown}`"))?;
        let address = process.address().ok_or_else(|| {
            let message = format!("`{shown}` does not say where it listens: `{}`", process.line);
            fail(message, "its own words are above")
        })?;
        Ok(Self { process, shown, address })
    }

    pub(super) fn used(&self) -> Use {
        Use::of(self.process.id())
    }

    /// Stops it, which must succeed without an error.
    pub(super) fn end(self) -> Result<()> {
        let status = self.process.end().with_context(|| format!("`{}`", self.shown))?;
        let status = status.with_context(|| format!("`{}`, told to stop, goes on", self.shown))?;
        anyhow::ensure!(status.success(), "`{}`, told to stop, failed ({status})", self.shown);
        Ok(())
    }
}

/// Resources that a process holds, read from Linux' `/proc`; unknown on other systems.
pub(super) struct Use {
    memory_bytes: Option<u64>,
    threads: Option<u64>,
    files: Option<usize>,
}

impl Use {
    fn of(process: u32) -> Self {
        let folder = format!("/proc/{process}");
        let status = std::fs::read_to_string(format!("{folder}/status")).unwrap_or_default();
        let field = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            value.trim().trim_end_matches(" kB").parse::<u64>().ok()
        };
        Self {
            memory_bytes: field("VmRSS").map(|kib| 1024 * kib),
            threads: field("Threads"),
            files: std::fs::read_dir(format!("{folder}/fd")).ok().map(Iterator::count),
        }
    }

    pub(super) fn describe(&self) -> Value {
        json!({"memory_bytes": self.memory_bytes, "threads": self.threads, "files": self.files})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_a_process_holds_is_read() {
        let before = Use::of(std::process::id());
        let held: Vec<std::fs::File> =
            (0..50).map(|_| std::fs::File::open("/dev/null").expect("it is there")).collect();
        let after = Use::of(std::process::id());
        assert!(
            after.files >= before.files.map(|files| files + 40),
            "{} {}",
            before.describe(),
            after.describe()
        );
        assert!(after.memory_bytes > Some(1 << 20) && after.threads >= Some(1));
        drop(held);
        assert_eq!(
            Use::of(u32::MAX).describe(),
            json!({"memory_bytes": null, "threads": null, "files": null})
        );
    }
}
