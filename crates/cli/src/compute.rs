//! What tensors are computed with.

use anyhow::{Context as _, Result};
use model::{Device, Precision, PrecisionChoice};

use crate::output::Output;

/// Gives rayon and libtorch their threads: those asked for, or all cores.
pub(crate) fn use_threads(threads: Option<usize>) -> Result<usize> {
    let threads = match threads {
        Some(threads) => threads,
        None => std::thread::available_parallelism().context("cannot count this machine's cores")?.get(),
    };
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start threads")?;
    model::init(threads);
    tracing::info!("{threads} threads");
    Ok(threads)
}

/// As flags and `run.json` call it.
pub(crate) fn device_name(device: Device) -> String {
    match device {
        Device::Cpu => "cpu".to_owned(),
        Device::Cuda(index) => format!("cuda:{index}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// What a saved model computes in here: as asked for, else as it was trained, where this machine computes in that.
pub(crate) fn precision(
    choice: Option<PrecisionChoice>,
    stored: Precision,
    device: Device,
    output: &Output,
) -> Precision {
    match choice {
        Some(choice) => choice.resolve(device),
        None if stored == Precision::Bf16 && PrecisionChoice::Auto.resolve(device) == Precision::F32 => {
            output.note("note   trained in bf16, which this machine does not compute in: tested in f32");
            Precision::F32
        }
        None => stored,
    }
}
