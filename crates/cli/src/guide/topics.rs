//! Pages of the manual, which the program carries.

/// Topics in reading order, each with its page.
pub(crate) const TOPICS: [(&str, &str); 11] = [
    ("data", include_str!("../../guide/data.md")),
    ("training", include_str!("../../guide/training.md")),
    ("findings", include_str!("../../guide/findings.md")),
    ("transfer-learning", include_str!("../../guide/transfer-learning.md")),
    ("evaluation", include_str!("../../guide/evaluation.md")),
    ("prediction", include_str!("../../guide/prediction.md")),
    ("serving", include_str!("../../guide/serving.md")),
    ("files", include_str!("../../guide/files.md")),
    ("benchmarks", include_str!("../../guide/benchmarks.md")),
    ("distribution", include_str!("../../guide/distribution.md")),
    ("architecture", include_str!("../../guide/architecture.md")),
];
