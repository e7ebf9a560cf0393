//! Refusals of requests: a status, a code for programs and a sentence for people, as JSON.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use data::DecodeError;
use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

/// Fault of a request, or of the server.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    #[error("the request names no host, or several")]
    NoHost,
    #[error("`{0}` is no name of this server; `--host` adds one")]
    ForeignHost(String),
    #[error("another web page may not use this server; `--allow-origin` names those that may")]
    ForeignOrigin,
    #[error("a token is needed: send `Authorization: Bearer TOKEN`")]
    NoToken,
    #[error("this is not the token")]
    WrongToken,
    #[error("there is nothing at this path; /openapi.json says what there is")]
    NotFound,
    #[error("this path does not take this method")]
    Method,
    #[error("the query cannot be read: {0}")]
    Query(String),
    #[error("there is no image: send one as the form field `image`, or as the body")]
    NoImage,
    #[error("there is more than one image: send a request for each")]
    TwoImages,
    #[error("there is no form field `{0}`: send the image as `image`")]
    Field(String),
    #[error("the form cannot be read: {0}")]
    Form(String),
    #[error("the body ends too early")]
    CutOff,
    #[error("the body took longer than {0} s")]
    Slow(u64),
    #[error("nothing of the body came for {0} s, and others are waiting or the server is stopping")]
    Stalled(u64),
    #[error("the body has more than {0} bytes")]
    TooLarge(u64),
    #[error(
        "a body of this type is not read: send a form (`multipart/form-data`) with the field `image`, or the image \
         itself as `application/octet-stream`"
    )]
    MediaType,
    #[error("the file {0}")]
    Image(#[from] DecodeError),
    #[error(
        "the image needs up to {} MB of memory to be decoded, and this server has {} MB for that",
        in_megabytes(*.needed),
        in_megabytes(*.most)
    )]
    MemoryNever { needed: u64, most: u64 },
    #[error(
        "the image needs up to {} MB of memory to be decoded, which is not free now: try again later",
        in_megabytes(*.needed)
    )]
    MemoryNow { needed: u64 },
    #[error("there is no class `{class}`; there are {}", .classes.join(", "))]
    Class { class: String, classes: Vec<String> },
    #[error("{0}")]
    Explanation(String),
    #[error("too many images are waiting: try again in a second")]
    Busy,
    #[error("no answer within {0} s")]
    Late(u64),
    #[error("the server is stopping")]
    Stopping,
    #[error("the server has a fault of its own; its log says more")]
    Fault,
}

/// Code of a refusal, by which programs tell it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorCode {
    BadForm,
    BadQuery,
    BodyCutOff,
    BodyTooLarge,
    Busy,
    DicomWithoutImage,
    Fault,
    ForeignHost,
    ForeignOrigin,
    ImageCutOff,
    ImageDamaged,
    ImageTooLarge,
    Late,
    MediaType,
    MethodNotAllowed,
    NoExplanation,
    NoHost,
    NoImage,
    NoToken,
    NotAnImage,
    NotFound,
    SlowBody,
    SlowHead,
    Stopping,
    TwoImages,
    UnknownClass,
    UnknownField,
    UnsupportedImage,
    WrongToken,
}

/// Refusal as every answer but 200 holds it.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorBody {
    #[schema(inline)]
    error: ErrorDetail,
}

#[derive(Serialize, ToSchema)]
struct ErrorDetail {
    #[schema(inline)]
    code: ErrorCode,
    /// Sentence for people.
    message: String,
}

impl ErrorBody {
    pub(crate) fn new(code: ErrorCode, message: String) -> Self {
        Self { error: ErrorDetail { code, message } }
    }
}

/// Statuses of refused images and of other refused requests for a path that exists, with their reasons.
pub(crate) const STATUSES: [(StatusCode, &str); 11] = [
    (
        StatusCode::BAD_REQUEST,
        "No image, a body that is cut off, a form or query that cannot be read, no host.",
    ),
    (StatusCode::UNAUTHORIZED, "No token, or another one, where the server has one."),
    (StatusCode::FORBIDDEN, "The request comes from another web page."),
    (StatusCode::REQUEST_TIMEOUT, "The body came too slowly; the connection is closed."),
    (StatusCode::PAYLOAD_TOO_LARGE, "The body, or the image that it announces, is too large."),
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, "A body or an image of a kind that is not read."),
    (StatusCode::MISDIRECTED_REQUEST, "The host asked for is no name of this server."),
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        "The image is cut off or damaged, the form has another field, the class does not exist.",
    ),
    (StatusCode::TOO_MANY_REQUESTS, "Too many images are waiting."),
    (StatusCode::INTERNAL_SERVER_ERROR, "A fault of the server's own."),
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "No answer in time, no memory for the image now, or the server is stopping.",
    ),
];

