//! Many trajectories: random streams, blocks, mergeable moments, the fixed tree, the parallel run, records in order.

mod block;
mod correlations;
mod moments;
mod preparation;
mod records;
mod run;
mod streams;
mod tree;

pub use block::{BlockRunner, Counts, Layout, Tally};
pub use correlations::{Correlations, Grid as CorrelationGrid, Lattice, Tallies, Tally as JumpTally};
pub use moments::Moments;
pub use preparation::draw;
pub use records::{BlockRecords, RecordSink, RecordedJump, Recording, TrajectoryRecord};
pub use run::{Ensemble, Plan, Watcher, run, run_recording};
pub use streams::{Purpose, Stream, Streams};
