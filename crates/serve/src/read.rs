//! Decoding of uploads: a place in the queue first, then a turn in the pool of decoders.

use std::{sync::Arc, time::Instant};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use data::{Interpolation, Pixels, encode_png, resize};
use model::{InputReader, PreparedImage};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    Limits, Result, answer::Image, decoder_pool::DecoderPool, metrics::Metrics, refusal::Refusal,
    upload::Upload,
};

/// Decoder of uploads, within its memory budget and the length of the queue.
pub(crate) struct Reader {
    inputs: Arc<InputReader>,
    pool: DecoderPool,
    places: Arc<Semaphore>,
    n_places: usize,
}

/// Input of the network, and its place in the queue.
pub(crate) struct Reading {
    pub(crate) image: PreparedImage,
    /// Decoded image for display, where that was asked for.
    pub(crate) view: Option<View>,
    pub(crate) place: OwnedSemaphorePermit,
}

/// Decoded image as a square, like the network's input, with its original sides.
pub(crate) struct View {
    png: Vec<u8>,
    width: usize,
    height: usize,
}

/// Side of a view in pixels.
const VIEW: usize = 512;

/// Number of pixels that a decoder may always find, regardless of the header: so few take little memory.
const FEW_PIXELS: u64 = 1 << 20;

impl Reader {
    /// Starts the threads that decode.
    pub(crate) fn start(inputs: InputReader, limits: &Limits, free_memory: fn() -> u64) -> Result<Self> {
        let places = Arc::new(Semaphore::new(limits.queue.clamp(1, Semaphore::MAX_PERMITS)));
        let pool = DecoderPool::start(limits.decoders, free_memory)?;
        let n_places = places.available_permits();
        Ok(Self { inputs: Arc::new(inputs), pool, n_places, places })
    }

    /// Number of images that have a place now.
    pub(crate) fn waiting(&self) -> usize {
        self.n_places.saturating_sub(self.places.available_permits())
    }

    /// Decodes an upload in the same way as `predict` decodes a file.
    pub(crate) async fn read(
        &self,
        upload: Upload,
        with_view: bool,
        metrics: &Arc<Metrics>,
    ) -> std::result::Result<Reading, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let (inputs, metrics) = (Arc::clone(&self.inputs), Arc::clone(metrics));
        let cost = inputs.cost(&upload.bytes, with_view);
        // A decoder that finds another size in the file than its header announced gets no memory for it.
        let announced = cost.pixels.saturating_mul(4).max(FEW_PIXELS);
        let decode = move || {
            let start = Instant::now();
            let decoded = prepared(&inputs, &upload.bytes, announced, with_view);
            metrics.decoded(start.elapsed());
            decoded
        };
        let (image, view) = self.pool.run(cost, decode).await??;
        Ok(Reading { image, view, place })
    }
}

fn prepared(
    inputs: &InputReader,
    bytes: &[u8],
    max_pixels: u64,
    with_view: bool,
) -> std::result::Result<(PreparedImage, Option<View>), Refusal> {
    let (image, whole) = inputs.read_within(bytes, max_pixels, with_view)?;
    let view = |whole: Pixels| {
        let shown = resize(&whole, VIEW, Interpolation::Bilinear)?.compact();
        let png = encode_png(&shown).map_err(|_| Refusal::Fault)?;
        Ok::<_, Refusal>(View { png, width: whole.width, height: whole.height })
    };
    Ok((image, whole.map(view).transpose()?))
}

impl View {
    /// Converts to the form in an answer.
    pub(crate) fn to_image(&self) -> Image {
        Image { png: BASE64_STANDARD.encode(&self.png), width: self.width, height: self.height }
    }
}
