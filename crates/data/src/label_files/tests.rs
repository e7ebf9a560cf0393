use std::{fs, path::Path};

use super::*;
use crate::{BlankRule, ClassName, Finding, LabelCounts, Mark, Part, Readers, open};

/// A folder with empty files and texts.
fn world(files: &[&str], texts: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files.iter().map(|file| (*file, "")).chain(texts.iter().copied()) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Opens a label file whose images are not looked for.
fn listed(folder: &Path, name: &str, findings: &FindingOptions) -> Result<Listing, Error> {
    let findings = &FindingOptions { look_for_images: false, ..findings.clone() };
    open(&folder.join(name), &OpenOptions { findings, ..OpenOptions::KERAS })
}

fn read(text: &str) -> Result<Listing, Error> {
    listed(world(&[], &[("a.csv", text)]).path(), "a.csv", &FindingOptions::DEFAULT)
}

fn read_by(text: &str, findings: &FindingOptions) -> Result<Listing, Error> {
    listed(world(&[], &[("a.csv", text)]).path(), "a.csv", findings)
}

/// Error without the path of its file.
fn told(error: Error) -> String {
    let text = error.to_string();
    let end = text.find("a.csv").unwrap();
    let begin = text[..end].rfind('`').unwrap();
    text.replacen(&text[begin + 1..end], "", 1)
}

/// Findings of an image as general label files write them, after the rules.
fn values(listing: &Listing, image: usize) -> String {
    let texts = listing.samples[image].annotation.findings().iter().map(|finding| match finding.text() {
        "" => "_",
        "-1" => "?",
        text => text,
    });
    texts.collect()
}

fn attribute<'a>(listing: &'a Listing, image: usize, name: &str) -> &'a str {
    let place = listing.attributes.iter().position(|other| other == name).unwrap();
    &listing.samples[image].attributes[place]
}

fn options() -> FindingOptions {
    FindingOptions::DEFAULT
}

const NIH: &str = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,\
                   OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],\n\
                   1_0.png,Cardiomegaly|Emphysema,0,1,058Y,M,PA,2682,2749,0.143,0.143,\n\
                   1_1.png,No Finding,1,1,411Y,M,AP,2682,2749,0.143,0.143,\n\
                   2_0.png,Hernia,0,2,018M,F,PA,2682,2749,0.143,0.143,\n";

#[test]
fn nih_has_14_labels_patients_and_attributes() {
    let listing = read(NIH).unwrap();
    assert_eq!(listing.layout, Layout::LabelFile(LabelFormat::Nih));
    assert_eq!(listing.layout.to_string(), "nih label file");
    let names: Vec<_> = listing.samples.iter().map(|sample| sample.name.as_str()).collect();
    assert_eq!((names, listing.labels().len()), (vec!["1_0.png", "1_1.png", "2_0.png"], 14));
    assert_eq!(
        ["01000100000000", "00000000000000", "00000001000000"].map(str::to_owned),
        [0, 1, 2].map(|i| values(&listing, i))
    );
    let groups: Vec<_> = listing.samples.iter().map(|sample| sample.group.as_deref().unwrap()).collect();
    assert_eq!(groups, ["1", "1", "2"]);
    // An age of 411 years is none, and 18 months are a year.
    assert_eq!([0, 1, 2].map(|i| attribute(&listing, i, "age")), ["58", "", "1"]);
    assert_eq!((attribute(&listing, 2, "sex"), attribute(&listing, 1, "view")), ("F", "AP"));
    let last = [
        "OriginalImage[Width]",
        "OriginalImage[Height]",
        "OriginalImagePixelSpacing[x]",
        "OriginalImagePixelSpacing[y]",
    ];
    assert_eq!(listing.attributes[4..], last);
    assert_eq!(attribute(&listing, 0, "OriginalImagePixelSpacing[y]"), "0.143");
}

