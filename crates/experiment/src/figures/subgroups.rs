//! Figures by attributes of the images, such as view, sex and age.

use std::{
    collections::{BTreeMap, HashSet},
    str::FromStr,
};

use base::attributes::canonical;
use metrics::{Figure, independent_difference};
use serde::Deserialize;
use serde_json::Value;

use super::{TestFigures, figures_of_task};
use crate::{
    Error, PredictionTable, Result,
    json::{Json, object},
};

/// Fewest images of a value of an attribute that figures are computed of.
const FEWEST_IMAGES: usize = 20;
/// Name of the images of which an attribute is not known.
pub const MISSING: &str = "missing";
/// Largest number of values of an attribute: with more, it is a number without bins, or a name.
const MAX_VALUES: usize = 50;
/// Column of ages in years, which has bins of its own where none are given.
const AGE: &str = "age";
/// Lower bounds of the bins of ages, in years.
const AGE_BINS: [f64; 2] = [40.0, 60.0];
/// Figure that parts are compared by.
const COMPARED: &str = "macro_roc_auc";
/// Figure of a class or label that parts are compared by.
const COMPARED_LABEL: &str = "roc_auc";

/// Bins of a column of numbers: below the first bound, between two, from the last.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    /// The column.
    pub column: String,
    /// Lower bounds of all bins but the first, rising.
    pub bounds: Vec<f64>,
}

/// `COLUMN=BOUND,BOUND…`
impl FromStr for Bins {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let wrong = || format!("`{text}` is no `COLUMN=BOUND,…`, such as `age=40,60`");
        let (column, bounds) = text.split_once('=').ok_or_else(wrong)?;
        let bounds: std::result::Result<Vec<f64>, _> =
            bounds.split(',').map(|bound| bound.trim().parse()).collect();
        let bounds = bounds.map_err(|_| wrong())?;
        let rising =
            bounds.iter().all(|bound| bound.is_finite()) && bounds.windows(2).all(|pair| pair[0] < pair[1]);
        match column.trim() {
            "" => Err(wrong()),
            _ if !rising => Err(format!("the bounds of `{text}` do not rise")),
            column => Ok(Self { column: column.to_owned(), bounds }),
        }
    }
}

/// Columns by which figures are computed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubgroupSettings {
    /// Columns, upper and lower case alike.
    pub columns: Vec<String>,
    /// Bins of columns of numbers.
    pub bins: Vec<Bins>,
}

/// Figures by the values of attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct Subgroups {
    /// Figures of each value of each column.
    pub parts: Vec<Subgroup>,
    /// Values without figures.
    pub left_out: Vec<LeftOutSubgroup>,
    /// Largest gaps between two values of a column.
    pub gaps: Vec<AttributeGap>,
    /// Columns by whose values the model may rank.
    pub pooled_above: Vec<PooledAbove>,
}

/// Figures of the images with one value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Subgroup {
    /// The column.
    pub column: String,
    /// The value, or the bin; [`MISSING`] where it is not known.
    pub value: String,
    /// Number of groups, such as patients; `None` where none are known.
    pub patients: Option<usize>,
    /// Figures, with the number of images.
    pub figures: TestFigures,
}

/// Value of an attribute that no figures were computed of.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LeftOutSubgroup {
    /// The column.
    pub column: String,
    /// The value, or the bin.
    pub value: String,
    /// Number of its images.
    pub images: usize,
    /// Reason in plain words.
    pub reason: String,
}

/// Largest gap of a figure between two values of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeGap {
    /// The column.
    pub column: String,
    /// Key of the figure.
    pub key: String,
    /// Class or label that the figure is of; `None` for a figure of the whole set.
    pub label: Option<String>,
    /// Value with the highest figure, with the figure.
    pub highest: (String, f64),
    /// Value with the lowest figure, with the figure.
    pub lowest: (String, f64),
    /// The highest less the lowest, with the interval of two independent sets.
    pub difference: Figure,
}

/// Column of which every value has a lower figure than all images together, over the labels that all of them have: part of the
/// ranking may come from the attribute.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PooledAbove {
    /// The column.
    pub column: String,
    /// Macro ROC AUC of all images, over these labels.
    pub pooled: f64,
    /// Highest macro ROC AUC of a value.
    pub highest: f64,
}

