//! Report page of a run: its figures and pictures in, one HTML page and its plots out.
//!
//! This crate holds the [`Report`] that a page is made of, the [`page`] itself (HTML), the [`evaluation_page`] of predictions of any
//! program, its [`plots`] (SVG), and [`Cases`], the
//! images of a test that deserve a look. It must not know tensors, files, or the decoding of pictures. It builds and tests with
//! no libtorch on the machine.
//!
//! A page is one file that needs no script and fetches nothing: its Content-Security-Policy forbids both, regardless of the
//! names of files and classes. Every figure stands with its interval, and a figure without a value shows a dash and the reason.
//! Statements on the making of a model are derived from the run's own files.
//!
//! Plots are drawn by this crate's own SVG code and not by a plotting library: plotters, the best maintained one, writes
//! colours and fonts into its files, so that a plot would stay white on a dark page. Here the same drawing takes the page's
//! colours inside a page, light, dark or printed, and brings its own in a file. Colours are Okabe and Ito's (2008), which the
//! colour-blind can distinguish, and no plot relies on colours alone.
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

pub use self::audit::{AuditSummary, SourceLeakage};
pub use cases::{CASES, Cases, LabelCases};
pub use page::{evaluation_page, page};
pub use plots::plots;
pub use report::{EvaluatedPredictions, Picture, Report, Test};

#[cfg(test)]
mod tests;
