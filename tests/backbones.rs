//! Tests of `--model torchscript`: backbones exported by PyTorch, and refused files.

use std::{fs, process::Command};

use crate::world::{World, read_json};

const TORCHSCRIPT: [&str; 9] =
    ["train", "--data", "xrays", "--model", "torchscript", "--image-size", "32", "--epochs", "1"];

fn train<'a>(flags: &[&'a str]) -> Vec<&'a str> {
    [TORCHSCRIPT.as_slice(), flags].concat()
}

/// Exports the backbones into the world; `false`, with the reason on stderr, where there is no PyTorch.
#[expect(clippy::print_stderr, reason = "the only way for a test to say that it was skipped")]
fn exported(world: &World) -> bool {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/export_backbones.py");
    let has_torch = Command::new("python3").args(["-c", "import torch"]).output();
    if !has_torch.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: `python3` has no PyTorch to export a backbone with");
        return false;
    }
    let output = Command::new("python3").arg(script).arg(world.path("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    true
}

#[test]
fn backbones_of_pytorch_train_and_travel_in_the_checkpoint() {
    let world = World::new();
    if !exported(&world) {
        return;
    }
    world.study();
    for name in ["densenet", "resnet"] {
        for freeze in ["none", "all"] {
            let file = format!("{name}.pt");
            let run = format!("{name}-{freeze}");
            let normal = ["--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225"];
            let named =
                ["--backbone", &file, "--freeze", freeze, "--batch-size", "8", "--out", &run, "--json"];
            let trained = world.thorax(&train(&[&normal[..], &named].concat())).json();
            // The module is in the checkpoint: its file is not needed any more.
            let away = world.path("away.pt");
            fs::rename(world.path(&file), &away).unwrap();
            let tested = world.thorax(&["test", "--saved", &run, "--json"]).json();
            fs::rename(&away, world.path(&file)).unwrap();
            for key in ["loss", "accuracy", "confusion_matrix"] {
                assert_eq!(tested[key], trained["saved"][key], "{run}: {key}");
            }
            assert_eq!(read_json(&world.path(&run).join("run.json"))["settings"]["freeze"], freeze);
        }
    }
    // A backbone of the user's is no InceptionV3.
    world.refuses(
        &["train", "--data", "xrays", "--model", "inception-v3", "--weights", "resnet.pt", "--out", "run"],
        &["error: weights `resnet.pt`: tensor `net.layers.conv.weight` of inception-v3 is missing", "hint: "],
    );
    // Equal runs are equal to the byte, the module's batch norm and dropout included.
    for out in ["again", "and-again"] {
        world.thorax(&train(&["--backbone", "densenet.pt", "--batch-size", "8", "--out", out])).ok();
    }
    let bytes = |run: &str| fs::read(world.path(run).join("last.safetensors")).unwrap();
    assert!(bytes("again") == bytes("and-again"));
}

#[test]
fn what_is_no_backbone_is_refused() {
    let world = World::new();
    world.study();
    let refuses = |flags: &[&str], words: &[&str]| {
        world.refuses(&train(&[&["--out", "run"], flags].concat()), words);
    };
    refuses(
        &["--backbone", "nowhere.pt"],
        &[
            "error: there is no file `nowhere.pt`, which the backbone should come from",
            "hint: check the spelling",
        ],
    );
    fs::write(world.path("text.pt"), "no module").unwrap();
    refuses(
        &["--backbone", "text.pt"],
        &["error: `text.pt` is no TorchScript module: it is no archive", "hint: "],
    );
    refuses(&["--backbone", "text.pt", "--precision", "bf16"], &["error: torchscript computes in f32"]);
    refuses(&["--backbone", "text.pt", "--mean", "1,2,3"], &["--std"]);
}
