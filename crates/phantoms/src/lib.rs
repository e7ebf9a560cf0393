//! Chest phantoms: drawings that stand in for radiographs where there are none. They show no patient.
//!
//! A body is drawn as what it holds back of the rays, soft parts first, then illness, then bones; then a film of it is
//! exposed. Air comes out dark and bone white. Everything varies from one phantom to the next, so that a network
//! has to find the illness itself.
//!
//! This crate holds [`write_sample`], the synthetic sample in folders like those of the study; [`write_multi_label_sample`],
//! phantoms with several findings each and their label file; and [`draw`] and [`planted`], one phantom. It must not know
//! tensors or the terminal. It builds and tests with no libtorch on the machine.
//!
//! Outside libraries: **png** writes images (fast compression, which the general encoder does not offer), **rayon** draws on all
//! cores.

mod drawing;
mod files;
mod multi_label;
mod sample;

pub use drawing::{Finding, Pathology, Planted, draw, least_nodule_radius, planted};
pub use multi_label::{MultiLabelOptions, MultiLabelSummary, PathologyCounts, write_multi_label_sample};
pub use sample::{SampleOptions, SampleSummary, write_sample};
