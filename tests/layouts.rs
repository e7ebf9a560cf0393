//! Tests of data sets in every layout: training, testing, and the messages about faults.

use std::fs;

use serde_json::{Value, json};

use crate::{
    pictures::gray_png,
    world::{World, read_json},
};

const FOUR: [&str; 4] = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"];

/// Makes the layout of the present release: images and masks of four classes, with notes beside them.
fn present_release(world: &World) {
    for class in FOUR {
        world.data_set(&format!("xrays/{class}"), &[("images", 10), ("masks", 10)]);
        fs::write(world.path(&format!("xrays/{class}.metadata.xlsx")), "PK").unwrap();
    }
    fs::write(world.path("xrays/README.md.txt"), "about").unwrap();
}

/// Makes `train/` and `test/` of two classes.
fn parts(world: &World) {
    world.data_set("xrays/train", &[("a", 10), ("b", 10)]);
    world.data_set("xrays/test", &[("a", 3), ("b", 4)]);
}

/// Makes ten pictures each of two classes in one folder, and a CSV with these further columns.
fn csv(world: &World, header: &str, more: impl Fn(usize) -> String) {
    world.data_set("files", &[("x", 20)]);
    let rows = (0..20).map(|i| format!("../files/x/{i:03}.png,{}{}\n", ["sick", "well"][i % 2], more(i)));
    fs::create_dir(world.path("lists")).unwrap();
    let text = format!("path,label{header}\n{}", rows.collect::<String>());
    fs::write(world.path("lists/m.csv"), text).unwrap();
}

/// Trains for an epoch; returns `run.json`.
fn trained(world: &World, data: &str, flags: &[&str]) -> Value {
    let line = ["train", "--data", data, "--image-size", "16", "--epochs", "1", "--out", "run"];
    world.thorax(&[&line[..], flags].concat()).ok();
    read_json(&world.path("run/run.json"))
}

/// Returns the names of the images that a run was tested on.
fn tested(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.path("run/predictions.csv")).unwrap();
    text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect()
}

#[test]
fn the_present_release() {
    let world = World::new();
    present_release(&world);
    let record = trained(&world, "xrays", &[]);
    assert_eq!(record["layout"], "class folders with images/ and masks/");
    assert_eq!(record["classes"], json!(FOUR));
    assert_eq!(record["counts"]["training"], json!([8, 8, 8, 8]));
    // A test set beside it, in the layout of the earlier release, under the study's names.
    world.data_set("xrays Test", &[("COVID", 2), ("Normal", 2)]);
    fs::remove_dir_all(world.path("run")).unwrap();
    let record = trained(&world, "xrays", &["--classes", "COVID-19=COVID,NORMAL=Normal"]);
    assert_eq!(record["classes"], json!(["COVID-19", "NORMAL"]));
    assert_eq!(world.thorax(&["test", "--saved", "run", "--json"]).json()["images"], 4);
    let scan = world.thorax(&["data", "scan", "xrays"]);
    for words in
        ["Lung_Opacity", "left out: 4 masks, no radiographs: `xrays/COVID/masks`", "left out: 5 no image: "]
    {
        assert!(scan.ok().stdout.contains(words), "{}", scan.stdout);
    }
}

#[test]
fn training_and_test_folders() {
    let world = World::new();
    parts(&world);
    let record = trained(&world, "xrays", &[]);
    assert_eq!(record["layout"], "training and test folders of class folders");
    let counts = json!({"training": [8, 8], "validation": [2, 2], "test": [3, 4]});
    assert_eq!(record["counts"], counts);
    assert_eq!(record["class_weights"], json!([1.0, 1.0]));
    assert!(tested(&world).iter().all(|name| name.contains("/test/")));
    let own = world.thorax(&["test", "--saved", "run", "--json"]).json();
    let saved = read_json(&world.path("run/test.json"))["saved"].clone();
    assert_eq!((&own["images"], &own["loss"]), (&saved["images"], &saved["loss"]));
    // A named test set takes precedence, and the data set's own test images are still not used for training.
    world.data_set("other", &[("a", 1), ("b", 1)]);
    fs::remove_dir_all(world.path("run")).unwrap();
    let record = trained(&world, "xrays", &["--test-data", "other"]);
    assert_eq!(record["counts"], json!({"training": [8, 8], "validation": [2, 2], "test": [1, 1]}));
    // A validation folder is used unchanged.
    world.data_set("xrays/Valid", &[("a", 1), ("b", 1)]);
    fs::remove_dir_all(world.path("run")).unwrap();
    let record = trained(&world, "xrays", &[]);
    assert_eq!(record["counts"], json!({"training": [10, 10], "validation": [1, 1], "test": [3, 4]}));
    let scan = world.thorax(&["data", "scan", "xrays", "--json"]).json();
    let class = json!({"label": "b", "images": 15, "gray": 15, "unreadable": 0, "training": 10, "validation": 1, "test": 4});
    assert_eq!(scan["classes"][1], class);
    world.data_set("xrays/test", &[("c", 1)]);
    world.refuses(
        &["train", "--data", "xrays"],
        &[
            "error: the classes of `xrays/test` are not those of the other parts: ",
            "`c` unknown",
            "hint: ",
            "--classes",
        ],
    );
}

