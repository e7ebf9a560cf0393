//! Bytes of a CSV as text, decompressed where they are gzip; nothing but the file itself is looked at.

use std::{
    io::{self, Read as _},
    path::Path,
};

pub(crate) use base::csv_text::shown;
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use crate::{Error, manifest::problems::Problems};

/// The longest text that is read, in bytes: some millions of rows.
const MAX_BYTES: u64 = 256 << 20;

/// Text of a CSV.
pub(crate) struct CsvFile {
    pub(crate) text: String,
    /// SHA-256 of the file's bytes, as lowercase hex.
    pub(crate) sha256: String,
}

/// Tells if a file is a CSV by its name, compressed or not.
pub(crate) fn is_csv(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let (stem, is_packed) = name.strip_suffix(".gz").map_or((&*name, false), |stem| (stem, true));
    let extension = stem.rsplit_once('.').map(|(_, extension)| extension);
    matches!(extension, Some("csv" | "tsv")) || (extension == Some("txt") && !is_packed)
}

/// Reads a CSV.
///
/// # Errors
/// A file that cannot be read, is too long, is cut off or is no UTF-8.
pub(crate) fn read(path: &Path) -> Result<CsvFile, Error> {
    let refused = |problems| Error::Csv { path: path.to_owned(), problems };
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::FileTooLarge => {
            refused(Problems::one(1, format!("the file is longer than {} MiB", MAX_BYTES >> 20)))
        }
        _ => Error::Io { action: "read", path: path.to_owned(), source },
    };
    let mut bytes = base::read_bounded(path, MAX_BYTES).map_err(failed)?;
    let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if bytes.starts_with(b"\x1f\x8b") {
        bytes = unpacked(&bytes).map_err(failed)?;
    }
    let text = text(bytes).map_err(refused)?;
    Ok(CsvFile { text, sha256 })
}

/// Decompresses gzip to at most the longest text that is read.
fn unpacked(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    MultiGzDecoder::new(packed).take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_BYTES {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(bytes),
    }
}

fn text(bytes: Vec<u8>) -> Result<String, Problems> {
    let line = |bytes: &[u8], at: usize| 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(Problems::one(1, "it is UTF-16 text: save it as UTF-8"));
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(Problems::one(line(&bytes, at), "a NUL byte: it is no text, or not UTF-8"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Problems::one(line(error.as_bytes(), at), "it is not UTF-8")
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn compressed_text_is_read_as_any_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv.gz");
        std::fs::write(&path, packed("päth,label\n".as_bytes())).unwrap();
        assert_eq!(read(&path).unwrap().text, "päth,label\n");
        // It is known by its content: some programs decompress without renaming.
        std::fs::write(&path, "a,b\n").unwrap();
        assert_eq!(read(&path).unwrap().text, "a,b\n");
        let cut = packed(&[b'x'; 5000]);
        std::fs::write(&path, &cut[..cut.len() - 9]).unwrap();
        assert!(matches!(read(&path), Err(Error::Io { action: "read", .. })));
    }

    #[test]
    fn a_small_file_does_not_become_endless_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv.gz");
        std::fs::write(&path, packed(&vec![b'x'; (MAX_BYTES + 1) as usize])).unwrap();
        let error = read(&path).err().unwrap().to_string();
        assert!(error.ends_with("line 1: the file is longer than 256 MiB"), "{error}");
    }

    #[test]
    fn names_of_csv_files_end_in_one_of_four_ways() {
        let is = |name: &str| is_csv(Path::new(name));
        assert!(["a.csv", "A.TSV", "b.txt", "c.csv.gz", "d.tsv.GZ"].into_iter().all(is));
        assert!(!["a.gz", "a.txt.gz", "csv", "a.png", "a.csv.zip"].into_iter().any(is));
    }
}
