//! Answer for an image: prediction, heat map and warnings as JSON.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use data::{Pixels, encode_png};
use model::{Assessment, HeatMap, HeatMapMethod};
use serde_json::{Map, Value, json};

use crate::{card::Card, refusal::Refusal};

/// Makes the JSON of a prediction: probabilities by class, the predicted class, the class to act on, and the decision of each
/// class' operating point where the model has them.
pub(crate) fn prediction(card: &Card, assessed: &Assessment, note: Option<&str>) -> Value {
    let probabilities = &assessed.probabilities;
    let by_class: Map<_, _> =
        card.classes.iter().cloned().zip(probabilities.iter().map(|&p| json!(p))).collect();
    let decisions: Map<_, _> = card
        .operating_points
        .iter()
        .zip(probabilities)
        .map(|(point, &probability)| {
            let positive = f64::from(probability) >= point.threshold;
            (point.label.clone(), json!({"threshold": point.threshold, "positive": positive}))
        })
        .collect();
    json!({
        "predicted": card.classes[assessed.predicted],
        "decision": assessed.decision_label(&card.classes),
        "probabilities": by_class,
        "operating_points": if decisions.is_empty() { Value::Null } else { decisions.into() },
        "warnings": assessed.warning.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "note": note,
    })
}

/// Makes the JSON of a heat map as pictures with the size of the network's input: `map` in 8-bit gray, of which 255 is
/// `maximum`, and `colours`, the same in colour.
pub(crate) fn explanation(card: &Card, map: &HeatMap, method: HeatMapMethod) -> Result<Value, Refusal> {
    let maximum = map.maximum();
    let gray: Vec<u8> = match map.is_empty() {
        true => vec![0; map.values.len()],
        false => map.values.iter().map(|value| (255.0 * value / maximum).round() as u8).collect(),
    };
    let colours = gray.iter().flat_map(|&value| data::heat_colour(f32::from(value) / 255.0)).collect();
    let png = |channels, data| {
        let image = Pixels { width: map.size, height: map.size, channels, data };
        encode_png(&image).map(|bytes| BASE64_STANDARD.encode(bytes)).map_err(|_| Refusal::Fault)
    };
    Ok(json!({
        "class": card.classes[map.class],
        "probability": map.probability(),
        "method": method.to_string(),
        "empty": map.is_empty(),
        "maximum": maximum,
        "central_share": map.central_share(),
        "colours": png(3, colours)?,
        "map": png(1, gray)?,
    }))
}
