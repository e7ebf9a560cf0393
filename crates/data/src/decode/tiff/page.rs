//! A page's tags, checked: how its samples are stored, and what they mean.

use super::directory::Directory;
use crate::{
    DecodeError::{self, CutOff},
    Decoding,
    decode::check_size,
};

// Tags (TIFF 6.0, appendix A).
const IMAGE_WIDTH: u16 = 256;
const IMAGE_LENGTH: u16 = 257;
const BITS_PER_SAMPLE: u16 = 258;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC_INTERPRETATION: u16 = 262;
const FILL_ORDER: u16 = 266;
const STRIP_OFFSETS: u16 = 273;
const ORIENTATION: u16 = 274;
const SAMPLES_PER_PIXEL: u16 = 277;
const ROWS_PER_STRIP: u16 = 278;
const STRIP_BYTE_COUNTS: u16 = 279;
const PLANAR_CONFIGURATION: u16 = 284;
const T4_OPTIONS: u16 = 292;
const PREDICTOR: u16 = 317;
const COLOUR_MAP: u16 = 320;
const TILE_WIDTH: u16 = 322;
const TILE_LENGTH: u16 = 323;
const TILE_OFFSETS: u16 = 324;
const TILE_BYTE_COUNTS: u16 = 325;
const INK_SET: u16 = 332;
const EXTRA_SAMPLES: u16 = 338;
const SAMPLE_FORMAT: u16 = 339;
const JPEG_TABLES: u16 = 347;
const YCBCR_COEFFICIENTS: u16 = 529;
const YCBCR_SUBSAMPLING: u16 = 530;
const REFERENCE_BLACK_WHITE: u16 = 532;
/// Windows Media Photo, which begins like a TIFF.
const JPEG_XR: u16 = 0xbc01;

/// The most samples a pixel that are read, of which those that are no colour and no alpha count for nothing.
const MOST_SAMPLES: usize = 16;

/// Numbers that a sample's bits stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Unsigned,
    Signed,
    Float,
}

/// Colours that a pixel's samples stand for.
pub(super) enum Space {
    Gray {
        white_is_zero: bool,
    },
    Rgb,
    Palette(Vec<[u8; 3]>),
    Cmyk,
    YCbCr {
        /// Columns and rows that share their chroma.
        subsampling: [usize; 2],
        /// Weights of red, green and blue in Y.
        weights: [f64; 3],
        /// Codes of black and white, of each component.
        reference: [f64; 6],
    },
    /// CIE L*a*b* with signed a* and b*.
    Lab,
}

/// Meaning of the sample behind the colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alpha {
    None,
    Straight,
    /// Colours are multiplied by it already.
    Associated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SamplePrediction {
    None,
    Horizontal,
    Float,
}

/// One image of a file.
pub(super) struct Page<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) orientation: u8,
    pub(super) bits: usize,
    pub(super) format: Format,
    /// Samples of a pixel that the file holds.
    pub(super) samples: usize,
    pub(super) space: Space,
    pub(super) alpha: Alpha,
    pub(super) compression: u64,
    pub(super) two_dimensional: bool,
    pub(super) predictor: SamplePrediction,
    /// Bits of each byte come from the lowest on.
    pub(super) bits_reversed: bool,
    /// Each sample has chunks of its own.
    pub(super) planar: bool,
    /// Columns and rows of a strip or tile.
    pub(super) chunk: [usize; 2],
    pub(super) tiled: bool,
    pub(super) offsets: Vec<u64>,
    /// Bytes of each chunk; empty where the file does not say.
    pub(super) lengths: Vec<u64>,
    pub(super) jpeg_tables: Option<&'a [u8]>,
}

impl Page<'_> {
    pub(super) fn colours(&self) -> usize {
        match self.space {
            Space::Gray { .. } | Space::Palette(_) => 1,
            Space::Rgb | Space::YCbCr { .. } | Space::Lab => 3,
            Space::Cmyk => 4,
        }
    }

    /// Number of samples for colours and alpha.
    pub(super) fn used_samples(&self) -> usize {
        self.colours() + usize::from(self.alpha != Alpha::None)
    }

    /// Number of chunks beside and below each other.
    pub(super) fn chunks(&self) -> [usize; 2] {
        [self.width.div_ceil(self.chunk[0]), self.height.div_ceil(self.chunk[1])]
    }
}

pub(super) fn unsupported(what: impl std::fmt::Display) -> DecodeError {
    DecodeError::Unsupported(format!("TIFF with {what}"))
}

pub(super) fn damaged(what: &str) -> DecodeError {
    DecodeError::Damaged(what.to_owned())
}

