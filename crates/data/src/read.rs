//! Reading of single files.

use std::{fs::File, io::ErrorKind, path::Path};

use rayon::prelude::*;

use crate::{
    DecodeError, Decoded, Decoding, FileObserver, Preprocess, Sample, decode::check_head, decode_resized,
};

/// Reads one file and brings it to what `preprocess` says.
///
/// # Errors
/// A file that cannot be read, or that [`crate::decode`] refuses.
pub fn read_resized(
    path: &Path,
    preprocess: &Preprocess,
    decoding: &Decoding,
) -> Result<Decoded, DecodeError> {
    let bytes = read_file(path, decoding)?;
    decode_resized(&bytes, preprocess.image_size, preprocess.interpolation, decoding)
}

/// Number of first bytes of a file that tell that it is no image, where it has more.
const HEAD: u64 = 1 << 16;

/// Reads a file's bytes, if they are no more than an image of the size allowed can have, and begin as those of one do. From
/// any other file, no more than the head is read.
///
/// # Errors
/// A file that cannot be read, or that is larger; one whose head is no image's, as [`crate::decode`] refuses it.
pub fn read_file(path: &Path, decoding: &Decoding) -> Result<Vec<u8>, DecodeError> {
    // 16 bits of four samples for each pixel, as they are, and room for what comes with them.
    let most = decoding.max_pixels.saturating_mul(8).saturating_add(64 << 20);
    let too_large = || DecodeError::Unsupported(format!("its file has more than {} MiB", most >> 20));
    let unreadable = DecodeError::Unreadable;
    let mut file = match base::open_regular(path) {
        // A pipe that the user names is read; a folder's are left out, and a CSV's are refused.
        Err(error) if error.kind() == ErrorKind::InvalidInput && !path.is_file() => File::open(path),
        opened => opened,
    }
    .map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    if length > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    base::read_up_to(&mut file, &mut bytes, length + 1, HEAD).map_err(unreadable)?;
    if bytes.len() as u64 == HEAD {
        check_head(&bytes, decoding)?;
        let (rest, most) = (length.saturating_sub(HEAD) + 1, most.saturating_sub(HEAD).saturating_add(1));
        base::read_up_to(&mut file, &mut bytes, rest, most).map_err(unreadable)?;
    }
    // A pipe does not say how long it is.
    if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
}

/// Number of files decoded before their pixels are put away: enough to keep many cores busy, few enough to be small in memory.
pub(crate) const CHUNK: usize = 256;

pub(crate) fn decode_chunk(
    chunk: &[Sample],
    preprocess: &Preprocess,
    decoding: &Decoding,
    observer: &dyn FileObserver,
) -> Vec<Result<Decoded, DecodeError>> {
    // Files differ much in size: one at a time, so that no thread is left with a long rest.
    let decode = |sample: &Sample| {
        observer.started(&sample.path);
        let decoded = read_resized(&sample.path, preprocess, decoding);
        observer.finished(&sample.path);
        decoded.map(|Decoded { pixels, notes }| Decoded { pixels: pixels.compact(), notes })
    };
    chunk.par_iter().with_max_len(1).map(decode).collect()
}
