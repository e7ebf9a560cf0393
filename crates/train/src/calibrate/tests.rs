use metrics::Targets;

use super::*;

const BOTH: CalibrationConfig = CalibrationConfig { temperature: true, sensitivity: Some(0.75) };

/// Makes predictions of two classes from each image's label and the amount by which the logit of the second is larger.
fn evaluated(rows: &[(usize, f32)]) -> Evaluated {
    let logits: Vec<f32> = rows.iter().flat_map(|&(_, logit)| [0.0, logit]).collect();
    let probabilities = model::probabilities(&logits, 2, None).unwrap();
    let labels = rows.iter().map(|&(label, _)| label).collect();
    let targets = Targets::from_classes(["a", "b"], labels).unwrap();
    Evaluated { scores: Scores::from_f32(targets, &probabilities).unwrap(), logits }
}

#[test]
fn a_threshold_is_a_probability_that_the_network_gives_at_its_temperature() {
    // Three of four are sure, and one of those is wrong: overconfident.
    let evaluated = evaluated(&[(1, 6.0), (1, 5.0), (0, 5.5), (0, -6.0), (1, 0.5), (1, 4.0), (0, -0.25)]);
    let learnt = learn(&evaluated, &BOTH).unwrap();
    let temperature = learnt.temperature.unwrap();
    assert!(
        temperature.value > 1.5 && temperature.bound.is_none() && temperature.images == 7,
        "{temperature:?}"
    );
    assert!(temperature.log_loss[1] < temperature.log_loss[0]);
    let calibrated = model::probabilities(&evaluated.logits, 2, Some(temperature)).unwrap();
    for (class, point) in learnt.operating_points.iter().enumerate() {
        let column: Vec<f64> = calibrated.iter().skip(class).step_by(2).map(|&p| f64::from(p)).collect();
        assert!(column.contains(&point.threshold), "{point:?} is none of {column:?}");
        let labels = evaluated.scores.classes();
        let own = column.iter().zip(labels).filter(|(_, label)| **label == class);
        let reaching = own.clone().filter(|(p, _)| **p >= point.threshold).count();
        assert_eq!(point.sensitivity, reaching as f64 / own.count() as f64);
        assert!(point.sensitivity >= 0.75 && point.target == 0.75);
    }
    assert_eq!(learnt.operating_points[1].sensitivity, 0.75);
}

#[test]
fn a_fit_that_ends_at_a_bound_says_so() {
    let learnt = learn(&evaluated(&[(1, 1.0), (0, -1.0)]), &BOTH).unwrap();
    assert_eq!(learnt.temperature.unwrap().bound, Some(metrics::Bound::Lower));
}

#[test]
fn without_a_validation_part_nothing_is_learnt() {
    let error = |rows: &[(usize, f32)], config| learn(&evaluated(rows), config).unwrap_err().to_string();
    let needs = "calibration needs a validation part: ";
    assert_eq!(error(&[], &BOTH), format!("{needs}the set holds no image"));
    let points = CalibrationConfig { temperature: false, sensitivity: Some(0.9) };
    assert_eq!(error(&[(1, 0.5)], &points), format!("{needs}no image of class `a` in the set"));
}
