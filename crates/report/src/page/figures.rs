//! Test figures with their intervals.

use maud::{Markup, html};

use crate::{ClassFigures, Figure, ModelFigures, Test, number};

pub(super) fn section(test: &Test) -> Markup {
    let models = [&test.saved, &test.last];
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
                            @for model in models { th scope="col" colspan="2" { (model.name) } }
                        }
                    }
                    tbody { (keras(models)) (more(models)) }
                }
            }
            p.soft { (intervals(&test.saved)) }
            @if !test.saved.undefined.is_empty() {
                p { "Without a value, of the saved model:" }
                ul.reasons { @for (figure, why) in &test.saved.undefined { li { (figure) ": " (why) } } }
            }
        }
    }
}

/// The eight figures of the study.
fn keras(models: [&ModelFigures; 2]) -> Markup {
    let count = |at: usize| models.map(|model| number::whole(model.counts[at]));
    let share = |of: fn(&ModelFigures) -> f64| models.map(|model| number::figure(Some(of(model))));
    html! {
        (plain("Categorical crossentropy loss", &models.map(|model| format!("{:.6}", model.loss))))
        (row("Accuracy", &models.map(|model| &model.accuracy)))
        (plain("True positives", &count(0)))
        (plain("False positives", &count(1)))
        (plain("True negatives", &count(2)))
        (plain("False negatives", &count(3)))
        (plain("Precision", &share(|model| model.precision)))
        (plain("Recall", &share(|model| model.recall)))
    }
}

/// What a reviewer asks for besides.
fn more(models: [&ModelFigures; 2]) -> Markup {
    type Of = fn(&ModelFigures) -> &Figure;
    let rows: [(&str, Of); 8] = [
        ("Balanced accuracy", |model| &model.balanced_accuracy),
        ("Macro F1", |model| &model.macro_f1),
        ("Macro ROC AUC", |model| &model.macro_roc_auc),
        ("Cohen’s kappa", |model| &model.cohen_kappa),
        ("Matthews’ correlation", |model| &model.matthews_corrcoef),
        ("Log loss (nats)", |model| &model.log_loss),
        ("Brier score (0 to 2)", |model| &model.brier),
        ("Expected calibration error", |model| &model.expected_calibration_error),
    ];
    html! { @for (name, of) in rows { (row(name, &models.map(of))) } }
}

fn plain(name: &str, values: &[String]) -> Markup {
    html! { tr { th scope="row" { (name) } @for value in values { td { (value) } td {} } } }
}

fn row(name: &str, figures: &[&Figure]) -> Markup {
    html! { tr { th scope="row" { (name) } @for figure in figures { (cells(figure)) } } }
}

/// A value and its interval, or dashes that say why.
fn cells(figure: &Figure) -> Markup {
    let why = figure.reason.as_deref();
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

/// What the intervals are.
fn intervals(saved: &ModelFigures) -> String {
    let drawn = match saved.groups {
        Some(groups) => format!("{groups} groups of images drawn whole"),
        None => "images drawn one by one, since no groups such as patients are known".to_owned(),
    };
    format!(
        "Intervals hold 95 %: Wilson’s for shares, of 2,000 bootstrap resamples for all else ({drawn}). They say how far \
         chance in the choice of these images may be off, and nothing of images from elsewhere."
    )
}

/// Each class against all others.
pub(super) fn classes(test: &Test) -> Markup {
    type Of = fn(&ClassFigures) -> &Figure;
    let columns: [(&str, Of); 6] = [
        ("precision", |class| &class.precision),
        ("recall (sensitivity)", |class| &class.recall),
        ("specificity", |class| &class.specificity),
        ("F1", |class| &class.f1),
        ("ROC AUC", |class| &class.roc_auc),
        ("average precision", |class| &class.average_precision),
    ];
    let few = test.saved.classes.iter().any(|class| class.few);
    html! {
        section #classes {
            h2 { "By class" }
            div.wide {
                table.classes {
                    caption { "The saved model, each class against all others, with 95 % intervals." }
                    thead {
                        tr {
                            th scope="col" { "class" }
                            th scope="col" { "images" }
                            @for (name, _) in columns { th scope="col" { (name) } }
                        }
                    }
                    tbody {
                        @for class in &test.saved.classes {
                            tr {
                                th scope="row" { (class.label) }
                                td {
                                    (number::whole(class.support))
                                    @if class.few { span.interval.bad { "few images" } }
                                }
                                @for (_, of) in columns { (stacked(of(class))) }
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

/// A value with its interval below.
fn stacked(figure: &Figure) -> Markup {
    html! {
        td title=[figure.reason.as_deref()] {
            (number::figure(figure.value))
            @match figure.interval {
                Some(interval) => span.interval { (number::interval(interval)) },
                None => span.interval { (number::DASH) },
            }
        }
    }
}
