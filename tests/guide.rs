//! Tests of the guide that the program carries, and of the README.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::world::World;

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
