//! Tests of InceptionV3: training, testing, freezing, and refused flags.

use std::fs;

use crate::world::{World, read_json};

/// Flags of a small run from scratch: the test needs no pretrained weights.
const SMALL: [&str; 10] = [
    "train",
    "--data",
    "xrays",
    "--model",
    "inception-v3",
    "--weights",
    "none",
    "--image-size",
    "75",
    "--epochs",
];

fn small<'a>(flags: &[&'a str]) -> Vec<&'a str> {
    [SMALL.as_slice(), &["1", "--batch-size", "8", "--out", "run"], flags].concat()
}

/// Returns the figures without values that depend on path or time.
fn figures(mut test: serde_json::Value) -> serde_json::Value {
    for key in ["checkpoint", "seconds", "images_per_second"] {
        test.as_object_mut().unwrap().remove(key);
    }
    test
}

#[test]
fn a_saved_model_tests_as_training_said_frozen_or_not() {
    for flags in [
        ["--precision", "bf16", "--freeze", "none"],
        ["--precision", "f32", "--freeze", "through:mixed_7"],
        ["--precision", "bf16", "--freeze", "all"],
    ] {
        let world = World::new();
        world.study();
        let trained = world.thorax(&small(&[&flags[..], &["--json"]].concat())).json();
        // The precision is named, since a machine without bf16 would test in f32.
        let tested = world.thorax(&["test", "--saved", "run", "--json", flags[0], flags[1]]).json();
        assert_eq!(figures(tested.clone()), figures(trained["saved"].clone()), "{flags:?}");
        let settings = &read_json(&world.path("run/run.json"))["settings"];
        assert_eq!((&settings["precision"], &settings["freeze"]), (&flags[1].into(), &flags[3].into()));
        assert_eq!((&settings["image-size"], &settings["input-scale"]), (&75.into(), &"signed".into()));
    }
}

#[test]
fn the_same_run_gives_the_same_bytes_with_every_setting_of_a_recipe() {
    let worlds = [World::new(), World::new()];
    let files = worlds.each_ref().map(|world| {
        world.study();
        let flags = [
            "--freeze=through:mixed_8",
            "--freeze-batch-norm",
            "--optimizer=adamw",
            "--schedule=cosine",
            "--warmup-epochs=0.5",
            "--average=ema",
            "--base-learning-rate=0.0001",
            "--precision=bf16",
        ];
        world.thorax(&small(&flags)).ok();
        ["best.safetensors", "last.safetensors", "predictions.csv"].map(|name| {
            let bytes = fs::read(world.path("run").join(name)).unwrap();
            // The folder is a part of the paths.
            String::from_utf8_lossy(&bytes).replace(world.path("").to_str().unwrap(), "").into_bytes()
        })
    });
    assert!(files[0] == files[1]);
}

#[test]
fn weights_that_are_absent_or_others_are_refused() {
    let world = World::new();
    world.study();
    let train = ["train", "--data", "xrays", "--model", "inception-v3", "--out", "run"];
    world.refuses(
        &train,
        &[
            "error: there is no file `data/weights/inception-v3.pt`, which weights should come from",
            "cargo xtask fetch-weights",
        ],
    );
    let named = |file| [train.as_slice(), &["--weights", file]].concat();
    world.refuses(
        &named("nowhere.pt"),
        &["error: there is no file `nowhere.pt`, which weights should come from", "hint: "],
    );

    fs::create_dir_all(world.path("data/weights")).unwrap();
    fs::write(world.path("data/weights/inception-v3.pt"), "PK\x03\x04 another file").unwrap();
    world.refuses(
        &train,
        &[
            "error: weights `data/weights/inception-v3.pt`: its checksum is not that of the pretrained inception-v3",
            "hint: run `cargo xtask fetch-weights`",
        ],
    );
    fs::write(world.path("other.pt"), "PK\x03\x04 another file").unwrap();
    world.refuses(
        &named("other.pt"),
        &["error: `other.pt` is no TorchScript module: it is cut off", "hint: "],
    );
    fs::write(world.path("text.pt"), "weights").unwrap();
    world.refuses(
        &named("text.pt"),
        &["error: `text.pt` is no TorchScript module: it is no archive", "hint: "],
    );
}

#[test]
fn settings_that_no_training_can_start_with_are_refused() {
    let world = World::new();
    world.study();
    let refuses = |flags: &[&str], words: &[&str]| {
        world.refuses(&[&["train", "--data", "xrays", "--out", "run"], flags].concat(), words);
    };
    let inception =
        |flags: &[&'static str]| [&["--model", "inception-v3", "--weights", "none"], flags].concat();
    refuses(
        &inception(&["--image-size", "74"]),
        &["error: image size 74 is outside of what inception-v3 takes: 75 to 1024 pixels"],
    );
    refuses(
        &inception(&["--freeze", "through:mixed_11"]),
        &["error: inception-v3 has no block `mixed_11`: its blocks are conv, conv_1, ", "mixed_9, mixed_10"],
    );
    refuses(&inception(&["--freeze", "half"]), &["`half` freezes nothing: one of none, all, through:BLOCK"]);
    refuses(
        &inception(&["--batch-size", "1000000"]),
        &[
            "error: training on 1000000 images of 256×256 pixels at a time takes about ",
            " GB are free",
            "hint: lower `--batch-size`",
        ],
    );
    refuses(&["--freeze", "all"], &["error: convnet has no pretrained part"]);
    refuses(
        &["--weights", "w.pt"],
        &["error: `--weights` does not go with convnet", "hint: add `--model inception-v3`"],
    );
    refuses(
        &["--backbone", "b.pt"],
        &["error: `--backbone` does not go with convnet", "hint: add `--model torchscript`"],
    );
    refuses(
        &["--base-learning-rate", "1"],
        &["error: `--base-learning-rate` does not go with convnet", "hint: "],
    );
    refuses(&["--model", "torchscript"], &["error: `--model torchscript` needs a backbone", "hint: "]);
    refuses(&["--mean", "0,0,0", "--std", "1,1,1"], &["error: `--mean` and `--std` do not go with convnet"]);
    refuses(
        &["--weight-decay", "0.1"],
        &["error: `--weight-decay` does not go with `--optimizer adam`", "hint: "],
    );
    refuses(&["--model", "resnet"], &["unknown model `resnet`: one of convnet, inception-v3, "]);
}
