//! Names that look the same: the composed and decomposed forms of letters (macOS stores the latter), cases, blanks.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// A name in Unicode's composed form (NFC).
pub(crate) fn nfc(name: &str) -> Cow<'_, str> {
    if is_nfc(name) { Cow::Borrowed(name) } else { Cow::Owned(name.nfc().collect()) }
}

/// Tells if two names are the same text, whatever form it is stored in.
pub(crate) fn is_same_text(a: &str, b: &str) -> bool {
    a == b || (!(a.is_ascii() && b.is_ascii()) && nfc(a) == nfc(b))
}

/// Difference between two names that look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// Composed and decomposed letters.
    UnicodeForm,
    /// Upper and lower case.
    Case,
    /// Blanks or characters without width, also besides cases.
    Blanks,
}

impl std::fmt::Display for Likeness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::UnicodeForm => "in the Unicode form of their letters",
            Self::Case => "in upper and lower case",
            Self::Blanks => "in blanks",
        })
    }
}

/// Finds the difference between two names that look alike; nothing where they differ in more, or are equal.
pub(crate) fn likeness(a: &str, b: &str) -> Option<Likeness> {
    let lower = |name: &str| nfc(name).to_lowercase();
    if a == b {
        return None;
    }
    if nfc(a) == nfc(b) {
        return Some(Likeness::UnicodeForm);
    }
    if lower(a) == lower(b) {
        return Some(Likeness::Case);
    }
    (look(a) == look(b)).then_some(Likeness::Blanks)
}

/// A name as it looks: composed, in lower case, without blanks and characters that have no width.
pub(crate) fn look(name: &str) -> String {
    let is_blank =
        |c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}');
    nfc(name).to_lowercase().chars().filter(|c| !is_blank(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_are_known() {
        assert_eq!(likeness("Röntgen", "Ro\u{308}ntgen"), Some(Likeness::UnicodeForm));
        assert_eq!(likeness("NORMAL", "Normal"), Some(Likeness::Case));
        assert_eq!(likeness("No Finding", "no  finding"), Some(Likeness::Blanks));
        assert_eq!(likeness("No Finding", "No\u{a0}Finding"), Some(Likeness::Blanks));
        assert_eq!(likeness("NoFinding\u{200b}", "NoFinding"), Some(Likeness::Blanks));
        assert_eq!((likeness("a", "a"), likeness("a", "b")), (None, None));
        assert!(is_same_text("é", "e\u{301}") && !is_same_text("é", "e"));
    }
}
