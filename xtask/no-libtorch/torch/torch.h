// Found by the C++ compiler only where libtorch's own header of this name is missing: see `.cargo/config.toml`.
#error run cargo xtask fetch-weights
