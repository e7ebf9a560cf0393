//! Class weights, which the training loss is multiplied by, image by image.

/// Computes scikit-learn's `balanced` weights: N / (number of classes present × images of the class).
///
/// `counts`: images per class of the whole data set, before the split, as the study computed them. A class without
/// images gets the weight 1, as Keras gives a class that its dictionary lacks.
pub fn balanced(counts: &[usize]) -> Vec<f64> {
    let total: usize = counts.iter().sum();
    let present = counts.iter().filter(|&&count| count > 0).count();
    counts
        .iter()
        .map(|&count| if count == 0 { 1.0 } else { total as f64 / (present as f64 * count as f64) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::balanced;

    #[test]
    fn matches_scikit_learn_on_every_reference_case() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/class_weight.json");
        let cases: Vec<serde_json::Value> =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let counts: Vec<usize> = serde_json::from_value(case["counts"].clone()).unwrap();
            let weights = balanced(&counts);
            assert_eq!(weights.len(), counts.len());
            for (class, weight) in weights.into_iter().enumerate() {
                let expected = case["weights"].get(class.to_string()).map_or(1.0, |w| w.as_f64().unwrap());
                assert!((weight / expected - 1.0).abs() < 1e-6, "class {class} of {counts:?}: {weight}");
            }
        }
    }
}
