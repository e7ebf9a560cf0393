use crate::{Scores, Undefined, prepared::Prepared};

/// A figure's value, or why it has none.
pub type Figure = Result<f64, Undefined>;

/// All figures of a set of images, each as a `T`: its value ([`Figure`]) or its value with an interval
/// ([`crate::Estimate`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Figures<T> {
    /// Share of images whose predicted class is the true one, in `[0, 1]` (`accuracy_score`).
    pub accuracy: T,
    /// Unweighted mean of the classes' recalls, in `[0, 1]` (`balanced_accuracy_score`; undefined where a class has
    /// no image, which scikit-learn leaves out with a warning).
    pub balanced_accuracy: T,
    /// Cohen's kappa between true and predicted classes, at most 1, 0 at chance (`cohen_kappa_score`; Cohen 1960).
    pub cohen_kappa: T,
    /// Matthews' correlation for several classes, in `[-1, 1]` (`matthews_corrcoef`; Gorodkin 2004).
    pub matthews_corrcoef: T,
    /// Mean of -ln p of the true class, in nats, p clipped to `[ε, 1 - ε]` with f64's ε (`log_loss`).
    pub log_loss: T,
    /// Squared error of the probabilities summed over classes, mean over images, in `[0, 2]` (Brier 1950).
    pub brier: T,
    /// Mean distance between confidence and accuracy over the bins of [`crate::Reliability`], in `[0, 1]` (Naeini
    /// and others 2015; Guo and others 2017). The plug-in figure lies above the true one on average, the more so
    /// the fewer the images.
    pub expected_calibration_error: T,
    /// Unweighted means over all classes; undefined where one class's figure is.
    pub macro_mean: OneVsRest<T>,
    /// Means over classes weighted by their images, as scikit-learn's `average="weighted"`; classes without an image
    /// have no weight.
    pub weighted_mean: OneVsRest<T>,
    /// Each class against all others, in class order.
    pub classes: Vec<OneVsRest<T>>,
}

/// The figures of one class against all others, or means of them over classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneVsRest<T> {
    /// Of the images predicted as the class, the share that is, in `[0, 1]`.
    pub precision: T,
    /// Of the class's images, the share predicted as it (sensitivity), in `[0, 1]`.
    pub recall: T,
    /// Of the other classes' images, the share not predicted as it, in `[0, 1]`.
    pub specificity: T,
    /// 2 TP / (2 TP + FP + FN), in `[0, 1]`.
    pub f1: T,
    /// Area under the ROC curve of the class's probability, ties counting one half, in `[0, 1]` (`roc_auc_score`).
    pub roc_auc: T,
    /// Step-wise area under the precision-recall curve, in `[0, 1]` (`average_precision_score`).
    pub average_precision: T,
}

impl<T> OneVsRest<T> {
    fn map<U>(self, map: &mut impl FnMut(T) -> U) -> OneVsRest<U> {
        OneVsRest {
            precision: map(self.precision),
            recall: map(self.recall),
            specificity: map(self.specificity),
            f1: map(self.f1),
            roc_auc: map(self.roc_auc),
            average_precision: map(self.average_precision),
        }
    }
}

impl<T> Figures<T> {
    /// The same figures, each mapped; in the order of their names here, means before classes.
    pub fn map<U>(self, mut map: impl FnMut(T) -> U) -> Figures<U> {
        Figures {
            accuracy: map(self.accuracy),
            balanced_accuracy: map(self.balanced_accuracy),
            cohen_kappa: map(self.cohen_kappa),
            matthews_corrcoef: map(self.matthews_corrcoef),
            log_loss: map(self.log_loss),
            brier: map(self.brier),
            expected_calibration_error: map(self.expected_calibration_error),
            macro_mean: self.macro_mean.map(&mut map),
            weighted_mean: self.weighted_mean.map(&mut map),
            classes: self.classes.into_iter().map(|class| class.map(&mut map)).collect(),
        }
    }

    /// The figures in one row, in the order of [`Figures::map`].
    pub(crate) fn into_row(self) -> Vec<T> {
        let mut row = Vec::new();
        self.map(|figure| row.push(figure));
        row
    }
}

impl Figures<Figure> {
    /// The figures of a set of images, without intervals.
    pub fn of(scores: &Scores) -> Self {
        Prepared::new(scores).figures()
    }
}

/// Means of the classes' figures: unweighted, and weighted by `support`.
pub(crate) fn means(classes: &[OneVsRest<Figure>], support: &[f64]) -> [OneVsRest<Figure>; 2] {
    let ones = vec![1.0; classes.len()];
    [&ones[..], support].map(|weights| {
        let mean = |figure: fn(&OneVsRest<Figure>) -> Figure| weighted_mean(classes, weights, figure);
        OneVsRest {
            precision: mean(|class| class.precision),
            recall: mean(|class| class.recall),
            specificity: mean(|class| class.specificity),
            f1: mean(|class| class.f1),
            roc_auc: mean(|class| class.roc_auc),
            average_precision: mean(|class| class.average_precision),
        }
    })
}

fn weighted_mean(
    classes: &[OneVsRest<Figure>],
    weights: &[f64],
    figure: fn(&OneVsRest<Figure>) -> Figure,
) -> Figure {
    let (mut sum, mut total) = (0.0, 0.0);
    for (class, &weight) in classes.iter().zip(weights).filter(|(_, weight)| **weight > 0.0) {
        sum += weight * figure(class)?;
        total += weight;
    }
    if total > 0.0 { Ok(sum / total) } else { Err(Undefined::NoImages) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_undefined_where_a_class_they_need_is() {
        let class = |value: Figure| OneVsRest {
            precision: value,
            recall: value,
            specificity: value,
            f1: value,
            roc_auc: value,
            average_precision: value,
        };
        let classes = [class(Ok(1.0)), class(Err(Undefined::NoImageOf(1))), class(Ok(0.25))];
        let [macro_mean, weighted_mean] = means(&classes, &[1.0, 0.0, 2.0]);
        assert_eq!(macro_mean.recall, Err(Undefined::NoImageOf(1)));
        assert_eq!(weighted_mean.recall, Ok(0.5));
        assert_eq!(means(&classes, &[0.0; 3])[1].f1, Err(Undefined::NoImages));
    }
}
