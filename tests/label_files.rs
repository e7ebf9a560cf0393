//! Tests of label files from spreadsheets, other programs and people.

use std::{fs, io::Write as _, process::Stdio};

use serde_json::{Value, json};

use crate::{
    pictures::gray_png,
    world::{Done, World, read_json},
};

/// Makes a CSV, and the images 1 to 4 as PNG beside it.
fn world(csv: impl AsRef<[u8]>) -> World {
    let world = World::new();
    for i in 1..=4 {
        fs::write(world.path(&format!("{i}.png")), gray_png(8, 40 * i)).unwrap();
    }
    fs::write(world.path("m.csv"), csv).unwrap();
    world
}

fn scan(world: &World, flags: &[&str]) -> Done {
    world.thorax(&[&["data", "scan", "m.csv", "--json"], flags].concat())
}

/// Returns the labels with the number of their images.
fn counts(done: &Done) -> Vec<(String, u64)> {
    let classes = done.json()["classes"].clone();
    let of = |class: &Value| (class["label"].as_str().unwrap().to_owned(), class["images"].as_u64().unwrap());
    classes.as_array().unwrap().iter().map(of).collect()
}

#[track_caller]
fn is_listed(csv: &str, expected: &[(&str, u64)]) -> Done {
    let done = scan(&world(csv), &[]);
    let expected: Vec<(String, u64)> = expected.iter().map(|(label, n)| ((*label).to_owned(), *n)).collect();
    assert_eq!(counts(&done), expected, "{csv:?}\n{}", done.stderr);
    done
}

#[test]
fn blanks_around_cells_are_no_part_of_them() {
    let two = [("NORMAL", 1), ("SICK", 1)];
    for csv in [
        "path,label\n1.png,NORMAL \n2.png, SICK\n",
        "path, label\n1.png, \"NORMAL\"\n2.png,\t\"SICK\" \n",
        "label, path\nNORMAL, 1.png\nSICK, 2.png\n",
        "label , path \n NORMAL\u{a0}, 1.png \nSICK,\"2.png\"\n",
        "path;label;\r\n1.png;NORMAL;\r\n2.png;SICK;\r\n;;\r\n",
        "sep=;\r\npath;label\r\n1.png;NORMAL\r\n2.png;SICK\r\n",
        "\u{feff}\"sep=|\"\npath|label\n1.png|NORMAL\n2.png|SICK\n",
        "\u{feff}# from the archive\n\npath\tlabel\n1.png\tNORMAL\n2.png\tSICK\n",
        // The form that pandas writes, with its index.
        ",path,label\n0,1.png,NORMAL\n1,2.png,SICK\n",
        "Image Path,Class\n1.png,NORMAL\n2.png,SICK\n",
    ] {
        let done = is_listed(csv, &two);
        assert!(!done.stderr.contains("warning"), "{csv:?}: {}", done.stderr);
    }
    // A blank that is part of a file's name is found.
    let world = world("path,label\n\" 1.png\",a\n2.png,b\n");
    fs::rename(world.path("1.png"), world.path(" 1.png")).unwrap();
    assert_eq!(counts(&scan(&world, &[])).len(), 2);
}

#[test]
fn labels_that_look_alike_are_told() {
    for (labels, how) in [
        (["NORMAL", "Normal"], "`NORMAL` and `Normal` differ in upper and lower case only"),
        (["No Finding", "No  finding"], "differ in blanks only"),
        (["r\u{f6}ntgen", "ro\u{308}ntgen"], "differ in the Unicode form of their letters only"),
    ] {
        let world = world(format!("path,label\n1.png,{}\n2.png,{}\n", labels[0], labels[1]));
        let done = scan(&world, &[]);
        assert_eq!(counts(&done).len(), 2);
        assert!(
            done.stderr.contains("warning: `m.csv`: the classes ") && done.stderr.contains(how),
            "{}",
            done.stderr
        );
        assert!(done.json()["remarks"][0].as_str().unwrap().contains(how));
    }
}

