//! Layers that networks are made of, each as training computes it and prepared for inference.

pub(crate) mod conv_bn_act;
mod dropout;
mod head;

pub(crate) use conv_bn_act::{Conv, ConvBnAct, Folded, Pool};
pub use dropout::{DropoutStep, Mode};
pub(crate) use head::{Head, STUDY};
