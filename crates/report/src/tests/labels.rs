//! Pages of runs of several findings an image.

use std::collections::BTreeMap;

use experiment::{
    Attribute, FindingCounts, LeftOutSubgroup, PooledAbove, PredictedImage, PredictionTable,
    SubgroupSettings, Subgroups, TestFigures, Tested,
};
use metrics::{Calibration, LabelCalibration, Scores, Targets, Task, ThresholdRule};

use super::{HOSTILE, answer, fixture::bare, has, has_sections, lacks};
use crate::{EvaluatedPredictions, Picture, Report, Test, evaluation_page, page, plots};

const IMAGES: usize = 240;
/// Label without positive images, and the one that is unknown everywhere.
const NEVER_POSITIVE: usize = 3;
const NEVER_KNOWN: usize = 5;

fn names() -> Vec<String> {
    let names = [
        "Atelectasis",
        "Cardiomegaly",
        "Consolidation",
        "Hernia",
        "Effusion",
        "Emphysema",
        "Enlarged Cardiomediastinum",
        "Infiltration",
        "Mass",
        "Nodule",
        "Pleural Thickening",
        "Pneumonia",
        "Pneumothorax",
        HOSTILE,
    ];
    names.map(str::to_owned).to_vec()
}

/// Makes predictions of this many images.
fn scores(images: usize) -> Scores {
    let names = names();
    let mut state = 28_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let (mut truth, mut p) = (Vec::new(), Vec::new());
    for _ in 0..images {
        for label in 0..names.len() {
            let positive = random() < 0.05 + 0.03 * label as f64 && label != NEVER_POSITIVE;
            let known = random() < 0.9 && label != NEVER_KNOWN;
            truth.push(known.then_some(positive));
            p.push((0.6 * random() + if positive { 0.35 } else { 0.05 }).clamp(0.0, 1.0));
        }
    }
    Scores::new(Targets::from_findings(names, truth).unwrap(), p).unwrap()
}

fn counts(scores: &Scores) -> Vec<FindingCounts> {
    let of = |label: usize, value: Option<bool>| {
        (0..scores.len()).filter(|&image| scores.targets().value(image, label) == value).count()
    };
    let label = |label: usize| FindingCounts {
        positive: of(label, Some(true)),
        negative: of(label, Some(false)),
        uncertain: 7,
        unknown: of(label, None),
    };
    (0..scores.n_labels()).map(label).collect()
}

fn tested(thresholds: &[f64]) -> Tested {
    Tested { thresholds: thresholds.to_vec(), ..Tested::from_file("predictions.csv".to_owned()) }
}

/// Makes a whole run of 14 labels, with everything that a page can show.
fn whole() -> Report {
    let scores = scores(IMAGES);
    let image = |image: usize| PredictedImage {
        path: format!("test/{image}.png").into(),
        group: Some(format!("{}", image / 2)),
        note: None,
    };
    let view = (0..IMAGES).map(|image| if image % 3 == 0 { "AP" } else { "PA" }.to_owned()).collect();
    let set = PredictionTable::new((0..IMAGES).map(image).collect(), scores)
        .unwrap()
        .with_attributes(vec![Attribute { name: "View".to_owned(), values: view }]);
    let labels: Vec<LabelCalibration> = (0..set.labels().len())
        .map(|label| LabelCalibration::choose(&set.scores, label, ThresholdRule::Youden, None))
        .collect();
    let calibration = Calibration { labels, ..Calibration::default() };
    let thresholds = calibration.thresholds(set.labels().len());
    let figures = TestFigures::new(&set, tested(&thresholds)).unwrap();
    let mut saved = figures.clone();
    let settings = SubgroupSettings { columns: vec!["view".to_owned()], bins: Vec::new() };
    saved.subgroups = Some(Subgroups::new(&set, &figures, &settings).unwrap());
    let mut report = bare();
    for row in &mut report.history {
        (row.accuracy, row.val_accuracy, row.auc, row.val_auc) = (None, None, Some(0.7), Some(0.72));
    }
    let found = counts(&set.scores);
    let record = &mut report.record;
    record.task = Task::MultiLabel;
    record.classes = set.labels().to_vec();
    record.best_val_auc = Some(0.72);
    let sets = ["training", "validation", "test"].map(str::to_owned);
    record.counts =
        sets.clone().map(|name| (name, found.iter().map(|of| of.positive).collect())).into_iter().collect();
    record.findings = sets.map(|name| (name, found.clone())).into_iter().collect();
    record.class_weights = vec![3.0; set.labels().len()];
    record.calibration = BTreeMap::from([("saved".to_owned(), calibration)]);
    let cases = crate::Cases::of(&set.scores).all();
    let picture = Picture { image: Some(vec![1, 2, 3]), heat_map: None };
    report.test = Some(Test {
        saved,
        last: Some(figures.clone()),
        occluded: [("lungs".to_owned(), figures)].into_iter().collect(),
        scores: Some(set.scores),
        names: set.images.iter().map(|image| image.path.display().to_string()).collect(),
        pictures: Some(cases.into_iter().map(|image| (image, picture.clone())).collect()),
    });
    report
}

