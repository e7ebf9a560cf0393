//! Reception of request bodies as image bytes, within limits on memory and time.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    body::BodyDataStream,
    extract::Request,
    http::{HeaderMap, header},
};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use multer::Multipart;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    Limits,
    client::{Client, Phase},
    refusal::Refusal,
};

/// Receiver of bodies that share one limit of memory.
pub(crate) struct Uploads {
    limits: Limits,
    all: Arc<Semaphore>,
}

/// Bytes of an image, and the memory share that they take.
pub(crate) struct Upload {
    pub(crate) bytes: Vec<u8>,
    _room: Arc<Room>,
}

/// Bytes per unit of the memory share.
const UNIT: u64 = 16 << 10;

impl Uploads {
    pub(crate) fn new(limits: &Limits) -> Self {
        let units = limits.uploads.max(limits.upload).div_ceil(UNIT);
        // A semaphore's largest number of units is as good as no limit.
        let units = usize::try_from(units).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { limits: limits.clone(), all: Arc::new(Semaphore::new(units)) }
    }

    /// Receives the image of a request.
    pub(crate) async fn take(&self, request: Request) -> Result<Upload, Refusal> {
        let limit = self.limits.upload;
        let form = form_of(request.headers())?;
        if announced(request.headers()).is_some_and(|length| length > limit) {
            return Err(Refusal::TooLarge(limit));
        }
        let client = request.extensions().get::<Arc<Client>>().cloned();
        let room = Arc::new(Room { all: Arc::clone(&self.all), held: Mutex::new(None) });
        let chunks =
            Chunks { body: request.into_body().into_data_stream(), room: Arc::clone(&room), taken: 0, limit };
        let read = async {
            match form {
                Some(boundary) => of_form(chunks, boundary).await,
                None => whole(chunks).await,
            }
        };
        let read = async {
            let Some(client) = client else { return read.await };
            client.enter(Phase::Body);
            let bytes = tokio::select! {
                // A body that has arrived completely is answered.
                biased;
                bytes = read => bytes,
                () = client.dismissal() => Err(Refusal::Stalled(self.limits.stall_time.as_secs())),
            };
            client.enter(Phase::Answer);
            bytes
        };
        let limit = self.limits.body_time;
        let bytes = timeout(limit, read).await.map_err(|_| Refusal::Slow(limit.as_secs()))??;
        Ok(Upload { bytes, _room: room })
    }
}

/// Returns the boundary, if the body is a form; nothing if it is the image itself.
fn form_of(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else { return Ok(None) };
    let kind = kind.to_str().map_err(|_| Refusal::MediaType)?;
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "multipart/form-data" => {
            multer::parse_boundary(kind).map(Some).map_err(|error| Refusal::Form(error.to_string()))
        }
        "" | "application/octet-stream" | "application/dicom" => Ok(None),
        other if other.starts_with("image/") => Ok(None),
        _ => Err(Refusal::MediaType),
    }
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Body in pieces, within its limits.
struct Chunks {
    body: BodyDataStream,
    room: Arc<Room>,
    taken: u64,
    limit: u64,
}

impl Chunks {
    async fn next(&mut self) -> Option<Result<Bytes, Refusal>> {
        let chunk = match self.body.next().await? {
            Ok(chunk) => chunk,
            Err(_) => return Some(Err(Refusal::CutOff)),
        };
        self.taken += chunk.len() as u64;
        if self.taken > self.limit {
            return Some(Err(Refusal::TooLarge(self.limit)));
        }
        Some(self.room.grow_to(self.taken).map(|()| chunk))
    }
}

async fn whole(mut chunks: Chunks) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        append(&mut bytes, &chunk?)?;
    }
    if bytes.is_empty() { Err(Refusal::NoImage) } else { Ok(bytes) }
}

/// Appends a piece, if there is memory for it.
fn append(bytes: &mut Vec<u8>, chunk: &[u8]) -> Result<(), Refusal> {
    bytes.try_reserve(chunk.len()).map_err(|_| Refusal::Busy)?;
    bytes.extend_from_slice(chunk);
    Ok(())
}

