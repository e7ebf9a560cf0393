//! Section on the purposes that the model has and does not have.

use maud::{Markup, html};

use crate::{Report, Test, number};

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #limits {
            h2 { "Intended use and limits" }
            p {
                "For research and teaching: to learn how classifiers of chest radiographs are trained, tested and compared. "
                strong { "Not for diagnosis, triage or any decision about a person" }
                ", not even as a second reader. It is no medical device and no authority has looked at it."
            }
            @if report.confounded_by_age() { (confounding(report.record.synthetic)) }
            ul {
                @if report.record.synthetic { li { "These images are phantoms, drawn by a program. What a model learns of them it does not know of any patient." } }
                li {
                    "The test images come from the same collection as those trained on, unless somebody made sure of the opposite. In images from \
                     another hospital, device or time, expect worse (DeGrave and others 2021, Nature Machine Intelligence 3, 610–619); Roberts and \
                     others (2021, Nature Machine Intelligence 3, 199–217) found none of 61 published models fit for clinical use."
                }
                @if report.record.task.is_multi_class() {
                    li { "It knows " (report.record.classes.len()) " classes and puts every image into one of them, also an image of something else." }
                } @else {
                    li {
                        "It answers for " (number::count(report.record.classes.len(), "label")) ", each on its own, also in an image of something else. \
                         An image without any of them is not a healthy one: other findings are none of its labels."
                    }
                    li {
                        "Labels that were read from reports by a program are wrong in some images. Unknown ones are left out, and the images in \
                         which a label is known may differ from the others."
                    }
                }
                li { "Probabilities hold for the class frequencies trained on" @if report.weighted() { @if report.record.task.is_multi_class() { ", weighted by class" } @else { ", with positive images weighted" } } ", not for those of a clinic." }
                li { "Labels are taken as true. A wrong one counts as the model’s mistake, or teaches it." }
                @if report.test.is_none() { li { strong { "It was not tested." } } }
            }
        }
    }
}

/// Renders the limits of figures of predictions whose model is not known.
pub(super) fn of_predictions(test: &Test) -> Markup {
    html! {
        section #limits {
            h2 { "Limits" }
            ul {
                li { "The images must not have been trained on, nor chosen the model or its thresholds. The file of predictions cannot show that." }
                li { "Labels are taken as true. A wrong one counts as the model’s mistake." }
                @if test.saved.groups.is_none() {
                    li { "No column names the patient of an image. Where patients have several images, the intervals are too narrow." }
                }
                li { "In images from another hospital, device or time, expect worse (DeGrave and others 2021, Nature Machine Intelligence 3, 610–619)." }
            }
        }
    }
}

/// Renders the warning that age separates these three classes.
fn confounding(synthetic: bool) -> Markup {
    html! {
        div.warning {
            h3 { "Children and adults: COVID-19, NORMAL, Viral Pneumonia" }
            @if synthetic { p { "The images here are phantoms; this holds for the collection whose classes they are named after." } }
            p {
                "In the collection with these three classes, most NORMAL and Viral Pneumonia images are of "
                strong { "children" } " (from a paediatric hospital), most COVID-19 images of " strong { "adults" }
                ", gathered from other hospitals and from publications. A model can score high by telling a child’s chest from an adult’s, or one \
                 source’s images from another’s, without looking for disease. A high accuracy shows here that the software works, and nothing more."
            }
        }
    }
}
