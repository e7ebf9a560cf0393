//! Files as every crate writes and locks them.
//!
//! What this crate holds: [`FileWriter`], the one way in which a file comes to its name; [`remove_temporary`], which clears up
//! what kills left of it; [`refuse_link`]; and [`FileLock`], a lock between processes.
//! What it must not know: any other crate of the workspace.
//!
//! Outside libraries: **tempfile** draws random names and creates files under them exclusively, and **libc** names the flag
//! that keeps `open` from following links.

mod file_lock;
mod file_writer;

pub use file_lock::FileLock;
pub use file_writer::{FileWriter, is_temporary, open_no_link, place_new, refuse_link, remove_temporary};
