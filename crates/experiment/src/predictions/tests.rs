use super::*;

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
fn images_and_scores_are_as_many_and_of_one_class_each() {
    let table = set([None; 3]);
    let fewer = PredictionTable::new(table.images[1..].to_vec(), table.scores.clone()).unwrap_err();
    assert!(matches!(fewer, Error::Scores(ScoresError::Groups { groups: 2, images: 3 })), "{fewer:?}");
    let findings = Targets::from_findings(["Edema"], vec![None; 3]).unwrap();
    let several =
        PredictionTable::new(table.images, Scores::new(findings, vec![0.5; 3]).unwrap()).unwrap_err();
    assert_eq!(several.to_string(), "figures of `multi-label` predictions cannot be computed");
}

#[test]
fn a_file_of_something_else_is_refused_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.csv");
    let header = "path,label,predicted,p_a,p_b\n";
    for (text, line, problem) in [
        ("path,predicted,p_a\n", 1, "its columns do not begin with `path,label,predicted`"),
        ("path,label,predicted,p_a,b\n", 1, "it has a column that is no class's `p_…`"),
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
