//! An upload into pixels: a place in the queue first, then one of few decoders.

use std::{sync::Arc, time::Instant};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use data::{Decoding, Interpolation, Pixels, Preprocess, decode, decode_resized, encode_png, resize};
use serde_json::{Value, json};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use crate::{Limits, metrics::Metrics, refusal::Refusal, upload::Upload};

/// Decodes uploads, a few at a time and no more than may wait.
pub(crate) struct Reader {
    preprocess: Preprocess,
    decoding: Decoding,
    slots: Arc<Semaphore>,
    places: Arc<Semaphore>,
    n_places: usize,
}

/// An image as the network wants it, and its place in the queue.
pub(crate) struct Reading {
    pub(crate) pixels: Pixels,
    /// The image for people, where that was asked for.
    pub(crate) view: Option<View>,
    pub(crate) place: OwnedSemaphorePermit,
}

/// The decoded image, square as the network sees it, with the sides that it had.
pub(crate) struct View {
    png: Vec<u8>,
    width: usize,
    height: usize,
}

/// Side of a view in pixels.
const VIEW: usize = 512;

impl Reader {
    pub(crate) fn new(preprocess: Preprocess, decoding: Decoding, limits: &Limits) -> Self {
        let semaphore = |count: usize| Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS)));
        let places = semaphore(limits.queue);
        Self {
            preprocess,
            decoding,
            slots: semaphore(limits.decoders),
            n_places: places.available_permits(),
            places,
        }
    }

    /// Images that have a place now.
    pub(crate) fn waiting(&self) -> usize {
        self.n_places.saturating_sub(self.places.available_permits())
    }

    /// Decodes an upload as `predict` does a file.
    pub(crate) async fn read(
        &self,
        upload: Upload,
        with_view: bool,
        metrics: &Arc<Metrics>,
    ) -> Result<Reading, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Refusal::Stopping)?;
        let (preprocess, decoding, metrics) = (self.preprocess, self.decoding, Arc::clone(metrics));
        // A decoder that has begun goes on when its client is gone: it keeps its slot as long.
        let decoded = spawn_blocking(move || {
            let (_slot, start) = (slot, Instant::now());
            let decoded = pixels(&upload.bytes, &preprocess, &decoding, with_view);
            metrics.decoded(start.elapsed());
            decoded
        });
        // A decoder that panicked has said so.
        let (pixels, view) = decoded.await.map_err(|_| Refusal::Fault)??;
        Ok(Reading { pixels, view, place })
    }
}

fn pixels(
    bytes: &[u8],
    preprocess: &Preprocess,
    decoding: &Decoding,
    with_view: bool,
) -> Result<(Pixels, Option<View>), Refusal> {
    let &Preprocess { image_size, interpolation } = preprocess;
    if !with_view {
        return Ok((decode_resized(bytes, image_size, interpolation, decoding)?.pixels, None));
    }
    let whole = decode(bytes, decoding)?.pixels;
    let pixels = resize(&whole, image_size, interpolation)?;
    let shown = resize(&whole, VIEW, Interpolation::Bilinear)?.compact();
    let png = encode_png(&shown).map_err(|_| Refusal::Fault)?;
    Ok((pixels, Some(View { png, width: whole.width, height: whole.height })))
}

impl View {
    pub(crate) fn as_json(&self) -> Value {
        json!({"png": BASE64_STANDARD.encode(&self.png), "width": self.width, "height": self.height})
    }
}
