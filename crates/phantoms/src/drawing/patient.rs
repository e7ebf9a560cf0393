//! A body from its parts to its film.

use base::random::Generator;

use super::{
    anatomy::Anatomy,
    bones,
    canvas::{Dice, Noise, Plane},
    film, lesions,
};

/// Density of lungs full of fluid.
const FLUID: f32 = 0.78;

/// A body before its film is exposed.
pub(super) struct Patient {
    pub(super) anatomy: Anatomy,
    pub(super) noise: Noise,
    pub(super) lungs: Plane,
    pub(super) vessels: Plane,
    /// Shares of air that gave way, so far.
    pub(super) fluid: Plane,
    pub(super) dice: Dice,
}

impl Patient {
    pub(super) fn draw(ill: bool, generator: Generator) -> Self {
        let mut dice = Dice::new(generator);
        let anatomy = Anatomy::draw(ill, &mut dice);
        Self::of_anatomy(anatomy, dice)
    }

    /// Draws the rest of a body whose anatomy is known.
    pub(super) fn of_anatomy(anatomy: Anatomy, mut dice: Dice) -> Self {
        let noise = Noise::new(&mut dice);
        let lungs = anatomy.lungs();
        let vessels = anatomy.vessels(&mut dice);
        let mut fluid = Plane::new();
        lesions::distraction(&mut fluid, &anatomy, &noise, &mut dice);
        Self { anatomy, noise, lungs, vessels, fluid, dice }
    }

    /// Exposes the film; returns it, and how the body lay.
    pub(super) fn exposed(&mut self, size: usize) -> (Vec<u8>, film::Pose) {
        let mut body = self.soft_parts();
        bones::add_bones(&mut body, &self.anatomy, &mut self.dice);
        film::expose(&body, size, &mut self.dice)
    }

    /// Draws the soft parts, lungs with their vessels and fluid.
    pub(super) fn soft_parts(&self) -> Plane {
        let mut body = self.anatomy.soft_parts(&self.lungs, &self.noise);
        for (i, (_, _, value)) in body.values_mut().enumerate() {
            let lung = self.lungs.at(i);
            let filled = *value + lung * self.vessels.at(i).min(0.3);
            *value = filled + shown(lung) * self.fluid.at(i) * (FLUID - filled).max(0.0);
        }
        body
    }
}

/// Computes the share of the fluid at a place that is seen: up to the very edge of the heart, whose outline it hides.
pub(super) fn shown(lung: f32) -> f32 {
    (2.5 * lung).min(1.0)
}
