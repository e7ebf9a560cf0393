//! The models that are asked of an image, and the image as each of them wants it.

use std::path::Path;

use anyhow::{Context as _, Result};
use data::{Batch, Decoding, Formats, Pixels, Preprocess};
use metrics::Calibration;
use model::{Classifier, Guard, Inference, Unlike};

use crate::{args::ReadArgs, rules::Rules, status::hinted};

/// How far an image is shifted for `--tta`, as a share of its side.
const SHIFT: f64 = 0.04;

/// One model, or several whose probabilities are averaged.
pub(super) struct Committee<'a> {
    members: Vec<Member<'a>>,
    /// Whether each also sees the image shifted four ways.
    shifted: bool,
}

struct Member<'a> {
    classifier: &'a Classifier,
    inference: Inference<'a>,
    /// Which of the images that a [`Reader`] makes of a file it takes.
    image: usize,
    /// Its index of each class of the first member.
    order: Vec<usize>,
}

/// What is made of a file on any thread.
pub(super) struct Reader {
    ways: Vec<Way>,
    /// Rules of the way of the same index, by which its notes are told.
    rules: Vec<Rules>,
    /// Of each model that has one, with the image it takes.
    guards: Vec<(usize, Guard)>,
    /// Bounds and frame, whatever the rules.
    read: Decoding,
}

/// A way from a file to a network's input: rules of decoding, size and interpolation.
type Way = (Option<Formats>, Preprocess);

/// A file as the models want it: an image for each way that one of them is fed.
pub(super) struct Seen {
    images: Vec<Pixels>,
    /// What the strictest of their guards says.
    pub(super) unlike: Option<Unlike>,
    /// Says how the file was read, where that is not by the models' rules alone.
    pub(super) note: Option<String>,
}

fn way(classifier: &Classifier) -> Way {
    (classifier.spec().formats, classifier.spec().preprocess())
}

/// Ways of these models, each once.
fn ways(classifiers: &[Classifier]) -> Vec<Way> {
    let mut all = Vec::new();
    for way in classifiers.iter().map(way) {
        if !all.contains(&way) {
            all.push(way);
        }
    }
    all
}

fn image_of(classifier: &Classifier, ways: &[Way]) -> usize {
    ways.iter().position(|known| *known == way(classifier)).unwrap_or_default()
}

impl Reader {
    /// Reads files for these models, each by its rules.
    pub(super) fn new(classifiers: &[Classifier], rules: &[Rules], read: &ReadArgs) -> Self {
        let ways = ways(classifiers);
        let guards = classifiers
            .iter()
            .filter_map(|classifier| Some((image_of(classifier, &ways), classifier.guard()?.clone())));
        let of_way = |way: &Way| {
            let rules = classifiers.iter().zip(rules).find(|(classifier, _)| self::way(classifier) == *way);
            rules.map(|(_, rules)| *rules)
        };
        let rules = ways.iter().filter_map(of_way).collect();
        Self { guards: guards.collect(), rules, ways, read: read.decoding(Formats::All) }
    }

    /// One file, or why it is no image.
    pub(super) fn read(&self, path: &Path) -> Result<Seen, String> {
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
        Ok(Seen { images, unlike, note })
    }
}

impl<'a> Committee<'a> {
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

    /// Labels in index order.
    pub(super) fn classes(&self) -> &'a [String] {
        self.members.first().map_or(&[], |member| &member.classifier.spec().classes)
    }

    /// What is known of how sure it may be: thresholds are a single model's on whole images.
    pub(super) fn calibration(&self) -> Option<&'a Calibration> {
        match &self.members[..] {
            [member] if !self.shifted => Some(member.classifier.calibration()),
            _ => None,
        }
    }

    /// Mean class probabilities, `[N, C]` row by row, of up to 32 images.
    pub(super) fn probabilities(&self, seen: &[&Seen]) -> Result<Vec<f32>> {
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

    /// Right and down, in pixels.
    fn shifts(&self, side: usize) -> Vec<[isize; 2]> {
        let by = ((side as f64 * SHIFT).round() as isize).max(1);
        let ways = vec![[0, 0], [by, 0], [-by, 0], [0, by], [0, -by]];
        if self.shifted { ways } else { ways[..1].to_vec() }
    }
}

/// Where each of `classes` stands in `others`.
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