#[test]
fn nih_findings_that_cannot_be_are_told() {
    for (wrong, problem) in [
        ("No Finding|Mass", "line 3: `No Finding|Mass` is a finding and none at once"),
        ("Mass|", "line 3: an empty finding for `1_1.png`"),
    ] {
        let error = read(&NIH.replace("No Finding", wrong)).unwrap_err();
        assert_eq!(told(error), format!("`a.csv`, {problem}"));
    }
    let error = read(&NIH.replace("018M", "young")).unwrap_err();
    assert_eq!(told(error), "`a.csv`, line 4: `young` in column `Patient Age` is no age in years");
}

#[test]
fn lists_beside_the_nih_file_set_the_parts() {
    let of = |train: &str, test: &str| {
        let files = [("a.csv", NIH), ("train_val_list.txt", train), ("test_list.txt", test)];
        listed(world(&[], &files).path(), "a.csv", &options())
    };
    let listing = of("1_0.png\n1_1.png\r\nelsewhere.png\n", "2_0.png").unwrap();
    let parts: Vec<_> = listing.samples.iter().map(|sample| sample.part).collect();
    assert_eq!(parts, [Some(Part::Training), Some(Part::Training), Some(Part::Test)]);
    let lists = "the lists `train_val_list.txt` and `test_list.txt`";
    assert_eq!(
        told(of("1_0.png\n", "2_0.png").unwrap_err()),
        format!("1 images of `a.csv` are in neither of {lists}: `1_1.png`")
    );
    let error = of("1_0.png\n1_1.png\n2_0.png\n1_0.png", "2_0.png").unwrap_err();
    assert_eq!(
        told(error),
        format!("2 images of `a.csv` are more than once in {lists}: `1_0.png`, `2_0.png`")
    );
    // One list alone says nothing of the other images.
    let folder = world(&[], &[("a.csv", NIH), ("test_list.txt", "2_0.png")]);
    assert!(!listed(folder.path(), "a.csv", &options()).unwrap().has_parts());
}

const CHEXPERT: &str = "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Edema,Atelectasis,Support Devices\n\
                        C/train/patient00001/study1/view1_frontal.jpg,Female,68,Frontal,AP,1.0,,,1.0\n\
                        C/train/patient00001/study2/view1_lateral.jpg,Female,68,Lateral,,,-1.0,0.0,\n\
                        C/train/patient00002/study1/view1_frontal.jpg,Male,90,Frontal,PA,,1.0,-1.0,\n";

#[test]
fn chexperts_blanks_are_zeros_and_its_patients_are_in_the_path() {
    let listing = read(CHEXPERT).unwrap();
    assert_eq!(listing.layout, Layout::LabelFile(LabelFormat::CheXpert));
    assert_eq!(listing.labels(), ["No Finding", "Edema", "Atelectasis", "Support Devices"]);
    assert_eq!([0, 1, 2].map(|i| values(&listing, i)), ["1001", "0?00", "01?0"]);
    let groups: Vec<_> = listing.samples.iter().map(|sample| sample.group.as_deref().unwrap()).collect();
    assert_eq!(groups, ["patient00001", "patient00001", "patient00002"]);
    assert_eq!([0, 1, 2].map(|i| attribute(&listing, i, "view")), ["AP", "Lateral", "PA"]);
    assert_eq!((attribute(&listing, 1, "study"), attribute(&listing, 1, "sex")), ("study2", "Female"));
    let edema = LabelCounts { positive: 1, negative: 0, uncertain: 1, blank: 1, unknown: 1 };
    assert_eq!(listing.label_counts()[1], edema);
}

#[test]
fn no_finding_makes_blanks_zeros_but_those_of_support_devices() {
    let ignored = FindingOptions { blank: Some(BlankRule::Ignore), ..options() };
    let text = CHEXPERT.replace("1.0,,,1.0", "1.0,,,");
    let listing = read_by(&text, &ignored).unwrap();
    assert_eq!([0, 1, 2].map(|i| values(&listing, i)), ["100", "_?0", "_1?"]);
    let [Remark::UnknownLabels { labels }] = &listing.remarks[..] else { panic!("{:?}", listing.remarks) };
    assert_eq!(labels, &["Support Devices"]);
}

