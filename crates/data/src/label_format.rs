use std::{fmt, str::FromStr};

/// Format of a label file, known by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelFormat {
    /// `Image Index`, `Finding Labels`: NIH ChestX-ray14.
    Nih,
    /// `Path`, `Frontal/Lateral` and a column a label: CheXpert.
    CheXpert,
    /// A table of studies beside those of images and parts: MIMIC-CXR-JPG.
    Mimic,
    /// `ImageID`, `PatientID`, `Labels` as a list: PadChest.
    PadChest,
    /// `image_id` and `class_name`, or a column a label: VinDr-CXR.
    VinDr,
    /// `patientId`, `Target`: the pneumonia challenge of the RSNA.
    Rsna,
    /// A path and a column a label, or a label that joins findings by vertical bars.
    Csv,
}

impl LabelFormat {
    /// All formats, in the order in which they are documented.
    pub const ALL: [Self; 7] =
        [Self::Nih, Self::CheXpert, Self::Mimic, Self::PadChest, Self::VinDr, Self::Rsna, Self::Csv];

    /// Returns the word that names the format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nih => "nih",
            Self::CheXpert => "chexpert",
            Self::Mimic => "mimic",
            Self::PadChest => "padchest",
            Self::VinDr => "vindr",
            Self::Rsna => "rsna",
            Self::Csv => "csv",
        }
    }
}

impl fmt::Display for LabelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for LabelFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("`{text}` is no format of label files: {names}")
        })
    }
}
