//! JPEG-LS (ITU-T T.87, ISO/IEC 14495-1), lossless and near-lossless, of 2 to 16 bits, gray and colour.
//!
//! Our own, since the crates for it fall short: `charls` (0.4) binds a C++ library, built by CMake, that is handed files
//! of strangers; `pure_jpegls` (2.0) reads one component only, and its sums overflow on hostile streams, which is a panic
//! wherever overflow is checked. Here every sum has 64 bits and every value is bounded where it is read.

use super::{CutOff, Layout, Samples, damaged};
use crate::{DecodeError, decode::jpeg};

/// Orders of run lengths (A.2.1).
const RUN_ORDERS: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const CONTEXTS: usize = 365;
/// Bound that no error of 16 bits reaches.
const LARGEST_ERROR: i64 = 1 << 16;

/// Decodes an image of the size that the file says.
pub(super) fn samples<'a>(bytes: &[u8], layout: &Layout) -> Result<Samples<'a>, DecodeError> {
    let (mut at, mut frame, mut presets) = (2, None, [0; 5]);
    let mut samples = Vec::new();
    let mut found = 0;
    while found < layout.channels {
        let marker = jpeg::next_marker(bytes, &mut at).ok_or(CutOff)?;
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            continue;
        }
        if marker == 0xd9 {
            return Err(CutOff);
        }
        let segment = jpeg::segment(bytes, &mut at).ok_or(CutOff)?;
        match (marker, segment) {
            (0xf7, [precision, a, b, c, d, components, ..]) => {
                let (height, width) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
                layout.check(width.into(), height.into(), (*components).into())?;
                if !(2..=16).contains(precision) {
                    return Err(broken());
                }
                frame = Some(*precision);
                samples = vec![0; layout.samples()];
            }
            (0xf8, [1, values @ ..]) => {
                for (preset, two) in presets.iter_mut().zip(values.chunks_exact(2)) {
                    *preset = u16::from_be_bytes([two[0], two[1]]).into();
                }
            }
            (0xf8, _) => return Err(unsupported("JPEG-LS with tables of values")),
            (0xdd, _) => return Err(unsupported("JPEG-LS with restarts")),
            (0xda, [count, behind @ ..]) => {
                let [near, interleaving, transform, ..] =
                    *behind.get(2 * usize::from(*count)..).unwrap_or(&[])
                else {
                    return Err(broken());
                };
                let scan = Scan {
                    channel: found,
                    count: usize::from(*count),
                    by_pixel: interleaving == 2,
                    channels: layout.channels,
                    width: layout.width,
                };
                let fits = match interleaving {
                    0 => scan.count == 1,
                    1 | 2 => scan.count == layout.channels,
                    _ => false,
                };
                if !fits || transform != 0 {
                    return Err(broken());
                }
                let precision = frame.ok_or_else(broken)?;
                let mut coder = Coder::new(precision, near.into(), presets, &bytes[at..])?;
                scan.read(&mut coder, &mut samples)?;
                at += coder.bits.at;
                found += scan.count;
            }
            _ => {}
        }
    }
    // Without its end, what is cut off may look whole: bits that fill up are a code.
    match jpeg::next_marker(bytes, &mut at) {
        Some(0xd9) => Ok(Samples::Sixteen(samples)),
        _ => Err(CutOff),
    }
}

fn broken() -> DecodeError {
    damaged("its JPEG-LS cannot be decoded")
}

fn unsupported(what: &str) -> DecodeError {
    DecodeError::Unsupported(format!("DICOM with {what}"))
}

/// Samples of an image that a scan holds.
struct Scan {
    /// The first of its channels.
    channel: usize,
    count: usize,
    /// Channels alternate pixel by pixel; otherwise line by line.
    by_pixel: bool,
    channels: usize,
    width: usize,
}

