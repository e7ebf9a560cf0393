//! JSON whose objects keep the order of their keys.

use serde::{Serialize, Serializer};
use serde_json::Value;

/// JSON value.
pub(crate) enum Json {
    /// Value without objects whose order matters.
    Value(Value),
    /// Object, in this order.
    Object(Vec<(String, Self)>),
    /// List of values.
    List(Vec<Self>),
}

impl Json {
    /// Converts a value that is no struct: its keys would be sorted. `null` where it has no form in JSON.
    pub(crate) fn of(value: impl Serialize) -> Self {
        Self::Value(serde_json::to_value(value).unwrap_or(Value::Null))
    }
}

/// Makes an object with these entries.
pub(crate) fn object<'a>(entries: impl IntoIterator<Item = (&'a str, Json)>) -> Json {
    Json::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Object(entries) => serializer.collect_map(entries.iter().map(|(key, value)| (key, value))),
            Self::List(values) => serializer.collect_seq(values),
        }
    }
}
