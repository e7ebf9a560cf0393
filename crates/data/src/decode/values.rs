//! Conversion of more than 8-bit gray or RGB to that, as a viewer does: 16 bits scaled, alpha put over black.

/// Channels that are left of `samples` interleaved values, of which the last is alpha where there are 2 or 4.
pub(super) fn channels(samples: usize) -> usize {
    if samples <= 2 { 1 } else { 3 }
}

/// Appends 8-bit pixels of `samples` values, put over black.
pub(super) fn viewed8(values: &[u8], samples: usize, into: &mut Vec<u8>) {
    if channels(samples) == samples {
        into.extend_from_slice(values);
        return;
    }
    for pixel in values.chunks_exact(samples) {
        let (alpha, colours) = pixel.split_last().unwrap_or((&255, &[]));
        let over_black = |&value: &u8| ((u32::from(value) * u32::from(*alpha) + 127) / 255) as u8;
        into.extend(colours.iter().map(over_black));
    }
}

/// Appends 8-bit pixels of 16-bit values in the same way: one rounding for both.
pub(super) fn viewed16(mut values: impl Iterator<Item = u16>, samples: usize, into: &mut Vec<u8>) {
    const MOST: u64 = 65535;
    let channels = channels(samples);
    let mut pixel = [0; 4];
    loop {
        for place in &mut pixel[..samples] {
            let Some(value) = values.next() else { return };
            *place = value;
        }
        let alpha = if channels == samples { MOST } else { u64::from(pixel[channels]) };
        into.extend(
            pixel[..channels]
                .iter()
                .map(|&value| ((u64::from(value) * alpha * 255 + MOST * MOST / 2) / (MOST * MOST)) as u8),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_scaled_and_put_over_black_with_one_rounding() {
        let eight = |values: &[u8], samples| {
            let mut into = Vec::new();
            viewed8(values, samples, &mut into);
            into
        };
        assert_eq!(eight(&[0, 7, 255], 1), [0, 7, 255]);
        assert_eq!(eight(&[100, 0, 100, 255, 100, 128, 1, 128], 2), [0, 100, 50, 1]);
        assert_eq!(eight(&[200, 100, 3, 51], 4), [40, 20, 1]);
        let sixteen = |values: &[u16], samples| {
            let mut into = Vec::new();
            viewed16(values.iter().copied(), samples, &mut into);
            into
        };
        // 128 and 129 lie on either side of half a step.
        assert_eq!(sixteen(&[0, 128, 129, 257, 32767, 32768, 65535], 1), [0, 0, 1, 1, 127, 128, 255]);
        assert_eq!(sixteen(&[65535, 32768, 65535, 0], 2), [128, 0]);
        assert_eq!(sixteen(&[65535, 0, 257, 65535], 4), [255, 0, 1]);
        // Scaled to 8 bits first, 643 would be 3, and half of that 2.
        assert_eq!(sixteen(&[643, 32768], 2), [1]);
        // Half a pixel is none.
        assert_eq!(sixteen(&[1, 2, 3, 4, 5], 3).len(), 3);
    }
}
