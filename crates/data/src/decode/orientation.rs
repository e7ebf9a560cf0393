//! Images turned as their orientation says: a camera stores what its sensor saw, and which side was up.

use image::metadata::Orientation;

use crate::Pixels;

/// The image as it is to be seen.
pub(super) fn turn(image: Pixels, orientation: Orientation) -> Pixels {
    let (w, h) = (image.width, image.height);
    // Which pixel of the stored image (column, row) is seen at column x of row y.
    match orientation {
        Orientation::NoTransforms => image,
        Orientation::FlipHorizontal => turned(&image, w, h, |x, y| (w - 1 - x, y)),
        Orientation::Rotate180 => turned(&image, w, h, |x, y| (w - 1 - x, h - 1 - y)),
        Orientation::FlipVertical => turned(&image, w, h, |x, y| (x, h - 1 - y)),
        Orientation::Rotate90FlipH => turned(&image, h, w, |x, y| (y, x)),
        Orientation::Rotate90 => turned(&image, h, w, |x, y| (y, h - 1 - x)),
        Orientation::Rotate270FlipH => turned(&image, h, w, |x, y| (w - 1 - y, h - 1 - x)),
        Orientation::Rotate270 => turned(&image, h, w, |x, y| (w - 1 - y, x)),
    }
}

fn turned(
    image: &Pixels,
    width: usize,
    height: usize,
    from: impl Fn(usize, usize) -> (usize, usize),
) -> Pixels {
    let channels = image.channels;
    let mut data = Vec::with_capacity(image.data.len());
    for y in 0..height {
        for x in 0..width {
            let (column, row) = from(x, y);
            let at = (row * image.width + column) * channels;
            data.extend_from_slice(&image.data[at..at + channels]);
        }
    }
    Pixels { width, height, channels, data }
}

/// What a PNG's eXIf chunk says, which may stand on either side of the pixels.
pub(super) fn of_png(bytes: &[u8]) -> Orientation {
    let exif = || {
        let mut at = 8;
        loop {
            let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize;
            let end = (at + 8).checked_add(length)?;
            match bytes.get(at + 4..at + 8)? {
                b"eXIf" => return Orientation::from_exif_chunk(bytes.get(at + 8..end)?),
                b"IEND" => return None,
                // A sum of four bytes follows.
                _ => at = end.checked_add(4)?,
            }
        }
    };
    exif().unwrap_or(Orientation::NoTransforms)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 3×2 pixels, and what `PIL.ImageOps.exif_transpose` makes of them.
    #[test]
    fn all_eight_orientations_are_pillows() {
        let image = Pixels { width: 3, height: 2, channels: 1, data: vec![1, 2, 3, 4, 5, 6] };
        let seen = |exif| {
            let seen = turn(image.clone(), Orientation::from_exif(exif).unwrap());
            (seen.width, seen.data)
        };
        assert_eq!(seen(1), (3, vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(seen(2), (3, vec![3, 2, 1, 6, 5, 4]));
        assert_eq!(seen(3), (3, vec![6, 5, 4, 3, 2, 1]));
        assert_eq!(seen(4), (3, vec![4, 5, 6, 1, 2, 3]));
        assert_eq!(seen(5), (2, vec![1, 4, 2, 5, 3, 6]));
        assert_eq!(seen(6), (2, vec![4, 1, 5, 2, 6, 3]));
        assert_eq!(seen(7), (2, vec![6, 3, 5, 2, 4, 1]));
        assert_eq!(seen(8), (2, vec![3, 6, 2, 5, 1, 4]));
        let colour = Pixels { width: 1, height: 2, channels: 3, data: vec![1, 2, 3, 4, 5, 6] };
        let seen = turn(colour, Orientation::Rotate90);
        assert_eq!((seen.width, seen.height, seen.data), (2, 1, vec![4, 5, 6, 1, 2, 3]));
    }
}
