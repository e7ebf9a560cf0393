use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use data::{AugmentContext, Batch, EVALUATION_BATCH, ImageSet};
use model::Classifier;
use tch::{Kind, Tensor};

use crate::{Error, Event, Observer, Result};

/// Images of a set as input of the part of a network that is not frozen. Features of a frozen part are computed once and
/// cached, since nothing random comes before them.
pub struct Inputs<'a> {
    images: &'a ImageSet,
    kept: Option<CachedFeatures>,
}

/// Cached features of every image of a set, in their order.
pub(crate) struct CachedFeatures {
    rows: FeatureBytes,
    /// Bytes per image.
    row: usize,
    /// Dimensions of one image's features, channels last.
    shape: Vec<i64>,
    kind: Kind,
}

enum FeatureBytes {
    Memory(Vec<u8>),
    /// Unlinked file, which disappears with the process however that ends.
    Disk(File, PathBuf),
}

impl<'a> Inputs<'a> {
    /// Wraps the images themselves, which pass the whole network each time.
    pub fn images(images: &'a ImageSet) -> Self {
        Self { images, kept: None }
    }

    /// Computes the features of `classifier`'s frozen part, where it has one. More than `memory` bytes are kept in a file
    /// in `folder` instead. `None` if the observer stopped it.
    ///
    /// # Errors
    /// Errors of the network; a file that cannot be written.
    pub fn prepare(
        classifier: &Classifier,
        images: &'a ImageSet,
        memory: u64,
        folder: &Path,
        observer: &mut dyn Observer,
    ) -> Result<Option<Self>> {
        let mut inputs = Self::images(images);
        if !classifier.is_frozen() {
            return Ok(Some(inputs));
        }
        let mut done = 0;
        while done < images.len() {
            let batch = data::evaluation_batch(images, done)?;
            let features = channels_last(&classifier.features(&classifier.input(&batch)?)?)?;
            let kept = match &mut inputs.kept {
                Some(kept) => kept,
                empty => empty.insert(CachedFeatures::new(&features, images.len(), memory, folder)?),
            };
            kept.push(&features, batch.filled)?;
            done += batch.filled;
            if observer.on(&Event::FeaturesComputed { images: done, of: images.len() }).is_break() {
                return Ok(None);
            }
        }
        Ok(Some(inputs))
    }

    /// Set that the images come from.
    pub(crate) fn set(&self) -> &'a ImageSet {
        self.images
    }

    /// Starts to prepare an epoch's batches, the images changed by `augmenting`; cached features stay unchanged.
    pub(crate) fn feed(&self, batches: &[Vec<usize>], augmenting: AugmentContext) -> Result<InputFeed<'_>> {
        Ok(match &self.kept {
            Some(kept) => InputFeed::Kept(kept),
            None => InputFeed::Images(data::Prefetcher::start(self.images, batches, augmenting)?),
        })
    }

    /// Returns features of at most 32 images from `start` on, padded to 32, with the number of real images.
    pub(crate) fn evaluation_batch(&self, classifier: &Classifier, start: usize) -> Result<(Tensor, usize)> {
        match &self.kept {
            Some(kept) => {
                let indices = data::evaluation_indices(self.images.len(), start);
                let features = kept.batch(&indices, EVALUATION_BATCH)?;
                Ok((features.f_to_device(classifier.device())?, indices.len()))
            }
            None => {
                let batch = data::evaluation_batch(self.images, start)?;
                Ok((through(classifier, &batch)?, batch.filled))
            }
        }
    }
}

/// Inputs of one epoch.
pub(crate) enum InputFeed<'a> {
    Kept(&'a CachedFeatures),
    Images(data::Prefetcher),
}

impl InputFeed<'_> {
    /// Returns features of the next batch, whose images are `indices`.
    pub(crate) fn next(&mut self, classifier: &Classifier, indices: &[usize]) -> Result<Tensor> {
        match self {
            Self::Kept(kept) => Ok(kept.batch(indices, indices.len())?.f_to_device(classifier.device())?),
            Self::Images(feed) => {
                let batch =
                    feed.next().ok_or_else(|| Error::Config("an epoch has no batch left".to_owned()))?;
                through(classifier, &batch?)
            }
        }
    }

    /// Time that training waited for images.
    pub(crate) fn waited(&self) -> Duration {
        match self {
            Self::Kept(_) => Duration::ZERO,
            Self::Images(feed) => feed.waited(),
        }
    }
}

fn through(classifier: &Classifier, batch: &Batch) -> Result<Tensor> {
    Ok(classifier.features(&classifier.input(batch)?)?)
}

/// Lays maps out as the network has them in memory, `[N, h, w, C]`; `[N, F]` stays.
fn channels_last(features: &Tensor) -> Result<Tensor> {
    match features.dim() {
        4 => Ok(features.f_permute([0, 2, 3, 1])?.f_contiguous()?),
        _ => Ok(features.f_contiguous()?),
    }
}

impl CachedFeatures {
    fn new(features: &Tensor, images: usize, memory: u64, folder: &Path) -> Result<Self> {
        let size = features.size();
        let values: i64 = size[1..].iter().product();
        let row = values as usize * features.kind().elt_size_in_bytes();
        let rows = match (row * images) as u64 <= memory {
            true => FeatureBytes::Memory(Vec::with_capacity(row * images)),
            false => {
                let file =
                    tempfile::tempfile_in(folder).map_err(|source| io_error("write in", folder, source))?;
                tracing::info!("features of {images} images take {} MB: kept on disk", (row * images) >> 20);
                FeatureBytes::Disk(file, folder.to_owned())
            }
        };
        Ok(Self { rows, row, shape: size[1..].to_vec(), kind: features.kind() })
    }

    /// Adds features of the first `filled` images of a batch.
    fn push(&mut self, features: &Tensor, filled: usize) -> Result<()> {
        let features = features.f_narrow(0, 0, filled as i64)?.f_to_device(tch::Device::Cpu)?;
        let mut bytes = vec![0; filled * self.row];
        features.f_copy_data_u8(&mut bytes, features.numel())?;
        match &mut self.rows {
            FeatureBytes::Memory(rows) => rows.extend(bytes),
            FeatureBytes::Disk(file, folder) => {
                file.write_all(&bytes).map_err(|source| io_error("keep features in", folder, source))?;
            }
        }
        Ok(())
    }

    /// Returns features of the chosen images, padded with zeros to `n`.
    fn batch(&self, indices: &[usize], n: usize) -> Result<Tensor> {
        let mut bytes = vec![0; n * self.row];
        for (&index, row) in indices.iter().zip(bytes.chunks_exact_mut(self.row)) {
            let start = index * self.row;
            match &self.rows {
                FeatureBytes::Memory(rows) => row.copy_from_slice(&rows[start..start + self.row]),
                FeatureBytes::Disk(file, folder) => {
                    let mut file = file;
                    file.seek(SeekFrom::Start(start as u64))
                        .and_then(|_| file.read_exact(row))
                        .map_err(|source| io_error("read features in", folder, source))?;
                }
            }
        }
        let shape: Vec<i64> = [n as i64].into_iter().chain(self.shape.iter().copied()).collect();
        let features = Tensor::f_from_data_size(&bytes, &shape, self.kind)?;
        Ok(if shape.len() == 4 { features.f_permute([0, 3, 1, 2])? } else { features })
    }
}

fn io_error(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    experiment::Error::Io { action, path: path.to_owned(), source }.into()
}

#[cfg(test)]
mod tests;
