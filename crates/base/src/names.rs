//! Names of files and classes as text: for people, and for programs that read CSV and JSON.

use std::{
    borrow::Cow,
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::PathBuf,
};

/// Tells if a character could move the cursor, break the line or turn round the order of what stands beside it: control
/// characters (C0, DEL and C1), line and paragraph separators, and bidirectional marks, embeddings, overrides and isolates.
fn is_unsafe(c: char) -> bool {
    let bidirectional =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || bidirectional || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Makes a line that is safe to print: control characters, line breaks and bidirectional controls become `\n`, `\u{1b}` and
/// the like. All other text stays as it is.
pub fn escape_line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 8);
    text.chars().for_each(|c| push_escaped(&mut line, c));
    Cow::Owned(line)
}

fn push_escaped(line: &mut String, c: char) {
    match c {
        '\n' | '\r' | '\t' => line.extend(c.escape_default()),
        c if is_unsafe(c) => line.extend(c.escape_unicode()),
        c => line.push(c),
    }
}

/// Name as people read it: one line, never the same as another name's.
///
/// Escapes as [`escape_line`] does; a byte that is no UTF-8 becomes `\xff` and the like. In a name in which anything is
/// escaped, or which looks as if, backslashes are doubled.
pub fn shown(name: impl AsRef<OsStr>) -> String {
    let name = name.as_ref();
    let plain = name.to_str().filter(|text| !text.contains(is_unsafe) && !looks_escaped(text, b"\\xunrt"));
    plain.map_or_else(|| escape_bytes(name.as_bytes(), push_escaped), str::to_owned)
}

/// Path as CSV and JSON hold it: UTF-8 stays as it is, never the same as another path's.
///
/// In a path that is no UTF-8, or that holds `\x` or `\\`, each byte that is no UTF-8 becomes `\xff` and the like, and
/// backslashes are doubled. [`from_stored`] reverses it.
pub fn stored(path: impl AsRef<OsStr>) -> String {
    let name = path.as_ref();
    let plain = name.to_str().filter(|text| !looks_escaped(text, b"\\x"));
    plain.map_or_else(|| escape_bytes(name.as_bytes(), String::push), str::to_owned)
}

/// Path that [`stored`] made a text of; any other text is a path as it is.
pub fn from_stored(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'\\', [b'\\', after @ ..]) => {
                bytes.push(b'\\');
                after
            }
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digits =
                    std::str::from_utf8(&[*high, *low]).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
                let Some(byte) = digits else { return text.into() };
                bytes.push(byte);
                after
            }
            _ => {
                bytes.push(*first);
                after
            }
        };
    }
    let path = PathBuf::from(OsString::from_vec(bytes));
    if stored(&path) == text { path } else { text.into() }
}

/// Tells if a text holds a backslash before one of these.
fn looks_escaped(text: &str, after: &[u8]) -> bool {
    text.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && after.contains(&pair[1]))
}

fn escape_bytes(bytes: &[u8], push: impl Fn(&mut String, char)) -> String {
    let mut text = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '\\' {
                text.push('\\');
            }
            push(&mut text, c);
        }
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

/// Cell of a CSV that no spreadsheet takes for a formula: one that begins with `=`, `+`, `-`, `@`, a tab or a carriage return
/// gets an apostrophe before it.
pub fn spreadsheet_safe(cell: &str) -> Cow<'_, str> {
    match cell.starts_with(FORMULA) {
        true => Cow::Owned(format!("'{cell}")),
        false => Cow::Borrowed(cell),
    }
}

/// Cell without the apostrophe of [`spreadsheet_safe`].
pub fn without_apostrophe(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|cell| cell.starts_with(FORMULA)).unwrap_or(cell)
}

const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn name(bytes: &[u8]) -> &OsStr {
        OsStr::from_bytes(bytes)
    }

    #[test]
    fn lines_are_safe_to_print() {
        assert_eq!(escape_line("a b\u{e9} \\n …"), "a b\u{e9} \\n …");
        assert_eq!(escape_line("a\x1b[2J\n\r\t\x7f\u{9b}0"), "a\\u{1b}[2J\\n\\r\\t\\u{7f}\\u{9b}0");
        assert_eq!(escape_line("\u{202e}gnp\u{2066}\u{2028}"), "\\u{202e}gnp\\u{2066}\\u{2028}");
    }

    #[test]
    fn people_tell_names_apart() {
        let names: [(&[u8], &str); 9] = [
            (b"a b.png", "a b.png"),
            (b"a\\b.png", "a\\b.png"),
            (b"a\nb", "a\\nb"),
            (b"a\\nb", "a\\\\nb"),
            (b"a\xff", "a\\xff"),
            (b"a\xfe", "a\\xfe"),
            (b"a\\xff", "a\\\\xff"),
            (b"a\\\\xff", "a\\\\\\\\xff"),
            ("\u{202e}\u{fffd}".as_bytes(), "\\u{202e}\u{fffd}"),
        ];
        for (bytes, expected) in names {
            assert_eq!(shown(name(bytes)), expected);
        }
    }

    #[test]
    fn programs_tell_paths_apart_and_find_them_again() {
        let paths: [(&[u8], &str); 8] = [
            (b"a\nb\x1b\\n", "a\nb\x1b\\n"),
            (b"a\\b.png", "a\\b.png"),
            (b"a\xff\xfe", "a\\xff\\xfe"),
            (b"a\\xff", "a\\\\xff"),
            (b"a\\\\", "a\\\\\\\\"),
            (b"\xff\\", "\\xff\\\\"),
            (b"\\xzz", "\\\\xzz"),
            (b"", ""),
        ];
        for (bytes, expected) in paths {
            assert_eq!(stored(name(bytes)), expected);
            assert_eq!(from_stored(expected).as_os_str(), name(bytes), "{expected}");
        }
        // What was not stored so is taken as it is.
        for other in ["\\xzz", "a\\x41", "\\\\server", "a\\"] {
            assert_eq!(from_stored(other), Path::new(other));
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            let safe = spreadsheet_safe(cell);
            assert_eq!(safe, format!("'{cell}"));
            assert_eq!(without_apostrophe(&safe), cell);
        }
        for cell in ["", "a=1", " =1", "'a", "0.5", "'"] {
            assert_eq!(spreadsheet_safe(cell), cell);
            assert_eq!(without_apostrophe(cell), cell);
        }
    }
}
