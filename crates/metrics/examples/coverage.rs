//! Coverage of the 95 % intervals: the share that holds the true figure, over simulated test sets of three classes.
//!
//! `cargo run --release -p metrics --example coverage [SETS]`, 1,000 sets unless told: two minutes of processor time.
//! A network's logits are normal noise around a signal for the true class; the true figures are those of a set of
//! 1,200,000 images. In the grouped sets four images share three tenths of their noise's variance, as the images of one
//! patient do, and groups are drawn whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "an example ends so")]
#![expect(clippy::print_stdout, reason = "an example prints its table")]

use metrics::{Estimate, Evaluation, Figures, Interval, Resampling, Scores, Targets};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// Simulated network: the distance by which the true class's logit stands out, by class, and the network's confidence
/// in it.
struct Network {
    signals: [f64; 3],
    sharpness: f64,
}

const NETWORKS: [Network; 3] = [
    Network { signals: [1.65, 1.95, 2.15], sharpness: 1.5 },
    Network { signals: [2.4, 2.8, 3.0], sharpness: 2.5 },
    Network { signals: [2.9, 3.4, 3.6], sharpness: 4.0 },
];
const TRUTH_IMAGES: usize = 400_000;
const IN_A_GROUP: usize = 4;
const SHARED: f64 = 0.3;

fn main() {
    let sets = std::env::args().nth(1).and_then(|sets| sets.parse().ok()).unwrap_or(1000);
    for network in &NETWORKS {
        let none = Resampling { resamples: 0, seed: 0 };
        let truth = simulate(network, TRUTH_IMAGES, 1, 0);
        let truth = named(&Evaluation::new(&truth, &none).expect("classes").figures)
            .map(|(name, estimate)| (name, estimate.value.expect("every class has images")));
        for (images, in_a_group) in [(40, 1), (200, 1), (40, IN_A_GROUP), (200, IN_A_GROUP)] {
            let intervals: Vec<Vec<Option<Interval>>> = (0..sets)
                .map(|set| {
                    let scores = simulate(network, images, in_a_group, 1 + set);
                    let groups =
                        (in_a_group > 1).then(|| (0..scores.len()).map(|image| image / in_a_group).collect());
                    let scores = scores.with_groups(groups).expect("a group an image");
                    let resampling = Resampling { resamples: metrics::RESAMPLES, seed: set };
                    let figures = Evaluation::new(&scores, &resampling).expect("classes").figures;
                    named(&figures).map(|(_, estimate)| estimate.interval.ok()).to_vec()
                })
                .collect();
            report(&truth, &intervals, images, in_a_group);
        }
    }
}

/// One set of `images` a class; `in_a_group` of them follow each other and share noise.
fn simulate(network: &Network, images: usize, in_a_group: usize, seed: u64) -> Scores {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let (mut labels, mut probabilities) = (Vec::new(), Vec::new());
    let share = if in_a_group > 1 { SHARED } else { 0.0 };
    for class in 0..3 {
        let mut shared = [0.0; 3];
        for image in 0..images {
            if image % in_a_group == 0 {
                shared = shared.map(|_| normal(&mut generator));
            }
            let mut logits = shared
                .map(|shared: f64| share.sqrt() * shared + (1.0 - share).sqrt() * normal(&mut generator));
            logits[class] += network.signals[class];
            let powers = logits.map(|logit| (logit * network.sharpness).exp());
            probabilities.extend(powers.map(|power| power / powers.iter().sum::<f64>()));
            labels.push(class);
        }
    }
    let targets = Targets::from_classes(["a", "b", "c"], labels).expect("three classes");
    Scores::new(targets, probabilities).expect("three finite probabilities an image")
}

/// A normal number, by Box and Muller.
fn normal(generator: &mut ChaCha8Rng) -> f64 {
    let mut unit = || ((generator.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    (-2.0 * unit().ln()).sqrt() * (2.0 * std::f64::consts::PI * unit()).cos()
}

fn named(figures: &Figures<Estimate>) -> [(&'static str, Estimate); 16] {
    let of = |key: &str| *figures.get(key).expect("it is a row of the table");
    let of_class = |class, key: &str| *figures.of_class(class, key).expect("it is a row of the table");
    [
        ("accuracy", of("accuracy")),
        ("balanced accuracy", of("balanced_accuracy")),
        ("macro F1", of("macro_f1")),
        ("macro ROC AUC", of("macro_roc_auc")),
        ("macro average precision", of("macro_average_precision")),
        ("Cohen's kappa", of("cohen_kappa")),
        ("Matthews' correlation", of("matthews_corrcoef")),
        ("log loss", of("log_loss")),
        ("Brier score", of("brier")),
        ("calibration error", of("expected_calibration_error")),
        ("class 0: recall", of_class(0, "recall")),
        ("class 0: precision", of_class(0, "precision")),
        ("class 0: F1", of_class(0, "f1")),
        ("class 0: ROC AUC", of_class(0, "roc_auc")),
        ("class 2: ROC AUC", of_class(2, "roc_auc")),
        ("class 0: average precision", of_class(0, "average_precision")),
    ]
}

fn report(truth: &[(&str, f64)], sets: &[Vec<Option<Interval>>], images: usize, in_a_group: usize) {
    println!(
        "\n{images} images a class, in groups of {in_a_group}, {} sets, accuracy {:.3}",
        sets.len(),
        truth[0].1
    );
    println!(
        "{:28}{:>8}{:>10}{:>8}{:>8}{:>8}  method",
        "figure", "true", "coverage", "below", "above", "width"
    );
    for (figure, (name, true_value)) in truth.iter().enumerate() {
        let intervals: Vec<Interval> = sets.iter().filter_map(|set| set[figure]).collect();
        let share = |count: usize| count as f64 / intervals.len() as f64;
        let above = share(intervals.iter().filter(|interval| interval.low > *true_value).count());
        let below = share(intervals.iter().filter(|interval| interval.high < *true_value).count());
        let width =
            intervals.iter().map(|interval| interval.high - interval.low).sum::<f64>() / sets.len() as f64;
        println!(
            "{name:28}{true_value:8.4}{:10.3}{below:8.3}{above:8.3}{width:8.4}  {}",
            1.0 - above - below,
            intervals[0].method.name()
        );
    }
}
