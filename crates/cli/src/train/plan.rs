//! Plan of a run: checks of flags and folders before time is spent on images.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Result;
use data::{BadImage, Decoding, Formats, Layout, Listing, OpenOptions, Split};
use experiment::Run;
use model::{Device, PrecisionChoice, Spec};
use serde_json::Value;
use train::{Averaging, CalibrationConfig, FitConfig, Loss, Monitor, OnNonFinite, Schedule};

use super::{network::NetworkPlan, objective};
use crate::{
    args::{
        self, AveragingKind, ClassList, ClassWeight, LossKind, MonitorKind, NonFinite, OptimizerKind,
        ScheduleKind, TrainArgs, TrainSettings, WeightsChoice,
    },
    compute::{device_name, use_threads},
    dataset::{self, marked},
    memory,
    output::{Lines, Output},
    saved,
    status::hinted,
    table::table,
};

/// Data set and machine that several runs can share.
pub(crate) struct Opened {
    pub(crate) threads: usize,
    pub(crate) device: Device,
    pub(crate) decoding: Decoding,
    /// Listing without the images that are kept for testing.
    pub(crate) listing: Listing,
    /// Test set, if there is one.
    pub(crate) test: Option<Listing>,
    pub(crate) scan_seconds: f64,
}

impl Opened {
    /// Sets threads and device, and has `open` list the data set, with the images kept for testing apart.
    pub(crate) fn new(
        settings: &TrainSettings,
        open: impl FnOnce(&OpenOptions<'_>) -> Result<(Listing, Option<Listing>)>,
    ) -> Result<Self> {
        let threads = use_threads(settings.compute.threads)?;
        let device = settings.compute.device.resolve()?;
        let decoding = settings.read.decoding(Formats::All);
        let start = Instant::now();
        let options = OpenOptions {
            classes: args::classes(&settings.classes),
            formats: decoding.formats,
            group: &settings.group.rule(),
            findings: &settings.findings.options(),
        };
        let (listing, test) = open(&options)?;
        let scan_seconds = start.elapsed().as_secs_f64();
        Ok(Self { threads, device, decoding, listing, test, scan_seconds })
    }
}

/// Plan of a run before the first image is decoded.
pub(crate) struct Plan {
    /// Resolved settings.
    pub(crate) settings: TrainSettings,
    pub(crate) listing: Listing,
    pub(crate) split: Split,
    /// Test set, if there is one.
    pub(crate) test: Option<Listing>,
    pub(crate) network: NetworkPlan,
    pub(crate) config: FitConfig,
    pub(crate) decoding: Decoding,
    pub(crate) threads: usize,
    pub(crate) out: PathBuf,
    pub(crate) scan_seconds: f64,
    /// Labels left out, which have no positive image in the training part.
    pub(crate) left_out_labels: Vec<String>,
}

impl Plan {
    /// Reads flags and folders; nothing is written.
    pub(super) fn new(args: &TrainArgs, output: &Output) -> Result<Self> {
        let out = match &args.resume {
            Some(run) => run.clone(),
            None => args.out.clone().unwrap_or_else(|| default_name(&args.settings.model.to_string())),
        };
        check_writable(&out)?;
        if args.out.is_some() {
            Run::check_free(&out)?;
        }
        let settings = &args.settings;
        let open = |options: &OpenOptions<'_>| {
            dataset::open(&settings.data, settings.test_data.as_deref(), options, output)
        };
        Self::of(settings, Opened::new(settings, open)?, out)
    }

    /// Plans a run on these images, in this folder.
    pub(crate) fn of(settings: &TrainSettings, opened: Opened, out: PathBuf) -> Result<Self> {
        let Opened { threads, device, decoding, mut listing, mut test, scan_seconds } = opened;
        let start = Instant::now();
        let task = objective::task(settings, &listing)?;
        let mut split = settings.split.split(&listing, settings.validation_split, settings.seed)?;
        let scan_seconds = scan_seconds + start.elapsed().as_secs_f64();
        let left_out_labels = objective::leave_out_labels(&mut listing, &mut split, test.as_mut())?;
        let network = NetworkPlan::new(settings, (task, listing.labels()), decoding.formats, device)?;
        let (monitor, min_delta) = objective::monitor(settings, task);
        objective::check_monitor(monitor, &split.validation, &listing)?;
        let config = FitConfig {
            epochs: settings.epochs,
            batch_size: network.batch_size,
            patience: settings.patience,
            min_delta,
            learning_rate: settings.learning_rate,
            base_rate: settings.base_learning_rate.map_or(1.0, |rate| rate / settings.learning_rate),
            weight_decay: weight_decay(settings)?,
            schedule: match settings.schedule {
                ScheduleKind::Constant => Schedule::Constant,
                ScheduleKind::Cosine => Schedule::Cosine,
            },
            warmup_epochs: settings.warmup_epochs,
            averaging: match settings.average {
                AveragingKind::None => Averaging::None,
                AveragingKind::Ema => Averaging::Ema,
            },
            feature_memory: memory::available() / 4,
            loss: objective::loss(settings, task, &listing, &split.training)?,
            monitor,
            augmentation: settings.augment,
            seed: settings.seed,
            checkpoint_every: settings
                .checkpoint_every
                .map(|minutes| Duration::from_secs_f64(60.0 * minutes)),
            on_non_finite: match settings.on_non_finite {
                NonFinite::Stop => OnNonFinite::Stop,
                NonFinite::Skip => OnNonFinite::Skip,
            },
            extended: false,
        };
        let settings = resolved(settings, &network, &listing, test.as_ref(), &decoding, &config, threads)?;
        Ok(Self {
            settings,
            listing,
            split,
            test,
            network,
            config,
            decoding,
            threads,
            out,
            scan_seconds,
            left_out_labels,
        })
    }

