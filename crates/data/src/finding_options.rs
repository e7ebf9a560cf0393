//! Settings by which the findings of a label file are read.

use std::{fmt, str::FromStr};

use crate::{ClassName, LabelFormat};

/// Settings by which a label file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingOptions {
    /// Format of the file; `None`: known by its header.
    pub format: Option<LabelFormat>,
    /// Labels to read, in this order; `None`: all of the file's.
    pub labels: Option<Vec<ClassName>>,
    /// Rule for marks that are uncertain.
    pub uncertain: UncertainRule,
    /// Rule for labels without a mark; `None`: the format's own.
    pub blank: Option<BlankRule>,
    /// Views of the images that are listed: `frontal`, `lateral`, or a view as in the file, such as `PA`. Empty: all.
    pub views: Vec<String>,
    /// Rule for several readers of one image.
    pub readers: Readers,
    /// Smallest number of positive images of a label that is read; `None`: the format's own rule.
    pub min_images: Option<usize>,
    /// True where the image files must be there.
    pub look_for_images: bool,
}

impl FindingOptions {
    /// Format by the header, all labels, uncertain marks ignored, majority of readers.
    pub const DEFAULT: Self = Self {
        format: None,
        labels: None,
        uncertain: UncertainRule { policy: UncertainPolicy::Ignore, labels: Vec::new() },
        blank: None,
        views: Vec::new(),
        readers: Readers::Majority,
        min_images: None,
        look_for_images: true,
    };
}

impl Default for FindingOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Value of an uncertain mark (U-Ignore, U-Zeros and U-Ones in Irvin et al. 2019, arXiv 1901.07031).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UncertainPolicy {
    /// Unknown.
    Ignore,
    /// Negative.
    Zeros,
    /// Positive.
    Ones,
}

impl UncertainPolicy {
    /// Returns the value that an uncertain mark counts as.
    pub fn value(self) -> Option<bool> {
        match self {
            Self::Ignore => None,
            Self::Zeros => Some(false),
            Self::Ones => Some(true),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Zeros => "zeros",
            Self::Ones => "ones",
        }
    }
}

impl FromStr for UncertainPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Ignore, Self::Zeros, Self::Ones];
        let named = all.into_iter().find(|policy| policy.name() == text);
        named.ok_or_else(|| format!("`{text}` is no rule for uncertain marks: ignore, zeros or ones"))
    }
}

/// Rule for uncertain marks, with exceptions for some labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UncertainRule {
    /// Rule for all other labels.
    pub policy: UncertainPolicy,
    /// Labels with rules of their own.
    pub labels: Vec<(String, UncertainPolicy)>,
}

impl UncertainRule {
    /// Returns the rule for a label.
    pub fn policy(&self, label: &str) -> UncertainPolicy {
        let own = self.labels.iter().find(|(name, _)| name == label);
        own.map_or(self.policy, |(_, policy)| *policy)
    }
}

/// `RULE`, or `RULE,LABEL=RULE,…`; without a first rule, uncertain marks of other labels are ignored.
impl FromStr for UncertainRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rule = Self { policy: UncertainPolicy::Ignore, labels: Vec::new() };
        for (at, word) in base::csv_text::list(text).into_iter().enumerate() {
            match word.rsplit_once('=') {
                None if at == 0 => rule.policy = word.parse()?,
                None => return Err(format!("`{word}` names no label: give LABEL=ignore, zeros or ones")),
                Some((label, policy)) => {
                    let label = label.trim().to_owned();
                    if label.is_empty() || rule.labels.iter().any(|(other, _)| *other == label) {
                        return Err(format!("`{word}` names no label, or one twice"));
                    }
                    rule.labels.push((label, policy.trim().parse()?));
                }
            }
        }
        Ok(rule)
    }
}

impl fmt::Display for UncertainRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.policy.name())?;
        self.labels.iter().try_for_each(|(label, policy)| match label.contains([',', '"']) {
            true => write!(f, ",\"{}={}\"", label.replace('"', "\"\""), policy.name()),
            false => write!(f, ",{label}={}", policy.name()),
        })
    }
}

/// Rule for labels without a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlankRule {
    /// Unknown.
    Ignore,
    /// Negative.
    Zeros,
}

impl BlankRule {
    /// Returns the value that a missing mark counts as.
    pub fn value(self) -> Option<bool> {
        match self {
            Self::Ignore => None,
            Self::Zeros => Some(false),
        }
    }
}

impl FromStr for BlankRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "ignore" => Ok(Self::Ignore),
            "zeros" => Ok(Self::Zeros),
            _ => Err(format!("`{text}` is no rule for labels without a mark: zeros or ignore")),
        }
    }
}

impl fmt::Display for BlankRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ignore => "ignore",
            Self::Zeros => "zeros",
        })
    }
}

/// Number of an image's readers who must mark a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// One of them.
    Any,
    /// More than half of them.
    Majority,
    /// Each of them.
    All,
}

impl Readers {
    /// Tells if a finding that `positive` of `readers` have marked counts as there.
    pub fn agree(self, positive: usize, readers: usize) -> bool {
        match self {
            Self::Any => positive > 0,
            Self::Majority => 2 * positive > readers,
            Self::All => positive == readers && readers > 0,
        }
    }
}

impl FromStr for Readers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "any" => Ok(Self::Any),
            "majority" => Ok(Self::Majority),
            "all" => Ok(Self::All),
            _ => Err(format!("`{text}` is no rule for several readers: any, majority or all")),
        }
    }
}

impl fmt::Display for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::Majority => "majority",
            Self::All => "all",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uncertain_marks_have_one_rule_and_exceptions() {
        let rule: UncertainRule = "ignore,Atelectasis=ones, Edema = zeros".parse().unwrap();
        let policies = ["Atelectasis", "Edema", "Mass"].map(|label| rule.policy(label));
        assert_eq!(policies, [UncertainPolicy::Ones, UncertainPolicy::Zeros, UncertainPolicy::Ignore]);
        assert_eq!(rule.to_string(), "ignore,Atelectasis=ones,Edema=zeros");
        assert_eq!("ones".parse::<UncertainRule>().unwrap().policy("Mass").value(), Some(true));
        let quoted: UncertainRule = "\"Mass, lung=ones\"".parse().unwrap();
        assert_eq!(quoted.policy("Mass, lung"), UncertainPolicy::Ones);
        assert_eq!(quoted.to_string().parse(), Ok(quoted));
        for text in ["", "some", "ones,zeros", "Edema=never", "=ones", "A=ones,A=zeros"] {
            assert!(text.parse::<UncertainRule>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_majority_is_more_than_half() {
        let of = |readers: Readers| [(0, 3), (1, 2), (2, 3), (3, 3)].map(|(n, of)| readers.agree(n, of));
        assert_eq!(of(Readers::Any), [false, true, true, true]);
        assert_eq!(of(Readers::Majority), [false, false, true, true]);
        assert_eq!(of(Readers::All), [false, false, false, true]);
    }
}
