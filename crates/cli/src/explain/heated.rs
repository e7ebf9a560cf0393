use anyhow::{Context as _, Result};
use model::{Assessment, HeatMap, HeatMapMethod, PreparedImage};

use super::names::PicturePaths;
use crate::files;

/// Image with its heat map, and the paths of their pictures.
pub(super) struct Heated {
    pub(super) prepared: PreparedImage,
    pub(super) assessment: Assessment,
    pub(super) heat_map: HeatMap,
    pub(super) targets: PicturePaths,
}

impl Heated {
    /// Writes both pictures.
    pub(super) fn write(&self, classes: &[String], method: HeatMapMethod) -> Result<()> {
        let Self { prepared, heat_map, targets, .. } = self;
        let maximum = heat_map.maximum();
        let overlay =
            data::overlay(prepared.first(), &heat_map.values, maximum).context("cannot draw a heat map")?;
        files::write(&targets.overlay, &data::encode_png(&overlay).context("cannot encode a PNG")?)?;
        // For an empty map this is 0/0, which is NaN and becomes 0 as an integer.
        let to_16_bits = |&value: &f32| (f64::from(value / maximum) * 65535.0).round() as u16;
        let values: Vec<u16> = heat_map.values.iter().map(to_16_bits).collect();
        let class = classes.get(heat_map.class).cloned().unwrap_or_default();
        let texts = [("Class", class), ("Method", method.to_string()), ("Maximum", maximum.to_string())];
        let map = data::encode_png_16(heat_map.size, heat_map.size, &values, &texts);
        files::write(&targets.map, &map.context("cannot encode a PNG")?)
    }
}
