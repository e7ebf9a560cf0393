//! Web page and the other files that are built into the program: none is fetched from elsewhere.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

/// Paths of the server, each with true where it is open without the token, because it holds nothing of model or images.
const PATHS: [(&str, bool); 9] = [
    ("/", true),
    ("/page.js", true),
    ("/page.css", true),
    ("/openapi.json", true),
    ("/healthz", true),
    ("/metrics", false),
    ("/v1/model", false),
    ("/v1/predict", false),
    ("/v1/explain", false),
];

/// Returns a path for logs and counters; all unknown paths become one.
pub(crate) fn known(path: &str) -> &'static str {
    PATHS.iter().find(|(known, _)| *known == path).map_or("other", |(known, _)| known)
}

pub(crate) fn is_open(path: &str) -> bool {
    PATHS.iter().any(|(known, open)| *known == path && *open)
}

pub(crate) async fn index() -> Response {
    file("text/html; charset=utf-8", include_str!("page/index.html"))
}

pub(crate) async fn script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("page/page.js"))
}

pub(crate) async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("page/page.css"))
}

pub(crate) async fn openapi() -> Response {
    file("application/json", include_str!("page/openapi.json"))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
