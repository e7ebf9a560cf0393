use std::fs;

use super::*;
use crate::{Classes, Part, open};

/// A folder with files and a CSV.
pub(super) fn world(files: &[&str], csv: impl AsRef<[u8]>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    fs::write(folder.path().join("m.csv"), csv).unwrap();
    folder
}

pub(super) fn opened(folder: &tempfile::TempDir) -> Result<Listing, Error> {
    open(&folder.path().join("m.csv"), &OpenOptions::KERAS)
}

/// Problem of a CSV, without the file's name.
pub(super) fn problem(files: &[&str], csv: impl AsRef<[u8]>) -> String {
    let folder = world(files, csv);
    let error = opened(&folder).unwrap_err();
    let told = error.to_string();
    let path = format!("`{}`, ", folder.path().join("m.csv").display());
    told.strip_prefix(&path).unwrap_or_else(|| panic!("{told}")).to_owned()
}

#[test]
fn rows_become_samples_class_by_class() {
    let csv = "path,label,group,split\nb/1.png,sick,p1,train\na/1.png,healthy,,test\nb/2.png,healthy,p2,Valid\n\
               b/3.png,sick,p1,\n";
    let folder = world(&["a/1.png", "b/1.png", "b/2.png", "b/3.png"], csv);
    let listing = opened(&folder).unwrap();
    assert_eq!((listing.layout, listing.labels()), (Layout::Csv, vec!["healthy".into(), "sick".into()]));
    let sample = |name: &str, label, group: Option<&str>, part| Sample {
        path: folder.path().join(name),
        name: name.to_owned(),
        annotation: crate::Annotation::Class(label),
        group: group.map(str::to_owned),
        part,
        fold: None,
        attributes: Vec::new(),
    };
    let expected = [
        sample("a/1.png", 0, None, Some(Part::Test)),
        sample("b/2.png", 0, Some("p2"), Some(Part::Validation)),
        sample("b/1.png", 1, Some("p1"), Some(Part::Training)),
        sample("b/3.png", 1, Some("p1"), None),
    ];
    assert_eq!(listing.samples, expected);
    assert_eq!(listing.manifest_sha256.unwrap().len(), 64);
}

#[test]
fn columns_have_other_names_and_orders() {
    for csv in [
        "\u{feff}Class;FILE\r\nx;1.png\r\n",
        "label\tage\tfilename\nx\t7\t1.png\n",
        "patientId,class\n1,x\n",
        "Image , LABEL\n./1.png,x\n",
        "\npath,label\n\n\"1.png\",\"x\"\n\n",
    ] {
        let listing = opened(&world(&["1.png"], csv)).unwrap();
        assert_eq!((listing.labels(), listing.samples.len()), (vec!["x".to_owned()], 1), "{csv}");
    }
    let csv = "path,label,set,patient_id\n1.png,x,testing,anna\n";
    let sample = opened(&world(&["1.png"], csv)).unwrap().samples.remove(0);
    assert_eq!((sample.group.as_deref(), sample.part), (Some("anna"), Some(Part::Test)));
    // Where there is a path, a patient's number is a group.
    let sample = opened(&world(&["1.png"], "path,label,patientId\n1.png,x,7\n")).unwrap().samples.remove(0);
    assert_eq!(sample.group.as_deref(), Some("7"));
    let sample = opened(&world(&["1.png"], "patientId,label\n1.png,x\n")).unwrap().samples.remove(0);
    assert_eq!(sample.group, None);
    // Columns without names may be several.
    let csv = ",path,,label,\n0,1.png,,x,\n";
    assert_eq!(opened(&world(&["1.png"], csv)).unwrap().labels(), ["x"]);
}

#[test]
fn paths_stand_as_the_rows_have_them() {
    let folder = world(&[], "path,label\n./1.png,x\nk\\2.png,y\n");
    assert_eq!(paths_in(&folder.path().join("m.csv")).unwrap(), ["./1.png", "k\\2.png"]);
}

#[test]
fn several_findings_of_an_image_are_no_class() {
    let files = ["1.png", "2.png", "3.png"];
    let csv = "path,label\n1.png,Mass\n2.png,Mass|Nodule\n3.png,Edema | Mass\n";
    let listing = opened(&world(&files, csv)).unwrap();
    assert_eq!((listing.is_multi_label(), listing.labels().len()), (true, 3));
    // A bar without a finding on each side is part of a name.
    let listing = opened(&world(&files, "path,label\n1.png,a|\n2.png,|\n3.png,b\n")).unwrap();
    assert_eq!(listing.labels(), ["a|", "b", "|"]);
}

