//! Test server: a file over HTTP from a thread of this process, with the faults that real servers and networks have.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Behaviour of the server for the next requests.
#[derive(Clone, Copy)]
pub(crate) enum Behaviour {
    /// Sends what is asked for, also a part of the file.
    Serve,
    /// Sends the whole file for every range.
    ServeWhole,
    /// Announces everything, sends this many bytes and closes the connection.
    CutAfter(usize),
    /// Announces nothing, sends this many bytes and closes the connection.
    EndAfter(usize),
    /// Sends this many bytes, and the rest only once it is released.
    StallAfter(usize),
    /// Answers a part of the file with another part.
    WrongPart,
    /// Has no such file.
    NotFound,
    /// Answers like the login page of a network: status 200 and HTML.
    Page,
}

struct State {
    behaviour: Behaviour,
    /// Value of the `Range` header of every request so far.
    ranges: Vec<Option<String>>,
    released: bool,
}

/// Running server; it stops with the test's process.
pub(crate) struct Server {
    pub(crate) url: String,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Server {
    /// Serves these bytes under any path.
    pub(crate) fn start(bytes: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let state = State { behaviour: Behaviour::Serve, ranges: Vec::new(), released: false };
        let shared = Arc::new((Mutex::new(state), Condvar::new()));
        let bytes: Arc<[u8]> = bytes.into();
        let of_thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (bytes, shared) = (Arc::clone(&bytes), Arc::clone(&of_thread));
                std::thread::spawn(move || {
                    // A client that was killed or has read enough closes first.
                    let _ = answer(&stream, &bytes, &shared);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        Self { url: format!("http://{address}/libtorch-1.2.3%2Bcpu.zip"), shared }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().expect("no thread panicked")
    }

    pub(crate) fn set(&self, behaviour: Behaviour) {
        self.state().behaviour = behaviour;
    }

    /// Lets stalled answers continue.
    pub(crate) fn release(&self) {
        self.state().released = true;
        self.shared.1.notify_all();
    }

    /// Returns the `Range` headers of all requests, in order.
    pub(crate) fn ranges(&self) -> Vec<Option<String>> {
        self.state().ranges.clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.state().ranges.len()
    }
}

fn answer(mut stream: &TcpStream, bytes: &[u8], shared: &(Mutex<State>, Condvar)) -> std::io::Result<()> {
    let mut range = None;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("range")
        {
            range = Some(value.trim().to_owned());
        }
    }
    let behaviour = {
        let mut state = shared.0.lock().expect("no thread panicked");
        state.ranges.push(range.clone());
        state.behaviour
    };
    let asked =
        range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let kind = "Content-Type: application/zip\r\nConnection: close";
    let (status, start) = match (behaviour, asked) {
        (Behaviour::NotFound, _) => {
            return stream
                .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        (Behaviour::Page, _) => {
            let page = "<html>please log in</html>";
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close";
            return write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{page}", page.len());
        }
        (Behaviour::WrongPart, Some(start)) => {
            let (last, all) = (bytes.len() - 1, bytes.len());
            let range = format!("Content-Range: bytes {}-{last}/{all}", start + 1);
            write!(stream, "HTTP/1.1 206 Partial Content\r\n{kind}\r\n{range}\r\n")?;
            write!(stream, "Content-Length: {}\r\n\r\n", all - start - 1)?;
            return stream.write_all(&bytes[start + 1..]);
        }
        (Behaviour::EndAfter(count), _) => {
            write!(stream, "HTTP/1.1 200 OK\r\n{kind}\r\n\r\n")?;
            return stream.write_all(&bytes[..count]);
        }
        (Behaviour::Serve, Some(start)) if start >= bytes.len() => {
            let status = "HTTP/1.1 416 Range Not Satisfiable";
            return write!(stream, "{status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        (Behaviour::ServeWhole, _) | (_, None) => ("200 OK".to_owned(), 0),
        (_, Some(start)) => {
            let range = format!("Content-Range: bytes {start}-{}/{}", bytes.len() - 1, bytes.len());
            (format!("206 Partial Content\r\n{range}"), start)
        }
    };
    let body = &bytes[start..];
    write!(stream, "HTTP/1.1 {status}\r\n{kind}\r\nContent-Length: {}\r\n\r\n", body.len())?;
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
