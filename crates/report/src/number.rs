//! Numbers as a page shows them.

use metrics::Figure;

/// Placeholder for a missing value.
pub(crate) const DASH: &str = "–";

/// Formats a figure with four decimals, or as a dash.
pub(crate) fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| DASH.to_owned(), |value| format!("{value:.4}"))
}

/// Formats an interval with three decimals: `0.814 to 0.929`.
pub(crate) fn interval([low, high]: [f64; 2]) -> String {
    format!("{low:.3} to {high:.3}")
}

/// Formats a figure with its interval for legends: `0.883 [0.814, 0.929]`.
pub(crate) fn short(figure: &Figure) -> String {
    match (figure.value, figure.interval) {
        (Some(value), Some([low, high])) => format!("{value:.3} [{low:.3}, {high:.3}]"),
        (Some(value), None) => format!("{value:.3}"),
        (None, _) => DASH.to_owned(),
    }
}

/// Formats a count with its noun: `1 image`, `2 images`, `2,050 images`.
pub(crate) fn count(n: usize, what: &str) -> String {
    let plural = match (n, what.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{} {what}{plural}", whole(n as u64))
}

/// Formats a whole number with its thousands separated: `2,050`.
pub(crate) fn whole(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a percentage, with a decimal below 10: `12 %`, `4.2 %`.
pub(crate) fn percent(share: f64) -> String {
    match share * 100.0 {
        p if p > 0.0 && p < 9.95 => format!("{p:.1} %"),
        p => format!("{p:.0} %"),
    }
}

/// Formats a wall time: `0.63 s`, `8.8 s`, `96 s`, `12 min 40 s`, `2 h 5 min`.
pub(crate) fn seconds(seconds: f64) -> String {
    let whole = seconds.round();
    match seconds {
        s if s < 1.0 => format!("{s:.2} s"),
        s if s < 20.0 => format!("{s:.1} s"),
        _ if whole < 120.0 => format!("{whole:.0} s"),
        _ if whole < 7200.0 => format!("{:.0} min {:.0} s", (whole / 60.0).floor(), whole % 60.0),
        _ => format!("{:.0} h {:.0} min", (whole / 3600.0).floor(), (whole % 3600.0 / 60.0).floor()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([whole(7), whole(999), whole(2050), whole(1_234_567)], ["7", "999", "2,050", "1,234,567"]);
        assert_eq!(
            [count(1, "class"), count(2, "class"), count(1641, "image")],
            ["1 class", "2 classes", "1,641 images"]
        );
        assert_eq!(
            [percent(0.0), percent(0.042), percent(0.0996), percent(1.0)],
            ["0 %", "4.2 %", "10 %", "100 %"]
        );
        let times = [0.634, 8.84, 96.2, 119.7, 760.0, 7530.0].map(seconds);
        assert_eq!(times, ["0.63 s", "8.8 s", "96 s", "2 min 0 s", "12 min 40 s", "2 h 5 min"]);
        assert_eq!([figure(None), figure(Some(0.94167))], ["–", "0.9417"]);
    }
}
