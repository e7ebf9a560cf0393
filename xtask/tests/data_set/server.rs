//! Test host: Kaggle, which redirects, or the storage host behind it, with the faults that real ones have.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Behaviour of the host for the next requests.
#[derive(Clone)]
pub(crate) enum Behaviour {
    /// Sends what is asked for; the rest of a file only if `If-Range` names the file's ETag.
    Serve,
    /// Sends the whole file for every range.
    ServeWhole,
    /// Sends the part that is asked for, whatever the ETag.
    IgnoreMark,
    /// Announces everything, sends this many bytes and closes the connection.
    CutAfter(usize),
    /// Sends this many bytes, and the rest only once it is released.
    StallAfter(usize),
    /// Announces no length: the end of the connection is the end of the file.
    NoLength,
    /// Answers a part of the file with another part.
    WrongPart,
    /// Announces this many bytes.
    Announce(u64),
    /// Sends the client to another address.
    Redirect(String),
    /// Answers with this status, and this header besides.
    Status(u16, &'static str),
    /// Answers like a login page: status 200 and HTML.
    Page,
}

/// File behind the address.
#[derive(Clone, Default)]
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    pub(crate) etag: Option<&'static str>,
    /// Further headers, each a whole line.
    pub(crate) headers: Vec<String>,
}

/// Headers of a request, by lower-case name.
pub(crate) type Headers = BTreeMap<String, String>;

struct State {
    behaviour: Behaviour,
    file: File,
    requests: Vec<Headers>,
    released: bool,
}

/// Running host; it stops with the test's process.
pub(crate) struct Server {
    pub(crate) url: String,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Server {
    /// Serves this file under any path.
    pub(crate) fn start(file: File) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let state = State { behaviour: Behaviour::Serve, file, requests: Vec::new(), released: false };
        let shared = Arc::new((Mutex::new(state), Condvar::new()));
        let of_thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&of_thread);
                std::thread::spawn(move || {
                    // A client that was killed or has read enough closes first.
                    let _ = answer(&stream, &shared);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        Self { url: format!("http://{address}/archive"), shared }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().expect("no thread panicked")
    }

    pub(crate) fn set(&self, behaviour: Behaviour) {
        self.state().behaviour = behaviour;
    }

    pub(crate) fn change(&self, file: File) {
        self.state().file = file;
    }

    /// Lets stalled answers continue.
    pub(crate) fn release(&self) {
        self.state().released = true;
        self.shared.1.notify_all();
    }

    pub(crate) fn requests(&self) -> usize {
        self.state().requests.len()
    }

    /// Returns a header of every request so far.
    pub(crate) fn header(&self, name: &str) -> Vec<Option<String>> {
        self.state().requests.iter().map(|headers| headers.get(name).cloned()).collect()
    }
}

fn answer(mut stream: &TcpStream, shared: &(Mutex<State>, Condvar)) -> std::io::Result<()> {
    let mut headers = Headers::new();
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
    }
    let (behaviour, file) = {
        let mut state = shared.0.lock().expect("no thread panicked");
        state.requests.push(headers.clone());
        (state.behaviour.clone(), state.file.clone())
    };
    let simple = |status: &str, header: &str, body: &str| {
        let mut stream = stream;
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\n{header}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    };
    match &behaviour {
        Behaviour::Redirect(to) => return simple("302 Found", &format!("Location: {to}\r\n"), ""),
        Behaviour::Status(code, header) => return simple(&format!("{code} Refused"), header, ""),
        Behaviour::Page => {
            return simple("200 OK", "Content-Type: text/html\r\n", "<html>please log in</html>");
        }
        _ => {}
    }

    let bytes = &file.bytes;
    let asked =
        headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let same = headers.get("if-range").map(String::as_str) == file.etag;
    let start: usize = match (&behaviour, asked) {
        (Behaviour::ServeWhole, _) | (_, None) => 0,
        (Behaviour::IgnoreMark | Behaviour::WrongPart, Some(start)) => start,
        (_, Some(start)) => {
            if same {
                start
            } else {
                0
            }
        }
    };
    if start >= bytes.len() {
        return simple("416 Range Not Satisfiable", "", "");
    }
    let shift = usize::from(start > 0 && matches!(behaviour, Behaviour::WrongPart));
    let (start, last, all) = (start + shift, bytes.len() - 1, bytes.len());
    let body = &bytes[start..];
    if start > 0 {
        write!(stream, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {start}-{last}/{all}\r\n")?;
    } else {
        write!(stream, "HTTP/1.1 200 OK\r\n")?;
    }
    write!(stream, "Content-Type: application/zip\r\nConnection: close\r\n")?;
    for header in &file.headers {
        write!(stream, "{header}\r\n")?;
    }
    if let Some(etag) = file.etag {
        write!(stream, "ETag: {etag}\r\n")?;
    }
    match behaviour {
        Behaviour::NoLength => write!(stream, "\r\n")?,
        Behaviour::Announce(length) => write!(stream, "Content-Length: {length}\r\n\r\n")?,
        _ => write!(stream, "Content-Length: {}\r\n\r\n", body.len())?,
    }
    match behaviour {
        Behaviour::CutAfter(count) => stream.write_all(&body[..count]),
        Behaviour::StallAfter(count) => {
            stream.write_all(&body[..count])?;
            stream.flush()?;
            let state = shared.0.lock().expect("no thread panicked");
            drop(shared.1.wait_while(state, |state| !state.released).expect("no thread panicked"));
            stream.write_all(&body[count..])
        }
        _ => stream.write_all(body),
    }
}
