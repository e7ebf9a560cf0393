//! Clients of `thorax serve`: a thread each, with as little work as possible, since it takes cores from the server.

use crate::bench::job::Files;
use crate::bench::statistics::median;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Timeout that is longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(130);
/// Waiting time of a client after a refusal.
const REFUSED: Duration = Duration::from_millis(100);

/// Bytes of the image files.
pub(super) struct Images(Vec<Vec<u8>>);

impl Images {
    /// Reads the images in the subfolders of a data set.
    pub(super) fn below(folder: &Path) -> Result<Self> {
        let read = |path: &PathBuf| {
            std::fs::read(path).with_context(|| format!("cannot read the image `{}`", path.display()))
        };
        let images = Files::below(folder)?.paths.iter().map(read).collect::<Result<Vec<_>>>()?;
        anyhow::ensure!(!images.is_empty(), "there is no image in `{}`", folder.display());
        Ok(Self(images))
    }

    /// Makes the complete request for one of them.
    fn request(&self, address: SocketAddr, at: usize) -> Vec<u8> {
        let image = &self.0[at % self.0.len()];
        let head = format!(
            "POST /v1/predict HTTP/1.1\r\nHost: {address}\r\nContent-Type: image/png\r\nContent-Length: {}\r\n\r\n",
            image.len()
        );
        [head.as_bytes(), image].concat()
    }
}

/// Counts of requests by their outcome.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) answered: u64,
    pub(super) refused: u64,
    /// Requests without an answer, or with any other status.
    pub(super) lost: u64,
    seconds: f64,
    /// Seconds from a request's first byte to its answer's last.
    latencies: Vec<f64>,
}

impl Tally {
    /// Computes the answered images a second.
    pub(super) fn rate(&self) -> f64 {
        self.answered as f64 / self.seconds
    }

    pub(super) fn describe(&self) -> Value {
        let mut sorted = self.latencies.clone();
        sorted.sort_by(f64::total_cmp);
        json!({
            "images_per_second": self.rate(),
            "answered": self.answered,
            "refused": self.refused,
            "lost": self.lost,
            "seconds": self.seconds,
            "latency_seconds": {
                "median": median(sorted.iter().copied()),
                "p99": sorted.get(sorted.len() * 99 / 100),
                "max": sorted.last(),
            },
        })
    }

    fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.refused += other.refused;
        self.lost += other.lost;
        self.latencies.extend(other.latencies);
    }
}

/// Runs so many clients for a time, each of which asks again as soon as it is answered. Each keeps its connection, and gets
/// its last answer; the time measured ends with the last of these.
pub(super) fn load(address: SocketAddr, images: &Images, clients: usize, time: Duration) -> Result<Tally> {
    let start = Instant::now();
    let mut tally = std::thread::scope(|scope| -> Result<Tally> {
        let clients: Vec<_> = (0..clients)
            .map(|client| {
                let body = move || ask(address, images, client, start + time);
                std::thread::Builder::new().stack_size(256 << 10).spawn_scoped(scope, body)
            })
            .collect::<std::io::Result<_>>()
            .context("cannot start the clients' threads")?;
        let mut all = Tally::default();
        for client in clients {
            all.add(client.join().map_err(|_| anyhow::anyhow!("a client's thread failed"))?);
        }
        Ok(all)
    })?;
    tally.seconds = start.elapsed().as_secs_f64();
    Ok(tally)
}

fn ask(address: SocketAddr, images: &Images, client: usize, end: Instant) -> Tally {
    let mut tally = Tally::default();
    let mut connection = None;
    for turn in 0.. {
        let start = Instant::now();
        if start >= end {
            break;
        }
        let request = images.request(address, client + turn);
        match exchange(&mut connection, address, &request) {
            Ok(200) => {
                tally.answered += 1;
                tally.latencies.push(start.elapsed().as_secs_f64());
            }
            Ok(429) => {
                tally.refused += 1;
                std::thread::sleep(REFUSED);
            }
            _ => {
                tally.lost += 1;
                connection = None;
                std::thread::sleep(REFUSED);
            }
        }
    }
    tally
}

/// Sends one request and returns the status of its answer.
fn exchange(
    held: &mut Option<BufReader<TcpStream>>,
    address: SocketAddr,
    request: &[u8],
) -> std::io::Result<u16> {
    let connection = match held {
        Some(connection) => connection,
        None => held.insert(BufReader::new(connect(address)?)),
    };
    connection.get_mut().write_all(request)?;
    answer(connection)
}

fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Reads a complete answer and returns its status.
fn answer(connection: &mut BufReader<TcpStream>) -> std::io::Result<u16> {
    let wrong = |what: &str| std::io::Error::new(ErrorKind::InvalidData, what.to_owned());
    let (mut status, mut length) = (None, None);
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line)? == 0 {
            return Err(wrong("the connection ended"));
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if status.is_none() {
            status = line.split(' ').nth(1).and_then(|number| number.parse().ok());
            continue;
        }
        let field = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        length = length.or(field.and_then(|(_, value)| value.trim().parse::<u64>().ok()));
    }
    let length = length.ok_or_else(|| wrong("no length"))?;
    let read = std::io::copy(&mut connection.take(length), &mut std::io::sink())?;
    if read < length {
        return Err(wrong("an answer was cut off"));
    }
    status.ok_or_else(|| wrong("no status"))
}

/// Runs clients that close early: before the first byte, in the head, in the body, and while the answer is made.
pub(super) fn hang_up(address: SocketAddr, images: &Images, clients: usize) -> Result<()> {
    for client in 0..clients {
        let request = images.request(address, client);
        let mut stream = connect(address).context("the server takes no connection")?;
        // A server that closed first is as good.
        let _ = stream.write_all(&request[..request.len() * (client % 5) / 4]);
    }
    Ok(())
}

/// Time until a server ended the connection of a slow client, with the status that it sent.
pub(super) struct Slow {
    pub(super) seconds: f64,
    pub(super) answer: Option<u16>,
}

/// Runs a client that sends a byte of a head per second, for so long or until the server ends the connection.
pub(super) fn slowly(address: SocketAddr, time: Duration) -> Result<Slow> {
    let mut stream = connect(address).context("the server takes no connection")?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let start = Instant::now();
    let (mut answer, mut ended) = (Vec::new(), false);
    for byte in b"POST /v1/predict HTTP/1.1\r\nX-Slow: ".iter().chain(std::iter::repeat(&b'x')) {
        if ended || start.elapsed() >= time || stream.write_all(&[*byte]).is_err() {
            break;
        }
        // Until the next byte is due, the server's answer is read.
        let due = Instant::now() + Duration::from_secs(1);
        let mut buffer = [0; 512];
        while !ended && Instant::now() < due {
            match stream.read(&mut buffer) {
                Ok(0) => ended = true,
                Ok(count) => answer.extend_from_slice(&buffer[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => ended = true,
            }
        }
    }
    let text = String::from_utf8_lossy(&answer);
    Ok(Slow {
        seconds: start.elapsed().as_secs_f64(),
        answer: text.split(' ').nth(1).and_then(|number| number.parse().ok()),
    })
}
