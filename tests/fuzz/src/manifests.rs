//! Manifests, through `data::open` and the splits that follow.

use std::{path::Path, sync::OnceLock};

use data::{Formats, GroupRule, OpenOptions, open, split};

use crate::scratch;

/// Files that rows can name.
fn images() -> &'static Path {
    static FOLDER: OnceLock<()> = OnceLock::new();
    FOLDER.get_or_init(|| {
        for name in ["a.png", "b.png", "c.png", "d.png", "é.png"] {
            scratch::write(name, b"");
        }
        std::fs::create_dir(scratch::folder().join("f")).expect("a folder");
        scratch::write("f/a.png", b"");
    });
    scratch::folder()
}

/// The first byte chooses the extension and the column of groups.
pub(crate) fn run(input: &[u8]) {
    let Some((&choice, text)) = input.split_first() else { return };
    let folder = images();
    let path = scratch::write(["m.csv", "m.tsv", "m.txt"][usize::from(choice % 3)], text);
    let rules = [GroupRule::None, GroupRule::Column("site".to_owned())];
    let group = &rules[usize::from(choice / 3 % 2)];
    let options = OpenOptions { formats: Formats::All, group, ..OpenOptions::KERAS };
    if let Ok(listing) = open(&path, &options) {
        assert!(!listing.samples.is_empty());
        for sample in &listing.samples {
            assert!(
                sample.strata().all(|class| class < listing.classes.len()) && sample.path.starts_with(folder)
                    || sample.path.is_file()
            );
        }
        let whole = listing.samples.len();
        for split in
            [split::keras(&listing, 0.2), split::random(&listing, 0.2, 1), split::grouped(&listing, 0.2, 1)]
                .into_iter()
                .flatten()
        {
            assert!(split.training.len() + split.validation.len() <= whole);
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "\0path,label\na.png,x\nb.png,y\n",
        "\0path;label;group;split\na.png;x;1;train\nb.png;y;2;train\nc.png;x;3;test\nd.png;y;4;validation\n",
        "\u{1}filename\tclass\tfold\na.png\tx\t1\nb.png\ty\t2\n",
        "\u{3}\u{feff}image,label,site\r\n\"a.png\",\"x, 1\",s\r\n\"f/a.png\",y,\"t\"\"u\"\r\né.png,x,\r\n",
        "\0patientid,label\na,1\nb,0\n",
        "\0path,label\na.png,x\n\"b.png,y\n",
        "\0path,Mass,Edema,group\na.png,1,0,p\nb.png,-1,,q\nc.png,0,1,r\n",
        "\0path,label\na.png,Mass|Edema\nb.png,No Finding\n",
        "\0Image Index,Finding Labels,Patient ID,Patient Age\na.png,Mass|Edema,1,058Y\nb.png,No Finding,2,57\n",
        "\0ImageID,StudyID,Labels\na.png,s,\"['normal', ' mass']\"\nb.png,t,[]\n",
        "\0image_id,class_name,rad_id\na,Mass,R1\na,No finding,R2\nb,Mass,R1\n",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}
