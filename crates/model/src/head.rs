use tch::{Kind, Tensor};

use crate::{
    Mode, Result, dropout,
    network::{self, Parameter, Shapes, Tensors},
};

/// Sizes of the study's dense layers between the features and the classes.
const HIDDEN: [usize; 3] = [200, 100, 50];

/// Dense layers of the study on a pretrained network: dense 200, 100 and 50, each with ReLU and dropout 0.5, then dense C.
/// Always f32.
pub(crate) struct Head {
    /// Name, kernel `[out, in]` and bias of each layer.
    layers: Vec<(String, Tensor, Tensor)>,
}

fn names() -> Vec<String> {
    (1..=HIDDEN.len()).map(|i| format!("head.hidden_{i}")).chain(["head.output".to_owned()]).collect()
}

/// Returns names and shapes of the head's tensors.
pub(crate) fn shapes(features: usize, n_classes: usize) -> Shapes {
    let mut input = features;
    let sizes = HIDDEN.into_iter().chain([n_classes]);
    names()
        .into_iter()
        .zip(sizes)
        .flat_map(|(name, size)| {
            let kernel = vec![size, std::mem::replace(&mut input, size)];
            [(format!("{name}.weight"), kernel), (format!("{name}.bias"), vec![size])]
        })
        .collect()
}

/// Returns features `[N, F]`: means of maps `[N, F, h, w]` over their pixels, summed in f32; features pass unchanged.
pub(crate) fn pooled(x: &Tensor) -> Result<Tensor> {
    match x.dim() {
        4 => Ok(x.f_mean_dim([2, 3].as_slice(), false, Kind::Float)?),
        _ => Ok(x.shallow_clone()),
    }
}

impl Head {
    pub(crate) fn new(tensors: &mut Tensors) -> Result<Self> {
        let layer = |name: String| {
            let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
            Ok((name, tensors.take_leaf(&weight)?, tensors.take_leaf(&bias)?))
        };
        Ok(Self { layers: names().into_iter().map(layer).collect::<Result<_>>()? })
    }

    pub(crate) fn tensors(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.layers.iter().flat_map(|(name, weight, bias)| {
            [(format!("{name}.weight"), weight), (format!("{name}.bias"), bias)]
        })
    }

    pub(crate) fn parameters(&self) -> impl Iterator<Item = Parameter<'_>> {
        self.tensors().map(|(name, tensor)| Parameter { name, is_pretrained: false, tensor })
    }

    /// Computes f32 logits `[N, C]` of `features`, which are anything that [`pooled`] takes.
    pub(crate) fn forward(&self, features: &Tensor, mode: Mode) -> Result<Tensor> {
        let mut x = network::cast(&pooled(features)?, Kind::Float)?;
        for (index, (_, weight, bias)) in self.layers.iter().enumerate() {
            x = x.f_linear(weight, Some(bias))?;
            if index == HIDDEN.len() {
                break;
            }
            x = x.f_relu()?;
            if let Mode::Train(step) = mode {
                x = dropout::half(&x, &step, index as u64)?;
            }
        }
        Ok(x)
    }
}
