use super::{canvas::Dice, *};
use base::random::{Key, Purpose};

const SIZE: usize = 64;
const MANY: u64 = 40;

fn generator(step: u64) -> Generator {
    Key { seed: 28, epoch: 0, step, purpose: Purpose::Phantom }.generator(0)
}

/// With half of the variation a number is half as far from the middle; the dice stay in step.
#[test]
fn variation_shrinks_every_range_to_its_middle() {
    let (mut whole, mut half) = (Dice::new(generator(0)), Dice { variation: 0.5, ..Dice::new(generator(0)) });
    for _ in 0..100 {
        let (even, steady) = (whole.between(2.0, 6.0), half.between(2.0, 6.0));
        assert!((steady - (4.0 + (even - 4.0) / 2.0)).abs() < 1e-5, "{even} {steady}");
        let (around, steady) = (whole.around(3.0, 0.2), half.around(3.0, 0.2));
        assert!((steady - (3.0 + (around - 3.0) / 2.0)).abs() < 1e-5, "{around} {steady}");
        assert_eq!(whole.chance(0.3), half.chance(0.3));
    }
}

/// The mean of many phantoms, pixel by pixel.
fn mean(finding: Finding) -> Vec<f32> {
    let mut sum = vec![0.0; SIZE * SIZE];
    for step in 0..MANY {
        for (sum, value) in sum.iter_mut().zip(draw(finding, SIZE, generator(step))) {
            *sum += f32::from(value) / MANY as f32;
        }
    }
    sum
}

/// The mean over a rectangle; sides as shares of the film.
fn over(image: &[f32], [left, right]: [f32; 2], [top, bottom]: [f32; 2]) -> f32 {
    let at = |share: f32| (share * SIZE as f32) as usize;
    let rows = image.chunks_exact(SIZE).take(at(bottom)).skip(at(top));
    let values: Vec<f32> = rows.flat_map(|row| row[at(left)..at(right)].to_vec()).collect();
    values.iter().sum::<f32>() / values.len() as f32
}

const LEFT_LUNG: [f32; 2] = [0.18, 0.32];
const RIGHT_LUNG: [f32; 2] = [0.68, 0.82];
const LOWER: [f32; 2] = [0.5, 0.68];
const UPPER: [f32; 2] = [0.22, 0.36];

#[test]
fn air_is_dark_and_bone_is_bright() {
    let image = mean(Finding::None);
    let (spine, belly) = (over(&image, [0.47, 0.53], UPPER), over(&image, [0.3, 0.7], [0.92, 1.0]));
    for lung in [LEFT_LUNG, RIGHT_LUNG] {
        for zone in [UPPER, LOWER] {
            let lung = over(&image, lung, zone);
            assert!(lung + 40.0 < belly && lung + 60.0 < spine, "{lung}, {belly}, {spine}");
        }
    }
    // The air beside the neck.
    assert!(over(&image, [0.0, 0.06], [0.0, 0.04]) < 60.0);
    // The heart stands to the image's right.
    assert!(over(&image, [0.56, 0.62], LOWER) > over(&image, [0.38, 0.44], LOWER) + 20.0);
}

#[test]
fn haze_lies_low_in_both_lungs() {
    let (sound, ill) = (mean(Finding::None), mean(Finding::GroundGlass));
    for lung in [LEFT_LUNG, RIGHT_LUNG] {
        let more = |zone| over(&ill, lung, zone) - over(&sound, lung, zone);
        assert!(more(LOWER) > 20.0 && more(LOWER) > 2.0 * more(UPPER), "{} {}", more(LOWER), more(UPPER));
    }
}

