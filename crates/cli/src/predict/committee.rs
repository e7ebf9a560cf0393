//! Ensemble of models that classify an image, and the decoding of the image for each of them.

use std::path::Path;

use anyhow::{Context as _, Result};
use data::{Batch, Decoding, Formats, Pixels, Preprocess};
use metrics::Calibration;
use model::{Classifier, Inference, OodDetector, OutOfDistribution};

use crate::{args::ReadArgs, rules::Rules, status::hinted};

/// Shift of an image for `--tta`, as a share of its side.
const SHIFT: f64 = 0.04;

/// One model, or several whose probabilities are averaged.
pub(super) struct Ensemble<'a> {
    members: Vec<Member<'a>>,
    /// True where each model also sees the image shifted four ways.
    shifted: bool,
}

struct Member<'a> {
    classifier: &'a Classifier,
    inference: Inference<'a>,
    /// Index of the model's image among those that a [`ImageReader`] makes of a file.
    image: usize,
    /// Model's index of each class of the first member.
    order: Vec<usize>,
}

/// Decoder of files for all models, usable on any thread.
pub(super) struct ImageReader {
    ways: Vec<InputRules>,
    /// Rules of the way with the same index, which its notes depend on.
    rules: Vec<Rules>,
    /// Detector of each model that has one, with the index of the image that the model takes.
    guards: Vec<(usize, OodDetector)>,
    /// Limit of pixels and frame number, whatever the rules.
    read: Decoding,
}

/// Way from a file to a network's input: rules of decoding, size and interpolation.
type InputRules = (Option<Formats>, Preprocess);

/// Decoded file: an image for each way that one of the models needs.
pub(super) struct PreparedImage {
    images: Vec<Pixels>,
    /// Finding of the strictest of the models' guards.
    pub(super) unlike: Option<OutOfDistribution>,
    /// Note on the rules that the file was read by, where they are not the models' alone.
    pub(super) note: Option<String>,
}

fn way(classifier: &Classifier) -> InputRules {
    (classifier.spec().formats, classifier.spec().preprocess())
}

/// Returns the ways of these models, each once.
fn ways(classifiers: &[Classifier]) -> Vec<InputRules> {
    let mut all = Vec::new();
    for way in classifiers.iter().map(way) {
        if !all.contains(&way) {
            all.push(way);
        }
    }
    all
}

fn image_of(classifier: &Classifier, ways: &[InputRules]) -> usize {
    ways.iter().position(|known| *known == way(classifier)).unwrap_or_default()
}

impl ImageReader {
    /// Makes a reader for these models, each by its rules.
    pub(super) fn new(classifiers: &[Classifier], rules: &[Rules], read: &ReadArgs) -> Self {
        let ways = ways(classifiers);
        let guards = classifiers
            .iter()
            .filter_map(|classifier| Some((image_of(classifier, &ways), classifier.guard()?.clone())));
        let of_way = |way: &InputRules| {
            let rules = classifiers.iter().zip(rules).find(|(classifier, _)| self::way(classifier) == *way);
            rules.map(|(_, rules)| *rules)
        };
        let rules = ways.iter().filter_map(of_way).collect();
        Self { guards: guards.collect(), rules, ways, read: read.decoding(Formats::All) }
    }

    /// Decodes a file.
    ///
    /// # Errors
    /// The reason that it is no image.
    pub(super) fn read(&self, path: &Path) -> Result<PreparedImage, String> {
        let read = |error: data::DecodeError| error.to_string();
        let bytes = data::read_file(path, &self.read).map_err(read)?;
        let (mut images, mut notes): (Vec<Pixels>, Vec<String>) = (Vec::new(), Vec::new());
        for ((_, preprocess), rules) in self.ways.iter().zip(&self.rules) {
            let &Preprocess { image_size, interpolation } = preprocess;
            let decoding = rules.decoding(self.read.max_pixels, self.read.frame);
            let decoded = data::decode_resized(&bytes, image_size, interpolation, &decoding).map_err(read)?;
            images.push(decoded.pixels);
            notes.extend(rules.note(decoded.notes).filter(|note| !notes.contains(note)));
        }
        let found = self.guards.iter().filter_map(|(image, guard)| guard.check(&images[*image]));
        let unlike = found.max_by(|a, b| a.distance.total_cmp(&b.distance));
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        Ok(PreparedImage { images, unlike, note })
    }
}

