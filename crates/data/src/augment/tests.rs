use super::*;
use base::random::{Key, Purpose};

const SIZE: usize = 32;

fn generator(step: u64) -> Generator {
    Key { seed: 28, epoch: 1, step, purpose: Purpose::Augmentation }.generator(0)
}

/// A slope from dark to bright, left to right, of gray or colour.
fn slope(channels: usize) -> Vec<u8> {
    let value = |i: usize| 20 + 6 * (i % SIZE) as u8;
    (0..SIZE * SIZE).flat_map(|i| (0..channels).map(move |channel| value(i) + channel as u8)).collect()
}

fn changed(augmentation: Augmentation, step: u64) -> Vec<u8> {
    let mut image = slope(1);
    augment(&mut image, SIZE, 1, &augmentation, generator(step));
    image
}

fn mean(image: &[u8]) -> f64 {
    image.iter().map(|&value| f64::from(value)).sum::<f64>() / image.len() as f64
}

/// Sum of all columns' values, weighted: where the mass lies along x, from -1 to 1.
fn tilt(image: &[u8]) -> f64 {
    let at = |i: usize| (i % SIZE) as f64 / (SIZE - 1) as f64 * 2.0 - 1.0;
    image.iter().enumerate().map(|(i, &value)| f64::from(value) * at(i)).sum::<f64>()
}

#[test]
fn nothing_changes_nothing() {
    for step in 0..5 {
        assert_eq!(changed(Augmentation::default(), step), slope(1));
    }
}

#[test]
fn each_kind_does_what_its_name_says() {
    let none = Augmentation::default();
    let steps = || 0..200;
    let flipped = steps().map(|step| changed(Augmentation { flip_horizontal: true, ..none }, step));
    let mirrored: Vec<u8> = slope(1).chunks(SIZE).flat_map(|row| row.iter().rev().copied()).collect();
    let flips: Vec<bool> = flipped
        .map(|image| {
            if image == mirrored {
                true
            } else {
                assert_eq!(image, slope(1));
                false
            }
        })
        .collect();
    assert!((70..130).contains(&flips.iter().filter(|&&flip| flip).count()));
    // Rows are alike, so that top to bottom changes nothing.
    assert!(steps().all(|step| changed(Augmentation { flip_vertical: true, ..none }, step) == slope(1)));

    let range = |most: f64, of: &dyn Fn(u64) -> f64| {
        let values: Vec<f64> = steps().map(of).collect();
        let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), &v| (l.min(v), h.max(v)));
        assert!(
            low >= -most && high <= most && low < -0.8 * most && high > 0.8 * most,
            "{low} to {high}, not {most}"
        );
    };
    let plain = mean(&slope(1));
    range(13.4, &|step| mean(&changed(Augmentation { brightness: 0.05, ..none }, step)) - plain);
    // The slope is 6 a column: a shift by a tenth of 32 columns moves its middle by 19.2.
    let middle = |image: &[u8]| f64::from(image[SIZE * SIZE / 2 + SIZE / 2]) - f64::from(slope(1)[SIZE / 2]);
    range(19.7, &|step| middle(&changed(Augmentation { shift: 0.1, ..none }, step)));
    let spread = |image: &[u8]| f64::from(image[SIZE - 1]) - f64::from(image[0]) - 186.0;
    range(38.5, &|step| spread(&changed(Augmentation { contrast: 0.2, ..none }, step)));
    // Turned by a right angle at most, the slope points anywhere between up and down.
    range(1.02, &|step| tilt(&changed(Augmentation { turn: 180.0, ..none }, step)) / tilt(&slope(1)));
    let zoomed: Vec<f64> =
        steps().map(|step| spread(&changed(Augmentation { zoom: 0.5, ..none }, step))).collect();
    assert!(zoomed.iter().any(|&s| s < -50.0) && zoomed.iter().all(|&s| (-70.0..=0.0).contains(&s)));

    let noisy = changed(Augmentation { noise: 0.1, ..none }, 3);
    let differences: Vec<f64> =
        noisy.iter().zip(slope(1)).map(|(a, b)| f64::from(*a) - f64::from(b)).collect();
    let variance = differences.iter().map(|d| d * d).sum::<f64>() / differences.len() as f64;
    assert!(variance.sqrt() > 1.0 && variance.sqrt() < 26.0, "{variance}");
    assert!((differences.iter().sum::<f64>() / differences.len() as f64).abs() < 3.0);

    let erased: Vec<usize> = steps()
        .map(|step| changed(Augmentation { erase: 0.5, ..none }, step))
        .map(|image| image.iter().zip(slope(1)).filter(|(a, b)| *a != b).count())
        .collect();
    assert!((70..130).contains(&erased.iter().filter(|&&n| n > 0).count()));
    assert!(erased.iter().all(|&n| n <= SIZE * SIZE / 4));
}

#[test]
fn colours_stay_together() {
    let mut image = slope(3);
    let all = Augmentation { erase: 0.0, flip_horizontal: true, flip_vertical: true, ..Augmentation::LIGHT };
    augment(&mut image, SIZE, 3, &all, generator(7));
    assert_ne!(image, slope(3));
    // Channels of the slope are one step apart, and so they remain but for rounding and the ends of the range.
    let apart = image.chunks(3).filter(|pixel| pixel[2] - pixel[0] <= 3 && pixel[0] <= pixel[1]);
    assert_eq!(apart.count(), SIZE * SIZE);
}

#[test]
fn one_setting_does_not_move_what_another_one_does() {
    let alone = changed(Augmentation { shift: 0.1, ..Augmentation::default() }, 9);
    let with = changed(Augmentation { shift: 0.1, noise: 0.0, erase: 1e-9, ..Augmentation::default() }, 9);
    assert_eq!(alone, with);
}

#[test]
fn an_image_of_one_pixel_is_no_trouble() {
    let mut image = vec![9];
    augment(
        &mut image,
        1,
        1,
        &Augmentation { brightness: 0.0, contrast: 0.0, noise: 0.0, ..Augmentation::LIGHT },
        generator(1),
    );
    assert_eq!(image, [9]);
}

#[test]
fn texts_read_back() {
    for text in ["none", "turn=5,flip-horizontal", "shift=0.1,zoom=0.2,flip-vertical", "erase=0.5"] {
        assert_eq!(text.parse::<Augmentation>().unwrap().to_string(), text);
    }
    let light: Augmentation = "light".parse().unwrap();
    assert_eq!(light, Augmentation::LIGHT);
    assert_eq!(light.to_string().parse(), Ok(light));
    assert_eq!("light, turn=0".parse(), Ok(Augmentation { turn: 0.0, ..light }));
    assert_eq!("flip-horizontal,light".parse(), Ok(Augmentation { flip_horizontal: true, ..light }));
    for text in ["", "heavy", "none,light", "turn", "turn=much", "turn=NaN", "flip"] {
        let error = text.parse::<Augmentation>().unwrap_err();
        assert!(error.contains("is no augmentation") || error.contains("not NaN"), "{text}: {error}");
    }
    assert_eq!("turn=181".parse::<Augmentation>(), Err("`turn` is 0 to 180, not 181".to_owned()));
    assert_eq!("zoom=-1".parse::<Augmentation>(), Err("`zoom` is 0 to 0.5, not -1".to_owned()));
}
