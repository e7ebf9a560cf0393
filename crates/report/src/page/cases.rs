//! Section of images that deserve a look.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use experiment::MultiLabelFigures;
use maud::{Markup, html};
use metrics::{Scores, argmax};

use crate::{Cases, LabelCases, Picture, Test, cases::CASES, number};

/// Number of classes whose probabilities are shown for an image.
const BARS: usize = 5;

pub(super) fn section(test: &Test) -> Markup {
    let Some(scores) = &test.scores else { return html! {} };
    let chosen = Cases::of(scores);
    let all = |images: &[usize]| {
        html! { div.cases { @for &image in images { (case(test, scores, image)) } } }
    };
    let most = if chosen.all_mistakes > CASES {
        format!("The {CASES} most confident mistakes")
    } else {
        "Mistakes".to_owned()
    };
    html! {
        section #cases {
            h2 { "Cases to look at" }
            @if test.pictures.is_none() { p.soft { "Pictures were left out." } }
            h3 { (most) }
            @if chosen.mistakes.is_empty() { p { "None: every test image is right." } }
            @else {
                p.soft {
                    "Of " (number::count(chosen.all_mistakes, "mistake")) " among " (number::count(scores.len(), "test image"))
                    ", the surest first; in bold the label’s probability. Is the label wrong, the image odd, or the model?"
                }
            }
            (all(&chosen.mistakes))
            h3 { "The " (chosen.uncertain.len()) " least certain" }
            p.soft { "Images of the lowest highest probability, right or wrong." }
            (all(&chosen.uncertain))
        }
    }
}

/// Renders the surest mistakes about each label, at its threshold.
pub(super) fn of_labels(test: &Test, labels: &MultiLabelFigures) -> Markup {
    let Some(scores) = &test.scores else { return html! {} };
    let chosen = Cases::of(scores).labels;
    let mistake = |image: Option<usize>, label: usize, truth: bool| {
        let image = image?;
        let (p, threshold) = (*scores.row(image).get(label)?, labels.labels.get(label)?.threshold);
        ((p >= threshold) != truth).then_some((image, label, p, threshold))
    };
    let of = |truth: bool| -> Vec<LabelMistake> {
        let image = |of: &LabelCases| if truth { of.positive } else { of.negative };
        chosen.iter().enumerate().filter_map(|(label, of)| mistake(image(of), label, truth)).collect()
    };
    let all = |mistakes: &[LabelMistake], truth: bool| {
        html! { div.cases { @for mistake in mistakes { (label_case(test, scores, *mistake, truth)) } } }
    };
    let (positives, negatives) = (of(false), of(true));
    html! {
        section #cases {
            h2 { "Cases to look at" }
            @if test.pictures.is_none() { p.soft { "Pictures were left out." } }
            p.soft {
                "The surest mistake of each kind about each label"
                @if chosen.len() < labels.labels.len() { ", of the first " (chosen.len()) " labels" }
                ". Is the label wrong, the image odd, or the model?"
            }
            h3 { "False positives" }
            @if positives.is_empty() { p { "None." } } @else { (all(&positives, false)) }
            h3 { "False negatives" }
            @if negatives.is_empty() { p { "None." } } @else { (all(&negatives, true)) }
        }
    }
}

/// Mistake about a label: the image, the label, its probability and its threshold.
type LabelMistake = (usize, usize, f64, f64);

fn label_case(
    test: &Test,
    scores: &Scores,
    (image, label, p, threshold): LabelMistake,
    truth: bool,
) -> Markup {
    let label = scores.labels().get(label).map_or(number::DASH, String::as_str);
    let name = test.names.get(image).map_or(number::DASH, String::as_str);
    html! {
        figure.case {
            @if let Some(pictures) = &test.pictures { (picture(pictures.get(&image), &format!("{} {label}", if truth { "with" } else { "without" }), name)) }
            figcaption {
                div.name { (name) }
                div { span.bad { "✗ " strong { (label) } } ", labelled as " @if truth { "positive" } @else { "negative" } }
                ul.bars {
                    li.own {
                        span.label { "threshold " (format!("{threshold:.3}")) }
                        span.bar style={ "--share:" (format!("{:.4}", p.clamp(0.0, 1.0))) } {}
                        span.number { (format!("{p:.3}")) }
                    }
                }
            }
        }
    }
}

fn case(test: &Test, scores: &Scores, image: usize) -> Markup {
    let Some((label, row)) = scores.rows().nth(image) else { return html! {} };
    let predicted = argmax(row);
    let class = |class: usize| scores.labels().get(class).map_or(number::DASH, String::as_str);
    let name = test.names.get(image).map_or(number::DASH, String::as_str);
    html! {
        figure.case {
            @if let Some(pictures) = &test.pictures { (picture(pictures.get(&image), class(label), name)) }
            figcaption {
                div.name { (name) }
                div {
                    @if label == predicted { span.good { "✓ right" } ": " strong { (class(label)) } }
                    @else { span.bad { "✗ wrong" } ": " strong { (class(predicted)) } ", labelled " strong { (class(label)) } }
                }
                (bars(scores.labels(), label, row))
            }
        }
    }
}

fn picture(picture: Option<&Picture>, label: &str, name: &str) -> Markup {
    let data = |jpeg: &[u8]| format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg));
    let heat_map = picture.and_then(|picture| picture.heat_map.as_ref());
    html! {
        div.pictures {
            @match picture.and_then(|picture| picture.image.as_ref()) {
                Some(jpeg) => { img src=(data(jpeg)) alt={ "Test image labelled " (label) ": " (name) }; }
                None => { div.missing { "no picture" } }
            }
            @if let Some(jpeg) = heat_map { img src=(data(jpeg)) alt={ "Heat map of " (name) }; }
        }
    }
}

/// Renders probabilities as bars: the true class's and the highest.
fn bars(labels: &[String], label: usize, row: &[f64]) -> Markup {
    let mut order: Vec<usize> = (0..row.len()).collect();
    if row.len() > BARS {
        order.sort_by(|&a, &b| row[b].total_cmp(&row[a]).then(a.cmp(&b)));
        let own = order.iter().position(|&class| class == label).unwrap_or(0);
        if own >= BARS {
            order.swap(own, BARS - 1);
        }
        order.truncate(BARS);
    }
    html! {
        ul.bars {
            @for class in order {
                @let share = row[class].clamp(0.0, 1.0);
                li.own[class == label] {
                    span.label { (labels.get(class).map_or(number::DASH, String::as_str)) }
                    span.bar style={ "--share:" (format!("{share:.4}")) } {}
                    span.number { (format!("{share:.3}")) }
                }
            }
        }
    }
}
