//! Measurement of one process: its wall time and its peak memory.

use crate::failure::fail;
use crate::workspace::shown;
use anyhow::{Context as _, Result};
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Resources that a process used, and its stdout.
pub(super) struct Measured {
    pub(super) seconds: f64,
    pub(super) peak_memory_bytes: u64,
    pub(super) stdout: String,
}

/// Runs a command to its end. Its stderr is passed to the user; anything but exit code 0 is an error.
#[expect(unsafe_code, reason = "std waits without the resource usage; wait4 is what tells it")]
pub(super) fn measure(command: &mut Command) -> Result<Measured> {
    let shown = shown(command);
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run `{shown}`"))?;
    let mut stdout = Vec::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_end(&mut stdout).with_context(|| format!("cannot read what `{shown}` says"))?;
    }
    let pid = libc::pid_t::try_from(child.id()).context("a process id out of range")?;
    let mut status = 0;
    // SAFETY: all-zero bytes are a valid `rusage`, which holds integers only.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live values of the types that wait4 fills; the child was not waited for yet.
        if unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) } == pid {
            break;
        }
        let error = std::io::Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(error).with_context(|| format!("cannot wait for `{shown}`"));
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    if status != 0 {
        use std::os::unix::process::ExitStatusExt as _;
        let status = std::process::ExitStatus::from_raw(status);
        return Err(fail(
            format!("`{shown}` failed ({status})"),
            "its own words are above; mend that and run this again",
        ));
    }
    // Linux counts in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let peak_memory_bytes = u64::try_from(usage.ru_maxrss).unwrap_or(0) * unit;
    let stdout = String::from_utf8_lossy(&stdout).into_owned();
    Ok(Measured { seconds, peak_memory_bytes, stdout })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(code: &str) -> Result<Measured> {
        measure(Command::new("python3").args(["-c", code]))
    }

    #[test]
    fn time_memory_and_stdout_are_the_childs() {
        let small = python("print('x')").expect("python3 runs");
        let large = python("import time; held = b'1' * (200 << 20); time.sleep(0.3); print('y')")
            .expect("python3 runs");
        assert_eq!((small.stdout.as_str(), large.stdout.as_str()), ("x\n", "y\n"));
        assert!(large.seconds >= 0.3, "{}", large.seconds);
        let more = large.peak_memory_bytes.saturating_sub(small.peak_memory_bytes);
        assert!((190 << 20..300 << 20).contains(&more), "{more}");
    }

    #[test]
    fn a_failing_child_is_an_error_with_its_status() {
        let error = python("import sys; sys.exit(3)").err().expect("it fails");
        assert!(error.to_string().ends_with("failed (exit status: 3)"), "{error}");
        let error = python("import os; os.kill(os.getpid(), 9)").err().expect("it is killed");
        assert!(error.to_string().contains("signal: 9"), "{error}");
        let error = measure(&mut Command::new("/nowhere/at-all")).err().expect("it is not there");
        assert!(error.to_string().contains("cannot run `at-all`"), "{error}");
    }
}
