//! Tests of printed text: results that must arrive, messages that need not, and names that stay in their lines.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::ffi::OsStrExt as _,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    pictures::gray_png,
    world::{Done, World, read_json},
};

/// Error that every command ends with.
const NOT_WRITTEN: &str =
    "error: cannot write the results to standard output: No space left on device (os error 28)\n";

/// Command lines for every way in which each command prints results; `RUN` is a trained run's folder.
const COMMANDS: [&str; 45] = [
    "--version",
    "--help",
    "help train",
    "train --help",
    "train --data xrays --image-size 8 --epochs 1 --no-report --out new/1",
    "train --data xrays --image-size 8 --epochs 1 --no-report --json --out new/2",
    "train --data xrays --image-size 8 --dry-run",
    "train --resume RUN",
    "cross-validate --data xrays --image-size 8 --epochs 1 --folds 2 --no-report --out new/3",
    "cross-validate --data xrays --image-size 8 --epochs 1 --folds 2 --json --no-report --out new/3",
    "cross-validate --data xrays --dry-run --out new/4",
    "test --saved RUN",
    "test --saved RUN --json --out new/5",
    "evaluate findings.csv --by view",
    "evaluate findings.csv --json",
    "compare RUN RUN",
    "compare RUN RUN --json",
    "predict xrays --saved RUN",
    "predict xrays --saved RUN --csv",
    "predict xrays --saved RUN --json",
    "explain xrays/NORMAL --saved RUN --out new/6",
    "explain xrays/NORMAL --saved RUN --out new/7 --json",
    "report RUN",
    "report RUN --json",
    "export --saved RUN --out new.pt --force",
    "export --saved RUN --out new.pt --force --json",
    "serve --saved RUN --listen 127.0.0.1:0",
    "models",
    "models --json",
    "data scan xrays",
    "data scan xrays --json",
    "data sample --out new/8 --count 15 --test-per-class 1 --image-size 32",
    "data sample --multi-label --out new/11 --count 12 --test-count 4 --image-size 32",
    "data cache",
    "data cache --json",
    "data decode xrays/NORMAL/000.png --out new/9",
    "data decode xrays/NORMAL/000.png --out new/10 --json",
    "data split xrays --out new-1.csv --force",
    "data split xrays --out new-2.csv --force --json",
    "data audit xrays",
    "data audit xrays --json",
    "completions bash",
    "man",
    "guide",
    "guide training",
];

/// Makes a folder with a trained run, and predictions of findings by another program.
fn world() -> World {
    let world = World::new();
    world.trained();
    let row =
        |at: usize| format!("{at}.png,{},0.{},{}\n", at % 2, at % 10, if at < 20 { "AP" } else { "PA" });
    let rows: String = (0..40).map(row).collect();
    fs::write(world.path("findings.csv"), format!("path,Effusion,p_Effusion,view\n{rows}")).unwrap();
    world
}

fn words(line: &str) -> Vec<&str> {
    line.split(' ').map(|word| if word == "RUN" { "run" } else { word }).collect()
}

/// Returns the commands that a help text lists.
fn listed(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = list.take_while(|line| !line.is_empty()).filter(|line| line.starts_with("  "));
    let names = names.filter(|line| !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Waits for a process, and kills it if it takes too long, which is a failure.
fn wait(child: &mut std::process::Child, what: &str) -> Option<i32> {
    let start = Instant::now();
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return status.code(),
            None if start.elapsed() > Duration::from_secs(120) => {
                child.kill().unwrap();
                panic!("`{what}` does not end");
            }
            None => thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Runs a command with this as its standard output; returns its exit code and its messages.
fn with_stdout(world: &World, line: &str, stdout: impl Into<Stdio>) -> (Option<i32>, String) {
    let mut command = world.command(&words(line));
    let mut child = command.stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let said = thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text)
    });
    let code = wait(&mut child, line);
    (code, said.join().unwrap().unwrap())
}

/// Makes a pipe without a reader.
fn closed() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer
}

