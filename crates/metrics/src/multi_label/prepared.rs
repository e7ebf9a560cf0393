//! A set of images worked out so far that a resample has only to count.

use super::{
    cells::{LabelCells, cell},
    figures::{LABEL_FIGURES, LabelFormula, MULTI_LABEL_FIGURES, MultiLabelFormula, label_figure, micro_f1},
};
use crate::{
    Scores, Undefined, Value,
    ranking::Ranking,
    reliability::{RELIABILITY_BINS, bin},
};

/// Place of an image whose label is unknown, after those of [`LabelCells`].
const UNKNOWN: u8 = 4;

/// Parts that each image adds to the figures of one label.
pub(super) struct PreparedLabel {
    /// Index of the label.
    label: usize,
    /// Each image's place in [`LabelCells`], `[N]`.
    cells: Vec<u8>,
    /// Each image's loss, `[N]`, for each mean loss of [`LABEL_FIGURES`] in their order; 0 where unknown.
    losses: Vec<Vec<f64>>,
    /// Each image's bin of probability, `[N]`.
    bins: Vec<u8>,
    /// Each image's calibration gap, `[N]`: 1 if positive, else 0, less the probability; 0 where unknown.
    gaps: Vec<f64>,
    /// Ranking of the images in which the label is known.
    ranking: Ranking,
}

/// Sums over a label's images, each counted some times.
pub(super) struct LabelSums {
    pub(super) cells: LabelCells,
    losses: Vec<f64>,
    pub(super) gaps: [f64; RELIABILITY_BINS],
    areas: [Value; 2],
}

impl PreparedLabel {
    fn new(scores: &Scores, label: usize, threshold: f64) -> Self {
        let known =
            || (0..scores.len()).map(|image| scores.targets().value(image, label)).zip(scores.column(label));
        let losses = LABEL_FIGURES.iter().filter_map(|spec| match spec.formula {
            LabelFormula::MeanLoss { loss, .. } => {
                Some(known().map(|(truth, p)| truth.map_or(0.0, |truth| loss(truth, p))).collect())
            }
            _ => None,
        });
        let place = |(truth, p): (Option<bool>, f64)| {
            truth.map_or(UNKNOWN, |truth| cell(truth, p >= threshold) as u8)
        };
        Self {
            label,
            cells: known().map(place).collect(),
            losses: losses.collect(),
            bins: known().map(|(_, p)| bin(p) as u8).collect(),
            gaps: known().map(|(truth, p)| truth.map_or(0.0, |truth| f64::from(truth) - p)).collect(),
            ranking: Ranking::new(scores, label),
        }
    }