impl Scan {
    fn read(&self, coder: &mut Coder<'_>, samples: &mut [u16]) -> Result<(), DecodeError> {
        // With a sample on the left of each line and one on the right (A.2.1).
        let mut lines = vec![[vec![0_i64; self.width + 2], vec![0; self.width + 2]]; self.count];
        let mut run_orders = vec![0; self.count];
        for row in samples.chunks_exact_mut(self.width * self.channels) {
            for [above, line] in &mut lines {
                std::mem::swap(above, line);
                line[0] = above[1];
                above[self.width + 1] = above[self.width];
            }
            if self.by_pixel {
                coder.line(&mut lines, &mut run_orders[0])?;
            } else {
                for (lines, run_order) in lines.chunks_mut(1).zip(&mut run_orders) {
                    coder.line(lines, run_order)?;
                }
            }
            for (i, [_, line]) in lines.iter().enumerate() {
                let places = row[self.channel + i..].iter_mut().step_by(self.channels);
                places.zip(&line[1..]).for_each(|(place, &value)| *place = value as u16);
            }
        }
        Ok(())
    }
}

/// Sums of a context (A.2.1): of errors without sign, of errors, and how many; and the correction of its predictions.
#[derive(Clone, Copy)]
struct Context {
    size: i64,
    bias: i64,
    count: i64,
    correction: i64,
}

/// Sums of errors at the ends of runs, of which `negative` were below 0.
#[derive(Clone, Copy)]
struct RunContext {
    size: i64,
    count: i64,
    negative: i64,
}

struct Coder<'a> {
    most: i64,
    near: i64,
    thresholds: [i64; 3],
    reset: i64,
    range: i64,
    /// Bits of an error that is written as it is.
    error_bits: u32,
    limit: u32,
    contexts: Vec<Context>,
    run_contexts: [RunContext; 2],
    bits: Bits<'a>,
}

impl<'a> Coder<'a> {
    /// `presets`: greatest value, three thresholds and the count at which sums are halved; 0 for the usual ones (C.2.4.1.1).
    fn new(precision: u8, near: i64, presets: [i64; 5], bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let or = |preset, usual| if preset == 0 { usual } else { preset };
        let largest = (1 << precision) - 1;
        let most = or(presets[0], largest);
        if most > largest || near > 255.min(most / 2) {
            return Err(broken());
        }
        let usual = thresholds(most, near);
        let thresholds = [0, 1, 2].map(|i| or(presets[i + 1], usual[i]));
        let reset = or(presets[4], 64);
        let [first, second, third] = thresholds;
        if !(near < first && first <= second && second <= third && third <= most && reset >= 3) {
            return Err(broken());
        }
        let range = (most + 2 * near) / (2 * near + 1) + 1;
        let bits_of = |count: i64| 64 - (count - 1).leading_zeros();
        let bits = bits_of(most + 1).max(2);
        let size = ((range + 32) / 64).max(2);
        Ok(Self {
            most,
            near,
            thresholds,
            reset,
            range,
            error_bits: bits_of(range),
            limit: 2 * (bits + bits.max(8)),
            contexts: vec![Context { size, bias: 0, count: 1, correction: 0 }; CONTEXTS],
            run_contexts: [RunContext { size, count: 1, negative: 0 }; 2],
            bits: Bits { bytes, at: 0, buffer: 0, count: 0, behind_ff: false },
        })
    }

    /// Decodes a line of one channel, or of all whose pixels alternate. Each comes with the line above it.
    fn line(&mut self, lines: &mut [[Vec<i64>; 2]], run_order: &mut usize) -> Result<(), DecodeError> {
        let width = lines.first().map_or(0, |[line, _]| line.len() - 2);
        let mut x = 0;
        while x < width {
            let is_flat = lines.iter().all(|lines| {
                Neighbours::new(lines, x).gradients().iter().all(|gradient| gradient.abs() <= self.near)
            });
            if is_flat {
                x = self.run(lines, x, width, run_order)?;
                continue;
            }
            for lines in &mut *lines {
                let neighbours = Neighbours::new(lines, x);
                lines[1][x + 1] = self.sample(&neighbours)?;
            }
            x += 1;
        }
        Ok(())
    }

    /// A sample by its neighbours (A.3 to A.6).
    fn sample(&mut self, neighbours: &Neighbours) -> Result<i64, DecodeError> {
        let [a, b, c] = neighbours.gradients().map(|gradient| self.quantized(gradient));
        let index = a * 81 + b * 9 + c;
        let sign = if index < 0 { -1 } else { 1 };
        let index = index.unsigned_abs() as usize;
        let Context { size, bias, count, correction } = self.contexts[index];
        let predicted = (neighbours.predicted() + sign * correction).clamp(0, self.most);
        let order = order(size, count)?;
        let coded = self.bits.error(order, self.limit, self.error_bits)?;
        let mut error = if coded % 2 == 0 { coded / 2 } else { -(coded + 1) / 2 };
        if order == 0 && self.near == 0 && 2 * bias <= -count {
            error = -error - 1;
        }
        if error.abs() > LARGEST_ERROR {
            return Err(broken());
        }
        let reset = self.reset;
        self.contexts[index].add(error, error * (2 * self.near + 1), reset);
        Ok(self.reconstructed(predicted, sign * error))
    }

