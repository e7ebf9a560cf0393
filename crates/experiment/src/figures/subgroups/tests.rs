use metrics::{Scores, Targets};

use super::*;
use crate::{Attribute, PredictedImage, Tested};

/// Images of one label by view: of each view as many, of which every third has it; in `PA` they rank above all others, in `AP`
/// too but all `AP` images lie above all `PA` images without it.
fn table(views: &[(&str, f64)], each: usize) -> PredictionTable {
    let (mut truth, mut p, mut values, mut images) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for &(view, shift) in views {
        for image in 0..each {
            truth.push(Some(image % 3 == 0));
            p.push(
                shift
                    + if image % 3 == 0 { 0.3 } else { 0.0 }
                    + (image * 7 % each) as f64 / (each as f64 * 3.0),
            );
            values.push(view.to_owned());
            images.push(PredictedImage {
                path: format!("{view}/{image}").into(),
                group: Some(format!("{}", image / 2)),
                note: None,
            });
        }
    }
    let scores = Scores::new(Targets::from_findings(["Edema"], truth).unwrap(), p).unwrap();
    let ages = (0..images.len()).map(|image| ["39", "40", "59.5", "60", ""][image % 5].to_owned()).collect();
    let attributes = vec![
        Attribute { name: "View".to_owned(), values },
        Attribute { name: "age".to_owned(), values: ages },
    ];
    PredictionTable::new(images, scores).unwrap().with_attributes(attributes)
}

fn tested() -> Tested {
    Tested::from_file(String::new())
}

fn by(set: &PredictionTable, columns: &[&str], bins: &[&str]) -> Result<Subgroups> {
    let settings = SubgroupSettings {
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        bins: bins.iter().map(|bins| bins.parse().unwrap()).collect(),
    };
    let pooled = TestFigures::new(set, tested()).unwrap();
    Subgroups::new(set, &pooled, &settings)
}

fn values(subgroups: &Subgroups) -> Vec<(&str, usize)> {
    subgroups.parts.iter().map(|part| (part.value.as_str(), part.figures.images)).collect()
}

#[test]
fn each_value_has_its_figures_and_small_ones_are_left_out() {
    let mut set = table(&[("PA", 0.0), ("AP", 0.1), ("", 0.0)], 60);
    set.attributes[0].values[..19].fill("lateral".to_owned());
    let found = by(&set, &["view"], &[]).unwrap();
    assert_eq!(values(&found), [("AP", 60), ("PA", 41), (MISSING, 60)]);
    assert_eq!(found.left_out.len(), 1);
    let left = &found.left_out[0];
    assert_eq!(
        (left.value.as_str(), left.images, left.reason.as_str()),
        ("lateral", 19, "fewer than 20 images")
    );
    assert_eq!(found.parts[0].patients, Some(30));
    // The same images alone give the same figures.
    let alone = set.select(&(60..120).collect::<Vec<_>>()).unwrap();
    assert_eq!(found.parts[0].figures, TestFigures::new(&alone, tested()).unwrap());
}

#[test]
fn what_a_file_holds_is_read_back() {
    let mut set = table(&[("PA", 0.0), ("AP", 0.4)], 60);
    set.attributes[0].values[..19].fill("lateral".to_owned());
    let mut figures = TestFigures::new(&set, tested()).unwrap();
    let settings = SubgroupSettings { columns: vec!["view".to_owned(), "age".to_owned()], bins: Vec::new() };
    let found = Subgroups::new(&set, &figures, &settings).unwrap();
    assert!(!found.left_out.is_empty() && !found.gaps.is_empty() && found.parts.len() > 3);
    figures.subgroups = Some(found);
    let text = serde_json::to_string(&figures).unwrap();
    assert_eq!(serde_json::from_str::<TestFigures>(&text).unwrap(), figures);
}

#[test]
fn images_of_one_kind_have_no_figures() {
    let mut set = table(&[("PA", 0.0), ("AP", 0.1)], 60);
    for (image, value) in set.attributes[0].values.iter_mut().enumerate() {
        *value = if image % 3 == 0 { "sick".to_owned() } else { "well".to_owned() };
    }
    let found = by(&set, &["View"], &[]).unwrap();
    assert!(found.parts.is_empty() && found.gaps.is_empty() && found.pooled_above.is_empty());
    assert!(found.left_out.iter().all(|left| left.reason == "images of one class alone"));
}

