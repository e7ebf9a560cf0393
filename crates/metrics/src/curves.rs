use crate::{
    Scores, Undefined,
    ranking::{Missing, Ranking, RankingStep},
};

/// A point of a ROC curve (`roc_curve`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// Images with at least this probability count as the class; infinite at the first point, where none does.
    pub threshold: f64,
    /// Share of the other classes' images that count as the class (1 - specificity), in `[0, 1]`.
    pub false_positive_rate: f64,
    /// Share of the class's images that count as it (sensitivity), in `[0, 1]`.
    pub true_positive_rate: f64,
}

/// A point of a precision-recall curve (`precision_recall_curve`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrecisionRecallPoint {
    /// Images with at least this probability count as the class; infinite at the first point, where none does.
    pub threshold: f64,
    /// Share of the class's images that count as it, in `[0, 1]`.
    pub recall: f64,
    /// Share of the images counted as the class that are of it, in `[0, 1]`; 1 at the first point, as
    /// scikit-learn's.
    pub precision: f64,
}

/// The ROC curve of one class against all others, from (0, 0) to (1, 1) by falling threshold. Points in the middle
/// of a straight line are left out; the line is the same without them.
///
/// # Errors
/// No image of the class, or none of another. A class out of range has no image.
pub fn roc_curve(scores: &Scores, class: usize) -> Result<Vec<RocPoint>, Undefined> {
    let (steps, (hits, false_alarms)) = steps(scores, class)?;
    if false_alarms == 0 {
        return Err(Missing::of(scores.task(), class).no_miss);
    }
    let mut corners: Vec<RankingStep> = Vec::new();
    let start = RankingStep { threshold: f64::INFINITY, hits: 0, false_alarms: 0 };
    for step in std::iter::once(start).chain(steps) {
        if let [.., a, b] = corners.as_slice()
            && (b.hits - a.hits) * (step.false_alarms - b.false_alarms)
                == (step.hits - b.hits) * (b.false_alarms - a.false_alarms)
        {
            corners.pop();
        }
        corners.push(step);
    }
    let point = |step: RankingStep| RocPoint {
        threshold: step.threshold,
        false_positive_rate: step.false_alarms as f64 / false_alarms as f64,
        true_positive_rate: step.hits as f64 / hits as f64,
    };
    Ok(corners.into_iter().map(point).collect())
}

/// The precision-recall curve of one class against all others, by rising recall. Of the points of one recall the
/// first and last are kept, as with scikit-learn's `drop_intermediate`. Between points of different recall the curve
/// is a step, not a line: average precision is the area under those steps.
///
/// # Errors
/// No image of the class. A class out of range has no image.
pub fn precision_recall_curve(scores: &Scores, class: usize) -> Result<Vec<PrecisionRecallPoint>, Undefined> {
    let (steps, (hits, _)) = steps(scores, class)?;
    let mut ends: Vec<RankingStep> = Vec::new();
    for step in steps {
        if let [.., a, b] = ends.as_slice()
            && a.hits == b.hits
            && b.hits == step.hits
        {
            ends.pop();
        }
        ends.push(step);
    }
    let start = PrecisionRecallPoint { threshold: f64::INFINITY, recall: 0.0, precision: 1.0 };
    let point = |step: RankingStep| PrecisionRecallPoint {
        threshold: step.threshold,
        recall: step.hits as f64 / hits as f64,
        precision: step.hits as f64 / (step.hits + step.false_alarms) as f64,
    };
    Ok(std::iter::once(start).chain(ends.into_iter().map(point)).collect())
}

/// The steps down a class's ranking, and the number of its images and of the others'.
pub(crate) fn steps(scores: &Scores, class: usize) -> Result<(Vec<RankingStep>, (u64, u64)), Undefined> {
    let missing = Missing::of(scores.task(), class);
    if class >= scores.n_labels() {
        return Err(missing.no_hit);
    }
    let steps = Ranking::new(scores, class).steps();
    match steps.last().map(|step| (step.hits, step.false_alarms)) {
        None => Err(missing.no_image),
        Some((0, _)) => Err(missing.no_hit),
        Some(last) => Ok((steps, last)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scores::binary;

    #[test]
    fn a_roc_curve_has_corners_alone_and_the_area_of_all_points() {
        let scores =
            binary(&[(1, 0.9), (1, 0.8), (0, 0.7), (0, 0.6), (1, 0.5), (0, 0.5), (1, 0.4), (0, 0.3)]);
        let curve = roc_curve(&scores, 1).unwrap();
        let points: Vec<_> = curve.iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).collect();
        assert_eq!(points, [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.75, 0.75), (0.75, 1.0), (1.0, 1.0)]);
        assert_eq!(curve[0].threshold, f64::INFINITY);
        assert_eq!(curve[3].threshold, 0.5);
        let trapezia = curve.windows(2).map(|p| {
            (p[1].false_positive_rate - p[0].false_positive_rate)
                * (p[1].true_positive_rate + p[0].true_positive_rate)
                / 2.0
        });
        let [auc, _] = Ranking::new(&scores, 1).areas(&[1; 8]);
        assert!((trapezia.sum::<f64>() - auc.unwrap()).abs() < 1e-12);
    }

    #[test]
    fn points_in_the_middle_of_a_slope_are_left_out_of_a_roc_curve() {
        let ties = [(1, 0.8), (0, 0.8), (1, 0.7), (0, 0.7), (1, 0.6), (0, 0.6)];
        let scores = binary(&[&[(0, 0.9)][..], &ties, &[(1, 0.5), (1, 0.4)]].concat());
        let curve = roc_curve(&scores, 1).unwrap();
        let points = curve.iter().map(|p| (p.threshold, p.false_positive_rate, p.true_positive_rate));
        assert_eq!(
            points.collect::<Vec<_>>(),
            [(f64::INFINITY, 0.0, 0.0), (0.9, 0.25, 0.0), (0.6, 1.0, 0.6), (0.4, 1.0, 1.0)]
        );
    }

    #[test]
    fn a_precision_recall_curve_keeps_the_ends_of_every_recall() {
        let scores = binary(&[(1, 0.9), (0, 0.8), (0, 0.7), (0, 0.6), (1, 0.5), (0, 0.4)]);
        let curve = precision_recall_curve(&scores, 1).unwrap();
        let points: Vec<_> = curve.iter().map(|p| (p.threshold, p.recall, p.precision)).collect();
        let third = 1.0 / 3.0;
        assert_eq!(
            points,
            [
                (f64::INFINITY, 0.0, 1.0),
                (0.9, 0.5, 1.0),
                (0.6, 0.5, 0.25),
                (0.5, 1.0, 0.4),
                (0.4, 1.0, third),
            ]
        );
    }

    #[test]
    fn curves_of_a_missing_class_are_undefined() {
        let scores = binary(&[(1, 0.9), (1, 0.2)]);
        assert_eq!(roc_curve(&scores, 0), Err(Undefined::NoImageOf(0)));
        assert_eq!(roc_curve(&scores, 1), Err(Undefined::OnlyImagesOf(1)));
        assert_eq!(roc_curve(&scores, 2), Err(Undefined::NoImageOf(2)));
        assert_eq!(precision_recall_curve(&scores, 0), Err(Undefined::NoImageOf(0)));
        assert_eq!(precision_recall_curve(&binary(&[]), 0), Err(Undefined::NoImages));
    }
}
