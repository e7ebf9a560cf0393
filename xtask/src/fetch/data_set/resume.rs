//! Download of the archive: it resumes after an interruption, but only if the server still has the same file.
//!
//! Beside the partial file lies a note of what the server announced for the whole one: its ETag, length and md5.

use super::super::{Depot, remote, remove};
use super::kaggle::{Pins, Rest};
use super::space;
use super::token::KaggleToken;
use crate::failure::fail;
use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use ureq::Body;
use ureq::http::{Response, header};

const PART: &str = "archive.part";
const NOTE: &str = "archive.json";

/// Largest archive: one of more than ten times the present size cannot be this data set.
const MAX_BYTES: u64 = 10 << 30;

/// Facts that the server announced for the whole file.
#[derive(Serialize, Deserialize, Default)]
struct Note {
    etag: Option<String>,
    length: Option<u64>,
    /// Digest in hexadecimal.
    md5: Option<String>,
}

/// Downloads the whole archive into the depot and checks it against the facts that the server announced.
pub(super) fn download(pins: &Pins, depot: &Depot) -> Result<PathBuf> {
    let part = depot.path(PART);
    let (mut note, have) = left(depot);
    if !(have > 0 && note.length == Some(have)) {
        note = transfer(pins, depot, note, have)?;
    }
    let Some(expected) = &note.md5 else { return Ok(part) };
    let found = remote::digest_by::<Md5>(&part)?;
    if found == *expected {
        return Ok(part);
    }
    forget(depot)?;
    let message = format!("wrong md5 of {}: expected {expected}, found {found}", pins.url);
    Err(fail(message, format!("the file is not used; run this again, or {}", pins.by_hand())))
}

/// Removes what was downloaded, so that the next call starts again.
pub(super) fn forget(depot: &Depot) -> Result<()> {
    remove(&depot.path(PART))?;
    remove(&depot.path(NOTE))
}

/// Returns the remains of an earlier call: the note, and the number of bytes beside it.
fn left(depot: &Depot) -> (Note, u64) {
    let have = depot.path(PART).metadata().map_or(0, |metadata| metadata.len());
    let note = std::fs::read(depot.path(NOTE)).ok().and_then(|text| serde_json::from_slice(&text).ok());
    (note.unwrap_or_default(), have)
}

fn transfer(pins: &Pins, depot: &Depot, note: Note, have: u64) -> Result<Note> {
    let token = KaggleToken::find()?;
    // A weak ETag does not promise equal bytes (RFC 9110, 13.1.5).
    let mark = note.etag.as_deref().filter(|etag| !etag.starts_with("W/"));
    let sensible = have > 0 && note.length.is_none_or(|length| have < length);
    let rest = mark.filter(|_| sensible).map(|etag| Rest { start: have, etag });
    let mut response = pins.ask(token.as_ref(), rest.as_ref())?;
    let resumed = rest.as_ref().is_some_and(|rest| is_rest(&response, rest, &note));
    if !resumed && response.status() != 200 {
        response = pins.ask(token.as_ref(), None)?;
    }
    let (note, start) = if resumed { (note, have) } else { (anew(depot, &response)?, 0) };
    if let Some(length) = note.length {
        if length > MAX_BYTES {
            let message = format!("the server's archive has {length} bytes, which is none of this data set");
            return Err(fail(message, pins.by_hand()));
        }
        // It is unpacked to about its own size.
        space::check(&depot.path(PART), length.saturating_sub(start).saturating_add(length))?;
    }
    let (url, name) = (&pins.url, "the data set");
    let file = remote::Transfer { url, name, task: "fetch-data", total: note.length, limit: MAX_BYTES };
    file.save(response, &depot.path(PART), start)?;
    Ok(note)
}

/// Tells if an answer is the part asked for: the rest of the file whose beginning is there.
fn is_rest(response: &Response<Body>, rest: &Rest<'_>, note: &Note) -> bool {
    let range = remote::text(response, header::CONTENT_RANGE).unwrap_or_default();
    let Some((place, whole)) = range.rsplit_once('/') else { return false };
    let same = |said: Option<&str>| said.is_none_or(|said| said == rest.etag);
    response.status() == 206
        && place.starts_with(&format!("bytes {}-", rest.start))
        && (whole == "*" || note.length.is_none_or(|length| whole.parse() == Ok(length)))
        && same(remote::text(response, header::ETAG))
}

/// Starts again: nothing of the old file is left once the note is about the new one.
fn anew(depot: &Depot, response: &Response<Body>) -> Result<Note> {
    forget(depot)?;
    let note = Note {
        etag: remote::text(response, header::ETAG).map(str::to_owned),
        length: remote::length(response),
        md5: announced_md5(response),
    };
    let path = depot.path(NOTE);
    let text = serde_json::to_vec(&note)?;
    std::fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(note)
}

/// Returns the md5 that the storage host announces: `x-goog-hash: crc32c=…,md5=…`, in base64.
fn announced_md5(response: &Response<Body>) -> Option<String> {
    let values = response.headers().get_all("x-goog-hash").into_iter();
    let mut parts = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let text = parts.find_map(|part| part.trim().strip_prefix("md5="))?;
    let bytes = STANDARD.decode(text).ok()?;
    (bytes.len() == 16).then(|| remote::hex(&bytes))
}