    /// Returns the specification of the network.
    pub(crate) fn spec(&self) -> &Spec {
        &self.network.spec
    }

    /// Prints the data set and the network, with the table of classes, counts and weights.
    pub(super) fn introduce(&self, output: &Output) {
        let Self { listing, split, test, .. } = self;
        introduce_data(listing, output);
        match test {
            Some(test) => {
                output.note(format!("test   {}{}", test.root.display(), marked(test.is_synthetic())));
            }
            None => output.note("test   none: name one with `--test-data FOLDER` to have the result tested"),
        }
        self.introduce_network(output);
        output.note(self.counts());
        output.note("");
        let tested = test.as_ref().map_or(&[][..], |test| &test.samples);
        dataset::warn_of_groups(listing, &[&split.training[..], &split.validation, tested], output);
        if listing.is_multi_label() {
            let parts = [("validation", &split.validation[..]), ("test", tested)];
            let parts: Vec<_> = parts.into_iter().filter(|(_, samples)| !samples.is_empty()).collect();
            objective::warn_of_labels(&self.left_out_labels, &listing.labels(), &parts, output);
        }
    }

    /// Makes the table of classes with the images of each part and the weights.
    pub(super) fn counts(&self) -> Lines {
        let Self { listing, split, test, .. } = self;
        let weights = self.weights();
        if listing.is_multi_label() {
            return table(&objective::label_rows(listing, split, test.as_ref(), &weights));
        }
        let count = |samples: &[data::Sample]| data::counts(samples, self.spec().classes.len());
        let (training, validation) = (count(&split.training), count(&split.validation));
        let test = test.as_ref().map(Listing::counts);
        let mut rows =
            vec![["class", "training", "validation", "test", "weight"].map(str::to_owned).to_vec()];
        for (class, label) in listing.labels().into_iter().enumerate() {
            let test = test.as_ref().map_or("–".to_owned(), |test| test[class].to_string());
            let weight = format!("{:.4}", weights[class]);
            let (training, validation) = (training[class].to_string(), validation[class].to_string());
            rows.push(vec![label, training, validation, test, weight]);
        }
        table(&rows)
    }

    /// Removes files that cannot be read from the data set, as if they were not there, and splits it again. Returns true if there
    /// were any in it.
    pub(super) fn leave_out(&mut self, bad: &[BadImage]) -> Result<bool> {
        if !self.listing.remove(&bad.iter().map(|bad| bad.path.as_path()).collect()) {
            return Ok(false);
        }
        dataset::check_classes_left(&self.listing.samples, "training", &self.spec().classes)?;
        let settings = &self.settings;
        self.split = settings.split.split(&self.listing, settings.validation_split, settings.seed)?;
        self.config.loss = objective::loss(settings, self.spec().task, &self.listing, &self.split.training)?;
        Ok(true)
    }

    /// Factor of the training loss of each class, or of each label's positive images.
    pub(crate) fn weights(&self) -> Vec<f64> {
        objective::stored_weights(&self.config.loss, self.spec().classes.len())
    }

    /// Returns the calibration that the run ends with.
    pub(super) fn calibration(&self) -> CalibrationConfig {
        objective::calibration(&self.settings, self.spec().task)
    }

    /// Prints the lines about the network, and an empty one.
    pub(crate) fn introduce_network(&self, output: &Output) {
        let (spec, network) = (self.spec(), &self.network);
        output.note(format!(
            "model  {}, {size}×{size} pixels, {}, {}, {} threads",
            spec.architecture,
            spec.precision,
            device_name(network.device),
            self.threads,
            size = spec.image_size,
        ));
        if let Some(base) = network.base() {
            output.note(base);
        }
        output.note("");
    }

