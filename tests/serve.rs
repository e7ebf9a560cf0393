//! Tests of `serve`: the same answers over HTTP as from `predict` and `explain`, no files left on the disk, and a stop that
//! completes all requests.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    client::{Answer, FORM, connect, form, get, post, request, rest},
    decode::dicom,
    pictures::{colour_scene, gray_png, rgb_png},
    real_data::real_data,
    world::{CLASSES, Done, World},
};

/// Running server, which is killed if a test fails.
pub(crate) struct Served {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

const SERVE: [&str; 5] = ["serve", "--saved", "run", "--listen", "127.0.0.1:0"];

impl Served {
    /// Starts the server on a free port, which its first line names.
    pub(crate) fn start(world: &World, flags: &[&str]) -> Self {
        Self::of(world, world.command(&[&SERVE, flags].concat()), Stdio::piped())
    }

    /// Starts the server with the models that `flags` name.
    pub(crate) fn with_models(world: &World, flags: &[&str]) -> Self {
        Self::of(
            world,
            world.command(&[&["serve", "--listen", "127.0.0.1:0"], flags].concat()),
            Stdio::piped(),
        )
    }

    /// Starts the server within limits of a shell's `ulimit`.
    #[cfg(target_os = "linux")]
    fn limited(world: &World, limits: &str, flags: &[&str]) -> Self {
        let program = world.command(&[&SERVE, flags].concat());
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit {limits}; exec \"$@\""), "sh"]);
        shell.arg(program.get_program()).args(program.get_args());
        shell.current_dir(program.get_current_dir().unwrap());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        Self::of(world, shell, Stdio::piped())
    }

    fn of(world: &World, mut command: Command, stderr: Stdio) -> Self {
        fs::create_dir_all(world.path("tmp")).unwrap();
        let mut child = command
            .env("TMPDIR", world.path("tmp"))
            .env_remove("OMP_WAIT_POLICY")
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on http://").map(str::parse);
        let address = address.unwrap_or_else(|| panic!("`{line}`")).unwrap();
        Self { child, stdout, address }
    }

    pub(crate) fn predict(&self, image: &[u8]) -> Answer {
        post(self.address, "/v1/predict", "application/octet-stream", image)
    }

    pub(crate) fn card(&self) -> Value {
        get(self.address, "/v1/model").json()
    }

    /// Returns the count of bytes that the server has written to disks.
    fn written(&self) -> String {
        let io = fs::read_to_string(format!("/proc/{}/io", self.child.id())).unwrap_or_default();
        io.lines().find(|line| line.starts_with("write_bytes")).unwrap_or_default().to_owned()
    }

    /// Stops the server with TERM, like a service manager.
    fn term(mut self) -> Done {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).unwrap();
        if let Some(mut piped) = self.child.stderr.take() {
            piped.read_to_string(&mut stderr).unwrap();
        }
        Done { code: self.child.wait().unwrap().code(), stdout, stderr }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // The process has usually ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Checks that each file has the probabilities and warnings of `predict`, or its error; returns the number of errors.
