//! An image in memory, and why a file gives none.

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
    /// 1 for gray, 3 for RGB, interleaved.
    pub channels: usize,
    /// `[height, width, channels]`, row by row.
    pub data: Vec<u8>,
}

impl Pixels {
    /// The same in one channel where colour is only gray written three times, which takes a third of the room.
    pub fn compact(self) -> Self {
        if self.channels != 3 || self.data.chunks_exact(3).any(|rgb| rgb[0] != rgb[1] || rgb[1] != rgb[2]) {
            return self;
        }
        Self { channels: 1, data: self.data.into_iter().step_by(3).collect(), ..self }
    }
}

/// Why a file gives no image.
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
    /// It is broken in some other way.
    #[error("is damaged: {0}")]
    Damaged(String),
}
