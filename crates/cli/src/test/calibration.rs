use experiment::{TemperatureEffect, TestFigures};
use metrics::Bound;

use crate::{
    output::Output,
    table::{share, table, with_interval},
};

/// Prints the effect of a calibration on these images: that of its temperature, and that of its thresholds.
pub(super) fn print(name: &str, figures: &TestFigures, output: &Output) {
    let Some(of_classes) = figures.multi_class() else { return };
    if let Some(TemperatureEffect { temperature, bound, uncalibrated: Some(before) }) = of_classes.temperature
    {
        let after = |key: &str| figures.figure(key).value;
        let change = |before: Option<f64>, key: &str| format!("{} → {}", share(before), share(after(key)));
        let bound = match bound {
            Some(Bound::Lower) => ", the lowest that is tried: the validation images set no limit",
            Some(Bound::Upper) => ", the highest that is tried: the validation images set no limit",
            None => "",
        };
        output.result(["", &format!("Calibration, {name}: temperature {temperature:.4}{bound}")]);
        output.result(format!(
            "log loss {}, Brier score {}, calibration error {}{}",
            change(before.log_loss, "log_loss"),
            change(before.brier, "brier"),
            change(before.expected_calibration_error, "expected_calibration_error"),
            if after("log_loss") > before.log_loss {
                "; it did not lower the log loss of these images"
            } else {
                ""
            },
        ));
    }
    let Some(first) = of_classes.operating_points.first() else { return };
    let target = first.target;
    output.result([
        "",
        &format!("Operating points, {name}: sensitivity of at least {target} on the validation images"),
    ]);
    let heading =
        ["class", "threshold", "sensitivity", "specificity", "on validation"].map(str::to_owned).to_vec();
    let mut rows = vec![heading];
    for point in &of_classes.operating_points {
        let on_validation =
            format!("{}, {}", share(point.validation.sensitivity), share(point.validation.specificity));
        rows.push(vec![
            point.label.clone(),
            format!("{:.4}", point.threshold),
            with_interval(&point.sensitivity),
            with_interval(&point.specificity),
            on_validation,
        ]);
    }
    output.result(table(&rows));
}
