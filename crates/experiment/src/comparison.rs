use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use metrics::{
    Comparison, DEFAULT_THRESHOLD, DelongTest, FIGURES, Figure, FigureRow, FigureSpec, FigureTable, Figures,
    MultiLabelEvaluation, Resampling, Scores, Task, Value, findings_differences, holm, roc_auc, set_figures,
};
use serde::{Serialize, Serializer};

use crate::{
    Error, FigureDifference, Mismatch, PredictedImage, PredictionTable, Result,
    json::{Json, object},
    predictions::RESAMPLING,
};

/// Two models on the same images, as `thorax compare --json` and `test --against` print them. Keys are only ever added.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelComparison {
    /// Number of images.
    pub images: usize,
    /// Groups, such as patients, that were drawn whole for the intervals; `None` where images were drawn one by one.
    pub groups: Option<usize>,
    /// Images that each got right; `None` of findings.
    pub right: Option<RightCounts>,
    /// Figures of both, in the order of [`set_figures`].
    pub figures: Vec<ComparedFigure>,
    /// ROC AUC of each label; none of classes.
    pub labels: Vec<ComparedLabel>,
}

/// Images by which of two models got them right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RightCounts {
    /// Images that both got right.
    pub both: u64,
    /// Images that the first alone got right.
    pub only_first: u64,
    /// Images that the second alone got right.
    pub only_second: u64,
    /// Images that neither got right.
    pub neither: u64,
    /// Two-sided p of McNemar's exact test, which takes images for independent.
    pub mcnemar_p: f64,
}

/// ROC AUC of one label of two models, with DeLong's paired test, which takes images for independent.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedLabel {
    /// The label.
    pub label: String,
    /// ROC AUC of the first model.
    pub first: Option<f64>,
    /// ROC AUC of the second model.
    pub second: Option<f64>,
    /// Difference, the first minus the second, with its 95 % interval by DeLong's standard error; without a value it says why.
    pub difference: Figure,
    /// Two-sided p of no difference.
    pub p: Option<f64>,
    /// The same, corrected by Holm's method for the number of labels.
    pub p_holm: Option<f64>,
}

/// Figure of two models, with the difference.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedFigure {
    /// Value of the first model.
    pub first: Option<f64>,
    /// Value of the second model.
    pub second: Option<f64>,
    /// Difference, the first minus the second, with the interval of a paired bootstrap.
    pub row: FigureDifference,
}

impl ModelComparison {
    /// Compares two models by their predictions, under the names that errors give them. Images are matched by path and true
    /// class and classes by name, regardless of order; groups are the first's, or the second's if only that has some.
    ///
    /// # Errors
    /// Other classes, other images or other true classes; no image at all.
    pub fn new(first: (&str, &PredictionTable), second: (&str, &PredictionTable)) -> Result<Self> {
        let matched = in_order_of(first, second)?;
        let (first, second) = (first.1, &matched);
        if first.images.is_empty() {
            return Err(Error::Predictions("a comparison needs at least one image".to_owned()));
        }
        if first.scores.task() == Task::MultiLabel {
            return Self::of_findings(first, second);
        }
        let compared = Comparison::new(&first.scores, &second.scores, &RESAMPLING)?;
        let (of_first, of_second) = (Figures::of(&first.scores)?, Figures::of(&second.scores)?);
        let value = |figures: &Figures<Value>, key| figures.get(key).and_then(|value| value.ok());
        let shown = FIGURES.iter().filter(|spec| spec.tables.contains(&FigureTable::Comparison));
        let figure = |spec: &FigureSpec| {
            let difference =
                compared.differences.get(spec.key).map(|estimate| estimate.named(first.labels()));
            ComparedFigure {
                first: value(&of_first, spec.key),
                second: value(&of_second, spec.key),
                row: FigureDifference {
                    key: spec.key,
                    title: spec.title,
                    difference: difference.unwrap_or_default(),
                },
            }
        };
        Ok(Self {
            images: first.images.len(),
            groups: compared.groups,
            right: Some(RightCounts {
                both: compared.both_right,
                only_first: compared.only_first_right,
                only_second: compared.only_second_right,
                neither: compared.both_wrong,
                mcnemar_p: compared.mcnemar_p,
            }),
            figures: shown.map(figure).collect(),
            labels: Vec::new(),
        })
    }

