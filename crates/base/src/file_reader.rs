use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use crate::open_no_link;

/// Opens a regular file for reading, also through a link, which anyone may have put there: waits for no pipe and touches no
/// device.
///
/// # Errors
/// A file that cannot be opened; with the kind `InvalidInput` anything that is no regular file on a disk, such as a pipe, a
/// device, a folder, or a file of the kernel's (`/proc/kmsg`), which may have no end.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // Looked at before it is opened, since opening a device may do something.
    check_regular(&fs::metadata(path)?)?;
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    check_regular(&file.metadata()?)?;
    match is_kernels(&file) {
        true => Err(invalid("it is a file of the kernel's, which may have no end")),
        false => Ok(file),
    }
}

fn check_regular(found: &fs::Metadata) -> io::Result<()> {
    match found.is_file() {
        true => Ok(()),
        false => Err(invalid("it is no file")),
    }
}

fn invalid(problem: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, problem.into())
}

/// Recognises files that only look like regular ones: reading them may wait for events.
#[cfg(target_os = "linux")]
fn is_kernels(file: &File) -> bool {
    // proc, sysfs, debugfs, tracefs, securityfs (`linux/magic.h`).
    const KERNELS: [u64; 5] = [0x9fa0, 0x6265_6572, 0x6462_6720, 0x7472_6163, 0x7363_6673];
    rustix::fs::fstatfs(file).is_ok_and(|found| KERNELS.contains(&(found.f_type as u64)))
}

#[cfg(not(target_os = "linux"))]
fn is_kernels(_: &File) -> bool {
    false
}

/// Reads a regular file of at most `most` bytes.
///
/// # Errors
/// Same as [`open_regular`]; with the kind `FileTooLarge` a file that has more; memory that is not there.
pub fn read_bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_rest(open_regular(path)?, most)
}

/// Reads a regular file of UTF-8 text of at most `most` bytes.
///
/// # Errors
/// Same as [`read_bounded`]; with the kind `InvalidData` a file that is no UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let no_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8 text");
    String::from_utf8(read_bounded(path, most)?).map_err(no_text)
}

/// Reads an open file to its end, which comes after at most `most` bytes.
///
/// # Errors
/// Same as [`read_bounded`].
pub fn read_rest(mut file: File, most: u64) -> io::Result<Vec<u8>> {
    let too_large = || {
        let shown = if most >= 1 << 20 { format!("{} MiB", most >> 20) } else { format!("{most} bytes") };
        io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {shown}"))
    };
    let length = file.metadata()?.len();
    if length > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    read_up_to(&mut file, &mut bytes, length + 1, most.saturating_add(1))?;
    // It may have grown meanwhile.
    if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
}

/// Appends what a file holds from here on, but no more than `most` bytes, to `bytes`. A file with fewer than `expected`
/// takes one read for its content and one for its end, where [`io::Read::read_to_end`] takes several.
///
/// # Errors
/// A file that cannot be read, after what could be read of it; too little memory.
pub fn read_up_to(file: &mut impl Read, bytes: &mut Vec<u8>, expected: u64, most: u64) -> io::Result<()> {
    let (mut end, expected) = (bytes.len(), expected.min(most));
    bytes.try_reserve_exact(expected as usize).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    bytes.resize(end + expected as usize, 0);
    let outcome = loop {
        match file.read(&mut bytes[end..]) {
            Ok(0) => break Ok(()),
            Ok(read) => end += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    let is_full = end == bytes.len();
    bytes.truncate(end);
    outcome?;
    if is_full && expected < most {
        file.take(most - expected).read_to_end(bytes)?;
    }
    Ok(())
}

/// Checks that no other user can have written an open file: a regular file with one name, of this process' user or of root,
/// and for its owner alone to write.
///
/// # Errors
/// With the kind `PermissionDenied` any other file, with what is wrong with it; with the kind `InvalidData` a file of this user
/// that others may write to.
pub fn check_own(file: &File) -> io::Result<()> {
    let found = file.metadata()?;
    let own = rustix::process::geteuid().as_raw();
    let is_open = found.mode() & 0o022 != 0;
    let problem = match found.uid() {
        _ if !found.is_file() => "it is no regular file".to_owned(),
        // A name in a shared folder may be a link to any file of its owner.
        _ if found.nlink() > 1 => "it has other names, too".to_owned(),
        owner if owner == own && is_open => {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "others may write to it"));
        }
        0 if is_open => "others may write to it".to_owned(),
        owner if owner == own || owner == 0 => return Ok(()),
        owner => format!("it belongs to another user ({owner})"),
    };
    Err(io::Error::new(io::ErrorKind::PermissionDenied, problem))
}

