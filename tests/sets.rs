//! Tests of several test sets, a test's files, two models on the same images, and images with a part hidden.

use std::fs;

use serde_json::{Value, json};

use crate::world::{CLASSES, World, read_json};

/// Makes a trained model, `run`, and three sets: its own, `far` of other pictures, and `part` that lacks a class.
fn world() -> World {
    let world = World::new();
    world.trained();
    world.data_set("far", &CLASSES.map(|class| (class, 5)));
    world.data_set("part", &[("NORMAL", 3), ("Viral Pneumonia", 0)]);
    world
}

/// Trains a second model of the same classes, named in reverse order, at another image size.
fn second(world: &World) {
    let classes = "Viral Pneumonia,COVID-19,NORMAL";
    let line = ["train", "--data", "xrays", "--image-size", "8", "--epochs", "1", "--seed", "3"];
    world.thorax(&[&line[..], &["--classes", classes, "--out", "other"]].concat()).ok();
}

fn timeless(figures: &Value) -> Value {
    let mut figures = figures.clone();
    for key in ["seconds", "images_per_second", "checkpoint"] {
        assert!(figures.as_object_mut().unwrap().remove(key).is_some(), "{key}");
    }
    figures
}

#[test]
fn several_sets_are_reported_apart_with_the_gap_between_them() {
    let world = world();
    let line = ["test", "--saved", "run", "--data", "internal=xrays Test", "--data", "far"];
    let done = world.thorax(&[&line[..], &["--json"]].concat());
    assert!(done.ok().stdout.starts_with("{\"sets\":{\"internal\":{"), "{}", done.stdout);
    let told = done.json();
    // Each set has the figures of a test of it alone.
    let own = read_json(&world.path("run/test.json"))["saved"].clone();
    assert_eq!(timeless(&told["sets"]["internal"]), timeless(&own));
    let far = world.thorax(&["test", "--saved", "run", "--data", "far", "--json"]).json();
    assert_eq!(timeless(&told["sets"]["far"]), timeless(&far));
    assert_eq!((far["images"].clone(), far.get("occluded")), (15.into(), None));

    let gap = &told["gaps"][0];
    assert_eq!((&gap["from"], &gap["to"]), (&"internal".into(), &"far".into()));
    for name in ["accuracy", "balanced_accuracy"] {
        let difference = gap[name]["difference"].as_f64().unwrap();
        let value = |figures: &Value| figures[name].as_f64().unwrap();
        assert!((difference - (value(&far) - value(&own))).abs() < 1e-12, "{gap}");
        let [low, high] = [0, 1].map(|end| gap[name]["interval"][end].as_f64().unwrap());
        assert!(low <= difference && difference <= high && high - low > 0.2, "{gap}");
    }
    assert!(
        gap["macro_f1"]["difference"].is_number() && gap["macro_roc_auc"]["interval"].is_array(),
        "{gap}"
    );

    let printed = world.thorax(&line).ok().stdout.clone();
    let mut rest = printed.as_str();
    for words in [
        "Test results on internal (12 images), far (15 images)\n",
        "internal",
        "far\n",
        "Categorical crossentropy loss",
        "Gap from internal to\n",
        "Balanced accuracy",
        "far is ",
        " internal in balanced accuracy\n",
        "By class, internal\n",
        "Confusion matrix, internal",
        "By class, far\n",
        "Confusion matrix, far",
    ] {
        let at = rest.find(words);
        assert!(at.is_some(), "`{words}` is not where it should be in:\n{printed}");
        rest = &rest[at.unwrap() + words.len()..];
    }
    // Sets keep the order given, and a single set with a name is reported by name.
    let line = ["test", "--saved", "run", "--data", "z=far", "--data", "a=xrays Test", "--json"];
    assert!(world.thorax(&line).ok().stdout.starts_with("{\"sets\":{\"z\":{"));
    let one = world.thorax(&["test", "--saved", "run", "--data", "z=far", "--json"]).json();
    assert_eq!((timeless(&one["sets"]["z"]), &one["gaps"]), (timeless(&far), &json!([])));
}

