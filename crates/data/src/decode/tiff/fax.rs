//! CCITT compression of black and white (ITU-T T.4 and T.6), row by row.

use std::{
    borrow::Cow,
    io::{self, Read},
};

use fax::{
    BitReader,
    maps::{Mode, black, mode, white},
};

/// The three codings that TIFF names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// Modified Huffman: rows without marks, each from a byte (or two) on.
    Rows { word_aligned: bool },
    /// Group 3, with an end-of-line mark before each row; some rows are told by the one before where `two_dimensional`.
    Group3 { two_dimensional: bool },
    /// Group 4: all rows are told by the one before.
    Group4,
}

/// Packed rows, 1 for black.
pub(super) struct FaxReader<'a> {
    bits: Bits<'a>,
    coding: Coding,
    width: usize,
    /// Columns where the colour of the row before changes, from white on.
    reference: Vec<usize>,
    /// Columns where the colour of the present row changes.
    current: Vec<usize>,
    /// True where the end of the image was marked.
    ended: bool,
    row: Vec<u8>,
    /// Start of the part of the row that is not yet read.
    at: usize,
}

impl<'a> FaxReader<'a> {
    pub(super) fn new(bytes: Cow<'a, [u8]>, coding: Coding, width: usize) -> Self {
        let bits = Bits { bytes, at: 0 };
        let (reference, current, row) = (Vec::new(), Vec::new(), Vec::new());
        Self { bits, coding, width, reference, current, ended: false, row, at: 0 }
    }

    fn decode_row(&mut self) -> io::Result<()> {
        self.current.clear();
        match self.coding {
            Coding::Rows { word_aligned } => {
                self.row_of_runs()?;
                self.bits.align(if word_aligned { 16 } else { 8 });
            }
            Coding::Group3 { two_dimensional } => {
                let mut marks = 0;
                while self.bits.skip_end_of_line() {
                    marks += 1;
                    let by_runs = !two_dimensional || self.bits.take_bit()?;
                    if marks > 1 && by_runs {
                        self.ended = true;
                    }
                    if !self.bits.is_end_of_line() {
                        if !self.ended && !by_runs {
                            return self.row_by_the_one_before();
                        }
                        break;
                    }
                }
                if !self.ended {
                    self.row_of_runs()?;
                }
            }
            Coding::Group4 if self.bits.is_end_of_line() && self.bits.peek(12) == Some(1) => {
                self.ended = true;
            }
            Coding::Group4 => self.row_by_the_one_before()?,
        }
        Ok(())
    }

    /// Reads runs of white and black in turn.
    fn row_of_runs(&mut self) -> io::Result<()> {
        let (mut at, mut is_black) = (0, false);
        while at < self.width {
            at += self.run(is_black)?;
            self.change(at)?;
            is_black = !is_black;
        }
        Ok(())
    }

    fn row_by_the_one_before(&mut self) -> io::Result<()> {
        // Before the first column at the beginning, so that a change may be right there.
        let (mut at, mut is_black): (Option<usize>, bool) = (None, false);
        while at.unwrap_or(0) < self.width {
            let here = at.unwrap_or(0);
            match mode::decode(&mut self.bits).ok_or_else(|| self.bits.failed())? {
                Mode::Pass => {
                    let next = self.change_before(at, is_black) + 1;
                    at = Some(self.reference.get(next).copied().unwrap_or(self.width));
                }
                Mode::Horizontal => {
                    let middle = here + self.run(is_black)?;
                    let end = middle + self.run(!is_black)?;
                    self.change(middle)?;
                    self.change(end)?;
                    at = Some(end);
                }
                Mode::Vertical(by) => {
                    let change = self.change_before(at, is_black);
                    let above = self.reference.get(change).copied().unwrap_or(self.width);
                    let to = above.checked_add_signed(by.into()).ok_or_else(damaged)?;
                    if to < here {
                        return Err(damaged());
                    }
                    self.change(to)?;
                    (at, is_black) = (Some(to), !is_black);
                }
                Mode::Extension | Mode::EOF => return Err(damaged()),
            }
        }
        Ok(())
    }

