use super::*;
use crate::Targets;

const LABELS: [&str; 3] = ["Edema", "Mass", "Hernia"];

/// Ten images of three labels: some unknown, `Mass` with ties.
fn scores() -> Scores {
    let truth = |image: usize, label: usize| match (image * 5 + label * 3) % 7 {
        0 | 1 => None,
        2 | 3 => Some(true),
        _ => Some(false),
    };
    let p = |image: usize, label: usize| match label {
        1 => ((image * 3) % 4) as f64 / 4.0 + 0.1,
        _ => (image * 7 % 11 + label) as f64 / 14.0,
    };
    let places = || (0..10).flat_map(|image| (0..3).map(move |label| (image, label)));
    let targets =
        Targets::from_findings(LABELS, places().map(|(image, label)| truth(image, label)).collect()).unwrap();
    Scores::new(targets, places().map(|(image, label)| p(image, label)).collect()).unwrap()
}

const THRESHOLDS: [f64; 3] = [0.4, 0.5, 0.3];
const FIGURES: usize = MULTI_LABEL_FIGURES.len() + 3 * LABEL_FIGURES.len();

#[test]
fn a_row_has_the_figures_of_a_set_with_each_image_repeated() {
    let scores = scores();
    let counts = [2, 1, 3, 1, 0, 2, 1, 1, 4, 1];
    let images = || counts.iter().enumerate().flat_map(|(image, &count)| vec![image; count as usize]);
    let places = || images().flat_map(|image| (0..3).map(move |label| (image, label)));
    let values = places().map(|(image, label)| scores.targets().value(image, label)).collect();
    let probabilities: Vec<f64> =
        places().map(|(image, label)| scores.column(label).nth(image).unwrap()).collect();
    let repeated = Scores::new(Targets::from_findings(LABELS, values).unwrap(), probabilities).unwrap();
    let prepared = PreparedFindings::new(&scores, &THRESHOLDS);
    let row = prepared.row_of(&counts, &prepared.sums());
    let expected = PreparedFindings::new(&repeated, &THRESHOLDS);
    let expected = expected.row_of(&[1; 16], &expected.sums());
    assert_eq!((row.len(), expected.len()), (FIGURES + 3, FIGURES + 3));
    for (figure, (value, expected)) in row.iter().zip(&expected).take(FIGURES).enumerate() {
        assert!((value - expected).abs() < 1e-12, "figure {figure}: {value} is not {expected}");
    }
    // A set is at no distance from itself.
    assert_eq!(expected[FIGURES..], [0.0; 3]);
}

/// The derivative in a weight is the limit of adding an image to many copies of the set.
#[test]
fn influences_are_derivatives_of_every_figure() {
    const COPIES: u32 = 100_000;
    let scores = scores();
    let units = Units::in_one_stratum(scores.len(), None);
    let prepared = PreparedFindings::new(&scores, &THRESHOLDS);
    let whole = prepared.sums();
    let estimates = Estimates { units: &units, grouped: false, prepared: &prepared, whole: &whole };
    let of_set = MULTI_LABEL_FIGURES.iter().map(|spec| estimates.influences(spec.formula));
    let of_labels = (0..3).flat_map(|label| {
        let (prepared, whole) = (&prepared.labels[label], &whole.labels[label]);
        (0..LABEL_FIGURES.len()).map(move |figure| prepared.influences(whole, figure))
    });
    let influences: Vec<Vec<f64>> = of_set.chain(of_labels).collect();
    for image in 0..scores.len() {
        let moved = |by: i32| {
            let mut counts = [COPIES; 10];
            counts[image] = counts[image].saturating_add_signed(by);
            prepared.row_of(&counts, &whole)
        };
        let (more, fewer) = (moved(100), moved(-100));
        for (figure, influences) in influences.iter().enumerate() {
            let slope = (more[figure] - fewer[figure]) / (200.0 / f64::from(COPIES));
            assert!(
                (slope - influences[image]).abs() < 1e-5,
                "figure {figure}, image {image}: {} is not {slope}",
                influences[image]
            );
        }
    }
}

fn evaluation(truth: &[Option<bool>], groups: Option<Vec<usize>>) -> MultiLabelEvaluation {
    let images = truth.len() / 2;
    let probabilities = (0..truth.len()).map(|at| ((at * 37) % 101) as f64 / 101.0).collect();
    let targets = Targets::from_findings(["Edema", "Mass"], truth.to_vec()).unwrap();
    let scores = Scores::new(targets, probabilities).unwrap().with_groups(groups).unwrap();
    assert_eq!(scores.len(), images);
    MultiLabelEvaluation::new(&scores, &[0.5; 2], &Resampling { resamples: 400, seed: 28 }).unwrap()
}

