//! Export of a classifier as one self-contained TorchScript file: pixels in, probabilities out.

use std::io::{Cursor, Write as _};

use base::random::{Key, Purpose, Rng as _};
use tch::{CModule, Device, Kind, Tensor};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{Classifier, Error, NamedTensor, Precision, Result, module};

/// File in the archive that describes the module: `torch.jit.load(path, _extra_files={METADATA: ""})`.
pub const METADATA: &str = "thorax.json";

/// Name of the archive's one folder; libtorch takes it from the name of the file that it writes.
const ARCHIVE: &str = "classifier";

/// Traced network: see [`Classifier::export`].
pub struct Exported {
    /// Bytes of the TorchScript file.
    pub file: Vec<u8>,
    /// Largest difference in any probability from the classifier, on random images.
    pub difference: f32,
}

impl Classifier {
    /// Exports the classifier as a TorchScript file from 8-bit pixels `[N, 3, S, S]`, red before green before blue, to
    /// probabilities `[N, C]`: scaling, network, temperature and softmax (or, of labels, the logistic function), traced on the CPU. `metadata` is stored with it
    /// as [`METADATA`]. The file is loaded again and compared on random images in batches of 1 and of 3.
    ///
    /// # Errors
    /// A network that gives other results once it is traced, such as a TorchScript backbone with branches;
    /// [`Error::NotFinite`]; errors of libtorch.
    pub fn export(self, metadata: &[u8]) -> Result<Exported> {
        if self.device() != Device::Cpu {
            return Err(Error::Export { problem: "it has to be on the CPU".to_owned() });
        }
        // A record holds weights as constants, which have no gradients.
        for parameter in self.parameters() {
            let _ = parameter.tensor.f_set_requires_grad(false)?;
        }
        let file = with_metadata(module::save(&self.recorded()?, ARCHIVE)?, metadata)?;
        let difference = self.difference(&file)?;
        let most = if self.spec().precision == Precision::F32 { 1e-5 } else { 0.02 };
        if difference > most {
            let problem =
                format!("its record differs from it by {difference} in probability on random images");
            return Err(Error::Export { problem });
        }
        Ok(Exported { file, difference })
    }

    fn recorded(&self) -> Result<CModule> {
        let _guard = tch::no_grad_guard();
        let (scaled, logits) = (self.scaling()?, self.network.graph()?);
        let activation = self.activation()?;
        let probabilities = |pixels: &Tensor| {
            let pixels = pixels.f_permute([0, 2, 3, 1])?.f_contiguous()?;
            activation.apply(&logits(&scaled(&pixels)?)?)
        };
        let side = self.spec().image_size as i64;
        let example = Tensor::f_zeros([2, 3, side, side], (Kind::Uint8, Device::Cpu))?;
        let mut failed = None;
        let module = CModule::create_by_tracing(ARCHIVE, "forward", &[example], &mut |inputs| {
            // tch offers no other way for a failure to leave this closure.
            vec![probabilities(&inputs[0]).unwrap_or_else(|error| {
                failed = Some(error);
                inputs[0].shallow_clone()
            })]
        });
        failed.map_or(Ok(module?), Err)
    }

    fn difference(&self, file: &[u8]) -> Result<f32> {
        let _guard = tch::no_grad_guard();
        let (module, ours) = (module::load(file, "the export".as_ref(), Device::Cpu)?, self.inference()?);
        let side = self.spec().image_size;
        let mut random = Key { seed: 28, epoch: 0, step: 0, purpose: Purpose::Phantom }.generator(0);
        let mut most = 0.0_f32;
        for n in [1, 3] {
            let mut pixels = vec![0; n * side * side * 3];
            random.fill_bytes(&mut pixels);
            let shape = [n as i64, side as i64, side as i64, 3];
            let tensor = Tensor::f_from_data_size(&pixels, &shape, Kind::Uint8)?.f_permute([0, 3, 1, 2])?;
            let theirs = module.forward_ts(&[tensor]).map_err(|error| Error::Export {
                problem: format!("its record cannot be run on {n} images: {}", module::reason(&error)),
            })?;
            let theirs = NamedTensor::copy_of("probabilities", &theirs)?.values;
            let ours = ours.probabilities(&data::Batch { pixels, n, filled: n, image_size: side })?;
            if theirs.len() != ours.len() {
                let problem = format!("its record makes {} numbers of {n} images", theirs.len());
                return Err(Error::Export { problem });
            }
            for (theirs, ours) in theirs.iter().zip(ours) {
                let difference = (theirs - ours).abs();
                // `f32::max` would ignore a NaN.
                if difference.is_nan() {
                    return Err(self.not_finite(0));
                }
                most = most.max(difference);
            }
        }
        Ok(most)
    }
}

