use crate::workspace::{World, root};
use serde_json::{Value, json};

/// Parses the one JSON object, with nothing else on stdout.
#[track_caller]
fn result(said: &crate::workspace::Said) -> Value {
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {}", said.stdout))
}

#[test]
fn both_sides_take_turns_and_the_result_is_one_object() {
    let world = World::new();
    world.write("Lungs/A/1.png", "12345");
    world.write("Lungs Test/A/1.png", "1");
    let jobs = ["--job", "study", "--job", "png1024"];
    let said =
        world.xtask(&[&["bench", "--peers", "--runs", "2", "--data", "Lungs"], &jobs[..]].concat(), "");
    let result = result(&said);

    let ours = "thorax train --quiet --json --no-report --data ./Lungs --out ./target/bench/runs/study --cache none --test-data ./Lungs Test";
    let theirs = "keras --data ./Lungs --workers 1 --test-data ./Lungs Test";
    let png = "./target/bench/sample-600-0-1024/Phantoms";
    let ours_png = format!(
        "thorax train --quiet --json --no-report --data {png} --out ./target/bench/runs/png1024 --cache none --epochs 10 --patience 1000000"
    );
    let theirs_png =
        |workers| format!("keras --data {png} --workers {workers} --epochs 10 --no-early-stopping");
    let round = [ours_png, theirs_png(1), theirs_png(2)];
    let mut expected = vec!["python -m venv", "pip install", ours, theirs, ours, theirs]
        .into_iter()
        .map(String::from)
        .collect::<Vec<_>>();
    expected.push(format!("thorax data sample --out {png} --count 600 --test-per-class 0 --image-size 1024"));
    expected.extend(round.iter().chain(&round).cloned());
    assert_eq!(world.log(), expected);
    assert!(said.stderr.contains("OPENBLAS is unset"), "{}", said.stderr);
    assert!(said.stderr.contains("words of pip's"), "stdout is the result's: {}", said.stderr);

    assert_eq!((&result["runs"], &result["quick"]), (&json!(2), &json!(false)));
    assert!(result["machine"]["cores"].as_u64() > Some(0) && result["date"].is_string(), "{result}");
    let [study, png1024] = &result["jobs"].as_array().expect("a list")[..] else { panic!("{result}") };
    assert_eq!((&study["job"], &png1024["job"]), (&json!("study"), &json!("png1024")));
    assert_eq!(study["images"], json!({"files": 1, "bytes_min": 5, "bytes_median": 5.0, "bytes_max": 5}));
    assert_eq!(png1024["images"]["files"], 600);

    let round = &study["thorax"]["rounds"][1];
    assert_eq!(round["epochs"], 7);
    assert_eq!(round["accuracy"], json!({"saved": 0.75, "final": 0.5}));
    assert_eq!((&round["decoded_images_per_second"], &round["epoch_seconds"]), (&json!(20.0), &json!(0.5)));
    assert!(study["thorax"]["peak_memory_bytes"].as_u64() > Some(100_000), "{study}");
    let keras = &study["keras"];
    assert_eq!(keras["seconds"], json!({"min": 8.0, "median": 8.0}), "without the import");
    assert_eq!(keras["seconds_per_epoch"], json!({"min": 2.0, "median": 2.0}));
    assert_eq!(keras["rounds"][0]["accuracy"], json!({"saved": 0.5, "final": 0.25}));
    assert!(keras["rounds"][0]["process_seconds"].as_f64() < Some(8.0), "taken from outside: {keras}");
    let ratio = study["ratio_to_keras"]["seconds"].as_f64().expect("a number");
    assert!(ratio > 0.0 && ratio < 1.0, "the stand-in is quicker than 8 s: {ratio}");
    assert!(png1024["ratio_to_keras_2_workers"]["seconds"].is_number(), "{png1024}");
    assert!(!world.path("tree/data/runs").exists(), "the user's latest run stays what it is");
    let left = std::fs::read_dir(world.path("tree/data")).into_iter().flatten().count();
    assert_eq!(left, 0, "all of it lies under the target folder");
}