    fn of_findings(first: &PredictionTable, second: &PredictionTable) -> Result<Self> {
        let differences = findings_differences(&first.scores, &second.scores, &RESAMPLING)?;
        let [of_first, of_second] = [first, second].map(|set| -> Result<Vec<Option<f64>>> {
            let none = Resampling { resamples: 0, ..RESAMPLING };
            let thresholds = vec![DEFAULT_THRESHOLD; set.labels().len()];
            let evaluation = MultiLabelEvaluation::new(&set.scores, &thresholds, &none)?;
            Ok(evaluation.figures.iter().map(|figure| figure.value.ok()).collect())
        });
        let (of_first, of_second) = (of_first?, of_second?);
        let rows = set_figures(Task::MultiLabel).into_iter().enumerate();
        let shown = rows.filter(|(_, row)| row.tables.contains(&FigureTable::Comparison));
        let figure = |(at, row): (usize, FigureRow)| ComparedFigure {
            first: of_first[at],
            second: of_second[at],
            row: FigureDifference {
                key: row.key,
                title: row.title,
                difference: differences[at].named(first.labels()),
            },
        };
        let mut labels: Vec<ComparedLabel> = (0..first.labels().len())
            .map(|label| ComparedLabel::new(first, second, label))
            .collect::<Result<_>>()?;
        let corrected = holm(&labels.iter().map(|label| label.p).collect::<Vec<_>>());
        labels.iter_mut().zip(corrected).for_each(|(label, p)| label.p_holm = p);
        let groups = first.scores.groups().or(second.scores.groups());
        Ok(Self {
            images: first.images.len(),
            groups: groups.map(|groups| groups.iter().collect::<HashSet<_>>().len()),
            right: None,
            figures: shown.map(figure).collect(),
            labels,
        })
    }

    /// Differences and intervals without a value, each with the reason.
    pub fn undefined(&self) -> BTreeMap<String, String> {
        let reason = |figure: &ComparedFigure| {
            let FigureDifference { key, difference, .. } = &figure.row;
            let of = if difference.value.is_some() { "interval of " } else { "" };
            Some((format!("{of}{key}"), difference.missing.clone()?))
        };
        self.figures.iter().filter_map(reason).collect()
    }
}

impl ComparedLabel {
    fn new(first: &PredictionTable, second: &PredictionTable, label: usize) -> Result<Self> {
        let name = first.labels()[label].clone();
        let [of_first, of_second] = [first, second].map(|set| roc_auc(&set.scores, label).ok());
        let (difference, p) = match DelongTest::new(&first.scores, &second.scores, label)? {
            Ok(test) => {
                let (value, interval) = (Some(test.difference), Some(test.interval()));
                (Figure { value, interval, missing: None }, Some(test.p))
            }
            Err(why) => {
                let missing = Some(why.named(first.labels()).to_string());
                (Figure { value: None, interval: None, missing }, None)
            }
        };
        Ok(Self { label: name, first: of_first, second: of_second, difference, p, p_holm: None })
    }

    fn json(&self) -> Json {
        object([
            ("label", Json::of(&self.label)),
            ("first", Json::of(self.first)),
            ("second", Json::of(self.second)),
            ("difference", Json::of(self.difference.value)),
            ("interval", Json::of(self.difference.interval)),
            ("p", Json::of(self.p)),
            ("p_holm", Json::of(self.p_holm)),
            ("undefined", Json::of(&self.difference.missing)),
        ])
    }
}

impl Serialize for ModelComparison {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut json = vec![("images", Json::of(self.images)), ("groups", Json::of(self.groups))];
        if let Some(right) = self.right {
            json.extend([
                ("both_right", Json::of(right.both)),
                ("only_first_right", Json::of(right.only_first)),
                ("only_second_right", Json::of(right.only_second)),
                ("both_wrong", Json::of(right.neither)),
                ("mcnemar_p", Json::of(right.mcnemar_p)),
            ]);
        }
        json.extend(self.figures.iter().map(|figure| {
            let fields = [
                ("first", Json::of(figure.first)),
                ("second", Json::of(figure.second)),
                ("difference", Json::of(figure.row.difference.value)),
                ("interval", Json::of(figure.row.difference.interval)),
            ];
            (figure.row.key, object(fields))
        }));
        if !self.labels.is_empty() {
            json.push(("labels", Json::List(self.labels.iter().map(ComparedLabel::json).collect())));
        }
        json.push(("undefined", Json::of(self.undefined())));
        object(json).serialize(serializer)
    }
}