#[test]
fn a_page_of_labels_has_its_sections_in_their_order() {
    let report = whole();
    let page = page(&report);
    let sections = [
        "data",
        "learning",
        "figures",
        "labels",
        "subgroups",
        "curves",
        "calibration",
        "shortcut",
        "cases",
        "speed",
        "settings",
        "origin",
        "checklist",
        "limits",
    ];
    has_sections(&page, &sections);
    for link in page.split("href=\"#").skip(1).map(|rest| rest.split_once('"').unwrap().0) {
        assert!(page.contains(&format!("id=\"{link}\"")), "`#{link}` leads nowhere");
    }
    has(
        &page,
        &[
            "has a macro ROC AUC of",
            "the mean over 12 of 14 labels, on 240 test images",
            "test images of 120 groups, such as patients",
            "Micro average precision",
            "Labels together",
            "few images",
            "A high macro ROC AUC there is a warning",
            "highest validation macro ROC AUC",
            "no known positive image of `Hernia`",
            "`Emphysema` is known in no image",
        ],
    );
    lacks(&page, &["NaN", "accuracy", "Confusion", "<script", "\u{1}", "right:", "inf\""]);
    has(&page, &["&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; 'x' \u{fffd}"]);
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
    if let Some(path) = std::env::var_os("REPORT_PAGE") {
        std::fs::write(path, page).unwrap();
    }
}

#[test]
fn a_page_of_many_images_stays_small() {
    let mut report = whole();
    report.test.as_mut().unwrap().scores = Some(scores(20_000));
    let page = page(&report);
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
}

#[test]
fn plots_of_labels_are_sound_svg() {
    let plots = plots(&whole());
    let names: Vec<&str> = plots.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["loss", "auc", "labels", "shortcut", "roc", "precision-recall", "reliability"]);
    for (name, svg) in &plots {
        let file = roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{name}: {error}\n{svg}"));
        let names = file.descendants().filter(|node| node.attribute("class") == Some("name")).count();
        assert!(names >= 2, "{name}: an axis has no name");
        lacks(svg, &["NaN", "inf", "<script"]);
    }
}

#[test]
fn the_checklist_of_labels_says_what_the_run_says() {
    let mut report = whole();
    assert_eq!(answer(&report, "Enough images of every label"), "✗ no");
    assert_eq!(answer(&report, "Intervals given"), "✓ yes");
    assert_eq!(answer(&report, "Class imbalance met"), "✓ yes");
    assert_eq!(answer(&report, "Failure analysis"), "✓ yes");
    // Thresholds of two labels could not be chosen, and one label has no calibration error.
    assert_eq!(answer(&report, "Operating points chosen on validation"), "~ in part");
    assert_eq!(answer(&report, "Calibration measured"), "~ in part");
    has(
        &page(&report),
        &["12 thresholds, reported on the test set; 2 could not be chosen", "Hernia (0 positive, "],
    );
    report.record.class_weights = vec![1.0; 14];
    assert_eq!(answer(&report, "Class imbalance met"), "✗ no");
    for label in &mut report.record.calibration.get_mut("saved").unwrap().labels {
        label.note = None;
    }
    assert_eq!(answer(&report, "Operating points chosen on validation"), "✓ yes");
    report.record.calibration.clear();
    assert_eq!(answer(&report, "Operating points chosen on validation"), "✗ no");
}

#[test]
fn a_run_of_labels_without_a_test_or_predictions_has_a_page_too() {
    let mut report = whole();
    report.test.as_mut().unwrap().scores = None;
    report.test.as_mut().unwrap().saved.subgroups = None;
    let without = page(&report);
    has(&without, &["holds no predictions of single images", "<section id=\"labels\">"]);
    lacks(&without, &["<section id=\"subgroups\">", "<section id=\"cases\">", "Labels together"]);
    report.test = None;
    let untested = page(&report);
    has(&untested, &["was not tested", "240 validation images"]);
    lacks(&untested, &["<section id=\"labels\">", "accuracy", "NaN"]);
}

#[test]
fn the_surest_mistakes_of_a_label_are_by_its_known_images() {
    let truth = [Some(true), Some(false), None, Some(false), Some(true)];
    let targets = Targets::from_findings(["Edema"], truth.to_vec()).unwrap();
    let scores = Scores::new(targets, vec![0.4, 0.7, 0.9, 0.7, 0.2]).unwrap();
    let cases = crate::Cases::of(&scores);
    assert_eq!(
        cases.labels.iter().map(|of| (of.negative, of.positive)).collect::<Vec<_>>(),
        [(Some(1), Some(4))]
    );
    assert_eq!((cases.all(), cases.all_mistakes), (vec![1, 4], 0));
}