#[test]
fn uncertain_marks_count_by_their_labels_rule() {
    let rule = FindingOptions { uncertain: "ones,Atelectasis=zeros".parse().unwrap(), ..options() };
    let listing = read_by(CHEXPERT, &rule).unwrap();
    assert_eq!([0, 1, 2].map(|i| values(&listing, i)), ["1001", "0100", "0100"]);
    assert_eq!(
        listing.samples[1].annotation.findings()[1],
        Finding { mark: Mark::Uncertain, value: Some(true) }
    );
    let rule = FindingOptions { uncertain: "ignore,Atelectases=zeros".parse().unwrap(), ..options() };
    let error = told(read_by(CHEXPERT, &rule).unwrap_err());
    assert!(
        error.starts_with(
            "there is no label `Atelectases` in `a.csv` (did you mean `Atelectasis`?); there are"
        ),
        "{error}"
    );
}

#[test]
fn valid_beside_train_is_the_validation_part() {
    let valid = CHEXPERT.replace("train/", "valid/").replace("patient", "patient9");
    let folder = world(&[], &[("train.csv", CHEXPERT), ("valid.csv", &valid)]);
    let listing = listed(folder.path(), "train.csv", &options()).unwrap();
    let of = |part| listing.samples.iter().filter(|sample| sample.part == Some(part)).count();
    assert_eq!((of(Part::Training), of(Part::Validation)), (3, 3));
    assert!(!listed(folder.path(), "valid.csv", &options()).unwrap().has_parts());
}

#[test]
fn images_are_found_without_the_leading_folder() {
    let names =
        ["train/patient00001/study1/view1_frontal.jpg", "train/patient00001/study2/view1_lateral.jpg"];
    let folder = world(&names, &[("a.csv", CHEXPERT)]);
    let error = open(&folder.path().join("a.csv"), &OpenOptions::KERAS).unwrap_err();
    assert_eq!(
        told(error),
        "1 of 3 images of `a.csv` are not there: `C/train/patient00002/study1/view1_frontal.jpg`"
    );
    let folder = world(
        &[&names[..], &["train/patient00002/study1/view1_frontal.jpg"]].concat(),
        &[("a.csv", CHEXPERT)],
    );
    let listing = open(&folder.path().join("a.csv"), &OpenOptions::KERAS).unwrap();
    assert_eq!(listing.samples[1].path, folder.path().join(names[1]));
    assert_eq!(listing.folder(), folder.path());
}

/// MIMIC's tables: labels, images and parts.
fn mimic(labels: &str, images: &str, parts: &str) -> Result<Listing, Error> {
    let folder = world(
        &[],
        &[
            (
                "m-2.0-chexpert.csv",
                &format!("subject_id,study_id,Edema,No Finding,Support Devices\n{labels}"),
            ),
            ("m-2.0-metadata.csv", &format!("dicom_id,subject_id,study_id,ViewPosition\n{images}")),
            ("m-2.0-split.csv", &format!("dicom_id,study_id,subject_id,split\n{parts}")),
        ],
    );
    let listing = listed(folder.path(), "m-2.0-chexpert.csv", &options());
    let of_folder = listed(folder.path(), "", &options());
    assert_eq!(listing.is_ok(), of_folder.is_ok());
    listing
}

#[test]
fn mimics_tables_are_joined() {
    let listing = mimic(
        "10000032,5001,1.0,,\n11000033,5002,,1.0,\n",
        "aa,10000032,5001,PA\nab,10000032,5001,LATERAL\nba,11000033,5002,AP\n",
        "aa,5001,10000032,train\nab,5001,10000032,train\nba,5002,11000033,validate\n",
    );
    let listing = listing.unwrap();
    assert_eq!(listing.samples[1].name, "files/p10/p10000032/s5001/ab.jpg");
    assert_eq!([0, 1, 2].map(|i| values(&listing, i)), ["1_", "1_", "01"]);
    assert_eq!(listing.samples[2].part, Some(Part::Validation));
    assert_eq!(
        (listing.samples[2].group.as_deref(), attribute(&listing, 1, "view")),
        (Some("11000033"), "LATERAL")
    );
    // Support devices are known of no image.
    assert_eq!(listing.labels(), ["Edema", "No Finding"]);
}

