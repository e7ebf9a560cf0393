use std::path::PathBuf;

use clap::Args;
use data::Occlusion;
use model::PrecisionChoice;

use super::{CacheArgs, ComputeArgs, LabelArgs, OnBadImage, ReadArgs, evaluate::ByArgs, threads};

#[derive(Args)]
pub(crate) struct TestArgs {
    /// Checkpoint, or a run's folder for its best weights [default: the latest run]
    #[arg(long, value_name = "PATH", num_args = 0..=1)]
    pub(crate) saved: Option<Option<PathBuf>>,
    /// Folder with one folder of test images per class, a CSV of them, or a label file. From a data set with parts its test images are taken.
    /// Named sets, or several, are reported apart, with the gap between them [default: the test set of the run]
    #[arg(long, value_name = "[NAME=]FOLDER|CSV")]
    pub(crate) data: Vec<PathBuf>,
    /// Second checkpoint or run, tested on the same images and compared
    #[arg(long, value_name = "PATH")]
    pub(crate) against: Option<PathBuf>,
    /// Test again with a part of every image hidden: lungs, centre or border, or a list of them (--help draws them)
    #[arg(long, value_name = "PART,…", value_delimiter = ',', long_help = occlusions())]
    pub(crate) occlude: Vec<Occlusion>,
    #[command(flatten)]
    pub(crate) by: ByArgs,
    #[command(flatten)]
    pub(crate) findings: LabelArgs,
    /// New folder for test.json and predictions.csv. test.json holds what --json prints; named sets get predictions-NAME.csv
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Keep spreadsheets from taking cells of predictions.csv for formulas. An apostrophe is put before cells that begin with =,
    /// +, -, @, a tab or a carriage return
    #[arg(long, requires = "out")]
    pub(crate) csv_safe: bool,
    /// Reaction to files that are no readable image
    #[arg(long, value_name = "WHAT", default_value = "error")]
    pub(crate) on_bad_image: OnBadImage,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
    /// Precision of convolutions: f32, bf16 or auto [default: as the model was trained]
    #[arg(long, value_name = "KIND")]
    pub(crate) precision: Option<PrecisionChoice>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

#[derive(Args)]
pub(crate) struct CompareArgs {
    /// First model: a run's folder or a predictions.csv
    #[arg(value_name = "RUN")]
    pub(crate) first: PathBuf,
    /// Second model, tested on the same images
    #[arg(value_name = "OTHER")]
    pub(crate) second: PathBuf,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Threads for drawing resamples [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,
}

/// Returns the long help of `--occlude`, with the hidden parts drawn from the masks themselves.
fn occlusions() -> String {
    const COLUMNS: usize = 20;
    const ROWS: usize = 10;
    let masks = Occlusion::ALL.map(|occlusion| occlusion.mask(COLUMNS, ROWS));
    let names = Occlusion::ALL.map(|occlusion| format!("{:COLUMNS$}", occlusion.to_string()));
    let mut lines = vec![names.join("  ")];
    for row in 0..ROWS {
        let drawn = masks.each_ref().map(|mask| {
            let pixels = &mask[row * COLUMNS..(row + 1) * COLUMNS];
            pixels.iter().map(|&hidden| if hidden { '#' } else { '.' }).collect::<String>()
        });
        lines.push(drawn.join("  "));
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    format!(
        "Test again with a part of every image hidden (#), one part at a time, under one gray: the mean of what stays to be seen. \
         High figures with the lungs hidden mean that the model looks at something else\n\n{}",
        lines.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_draws_two_lungs() {
        let help = occlusions();
        let lines: Vec<&str> = help.lines().skip_while(|line| !line.starts_with("lungs")).collect();
        assert_eq!(lines.len(), 11);
        assert!(lines.iter().all(|line| line.len() <= 64));
        assert_eq!(lines[6], "..#######..#######..  .....##########.....  ###..............###");
        assert_eq!(lines[1][44..], "#".repeat(20));
    }
}
