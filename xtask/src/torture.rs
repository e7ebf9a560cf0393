//! `cargo xtask torture`: the long tests of killed runs and failing disks, which `cargo test` leaves out.

use crate::fetch;
use crate::workspace::{Workspace, step};
use anyhow::Result;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    fetch::needed(workspace)?;
    // One after the other: the moments of kills are drawn over the duration of a run that has the machine to itself.
    let cargo = ["test", "--workspace", "--test", "end_to_end", "--"];
    let tests = ["--ignored", "--nocapture", "--test-threads", "1", "torture::", "faults::", "memory::"];
    step(workspace.cargo().args(cargo).args(tests))
}
