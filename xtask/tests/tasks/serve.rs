//! Tests of the job `serve` of `bench`, with a stand-in that answers.

use crate::workspace::World;
use serde_json::{Value, json};

const BENCH: [&str; 6] = ["bench", "--quick", "--job", "serve", "--threads", "2"];

#[test]
fn serving_is_measured_beside_predicting_with_all_that_was_refused_or_lost() {
    let world = World::new();
    let said = world.xtask(&BENCH, "");
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let result: Value = serde_json::from_str(&said.stdout).expect("JSON");
    let (data, run) = ("./target/bench/sample-64-0-256/Phantoms", "./target/bench/runs/serve");
    let flags = format!("--saved {run} --threads 2");
    let serve = format!("thorax serve --quiet --listen 127.0.0.1:0 {flags}");
    let predict =
        |passes: usize| format!("thorax predict --quiet --csv {flags}{}", format!(" {data}").repeat(passes));
    let train = format!(
        "thorax train --quiet --no-report --cache none --model inception-v3 --weights none --freeze all --image-size 256 --epochs 1 \
         --data {data} --out {run}"
    );
    assert_eq!(
        world.log()[1..],
        [train, predict(1), predict(3), serve.clone(), format!("{serve} --queue 8"), serve]
    );

    let job = &result["jobs"][0];
    assert_eq!((&job["job"], &job["lost"], &job["precision"]), (&json!("serve"), &json!(0), &json!("f32")));
    // 64 images each 200 ms, and 64 clients that each wait 20 ms.
    let predict = job["predict_images_per_second"]["median"].as_f64().expect("a number");
    assert!((50.0..1000.0).contains(&predict), "{job}");
    let served = job["serve_images_per_second"]["median"].as_f64().expect("a number");
    let ratio = job["serve_to_predict"].as_f64().expect("a number");
    assert!(served > 200.0 && (ratio - served / predict).abs() < 1e-9, "{job}");
    let round = &job["rounds"][0]["serve"];
    assert!(round["latency_seconds"]["median"].as_f64() >= Some(0.02), "{round}");
    assert_eq!(round["refused"], 0);
    let short = &job["short_queue"]["serve"];
    assert!(short["refused"].as_u64() > Some(10) && short["answered"].as_u64() > Some(10), "{short}");
    assert_eq!(short["lost"], 0);
    let troublesome = &job["troublesome_clients"];
    assert_eq!((&troublesome["hung_up"], &troublesome["lost_after"]), (&json!(1000), &json!(0)));
    if cfg!(target_os = "linux") {
        let files = |when: &str| troublesome["used"][when]["files"].as_u64().expect("a number");
        assert!(files("after") < files("before") + 100, "{troublesome}");
    }
}

#[test]
fn answers_that_never_come_are_counted() {
    let world = World::new();
    let said = world.xtask(&BENCH, "answer");
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let result: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert!(result["jobs"][0]["lost"].as_u64() > Some(60), "{result}");
}

#[test]
fn a_server_that_ends_badly_or_does_not_start_is_an_error() {
    let world = World::new();
    let said = world.xtask(&BENCH, "end");
    assert!(said.code == Some(1) && said.stdout.is_empty(), "{}", said.stdout);
    assert!(said.stderr.contains("told to stop, failed (exit status: 1)"), "{}", said.stderr);
    let said = world.xtask(&BENCH, "serve");
    said.assert_error("does not say where it listens", "its own words are above");
}
