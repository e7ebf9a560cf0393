use crate::DecodeError;

/// Makes an error that has none of the file's words in it.
pub(super) fn damaged(what: &'static str) -> DecodeError {
    DecodeError::Damaged(what.to_owned())
}
