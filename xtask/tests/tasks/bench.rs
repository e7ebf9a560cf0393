use crate::workspace::World;
use serde_json::{Value, json};

/// The one JSON object, and nothing else on stdout.
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
    let said = world.xtask(&["bench", "--peers", "--runs", "2", "--data", "Lungs"], "");
    let result = result(&said);

    let ours =
        "thorax train --quiet --json --data ./Lungs --out ./target/bench/runs/study --test-data ./Lungs Test";
    let theirs = "keras --data ./Lungs --workers 1 --test-data ./Lungs Test";
    let png = "./target/bench/sample-600-0-1024/Phantoms";
    let ours_png = format!(
        "thorax train --quiet --json --data {png} --out ./target/bench/runs/png1024 --epochs 10 --patience 1000000"
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
        "thorax train --quiet --json --data {sample} --out ./target/bench/runs/sample --test-data {sample} Test --epochs 2 --patience 1000000"
    );
    let make = format!("thorax data sample --out {sample} --count 920 --test-per-class 40 --image-size 256");
    assert_eq!(world.log(), [make.clone(), train.clone()]);

    // Made once, and again where a file of it is gone.
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

    // Half an environment is none.
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
