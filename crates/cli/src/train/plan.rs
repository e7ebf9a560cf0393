//! What `train` is about to do: everything that can be wrong with flags and folders comes to light here, before time
//! is spent on images.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Result;
use data::{Listing, Split};
use model::Spec;
use serde_json::{Value, json};
use train::{FitConfig, Run, class_weight};

use crate::{
    args::{ClassWeight, SplitKind, TrainArgs},
    compute::{device_name, use_threads},
    dataset::{self, marked},
    output::Output,
    saved,
    status::hinted,
    table::table,
};

/// All that is known before the first image is decoded.
pub(super) struct Plan {
    pub(super) listing: Listing,
    pub(super) split: Split,
    /// The test set, if there is one.
    pub(super) test: Option<Listing>,
    pub(super) spec: Spec,
    pub(super) config: FitConfig,
    pub(super) device: model::Device,
    pub(super) threads: usize,
    pub(super) out: PathBuf,
    pub(super) scan_seconds: f64,
}

impl Plan {
    /// Reads flags and folders; nothing is written.
    pub(super) fn new(args: &TrainArgs) -> Result<Self> {
        let threads = use_threads(args.compute.threads)?;
        let device = args.compute.device.resolve()?;
        let out = args.out.clone().unwrap_or_else(|| free_name(&args.model.to_string()));
        check_writable(&out)?;
        Run::check_free(&out)?;
        let start = Instant::now();
        let listing = data::scan(&args.data, args.classes.as_deref())?;
        let test = match args.test_data.clone().or_else(|| dataset::test_set_beside(&args.data)) {
            // Classes named by the user may be a part of the folders; otherwise both sets must hold the same.
            Some(folder) if args.classes.is_some() => Some(data::scan(&folder, Some(&listing.classes))?),
            Some(folder) => Some(data::scan_like(&folder, &listing.classes)?),
            None => None,
        };
        let split = match args.split {
            SplitKind::Keras => data::split::keras(&listing, args.validation_split)?,
            SplitKind::Random => data::split::random(&listing, args.validation_split, args.seed)?,
        };
        let scan_seconds = start.elapsed().as_secs_f64();
        let spec = Spec {
            kind: args.model,
            classes: listing.labels(),
            image_size: args.image_size,
            interpolation: args.interpolation,
            input_scale: args.input_scale,
            precision: args.precision.resolve(device),
        };
        spec.check()?;
        let config = FitConfig {
            epochs: args.epochs,
            batch_size: args.batch_size,
            patience: args.patience,
            min_delta: args.min_delta,
            learning_rate: args.learning_rate,
            class_weights: class_weights(&args.class_weight, &listing)?,
            seed: args.seed,
        };
        Ok(Self { listing, split, test, spec, config, device, threads, out, scan_seconds })
    }

    /// The table of classes, counts and weights.
    pub(super) fn introduce(&self, output: &Output) {
        let Self { listing, split, test, spec, config, .. } = self;
        output.note(format!(
            "Thorax {}: for research and teaching, not for clinical use\n",
            env!("CARGO_PKG_VERSION")
        ));
        output.note(format!("data   {}{}", listing.root.display(), marked(listing.is_synthetic())));
        match test {
            Some(test) => {
                output.note(format!("test   {}{}", test.root.display(), marked(test.is_synthetic())));
            }
            None => output.note("test   none: name one with `--test-data FOLDER` to have the result tested"),
        }
        output.note(format!(
            "model  {}, {size}×{size} pixels, {}, {}, {} threads\n",
            spec.kind,
            spec.precision,
            device_name(self.device),
            self.threads,
            size = spec.image_size,
        ));
        let count = |samples: &[data::Sample]| data::counts(samples, spec.classes.len());
        let (training, validation) = (count(&split.training), count(&split.validation));
        let test = test.as_ref().map(Listing::counts);
        let mut rows =
            vec![["class", "training", "validation", "test", "weight"].map(str::to_owned).to_vec()];
        for (class, label) in listing.labels().into_iter().enumerate() {
            let test = test.as_ref().map_or("–".to_owned(), |test| test[class].to_string());
            let weight = format!("{:.4}", config.class_weights[class]);
            let (training, validation) = (training[class].to_string(), validation[class].to_string());
            rows.push(vec![label, training, validation, test, weight]);
        }
        output.note(format!("{}\n", table(&rows)));
    }

    /// Flag names → resolved values, as `run.json` stores them.
    pub(super) fn settings(&self, args: &TrainArgs) -> BTreeMap<String, Value> {
        let folder = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let values = [
            ("model", json!(self.spec.kind)),
            ("data", json!(folder(&self.listing.root))),
            ("test-data", json!(self.test.as_ref().map(|test| folder(&test.root)))),
            ("classes", json!(dataset::class_names(&self.listing))),
            ("image-size", json!(args.image_size)),
            ("batch-size", json!(args.batch_size)),
            ("epochs", json!(args.epochs)),
            ("patience", json!(args.patience)),
            ("min-delta", json!(args.min_delta)),
            ("validation-split", json!(args.validation_split)),
            ("split", json!(args.split.name())),
            ("seed", json!(args.seed)),
            ("learning-rate", json!(args.learning_rate)),
            ("class-weight", json!(args.class_weight.to_string())),
            ("interpolation", json!(args.interpolation.to_string())),
            ("input-scale", json!(args.input_scale)),
            ("precision", json!(self.spec.precision)),
            ("on-bad-image", json!(args.on_bad_image.name())),
            ("device", json!(device_name(self.device))),
            ("threads", json!(self.threads)),
        ];
        values.map(|(name, value)| (name.to_owned(), value)).into()
    }
}

fn class_weights(choice: &ClassWeight, listing: &Listing) -> Result<Vec<f64>> {
    let n_classes = listing.classes.len();
    match choice {
        ClassWeight::Balanced => Ok(class_weight::balanced(&listing.counts())),
        ClassWeight::None => Ok(vec![1.0; n_classes]),
        ClassWeight::Given(weights) if weights.len() == n_classes => Ok(weights.clone()),
        ClassWeight::Given(weights) => Err(hinted(
            format!("{} class weights do not fit {n_classes} classes", weights.len()),
            format!("give one for each of {}, in this order", listing.labels().join(", ")),
        )),
    }
}

/// `data/runs/TIME-MODEL`, local time, with a number where two runs start in the same second.
fn free_name(model: &str) -> PathBuf {
    let time = jiff::ZonedDateTime::now().strftime("%Y-%m-%dT%H-%M-%S");
    let base = format!("{}/{time}-{model}", saved::RUNS);
    let numbered = (2..).map(|n| format!("{base}-{n}"));
    [base.clone()]
        .into_iter()
        .chain(numbered)
        .map(PathBuf::from)
        .find(|path| !path.exists())
        .unwrap_or(base.into())
}

/// A folder that cannot be written must come to light before training, without leaving a folder behind.
fn check_writable(folder: &Path) -> Result<()> {
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
