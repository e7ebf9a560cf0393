use std::io::{self, Read};

use crate::{error::ReadProblem, limits::MAX_PICKLE};

/// Longest name of a module, class or function, in bytes.
const MAX_NAME: usize = 4096;

/// Bytes of one pickle, of which no more than [`MAX_PICKLE`] are read.
pub(crate) struct PickleInput<'a, R> {
    source: &'a mut R,
    read: u64,
}

impl<'a, R: Read> PickleInput<'a, R> {
    pub(crate) fn new(source: &'a mut R) -> Self {
        Self { source, read: 0 }
    }

    /// Number of bytes read so far.
    pub(crate) fn position(&self) -> u64 {
        self.read
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadProblem> {
        self.count(N as u64)?;
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => cut_off(),
            _ => ReadProblem::Io(error),
        })?;
        Ok(bytes)
    }

    pub(super) fn byte(&mut self) -> Result<u8, ReadProblem> {
        Ok(self.array::<1>()?[0])
    }

    /// Reads bytes that a pickle announces: memory is taken for those that are there.
    pub(super) fn bytes(&mut self, length: u64) -> Result<Vec<u8>, ReadProblem> {
        self.count(length)?;
        let mut bytes = Vec::new();
        self.source.take(length).read_to_end(&mut bytes)?;
        match bytes.len() as u64 == length {
            true => Ok(bytes),
            false => Err(cut_off()),
        }
    }

    /// Reads a name that ends with a line break, which is left out.
    pub(super) fn line(&mut self) -> Result<String, ReadProblem> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => break,
                byte if line.len() < MAX_NAME => line.push(byte),
                _ => return Err(ReadProblem::damaged("its pickle holds a name of more than 4096 bytes")),
            }
        }
        String::from_utf8(line).map_err(|_| ReadProblem::damaged("its pickle holds a name that is no UTF-8"))
    }

    fn count(&mut self, more: u64) -> Result<(), ReadProblem> {
        self.read = self.read.saturating_add(more);
        match self.read <= MAX_PICKLE {
            true => Ok(()),
            false => Err(ReadProblem::TooLarge(format!("its pickle has more than {} MiB", MAX_PICKLE >> 20))),
        }
    }
}

fn cut_off() -> ReadProblem {
    ReadProblem::CutOff("it ends within its pickle".to_owned())
}
