//! Check of free disk space before a download.

use crate::failure::fail;
use anyhow::Result;
use indicatif::HumanBytes;
use std::path::Path;

/// Fails if a path's file system surely has no room for so many bytes.
pub(super) fn check(path: &Path, needed: u64) -> Result<()> {
    match path.parent().and_then(free) {
        Some(free) => compare(path.parent().unwrap_or(path), needed, free),
        None => Ok(()), // then the write itself says so
    }
}

fn compare(folder: &Path, needed: u64, free: u64) -> Result<()> {
    if needed <= free {
        return Ok(());
    }
    let (needed, free) = (HumanBytes(needed), HumanBytes(free));
    let message = format!("the data set needs {needed} more, and `{}` has {free} free", folder.display());
    Err(fail(message, "free some disk space and run this again: what was downloaded is kept"))
}

/// Returns the bytes that this user may still write to a folder's file system.
#[cfg(unix)]
#[expect(unsafe_code, reason = "statvfs has no safe wrapper in std")]
fn free(folder: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt as _;
    let path = std::ffi::CString::new(folder.as_os_str().as_bytes()).ok()?;
    let mut answer = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: both pointers are valid for the call, and the answer is read only where it was written.
    let answer = unsafe {
        if libc::statvfs(path.as_ptr(), answer.as_mut_ptr()) != 0 {
            return None;
        }
        answer.assume_init()
    };
    #[allow(
        clippy::unnecessary_cast,
        clippy::useless_conversion,
        reason = "the types differ between systems"
    )]
    Some(u64::from(answer.f_bavail).saturating_mul(answer.f_frsize as u64))
}

#[cfg(not(unix))]
fn free(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_space_is_said_with_both_figures() {
        let error = compare(Path::new("data"), 3 << 30, 1 << 30).expect_err("it does not fit");
        let message = "the data set needs 3.00 GiB more, and `data` has 1.00 GiB free";
        assert_eq!(error.to_string(), message);
        assert!(compare(Path::new("data"), 1 << 30, 1 << 30).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_says_what_is_free() {
        let folder = std::env::temp_dir();
        assert!(free(&folder).is_some_and(|free| free > 0));
        assert!(free(&folder.join("nothing of that name")).is_none());
        check(&folder.join("file"), u64::MAX).expect_err("no disk is that large");
    }
}
