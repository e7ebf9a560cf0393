use metrics::{Figure, Targets};

use super::*;

/// Makes predictions from images by path and label, with probabilities of the classes.
fn set(classes: &[&str], rows: &[(&str, &str, &[f32])]) -> PredictionTable {
    let label = |label: &str| classes.iter().position(|class| *class == label).unwrap();
    let labels = rows.iter().map(|(_, class, _)| label(class)).collect();
    let values: Vec<f32> = rows.iter().flat_map(|(.., values)| values.iter().copied()).collect();
    let image = |path: &str| PredictedImage { path: path.into(), group: None, note: None };
    let images = rows.iter().map(|(path, ..)| image(path)).collect();
    let targets = Targets::from_classes(classes.iter().copied(), labels).unwrap();
    PredictionTable::new(images, Scores::from_f32(targets, &values).unwrap()).unwrap()
}

fn figure(comparison: &ModelComparison, key: &str) -> ComparedFigure {
    comparison.figures.iter().find(|figure| figure.row.key == key).unwrap().clone()
}

fn compared(first: &PredictionTable, second: &PredictionTable) -> Result<ModelComparison> {
    ModelComparison::new(("one", first), ("two", second))
}

fn first() -> PredictionTable {
    let (right, wrong) = (&[0.9, 0.1][..], &[0.1, 0.9][..]);
    set(
        &["a", "b"],
        &[("1", "a", right), ("2", "a", wrong), ("3", "a", right), ("4", "b", wrong), ("5", "b", wrong)],
    )
}

/// Makes another model's predictions: the classes the other way round, the images in another order.
fn second() -> PredictionTable {
    let (right, wrong) = (&[0.3, 0.7][..], &[0.6, 0.4][..]);
    set(
        &["b", "a"],
        &[("5", "b", right), ("4", "b", wrong), ("1", "a", right), ("3", "a", wrong), ("2", "a", wrong)],
    )
}

#[test]
fn images_are_matched_by_path_and_classes_by_name() {
    let (first, second) = (first(), second());
    let matched = in_order_of(("one", &first), ("two", &second)).unwrap();
    assert_eq!((matched.labels(), &matched.images), (first.labels(), &first.images));
    let rows: Vec<Vec<f32>> =
        matched.scores.rows().map(|(_, row)| row.iter().map(|&p| p as f32).collect()).collect();
    assert_eq!(rows, [[0.7, 0.3], [0.4, 0.6], [0.4, 0.6], [0.4, 0.6], [0.7, 0.3]]);

    let comparison = compared(&first, &second).unwrap();
    // Right of the first: 1, 3, 4, 5; of the second: 1, 4.
    let counts = [
        comparison.right.unwrap().both,
        comparison.right.unwrap().only_first,
        comparison.right.unwrap().only_second,
        comparison.right.unwrap().neither,
    ];
    assert_eq!((comparison.images, counts, comparison.groups), (5, [2, 2, 0, 1], None));
    assert_eq!(comparison.right.unwrap().mcnemar_p, 0.5);
    let accuracy = figure(&comparison, "accuracy");
    assert_eq!((accuracy.first, accuracy.second), (Some(0.8), Some(0.4)));
    let Figure { value, interval, .. } = accuracy.row.difference;
    let (difference, [low, high]) = (value.unwrap(), interval.unwrap());
    assert!((difference - 0.4).abs() < 1e-12 && low <= difference && difference <= high);

    // The other way round everything changes its sign.
    let back = compared(&second, &first).unwrap();
    assert_eq!((back.right.unwrap().only_first, back.right.unwrap().only_second), (0, 2));
    for key in ["log_loss", "macro_roc_auc"] {
        let [one, mirrored] =
            [&comparison, &back].map(|compared| figure(compared, key).row.difference.value.unwrap());
        assert!((one + mirrored).abs() < 1e-12, "{key}");
    }
    // Keys of the file, in their order.
    let json = serde_json::to_string(&comparison).unwrap();
    let start = "{\"images\":5,\"groups\":null,\"both_right\":2,\"only_first_right\":2,\"only_second_right\":0,\"both_wrong\":1,\
                 \"mcnemar_p\":0.5,\"accuracy\":{\"first\":0.8,\"second\":0.4,\"difference\":";
    assert!(json.starts_with(start), "{json}");
}

#[test]
fn a_model_against_itself_differs_in_nothing() {
    let comparison = compared(&first(), &first()).unwrap();
    assert_eq!((comparison.right.unwrap().only_first, comparison.right.unwrap().only_second), (0, 0));
    let difference = figure(&comparison, "accuracy").row.difference;
    assert_eq!(
        (comparison.right.unwrap().mcnemar_p, difference.value, difference.interval),
        (1.0, Some(0.0), None)
    );
    assert_eq!(comparison.undefined()["interval of accuracy"], "every resample gives the same value");
}

#[test]
fn groups_of_either_are_drawn_whole() {
    let (one, other) = (first(), second());
    let mut images = other.images;
    images.iter_mut().for_each(|image| image.group = Some("p".to_owned()));
    images[0].group = None;
    let other = PredictionTable::new(images, other.scores).unwrap();
    assert_eq!(compared(&one, &other).unwrap().groups, Some(2));
    let mut images = one.images;
    images[0].group = Some("q".to_owned());
    let one = PredictionTable::new(images, one.scores).unwrap();
    assert_eq!(compared(&one, &other).unwrap().groups, Some(5));
}

