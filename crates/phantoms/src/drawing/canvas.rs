//! Tools that phantoms are drawn with: planes of numbers over the body, dice, and smooth noise.

use base::random::{Generator, unit};

/// Columns and rows of a plane. More would show no more of shapes this soft, and cost time.
pub(super) const SIDE: usize = 448;
/// A plane reaches from `-REACH` to `REACH` both ways; a film that is straight and centred shows `-1` to `1`.
pub(super) const REACH: f32 = 1.25;

/// Numbers over the body: x from the image's left to its right, y from the neck down.
pub(super) struct Plane {
    values: Vec<f32>,
}

impl Plane {
    pub(super) fn new() -> Self {
        Self { values: vec![0.0; SIDE * SIDE] }
    }

    /// Calls `change` with x, y and the value of every point.
    pub(super) fn each(&mut self, mut change: impl FnMut(f32, f32, &mut f32)) {
        for (row, values) in self.values.chunks_exact_mut(SIDE).enumerate() {
            let y = place(row);
            for (column, value) in values.iter_mut().enumerate() {
                change(place(column), y, value);
            }
        }
    }

    /// Calls `change` as [`each`](Self::each) does, but only for points at most `radius` from (x, y) in either
    /// direction.
    pub(super) fn around(&mut self, x: f32, y: f32, radius: f32, mut change: impl FnMut(f32, f32, &mut f32)) {
        let columns = index(x - radius)..index(x + radius) + 1;
        for row in index(y - radius)..index(y + radius) + 1 {
            for column in columns.clone() {
                change(place(column), place(row), &mut self.values[row * SIDE + column]);
            }
        }
    }

    /// Calls `change` for the points of the column at `x` from `top` to `bottom`.
    pub(super) fn column(
        &mut self,
        column: usize,
        top: f32,
        bottom: f32,
        mut change: impl FnMut(f32, &mut f32),
    ) {
        for row in index(top)..index(bottom) + 1 {
            change(place(row), &mut self.values[row * SIDE + column]);
        }
    }

    /// The value at a point of the grid.
    pub(super) fn at(&self, index: usize) -> f32 {
        self.values[index]
    }

    /// The values with their points, row by row.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = (f32, f32, &mut f32)> {
        self.values.iter_mut().enumerate().map(|(i, value)| (place(i % SIDE), place(i / SIDE), value))
    }

    /// The value anywhere, between four points of the grid; beyond the edge that of the edge.
    pub(super) fn sample(&self, x: f32, y: f32) -> f32 {
        let most = (SIDE - 1) as f32;
        let scale = most / (2.0 * REACH);
        let (x, y) =
            (((x + REACH) * scale).clamp(0.0, most - 0.01), ((y + REACH) * scale).clamp(0.0, most - 0.01));
        let (column, row) = (x as usize, y as usize);
        let (right, below) = (x - column as f32, y - row as f32);
        let corner = &self.values[row * SIDE + column..];
        let upper = corner[0] + (corner[1] - corner[0]) * right;
        let lower = corner[SIDE] + (corner[SIDE + 1] - corner[SIDE]) * right;
        upper + (lower - upper) * below
    }
}

/// Returns the place of a column or row.
pub(super) fn place(index: usize) -> f32 {
    index as f32 * (2.0 * REACH / (SIDE - 1) as f32) - REACH
}

/// The column or row nearest to a place, within the plane.
fn index(place: f32) -> usize {
    let scale = (SIDE - 1) as f32 / (2.0 * REACH);
    ((place + REACH) * scale + 0.5).clamp(0.0, (SIDE - 1) as f32) as usize
}

/// Profile of an edge: 0 at `-1` and below, 1 at `1` and above, smooth between.
pub(super) fn edge(x: f32) -> f32 {
    let t = (x * 0.5 + 0.5).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A bell: 1 at 0, near 0 from 2 on. No library call in it, so that it is the same on every machine.
pub(super) fn bell(x: f32) -> f32 {
    let t = (1.0 - x * x * 0.2).max(0.0);
    let square = t * t;
    square * square * t
}

/// Random numbers as anatomy needs them.
pub(super) struct Dice {
    pub(super) generator: Generator,
    /// Share of every range and spread that is used, from 0 (the middle alone) to 1.
    pub(super) variation: f32,
}

impl Dice {
    /// Creates dice that use the whole of every range.
    pub(super) fn new(generator: Generator) -> Self {
        Self { generator, variation: 1.0 }
    }

    /// Draws a number evenly from `low` to `high`, or from the part of the variation in the middle.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        let even = low + (high - low) * unit(&mut self.generator);
        // In this form a variation of 1 leaves every bit as it is.
        even + (1.0 - self.variation) * (0.5 * (low + high) - even)
    }

    /// Draws a number around `mean`, rarely as far away as three times `spread`: the sum of three even numbers.
    pub(super) fn around(&mut self, mean: f32, spread: f32) -> f32 {
        mean + spread * (self.between(-1.0, 1.0) + self.between(-1.0, 1.0) + self.between(-1.0, 1.0))
    }

    pub(super) fn chance(&mut self, probability: f32) -> bool {
        unit(&mut self.generator) < probability
    }
}

/// Smooth noise from 0 to 1: random numbers on a lattice of 32 × 32 that repeats, and cubic steps between them.
pub(super) struct Noise {
    lattice: Vec<f32>,
}

impl Noise {
    const LATTICE: usize = 32;

    pub(super) fn new(dice: &mut Dice) -> Self {
        Self { lattice: (0..Self::LATTICE * Self::LATTICE).map(|_| dice.between(0.0, 1.0)).collect() }
    }

    /// Noise of one octave, with `frequency` lattice cells per unit of length.
    pub(super) fn at(&self, x: f32, y: f32, frequency: f32) -> f32 {
        // Far enough from 0 that cutting off is rounding down.
        let (x, y) = ((x + 8.0) * frequency, (y + 8.0) * frequency);
        let (column, row) = (x as usize, y as usize);
        let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
        let (right, below) = (smooth(x - column as f32), smooth(y - row as f32));
        let at = |row: usize, column: usize| {
            self.lattice[row % Self::LATTICE * Self::LATTICE + column % Self::LATTICE]
        };
        let upper = at(row, column) + (at(row, column + 1) - at(row, column)) * right;
        let lower = at(row + 1, column) + (at(row + 1, column + 1) - at(row + 1, column)) * right;
        upper + (lower - upper) * below
    }

    /// Noise of three octaves, the finer the fainter; mostly from 0.2 to 0.8.
    pub(super) fn rough(&self, x: f32, y: f32, frequency: f32) -> f32 {
        let octave = |scale: f32, weight: f32| self.at(x, y, frequency * scale) * weight;
        octave(1.0, 0.57) + octave(2.1, 0.29) + octave(4.3, 0.14)
    }
}
