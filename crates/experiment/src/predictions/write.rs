//! Writing of a table of predictions.

use std::path::Path;

use metrics::{Task, argmax};

use super::{CLASSES, GROUP, NOTE, PATH, PROBABILITY, PredictionTable};
use crate::{Error, Result, files::write_atomically};

pub(super) fn write(table: &PredictionTable, path: &Path, cell: impl Fn(String) -> String) -> Result<()> {
    let failed =
        |error: csv::Error| Error::Io { action: "write", path: path.to_owned(), source: error.into() };
    let grouped = table.images.iter().any(|image| image.group.is_some());
    let noted = table.images.iter().any(|image| image.note.is_some());
    let labels = || table.labels().iter().cloned();
    let mut header = vec![PATH.to_owned()];
    match table.scores.task() {
        Task::MultiClass => header.extend(CLASSES.map(str::to_owned)),
        Task::MultiLabel => header.extend(labels()),
    }
    header.extend(labels().map(|label| format!("{PROBABILITY}{label}")));
    header.extend(table.attributes.iter().map(|attribute| attribute.name.clone()));
    let last = [(grouped, GROUP), (noted, NOTE)].into_iter().filter(|(is_there, _)| *is_there);
    header.extend(last.map(|(_, name)| name.to_owned()));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(failed)?;
    for (index, image) in table.images.iter().enumerate() {
        let row = table.scores.row(index);
        let mut record = vec![base::stored(&image.path)];
        record.extend(truth(table, index, row));
        record.extend(row.iter().map(|&p| (p as f32).to_string()));
        record.extend(table.attributes.iter().map(|attribute| attribute.values[index].clone()));
        record.extend(grouped.then(|| image.group.clone().unwrap_or_default()));
        record.extend(noted.then(|| image.note.clone().unwrap_or_default()));
        writer.write_record(record.into_iter().map(&cell)).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    write_atomically(path, &bytes)
}

/// Cells of an image's truth: its class and the predicted one, or what is known of each label.
fn truth(table: &PredictionTable, index: usize, row: &[f64]) -> Vec<String> {
    let targets = table.scores.targets();
    match table.scores.task() {
        Task::MultiClass => {
            [targets.classes()[index], argmax(row)].map(|class| table.labels()[class].clone()).to_vec()
        }
        Task::MultiLabel => {
            let cell = |label| targets.value(index, label).map_or("", |value| if value { "1" } else { "0" });
            (0..table.labels().len()).map(|label| cell(label).to_owned()).collect()
        }
    }
}
