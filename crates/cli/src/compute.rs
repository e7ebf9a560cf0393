//! Threads, device and precision of computation.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
};

use anyhow::{Context as _, Result};
use model::{Device, Precision, PrecisionChoice};

use crate::output::Output;

/// Environment variable from which MKL reads its reproducibility mode, when it is first asked for a product.
const MKL_MODE: &str = "MKL_CBWR";

/// Makes equal runs give equal results; must be called before there is a second thread. A mode that the user set is left
/// unchanged.
///
/// On Intel's processors MKL shares a product out among its threads as they become free, and with it the order of sums: 12 equal
/// runs of 2 epochs gave three results. In this mode it shares out by a fixed rule. On AMD's no run ever differed, and there it
/// could take a slower path.
pub(crate) fn leave_nothing_to_chance() {
    if std::env::var_os(MKL_MODE).is_none() && is_intel() {
        #[expect(unsafe_code, reason = "libtorch offers no other way to set it")]
        // SAFETY: no other thread is there that could read the environment at the same time.
        unsafe {
            std::env::set_var(MKL_MODE, "AUTO");
        }
    }
}

fn is_intel() -> bool {
    let Ok(file) = File::open("/proc/cpuinfo") else { return false };
    let mut first = BufReader::new(file).lines().map_while(Result::ok).take(8);
    first.any(|line| line.starts_with("vendor_id") && line.ends_with("GenuineIntel"))
}

/// Restarts the program in the same process, with threads that go to sleep soon where they wait for each other. By default
/// libtorch's threads spin for milliseconds, and so take the cores from threads that read requests and from other programs. Their
/// library reads its settings when it is loaded, so that it is too late to change them here. Values that the user has set stay.
///
/// This gives back a quarter of a training's time on a busy core. On idle cores it costs 3 % of that time; to sleep at once costs
/// 8 %.
#[cfg(target_os = "linux")]
pub(crate) fn spin_briefly() {
    use std::os::unix::process::CommandExt as _;
    const SPINS: &str = "GOMP_SPINCOUNT";
    if [SPINS, "OMP_WAIT_POLICY"].iter().any(|name| std::env::var_os(name).is_some()) {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let error =
        std::process::Command::new(program).args(std::env::args_os().skip(1)).env(SPINS, "10000").exec();
    tracing::warn!("threads spin while they wait: the program cannot begin anew: {error}");
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn spin_briefly() {}

/// Gives rayon and libtorch their threads: the number asked for, or all cores.
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

/// Returns the name of a device in flags and `run.json`.
pub(crate) fn device_name(device: Device) -> String {
    match device {
        Device::Cpu => "cpu".to_owned(),
        Device::Cuda(index) => format!("cuda:{index}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Returns the precision of a saved model here: the one asked for, else that of its training where this machine supports it.
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