#[test]
fn a_csv_with_a_split_and_groups() {
    let world = World::new();
    let split = |i: usize| ["train", "train", "train", "Val", "test"][i / 4].to_owned();
    csv(&world, ",patient,set", |i| format!(",p{},{}", i / 4, split(i)));
    let record = trained(&world, "lists/m.csv", &[]);
    assert_eq!(record["counts"], json!({"training": [6, 6], "validation": [2, 2], "test": [2, 2]}));
    assert_eq!(record["layout"], "CSV");
    assert_eq!(record["manifest_sha256"].as_str().unwrap().len(), 64);
    let names = tested(&world);
    assert!(names.len() == 4 && names.iter().all(|name| &name[name.len() - 7..] >= "016.png"), "{names:?}");
    let own = world.thorax(&["test", "--saved", "run", "--json"]);
    assert_eq!((&own.json()["images"], own.stderr.contains("warning")), (&4.into(), false), "{}", own.stderr);
    // The model's classes are the file's labels, and a change of the file is reported.
    let text = fs::read_to_string(world.path("lists/m.csv")).unwrap();
    fs::write(world.path("lists/m.csv"), text.replace("Val", "test")).unwrap();
    let own = world.thorax(&["test", "--saved", "run", "--json"]);
    assert_eq!(own.json()["images"], 8);
    assert!(own.stderr.contains("warning: `") && own.stderr.contains("is not what it was"), "{}", own.stderr);
    let named = world.thorax(&["test", "--saved", "run", "--data", "lists/m.csv", "--json"]);
    assert_eq!(named.json()["images"], 8);
    // A group in two parts is a leak, and is reported.
    fs::write(world.path("lists/m.csv"), text.replace(",p4,", ",p0,")).unwrap();
    let done = world.thorax(&["train", "--data", "lists/m.csv", "--dry-run"]);
    assert!(done.ok().stderr.contains("warning: 1 group stands in more than one of"), "{}", done.stderr);
}

#[test]
fn a_csv_whose_labels_are_no_folders_names() {
    let world = World::new();
    csv(&world, ",split", |i| if i < 16 { ",".to_owned() } else { ",test".to_owned() });
    let text = fs::read_to_string(world.path("lists/m.csv")).unwrap();
    fs::write(world.path("lists/m.csv"), text.replace(",sick,", ",\"a=b/c, d\",")).unwrap();
    let record = trained(&world, "lists/m.csv", &[]);
    assert_eq!(record["classes"], json!(["a=b/c, d", "well"]));
    assert_eq!(record["counts"]["test"], json!([2, 2]));
    assert_eq!(world.thorax(&["test", "--saved", "run", "--json"]).json()["images"], 4);
}

#[test]
fn files_named_by_a_csv_without_their_extension() {
    let world = World::new();
    world.data_set("study", &[("x", 12)]);
    let rows: String = (0..12).map(|i| format!("{i:03},{}\n", ["sick", "well"][i % 2])).collect();
    fs::write(world.path("study/x/labels.csv"), format!("patientId,class\n{rows}")).unwrap();
    let record = trained(&world, "study/x/labels.csv", &["--classes", "ill=sick,well"]);
    assert_eq!(
        (&record["classes"], &record["counts"]["training"]),
        (&json!(["ill", "well"]), &json!([5, 5]))
    );
    // The folder alone does not give the classes of its images, but the message names the file that does.
    world.refuses(
        &["train", "--data", "study/x"],
        &["error: `study/x` has no classes: it holds 12 images", "hint: ", "`study/x/labels.csv`"],
    );
}

