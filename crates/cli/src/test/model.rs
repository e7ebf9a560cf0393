//! Saved model under test.

use std::path::{Path, PathBuf};

use anyhow::Result;
use data::{Annotation, ClassName, Decoding, FindingOptions, ImageSet, Listing, Sample};
use experiment::{Mismatch, PredictionTable, Run, TestFigures};
use metrics::Task;
use model::Classifier;

use super::sets::TestSet;
use crate::{
    args::{LabelArgs, TestArgs},
    dataset::{self, ReadSettings},
    output::Output,
    progress::Display,
    saved::{self, LoadedModel, Saved},
    status::hinted,
};

pub(super) struct Model {
    saved: Saved,
    pub(super) classifier: Classifier,
    pub(super) epoch: u64,
    /// Decoding by the model's rules, unless flags name others.
    pub(super) decoding: Decoding,
}

impl Model {
    /// Loads a checkpoint, or the one in a run's folder; without a path, the latest run's.
    pub(super) fn load(path: Option<&Path>, args: &TestArgs, output: &Output) -> Result<Self> {
        let saved = saved::find(path)?;
        let loaded = saved.load(&args.compute, args.precision, args.read.formats, output)?;
        let LoadedModel { classifier, epoch, rules } = loaded;
        let decoding = rules.decoding(args.read.max_pixels, args.read.frame);
        Ok(Self { saved, classifier, epoch, decoding })
    }

    pub(super) fn checkpoint(&self) -> &Path {
        &self.saved.checkpoint
    }

    /// Returns the test set that the model's run was tested on, with its classes' folders.
    pub(super) fn own_test_set(&self) -> Option<(PathBuf, Vec<ClassName>)> {
        self.saved.run.as_ref().and_then(own_test_set)
    }

    /// Returns the rules by which label files are read: the flags', or for the run's own test set those of the run.
    pub(super) fn findings(&self, given: &LabelArgs, is_own: bool) -> FindingOptions {
        let labels = &self.classifier.spec().classes;
        let named = || labels.iter().map(|label| ClassName::same(label)).collect();
        match self.saved.run.as_ref().filter(|_| is_own) {
            Some(run) => findings_of_run(run),
            None => {
                let options = given.options();
                FindingOptions { labels: Some(options.labels.clone().unwrap_or_else(named)), ..options }
            }
        }
    }

    /// Refuses class folders for a model of findings, whatever their names are.
    pub(super) fn check_layout(&self, path: &Path) -> Result<()> {
        match self.classifier.spec().task {
            Task::MultiLabel if path.is_dir() => Err(hinted(
                format!("`{}` has one class an image, and the model tells findings", base::shown(path)),
                "name a label file, or a model of classes",
            )),
            _ => Ok(()),
        }
    }

    /// Refuses a set that the model's kind of question does not fit.
    pub(super) fn check_task(&self, listing: &Listing) -> Result<()> {
        let root = base::shown(&listing.root);
        match (self.classifier.spec().task, listing.is_multi_label()) {
            (Task::MultiClass, true) => Err(hinted(
                format!("`{root}` has several findings an image, and the model tells classes apart"),
                "name a folder of class folders, or a model of findings",
            )),
            (Task::MultiLabel, false) => Err(hinted(
                format!("`{root}` has one class an image, and the model tells findings"),
                "name a label file, or a model of classes",
            )),
            _ => Ok(()),
        }
    }

    /// Prints the model, and warns of sets that have changed since training.
    pub(super) fn introduce(&self, sets: &[TestSet], output: &Output) {
        let changed = |set: &&TestSet| {
            self.saved.run.as_ref().is_some_and(|run| trained_from_another(run, &set.listing))
        };
        for set in sets.iter().filter(changed) {
            let root = set.listing.root.display();
            output.warn(format!("`{root}` is not what it was when the model was trained from it"));
        }
        let spec = self.classifier.spec();
        let model = self.checkpoint().display();
        output.note(format!(
            "model  {model} ({}, {}, epoch {})",
            spec.architecture, spec.precision, self.epoch
        ));
    }

    /// Reads the sets' images with this model's preprocessing.
    pub(super) fn images(&self, sets: &[TestSet], args: &TestArgs, output: &Output) -> Result<Vec<ImageSet>> {
        let spec = self.classifier.spec();
        let reading = ReadSettings {
            preprocess: spec.preprocess(),
            decoding: self.decoding,
            cache: args.cache.cache(),
            policy: args.on_bad_image,
        };
        let samples: Vec<Vec<Sample>> = sets.iter().map(|set| self.samples(&set.listing)).collect();
        let lists: Vec<&[Sample]> = samples.iter().map(Vec::as_slice).collect();
        let (images, _) = dataset::load(&lists, &reading, output)?;
        for (set, images) in sets.iter().zip(&images) {
            if !set.may_lack_classes {
                dataset::check_classes_left(images.samples(), "testing", &spec.classes)?;
            } else if images.is_empty() {
                let message = format!("no readable image is left in `{}`", set.title());
                return Err(hinted(message, "mend its images, or name another set"));
            }
        }
        Ok(images)
    }

