use super::*;
use base::random::Purpose;

const SIZE: usize = 64;
const MANY: u64 = 24;
/// The findings of a healthy chest.
const NONE: [bool; 6] = [false; 6];

fn key(step: u64) -> Key {
    Key { seed: 28, epoch: 2, step, purpose: Purpose::Phantom }
}

fn with(pathology: Pathology) -> [bool; 6] {
    Pathology::ALL.map(|other| other == pathology)
}

fn draw(findings: [bool; 6], step: u64) -> Vec<f32> {
    let chest = Chest { findings, sex: Sex::Male, view: Projection::PosteroAnterior };
    chest.draw(SIZE, &key(step), 0).into_iter().map(f32::from).collect()
}

/// Change of every pixel that a finding makes, without the grain's rounding.
fn change(pathology: Pathology, step: u64) -> Vec<f32> {
    let (ill, healthy) = (draw(with(pathology), step), draw(NONE, step));
    ill.iter().zip(&healthy).map(|(ill, healthy)| ill - healthy).collect()
}

/// Mean over a rectangle of the film; sides as shares of it.
fn over(image: &[f32], [left, right]: [f32; 2], [top, bottom]: [f32; 2]) -> f32 {
    let at = |share: f32| (share * SIZE as f32) as usize;
    let rows = image.chunks_exact(SIZE).take(at(bottom)).skip(at(top));
    let values: Vec<f32> = rows.flat_map(|row| row[at(left)..at(right)].to_vec()).collect();
    values.iter().sum::<f32>() / values.len() as f32
}

/// Share of the film on which a finding changes pixels by more than 3 gray levels.
fn changed(change: &[f32]) -> f32 {
    change.iter().filter(|change| change.abs() > 3.0).count() as f32 / change.len() as f32
}

const LEFT: [f32; 2] = [0.12, 0.38];
const RIGHT: [f32; 2] = [0.62, 0.88];

#[test]
fn every_finding_is_seen_and_leaves_what_is_outside_the_chest() {
    for pathology in Pathology::ALL {
        for step in 0..MANY {
            let change = change(pathology, step);
            let share = changed(&change);
            assert!((0.002..0.45).contains(&share), "{pathology:?} {step}: {share}");
            // The neck, the shoulders and the belly.
            assert!(over(&change, [0.0, 1.0], [0.0, 0.06]).abs() < 0.2, "{pathology:?} {step}");
            assert!(over(&change, [0.0, 1.0], [0.97, 1.0]).abs() < 0.2, "{pathology:?} {step}");
        }
    }
}

#[test]
fn a_consolidation_brightens_one_lung() {
    for step in 0..MANY {
        let change = change(Pathology::Consolidation, step);
        let (left, right) = (over(&change, LEFT, [0.1, 0.9]), over(&change, RIGHT, [0.1, 0.9]));
        assert!(left.max(right) > 15.0 && left.min(right).abs() < 0.5, "{step}: {left} {right}");
    }
}

#[test]
fn ground_glass_brightens_both_lungs() {
    for step in 0..MANY {
        let change = change(Pathology::GroundGlass, step);
        let (left, right) = (over(&change, LEFT, [0.3, 0.8]), over(&change, RIGHT, [0.3, 0.8]));
        assert!(left > 10.0 && right > 10.0, "{step}: {left} {right}");
    }
}

#[test]
fn an_effusion_brightens_the_bottom_of_a_lung() {
    let mut on_both = 0;
    for step in 0..MANY {
        let change = change(Pathology::Effusion, step);
        let [left, right] = [LEFT, RIGHT].map(|side| over(&change, side, [0.6, 0.8]));
        assert!(left.max(right) > 25.0, "{step}: {left} {right}");
        assert!(over(&change, [0.0, 1.0], [0.0, 0.35]).abs() < 0.1, "{step}");
        on_both += u64::from(left.min(right) > 2.0);
    }
    assert!((2..MANY - 6).contains(&on_both), "{on_both}");
}

#[test]
fn a_pneumothorax_darkens_the_apex_and_the_outer_edge_of_one_lung() {
    for step in 0..MANY {
        let change = change(Pathology::Pneumothorax, step);
        let [left, right] = [LEFT, RIGHT].map(|side| over(&change, side, [0.15, 0.5]));
        assert!(left.min(right) < -4.0 && left.max(right).abs() < 0.5, "{step}: {left} {right}");
        let apex = if left < right { [0.28, 0.36] } else { [0.64, 0.72] };
        assert!(over(&change, apex, [0.17, 0.25]) < -10.0, "{step}");
        // Nearer to the middle the lung is still there.
        let side = if left < right { [0.36, 0.44] } else { [0.56, 0.64] };
        assert!(over(&change, side, [0.4, 0.6]) > left.min(right) / 2.0, "{step}");
    }
}