#[test]
fn a_folder_with_an_equals_sign_is_a_folder() {
    let world = world();
    world.data_set("a=b", &CLASSES.map(|class| (class, 2)));
    let told = world.thorax(&["test", "--saved", "run", "--data", "a=b", "--json"]).json();
    assert_eq!(told["images"], 6);
}

#[test]
fn sets_that_share_images_are_told() {
    let world = world();
    let line = ["test", "--saved", "run", "--data", "a=far", "--data", "b=far"];
    let told = world.thorax(&line).ok().stderr.clone();
    assert!(told.contains("warning: 15 of 15 images of `b` have the same pixels as images of `a`"), "{told}");
}

#[test]
fn a_class_without_images_leaves_figures_without_value_and_says_why() {
    let world = world();
    for data in [&["part"][..], &["far", "part"]] {
        let named: Vec<&str> = data.iter().flat_map(|data| ["--data", data]).collect();
        let done = world.thorax(&[&["test", "--saved", "run", "--json"], &named[..]].concat());
        let words = "holds no image of `COVID-19`, `Viral Pneumonia`: figures that need one have no value";
        assert!(done.ok().stderr.contains(&format!("warning: `part` {words}")), "{}", done.stderr);
        let told = done.json();
        let figures = if data.len() == 1 { &told } else { &told["sets"]["part"] };
        assert_eq!((&figures["images"], &figures["balanced_accuracy"]), (&3.into(), &Value::Null));
        assert_eq!(
            (&figures["classes"][0]["recall"], &figures["classes"][0]["support"]),
            (&Value::Null, &0.into())
        );
        assert_eq!(figures["undefined"]["balanced_accuracy"], "no image of class `COVID-19` in the set");
        assert_eq!(figures["undefined"]["recall of `COVID-19`"], "no image of class `COVID-19` in the set");
        assert!(figures["accuracy"].is_number() && figures["intervals"]["accuracy"].is_array());
        if data.len() == 2 {
            let gap = &told["gaps"][0];
            assert_eq!(gap["balanced_accuracy"], json!({"difference": null, "interval": null}));
            let why = "part: no image of class `COVID-19` in the set";
            assert_eq!(gap["undefined"]["balanced_accuracy"], why);
            assert!(gap["accuracy"]["interval"].is_array(), "{gap}");
        }
    }
    // Training still refuses such sets.
    world.refuses(&["train", "--data", "part"], &["error: ", "`Viral Pneumonia`"]);
    let line = ["train", "--data", "xrays", "--test-data", "part", "--out", "new"];
    world.refuses(&line, &["error: the classes of `part` are not the model's: `COVID-19` missing"]);
}

#[test]
fn sets_that_cannot_be_tested_are_refused() {
    let world = world();
    world.data_set("strange", &[("NORMAL", 2), ("Bacterial Pneumonia", 2)]);
    world.data_set("empty", &[("NORMAL", 0), ("COVID-19", 0)]);
    world.data_set("broken", &[("NORMAL", 0)]);
    fs::write(world.path("broken/NORMAL/a.png"), "no picture").unwrap();
    let refuses = |flags: &[&str], words: &[&str]| {
        world.refuses(&[&["test", "--saved", "run"], flags].concat(), words);
    };
    refuses(
        &["--data", "far", "--data", "strange"],
        &[
            "error: the classes of `strange` are not the model's: ",
            "`Bacterial Pneumonia` unknown to the model",
            "hint: the model knows `COVID-19`, `NORMAL`, `Viral Pneumonia`",
        ],
    );
    refuses(&["--data", "far", "--data", "empty"], &["error: classes in `empty` without images: `COVID-19`"]);
    refuses(&["--data", "a=nowhere"], &["error: no such folder: `nowhere`", "hint: "]);
    refuses(
        &["--data", "broken"],
        &["error: 1 of 1 images cannot be read", "`broken/NORMAL/a.png`", "hint: "],
    );
    refuses(
        &["--data", "broken", "--on-bad-image", "skip"],
        &["error: no readable image is left in `broken`", "hint: "],
    );
    let twice = ["error: two sets are called `far`", "hint: ", "`--data NAME=FOLDER`"];
    refuses(&["--data", "far", "--data", "far=xrays Test"], &twice);
    refuses(&["--data", "far", "--data", "./far/"], &twice);
    refuses(&["--data", "=far"], &["error: `=far` names no set", "hint: "]);
}

