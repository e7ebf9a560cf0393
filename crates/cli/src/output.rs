//! What goes where: results to stdout, everything else to stderr, colour and bars only for a terminal.

use std::io::{IsTerminal as _, Write as _};

use tracing_subscriber::EnvFilter;

use crate::args::Global;

/// Decides in one place what is drawn.
pub(crate) struct Output {
    quiet: bool,
    colour: bool,
    /// Bars: on a terminal, and not between lines of a log.
    pub(crate) bars: bool,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let level = match (global.quiet, global.verbose) {
            (true, _) => "error",
            (false, 0) => "warn",
            (false, 1) => "info",
            (false, _) => "debug",
        };
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(colour)
            .with_target(false)
            .init();
        Self { quiet: global.quiet, colour, bars: terminal && !global.quiet && global.verbose == 0 }
    }

    /// One that draws nothing.
    #[cfg(test)]
    pub(crate) fn quiet() -> Self {
        Self { quiet: true, colour: false, bars: false }
    }

    /// A line to stderr, unless `--quiet`.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            eprintln!("{}", text.as_ref());
        }
    }

    /// A line to stderr that `--quiet` keeps: something is not as it should be.
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        eprintln!("{} {}", self.yellow("warning:"), text.as_ref());
    }

    /// What is wrong with one thing of many, to stderr.
    pub(crate) fn error(&self, text: impl AsRef<str>) {
        eprintln!("{} {}", self.red("error:"), text.as_ref());
    }

    /// A result, to stdout. A reader that has gone away (`| head`) wants no more of it.
    pub(crate) fn result(&self, text: impl AsRef<str>) {
        let _ = writeln!(std::io::stdout(), "{}", text.as_ref());
    }

    pub(crate) fn bold(&self, text: &str) -> String {
        self.styled("1", text)
    }

    pub(crate) fn red(&self, text: &str) -> String {
        self.styled("1;31", text)
    }

    fn yellow(&self, text: &str) -> String {
        self.styled("1;33", text)
    }

    fn styled(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
