//! Sections that consist of plots with their explanations.

use experiment::{TemperatureEffect, TestedOperatingPoint};
use maud::{Markup, html};
use metrics::{Bound, Temperature};

use super::{Plots, plot};
use crate::{Report, Test, number, plots::guessing};

pub(super) fn learning(report: &Report, plots: Plots<'_>) -> Markup {
    html! {
        section #learning {
            h2 { "Learning curves" }
            div.plots { (plot(plots, "loss")) (plot(plots, "accuracy")) (plot(plots, "auc")) }
            p.soft {
                "The saved weights are those of the epoch with the "
                @if report.chosen_by_auc() { "highest validation macro ROC AUC" } @else { "lowest validation loss" }
                ". Training figures run through the epoch, \
                 with dropout on, so that they lag behind."
                @if report.weighted() {
                    " The training loss is weighted "
                    @if report.record.task.is_multi_class() { "by class" } @else { "for positive images" }
                    " and the validation loss is not: the two cannot be compared."
                }
            }
        }
    }
}

pub(super) fn confusion(test: &Test, plots: Plots<'_>) -> Markup {
    let confused = confused(test);
    html! {
        section #confusion {
            h2 { "Confusion matrix" }
            div.plots {
                (plot(plots, "confusion-matrix"))
                div.beside {
                    h3 { "Most often confused" }
                    @if confused.is_empty() { p { "Nothing: every test image is right." } }
                    ol { @for pair in confused.iter().take(6) { li { (pair) } } }
                    p.soft { "Rows are true classes, columns predicted ones. Each row’s shares add up to 100 %: on the diagonal, a class’s recall." }
                }
            }
        }
    }
}

/// Lists the pairs of confused classes, the most frequent first.
fn confused(test: &Test) -> Vec<String> {
    let labels = test.labels();
    let label = |class: usize| labels.get(class).map_or(number::DASH, String::as_str);
    let mut pairs: Vec<(u64, u64, usize, usize)> = Vec::new();
    let matrix = test.saved.multi_class().map_or(&[][..], |figures| &figures.confusion_matrix);
    for (row, counts) in matrix.iter().enumerate() {
        let images = counts.iter().sum();
        let wrong = counts.iter().enumerate().filter(|&(column, &count)| column != row && count > 0);
        pairs.extend(wrong.map(|(column, &count)| (count, images, row, column)));
    }
    pairs.sort_by_key(|&(count, _, row, column)| (std::cmp::Reverse(count), row, column));
    let words = |(count, images, row, column)| {
        let (count, images): (u64, u64) = (count, images);
        let share = number::percent(count as f64 / images as f64);
        format!("{} taken for {}: {count} of {images} ({share})", label(row), label(column))
    };
    pairs.into_iter().map(words).collect()
}

pub(super) fn curves(test: &Test, plots: Plots<'_>) -> Markup {
    html! {
        section #curves {
            h2 { "ROC and precision-recall" }
            @if test.scores.is_some() {
                div.plots { (plot(plots, "roc")) (plot(plots, "precision-recall")) }
                p.soft {
                    "In brackets 95 % intervals. AUC is the share of pairs of an image of the class and one of another that are ranked \
                     rightly; AP, average precision, is the area under the steps. Guessing has a precision of the class’s share of \
                     the images."
                }
            } @else { p { "The run holds no predictions of single images, which curves are drawn from." } }
        }
    }
}

pub(super) fn calibration(report: Option<&Report>, test: &Test, plots: Plots<'_>) -> Markup {
    let Some(of_classes) = test.saved.multi_class() else { return html! {} };
    html! {
        section #calibration {
            h2 { "Calibration" }
            div.plots {
                (plot(plots, "reliability"))
                div.beside {
                    p {
                        "A model is calibrated where, of the images that it is 80 % sure of, 80 % are right: dots on the dotted line. Below \
                         it, it is too sure of itself, above it not sure enough. The expected calibration error is the mean distance, \
                         weighted by images; with few images it lies above the true one."
                    }
                    @if let Some(report) = report { (temperature(report.temperature(), of_classes.temperature, test)) }
                    @if report.is_some() && of_classes.operating_points.is_empty() {
                        h3 { "Operating points" }
                        p { "None were asked for: the predicted class is the one of the highest probability. "
                            code { "train --sensitivity 0.95" } " chooses a threshold for each class on the validation images." }
                    }
                }
            }
            @if !of_classes.operating_points.is_empty() { h3 { "Operating points" } (operating_points(&of_classes.operating_points)) }
        }
    }
}

