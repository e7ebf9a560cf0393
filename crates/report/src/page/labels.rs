//! Sections of a run of several findings an image.

use std::collections::BTreeMap;

use experiment::{FindingCounts, LabelFigures, MultiLabelFigures};
use maud::{Markup, html};
use metrics::{FEW_IMAGES, Figure, FigureTable, LABEL_FIGURES, LabelCalibration, Scores};

use super::{Plots, figures, plot};
use crate::{Report, Test, number, plots::Panels, report::TestedModels};

/// Largest number of labels whose co-occurrence is shown.
const CO_OCCURRING: usize = 20;
/// Figures of a label in its table, before and after the threshold.
const RANKING: [&str; 2] = ["roc_auc", "average_precision"];
const AT_THRESHOLD: [&str; 4] = ["sensitivity", "specificity", "f1", "brier"];

/// Summarises the result in a sentence.
pub(super) fn verdict(model: &str, test: &Test, labels: &MultiLabelFigures) -> String {
    let saved = &test.saved;
    let figure = saved.figure("macro_roc_auc");
    let images = number::count(saved.images, test.image_noun());
    let Some(value) = figure.value else {
        let why = figure.missing.unwrap_or_default();
        return format!("The {model} has no macro ROC AUC on {images}: {why}.");
    };
    let interval =
        figure.interval.map_or(String::new(), |ends| format!(", 95 % interval {}", number::interval(ends)));
    format!(
        "The {model} has a macro ROC AUC of {}{interval}: the mean over {} of {}, on {images}.",
        number::figure(Some(value)),
        number::whole(labels.labels_with_roc_auc as u64),
        number::count(labels.labels.len(), "label"),
    )
}

