use metrics::{Predictions, Resampling, Scores};

use super::*;

/// Three classes, of which the last has no image and is never predicted.
#[test]
fn what_has_no_value_has_a_reason_and_no_interval() {
    let labels = ["a", "b", "c"].map(str::to_owned);
    let rows = [[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.6, 0.4, 0.0], [0.3, 0.7, 0.0]].concat();
    let predictions = Predictions::new(3, vec![0, 1, 1, 0], rows).unwrap();
    let resampling = Resampling { resamples: 200, seed: 28, groups: None };
    let evaluation = Evaluation::new(&Scores::from(&predictions), &resampling).unwrap();
    let mut table = Table { labels: &labels, intervals: BTreeMap::new(), undefined: BTreeMap::new() };
    assert_eq!(table.add("accuracy", &evaluation.figures.accuracy), Some(0.5));
    let [low, high] = table.intervals["accuracy"];
    assert!(low > 0.0 && low < 0.5 && high > 0.5 && high < 1.0);
    assert_eq!(table.add("balanced_accuracy", &evaluation.figures.balanced_accuracy), None);
    assert!(!table.intervals.contains_key("balanced_accuracy"));
    assert_eq!(table.undefined["balanced_accuracy"], "no image of class `c` in the set");

    let classes = class_rows(&evaluation, &mut table);
    assert_eq!((classes[0].support, classes[2].support, classes[2].few), (2, 0, true));
    assert_eq!((classes[0].figures.recall, classes[2].figures.recall), (Some(0.5), None));
    assert!(classes[0].intervals.contains_key("recall") && classes[2].intervals.contains_key("specificity"));
    assert_eq!(table.undefined["precision of `c`"], "no image was predicted as class `c`");
    // Nothing in it is no number, which JSON could not hold.
    let bounds = classes.iter().flat_map(|class| class.intervals.values()).chain(table.intervals.values());
    assert!(bounds.flatten().all(|bound| bound.is_finite()));
}
