//! Intervals that do not hang on threads, and sets that leave figures undefined.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

use metrics::{
    Comparison, Estimate, Evaluation, EvaluationError, Figures, IntervalMethod, KerasFigures, Resampling,
    Scores, Targets, Task, Undefined,
};

fn resampling(resamples: usize) -> Resampling {
    Resampling { resamples, seed: 28 }
}

fn scores_of(n_classes: usize, classes: Vec<usize>, probabilities: Vec<f64>) -> Scores {
    Scores::new(Targets::from_classes(vec![""; n_classes], classes).unwrap(), probabilities).unwrap()
}

/// `images` of each of `n_classes`, by turns; probabilities from a small generator that leans to the true class.
fn simulated(n_classes: usize, images: usize, mut state: u64) -> Scores {
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 24) as f64
    };
    let labels: Vec<usize> = (0..images * n_classes).map(|image| image % n_classes).collect();
    let rows = labels.iter().flat_map(|&label| {
        let weights: Vec<f64> = (0..n_classes)
            .map(|class| 0.01 + unit().powi(2) + if class == label { 0.6 * unit() } else { 0.0 })
            .collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(move |weight| weight / sum)
    });
    let probabilities = rows.collect();
    scores_of(n_classes, labels, probabilities)
}

fn one_hot(n_classes: usize, pairs: &[(usize, usize)]) -> Scores {
    let rows = pairs.iter().flat_map(|&(_, predicted)| {
        (0..n_classes).map(move |class| if class == predicted { 1.0 } else { 0.0 })
    });
    scores_of(n_classes, pairs.iter().map(|&(label, _)| label).collect(), rows.collect())
}

fn estimates(figures: &Figures<Estimate>) -> Vec<Estimate> {
    figures.into_iter().copied().collect()
}

fn of(figures: &Figures<Estimate>, key: &str) -> Estimate {
    *figures.get(key).unwrap()
}

fn of_class(figures: &Figures<Estimate>, class: usize, key: &str) -> Estimate {
    *figures.of_class(class, key).unwrap()
}

/// Every value and end is a number in the figure's order.
fn assert_sound(figures: &Figures<Estimate>) {
    for estimate in estimates(figures) {
        assert!(estimate.value.is_ok_and(f64::is_finite) || estimate.value.is_err());
        if let Ok(interval) = estimate.interval {
            assert!(interval.low <= interval.high, "{estimate:?}");
            assert!(interval.low.is_finite() && interval.high.is_finite(), "{estimate:?}");
        }
        assert!(estimate.value.is_ok() || estimate.interval.is_err());
    }
}

#[test]
fn equal_seeds_give_equal_intervals_on_any_number_of_threads() {
    let scores = simulated(3, 50, 1);
    let other = simulated(3, 50, 2);
    let grouped = scores.clone().with_groups(Some((0..150).map(|image| image / 6).collect())).unwrap();
    let all = || {
        (
            Evaluation::new(&scores, &resampling(300)).unwrap(),
            Evaluation::new(&grouped, &resampling(300)).unwrap(),
            Comparison::new(&scores, &other, &resampling(300)).unwrap(),
        )
    };
    let [one, two, five] = [1, 2, 5]
        .map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(all));
    assert_eq!(one, two);
    assert_eq!(one, five);
    assert!(estimates(&one.0.figures).iter().all(|estimate| estimate.interval.is_ok()));
    let another = Evaluation::new(&scores, &Resampling { seed: 29, resamples: 300 }).unwrap();
    assert_ne!(of(&one.0.figures, "log_loss").interval, of(&another.figures, "log_loss").interval);
    assert_eq!(of(&one.0.figures, "accuracy"), of(&another.figures, "accuracy"));
}

#[test]
fn each_figures_method_is_named() {
    let figures = Evaluation::new(&simulated(4, 40, 3), &resampling(200)).unwrap().figures;
    let method = |estimate: Estimate| estimate.interval.unwrap().method;
    assert_eq!(method(of(&figures, "accuracy")), IntervalMethod::Wilson);
    assert_eq!(method(of_class(&figures, 3, "precision")), IntervalMethod::Wilson);
    assert_eq!(method(of(&figures, "balanced_accuracy")), IntervalMethod::Bca);
    assert_eq!(method(of(&figures, "macro_f1")), IntervalMethod::Bca);
    assert_eq!(method(of_class(&figures, 0, "roc_auc")), IntervalMethod::Logit);
    assert_eq!(method(of(&figures, "expected_calibration_error")), IntervalMethod::CentredGaps);
    assert_sound(&figures);
}

