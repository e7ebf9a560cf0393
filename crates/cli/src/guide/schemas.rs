//! JSON Schemas of the program's outputs.

use clap::ValueEnum;
use experiment::{RunRecord, TestRecord};
use schemars::{Schema, generate::SchemaSettings};

use crate::predict::PredictionRow;

/// Output that has a schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SchemaName {
    /// State, settings and data of a run
    #[value(name = "run.json")]
    Run,
    /// Test figures of a run
    #[value(name = "test.json")]
    Test,
    /// A line of `thorax predict --json`
    #[value(name = "predict")]
    Predict,
}

impl SchemaName {
    /// Returns the schema of this output (JSON Schema, draft 2020-12).
    pub(crate) fn schema(self) -> Schema {
        let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        match self {
            Self::Run => generator.into_root_schema_for::<RunRecord>(),
            Self::Test => generator.into_root_schema_for::<TestRecord>(),
            Self::Predict => generator.into_root_schema_for::<PredictionRow>(),
        }
    }
}
