//! Facts of a file besides its picture, by which a network could know where it came from.

use std::io::Cursor;

use image::{ImageDecoder as _, ImageFormat, ImageReader};

use data::Pixels;

/// Facts of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileFacts {
    /// Length of the file.
    pub bytes: u64,
    /// Format by content, such as `PNG`.
    pub format: &'static str,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bits of a sample as stored, where known.
    pub bits: Option<u16>,
    /// Colour type as stored, such as `gray`, `RGB`, `palette`, `YCbCr 4:2:0`.
    pub colour: &'static str,
    /// libjpeg's quality setting from 1 to 100 that comes nearest to a JPEG's first quantisation table.
    pub jpeg_quality: Option<u8>,
    /// True where the file is progressive or interlaced.
    pub progressive: bool,
    /// Shares of the sides that are black at the left, top, right and bottom.
    pub borders: [f32; 4],
    /// Mean gray level of the outermost twentieth at all edges.
    pub edge_mean: f32,
    /// Mean gray level of the four corners, a twentieth of each side.
    pub corner_mean: f32,
}

/// Largest mean of a black row or column.
const BLACK: f32 = 10.0;
/// Width of an edge whose mean is taken, as a share of the side.
const EDGE: f32 = 0.05;

/// Facts that need only the file's head.
struct HeaderFacts {
    format: &'static str,
    bits: Option<u16>,
    colour: &'static str,
    jpeg_quality: Option<u8>,
    progressive: bool,
}

impl FileFacts {
    /// Gathers the facts of `file`; `gray` is what it was decoded to, in gray.
    pub(super) fn new(file: &[u8], gray: &Pixels) -> Self {
        let HeaderFacts { format, bits, colour, jpeg_quality, progressive } = head(file);
        let (width, height) = (gray.width, gray.height);
        let Edges { borders, edge_mean, corner_mean } = edges(&gray.data, width, height);
        let bytes = file.len() as u64;
        Self {
            bytes,
            format,
            width,
            height,
            bits,
            colour,
            jpeg_quality,
            progressive,
            borders,
            edge_mean,
            corner_mean,
        }
    }

    /// Width over height.
    pub fn aspect(&self) -> f64 {
        self.width as f64 / self.height as f64
    }

    /// Bytes of the file per pixel of the image.
    pub fn bytes_per_pixel(&self) -> f64 {
        self.bytes as f64 / (self.width as f64 * self.height as f64)
    }
}

fn head(file: &[u8]) -> HeaderFacts {
    let plain =
        |format, bits, colour| HeaderFacts { format, bits, colour, jpeg_quality: None, progressive: false };
    match image::guess_format(file) {
        Ok(ImageFormat::Png) => png_head(file),
        Ok(ImageFormat::Jpeg) => jpeg_head(file),
        Ok(format) => {
            let (bits, colour) =
                stored(file, format).map_or((None, "unknown"), |(bits, colour)| (Some(bits), colour));
            plain(name(format), bits, colour)
        }
        Err(_) if file.get(128..132) == Some(b"DICM") => plain("DICOM", None, "unknown"),
        Err(_) => plain("unknown", None, "unknown"),
    }
}

fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Bmp => "BMP",
        ImageFormat::Gif => "GIF",
        ImageFormat::Pnm => "PNM",
        ImageFormat::Tiff => "TIFF",
        ImageFormat::WebP => "WebP",
        _ => "other",
    }
}

/// Bits a sample and kind of colour, as the decoder finds them.
fn stored(file: &[u8], format: ImageFormat) -> Option<(u16, &'static str)> {
    let decoder = ImageReader::with_format(Cursor::new(file), format).into_decoder().ok()?;
    let colour = decoder.original_color_type();
    let channels = colour.channel_count();
    let name = match channels {
        1 => "gray",
        2 => "gray, alpha",
        3 => "RGB",
        _ => "RGBA",
    };
    Some((colour.bits_per_pixel() / u16::from(channels.max(1)), name))
}

/// Reads the header, which is the first chunk (PNG specification, 11.2.1).
fn png_head(file: &[u8]) -> HeaderFacts {
    let byte = |at: usize| file.get(at).copied().unwrap_or(0);
    let colour = match byte(25) {
        0 => "gray",
        2 => "RGB",
        3 => "palette",
        4 => "gray, alpha",
        _ => "RGBA",
    };
    HeaderFacts {
        format: "PNG",
        bits: Some(byte(24).into()),
        colour,
        jpeg_quality: None,
        progressive: byte(28) == 1,
    }
}