/// Column of the table of counts, and its number in a label's counts.
type CountColumn = (&'static str, fn(&FindingCounts) -> usize);
const POSITIVE: CountColumn = ("positive", |of| of.positive);
const NEGATIVE: CountColumn = ("negative", |of| of.negative);
const UNCERTAIN: CountColumn = ("uncertain", |of| of.uncertain);
const UNKNOWN: CountColumn = ("unknown", |of| of.unknown);

/// Renders the images of each label by what the label file says, for each set, and their co-occurrence in the test.
pub(super) fn data(report: &Report) -> Markup {
    let sets: Vec<(&str, &[FindingCounts])> = report.findings().collect();
    let count = |n: usize| number::whole(n as u64);
    let occurs =
        |(_, number_of): &CountColumn| sets.iter().any(|(_, of)| of.iter().any(|of| number_of(of) > 0));
    let [uncertain, unknown] = [UNCERTAIN, UNKNOWN].map(|column| occurs(&column));
    let all = [(POSITIVE, true), (NEGATIVE, true), (UNCERTAIN, uncertain), (UNKNOWN, unknown)];
    let columns: Vec<CountColumn> =
        all.into_iter().filter_map(|(column, is_shown)| is_shown.then_some(column)).collect();
    html! {
        div.wide {
            table {
                caption {
                    "Images per label. "
                    @if unknown { "Unknown ones count in no loss and no figure. " }
                    @if uncertain {
                        "Uncertain ones are those of which the author of the label file was not certain; the rule of the run makes each \
                         positive, negative or unknown, so that they count there too. "
                    }
                    @if !uncertain && !unknown { "Every label is known in every image. " }
                    "The training loss of a label’s positive images is multiplied by its weight."
                }
                thead {
                    tr {
                        th scope="col" rowspan="2" { "label" }
                        @for (name, _) in &sets { th scope="col" colspan=(columns.len()) { (name) } }
                        th scope="col" rowspan="2" { "weight" }
                    }
                    tr { @for _ in &sets { @for (word, _) in &columns { th scope="col" { (word) } } } }
                }
                tbody {
                    @for (at, label) in report.record.classes.iter().enumerate() {
                        tr {
                            th scope="row" { (label) }
                            @for (_, counts) in &sets {
                                @match counts.get(at) {
                                    Some(of) => @for (_, number_of) in &columns { td { (count(number_of(of))) } },
                                    None => @for _ in &columns { td { (number::DASH) } },
                                }
                            }
                            td { (report.record.class_weights.get(at).map_or(number::DASH.to_owned(), |weight| format!("{weight:.4}"))) }
                        }
                    }
                    tr.together {
                        th scope="row" { "images in all" }
                        @for (name, _) in &sets { td colspan=(columns.len()) { (count(report.images(name))) } }
                        td {}
                    }
                }
            }
        }
        @if let Some(scores) = report.test.as_ref().and_then(|test| test.scores.as_ref()) { (co_occurrence(scores)) }
    }
}

/// Renders the share of the images with one label that have another.
pub(super) fn co_occurrence(scores: &Scores) -> Markup {
    let labels = scores.labels();
    if labels.len() > CO_OCCURRING {
        return html! { p.soft { "Co-occurrence is shown of at most " (CO_OCCURRING) " labels." } };
    }
    html! {
        h3 #co-occurrence { "Labels together" }
        div.wide {
            table.co-occurrence {
                caption {
                    "Share of the test images with the row’s label that also have the column’s, of those in which both are known, in %. \
                     A label that mostly comes with another may be told by it."
                }
                thead {
                    tr {
                        th scope="col" { "label" }
                        th scope="col" { "images" }
                        @for (at, label) in labels.iter().enumerate() { th scope="col" title=(label) { (at + 1) } }
                    }
                }
                tbody {
                    @for (row, label) in labels.iter().enumerate() {
                        tr {
                            th scope="row" { (row + 1) " " (label) }
                            td { (together(scores, row, row).1) }
                            @for (column, other) in labels.iter().enumerate() {
                                @let (both, of) = together(scores, row, column);
                                @if row == column || of == 0 { td { (number::DASH) } }
                                @else {
                                    @let share = both as f64 / of as f64;
                                    td.shade style={ "--share:" (format!("{share:.3}")) } title={ (other) ": " (both) " of " (of) } { (format!("{:.0}", share * 100.0)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Counts the images with label `row` that have `column` too, and those in which it is known.
fn together(scores: &Scores, row: usize, column: usize) -> (usize, usize) {
    let targets = scores.targets();
    let with_row = (0..scores.len()).filter(|&image| targets.value(image, row) == Some(true));
    let known = with_row.filter_map(|image| targets.value(image, column));
    known.fold((0, 0), |(both, of), has| (both + usize::from(has), of + 1))
}

/// Renders the figures over all labels, of both models.
pub(super) fn over_labels(models: &TestedModels<'_>, test: &Test, labels: &MultiLabelFigures) -> Markup {
    let saved = &test.saved;
    html! {
        section #figures {
            h2 { "Test figures" }
            div.wide {
                table {
                    caption {
                        "On " (number::count(saved.images, "image")) ". Macro figures are means over labels: of ROC AUC over "
                        (labels.labels_with_roc_auc) ", of average precision over " (labels.labels_with_average_precision)
                        ", those that have a value. Micro figures count every known pair of an image and a label once."
                    }
                    thead {
                        tr {
                            th scope="col" { "figure" }
                            @for (name, _) in models { th scope="col" colspan="2" { (name) } }
                        }
                    }
                    tbody {
                        @for (row, _) in saved.table(FigureTable::Page) {
                            @let title = row.unit.map_or(row.title.to_owned(), |unit| format!("{} ({unit})", row.title));
                            @let figures: Vec<Figure> = models.iter().map(|(_, figures)| figures.figure(row.key)).collect();
                            (figures::row(&title, &figures))
                        }
                    }
                }
            }
            p.soft { (figures::intervals(saved)) }
        }
    }
}

/// Renders the figures of each label.
pub(super) fn by_label(test: &Test, labels: &MultiLabelFigures, plots: Plots<'_>) -> Markup {
    let titles = |keys: &[&str]| -> Vec<&str> { keys.iter().map(|key| title(key)).collect() };
    let few = labels.labels.iter().any(|label| label.few);
    let missing = missing(labels);
    html! {
        section #labels {
            h2 { "By label" }
            div.plots {
                (plot(plots, "labels"))
                div.beside {
                    p { "ROC AUC is the share of pairs of an image with the label and one without that are ranked rightly: 0.5 is guessing." }
                    @if few {
                        p { strong.bad { "Few images" } ": with fewer than " (FEW_IMAGES) " images known to have a label, or known not to, its figures say little." }
                    }
                    @if !missing.is_empty() {
                        p { "Without a value or an interval, of the " (test.model()) ":" }
                        ul.reasons { @for (label, why, of) in &missing { li { strong { (label) } ": " (why) " (" (of.join(", ")) ")" } } }
                    }
                    @if test.saved.groups.is_none() {
                        p.soft { "Groups such as patients are not known: intervals are too narrow where patients have several images." }
                    }
                }
            }
            div.wide {
                table.classes {
                    caption { "Each label by the " (test.model()) ", over the images in which it is known, with 95 % intervals. An image counts as having a label from its threshold on." }
                    thead {
                        tr {
                            th scope="col" { "label" } th scope="col" { "known" } th scope="col" { "positive" }
                            @for title in titles(&RANKING) { th scope="col" { (title) } }
                            th scope="col" { "Threshold" }
                            @for title in titles(&AT_THRESHOLD) { th scope="col" { (title) } }
                        }
                    }
                    tbody { @for label in &labels.labels { (row(label)) } }
                }
            }
        }
    }
}

fn row(label: &LabelFigures) -> Markup {
    html! {
        tr {
            th scope="row" { (label.label) }
            td { (number::whole(label.known)) @if label.few { span.interval.bad { "few images" } } }
            td {
                (number::whole(label.positives))
                @if let Some(share) = label.prevalence() { span.interval { (number::percent(share)) } }
            }
            @for key in RANKING { (figures::stacked(&label.figure(key))) }
            td { (number::figure(Some(label.threshold))) }
            @for key in AT_THRESHOLD { (figures::stacked(&label.figure(key))) }
        }
    }
}

fn title(key: &str) -> &'static str {
    LABEL_FIGURES.iter().find(|spec| spec.key == key).map_or("", |spec| spec.title)
}

/// Collects the reasons why figures of a label have no value or no interval, with the titles of those figures.
fn missing(labels: &MultiLabelFigures) -> Vec<(&str, String, Vec<String>)> {
    let mut missing = Vec::new();
    for label in &labels.labels {
        let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for spec in LABEL_FIGURES {
            let Figure { value, missing: Some(why), .. } = label.figure(spec.key) else { continue };
            let of = if value.is_some() { "interval of " } else { "" };
            reasons.entry(why).or_default().push(format!("{of}{}", spec.title));
        }
        missing.extend(reasons.into_iter().map(|(why, of)| (label.label.as_str(), why, of)));
    }
    missing
}

/// Renders both curves of each label.
pub(super) fn curves(test: &Test) -> Markup {
    html! {
        section #curves {
            h2 { "ROC and precision-recall" }
            @match &test.scores {
                Some(scores) => {
                    (Panels::roc(test, scores).inline())
                    (Panels::precision_recall(test, scores).inline())
                    p.soft {
                        "In brackets 95 % intervals. AP, average precision, is the area under the steps. Dotted is guessing: its precision is \
                         the share of the known images that have the label, so that AP cannot be compared between labels. Curves are drawn \
                         through at most 100 points."
                    }
                }
                None => p { "The run holds no predictions of single images, which curves are drawn from." },
            }
        }
    }
}

/// Renders calibration and thresholds of each label.
///
/// `report` is the run whose validation images they come from; without one, thresholds were given.
pub(super) fn calibration(report: Option<&Report>, test: &Test, labels: &MultiLabelFigures) -> Markup {
    let learnt = report.map_or(&[][..], Report::label_calibration);
    let tempered = learnt.iter().filter(|label| label.temperature.is_some()).count();
    html! {
        section #calibration {
            h2 { "Calibration" }
            p {
                "A label is calibrated where, of the images given a probability of 80 %, 80 % have it: dots on the dotted line. Below it, \
                 the probability is too high, above it too low. The expected calibration error is the mean distance, weighted by \
                 images; with few images it lies above the true one. "
                @if report.is_none() { "The probabilities are those of the file." }
                @else if tempered == 0 { "No temperature was fitted: these are the probabilities as the network gives them." }
                @else { "Temperatures of " (number::count(tempered, "label")) " were fitted on the validation images." }
            }
            @match &test.scores {
                Some(scores) => (Panels::reliability(test, scores).inline()),
                None => p { "The run holds no predictions of single images, which these diagrams are drawn from." },
            }
            h3 #thresholds { "Thresholds" }
            @if report.is_none() { p { "They were given, and stand in the table by label. Thresholds chosen on these images would make the figures too good." } }
            @else if learnt.is_empty() { p { "None were chosen: an image counts as having a label from a probability of 0.5 on." } }
            @else { (thresholds(learnt, labels)) }
        }
    }
}

fn thresholds(learnt: &[LabelCalibration], labels: &MultiLabelFigures) -> Markup {
    html! {
        div.wide {
            table {
                caption { "Thresholds chosen on the validation images, and what they do on the test images." }
                thead {
                    tr {
                        th scope="col" { "label" } th scope="col" { "chosen by" } th scope="col" { "temperature" } th scope="col" { "threshold" }
                        th scope="col" { "sensitivity, validation" } th scope="col" { "specificity, validation" }
                        th scope="col" { "sensitivity, test" } th scope="col" { "specificity, test" }
                    }
                }
                tbody {
                    @for label in learnt {
                        @let tested = labels.labels.iter().find(|tested| tested.label == label.label);
                        @let of_test = |key: &str| number::figure(tested.and_then(|tested| tested.figure(key).value));
                        tr {
                            th scope="row" { (label.label) }
                            td { @match &label.note { Some(why) => span.bad { "not chosen: " (why) }, None => (label.chosen_by()) } }
                            td { (number::figure(label.temperature.map(|temperature| temperature.value))) }
                            td { (number::figure(Some(label.threshold))) }
                            @for value in [label.sensitivity, label.specificity] { td { (number::figure(value)) } }
                            @for key in ["sensitivity", "specificity"] { td { (of_test(key)) } }
                        }
                    }
                }
            }
        }
    }
}
