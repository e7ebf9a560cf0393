//! Command `data audit`: faults of a data set, before anything is trained on it.

mod html;
mod json;
mod text;

use std::path::Path;

use ::audit::{Audit, AuditSet, CopyKind, CopyPair, source_sentence};
use anyhow::Result;
use data::{
    Annotation, Cache, CachedNote, Decoding, Error, Finding, Formats, Listing, OpenOptions, Sample, Split,
};

use crate::{
    args::{self, AuditArgs},
    compute::use_threads,
    dataset, files,
    output::Output,
    progress,
    status::Status,
};

/// Findings of an audit, with the labels and listings of the data set.
pub(crate) struct AuditReport<'a> {
    audit: Audit,
    listing: &'a Listing,
    test: Option<&'a Listing>,
    labels: Vec<String>,
}

pub(crate) fn run(args: &AuditArgs, output: &Output) -> Result<Status> {
    progress::catch_interrupts()?;
    use_threads(args.threads)?;
    if let Some(page) = &args.html {
        files::check_page(page, "--html")?;
    }
    let decoding = args.read.decoding(Formats::All);
    let options = OpenOptions {
        classes: args::classes(&args.classes),
        formats: decoding.formats,
        group: &args.group.rule(),
        findings: &args.findings.options(),
    };
    let (listing, test) = dataset::open(&args.data, args.test_data.as_deref(), &options, output)?;
    let split = split(args, &listing, output)?;
    let report = AuditReport::new(&listing, test.as_ref(), &split, &decoding, args.seed, output);
    let notes: Vec<_> =
        report.audit.images.iter().map(|image| (image.sample.path.clone(), image.notes)).collect();
    dataset::describe_notes(&notes, notes.len()).into_iter().for_each(|note| output.warn(note));
    match args.json {
        true => output.data(report.object().to_string()),
        false => output.result(text::report(&report)),
    }
    if let Some(page) = &args.html {
        files::write_page(page, &html::page(&report, &decoding), output)?;
    }
    let bad = !report.audit.unreadable.is_empty() || (args.strict && report.audit.leaks() > 0);
    Ok(if bad { Status::BadInput } else { Status::Done })
}

/// Makes the sets that `train` would make. If classes are too small to split, all images count as training.
fn split(args: &AuditArgs, listing: &Listing, output: &Output) -> Result<Split> {
    args.split.split(listing, args.validation_split, args.seed).or_else(|error| match error.downcast_ref() {
        Some(Error::TooFewToSplit { .. } | Error::NoImages { .. }) => {
            output.note(format!("note: {error}; all of it counts as training"));
            Ok(Split { training: listing.samples.clone(), validation: Vec::new() })
        }
        _ => Err(error),
    })
}

impl<'a> AuditReport<'a> {
    /// Audits the training, validation and test images; `seed` seeds the cross-validation of file facts.
    fn new(
        listing: &'a Listing,
        test: Option<&'a Listing>,
        split: &Split,
        decoding: &Decoding,
        seed: u64,
        output: &Output,
    ) -> Self {
        let mut sets = vec![AuditSet { name: "training", samples: &split.training }];
        if !split.validation.is_empty() {
            sets.push(AuditSet { name: "validation", samples: &split.validation });
        }
        sets.extend(test.map(|test| AuditSet { name: "test", samples: &test.samples }));
        let bar = progress::bar(output, sets.iter().map(|set| set.samples.len()).sum(), "auditing images");
        let audit = ::audit::audit(&sets, listing.classes.len(), decoding, seed, &|| bar.inc(1));
        bar.finish_and_clear();
        Self { audit, labels: listing.labels(), listing, test }
    }

    /// Returns all findings as one JSON text; findings on the same files are taken from the cache.
    pub(crate) fn text(
        listing: &'a Listing,
        test: Option<&'a Listing>,
        split: &Split,
        decoding: &Decoding,
        seed: u64,
        cache: Option<&Cache>,
        output: &Output,
    ) -> String {
        let tested = test.map_or(&[][..], |test| &test.samples);
        let samples = [&split.training[..], &split.validation, tested].concat();
        let note = cache.map(|cache| cache.note(&samples, &what(listing, test, split, decoding, seed)));
        if let Some(text) = note.as_ref().and_then(CachedNote::read) {
            tracing::info!("the audit is from the cache");
            return text;
        }
        let text = Self::new(listing, test, split, decoding, seed, output).object().to_string();
        if let Some(Err(error)) = note.map(|note| note.write(&text)) {
            output.warn(format!("the audit is not kept: {:#}", anyhow::Error::new(error)));
        }
        text
    }

    /// Returns all findings as one JSON object.
    fn object(&self) -> serde_json::Value {
        json::object(self)
    }

    fn set(&self, image: usize) -> &str {
        &self.audit.sets[self.audit.images[image].set]
    }

