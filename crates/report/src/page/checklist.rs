//! Checklist of the steps that were and were not taken, in the order of CLAIM, the checklist for artificial intelligence in
//! medical imaging (Mongan, Moy and Kahn 2020, Radiology: Artificial Intelligence 2, e200029; item numbers are its). Each
//! answer is derived from the run's files; facts that no file holds are answered as unknown.

use audit::Sign;
use maud::{Markup, html};

use crate::{AuditSummary, Report, number};

/// Answer to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    Partly,
    No,
    Unknown,
}

/// Item of the checklist: its number in CLAIM 2020, its answer, and the reason for that.
pub(super) struct Item {
    pub(super) what: &'static str,
    claim: &'static str,
    pub(super) answer: Answer,
    pub(super) why: String,
}

impl Answer {
    fn word(self) -> &'static str {
        match self {
            Self::Yes => "✓ yes",
            Self::Partly => "~ in part",
            Self::No => "✗ no",
            Self::Unknown => "? not known",
        }
    }

    fn of(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #checklist {
            h2 { "What was done, and what was not" }
            div.wide {
                table.checklist {
                    caption { "Derived from the run’s own files, after CLAIM (Checklist for Artificial Intelligence in Medical Imaging, 2020)." }
                    thead { tr { th scope="col" { "item" } th scope="col" { "CLAIM" } th scope="col" { "done" } th scope="col" { "what that rests on" } } }
                    tbody {
                        @for item in items(report) {
                            tr {
                                th scope="row" { (item.what) }
                                td { (item.claim) }
                                td.answer.bad[item.answer == Answer::No].good[item.answer == Answer::Yes] { (item.answer.word()) }
                                td { (item.why) }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn items(report: &Report) -> Vec<Item> {
    let item = |what, claim, (answer, why): (Answer, String)| Item { what, claim, answer, why };
    let labels = !report.record.task.is_multi_class();
    vec![
        item("Data can be identified", "7", identified(report)),
        item("Unreadable images told", "13", skipped(report)),
        item(
            "Reference standard described",
            "14",
            (
                Answer::Unknown,
                "labels are those of the data set; who made them, and how, no file says".to_owned(),
            ),
        ),
        item("Patients kept apart", "21", patients(report)),
        item("No copies across sets", "20", copies(report)),
        item("Training can be repeated", "25", repeated(report)),
        item("Model chosen without the test set", "26", chosen(report)),
        item(
            "Class imbalance met",
            "25",
            if labels { imbalance_of_labels(report) } else { imbalance(report) },
        ),
        item("Intervals given", "29", intervals(report)),
        item(
            if labels { "Enough images of every label" } else { "Enough images of every class" },
            "19",
            if labels { enough_of_labels(report) } else { enough(report) },
        ),
        item(
            "Calibration measured",
            "28",
            if labels { calibration_of_labels(report) } else { calibration(report) },
        ),
        item(
            "Operating points chosen on validation",
            "36",
            if labels { thresholds(report) } else { operating_points(report) },
        ),
        item("Files give no class away", "30", source(report)),
        item("Shortcut test", "30", occluded(report)),
        item("Explained by heat maps", "31", heat_maps(report)),
        item(
            "External test",
            "32",
            (
                Answer::No,
                "the run holds one test set, and nothing says that it is from elsewhere; `thorax test --data \
                 NAME=FOLDER` tests on others"
                    .to_owned(),
            ),
        ),
        item(
            "Demographics given",
            "34",
            (Answer::Unknown, "age, sex, device and hospital are not among what was read".to_owned()),
        ),
        item("Failure analysis", "37", failures(report)),
    ]
}

fn identified(report: &Report) -> (Answer, String) {
    let manifest = if report.record.manifest_sha256.is_some() { " and one of the manifest" } else { "" };
    (
        Answer::of(!report.record.data_fingerprint.is_empty()),
        format!("a SHA-256 of the training and validation images{manifest}"),
    )
}

fn skipped(report: &Report) -> (Answer, String) {
    match report.record.skipped.len() {
        0 => (Answer::Yes, "no file was left out as unreadable".to_owned()),
        n => (Answer::Yes, format!("{} left out and named", number::count(n, "file"))),
    }
}

fn patients(report: &Report) -> (Answer, String) {
    let Some(AuditSummary { grouped: Some(grouped), images, shared_groups, .. }) = report.audit else {
        let (answer, rest) = (Answer::Unknown, "no audit says which patients there are");
        return (answer, rest.to_owned());
    };
    let of = format!(
        "of {} of {} images a group such as a patient is known",
        number::whole(grouped as u64),
        number::whole(images as u64)
    );
    match (grouped, shared_groups) {
        (0, _) => (Answer::No, "groups are unknown: one patient’s images may be in several sets".to_owned()),
        (_, 1..) => {
            (Answer::No, format!("{} in more than one set; {of}", number::count(shared_groups, "group")))
        }
        _ if grouped < images => (Answer::Partly, format!("no known group is in two sets; {of}")),
        _ => (Answer::Yes, format!("no group is in two sets; {of}")),
    }
}

fn copies(report: &Report) -> (Answer, String) {
    match &report.audit {
        None => (Answer::Unknown, "no audit looked for them".to_owned()),
        Some(audit) => (
            Answer::of(audit.across_sets == 0),
            format!(
                "{} across sets found, exact and near ones",
                number::count(audit.across_sets, "copied pair")
            ),
        ),
    }
}

fn repeated(report: &Report) -> (Answer, String) {
    let (seed, version) = (report.setting("seed"), !report.record.versions.is_empty());
    let answer = Answer::of(seed.is_some() && version && !report.record.data_fingerprint.is_empty());
    (
        answer,
        format!(
            "seed {}, every setting, versions and a fingerprint of the data are below",
            seed.as_deref().unwrap_or(number::DASH)
        ),
    )
}

fn chosen(report: &Report) -> (Answer, String) {
    let validation = report.images("validation");
    match (report.record.best_epoch, validation) {
        (Some(epoch), 1..) => (
            Answer::Yes,
            format!(
                "epoch {epoch} by the {} on {}; what was changed after seeing test figures, no file knows",
                if report.chosen_by_auc() { "macro ROC AUC" } else { "loss" },
                number::count(validation, "validation image")
            ),
        ),
        _ => (Answer::Unknown, "no epoch was chosen on validation images".to_owned()),
    }
}

fn imbalance(report: &Report) -> (Answer, String) {
    let (most, least) = (
        report.counts("training").and_then(|of| of.iter().max()),
        report.counts("training").and_then(|of| of.iter().min()),
    );
    let (Some(&most), Some(&least)) = (most, least) else {
        return (Answer::Unknown, "no counts are known".to_owned());
    };
    let ratio = format!(
        "the largest class has {:.1} times the images of the smallest",
        most as f64 / least.max(1) as f64
    );
    match (report.weighted(), most as f64 > 1.5 * least as f64) {
        (true, _) => (Answer::Yes, format!("{ratio}; the training loss is weighted by class")),
        (false, true) => (Answer::No, format!("{ratio}; the training loss is not weighted")),
        (false, false) => (Answer::Yes, format!("none to meet: {ratio}")),
    }
}

fn intervals(report: &Report) -> (Answer, String) {
    match report.test.as_ref().map(|test| &test.saved) {
        None => untested(),
        Some(saved) => match (saved.figure(main_figure(report)).interval, saved.groups) {
            (None, _) => (Answer::No, "the test figures have none".to_owned()),
            (_, Some(groups)) => (Answer::Yes, format!("95 %, by {groups} groups")),
            (_, None) => {
                (Answer::Yes, "95 %, image by image: too narrow where patients have several".to_owned())
            }
        },
    }
}

/// Key of the figure by which models of this task are judged first.
fn main_figure(report: &Report) -> &'static str {
    if report.record.task.is_multi_class() { "accuracy" } else { "macro_roc_auc" }
}

fn enough(report: &Report) -> (Answer, String) {
    let Some(test) = &report.test else { return untested() };
    let few: Vec<String> = test
        .saved
        .multi_class()
        .iter()
        .flat_map(|figures| &figures.classes)
        .filter(|class| class.few)
        .map(|class| format!("{} ({})", class.label, class.support))
        .collect();
    let least = metrics::FEW_IMAGES;
    match few.is_empty() {
        true => (Answer::Yes, format!("at least {least} test images of each; no sample size was calculated")),
        false => (Answer::No, format!("fewer than {least} test images or groups of {}", few.join(", "))),
    }
}

fn calibration(report: &Report) -> (Answer, String) {
    let Some(test) = &report.test else { return untested() };
    let fitted = match report.temperature() {
        Some(fit) => {
            format!("; a temperature was fitted on {}", number::count(fit.images, "validation image"))
        }
        None => "; no temperature was fitted".to_owned(),
    };
    match test.saved.figure("expected_calibration_error").value {
        Some(error) => (Answer::Yes, format!("expected calibration error {error:.4}{fitted}")),
        None => (Answer::No, format!("it has no value{fitted}")),
    }
}

fn operating_points(report: &Report) -> (Answer, String) {
    match report.test.as_ref().and_then(|test| Some(test.saved.multi_class()?.operating_points.len())) {
        None => untested(),
        Some(0) => (Answer::No, "none were asked for; the highest probability decides".to_owned()),
        Some(n) => (Answer::Yes, format!("{}, reported on the test set", number::count(n, "threshold"))),
    }
}

fn source(report: &Report) -> (Answer, String) {
    match report.audit.as_ref().and_then(|audit| audit.source) {
        None => (Answer::Unknown, "it was not tried".to_owned()),
        Some(source) => {
            let answer = match source.sign {
                Sign::None => Answer::Yes,
                Sign::Weak => Answer::Partly,
                Sign::Strong => Answer::No,
            };
            let (accuracy, chance) = (source.balanced_accuracy, source.chance);
            (
                answer,
                format!(
                    "file facts alone classify with a balanced accuracy of {accuracy:.2}, guessing with {chance:.2}"
                ),
            )
        }
    }
}

fn occluded(report: &Report) -> (Answer, String) {
    let Some(test) = &report.test else { return untested() };
    let occluded: Vec<_> = test.occluded().collect();
    match &occluded[..] {
        [] => (Answer::No, "nothing was hidden from the model".to_owned()),
        occluded => {
            let hidden: Vec<&str> = occluded.iter().map(|(part, _)| *part).collect();
            (Answer::Yes, format!("tested with these hidden: {}", hidden.join(", ")))
        }
    }
}

fn heat_maps(report: &Report) -> (Answer, String) {
    let pictures = report.test.as_ref().and_then(|test| test.pictures.as_ref());
    let maps =
        pictures.map_or(0, |pictures| pictures.values().filter(|picture| picture.heat_map.is_some()).count());
    match maps {
        0 => (Answer::No, "the page holds none".to_owned()),
        n => (Answer::Yes, format!("{} of the cases shown", number::count(n, "heat map"))),
    }
}

fn failures(report: &Report) -> (Answer, String) {
    let Some(test) = &report.test else { return untested() };
    let Some(scores) = &test.scores else {
        return (Answer::No, "no predictions of single images were kept".to_owned());
    };
    let mistakes = match test.saved.multi_label() {
        Some(figures) => {
            let wrong = figures
                .labels
                .iter()
                .map(|label| label.counts.false_positives + label.counts.false_negatives);
            format!("{} about labels", number::count(wrong.sum::<u64>() as usize, "mistake"))
        }
        None => number::count(crate::Cases::of(scores).all_mistakes, "mistake"),
    };
    let pictures = test
        .pictures
        .as_ref()
        .is_some_and(|pictures| pictures.values().any(|picture| picture.image.is_some()));
    match pictures {
        true => (
            Answer::Yes,
            format!("{mistakes}, the most confident shown; nobody’s judgement of them is recorded"),
        ),
        false => (Answer::Partly, format!("{mistakes}, the most confident named, without pictures")),
    }
}

/// Share of positive images below which a label is imbalanced: then negative ones are more than 1.5 times as many.
const BALANCED: f64 = 0.4;

fn imbalance_of_labels(report: &Report) -> (Answer, String) {
    let training = report.record.findings.get("training").map_or(&[][..], Vec::as_slice);
    let shares = training.iter().zip(&report.record.classes).filter_map(|(of, label)| {
        let known = of.positive + of.negative;
        (known > 0).then(|| (of.positive as f64 / known as f64, label))
    });
    let Some((share, label)) = shares.min_by(|a, b| a.0.total_cmp(&b.0)) else {
        return (Answer::Unknown, "no counts are known".to_owned());
    };
    let rarest = format!(
        "the rarest label, {label}, is positive in {} of its known training images",
        number::percent(share)
    );
    match (report.weighted(), share < BALANCED) {
        (true, _) => (Answer::Yes, format!("{rarest}; the training loss weighs positive images")),
        (false, true) => (Answer::No, format!("{rarest}; the training loss is not weighted")),
        (false, false) => (Answer::Yes, format!("none to meet: {rarest}")),
    }
}

fn enough_of_labels(report: &Report) -> (Answer, String) {
    let Some(test) = &report.test else { return untested() };
    let labels = test.saved.multi_label().map_or(&[][..], |figures| &figures.labels);
    let few: Vec<String> = labels
        .iter()
        .filter(|label| label.few)
        .map(|label| {
            format!(
                "{} ({} positive, {} negative)",
                label.label,
                label.positives,
                label.known.saturating_sub(label.positives)
            )
        })
        .collect();
    let least = metrics::FEW_IMAGES;
    match few.is_empty() {
        true => (
            Answer::Yes,
            format!(
                "at least {least} positive and {least} negative test images of each; no sample size was calculated"
            ),
        ),
        false => {
            (Answer::No, format!("fewer than {least} positive or negative test images of {}", few.join(", ")))
        }
    }
}

fn calibration_of_labels(report: &Report) -> (Answer, String) {
    let Some(test) = &report.test else { return untested() };
    let tempered = report.label_calibration().iter().filter(|label| label.temperature.is_some()).count();
    let fitted = match tempered {
        0 => "no temperature was fitted".to_owned(),
        n => format!("temperatures of {} were fitted on validation images", number::count(n, "label")),
    };
    let errors = test.saved.by_label("expected_calibration_error");
    let measured: Vec<(&str, f64)> =
        errors.iter().filter_map(|(label, figure)| Some((*label, figure.value?))).collect();
    match measured.iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
        None => (Answer::No, format!("no label has a calibration error; {fitted}")),
        Some((label, error)) => {
            let answer = if measured.len() == errors.len() { Answer::Yes } else { Answer::Partly };
            let of = format!("of {} of {}", measured.len(), number::count(errors.len(), "label"));
            (answer, format!("expected calibration error {of}, the largest {error:.4}, of {label}; {fitted}"))
        }
    }
}

fn thresholds(report: &Report) -> (Answer, String) {
    let learnt = report.label_calibration();
    if report.test.is_none() {
        return untested();
    }
    let chosen = learnt.iter().filter(|label| label.note.is_none()).count();
    match (chosen, learnt.len() - chosen) {
        (0, _) => (Answer::No, "none were chosen; a probability of 0.5 decides".to_owned()),
        (n, 0) => (Answer::Yes, format!("{}, reported on the test set", number::count(n, "threshold"))),
        (n, rest) => (
            Answer::Partly,
            format!(
                "{}, reported on the test set; {} could not be chosen and decide at 0.5",
                number::count(n, "threshold"),
                number::whole(rest as u64)
            ),
        ),
    }
}

fn untested() -> (Answer, String) {
    (Answer::No, "there is no test set".to_owned())
}