#[test]
fn a_column_of_groups_can_be_named() {
    let folder = world(&["1.png", "2.png"], "path,label,group,Study\n1.png,x,a,s\n2.png,x,a,\n");
    let open = |column: &str| {
        let group = &GroupRule::Column(column.into());
        open(&folder.path().join("m.csv"), &OpenOptions { group, ..OpenOptions::KERAS })
    };
    let listing = open("study").unwrap();
    assert_eq!((listing.samples[0].group.as_deref(), listing.ungrouped), (Some("s"), 1));
    let error = open("ward").unwrap_err().to_string();
    assert!(error.ends_with("m.csv` has no column `ward`"), "{error}");
}

#[test]
fn files_may_lie_elsewhere_and_lack_their_extension() {
    let elsewhere = world(&["1.2.840.10008.dcm", "x.dcm", "x.png", "y.txt"], "");
    let at = |name: &str| elsewhere.path().join(name).display().to_string();
    let csv = format!("path,label\n{},k\n../{}/x.png,k\n", at("1.2.840.10008"), elsewhere_name(&elsewhere));
    let folder = world(&[], csv);
    let listing = opened(&folder).unwrap();
    let files: Vec<_> = listing.samples.iter().map(|sample| sample.path.file_name().unwrap()).collect();
    assert_eq!(files, ["1.2.840.10008.dcm", "x.png"]);
    let told = problem(&[], format!("path,label\n{},k\n", at("x")));
    assert!(told.ends_with("/x` is not there, and may mean x.dcm or x.png"), "{told}");
    assert!(problem(&[], format!("path,label\n{},k\n", at("y"))).ends_with("/y` is not there"));
}