    /// Sums over the images, each counted `counts[image]` times.
    fn sums(&self, counts: &[u32]) -> LabelSums {
        let mut cells = [0.0; 5];
        let mut gaps = [0.0; RELIABILITY_BINS];
        for (image, &count) in counts.iter().enumerate() {
            let count = f64::from(count);
            cells[usize::from(self.cells[image])] += count;
            gaps[usize::from(self.bins[image])] += count * self.gaps[image];
        }
        let loss = |losses: &Vec<f64>| {
            losses.iter().zip(counts).map(|(loss, &count)| f64::from(count) * loss).sum::<f64>()
        };
        let [tn, fp, r#fn, tp, _] = cells;
        LabelSums {
            cells: LabelCells([tn, fp, r#fn, tp]),
            losses: self.losses.iter().map(loss).collect(),
            gaps,
            areas: self.ranking.areas(counts),
        }
    }

    /// Tells by an image's place if it is known, and if a factor counts it.
    pub(super) fn counts(&self, image: usize, factors: &[f64; 4]) -> bool {
        factors.get(usize::from(self.cells[image])).is_some_and(|factor| *factor > 0.0)
    }

    /// Computes the influence of each image on the label's figure number `figure`, `[N]`; 0 where the figure has no value.
    pub(super) fn influences(&self, sums: &LabelSums, figure: usize) -> Vec<f64> {
        let images = self.cells.len();
        let Ok(value) = sums.figure(self.label, figure) else { return vec![0.0; images] };
        let known = sums.cells.known();
        let of_known = |of: &dyn Fn(usize) -> f64| -> Vec<f64> {
            let one = |(image, cell): (usize, &u8)| if *cell == UNKNOWN { 0.0 } else { of(image) };
            self.cells.iter().enumerate().map(one).collect()
        };
        match LABEL_FIGURES[figure].formula {
            LabelFormula::Share(ratio) | LabelFormula::Counted(ratio) => {
                of_known(&|image| ratio.influence(&sums.cells, value, usize::from(self.cells[image])))
            }
            LabelFormula::MeanLoss { .. } => {
                let losses = &self.losses[loss_place(figure)];
                of_known(&|image| (losses[image] - value) / known)
            }
            LabelFormula::CalibrationError => of_known(&|image| {
                (sums.gaps[usize::from(self.bins[image])].signum() * self.gaps[image] - value) / known
            }),
            LabelFormula::RocAuc | LabelFormula::AveragePrecision => {
                let [Ok(auc), Ok(average_precision)] = sums.areas else { return vec![0.0; images] };
                let [of_auc, of_precision] = self.ranking.influences(images, auc, average_precision);
                if matches!(LABEL_FIGURES[figure].formula, LabelFormula::RocAuc) {
                    of_auc
                } else {
                    of_precision
                }
            }
        }
    }

    /// Adds the influence of each image on the summed losses of a figure that is a mean loss.
    pub(super) fn add_losses(&self, figure: usize, into: &mut [f64]) {
        into.iter_mut().zip(&self.losses[loss_place(figure)]).for_each(|(sum, loss)| *sum += loss);
    }

    /// Place of an image in [`LabelCells`]; `None` where the label is unknown.
    pub(super) fn cell(&self, image: usize) -> Option<usize> {
        Some(self.cells[image]).filter(|cell| *cell != UNKNOWN).map(usize::from)
    }
}

/// Place of a mean loss among those of [`LABEL_FIGURES`].
fn loss_place(figure: usize) -> usize {
    let is_loss = |spec: &&super::LabelFigureSpec| matches!(spec.formula, LabelFormula::MeanLoss { .. });
    LABEL_FIGURES[..figure].iter().filter(is_loss).count()
}

impl LabelSums {
    /// Computes figure number `figure` of [`LABEL_FIGURES`] of a label.
    pub(super) fn figure(&self, label: usize, figure: usize) -> Value {
        let known = self.cells.known();
        let mean = |sum: f64| if known > 0.0 { Ok(sum / known) } else { Err(Undefined::NeverKnown(label)) };
        match LABEL_FIGURES[figure].formula {
            LabelFormula::RocAuc => self.areas[0],
            LabelFormula::AveragePrecision => self.areas[1],
            LabelFormula::Share(ratio) | LabelFormula::Counted(ratio) => {
                self.cells.ratio(ratio, Undefined::NeverKnown(label), (ratio.reason)(label))
            }
            LabelFormula::MeanLoss { .. } => mean(self.losses[loss_place(figure)]),
            LabelFormula::CalibrationError => mean(self.gaps.iter().map(|gap| gap.abs()).sum()),
        }
    }
}

/// Parts that each image adds to the figures of every label and to those over all labels.
pub(super) struct PreparedFindings {
    pub(super) labels: Vec<PreparedLabel>,
    pub(super) all_labels: Ranking,
    images: usize,
}

/// Sums of every label, and areas over all labels.
pub(super) struct FindingsSums {
    pub(super) labels: Vec<LabelSums>,
    pub(super) areas: [Value; 2],
}

impl PreparedFindings {
    /// Works out a set with the threshold of each label.
    pub(super) fn new(scores: &Scores, thresholds: &[f64]) -> Self {
        let labels = thresholds.iter().enumerate();
        Self {
            labels: labels.map(|(label, &threshold)| PreparedLabel::new(scores, label, threshold)).collect(),
            all_labels: Ranking::of_all_labels(scores),
            images: scores.len(),
        }
    }

    /// Sums over the images, each counted once.
    pub(super) fn sums(&self) -> FindingsSums {
        self.sums_of(&vec![1; self.images])
    }

    fn sums_of(&self, counts: &[u32]) -> FindingsSums {
        FindingsSums {
            labels: self.labels.iter().map(|label| label.sums(counts)).collect(),
            areas: self.all_labels.areas(counts),
        }
    }

    /// Returns all figures of the images, each counted `counts[image]` times, NaN where undefined: those over all labels, those
    /// of each label, and for each label how far its bins' calibration gaps lie from those of `whole`, as shares of its known
    /// images, summed.
    pub(super) fn row_of(&self, counts: &[u32], whole: &FindingsSums) -> Vec<f64> {
        let sums = self.sums_of(counts);
        let mut row = sums.figures();
        row.extend(sums.labels.iter().zip(&whole.labels).map(|(sums, whole)| {
            let (own, all) = (sums.cells.known(), whole.cells.known());
            sums.gaps.iter().zip(&whole.gaps).map(|(gap, whole)| (gap / own - whole / all).abs()).sum::<f64>()
        }));
        row
    }
}

impl FindingsSums {
    /// Computes a figure over all labels.
    pub(super) fn over_labels(&self, formula: MultiLabelFormula) -> Value {
        match formula {
            MultiLabelFormula::Macro(of) => self.macro_mean(of),
            MultiLabelFormula::MicroRocAuc => self.areas[0],
            MultiLabelFormula::MicroAveragePrecision => self.areas[1],
            MultiLabelFormula::MicroF1 => micro_f1(&self.all_cells()),
            MultiLabelFormula::MicroLogLoss => {
                let figure = label_figure("log_loss").ok_or(Undefined::NoLabel)?;
                let known = self.all_cells().known();
                let sum: f64 = self.labels.iter().map(|label| label.losses[loss_place(figure)]).sum();
                if known > 0.0 { Ok(sum / known) } else { Err(Undefined::NothingKnown) }
            }
        }
    }

    /// Counts of all labels' images at their thresholds, summed.
    pub(super) fn all_cells(&self) -> LabelCells {
        let mut all = LabelCells::default();
        for label in &self.labels {
            all.0.iter_mut().zip(label.cells.0).for_each(|(sum, weight)| *sum += weight);
        }
        all
    }

    /// Labels for which a figure has a value, by index.
    pub(super) fn labels_with(&self, key: &str) -> Vec<usize> {
        let Some(figure) = label_figure(key) else { return Vec::new() };
        let labels = self.labels.iter().enumerate();
        labels.filter(|(label, sums)| sums.figure(*label, figure).is_ok()).map(|(label, _)| label).collect()
    }

    fn macro_mean(&self, key: &str) -> Value {
        let figure = label_figure(key).ok_or(Undefined::NoLabel)?;
        let labels = self.labels.iter().enumerate();
        let values: Vec<f64> = labels.filter_map(|(label, sums)| sums.figure(label, figure).ok()).collect();
        if values.is_empty() {
            Err(Undefined::NoLabel)
        } else {
            Ok(values.iter().sum::<f64>() / values.len() as f64)
        }
    }

    /// All figures in a row, NaN where undefined: those over all labels, then each label's.
    fn figures(&self) -> Vec<f64> {
        let over_labels = MULTI_LABEL_FIGURES.iter().map(|spec| self.over_labels(spec.formula));
        let labels =
            self.labels.iter().enumerate().flat_map(|(label, sums)| {
                (0..LABEL_FIGURES.len()).map(move |figure| sums.figure(label, figure))
            });
        over_labels.chain(labels).map(|value| value.unwrap_or(f64::NAN)).collect()
    }
}