impl Subgroups {
    /// Computes the figures of each value of the columns, and compares them with each other and with those of all images,
    /// `pooled`.
    ///
    /// # Errors
    /// A column that the table lacks; a column with bins and a value that is no number; a column with too many values.
    pub fn new(set: &PredictionTable, pooled: &TestFigures, settings: &SubgroupSettings) -> Result<Self> {
        let mut subgroups =
            Self { parts: Vec::new(), left_out: Vec::new(), gaps: Vec::new(), pooled_above: Vec::new() };
        let mut taken = HashSet::new();
        for column in &settings.columns {
            let column = Column::find(set, column, settings)?;
            if !taken.insert(column.name) {
                let reason = "it is named twice".to_owned();
                return Err(Error::Column { column: column.name.to_owned(), reason });
            }
            subgroups.add(set, pooled, &column)?;
        }
        Ok(subgroups)
    }

    fn add(&mut self, set: &PredictionTable, pooled: &TestFigures, column: &Column<'_>) -> Result<()> {
        let first = self.parts.len();
        for (value, images) in column.values()? {
            if let Some(reason) = reason_to_leave_out(set, &images) {
                let (column, images) = (column.name.to_owned(), images.len());
                self.left_out.push(LeftOutSubgroup { column, value, images, reason: reason.to_owned() });
                continue;
            }
            let part = set.select(&images)?;
            let patients = part.scores.groups().map(|groups| groups.iter().collect::<HashSet<_>>().len());
            let figures = TestFigures::new(&part, pooled.tested())?;
            self.parts.push(Subgroup { column: column.name.to_owned(), value, patients, figures });
        }
        let parts = &self.parts[first..];
        let shared = shared_labels(parts, pooled);
        self.gaps.extend(largest_gap(
            parts.iter().map(|part| (part, compared(&part.figures, &shared))),
            COMPARED,
            None,
        ));
        self.gaps.extend(largest_gap_of_a_label(parts));
        let values: Option<Vec<f64>> =
            parts.iter().map(|part| compared(&part.figures, &shared).value).collect();
        let highest =
            values.filter(|values| values.len() > 1).and_then(|values| values.into_iter().reduce(f64::max));
        if let Some((pooled, highest)) = compared(pooled, &shared).value.zip(highest)
            && pooled > highest
        {
            self.pooled_above.push(PooledAbove { column: column.name.to_owned(), pooled, highest });
        }
        Ok(())
    }

    /// Converts to the keys of `test.json`.
    pub(super) fn json(&self) -> Vec<(String, Json)> {
        let part = |part: &Subgroup| {
            let mut json = vec![
                ("column".to_owned(), Json::of(&part.column)),
                ("value".to_owned(), Json::of(&part.value)),
                ("images".to_owned(), Json::of(part.figures.images)),
                ("patients".to_owned(), Json::of(part.patients)),
            ];
            json.extend(part.figures.figures_to_json());
            Json::Object(json)
        };
        let left_out = |left: &LeftOutSubgroup| {
            object([
                ("column", Json::of(&left.column)),
                ("value", Json::of(&left.value)),
                ("images", Json::of(left.images)),
                ("reason", Json::of(&left.reason)),
            ])
        };
        let end = |(value, figure): &(String, f64)| {
            object([("value", Json::of(value)), ("figure", Json::of(figure))])
        };
        let gap = |gap: &AttributeGap| {
            object([
                ("column", Json::of(&gap.column)),
                ("figure", Json::of(&gap.key)),
                ("label", Json::of(&gap.label)),
                ("highest", end(&gap.highest)),
                ("lowest", end(&gap.lowest)),
                ("difference", Json::of(gap.difference.value)),
                ("interval", Json::of(gap.difference.interval)),
            ])
        };
        let above = |above: &PooledAbove| {
            object([
                ("column", Json::of(&above.column)),
                ("figure", Json::of(COMPARED)),
                ("pooled", Json::of(above.pooled)),
                ("highest", Json::of(above.highest)),
            ])
        };
        vec![
            ("subgroups".to_owned(), Json::List(self.parts.iter().map(part).collect())),
            ("left_out_subgroups".to_owned(), Json::List(self.left_out.iter().map(left_out).collect())),
            ("subgroup_gaps".to_owned(), Json::List(self.gaps.iter().map(gap).collect())),
            ("pooled_above_subgroups".to_owned(), Json::List(self.pooled_above.iter().map(above).collect())),
        ]
    }
}

/// Keys of `test.json` that are of subgroups alone.
#[derive(Deserialize)]
pub(super) struct Raw {
    subgroups: Option<Vec<Value>>,
    #[serde(default)]
    left_out_subgroups: Vec<LeftOutSubgroup>,
    #[serde(default)]
    subgroup_gaps: Vec<RawGap>,
    #[serde(default)]
    pooled_above_subgroups: Vec<PooledAbove>,
}

#[derive(Deserialize)]
struct RawSubgroup {
    column: String,
    value: String,
    images: usize,
    patients: Option<usize>,
    groups: Option<usize>,
}

