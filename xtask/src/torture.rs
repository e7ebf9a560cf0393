//! `cargo xtask torture`: the long tests of what kills and failing disks do, which `cargo test` leaves out.

use crate::fetch;
use crate::workspace::{Workspace, step};
use anyhow::Result;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    fetch::needed(workspace)?;
    // One after the other: moments are drawn over how long a run takes alone.
    let cargo = ["test", "-p", "cli", "--test", "end_to_end", "--"];
    let tests = ["--ignored", "--nocapture", "--test-threads", "1", "torture::", "faults::", "memory::"];
    step(workspace.cargo().args(cargo).args(tests))
}