impl<'a> Page<'a> {
    pub(super) fn of(tags: &'a Directory<'_>, decoding: &Decoding) -> Result<Self, DecodeError> {
        if tags.has(JPEG_XR) {
            return Err(DecodeError::Unsupported("JPEG XR".to_owned()));
        }
        let required = |tag| tags.number(tag).ok_or(CutOff);
        let side = |tag| u32::try_from(required(tag)?).map_err(|_| damaged("its size is none"));
        let (width, height) = (side(IMAGE_WIDTH)?, side(IMAGE_LENGTH)?);
        check_size(width, height, decoding)?;
        let (width, height) = (width as usize, height as usize);

        let compression = tags.number(COMPRESSION).unwrap_or(1);
        check_compression(compression)?;
        let (bits, samples) = Self::bits_and_samples(tags)?;
        let format = Self::format(tags)?;
        let planar = match tags.number(PLANAR_CONFIGURATION) {
            None | Some(0 | 1) => false,
            Some(2) => samples > 1,
            Some(other) => return Err(unsupported(format!("planar configuration {other}"))),
        };
        let (space, alpha) = Self::meaning(tags, bits, samples)?;
        let predictor = match tags.number(PREDICTOR) {
            // A compression that knows no predictor leaves it alone.
            _ if !matches!(compression, 5 | 8 | 32946) => SamplePrediction::None,
            None | Some(1) => SamplePrediction::None,
            Some(2) => SamplePrediction::Horizontal,
            Some(3) => SamplePrediction::Float,
            Some(other) => return Err(unsupported(format!("predictor {other}"))),
        };
        let (tiled, chunk) = if tags.has(TILE_OFFSETS) {
            let side = |tag| usize::try_from(required(tag)?).map_err(|_| damaged("its tiles have no size"));
            (true, [side(TILE_WIDTH)?, side(TILE_LENGTH)?])
        } else {
            let rows = tags.number(ROWS_PER_STRIP).map_or(height, |rows| (rows as usize).min(height));
            (false, [width, rows])
        };
        if chunk.contains(&0) {
            return Err(damaged("its strips or tiles have no pixels"));
        }
        let (offsets, lengths) =
            if tiled { (TILE_OFFSETS, TILE_BYTE_COUNTS) } else { (STRIP_OFFSETS, STRIP_BYTE_COUNTS) };
        let page = Self {
            width,
            height,
            orientation: tags.number(ORIENTATION).and_then(|of| of.try_into().ok()).unwrap_or(1),
            bits,
            format,
            samples,
            space,
            alpha,
            compression,
            two_dimensional: tags.number(T4_OPTIONS).is_some_and(|options| options & 1 == 1),
            predictor,
            bits_reversed: tags.number(FILL_ORDER) == Some(2),
            planar,
            chunk,
            tiled,
            offsets: tags.numbers(offsets).ok_or(CutOff)?,
            lengths: tags.numbers(lengths).unwrap_or_default(),
            jpeg_tables: tags.bytes(JPEG_TABLES),
        };
        page.check(decoding)?;
        Ok(page)
    }

    fn bits_and_samples(tags: &Directory<'_>) -> Result<(usize, usize), DecodeError> {
        let bits = tags.numbers(BITS_PER_SAMPLE).unwrap_or_default();
        let samples = tags.number(SAMPLES_PER_PIXEL).unwrap_or(1);
        let samples = usize::try_from(samples).unwrap_or(usize::MAX);
        match samples {
            0 => return Err(damaged("its pixels have no samples")),
            1..=MOST_SAMPLES => {}
            _ => return Err(unsupported(format!("{samples} samples a pixel"))),
        }
        let bits = &bits[..bits.len().min(samples)];
        let first = bits.first().copied().unwrap_or(1);
        if bits.iter().any(|&bits| bits != first) {
            let list: Vec<String> = bits.iter().map(u64::to_string).collect();
            return Err(unsupported(format!("samples of {} bits", list.join(", "))));
        }
        match first {
            1..=32 | 64 => Ok((first as usize, samples)),
            0 => Err(damaged("its samples have no bits")),
            bits => Err(unsupported(format!("{bits} bits a sample"))),
        }
    }

    fn format(tags: &Directory<'_>) -> Result<Format, DecodeError> {
        let formats = tags.numbers(SAMPLE_FORMAT).unwrap_or_default();
        let first = formats.first().copied().unwrap_or(1);
        if formats.iter().any(|&format| format != first) {
            return Err(unsupported("samples of several formats"));
        }
        match first {
            // 4 is undefined, which libtiff takes for unsigned.
            0 | 1 | 4 => Ok(Format::Unsigned),
            2 => Ok(Format::Signed),
            3 => Ok(Format::Float),
            5 | 6 => Err(unsupported("complex numbers")),
            other => Err(unsupported(format!("sample format {other}"))),
        }
    }

