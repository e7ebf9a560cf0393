use std::{
    fs,
    path::{Path, PathBuf},
};

use image::{
    DynamicImage, ExtendedColorType, GrayImage, RgbImage, codecs::jpeg::JpegEncoder, imageops,
    imageops::FilterType,
};

use super::*;
use base::random::{Key, Purpose};
use data::{Formats, Pixels};
use phantoms::{Finding, draw};

fn phantom(index: u64, size: usize) -> GrayImage {
    let key = Key { seed: 28, epoch: 0, step: index, purpose: Purpose::Phantom };
    let finding = [Finding::None, Finding::GroundGlass, Finding::Consolidation][index as usize % 3];
    GrayImage::from_raw(size as u32, size as u32, draw(finding, size, key.generator(0))).unwrap()
}

fn jpeg(image: &GrayImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    encoder.encode(image, image.width(), image.height(), ExtendedColorType::L8).unwrap();
    bytes
}

fn sample(folder: &Path, name: &str, label: usize) -> Sample {
    Sample::new(folder.join(name), name.to_owned(), label)
}

fn decoding() -> Decoding {
    Decoding::new(Formats::Keras)
}

fn audit_of(sets: &[(&str, Vec<Sample>)], n_classes: usize) -> Audit {
    let sets: Vec<AuditSet<'_>> = sets.iter().map(|(name, samples)| AuditSet { name, samples }).collect();
    audit(&sets, n_classes, &decoding(), 28, &|| {})
}

/// The names of a pair's images, and how they are the same.
fn named<'a>(audit: &'a Audit, pair: &CopyPair) -> (&'a str, &'a str, CopyKind) {
    (&audit.images[pair.first].sample.name, &audit.images[pair.second].sample.name, pair.kind)
}

/// Copies of every kind of some of 24 phantoms, in a test set.
fn planted(folder: &Path) -> [(&'static str, Vec<Sample>); 2] {
    let path = |name: &str| folder.join(name);
    let mut training = Vec::new();
    for i in 0..24 {
        let name = format!("{i:02}.png");
        phantom(i, 160).save(path(&name)).unwrap();
        training.push(sample(folder, &name, i as usize % 2));
    }
    fs::copy(path("00.png"), path("renamed.png")).unwrap();
    phantom(1, 160).save(path("stored.bmp")).unwrap();
    DynamicImage::from(phantom(2, 160)).into_rgb8().save(path("as colour.png")).unwrap();
    fs::write(path("compressed.jpg"), jpeg(&phantom(3, 160), 60)).unwrap();
    imageops::resize(&phantom(4, 160), 112, 112, FilterType::Triangle).save(path("resized.png")).unwrap();
    imageops::crop_imm(&phantom(5, 160), 6, 0, 154, 154).to_image().save(path("cropped.png")).unwrap();
    let mut all = imageops::crop_imm(&phantom(6, 160), 3, 3, 154, 154).to_image();
    all = imageops::resize(&all, 108, 108, FilterType::Triangle);
    all.iter_mut().for_each(|value| *value = (f32::from(*value) * 0.8 + 20.0) as u8);
    fs::write(path("all of it.jpg"), jpeg(&all, 60)).unwrap();
    // The middle square of a wide one, as many programs cut images.
    let wide = imageops::crop_imm(&phantom(7, 160), 0, 10, 160, 130).to_image();
    wide.save(path("07.png")).unwrap();
    imageops::crop_imm(&wide, 15, 0, 130, 130).to_image().save(path("square.png")).unwrap();
    let copies = [
        "renamed.png",
        "stored.bmp",
        "as colour.png",
        "compressed.jpg",
        "resized.png",
        "cropped.png",
        "all of it.jpg",
        "square.png",
    ];
    let test = copies.iter().enumerate().map(|(i, name)| sample(folder, name, i % 2)).collect();
    [("training", training), ("test", test)]
}

#[test]
fn all_planted_copies_are_found_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let audit = audit_of(&planted(folder.path()), 2);
    let mut found: Vec<_> = audit.copies.iter().map(|pair| named(&audit, pair)).collect();
    found.sort_unstable();
    let expected = [
        ("00.png", "renamed.png", CopyKind::SameFile),
        ("01.png", "stored.bmp", CopyKind::SamePixels),
        ("02.png", "as colour.png", CopyKind::SamePixels),
        ("03.png", "compressed.jpg", CopyKind::Near),
        ("04.png", "resized.png", CopyKind::Near),
        ("05.png", "cropped.png", CopyKind::Near),
        ("06.png", "all of it.jpg", CopyKind::Near),
        ("07.png", "square.png", CopyKind::Near),
    ];
    assert_eq!(found, expected);
    assert_eq!(audit.leaks(), 8);
    assert!(audit.copies.iter().all(|pair| audit.across_sets(pair) && !audit.across_classes(pair)));
}

