//! Types and parsers of flags' values.

use clap::ValueEnum;
use data::ClassName;

/// Classes in index order: `A,B`, or with quotes as in a CSV `"a, b",c`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClassList(pub(crate) Vec<ClassName>);

impl std::str::FromStr for ClassList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = base::csv_text::list(text);
        words.iter().map(|word| word.parse()).collect::<Result<_, _>>().map(Self)
    }
}

/// Words in their order: `A,B`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WordList(pub(crate) Vec<String>);

impl std::str::FromStr for WordList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = base::csv_text::list(text);
        match words.iter().any(String::is_empty) {
            true => Err(format!("`{text}` has an empty word")),
            false => Ok(Self(words)),
        }
    }
}

/// Kind of question that a model answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TaskKind {
    /// One class of several
    MultiClass,
    /// Any number of findings
    MultiLabel,
}

/// Training loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LossKind {
    /// Categorical crossentropy of classes, binary crossentropy of findings
    Crossentropy,
    /// Focal loss of findings
    Focal,
    /// Asymmetric loss of findings
    Asymmetric,
}

/// Figure of the validation split by which epochs are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MonitorKind {
    /// Loss, smaller is better
    #[value(name = "val_loss")]
    ValLoss,
    /// Macro ROC AUC of findings, larger is better
    #[value(name = "val_auc")]
    ValAuc,
}

/// Rule by which each label's threshold is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ThresholdKind {
    /// Largest sum of sensitivity and specificity
    Youden,
    /// Largest F1
    F1,
}

/// Selection of the images that are kept for validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitKind {
    /// First of each class's sorted files, as Keras' validation_split
    Keras,
    /// Random images by the seed, the same share of each class
    Random,
    /// Random whole groups by the seed: none is on both sides, shares are near those asked for
    Grouped,
}

impl SplitKind {
    /// Keeps a share of each class for validation.
    pub(crate) fn split(self, listing: &data::Listing, share: f64, seed: u64) -> anyhow::Result<data::Split> {
        Ok(match self {
            Self::Keras => data::split::keras(listing, share)?,
            Self::Random => data::split::random(listing, share, seed)?,
            Self::Grouped => data::split::grouped(listing, share, seed)?,
        })
    }
}

/// Reaction to a step whose loss is not finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum NonFinite {
    /// End training
    Stop,
    /// Leave the step out
    Skip,
}

/// Optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OptimizerKind {
    /// Keras' Adam
    Adam,
    /// Adam with decoupled weight decay
    Adamw,
}

/// Learning-rate schedule after warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScheduleKind {
    /// Constant learning rate
    Constant,
    /// Half a cosine down to 0 at the last epoch
    Cosine,
}

/// Averaging of the weights that are validated and saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AveragingKind {
    /// Weights of the last step
    None,
    /// Exponential moving average of the weights
    Ema,
}

/// Returns the word that a flag takes for a value.
pub(crate) fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Initial weights of InceptionV3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WeightsChoice {
    None,
    File(std::path::PathBuf),
}

impl std::str::FromStr for WeightsChoice {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "none" { Self::None } else { Self::File(text.into()) })
    }
}

/// Reaction to files that are no readable image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnBadImage {
    /// List them and stop
    Error,
    /// List them and leave them out
    Skip,
}

/// Factor of each class's training loss.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ClassWeight {
    Balanced,
    None,
    Given(Vec<f64>),
}

impl std::str::FromStr for ClassWeight {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "balanced" => return Ok(Self::Balanced),
            "none" => return Ok(Self::None),
            _ => {}
        }
        let weights = text.split(',').map(|weight| above_zero(weight.trim())).collect::<Result<_, _>>();
        weights
            .map(Self::Given)
            .map_err(|error| format!("{error}; give `balanced`, `none`, or a number a class"))
    }
}

impl std::fmt::Display for ClassWeight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Balanced => f.write_str("balanced"),
            Self::None => f.write_str("none"),
            Self::Given(weights) => {
                f.write_str(&weights.iter().map(f64::to_string).collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// Parses three numbers, for red, green and blue.
pub(super) fn colour(text: &str) -> Result<[f32; 3], String> {
    let numbers: Vec<f64> = text.split(',').map(|part| number(part.trim())).collect::<Result<_, _>>()?;
    match numbers[..] {
        [r, g, b] => Ok([r, g, b].map(|value| value as f32)),
        _ => Err("give three numbers, for red, green and blue".to_owned()),
    }
}

fn number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(format!("`{text}` is not a number")),
    }
}

pub(super) fn not_negative(text: &str) -> Result<f64, String> {
    number(text)
        .and_then(|value| if value >= 0.0 { Ok(value) } else { Err("must not be below 0".to_owned()) })
}

pub(super) fn above_zero(text: &str) -> Result<f64, String> {
    number(text).and_then(|value| if value > 0.0 { Ok(value) } else { Err("must be above 0".to_owned()) })
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    let within = |value: &f64| *value > 0.0 && *value < 1.0;
    number(text)
        .and_then(|value| Some(value).filter(within).ok_or_else(|| "must be above 0 and below 1".to_owned()))
}

pub(super) fn probability(text: &str) -> Result<f64, String> {
    let within = |value: &f64| (0.0..=1.0).contains(value);
    number(text).and_then(|value| Some(value).filter(within).ok_or_else(|| "must be from 0 to 1".to_owned()))
}

