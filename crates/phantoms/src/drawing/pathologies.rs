//! Phantoms with any of several findings, each drawn from random numbers of its own.

use base::random::Key;

use super::{
    anatomy::Anatomy,
    bones,
    canvas::{Dice, Plane, edge},
    film, lesions,
    patient::Patient,
    pleura::{self, Pneumothorax},
};

/// Finding that a phantom may have together with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pathology {
    /// Dense patch in one lung.
    Consolidation,
    /// Patchy haze at the outer and lower edges of both lungs.
    GroundGlass,
    /// Fluid at the bottom of one side or both, rising towards the ribs.
    Effusion,
    /// Air without vessels between one lung and the ribs, and the thin line of the lung's pleura.
    Pneumothorax,
    /// Enlarged heart, with a cardiothoracic ratio of 0.54 to 0.66; others have at most 0.48.
    Cardiomegaly,
    /// Small, round, dense spot in one lung.
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

/// Largest cardiothoracic ratio without Cardiomegaly, and the ratios with it.
const NORMAL_RATIO: f32 = 0.48;
const ENLARGED_RATIO: [f32; 2] = [0.54, 0.66];
/// Factor by which a heart looks larger from front to back.
const MAGNIFICATION: f32 = 1.06;
/// Sizes of a consolidation, which leave most of a lung free for other findings.
const CONSOLIDATION_SIZE: [f32; 2] = [0.24, 0.38];
/// Radii of a nodule, to half of its density.
const NODULE_RADIUS: [f32; 2] = [0.08, 0.12];
/// Share of a lung's density that pleural air lacks.
const PLEURAL_AIR: f32 = 0.75;
const PLEURAL_LINE: f32 = 0.09;

/// Computes the least radius of a nodule in pixels of an image of `size`×`size` pixels: 4.1 at 96 pixels.
pub fn least_nodule_radius(size: usize) -> f64 {
    f64::from(NODULE_RADIUS[0] / film::LARGEST_SCALE) * size as f64 / 2.0
}

impl Chest {
    /// Draws the image of `size`×`size` pixels: 8-bit gray, row by row. Images of one patient's key show one body. A finding
    /// changes nothing else, because the body, the film and each finding have streams of random numbers of their own.
    pub(crate) fn draw(&self, size: usize, patient: &Key, image: u64) -> Vec<u8> {
        let dice = |stream: Stream| Dice(patient.generator(stream.number(image)));
        let finding = |pathology: Pathology| {
            self.findings[pathology as usize].then(|| dice(Stream::Finding(pathology)))
        };
        let mut body = Dice(patient.generator(Stream::BODY));
        let mut anatomy = Anatomy::draw(false, &mut body);
        self.set_up(&mut anatomy, finding(Pathology::Cardiomegaly));

        let mut patient = Patient::of_anatomy(anatomy, body);
        let Patient { anatomy, noise, vessels, fluid, .. } = &mut patient;
        if let Some(mut dice) = finding(Pathology::Consolidation) {
            let density = |dice: &mut Dice| dice.between(0.65, 1.0);
            lesions::consolidation(fluid, anatomy, noise, &mut dice, CONSOLIDATION_SIZE, density);
        }
        if let Some(mut dice) = finding(Pathology::GroundGlass) {
            lesions::ground_glass(fluid, anatomy, noise, &mut dice, |dice| dice.between(0.3, 0.8));
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
                let lost =
                    PLEURAL_AIR * patient.anatomy.lung_density * air.at(i) * (1.0 - patient.fluid.at(i));
                *value += patient.lungs.at(i) * (PLEURAL_LINE * line.at(i) - lost);
            }
        }
        if let Some(mut dice) = finding(Pathology::Nodule) {
            add_nodule(&mut plane, &patient.anatomy, &mut dice);
        }
        bones::add_bones(&mut plane, &patient.anatomy, &mut patient.dice);
        film::expose(&plane, size, &mut dice(Stream::Film)).0
    }

    /// Sets the heart's size and the breasts; `cardiomegaly` draws how large an enlarged heart is.
    fn set_up(&self, anatomy: &mut Anatomy, cardiomegaly: Option<Dice>) {
        if self.sex == Sex::Male {
            anatomy.breasts = None;
        }
        let magnification = if self.view == Projection::AnteroPosterior { MAGNIFICATION } else { 1.0 };
        let [low, high] = ENLARGED_RATIO;
        anatomy.scale_heart(match cardiomegaly {
            Some(mut dice) => dice.between(low, high),
            None => (anatomy.cardiothoracic_ratio() * magnification).min(NORMAL_RATIO),
        });
    }
}

/// Adds a spot to what the soft parts hold back of the rays, beside the largest heart and above the diaphragm.
fn add_nodule(plane: &mut Plane, anatomy: &Anatomy, dice: &mut Dice) {
    let (side, lowest) = if dice.chance(0.55) { (-1.0, 0.3) } else { (1.0, 0.0) };
    let [smallest, largest] = NODULE_RADIUS;
    let (radius, density) = (dice.between(smallest, largest), dice.between(0.3, 0.5));
    let y = dice.between(-0.4, lowest);
    let x = side * dice.between(0.27, anatomy.lateral(y) - 0.12);
    plane.around(x, y, 1.4 * radius, |px, py, value| {
        let (across, down) = ((px - x) / radius, (py - y) / radius);
        *value += density * edge((1.0 - (across * across + down * down).sqrt()) / 0.35);
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
