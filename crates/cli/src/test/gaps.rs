//! Gaps between a model's figures on the first set and on each other set.

use experiment::{FigureDifference, Gap};

use crate::{
    compare::print_undefined,
    output::Output,
    table::{lower, table, with_interval},
};

/// Prints the difference of each other set's figures from the first set's, and a sentence on it.
pub(super) fn print(gaps: &[Gap], output: &Output) {
    let Some(first) = gaps.first() else { return };
    output.result(["", &format!("Gap from {} to", first.from)]);
    let mut rows = vec![[String::new()].into_iter().chain(gaps.iter().map(|gap| gap.to.clone())).collect()];
    for (at, FigureDifference { title, .. }) in first.differences.iter().enumerate() {
        let cells = gaps.iter().map(|gap| with_interval(&gap.differences[at].difference));
        rows.push([(*title).to_owned()].into_iter().chain(cells).collect::<Vec<_>>());
    }
    output.result(table(&rows));
    for gap in gaps {
        sentence(gap).iter().for_each(|sentence| output.result(sentence));
        print_undefined(&gap.undefined, output);
    }
}

/// Describes the gap in balanced accuracy, or in accuracy where the former has no value.
fn sentence(gap: &Gap) -> Option<String> {
    let named =
        |key: &str| gap.differences.iter().find(|row| row.key == key && row.difference.value.is_some());
    let FigureDifference { title, difference, .. } =
        named("balanced_accuracy").or_else(|| named("accuracy"))?;
    let (name, interval) = (lower(title), difference.interval);
    let difference = difference.value?;
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
    use metrics::Figure;

    use super::*;

    fn gap(balanced_accuracy: Figure) -> Gap {
        let accuracy = Figure { value: Some(0.05), ..Figure::default() };
        let row = |key, title, difference| FigureDifference { key, title, difference };
        Gap {
            from: "internal".to_owned(),
            to: "external".to_owned(),
            differences: vec![
                row("accuracy", "Accuracy", accuracy),
                row("balanced_accuracy", "Balanced accuracy", balanced_accuracy),
            ],
            undefined: Default::default(),
        }
    }

    #[test]
    fn a_gap_is_told_by_its_size_and_side() {
        let words = |value, interval| sentence(&gap(Figure { value, interval, missing: None })).unwrap();
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
