//! Process of `thorax serve`.

use anyhow::{Context as _, Result};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Timeout of the end: longer than the server gives requests in progress.
const PATIENCE: Duration = Duration::from_secs(60);

/// Running server; it is killed when this is dropped, unless it has ended.
pub(crate) struct Serving {
    child: Child,
    /// First line that it printed, which contains its address.
    pub(crate) line: String,
}

impl Serving {
    /// Runs the command and waits for its first line.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut serving = Self { child: spawned.context("cannot run `thorax serve`")?, line: String::new() };
        let stdout = serving.child.stdout.take().context("`thorax serve` has no stdout")?;
        let read = BufReader::new(stdout).read_line(&mut serving.line);
        read.context("cannot read what `thorax serve` prints")?;
        serving.line.truncate(serving.line.trim_end().len());
        Ok(serving)
    }

    /// Address that it listens at, if it printed one.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.line.strip_prefix("listening on http://")?.parse().ok()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end with TERM, like service managers, and waits; `None` if it does not end.
    pub(crate) fn end(mut self) -> Result<Option<ExitStatus>> {
        // A shell is used because `kill` is built into it: not every system has it as a program.
        let asked =
            Command::new("sh").args(["-c", "kill -TERM \"$1\"", "sh", &self.id().to_string()]).status();
        let asked = asked.context("cannot run `sh`")?;
        anyhow::ensure!(asked.success(), "`thorax serve` has ended before its time");
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().context("cannot wait for `thorax serve`")? {
                return Ok(Some(status));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(None)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Usually it has ended, and there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
