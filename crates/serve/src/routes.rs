//! Routes of the server, and the layers that every request passes.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get, post},
};
use tower_http::cors::CorsLayer;

use crate::{
    Config,
    app::{self, App},
    openapi, page,
    refusal::Refusal,
};

/// Path that is served.
struct Route {
    path: &'static str,
    handler: fn() -> MethodRouter<Arc<App>>,
}

/// Every path that is served.
const ROUTES: [Route; 9] = [
    Route { path: "/", handler: || get(page::index) },
    Route { path: "/page.js", handler: || get(page::script) },
    Route { path: "/page.css", handler: || get(page::style) },
    Route { path: "/openapi.json", handler: || get(openapi::openapi) },
    Route { path: "/healthz", handler: || get(app::health) },
    Route { path: "/metrics", handler: || get(app::metrics) },
    Route { path: "/v1/model", handler: || get(app::model) },
    Route { path: "/v1/predict", handler: || post(app::predict) },
    Route { path: "/v1/explain", handler: || post(app::explain) },
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
        .layer(from_fn_with_state(Arc::clone(&app), admit))
        .layer(cors)
        .layer(from_fn_with_state(Arc::clone(&app), observe))
        .with_state(app)
}

/// Lets a request through, or answers with the reason for its refusal.
async fn admit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match app.guard.check(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::guard;

    #[test]
    fn the_openapi_document_names_every_path_but_the_files_of_the_page() {
        let document: serde_json::Value =
            serde_json::from_str(openapi::DOCUMENT.as_deref().unwrap()).unwrap();
        let named: BTreeSet<&str> =
            document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let routed: BTreeSet<&str> = ROUTES.iter().map(|route| route.path).collect();
        let files: Vec<&&str> = routed.difference(&named).collect();
        assert_eq!((files, named.difference(&routed).count()), (vec![&"/page.css", &"/page.js"], 0));
    }

    #[test]
    fn every_route_but_these_is_open_without_the_token() {
        let closed: Vec<&str> =
            ROUTES.iter().map(|route| route.path).filter(|path| !guard::is_open(path)).collect();
        assert_eq!(closed, ["/metrics", "/v1/model", "/v1/predict", "/v1/explain"]);
        assert_eq!(ROUTES.len() - closed.len(), guard::OPEN.len(), "an open path that is not served");
    }
}
