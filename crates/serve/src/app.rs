//! Routes of the server: the answer at each path.

use std::{
    net::SocketAddr,
    sync::{Arc, mpsc},
    time::Instant,
};

use axum::{
    Router,
    extract::{Query, Request, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use model::{Assessment, InputReader, Predictor};
use serde::Deserialize;
use serde_json::json;
use tokio::{sync::oneshot, time::timeout};
use tower_http::cors::CorsLayer;

use crate::{
    About, Config, Limits, answer,
    card::Card,
    guard::{self, AccessPolicy},
    metrics::Metrics,
    page,
    read::{Reader, Reading, View},
    refusal::Refusal,
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
        Ok(Self {
            guard: AccessPolicy::new(config, address),
            metrics: Arc::new(Metrics::default()),
            card: Card::of(predictor, &inputs, about, &limits),
            uploads: Uploads::new(&limits),
            reader: Reader::start(inputs, &limits, config.free_memory)?,
            limits,
            queue,
        })
    }
}

/// Path that is served.
pub(crate) struct Route {
    pub(crate) path: &'static str,
    /// True where it is open without the token, because it holds nothing of model or images.
    pub(crate) is_open: bool,
    handler: fn() -> MethodRouter<Arc<App>>,
}

/// Every path that is served.
pub(crate) const ROUTES: [Route; 9] = [
    Route { path: "/", is_open: true, handler: || get(page::index) },
    Route { path: "/page.js", is_open: true, handler: || get(page::script) },
    Route { path: "/page.css", is_open: true, handler: || get(page::style) },
    Route { path: "/openapi.json", is_open: true, handler: || get(page::openapi) },
    Route { path: "/healthz", is_open: true, handler: || get(health) },
    Route { path: "/metrics", is_open: false, handler: || get(metrics) },
    Route { path: "/v1/model", is_open: false, handler: || get(model) },
    Route { path: "/v1/predict", is_open: false, handler: || post(predict) },
    Route { path: "/v1/explain", is_open: false, handler: || post(explain) },
];

pub(crate) fn router(app: Arc<App>, config: &Config) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(config.allow_origins.clone())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE]);
    ROUTES
        .iter()
        .fold(Router::new(), |router, route| router.route(route.path, (route.handler)()))
        .fallback(async || Refusal::NotFound)
        .method_not_allowed_fallback(async || Refusal::Method)
        .layer(from_fn_with_state(Arc::clone(&app), guard::admit))
        .layer(cors)
        .layer(from_fn_with_state(Arc::clone(&app), observe))
        .with_state(app)
}

/// Counts and logs every request, and adds the headers that every answer has. No part of a query, a form or an image is logged.
async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (start, method, path) = (Instant::now(), request.method().clone(), known(request.uri().path()));
    let mut response = next.run(request).await;
    fixed_headers(response.headers_mut());
    let (status, seconds) = (response.status().as_u16(), start.elapsed().as_secs_f64());
    app.metrics.request(path, status, seconds);
    tracing::info!("{method} {path} {status} {:.0} ms", 1000.0 * seconds);
    response
}

/// Returns a path for logs and counters; all unknown paths become one.
fn known(path: &str) -> &'static str {
    ROUTES.iter().find(|route| route.path == path).map_or("other", |route| route.path)
}

/// Tells if a path is open without the token.
pub(crate) fn is_open(path: &str) -> bool {
    ROUTES.iter().any(|route| route.path == path && route.is_open)
}

fn fixed_headers(headers: &mut HeaderMap) {
    const FIXED: [(HeaderName, &str); 6] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

async fn health() -> Response {
    json_response(&json!({"status": "ok"}))
}

async fn model(State(app): State<Arc<App>>) -> Response {
    json_response(app.card.as_json())
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let text = app.metrics.text(&app.card, app.reader.waiting());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PredictQuery {
    /// True where the answer is to contain the decoded image as well.
    #[serde(default)]
    view: bool,
}

async fn predict(
    State(app): State<Arc<App>>,
    query: Result<Query<PredictQuery>, QueryRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let Query(query) = query.map_err(|error| Refusal::Query(error.body_text()))?;
    let Answered { view, note, assessed } = app.ask(request, query.view, JobKind::Classify).await?;
    let mut body = answer::prediction(&app.card, &assessed, note.as_deref());
    if let Some(view) = view {
        body["image"] = view.as_json();
    }
    Ok(json_response(&body))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExplainQuery {
    class: Option<String>,
    method: Option<String>,
    #[serde(default)]
    view: bool,
}

async fn explain(
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
    let mut body = answer::prediction(&app.card, &assessed, note.as_deref());
    body["explanation"] = answer::explanation(&app.card, map, method)?;
    if let Some(view) = view {
        body["image"] = view.as_json();
    }
    Ok(json_response(&body))
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

fn json_response(value: &serde_json::Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_openapi_document_names_every_path_but_the_files_of_the_page() {
        let document: serde_json::Value = serde_json::from_str(page::OPENAPI).unwrap();
        let named: BTreeSet<&str> =
            document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let routed: BTreeSet<&str> = ROUTES.iter().map(|route| route.path).collect();
        let files: Vec<&&str> = routed.difference(&named).collect();
        assert_eq!((files, named.difference(&routed).count()), (vec![&"/page.css", &"/page.js"], 0));
    }
}
