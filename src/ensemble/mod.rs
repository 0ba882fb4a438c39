//! Many trajectories: random streams, blocks, mergeable moments, the fixed tree, the parallel run and where it stops.

mod block;
mod course;
mod moments;
mod preparation;
mod run;
mod stopping;
mod streams;
mod tree;

pub use block::{BlockRunner, Counts, Layout, Tally};
pub use moments::Moments;
pub use preparation::draw;
pub use run::{Ensemble, Plan, Watcher, run};
pub use stopping::{Ending, Ladder, Stopped};
pub use streams::{Purpose, Stream, Streams};
