//! Reading, writing, locking and naming of files, for every crate.
//!
//! Contents: [`FileWriter`], the one way in which a file comes to its name; [`remove_temporary`], which clears up what kills
//! left of it; [`refuse_link`]; [`FileLock`], a lock between processes; [`open_regular`] and [`read_text`], which read files
//! that anyone may have put there; [`open_own`], for files that no other user may have written; and [`shown`] and [`stored`],
//! names of files as people and as programs read them.
//! Must not know: any other crate of the workspace.
//!
//! Outside libraries: **tempfile** draws random names and creates files under them exclusively, and **libc** names the flag
//! that keeps `open` from following links. **rustix** asks for the user and the kind of file system without unsafe code; tempfile
//! brings it anyway.

pub mod attributes;
pub mod csv_text;
mod file_lock;
mod file_reader;
mod file_writer;
mod names;
pub mod random;

pub use file_lock::FileLock;
pub use file_reader::{
    check_own, open_own, open_regular, read_bounded, read_rest, read_text, read_up_to, real_place,
};
pub use file_writer::{FileWriter, is_temporary, open_no_link, place_new, refuse_link, remove_temporary};
pub use names::{escape_line, from_stored, shown, spreadsheet_safe, stored, without_apostrophe};
