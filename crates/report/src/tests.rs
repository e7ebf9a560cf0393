mod fixture;
mod labels;

use fixture::{bare, figures, of_classes, scores, tested, whole};

use super::*;

const HOSTILE: &str = "<script>alert(\"1\")</script> & 'x' \u{1}\u{202e}";

#[track_caller]
fn has(page: &str, words: &[&str]) {
    for word in words {
        assert!(page.contains(word), "`{word}` is not in the page");
    }
}

/// Checks that sections are there, in this order.
#[track_caller]
fn has_sections(page: &str, sections: &[&str]) {
    let mut rest = page;
    for section in sections {
        let place = rest.find(&format!("<section id=\"{section}\">"));
        assert!(place.is_some(), "`{section}` is not where it should be");
        rest = &rest[place.unwrap_or(0)..];
    }
}

#[track_caller]
fn lacks(page: &str, words: &[&str]) {
    for word in words {
        assert!(!page.contains(word), "`{word}` is in the page");
    }
}

/// Finds the checklist's answer to an item.
#[track_caller]
fn answer(report: &Report, item: &str) -> String {
    let page = page(report);
    let row = page.split("<tr>").find(|row| row.contains(&format!("<th scope=\"row\">{item}</th>")));
    let row = row.unwrap_or_else(|| panic!("`{item}` is no item"));
    let answer = row.split("<td class=\"answer").nth(1).unwrap();
    answer.split_once('>').unwrap().1.split_once('<').unwrap().0.to_owned()
}

#[test]
fn every_section_is_there_in_its_order() {
    let page = page(&whole());
    let sections = [
        "data",
        "learning",
        "figures",
        "classes",
        "confusion",
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
    has(
        &page,
        &[
            "gets 5 of 8 test images right: accuracy 0.6250, 95 % interval 0.575 to 0.655",
            "Not for clinical use",
        ],
    );
    has(
        &page,
        &[
            "The fit ended at the upper bound",
            "The temperature lowered the log loss of the test images: from 0.600000 to 0.500000.",
            "A high accuracy there is a warning",
        ],
    );
    has(
        &page,
        &["b taken for a: 2 of 4 (50 %)", "few images", "precision of `b`: no image was predicted as it"],
    );
    has(&page, &["src=\"data:image/jpeg;base64,AQID\"", "alt=\"Heat map of test/4.png\"", "no picture"]);
    for link in page.split("href=\"#").skip(1).map(|rest| rest.split_once('"').unwrap().0) {
        assert!(page.contains(&format!("id=\"{link}\"")), "`#{link}` leads nowhere");
    }
}

#[test]
fn a_run_without_a_test_says_so_and_promises_nothing() {
    let report = bare();
    let page = page(&report);
    has(
        &page,
        &[
            "was not tested: nothing is known of how it does on new images",
            "It was not tested.",
            "None was made.",
        ],
    );
    lacks(
        &page,
        &["<section id=\"figures\">", "<section id=\"cases\">", "<section id=\"calibration\">", "NaN"],
    );
    for item in [
        "Intervals given",
        "Calibration measured",
        "Failure analysis",
        "Shortcut test",
        "Data can be identified",
    ] {
        assert_eq!(answer(&report, item), "✗ no", "{item}");
    }
    assert_eq!(answer(&report, "No copies across sets"), "? not known");
    let names: Vec<String> = plots(&report).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["loss", "accuracy"]);
}

#[test]
fn the_checklist_says_what_the_run_says() {
    let mut report = whole();
    assert_eq!(answer(&report, "Patients kept apart"), "✓ yes");
    assert_eq!(answer(&report, "No copies across sets"), "✓ yes");
    assert_eq!(answer(&report, "Files give no class away"), "~ in part");
    assert_eq!(answer(&report, "Explained by heat maps"), "✓ yes");
    assert_eq!(answer(&report, "Enough images of every class"), "✗ no");
    assert_eq!(answer(&report, "Model chosen without the test set"), "✓ yes");
    assert_eq!(answer(&report, "Operating points chosen on validation"), "✓ yes");
    assert_eq!(answer(&report, "External test"), "✗ no");
    let audit = report.audit.as_mut().unwrap();
    (audit.across_sets, audit.shared_groups) = (2, 1);
    assert_eq!(answer(&report, "Patients kept apart"), "✗ no");
    assert_eq!(answer(&report, "No copies across sets"), "✗ no");
    has(&page(&report), &["2 copied pairs across sets found", "1 group in more than one set"]);
    let audit = report.audit.as_mut().unwrap();
    (audit.shared_groups, audit.grouped) = (0, Some(0));
    assert_eq!(answer(&report, "Patients kept apart"), "✗ no");
    report.audit.as_mut().unwrap().grouped = Some(5);
    assert_eq!(answer(&report, "Patients kept apart"), "~ in part");
    of_classes(report.test.as_mut().unwrap()).operating_points.clear();
    assert_eq!(answer(&report, "Operating points chosen on validation"), "✗ no");
    report.test.as_mut().unwrap().pictures = None;
    assert_eq!(answer(&report, "Failure analysis"), "~ in part");
    assert_eq!(answer(&report, "Explained by heat maps"), "✗ no");
    report.record.counts.insert("training".to_owned(), vec![2, 40]);
    assert_eq!(answer(&report, "Class imbalance met"), "✗ no");
    report.record.class_weights = vec![10.5, 0.5];
    assert_eq!(answer(&report, "Class imbalance met"), "✓ yes");
    has(&page(&report), &["the two cannot be compared"]);
}

