//! Tests of malicious or corrupt files: checkpoints, runs, caches, and names that lead to no file.

use std::{
    fs::{self, File},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use model::{Checkpoint, Normalisation};
use serde_json::json;

use crate::world::{CLASSES, Done, World, done, read_json};

/// Time limit, which none of these commands reaches even on a busy machine.
const TIME: Duration = Duration::from_secs(180);

/// Runs a command that may hang, which fails the test.
#[track_caller]
fn timely(mut command: Command) -> Done {
    let start = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > TIME {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it hangs: {command:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
    done(child.wait_with_output().unwrap())
}

/// Limits the program's address space, in kB.
fn limited(world: &World, kilobytes: u64, args: &[&str]) -> Command {
    let mut command = world.command(&[]);
    let program = command.get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit -v {kilobytes}; exec \"$0\" \"$@\"")).arg(program).args(args);
    shell.current_dir(world.path("."));
    for (name, value) in command.env("OMP_WAIT_POLICY", "passive").get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn write(checkpoint: &Checkpoint, path: &Path) {
    checkpoint.encode().unwrap().write_to(&mut File::create(path).unwrap()).unwrap();
}

#[test]
fn a_model_that_makes_no_numbers_says_nothing_of_an_image() {
    let world = World::new();
    let best = world.trained().join("best.safetensors");
    let whole = Checkpoint::read(&best).unwrap();
    let with = |name: &str, value: f32| {
        let mut broken = whole.clone();
        broken.tensors.iter_mut().find(|tensor| tensor.name == name).unwrap().values.fill(value);
        broken
    };
    let mut scaled = whole.clone();
    scaled.meta.spec.normalisation = Some(Normalisation { mean: [0.0; 3], std: [1e-40; 3] });
    let cases = [
        ("nan", with("output.bias", f32::NAN)),
        ("infinite", with("output.weight", f32::INFINITY)),
        ("large", with("hidden.weight", 1e38)),
        ("scaled", scaled),
    ];
    for (name, broken) in &cases {
        write(broken, &world.path(name));
        let commands = [
            &["predict", "xrays/NORMAL", "--csv"][..],
            &["predict", "xrays/NORMAL"],
            &["predict", "xrays/NORMAL", "--json", "--tta"],
            &["explain", "xrays/NORMAL", "--out", "maps"],
            &["explain", "xrays/NORMAL", "--out", "maps", "--method", "occlusion"],
            &["test", "--data", "xrays Test"],
            &["export", "--out", "x.pt"],
        ];
        // Values that are not finite have the same effect in all commands: each command is tried once.
        for command in &commands[..if *name == "nan" { commands.len() } else { 1 }] {
            let done = world.thorax(&[command, &["--saved", name][..]].concat());
            assert_eq!(done.code, Some(1), "{command:?} {name}: {}{}", done.stdout, done.stderr);
            let said = format!("error: the probabilities of the model `{name}` ");
            assert!(done.stderr.contains(&said), "{command:?}: {}", done.stderr);
            assert!(done.stderr.contains("are not finite numbers") && done.stderr.contains("\nhint: "));
            assert!(!done.stdout.contains("NORMAL/0"), "{command:?}: {}", done.stdout);
            assert!(!world.path("x.pt").exists() && !world.path("maps").exists());
        }
        let both = ["predict", "xrays/NORMAL", "--ensemble", "run", name];
        let done = world.thorax(&both);
        assert!(done.code == Some(1) && done.stderr.contains(&format!("`{name}`")), "{}", done.stderr);
    }
}

#[test]
fn classes_without_a_name_of_their_own_are_refused() {
    let world = World::new();
    let best = world.trained().join("best.safetensors");
    let whole = Checkpoint::read(&best).unwrap();
    for (names, words) in [
        (["a", "b", "a"], "is not a Thorax checkpoint: two classes are called `a`"),
        (["a", "", "b"], "is not a Thorax checkpoint: a class has no name"),
        (["a", " ", "b"], "is not a Thorax checkpoint: a class has no name"),
    ] {
        let mut broken = whole.clone();
        broken.meta.spec.classes = names.map(str::to_owned).to_vec();
        write(&broken, &world.path("m"));
        for command in [&["predict", "xrays"][..], &["test", "--data", "xrays Test"], &["export"]] {
            world.refuses(&[command, &["--saved", "m"]].concat(), &["error: `m` ", words, "hint: "]);
        }
    }
    for (names, words) in [
        ("NORMAL,NORMAL", "class `NORMAL` is named twice"),
        ("NORMAL,,COVID-19", "names no class"),
        ("a=NORMAL,a=COVID-19", "class `a` is named twice"),
        ("=NORMAL,COVID-19", "names no class"),
    ] {
        world.refuses(&["train", "--data", "xrays", "--classes", names, "--out", "x"], &["error: ", words]);
    }
}

/// Makes a trained run whose record has other settings; without its checkpoint, it starts anew.
fn hostile_run(world: &World, settings: &[(&str, serde_json::Value)]) {
    world.trained();
    let mut record = read_json(&world.path("run/run.json"));
    for (name, value) in settings {
        record["settings"][*name] = value.clone();
    }
    record["status"] = "running".into();
    fs::write(world.path("run/run.json"), record.to_string()).unwrap();
    fs::remove_file(world.path("run/last.safetensors")).unwrap();
}

#[test]
fn a_module_that_only_a_run_names_is_not_loaded() {
    const TRIED: &str = "is no TorchScript module: it is cut off";
    for (model, flag) in [("torchscript", "backbone"), ("inception-v3", "weights")] {
        let world = World::new();
        let evil = world.path("evil.pt");
        fs::write(&evil, b"PK\x03\x04 code").unwrap();
        hostile_run(&world, &[("model", json!(model)), (flag, json!(evil)), ("image-size", json!(75))]);
        for dry in [&[][..], &["--dry-run"]] {
            let args = [&["train", "--resume", "run"], dry].concat();
            let done = world.refuses(
                &args,
                &[
                    "error: the run in `run` begins with `",
                    "only its `run.json` names it",
                    "hint: ",
                    "--trust",
                ],
            );
            assert!(!done.stderr.contains(TRIED), "{}", done.stderr);
            for trust in [vec!["--trust".to_owned()], vec![format!("--{flag}"), evil.display().to_string()]] {
                let trust: Vec<&str> = trust.iter().map(String::as_str).collect();
                let done = world.thorax(&[&args[..], &trust].concat());
                assert!(done.code == Some(1) && done.stderr.contains(TRIED), "{}", done.stderr);
            }
        }
    }
}

#[test]
fn a_module_in_a_runs_checkpoint_is_not_loaded_where_nothing_is_to_be_done() {
    let world = World::new();
    let last = world.trained().join("last.safetensors");
    let mut checkpoint = Checkpoint::read(&last).unwrap();
    checkpoint.backbone = Some(std::sync::Arc::from(*b"PK\x03\x04 code"));
    checkpoint.meta.spec.architecture = &model::TORCHSCRIPT;
    write(&checkpoint, &last);
    let mut record = read_json(&world.path("run/run.json"));
    record["settings"]["model"] = json!("torchscript");
    record["settings"]["backbone"] = json!(world.path("gone.pt"));
    record["status"] = "interrupted".into();
    fs::write(world.path("run/run.json"), record.to_string()).unwrap();
    let before = world.files();
    let done = world.thorax(&["train", "--resume", "run", "--dry-run"]);
    assert!(!done.ok().stderr.contains("runs code"), "{}", done.stderr);
    assert!(world.files() == before);
    let done = world.thorax(&["train", "--resume", "run"]);
    assert!(done.code == Some(1) && done.stderr.contains("is no TorchScript module"), "{}", done.stderr);
}

#[test]
fn a_cache_that_only_a_run_names_is_used_below_it_or_where_it_is_trusted() {
    let (world, other) = (World::new(), World::new());
    let elsewhere = other.path("deep/cache");
    hostile_run(&world, &[("cache", json!(elsewhere))]);
    symlink(other.path("."), world.path("run/link")).unwrap();
    world.thorax(&["train", "--resume", "run", "--dry-run"]).ok();
    let done = world.thorax(&["train", "--resume", "run"]);
    let said =
        format!("warning: the run's cache, `{}`, lies elsewhere and is not used: ", elsewhere.display());
    assert!(done.ok().stderr.contains(&said), "{}", done.stderr);
    assert_eq!(fs::read_dir(other.path(".")).unwrap().count(), 0);
    // The same through a link in the run's folder.
    let resumed = |cache: PathBuf, flags: &[&str]| {
        let mut record = read_json(&world.path("run/run.json"));
        record["settings"]["cache"] = json!(cache);
        fs::write(world.path("run/run.json"), record.to_string()).unwrap();
        let args = [&["train", "--resume", "run", "--extend-epochs", "1", "--no-report"], flags].concat();
        world.thorax(&args).ok().stderr.clone()
    };
    let stderr = resumed(world.path("run/link/cache"), &[]);
    assert!(stderr.contains("lies elsewhere and is not used"), "{stderr}");
    assert_eq!(fs::read_dir(other.path(".")).unwrap().count(), 0);
    let stderr = resumed(world.path("mine/cache"), &[]);
    assert!(!stderr.contains("lies elsewhere") && world.path("mine/cache").is_dir(), "{stderr}");
    resumed(elsewhere.clone(), &["--trust"]);
    assert!(elsewhere.is_dir());
    // A recipe cannot name one either.
    fs::write(world.path("r.toml"), format!("cache = \"{}\"\n", other.path("second").display())).unwrap();
    let args = ["train", "--data", "xrays", "--recipe", "r.toml", "--out", "x"];
    world
        .refuses(&args, &["error: recipe `r.toml`: `cache` is `", "outside of the working folder", "hint: "]);
    assert!(!other.path("second").exists());
}

/// Trains for an epoch with the contents of the cache.
fn train(world: &World, out: &str) -> Done {
    let args = ["train", "--data", "xrays", "--image-size", "16", "--epochs", "1", "--no-report", "-v"];
    timely(world.command(&[&args[..], &["--out", out]].concat()))
}

fn cached(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.path("data/cache")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "images")).collect();
    files.sort();
    files
}

