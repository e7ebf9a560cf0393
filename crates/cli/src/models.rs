//! Command `models`: the networks that can be trained, with their default weights.

use std::path::Path;

use anyhow::Result;
use model::{ARCHITECTURES, Architecture, PretrainedWeights};
use serde_json::{Value, json};

use crate::{args::ModelsArgs, output::Output, status::Status, table};

/// Classes of the networks whose parameters are counted: the study's.
const CLASSES: usize = 3;

/// Prints a row a network, or an object for each.
pub(crate) fn run(args: &ModelsArgs, output: &Output) -> Result<Status> {
    if args.json {
        let networks: Vec<Value> = ARCHITECTURES.into_iter().map(object).collect::<Result<_>>()?;
        output.data(json!(networks).to_string());
        return Ok(Status::Done);
    }
    let heading = ["network", "parameters", "image size", "weights", "licence of the weights"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for network in ARCHITECTURES {
        let parameters = model::parameter_count(network, CLASSES)?;
        let weights = match network.weights() {
            Some(weights) => describe(&weights),
            None if network.takes_module() => "your TorchScript module: --backbone".to_owned(),
            None => "none".to_owned(),
        };
        rows.push(vec![
            network.to_string(),
            parameters.map_or_else(|| "–".to_owned(), |count| format!("{:.1} M", count as f64 / 1e6)),
            network.image_size.to_string(),
            weights,
            network.weights().map_or("–", |weights| weights.licence).to_owned(),
        ]);
    }
    output.result(table::words(&rows));
    output.result([
        "",
        "parameters: with 3 classes at the default image size; `thorax train --model NETWORK` trains one",
    ]);
    Ok(Status::Done)
}

/// Tells where a network's weights are, or how they can be had.
fn describe(weights: &PretrainedWeights) -> String {
    match weights.fetched_by {
        _ if is_here(weights) => weights.path.to_owned(),
        _ => format!("not here: {}", weights.how_to_get()),
    }
}

fn is_here(weights: &PretrainedWeights) -> bool {
    Path::new(weights.path).is_file()
}

fn object(network: &'static Architecture) -> Result<Value> {
    let weights = network.weights().map(|weights| {
        json!({"path": weights.path, "here": is_here(&weights), "fetched_by": weights.fetched_by, "licence": weights.licence})
    });
    Ok(json!({
        "network": network,
        "parameters": model::parameter_count(network, CLASSES)?,
        "image_size": network.image_size,
        "min_image_size": network.min_image_size,
        "batch_size": network.batch_size,
        "blocks": model::block_names(network)?,
        "weights": weights,
    }))
}