    /// Returns the images labelled with this model's class indices: the listing may follow another model's, of the same classes.
    fn samples(&self, listing: &Listing) -> Vec<Sample> {
        let classes = &self.classifier.spec().classes;
        let labels = listing.classes.iter().map(|class| classes.iter().position(|own| *own == class.label));
        let labels: Vec<Option<usize>> = labels.collect();
        if listing.is_multi_label() {
            let places =
                classes.iter().map(|own| listing.classes.iter().position(|class| class.label == *own));
            let places: Vec<usize> = places.flatten().collect();
            let mut listing = listing.clone();
            listing.keep_labels(&places);
            return listing.samples;
        }
        let relabelled = |sample: &Sample| {
            let class = labels[sample.class()?]?;
            Some(Sample { annotation: Annotation::Class(class), ..sample.clone() })
        };
        let mut samples: Vec<Sample> = listing.samples.iter().filter_map(relabelled).collect();
        // Class by class, in the order of a listing by this model: sums in another order differ in their last digit.
        samples.sort_by_key(Sample::class);
        samples
    }

    /// Tests the model on a set; returns figures and predictions, or `None` if the user stopped it.
    pub(super) fn test(
        &self,
        images: &ImageSet,
        attributes: &[String],
        output: &Output,
    ) -> Result<Option<(TestFigures, PredictionTable)>> {
        Ok(train::figures(
            &self.classifier,
            self.checkpoint(),
            images,
            attributes,
            &mut Display::new(output),
        )?)
    }

    /// Checks that the other model has the same classes, in any order.
    pub(super) fn check_same_classes(&self, other: &Self) -> Result<()> {
        let sorted = |model: &Self| {
            let mut classes = model.classifier.spec().classes.clone();
            classes.sort_unstable();
            classes
        };
        if sorted(self) == sorted(other) {
            return Ok(());
        }
        let names = [self, other].map(|model| model.checkpoint().display().to_string());
        let classes = [self, other].map(|model| model.classifier.spec().classes.clone());
        Err(experiment::Error::from(Mismatch::Classes { names, classes }).into())
    }
}

/// Returns the rules by which a run read its label file.
fn findings_of_run(run: &Run) -> FindingOptions {
    let settings = &run.record.settings;
    let word = |key: &str| settings.get(key).and_then(|value| value.as_str());
    let words = |key: &str| {
        let words = settings.get(key).and_then(|value| value.as_array());
        words.into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let default = FindingOptions::DEFAULT;
    FindingOptions {
        format: word("label-format").and_then(|word| word.parse().ok()),
        labels: names(run, "labels"),
        uncertain: word("uncertain").and_then(|word| word.parse().ok()).unwrap_or(default.uncertain),
        blank: word("blank").and_then(|word| word.parse().ok()),
        views: words("views"),
        readers: word("readers").and_then(|word| word.parse().ok()).unwrap_or(default.readers),
        ..FindingOptions::DEFAULT
    }
}

/// Returns the run's classes or labels with their folders or columns, as a setting stores them.
fn names(run: &Run, setting: &str) -> Option<Vec<ClassName>> {
    let names = run.record.classes.iter().zip(run.record.settings.get(setting)?.as_array()?);
    let names = names.map(|(label, name)| {
        // `LABEL=FOLDER` if the two differ; either may contain `=` itself.
        let folder = name.as_str()?.strip_prefix(label.as_str())?;
        Some(ClassName { label: label.clone(), folder: folder.strip_prefix('=').unwrap_or(label).to_owned() })
    });
    names.collect()
}

fn own_test_set(run: &Run) -> Option<(PathBuf, Vec<ClassName>)> {
    let settings = &run.record.settings;
    let data = PathBuf::from(settings.get("test-data")?.as_str()?);
    // Labels of a label file are no classes: its own rules name them.
    let classes = if run.record.task.is_multi_class() { names(run, "classes")? } else { Vec::new() };
    Some((data, classes))
}

/// Tells if a test set is from the CSV that a run was trained from, and that has changed since.
fn trained_from_another(run: &Run, listing: &Listing) -> bool {
    let data = run.record.settings.get("data").and_then(|data| data.as_str());
    let here =
        std::path::absolute(&listing.root).is_ok_and(|root| data.is_some_and(|data| root == Path::new(data)));
    here && listing.manifest_sha256.is_some() && listing.manifest_sha256 != run.record.manifest_sha256
}