#[test]
fn a_cache_file_that_is_no_file_hangs_nothing_and_overwrites_nothing() {
    let world = World::new();
    world.study();
    train(&world, "first").ok();
    let files = cached(&world);
    let replaced = |what: &dyn Fn(&Path)| files.iter().for_each(|file| what(file));
    fs::write(world.path("mine"), "mine").unwrap();
    let mut runs = 0;
    let mut check = |words: &str| {
        runs += 1;
        let done = train(&world, &format!("run{runs}"));
        let said = done.ok().stderr.matches("warning: images are kept in memory only: cannot ").count();
        assert_eq!(said, files.len(), "{}", done.stderr);
        assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
        assert_eq!(fs::read(world.path("mine")).unwrap(), b"mine");
    };
    for extension in ["images", "partial"] {
        let clear = |file: &Path| {
            let _ = fs::remove_file(file);
            let _ = fs::remove_file(file.with_extension("partial"));
        };
        replaced(&|file| {
            clear(file);
            fifo(&file.with_extension(extension));
        });
        check("it is no regular file");
        replaced(&|file| {
            clear(file);
            let _ = fs::remove_file(file.with_extension(extension));
            symlink(world.path("mine"), file.with_extension(extension)).unwrap();
        });
        check("it is a symbolic link");
        replaced(&|file| {
            clear(file);
            fs::remove_file(file.with_extension(extension)).unwrap_or_default();
            fs::hard_link(world.path("mine"), file.with_extension(extension)).unwrap();
        });
        check("it has other names, too");
        replaced(&|file| {
            clear(file);
            fs::remove_file(file.with_extension(extension)).unwrap_or_default();
        });
    }
    // Files that others can write to, by a careless umask, are written again.
    train(&world, "again").ok();
    replaced(&|file| fs::set_permissions(file, fs::Permissions::from_mode(0o666)).unwrap());
    let done = train(&world, "open");
    assert_eq!(done.ok().stderr.matches("images decoded").count(), 2, "{}", done.stderr);
    assert!(train(&world, "last").ok().stderr.contains("images from the cache"));
}