#[test]
fn a_model_that_ranks_by_an_attribute_is_warned_of() {
    let mut report = whole();
    let subgroups = report.test.as_mut().unwrap().saved.subgroups.as_mut().unwrap();
    subgroups.pooled_above.clear();
    subgroups.parts[0].value = HOSTILE.to_owned();
    let warning = "rank better than any value of";
    lacks(&page(&report), &[warning]);
    let subgroups = report.test.as_mut().unwrap().saved.subgroups.as_mut().unwrap();
    subgroups.pooled_above = vec![PooledAbove { column: HOSTILE.to_owned(), pooled: 0.91, highest: 0.85 }];
    subgroups.left_out = vec![LeftOutSubgroup {
        column: HOSTILE.to_owned(),
        value: HOSTILE.to_owned(),
        images: 3,
        reason: "fewer than 20 images".to_owned(),
    }];
    let page = page(&report);
    has(&page, &[warning, "macro ROC AUC 0.9100 against at most 0.8500", "fewer than 20 images (3 images)"]);
    lacks(&page, &["<script", "\u{1}"]);
}

/// Covers labels of which none is known: no figure has a value.
#[test]
fn a_run_in_which_nothing_is_known_has_a_page_too() {
    let mut report = whole();
    let names = names();
    let unknown = Targets::from_findings(names.clone(), vec![None; 40 * names.len()]).unwrap();
    let scores = Scores::new(unknown, vec![0.5; 40 * names.len()]).unwrap();
    let image = |image: usize| PredictedImage { path: format!("{image}").into(), group: None, note: None };
    let set = PredictionTable::new((0..40).map(image).collect(), scores.clone()).unwrap();
    let test = report.test.as_mut().unwrap();
    test.saved = TestFigures::new(&set, tested(&[])).unwrap();
    test.scores = Some(scores);
    let page = page(&report);
    has(&page, &["has no macro ROC AUC on 40 test images: no label has a value.", "groups unknown"]);
    lacks(&page, &["NaN", "inf\""]);
    for (name, svg) in plots(&report) {
        roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!svg.contains("NaN"), "{name}");
    }
}

/// Covers more labels than co-occurrence and cases are shown of.
#[test]
fn many_labels_have_a_small_page() {
    let mut report = whole();
    let n = 60;
    let names: Vec<String> = (0..n).map(|label| format!("finding {label} of a long name")).collect();
    let truth = (0..40 * n).map(|at| Some(at % 7 == 0)).collect();
    let p = (0..40 * n).map(|at| (at * 37 % 101) as f64 / 101.0).collect();
    let scores = Scores::new(Targets::from_findings(names.clone(), truth).unwrap(), p).unwrap();
    let image = |image: usize| PredictedImage { path: format!("{image}").into(), group: None, note: None };
    let set = PredictionTable::new((0..40).map(image).collect(), scores.clone()).unwrap();
    report.record.classes = names;
    let test = report.test.as_mut().unwrap();
    test.saved = TestFigures::new(&set, tested(&[])).unwrap();
    test.scores = Some(scores);
    let page = page(&report);
    has(&page, &["Co-occurrence is shown of at most 20 labels", "of the first 24 labels"]);
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
}

/// Makes the evaluation of a run's predictions.
fn evaluation(report: Report) -> EvaluatedPredictions {
    let test = Test { last: None, occluded: BTreeMap::new(), pictures: None, ..report.test.unwrap() };
    EvaluatedPredictions { name: HOSTILE.to_owned(), test }
}

#[test]
fn predictions_have_a_page_of_one_model_without_anything_of_a_run() {
    let page = evaluation_page(&evaluation(whole()));
    has_sections(
        &page,
        &["figures", "labels", "subgroups", "curves", "calibration", "data", "cases", "limits"],
    );
    has(
        &page,
        &[
            "The model has a macro ROC AUC of ",
            "They were given",
            "Labels together",
            "Pictures were left out",
        ],
    );
    lacks(
        &page,
        &[
            "saved model",
            "final (",
            "<script",
            "id=\"learning\"",
            "id=\"checklist\"",
            "on the validation images",
        ],
    );
    for link in page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(page.contains(&format!("id=\"{link}\"")), "`#{link}` leads nowhere");
    }
}

#[test]
fn predictions_of_classes_have_a_page_too() {
    let page = evaluation_page(&evaluation(super::fixture::whole()));
    has_sections(&page, &["figures", "classes", "confusion", "curves", "calibration", "cases", "limits"]);
    has(&page, &["The model gets 5 of 8 test images right"]);
    lacks(
        &page,
        &["saved model", "final (", "<script", "id=\"shortcut\"", "train --calibrate", "train --sensitivity"],
    );
    for link in page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(page.contains(&format!("id=\"{link}\"")), "`#{link}` leads nowhere");
    }
}
