//! A chest's soft parts: body, lungs, heart, mediastinum, what lies below the diaphragm.

use super::canvas::{Dice, Noise, Plane, bell, edge};

/// Anatomy, which differs from one patient to the next. Lengths are in units of half the film's side.
pub(super) struct Anatomy {
    /// Half the width between the rib cage's inner edges.
    pub(super) chest: f32,
    /// Height of the lungs' upper ends.
    pub(super) apex: f32,
    /// Height of the diaphragm's domes, on the image's left and right.
    pub(super) domes: [f32; 2],
    /// Distance that the diaphragm falls from a dome to the ribs.
    dome_fall: f32,
    heart: Heart,
    /// Half the width of what lies between the lungs.
    mediastinum: f32,
    /// Distance that the aorta's arch stands out.
    arch: f32,
    /// Distance that the lungs' roots stand out.
    hila: [f32; 2],
    /// Half the width of the body below the shoulders.
    body: f32,
    /// Thickness of the chest wall's soft parts.
    wall: f32,
    /// Half the width of the neck.
    neck: f32,
    /// Place of the windpipe beside the middle.
    trachea: f32,
    /// Density of the lungs: lower the better they are filled with air.
    pub(super) lung_density: f32,
    pub(super) breasts: Option<Breasts>,
    stomach_bubble: Option<[f32; 3]>,
}

struct Heart {
    x: f32,
    y: f32,
    length: f32,
    width: f32,
    /// Sine and cosine of its axis.
    tilt: (f32, f32),
}

pub(super) struct Breasts {
    x: f32,
    y: f32,
    radius: f32,
    density: f32,
}

impl Anatomy {
    /// Draws a patient; one who is `ill` mostly breathes in less deeply.
    pub(super) fn draw(ill: bool, dice: &mut Dice) -> Self {
        let chest = dice.around(0.76, 0.03);
        let shallow = if ill { dice.between(0.0, 0.1) } else { dice.between(0.0, 0.03) };
        let dome = dice.around(0.49, 0.03) - shallow;
        let tilt = dice.around(0.62, 0.1);
        Self {
            chest,
            apex: dice.around(-0.68, 0.025),
            domes: [dome - dice.between(0.0, 0.08), dome],
            dome_fall: dice.between(0.16, 0.3),
            heart: Heart {
                x: dice.around(0.12, 0.02),
                y: dome - dice.around(0.2, 0.02),
                length: dice.around(0.37, 0.035),
                width: dice.around(0.25, 0.03),
                tilt: (tilt, (1.0 - tilt * tilt).sqrt()),
            },
            mediastinum: dice.around(0.12, 0.015),
            arch: dice.between(0.01, 0.07),
            hila: [dice.between(0.03, 0.08), dice.between(0.03, 0.08)],
            body: chest + dice.between(0.12, 0.26),
            wall: dice.between(0.03, 0.12),
            neck: dice.between(0.24, 0.34),
            trachea: dice.around(-0.01, 0.012),
            lung_density: dice.between(0.1, 0.16) + 0.5 * shallow,
            breasts: dice.chance(0.4).then(|| Breasts {
                x: dice.between(0.36, 0.46),
                y: dice.between(0.26, 0.42),
                radius: dice.between(0.24, 0.34),
                density: dice.between(0.03, 0.1),
            }),
            stomach_bubble: dice
                .chance(0.6)
                .then(|| [dice.between(0.3, 0.5), dice.between(0.08, 0.16), dice.between(0.1, 0.3)]),
        }
    }

    /// Computes the cardiothoracic ratio: the width of the heart as a share of that of the chest above the diaphragm.
    pub(super) fn cardiothoracic_ratio(&self) -> f32 {
        let Heart { length, width, tilt: (sine, cosine), .. } = self.heart;
        let (along, across) = (length * cosine, width * sine);
        (along * along + across * across).sqrt() / self.lateral(self.domes[1])
    }

    /// Scales the heart about its middle until it takes this share of the chest's width.
    pub(super) fn scale_heart(&mut self, cardiothoracic_ratio: f32) {
        let scale = cardiothoracic_ratio / self.cardiothoracic_ratio();
        self.heart.length *= scale;
        self.heart.width *= scale;
    }

    /// Computes the outward reach of a lung at height `y`.
    pub(super) fn lateral(&self, y: f32) -> f32 {
        let t = ((y - self.apex) / (0.72 - self.apex)).clamp(0.0, 1.0);
        let rest = 1.0 - t;
        self.chest * (1.0 - rest * rest * (0.9 + 0.1 * rest)).max(0.0).sqrt() * (1.0 - 0.05 * t * t)
    }

    /// Computes the place beside the middle at which a lung begins at height `y`.
    fn medial(&self, side: usize, y: f32) -> f32 {
        let arch = if side == 1 { self.arch * bell((y + 0.3) / 0.09) } else { 0.0 };
        self.mediastinum * (0.8 + 0.25 * y) + 0.02 + self.hila[side] * bell((y + 0.02) / 0.14) + arch
    }

    /// Computes the diaphragm's height at `x`.
    pub(super) fn diaphragm(&self, x: f32) -> f32 {
        let away = (x.abs() - 0.36) / (self.chest - 0.36);
        let steepness = if away < 0.0 { 0.25 } else { 1.0 };
        self.domes[usize::from(x > 0.0)] + self.dome_fall * steepness * away * away
    }

    /// Computes half the width of the body at height `y`: neck, shoulders, armpits, trunk.
    fn outline(&self, y: f32) -> f32 {
        let shoulder = edge((y + 0.78 - 0.1 * (1.0 - self.chest)) / 0.2);
        let armpit = edge((y + 0.28) / 0.22);
        self.neck + (1.32 - self.neck) * shoulder - (1.32 - self.body) * armpit
    }

