use metrics::{Scores, Targets};

use super::*;
use crate::{HeldOutImage, PredictedImage, PredictionTable, RunRecord, TestRecord, Tested};

fn record() -> CrossValidationRecord {
    CrossValidationRecord {
        status: RunStatus::Running,
        settings: BTreeMap::new(),
        seed: 28,
        drawn: "drawn".to_owned(),
        classes: vec!["a".to_owned(), "b".to_owned()],
        synthetic: false,
        skipped: Vec::new(),
        data_fingerprint: String::new(),
        versions: BTreeMap::new(),
        folds: vec![FoldRecord::new(1), FoldRecord::new(2)],
        pooled: None,
        spread: None,
    }
}

/// Four images, `1` and `2` of class a, `3` and `4` of class b; odd ones in the first fold.
fn samples() -> Vec<HeldOutImage> {
    let sample = |i: usize| HeldOutImage {
        path: i.to_string().into(),
        class: Some(usize::from(i > 2)),
        group: None,
        fold: (i + 1) % 2,
    };
    (1..=4).map(sample).collect()
}

fn predictions(images: &[(&str, usize)]) -> PredictionTable {
    let image = |&(path, _): &(&str, usize)| PredictedImage { path: path.into(), group: None, note: None };
    let labels: Vec<usize> = images.iter().map(|(_, label)| *label).collect();
    let rows = images.iter().flat_map(|(path, _)| [path.parse::<f64>().unwrap() / 8.0, 0.5]).collect();
    let scores = Scores::new(Targets::from_classes(["a", "b"], labels).unwrap(), rows).unwrap();
    PredictionTable::new(images.iter().map(image).collect(), scores).unwrap()
}

/// Makes a fold's run, in this state, with predictions of these images.
fn run(begun: &CrossValidation, fold: usize, status: RunStatus, images: &[(&str, usize)]) -> Run {
    let record = RunRecord {
        epochs_run: 3,
        best_epoch: Some(2),
        best_val_loss: Some(0.5),
        settings: BTreeMap::from([("fold".to_owned(), fold.into())]),
        classes: vec!["a".to_owned(), "b".to_owned()],
        class_weights: vec![1.0; 2],
        ..RunRecord::empty(status)
    };
    let run = Run::create(&begun.file(&run_name(fold)), record).unwrap();
    let set = predictions(images);
    set.write(&run.file(PREDICTIONS)).unwrap();
    let figures = TestFigures::new(&set, Tested::from_file(String::new())).unwrap();
    run.save_tests(&TestRecord { saved: figures.clone(), last: figures, occluded: BTreeMap::new() }).unwrap();
    run
}

fn begun() -> (tempfile::TempDir, CrossValidation) {
    let folder = tempfile::tempdir().unwrap();
    let begun = CrossValidation::create(folder.path(), record(), b"path,label\n").unwrap();
    (folder, begun)
}

#[test]
fn a_folder_is_free_ours_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("cv");
    assert!(CrossValidation::open(&out).unwrap().is_none());
    drop(CrossValidation::lock(&out).unwrap());
    // A process killed between the two files leaves this.
    fs::write(out.join(FOLDS), "path,label\n").unwrap();
    fs::write(out.join(LOCK), "").unwrap();
    fs::write(out.join(".cross-validation.json.abcdefghijkl.thorax-tmp"), "{").unwrap();
    assert!(CrossValidation::open(&out).unwrap().is_none());
    let error = CrossValidation::create(&out, record(), b"path\n").err().unwrap();
    assert!(matches!(error, Error::NotEmpty { .. }), "{error}");
    assert_eq!(fs::read(out.join(FOLDS)).unwrap(), b"path,label\n");
    drop(CrossValidation::lock(&out).unwrap());
    CrossValidation::create(&out, record(), b"path,label\n").unwrap();
    assert_eq!(fs::read_dir(&out).unwrap().count(), 2);
    assert_eq!(CrossValidation::open(&out).unwrap().unwrap().record, record());
    fs::write(out.join(RECORD), "{}").unwrap();
    assert!(matches!(CrossValidation::open(&out), Err(Error::NotARecord { .. })));
    fs::rename(out.join(RECORD), out.join(RUN)).unwrap();
    assert!(matches!(CrossValidation::open(&out), Err(Error::HoldsRun { .. })));
    fs::rename(out.join(RUN), out.join("mine.txt")).unwrap();
    assert!(matches!(CrossValidation::open(&out), Err(Error::NotEmpty { .. })));
}

