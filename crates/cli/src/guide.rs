//! Command `guide`: the manual that the program carries, since hospital machines have no network.

mod schemas;
pub(crate) mod topics;

use anyhow::Result;

use crate::{args::GuideArgs, output::Output, status::Status, table};
use topics::TOPICS;

/// Prints a page unchanged, a JSON Schema, or the list of topics.
pub(crate) fn run(args: &GuideArgs, output: &Output) -> Result<Status> {
    if let Some(name) = args.schema {
        output.data(serde_json::to_string_pretty(&schemas::schema(name))?);
        return Ok(Status::Done);
    }
    match args.topic.as_deref().and_then(|topic| TOPICS.iter().find(|(name, _)| *name == topic)) {
        Some((_, page)) => output.data(page.trim_end()),
        None => {
            let mut rows = vec![vec!["topic".to_owned(), "answers".to_owned()]];
            rows.extend(TOPICS.iter().map(|(name, page)| vec![(*name).to_owned(), answer(page).to_owned()]));
            output.result(table::words(&rows));
            output.result(["", "`thorax guide TOPIC` prints one"]);
        }
    }
    Ok(Status::Done)
}

/// Returns the first sentence below a page's title.
fn answer(page: &str) -> &str {
    let paragraph = page.lines().skip(1).find(|line| !line.is_empty()).unwrap_or_default();
    paragraph.split_inclusive(". ").next().unwrap_or_default().trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_a_title_and_says_what_it_answers() {
        for (name, page) in TOPICS {
            assert!(page.starts_with("# "), "{name}");
            let answer = answer(page);
            assert!(answer.len() > 20 && answer.len() < 200 && answer.ends_with('.'), "{name}: {answer}");
        }
    }
}
