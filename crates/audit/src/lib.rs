//! Audit of a data set before anything is trained on it: copies, leaks, files that cannot be read, images that are no
//! radiographs, and classes that files alone give away.
//!
//! Every file is read once and decoded once, and little of it is kept: two hashes, a picture of 128×128 pixels and some
//! facts, about 17 KB an image.
//!
//! This crate holds [`audit`], which looks for all of that, and [`DuplicateFinder`], for images that are decoded already. It
//! must not know tensors, the terminal, or how images are listed and decoded. It builds and tests with no libtorch.
//!
//! Outside libraries: **image** reads what a file's header says of it, **rayon** uses all cores, **sha2** tells equal pixels.

mod align;
mod candidates;
mod copies;
mod exact;
mod facts;
mod forest;
mod signature;
mod source;
mod strange;

use std::collections::BTreeMap;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

pub use copies::{CopyKind, CopyPair, NEAR};
use copies::{Print, copies};
use data::{DecodeError, DecodeNotes, Decoded, Decoding, Sample, decode, read_file};
pub use exact::DuplicateFinder;
pub use facts::FileFacts;
use signature::{Signature, gray, pixel_hash};
pub use source::{FactStrength, Sign, Source, source_sentence};
pub use strange::Oddity;

/// Images of one set, such as those to train on.
#[derive(Clone, Copy, Debug)]
pub struct AuditSet<'a> {
    /// Name of the set, such as `training`.
    pub name: &'a str,
    /// The images; every class is below the number of classes.
    pub samples: &'a [Sample],
}

/// An image of one of the sets.
#[derive(Clone, Debug)]
pub struct AuditedImage {
    /// The file, its name, and its class or findings.
    pub sample: Sample,
    /// Index of its set.
    pub set: usize,
    /// Facts of the file; none where it cannot be read.
    pub facts: Option<FileFacts>,
    /// Facts about how the file became pixels.
    pub notes: DecodeNotes,
}

/// A group, such as a patient, with images in more than one set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedGroup {
    /// Name of the group in the data set.
    pub group: String,
    /// Its images in each set.
    pub images: Vec<usize>,
}

/// Findings of an audit.
#[derive(Debug)]
pub struct Audit {
    /// Names of the sets.
    pub sets: Vec<String>,
    /// All images, set by set.
    pub images: Vec<AuditedImage>,
    /// Images that cannot be read, by index, and why.
    pub unreadable: Vec<(usize, DecodeError)>,
    /// Copies: leaks before others, exact ones before near ones, the most alike first.
    pub copies: Vec<CopyPair>,
    /// Groups with images in more than one set.
    pub shared_groups: Vec<SharedGroup>,
    /// Images unlike radiographs, by index, and all that is odd about each.
    pub strange: Vec<(usize, Vec<Oddity>)>,
    /// Strength of file facts as a sign of the class; none with one class, fewer than ten images of a class, or several findings
    /// an image.
    pub source: Option<Source>,
}

/// All that is known of an image that can be read.
struct Seen {
    facts: FileFacts,
    notes: DecodeNotes,
    print: Print,
    oddities: Vec<Oddity>,
}

