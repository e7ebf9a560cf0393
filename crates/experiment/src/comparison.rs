use std::collections::{BTreeMap, HashMap, VecDeque};

use metrics::{Comparison, FIGURES, FigureSpec, FigureTable, Figures, Scores, Value};
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
    /// Images that both got right.
    pub both_right: u64,
    /// Images that the first alone got right.
    pub only_first_right: u64,
    /// Images that the second alone got right.
    pub only_second_right: u64,
    /// Images that neither got right.
    pub both_wrong: u64,
    /// Two-sided p of McNemar's exact test, which takes images for independent.
    pub mcnemar_p: f64,
    /// Figures of both, in the order of [`FIGURES`].
    pub figures: Vec<ComparedFigure>,
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
            both_right: compared.both_right,
            only_first_right: compared.only_first_right,
            only_second_right: compared.only_second_right,
            both_wrong: compared.both_wrong,
            mcnemar_p: compared.mcnemar_p,
            figures: shown.map(figure).collect(),
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

impl Serialize for ModelComparison {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut json = vec![
            ("images", Json::of(self.images)),
            ("groups", Json::of(self.groups)),
            ("both_right", Json::of(self.both_right)),
            ("only_first_right", Json::of(self.only_first_right)),
            ("only_second_right", Json::of(self.only_second_right)),
            ("both_wrong", Json::of(self.both_wrong)),
            ("mcnemar_p", Json::of(self.mcnemar_p)),
        ];
        json.extend(self.figures.iter().map(|figure| {
            let fields = [
                ("first", Json::of(figure.first)),
                ("second", Json::of(figure.second)),
                ("difference", Json::of(figure.row.difference.value)),
                ("interval", Json::of(figure.row.difference.interval)),
            ];
            (figure.row.key, object(fields))
        }));
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
    let mut places: HashMap<_, VecDeque<usize>> = HashMap::new();
    for (index, (image, (label, _))) in second.images.iter().zip(second.scores.rows()).enumerate() {
        places.entry((&image.path, of_second[label].as_str())).or_default().push_back(index);
    }
    let (mut order, mut lacking) = (Vec::new(), Vec::new());
    for (image, (label, _)) in first.images.iter().zip(first.scores.rows()) {
        let key = (&image.path, of_first[label].as_str());
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
        let labels = second.scores.classes();
        let relabelled = lacking.iter().find_map(|&(path, class)| Some((path, class, *paths.get(path)?)));
        if let Some((path, class, index)) = relabelled {
            let classes = [class.to_owned(), of_second[labels[index]].clone()];
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
    let rows: Vec<&[f64]> = second.scores.rows().map(|(_, row)| row).collect();
    let values = order.iter().flat_map(|&index| columns.iter().map(move |&column| (index, column)));
    let values = values.map(|(index, column)| rows[index][column]).collect();
    let images: Vec<PredictedImage> = order.iter().map(|&index| second.images[index].clone()).collect();
    PredictionTable::new(images, Scores::new(first.scores.targets().clone(), values)?)
}

#[cfg(test)]
mod tests;
