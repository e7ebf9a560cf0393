//! Counters in OpenMetrics' text format, 1.0.0, which Prometheus reads.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};

/// Content type of [`Metrics::text`].
pub(crate) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counters since the start.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<AnswerLabels, Counter>,
    request_seconds: Histogram,
    batch_images: Histogram,
    waiting: Gauge,
    compute_seconds: Counter<f64, AtomicU64>,
    decode_seconds: Counter<f64, AtomicU64>,
    decoded: Counter,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AnswerLabels {
    path: &'static str,
    status: u16,
}

impl Metrics {
    /// Starts the counters of a version of the program and of the model of this name.
    pub(crate) fn new(version: &str, model: &str) -> Self {
        let metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            request_seconds: Histogram::new([0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0]),
            batch_images: Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]),
            waiting: Gauge::default(),
            compute_seconds: Counter::default(),
            decode_seconds: Counter::default(),
            decoded: Counter::default(),
        };
        let about = Info::new([("version", escaped(version)), ("model", escaped(model))]);
        let mut all = Registry::default();
        all.register("thorax", "Program and model", about);
        let registry = all.sub_registry_with_prefix("thorax");
        registry.register("requests", "Requests answered, by path and status", metrics.requests.clone());
        registry.register(
            "request_seconds",
            "From a request's head to its answer",
            metrics.request_seconds.clone(),
        );
        registry.register("batch_images", "Images that were computed together", metrics.batch_images.clone());
        registry.register("waiting_images", "Images that wait for their answer now", metrics.waiting.clone());
        registry.register("compute_seconds", "Time spent computing", metrics.compute_seconds.clone());
        let decoding = "Time spent decoding, all threads together";
        registry.register("decode_seconds", decoding, metrics.decode_seconds.clone());
        registry.register("decoded_images", "Images decoded or refused", metrics.decoded.clone());
        Self { registry: all, ..metrics }
    }

    pub(crate) fn request(&self, path: &'static str, status: u16, seconds: f64) {
        self.requests.get_or_create(&AnswerLabels { path, status }).inc();
        self.request_seconds.observe(seconds);
    }

    pub(crate) fn computed(&self, images: usize, time: Duration) {
        self.batch_images.observe(images as f64);
        self.compute_seconds.inc_by(time.as_secs_f64());
    }

    pub(crate) fn decoded(&self, time: Duration) {
        self.decoded.inc();
        self.decode_seconds.inc_by(time.as_secs_f64());
    }

    /// Writes all counters, and the number of images that wait now.
    pub(crate) fn text(&self, waiting: usize) -> String {
        self.waiting.set(waiting as i64);
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Escapes the value of a label, which the library writes as it is.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_their_names_and_any_model_has_one() {
        let metrics = Metrics::new("1", "a\"b\\c\nd");
        metrics.request("/v1/model", 200, 0.02);
        let text = metrics.text(3);
        for line in [
            r#"thorax_info{version="1",model="a\"b\\c\nd"} 1"#,
            r#"thorax_requests_total{path="/v1/model",status="200"} 1"#,
            r#"thorax_request_seconds_bucket{le="0.025"} 1"#,
            "thorax_waiting_images 3",
            "thorax_decoded_images_total 0",
        ] {
            assert!(text.lines().any(|own| own == line), "no `{line}` in:\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
