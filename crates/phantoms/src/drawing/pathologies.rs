//! Phantoms with any of several findings, each drawn from random numbers of its own.

use base::random::Key;

use super::{
    anatomy::Anatomy,
    bones,
    canvas::{Dice, Plane, edge},
    film,
    lesions::{self, ConsolidationBounds},
    patient::Patient,
    pleura::{self, Pneumothorax},
};

/// Finding that a phantom may have together with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pathology {
    /// Dense patch in the middle of one lung or below.
    Consolidation,
    /// Patchy haze at the outer and lower edges of both lungs.
    GroundGlass,
    /// Fluid at the bottom of one side or both, rising towards the ribs.
    Effusion,
    /// Air without vessels between one lung and the ribs, most of it at the apex, and the thin line of the lung's pleura.
    Pneumothorax,
    /// Enlarged heart, with a cardiothoracic ratio of 0.58 to 0.66; others have 0.42 to 0.48.
    Cardiomegaly,
    /// Small, round spot in one lung, denser than the ribs, as calcified nodules are.
    Nodule,
}

impl Pathology {
    /// All of them, in the order of the labels.
    pub const ALL: [Self; 6] = [
        Self::Consolidation,
        Self::GroundGlass,
        Self::Effusion,
        Self::Pneumothorax,
        Self::Cardiomegaly,
        Self::Nodule,
    ];

    /// Returns the label, the same in every label file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Consolidation => "Consolidation",
            Self::GroundGlass => "Ground Glass",
            Self::Effusion => "Effusion",
            Self::Pneumothorax => "Pneumothorax",
            Self::Cardiomegaly => "Cardiomegaly",
            Self::Nodule => "Nodule",
        }
    }
}

/// Sex of a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
}

/// Direction of the rays through the chest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Projection {
    /// From back to front.
    PosteroAnterior,
    /// From front to back, which makes the heart look larger.
    AnteroPosterior,
}

/// Image of a chest that is to be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chest {
    /// Presence of each finding, in the order of [`Pathology::ALL`].
    pub(crate) findings: [bool; Pathology::ALL.len()],
    /// Sex of the patient.
    pub(crate) sex: Sex,
    /// View of the image.
    pub(crate) view: Projection,
}

/// Variation of bodies, poses and exposures as a share of the class sample's: a ConvNet learns six findings from 600 images.
const VARIATION: f32 = 0.5;
/// Density that lungs have above those of the class sample, so that pleural air is darker than a lung on every film.
const MORE_LUNG_DENSITY: f32 = 0.08;
/// Cardiothoracic ratios without Cardiomegaly and with it. The gap keeps the two apart.
const NORMAL_RATIO: [f32; 2] = [0.42, 0.48];
const ENLARGED_RATIO: [f32; 2] = [0.58, 0.66];
/// Factor by which a heart looks larger from front to back.
const MAGNIFICATION: f32 = 1.06;
/// Consolidations, which lie above the level of most effusions and leave most of a lung free for other findings.
const CONSOLIDATION: ConsolidationBounds =
    ConsolidationBounds { size: [0.28, 0.36], highest: 0.02, above_dome: 0.25, beside_ribs: 0.2 };
const CONSOLIDATION_DENSITY: [f32; 2] = [0.9, 1.0];
/// Densities of ground glass. Vessels are still seen through it, unlike through a consolidation.
const GROUND_GLASS_DENSITY: [f32; 2] = [0.3, 0.5];
/// Radii of a nodule, to half of its density.
const NODULE_RADIUS: [f32; 2] = [0.055, 0.09];
/// Densities of a nodule. The densest rib has 0.11, where two cross 0.18.
const NODULE_DENSITY: [f32; 2] = [0.6, 0.75];
/// Share of a lung's density that pleural air lacks.
const PLEURAL_AIR: f32 = 0.9;
/// Density of the pleura's line.
const PLEURAL_LINE: f32 = 0.12;

/// Computes the least radius of a nodule in pixels of an image of `size`×`size` pixels: 3.0 at 96 pixels.
pub fn least_nodule_radius(size: usize) -> f64 {
    f64::from(NODULE_RADIUS[0] / film::largest_scale(VARIATION)) * size as f64 / 2.0
}

