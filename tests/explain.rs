//! Tests of `explain`: pictures of the right size and depth, of the requested class, and no file lost.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::{
    pictures::{gray_png, png},
    world::World,
};

/// Picture with columns, rows, channels and bits, pixels, and texts.
struct Picture {
    shape: [usize; 4],
    bytes: Vec<u8>,
    texts: BTreeMap<String, String>,
}

fn read(path: &Path) -> Picture {
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut bytes).unwrap();
    let texts = reader.info().utf8_text.iter().map(|text| (text.keyword.clone(), text.get_text().unwrap()));
    let shape =
        [frame.width as usize, frame.height as usize, frame.color_type.samples(), frame.bit_depth as usize];
    Picture { shape, bytes, texts: texts.collect() }
}

fn rows(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_overlay_and_a_map_are_written_for_each_image() {
    let world = World::new();
    world.trained();
    let expected = world.thorax(&["predict", "xrays Test", "--saved", "run", "--json"]);
    let expected = rows(&expected.ok().stdout);
    let done = world.thorax(&["explain", "xrays Test", "--saved", "run", "--json"]);
    let found = rows(&done.ok().stdout);
    assert_eq!((found.len(), expected.len()), (12, 12));
    for (row, predicted) in found.iter().zip(&expected) {
        assert_eq!((&row["path"], &row["predicted"]), (&predicted["path"], &predicted["predicted"]));
        assert_eq!((&row["class"], &row["method"]), (&row["predicted"], &"hires-cam".into()));
        assert_eq!(row["probability"], predicted["probabilities"][row["class"].as_str().unwrap()]);
        assert!(row["error"].is_null());
        let overlay = read(&world.path(row["overlay"].as_str().unwrap()));
        let [width, height, channels, bits] = overlay.shape;
        assert!((height, channels, bits) == (256, 3, 8) && width > 256 + 16, "{:?}", overlay.shape);
        let map = read(&world.path(row["map"].as_str().unwrap()));
        assert_eq!(map.shape, [16, 16, 1, 16]);
        let values: Vec<u16> =
            map.bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        let (most, maximum) = (*values.iter().max().unwrap(), map.texts["Maximum"].parse::<f32>().unwrap());
        assert_eq!(
            (map.texts["Class"].as_str(), map.texts["Method"].as_str()),
            (row["class"].as_str().unwrap(), "hires-cam")
        );
        match row["empty"].as_bool().unwrap() {
            true => assert_eq!((most, maximum, &row["central_share"]), (0, 0.0, &Value::Null)),
            false => {
                assert!(most == 65535 && maximum > 0.0);
                let centre: f64 = (0..256)
                    .filter(|at| (4..12).contains(&(at / 16)) && (4..12).contains(&(at % 16)))
                    .map(|at| f64::from(values[at]))
                    .sum();
                let share = centre / values.iter().map(|&value| f64::from(value)).sum::<f64>();
                assert!((share - row["central_share"].as_f64().unwrap()).abs() < 1e-3, "{row}");
            }
        }
    }
    // Two files in different folders have the same name.
    let names: Vec<&str> = found.iter().map(|row| row["overlay"].as_str().unwrap()).collect();
    assert_eq!(names[0], "data/explained/000.overlay.png");
    assert!(names.contains(&"data/explained/000-2.overlay.png"));
    assert!(names.contains(&"data/explained/003-3.overlay.png"));
    assert_eq!(fs::read_dir(world.path("data/explained")).unwrap().count(), 25);
    assert_eq!(done.stderr.matches("it proves nothing").count(), 1, "{}", done.stderr);
}

#[test]
fn a_class_is_named_and_tables_say_what_json_says() {
    let world = World::new();
    world.trained();
    let flags = ["explain", "xrays Test/NORMAL", "--saved", "run", "--class", "COVID-19", "--method"];
    for method in ["grad-cam", "grad-cam++", "hires-cam", "occlusion"] {
        let out = format!("out {method}");
        let json = world.thorax(&[&flags[..], &[method, "--out", &out, "--json"]].concat());
        let json = rows(&json.ok().stdout);
        let table = world.thorax(&[&flags[..], &[method, "--out", &out, "--force"]].concat());
        let lines: Vec<&str> = table.ok().stdout.lines().collect();
        assert!(lines[0].starts_with("predicted") && lines[0].ends_with("file  overlay"), "{}", lines[0]);
        assert_eq!((lines.len(), json.len()), (5, 4));
        for (row, line) in json.iter().zip(&lines[1..]) {
            assert_eq!((&row["class"], &row["method"]), (&"COVID-19".into(), &method.into()));
            let text = |key: &str| row[key].as_str().unwrap().to_owned();
            assert!(line.starts_with(&text("predicted")) && line.contains("COVID-19"), "{line}");
            assert!(line.ends_with(&format!("{}  {}", text("path"), text("overlay"))), "{line}");
            let share = row["central_share"].as_f64();
            let share = share.map_or("empty".to_owned(), |share| format!("{:.0} %", 100.0 * share));
            assert!(line.contains(&format!("{:.4}", row["probability"].as_f64().unwrap())), "{line}");
            assert!(line.contains(&share), "{line}");
        }
    }
    world.refuses(
        &["explain", "xrays", "--saved", "run", "--class", "normal"],
        &[
            "error: the model knows no class `normal`",
            "hint: its classes are `COVID-19`, `NORMAL`, `Viral Pneumonia`",
        ],
    );
    world.refuses(
        &["explain", "xrays", "--saved", "run", "--method", "cam"],
        &["unknown method `cam`: one of grad-cam, grad-cam++, hires-cam, occlusion"],
    );
}

#[test]
fn a_bad_file_stops_nothing() {
    let world = World::new();
    world.trained();
    fs::create_dir(world.path("mixed")).unwrap();
    for i in 0..40 {
        fs::write(world.path(&format!("mixed/{i:02}.png")), gray_png(24, 100 + i)).unwrap();
    }
    fs::write(world.path("mixed/05 text.png"), "no image").unwrap();
    fs::write(world.path("mixed/notes.txt"), "a text").unwrap();
    let done = world.thorax(&["explain", "gone.png", "mixed", "--saved", "run", "--out", "maps", "--json"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let found = rows(&done.stdout);
    assert_eq!(found.len(), 42);
    let bad: Vec<&Value> = found.iter().filter(|row| !row["error"].is_null()).collect();
    assert_eq!(
        (bad.len(), &bad[0]["path"], &bad[1]["path"]),
        (2, &"gone.png".into(), &"mixed/05 text.png".into())
    );
    assert_eq!(bad[1]["error"], "is no image");
    assert!(["predicted", "class", "probability", "overlay", "map"].iter().all(|key| bad[1][key].is_null()));
    assert_eq!(fs::read_dir(world.path("maps")).unwrap().count(), 81);
    assert!(done.stderr.contains("passed over: 1 file that is no image"), "{}", done.stderr);
    assert!(done.stderr.contains("2 of 42 files could not be explained"), "{}", done.stderr);
}

#[test]
fn what_is_there_is_kept_and_no_heat_map_is_explained() {
    let world = World::new();
    world.trained();
    let explain =
        |flags: &[&str]| world.thorax(&[&["explain"], flags, &["--saved", "run", "--out", "maps"]].concat());
    fs::create_dir(world.path("maps")).unwrap();
    fs::write(world.path("maps/000.map.png"), "mine").unwrap();
    let image = "xrays Test/NORMAL/000.png";
    let before = world.files();
    let done = explain(&[image]);
    assert_eq!(done.code, Some(1));
    let error = "error: `xrays Test/NORMAL/000.png` is not explained: `maps/000.map.png` is there already (overwrite it with `--force`";
    assert!(done.stderr.contains(error), "{}", done.stderr);
    assert!(world.files() == before);
    explain(&[image, "--force"]).ok();
    assert_eq!(read(&world.path("maps/000.map.png")).shape, [16, 16, 1, 16]);

    // An image in the folder of heat maps would be overwritten by another's map; in a named folder such images are skipped.
    fs::write(world.path("maps/x.overlay.png"), gray_png(24, 100)).unwrap();
    let done = explain(&["maps/x.overlay.png", "--force"]);
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("lies in the folder that heat maps go to"), "{}", done.stderr);
    assert_eq!(fs::read(world.path("maps/x.overlay.png")).unwrap(), gray_png(24, 100));
    let done = explain(&["maps", "--force"]);
    done.refused(&["error: there is no image in `maps`", "hint: name images"]);
    let done = explain(&["maps", "xrays Test/NORMAL", "--force"]);
    assert_eq!(done.ok().stdout.lines().count(), 1 + 4);
    world.refuses(&["explain", "xrays", "--saved", "absent"], &["error: there is no saved model `absent`"]);
}

/// Returns the row and column of the largest value.
fn peak(map: &Picture) -> [usize; 2] {
    let most = map.bytes.chunks_exact(2).max().unwrap();
    let at = map.bytes.chunks_exact(2).position(|pair| pair == most).unwrap();
    [at / map.shape[0], at % map.shape[0]]
}

/// Draws a white square on gray, at a row and column.
fn spotted(row: usize, column: usize) -> Vec<u8> {
    let mut pixels: Vec<u8> = (0..24 * 24).map(|i| 60 + (i * 7 + row + column) as u8 % 16).collect();
    for row in row..row + 6 {
        pixels[row * 24 + column..row * 24 + column + 6].fill(240);
    }
    png(24, png::ColorType::Grayscale, &pixels)
}

#[test]
fn the_map_moves_with_what_is_seen() {
    let world = World::new();
    for (class, spots) in [("plain", false), ("spotted", true)] {
        fs::create_dir_all(world.path("spots").join(class)).unwrap();
        for i in 0..60 {
            let (row, column) = (i * 5 % 19, i * 7 % 19);
            let plain: Vec<u8> = (0..24 * 24).map(|at| 60 + (at * 7 + i) as u8 % 16).collect();
            let picture =
                if spots { spotted(row, column) } else { png(24, png::ColorType::Grayscale, &plain) };
            fs::write(world.path(&format!("spots/{class}/{i:02}.png")), picture).unwrap();
        }
    }
    let flags =
        ["--image-size", "24", "--epochs", "20", "--patience", "20", "--batch-size", "20", "--out", "run"];
    world.thorax(&[&["train", "--data", "spots"], &flags[..]].concat()).ok();
    let places = [[1, 1], [1, 16], [16, 1], [16, 16], [9, 9]];
    fs::create_dir(world.path("new")).unwrap();
    for (i, [row, column]) in places.into_iter().enumerate() {
        fs::write(world.path(&format!("new/{i}.png")), spotted(row, column)).unwrap();
    }
    let done = world.thorax(&["explain", "new", "--saved", "run", "--class", "spotted", "--json"]);
    for (row, [top, left]) in rows(&done.ok().stdout).iter().zip(places) {
        let [down, across] = peak(&read(&world.path(row["map"].as_str().unwrap())));
        assert!(
            down + 1 >= top && down <= top + 6 && across + 1 >= left && across <= left + 6,
            "{row}: {down} {across}"
        );
    }
}

/// Checks that a base that is not trained has heat maps all the same (compare MONAI#3035).
#[test]
fn a_frozen_base_is_explained() {
    let world = World::new();
    world.study();
    let model = ["--model", "inception-v3", "--weights", "none", "--freeze", "all", "--image-size", "107"];
    let flags = ["--epochs", "1", "--batch-size", "8", "--precision", "f32", "--out", "run"];
    world.thorax(&[&["train", "--data", "xrays"], &model[..], &flags].concat()).ok();
    let done = world.thorax(&["explain", "xrays Test/NORMAL/000.png", "xrays Test/NORMAL/001.png", "--json"]);
    let found = rows(&done.ok().stdout);
    assert_eq!(found.len(), 2);
    for row in found {
        assert_eq!(row["method"], "grad-cam");
        assert_eq!(read(&world.path(row["map"].as_str().unwrap())).shape, [107, 107, 1, 16]);
        assert_eq!(read(&world.path(row["overlay"].as_str().unwrap())).shape[1], 321);
    }
}