impl<'a> Ensemble<'a> {
    /// Prepares the models for inference.
    ///
    /// # Errors
    /// No model, or models that know other classes.
    pub(super) fn new(classifiers: &'a [Classifier], shifted: bool) -> Result<Self> {
        let ways = ways(classifiers);
        let first = classifiers.first().context("there is no model")?;
        let member = |classifier: &'a Classifier| {
            Ok(Member {
                inference: classifier.inference()?,
                image: image_of(classifier, &ways),
                order: order(&first.spec().classes, &classifier.spec().classes)?,
                classifier,
            })
        };
        Ok(Self { members: classifiers.iter().map(member).collect::<Result<_>>()?, shifted })
    }

    /// Returns the labels in index order.
    pub(super) fn classes(&self) -> &'a [String] {
        self.members.first().map_or(&[], |member| &member.classifier.spec().classes)
    }

    /// Returns the calibration of a single model on whole images; its thresholds do not apply otherwise.
    pub(super) fn calibration(&self) -> Option<&'a Calibration> {
        match &self.members[..] {
            [member] if !self.shifted => Some(member.classifier.calibration()),
            _ => None,
        }
    }

    /// Computes mean class probabilities, `[N, C]` row by row, of up to 32 images.
    pub(super) fn probabilities(&self, seen: &[&PreparedImage]) -> Result<Vec<f32>> {
        let mut sum = vec![0.0; seen.len() * self.classes().len()];
        let mut times = 0.0_f32;
        for member in &self.members {
            let side = member.classifier.spec().image_size;
            let images: Vec<&Pixels> = seen.iter().map(|seen| &seen.images[member.image]).collect();
            for [right, down] in self.shifts(side) {
                let probabilities = match [right, down] {
                    [0, 0] => member.inference.probabilities(&Batch::of(&images, side).padded())?,
                    _ => {
                        let shifted: Vec<_> = images.iter().map(|image| image.shifted(right, down)).collect();
                        let shifted: Vec<&Pixels> = shifted.iter().collect();
                        member.inference.probabilities(&Batch::of(&shifted, side).padded())?
                    }
                };
                let n_classes = member.order.len();
                for (sum, row) in sum.chunks_mut(n_classes).zip(probabilities.chunks(n_classes)) {
                    sum.iter_mut().zip(&member.order).for_each(|(sum, &class)| *sum += row[class]);
                }
                times += 1.0;
            }
        }
        sum.iter_mut().for_each(|sum| *sum /= times);
        Ok(sum)
    }

    /// Returns the shifts to the right and down, in pixels.
    fn shifts(&self, side: usize) -> Vec<[isize; 2]> {
        let by = ((side as f64 * SHIFT).round() as isize).max(1);
        let ways = vec![[0, 0], [by, 0], [-by, 0], [0, by], [0, -by]];
        if self.shifted { ways } else { ways[..1].to_vec() }
    }
}

/// Returns the index in `others` of each of `classes`.
fn order(classes: &[String], others: &[String]) -> Result<Vec<usize>> {
    let quoted =
        |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let found: Option<Vec<usize>> =
        classes.iter().map(|class| others.iter().position(|other| other == class)).collect();
    found.filter(|_| classes.len() == others.len()).ok_or_else(|| {
        hinted(
            format!("the models know other classes: {} and {}", quoted(classes), quoted(others)),
            "average models of the same classes",
        )
    })
}