pub(super) fn sensitivity(text: &str) -> Result<f64, String> {
    let within = |value: &f64| *value > 0.0 && *value <= 1.0;
    number(text).and_then(|value| {
        Some(value).filter(within).ok_or_else(|| "must be above 0 and at most 1".to_owned())
    })
}

pub(super) fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(value) => Ok(value),
        Err(_) => Err(format!("`{text}` is not a whole number above 0")),
    }
}

/// Parses a whole number from 1 to `MOST`.
pub(super) fn at_most<const MOST: usize>(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(value) if (1..=MOST).contains(&value) => Ok(value),
        _ if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() => {
            Err(format!("must be at least 1 and at most {MOST}"))
        }
        _ => Err(format!("`{text}` is not a whole number of 1 to {MOST}")),
    }
}

/// Largest number of threads: more than the largest machines have cores. Starting 10,000 took 29 s.
pub(super) const MAX_THREADS: usize = 1024;

/// Parses a number of threads.
pub(super) fn threads(text: &str) -> Result<usize, String> {
    at_most::<MAX_THREADS>(text)
}

/// Parses a time in minutes of at most a year.
pub(super) fn minutes(text: &str) -> Result<f64, String> {
    const MOST: f64 = 366.0 * 24.0 * 60.0;
    not_negative(text).and_then(|value| {
        if value <= MOST { Ok(value) } else { Err(format!("must be at most {MOST}, a year")) }
    })
}

/// Parses a number of epochs, which may be a fraction.
pub(super) fn epochs(text: &str) -> Result<f64, String> {
    let most = MAX_EPOCHS as f64;
    not_negative(text)
        .and_then(|value| if value <= most { Ok(value) } else { Err(format!("must be at most {most}")) })
}

/// Largest number of epochs.
pub(super) const MAX_EPOCHS: u64 = 1_000_000;

/// Parses a number of bytes: `1500000`, `1.5GB`, `20 MB`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, f64); 5] = [("kb", 1e3), ("mb", 1e6), ("gb", 1e9), ("tb", 1e12), ("", 1.0)];
    let lower = text.trim().to_lowercase();
    let (digits, factor) = UNITS
        .iter()
        .find_map(|(unit, factor)| Some((lower.strip_suffix(unit)?, factor)))
        .unwrap_or((lower.as_str(), &1.0));
    let number =
        not_negative(digits.trim()).map_err(|_| format!("`{text}` is no size: give bytes, or `20GB`"))?;
    Ok((number * factor) as u64)
}

pub(super) fn image_size(text: &str) -> Result<usize, String> {
    let most = model::Spec::MAX_IMAGE_SIZE;
    positive(text)
        .and_then(|value| Some(value).filter(|&size| size <= most).ok_or(format!("must be at most {most}")))
}

pub(super) fn picture_size(text: &str) -> Result<usize, String> {
    const MOST: usize = 1 << 14;
    positive(text)
        .and_then(|value| Some(value).filter(|&size| size <= MOST).ok_or(format!("must be at most {MOST}")))
}

pub(super) fn sample_size(text: &str) -> Result<usize, String> {
    positive(text).and_then(|value| {
        Some(value).filter(|size| (32..=4096).contains(size)).ok_or("must be 32 to 4096".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_weights_are_words_or_numbers() {
        assert_eq!("balanced".parse(), Ok(ClassWeight::Balanced));
        assert_eq!("1, 2.5,3".parse(), Ok(ClassWeight::Given(vec![1.0, 2.5, 3.0])));
        assert_eq!(ClassWeight::Given(vec![1.0, 2.5]).to_string(), "1,2.5");
        let error = "1,zero".parse::<ClassWeight>().unwrap_err();
        assert_eq!(error, "`zero` is not a number; give `balanced`, `none`, or a number a class");
        assert!("1,0".parse::<ClassWeight>().is_err());
    }

    #[test]
    fn classes_are_a_list_with_quotes_as_in_a_csv() {
        let named = |text: &str| -> Vec<(String, String)> {
            let ClassList(classes) = text.parse().unwrap();
            classes.into_iter().map(|class| (class.label, class.folder)).collect()
        };
        let pair = |label: &str, folder: &str| (label.to_owned(), folder.to_owned());
        assert_eq!(named("a, b=c"), [pair("a", "a"), pair("b", "c")]);
        assert_eq!(
            named("\"a, b\", \"x=\"\"y\"\"\",No Lung Opacity / Not Normal"),
            [
                pair("a, b", "a, b"),
                pair("x", "\"y\""),
                pair("No Lung Opacity / Not Normal", "No Lung Opacity / Not Normal"),
            ]
        );
        for text in ["", "a,", ",a", "a,..", "=a"] {
            assert!(text.parse::<ClassList>().unwrap_err().contains("names no class"), "{text}");
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(
            ["1500", "1.5kB", "20 MB", "0", "2TB"].map(bytes),
            [Ok(1500), Ok(1500), Ok(20_000_000), Ok(0), Ok(2_000_000_000_000)]
        );
        for text in ["", "GB", "-1GB", "1 XB", "many"] {
            assert_eq!(bytes(text), Err(format!("`{text}` is no size: give bytes, or `20GB`")));
        }
    }

    #[test]
    fn colours_are_three_numbers() {
        assert_eq!(colour("0.5, 1,-2"), Ok([0.5, 1.0, -2.0]));
        assert_eq!(colour("0.5"), Err("give three numbers, for red, green and blue".to_owned()));
        assert_eq!(colour("0.5,x,1"), Err("`x` is not a number".to_owned()));
    }
}
