use std::{path::PathBuf, str::FromStr};

use clap::Args;
use phantoms::Pathology;

use super::{
    DEFAULT_FINDINGS, DEFAULT_SAMPLE, MAX_IMAGES,
    values::{at_most, not_negative, sample_size, threads},
};

/// Flags of `data sample`.
#[derive(Args)]
pub(crate) struct SampleArgs {
    /// Folder of the sample. Test images of classes go beside it, under the same name plus ` Test` [default:
    /// data/sample/Phantoms; with --multi-label data/sample/Findings]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Number of training images in all; folders of classes have the study's imbalance
    #[arg(long, value_name = "N", default_value_t = 920, value_parser = at_most::<MAX_IMAGES>, allow_negative_numbers = true)]
    pub(crate) count: usize,
    /// Number of test images per class
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u64).range(..=MAX_IMAGES as u64), allow_negative_numbers = true, conflicts_with = "multi_label")]
    pub(crate) test_per_class: u64,
    /// Draw images with several findings each, and write their label file in place of folders of classes
    #[arg(long)]
    pub(crate) multi_label: bool,
    /// Number of test images, of other patients
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u64).range(..=MAX_IMAGES as u64), allow_negative_numbers = true, requires = "multi_label")]
    pub(crate) test_count: u64,
    /// Probability of each finding: one number for all, and LABEL=P for single ones
    #[arg(
        long,
        value_name = "P|LABEL=P,…",
        default_value = "0.25",
        allow_negative_numbers = true,
        requires = "multi_label"
    )]
    pub(crate) prevalence: Prevalence,
    /// Correlation between any two findings of equal probability, from 0 to 1
    #[arg(long, value_name = "R", default_value_t = 0.0, value_parser = fraction, allow_negative_numbers = true, requires = "multi_label")]
    pub(crate) correlation: f64,
    /// Share of the training labels to leave blank. Test labels are all known
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = fraction, allow_negative_numbers = true, requires = "multi_label")]
    pub(crate) unknown: f64,
    /// Share of the training labels to mark uncertain (-1), whatever is true
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = fraction, allow_negative_numbers = true, requires = "multi_label")]
    pub(crate) uncertain: f64,
    /// Number of images of a patient, or its range
    #[arg(
        long,
        value_name = "N|N-N",
        default_value = "1-3",
        allow_negative_numbers = true,
        requires = "multi_label"
    )]
    pub(crate) images_per_patient: ImagesPerPatient,
    /// Side of the images in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 256, value_parser = sample_size, allow_negative_numbers = true)]
    pub(crate) image_size: usize,
    /// Seed that the phantoms are drawn from
    #[arg(long, value_name = "N", default_value_t = 28)]
    pub(crate) seed: u64,
    /// Threads for drawing [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,
}

impl SampleArgs {
    /// Returns the folder of the sample.
    pub(crate) fn out(&self) -> PathBuf {
        let default = if self.multi_label { DEFAULT_FINDINGS } else { DEFAULT_SAMPLE };
        self.out.clone().unwrap_or_else(|| default.into())
    }
}

/// Probability of each finding, in the order of the labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Prevalence(pub(crate) [f64; Pathology::ALL.len()]);

impl Prevalence {
    /// Probability of a finding that is not named.
    const DEFAULT: f64 = 0.25;
}

impl FromStr for Prevalence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = base::csv_text::list(text);
        let (named, others): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| word.contains('='));
        let others = match others[..] {
            [] => Self::DEFAULT,
            [all] => fraction(all)?,
            _ => return Err("give one number for all findings, and LABEL=P for single ones".to_owned()),
        };
        let mut shares = [others; Pathology::ALL.len()];
        for (label, share) in named.into_iter().filter_map(|word| word.split_once('=')) {
            let label = label.trim();
            let place =
                Pathology::ALL.iter().position(|pathology| pathology.name().eq_ignore_ascii_case(label));
            let place = place.ok_or_else(|| no_label(label))?;
            shares[place] = fraction(share)?;
        }
        Ok(Self(shares))
    }
}

fn no_label(label: &str) -> String {
    let labels = Pathology::ALL.map(|pathology| format!("`{}`", pathology.name()));
    format!("`{label}` is no label; the labels are {}", labels.join(", "))
}

/// Fewest and most images of a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImagesPerPatient(pub(crate) [usize; 2]);

impl FromStr for ImagesPerPatient {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (least, most) = text.split_once('-').unwrap_or((text, text));
        let [least, most] = [least, most].map(|number| at_most::<MAX_IMAGES_PER_PATIENT>(number.trim()));
        let (least, most) = (least?, most?);
        if least > most {
            return Err(format!("the range `{text}` begins above its end"));
        }
        Ok(Self([least, most]))
    }
}

/// Largest number of images of a patient.
const MAX_IMAGES_PER_PATIENT: usize = 1000;

/// Parses a number from 0 to 1.
fn fraction(text: &str) -> Result<f64, String> {
    not_negative(text.trim())
        .and_then(|value| Some(value).filter(|value| *value <= 1.0).ok_or("must be at most 1".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prevalence_is_for_all_findings_or_for_single_ones() {
        let parsed = |text: &str| text.parse::<Prevalence>().map(|Prevalence(shares)| shares);
        assert_eq!(parsed("0.1"), Ok([0.1; 6]));
        assert_eq!(parsed("Nodule=0.2"), Ok([0.25, 0.25, 0.25, 0.25, 0.25, 0.2]));
        assert_eq!(parsed("ground glass=1, 0,Effusion = 0.5"), Ok([0.0, 1.0, 0.5, 0.0, 0.0, 0.0]));
        assert_eq!(
            parsed("Edema=0.1").unwrap_err(),
            "`Edema` is no label; the labels are `Consolidation`, `Ground Glass`, `Effusion`, `Pneumothorax`, \
             `Cardiomegaly`, `Nodule`"
        );
        assert_eq!(parsed("1.5").unwrap_err(), "must be at most 1");
        assert_eq!(
            parsed("0.1,0.2").unwrap_err(),
            "give one number for all findings, and LABEL=P for single ones"
        );
        for text in ["", "x", "Nodule=", "-0.1", "Nodule=nan"] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn images_of_a_patient_are_a_number_or_a_range() {
        let parsed = |text: &str| text.parse::<ImagesPerPatient>().map(|ImagesPerPatient(range)| range);
        assert_eq!((parsed("2"), parsed("1-3"), parsed("1 - 3")), (Ok([2, 2]), Ok([1, 3]), Ok([1, 3])));
        for text in ["0", "3-1", "0-2", "-2", "1-", "", "1001"] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }
}
