use crate::{
    Estimate, EvaluationError, Figures, Resampling, Scores,
    estimate::{Evidence, IntervalKind},
    evaluation_error::check_multi_class,
    influence::{Influences, moments},
    mcnemar_exact,
    prepared::ResampledSet,
    units::Units,
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
    /// Number of groups that were drawn whole; `None` where images were drawn one by one.
    pub groups: Option<usize>,
    /// Resamples drawn.
    pub resamples: usize,
    /// Seed of the resamples.
    pub seed: u64,
}

impl Comparison {
    /// Compares the predictions of two models for the same images, in the same order. Groups are the first's, or the second's if
    /// only that has some.
    ///
    /// # Errors
    /// Labels that do not exclude each other; models of different classes; other images, as far as their number and true classes
    /// tell.
    pub fn new(first: &Scores, second: &Scores, resampling: &Resampling) -> Result<Self, EvaluationError> {
        check_multi_class(first)?;
        check_multi_class(second)?;
        same_images(first, second)?;
        let groups = first.groups().or(second.groups());
        let units = Units::new(first.n_labels(), first.classes(), groups);
        let pair = [first, second].map(ResampledSet::new);
        let figures = pair.each_ref().map(ResampledSet::figures);
        let influences = [0, 1].map(|model| Influences::new(&pair[model], &figures[model]));
        let samples = resampling.samples(&units, first.len(), |counts| {
            let [first, second] = pair.each_ref().map(|model| model.row_of(counts));
            first.into_iter().zip(second).map(|(first, second)| first - second).collect()
        });
        let evidence = Evidence { units: &units, grouped: groups.is_some(), distances: None };
        let [first_figures, second_figures] = figures;
        let differences = first_figures.map(|(figure, value)| {
            let other = second_figures.row()[figure];
            let difference = value.and_then(|value| Ok(value - other?));
            let [first, second] = &influences;
            let moments = || moments(&units, |image| first.of(figure, image) - second.of(figure, image));
            evidence.estimate(difference, IntervalKind::Difference, samples.get(figure), moments)
        });
        let right = [first, second].map(|scores| {
            scores.classes().iter().zip(scores.predicted()).map(|(&class, predicted)| class == predicted)
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
            groups: groups.map(|_| units.len()),
            resamples: resampling.resamples,
            seed: resampling.seed,
        })
    }
}

/// Checks that two models answered the same targets, as far as the numbers of images and labels and the truth tell.
pub(crate) fn same_images(first: &Scores, second: &Scores) -> Result<(), EvaluationError> {
    if first.n_labels() != second.n_labels() {
        return Err(EvaluationError::Classes { first: first.n_labels(), second: second.n_labels() });
    }
    if first.len() != second.len() {
        return Err(EvaluationError::Images { first: first.len(), second: second.len() });
    }
    let differs = |image: usize| {
        let value = |scores: &Scores, label| scores.targets().value(image, label);
        (0..first.n_labels()).any(|label| value(first, label) != value(second, label))
    };
    match (0..first.len()).find(|&image| differs(image)) {
        Some(image) => Err(EvaluationError::Label(image)),
        None => Ok(()),
    }
}
