use crate::{ClassName, FindingOptions, Formats, GroupRule};

/// Choice of the classes that are listed.
#[derive(Clone, Copy, Debug)]
pub enum Classes<'a> {
    /// All classes there are, sorted by code point.
    All,
    /// These classes, in this order; others are left out.
    Named(&'a [ClassName]),
    /// These classes, in this order, and there must be no others: a test set for a model.
    Exactly(&'a [ClassName]),
    /// These classes, in this order, and there must be no others; of some there may be no image, nor a folder: another data set
    /// that a model is tested on.
    Among(&'a [ClassName]),
}

/// Settings by which a data set is listed.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions<'a> {
    /// Choice of its classes.
    pub classes: Classes<'a>,
    /// Rules by which its files count as images. The rows of a CSV are all taken: whoever wrote them named the files.
    pub formats: Formats,
    /// Rule by which images belong together.
    pub group: &'a GroupRule,
    /// Rules by which label files are read.
    pub findings: &'a FindingOptions,
}

impl OpenOptions<'_> {
    /// All classes by Keras' rules, without groups.
    pub const KERAS: OpenOptions<'static> = OpenOptions {
        classes: Classes::All,
        formats: Formats::Keras,
        group: &GroupRule::None,
        findings: &FindingOptions::DEFAULT,
    };
}
