//! Faults of decoders, which are errors of the file that they met.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::DecodeError;

thread_local! {
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Runs a decoder. A panic in it becomes the file's error: other people's decoders have bugs that only damaged or rare files
/// meet, and none may end a program that has thousands of files to read.
///
/// # Errors
/// The decoder's own; [`DecodeError::Damaged`] where it panics, without the panic's words, which may be the file's.
pub fn catch_panic<T>(
    format: &str,
    decode: impl FnOnce() -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let outer = CAUGHT.replace(true);
    // What the decoder was at work on is dropped, or never looked at again.
    let decoded = catch_unwind(AssertUnwindSafe(decode));
    CAUGHT.set(outer);
    decoded.unwrap_or_else(|_| {
        Err(DecodeError::Damaged(format!("it does not fit together, and the {format} decoder failed at it")))
    })
}

/// Tells if a panic on this thread is caught by [`catch_panic`], so that a panic hook need not end the program.
pub fn is_panic_caught() -> bool {
    CAUGHT.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_what_follows_is_not_caught() {
        assert!(!is_panic_caught());
        let inner = || catch_panic("PNG", || Ok(is_panic_caught()));
        assert!(catch_panic("TIFF", || inner().map(|within| within && is_panic_caught())).unwrap());
        let values: [u8; 0] = [];
        let error = catch_panic("TIFF", || Ok(values[std::hint::black_box(0)])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "is damaged: it does not fit together, and the TIFF decoder failed at it"
        );
        assert!(!is_panic_caught());
    }
}
