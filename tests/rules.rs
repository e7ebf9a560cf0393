//! Tests of the rules of decoding, which belong to the model: every command reads an image like training did, and reports
//! exceptions.

use std::fs;

use serde_json::Value;

use crate::{
    client::get,
    decode::dicom,
    pictures::signed_png,
    serve::Served,
    world::{CLASSES, World},
};

const FORMATS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/formats");
/// JPEG of 20×24 pixels, written by Pillow.
const JPEG: &[u8] = include_bytes!("../crates/data/src/decode/fixtures/baseline.jpg");
/// TIFF header, little-endian, whose only tag says that the image is turned by 90° (EXIF 2.32, orientation 6).
const TURNED: &[u8] = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";

/// Makes a PNG of 20×20 pixels, `samples` values each of `depth`, from `value` of row, column and sample.
fn png(
    colour: png::ColorType,
    depth: png::BitDepth,
    samples: usize,
    value: impl Fn(usize, usize, usize) -> u16,
) -> Vec<u8> {
    const SIDE: usize = 20;
    let mut data = Vec::new();
    for i in 0..SIDE * SIDE * samples {
        let (row, column) = (i / samples / SIDE, i / samples % SIDE);
        match depth {
            png::BitDepth::Sixteen => data.extend(value(row, column, i % samples).to_be_bytes()),
            _ => data.push(value(row, column, i % samples) as u8),
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE as u32, SIDE as u32);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    encoder.write_header().unwrap().write_image_data(&data).unwrap();
    bytes
}

/// Makes the same radiograph-like gradient as 16-bit gray, with alpha, as a turned JPEG, or as plain PNG.
fn odd(kind: usize, level: u16, i: u16) -> (&'static str, Vec<u8>) {
    let shade = move |row: usize, column: usize| level + i + 3 * row as u16 + column as u16;
    match kind {
        0 => {
            let wide = png(png::ColorType::Grayscale, png::BitDepth::Sixteen, 1, |r, c, _| 257 * shade(r, c));
            ("16.png", wide)
        }
        1 => {
            let value = |r: usize, c: usize, sample: usize| match sample {
                0 => shade(r, c),
                _ => (12 * c) as u16,
            };
            ("alpha.png", png(png::ColorType::GrayscaleAlpha, png::BitDepth::Eight, 2, value))
        }
        2 => {
            let length = (TURNED.len() as u16 + 8).to_be_bytes();
            // A comment that no other file has, so that no two files have the same bytes.
            let comment = [&b"\xff\xfe\0\x06"[..], &level.to_be_bytes(), &i.to_be_bytes()].concat();
            let head = [&JPEG[..2], b"\xff\xe1", &length, b"Exif\0\0", TURNED, &comment];
            ("turned.jpg", [&head.concat(), &JPEG[2..]].concat())
        }
        _ => ("plain.png", signed_png(20, (level + i) as u8, "plain")),
    }
}

/// Makes training and test images of every kind in every class.
fn study(world: &World) {
    for (folder, count) in [("xrays", 12), ("xrays Test", 4)] {
        for (class, label) in CLASSES.iter().enumerate() {
            fs::create_dir_all(world.path(folder).join(label)).unwrap();
            for i in 0..count {
                let (end, bytes) = odd(i % 4, 20 + 50 * class as u16, i as u16);
                fs::write(world.path(folder).join(label).join(format!("{i:02}-{end}")), bytes).unwrap();
            }
        }
    }
}

/// Returns path → predicted class and probabilities, as text.
fn rows(csv: &str, skip: usize) -> Vec<(String, String)> {
    let row = |line: &str| {
        let mut cells = line.split(',');
        let path = cells.next().unwrap().to_owned();
        (path, cells.skip(skip).take(1 + CLASSES.len()).collect::<Vec<_>>().join(","))
    };
    csv.lines().skip(1).map(row).collect()
}

#[track_caller]
fn same_rows(world: &World, flags: &[&str]) {
    let tested = rows(&fs::read_to_string(world.path("run/predictions.csv")).unwrap(), 1);
    assert_eq!(tested.len(), 12);
    let predicted = world.thorax(&[&["predict", "xrays Test", "--csv"], flags].concat());
    assert_eq!(rows(&predicted.ok().stdout, 0), tested, "{flags:?}");
}

#[test]
fn every_command_reads_an_image_as_training_did() {
    for rules in ["all", "keras"] {
        let world = World::new();
        study(&world);
        let mut line = vec!["--epochs", "2", "--batch-size", "8", "--out", "run"];
        // The first value is the default.
        if rules == "keras" {
            line.extend(["--formats", "keras"]);
        }
        let trained = world.train(&line);
        trained.ok();
        let lost = "12 of 48 images have values that 8 bits do not hold, which Keras' rules cut: most of the picture is lost; \
                    `--formats all` scales them, such as `xrays/COVID-19/00-16.png`";
        assert_eq!(trained.stderr.contains(lost), rules == "keras", "{}", trained.stderr);

        same_rows(&world, &["--saved", "run"]);
        fs::create_dir(world.path("alone")).unwrap();
        fs::copy(world.path("run/best.safetensors"), world.path("alone/model.safetensors")).unwrap();
        same_rows(&world, &["--saved", "alone/model.safetensors"]);
        same_rows(&world, &["--ensemble", "run", "alone/model.safetensors"]);

        // `test`, also with the copy, which has no run.
        let stored = &crate::world::read_json(&world.path("run/test.json"))["saved"];
        for saved in ["run", "alone/model.safetensors"] {
            let tested = world.thorax(&["test", "--saved", saved, "--data", "xrays Test", "--json"]).json();
            for key in ["loss", "accuracy", "confusion_matrix", "formats"] {
                assert_eq!(tested[key], stored[key], "{saved} {key}");
            }
            assert_eq!(tested["formats"], rules);
        }

        // `explain`: the probability of the predicted class.
        let explained =
            world.thorax(&["explain", "xrays Test", "--saved", "alone/model.safetensors", "--json"]);
        let predicted = world.thorax(&["predict", "xrays Test", "--saved", "run", "--json"]);
        let parsed = |text: &str| -> Vec<Value> {
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let (explained, predicted) = (parsed(&explained.ok().stdout), parsed(&predicted.ok().stdout));
        assert_eq!(explained.len(), 12);
        for (explained, predicted) in explained.iter().zip(&predicted) {
            assert_eq!(explained["predicted"], predicted["predicted"]);
            let class = predicted["predicted"].as_str().unwrap();
            let (own, told) = (&explained["probability"], &predicted["probabilities"][class]);
            assert!((own.as_f64().unwrap() - told.as_f64().unwrap()).abs() < 1e-4, "{explained} {predicted}");
        }

        // `serve`, whose card names the rules, like the exported file.
        let server = Served::start(&world, &[]);
        assert_eq!(get(server.address, "/v1/model").json()["preprocessing"]["formats"], rules);
        for row in &predicted {
            let answer = server.predict(&fs::read(world.path(row["path"].as_str().unwrap())).unwrap()).json();
            for class in CLASSES {
                let [own, told] = [&answer, row].map(|of| of["probabilities"][class].as_f64().unwrap());
                assert!((own - told).abs() <= 1e-4, "{row} {answer}");
            }
            assert_eq!(answer["note"], row["note"], "{row}");
        }
        let exported = world.thorax(&["export", "--saved", "run", "--out", "model.pt", "--json"]).json();
        assert_eq!(exported["metadata"]["input"]["formats"], rules);
    }
}

/// Checks that DICOM, which Keras' rules do not know, is read by the others and noted in its row, also for a copied checkpoint.
#[test]
fn what_the_models_rules_cannot_read_is_read_by_the_general_ones_and_said() {
    let world = World::new();
    world.study();
    world.train(&["--epochs", "1", "--formats", "keras", "--out", "run"]).ok();
    fs::write(world.path("chest.dcm"), dicom()).unwrap();
    let line = ["predict", "chest.dcm", "xrays Test/NORMAL/000.png", "--saved", "run"];
    // The file has no window either.
    let note = "read by the rules of `--formats all`: Keras' know no DICOM; no usable window: scaled by the range of its own \
                pixels";
    let json = world.thorax(&[&line[..], &["--json"]].concat());
    let rows: Vec<Value> = json.ok().stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&rows[0]["note"], &rows[1]["note"]), (&note.into(), &Value::Null));
    let csv = world.thorax(&[&line[..], &["--csv"]].concat()).ok().stdout.clone();
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].ends_with(",warning,note"), "{csv}");
    assert!(lines[1].contains(note) && lines[2].ends_with(','), "{csv}");
    let table = world.thorax(&line).ok().stdout.clone();
    assert!(table.contains(&format!("chest.dcm  ({note})\n")), "{table}");
    // Rules that the user names are used.
    let done = world.thorax(&[&line[..], &["--formats", "keras"]].concat());
    assert!(
        done.stderr.contains("`chest.dcm` is a DICOM image, which `--formats all` reads"),
        "{}",
        done.stderr
    );
    assert_eq!(done.code, Some(1));
    // A CSV names the file, so that a test reads it too.
    fs::write(world.path("mixed.csv"), "path,label\nchest.dcm,NORMAL\nxrays Test/NORMAL/000.png,NORMAL\n")
        .unwrap();
    let tested = world.thorax(&["test", "--saved", "run", "--data", "mixed.csv", "--out", "tested"]);
    let said = "1 of 2 images are DICOM files, which Keras' rules know nothing of: read by those of `--formats all`, such as \
                `chest.dcm`";
    assert!(tested.ok().stderr.contains(said), "{}", tested.stderr);
    let predictions = fs::read_to_string(world.path("tested/predictions.csv")).unwrap();
    assert!(predictions.lines().next().unwrap().ends_with(",note"), "{predictions}");
    assert!(predictions.lines().nth(1).unwrap().ends_with(note), "{predictions}");
}

