//! Stand-in for `thorax` in a package: answers the start-up test, with a fault from `FAULT` on.

use std::io::{Read, Write};
use std::path::Path;

unsafe extern "C" {
    fn core_of_libtorch() -> i32;
    fn libtorch() -> i32;
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn _exit(code: i32) -> !;
}

/// Fault that a test puts in place of this text to break something.
const FAULT: &str = "none";
const PROBABILITIES: &str = r#""probabilities": {"NORMAL": 0.75, "COVID-19": 0.25}"#;

extern "C" fn end(_: i32) {
    unsafe { _exit(0) }
}

fn main() {
    // They have to be loaded for the program to start at all.
    assert_eq!(unsafe { (core_of_libtorch(), libtorch()) }, (28, 2));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments[0] == FAULT {
        eprintln!("error: told to fail");
        std::process::exit(1);
    }
    match arguments[0].as_str() {
        "--version" => println!("thorax 0.0.1"),
        "completions" => println!("completions for {}", arguments[1]),
        "man" => {
            std::fs::create_dir_all(&arguments[2]).unwrap();
            std::fs::write(Path::new(&arguments[2]).join("thorax.1"), ".TH thorax 1\n").unwrap();
        }
        "data" => {
            std::fs::create_dir_all("sample Test/NORMAL").unwrap();
            std::fs::write("sample Test/NORMAL/0.png", "pixels").unwrap();
        }
        "train" => {
            // No variable is left that could find a compiler or an interpreter.
            assert_eq!(std::env::vars().map(|(name, _)| name).collect::<Vec<_>>().len(), 2);
            println!(r#"{{"saved": {{"images": 6}}}}"#);
        }
        "predict" => println!(r#"{{"predicted": "NORMAL", {PROBABILITIES}}}"#),
        "serve" => serve(),
        other => panic!("unknown: {other}"),
    }
}

fn serve() {
    unsafe { signal(15, end) };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    println!("listening on http://{}", listener.local_addr().unwrap());
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        // The head of a POST may arrive alone: the image is sent last.
        let is_whole = |request: &[u8]| match request.starts_with(b"POST ") {
            true => request.ends_with(b"pixels"),
            false => request.ends_with(b"\r\n\r\n"),
        };
        while !is_whole(&request) {
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0, "the client went before its request was whole");
            request.extend(&buffer[..read]);
        }
        let body = match request.starts_with(b"GET /healthz ") {
            true => r#"{"status": "ok"}"#.to_owned(),
            false if FAULT == "answer" => format!("{{{}}}", PROBABILITIES.replace("0.75", "0.7")),
            false => format!("{{{PROBABILITIES}}}"),
        };
        let length = body.len();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
            .unwrap();
    }
}