/// Covers a run into an empty cache and one out of it, with Keras' generator beside them.
#[test]
fn decoding_is_measured_once_into_the_cache_and_once_out_of_it() {
    let world = World::new();
    let jobs = ["--job", "decode-png1024", "--job", "decode-jpeg384"];
    let result = result(&world.xtask(&[&["bench", "--peers", "--quick"], &jobs[..]].concat(), ""));
    let (png, jpeg) = ("./target/bench/sample-60-0-1024/Phantoms", "./target/bench/jpegs-60/Phantoms");
    let ours = |data: &str, job: &str| {
        format!(
            "thorax train --quiet --json --no-report --data {data} --out ./target/bench/runs/{job} --cache ./target/bench/cache \
             --epochs 2 --patience 1000000"
        )
    };
    let log = world.log();
    let of = |data: &str| log.iter().filter(|line| line.contains(data)).cloned().collect::<Vec<_>>();
    let png_log = of(png);
    assert_eq!(png_log[1..3], [ours(png, "decode-png1024"), ours(png, "decode-png1024")]);
    assert_eq!(png_log[3], format!("keras_decode --data {png} --workers 1"));
    assert_eq!(of(jpeg)[..2], [ours(jpeg, "decode-jpeg384"), ours(jpeg, "decode-jpeg384")]);
    assert_eq!(log.iter().filter(|line| *line == "make_jpegs").count(), 1);

    let [png, jpeg] = &result["jobs"].as_array().expect("a list")[..] else { panic!("{result}") };
    assert_eq!((&png["images"]["files"], &jpeg["images"]["files"]), (&json!(60), &json!(60)));
    // The stand-in reports 0.5 s for decoding; Keras' 2 s.
    assert_eq!(
        (&png["thorax"]["seconds"]["median"], &png["ratio_to_keras"]["seconds"]),
        (&json!(0.5), &json!(0.25))
    );
    let start = png["thorax"]["second_run_seconds_to_first_step"].as_f64().expect("a number");
    assert!(start < 1.0, "its second in training is taken off: {start}");

    // Without Pillow there are no JPEG files, unless a folder is named.
    world.write("Lungs/A/1.jpg", "12345");
    let said = world.xtask(&["bench", "--quick", "--job", "decode-jpeg384"], "");
    assert!(said.stderr.contains("decode-jpeg384 skipped: its files are made by --peers"), "{}", said.stderr);
    let named = ["bench", "--quick", "--job", "decode-jpeg384", "--data", "Lungs"];
    let said = world.xtask(&named, "");
    assert_eq!(self::result(&said)["jobs"][0]["images"]["files"], 1);
}

#[test]
fn without_a_data_set_the_sample_stands_in_and_says_so() {
    let world = World::new();
    let said = world.xtask(&["bench", "--quick", "--job", "study"], "");
    let result = result(&said);
    assert_eq!(result["jobs"][0]["job"], "sample");
    assert_eq!(result["jobs"][0]["fixed_epochs"], 2);
    let line = "study skipped: no data set in `data/COVID-19 Radiography Database`";
    assert!(result["skipped"][0].as_str().is_some_and(|said| said.starts_with(line)), "{result}");
    assert!(said.stderr.contains(line), "{}", said.stderr);
    let sample = "./target/bench/sample-920-40-256/Phantoms";
    let train = format!(
        "thorax train --quiet --json --no-report --data {sample} --out ./target/bench/runs/sample --cache none --test-data {sample} Test --epochs 2 --patience 1000000"
    );
    let make = format!("thorax data sample --out {sample} --count 920 --test-per-class 40 --image-size 256");
    assert_eq!(world.log(), [make.clone(), train.clone()]);

    // Made once, and again if a file of it is missing.
    assert_eq!(world.xtask(&["bench", "--quick", "--job", "study"], "").code, Some(0));
    assert_eq!(world.log(), std::slice::from_ref(&train));
    std::fs::remove_file(world.path(sample).join("A/synthetic-7.png")).expect("it is there");
    assert_eq!(world.xtask(&["bench", "--quick", "--job", "study"], "").code, Some(0));
    assert_eq!(world.log(), [make, train]);
}

#[test]
fn the_peers_are_set_up_once_and_again_when_what_they_need_changes() {
    let world = World::new();
    let bench = ["bench", "--peers", "--quick", "--job", "study"];
    let set_up = || world.log().into_iter().filter(|line| line.starts_with('p')).collect::<Vec<_>>();

    world
        .xtask(&bench, "venv")
        .assert_error("Python could not make an environment", "apt install python3-venv");
    assert_eq!(set_up(), ["python -m venv"]);
    let said = world.xtask(&bench, "pip");
    said.assert_error("pip could not install the peers", "mend pip's set-up or the network");
    assert!(said.stdout.is_empty() && said.stderr.contains("words of pip's"), "{}", said.stderr);
    assert!(!world.target().join("bench").exists(), "found out before anything is built");
    assert_eq!(set_up(), ["python -m venv", "pip install"]);

    // An incomplete environment does not count.
    assert_eq!(world.xtask(&bench, "").code, Some(0));
    assert_eq!(set_up(), ["python -m venv", "pip install"]);
    assert_eq!(world.xtask(&bench, "").code, Some(0));
    assert_eq!(set_up(), [""; 0]);
    world.write("tree/xtask/peers/requirements.txt", "keras==2\n");
    assert_eq!(world.xtask(&bench, "").code, Some(0));
    assert_eq!(set_up(), ["python -m venv", "pip install"]);
}