/// Audits the sets together, on all of rayon's threads; `seed` is what the cross-validation of file facts is drawn from.
/// `progress` is called once a file. The result does not depend on the number of threads.
pub fn audit(
    sets: &[AuditSet<'_>],
    n_classes: usize,
    decoding: &Decoding,
    seed: u64,
    progress: &(dyn Fn() + Sync),
) -> Audit {
    let listed =
        sets.iter().enumerate().flat_map(|(set, of)| of.samples.iter().map(move |sample| (set, sample)));
    let mut images: Vec<AuditedImage> = listed
        .map(|(set, sample)| AuditedImage {
            sample: sample.clone(),
            set,
            facts: None,
            notes: DecodeNotes::default(),
        })
        .collect();
    let seen: Vec<Result<Seen, DecodeError>> = images
        .par_iter()
        .enumerate()
        .map(|(index, image)| {
            let seen = look(index, &image.sample, decoding);
            progress();
            seen
        })
        .collect();

    let (mut prints, mut strange, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for (index, seen) in seen.into_iter().enumerate() {
        match seen {
            Ok(Seen { facts, notes, print, oddities }) => {
                images[index].facts = Some(facts);
                images[index].notes = notes;
                prints.push(print);
                if !oddities.is_empty() {
                    strange.push((index, oddities));
                }
            }
            Err(error) => unreadable.push((index, error)),
        }
    }
    let mut audit = Audit {
        sets: sets.iter().map(|set| set.name.to_owned()).collect(),
        shared_groups: shared_groups(&images),
        copies: copies(&prints),
        images,
        unreadable,
        strange,
        source: None,
    };
    audit.sort_copies();
    audit.source = source::source(&audit.originals(), n_classes, seed);
    audit
}

fn look(index: usize, sample: &Sample, decoding: &Decoding) -> Result<Seen, DecodeError> {
    let bytes = read_file(&sample.path, decoding)?;
    let Decoded { pixels: image, notes } = decode(&bytes, decoding)?;
    let gray = gray(&image);
    let facts = FileFacts::new(&bytes, &gray);
    let oddities = strange::oddities(&image, &gray, &facts);
    let print = Print {
        image: index,
        file: Sha256::digest(&bytes).into(),
        pixels: pixel_hash(image.width, image.height, image.channels, &image.data),
        signature: Signature::new(&gray)?,
    };
    Ok(Seen { facts, notes, print, oddities })
}

impl Audit {
    /// Tells if the two are in different sets.
    pub fn across_sets(&self, pair: &CopyPair) -> bool {
        self.images[pair.first].set != self.images[pair.second].set
    }

    /// Tells if the two are of different classes, or if a finding is there in one and not in the other. Images of one patient
    /// look alike and may have other findings: of those, only exact copies count.
    pub fn across_classes(&self, pair: &CopyPair) -> bool {
        let [first, second] = [pair.first, pair.second].map(|image| &self.images[image].sample);
        let same_patient = first.group.is_some() && first.group == second.group;
        let may_differ = pair.kind == CopyKind::Near && same_patient && first.annotation.class().is_none();
        !may_differ && first.annotation.contradicts(&second.annotation)
    }

    /// Tells if a copy makes results untrue: it is in another set, or of another class or contradicting
    /// findings.
    pub fn is_leak(&self, pair: &CopyPair) -> bool {
        self.across_sets(pair) || self.across_classes(pair)
    }

    /// Counts the copies that are leaks, and the groups in more than one set.
    pub fn leaks(&self) -> usize {
        self.copies.iter().filter(|pair| self.is_leak(pair)).count() + self.shared_groups.len()
    }

    fn sort_copies(&mut self) {
        let mut copies = std::mem::take(&mut self.copies);
        copies.sort_by(|a, b| {
            let order = |pair: &CopyPair| (!self.across_sets(pair), !self.across_classes(pair), pair.kind);
            let places = (a.first, a.second).cmp(&(b.first, b.second));
            order(a).cmp(&order(b)).then(b.similarity.total_cmp(&a.similarity)).then(places)
        });
        self.copies = copies;
    }

    /// Facts and classes of all readable images of one class that are not an exact copy of an earlier one: a copy on both sides of a
    /// cross-validation would be recognised by its facts.
    fn originals(&self) -> Vec<(&FileFacts, usize)> {
        let mut copied = vec![false; self.images.len()];
        let exact = self.copies.iter().filter(|pair| pair.kind != CopyKind::Near);
        exact.for_each(|pair| copied[pair.second] = true);
        let readable = self.images.iter().zip(copied).filter(|(_, copied)| !copied);
        readable.filter_map(|(image, _)| Some((image.facts.as_ref()?, image.sample.class()?))).collect()
    }
}

fn shared_groups(images: &[AuditedImage]) -> Vec<SharedGroup> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, image) in images.iter().enumerate() {
        if let Some(group) = &image.sample.group {
            groups.entry(group).or_default().push(index);
        }
    }
    let in_several =
        |indices: &[usize]| indices.iter().any(|&index| images[index].set != images[indices[0]].set);
    let shared = groups.into_iter().filter(|(_, indices)| in_several(indices));
    shared.map(|(group, images)| SharedGroup { group: group.to_owned(), images }).collect()
}

#[cfg(test)]
mod tests;
