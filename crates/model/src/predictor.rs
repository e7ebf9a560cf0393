//! Prediction of one network or several for images: the same for every command and for the server.

mod input;

use data::{Batch, Pixels};
use metrics::{Calibration, Task, argmax};

use crate::{
    Classifier, Error, HeatMap, HeatMapMethod, Inference, Result, Spec,
    heat_map::{Coarse, mean_map},
};
use input::{image_of, inputs};

pub use input::{InputReader, InputRules, InputWarning, PreparedImage};

/// Shift of an image's copies, as a share of its side.
const SHIFT: f64 = 0.04;

/// Settings of a [`Predictor`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PredictOptions {
    /// Test-time augmentation: probabilities are averaged over the image and four copies, shifted by 4 % of its side to the
    /// right, left, down and up.
    pub tta: bool,
    /// Least probability of a class that is decided for, in `[0, 1]`.
    pub uncertain_below: Option<f64>,
    /// True where batches are filled up to 32 images, so that an image's probabilities have the same bits in any batch.
    pub padded: bool,
}

/// One network, or an ensemble whose probabilities are averaged, ready to predict.
pub struct Predictor<'a> {
    members: Vec<Member<'a>>,
    options: PredictOptions,
}

struct Member<'a> {
    classifier: &'a Classifier,
    inference: Inference<'a>,
    /// Index of the member's image among those of a [`PreparedImage`].
    image: usize,
    /// Member's index of each class of the first member.
    order: Vec<usize>,
}

/// Result for an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Probability of each class or label, in the order of [`Predictor::classes`].
    pub probabilities: Vec<f32>,
    /// Class or label with the largest probability, the first of equals.
    pub predicted: usize,
    /// Class to act on; `None` where that is uncertain, see [`Calibration::decide`], and for labels.
    pub decision: Option<usize>,
    /// Labels whose probability reaches their threshold, in index order; none of classes.
    pub positive: Vec<usize>,
    /// Reason not to rely on the prediction.
    pub warning: Option<InputWarning>,
    /// Heat map, where one was asked for.
    pub heat_map: Option<HeatMap>,
}

/// Word in place of a class where none is decided for.
const UNCERTAIN: &str = "uncertain";

impl Assessment {
    /// Returns the label of the class that is decided for, or `uncertain`.
    pub fn decision_label<'a>(&self, classes: &'a [String]) -> &'a str {
        self.decision.map_or(UNCERTAIN, |class| &classes[class])
    }

    /// Returns the names of the labels whose probability reaches their threshold.
    pub fn positive_labels<'a>(&self, labels: &'a [String]) -> Vec<&'a str> {
        self.positive.iter().map(|&label| labels[label].as_str()).collect()
    }
}

impl<'a> Predictor<'a> {
    /// Prepares models for inference; the first one's classes are the predictor's.
    ///
    /// # Errors
    /// No model; [`Error::OtherTask`], [`Error::OtherClasses`] for models of another task or other classes; errors of libtorch.
    pub fn new(classifiers: &[&'a Classifier], options: PredictOptions) -> Result<Self> {
        let inputs = inputs(classifiers.iter().copied());
        let first = classifiers.first().ok_or_else(|| Error::Spec("there is no model".to_owned()))?;
        let member = |&classifier: &&'a Classifier| {
            Ok(Member {
                inference: classifier.inference()?,
                image: image_of(classifier, &inputs),
                order: order(first.spec(), classifier.spec())?,
                classifier,
            })
        };
        Ok(Self { members: classifiers.iter().map(member).collect::<Result<_>>()?, options })
    }