#[test]
fn a_lock_that_is_never_given_back_is_waited_for_no_longer_than_said() {
    let world = World::new();
    world.study();
    train(&world, "first").ok();
    let file = cached(&world).remove(0);
    fs::remove_file(&file).unwrap();
    let held = File::create(file.with_extension("partial")).unwrap();
    held.set_permissions(fs::Permissions::from_mode(0o644)).unwrap();
    held.lock().unwrap();
    let done = train(&world, "second");
    let said = "warning: images are kept in memory only: another process has locked `data/cache/";
    assert!(done.ok().stderr.contains(said), "{}", done.stderr);
    assert!(done.stderr.contains(".partial` and has written nothing for 30 s"), "{}", done.stderr);
}

#[test]
#[expect(clippy::print_stderr, reason = "why a test does nothing is worth seeing")]
fn another_users_pixels_are_not_used() {
    let world = World::new();
    world.study();
    train(&world, "first").ok();
    for file in cached(&world) {
        if std::os::unix::fs::chown(&file, Some(4242), None).is_err() {
            eprintln!("skipped: only root can give a file to another user");
            return;
        }
    }
    let done = train(&world, "second");
    let said = "it belongs to another user (4242)";
    assert_eq!(done.ok().stderr.matches(said).count(), 2, "{}", done.stderr);
    assert_eq!(done.stderr.matches("images decoded").count(), 2, "{}", done.stderr);
}

