//! Data sets: from folders and files to 8-bit images in memory, their labels and their splits.
//!
//! Contents: [`open`] lists data sets in Keras' order, [`split`] parts them, [`manifest`] reads and writes them as CSV and
//! [`lay_out`] as folders; [`decode`](fn@decode) by content and [`resize`](fn@resize) exactly as Pillow where that matters,
//! [`load`](fn@load) on all cores, batches, and an [`Occlusion`] of parts of images.
//! Must not know: tensors, the terminal. It builds and tests with no libtorch on the machine.
//!
//! Outside libraries: **image** decodes what is no PNG (the ecosystem's own decoders, bounded in memory, one
//! interface), **png** reads PNG rows without conversion and writes it (twice as fast as a general decode),
//! **fast_image_resize** resamples with antialiasing (SIMD, Pillow's own algorithm), **rayon** uses all cores,
//! **csv** reads and writes manifests (quoting is its job), **regex** finds groups in file names (linear time, whatever the
//! expression), **sha2** fingerprints a data set, and
//! **crc32fast** checks what is read from a cache (it is in the tree already, and faster than the memory it reads). What DICOM
//! files compress their pixels with: **jpeg-decoder** (lossless JPEG, and colours as the file names them), **hayro-jpeg2000**
//! (JPEG 2000, without unsafe code; OpenJPEG's port is full of it), **flate2** (whole data sets, and label files too; png builds on it as well).
//! JPEG of 12 bits and JPEG-LS are our own (`decode/dicom/jpeg12.rs` and `jpegls.rs` say why); High-Throughput JPEG 2000 and
//! JPEG XL are refused by name, since hayro-jpeg2000 reads neither.
//! **strsim** finds the class that was probably meant (clap brings it anyway).
//! **unicode-normalization** tells names that are the same text in composed and decomposed letters (macOS stores the latter; the
//! standard's own tables, kept by the Unicode project of Rust, two small crates, a second to build).
//! TIFF is read here and only decompressed by libraries: **flate2**, **weezl** (LZW), **jpeg-decoder**, and the code tables of
//! **fax** (CCITT); **gif** gives the colours that GIF hides under transparency. All were in the tree already, by the image
//! crate. **colorous** is the colours of heat maps (matplotlib's table of inferno and no more: no dependencies, a second to
//! build).

mod annotation;
mod appearance;
mod augment;
mod batch;
mod cache;
mod close;
mod csv_file;
mod decode;
mod encode;
mod error;
mod feed;
mod finding_options;
mod formats;
mod group;
mod images;
mod label_files;
mod label_format;
pub mod lay_out;
mod layout;
mod left_out;
mod listing;
mod load;
pub mod manifest;
mod observer;
mod occlusion;
mod open_options;
mod output_folder;
mod output_kind;
mod overlay;
mod part;
mod pixels;
mod preprocess;
mod read;
mod resize;
mod scan;
mod sheet;
pub mod split;
mod store;
mod thumbnail;
mod unicode;
mod walk;

pub use annotation::{Annotation, Finding, LabelCounts, Mark};
pub use appearance::{Appearance, Aspect};
pub use augment::{AugmentContext, Augmentation, augment};
pub use batch::{Batch, EVALUATION_BATCH, evaluation_indices, training_batches};
pub use cache::{CACHE_LIMIT, Cache, CacheSize, CachedNote};
pub use decode::{DecodeCost, catch_panic, decode, decode_resized, is_panic_caught, sniff};
pub use encode::{encode_png, encode_png_16};
pub use error::Error;
pub use feed::Prefetcher;
pub use finding_options::{BlankRule, FindingOptions, Readers, UncertainPolicy, UncertainRule};
pub use formats::{Decoding, Formats};
pub use group::{GroupPattern, GroupRule};
pub use images::{ImageSet, evaluation_batch, fingerprint};
pub use label_files::{ImageNames, label_file_text, write_label_file};
pub use label_format::LabelFormat;
pub use layout::{open, open_observed};
pub use left_out::{LeftOut, PARTIAL, Reason, is_leftover_folder};
pub use listing::{ClassName, Layout, Listing, Remark, SYNTHETIC_PREFIX, Sample, counts, label_counts};
pub use load::{BadImage, Loaded, check, load};
pub use observer::{FileObserver, Unobserved};
pub use occlusion::Occlusion;
pub use open_options::{Classes, OpenOptions};
pub use output_folder::{MARKER, create_output_folder, is_heat_map, output_kind};
pub use output_kind::OutputKind;
pub use overlay::{heat_colour, overlay};
pub use part::Part;
pub use pixels::{DecodeError, DecodeNotes, Decoded, MAX_PIXELS, Pixels};
pub use preprocess::Preprocess;
pub use read::{read_file, read_resized};
pub use resize::{Interpolation, nearest_columns, resize};
pub use sheet::augmented_sheet;
pub use split::Split;
pub use thumbnail::thumbnail;
pub use unicode::Likeness;
pub use walk::{has_image_extension, judge_file};