#[test]
fn rows_that_cannot_be_used() {
    let world = World::new();
    csv(&world, ",split", |_| ",train".to_owned());
    let path = world.path("lists/m.csv");
    let good = fs::read_to_string(&path).unwrap();
    let refuses = |text: &[u8], words: &[&str]| {
        fs::write(&path, text).unwrap();
        let words = [&["error: `lists/m.csv`, "], words, &["hint: a CSV has a header"]].concat();
        world.refuses(&["train", "--data", "lists/m.csv", "--out", "run"], &words);
        world.refuses(&["data", "scan", "lists/m.csv"], &words);
        world.refuses(&["data", "split", "lists/m.csv", "--out", "new.csv"], &words);
    };
    refuses(
        good.replace("split", "when").replacen("label", "kind", 1).as_bytes(),
        &["line 1: no column `label`"],
    );
    refuses(good.replacen("train", "trian", 1).as_bytes(), &["line 2: unknown split `trian`"]);
    refuses(
        good.replace("/files/x", "/file/x").as_bytes(),
        &["20 rows cannot be used", "line 2: `../file/x/000.png` is not there", "line 21: "],
    );
    refuses(
        format!("{good}../files/x/000.png,sick,test\n").as_bytes(),
        &["line 22: ", "is in line 2 already"],
    );
    refuses(b"\xff\xfep\0a\0t\0h\0", &["line 1: it is UTF-16 text: save it as UTF-8"]);
    refuses(&[good.as_bytes(), b"\xe9.png,sick,test\n"].concat(), &["line 22: it is not UTF-8"]);
    refuses(b"", &["line 1: it is empty"]);
    fs::remove_file(&path).unwrap();
    world.refuses(&["train", "--data", "lists/m.csv"], &["error: no such file: `lists/m.csv`", "hint: "]);
    fs::write(world.path("lists/m.json"), "{}").unwrap();
    world.refuses(&["train", "--data", "lists/m.json"], &["error: `lists/m.json` is not a folder", "CSV"]);
}

#[test]
fn a_part_that_lacks_a_class() {
    let world = World::new();
    csv(&world, ",split", |i| if i == 19 { ",test".to_owned() } else { ",train".to_owned() });
    world.refuses(
        &["train", "--data", "lists/m.csv"],
        &["error: `lists/m.csv` has no test images of class `sick`", "hint: "],
    );
    let path = world.path("lists/m.csv");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(",test", ",validation")).unwrap();
    world.refuses(&["train", "--data", "lists/m.csv"], &["has no validation images of class `sick`"]);
    world.study();
    world.data_set("lists", &[("sick", 5), ("well", 5)]);
    let line = ["train", "--data", "lists", "--image-size", "16", "--epochs", "1", "--out", "run"];
    world.thorax(&line).ok();
    world.refuses(
        &["test", "--saved", "run", "--data", "lists/m.csv"],
        &["error: `lists/m.csv` has parts, and none of them is for testing", "hint: "],
    );
}

#[test]
fn classes_of_files_that_keras_does_not_list() {
    let world = World::new();
    for class in ["a", "b"] {
        fs::create_dir_all(world.path(&format!("xrays/{class}"))).unwrap();
        for i in 0..5 {
            fs::write(world.path(&format!("xrays/{class}/{i}")), gray_png(8, 90 + i)).unwrap();
        }
    }
    let words =
        ["error: classes in `xrays` without images: `a`, `b`", "hint: `--formats all` takes 10 images"];
    world.refuses(&["train", "--data", "xrays", "--formats", "keras"], &words);
    // The default rules take these files.
    let record = trained(&world, "xrays", &[]);
    assert_eq!(record["counts"]["training"], json!([4, 4]));
}

#[test]
fn scan_says_what_is_left_out_and_why() {
    let world = World::new();
    world.study();
    fs::write(world.path("xrays/NORMAL/picture"), gray_png(8, 90)).unwrap();
    for i in 0..5 {
        fs::write(world.path(&format!("xrays/NORMAL/{i}.txt")), "a note").unwrap();
    }
    let scan = world.thorax(&["data", "scan", "xrays", "--formats", "keras"]);
    let told = &scan.ok().stdout;
    assert!(told.starts_with("xrays (class folders)\n"), "{told}");
    assert!(told.contains("left out: 5 no image: `xrays/NORMAL/0.txt`, `xrays/NORMAL/1.txt`, "), "{told}");
    assert!(told.contains("left out: 1 PNG by its content, "), "{told}");
    assert!(told.contains("(`--formats all` takes it): `xrays/NORMAL/picture`\n"), "{told}");
    let scan = world.thorax(&["data", "scan", "xrays", "--json", "--formats", "keras"]).json();
    assert_eq!(scan["left_out"].as_array().unwrap().len(), 6);
    assert_eq!((&scan["layout"], &scan["classes"][1]["images"]), (&"class folders".into(), &10.into()));
    let scan = world.thorax(&["data", "scan", "xrays", "--json"]).json();
    assert_eq!(scan["classes"][1]["images"], 11);
}
