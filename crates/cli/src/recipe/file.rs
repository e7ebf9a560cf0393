//! A recipe's text, whoever wrote it: what can be told without knowing a flag. This file is fuzzed by itself.

use toml::{Table, Value};

/// The longest recipe, in bytes; one with every setting has 2 kB.
pub(crate) const MAX_BYTES: u64 = 1 << 20;

/// The settings, or the line that is wrong and why.
pub(crate) fn settings(text: &str) -> Result<Table, (usize, String)> {
    text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.as_bytes().get(..span.start)).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        (line, error.message().to_owned())
    })
}

/// A list as a flag takes it: with commas, and in quotes what has some of its own, as in a CSV.
pub(crate) fn list(words: &[String]) -> String {
    let quoted = |word: &String| match word.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", word.replace('"', "\"\"")),
        false => word.clone(),
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(",")
}

/// A value as a flag takes it, lists with commas; nothing where no flag takes such a value.
pub(crate) fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        // No list is in a list.
        Value::Array(values) if !values.iter().any(Value::is_array) => {
            values.iter().map(words).collect::<Option<Vec<_>>>().map(|words| list(&words))
        }
        _ => None,
    }
}
