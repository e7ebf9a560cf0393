use metrics::Task;

use super::*;
use crate::Error;

fn set(groups: [Option<&str>; 3]) -> PredictionTable {
    let targets = Targets::from_classes(["COVID-19", "p_\"odd\""], vec![0, 1, 1]).unwrap();
    let scores = Scores::from_f32(targets, &[0.9, 0.1, 1e-9, 1.0, 0.3, 0.7]).unwrap();
    let image = |(index, group): (usize, Option<&str>)| PredictedImage {
        path: format!("x/a, {index}.png").into(),
        group: group.map(str::to_owned),
        note: None,
    };
    let images = groups.into_iter().enumerate().map(image).collect();
    PredictionTable::new(images, scores).unwrap()
}

#[test]
fn what_is_written_is_read_back_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.csv");
    for groups in [[None; 3], [Some("p1"), None, Some("p1")]] {
        let set = set(groups);
        set.write(&path).unwrap();
        assert_eq!(PredictionTable::read(&path).unwrap(), set);
    }
    let mut noted = set([None; 3]);
    noted.images[1].note = Some("frame 1 of 2 is used; and, \"more\"".to_owned());
    noted.write(&path).unwrap();
    assert_eq!(PredictionTable::read(&path).unwrap(), noted);
    let header = std::fs::read_to_string(&path).unwrap().lines().next().unwrap().to_owned();
    assert_eq!(header, "path,label,predicted,p_COVID-19,\"p_p_\"\"odd\"\"\",note");
    noted.images[2].group = Some("p1".to_owned());
    let noted = PredictionTable::new(noted.images, noted.scores).unwrap();
    noted.write(&path).unwrap();
    assert_eq!(PredictionTable::read(&path).unwrap(), noted);
    set([Some("p1"), None, None]).write(&path).unwrap();
    let header = std::fs::read_to_string(&path).unwrap().lines().next().unwrap().to_owned();
    assert_eq!(header, "path,label,predicted,p_COVID-19,\"p_p_\"\"odd\"\"\",group");
}

#[test]
fn images_of_one_group_are_drawn_together_and_those_of_none_alone() {
    assert_eq!(set([None; 3]).scores.groups(), None);
    assert_eq!(set([Some("a"), None, Some("a")]).scores.groups(), Some(&[0, 1, 0][..]));
}

#[test]
fn images_and_scores_are_as_many() {
    let table = set([None; 3]);
    let fewer = PredictionTable::new(table.images[1..].to_vec(), table.scores.clone()).unwrap_err();
    assert!(matches!(fewer, Error::Scores(ScoresError::Groups { groups: 2, images: 3 })), "{fewer:?}");
}

#[test]
fn a_file_of_something_else_is_refused_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.csv");
    let header = "path,label,predicted,p_a,p_b\n";
    for (text, line, problem) in [
        ("label,path,predicted,p_a\n", 1, "its columns do not begin with `path,label,predicted`"),
        ("path,p_a\n", 1, "its columns do not begin with `path,label,predicted`"),
        ("path,Edema,p_Mass\n", 1, "its columns of truth and of probabilities are of different labels"),
        ("path,Edema,Mass,p_Edema\n", 1, "its columns of truth and of probabilities are of different labels"),
        ("path,Edema,p_Edema\nx,2,0.5\n", 2, "column `Edema`: `2` is none of 1, 0, -1 and nothing"),
        ("path,label,predicted,p_a,p_b,p_a\n", 1, "it has two columns of class `a`"),
        (
            &format!("path,label,predicted{}", ",p_".repeat(1001)),
            1,
            "it has columns of more than 1000 classes",
        ),
        ("path,label,predicted,p_a\n", 1, "at least 2 classes are needed, got 1"),
        (&format!("{header}x,a,a,0.5,0.5\ny,c,a,0.5,0.5\n"), 3, "its label is none of the classes"),
        (&format!("{header}x,a,a,0.5,NaN\n"), 2, "`NaN` is no probability, which is 0 to 1"),
        (&format!("{header}x,a,a,0.5,half\n"), 2, "`half` is no probability, which is 0 to 1"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = PredictionTable::read(&path).unwrap_err().to_string();
        assert_eq!(error, format!("`{}`, line {line}: {problem}", path.display()));
    }
    std::fs::write(&path, format!("{header}x,a,a,0.5\n")).unwrap();
    let error = PredictionTable::read(&path).unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("4 fields"), "{error}");
    // A sparse file has any length at no cost; a device has no end and is no regular file.
    std::fs::File::create(&path).unwrap().set_len((1 << 30) + 1).unwrap();
    for (path, reason) in
        [(path.as_path(), "it is larger than 1 GiB"), (Path::new("/dev/zero"), "it is no file")]
    {
        let Error::Io { action: "read", source, .. } = PredictionTable::read(path).unwrap_err() else {
            panic!("{reason}")
        };
        assert_eq!(source.to_string(), reason);
    }
    std::fs::remove_file(&path).unwrap();
    assert!(PredictionTable::read(&path).unwrap_err().to_string().starts_with("cannot read"));
}

