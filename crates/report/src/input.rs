//! What a page is made of. Labels, paths and reasons may hold anything: they are escaped where they are written.

use std::collections::BTreeMap;

use metrics::Scores;

/// A run, as its files tell it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// What the run is called: the name of its folder.
    pub name: String,
    /// How it ended, in words, such as `stopped early`.
    pub status: String,
    /// Whether the images are phantoms, no radiographs.
    pub synthetic: bool,
    /// Labels of the C classes, in index order.
    pub classes: Vec<String>,
    /// What was trained on, validated on and tested on, in this order.
    pub sets: Vec<Set>,
    /// What the training loss of each class was multiplied by, `[C]`.
    pub class_weights: Vec<f64>,
    /// Every epoch, in order.
    pub history: Vec<Epoch>,
    /// The epoch of the saved weights, counted from 1.
    pub best_epoch: Option<u64>,
    /// Names of settings with their values, as a table shows them.
    pub settings: Vec<(String, String)>,
    /// Files that were left out because they could not be read.
    pub skipped: Vec<String>,
    /// What was done on the test set; none where there is none.
    pub test: Option<Test>,
    /// Temperature scaling, where it was asked for.
    pub temperature: Option<TemperatureFit>,
    /// What the data audit found, where there was one.
    pub audit: Option<Audit>,
    /// Parts of the run with their wall times in seconds, and the whole last.
    pub seconds: Vec<(String, f64)>,
    /// Threads that decoding and libtorch used.
    pub threads: usize,
    /// Programs and libraries with their versions.
    pub versions: Vec<(String, String)>,
    /// SHA-256 over names, labels and pixels of the training and validation images.
    pub data_fingerprint: String,
    /// SHA-256 of the CSV that was trained from, where it was one.
    pub manifest_sha256: Option<String>,
    /// How the data set is laid out, in words.
    pub layout: Option<String>,
}

/// A set of images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// `training`, `validation` or `test`.
    pub name: String,
    /// Images per class, `[C]`.
    pub counts: Vec<usize>,
}

/// A row of the history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: u64,
    /// Class-weighted crossentropy of the training images.
    pub loss: f64,
    /// Share of training images right, in `[0, 1]`.
    pub accuracy: f64,
    /// Crossentropy of the validation images.
    pub val_loss: f64,
    /// Share of validation images right, in `[0, 1]`.
    pub val_accuracy: f64,
}

/// A figure: its value, its 95 % interval, and why it lacks either.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figure {
    /// None where it is undefined.
    pub value: Option<f64>,
    /// Lower and upper bound.
    pub interval: Option<[f64; 2]>,
    /// Why the value, or else the interval, is missing.
    pub reason: Option<String>,
}

/// What was done on the test set.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The best weights.
    pub saved: ModelFigures,
    /// The last epoch's weights.
    pub last: ModelFigures,
    /// What the saved model said of every image; none where that was not kept. Curves, the reliability diagram and cases are
    /// made from it.
    pub scores: Option<Scores>,
    /// How each of these images is called, in their order.
    pub names: Vec<String>,
    /// Pictures of some of them, by index; none at all where pictures are not wanted.
    pub pictures: Option<BTreeMap<usize, Picture>>,
    /// How the saved model does where part of each image is hidden.
    pub occluded: Vec<Occluded>,
}

/// A picture of an image, as JPEG.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// The image; none where its file is gone.
    pub image: Option<Vec<u8>>,
    /// The image with what the model looked at drawn over it.
    pub heat_map: Option<Vec<u8>>,
}

/// Figures of one model on the test set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelFigures {
    /// Which, such as `saved (epoch 12)`.
    pub name: String,
    /// Number of images, N.
    pub images: usize,
    /// Keras' categorical crossentropy.
    pub loss: f64,
    /// Share of images right, in `[0, 1]`.
    pub accuracy: Figure,
    /// True positives, false positives, true negatives, false negatives, as Keras counts them.
    pub counts: [u64; 4],
    /// Of these counts, in `[0, 1]`.
    pub precision: f64,
    /// Of these counts, in `[0, 1]`.
    pub recall: f64,
    /// Mean of the classes' recalls, in `[0, 1]`.
    pub balanced_accuracy: Figure,
    /// Mean of the classes' F1, in `[0, 1]`.
    pub macro_f1: Figure,
    /// Mean of the classes' ROC AUC, in `[0, 1]`.
    pub macro_roc_auc: Figure,
    /// Cohen's kappa.
    pub cohen_kappa: Figure,
    /// Matthews' correlation.
    pub matthews_corrcoef: Figure,
    /// Mean of -ln p of the true class.
    pub log_loss: Figure,
    /// Squared error summed over classes, in `[0, 2]`.
    pub brier: Figure,
    /// Mean distance of confidence from accuracy, in `[0, 1]`.
    pub expected_calibration_error: Figure,
    /// Each class's, in index order.
    pub classes: Vec<ClassFigures>,
    /// True classes as rows, predicted ones as columns.
    pub confusion_matrix: Vec<Vec<u64>>,
    /// Figures and intervals without a value, and why.
    pub undefined: Vec<(String, String)>,
    /// Groups that were drawn whole for the intervals, where images have such.
    pub groups: Option<usize>,
    /// Wall time of the forward passes.
    pub seconds: f64,
    /// Images by those seconds.
    pub images_per_second: f64,
    /// The figures of the same model without its temperature.
    pub calibration: Option<Uncalibrated>,
    /// Thresholds that were asked for.
    pub operating_points: Vec<OperatingPoint>,
}