#[test]
fn ages_have_bins_and_so_have_other_numbers_where_asked() {
    let set = table(&[("PA", 0.0), ("AP", 0.1)], 60);
    let found = by(&set, &["age"], &[]).unwrap();
    assert_eq!(values(&found), [("<40", 24), ("40-59", 48), (">=60", 24), (MISSING, 24)]);
    let found = by(&set, &["age"], &["Age=50.5"]).unwrap();
    assert_eq!(values(&found), [("<50.5", 48), (">=50.5", 48), (MISSING, 24)]);
    assert_eq!(name_of_bin(&[0.5, 1.0], 1), "0.5 to <1");
    for (text, why) in [
        ("age", "`age` is no `COLUMN=BOUND,…`, such as `age=40,60`"),
        ("age=", "`age=` is no `COLUMN=BOUND,…`, such as `age=40,60`"),
        ("=1", "`=1` is no `COLUMN=BOUND,…`, such as `age=40,60`"),
        ("age=60,40", "the bounds of `age=60,40` do not rise"),
        ("age=NaN", "the bounds of `age=NaN` do not rise"),
    ] {
        assert_eq!(text.parse::<Bins>().unwrap_err(), why);
    }
}

#[test]
fn a_model_that_ranks_by_the_attribute_is_told() {
    let same = by(&table(&[("PA", 0.0), ("AP", 0.0)], 60), &["view"], &[]).unwrap();
    assert!(same.pooled_above.is_empty());
    // Within each view the order is poor; views differ in how many images have the label, and in probability.
    let mut truth = Vec::new();
    let mut p = Vec::new();
    let mut values = Vec::new();
    for (view, often, shift) in [("PA", 10, 0.0), ("AP", 2, 0.5)] {
        for image in 0..100 {
            truth.push(Some(image % often == 0));
            p.push(shift + f64::from(image * 37 % 100) / 200.0);
            values.push(view.to_owned());
        }
    }
    let scores = Scores::new(Targets::from_findings(["Edema"], truth).unwrap(), p).unwrap();
    let image = |at: usize| PredictedImage { path: at.to_string().into(), group: None, note: None };
    let set = PredictionTable::new((0..200).map(image).collect(), scores).unwrap();
    let set = set.with_attributes(vec![Attribute { name: "view".to_owned(), values }]);
    let found = by(&set, &["view"], &[]).unwrap();
    assert_eq!(found.pooled_above.len(), 1);
    let above = &found.pooled_above[0];
    assert!(above.pooled > above.highest + 0.1, "{above:?}");
    assert_eq!(found.parts[0].patients, None);
}

#[test]
fn the_largest_gap_is_between_the_best_and_the_worst_value() {
    let mut set = table(&[("PA", 0.0), ("AP", 0.0), ("LL", 0.0)], 99);
    // One view's probabilities say nothing.
    let flat: Vec<f64> =
        (0..297).map(|image| if image >= 198 { 0.5 } else { set.scores.row(image)[0] }).collect();
    let scores = Scores::new(set.scores.targets().clone(), flat).unwrap();
    let attributes = set.attributes.clone();
    set = PredictionTable::new(set.images, scores).unwrap().with_attributes(attributes);
    let found = by(&set, &["view"], &[]).unwrap();
    let [of_set, of_label] = &found.gaps[..] else { panic!("{:?}", found.gaps) };
    assert_eq!((of_set.key.as_str(), of_set.label.as_deref()), ("macro_roc_auc", None));
    assert_eq!((of_label.key.as_str(), of_label.label.as_deref()), ("roc_auc", Some("Edema")));
    for gap in [of_set, of_label] {
        assert_eq!((gap.lowest.0.as_str(), gap.lowest.1), ("LL", 0.5));
        assert_eq!(gap.difference.value, Some(gap.highest.1 - 0.5));
        let [low, high] = gap.difference.interval.unwrap();
        assert!(low > 0.0 && high > gap.highest.1 - 0.5, "{gap:?}");
    }
}

#[test]
fn a_column_that_is_not_there_or_no_attribute_is_refused() {
    let set = table(&[("PA", 0.0)], 60);
    let Error::NoColumn { column, columns } = by(&set, &["scanner"], &[]).unwrap_err() else { panic!() };
    assert_eq!((column.as_str(), columns), ("scanner", vec!["View".to_owned(), "age".to_owned()]));
    let error = by(&set, &["view"], &["view=1"]).unwrap_err();
    assert_eq!(error.to_string(), "column `View`: `PA` is no number");
    let mut many = table(&[("PA", 0.0)], 60);
    many.attributes[0].values = (0..60).map(|image| image.to_string()).collect();
    let error = by(&many, &["view"], &[]).unwrap_err();
    assert_eq!(error.to_string(), "column `View`: it has 60 different values, and at most 50 are compared");
}
