//! A `thorax serve` as a process of its own.

use anyhow::{Context as _, Result};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What an end may take: longer than the server gives requests at hand.
const PATIENCE: Duration = Duration::from_secs(60);

/// It is killed where it is not ended.
pub(crate) struct Serving {
    child: Child,
    /// The first line that it printed, which says where it listens.
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

    /// Where it listens, if it said so.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.line.strip_prefix("listening on http://")?.parse().ok()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, as service managers do, and waits; nothing where it goes on.
    pub(crate) fn end(mut self) -> Result<Option<ExitStatus>> {
        // By a shell, which has `kill` in it: not every system has it as a program.
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
        // Mostly it has ended, and there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