/// Reads the segments before the first scan (ITU T.81, B.1 and B.2).
fn jpeg_head(file: &[u8]) -> HeaderFacts {
    let mut head =
        HeaderFacts { format: "JPEG", bits: None, colour: "unknown", jpeg_quality: None, progressive: false };
    let mut at = 2;
    while let Some(&[0xff, marker]) = file.get(at..at + 2) {
        // Filling, and markers without a length.
        if matches!(marker, 0xff | 0x01 | 0xd0..=0xd8) {
            at += if marker == 0xff { 1 } else { 2 };
            continue;
        }
        let Some(&[high, low]) = file.get(at + 2..at + 4) else { break };
        let length = usize::from(high) << 8 | usize::from(low);
        let Some(segment) = file.get(at + 4..at + 2 + length.max(2)) else { break };
        match marker {
            0xda => break,
            0xdb if head.jpeg_quality.is_none() => head.jpeg_quality = quality(segment),
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                head.bits = segment.first().map(|&bits| bits.into());
                head.colour = jpeg_colour(segment);
                head.progressive = matches!(marker, 0xc2 | 0xc6 | 0xca | 0xce);
            }
            _ => {}
        }
        at += 2 + length.max(2);
    }
    head
}

/// Names the colour type by the number of components and the sampling of the first.
fn jpeg_colour(frame: &[u8]) -> &'static str {
    match (frame.get(5), frame.get(7)) {
        (Some(1), _) => "gray",
        (Some(3), Some(0x11)) => "YCbCr 4:4:4",
        (Some(3), Some(0x21)) => "YCbCr 4:2:2",
        (Some(3), Some(0x22)) => "YCbCr 4:2:0",
        (Some(3), _) => "YCbCr",
        (Some(4), _) => "CMYK",
        _ => "unknown",
    }
}

/// The sum of the luminance table of ITU T.81, K.1, which quality 50 has.
const SUM_OF_K1: f32 = 3688.0;

/// Estimates libjpeg's quality from the sum of a table, by its scaling turned about (`jcparam.c`,
/// `jpeg_quality_scaling`).
fn quality(tables: &[u8]) -> Option<u8> {
    let (&kind, table) = tables.split_first()?;
    let sum: u32 = match kind >> 4 {
        0 => table.get(..64)?.iter().map(|&value| u32::from(value)).sum(),
        _ => table.get(..128)?.chunks_exact(2).map(|two| u32::from(two[0]) << 8 | u32::from(two[1])).sum(),
    };
    let percent = sum as f32 / SUM_OF_K1 * 100.0;
    let quality = if percent <= 100.0 { 100.0 - percent / 2.0 } else { 5000.0 / percent };
    Some(quality.round().clamp(1.0, 100.0) as u8)
}

struct Edges {
    borders: [f32; 4],
    edge_mean: f32,
    corner_mean: f32,
}

fn edges(gray: &[u8], width: usize, height: usize) -> Edges {
    let breadth = |side: usize| (side as f32 * EDGE).ceil() as usize;
    let (across, down) = (breadth(width), breadth(height));
    let sum = |values: &[u8]| values.iter().map(|&value| u64::from(value)).sum::<u64>();
    let (mut columns, mut rows) = (vec![0_u64; width], Vec::with_capacity(height));
    // Sums and counts.
    let (mut at_edges, mut at_corners) = ((0, 0), (0, 0));
    for (y, row) in gray.chunks_exact(width).enumerate() {
        rows.push(sum(row));
        columns.iter_mut().zip(row).for_each(|(sum, &value)| *sum += u64::from(value));
        let ends = (sum(&row[..across]) + sum(&row[width - across..]), 2 * across);
        let within = y.min(height - 1 - y) >= down;
        let counted = if within { ends } else { (sum(row), width) };
        at_edges = (at_edges.0 + counted.0, at_edges.1 + counted.1);
        if !within {
            at_corners = (at_corners.0 + ends.0, at_corners.1 + ends.1);
        }
    }
    let mean = |(sum, count): (u64, usize)| sum as f32 / count.max(1) as f32;
    let [left, right] = black(&columns, height);
    let [top, bottom] = black(&rows, width);
    Edges { borders: [left, top, right, bottom], edge_mean: mean(at_edges), corner_mean: mean(at_corners) }
}

/// Shares of the lines that are black from the first and from the last on; `sums` are theirs, of `pixels` each.
fn black(sums: &[u64], pixels: usize) -> [f32; 2] {
    let is_black = |sum: &&u64| **sum as f32 <= BLACK * pixels as f32;
    let share = |lines: usize| lines as f32 / sums.len() as f32;
    [share(sums.iter().take_while(is_black).count()), share(sums.iter().rev().take_while(is_black).count())]
}
