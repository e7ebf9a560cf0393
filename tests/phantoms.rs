//! Tests of heat maps on phantoms with one finding in a known place: networks that were trained to find it, and networks of
//! random weights, whose maps must show nothing of it (Adebayo et al. 2018, "Sanity Checks for Saliency Maps", arXiv 1810.03292).
//! Tests of the multi-label sample.
//!
//! `cargo test -p cli --test end_to_end -- --ignored --nocapture phantoms::` measures all methods on both networks, which takes
//! minutes and the pretrained weights; a short form is part of the tests.

use std::{fs, path::Path};

use phantoms::{Pathology, Planted};
use rayon::prelude::*;
use serde_json::Value;

use crate::world::{Done, World};

/// Seed that every phantom is drawn from; those for training come first.
const SEED: u64 = 7;
/// Number of phantoms that are explained.
const LOOKED_AT: u64 = 100;
/// Factor by which the place of a peak may be larger than the finding, about its middle.
const GROWN: f64 = 1.1;

/// Makes phantoms of two classes to train on, half of them with a finding.
fn plant(world: &World, name: &str, count: u64, size: usize) {
    for class in ["finding", "healthy"] {
        fs::create_dir_all(world.path(name).join(class)).unwrap();
    }
    (0..count).into_par_iter().for_each(|index| {
        let ill = index % 2 == 0;
        let file = format!("{name}/{}/{index:04}.png", if ill { "finding" } else { "healthy" });
        write(&world.path(&file), &phantoms::planted(ill, size, SEED, index));
    });
}

fn write(path: &Path, phantom: &Planted) {
    fs::write(path, data::encode_png(&phantom.image).unwrap()).unwrap();
}

/// Makes phantoms with a finding that no network was trained on.
fn looked_at(world: &World, size: usize) -> Vec<Planted> {
    fs::create_dir_all(world.path("looked-at")).unwrap();
    let draw = |index: u64| {
        let phantom = phantoms::planted(true, size, SEED, 1_000_000 + index);
        write(&world.path(&format!("looked-at/{index:03}.png")), &phantom);
        phantom
    };
    (0..LOOKED_AT).into_par_iter().map(draw).collect()
}

/// Returns the row and column of the largest value of a 16-bit map; `None` where all are 0.
fn peak(path: &Path) -> Option<[f64; 2]> {
    let mut reader =
        png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap())).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut bytes).unwrap();
    let values: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let most = *values.iter().max().unwrap();
    let at: Vec<usize> = (0..values.len()).filter(|&at| values[at] == most).collect();
    // Several pixels may have the largest value, at a map's edge or under a patch: their middle is returned.
    let mean =
        |place: &dyn Fn(usize) -> usize| at.iter().map(|&at| place(at) as f64).sum::<f64>() / at.len() as f64;
    let width = frame.width as usize;
    (most > 0).then(|| [mean(&|at| at / width), mean(&|at| at % width)])
}

/// Tells if a place lies within the finding, in its own size or grown about its middle.
fn within(place: [f64; 2], mask: &[bool], size: usize, grown: f64) -> bool {
    let seen: Vec<[f64; 2]> =
        (0..mask.len()).filter(|&at| mask[at]).map(|at| [(at / size) as f64, (at % size) as f64]).collect();
    let middle = [0, 1].map(|i| seen.iter().map(|at| at[i]).sum::<f64>() / seen.len() as f64);
    let [row, column] = [0, 1].map(|i| (middle[i] + (place[i] - middle[i]) / grown).round());
    let inside = |at: f64| (0.0..size as f64).contains(&at);
    inside(row) && inside(column) && mask[row as usize * size + column as usize]
}

/// Counts of maps, among 100 phantoms, that have their peak within the grown and the exact finding, and of empty maps; and the
/// mean probability of the finding.
#[derive(Debug)]
struct Found {
    grown: usize,
    exact: usize,
    empty: usize,
    probability: f64,
}

