//! Choice of images by view.

use std::{collections::BTreeSet, path::Path};

use super::table::LabelTable;
use crate::Error;

/// Keeps the images of these views: `frontal`, `lateral`, or a view as it is called in the file. All where none is named.
///
/// # Errors
/// A view of which there is no image.
pub(super) fn pick(labels: &mut LabelTable, path: &Path, views: &[String]) -> Result<(), Error> {
    if views.is_empty() {
        return Ok(());
    }
    let column = labels.attributes.iter().position(|name| name == "view");
    let view = |row: &super::LabelRow| {
        column.map(|column| row.attributes[column].as_str()).unwrap_or_default().to_owned()
    };
    let missing = views.iter().filter(|wanted| !labels.rows.iter().any(|row| is_of(&view(row), wanted)));
    let missing: Vec<String> = missing.cloned().collect();
    if !missing.is_empty() {
        let found: BTreeSet<String> = labels.rows.iter().map(view).filter(|view| !view.is_empty()).collect();
        let found = found.into_iter().collect();
        return Err(Error::NoSuchView { path: path.to_owned(), views: missing, found });
    }
    labels.rows.retain(|row| views.iter().any(|wanted| is_of(&view(row), wanted)));
    Ok(())
}

/// Tells if a view is the one wanted, or of its kind: `PA` is frontal.
fn is_of(view: &str, wanted: &str) -> bool {
    let (view, wanted) = (view.to_lowercase(), wanted.trim().to_lowercase());
    if view == wanted {
        return true;
    }
    match wanted.as_str() {
        // `PA`, `AP`, `AP_horizontal`, `PA LLD`, `POSTEROANTERIOR`, `ANTEROPOSTERIOR`.
        "frontal" => {
            view.starts_with("pa")
                || view.starts_with("ap")
                || view.ends_with("oanterior")
                || view.ends_with("oposterior")
        }
        // `L`, `LL`, `RL`, `LATERAL`, `XTABLE LATERAL`.
        "lateral" => matches!(view.as_str(), "l" | "ll" | "rl") || view.contains("lateral"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_named_or_of_a_kind() {
        for view in ["PA", "AP", "AP_horizontal", "PA LLD", "Frontal", "POSTEROANTERIOR"] {
            assert!(is_of(view, "frontal") && !is_of(view, "lateral"), "{view}");
        }
        for view in ["L", "LL", "LATERAL", "XTABLE LATERAL"] {
            assert!(is_of(view, "Lateral") && !is_of(view, "frontal"), "{view}");
        }
        assert!(is_of("AP", "ap") && !is_of("AP_horizontal", "AP") && !is_of("", "frontal"));
    }
}
