//! Text of an error: one line, its causes below it, and a hint with the command that mends it.

use std::fmt::{Display, Formatter, Write as _};

/// Error, or the context of one, with a hint that mends it.
#[derive(Debug)]
pub(crate) struct Advice {
    message: String,
    hint: String,
}

impl Advice {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }

    /// Returns the advice that an error contains.
    pub(crate) fn of(error: &anyhow::Error) -> Option<&Self> {
        error.downcast_ref()
    }

    pub(crate) fn hint(&self) -> &str {
        &self.hint
    }
}

impl Display for Advice {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Advice {}

/// Makes an error of one line and a hint.
pub(crate) fn fail(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Advice::new(message, hint))
}

/// Renders the whole text of an error, as it is printed.
pub(crate) fn render(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}\n");
    for cause in error.chain().skip(1) {
        let _ = writeln!(text, "  caused by: {cause}");
    }
    if let Some(hint) = hint(error) {
        let _ = write!(text, "\nhint: {hint}\n");
    }
    text
}

/// Returns the hint of an error: for a full disk anywhere in its causes its own hint, otherwise that of the outermost advice.
fn hint(error: &anyhow::Error) -> Option<String> {
    let full = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|io| matches!(io.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded));
    if full {
        let needs = "setting up needs about 1.1 GB for a while, with `--cuda` 6 GB, the data set 2 GB";
        return Some(format!("free some disk space ({needs}) and run this again"));
    }
    Advice::of(error).map(|advice| advice.hint.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn an_error_is_one_line_its_causes_and_a_hint() {
        let error = anyhow::anyhow!("no route to host")
            .context("from the site")
            .context(Advice::new("no luck", "try `x`"));
        assert_eq!(
            render(&error),
            "error: no luck\n  caused by: from the site\n  caused by: no route to host\n\nhint: try `x`\n"
        );
        assert_eq!(render(&anyhow::anyhow!("plain")), "error: plain\n");
    }

    #[test]
    fn a_full_disk_says_so_whatever_the_other_advice() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error =
            Err::<(), _>(full).context("cannot write `x`").context(Advice::new("no luck", "run again"));
        let text = render(&error.expect_err("it is one"));
        assert!(text.contains("hint: free some disk space"), "{text}");
    }
}
