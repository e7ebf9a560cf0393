//! Start-up test: the archive, unpacked elsewhere, has to train, predict and serve with nothing of this machine but the
//! system's own libraries. A line is printed for each thing that was checked.

mod server;

use super::archive;
use super::build::RUN_PATH;
use super::elf::Binary;
use crate::failure::{Advice, fail};
use anyhow::{Context as _, Result};
use serde_json::Value;
use server::Server;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Largest difference between `serve` and `predict`.
const TOLERANCE: f64 = 1e-4;

pub(super) struct Expected<'a> {
    pub(super) version: &'a str,
    /// Names of the libraries that are packed.
    pub(super) libraries: Vec<String>,
    /// Folders of this machine that the program must neither contain nor use.
    pub(super) hidden: Vec<PathBuf>,
}

/// Unpacked archive, with a folder to work in.
struct Trial {
    folder: TempDir,
    name: String,
}

pub(super) fn run(archive: &Path, name: &str, expected: &Expected<'_>) -> Result<()> {
    // Every program must accept a space in a folder's name.
    let folder = tempfile::Builder::new().prefix("thorax elsewhere ").tempdir();
    let folder = folder.context("cannot make a temporary folder")?;
    archive::unpack(archive, folder.path())?;
    let trial = Trial { folder, name: name.to_owned() };
    for folder in ["work", "nothing"] {
        let path = trial.folder.path().join(folder);
        std::fs::create_dir(&path).with_context(|| format!("cannot make `{}`", path.display()))?;
    }
    println!(
        "\nunpacked in `{}`, with an empty environment but an empty PATH:",
        trial.folder.path().display()
    );
    trial.run_path()?;
    trial.tells_nothing(&expected.hidden)?;
    trial.starts(expected.version)?;
    let image = trial.trains()?;
    let predicted = trial.predicts(&image)?;
    trial.serves(&image, &predicted, expected)
}

fn seen(text: impl AsRef<str>) {
    println!("  ok  {}", text.as_ref());
}

impl Trial {
    fn root(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    fn program(&self) -> PathBuf {
        self.root().join("bin/thorax")
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Makes a command that runs the program with no variable that could find anything for it: no cargo, no rustc, no
    /// python, no LD_LIBRARY_PATH.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program());
        command.args(arguments).current_dir(self.work()).env_clear().stdin(Stdio::null());
        command.env("PATH", self.folder.path().join("nothing")).env("HOME", self.work());
        command
    }

    /// Returns the output of the program.
    fn says(&self, arguments: &[&str]) -> Result<String> {
        let shown = format!("thorax {}", arguments.join(" "));
        let output = self.command(arguments).output().with_context(|| format!("cannot run `{shown}`"))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            let advice =
                Advice::new(format!("`{shown}` failed ({})", output.status), "its own words are above");
            return Err(anyhow::anyhow!(words).context(advice));
        }
        String::from_utf8(output.stdout).with_context(|| format!("`{shown}` prints no UTF-8"))
    }

    fn run_path(&self) -> Result<()> {
        let found = Binary::read(&self.program())?.run_paths;
        if found != [RUN_PATH] {
            let message =
                format!("the program looks for libraries in `{}`, not in `{RUN_PATH}`", found.join(":"));
            return Err(fail(message, "see `crates/model/build.rs`"));
        }
        seen(format!("bin/thorax looks for libraries in {RUN_PATH} and nowhere else"));
        Ok(())
    }

    fn tells_nothing(&self, hidden: &[PathBuf]) -> Result<()> {
        let bytes = std::fs::read(self.program()).context("cannot read the program")?;
        // A short one such as `/src` also occurs within other paths.
        let telling = hidden.iter().filter(|folder| folder.components().count() > 2);
        for folder in telling.filter_map(|folder| folder.to_str()) {
            let below = format!("{folder}/");
            if bytes.windows(below.len()).any(|window| window == below.as_bytes()) {
                let message = format!("the program holds the path `{folder}` of this machine");
                return Err(fail(message, "see what `dist/build.rs` replaces"));
            }
        }
        seen("bin/thorax names no folder of the machine that it was built on");
        Ok(())
    }

    fn starts(&self, version: &str) -> Result<()> {
        let said = self.says(&["--version"])?;
        if said.trim() != format!("thorax {version}") {
            return Err(fail(
                format!("`thorax --version` says `{}`", said.trim()),
                "build it again: cargo xtask dist",
            ));
        }
        seen(format!("thorax --version: {}", said.trim()));
        #[cfg(unix)]
        {
            let link = self.work().join("thorax");
            std::os::unix::fs::symlink(self.program(), &link).context("cannot make a link")?;
            let linked =
                Command::new(&link).arg("--version").env_clear().output().context("cannot run a link")?;
            if linked.stdout != said.as_bytes() {
                let words = String::from_utf8_lossy(&linked.stderr).trim().to_owned();
                return Err(fail(
                    format!("the program does not start by a link: {words}"),
                    "see its run path",
                ));
            }
            seen("it starts by a link in another folder too");
        }
        Ok(())
    }

