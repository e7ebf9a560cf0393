//! Parser of a recipe's text from any source, without knowledge of the flags. This file is fuzzed by itself.

use toml::{Table, Value};

/// Largest size of a recipe, in bytes; one with every setting has 2 kB.
pub(crate) const MAX_BYTES: u64 = 1 << 20;

/// Parses the settings; an error is the line number and the reason.
pub(crate) fn settings(text: &str) -> Result<Table, (usize, String)> {
    text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.as_bytes().get(..span.start)).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        (line, error.message().to_owned())
    })
}

/// Formats a list for a flag: with commas, and with quotes around words that hold commas, quotes or line breaks, as in a CSV.
pub(crate) fn list(words: &[String]) -> String {
    let quoted = |word: &String| match word.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", word.replace('"', "\"\"")),
        false => word.clone(),
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(",")
}

/// Formats a value for a flag, lists with commas; `None` where no flag takes such a value.
pub(crate) fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        // Nested lists have no flag.
        Value::Array(values) if !values.iter().any(Value::is_array) => {
            values.iter().map(words).collect::<Option<Vec<_>>>().map(|words| list(&words))
        }
        _ => None,
    }
}
