//! Tests of wrong folders, classes, flags and places.

use std::fs;

use crate::world::{CLASSES, World};

#[test]
fn no_such_folder() {
    let world = World::new();
    world.refuses(
        &["train", "--data", "nowhere"],
        &["error: ", "no such folder", "`nowhere`", "hint: check the spelling"],
    );
    world.refuses(&["data", "scan", "nowhere"], &["error: ", "`nowhere`"]);
}

#[test]
fn no_data_set_at_the_default_place() {
    let world = World::new();
    let place = "`data/COVID-19 Radiography Database`";
    world.refuses(&["train"], &["error: ", place, "hint: put a data set there", "`cargo xtask demo`"]);
    // The sample is never used without being named.
    world.data_set("data/sample/Phantoms", &CLASSES.map(|class| (class, 10)));
    world.refuses(&["train"], &["error: ", place]);
}

#[test]
fn a_folder_without_classes() {
    let world = World::new();
    fs::create_dir(world.path("empty")).unwrap();
    world.refuses(&["train", "--data", "empty"], &["error: ", "`empty`"]);
    // Images in the folder itself give another message than an empty folder.
    fs::write(world.path("empty/a.png"), crate::pictures::gray_png(8, 90)).unwrap();
    world.refuses(&["train", "--data", "empty"], &["error: ", "`empty`", "class"]);
}

#[test]
fn a_class_without_images() {
    let world = World::new();
    world.data_set("xrays", &[("COVID-19", 10), ("NORMAL", 10), ("Viral Pneumonia", 0)]);
    world.refuses(&["train", "--data", "xrays"], &["error: ", "`Viral Pneumonia`"]);
}

#[test]
fn fewer_images_than_a_split_needs() {
    let world = World::new();
    world.data_set("xrays", &[("COVID-19", 4), ("NORMAL", 10)]);
    world.refuses(&["train", "--data", "xrays"], &["error: ", "`COVID-19`", "4"]);
}

#[test]
fn one_class_is_not_enough() {
    let world = World::new();
    world.data_set("xrays", &[("NORMAL", 10)]);
    world.refuses(&["train", "--data", "xrays"], &["error: at least 2 classes are needed, got 1"]);
}

#[test]
fn a_named_class_that_is_missing() {
    let world = World::new();
    world.study();
    world.refuses(
        &["train", "--data", "xrays", "--classes", "COVID-19,NORMAL,VIRAL PNEUMONIA"],
        &["error: ", "`VIRAL PNEUMONIA`", "`Viral Pneumonia`"],
    );
}

#[test]
fn test_classes_that_differ_from_the_models() {
    let world = World::new();
    world.trained();
    world.data_set("other", &[("COVID-19", 2), ("NORMAL", 2), ("Bacterial Pneumonia", 2)]);
    world.refuses(&["test", "--saved", "run", "--data", "other"], &["error: ", "Bacterial Pneumonia"]);
    let before = world.data_set("xrays2", &CLASSES.map(|class| (class, 10)));
    world.data_set("xrays2 Test", &[("COVID-19", 2), ("NORMAL", 2)]);
    world.refuses(&["train", "--data", before.to_str().unwrap()], &["error: ", "Viral Pneumonia"]);
}

#[test]
fn a_folder_that_cannot_be_written() {
    let world = World::new();
    world.study();
    fs::write(world.path("file"), "").unwrap();
    // A folder below a file can never be made, not even by root.
    world.refuses(
        &["train", "--data", "xrays", "--out", "file/run"],
        &["error: ", "`file/run`", "hint: ", "`--out`"],
    );
}

#[test]
fn an_out_that_holds_a_run_or_something_else() {
    let world = World::new();
    world.trained();
    world.refuses(
        &["train", "--data", "xrays", "--out", "run"],
        &["error: `run` already holds a run", "hint: ", "`--out`"],
    );
    world
        .refuses(&["train", "--data", "xrays", "--out", "xrays"], &["error: `xrays` is not empty", "hint: "]);
}

#[test]
fn flags_out_of_range_or_unknown() {
    let world = World::new();
    world.study();
    let cases: [(&[&str], &str); 14] = [
        (&["--validation-split", "1"], "above 0 and below 1"),
        (&["--validation-split", "0"], "above 0 and below 1"),
        (&["--batch-size", "0"], "at least 1"),
        (&["--epochs", "0"], "0 is not in 1.."),
        (&["--learning-rate", "-1"], "above 0"),
        (&["--learning-rate", "nan"], "is not a number"),
        (&["--min-delta", "-0.1"], "below 0"),
        (&["--image-size", "3"], "image size 3 is outside of what convnet takes: 4 to 1024 pixels"),
        (&["--class-weight", "heavy"], "`heavy` is not a number"),
        (&["--class-weight", "1,2"], "2 class weights do not fit 3 classes"),
        (&["--interpolation", "cubic"], "cubic"),
        (&["--model", "resnet"], "unknown model `resnet`"),
        (&["--threads", "0"], "at least 1"),
        (&["--no-such-flag"], "--no-such-flag"),
    ];
    for (flags, words) in cases {
        world.refuses(&[&["train", "--data", "xrays", "--out", "run"], flags].concat(), &["error: ", words]);
    }
    world.refuses(&["trian"], &["error: ", "trian"]);
}

#[test]
fn cuda_without_cuda() {
    let world = World::new();
    world.study();
    // An index that no machine has, so that the test holds with a GPU as well.
    world.refuses(
        &["train", "--data", "xrays", "--device", "cuda:4096"],
        &["error: device `cuda:4096` is not available", "hint: leave `--device` out"],
    );
    if !std::path::Path::new("/dev/nvidia0").exists() {
        let words =
            ["error: device `cuda` is not available: no CUDA GPU is found", "hint: leave `--device` out"];
        world.refuses(&["train", "--data", "xrays", "--device", "cuda"], &words);
    }
    world.refuses(&["train", "--data", "xrays", "--device", "gpu"], &["error: ", "unknown device `gpu`"]);
}

#[test]
fn a_learning_rate_that_breaks_the_loss() {
    let world = World::new();
    world.study();
    let done = world.train(&["--learning-rate", "1e38", "--out", "run", "--epochs", "9"]);
    done.refused(&[
        "error: the loss is ",
        "in epoch 1",
        "at learning rate ",
        "hint: ",
        "--learning-rate",
        "no weights are kept",
    ]);
    assert!(!world.path("run/best.safetensors").exists());
    // The run is the latest, and `predict` cannot use it.
    let words = ["error: ", "holds no `best.safetensors`", "hint: it is the latest run: ", "`--saved RUN`"];
    world.thorax(&["predict", "xrays/NORMAL/000.png"]).refused(&words);
    let record = crate::world::read_json(&world.path("run/run.json"));
    assert_eq!(record["status"], "failed");
    assert!(record["error"].as_str().unwrap().starts_with("the loss is "), "{record}");
}
