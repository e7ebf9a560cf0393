//! Section on the model and its training data.

use ::audit::{Sign, source_sentence};
use maud::{Markup, html};

use super::labels;
use crate::{AuditSummary, Report, number};

pub(super) fn section(report: &Report) -> Markup {
    let setting = |name: &str| report.setting(name).unwrap_or_else(|| number::DASH.to_owned());
    let model = [setting("model"), format!("{0}×{0} pixels", setting("image-size")), setting("precision")];
    let training = [
        format!("{} with a learning rate of {}", setting("optimizer"), setting("learning-rate")),
        format!("batches of {}", setting("batch-size")),
        format!("seed {}", setting("seed")),
        format!("{} after {}", report.status(), number::count(report.history.len(), "epoch")),
    ];
    html! {
        section #data {
            h2 { "What was trained on what" }
            dl {
                dt { "Model" } dd { (model.join(", ")) }
                dt { "Training" } dd { (training.join(", ")) }
                dt { "Data" } dd {
                    span.name { (setting("data")) }
                    @if let Some(layout) = &report.record.layout { " (" (layout) ")" }
                    ", split " (setting("split"))
                    @if let Some(share) = report.setting("validation-split") { " with a validation share of " (share) }
                }
                dt { "Test" } dd {
                    @match report.setting("test-data") {
                        Some(test) => span.name { (test) },
                        None if report.test.is_some() => "images that the data set keeps for it",
                        None => "none",
                    }
                }
            }
            @if report.record.task.is_multi_class() { div.wide { (counts(report)) } } @else { (labels::data(report)) }
            @if !report.record.skipped.is_empty() {
                details {
                    summary { (number::count(report.record.skipped.len(), "file")) " left out: not readable" }
                    ul { @for path in report.record.skipped.iter().take(100) { li.name { (path) } } }
                    @if report.record.skipped.len() > 100 { p.soft { "… and " (report.record.skipped.len() - 100) " more" } }
                }
            }
            h3 #audit { "Data audit" }
            @match &report.audit {
                Some(audit) => (self::audit(audit)),
                None => p { "None was made. " code { "thorax data audit --html PAGE" } " makes one, with pictures." },
            }
        }
    }
}

fn counts(report: &Report) -> Markup {
    let total = |of: &[usize]| number::whole(of.iter().sum::<usize>() as u64);
    html! {
        table {
            caption { "Images per class, and what the training loss of each is multiplied by." }
            thead {
                tr {
                    th scope="col" { "class" }
                    @for (name, _) in report.sets() { th scope="col" { (name) } }
                    th scope="col" { "weight" }
                }
            }
            tbody {
                @for (class, label) in report.record.classes.iter().enumerate() {
                    tr {
                        th scope="row" { (label) }
                        @for (_, counts) in report.sets() {
                            td { (counts.get(class).map_or(number::DASH.to_owned(), |&n| number::whole(n as u64))) }
                        }
                        td { (report.record.class_weights.get(class).map_or(number::DASH.to_owned(), |weight| format!("{weight:.4}"))) }
                    }
                }
                tr.together {
                    th scope="row" { "all" }
                    @for (_, counts) in report.sets() { td { (total(counts)) } }
                    td {}
                }
            }
        }
    }
}

fn audit(audit: &AuditSummary) -> Markup {
    let rows = [
        ("copies in two of training, validation and test", audit.across_sets, true),
        ("copies of two classes within one of them", audit.across_classes, true),
        ("groups, such as patients, in more than one of them", audit.shared_groups, true),
        ("images that cannot be read", audit.unreadable, true),
        ("images unlike radiographs", audit.strange, false),
        ("copies within a set and class", audit.within, false),
    ];
    let strong = audit.source.is_some_and(|source| source.sign == Sign::Strong);
    html! {
        ul.facts {
            @for (name, n, bad) in rows { li.bad[bad && n > 0] { strong { (number::whole(n as u64)) } " " (name) } }
        }
        p { "Do files alone give their classes away? " span.bad[strong] { (source_sentence(audit.source.map(|source| (source.sign, source.balanced_accuracy, source.chance)))) } }
        p.soft { code { "thorax data audit --html PAGE" } " shows each of them with pictures." }
    }
}
