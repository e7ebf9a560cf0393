/// A mean of values that stand for different numbers of images, such as the losses of full and partial batches.
///
/// Keras' epoch loss is such a mean: batch losses weighted by batch size (`keras/src/trainers/trainer.py`,
/// `metrics.Mean`). Summed in f64, so that a million batches lose nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    /// Adds `value`, which stands for `n` images.
    pub fn update(&mut self, value: f64, n: usize) {
        self.sum += value * n as f64;
        self.weight += n as f64;
    }

    /// The mean so far; `None` before the first image.
    pub fn value(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }

    /// Number of images seen.
    pub fn images(&self) -> usize {
        self.weight as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Mean;

    #[test]
    fn weighs_by_images() {
        let mut mean = Mean::default();
        assert_eq!(mean.value(), None);
        mean.update(1.0, 250);
        mean.update(4.0, 50);
        assert_eq!(mean.value(), Some(1.5));
        assert_eq!(mean.images(), 300);
    }
}