    /// Labels in index order.
    pub fn classes(&self) -> &'a [String] {
        &self.first().spec().classes
    }

    /// First model, whose classes, size and default heat map are the predictor's.
    pub fn first(&self) -> &'a Classifier {
        self.members[0].classifier
    }

    /// Number of models.
    pub fn members(&self) -> usize {
        self.members.len()
    }

    /// Bytes that the inputs of all models take of one image in RGB.
    pub fn input_bytes(&self) -> usize {
        self.members.iter().map(|member| 3 * member.classifier.spec().image_size.pow(2)).sum()
    }

    /// Settings.
    pub fn options(&self) -> PredictOptions {
        self.options
    }

    /// True where a member can tell images that are unlike its training images.
    pub fn has_detector(&self) -> bool {
        self.members.iter().any(|member| member.classifier.guard().is_some())
    }

    /// Returns the calibration of a single model on whole images; its thresholds do not apply otherwise.
    pub fn calibration(&self) -> Option<&'a Calibration> {
        match &self.members[..] {
            [member] if !self.options.tta => Some(member.classifier.calibration()),
            _ => None,
        }
    }

    /// Assesses images, up to 32 where batches are padded.
    ///
    /// # Errors
    /// [`Error::NotFinite`]; errors of libtorch.
    pub fn assess(&self, images: &[&PreparedImage]) -> Result<Vec<Assessment>> {
        let probabilities = self.probabilities(images)?;
        let rows = probabilities.chunks_exact(self.classes().len()).zip(images);
        Ok(rows.map(|(row, image)| self.assessment(row.to_vec(), image, None)).collect())
    }

    /// Assesses images as [`Self::assess`] does and makes a heat map of each, of the class of that index in `classes`, or of
    /// the predicted one for `None`. One model's map on whole images is that of [`Classifier::heat_maps`]. Otherwise it is the mean of the
    /// members' maps of the whole image, each divided by its maximum, since the units of two networks cannot be compared:
    /// values in `[0, 1]`, and [`HeatMap::coarse`] is a copy of them.
    ///
    /// # Errors
    /// The same as [`Classifier::heat_maps`] and [`Self::assess`].
    pub fn explain(
        &self,
        images: &[&PreparedImage],
        classes: &[Option<usize>],
        method: HeatMapMethod,
    ) -> Result<Vec<Assessment>> {
        if let ([member], false) = (&self.members[..], self.options.tta) {
            let heat_maps = member.classifier.heat_maps(&self.batch(member, images), classes, method)?;
            let pairs = heat_maps.into_iter().zip(images);
            return Ok(pairs
                .map(|(heat_map, image)| {
                    self.assessment(heat_map.probabilities.clone(), image, Some(heat_map))
                })
                .collect());
        }
        let mut assessed = self.assess(images)?;
        let shown: Vec<usize> = assessed
            .iter()
            .zip(classes)
            .map(|(assessment, class)| class.unwrap_or(assessment.predicted))
            .collect();
        let mut maps: Vec<Vec<HeatMap>> = vec![Vec::new(); images.len()];
        for member in &self.members {
            let own: Vec<Option<usize>> =
                shown.iter().map(|&class| member.order.get(class).copied()).collect();
            let made = member.classifier.heat_maps(&self.batch(member, images), &own, method)?;
            maps.iter_mut().zip(made).for_each(|(maps, map)| maps.push(map));
        }
        let size = self.first().spec().image_size;
        for ((assessment, maps), class) in assessed.iter_mut().zip(maps).zip(shown) {
            let values = mean_map(&maps, size);
            let coarse = Coarse { rows: size, columns: size, values: values.clone() };
            assessment.heat_map = Some(HeatMap {
                class,
                predicted: assessment.predicted,
                probabilities: assessment.probabilities.clone(),
                size,
                values,
                coarse,
            });
        }
        Ok(assessed)
    }

    fn assessment(
        &self,
        probabilities: Vec<f32>,
        image: &PreparedImage,
        heat_map: Option<HeatMap>,
    ) -> Assessment {
        let none = Calibration::default();
        let (decision, positive) = match self.task() {
            Task::MultiClass => {
                let calibration = self.calibration().unwrap_or(&none);
                (calibration.decide(&probabilities, self.options.uncertain_below), Vec::new())
            }
            Task::MultiLabel => {
                let pairs = probabilities.iter().zip(self.thresholds()).enumerate();
                let reached = pairs.filter(|(_, (p, threshold))| f64::from(**p) >= *threshold);
                (None, reached.map(|(label, _)| label).collect())
            }
        };
        let predicted = argmax(&probabilities);
        Assessment { probabilities, predicted, decision, positive, warning: image.warning, heat_map }
    }

    /// Kind of question that the models answer.
    pub fn task(&self) -> Task {
        self.first().spec().task
    }

    /// Threshold of each label, the mean of the models' own; 0.5 of each class.
    pub fn thresholds(&self) -> Vec<f64> {
        let n_labels = self.classes().len();
        let mut sum = vec![0.0; n_labels];
        for member in &self.members {
            let own = member.classifier.calibration().thresholds(n_labels);
            sum.iter_mut().zip(&member.order).for_each(|(sum, &label)| *sum += own[label]);
        }
        sum.into_iter().map(|sum| sum / self.members.len() as f64).collect()
    }

    fn batch(&self, member: &Member<'_>, images: &[&PreparedImage]) -> Batch {
        let images: Vec<&Pixels> = images.iter().map(|image| &image.images[member.image]).collect();
        self.filled(Batch::of(&images, member.classifier.spec().image_size))
    }

    fn filled(&self, batch: Batch) -> Batch {
        if self.options.padded { batch.padded() } else { batch }
    }

    /// Computes mean class probabilities, `[N, C]` row by row.
    fn probabilities(&self, prepared: &[&PreparedImage]) -> Result<Vec<f32>> {
        let mut sum = vec![0.0; prepared.len() * self.classes().len()];
        let mut times = 0.0_f32;
        for member in &self.members {
            let side = member.classifier.spec().image_size;
            for [right, down] in self.shifts(side) {
                let batch = match [right, down] {
                    [0, 0] => self.batch(member, prepared),
                    _ => {
                        let shifted =
                            |image: &&PreparedImage| image.images[member.image].shifted(right, down);
                        let shifted: Vec<_> = prepared.iter().map(shifted).collect();
                        let shifted: Vec<&Pixels> = shifted.iter().collect();
                        self.filled(Batch::of(&shifted, side))
                    }
                };
                let probabilities = member.inference.probabilities(&batch)?;
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
        if self.options.tta { ways } else { ways[..1].to_vec() }
    }
}

/// Returns the index in the other model's classes of each of the first one's.
fn order(first: &Spec, other: &Spec) -> Result<Vec<usize>> {
    if first.task != other.task {
        return Err(Error::OtherTask { tasks: [first.task, other.task] });
    }
    let (classes, others) = (&first.classes, &other.classes);
    let found: Option<Vec<usize>> =
        classes.iter().map(|class| others.iter().position(|other| other == class)).collect();
    found
        .filter(|_| classes.len() == others.len())
        .ok_or_else(|| Error::OtherClasses { classes: [classes.clone(), others.clone()] })
}

#[cfg(test)]
mod tests;
