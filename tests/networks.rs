//! Tests over all built-in networks: training, resuming, freezing, heat maps, export, and weights out of files.

use std::fs;

use serde_json::Value;

use crate::world::{World, read_json};

/// Networks with default weights, as `thorax models` lists them, and the smallest side of their images.
fn pretrained(world: &World) -> Vec<(String, String)> {
    let listed = world.thorax(&["models", "--json"]).json();
    let networks = listed.as_array().unwrap().iter().filter(|network| network["weights"].is_object());
    let of = |network: &Value| {
        (network["network"].as_str().unwrap().to_owned(), network["min_image_size"].to_string())
    };
    networks.map(of).collect()
}

#[test]
fn every_network_is_listed_with_its_weights() {
    let world = World::new();
    let done = world.thorax(&["models"]);
    for words in ["convnet ", "densenet-121 ", "7.0 M", "resnet-50 ", "efficientnet-lite0 ", "torchscript "] {
        assert!(done.ok().stdout.contains(words), "`{words}`: {}", done.stdout);
    }
    assert!(
        done.stdout.contains("not here: run `cargo xtask fetch-weights efficientnet-lite0`"),
        "{}",
        done.stdout
    );
    let listed = world.thorax(&["models", "--json"]).json();
    let resnet = listed.as_array().unwrap().iter().find(|network| network["network"] == "resnet-50").unwrap();
    assert_eq!(resnet["blocks"], serde_json::json!(["stem", "layer1", "layer2", "layer3", "layer4"]));
    assert_eq!(resnet["weights"]["here"], false);
}

#[test]
fn every_network_trains_goes_on_freezes_explains_and_exports() {
    let world = World::new();
    world.study();
    for (network, side) in pretrained(&world) {
        let (run, frozen) = (format!("{network}-run"), format!("{network}-frozen"));
        let train = |flags: &[&str]| {
            let line = ["train", "--data", "xrays", "--model", &network, "--image-size", &side];
            world.thorax(
                &[&line[..], &["--batch-size", "8", "--precision", "f32", "--no-report"], flags].concat(),
            )
        };
        train(&["--weights", "none", "--epochs", "1", "--out", &run]).ok();
        world.thorax(&["train", "--resume", &run, "--extend-epochs", "1"]).ok();
        assert_eq!(read_json(&world.path(&run).join("run.json"))["epochs_run"], 2, "{network}");

        // A run's checkpoint is a file of weights, but for networks whose weights are TorchScript.
        let best = format!("{run}/best.safetensors");
        let weights = if network == "inception-v3" { "none" } else { best.as_str() };
        let blocks = world.thorax(&["models", "--json"]).json();
        let blocks =
            blocks.as_array().unwrap().iter().find(|other| other["network"] == network.as_str()).unwrap();
        let through = format!("through:{}", blocks["blocks"][1].as_str().unwrap());
        let freeze = ["--weights", weights, "--freeze", &through, "--epochs", "1", "--out", &frozen];
        train(&freeze).ok();
        let tested = world.thorax(&["test", "--saved", &frozen, "--json"]).json();
        let expected = &read_json(&world.path(&frozen).join("test.json"))["saved"];
        assert_eq!(tested["confusion_matrix"], expected["confusion_matrix"], "{network}");

        let maps = format!("{network}-maps");
        world.thorax(&["explain", "xrays/NORMAL/000.png", "--saved", &run, "--out", &maps]).ok();
        let pictures = world.files().into_keys().filter(|file| file.starts_with(world.path(&maps)));
        let pictures = pictures.filter(|file| file.extension().is_some_and(|extension| extension == "png"));
        assert!(pictures.count() > 0, "{network}");
        let file = format!("{network}.pt");
        let exported = world.thorax(&["export", "--saved", &run, "--out", &file, "--json"]).json();
        assert!(exported["largest_difference"].as_f64().unwrap() <= 1e-5, "{network}: {exported}");
    }
}

#[test]
fn weights_of_another_network_and_other_files_are_refused() {
    let world = World::new();
    world.study();
    let train = |network: &'static str, flags: &[&'static str]| {
        [&["train", "--data", "xrays", "--model", network, "--image-size", "32", "--epochs", "1"], flags]
            .concat()
    };
    world.refuses(
        &train("resnet-50", &["--out", "run"]),
        &[
            "error: there is no file `data/weights/resnet50-11ad3fa6.pth`, which weights should come from",
            "hint: put torchvision's file at `data/weights/resnet50-11ad3fa6.pth`, name a file with `--weights FILE`",
        ],
    );
    world.refuses(
        &train("efficientnet-lite0", &["--out", "run"]),
        &["error: there is no file", "hint: run `cargo xtask fetch-weights efficientnet-lite0`, name a file"],
    );
    world.thorax(&train("efficientnet-lite0", &["--weights", "none", "--no-report", "--out", "small"])).ok();
    fs::copy(world.path("small/best.safetensors"), world.path("small.safetensors")).unwrap();
    fs::write(world.path("text.pth"), "weights").unwrap();
    // Protocol 2, and a call of `posix.system`.
    fs::write(world.path("code.pth"), b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R.").unwrap();
    for (file, words) in [
        (
            "small.safetensors",
            &["error: weights `small.safetensors`: tensor `conv1.weight` of resnet-50 is missing"][..],
        ),
        ("text.pth", &["error: `text.pth` holds no weights: it is neither a safetensors file"]),
        ("code.pth", &["error: `code.pth` asks for `posix.system`"]),
        (
            "nowhere.pth",
            &["error: there is no file `nowhere.pth`", "hint: name a file with `--weights FILE`"],
        ),
    ] {
        let line = train("resnet-50", &["--out", "run"]);
        world.refuses(&[&line[..], &["--weights", file]].concat(), words);
    }
    world.refuses(
        &train("resnet-50", &["--weights", "none", "--freeze", "through:layer9", "--out", "run"]),
        &["error: resnet-50 has no block `layer9`: its blocks are stem, layer1, layer2, layer3, layer4"],
    );
    let small =
        ["train", "--data", "xrays", "--model", "densenet-121", "--weights", "none", "--image-size", "31"];
    world.refuses(&small, &["error: image size 31 is outside of what densenet-121 takes: 32 to 1024 pixels"]);
}
