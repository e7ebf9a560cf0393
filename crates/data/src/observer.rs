use std::path::Path;

/// Receiver of what happens while a data set is listed and its files are read. Several threads call it at once.
pub trait FileObserver: Sync {
    /// Called when so many more files are listed.
    fn listed(&self, _files: usize) {}

    /// Called when reading and decoding of a file begins.
    fn started(&self, _path: &Path) {}

    /// Called when it is over, with an image or without.
    fn finished(&self, _path: &Path) {}
}

/// Observer that does nothing.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

impl FileObserver for Unobserved {}

/// Called once a file that was read.
impl<F: Fn() + Sync> FileObserver for F {
    fn finished(&self, _path: &Path) {
        self();
    }
}
