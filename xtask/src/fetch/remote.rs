//! Download of one file over HTTP: streamed to disk and hashed on the way, resumed if an earlier call was cut off.

use super::pins::Archive;
use super::progress::Progress;
use crate::failure::Advice;
use anyhow::{Context as _, Result, anyhow};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write as _};
use std::path::Path;
use std::time::Duration;
use ureq::http::header::HeaderName;
use ureq::http::{Response, header};
use ureq::{Agent, Body};

/// Reason why a route failed.
pub(super) enum Fault {
    /// The address cannot be reached or does not offer the pinned file: another route may.
    Unavailable(anyhow::Error),
    /// Error that the user must see: no other route is tried.
    Stop(anyhow::Error),
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        Self::Stop(error)
    }
}

/// Downloads the whole file to `part` and checks its sha256. A part that an interrupted call left is resumed; a file that
/// fails the check is removed.
pub(super) fn download(archive: &Archive, part: &Path) -> Result<(), Fault> {
    let have = part.metadata().map_or(0, |metadata| metadata.len());
    let whole = match archive.bytes {
        Some(bytes) => have == bytes,
        None => have > 0 && digest(part)? == archive.sha256,
    };
    if !whole {
        transfer(archive, part, have)?;
    }
    check(part, &archive.sha256, &archive.url).inspect_err(|_| {
        // It cannot be resumed. If it cannot be removed either, the next call fails in the same way.
        let _ = super::remove(part);
    })?;
    Ok(())
}

fn transfer(archive: &Archive, part: &Path, have: u64) -> Result<(), Fault> {
    let response = match request(archive, have)? {
        // The part on disk is no beginning of the file.
        response if response.status() == 416 && have > 0 => request(archive, 0)?,
        response => response,
    };
    let start = if response.status() == 206 { have } else { 0 };
    let total = archive.bytes.or(length(&response).map(|length| start + length));
    let (url, name) = (&archive.url, &archive.file_name());
    let file = Transfer { url, name, task: "fetch-weights", total, limit: u64::MAX };
    Ok(file.save(response, part, start)?)
}

/// Transfer of a file to disk, with names for messages.
pub(super) struct Transfer<'a> {
    /// Source address.
    pub(super) url: &'a str,
    /// Name in the progress bar.
    pub(super) name: &'a str,
    /// Task that resumes it after it was cut off.
    pub(super) task: &'a str,
    /// Size of the whole file, if known.
    pub(super) total: Option<u64>,
    /// Largest answer, in bytes.
    pub(super) limit: u64,
}

impl Transfer<'_> {
    /// Writes an answer's body to `part`: after its first `start` bytes, which are all of it, or from the beginning.
    pub(super) fn save(&self, response: Response<Body>, part: &Path, start: u64) -> Result<()> {
        let cannot_write = || format!("cannot write `{}`", part.display());
        let resumed = start > 0;
        let mut options = File::options();
        options.create(true).write(true).append(resumed).truncate(!resumed);
        let mut file = options.open(part).with_context(cannot_write)?;
        if resumed {
            eprintln!("going on after {}", indicatif::HumanBytes(start));
        }
        let mut progress = Progress::new(self.name, start, self.total);
        let mut body = response.into_body().into_with_config().limit(self.limit).reader();
        let mut buffer = vec![0; 1 << 16];
        let mut done = start;
        loop {
            let read = body.read(&mut buffer).map_err(|error| self.cut_off(done, error.into()))?;
            if read == 0 {
                break;
            }
            file.write_all(&buffer[..read]).with_context(cannot_write)?;
            done += read as u64;
            progress.add(read as u64);
        }
        progress.finish();
        if self.total.is_some_and(|total| done < total) {
            return Err(self.cut_off(done, anyhow!("the server closed the connection")));
        }
        Ok(())
    }

    fn cut_off(&self, done: u64, cause: anyhow::Error) -> anyhow::Error {
        let of = self.total.map_or_else(String::new, |total| format!(" of {total}"));
        let message = format!("the download of {} was cut off after {done}{of} bytes", self.url);
        let hint = format!("run `cargo xtask {}` again: it goes on from there", self.task);
        cause.context(Advice::new(message, hint))
    }
}

/// Makes the HTTP client: an answer of any status is accepted, and every wait has a limit.
pub(super) fn agent(redirects: u32) -> Agent {
    Agent::config_builder()
        .timeout_resolve(Some(Duration::from_secs(10)))
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .http_status_as_error(false)
        .max_redirects(redirects)
        .timeout_per_read(Some(Duration::from_secs(60))) // a connection that says nothing for a minute is dead
        .build()
        .into()
}

/// Requests the file and returns the answer if it can be the file, or a 416 to a part that the file does not have.
fn request(archive: &Archive, have: u64) -> Result<Response<Body>, Fault> {
    let unavailable =
        |error: anyhow::Error| Fault::Unavailable(error.context(format!("cannot fetch {}", archive.url)));
    // With compression, the bytes counted would not be the file's.
    let mut request = agent(10).get(&archive.url).header(header::ACCEPT_ENCODING, "identity");
    if have > 0 {
        request = request.header(header::RANGE, format!("bytes={have}-"));
    }
    let response = request.call().map_err(|error| unavailable(error.into()))?;
    match response.status().as_u16() {
        200 | 206 => {}
        416 if have > 0 => return Ok(response),
        _ => return Err(unavailable(anyhow!("the server answers `{}`", response.status()))),
    }

    // A proxy's login page answers 200 as well: only an answer that can be the file is written over an earlier part.
    let text = |name| text(&response, name).unwrap_or_default();
    if text(header::CONTENT_TYPE).starts_with("text/") {
        return Err(unavailable(anyhow!("the answer is a text page, not the file")));
    }
    let start = if response.status() == 206 { have } else { 0 };
    if start > 0 && !text(header::CONTENT_RANGE).starts_with(&format!("bytes {start}-")) {
        return Err(unavailable(anyhow!("the server sent another part of the file than asked for")));
    }
    match (archive.bytes, length(&response)) {
        (Some(pinned), Some(length)) if start + length != pinned => Err(unavailable(anyhow!(
            "the server's file has {} bytes, the pinned one {pinned}",
            start + length
        ))),
        _ => Ok(response),
    }
}

/// Returns a header of an answer.
pub(super) fn text(response: &Response<Body>, name: HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// Returns the number of bytes that an answer announces.
pub(super) fn length(response: &Response<Body>) -> Option<u64> {
    text(response, header::CONTENT_LENGTH)?.parse().ok()
}

/// Checks a file that was fetched, or that the user gave.
pub(super) fn check(file: &Path, sha256: &str, whence: &str) -> Result<()> {
    let found = digest(file)?;
    if found == sha256 {
        return Ok(());
    }
    let message = format!("wrong sha256 of {whence}: expected {sha256}, found {found}");
    let hint = "the file is not used; run this again, and if it stays so, get the file elsewhere and use `--from DIR`";
    Err(Advice::new(message, hint).into())
}

/// Computes the sha256 of a file, in hexadecimal.
pub(crate) fn digest(path: &Path) -> Result<String> {
    digest_by::<Sha256>(path)
}

/// Computes the digest of a file by another algorithm, in hexadecimal.
pub(super) fn digest_by<D: Digest>(path: &Path) -> Result<String> {
    let cannot = || format!("cannot read `{}`", path.display());
    let mut file = File::open(path).with_context(cannot)?;
    let mut hasher = D::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = file.read(&mut buffer).with_context(cannot)?;
        if read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
