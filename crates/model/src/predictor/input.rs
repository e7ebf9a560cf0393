//! Files as the inputs of all members of a predictor.

use std::fmt;

use data::{
    DecodeCost, DecodeError, DecodeNotes, Decoded, Decoding, Formats, Pixels, Preprocess, decode,
    decode_resized, resize,
};

use crate::{Classifier, OodDetector, OutOfDistribution};

/// Rules that a model's images are decoded by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputRules {
    /// Rules and limits of decoding.
    pub decoding: Decoding,
    /// Phrase that every image's note begins with, where the rules are not the model's own.
    pub note: Option<String>,
}

impl InputRules {
    /// Makes the note on an image; `None` where it was read by the model's own rules and there is nothing else to report.
    fn note(&self, notes: DecodeNotes) -> Option<String> {
        let own = (!notes.is_empty()).then(|| notes.to_string());
        let phrases: Vec<String> = self.note.iter().cloned().chain(own).collect();
        (!phrases.is_empty()).then(|| phrases.join("; "))
    }
}

/// Decoder of files for all members of a [`Predictor`](super::Predictor), usable on any thread.
#[derive(Clone, Debug)]
pub struct InputReader {
    inputs: Vec<(Preprocessing, InputRules)>,
    /// Detector of each member that has one, with the index of the image that the member takes.
    detectors: Vec<(usize, OodDetector)>,
}

/// Preprocessing from a file to a network's input: rules of decoding, size and interpolation.
type Preprocessing = (Option<Formats>, Preprocess);

/// Decoded file: an image for each input that one of the members needs.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedImage {
    pub(super) images: Vec<Pixels>,
    /// Reason not to rely on what the members make of it.
    pub warning: Option<InputWarning>,
    /// Note on the rules that the file was read by, where they are not the models' alone, and on the frame that was used.
    pub note: Option<String>,
}

/// Reason not to rely on a prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InputWarning {
    /// The image is unlike the training images: the finding of the strictest detector.
    OutOfDistribution(OutOfDistribution),
    /// A share of the pixels, above 0 and up to 1, has colour, and no member has a detector: its training images were too few to
    /// fit one, and are assumed to be gray.
    Coloured(f32),
}

impl fmt::Display for InputWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfDistribution(found) => found.fmt(f),
            Self::Coloured(share) => write!(
                f,
                "the image has colour in {:.0} % of its pixels: radiographs have none",
                (100.0 * share).max(1.0)
            ),
        }
    }
}

pub(super) fn input(classifier: &Classifier) -> Preprocessing {
    (classifier.spec().formats, classifier.spec().preprocess())
}

/// Returns the inputs of these models, each once.
pub(super) fn inputs<'a>(classifiers: impl Iterator<Item = &'a Classifier>) -> Vec<Preprocessing> {
    let mut all = Vec::new();
    for input in classifiers.map(input) {
        if !all.contains(&input) {
            all.push(input);
        }
    }
    all
}

/// Returns the index of a model's image among those that are made of a file.
pub(super) fn image_of(classifier: &Classifier, inputs: &[Preprocessing]) -> usize {
    inputs.iter().position(|known| *known == input(classifier)).unwrap_or_default()
}

