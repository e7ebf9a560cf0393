//! The few attributes that pixels depend on. Of all others, those of the patient first, no value is kept or looked at.

use super::{
    damaged,
    reader::{Content, PIXEL_DATA, Reader},
};
use crate::DecodeError;

pub(super) const SOP_CLASS: u32 = 0x0008_0016;
pub(super) const MODALITY: u32 = 0x0008_0060;
pub(super) const SAMPLES_PER_PIXEL: u32 = 0x0028_0002;
pub(super) const PHOTOMETRIC_INTERPRETATION: u32 = 0x0028_0004;
pub(super) const PLANAR_CONFIGURATION: u32 = 0x0028_0006;
pub(super) const NUMBER_OF_FRAMES: u32 = 0x0028_0008;
pub(super) const ROWS: u32 = 0x0028_0010;
pub(super) const COLUMNS: u32 = 0x0028_0011;
pub(super) const BITS_ALLOCATED: u32 = 0x0028_0100;
pub(super) const BITS_STORED: u32 = 0x0028_0101;
pub(super) const HIGH_BIT: u32 = 0x0028_0102;
pub(super) const PIXEL_REPRESENTATION: u32 = 0x0028_0103;
pub(super) const WINDOW_CENTER: u32 = 0x0028_1050;
pub(super) const WINDOW_WIDTH: u32 = 0x0028_1051;
pub(super) const RESCALE_INTERCEPT: u32 = 0x0028_1052;
pub(super) const RESCALE_SLOPE: u32 = 0x0028_1053;
pub(super) const VOI_LUT_FUNCTION: u32 = 0x0028_1056;
/// Of red, green and blue.
pub(super) const PALETTE_DESCRIPTORS: [u32; 3] = [0x0028_1101, 0x0028_1102, 0x0028_1103];
pub(super) const PALETTES: [u32; 3] = [0x0028_1201, 0x0028_1202, 0x0028_1203];
pub(super) const MODALITY_LUT_SEQUENCE: u32 = 0x0028_3000;
pub(super) const VOI_LUT_SEQUENCE: u32 = 0x0028_3010;
pub(super) const LUT_DESCRIPTOR: u32 = 0x0028_3002;
pub(super) const LUT_DATA: u32 = 0x0028_3006;

/// Pixel data of other kinds.
const FLOATS: u32 = 0x7fe0_0008;
const DOUBLES: u32 = 0x7fe0_0009;

/// Groups that hold all of the above; of the first, which names dates and people too, only two attributes are kept.
fn is_wanted(tag: u32) -> bool {
    matches!(tag, SOP_CLASS | MODALITY) || tag >> 16 == 0x0028
}

/// A data set's attributes at its top, or those of an item.
pub(super) struct Attributes<'a> {
    explicit: bool,
    elements: Vec<(u32, &'a [u8])>,
}

impl<'a> Attributes<'a> {
    /// Reads up to the pixels, which are the last that is of use, or to the end.
    pub(super) fn read(bytes: &'a [u8], explicit: bool) -> Result<(Self, Option<Content<'a>>), DecodeError> {
        let (mut reader, mut elements) = (Reader::new(bytes, explicit), Vec::new());
        while let Some(element) = reader.next()? {
            match element.content {
                _ if matches!(element.tag, FLOATS | DOUBLES) => {
                    return Err(DecodeError::Unsupported("DICOM with floating-point samples".to_owned()));
                }
                content if element.tag == PIXEL_DATA => {
                    return Ok((Self { explicit, elements }, Some(content)));
                }
                Content::Value(value) if is_wanted(element.tag) => elements.push((element.tag, value)),
                _ => {}
            }
        }
        Ok((Self { explicit, elements }, None))
    }

    /// A value that is not empty.
    pub(super) fn bytes(&self, tag: u32) -> Option<&'a [u8]> {
        let found = self.elements.iter().find(|(found, _)| *found == tag);
        found.map(|(_, value)| *value).filter(|value| !value.is_empty())
    }

    /// A number of 16 bits, the `index`-th of its value.
    pub(super) fn word(&self, tag: u32, index: usize) -> Option<u16> {
        let two = self.bytes(tag)?.get(2 * index..2 * index + 2)?;
        Some(u16::from_le_bytes([two[0], two[1]]))
    }

    /// The first of a value's texts, to be compared with what is known and never to be shown.
    pub(super) fn text(&self, tag: u32) -> Option<&'a str> {
        let text = std::str::from_utf8(self.bytes(tag)?).ok()?;
        let first = text.split('\\').next()?;
        Some(first.trim_matches([' ', '\0'])).filter(|text| !text.is_empty())
    }

    /// The first of a value's numbers, which are written as text.
    pub(super) fn number(&self, tag: u32) -> Option<f64> {
        self.text(tag)?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// The first item of a sequence.
    pub(super) fn item(&self, tag: u32) -> Result<Option<Self>, DecodeError> {
        let Some(value) = self.bytes(tag) else { return Ok(None) };
        let Some(item) = Reader::first_item(value, self.explicit)? else { return Ok(None) };
        Ok(Some(Self::read(item, self.explicit)?.0))
    }

    /// A look-up table by its descriptor (entries, first value that is looked up, bits of an entry) and data.
    pub(super) fn table(&self, descriptor: u32, data: u32, signed: bool) -> Result<Table, DecodeError> {
        let missing = || damaged("a look-up table is missing");
        let word = |index| self.word(descriptor, index).ok_or_else(missing);
        let (entries, first, bits) = (word(0)?, word(1)?, word(2)?);
        let count = if entries == 0 { 65536 } else { usize::from(entries) };
        let bytes = self.bytes(data).ok_or_else(missing)?;
        let packed = bits <= 8 && bytes.len() < 2 * count;
        let entries: Vec<u16> = match packed {
            true => bytes.iter().take(count).map(|&entry| entry.into()).collect(),
            false => bytes.chunks_exact(2).take(count).map(|v| u16::from_le_bytes([v[0], v[1]])).collect(),
        };
        if entries.len() < count || !(1..=16).contains(&bits) {
            return Err(missing());
        }
        let first = if signed { i32::from(first as i16) } else { i32::from(first) };
        Ok(Table { entries, first, most: (1 << bits) - 1 })
    }
}

/// A look-up table (PS3.3, C.11.1 and C.11.2).
pub(super) struct Table {
    entries: Vec<u16>,
    /// The value whose entry is the first.
    first: i32,
    /// The greatest that an entry can be.
    pub(super) most: u32,
}

impl Table {
    /// The entry of a value; what lies outside has the entry at that end.
    pub(super) fn of(&self, value: f64) -> u16 {
        let index = value.round() - f64::from(self.first);
        self.entries[index.clamp(0.0, (self.entries.len() - 1) as f64) as usize]
    }
}
