//! Whether a JPEG is whole: its decoder fills what is missing with gray and says nothing.

/// How a JPEG's bytes end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With the marker `FF D9`, after the scans.
    Marked,
    /// Within the data of the only scan of a sequential image, or right behind it.
    Open,
    /// Before that, or where further scans are to come.
    Early,
}

/// Follows the markers from the first to the end of the image, in one pass. Segments are stepped over by their
/// lengths, so that a preview within one counts for nothing; what follows the image does neither.
pub(super) fn end(bytes: &[u8]) -> End {
    let (mut at, mut sequential, mut components, mut scans, mut partial_scan) = (2, true, 0, 0, false);
    loop {
        // Between segments, anything but a marker is stepped over, as libjpeg does.
        let Some(marker) = next_marker(bytes, &mut at) else {
            return if scans == 1 && sequential && !partial_scan { End::Open } else { End::Early };
        };
        match marker {
            0xd9 if scans > 0 => return End::Marked,
            // Without a length: restarts, the image's start, an end before there is anything.
            0x01 | 0xd0..=0xd9 => continue,
            _ => {}
        }
        let Some(length) = bytes.get(at..at + 2).map(|two| usize::from(two[0]) << 8 | usize::from(two[1]))
        else {
            return End::Early;
        };
        let Some(segment) = bytes.get(at + 2..at + length.max(2)) else {
            return End::Early;
        };
        at += length.max(2);
        match marker {
            // Frames; C4, C8 and CC are tables.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                sequential = matches!(marker, 0xc0 | 0xc1);
                components = segment.get(5).copied().unwrap_or(0);
            }
            0xda => {
                scans += 1;
                partial_scan = segment.first() != Some(&components);
            }
            _ => {}
        }
    }
}

/// The marker at or after `at`, and `at` moved behind it; within a scan's data, `FF 00` is a value and no marker.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        *at += bytes.get(*at..)?.iter().position(|&byte| byte == 0xff)?;
        // Any number of FF may stand before a marker.
        *at += bytes[*at..].iter().position(|&byte| byte != 0xff)?;
        *at += 1;
        if bytes[*at - 1] != 0 {
            return Some(bytes[*at - 1]);
        }
    }
}

/// The bytes of an [`End::Open`] image with a filling and an end marker. If the image is whole, its pixels do not
/// depend on the filling; if it is not, the first missing block is made of it.
pub(super) fn closed(bytes: &[u8], filling: u8) -> Vec<u8> {
    // A last FF is half a marker.
    let bytes = bytes.strip_suffix(&[0xff]).unwrap_or(bytes);
    [bytes, &[filling; 256], &[0xff, 0xd9]].concat()
}

/// Fillings whose bits differ in every pattern that a code could begin with.
pub(super) const FILLINGS: [u8; 3] = [0x00, 0x6d, 0xb6];
