//! Samples of TIFF pixels into 8-bit gray or RGB, by either rule.

use super::{
    TiffRow,
    page::{Alpha, Format, Page, Space},
};
use crate::Formats;

/// Makes pixels of one page.
pub(super) struct Converter<'a> {
    page: &'a Page<'a>,
    formats: Formats,
    /// The largest value that a sample's bits can hold.
    most: u64,
    /// Values that become black and white, of numbers that have no range of their own: those of the pixels.
    range: Option<[f64; 2]>,
    is_cut: bool,
}

impl<'a> Converter<'a> {
    pub(super) fn new(page: &'a Page<'_>, formats: Formats) -> Self {
        Self { page, formats, most: u64::MAX >> (64 - page.bits), range: None, is_cut: false }
    }

    /// Number of channels: 1 for gray, 3 for RGB.
    pub(super) fn channels(&self) -> usize {
        if matches!(self.page.space, Space::Gray { .. }) { 1 } else { 3 }
    }

    /// Tells if values were cut at 255.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Tells if samples are unsigned numbers of up to 16 bits, which have a range that all programs agree on. Signed ones of
    /// 8 bits are taken for such, as Pillow does.
    fn is_narrow(&self) -> bool {
        let Page { bits, format, .. } = *self.page;
        match format {
            Format::Unsigned => bits <= 16,
            Format::Signed => bits == 8,
            Format::Float => false,
        }
    }

    /// Tells if all rows must be seen by [`Self::widen_range`] first.
    pub(super) fn needs_range(&self) -> bool {
        !self.is_narrow() && self.formats == Formats::All
    }

    pub(super) fn widen_range(&mut self, row: TiffRow<'_>) {
        let TiffRow::Samples { values, stride } = row else { return };
        let colours = self.page.colours();
        for pixel in values.chunks_exact(stride) {
            for &bits in &pixel[..colours] {
                let value = self.number(bits);
                if !value.is_finite() {
                    continue;
                }
                let [low, high] = self.range.unwrap_or([value; 2]);
                self.range = Some([low.min(value), high.max(value)]);
            }
        }
    }

    /// Tells if the range is that of the pixels, and not 0 to 1.
    pub(super) fn is_scaled_by_own_range(&self) -> bool {
        self.range.is_some() && !self.is_fraction()
    }

    /// Tells if samples are floats of 0 to 1, of which 1 is white to all programs.
    fn is_fraction(&self) -> bool {
        let of = |[low, high]: [f64; 2]| low >= 0.0 && high <= 1.0;
        self.page.format == Format::Float && self.range.is_some_and(of)
    }

    /// Returns the number that a sample's bits stand for.
    fn number(&self, bits: u64) -> f64 {
        match (self.page.format, self.page.bits) {
            (Format::Unsigned, _) => bits as f64,
            (Format::Signed, count) => {
                let unused = 64 - count;
                ((bits << unused) as i64 >> unused) as f64
            }
            (Format::Float, 16) => half(bits as u16),
            (Format::Float, 32) => f64::from(f32::from_bits(bits as u32)),
            (Format::Float, _) => f64::from_bits(bits),
        }
    }

    /// Writes the pixels of a row.
    pub(super) fn convert(&mut self, row: TiffRow<'_>, out: &mut [u8]) {
        let (values, stride) = match row {
            TiffRow::Plain { bytes, .. } => return out.copy_from_slice(bytes),
            TiffRow::Samples { values, stride } => (values, stride),
        };
        let (channels, page) = (self.channels(), self.page);
        for (pixel, out) in values.chunks_exact(stride).zip(out.chunks_exact_mut(channels)) {
            match &page.space {
                Space::Gray { .. } | Space::Rgb if self.is_narrow() => self.narrow_pixel(pixel, out),
                Space::Gray { .. } | Space::Rgb => self.wide_pixel(pixel, out),
                Space::Palette(colours) => {
                    out.copy_from_slice(&colours[pixel[0] as usize]);
                    self.put_over_black(pixel, 1, out);
                }
                Space::Cmyk => {
                    out.copy_from_slice(&rgb_of_cmyk([0, 1, 2, 3].map(|i| self.byte(pixel[i]))));
                    self.put_over_black(pixel, 4, out);
                }
                Space::YCbCr { weights, reference, .. } => {
                    let code = [0, 1, 2].map(|i| pixel[i] as f64);
                    out.copy_from_slice(&rgb_of_ycbcr(code, weights, reference));
                    self.put_over_black(pixel, 3, out);
                }
                Space::Lab => {
                    out.copy_from_slice(&rgb_of_lab([0, 1, 2].map(|i| pixel[i] as u8)));
                    self.put_over_black(pixel, 3, out);
                }
            }
        }
    }

    /// A whole number in 8 bits: scaled, or by Keras' rules its upper byte.
    fn byte(&self, value: u64) -> u8 {
        match self.page.bits {
            bits if bits > 8 && self.formats == Formats::Keras => upper_byte(value, bits),
            _ => ((value * 255 + self.most / 2) / self.most) as u8,
        }
    }

    fn put_over_black(&self, pixel: &[u64], colours: usize, out: &mut [u8]) {
        if self.formats == Formats::All && self.page.alpha == Alpha::Straight {
            let alpha = u64::from(self.byte(pixel[colours]));
            for value in out {
                *value = ((u64::from(*value) * alpha + 127) / 255) as u8;
            }
        }
    }