#[test]
fn mimics_tables_of_different_versions_are_refused() {
    let labels = "10000032,5001,1.0,,\n11000033,5002,,1.0,\n";
    let images = "aa,10000032,5001,PA\nba,11000033,5003,AP\n";
    let parts = "aa,5001,10000032,train\nba,5002,11000033,test\n";
    let error = mimic(labels, images, parts).unwrap_err().to_string();
    assert!(error.ends_with("1 of 2 images have no labels, and 1 of 2 studies no image"), "{error}");
    let images = images.replace("5003", "5002");
    let error = mimic(labels, &images, &parts.replace("ba,", "bb,")).unwrap_err().to_string();
    assert!(error.ends_with("1 of 2 images have no part, and 1 parts no image"), "{error}");
    let error = mimic(labels, &images, &parts.replace(",test", ",exam")).unwrap_err().to_string();
    assert!(error.ends_with("line 3: unknown split `exam`: train, validate or test"), "{error}");
}

const PADCHEST: &str = "ImageID,StudyID,PatientID,PatientBirth,StudyDate_DICOM,PatientSex_DICOM,Projection,MethodLabel,Report,Labels\n\
                        1.png,s1,p1,1930.0,20140915,F,PA,Physician,text,\"['normal']\"\n\
                        2.png,s2,p1,1930.0,20140915,F,L,RNN_model,\"two\nlines\",\"['kyphosis', ' effusion', '']\"\n\
                        3.png,s3,p2,,20140915,M,PA,Physician,text,\n";

#[test]
fn padchests_lists_become_labels() {
    let listing = read(PADCHEST).unwrap();
    assert_eq!(listing.labels(), ["effusion", "kyphosis", "normal"]);
    assert_eq!([0, 1, 2].map(|i| values(&listing, i)), ["001", "110", "___"]);
    assert_eq!((attribute(&listing, 0, "age"), attribute(&listing, 2, "age")), ("84", ""));
    assert!(!listing.attributes.contains(&"Report".to_owned()));
    let frontal = FindingOptions { views: vec!["frontal".to_owned()], ..options() };
    assert_eq!(read_by(PADCHEST, &frontal).unwrap().samples.len(), 2);
    let two = FindingOptions { min_images: Some(2), ..options() };
    let error = told(read_by(PADCHEST, &two).unwrap_err());
    assert_eq!(
        error,
        "no label of `a.csv` is left: none has 2 positive images; `--min-images` sets the number"
    );
}

#[test]
fn views_that_no_image_has_are_told() {
    let views = FindingOptions { views: vec!["AP".to_owned()], ..options() };
    let error = told(read_by(PADCHEST, &views).unwrap_err());
    assert_eq!(error, "`a.csv` has no image of the view `AP`; there are `L`, `PA`");
    let error = told(read_by("path,A\n1.png,1\n", &views).unwrap_err());
    assert_eq!(error, "`a.csv` has no image of the view `AP`, and no column of views");
}

const BOXES: &str = "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max\n\
                     1,No finding,14,R1,,,,\n1,Nodule/Mass,8,R2,1,1,2,2\n1,Nodule/Mass,8,R3,1,1,2,2\n\
                     1,Nodule/Mass,8,R3,5,5,6,6\n2,Aortic enlargement,0,R1,1,1,2,2\n2,No finding,14,R2,,,,\n2,No finding,14,R3,,,,\n";

#[test]
fn readers_of_one_image_decide_together() {
    let by = |readers, text: &str| {
        let listing = read_by(text, &FindingOptions { readers, ..options() }).unwrap();
        assert_eq!(listing.layout, Layout::LabelFile(LabelFormat::VinDr));
        [0, 1].map(|i| values(&listing, i))
    };
    assert_eq!(read(BOXES).unwrap().labels(), ["Aortic enlargement", "Nodule/Mass"]);
    assert_eq!(by(Readers::Majority, BOXES), ["01", "00"]);
    assert_eq!(by(Readers::Any, BOXES), ["01", "10"]);
    assert_eq!(by(Readers::All, BOXES), ["00", "00"]);
    let columns = "image_id,rad_id,Aortic enlargement,Mass,No finding\n1,R1,0,0,1\n1,R2,0,1,0\n1,R3,0,1,0\n2,R1,1,0,0\n2,R2,0,0,1\n";
    assert_eq!(by(Readers::Majority, columns), ["01", "00"]);
    // A consensus has no readers.
    let test = "image_id,Aortic enlargement,Mass,No finding\n1,0,1,0\n2,0,0,1\n";
    assert_eq!(by(Readers::Majority, test), ["01", "00"]);
}