#[test]
fn an_enlarged_heart_takes_more_than_half_of_the_chest() {
    for step in 0..200 {
        let ratio = |pathology: Option<Pathology>, view: Projection| {
            let chest = Chest { findings: pathology.map_or(NONE, with), sex: Sex::Female, view };
            let mut anatomy = Anatomy::draw(false, &mut Dice::new(key(step).generator(Stream::BODY)));
            let dice = Dice::new(key(step).generator(Stream::Finding(Pathology::Cardiomegaly).number(0)));
            chest.set_up(&mut anatomy, pathology.map(|_| dice));
            anatomy.cardiothoracic_ratio()
        };
        let (back, front) =
            (ratio(None, Projection::PosteroAnterior), ratio(None, Projection::AnteroPosterior));
        assert!((0.419..0.481).contains(&back) && back <= front && front < 0.481, "{step}: {back} {front}");
        let enlarged = ratio(Some(Pathology::Cardiomegaly), Projection::PosteroAnterior);
        assert!((0.579..0.661).contains(&enlarged), "{step}: {enlarged}");
    }
    for step in 0..MANY {
        let change = change(Pathology::Cardiomegaly, step);
        assert!(over(&change, [0.3, 0.75], [0.4, 0.7]) > 5.0, "{step}");
        assert!(over(&change, [0.0, 1.0], [0.0, 0.25]).abs() < 0.1, "{step}");
    }
}

#[test]
fn a_nodule_is_a_spot_of_the_radius_that_is_told() {
    let size = 256;
    let least = least_nodule_radius(size);
    // 0.055 of the film's half side of 48 pixels, of which a length of 0.86 / 0.9775 takes the whole.
    assert!((least_nodule_radius(96) - 3.0007).abs() < 1e-3, "{}", least_nodule_radius(96));
    for step in 0..MANY {
        let draw = |findings| {
            let chest = Chest { findings, sex: Sex::Male, view: Projection::PosteroAnterior };
            chest.draw(size, &key(step), 0)
        };
        let (ill, healthy) = (draw(with(Pathology::Nodule)), draw(NONE));
        let more: Vec<f64> =
            ill.iter().zip(&healthy).map(|(ill, healthy)| f64::from(*ill) - f64::from(*healthy)).collect();
        assert!(more.iter().all(|more| *more > -2.0), "{step}");
        let seen = |level: f64| more.iter().filter(|more| **more > level).count() as f64;
        let most = more.iter().copied().fold(0.0, f64::max);
        // The film is not linear: half of the gray is a little less than half of the density.
        assert!(
            most > 100.0 && seen(most / 2.5) > std::f64::consts::PI * (0.9 * least).powi(2),
            "{step}: {most}"
        );
        assert!(seen(3.0) < std::f64::consts::PI * (2.6 * least).powi(2), "{step}");
    }
}

#[test]
fn a_nodule_is_brighter_than_the_ribs_of_its_lung() {
    for step in 0..MANY {
        let (ill, healthy) = (draw(with(Pathology::Nodule), step), draw(NONE, step));
        let brightest =
            (0..ill.len()).max_by(|a, b| (ill[*a] - healthy[*a]).total_cmp(&(ill[*b] - healthy[*b])));
        // The lungs' middle zones between the spine and the shoulder blades, without the heart.
        let rib = [LEFT, RIGHT]
            .into_iter()
            .flat_map(|[left, right]| {
                let healthy = &healthy;
                let at = |share: f32| (share * SIZE as f32) as usize;
                (at(0.3)..at(0.45))
                    .flat_map(move |row| healthy[row * SIZE + at(left)..row * SIZE + at(right)].to_vec())
            })
            .fold(0.0, f32::max);
        let nodule = ill[brightest.unwrap()];
        assert!(nodule > rib + 20.0, "{step}: {nodule} {rib}");
    }
}

/// Each finding has random numbers of its own: adding one leaves the others' places.
#[test]
fn findings_do_not_move_each_other() {
    let both =
        Pathology::ALL.map(|pathology| matches!(pathology, Pathology::Effusion | Pathology::Cardiomegaly));
    for step in 0..6 {
        let upper = |findings| over(&draw(findings, step), [0.0, 1.0], [0.0, 0.3]);
        assert_eq!(upper(NONE), upper(with(Pathology::Effusion)));
        assert!((upper(both) - upper(NONE)).abs() < 0.1);
        // Where the effusion is, the heart changes little; beside it, the heart is the same with and without the effusion.
        let middle = |findings| over(&draw(findings, step), [0.45, 0.6], [0.35, 0.42]);
        assert_eq!(middle(both), middle(with(Pathology::Cardiomegaly)));
    }
}

#[test]
fn images_of_a_patient_show_one_body_on_different_films() {
    let chest = Chest { findings: NONE, sex: Sex::Female, view: Projection::PosteroAnterior };
    let image = |step, image| -> Vec<f32> {
        chest.draw(SIZE, &key(step), image).into_iter().map(f32::from).collect()
    };
    assert_eq!(image(0, 0), image(0, 0));
    assert_ne!(image(0, 0), image(0, 1));
    let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>();
    let (mut same, mut other) = (0.0, 0.0);
    for step in 0..12 {
        same += distance(&image(step, 0), &image(step, 1));
        other += distance(&image(step, 0), &image(step + 1, 0));
    }
    assert!(same < other, "{same} {other}");
}
