//! Tests of the guide that the program carries, and of the README.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::world::{World, read_json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the pages of the guide by name.
fn pages() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("crates/cli/guide")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_page_is_a_topic_and_is_printed_as_it_is() {
    let world = World::new();
    let list = world.thorax(&["guide"]).ok().stdout.clone();
    let pages = pages();
    assert!(pages.len() >= 10, "{pages:?}");
    for page in &pages {
        let topic = page.strip_suffix(".md").unwrap();
        assert!(list.lines().any(|line| line.starts_with(&format!("{topic} "))), "no `{topic}` in:\n{list}");
        let printed = world.thorax(&["guide", topic]);
        let text = fs::read_to_string(root().join("crates/cli/guide").join(page)).unwrap();
        assert_eq!((printed.ok().stdout.trim_end(), printed.stderr.as_str()), (text.trim_end(), ""));
    }
    // Heading, topics, an empty line and one more.
    assert_eq!(list.lines().count(), pages.len() + 3, "{list}");
    world.refuses(&["guide", "cooking"], &["error: invalid value 'cooking' for '[TOPIC]'", "data, training"]);
}

#[test]
fn the_readme_is_short() {
    let length = fs::metadata(root().join("README.md")).unwrap().len();
    assert!(length <= 8192, "{length} bytes");
}

/// Returns the anchor of a heading, in GitHub's form.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Returns the anchors of a page's headings, without those in blocks of code.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        is_code ^= line.starts_with("```");
        if line.starts_with('#') && !is_code {
            found.insert(anchor(line));
        }
    }
    found
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut files = vec![root().join("README.md")];
    files.extend(pages().iter().map(|page| root().join("crates/cli/guide").join(page)));
    let mut links = 0;
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        for target in
            text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
        {
            if target.contains("://") {
                continue;
            }
            links += 1;
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let leads_to = if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
            assert!(leads_to.exists(), "{}: `{target}` leads nowhere", file.display());
            if !heading.is_empty() {
                let found = anchors(&fs::read_to_string(&leads_to).unwrap());
                assert!(found.contains(heading), "{}: no heading for `{target}`", file.display());
            }
        }
    }
    assert!(links >= 10, "{links}");
}

/// Collects where a value differs from a schema. It knows the words that the program's schemas use, panics at others, and takes
/// objects to have no fields but those that are named. Validators of the whole language bring fifty crates.
fn differences(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let is_of = |kind: &Value| match kind.as_str().unwrap() {
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        kind => panic!("type {kind}"),
    };
    let length = |limit: &Value| value.as_array().map(|items| (items.len() as u64, limit.as_u64().unwrap()));
    for (word, rule) in schema.as_object().unwrap() {
        let holds = match word.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" | "default" => true,
            "additionalProperties" => rule.is_object() || rule == true,
            "type" => rule.as_array().map_or_else(|| is_of(rule), |kinds| kinds.iter().any(is_of)),
            "const" => rule == value,
            "minimum" => value.as_f64().is_none_or(|value| value >= rule.as_f64().unwrap()),
            "minItems" => length(rule).is_none_or(|(length, least)| length >= least),
            "maxItems" => length(rule).is_none_or(|(length, most)| length <= most),
            "required" => {
                rule.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            "oneOf" | "anyOf" => rule.as_array().unwrap().iter().any(|option| {
                let mut of_option = Vec::new();
                differences(root, option, value, at, &mut of_option);
                of_option.is_empty()
            }),
            "$ref" => {
                differences(root, root.pointer(&rule.as_str().unwrap()[1..]).unwrap(), value, at, found);
                true
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    differences(root, rule, item, &format!("{at}/{index}"), found);
                }
                true
            }
            "properties" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    match rule.get(name) {
                        Some(rule) => differences(root, rule, field, &format!("{at}/{name}"), found),
                        None => found.push(format!("{at}/{name} is not named")),
                    }
                }
                true
            }
            word => panic!("the schema uses `{word}`"),
        };
        if !holds {
            found.push(format!("{at}: {value} is not {word} {rule}"));
        }
    }
    if let Some(rule) = schema.get("additionalProperties").filter(|rule| rule.is_object()) {
        for (name, field) in value.as_object().into_iter().flatten() {
            differences(root, rule, field, &format!("{at}/{name}"), found);
        }
    }
}

#[test]
fn every_schema_names_every_key_of_its_output() {
    let world = World::new();
    let run = world.trained();
    fs::write(world.path("bad.png"), "no image").unwrap();
    let predict = world.thorax(&["predict", "xrays Test", "bad.png", "--saved", "run", "--json"]);
    let lines: Vec<Value> = predict.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), lines.iter().filter(|line| line["error"].is_string()).count()), (13, 1));
    world
        .train(&[
            "--epochs",
            "1",
            "--calibrate",
            "--sensitivity",
            "0.9",
            "--no-report",
            "--out",
            "calibrated",
        ])
        .ok();
    let of_runs =
        |name: &str| [&run, &world.path("calibrated")].map(|run| read_json(&run.join(name))).to_vec();
    for (name, values) in
        [("run.json", of_runs("run.json")), ("test.json", of_runs("test.json")), ("predict", lines)]
    {
        let printed = world.thorax(&["guide", "--schema", name]);
        let schema = printed.ok().json();
        let draft = "https://json-schema.org/draft/2020-12/schema";
        assert_eq!((schema["$schema"].as_str(), printed.stderr.as_str()), (Some(draft), ""));
        let faults = |value: &Value| {
            let mut found = Vec::new();
            differences(&schema, &schema, value, "", &mut found);
            found
        };
        for value in values {
            assert_eq!(faults(&value), [""; 0], "{name}");
            let (mut more, mut less) = (value.clone(), value.clone());
            more["more"] = 1.into();
            let required = schema["required"][0].as_str().unwrap();
            less.as_object_mut().unwrap().remove(required);
            assert_eq!(faults(&more), ["/more is not named"], "{name}");
            assert!(faults(&less).len() == 1 && schema["required"].as_array().unwrap().len() > 1, "{name}");
        }
    }
    world.refuses(
        &["guide", "--schema", "audit.json"],
        &["invalid value 'audit.json'", "run.json, test.json, predict"],
    );
    world.refuses(&["guide", "files", "--schema", "run.json"], &["cannot be used with"]);
}
