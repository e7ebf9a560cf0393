use std::{fmt, path::PathBuf, str::FromStr};

use clap::Args;
use model::PrecisionChoice;

use super::threads;

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// Checkpoint, or a run's folder for its best weights [default: the latest run]
    #[arg(long, value_name = "PATH")]
    pub(crate) saved: Option<PathBuf>,
    /// File to write [default: the checkpoint's name with .pt, beside it]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Format of the file: torchscript
    #[arg(long, value_name = "FORMAT", default_value = "torchscript")]
    pub(crate) format: ExportFormat,
    /// Precision of the file's convolutions, on any machine: f32, bf16 or auto
    #[arg(long, value_name = "KIND", default_value = "f32")]
    pub(crate) precision: PrecisionChoice,
    /// Overwrite an existing file
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Threads for computing [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,
}

/// File format of an export. There is one; another is refused with the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExportFormat {
    TorchScript,
}

impl FromStr for ExportFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "torchscript" => Ok(Self::TorchScript),
            "onnx" => Err(
                "no well-kept library writes ONNX from Rust, and PyTorch's own exporter takes no TorchScript \
                     any more: torchscript is the one that there is",
            ),
            _ => Err("torchscript is the one that there is"),
        }
    }
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("torchscript")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_refused_with_a_reason() {
        assert_eq!("torchscript".parse(), Ok(ExportFormat::TorchScript));
        let refused = |text: &str| text.parse::<ExportFormat>().unwrap_err();
        assert!(refused("onnx").starts_with("no well-kept library writes ONNX from Rust"));
        assert_eq!(refused("tflite"), "torchscript is the one that there is");
    }
}
