//! Phantoms, drawn one at a time.

mod anatomy;
mod bones;
mod canvas;
mod film;
mod lesions;
mod pathologies;
mod patient;
mod pleura;

use canvas::Plane;
use lesions::ConsolidationBounds;
use patient::{Patient, shown};

use base::random::{Generator, Key, Purpose};
use data::Pixels;

pub(crate) use pathologies::{Chest, Projection, Sex, Stream};
pub use pathologies::{Pathology, least_nodule_radius};

/// Finding that a phantom's lungs show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Patchy haze at the outer and lower edges of both lungs.
    GroundGlass,
    /// No finding.
    None,
    /// A denser patch in one lung.
    Consolidation,
}

/// Consolidations of the class sample.
const CONSOLIDATION: ConsolidationBounds =
    ConsolidationBounds { size: [0.34, 0.48], highest: -0.15, above_dome: 0.08, beside_ribs: 0.1 };

/// Draws a phantom of `size` × `size` pixels: 8-bit gray, row by row.
pub fn draw(finding: Finding, size: usize, generator: Generator) -> Vec<u8> {
    let mut patient = Patient::draw(finding != Finding::None, generator);
    let Patient { fluid, anatomy, noise, dice, .. } = &mut patient;
    match finding {
        Finding::None => {}
        Finding::Consolidation => {
            lesions::consolidation(fluid, anatomy, noise, dice, &CONSOLIDATION, |dice| {
                if dice.chance(0.22) { dice.between(0.05, 0.35) } else { dice.between(0.75, 1.0) }
            });
        }
        Finding::GroundGlass => lesions::ground_glass(fluid, anatomy, noise, dice, |dice| {
            if dice.chance(0.2) { dice.between(0.08, 0.3) } else { dice.between(0.55, 0.85) }
        }),
    }
    patient.exposed(size).0
}

/// A phantom with nothing to find, or one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planted {
    /// Image of `S`×`S` gray pixels.
    pub image: Pixels,
    /// True at each pixel, row by row, where the finding is seen: at half of its density or more. Nowhere where there is none;
    /// else on at most 8 % of the pixels.
    pub mask: Vec<bool>,
}

/// Draws a phantom of `size`×`size` pixels whose lungs show one round patch, or nothing, to test what ought to find it: both
/// kinds of body are drawn alike, so that the patch is all that tells them apart, and it may lie anywhere in either lung. The
/// same for a seed and index, whatever else is drawn.
pub fn planted(finding: bool, size: usize, seed: u64, index: u64) -> Planted {
    // Epoch 0 is the sample's.
    let key = Key { seed, epoch: 1, step: index, purpose: Purpose::Phantom };
    let mut patient = Patient::draw(false, key.generator(0));
    let mut patch = Plane::new();
    let mut least = f32::INFINITY;
    if finding {
        let Patient { lungs, anatomy, noise, dice, .. } = &mut patient;
        let density = lesions::nodule(&mut patch, lungs, anatomy, noise, dice);
        least = density / 2.0;
        for (i, (_, _, fluid)) in patient.fluid.values_mut().enumerate() {
            *fluid += (1.0 - *fluid) * patch.at(i);
        }
        let lungs = &patient.lungs;
        patch.values_mut().enumerate().for_each(|(i, (_, _, value))| *value *= shown(lungs.at(i)));
    }
    let (data, pose) = patient.exposed(size);
    let mask = pose.seen(&patch, size).map(|seen| seen >= least).collect();
    Planted { image: Pixels { width: size, height: size, channels: 1, data }, mask }
}

#[cfg(test)]
mod tests;
