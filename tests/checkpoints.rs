//! Tests of saved models that are cut off, damaged, of another version, or none at all.

use std::{fs, path::Path, sync::Arc};

use model::{Checkpoint, InputScale, TORCHSCRIPT};

use crate::world::World;

#[test]
fn no_model_has_been_trained() {
    let world = World::new();
    world.refuses(
        &["test", "--saved"],
        &["error: no model has been trained here yet", "hint: run `thorax train`"],
    );
    world.refuses(&["test", "--saved", "nowhere"], &["error: there is no saved model `nowhere`", "hint: "]);
    fs::create_dir(world.path("folder")).unwrap();
    world.refuses(
        &["test", "--saved", "folder"],
        &["error: ", "`folder` holds no `best.safetensors`", "hint: "],
    );
}

#[test]
fn a_checkpoint_that_is_not_one() {
    let world = World::new();
    world.trained();
    for (name, contents, words) in [
        ("empty", Vec::new(), "it is empty"),
        ("text", b"these are the weights, honestly".to_vec(), "it is no safetensors file"),
        ("zeros", vec![0; 4096], "it is no safetensors file"),
        ("picture", crate::pictures::gray_png(24, 90), "it is no safetensors file"),
    ] {
        fs::write(world.path(name), contents).unwrap();
        world.refuses(
            &["test", "--saved", name, "--data", "xrays Test"],
            &[&format!("error: `{name}` is not a Thorax checkpoint: {words}"), "hint: "],
        );
    }
}

#[test]
fn a_checkpoint_that_is_cut_off_or_damaged() {
    let world = World::new();
    let whole = fs::read(world.trained().join("best.safetensors")).unwrap();
    for share in [0.001, 0.01, 0.5, 0.999] {
        fs::write(world.path("cut"), &whole[..(whole.len() as f64 * share) as usize]).unwrap();
        world.refuses(
            &["test", "--saved", "cut", "--data", "xrays Test"],
            &["error: checkpoint `cut` is cut off: ", " bytes are there", "hint: "],
        );
    }
    for at in [whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(world.path("damaged"), damaged).unwrap();
        world.refuses(
            &["test", "--saved", "damaged", "--data", "xrays Test"],
            &["error: checkpoint `damaged` is damaged: its checksum does not match", "hint: "],
        );
    }
}

#[test]
fn a_checkpoint_of_another_version() {
    let world = World::new();
    let mut newer = fs::read(world.trained().join("best.safetensors")).unwrap();
    let at = newer.windows(12).position(|bytes| bytes == br#"\"format\":2"#).unwrap();
    newer[at + 11] = b'4';
    fs::write(world.path("newer"), newer).unwrap();
    world.refuses(
        &["test", "--saved", "newer", "--data", "xrays Test"],
        &["error: checkpoint `newer` has format version 4; this program reads versions 1 to 3", "hint: "],
    );
}

/// Checks a model cut at every 200th of its length, and with 500 of its bits turned over, each alone.
#[test]
fn no_damage_to_a_trained_model_loads_silently() {
    let world = World::new();
    let whole = fs::read(world.trained().join("best.safetensors")).unwrap();
    let path = Path::new("m");
    assert!(Checkpoint::decode(&whole, path).is_ok());
    for part in 0..200 {
        assert!(Checkpoint::decode(&whole[..whole.len() * part / 200], path).is_err(), "{part}/200");
    }
    // The places may be any, as long as they are the same each time.
    let mut place: u64 = 28;
    for _ in 0..500 {
        place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bit = (place >> 16) as usize % (8 * whole.len());
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Checkpoint::decode(&damaged, path).is_err(), "bit {bit}");
    }
}

/// Checks that TorchScript, which runs code when loaded, is loaded only on request; a file that is no module shows where that is
/// tried.
#[test]
fn a_module_is_loaded_only_where_the_user_names_it_and_that_is_said() {
    let world = World::new();
    let best = world.trained().join("best.safetensors");
    let mut checkpoint = Checkpoint::read(&best).unwrap();
    checkpoint.backbone = Some(Arc::from(*b"PK\x03\x04 code"));
    checkpoint.meta.spec.architecture = &TORCHSCRIPT;
    checkpoint.meta.spec.input_scale = InputScale::Unit;
    let mut bytes = Vec::new();
    checkpoint.encode().unwrap().write_to(&mut bytes).unwrap();
    fs::write(&best, bytes).unwrap();

    const RUNS: &str = "warning: this model holds a TorchScript module, which runs code of whoever wrote it";
    const TRIED: &str = "is no TorchScript module: it is cut off";
    let test = ["test", "--data", "xrays Test"];
    // The latest run is named by a file.
    for more in [&[][..], &["--saved"]] {
        let done = world.refuses(
            &[&test, more].concat(),
            &["error: ", "holds a TorchScript module, which can run code", "hint: ", "--saved "],
        );
        assert!(!done.stderr.contains(TRIED) && !done.stderr.contains(RUNS), "{}", done.stderr);
    }
    let named = [&test[..], &["--saved", best.to_str().unwrap()]].concat();
    let done = world.refuses(&named, &[RUNS, "error: ", TRIED, "hint: "]);
    // libtorch's own page is printed with `-v` only.
    assert!(!done.stderr.contains("Exception raised from"), "{}", done.stderr);
    let done = world.refuses(&[&named[..], &["-v"]].concat(), &[RUNS, TRIED, "Exception raised from"]);
    assert!(done.stderr.lines().count() > 10, "{}", done.stderr);

    // Training prints the same; a recipe cannot name a module, but the user can.
    fs::write(world.path("evil.pt"), b"PK\x03\x04 code").unwrap();
    let train = ["train", "--data", "xrays", "--out", "run2"];
    for (model, flag) in [("torchscript", "backbone"), ("inception-v3", "weights")] {
        let recipe = format!("model = \"{model}\"\n{flag} = \"evil.pt\"\n");
        fs::write(world.path("evil.toml"), recipe).unwrap();
        let by_recipe = [&train[..], &["--recipe", "evil.toml"]].concat();
        let said =
            format!("error: recipe `evil.toml`: `{flag}` names a TorchScript file, which can run code");
        let done = world.refuses(&by_recipe, &[&said, "hint: "]);
        assert!(!done.stderr.contains(TRIED), "{}", done.stderr);
        let given = format!("--{flag}");
        world.refuses(&[&by_recipe[..], &[&given, "evil.pt"]].concat(), &[RUNS, "error: `evil.pt` ", TRIED]);
    }
}
