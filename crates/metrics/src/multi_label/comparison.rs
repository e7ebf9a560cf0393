//! Two models' figures over all labels on the same images.

use super::{Estimates, figures::MULTI_LABEL_FIGURES, prepared::PreparedFindings};
use crate::{
    DEFAULT_THRESHOLD, Estimate, EvaluationError, Resampling, Scores, Task,
    comparison::same_images,
    estimate::{Evidence, IntervalKind},
    influence::moments,
    units::Units,
};

/// Computes the first model's figures over all labels less the second's, in the order of [`MULTI_LABEL_FIGURES`], at thresholds
/// of 0.5, each with the BCa interval of a paired bootstrap: every resample holds the same images for both. Groups are the
/// first's, or the second's if only that has some.
///
/// # Errors
/// Classes that exclude each other; other targets, as far as their numbers and the truth tell.
pub fn findings_differences(
    first: &Scores,
    second: &Scores,
    resampling: &Resampling,
) -> Result<Vec<Estimate>, EvaluationError> {
    if let Some(task) = [first, second].map(Scores::task).into_iter().find(|task| *task != Task::MultiLabel) {
        return Err(EvaluationError::Task(task));
    }
    same_images(first, second)?;
    let groups = first.groups().or(second.groups());
    let units = Units::in_one_stratum(first.len(), groups);
    let thresholds = vec![DEFAULT_THRESHOLD; first.n_labels()];
    let pair = [first, second].map(|scores| PreparedFindings::new(scores, &thresholds));
    let whole = pair.each_ref().map(PreparedFindings::sums);
    let samples = resampling.samples(&units, first.len(), |counts| {
        let [first, second] = [0, 1].map(|model| pair[model].row_of(counts, &whole[model]));
        first.into_iter().zip(second).take(MULTI_LABEL_FIGURES.len()).map(|(a, b)| a - b).collect()
    });
    let evidence = Evidence { units: &units, grouped: groups.is_some(), distances: None };
    let differences = MULTI_LABEL_FIGURES.iter().enumerate().map(|(figure, spec)| {
        let [first, second] = whole.each_ref().map(|whole| whole.over_labels(spec.formula));
        let difference = first.and_then(|first| Ok(first - second?));
        let moments = || {
            let [first, second] = [0, 1].map(|model| {
                let (prepared, whole) = (&pair[model], &whole[model]);
                Estimates { units: &units, grouped: groups.is_some(), prepared, whole }
                    .influences(spec.formula)
            });
            moments(&units, |image| first[image] - second[image])
        };
        evidence.estimate(difference, IntervalKind::Difference, samples.get(figure), moments)
    });
    Ok(differences.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Targets;

    fn scores(shift: f64) -> Scores {
        let truth = (0..120).map(|at| (at % 7 != 0).then_some(at % 3 == 0)).collect();
        let p = |at: usize| {
            let signal = if at.is_multiple_of(3) { shift } else { 0.0 };
            (((at * 37) % 101) as f64 / 202.0 + signal).min(1.0)
        };
        let targets = Targets::from_findings(["Edema", "Mass"], truth).unwrap();
        Scores::new(targets, (0..120).map(p).collect()).unwrap()
    }

    const RESAMPLING: Resampling = Resampling { resamples: 400, seed: 28 };

    #[test]
    fn a_better_model_is_told_and_a_model_does_not_differ_from_itself() {
        let (better, worse) = (scores(0.4), scores(0.0));
        let differences = findings_differences(&better, &worse, &RESAMPLING).unwrap();
        let auc = differences[0];
        let interval = auc.interval.unwrap();
        assert!(auc.value.unwrap() > 0.2 && interval.low > 0.0, "{auc:?}");
        let same = findings_differences(&better, &better, &RESAMPLING).unwrap();
        assert!(same.iter().all(|difference| difference.value == Ok(0.0)));
        let classes = crate::scores::binary(&[(1, 0.5)]);
        assert_eq!(
            findings_differences(&classes, &classes, &RESAMPLING),
            Err(EvaluationError::Task(Task::MultiClass))
        );
    }
}
