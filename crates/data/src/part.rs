use std::fmt;

/// Part of a data set, by the use of its images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Images that weights are trained on.
    Training,
    /// Images that early stopping and the choice of the best epoch look at.
    Validation,
    /// Images that nothing looks at before the end.
    Test,
}

impl Part {
    /// All parts, in the order in which tables have them.
    pub const ALL: [Self; 3] = [Self::Training, Self::Validation, Self::Test];

    /// Finds a part by the name of a folder or in a CSV, upper and lower case alike: train, training, val, valid,
    /// validation, test or testing.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_lowercase().as_str() {
            "train" | "training" => Some(Self::Training),
            "val" | "valid" | "validation" => Some(Self::Validation),
            "test" | "testing" => Some(Self::Test),
            _ => None,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Training => "training",
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}
