//! A writer of TIFF and BigTIFF that writes whatever a test asks for.

use std::io::Write as _;

/// A file of some pages.
pub(in super::super) struct Made {
    pub(in super::super) big_endian: bool,
    pub(in super::super) big: bool,
    pub(in super::super) pages: Vec<MadePage>,
}

/// A page: gray of 8 bits, where nothing else is said.
#[derive(Clone)]
pub(in super::super) struct MadePage {
    pub(in super::super) tags: Vec<(u16, Vec<u64>)>,
    /// Strips or tiles as they are stored.
    pub(in super::super) chunks: Vec<Vec<u8>>,
    pub(in super::super) tiled: bool,
    /// Values given are the predictor's already.
    pub(in super::super) predicted: bool,
}

/// Numbers in so many bits, row by row of one row.
pub(in super::super) fn packed(values: &[u64], bits: usize, big_endian: bool) -> Vec<u8> {
    let whole = matches!(bits, 16 | 24 | 32 | 64);
    if whole {
        let bytes = |value: &u64| match big_endian {
            true => value.to_be_bytes()[8 - bits / 8..].to_vec(),
            false => value.to_le_bytes()[..bits / 8].to_vec(),
        };
        return values.iter().flat_map(bytes).collect();
    }
    let digits: Vec<u8> =
        values.iter().flat_map(|value| (0..bits).rev().map(move |bit| (value >> bit & 1) as u8)).collect();
    digits
        .chunks(8)
        .map(|eight| eight.iter().enumerate().fold(0, |byte, (i, bit)| byte | bit << (7 - i)))
        .collect()
}

impl MadePage {
    pub(in super::super) fn new([width, height]: [u64; 2], bits: u64) -> Self {
        let tags = [(256, width), (257, height), (258, bits), (259, 1), (262, 1), (277, 1), (278, height)];
        let tags = tags.map(|(tag, value)| (tag, vec![value])).to_vec();
        Self { tags, chunks: Vec::new(), tiled: false, predicted: false }
    }

    pub(in super::super) fn rgb(self) -> Self {
        let bits = self.number(258);
        self.with(262, &[2]).with(277, &[3]).with(258, &[bits; 3])
    }

    pub(in super::super) fn with(mut self, tag: u16, values: &[u64]) -> Self {
        self.tags.retain(|(there, _)| *there != tag);
        self.tags.push((tag, values.to_vec()));
        self
    }

    fn number(&self, tag: u16) -> u64 {
        self.tags.iter().find(|(there, _)| *there == tag).map_or(1, |(_, values)| values[0])
    }

    fn row_bytes(&self) -> usize {
        (self.number(256) * self.number(277) * self.number(258)).div_ceil(8) as usize
    }

    /// Rows in strips of so many.
    pub(in super::super) fn strips(self, bytes: &[u8], rows: usize) -> Self {
        let row = self.row_bytes();
        let samples = self.number(277) as usize;
        let chunks = bytes.chunks(rows * row).map(|strip| self.compressed(strip, row, samples)).collect();
        Self { chunks, ..self.with(278, &[rows as u64]) }
    }

    /// Planes of 8 bits in strips of so many rows.
    pub(in super::super) fn strips_of_planes(self, planes: &[Vec<u8>], rows: usize) -> Self {
        let row = self.number(256) as usize;
        let of = |plane: &Vec<u8>| {
            plane.chunks(rows * row).map(|strip| self.compressed(strip, row, 1)).collect::<Vec<_>>()
        };
        let chunks = planes.iter().flat_map(of).collect();
        Self { chunks, ..self.with(278, &[rows as u64]) }
    }

    /// Pixels of 8 bits in tiles, filled up with 99 beyond the edges.
    pub(in super::super) fn tiles(self, bytes: &[u8], size: [usize; 2]) -> Self {
        let samples = self.number(277) as usize;
        let chunks = self.in_tiles(bytes, size, samples);
        Self { chunks, ..self.tiled(size) }
    }

    pub(in super::super) fn tiles_of_planes(self, planes: &[Vec<u8>], size: [usize; 2]) -> Self {
        let chunks = planes.iter().flat_map(|plane| self.in_tiles(plane, size, 1)).collect();
        Self { chunks, ..self.tiled(size) }
    }

    fn tiled(self, [width, height]: [usize; 2]) -> Self {
        let page = self.with(322, &[width as u64]).with(323, &[height as u64]);
        Self { tiled: true, ..page }
    }

    fn in_tiles(&self, bytes: &[u8], [width, height]: [usize; 2], samples: usize) -> Vec<Vec<u8>> {
        let [columns, rows] = [self.number(256), self.number(257)].map(|side| side as usize);
        let mut tiles = Vec::new();
        for y in (0..rows).step_by(height) {
            for x in (0..columns).step_by(width) {
                let mut tile = Vec::new();
                for y in y..y + height {
                    for x in x..x + width {
                        for sample in 0..samples {
                            let at = (y * columns + x) * samples + sample;
                            tile.push(if x < columns && y < rows { bytes[at] } else { 99 });
                        }
                    }
                }
                tiles.push(self.compressed(&tile, width * samples, samples));
            }
        }
        tiles
    }

