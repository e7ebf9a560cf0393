use metrics::{Logits, Targets};

use super::*;

const BOTH: CalibrationConfig =
    CalibrationConfig { temperature: true, sensitivity: Some(0.75), threshold: None };

/// Makes predictions of two classes from each image's label and the amount by which the logit of the second is larger.
fn evaluated(rows: &[(usize, f32)]) -> Evaluated {
    let logits: Vec<f32> = rows.iter().flat_map(|&(_, logit)| [0.0, logit]).collect();
    let probabilities = model::probabilities(Task::MultiClass, &logits, 2, &Calibration::default()).unwrap();
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
    let temperature_alone = Calibration { temperature: Some(temperature), ..Calibration::default() };
    let calibrated =
        model::probabilities(Task::MultiClass, &evaluated.logits, 2, &temperature_alone).unwrap();
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
    let points = CalibrationConfig { temperature: false, sensitivity: Some(0.9), threshold: None };
    assert_eq!(error(&[(1, 0.5)], &points), format!("{needs}no image of class `a` in the set"));
}

#[test]
fn each_label_has_a_temperature_of_its_own_and_a_threshold_at_it() {
    let rows = [(Some(true), 6.0), (Some(false), 5.5), (None, 1.0), (Some(true), 4.0), (Some(false), -6.0)];
    let logits: Vec<f32> = rows.iter().flat_map(|&(_, logit)| [logit, -logit]).collect();
    let values = rows.iter().flat_map(|&(truth, _)| [truth, Some(false)]).collect();
    let targets = Targets::from_findings(["Edema", "Mass"], values).unwrap();
    let plain = model::probabilities(Task::MultiLabel, &logits, 2, &Calibration::default()).unwrap();
    let evaluated = Evaluated { scores: Scores::from_f32(targets.clone(), &plain).unwrap(), logits };
    let config =
        CalibrationConfig { temperature: true, sensitivity: None, threshold: Some(ThresholdRule::F1) };
    let learnt = learn(&evaluated, &config).unwrap();
    let [edema, mass] = &learnt.labels[..] else { panic!("{learnt:?}") };
    let wide =
        Logits::new(targets, evaluated.logits.iter().map(|&logit| f64::from(logit)).collect()).unwrap();
    assert_eq!(edema.temperature, Some(Temperature::fit_label(&wide, 0).unwrap()));
    assert_eq!((edema.temperature.unwrap().images, mass.temperature.unwrap().images), (4, 5));
    // No image is known to have the second: one half, with a note.
    assert_eq!((mass.threshold, mass.note.is_some()), (0.5, true));
    let calibrated = model::probabilities(Task::MultiLabel, &evaluated.logits, 2, &learnt).unwrap();
    assert!(calibrated.chunks(2).any(|row| f64::from(row[0]) == edema.threshold), "{edema:?}");
    assert!(learnt.temperature.is_none() && learnt.operating_points.is_empty());
    let without = learn(&evaluated, &CalibrationConfig { temperature: false, ..config }).unwrap();
    assert!(without.labels.iter().all(|label| label.temperature.is_none()));
}