#[test]
fn rsna_has_one_label_or_three_classes() {
    let listing = read("patientId,x,y,width,height,Target\na,1,2,3,4,1\na,5,6,7,8,1\nb,,,,,0\n").unwrap();
    assert_eq!((listing.labels(), listing.samples.len()), (vec!["Lung Opacity".to_owned()], 2));
    assert_eq!([0, 1].map(|i| values(&listing, i)), ["1", "0"]);
    let error = told(read("patientId,x,y,width,height,Target\na,1,2,3,4,1\na,5,6,7,8,0\n").unwrap_err());
    assert_eq!(error, "`a.csv`, line 3: `a` is in line 2 already, with another target");
    let classes = "patientId,class\na,Normal\nb,Lung Opacity\nc,No Lung Opacity / Not Normal\n";
    let folder = world(&["a.dcm", "b.dcm", "c.dcm"], &[("a.csv", classes)]);
    let listing = open(&folder.path().join("a.csv"), &OpenOptions::KERAS).unwrap();
    assert_eq!((listing.is_multi_label(), listing.classes.len()), (false, 3));
}

const GENERAL: &str = "path,Edema,Mass,patient,split,age,scanner\n\
                       a.png,1,0,p1,train,30,x\nb.png,-1,,p2,test,031Y,\nc.png,0,1,p2,,140,y\n";

#[test]
fn general_files_have_a_column_a_label() {
    let listing = read(GENERAL).unwrap();
    assert_eq!(listing.layout.to_string(), "csv label file");
    assert_eq!(
        (listing.labels(), listing.attributes.clone()),
        (vec!["Edema".into(), "Mass".into()], vec!["age".into(), "scanner".into()])
    );
    assert_eq!([0, 1, 2].map(|i| values(&listing, i)), ["10", "?_", "01"]);
    assert_eq!([0, 1, 2].map(|i| attribute(&listing, i, "age")), ["30", "31", ""]);
    assert_eq!(
        (listing.samples[1].part, listing.samples[1].group.as_deref()),
        (Some(Part::Test), Some("p2"))
    );
    // Tabs and semicolons divide columns as well, and numbers may be written as others.
    assert_eq!(values(&read(&GENERAL.replace(',', ";").replace(";1;0;", ";1.0;0.0;")).unwrap(), 0), "10");
}

#[test]
fn labels_are_picked_ordered_and_renamed() {
    let pick = |labels: &[&str]| {
        let labels = labels.iter().map(|label| label.parse::<ClassName>().unwrap()).collect();
        read_by(GENERAL, &FindingOptions { labels: Some(labels), ..options() })
    };
    let listing = pick(&["Tumour=Mass", "Edema"]).unwrap();
    assert_eq!(
        (listing.labels(), values(&listing, 0)),
        (vec!["Tumour".into(), "Edema".into()], "01".to_owned())
    );
    assert_eq!(pick(&["Mass"]).unwrap().labels(), ["Mass"]);
    let error = told(pick(&["mass"]).unwrap_err());
    assert_eq!(
        error,
        "there is no label `mass` in `a.csv` (did you mean `Mass`?); there are `Edema`, `Mass`"
    );
}

