//! Counters in Prometheus' text format, 0.0.4.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::card::Card;

/// Counters since the start.
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    request_seconds: Histogram<9>,
    batch_images: Histogram<6>,
    /// Computing time in microseconds.
    computing: AtomicU64,
    decoding: AtomicU64,
    decoded: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Mutex::default(),
            request_seconds: Histogram::new([0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0]),
            batch_images: Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]),
            computing: AtomicU64::new(0),
            decoding: AtomicU64::new(0),
            decoded: AtomicU64::new(0),
        }
    }
}

impl Metrics {
    pub(crate) fn request(&self, path: &'static str, status: u16, seconds: f64) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((path, status)).or_default() += 1;
        drop(requests);
        self.request_seconds.add(seconds);
    }

    pub(crate) fn computed(&self, images: usize, time: Duration) {
        self.batch_images.add(images as f64);
        self.computing.fetch_add(micros(time), Relaxed);
    }

    pub(crate) fn decoded(&self, time: Duration) {
        self.decoded.fetch_add(1, Relaxed);
        self.decoding.fetch_add(micros(time), Relaxed);
    }

    pub(crate) fn text(&self, card: &Card, waiting: usize) -> String {
        let mut text = String::new();
        let labels = [("version", &card.version), ("model", &card.name)];
        let labels = labels.map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).join(",");
        head(&mut text, "thorax_info", "gauge", "The program and its model.");
        line(&mut text, &format!("thorax_info{{{labels}}}"), 1.0);
        head(&mut text, "thorax_requests_total", "counter", "Requests answered, by path and status.");
        for ((path, status), count) in self.requests.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let name = format!("thorax_requests_total{{path=\"{path}\",status=\"{status}\"}}");
            line(&mut text, &name, *count as f64);
        }
        self.request_seconds.write(
            &mut text,
            "thorax_request_seconds",
            "From a request's head to its answer.",
        );
        self.batch_images.write(&mut text, "thorax_batch_images", "Images that were computed together.");
        head(&mut text, "thorax_waiting_images", "gauge", "Images that wait for their answer now.");
        line(&mut text, "thorax_waiting_images", waiting as f64);
        for (name, help, value) in [
            ("thorax_compute_seconds_total", "Time spent computing.", seconds(&self.computing)),
            (
                "thorax_decode_seconds_total",
                "Time spent decoding, all threads together.",
                seconds(&self.decoding),
            ),
            ("thorax_decoded_images_total", "Images decoded or refused.", self.decoded.load(Relaxed) as f64),
        ] {
            head(&mut text, name, "counter", help);
            line(&mut text, name, value);
        }
        text
    }
}

/// Histogram: the counts of values in each bucket; they are summed to cumulative counts when it is written.
struct Histogram<const N: usize> {
    bounds: [f64; N],
    counts: [AtomicU64; N],
    above: AtomicU64,
    /// Sum of the values in millionths.
    sum: AtomicU64,
}

impl<const N: usize> Histogram<N> {
    fn new(bounds: [f64; N]) -> Self {
        let zero = || AtomicU64::new(0);
        Self { bounds, counts: std::array::from_fn(|_| zero()), above: zero(), sum: zero() }
    }

    fn add(&self, value: f64) {
        let at = self.bounds.iter().position(|bound| value <= *bound);
        at.map_or(&self.above, |at| &self.counts[at]).fetch_add(1, Relaxed);
        self.sum.fetch_add((value * 1e6) as u64, Relaxed);
    }

    fn write(&self, text: &mut String, name: &str, help: &str) {
        head(text, name, "histogram", help);
        let mut count = 0;
        for (bound, own) in self.bounds.iter().zip(&self.counts) {
            count += own.load(Relaxed);
            line(text, &format!("{name}_bucket{{le=\"{bound}\"}}"), count as f64);
        }
        count += self.above.load(Relaxed);
        line(text, &format!("{name}_bucket{{le=\"+Inf\"}}"), count as f64);
        line(text, &format!("{name}_sum"), seconds(&self.sum));
        line(text, &format!("{name}_count"), count as f64);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn seconds(micros: &AtomicU64) -> f64 {
    micros.load(Relaxed) as f64 / 1e6
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, value: f64) {
    let _ = writeln!(text, "{name} {value}");
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_sums_up_what_lies_below() {
        let histogram = Histogram::new([1.0, 2.0]);
        [1.0, 1.5, 2.0, 7.0].into_iter().for_each(|value| histogram.add(value));
        let mut text = String::new();
        histogram.write(&mut text, "x", "Words.");
        let expected = "# HELP x Words.\n# TYPE x histogram\nx_bucket{le=\"1\"} 1\nx_bucket{le=\"2\"} 3\n\
                        x_bucket{le=\"+Inf\"} 4\nx_sum 11.5\nx_count 4\n";
        assert_eq!(text, expected);
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
