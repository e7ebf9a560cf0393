//! Data kept of an image to recognise its copies: a hash of its pixels and a small gray picture.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use data::{DecodeError, Interpolation, Pixels, resize};

/// Side of the small picture, whatever the image's own sides: two copies differ in size, never in what lies where.
pub(super) const FINE: usize = 128;
/// Side of the picture by which candidates are found.
pub(super) const COARSE: usize = 16;
/// Length that a descriptor is scaled to; a product of two is at most its square and some rounding, a thirtieth of what
/// an i32 holds.
pub(super) const UNIT: f32 = 8192.0;
/// The least standard deviation, in gray levels, of a picture that has anything to recognise.
const FLAT: f32 = 2.0;

/// Gray levels `[COARSE, COARSE]` less their mean, brought to length [`UNIT`]: brightness and contrast are gone.
pub(super) type Descriptor = [i16; COARSE * COARSE];

/// The small picture of an image.
pub(super) struct Signature {
    /// Gray levels `[FINE, FINE]`, stretched.
    pub(super) fine: Box<[u8]>,
    /// Side of the finest picture that the image's own pixels fill: [`FINE`], or halved once or twice.
    pub(super) detail: usize,
    /// The middle square of an image that is not one.
    square: Option<Crop>,
}

/// A part of a picture in shares of its sides: left, top, right, bottom.
pub(super) type Crop = [f32; 4];

/// Parts of a picture: all of it, 2 %, 4 % and 8 % off each edge, 4 % off two edges. Any between is within 2 % of
/// one of them.
pub(super) const CROPS: [Crop; 8] = [
    [0.0, 0.0, 1.0, 1.0],
    [0.02, 0.02, 0.98, 0.98],
    [0.04, 0.04, 0.96, 0.96],
    [0.08, 0.08, 0.92, 0.92],
    [0.04, 0.04, 1.0, 1.0],
    [0.0, 0.04, 0.96, 1.0],
    [0.04, 0.0, 1.0, 0.96],
    [0.0, 0.0, 0.96, 0.96],
];

impl Signature {
    /// Makes the signature of a gray image.
    pub(super) fn new(gray: &Pixels) -> Result<Self, DecodeError> {
        let fine = resize(gray, FINE, Interpolation::Bilinear)?.data.into_boxed_slice();
        let shorter = gray.width.min(gray.height);
        let detail = [FINE, FINE / 2].into_iter().find(|&side| side <= shorter).unwrap_or(FINE / 4);
        Ok(Self { fine, detail, square: square(gray.width as f32, gray.height as f32) })
    }

    /// Parts that a copy may have been cut to.
    pub(super) fn crops(&self) -> impl Iterator<Item = Crop> {
        CROPS.into_iter().chain(self.square)
    }

    /// Computes a descriptor for each of these parts; none where it is all but flat.
    pub(super) fn descriptors(&self, crops: impl Iterator<Item = Crop>) -> Vec<Option<Descriptor>> {
        let sums = Sums::new(&self.fine);
        crops.map(|crop| sums.descriptor(&crop)).collect()
    }
}

fn square(width: f32, height: f32) -> Option<Crop> {
    let (x, y) = (0.5 * (1.0 - height / width).max(0.0), 0.5 * (1.0 - width / height).max(0.0));
    // A few percent are another crop already; more than half is no slight one.
    (0.02..0.25).contains(&x.max(y)).then_some([x, y, 1.0 - x, 1.0 - y])
}

/// Sums over all pixels above and to the left, from which any rectangle's mean follows.
struct Sums(Vec<f32>);

impl Sums {
    const SIDE: usize = FINE + 1;

    fn new(fine: &[u8]) -> Self {
        let mut sums = vec![0.0; Self::SIDE * Self::SIDE];
        for (y, row) in fine.chunks_exact(FINE).enumerate() {
            let mut of_row = 0;
            for (x, &value) in row.iter().enumerate() {
                of_row += u32::from(value);
                // Below 2^24: exact.
                sums[(y + 1) * Self::SIDE + x + 1] = sums[y * Self::SIDE + x + 1] + of_row as f32;
            }
        }
        Self(sums)
    }

    /// The sum up to a place between pixels.
    fn at(&self, x: f32, y: f32) -> f32 {
        let (column, row) = ((x as usize).min(FINE - 1), (y as usize).min(FINE - 1));
        let (right, below) = (x - column as f32, y - row as f32);
        let corner = |dx, dy| self.0[(row + dy) * Self::SIDE + column + dx];
        let above = corner(0, 0) + right * (corner(1, 0) - corner(0, 0));
        let beneath = corner(0, 1) + right * (corner(1, 1) - corner(0, 1));
        above + below * (beneath - above)
    }

    fn descriptor(&self, &[left, top, right, bottom]: &Crop) -> Option<Descriptor> {
        let side = FINE as f32;
        let step = |from: f32, to: f32, i: usize| (from + (to - from) * i as f32 / COARSE as f32) * side;
        let mut values = [0.0; COARSE * COARSE];
        for (i, value) in values.iter_mut().enumerate() {
            let (x, y) = (i % COARSE, i / COARSE);
            let (x0, x1) = (step(left, right, x), step(left, right, x + 1));
            let (y0, y1) = (step(top, bottom, y), step(top, bottom, y + 1));
            let sum = self.at(x1, y1) - self.at(x0, y1) - self.at(x1, y0) + self.at(x0, y0);
            *value = sum / ((x1 - x0) * (y1 - y0));
        }
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        values.iter_mut().for_each(|value| *value -= mean);
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        let enough = length > FLAT * COARSE as f32;
        enough.then(|| values.map(|value| (value / length * UNIT).round() as i16))
    }
}

/// Brightness of each pixel, by the weights of ITU-R 601 in 256ths: gray stays what it is.
pub(super) fn gray(image: &Pixels) -> Cow<'_, Pixels> {
    if image.channels == 1 {
        return Cow::Borrowed(image);
    }
    let luma = |rgb: &[u8]| {
        let [r, g, b] = [rgb[0], rgb[1], rgb[2]].map(u32::from);
        ((77 * r + 150 * g + 29 * b) >> 8) as u8
    };
    let data = image.data.chunks_exact(3).map(luma).collect();
    Cow::Owned(Pixels { channels: 1, data, ..*image })
}

/// SHA-256 over an image's sides and pixels. Gray that is stored as colour has the hash of the same image in gray.
pub(super) fn pixel_hash(width: usize, height: usize, channels: usize, data: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update((width as u64).to_le_bytes());
    hasher.update((height as u64).to_le_bytes());
    if channels == 3 && data.chunks_exact(3).all(|rgb| rgb[0] == rgb[1] && rgb[1] == rgb[2]) {
        // In pieces, so that no second copy of a large image is made.
        for part in data.chunks(3 << 14) {
            hasher.update(part.iter().step_by(3).copied().collect::<Vec<u8>>());
        }
    } else {
        hasher.update(data);
    }
    hasher.finalize().into()
}