    /// A run of the sample on its left, and the sample that ends it (A.7); where the next one is.
    fn run(
        &mut self,
        lines: &mut [[Vec<i64>; 2]],
        start: usize,
        width: usize,
        run_order: &mut usize,
    ) -> Result<usize, DecodeError> {
        let mut x = start;
        let mut ends = false;
        while x < width && !ends {
            let order = RUN_ORDERS[*run_order];
            let length = if self.bits.read(1)? == 1 {
                let length = 1 << order;
                if length <= width - x {
                    *run_order = (*run_order + 1).min(31);
                }
                length.min(width - x)
            } else {
                ends = true;
                self.bits.read(order)? as usize
            };
            if length > width - x {
                return Err(broken());
            }
            for [_, line] in &mut *lines {
                let value = line[x];
                line[x + 1..=x + length].fill(value);
            }
            x += length;
        }
        if !ends || x == width {
            return Ok(x);
        }
        let is_alone = lines.len() == 1;
        for lines in &mut *lines {
            let Neighbours { left, above, .. } = Neighbours::new(lines, x);
            let is_near = is_alone && (left - above).abs() <= self.near;
            let error = self.run_error(usize::from(is_near), RUN_ORDERS[*run_order])?;
            let error = if is_near || above >= left { error } else { -error };
            lines[1][x + 1] = self.reconstructed(if is_near { left } else { above }, error);
        }
        *run_order = run_order.saturating_sub(1);
        Ok(x + 1)
    }

    /// The error of the sample that ends a run (A.7.2). `kind` is 1 where those on its left and above it are alike.
    fn run_error(&mut self, kind: usize, run_order: u32) -> Result<i64, DecodeError> {
        let RunContext { size, count, negative } = self.run_contexts[kind];
        let kind_1 = kind as i64;
        let order = order(size + (count >> 1) * kind_1, count)?;
        let coded = self.bits.error(order, self.limit - run_order - 1, self.error_bits)?;
        let doubled = coded + kind_1;
        let error = (doubled + 1) / 2;
        if error > LARGEST_ERROR {
            return Err(broken());
        }
        let is_odd = doubled % 2 == 1;
        let is_negative = (order != 0 || 2 * negative >= count) == is_odd;
        let context = &mut self.run_contexts[kind];
        context.negative += i64::from(is_negative && error != 0);
        context.size += (coded + 1 - kind_1) >> 1;
        if context.count == self.reset {
            context.size >>= 1;
            context.count >>= 1;
            context.negative >>= 1;
        }
        context.count += 1;
        Ok(if is_negative { -error } else { error })
    }

    /// Quantizes a gradient to one of nine regions (A.3.3).
    fn quantized(&self, gradient: i64) -> i64 {
        let size = gradient.abs();
        let [first, second, third] = self.thresholds;
        let region = match size {
            _ if size <= self.near => 0,
            _ if size < first => 1,
            _ if size < second => 2,
            _ if size < third => 3,
            _ => 4,
        };
        region * gradient.signum()
    }

    /// A sample by its prediction and error, which counts modulo the range (A.4.4, A.4.5).
    fn reconstructed(&self, predicted: i64, error: i64) -> i64 {
        let step = 2 * self.near + 1;
        let mut value = predicted + error * step;
        if value < -self.near {
            value += self.range * step;
        } else if value > self.most + self.near {
            value -= self.range * step;
        }
        value.clamp(0, self.most)
    }
}

impl Context {
    /// Counts an error, and corrects the predictions to come (A.6).
    fn add(&mut self, error: i64, scaled: i64, reset: i64) {
        self.size += error.abs();
        self.bias += scaled;
        if self.count == reset {
            self.size >>= 1;
            self.bias >>= 1;
            self.count >>= 1;
        }
        self.count += 1;
        if self.bias <= -self.count {
            self.bias = (self.bias + self.count).max(1 - self.count);
            self.correction = (self.correction - 1).max(-128);
        } else if self.bias > 0 {
            self.bias = (self.bias - self.count).min(0);
            self.correction = (self.correction + 1).min(127);
        }
    }
}

