//! Clients that are slow, that go away, or that are too many.

use std::{
    io::Write as _,
    thread,
    time::{Duration, Instant},
};

use serve::{Config, Limits};

use crate::{
    client::{Answer, connect, get, post, request, rest},
    world::{World, config, png},
};

fn limited(change: impl FnOnce(&mut Limits)) -> World {
    let mut limits = config().limits;
    change(&mut limits);
    World::with(Config { limits, ..config() })
}

/// Sends a byte every tenth of a second until the server has had enough.
fn slowly(world: &World, start: &str, bytes: &[u8]) -> (String, Duration) {
    let (mut stream, begin) = (connect(world.address), Instant::now());
    stream.write_all(start.as_bytes()).unwrap();
    for byte in bytes {
        thread::sleep(Duration::from_millis(100));
        if stream.write_all(&[*byte]).is_err() || begin.elapsed() > Duration::from_secs(2) {
            break;
        }
    }
    (rest(&mut stream), begin.elapsed())
}

#[test]
fn a_slow_body_and_a_slow_head_get_408_and_are_closed() {
    let second = Duration::from_secs(1);
    let world = limited(|limits| (limits.head_time, limits.body_time) = (second, second));
    let head =
        format!("POST /v1/predict HTTP/1.1\r\nHost: {}\r\nContent-Length: 1000\r\n\r\n", world.address);
    let (answer, time) = slowly(&world, &head, &[b'x'; 100]);
    let answer = Answer::of(&answer);
    assert!(
        answer.refused(408, "slow_body", "longer than 1 s").head.contains("connection: close"),
        "{answer:?}"
    );
    assert!(time < 4 * second, "{time:?}");
    let (answer, time) = slowly(&world, "GET / HTTP/1.1\r\n", head.as_bytes());
    Answer::of(&answer).refused(408, "slow_head", "");
    assert!(time < 4 * second, "{time:?}");
    // One that says nothing at all, or nothing more, is let go without a word.
    assert_eq!(rest(&mut connect(world.address)), "");
    let mut idle = connect(world.address);
    idle.write_all(format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", world.address).as_bytes()).unwrap();
    assert_eq!(rest(&mut idle).matches("HTTP/1.1").count(), 1);
}

#[test]
fn a_thousand_that_hang_up_cost_nothing_lasting() {
    let world = limited(|limits| limits.connections = 32);
    let image = png(30, 2);
    let head = format!(
        "POST /v1/predict HTTP/1.1\r\nHost: {}\r\nContent-Type: image/png\r\nContent-Length: {}\r\n\r\n",
        world.address,
        image.len()
    );
    let whole = [head.as_bytes(), &image].concat();
    for i in 0..1000 {
        let mut stream = connect(world.address);
        // Anywhere: before a word, in the head, in the body, and while the answer is made.
        stream.write_all(&whole[..whole.len() * (i % 5) / 4]).unwrap();
    }
    let answer = post(world.address, "/v1/predict", "image/png", &image);
    assert_eq!(answer.status, 200, "{answer:?}");
    let end = Instant::now() + Duration::from_secs(10);
    while !get(world.address, "/metrics").body.contains("thorax_waiting_images 0\n") {
        assert!(Instant::now() < end, "places were lost");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_full_queue_answers_429_and_loses_nothing() {
    let world = limited(|limits| {
        limits.queue = 2;
        limits.batch_wait = Duration::from_millis(300);
    });
    let address = world.address;
    let clients: Vec<_> = (0..24)
        .map(|seed| thread::spawn(move || post(address, "/v1/predict", "image/png", &png(30, seed))))
        .collect();
    let answers: Vec<Answer> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    let (good, busy): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(good.len() >= 2 && !busy.is_empty(), "{} of 24", good.len());
    for answer in busy {
        assert!(answer.refused(429, "busy", "try again").head.contains("retry-after: 1"), "{answer:?}");
    }
    assert_eq!(post(address, "/v1/predict", "image/png", &png(30, 1)).status, 200);
}

#[test]
fn an_answer_that_comes_too_late_is_503() {
    let world = limited(|limits| {
        limits.batch_wait = Duration::from_secs(2);
        limits.answer_time = Duration::from_millis(200);
    });
    post(world.address, "/v1/predict", "image/png", &png(30, 1)).refused(503, "late", "no answer within");
}

#[test]
fn what_is_at_hand_is_answered_before_the_end() {
    let mut world = limited(|limits| limits.batch_wait = Duration::from_secs(1));
    let address = world.address;
    let mut idle = connect(address);
    let client = thread::spawn(move || post(address, "/v1/predict", "image/png", &png(30, 1)));
    while !get(address, "/metrics").body.contains("thorax_waiting_images 1\n") {
        thread::sleep(Duration::from_millis(10));
    }
    world.ask_to_stop();
    assert_eq!(client.join().unwrap().status, 200);
    world.ended();
    assert_eq!(rest(&mut idle), "");
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn one_that_is_never_done_is_cut_when_the_time_to_drain_is_over() {
    let mut world = limited(|limits| limits.drain_time = Duration::from_millis(500));
    let mut stream = connect(world.address);
    let head = format!("POST /v1/predict HTTP/1.1\r\nHost: {}\r\nContent-Length: 10\r\n\r\n", world.address);
    stream.write_all(head.as_bytes()).unwrap();
    thread::sleep(Duration::from_millis(200));
    let start = Instant::now();
    world.ask_to_stop();
    world.ended();
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[test]
fn heads_that_are_no_http_end_the_connection_alone() {
    let world = World::new();
    for text in
        ["\0\0\0\0", "GET\r\n\r\n", "POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"]
    {
        let mut stream = connect(world.address);
        stream.write_all(text.as_bytes()).unwrap();
        let answer = rest(&mut stream);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{text:?}: {answer}");
    }
    let long = "x".repeat(1 << 17);
    assert!([414, 431].contains(&request(world.address, "GET /", &[("X-Long", &long)], b"").status));
    assert_eq!(get(world.address, "/healthz").status, 200);
}
