//! Clients that are slow, that close early, or that are too many.

use std::{
    io::Write as _,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use data::{Decoding, Formats};
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

/// Sends a byte every tenth of a second until the server closes the connection.
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
    // A client that sends nothing at all, or nothing more, is disconnected without an answer.
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
        // At any point: before the first byte, in the head, in the body, and while the answer is made.
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

/// Makes a picture of 2²⁸ equal pixels, which takes some tenths of a second to decode and few bytes to send.
fn huge_png() -> Vec<u8> {
    const SIDE: u32 = 1 << 14;
    let mut bytes = Vec::new();
    {
        let mut encoder = png::Encoder::new(&mut bytes, SIDE, SIDE);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().unwrap();
        let mut rows = writer.stream_writer().unwrap();
        (0..SIDE).for_each(|_| rows.write_all(&[0; SIDE as usize]).unwrap());
        rows.finish().unwrap();
    }
    bytes
}

#[test]
fn waiting_for_a_decoder_counts_and_what_is_late_is_not_decoded() {
    let mut limits = config().limits;
    (limits.upload, limits.uploads, limits.decoders) = (8 << 20, 64 << 20, 1);
    limits.answer_time = Duration::from_millis(100);
    let decoding = Decoding { max_pixels: 1 << 28, ..Decoding::new(Formats::All) };
    let world = World::reading(Config { limits, ..config() }, decoding);
    let (address, huge) = (world.address, huge_png());
    let start = Instant::now();
    let answers: Vec<(Answer, Duration)> = thread::scope(|scope| {
        let post = || (post(address, "/v1/predict?view=true", "image/png", &huge), start.elapsed());
        let clients: Vec<_> = (0..12).map(|_| scope.spawn(post)).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    for (answer, time) in &answers {
        answer.refused(503, "late", "no answer within 0 s");
        assert!(*time < Duration::from_secs(5), "{time:?}");
    }
    assert!(get(address, "/metrics").body.contains("thorax_waiting_images 0\n"));
    let decoded = || {
        let metrics = get(address, "/metrics").body;
        let decoded = metrics.lines().find_map(|line| line.strip_prefix("thorax_decoded_images_total "));
        decoded.unwrap().parse::<u64>().unwrap()
    };
    // Only the one that had begun is decoded. It ends some time after its client was told that it is late; another one of the
    // twelve, which would have begun then, would be done after as long again.
    while decoded() == 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "no image was decoded");
        thread::sleep(Duration::from_millis(50));
    }
    thread::sleep(2 * start.elapsed() + Duration::from_secs(1));
    // A second one may have begun where its client came late.
    let count = decoded();
    assert!(count <= 2, "{count}");
    // On a busy machine this one may be late, too.
    let ordinary = || post(address, "/v1/predict", "image/png", &png(30, 1)).status;
    assert!((0..50).any(|_| ordinary() == 200));
}

#[test]
fn an_image_that_needs_more_memory_than_there_is_gets_413_and_one_that_does_now_503() {
    let (huge, decoding) = (huge_png(), Decoding { max_pixels: 1 << 28, ..Decoding::new(Formats::All) });
    let limits = Limits { upload: 8 << 20, uploads: 64 << 20, ..config().limits };
    let with =
        |free_memory| World::reading(Config { free_memory, limits: limits.clone(), ..config() }, decoding);
    let view = |world: &World| post(world.address, "/v1/predict?view=true", "image/png", &huge);
    let world = with(|| 1 << 30);
    view(&world).refused(413, "image_too_large", "and this server has 403 MB for that");
    // Decoded by rows it needs less.
    assert_eq!(post(world.address, "/v1/predict", "image/png", &huge).status, 200);
    static FREE: AtomicU64 = AtomicU64::new(8 << 30);
    let world = with(|| FREE.load(Ordering::Relaxed));
    FREE.store(1 << 20, Ordering::Relaxed);
    let answer = view(&world);
    assert!(answer.refused(503, "busy", "not free now").head.contains("retry-after: 1"), "{answer:?}");
    assert_eq!(post(world.address, "/v1/predict", "image/png", &png(30, 1)).status, 200);
}

#[test]
fn a_client_that_sends_no_more_gets_its_answer() {
    let world = World::new();
    let (address, image) = (world.address, png(30, 1));
    let send = |path: &str, sent: &[u8]| {
        let mut stream = connect(address);
        let length = image.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), sent].concat()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        Answer::of(&rest(&mut stream))
    };
    for path in ["/v1/predict", "/v1/explain"] {
        assert!(send(path, &image).json()["predicted"].is_string());
    }
    send("/v1/predict", &image[..20]).refused(400, "body_cut_off", "ends too early");
}

#[test]
fn idle_connections_make_room_for_others() {
    let world = limited(|limits| {
        limits.connections = 8;
        limits.head_time = Duration::from_secs(60);
    });
    let _idle: Vec<_> = (0..24).map(|_| connect(world.address)).collect();
    thread::sleep(Duration::from_millis(1200));
    let start = Instant::now();
    for _ in 0..3 {
        assert_eq!(get(world.address, "/healthz").status, 200);
    }
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

#[test]
fn an_upload_that_stands_still_makes_room_for_others_and_one_that_goes_on_does_not() {
    let world = limited(|limits| {
        (limits.connections, limits.body_time) = (2, Duration::from_secs(60));
        limits.stall_time = Duration::from_secs(2);
    });
    let (address, image) = (world.address, png(30, 1));
    let start = || {
        let mut stream = connect(address);
        let length = image.len();
        let head =
            format!("POST /v1/predict HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let (mut silent, mut slow) = (start(), start());
    let other = thread::spawn(move || get(address, "/healthz").status);
    for piece in image.chunks(image.len().div_ceil(10)) {
        thread::sleep(Duration::from_millis(400));
        slow.write_all(piece).unwrap();
    }
    slow.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(Answer::of(&rest(&mut slow)).status, 200);
    assert_eq!(other.join().unwrap(), 200);
    Answer::of(&rest(&mut silent)).refused(408, "slow_body", "nothing of the body came for 2 s");
}

#[test]
fn the_end_waits_for_requests_that_go_on_and_not_for_silent_ones() {
    let mut world = limited(|limits| {
        let long = Duration::from_secs(60);
        (limits.drain_time, limits.body_time, limits.head_time) = (long, long, long);
        limits.stall_time = Duration::from_secs(2);
    });
    let (address, image) = (world.address, png(30, 1));
    let head =
        format!("POST /v1/predict HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n", image.len());
    let send = |bytes: &[u8]| {
        let mut stream = connect(address);
        stream.write_all(bytes).unwrap();
        stream
    };
    let mut half_head = send(&head.as_bytes()[..40]);
    let mut silent = send(&[head.as_bytes(), &image[..20]].concat());
    let mut slow = send(head.as_bytes());
    thread::sleep(Duration::from_millis(200));
    let begin = Instant::now();
    world.ask_to_stop();
    for piece in image.chunks(image.len().div_ceil(10)) {
        thread::sleep(Duration::from_millis(400));
        slow.write_all(piece).unwrap();
    }
    assert_eq!(Answer::of(&rest(&mut slow)).status, 200);
    world.ended();
    assert!(begin.elapsed() < Duration::from_secs(12), "{:?}", begin.elapsed());
    Answer::of(&rest(&mut silent)).refused(408, "slow_body", "nothing of the body came for 2 s");
    Answer::of(&rest(&mut half_head)).refused(408, "slow_head", "");
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