/// Findings of three images, one unknown, with attributes and a path that a spreadsheet would take for a formula.
fn findings() -> PredictionTable {
    let values = vec![Some(true), None, Some(false), Some(false), None, Some(true)];
    let targets = Targets::from_findings(["Edema", "Pleural, other"], values).unwrap();
    let scores = Scores::from_f32(targets, &[0.9, 0.1, 1e-9, 1.0, 0.3, 0.7]).unwrap();
    let image = |index: usize| PredictedImage {
        path: format!("=x/{index}.png").into(),
        group: (index > 0).then(|| "p1".to_owned()),
        note: None,
    };
    let attribute = |name: &str, values: [&str; 3]| Attribute {
        name: name.to_owned(),
        values: values.map(str::to_owned).to_vec(),
    };
    let attributes = vec![
        attribute("view", ["PA", "", "-AP"]),
        attribute("p_view", ["1", "2", "3"]),
        attribute("Edema", ["1", "2", "3"]),
        attribute("note", ["1", "2", "3"]),
        attribute("age", ["57", "8", ""]),
    ];
    let table = PredictionTable::new((0..3).map(image).collect(), scores).unwrap();
    table.with_attributes(attributes)
}

#[test]
fn findings_are_read_back_to_the_bit_with_their_attributes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.csv");
    let table = findings();
    let names: Vec<&str> = table.attributes().iter().map(|attribute| attribute.name.as_str()).collect();
    assert_eq!(names, ["view", "age"], "a column that would pass for another is no attribute");
    table.write(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "path,Edema,\"Pleural, other\",p_Edema,\"p_Pleural, other\",view,age,group");
    assert_eq!(lines[1], "=x/0.png,1,,0.9,0.1,PA,57,");
    assert_eq!(PredictionTable::read(&path).unwrap(), table);
    table.write_for_spreadsheets(&path).unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().contains("'=x/0.png"));
    assert_eq!(PredictionTable::read(&path).unwrap(), table);
}

#[test]
fn selected_images_keep_their_truth_attributes_and_groups() {
    let part = findings().select(&[2, 1]).unwrap();
    assert_eq!((part.scores.task(), part.scores.len()), (Task::MultiLabel, 2));
    assert_eq!(part.images[0].path, Path::new("=x/2.png"));
    assert_eq!([0, 1].map(|label| part.scores.targets().value(0, label)), [None, Some(true)]);
    assert_eq!(part.scores.row(0), [0.3f32, 0.7].map(f64::from));
    assert_eq!(
        (part.scores.groups(), part.attributes()[0].values.as_slice()),
        (Some(&[0, 0][..]), &["-AP".to_owned(), String::new()][..])
    );
    let classes = set([None; 3]).select(&[1, 0]).unwrap();
    assert_eq!(classes.scores.classes(), [1, 0]);
    assert!(findings().select(&[3]).is_err());
}

fn other(text: &str, settings: &OtherPredictions) -> std::result::Result<PredictionTable, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.csv");
    std::fs::write(&path, text).unwrap();
    settings.read(&path).map_err(|error| error.to_string().replace(&path.display().to_string(), "FILE"))
}

#[test]
fn columns_of_other_programs_are_told_by_their_names() {
    let text = "Image Index;Patient ID;View;Edema;Mass;p_Mass;p_Edema\n\
                a.png;7;PA;1;-1;0.25;0.1234567890123\nb.png;;AP;;0.0;0;1\n";
    let table = other(text, &OtherPredictions::default()).unwrap();
    // The order is that of the probabilities, in f64.
    assert_eq!(table.labels(), ["Mass", "Edema"]);
    assert_eq!(table.scores.row(0), [0.25, 0.1234567890123]);
    let truth = |image| [0, 1].map(|label| table.scores.targets().value(image, label));
    assert_eq!((truth(0), truth(1)), ([None, Some(true)], [Some(false), None]));
    assert_eq!((table.images[0].group.as_deref(), table.images[1].group.as_deref()), (Some("7"), None));
    assert_eq!(
        table.attributes(),
        [Attribute { name: "view".to_owned(), values: vec!["PA".to_owned(), "AP".to_owned()] }]
    );
    let chosen = OtherPredictions {
        labels: vec!["Edema".to_owned()],
        group: Some("View".to_owned()),
        ..Default::default()
    };
    let table = other(text, &chosen).unwrap();
    assert_eq!((table.labels(), table.scores.row(1)), (&["Edema".to_owned()][..], &[1.0][..]));
    assert_eq!(table.images[1].group.as_deref(), Some("AP"));
}

