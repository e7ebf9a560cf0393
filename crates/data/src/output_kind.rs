use std::fmt;

/// Content of a folder that Thorax wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutputKind {
    /// A run of training.
    Run,
    /// Runs.
    Runs,
    /// A cross-validation.
    CrossValidation,
    /// Figures and predictions of a test.
    Test,
    /// Data of this program or another that can be made again.
    Cache,
    /// Pictures of heat maps.
    HeatMaps,
    /// A data set laid out in parts.
    Split,
    /// The synthetic sample.
    Sample,
    /// Pixels of files as they were decoded, beside those files.
    Decoded,
}

impl OutputKind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Run,
        Self::Runs,
        Self::CrossValidation,
        Self::Test,
        Self::Cache,
        Self::HeatMaps,
        Self::Split,
        Self::Sample,
        Self::Decoded,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Run => "a run",
            Self::Runs => "runs",
            Self::CrossValidation => "a cross-validation",
            Self::Test => "results of a test",
            Self::Cache => "a cache",
            Self::HeatMaps => "heat maps",
            Self::Split => "a split of a data set",
            Self::Sample => "the synthetic sample",
            Self::Decoded => "decoded images",
        }
    }

    /// Tells if its images are radiographs, or stand for some: a split, the sample and decoded images are data where they are
    /// named.
    pub fn holds_images(self) -> bool {
        matches!(self, Self::Split | Self::Sample | Self::Decoded)
    }
}

impl fmt::Display for OutputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