#[derive(Deserialize)]
struct RawGap {
    column: String,
    figure: String,
    label: Option<String>,
    highest: RawEnd,
    lowest: RawEnd,
    difference: Option<f64>,
    interval: Option<[f64; 2]>,
}

#[derive(Deserialize)]
struct RawEnd {
    value: String,
    figure: f64,
}

impl Raw {
    /// Returns the figures by attributes of the images whose figures are `pooled`, where the file has any.
    pub(super) fn subgroups(self, pooled: &TestFigures) -> serde_json::Result<Option<Subgroups>> {
        let Some(parts) = self.subgroups else { return Ok(None) };
        let part = |json: Value| {
            let RawSubgroup { column, value, images, patients, groups } = RawSubgroup::deserialize(&json)?;
            let (of_task, figures) = figures_of_task(pooled.task(), json)?;
            let (formats, seconds) = (pooled.formats.clone(), None);
            let (source, synthetic) = (pooled.source.clone(), pooled.synthetic);
            let subgroups = None;
            let figures = TestFigures {
                source,
                formats,
                images,
                figures,
                of_task,
                groups,
                subgroups,
                synthetic,
                seconds,
            };
            Ok(Subgroup { column, value, patients, figures })
        };
        let gap = |raw: RawGap| AttributeGap {
            column: raw.column,
            key: raw.figure,
            label: raw.label,
            highest: (raw.highest.value, raw.highest.figure),
            lowest: (raw.lowest.value, raw.lowest.figure),
            difference: Figure { value: raw.difference, interval: raw.interval, missing: None },
        };
        Ok(Some(Subgroups {
            parts: parts.into_iter().map(part).collect::<serde_json::Result<_>>()?,
            left_out: self.left_out_subgroups,
            gaps: self.subgroup_gaps.into_iter().map(gap).collect(),
            pooled_above: self.pooled_above_subgroups,
        }))
    }
}

/// Column of attributes with its bins.
struct Column<'a> {
    name: &'a str,
    values: &'a [String],
    bounds: Option<&'a [f64]>,
}

impl<'a> Column<'a> {
    fn find(set: &'a PredictionTable, column: &str, settings: &'a SubgroupSettings) -> Result<Self> {
        // Age, sex and view have one name, however a file calls them.
        let known = canonical(column.trim());
        let same = |name: &str| name.to_lowercase() == column.trim().to_lowercase() || known == Some(name);
        let Some(attribute) = set.attributes().iter().find(|attribute| same(&attribute.name)) else {
            let columns = set.attributes().iter().map(|attribute| attribute.name.clone()).collect();
            return Err(Error::NoColumn { column: column.trim().to_owned(), columns });
        };
        let given = settings.bins.iter().find(|bins| same(&bins.column)).map(|bins| bins.bounds.as_slice());
        let bounds = given.or_else(|| same(AGE).then_some(&AGE_BINS[..]));
        Ok(Self { name: &attribute.name, values: &attribute.values, bounds })
    }

    /// Images of each value, in rising order; those without a value come last.
    fn values(&self) -> Result<Vec<(String, Vec<usize>)>> {
        let refused = |reason| Error::Column { column: self.name.to_owned(), reason };
        let is_age = self.name == AGE;
        // Bins go by their number, other values by their text, missing ones come last.
        let mut parts: BTreeMap<(bool, usize, &str), Vec<usize>> = BTreeMap::new();
        for (image, value) in self.values.iter().enumerate() {
            let key = match (value.is_empty(), self.bounds) {
                (true, _) => (true, 0, ""),
                (false, None) => (false, 0, value.as_str()),
                (false, Some(bounds)) => {
                    let number = value
                        .parse()
                        .ok()
                        .filter(|number: &f64| number.is_finite() && (!is_age || *number >= 0.0));
                    let kind = if is_age { "age in years" } else { "number" };
                    let number = number.ok_or_else(|| refused(format!("`{value}` is no {kind}")))?;
                    (false, bounds.partition_point(|bound| *bound <= number), "")
                }
            };
            parts.entry(key).or_default().push(image);
        }
        if parts.len() > MAX_VALUES {
            let n = parts.len();
            return Err(refused(format!(
                "it has {n} different values, and at most {MAX_VALUES} are compared"
            )));
        }
        let name = |(missing, bin, text): (bool, usize, &str)| match (missing, self.bounds) {
            (true, _) => MISSING.to_owned(),
            (false, None) => text.to_owned(),
            (false, Some(bounds)) => name_of_bin(bounds, bin),
        };
        Ok(parts.into_iter().map(|(key, images)| (name(key), images)).collect())
    }
}