/// Renders the effect of temperature scaling, before and after.
fn temperature(fit: Option<&Temperature>, effect: Option<TemperatureEffect>, tested: &Test) -> Markup {
    let test = effect.and_then(|effect| effect.uncalibrated);
    let after = |key: &str| tested.saved.figure(key).value;
    let pair = |before: Option<f64>, after: Option<f64>| html! { td { (number::figure(before)) } td { (number::figure(after)) } };
    let log_losses = test.and_then(|before| Some([before.log_loss?, after("log_loss")?]));
    html! {
        h3 { "Temperature" }
        @if fit.is_none() && test.is_none() {
            p { "No temperature was fitted: these are the probabilities as the network gives them. " code { "train --calibrate" }
                " fits one on the validation images." }
        } @else {
            @if let Some(temperature) = fit.map(|fit| fit.value).or(effect.map(|effect| effect.temperature)) {
                p {
                    "Temperature " strong { (format!("{temperature:.4}")) }
                    @if let Some(fit) = fit { ", fitted on " (number::count(fit.images, "validation image")) }
                    ". Above 1 it makes the model less sure of itself, below 1 surer; no prediction changes."
                    @if let Some(bound) = fit.and_then(|fit| fit.bound) {
                        @let bound = match bound { Bound::Lower => "lower", Bound::Upper => "upper" };
                        " " strong.bad { "The fit ended at the " (bound) " bound of the range searched: it is no optimum." }
                    }
                }
            }
            div.wide {
                table {
                    thead { tr { th scope="col" { "figure" } th scope="col" { "before" } th scope="col" { "after" } } }
                    tbody {
                        @if let Some(Temperature { log_loss: [before, after], expected_calibration_error: error, .. }) = fit {
                            tr { th scope="row" { "log loss, validation" } (pair(Some(*before), Some(*after))) }
                            tr { th scope="row" { "calibration error, validation" } (pair(Some(error[0]), Some(error[1]))) }
                        }
                        @if let Some(before) = test {
                            tr { th scope="row" { "log loss, test" } (pair(before.log_loss, after("log_loss"))) }
                            tr { th scope="row" { "calibration error, test" } (pair(before.expected_calibration_error, after("expected_calibration_error"))) }
                            tr { th scope="row" { "Brier score, test" } (pair(before.brier, after("brier"))) }
                        }
                    }
                }
            }
            @if let Some([before, after]) = log_losses {
                p {
                    "The temperature " @if after < before { "lowered" } @else { strong.bad { "did not lower" } }
                    " the log loss of the test images: from " (format!("{before:.6}")) " to " (format!("{after:.6}")) "."
                }
            }
        }
    }
}

fn operating_points(points: &[TestedOperatingPoint]) -> Markup {
    html! {
        div.wide {
            table {
                caption { "Thresholds chosen on the validation images, and what they do on the test images, with 95 % intervals. An image \
                           may reach the thresholds of several classes, or of none." }
                thead {
                    tr {
                        th scope="col" { "class" } th scope="col" { "asked for" } th scope="col" { "threshold" }
                        th scope="col" { "sensitivity, validation" } th scope="col" { "specificity, validation" }
                        th scope="col" { "sensitivity, test" } th scope="col" { "specificity, test" }
                    }
                }
                tbody {
                    @for point in points {
                        tr {
                            th scope="row" { (point.label) }
                            td { (number::figure(Some(point.target))) }
                            td { (number::figure(Some(point.threshold))) }
                            @for value in [point.validation.sensitivity, point.validation.specificity] { td { (number::figure(value)) } }
                            @for figure in [&point.sensitivity, &point.specificity] {
                                td title=[figure.missing.as_deref()] {
                                    (number::figure(figure.value))
                                    @if let Some(interval) = figure.interval { span.interval { (number::interval(interval)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn shortcut(test: &Test, plots: Plots<'_>) -> Markup {
    let task = test.saved.task();
    let figure = if task.is_multi_class() { "accuracy" } else { "macro ROC AUC" };
    let guessing = guessing(test).map_or(String::new(), |share| format!(" ({})", number::percent(share)));
    html! {
        section #shortcut {
            h2 { "Shortcut test" }
            @if test.occluded.is_empty() {
                p {
                    "Not made: nothing says whether this model looks at lungs. " code { "thorax test --occlude lungs" }
                    " tests it with the lungs hidden."
                }
            } @else {
                div.plots {
                    (plot(plots, "shortcut"))
                    div.beside {
                        p {
                            "The same images with part of each painted over. With the lungs hidden, a model that reads lungs should do \
                             little better than guessing" (guessing) ". " strong { "A high " (figure) " there is a warning" }
                            ": what it goes by lies outside the lungs, such as marks, borders, devices, exposure or the size of a child."
                        }
                        p {
                            "With the border hidden the " (figure) " should hardly fall. If it does, the model uses the border. Lungs are two \
                             fixed ellipses, not outlines of each patient, so that some of them may show."
                        }
                    }
                }
            }
        }
    }
}
