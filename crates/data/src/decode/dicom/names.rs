//! Names of what is known by a UID or a code: codings of pixels, and what else than an image a file can be. Only
//! these words are ever shown, none of the file's.

use super::reader::Encoding;
use crate::DecodeError;

/// Encoding of a data set and coding of its pixels (PS3.5, annex A).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Syntax {
    pub(super) encoding: Encoding,
    /// The data set is compressed as a whole.
    pub(super) deflated: bool,
    pub(super) coding: Coding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Native,
    Rle,
    Jpeg,
    JpegLs,
    Jpeg2000,
    /// Coding that is not read, by its name.
    Other(&'static str),
}

pub(super) const HIGH_THROUGHPUT: Coding = Coding::Other("High-Throughput JPEG 2000");

impl Coding {
    /// Makes the error that pixels written so are not read.
    pub(super) fn unsupported(self) -> DecodeError {
        let name = if let Self::Other(name) = self { name } else { "such pixels" };
        DecodeError::Unsupported(format!("DICOM with {name}"))
    }
}

/// Finds a transfer syntax by what follows `1.2.840.10008.1.2` in its UID.
pub(super) fn syntax(uid: &str) -> Syntax {
    let little = |explicit| Encoding { explicit, big_endian: false };
    let of = |coding| Syntax { encoding: little(true), deflated: false, coding };
    match uid.strip_prefix("1.2.840.10008.1.2") {
        Some("") => Syntax { encoding: little(false), ..of(Coding::Native) },
        Some(".1" | ".1.98") => of(Coding::Native),
        Some(".1.99") => Syntax { deflated: true, ..of(Coding::Native) },
        Some(".5") => of(Coding::Rle),
        Some(
            ".4.50" | ".4.51" | ".4.52" | ".4.53" | ".4.54" | ".4.55" | ".4.56" | ".4.57" | ".4.58" | ".4.70",
        ) => of(Coding::Jpeg),
        Some(".4.90" | ".4.91") => of(Coding::Jpeg2000),
        Some(".2") => {
            Syntax { encoding: Encoding { explicit: true, big_endian: true }, ..of(Coding::Native) }
        }
        Some(".4.80" | ".4.81") => of(Coding::JpegLs),
        Some(".4.92" | ".4.93") => of(Coding::Other("JPEG 2000 part 2")),
        Some(".4.94" | ".4.95" | ".4.204" | ".4.205") => of(Coding::Other("pixels kept elsewhere (JPIP)")),
        Some(".4.100" | ".4.100.1" | ".4.101" | ".4.101.1") => of(Coding::Other("MPEG-2 video")),
        Some(uid) if uid.starts_with(".4.102") || uid.starts_with(".4.103") => {
            of(Coding::Other("H.264 video"))
        }
        Some(uid) if uid.starts_with(".4.104") || uid.starts_with(".4.105") || uid.starts_with(".4.106") => {
            of(Coding::Other("H.264 video"))
        }
        Some(".4.107" | ".4.108") => of(Coding::Other("H.265 video")),
        Some(".4.110" | ".4.111" | ".4.112") => of(Coding::Other("JPEG XL")),
        Some(".4.201" | ".4.202" | ".4.203") => of(HIGH_THROUGHPUT),
        _ => of(Coding::Other("an unknown transfer syntax")),
    }
}

/// A kind of colours that is not read, by its name or as one without (PS3.3, C.7.6.3.1.2).
pub(super) fn colours(interpretation: Option<&str>) -> &'static str {
    match interpretation {
        Some("HSV") => "colours of kind HSV",
        Some("ARGB") => "colours of kind ARGB",
        Some("CMYK") => "colours of kind CMYK",
        Some("YBR_PARTIAL_422") => "colours of kind YBR_PARTIAL_422",
        Some("YBR_PARTIAL_420") => "colours of kind YBR_PARTIAL_420",
        Some("XYB") => "colours of kind XYB",
        _ => "a kind of colours that does not fit its samples",
    }
}

/// Names a file without pixels, by its SOP class (PS3.4, annex B) or else its modality (PS3.3, C.7.3.1.1.1).
pub(super) fn without_image(sop_class: Option<&str>, modality: Option<&str>) -> &'static str {
    const REPORT: &str = "Structured Report (SR)";
    const KEY_OBJECTS: &str = "Key Object Selection (KO)";
    const PRESENTATION: &str = "Presentation State (PR)";
    const WAVEFORM: &str = "Waveform";
    const RT_PLAN: &str = "Radiotherapy Plan (RTPLAN)";
    const RT_STRUCTURES: &str = "Radiotherapy Structure Set (RTSTRUCT)";
    const RT_RECORD: &str = "Radiotherapy Treatment Record (RTRECORD)";
    const REGISTRATION: &str = "Spatial Registration (REG)";
    if sop_class == Some("1.2.840.10008.1.3.10") {
        return "Media Storage Directory (DICOMDIR)";
    }
    let storage = sop_class.and_then(|uid| uid.strip_prefix("1.2.840.10008.5.1.4.1.1."));
    match storage {
        Some("88.59") => return KEY_OBJECTS,
        Some(uid) if uid.starts_with("88.") => return REPORT,
        Some("104.1") => return "Encapsulated PDF (DOC)",
        Some(uid) if uid.starts_with("104.") => return "Encapsulated Document (DOC)",
        Some(uid) if uid.starts_with("9.") => return WAVEFORM,
        Some(uid) if uid.starts_with("11.") => return PRESENTATION,
        Some("66") => return "Raw Data",
        Some("66.1" | "66.3") => return REGISTRATION,
        Some("66.2") => return "Spatial Fiducials (FID)",
        Some("66.5" | "68.1" | "68.2") => return "Surface",
        Some("4.2") => return "MR Spectroscopy",
        Some("481.3") => return RT_STRUCTURES,
        Some("481.5" | "481.8") => return RT_PLAN,
        Some("481.4" | "481.6" | "481.7" | "481.9") => return RT_RECORD,
        _ => {}
    }
    match modality {
        Some("SR") => REPORT,
        Some("KO") => KEY_OBJECTS,
        Some("PR") => PRESENTATION,
        Some("DOC") => "Encapsulated Document (DOC)",
        Some("ECG" | "EPS" | "HD" | "AU" | "RESP") => WAVEFORM,
        Some("REG") => REGISTRATION,
        Some("RTSTRUCT") => RT_STRUCTURES,
        Some("RTPLAN") => RT_PLAN,
        Some("RTRECORD") => RT_RECORD,
        _ => "it has no pixels",
    }
}