#[test]
fn equal_rows_count_once_and_contradicting_ones_are_named() {
    let csv =
        "patientId,class,x\n1,Lung Opacity,5\n2,Normal,\n1,Lung Opacity,9\n3,Normal,\n1,Lung Opacity,7\n";
    let done = is_listed(csv, &[("Lung Opacity", 1), ("Normal", 2)]);
    assert!(done.stderr.contains("note: `m.csv`: 2 rows say again what others say"), "{}", done.stderr);
    for (rows, words) in [
        (
            "1.png,a,p\r\n2.png,b,p\r\n./1.png,b,p\r\n",
            "line 4: `./1.png` is in line 2 already, with the label `a`, not `b`",
        ),
        ("1.png,a,p\r\n1.png,a,\r\n", "line 3: `1.png` is in line 2 already, with the group `p`, not none"),
    ] {
        let world = world(format!("path,label,group\r\n{rows}"));
        world.refuses(&["data", "scan", "m.csv"], &["error: `m.csv`, ", words, "hint: "]);
        world.refuses(&["train", "--data", "m.csv"], &["error: `m.csv`, ", words]);
    }
}

/// Checks that line numbers are those of `grep -n`.
#[test]
fn lines_are_those_that_an_editor_shows() {
    for (csv, line) in [
        ("path,label\n1.png,a\n2.png,b\nnope.png,a\n", 4),
        ("path,label\r\n1.png,a\r\n2.png,b\r\nnope.png,a\r\n", 4),
        ("path,label\r1.png,a\r2.png,b\rnope.png,a\r", 4),
        ("sep=,\r\n# a note\r\npath,label\r\n\r\n\r\n1.png,a\r\n\"nope.png\",a\r\n", 7),
        ("path,note,label\r\n1.png,\"two\r\nlines\",a\r\n\r\nnope.png,x,b\r\n", 5),
    ] {
        let told = world(csv).refuses(&["data", "scan", "m.csv"], &["error: `m.csv`, line "]).stderr;
        assert!(told.contains(&format!("line {line}: `nope.png` is not there\n")), "{csv:?}: {told}");
    }
}

/// Checks the same for the files that `compare` and `report` read.
#[test]
fn lines_of_a_runs_files_are_those_that_an_editor_shows() {
    let world = World::new();
    world.trained();
    let path = world.path("run/predictions.csv");
    let good = fs::read_to_string(&path).unwrap();
    let bad = good.replace('\n', "\r\n").replacen("\r\n", "\r\n\r\n", 1);
    let row = bad.lines().nth(3).unwrap().to_owned();
    let wrong = format!("{},often", row.rsplit_once(',').unwrap().0);
    fs::write(&path, format!("\u{feff}{}", bad.replace(&row, &wrong))).unwrap();
    world.refuses(
        &["compare", "run/predictions.csv", "run/predictions.csv"],
        &["error: `run/predictions.csv`, line 4: `often` is no probability"],
    );
    // A file saved by a spreadsheet gives the same result.
    fs::write(
        world.path("saved.csv"),
        format!("\u{feff}sep=;\r\n{}", good.replace(',', ";").replace('\n', "\r\n")),
    )
    .unwrap();
    fs::write(&path, &good).unwrap();
    let compare = |b: &str| world.thorax(&["compare", "run/predictions.csv", b, "--json"]).json();
    assert_eq!(compare("saved.csv")["accuracy"], compare("run/predictions.csv")["accuracy"]);
    let history = world.path("run/history.csv");
    let rows = fs::read_to_string(&history).unwrap().replace('\n', "\r\n");
    let last = rows.lines().last().unwrap().to_owned();
    fs::write(&history, rows.replace(&last, &last.replacen("0.", "half.", 1))).unwrap();
    world.refuses(&["report", "run"], &["error: `run/history.csv`, line 3: "]);
}

/// Labels of a scanned label file, with their positive and negative images.
fn findings(done: &Done) -> Vec<(String, u64, u64)> {
    let labels = done.json()["labels"].as_array().unwrap().clone();
    let count = |label: &Value, key: &str| label[key].as_u64().unwrap();
    let of = |label: &Value| {
        (label["label"].as_str().unwrap().to_owned(), count(label, "positive"), count(label, "negative"))
    };
    labels.iter().map(of).collect()
}

