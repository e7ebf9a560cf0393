//! Rules that a saved model's images are decoded by, and the notes of its rows where others were used.

use data::{Decoding, Formats};
use experiment::Run;
use model::InputRules;

use crate::output::Output;

/// Rules of a saved model: its own, those of its run, or those that the user named instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) formats: Formats,
    /// Model's own rules, if the user's replaced them.
    replaced: Option<Formats>,
    /// True where the user named the rules: no file is then read by others.
    named: bool,
}

impl Rules {
    /// Determines the rules of the checkpoint `file`; `stored` are the rules in it, `named` those of the user.
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

    /// Returns the settings for decoding by these rules.
    pub(crate) fn decoding(&self, max_pixels: u64, frame: u32) -> Decoding {
        Decoding { formats: self.formats, falls_back: !self.named, max_pixels, frame }
    }

    /// Returns these rules for a reader, with the note on rules that replace the model's.
    pub(crate) fn input(&self, max_pixels: u64, frame: u32) -> InputRules {
        let note = self
            .replaced
            .map(|own| format!("read by the rules of `--formats {}`, the model's are `{own}`", self.formats));
        InputRules { decoding: self.decoding(max_pixels, frame), note }
    }
}

/// Returns the rules that a run's images were decoded by.
pub(crate) fn of_run(run: &Run) -> Option<Formats> {
    run.record.settings.get("formats")?.as_str()?.parse().ok()
}
