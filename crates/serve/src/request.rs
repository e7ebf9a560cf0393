//! Queries and the form of a request for an image's answer.

#![expect(unused_qualifications, reason = "utoipa's macro writes them")]

use model::HeatMapMethod;
use serde::Deserialize;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

/// Query of `/v1/predict`.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PredictQuery {
    /// True where the answer is to contain the decoded image as well.
    #[serde(default)]
    #[param(default = false)]
    pub(crate) view: bool,
}

/// Query of `/v1/explain`.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExplainQuery {
    /// Class to explain; without it the predicted one.
    pub(crate) class: Option<String>,
    /// Method; without it the network's default.
    #[param(value_type = Option<MethodName>, inline)]
    pub(crate) method: Option<String>,
    /// True where the answer is to contain the decoded image as well.
    #[serde(default)]
    #[param(default = false)]
    pub(crate) view: bool,
}

/// Name of a method of heat maps.
pub(crate) struct MethodName;

impl PartialSchema for MethodName {
    fn schema() -> RefOr<Schema> {
        let names = HeatMapMethod::ALL.map(|method| method.to_string());
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
    }
}

impl ToSchema for MethodName {}

/// Form that holds an image; the field may also be called `file`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes a form, which is parsed while it arrives")]
pub(crate) struct ImageForm {
    /// File of the image.
    #[schema(content_media_type = "application/octet-stream")]
    image: String,
}