fn agrees_with_predict(world: &World, server: &Served, files: &[String]) -> usize {
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let done = world.thorax(&[&["predict", "--saved", "run", "--json"], &files[..]].concat());
    let rows: Vec<Value> = done.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), files.len(), "{}", done.stderr);
    let ask = |file: &&str| server.predict(&fs::read(world.path(file)).unwrap());
    // Several requests run at a time, so that they share batches.
    let answers: Vec<Answer> = thread::scope(|scope| {
        let parts: Vec<_> = files
            .chunks(files.len().div_ceil(6))
            .map(|part| scope.spawn(move || part.iter().map(ask).collect::<Vec<_>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    for (answer, row) in answers.iter().zip(&rows) {
        if let Some(error) = row["error"].as_str() {
            let said = answer.json()["error"]["message"].clone();
            assert!([400, 413, 415, 422].contains(&answer.status), "{row}: {answer:?}");
            assert_eq!(said, format!("the file {error}"), "{row}");
            continue;
        }
        assert_eq!(answer.status, 200, "{row}: {answer:?}");
        let found = answer.json();
        let probability = |of: &Value, class: &str| of["probabilities"][class].as_f64().unwrap();
        for class in CLASSES {
            let (found, expected) = (probability(&found, class), probability(row, class));
            assert!((found - expected).abs() <= 1e-4, "{row}: {class} {found}");
        }
        // The order of two nearly equal probabilities may differ.
        let least = CLASSES.map(|class| probability(row, class)).into_iter().fold(0.0, f64::max) - 1e-4;
        assert!(probability(row, found["predicted"].as_str().unwrap()) >= least, "{row}: {found}");
    }
    rows.iter().filter(|row| !row["error"].is_null()).count()
}

/// Makes a trained run, and files of all kinds beside it.
fn world() -> (World, Vec<String>) {
    let world = World::new();
    world.trained();
    fs::create_dir(world.path("mixed")).unwrap();
    let cut = gray_png(24, 90);
    let mixed = [
        ("chest.dcm", dicom()),
        ("colour.png", rgb_png(40, [200, 30, 30])),
        ("cut.png", cut[..cut.len() / 2].to_vec()),
        ("scene.png", colour_scene(5)),
        ("text.png", b"a text that is no image".to_vec()),
    ];
    let mut files: Vec<String> = mixed
        .iter()
        .map(|(name, bytes)| {
            fs::write(world.path("mixed").join(name), bytes).unwrap();
            format!("mixed/{name}")
        })
        .collect();
    files.extend(
        CLASSES.iter().flat_map(|class| (0..4).map(move |i| format!("xrays Test/{class}/{i:03}.png"))),
    );
    (world, files)
}

#[test]
fn http_says_what_predict_and_explain_say_and_leaves_nothing() {
    let (world, files) = world();
    let server = Served::start(&world, &[]);
    let (before, written) = (world.files(), server.written());
    assert_eq!(agrees_with_predict(&world, &server, &files), 2);

    server.predict(&fs::read(world.path("mixed/text.png")).unwrap()).refused(
        415,
        "not_an_image",
        "is no image",
    );
    server.predict(&fs::read(world.path("mixed/cut.png")).unwrap()).refused(
        422,
        "image_cut_off",
        "is cut off",
    );
    server.predict(b"").refused(400, "no_image", "there is no image");
    let red = server.predict(&fs::read(world.path("mixed/colour.png")).unwrap()).json();
    assert!(red["warnings"][0].as_str().unwrap().contains("has colour in 100 % of its pixels"), "{red}");

    let image = fs::read(world.path("xrays Test/NORMAL/002.png")).unwrap();
    let body = form(&[("image", &image)]);
    let answer = post(server.address, "/v1/explain?class=COVID-19&view=true", FORM, &body).json();
    assert_eq!((&answer["image"]["width"], &answer["image"]["height"]), (&24.into(), &24.into()));
    assert!(world.files() == before, "a request left something");
    assert_eq!(server.written(), written);

    let flags = ["explain", "xrays Test/NORMAL/002.png", "--saved", "run", "--class", "COVID-19", "--json"];
    let row = world.thorax(&flags).json();
    let map = &answer["explanation"];
    assert_eq!(
        (&map["class"], &map["method"], &map["empty"]),
        (&row["class"], &row["method"], &row["empty"])
    );
    for key in ["probability", "central_share"] {
        let near = match (map[key].as_f64(), row[key].as_f64()) {
            (Some(found), Some(expected)) => (found - expected).abs() < 1e-3,
            (found, expected) => found == expected,
        };
        assert!(near, "{key} of {map}: {row}");
    }

    // Threads that spin while they wait would take the cores from those that read requests.
    let variables = fs::read(format!("/proc/{}/environ", server.child.id())).unwrap_or_default();
    let policy = b"GOMP_SPINCOUNT=10000";
    assert!(
        !cfg!(target_os = "linux") || variables.split(|&byte| byte == 0).any(|variable| variable == policy)
    );

    let card = get(server.address, "/v1/model").json();
    assert_eq!((&card["name"], &card["kind"]), (&"run".into(), &"convnet".into()));
    assert_eq!(card["tested"]["images"], 12);
    let done = server.term();
    assert_eq!(
        (done.ok().stdout.as_str(), done.stderr.lines().last()),
        ("", Some("stopped")),
        "{}",
        done.stderr
    );
}

#[test]
fn what_is_at_hand_when_it_is_told_to_stop_is_answered() {
    let (world, files) = world();
    let server = Served::start(&world, &["--quiet"]);
    let (address, image) = (server.address, fs::read(world.path(&files[6])).unwrap());
    // The server has read their heads, and waits for their bodies.
    let clients: Vec<TcpStream> = (0..12)
        .map(|i| {
            let path = ["/v1/predict", "/v1/explain"][i % 2];
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
                image.len()
            );
            let mut stream = connect(address);
            stream.write_all(head.as_bytes()).unwrap();
            let mut go_on = [0; 25];
            stream.read_exact(&mut go_on).unwrap();
            assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
            stream
        })
        .collect();
    let stopping = thread::spawn(|| server.term());
    while TcpStream::connect(address).is_ok() {
        thread::sleep(Duration::from_millis(5));
    }
    for mut stream in clients {
        stream.write_all(&image).unwrap();
        let answer = Answer::of(&rest(&mut stream));
        assert!(answer.status == 200 && answer.json()["predicted"].is_string(), "{answer:?}");
    }
    let done = stopping.join().unwrap();
    assert_eq!(done.ok().stdout, "");
}

/// Makes a square of equal pixels: slow to decode, and few bytes to send.
fn plain_png(side: u32, color: png::ColorType, depth: png::BitDepth) -> Vec<u8> {
    let mut bytes = Vec::new();
    {
        let mut encoder = png::Encoder::new(&mut bytes, side, side);
        encoder.set_color(color);
        encoder.set_depth(depth);
        let mut writer = encoder.write_header().unwrap();
        let mut rows = writer.stream_writer().unwrap();
        let bytes_of_sample = if depth == png::BitDepth::Sixteen { 2 } else { 1 };
        let row = vec![0; side as usize * color.samples() * bytes_of_sample];
        (0..side).for_each(|_| rows.write_all(&row).unwrap());
        rows.finish().unwrap();
    }
    bytes
}

#[test]
fn a_small_image_does_not_wait_for_large_ones() {
    let (world, files) = world();
    let server = Served::start(&world, &["--threads", "2"]);
    let large = plain_png(1 << 13, png::ColorType::Grayscale, png::BitDepth::Eight);
    let small = fs::read(world.path(&files[6])).unwrap();
    assert_eq!(server.predict(&small).status, 200);
    let (address, answered) = (server.address, AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let mut stream = connect(address);
                stream.set_read_timeout(Some(Duration::from_secs(150))).unwrap();
                let length = large.len();
                let head = format!(
                    "POST /v1/predict?view=true HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
                     Content-Length: {length}\r\n\r\n"
                );
                stream.write_all(&[head.as_bytes(), &large].concat()).unwrap();
                let answer = Answer::of(&rest(&mut stream));
                answered.fetch_add(1, Ordering::SeqCst);
                // On a busy machine some requests are too late.
                assert!([200, 503].contains(&answer.status), "{}", answer.head);
            });
        }
        let waiting = |count: usize| get(address, "/metrics").body.contains(&format!("images {count}\n"));
        while !waiting(6) {
            assert_eq!(answered.load(Ordering::SeqCst), 0, "they are decoded too soon for this test");
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(server.predict(&small).status, 200);
        let before = answered.load(Ordering::SeqCst);
        assert!(before <= 2, "{before} of 6 large images were answered before a small one");
    });
    server.term().ok();
}

