//! Section of figures by attributes of the images.

use experiment::{AttributeGap, Subgroup, Subgroups};
use maud::{Markup, html};

use super::figures;
use crate::{Test, number};

pub(super) fn section(test: &Test) -> Markup {
    let Some(subgroups) = &test.saved.subgroups else { return html! {} };
    html! {
        section #subgroups {
            h2 { "By attribute" }
            @for above in &subgroups.pooled_above {
                div.warning {
                    p {
                        strong { "All images together rank better than any value of " span.name { (above.column) } " alone" }
                        ": macro ROC AUC " (number::figure(Some(above.pooled))) " against at most " (number::figure(Some(above.highest)))
                        ". Part of the ranking may come from the attribute; the figure of all images is then too good for any one value."
                    }
                }
            }
            @if !subgroups.parts.is_empty() { div.wide { (values(test.model(), &subgroups.parts)) } }
            (left_out(subgroups))
            @if !subgroups.gaps.is_empty() {
                h3 { "Largest gaps" }
                ul { @for gap in &subgroups.gaps { li { (self::gap(gap)) } } }
                p.soft { "The interval is that of two independent sets of images. Of many values, some differ by chance." }
            }
        }
    }
}

fn values(model: &str, parts: &[Subgroup]) -> Markup {
    let of_labels = parts.iter().any(|part| part.figures.multi_label().is_some());
    html! {
        table {
            caption { "The " (model) " on the images with one value of an attribute, with 95 % intervals." }
            thead {
                tr {
                    th scope="col" { "attribute" } th scope="col" { "value" } th scope="col" { "images" } th scope="col" { "patients" }
                    @if of_labels { th scope="col" { "labels in the mean" } } @else { th scope="col" colspan="2" { "accuracy" } }
                    th scope="col" colspan="2" { "macro ROC AUC" }
                }
            }
            tbody {
                @for part in parts {
                    tr {
                        th scope="row" { (part.column) }
                        td { (part.value) }
                        td { (number::whole(part.figures.images as u64)) }
                        td { (part.patients.map_or(number::DASH.to_owned(), |n| number::whole(n as u64))) }
                        @match part.figures.multi_label() {
                            Some(labels) => td { (number::whole(labels.labels_with_roc_auc as u64)) },
                            None => (figures::cells(&part.figures.figure("accuracy"))),
                        }
                        (figures::cells(&part.figures.figure("macro_roc_auc")))
                    }
                }
            }
        }
    }
}

fn left_out(subgroups: &Subgroups) -> Markup {
    html! {
        @if !subgroups.left_out.is_empty() {
            p { "Without figures:" }
            ul.reasons {
                @for left in &subgroups.left_out {
                    li { (left.column) " " (left.value) ": " (left.reason) " (" (number::count(left.images, "image")) ")" }
                }
            }
        }
    }
}

fn gap(gap: &AttributeGap) -> Markup {
    let [highest, lowest] =
        [&gap.highest, &gap.lowest].map(|(value, figure)| (value, number::figure(Some(*figure))));
    html! {
        strong { (gap.column) } ": "
        @match &gap.label {
            Some(label) => { "ROC AUC of " span.name { (label) } },
            None => "macro ROC AUC",
        }
        " " (highest.1) " in " span.name { (highest.0) } ", " (lowest.1) " in " span.name { (lowest.0) }
        ": a difference of " (number::short(&gap.difference))
    }
}
