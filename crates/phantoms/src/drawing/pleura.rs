//! Findings of the pleural space, between a lung and the chest wall: fluid at its bottom, air at its top.

use super::{
    anatomy::Anatomy,
    canvas::{Dice, Plane, bell, edge},
};

/// Adds fluid at the bottom of one side or both.
pub(super) fn effusion(fluid: &mut Plane, anatomy: &Anatomy, dice: &mut Dice) {
    let first = usize::from(dice.chance(0.5));
    let is_on_both = dice.chance(0.35);
    for side in [0, 1] {
        let (depth, rise) = (dice.between(0.12, 0.35), dice.between(0.2, 0.28));
        if side == first || is_on_both {
            fill(fluid, anatomy, side, depth, rise);
        }
    }
}

/// Fills a side to `depth` above the diaphragm. The surface is a meniscus: it rises by `rise` towards the ribs.
fn fill(fluid: &mut Plane, anatomy: &Anatomy, side: usize, depth: f32, rise: f32) {
    let level = anatomy.domes[side] + 0.05 - depth;
    fluid.each(|x, y, value| {
        if usize::from(x > 0.0) == side {
            let outward = (x.abs() / anatomy.lateral(y).max(0.1)).min(1.0);
            let square = outward * outward;
            let surface = level - rise * square * square;
            *value += (1.0 - *value) * edge((y - surface) / 0.03);
        }
    });
}

/// Air between a lung and the chest wall.
pub(super) struct Pneumothorax {
    /// Share of the lung's place that air without vessels takes, from 0 to 1.
    pub(super) air: Plane,
    /// Strength of the line that the lung's own pleura draws, from 0 to 1.
    pub(super) line: Plane,
}

impl Pneumothorax {
    /// Draws air beside one lung, which has shrunk towards its root and stays on the diaphragm.
    pub(super) fn draw(anatomy: &Anatomy, dice: &mut Dice) -> Self {
        /// Place of a lung's root, beside the middle.
        const ROOT: [f32; 2] = [0.14, 0.05];
        let side = usize::from(dice.chance(0.5));
        // Air rises: the lung of a patient who stands falls away from the apex the most.
        let (width, height) = (dice.between(0.76, 0.84), dice.between(0.56, 0.68));
        let (mut air, mut line) = (Plane::new(), Plane::new());
        for ((x, y, air), (_, _, line)) in air.values_mut().zip(line.values_mut()) {
            if usize::from(x > 0.0) == side {
                // The place in the lung as it was, before it shrank.
                let before = ROOT[0] + (x.abs() - ROOT[0]) / width;
                let above = ROOT[1] + (y - ROOT[1]) / if y < ROOT[1] { height } else { 1.0 };
                let inward = anatomy.lateral(above) - before;
                *air = edge(-inward / 0.02);
                *line = bell(inward / 0.02);
            }
        }
        Self { air, line }
    }
}