impl InputReader {
    /// Makes a reader for these models, each by its rules.
    pub fn new<'a>(models: impl Iterator<Item = (&'a Classifier, InputRules)> + Clone) -> Self {
        let inputs = inputs(models.clone().map(|(classifier, _)| classifier));
        let detectors = models
            .clone()
            .filter_map(|(classifier, _)| Some((image_of(classifier, &inputs), classifier.guard()?.clone())));
        let detectors = detectors.collect();
        let of_way = |input: Preprocessing| {
            let (_, rules) = models.clone().find(|(classifier, _)| self::input(classifier) == input)?;
            Some((input, rules))
        };
        Self { detectors, inputs: inputs.into_iter().filter_map(of_way).collect() }
    }

    /// Rules of the first model.
    pub fn formats(&self) -> Option<Formats> {
        self.inputs.first().map(|(_, rules)| rules.decoding.formats)
    }

    /// Limits of decoding, whatever the rules: those of the first model.
    pub fn limits(&self) -> Decoding {
        let general = Decoding::new(Formats::All);
        let first = self.inputs.first().map(|(_, rules)| rules.decoding);
        first.map_or(general, |first| Decoding { formats: general.formats, ..first })
    }

    /// Decodes a file.
    ///
    /// # Errors
    /// The same as [`data::decode`].
    pub fn read(&self, bytes: &[u8]) -> Result<PreparedImage, DecodeError> {
        Ok(self.read_within(bytes, u64::MAX, false)?.0)
    }

    /// Decodes a file that may have so many pixels. With `with_whole` the image itself is returned as well, as the first model's
    /// rules read it.
    ///
    /// # Errors
    /// The same as [`data::decode`].
    pub fn read_within(
        &self,
        bytes: &[u8],
        max_pixels: u64,
        with_whole: bool,
    ) -> Result<(PreparedImage, Option<Pixels>), DecodeError> {
        let (mut images, mut notes): (Vec<Pixels>, Vec<String>) = (Vec::new(), Vec::new());
        let mut whole: Option<(Decoding, Decoded)> = None;
        for ((_, preprocess), rules) in &self.inputs {
            let &Preprocess { image_size, interpolation } = preprocess;
            let most = rules.decoding.max_pixels.min(max_pixels);
            let decoding = Decoding { max_pixels: most, ..rules.decoding };
            if with_whole && whole.is_none() {
                whole = Some((decoding, decode(bytes, &decoding)?));
            }
            let decoded = match &whole {
                Some((of_whole, Decoded { pixels, notes })) if *of_whole == decoding => {
                    Decoded { pixels: resize(pixels, image_size, interpolation)?, notes: *notes }
                }
                _ => decode_resized(bytes, image_size, interpolation, &decoding)?,
            };
            images.push(decoded.pixels);
            notes.extend(rules.note(decoded.notes).filter(|note| !notes.contains(note)));
        }
        let warning = self.warning(&images);
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        let prepared = PreparedImage { images, warning, note };
        Ok((prepared, whole.map(|(_, Decoded { pixels, .. })| pixels)))
    }

    fn warning(&self, images: &[Pixels]) -> Option<InputWarning> {
        if self.detectors.is_empty() {
            return images.first().and_then(Pixels::coloured).map(InputWarning::Coloured);
        }
        let found = self.detectors.iter().filter_map(|(image, detector)| detector.check(&images[*image]));
        let strictest = found.max_by(|a, b| a.distance.total_cmp(&b.distance));
        strictest.map(InputWarning::OutOfDistribution)
    }

    /// Estimates what decoding a file takes, by its header; `with_whole` as in [`Self::read_within`].
    pub fn cost(&self, bytes: &[u8], with_whole: bool) -> DecodeCost {
        let whole_rules = self.inputs.first().map(|(_, rules)| rules.decoding);
        let (mut all, mut kept) = (DecodeCost::default(), 0_u64);
        for (index, ((_, preprocess), rules)) in self.inputs.iter().enumerate() {
            let resized = 3 * (preprocess.image_size as u64).pow(2);
            let is_whole = with_whole && whole_rules == Some(rules.decoding);
            if is_whole && index > 0 {
                // Resized from the whole image that is there.
                kept = kept.saturating_add(resized);
                continue;
            }
            let one = DecodeCost::of(bytes, preprocess, is_whole, &rules.decoding);
            all.pixels = all.pixels.max(one.pixels);
            // One after the other: it takes the time of each decoding, and the memory of the largest beside what is kept.
            all.stored_bytes = all.stored_bytes.saturating_add(one.stored_bytes);
            all.memory_bytes = all.memory_bytes.max(one.memory_bytes.saturating_add(kept));
            kept = kept.saturating_add(resized);
            if with_whole && index == 0 {
                kept = kept.saturating_add(one.pixels.saturating_mul(3));
            }
        }
        DecodeCost { memory_bytes: all.memory_bytes.max(kept), ..all }
    }
}

impl PreparedImage {
    /// Image that the first member sees.
    pub fn first(&self) -> &Pixels {
        &self.images[0]
    }

    /// Makes the input of a single member from pixels of its size.
    #[doc(hidden)]
    pub fn of_pixels(pixels: Pixels) -> Self {
        Self { images: vec![pixels], warning: None, note: None }
    }
}