/// Adds one more member to the archive, uncompressed: libtorch reads no other.
fn with_metadata(archive: Vec<u8>, metadata: &[u8]) -> Result<Vec<u8>> {
    let failed = |problem: String| Error::Export { problem };
    let mut archive =
        ZipWriter::new_append(Cursor::new(archive)).map_err(|error| failed(error.to_string()))?;
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    archive
        .start_file(format!("{ARCHIVE}/extra/{METADATA}"), stored)
        .and_then(|()| Ok(archive.write_all(metadata)?))
        .and_then(|()| archive.finish())
        .map(Cursor::into_inner)
        .map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use data::Interpolation;

    use super::*;
    use metrics::{Calibration, Temperature};

    use crate::{InputScale, Meta, Metric, Normalisation, Pretrained, Spec};

    fn classifier(
        architecture: &'static crate::Architecture,
        image_size: usize,
        precision: Precision,
    ) -> Classifier {
        let spec = Spec {
            task: metrics::Task::MultiClass,
            architecture,
            classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
            image_size,
            interpolation: Interpolation::Nearest,
            formats: Some(data::Formats::All),
            input_scale: InputScale::Signed,
            normalisation: Some(Normalisation { mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.4] }),
            precision,
        };
        Classifier::new(spec, Pretrained::None, 28, Device::Cpu).unwrap()
    }

    #[test]
    fn a_record_says_the_same_of_any_number_of_images() {
        for (architecture, side, precision, most) in [
            (&crate::CONVNET, 21, Precision::F32, 1e-5),
            (&crate::CONVNET, 50, Precision::Bf16, 0.02),
            (&crate::INCEPTION_V3, 80, Precision::F32, 1e-5),
            (&crate::DENSENET_121, 64, Precision::F32, 1e-5),
            (&crate::RESNET_50, 64, Precision::F32, 1e-5),
            (&crate::EFFICIENTNET_LITE0, 65, Precision::F32, 1e-5),
        ] {
            let exported = classifier(architecture, side, precision).export(b"{}").unwrap();
            assert!(exported.difference <= most, "{architecture} {precision}: {}", exported.difference);
        }
    }

    /// A temperature and colours in the wrong order would show.
    #[test]
    fn temperature_and_order_of_colours_are_inside() {
        let plain = classifier(&crate::CONVNET, 10, Precision::F32);
        let batch = data::Batch { pixels: [250, 10, 90].repeat(100), n: 1, filled: 1, image_size: 10 };
        let mut swapped = batch.clone();
        swapped.pixels = [90, 10, 250].repeat(100);
        let of = |classifier: &Classifier, batch: &data::Batch| {
            classifier.inference().unwrap().probabilities(batch).unwrap()
        };
        let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(distance(&of(&plain, &batch), &of(&plain, &swapped)) > 0.01);
        let before = of(&plain, &batch);
        let temperature = Temperature {
            value: 4.0,
            bound: None,
            images: 1,
            log_loss: [1.0; 2],
            expected_calibration_error: [0.1; 2],
        };
        let meta = Meta {
            spec: plain.spec().clone(),
            metric: Metric { name: "val_loss".to_owned(), value: 1.0 },
            epoch: 1,
            calibration: Calibration { temperature: Some(temperature), ..Calibration::default() },
            guard: None,
            training: None,
        };
        let checkpoint = plain.checkpoint(meta).unwrap();
        let warmer = Classifier::from_checkpoint(&checkpoint, "model".as_ref(), Device::Cpu).unwrap();
        let warm = of(&warmer, &batch);
        assert!(distance(&before, &warm) > 0.01);
        let file = warmer.export(b"{}").unwrap().file;
        let module = module::load(&file, "file".as_ref(), Device::Cpu).unwrap();
        let pixels =
            Tensor::from_data_size(&batch.pixels, &[1, 10, 10, 3], Kind::Uint8).permute([0, 3, 1, 2]);
        let theirs = NamedTensor::copy_of("", &module.forward_ts(&[pixels]).unwrap()).unwrap().values;
        assert!(distance(&theirs, &warm) < 1e-5);
    }

    #[test]
    fn the_metadata_is_in_the_archive_as_it_was_given() {
        use std::io::Read as _;
        let file = classifier(&crate::CONVNET, 10, Precision::F32).export(b"{\"a\":1}").unwrap().file;
        let mut archive = zip::ZipArchive::new(Cursor::new(file)).unwrap();
        let mut found = String::new();
        archive.by_name("classifier/extra/thorax.json").unwrap().read_to_string(&mut found).unwrap();
        assert_eq!(found, "{\"a\":1}");
        // The device is chosen when the file is loaded.
        let mut code = String::new();
        let name = "classifier/code/__torch__.py";
        archive.by_name(name).unwrap().read_to_string(&mut code).unwrap();
        assert!(code.contains("torch.softmax") && !code.contains("torch.device"), "{code}");
    }
}
