//! Printed result of a cross-validation.

use base::{shown, stored};
use experiment::{CrossValidation, FoldFigure, Spread, TestFigures};
use serde_json::json;

use crate::{
    args::CrossValidateArgs,
    output::Output,
    table::{lower, share, table},
    test,
};

/// Caveat on intervals, printed under the table.
const LEFT_OUT: [&str; 2] = [
    "The intervals of all folds together do not say how much the figures would move with other images to train on:",
    "no unbiased estimate of that exists from one cross-validation (Bengio and Grandvalet, 2004).",
];

/// Prints the folds beside each other and all of them together; until all are done, the fold that was asked for.
pub(super) fn print(args: &CrossValidateArgs, folder: &CrossValidation, output: &Output) {
    let record = &folder.record;
    if args.train.json {
        let folds = record.folds.iter().map(|fold| {
            json!({"fold": fold.fold, "run": stored(folder.file(&fold.run)), "best_epoch": fold.best_epoch,
                   "figures": fold.figures})
        });
        let folds: Vec<_> = folds.collect();
        output.data(
            json!({"out": stored(folder.folder()), "folds": folds, "pooled": record.pooled, "spread": record.spread})
                .to_string(),
        );
        return;
    }
    if let Some(pooled) = &record.pooled {
        print_folds(folder, output);
        output.result("");
        test::print::models(&[("all folds".to_owned(), pooled)], output);
        output.result("");
        output.result(LEFT_OUT);
        return;
    }
    let asked = args.fold.and_then(|fold| record.folds.get(fold - 1));
    if let Some(fold) = asked
        && let Some(figures) = &fold.figures
    {
        test::print::models(
            &[(format!("fold {} (epoch {})", fold.fold, fold.best_epoch.unwrap_or(0)), figures)],
            output,
        );
    }
    let left = record.folds.iter().filter(|fold| fold.figures.is_none()).map(|fold| fold.fold.to_string());
    output.note("");
    output.note(format!(
        "not done yet: folds {}; the same with `--fold FOLD`, or without it for all of them, goes on in `{}`",
        left.collect::<Vec<_>>().join(", "),
        shown(folder.folder())
    ));
}

/// Prints a row per fold, and mean, standard deviation, lowest and highest figures.
fn print_folds(folder: &CrossValidation, output: &Output) {
    let record = &folder.record;
    output.result(format!("Cross-validation, {} folds, {}", record.folds.len(), record.drawn));
    let figures: Vec<FoldFigure> = record
        .folds
        .iter()
        .find_map(|fold| fold.figures.as_ref())
        .map(TestFigures::of_folds)
        .unwrap_or_default();
    let titles = figures.iter().map(|figure| lower(figure.title));
    let mut rows =
        vec![["fold", "images", "best epoch"].map(str::to_owned).into_iter().chain(titles).collect()];
    for fold in &record.folds {
        let Some(figures) = &fold.figures else { continue };
        let best = fold.best_epoch.map_or_else(|| share(None), |epoch| epoch.to_string());
        let first = [fold.fold.to_string(), figures.images.to_string(), best];
        rows.push(
            first.into_iter().chain(figures.of_folds().iter().map(|figure| share(figure.value))).collect(),
        );
    }
    let spreads: Vec<Option<&Spread>> =
        figures.iter().map(|figure| record.spread.as_ref()?.get(figure.key)).collect();
    let of = |spread: &Spread| [spread.mean, spread.standard_deviation, spread.min, spread.max];
    for (i, what) in ["mean", "standard deviation", "lowest", "highest"].into_iter().enumerate() {
        let values = spreads.iter().map(|spread| share(spread.and_then(|spread| of(spread)[i])));
        rows.push([what, "", ""].map(str::to_owned).into_iter().chain(values).collect());
    }
    output.result(table(&rows));
    for (figure, spread) in figures.iter().zip(spreads) {
        let name = lower(figure.title);
        let undefined = spread.map_or(0, |spread| record.folds.len() - spread.folds);
        if undefined > 0 {
            output.result(format!(
                "{name} has no value in {undefined} of the folds, which are left out of its mean"
            ));
        }
    }
}