#[test]
fn several_findings_of_one_image_are_not_taken_for_a_class() {
    let csv = "path,label,Patient ID\r\n1.png,No Finding,1\r\n2.png,Mass,1\r\n3.png,Mass|Nodule,2\r\n4.png,Effusion|Mass,2\r\n";
    let nih = world(csv);
    let done = scan(&nih, &[]);
    let expected = [("Effusion".to_owned(), 1, 3), ("Mass".to_owned(), 3, 1), ("Nodule".to_owned(), 1, 3)];
    assert_eq!(findings(&done), expected);
    assert_eq!((&done.json()["layout"], &done.json()["patients"]), (&json!("csv label file"), &json!(2)));
    let note = "note: `m.csv`: 2 rows have several findings, such as `Mass|Nodule`: read as 3 labels, ";
    assert!(done.stderr.contains(note), "{}", done.stderr);
    nih.refuses(
        &["train", "--data", "m.csv", "--task", "multi-class"],
        &["error: `m.csv` has several findings an image, and `--task multi-class` was asked for\n", "hint: "],
    );
    let done = scan(&nih, &["--classes", "No Finding,Mass"]);
    assert_eq!(counts(&done), [("No Finding".to_owned(), 1), ("Mass".to_owned(), 1)]);
    assert_eq!((&done.json()["groups"], done.json()["left_out"].as_array().unwrap().len()), (&json!(1), 2));
    // The file in its published form, with a delimiter at the end of its header.
    let shipped = csv
        .replace("path,label,Patient ID", "Image Index,Finding Labels,Patient ID")
        .replace("\r\n", ",\r\n");
    let done = scan(&world(shipped), &["--labels", "Nodule,Mass"]);
    assert_eq!(findings(&done), [("Nodule".to_owned(), 1, 3), ("Mass".to_owned(), 3, 1)]);
    assert_eq!(done.json()["format"], "nih");
}

#[test]
fn label_files_are_scanned_split_and_audited() {
    let world = World::new();
    world.data_set("set", &[("x", 12)]);
    let row = |i: usize| {
        let (edema, mass) = ([1, 0, -1][i % 3], [1, 0][i / 6]);
        format!("x/{i:03}.png,{edema}.0,{mass},p{},{}\n", i / 2, ["PA", "AP"][i % 2])
    };
    let rows: String = (0..12).map(row).collect();
    fs::write(world.path("set/m.csv"), format!("path,Edema,Mass,patient,View Position\n{rows}")).unwrap();
    let done = world.thorax(&["data", "scan", "set/m.csv"]);
    done.ok();
    for text in [
        "csv label file",
        "12 images of 6 patients; views: AP 6, PA 6",
        "label  positive  negative  uncertain  blank  unknown",
    ] {
        assert!(done.stdout.contains(text), "{text}: {}", done.stdout);
    }
    world.thorax(&["data", "split", "set/m.csv", "--out", "split.csv", "--test-split", "0.34"]).ok();
    let json = world.thorax(&["data", "scan", "split.csv", "--views", "AP", "--json"]).json();
    assert_eq!((&json["images"], &json["labels"][1]["positive"]), (&json!(6), &json!(3)));
    let audit = world.thorax(&["data", "audit", "split.csv", "--json"]).json();
    assert_eq!(audit["shared_groups"], json!([]));
    // The same patient in two parts, and copies that contradict each other.
    fs::copy(world.path("set/x/000.png"), world.path("set/x/011.png")).unwrap();
    let text = fs::read_to_string(world.path("split.csv")).unwrap();
    let other = |line: &str| match line.contains("x/001.png") {
        true if line.contains(",test,") => line.replace(",test,", ",training,"),
        true => line.replace(",training,", ",test,").replace(",validation,", ",test,"),
        false => line.to_owned(),
    };
    let changed: Vec<String> = text.lines().map(other).collect();
    fs::write(world.path("leaky.csv"), changed.join("\n")).unwrap();
    let done = world.thorax(&["data", "audit", "leaky.csv"]);
    done.ok();
    for text in ["groups in more than one set: 1\n  `p0`: 2 images in ", "only one has "] {
        assert!(done.stdout.contains(text), "{text}: {}", done.stdout);
    }
    world.refuses(
        &["data", "split", "set/m.csv", "--out", "s.csv", "--link", "new"],
        &["error: images with several findings cannot be laid out"],
    );
    fs::remove_file(world.path("set/x/003.png")).unwrap();
    world.refuses(
        &["data", "scan", "set/m.csv"],
        &[
            "error: 1 of 12 images of `set/m.csv` are not there: `x/003.png`",
            "below `set`; `data scan --labels-only`",
        ],
    );
    world.thorax(&["data", "scan", "set/m.csv", "--labels-only"]).ok();
}

