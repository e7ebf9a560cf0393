//! Benchmark: time of 2,000 bootstrap resamples of all figures on 21,165 predictions of 4 classes.
//!
//! `cargo run --release -p metrics --example bootstrap_speed`; `RAYON_NUM_THREADS` sets the threads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "an example ends so")]
#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::time::Instant;

use metrics::{Evaluation, RESAMPLES, Resampling, Scores, Targets};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// Images of each class of the COVID-19 Radiography Database: COVID-19, lung opacity, normal, viral
/// pneumonia.
const IMAGES: [usize; 4] = [3616, 6012, 10192, 1345];

fn main() {
    let mut generator = ChaCha8Rng::seed_from_u64(28);
    // The sum of four uniform numbers is as good as normal here.
    let mut noise =
        || (0..4).map(|_| f64::from(generator.next_u32()) / f64::from(u32::MAX)).sum::<f64>() - 2.0;
    let labels: Vec<usize> =
        IMAGES.iter().enumerate().flat_map(|(class, &images)| std::iter::repeat_n(class, images)).collect();
    let row = |&label: &usize| {
        let logits: [f64; 4] = std::array::from_fn(|class| 5.0 * (noise() + f64::from(class == label)));
        let powers = logits.map(f64::exp);
        powers.map(|power| power / powers.iter().sum::<f64>())
    };
    let probabilities = labels.iter().flat_map(row).collect();
    let targets = Targets::from_classes(["a", "b", "c", "d"], labels).expect("four classes");
    let scores = Scores::new(targets, probabilities).expect("four finite probabilities an image");
    let start = Instant::now();
    let resampling = Resampling { resamples: RESAMPLES, seed: 28 };
    let evaluation = Evaluation::new(&scores, &resampling).expect("classes");
    let seconds = start.elapsed().as_secs_f64();
    println!("{} images, {RESAMPLES} resamples of all figures: {seconds:.2} s", scores.len());
    let figures = &evaluation.figures;
    for (name, estimate) in [
        ("accuracy", figures.get("accuracy")),
        ("macro ROC AUC", figures.get("macro_roc_auc")),
        ("calibration error", figures.get("expected_calibration_error")),
    ] {
        let estimate = estimate.expect("it is a row of the table");
        if let (Ok(value), Ok(interval)) = (estimate.value, estimate.interval) {
            println!("{name} {value:.4} ({:.4} to {:.4})", interval.low, interval.high);
        }
    }
}
