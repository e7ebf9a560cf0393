//! The run path of libtorch, as in the crates that link it.

fn main() {
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    let torch = std::env::var_os("CARGO_FEATURE_TORCH").and(std::env::var_os("LIBTORCH"));
    if let Some(libtorch) = torch {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{}/lib", libtorch.display());
    }
}
