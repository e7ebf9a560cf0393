//! Flag `--recipe`: settings from a TOML file whose keys are the flags of `train`, added after the user's own flags.

pub(crate) mod file;

use std::{ffi::OsString, path::Path};

use anyhow::Result;
use base::csv_text::without_byte_order_mark;
use clap::{ArgMatches, CommandFactory as _, parser::ValueSource};
use toml::{Table, Value};

use crate::{args::Cli, files, status::hinted};

/// Built-in recipes.
const BUILT_IN: [(&str, &str); 2] =
    [("best", include_str!("../recipes/best.toml")), ("frozen", include_str!("../recipes/frozen.toml"))];
/// Commands that take a recipe.
const COMMANDS: [&str; 2] = ["train", "cross-validate"];
/// Flags that say what is printed or where it goes, and are no setting of a run.
pub(crate) const NO_SETTING: [&str; 12] = [
    "recipe",
    "json",
    "no-report",
    "dry-run",
    "quiet",
    "verbose",
    "help",
    "version",
    "resume",
    "trust",
    "extend-epochs",
    "out",
];

/// Returns the command line with the recipe's settings added, except settings that the user gave as flags; `None` without a
/// recipe. `command_line` was parsed before.
pub(crate) fn expand(command_line: &[OsString]) -> Result<Option<Vec<OsString>>> {
    let matches = Cli::command().try_get_matches_from(command_line)?;
    let train = COMMANDS.iter().find_map(|command| matches.subcommand_matches(command));
    let Some(train) = train else { return Ok(None) };
    let Some(name) = train.get_one::<String>("recipe") else { return Ok(None) };
    let settings = read(name)?;
    let mut expanded = command_line.to_vec();
    for (key, value) in &settings {
        if !given(train, key) {
            expanded.extend(argument(name, key, value)?);
        }
    }
    check(&expanded).map_err(|reason| {
        hinted(format!("recipe `{name}`: {reason}"), "`thorax train --help` lists what each flag takes")
    })?;
    Ok(Some(expanded))
}

/// Checks a command line that settings were put into; the error is one line.
pub(crate) fn check(expanded: &[OsString]) -> std::result::Result<(), String> {
    let Err(error) = Cli::command().try_get_matches_from(expanded) else { return Ok(()) };
    let text = error.to_string();
    Err(text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned())
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
    let command = Cli::command();
    for key in table.keys() {
        let known = command
            .find_subcommand("train")
            .is_some_and(|train| train.get_arguments().any(|flag| flag.get_long() == Some(key)));
        if !known || NO_SETTING.iter().any(|flag| flag == key) {
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

/// Tells if the user gave the flag, which then takes precedence.
pub(crate) fn given(train: &ArgMatches, key: &str) -> bool {
    train.value_source(&key.replace('-', "_")) == Some(ValueSource::CommandLine)
}

/// Converts a setting to a flag; `None` for a switch that is off.
fn argument(recipe: &str, key: &str, value: &Value) -> Result<Option<OsString>> {
    let text = match value {
        Value::Boolean(true) => return Ok(Some(format!("--{key}").into())),
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
        Some(text) => Ok(Some(format!("--{key}={text}").into())),
        None => Err(hinted(
            format!("recipe `{recipe}`: `{key}` is a {}", value.type_str()),
            "give words, numbers, lists of them, true or false",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(arguments: &[&str]) -> Result<Option<Vec<String>>> {
        let line: Vec<OsString> = ["thorax"].iter().chain(arguments).map(OsString::from).collect();
        let text = |word: OsString| word.into_string().expect("text");
        Ok(expand(&line)?.map(|words| words.into_iter().map(text).collect()))
    }

    #[test]
    fn built_in_recipes_are_sound() {
        for (name, _) in BUILT_IN {
            assert!(expanded(&["train", "--recipe", name]).unwrap().is_some());
            assert!(expanded(&["cross-validate", "--folds", "3", "--recipe", name]).unwrap().is_some());
        }
        assert_eq!(expanded(&["train"]).unwrap(), None);
        assert_eq!(expanded(&["test"]).unwrap(), None);
    }

    #[test]
    fn flags_win_over_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        let recipe = "seed = 7\nlearning-rate = 0.01\nfreeze-batch-norm = true\nclasses = [\"a\", \"b\"]\n";
        std::fs::write(path, recipe).unwrap();
        let line = ["train", "--seed", "3", "--recipe", path];
        let words = expanded(&line).unwrap().unwrap();
        assert_eq!(words[1..6], line);
        assert_eq!(words[6..], ["--classes=a,b", "--freeze-batch-norm", "--learning-rate=0.01"]);
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
            let error = expanded(&["train", "--recipe", path]).unwrap_err().to_string();
            assert!(error.starts_with("recipe `") && error.contains(words), "{error}");
        }
        // Files that the user names are allowed.
        std::fs::write(path, "weights = \"evil.pt\"").unwrap();
        assert!(expanded(&["train", "--recipe", path, "--weights", "mine.pt"]).is_ok());
        std::fs::write(path, "weights = \"none\"").unwrap();
        assert!(expanded(&["train", "--recipe", path]).is_ok());
        let error = expanded(&["train", "--recipe", "good"]).unwrap_err().to_string();
        assert_eq!(error, "there is no recipe `good`");
    }
}
