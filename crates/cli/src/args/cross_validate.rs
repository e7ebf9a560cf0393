use clap::Args;

use super::{MAX_FOLDS, TrainArgs, values::at_most};

#[derive(Args)]
#[command(
    mut_arg("out", |out| out.help(OUT)),
    mut_arg("test_data", |flag| flag.hide(true)),
    mut_arg("resume", |flag| flag.hide(true)),
    mut_arg("trust", |flag| flag.hide(true)),
    mut_arg("extend_epochs", |flag| flag.hide(true)),
    mut_arg("no_report", |flag| flag.hide(true)),
)]
pub(crate) struct CrossValidateArgs {
    /// Number of folds, each of which is held out once. Images of one group stay in one fold where groups are known [default: 5,
    /// or as many as the column fold of a CSV numbers]
    #[arg(long, value_name = "K", value_parser = at_most::<MAX_FOLDS>, allow_negative_numbers = true)]
    pub(crate) folds: Option<usize>,
    /// Train this fold only, as one process of several. The process that finishes the last fold pools them all
    #[arg(long, value_name = "FOLD", value_parser = at_most::<MAX_FOLDS>, allow_negative_numbers = true)]
    pub(crate) fold: Option<usize>,
    #[command(flatten)]
    pub(crate) train: TrainArgs,
}

const OUT: &str = "The folder of all runs; named again, the folds that are done are kept [default: data/runs/TIME-MODEL-cv]";
