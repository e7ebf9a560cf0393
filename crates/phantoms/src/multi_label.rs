//! The multi-label sample: phantoms with several findings each, and a label file in the general form.

use std::{
    collections::HashSet,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use base::{
    FileWriter,
    random::{Generator, Key, Purpose, unit},
};
use data::{Error, OutputKind, PARTIAL, Part, SYNTHETIC_PREFIX, create_output_folder};
use rayon::prelude::*;

use crate::{
    drawing::{Chest, Pathology, Projection, Sex, Stream},
    files::{
        beside, check_image_size, entries_of_a_sample, failed, foreign, images_within, remove, write_png,
    },
};

/// Number of labels.
const LABELS: usize = Pathology::ALL.len();
/// Folder of the images within a sample.
const IMAGES: &str = "images";
/// Label file within a sample.
const LABEL_FILE: &str = "labels.csv";
/// Columns of the label file before the labels.
const COLUMNS: &str = "path,patient,split,age,sex,view";
/// Share of images that are taken from front to back.
const ANTERO_POSTERIOR: f32 = 0.4;
/// Ages in years.
const AGES: [usize; 2] = [18, 90];

/// Settings of a multi-label sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MultiLabelOptions {
    /// Training images, at least 1.
    pub count: usize,
    /// Test images, of other patients.
    pub test_count: usize,
    /// Fewest and most images of a patient, at least 1. The last patient of a part may have fewer.
    pub images_per_patient: [usize; 2],
    /// Probability of each finding, from 0 to 1, in the order of [`Pathology::ALL`].
    pub prevalence: [f64; LABELS],
    /// Correlation between any two findings of equal prevalence, from 0 (independent) to 1.
    pub correlation: f64,
    /// Share of the training labels that are left blank, from 0 to 1.
    pub unknown: f64,
    /// Share of the training labels that are marked -1, whatever is true; with `unknown` at most 1.
    pub uncertain: f64,
    /// Side in pixels, 32 to 4096.
    pub image_size: usize,
    /// Seed that everything about the phantoms is drawn from.
    pub seed: u64,
}

/// Counts of one label in a multi-label sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathologyCounts {
    /// Training images marked 1.
    pub positive: usize,
    /// Training images marked 0.
    pub negative: usize,
    /// Training images marked -1.
    pub uncertain: usize,
    /// Training images without a mark.
    pub unknown: usize,
    /// Test images marked 1; all others are marked 0.
    pub test_positive: usize,
}

/// Summary of a multi-label sample that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultiLabelSummary {
    /// Path of the label file.
    pub label_file: PathBuf,
    /// Counts of each label, in the order of [`Pathology::ALL`].
    pub labels: [PathologyCounts; LABELS],
    /// Patients of the training images.
    pub training_patients: usize,
    /// Patients of the test images.
    pub test_patients: usize,
}

/// Value of a label in the label file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LabelValue {
    Positive,
    Negative,
    Uncertain,
    Unknown,
}

/// Image of a sample, and its row in the label file.
struct SampleRow {
    /// Name of the image file.
    file: String,
    part: Part,
    /// Number of the patient in the whole sample, from 1.
    patient: usize,
    age: usize,
    chest: Chest,
    values: [LabelValue; LABELS],
    /// Key of the patient's random numbers.
    key: Key,
    /// Number of the image within the patient, from 0.
    image: u64,
}

/// Draws the sample on all of rayon's threads: 8-bit gray PNGs `<out>/images/synthetic-….png`, and `<out>/labels.csv`, which
/// comes last. `progress` is called once an image. The bytes depend on the options alone, and those of an image neither on the
/// number of images nor on the shares of unknown and uncertain labels.
///
/// An earlier sample there is replaced. Whatever interrupts this leaves whole images only, which a later call replaces;
/// and where `out` was not there before, it is not there until the sample is complete.
///
/// # Errors
/// Options out of range; a folder that holds anything that is no multi-label sample, before anything is written; a file
/// or folder that cannot be written.
pub fn write_multi_label_sample(
    out: &Path,
    options: &MultiLabelOptions,
    progress: &(dyn Fn() + Sync),
) -> Result<MultiLabelSummary, Error> {
    options.check()?;
    let partial = beside(out, PARTIAL)?;
    let mut stale = files_of_a_sample(out)?;
    stale.extend(files_of_a_sample(&partial)?);
    // The name that nobody chose must not lead elsewhere.
    base::refuse_link(&partial).map_err(failed("write", &partial))?;
    let folder = if out.exists() { out } else { &partial };
    let (images, label_file) = (folder.join(IMAGES), folder.join(LABEL_FILE));
    create_output_folder(folder, OutputKind::Sample)?;
    fs::create_dir_all(&images).map_err(failed("create", &images))?;
    // Labels of an earlier sample must not lie beside images of this one.
    remove(&label_file)?;

    let rows = options.rows();
    rows.par_iter().try_for_each(|row| {
        let pixels = row.chest.draw(options.image_size, &row.key, row.image);
        write_png(&images.join(&row.file), &pixels, options.image_size)?;
        progress();
        Ok(())
    })?;

    let kept: HashSet<PathBuf> = rows.iter().map(|row| images.join(&row.file)).collect();
    for file in stale.iter().filter(|file| !kept.contains(*file)) {
        remove(file)?;
    }
    let text = label_text(&rows);
    FileWriter::replacing().write(&label_file, text.as_bytes()).map_err(failed("write", &label_file))?;
    if folder != out {
        fs::rename(&partial, out).map_err(failed("rename", &partial))?;
    }
    Ok(summary(out.join(LABEL_FILE), &rows))
}