#[test]
fn a_missing_class_leaves_undefined_what_needs_it() {
    let scores = one_hot(3, &[(0, 0), (0, 1), (1, 1), (1, 1), (0, 0)]);
    let evaluation = Evaluation::new(&scores, &resampling(50)).unwrap();
    let figures = &evaluation.figures;
    let missing = Err(Undefined::NoImageOf(2));
    let class = |key| of_class(figures, 2, key);
    assert_eq!(
        [class("recall").value, class("roc_auc").value, class("average_precision").value],
        [missing; 3]
    );
    assert_eq!(class("recall").interval, Err(Undefined::NoImageOf(2)));
    assert_eq!(class("precision").value, Err(Undefined::NotPredicted(2)));
    assert_eq!(class("f1").value, Err(Undefined::NeitherSeenNorPredicted(2)));
    assert_eq!(class("specificity").value, Ok(1.0));
    assert_eq!(of(figures, "balanced_accuracy").value, missing);
    assert_eq!(of(figures, "macro_roc_auc").value, missing);
    // Weighted means have no use for it, nor has accuracy.
    assert_eq!((of(figures, "accuracy").value, of(figures, "weighted_recall").value), (Ok(0.8), Ok(0.8)));
    assert_eq!(evaluation.classes[2].roc, Err(Undefined::NoImageOf(2)));
    assert!(evaluation.classes[2].few && evaluation.classes[2].support == 0);
    assert_sound(figures);
}

#[test]
fn all_right_and_all_wrong_have_intervals_of_some_width() {
    let right: Vec<(usize, usize)> = (0..40).map(|image| (image % 2, image % 2)).collect();
    let figures = Evaluation::new(&one_hot(2, &right), &resampling(100)).unwrap().figures;
    for estimate in [
        of(&figures, "balanced_accuracy"),
        of(&figures, "cohen_kappa"),
        of(&figures, "macro_roc_auc"),
        of_class(&figures, 0, "f1"),
    ] {
        let interval = estimate.interval.unwrap();
        assert_eq!((estimate.value, interval.high, interval.method), (Ok(1.0), 1.0, IntervalMethod::Wilson));
        assert!(interval.low < 0.97 && interval.low > 0.6, "{interval:?}");
    }
    // Balanced accuracy of equal classes is as sure as accuracy.
    let low = |estimate: Estimate| estimate.interval.unwrap().low;
    assert!((low(of(&figures, "balanced_accuracy")) - low(of(&figures, "accuracy"))).abs() < 1e-12);
    assert_eq!(of(&figures, "log_loss").interval, Err(Undefined::Constant));
    assert_sound(&figures);

    let wrong: Vec<(usize, usize)> = right.iter().map(|&(label, _)| (label, 1 - label)).collect();
    let figures = Evaluation::new(&one_hot(2, &wrong), &resampling(100)).unwrap().figures;
    assert_eq!(
        (of(&figures, "accuracy").value, of(&figures, "matthews_corrcoef").value),
        (Ok(0.0), Ok(-1.0))
    );
    assert_eq!(
        (of_class(&figures, 1, "roc_auc").value, of(&figures, "expected_calibration_error").value),
        (Ok(0.0), Ok(1.0))
    );
    let interval = of(&figures, "balanced_accuracy").interval.unwrap();
    assert!(interval.low == 0.0 && interval.high > 0.05, "{interval:?}");
    assert_sound(&figures);
}

#[test]
fn one_image_has_figures_but_no_bootstrap_and_none_has_neither() {
    let one = Evaluation::new(&one_hot(2, &[(0, 0)]), &resampling(50)).unwrap();
    assert_eq!(of(&one.figures, "accuracy").value, Ok(1.0));
    assert!(of(&one.figures, "accuracy").interval.is_ok());
    assert_eq!(of(&one.figures, "brier").interval, Err(Undefined::TooFewToDraw(0)));
    assert_eq!(of(&one.figures, "cohen_kappa").value, Err(Undefined::OnlyImagesOf(0)));
    assert_eq!(of_class(&one.figures, 0, "specificity").value, Err(Undefined::OnlyImagesOf(0)));
    assert_sound(&one.figures);

    let none = Evaluation::new(&scores_of(2, vec![], vec![]), &resampling(50)).unwrap();
    assert_eq!(none.images, 0);
    for estimate in estimates(&none.figures) {
        assert_eq!((estimate.value, estimate.interval), (Err(Undefined::NoImages), Err(Undefined::NoImages)));
    }
}