/// Address space in kB in which the program runs, and a file of 2 GB does not fit.
const LITTLE: u64 = 3_000_000;

#[test]
fn what_takes_too_much_memory_is_refused_before_any_is_taken() {
    let world = World::new();
    world.study();
    for size in ["512", "1024"] {
        let args = ["train", "--data", "xrays", "--image-size", size, "--batch-size", "4000", "--out", "run"];
        timely(limited(&world, LITTLE, &args)).refused(&[
            "error: training on 4000 images of ",
            " pixels at a time takes about ",
            " GB of memory, and ",
            "hint: lower `--batch-size`",
        ]);
        assert!(!world.path("run").exists());
    }
}

#[test]
fn a_large_file_that_is_no_image_or_no_checkpoint_is_refused_by_its_head() {
    let world = World::new();
    world.trained();
    fs::create_dir(world.path("odd")).unwrap();
    File::create(world.path("odd/zeros.png")).unwrap().set_len(2_100_000_000).unwrap();
    let args = ["predict", "odd", "odd/zeros.png", "--saved", "run", "--csv"];
    let done = timely(limited(&world, LITTLE, &args));
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert_eq!(
        done.stdout.matches("odd/zeros.png,,,,,is no image").count(),
        2,
        "{}{}",
        done.stdout,
        done.stderr
    );
    let done = timely(limited(&world, LITTLE, &["data", "decode", "odd/zeros.png", "--out", "out"]));
    assert!(done.code == Some(1) && done.stderr.contains("is no image"), "{}", done.stderr);

    File::create(world.path("zeros")).unwrap().set_len(4 << 30).unwrap();
    // A correct header, with more data behind it than it announces.
    fs::copy(world.path("run/best.safetensors"), world.path("longer")).unwrap();
    File::options().write(true).open(world.path("longer")).unwrap().set_len(4 << 30).unwrap();
    for (name, words) in [("zeros", "is no safetensors file"), ("longer", "is damaged")] {
        let done = timely(limited(&world, LITTLE, &["test", "--saved", name, "--data", "xrays Test"]));
        done.refused(&["error: ", name, words, "hint: "]);
    }
    let train = ["train", "--data", "xrays", "--out", "x", "--image-size", "75", "--model", "inception-v3"];
    let done = timely(limited(&world, LITTLE, &[&train[..], &["--weights", "zeros"]].concat()));
    assert!(done.code == Some(1) && done.stderr.contains("is no archive of the kind"), "{}", done.stderr);
}

