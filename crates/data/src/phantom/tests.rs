use super::*;
use crate::random::{Key, Purpose};

const SIZE: usize = 64;
const MANY: u64 = 40;

fn generator(step: u64) -> Generator {
    Key { seed: 28, epoch: 0, step, purpose: Purpose::Phantom }.generator(0)
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
