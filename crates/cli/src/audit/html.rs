//! Page of an audit's findings, in one self-contained file. maud escapes every name.

use ::audit::{CopyKind, CopyPair, Source};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use data::Decoding;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use rayon::prelude::*;

use super::{AuditReport, count, kind};

/// Largest number of pairs, and of strange images, that are shown; the rest is counted.
const SHOWN: usize = 100;
/// Longer side of a picture in pixels.
const SIDE: usize = 240;
const STYLE: &str = include_str!("page.css");

pub(super) fn page(report: &AuditReport, decoding: &Decoding) -> String {
    let audit = &report.audit;
    let title = report.listing.root.display().to_string();
    let (leaks, harmless): (Vec<&CopyPair>, Vec<&CopyPair>) =
        audit.copies.iter().partition(|pair| audit.is_leak(pair));
    let pairs: Vec<&CopyPair> = audit.copies.iter().take(SHOWN).collect();
    let shown = pairs.iter().flat_map(|pair| [pair.first, pair.second]);
    let shown: Vec<usize> = shown.chain(audit.strange.iter().take(SHOWN).map(|(image, _)| *image)).collect();
    let pictures = Pictures::new(report, shown, decoding);
    let shown_leaks = leaks.len().min(SHOWN);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Nothing is fetched and no script runs, whatever a file is called.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'";
                title { "Audit of " (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Audit of " (title) }
                    p { (report.counts()) }
                    @if report.is_synthetic() { p { "Synthetic phantoms, no radiographs." } }
                    p.verdict.bad[audit.leaks() > 0] { (report.verdict()) }
                    nav { (summary(report, leaks.len(), harmless.len())) }
                }
                main {
                    section #leaks {
                        h2 { (leaks_heading(report)) }
                        @if leaks.is_empty() { p { "None." } }
                        (pairs_of(report, &leaks[..shown_leaks], &pictures))
                        (rest(leaks.len(), shown_leaks, "pair"))
                    }
                    @if !audit.shared_groups.is_empty() { (groups(report)) }
                    @if !audit.unreadable.is_empty() { (unreadable(report)) }
                    (sources(report))
                    section #strange {
                        h2 { "Images unlike radiographs" }
                        @if audit.strange.is_empty() { p { "None." } }
                        div.pictures {
                            @for (image, oddities) in audit.strange.iter().take(SHOWN) {
                                (picture(report, *image, &pictures, html! {
                                    @for oddity in oddities { div.reason { (oddity.to_string()) } }
                                }))
                            }
                        }
                        (rest(audit.strange.len(), SHOWN, "image"))
                    }
                    section #harmless {
                        h2 { "Copies within a set and class" }
                        p { "They count their image twice, but make no result untrue." }
                        @let room = SHOWN - shown_leaks;
                        (pairs_of(report, &harmless[..harmless.len().min(room)], &pictures))
                        (rest(harmless.len(), room, "pair"))
                    }
                }
                footer { p { "Thorax " (env!("CARGO_PKG_VERSION")) ": for research and teaching, not for clinical use." } }
            }
        }
    }
    .into_string()
}

fn leaks_heading(report: &AuditReport) -> &'static str {
    match report.listing.is_multi_label() {
        true => "Copies in different sets or with contradicting findings",
        false => "Copies in different sets or classes",
    }
}

/// Draws the summary of findings, with links to the sections.
fn summary(report: &AuditReport, leaks: usize, harmless: usize) -> Markup {
    let audit = &report.audit;
    let source =
        audit.source.as_ref().map_or("–".to_owned(), |source| format!("{:.2}", source.balanced_accuracy));
    let copies = match report.listing.is_multi_label() {
        true => "copies in different sets or with contradicting findings",
        false => "copies in different sets or classes",
    };
    let entries = [
        ("#leaks", leaks.to_string(), copies, leaks > 0),
        (
            "#groups",
            audit.shared_groups.len().to_string(),
            "groups in more than one set",
            !audit.shared_groups.is_empty(),
        ),
        (
            "#unreadable",
            audit.unreadable.len().to_string(),
            "images that cannot be read",
            !audit.unreadable.is_empty(),
        ),
        ("#source", source, "balanced accuracy of file facts alone", false),
        ("#strange", audit.strange.len().to_string(), "images unlike radiographs", false),
        ("#harmless", harmless.to_string(), "copies within a set and class", false),
    ];
    html! {
        @for (link, number, what, bad) in entries {
            // These two sections are missing where they would be empty.
            @let linked = bad || !matches!(link, "#groups" | "#unreadable");
            a.tile.bad[bad] href=[linked.then_some(link)] { strong { (number) } span { (what) } }
        }
    }
}

fn pairs_of(report: &AuditReport, pairs: &[&CopyPair], pictures: &Pictures) -> Markup {
    html! {
        @for pair in pairs {
            div.pair {
                p.kind {
                    strong { (kind(pair.kind)) }
                    @if pair.kind == CopyKind::Near { " · similarity " (format!("{:.2}", pair.similarity)) }
                    @if report.audit.across_sets(pair) { " · " span.bad { "different sets" } }
                    @if report.audit.across_classes(pair) { " · " span.bad { "different classes" } }
                }
                div.pictures {
                    (picture(report, pair.first, pictures, html! {}))
                    (picture(report, pair.second, pictures, html! {}))
                }
            }
        }
    }
}