#[test]
#[expect(clippy::print_stderr, reason = "the only way for a test to say that it was skipped")]
fn results_that_cannot_be_written_end_every_command_with_an_error() {
    if !Path::new("/dev/full").exists() {
        eprintln!("skipped: this system has no /dev/full");
        return;
    }
    let world = world();
    // Every command is in the list.
    let help = world.thorax(&["--help"]).ok().stdout.clone();
    let mut names: Vec<String> = listed(&help).into_iter().filter(|name| name != "data").collect();
    let of_data = listed(&world.thorax(&["data", "--help"]).ok().stdout);
    names.extend(of_data.iter().filter(|name| *name != "help").map(|name| format!("data {name}")));
    assert!(names.len() > 17, "{names:?}");
    for name in names {
        assert!(COMMANDS.iter().any(|line| line.starts_with(&name)), "`{name}` is not tried");
    }
    for line in COMMANDS {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (code, stderr) = with_stdout(&world, line, full);
        assert_eq!(code, Some(1), "{line}: {stderr}");
        let hinted = ["--version", "--help", "help train", "train --help"].contains(&line);
        assert!(stderr.contains(NOT_WRITTEN), "{line}: {stderr}");
        assert!(hinted || stderr.contains("hint: make room on that disk"), "{line}: {stderr}");
    }
    // The remaining work was done.
    assert_eq!(read_json(&world.path("new/1/run.json"))["status"], "completed");
    assert!(world.path("new/5/test.json").exists() && world.path("new-1.csv").exists());
}

#[test]
fn a_reader_that_went_is_no_error() {
    let world = world();
    for line in COMMANDS.iter().filter(|line| !line.starts_with("serve") && !line.contains(" --epochs")) {
        let (code, stderr) = with_stdout(&world, line, closed());
        assert!(code == Some(0) && !stderr.contains("error"), "{line}: {code:?}: {stderr}");
    }
}

#[test]
fn predict_ends_as_soon_as_nobody_gets_its_rows() {
    let world = World::new();
    world.trained();
    for form in ["--csv", "--json"] {
        let full = File::options().write(true).open("/dev/full");
        let outputs = [(full.ok().map(Stdio::from), 1), (Some(closed().into()), 0)];
        for (stdout, code) in outputs.into_iter().filter_map(|(stdout, code)| Some((stdout?, code))) {
            let mut command = world.command(&["predict", "-", "--saved", "run", form, "--quiet"]);
            let mut child =
                command.stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
            // Standard input stays open: only the rows can end it.
            let mut stdin = child.stdin.take().unwrap();
            let list = "xrays/NORMAL\nxrays/COVID-19\n".repeat(50);
            let _ = stdin.write_all(list.as_bytes());
            assert_eq!(wait(&mut child, "predict -"), Some(code), "{form}");
        }
    }
}

/// Checks a full disk of 300 KiB: each file is written whole or not at all, and that is an error.
#[test]
#[expect(clippy::print_stderr, reason = "the only way for a test to say that it was skipped")]
fn files_on_a_full_disk_are_errors_and_leave_nothing() {
    let world = world();
    fs::create_dir(world.path("disk")).unwrap();
    let sandboxed = |script: &str, args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-ec", script, "sh"]);
        command.arg(env!("CARGO_BIN_EXE_thorax")).args(args);
        command.current_dir(world.path("")).env_remove("LD_LIBRARY_PATH").output()
    };
    let mount = "mount -t tmpfs -o size=300k none disk";
    if !sandboxed(mount, &[]).is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this system does not let a test mount a file system of its own");
        return;
    }
    let script = format!(
        "thorax=$1; shift; {mount}; mkdir disk/run; cp run/*.json run/*.csv disk/run; \
         head -c 1000000 /dev/zero > disk/fill 2>/dev/null || true; \
         code=0; \"$thorax\" \"$@\" || code=$?; \
         echo; echo left $(find disk -name '*.thorax-tmp') $(find disk -newer disk/fill -type f -size +0); exit $code"
    );
    for line in [
        "report disk/run",
        "export --saved run --out disk/x.pt",
        "explain xrays/NORMAL --saved run --out disk",
        "test --saved run --out disk/out",
        "data decode xrays/NORMAL/000.png --out disk/png",
        "data split xrays --out disk/m.csv",
        "data split xrays --out m.csv --copy disk/parts",
        "data sample --out disk/sample --count 15 --test-per-class 1 --image-size 64",
        "data sample --multi-label --out disk/findings --count 12 --test-count 4 --image-size 64",
        "evaluate findings.csv --json >disk/out.json",
        "data audit xrays --html disk/page.html",
        "man --out disk/man",
        "completions bash >disk/out.bash",
        "predict xrays xrays xrays --saved run --csv >disk/out.csv",
    ] {
        let (args, into) = line.split_once(" >").unwrap_or((line, "/dev/null"));
        let script = script.replace("\"$@\"", &format!("\"$@\" >{into}"));
        let output = sandboxed(&script, &words(args)).unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{line}: {stderr}{stdout}");
        assert!(stderr.contains("error: ") && stderr.contains("No space left on device"), "{line}: {stderr}");
        assert_eq!(stdout.trim(), "left", "{line}: {stdout}");
    }
}

