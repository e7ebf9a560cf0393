//! Progress bars and lines for the events of training, and the handling of Ctrl-C.

use std::{
    collections::HashMap,
    fmt::Write as _,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use train::{Event, Observer};

use crate::{
    output::{Output, say},
    status,
};

/// True once Ctrl-C was pressed during work that can be stopped cleanly.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// True while such work is under way.
static ORDERLY: AtomicBool = AtomicBool::new(false);

/// Makes the first Ctrl-C end training after the current batch; a second one, or one elsewhere, ends the program.
pub(crate) fn catch_interrupts() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if !ORDERLY.load(Ordering::SeqCst) || INTERRUPTED.swap(true, Ordering::SeqCst) {
            // The user wants out at once; every file is whole at any moment.
            status::end(status::INTERRUPTED);
        }
        say(["", "interrupted: finishing the batch at hand (again to end at once)"]);
    })?;
    Ok(())
}

/// Tells if Ctrl-C ended the work.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Time to read and decode a file after which it is named.
const SLOW: Duration = Duration::from_secs(10);
/// Time between two checks of the files that are being read.
const LOOK: Duration = Duration::from_millis(500);

/// Progress of listing and reading files, which names files that take long.
pub(crate) struct FileProgress<'a> {
    bar: ProgressBar,
    output: &'a Output,
    slow: Duration,
    /// Files that are being read → start time, and true if the file was named.
    busy: Mutex<HashMap<PathBuf, (Instant, bool)>>,
}

impl FileProgress<'_> {
    /// Reads a file, which is named if that takes long.
    pub(crate) fn while_reading<T>(&self, path: &Path, read: impl FnOnce() -> T) -> T {
        data::FileObserver::started(self, path);
        let read = read();
        data::FileObserver::finished(self, path);
        read
    }

    fn busy(&self) -> MutexGuard<'_, HashMap<PathBuf, (Instant, bool)>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns files that have taken long since the last check.
    fn newly_slow(&self) -> Vec<PathBuf> {
        let mut slow = Vec::new();
        for (path, (start, named)) in self.busy().iter_mut() {
            if !*named && start.elapsed() >= self.slow {
                *named = true;
                slow.push(path.clone());
            }
        }
        slow.sort();
        slow
    }

    fn name_slow(&self) {
        for path in self.newly_slow() {
            let text = format!(
                "`{}` has been read and decoded for {} s: its disk may be slow, or the file large",
                path.display(),
                self.slow.as_secs()
            );
            self.bar.suspend(|| self.output.warn(text));
        }
    }
}

impl data::FileObserver for FileProgress<'_> {
    fn listed(&self, files: usize) {
        self.bar.inc(files as u64);
    }

    fn started(&self, path: &Path) {
        self.busy().insert(path.to_owned(), (Instant::now(), false));
    }

    fn finished(&self, path: &Path) {
        self.busy().remove(path);
        self.bar.inc(1);
    }
}

