//! The closer look: lays one picture over the other and compares what is left when brightness, contrast and everything
//! that chest radiographs share are taken away.

use std::array;

use super::signature::{Crop, FINE, Signature};

/// Side of the smallest pictures, on which laying over begins.
const SMALLEST: usize = 32;
/// Steps of laying over at each size.
const STEPS: usize = 8;
/// Largest change of a side, and largest distance of a picture from its first place, in shares of a side.
const FARTHEST: f32 = 0.15;
/// A picture's blocks in a row: each is compared by itself, so that a bright letter or a black border counts for no
/// more than its place.
const BLOCKS: usize = 8;
/// The least standard deviation of a block's detail, in gray levels, that can be told from noise.
const NOISE: f32 = 0.7;
/// The fewest blocks with detail that a comparison can rest on.
const FEWEST: usize = 12;

/// A square gray picture.
struct GrayPlane {
    side: usize,
    values: Vec<f32>,
}

/// Place in the whole of a point of the part, in shares of their sides: `shift + scale × point`, for x and y.
#[derive(Clone, Copy, Debug)]
struct Warp {
    scale: [f32; 2],
    shift: [f32; 2],
}

/// A picture that others are laid over, at sides from [`SMALLEST`] to its detail.
pub(super) struct Whole {
    planes: Vec<GrayPlane>,
    /// For each plane but that of [`FINE`], its pixels' differences along x and y and their gray levels; the fourth number fills
    /// up a register.
    slopes_and_grays: Vec<Vec<[f32; 4]>>,
}

impl Whole {
    pub(super) fn new(signature: &Signature) -> Self {
        let planes = pyramid(signature, signature.detail);
        // The last size is for comparing: a shift of a tenth of a pixel there is found at half of it.
        let coarse = planes.iter().filter(|plane| plane.side < FINE);
        let slopes_and_grays = coarse.map(GrayPlane::slopes_and_grays).collect();
        Self { planes, slopes_and_grays }
    }

    /// Measures how alike this picture and a part are in their details, from 0 to 1, once laid over each other; the part is
    /// first laid at `crop`. 0 where they cannot be laid over each other, or where there is not enough to compare.
    pub(super) fn likeness(&self, part: &Signature, crop: &Crop) -> f32 {
        let [left, top, right, bottom] = *crop;
        let start = Warp { scale: [right - left, bottom - top], shift: [left, top] };
        let mut warp = start;
        let parts = pyramid(part, part.detail);
        for (whole, part) in self.slopes_and_grays.iter().zip(&parts) {
            match lay_over(whole, part, warp) {
                Some(better) if better.is_near(&start) => warp = better,
                _ => return 0.0,
            }
        }
        match self.planes.iter().zip(&parts).next_back() {
            Some((whole, part)) => compare(whole, part, &warp),
            None => 0.0,
        }
    }
}

/// The picture at sides from [`SMALLEST`] to `finest`, each twice the one before.
fn pyramid(signature: &Signature, finest: usize) -> Vec<GrayPlane> {
    let values = signature.fine.iter().map(|&value| f32::from(value)).collect();
    let mut planes = vec![GrayPlane { side: FINE, values }];
    while let Some(last) = planes.last().filter(|plane| plane.side > SMALLEST) {
        let half = last.halved();
        planes.push(half);
    }
    planes.retain(|plane| plane.side <= finest);
    planes.reverse();
    planes
}

impl GrayPlane {
    fn halved(&self) -> Self {
        let of_rows = |rows: &[f32]| {
            let (above, below) = rows.split_at(self.side);
            let squares = above.chunks_exact(2).zip(below.chunks_exact(2));
            squares
                .map(|(above, below)| 0.25 * (above[0] + above[1] + (below[0] + below[1])))
                .collect::<Vec<_>>()
        };
        Self {
            side: self.side / 2,
            values: self.values.chunks_exact(2 * self.side).flat_map(of_rows).collect(),
        }
    }

    /// Differences along x and y of each pixel, 0 at the edges, its gray level, and 0.
    fn slopes_and_grays(&self) -> Vec<[f32; 4]> {
        let n = self.side;
        let along = |i: usize, step: usize, place: usize| match (1..n - 1).contains(&place) {
            true => 0.5 * (self.values[i + step] - self.values[i - step]),
            false => 0.0,
        };
        let values = self.values.iter().enumerate();
        values.map(|(i, &value)| [along(i, 1, i % n), along(i, n, i / n), value, 0.0]).collect()
    }

    /// The value between the four pixels around a place.
    fn at(&self, x: &Between, y: &Between) -> f32 {
        let row = |y: usize| {
            let (left, right) =
                (self.values[y * self.side + x.first], self.values[y * self.side + x.first + 1]);
            left + x.share * (right - left)
        };
        let (above, below) = (row(y.first), row(y.first + 1));
        above + y.share * (below - above)
    }
}

