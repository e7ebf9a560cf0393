//! Lesions that an illness adds to the lungs: shares of air that give way to fluid, from 0 to 1.

use super::{
    anatomy::Anatomy,
    canvas::{Dice, Noise, Plane, edge},
};

/// A cloud with a soft, irregular edge.
struct Cloud {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
    density: f32,
    /// Width of its edge, as a share of its size.
    softness: f32,
    /// Distance that its edge wanders, as a share of its size.
    irregular: f32,
    /// Share of it that comes and goes within, from 0 to 1.
    patchy: f32,
}

impl Cloud {
    fn add(&self, plane: &mut Plane, noise: &Noise) {
        let reach = self.width.max(self.height) * (1.0 + self.softness + self.irregular);
        plane.around(self.x, self.y, reach, |x, y, value| {
            let (across, down) = ((x - self.x) / self.width, (y - self.y) / self.height);
            let distance = (across * across + down * down).sqrt();
            let wander = (noise.rough(x, y, 4.5) - 0.5) * 2.0 * self.irregular;
            let within = edge((1.0 + wander - distance) / self.softness);
            let grain = 1.0 - self.patchy * edge((noise.rough(x + 3.0, y, 9.0) - 0.5) / 0.2);
            let fluid = self.density * within * grain;
            *value += (1.0 - *value) * fluid;
        });
    }
}

/// Sizes and places of a consolidation. Lengths are in units of half the film's side.
pub(super) struct ConsolidationBounds {
    /// Smallest and largest size.
    pub(super) size: [f32; 2],
    /// Height of the highest middle.
    pub(super) highest: f32,
    /// Least distance of the middle from the right lung's dome of the diaphragm, upwards.
    pub(super) above_dome: f32,
    /// Least distance of the middle from the ribs.
    pub(super) beside_ribs: f32,
}

/// Adds a patch in one lung, as bacteria and some viruses make it; `density` draws its density.
pub(super) fn consolidation(
    plane: &mut Plane,
    anatomy: &Anatomy,
    noise: &Noise,
    dice: &mut Dice,
    bounds: &ConsolidationBounds,
    density: impl FnOnce(&mut Dice) -> f32,
) {
    // More often in the patient's right lung, whose bronchus is the straighter and wider one.
    let side = if dice.chance(0.62) { -1.0 } else { 1.0 };
    let y = dice.between(bounds.highest, anatomy.domes[0] - bounds.above_dome);
    let outer = anatomy.lateral(y);
    let size = dice.between(bounds.size[0], bounds.size[1]);
    Cloud {
        x: side * dice.between(0.3, (outer - bounds.beside_ribs).max(0.32)),
        y,
        width: size * dice.between(0.8, 1.2),
        height: size * dice.between(0.8, 1.2),
        density: density(dice),
        softness: 0.35,
        irregular: 0.35,
        patchy: 0.15,
    }
    .add(plane, noise);
}

/// Adds one round, dense patch anywhere in either lung, not behind the heart. Returns its density.
pub(super) fn nodule(
    plane: &mut Plane,
    lungs: &Plane,
    anatomy: &Anatomy,
    noise: &Noise,
    dice: &mut Dice,
) -> f32 {
    let size = dice.between(0.15, 0.22);
    let mut place = [0.0; 2];
    // One place in two is free, so that 40 are more than enough.
    for _ in 0..40 {
        let side = usize::from(dice.chance(0.5));
        let y = dice.between(-0.45, anatomy.domes[side]);
        place = [[-1.0, 1.0][side] * dice.between(0.2, anatomy.lateral(y).max(0.21)), y];
        let around = [[0.0, 0.0], [0.7, 0.0], [-0.7, 0.0], [0.0, 0.7], [0.0, -0.7]];
        let in_lung = |[x, y]: [f32; 2]| lungs.sample(place[0] + x * size, place[1] + y * size) > 0.8;
        if around.into_iter().all(in_lung) {
            break;
        }
    }
    let density = dice.between(0.75, 1.0);
    Cloud {
        x: place[0],
        y: place[1],
        width: size * dice.between(0.85, 1.15),
        height: size * dice.between(0.85, 1.15),
        density,
        softness: 0.35,
        irregular: 0.25,
        patchy: 0.0,
    }
    .add(plane, noise);
    density
}

/// Adds haze in both lungs, patchy, at their outer and lower edges; `density` draws its density.
pub(super) fn ground_glass(
    plane: &mut Plane,
    anatomy: &Anatomy,
    noise: &Noise,
    dice: &mut Dice,
    density: impl FnOnce(&mut Dice) -> f32,
) {
    let density = density(dice);
    for side in [-1.0, 1.0] {
        let patches = 3 + usize::from(dice.chance(0.5)) + usize::from(dice.chance(0.3));
        for _ in 0..patches {
            let y = dice.between(-0.1, anatomy.domes[0] + 0.02);
            let size = dice.between(0.22, 0.36);
            Cloud {
                x: side * (anatomy.lateral(y) - dice.between(0.04, 0.2)),
                y,
                width: size * dice.between(0.7, 1.0),
                height: size * dice.between(0.9, 1.4),
                density: density * dice.between(0.75, 1.1),
                softness: 0.6,
                irregular: 0.4,
                patchy: 0.4,
            }
            .add(plane, noise);
        }
    }
}

/// Adds what is no illness and yet makes a lung paler here or there: too little breath taken, an older scar, a fold of
/// skin.
pub(super) fn distraction(plane: &mut Plane, anatomy: &Anatomy, noise: &Noise, dice: &mut Dice) {
    for _ in 0..3 {
        if dice.chance(0.35) {
            let y = dice.between(-0.5, anatomy.domes[0]);
            let size = dice.between(0.06, 0.2);
            Cloud {
                x: dice.between(-1.0, 1.0) * anatomy.lateral(y),
                y,
                width: size,
                height: size * dice.between(0.6, 1.5),
                density: dice.between(0.05, 0.2),
                softness: 0.8,
                irregular: 0.4,
                patchy: 0.4,
            }
            .add(plane, noise);
        }
    }
}