/// Reorders the second's predictions to the first's order of images and classes.
fn in_order_of(first: (&str, &PredictionTable), second: (&str, &PredictionTable)) -> Result<PredictionTable> {
    let names = [first.0, second.0].map(str::to_owned);
    let (first, second) = (first.1, second.1);
    let [of_first, of_second] = [first, second].map(PredictionTable::labels);
    let place = |class: &String| of_second.iter().position(|other| other == class);
    let columns: Option<Vec<usize>> = of_first.iter().map(place).collect();
    let Some(columns) = columns.filter(|columns| columns.len() == of_second.len()) else {
        return Err(
            Mismatch::Classes { names, classes: [of_first, of_second].map(<[String]>::to_vec) }.into()
        );
    };
    if first.scores.task() != second.scores.task() {
        let tasks = [first.scores.task(), second.scores.task()];
        return Err(Mismatch::Task { names, tasks }.into());
    }
    // An image with findings has no class: it goes by its path alone.
    fn class(set: &PredictionTable, index: usize) -> &str {
        set.scores.classes().get(index).map_or("", |&class| set.labels()[class].as_str())
    }
    let mut places: HashMap<_, VecDeque<usize>> = HashMap::new();
    for (index, image) in second.images.iter().enumerate() {
        places.entry((&image.path, class(second, index))).or_default().push_back(index);
    }
    let (mut order, mut lacking) = (Vec::new(), Vec::new());
    for (index, image) in first.images.iter().enumerate() {
        let key = (&image.path, class(first, index));
        // An image that a set holds twice is matched once each.
        match places.get_mut(&key).and_then(VecDeque::pop_front) {
            Some(index) => order.push(index),
            None => lacking.push(key),
        }
    }
    let mut over: Vec<usize> = places.values().flatten().copied().collect();
    over.sort_unstable();
    if !lacking.is_empty() || !over.is_empty() {
        // The same images may have other classes: then the error names that.
        let paths: HashMap<_, usize> =
            over.iter().map(|&index| (&second.images[index].path, index)).collect();
        let relabelled = lacking.iter().find_map(|&(path, class)| Some((path, class, *paths.get(path)?)));
        if let Some((path, own, index)) = relabelled {
            let classes = [own.to_owned(), class(second, index).to_owned()];
            return Err(Mismatch::Label { names, image: path.clone(), classes }.into());
        }
        return Err(Mismatch::Images {
            names,
            images: [first.images.len(), second.images.len()],
            lacking: [lacking.len(), over.len()],
            examples: [
                lacking.first().map(|(path, _)| (*path).clone()),
                over.first().map(|&index| second.images[index].path.clone()),
            ],
        }
        .into());
    }
    check_findings(&names, first, second, &order, &columns)?;
    let values = order.iter().flat_map(|&index| columns.iter().map(move |&column| (index, column)));
    let values = values.map(|(index, column)| second.scores.row(index)[column]).collect();
    let images: Vec<PredictedImage> = order.iter().map(|&index| second.images[index].clone()).collect();
    PredictionTable::new(images, Scores::new(first.scores.targets().clone(), values)?)
}

/// Refuses findings of which one set says something else than the other.
fn check_findings(
    names: &[String; 2],
    first: &PredictionTable,
    second: &PredictionTable,
    order: &[usize],
    columns: &[usize],
) -> Result<()> {
    for (image, &index) in order.iter().enumerate() {
        for (label, &column) in columns.iter().enumerate() {
            if first.scores.targets().value(image, label) != second.scores.targets().value(index, column) {
                return Err(Mismatch::Finding {
                    names: names.clone(),
                    image: first.images[image].path.clone(),
                    label: first.labels()[label].clone(),
                }
                .into());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
