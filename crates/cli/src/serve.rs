//! Command `serve`: a saved model as a web page and an HTTP interface, until it is stopped.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result};
use model::Predictor;
use serde_json::{Value, json};
use serve::{About, Config, Limits, Server, Stop, Token};

use crate::{
    args::ServeArgs,
    compute::{spin_briefly, use_threads},
    memory,
    output::{Lines, Output, say},
    predictor::{self, Models},
    saved::Saved,
    status::{self, Status, hinted},
};

pub(crate) fn run(args: &ServeArgs, output: &Output) -> Result<Status> {
    spin_briefly();
    let threads = use_threads(args.predictor.compute.threads)?;
    let config = config(args, threads, output)?;
    let is_local = config.listen.ip().is_loopback();
    let found = predictor::find(&args.predictor)?;
    // The address is bound first: an error with it is known at once.
    let server = Server::bind(config).map_err(with_hint)?;
    let models = Models::load(&found, &args.predictor, args.formats, output)?;
    let predictor = models.predictor(args.predictor.options(false))?;
    let inputs = models.reader(args.max_pixels, 1);
    if !is_local {
        output.warn("what is sent is not encrypted: put a proxy with TLS before it, or use it in a trusted network only");
    }
    let stop = Stop::new();
    stop_on_signal(stop.clone())?;
    go_on_after_panics();
    let address = server.address();
    server.run(&predictor, inputs, about(&found, &models, &predictor), &stop, || {
        output.result(format!("listening on http://{address}"));
        // A process that started the server may wait for that line. With a closed pipe nobody waits.
        if output.check().is_err_and(|error| !error.is_closed()) {
            stop.request();
        }
    })?;
    output.note("stopped");
    Ok(Status::Done)
}

fn config(args: &ServeArgs, threads: usize, output: &Output) -> Result<Config> {
    let token = args.token_file.as_deref().map(|path| token(path, output)).transpose()?;
    let allow_origins = args.allow_origin.iter().map(|origin| Config::origin(origin));
    let seconds = Duration::from_secs;
    Ok(Config {
        listen: args.listen,
        hosts: args.host.clone(),
        allow_origins: allow_origins.collect::<serve::Result<_>>()?,
        token,
        limits: Limits {
            upload: args.max_upload,
            uploads: args.max_upload.saturating_mul(8),
            batch: args.max_batch,
            batch_wait: Duration::from_millis(5),
            queue: args.queue,
            decoders: threads,
            connections: 512,
            head_time: seconds(15),
            body_time: seconds(60),
            answer_time: seconds(120),
            write_time: seconds(30),
            drain_time: seconds(30),
            stall_time: seconds(3),
        },
        free_memory: memory::available,
    })
}

/// Largest size of the token file, in bytes.
const LONGEST_TOKEN: u64 = 1 << 12;

fn token(path: &Path, output: &Output) -> Result<Token> {
    let shown = path.display();
    let text = base::read_text(path, LONGEST_TOKEN)
        .with_context(|| format!("cannot read the token file `{shown}`"))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let open = std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
        if open {
            output.warn(format!("others can read the token in `{shown}`: `chmod 600 {shown}`"));
        }
    }
    #[cfg(not(unix))]
    let _ = output;
    base::csv_text::without_byte_order_mark(&text).parse().map_err(|error| {
        hinted(
            format!("`{shown}` holds no token: {error}"),
            format!("`head -c 32 /dev/urandom | base64 > {shown}` makes one"),
        )
    })
}

fn with_hint(error: serve::Error) -> anyhow::Error {
    let hint = match &error {
        serve::Error::NoToken { .. } => {
            "name a file that holds one with `--token-file FILE`, or listen at 127.0.0.1, which only this machine reaches"
        }
        serve::Error::Listen { source, .. } => match source.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program listens there: name another port with `--listen IP:PORT`; port 0 takes any"
            }
            std::io::ErrorKind::PermissionDenied => {
                "ports below 1024 are the system's: name another with `--listen`"
            }
            _ => "`--listen` takes an address of this machine",
        },
        _ => return error.into(),
    };
    let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
    hinted(format!("{error}{source}"), hint)
}

/// Collects the facts about the models besides their files.
fn about(found: &[Saved], models: &Models, predictor: &Predictor<'_>) -> About {
    let name = |saved: &Saved| {
        let folder = saved.run.as_ref().map(experiment::Run::folder);
        let name = folder.unwrap_or(&saved.checkpoint).file_name();
        name.map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
    };
    let is_synthetic = |saved: &Saved| saved.run.as_ref().is_some_and(|run| run.record.synthetic);
    // The figures of a run's test are those of its model alone.
    let tested = match found {
        [saved] if !predictor.options().tta => tested(saved),
        _ => Value::Null,
    };
    About {
        name: found.iter().map(name).collect::<Vec<_>>().join(" + "),
        epoch: models.0.first().map_or(0, |loaded| loaded.epoch),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        tested,
        synthetic: found.iter().any(is_synthetic),
    }
}

/// Returns the figures of the run's own test, if that was of this file.
fn tested(saved: &Saved) -> Value {
    let of_best = saved.checkpoint.file_name().is_some_and(|name| name == experiment::BEST);
    let run = saved.run.as_ref().filter(|_| of_best);
    let Some(tests) = run.and_then(|run| run.tests().ok().flatten()) else { return Value::Null };
    let Ok(figures) = serde_json::to_value(&tests.saved) else { return Value::Null };
    if let Some(of_labels) = tests.saved.multi_label() {
        let label = |label: &experiment::LabelFigures| {
            json!({"label": label.label, "support": label.positives,
                   "sensitivity": label.figure("sensitivity").value,
                   "specificity": label.figure("specificity").value})
        };
        return json!({
            "images": figures["images"],
            "macro_roc_auc": figures["macro_roc_auc"],
            "macro_roc_auc_interval": figures["intervals"]["macro_roc_auc"],
            "classes": of_labels.labels.iter().map(label).collect::<Vec<_>>(),
        });
    }
    let class = |row: &Value| json!({"label": row["label"], "support": row["support"], "sensitivity": row["recall"], "specificity": row["specificity"]});
    let classes: Vec<Value> = figures["classes"].as_array().into_iter().flatten().map(class).collect();
    json!({
        "images": figures["images"],
        "accuracy": figures["accuracy"],
        "accuracy_interval": figures["intervals"]["accuracy"],
        "classes": classes,
    })
}

/// Handles signals (Ctrl-C, TERM): the first drains, the second ends the program at once.
fn stop_on_signal(stop: Stop) -> Result<()> {
    let asked = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::SeqCst) {
            // The user wants out at once, and nothing is being written.
            status::end(status::INTERRUPTED);
        }
        // The request comes before the message, since writing to stderr may fail or block.
        stop.request();
        say("stopping: requests at hand get their answers (again to end at once)");
    })?;
    Ok(())
}

/// Keeps the server running after a panic on any thread: the request that meets one is answered with an error of the program.
fn go_on_after_panics() {
    std::panic::set_hook(Box::new(|panic| {
        if data::is_panic_caught() {
            return;
        }
        let before = "error: a request met a fault of thorax's own, and was answered so: ";
        say(Lines::of(&panic.to_string()).after(before));
    }));
}
