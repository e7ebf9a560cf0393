use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use tch::{Cuda, Device};

use crate::{Error, Result, names::names};

/// Sets up libtorch's thread count and the allocator's thresholds; called once, before the first tensor.
///
/// glibc hands large blocks back to the system at every free, and a training step allocates hundreds of MB of them,
/// whose pages the system would have to clear again and again.
pub fn init(threads: usize) {
    tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
    keep_large_blocks();
    tracing::debug!("libtorch {} computes with {threads} threads", crate::LIBTORCH);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_large_blocks() {
    #[expect(
        unsafe_code,
        reason = "mallopt only sets two limits of the allocator, before any thread is started"
    )]
    // SAFETY: both are documented parameters with values in range; a refusal (0) changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn keep_large_blocks() {}

/// Device that the user asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first GPU if there is one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The NVIDIA GPU of this index.
    Cuda(usize),
    /// Apple's GPU (not tested).
    Mps,
}

impl DeviceChoice {
    /// Returns the device, if this machine and this libtorch have it.
    ///
    /// # Errors
    /// A GPU that is asked for by name and absent.
    pub fn resolve(self) -> Result<Device> {
        let unavailable = |reason: String| Err(Error::Device { device: self.to_string(), reason });
        match self {
            Self::Auto if Cuda::is_available() => Ok(Device::Cuda(0)),
            Self::Auto | Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(_) if !Cuda::is_available() => {
                unavailable("no CUDA GPU is found by this libtorch".to_owned())
            }
            Self::Cuda(index) => match Cuda::device_count() {
                count if (index as i64) < count => Ok(Device::Cuda(index)),
                count => unavailable(format!("{count} CUDA GPUs are found, counted from 0")),
            },
            Self::Mps if tch::utils::has_mps() => Ok(Device::Mps),
            Self::Mps => unavailable("this libtorch has no MPS".to_owned()),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(0) => f.write_str("cuda"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
            Self::Mps => f.write_str("mps"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            "mps" => Ok(Self::Mps),
            _ => text.strip_prefix("cuda:").and_then(|index| index.parse().ok()).map(Self::Cuda).ok_or_else(
                || Error::Spec(format!("unknown device `{text}`: one of auto, cpu, cuda, cuda:N, mps")),
            ),
        }
    }
}

/// Number format of convolutions and large products; weights, sums, loss and optimizer are always f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32-bit floating point.
    F32,
    /// bfloat16, summed in f32.
    Bf16,
}

/// Precision that the user asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrecisionChoice {
    /// bf16 where the processor or GPU computes in it, else f32.
    Auto,
    /// Given precision.
    Fixed(Precision),
}

impl PrecisionChoice {
    /// Resolves `auto` for a device, once: the result is what a run stores.
    pub fn resolve(self, device: Device) -> Precision {
        match self {
            Self::Fixed(precision) => precision,
            Self::Auto if computes_bf16(device) => Precision::Bf16,
            Self::Auto => Precision::F32,
        }
    }
}

fn computes_bf16(device: Device) -> bool {
    #[cfg(target_arch = "x86_64")]
    if device == Device::Cpu {
        return std::arch::is_x86_feature_detected!("avx512bf16");
    }
    device.is_cuda()
}

names!(Precision, "precision", "f32" => Self::F32, "bf16" => Self::Bf16);
names!(PrecisionChoice, "precision", "auto" => Self::Auto, "f32" => Self::Fixed(Precision::F32),
    "bf16" => Self::Fixed(Precision::Bf16));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for name in ["auto", "cpu", "cuda", "cuda:3", "mps"] {
            assert_eq!(name.parse::<DeviceChoice>().unwrap().to_string(), name);
        }
        assert_eq!("cuda:0".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(0));
        let error = "gpu".parse::<DeviceChoice>().unwrap_err();
        assert_eq!(error.to_string(), "unknown device `gpu`: one of auto, cpu, cuda, cuda:N, mps");
        assert!("cuda:".parse::<DeviceChoice>().is_err());
    }

    #[test]
    fn a_gpu_that_is_asked_for_must_be_there() {
        assert_eq!(DeviceChoice::Cpu.resolve().unwrap(), Device::Cpu);
        // An index that no machine has, so that this holds with a GPU as well.
        let error = DeviceChoice::Cuda(4096).resolve().unwrap_err().to_string();
        assert!(error.starts_with("device `cuda:4096` is not available: "), "{error}");
    }
}
