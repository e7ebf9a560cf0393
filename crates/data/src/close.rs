//! The name that was probably meant.

/// Finds the name among others that has the same letters and digits, or at most a quarter of them off.
pub(crate) fn close_match(name: &str, among: &[String]) -> Option<String> {
    let plain = |text: &str| -> Vec<char> {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let wanted = plain(name);
    let distances = among.iter().map(|other| (edit_distance(&wanted, &plain(other)), other));
    let (distance, best) = distances.min()?;
    (distance * 4 <= wanted.len()).then(|| best.clone())
}

/// Insertions, deletions and replacements that turn one text into the other (Levenshtein).
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