#[test]
fn a_consolidation_is_in_one_lung() {
    let (mut apart_sound, mut apart_ill) = (0.0, 0.0);
    for step in 0..MANY {
        let apart = |finding| {
            let image: Vec<f32> = draw(finding, SIZE, generator(step)).into_iter().map(f32::from).collect();
            (over(&image, LEFT_LUNG, LOWER) - over(&image, RIGHT_LUNG, LOWER)).abs() / MANY as f32
        };
        apart_sound += apart(Finding::None);
        apart_ill += apart(Finding::Consolidation);
    }
    assert!(apart_ill > 2.0 * apart_sound, "{apart_ill} {apart_sound}");
}

#[test]
fn a_phantom_is_repeatable_and_one_of_its_kind() {
    let image = draw(Finding::None, SIZE, generator(0));
    assert_eq!(image.len(), SIZE * SIZE);
    assert_eq!(image, draw(Finding::None, SIZE, generator(0)));
    assert_ne!(image, draw(Finding::None, SIZE, generator(1)));
}

/// One body at two sizes: only the grain differs.
#[test]
fn the_picture_does_not_depend_on_the_size() {
    let small = draw(Finding::GroundGlass, 64, generator(5));
    let large = draw(Finding::GroundGlass, 256, generator(5));
    let mut off = 0.0;
    for (i, &value) in small.iter().enumerate() {
        let (x, y) = (i % 64 * 4, i / 64 * 4);
        let block = (0..16).map(|j| f32::from(large[(y + j / 4) * 256 + x + j % 4])).sum::<f32>() / 16.0;
        off += (block - f32::from(value)).abs() / small.len() as f32;
    }
    assert!(off < 4.0, "{off}");
}

/// Columns and rows of a mask's box, and the share of the film that it takes.
fn extent(mask: &[bool], size: usize) -> ([usize; 4], f64) {
    let mut extent = [size, 0, size, 0];
    let found = mask.iter().enumerate().filter(|(_, seen)| **seen).map(|(pixel, _)| pixel);
    for pixel in found.clone() {
        let (column, row) = (pixel % size, pixel / size);
        extent = [extent[0].min(column), extent[1].max(column), extent[2].min(row), extent[3].max(row)];
    }
    (extent, found.count() as f64 / mask.len() as f64)
}

#[test]
fn what_is_planted_lies_where_the_mask_says_and_is_small() {
    let size = 96;
    let (mut left, mut upper, mut mean) = (0, 0, 0.0);
    for index in 0..100 {
        let (ill, sound) = (planted(true, size, 28, index), planted(false, size, 28, index));
        let ([west, east, north, south], share) = extent(&ill.mask, size);
        assert!(share > 0.005 && share <= 0.08, "{index}: {share}");
        assert!(sound.mask.iter().all(|seen| !seen));
        left += usize::from(west + east < size);
        upper += usize::from(north + south < size);
        mean += share / 100.0;

        // One patch, not two: no row or column of its box is without it.
        assert!((north..=south).all(|row| ill.mask[row * size..(row + 1) * size].contains(&true)), "{index}");
        assert!((west..=east).all(|column| ill.mask.iter().skip(column).step_by(size).any(|seen| *seen)));
        // It is paler than the lung around it.
        let gray = |inside: bool| {
            let (mut sum, mut n) = (0.0, 0.0);
            for row in north.saturating_sub(6)..(south + 6).min(size) {
                for column in west.saturating_sub(6)..(east + 6).min(size) {
                    let pixel = row * size + column;
                    if ill.mask[pixel] == inside {
                        sum += f64::from(ill.image.data[pixel]);
                        n += 1.0;
                    }
                }
            }
            sum / n
        };
        assert!(gray(true) > gray(false) + 5.0, "{index}: {} {}", gray(true), gray(false));
    }
    assert!((30..70).contains(&left) && (30..90).contains(&upper), "{left} {upper}");
    assert!((0.02..0.06).contains(&mean), "{mean}");
    assert_eq!(planted(true, size, 28, 3), planted(true, size, 28, 3));
    assert_ne!(planted(true, size, 28, 3).image, planted(true, size, 29, 3).image);
}
