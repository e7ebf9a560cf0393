//! Sections on reproducing the run: speed, settings, versions.

use maud::{Markup, html};

use crate::{Report, number, report::TRAINING};

pub(super) fn speed(report: &Report) -> Markup {
    let epochs = report.history.len() as f64;
    let fit = report.seconds().iter().find(|(part, _)| *part == TRAINING).map(|(_, seconds)| *seconds);
    let trained = report.images("training") as f64 * epochs;
    let rate = fit.filter(|&seconds| seconds > 0.0 && trained > 0.0).map(|seconds| trained / seconds);
    html! {
        section #speed {
            h2 { "Speed" }
            div.wide {
                table.narrow {
                    caption { "Wall times on " (number::count(report.record.threads, "thread")) "." }
                    thead { tr { th scope="col" { "part" } th scope="col" { "time" } } }
                    tbody {
                        @for (at, (part, seconds)) in report.seconds().iter().enumerate() {
                            tr.together[at + 1 == report.seconds().len()] { th scope="row" { (part) } td { (number::seconds(*seconds)) } }
                        }
                    }
                }
            }
            p {
                @if let Some(rate) = rate {
                    "Training went over " (number::whole(rate.round() as u64)) " images/s (all epochs, validation between them included). "
                }
                @if let Some(rate) = report.test.as_ref().and_then(|test| test.saved.images_per_second()) {
                    "The test classified " (number::whole(rate.round() as u64)) " images/s."
                }
            }
        }
    }
}

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #settings {
            h2 { "Settings" }
            details {
                summary { "All " (report.record.settings.len()) " settings, under their flags’ names" }
                div.wide {
                    table.settings {
                        thead { tr { th scope="col" { "setting" } th scope="col" { "value" } } }
                        tbody { @for (name, value) in report.settings() { tr { th scope="row" { code { (name) } } td { (value) } } } }
                    }
                }
            }
        }
    }
}

pub(super) fn origin(report: &Report) -> Markup {
    let versions: Vec<String> =
        report.record.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    html! {
        section #origin {
            h2 { "Versions and fingerprints" }
            dl {
                dt { "Versions" } dd { (versions.join(", ")) }
                dt { "Threads" } dd { (report.record.threads) }
                dt { "Device" } dd { (report.setting("device").unwrap_or_else(|| number::DASH.to_owned())) }
                dt { "Data" } dd {
                    code.hash { (report.record.data_fingerprint) }
                    div.soft { "SHA-256 over names, labels and 8-bit pixels of the training and validation images" }
                }
                @if let Some(hash) = &report.record.manifest_sha256 {
                    dt { "Manifest" } dd { code.hash { (hash) } div.soft { "SHA-256 of the CSV trained from" } }
                }
            }
        }
    }
}