/// Runs work on files that are listed, and shows their number.
pub(crate) fn listing<T>(output: &Output, work: impl FnOnce(&FileProgress<'_>) -> T) -> T {
    let bar = ProgressBar::with_draw_target(None, target(output));
    bar.set_style(style("{prefix:<15} {human_pos} files"));
    bar.set_prefix("listing files");
    watch(output, bar, SLOW, work)
}

/// Runs work that reads `images` images, with a bar; files that take long are named meanwhile.
pub(crate) fn reading<T>(output: &Output, images: usize, work: impl FnOnce(&FileProgress<'_>) -> T) -> T {
    watch(output, bar(output, images, "reading images"), SLOW, work)
}

/// Runs work that reads images and prints while it works: without a bar; files that take long are named meanwhile.
pub(crate) fn reading_without_bar<T>(output: &Output, work: impl FnOnce(&FileProgress<'_>) -> T) -> T {
    watch(output, ProgressBar::hidden(), SLOW, work)
}

fn watch<T>(
    output: &Output,
    bar: ProgressBar,
    slow: Duration,
    work: impl FnOnce(&FileProgress<'_>) -> T,
) -> T {
    let progress = FileProgress { bar, output, slow, busy: Mutex::default() };
    let done = thread::scope(|scope| {
        // The thread ends when this end of the channel is dropped.
        let (_working, over) = std::sync::mpsc::channel::<()>();
        let progress = &progress;
        // If the system cannot start a thread, files are read all the same.
        let _ = thread::Builder::new().spawn_scoped(scope, move || {
            let look = LOOK.min(progress.slow);
            while let Err(std::sync::mpsc::RecvTimeoutError::Timeout) = over.recv_timeout(look) {
                progress.name_slow();
            }
        });
        work(progress)
    });
    progress.bar.finish_and_clear();
    done
}

/// Makes a bar of images, hidden where no bars are drawn.
pub(crate) fn bar(output: &Output, images: usize, what: &'static str) -> ProgressBar {
    let bar = undrawn(images, what);
    bar.set_draw_target(target(output));
    bar
}

/// Makes a bar of images that is drawn once it has a place: anything drawn before would stay on the screen.
fn undrawn(images: usize, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(images as u64), ProgressDrawTarget::hidden());
    bar.set_style(style(
        "{prefix:<15} [{bar:30}] {human_pos}/{human_len} images  {rate}  {clock} left  {msg}",
    ));
    bar.set_prefix(what);
    bar
}

fn target(output: &Output) -> ProgressDrawTarget {
    if output.bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let rate = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
        let _ = write!(text, "{:.0} images/s", state.per_sec());
    };
    let clock = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
        let _ = text.write_str(&clock(state.eta()));
    };
    style.progress_chars("=> ").with_key("rate", rate).with_key("clock", clock)
}

/// Display of training: one bar for the epochs and one for the current epoch, and a line for each finished epoch.
pub(crate) struct Display<'a> {
    output: &'a Output,
    bars: MultiProgress,
    /// Epochs of the run; absent in tests.
    epochs: Option<ProgressBar>,
    /// Images of the current epoch, or of the test.
    images: Option<ProgressBar>,
    /// Images that the frozen part has processed.
    features: Option<ProgressBar>,
    start: Instant,
    batch: usize,
}

impl<'a> Display<'a> {
    pub(crate) fn new(output: &'a Output) -> Self {
        ORDERLY.store(true, Ordering::SeqCst);
        let bars = MultiProgress::with_draw_target(target(output));
        Self { output, bars, epochs: None, images: None, features: None, start: Instant::now(), batch: 0 }
    }

    /// Shows the pass over a set before the first epoch.
    fn features_computed(&mut self, images: usize, of: usize) {
        let bar = self.features.get_or_insert_with(|| self.bars.add(undrawn(of, "frozen part")));
        bar.set_position(images as u64);
        if images == of
            && let Some(bar) = self.features.take()
        {
            bar.finish_and_clear();
        }
    }

    fn epoch_started(&mut self, epoch: u64, epochs: u64, images: usize) {
        let of_epochs = self.epochs.get_or_insert_with(|| {
            let bar = self.bars.add(ProgressBar::new(epochs));
            bar.set_style(style("{prefix:<15} [{bar:30}] {msg}"));
            bar
        });
        of_epochs.set_prefix(format!("epoch {epoch}/{epochs}"));
        of_epochs.set_position(epoch - 1);
        // One bar for all epochs: bars that come and go leave stale lines behind.
        let of_images = self.images.get_or_insert_with(|| self.bars.add(undrawn(images, "training")));
        of_images.reset();
        self.batch = 0;
    }

