//! JSON Schemas of the program's outputs.

use experiment::{RunRecord, TestRecord};
use schemars::{Schema, generate::SchemaSettings};

use crate::{args::SchemaName, predict::PredictionRow};

/// Returns the schema of an output (JSON Schema, draft 2020-12).
pub(crate) fn schema(name: SchemaName) -> Schema {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    match name {
        SchemaName::Run => generator.into_root_schema_for::<RunRecord>(),
        SchemaName::Test => generator.into_root_schema_for::<TestRecord>(),
        SchemaName::Predict => generator.into_root_schema_for::<PredictionRow>(),
    }
}