    /// Makes a sample and trains on it. Returns one of its test images.
    fn trains(&self) -> Result<PathBuf> {
        self.says(&[
            "data",
            "sample",
            "--out",
            "sample",
            "--count",
            "120",
            "--test-per-class",
            "2",
            "--image-size",
            "64",
        ])?;
        let train =
            ["train", "--data", "sample", "--epochs", "1", "--image-size", "16", "--out", "run", "--json"];
        let trained: Value =
            serde_json::from_str(&self.says(&train)?).context("`thorax train` prints no JSON")?;
        let images = trained["saved"]["images"].as_u64().filter(|&images| images > 0);
        let images = images.context("`thorax train` tested no image")?;
        seen(format!("thorax train: a ConvNet on synthetic images, tested on {images}"));
        let folder = self.work().join("sample Test/NORMAL");
        let mut images = std::fs::read_dir(&folder).with_context(|| format!("no `{}`", folder.display()))?;
        images
            .next()
            .context("the sample has no test image")?
            .map(|entry| entry.path())
            .context("nor can it be listed")
    }

    /// Returns the prediction of an image.
    fn predicts(&self, image: &Path) -> Result<Value> {
        let said = self.says(&["predict", &image.to_string_lossy(), "--saved", "run", "--json"])?;
        let row: Value = serde_json::from_str(&said).context("`thorax predict` prints no JSON")?;
        let class = row["predicted"].as_str().context("`thorax predict` names no class")?;
        let probability =
            row["probabilities"][class].as_f64().context("`thorax predict` gives no probability")?;
        seen(format!("thorax predict: {class}, with probability {probability:.4}"));
        Ok(row)
    }

    fn serves(&self, image: &Path, predicted: &Value, expected: &Expected<'_>) -> Result<()> {
        let server =
            Server::start(self.command(&["serve", "--quiet", "--saved", "run", "--listen", "127.0.0.1:0"]))?;
        let health = server.get("/healthz")?;
        if health["status"] != "ok" {
            return Err(fail(format!("/healthz answers {health}"), "see `thorax serve`"));
        }
        seen(format!("thorax serve: {} answers /healthz", server.address()));
        let answer = server.post("/v1/predict", &std::fs::read(image).context("cannot read the image")?)?;
        let classes =
            predicted["probabilities"].as_object().context("`thorax predict` gives no probabilities")?;
        for (class, probability) in classes {
            let pair = answer["probabilities"][class].as_f64().zip(probability.as_f64());
            if pair.is_none_or(|(served, predicted)| (served - predicted).abs() > TOLERANCE) {
                let message = format!("/v1/predict answers {answer}, not {predicted}");
                return Err(fail(message, "see `thorax serve`"));
            }
        }
        seen("thorax serve: /v1/predict gives the probabilities of thorax predict");
        self.loads(server.loaded()?, expected)?;
        server.stop()?;
        seen("thorax serve: ends at TERM, with exit code 0");
        Ok(())
    }

    /// Checks that every packed library is loaded from the archive, and nothing from the build.
    fn loads(&self, loaded: Vec<PathBuf>, expected: &Expected<'_>) -> Result<()> {
        let lib = self.root().join("lib").canonicalize().context("the archive has no `lib`")?;
        let (own, others): (Vec<_>, Vec<_>) = loaded.into_iter().partition(|path| path.starts_with(&lib));
        let is_packed = |path: &PathBuf| {
            path.file_name()
                .is_some_and(|name| expected.libraries.iter().any(|packed| name == packed.as_str()))
        };
        let of_build = |path: &&PathBuf| expected.hidden.iter().any(|hidden| path.starts_with(hidden));
        if let Some(path) = others.iter().find(|path| is_packed(path) || of_build(path)) {
            let message = format!("`{}` was loaded, not the archive's own", path.display());
            return Err(fail(message, "see `readelf -d` of the program and of its libraries"));
        }
        if own.len() != expected.libraries.len() {
            let message =
                format!("{} of the {} packed libraries were loaded", own.len(), expected.libraries.len());
            return Err(fail(message, "see `dist/libraries.rs`, which says what is needed"));
        }
        let names = others.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy());
        let names = names.collect::<Vec<_>>().join(", ");
        seen(format!("it has loaded {} libraries of the archive, and of the system's {names}", own.len()));
        Ok(())
    }
}
