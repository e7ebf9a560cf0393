//! Stored gray values to what is shown: modality LUT, then VOI (PS3.3, C.11), then inversion.

use super::{Layout, Samples, attributes as tags, attributes::Attributes, attributes::Table};
use crate::DecodeError;

/// Shown values of all stored ones.
pub(super) struct Gray {
    layout: Layout,
    /// By the stored bits.
    shown: Vec<u8>,
}

/// Stored values to those of the device's units.
enum Modality {
    Rescale { slope: f64, intercept: f64 },
    Table(Table),
}

/// Which of them are shown as black to white.
enum Voi {
    Window {
        center: f64,
        width: f64,
        function: Function,
    },
    Table(Table),
    /// All of them: the least and the greatest that there can be.
    Range(f64, f64),
}

#[derive(Clone, Copy)]
enum Function {
    Linear,
    LinearExact,
    Sigmoid,
}

impl Gray {
    pub(super) fn new(
        attributes: &Attributes<'_>,
        layout: Layout,
        inverted: bool,
    ) -> Result<Self, DecodeError> {
        let modality = modality(attributes, &layout)?;
        let voi = voi(attributes, &layout, &modality)?;
        let shown = (0..1_u32 << layout.bits_stored).map(|bits| {
            let white = voi.white(modality.of(layout.value(bits as u16).into()));
            let white = if inverted { 1.0 - white } else { white };
            (white * 255.0).round() as u8
        });
        Ok(Self { layout, shown: shown.collect() })
    }

    pub(super) fn apply(&self, samples: &Samples<'_>) -> Vec<u8> {
        let shown = |stored| self.shown[usize::from(self.layout.bits(stored))];
        match samples {
            Samples::Eight(values) => values.iter().map(|&value| shown(value.into())).collect(),
            Samples::Sixteen(values) => values.iter().map(|&value| shown(value)).collect(),
        }
    }
}

fn modality(attributes: &Attributes<'_>, layout: &Layout) -> Result<Modality, DecodeError> {
    if let Some(item) = attributes.item(tags::MODALITY_LUT_SEQUENCE)? {
        return Ok(Modality::Table(item.table(tags::LUT_DESCRIPTOR, tags::LUT_DATA, layout.signed)?));
    }
    // A slope of 0 would make every image black.
    let slope = attributes.number(tags::RESCALE_SLOPE).filter(|&slope| slope != 0.0).unwrap_or(1.0);
    let intercept = attributes.number(tags::RESCALE_INTERCEPT).unwrap_or(0.0);
    Ok(Modality::Rescale { slope, intercept })
}

impl Modality {
    fn of(&self, stored: f64) -> f64 {
        match self {
            Self::Rescale { slope, intercept } => stored * slope + intercept,
            Self::Table(table) => table.of(stored).into(),
        }
    }

    fn range(&self, layout: &Layout) -> (f64, f64) {
        match self {
            Self::Rescale { .. } => {
                let (least, most) = layout.range();
                let ends = (self.of(least.into()), self.of(most.into()));
                (ends.0.min(ends.1), ends.0.max(ends.1))
            }
            Self::Table(table) => (0.0, table.most.into()),
        }
    }
}

fn voi(attributes: &Attributes<'_>, layout: &Layout, modality: &Modality) -> Result<Voi, DecodeError> {
    let function = match attributes.text(tags::VOI_LUT_FUNCTION) {
        Some("LINEAR_EXACT") => Function::LinearExact,
        Some("SIGMOID") => Function::Sigmoid,
        _ => Function::Linear,
    };
    // A window that is none is left out.
    let least = if matches!(function, Function::Linear) { 1.0 } else { f64::MIN_POSITIVE };
    let width = attributes.number(tags::WINDOW_WIDTH).filter(|&width| width >= least);
    if let (Some(center), Some(width)) = (attributes.number(tags::WINDOW_CENTER), width) {
        return Ok(Voi::Window { center, width, function });
    }
    if let Some(item) = attributes.item(tags::VOI_LUT_SEQUENCE)? {
        // Its first value has the sign of what it is looked up with.
        let signed = modality.range(layout).0 < 0.0;
        return Ok(Voi::Table(item.table(tags::LUT_DESCRIPTOR, tags::LUT_DATA, signed)?));
    }
    let (least, most) = modality.range(layout);
    Ok(Voi::Range(least, most))
}

impl Voi {
    /// From 0, black, to 1, white.
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
            Self::Range(least, most) if most > least => (value - least) / (most - least),
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