/// One class against all others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassFigures {
    /// The class.
    pub label: String,
    /// Its images.
    pub support: u64,
    /// Whether they are so few that its figures say little.
    pub few: bool,
    /// In `[0, 1]`.
    pub precision: Figure,
    /// In `[0, 1]`: sensitivity.
    pub recall: Figure,
    /// In `[0, 1]`.
    pub specificity: Figure,
    /// In `[0, 1]`.
    pub f1: Figure,
    /// In `[0, 1]`.
    pub roc_auc: Figure,
    /// In `[0, 1]`.
    pub average_precision: Figure,
}

/// What a temperature did on the test set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uncalibrated {
    /// The temperature that the model's figures are at.
    pub temperature: f64,
    /// Without it.
    pub expected_calibration_error: Option<f64>,
    /// Without it.
    pub brier: Option<f64>,
    /// Without it.
    pub log_loss: Option<f64>,
}

/// A temperature fitted on the validation images.
#[derive(Clone, Debug, PartialEq)]
pub struct TemperatureFit {
    /// Above 0; 1 changes nothing.
    pub temperature: f64,
    /// At which end of the range searched the fit stopped, where it did: `lower` or `upper`.
    pub bound: Option<String>,
    /// Images that it was fitted on.
    pub images: usize,
    /// Their log loss before and after.
    pub log_loss: [f64; 2],
    /// Their calibration error before and after.
    pub expected_calibration_error: [f64; 2],
}

/// A threshold on one class's probability, chosen on the validation images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperatingPoint {
    /// The class.
    pub label: String,
    /// The sensitivity asked for.
    pub target: f64,
    /// Images whose probability is at least this count as the class.
    pub threshold: f64,
    /// On the test images.
    pub sensitivity: Figure,
    /// On the test images.
    pub specificity: Figure,
    /// Sensitivity and specificity on the validation images.
    pub validation: [Option<f64>; 2],
}

/// Figures where part of every image is hidden.
#[derive(Clone, Debug, PartialEq)]
pub struct Occluded {
    /// What is hidden: `lungs`, `centre` or `border`.
    pub hidden: String,
    /// Share of images right, in `[0, 1]`.
    pub accuracy: Figure,
    /// Mean of the classes' recalls, in `[0, 1]`.
    pub balanced_accuracy: Figure,
}

/// What the data audit found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Audit {
    /// Pairs of copies in two sets.
    pub across_sets: usize,
    /// Pairs of copies of two classes within one set.
    pub across_classes: usize,
    /// Pairs of copies within a set and class.
    pub within: usize,
    /// Groups, such as patients, with images in more than one set.
    pub shared_groups: usize,
    /// Images whose group is known; none where the audit did not say.
    pub grouped: Option<usize>,
    /// All images.
    pub images: usize,
    /// Images that cannot be read.
    pub unreadable: usize,
    /// Images unlike radiographs.
    pub strange: usize,
    /// Whether files alone give classes away; none where that was not tried.
    pub source: Option<Source>,
    /// The same in a sentence.
    pub source_sentence: String,
}

/// What file facts alone say of classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Source {
    /// How strong the sign is.
    pub sign: Sign,
    /// Cross-validated, in `[0, 1]`.
    pub balanced_accuracy: f64,
    /// That of guessing.
    pub chance: f64,
}

/// How strong a sign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// There is none.
    None,
    /// Part of an accuracy may come from it.
    Weak,
    /// A network can score well by it.
    Strong,
}

impl Report {
    /// Images of a set in all; 0 where there is no such set.
    pub(crate) fn images(&self, set: &str) -> usize {
        self.counts(set).map_or(0, |counts| counts.iter().sum())
    }

    /// Images of a set per class.
    pub(crate) fn counts(&self, set: &str) -> Option<&[usize]> {
        self.sets.iter().find(|other| other.name == set).map(|set| set.counts.as_slice())
    }

    /// A setting's value.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The row of the saved weights.
    pub(crate) fn best(&self) -> Option<&Epoch> {
        self.history.iter().find(|row| Some(row.epoch) == self.best_epoch)
    }

    /// Whether the training loss weighs classes, so that it cannot be compared with the validation loss.
    pub(crate) fn weighted(&self) -> bool {
        self.class_weights.iter().any(|weight| (weight - 1.0).abs() > 1e-9)
    }

    /// Whether these are the three classes of the well-known collection.
    pub(crate) fn confounded_by_age(&self) -> bool {
        let mut classes: Vec<&str> = self.classes.iter().map(String::as_str).collect();
        classes.sort_unstable();
        classes == ["COVID-19", "NORMAL", "Viral Pneumonia"]
    }
}
