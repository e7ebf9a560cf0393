//! Conversion of colours to 8-bit RGB.

use super::{Layout, Samples, attributes as tags, attributes::Attributes, damaged};
use crate::DecodeError;

/// Brings samples, three values a pixel, to 8 bits; those of fewer or more bits are scaled.
pub(super) fn eight_bits(samples: Samples<'_>, layout: &Layout) -> Vec<u8> {
    let most = u64::from(layout.most());
    let scaled = |stored| ((u64::from(layout.bits(stored)) * 255 + most / 2) / most) as u8;
    match samples {
        Samples::Eight(values) if most == 255 => values.into_owned(),
        samples => samples.iter().map(scaled).collect(),
    }
}

/// Converts YBR_FULL to RGB, in place (PS3.3, C.7.6.3.1.2).
pub(super) fn ybr_to_rgb(pixels: &mut [u8]) {
    for pixel in pixels.chunks_exact_mut(3) {
        let [y, b, r] = [pixel[0], pixel[1], pixel[2]].map(f32::from);
        let (b, r) = (b - 128.0, r - 128.0);
        let rgb = [y + 1.402 * r, y - 0.344_136 * b - 0.714_136 * r, y + 1.772 * b];
        for (value, new) in pixel.iter_mut().zip(rgb) {
            *value = new.round() as u8;
        }
    }
}

/// Looks indices up in the file's palette.
pub(super) fn look_up(
    samples: &Samples<'_>,
    layout: &Layout,
    attributes: &Attributes<'_>,
) -> Result<Vec<u8>, DecodeError> {
    let mut palette = vec![[0; 3]; layout.most() as usize + 1];
    for (channel, colours) in tags::PALETTES.into_iter().enumerate() {
        let (descriptor, segments) = (tags::PALETTE_DESCRIPTORS[channel], tags::SEGMENTED_PALETTES[channel]);
        let table = attributes.table(descriptor, colours, Some(segments), layout.signed)?;
        let table = table.ok_or_else(|| damaged("its palette is missing"))?;
        for (bits, colour) in palette.iter_mut().enumerate() {
            let entry = u32::from(table.of(layout.value(bits as u32) as f64)).min(table.most);
            colour[channel] = ((entry * 255 + table.most / 2) / table.most) as u8;
        }
    }
    Ok(samples.iter().flat_map(|stored| palette[layout.bits(stored) as usize]).collect())
}
