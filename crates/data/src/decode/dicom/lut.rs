//! Look-up tables (PS3.3, C.7.6.3.1.5, C.11.1 and C.11.2), plain and in segments (C.7.9.2).

use super::{damage::damaged, reader::Encoding};
use crate::DecodeError;

/// A look-up table.
pub(super) struct LutTable {
    entries: Vec<u16>,
    /// The value whose entry is the first.
    first: i32,
    /// The greatest that an entry can be.
    pub(super) most: u32,
}

impl LutTable {
    fn new(entries: Vec<u16>, count: usize, first: i32, bits: u16) -> Result<Self, DecodeError> {
        if entries.len() < count || !(1..=16).contains(&bits) {
            return Err(damaged("a look-up table is shorter than it says"));
        }
        Ok(Self { entries, first, most: (1 << bits) - 1 })
    }

    /// The entry of a value; what lies outside has the entry at that end.
    pub(super) fn of(&self, value: f64) -> u16 {
        let index = value.round() - f64::from(self.first);
        self.entries[index.clamp(0.0, (self.entries.len() - 1) as f64) as usize]
    }
}

/// Reads a table of `count` entries, in words or, where there are not enough bytes for that, in bytes.
pub(super) fn table(
    data: &[u8],
    count: usize,
    first: i32,
    bits: u16,
    encoding: Encoding,
) -> Result<LutTable, DecodeError> {
    let packed = bits <= 8 && data.len() < 2 * count;
    let entries = match packed {
        true => data.iter().take(count).map(|&entry| entry.into()).collect(),
        false => words(data, encoding).take(count).collect(),
    };
    LutTable::new(entries, count, first, bits)
}

/// Expands the segments of a table of `count` entries.
pub(super) fn segmented(
    data: &[u8],
    count: usize,
    first: i32,
    bits: u16,
    encoding: Encoding,
) -> Result<LutTable, DecodeError> {
    let values: Vec<u16> = match bits {
        ..=8 => data.iter().map(|&value| value.into()).collect(),
        _ => words(data, encoding).collect(),
    };
    let mut entries = Vec::new();
    expand(&values, usize::MAX, bits <= 8, encoding, count, true, &mut entries)?;
    LutTable::new(entries, count, first, bits)
}

fn words(data: &[u8], encoding: Encoding) -> impl Iterator<Item = u16> {
    data.chunks_exact(2).map(move |two| encoding.word([two[0], two[1]]))
}

/// Appends what the first `segments` of `values` stand for, up to `count` entries in all.
fn expand(
    values: &[u16],
    segments: usize,
    of_bytes: bool,
    encoding: Encoding,
    count: usize,
    outermost: bool,
    entries: &mut Vec<u16>,
) -> Result<(), DecodeError> {
    let broken = || damaged("a segmented look-up table contradicts itself");
    let mut rest = values;
    for _ in 0..segments {
        // A byte that fills up is no segment.
        let [kind, length, behind @ ..] = rest else { break };
        if entries.len() >= count {
            break;
        }
        // An empty one would let a short table take long.
        let length = Some(usize::from(*length)).filter(|&length| length > 0).ok_or_else(broken)?;
        rest = match kind {
            // Discrete: the entries themselves.
            0 => {
                let (discrete, behind) = behind.split_at_checked(length).ok_or_else(broken)?;
                entries.extend_from_slice(discrete);
                behind
            }
            // Linear: from the last entry, which is not repeated, to this one.
            1 => {
                let ([to, behind @ ..], Some(&from)) = (behind, entries.last()) else { return Err(broken()) };
                let (from, step) = (f64::from(from), (f64::from(*to) - f64::from(from)) / length as f64);
                entries.extend((1..=length).map(|i| (from + step * i as f64).round_ties_even() as u16));
                behind
            }
            // Indirect: so many segments from elsewhere, none of them indirect.
            2 if outermost => {
                let (at, behind) = offset(behind, of_bytes, encoding).ok_or_else(broken)?;
                let elsewhere = values.get(at..).ok_or_else(broken)?;
                expand(elsewhere, length, of_bytes, encoding, count, false, entries)?;
                behind
            }
            _ => return Err(broken()),
        };
    }
    Ok(())
}

/// Reads the place that an indirect segment points to, counted in values: an offset in bytes, whose lower
/// word comes first.
fn offset(values: &[u16], of_bytes: bool, encoding: Encoding) -> Option<(usize, &[u16])> {
    let bytes = |low: u16, high: u16| usize::from(low) | usize::from(high) << 16;
    match (values, of_bytes) {
        ([a, b, c, d, behind @ ..], true) => {
            let word = |first: u16, second: u16| encoding.word([first as u8, second as u8]);
            Some((bytes(word(*a, *b), word(*c, *d)), behind))
        }
        ([low, high, behind @ ..], false) => Some((bytes(*low, *high) / 2, behind)),
        _ => None,
    }
}
