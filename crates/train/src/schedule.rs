use std::f64::consts::PI;

/// Schedule of the learning rate after warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Constant rate.
    Constant,
    /// Half a cosine down to 0 at the last step of the last epoch (Loshchilov and Hutter, 2017, arXiv 1608.03983).
    Cosine,
}

/// Learning rates of all steps of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    /// Rate after warm-up.
    pub(crate) highest: f64,
    pub(crate) schedule: Schedule,
    /// Epochs, or a part of one, over which the rate rises linearly from 0.
    pub(crate) warmup_epochs: f64,
    pub(crate) epochs: u64,
    pub(crate) steps_per_epoch: u64,
}

impl Rates {
    /// Returns the learning rate of a step, counted from 0 over all epochs.
    pub(crate) fn at(&self, step: u64) -> f64 {
        let warmup = (self.warmup_epochs * self.steps_per_epoch as f64).round();
        let step = step as f64;
        if step < warmup {
            return self.highest * (step + 1.0) / warmup;
        }
        match self.schedule {
            Schedule::Constant => self.highest,
            Schedule::Cosine => {
                let all = self.epochs as f64 * self.steps_per_epoch as f64 - warmup;
                self.highest * 0.5 * (1.0 + (PI * ((step - warmup) / all.max(1.0)).min(1.0)).cos())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_stays_and_falls() {
        let constant = Rates {
            highest: 0.1,
            schedule: Schedule::Constant,
            warmup_epochs: 0.5,
            epochs: 10,
            steps_per_epoch: 20,
        };
        let rate = |rates: &Rates, step, expected: f64| {
            assert!((rates.at(step) - expected).abs() < 1e-12, "step {step}: {}", rates.at(step));
        };
        for (step, expected) in [(0, 0.01), (4, 0.05), (9, 0.1), (10, 0.1), (199, 0.1)] {
            rate(&constant, step, expected);
        }
        let cosine = Rates { schedule: Schedule::Cosine, ..constant };
        for (step, expected) in [(0, 0.01), (9, 0.1), (10, 0.1), (105, 0.05), (200, 0.0), (1000, 0.0)] {
            rate(&cosine, step, expected);
        }
        let none = Rates { warmup_epochs: 0.0, ..constant };
        rate(&none, 0, 0.1);
    }
}
