use crate::Monitor;

/// Early stopping: decides after each epoch if its weights are the best so far and if training continues.
///
/// Both decisions use one figure, `val_loss` or another, each by its own rule: weights are kept on any improvement, like Keras'
/// `ModelCheckpoint(save_best_only=True)`; patience is only reset by an improvement of more than `min_delta`, like
/// `EarlyStopping` (`keras/src/callbacks/early_stopping.py`, `monitor_callback.py`). The first value improves both.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlyStopping {
    monitor: Monitor,
    patience: u64,
    min_delta: f64,
    /// Best value and its epoch; of a figure that is to be large, its negative.
    best: Option<(f64, u64)>,
    /// Value that patience is measured against, like `best`; trails it by less than `min_delta`.
    reference: Option<f64>,
    wait: u64,
}

/// Decision after an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochVerdict {
    /// True where the weights are the best so far and must be kept.
    pub improved: bool,
    /// True where patience has run out: this was the last epoch.
    pub stop: bool,
}

impl EarlyStopping {
    /// Creates a tracker. `patience`: epochs without improvement that end training; `min_delta`: smallest improvement that
    /// counts, not negative.
    pub fn new(monitor: Monitor, patience: u64, min_delta: f64) -> Self {
        Self { monitor, patience, min_delta: min_delta.abs(), best: None, reference: None, wait: 0 }
    }

    /// Restores the state of an earlier time.
    pub(crate) fn at(self, best: Option<(f64, u64)>, reference: Option<f64>, wait: u64) -> Self {
        let signed = |value| self.monitor.signed(value);
        let (best, reference) = (best.map(|(value, epoch)| (signed(value), epoch)), reference.map(signed));
        Self { best, reference, wait, ..self }
    }

    /// Resets patience.
    pub(crate) fn reset_patience(&mut self) {
        self.wait = 0;
    }

    /// True where patience has run out.
    pub(crate) fn is_over(&self) -> bool {
        // An epoch that resets patience never ends training, not even with a patience of 0.
        self.wait >= self.patience.max(1)
    }

    /// Updates the state with the figure's value of an epoch, counted from 1. `None` if it is not finite: that is never best.
    pub fn update(&mut self, epoch: u64, value: f64) -> Option<EpochVerdict> {
        if !value.is_finite() {
            return None;
        }
        let value = self.monitor.signed(value);
        let improved = self.best.is_none_or(|(best, _)| value < best);
        if improved {
            self.best = Some((value, epoch));
        }
        let reset = self.reference.is_none_or(|reference| value + self.min_delta < reference);
        if reset {
            self.reference = Some(value);
            self.wait = 0;
        } else {
            self.wait += 1;
        }
        Some(EpochVerdict { improved, stop: self.is_over() })
    }

    /// Returns the best value and its epoch.
    pub fn best(&self) -> Option<(f64, u64)> {
        self.best.map(|(value, epoch)| (self.monitor.signed(value), epoch))
    }

    /// Value that patience is measured against.
    pub fn reference(&self) -> Option<f64> {
        self.reference.map(|value| self.monitor.signed(value))
    }

    /// Number of epochs since the last improvement by more than `min_delta`.
    pub fn wait(&self) -> u64 {
        self.wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_is_to_be_large_improves_by_rising() {
        let mut tracker = EarlyStopping::new(Monitor::ValAuc, 2, 0.01);
        assert_eq!(tracker.update(1, 0.5), Some(EpochVerdict { improved: true, stop: false }));
        assert_eq!(tracker.update(2, 0.505), Some(EpochVerdict { improved: true, stop: false }));
        assert_eq!((tracker.best(), tracker.reference(), tracker.wait()), (Some((0.505, 2)), Some(0.5), 1));
        let restored = EarlyStopping::new(Monitor::ValAuc, 2, 0.01);
        assert_eq!(restored.at(tracker.best(), tracker.reference(), tracker.wait()), tracker);
        assert_eq!(tracker.update(3, 0.4), Some(EpochVerdict { improved: false, stop: true }));
    }

    #[test]
    fn matches_keras_on_every_reference_case() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/early_stopping.json");
        let cases: Vec<serde_json::Value> =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let losses: Vec<f64> = serde_json::from_value(case["val_losses"].clone()).unwrap();
            let mut tracker = EarlyStopping::new(
                Monitor::ValLoss,
                case["patience"].as_u64().unwrap(),
                case["min_delta"].as_f64().unwrap(),
            );
            let (mut epochs_run, mut saved) = (0, Vec::new());
            for (epoch, loss) in losses.into_iter().enumerate() {
                let verdict = tracker.update(epoch as u64 + 1, loss).unwrap();
                epochs_run += 1;
                if verdict.improved {
                    saved.push(epoch as u64);
                }
                if verdict.stop {
                    break;
                }
            }
            assert_eq!(epochs_run, case["epochs_run"].as_u64().unwrap(), "{case}");
            assert_eq!(serde_json::json!(saved), case["saved_epochs"], "{case}");
        }
    }

    #[test]
    fn a_loss_that_is_not_finite_is_never_best() {
        let mut tracker = EarlyStopping::new(Monitor::ValLoss, 5, 0.01);
        assert_eq!(tracker.update(1, f64::NAN), None);
        assert_eq!(tracker.best(), None);
        assert_eq!(tracker.update(1, 1.0), Some(EpochVerdict { improved: true, stop: false }));
        assert_eq!(tracker.update(2, f64::NEG_INFINITY), None);
        assert_eq!((tracker.best(), tracker.wait()), (Some((1.0, 1)), 0));
    }

    #[test]
    fn the_first_of_equal_values_is_the_best_and_patience_begins_anew_on_demand() {
        let mut tracker = EarlyStopping::new(Monitor::ValLoss, 2, 0.0);
        assert_eq!(tracker.update(1, 1.0), Some(EpochVerdict { improved: true, stop: false }));
        assert_eq!(tracker.update(2, 1.0), Some(EpochVerdict { improved: false, stop: false }));
        assert_eq!((tracker.best(), tracker.wait()), (Some((1.0, 1)), 1));
        tracker.reset_patience();
        assert_eq!(tracker.wait(), 0);
        assert_eq!(tracker.update(3, 1.5), Some(EpochVerdict { improved: false, stop: false }));
        assert_eq!(tracker.update(4, 1.5), Some(EpochVerdict { improved: false, stop: true }));
    }
}
