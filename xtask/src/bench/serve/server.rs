//! `thorax serve` as a process: its address, what it holds, and its end.

use crate::bench::ours::Thorax;
use crate::failure::fail;
use crate::workspace::shown;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// It is killed where it is not ended.
pub(super) struct Server {
    child: Child,
    shown: String,
    pub(super) address: SocketAddr,
}

impl Server {
    /// On a port of its own; its first line says where.
    pub(super) fn start(thorax: &Thorax, flags: &[String], more: &[&str]) -> Result<Self> {
        let mut command = thorax.command();
        command.args(["serve", "--quiet", "--listen", "127.0.0.1:0"]).args(flags).args(more);
        let shown = shown(&command);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot run `{shown}`"))?;
        let stdout = child.stdout.take();
        let mut server = Self { child, shown, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let mut line = String::new();
        if let Some(stdout) = stdout {
            BufReader::new(stdout).read_line(&mut line).context("cannot read where it listens")?;
        }
        let address = line.trim_end().strip_prefix("listening on http://").and_then(|text| text.parse().ok());
        server.address = address.ok_or_else(|| {
            fail(
                format!("`{}` does not say where it listens: `{}`", server.shown, line.trim_end()),
                "its own words are above",
            )
        })?;
        Ok(server)
    }

    pub(super) fn used(&self) -> Use {
        Use::of(self.child.id())
    }

    /// Told to stop, it must do so without an error.
    pub(super) fn end(mut self) -> Result<()> {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        anyhow::ensure!(sent.is_ok_and(|sent| sent.success()), "`{}` has ended before its time", self.shown);
        let status = self.child.wait().with_context(|| format!("cannot wait for `{}`", self.shown))?;
        anyhow::ensure!(status.success(), "`{}`, told to stop, failed ({status})", self.shown);
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Mostly it has ended, and there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process holds, as Linux tells it; elsewhere nothing is known.
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