    fn epoch_done(&mut self, row: &experiment::EpochRow, improved: bool, wait: u64, patience: u64) {
        let mut left = String::new();
        if let Some(epochs) = &self.epochs {
            let epochs_left = epochs.length().unwrap_or(row.epoch).saturating_sub(row.epoch);
            let left_at_most = self.start.elapsed().as_secs_f64() / row.epoch as f64 * epochs_left as f64;
            let _ = write!(left, "at most {} left", clock(Duration::from_secs_f64(left_at_most)));
            epochs.set_message(format!("patience {wait}/{patience}, {left}"));
        }
        let note = match (improved, wait) {
            (true, 0) => "best so far".to_owned(),
            (true, _) => format!("best so far, patience {wait}/{patience}"),
            (false, _) => format!("patience {wait}/{patience}"),
        };
        let figure = |name: &str, value: Option<f64>| {
            value.map_or(String::new(), |value| format!("  {name} {value:.4}"))
        };
        let line = format!(
            "epoch {:>3}  loss {:.4}{}{}  val_loss {:.4}{}{}  {:.1} s  {note}",
            row.epoch,
            row.loss,
            figure("accuracy", row.accuracy),
            figure("auc", row.auc),
            row.val_loss,
            figure("val_accuracy", row.val_accuracy),
            figure("val_auc", row.val_auc),
            row.seconds
        );
        self.line(line);
        tracing::info!("{left}");
    }

    /// Prints a line above the bars where there are any. Errors are ignored, since the terminal may be gone.
    fn line(&self, line: String) {
        if self.output.bars {
            let _ = self.bars.println(line);
        } else {
            self.output.note(line);
        }
    }

    /// Shows classified images: within the epoch's bar for validation, in a bar of its own for a test.
    fn classified(&mut self, images: usize, of: usize) {
        if self.epochs.is_some() {
            if let Some(bar) = &self.images {
                bar.set_message(format!("validating {images}/{of}"));
            }
            return;
        }
        let bar = self.images.get_or_insert_with(|| self.bars.add(undrawn(of, "testing")));
        bar.set_position(images as u64);
    }
}

impl Drop for Display<'_> {
    fn drop(&mut self) {
        ORDERLY.store(false, Ordering::SeqCst);
        for bar in [self.features.take(), self.images.take(), self.epochs.take()].into_iter().flatten() {
            bar.finish_and_clear();
        }
    }
}

impl Observer for Display<'_> {
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        match *event {
            Event::EpochStarted { epoch, epochs, images } => self.epoch_started(epoch, epochs, images),
            Event::FeaturesComputed { images, of } => self.features_computed(images, of),
            Event::BatchTrained { images, loss } => {
                self.batch += 1;
                if let Some(bar) = &self.images {
                    bar.set_position(images as u64);
                    bar.set_message(format!("batch {}, loss {loss:.4}", self.batch));
                }
            }
            Event::BatchSkipped { epoch, batch, loss } => {
                self.batch += 1;
                self.line(format!("epoch {epoch:>3}  batch {batch} left out: loss {loss}"));
            }
            Event::EpochDone { row, improved, wait, patience } => {
                self.epoch_done(row, improved, wait, patience);
            }
            Event::BatchClassified { images, of } => self.classified(images, of),
        }
        if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Formats a duration as `0:07`, or with hours `1:02:07`.
fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_takes_long_is_named_once() {
        let output = Output::silent();
        watch(&output, ProgressBar::hidden(), Duration::from_millis(20), |progress| {
            use data::FileObserver as _;
            for name in ["quick", "slow"] {
                progress.started(Path::new(name));
            }
            progress.finished(Path::new("quick"));
            thread::sleep(Duration::from_millis(200));
            // The watching thread has named it already.
            assert!(progress.newly_slow().is_empty());
            assert!(progress.busy()[Path::new("slow")].1);
            progress.started(Path::new("another"));
            thread::sleep(Duration::from_millis(200));
            assert!(progress.busy()[Path::new("another")].1);
            progress.finished(Path::new("another"));
            progress.finished(Path::new("slow"));
            assert!(progress.busy().is_empty());
        });
    }

    #[test]
    fn times_are_short() {
        let of = |seconds| clock(Duration::from_secs(seconds));
        assert_eq!([of(7), of(61), of(3727)], ["0:07", "1:01", "1:02:07"]);
    }
}
