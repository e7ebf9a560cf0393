//! Writing of images with findings as a general label file, which is there as a whole or not at all.

use base::attributes::{canonical, plain};
use std::path::Path;

use super::csv::are_marks;
use crate::{
    Error, Listing, Part, Sample,
    manifest::{
        Record, bytes, check_free, folder_of,
        read::{FOLDS, GROUPS, LABELS, PATHS, SPLITS},
        write_records,
    },
};

/// Writes `path`, a column a label, `group`, `split`, `fold` where an image has one, and the attributes. `parts` holds the part
/// and the fold, counted from 0, of each of the listing's images.
///
/// Labels are 1, 0, -1 for uncertain and unknown, or empty for unknown, after the rules for uncertain and blank marks: read
/// again by the rules of general files, they have the same values. Attributes that would be read as something else are left
/// out: those called like another column, and those whose values are all 1, 0, -1 or nothing.
///
/// # Errors
/// A file that is there, without `force`; a path that is not UTF-8; whatever keeps the file from being written.
pub fn write_label_file(
    out: &Path,
    listing: &Listing,
    parts: &[(Part, Option<usize>)],
    force: bool,
) -> Result<(), Error> {
    check_free(out, force)?;
    write_records(out, &records(out, listing, parts)?, force)
}

/// Returns the bytes that [`write_label_file`] would put into the file `out`, whose folder must be there.
///
/// # Errors
/// A path that is not UTF-8; a folder that cannot be read.
pub fn label_file_text(
    out: &Path,
    listing: &Listing,
    parts: &[(Part, Option<usize>)],
) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::Io { action: "write", path: out.to_owned(), source };
    bytes(&records(out, listing, parts)?).map_err(failed)
}

fn records(out: &Path, listing: &Listing, parts: &[(Part, Option<usize>)]) -> Result<Vec<Record>, Error> {
    let folds = parts.iter().any(|(_, fold)| fold.is_some());
    let attributes: Vec<usize> =
        (0..listing.attributes.len()).filter(|&attribute| is_kept(listing, attribute)).collect();
    let mut header = vec!["path".to_owned()];
    header.extend(listing.labels());
    header.extend(["group", "split"].map(str::to_owned));
    header.extend(folds.then(|| "fold".to_owned()));
    header.extend(attributes.iter().map(|&attribute| listing.attributes[attribute].clone()));
    let mut records = vec![header];
    let mut places = folder_of(out)?;
    for (sample, (part, fold)) in listing.samples.iter().zip(parts) {
        let Sample { path, annotation, group, attributes: values, .. } = sample;
        let mut record = vec![places.path(path)?];
        record.extend(annotation.findings().iter().map(|finding| finding.text().to_owned()));
        record.extend([group.clone().unwrap_or_default(), part.to_string()]);
        if folds {
            record.push(fold.map(|fold| (fold + 1).to_string()).unwrap_or_default());
        }
        record.extend(attributes.iter().map(|&attribute| values[attribute].clone()));
        records.push(record);
    }
    Ok(records)
}

/// Tells if an attribute is read again as one.
fn is_kept(listing: &Listing, attribute: usize) -> bool {
    let name = &listing.attributes[attribute];
    let reserved = [&PATHS[..], &LABELS, &GROUPS, &SPLITS, &FOLDS].concat();
    if reserved.contains(&&*plain(name)) || listing.classes.iter().any(|class| class.label == *name) {
        return false;
    }
    let values = listing.samples.iter().map(|sample| sample.attributes[attribute].as_str());
    canonical(name).is_some() || !are_marks(values)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{OpenOptions, open};

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        ["1.png", "2.png", "3.png"].iter().for_each(|name| fs::write(path(name), "").unwrap());
        let text = "path,A,\"B, b\",patient,age,view,series,1st\n1.png,1,0,p,50,PA,0,x\n2.png,-1,,p,,AP,1,\n3.png,0,1,q,7,,0,z\n";
        fs::write(path("a.csv"), text).unwrap();
        let labels = Some(["A", "B, b"].map(crate::ClassName::same).to_vec());
        let findings = &crate::FindingOptions { labels, ..crate::FindingOptions::DEFAULT };
        let listing = open(&path("a.csv"), &OpenOptions { findings, ..OpenOptions::KERAS }).unwrap();
        let parts = [(Part::Training, Some(0)), (Part::Test, None), (Part::Training, Some(1))];
        write_label_file(&path("b.csv"), &listing, &parts, false).unwrap();
        let lines = "path,A,\"B, b\",group,split,fold,age,view,1st\n1.png,1,0,p,training,1,50,PA,x\n\
                     2.png,-1,,p,test,,,AP,\n3.png,0,1,q,training,2,7,,z\n";
        assert_eq!(fs::read_to_string(path("b.csv")).unwrap(), lines);
        let again = open(&path("b.csv"), &OpenOptions::KERAS).unwrap();
        assert_eq!(again.labels(), listing.labels());
        for (sample, first) in again.samples.iter().zip(&listing.samples) {
            assert_eq!((&sample.annotation, &sample.group), (&first.annotation, &first.group));
        }
        assert!(matches!(
            write_label_file(&path("b.csv"), &listing, &parts, false),
            Err(Error::Exists { .. })
        ));
    }
}
