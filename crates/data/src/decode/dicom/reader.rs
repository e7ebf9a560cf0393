//! The elements of a DICOM data set (PS3.5, chapter 7), without their meaning.
//!
//! Values are slices of the file: nothing is reserved by a length that it announces, and sequences are stepped over
//! without recursion, however deep they are.

use super::{CutOff, damaged};
use crate::DecodeError;

/// (7FE0,0010).
pub(super) const PIXEL_DATA: u32 = 0x7fe0_0010;

const ITEM: u32 = 0xfffe_e000;
const ITEM_END: u32 = 0xfffe_e00d;
const SEQUENCE_END: u32 = 0xfffe_e0dd;
/// The length of what goes on until its delimiter.
const OPEN: u32 = u32::MAX;

/// An element: group and number in one, and what it holds.
pub(super) struct Element<'a> {
    pub(super) tag: u32,
    pub(super) content: Content<'a>,
}

pub(super) enum Content<'a> {
    /// A value, or the items of a sequence.
    Value(&'a [u8]),
    /// Compressed pixel data: the offset table, then the fragments.
    Fragments(Vec<&'a [u8]>),
}

/// Reads elements in order, little endian.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    explicit: bool,
}

struct Header {
    tag: u32,
    /// How the elements nested in it are written.
    explicit: bool,
    length: u32,
}

/// What encloses the next header.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Sequence,
    Item,
}

impl<'a> Reader<'a> {
    /// `explicit`: whether each element names the type of its value.
    pub(super) fn new(bytes: &'a [u8], explicit: bool) -> Self {
        Self { bytes, at: 0, explicit }
    }

    /// How many bytes have been read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next element, or none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Element<'a>>, DecodeError> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let header = self.header(self.explicit)?;
        let content = match (header.tag, header.length) {
            (PIXEL_DATA, OPEN) => Content::Fragments(self.fragments()?),
            (_, OPEN) => Content::Value(self.open(Level::Sequence, header.explicit)?),
            (_, length) => Content::Value(self.take(length)?),
        };
        Ok(Some(Element { tag: header.tag, content }))
    }

    /// The first item of a sequence's value, if it has one.
    pub(super) fn first_item(value: &'a [u8], explicit: bool) -> Result<Option<&'a [u8]>, DecodeError> {
        let mut reader = Self::new(value, explicit);
        if value.is_empty() {
            return Ok(None);
        }
        match reader.header(explicit)? {
            Header { tag: ITEM, length: OPEN, .. } => reader.open(Level::Item, explicit).map(Some),
            Header { tag: ITEM, length, .. } => reader.take(length).map(Some),
            _ => Err(damaged("a sequence does not begin with an item")),
        }
    }

    fn take(&mut self, length: u32) -> Result<&'a [u8], DecodeError> {
        let end = self.at.checked_add(length as usize).ok_or(CutOff)?;
        let value = self.bytes.get(self.at..end).ok_or(CutOff)?;
        self.at = end;
        Ok(value)
    }

    fn u16(&mut self) -> Result<u16, DecodeError> {
        let bytes = self.take(2)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from(self.u16()?) | u32::from(self.u16()?) << 16)
    }

    fn header(&mut self, explicit: bool) -> Result<Header, DecodeError> {
        let tag = u32::from(self.u16()?) << 16 | u32::from(self.u16()?);
        if !explicit || tag >> 16 == 0xfffe {
            return Ok(Header { tag, explicit, length: self.u32()? });
        }
        let kind = self.take(2)?;
        if !kind.iter().all(u8::is_ascii_uppercase) {
            return Err(damaged("a value has no type"));
        }
        let long = matches!(
            kind,
            b"OB"
                | b"OD"
                | b"OF"
                | b"OL"
                | b"OV"
                | b"OW"
                | b"SQ"
                | b"SV"
                | b"UC"
                | b"UN"
                | b"UR"
                | b"UT"
                | b"UV"
        );
        let length = match long {
            true => {
                self.take(2)?;
                self.u32()?
            }
            false => self.u16()?.into(),
        };
        // What is of unknown type and open is written without types (PS3.5, 6.2.2).
        Ok(Header { tag, explicit: kind != b"UN", length })
    }

    /// Steps over an open sequence or item and its delimiter; what is between.
    fn open(&mut self, level: Level, explicit: bool) -> Result<&'a [u8], DecodeError> {
        let start = self.at;
        let mut open = vec![(level, explicit)];
        while let Some(&(level, explicit)) = open.last() {
            let end = self.at;
            let header = self.header(explicit)?;
            match (level, header.tag, header.length) {
                (Level::Sequence, SEQUENCE_END, _) | (Level::Item, ITEM_END, _) => {
                    open.pop();
                    if open.is_empty() {
                        return Ok(&self.bytes[start..end]);
                    }
                }
                (Level::Sequence, ITEM, OPEN) => open.push((Level::Item, explicit)),
                (Level::Sequence, ITEM, length) => drop(self.take(length)?),
                (Level::Sequence, ..) => return Err(damaged("a sequence holds what is no item")),
                (Level::Item, _, OPEN) => open.push((Level::Sequence, header.explicit)),
                (Level::Item, _, length) => drop(self.take(length)?),
            }
        }
        Err(CutOff)
    }

    fn fragments(&mut self) -> Result<Vec<&'a [u8]>, DecodeError> {
        let mut fragments = Vec::new();
        loop {
            // Nothing is missing but the delimiter.
            if self.at == self.bytes.len() && fragments.len() > 1 {
                return Ok(fragments);
            }
            match self.header(false)? {
                Header { tag: ITEM, length, .. } => fragments.push(self.take(length)?),
                Header { tag: SEQUENCE_END, .. } => return Ok(fragments),
                _ => return Err(damaged("its pixels are in no order")),
            }
        }
    }
}
