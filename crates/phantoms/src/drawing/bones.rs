//! Bones of a chest, added to what its soft parts hold back of the rays.

use super::{
    anatomy::Anatomy,
    canvas::{Dice, Plane, SIDE, bell, edge, place},
};

/// Adds ribs, spine, collarbones, shoulder blades, upper arms.
pub(super) fn add_bones(film: &mut Plane, anatomy: &Anatomy, dice: &mut Dice) {
    let density = dice.between(0.7, 1.3);
    spine(film, dice, 0.06 * density);
    ribs(film, anatomy, dice, density);
    for side in [-1.0, 1.0] {
        collarbone(film, side, dice, 0.13 * density);
        shoulder_blade(film, side, dice, 0.07 * density);
        let (x, y) = (side * dice.between(1.0, 1.1), dice.around(-0.52, 0.02));
        film.around(x, y, 0.26, |px, py, value| {
            let (px, py) = ((px - x) / 0.16, (py - y) / 0.17);
            *value += 0.2 * density * edge((1.0 - px * px - py * py) / 0.25);
        });
    }
}

fn spine(film: &mut Plane, dice: &mut Dice, density: f32) {
    let (height, shift) = (dice.between(0.135, 0.16), dice.between(0.0, 1.0));
    let half = dice.between(0.07, 0.09);
    film.each(|x, y, value| {
        if x.abs() < 0.2 {
            let cycle = (y + 2.0) / height + shift;
            let within = (cycle - cycle.floor() - 0.5).abs() * 2.0;
            // Vertebrae with paler discs between them, denser at their upper and lower plates.
            let plates = 0.75 + 0.5 * bell((within - 0.72) / 0.12) - 0.55 * edge((within - 0.86) / 0.1);
            *value += density * plates * edge((half - x.abs()) / 0.018);
            // The row of spinous processes.
            *value += density * 0.7 * bell(x / 0.014) * bell((within - 0.2) / 0.35);
        }
    });
}

/// Draws a bone along `line`, which gives for an x the height of its middle, from `from` to `to`.
fn bone(
    film: &mut Plane,
    from: f32,
    to: f32,
    half: f32,
    line: impl Fn(f32) -> f32,
    strength: impl Fn(f32) -> f32,
) {
    for column in 0..SIDE {
        let x = place(column);
        let strength = if (from..to).contains(&x) { strength(x) } else { 0.0 };
        if strength == 0.0 {
            continue;
        }
        let middle = line(x);
        let slope = (line(x + 0.005) - line(x - 0.005)) * 100.0;
        // Where it runs down steeply, a column crosses more of it.
        let half = half * (1.0 + slope * slope).sqrt();
        let soft = 0.3;
        film.column(column, middle - half * 1.4, middle + half * 1.4, |y, value| {
            let across = (y - middle) / half;
            // A tube: its walls are denser than its marrow.
            let profile = edge((1.0 - across.abs()) / soft) * (0.62 + 0.38 * across * across);
            *value += strength * profile;
        });
    }
}

fn ribs(film: &mut Plane, anatomy: &Anatomy, dice: &mut Dice, density: f32) {
    let pitch = dice.around(0.142, 0.006);
    let first = anatomy.apex + dice.between(0.0, 0.05);
    let (fall, rise) = (dice.between(0.14, 0.26), dice.between(0.03, 0.07));
    let half = dice.between(0.024, 0.031);
    for rib in 0..10 {
        let root = first + pitch * rib as f32;
        for side in [-1.0_f32, 1.0] {
            let root = root + dice.between(-0.008, 0.008);
            let reach = anatomy.lateral(root + 0.12).max(0.3) + 0.035;
            let steep = fall * (0.55 + 0.06 * rib as f32);
            // From the spine slightly up, then outwards and down to the side of the chest.
            let back = move |x: f32| {
                let t = (x * side / reach).clamp(0.0, 1.0);
                root - rise * t * (1.0 - t) * 4.0 + steep * t * t + 0.1 * t * t * t * t * t * t
            };
            let (from, to) = if side < 0.0 { (-reach, -0.06) } else { (0.06, reach) };
            let dense = 0.088 * density;
            // Behind the heart and the abdomen ribs are fainter.
            let strength = |x: f32| dense * (1.0 - 0.65 * edge((back(x) - anatomy.diaphragm(x)) / 0.08));
            bone(film, from, to, half, back, strength);
            if (1..7).contains(&rib) {
                // From the side forwards and down; what joins it to the breastbone is cartilage, and not seen.
                let end = back(side * reach);
                let drop = dice.between(0.2, 0.28);
                let front = move |x: f32| {
                    let t = 1.0 - (x * side / reach).clamp(0.0, 1.0);
                    end + drop * (1.0 - (1.0 - t) * (1.0 - t)) * 0.9 + 0.02 * t
                };
                let stop = reach * dice.between(0.36, 0.5);
                let strength = |x: f32| {
                    0.05 * density
                        * edge((x * side - stop) / 0.05)
                        * (1.0 - 0.8 * edge((front(x) - anatomy.diaphragm(x)) / 0.06))
                };
                bone(film, from, to, half * 1.15, front, strength);
            }
        }
    }
}

fn collarbone(film: &mut Plane, side: f32, dice: &mut Dice, density: f32) {
    let (inner, outer) = (dice.around(-0.6, 0.015), dice.around(-0.74, 0.02));
    let bend = dice.between(0.02, 0.05);
    let reach = dice.between(0.8, 0.95);
    let line = |x: f32| {
        let t = (x * side / reach).clamp(0.0, 1.0);
        // Twice bent, like an S on its side.
        inner + (outer - inner) * t + bend * (t - 0.08) * (t - 0.5) * (t - 1.0) * 12.0
    };
    let (from, to) = if side < 0.0 { (-reach, -0.07) } else { (0.07, reach) };
    bone(film, from, to, dice.between(0.028, 0.036), line, |_| density);
}

fn shoulder_blade(film: &mut Plane, side: f32, dice: &mut Dice, density: f32) {
    let (inner, tip) = (dice.between(0.66, 0.82), dice.between(-0.02, 0.12));
    film.each(|x, y, value| {
        let x = x * side;
        if x > 0.5 && y < tip + 0.05 && y > -0.75 {
            let medial = inner - 0.1 * (y + 0.3);
            let lateral = inner + 0.34 - 0.3 * (y + 0.6);
            let within = edge((x - medial) / 0.02) * edge((lateral - x) / 0.03) * edge((tip - y) / 0.05);
            *value += density * within * edge((y + 0.66) / 0.05) * (0.7 + 0.6 * bell((x - medial) / 0.02));
        }
    });
}
