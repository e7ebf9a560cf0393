//! The elements of a DICOM data set (PS3.5, chapter 7), without their meaning.
//!
//! Values are slices of the file: nothing is reserved by a length that it announces, and sequences are stepped over
//! without recursion, however deep they are.

use super::damage::damaged;
use crate::DecodeError;
use crate::DecodeError::CutOff;

/// Tag of the pixel data, (7FE0,0010).
pub(super) const PIXEL_DATA: u32 = 0x7fe0_0010;

const ITEM: u32 = 0xfffe_e000;
const ITEM_END: u32 = 0xfffe_e00d;
const SEQUENCE_END: u32 = 0xfffe_e0dd;
/// Length of an element that ends at its delimiter.
const OPEN: u32 = u32::MAX;

/// Byte order of a data set, and whether its elements name the types of their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Encoding {
    /// Each element names the type of its value.
    pub(super) explicit: bool,
    /// The upper byte of a number comes first.
    pub(super) big_endian: bool,
}

impl Encoding {
    pub(super) fn word(self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    pub(super) fn long(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}

/// An element: group and number in one, and what it holds.
pub(super) struct Element<'a> {
    pub(super) tag: u32,
    pub(super) content: Content<'a>,
}

pub(super) enum Content<'a> {
    /// A value, or the items of a sequence.
    Value {
        bytes: &'a [u8],
        /// Words of 16 bits (OW), whatever is in them.
        of_words: bool,
    },
    /// Compressed pixel data: the offset table, then the fragments.
    Fragments(Vec<&'a [u8]>),
}

/// Reads elements in order.
///
/// Faults that other readers put up with are put up with: an element without a type among others with types, which
/// is what writers make that take a sequence from another file, and a sequence or an item without its delimiter.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    encoding: Encoding,
}

struct ElementHeader {
    tag: u32,
    of_words: bool,
    /// True where the elements nested in it name the types of their values.
    explicit: bool,
    length: u32,
}

/// Kind of element that encloses the next header.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Sequence,
    Item,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], encoding: Encoding) -> Self {
        Self { bytes, at: 0, encoding }
    }

    /// Returns the number of bytes that have been read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next element, or none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Element<'a>>, DecodeError> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let ElementHeader { tag, of_words, explicit, length } = self.header(self.encoding.explicit)?;
        let value = |bytes| Content::Value { bytes, of_words };
        let content = match (tag, length) {
            (PIXEL_DATA, OPEN) => Content::Fragments(self.fragments()?),
            (_, OPEN) => value(self.open(Level::Sequence, explicit)?),
            (_, length) => value(self.take(length)?),
        };
        Ok(Some(Element { tag, content }))
    }

    /// The `index`-th item of a sequence's value, if it has so many.
    pub(super) fn item(
        value: &'a [u8],
        index: usize,
        encoding: Encoding,
    ) -> Result<Option<&'a [u8]>, DecodeError> {
        let mut reader = Self::new(value, encoding);
        for i in 0.. {
            if reader.at == value.len() {
                break;
            }
            let item = match reader.header(encoding.explicit)? {
                ElementHeader { tag: SEQUENCE_END, .. } => break,
                ElementHeader { tag: ITEM, length: OPEN, .. } => {
                    let start = reader.at;
                    // Without its delimiter it is all that is left.
                    reader.open(Level::Item, encoding.explicit).unwrap_or_else(|_| {
                        reader.at = value.len();
                        &value[start..]
                    })
                }
                ElementHeader { tag: ITEM, length, .. } => reader.take(length)?,
                _ => return Err(damaged("a sequence holds what is no item")),
            };
            if i == index {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    fn take(&mut self, length: u32) -> Result<&'a [u8], DecodeError> {
        let end = self.at.checked_add(length as usize).ok_or(CutOff)?;
        let value = self.bytes.get(self.at..end).ok_or(CutOff)?;
        self.at = end;
        Ok(value)
    }

    fn u16(&mut self) -> Result<u16, DecodeError> {
        let bytes = self.take(2)?;
        Ok(self.encoding.word([bytes[0], bytes[1]]))
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        let bytes = self.take(4)?;
        Ok(self.encoding.long([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn header(&mut self, explicit: bool) -> Result<ElementHeader, DecodeError> {
        let tag = u32::from(self.u16()?) << 16 | u32::from(self.u16()?);
        let untyped = |length| ElementHeader { tag, of_words: tag == PIXEL_DATA, explicit, length };
        if !explicit || tag >> 16 == 0xfffe {
            return Ok(untyped(self.u32()?));
        }
        let kind = self.bytes.get(self.at..self.at + 2).ok_or(CutOff)?;
        // What is below a word that is no type is the length.
        if !kind.iter().all(u8::is_ascii_uppercase) {
            return Ok(untyped(self.u32()?));
        }
        self.at += 2;
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
        Ok(ElementHeader { tag, of_words: kind == b"OW", explicit: kind != b"UN", length })
    }

    /// Steps over an open sequence or item and its delimiter; returns what is between.
    fn open(&mut self, level: Level, explicit: bool) -> Result<&'a [u8], DecodeError> {
        let start = self.at;
        let mut open = vec![(level, explicit)];
        while let Some(&(level, explicit)) = open.last() {
            let end = self.at;
            let header = self.header(explicit)?;
            let ends = match (level, header.tag, header.length) {
                (Level::Sequence, SEQUENCE_END, _) | (Level::Item, ITEM_END, _) => true,
                (Level::Sequence, ITEM, OPEN) => {
                    open.push((Level::Item, explicit));
                    false
                }
                (Level::Sequence, ITEM, length) => self.take(length).map(|_| false)?,
                // The delimiter is missing: what follows belongs to what is around it.
                (Level::Sequence, ..) | (Level::Item, ITEM | SEQUENCE_END, _) => {
                    self.at = end;
                    true
                }
                (Level::Item, _, OPEN) => {
                    open.push((Level::Sequence, header.explicit));
                    false
                }
                (Level::Item, _, length) => self.take(length).map(|_| false)?,
            };
            if ends {
                open.pop();
                if open.is_empty() {
                    return Ok(&self.bytes[start..end]);
                }
            }
        }
        Err(CutOff)
    }

    fn fragments(&mut self) -> Result<Vec<&'a [u8]>, DecodeError> {
        let mut fragments = Vec::new();
        loop {
            // Nothing is missing but the delimiter.
            let enough = fragments.len() > 1;
            if self.at == self.bytes.len() && enough {
                return Ok(fragments);
            }
            match self.header(false)? {
                ElementHeader { tag: ITEM, length, .. } => fragments.push(self.take(length)?),
                ElementHeader { tag: SEQUENCE_END, .. } => return Ok(fragments),
                _ if enough => return Ok(fragments),
                _ => return Err(damaged("its pixels are in no order")),
            }
        }
    }
}
