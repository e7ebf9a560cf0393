use std::{fs, path::Path, time::Duration};

use data::{Augmentation, Decoding, Formats, Interpolation, Preprocess};
use model::{Device, InputScale, Precision, Pretrained, Spec};
use phantoms::SampleOptions;

use super::*;
use crate::{Averaging, OnNonFinite, Schedule};
use experiment::{BEST, LAST, PREDICTIONS, RunRecord, RunStatus};

fn images(folder: &Path) -> [ImageSet; 2] {
    let out = folder.join("Phantoms");
    let options = SampleOptions { count: 40, test_per_class: 0, image_size: 32, seed: 28 };
    phantoms::write_sample(&out, &options, &|| ()).unwrap();
    let listing = data::open(&out, &data::OpenOptions::KERAS).unwrap();
    let split = data::split::random(&listing, 0.25, 28).unwrap();
    let preprocess = Preprocess { image_size: 12, interpolation: Interpolation::Bilinear };
    [split.training, split.validation]
        .map(|samples| data::load(&samples, &preprocess, &Decoding::new(Formats::Keras), None, &|| ()).images)
}

fn classifier() -> Classifier {
    let spec = Spec {
        task: metrics::Task::MultiClass,
        architecture: &model::CONVNET,
        classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
        image_size: 12,
        interpolation: Interpolation::Bilinear,
        formats: Some(Formats::All),
        input_scale: InputScale::Unit,
        normalisation: None,
        precision: Precision::F32,
    };
    Classifier::new(spec, Pretrained::None, 28, Device::Cpu).unwrap()
}

fn config() -> FitConfig {
    FitConfig {
        epochs: 4,
        batch_size: 7,
        patience: 5,
        min_delta: 0.01,
        learning_rate: 0.003,
        base_rate: 1.0,
        weight_decay: 0.004,
        schedule: Schedule::Cosine,
        warmup_epochs: 0.5,
        averaging: Averaging::Ema,
        feature_memory: 0,
        loss: Loss::Crossentropy(vec![3.0, 1.0, 1.0]),
        monitor: Monitor::ValLoss,
        augmentation: "light".parse::<Augmentation>().unwrap(),
        seed: 28,
        checkpoint_every: None,
        on_non_finite: OnNonFinite::Stop,
        extended: false,
    }
}

fn run(folder: &Path) -> Run {
    Run::create(folder, RunRecord::empty(RunStatus::Running)).unwrap()
}

/// Observer that stops at its nth event.
struct Stop(usize);