/// Draws a picture with the facts about its file.
fn picture(report: &AuditReport, image: usize, pictures: &Pictures, more: Markup) -> Markup {
    let (set, label) = (report.set(image), report.label(image));
    let audited = &report.audit.images[image];
    html! {
        figure {
            @match pictures.data(image) {
                Some(data) => { img src=(data) alt={ "Image of class " (label) ", " (set) " set: " (audited.sample.name) }; }
                None => { div.missing { "no picture" } }
            }
            figcaption {
                div.name { (audited.sample.name) }
                div { (set) " · " (label) }
                @if let Some(facts) = &audited.facts {
                    div { (facts.width) "×" (facts.height) " · " (facts.format) ", " (facts.colour) " · " (bytes(facts.bytes)) }
                }
                (more)
            }
        }
    }
}

fn groups(report: &AuditReport) -> Markup {
    let groups = &report.audit.shared_groups;
    html! {
        section #groups {
            h2 { "Groups in more than one set" }
            p { "Images of one patient are alike: what is learned of one in training is known of the other in a test." }
            ul {
                @for group in groups.iter().take(SHOWN) {
                    li {
                        strong { (group.group) } ": "
                        @for (i, &image) in group.images.iter().take(SHOWN).enumerate() {
                            @if i > 0 { ", " }
                            (report.audit.images[image].sample.name) " (" (report.set(image)) ")"
                        }
                        (rest(group.images.len(), SHOWN, "image"))
                    }
                }
            }
            (rest(groups.len(), SHOWN, "group"))
        }
    }
}

fn unreadable(report: &AuditReport) -> Markup {
    let unreadable = &report.audit.unreadable;
    html! {
        section #unreadable {
            h2 { "Images that cannot be read" }
            ul {
                @for (image, error) in unreadable.iter().take(SHOWN) {
                    li { span.name { (report.path(*image).display().to_string()) } ": " (error.to_string()) }
                }
            }
            (rest(unreadable.len(), SHOWN, "image"))
        }
    }
}

fn sources(report: &AuditReport) -> Markup {
    html! {
        section #source {
            h2 { "Do files give their classes away?" }
            p { (report.source_sentence()) }
            @if let Some(source) = &report.audit.source { (facts(report, source)) }
        }
    }
}

/// Draws the table of typical facts of each class, and how well each fact tells the classes apart.
fn facts(report: &AuditReport, source: &Source) -> Markup {
    let above = |accuracy: f64| ((accuracy - source.chance) / (1.0 - source.chance)).clamp(0.0, 1.0);
    html! {
        div.wide {
            table {
                caption {
                    "Cross-validated on " (count(source.images, "image")) "; guessing has a balanced accuracy of "
                    (format!("{:.2}", source.chance)) ". Per class: the median, or the most frequent value; of all facts "
                    "together, the share of its images that is recognised."
                }
                thead {
                    tr {
                        th scope="col" { "fact" }
                        th scope="col" { "balanced accuracy" }
                        @for label in &report.labels { th scope="col" { (label) } }
                    }
                }
                tbody {
                    tr.together {
                        th scope="row" { "all together" }
                        (accuracy(source.balanced_accuracy, above(source.balanced_accuracy)))
                        @for recall in &source.recalls { td { (format!("{recall:.2}")) } }
                    }
                    @for fact in &source.facts {
                        tr {
                            th scope="row" { (fact.name) }
                            (accuracy(fact.balanced_accuracy, above(fact.balanced_accuracy)))
                            @for typical in &fact.typical { td { (typical) } }
                        }
                    }
                }
            }
        }
    }
}

/// Draws a figure with a bar for how far it is above guessing.
fn accuracy(value: f64, above: f64) -> Markup {
    html! {
        td.accuracy {
            span.bar style={ "--share:" (format!("{:.3}", above)) } {}
            (format!("{value:.2}"))
        }
    }
}

fn rest(of: usize, shown: usize, what: &str) -> Markup {
    html! { @if of > shown { p.rest { "… and " (count(of - shown, what)) " more" } } }
}

fn bytes(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// Small pictures of some images, as `data:` addresses.
struct Pictures(std::collections::HashMap<usize, String>);

impl Pictures {
    /// Reads the files again, since the audit keeps no pixels.
    fn new(report: &AuditReport, mut images: Vec<usize>, decoding: &Decoding) -> Self {
        images.sort_unstable();
        images.dedup();
        let picture = |image: usize| {
            let bytes = data::read_file(report.path(image), decoding).ok()?;
            let jpeg = data::thumbnail(&data::decode(&bytes, decoding).ok()?.pixels, SIDE).ok()?;
            Some((image, format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg))))
        };
        Self(images.into_par_iter().filter_map(picture).collect())
    }

    fn data(&self, image: usize) -> Option<&str> {
        self.0.get(&image).map(String::as_str)
    }
}
