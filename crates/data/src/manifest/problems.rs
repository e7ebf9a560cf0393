/// Number of a file's faults that are shown; the rest is counted.
const TOLD: usize = 20;

/// Faults of a CSV, line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// Lines, counted from 1, with their faults; at most 20.
    pub told: Vec<(u64, String)>,
    /// Number of all faults.
    pub count: usize,
    /// Remedy for most of them, where one is known.
    pub remedy: Option<String>,
}

impl Problems {
    pub(crate) fn one(line: u64, problem: impl Into<String>) -> Self {
        Self { told: vec![(line, problem.into())], count: 1, remedy: None }
    }

    pub(crate) fn add(&mut self, line: u64, problem: impl Into<String>) {
        self.count += 1;
        if self.told.len() < TOLD {
            self.told.push((line, problem.into()));
        }
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let ([(line, problem)], 1) = (&self.told[..], self.count) {
            return write!(f, "line {line}: {}", base::escape_line(problem));
        }
        write!(f, "{} rows cannot be used", self.count)?;
        for (line, problem) in &self.told {
            // What a cell holds makes no line of its own.
            write!(f, "\n  line {line}: {}", base::escape_line(problem))?;
        }
        if self.count > self.told.len() {
            write!(f, "\n  … and {} more", self.count - self.told.len())?;
        }
        if let Some(remedy) = &self.remedy {
            write!(f, "\n  {}", base::escape_line(remedy))?;
        }
        Ok(())
    }
}
