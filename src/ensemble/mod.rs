//! Many trajectories: random streams, blocks, mergeable moments, the fixed tree, the parallel run and where it stops.

mod block;
mod closure;
mod comoments;
mod controls;
mod least_squares;
mod course;
mod moments;
mod pilot;
mod preparation;
mod run;
mod stopping;
mod streams;
mod tree;

pub use block::{BlockRunner, Counts, FOLDS, Layout, Tally};
pub use closure::Closure;
pub use comoments::{CONTROLS, Comoments};
pub use controls::Guide;
pub use least_squares::least_squares;
pub use moments::Moments;
pub use preparation::{draw, expected_quantities};
pub use run::{Ensemble, Estimator, Plan, Watcher, run, run_each, run_from};
pub use stopping::{Ending, Ladder, Stopped};
pub use streams::{Purpose, Stream, Streams};
