use std::path::PathBuf;

use thiserror::Error;

/// Reason why two models cannot be compared. `names` are the names of the two, and each pair is in their order.
#[derive(Debug, Error)]
pub enum Mismatch {
    /// The models have other classes.
    #[error("`{}` and `{}` are of different classes or labels: {}", .names[0], .names[1], differing(.names, .classes))]
    Classes {
        /// Names of the two.
        names: [String; 2],
        /// Classes of each.
        classes: [Vec<String>; 2],
    },
    /// The models answer different kinds of questions.
    #[error("`{}` is `{}` and `{}` is `{}`", .names[0], .tasks[0], .names[1], .tasks[1])]
    Task {
        /// Names of the two.
        names: [String; 2],
        /// Task of each.
        tasks: [metrics::Task; 2],
    },
    /// The truth of an image's label is not the same in both.
    #[error("`{label}` of `{image}` is not the same in `{}` and in `{}`", .names[0], .names[1])]
    Finding {
        /// Names of the two.
        names: [String; 2],
        /// The image.
        image: PathBuf,
        /// The label.
        label: String,
    },
    /// The models were tested on other images.
    #[error("`{}` and `{}` are not of the same images: {}", .names[0], .names[1], unmatched(.names, .images, .lacking, .examples))]
    Images {
        /// Names of the two.
        names: [String; 2],
        /// Number of images of each.
        images: [usize; 2],
        /// Number of images of each that the other lacks.
        lacking: [usize; 2],
        /// First of these, where there is one.
        examples: [Option<PathBuf>; 2],
    },
    /// An image has one class in one and another class in the other.
    #[error("`{image}` is of class `{}` in `{}` and of `{}` in `{}`", .classes[0], .names[0], .classes[1], .names[1])]
    Label {
        /// Names of the two.
        names: [String; 2],
        /// The image.
        image: PathBuf,
        /// Class of the image in each.
        classes: [String; 2],
    },
}

/// Names what each of two lists has and the other lacks; both lists where they differ in their order alone.
fn differing(names: &[String; 2], classes: &[Vec<String>; 2]) -> String {
    let only = |this: usize| -> Vec<String> {
        classes[this].iter().filter(|class| !classes[1 - this].contains(class)).cloned().collect()
    };
    let parts = [0, 1].into_iter().filter_map(|this| {
        let only = only(this);
        (!only.is_empty()).then(|| format!("only `{}` has {}", names[this], quoted(&only)))
    });
    let parts: Vec<String> = parts.collect();
    match parts.is_empty() {
        true => format!("{} and {}", quoted(&classes[0]), quoted(&classes[1])),
        false => parts.join(", "),
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn unmatched(
    names: &[String; 2],
    images: &[usize; 2],
    lacking: &[usize; 2],
    examples: &[Option<PathBuf>; 2],
) -> String {
    let parts = [0, 1].into_iter().filter_map(|this| {
        let example = examples[this].as_ref()?.display();
        let (own, other) = (&names[this], &names[1 - this]);
        let (lacking, of) = (lacking[this], images[this]);
        let are = if lacking == 1 { "is" } else { "are" };
        Some(format!("{lacking} of {of} in `{own}` {are} not in `{other}`, such as `{example}`"))
    });
    parts.collect::<Vec<_>>().join(", and ")
}
