//! Help of flags whose values depend on the network, made of the table of networks.

use model::{ARCHITECTURES, Architecture};

/// Appends the names of all networks.
pub(super) fn names(help: &str) -> String {
    format!("{help} [possible values: {}]", ARCHITECTURES.map(|network| network.name).join(", "))
}

/// Appends each network's default: that of the first one, and those that differ from it.
pub(super) fn with_defaults(help: &str, default: impl Fn(&Architecture) -> String) -> String {
    let [first, others @ ..] = ARCHITECTURES.map(|network| (network, default(network)));
    let others = others.into_iter().filter(|(_, value)| *value != first.1);
    let others: String = others.map(|(network, value)| format!("; {network} {value}")).collect();
    format!("{help} [default: {}{others}]", first.1)
}

/// Appends the file that each network's weights are taken from, where it has some.
pub(super) fn with_weights(help: &str) -> String {
    let files = ARCHITECTURES.into_iter().filter_map(|network| Some((network, network.weights()?.path)));
    let files: Vec<String> = files.map(|(network, path)| format!("{network} {path}")).collect();
    format!("{help} [default: {}]", files.join("; "))
}
