//! Files and folders that a data set holds and does not use.

use std::{fmt, path::PathBuf};

use crate::OutputKind;

/// Ending of a folder of images until all of them are in it.
pub const PARTIAL: &str = ".partial";

/// A file or folder that a data set holds and does not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The file or folder.
    pub path: PathBuf,
    /// Reason why it is left out.
    pub reason: Reason,
}

/// Reason why something is left out; displayed as a short fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Masks are no radiographs.
    Masks,
    /// It lies beside the `images/` of its class.
    BesideImages,
    /// By its first bytes an image of this format, which Keras' list of extensions lacks.
    NotInKerasList(&'static str),
    /// An image, but of no class.
    OutsideOfClasses,
    /// A folder or label that is none of the classes named.
    NotAClass,
    /// A folder beside those for training and test.
    OutsideOfParts,
    /// Neither its extension nor its content is an image's.
    NoImage,
    /// A file that is still being written, or that a kill left half written.
    Unfinished,
    /// Its name begins with a dot.
    Hidden,
    /// Left by a notebook, an archive, a version control or an operating system.
    Leftover,
    /// Written by Thorax, or a cache of another program.
    Output(OutputKind),
    /// A folder for testing that holds no class folders.
    Unlabelled,
    /// A file that the system does not let us look into, with no image's extension.
    Unreadable,
    /// A link to a folder, which is not followed.
    LinkToFolder,
    /// A link that leads nowhere.
    BrokenLink,
    /// A pipe, socket, device or file of the kernel's, which is never read.
    Special,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Masks => "masks, no radiographs",
            Self::BesideImages => "beside the class's images/",
            Self::NotInKerasList(format) => {
                return write!(f, "{format} by its content, with an extension that Keras does not list");
            }
            Self::OutsideOfClasses => "an image outside of the class folders",
            Self::NotAClass => "none of the classes named",
            Self::OutsideOfParts => "beside the folders for training and test",
            Self::NoImage => "no image",
            Self::Unfinished => "unfinished",
            Self::Hidden => "hidden",
            Self::Leftover => "left by a notebook, an archive or a system",
            Self::Output(OutputKind::Cache) => "a cache",
            Self::Output(kind) => return write!(f, "{kind} that Thorax wrote"),
            Self::Unlabelled => "a test folder without class folders",
            Self::Unreadable => "not readable, with no image's extension",
            Self::LinkToFolder => "a link to a folder, not followed",
            Self::BrokenLink => "a link that leads nowhere",
            Self::Special => "a pipe, socket, device or file of the kernel's",
        })
    }
}

/// Folders that notebooks, archives, version control and operating systems leave.
const LEFTOVER_FOLDERS: [&str; 17] = [
    ".ipynb_checkpoints",
    "__MACOSX",
    "__pycache__",
    "@eaDir",
    "#recycle",
    "$RECYCLE.BIN",
    "System Volume Information",
    "lost+found",
    ".git",
    ".svn",
    ".hg",
    ".dvc",
    ".AppleDouble",
    ".Spotlight-V100",
    ".fseventsd",
    ".TemporaryItems",
    ".thumbnails",
];

/// Tells if a folder is a program's leftover, which is never meant as a class.
pub fn is_leftover_folder(name: &str) -> bool {
    name.starts_with(".Trash") || LEFTOVER_FOLDERS.iter().any(|known| known.eq_ignore_ascii_case(name))
}
