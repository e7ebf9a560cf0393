//! Methods of heat maps.

use crate::names::names;

/// Method that a heat map is made by. The first three weigh the last maps of the convolutions, A of C channels, by the
/// gradients of the class' logit with respect to them, g; the last one needs no maps.
///
/// On a network whose last maps are averaged before its dense layers (InceptionV3, TorchScript backbones) every pixel of a
/// channel has the same gradient, so that Grad-CAM and HiResCAM are the same map. On the ConvNet, which flattens its maps, each
/// pixel has a weight of its own. There the mean over pixels represents none of them, so that Grad-CAM may highlight
/// regions that do not matter, while HiResCAM's map, negative values included, adds up to the logit but for the share of
/// the biases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeatMapMethod {
    /// A weighed by the mean of g over a channel (Selvaraju et al. 2017, arXiv 1610.02391).
    GradCam,
    /// A weighed by a weighted mean of the positive g over a channel (Chattopadhyay et al. 2018, arXiv 1710.11063).
    GradCamPlusPlus,
    /// A weighed by g, each value by its own (Draelos and Carin 2020, arXiv 2011.08891).
    HiResCam,
    /// Fall of the class' log-odds, ln p/(1-p), when a patch hides a part of the image (Zeiler and Fergus 2014, arXiv
    /// 1311.2901): squares of [`HeatMapMethod::PATCH`] of the side, one every [`HeatMapMethod::STRIDE`] of it, in the mean gray of the
    /// pixels around them. A pixel's value is the mean over the patches that hide it.
    Occlusion,
}

names!(HeatMapMethod, "method", "grad-cam" => Self::GradCam, "grad-cam++" => Self::GradCamPlusPlus,
    "hires-cam" => Self::HiResCam, "occlusion" => Self::Occlusion);

impl HeatMapMethod {
    /// All methods, in the order in which they are listed to users.
    pub const ALL: [Self; 4] = [Self::GradCam, Self::GradCamPlusPlus, Self::HiResCam, Self::Occlusion];
    /// Side of an occluding patch as a share of the image's side.
    pub const PATCH: f64 = 0.2;
    /// Distance between patches as a share of the image's side.
    pub const STRIDE: f64 = 0.1;
}
