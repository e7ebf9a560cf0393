//! Copies of all kinds, planted in the sets of a data set, and those that an audit finds.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use audit::{Audit, AuditSet};
use base::random::{Generator, Key, Purpose, permutation, unit};
use data::{Decoding, Formats, Listing, Pixels, Sample};
use image::{DynamicImage, ExtendedColorType, GrayImage, RgbImage, codecs::jpeg::JpegEncoder, imageops};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Kinds of copies with how many of each are planted.
pub(crate) const KINDS: [(&str, usize); 6] = [
    ("exact", 30),
    ("JPEG 60", 10),
    ("resized × 0.7", 10),
    ("cropped by 4 %", 10),
    ("cropped by 4 % at every edge", 10),
    ("all three, brightness and contrast", 10),
];

/// Training, validation and test images with copies among them, which lie in `folder`.
pub(crate) struct Planted {
    pub(crate) sets: [Vec<Sample>; 3],
    /// Copies with their kinds and originals.
    copies: BTreeMap<PathBuf, (usize, PathBuf)>,
}

/// Findings of an audit among planted copies.
pub(crate) struct Found {
    /// Similarities of the copies that were found, for each kind.
    pub(crate) kinds: Vec<Vec<f32>>,
    /// Pairs of other images: similarity, and the two.
    pub(crate) others: Vec<(f32, PathBuf, PathBuf)>,
}

/// Splits the images by `seed`, and puts a copy of each drawn image into another set than its own.
pub(crate) fn plant(listing: &Listing, test: &Listing, folder: &Path, seed: u64) -> Result<Planted> {
    let split = data::split::random(listing, 0.2, seed)?;
    let mut sets = [split.training, split.validation, test.samples.clone()];
    let originals: Vec<(usize, Sample)> = sets
        .iter()
        .enumerate()
        .flat_map(|(set, samples)| samples.iter().map(move |sample| (set, sample.clone())))
        .collect();
    let key = Key { seed, epoch: 0, step: 0, purpose: Purpose::Audit };
    let mut chosen = permutation(originals.len(), &key, 100).into_iter();
    let mut dice = key.generator(101);
    let mut copies = BTreeMap::new();
    for (kind, (_, count)) in KINDS.iter().enumerate() {
        for i in 0..*count {
            let (set, original) = &originals[chosen.next().ok_or("too few images")?];
            let copy = write_copy(original, kind, i, folder, &mut dice)?;
            let target = (set + 1 + (unit(&mut dice) * 2.0) as usize) % sets.len();
            sets[target].push(Sample {
                path: copy.clone(),
                name: copy.display().to_string(),
                ..original.clone()
            });
            copies.insert(copy, (kind, original.path.clone()));
        }
    }
    Ok(Planted { sets, copies })
}

impl Planted {
    pub(crate) fn audit(&self, n_classes: usize) -> Audit {
        let names = ["training", "validation", "test"];
        let sets: Vec<AuditSet<'_>> =
            names.iter().zip(&self.sets).map(|(name, samples)| AuditSet { name, samples }).collect();
        audit::audit(&sets, n_classes, &Decoding::new(Formats::Keras), 28, &|| {})
    }

    /// Sorts the audit's pairs. One counts as found if it joins a copy with its original, or with another
    /// copy of it.
    pub(crate) fn judge(&self, audit: &Audit) -> Found {
        let root = |image: usize| {
            let path = &audit.images[image].sample.path;
            self.copies.get(path).map_or(path, |(_, original)| original)
        };
        let (mut found, mut others) = (BTreeMap::new(), BTreeMap::new());
        for pair in &audit.copies {
            let (a, b) = (root(pair.first), root(pair.second));
            if a == b {
                for image in [pair.first, pair.second] {
                    let likeness = found.entry(&audit.images[image].sample.path).or_insert(pair.similarity);
                    *likeness = likeness.max(pair.similarity);
                }
            } else {
                others.entry((a.min(b), a.max(b))).or_insert(pair.similarity);
            }
        }
        let kinds = (0..KINDS.len()).map(|kind| {
            let of_kind = self.copies.iter().filter(|(_, (k, _))| *k == kind);
            of_kind.filter_map(|(path, _)| found.get(path).copied()).collect()
        });
        let others = others.into_iter().map(|((a, b), similarity)| (similarity, a.clone(), b.clone()));
        Found { kinds: kinds.collect(), others: others.collect() }
    }
}

