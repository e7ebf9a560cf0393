//! Statistics of rounds for the result.

use serde_json::{Map, Value, json};

/// One run of a job by one side.
#[derive(Clone, Default)]
pub(super) struct Round {
    /// Seconds that count: for `thorax` the whole process, for Keras without TensorFlow's import.
    pub(super) seconds: f64,
    /// Seconds of the whole process.
    pub(super) process_seconds: f64,
    pub(super) epochs: u64,
    pub(super) peak_memory_bytes: u64,
    /// Details of this side alone, unchanged: accuracies, parts of the time, versions.
    pub(super) details: Map<String, Value>,
}

impl Round {
    pub(super) fn seconds_per_epoch(&self) -> f64 {
        self.seconds / self.epochs as f64
    }

    fn process_seconds_per_epoch(&self) -> f64 {
        self.process_seconds / self.epochs as f64
    }

    fn describe(&self) -> Value {
        let mut value = self.details.clone();
        value.insert("seconds".into(), json!(self.seconds));
        value.insert("process_seconds".into(), json!(self.process_seconds));
        value.insert("epochs".into(), json!(self.epochs));
        value.insert("seconds_per_epoch".into(), json!(self.seconds_per_epoch()));
        value.insert("peak_memory_bytes".into(), json!(self.peak_memory_bytes));
        value.into()
    }
}

/// Summarises all rounds of one side: least, median, and each round.
pub(super) fn summary(rounds: &[Round]) -> Value {
    json!({
        "seconds": spread(rounds.iter().map(|round| round.seconds)),
        "seconds_per_epoch": spread(rounds.iter().map(Round::seconds_per_epoch)),
        "peak_memory_bytes": rounds.iter().map(|round| round.peak_memory_bytes).max(),
        "rounds": rounds.iter().map(Round::describe).collect::<Vec<_>>(),
    })
}

/// Divides ours by theirs, round by round, and takes the median.
pub(super) fn ratios(ours: &[Round], theirs: &[Round]) -> Value {
    let of =
        |seconds: fn(&Round) -> f64| median(ours.iter().zip(theirs).map(|(a, b)| seconds(a) / seconds(b)));
    let memory = |round: &Round| round.peak_memory_bytes as f64;
    json!({
        "seconds": of(|round| round.seconds),
        "seconds_per_epoch": of(Round::seconds_per_epoch),
        "seconds_with_import": of(|round| round.process_seconds),
        "seconds_per_epoch_with_import": of(Round::process_seconds_per_epoch),
        "peak_memory": of(memory),
    })
}

/// Returns the least value and the median.
pub(super) fn spread(values: impl Iterator<Item = f64> + Clone) -> Value {
    json!({ "min": values.clone().reduce(f64::min), "median": median(values) })
}

/// Returns the median: the middle value, or the mean of the two in the middle; `None` without values.
pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        return Some(values[middle]);
    }
    Some((values.get(middle.checked_sub(1)?)? + values.get(middle)?) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(seconds: f64, process_seconds: f64, epochs: u64, peak_memory_bytes: u64) -> Round {
        Round { seconds, process_seconds, epochs, peak_memory_bytes, details: Map::new() }
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 3.0, 2.0].into_iter()), Some(2.5));
        assert_eq!(median([7.0].into_iter()), Some(7.0));
        assert_eq!(median([].into_iter()), None);
    }

    #[test]
    fn ratios_are_paired_and_ours_is_on_top() {
        // One slow round on both sides: the ratio of the medians would be 0.4, that of each pair is 0.5.
        let ours = [round(10.0, 10.0, 10, 100), round(30.0, 30.0, 10, 100), round(10.0, 10.0, 5, 100)];
        let theirs = [round(20.0, 25.0, 10, 400), round(60.0, 75.0, 10, 400), round(25.0, 40.0, 10, 400)];
        let ratios = ratios(&ours, &theirs);
        assert_eq!(ratios["seconds"], json!(0.5));
        assert_eq!(ratios["seconds_with_import"], json!(0.4));
        assert_eq!(ratios["seconds_per_epoch"], json!(0.5)); // 0.5, 0.5 and 2 / 2.5 = 0.8
        assert_eq!(ratios["seconds_per_epoch_with_import"], json!(0.4)); // 0.4, 0.4 and 2 / 4 = 0.5
        assert_eq!(ratios["peak_memory"], json!(0.25));
    }

    #[test]
    fn a_summary_keeps_every_round() {
        let mut one = round(10.0, 12.0, 5, 7);
        one.details.insert("accuracy".into(), json!({"saved": 0.9}));
        let summary = summary(&[one, round(20.0, 22.0, 5, 9)]);
        assert_eq!(summary["seconds"], json!({"min": 10.0, "median": 15.0}));
        assert_eq!(summary["seconds_per_epoch"], json!({"min": 2.0, "median": 3.0}));
        assert_eq!(summary["peak_memory_bytes"], json!(9));
        assert_eq!(summary["rounds"][0]["accuracy"]["saved"], json!(0.9));
        assert_eq!(summary["rounds"][1]["process_seconds"], json!(22.0));
    }
}