fn elsewhere_name(folder: &tempfile::TempDir) -> String {
    folder.path().file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn classes_are_named_by_the_files_labels() {
    let folder = world(&["1.png", "2.png", "3.png"], "path,label\n1.png,b\n2.png,a\n3.png,c\n");
    let path = folder.path().join("m.csv");
    let named = ["beta=b", "a"].map(|name| name.parse::<ClassName>().unwrap());
    let open = |classes| open(&path, &OpenOptions { classes, ..OpenOptions::KERAS });
    let listing = open(Classes::Named(&named)).unwrap();
    assert_eq!(listing.labels(), ["beta", "a"]);
    assert_eq!(listing.samples.iter().filter_map(Sample::class).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(listing.left_out[0].reason, Reason::NotAClass);
    let error = open(Classes::Exactly(&named)).unwrap_err();
    assert!(error.to_string().ends_with("`c` unknown to the model"), "{error}");
    let among = ["c", "b", "a", "d"].map(ClassName::same);
    assert_eq!(open(Classes::Among(&among)).unwrap().counts(), [1, 1, 1, 0]);
    let error = open(Classes::Among(&among[1..])).unwrap_err();
    assert!(error.to_string().ends_with("`d` missing, `c` unknown to the model"), "{error}");
    let error = open(Classes::Named(&[ClassName::same("A1")])).unwrap_err();
    assert!(matches!(error, Error::MissingClass { .. }), "{error}");
}

#[test]
fn bad_files_are_told_line_by_line() {
    let files = ["1.png", "2.png", "k/3.png"];
    let cases: [(&str, &str); 15] = [
        ("", "line 1: it is empty, but `path,label` and a row an image are expected"),
        ("\n \n", "line 1: it is empty, but `path,label` and a row an image are expected"),
        (
            "# a note\n\nImage Index,Findings,\n",
            "line 3: no column `path`; there are `Image Index`, `Findings`, ``; rename `Image Index` to `path`; rename `Findings` to `label`",
        ),
        ("path,label\n", "line 1: there is no row below the header"),
        ("path,kind\n1.png,x\n", "line 1: no column `label`; there are `path`, `kind`"),
        ("1.png,x\n2.png,y\n", "line 1: no column `path`; there are `1.png`, `x`"),
        ("path,label,PATH\n1.png,x,y\n", "line 1: column `path` is there twice"),
        ("path,label\n1.png,x\n2.png\n", "line 3: 1 fields, but the header has 2"),
        ("path,label\n1.png, \n", "line 2: an empty label for `1.png`"),
        ("path,label\n,x\n", "line 2: an empty path"),
        ("path,label,split\n1.png,x,trian\n", "line 2: unknown split `trian`: train, validation or test"),
        ("path,label\n1.png,x\n4.png,x\n", "line 3: `4.png` is not there"),
        ("path,label\nk,x\n", "line 2: `k` is a folder"),
        (
            "path,label\n1.png,x\n./k/../1.png,y\n",
            "line 3: `./k/../1.png` is in line 2 already, with the label `x`, not `y`",
        ),
        ("path,label\n\"a\nb\u{1b}[1m\",x\n", "line 2: `a\u{fffd}b\u{fffd}[1m` is not there"),
    ];
    for (csv, expected) in cases {
        assert_eq!(problem(&files, csv), expected, "{csv:?}");
    }
}

#[test]
fn bytes_that_are_no_text_are_told() {
    assert_eq!(problem(&[], b"path,label\n1.png,\xff\n"), "line 2: it is not UTF-8");
    assert_eq!(problem(&[], b"path,label\n\n1\0.png,x\n"), "line 3: a NUL byte: it is no text, or not UTF-8");
    let long = format!("path,label\n1.png,{}\n", "x".repeat(5000));
    assert_eq!(problem(&["1.png"], long), "line 2: a field of 5000 bytes: is a quote not closed?");
    let many: String = (0..1001).map(|i| format!("1.png,{i}\n")).collect();
    assert!(problem(&["1.png"], format!("path,label\n{many}")).starts_with("line 1: 1001 different labels"));
    for bytes in [b"\xff\xfep\0", b"\xfe\xff\0p"] {
        assert_eq!(problem(&[], bytes), "line 1: it is UTF-16 text: save it as UTF-8");
    }
}

#[test]
fn what_is_just_short_enough_is_read() {
    let label = "x".repeat(4096);
    let listing = opened(&world(&["1.png"], format!("path,label\n1.png,{label}\n"))).unwrap();
    assert_eq!(listing.labels(), [label]);
    let many: String = (0..1000).map(|i| format!("{i}.png,{i}\n")).collect();
    assert!(problem(&[], format!("path,label\n{many}")).starts_with("1000 rows cannot be used"));
}

#[test]
fn a_file_longer_than_256_mib_is_not_read() {
    let folder = world(&[], "");
    let file = fs::File::options().write(true).open(folder.path().join("m.csv")).unwrap();
    file.set_len((256 << 20) + 1).unwrap();
    let told = opened(&folder).unwrap_err().to_string();
    assert!(told.ends_with("line 1: the file is longer than 256 MiB"), "{told}");
}

#[test]
fn at_most_twenty_rows_are_told_and_the_rest_counted() {
    let rows: String = (0..23).map(|i| format!("{i}.png,x\n")).collect();
    let told = problem(&[], format!("path,label\n{rows}"));
    assert!(told.starts_with("23 rows cannot be used\n  line 2: `0.png` is not there\n"), "{told}");
    assert!(told.ends_with("\n  line 21: `19.png` is not there\n  … and 3 more"), "{told}");
    let twenty = rows.lines().take(20).collect::<Vec<_>>().join("\n");
    let told = problem(&[], format!("path,label\n{twenty}\n"));
    assert!(told.ends_with("\n  line 21: `19.png` is not there"), "{told}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_never_opened() {
    let folder = world(&[], "path,label\npipe.png,x\n");
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe.png")).status().unwrap();
    assert!(made.success());
    let told = opened(&folder).unwrap_err().to_string();
    assert!(told.ends_with("line 2: `pipe.png` is no file that can be read"), "{told}");
    let error = open(&folder.path().join("pipe.png"), &OpenOptions::KERAS).unwrap_err();
    assert!(matches!(error, Error::NotAFolder { .. }), "{error}");
}

fn row<'a>(path: &'a Path, label: &'a str, part: Part) -> Row<'a> {
    Row { path, label, group: None, part, fold: None }
}

#[test]
fn what_is_written_is_read_back() {
    let folder = world(&["data/k/ 1, \"odd\"\n.png", "data/疑/2.png", "data/k/3.png", "out/x"], "");
    let paths = ["data/k/ 1, \"odd\"\n.png", "data/疑/2.png", "data/k/3.png"];
    let paths = paths.map(|name| folder.path().join(name));
    let rows = [
        Row { group: Some("p,1"), fold: Some(0), ..row(&paths[0], " k", Part::Training) },
        Row { fold: Some(1), ..row(&paths[1], "疑", Part::Validation) },
        row(&paths[2], "疑", Part::Test),
    ];
    let out = folder.path().join("out/m.csv");
    write(&out, &rows, false).unwrap();
    assert_eq!(fs::read(&out).unwrap(), text(&out, &rows).unwrap());
    let text = fs::read_to_string(&out).unwrap();
    assert!(text.starts_with(
        "path,label,group,split,fold\n\"../data/k/ 1, \"\"odd\"\"\n.png\", k,\"p,1\",training,1\n"
    ));
    assert!(text.ends_with("\n../data/k/3.png,疑,,test,\n"), "{text}");
    let listing = open(&out, &OpenOptions::KERAS).unwrap();
    // Blanks around a label are no part of it.
    assert_eq!(listing.labels(), ["k", "疑"]);
    assert_eq!(listing.samples[0].group.as_deref(), Some("p,1"));
    let parts: Vec<_> = listing.samples.iter().map(|sample| sample.part.unwrap()).collect();
    assert_eq!(parts, Part::ALL);
    let folds: Vec<_> = listing.samples.iter().map(|sample| sample.fold.as_deref()).collect();
    assert_eq!(folds, [Some("1"), Some("2"), None]);
    for (sample, path) in listing.samples.iter().zip(&paths) {
        assert_eq!(sample.path.canonicalize().unwrap(), path.canonicalize().unwrap());
    }
    // Nothing else is left in the folder.
    assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 2);
}

#[test]
fn an_earlier_manifest_is_kept_unless_forced() {
    let folder = world(&["1.png"], "mine");
    let (out, file) = (folder.path().join("m.csv"), folder.path().join("1.png"));
    let rows = [row(&file, "k", Part::Training)];
    assert!(matches!(write(&out, &rows, false), Err(Error::Exists { .. })));
    assert_eq!(fs::read_to_string(&out).unwrap(), "mine");
    write(&out, &rows, true).unwrap();
    assert_eq!(fs::read_to_string(&out).unwrap(), "path,label,group,split\n1.png,k,,training\n");
    let absent = folder.path().join("absent/m.csv");
    assert!(matches!(write(&absent, &rows, false), Err(Error::Io { .. })));
    assert!(matches!(write(folder.path(), &rows, true), Err(Error::Exists { .. })));
}

#[test]
fn a_file_that_appeared_meanwhile_is_not_replaced() {
    let folder = world(&["1.png"], "mine");
    let (out, file) = (folder.path().join("m.csv"), folder.path().join("1.png"));
    let records = records(&out, &[row(&file, "k", Part::Training)]).unwrap();
    assert!(!holds(&out, &records));
    assert!(matches!(write_records(&out, &records, false), Err(Error::Exists { .. })));
    assert_eq!(fs::read_to_string(&out).unwrap(), "mine");
    write_records(&out, &records, true).unwrap();
    assert!(holds(&out, &records));
    assert!(!holds(&folder.path().join("absent.csv"), &records));
}

#[test]
fn paths_in_the_current_folder_are_names_and_those_without_a_common_folder_absolute() {
    let rows = [Path::new("1.png"), Path::new("src/2.png"), Path::new("/usr/3.png")];
    let rows = rows.map(|path| row(path, "k", Part::Test));
    let text = String::from_utf8(text(Path::new("m.csv"), &rows).unwrap()).unwrap();
    assert_eq!(text, "path,label,group,split\n1.png,k,,test\nsrc/2.png,k,,test\n/usr/3.png,k,,test\n");
}

/// `..` leads to where a folder really lies, not to where a link to it stands.
#[cfg(unix)]
#[test]
fn links_on_the_way_do_not_mislead() {
    use std::os::unix::{ffi::OsStrExt as _, fs::symlink};

    let folder = world(&["deep/real/x", "data/1.png"], "");
    symlink("deep/real", folder.path().join("link")).unwrap();
    let (out, file) = (folder.path().join("link/m.csv"), folder.path().join("data/1.png"));
    write(&out, &[row(&file, "k", Part::Training)], false).unwrap();
    assert!(fs::read_to_string(&out).unwrap().contains("\n../../data/1.png,"));
    assert_eq!(open(&out, &OpenOptions::KERAS).unwrap().samples.len(), 1);
    let odd = folder.path().join("data").join(std::ffi::OsStr::from_bytes(b"\xff.png"));
    fs::write(&odd, "").unwrap();
    let error = write(&folder.path().join("n.csv"), &[row(&odd, "k", Part::Test)], false).unwrap_err();
    assert!(matches!(error, Error::NotUtf8 { .. }), "{error}");
    assert!(!folder.path().join("n.csv").exists());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    /// Any bytes are read or refused with an error.
    #[test]
    fn no_bytes_are_too_odd(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        text in "(path|label|,|;|\"|\n|\r|1\\.png|x|\\.\\.|/|\u{feff}|split|test|\t| ){0,60}",
    ) {
        let files = ["1.png"];
        for csv in [&bytes[..], text.as_bytes(), format!("path,label,split\n{text}").as_bytes()] {
            let error = match opened(&world(&files, csv)) {
                Ok(listing) => {
                    assert!(!listing.samples.is_empty());
                    continue;
                }
                Err(error) => error,
            };
            assert!(matches!(error, Error::Csv { .. }), "{error}");
            assert!(!error.to_string().contains(['\0', '\r', '\t']), "{error:?}");
        }
    }
}