impl Refusal {
    fn status_and_code(&self) -> (StatusCode, ErrorCode) {
        use StatusCode as S;
        match self {
            Self::NoHost => (S::BAD_REQUEST, ErrorCode::NoHost),
            Self::ForeignHost(_) => (S::MISDIRECTED_REQUEST, ErrorCode::ForeignHost),
            Self::ForeignOrigin => (S::FORBIDDEN, ErrorCode::ForeignOrigin),
            Self::NoToken => (S::UNAUTHORIZED, ErrorCode::NoToken),
            Self::WrongToken => (S::UNAUTHORIZED, ErrorCode::WrongToken),
            Self::NotFound => (S::NOT_FOUND, ErrorCode::NotFound),
            Self::Method => (S::METHOD_NOT_ALLOWED, ErrorCode::MethodNotAllowed),
            Self::Query(_) => (S::BAD_REQUEST, ErrorCode::BadQuery),
            Self::NoImage => (S::BAD_REQUEST, ErrorCode::NoImage),
            Self::TwoImages => (S::UNPROCESSABLE_ENTITY, ErrorCode::TwoImages),
            Self::Field(_) => (S::UNPROCESSABLE_ENTITY, ErrorCode::UnknownField),
            Self::Form(_) => (S::BAD_REQUEST, ErrorCode::BadForm),
            Self::CutOff => (S::BAD_REQUEST, ErrorCode::BodyCutOff),
            Self::Slow(_) | Self::Stalled(_) => (S::REQUEST_TIMEOUT, ErrorCode::SlowBody),
            Self::TooLarge(_) => (S::PAYLOAD_TOO_LARGE, ErrorCode::BodyTooLarge),
            Self::MediaType => (S::UNSUPPORTED_MEDIA_TYPE, ErrorCode::MediaType),
            Self::Image(error) => of_image(error),
            Self::MemoryNever { .. } => (S::PAYLOAD_TOO_LARGE, ErrorCode::ImageTooLarge),
            Self::MemoryNow { .. } => (S::SERVICE_UNAVAILABLE, ErrorCode::Busy),
            Self::Class { .. } => (S::UNPROCESSABLE_ENTITY, ErrorCode::UnknownClass),
            Self::Explanation(_) => (S::UNPROCESSABLE_ENTITY, ErrorCode::NoExplanation),
            Self::Busy => (S::TOO_MANY_REQUESTS, ErrorCode::Busy),
            Self::Late(_) => (S::SERVICE_UNAVAILABLE, ErrorCode::Late),
            Self::Stopping => (S::SERVICE_UNAVAILABLE, ErrorCode::Stopping),
            Self::Fault => (S::INTERNAL_SERVER_ERROR, ErrorCode::Fault),
        }
    }
}

/// Converts bytes to megabytes, rounded up.
fn in_megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}

