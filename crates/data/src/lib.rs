//! From folders and files to 8-bit images in memory, their labels and their splits; and the synthetic sample.
//!
//! What this crate holds: [`scan`](fn@scan) and [`split`] in Keras' order, [`decode`](fn@decode) by content and
//! [`resize`](fn@resize) exactly as Pillow where that matters, [`load`](fn@load) on all cores, batches, phantoms, and
//! the generator that everything [`random`] in Thorax comes from.
//! What it must not know: tensors, the terminal. It builds and tests with no libtorch on the machine.
//!
//! Outside libraries: **image** decodes what is no PNG (the ecosystem's own decoders, bounded in memory, one
//! interface), **png** reads PNG rows without conversion and writes the sample (twice as fast as a general decode),
//! **fast_image_resize** resamples with antialiasing (SIMD, Pillow's own algorithm), **rayon** uses all cores,
//! **rand_chacha** is the counter-based generator (specified to the bit), **sha2** fingerprints a data set.

mod audit;
mod batch;
mod decode;
mod error;
mod formats;
mod load;
mod phantom;
mod pixels;
pub mod random;
mod resize;
mod sample;
mod scan;
pub mod split;

pub use audit::{
    Audit, AuditSet, AuditedImage, CopyKind, CopyPair, DuplicateFinder, FactStrength, FileFacts, NEAR,
    Oddity, SharedGroup, Sign, Source, audit, thumbnail,
};
pub use batch::{Batch, EVALUATION_BATCH, evaluation_batch, evaluation_indices, training_batches};
pub use decode::{decode, decode_resized};
pub use error::Error;
pub use formats::{Decoding, Formats};
pub use load::{BadImage, ImageSet, Loaded, Preprocess, fingerprint, load};
pub use pixels::{DecodeError, MAX_PIXELS, Pixels};
pub use resize::{Interpolation, nearest_columns, resize};
pub use sample::{SYNTHETIC_PREFIX, SampleOptions, SampleSummary, write_sample};
pub use scan::{ClassName, LeftOut, Listing, Part, Sample, counts, scan, scan_like};
pub use split::Split;