    fn narrow_pixel(&mut self, pixel: &[u64], out: &mut [u8]) {
        let (colours, most) = (out.len(), self.most);
        let keras = self.formats == Formats::Keras;
        // Pillow opens 16-bit gray of either kind as it is (`TiffImagePlugin.py`).
        let inverted =
            matches!(self.page.space, Space::Gray { white_is_zero: true }) && (!keras || self.page.bits <= 8);
        for (i, out) in out.iter_mut().enumerate() {
            let value = if inverted { most - pixel[i] } else { pixel[i] };
            *out = match self.page.alpha {
                // Over black, colours that are multiplied already are what is seen.
                Alpha::Straight if !keras => {
                    ((value * pixel[colours] * 255 + most * most / 2) / (most * most)) as u8
                }
                Alpha::Associated if keras => match self.byte(pixel[colours]) {
                    0 => 0,
                    alpha => (u64::from(self.byte(value)) * 255 / u64::from(alpha)).min(255) as u8,
                },
                Alpha::None if keras && colours == 1 && self.page.bits > 8 => {
                    self.is_cut |= value > 255;
                    value.min(255) as u8
                }
                _ => self.byte(value),
            };
        }
    }

    fn wide_pixel(&mut self, pixel: &[u64], out: &mut [u8]) {
        let colours = out.len();
        let Page { bits, format, alpha, .. } = *self.page;
        let alpha = match alpha {
            Alpha::Straight if self.formats == Formats::All => self.number(pixel[colours]) / self.opaque(),
            _ => 1.0,
        };
        let inverted = matches!(self.page.space, Space::Gray { white_is_zero: true });
        for (out, &sample) in out.iter_mut().zip(pixel) {
            let value = self.number(sample);
            *out = match self.formats {
                Formats::All => {
                    let [low, high] = match self.range {
                        Some(range) if !self.is_fraction() => range,
                        _ => [0.0, 1.0],
                    };
                    // A range of nothing is black; what is no number becomes 0.
                    let share = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
                    let share = if inverted { 1.0 - share } else { share };
                    (share * alpha.clamp(0.0, 1.0) * 255.0).round() as u8
                }
                // Pillow's modes I, of which 32 bits have a sign in any case, and F: cut on both sides.
                Formats::Keras if colours == 1 || format == Format::Float => {
                    let value = if bits == 32 && format == Format::Unsigned {
                        f64::from(sample as u32 as i32)
                    } else {
                        value
                    };
                    // Fractions are lost as well: of floats from 0 to 1 nothing is left.
                    self.is_cut |= !(0.0..256.0).contains(&value) || value.fract() != 0.0;
                    value as u8
                }
                Formats::Keras if format == Format::Signed => upper_byte(sample, bits).wrapping_add(128),
                Formats::Keras => upper_byte(sample, bits),
            };
        }
    }

    /// The number of a full alpha.
    fn opaque(&self) -> f64 {
        match self.page.format {
            Format::Unsigned => self.most as f64,
            Format::Signed => (self.most >> 1) as f64,
            Format::Float => 1.0,
        }
    }
}

/// Upper eight bits of a sample; fewer bits become the upper ones.
fn upper_byte(sample: u64, bits: usize) -> u8 {
    if bits < 8 { (sample << (8 - bits)) as u8 } else { (sample >> (bits - 8)) as u8 }
}

/// Converts IEEE 754's binary16.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * (-24_f64).exp2(),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * f64::from(exponent - 15).exp2(),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Converts CMYK to RGB as Pillow does (`Convert.c`, `cmyk2rgb`).
fn rgb_of_cmyk([cyan, magenta, yellow, key]: [u8; 4]) -> [u8; 3] {
    let white = 255 - u32::from(key);
    [cyan, magenta, yellow].map(|ink| {
        let product = u32::from(ink) * white + 128;
        (white - (((product >> 8) + product) >> 8)) as u8
    })
}

/// Converts YCbCr to RGB as libtiff does (`TIFFYCbCrtoRGB`).
fn rgb_of_ycbcr([y, cb, cr]: [f64; 3], weights: &[f64; 3], reference: &[f64; 6]) -> [u8; 3] {
    let code = |value: f64, at: usize, most: f64| {
        let (black, white) = (reference[at], reference[at + 1]);
        let range = if white == black { 1.0 } else { white - black };
        (value - black) * most / range
    };
    let (y, cb, cr) = (code(y, 0, 255.0), code(cb, 2, 127.0), code(cr, 4, 127.0));
    let [red_weight, green_weight, blue_weight] = *weights;
    let red = y + cr * (2.0 - 2.0 * red_weight);
    let blue = y + cb * (2.0 - 2.0 * blue_weight);
    let green = (y - red_weight * red - blue_weight * blue) / green_weight;
    [red, green, blue].map(|value| value.round() as u8)
}

/// Converts CIE L*a*b* under D50 to sRGB, whose white is D65, by Bradford's adaptation.
fn rgb_of_lab([lightness, a, b]: [u8; 3]) -> [u8; 3] {
    let y = (f64::from(lightness) * 100.0 / 255.0 + 16.0) / 116.0;
    let cube = |t: f64| if t > 6.0 / 29.0 { t * t * t } else { (t - 4.0 / 29.0) * 108.0 / 841.0 };
    let (a, b) = (f64::from(a as i8), f64::from(b as i8));
    let [x, y, z] = [0.9642 * cube(y + a / 500.0), cube(y), 0.8249 * cube(y - b / 200.0)];
    let linear = [
        3.1338561 * x - 1.6168667 * y - 0.4906146 * z,
        -0.9787684 * x + 1.9161415 * y + 0.0334540 * z,
        0.0719453 * x - 0.2289914 * y + 1.4052427 * z,
    ];
    linear.map(|value| {
        let shown = if value <= 0.003_130_8 { 12.92 * value } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
        (shown * 255.0).round() as u8
    })
}
