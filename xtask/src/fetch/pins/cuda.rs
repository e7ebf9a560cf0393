//! libtorch with CUDA 13.0: PyTorch's wheel, and NVIDIA's wheels in the versions that its metadata names.
//!
//! There is no archive here. PyTorch's own for CUDA 13.0 is as large as the wheel and, according to others who unpack it,
//! holds none of NVIDIA's libraries: it would save none of the wheels that pip has to download.
//!
//! All libraries lie in one folder. PyTorch's have an RPATH with `$ORIGIN` in it, which also holds for what they load;
//! NVIDIA's look in their own folder. So all are found without LD_LIBRARY_PATH. Only libcuda.so.1 is the driver's.

use super::{Libtorch, TORCH_CPU, Wheel, cuda_cupti, cuda_runtime, nvidia, torch};

/// Libraries of PyTorch's wheel that only the GPU needs. Its libtorch.so needs libtorch_cuda, which is right here.
const TORCH_CUDA: [(&str, &str); 6] = [
    ("libtorch.so", "29c72a63050601514ff9af6399bb027ee8b4030b97017579458d16ceac90d999"),
    ("libtorch_cuda.so", "181dfc4fe86bf8eb4726604ea13b18581b15cf4d5f6e52f538daa41016edc19a"),
    ("libtorch_cuda_linalg.so", "83a9ea9e7c8f82029eb1328e6e68ec45e578864ae0c4c2a3d235e64b07175fe2"),
    ("libtorch_nvshmem.so", "badf5e3f9fbb9f7b13e198318ffb6ff019808aacf46488ec09843f90a310541a"),
    ("libc10_cuda.so", "54da13d79545600a1822a72b179a58295c1915f8ea0194a89066437c3ac48c1a"),
    ("libcaffe2_nvrtc.so", "359285ffd0b1a9509e537a66f68be20317b3c3bcebfcfcd9bd2c030b65cb40fd"),
];

pub(super) fn linux() -> Libtorch {
    Libtorch {
        version: "2.13.0".into(),
        build_version: "2.13.0+cu130".into(),
        archive: None,
        wheels: wheels(),
    }
}

fn wheels() -> Vec<Wheel> {
    let libraries = [&TORCH_CPU[..], &TORCH_CUDA].concat();
    let mut wheels = vec![torch(&libraries), cuda_runtime(), cuda_cupti()];
    for (package, sha256, folder, libraries) in NVIDIA {
        wheels.push(nvidia(package, sha256, folder, libraries));
    }
    wheels
}

