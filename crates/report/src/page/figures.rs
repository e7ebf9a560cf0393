//! Test figures with their intervals.

use experiment::{MultiClassFigures, TestFigures};
use maud::{Markup, html};
use metrics::{CLASS_FIGURES, FIGURES, Figure, FigureSpec, FigureTable, KerasFigures};

use crate::{Test, number, report::TestedModels};

pub(super) fn section(models: &TestedModels<'_>, test: &Test) -> Markup {
    let of_classes: Option<Vec<_>> = models.iter().map(|(_, figures)| figures.multi_class()).collect();
    let Some(of_classes) = of_classes else { return html! {} };
    let undefined = test.saved.undefined();
    html! {
        section #figures {
            h2 { "Test figures" }
            div.wide {
                table {
                    caption {
                        "On " (number::count(test.saved.images, "image"))
                        ". The first eight are Keras' figures, in the study's words: positives and negatives are counted over all \
                         classes at a threshold of 0.5."
                    }
                    thead {
                        tr {
                            th scope="col" { "figure" }
                            @for (name, _) in models { th scope="col" colspan="2" { (name) } }
                        }
                    }
                    tbody { (rows(models, &of_classes)) }
                }
            }
            p.soft { (intervals(&test.saved)) }
            @if !undefined.is_empty() {
                p { "Without a value, of the " (test.model()) ":" }
                ul.reasons { @for (figure, why) in &undefined { li { (figure.replace('_', " ")) ": " (why) } } }
            }
        }
    }
}

/// Renders the eight figures of the study, and the ones that a reviewer asks for besides.
fn rows(models: &TestedModels<'_>, of_classes: &[&MultiClassFigures]) -> Markup {
    let each = |of: &dyn Fn(&KerasFigures) -> String| -> Vec<String> {
        of_classes.iter().map(|model| of(&model.keras)).collect()
    };
    let count = |of: fn(&KerasFigures) -> u64| each(&|keras| number::whole(of(keras)));
    let share = |of: fn(&KerasFigures) -> f64| each(&|keras| number::figure(Some(of(keras))));
    let figures = |key: &str| -> Vec<Figure> { models.iter().map(|(_, model)| model.figure(key)).collect() };
    let more =
        FIGURES.iter().filter(|spec| spec.tables.contains(&FigureTable::Page) && spec.key != "accuracy");
    html! {
        (plain("Categorical crossentropy loss", &each(&|keras| format!("{:.6}", keras.loss))))
        (row("Accuracy", &figures("accuracy")))
        (plain("True positives", &count(|keras| keras.true_positives)))
        (plain("False positives", &count(|keras| keras.false_positives)))
        (plain("True negatives", &count(|keras| keras.true_negatives)))
        (plain("False negatives", &count(|keras| keras.false_negatives)))
        (plain("Precision", &share(|keras| keras.precision)))
        (plain("Recall", &share(|keras| keras.recall)))
        @for spec in more { (row(&title(spec), &figures(spec.key))) }
    }
}

/// Returns a figure's title with its unit.
fn title(spec: &FigureSpec) -> String {
    spec.unit.map_or(spec.title.to_owned(), |unit| format!("{} ({unit})", spec.title))
}

fn plain(name: &str, values: &[String]) -> Markup {
    html! { tr { th scope="row" { (name) } @for value in values { td { (value) } td {} } } }
}

pub(super) fn row(name: &str, figures: &[Figure]) -> Markup {
    html! { tr { th scope="row" { (name) } @for figure in figures { (cells(figure)) } } }
}

/// Renders a value and its interval, or dashes with the reason.
pub(super) fn cells(figure: &Figure) -> Markup {
    let why = figure.missing.as_deref();
    html! {
        td title=[why.filter(|_| figure.value.is_none())] { (number::figure(figure.value)) }
        td.interval title=[why.filter(|_| figure.interval.is_none())] {
            @match figure.interval {
                Some(interval) => (number::interval(interval)),
                None => (number::DASH),
            }
        }
    }
}

/// Explains the intervals.
pub(super) fn intervals(saved: &TestFigures) -> String {
    let drawn = match saved.groups {
        Some(groups) => format!("{groups} groups of images drawn whole"),
        None => "images drawn one by one, since no groups such as patients are known".to_owned(),
    };
    format!(
        "Intervals hold 95 %: Wilson’s for shares, of 2,000 bootstrap resamples for all else ({drawn}). They say how far \
         chance in the choice of these images may be off, and nothing of images from elsewhere."
    )
}

/// Renders the figures of each class against all others.
pub(super) fn classes(test: &Test) -> Markup {
    let Some(of_classes) = test.saved.multi_class() else { return html! {} };
    let few = of_classes.classes.iter().any(|class| class.few);
    html! {
        section #classes {
            h2 { "By class" }
            div.wide {
                table.classes {
                    caption { "Each class against all others, by the " (test.model()) ", with 95 % intervals." }
                    thead {
                        tr {
                            th scope="col" { "class" }
                            th scope="col" { "images" }
                            @for spec in CLASS_FIGURES { th scope="col" { (spec.title) } }
                        }
                    }
                    tbody {
                        @for class in &of_classes.classes {
                            tr {
                                th scope="row" { (class.label) }
                                td {
                                    (number::whole(class.support))
                                    @if class.few { span.interval.bad { "few images" } }
                                }
                                @for (_, figure) in class.figures() { (stacked(figure)) }
                            }
                        }
                    }
                }
            }
            @if few {
                p { strong.bad { "Few images" } ": with fewer than " (metrics::FEW_IMAGES) " images (or groups of them) of a class, its figures say little." }
            }
        }
    }
}

/// Renders a value with its interval below.
pub(super) fn stacked(figure: &Figure) -> Markup {
    html! {
        td title=[figure.missing.as_deref()] {
            (number::figure(figure.value))
            @match figure.interval {
                Some(interval) => span.interval { (number::interval(interval)) },
                None => span.interval { (number::DASH) },
            }
        }
    }
}
