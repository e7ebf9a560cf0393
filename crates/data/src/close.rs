//! Suggestion of a name that was probably meant.

/// Finds the name among others that has the same letters and digits, or at most a quarter of them off.
pub(crate) fn close_match(name: &str, among: &[String]) -> Option<String> {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let wanted = plain(name);
    let distances = among.iter().map(|other| (strsim::levenshtein(&wanted, &plain(other)), other));
    let (distance, best) = distances.min()?;
    (distance * 4 <= wanted.chars().count()).then(|| best.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_a_quarter_of_the_letters_may_be_off() {
        let among = ["Viral Pneumonia", "NORMAL", "Übel"].map(str::to_owned);
        let close = |name: &str| close_match(name, &among);
        assert_eq!(close("viral_pneumonia").as_deref(), Some("Viral Pneumonia"));
        assert_eq!(close("NORMEL").as_deref(), Some("NORMAL"));
        // One of four letters, and two of four.
        assert_eq!((close("übbl").as_deref(), close("übbb")), (Some("Übel"), None));
        assert_eq!(close_match("a", &[]), None);
    }
}
