//! Output of the program: results to stdout, everything else to stderr, colour and bars only for a terminal.
//!
//! Results must arrive. The first error in writing them is kept, nothing is written after it, and [`Output::check`] ends the
//! command with it. Messages to stderr are best effort: a log that is full or closed ends nothing.
//!
//! Text for people is printed line by line: control characters in a line, line breaks among them, are escaped, so that no name of
//! a file or a class moves the cursor or adds a line.

use std::{
    fmt,
    fs::File,
    io::{self, IsTerminal as _, Write as _},
    os::fd::AsFd as _,
    sync::{Mutex, PoisonError},
};

use base::escape_line;
use tracing_subscriber::EnvFilter;

use crate::args::Global;

/// Printer of results and messages, which decides on colour and bars.
pub(crate) struct Output {
    quiet: bool,
    colour: bool,
    /// True where bars are drawn: on a terminal, and not between lines of a log.
    pub(crate) bars: bool,
    results: Mutex<Results>,
}

/// Standard output and the first error in writing to it.
struct Results {
    /// Duplicate of the file descriptor: `io::Stdout` takes a closed file for a written one.
    out: io::Result<File>,
    failed: Option<NotWritten>,
}

/// Results that could not be written to standard output.
#[derive(Clone, Debug)]
pub(crate) struct NotWritten {
    kind: io::ErrorKind,
    why: String,
}

impl NotWritten {
    pub(crate) fn new(error: &io::Error) -> Self {
        Self { kind: error.kind(), why: error.to_string() }
    }

    /// Tells if the reader closed the pipe (`| head`), which is no error.
    pub(crate) fn is_closed(&self) -> bool {
        self.kind == io::ErrorKind::BrokenPipe
    }

    /// Tells if the disk is full.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self.kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

impl fmt::Display for NotWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write the results to standard output: {}", self.why)
    }
}

impl std::error::Error for NotWritten {}

/// Text for people: one line, or several that this program broke. Text within a line never starts another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lines(Vec<String>);

impl From<String> for Lines {
    fn from(line: String) -> Self {
        Self(vec![line])
    }
}

impl From<&str> for Lines {
    fn from(line: &str) -> Self {
        Self(vec![line.to_owned()])
    }
}

impl From<&String> for Lines {
    fn from(line: &String) -> Self {
        Self(vec![line.clone()])
    }
}

impl From<Vec<String>> for Lines {
    fn from(lines: Vec<String>) -> Self {
        Self(lines)
    }
}

impl<const N: usize> From<[&str; N]> for Lines {
    fn from(lines: [&str; N]) -> Self {
        Self(lines.map(str::to_owned).to_vec())
    }
}

impl Lines {
    /// Splits a text in which every line break is this program's own.
    pub(crate) fn of(text: &str) -> Self {
        Self(text.lines().map(str::to_owned).collect())
    }

    /// Puts words before the first line.
    pub(crate) fn after(mut self, words: &str) -> Self {
        if let Some(first) = self.0.first_mut() {
            first.insert_str(0, words);
        }
        self
    }
}

/// Joins the escaped lines.
impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, line) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&escape_line(line))?;
        }
        Ok(())
    }
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        let terminal = io::stderr().is_terminal();
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
            .with_writer(move || Log { colour })
            .with_ansi(colour)
            .with_target(false)
            // By default the subscriber reports its own errors on stderr, and panics where that fails.
            .log_internal_errors(false)
            .init();
        let out = io::stdout().as_fd().try_clone_to_owned().map(File::from);
        Self {
            quiet: global.quiet,
            colour,
            bars: terminal && !global.quiet && global.verbose == 0,
            results: Mutex::new(Results { out, failed: None }),
        }
    }

    /// Makes an output that prints nothing.
    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        let out = Err(io::ErrorKind::BrokenPipe.into());
        Self { quiet: true, colour: false, bars: false, results: Mutex::new(Results { out, failed: None }) }
    }

    /// Prints a message to stderr, unless `--quiet`.
    pub(crate) fn note(&self, text: impl Into<Lines>) {
        if !self.quiet {
            say(text);
        }
    }

    /// Prints a warning to stderr, also with `--quiet`.
    pub(crate) fn warn(&self, text: impl Into<Lines>) {
        self.say_after("1;33", "warning:", text.into());
    }

    /// Prints an error of the command, or of one of many files, to stderr.
    pub(crate) fn error(&self, text: impl Into<Lines>) {
        self.say_after("1;31", "error:", text.into());
    }

    /// Prints a hint to stderr: the command or edit that mends an error.
    pub(crate) fn hint(&self, text: impl Into<Lines>) {
        say("");
        self.say_after("1", "hint:", text.into());
    }

    /// Prints a result for people to stdout.
    pub(crate) fn result(&self, text: impl Into<Lines>) {
        self.write(&text.into().to_string());
    }

    /// Prints a result for programs to stdout: a line of CSV, an object of JSON, a script. Its bytes stay unchanged.
    pub(crate) fn data(&self, text: impl AsRef<str>) {
        self.write(text.as_ref());
    }

    /// Fails if results cannot be written any more, so that the work ends. Commands that print while they work call it after
    /// every few lines.
    ///
    /// # Errors
    /// The first error in writing results; a closed pipe too, which ends the command without a message.
    pub(crate) fn check(&self) -> Result<(), NotWritten> {
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results.failed.clone().map_or(Ok(()), Err)
    }

    /// Checks the results of a command whose work is done: like [`Self::check`], but a closed pipe is no error.
    ///
    /// # Errors
    /// Results that could not be written.
    pub(crate) fn finish(&self) -> anyhow::Result<()> {
        match self.check() {
            Err(error) if !error.is_closed() => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn write(&self, text: &str) {
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        if results.failed.is_some() {
            return;
        }
        let written = match &mut results.out {
            Ok(out) => out.write_all(format!("{text}\n").as_bytes()).map_err(|error| NotWritten::new(&error)),
            Err(error) => Err(NotWritten::new(error)),
        };
        results.failed = written.err();
    }

    fn say_after(&self, style: &str, word: &str, text: Lines) {
        let word = if self.colour { format!("\x1b[{style}m{word}\x1b[0m") } else { word.to_owned() };
        say_raw(&format!("{word} {text}"));
    }
}

/// Prints a message to stderr, and ignores errors in doing so: `eprintln!` would panic.
pub(crate) fn say(text: impl Into<Lines>) {
    say_raw(&text.into().to_string());
}

fn say_raw(text: &str) {
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// Writer of log events, each of which is one line.
struct Log {
    colour: bool,
}

impl io::Write for Log {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        match self.colour {
            // The subscriber adds the colours, and escapes those in names itself.
            true => {
                let parts: Vec<_> = line.split('\x1b').map(escape_line).collect();
                say_raw(&parts.join("\x1b"));
            }
            false => say_raw(&escape_line(line)),
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_line_never_makes_another() {
        let name = "x\nNORMAL 1.0000\x1b[2J";
        let lines = Lines::from(vec![format!("`{name}`"), "  second".to_owned()]);
        assert_eq!(lines.to_string(), "`x\\nNORMAL 1.0000\\u{1b}[2J`\n  second");
        assert_eq!(Lines::from("").to_string(), "");
    }
}
