//! Chest phantoms: drawings that stand in for radiographs where there are none. They show no patient.
//!
//! A body is drawn as what it holds back of the rays, soft parts first, then illness, then bones; then a film of it is
//! exposed. Air comes out dark and bone white. Everything varies from one phantom to the next, so that a network
//! has to find the illness itself.

mod anatomy;
mod bones;
mod canvas;
mod film;
mod lesions;

use anatomy::Anatomy;
use canvas::{Dice, Noise};

use crate::random::Generator;

/// What a phantom's lungs show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Patchy haze at the outer and lower edges of both lungs.
    GroundGlass,
    /// Nothing.
    None,
    /// A denser patch in one lung.
    Consolidation,
}

/// What lungs full of fluid hold back.
const FLUID: f32 = 0.78;

/// Draws a phantom of `size` × `size` pixels: 8-bit gray, row by row.
pub(crate) fn draw(finding: Finding, size: usize, generator: Generator) -> Vec<u8> {
    let mut dice = Dice(generator);
    let anatomy = Anatomy::draw(finding != Finding::None, &mut dice);
    let noise = Noise::new(&mut dice);
    let lungs = anatomy.lungs();
    let vessels = anatomy.vessels(&mut dice);
    let mut fluid = canvas::Plane::new();
    lesions::distraction(&mut fluid, &anatomy, &noise, &mut dice);
    match finding {
        Finding::None => {}
        Finding::Consolidation => lesions::consolidation(&mut fluid, &anatomy, &noise, &mut dice),
        Finding::GroundGlass => lesions::ground_glass(&mut fluid, &anatomy, &noise, &mut dice),
    }
    let mut body = anatomy.soft_parts(&lungs, &noise);
    for (i, (_, _, value)) in body.values_mut().enumerate() {
        let lung = lungs.at(i);
        let filled = *value + lung * vessels.at(i).min(0.3);
        // Up to the very edge of the heart, whose outline it hides.
        *value = filled + (2.5 * lung).min(1.0) * fluid.at(i) * (FLUID - filled).max(0.0);
    }
    bones::add_bones(&mut body, &anatomy, &mut dice);
    film::expose(&body, size, &mut dice)
}

#[cfg(test)]
mod tests;