#[test]
fn numbers_that_are_too_large_are_refused_by_their_range() {
    let world = World::new();
    world.study();
    let train = ["train", "--data", "xrays", "--image-size", "16", "--out", "run"];
    for (flag, value, words) in [
        ("--checkpoint-every", "1e20", "must be at most 527040, a year"),
        ("--threads", "10000", "must be at least 1 and at most 1024"),
        ("--batch-size", "18446744073709551615", "must be at least 1 and at most 1000000"),
        ("--epochs", "18446744073709551615", "18446744073709551615 is not in 1..=1000000"),
        ("--warmup-epochs", "1e308", "must be at most 1000000"),
    ] {
        let done = timely(world.command(&[&train[..], &[flag, value]].concat()));
        done.refused(&["error: ", value, flag, words]);
    }
    for (command, flag, value) in [
        (&["data", "split", "xrays", "--out", "m.csv"][..], "--folds", "100000000000"),
        (&["data", "split", "xrays", "--out", "m.csv"], "--test-per-class", "18446744073709551615"),
        (&["cross-validate", "--data", "xrays", "--out", "cv"], "--folds", "18446744073709551615"),
        (&["data", "sample", "--out", "s"], "--count", "18446744073709551615"),
        (&["data", "sample", "--out", "s"], "--test-per-class", "18446744073709551615"),
        (&["serve"], "--queue", "18446744073709551615"),
        (&["serve"], "--max-batch", "18446744073709551615"),
        (&["data", "scan", "xrays"], "--threads", "100000"),
        (&["compare", "a", "b"], "--threads", "100000"),
        (&["export"], "--threads", "100000"),
        (&["data", "audit", "xrays"], "--threads", "100000"),
    ] {
        let done = timely(world.command(&[command, &[flag, value]].concat()));
        done.refused(&["error: invalid value '", value, flag]);
    }
}

/// Checks that a number ends the program only with an error of the user's, whatever the flag allows.
#[test]
fn no_number_panics_or_hangs() {
    let world = World::new();
    world.study();
    let flags = [
        "image-size",
        "batch-size",
        "epochs",
        "patience",
        "min-delta",
        "validation-split",
        "seed",
        "weight-decay",
        "warmup-epochs",
        "learning-rate",
        "class-weight",
        "sensitivity",
        "max-pixels",
        "cache-limit",
        "checkpoint-every",
        "threads",
        "augment",
    ];
    for flag in flags {
        for value in ["1e308", "18446744073709551615"] {
            let value = if flag == "augment" { format!("turn={value}") } else { value.to_owned() };
            let given = format!("--{flag}={value}");
            let done =
                timely(world.command(&["train", "--data", "xrays", "--dry-run", "--image-size=16", &given]));
            assert!(matches!(done.code, Some(0 | 1)), "{given}: {:?} {}", done.code, done.stderr);
        }
    }
    // Numbers up to those of training.
    for given in [
        "--patience=18446744073709551615",
        "--seed=18446744073709551615",
        "--min-delta=1e308",
        "--max-pixels=18446744073709551615",
    ] {
        let out = format!("run-{}", given.len());
        let done = timely(world.command(&[
            "train",
            "--data",
            "xrays",
            "--image-size=16",
            "--epochs=2",
            "--out",
            &out,
            "--no-report",
            given,
            "--schedule=cosine",
        ]));
        done.ok();
    }
}

#[test]
fn a_note_of_the_latest_run_that_is_no_file_is_an_error() {
    let world = World::new();
    fs::create_dir_all(world.path("data/runs")).unwrap();
    let latest = world.path("data/runs/latest");
    let refused = |words: &str| {
        let done = timely(limited(&world, LITTLE, &["test", "--data", "x"]));
        done.refused(&["error: cannot read `data/runs/latest`", words]);
        fs::remove_file(&latest).unwrap();
    };
    fifo(&latest);
    refused("it is no file");
    symlink("/dev/zero", &latest).unwrap();
    refused("it is no file");
    File::create(&latest).unwrap().set_len(1 << 40).unwrap();
    refused("it has more than 8192 bytes");
    fs::write(&latest, b"\xff\xfe").unwrap();
    refused("it is no UTF-8 text");
    // The same with a recipe and with a run's own files.
    fifo(&world.path("r.toml"));
    let done = timely(world.command(&["train", "--recipe", "r.toml"]));
    done.refused(&["error: cannot read recipe `r.toml`", "it is no file"]);
    fs::create_dir(world.path("odd")).unwrap();
    fifo(&world.path("odd/run.json"));
    let done = timely(world.command(&["train", "--resume", "odd"]));
    done.refused(&["error: cannot read `odd/run.json`", "it is no file"]);
}