#[test]
fn threads_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let sets = planted(folder.path());
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let audit = pool.install(|| audit_of(&sets, 2));
        (audit.copies, audit.source.unwrap())
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn copies_within_a_set_and_class_are_no_leak() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.png", "b.png", "c.png"] {
        phantom(1, 96).save(folder.path().join(name)).unwrap();
    }
    let [a, b, c] =
        [("a.png", 0), ("b.png", 0), ("c.png", 1)].map(|(name, label)| sample(folder.path(), name, label));
    let audit = audit_of(&[("training", vec![a.clone(), b.clone()])], 2);
    assert_eq!((audit.copies.len(), audit.leaks()), (1, 0));
    // Of another class it is one; and leaks come first.
    let audit = audit_of(&[("training", vec![a, b, c])], 2);
    assert_eq!((audit.copies.len(), audit.leaks()), (2, 1));
    assert_eq!(named(&audit, &audit.copies[0]), ("a.png", "c.png", CopyKind::SameFile));
}

#[test]
fn unreadable_files_and_groups_in_two_sets_are_named() {
    let folder = tempfile::tempdir().unwrap();
    phantom(1, 96).save(folder.path().join("a.png")).unwrap();
    phantom(2, 96).save(folder.path().join("b.png")).unwrap();
    fs::write(folder.path().join("text.png"), "this is no image").unwrap();
    let of_patient =
        |name, group: &str| Sample { group: Some(group.to_owned()), ..sample(folder.path(), name, 0) };
    let training = vec![of_patient("a.png", "p1"), of_patient("gone.png", "p2")];
    let test = vec![of_patient("text.png", "p3"), of_patient("b.png", "p1")];
    let audit = audit_of(&[("training", training), ("test", test)], 1);
    let unreadable: Vec<_> =
        audit.unreadable.iter().map(|(index, error)| (*index, error.to_string())).collect();
    assert_eq!(unreadable[1], (2, "is no image".to_owned()));
    assert!(unreadable[0].0 == 1 && unreadable[0].1.starts_with("cannot be read: "), "{unreadable:?}");
    assert_eq!(audit.shared_groups, [SharedGroup { group: "p1".to_owned(), images: vec![0, 3] }]);
    assert_eq!((audit.leaks(), audit.copies.len()), (1, 0));
    assert_eq!(audit.source, None);
}

fn oddities_of(image: &DynamicImage) -> Vec<Oddity> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let pixels = match image {
        DynamicImage::ImageLuma8(gray) => Pixels { width, height, channels: 1, data: gray.to_vec() },
        image => Pixels { width, height, channels: 3, data: image.to_rgb8().into_raw() },
    };
    let gray = gray(&pixels);
    strange::oddities(&pixels, &gray, &FileFacts::new(b"", &gray))
}

#[test]
fn what_is_no_radiograph_is_odd_and_phantoms_are_not() {
    for i in 0..6 {
        let image = DynamicImage::from(phantom(i, 128));
        assert!(oddities_of(&image).is_empty());
        assert!(oddities_of(&image.into_rgb8().into()).is_empty());
    }
    let photo = RgbImage::from_fn(128, 128, |x, y| image::Rgb([x as u8 * 2, y as u8, 90]));
    assert!(matches!(oddities_of(&photo.into())[..], [Oddity::Colour(share)] if share > 0.5));
    let page = GrayImage::from_fn(200, 260, |x, y| {
        let ink = y % 12 < 5 && (20..180).contains(&x) && x * 7919 % 11 < 4;
        image::Luma([if ink { 30 } else { 250 }])
    });
    assert!(matches!(oddities_of(&page.into())[..], [Oddity::Page(_)]));
    let blank = GrayImage::from_fn(128, 128, |x, y| image::Luma([100 + (x * y % 3) as u8]));
    assert!(matches!(oddities_of(&blank.into())[..], [Oddity::Blank(2)]));
    let drawing = GrayImage::from_fn(128, 128, |x, _| image::Luma([x as u8 / 32 * 60]));
    assert!(matches!(oddities_of(&drawing.into())[..], [Oddity::Drawing(bits)] if (bits - 2.0).abs() < 0.01));
    let long = imageops::resize(&phantom(0, 128), 300, 100, FilterType::Triangle);
    assert_eq!(oddities_of(&long.into()), [Oddity::Aspect(3.0)]);
    assert_eq!(oddities_of(&phantom(0, 40).into()), [Oddity::Tiny(40)]);
}

/// Two classes of 20 images, of these sides.
fn sized(folder: &Path, sides: [usize; 2]) -> Audit {
    let mut samples = Vec::new();
    for i in 0..40 {
        let (name, label) = (format!("{i}.png"), i % 2);
        phantom(i as u64, sides[label]).save(folder.join(&name)).unwrap();
        samples.push(sample(folder, &name, label));
    }
    audit_of(&[("training", samples)], 2)
}

