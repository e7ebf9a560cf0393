//! Minimal HTTP client: it sends exactly the bytes that a test gives, valid or not.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// Answer with its head.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Reads until the server closes; a connection that is reset counts as closed.
pub(crate) fn rest(stream: &mut TcpStream) -> String {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 1 << 14]);
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Answer {
    #[track_caller]
    pub(crate) fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: `{text}`"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Checks the status, the code, and these words in the message.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str, words: &str) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        let error = &self.json()["error"];
        assert_eq!(error["code"], code, "{self:?}");
        assert!(error["message"].as_str().unwrap().contains(words), "{self:?}");
        self
    }
}

/// Sends a request with a body; `Host`, the length and `Connection: close` are added.
pub(crate) fn request(address: SocketAddr, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut head = format!("{line} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| *name == "Host") {
        head += &format!("Host: {address}\r\n");
    }
    headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
    let mut stream = connect(address);
    // A server that has refused may close before it has read everything.
    let _ = stream.write_all(&[head.as_bytes(), b"\r\n", body].concat());
    Answer::of(&rest(&mut stream))
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, &format!("GET {path}"), &[], b"")
}

pub(crate) fn post(address: SocketAddr, path: &str, kind: &str, body: &[u8]) -> Answer {
    request(address, &format!("POST {path}"), &[("Content-Type", kind)], body)
}

/// Makes a form of these fields.
pub(crate) fn form(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in fields {
        let head =
            format!("--b0\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"x.png\"\r\n\r\n");
        body.extend_from_slice(&[head.as_bytes(), bytes, b"\r\n"].concat());
    }
    body.extend_from_slice(b"--b0--\r\n");
    body
}

pub(crate) const FORM: &str = "multipart/form-data; boundary=b0";