    /// Compresses bytes as the page's compression, predictor and fill order say.
    fn compressed(&self, bytes: &[u8], row: usize, samples: usize) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        if self.number(317) == 2 && !self.predicted {
            for row in bytes.chunks_mut(row) {
                for i in (samples..row.len()).rev() {
                    row[i] = row[i].wrapping_sub(row[i - samples]);
                }
            }
        }
        let bytes = match self.number(259) {
            5 => {
                weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(&bytes).unwrap()
            }
            8 | 32946 => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(&bytes).unwrap();
                encoder.finish().unwrap()
            }
            // Literals of up to 128 bytes, and a run wherever three bytes or more are alike.
            32773 => {
                let mut out = Vec::new();
                let mut rest = &bytes[..];
                while let Some(&first) = rest.first() {
                    let run = rest.iter().take(128).take_while(|&&byte| byte == first).count();
                    if run > 2 {
                        out.extend([(257 - run) as u8, first]);
                        rest = &rest[run..];
                    } else {
                        let count = rest.len().min(5);
                        out.push(count as u8 - 1);
                        out.extend_from_slice(&rest[..count]);
                        rest = &rest[count..];
                    }
                }
                out
            }
            _ => bytes,
        };
        let reversed = self.number(266) == 2;
        bytes.iter().map(|byte| if reversed { byte.reverse_bits() } else { *byte }).collect()
    }

    pub(in super::super) fn bytes(&self) -> Vec<u8> {
        Made { big_endian: false, big: false, pages: vec![self.clone()] }.bytes()
    }

    /// Writes the same file with the strips behind everything else, so that one that is too short ends with the file.
    pub(in super::super) fn bytes_with_strips_at_end(&self) -> Vec<u8> {
        let bytes = self.bytes();
        let strips: usize = self.chunks.iter().map(Vec::len).sum();
        let offset = bytes.windows(4).position(|four| four == [17, 1, 4, 0]).unwrap() + 8;
        let end = bytes.len() as u32;
        let mut moved = [&bytes[..], &bytes[8..8 + strips]].concat();
        moved[offset..offset + 4].copy_from_slice(&end.to_le_bytes());
        moved
    }
}

impl Made {
    fn number(&self, value: u64, length: usize) -> Vec<u8> {
        if self.big_endian {
            value.to_be_bytes()[8 - length..].to_vec()
        } else {
            value.to_le_bytes()[..length].to_vec()
        }
    }

    fn offset_length(&self) -> usize {
        if self.big { 8 } else { 4 }
    }

    pub(in super::super) fn bytes(&self) -> Vec<u8> {
        self.written().0
    }

    /// Returns the place of a page's tags.
    pub(in super::super) fn place_of_page(&self, page: usize) -> usize {
        self.written().1[page].0
    }

    /// Writes the same file with the link behind a page's tags changed.
    pub(in super::super) fn with_next_of(&self, page: usize, to: usize) -> Vec<u8> {
        let (mut bytes, places) = self.written();
        let link = self.number(to as u64, self.offset_length());
        bytes[places[page].1..places[page].1 + link.len()].copy_from_slice(&link);
        bytes
    }

    /// The file, and the places of the tags of each page and of the links behind them.
    fn written(&self) -> (Vec<u8>, Vec<(usize, usize)>) {
        let length = self.offset_length();
        let mut bytes = if self.big_endian { b"MM".to_vec() } else { b"II".to_vec() };
        bytes.extend(self.number(if self.big { 43 } else { 42 }, 2));
        if self.big {
            bytes.extend([self.number(8, 2), vec![0, 0]].concat());
        }
        let mut link = bytes.len();
        bytes.extend(vec![0; length]);
        let mut places = Vec::new();
        for page in &self.pages {
            let chunks: Vec<u64> = page
                .chunks
                .iter()
                .map(|chunk| {
                    let at = bytes.len() as u64;
                    bytes.extend_from_slice(chunk);
                    at
                })
                .collect();
            let lengths = page.chunks.iter().map(|chunk| chunk.len() as u64).collect();
            let (offset_tag, length_tag) = if page.tiled { (324, 325) } else { (273, 279) };
            let mut tags: Vec<(u16, usize, Vec<u64>)> = page
                .tags
                .iter()
                .filter(|(tag, _)| !page.tiled || *tag != 278)
                .map(|(tag, values)| {
                    let kind = match tag {
                        347 => 7,
                        _ if values.iter().all(|value| *value < 1 << 16) => 3,
                        _ => 4,
                    };
                    (*tag, kind, values.clone())
                })
                .collect();
            tags.push((offset_tag, if self.big { 16 } else { 4 }, chunks));
            tags.push((length_tag, 4, lengths));
            tags.sort();
            let values: Vec<(u16, usize, usize, Vec<u8>)> = tags
                .iter()
                .map(|(tag, kind, values)| {
                    let size = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 1, 1, 8][*kind];
                    let written = values.iter().flat_map(|value| self.number(*value, size)).collect();
                    (*tag, *kind, values.len(), written)
                })
                .collect();
            // Long values first, then the tags.
            let mut places_of_values = Vec::new();
            for (_, _, _, written) in &values {
                places_of_values.push(bytes.len() as u64);
                if written.len() > length {
                    bytes.extend_from_slice(written);
                }
            }
            let start = bytes.len();
            let pointer = self.number(start as u64, length);
            bytes[link..link + length].copy_from_slice(&pointer);
            bytes.extend(self.number(values.len() as u64, if self.big { 8 } else { 2 }));
            for ((tag, kind, count, mut written), place) in values.into_iter().zip(places_of_values) {
                bytes.extend(self.number(tag.into(), 2));
                bytes.extend(self.number(kind as u64, 2));
                bytes.extend(self.number(count as u64, length));
                if written.len() > length {
                    written = self.number(place, length);
                }
                written.resize(length, 0);
                bytes.extend(written);
            }
            link = bytes.len();
            places.push((start, link));
            bytes.extend(vec![0; length]);
        }
        (bytes, places)
    }
}
