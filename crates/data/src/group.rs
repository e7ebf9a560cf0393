//! Groups of images that belong together: those of one patient must not stand on both sides of a split.

use std::{fmt, str::FromStr};

use regex::Regex;

use crate::{Error, Layout, Listing};

/// Rule by which an image's group is known.
#[derive(Clone, Debug, Default)]
pub enum GroupRule {
    /// Group column of a CSV, where it has one; otherwise nothing is known.
    #[default]
    None,
    /// Regular expression on the file's name below the data set.
    Pattern(GroupPattern),
    /// Column of a CSV.
    Column(String),
}

/// A regular expression that finds a group in a file's name: its first capture group, or the whole match where it has none.
///
/// Matching takes time linear in the name's length, and the expression's compiled size is limited (the defaults of the regex
/// crate).
#[derive(Clone, Debug)]
pub struct GroupPattern(Regex);

impl FromStr for GroupPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Regex::new(text).map(Self).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
            error => {
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                format!("no regular expression: {reason}")
            }
        })
    }
}

impl fmt::Display for GroupPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl GroupPattern {
    /// Finds the group in a name; an empty match is none.
    pub fn group(&self, name: &str) -> Option<String> {
        let found = self.0.captures(name)?;
        let found = if self.0.captures_len() > 1 { found.get(1) } else { found.get(0) };
        found.map(|found| found.as_str().to_owned()).filter(|group| !group.is_empty())
    }
}

/// Sets the groups that a rule finds, and counts the images that it finds none for.
pub(crate) fn assign(listing: &mut Listing, rule: &GroupRule) -> Result<(), Error> {
    match rule {
        GroupRule::None => return Ok(()),
        GroupRule::Pattern(pattern) => {
            listing.samples.iter_mut().for_each(|sample| sample.group = pattern.group(&sample.name));
        }
        GroupRule::Column(_) if matches!(listing.layout, Layout::Csv | Layout::LabelFile(_)) => {}
        GroupRule::Column(column) => {
            return Err(Error::NoColumns { path: listing.root.clone(), column: column.clone() });
        }
    }
    listing.count_ungrouped();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capture_group_or_the_whole_match_is_the_group() {
        let group = |pattern: &str, name: &str| pattern.parse::<GroupPattern>().unwrap().group(name);
        assert_eq!(group(r"person(\d+)_", "k/person12_virus_3.jpeg"), Some("12".to_owned()));
        assert_eq!(group(r"person\d+", "k/person12_virus_3.jpeg"), Some("person12".to_owned()));
        assert_eq!(group(r"^([^/]+)/", "病人/1.png"), Some("病人".to_owned()));
        assert_eq!(group(r"person(\d+)_", "k/1.png"), None);
        assert_eq!(group(r"\d*", "k/1.png"), None);
    }

    #[test]
    fn what_is_no_expression_is_told() {
        let error = "person(\\d+".parse::<GroupPattern>().unwrap_err();
        assert_eq!(error, "no regular expression: unclosed group");
        let error = "(\\w{100}){1000}".parse::<GroupPattern>().unwrap_err();
        assert_eq!(error, "the regular expression is too large");
    }
}