/// Package, sha256, folder in the wheel, and the libraries with their sha256.
type Row = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Wheels of NVIDIA with the libraries that libtorch links, and the ones that those load by name.
#[rustfmt::skip] // a table
const NVIDIA: [Row; 12] = [
    ("nvidia-cublas==13.1.1.3", "37936a16db8fe4ac1f065c2139360608a543a09275cb1a1af612e08cfa065436", "nvidia/cu13/lib/", &[
        ("libcublas.so.13", "25cde432108543626df85d887c730bf2cab96803ca16f9654e4abc8d2b45833e"),
        ("libcublasLt.so.13", "1489aeb75d55ee55782798343ac66f57771d561cc1fe1e0491568deefa0e6515"),
    ]),
    ("nvidia-cuda-nvrtc==13.0.88", "ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575", "nvidia/cu13/lib/", &[
        ("libnvrtc.so.13", "a49e67e8e74590f1e98de55c39c6287efd3f59e3c3797464d7bbe0fe01349b11"),
        ("libnvrtc-builtins.so.13.0", "91dcd944d01da9c0f08fff5d779db136a47f6d62bdb63bae900d2f481e92c3a2"),
    ]),
    ("nvidia-cudnn-cu13==9.20.0.48", "0c45dd8eeb50b603f07995b1b300c62ffe6a1980482b82b3bcf94a4ca9d49304", "nvidia/cudnn/lib/", &[
        ("libcudnn.so.9", "b88025af76979b3f1af208790195093684fe01cb8d190528856058f988016660"),
        ("libcudnn_adv.so.9", "7702094a50dbea5b8244df01af8e9d3565309d3996bbc8ca96b6c7a207d2d6bd"),
        ("libcudnn_cnn.so.9", "e830c5cba875ebeb8ed3cfde5cc038a2703692ce714a8a4ff28666ac8e2c5732"),
        ("libcudnn_engines_precompiled.so.9", "e5133109f710c215d72fdc8f1d9be187f4760f5f32e57cc8c57515ea9e91455e"),
        ("libcudnn_engines_runtime_compiled.so.9", "28db2a6f433a184e264d927b183c47ecaf72dc65ed58245a6d2380f980e29cd3"),
        ("libcudnn_graph.so.9", "35c099d318433a88d292775676a51a07d2dd152c3ae799b1c21a75b40f78e456"),
        ("libcudnn_heuristic.so.9", "a41eb9baa9ccc9e2d6c9f2ca226021b54c8ee2df4abf3a91e41687847b481228"),
        ("libcudnn_ops.so.9", "705d3dcf9b209fdbeeecd8aaec5fcd0f6f55de5661e1c1388b5a4b8fd29db7c3"),
    ]),
    ("nvidia-cufft==12.0.0.61", "6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3", "nvidia/cu13/lib/", &[
        ("libcufft.so.12", "0933f68bb7e3bf90f86d70bc87cd2f69027f7757e89e5de5e19ec33a53fd8d3a"),
    ]),
    ("nvidia-cufile==1.15.1.6", "08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44", "nvidia/cu13/lib/", &[
        ("libcufile.so.0", "1ecaf17d38957a41473a7fc8f29d569579e2a9079a26c4d9b89d8da330051483"),
    ]),
    ("nvidia-curand==10.4.0.35", "1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc", "nvidia/cu13/lib/", &[
        ("libcurand.so.10", "b53732a66b302b11926e00f762e2c2ba67058347ff93cf4ae709de45e93e06da"),
    ]),
    ("nvidia-cusolver==12.0.4.66", "0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112", "nvidia/cu13/lib/", &[
        ("libcusolver.so.12", "c571d524fc5571e6c8a5784d51f75fbe8cf17590463c397a06e48428cb926c48"),
    ]),
    ("nvidia-cusparse==12.6.3.3", "2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b", "nvidia/cu13/lib/", &[
        ("libcusparse.so.12", "09339f848f60bb1111a61ee0fe91ed0c25132b7ff63298244d7ac14e61b58466"),
    ]),
    ("nvidia-cusparselt-cu13==0.8.1", "786ce87568c303fadb5afcc7102d454cd3040d75f6f8626f5db460d1871f4dd0", "nvidia/cusparselt/lib/", &[
        ("libcusparseLt.so.0", "e2bcea98434bdfc6399b5e0d1db14178079df62f9527c183c835a7ae196d5685"),
    ]),
    ("nvidia-nccl-cu13==2.29.7", "edd81538446786ec3b73972543e53bb43bcaf0bfc8ef76cb679fcc390ffe136d", "nvidia/nccl/lib/", &[
        ("libnccl.so.2", "aa957cdfb91b516eae0d54a28e9ee5db52730d02e0ab45580efc3c19a68327a4"),
    ]),
    ("nvidia-nvjitlink==13.0.88", "13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b", "nvidia/cu13/lib/", &[
        ("libnvJitLink.so.13", "931347fa77d9fd5511059e04627f122b1ee33e409f22c3273ddddbe065713a3a"),
    ]),
    ("nvidia-nvshmem-cu13==3.4.5", "290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80", "nvidia/nvshmem/lib/", &[
        ("libnvshmem_host.so.3", "c43004bb93053aa70603a204fe0c9052bdd29f38822d3048599183f8d5930d8f"),
    ]),
];