/// Samples that are known before one, and next to it (figure 3).
struct Neighbours {
    left: i64,
    above: i64,
    above_left: i64,
    above_right: i64,
}

impl Neighbours {
    fn new([above, line]: &[Vec<i64>; 2], x: usize) -> Self {
        Self { left: line[x], above: above[x + 1], above_left: above[x], above_right: above[x + 2] }
    }

    fn gradients(&self) -> [i64; 3] {
        [self.above_right - self.above, self.above - self.above_left, self.above_left - self.left]
    }

    /// Predicts the sample (A.4.1).
    fn predicted(&self) -> i64 {
        let (least, most) = (self.left.min(self.above), self.left.max(self.above));
        (self.left + self.above - self.above_left).clamp(least, most)
    }
}

/// The usual thresholds of gradients (C.2.4.1.1.1).
fn thresholds(most: i64, near: i64) -> [i64; 3] {
    let within = |value, least| if value > most || value < least { least } else { value };
    let least = near + 1;
    let near = [3, 5, 7].map(|factor| factor * near);
    let [first, second, third] = if most >= 128 {
        let factor = (most.min(4095) + 128) / 256;
        [factor + 2 + near[0], 4 * factor + 3 + near[1], 17 * factor + 4 + near[2]]
    } else {
        let factor = 256 / (most + 1);
        [(3 / factor + near[0]).max(2), (7 / factor + near[1]).max(3), (21 / factor + near[2]).max(4)]
    };
    let first = within(first, least);
    let second = within(second, first);
    [first, second, within(third, second)]
}

/// The order of a Golomb code by the mean of `size` (A.5.1).
fn order(size: i64, count: i64) -> Result<u32, DecodeError> {
    (0..=16).find(|&order| count << order >= size).ok_or_else(broken)
}

/// Bits of a scan, up to its next marker. Behind FF, a byte has seven.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    buffer: u64,
    count: u32,
    behind_ff: bool,
}

impl Bits<'_> {
    fn fill(&mut self) {
        while self.count <= 56 {
            let Some(&byte) = self.bytes.get(self.at) else { return };
            let is_marker = byte == 0xff && self.bytes.get(self.at + 1).is_none_or(|&next| next >= 0x80);
            if is_marker && !self.behind_ff {
                return;
            }
            let bits = if self.behind_ff { 7 } else { 8 };
            self.buffer |= u64::from(byte) << (64 - bits) >> self.count;
            self.count += bits;
            self.at += 1;
            self.behind_ff = byte == 0xff;
        }
    }

    /// The next bits, at most 17.
    fn read(&mut self, count: u32) -> Result<u32, DecodeError> {
        if count == 0 {
            return Ok(0);
        }
        if self.count < count {
            self.fill();
        }
        let value = (self.buffer >> (64 - count)) as u32;
        self.skip(count)?;
        Ok(value)
    }

    fn skip(&mut self, count: u32) -> Result<(), DecodeError> {
        self.count = self.count.checked_sub(count).ok_or(CutOff)?;
        self.buffer <<= count;
        Ok(())
    }

    /// An error without its sign by a Golomb code of this order, or as it is behind as many zeros as leave room for it
    /// (A.5.3).
    fn error(&mut self, order: u32, limit: u32, error_bits: u32) -> Result<i64, DecodeError> {
        let most = limit.checked_sub(error_bits + 1).ok_or_else(broken)?;
        let mut zeros = 0;
        loop {
            if self.count == 0 {
                self.fill();
            }
            let here = self.buffer.leading_zeros().min(self.count);
            zeros += here;
            if zeros > most {
                return Err(broken());
            }
            if here < self.count {
                self.skip(here)?;
                self.skip(1)?;
                break;
            }
            if here == 0 {
                return Err(CutOff);
            }
            (self.buffer, self.count) = (0, 0);
        }
        if zeros < most {
            return Ok(i64::from(zeros) << order | i64::from(self.read(order)?));
        }
        Ok(i64::from(self.read(error_bits)?) + 1)
    }
}
