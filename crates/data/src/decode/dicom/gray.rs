//! Conversion of stored gray values to shown ones: modality LUT, then VOI (PS3.3, C.11), then inversion.

use super::{Layout, Samples, attributes as tags, attributes::Attributes, lut::LutTable};
use crate::{DecodeError, DecodeNotes};

/// Modality LUT: stored values to those of the device's units.
enum Modality {
    Rescale { slope: f64, intercept: f64 },
    Table(LutTable),
}

/// VOI: the values that are shown as black to white.
enum Voi {
    Window {
        center: f64,
        width: f64,
        function: Function,
    },
    Table(LutTable),
    /// Values from the least to the greatest of an image.
    Range(f64, f64),
}

#[derive(Clone, Copy)]
enum Function {
    Linear,
    LinearExact,
    Sigmoid,
}

/// Shows the samples of a frame, from 0.
pub(super) fn shown(
    samples: &Samples<'_>,
    layout: &Layout,
    attributes: &Attributes<'_>,
    inverted: bool,
    frame: usize,
    notes: &mut DecodeNotes,
) -> Result<Vec<u8>, DecodeError> {
    let modality = modality(attributes, layout, frame)?;
    let voi = match voi(attributes, layout, &modality, frame)? {
        Some(voi) => voi,
        None => {
            notes.without_window = true;
            own_range(samples, layout, attributes, &modality)
        }
    };
    let shown = |bits| {
        let white = voi.white(modality.of(layout.value(bits) as f64));
        let white = if inverted { 1.0 - white } else { white };
        (white * 255.0).round() as u8
    };
    if layout.bits_allocated > 16 {
        return Ok(samples.iter().map(|stored| shown(layout.bits(stored))).collect());
    }
    let of_bits: Vec<u8> = (0..=layout.most()).map(shown).collect();
    Ok(samples.iter().map(|stored| of_bits[layout.bits(stored) as usize]).collect())
}

/// Finds the modality LUT: the frame's own, that of all frames, or the file's.
fn modality(attributes: &Attributes<'_>, layout: &Layout, frame: usize) -> Result<Modality, DecodeError> {
    let in_groups = attributes.in_groups(frame, tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE);
    for attributes in in_groups.iter().chain([attributes]) {
        if let Some(item) = attributes.item(tags::MODALITY_LUT_SEQUENCE)?
            && let Some(table) = item.table(tags::LUT_DESCRIPTOR, tags::LUT_DATA, None, layout.signed)?
        {
            return Ok(Modality::Table(table));
        }
        // A slope of 0 would make every image black.
        let slope = attributes.number(tags::RESCALE_SLOPE).filter(|&slope| slope != 0.0);
        let intercept = attributes.number(tags::RESCALE_INTERCEPT);
        if slope.is_some() || intercept.is_some() {
            let (slope, intercept) = (slope.unwrap_or(1.0), intercept.unwrap_or(0.0));
            return Ok(Modality::Rescale { slope, intercept });
        }
    }
    Ok(Modality::Rescale { slope: 1.0, intercept: 0.0 })
}

impl Modality {
    fn of(&self, stored: f64) -> f64 {
        match self {
            Self::Rescale { slope, intercept } => stored * slope + intercept,
            Self::Table(table) => table.of(stored).into(),
        }
    }

    /// Tells if it gives numbers below 0.
    fn is_signed(&self, layout: &Layout) -> bool {
        let (least, most) = layout.range();
        matches!(self, Self::Rescale { .. }) && self.of(least as f64).min(self.of(most as f64)) < 0.0
    }
}

