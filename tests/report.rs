//! Tests of the page of a run: its contents, its sources, and its messages where a file is missing or damaged.

use std::{fs, path::Path, process::Command};

use crate::world::{CLASSES, World, read_json};

const PLOTS: [&str; 7] = [
    "accuracy.svg",
    "confusion-matrix.svg",
    "loss.svg",
    "precision-recall.svg",
    "reliability.svg",
    "roc.svg",
    "shortcut.svg",
];

fn page(world: &World) -> String {
    fs::read_to_string(world.path("run/report.html")).unwrap()
}

#[test]
fn a_run_ends_with_a_page_that_needs_nothing_else() {
    let world = World::new();
    world.study();
    let done = world.train(&["--epochs", "2", "--batch-size", "8", "--out", "run"]);
    assert!(done.ok().stderr.ends_with("\npage   run/report.html\n"), "{}", done.stderr);
    let page = page(&world);
    assert!(page.starts_with("<!DOCTYPE html>") && page.len() < 5 << 20);
    for words in [
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'",
        "Not for clinical use.",
        "of 12 test images right",
        "<h1>run</h1>",
        "src=\"data:image/jpeg;base64,",
        "most COVID-19 images of",
        "NORMAL/00",
        "<td>10</td>",
    ] {
        let words = words.replace("<td>10</td>", "COVID-19</th><td>8</td><td>2</td><td>4</td>");
        assert!(page.contains(&words), "`{words}` is not in the page");
    }
    // The page loads nothing and runs no script.
    for words in ["<script", "<link", "http://", "https://", "@import", "url("] {
        let page = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        assert!(!page.contains(words), "`{words}` is in the page");
    }
    let mut plots: Vec<String> = fs::read_dir(world.path("run/plots"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    plots.sort();
    assert_eq!(plots, PLOTS);
    assert_eq!(read_json(&world.path("run/audit.json"))["sets"].as_array().unwrap().len(), 3);
    assert!(read_json(&world.path("run/run.json"))["seconds"]["report"].as_f64().unwrap() > 0.0);
}

#[test]
fn the_page_can_be_made_again_from_the_runs_files_alone() {
    let world = World::new();
    // The run is trained here, since a page names the folder that it was made in.
    world.study();
    world.train(&["--epochs", "2", "--batch-size", "8", "--out", "run"]).ok();
    let first = page(&world);
    let before = world.files();
    fs::remove_file(world.path("run/report.html")).unwrap();
    fs::remove_dir_all(world.path("run/plots")).unwrap();
    // The latest run is used, and nothing but its page is changed.
    let done = world.thorax(&["report"]);
    assert_eq!(done.ok().stdout, "page   run/report.html\nplots  run/plots\n");
    assert_eq!(before.keys().collect::<Vec<_>>(), world.files().keys().collect::<Vec<_>>());
    // Everything is the same but the time for the first page, which it could not contain.
    let settled = |page: &str| page.split_once("<section id=\"settings\">").unwrap().1.to_owned();
    assert_eq!(settled(&page(&world)), settled(&first));

    let json = world.thorax(&["report", "run", "--no-images", "--json"]).json();
    assert_eq!((&json["page"], &json["run"]), (&"run/report.html".into(), &"run".into()));
    assert_eq!(json["plots"].as_array().unwrap().len(), PLOTS.len());
    assert!(!page(&world).contains("data:image") && page(&world).contains("Pictures were left out."));

    // From another folder the pictures are found by the test set's path.
    let away = tempfile::tempdir().unwrap();
    let run = world.path("run");
    let mut command = world.command(&["report", run.to_str().unwrap()]);
    assert!(command.current_dir(away.path()).output().unwrap().status.success());
    assert!(page(&world).contains("data:image/jpeg") && !page(&world).contains("no picture"));
}

#[test]
fn a_picture_that_is_gone_is_no_error() {
    let world = World::new();
    world.trained();
    fs::remove_dir_all(world.path("xrays Test/NORMAL")).unwrap();
    fs::write(world.path("xrays Test/COVID-19/000.png"), "no image any more").unwrap();
    world.thorax(&["report", "run"]).ok();
    let page = page(&world);
    assert!(page.contains("no picture") && page.contains("data:image/jpeg"));
}

#[test]
fn a_run_without_a_test_or_an_audit_has_a_page_too() {
    let world = World::new();
    world.data_set("xrays", &CLASSES.map(|class| (class, 10)));
    let args =
        ["train", "--data", "xrays", "--image-size", "8", "--epochs", "1", "--no-report", "--out", "run"];
    let done = world.thorax(&args);
    assert!(!done.ok().stderr.contains("page "), "{}", done.stderr);
    for name in ["report.html", "plots", "audit.json"] {
        assert!(!world.path("run").join(name).exists(), "{name}");
    }
    world.thorax(&["report", "run"]).ok();
    let page = page(&world);
    for words in ["was not tested", "None was made.", "thorax data audit --html PAGE", "? not known"] {
        assert!(page.contains(words), "`{words}` is not in the page");
    }
    assert!(!page.contains("id=\"figures\"") && !page.contains("ROC"));
}

#[test]
fn temperature_and_thresholds_are_on_the_page() {
    let world = World::new();
    world.study();
    world.train(&["--epochs", "1", "--calibrate", "--sensitivity", "0.9", "--out", "run"]).ok();
    let record = read_json(&world.path("run/run.json"));
    let temperature = record["calibration"]["saved"]["temperature"].as_f64().unwrap();
    let page = page(&world);
    for words in [
        &format!("Temperature <strong>{temperature:.4}</strong>, fitted on 6 validation images"),
        "log loss, validation",
        "<td>0.9000</td>",
        "3 thresholds, reported on the test set",
        "tested with these hidden: lungs, centre, border",
    ] {
        assert!(page.contains(words), "`{words}` is not in the page");
    }
    let bound = !record["calibration"]["saved"]["bound"].is_null();
    assert_eq!(page.contains("The fit ended at the"), bound, "{record}");
}

#[test]
fn leaks_and_groups_of_the_audit_are_on_the_page() {
    let world = World::new();
    world.study();
    let (training, test) =
        (world.path("xrays/NORMAL/009.png"), world.path("xrays Test/NORMAL/000 again.png"));
    fs::copy(training, test).unwrap();
    world.train(&["--epochs", "1", "--out", "run", "--group-regex", "/(..)"]).ok();
    let page = page(&world);
    for words in [
        "<strong>1</strong> copies in two of training, validation and test",
        "1 copied pair across sets found",
        "1 group in more than one set; of 43 of 43 images a group such as a patient is known",
    ] {
        assert!(page.contains(words), "`{words}` is not in the page");
    }
}

#[test]
fn what_is_no_run_is_told() {
    let world = World::new();
    world.refuses(&["report"], &["error: no model has been trained here yet", "hint: run `thorax train`"]);
    world.refuses(&["report", "nowhere"], &["error: there is no run `nowhere`", "hint: check the spelling"]);
    world.trained();
    world.refuses(
        &["report", "run/best.safetensors"],
        &["error: `run/best.safetensors` is a file", "hint: name its run's folder, `run`"],
    );
    world.refuses(&["report", "run/history.csv"], &["is a file", "hint: name a run's folder"]);
    world.refuses(&["report", "xrays"], &["error: the folder `xrays` holds no run", "hint: name the folder"]);
}

/// Changes a file of a run, or removes it, and expects these words in the error.
#[track_caller]
fn damaged(world: &World, file: &str, content: Option<&str>, words: &[&str]) {
    let path = world.path("run").join(file);
    let whole = fs::read(&path).unwrap();
    match content {
        Some(content) => fs::write(&path, content).unwrap(),
        None => fs::remove_file(&path).unwrap(),
    }
    world.refuses(&["report", "run"], words);
    fs::write(&path, whole).unwrap();
}

#[test]
fn a_damaged_file_of_a_run_is_named_with_its_line() {
    let world = World::new();
    world.trained();
    let again = "hint: copy the file again from where it came, or train again";
    let no_history =
        ["error: the run in `run` has no history", "hint: name the folder of a run that finished"];
    damaged(&world, "history.csv", None, &no_history);
    damaged(&world, "history.csv", Some(""), &no_history);
    let header = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n";
    damaged(
        &world,
        "history.csv",
        Some(&format!("{header}1,0.5,0.5,0.5,0.5,0.001,1.0\n2,0.5,half")),
        &["error: `run/history.csv`, line 3: ", again],
    );
    damaged(&world, "run.json", Some("{"), &["error: `run/run.json` is not a run's record", "line 1", again]);
    damaged(
        &world,
        "test.json",
        Some("{\n  \"saved\": 3"),
        &["error: `run/test.json` is not", "line 2", again],
    );
    damaged(&world, "audit.json", Some("[\n"), &["error: `run/audit.json` is not", "line 2", again]);
    let columns = "path,label,predicted,p_COVID-19,p_NORMAL,p_Viral Pneumonia\n";
    let rows = |row: &str| format!("{columns}{row}\n");
    damaged(
        &world,
        "predictions.csv",
        Some(&rows("a.png,NORMAL,NORMAL,0.1,often,0.1")),
        &["error: `run/predictions.csv`, line 2: `often` is no probability", again],
    );
    damaged(
        &world,
        "predictions.csv",
        Some(&rows("a.png,NORMAL,NORMAL,0.1,0.8,0.1")),
        &[
            "error: `run/predictions.csv` holds 1 images and the run was tested on 12",
            "hint: put the run's own file",
        ],
    );
    damaged(
        &world,
        "predictions.csv",
        Some("path,label,predicted,p_a,p_b\nx,a,a,1,0\n"),
        &["error: `run/predictions.csv` is of other classes than the run", "hint: "],
    );
    world.thorax(&["report", "run"]).ok();
}

/// Checks that a run is complete without its page: an error there is a warning, and the exit code stays.
#[cfg(unix)]
#[test]
fn a_page_that_cannot_be_written_loses_no_run() {
    use std::{process::Stdio, time::Duration};

    let world = World::new();
    world.study();
    let args = ["train", "--data", "xrays", "--image-size", "16", "--patience", "100000", "--out", "run"];
    let mut child = world.command(&args);
    let child = child
        .args(["--epochs", "100000", "--quiet"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for _ in 0..600 {
        if world.path("run/best.safetensors").exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    fs::write(world.path("run/plots"), "in the way").unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ended = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{stderr}");
    let warning = "warning: the run is whole, but its page could not be made: cannot create `run/plots`";
    assert!(stderr.contains(warning), "{stderr}");
    assert_eq!(read_json(&world.path("run/run.json"))["status"], "interrupted");
    assert!(!world.path("run/report.html").exists());
    fs::remove_file(world.path("run/plots")).unwrap();
    world.thorax(&["report", "run"]).ok();
    world.thorax(&["test", "--saved", "run"]).ok();
}

/// Checks the page with a validator, where one is installed: `html-validate` (npm) or `html5lib` (pip).
#[test]
#[expect(clippy::print_stderr, reason = "the only way for a test to say that it was skipped")]
fn the_page_is_valid_html() {
    let world = World::new();
    world.trained();
    let page = world.path("run/report.html");
    let runs = |program: &str, args: &[&str]| {
        Command::new(program).args(args).output().is_ok_and(|done| done.status.success())
    };
    let mut validators = 0;
    if runs("html-validate", &["--version"]) {
        // The preset with the standard's rules; `style` attributes carry the bars' lengths.
        fs::write(
            world.path("rules.json"),
            r#"{"extends": ["html-validate:standard"], "rules": {"no-inline-style": "off"}}"#,
        )
        .unwrap();
        valid("html-validate", &["--config", world.path("rules.json").to_str().unwrap()], &page);
        validators += 1;
    }
    let parse =
        "import sys, html5lib; html5lib.HTMLParser(strict=True).parse(open(sys.argv[1], encoding='utf-8'))";
    if runs("python3", &["-c", "import html5lib"]) {
        valid("python3", &["-c", parse], &page);
        validators += 1;
    }
    if validators == 0 {
        eprintln!("the_page_is_valid_html: skipped, neither html-validate nor html5lib is installed");
    }
}

#[track_caller]
fn valid(program: &str, args: &[&str], page: &Path) {
    let done = Command::new(program).args(args).arg(page).output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&said));
}

/// Checks the page in headless Chromium, where it is installed.
#[cfg(unix)]
#[test]
#[expect(clippy::print_stderr, reason = "the only way for a test to say that it was skipped")]
fn pictures_are_made_of_a_page() {
    let world = World::new();
    world.trained();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/report_pictures.sh");
    let done = Command::new("bash")
        .arg(script)
        .args([world.path("run/report.html"), world.path("pictures")])
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{stdout}{}", String::from_utf8_lossy(&done.stderr));
    if stdout.starts_with("skipped: ") {
        eprintln!("pictures_are_made_of_a_page: {stdout}");
        return;
    }
    for (name, start) in [
        ("light.png", &b"\x89PNG"[..]),
        ("dark.png", b"\x89PNG"),
        ("phone.png", b"\x89PNG"),
        ("print.pdf", b"%PDF"),
    ] {
        assert!(fs::read(world.path("pictures").join(name)).unwrap().starts_with(start), "{name}");
    }
    let [light, dark] =
        ["light.png", "dark.png"].map(|name| fs::read(world.path("pictures").join(name)).unwrap());
    assert!(light != dark, "the page has one scheme of colours");
}
