//! Network to train, with its pretrained part, and the defaults of its flags.

use std::path::{Path, PathBuf};

use anyhow::Result;
use data::Formats;
use model::{
    ARCHITECTURES, Architecture, Checkpoint, Classifier, Device, Freeze, Normalisation, Precision,
    PrecisionChoice, Pretrained, PretrainedPart, Spec,
};

use experiment::LAST;
use metrics::Task;

use crate::{
    args::{TrainSettings, WeightsChoice},
    memory,
    output::Output,
    saved::RUNS_CODE,
    status::{LESS_MEMORY, hinted},
};

/// Network settings with all defaults filled in.
pub(crate) struct NetworkPlan {
    pub(crate) spec: Spec,
    pub(crate) batch_size: usize,
    /// File of the pretrained part.
    pub(crate) pretrained: Option<PathBuf>,
    /// True where that file must be the fetched one.
    pinned: bool,
    pub(crate) device: Device,
    freeze: Freeze,
    freeze_batch_norm: bool,
    /// Seed that fresh weights are drawn from.
    seed: u64,
}

impl NetworkPlan {
    pub(crate) fn new(
        settings: &TrainSettings,
        (task, classes): (Task, Vec<String>),
        formats: Formats,
        device: Device,
    ) -> Result<Self> {
        check_flags(settings)?;
        let architecture = settings.model;
        let spec = Spec {
            task,
            architecture,
            classes,
            image_size: settings.image_size.unwrap_or(architecture.image_size),
            formats: Some(formats),
            interpolation: settings.interpolation,
            input_scale: settings.input_scale.unwrap_or(architecture.input_scale),
            normalisation: match settings.mean.zip(settings.std) {
                Some((mean, std)) => Some(Normalisation { mean, std }),
                None => architecture.normalisation,
            },
            precision: match settings.precision.unwrap_or(architecture.precision) {
                PrecisionChoice::Auto if !architecture.has_bf16 => Precision::F32,
                precision => precision.resolve(device),
            },
        };
        spec.check()?;
        let pretrained = match (architecture.pretrained, &settings.weights) {
            (PretrainedPart::None, _) | (_, Some(WeightsChoice::None)) => None,
            (PretrainedPart::Module, _) => settings.backbone.clone(),
            (PretrainedPart::Weights(_), Some(WeightsChoice::File(path))) => Some(path.clone()),
            (PretrainedPart::Weights(weights), None) => Some(weights.path.into()),
        };
        let pinned = pretrained.as_deref().is_some_and(|path| is_default_weights_of(architecture, path));
        let batch_size = settings.batch_size.unwrap_or(architecture.batch_size);
        Ok(Self {
            spec,
            batch_size,
            pretrained,
            pinned,
            device,
            freeze: settings.freeze.clone(),
            freeze_batch_norm: settings.freeze_batch_norm,
            seed: settings.seed,
        })
    }

    /// Builds the network, or the one of a run's checkpoint: its files are read and checked.
    pub(crate) fn build(&self, resumed: Option<&Checkpoint>, output: &Output) -> Result<Classifier> {
        // The network alone may be larger than the memory, so this comes before any allocation.
        self.check_memory(self.spec.training_bytes(&self.freeze, self.batch_size)?)?;
        let runs_code = match resumed {
            Some(checkpoint) => checkpoint.backbone.is_some(),
            None => self.pretrained.is_some() && !self.pinned && self.weights_run_code(),
        };
        if runs_code {
            output.warn(RUNS_CODE);
        }
        let pretrained = match &self.pretrained {
            Some(path) => Pretrained::File { path, pinned: self.pinned },
            None => Pretrained::None,
        };
        let mut classifier = match resumed {
            Some(checkpoint) => Classifier::from_checkpoint(checkpoint, Path::new(LAST), self.device)?,
            None => Classifier::new(self.spec.clone(), pretrained, self.seed, self.device)?,
        };
        classifier.freeze(&self.freeze, self.freeze_batch_norm)?;
        // The memory of a TorchScript module is known only now.
        self.check_memory(classifier.training_bytes(self.batch_size))?;
        Ok(classifier)
    }

    /// Tells if the file of the pretrained part can run code of its author.
    fn weights_run_code(&self) -> bool {
        self.spec.architecture.takes_module() || self.spec.architecture.weights_run_code()
    }

    /// Refuses a network that takes more memory than there is.
    fn check_memory(&self, needed: u64) -> Result<()> {
        let free = memory::available();
        if needed <= free {
            return Ok(());
        }
        let gigabytes = |bytes: u64| bytes as f64 / 1e9;
        Err(hinted(
            format!(
                "training on {} images of {size}×{size} pixels at a time takes about {:.1} GB of memory, and {:.1} GB \
                 are free",
                self.batch_size,
                gigabytes(needed),
                gigabytes(free),
                size = self.spec.image_size
            ),
            LESS_MEMORY,
        ))
    }

    /// Describes the pretrained part in a line; `None` where there is none.
    pub(crate) fn base(&self) -> Option<String> {
        let from = match &self.pretrained {
            Some(path) => path.display().to_string(),
            None if self.spec.architecture.weights().is_some() => "none, trained from scratch".to_owned(),
            None => return None,
        };
        let batch_norm = if self.freeze_batch_norm { ", batch norm frozen" } else { "" };
        Some(format!("base   {from}, freeze {}{batch_norm}", self.freeze))
    }
}

/// Tells if a path, relative or absolute, is that of a network's default weights. The file's sum is checked when it is loaded.
pub(crate) fn is_default_weights(path: &Path) -> bool {
    ARCHITECTURES.into_iter().any(|architecture| is_default_weights_of(architecture, path))
}

fn is_default_weights_of(architecture: &Architecture, path: &Path) -> bool {
    let absolute = |path: &Path| std::path::absolute(path).ok();
    let Some(weights) = architecture.weights() else { return false };
    absolute(path).is_some_and(|path| absolute(Path::new(weights.path)) == Some(path))
}

/// Refuses flags that exclude each other.
fn check_flags(settings: &TrainSettings) -> Result<()> {
    let model = settings.model;
    // Names of the networks that a flag goes with, as a hint.
    let add = |goes: fn(&Architecture) -> bool| {
        let fitting = ARCHITECTURES.into_iter().filter(|architecture| goes(architecture));
        let models: Vec<String> = fitting.map(|architecture| format!("`--model {architecture}`")).collect();
        format!("add {}", models.join(" or "))
    };
    if model.takes_module() && settings.backbone.is_none() {
        return Err(hinted(
            format!("`--model {model}` needs a backbone"),
            "name its TorchScript file with `--backbone FILE`",
        ));
    }
    if !model.takes_module() && settings.backbone.is_some() {
        let hint = add(Architecture::takes_module);
        return Err(hinted(format!("`--backbone` does not go with {model}"), hint));
    }
    if !model.takes_module() && model.normalisation.is_none() && settings.mean.is_some() {
        let hint = add(|model| model.takes_module() || model.normalisation.is_some());
        return Err(hinted(
            format!("`--mean` and `--std` do not go with {model}"),
            format!("{hint}; `--input-scale` is for all"),
        ));
    }
    if !model.has_pretrained_part() && settings.base_learning_rate.is_some() {
        return Err(hinted(
            format!("`--base-learning-rate` does not go with {model}"),
            "it has no pretrained part: `--learning-rate` is for all of it",
        ));
    }
    if model.weights().is_none() && settings.weights.is_some() {
        let hint = add(|architecture| architecture.weights().is_some());
        return Err(hinted(format!("`--weights` does not go with {model}"), hint));
    }
    Ok(())
}