#[test]
fn paths_of_other_machines_are_found() {
    let found = |world: &World, csv: &str, words: &str| {
        let done = world.thorax(&["data", "scan", csv, "--json"]);
        assert_eq!(counts(&done), [("a".to_owned(), 1), ("b".to_owned(), 1)], "{csv}");
        let note = format!("note: `{csv}`: not all files lie where the rows say; all were found {words}\n");
        assert!(done.stderr.contains(&note), "{csv}: {}", done.stderr);
    };
    let world = World::new();
    world.data_set("set/img", &[("x", 2)]);
    let mut n = 0;
    let mut csv = |folder: &str, prefix: &str| {
        n += 1;
        let name = format!("{folder}{n}.csv");
        let text = format!("path,label\n{prefix}000.png,a\n{prefix}001.png,b\n");
        fs::write(world.path(&name), text).unwrap();
        name
    };
    found(&world, &csv("set/", r"img\x\"), r"with `/` for `\`");
    found(&world, &csv("set/", r"C:\data\img\x\"), r"with `/` for `\`, without `C:/data/`");
    found(&world, &csv("set/", "set/img/x/"), "without `set/`");
    found(&world, &csv("set/", "/kaggle/input/img/x/"), "without `/kaggle/input/`");
    found(&world, &csv("set/img/", "img/x/"), "without `img/`");
    found(&world, &csv("set/img/x/", "img/x/"), "without `img/x/`");
    fs::create_dir(world.path("set/lists")).unwrap();
    found(&world, &csv("set/lists/", "img/x/"), "below `set/lists/..`");
    found(&world, &csv("set/", "x/"), "below `set/img`");
    // The remedy applies to all rows or to none.
    let name = csv("set/", "img/x/");
    let text = fs::read_to_string(world.path(&name)).unwrap();
    fs::write(world.path(&name), format!("{text}set/img/x/002.png,b\n")).unwrap();
    world.refuses(&["data", "scan", &name], &["line 4: `set/img/x/002.png` is not there"]);
    fs::write(world.path(&name), text.replace("img/x/", r"img\x\").replace("001", "009")).unwrap();
    world.refuses(
        &["data", "scan", &name],
        &["2 rows cannot be used", r"line 2: `img\x\000.png` is not there"],
    );
    // Two folders hold all images, so neither can be meant.
    world.data_set("set/more", &[("x", 2)]);
    let name = csv("set/", "x/");
    world.refuses(&["data", "scan", &name], &["2 rows cannot be used", "line 2: `x/000.png` is not there"]);
    // A run from such a file is tested on the same files.
    world.data_set("far/img", &[("x", 20)]);
    let rows = (0..20)
        .map(|i| format!("img\\x\\{i:03}.png,{},{}\n", ["a", "b"][i % 2], if i < 16 { "" } else { "test" }));
    fs::write(world.path("far/m.csv"), format!("path,label,split\n{}", rows.collect::<String>())).unwrap();
    world
        .thorax(&["train", "--data", "far/m.csv", "--image-size", "16", "--epochs", "1", "--out", "run"])
        .ok();
    assert_eq!(read_json(&world.path("run/run.json"))["counts"]["test"], json!([2, 2]));
    assert_eq!(world.thorax(&["test", "--saved", "run", "--json"]).json()["images"], 4);
}

/// Checks names in either Unicode form: macOS stores letters apart from their accents, and a CSV of another system does not.
#[test]
fn names_are_found_in_either_unicode_form() {
    let csv = "path,label\nr\u{f6}ntgen/\u{e9}1.png,a\nr\u{f6}ntgen/2.png,b\nr\u{f6}ntgen/\u{e9}3,a\n";
    let world = world(csv);
    let folder = world.path("ro\u{308}ntgen");
    fs::create_dir(&folder).unwrap();
    for name in ["e\u{301}1.png", "2.png", "e\u{301}3.png"] {
        fs::write(folder.join(name), gray_png(8, 90)).unwrap();
    }
    let done = scan(&world, &[]);
    assert_eq!(counts(&done), [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    assert!(done.stderr.contains("found under the same names in another Unicode form"), "{}", done.stderr);
}

#[test]
fn classes_with_commas_are_named_in_quotes() {
    let csv = "path,label,split\n1.png,\"a, b\",train\n2.png,No Opacity / Normal,train\n3.png,\"a, b\",val\n4.png,No Opacity / Normal,val\n";
    let world = world(csv);
    let flags = ["--classes", "No Opacity / Normal,\"x=a, b\""];
    assert_eq!(counts(&scan(&world, &flags)), [("No Opacity / Normal".to_owned(), 2), ("x".to_owned(), 2)]);
    let line = ["train", "--data", "m.csv", "--image-size", "16", "--epochs", "1", "--out", "run"];
    world.thorax(&[&line[..], &["--classes", "No Opacity / Normal,\"a, b\""]].concat()).ok();
    // The resumed run uses this order.
    world.thorax(&["train", "--resume", "run", "--extend-epochs", "1"]).ok();
    assert_eq!(read_json(&world.path("run/run.json"))["classes"], json!(["No Opacity / Normal", "a, b"]));
    fs::write(world.path("r.toml"), "\u{feff}classes = [\"a, b\", \"No Opacity / Normal\"]\n").unwrap();
    world.thorax(&[&line[..8], &["other", "--recipe", "r.toml"]].concat()).ok();
    assert_eq!(read_json(&world.path("other/run.json"))["classes"], json!(["a, b", "No Opacity / Normal"]));
    world.refuses(&["data", "scan", "m.csv", "--classes", "a,,b"], &["error: ", "names no class"]);
}

#[test]
fn a_list_on_standard_input_may_begin_with_a_byte_order_mark() {
    let world = World::new();
    world.trained();
    let line = ["predict", "-", "--saved", "run", "--csv"];
    let mut child = world.command(&line).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all("\u{feff}xrays/NORMAL/000.png\r\n".as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("\nxrays/NORMAL/000.png,"), "{text}");
}

#[test]
fn backslashes_in_some_rows_are_no_fault_and_what_would_find_most_files_is_named() {
    let world = World::new();
    world.data_set("img", &[("a", 3), ("b", 3)]);
    let rows = |path: &dyn Fn(usize, &str, usize) -> String| -> String {
        let images = ["a", "b"].iter().flat_map(|class| (0..3).map(move |i| (*class, i))).enumerate();
        images.map(|(at, (class, i))| format!("{},{class}\n", path(at, class, i))).collect()
    };
    let mixed = rows(&|at, class, i| {
        let path = format!("img/{class}/{i:03}.png");
        if at % 2 == 0 { path.replace('/', "\\") } else { path }
    });
    fs::write(world.path("m.csv"), format!("path,label\n{mixed}")).unwrap();
    let scanned = world.thorax(&["data", "scan", "m.csv"]);
    assert!(scanned.ok().stderr.contains("with `/` for `\\`"), "{}", scanned.stderr);
    // All paths have one folder too many, and one file is missing in either case.
    let prefixed = rows(&|_, class, i| format!("x/img/{class}/{i:03}.png"));
    fs::write(world.path("m.csv"), format!("path,label\n{prefixed}x/img/a/999.png,a\n")).unwrap();
    let remedy = "6 of 7 files are there without `x/`: correct the paths of the others";
    world.refuses(&["data", "scan", "m.csv"], &["error: `m.csv`, 7 rows cannot be used", remedy]);
    // Files that do not exist have no remedy.
    fs::write(world.path("m.csv"), "path,label\nimg/a/000.png,a\nnowhere/1.png,b\n").unwrap();
    let done = world.refuses(&["data", "scan", "m.csv"], &["line 3: `nowhere/1.png` is not there"]);
    assert!(!done.stderr.contains("files are there"), "{}", done.stderr);
}