fn of_image(error: &DecodeError) -> (StatusCode, ErrorCode) {
    use StatusCode as S;
    match error {
        DecodeError::Empty => (S::BAD_REQUEST, ErrorCode::NoImage),
        DecodeError::NotAnImage => (S::UNSUPPORTED_MEDIA_TYPE, ErrorCode::NotAnImage),
        DecodeError::Dicom | DecodeError::Unsupported(_) => {
            (S::UNSUPPORTED_MEDIA_TYPE, ErrorCode::UnsupportedImage)
        }
        DecodeError::TooLarge { .. } => (S::PAYLOAD_TOO_LARGE, ErrorCode::ImageTooLarge),
        DecodeError::CutOff => (S::UNPROCESSABLE_ENTITY, ErrorCode::ImageCutOff),
        DecodeError::DicomWithoutImage(_) => (S::UNPROCESSABLE_ENTITY, ErrorCode::DicomWithoutImage),
        _ => (S::UNPROCESSABLE_ENTITY, ErrorCode::ImageDamaged),
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        let mut response = (status, Json(ErrorBody::new(code, self.to_string()))).into_response();
        let mut add = |name, value| response.headers_mut().insert(name, HeaderValue::from_static(value));
        match self {
            Self::Busy | Self::MemoryNow { .. } | Self::Late(_) | Self::Stopping => {
                add(header::RETRY_AFTER, "1");
            }
            Self::NoToken | Self::WrongToken => {
                add(header::WWW_AUTHENTICATE, "Bearer realm=\"thorax\"");
            }
            // The rest of the body is not read.
            Self::Slow(_) | Self::Stalled(_) | Self::TooLarge(_) => {
                add(header::CONNECTION, "close");
            }
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::openapi::DOCUMENT;

    /// One refusal of each kind, and of each kind of image.
    fn all() -> Vec<Refusal> {
        let io = || std::io::Error::other("x");
        let text = String::new;
        let all = vec![
            Refusal::NoHost,
            Refusal::ForeignHost(text()),
            Refusal::ForeignOrigin,
            Refusal::NoToken,
            Refusal::WrongToken,
            Refusal::NotFound,
            Refusal::Method,
            Refusal::Query(text()),
            Refusal::NoImage,
            Refusal::TwoImages,
            Refusal::Field(text()),
            Refusal::Form(text()),
            Refusal::CutOff,
            Refusal::Slow(1),
            Refusal::Stalled(1),
            Refusal::TooLarge(1),
            Refusal::MediaType,
            Refusal::Image(DecodeError::Unreadable(io())),
            Refusal::MemoryNever { needed: 1, most: 1 },
            Refusal::MemoryNow { needed: 1 },
            Refusal::Class { class: text(), classes: Vec::new() },
            Refusal::Explanation(text()),
            Refusal::Busy,
            Refusal::Late(1),
            Refusal::Stopping,
            Refusal::Fault,
        ];
        // A variant that is added fails to compile here, and is to be added above.
        let numbers: BTreeSet<usize> = all.iter().map(number).collect();
        assert_eq!(numbers, (0..all.len()).collect());
        let images = [
            DecodeError::Empty,
            DecodeError::NotAnImage,
            DecodeError::Dicom,
            DecodeError::Unsupported(text()),
            DecodeError::CutOff,
            DecodeError::DicomWithoutImage(""),
            DecodeError::Damaged(text()),
        ];
        all.into_iter().chain(images.map(Refusal::Image)).collect()
    }

    fn number(refusal: &Refusal) -> usize {
        match refusal {
            Refusal::NoHost => 0,
            Refusal::ForeignHost(_) => 1,
            Refusal::ForeignOrigin => 2,
            Refusal::NoToken => 3,
            Refusal::WrongToken => 4,
            Refusal::NotFound => 5,
            Refusal::Method => 6,
            Refusal::Query(_) => 7,
            Refusal::NoImage => 8,
            Refusal::TwoImages => 9,
            Refusal::Field(_) => 10,
            Refusal::Form(_) => 11,
            Refusal::CutOff => 12,
            Refusal::Slow(_) => 13,
            Refusal::Stalled(_) => 14,
            Refusal::TooLarge(_) => 15,
            Refusal::MediaType => 16,
            Refusal::Image(_) => 17,
            Refusal::MemoryNever { .. } => 18,
            Refusal::MemoryNow { .. } => 19,
            Refusal::Class { .. } => 20,
            Refusal::Explanation(_) => 21,
            Refusal::Busy => 22,
            Refusal::Late(_) => 23,
            Refusal::Stopping => 24,
            Refusal::Fault => 25,
        }
    }

    #[test]
    fn the_openapi_document_names_every_code_and_status() {
        let document: serde_json::Value = serde_json::from_str(DOCUMENT.as_deref().unwrap()).unwrap();
        let code = &document["components"]["schemas"]["Error"]["properties"]["error"]["properties"]["code"];
        let named: BTreeSet<&str> =
            code["enum"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        let mut said = BTreeSet::from([ErrorCode::SlowHead]);
        for refusal in all() {
            let (status, code) = refusal.status_and_code();
            said.insert(code);
            // These belong to other paths and other methods.
            if [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&status) {
                continue;
            }
            for path in ["predict", "explain"] {
                let responses = &document["paths"][format!("/v1/{path}")]["post"]["responses"];
                assert!(responses[status.as_str()].is_object(), "{status} {code:?} is no answer of {path}");
            }
        }
        let said: Vec<_> = said.into_iter().map(|code| serde_json::to_value(code).unwrap()).collect();
        assert_eq!(said.iter().map(|code| code.as_str().unwrap()).collect::<BTreeSet<_>>(), named);
    }
}
