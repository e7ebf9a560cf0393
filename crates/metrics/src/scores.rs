use crate::{ScoresError, Targets, Task};

/// Targets with a model's probabilities of them: the one input of every figure in this crate.
///
/// Both travel together, so that no figure can be computed against targets of another order. In f64, because ranks, log loss
/// and the temperature of a sure network live in the digits that f32 has lost; Keras' figures alone are computed in f32.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    targets: Targets,
    /// Probabilities `[N, L]`, row by row.
    probabilities: Vec<f64>,
    /// Each image's group, `[N]`.
    groups: Option<Vec<usize>>,
}

impl Scores {
    /// Takes targets and `probabilities`, `[N, L]` row by row, finite.
    ///
    /// # Errors
    /// Shapes that do not fit, or a probability that is not finite.
    pub fn new(targets: Targets, probabilities: Vec<f64>) -> Result<Self, ScoresError> {
        check(&targets, &probabilities)?;
        Ok(Self { targets, probabilities, groups: None })
    }

    /// Takes probabilities like [`Self::new`], in the f32 that networks compute in; each becomes the f64 of the same value.
    ///
    /// # Errors
    /// The same as [`Self::new`].
    pub fn from_f32(targets: Targets, probabilities: &[f32]) -> Result<Self, ScoresError> {
        Self::new(targets, probabilities.iter().map(|&p| f64::from(p)).collect())
    }

    /// Builds scores as [`Self::new`] would, from values known to fit.
    pub(crate) fn from_finite(targets: Targets, probabilities: Vec<f64>) -> Self {
        Self { targets, probabilities, groups: None }
    }

    /// Sets each image's group, `[N]`, as any numbers: images of one patient, say, which a bootstrap draws together or not at
    /// all. `None` draws images one by one.
    ///
    /// # Errors
    /// Groups that are not one an image.
    pub fn with_groups(self, groups: Option<Vec<usize>>) -> Result<Self, ScoresError> {
        match &groups {
            Some(groups) if groups.len() != self.len() => {
                Err(ScoresError::Groups { groups: groups.len(), images: self.len() })
            }
            _ => Ok(Self { groups, ..self }),
        }
    }

    /// Kind of question that was answered.
    pub fn task(&self) -> Task {
        self.targets.task()
    }

    /// True answers.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Names of the classes or labels, in index order.
    pub fn labels(&self) -> &[String] {
        self.targets.labels()
    }

    /// Each image's group, `[N]`, where images come in groups.
    pub fn groups(&self) -> Option<&[usize]> {
        self.groups.as_deref()
    }

    /// Number of images, N.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Tells if there is no image at all.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// Number of classes or labels, L.
    pub fn n_labels(&self) -> usize {
        self.targets.labels().len()
    }

    /// Index of each image's class, `[N]`; empty for labels that do not exclude each other.
    pub fn classes(&self) -> &[usize] {
        self.targets.classes()
    }

    /// Each image's class with its row of probabilities; nothing for labels that do not exclude each other.
    pub fn rows(&self) -> impl Iterator<Item = (usize, &[f64])> {
        self.classes().iter().copied().zip(self.probabilities.chunks_exact(self.n_labels()))
    }

    /// Probabilities of one image, `[L]`; none where there is no such image.
    pub fn row(&self, image: usize) -> &[f64] {
        self.probabilities.chunks_exact(self.n_labels()).nth(image).unwrap_or_default()
    }

    /// Each image's predicted class, `[N]`: the first maximum; nothing for labels that do not exclude each other.
    pub(crate) fn predicted(&self) -> impl Iterator<Item = usize> {
        self.rows().map(|(_, row)| argmax(row))
    }

    /// Probabilities of one label, `[N]`; nothing for a label out of range.
    pub(crate) fn column(&self, label: usize) -> impl Iterator<Item = f64> {
        self.probabilities.chunks_exact(self.n_labels()).filter_map(move |row| row.get(label).copied())
    }
}