    /// Index of the first change of the row above to the right of `at` and to the other colour (`b1`).
    fn change_before(&self, at: Option<usize>, is_black: bool) -> usize {
        let first = at.map_or(0, |at| self.reference.partition_point(|&change| change <= at));
        // Changes to black have even numbers.
        if first % 2 == usize::from(is_black) { first } else { first + 1 }
    }

    /// A change of colour at this column. Two at one column, which some writers begin rows with, both count: libtiff and such
    /// writers go by the runs of the row before and not by its pixels.
    fn change(&mut self, at: usize) -> io::Result<()> {
        // One that goes on beyond the row ends with it, as libtiff has it.
        let at = at.min(self.width);
        if self.current.last().is_some_and(|&last| last > at) {
            return Err(damaged());
        }
        self.current.push(at);
        Ok(())
    }

    fn run(&mut self, is_black: bool) -> io::Result<usize> {
        let mut sum = 0;
        loop {
            if self.bits.is_past_end() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let part = if is_black { black::decode(&mut self.bits) } else { white::decode(&mut self.bits) };
            let part = usize::from(part.ok_or_else(|| self.bits.failed())?);
            sum += part;
            if part < 64 {
                return Ok(sum);
            }
            if sum > self.width + 2560 {
                return Err(damaged());
            }
        }
    }

    fn pack(&mut self) {
        self.row.clear();
        self.row.resize(self.width.div_ceil(8), 0);
        for blacks in self.current.chunks(2) {
            let (from, to) = (blacks[0], blacks.get(1).copied().unwrap_or(self.width));
            for column in from..to {
                self.row[column / 8] |= 0x80 >> (column % 8);
            }
        }
    }
}

impl Read for FaxReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.row.len() {
            if !self.ended {
                if self.bits.is_past_end() {
                    return Ok(0);
                }
                self.decode_row()?;
            }
            if self.ended {
                // What is missing before the mark is white (`Fax4Decode`).
                self.current.clear();
            }
            self.pack();
            std::mem::swap(&mut self.reference, &mut self.current);
            self.at = 0;
        }
        let count = out.len().min(self.row.len() - self.at);
        out[..count].copy_from_slice(&self.row[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

fn damaged() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// Bits from the highest on; behind the end there are zeros.
struct Bits<'a> {
    bytes: Cow<'a, [u8]>,
    at: usize,
}

impl Bits<'_> {
    fn align(&mut self, bits: usize) {
        self.at = self.at.next_multiple_of(bits);
    }

    fn is_past_end(&self) -> bool {
        self.at >= 8 * self.bytes.len()
    }

    fn failed(&self) -> io::Error {
        if self.at + 13 > 8 * self.bytes.len() { io::ErrorKind::UnexpectedEof.into() } else { damaged() }
    }

    fn take_bit(&mut self) -> io::Result<bool> {
        let bit = self.peek(1) == Some(1);
        self.consume(1).map(|()| bit)
    }

    /// Tells if an end-of-line mark follows: eleven zeros, which are in no other code.
    fn is_end_of_line(&self) -> bool {
        // The mark has a bit more, and all of it is in the data.
        self.at + 12 <= 8 * self.bytes.len() && self.peek(11) == Some(0)
    }

    fn skip_end_of_line(&mut self) -> bool {
        if !self.is_end_of_line() {
            return false;
        }
        while !self.is_past_end() {
            let bit = self.peek(1);
            self.at += 1;
            if bit == Some(1) {
                return true;
            }
        }
        false
    }
}

impl BitReader for Bits<'_> {
    type Error = io::Error;

    fn peek(&self, bits: u8) -> Option<u16> {
        let byte = |i: usize| u32::from(self.bytes.get(self.at / 8 + i).copied().unwrap_or(0));
        let three = byte(0) << 16 | byte(1) << 8 | byte(2);
        let shifted = three << (8 + self.at % 8);
        (1..=16).contains(&bits).then(|| (shifted >> (32 - u32::from(bits))) as u16)
    }

    fn consume(&mut self, bits: u8) -> io::Result<()> {
        self.at += usize::from(bits);
        // A little more than there is may be looked at, since codes are looked up by more bits than they have.
        if self.at > 8 * self.bytes.len() + 16 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    fn bits_to_byte_boundary(&self) -> u8 {
        (self.at.wrapping_neg() % 8) as u8
    }
}
