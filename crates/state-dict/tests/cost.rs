//! Memory that files take, counted: of a large file hardly more than its size, of hostile ones no more than the limits.
//! Allocations are counted in the whole program, so that this is one test alone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails so")]

use std::path::Path;

use peak_alloc::PeakAlloc;

#[path = "../src/tests/files.rs"]
mod files;

use files::{Pickle, Written, files, stream, zip};

#[global_allocator]
static PEAK: PeakAlloc = PeakAlloc;

/// MiB that reading a file takes at most, beyond what is taken before.
fn megabytes(read: impl FnOnce() -> bool) -> f32 {
    PEAK.reset_peak_usage();
    let before = PEAK.current_usage_as_mb();
    read();
    PEAK.peak_usage_as_mb() - before
}

fn decoded(file: &[u8]) -> f32 {
    megabytes(|| state_dict::decode(file, Path::new("w.pth")).is_ok())
}

#[test]
fn memory_stays_within_the_limits() {
    // Eight tensors of 4 MiB: their bytes, and one more storage for what is transposed.
    let side = 1024;
    let names = ["0", "1", "2", "3", "4", "5", "6", "7"];
    let tensors = names.map(|key| Written::new(key, key, side * side, &[side, side], &[side, 1]));
    let bytes = vec![1; 4 << 20];
    let zipped: Vec<(&str, &[u8])> = names.iter().map(|key| (*key, bytes.as_slice())).collect();
    let streamed: Vec<(&str, i64, &[u8])> =
        zipped.iter().map(|(key, bytes)| (*key, side * side, *bytes)).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.pth");
    for (strides, most) in [([side, 1], 33.0), ([1, side], 37.0)] {
        let tensors = tensors.clone().map(|tensor| Written { strides: strides.to_vec(), ..tensor });
        let pickle = Pickle::new().tensors(&tensors, b"").end();
        for file in [zip(&pickle, &zipped), stream(&pickle, &streamed)] {
            std::fs::write(&path, &file).unwrap();
            drop(file);
            let taken = megabytes(|| state_dict::read(&path).unwrap().len() == 8);
            assert!((32.0..most).contains(&taken), "{taken} MiB");
        }
    }

    // Small files, whatever their bytes say.
    for file in files() {
        let end = file.len();
        let mut most = 0.0_f32;
        for at in 0..end {
            most = most.max(decoded(&file[..at]));
            for change in [1, 0x40, 0x80, 0xff] {
                let mut file = file.clone();
                file[at] ^= change;
                most = most.max(decoded(&file));
            }
        }
        assert!(most < 20.0, "{most} MiB");
    }

    // Instructions that take the most of their byte.
    for instructions in
        [b"N".as_slice(), b"(", b"]", b"}", b"(l0", b"]q\x01", b"K\x01r\x01\x02\x03\x04", b"\x80\x02N2222222"]
    {
        let pickle = Pickle::new().raw(&instructions.repeat((16 << 20) / instructions.len() - 1)).end();
        let taken = decoded(&zip(&pickle, &[]));
        assert!(taken < 260.0, "{instructions:?}: {taken} MiB");
    }
}
