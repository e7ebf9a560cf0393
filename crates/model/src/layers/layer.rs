//! Layers on maps `[N, C, h, w]` that networks are put together from, and the stage that runs them.

use tch::{Kind, Tensor};

use super::NonLinearity;
use crate::{
    Result,
    stage::{Activations, Pass, Places, Prepared, Stage},
};

/// Channels of maps, and their side in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MapSize {
    pub(crate) channels: i64,
    pub(crate) side: i64,
}

impl MapSize {
    /// Counts the values in the maps of one image.
    pub(crate) fn values(self) -> i64 {
        self.channels * self.side * self.side
    }

    /// Returns the side of the maps that a window makes which slides over these.
    pub(crate) fn slid_side(self, kernel: i64, stride: i64, padding: i64) -> i64 {
        ((self.side + 2 * padding - kernel) / stride + 1).max(0)
    }
}

/// Layer on maps, from `[N, C, h, w]` to `[N, C, h, w]`.
pub(crate) trait Layer {
    /// Returns every tensor that belongs into the network's file, trainable or not.
    fn tensors(&self) -> Vec<(String, &Tensor)> {
        Vec::new()
    }

    /// Returns the tensors that are trained.
    fn parameters(&self) -> Vec<(String, &Tensor)> {
        Vec::new()
    }

    /// Runs the layer on `x`, which is in the precision of the pass, with gradients.
    fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor>;

    /// Prepares the layer with its current weights, in the fewest steps.
    fn for_inference(&self, compute: Kind) -> Result<Prepared<'static>>;

    /// Returns the size of the maps that the layer makes of maps of this size.
    fn output(&self, from: MapSize) -> MapSize;

    /// Counts the values that a training step keeps for its backward pass, of one image.
    fn kept(&self, from: MapSize) -> i64;

    /// Finds the positions of the output's values on the image from those of the input's.
    fn places(&self, from: Places) -> Places;
}

/// Layers that run one after the other.
pub(crate) struct Sequence(pub(crate) Vec<Box<dyn Layer>>);

impl Layer for Sequence {
    fn tensors(&self) -> Vec<(String, &Tensor)> {
        self.0.iter().flat_map(|layer| layer.tensors()).collect()
    }

    fn parameters(&self) -> Vec<(String, &Tensor)> {
        self.0.iter().flat_map(|layer| layer.parameters()).collect()
    }

    fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        self.0.iter().try_fold(x.shallow_clone(), |x, layer| layer.forward(&x, pass))
    }

    fn for_inference(&self, compute: Kind) -> Result<Prepared<'static>> {
        let layers: Vec<_> =
            self.0.iter().map(|layer| layer.for_inference(compute)).collect::<Result<_>>()?;
        Ok(Box::new(move |x| layers.iter().try_fold(x.shallow_clone(), |x, layer| layer(&x))))
    }

    fn output(&self, from: MapSize) -> MapSize {
        self.0.iter().fold(from, |size, layer| layer.output(size))
    }

    fn kept(&self, from: MapSize) -> i64 {
        let (mut kept, mut size) = (0, from);
        for layer in &self.0 {
            kept += layer.kept(size);
            size = layer.output(size);
        }
        kept
    }

    fn places(&self, from: Places) -> Places {
        self.0.iter().fold(from, |places, layer| layer.places(places))
    }
}

/// Sum of what a body and a shortcut make of the same maps, and a non-linearity (He et al. 2016, "Deep Residual Learning for
/// Image Recognition").
pub(crate) struct Residual {
    pub(crate) body: Sequence,
    /// Layers of the shortcut; none where the maps themselves are added.
    pub(crate) shortcut: Sequence,
    pub(crate) after: NonLinearity,
}

impl Layer for Residual {
    fn tensors(&self) -> Vec<(String, &Tensor)> {
        [self.body.tensors(), self.shortcut.tensors()].concat()
    }

    fn parameters(&self) -> Vec<(String, &Tensor)> {
        [self.body.parameters(), self.shortcut.parameters()].concat()
    }

    fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        self.after.apply_to(self.body.forward(x, pass)?.f_add(&self.shortcut.forward(x, pass)?)?)
    }

    fn for_inference(&self, compute: Kind) -> Result<Prepared<'static>> {
        let (body, shortcut) = (self.body.for_inference(compute)?, self.shortcut.for_inference(compute)?);
        let after = self.after;
        Ok(Box::new(move |x| after.apply_to(body(x)?.f_add_(&shortcut(x)?)?)))
    }

    fn output(&self, from: MapSize) -> MapSize {
        self.body.output(from)
    }

    fn kept(&self, from: MapSize) -> i64 {
        self.body.kept(from) + self.shortcut.kept(from) + self.output(from).values()
    }

    fn places(&self, from: Places) -> Places {
        self.body.places(from)
    }
}

/// Maps with those behind them that a body makes of them (Huang et al. 2017, "Densely Connected Convolutional Networks").
pub(crate) struct DenseConnection(pub(crate) Sequence);

impl Layer for DenseConnection {
    fn tensors(&self) -> Vec<(String, &Tensor)> {
        self.0.tensors()
    }

    fn parameters(&self) -> Vec<(String, &Tensor)> {
        self.0.parameters()
    }

    fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        Ok(Tensor::f_cat(&[x, &self.0.forward(x, pass)?], 1)?)
    }

    fn for_inference(&self, compute: Kind) -> Result<Prepared<'static>> {
        let body = self.0.for_inference(compute)?;
        Ok(Box::new(move |x| Ok(Tensor::f_cat(&[x, &body(x)?], 1)?)))
    }

    fn output(&self, from: MapSize) -> MapSize {
        MapSize { channels: from.channels + self.0.output(from).channels, ..from }
    }

    fn kept(&self, from: MapSize) -> i64 {
        self.0.kept(from) + self.output(from).values()
    }

    fn places(&self, from: Places) -> Places {
        from
    }
}

/// Window of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// Maximum of 3×3, stride 2, padding 1.
    Maximum,
    /// Mean of 2×2, stride 2.
    Mean,
}

impl Pooling {
    /// Returns kernel, stride and padding.
    fn window(self) -> [i64; 3] {
        match self {
            Self::Maximum => [3, 2, 1],
            Self::Mean => [2, 2, 0],
        }
    }

    fn apply(self, x: &Tensor) -> Result<Tensor> {
        let [kernel, stride, padding] = self.window();
        Ok(match self {
            Self::Maximum => x.f_max_pool2d(kernel, stride, padding, 1, false)?,
            Self::Mean => x.f_avg_pool2d(kernel, stride, padding, false, true, None::<i64>)?,
        })
    }
}

impl Layer for Pooling {
    fn forward(&self, x: &Tensor, _: &Pass) -> Result<Tensor> {
        self.apply(x)
    }

    fn for_inference(&self, _: Kind) -> Result<Prepared<'static>> {
        let pooling = *self;
        Ok(Box::new(move |x| pooling.apply(x)))
    }

    fn output(&self, from: MapSize) -> MapSize {
        let [kernel, stride, padding] = self.window();
        MapSize { side: from.slid_side(kernel, stride, padding), ..from }
    }

    fn kept(&self, from: MapSize) -> i64 {
        // Indices of a maximum have eight bytes each.
        self.output(from).values() * if *self == Self::Maximum { 3 } else { 1 }
    }

    fn places(&self, from: Places) -> Places {
        let [kernel, stride, padding] = self.window();
        from.slid(kernel, stride, padding)
    }
}

/// Stage of a network that consists of layers.
pub(crate) struct LayerStage {
    pub(crate) name: String,
    pub(crate) layers: Sequence,
    /// Channels of the maps that it takes.
    pub(crate) input: i64,
}

impl Stage for LayerStage {
    fn name(&self) -> &str {
        &self.name
    }

    fn tensors(&self) -> Vec<(String, &Tensor)> {
        self.layers.tensors()
    }

    fn parameters(&self) -> Vec<(String, &Tensor)> {
        self.layers.parameters()
    }

    fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        self.layers.forward(x, pass)
    }

    fn for_inference(&self, compute: Kind, _: bool) -> Result<Prepared<'static>> {
        self.layers.for_inference(compute)
    }

    fn activations(&self, side: i64) -> Activations {
        let from = MapSize { channels: self.input, side };
        Activations { kept: self.layers.kept(from), side: self.layers.output(from).side }
    }

    fn places(&self, from: Places) -> Option<Places> {
        Some(self.layers.places(from))
    }
}
