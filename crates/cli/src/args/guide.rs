use clap::{Args, builder::PossibleValuesParser};

use crate::guide::{schemas::SchemaName, topics::TOPICS};

#[derive(Args)]
pub(crate) struct GuideArgs {
    /// Page to print, as Markdown [default: the list of topics]
    #[arg(value_name = "TOPIC", value_parser = PossibleValuesParser::new(TOPICS.map(|(name, _)| name)))]
    pub(crate) topic: Option<String>,
    /// Print the JSON Schema of an output instead
    #[arg(long, value_name = "OUTPUT", conflicts_with = "topic")]
    pub(crate) schema: Option<SchemaName>,
}
