use crate::{
    Estimate, EvaluationError, Figures, Resampling, Scores,
    estimate::{Evidence, IntervalKind},
    influence::{Influences, moments},
    mcnemar_exact,
    prepared::ResampledSet,
};

/// Two models on the same images.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Images that both got right.
    pub both_right: u64,
    /// Images that the first alone got right.
    pub only_first_right: u64,
    /// Images that the second alone got right.
    pub only_second_right: u64,
    /// Images that neither got right.
    pub both_wrong: u64,
    /// Two-sided p of [`mcnemar_exact`] on the images that one alone got right. It takes images for independent; where
    /// they come in groups, the difference of accuracies and its interval say more.
    pub mcnemar_p: f64,
    /// The first's figures less the second's, each with the BCa interval of a paired bootstrap: every resample holds
    /// the same images for both.
    pub differences: Figures<Estimate>,
    /// Resamples drawn.
    pub resamples: usize,
    /// Seed of the resamples.
    pub seed: u64,
}

impl Comparison {
    /// Compares the predictions of two models for the same images, in the same order.
    ///
    /// # Errors
    /// Models of different classes; other images, as far as their number and true classes tell; groups that are not
    /// one an image.
    pub fn new(first: &Scores, second: &Scores, resampling: &Resampling) -> Result<Self, EvaluationError> {
        same_images(first, second)?;
        let units = resampling.units(first.n_classes(), first.labels())?;
        let pair = [first, second].map(ResampledSet::new);
        let figures = pair.each_ref().map(ResampledSet::figures);
        let influences = [0, 1].map(|model| Influences::new(&pair[model], &figures[model]));
        let samples = resampling.samples(&units, first.len(), |counts| {
            let [first, second] = pair.each_ref().map(|model| model.row_of(counts));
            first.into_iter().zip(second).map(|(first, second)| first - second).collect()
        });
        let evidence = Evidence { units: &units, grouped: resampling.groups.is_some(), distances: None };
        let [first_figures, second_figures] = figures;
        let differences = first_figures.map(|(figure, value)| {
            let other = second_figures.row()[figure];
            let difference = value.and_then(|value| Ok(value - other?));
            let [first, second] = &influences;
            let moments = || moments(&units, |image| first.of(figure, image) - second.of(figure, image));
            evidence.estimate(difference, IntervalKind::Difference, samples.get(figure), moments)
        });
        let right = [first, second].map(|scores| {
            scores.labels().iter().zip(scores.predicted()).map(|(&label, predicted)| label == predicted)
        });
        let [first_right, second_right] = right;
        let mut counts = [[0; 2]; 2];
        first_right.zip(second_right).for_each(|(first, second)| {
            counts[usize::from(first)][usize::from(second)] += 1;
        });
        let [[both_wrong, only_second_right], [only_first_right, both_right]] = counts;
        Ok(Self {
            both_right,
            only_first_right,
            only_second_right,
            both_wrong,
            mcnemar_p: mcnemar_exact(only_first_right, only_second_right),
            differences,
            resamples: resampling.resamples,
            seed: resampling.seed,
        })
    }
}

fn same_images(first: &Scores, second: &Scores) -> Result<(), EvaluationError> {
    if first.n_classes() != second.n_classes() {
        return Err(EvaluationError::Classes { first: first.n_classes(), second: second.n_classes() });
    }
    if first.len() != second.len() {
        return Err(EvaluationError::Images { first: first.len(), second: second.len() });
    }
    match first.labels().iter().zip(second.labels()).position(|(first, second)| first != second) {
        Some(image) => Err(EvaluationError::Label(image)),
        None => Ok(()),
    }
}
