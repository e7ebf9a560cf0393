//! From a body to a film: how the patient stood, how it was exposed, and the film's grain.

use super::canvas::{Dice, Plane, edge};
use base::random::Rng as _;

/// Computes the largest length of the body that half the film's side shows: [`expose`] draws a scale and an aspect, each at most
/// three spreads away from its mean, from dice of this variation.
pub(super) const fn largest_scale(variation: f32) -> f32 {
    (0.83 + 3.0 * 0.02 * variation) / (1.0 - 3.0 * 0.015 * variation)
}

/// Place of the body on the film.
pub(super) struct Pose {
    /// Sine and cosine of the turn.
    turn: (f32, f32),
    scale: [f32; 2],
    shift: [f32; 2],
}

impl Pose {
    /// The body's place behind that of the film, from -1 to 1 both ways.
    fn behind(&self, u: f32, v: f32) -> (f32, f32) {
        let x = (u * self.turn.1 - v * self.turn.0) * self.scale[0] + self.shift[0];
        let y = (u * self.turn.0 + v * self.turn.1) * self.scale[1] + self.shift[1];
        (x, y)
    }

    /// Samples a plane behind each pixel of a film of `size` × `size` pixels, row by row.
    pub(super) fn seen(&self, plane: &Plane, size: usize) -> impl Iterator<Item = f32> {
        let at = move |pixel: usize| (pixel as f32 + 0.5) * (2.0 / size as f32) - 1.0;
        (0..size * size).map(move |pixel| {
            let (x, y) = self.behind(at(pixel % size), at(pixel / size));
            plane.sample(x, y)
        })
    }
}

/// Exposure of a film: what is not let through becomes gray.
struct Exposure {
    black: f32,
    white: f32,
    /// Share of the square in the curve, from 0 to 1: soft or hard film.
    hardness: f32,
    /// Change from the film's left to its right, and from its top to its bottom.
    tilt: [f32; 2],
    brightest: f32,
    fog: f32,
}

/// Exposes a film of `size` × `size` pixels: 8-bit gray, row by row, and how the body lay.
pub(super) fn expose(body: &Plane, size: usize, dice: &mut Dice) -> (Vec<u8>, Pose) {
    let turn = dice.around(0.0, 0.02);
    let (scale, aspect) = (dice.around(0.83, 0.02), dice.around(1.0, 0.015));
    let pose = Pose {
        turn: (turn, (1.0 - turn * turn).sqrt()),
        scale: [scale * aspect, scale / aspect],
        shift: [dice.around(0.0, 0.018), dice.around(0.0, 0.022)],
    };
    let exposure = Exposure {
        black: dice.between(0.02, 0.08),
        white: dice.between(1.0, 1.14),
        hardness: dice.between(0.6, 0.9),
        tilt: [dice.around(0.0, 0.02), dice.around(0.0, 0.02)],
        brightest: dice.between(215.0, 250.0),
        fog: dice.between(4.0, 20.0),
    };
    let collimation = dice.chance(0.3).then(|| [(); 4].map(|()| dice.between(0.93, 1.02)));
    let marker = dice.chance(0.5).then(|| [dice.between(0.74, 0.88), dice.between(-0.9, -0.8)]);

    let mut film = Vec::with_capacity(size * size);
    let mut grain = Grain::new(size, dice);
    let pitch = 2.0 / size as f32;
    for row in 0..size {
        let v = (row as f32 + 0.5) * pitch - 1.0;
        grain.next_row(dice);
        for column in 0..size {
            let u = (column as f32 + 0.5) * pitch - 1.0;
            let (x, y) = pose.behind(u, v);
            let mut gray = exposure.gray(body.sample(x, y), u, v);
            if let Some([left, right, top, bottom]) = collimation {
                let open = edge((left + u) / 0.008).min(edge((right - u) / 0.008));
                gray *= open.min(edge((top + v) / 0.008)).min(edge((bottom - v) / 0.008));
            }
            if let Some([x, y]) = marker {
                gray += (245.0 - gray) * lead_letter(u - x, v - y);
            }
            // Silver lies where light fell: dark parts of the picture have more of it.
            let gray = gray + grain.at(column) * (1.15 - 0.3 * gray / 255.0);
            film.push((gray + 0.5).clamp(0.0, 255.0) as u8);
        }
    }
    (film, pose)
}

impl Exposure {
    fn gray(&self, held_back: f32, u: f32, v: f32) -> f32 {
        let held_back = held_back * (1.0 + self.tilt[0] * u + self.tilt[1] * v);
        let t = ((held_back - self.black) / (self.white - self.black)).clamp(0.0, 1.0);
        let curve = t * (1.0 - self.hardness + self.hardness * t * (1.6 - 0.6 * t));
        self.fog + (self.brightest - self.fog) * curve
    }
}

/// An L of lead at the film's edge, which marks the patient's left side.
fn lead_letter(x: f32, y: f32) -> f32 {
    let bar = |x: f32, y: f32, w: f32, h: f32| {
        edge((w - (x - w).abs()) / 0.006) * edge((h - (y - h).abs()) / 0.006)
    };
    bar(x, y, 0.009, 0.05).max(bar(x, y + -0.082, 0.032, 0.009)) * 0.9
}

/// Grain, each pixel's akin to that of its neighbours to the left and above.
struct Grain {
    strength: f32,
    row: Vec<f32>,
}

impl Grain {
    /// Share of a pixel's grain that is its neighbours'.
    const SHARED: f32 = 0.35;

    fn new(size: usize, dice: &mut Dice) -> Self {
        Self { strength: dice.between(1.25, 1.85), row: vec![0.0; size] }
    }

    fn next_row(&mut self, dice: &mut Dice) {
        // The sum of a word's four bytes has a standard deviation of 147.8 around 510.
        let scale = self.strength / 147.8;
        let mut left = 0.0;
        for value in &mut self.row {
            let [a, b, c, d] = dice.generator.next_u32().to_le_bytes();
            let own = (f32::from(u16::from(a) + u16::from(b) + u16::from(c) + u16::from(d)) - 510.0) * scale;
            *value = own + Self::SHARED * (left + *value);
            left = *value;
        }
    }

    fn at(&self, column: usize) -> f32 {
        self.row[column]
    }
}
