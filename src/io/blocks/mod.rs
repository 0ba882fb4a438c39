//! Durable blocks: the sums of finished blocks on disk, to resume a run, to share it out and to merge it.
//!
//! `DIR/blocks/point-0000/` holds the files of the first sweep point, each named after the trajectories that its writer had to
//! run and after the writer. A file holds nodes of the run's fixed tree, O(log n) of them for n trajectories (a few per look for
//! a run with a target), and is replaced as a whole: written under another name, synced, renamed, and the directory synced. So
//! a reader finds one complete state whenever a process dies, however little of the last write came through.
//!
//! Why files that are renamed, and no embedded database: the state is a few nodes of a few hundred kilobytes that are replaced
//! together; renaming is atomic on the parallel and network file systems of clusters, where the locks and memory maps that
//! databases live on are not to be trusted; and two writers that know nothing of each other (a task that was restarted while it
//! still ran elsewhere) simply write two files. Sums depend on nothing but the identity and the trajectories, so that it
//! doesn't matter who computed them: a reader takes each trajectory once. Records of single trajectories, which are not merged
//! and may be large, lie in files beside that only grow.

mod defect;
mod format;
mod gather;
mod identity;
mod inventory;
mod log;
mod names;
mod point;
mod store;
mod unfinished;

pub use defect::Defect;
pub use format::{Entry, Head, Opened, Unreadable};
pub use gather::{Gathered, Wanted, gather, open};
pub use identity::{Identity, RESULTS_VERSION};
pub use log::RecordIndex;
pub use names::{files, task_of};
pub use point::{BLOCKS_DIRECTORY, PointBlocks, Shard, discard, maker, point_directories, point_directory};
pub use store::{BlockStore, Hurry, Pace, write_gathered};
pub use unfinished::{Unfinished, refuse_newer};
