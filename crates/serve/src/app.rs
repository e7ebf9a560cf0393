//! Shared state, and the answer at each path.

use std::{
    net::SocketAddr,
    sync::{Arc, mpsc},
};

use axum::{
    extract::{Query, Request, State, rejection::QueryRejection},
    http::header,
    response::{IntoResponse, Response},
};
use model::{Assessment, InputReader, Predictor};
use serde::Serialize;
use tokio::{sync::oneshot, time::timeout};
use utoipa::ToSchema;

use crate::{
    About, Config, Limits,
    answer::{Explained, Explanation, Prediction},
    card::{Card, ModelCard},
    guard::AccessPolicy,
    metrics::{Metrics, OPEN_METRICS},
    read::{Reader, Reading, View},
    refusal::Refusal,
    request::{ExplainQuery, ImageForm, PredictQuery},
    upload::Uploads,
    worker::{Job, JobKind},
};

/// Shared state from which every request is answered.
pub(crate) struct App {
    pub(crate) guard: AccessPolicy,
    pub(crate) metrics: Arc<Metrics>,
    card: Card,
    uploads: Uploads,
    reader: Reader,
    limits: Limits,
    queue: mpsc::Sender<Job>,
}

impl App {
    pub(crate) fn new(
        config: &Config,
        address: SocketAddr,
        (predictor, inputs): (&Predictor<'_>, InputReader),
        about: About,
        queue: mpsc::Sender<Job>,
    ) -> crate::Result<Self> {
        let limits = config.limits.within((config.free_memory)());
        let metrics = Arc::new(Metrics::new(&about.version, &about.name));
        let card = Card::of(predictor, &inputs, about, &limits);
        Ok(Self {
            guard: AccessPolicy::new(config, address),
            metrics,
            card,
            uploads: Uploads::new(&limits),
            reader: Reader::start(inputs, &limits, config.free_memory)?,
            limits,
            queue,
        })
    }
}

/// State of the server.
#[derive(Serialize, ToSchema)]
struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Tells if the server answers
#[utoipa::path(get, path = "/healthz", responses((status = 200, description = "The server answers.", body = Health)))]
pub(crate) async fn health() -> Response {
    sorted_json(&Health { status: "ok" })
}

/// Model card
#[utoipa::path(get, path = "/v1/model", responses((status = 200, description = "The model card.", body = ModelCard)))]
pub(crate) async fn model(State(app): State<Arc<App>>) -> Response {
    sorted_json(&app.card.shown)
}

/// Counters in OpenMetrics' text format
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "The counters.", body = String, content_type = "application/openmetrics-text")))]
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let text = app.metrics.text(app.reader.waiting());
    ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response()
}

/// Classify an image
///
/// The probabilities are those that `thorax predict` gives, to 1e-4.
#[utoipa::path(
    post,
    path = "/v1/predict",
    params(PredictQuery),
    request_body(content(
        (ImageForm = "multipart/form-data"),
        ("application/octet-stream"),
        ("application/dicom"),
        ("image/*")
    )),
    responses((status = 200, description = "Result for the image.", body = Prediction))
)]
pub(crate) async fn predict(
    State(app): State<Arc<App>>,
    query: Result<Query<PredictQuery>, QueryRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let Query(query) = query.map_err(|error| Refusal::Query(error.body_text()))?;
    let Answered { view, note, assessed } = app.ask(request, query.view, JobKind::Classify).await?;
    let mut prediction = Prediction::new(&app.card, &assessed, note);
    prediction.image = view.map(|view| view.to_image());
    Ok(sorted_json(&prediction))
}

/// Classify an image, with a heat map
///
/// A heat map helps to find faults of a model, and proves nothing.
#[utoipa::path(
    post,
    path = "/v1/explain",
    params(ExplainQuery),
    request_body(content(
        (ImageForm = "multipart/form-data"),
        ("application/octet-stream"),
        ("application/dicom"),
        ("image/*")
    )),
    responses((status = 200, description = "Result for the image, with a heat map.", body = Explained))
)]
pub(crate) async fn explain(
    State(app): State<Arc<App>>,
    query: Result<Query<ExplainQuery>, QueryRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let Query(query) = query.map_err(|error| Refusal::Query(error.body_text()))?;
    let class = query.class.map(|name| app.card.class(&name)).transpose()?;
    let method = match query.method {
        Some(name) => name.parse().map_err(|error: model::Error| Refusal::Query(error.to_string()))?,
        None => app.card.method,
    };
    let Answered { view, note, assessed } =
        app.ask(request, query.view, JobKind::Explain { class, method }).await?;
    let map = assessed.heat_map.as_ref().ok_or(Refusal::Fault)?;
    let explanation = Explanation::new(&app.card, map, method)?;
    let mut prediction = Prediction::new(&app.card, &assessed, note);
    prediction.image = view.map(|view| view.to_image());
    Ok(sorted_json(&Explained { prediction, explanation }))
}

/// Image with the network's result.
struct Answered {
    /// Decoded image for display, where that was asked for.
    view: Option<View>,
    note: Option<String>,
    assessed: Assessment,
}

impl App {
    /// Receives an image, decodes it and runs the network on it, all within the time limit for an answer, which begins when the
    /// upload is complete.
    async fn ask(&self, request: Request, with_view: bool, task: JobKind) -> Result<Answered, Refusal> {
        let upload = self.uploads.take(request).await?;
        let limit = self.limits.answer_time;
        // Work that still waits when the time is over is dropped with its future, and so is not computed later.
        let answer = timeout(limit, async {
            let Reading { image, view, place } = self.reader.read(upload, with_view, &self.metrics).await?;
            let note = image.note.clone();
            let (reply, assessed) = oneshot::channel();
            self.queue.send(Job { image, task, place, reply }).map_err(|_| Refusal::Stopping)?;
            // No answer at all: the computing thread has ended.
            Ok(Answered { view, note, assessed: assessed.await.map_err(|_| Refusal::Stopping)?? })
        });
        answer.await.map_err(|_| Refusal::Late(limit.as_secs()))?
    }
}

/// Answers with an object whose keys are in alphabetical order and whose numbers are f64.
fn sorted_json(answer: &impl Serialize) -> Response {
    match serde_json::to_value(answer) {
        Ok(value) => ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response(),
        Err(_) => Refusal::Fault.into_response(),
    }
}