#[cfg(target_os = "linux")]
#[test]
fn an_image_larger_than_the_memory_that_the_server_may_take_is_refused_and_nothing_else() {
    let (world, files) = world();
    let server = Served::limited(&world, "-v 3000000", &["--max-pixels", "268435456"]);
    let huge = plain_png(1 << 14, png::ColorType::Rgba, png::BitDepth::Sixteen);
    let small = fs::read(world.path(&files[6])).unwrap();
    for _ in 0..2 {
        let answer = post(server.address, "/v1/predict?view=true", "application/octet-stream", &huge);
        let code = answer.json()["error"]["code"].clone();
        let never = (answer.status, code == "image_too_large") == (413, true);
        assert!(never || (answer.status, code == "busy") == (503, true), "{answer:?}");
        assert!(answer.body.contains("MB of memory to be decoded"), "{answer:?}");
        assert_eq!(server.predict(&small).status, 200);
    }
    server.term().ok();
}

#[test]
fn a_client_that_sends_no_more_gets_its_answer() {
    let (world, files) = world();
    let server = Served::start(&world, &[]);
    let (address, image) = (server.address, fs::read(world.path(&files[6])).unwrap());
    for path in ["/v1/predict", "/v1/explain", "/v1/predict?view=true"] {
        let mut stream = connect(address);
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n", image.len());
        stream.write_all(&[head.as_bytes(), &image].concat()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = Answer::of(&rest(&mut stream));
        assert!(answer.status == 200 && answer.json()["predicted"].is_string(), "{path}: {answer:?}");
    }
    server.term().ok();
}

#[test]
fn silent_clients_do_not_hold_the_end() {
    let (world, _) = world();
    let server = Served::start(&world, &[]);
    let address = server.address;
    let head = format!("POST /v1/predict HTTP/1.1\r\nHost: {address}\r\nContent-Length: 1000\r\n\r\n");
    let starts =
        [head.clone(), format!("{head}some bytes"), head[..head.len() / 2].to_owned(), String::new()];
    let clients: Vec<TcpStream> = (0..12)
        .map(|i| {
            let mut stream = connect(address);
            stream.write_all(starts[i % 4].as_bytes()).unwrap();
            stream
        })
        .collect();
    thread::sleep(Duration::from_millis(300));
    let start = Instant::now();
    server.term().ok();
    assert!(start.elapsed() < Duration::from_secs(12), "{:?}", start.elapsed());
    for (i, mut stream) in clients.into_iter().enumerate() {
        let said = rest(&mut stream);
        match i % 4 {
            0 | 1 => Answer::of(&said).refused(408, "slow_body", "nothing of the body came for 3 s"),
            2 => Answer::of(&said).refused(408, "slow_head", ""),
            _ => continue,
        };
    }
}

#[test]
fn six_hundred_idle_connections_delay_nobody() {
    let (world, files) = world();
    let server = Served::start(&world, &[]);
    let (address, image) = (server.address, fs::read(world.path(&files[6])).unwrap());
    let _idle: Vec<TcpStream> = (0..600).map(|_| connect(address)).collect();
    let start = Instant::now();
    for _ in 0..3 {
        assert_eq!(get(address, "/healthz").status, 200);
        assert_eq!(server.predict(&image).status, 200);
    }
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    server.term().ok();
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_cannot_be_written_costs_no_answer() {
    let (world, files) = world();
    let image = fs::read(world.path(&files[6])).unwrap();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let (reader, closed) = std::io::pipe().unwrap();
    drop(reader);
    for log in [Stdio::from(full), Stdio::from(closed)] {
        let server = Served::of(&world, world.command(&[&SERVE[..], &["-v"]].concat()), log);
        for _ in 0..3 {
            assert_eq!(server.predict(&image).status, 200);
            assert_eq!(server.predict(b"a text that is no image").status, 415);
        }
        let mut at_hand = connect(server.address);
        let address = server.address;
        let head = format!(
            "POST /v1/predict HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n",
            image.len()
        );
        at_hand.write_all(head.as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(200));
        let stopping = thread::spawn(|| server.term());
        while TcpStream::connect(address).is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
        at_hand.write_all(&image).unwrap();
        assert_eq!(Answer::of(&rest(&mut at_hand)).status, 200);
        stopping.join().unwrap().ok();
    }
}

#[cfg(unix)]
#[test]
fn who_may_ask_is_settled_before_it_starts() {
    use std::os::unix::fs::PermissionsExt as _;
    let (world, _) = world();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let serve = |flags: &[&'static str]| [&["serve", "--saved", "run"], flags].concat();
    let words = [&format!("error: cannot listen at {address}: "), "hint: another program listens there"];
    world.refuses(&["serve", "--saved", "run", "--listen", &address], &words);
    world.refuses(
        &serve(&["--listen", "0.0.0.0:0"]),
        &[
            "error: 0.0.0.0:0 can be reached from other machines",
            "no token",
            "hint: name a file that holds one",
        ],
    );
    world.refuses(&["serve", "--saved", "absent"], &["error: there is no saved model `absent`"]);
    world.refuses(&serve(&["--listen", "localhost"]), &["localhost", "--listen"]);
    world.refuses(&serve(&["--allow-origin", "pacs"]), &["error: `pacs` is no origin"]);
    world.refuses(
        &serve(&["--token-file", "none"]),
        &["error: cannot read the token file `none`", "No such file"],
    );
    fs::write(world.path("token"), "short\n").unwrap();
    world.refuses(
        &serve(&["--token-file", "token", "--listen", "0.0.0.0:0"]),
        &[
            "error: `token` holds no token: a token needs at least 16 characters",
            "hint: `head -c 32 /dev/urandom",
        ],
    );

    let token = "0123456789abcdef-secret";
    fs::write(world.path("token"), format!("{token}\n")).unwrap();
    let mode = |mode| fs::set_permissions(world.path("token"), fs::Permissions::from_mode(mode)).unwrap();
    for (bits, warned) in [(0o640, true), (0o600, false)] {
        mode(bits);
        let server = Served::start(&world, &["--token-file", "token", "-v"]);
        let stranger = get(server.address, "/v1/model");
        stranger.refused(401, "no_token", "Authorization: Bearer");
        assert!(stranger.head.contains("www-authenticate: bearer"), "{stranger:?}");
        let bearer = format!("Bearer {token}");
        assert_eq!(request(server.address, "GET /v1/model", &[("Authorization", &bearer)], b"").status, 200);
        let done = server.term();
        let warning = "warning: others can read the token in `token`: `chmod 600 token`";
        assert_eq!(done.ok().stderr.contains(warning), warned, "{}", done.stderr);
        // The log has paths and statuses, and no secret.
        assert!(done.stderr.contains("GET /v1/model 401") && !done.stderr.contains(token), "{}", done.stderr);
    }
}

/// Checks real files with the irregularities of collections, DICOM of several makers, and the first half of each.
#[test]
fn real_files_are_answered_as_predict_answers_them() {
    let Some(root) = real_data("real_files_are_answered_as_predict_answers_them") else { return };
    let (world, _) = world();
    let whole: Vec<String> = ["awkward", "dicom"].iter().flat_map(|name| below(root.join(name))).collect();
    fs::create_dir(world.path("halves")).unwrap();
    let half = |(i, file): (usize, &String)| {
        let (bytes, name) = (fs::read(file).unwrap(), format!("halves/{i}.png"));
        fs::write(world.path(&name), &bytes[..bytes.len() / 2]).unwrap();
        name
    };
    let halves: Vec<String> = whole.iter().enumerate().map(half).collect();
    let server = Served::start(&world, &[]);
    let refused = [whole, halves].map(|files| agrees_with_predict(&world, &server, &files));
    assert!(refused[0] < refused[1], "{refused:?} were refused");
    assert_eq!(get(server.address, "/healthz").status, 200);
    assert_eq!(server.predict(&gray_png(24, 90)).status, 200);
    server.term().ok();
}

/// Returns every file in a folder and its subfolders.
fn below(folder: PathBuf) -> Vec<String> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| match path.is_dir() {
        true => below(path),
        false => vec![path.into_os_string().into_string().unwrap()],
    };
    paths.flat_map(of).collect()
}