#[test]
fn a_fold_is_finished_once_it_ended_and_was_tested() {
    let (_folder, mut begun) = begun();
    assert!(matches!(begun.state(1).unwrap(), FoldState::Missing));
    fs::create_dir(begun.file("fold-1")).unwrap();
    fs::write(begun.file("fold-1/.run.json.abcdefghijkl.thorax-tmp"), "{").unwrap();
    assert!(matches!(begun.state(1).unwrap(), FoldState::Unfinished(None)));
    begun.clear(1).unwrap();
    for status in [RunStatus::Running, RunStatus::Interrupted, RunStatus::Failed] {
        run(&begun, 1, status, &[("1", 0), ("3", 1)]);
        assert!(matches!(begun.state(1).unwrap(), FoldState::Unfinished(Some(of)) if of == status));
        begun.clear(1).unwrap();
        assert!(matches!(begun.state(1).unwrap(), FoldState::Missing));
    }
    run(&begun, 1, RunStatus::EarlyStopped, &[("1", 0), ("3", 1)]);
    assert!(matches!(begun.state(1).unwrap(), FoldState::Finished(_)));
    assert!(!begun.refresh().unwrap());
    run(&begun, 2, RunStatus::Completed, &[("2", 0), ("4", 1)]);
    assert!(begun.refresh().unwrap());
    assert_eq!(begun.record.folds[1].best_epoch, Some(2));
    fs::remove_file(begun.file("fold-2/test.json")).unwrap();
    assert!(!begun.refresh().unwrap());
    // A process killed while it cleared the fold away leaves this; it is removed too.
    fs::rename(begun.file("fold-2"), begun.file(".fold-2.old")).unwrap();
    begun.clear(2).unwrap();
    let mut names: Vec<_> =
        fs::read_dir(begun.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [RECORD, "fold-1", FOLDS]);
}

#[test]
fn what_is_no_fold_of_ours_stays() {
    let (_folder, begun) = begun();
    fs::create_dir(begun.file("fold-1")).unwrap();
    fs::write(begun.file("fold-1/mine.txt"), "mine").unwrap();
    assert!(matches!(begun.state(1), Err(Error::NotEmpty { .. })));
    let mut other = run(&begun, 2, RunStatus::Running, &[("1", 0)]);
    other.record.settings.clear();
    other.save().unwrap();
    assert!(matches!(begun.state(2), Err(Error::HoldsRun { .. })));
}

#[test]
fn a_fold_is_trained_by_one_process_at_a_time() {
    let (_folder, begun) = begun();
    let held = begun.lock_fold(2).unwrap();
    let error = begun.lock_fold(2).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("fold 2 of `{}` is being trained by another process", begun.folder().display())
    );
    begun.lock_fold(1).unwrap();
    drop(held);
    begun.lock_fold(2).unwrap();
}

#[test]
fn predictions_are_pooled_in_the_order_of_images() {
    let (_folder, mut begun) = begun();
    let samples = samples();
    run(&begun, 1, RunStatus::Completed, &[("3", 1), ("1", 0)]);
    run(&begun, 2, RunStatus::Completed, &[("2", 0), ("4", 1)]);
    let pooled = begun.pooled(&samples).unwrap();
    assert_eq!(pooled, predictions(&[("1", 0), ("2", 0), ("3", 1), ("4", 1)]));
    for (rows, problem) in [
        (&[("1", 0)][..], "line 1: it lacks `3`"),
        (&[("1", 0), ("2", 0)], "line 3: `2` is there twice, or no image of fold 1"),
        (&[("1", 0), ("1", 0)], "line 3: `1` is there twice, or no image of fold 1"),
        (&[("1", 0), ("3", 0)], "line 3: `3` is there twice, or no image of fold 1"),
    ] {
        let path = begun.file("fold-1/predictions.csv");
        predictions(rows).write(&path).unwrap();
        let error = begun.pooled(&samples).unwrap_err().to_string();
        assert_eq!(error, format!("`{}`, {problem}", path.display()));
    }
    predictions(&[("1", 0)]).write(&begun.file("fold-1/predictions.csv")).unwrap();
    begun.record.skipped.push("3".to_owned());
    assert_eq!(begun.pooled(&samples).unwrap(), predictions(&[("1", 0), ("2", 0), ("4", 1)]));
}