/// Checks values, `[N, L]` row by row, against the targets that they are of.
pub(crate) fn check(targets: &Targets, values: &[f64]) -> Result<(), ScoresError> {
    let (images, n_labels) = (targets.len(), targets.labels().len());
    if images.checked_mul(n_labels) != Some(values.len()) {
        return Err(ScoresError::Shape { images, values: values.len(), n_labels });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(ScoresError::NotFinite(at / n_labels)),
        None => Ok(()),
    }
}

/// The predicted class of a row of probabilities: the first maximum, as `argmax` of NumPy and Keras.
pub fn argmax<T: PartialOrd>(row: &[T]) -> usize {
    let mut best = 0;
    for (i, p) in row.iter().enumerate() {
        if *p > row[best] {
            best = i;
        }
    }
    best
}

/// Scores of classes without names.
#[cfg(test)]
pub(crate) fn numbered(n_classes: usize, classes: Vec<usize>, probabilities: Vec<f64>) -> Scores {
    Scores::new(numbered_targets(n_classes, classes), probabilities).unwrap()
}

/// Targets of classes without names.
#[cfg(test)]
pub(crate) fn numbered_targets(n_classes: usize, classes: Vec<usize>) -> Targets {
    Targets::from_classes(vec![""; n_classes], classes).unwrap()
}

/// Two classes: each image's class, and the probability of the second.
#[cfg(test)]
pub(crate) fn binary(rows: &[(usize, f64)]) -> Scores {
    let classes = rows.iter().map(|&(class, _)| class).collect();
    numbered(2, classes, rows.iter().flat_map(|&(_, p)| [1.0 - p, p]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_it_was_given() {
        let targets = Targets::from_classes(["a", "b"], vec![1, 0]).unwrap();
        let scores = Scores::from_f32(targets.clone(), &[0.25, 0.75, 0.5, 0.5]).unwrap();
        assert_eq!(scores, Scores::new(targets.clone(), vec![0.25, 0.75, 0.5, 0.5]).unwrap());
        assert_eq!((scores.targets(), scores.task()), (&targets, Task::MultiClass));
        assert_eq!((scores.len(), scores.is_empty(), scores.n_labels()), (2, false, 2));
        assert_eq!(scores.labels(), ["a", "b"]);
        assert_eq!(scores.rows().collect::<Vec<_>>(), [(1, &[0.25, 0.75][..]), (0, &[0.5, 0.5][..])]);
        assert_eq!(scores.column(1).collect::<Vec<_>>(), [0.75, 0.5]);
        assert_eq!((scores.row(1), scores.row(2)), (&[0.5, 0.5][..], &[][..]));
        assert_eq!(scores.predicted().collect::<Vec<_>>(), [1, 0]);
        assert!(numbered(2, vec![], vec![]).is_empty());
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let targets = || numbered_targets(3, vec![0, 1]);
        let short = Scores::new(targets(), vec![0.0; 5]).unwrap_err();
        assert_eq!(short.to_string(), "5 probabilities or logits do not fit 2 images and 3 labels");
        let mut rows = vec![0.5; 6];
        rows[3] = f64::NAN;
        let nan = Scores::new(targets(), rows).unwrap_err();
        assert_eq!(nan.to_string(), "a probability or logit of image 1 is not a finite number");
    }

    #[test]
    fn every_image_needs_a_group() {
        let scores = || numbered(2, vec![0, 1], vec![0.5; 4]);
        let refused = scores().with_groups(Some(vec![0])).unwrap_err();
        assert_eq!(refused.to_string(), "1 groups were given for 2 images");
        assert_eq!(scores().with_groups(Some(vec![7, 7])).unwrap().groups(), Some(&[7, 7][..]));
        assert_eq!(scores().with_groups(None).unwrap(), scores());
    }

    #[test]
    fn predicts_the_first_maximum() {
        assert_eq!(argmax(&[0.2, 0.4, 0.4]), 1);
        assert_eq!(argmax(&[0.5, 0.5]), 0);
    }
}