    /// Returns the settings as `run.json` stores them, by the names of their flags.
    pub(crate) fn stored_settings(&self) -> Result<BTreeMap<String, Value>> {
        Ok(serde_json::from_value(serde_json::to_value(&self.settings)?)?)
    }
}

/// Fills in all settings that were left open.
fn resolved(
    given: &TrainSettings,
    network: &NetworkPlan,
    listing: &Listing,
    test: Option<&Listing>,
    decoding: &Decoding,
    config: &FitConfig,
    threads: usize,
) -> Result<TrainSettings> {
    let (spec, pretrained) = (&network.spec, network.pretrained.clone());
    let mut settings = given.clone();
    settings.data = listing.root.clone();
    settings.test_data = test.map(|test| test.root.clone());
    let names = Some(ClassList(listing.classes.clone()));
    match listing.is_multi_label() {
        true => settings.findings.labels = names,
        false => settings.classes = names,
    }
    settings.min_delta = Some(config.min_delta);
    settings.monitor = Some(match config.monitor {
        Monitor::ValLoss => MonitorKind::ValLoss,
        Monitor::ValAuc => MonitorKind::ValAuc,
    });
    let is_weighted = matches!(config.loss, Loss::Crossentropy(_) | Loss::BinaryCrossentropy(_));
    let default = if is_weighted { ClassWeight::Balanced } else { ClassWeight::None };
    settings.class_weight = Some(given.class_weight.clone().unwrap_or(default));
    settings.loss = Some(given.loss.unwrap_or(LossKind::Crossentropy));
    settings.image_size = Some(spec.image_size);
    settings.batch_size = Some(network.batch_size);
    settings.base_learning_rate = Some(given.base_learning_rate.unwrap_or(given.learning_rate));
    settings.weight_decay = Some(config.weight_decay);
    settings.input_scale = Some(spec.input_scale);
    settings.mean = spec.normalisation.map(|normalisation| normalisation.mean);
    settings.std = spec.normalisation.map(|normalisation| normalisation.std);
    settings.precision = Some(PrecisionChoice::Fixed(spec.precision));
    let (weights, takes_module) = (spec.architecture.weights(), spec.architecture.takes_module());
    settings.weights = weights.map(|_| pretrained.clone().map_or(WeightsChoice::None, WeightsChoice::File));
    settings.backbone = pretrained.filter(|_| takes_module);
    settings.read.formats = Some(decoding.formats);
    settings.compute.threads = Some(threads);
    settings.compute.device = device_name(network.device).parse()?;
    Ok(settings)
}

/// Prints the program's version and purpose, and the data set.
pub(crate) fn introduce_data(listing: &Listing, output: &Output) {
    let version = env!("CARGO_PKG_VERSION");
    let first = format!("Thorax {version}: for research and teaching, not for clinical use");
    output.note(vec![first, String::new()]);
    let layout = match listing.layout {
        Layout::ClassFolders => String::new(),
        layout => format!(" ({layout})"),
    };
    output.note(format!("data   {}{layout}{}", base::shown(&listing.root), marked(listing.is_synthetic())));
}

fn weight_decay(settings: &TrainSettings) -> Result<f64> {
    match (settings.optimizer, settings.weight_decay) {
        (OptimizerKind::Adam, None) => Ok(0.0),
        // Keras' default (`keras/src/optimizers/adamw.py`).
        (OptimizerKind::Adamw, None) => Ok(0.004),
        (OptimizerKind::Adam, Some(decay)) if decay > 0.0 => {
            Err(hinted("`--weight-decay` does not go with `--optimizer adam`", "add `--optimizer adamw`"))
        }
        (_, Some(decay)) => Ok(decay),
    }
}

/// Returns `data/runs/TIME-MODEL`, in local time; runs that start in the same second get numbers when their folders are made.
pub(crate) fn default_name(model: &str) -> PathBuf {
    let time = jiff::ZonedDateTime::now().strftime("%Y-%m-%dT%H-%M-%S");
    PathBuf::from(format!("{}/{time}-{model}", saved::RUNS))
}

/// Checks before training that a folder can be written, without leaving a folder behind.
pub(crate) fn check_writable(folder: &Path) -> Result<()> {
    let absolute = std::path::absolute(folder)?;
    let Some(there) = absolute.ancestors().find(|path| path.exists()) else { return Ok(()) };
    let probe = match there.is_dir() {
        true => tempfile::tempfile_in(there).map(drop),
        false => Err(std::io::Error::from(std::io::ErrorKind::NotADirectory)),
    };
    probe.map_err(|error| {
        let there = there.display();
        hinted(
            format!("cannot create the run's folder `{}`: `{there}`: {error}", folder.display()),
            "name a folder that can be written with `--out`",
        )
    })
}