#[test]
fn a_run_that_fails_and_a_folder_that_is_not_there_are_errors() {
    let world = World::new();
    world
        .xtask(&["bench", "--data", "nowhere"], "")
        .assert_error("no folder `nowhere`", "one folder of images a class");
    assert_eq!(world.log(), [""; 0]);
    let said = world.xtask(&["bench", "--quick", "--job", "study"], "train");
    said.assert_error("failed (exit status: 1)", "its own words are above");
    assert!(said.stdout.is_empty() && said.stderr.contains("error: told to fail"), "{}", said.stderr);
}

/// Source of a stand-in for the example `steps` of the crate `train`: it logs its arguments; `frozen` takes a fifth of
/// `full`, and bf16 half of f32.
const STEPS: &str = r#"
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let log = std::path::PathBuf::from(std::env::var_os("WORLD").unwrap()).join("log");
    let mut log = std::fs::File::options().create(true).append(true).open(log).unwrap();
    std::io::Write::write_all(&mut log, format!("steps {}\n", arguments.join(" ")).as_bytes()).unwrap();
    let value = |flag: &str| &arguments[arguments.iter().position(|argument| argument == flag).unwrap() + 1];
    let faster = if value("--precision") == "bf16" { 2.0 } else { 1.0 };
    if arguments[0] == "matmul" {
        return println!("{{\"gflops\": {}}}", 150.0 * faster);
    }
    let seconds = if arguments[0] == "frozen" { 0.4 } else { 2.0 } / faster;
    let (steps, images) = (value("--steps"), value("--batch-size"));
    println!(
        "{{\"median_seconds\": {seconds}, \"min_seconds\": 0.1, \"steps\": {steps}, \"images\": {images}, \"versions\": {{\"thorax\": \"0\"}}}}"
    );
}
"#;

/// Script in place of `python3` and the environments' `python`; the peers of InceptionV3 take 2 s (Keras) and 4 s (the
/// others) a step.
const PYTHON: &str = r#"#!/bin/sh
case "$*" in
  --version) exit 0 ;;
  "-m venv "*)
    echo "venv ${3##*/}" >> "$WORLD/log"
    mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip install "*) echo "pip ${5##*/}" >> "$WORLD/log" ;;
  *_inception.py*)
    script="${1##*/}" && shift
    echo "$script $*" >> "$WORLD/log"
    test "$1" = export && { test "$FAILS" != export && : > "${13}"; exit; }
    seconds=4
    test "$script" = keras_inception.py && seconds=2
    test "$FAILS" = batch && set -- "$1" "$2" "$3" "$4" "$5" "$6" "$7" "$8" 1
    echo "{\"median_seconds\": $seconds, \"min_seconds\": 1, \"steps\": $5, \"images\": $9, \"versions\": {}}" ;;
  *) exit 64 ;;
esac
"#;

/// Makes a world whose workspace has a crate `train` with the example.
fn world_with_steps() -> World {
    let world = World::new();
    world.write("tree/Cargo.toml", &root("train"));
    let train =
        "[package]\nname = \"train\"\nversion = \"0.0.1\"\nedition = \"2024\"\n\n[lib]\npath = \"lib.rs\"\n";
    world.write("tree/train/Cargo.toml", train);
    world.write("tree/train/lib.rs", "");
    world.write("tree/train/examples/steps.rs", STEPS);
    for name in ["requirements-torch.txt", "torch_inception.py", "common.py"] {
        world.write(&format!("tree/xtask/peers/{name}"), "");
    }
    world.script("bin/python3", PYTHON);
    world
}

const STEP_FLAGS: &str = "--threads 3 --steps 10 --warmup 3 --batch-size 15 --image-size 256";
const INFERENCE_FLAGS: &str = "--threads 3 --steps 10 --warmup 3 --batch-size 32 --image-size 256";