#[test]
fn a_value_that_is_no_mark_is_told_with_row_and_column() {
    let error = told(read(&GENERAL.replace("c.png,0,1", "c.png,0,2")).unwrap_err());
    assert_eq!(error, "`a.csv`, line 4: `2` in column `Mass` is not 1, 0, -1 or nothing");
    // What is named as a label is one, whatever its values.
    let labels = Some(vec![ClassName::same("scanner")]);
    let error = told(read_by(GENERAL, &FindingOptions { labels, ..options() }).unwrap_err());
    assert!(error.ends_with("line 2: `x` in column `scanner` is not 1, 0, -1 or nothing\n  line 4: `y` in column `scanner` is not 1, 0, -1 or nothing"), "{error}");
}

#[test]
fn labels_known_nowhere_are_left_out_until_none_is_left() {
    let listing = read("path,A,B\n1.png,1,-1\n2.png,0,\n").unwrap();
    assert_eq!(listing.labels(), ["A"]);
    assert!(listing.remarks[0].is_warning());
    assert_eq!(listing.remarks[0].to_string(), "no image is known to have or not to have `B`: left out");
    let error = told(read("path,B\n1.png,-1\n2.png,\n").unwrap_err());
    assert_eq!(error, "no label of `a.csv` is left: no image is known to have or not to have one");
    // A model's labels stay, in its order.
    let labels = ["B", "C", "A"].map(ClassName::same);
    let folder = world(&["1.png", "2.png"], &[("a.csv", "path,A,B\n1.png,1,-1\n2.png,0,\n")]);
    let options = OpenOptions { classes: Classes::Among(&labels), ..OpenOptions::KERAS };
    let listing = open(&folder.path().join("a.csv"), &options).unwrap();
    assert_eq!((listing.labels().len(), values(&listing, 0)), (3, "?_1".to_owned()));
}

#[test]
fn vertical_bars_in_a_label_make_several_findings() {
    let text = "path,label,patient\n1.png,Mass,a\n2.png,Mass|Nodule,a\n3.png,No Finding,b\n";
    let listing = read(text).unwrap();
    assert_eq!(
        (listing.labels(), [0, 1, 2].map(|i| values(&listing, i))),
        (vec!["Mass".into(), "Nodule".into()], ["10", "11", "00"].map(str::to_owned))
    );
    let remark =
        "1 row has several findings, such as `Mass|Nodule`: read as 2 labels, any of which an image may have";
    assert_eq!(listing.remarks[0].to_string(), remark);
}

#[test]
fn equal_rows_count_once_and_others_are_told() {
    let listing = read(&format!("{GENERAL}a.png,1,0,p1,train,30,x\n")).unwrap();
    assert_eq!((listing.samples.len(), &listing.remarks[..]), (3, &[Remark::RepeatedRows { rows: 1 }][..]));
    let error = told(read(&format!("{GENERAL}a.png,1,1,p1,train,30,x\n")).unwrap_err());
    assert_eq!(error, "`a.csv`, line 5: `a.png` is in line 2 already, with another `Mass`");
}

#[test]
fn groups_are_those_of_a_named_column() {
    let folder = world(&["a.png", "b.png", "c.png"], &[("a.csv", GENERAL)]);
    let by = |column: &str| {
        let group = &GroupRule::Column(column.to_owned());
        open(&folder.path().join("a.csv"), &OpenOptions { group, ..OpenOptions::KERAS })
    };
    let listing = by("Scanner").unwrap();
    assert_eq!((listing.samples[2].group.as_deref(), listing.ungrouped), (Some("y"), 1));
    assert_eq!(by("patient").unwrap().samples[2].group.as_deref(), Some("p2"));
    assert!(matches!(by("ward"), Err(Error::NoColumns { .. })));
}

#[test]
fn a_format_that_is_named_is_not_guessed() {
    let by = |format| read_by(GENERAL, &FindingOptions { format: Some(format), ..options() });
    assert!(by(LabelFormat::Csv).is_ok());
    let error = told(by(LabelFormat::Nih).unwrap_err());
    assert!(
        error.starts_with("`a.csv` is no nih label file: there is no column `Image Index`, but `path`, "),
        "{error}"
    );
    for format in [
        LabelFormat::CheXpert,
        LabelFormat::Mimic,
        LabelFormat::PadChest,
        LabelFormat::VinDr,
        LabelFormat::Rsna,
    ] {
        assert!(by(format).is_err(), "{format}");
    }
}
