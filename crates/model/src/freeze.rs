use std::{fmt, str::FromStr};

use crate::{Error, Result};

/// Part of a pretrained network that keeps its weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Freeze {
    /// Nothing: all weights are trained.
    None,
    /// Everything but the dense layers at its end.
    All,
    /// Blocks from the input through the block of this name.
    Through(String),
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::All => f.write_str("all"),
            Self::Through(block) => write!(f, "through:{block}"),
        }
    }
}

impl FromStr for Freeze {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match (text, text.strip_prefix("through:")) {
            ("none", _) => Ok(Self::None),
            ("all", _) => Ok(Self::All),
            (_, Some(block)) if !block.is_empty() => Ok(Self::Through(block.to_owned())),
            _ => Err(Error::Spec(format!("`{text}` freezes nothing: one of none, all, through:BLOCK"))),
        }
    }
}
