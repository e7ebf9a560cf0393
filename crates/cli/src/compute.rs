//! What tensors are computed with.

use anyhow::{Context as _, Result};

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
pub(crate) fn device_name(device: model::Device) -> String {
    match device {
        model::Device::Cpu => "cpu".to_owned(),
        model::Device::Cuda(index) => format!("cuda:{index}"),
        other => format!("{other:?}").to_lowercase(),
    }
}