/// A place between a pixel and the next.
struct Between {
    first: usize,
    share: f32,
}

impl Warp {
    /// Finds the place in the whole of each column (axis 0) or row (axis 1) of a part of `side` pixels; none where it is
    /// outside.
    fn places(&self, axis: usize, side: usize) -> Vec<Option<Between>> {
        let n = side as f32;
        let place = |i: usize| {
            let at = (self.shift[axis] + self.scale[axis] * (i as f32 + 0.5) / n) * n - 0.5;
            let within = at >= 0.0 && at <= n - 1.0;
            within.then(|| {
                let first = (at as usize).min(side - 2);
                Between { first, share: at - first as f32 }
            })
        };
        (0..side).map(place).collect()
    }

    /// Tells if the scales and the middle are still about the same.
    fn is_near(&self, other: &Self) -> bool {
        let middle = |warp: &Self, axis: usize| warp.shift[axis] + 0.5 * warp.scale[axis];
        (0..2).all(|axis| {
            (self.scale[axis] - other.scale[axis]).abs() <= FARTHEST
                && (middle(self, axis) - middle(other, axis)).abs() <= FARTHEST
        })
    }
}

/// Gauss and Newton's steps towards the least squares of `gain × part + offset − whole(warp)` (Lucas and Kanade, 1981).
fn lay_over(whole: &[[f32; 4]], part: &GrayPlane, mut warp: Warp) -> Option<Warp> {
    let n = part.side;
    for _ in 0..STEPS {
        let (columns, rows) = (warp.places(0, n), warp.places(1, n));
        // Upper half of the normal equations for two scales, two shifts, gain and offset.
        let mut sums = [[0.0_f64; 7]; 6];
        for (y, row) in rows.iter().enumerate() {
            let Some(row) = row else { continue };
            let of_row = equations(whole, part, y, row, &columns);
            for (i, (sums, of_row)) in sums.iter_mut().zip(&of_row).enumerate() {
                sums.iter_mut().zip(of_row).skip(i).for_each(|(sum, &value)| *sum += f64::from(value));
            }
        }
        let [scale_x, scale_y, shift_x, shift_y, ..] = solve(sums)?.map(|value| value as f32 / n as f32);
        // Scales turn about the middle.
        let scale = [warp.scale[0] + scale_x, warp.scale[1] + scale_y];
        let shift = [warp.shift[0] + shift_x - 0.5 * scale_x, warp.shift[1] + shift_y - 0.5 * scale_y];
        warp = Warp { scale, shift };
        // Lost: the squares have no way down from where it began. Not even NaN is sound.
        if !warp.scale.iter().all(|scale| (0.3..2.0).contains(scale)) {
            return None;
        }
        // A fiftieth of a pixel.
        if [scale_x, scale_y, shift_x, shift_y].iter().all(|step| step.abs() * (n as f32) < 0.02) {
            break;
        }
    }
    Some(warp)
}

/// Sums of a row of pixels for the normal equations, the lower half too: whole vectors are added up faster than the half.
fn equations(
    whole: &[[f32; 4]],
    part: &GrayPlane,
    y: usize,
    row: &Between,
    columns: &[Option<Between>],
) -> [[f32; 8]; 6] {
    let n = part.side;
    let (above, below) = (&whole[row.first * n..][..n], &whole[(row.first + 1) * n..][..n]);
    let v = (y as f32 + 0.5) / n as f32 - 0.5;
    let mut sums = [[0.0_f32; 8]; 6];
    for ((x, column), gray) in columns.iter().enumerate().zip(&part.values[y * n..][..n]) {
        let Some(column) = column else { continue };
        let across = |row: &[[f32; 4]]| {
            let (left, right) = (row[column.first], row[column.first + 1]);
            array::from_fn(|i| left[i] + column.share * (right[i] - left[i]))
        };
        let (above, below): ([f32; 4], [f32; 4]) = (across(above), across(below));
        let [dx, dy, value, _]: [f32; 4] = array::from_fn(|i| above[i] + row.share * (below[i] - above[i]));
        let u = (x as f32 + 0.5) / n as f32 - 0.5;
        let terms = [dx * u, dy * v, dx, dy, -gray, -1.0, -value, 0.0];
        for (sums, one) in sums.iter_mut().zip(terms) {
            sums.iter_mut().zip(terms).for_each(|(sum, other)| *sum += one * other);
        }
    }
    sums
}

