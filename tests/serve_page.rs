//! Test of the page of `serve` in headless Chromium; the checks are in `serve_page.cjs`.

use std::{fs, process::Command};

use crate::{serve::Served, world::World};

/// Checks the page; needs Chromium, node, and a variable `NODE_PATH` that names a folder with puppeteer-core and axe-core.
#[test]
#[expect(clippy::print_stderr, reason = "the only way for a test to say that it was skipped")]
fn the_page_is_for_everyone_and_asks_nobody_else() {
    if std::env::var_os("NODE_PATH").is_none() {
        eprintln!("skipped: NODE_PATH does not say where puppeteer-core and axe-core are");
        return;
    }
    let world = World::new();
    world.thorax(&["data", "sample", "--count", "120", "--test-per-class", "1", "--out", "sample"]).ok();
    world.thorax(&["train", "--data", "sample", "--epochs", "3", "--no-report", "--out", "run"]).ok();
    let token = "0123456789abcdef-secret";
    fs::write(world.path("token"), token).unwrap();
    let servers = [&[][..], &["--token-file", "token"]].map(|flags| Served::start(&world, flags));
    let urls = servers.each_ref().map(|server| format!("http://{}/", server.address));
    let image = fs::read_dir(world.path("sample Test/NORMAL")).unwrap().next().unwrap().unwrap().path();
    let output = Command::new("node")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/serve_page.cjs"))
        .args([&urls[0], image.to_str().unwrap(), world.path("pictures").to_str().unwrap(), &urls[1], token])
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => return eprintln!("skipped: node cannot be run: {error}"),
    };
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    if stdout.starts_with("skipped: ") {
        return eprintln!("{}", stdout.trim_end());
    }
    assert!(stdout.contains("none elsewhere"), "{stdout}");
    assert_eq!(fs::read_dir(world.path("pictures")).unwrap().count(), 5);
}