impl Observer for Stop {
    fn on(&mut self, _: &Event<'_>) -> ControlFlow<()> {
        self.0 -= 1;
        if self.0 == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Returns both checkpoints' bytes, and the history without its seconds.
fn left(run: &Run) -> (Vec<u8>, Vec<u8>, Vec<EpochRow>) {
    let history = experiment::read_history(&run.file(HISTORY)).unwrap();
    let history = history.into_iter().map(|row| EpochRow { seconds: 0.0, ..row }).collect();
    (fs::read(run.file(BEST)).unwrap(), fs::read(run.file(LAST)).unwrap(), history)
}

fn go_on(
    [training, validation]: &[ImageSet; 2],
    config: &FitConfig,
    run: &mut Run,
    observer: &mut dyn Observer,
) -> Result<Ending> {
    let path = run.file(LAST);
    if !path.exists() {
        return fit(&classifier(), training, validation, config, None, run, observer);
    }
    let checkpoint = Checkpoint::read(&path).unwrap();
    let classifier = Classifier::from_checkpoint(&checkpoint, &path, Device::Cpu).unwrap();
    fit(&classifier, training, validation, config, Some(&checkpoint), run, observer)
}

/// Covers average, schedule, warm-up, weight decay and augmentation together, stopped after every number of events.
#[test]
fn a_run_stopped_anywhere_ends_as_if_it_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let images = images(folder.path());
    let mut whole = run(&folder.path().join("whole"));
    assert_eq!(go_on(&images, &config(), &mut whole, &mut ()).unwrap(), Ending::Completed);
    let expected = left(&whole);
    for events in [1, 2, 3, 4, 5, 7, 9, 12, 15] {
        let mut stopped = run(&folder.path().join(format!("stopped-{events}")));
        let mut endings = 0;
        loop {
            // A stop before the first save leaves nothing to resume from: each attempt gets one event further.
            match go_on(&images, &config(), &mut stopped, &mut Stop(events + endings)).unwrap() {
                Ending::Interrupted => endings += 1,
                Ending::Completed => break,
                Ending::EarlyStopped => panic!("stopped early"),
            }
        }
        assert!(endings > 1, "{events}");
        assert!(left(&stopped) == expected, "stopped {endings} times, after {events} events and more");
        assert_eq!(stopped.record.best_epoch, whole.record.best_epoch);
        assert_eq!(stopped.record.epochs_run, 4);
    }
    assert!(!whole.file(PREDICTIONS).exists());
}

/// A save within an epoch while training runs changes nothing, and training resumes from it exactly.
#[test]
fn a_save_within_an_epoch_is_gone_on_from_at_its_batch() {
    let folder = tempfile::tempdir().unwrap();
    let images = images(folder.path());
    let config = FitConfig { checkpoint_every: Some(Duration::ZERO), ..config() };
    let mut whole = run(&folder.path().join("whole"));
    go_on(&images, &config, &mut whole, &mut ()).unwrap();
    let mut stopped = run(&folder.path().join("stopped"));
    go_on(&images, &config, &mut stopped, &mut Stop(4)).unwrap();
    let checkpoint = Checkpoint::read(&stopped.file(LAST)).unwrap();
    assert_eq!(checkpoint.meta.epoch, 0);
    assert_eq!(TrainState::of(&checkpoint).unwrap().partial.unwrap().batches, 3);
    go_on(&images, &config, &mut stopped, &mut ()).unwrap();
    assert!(left(&stopped) == left(&whole));
}

#[test]
fn a_run_that_is_over_stays_so_until_it_is_extended() {
    let folder = tempfile::tempdir().unwrap();
    let images = images(folder.path());
    let config = FitConfig { patience: 1, min_delta: 100.0, ..config() };
    let mut run = run(&folder.path().join("run"));
    assert_eq!(go_on(&images, &config, &mut run, &mut ()).unwrap(), Ending::EarlyStopped);
    let before = left(&run);
    assert_eq!(go_on(&images, &config, &mut run, &mut ()).unwrap(), Ending::EarlyStopped);
    assert!(left(&run) == before && run.record.epochs_run == 2);
    let config = FitConfig { patience: 5, epochs: 5, extended: true, ..config };
    assert_eq!(go_on(&images, &config, &mut run, &mut ()).unwrap(), Ending::Completed);
    assert_eq!((run.record.epochs_run, &left(&run).2[..2]), (5, &before.2[..]));
}

#[test]
fn a_history_that_lacks_epochs_is_refused_and_what_a_kill_left_of_a_row_goes() {
    let folder = tempfile::tempdir().unwrap();
    let images = images(folder.path());
    let mut run = run(&folder.path().join("run"));
    let config = FitConfig { epochs: 2, ..config() };
    go_on(&images, &config, &mut run, &mut ()).unwrap();
    let before = left(&run);
    let whole = fs::read_to_string(run.file(HISTORY)).unwrap();
    fs::write(run.file(HISTORY), format!("{whole}3,0.5,0.")).unwrap();
    go_on(&images, &config, &mut run, &mut ()).unwrap();
    assert!(left(&run) == before);
    let (short, _) = whole.trim_end().rsplit_once('\n').unwrap();
    fs::write(run.file(HISTORY), format!("{short}\n")).unwrap();
    let error = go_on(&images, &config, &mut run, &mut ()).unwrap_err().to_string();
    assert!(error.ends_with("does not have all of the 2 epochs of the run's last checkpoint"), "{error}");
}

#[test]
fn a_step_that_is_not_finite_ends_training_or_is_left_out_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let images = images(folder.path());
    // With 8-bit pixels and sane weights no loss is infinite: here a class weight is.
    let config =
        FitConfig { loss: Loss::Crossentropy(vec![f64::INFINITY, 1.0, 1.0]), batch_size: 4, ..config() };
    let mut stopped = run(&folder.path().join("stopped"));
    let error = go_on(&images, &config, &mut stopped, &mut ()).unwrap_err().to_string();
    assert!(error.starts_with("the loss is inf in epoch 1, batch "), "{error}");
    let skipping = FitConfig { on_non_finite: OnNonFinite::Skip, ..config.clone() };
    let mut skipped = run(&folder.path().join("skipped"));
    assert_eq!(go_on(&images, &skipping, &mut skipped, &mut ()).unwrap(), Ending::Completed);
    let n = skipped.record.skipped_steps;
    assert!((4..36).contains(&n), "{n}");
    let rows = experiment::read_history(&skipped.file(HISTORY)).unwrap();
    assert!(rows.iter().all(|row| row.loss.is_finite() && row.val_loss.is_finite()));
    // Nothing is learnt if every step is skipped.
    let hopeless = FitConfig { loss: Loss::Crossentropy(vec![f64::NAN; 3]), ..skipping };
    let mut run = run(&folder.path().join("hopeless"));
    let error = go_on(&images, &hopeless, &mut run, &mut ()).unwrap_err().to_string();
    assert!(error.starts_with("the loss is NaN in epoch 1, all batches"), "{error}");
}

/// Checkpoints may come from anyone: sums of such counts would overflow.
#[test]
fn a_checkpoint_that_counts_to_what_no_training_does_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let images = images(folder.path());
    let mut stopped = run(&folder.path().join("run"));
    let mut ending = Ending::Interrupted;
    for events in 5..9 {
        ending = go_on(&images, &config(), &mut stopped, &mut Stop(events)).unwrap();
    }
    assert_eq!(ending, Ending::Interrupted);
    let path = stopped.file(LAST);
    let whole = Checkpoint::read(&path).unwrap();
    for (key, words) in [("epoch", "counts to"), ("steps", "counts to"), ("wait", "counts to")] {
        let mut other = whole.clone();
        match key {
            "epoch" => other.meta.epoch = u64::MAX,
            key => other.meta.training.as_mut().unwrap()[key] = u64::MAX.into(),
        }
        let mut bytes = Vec::new();
        other.encode().unwrap().write_to(&mut bytes).unwrap();
        fs::write(&path, bytes).unwrap();
        let error = go_on(&images, &config(), &mut stopped, &mut ()).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("18446744073709551615"), "{error}");
    }
}
