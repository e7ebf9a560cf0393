//! Findings of an audit as lines: the worst first, at most twenty of a kind.

use std::{ffi::OsStr, fmt::Write as _};

use ::audit::{CopyPair, SharedGroup};
use base::shown;

use super::{AuditReport, count, kind};
use crate::{dataset::marked, output::Lines};

/// Largest number of lines of a kind; the rest is counted.
const LINES: usize = 20;
/// Number of facts that are named.
const FACTS: usize = 5;

pub(super) fn report(report: &AuditReport) -> Lines {
    let audit = &report.audit;
    let mut text = format!("{}{}\n", shown(&report.listing.root), marked(report.is_synthetic()));
    let _ = writeln!(text, "{}\n\n{}", report.counts(), report.verdict());

    let (across_sets, within): (Vec<_>, Vec<_>) =
        audit.copies.iter().partition(|pair| audit.across_sets(pair));
    let (across_classes, harmless): (Vec<_>, Vec<_>) =
        within.into_iter().partition(|pair| audit.across_classes(pair));
    section(&mut text, "copies in different sets", across_sets.iter().map(|pair| self::pair(report, pair)));
    section(
        &mut text,
        &format!("copies {}, within a set", report.otherwise()),
        across_classes.iter().map(|pair| self::pair(report, pair)),
    );
    section(&mut text, "groups in more than one set", groups(report).into_iter());
    if let Some(pairs) = pairs(report) {
        let _ = writeln!(text, "  {pairs}");
    }
    let unreadable =
        audit.unreadable.iter().map(|(image, error)| format!("{}: {error}", quoted(report.path(*image))));
    section(&mut text, "images that cannot be read", unreadable);

    let _ = writeln!(text, "\ndo files give their classes away? {}", report.source_sentence());
    if let Some(source) = &audit.source {
        let alone = source.facts.iter().take(FACTS);
        let alone = alone.map(|fact| format!("{} {:.2}", fact.name, fact.balanced_accuracy));
        let _ = writeln!(text, "  by one fact alone: {}", alone.collect::<Vec<_>>().join(", "));
    }
    let strange = audit.strange.iter().map(|(image, oddities)| {
        let reasons = oddities.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        format!("{}: {reasons}", name(report, *image))
    });
    section(&mut text, "images unlike radiographs", strange);
    let heading = match report.listing.is_multi_label() {
        true => "copies within a set",
        false => "copies within a set and class",
    };
    section(&mut text, heading, harmless.iter().map(|pair| self::pair(report, pair)));
    // Names are escaped, so that every line break is from this function.
    Lines::of(text.trim_end())
}

/// Describes the groups in more than one set, those in training and test first.
fn groups(report: &AuditReport) -> Vec<String> {
    let sets_of = |group: &SharedGroup| -> Vec<&str> {
        let mut sets: Vec<&str> = group.images.iter().map(|&image| report.set(image)).collect();
        sets.dedup();
        sets
    };
    let mut groups: Vec<(&SharedGroup, Vec<&str>)> =
        report.audit.shared_groups.iter().map(|group| (group, sets_of(group))).collect();
    groups.sort_by_key(|(_, sets)| !(sets.contains(&"training") && sets.contains(&"test")));
    let line = |(group, sets): &(&SharedGroup, Vec<&str>)| {
        format!("{}: {} in {}", quoted(&group.group), count(group.images.len(), "image"), sets.join(", "))
    };
    groups.iter().map(line).collect()
}

/// Counts the groups that each two of more than two sets share.
fn pairs(report: &AuditReport) -> Option<String> {
    let names = &report.audit.sets;
    let shared = |first: usize, second: usize| {
        let has = |group: &&SharedGroup, set| {
            group.images.iter().any(|&image| report.audit.images[image].set == set)
        };
        report.audit.shared_groups.iter().filter(|group| has(group, first) && has(group, second)).count()
    };
    let pairs =
        (0..names.len()).flat_map(|first| (first + 1..names.len()).map(move |second| (first, second)));
    let told: Vec<String> = pairs
        .map(|(first, second)| (first, second, shared(first, second)))
        .filter(|(_, _, count)| *count > 0)
        .map(|(first, second, count)| format!("{count} in {} and {}", names[first], names[second]))
        .collect();
    (told.len() > 1).then(|| told.join(", "))
}

/// Adds a heading with the number of lines, and the first of them; nothing where there are none.
fn section(text: &mut String, heading: &str, lines: impl ExactSizeIterator<Item = String>) {
    let n = lines.len();
    if n == 0 {
        return;
    }
    let _ = writeln!(text, "\n{heading}: {n}");
    for line in lines.take(LINES) {
        let _ = writeln!(text, "  {line}");
    }
    if n > LINES {
        let _ = writeln!(text, "  … and {} more", n - LINES);
    }
}

fn pair(report: &AuditReport, pair: &CopyPair) -> String {
    let mut line = match pair.kind {
        ::audit::CopyKind::Near => format!("{} {:.2}", kind(pair.kind), pair.similarity),
        exact => kind(exact).to_owned(),
    };
    let _ = write!(line, ": {} and {}", name(report, pair.first), name(report, pair.second));
    if report.audit.across_classes(pair) {
        let contradictions = report.contradictions(pair);
        let _ = match contradictions.is_empty() {
            true => write!(
                line,
                " ({} and {})",
                shown(report.label(pair.first)),
                shown(report.label(pair.second))
            ),
            false => write!(line, " (only one has {})", shown(contradictions.join(", "))),
        };
    }
    line
}

/// Returns the set and the name of an image.
fn name(report: &AuditReport, image: usize) -> String {
    format!("{} {}", report.set(image), quoted(&report.audit.images[image].sample.name))
}

fn quoted(name: impl AsRef<OsStr>) -> String {
    format!("`{}`", shown(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_twenty_lines_and_a_count() {
        let mut text = String::new();
        section(&mut text, "things", (0..23).map(|i| format!("thing {i}")));
        assert!(
            text.starts_with("\nthings: 23\n  thing 0\n") && text.ends_with("thing 19\n  … and 3 more\n"),
            "{text}"
        );
        let mut text = String::new();
        section(&mut text, "things", Vec::<String>::new().into_iter());
        assert_eq!(text, "");
    }
}
