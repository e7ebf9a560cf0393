//! Pooled predictions of all folds as one set.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
};

use metrics::{Scores, Targets};

use crate::{
    CrossValidation, Error, PredictedImage, PredictionTable, Result, cross_validation::run_name,
    run::PREDICTIONS,
};

/// Image of a cross-validation, which one fold holds out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldOutImage {
    /// Path under which the data set names the image.
    pub path: PathBuf,
    /// Index of its class; `None` for an image with findings.
    pub class: Option<usize>,
    /// Group that it belongs to, such as a patient, where that is known.
    pub group: Option<String>,
    /// Fold that holds it out, counted from 0.
    pub fold: usize,
}

/// Row of a fold's predictions.
#[derive(Clone)]
struct PooledRow {
    probabilities: Vec<f64>,
    /// Findings of the image, label by label; none of an image of a class.
    findings: Vec<Option<bool>>,
    note: Option<String>,
}

impl CrossValidation {
    /// Joins the folds' predictions: each image's comes from the model that was trained without it, in the order of
    /// `samples`. Images that could not be read are left out.
    ///
    /// # Errors
    /// A fold's `predictions.csv` that cannot be read, or whose images are not exactly that fold's.
    pub fn pooled(&self, samples: &[HeldOutImage]) -> Result<PredictionTable> {
        let names: Vec<_> = samples.iter().map(|sample| base::stored(&sample.path)).collect();
        let places: HashMap<&str, usize> =
            names.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
        let mut rows: Vec<Option<PooledRow>> = vec![None; samples.len()];
        for fold in 0..self.record.folds.len() {
            let path = self.file(&run_name(fold + 1)).join(PREDICTIONS);
            let other = |line: usize, problem| Error::Csv { path: path.clone(), line: line as u64, problem };
            let set = PredictionTable::read(&path)?;
            if set.labels() != self.record.classes {
                return Err(other(1, "its classes are not those of the cross-validation".to_owned()));
            }
            let n_labels = set.labels().len();
            for (row, image) in set.images.iter().enumerate() {
                let class = set.scores.classes().get(row).copied();
                let place = places.get(base::stored(&image.path).as_str()).filter(|&&place| {
                    samples[place].fold == fold && samples[place].class == class && rows[place].is_none()
                });
                let strange = || {
                    other(
                        row + 2,
                        format!(
                            "`{}` is there twice, or no image of fold {}",
                            image.path.display(),
                            fold + 1
                        ),
                    )
                };
                let targets = set.scores.targets();
                rows[*place.ok_or_else(strange)?] = Some(PooledRow {
                    probabilities: set.scores.row(row).to_vec(),
                    findings: match class {
                        Some(_) => Vec::new(),
                        None => (0..n_labels).map(|label| targets.value(row, label)).collect(),
                    },
                    note: image.note.clone(),
                });
            }
        }
        let skipped: HashSet<&str> = self.record.skipped.iter().map(String::as_str).collect();
        let lacks = |&place: &usize| rows[place].is_none() && !skipped.contains(names[place].as_str());
        if let Some(place) = (0..samples.len()).find(lacks) {
            let path = self.file(&run_name(samples[place].fold + 1)).join(PREDICTIONS);
            return Err(Error::Csv { path, line: 1, problem: format!("it lacks `{}`", names[place]) });
        }
        let (mut images, mut classes, mut findings, mut probabilities) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (sample, row) in samples.iter().zip(rows) {
            let Some(PooledRow { probabilities: row, findings: own, note }) = row else { continue };
            images.push(PredictedImage { path: sample.path.clone(), group: sample.group.clone(), note });
            classes.extend(sample.class);
            findings.extend(own);
            probabilities.extend(row);
        }
        let targets = match classes.is_empty() && !images.is_empty() {
            true => Targets::from_findings(&self.record.classes, findings)?,
            false => Targets::from_classes(&self.record.classes, classes)?,
        };
        PredictionTable::new(images, Scores::new(targets, probabilities)?)
    }
}
