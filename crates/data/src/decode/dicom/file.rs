//! The head of a DICOM file (PS3.10, chapter 7), and its data set as bytes.
//!
//! The encoding of a data set is taken from its first element wherever that can be told: transfer syntaxes are wrong
//! often enough, since programs decompress or convert files and leave the old one in their head.

use std::{borrow::Cow, io::Read as _};

use super::{
    CutOff, damaged,
    names::{Coding, Syntax, syntax},
    reader::{Content, Encoding, Reader},
};
use crate::{DecodeError, Decoding};

const MEDIA_STORAGE_SOP_CLASS: u32 = 0x0002_0002;
const TRANSFER_SYNTAX: u32 = 0x0002_0010;
/// Encoding of the group of the file itself, whatever follows.
const OF_HEAD: Encoding = Encoding { explicit: true, big_endian: false };

/// Head of a file: what it says of itself, and the bytes of its data set.
pub(super) struct FileMeta<'a> {
    syntax: Syntax,
    pub(super) sop_class: Option<&'a str>,
    bytes: &'a [u8],
}

/// Data set with its encoding.
pub(super) struct DataSet<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    pub(super) encoding: Encoding,
}

/// Reads the group of the file itself, where there is one.
pub(super) fn head(bytes: &[u8]) -> Result<FileMeta<'_>, DecodeError> {
    let marked = bytes.get(128..132) == Some(b"DICM");
    let bytes = if marked { &bytes[132..] } else { bytes };
    let (mut uid, mut sop_class, mut end) = (None, None, 0);
    let mut reader = Reader::new(bytes, OF_HEAD);
    while bytes.get(end..end + 2) == Some(&[2, 0]) {
        let Some(element) = reader.next()? else { break };
        end = reader.position();
        if let Content::Value { bytes, .. } = element.content {
            let text = || std::str::from_utf8(bytes).ok().map(|text| text.trim_matches([' ', '\0']));
            match element.tag {
                TRANSFER_SYNTAX => uid = text().filter(|uid| !uid.is_empty()),
                MEDIA_STORAGE_SOP_CLASS => sop_class = text(),
                _ => {}
            }
        }
    }
    let unknown = Syntax { encoding: OF_HEAD, deflated: false, coding: Coding::Native };
    Ok(FileMeta { syntax: uid.map_or(unknown, syntax), sop_class, bytes: &bytes[end..] })
}

impl<'a> FileMeta<'a> {
    /// Returns the coding of the pixels, by the file's own words.
    pub(super) fn coding(&self) -> Coding {
        self.syntax.coding
    }

    /// Returns the data set as it is stored, with its encoding; none where it may be deflated.
    pub(super) fn stored_data_set(&self) -> Option<(&'a [u8], Encoding)> {
        encoding(self.bytes).map(|encoding| (self.bytes, encoding))
    }

    /// Returns the data set, inflated where it is deflated, to no more than images of the size allowed can take.
    pub(super) fn data_set(&self, decoding: &Decoding) -> Result<DataSet<'a>, DecodeError> {
        let is_declared = self.syntax.deflated;
        if let Some(encoding) = encoding(self.bytes) {
            return Ok(DataSet { bytes: Cow::Borrowed(self.bytes), encoding });
        }
        match inflated(self.bytes, decoding) {
            Ok(bytes) if is_declared || encoding(&bytes).is_some() => {
                let encoding = encoding(&bytes).unwrap_or(self.syntax.encoding);
                Ok(DataSet { bytes: Cow::Owned(bytes), encoding })
            }
            Err(error) if is_declared => Err(error),
            _ => Ok(DataSet { bytes: Cow::Borrowed(self.bytes), encoding: self.syntax.encoding }),
        }
    }
}

/// Bytes at the beginning that tell how a data set is written.
const LOOKED_AT: usize = 132;

/// Finds the encoding of a data set that begins with these bytes, if it is one: an element of a group that data sets
/// begin with, and elements in ascending order for as far as [`LOOKED_AT`] bytes show.
pub(super) fn encoding(bytes: &[u8]) -> Option<Encoding> {
    let bytes = &bytes[..bytes.len().min(LOOKED_AT)];
    let encodings = [(true, false), (true, true), (false, false)];
    let mut encodings = encodings.into_iter().map(|(explicit, big_endian)| Encoding { explicit, big_endian });
    encodings.find(|encoding| is_plausible(bytes, *encoding))
}

fn is_plausible(bytes: &[u8], encoding: Encoding) -> bool {
    let (mut at, mut last, mut count) = (0, None, 0);
    // Elements that alone are enough where they are short: length of the group, character set, image type, dates, UIDs.
    let mut is_known = false;
    while let Some(&[a, b, c, d, e, f, g, h]) = bytes.get(at..at + 8) {
        let (group, number) = (encoding.word([a, b]), encoding.word([c, d]));
        let tag = u32::from(group) << 16 | u32::from(number);
        let in_order = match last {
            None => matches!(group, 0x02 | 0x08 | 0x10 | 0x18 | 0x20 | 0x28),
            Some(last) => tag > last && group <= 0x7fe0,
        };
        if !in_order {
            return false;
        }
        let (header, length) = if encoding.explicit {
            match &[e, f] {
                kind if LONG.contains(&kind) => {
                    let Some(&[i, j, k, l]) = bytes.get(at + 8..at + 12) else { return true };
                    (12, encoding.long([i, j, k, l]))
                }
                kind if SHORT.contains(&kind) => (8, encoding.word([g, h]).into()),
                // An element without a type, behind one that has one.
                _ => return count > 0,
            }
        } else {
            let length = encoding.long([e, f, g, h]);
            is_known |= group == 8 && matches!(number, 0x00..=0x20) && (2..=128).contains(&length);
            if length % 2 == 1 && length != u32::MAX {
                return false;
            }
            (8, length)
        };
        (last, count) = (Some(tag), count + 1);
        at = at.saturating_add(header).saturating_add(length as usize);
    }
    count > usize::from(!encoding.explicit && !is_known)
}

/// Types of values whose length has 32 bits, and all others (PS3.5, 6.2).
const LONG: [&[u8; 2]; 13] =
    [b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"];
const SHORT: [&[u8; 2]; 21] = [
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL",
    b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
];

fn inflated(bytes: &[u8], decoding: &Decoding) -> Result<Vec<u8>, DecodeError> {
    let most = decoding.max_pixels.saturating_mul(4);
    let mut inflated = Vec::new();
    flate2::read::DeflateDecoder::new(bytes)
        .take(most.saturating_add(1))
        .read_to_end(&mut inflated)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => CutOff,
            _ => damaged("it cannot be inflated"),
        })?;
    if inflated.len() as u64 > most {
        return Err(DecodeError::Unsupported("it needs too much memory".to_owned()));
    }
    Ok(inflated)
}
