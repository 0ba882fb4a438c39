//! What is wrong with stored blocks, in sentences that name the file and the trajectories.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::format::{Head, Unreadable};
use super::identity::Identity;

/// Something about a file of blocks that its reader should know.
#[derive(Debug, Clone, PartialEq)]
pub enum Defect {
    /// The whole file cannot be used.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The trajectories that it was to hold, by its name.
        task: Option<Range<u64>>,
        /// Why.
        reason: Unreadable,
    },
    /// A part of it cannot be used.
    Damaged {
        /// The file.
        path: PathBuf,
        /// The trajectories of that part.
        range: Range<u64>,
        /// Why.
        reason: String,
    },
    /// The sums of a part are there, and its records of single trajectories, which are wanted, are not.
    Unrecorded {
        /// The file.
        path: PathBuf,
        /// The trajectories of that part.
        range: Range<u64>,
    },
    /// It belongs to another run.
    Foreign {
        /// The file.
        path: PathBuf,
        /// The trajectories that it was to hold.
        task: Range<u64>,
        /// What differs.
        changes: String,
    },
    /// Two files hold different sums of the same trajectories.
    Disagree {
        /// The files.
        paths: [PathBuf; 2],
        /// The trajectories.
        range: Range<u64>,
    },
    /// Two files hold the same trajectories. Nothing is wrong with that: they count once.
    Twice {
        /// The file that is left out.
        path: PathBuf,
        /// The trajectories.
        range: Range<u64>,
    },
}

impl Defect {
    /// Of a file that belongs to another run than `ours`, in blocks of `block`.
    pub(super) fn foreign(path: &Path, head: &Head, ours: &Identity, block: u64) -> Self {
        let changes = head.identity.changes(ours, [head.block, block]);
        Self::Foreign { path: path.to_owned(), task: head.task.clone(), changes }
    }

    /// Whether something is lost or doubtful, other than held twice.
    pub fn is_serious(&self) -> bool {
        !matches!(self, Self::Twice { .. })
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = |range: &Range<u64>| range.end.saturating_sub(1);
        match self {
            Self::Unreadable { path, task: Some(task), reason } => {
                write!(f, "{} (of trajectories {}–{}): {reason}", path.display(), task.start, last(task))
            }
            Self::Unreadable { path, task: None, reason } => write!(f, "{}: {reason}", path.display()),
            Self::Damaged { path, range, reason } => {
                write!(f, "{}: trajectories {}–{} are damaged: {reason}", path.display(), range.start, last(range))
            }
            Self::Unrecorded { path, range } => write!(
                f,
                "{}: the records of trajectories {}–{} are not there or damaged",
                path.display(),
                range.start,
                last(range)
            ),
            Self::Foreign { path, task, changes } => write!(
                f,
                "{} (of trajectories {}–{}) belongs to another run: {changes}",
                path.display(),
                task.start,
                last(task)
            ),
            Self::Disagree { paths: [one, other], range } => write!(
                f,
                "trajectories {}–{} have different sums in {} and {}: they come from different programs or processors",
                range.start,
                last(range),
                one.display(),
                other.display()
            ),
            Self::Twice { path, range } => write!(
                f,
                "{}: trajectories {}–{} are in another file, too, and count once",
                path.display(),
                range.start,
                last(range)
            ),
        }
    }
}
