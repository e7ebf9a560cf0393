//! OpenAPI document of the HTTP interface, made from the routes and from the types of their answers.

use std::sync::LazyLock;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse as _, Response as HttpResponse},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        ComponentsBuilder, ContentBuilder, Header, ObjectBuilder, Ref, Response, ResponseBuilder,
        path::Operation,
        schema::Type,
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use crate::{
    app,
    guard::is_open,
    page,
    refusal::{self, ErrorBody, Refusal},
};

/// Name of the token's security scheme.
const TOKEN: &str = "token";
/// Name of the schema of every refusal.
const ERROR: &str = "Error";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Thorax",
        version = "1",
        description = "One saved classifier of chest radiographs. Not for clinical use. A research tool: its answers must \
                       not guide the diagnosis or treatment of anyone. Images are held in memory only.",
        license(name = "MIT", identifier = "MIT")
    ),
    servers((url = "/")),
    paths(page::index, openapi, app::health, app::metrics, app::model, app::predict, app::explain),
    components(schemas(ErrorBody)),
    modifiers(&SharedParts)
)]
struct Document;

/// Parts that all operations share: the token, and refusals by status.
struct SharedParts;

/// This document
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "This document.", body = Object)))]
pub(crate) async fn openapi() -> Result<HttpResponse, Refusal> {
    let text = DOCUMENT.as_deref().ok_or(Refusal::Fault)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// Document as JSON; `None` where it could not be written.
pub(crate) static DOCUMENT: LazyLock<Option<String>> = LazyLock::new(|| Document::openapi().to_json().ok());

impl Modify for SharedParts {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let mut token = Http::new(HttpAuthScheme::Bearer);
        token.description =
            Some("Bearer token; needed if the server was started with --token-file.".to_owned());
        let components = document.components.take().unwrap_or_default();
        let components =
            ComponentsBuilder::from(components).security_scheme(TOKEN, SecurityScheme::Http(token));
        document.components = Some(components.build());
        for (path, item) in &mut document.paths.paths {
            for (takes_image, operation) in [(false, &mut item.get), (true, &mut item.post)] {
                if let Some(operation) = operation {
                    complete(operation, is_open(path), takes_image);
                }
            }
        }
    }
}

/// Adds the token, where the operation is not open without it, and all refusals that it can give.
fn complete(operation: &mut Operation, is_open: bool, takes_image: bool) {
    operation.tags = None;
    let token = || SecurityRequirement::new(TOKEN, [""; 0]);
    operation.security =
        Some(if is_open { Vec::new() } else { vec![SecurityRequirement::default(), token()] });
    for (status, description) in refusal::STATUSES {
        let needed = match status {
            StatusCode::MISDIRECTED_REQUEST => true,
            StatusCode::UNAUTHORIZED => !is_open,
            _ => takes_image,
        };
        if needed {
            let responses = &mut operation.responses.responses;
            responses.insert(status.as_str().to_owned(), refused(status, description).into());
        }
    }
}

fn refused(status: StatusCode, description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(ERROR))).build();
    let response = ResponseBuilder::new().description(description).content("application/json", content);
    let seconds = || {
        let mut header = Header::new(ObjectBuilder::new().schema_type(Type::Integer));
        header.description = Some("Seconds to wait.".to_owned());
        header
    };
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            response.header("Retry-After", seconds()).build()
        }
        _ => response.build(),
    }
}