/// Finds the first valid window, or else the look-up table: the frame's own, that of all frames, or the file's.
fn voi(
    attributes: &Attributes<'_>,
    layout: &Layout,
    modality: &Modality,
    frame: usize,
) -> Result<Option<Voi>, DecodeError> {
    let in_groups = attributes.in_groups(frame, tags::FRAME_VOI_LUT_SEQUENCE);
    for attributes in in_groups.iter().chain([attributes]) {
        let function = match attributes.text(tags::VOI_LUT_FUNCTION) {
            Some("LINEAR_EXACT") => Function::LinearExact,
            Some("SIGMOID") => Function::Sigmoid,
            _ => Function::Linear,
        };
        let least = if matches!(function, Function::Linear) { 1.0 } else { f64::MIN_POSITIVE };
        let windows = attributes.numbers(tags::WINDOW_CENTER).zip(attributes.numbers(tags::WINDOW_WIDTH));
        let mut windows = windows.filter_map(|(center, width)| Some((center?, width?)));
        if let Some((center, width)) = windows.find(|&(_, width)| width >= least) {
            return Ok(Some(Voi::Window { center, width, function }));
        }
        if let Some(item) = attributes.item(tags::VOI_LUT_SEQUENCE)? {
            // Its first value has the sign of what it is looked up with.
            let signed = modality.is_signed(layout);
            if let Some(table) = item.table(tags::LUT_DESCRIPTOR, tags::LUT_DATA, None, signed)? {
                return Ok(Some(Voi::Table(table)));
            }
        }
    }
    Ok(None)
}

/// Finds the least and the greatest value of these samples, padding left out unless there is nothing else.
fn own_range(
    samples: &Samples<'_>,
    layout: &Layout,
    attributes: &Attributes<'_>,
    modality: &Modality,
) -> Voi {
    let padding = padding(attributes, layout);
    let is_padding = |value: i64| padding.is_some_and(|(least, most)| (least..=most).contains(&value));
    let empty = (f64::INFINITY, f64::NEG_INFINITY);
    let (mut own, mut all) = (empty, empty);
    let mut count = |bits| {
        let stored = layout.value(bits);
        let value = modality.of(stored as f64);
        let widen = |(least, most): (f64, f64)| (least.min(value), most.max(value));
        all = widen(all);
        if !is_padding(stored) {
            own = widen(own);
        }
    };
    if layout.bits_allocated > 16 {
        samples.iter().for_each(|stored| count(layout.bits(stored)));
    } else {
        let mut is_there = vec![false; layout.most() as usize + 1];
        samples.iter().for_each(|stored| is_there[layout.bits(stored) as usize] = true);
        (0..=layout.most()).filter(|&bits| is_there[bits as usize]).for_each(&mut count);
    }
    let (least, most) = if own == empty { all } else { own };
    Voi::Range(least, most)
}

/// The least and the greatest stored value of padding (PS3.3, C.7.5.1.1.2), if the file names one that it can hold.
fn padding(attributes: &Attributes<'_>, layout: &Layout) -> Option<(i64, i64)> {
    let (least, most) = layout.range();
    let number = |tag| {
        let word = attributes.word(tag, 0)?;
        let value = if layout.signed { i64::from(word as i16) } else { word.into() };
        (least..=most).contains(&value).then_some(value)
    };
    let padding = number(tags::PADDING)?;
    let limit = number(tags::PADDING_LIMIT).unwrap_or(padding);
    Some((padding.min(limit), padding.max(limit)))
}

impl Voi {
    /// Maps a value to a brightness from 0, black, to 1, white.
    fn white(&self, value: f64) -> f64 {
        match self {
            // C.11.2.1.2.1: both ends of the window are values that there are.
            Self::Window { center, width, function: Function::Linear } => {
                within(value, center - 0.5, width - 1.0)
            }
            Self::Window { center, width, function: Function::LinearExact } => within(value, *center, *width),
            Self::Window { center, width, function: Function::Sigmoid } => {
                1.0 / (1.0 + (-4.0 * (value - center) / width).exp())
            }
            Self::Table(table) => f64::from(table.of(value)) / f64::from(table.most),
            Self::Range(least, most) if most > least => ((value - least) / (most - least)).clamp(0.0, 1.0),
            Self::Range(..) => 0.0,
        }
    }
}

fn within(value: f64, center: f64, width: f64) -> f64 {
    if value <= center - width / 2.0 {
        0.0
    } else if value > center + width / 2.0 {
        1.0
    } else {
        (value - center) / width + 0.5
    }
}
