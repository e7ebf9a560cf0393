//! Layers that networks are made of, each as training computes it and prepared for inference.

mod batch_norm;
pub(crate) mod conv_bn_act;
mod convolution;
mod dropout;
mod head;
mod layer;
mod non_linearity;

pub(crate) use batch_norm::{BatchNorm, BatchNormAct, BatchNormRule};
pub(crate) use conv_bn_act::{Conv, ConvBnAct, Folded, Pool};
pub(crate) use convolution::{ConvNormAct, ConvShape, Padding, PlainConv};
pub use dropout::{DropoutStep, Mode};
pub(crate) use head::{Head, STUDY};
pub(crate) use layer::{DenseConnection, Layer, LayerStage, Pooling, Residual, Sequence};
pub(crate) use non_linearity::NonLinearity;
