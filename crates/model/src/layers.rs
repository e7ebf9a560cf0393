//! Layers that networks are made of, each as training computes it and prepared for inference.

pub(crate) mod conv_bn_act;
mod dropout;
mod head;

pub(crate) use conv_bn_act::{Conv, ConvBnAct, Folded, Pool, Statistics};
pub use dropout::DropoutStep;
pub(crate) use head::Head;
