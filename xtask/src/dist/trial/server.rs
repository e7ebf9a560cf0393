//! Running `thorax serve`, for requests of the test.

use crate::failure::fail;
use crate::serving::Serving;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use ureq::Agent;

/// Timeout of an answer.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Server {
    process: Serving,
    address: String,
    agent: Agent,
}

impl Server {
    pub(super) fn start(command: Command) -> Result<Self> {
        let process = Serving::start(command)?;
        let agent = Agent::config_builder().timeout_global(Some(PATIENCE)).proxy(None).build().new_agent();
        let Some(address) = process.address() else {
            let message = format!("`thorax serve` says `{}`, no address", process.line);
            return Err(fail(message, "its words are above"));
        };
        Ok(Self { process, address: format!("http://{address}"), agent })
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

    /// Lists the shared libraries in its memory.
    pub(super) fn loaded(&self) -> Result<Vec<PathBuf>> {
        let path = format!("/proc/{}/maps", self.process.id());
        let maps = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{path}`"))?;
        // Address, permissions, offset, device and inode, then the file; a file's name may hold spaces.
        let files = maps.lines().filter_map(|line| Some(PathBuf::from(&line[line.find('/')?..])));
        let libraries =
            files.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains(".so")));
        Ok(libraries.collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// Asks it to end and waits.
    pub(super) fn stop(self) -> Result<()> {
        match self.process.end()? {
            Some(status) if status.success() => Ok(()),
            Some(status) => {
                Err(fail(format!("`thorax serve` ended at TERM with {status}"), "its words are above"))
            }
            None => Err(fail("`thorax serve` goes on after TERM", "see what it waits for")),
        }
    }
}

fn asked(path: &str) -> String {
    format!("`thorax serve` gives no answer to {path}")
}

fn json(path: &str, text: &str) -> Result<Value> {
    serde_json::from_str(text).with_context(|| format!("`thorax serve` answers {path} with no JSON: {text}"))
}
