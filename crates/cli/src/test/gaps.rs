//! How far a model's figures on other sets lie from those on the first.

use experiment::{Difference, Gap};

use crate::{
    compare::print_undefined,
    output::Output,
    table::{table, with_interval},
};

/// Prints each other set's figures less the first's, and what that says in words.
pub(super) fn print(gaps: &[Gap], output: &Output) {
    let Some(first) = gaps.first() else { return };
    output.result(["", &format!("Gap from {} to", first.from)]);
    let mut rows = vec![[String::new()].into_iter().chain(gaps.iter().map(|gap| gap.to.clone())).collect()];
    let mut row = |name: &str, of: fn(&Gap) -> &Difference| {
        let cells = gaps.iter().map(|gap| {
            let Difference { difference, interval } = of(gap);
            with_interval(*difference, interval.as_ref())
        });
        rows.push([name.to_owned()].into_iter().chain(cells).collect::<Vec<_>>());
    };
    row("Accuracy", |gap| &gap.accuracy);
    row("Balanced accuracy", |gap| &gap.balanced_accuracy);
    row("Macro F1", |gap| &gap.macro_f1);
    row("Macro ROC AUC", |gap| &gap.macro_roc_auc);
    output.result(table(&rows));
    for gap in gaps {
        sentence(gap).iter().for_each(|sentence| output.result(sentence));
        print_undefined(&gap.undefined, output);
    }
}

/// The gap in balanced accuracy in words, or in accuracy where that has none.
fn sentence(gap: &Gap) -> Option<String> {
    let figures = [("balanced accuracy", gap.balanced_accuracy), ("accuracy", gap.accuracy)];
    let (name, Difference { difference, interval }) =
        figures.into_iter().find(|(_, figure)| figure.difference.is_some())?;
    let difference = difference?;
    let below = difference < 0.0;
    let bounds = interval.map_or(String::new(), |[low, high]| {
        let [low, high] = if below { [-high, -low] } else { [low, high] };
        format!(" [{low:.2}, {high:.2}]")
    });
    let where_to = if below { "below" } else { "above" };
    Some(format!("{} is {:.2}{bounds} {where_to} {} in {name}", gap.to, difference.abs(), gap.from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(balanced_accuracy: Difference) -> Gap {
        let accuracy = Difference { difference: Some(0.05), interval: None };
        Gap {
            from: "internal".to_owned(),
            to: "external".to_owned(),
            accuracy,
            balanced_accuracy,
            macro_f1: accuracy,
            macro_roc_auc: accuracy,
            undefined: Default::default(),
        }
    }

    #[test]
    fn a_gap_is_told_by_its_size_and_side() {
        let words = |difference, interval| sentence(&gap(Difference { difference, interval })).unwrap();
        assert_eq!(
            words(Some(-0.12), Some([-0.2, -0.05])),
            "external is 0.12 [0.05, 0.20] below internal in balanced accuracy"
        );
        assert_eq!(
            words(Some(0.02), Some([-0.05, 0.09])),
            "external is 0.02 [-0.05, 0.09] above internal in balanced accuracy"
        );
        assert_eq!(words(Some(-0.5), None), "external is 0.50 below internal in balanced accuracy");
        assert_eq!(words(None, None), "external is 0.05 above internal in accuracy");
    }
}