    /// Returns the class of an image, or its positive labels.
    fn label(&self, image: usize) -> String {
        let labels: Vec<&str> =
            self.audit.images[image].sample.strata().map(|stratum| self.labels[stratum].as_str()).collect();
        if labels.is_empty() { "no finding".to_owned() } else { labels.join(", ") }
    }

    /// Returns what a copy may differ in besides its set, as the end of a sentence.
    fn otherwise(&self) -> &'static str {
        if self.listing.is_multi_label() { "with contradicting findings" } else { "of different classes" }
    }

    /// Returns the labels on which two images contradict each other: none where they have one class each.
    fn contradictions(&self, pair: &CopyPair) -> Vec<&str> {
        let [first, second] =
            [pair.first, pair.second].map(|image| &self.audit.images[image].sample.annotation);
        let findings = first.findings().iter().zip(second.findings());
        let is_both =
            |(a, b): (&Finding, &Finding)| a.value.is_some() && b.value.is_some() && a.value != b.value;
        self.labels
            .iter()
            .zip(findings)
            .filter(|(_, pair)| is_both(*pair))
            .map(|(label, _)| label.as_str())
            .collect()
    }

    fn path(&self, image: usize) -> &Path {
        &self.audit.images[image].sample.path
    }

    /// Counts the images in each set.
    fn set_sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.audit.sets.len()];
        self.audit.images.iter().for_each(|image| sizes[image.set] += 1);
        sizes
    }

    fn is_synthetic(&self) -> bool {
        self.listing.is_synthetic() || self.test.is_some_and(Listing::is_synthetic)
    }

    /// Counts images in words, such as `2050 images of 3 classes: 1641 training, 409 validation`.
    fn counts(&self) -> String {
        let sizes = self.set_sizes();
        let sets = self.audit.sets.iter().zip(sizes).map(|(name, size)| format!("{size} {name}"));
        let sets = sets.collect::<Vec<_>>().join(", ");
        format!(
            "{} of {}: {sets}",
            count(self.audit.images.len(), "image"),
            count(self.labels.len(), if self.listing.is_multi_label() { "label" } else { "class" })
        )
    }

    /// Returns the main finding: the number of leaks.
    fn verdict(&self) -> String {
        if self.listing.is_multi_label() {
            return self.verdict_on_findings();
        }
        match self.audit.leaks() {
            0 => "no leak found: no copies in different sets or classes".to_owned(),
            1 => "1 leak: what is trained on and what is tested on, or the classes, are not apart".to_owned(),
            leaks => format!(
                "{leaks} leaks: what is trained on and what is tested on, or the classes, are not apart"
            ),
        }
    }

    /// Returns the main finding where images have several findings.
    fn verdict_on_findings(&self) -> String {
        match self.audit.leaks() {
            0 => "no leak found: no copies in different sets or with contradicting findings, no group in several sets".to_owned(),
            leaks => format!("{}: copies or groups in different sets, or copies with contradicting findings", count(leaks, "leak")),
        }
    }

    /// Returns a sentence on how well the files themselves reveal their classes.
    fn source_sentence(&self) -> String {
        let source = self.audit.source.as_ref();
        source_sentence(source.map(|source| (source.sign, source.balanced_accuracy, source.chance)))
    }
}

/// Version of the audit, raised whenever its findings on the same files change.
const AUDITOR: u32 = 1;

/// Describes everything that an audit depends on besides the contents of the files.
fn what(listing: &Listing, test: Option<&Listing>, split: &Split, decoding: &Decoding, seed: u64) -> String {
    let mut what = format!("audit {AUDITOR}\n{seed} {} {}\n", decoding.formats, decoding.max_pixels);
    for listing in [Some(listing), test].into_iter().flatten() {
        what.push_str(&format!("{:?} {:?}\n", listing.root, listing.labels()));
    }
    let tested = test.map_or(&[][..], |test| &test.samples);
    for (set, samples) in [&split.training[..], &split.validation, tested].into_iter().enumerate() {
        for sample in samples {
            let Sample { path, name, annotation, group, .. } = sample;
            let label = match annotation {
                Annotation::Class(class) => class.to_string(),
                Annotation::Findings(findings) => format!("{findings:?}"),
            };
            what.push_str(&format!("{set} {label} {group:?} {name:?} {path:?}\n"));
        }
    }
    what
}

/// Formats a count, such as `1 image` or `2 images`.
fn count(n: usize, what: &str) -> String {
    match (n, what.ends_with('s')) {
        (1, _) => format!("1 {what}"),
        (_, true) => format!("{n} {what}es"),
        (_, false) => format!("{n} {what}s"),
    }
}

fn kind(kind: CopyKind) -> &'static str {
    match kind {
        CopyKind::SameFile => "same file",
        CopyKind::SamePixels => "same pixels",
        CopyKind::Near => "near copy",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_well() {
        assert_eq!(
            [count(1, "class"), count(2, "class"), count(0, "image")],
            ["1 class", "2 classes", "0 images"]
        );
    }
}
