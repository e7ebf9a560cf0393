use crate::{
    FIGURES, FigureSpec, FigureTable, Task,
    multi_label::{MULTI_LABEL_FIGURES, MultiLabelFigureSpec},
};

/// A figure of a whole set of either task, without its formula.
#[derive(Clone, Copy, Debug)]
pub struct FigureRow {
    /// Unique name, under which files hold it or its interval.
    pub key: &'static str,
    /// Name in tables and pages.
    pub title: &'static str,
    /// Unit, or range where it is not 0 to 1, in words.
    pub unit: Option<&'static str>,
    /// Tables that show it.
    pub tables: &'static [FigureTable],
}

/// Returns the figures of a whole set, in the order of files.
pub fn set_figures(task: Task) -> Vec<FigureRow> {
    match task {
        Task::MultiClass => {
            let row = |spec: &FigureSpec| FigureRow {
                key: spec.key,
                title: spec.title,
                unit: spec.unit,
                tables: spec.tables,
            };
            FIGURES.iter().map(row).collect()
        }
        Task::MultiLabel => {
            let row = |spec: &MultiLabelFigureSpec| FigureRow {
                key: spec.key,
                title: spec.title,
                unit: spec.unit,
                tables: spec.tables,
            };
            MULTI_LABEL_FIGURES.iter().map(row).collect()
        }
    }
}
