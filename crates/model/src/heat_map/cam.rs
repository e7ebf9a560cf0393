//! Class activation maps: the last maps weighed by gradients.

use data::Batch;
use tch::{Kind, Tensor};

use super::{Coarse, HeatMap, HeatMapMethod, spread};
use crate::{Classifier, Error, NamedTensor, Result};

pub(super) fn heat_maps(
    classifier: &Classifier,
    batch: &Batch,
    classes: &[Option<usize>],
    method: HeatMapMethod,
) -> Result<Vec<HeatMap>> {
    let maps = classifier.network.maps(&classifier.input(batch)?)?.ok_or(Error::NoMaps { method })?;
    let filled = batch.filled as i64;
    // Gradients are taken with respect to the maps, not the weights: it does not matter which weights are frozen.
    let leaf = maps.values.f_detach()?.f_to_kind(Kind::Float)?.f_set_requires_grad(true)?;
    let logits = tch::with_grad(|| classifier.network.of_maps(&leaf))?.f_narrow(0, 0, filled)?;
    let said = classifier.said(&NamedTensor::copy_of("logits", &logits)?.values, classes)?;

    let indices: Vec<i64> = said.iter().map(|said| said.class as i64).collect();
    let indices = Tensor::f_from_slice(&indices)?.f_to_device(classifier.device())?.f_view([-1, 1])?;
    // Images are independent: the gradient of the sum is that of each image.
    let sum = tch::with_grad(|| logits.f_gather(1, &indices, false)?.f_sum(Kind::Float))?;
    let gradients = Tensor::f_run_backward(&[&sum], &[&leaf], false, false)?;

    let _guard = tch::no_grad_guard();
    let weighed = weigh(method, &leaf.f_narrow(0, 0, filled)?, &gradients[0].f_narrow(0, 0, filled)?)?;
    let NamedTensor { shape, values, .. } = NamedTensor::copy_of("heat maps", &weighed)?;
    let [_, rows, columns] = shape[..] else {
        return Err(Error::Spec(format!("maps of shape {shape:?} are no heat maps")));
    };
    let heat_maps = said.into_iter().zip(values.chunks_exact(rows * columns)).map(|(said, values)| {
        let coarse = Coarse { rows, columns, values: values.to_vec() };
        let values = spread::bilinear(&coarse, maps.places, batch.image_size);
        said.with(batch.image_size, values, coarse)
    });
    Ok(heat_maps.collect())
}

/// Weighs maps by gradients, both `[N, C, h, w]`. Returns heat maps `[N, h, w]` of either sign.
pub(super) fn weigh(method: HeatMapMethod, maps: &Tensor, gradients: &Tensor) -> Result<Tensor> {
    const PIXELS: [i64; 2] = [2, 3];
    let weights = match method {
        HeatMapMethod::GradCamPlusPlus => {
            // α·ReLU(g) of the paper's equations 5 and 19, α = g²/(2g² + ΣA·g³), where A is what ReLU left: so is the sum.
            let positive = gradients.f_relu()?;
            let sums = maps.f_sum_dim_intlist(PIXELS.as_slice(), true, Kind::Float)?.f_clamp_min(0.0)?;
            let below = sums.f_mul(&positive)?.f_add_scalar(2.0)?;
            positive.f_div(&below)?.f_sum_dim_intlist(PIXELS.as_slice(), true, Kind::Float)?
        }
        HeatMapMethod::HiResCam => gradients.shallow_clone(),
        HeatMapMethod::GradCam | HeatMapMethod::Occlusion => {
            gradients.f_mean_dim(PIXELS.as_slice(), true, Kind::Float)?
        }
    };
    Ok(maps.f_mul(&weights)?.f_sum_dim_intlist([1].as_slice(), false, Kind::Float)?)
}
