//! Attributes of images: all columns of a CSV that are neither path, label, group nor part.

use crate::csv_text::{CsvRecord, shown};

/// Largest age in years that is taken for one: the oldest person lived 122 years, and label files hold 148 and 412.
const OLDEST: f64 = 120.0;

/// Names of one attribute in several data sets, in lower case with `_` for blanks; the first is its name here.
const SAME: [&[&str]; 3] = [
    &["age", "patient_age", "patientage", "age_years"],
    &["sex", "gender", "patient_sex", "patientsex", "patient_gender", "patientsex_dicom"],
    &["view", "view_position", "viewposition", "projection"],
];

/// Columns of a CSV that are kept as attributes of its images.
pub struct AttributeColumns {
    columns: Vec<usize>,
    names: Vec<String>,
    /// Place of the age among them, with the column's own name.
    age: Option<(usize, String)>,
}

/// Returns a column's name as it is compared: in lower case, with `_` for blanks and hyphens.
pub fn plain(name: &str) -> String {
    name.to_lowercase().replace([' ', '-'], "_")
}

/// Returns the name here of an attribute that has others elsewhere.
pub fn canonical(name: &str) -> Option<&'static str> {
    let plain = plain(name);
    SAME.iter().find(|same| same.contains(&&*plain)).map(|same| same[0])
}

impl AttributeColumns {
    /// Takes all columns of a header that have a name and are not in `used`. Age, sex and view are called so.
    pub fn new(header: &[String], used: &[usize]) -> Self {
        let (mut columns, mut names, mut age) = (Vec::new(), Vec::<String>::new(), None);
        for (column, own) in header.iter().enumerate() {
            if own.is_empty() || used.contains(&column) {
                continue;
            }
            let known = canonical(own).filter(|known| !names.iter().any(|name| name == known));
            if known == Some("age") {
                age = Some((columns.len(), own.clone()));
            }
            columns.push(column);
            names.push(known.unwrap_or(own).to_owned());
        }
        Self { columns, names, age }
    }

    /// Names of the attributes.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns a row's values in the names' order, with the age in years.
    ///
    /// # Errors
    /// An age that is no number.
    pub fn values(&self, record: &CsvRecord) -> Result<Vec<String>, String> {
        let mut values = self.texts(record);
        if let Some((place, name)) = &self.age {
            values[*place] = age(&values[*place], name)?;
        }
        Ok(values)
    }

    /// Returns a row's values as they stand there.
    pub fn texts(&self, record: &CsvRecord) -> Vec<String> {
        self.columns.iter().map(|&column| record.cell(column).to_owned()).collect()
    }
}

/// Reads an age in years: a number, or one with the unit of DICOM's ages, `057Y` or `018M`. An age above 120 years is unknown.
///
/// # Errors
/// Anything else, with the name of its column.
pub fn age(text: &str, column: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let units = [('Y', 1.0), ('M', 12.0), ('W', 52.1775), ('D', 365.2425)];
    let last = text.chars().next_back().map(|unit| unit.to_ascii_uppercase());
    let unit = units.into_iter().find(|(unit, _)| last == Some(*unit));
    let digits = if unit.is_some() { &text[..text.len() - 1] } else { text };
    let number = digits.parse::<f64>().ok().filter(|age| age.is_finite() && *age >= 0.0);
    let Some(number) = number else {
        return Err(format!("{} in column {} is no age in years", shown(text), shown(column)));
    };
    let years = number / unit.map_or(1.0, |(_, per_year)| per_year);
    Ok(match years > OLDEST {
        true => String::new(),
        // Whole years: 18 months are 1.
        false if unit.is_some() => years.floor().to_string(),
        false => years.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use crate::csv_text::CsvText;

    use super::*;

    #[test]
    fn ages_are_in_years() {
        let years = |text: &str| age(text, "Age").unwrap();
        let texts = ["", "57", "057Y", "018M", "61.0", "7.5", "100D", "0", "148", "412", "120"];
        assert_eq!(texts.map(years), ["", "57", "57", "1", "61", "7.5", "0", "0", "", "", "120"]);
        for text in ["old", "Y", "-3", "nan", "5 years"] {
            assert_eq!(age(text, "Age").unwrap_err(), format!("`{text}` in column `Age` is no age in years"));
        }
    }

    #[test]
    fn age_sex_and_view_have_the_same_names_in_all_files() {
        let text = CsvText::new(
            "Patient Age,Path,,Patient Gender,View Position,Projection,Follow-up #\n057Y,a,1,F,PA,x,3",
        );
        let records: Vec<CsvRecord> = text.records().collect();
        let header: Vec<String> = records[0].cells().map(str::to_owned).collect();
        let columns = AttributeColumns::new(&header, &[1]);
        assert_eq!(columns.names(), ["age", "sex", "view", "Projection", "Follow-up #"]);
        assert_eq!(columns.values(&records[1]).unwrap(), ["57", "F", "PA", "x", "3"]);
        assert_eq!(columns.texts(&records[1])[0], "057Y");
    }
}