    fn meaning(tags: &Directory<'_>, bits: usize, samples: usize) -> Result<(Space, Alpha), DecodeError> {
        // The tag is required, and Pillow reads what has none as 0.
        let photometric = tags.number(PHOTOMETRIC_INTERPRETATION).unwrap_or(0);
        let space = match photometric {
            0 => Space::Gray { white_is_zero: true },
            // A mask is gray of one bit.
            1 | 4 => Space::Gray { white_is_zero: false },
            2 => Space::Rgb,
            3 => Space::Palette(palette(tags, bits)?),
            5 => match tags.number(INK_SET) {
                None | Some(1) => Space::Cmyk,
                Some(_) => return Err(unsupported("inks that are not CMYK")),
            },
            // Pillow reads one component alone as gray.
            6 if samples == 1 => Space::Gray { white_is_zero: false },
            6 => ycbcr(tags),
            8 => Space::Lab,
            9 => return Err(unsupported("colours of ICC L*a*b*")),
            10 => return Err(unsupported("colours of ITU L*a*b*")),
            32803 => return Err(unsupported("the raw values of a camera (a colour filter array)")),
            34892 => return Err(unsupported("the raw values of a camera (linear)")),
            32844 => return Err(unsupported("colours of LogL")),
            32845 => return Err(unsupported("colours of LogLuv")),
            other => return Err(unsupported(format!("photometric interpretation {other}"))),
        };
        let colours = match space {
            Space::Gray { .. } | Space::Palette(_) => 1,
            Space::Cmyk => 4,
            _ => 3,
        };
        if samples < colours {
            return Err(damaged(&format!(
                "it has {samples} samples a pixel where its colours take {colours}"
            )));
        }
        let alpha = match tags.numbers(EXTRA_SAMPLES).unwrap_or_default().first() {
            _ if samples == colours => Alpha::None,
            // 999 is of Corel Draw (`TiffImagePlugin.py`), which takes what is not named for alpha.
            None if matches!(space, Space::Rgb | Space::Gray { .. }) && samples == colours + 1 => {
                Alpha::Straight
            }
            Some(2 | 999) => Alpha::Straight,
            Some(1) => Alpha::Associated,
            _ => Alpha::None,
        };
        Ok((space, alpha))
    }

    /// Refuses what does not fit together, or is not read.
    fn check(&self, decoding: &Decoding) -> Result<(), DecodeError> {
        let Self { bits, format, samples, .. } = *self;
        match (format, bits) {
            (Format::Float, 16 | 32 | 64) | (Format::Unsigned | Format::Signed, 1..=32) => {}
            (Format::Float, _) => return Err(unsupported(format!("floating-point samples of {bits} bits"))),
            _ => return Err(unsupported(format!("whole numbers of {bits} bits"))),
        }
        let eight = bits == 8 && format == Format::Unsigned;
        match &self.space {
            Space::Gray { .. } | Space::Rgb => {}
            Space::Palette(_) if format == Format::Unsigned => {}
            Space::Cmyk if matches!(bits, 8 | 16) && format == Format::Unsigned => {}
            Space::YCbCr { .. } | Space::Lab if eight => {}
            Space::Palette(_) => return Err(unsupported("a palette and samples that are no whole numbers")),
            Space::Cmyk => return Err(unsupported(format!("CMYK of {bits} bits a sample"))),
            Space::YCbCr { .. } => return Err(unsupported(format!("YCbCr of {bits} bits a sample"))),
            Space::Lab => return Err(unsupported(format!("CIE L*a*b* of {bits} bits a sample"))),
        }
        match self.predictor {
            SamplePrediction::None => {}
            _ if self.subsampling() != [1, 1] => {
                return Err(unsupported("a predictor on subsampled colours"));
            }
            SamplePrediction::Horizontal if matches!(bits, 8 | 16 | 32 | 64) => {}
            SamplePrediction::Float if format == Format::Float => {}
            _ => return Err(unsupported(format!("a predictor on samples of {bits} bits"))),
        }
        if self.is_fax() && (bits != 1 || (samples != 1 && !self.planar)) {
            return Err(damaged("its compression is for black and white, and its pixels are not"));
        }
        if self.compression == 7 && !eight {
            return Err(unsupported(format!("{bits}-bit JPEG")));
        }
        if self.compression != 7 && self.subsampling() != [1, 1] {
            if self.planar {
                return Err(unsupported("subsampled colours in separate planes"));
            }
            if samples != 3 {
                return Err(unsupported("subsampled colours and alpha"));
            }
        }
        let planes = if self.planar { samples } else { 1 };
        let [across, down] = self.chunks();
        // The pixels of chunks count as well: those beyond the image's edge are unpacked too.
        let [columns, rows] = self.chunk;
        let pixels = (across as u128 * columns as u128) * (down as u128 * rows as u128);
        let in_a_chunk = columns as u128 * rows as u128;
        let most = u128::from(decoding.max_pixels).max(1 << 22);
        if self.tiled && (pixels > 2 * most || in_a_chunk > most) {
            return Err(unsupported("tiles that are much larger than the image"));
        }
        let in_a_row = columns.saturating_mul(samples) as u64;
        if !self.is_plain() && in_a_row > (decoding.max_pixels / 2).max(1 << 20) {
            return Err(DecodeError::Unsupported("it needs too much memory".to_owned()));
        }
        let needed = across.saturating_mul(down).saturating_mul(planes);
        if self.offsets.len() < needed {
            return Err(damaged(&format!("it has {} strips or tiles of {needed}", self.offsets.len())));
        }
        Ok(())
    }

