//! A run's figures and pictures in, one page and its plots out.
//!
//! What this crate holds: the [`Report`] that a page is made of, the [`page`] itself (HTML), its [`plots`] (SVG), and
//! [`Cases`], which images of a test are worth looking at.
//! What it must not know: tensors, files, how a picture is decoded. It builds and tests with no libtorch on the machine.
//!
//! A page is one file that needs no script and fetches nothing: its Content-Security-Policy forbids both, whatever a file or
//! a class is called. Every figure stands with its interval, and what has no value shows a dash and says why. What the page
//! says of how a model was made is derived from what the run says of itself.
//!
//! Plots are drawn by this crate's own SVG code and not by a plotting library: plotters, the one that is kept well, writes
//! colours and fonts into its files, so that a plot would stay white on a dark page. Here the same drawing takes the page's
//! colours where it is part of a page, light, dark or printed, and brings its own where it is a file. Colours are Okabe and
//! Ito's (2008), which the colour-blind can tell apart, and no plot relies on colours alone.
//!
//! Outside libraries: **maud** for HTML and SVG (checked when compiled, escapes all text by itself), **base64** for the pictures
//! in a page; in tests **roxmltree** reads the plots as XML.

mod audit;
mod cases;
mod number;
mod page;
mod plots;
mod report;
mod svg;

pub use self::audit::{Audit, Source};
pub use cases::{CASES, Cases};
pub use page::page;
pub use plots::plots;
pub use report::{Picture, Report, Test};

#[cfg(test)]
mod tests;
