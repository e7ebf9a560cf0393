//! Small changes to training images that leave what they show as it is.

use std::{fmt, str::FromStr};

use base::random::{Generator, Rng as _, unit};

/// Largest changes to training images, which are drawn anew each time; all zero and false changes nothing. Shares are of the
/// image's side, or of the range of its values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augmentation {
    /// Rotation by up to so many degrees either way.
    pub turn: f32,
    /// Shift by up to this share of the side, along and across.
    pub shift: f32,
    /// Zoom in or out by up to this share.
    pub zoom: f32,
    /// Brightness raised or lowered by up to this share of the range.
    pub brightness: f32,
    /// Contrast raised or lowered by up to this share, around the image's mean.
    pub contrast: f32,
    /// Noise added, its standard deviation up to this share of the range.
    pub noise: f32,
    /// Erasing: in half of the images, a rectangle of sides up to this share takes the image's mean.
    pub erase: f32,
    /// Half of the images are mirrored left to right.
    pub flip_horizontal: bool,
    /// Half of them are mirrored top to bottom.
    pub flip_vertical: bool,
}

/// Changes to the images of an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AugmentContext {
    /// Largest changes; nothing at all takes the images as they are.
    pub augmentation: Augmentation,
    /// The run's seed.
    pub seed: u64,
    /// Epoch, counted from 1.
    pub epoch: u64,
}

/// A number of [`Augmentation`] by its name, and the largest that makes sense.
type Field = (&'static str, f32, fn(&mut Augmentation) -> &mut f32);

const FIELDS: [Field; 7] = [
    ("turn", 180.0, |a| &mut a.turn),
    ("shift", 0.5, |a| &mut a.shift),
    ("zoom", 0.5, |a| &mut a.zoom),
    ("brightness", 1.0, |a| &mut a.brightness),
    ("contrast", 1.0, |a| &mut a.contrast),
    ("noise", 0.5, |a| &mut a.noise),
    ("erase", 0.5, |a| &mut a.erase),
];

impl Augmentation {
    /// Changes from one exposure of a patient to the next: a slightly other stance, dose and detector. No flips.
    pub const LIGHT: Self = Self {
        turn: 5.0,
        shift: 0.05,
        zoom: 0.05,
        brightness: 0.05,
        contrast: 0.1,
        noise: 0.01,
        erase: 0.1,
        flip_horizontal: false,
        flip_vertical: false,
    };

    /// Tells if nothing is changed.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// `none`, or what is changed: names with their numbers, which read back.
impl fmt::Display for Augmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut copy = *self;
        let mut parts: Vec<String> = FIELDS
            .iter()
            .map(|(name, _, field)| (name, *field(&mut copy)))
            .filter(|(_, value)| *value != 0.0)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        parts.extend(self.flip_horizontal.then(|| "flip-horizontal".to_owned()));
        parts.extend(self.flip_vertical.then(|| "flip-vertical".to_owned()));
        f.write_str(if parts.is_empty() { "none".to_owned() } else { parts.join(",") }.as_str())
    }
}

/// `none`, or a list of `light`, `flip-horizontal`, `flip-vertical` and `NAME=NUMBER`, later ones on top of earlier ones.
impl FromStr for Augmentation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut augmentation = Self::default();
        for part in text.split(',').map(str::trim) {
            match (part, part.split_once('=')) {
                ("none", _) if text.trim() == "none" => {}
                ("light", _) => {
                    let Self { flip_horizontal, flip_vertical, .. } = augmentation;
                    augmentation = Self { flip_horizontal, flip_vertical, ..Self::LIGHT };
                }
                ("flip-horizontal", _) => augmentation.flip_horizontal = true,
                ("flip-vertical", _) => augmentation.flip_vertical = true,
                (_, Some((name, value))) => {
                    let field = FIELDS.iter().find(|(known, ..)| *known == name.trim());
                    let &(name, most, field) = field.ok_or_else(|| unknown(part))?;
                    let number: f32 = value.trim().parse().map_err(|_| unknown(part))?;
                    if !(0.0..=most).contains(&number) {
                        return Err(format!("`{name}` is 0 to {most}, not {number}"));
                    }
                    *field(&mut augmentation) = number;
                }
                _ => return Err(unknown(part)),
            }
        }
        Ok(augmentation)
    }
}

fn unknown(part: &str) -> String {
    let names = FIELDS.map(|(name, ..)| format!("{name}=N")).join(", ");
    format!(
        "`{part}` is no augmentation: give none, light, flip-horizontal, flip-vertical, {names}, or a list of them"
    )
}

