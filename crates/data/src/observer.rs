use std::path::Path;

/// Receiver of what happens while a data set is listed and its files are read. Several threads call it at once.
pub trait Observer: Sync {
    /// So many more files were listed.
    fn listed(&self, _files: usize) {}

    /// Reading and decoding of a file begins.
    fn started(&self, _path: &Path) {}

    /// It is over, whatever came of it.
    fn finished(&self, _path: &Path) {}
}

/// Observer to whom nothing matters.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

impl Observer for Unobserved {}

/// Called once a file that was read.
impl<F: Fn() + Sync> Observer for F {
    fn finished(&self, _path: &Path) {
        self();
    }
}