/// The example `coverage` measures this with care; here a bug in an interval would show.
#[test]
fn intervals_hold_the_true_figure_in_about_nineteen_of_twenty_sets() {
    const SETS: u64 = 200;
    let truth = values(&simulated(2, 100_000, 77));
    let mut held = [0; 4];
    for set in 0..SETS {
        let scores = simulated(2, 60, 1000 + set * 7919);
        let figures = Evaluation::new(&scores, &Resampling { seed: set, resamples: 400 }).unwrap().figures;
        for (at, estimate) in watched(&figures).into_iter().enumerate() {
            let interval = estimate.interval.unwrap();
            held[at] += u64::from(interval.low <= truth[at] && truth[at] <= interval.high);
        }
    }
    // 190 are expected; three standard deviations are 9.
    assert!(held.iter().all(|sets| (180..=199).contains(sets)), "{held:?}");
}

fn watched(figures: &Figures<Estimate>) -> [Estimate; 4] {
    [
        of(figures, "accuracy"),
        of(figures, "macro_f1"),
        of_class(figures, 0, "roc_auc"),
        of(figures, "log_loss"),
    ]
}

fn values(scores: &Scores) -> [f64; 4] {
    watched(&Evaluation::new(scores, &resampling(0)).unwrap().figures).map(|estimate| estimate.value.unwrap())
}

#[test]
fn a_figure_undefined_in_many_resamples_has_no_interval_and_says_in_how_many() {
    // One image in forty is predicted as class 1: a third of the resamples have none.
    let mut pairs = vec![(0, 0); 20];
    pairs.extend(vec![(1, 0); 19]);
    pairs.push((1, 1));
    let figures = Evaluation::new(&one_hot(2, &pairs), &resampling(400)).unwrap().figures;
    let precision = of(&figures, "macro_precision");
    let undefined = precision.undefined_resamples;
    assert!((100..180).contains(&undefined), "{undefined}");
    assert!(precision.value.is_ok());
    assert_eq!(precision.interval, Err(Undefined::UndefinedResamples { undefined, of: 400 }));
    assert_eq!(of(&figures, "macro_recall").undefined_resamples, 0);
    // A share's interval is Wilson's and needs no resample.
    assert!(of_class(&figures, 1, "precision").interval.is_ok());
}

#[test]
fn groups_that_are_copies_say_as_much_as_one_image_each() {
    let single = simulated(2, 40, 4);
    let row = |(label, row): (usize, &[f64])| std::iter::repeat_n((label, row.to_vec()), 3);
    let (labels, rows): (Vec<usize>, Vec<Vec<f64>>) = single.rows().flat_map(row).unzip();
    let copied = scores_of(2, labels, rows.concat());
    let groups = (0..240).map(|image| image / 3).collect();
    let alone = Evaluation::new(&single, &resampling(500)).unwrap();
    let naive = Evaluation::new(&copied, &resampling(500)).unwrap();
    let grouped = Evaluation::new(&copied.with_groups(Some(groups)).unwrap(), &resampling(500)).unwrap();
    assert_eq!((grouped.groups, naive.groups), (Some(80), None));
    assert!(!grouped.classes[0].few);
    let width = |estimate: Estimate| estimate.interval.map(|interval| interval.high - interval.low).unwrap();
    for figure in [
        |evaluation: &Evaluation| of(&evaluation.figures, "accuracy"),
        |evaluation: &Evaluation| of_class(&evaluation.figures, 0, "recall"),
        |evaluation: &Evaluation| of(&evaluation.figures, "macro_f1"),
        |evaluation: &Evaluation| of(&evaluation.figures, "macro_roc_auc"),
        |evaluation: &Evaluation| of(&evaluation.figures, "log_loss"),
    ] {
        let [alone, grouped, naive] = [&alone, &grouped, &naive].map(|evaluation| width(figure(evaluation)));
        assert!((grouped / alone - 1.0).abs() < 0.1, "{grouped} for {alone}");
        assert!(naive < 0.7 * alone, "{naive} for {alone}");
    }
}

#[test]
fn few_images_are_flagged() {
    let pairs: Vec<(usize, usize)> = (0..59).map(|image| (image % 2, image % 2)).collect();
    let evaluation = Evaluation::new(&one_hot(2, &pairs), &resampling(0)).unwrap();
    assert_eq!(evaluation.classes.iter().map(|class| class.few).collect::<Vec<_>>(), [false, true]);
    assert_eq!(of(&evaluation.figures, "macro_f1").interval, Err(Undefined::NotResampled));
    assert!(of(&evaluation.figures, "accuracy").interval.is_ok());
}

#[test]
fn predictions_in_f32_give_the_figures_of_their_values() {
    let targets = Targets::from_classes(["a", "b"], vec![0, 1, 1]).unwrap();
    let scores = Scores::from_f32(targets, &[0.75, 0.25, 0.5, 0.5, 0.25, 0.75]).unwrap();
    let figures = Evaluation::new(&scores, &resampling(0)).unwrap().figures;
    assert_eq!(of(&figures, "accuracy").value, Ok(2.0 / 3.0));
    assert_eq!(of(&figures, "brier").value, Ok((0.125 + 0.5 + 0.125) / 3.0));
    assert_eq!(of_class(&figures, 1, "roc_auc").value, Ok(1.0));
}

