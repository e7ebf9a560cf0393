//! DICOM: the first frame as a viewer shows it before anyone touches its controls.
//!
//! The reader and the look-up tables are our own. In dicom-rs (0.10), which would be the library for it, the reader reserves
//! what a length announces, up to 4 GiB for a file of 200 bytes, errors repeat the file's text, and codecs panic where a
//! compressed image is larger than the file says. What is compressed goes to decoders that are safe by themselves.

mod attributes;
mod colour;
mod file;
mod frame;
mod gray;
pub(super) mod jpeg2000;
mod names;
mod reader;

use std::borrow::Cow;

use attributes::{self as tags, Attributes};
use names::Coding;

use super::{check_size, cost::Announced};
use crate::{
    DecodeError::{self, CutOff},
    DecodeNotes, Decoding, Pixels,
};

/// An error that has none of the file's words in it.
fn damaged(what: &'static str) -> DecodeError {
    DecodeError::Damaged(what.to_owned())
}

/// Values as stored, interleaved, one for each sample.
enum Samples<'a> {
    Eight(Cow<'a, [u8]>),
    Sixteen(Vec<u16>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Space {
    Gray {
        inverted: bool,
    },
    Rgb,
    /// YBR_FULL, whose chroma may be subsampled where it is compressed.
    Ybr,
    Palette,
}

/// How pixels are laid out in the frame.
#[derive(Clone, Copy)]
struct Layout {
    width: usize,
    height: usize,
    channels: usize,
    space: Space,
    /// Of a sample.
    bytes: usize,
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
        let space = match (attributes.text(tags::PHOTOMETRIC_INTERPRETATION), channels) {
            (Some("MONOCHROME1"), 1) => Space::Gray { inverted: true },
            (Some("MONOCHROME2") | None, 1) => Space::Gray { inverted: false },
            (Some("PALETTE COLOR"), 1) => Space::Palette,
            // JPEG 2000 turns the last two into RGB by itself.
            (Some("RGB" | "YBR_RCT" | "YBR_ICT"), 3) => Space::Rgb,
            (Some("YBR_FULL"), 3) => Space::Ybr,
            // Two pixels share their chroma: what a JPEG does, and what is rare outside of one.
            (Some("YBR_FULL_422"), 3) if matches!(coding, Coding::Jpeg | Coding::Jpeg2000) => Space::Ybr,
            _ => return Err(DecodeError::Unsupported("DICOM with a rare kind of colours".to_owned())),
        };
        let bits = word(tags::BITS_ALLOCATED).unwrap_or(8);
        if bits != 8 && bits != 16 {
            return Err(DecodeError::Unsupported(format!("DICOM with {bits}-bit samples")));
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
            bytes: usize::from(bits / 8),
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

    /// That a compressed image is as large as the file says.
    fn check(&self, width: u32, height: u32, channels: usize) -> Result<(), DecodeError> {
        if (width as usize, height as usize, channels) == (self.width, self.height, self.channels) {
            Ok(())
        } else {
            Err(damaged("its compressed pixels are of another size than it says"))
        }
    }

    /// The stored bits of a sample, without what else its bytes hold.
    fn bits(&self, sample: u16) -> u16 {
        (sample >> self.shift) & ((1_u32 << self.bits_stored) - 1) as u16
    }

    /// What they mean as a number.
    fn value(&self, bits: u16) -> i32 {
        let sign = 1_i32 << (self.bits_stored - 1);
        let value = i32::from(bits);
        if self.signed && value & sign != 0 { value - 2 * sign } else { value }
    }

    /// The least and the greatest number.
    fn range(&self) -> (i32, i32) {
        let count = 1_i32 << self.bits_stored;
        if self.signed { (-count / 2, count / 2 - 1) } else { (0, count - 1) }
    }
}

/// Reads what the file says of its pixels. Of a data set that is compressed as a whole it takes the most that it can come to.
pub(super) fn announced(bytes: &[u8], decoding: &Decoding) -> Option<Announced> {
    let head = file::head(bytes).ok()?;
    if head.syntax.deflated {
        // No more than 1032 bytes come of one (zlib's manual), and no more are taken than this.
        let inflated = decoding.max_pixels.saturating_mul(4).min(1032 * bytes.len() as u64);
        return Some(Announced::new(inflated.min(decoding.max_pixels), 1, 4, 24));
    }
    let data_set = head.data_set(decoding).ok()?;
    let (attributes, _) = Attributes::read(&data_set, head.syntax.explicit).ok()?;
    let word = |tag| attributes.word(tag, 0).map(u64::from);
    let (width, height) = (word(tags::COLUMNS)?, word(tags::ROWS)?);
    let samples = word(tags::SAMPLES_PER_PIXEL).unwrap_or(1).clamp(1, 4);
    let stored = samples * word(tags::BITS_ALLOCATED).unwrap_or(8).div_ceil(8);
    // Samples as they are stored, decoded and shown. Lossless JPEG keeps differences of 32 bits as well, JPEG 2000 floats,
    // and its smallest blocks take as much again.
    let decoded = match head.syntax.coding {
        Coding::Native => 2 * stored + 2 * samples,
        Coding::Rle => 3 * stored + 8 * samples,
        Coding::Jpeg2000 => 40 * samples,
        Coding::Jpeg | Coding::Other(_) => 16 * samples,
    };
    Some(Announced::new(width, height, stored, decoded + 6))
}

/// Decodes the first frame.
pub(super) fn pixels(
    bytes: &[u8],
    decoding: &Decoding,
    _notes: &mut DecodeNotes,
) -> Result<Pixels, DecodeError> {
    let head = file::head(bytes)?;
    let coding = head.syntax.coding;
    if coding == names::BIG_ENDIAN {
        return Err(coding.unsupported());
    }
    let data_set = head.data_set(decoding)?;
    let (attributes, content) = Attributes::read(&data_set, head.syntax.explicit)?;
    let Some(content) = content else {
        // An image that ends before its pixels.
        if attributes.bytes(tags::ROWS).is_some() {
            return Err(CutOff);
        }
        let sop_class = attributes.text(tags::SOP_CLASS).or(head.sop_class);
        let kind = names::without_image(sop_class, attributes.text(tags::MODALITY));
        return Err(DecodeError::DicomWithoutImage(kind));
    };
    let layout = Layout::new(&attributes, coding, decoding)?;
    let frames = attributes.number(tags::NUMBER_OF_FRAMES).unwrap_or(1.0) as usize;
    let (samples, is_rgb) = frame::first(&content, frames, coding, &layout)?;
    let (width, height) = (layout.width, layout.height);
    let (channels, data) = match layout.space {
        Space::Gray { inverted } => (1, gray::Gray::new(&attributes, layout, inverted)?.apply(&samples)),
        Space::Palette => (3, colour::look_up(&samples, &layout, &attributes)?),
        Space::Rgb | Space::Ybr => {
            let mut data = colour::eight_bits(samples, &layout);
            if layout.space == Space::Ybr && !is_rgb {
                colour::ybr_to_rgb(&mut data);
            }
            (3, data)
        }
    };
    Ok(Pixels { width, height, channels, data })
}