/// Opens a file for reading that no other user can have written; see [`check_own`]. No link is followed and no pipe waited for.
///
/// # Errors
/// Same as [`open_no_link`] and [`check_own`].
pub fn open_own(path: &Path) -> io::Result<File> {
    let file = open_no_link(File::options().read(true), path)?;
    check_own(&file)?;
    Ok(file)
}

/// Finds where a path leads: links in its folders are resolved, the last part and what is not there yet stay as named.
///
/// # Errors
/// A folder that cannot be looked at.
pub fn real_place(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    let mut missing = Vec::new();
    let mut folder = absolute.as_path();
    while let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) {
        missing.push(name);
        folder = parent;
        match fs::canonicalize(folder) {
            Ok(mut real) => {
                real.extend(missing.iter().rev());
                return Ok(real);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(absolute)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn fifo(path: &Path) {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("text"), "grüße").unwrap();
        symlink("text", at("link")).unwrap();
        fifo(&at("pipe"));
        symlink("pipe", at("to-pipe")).unwrap();
        symlink("/dev/zero", at("zero")).unwrap();
        assert_eq!(read_text(&at("text"), 7).unwrap(), "grüße");
        assert_eq!(read_text(&at("link"), 7).unwrap(), "grüße");
        for name in ["pipe", "to-pipe", "zero", "."] {
            let error = read_bounded(&at(name), 100).unwrap_err();
            assert_eq!(
                (error.kind(), error.to_string()),
                (io::ErrorKind::InvalidInput, "it is no file".to_owned())
            );
        }
        if cfg!(target_os = "linux") {
            symlink("/proc/version", at("kernel")).unwrap();
            let error = open_regular(&at("kernel")).unwrap_err();
            assert_eq!(error.to_string(), "it is a file of the kernel's, which may have no end");
        }
        assert_eq!(open_regular(&at("absent")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn no_more_is_read_than_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = read_bounded(&path, 1 << 20).unwrap_err();
        assert_eq!(error.to_string(), "it has more than 1 MiB");
        fs::write(&path, b"\xff").unwrap();
        assert_eq!(read_text(&path, 1).unwrap_err().to_string(), "it is no UTF-8 text");
        assert_eq!(read_text(&path, 0).unwrap_err().to_string(), "it has more than 0 bytes");
    }

    #[test]
    fn a_file_is_read_to_its_end_or_to_the_most_that_may_be() {
        let text = b"radiograph";
        for expected in 0..14 {
            for most in 0..14 {
                let mut bytes = b"a ".to_vec();
                read_up_to(&mut &text[..], &mut bytes, expected, most).unwrap();
                let read = text.len().min(most as usize);
                assert_eq!(bytes, [b"a ", &text[..read]].concat(), "{expected} expected of {most}");
            }
        }
        let mut bytes = Vec::new();
        let error = read_up_to(&mut &text[..], &mut bytes, u64::MAX >> 1, u64::MAX).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    }

    #[test]
    fn what_others_can_write_is_not_ones_own() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let refused = |name: &str| open_own(&at(name)).unwrap_err().to_string();
        fs::write(at("x"), "").unwrap();
        fs::set_permissions(at("x"), fs::Permissions::from_mode(0o644)).unwrap();
        open_own(&at("x")).unwrap();
        fs::set_permissions(at("x"), fs::Permissions::from_mode(0o664)).unwrap();
        assert_eq!(refused("x"), "others may write to it");
        fs::set_permissions(at("x"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::hard_link(at("x"), at("y")).unwrap();
        assert_eq!(refused("x"), "it has other names, too");
        fs::remove_file(at("y")).unwrap();
        symlink("x", at("y")).unwrap();
        assert_eq!(refused("y"), "it is a symbolic link");
        // Only root can give a file away.
        if std::os::unix::fs::chown(at("x"), Some(4242), None).is_ok() {
            assert_eq!(refused("x"), "it belongs to another user (4242)");
        }
    }

    #[test]
    fn links_in_folders_are_resolved_and_the_rest_stays_as_named() {
        let folder = tempfile::tempdir().unwrap();
        let real = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir(real.join("a")).unwrap();
        symlink("a", real.join("b")).unwrap();
        assert_eq!(real_place(&real.join("b/x/y")).unwrap(), real.join("a/x/y"));
        assert_eq!(real_place(&real.join("b")).unwrap(), real.join("b"));
    }
}
