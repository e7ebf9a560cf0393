use experiment::TestFigures;
use metrics::Bound;

use crate::{
    output::Output,
    table::{share, table, with_interval as with},
};

/// What the validation part taught of how sure a model may be, and what that does on these images.
pub(super) fn print(name: &str, figures: &TestFigures, output: &Output) {
    let after = &figures.calibration;
    if let (Some(temperature), Some(before)) = (after.temperature, &after.uncalibrated) {
        let after = &after.sureness;
        let change =
            |before: Option<f64>, after: Option<f64>| format!("{} → {}", share(before), share(after));
        let bound = match figures.calibration.bound {
            Some(Bound::Lower) => ", the lowest that is tried: the validation images set no limit",
            Some(Bound::Upper) => ", the highest that is tried: the validation images set no limit",
            None => "",
        };
        output.result(["", &format!("Calibration, {name}: temperature {temperature:.4}{bound}")]);
        output.result(format!(
            "log loss {}, Brier score {}, calibration error {}{}",
            change(before.log_loss, after.log_loss),
            change(before.brier, after.brier),
            change(before.expected_calibration_error, after.expected_calibration_error),
            if after.log_loss > before.log_loss {
                "; it did not lower the log loss of these images"
            } else {
                ""
            },
        ));
    }
    let Some(first) = figures.operating_points.first() else { return };
    let target = first.target;
    output.result([
        "",
        &format!("Operating points, {name}: sensitivity of at least {target} on the validation images"),
    ]);
    let heading =
        ["class", "threshold", "sensitivity", "specificity", "on validation"].map(str::to_owned).to_vec();
    let mut rows = vec![heading];
    for point in &figures.operating_points {
        let on_validation =
            format!("{}, {}", share(point.validation.sensitivity), share(point.validation.specificity));
        rows.push(vec![
            point.label.clone(),
            format!("{:.4}", point.threshold),
            with(point.sensitivity, point.intervals.get("sensitivity")),
            with(point.specificity, point.intervals.get("specificity")),
            on_validation,
        ]);
    }
    output.result(table(&rows));
}
