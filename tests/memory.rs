//! Test that the memory of training does not grow with its epochs.

use std::{fs, process::Stdio, thread, time::Duration};

use crate::world::World;

/// Returns the resident memory of a process, in kB.
fn resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[test]
#[ignore = "takes minutes: `cargo xtask torture` runs it"]
#[expect(clippy::print_stderr, reason = "how much it was is worth seeing")]
fn two_hundred_epochs_take_no_more_memory_than_ten() {
    let world = World::new();
    world.thorax(&["data", "sample", "--out", "sample"]).ok();
    let flags = ["train", "--data", "sample", "--epochs", "200", "--patience", "200", "--out", "run"];
    let mut command = world.command(&flags);
    // Memory as a user's run takes it.
    command.env_remove("GLIBC_TUNABLES");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (mut tenth, mut most, mut epochs) = (None, 0, 0);
    while child.try_wait().unwrap().is_none() {
        let history = fs::read_to_string(world.path("run/history.csv")).unwrap_or_default();
        epochs = history.lines().count().saturating_sub(1);
        // Memory of the tests after the last epoch does not count.
        if let (10..200, Some(now)) = (epochs, resident(child.id())) {
            most = most.max(now);
            tenth.get_or_insert(now);
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(epochs, 200);
    let tenth = tenth.unwrap();
    let growth = most as f64 / tenth as f64 - 1.0;
    eprintln!("after epoch 10: {tenth} kB, at most {most} kB up to epoch 200: {:+.1} %", 100.0 * growth);
    assert!(growth <= 0.05, "{tenth} kB grew to {most} kB");
}
