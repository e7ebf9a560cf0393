//! The few attributes that pixels depend on. Of all others, those of the patient first, no value is kept or looked at.

use super::{
    lut::{self, LutTable},
    reader::{Content, Encoding, PIXEL_DATA, Reader},
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
/// Value of the pixels that fill up around the image, and the other end of a range of such values.
pub(super) const PADDING: u32 = 0x0028_0120;
pub(super) const PADDING_LIMIT: u32 = 0x0028_0121;
pub(super) const WINDOW_CENTER: u32 = 0x0028_1050;
pub(super) const WINDOW_WIDTH: u32 = 0x0028_1051;
pub(super) const RESCALE_INTERCEPT: u32 = 0x0028_1052;
pub(super) const RESCALE_SLOPE: u32 = 0x0028_1053;
pub(super) const VOI_LUT_FUNCTION: u32 = 0x0028_1056;
/// Descriptors of the palettes of red, green and blue.
pub(super) const PALETTE_DESCRIPTORS: [u32; 3] = [0x0028_1101, 0x0028_1102, 0x0028_1103];
pub(super) const PALETTES: [u32; 3] = [0x0028_1201, 0x0028_1202, 0x0028_1203];
pub(super) const SEGMENTED_PALETTES: [u32; 3] = [0x0028_1221, 0x0028_1222, 0x0028_1223];
pub(super) const MODALITY_LUT_SEQUENCE: u32 = 0x0028_3000;
pub(super) const VOI_LUT_SEQUENCE: u32 = 0x0028_3010;
pub(super) const LUT_DESCRIPTOR: u32 = 0x0028_3002;
pub(super) const LUT_DATA: u32 = 0x0028_3006;
/// Window of a frame, in a functional group.
pub(super) const FRAME_VOI_LUT_SEQUENCE: u32 = 0x0028_9132;
/// Rescale slope and intercept of a frame, in a functional group.
pub(super) const PIXEL_VALUE_TRANSFORMATION_SEQUENCE: u32 = 0x0028_9145;
/// Functional groups of all frames, and of each.
const SHARED_GROUPS: u32 = 0x5200_9229;
const FRAME_GROUPS: u32 = 0x5200_9230;

/// Pixel data of other kinds.
const FLOATS: u32 = 0x7fe0_0008;
const DOUBLES: u32 = 0x7fe0_0009;

/// Groups that hold all of the above; of the first, which names dates and people too, only two attributes are kept.
fn is_wanted(tag: u32) -> bool {
    matches!(tag, SOP_CLASS | MODALITY | SHARED_GROUPS | FRAME_GROUPS) || tag >> 16 == 0x0028
}

/// A data set's attributes at its top, or those of an item.
pub(super) struct Attributes<'a> {
    encoding: Encoding,
    elements: Vec<(u32, &'a [u8])>,
}

impl<'a> Attributes<'a> {
    /// Reads up to the pixels, which are the last that is of use, or to the end.
    pub(super) fn read(
        bytes: &'a [u8],
        encoding: Encoding,
    ) -> Result<(Self, Option<Content<'a>>), DecodeError> {
        let (mut reader, mut elements) = (Reader::new(bytes, encoding), Vec::new());
        while let Some(element) = reader.next()? {
            match element.content {
                _ if matches!(element.tag, FLOATS | DOUBLES) => {
                    return Err(DecodeError::Unsupported("DICOM with floating-point samples".to_owned()));
                }
                content if element.tag == PIXEL_DATA => {
                    return Ok((Self { encoding, elements }, Some(content)));
                }
                Content::Value { bytes, .. } if is_wanted(element.tag) => elements.push((element.tag, bytes)),
                _ => {}
            }
        }
        Ok((Self { encoding, elements }, None))
    }

    /// A value that is not empty.
    pub(super) fn bytes(&self, tag: u32) -> Option<&'a [u8]> {
        let found = self.elements.iter().find(|(found, _)| *found == tag);
        found.map(|(_, value)| *value).filter(|value| !value.is_empty())
    }

    /// A number of 16 bits, the `index`-th of its value.
    pub(super) fn word(&self, tag: u32, index: usize) -> Option<u16> {
        let two = self.bytes(tag)?.get(2 * index..2 * index + 2)?;
        Some(self.encoding.word([two[0], two[1]]))
    }

    /// A value's texts, to be compared with what is known and never to be shown.
    fn texts(&self, tag: u32) -> impl Iterator<Item = &'a str> {
        let text = self.bytes(tag).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let texts = text.into_iter().flat_map(|text| text.split('\\'));
        texts.map(|text| text.trim_matches(|c: char| c.is_whitespace() || c == '\0'))
    }

    /// The first of a value's texts, unless it is empty.
    pub(super) fn text(&self, tag: u32) -> Option<&'a str> {
        self.texts(tag).next().filter(|text| !text.is_empty())
    }

    /// A value's numbers, which are written as text; a comma for the decimal point, as some writers have it.
    pub(super) fn numbers(&self, tag: u32) -> impl Iterator<Item = Option<f64>> {
        self.texts(tag)
            .map(|text| text.replace(',', ".").parse().ok().filter(|number: &f64| number.is_finite()))
    }

    /// The first of a value's numbers.
    pub(super) fn number(&self, tag: u32) -> Option<f64> {
        self.numbers(tag).next().flatten()
    }

    /// The first item of a sequence.
    pub(super) fn item(&self, tag: u32) -> Result<Option<Self>, DecodeError> {
        self.nth_item(tag, 0)
    }

    fn nth_item(&self, tag: u32, index: usize) -> Result<Option<Self>, DecodeError> {
        let Some(value) = self.bytes(tag) else { return Ok(None) };
        let Some(item) = Reader::item(value, index, self.encoding)? else { return Ok(None) };
        Ok(Some(Self::read(item, self.encoding)?.0))
    }

    /// Items of this sequence in the functional groups of a frame, from 0, and of all frames (PS3.3, C.7.6.16). Groups
    /// that are damaged have none.
    pub(super) fn in_groups(&self, frame: usize, tag: u32) -> Vec<Self> {
        let groups = [self.nth_item(FRAME_GROUPS, frame), self.nth_item(SHARED_GROUPS, 0)];
        groups.into_iter().flatten().flatten().filter_map(|group| group.item(tag).ok().flatten()).collect()
    }

    /// A look-up table by its descriptor (entries, first value that is looked up, bits of an entry) and its data, or else
    /// its segments; none where one of them is missing.
    pub(super) fn table(
        &self,
        descriptor: u32,
        data: u32,
        segments: Option<u32>,
        signed: bool,
    ) -> Result<Option<LutTable>, DecodeError> {
        let word = |index| self.word(descriptor, index);
        let (Some(entries), Some(first), Some(bits)) = (word(0), word(1), word(2)) else { return Ok(None) };
        let count = if entries == 0 { 65536 } else { usize::from(entries) };
        let first = if signed { i32::from(first as i16) } else { i32::from(first) };
        if let Some(data) = self.bytes(data) {
            return lut::table(data, count, first, bits, self.encoding).map(Some);
        }
        match segments.and_then(|segments| self.bytes(segments)) {
            Some(segments) => lut::segmented(segments, count, first, bits, self.encoding).map(Some),
            None => Ok(None),
        }
    }
}
