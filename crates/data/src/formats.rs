//! Files that count as images, and the rules that they are read by.

use std::{fmt, str::FromStr};

use crate::MAX_PIXELS;

/// Rules for the files of a folder that count as images, and for pixels of more than 8-bit RGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formats {
    /// Keras' list of extensions, and the values of Pillow's `convert("RGB")`: alpha dropped, 16-bit gray cut at 255, EXIF
    /// ignored.
    Keras,
    /// Every image that can be read, by content: alpha over black, 16 bits scaled to 8, turned as EXIF says, DICOM too.
    All,
}

impl Formats {
    /// Both rules with their names, as flags and files write them.
    pub const ALL: [(&'static str, Self); 2] = [("keras", Self::Keras), ("all", Self::All)];
}

impl fmt::Display for Formats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(_, kind)| kind == self).map_or("", |(name, _)| name))
    }
}

impl FromStr for Formats {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind);
        found.ok_or_else(|| format!("unknown formats `{text}`: keras or all"))
    }
}

/// Settings by which files become pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoding {
    /// Rules that files are read by.
    pub formats: Formats,
    /// True where a file that these rules know nothing of (DICOM by Keras' rules) is read by [`Formats::All`] instead,
    /// which its [`crate::DecodeNotes`] then say.
    pub falls_back: bool,
    /// The most pixels that a file may announce: a small one can announce any number.
    pub max_pixels: u64,
    /// Frame that is read of a file with several, from 1.
    pub frame: u32,
}

impl Decoding {
    /// Sets rules of `formats` and no others, at most [`MAX_PIXELS`], the first frame.
    pub fn new(formats: Formats) -> Self {
        Self { formats, falls_back: false, max_pixels: MAX_PIXELS, frame: 1 }
    }
}
