//! Heat maps of the image regions that speak for a class.

mod cam;
mod occlusion;
mod spread;

use data::Batch;

use metrics::argmax;

use crate::{Classifier, Error, Result, classifier, heat_map_method::HeatMapMethod, stage::Places};

/// Heat map of one class on one image, with the network's prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// Index of the class that the map shows.
    pub class: usize,
    /// Index of the most probable class.
    pub predicted: usize,
    /// Probability of each class, as [`crate::Inference::probabilities`] gives them.
    pub probabilities: Vec<f32>,
    /// Side S of the image in pixels.
    pub size: usize,
    /// Values `[S, S]` row by row, 0 and above: evidence against the class is cut off. The unit is the logit's, or the
    /// log-odds'; only values of one map can be compared.
    pub values: Vec<f32>,
    /// Map as the network gave it, evidence against the class included.
    pub coarse: Coarse,
}

/// Map with as many values as a network's last maps have, or as there are patches.
#[derive(Clone, Debug, PartialEq)]
pub struct Coarse {
    /// Number of values down the image.
    pub rows: usize,
    /// Number of values across it.
    pub columns: usize,
    /// Values `[rows, columns]`, of either sign.
    pub values: Vec<f32>,
}

impl HeatMap {
    /// Returns the probability of the map's class, in `[0, 1]`.
    pub fn probability(&self) -> f32 {
        self.probabilities.get(self.class).copied().unwrap_or_default()
    }

    /// Returns the largest value; 0 where the map is empty.
    pub fn maximum(&self) -> f32 {
        self.values.iter().copied().fold(0.0, f32::max)
    }

    /// True where the map is 0 everywhere: nothing in the image speaks for the class.
    pub fn is_empty(&self) -> bool {
        self.maximum() <= 0.0
    }

    /// Returns row and column of the largest value, the first of equals; `None` where the map is empty.
    pub fn peak(&self) -> Option<[usize; 2]> {
        let maximum = self.maximum();
        let index = self.values.iter().position(|&value| value > 0.0 && value >= maximum)?;
        Some([index / self.size, index % self.size])
    }

    /// Computes the share of the map's sum that lies on the pixels of `mask`, `[S, S]` row by row, in `[0, 1]`; `None`
    /// where the map is empty.
    pub fn share(&self, mask: &[bool]) -> Option<f64> {
        let all: f64 = self.values.iter().map(|&value| f64::from(value)).sum();
        let within = self.values.iter().zip(mask).filter(|(_, inside)| **inside);
        (!self.is_empty()).then(|| within.map(|(&value, _)| f64::from(value)).sum::<f64>() / all)
    }

    /// Computes [`Self::share`] of the middle square, [`data::Occlusion::Centre`]: on a radiograph the chest without its
    /// borders, the place of letters and tubes. An even map has 0.25 there.
    pub fn central_share(&self) -> Option<f64> {
        self.share(&data::Occlusion::Centre.mask(self.size, self.size))
    }
}

/// Averages heat maps of one image, each divided by its maximum and brought to `[size, size]` values; empty maps count as 0.
pub(crate) fn mean_map(maps: &[HeatMap], size: usize) -> Vec<f32> {
    let mut mean = vec![0.0; size * size];
    for map in maps.iter().filter(|map| !map.is_empty()) {
        let (maximum, values) = (map.maximum(), map.values.clone());
        let places = [Places::even(map.size, size); 2];
        let values = match map.size == size {
            true => values,
            false => spread::bilinear(&Coarse { rows: map.size, columns: map.size, values }, places, size),
        };
        mean.iter_mut().zip(values).for_each(|(mean, value)| *mean += value / maximum / maps.len() as f32);
    }
    mean
}

/// Prediction for one image, with the class that the map is to show.
struct Said {
    class: usize,
    predicted: usize,
    probabilities: Vec<f32>,
}

impl Said {
    fn with(self, size: usize, values: Vec<f32>, coarse: Coarse) -> HeatMap {
        let Self { class, predicted, probabilities } = self;
        HeatMap { class, predicted, probabilities, size, values, coarse }
    }
}

impl Classifier {
    /// Computes a heat map of each of the batch's real images, of the class of that index in `classes`, or of the predicted
    /// one for `None`. Nothing is trained, whatever is frozen, and no gradient stays. A batch of 32 gives the probabilities
    /// that `predict` gives, to the bit in f32.
    ///
    /// # Errors
    /// Classes that are not as many as the images, or that do not exist; [`Error::NoMaps`], [`Error::NotFinite`];
    /// the same as [`Self::input`] and [`Self::forward`].
    pub fn heat_maps(
        &self,
        batch: &Batch,
        classes: &[Option<usize>],
        method: HeatMapMethod,
    ) -> Result<Vec<HeatMap>> {
        if classes.len() != batch.filled {
            let problem = format!("{} classes are named for {} images", classes.len(), batch.filled);
            return Err(Error::Spec(problem));
        }
        let n_classes = self.spec().classes.len();
        if let Some(class) = classes.iter().flatten().find(|class| **class >= n_classes) {
            return Err(Error::Spec(format!("there is no class {class} of {n_classes}")));
        }
        match method {
            _ if classes.is_empty() => Ok(Vec::new()),
            HeatMapMethod::Occlusion => occlusion::heat_maps(self, batch, classes),
            _ => cam::heat_maps(self, batch, classes, method),
        }
    }

    /// Converts logits `[N, n_classes]` to predictions, row by row.
    fn said(&self, logits: &[f32], classes: &[Option<usize>]) -> Result<Vec<Said>> {
        let n_classes = self.spec().classes.len();
        self.check_finite(logits)?;
        let probabilities =
            classifier::probabilities(self.spec().task, logits, n_classes, self.calibration())?;
        self.check_finite(&probabilities)?;
        let said = probabilities.chunks_exact(n_classes).zip(classes).map(|(row, class)| {
            let predicted = argmax(row);
            Said { class: class.unwrap_or(predicted), predicted, probabilities: row.to_vec() }
        });
        Ok(said.collect())
    }
}

#[cfg(test)]
mod tests;
