//! DICOM: a frame as a viewer shows it before anyone touches its controls.
//!
//! The reader and the look-up tables are our own. In dicom-rs (0.10), which would be the library for it, the reader reserves
//! what a length announces, up to 4 GiB for a file of 200 bytes, errors repeat the file's text, and codecs panic where a
//! compressed image is larger than the file says. What is compressed goes to decoders that are safe by themselves.

mod attributes;
mod colour;
mod damage;
mod file;
mod frame;
mod gray;
mod jpeg12;
pub(super) mod jpeg2000;
mod jpegls;
mod lut;
mod names;
mod reader;

use std::borrow::Cow;

use attributes::{self as tags, Attributes};
use names::Coding;

use super::{announced::Announced, check_size};
use crate::{
    DecodeError::{self, CutOff},
    DecodeNotes, Decoding, Pixels,
};
use damage::damaged;

/// Values as stored, interleaved, one for each sample.
enum Samples<'a> {
    Eight(Cow<'a, [u8]>),
    Sixteen(Vec<u16>),
    ThirtyTwo(Vec<u32>),
}

impl Samples<'_> {
    fn eight(values: Vec<u8>) -> Self {
        Self::Eight(Cow::Owned(values))
    }

    fn iter(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            Self::Eight(values) => Box::new(values.iter().map(|&value| value.into())),
            Self::Sixteen(values) => Box::new(values.iter().map(|&value| value.into())),
            Self::ThirtyTwo(values) => Box::new(values.iter().copied()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Space {
    Gray {
        inverted: bool,
    },
    Rgb,
    /// YBR_FULL, whose chroma may be subsampled where it is compressed.
    Ybr,
    /// YBR_FULL_422: two pixels share their chroma.
    HalfYbr,
    Palette,
}

/// Layout of the pixels in the frame.
#[derive(Clone, Copy)]
struct Layout {
    width: usize,
    height: usize,
    channels: usize,
    space: Space,
    /// Bits allocated for a sample: 1, 8, 16 or 32.
    bits_allocated: u16,
    bits_stored: u16,
    /// Bits below the stored ones.
    shift: u16,
    signed: bool,
    /// Channels come one after the other.
    planar: bool,
}

impl Layout {
    fn new(attributes: &Attributes<'_>, coding: Coding, decoding: &Decoding) -> Result<Self, DecodeError> {
        let word = |tag| attributes.word(tag, 0);
        let (Some(rows), Some(columns)) = (word(tags::ROWS), word(tags::COLUMNS)) else {
            return Err(damaged("it does not say how large it is"));
        };
        check_size(columns.into(), rows.into(), decoding)?;
        let channels = word(tags::SAMPLES_PER_PIXEL).unwrap_or(1);
        let unsupported = |what: &str| DecodeError::Unsupported(format!("DICOM with {what}"));
        let interpretation = attributes.text(tags::PHOTOMETRIC_INTERPRETATION);
        let space = match (interpretation, channels) {
            (Some("MONOCHROME1"), 1) => Space::Gray { inverted: true },
            (Some("MONOCHROME2") | None, 1) => Space::Gray { inverted: false },
            (Some("PALETTE COLOR"), 1) => Space::Palette,
            // JPEG 2000 turns the last two into RGB by itself.
            (Some("RGB" | "YBR_RCT" | "YBR_ICT") | None, 3) => Space::Rgb,
            (Some("YBR_FULL"), 3) => Space::Ybr,
            (Some("YBR_FULL_422"), 3) if coding == Coding::Native => Space::HalfYbr,
            (Some("YBR_FULL_422"), 3) => Space::Ybr,
            _ => return Err(unsupported(names::colours(interpretation))),
        };
        let bits = word(tags::BITS_ALLOCATED).unwrap_or(8);
        if !matches!(bits, 1 | 8 | 16 | 32)
            || bits == 1 && (channels != 1 || coding != Coding::Native)
            || bits != 8 && space == Space::HalfYbr
            || bits == 32 && (space == Space::Palette || !matches!(coding, Coding::Native | Coding::Rle))
        {
            return Err(unsupported(&format!("{bits}-bit samples of this kind")));
        }
        let bits_stored = word(tags::BITS_STORED).unwrap_or(bits);
        let high = word(tags::HIGH_BIT).unwrap_or(bits_stored.saturating_sub(1));
        if bits_stored == 0 || high >= bits || high + 1 < bits_stored {
            return Err(damaged("its bits are not where they can be"));
        }
        Ok(Self {
            width: columns.into(),
            height: rows.into(),
            channels: channels.into(),
            space,
            bits_allocated: bits,
            bits_stored,
            // Codecs give samples without anything below them.
            shift: if matches!(coding, Coding::Native | Coding::Rle) { high + 1 - bits_stored } else { 0 },
            signed: word(tags::PIXEL_REPRESENTATION) == Some(1),
            planar: word(tags::PLANAR_CONFIGURATION) == Some(1),
        })
    }

    fn pixels(&self) -> usize {
        self.width * self.height
    }

    fn samples(&self) -> usize {
        self.pixels() * self.channels
    }

    /// Bits of a frame without compression.
    fn native_bits(&self) -> u64 {
        match self.space {
            Space::HalfYbr => self.pixels().div_ceil(2) as u64 * 32,
            _ => self.sample_bits(),
        }
    }

    /// Bits of all its samples.
    fn sample_bits(&self) -> u64 {
        self.samples() as u64 * u64::from(self.bits_allocated)
    }

    /// Bytes of a sample.
    fn bytes(&self) -> usize {
        usize::from(self.bits_allocated).div_ceil(8)
    }

    /// Checks that a compressed image is as large as the file says.
    fn check(&self, width: u32, height: u32, channels: usize) -> Result<(), DecodeError> {
        if (width as usize, height as usize, channels) == (self.width, self.height, self.channels) {
            Ok(())
        } else {
            Err(damaged("its compressed pixels are of another size than it says"))
        }
    }

    /// The greatest number that the stored bits can be without a sign.
    fn most(&self) -> u32 {
        u32::MAX >> (32 - self.bits_stored)
    }

    /// The stored bits of a sample, without what else its bytes hold.
    fn bits(&self, sample: u32) -> u32 {
        (sample >> self.shift) & self.most()
    }

    /// Returns the number that stored bits stand for.
    fn value(&self, bits: u32) -> i64 {
        let sign = 1_i64 << (self.bits_stored - 1);
        let value = i64::from(bits);
        if self.signed && value & sign != 0 { value - 2 * sign } else { value }
    }

    /// The least and the greatest number.
    fn range(&self) -> (i64, i64) {
        let count = 1_i64 << self.bits_stored;
        if self.signed { (-count / 2, count / 2 - 1) } else { (0, count - 1) }
    }
}

/// Reads what the file says of its pixels. Of a data set that is compressed as a whole it takes the most that it can come to.
pub(super) fn announced(bytes: &[u8], decoding: &Decoding) -> Option<Announced> {
    let head = file::head(bytes).ok()?;
    let Some((data_set, encoding)) = head.stored_data_set() else {
        // No more than 1032 bytes come of one (zlib's manual), and no more are taken than this.
        let inflated = decoding.max_pixels.saturating_mul(4).min(1032 * bytes.len() as u64);
        return Some(Announced::new(inflated.min(decoding.max_pixels), 1, 4, 24));
    };
    let (attributes, content) = Attributes::read(data_set, encoding).ok()?;
    let word = |tag| attributes.word(tag, 0).map(u64::from);
    let (width, height) = (word(tags::COLUMNS)?, word(tags::ROWS)?);
    let samples = word(tags::SAMPLES_PER_PIXEL).unwrap_or(1).clamp(1, 4);
    let stored = samples * word(tags::BITS_ALLOCATED).unwrap_or(8).div_ceil(8);
    // Samples as they are stored, decoded and shown. The codec is told by the fragments themselves: JPEG 2000 takes the most,
    // floats and its smallest blocks as much again.
    let decoded = match content {
        Some(reader::Content::Value { .. }) | None => 2 * stored + 4 * samples,
        Some(_) => 40 * samples,
    };
    Some(Announced::new(width, height, stored, decoded + 6))
}

/// Tells if these are the first bytes of a data set without a head.
pub(super) fn is_data_set(first_bytes: &[u8]) -> bool {
    file::encoding(first_bytes).is_some()
}

/// Decodes the frame that is asked for.
///
/// Gray is shown through the modality LUT and the frame's first usable window, or else its VOI LUT. Where it has neither,
/// the least of its own values is black and the greatest is white, padding left out; of a single value it is black. Overlays
/// are left out.
pub(super) fn pixels(
    bytes: &[u8],
    decoding: &Decoding,
    notes: &mut DecodeNotes,
) -> Result<Pixels, DecodeError> {
    let head = file::head(bytes)?;
    let data_set = head.data_set(decoding)?;
    let (attributes, content) = Attributes::read(&data_set.bytes, data_set.encoding)?;
    let Some(content) = content else {
        // An image that ends before its pixels.
        if attributes.bytes(tags::ROWS).is_some() {
            return Err(CutOff);
        }
        let sop_class = attributes.text(tags::SOP_CLASS).or(head.sop_class);
        let kind = names::without_image(sop_class, attributes.text(tags::MODALITY));
        return Err(DecodeError::DicomWithoutImage(kind));
    };
    let frames = attributes.number(tags::NUMBER_OF_FRAMES).unwrap_or(1.0).max(1.0) as u32;
    let asked = decoding.frame.max(1);
    if asked > frames {
        return Err(DecodeError::NoSuchFrame { frame: asked, frames });
    }
    notes.frame = (frames > 1).then_some([asked, frames]);
    let (index, frames) = (asked as usize - 1, frames as usize);
    let native = Layout::new(&attributes, Coding::Native, decoding).map(|layout| layout.native_bits());
    let native = native.unwrap_or(0).saturating_mul(index as u64 + 1).div_ceil(8);
    let frame = frame::Frame::new(&content, index, frames, head.coding(), native)?;
    let layout = Layout::new(&attributes, frame.coding, decoding)?;
    let (samples, is_rgb) = frame.samples(&layout, data_set.encoding)?;
    let (width, height) = (layout.width, layout.height);
    let (channels, data) = match layout.space {
        Space::Gray { inverted } => (1, gray::shown(&samples, &layout, &attributes, inverted, index, notes)?),
        Space::Palette => (3, colour::look_up(&samples, &layout, &attributes)?),
        Space::Rgb | Space::Ybr | Space::HalfYbr => {
            let mut data = colour::eight_bits(samples, &layout);
            if layout.space != Space::Rgb && !is_rgb {
                colour::ybr_to_rgb(&mut data);
            }
            (3, data)
        }
    };
    Ok(Pixels { width, height, channels, data })
}
