//! A `thorax serve` that runs while it is asked.

use crate::failure::fail;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use ureq::Agent;

/// What an answer or an end may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Server {
    child: Child,
    address: String,
    agent: Agent,
}

impl Server {
    pub(super) fn start(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .context("cannot run `thorax serve`")?;
        let stdout = child.stdout.take().context("it has no stdout")?;
        // Whatever happens from here on, dropping it ends the program.
        let agent = Agent::config_builder().timeout_global(Some(PATIENCE)).proxy(None).build().new_agent();
        let mut server = Self { child, address: String::new(), agent };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).context("cannot read what `thorax serve` prints")?;
        let Some(address) = line.trim().strip_prefix("listening on ") else {
            return Err(fail(
                format!("`thorax serve` says `{}`, no address", line.trim()),
                "its words are above",
            ));
        };
        server.address = address.to_owned();
        Ok(server)
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn get(&self, path: &str) -> Result<Value> {
        let answer = self.agent.get(format!("{}{path}", self.address)).call();
        json(
            path,
            &answer.and_then(|mut answer| answer.body_mut().read_to_string()).with_context(|| asked(path))?,
        )
    }

    pub(super) fn post(&self, path: &str, image: &[u8]) -> Result<Value> {
        let request = self.agent.post(format!("{}{path}", self.address)).content_type("image/png");
        let answer = request.send(image);
        json(
            path,
            &answer.and_then(|mut answer| answer.body_mut().read_to_string()).with_context(|| asked(path))?,
        )
    }

    /// The shared libraries in its memory.
    pub(super) fn loaded(&self) -> Result<Vec<PathBuf>> {
        let path = format!("/proc/{}/maps", self.child.id());
        let maps = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{path}`"))?;
        // Address, permissions, offset, device and inode, then the file; a file's name may hold spaces.
        let files = maps.lines().filter_map(|line| Some(PathBuf::from(&line[line.find('/')?..])));
        let libraries =
            files.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains(".so")));
        Ok(libraries.collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// Asks it to end, as service managers do, and waits.
    pub(super) fn stop(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        let asked = Command::new("sh").args(["-c", "kill -TERM \"$1\"", "sh", &pid]).status();
        asked.context("cannot run `sh`")?;
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().context("cannot wait for `thorax serve`")? {
                if status.success() {
                    return Ok(());
                }
                return Err(fail(
                    format!("`thorax serve` ended at TERM with {status}"),
                    "its words are above",
                ));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(fail("`thorax serve` goes on after TERM", "see what it waits for"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already where all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn asked(path: &str) -> String {
    format!("`thorax serve` gives no answer to {path}")
}

fn json(path: &str, text: &str) -> Result<Value> {
    serde_json::from_str(text).with_context(|| format!("`thorax serve` answers {path} with no JSON: {text}"))
}
