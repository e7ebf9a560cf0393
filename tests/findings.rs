//! Tests of several findings an image: training, tests of a saved model, and `evaluate` for predictions of any program.

use std::{collections::HashMap, fs, path::Path, process::Stdio, sync::OnceLock};

use serde_json::{Value, json};

use crate::{
    resume::{Outcome, wait_for},
    world::{Done, Snapshot, World, read_json},
};

/// Labels of the multi-label sample.
const LABELS: [&str; 6] =
    ["Consolidation", "Ground Glass", "Effusion", "Pneumothorax", "Cardiomegaly", "Nodule"];
/// Flags of the sample, some of whose training labels are uncertain or unknown.
const SAMPLE: [&str; 17] = [
    "data",
    "sample",
    "--multi-label",
    "--out",
    "sample",
    "--count",
    "60",
    "--test-count",
    "30",
    "--image-size",
    "32",
    "--prevalence",
    "0.35",
    "--unknown",
    "0.1",
    "--uncertain",
    "0.1",
];
/// Label file of the sample.
const DATA: &str = "sample/labels.csv";

/// Makes a folder with the sample, and a run of two epochs on it in `findings`: once for all tests, which get copies.
fn world() -> World {
    static TRAINED: OnceLock<Snapshot> = OnceLock::new();
    let snapshot = TRAINED.get_or_init(|| {
        let world = World::new();
        world.thorax(&SAMPLE).ok();
        let done = world.thorax(&line(DATA, "findings", &["--epochs", "2", "--patience", "9"]));
        let heading = "label          positive  negative  uncertain  unknown  validation +  test +  weight\n";
        assert!(done.ok().stderr.contains(heading), "{}", done.stderr);
        assert!(done.stdout.contains("\nBy label, saved (epoch "), "{}", done.stdout);
        world.snapshot()
    });
    let world = World::new();
    world.restore(snapshot, "findings");
    world
}

/// Returns the arguments that train on a label file. The run has no page, unless it is the shared one.
fn line<'a>(data: &'a str, out: &'a str, flags: &[&'a str]) -> Vec<&'a str> {
    let train = ["train", "--data", data, "--image-size", "16", "--batch-size", "16", "--out", out];
    let page: &[&str] = if out == "findings" { &[] } else { &["--no-report"] };
    [&train[..], page, flags].concat()
}