    /// Draws the lungs: 1 inside, 0 outside, the heart cut out.
    pub(super) fn lungs(&self) -> Plane {
        let mut mask = Plane::new();
        mask.each(|x, y, value| {
            if y > self.apex - 0.05 && y < 0.95 && x.abs() < 1.0 {
                let lateral = edge((self.lateral(y) - x.abs()) / 0.025);
                let medial = edge((x.abs() - self.medial(usize::from(x > 0.0), y)) / 0.025);
                let below = edge((self.diaphragm(x) - y) / 0.018);
                *value = lateral * medial * below * (1.0 - 0.93 * self.heart_at(x, y));
            }
        });
        mask
    }

    fn heart_at(&self, x: f32, y: f32) -> f32 {
        let Heart { x: x0, y: y0, length, width, tilt: (sine, cosine) } = self.heart;
        let (x, y) = (x - x0, y - y0);
        let (along, across) = ((x * cosine + y * sine) / length, (y * cosine - x * sine) / width);
        edge((1.0 - (along * along + across * across)) / 0.16)
    }

    /// Draws what all soft parts hold back of the rays, lungs filled with air.
    pub(super) fn soft_parts(&self, lungs: &Plane, noise: &Noise) -> Plane {
        let mut film = Plane::new();
        for (i, (x, y, value)) in film.values_mut().enumerate() {
            let relative = x / self.outline(y);
            let square = relative * relative;
            let round = (1.0 - square * square * square).max(0.0);
            let height = 0.66 + 0.14 * edge((y - 0.55) / 0.4) + 0.06 * edge((-0.55 - y) / 0.2);
            let mottled = 1.0 + 0.09 * (noise.rough(x, y, 3.0) - 0.5);
            let mut thickness = height * round.sqrt() * mottled;
            // Fat and muscle beside the rib cage let more through than what lies behind it.
            thickness *= 0.74 + 0.26 * edge((self.chest + 0.08 - x.abs()) / 0.1);
            thickness += 0.15 * bell(x / (self.mediastinum * 1.3)) * (0.75 + 0.25 * edge(y / 0.6)) * round;
            // The windpipe, down to where it forks.
            thickness -= 0.13 * bell((x - self.trachea) / 0.04) * edge((-0.32 - y) / 0.12) * round;
            if let Some([at, radius, depth]) = self.stomach_bubble {
                let (x, y) = (
                    (x - at) / (1.5 * radius),
                    (y - self.diaphragm(at) - 0.05 - 0.6 * radius) / (0.6 * radius),
                );
                thickness -= depth * edge((1.0 - x * x - y * y) / 0.35);
            }
            let mut air = self.lung_density + self.wall * (0.4 + 0.6 * edge((y + 0.1) / 0.7));
            air += 0.1 * edge((x.abs() / self.lateral(y).max(0.1) - 0.93) / 0.12);
            if let Some(Breasts { x: at, y: height, radius, density }) = &self.breasts {
                let (x, y) = ((x.abs() - at) / radius, (y - height) / radius);
                // The lower fold is sharp, the upper end is not to be seen.
                air += density * edge((1.0 - x * x - y * y) / 0.2) * edge((y + 0.1) / 0.6);
            }
            *value = thickness + lungs.at(i) * (air.min(thickness) - thickness);
        }
        film
    }

    /// The vessels within the lungs, which run out from their roots.
    pub(super) fn vessels(&self, dice: &mut Dice) -> Plane {
        let mut plane = Plane::new();
        let strength = dice.between(0.5, 1.15);
        for side in [-1.0_f32, 1.0] {
            for branch in 0..13 {
                let turn = (branch as f32 + dice.between(-0.4, 0.4)) / 12.0 * 2.6 - 1.25;
                let start = [side * dice.between(0.14, 0.2), dice.between(-0.12, 0.1)];
                let direction = [side * (1.0 - turn * turn * 0.38).max(0.15), turn];
                vessel(&mut plane, dice, start, direction, width_at_root(branch), strength, 0);
            }
        }
        plane
    }
}

/// Vessels to the lower zones are wider: blood follows its weight.
fn width_at_root(branch: usize) -> f32 {
    0.013 + 0.0006 * branch as f32
}

fn vessel(
    plane: &mut Plane,
    dice: &mut Dice,
    mut at: [f32; 2],
    mut direction: [f32; 2],
    mut width: f32,
    strength: f32,
    depth: usize,
) {
    const STEP: f32 = 0.011;
    for step in 0..64 {
        if width < 0.0035 {
            return;
        }
        let amount = strength * 3.2 * width * STEP / width.max(0.006);
        plane.around(at[0], at[1], 2.3 * width.max(0.006), |x, y, value| {
            let (x, y) = ((x - at[0]) / width.max(0.006), (y - at[1]) / width.max(0.006));
            *value += amount * bell((x * x + y * y).sqrt());
        });
        let length = (direction[0] * direction[0] + direction[1] * direction[1]).sqrt().max(0.01);
        for (at, direction) in at.iter_mut().zip(&mut direction) {
            *direction = *direction / length + dice.between(-0.09, 0.09);
            *at += *direction * STEP;
        }
        width *= 0.977;
        if depth < 3 && step % 9 == 8 {
            let turn = if dice.chance(0.5) { 0.6 } else { -0.6 };
            let side = [direction[0] - turn * direction[1], direction[1] + turn * direction[0]];
            vessel(plane, dice, at, side, width * 0.72, strength, depth + 1);
        }
    }
}
