//! Metadata of the program's crates, from cargo.

use crate::failure::Advice;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::collections::BTreeSet;

/// Package that the program is built from.
const PACKAGE: &str = "cli";

pub(super) struct Metadata(Value);

impl Metadata {
    pub(super) fn read(workspace: &Workspace, host: &str) -> Result<Self> {
        let arguments = ["metadata", "--format-version", "1", "--locked", "--filter-platform", host];
        let output = workspace.cargo().args(arguments).output().context("cannot run cargo")?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
            let advice = Advice::new("cargo cannot say what the program is made of", "mend what it says");
            return Err(anyhow::anyhow!(words).context(advice));
        }
        Ok(Self(serde_json::from_slice(&output.stdout).context("cargo's metadata cannot be read")?))
    }

    pub(super) fn version(&self) -> Result<&str> {
        let package = self.packages().find(|package| self.is_program(package));
        package.and_then(|package| package["version"].as_str()).context("the workspace has no package `cli`")
    }

    fn packages(&self) -> impl Iterator<Item = &Value> {
        list(&self.0["packages"])
    }

    fn is_program(&self, package: &Value) -> bool {
        package["name"] == PACKAGE && self.is_own(package)
    }

    fn is_own(&self, package: &Value) -> bool {
        list(&self.0["workspace_members"]).any(|member| *member == package["id"])
    }

    /// Lists the crates of others that end up in the program: its dependencies, without the ones for builds or tests.
    pub(super) fn others(&self) -> Vec<&Value> {
        let mut reached = BTreeSet::new();
        let mut waiting: Vec<&str> = self
            .packages()
            .filter(|package| self.is_program(package))
            .filter_map(|package| package["id"].as_str())
            .collect();
        while let Some(id) = waiting.pop() {
            if !reached.insert(id) {
                continue;
            }
            let node = list(&self.0["resolve"]["nodes"]).find(|node| node["id"] == id);
            let dependencies = node.into_iter().flat_map(|node| list(&node["deps"]));
            let linked = dependencies
                .filter(|dependency| list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null()));
            waiting.extend(linked.filter_map(|dependency| dependency["pkg"].as_str()));
        }
        let is_reached = |package: &&Value| package["id"].as_str().is_some_and(|id| reached.contains(id));
        let mut others: Vec<&Value> =
            self.packages().filter(is_reached).filter(|package| !self.is_own(package)).collect();
        others.sort_by_key(|package| (package["name"].as_str(), package["version"].as_str()));
        others
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
