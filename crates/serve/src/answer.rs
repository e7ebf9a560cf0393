//! Answer for an image: prediction, heat map and warnings as JSON.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use data::{Pixels, encode_png};
use model::{Assessment, HeatMap, HeatMapMethod};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{card::Card, refusal::Refusal};

/// Answer to `/v1/predict`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Prediction {
    /// Class of the highest probability, the first of equals; null of findings, which do not exclude each other.
    #[schema(required)]
    predicted: Option<String>,
    /// Labels whose probability reaches their threshold; null of classes.
    #[schema(required)]
    positive: Option<Vec<String>>,
    /// Class to act on, or `uncertain`: no class reaches its operating point, or more than one, or the highest probability is
    /// below the server's least; null of findings.
    #[schema(required)]
    decision: Option<String>,
    /// Probability of each class, which add up to 1, or of each label, which do not.
    probabilities: BTreeMap<String, f64>,
    /// Threshold of each class or label, and whether its probability reaches it; null where the model has none, or where probabilities
    /// are averaged.
    #[schema(required)]
    operating_points: Option<BTreeMap<String, Decision>>,
    /// Reasons why the image is unlike those that the model knows.
    warnings: Vec<String>,
    /// Note on how the file was read, where that is not by the model's rules alone or one frame of several was used.
    #[schema(required)]
    note: Option<String>,
    /// Decoded image, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) image: Option<Image>,
}

/// Decision by the operating point of one class.
#[derive(Serialize, ToSchema)]
struct Decision {
    /// Least probability with which an image counts as the class.
    #[schema(minimum = 0.0, maximum = 1.0)]
    threshold: f64,
    /// True where the image counts as the class.
    positive: bool,
}

/// Decoded image as a square; width and height are those that it had, in pixels.
#[derive(Serialize, ToSchema)]
pub(crate) struct Image {
    /// PNG in base64.
    #[schema(content_encoding = "base64", content_media_type = "image/png")]
    pub(crate) png: String,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// Answer to `/v1/explain`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Explained {
    #[serde(flatten)]
    pub(crate) prediction: Prediction,
    pub(crate) explanation: Explanation,
}

/// Heat map for one class, as pictures of the size of the network's input.
#[derive(Serialize, ToSchema)]
pub(crate) struct Explanation {
    /// Class that is explained.
    class: String,
    /// Probability of the class.
    #[schema(minimum = 0.0, maximum = 1.0)]
    probability: f64,
    /// Method that the map was made by.
    method: String,
    /// True where nothing in the image speaks for the class.
    empty: bool,
    /// Value that is 255 in the map; only values of one map compare.
    maximum: f64,
    /// Share of the map inside the middle square; null where the map is empty.
    #[schema(required)]
    central_share: Option<f64>,
    /// Map in colour, as PNG in base64.
    #[schema(content_encoding = "base64", content_media_type = "image/png")]
    colours: String,
    /// Map in 8-bit gray, as PNG in base64.
    #[schema(content_encoding = "base64", content_media_type = "image/png")]
    map: String,
}

impl Prediction {
    /// Makes the answer without an image.
    pub(crate) fn new(card: &Card, assessed: &Assessment, note: Option<String>) -> Self {
        let by_class = card.classes.iter().cloned().zip(assessed.probabilities.iter().map(|&p| f64::from(p)));
        let decision = |((label, threshold), &probability): (&(String, f64), &f32)| {
            (
                label.clone(),
                Decision { threshold: *threshold, positive: f64::from(probability) >= *threshold },
            )
        };
        let points = &card.thresholds;
        let is_class = card.task.is_multi_class();
        let positive = || assessed.positive_labels(&card.classes).into_iter().map(str::to_owned).collect();
        let decisions = || points.iter().zip(&assessed.probabilities).map(decision).collect();
        Self {
            predicted: is_class.then(|| card.classes[assessed.predicted].clone()),
            positive: (!is_class).then(positive),
            decision: is_class.then(|| assessed.decision_label(&card.classes).to_owned()),
            probabilities: by_class.collect(),
            operating_points: (!points.is_empty()).then(decisions),
            warnings: assessed.warning.iter().map(ToString::to_string).collect(),
            note,
            image: None,
        }
    }
}

impl Explanation {
    /// Makes the pictures of a heat map: 8-bit gray, of which 255 is the map's maximum, and the same in colour.
    pub(crate) fn new(card: &Card, map: &HeatMap, method: HeatMapMethod) -> Result<Self, Refusal> {
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
        Ok(Self {
            class: card.classes[map.class].clone(),
            probability: f64::from(map.probability()),
            method: method.to_string(),
            empty: map.is_empty(),
            maximum: f64::from(maximum),
            central_share: map.central_share(),
            colours: png(3, colours)?,
            map: png(1, gray)?,
        })
    }
}