#[test]
fn pipes_devices_and_files_of_the_kernel_in_a_folder_are_named_and_passed_over() {
    let world = World::new();
    world.trained();
    let odd = world.data_set("odd", &CLASSES.map(|class| (class, 6)));
    let folder = odd.join("NORMAL");
    fifo(&folder.join("pipe"));
    fifo(&folder.join("pipe.png"));
    symlink("/dev/zero", folder.join("zero.png")).unwrap();
    symlink("/dev/zero", folder.join("zero")).unwrap();
    // Root can read this file, and blocks until the kernel logs something.
    symlink("/proc/kmsg", folder.join("kernel")).unwrap();
    let done = timely(world.command(&["predict", "odd", "--saved", "run", "--csv"]));
    assert_eq!(done.ok().stdout.lines().count(), 19, "{}", done.stdout);
    assert!(
        done.stderr.contains("passed over: `odd/NORMAL/pipe`, a pipe, socket or device"),
        "{}",
        done.stderr
    );
    assert!(done.stderr.contains("passed over: 2 more pipes, sockets and devices"), "{}", done.stderr);
    for formats in ["keras", "all"] {
        let done = timely(world.command(&["data", "scan", "odd", "--json", "--formats", formats])).json();
        assert_eq!(done["classes"][1]["images"], 6, "{done}");
    }
    // The name is that of an image.
    symlink("/proc/kmsg", folder.join("kernel.png")).unwrap();
    let done = timely(world.command(&["predict", "odd", "--saved", "run", "--csv"]));
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let row = done.stdout.lines().find(|line| line.starts_with("odd/NORMAL/kernel.png,")).unwrap();
    assert!(row.contains("cannot be read"), "{row}");
    let done = timely(world.command(&["train", "--data", "odd", "--image-size", "16", "--out", "x"]));
    done.refused(&["error: 1 of ", "kernel.png"]);
}

#[test]
fn probabilities_that_are_none_are_refused() {
    let world = World::new();
    let write = |name: &str, rows: &str| {
        fs::write(world.path(name), format!("path,label,predicted,p_A,p_B\n{rows}")).unwrap();
    };
    write("right.csv", "a.png,A,A,0.75,0.25\nb.png,B,A,0.5,0.5\n");
    for (row, value) in [
        ("a.png,A,A,-0.5,1", "-0.5"),
        ("a.png,A,A,0,7", "7"),
        ("a.png,A,A,1.0000002,0", "1.0000002"),
        ("a.png,A,A,NaN,0", "NaN"),
        ("a.png,A,A,inf,0", "inf"),
    ] {
        write("wrong.csv", &format!("b.png,B,A,0.5,0.5\n{row}\n"));
        for pair in [["right.csv", "wrong.csv"], ["wrong.csv", "right.csv"]] {
            let said = format!("error: `wrong.csv`, line 3: `{value}` is no probability, which is 0 to 1");
            world.refuses(&[&["compare"], &pair[..]].concat(), &[&said, "hint: "]);
        }
    }
}

/// Checks the log loss against scikit-learn 1.9.1: `sklearn.metrics.log_loss(label, frame[["p_A", "p_B"]], labels=["A", "B"])`,
/// with `frame` from `pandas.read_csv` (float64): rows are clipped and not divided by their sums.
#[test]
fn the_log_loss_of_a_file_is_scikit_learns() {
    let world = World::new();
    let loss = |name: &str, rows: &[&str]| -> f64 {
        fs::write(world.path(name), format!("path,label,predicted,p_A,p_B\n{}\n", rows.join("\n"))).unwrap();
        world.thorax(&["compare", name, name, "--json"]).json()["comparison"]["log_loss"]["first"]
            .as_f64()
            .unwrap()
    };
    for (name, rows, right) in [
        ("zeros", &["a.png,A,A,0,0", "b.png,B,A,0,0"][..], 36.043_653_389_117_15),
        ("wrong", &["a.png,A,A,1,0", "b.png,B,A,1,0"], 18.021_826_694_558_577),
        (
            "sums",
            &["a.png,A,A,0.5,0.75", "b.png,B,B,0.25,0.5", "c.png,A,A,0.75,0.125"],
            0.557_992_144_523_890_6,
        ),
    ] {
        let found = loss(name, rows);
        assert!((found - right).abs() < 1e-12, "{name}: {found}");
    }
}
