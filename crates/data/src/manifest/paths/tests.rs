use super::*;
use crate::{
    Error, Listing, OpenOptions, Remark,
    manifest::tests::{opened, problem, world},
    open,
};

/// Files of a listing, as seen from a folder.
fn files(folder: &tempfile::TempDir, listing: &Listing) -> Vec<String> {
    let below = |path: &Path| path.strip_prefix(folder.path()).unwrap().display().to_string();
    listing.samples.iter().map(|sample| below(&sample.path)).collect()
}

/// Files that the rows of a CSV lead to, and the remarks on them.
fn found(there: &[&str], csv: &str) -> (Vec<String>, Vec<Remark>) {
    let folder = world(there, csv);
    let listing = opened(&folder).unwrap();
    (files(&folder, &listing), listing.remarks)
}

fn other_paths(way: impl Into<String>) -> Vec<Remark> {
    vec![Remark::OtherPaths { way: way.into() }]
}

#[test]
fn backslashes_divide_folders_where_they_are_in_no_files_name() {
    let slashes = || other_paths("with `/` for `\\`");
    let one = found(&["k/1.png"], "path,label\nk\\1.png,x\n");
    assert_eq!(one, (vec!["k/1.png".to_owned()], slashes()));
    let two = found(&["k/1.png", "2.png"], "path,label\nk\\1.png,x\n2.png,x\n");
    assert_eq!(two, (vec!["k/1.png".to_owned(), "2.png".to_owned()], slashes()));
    let written = found(&["k/1.png", "k\\1.png"], "path,label\nk\\1.png,x\n");
    assert_eq!(written, (vec!["k\\1.png".to_owned()], vec![]));
}

#[test]
fn leading_folders_that_all_paths_have_are_taken_off() {
    let absolute = found(&["k/1.png", "k/2.png"], "path,label\n/data/set/k/1.png,x\n/data/set/k/2.png,x\n");
    assert_eq!(
        absolute,
        (vec!["k/1.png".to_owned(), "k/2.png".to_owned()], other_paths("without `/data/set/`"))
    );
    let two = found(&["k/1.png", "l/2.png"], "path,label\na\\k\\1.png,x\na\\l\\2.png,x\n");
    let way = "with `/` for `\\`, without `a/`";
    assert_eq!(two, (vec!["k/1.png".to_owned(), "l/2.png".to_owned()], other_paths(way)));
}

#[test]
fn files_may_lie_below_a_folder_above_the_csvs() {
    for (place, up) in [("in", ".."), ("in/deep", "../..")] {
        let folder = world(&["k/1.png", &format!("{place}/x")], "");
        let own = folder.path().join(place);
        fs::write(own.join("m.csv"), "path,label\nk/1.png,x\n").unwrap();
        let listing = open(&own.join("m.csv"), &OpenOptions::KERAS).unwrap();
        assert_eq!(listing.samples[0].path, own.join(up).join("k/1.png"));
        assert_eq!(listing.remarks, other_paths(format!("below `{}`", own.join(up).display())));
    }
    let row = Row {
        line: 2,
        path: "1.png".to_owned(),
        untrimmed: None,
        label: "x".to_owned(),
        group: None,
        part: None,
        fold: None,
        attributes: Vec::new(),
    };
    // A CSV in the current folder has no folder in its path.
    let bases: Vec<PathBuf> = ways(Path::new(""), &[row]).unwrap().into_iter().map(|way| way.base).collect();
    assert_eq!(bases, [Path::new(".."), Path::new("../..")]);
}

#[test]
fn files_may_lie_below_the_only_folder_beside_the_csv_that_has_them() {
    let there = ["data/1.png", "data/2.png", ".old/1.png", ".old/2.png", "half/1.png"];
    let folder = world(&there, "path,label\n1.png,x\n2.png,x\n");
    let listing = opened(&folder).unwrap();
    assert_eq!(files(&folder, &listing), ["data/1.png", "data/2.png"]);
    let way = format!("below `{}`", folder.path().join("data").display());
    assert_eq!(listing.remarks, other_paths(way));
    // Of two folders neither is known to be meant, and a hidden one is none.
    for there in [&["a/1.png", "b/1.png"][..], &[".old/1.png"]] {
        assert_eq!(problem(there, "path,label\n1.png,x\n"), "line 2: `1.png` is not there");
    }
}

#[test]
fn where_some_files_are_there_no_others_are_sought_elsewhere() {
    let told = problem(&["1.png", "up/1.png", "up/2.png"], "path,label\n1.png,x\n2.png,x\n");
    assert_eq!(told, "line 3: `2.png` is not there");
}

