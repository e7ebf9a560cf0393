use std::{path::Path, time::Instant};

use data::ImageSet;
use metrics::{ClassFigures, ConfusionMatrix, KerasFigures, Predictions, argmax};
use model::Classifier;
use serde::Serialize;

use crate::{Error, Event, Inputs, Observer, Result, files::write_atomically};

/// Classifies every image of a set, in order, by the one batcher that tests and predictions share: 32 images, the
/// last batch padded. `None` if the observer stopped it.
///
/// # Errors
/// The network's own; probabilities that are not finite.
pub fn evaluate(
    classifier: &Classifier,
    inputs: &Inputs<'_>,
    observer: &mut dyn Observer,
) -> Result<Option<Predictions>> {
    let inference = classifier.inference()?;
    let images = inputs.set();
    let mut probabilities = Vec::with_capacity(images.len() * classifier.spec().classes.len());
    let mut done = 0;
    while done < images.len() {
        let (features, filled) = inputs.evaluation_batch(classifier, done)?;
        probabilities.extend(inference.of_features(&features, filled)?);
        done += filled;
        if observer.on(&Event::BatchClassified { images: done, of: images.len() }).is_break() {
            return Ok(None);
        }
    }
    Ok(Some(Predictions::new(classifier.spec().classes.len(), images.labels(), probabilities)?))
}

/// A test's result as `test.json` holds it and `test --json` prints it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TestFigures {
    /// The file tested.
    pub checkpoint: String,
    /// Number of images.
    pub images: usize,
    /// Keras' categorical crossentropy.
    pub loss: f64,
    /// Share of images right, in `[0, 1]`.
    pub accuracy: f64,
    /// As Keras counts them: see [`KerasFigures`].
    pub true_positives: u64,
    /// As Keras counts them.
    pub false_positives: u64,
    /// As Keras counts them.
    pub true_negatives: u64,
    /// As Keras counts them.
    pub false_negatives: u64,
    /// TP / (TP + FP) of the counts above.
    pub precision: f64,
    /// TP / (TP + FN) of the counts above.
    pub recall: f64,
    /// Each class's figures, in class order.
    pub classes: Vec<ClassRow>,
    /// True classes as rows, predicted ones as columns.
    pub confusion_matrix: Vec<Vec<u64>>,
    /// Whether the images are phantoms, no radiographs.
    pub synthetic: bool,
    /// Wall time of the forward passes.
    pub seconds: f64,
    /// Images by those seconds.
    pub images_per_second: f64,
}

/// One class's figures; what is 0/0 is `null`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassRow {
    /// The class.
    pub label: String,
    /// Its images.
    pub support: u64,
    /// See [`ClassFigures`].
    pub precision: Option<f64>,
    /// Sensitivity.
    pub recall: Option<f64>,
    /// See [`ClassFigures`].
    pub specificity: Option<f64>,
    /// See [`ClassFigures`].
    pub f1: Option<f64>,
}

/// Tests a network on a set: predictions and figures; `checkpoint` is how its file is called in them. `None` if the
/// observer stopped it.
///
/// # Errors
/// A set without images; as [`evaluate`].
pub fn figures(
    classifier: &Classifier,
    checkpoint: &Path,
    images: &ImageSet,
    observer: &mut dyn Observer,
) -> Result<Option<(TestFigures, Predictions)>> {
    let start = Instant::now();
    let Some(predictions) = evaluate(classifier, &Inputs::images(images), observer)? else { return Ok(None) };
    let seconds = start.elapsed().as_secs_f64();
    let keras = KerasFigures::new(&predictions)
        .ok_or_else(|| Error::Config("a test needs at least one image".to_owned()))?;
    let matrix = ConfusionMatrix::new(&predictions);
    let classes = classifier.spec().classes.iter().zip(matrix.classes());
    let figures = TestFigures {
        checkpoint: checkpoint.display().to_string(),
        images: predictions.len(),
        loss: keras.loss,
        accuracy: keras.accuracy,
        true_positives: keras.true_positives,
        false_positives: keras.false_positives,
        true_negatives: keras.true_negatives,
        false_negatives: keras.false_negatives,
        precision: keras.precision,
        recall: keras.recall,
        classes: classes.map(|(label, figures)| ClassRow::new(label, &figures)).collect(),
        confusion_matrix: matrix.counts().to_vec(),
        synthetic: images.is_synthetic(),
        seconds,
        images_per_second: predictions.len() as f64 / seconds.max(f64::MIN_POSITIVE),
    };
    Ok(Some((figures, predictions)))
}

impl ClassRow {
    fn new(label: &str, figures: &ClassFigures) -> Self {
        let &ClassFigures { support, precision, recall, specificity, f1 } = figures;
        Self { label: label.to_owned(), support, precision, recall, specificity, f1 }
    }
}

/// Writes `predictions.csv`: `path,label,predicted,p_<class>…`, a row an image, in the set's order.
///
/// # Errors
/// A file that cannot be written.
pub fn write_predictions(
    path: &Path,
    images: &ImageSet,
    classes: &[String],
    predictions: &Predictions,
) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let fixed = ["path", "label", "predicted"].map(str::to_owned).into_iter();
    let header = fixed.chain(classes.iter().map(|class| format!("p_{class}")));
    let failed =
        |error: csv::Error| Error::Io { action: "write", path: path.to_owned(), source: error.into() };
    writer.write_record(header).map_err(failed)?;
    for (sample, (label, row)) in images.samples().iter().zip(predictions.rows()) {
        let name = sample.path.to_string_lossy();
        let fixed = [&name, classes[label].as_str(), classes[argmax(row)].as_str()].map(str::to_owned);
        writer.write_record(fixed.into_iter().chain(row.iter().map(f32::to_string))).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    write_atomically(path, &bytes)
}
