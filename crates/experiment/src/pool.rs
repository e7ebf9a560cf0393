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
    /// Index of its class.
    pub label: usize,
    /// Group that it belongs to, such as a patient, where that is known.
    pub group: Option<String>,
    /// Fold that holds it out, counted from 0.
    pub fold: usize,
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
        let mut rows: Vec<Option<(Vec<f64>, Option<String>)>> = vec![None; samples.len()];
        for fold in 0..self.record.folds.len() {
            let path = self.file(&run_name(fold + 1)).join(PREDICTIONS);
            let other = |line: usize, problem| Error::Csv { path: path.clone(), line: line as u64, problem };
            let set = PredictionTable::read(&path)?;
            if set.labels() != self.record.classes {
                return Err(other(1, "its classes are not those of the cross-validation".to_owned()));
            }
            for (row, (image, (label, probabilities))) in set.images.iter().zip(set.scores.rows()).enumerate()
            {
                let place = places.get(base::stored(&image.path).as_str()).filter(|&&place| {
                    samples[place].fold == fold && samples[place].label == label && rows[place].is_none()
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
                rows[*place.ok_or_else(strange)?] = Some((probabilities.to_vec(), image.note.clone()));
            }
        }
        let skipped: HashSet<&str> = self.record.skipped.iter().map(String::as_str).collect();
        let lacks = |&place: &usize| rows[place].is_none() && !skipped.contains(names[place].as_str());
        if let Some(place) = (0..samples.len()).find(lacks) {
            let path = self.file(&run_name(samples[place].fold + 1)).join(PREDICTIONS);
            return Err(Error::Csv { path, line: 1, problem: format!("it lacks `{}`", names[place]) });
        }
        let (mut images, mut labels, mut probabilities) = (Vec::new(), Vec::new(), Vec::new());
        for (sample, row) in samples.iter().zip(rows) {
            let Some((row, note)) = row else { continue };
            images.push(PredictedImage { path: sample.path.clone(), group: sample.group.clone(), note });
            labels.push(sample.label);
            probabilities.extend(row);
        }
        let targets = Targets::from_classes(&self.record.classes, labels)?;
        PredictionTable::new(images, Scores::new(targets, probabilities)?)
    }
}
