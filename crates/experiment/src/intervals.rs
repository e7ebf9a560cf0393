use std::collections::BTreeMap;

use metrics::Figure;

use crate::json::Json;

/// Converts intervals to their form in files, by key.
pub(crate) fn intervals<'a>(figures: impl Iterator<Item = (&'static str, &'a Figure)>) -> Json {
    let intervals = figures.filter_map(|(key, figure)| Some((key.to_owned(), figure.interval?)));
    Json::of(intervals.collect::<BTreeMap<String, [f64; 2]>>())
}