/// Reads the one file of a form.
async fn of_form(chunks: Chunks, boundary: String) -> Result<Vec<u8>, Refusal> {
    let pieces = stream::unfold(chunks, async |mut chunks| Some((chunks.next().await?, chunks)));
    let mut form = Multipart::new(pieces, boundary);
    let mut image = None;
    while let Some(mut field) = form.next_field().await.map_err(form_error)? {
        match field.name() {
            Some("image" | "file") if image.is_some() => return Err(Refusal::TwoImages),
            Some("image" | "file") => {}
            name => return Err(Refusal::Field(name.unwrap_or_default().chars().take(64).collect())),
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(form_error)? {
            append(&mut bytes, &chunk)?;
        }
        image = Some(bytes);
    }
    image.filter(|bytes| !bytes.is_empty()).ok_or(Refusal::NoImage)
}

/// Converts an error of a form to a refusal: of its body, or of its syntax.
fn form_error(error: multer::Error) -> Refusal {
    match error {
        multer::Error::StreamReadFailed(inner) => match inner.downcast::<Refusal>() {
            Ok(refusal) => *refusal,
            Err(_) => Refusal::CutOff,
        },
        multer::Error::IncompleteStream
        | multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders => Refusal::CutOff,
        error => Refusal::Form(error.to_string().chars().take(200).collect()),
    }
}

/// Memory share of one body; it is returned when its last holder is dropped.
struct Room {
    all: Arc<Semaphore>,
    held: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Room {
    /// Grows the share to `bytes` in total.
    fn grow_to(&self, bytes: u64) -> Result<(), Refusal> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let has = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) as u64;
        let needed = bytes.div_ceil(UNIT).saturating_sub(has);
        if needed == 0 {
            return Ok(());
        }
        let needed = u32::try_from(needed).map_err(|_| Refusal::Busy)?;
        let more = Arc::clone(&self.all).try_acquire_many_owned(needed).map_err(|_| Refusal::Busy)?;
        match held.as_mut() {
            Some(held) => held.merge(more),
            None => *held = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn limits(upload: u64, uploads: u64) -> Limits {
        Limits { upload, uploads, ..crate::config::tests::limits() }
    }

    fn request(kind: &str, body: &[u8]) -> Request {
        let builder = Request::builder().header(header::CONTENT_TYPE, kind);
        builder.body(Body::from(body.to_vec())).unwrap()
    }

    #[tokio::test]
    async fn all_bodies_share_one_room_and_give_it_back() {
        let uploads = Uploads::new(&limits(40_000, 64_000));
        let take = async || uploads.take(request("image/png", &[7; 40_000])).await;
        let first = take().await.unwrap();
        assert_eq!(first.bytes.len(), 40_000);
        assert!(matches!(take().await, Err(Refusal::Busy)));
        drop(first);
        let free = uploads.all.available_permits();
        assert!(take().await.is_ok());
        assert_eq!((free, uploads.all.available_permits()), (4, 4));
        assert!(matches!(
            uploads.take(request("image/png", &[7; 40_001])).await,
            Err(Refusal::TooLarge(40_000))
        ));
        assert_eq!(uploads.all.available_permits(), 4);
    }

    #[test]
    fn types_of_bodies_are_told_apart() {
        let of = |kind: &str| form_of(request(kind, b"").headers());
        assert_eq!(of("multipart/form-data; boundary=x").unwrap().as_deref(), Some("x"));
        for kind in ["image/png", "IMAGE/jpeg; q=1", "application/dicom", "application/octet-stream"] {
            assert_eq!(of(kind).unwrap(), None, "{kind}");
        }
        assert!(matches!(of("multipart/form-data"), Err(Refusal::Form(_))));
        for kind in ["application/x-www-form-urlencoded", "text/plain", "application/json", "multipart/mixed"]
        {
            assert!(matches!(of(kind), Err(Refusal::MediaType)), "{kind}");
        }
    }
}
