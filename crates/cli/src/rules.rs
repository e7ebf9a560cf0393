//! Rules that a saved model's images are decoded by, and what its rows say where others were used.

use data::{DecodeNotes, Decoding, Formats};
use experiment::Run;

use crate::output::Output;

/// Rules of a saved model: its own, those of its run, or those that the user named instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) formats: Formats,
    /// Rules of the model's own that the user's took the place of.
    replaced: Option<Formats>,
    /// Whether the user named them: then no file is read by others.
    named: bool,
}

impl Rules {
    /// Settles the rules of the checkpoint `file`; `stored` is what it says, `named` what the user does.
    pub(crate) fn settle(
        file: &str,
        stored: Option<Formats>,
        run: Option<&Run>,
        named: Option<Formats>,
        output: &Output,
    ) -> Self {
        let own = stored.or_else(|| run.and_then(of_run));
        let Some(formats) = named else {
            if own.is_none() {
                output.warn(format!(
                    "`{file}` is of an older version and does not say by which rules its images were decoded: those of \
                     `--formats keras` are used; `--formats all` uses the others"
                ));
            }
            return Self { formats: own.unwrap_or(Formats::Keras), replaced: None, named: false };
        };
        let replaced = own.filter(|own| *own != formats);
        if let Some(own) = replaced {
            output.warn(format!(
                "`--formats {formats}` replaces the rules that `{file}` was trained by (`{own}`): its figures may be wrong"
            ));
        }
        Self { formats, replaced, named: true }
    }

    /// Decoding by these rules.
    pub(crate) fn decoding(&self, max_pixels: u64, frame: u32) -> Decoding {
        Decoding { formats: self.formats, falls_back: !self.named, max_pixels, frame }
    }

    /// The part of a note that all rows have in common.
    pub(crate) fn common_note(&self) -> Option<String> {
        let own = self.replaced?;
        Some(format!("read by the rules of `--formats {}`, the model's are `{own}`", self.formats))
    }

    /// The note of a row; none where the file was read by the model's own rules and there is nothing else to say.
    pub(crate) fn note(&self, notes: DecodeNotes) -> Option<String> {
        let own = (!notes.is_empty()).then(|| notes.to_string());
        let phrases: Vec<String> = self.common_note().into_iter().chain(own).collect();
        (!phrases.is_empty()).then(|| phrases.join("; "))
    }
}

/// Rules that a run's images were decoded by.
pub(crate) fn of_run(run: &Run) -> Option<Formats> {
    run.record.settings.get("formats")?.as_str()?.parse().ok()
}