#[test]
fn a_tests_files_hold_what_it_printed() {
    let world = world();
    let line = ["test", "--saved", "run", "--json", "--out", "new/one"];
    let told = world.thorax(&line).json();
    assert_eq!(read_json(&world.path("new/one/test.json")), told);
    // Its rows have absolute paths, like `run.json`, and those of training the paths as given.
    let same = world.thorax(&["compare", "run", "new/one", "--json"]).json()["comparison"].clone();
    assert_eq!((&same["images"], &same["mcnemar_p"]), (&12.into(), &1.0.into()));
    assert_eq!((&same["log_loss"]["difference"], &same["only_first_right"]), (&0.0.into(), &0.into()));
    let read = |name: &str| fs::read_to_string(world.path(name)).unwrap();
    world.thorax(&["test", "--saved", "run", "--data", "xrays Test", "--out", "new/named"]).ok();
    assert_eq!(read("new/named/predictions.csv"), read("run/predictions.csv"));
    let files = |folder: &str| {
        let names = fs::read_dir(world.path(folder)).unwrap();
        let mut names: Vec<_> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(files("new/one"), ["predictions.csv", "test.json"]);

    fs::create_dir(world.path("two")).unwrap();
    let line = ["test", "--saved", "run", "--data", "in/out=far", "--data", "part", "--json", "--out", "two"];
    let told = world.thorax(&line).json();
    assert_eq!(files("two"), ["predictions-in_out.csv", "predictions-part.csv", "test.json"]);
    assert_eq!(read_json(&world.path("two/test.json")), told);
    assert_eq!(read("two/predictions-part.csv").lines().count(), 4);
}

#[test]
fn a_folder_in_use_is_refused_and_none_is_left_without_a_test() {
    let world = world();
    fs::write(world.path("file"), "mine").unwrap();
    let refuses = |flags: &[&str], words: &[&str]| {
        world.refuses(&[&["test", "--saved", "run", "--data", "far"], flags].concat(), words);
    };
    refuses(&["--out", "run"], &["error: `run` already holds a run", "hint: ", "`--out`"]);
    refuses(&["--out", "xrays"], &["error: `xrays` is not empty", "hint: "]);
    refuses(&["--out", "file/new"], &["error: cannot use `file/new`", "Not a directory"]);
    refuses(&["--data", "nowhere", "--out", "new"], &["error: no such folder: `nowhere`"]);
    assert!(!world.path("new").exists());
    let both = ["--data", "FAR=part", "--out", "new"];
    refuses(
        &both,
        &["error: the sets `far` and `FAR` cannot both be written to `predictions-FAR.csv`", "hint: "],
    );
    assert!(!world.path("new").exists());
}

#[test]
fn two_models_are_compared_on_the_same_images() {
    let world = world();
    second(&world);
    let told = world.thorax(&["test", "--saved", "run", "--against", "other", "--json"]).json();
    let own = world.thorax(&["test", "--saved", "run", "--json"]).json();
    let against = &told["against"];
    let mut alone = told.clone();
    alone.as_object_mut().unwrap().remove("against");
    assert_eq!(timeless(&alone), timeless(&own));
    assert_eq!(against["checkpoint"], "other/best.safetensors");
    let saved = &read_json(&world.path("other/test.json"))["saved"];
    assert_eq!(timeless(&against["figures"]), timeless(saved));

    let comparison = &against["comparison"];
    let count = |key: &str| comparison[key].as_u64().unwrap();
    let right = |figures: &Value| (figures["accuracy"].as_f64().unwrap() * 12.0).round() as u64;
    assert_eq!(count("both_right") + count("only_first_right"), right(&own));
    assert_eq!(count("both_right") + count("only_second_right"), right(saved));
    assert_eq!((count("images"), count("both_wrong")), (12, 12 - right(&own) - count("only_second_right")));
    assert!(comparison["mcnemar_p"].as_f64().unwrap() <= 1.0 && comparison["groups"].is_null());
    for name in ["accuracy", "balanced_accuracy", "macro_f1", "macro_roc_auc", "log_loss"] {
        let figure = &comparison[name];
        let values = ["first", "second", "difference"].map(|key| figure[key].as_f64().unwrap());
        assert!((values[0] - values[1] - values[2]).abs() < 1e-12, "{figure}");
    }
    assert_eq!(comparison["log_loss"]["first"], own["calibration"]["log_loss"]);

    // Their files give the same result, whatever the order of rows and classes.
    let files = world.thorax(&["compare", "run", "other", "--json"]).json();
    assert_eq!((&files["first"], &files["second"]), (&"run".into(), &"other".into()));
    assert_eq!(&files["comparison"], comparison);
    let csv = fs::read_to_string(world.path("other/predictions.csv")).unwrap();
    let (header, rows) = csv.split_once('\n').unwrap();
    let turned: Vec<&str> = [header].into_iter().chain(rows.lines().rev()).collect();
    fs::write(world.path("turned.csv"), turned.join("\n")).unwrap();
    let turned = world.thorax(&["compare", "run/predictions.csv", "turned.csv", "--json"]).json();
    assert_eq!(&turned["comparison"], comparison);
    let printed = world.thorax(&["compare", "run", "other"]).ok().stdout.clone();
    for words in
        ["Comparison on 12 images", "first   run\n", "McNemar's exact test: p ", "only the first right"]
    {
        assert!(printed.contains(words), "{printed}");
    }
    // Each of several sets has its comparison.
    let line =
        ["test", "--saved", "run", "--against", "other/last.safetensors", "--data", "far", "--data", "part"];
    let told = world.thorax(&[&line[..], &["--json"]].concat()).json();
    for (set, images) in [("far", 15), ("part", 3)] {
        assert_eq!(told["sets"][set]["against"]["comparison"]["images"], images);
    }
    assert!(world.thorax(&line).ok().stdout.contains("second  other/last.safetensors"));
}

#[test]
fn groups_are_drawn_whole_in_a_comparison() {
    let world = world();
    let csv = fs::read_to_string(world.path("run/predictions.csv")).unwrap();
    let grouped = csv.lines().enumerate().map(|(at, line)| match at {
        0 => format!("{line},group\n"),
        _ => format!("{line},p{}\n", at / 2),
    });
    fs::write(world.path("grouped.csv"), grouped.collect::<String>()).unwrap();
    let done = world.thorax(&["compare", "run", "grouped.csv"]);
    assert!(done.ok().stdout.contains("from 7 groups"), "{}", done.stdout);
    assert!(
        done.stdout.contains("takes images as independent, and here they come in groups"),
        "{}",
        done.stdout
    );
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let world = world();
    let csv = fs::read_to_string(world.path("run/predictions.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    let write = |name: &str, text: String| fs::write(world.path(name), text).unwrap();
    let refuses = |other: &str, words: &[&str]| {
        world.refuses(&["compare", "run", other], words);
    };
    write("fewer.csv", lines[..10].join("\n"));
    let example = lines[10].split(',').next().unwrap();
    let words =
        format!("3 of 12 in `run` are not in `fewer.csv`, such as `{}`", world.path(example).display());
    refuses("fewer.csv", &["error: `run` and `fewer.csv` are not of the same images: ", &words, "hint: "]);
    let line = ["test", "--saved", "run", "--data", "far", "--out", "of far"];
    world.thorax(&line).ok();
    refuses("of far", &["12 of 12 in `run`", "and 15 of 15 in `of far`", "such as `", "hint: test both"]);
    write("labelled.csv", csv.replacen(",COVID-19,", ",NORMAL,", 1));
    refuses(
        "labelled.csv",
        &["` is of class `COVID-19` in `run` and of `NORMAL` in `labelled.csv`", "hint: "],
    );
    write("named.csv", csv.replace("COVID-19", "SARS"));
    refuses(
        "named.csv",
        &[
            "error: `run` and `named.csv` are of different classes or labels: only `run` has `COVID-19`, only `named.csv` has `SARS`",
            "hint: ",
        ],
    );
    let cells = lines[3].rsplit_once(',').unwrap().0;
    write("nan.csv", csv.replace(lines[3], &format!("{cells},NaN")));
    refuses("nan.csv", &["error: `nan.csv`, line 4: `NaN` is no probability", "hint: "]);
    write("short.csv", csv.replace(lines[3], cells));
    refuses("short.csv", &["error: `short.csv`, line 4: 5 fields, but the header has 6"]);
    write("unknown.csv", csv.replacen(",NORMAL,", ",SARS,", 1));
    refuses("unknown.csv", &["error: `unknown.csv`, line 6: its label is none of the classes", "hint: "]);
    write("header.csv", lines[0].to_owned());
    refuses("header.csv", &["error: `header.csv` holds no image", "hint: "]);
    write("other.csv", "a,b\n1,2\n".to_owned());
    refuses(
        "other.csv",
        &["error: `other.csv`, line 1: its columns do not begin with `path,label,predicted`"],
    );

    refuses("nowhere", &["error: there is no run `nowhere`", "hint: "]);
    refuses("far", &["error: the folder `far` holds no run", "hint: "]);
    refuses("run/best.safetensors", &["error: `run/best.safetensors` is a model", "hint: "]);
    let line = ["train", "--data", "far", "--image-size", "8", "--epochs", "1", "--out", "untested"];
    world.thorax(&line).ok();
    refuses(
        "untested",
        &["error: the run in `untested` has no `predictions.csv`: it was not tested", "hint: "],
    );
    let line = ["test", "--saved", "run", "--data", "far", "--data", "part", "--out", "sets"];
    world.thorax(&line).ok();
    refuses(
        "sets",
        &["error: `sets` holds the predictions of several sets", "hint: ", "`sets/predictions-far.csv`"],
    );
}

#[test]
fn models_of_other_classes_are_not_compared() {
    let world = world();
    let classes = "COVID-19,NORMAL";
    let line = ["train", "--data", "xrays", "--image-size", "8", "--epochs", "1", "--classes", classes];
    world.thorax(&[&line[..], &["--out", "two"]].concat()).ok();
    world.refuses(
        &["test", "--saved", "run", "--against", "two"],
        &[
            "error: `run/best.safetensors` and `two/best.safetensors` are of different classes or labels: ",
            "only `run/best.safetensors` has `Viral Pneumonia`",
            "hint: ",
        ],
    );
    world.refuses(
        &["test", "--saved", "run", "--against", "nowhere"],
        &["error: there is no saved model `nowhere`", "hint: "],
    );
}

#[test]
fn hidden_parts_are_tested_apart_and_as_after_training() {
    let world = world();
    let tests = read_json(&world.path("run/test.json"));
    let done = world.thorax(&["test", "--saved", "run", "--occlude", "lungs,border", "--occlude", "centre"]);
    for words in
        ["With a part of every image hidden, saved (epoch ", "nothing ", "lungs ", "centre ", "border "]
    {
        assert!(done.ok().stdout.contains(words), "{}", done.stdout);
    }
    assert!(done.stdout.contains("all (guessing COVID-19)"), "{}", done.stdout);
    assert!(done.stdout.contains("High figures with the lungs hidden mean"), "{}", done.stdout);
    let told = world.thorax(&["test", "--saved", "run", "--occlude", "lungs,centre,border", "--json"]).json();
    let occluded = told["occluded"].as_object().unwrap();
    assert_eq!(occluded.keys().collect::<Vec<_>>(), ["border", "centre", "lungs"]);
    for (part, figures) in occluded {
        assert_eq!(timeless(figures), timeless(&tests["occluded"][part]), "{part}");
        assert_ne!(figures["loss"], told["loss"], "{part}");
        assert_eq!(figures["images"], 12);
    }
    let mut whole = told.clone();
    whole.as_object_mut().unwrap().remove("occluded");
    assert_eq!(timeless(&whole), timeless(&tests["saved"]));
    world.refuses(
        &["test", "--saved", "run", "--occlude", "heart"],
        &["error: ", "`heart` is no part that can be hidden: give lungs, centre or border"],
    );
}
