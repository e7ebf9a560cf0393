//! The study's ConvNet: conv 32 3×3 ReLU, max pool 2, dropout 0.5, flatten, dense 256 ReLU, dense C.

use std::rc::Rc;

use tch::{Kind, Tensor};

use crate::{
    Architecture, HeatMapMethod, InputScale, Precision, PrecisionChoice, Result,
    architecture::{Dimensions, PretrainedPart},
    backbone::Module,
    layers::Head,
    stage::{self, Activations, Pass, Places, Prepared, Stage},
    tensors::Tensors,
};

/// Small network of the study.
pub static CONVNET: Architecture = Architecture {
    name: "convnet",
    image_size: 50,
    // The 3×3 convolution and the 2×2 pool must leave a pixel.
    min_image_size: 4,
    batch_size: 250,
    input_scale: InputScale::Unit,
    normalisation: None,
    precision: PrecisionChoice::Fixed(Precision::F32),
    has_bf16: true,
    // Its dense layers weigh each pixel of its maps by itself; the means of Grad-CAM lose that.
    heat_map: HeatMapMethod::HiResCam,
    pretrained: PretrainedPart::None,
    build,
};

const FILTERS: usize = 32;
const HIDDEN: usize = 256;
/// Number of images that are convolved and pooled together, so that their feature maps stay in the cache, forward and back.
const CHUNK: i64 = 50;

fn build(
    dimensions: Dimensions,
    _: Option<&Rc<Module>>,
    tensors: &mut Tensors,
) -> Result<(Vec<Box<dyn Stage>>, Head)> {
    let convolution = Convolution {
        weight: tensors.take_leaf("conv.weight", &[FILTERS as i64, 3, 3, 3])?,
        bias: tensors.take_leaf("conv.bias", &[FILTERS as i64])?,
    };
    let pooled = (dimensions.image_size - 2) / 2;
    let head = Head::flattened(pooled * pooled * FILTERS, HIDDEN, dimensions.n_classes, tensors)?;
    Ok((vec![Box::new(convolution)], head))
}

/// Convolution, max pool and ReLU: `[N, 3, S, S]` to `[N, 32, h, w]`, channels-last.
struct Convolution {
    weight: Tensor,
    bias: Tensor,
}

impl Convolution {
    /// Casts kernel and bias.
    fn cast(&self, compute: Kind) -> Result<Kernel> {
        let bias = stage::cast(&self.bias, compute)?.f_view([1, -1, 1, 1])?;
        Ok(Kernel { weight: stage::cast(&self.weight, compute)?, bias })
    }
}

struct Kernel {
    weight: Tensor,
    bias: Tensor,
}

impl Kernel {
    /// Computes the pooled maps, [`CHUNK`] images at a time.
    fn chunked(&self, images: &Tensor) -> Result<Tensor> {
        let chunks = images.f_split(CHUNK, 0)?;
        let maps: Vec<Tensor> = chunks.iter().map(|images| self.maps(images)).collect::<Result<_>>()?;
        Ok(Tensor::f_cat(&maps, 0)?)
    }

    /// The pool stands before bias and ReLU: both are monotonic, so the result is the same, on a quarter of the
    /// elements; and the bias' gradient, which libtorch sums slowly within a convolution's, costs next to nothing.
    fn maps(&self, images: &Tensor) -> Result<Tensor> {
        let x = images.f_conv2d(&self.weight, None::<&Tensor>, 1, 0, 1, 1)?;
        Ok(x.f_max_pool2d(2, 2, 0, 1, false)?.f_add_(&self.bias)?.f_relu_()?)
    }
}

impl Stage for Convolution {
    fn name(&self) -> &str {
        "conv"
    }

    fn tensors(&self) -> Vec<(String, &Tensor)> {
        vec![("conv.weight".to_owned(), &self.weight), ("conv.bias".to_owned(), &self.bias)]
    }

    fn parameters(&self) -> Vec<(String, &Tensor)> {
        self.tensors()
    }

    fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        self.cast(pass.compute)?.chunked(x)
    }

    /// A traced pass runs all images in one piece: chunks serve speed only.
    fn for_inference(&self, compute: Kind, traced: bool) -> Result<Prepared<'static>> {
        let kernel = self.cast(compute)?;
        Ok(match traced {
            true => Box::new(move |x| kernel.maps(x)),
            false => Box::new(move |x| kernel.chunked(x)),
        })
    }

    /// Counts convolved maps with their gradient, pooled ones with indices, masks and gradients, for f32. In bf16 the indices,
    /// which have eight bytes, make up a larger part.
    fn activations(&self, side: i64) -> Activations {
        let convolved = (side - 2).max(0);
        Activations { kept: 3 * FILTERS as i64 * convolved * convolved, side: convolved / 2 }
    }

    fn places(&self, from: Places) -> Option<Places> {
        Some(from.slid(3, 1, 0).slid(2, 2, 0))
    }
}
