//! Names of settings, which are those of their flags.

use std::collections::BTreeMap;

use clap::{ArgMatches, Args as _, parser::ValueSource};

use crate::args::TrainSettings;

/// Values of settings as their flags take them, by the names of the flags; a switch that is on has an empty one.
pub(crate) type Values = BTreeMap<String, String>;

/// Tells if the user gave the flag of a setting: then it wins.
pub(crate) fn is_given(given: &ArgMatches, key: &str) -> bool {
    given.value_source(&key.replace('-', "_")) == Some(ValueSource::CommandLine)
}

/// Tells if a name is that of a setting.
pub(crate) fn is_setting(key: &str) -> bool {
    command().get_arguments().any(|flag| flag.get_long() == Some(key))
}

/// The flags of settings alone.
pub(super) fn command() -> clap::Command {
    TrainSettings::augment_args(clap::Command::new("settings").no_binary_name(true))
}