fn look(world: &World, phantoms: &[Planted], size: usize, run: &str, method: &str) -> Found {
    let out = format!("{run}-{method}");
    let flags = ["--class", "finding", "--method", method, "--out", &out, "--json"];
    let done = world.thorax(&[&["explain", "looked-at", "--saved", run], &flags[..]].concat());
    let rows: Vec<Value> = done.ok().stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), phantoms.len());
    let mut found = Found { grown: 0, exact: 0, empty: 0, probability: 0.0 };
    for (row, phantom) in rows.iter().zip(phantoms) {
        found.probability += row["probability"].as_f64().unwrap() / rows.len() as f64;
        match peak(&world.path(row["map"].as_str().unwrap())) {
            Some(place) => {
                found.grown += usize::from(within(place, &phantom.mask, size, GROWN));
                found.exact += usize::from(within(place, &phantom.mask, size, 1.0));
            }
            None => found.empty += 1,
        }
        assert_eq!(row["empty"], peak(&world.path(row["map"].as_str().unwrap())).is_none());
    }
    found
}

/// Trains a network; a step of 1e-30 keeps the weights as they were drawn.
fn train(world: &World, run: &str, data: &str, flags: &[&str]) {
    world.thorax(&[&["train", "--data", data, "--seed", "7", "--out", run], flags].concat()).ok();
}

const RANDOM: [&str; 4] = ["--epochs", "1", "--learning-rate", "1e-30"];

#[expect(clippy::print_stderr, reason = "the figures are what the long form is run for")]
fn told(run: &str, method: &str, found: Found) -> Found {
    eprintln!("{run:20} {method:11} {found:?}");
    found
}

const CONVNET: [&str; 10] =
    ["--image-size", "50", "--epochs", "30", "--patience", "30", "--batch-size", "50", "--min-delta", "0"];

fn convnets(methods: &[(&str, usize)], count: u64) {
    let world = World::new();
    plant(&world, "phantoms", count, 50);
    let phantoms = looked_at(&world, 50);
    train(&world, "trained", "phantoms", &CONVNET);
    train(&world, "random", "phantoms", &[&["--image-size", "50"], &RANDOM[..]].concat());
    for (method, least) in methods {
        let found = told("convnet trained", method, look(&world, &phantoms, 50, "trained", method));
        let random = told("convnet random", method, look(&world, &phantoms, 50, "random", method));
        assert!(found.grown >= *least, "{method}: {found:?}");
        assert!(random.grown <= 25, "{method}: {random:?}");
    }
}

#[test]
fn a_convnets_maps_peak_at_the_finding_and_those_of_random_weights_do_not() {
    convnets(&[("hires-cam", 80)], 400);
}

#[test]
#[ignore = "takes minutes"]
fn all_methods_on_convnets() {
    convnets(&[("hires-cam", 80), ("occlusion", 80), ("grad-cam", 0), ("grad-cam++", 0)], 1200);
}

#[test]
#[ignore = "takes minutes, and the pretrained weights"]
fn all_methods_on_inceptions() {
    let size = 256;
    let world = World::new();
    plant(&world, "phantoms", 800, size);
    plant(&world, "few", 16, size);
    let phantoms = looked_at(&world, size);
    let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/weights/inception-v3.pt");
    let inception = ["--model", "inception-v3"];
    // Three of four blocks keep their weights: a minute of training on 2 cores.
    let pretrained = ["--weights", weights, "--freeze", "through:mixed_6", "--freeze-batch-norm"];
    let flags = [
        "--optimizer=adamw",
        "--schedule=cosine",
        "--warmup-epochs=1",
        "--base-learning-rate=0.0001",
        "--epochs=6",
        "--patience=6",
        "--min-delta=0",
    ];
    train(&world, "trained", "phantoms", &[&inception[..], &pretrained, &flags].concat());
    train(
        &world,
        "random",
        "few",
        &[&inception[..], &["--weights", "none", "--freeze", "all"], &RANDOM].concat(),
    );
    // The figure depends on the trained weights: 84 here, 55 with seed 8, both certain of the finding.
    // HiResCAM equals Grad-CAM here, and occlusion would take 10,000 images per network.
    for (method, least) in [("grad-cam", 80), ("grad-cam++", 0)] {
        let found = told("inception-v3 trained", method, look(&world, &phantoms, size, "trained", method));
        let random = told("inception-v3 random", method, look(&world, &phantoms, size, "random", method));
        assert!(found.grown >= least, "{method}: {found:?}");
        assert!(random.grown <= 25, "{method}: {random:?}");
    }
}

/// Flags of a small multi-label sample.
const FINDINGS: [&str; 9] =
    ["data", "sample", "--multi-label", "--count", "40", "--test-count", "10", "--image-size", "32"];

fn findings(world: &World, flags: &[&str]) -> Done {
    world.thorax(&[&FINDINGS[..], flags].concat())
}