/// Solves symmetric equations by Cholesky's method; none where they are all but dependent.
fn solve(mut sums: [[f64; 7]; 6]) -> Option<[f64; 6]> {
    for (i, row) in sums.iter_mut().enumerate() {
        // A little towards no step keeps pictures without detail still.
        row[i] *= 1.0 + 1e-6;
    }
    let mut lower = [[0.0_f64; 6]; 6];
    for i in 0..6 {
        for j in 0..=i {
            // Only the upper half is filled.
            let rest = sums[j][i] - (0..j).map(|k| lower[i][k] * lower[j][k]).sum::<f64>();
            if i != j {
                lower[i][j] = rest / lower[j][j];
            } else if rest > 1e-9 * sums[i][i] && rest > 0.0 {
                lower[i][i] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    let mut solution = [0.0; 6];
    for i in 0..6 {
        solution[i] = (sums[i][6] - (0..i).map(|k| lower[i][k] * solution[k]).sum::<f64>()) / lower[i][i];
    }
    for i in (0..6).rev() {
        solution[i] =
            (solution[i] - (i + 1..6).map(|k| lower[k][i] * solution[k]).sum::<f64>()) / lower[i][i];
    }
    Some(solution)
}

/// The mean of the blocks' correlations where the pictures overlap, each less its own blur.
fn compare(whole: &GrayPlane, part: &GrayPlane, warp: &Warp) -> f32 {
    let n = part.side;
    let span = |places: &[Option<Between>]| {
        let first = places.iter().position(Option::is_some)?;
        Some((first, places.iter().rposition(Option::is_some)? + 1))
    };
    let (columns, rows) = (warp.places(0, n), warp.places(1, n));
    let (Some((left, right)), Some((top, bottom))) = (span(&columns), span(&rows)) else { return 0.0 };
    let (width, height) = (right - left, bottom - top);
    let (mut of_part, mut of_whole) =
        (Vec::with_capacity(width * height), Vec::with_capacity(width * height));
    for (y, row) in rows.iter().enumerate().take(bottom).skip(top) {
        for (x, column) in columns.iter().enumerate().take(right).skip(left) {
            if let (Some(column), Some(row)) = (column, row) {
                of_part.push(part.values[y * n + x]);
                of_whole.push(whole.at(column, row));
            }
        }
    }
    let radius = n / 32;
    let (of_part, of_whole) = (details(&of_part, width, radius), details(&of_whole, width, radius));
    let (mut sum, mut compared) = (0.0, 0);
    for block in 0..BLOCKS * BLOCKS {
        let (x, y) = (block % BLOCKS, block / BLOCKS);
        let rows = y * height / BLOCKS..(y + 1) * height / BLOCKS;
        let columns = x * width / BLOCKS..(x + 1) * width / BLOCKS;
        let places = rows.flat_map(|row| columns.clone().map(move |column| row * width + column));
        if let Some(correlation) = correlation(places.map(|i| (of_part[i], of_whole[i]))) {
            sum += correlation.max(0.0);
            compared += 1;
        }
    }
    if compared < FEWEST { 0.0 } else { sum / compared as f32 }
}

/// Correlation of pairs; none where neither side has any detail, 0 where one has.
fn correlation(pairs: impl Iterator<Item = (f32, f32)>) -> Option<f32> {
    let (mut n, mut sums) = (0.0, [0.0; 5]);
    for (a, b) in pairs {
        n += 1.0;
        for (sum, value) in sums.iter_mut().zip([a, b, a * a, b * b, a * b]) {
            *sum += value;
        }
    }
    if n == 0.0 {
        return None;
    }
    let [a, b, aa, bb, ab] = sums.map(|sum| sum / n);
    let (of_a, of_b) = (aa - a * a, bb - b * b);
    if of_a.max(of_b) < NOISE * NOISE {
        return None;
    }
    Some(if of_a.min(of_b) < 1e-3 { 0.0 } else { (ab - a * b) / (of_a * of_b).sqrt() })
}

/// A picture less its mean over the square of `2 × radius + 1` pixels around each one.
fn details(values: &[f32], width: usize, radius: usize) -> Vec<f32> {
    let height = values.len() / width.max(1);
    let mut across = vec![0.0; values.len()];
    for (row, into) in values.chunks_exact(width).zip(across.chunks_exact_mut(width)) {
        // Pixel by pixel of the square, for all pixels of the row at once.
        for near in 0..2 * radius + 1 {
            let (from, to) = (near.saturating_sub(radius), radius.saturating_sub(near));
            let into = into.iter_mut().skip(to);
            into.zip(row.iter().skip(from)).for_each(|(sum, value)| *sum += value);
        }
        for (x, sum) in into.iter_mut().enumerate() {
            *sum /= ((x + radius + 1).min(width) - x.saturating_sub(radius)) as f32;
        }
    }
    let mut blurred = vec![0.0; values.len()];
    for (y, into) in blurred.chunks_exact_mut(width).enumerate() {
        let near = y.saturating_sub(radius)..(y + radius + 1).min(height);
        let share = 1.0 / near.len() as f32;
        for row in near {
            let row = &across[row * width..(row + 1) * width];
            into.iter_mut().zip(row).for_each(|(sum, value)| *sum += share * value);
        }
    }
    values.iter().zip(&blurred).map(|(value, blur)| value - blur).collect()
}
