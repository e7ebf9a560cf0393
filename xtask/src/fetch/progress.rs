//! Progress of transfers: a bar on a terminal, a plain line at every tenth elsewhere.

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;

/// Progress of one transfer.
pub(super) struct Progress {
    bar: ProgressBar,
    what: String,
    done: u64,
    total: Option<u64>,
    lines: bool,
    said: u64,
}

impl Progress {
    pub(super) fn new(what: &str, start: u64, total: Option<u64>) -> Self {
        let lines = !std::io::stderr().is_terminal();
        let bar = match total {
            _ if lines => ProgressBar::hidden(),
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        let template = "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.set_position(start);
        let said = total.map_or(0, |total| start * 10 / total.max(1));
        Self { bar, what: what.to_owned(), done: start, total, lines, said }
    }

    pub(super) fn add(&mut self, bytes: u64) {
        self.done += bytes;
        self.bar.set_position(self.done);
        let Some(total) = self.total.filter(|_| self.lines) else { return };
        let tenth = self.done * 10 / total.max(1);
        if tenth > self.said {
            self.said = tenth;
            eprintln!("{}: {} of {}", self.what, HumanBytes(self.done), HumanBytes(total));
        }
    }

    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
