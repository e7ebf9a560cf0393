//! Findings of an audit as one JSON object.

use ::audit::{AuditedImage, FileFacts, Sign, Source};
use base::stored;
use serde_json::{Value, json};

use super::{AuditReport, kind};

pub(super) fn object(report: &AuditReport) -> Value {
    let AuditReport { audit, listing, test, labels } = report;
    let grouped = audit.images.iter().filter(|image| image.sample.group.is_some()).count();
    let image = |index: usize| json!({"path": stored(report.path(index)), "set": report.set(index), "label": report.label(index)});
    let with = |mut value: Value, name: &str, more: Value| {
        value[name] = more;
        value
    };
    let sets = audit.sets.iter().zip(report.set_sizes());
    let copies = audit.copies.iter().map(|pair| {
        json!({"kind": kind(pair.kind), "similarity": pair.similarity, "leak": audit.is_leak(pair),
               "across_sets": audit.across_sets(pair), "across_classes": audit.across_classes(pair),
               "images": [image(pair.first), image(pair.second)]})
    });
    let groups = audit.shared_groups.iter().map(|group| {
        json!({"group": group.group, "images": group.images.iter().map(|&index| image(index)).collect::<Vec<_>>()})
    });
    let strange = audit.strange.iter().map(|(index, oddities)| {
        with(image(*index), "reasons", oddities.iter().map(ToString::to_string).collect())
    });
    let unreadable =
        audit.unreadable.iter().map(|(index, error)| with(image(*index), "error", json!(error.to_string())));
    let files = audit.images.iter().enumerate().map(|(index, AuditedImage { facts, .. })| {
        with(image(index), "facts", facts.as_ref().map_or(Value::Null, self::facts))
    });
    json!({
        "data": stored(&listing.root),
        "test_data": test.as_ref().map(|test| stored(&test.root)),
        "synthetic": report.is_synthetic(),
        "classes": labels,
        "sets": sets.map(|(name, images)| json!({"name": name, "images": images})).collect::<Vec<_>>(),
        "leaks": audit.leaks(),
        "grouped": grouped,
        "unreadable": unreadable.collect::<Vec<_>>(),
        "copies": copies.collect::<Vec<_>>(),
        "shared_groups": groups.collect::<Vec<_>>(),
        "source": audit.source.as_ref().map(|source| self::source(source, labels)),
        "strange": strange.collect::<Vec<_>>(),
        "files": files.collect::<Vec<_>>(),
    })
}

fn source(source: &Source, labels: &[String]) -> Value {
    let facts = source.facts.iter().map(|fact| {
        json!({"fact": fact.name, "balanced_accuracy": fact.balanced_accuracy, "typical": per_class(labels, &fact.typical)})
    });
    let sign = match source.sign {
        Sign::None => "none",
        Sign::Weak => "weak",
        Sign::Strong => "strong",
    };
    json!({"sign": sign, "balanced_accuracy": source.balanced_accuracy, "chance": source.chance,
           "noise": source.noise, "images": source.images, "recalls": per_class(labels, &source.recalls),
           "facts": facts.collect::<Vec<_>>()})
}

fn per_class<T: Clone + Into<Value>>(labels: &[String], values: &[T]) -> Value {
    labels.iter().cloned().zip(values.iter().cloned().map(Into::into)).collect()
}

fn facts(facts: &FileFacts) -> Value {
    let [left, top, right, bottom] = facts.borders;
    json!({"bytes": facts.bytes, "format": facts.format, "width": facts.width, "height": facts.height,
           "bits": facts.bits, "colour": facts.colour, "jpeg_quality": facts.jpeg_quality,
           "progressive": facts.progressive, "edge_mean": facts.edge_mean, "corner_mean": facts.corner_mean,
           "borders": {"left": left, "top": top, "right": right, "bottom": bottom}})
}
