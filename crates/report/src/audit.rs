//! Findings of a run's data audit, as `audit.json` holds them.

use audit::Sign;
use serde_json::Value;

/// Findings of the data audit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditSummary {
    /// Number of pairs of copies in two sets.
    pub across_sets: usize,
    /// Number of pairs of copies of two classes within one set.
    pub across_classes: usize,
    /// Number of pairs of copies within a set and class.
    pub within: usize,
    /// Number of groups, such as patients, with images in more than one set.
    pub shared_groups: usize,
    /// Number of images whose group is known; none where the audit did not store it.
    pub grouped: Option<usize>,
    /// Number of all images.
    pub images: usize,
    /// Number of images that cannot be read.
    pub unreadable: usize,
    /// Number of images unlike radiographs.
    pub strange: usize,
    /// Accuracy of guessing classes from file facts alone; none where it was not measured.
    pub source: Option<SourceLeakage>,
}

/// Accuracy that file facts alone give.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceLeakage {
    /// Strength of the sign.
    pub sign: Sign,
    /// Cross-validated balanced accuracy, in `[0, 1]`.
    pub balanced_accuracy: f64,
    /// Balanced accuracy of guessing.
    pub chance: f64,
}

impl AuditSummary {
    /// Counts the findings of an `audit.json`.
    pub fn from_json(json: &Value) -> Self {
        let copies = list(&json["copies"]);
        let across = |name: &str, pair: &Value| pair[name] == true;
        let across_sets = copies.iter().filter(|pair| across("across_sets", pair)).count();
        let across_classes = copies
            .iter()
            .filter(|pair| !across("across_sets", pair) && across("across_classes", pair))
            .count();
        Self {
            across_sets,
            across_classes,
            within: copies.len() - across_sets - across_classes,
            shared_groups: list(&json["shared_groups"]).len(),
            grouped: json["grouped"].as_u64().map(|grouped| grouped as usize),
            images: list(&json["sets"]).iter().filter_map(|set| set["images"].as_u64()).sum::<u64>() as usize,
            unreadable: list(&json["unreadable"]).len(),
            strange: list(&json["strange"]).len(),
            source: source(&json["source"]),
        }
    }
}

fn source(json: &Value) -> Option<SourceLeakage> {
    let sign = match json["sign"].as_str()? {
        "strong" => Sign::Strong,
        "weak" => Sign::Weak,
        _ => Sign::None,
    };
    let (balanced_accuracy, chance) = (json["balanced_accuracy"].as_f64()?, json["chance"].as_f64()?);
    Some(SourceLeakage { sign, balanced_accuracy, chance })
}

fn list(json: &Value) -> &[Value] {
    json.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_audit_is_counted() {
        let pair = |sets: bool, classes: bool| json!({"across_sets": sets, "across_classes": classes});
        let json = json!({
            "copies": [pair(true, true), pair(true, false), pair(false, true), pair(false, false)],
            "shared_groups": [{}], "grouped": 7, "sets": [{"images": 8}, {"images": 2}], "strange": [1, 2],
            "source": {"sign": "strong", "balanced_accuracy": 0.84, "chance": 0.33},
        });
        let audit = AuditSummary::from_json(&json);
        assert_eq!(
            [audit.across_sets, audit.across_classes, audit.within, audit.shared_groups],
            [2, 1, 1, 1]
        );
        assert_eq!((audit.grouped, audit.images, audit.strange), (Some(7), 10, 2));
        let expected = SourceLeakage { sign: Sign::Strong, balanced_accuracy: 0.84, chance: 0.33 };
        assert_eq!(audit.source, Some(expected));
        let empty = AuditSummary::from_json(&json!({}));
        assert_eq!(empty, AuditSummary::default());
    }
}