impl Chest {
    /// Draws the image of `size`×`size` pixels: 8-bit gray, row by row. Images of one patient's key show one body. A finding
    /// changes nothing else, because the body, the film and each finding have streams of random numbers of their own.
    pub(crate) fn draw(&self, size: usize, patient: &Key, image: u64) -> Vec<u8> {
        let dice = |stream: Stream| Dice::new(patient.generator(stream.number(image)));
        let steady = |dice: Dice| Dice { variation: VARIATION, ..dice };
        let finding = |pathology: Pathology| {
            self.findings[pathology as usize].then(|| dice(Stream::Finding(pathology)))
        };
        let mut body = steady(Dice::new(patient.generator(Stream::BODY)));
        let mut anatomy = Anatomy::draw(false, &mut body);
        self.set_up(&mut anatomy, finding(Pathology::Cardiomegaly));

        // Vessels, bones and what makes lungs paler vary in full.
        body.variation = 1.0;
        let mut patient = Patient::of_anatomy(anatomy, body);
        let Patient { anatomy, noise, vessels, fluid, .. } = &mut patient;
        if let Some(mut dice) = finding(Pathology::Consolidation) {
            let [low, high] = CONSOLIDATION_DENSITY;
            let density = |dice: &mut Dice| dice.between(low, high);
            lesions::consolidation(fluid, anatomy, noise, &mut dice, &CONSOLIDATION, density);
        }
        if let Some(mut dice) = finding(Pathology::GroundGlass) {
            let [low, high] = GROUND_GLASS_DENSITY;
            lesions::ground_glass(fluid, anatomy, noise, &mut dice, |dice| dice.between(low, high));
        }
        let pneumothorax =
            finding(Pathology::Pneumothorax).map(|mut dice| Pneumothorax::draw(anatomy, &mut dice));
        if let Some(Pneumothorax { air, .. }) = &pneumothorax {
            for plane in [vessels, &mut *fluid] {
                plane.values_mut().enumerate().for_each(|(i, (_, _, value))| *value *= 1.0 - air.at(i));
            }
        }
        if let Some(mut dice) = finding(Pathology::Effusion) {
            pleura::effusion(fluid, anatomy, &mut dice);
        }

        let mut plane = patient.soft_parts();
        if let Some(Pneumothorax { air, line }) = &pneumothorax {
            for (i, (_, _, value)) in plane.values_mut().enumerate() {
                let lost = PLEURAL_AIR * patient.anatomy.lung_density * air.at(i);
                // Fluid hides both, the air and the line.
                let shown = patient.lungs.at(i) * (1.0 - patient.fluid.at(i));
                *value += shown * (PLEURAL_LINE * line.at(i) - lost);
            }
        }
        if let Some(mut dice) = finding(Pathology::Nodule) {
            add_nodule(&mut plane, &patient.anatomy, &mut dice);
        }
        bones::add_bones(&mut plane, &patient.anatomy, &mut patient.dice);
        film::expose(&plane, size, &mut steady(dice(Stream::Film))).0
    }

    /// Sets the lungs' density, the heart's size and the breasts; `cardiomegaly` draws how large an enlarged heart is.
    fn set_up(&self, anatomy: &mut Anatomy, cardiomegaly: Option<Dice>) {
        anatomy.lung_density += MORE_LUNG_DENSITY;
        if self.sex == Sex::Male {
            anatomy.breasts = None;
        }
        let magnification = if self.view == Projection::AnteroPosterior { MAGNIFICATION } else { 1.0 };
        let [low, high] = ENLARGED_RATIO;
        anatomy.scale_heart(match cardiomegaly {
            Some(mut dice) => dice.between(low, high),
            None => (anatomy.cardiothoracic_ratio() * magnification).clamp(NORMAL_RATIO[0], NORMAL_RATIO[1]),
        });
    }
}

/// Adds a spot to what the soft parts hold back of the rays, beside the largest heart, above the diaphragm and
/// within a lung that a pneumothorax has shrunk.
fn add_nodule(plane: &mut Plane, anatomy: &Anatomy, dice: &mut Dice) {
    let (side, lowest) = if dice.chance(0.55) { (-1.0, 0.1) } else { (1.0, 0.0) };
    let [smallest, largest] = NODULE_RADIUS;
    let (radius, density) =
        (dice.between(smallest, largest), dice.between(NODULE_DENSITY[0], NODULE_DENSITY[1]));
    let y = dice.between(-0.25, lowest);
    let x = side * dice.between(0.27, 0.68 * anatomy.lateral(y));
    plane.around(x, y, 1.4 * radius, |px, py, value| {
        let (across, down) = ((px - x) / radius, (py - y) / radius);
        *value += density * edge((1.0 - (across * across + down * down).sqrt()) / 0.3);
    });
}

/// Streams of a patient's random numbers.
pub(crate) enum Stream {
    /// View of an image.
    View,
    /// Findings of an image.
    Labels,
    /// Labels of an image that are left blank or uncertain.
    Values,
    /// Pose, exposure and grain of an image.
    Film,
    /// Form of a finding in an image.
    Finding(Pathology),
}

impl Stream {
    /// Stream of the patient's attributes.
    pub(crate) const ATTRIBUTES: u64 = 0;
    /// Stream of the patient's body.
    const BODY: u64 = 1;
    /// Streams kept for each image, and for the patient.
    const SPAN: u64 = 16;

    /// Returns the number of the stream for a patient's image, counted from 0.
    pub(crate) fn number(&self, image: u64) -> u64 {
        let place = match self {
            Self::View => 0,
            Self::Labels => 1,
            Self::Values => 2,
            Self::Film => 3,
            Self::Finding(pathology) => 4 + *pathology as u64,
        };
        Self::SPAN * (image + 1) + place
    }
}

#[cfg(test)]
mod tests;