#[test]
fn a_way_that_finds_more_files_than_the_paths_as_written_is_told() {
    let lacking = |path: &str, line: u64| format!("\n  line {line}: `{path}` is not there");
    let told = problem(&["k/1.png", "k/2.png"], "path,label\na/k/1.png,x\na/k/2.png,x\na/k/3.png,x\n");
    let rows = [("a/k/1.png", 2), ("a/k/2.png", 3), ("a/k/3.png", 4)].map(|(path, line)| lacking(path, line));
    let remedy = "2 of 3 files are there without `a/`: correct the paths of the others";
    assert_eq!(told, format!("3 rows cannot be used{}\n  {remedy}", rows.concat()));
    // Of two ways that find as many the first is told.
    let told = problem(&["k/1.png", "1.png"], "path,label\na/k/1.png,x\na/k/9.png,x\n");
    let remedy = "1 of 2 files are there without `a/`: correct the paths of the others";
    assert!(told.ends_with(remedy), "{told}");
}

#[test]
fn a_folder_in_a_files_place_is_no_reason_to_look_elsewhere() {
    let folder = world(&["1.png", "2.png", "in/1.png/x", "in/2.png/x"], "");
    let csv = folder.path().join("in/m.csv");
    fs::write(&csv, "path,label\n1.png,x\n2.png,x\n").unwrap();
    let Err(Error::Csv { problems, .. }) = open(&csv, &OpenOptions::KERAS) else { panic!("it was read") };
    let told = [(2, "`1.png` is a folder".to_owned()), (3, "`2.png` is a folder".to_owned())];
    assert_eq!((&problems.told[..], problems.remedy), (&told[..], None));
}

#[test]
fn rows_that_say_the_same_count_once_and_others_say_what_differs() {
    let (there, remarks) = found(&["1.png"], "path,label\n1.png,x\n./1.png,x\n1.png,x\n");
    assert_eq!((there, remarks), (vec!["1.png".to_owned()], vec![Remark::RepeatedRows { rows: 2 }]));
    for (second, difference) in [
        ("y,p,train,1", "the label `x`, not `y`"),
        ("x,,train,1", "the group `p`, not none"),
        ("x,p,test,1", "the split `training`, not `test`"),
        ("x,p,train,2", "the fold `1`, not `2`"),
    ] {
        let csv = format!("path,label,group,split,fold\n1.png,x,p,train,1\n1.png,{second}\n");
        let told = problem(&["1.png"], csv);
        assert_eq!(told, format!("line 3: `1.png` is in line 2 already, with {difference}"));
    }
}

#[test]
fn blanks_around_a_path_are_part_of_it_where_only_such_a_file_is_there() {
    let csv = "path,label\n 1.png,x\n";
    assert_eq!(found(&[" 1.png"], csv), (vec![" 1.png".to_owned()], vec![]));
    assert_eq!(found(&[" 1.png", "1.png"], csv), (vec!["1.png".to_owned()], vec![]));
}

#[test]
fn names_in_another_unicode_form_are_found_and_counted() {
    let forms = |files| vec![Remark::OtherUnicodeForm { files }];
    for (there, path) in [
        ("e\u{301}.png", "\u{e9}.png"),
        ("e\u{301}/1.png", "\u{e9}/1.png"),
        ("e\u{301}/o\u{308}.png", "\u{e9}/\u{f6}.png"),
        ("e\u{301}/k/1.png", "\u{e9}/k/1.png"),
        ("e\u{301}/o\u{308}/1.png", "\u{e9}/\u{f6}/1.png"),
    ] {
        let (files, remarks) = found(&[there], &format!("path,label\n{path},x\n"));
        assert_eq!((files, remarks), (vec![there.to_owned()], forms(1)), "{path}");
    }
    let there = ["e\u{301}.png", "o\u{308}/1.png"];
    let (_, remarks) = found(&there, "path,label\n\u{e9}.png,x\n\u{f6}/1.png,x\n");
    assert_eq!(remarks, forms(2));
    let told = problem(&["e\u{301}.png/x"], "path,label\n\u{e9}.png,x\n");
    assert_eq!(told, "line 2: `\u{e9}.png` is not there");
}

#[test]
fn a_name_that_no_file_can_have_is_told_with_the_systems_words() {
    let told = problem(&[], format!("path,label\n{},x\n", "a".repeat(300)));
    assert!(told.contains("` cannot be read: "), "{told}");
}

#[test]
fn a_plain_path_keeps_the_folders_above_its_first() {
    for (path, expected) in [
        ("a/./b/../c.png", "a/c.png"),
        ("./a.png", "a.png"),
        ("../a.png", "../a.png"),
        ("../../a/../b.png", "../../b.png"),
        ("/../a.png", "/../a.png"),
    ] {
        assert_eq!(plain(Path::new(path)), Path::new(expected));
    }
}
