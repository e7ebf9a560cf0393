use std::fmt;

/// Figure of the validation split by which the best epoch is told and training ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Monitor {
    /// Loss, smaller is better.
    #[default]
    ValLoss,
    /// Macro ROC AUC over the labels that have one, larger is better.
    ValAuc,
}

impl Monitor {
    /// Converts a value so that smaller is better, and back.
    pub(crate) fn signed(self, value: f64) -> f64 {
        match self {
            Self::ValLoss => value,
            Self::ValAuc => -value,
        }
    }
}

impl fmt::Display for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ValLoss => "val_loss",
            Self::ValAuc => "val_auc",
        })
    }
}
