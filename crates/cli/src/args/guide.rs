use clap::{Args, ValueEnum, builder::PossibleValuesParser};

use crate::guide::topics::TOPICS;

#[derive(Args)]
pub(crate) struct GuideArgs {
    /// Page to print, as Markdown [default: the list of topics]
    #[arg(value_name = "TOPIC", value_parser = PossibleValuesParser::new(TOPICS.map(|(name, _)| name)))]
    pub(crate) topic: Option<String>,
    /// Print the JSON Schema of an output instead
    #[arg(long, value_name = "OUTPUT", conflicts_with = "topic")]
    pub(crate) schema: Option<SchemaName>,
}

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