#[test]
fn a_size_that_goes_with_the_class_gives_it_away() {
    let folder = tempfile::tempdir().unwrap();
    let source = sized(folder.path(), [40, 50]).source.unwrap();
    assert_eq!((source.sign, source.images, source.chance), (Sign::Strong, 40, 0.5));
    assert!(source.balanced_accuracy > 0.95, "{source:?}");
    let width = source.facts.iter().find(|fact| fact.name == "width").unwrap();
    assert_eq!((width.balanced_accuracy, &width.typical[..]), (1.0, &["40".to_owned(), "50".to_owned()][..]));
}

#[test]
fn files_of_one_make_give_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let source = sized(folder.path(), [44, 44]).source.unwrap();
    assert_eq!(source.sign, Sign::None, "{source:?}");
    assert!(source.balanced_accuracy - source.chance < source.noise, "{source:?}");
}

#[test]
fn facts_are_those_of_the_file() {
    let image = phantom(1, 120);
    let pixels = Pixels { width: 120, height: 120, channels: 1, data: image.to_vec() };
    for quality in [30, 60, 85, 95] {
        let facts = FileFacts::new(&jpeg(&image, quality), &pixels);
        assert_eq!(
            (facts.format, facts.colour, facts.bits, facts.progressive),
            ("JPEG", "gray", Some(8), false)
        );
        assert!(facts.jpeg_quality.unwrap().abs_diff(quality) <= 1, "{quality}: {:?}", facts.jpeg_quality);
    }
    let folder = tempfile::tempdir().unwrap();
    let facts_as = |name: &str, image: DynamicImage| {
        let path: PathBuf = folder.path().join(name);
        image.save(&path).unwrap();
        let facts = FileFacts::new(&fs::read(path).unwrap(), &pixels);
        (facts.format, facts.colour, facts.bits, facts.jpeg_quality)
    };
    assert_eq!(facts_as("a.png", image.clone().into()), ("PNG", "gray", Some(8), None));
    let wide = DynamicImage::from(image.clone()).into_luma16();
    assert_eq!(facts_as("b.png", wide.into()), ("PNG", "gray", Some(16), None));
    assert_eq!(
        facts_as("c.tiff", DynamicImage::from(image.clone()).into_rgb8().into()),
        ("TIFF", "RGB", Some(8), None)
    );
    assert_eq!(facts_as("d.bmp", image.into()).0, "BMP");

    // 10 black columns at the left of 40, 4 rows at the bottom of 20; the other edges are white.
    let data = (0..800).map(|i| if i % 40 < 10 || i / 40 >= 16 { 0 } else { 255 }).collect();
    let facts = FileFacts::new(b"", &Pixels { width: 40, height: 20, channels: 1, data });
    assert_eq!(facts.borders, [0.25, 0.0, 0.0, 0.2]);
    assert_eq!((facts.aspect(), facts.corner_mean), (2.0, 63.75));
}

/// Cut off at any byte, a header gives no panic.
#[test]
fn any_beginning_of_a_file_has_facts() {
    let pixels = Pixels { width: 1, height: 1, channels: 1, data: vec![0] };
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.png", "a.tiff", "a.bmp", "a.webp", "a.gif"] {
        DynamicImage::from(phantom(1, 32)).into_rgb8().save(folder.path().join(name)).unwrap();
        let bytes = fs::read(folder.path().join(name)).unwrap();
        (0..bytes.len().min(200)).for_each(|n| assert_eq!(FileFacts::new(&bytes[..n], &pixels).width, 1));
    }
    let bytes = jpeg(&phantom(1, 32), 60);
    (0..bytes.len()).for_each(|n| assert_eq!(FileFacts::new(&bytes[..n], &pixels).width, 1));
}

#[test]
fn training_finds_exact_copies_by_resized_pixels_and_confirms_them() {
    let folder = tempfile::tempdir().unwrap();
    let image = phantom(1, 64);
    image.save(folder.path().join("0.png")).unwrap();
    DynamicImage::from(image.clone()).into_rgb8().save(folder.path().join("1.png")).unwrap();
    // Nearest to 32 pixels takes every other pixel: another one may change unseen.
    let mut touched = image.clone();
    touched.get_pixel_mut(0, 0).0[0] ^= 1;
    touched.save(folder.path().join("2.png")).unwrap();
    phantom(2, 64).save(folder.path().join("3.png")).unwrap();
    let paths: Vec<PathBuf> = (0..4).map(|i| folder.path().join(format!("{i}.png"))).collect();

    let mut finder = DuplicateFinder::new();
    for (i, path) in paths.iter().enumerate() {
        let pixels = decode(&fs::read(path).unwrap(), &decoding()).unwrap().pixels;
        let resized = data::resize(&pixels, 32, data::Interpolation::Nearest).unwrap();
        finder.add(i, &Sha256::digest(&resized.compact().data).into());
    }
    assert_eq!(finder.suspects(), 3);
    assert_eq!(finder.confirm(|i| paths[i].as_path(), &decoding()), [[0, 1]]);
}
