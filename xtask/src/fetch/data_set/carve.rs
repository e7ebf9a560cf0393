//! Choice of the test images: 40 of each class, the same for everyone.
//!
//! An image's rank is the sha256 of the seed, a space and its file name, `printf '28 COVID-1.png' | sha256sum`; the lowest
//! ranks of a class are its test images. So the choice does not depend on the archive's order, on the name of the class's
//! folder, or on other images of a release, except those of lower rank.

use sha2::{Digest as _, Sha256};
use std::collections::HashSet;

pub(super) const TEST_PER_CLASS: usize = 40;
pub(super) const SEED: u64 = 28;

/// Chooses the test images among the names of a class.
pub(super) fn test<'a>(names: &[&'a str]) -> HashSet<&'a str> {
    let mut ranked: Vec<_> =
        names.iter().map(|name| (Sha256::digest(format!("{SEED} {name}")).to_vec(), *name)).collect();
    ranked.sort_unstable();
    ranked.into_iter().take(TEST_PER_CLASS).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_depends_on_names_alone() {
        let names: Vec<String> = (1..=3616).map(|i| format!("COVID-{i}.png")).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        let chosen = test(&names);
        assert_eq!(chosen.len(), TEST_PER_CLASS);
        names.reverse();
        assert_eq!(test(&names), chosen);
        // One image more displaces at most one.
        names.push("COVID-3617.png");
        assert!(test(&names).intersection(&chosen).count() >= TEST_PER_CLASS - 1);
        // Results of `sha256sum`, see above, which anyone can repeat.
        let mut first: Vec<&str> = chosen.into_iter().collect();
        first.sort_unstable();
        assert_eq!(first[..3], ["COVID-1000.png", "COVID-1155.png", "COVID-1187.png"]);
    }
}
