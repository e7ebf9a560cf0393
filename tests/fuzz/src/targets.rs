//! Every target by its name.

use image::ImageFormat;

/// What is fuzzed, and from what on.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// What one input may take, in MiB.
    pub(crate) megabytes: usize,
    pub(crate) run: fn(&[u8]),
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them; those of libtorch only where it is linked.
pub(crate) fn all() -> Vec<Target> {
    let image = |name, run, seeds| Target { name, megabytes: crate::images::MEGABYTES, run, seeds };
    #[cfg_attr(not(feature = "torch"), expect(unused_mut, reason = "nothing is added without libtorch"))]
    let mut all = vec![
        image("png", |input| crate::images::run(ImageFormat::Png, input), crate::images::png),
        image("jpeg", |input| crate::images::run(ImageFormat::Jpeg, input), crate::images::jpeg),
        image("bmp", |input| crate::images::run(ImageFormat::Bmp, input), crate::images::bmp),
        image("tiff", |input| crate::images::run(ImageFormat::Tiff, input), crate::images::tiff),
        image("webp", |input| crate::images::run(ImageFormat::WebP, input), crate::images::webp),
        image("gif", |input| crate::images::run(ImageFormat::Gif, input), crate::images::gif),
        image("pnm", |input| crate::images::run(ImageFormat::Pnm, input), crate::images::pnm),
        image("dicom", crate::dicom::dicom, crate::dicom::seeds),
        image("jpeg2000", crate::dicom::jpeg2000, crate::dicom::jpeg2000_seeds),
        image("jpegls", crate::dicom::jpeg, crate::dicom::jpeg_seeds),
        Target {
            name: "manifest",
            megabytes: 256,
            run: crate::manifests::run,
            seeds: crate::manifests::seeds,
        },
        Target { name: "recipe", megabytes: 256, run: crate::recipes::run, seeds: crate::recipes::seeds },
        Target { name: "cache", megabytes: 256, run: crate::caches::run, seeds: crate::caches::seeds },
        Target { name: "archive", megabytes: 256, run: crate::fetch::run, seeds: crate::fetch::seeds },
        Target { name: "weights", megabytes: 64, run: crate::weights::run, seeds: crate::weights::seeds },
        Target {
            name: "weights-pickle",
            megabytes: 64,
            run: crate::weights::pickle,
            seeds: crate::weights::pickle_seeds,
        },
    ];
    #[cfg(feature = "torch")]
    all.extend(crate::torch::targets());
    all
}
