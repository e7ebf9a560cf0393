use crate::{
    ConfusionMatrix, Estimate, EvaluationError, Figures, PrecisionRecallPoint, Reliability, Resampling,
    RocPoint, Scores, Undefined,
    estimate::{Evidence, kinds},
    evaluation_error::check_multi_class,
    influence::{Influences, moments},
    precision_recall_curve,
    prepared::ResampledSet,
    roc_curve,
    units::Units,
};

/// Classes with fewer images than this are flagged: of 30 images, even a share of 0.9 is known no better than to lie
/// between 0.74 and 0.97 (Wilson, 95 %).
pub const FEW_IMAGES: u64 = 30;

/// Evaluation of a set of images: figures with intervals, tables and curves.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Number of images, N.
    pub images: usize,
    /// Number of groups that were drawn whole; `None` where images were drawn one by one.
    pub groups: Option<usize>,
    /// True classes as rows, predicted ones as columns.
    pub confusion_matrix: ConfusionMatrix,
    /// All figures, with intervals.
    pub figures: Figures<Estimate>,
    /// Every class's images and curves, in class order.
    pub classes: Vec<ClassSummary>,
    /// Confidence against accuracy.
    pub reliability: Reliability,
    /// Resamples drawn for the bootstrap intervals.
    pub resamples: usize,
    /// Seed of the resamples.
    pub seed: u64,
}

/// One class's images and curves.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassSummary {
    /// Images of this class.
    pub support: u64,
    /// True where fewer than [`FEW_IMAGES`] images, or groups in a set that has them, are of this class, so that its
    /// figures say little.
    pub few: bool,
    /// ROC curve, see [`roc_curve`].
    pub roc: Result<Vec<RocPoint>, Undefined>,
    /// Precision-recall curve, see [`precision_recall_curve`].
    pub precision_recall: Result<Vec<PrecisionRecallPoint>, Undefined>,
}

impl Evaluation {
    /// Computes all figures, tables and curves: sorts once a class, then counts once a resample, in parallel.
    ///
    /// # Errors
    /// Labels that do not exclude each other.
    pub fn new(scores: &Scores, resampling: &Resampling) -> Result<Self, EvaluationError> {
        check_multi_class(scores)?;
        let units = Units::new(scores.n_labels(), scores.classes(), scores.groups());
        let prepared = ResampledSet::new(scores);
        let figures = prepared.figures();
        let influences = Influences::new(&prepared, &figures);
        let mut samples = resampling.samples(&units, scores.len(), |counts| prepared.row_of(counts));
        let distances = samples.pop();
        let evidence =
            Evidence { units: &units, grouped: scores.groups().is_some(), distances: distances.as_ref() };
        let kinds = kinds(&prepared, &units);
        let figures = figures.map(|(figure, value)| {
            let moments = || moments(&units, |image| influences.of(figure, image));
            evidence.estimate(value, kinds[figure], samples.get(figure), moments)
        });
        Ok(Self {
            images: scores.len(),
            groups: scores.groups().is_some().then(|| units.len()),
            confusion_matrix: ConfusionMatrix::new(scores),
            figures,
            classes: (0..scores.n_labels()).map(|class| ClassSummary::new(scores, &units, class)).collect(),
            reliability: Reliability::new(scores),
            resamples: resampling.resamples,
            seed: resampling.seed,
        })
    }
}

impl ClassSummary {
    fn new(scores: &Scores, units: &Units, class: usize) -> Self {
        let support = scores.classes().iter().filter(|&&other| other == class).count() as u64;
        let drawn = units.per_class().find(|(other, _)| *other == class).map_or(0, |(_, units)| units as u64);
        Self {
            support,
            few: support.min(drawn) < FEW_IMAGES,
            roc: roc_curve(scores, class),
            precision_recall: precision_recall_curve(scores, class),
        }
    }
}