    pub(super) fn is_fax(&self) -> bool {
        matches!(self.compression, 2..=4 | 32771)
    }

    /// Tells if rows are the bytes of the pixels already, by all rules.
    pub(super) fn is_plain(&self) -> bool {
        let space =
            matches!(self.space, Space::Gray { white_is_zero: false } | Space::Rgb) || self.is_rgb_jpeg();
        let whole = self.samples == self.colours() && (self.samples == 1 || !self.planar);
        space
            && whole
            && self.bits == 8
            && self.format == Format::Unsigned
            && self.predictor != SamplePrediction::Float
    }

    /// Tells if it is YCbCr that its JPEG decoder turns into RGB.
    pub(super) fn is_rgb_jpeg(&self) -> bool {
        self.compression == 7 && !self.planar && matches!(self.space, Space::YCbCr { .. })
    }

    /// Columns and rows that share their chroma as they are stored.
    pub(super) fn subsampling(&self) -> [usize; 2] {
        match self.space {
            // A JPEG says it itself, and its decoder fills in what is between.
            Space::YCbCr { subsampling, .. } if self.compression != 7 => subsampling,
            _ => [1, 1],
        }
    }
}

/// Refuses a compression that is not read, by its name (libtiff's `tiff.h`).
fn check_compression(compression: u64) -> Result<(), DecodeError> {
    let name = match compression {
        0..=5 | 7 | 8 | 32771 | 32773 | 32946 => return Ok(()),
        6 => "old-style JPEG",
        9 | 10 | 34661 => "JBIG compression",
        32766 => "NeXT's compression",
        32809 => "ThunderScan's compression",
        32908 | 32909 => "Pixar's compression",
        33003 | 33005 | 34712 => "JPEG 2000 compression",
        34676 | 34677 => "SGI's logarithmic compression",
        34715 => "JBIG2 compression",
        34887 => "LERC compression",
        34892 => "lossy JPEG of DNG",
        34925 => "LZMA compression",
        50000 => "Zstandard compression",
        50001 => "WebP compression",
        50002 | 52546 => "JPEG XL compression",
        other => return Err(unsupported(format!("compression {other}"))),
    };
    Err(unsupported(name))
}

/// Colours in 8 bits; all reds come first.
fn palette(tags: &Directory<'_>, bits: usize) -> Result<Vec<[u8; 3]>, DecodeError> {
    if bits > 8 {
        return Err(unsupported(format!("a palette and {bits} bits a sample")));
    }
    let map = tags.numbers(COLOUR_MAP).ok_or_else(|| damaged("it has no palette"))?;
    let colours = 1 << bits;
    if map.len() < 3 * colours {
        return Err(damaged("its palette has too few colours"));
    }
    // Pillow takes the upper bytes (`TiffImagePlugin.py`).
    Ok((0..colours).map(|i| [0, 1, 2].map(|channel| (map[channel * colours + i] >> 8) as u8)).collect())
}

fn ycbcr(tags: &Directory<'_>) -> Space {
    let of = |tag| tags.fractions(tag).filter(|values| values.iter().all(|value| value.is_finite()));
    let weights = of(YCBCR_COEFFICIENTS).and_then(|values| values.try_into().ok());
    let reference = of(REFERENCE_BLACK_WHITE).and_then(|values| values.try_into().ok());
    let side = |value: u64| if matches!(value, 1 | 2 | 4) { value as usize } else { 1 };
    let subsampling = tags.numbers(YCBCR_SUBSAMPLING).and_then(|values| <[u64; 2]>::try_from(values).ok());
    Space::YCbCr {
        subsampling: subsampling.unwrap_or([2, 2]).map(side),
        weights: weights.filter(|weights: &[f64; 3]| weights[1] != 0.0).unwrap_or([0.299, 0.587, 0.114]),
        reference: reference.unwrap_or([0.0, 255.0, 128.0, 255.0, 128.0, 255.0]),
    }
}