#[test]
fn ages_are_in_years_and_what_is_missing_is_empty() {
    let text = "path,Patient Age,Gender,a,p_a\nx,057Y,nan,1,0.5\ny,148,F,0,0.5\nz,NaN,M,0,0.5\n";
    let table = other(text, &OtherPredictions::default()).unwrap();
    let of = |name: &str| table.attributes().iter().find(|attribute| attribute.name == name).unwrap();
    assert_eq!(
        (&of("age").values[..], &of("sex").values[..]),
        (&["57", "", ""].map(str::to_owned)[..], &["", "F", "M"].map(str::to_owned)[..])
    );
}

#[test]
fn a_column_of_marks_before_the_probabilities_is_a_label() {
    let text = "path,a,b,p_a\nx,1,0,0.5\ny,0,1,0.5\n";
    let error = other(text, &OtherPredictions::default()).unwrap_err();
    assert_eq!(error, "`FILE`, line 1: no column `p_b` with the probabilities of `b`");
    // Where labels are named, the others are attributes; and so are columns behind the probabilities, and words.
    let named = OtherPredictions { labels: vec!["a".to_owned()], ..Default::default() };
    assert_eq!(other(text, &named).unwrap().attributes()[0].name, "b");
    let behind = other("path,a,p_a,b\nx,1,0.5,0\n", &OtherPredictions::default()).unwrap();
    assert_eq!(behind.attributes()[0].name, "b");
    let words = other("path,a,b,p_a\nx,1,ward,0.5\n", &OtherPredictions::default()).unwrap();
    assert_eq!(words.attributes()[0].name, "b");
}

#[test]
fn classes_of_other_programs_have_one_column_of_truth() {
    let text = "path,truth,p_a,p_b\nx,b,2,0\ny,a,0,-1\n";
    let logits = OtherPredictions { logits: true, ..Default::default() };
    let table = other(text, &logits).unwrap();
    assert_eq!((table.scores.task(), table.scores.classes()), (Task::MultiClass, &[1, 0][..]));
    assert!((table.scores.row(0)[0] - 1.0 / (1.0 + (-2f64).exp())).abs() < 1e-15);
    let findings = other("path,a,p_a\nx,1,2\n", &logits).unwrap();
    assert!((findings.scores.row(0)[0] - 1.0 / (1.0 + (-2f64).exp())).abs() < 1e-15);
}

#[test]
fn a_compressed_file_is_read_and_other_files_are_refused_by_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.csv.GZ");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, b"path,a,p_a\nx,1,0.5\n").unwrap();
    std::fs::write(&path, packed.finish().unwrap()).unwrap();
    assert_eq!(OtherPredictions::default().read(&path).unwrap().labels(), ["a"]);
    for (text, problem) in [
        ("", "line 1: the file is empty"),
        ("x,a,p_a\n", "line 1: no column `path`; there are `x`, `a`, `p_a`"),
        ("path,a,a,p_a\n", "line 1: column `a` is there twice"),
        ("path,a\n", "line 1: no column `p_<label>` with probabilities"),
        ("path,a,c,b,p_a,p_b\n", "line 1: no column `p_c` with the probabilities of `c`"),
        ("path,a,p_a,p_b\n", "line 1: no column `b` with the truth of `p_b`"),
        ("path,p_a,p_b\n", "line 1: no column `a` with the truth of `p_a`"),
        ("path,label,p_a,p_b\nx,c,1,0\n", "line 2: `c` has no column `p_c`"),
        (
            "path,a,p_a\nx,1,1.5\n",
            "line 2: column `p_a`: `1.5` is no probability, which is 0 to 1; are these logits?",
        ),
        ("path,a,p_a\nx,yes,0.5\n", "line 2: column `a`: `yes` is none of 1, 0, -1 and nothing"),
        ("path,a,p_a\nx,1,\n", "line 2: column `p_a`: `` is no number"),
        ("path,a,p_a\nx,1,0.5\n,1,0.5\n", "line 3: an empty path"),
        ("path,a,p_a\nx,1\n", "line 2: 2 fields, but the header has 3"),
    ] {
        let error = other(text, &OtherPredictions::default()).unwrap_err();
        assert_eq!(error, format!("`FILE`, {problem}"));
    }
    let lacking = OtherPredictions { labels: vec!["Mass".to_owned()], ..Default::default() };
    let error = other("path,a,p_a\n", &lacking).unwrap_err();
    assert_eq!(error, "`FILE`, line 1: no column `p_Mass` with the probabilities of `Mass`");
}
