//! Stands in for `thorax`: notes its arguments, and leaves the files that the real one leaves.

use std::path::{Path, PathBuf};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let note = format!("thorax {}\n", arguments.join(" "));
    let log = PathBuf::from(std::env::var_os("WORLD").unwrap()).join("log");
    let mut log = std::fs::File::options().create(true).append(true).open(log).unwrap();
    std::io::Write::write_all(&mut log, note.as_bytes()).unwrap();
    if std::env::var("FAILS").is_ok_and(|command| command == arguments[0]) {
        eprintln!("error: told to fail");
        std::process::exit(1);
    }
    let value = |flag: &str| Some(arguments[arguments.iter().position(|argument| argument == flag)? + 1].clone());
    match arguments[0].as_str() {
        "data" => {
            let out = value("--out").unwrap();
            let count = value("--count").map_or(3, |count| count.parse().unwrap());
            images(Path::new(&out), count);
            if value("--test-per-class").is_none_or(|count| count != "0") {
                images(Path::new(&format!("{out} Test")), 3);
            }
        }
        "train" => {
            let out = value("--out").unwrap_or_else(|| "data/runs/fake".into());
            let epochs = value("--epochs").map_or(7, |epochs| epochs.parse().unwrap());
            run(Path::new(&out), epochs);
            std::fs::create_dir_all("data/runs").unwrap();
            std::fs::write("data/runs/latest", format!("{out}\n")).unwrap();
            println!("trained");
        }
        "test" => println!("tested"),
        other => panic!("unknown: {other}"),
    }
}

fn images(folder: &Path, count: usize) {
    std::fs::create_dir_all(folder.join("A")).unwrap();
    for i in 0..count {
        std::fs::write(folder.join(format!("A/synthetic-{i}.png")), vec![0; i + 1]).unwrap();
    }
}

fn run(out: &Path, epochs: usize) {
    std::fs::create_dir_all(out).unwrap();
    let record = format!(
        r#"{{"status": "completed", "epochs_run": {epochs}, "threads": 2, "settings": {{"precision": "f32"}},
            "counts": {{"training": [8], "validation": [2]}}, "versions": {{"thorax": "0.0.1"}},
            "seconds": {{"decode": 0.5, "fit": 1.0, "total": 2.0}}}}"#
    );
    std::fs::write(out.join("run.json"), record).unwrap();
    let rows: String = (1..=epochs).map(|epoch| format!("{epoch},0.5\n")).collect();
    std::fs::write(out.join("history.csv"), format!("epoch,seconds\n{rows}")).unwrap();
    let test = r#"{"saved": {"accuracy": 0.75}, "final": {"accuracy": 0.5}}"#;
    std::fs::write(out.join("test.json"), test).unwrap();
}
