//! Saved models that are cut off, damaged, of another version, or none at all.

use std::fs;

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
    let at = newer.windows(12).position(|bytes| bytes == br#"\"format\":1"#).unwrap();
    newer[at + 11] = b'2';
    fs::write(world.path("newer"), newer).unwrap();
    world.refuses(
        &["test", "--saved", "newer", "--data", "xrays Test"],
        &["error: checkpoint `newer` has format version 2; this program reads version 1", "hint: "],
    );
}
