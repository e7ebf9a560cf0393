//! A picture of what augmentation does to a set's images.

use crate::{AugmentContext, Augmentation, Error, ImageSet, Pixels, encode_png};

/// Images shown, one a row.
const ROWS: usize = 4;
/// Number of times that each is shown changed.
const COLUMNS: usize = 7;
/// Pixels between two images.
const GAP: usize = 4;

/// Draws a PNG, in colour where an image is: four images of the set, one a row, first as they are, then as training takes them
/// in its first seven epochs.
///
/// # Errors
/// Same as [`ImageSet::read`].
pub fn augmented_sheet(images: &ImageSet, augmentation: Augmentation, seed: u64) -> Result<Vec<u8>, Error> {
    let side = images.image_size();
    let indices: Vec<usize> = (0..ROWS.min(images.len())).map(|row| row * images.len() / ROWS).collect();
    let mut columns = vec![images.batch(&indices)?];
    for epoch in 1..=COLUMNS as u64 {
        columns.push(images.augmented_batch(&indices, &AugmentContext { augmentation, seed, epoch })?);
    }
    let tiles = |n: usize| n * (side + GAP) - GAP.min(n * GAP);
    let (width, height) = (tiles(columns.len()), tiles(indices.len()));
    let mut sheet = vec![255; width * height * 3];
    for (column, batch) in columns.iter().enumerate() {
        for (row, image) in batch.pixels.chunks_exact((side * side * 3).max(1)).enumerate() {
            for (y, line) in image.chunks_exact(side * 3).enumerate() {
                let at = ((row * (side + GAP) + y) * width + column * (side + GAP)) * 3;
                sheet[at..at + line.len()].copy_from_slice(line);
            }
        }
    }
    let sheet = Pixels { width, height, channels: 3, data: sheet }.compact();
    encode_png(&sheet).map_err(|source| Error::Picture { source })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        Decoding, Formats, Sample,
        store::{Bytes, Entry, Store},
    };

    #[test]
    fn each_row_begins_with_the_image_itself() {
        let images: Vec<Vec<u8>> =
            (0..8_u8).map(|i| (0..64).map(|at| 10 * i + at / 8 * 3 + at % 8).collect()).collect();
        let entries = images
            .iter()
            .zip(0..)
            .map(|(image, i)| Entry::new(64 * i, image, crate::DecodeNotes::default()))
            .collect();
        let store = Arc::new(Store { bytes: Bytes::Memory(images.concat()), entries });
        let samples = (0..8).map(|i| (Sample::new("".into(), String::new(), 0), i)).collect();
        let set = ImageSet::new(8, samples, store);
        let bytes =
            augmented_sheet(&set, Augmentation { shift: 0.2, ..Augmentation::default() }, 28).unwrap();
        let sheet = crate::decode(&bytes, &Decoding::new(Formats::Keras)).unwrap().pixels;
        assert_eq!((sheet.width, sheet.height), (8 * 12 - 4, 4 * 12 - 4));
        let tile = |row: usize, column: usize| -> Vec<u8> {
            let at = |y: usize, x: usize| ((row * 12 + y) * sheet.width + column * 12 + x) * sheet.channels;
            (0..64).map(|i| sheet.data[at(i / 8, i % 8)]).collect()
        };
        for (row, image) in [0, 2, 4, 6].into_iter().enumerate() {
            assert_eq!(tile(row, 0), images[image]);
            assert!((1..8).any(|column| tile(row, column) != images[image]));
        }
        assert!(augmented_sheet(&ImageSet::default(), Augmentation::LIGHT, 1).is_err());
    }
}
