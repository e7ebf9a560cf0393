//! Printing of figures, after a test, after training and of predictions that were read.

use experiment::{ClassFigures, LabelFigures, MultiClassFigures, MultiLabelFigures, TestFigures};
use metrics::{FigureTable, KerasFigures};

use super::calibration;
use crate::{
    dataset::marked,
    output::Output,
    table::{share, table, with_interval as with},
};

/// Prints models' figures side by side in the study's words, then the classes or labels of the first one.
pub(crate) fn models(models: &[(String, &TestFigures)], output: &Output) {
    let Some((name, first)) = models.first() else { return };
    output.result(format!("Test results on {} images{}", first.images, marked(first.synthetic)));
    figures(models, output);
    by_label(name, first, output);
}

/// Prints figures side by side, and the number of groups that their intervals are drawn from.
pub(super) fn figures(models: &[(String, &TestFigures)], output: &Output) {
    let mut rows =
        vec![[String::new()].into_iter().chain(models.iter().map(|(name, _)| name.clone())).collect()];
    let mut row = |name: &str, value: &dyn Fn(&TestFigures) -> String| {
        let values = models.iter().map(|(_, figures)| value(figures));
        rows.push([name.to_owned()].into_iter().chain(values).collect::<Vec<_>>());
    };
    let of_classes = models.first().is_some_and(|(_, figures)| figures.multi_class().is_some());
    if of_classes {
        let keras = |of: fn(&KerasFigures) -> String| {
            move |figures: &TestFigures| {
                figures.multi_class().map_or(share(None), |figures| of(&figures.keras))
            }
        };
        row("Categorical crossentropy loss", &keras(|keras| format!("{:.6}", keras.loss)));
        row("Accuracy", &|figures| with(&figures.figure("accuracy")));
        row("True positives", &keras(|keras| keras.true_positives.to_string()));
        row("False positives", &keras(|keras| keras.false_positives.to_string()));
        row("True negatives", &keras(|keras| keras.true_negatives.to_string()));
        row("False negatives", &keras(|keras| keras.false_negatives.to_string()));
        row("Precision", &keras(|keras| share(Some(keras.precision))));
        row("Recall", &keras(|keras| share(Some(keras.recall))));
    }
    let shown = models.iter().flat_map(|(_, figures)| figures.table(FigureTable::Test)).map(|(row, _)| row);
    let n = models.first().map_or(0, |(_, figures)| figures.table(FigureTable::Test).count());
    for spec in shown.take(n).filter(|spec| !of_classes || spec.key != "accuracy") {
        row(spec.title, &|figures| with(&figures.figure(spec.key)));
    }
    output.result(table(&rows));
    let groups = models.iter().find_map(|(_, figures)| figures.groups);
    let drawn = groups.map_or(String::new(), |groups| format!(", from {groups} groups"));
    output.result(format!("[low, high]: 95 % intervals{drawn}"));
}

/// Prints a model's figures by class with its confusion matrix, or by label.
pub(super) fn by_label(name: &str, figures: &TestFigures, output: &Output) {
    figures.multi_class().iter().for_each(|of_classes| classes(name, of_classes, output));
    figures.multi_label().iter().for_each(|of_labels| labels(name, of_labels, output));
    calibration::print(name, figures, output);
}

fn classes(name: &str, figures: &MultiClassFigures, output: &Output) {
    output.result(["", &format!("By class, {name}")]);
    let heading = ["class", "images", "precision", "recall", "specificity", "F1", "ROC AUC"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for class in &figures.classes {
        // Only two columns have intervals: with all, a line would be wider than a terminal.
        let cell = |key: &str| match key {
            "recall" | "roc_auc" => with(&class.figure(key)),
            _ => share(class.figure(key).value),
        };
        let figures = ["precision", "recall", "specificity", "f1", "roc_auc"].map(cell);
        rows.push([class.label.clone(), class.support.to_string()].into_iter().chain(figures).collect());
    }
    output.result(table(&rows));
    few(
        figures.classes.iter().filter(|class| class.few).map(|class: &ClassFigures| class.label.as_str()),
        output,
    );

    output.result(["", &format!("Confusion matrix, {name} (rows: true, columns: predicted)")]);
    let labels: Vec<String> = figures.classes.iter().map(|class| class.label.clone()).collect();
    let mut rows = vec![[String::new()].into_iter().chain(labels.iter().cloned()).collect::<Vec<_>>()];
    for (label, counts) in labels.iter().zip(&figures.confusion_matrix) {
        rows.push([label.clone()].into_iter().chain(counts.iter().map(u64::to_string)).collect());
    }
    output.result(table(&rows));
}

fn labels(name: &str, figures: &MultiLabelFigures, output: &Output) {
    output.result(["", &format!("By label, {name}")]);
    let heading = ["label", "known", "positive", "ROC AUC", "AP", "threshold", "sensitivity", "specificity"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for label in &figures.labels {
        let value = |key: &str| share(label.figure(key).value);
        rows.push(vec![
            label.label.clone(),
            label.known.to_string(),
            label.positives.to_string(),
            with(&label.figure("roc_auc")),
            value("average_precision"),
            format!("{:.4}", label.threshold),
            value("sensitivity"),
            value("specificity"),
        ]);
    }
    output.result(table(&rows));
    let n = figures.labels.len();
    if figures.labels_with_roc_auc < n {
        output.result(format!("macro ROC AUC is the mean of {} of {n} labels", figures.labels_with_roc_auc));
    }
    for label in &figures.labels {
        if let Some(why) = label.figure("roc_auc").missing.filter(|_| label.figure("roc_auc").value.is_none())
        {
            output.result(format!("no ROC AUC of {}: {why}", label.label));
        }
    }
    let is_few = |label: &&LabelFigures| label.few && label.figure("roc_auc").value.is_some();
    few(figures.labels.iter().filter(is_few).map(|label| label.label.as_str()), output);
}

fn few<'a>(names: impl Iterator<Item = &'a str>, output: &Output) {
    let names: Vec<&str> = names.collect();
    if !names.is_empty() {
        output.result(format!("few images, so that figures say little: {}", names.join(", ")));
    }
}