#[test]
fn inceptions_jobs_are_measured_in_turns_and_what_they_share_once() {
    let world = world_with_steps();
    let jobs =
        ["inception-step", "inception-frozen", "inception-inference"].map(|job| ["--job", job]).concat();
    let bench = [&["bench", "--peers", "--runs", "2", "--threads", "3"], &jobs[..]].concat();
    let said = world.xtask(&bench, "");
    let result = result(&said);

    let ours = |work: &str, flags: &str| {
        ["bf16", "f32"].map(|precision| format!("steps {work} --precision {precision} {flags}"))
    };
    let onnx = "--model ./target/peers-torch/inception-v3-32x256";
    let mut round: Vec<String> = ours("matmul", STEP_FLAGS).into();
    round.extend(ours("full", STEP_FLAGS));
    round.push(format!("keras_inception.py full {STEP_FLAGS}"));
    round.push(format!("torch_inception.py full {STEP_FLAGS}"));
    round.extend(ours("frozen", STEP_FLAGS));
    round.extend(ours("inference", INFERENCE_FLAGS));
    round.push(format!("torch_inception.py inference {INFERENCE_FLAGS}"));
    round.push(format!("onnx_inception.py inference {INFERENCE_FLAGS} {onnx}.onnx"));
    let mut expected: Vec<String> =
        ["venv peers", "pip requirements.txt", "venv peers-torch", "pip requirements-torch.txt"]
            .map(String::from)
            .into();
    expected.push(format!("torch_inception.py export {INFERENCE_FLAGS} {onnx}.part"));
    expected.extend(round.iter().chain(&round).cloned());
    assert_eq!(world.log(), expected);

    let [step, frozen, inference] = &result["jobs"].as_array().expect("a list")[..] else {
        panic!("{result}")
    };
    assert_eq!(step["batch"], json!([15, 3, 256, 256]));
    assert_eq!(step["threads"], 3);
    let bf16 = &step["thorax_bf16"];
    assert_eq!(bf16["seconds"], json!({"min": 1.0, "median": 1.0}));
    assert_eq!((&bf16["gflops"], &bf16["matrix_product_gflops"]), (&json!(346.3185627), &json!(300.0)));
    assert_eq!(step["keras"]["matrix_product_gflops"], 150.0);
    assert!(bf16["peak_memory_bytes"].as_u64() > Some(100_000), "{step}");
    assert_eq!(bf16["rounds"].as_array().map(Vec::len), Some(2));
    let ratio = |job: &Value, to: &str| {
        ["thorax_bf16", "thorax_f32"].map(|ours| job[to][ours]["seconds"].as_f64().expect("a number"))
    };
    assert_eq!(ratio(step, "ratio_to_keras"), [0.5, 1.0]);
    assert_eq!(ratio(step, "ratio_to_torch"), [0.25, 0.5]);
    assert_eq!(ratio(step, "ratio_to_faster_peer"), [0.5, 1.0]);
    assert_eq!(ratio(frozen, "ratio_to_keras"), [0.1, 0.2], "to the full step");
    assert_eq!(frozen["keras"], step["keras"], "measured once for both");
    assert!(frozen["torch"].is_null(), "{frozen}");
    assert_eq!(ratio(inference, "ratio_to_onnxruntime"), [0.25, 0.5]);

    // Nothing is set up or exported twice, and nothing that a job does not need.
    let said = world.xtask(&["bench", "--peers", "--quick", "--job", "inception-inference"], "");
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(!world.log().iter().any(|line| line.contains("export") || line.contains("full")));
}

#[test]
fn without_peers_or_with_a_peer_that_fails() {
    let world = world_with_steps();
    let said = world.xtask(&["bench", "--quick", "--job", "inception-frozen"], "");
    let result = result(&said);
    assert_eq!(result["jobs"][0]["thorax_f32"]["rounds"][0]["steps"], 3);
    assert!(result["jobs"][0]["ratio_to_keras"].is_null(), "{result}");
    assert!(world.log().iter().all(|line| line.starts_with("steps ")), "no environment for nothing");

    let bench = ["bench", "--peers", "--quick", "--job", "inception-inference"];
    world.xtask(&bench, "export").assert_error("PyTorch could not export the model", "leave this job out");
    let said = world.xtask(&bench, "batch");
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(said.stderr.contains("error: a step took 1 images, not 32"), "{}", said.stderr);

    std::fs::remove_file(world.path("tree/train/examples/steps.rs")).expect("it is there");
    let said = world.xtask(&["bench", "--quick", "--job", "inception-step"], "");
    said.assert_error("`cargo build --release -p train --example steps` failed", "its own words are above");
    assert!(said.stderr.contains("no example target named `steps`"), "{}", said.stderr);
}