#[test]
fn named_rules_replace_the_models_and_every_row_says_so() {
    let world = World::new();
    study(&world);
    world.train(&["--epochs", "1", "--out", "run"]).ok();
    let line = ["predict", "xrays Test/NORMAL", "--saved", "run", "--json", "--formats", "keras"];
    let done = world.thorax(&line);
    let said = "warning: `--formats keras` replaces the rules that `run/best.safetensors` was trained by (`all`): its figures \
                may be wrong\n";
    assert!(done.ok().stderr.contains(said), "{}", done.stderr);
    for row in done.stdout.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let note = row["note"].as_str().unwrap();
        assert!(note.starts_with("read by the rules of `--formats keras`, the model's are `all`"), "{note}");
        let cut = row["path"].as_str().unwrap().ends_with("16.png");
        assert_eq!(note.ends_with("; values that 8 bits do not hold are cut by Keras' rules"), cut, "{row}");
    }
    // The model's own rules replace nothing.
    let own = world.thorax(&[&line[..6], &["all"]].concat());
    assert!(!own.ok().stderr.contains("replaces"), "{}", own.stderr);
    assert!(own.stdout.lines().all(|row| row.contains("\"note\":null")), "{}", own.stdout);
}

/// Checks checkpoints of format 1, which do not store their rules: those of their run are used, or else Keras', with a warning.
#[test]
fn older_checkpoints_take_the_rules_of_their_run_or_keras_with_a_warning() {
    let world = World::new();
    world.study();
    fs::create_dir(world.path("run")).unwrap();
    for name in ["best.safetensors", "run.json"] {
        fs::copy(format!("{FORMATS}/1/run/{name}"), world.path("run").join(name)).unwrap();
    }
    let wide = png(png::ColorType::Grayscale, png::BitDepth::Sixteen, 1, |r, c, _| 257 * (9 * r + c) as u16);
    fs::write(world.path("wide.png"), wide).unwrap();
    let predict = |saved: &str, flags: &[&str]| {
        let done = world.thorax(&[&["predict", "wide.png", "--json", "--saved", saved], flags].concat());
        done.ok();
        let row: Value = serde_json::from_str(&done.stdout).unwrap();
        (row, done.stderr)
    };
    let warning = "`alone.safetensors` is of an older version and does not say by which rules its images were decoded: those of \
                   `--formats keras` are used; `--formats all` uses the others";
    fs::copy(world.path("run/best.safetensors"), world.path("alone.safetensors")).unwrap();
    let (alone, told) = predict("alone.safetensors", &[]);
    assert!(told.contains(warning), "{told}");
    let (of_run, told) = predict("run", &[]);
    assert!(!told.contains("older version"), "{told}");
    assert_eq!(alone["probabilities"], of_run["probabilities"]);
    let cut = "values that 8 bits do not hold are cut by Keras' rules";
    assert_eq!((&alone["note"], &of_run["note"]), (&cut.into(), &cut.into()));
    // A run of that format that was trained by the other rules.
    let record = fs::read_to_string(world.path("run/run.json")).unwrap();
    let changed = record.replace("\"formats\": \"keras\"", "\"formats\": \"all\"");
    assert_ne!(record, changed);
    fs::write(world.path("run/run.json"), changed).unwrap();
    let (of_run, told) = predict("run", &[]);
    assert!(!told.contains("older version") && of_run["note"].is_null(), "{told}");
    assert_ne!(alone["probabilities"], of_run["probabilities"]);
    let (named, told) = predict("alone.safetensors", &["--formats", "all"]);
    assert!(!told.contains("older version"), "{told}");
    assert_eq!(named["probabilities"], of_run["probabilities"]);
}