impl MultiLabelOptions {
    fn check(&self) -> Result<(), Error> {
        let refused = |text: String| Err(Error::Options(text));
        check_image_size(self.image_size)?;
        if self.count == 0 {
            return refused("a sample takes at least 1 training image".to_owned());
        }
        let [least, most] = self.images_per_patient;
        if least == 0 || least > most {
            return refused(format!("{least} to {most} images per patient are not at least 1"));
        }
        let shares = [self.correlation, self.unknown, self.uncertain];
        if let Some(share) = self.prevalence.iter().chain(&shares).find(|share| !(0.0..=1.0).contains(*share))
        {
            return refused(format!("{share} is not from 0 to 1"));
        }
        if self.unknown + self.uncertain > 1.0 {
            return refused(format!(
                "shares of {} unknown and {} uncertain labels are more than 1 together",
                self.unknown, self.uncertain
            ));
        }
        Ok(())
    }

    /// Draws the rows of the label file, training images first.
    fn rows(&self) -> Vec<SampleRow> {
        let mut rows = self.rows_of(Part::Training, self.count, 0);
        let patients = rows.last().map_or(0, |row| row.patient);
        rows.extend(self.rows_of(Part::Test, self.test_count, patients));
        rows
    }

    /// Draws the rows of a part; `before` patients come before it.
    fn rows_of(&self, part: Part, count: usize, before: usize) -> Vec<SampleRow> {
        let mut rows = Vec::with_capacity(count);
        for step in 0.. {
            if rows.len() == count {
                break;
            }
            let images = self.patient(part, step, before).into_iter().take(count - rows.len());
            for (row, number) in images.zip(rows.len() + 1..).collect::<Vec<_>>() {
                let part = if part == Part::Test { "test-" } else { "" };
                rows.push(SampleRow { file: format!("{SYNTHETIC_PREFIX}{part}{number:05}.png"), ..row });
            }
        }
        rows
    }

    /// Draws a patient's images, whose files have no name yet.
    fn patient(&self, part: Part, step: usize, before: usize) -> Vec<SampleRow> {
        // Epoch 0 is the class sample's, and 1 that of planted findings.
        let epoch = if part == Part::Training { 2 } else { 3 };
        let key = Key { seed: self.seed, epoch, step: step as u64, purpose: Purpose::Phantom };
        let mut attributes = key.generator(Stream::ATTRIBUTES);
        let sex = if unit(&mut attributes) < 0.5 { Sex::Female } else { Sex::Male };
        let age = between(AGES, &mut attributes);
        let images = between(self.images_per_patient, &mut attributes);
        let row = |image: u64| {
            let generator = |stream: Stream| key.generator(stream.number(image));
            let is_from_the_front = unit(&mut generator(Stream::View)) < ANTERO_POSTERIOR;
            let view =
                if is_from_the_front { Projection::AnteroPosterior } else { Projection::PosteroAnterior };
            let findings = self.findings(&mut generator(Stream::Labels));
            let values = if part == Part::Training {
                self.values(&findings, &mut generator(Stream::Values))
            } else {
                findings.map(LabelValue::of_truth)
            };
            let chest = Chest { findings, sex, view };
            SampleRow {
                file: String::new(),
                part,
                patient: before + step + 1,
                age,
                chest,
                values,
                key,
                image,
            }
        };
        (0..images as u64).map(row).collect()
    }

