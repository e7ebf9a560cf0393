//! Flag `--recipe`: settings from a TOML file whose keys are the flags of `train`, added after the user's own flags.

pub(crate) mod file;

use std::path::Path;

use anyhow::Result;
use base::csv_text::without_byte_order_mark;
use clap::ArgMatches;
use toml::{Table, Value};

use crate::{
    files,
    settings::names::{Values, is_given, is_setting},
    status::hinted,
};

/// Built-in recipes.
const BUILT_IN: [(&str, &str); 3] = [
    ("best", include_str!("../recipes/best.toml")),
    ("fast", include_str!("../recipes/fast.toml")),
    ("frozen", include_str!("../recipes/frozen.toml")),
];
/// Reads the values of a recipe's settings, without those that the user gave as flags.
pub(crate) fn values(name: &str, given: &ArgMatches) -> Result<Values> {
    let settings = read(name)?;
    let wanted = settings.iter().filter(|(key, _)| !is_given(given, key));
    let values =
        wanted.map(|(key, value)| Ok(self::value(name, key, value)?.map(|text| (key.clone(), text))));
    values.filter_map(Result::transpose).collect()
}

/// Makes the error of a recipe that is refused.
pub(crate) fn refused(name: &str, reason: &str) -> anyhow::Error {
    hinted(format!("recipe `{name}`: {reason}"), "`thorax train --help` lists what each flag takes")
}

fn read(name: &str) -> Result<Table> {
    let text = match BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
        Some((_, text)) => (*text).to_owned(),
        None if !Path::new(name).exists() => {
            let names = BUILT_IN.map(|(name, _)| name).join(", ");
            return Err(hinted(
                format!("there is no recipe `{name}`"),
                format!("name a TOML file, or one of those built in: {names}"),
            ));
        }
        None => text(name)?,
    };
    let table = file::settings(&text).map_err(|(line, problem)| {
        let problem = format!("recipe `{name}`, line {line}: {problem}");
        hinted(problem, "write one `flag-name = value` a line, words in quotes")
    })?;
    for key in table.keys() {
        if !is_setting(key) || key == "recipe" {
            return Err(hinted(
                format!("recipe `{name}`: `{key}` is no setting of `train`"),
                "its keys are the names of train's flags without `--`: see `thorax train --help`",
            ));
        }
    }
    Ok(table)
}

fn text(name: &str) -> Result<String> {
    let text = base::read_text(Path::new(name), file::MAX_BYTES).map_err(|error| match error.kind() {
        std::io::ErrorKind::FileTooLarge => {
            hinted(format!("recipe `{name}` is longer than a recipe can be"), "name a TOML file of settings")
        }
        _ => anyhow::Error::new(error).context(format!("cannot read recipe `{name}`")),
    })?;
    Ok(without_byte_order_mark(&text).to_owned())
}

/// Converts a setting to the form that its flag takes; `None` for a switch that is off.
fn value(recipe: &str, key: &str, value: &Value) -> Result<Option<String>> {
    let text = match value {
        Value::Boolean(true) => return Ok(Some(String::new())),
        Value::Boolean(false) => return Ok(None),
        value => file::words(value),
    };
    // Loading TorchScript runs code, and a recipe may come from anyone: only the user may name such a file.
    if key == "backbone" || (key == "weights" && text.as_deref() != Some("none")) {
        return Err(hinted(
            format!(
                "recipe `{recipe}`: `{key}` names a TorchScript file, which can run code of whoever wrote it"
            ),
            format!("if you trust the file, name it yourself: `--{key} FILE`"),
        ));
    }
    // A cache creates folders, and removes files that look like its own.
    if let Some(folder) = text.as_deref().filter(|text| key == "cache" && *text != "none")
        && !files::lies_below(Path::new(folder), &[Path::new(".")])?
    {
        return Err(hinted(
            format!("recipe `{recipe}`: `cache` is `{folder}`, which lies outside of the working folder"),
            "if that is meant, name it yourself: `--cache FOLDER`",
        ));
    }
    match text {
        Some(text) => Ok(Some(text)),
        None => Err(hinted(
            format!("recipe `{recipe}`: `{key}` is a {}", value.type_str()),
            "give words, numbers, lists of them, true or false",
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, FromArgMatches as _};

    use super::*;
    use crate::{
        args::{Cli, Command, TrainSettings},
        settings,
    };

    fn layered(arguments: &[&str]) -> Result<TrainSettings> {
        let matches = Cli::command().get_matches_from(["thorax"].iter().chain(arguments));
        let mut settings = match Cli::from_arg_matches(&matches)?.command {
            Command::Train(args) => args.settings,
            Command::CrossValidate(args) => args.train.settings,
            _ => panic!("no settings"),
        };
        settings::fill_by_recipe(&mut settings, matches.subcommand().expect("it has one").1)?;
        Ok(settings)
    }

    #[test]
    fn built_in_recipes_are_sound() {
        for (name, _) in BUILT_IN {
            let settings = layered(&["train", "--recipe", name]).unwrap();
            assert!(settings.model.weights().is_some(), "{name}");
            let folds = layered(&["cross-validate", "--folds", "3", "--recipe", name]).unwrap();
            assert_eq!(folds.freeze, settings.freeze, "{name}");
        }
        assert_eq!(layered(&["train"]).unwrap().model, &model::CONVNET);
    }

    #[test]
    fn flags_win_over_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        let recipe = "seed = 7\nlearning-rate = 0.01\nfreeze-batch-norm = true\nclasses = [\"a\", \"b\"]\n";
        std::fs::write(path, recipe).unwrap();
        let settings = layered(&["train", "--seed", "3", "--recipe", path]).unwrap();
        assert_eq!((settings.seed, settings.learning_rate, settings.freeze_batch_norm), (3, 0.01, true));
        assert_eq!(settings.classes.unwrap().0.len(), 2);
    }

    #[test]
    fn what_is_wrong_with_a_recipe_is_said() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        for (recipe, words) in [
            ("speed = 1", "`speed` is no setting of `train`"),
            ("dry-run = true", "`dry-run` is no setting of `train`"),
            ("seed = 1\nepochs =", ", line 2: "),
            ("epochs = \"many\"", "invalid value 'many' for '--epochs <N>'"),
            ("epochs = { a = 1 }", "`epochs` is a table"),
            ("epochs = [[1]]", "`epochs` is a array"),
            ("seed = 1\nseed = 2", ", line 2: "),
            ("backbone = \"evil.pt\"", "`backbone` names a TorchScript file"),
            ("weights = \"evil.pt\"", "`weights` names a TorchScript file"),
            ("cache = \"/elsewhere\"", "`cache` is `/elsewhere`, which lies outside of the working folder"),
            ("cache = \"..\"", "`cache` is `..`, which lies outside of the working folder"),
            (&" ".repeat(2_000_000), "is longer than a recipe can be"),
        ] {
            std::fs::write(path, recipe).unwrap();
            let error = layered(&["train", "--recipe", path]).err().unwrap().to_string();
            assert!(error.starts_with("recipe `") && error.contains(words), "{error}");
        }
        // Files that the user names are allowed.
        std::fs::write(path, "weights = \"evil.pt\"").unwrap();
        assert!(layered(&["train", "--recipe", path, "--weights", "mine.pt"]).is_ok());
        std::fs::write(path, "weights = \"none\"").unwrap();
        assert!(layered(&["train", "--recipe", path]).is_ok());
        let error = layered(&["train", "--recipe", "good"]).err().unwrap().to_string();
        assert_eq!(error, "there is no recipe `good`");
    }
}