#[test]
fn an_image_that_is_there_twice_is_matched_once_each() {
    let row = ("1", "a", &[0.9, 0.1][..]);
    let (one, two) = (set(&["a", "b"], &[row]), set(&["a", "b"], &[row, row]));
    assert_eq!(compared(&two, &two).unwrap().images, 2);
    let error = compared(&two, &one).unwrap_err().to_string();
    assert_eq!(
        error,
        "`one` and `two` are not of the same images: 1 of 2 in `one` is not in `two`, such as `1`"
    );
}

#[test]
fn others_are_refused_with_what_is_other() {
    let one = first();
    let row = &[0.5, 0.5][..];
    for (other, words) in [
        (
            set(&["a", "c"], &[("1", "a", row)]),
            "`one` and `two` are of different classes or labels: only `one` has `b`, only `two` has `c`",
        ),
        (
            set(&["a", "b", "c"], &[("1", "a", &[0.5, 0.5, 0.0])]),
            "`one` and `two` are of different classes or labels: only `two` has `c`",
        ),
        (
            set(&["a", "b"], &[("1", "a", row), ("9", "a", row), ("8", "b", row)]),
            "`one` and `two` are not of the same images: 4 of 5 in `one` are not in `two`, such as `2`, \
             and 2 of 3 in `two` are not in `one`, such as `9`",
        ),
        (set(&["a", "b"], &[("1", "b", row)]), "`1` is of class `a` in `one` and of `b` in `two`"),
    ] {
        assert_eq!(compared(&one, &other).unwrap_err().to_string(), words);
    }
}

/// Findings of 40 images; `shift` tells how well the first label is ranked.
fn findings(shift: f64, paths: impl Iterator<Item = usize>) -> PredictionTable {
    let images: Vec<usize> = paths.collect();
    let values = images.iter().flat_map(|&at| [Some(at % 3 == 0), (at % 2 == 0).then_some(false)]).collect();
    let p = |at: usize| {
        (((at * 37) % 101) as f64 / 202.0 + if at.is_multiple_of(3) { shift } else { 0.0 }).min(1.0)
    };
    let rows = images.iter().flat_map(|&at| [p(at), 0.25]).collect();
    let targets = Targets::from_findings(["Edema", "Mass"], values).unwrap();
    let image = |&at: &usize| PredictedImage { path: format!("{at}.png").into(), group: None, note: None };
    PredictionTable::new(images.iter().map(image).collect(), Scores::new(targets, rows).unwrap()).unwrap()
}

#[test]
fn findings_are_compared_label_by_label_with_delongs_test() {
    let (better, worse) = (findings(0.4, 0..40), findings(0.0, (0..40).rev()));
    let found = ModelComparison::new(("a", &better), ("b", &worse)).unwrap();
    assert_eq!((found.images, found.right), (40, None));
    let [edema, mass] = &found.labels[..] else { panic!("{found:?}") };
    let difference = edema.difference.value.unwrap();
    assert!(difference > 0.2 && (edema.first.unwrap() - edema.second.unwrap() - difference).abs() < 1e-12);
    // One label alone has a p: nothing is corrected.
    assert!(edema.p.unwrap() < 0.05 && edema.p_holm == edema.p, "{edema:?}");
    assert_eq!(
        (mass.p, mass.difference.missing.as_deref()),
        (None, Some("no known positive image of `Mass`"))
    );
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!((&json["labels"][0]["label"], json.get("both_right")), (&"Edema".into(), None));
    assert!(json["macro_roc_auc"]["difference"].as_f64().unwrap() > 0.2);
}

#[test]
fn findings_of_other_truth_labels_or_tasks_are_not_compared() {
    let first = findings(0.4, 0..40);
    let error = |second: &PredictionTable| {
        ModelComparison::new(("a", &first), ("b", second)).unwrap_err().to_string()
    };
    let mut other = first.clone();
    let mut values: Vec<Option<bool>> =
        (0..80).map(|at| first.scores.targets().value(at / 2, at % 2)).collect();
    values[6] = Some(false);
    let targets = Targets::from_findings(["Edema", "Mass"], values).unwrap();
    let rows = (0..40).flat_map(|at| first.scores.row(at).to_vec()).collect();
    other.scores = Scores::new(targets, rows).unwrap();
    assert_eq!(error(&other), "`Edema` of `3.png` is not the same in `a` and in `b`");
    let fewer = findings(0.4, 0..39);
    assert!(error(&fewer).contains("not of the same images"), "{}", error(&fewer));
    let targets = Targets::from_classes(["Edema", "Mass"], vec![0; 40]).unwrap();
    let rows = (0..40).flat_map(|_| [0.5, 0.5]).collect();
    let classes = PredictionTable::new(first.images.clone(), Scores::new(targets, rows).unwrap()).unwrap();
    assert_eq!(error(&classes), "`a` is `multi-label` and `b` is `multi-class`");
}
