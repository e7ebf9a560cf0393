//! Pictures for tests, written by the `png` crate.

/// Makes a gray PNG of `side`² pixels: a soft gradient around `level`.
pub(crate) fn gray_png(side: u32, level: u8) -> Vec<u8> {
    let pixels: Vec<u8> = (0..side * side).map(|i| level.saturating_add((i % side / 4) as u8)).collect();
    png(side, png::ColorType::Grayscale, &pixels)
}

/// Makes a picture like [`gray_png`], with pixels in its last row that no other name has.
pub(crate) fn signed_png(side: u32, level: u8, name: &str) -> Vec<u8> {
    let mut pixels: Vec<u8> = (0..side * side).map(|i| level.saturating_add((i % side / 4) as u8)).collect();
    let sum = name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(16_777_619) ^ u32::from(byte));
    for (pixel, byte) in pixels.iter_mut().rev().zip(sum.to_le_bytes()) {
        *pixel = level.wrapping_add(byte % 8);
    }
    for (pixel, byte) in pixels.iter_mut().rev().skip(4).zip(sum.to_le_bytes()) {
        *pixel = level.wrapping_add(byte / 8);
    }
    png(side, png::ColorType::Grayscale, &pixels)
}

/// Makes the same pixels as [`gray_png`], stored as colour.
pub(crate) fn gray_png_as_rgb(side: u32, level: u8) -> Vec<u8> {
    let gray = (0..side * side).map(|i| level.saturating_add((i % side / 4) as u8));
    let pixels: Vec<u8> = gray.flat_map(|value| [value; 3]).collect();
    png(side, png::ColorType::Rgb, &pixels)
}

/// Makes a colour PNG of `side`² pixels.
pub(crate) fn rgb_png(side: u32, colour: [u8; 3]) -> Vec<u8> {
    let pixels: Vec<u8> = colour.into_iter().cycle().take((side * side * 3) as usize).collect();
    png(side, png::ColorType::Rgb, &pixels)
}

pub(crate) fn png(side: u32, colour: png::ColorType, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    bytes
}

/// Generator of pseudo-random numbers, the same for a seed.
struct Dice(u64);

impl Dice {
    /// Draws a number below `n`.
    fn roll(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(n)) as u32
    }

    fn colour(&mut self) -> [u8; 3] {
        [(); 3].map(|()| self.roll(256) as u8)
    }
}

/// Side of pictures that are no radiographs.
const SIDE: u32 = 256;

/// Draws in turn a scene in colour, a page of text, and noise.
pub(crate) fn no_radiograph(seed: u32) -> Vec<u8> {
    match seed % 3 {
        0 => colour_scene(seed),
        1 => text_page(seed),
        _ => noise(seed),
    }
}

/// Draws discs and boxes before a sky.
pub(crate) fn colour_scene(seed: u32) -> Vec<u8> {
    let mut dice = Dice(u64::from(seed) + 1);
    let (top, bottom) = (dice.colour(), dice.colour());
    let shapes: Vec<_> = (0..3 + dice.roll(9))
        .map(|_| {
            let (x, y, size) = (dice.roll(SIDE), dice.roll(SIDE), 10 + dice.roll(60));
            (x, y, size, dice.roll(2) == 0, dice.colour())
        })
        .collect();
    let pixel = |i: u32| {
        let (x, y) = (i % SIDE, i / SIDE);
        let inside = shapes.iter().rev().find(|(cx, cy, size, round, _)| {
            let (dx, dy) = (x.abs_diff(*cx), y.abs_diff(*cy));
            if *round { dx * dx + dy * dy < size * size } else { dx.max(dy) < *size }
        });
        let sky = |channel: usize| {
            ((u32::from(top[channel]) * (SIDE - y) + u32::from(bottom[channel]) * y) / SIDE) as u8
        };
        inside.map_or([0, 1, 2].map(sky), |shape| shape.4)
    };
    png(SIDE, png::ColorType::Rgb, &(0..SIDE * SIDE).flat_map(pixel).collect::<Vec<_>>())
}

/// Draws lines of dark marks in words on a bright page.
pub(crate) fn text_page(seed: u32) -> Vec<u8> {
    let mut dice = Dice(u64::from(seed) + 1);
    let paper = 235 + dice.roll(20) as u8;
    let mut pixels = vec![paper; (SIDE * SIDE) as usize];
    let line = 8 + dice.roll(10);
    for y in (10..SIDE - line).step_by(line as usize) {
        let mut x = 12;
        while x < SIDE - 20 {
            for _ in 0..1 + dice.roll(6) {
                let (width, top) = (1 + dice.roll(4), dice.roll(2));
                for row in y + top..y + line / 2 {
                    for column in x..(x + width).min(SIDE - 12) {
                        // Letters are outlines.
                        if row == y + top || column == x || dice.roll(3) == 0 {
                            pixels[(row * SIDE + column) as usize] = 20;
                        }
                    }
                }
                x += width + 1;
            }
            x += 4;
        }
    }
    png(SIDE, png::ColorType::Grayscale, &pixels)
}

/// Draws noise: in turn in colour, gray, and gray around a level.
pub(crate) fn noise(seed: u32) -> Vec<u8> {
    let mut dice = Dice(u64::from(seed) + 1);
    let n = (SIDE * SIDE) as usize;
    match seed / 3 % 3 {
        0 => png(SIDE, png::ColorType::Rgb, &(0..3 * n).map(|_| dice.roll(256) as u8).collect::<Vec<_>>()),
        1 => png(SIDE, png::ColorType::Grayscale, &(0..n).map(|_| dice.roll(256) as u8).collect::<Vec<_>>()),
        _ => {
            let spread = 10 + dice.roll(50);
            let mut around = || 128 + (0..4).map(|_| dice.roll(spread)).sum::<u32>() / 2 - spread;
            png(SIDE, png::ColorType::Grayscale, &(0..n).map(|_| around() as u8).collect::<Vec<_>>())
        }
    }
}