/// Name of a bin, such as `<40`, `40-60` (60 excluded) and `>=60`; of whole numbers `40-59`.
fn name_of_bin(bounds: &[f64], bin: usize) -> String {
    match (bin.checked_sub(1).and_then(|at| bounds.get(at)), bounds.get(bin)) {
        (None, Some(high)) => format!("<{high}"),
        (Some(low), None) => format!(">={low}"),
        (Some(low), Some(high)) if low.fract() == 0.0 && high.fract() == 0.0 => {
            format!("{low}-{}", high - 1.0)
        }
        (Some(low), Some(high)) => format!("{low} to <{high}"),
        (None, None) => "all".to_owned(),
    }
}

/// Returns the reason why figures of these images would say nothing, if there is one.
fn reason_to_leave_out(set: &PredictionTable, images: &[usize]) -> Option<&'static str> {
    if images.len() < FEWEST_IMAGES {
        return Some("fewer than 20 images");
    }
    let targets = set.scores.targets();
    let has =
        |label: usize, truth: bool| images.iter().any(|&image| targets.value(image, label) == Some(truth));
    let both = (0..targets.labels().len()).any(|label| has(label, true) && has(label, false));
    (!both).then_some("images of one class alone")
}

/// Tells of each class or label if every part, and all images together, have an ROC AUC of it: means over other labels cannot be
/// compared.
fn shared_labels(parts: &[Subgroup], pooled: &TestFigures) -> Vec<bool> {
    let all = || parts.iter().map(|part| &part.figures).chain([pooled]);
    let tables: Vec<Vec<Figure>> = all().map(by_label).collect();
    let n_labels = tables.first().map_or(0, Vec::len);
    (0..n_labels).map(|at| tables.iter().all(|table| table[at].value.is_some())).collect()
}

fn by_label(figures: &TestFigures) -> Vec<Figure> {
    figures.by_label(COMPARED_LABEL).into_iter().map(|(_, figure)| figure).collect()
}

/// Returns the macro ROC AUC over the labels that all parts share. It has an interval where that is every label with a value.
fn compared(figures: &TestFigures, shared: &[bool]) -> Figure {
    let own = by_label(figures);
    if own.iter().zip(shared).all(|(figure, shared)| figure.value.is_some() == *shared) {
        return figures.figure(COMPARED);
    }
    let values: Vec<f64> = own
        .iter()
        .zip(shared)
        .filter(|(_, shared)| **shared)
        .filter_map(|(figure, _)| figure.value)
        .collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    Figure { value: (!values.is_empty()).then_some(mean), interval: None, missing: None }
}

/// Finds the values of a column with the highest and the lowest figure.
fn largest_gap<'a>(
    parts: impl Iterator<Item = (&'a Subgroup, Figure)>,
    key: &str,
    label: Option<&str>,
) -> Option<AttributeGap> {
    let figures: Vec<_> =
        parts.filter_map(|(part, figure)| figure.value.map(|value| (part, figure, value))).collect();
    let highest = figures.iter().max_by(|a, b| a.2.total_cmp(&b.2))?;
    let lowest = figures.iter().min_by(|a, b| a.2.total_cmp(&b.2))?;
    if figures.len() < 2 {
        return None;
    }
    let interval = lowest.1.interval.zip(highest.1.interval).map(|(low, high)| {
        let interval = independent_difference((highest.2, high), (lowest.2, low));
        [interval.low, interval.high]
    });
    Some(AttributeGap {
        column: highest.0.column.clone(),
        key: key.to_owned(),
        label: label.map(str::to_owned),
        highest: (highest.0.value.clone(), highest.2),
        lowest: (lowest.0.value.clone(), lowest.2),
        difference: Figure { value: Some(highest.2 - lowest.2), interval, missing: None },
    })
}

/// Finds the class or label whose figure differs most between two values of a column. Those with few images are left out.
fn largest_gap_of_a_label(parts: &[Subgroup]) -> Option<AttributeGap> {
    let labels = parts.first()?.figures.by_label(COMPARED_LABEL);
    let gaps = labels.iter().enumerate().filter_map(|(at, (label, _))| {
        let of_label = parts.iter().filter(|part| !part.figures.few()[at]).map(|part| {
            let figure = part.figures.by_label(COMPARED_LABEL).swap_remove(at).1;
            (part, figure)
        });
        largest_gap(of_label, COMPARED_LABEL, Some(label))
    });
    let size = |gap: &AttributeGap| gap.highest.1 - gap.lowest.1;
    gaps.max_by(|a, b| size(a).total_cmp(&size(b)))
}

#[cfg(test)]
mod tests;
