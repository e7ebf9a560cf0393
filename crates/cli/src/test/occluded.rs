//! Tests with a part of every image hidden.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use data::{ImageSet, Occlusion};
use experiment::TestFigures;
use metrics::Task;
use model::Classifier;

use crate::{
    output::Output,
    progress::Display,
    table::{share, table, with_interval},
};

/// Tests a model on a set with each of these parts hidden; returns figures by the parts' names, or `None` if the user stopped it.
pub(crate) fn occluded(
    classifier: &Classifier,
    checkpoint: &Path,
    images: &ImageSet,
    parts: &[Occlusion],
    output: &Output,
) -> Result<Option<BTreeMap<String, TestFigures>>> {
    let mut figures = BTreeMap::new();
    for part in parts {
        let images = images.occluded(*part);
        let tested = train::figures(classifier, checkpoint, &images, &[], &mut Display::new(output))?;
        let Some((of_part, _)) = tested else { return Ok(None) };
        figures.insert(part.to_string(), of_part);
    }
    Ok(Some(figures))
}

/// Prints these figures beside those on whole images and those of guessing.
pub(crate) fn print_occluded(
    name: &str,
    whole: &TestFigures,
    occluded: &BTreeMap<String, TestFigures>,
    output: &Output,
) {
    if occluded.is_empty() {
        return;
    }
    output.result(["", &format!("With a part of every image hidden, {name}")]);
    let shown: &[(&str, &str)] = match whole.task() {
        Task::MultiClass => &[("accuracy", "accuracy"), ("balanced_accuracy", "balanced accuracy")],
        Task::MultiLabel => {
            &[("macro_roc_auc", "macro ROC AUC"), ("macro_average_precision", "macro average precision")]
        }
    };
    let heading = ["hidden"].into_iter().chain(shown.iter().map(|(_, title)| *title));
    let mut rows = vec![heading.map(str::to_owned).collect::<Vec<_>>()];
    let mut row = |name: &str, figures: &TestFigures| {
        let cells = shown.iter().map(|(key, _)| with_interval(&figures.figure(key)));
        rows.push([name.to_owned()].into_iter().chain(cells).collect());
    };
    row("nothing", whole);
    for part in Occlusion::ALL.map(|part| part.to_string()) {
        occluded.get(&part).iter().for_each(|figures| row(&part, figures));
    }
    if let Some((label, accuracy, balanced)) = guessing(whole) {
        rows.push(vec![format!("all (guessing {label})"), share(Some(accuracy)), share(balanced)]);
    }
    output.result(table(&rows));
    if [Occlusion::Lungs, Occlusion::Centre].iter().any(|part| occluded.contains_key(&part.to_string())) {
        output.result([
            "High figures with the lungs hidden mean that the model looks at something else, such as what tells",
            "where an image comes from",
        ]);
    }
    if occluded.contains_key(&Occlusion::Border.to_string()) {
        output.result("Figures that fall with the border hidden mean that it looks at what stands there");
    }
}

/// Returns the most frequent class, and the accuracy and balanced accuracy of always guessing it.
fn guessing(figures: &TestFigures) -> Option<(&str, f64, Option<f64>)> {
    let classes = &figures.multi_class()?.classes;
    let (first, others) = classes.split_first()?;
    let most =
        others.iter().fold(first, |most, class| if class.support > most.support { class } else { most });
    let all_there = classes.iter().all(|class| class.support > 0);
    let balanced = all_there.then(|| 1.0 / classes.len() as f64);
    Some((&most.label, most.support as f64 / figures.images.max(1) as f64, balanced))
}