/// Writes a copy of a kind and returns its path.
fn write_copy(
    original: &Sample,
    kind: usize,
    i: usize,
    folder: &Path,
    dice: &mut Generator,
) -> Result<PathBuf> {
    let file = |ending: &str| folder.join(format!("copy {kind} {i:02}.{ending}"));
    let bytes = fs::read(&original.path)?;
    let image = data::decode(&bytes, &Decoding::new(Formats::Keras))?.pixels;
    let as_colour = image.channels == 3 || (kind == 0 && i.is_multiple_of(2));
    let image = if as_colour { rgb(&image)?.into() } else { DynamicImage::from(gray(&image)?) };
    let path = match kind {
        0 => {
            let renamed = original.path.extension().unwrap_or_default().to_string_lossy().into_owned();
            let ending = [renamed.as_str(), "png", "bmp", "tiff", "ppm"][i % 5];
            let path = file(ending);
            match i % 5 {
                0 => fs::write(&path, &bytes)?,
                _ => image.save(&path)?,
            }
            return Ok(path);
        }
        1 => file("jpg"),
        _ => file(if i.is_multiple_of(2) { "png" } else { "jpeg" }),
    };
    let mut copy = image.into_luma8();
    if kind >= 3 {
        copy = crop(&copy, if kind == 4 { 0.08 } else { 0.04 }, kind == 4, dice);
    }
    if kind == 2 || kind == 5 {
        let scaled = |side: u32| ((side as f32 * 0.7).round() as u32).max(1);
        copy = imageops::resize(
            &copy,
            scaled(copy.width()),
            scaled(copy.height()),
            imageops::FilterType::Triangle,
        );
    }
    if kind == 5 {
        let (contrast, brightness) = (0.8 + 0.3 * unit(dice), 30.0 * unit(dice) - 15.0);
        copy.iter_mut()
            .for_each(|value| *value = ((f32::from(*value) - 128.0) * contrast + 128.0 + brightness) as u8);
    }
    if kind == 1 || kind == 5 {
        let mut bytes = Vec::new();
        let (width, height) = copy.dimensions();
        JpegEncoder::new_with_quality(&mut bytes, 60).encode(&copy, width, height, ExtendedColorType::L8)?;
        let path = file("jpg");
        fs::write(&path, bytes)?;
        return Ok(path);
    }
    copy.save(&path)?;
    Ok(path)
}

/// Takes a share off each side's length: evenly from both ends, or in a proportion that is drawn.
fn crop(image: &GrayImage, share: f32, even: bool, dice: &mut Generator) -> GrayImage {
    let (width, height) = image.dimensions();
    let (lost_x, lost_y) = ((width as f32 * share).round() as u32, (height as f32 * share).round() as u32);
    let mut part = |lost: u32| if even { lost / 2 } else { (unit(dice) * (lost + 1) as f32) as u32 };
    let (x, y) = (part(lost_x), part(lost_y));
    imageops::crop_imm(image, x, y, width - lost_x, height - lost_y).to_image()
}

fn gray(image: &Pixels) -> Result<GrayImage> {
    match image.channels {
        1 => Ok(GrayImage::from_raw(image.width as u32, image.height as u32, image.data.clone())
            .ok_or("sides")?),
        _ => Ok(imageops::grayscale(&rgb(image)?)),
    }
}

fn rgb(image: &Pixels) -> Result<RgbImage> {
    let data = match image.channels {
        1 => image.data.iter().flat_map(|&value| [value; 3]).collect(),
        _ => image.data.clone(),
    };
    Ok(RgbImage::from_raw(image.width as u32, image.height as u32, data).ok_or("sides")?)
}
