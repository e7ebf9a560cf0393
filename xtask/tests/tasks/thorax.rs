//! Stand-in for `thorax`: logs its arguments, and leaves the files that the real one leaves.

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
        "predict" => predict(&arguments),
        "serve" => serve(value("--queue").map_or(usize::MAX, |queue| queue.parse().unwrap())),
        other => panic!("unknown: {other}"),
    }
}

/// Makes a data set with its hidden mark, which is no class.
fn images(folder: &Path, count: usize) {
    std::fs::create_dir_all(folder.join("A")).unwrap();
    std::fs::write(folder.join(".thorax-output"), "made by data sample").unwrap();
    for i in 0..count {
        std::fs::write(folder.join(format!("A/synthetic-{i}.png")), vec![0; i + 1]).unwrap();
    }
}

/// Prints a line for each of 64 images of each folder named, 200 ms a folder.
fn predict(arguments: &[String]) {
    let folders = arguments.iter().filter(|argument| argument.ends_with("Phantoms")).count();
    std::thread::sleep(std::time::Duration::from_millis(200 * folders as u64));
    print!("{}", "row\n".repeat(1 + 64 * folders));
}

unsafe extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
}

extern "C" fn stop(_: i32) {
    std::process::exit(if std::env::var("FAILS").is_ok_and(|command| command == "end") { 1 } else { 0 });
}

/// Answers every request, but only every other one if the queue is short; one that fails to `answer` closes at every
/// fourth.
fn serve(queue: usize) {
    // SAFETY: the handler does nothing but end the process.
    unsafe { signal(15, stop) };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    println!("listening on http://{}", listener.local_addr().unwrap());
    for stream in listener.incoming() {
        let stream = stream.unwrap();
        std::thread::spawn(move || answer(stream, queue));
    }
}

fn answer(stream: std::net::TcpStream, queue: usize) -> Option<()> {
    use std::io::{BufRead, Read, Write};
    let mut reader = std::io::BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    let fails = std::env::var("FAILS").is_ok_and(|command| command == "answer");
    for turn in 0.. {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).ok()?;
        if fails && turn % 4 == 3 {
            return None;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        let status = if queue < 64 && turn % 2 == 1 { 429 } else { 200 };
        write!(writer, "HTTP/1.1 {status} x\r\ncontent-length: 2\r\n\r\n{{}}").ok()?;
    }
    None
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
