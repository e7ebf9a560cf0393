//! Layers of a run's settings: flags that the user gave, over a recipe or the run that is resumed, over defaults.

pub(crate) mod names;

use std::ffi::OsString;

use anyhow::Result;
use clap::{ArgMatches, FromArgMatches as _};

use crate::{
    args::{Cli, Command, TrainSettings},
    output::Output,
    recipe, resume,
};
use names::{Values, command, is_given};

/// Puts the recipe or the run that a command names below its flags.
pub(crate) fn fill(cli: &mut Cli, matches: &ArgMatches, output: &Output) -> Result<()> {
    match (&mut cli.command, matches.subcommand()) {
        (Command::Train(args), Some((_, given))) => {
            if let Some(folder) = &args.resume {
                let values = resume::values(folder, args, given, output)?;
                args.settings = over(given, &values).map_err(|reason| resume::refused(folder, &reason))?;
                return Ok(());
            }
            fill_by_recipe(&mut args.settings, given)
        }
        (Command::CrossValidate(args), Some((_, given))) => fill_by_recipe(&mut args.train.settings, given),
        _ => Ok(()),
    }
}

/// Puts the recipe that the settings name below the flags.
pub(crate) fn fill_by_recipe(settings: &mut TrainSettings, given: &ArgMatches) -> Result<()> {
    if let Some(name) = settings.recipe.clone() {
        let values = recipe::values(&name, given)?;
        *settings = over(given, &values).map_err(|reason| recipe::refused(&name, &reason))?;
    }
    Ok(())
}

/// Puts values below the flags that were given; values that are of no setting are left alone.
///
/// # Errors
/// The first value that its flag does not take, in a line.
fn over(given: &ArgMatches, values: &Values) -> Result<TrainSettings, String> {
    let command = command();
    let mut line: Vec<OsString> = Vec::new();
    for flag in command.get_arguments() {
        let Some(name) = flag.get_long() else { continue };
        let is_switch = !flag.get_action().takes_values();
        let mut add = |value: OsString| {
            let mut word = OsString::from(format!("--{name}"));
            if !is_switch {
                word.push("=");
                word.push(value);
            }
            line.push(word);
        };
        match (is_given(given, name), values.get(name)) {
            (true, _) => add(given
                .get_raw(flag.get_id().as_str())
                .into_iter()
                .flatten()
                .next()
                .unwrap_or_default()
                .to_owned()),
            (false, Some(value)) => add(value.into()),
            (false, None) => {}
        }
    }
    let parsed =
        command.try_get_matches_from(line).and_then(|parsed| TrainSettings::from_arg_matches(&parsed));
    parsed.map_err(|error| {
        let text = error.to_string();
        text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn given(flags: &[&str]) -> ArgMatches {
        let line = ["thorax", "train"].iter().chain(flags);
        Cli::command().get_matches_from(line).subcommand().unwrap().1.clone()
    }

    #[test]
    fn flags_win_over_values_and_values_over_defaults() {
        let values: Values =
            [("seed", "7"), ("learning-rate", "0.01"), ("freeze-batch-norm", ""), ("fold", "1")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into();
        let settings = over(&given(&["--seed", "3", "--calibrate", "--data", "a b"]), &values).unwrap();
        assert_eq!((settings.seed, settings.learning_rate, settings.epochs), (3, 0.01, 1000));
        assert!(settings.freeze_batch_norm && settings.calibrate);
        assert_eq!(settings.data.to_str(), Some("a b"));
        let bad: Values = [("epochs".to_owned(), "many".to_owned())].into();
        let error = over(&given(&[]), &bad).err().unwrap();
        assert!(error.starts_with("invalid value 'many' for '--epochs <N>'"), "{error}");
        assert_eq!(over(&given(&["--epochs", "4"]), &bad).unwrap().epochs, 4);
        assert!(names::is_setting("mean") && !names::is_setting("resume") && !names::is_setting("fold"));
    }
}