/// Writes the sample's label file again under another name, with every row's cells changed.
fn relabel(world: &World, name: &str, change: impl Fn(usize, &mut [String])) -> String {
    let text = fs::read_to_string(world.path(DATA)).unwrap();
    let mut lines = text.lines();
    let mut changed = format!("{}\n", lines.next().unwrap());
    for (at, row) in lines.enumerate() {
        let mut cells: Vec<String> = row.split(',').map(str::to_owned).collect();
        change(at, &mut cells);
        changed += &format!("{}\n", cells.join(","));
    }
    let name = format!("sample/{name}");
    fs::write(world.path(&name), changed).unwrap();
    name
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[track_caller]
fn assert_close(found: &Value, expected: f64, what: &str) {
    assert!((number(found) - expected).abs() < 1e-6, "{what}: {found}, not {expected}");
}

fn labels(figures: &Value) -> &[Value] {
    figures["labels"].as_array().unwrap()
}

fn names(figures: &Value) -> Vec<&str> {
    labels(figures).iter().map(|label| label["label"].as_str().unwrap()).collect()
}

fn cells(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn a_run_leaves_its_history_predictions_figures_and_record() {
    let world = world();
    let run = world.path("findings");
    let history = cells(&run.join("history.csv"));
    let heading = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds,auc,val_auc";
    assert_eq!((history[0].join(","), history.len()), (heading.to_owned(), 3));
    let mut best = 0.0;
    for row in &history[1..] {
        assert_eq!([&row[2], &row[4]], ["", ""], "{row:?}");
        let [auc, val_auc] = [7, 8].map(|at| row[at].parse::<f64>().unwrap());
        assert!((0.0..=1.0).contains(&auc) && (0.0..=1.0).contains(&val_auc), "{row:?}");
        best = f64::max(best, val_auc);
    }

    let record = read_json(&run.join("run.json"));
    assert_eq!(record["status"], "completed");
    assert_eq!(record["task"], "multi-label");
    assert_eq!(record["classes"], json!(LABELS));
    assert_eq!(record["synthetic"], true);
    let settings = &record["settings"];
    assert_eq!(settings["labels"], json!(LABELS));
    for (flag, value) in [
        ("monitor", json!("val_auc")),
        ("min-delta", json!(0.001)),
        ("loss", json!("crossentropy")),
        ("class-weight", json!("balanced")),
        ("uncertain", json!("ignore")),
    ] {
        assert_eq!(settings[flag], value, "{flag}");
    }
    assert_eq!(record["best_val_loss"], Value::Null);
    // An improvement below `--min-delta` is none.
    assert!((number(&record["best_val_auc"]) - best).abs() <= 0.001, "{}", record["best_val_auc"]);
    let images = |part: &str| -> Vec<u64> {
        let of =
            |counts: &Value| ["positive", "negative", "unknown"].map(|key| counts[key].as_u64().unwrap());
        let labels = record["findings"][part].as_array().unwrap();
        labels.iter().map(|counts| of(counts).iter().sum()).collect()
    };
    let [training, validation, test] = ["training", "validation", "test"].map(images);
    assert!(training.iter().all(|images| *images == training[0]), "{training:?}");
    assert_eq!((training[0] + validation[0], test), (60, vec![30; 6]));
    for (at, label) in LABELS.into_iter().enumerate() {
        let counts = &record["findings"]["training"][at];
        assert_eq!(counts["positive"], record["counts"]["training"][at], "{label}");
        assert!(counts["uncertain"].as_u64().unwrap() <= counts["unknown"].as_u64().unwrap(), "{label}");
        let weight = number(&counts["negative"]) / number(&counts["positive"]);
        assert_close(&record["class_weights"][at], weight.min(100.0), label);
    }

    // Truth, attributes and patients are those of the label file.
    let truths: HashMap<String, Vec<String>> =
        cells(&world.path(DATA)).into_iter().map(|row| (format!("sample/{}", row[0]), row)).collect();
    let rows = cells(&run.join("predictions.csv"));
    let probabilities = LABELS.map(|label| format!("p_{label}")).join(",");
    let heading = format!("path,{},{probabilities},age,sex,view,group", LABELS.join(","));
    assert_eq!((rows[0].join(","), rows.len()), (heading, 31));
    for row in &rows[1..] {
        let truth = &truths[&row[0]];
        assert_eq!(truth[2], "test");
        assert_eq!(row[1..7], truth[6..12]);
        assert_eq!((&row[13..16], &row[16]), (&truth[3..6], &truth[1]));
        assert!(row[7..13].iter().all(|cell| (0.0..=1.0).contains(&cell.parse::<f32>().unwrap())), "{row:?}");
    }

    let tests = read_json(&run.join("test.json"));
    for weights in ["saved", "final"] {
        let figures = &tests[weights];
        assert_eq!((&figures["task"], &figures["images"]), (&json!("multi-label"), &json!(30)));
        assert_eq!(names(figures), LABELS);
        let mut sum = 0.0;
        for (at, label) in labels(figures).iter().enumerate() {
            assert_eq!((&label["known"], &label["positives"]), (&json!(30), &record["counts"]["test"][at]));
            let chosen = &record["calibration"][weights]["labels"][at];
            assert_eq!((&label["threshold"], &chosen["rule"]), (&chosen["threshold"], &json!("youden")));
            let count = |key: &str| number(&label[key]);
            let positives = count("true_positives") + count("false_negatives");
            assert_eq!(positives + count("false_positives") + count("true_negatives"), 30.0);
            assert_eq!(positives, count("positives"));
            assert_close(&label["sensitivity"], count("true_positives") / positives, "sensitivity");
            sum += count("roc_auc");
        }
        assert_close(&figures["macro_roc_auc"], sum / 6.0, "macro ROC AUC");
        assert_eq!(figures["labels_with_roc_auc"], 6);
    }
    assert!(run.join("report.html").exists());
}

#[test]
fn the_saved_model_and_its_predictions_have_the_same_figures() {
    let world = world();
    let mut saved = read_json(&world.path("findings/test.json"))["saved"].clone();
    // A run has its figures by these columns of its label file.
    let by = "view,sex,age";
    let mut tested = world.thorax(&["test", "--saved", "findings", "--by", by, "--json"]).json();
    assert!(saved["subgroups"].is_array() && !saved["left_out_subgroups"].as_array().unwrap().is_empty());
    for figures in [&mut saved, &mut tested] {
        let keys = figures.as_object_mut().unwrap();
        assert!(keys.remove("seconds").is_some() && keys.remove("images_per_second").is_some());
    }
    assert_eq!(tested, saved);

    let evaluate = |flags: &[&str]| {
        world.thorax(&[&["evaluate", "findings/predictions.csv", "--json"], flags].concat()).json()
    };
    let same = |evaluated: &Value, keys: &[&str]| {
        assert_eq!(names(evaluated), LABELS);
        for (label, expected) in labels(evaluated).iter().zip(labels(&saved)) {
            keys.iter().for_each(|key| assert_close(&label[key], number(&expected[key]), key));
        }
    };
    let evaluated = evaluate(&[]);
    assert_eq!(
        (&evaluated["task"], &evaluated["predictions"]),
        (&json!("multi-label"), &json!("findings/predictions.csv"))
    );
    assert_eq!(evaluated["groups"], saved["groups"]);
    assert!(labels(&evaluated).iter().all(|label| label["threshold"] == 0.5));
    same(&evaluated, &["roc_auc", "roc_auc_delong_se", "average_precision", "brier", "log_loss"]);
    for key in ["macro_roc_auc", "micro_roc_auc", "macro_average_precision", "micro_average_precision"] {
        assert_close(&evaluated[key], number(&saved[key]), key);
    }
    // With the model's thresholds all other figures are the same too.
    let rows = labels(&saved)
        .iter()
        .map(|label| format!("{},{}\n", label["label"].as_str().unwrap(), label["threshold"]));
    fs::write(world.path("thresholds.csv"), format!("label,threshold\n{}", rows.collect::<String>()))
        .unwrap();
    let evaluated = evaluate(&["--thresholds", "thresholds.csv"]);
    same(&evaluated, &["threshold", "true_positives", "false_positives", "sensitivity", "specificity"]);
    assert_close(&evaluated["micro_f1"], number(&saved["micro_f1"]), "micro F1");
}

#[test]
fn a_killed_run_and_an_extended_one_end_as_if_they_had_never_stopped() {
    let world = world();
    let flags = ["--epochs", "6", "--patience", "9"];
    world.thorax(&line(DATA, "whole", &flags)).ok();
    let mut killed = world.command(&line(DATA, "killed", &flags));
    let mut killed = killed.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    wait_for(&world.path("killed/last.safetensors"));
    killed.kill().unwrap();
    killed.wait().unwrap();
    world.thorax(&["train", "--resume", "killed", "--no-report"]).ok();
    let whole = Outcome::of(&world.path("whole"));
    Outcome::of(&world.path("killed")).same_as(&whole, "killed");

    // The shared run has two epochs.
    world.thorax(&["train", "--resume", "findings", "--extend-epochs", "4", "--no-report"]).ok();
    for name in ["best.safetensors", "predictions.csv"] {
        let [extended, whole] =
            ["findings", "whole"].map(|run| fs::read(world.path(run).join(name)).unwrap());
        assert!(extended == whole, "{name}");
    }
}

#[test]
fn losses_monitors_and_thresholds_are_as_asked() {
    let world = world();
    let record = |out: &str, flags: &[&str]| {
        world.thorax(&line(DATA, out, &[&["--epochs", "1"], flags].concat())).ok();
        read_json(&world.path(out).join("run.json"))
    };
    let focal = record("focal", &["--loss", "focal", "--sensitivity", "0.9"]);
    assert_eq!(
        (&focal["settings"]["loss"], &focal["settings"]["class-weight"]),
        (&json!("focal"), &json!("none"))
    );
    assert_eq!(focal["class_weights"], json!([1.0, 1.0, 1.0, 1.0, 1.0, 1.0]));
    assert!(focal["best_val_auc"].is_number());
    let flags =
        ["--loss", "asymmetric", "--class-weight", "none", "--monitor", "val_loss", "--specificity", "0.8"];
    let asymmetric = record("asymmetric", &flags);
    assert_eq!(asymmetric["settings"]["min-delta"], 0.01);
    assert!(asymmetric["best_val_loss"].is_number() && asymmetric["best_val_auc"].is_null());
    for (record, rule, target) in [(&focal, "sensitivity", 0.9), (&asymmetric, "specificity", 0.8)] {
        let chosen = record["calibration"]["saved"]["labels"].as_array().unwrap();
        assert_eq!(chosen.len(), 6);
        for label in chosen {
            assert_eq!((&label["rule"], &label["target"]), (&json!(rule), &json!(target)), "{label}");
            assert!(!label[rule].is_number() || number(&label[rule]) >= target, "{label}");
        }
    }
    let [first, second] =
        ["focal", "asymmetric"].map(|run| cells(&world.path(run).join("history.csv"))[1][1].clone());
    assert!(first != second, "both have a loss of {first}");

    let rules = [
        "error: `--sensitivity`, `--specificity` and `--threshold` each choose",
        "hint: leave all but one out",
    ];
    for (flags, words) in [
        (
            &["--loss", "focal", "--class-weight", "balanced"][..],
            &["error: `--class-weight` does not go with `--loss focal`", "hint: leave `--class-weight` out"]
                [..],
        ),
        (
            &["--loss", "asymmetric", "--class-weight", "1,1,1,1,1,1"],
            &["error: `--class-weight` does not go with"],
        ),
        (
            &["--class-weight", "1,2"],
            &["error: 2 class weights do not fit 6 labels", "hint: ", "Consolidation, Ground Glass"],
        ),
        (&["--sensitivity", "0.9", "--threshold", "f1"], &rules),
        (&["--sensitivity", "0.9", "--specificity", "0.9"], &rules),
        (&["--specificity", "0.9", "--threshold", "youden"], &rules),
        (&["--loss", "hinge"], &["error: invalid value 'hinge'", "focal, asymmetric"]),
        (
            &["--task", "multi-class"],
            &["error: `sample/labels.csv` has several findings an image", "hint: name a folder"],
        ),
        (&["--labels", "Nodule,Edema"], &["error: ", "`Edema`"]),
    ] {
        world.refuses(&line(DATA, "new", flags), words);
    }
}

#[test]
fn labels_without_a_positive_image_are_told_and_have_no_figure() {
    let world = world();
    // No nodule in training, and no effusion in the test.
    let data = relabel(&world, "lacking.csv", |_, cells| {
        let label = if cells[2] == "test" { 8 } else { 11 };
        cells[label] = "0".to_owned();
    });
    let done = world.thorax(&line(&data, "lacking", &["--epochs", "1"]));
    for words in [
        "warning: left out, without a positive image in the training part: `Nodule`\n",
        "warning: no positive image in the test part of `Effusion`",
    ] {
        assert!(done.ok().stderr.contains(words), "{words}: {}", done.stderr);
    }
    assert!(
        done.stdout.contains("no ROC AUC of Effusion: no known positive image of `Effusion`"),
        "{}",
        done.stdout
    );
    assert_eq!(read_json(&world.path("lacking/run.json"))["classes"], json!(LABELS[..5]));
    let figures = read_json(&world.path("lacking/test.json"))["saved"].clone();
    assert_eq!((names(&figures), &figures["labels_with_roc_auc"]), (LABELS[..5].to_vec(), &json!(4)));
    assert_eq!(labels(&figures)[2]["roc_auc"], Value::Null);
    assert_eq!(figures["undefined"]["roc_auc of `Effusion`"], "no known positive image of `Effusion`");
    assert!(figures["macro_roc_auc"].is_number());

    // No label at all.
    let data = relabel(&world, "none.csv", |_, cells| {
        if cells[2] != "test" {
            cells[6..].fill("0".to_owned());
        }
    });
    world.refuses(
        &line(&data, "new", &[]),
        &[
            "error: no label of `sample/none.csv` has a positive image in the training part",
            "hint: check `--labels`",
        ],
    );
}

#[test]
fn a_validation_part_without_a_positive_image_has_no_auc() {
    let world = world();
    let data = relabel(&world, "negative.csv", |at, cells| {
        if (50..60).contains(&at) {
            cells[2] = "val".to_owned();
            cells[6..].fill("0".to_owned());
        }
    });
    world.refuses(
        &line(&data, "new", &[]),
        &[
            "error: no label has a positive and a negative image in the validation part",
            "hint: add `--monitor val_loss`",
        ],
    );
    world.thorax(&line(&data, "by-loss", &["--epochs", "1", "--monitor", "val_loss"])).ok();
    let history = cells(&world.path("by-loss/history.csv"));
    assert_eq!((history[1].len(), history[1][8].as_str()), (9, ""));
    for label in
        read_json(&world.path("by-loss/run.json"))["calibration"]["saved"]["labels"].as_array().unwrap()
    {
        assert_eq!(label["threshold"], 0.5);
        assert!(label["note"].as_str().unwrap().starts_with("no known positive image of"), "{label}");
    }
}

#[test]
fn class_folders_and_findings_are_told_apart() {
    let world = world();
    world.trained();
    let train = ["train", "--data", "xrays", "--image-size", "16", "--out", "new"];
    for (flags, words) in [
        (
            &["--task", "multi-label"][..],
            &["error: `xrays` has one class an image, and `--task multi-label`", "hint: name a label file"][..],
        ),
        (&["--threshold", "f1"], &["error: `--threshold` is for findings", "hint: leave it out"]),
        (&["--specificity", "0.9"], &["error: `--specificity` is for findings"]),
        (&["--monitor", "val_auc"], &["error: `--monitor val_auc` is for findings"]),
        (&["--loss", "focal"], &["error: ", "is for findings, and `xrays` has one class an image"]),
    ] {
        world.refuses(&[&train[..], flags].concat(), words);
    }
    world.refuses(
        &["test", "--saved", "run", "--data", DATA],
        &[
            "error: `sample/labels.csv` has several findings an image, and the model tells classes apart",
            "hint: ",
        ],
    );
    world.refuses(
        &["test", "--saved", "findings", "--data", "xrays Test"],
        &["error: ", "`xrays Test`", "hint: "],
    );
    // `evaluate` reads the predictions of either.
    let classes = world.thorax(&["evaluate", "run/predictions.csv", "--json"]).json();
    assert_close(
        &classes["accuracy"],
        number(&read_json(&world.path("run/test.json"))["saved"]["accuracy"]),
        "accuracy",
    );
    fs::write(world.path("t.csv"), "label,threshold\nNORMAL,0.4\n").unwrap();
    world.refuses(
        &["evaluate", "run/predictions.csv", "--thresholds", "t.csv"],
        &[
            "error: `run/predictions.csv` is of classes, which have no thresholds",
            "hint: leave `--thresholds` out",
        ],
    );
}

/// Truth and probability of two labels for each of six images. A's ROC AUC is 5/6: of three positive and two negative images,
/// one pair is in the wrong order. B's is 5.5/9, with one tie.
const IMAGES: [(&str, f64, &str, f64); 6] = [
    ("1", 0.9, "0", 0.2),
    ("1", 0.6, "0", 0.3),
    ("1", 0.4, "1", 0.3),
    ("0", 0.5, "1", 0.8),
    ("0", 0.1, "0", 0.1),
    ("", 0.99, "1", 0.05),
];

/// Writes the images' predictions, each probability as this makes it.
fn write_images(world: &World, name: &str, form: impl Fn(f64) -> f64) {
    let row = |(at, (a, p_a, b, p_b)): (usize, &(&str, f64, &str, f64))| {
        format!("{at}.png,{a},{b},{},{},p{}\n", form(*p_a), form(*p_b), at / 2)
    };
    let rows: String = IMAGES.iter().enumerate().map(row).collect();
    fs::write(world.path(name), format!("image,A,B,p_A,p_B,patient\n{rows}")).unwrap();
}

fn evaluate(world: &World, args: &[&str]) -> Value {
    world.thorax(&[&["evaluate", "--json"], args].concat()).json()
}

#[test]
fn figures_of_another_program_are_those_computed_by_hand() {
    let world = World::new();
    write_images(&world, "p.csv", |p| p);
    let figures = evaluate(&world, &["p.csv"]);
    let [a, b] = [&labels(&figures)[0], &labels(&figures)[1]];
    assert_eq!((names(&figures), &figures["groups"]), (vec!["A", "B"], &json!(3)));
    assert_eq!(
        [a, b].map(|label| ["known", "positives"].map(|key| number(&label[key]))),
        [[5.0, 3.0], [6.0, 3.0]]
    );
    assert_close(&a["roc_auc"], 5.0 / 6.0, "A");
    assert_close(&b["roc_auc"], 5.5 / 9.0, "B");
    assert_close(&figures["macro_roc_auc"], (5.0 / 6.0 + 5.5 / 9.0) / 2.0, "macro");
    assert_close(&a["brier"], 0.79 / 5.0, "Brier");
    let counts = |label: &Value| {
        ["true_positives", "false_positives", "true_negatives", "false_negatives"]
            .map(|key| label[key].as_u64().unwrap())
    };
    assert_eq!([counts(a), counts(b)], [[2, 1, 1, 1], [1, 0, 3, 2]]);
    assert_close(&figures["micro_f1"], 6.0 / 10.0, "micro F1");

    // Labels in another order, and one alone.
    assert_eq!(names(&evaluate(&world, &["p.csv", "--labels", "B,A"])), ["B", "A"]);
    let alone = evaluate(&world, &["p.csv", "--labels", "A"]);
    assert_close(&alone["micro_roc_auc"], 5.0 / 6.0, "A alone");

    // One threshold for all labels, and one for each.
    let all = evaluate(&world, &["p.csv", "--threshold", "0.3"]);
    assert_eq!([counts(&labels(&all)[0]), counts(&labels(&all)[1])], [[3, 1, 1, 0], [2, 1, 2, 1]]);
    fs::write(world.path("t.csv"), "label,threshold\nA,0.05\n").unwrap();
    let each = evaluate(&world, &["p.csv", "--thresholds", "t.csv"]);
    assert_eq!([counts(&labels(&each)[0]), counts(&labels(&each)[1])], [[3, 2, 0, 0], [1, 0, 3, 2]]);
    assert_eq!(labels(&each)[0]["negative_predictive_value"], Value::Null);
    let reason = &each["undefined"]["negative_predictive_value of `A`"];
    assert_eq!(reason, "every known image reaches the threshold of `A`");

    // Logits, and a compressed file.
    write_images(&world, "logits.csv", |p| (p / (1.0 - p)).ln());
    let logits = evaluate(&world, &["logits.csv", "--logits"]);
    let zipped = std::process::Command::new("gzip").arg("-k").arg(world.path("p.csv")).status().unwrap();
    assert!(zipped.success());
    let unzipped = evaluate(&world, &["p.csv.gz"]);
    assert_eq!((&unzipped["labels"], &unzipped["intervals"]), (&figures["labels"], &figures["intervals"]));
    for (label, expected) in labels(&logits).iter().zip(labels(&figures)) {
        for key in ["roc_auc", "average_precision", "brier", "log_loss", "f1"] {
            assert_close(&label[key], number(&expected[key]), key);
        }
    }
    let done = world.thorax(&["evaluate", "p.csv"]);
    assert!(
        done.ok().stdout.starts_with("Test results on 6 images\n")
            && done.stdout.contains("\nBy label, p.csv\n")
    );
    assert!(!world.path("data").exists());
}

/// Writes 40 images whose probability depends on the view alone: all of 20 in AP have 0.5, all of 20 in PA 0.1. 16 in AP are
/// positive, and 4 in PA: the ROC AUC is 0.8 over all and 0.5 in each view.
fn write_views(world: &World) {
    let row = |at: usize| {
        let (view, positive, p) = if at < 20 { ("AP", at < 16, 0.5) } else { ("PA", at < 24, 0.1) };
        format!("{at}.png,{},{p},{view},{},{}\n", u8::from(positive), 30 + at, ["F", ""][at % 2])
    };
    let rows: String = (0..40).map(row).collect();
    fs::write(world.path("views.csv"), format!("path,A,p_A,view,age,sex\n{rows}")).unwrap();
}

fn parts(figures: &Value) -> Vec<(String, String, u64)> {
    let text = |part: &Value, key: &str| part[key].as_str().unwrap().to_owned();
    let parts = figures["subgroups"].as_array().unwrap().iter();
    parts.map(|part| (text(part, "column"), text(part, "value"), part["images"].as_u64().unwrap())).collect()
}

#[test]
fn a_model_that_ranks_by_the_view_is_told() {
    let world = World::new();
    write_views(&world);
    let done: Done = world.thorax(&["evaluate", "views.csv", "--by", "View", "--json"]);
    let warning = "warning: macro ROC AUC of all images, 0.8000, lies above that of every value of `view` (at most 0.5000)";
    assert!(done.stderr.contains(warning), "{}", done.stderr);
    let figures = done.json();
    assert_close(&figures["macro_roc_auc"], 0.8, "all images");
    let part = |value: &str| ("view".to_owned(), value.to_owned(), 20_u64);
    assert_eq!(parts(&figures), [part("AP"), part("PA")]);
    for part in figures["subgroups"].as_array().unwrap() {
        assert_close(&part["macro_roc_auc"], 0.5, "a view");
        assert_eq!(labels(part)[0]["positives"], if part["value"] == "AP" { 16 } else { 4 });
    }
    let above = &figures["pooled_above_subgroups"][0];
    assert_eq!(
        (&above["column"], &above["pooled"], &above["highest"]),
        (&json!("view"), &json!(0.8), &json!(0.5))
    );
    assert_eq!(figures["subgroup_gaps"][0]["column"], "view");
    assert_close(&figures["subgroup_gaps"][0]["difference"], 0.0, "gap");

    // A column whose values have figures as good as all images together has no warning.
    let sex = world.thorax(&["evaluate", "views.csv", "--by", "sex"]);
    assert!(!sex.ok().stderr.contains("warning"), "{}", sex.stderr);
    assert!(sex.stdout.contains("\nBy attribute\n") && sex.stdout.contains("\nsex F "), "{}", sex.stdout);
}

#[test]
fn numbers_are_sorted_into_bins_and_few_images_are_left_out() {
    let world = World::new();
    write_views(&world);
    // Ages are 30 to 69. Bins of their own are the default.
    let by_age = evaluate(&world, &["views.csv", "--by", "age", "--bins", "age=45"]);
    let part = |value: &str, images: u64| ("age".to_owned(), value.to_owned(), images);
    assert_eq!(parts(&by_age), [part(">=45", 25)]);
    let left_out = &by_age["left_out_subgroups"][0];
    assert_eq!((&left_out["value"], &left_out["images"]), (&json!("<45"), &json!(15)));
    assert_eq!(left_out["reason"], "fewer than 20 images");
    assert_eq!(parts(&evaluate(&world, &["views.csv", "--by", "age"])), [part("40-59", 20)]);
    let both = evaluate(&world, &["views.csv", "--by", "view,age", "--bins", "age=50"]);
    assert_eq!(parts(&both)[2..], [part("<50", 20), part(">=50", 20)]);
    let done = world.thorax(&["evaluate", "views.csv", "--by", "age"]);
    assert!(
        done.ok().stdout.contains("\nleft out: age <40 (10 images): fewer than 20 images\n"),
        "{}",
        done.stdout
    );
}

#[test]
fn an_evaluation_has_a_page() {
    let world = World::new();
    write_views(&world);
    let done = world.thorax(&["evaluate", "views.csv", "--by", "view", "--report", "page.html"]);
    assert!(done.ok().stderr.contains("page   page.html"), "{}", done.stderr);
    let page = fs::read_to_string(world.path("page.html")).unwrap();
    for words in [
        "<title>Evaluation of views.csv</title>",
        "<h1>views.csv</h1>",
        "macro ROC AUC of 0.8000",
        "id=\"subgroups\"",
        "id=\"curves\"",
    ] {
        assert!(page.contains(words), "`{words}` is not in the page");
    }
    // A page is replaced; anything else is not, and nothing is computed.
    world.thorax(&["evaluate", "views.csv", "--report", "page.html"]).ok();
    world.refuses(
        &["evaluate", "views.csv", "--report", "views.csv"],
        &["error: `views.csv` is there already and is no page", "hint: name another file with `--report`"],
    );
    world.refuses(
        &["evaluate", "views.csv", "--report", "none/page.html"],
        &["error: no such folder: `none`"],
    );
    assert!(fs::read_to_string(world.path("views.csv")).unwrap().starts_with("path,A,p_A"));
}

/// Every CheXpert image is called alike: its patient's folder tells it apart.
#[test]
fn the_truth_of_an_image_is_not_another_patients() {
    let world = World::new();
    fs::write(world.path("truth.csv"), "path,patient,A,B\np1/v.jpg,1,1,0\np2/v.jpg,2,0,1\np3/v.jpg,3,1,0\n")
        .unwrap();
    fs::write(world.path("p.csv"), "path,p_A\nx/p3/v.jpg,0.9\nx/p1/v.jpg,0.8\nx/p2/v.jpg,0.1\n").unwrap();
    let done = world.thorax(&["evaluate", "p.csv", "--labels", "truth.csv", "--json"]);
    let warning =
        "warning: labels of `truth.csv` without a column of probabilities in `p.csv` are left out: `B`";
    assert!(done.stderr.contains(warning), "{}", done.stderr);
    let figures = done.json();
    assert_eq!((labels(&figures)[0]["positives"].as_u64(), &figures["groups"]), (Some(2), &json!(3)));
    assert_close(&labels(&figures)[0]["roc_auc"], 1.0, "A");
    // The predictions' own patients stay.
    fs::write(world.path("own.csv"), "path,patient,p_A\np3/v.jpg,x,0.9\np1/v.jpg,x,0.8\np2/v.jpg,y,0.1\n")
        .unwrap();
    assert_eq!(evaluate(&world, &["own.csv", "--labels", "truth.csv"])["groups"], 2);
    fs::write(world.path("other.csv"), "path,p_A\nx/p4/v.jpg,0.9\nv.jpg,0.8\n").unwrap();
    world.refuses(
        &["evaluate", "other.csv", "--labels", "truth.csv"],
        &["error: 2 of 2 images of `other.csv` are not in `truth.csv`, or could be several of it: `x/p4/v.jpg`, `v.jpg`"],
    );
}

#[test]
fn gaps_are_those_of_labels_that_all_values_have() {
    let world = World::new();
    // B is positive in PA alone, where it is ranked wrong: it would pull PA's mean down.
    let row = |at: usize| {
        let (view, a) = (if at < 40 { "AP" } else { "PA" }, at.is_multiple_of(4));
        let b = view == "PA" && at.is_multiple_of(2);
        let p = |truth: bool, wrong: bool| if truth == wrong { 0.2 } else { 0.8 };
        format!("{at}.png,{},{},{},{},{view}\n", u8::from(a), u8::from(b), p(a, false), p(b, true))
    };
    let rows: String = (0..80).map(row).collect();
    fs::write(world.path("p.csv"), format!("path,A,B,p_A,p_B,view\n{rows}")).unwrap();
    let figures = evaluate(&world, &["p.csv", "--by", "view"]);
    let gap = &figures["subgroup_gaps"][0];
    assert_eq!((&gap["figure"], &gap["difference"]), (&json!("macro_roc_auc"), &json!(0.0)), "{gap}");
    assert_eq!(gap["highest"]["figure"], 1.0);
}

#[test]
fn predictions_that_cannot_be_judged_are_refused() {
    let world = World::new();
    write_views(&world);
    let columns = "hint: a file has the columns `path`, `LABEL` with 1, 0 or nothing, and `p_LABEL`";
    for (text, words) in [
        (
            "path,A,p_A\n1.png,1,0.5\n2.png,0,1.5\n",
            &[
                "error: `p.csv`, line 3: column `p_A`: `1.5` is no probability, which is 0 to 1",
                "hint: `--logits`",
            ][..],
        ),
        (
            "path,A,p_A\n1.png,2,0.5\n",
            &["error: `p.csv`, line 2: column `A`: `2` is none of 1, 0, -1 and nothing", columns],
        ),
        (
            "path,A,p_A\n1.png,1,often\n",
            &["error: `p.csv`, line 2: column `p_A`: `often` is no number", columns],
        ),
        ("path,A,p_A\n1.png,1\n", &["error: `p.csv`, line 2: 2 fields, but the header has 3", columns]),
        (
            "path,A,B,C,p_A,p_C\n1.png,1,0,1,0.5,0.5\n",
            &["error: `p.csv`, line 1: no column `p_B` with the probabilities of `B`", columns],
        ),
        (
            "path,A,p_A,p_B\n1.png,1,0.5,0.5\n",
            &["error: `p.csv`, line 1: no column `B` with the truth of `p_B`", columns],
        ),
        ("path,A\n1.png,1\n", &["error: `p.csv`, line 1: no column `p_<label>` with probabilities", columns]),
        ("path,A,A,p_A\n1.png,1,1,0.5\n", &["error: `p.csv`, line 1: column `A` is there twice", columns]),
        (
            "name,A,p_A\n1.png,1,0.5\n",
            &["error: `p.csv`, line 1: no column `path`", "`name`", "hint: call the column"],
        ),
        ("path,A,p_A\n", &["error: `p.csv` holds no image", "hint: "]),
        ("", &["error: `p.csv`, line 1: the file is empty"]),
        (
            "path,A,B,p_A\n1.png,1,0,0.5\n2.png,0,1,0.5\n",
            &["error: `p.csv`, line 1: no column `p_B` with the probabilities of `B`", columns],
        ),
        (
            "path,A,p_A\n1.png,1,0.5\n2.png,0,0.5\n1.png,1,0.5\n",
            &["error: `p.csv`, line 4: `1.png` is in line 2 already", columns],
        ),
    ] {
        fs::write(world.path("p.csv"), text).unwrap();
        world.refuses(&["evaluate", "p.csv"], words);
        world.refuses(&["evaluate", "p.csv", "--json"], &words[..1]);
    }
    world.refuses(
        &["evaluate", "absent.csv"],
        &["error: there is no file `absent.csv`", "hint: check the spelling"],
    );

    fs::write(world.path("unknown.csv"), "label,threshold\nA,0.3\nEdema,0.3\n").unwrap();
    fs::write(world.path("high.csv"), "label,threshold\nA,1.5\n").unwrap();
    fs::write(world.path("text.csv"), "label,threshold\nA,high\n").unwrap();
    fs::write(world.path("twice.csv"), "label,threshold\nA,0.5\nA,0.6\n").unwrap();
    fs::write(world.path("other.csv"), "label,limit\nA,0.5\n").unwrap();
    let columns = "hint: a file has the columns `label` and `threshold`";
    for (flags, words) in [
        (
            &["--thresholds", "unknown.csv"][..],
            &[
                "error: `unknown.csv` has a threshold of `Edema`, which is no label here",
                "hint: there are `A`",
            ][..],
        ),
        (
            &["--thresholds", "high.csv"],
            &["error: `high.csv`, line 2: `1.5` is no threshold, which is 0 to 1", columns],
        ),
        (&["--thresholds", "text.csv"], &["error: `text.csv`, line 2: `high` is no threshold", columns]),
        (&["--thresholds", "twice.csv"], &["error: `twice.csv`, line 3: `A` is there twice", columns]),
        (
            &["--thresholds", "other.csv"],
            &["error: `other.csv`, line 1: no columns `label` and `threshold`", columns],
        ),
        (&["--thresholds", "absent.csv"], &["error: ", "`absent.csv`"]),
        (&["--threshold", "1.5"], &["error: invalid value '1.5' for '--threshold <P>'"]),
        (&["--labels", "A,Edema"], &["error: `views.csv`, line 1: no column `p_Edema`"]),
        (
            &["--by", "scanner"],
            &["error: there is no column `scanner`", "hint: there are `view`, `age`, `sex`"],
        ),
        (
            &["--by", "view", "--bins", "view=3"],
            &["error: column `view`: `AP` is no number", "hint: `--bins COLUMN=N,…` sorts numbers into bins"],
        ),
        (&["--by", "age", "--bins", "age=60,40"], &["error: invalid value 'age=60,40'", "do not rise"]),
        (&["--bins", "age=40"], &["error: ", "--by <COLUMN,…>"]),
        (&["--group-column", "ward"], &["error: `views.csv`, line 1: no column `ward`"]),
    ] {
        world.refuses(&[&["evaluate", "views.csv"], flags].concat(), words);
    }
}

/// Truth in a label file of its own, whose rows stand in another order and whose paths have a folder.
#[test]
fn the_truth_may_stand_in_a_label_file() {
    let world = World::new();
    let image = |at: usize| {
        (format!("{at}.png"), at.is_multiple_of(3), at.is_multiple_of(2), (at * 7 % 40) as f64 / 40.0)
    };
    let (mut whole, mut bare) = ("path,patient,view,A,B,p_A,p_B\n".to_owned(), "path,p_A,p_B\n".to_owned());
    let mut truth = "path,A,B,patient,view\n".to_owned();
    for at in 0..40 {
        let (name, a, b, p) = image(at);
        let (a, b, view) = (u8::from(a), u8::from(b), if at < 20 { "PA" } else { "AP" });
        whole.push_str(&format!("{name},p{},{view},{a},{b},{p},0.5\n", at / 2));
        bare.push_str(&format!("{name},{p},0.5\n"));
    }
    for at in (0..40).rev() {
        let (name, a, b, _) = image(at);
        let view = if at < 20 { "PA" } else { "AP" };
        truth.push_str(&format!("images/{name},{},{},p{},{view}\n", u8::from(a), u8::from(b), at / 2));
    }
    fs::write(world.path("whole.csv"), whole).unwrap();
    fs::write(world.path("bare.csv"), &bare).unwrap();
    fs::write(world.path("truth.csv"), &truth).unwrap();
    let mut expected = evaluate(&world, &["whole.csv", "--by", "view"]);
    let mut found = evaluate(&world, &["bare.csv", "--labels", "truth.csv", "--by", "view"]);
    for figures in [&mut expected, &mut found] {
        figures.as_object_mut().unwrap().remove("predictions").unwrap();
    }
    assert_eq!(found, expected);
    fs::write(world.path("other.csv"), truth.replace("images/7.png", "images/77.png")).unwrap();
    world.refuses(
        &["evaluate", "bare.csv", "--labels", "other.csv"],
        &[
            "error: 1 of 40 images of `bare.csv` are not in `other.csv`, or could be several of it: `7.png`",
            "hint: ",
        ],
    );
    fs::write(world.path("more.csv"), truth.replace("path,A,B", "path,A,C")).unwrap();
    world.refuses(
        &["evaluate", "bare.csv", "--labels", "more.csv"],
        &[
            "warning: labels of `more.csv` without a column of probabilities in `bare.csv` are left out: `C`",
            "error: `more.csv` has no label `B`, which `bare.csv` has probabilities of",
            "hint: its labels are A, C",
        ],
    );
    fs::write(world.path("bare.csv"), bare.replace("p_A,p_B", "p_A,p_D")).unwrap();
    fs::write(world.path("one.csv"), truth.replace("path,A,B", "path,A,path2")).unwrap();
    let refused = world.thorax(&["evaluate", "bare.csv", "--labels", "one.csv"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
}