#[test]
fn a_multi_label_sample_is_told_and_written() {
    let world = World::new();
    let flags =
        ["--prevalence", "0.5,Nodule=0", "--correlation", "0.3", "--unknown", "0.2", "--uncertain", "0.1"];
    let done = findings(&world, &flags);
    let lines: Vec<&str> = done.ok().stdout.lines().collect();
    assert_eq!(lines[0], "data/sample/Findings/labels.csv (synthetic phantoms, no radiographs)");
    assert_eq!(lines[1], "label          positive  negative  uncertain  unknown  test positive");
    assert_eq!(lines.len(), 12);
    let (mut unknown, mut counted) = (0, [0; 2]);
    for (line, label) in lines[2..8].iter().zip(Pathology::ALL.map(Pathology::name)) {
        let numbers: Vec<usize> = line
            .strip_prefix(label)
            .unwrap()
            .split_whitespace()
            .map(|number| number.parse().unwrap())
            .collect();
        assert_eq!(numbers[..4].iter().sum::<usize>(), 40, "{line}");
        unknown += numbers[3];
        counted = [counted[0] + numbers[0], counted[1] + numbers[4]];
        assert!(label != "Nodule" || (numbers[0], numbers[4]) == (0, 0), "{line}");
    }
    assert!(lines[8].starts_with("training: 40 images of ") && lines[9].starts_with("test: 10 images of "));
    assert_eq!(lines[10], format!("unknown training labels: {:.1} %", 100.0 * unknown as f64 / 240.0));
    assert_eq!(lines[11], "least radius of a nodule: 1.0 pixels");

    let text = fs::read_to_string(world.path("data/sample/Findings/labels.csv")).unwrap();
    let mut positive = [0; 2];
    for row in text.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        assert!(world.path("data/sample/Findings").join(cells[0]).is_file(), "{row}");
        let part = usize::from(cells[2] == "test");
        positive[part] += cells[6..].iter().filter(|cell| **cell == "1").count();
    }
    assert_eq!(positive, counted);
    // The labels alone change with the shares of unknown and uncertain ones.
    let image = |name: &str| fs::read(world.path("data/sample/Findings/images").join(name)).unwrap();
    let before = [image("synthetic-00007.png"), image("synthetic-test-00003.png")];
    findings(&world, &["--prevalence", "0.5,Nodule=0", "--correlation", "0.3"]).ok();
    assert_eq!(before, [image("synthetic-00007.png"), image("synthetic-test-00003.png")]);
    let known = fs::read_to_string(world.path("data/sample/Findings/labels.csv")).unwrap();
    for (row, known) in text.lines().zip(known.lines()) {
        let cells = row.split(',').zip(known.split(','));
        assert!(cells.clone().all(|(cell, known)| cell == known || ["", "-1"].contains(&cell)), "{row}");
    }
    assert!(known != text);
}

#[test]
fn a_multi_label_sample_replaces_no_other_folder() {
    let world = World::new();
    world.study();
    let done = findings(&world, &["--out", "xrays"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains("is no part of a synthetic sample"), "{}", done.stderr);
    world.thorax(&["data", "sample", "--out", "sample", "--count", "15", "--image-size", "32"]).ok();
    assert!(findings(&world, &["--out", "sample"]).stderr.contains("is no part of a synthetic sample"));
}

#[test]
fn flags_of_one_sample_are_refused_with_the_other() {
    let world = World::new();
    for (flags, told) in [
        (&["--multi-label", "--test-per-class", "3"][..], "cannot be used with"),
        (&["--test-count", "3"], "--multi-label"),
        (&["--unknown", "0.1"], "--multi-label"),
        (&["--prevalence", "0.1"], "--multi-label"),
        (
            &["--multi-label", "--prevalence", "Edema=0.1"],
            "`Edema` is no label; the labels are `Consolidation`",
        ),
        (&["--multi-label", "--correlation", "1.5"], "must be at most 1"),
        (&["--multi-label", "--images-per-patient", "3-1"], "the range `3-1` begins above its end"),
        (&["--multi-label", "--unknown", "0.6", "--uncertain", "0.6"], "are more than 1 together"),
    ] {
        let done = world.thorax(&[&["data", "sample"], flags].concat());
        assert_eq!(done.code, Some(1), "{flags:?}: {}", done.stderr);
        assert!(done.stderr.contains(told), "{flags:?}: {}", done.stderr);
    }
    assert!(!world.path("data").exists());
}