#[test]
fn names_are_text_and_never_markup() {
    let mut report = whole();
    report.name = HOSTILE.to_owned();
    report.record.classes[1] = HOSTILE.to_owned();
    report.record.settings.insert(HOSTILE.to_owned(), HOSTILE.into());
    report.record.skipped = vec![HOSTILE.to_owned()];
    let test = report.test.as_mut().unwrap();
    test.names[4] = HOSTILE.to_owned();
    let mut saved = figures(0.625);
    saved["undefined"] = serde_json::json!({"accuracy": HOSTILE, "cohen_kappa": HOSTILE});
    test.saved = tested(saved);
    of_classes(test).classes[1].label = HOSTILE.to_owned();
    let page = page(&report);
    lacks(&page, &["<script", "\u{1}", "src=\"http", "href=\"http"]);
    has(
        &page,
        &["&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; 'x' \u{fffd}", "default-src 'none'"],
    );
    for (name, svg) in plots(&report) {
        roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{name}: {error}\n{svg}"));
        lacks(&svg, &["<script"]);
    }
}

#[test]
fn every_plot_is_sound_svg_with_a_title_axes_and_dashes() {
    let plots = plots(&whole());
    let names: Vec<&str> = plots.iter().map(|(name, _)| name.as_str()).collect();
    let all = ["loss", "accuracy", "confusion-matrix", "roc", "precision-recall", "reliability", "shortcut"];
    assert_eq!(names, all);
    for (name, svg) in &plots {
        let file = roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{name}: {error}\n{svg}"));
        let root = file.root_element();
        assert_eq!(root.attribute("role"), Some("img"), "{name}");
        let text = |tag: &str| {
            let node = root.children().find(|node| node.has_tag_name(tag));
            node.and_then(|node| node.text()).unwrap_or_default().to_owned()
        };
        assert!(!text("title").is_empty() && text("desc").len() > 20, "{name}");
        let names = root.descendants().filter(|node| node.attribute("class") == Some("name")).count();
        assert!(names >= 2, "{name}: an axis has no name");
        // No `NaN` or infinity among the numbers, and no element out of place because of a wrong sign.
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}\n{svg}");
        for node in root.descendants() {
            for side in ["width", "height", "r"] {
                let length = node.attribute(side).map(|value| value.parse::<f64>().unwrap());
                assert!(length.is_none_or(|length| length >= 0.0), "{name}: {node:?}");
            }
        }
    }
    let dashes: Vec<&str> =
        plots[3].1.split("stroke-dasharray=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0).collect();
    assert_eq!(dashes, ["none", "7 4", "none", "7 4"], "classes differ by more than their colour");
}

#[test]
fn the_three_classes_of_children_and_adults_are_warned_of_by_name() {
    let mut report = bare();
    let warned = |report: &Report| page(report).contains("most COVID-19 images of");
    assert!(!warned(&report));
    report.record.classes = ["Viral Pneumonia", "COVID-19", "NORMAL"].map(str::to_owned).to_vec();
    assert!(warned(&report));
    report.record.synthetic = true;
    has(&page(&report), &["Synthetic phantoms, no radiographs.", "The images here are phantoms"]);
    report.record.classes.push("Lung Opacity".to_owned());
    assert!(!warned(&report));
}

#[test]
fn what_has_no_value_shows_a_dash_with_its_reason() {
    let page = page(&whole());
    has(&page, &["<td title=\"no image was predicted as it\">–"]);
    let mut report = whole();
    report.test.as_mut().unwrap().scores = None;
    let page = super::page(&report);
    has(&page, &["holds no predictions of single images"]);
    assert_eq!(answer(&report, "Failure analysis"), "✗ no");
}

#[test]
fn cases_are_the_surest_mistakes_and_the_least_certain() {
    let cases = Cases::of(&scores());
    // 0.95, 0.55 and 0.55 for the wrong class.
    assert_eq!((cases.mistakes, cases.all_mistakes), (vec![4, 3, 5], 3));
    assert_eq!(cases.uncertain[..3], [3, 5, 2]);
    let many = fixture::scores_of(2, vec![1; 40], [0.75, 0.25].repeat(40));
    let cases = Cases::of(&many);
    assert_eq!((cases.mistakes.len(), cases.all_mistakes, cases.all().len()), (CASES, 40, CASES));
    assert_eq!(Cases::of(&fixture::scores_of(2, vec![], vec![])), Cases::default());
}

/// Covers one epoch, many classes, and a class without images: nothing is drawn from a division by zero.
#[test]
fn odd_runs_have_pages_too() {
    let mut report = whole();
    report.history.truncate(1);
    report.history[0].val_loss = f64::NAN;
    report.record.best_epoch = None;
    let test = report.test.as_mut().unwrap();
    test.scores = Some(fixture::scores_of(2, vec![0, 0], vec![0.5, 0.5, 1.0, 0.0]));
    of_classes(test).confusion_matrix = vec![vec![2, 0], vec![0, 0]];
    has(&page(&report), &["no curve, no image of class `b` in the set"]);
    for n in [7, 40] {
        report.record.classes = (0..n).map(|class| format!("class {class} of a long name")).collect();
        let test = report.test.as_mut().unwrap();
        of_classes(test).confusion_matrix = vec![vec![1; n]; n];
        let class = of_classes(test).classes[0].clone();
        of_classes(test).classes = vec![class; n];
        for (class, label) in of_classes(test).classes.iter_mut().zip(&report.record.classes) {
            class.label.clone_from(label);
        }
        test.scores = Some(fixture::scores_of(n, (0..n).collect(), vec![1.0 / n as f64; n * n]));
        for (name, svg) in plots(&report) {
            roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!svg.contains("NaN"), "{name}");
        }
        assert!(page(&report).len() < 5 << 20);
    }
}
