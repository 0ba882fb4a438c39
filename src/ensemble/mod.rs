//! Many trajectories: random streams, blocks, mergeable moments, the fixed tree, the parallel run.

mod block;
mod moments;
mod preparation;
mod run;
mod streams;
mod tree;

pub use block::{BlockRunner, Counts, Layout, Tally};
pub use moments::Moments;
pub use preparation::draw;
pub use run::{Ensemble, Plan, Watcher, run, run_each, run_from};
pub use streams::{Purpose, Stream, Streams};