#[test]
fn a_log_that_is_gone_or_full_ends_nothing() {
    let world = World::new();
    world.study();
    let full = File::options().write(true).open("/dev/full");
    let logs = [("closed", Some(Stdio::from(closed()))), ("full", full.ok().map(Stdio::from))];
    for (name, log) in logs {
        let Some(log) = log else { continue };
        let flags = ["train", "--data", "xrays", "--image-size", "8", "--epochs", "2", "-vv", "--out", name];
        let output = world.command(&flags).stderr(log).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}");
        assert!(String::from_utf8(output.stdout).unwrap().starts_with("Test results on 12 images"));
        assert_eq!(read_json(&world.path(name).join("run.json"))["status"], "completed");
        assert!(world.path(name).join("report.html").exists());
        // An error has its exit code also if it cannot be printed.
        let failed = world.command(&["predict", "absent.png", "--saved", name]).stderr(closed()).output();
        assert_eq!(failed.unwrap().status.code(), Some(1));
        let usage = world.command(&["predict", "--no-such-flag"]).stderr(closed()).output();
        assert_eq!(usage.unwrap().status.code(), Some(1));
    }
}

#[test]
fn serve_drains_and_ends_though_nobody_reads_its_log() {
    let world = World::new();
    world.trained();
    let mut command = world.command(&["serve", "--saved", "run", "--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("listening on http://"), "{line}");
    // The reader of the log ends.
    drop(child.stderr.take());
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(wait(&mut child, "serve"), Some(0));
}

/// Checks that no character in a printed text except the line feed moves the cursor.
#[track_caller]
fn is_plain(text: &str) {
    let moves = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!text.contains(moves), "{text:?}");
}

#[test]
fn names_of_files_stay_in_their_lines() {
    let world = World::new();
    world.trained();
    let forged = "x.png\nNORMAL             0.0000  1.0000";
    let names =
        [forged, "\x1b[2Jclear.png", "\u{202e}gnp.reversed.png", "\u{9b}31mc1.png", "two\u{2028}lines.png"];
    fs::create_dir_all(world.path("odd/bad")).unwrap();
    // The first has no image's extension: only its content makes it one.
    let bad = &names[1..];
    for (i, name) in (0..).zip(names) {
        fs::write(world.path("odd").join(name), gray_png(24, 90 + i)).unwrap();
        fs::write(world.path("odd/bad").join(name), "no image").unwrap();
    }
    let done = world.thorax(&["predict", "odd", "--saved", "run", "--formats", "all"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    // A heading and a row per image: no name adds one.
    assert_eq!(done.stdout.lines().count(), 1 + names.len(), "{}", done.stdout);
    assert!(done.stdout.contains("odd/x.png\\nNORMAL  "), "{}", done.stdout);
    assert!(done.stdout.contains("odd/\\u{1b}[2Jclear.png"), "{}", done.stdout);
    assert_eq!(done.stderr.matches("error: `odd/bad/").count(), bad.len(), "{}", done.stderr);
    is_plain(&format!("{}{}", done.stdout, done.stderr));

    // Programs get the names unchanged.
    let csv = world.thorax(&["predict", "odd", "--saved", "run", "--formats", "all", "--csv"]);
    let mut reader = csv::Reader::from_reader(csv.stdout.as_bytes());
    let mut paths: Vec<String> = reader.records().map(|row| row.unwrap()[0].to_owned()).collect();
    paths.sort();
    let good = names.iter().map(|name| format!("odd/{name}"));
    let mut expected: Vec<String> = good.chain(bad.iter().map(|name| format!("odd/bad/{name}"))).collect();
    expected.sort();
    assert_eq!(paths, expected);
    let json = world.thorax(&["predict", "odd", "--saved", "run", "--formats", "all", "--json"]);
    let rows = json.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut paths: Vec<String> = rows.map(|row| row["path"].as_str().unwrap().to_owned()).collect();
    paths.sort();
    assert_eq!(paths, expected);

    for args in [
        &["explain", "odd", "--saved", "run", "--out", "maps"][..],
        &["data", "decode", &format!("odd/{forged}"), &format!("odd/bad/{forged}"), "--out", "png"],
        &["predict", "absent\x1b[2J\nerror: forged", "--saved", "run"],
        &["predict", "--absent\x1b[2J\x07", "--saved", "run"],
        &["report", "absent\x1b[2J"],
        &["data", "scan", "absent\x1b[2J"],
    ] {
        let done = world.thorax(args);
        assert_eq!(done.code, Some(1), "{args:?}: {}", done.stderr);
        is_plain(&format!("{}{}", done.stdout, done.stderr));
        assert!(!done.stderr.lines().any(|line| line == "error: forged"), "{}", done.stderr);
    }
    fs::write(world.path("data/runs/latest"), "gone\x1b[2J\nforged\n").unwrap();
    let done = world.thorax(&["predict", "odd"]);
    done.refused(&["error: the latest run, `gone\\u{1b}[2J\\nforged`, is gone"]);
}

#[test]
fn names_of_classes_stay_in_their_lines() {
    let world = World::new();
    let classes = ["NORMAL", "sick\x1b[2J\nNORMAL  0.0000"];
    world.data_set("odd", &classes.map(|class| (class, 10)));
    world.data_set("odd Test", &classes.map(|class| (class, 4)));
    let check = |args: &[&str]| -> Done {
        let done = world.thorax(args);
        done.ok();
        is_plain(&format!("{}{}", done.stdout, done.stderr));
        done
    };
    let flags =
        ["train", "--data", "odd", "--image-size", "8", "--epochs", "1", "--calibrate", "--out", "run"];
    check(&flags);
    let done = check(&["predict", "odd/NORMAL", "--saved", "run"]);
    assert_eq!(done.stdout.lines().count(), 11, "{}", done.stdout);
    check(&["test", "--saved", "run", "--occlude", "centre"]);
    check(&["compare", "run", "run"]);
    check(&["explain", "odd/NORMAL/000.png", "--saved", "run", "--out", "maps"]);
    check(&["export", "--saved", "run"]);
    let done = check(&["data", "scan", "odd"]);
    assert_eq!(done.stdout.lines().count(), 4, "{}", done.stdout);
    check(&["data", "audit", "odd"]);
    let done = world.thorax(&["explain", "odd", "--saved", "run", "--class", "x"]);
    is_plain(&done.stderr);
}

#[test]
fn names_that_are_no_text_are_told_apart() {
    let world = World::new();
    world.trained();
    fs::create_dir(world.path("odd")).unwrap();
    let names: [&[u8]; 3] = [b"a\xff.png", b"a\xfe.png", b"a\\xff.png"];
    for (i, name) in (0..).zip(names) {
        fs::write(world.path("odd").join(OsStr::from_bytes(name)), gray_png(24, 90 + i)).unwrap();
    }
    let told = ["a\\\\xff.png", "a\\xfe.png", "a\\xff.png"];
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let expected = sorted(told.map(|name| format!("odd/{name}")).to_vec());
    let predict = |flags: &[&str]| {
        world.thorax(&[&["predict", "odd", "--saved", "run"], flags].concat()).ok().stdout.clone()
    };
    let table = predict(&[]);
    let last = table.lines().skip(1).map(|line| line.split_whitespace().last().unwrap().to_owned());
    assert_eq!(sorted(last.collect()), expected, "{table}");
    let csv = predict(&["--csv"]);
    let first = csv.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned());
    assert_eq!(sorted(first.collect()), expected, "{csv}");
    let json = predict(&["--json"]);
    let rows = json.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let paths = rows.map(|row| row["path"].as_str().unwrap().to_owned());
    assert_eq!(sorted(paths.collect()), expected, "{json}");

    // The stored path of a test is found again.
    let done = world.thorax(&["data", "decode", "odd/a\\xff.png", "--out", "png", "--json"]).json();
    assert_eq!(done["files"][0]["path"], "odd/a\\\\xff.png");
    let folder = world.path("xrays Test/NORMAL");
    for (i, name) in (0..).zip(names) {
        fs::rename(folder.join(format!("{i:03}.png")), folder.join(OsStr::from_bytes(name))).unwrap();
    }
    world.thorax(&["test", "--saved", "run", "--data", "xrays Test", "--out", "tested"]).ok();
    let rows = fs::read_to_string(world.path("tested/predictions.csv")).unwrap();
    for name in told {
        assert_eq!(rows.matches(&format!("NORMAL/{name},")).count(), 1, "{rows}");
    }
    world.thorax(&["compare", "tested", "tested"]).ok();
}

#[test]
fn no_cell_for_a_spreadsheet_is_a_formula() {
    let world = World::new();
    world.data_set("signs", &[("+a", 10), ("@b", 10)]);
    world.data_set("signs Test", &[("+a", 4), ("@b", 4)]);
    let flags = ["train", "--data", "signs", "--image-size", "8", "--epochs", "1", "--out", "run"];
    world.thorax(&flags).ok();
    let names = ["=cmd.png", "-1.png", "plain.png"];
    names
        .iter()
        .zip(90..)
        .for_each(|(name, level)| fs::write(world.path(name), gray_png(24, level)).unwrap());
    let predict = |flags: &[&str]| {
        let done = world.thorax(&[&["predict", "--saved", "run", "--csv"], flags, &["--"], &names].concat());
        let mut reader = csv::Reader::from_reader(done.ok().stdout.as_bytes());
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect::<Vec<Vec<_>>>()
    };
    let (plain, safe) = (predict(&[]), predict(&["--csv-safe"]));
    assert_eq!(plain.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), names);
    for (plain, safe) in plain.iter().zip(&safe) {
        for (plain, safe) in plain.iter().zip(safe) {
            let formula = plain.starts_with(['=', '+', '-', '@']);
            assert_eq!(*safe, if formula { format!("'{plain}") } else { plain.clone() });
        }
    }
    assert_eq!((safe[0][0].as_str(), safe[2][0].as_str()), ("'=cmd.png", "plain.png"));
    assert!(safe[0][1] == "'+a" || safe[0][1] == "'@b", "{safe:?}");

    for (out, flags) in [("kept", &[][..]), ("shown", &["--csv-safe"])] {
        let line = ["test", "--saved", "run", "--data", "signs Test", "--out", out];
        world.thorax(&[&line[..], flags].concat()).ok();
    }
    let shown = fs::read_to_string(world.path("shown/predictions.csv")).unwrap();
    assert!(shown.contains(",'+a,") && !shown.contains(",+a,"), "{shown}");
    let kept = fs::read(world.path("kept/predictions.csv")).unwrap();
    assert_eq!(kept, fs::read(world.path("run/predictions.csv")).unwrap());
    // Both files are read alike.
    let compared = world.thorax(&["compare", "kept", "shown", "--json"]).json();
    assert_eq!(compared["comparison"]["images"], 8);
    world.refuses(&["predict", "x.png", "--csv-safe"], &["required arguments", "--csv"]);
    world.refuses(&["test", "--saved", "run", "--csv-safe"], &["required arguments", "--out"]);
}
