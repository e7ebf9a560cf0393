//! An image in memory, and why a file gives none.

use std::fmt;

use thiserror::Error;

/// The most pixels that an image may have: 16,384 × 16,384. A small file can announce any size.
pub const MAX_PIXELS: u64 = 1 << 28;

/// An image's 8-bit values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Number of channels: 1 for gray, 3 for RGB, interleaved.
    pub channels: usize,
    /// Values `[height, width, channels]`, row by row.
    pub data: Vec<u8>,
}

impl Pixels {
    /// Returns the same in one channel where colour is only gray written three times, which takes a third of the room.
    pub fn compact(self) -> Self {
        if self.channels != 3 || self.data.chunks_exact(3).any(|rgb| rgb[0] != rgb[1] || rgb[1] != rgb[2]) {
            return self;
        }
        Self { channels: 1, data: self.data.into_iter().step_by(3).collect(), ..self }
    }

    /// Computes the share of pixels with a colour stronger than a tint, which JPEG and scanners give gray; nothing below a
    /// hundredth.
    pub fn coloured(&self) -> Option<f32> {
        const TINT: u8 = 24;
        const LEAST: f32 = 0.01;
        if self.channels != 3 {
            return None;
        }
        let spread = |rgb: &[u8]| rgb[0].max(rgb[1]).max(rgb[2]) - rgb[0].min(rgb[1]).min(rgb[2]);
        let coloured = self.data.chunks_exact(3).filter(|rgb| spread(rgb) >= TINT).count();
        let share = coloured as f32 / (self.width * self.height) as f32;
        (share >= LEAST).then_some(share)
    }

    /// Moves the image right and down by so many pixels; what is left free takes the edge's values, as in Keras' `nearest`.
    pub fn shifted(&self, right: isize, down: isize) -> Self {
        let from = |to: usize, by: isize, side: usize| {
            to.saturating_add_signed(by.saturating_neg()).min(side.saturating_sub(1))
        };
        let mut data = Vec::with_capacity(self.data.len());
        for row in 0..self.height {
            for column in 0..self.width {
                let pixel = from(row, down, self.height) * self.width + from(column, right, self.width);
                let start = pixel * self.channels;
                data.extend_from_slice(&self.data[start..start + self.channels]);
            }
        }
        Self { data, ..*self }
    }
}

/// An image, and how its file became it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Its values.
    pub pixels: Pixels,
    /// Facts that its user should know.
    pub notes: DecodeNotes,
}

/// Facts about how a file became pixels that the user of the image should know; none for most files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeNotes {
    /// Frame that was read, from 1, and frames that the file has, where it has several.
    pub frame: Option<[u32; 2]>,
    /// Keras' rules know nothing of the file's format: it was read by [`crate::Formats::All`].
    pub by_general_rules: bool,
    /// Keras' rules cut values to whole numbers from 0 to 255, and some were others.
    pub is_cut: bool,
    /// A DICOM file has no usable window: it was scaled by the range of its own pixels.
    pub without_window: bool,
    /// A TIFF does not say which values are black and white: it was scaled by the range of its own pixels.
    pub by_own_range: bool,
}

impl DecodeNotes {
    /// Tells if there is nothing to say.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Phrases that follow a file's name, joined by semicolons.
impl fmt::Display for DecodeNotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frame = self.frame.map(|[frame, frames]| format!("frame {frame} of {frames} is used"));
        let phrases = [
            frame.as_deref(),
            self.by_general_rules.then_some("read by the rules of `--formats all`: Keras' know no DICOM"),
            self.is_cut.then_some("values that 8 bits do not hold are cut by Keras' rules"),
            self.without_window.then_some("no usable window: scaled by the range of its own pixels"),
            self.by_own_range.then_some("scaled by the range of its own pixels"),
        ];
        f.write_str(&phrases.into_iter().flatten().collect::<Vec<_>>().join("; "))
    }
}

/// Reason why a file gives no image.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// It has no bytes.
    #[error("is empty")]
    Empty,
    /// Its first bytes are no image's.
    #[error("is no image")]
    NotAnImage,
    /// A DICOM file where Keras' rules are asked for, which know none.
    #[error("is a DICOM image, which `--formats all` reads")]
    Dicom,
    /// A DICOM file that holds something else.
    #[error("is a DICOM file without an image: {0}")]
    DicomWithoutImage(&'static str),
    /// An image that is not read.
    #[error("is an image that is not supported: {0}")]
    Unsupported(String),
    /// It ends too early.
    #[error("is cut off")]
    CutOff,
    /// It announces more pixels than [`MAX_PIXELS`].
    #[error("is too large: {width}×{height} pixels")]
    TooLarge {
        /// Columns.
        width: u64,
        /// Rows.
        height: u64,
    },
    /// It has fewer frames than the one that is asked for.
    #[error("has no frame {frame}: it has {frames}")]
    NoSuchFrame {
        /// Frame that is asked for, from 1.
        frame: u32,
        /// Frames that it has.
        frames: u32,
    },
    /// It is broken in some other way.
    #[error("is damaged: {0}")]
    Damaged(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_told_and_a_tint_is_not() {
        let of =
            |rgb: [u8; 3]| Pixels { width: 10, height: 10, channels: 3, data: rgb.repeat(100) }.coloured();
        assert_eq!((of([100, 100, 123]), of([100, 100, 124])), (None, Some(1.0)));
        assert_eq!(Pixels { width: 2, height: 1, channels: 1, data: vec![0, 255] }.coloured(), None);
    }

    #[test]
    fn a_shift_repeats_the_edge() {
        let image = Pixels { width: 3, height: 2, channels: 1, data: vec![1, 2, 3, 4, 5, 6] };
        assert_eq!(image.shifted(1, 0).data, [1, 1, 2, 4, 4, 5]);
        assert_eq!(image.shifted(-1, 0).data, [2, 3, 3, 5, 6, 6]);
        assert_eq!(image.shifted(0, 1).data, [1, 2, 3, 1, 2, 3]);
        assert_eq!(image.shifted(-9, -9).data, [6; 6]);
        let rgb = Pixels { width: 2, height: 1, channels: 3, data: vec![1, 2, 3, 4, 5, 6] };
        assert_eq!(rgb.shifted(1, 0).data, [1, 2, 3, 1, 2, 3]);
        assert_eq!(rgb.shifted(0, 0), rgb);
    }
}