    /// Draws an image's findings: each takes one common number with probability √R, or else a number of its own, so that two
    /// findings of equal prevalence have correlation R (Lunn and Davies 1998, Biometrika 85, "A note on generating correlated
    /// binary variables").
    fn findings(&self, generator: &mut Generator) -> [bool; LABELS] {
        let common = unit(generator);
        self.prevalence.map(|prevalence| {
            let (own, choice) = (unit(generator), unit(generator));
            let is_common = f64::from(choice) < self.correlation.sqrt();
            f64::from(if is_common { common } else { own }) < prevalence
        })
    }

    /// Draws the labels that are left blank, from one end of a scale, and those that are uncertain, from its other end: so
    /// neither share changes the other's labels.
    fn values(&self, findings: &[bool; LABELS], generator: &mut Generator) -> [LabelValue; LABELS] {
        findings.map(|truth| match f64::from(unit(generator)) {
            place if place < self.unknown => LabelValue::Unknown,
            place if place >= 1.0 - self.uncertain => LabelValue::Uncertain,
            _ => LabelValue::of_truth(truth),
        })
    }
}

impl LabelValue {
    fn of_truth(truth: bool) -> Self {
        if truth { Self::Positive } else { Self::Negative }
    }

    /// Returns the cell of the label file.
    fn cell(self) -> &'static str {
        match self {
            Self::Positive => "1",
            Self::Negative => "0",
            Self::Uncertain => "-1",
            Self::Unknown => "",
        }
    }
}

impl SampleRow {
    /// Returns the line of the label file.
    fn line(&self) -> String {
        let Self { file, patient, age, .. } = self;
        let part = if self.part == Part::Training { "train" } else { "test" };
        let sex = if self.chest.sex == Sex::Female { "F" } else { "M" };
        let view = if self.chest.view == Projection::PosteroAnterior { "PA" } else { "AP" };
        let cells = self.values.map(LabelValue::cell).join(",");
        format!("{IMAGES}/{file},P{patient:05},{part},{age},{sex},{view},{cells}\n")
    }
}

/// Draws a whole number from `least` to `most`, each as likely.
fn between([least, most]: [usize; 2], generator: &mut Generator) -> usize {
    least + ((most - least + 1) as f64 * f64::from(unit(generator))) as usize
}

/// Returns the first line of the label file.
fn header() -> String {
    format!("{COLUMNS},{}\n", Pathology::ALL.map(Pathology::name).join(","))
}

fn label_text(rows: &[SampleRow]) -> String {
    header() + &rows.iter().map(SampleRow::line).collect::<String>()
}

fn summary(label_file: PathBuf, rows: &[SampleRow]) -> MultiLabelSummary {
    let mut labels = [PathologyCounts::default(); LABELS];
    for row in rows {
        for (counts, value) in labels.iter_mut().zip(row.values) {
            match (row.part == Part::Test, value) {
                (true, LabelValue::Positive) => counts.test_positive += 1,
                (true, _) => {}
                (false, LabelValue::Positive) => counts.positive += 1,
                (false, LabelValue::Negative) => counts.negative += 1,
                (false, LabelValue::Uncertain) => counts.uncertain += 1,
                (false, LabelValue::Unknown) => counts.unknown += 1,
            }
        }
    }
    let training_patients =
        rows.iter().filter(|row| row.part == Part::Training).map(|row| row.patient).max().unwrap_or(0);
    let patients = rows.last().map_or(0, |row| row.patient);
    MultiLabelSummary { label_file, labels, training_patients, test_patients: patients - training_patients }
}

/// Lists the images of a sample in `folder`, and leftovers of an interrupted call; none where there is no folder.
///
/// # Errors
/// Anything else in it but a label file of this form: only this module's own files may be replaced.
fn files_of_a_sample(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for path in entries_of_a_sample(folder)? {
        let name = path.file_name().unwrap_or_default();
        let is_file = path.is_file() && !path.is_symlink();
        if name == IMAGES && path.is_dir() && !path.is_symlink() {
            files.extend(images_within(folder, &path)?);
        } else if base::is_temporary(name) && is_file {
            files.push(path);
        } else if !(name == LABEL_FILE && is_file && has_header(&path).map_err(failed("read", &path))?) {
            return Err(foreign(folder, &path));
        }
    }
    Ok(files)
}

/// Tells if a file begins as the label file of a sample does.
fn has_header(path: &Path) -> io::Result<bool> {
    let header = header();
    let mut start = Vec::new();
    fs::File::open(path)?.take(header.len() as u64).read_to_end(&mut start)?;
    Ok(start == header.as_bytes())
}

#[cfg(test)]
mod tests;