#[test]
fn a_better_model_is_told_from_a_worse_one_on_the_same_images() {
    let second = simulated(2, 150, 5);
    // The first is the second with every third mistake mended.
    let mut mended = 0;
    let row = |(label, row): (usize, &[f64])| {
        let wrong = row[label] < row[1 - label];
        mended += usize::from(wrong);
        if wrong && mended % 3 == 0 { [row[1], row[0]] } else { [row[0], row[1]] }
    };
    let rows: Vec<[f64; 2]> = second.rows().map(row).collect();
    let first = scores_of(2, second.classes().to_vec(), rows.concat());
    let comparison = Comparison::new(&first, &second, &resampling(500)).unwrap();
    let alone = (comparison.only_first_right, comparison.only_second_right);
    assert_eq!(alone, (mended as u64 / 3, 0));
    let right = comparison.both_right + comparison.only_first_right;
    assert_eq!(right + comparison.both_wrong, 300);
    assert!((comparison.mcnemar_p - 2.0 * 0.5f64.powi(alone.0 as i32)).abs() < 1e-12);
    let accuracy = of(&comparison.differences, "accuracy");
    assert!((accuracy.value.unwrap() - alone.0 as f64 / 300.0).abs() < 1e-12);
    let interval = accuracy.interval.unwrap();
    assert!(interval.low > 0.0 && interval.method == IntervalMethod::Bca, "{interval:?}");
    assert!(of(&comparison.differences, "log_loss").interval.unwrap().high < 0.0);
    // The same images are drawn for both: the difference is far surer than either model's accuracy.
    let alone = Evaluation::new(&second, &resampling(500)).unwrap();
    let own = of(&alone.figures, "accuracy").interval.unwrap();
    assert!(interval.high - interval.low < own.high - own.low);
    assert_sound(&comparison.differences);

    let same = Comparison::new(&first, &first, &resampling(100)).unwrap();
    assert_eq!((same.mcnemar_p, of(&same.differences, "accuracy").value), (1.0, Ok(0.0)));
    assert_eq!(of(&same.differences, "accuracy").interval, Err(Undefined::Constant));
}

#[test]
fn models_of_other_images_are_not_compared() {
    let scores = one_hot(2, &[(0, 0), (1, 1)]);
    let compare = |other: &Scores| Comparison::new(&scores, other, &resampling(10)).unwrap_err();
    assert_eq!(compare(&one_hot(2, &[(0, 0), (0, 1)])), EvaluationError::Label(1));
    assert_eq!(compare(&one_hot(2, &[(0, 0)])), EvaluationError::Images { first: 2, second: 1 });
    assert_eq!(compare(&one_hot(3, &[(0, 0), (1, 1)])), EvaluationError::Classes { first: 2, second: 3 });
    assert_eq!(compare(&one_hot(2, &[(0, 0)])).to_string(), "one model saw 2 images and the other 1");
}

#[test]
fn a_comparison_draws_by_the_groups_that_either_model_has() {
    let scores = simulated(2, 60, 6);
    let grouped = scores.clone().with_groups(Some((0..120).map(|image| image / 4).collect())).unwrap();
    let other = simulated(2, 60, 7);
    let first = Comparison::new(&grouped, &other, &resampling(200)).unwrap();
    let second = Comparison::new(
        &scores,
        &other.clone().with_groups(grouped.groups().map(<[_]>::to_vec)).unwrap(),
        &resampling(200),
    );
    assert_eq!(first.groups, Some(30));
    assert_eq!(Ok(first), second);
    assert_eq!(Comparison::new(&scores, &other, &resampling(0)).unwrap().groups, None);
}

#[test]
fn labels_that_do_not_exclude_each_other_are_refused_where_one_class_is_asked_for() {
    let targets =
        Targets::from_findings(["Edema", "Mass"], vec![Some(true), None, Some(false), Some(true)]).unwrap();
    let scores = Scores::new(targets, vec![0.75, 0.5, 0.25, 0.875]).unwrap();
    let refused = EvaluationError::Task(Task::MultiLabel);
    assert_eq!(refused.to_string(), "figures of `multi-label` predictions cannot be computed");
    assert_eq!(Evaluation::new(&scores, &resampling(0)).as_ref(), Err(&refused));
    assert_eq!(Comparison::new(&scores, &scores, &resampling(0)).as_ref(), Err(&refused));
    assert_eq!(KerasFigures::new(&scores).as_ref(), Err(&refused));
    assert!(Figures::of(&scores).is_err_and(|error| error == refused));
}