fn value(evaluation: &MultiLabelEvaluation, key: &str) -> Value {
    let at = MULTI_LABEL_FIGURES.iter().position(|spec| spec.key == key).unwrap();
    evaluation.figures[at].value
}

fn of_label<'a>(evaluation: &'a MultiLabelEvaluation, label: usize, key: &str) -> &'a Estimate {
    &evaluation.labels[label].figures[label_figure(key).unwrap()]
}

#[test]
fn a_label_without_a_value_says_why_and_stays_out_of_the_means() {
    // Edema is known and varied, Mass has no positive image.
    let truth: Vec<Option<bool>> =
        (0..80).map(|at| if at % 2 == 0 { Some(at % 3 == 0) } else { Some(false) }).collect();
    let found = evaluation(&truth, None);
    assert_eq!(of_label(&found, 1, "roc_auc").value, Err(Undefined::NoPositive(1)));
    assert_eq!(of_label(&found, 1, "sensitivity").value, Err(Undefined::NoPositive(1)));
    assert!(of_label(&found, 1, "specificity").value.is_ok());
    assert_eq!(value(&found, "macro_roc_auc"), of_label(&found, 0, "roc_auc").value);
    assert_eq!((found.labels_with_roc_auc, found.labels_with_average_precision), (1, 1));
    assert_eq!((found.labels[1].known, found.labels[1].positives, found.labels[1].few), (40, 0, true));
    let unknown = evaluation(&[None; 8], None);
    assert_eq!(of_label(&unknown, 0, "brier").value, Err(Undefined::NeverKnown(0)));
    assert_eq!(value(&unknown, "macro_roc_auc"), Err(Undefined::NoLabel));
    assert_eq!(value(&unknown, "micro_roc_auc"), Err(Undefined::NothingKnown));
    assert_eq!(value(&unknown, "micro_log_loss"), Err(Undefined::NothingKnown));
    let positive = evaluation(&[Some(true); 8], None);
    assert_eq!(value(&positive, "micro_roc_auc"), Err(Undefined::NoNegativeAtAll));
    assert_eq!(of_label(&positive, 1, "roc_auc").value, Err(Undefined::NoNegative(1)));
}

#[test]
fn intervals_hold_the_figure_and_widen_where_images_come_in_groups() {
    let truth: Vec<Option<bool>> = (0..400).map(|at| Some((at / 8) % 3 == 0)).collect();
    let (alone, grouped) =
        (evaluation(&truth, None), evaluation(&truth, Some((0..200).map(|image| image / 4).collect())));
    assert_eq!((alone.groups, grouped.groups), (None, Some(50)));
    let width = |estimate: &Estimate| estimate.interval.map(|interval| interval.high - interval.low).unwrap();
    for label in 0..2 {
        for spec in LABEL_FIGURES {
            let estimate = of_label(&alone, label, spec.key);
            let interval = estimate.interval.unwrap();
            assert!(
                interval.low <= estimate.value.unwrap() && estimate.value.unwrap() <= interval.high,
                "{}",
                spec.key
            );
        }
        let of = |evaluation| width(of_label(evaluation, label, "sensitivity"));
        assert!(of(&grouped) >= of(&alone), "{} {}", of(&grouped), of(&alone));
    }
    for estimate in &alone.figures {
        assert!(width(estimate) > 0.0);
    }
}

#[test]
fn equal_seeds_give_equal_figures_on_any_number_of_threads() {
    let truth: Vec<Option<bool>> = (0..120).map(|at| (at % 7 != 0).then_some(at % 3 == 0)).collect();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| evaluation(&truth, None))
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn one_unit_has_figures_and_no_interval() {
    let truth = [Some(true), Some(false), Some(false), Some(true)];
    let one = evaluation(&truth, Some(vec![7, 7]));
    assert!(value(&one, "macro_roc_auc").is_ok());
    assert_eq!(of_label(&one, 0, "roc_auc").interval.unwrap_err(), Undefined::TooFewUnits);
}

#[test]
fn what_has_no_labels_and_thresholds_is_refused() {
    let classes = crate::scores::binary(&[(1, 0.5)]);
    let none = Resampling { resamples: 0, seed: 0 };
    let refused = MultiLabelEvaluation::new(&classes, &[0.5; 2], &none).unwrap_err();
    assert_eq!(refused.to_string(), "figures of `multi-class` predictions cannot be computed");
    let refused = MultiLabelEvaluation::new(&scores(), &[0.5], &none).unwrap_err();
    assert_eq!(refused.to_string(), "1 thresholds were given for 3 labels");
}
