//! The head of a DICOM file (PS3.10, chapter 7), and its data set as bytes.

use std::{borrow::Cow, io::Read as _};

use super::{
    CutOff, damaged,
    names::{Coding, Syntax, syntax},
    reader::{Content, Reader},
};
use crate::{DecodeError, Decoding};

const MEDIA_STORAGE_SOP_CLASS: u32 = 0x0002_0002;
const TRANSFER_SYNTAX: u32 = 0x0002_0010;

/// What the file says of itself, and where its data set begins.
pub(super) struct Head<'a> {
    pub(super) syntax: Syntax,
    pub(super) sop_class: Option<&'a str>,
    data_set: &'a [u8],
}

/// Reads the group of the file itself, where there is one; otherwise its data set shows how it is written.
pub(super) fn head(bytes: &[u8]) -> Result<Head<'_>, DecodeError> {
    let marked = bytes.get(128..132) == Some(b"DICM");
    let bytes = if marked { &bytes[132..] } else { bytes };
    let (mut uid, mut sop_class, mut end) = (None, None, 0);
    let mut reader = Reader::new(bytes, true);
    while bytes.get(end..end + 2) == Some(&[2, 0]) {
        let Some(element) = reader.next()? else { break };
        end = reader.position();
        if let Content::Value(value) = element.content {
            let text = || std::str::from_utf8(value).ok().map(|text| text.trim_matches([' ', '\0']));
            match element.tag {
                TRANSFER_SYNTAX => uid = text(),
                MEDIA_STORAGE_SOP_CLASS => sop_class = text(),
                _ => {}
            }
        }
    }
    let data_set = &bytes[end..];
    let syntax = match uid {
        Some(uid) => syntax(uid),
        None => {
            let explicit = data_set.get(4..6).ok_or(CutOff)?.iter().all(u8::is_ascii_uppercase);
            Syntax { explicit, deflated: false, coding: Coding::Native }
        }
    };
    Ok(Head { syntax, sop_class, data_set })
}

impl<'a> Head<'a> {
    /// The data set, inflated where it is deflated, to no more than images of the size allowed can take.
    pub(super) fn data_set(&self, decoding: &Decoding) -> Result<Cow<'a, [u8]>, DecodeError> {
        if !self.syntax.deflated {
            return Ok(Cow::Borrowed(self.data_set));
        }
        let most = decoding.max_pixels.saturating_mul(4);
        let mut inflated = Vec::new();
        flate2::read::DeflateDecoder::new(self.data_set)
            .take(most.saturating_add(1))
            .read_to_end(&mut inflated)
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => CutOff,
                _ => damaged("it cannot be inflated"),
            })?;
        if inflated.len() as u64 > most {
            return Err(DecodeError::Unsupported("it needs too much memory".to_owned()));
        }
        Ok(Cow::Owned(inflated))
    }
}