/// Changes an image of `size` × `size` pixels, `[size, size, channels]`, by what `generator` draws. The same numbers are drawn
/// whatever is switched on, so that one setting does not move what another one does.
pub fn augment(
    image: &mut Vec<u8>,
    size: usize,
    channels: usize,
    augmentation: &Augmentation,
    mut generator: Generator,
) {
    let drawn = Drawn::new(augmentation, &mut generator);
    if drawn.moves(augmentation) {
        *image = moved(image, size, channels, &drawn);
    }
    let mean = image.iter().map(|&value| f64::from(value)).sum::<f64>() / image.len().max(1) as f64;
    let mean = mean as f32;
    if augmentation.brightness > 0.0 || augmentation.contrast > 0.0 || augmentation.noise > 0.0 {
        let change = |value: f32| (value - mean) * drawn.contrast + mean + drawn.brightness;
        for pixel in image.chunks_exact_mut(channels) {
            let noise = drawn.noise * normal(&mut generator);
            for value in pixel {
                *value = (change(f32::from(*value)) + noise).round() as u8;
            }
        }
    }
    if let Some([x, y, width, height]) = drawn.erased {
        let side = size as f32;
        let (x, y) = ((x * side) as usize, (y * side) as usize);
        let (right, below) =
            ((x + (width * side) as usize).min(size), (y + (height * side) as usize).min(size));
        for row in y..below {
            image[(row * size + x) * channels..(row * size + right) * channels].fill(mean.round() as u8);
        }
    }
}

/// Changes drawn for one image.
struct Drawn {
    /// Sine and cosine of the turn.
    turn: (f32, f32),
    /// Shift in shares of the side.
    shift: [f32; 2],
    scale: f32,
    flip: [bool; 2],
    contrast: f32,
    /// Brightness in 8-bit steps.
    brightness: f32,
    noise: f32,
    /// Erased rectangle: left, top, width and height in shares of the side.
    erased: Option<[f32; 4]>,
}

impl Drawn {
    fn new(most: &Augmentation, generator: &mut Generator) -> Self {
        let mut share = || unit(generator);
        let mut either = |most: f32| most * (2.0 * share() - 1.0);
        let turn = f64::from(either(most.turn)).to_radians().sin_cos();
        let shift = [either(most.shift), either(most.shift)];
        // As likely to grow by a factor as to shrink by it.
        let scale = (1.0 + most.zoom).powf(either(1.0));
        let contrast = 1.0 + either(most.contrast);
        let brightness = 255.0 * either(most.brightness);
        let flip = [share() < 0.5 && most.flip_horizontal, share() < 0.5 && most.flip_vertical];
        let noise = 255.0 * most.noise * share();
        let erases = share() < 0.5 && most.erase > 0.0;
        let sides = [most.erase * (0.25 + 0.75 * share()), most.erase * (0.25 + 0.75 * share())];
        let place = [share() * (1.0 - sides[0]), share() * (1.0 - sides[1])];
        Self {
            turn: (turn.0 as f32, turn.1 as f32),
            shift,
            scale,
            flip,
            contrast,
            brightness,
            noise,
            erased: erases.then_some([place[0], place[1], sides[0], sides[1]]),
        }
    }

    fn moves(&self, most: &Augmentation) -> bool {
        most.turn > 0.0 || most.shift > 0.0 || most.zoom > 0.0 || self.flip != [false, false]
    }
}

/// Draws a nearly normal number with standard deviation 1: four uniform numbers of 8 bits summed up, the same on every
/// machine.
fn normal(generator: &mut Generator) -> f32 {
    let sum: u32 = generator.next_u32().to_le_bytes().into_iter().map(u32::from).sum();
    // Each has the variance (256² - 1) / 12.
    (sum as f32 - 510.0) / 147.8
}

/// Turns, scales, shifts and mirrors the image around the middle in one step, between pixels linearly; what comes from outside
/// takes the nearest pixel of the edge, as Keras' `fill_mode="nearest"` does.
fn moved(image: &[u8], size: usize, channels: usize, drawn: &Drawn) -> Vec<u8> {
    let (last, (sine, cosine)) = (size.saturating_sub(1), drawn.turn);
    let middle = last as f32 / 2.0;
    let [shift_x, shift_y] = drawn.shift.map(|share| share * size as f32);
    let mirror = drawn.flip.map(|flip| if flip { -1.0 } else { 1.0 });
    let mut data = Vec::with_capacity(image.len());
    for row in 0..size {
        let y = (row as f32 - middle - shift_y) / drawn.scale;
        for column in 0..size {
            let x = (column as f32 - middle - shift_x) / drawn.scale;
            let from_x = (mirror[0] * (cosine * x + sine * y) + middle).clamp(0.0, last as f32);
            let from_y = (mirror[1] * (cosine * y - sine * x) + middle).clamp(0.0, last as f32);
            let (left, top) = (from_x as usize, from_y as usize);
            let (right, below) = ((left + 1).min(last), (top + 1).min(last));
            let (along, down) = (from_x - left as f32, from_y - top as f32);
            for channel in 0..channels {
                let at = |x: usize, y: usize| f32::from(image[(y * size + x) * channels + channel]);
                let upper = at(left, top) + along * (at(right, top) - at(left, top));
                let lower = at(left, below) + along * (at(right, below) - at(left, below));
                data.push((upper + down * (lower - upper)).round() as u8);
            }
        }
    }
    data
}

#[cfg(test)]
mod tests;
