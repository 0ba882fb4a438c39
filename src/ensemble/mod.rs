//! Many trajectories: random streams, blocks, mergeable moments, control variates, the fixed tree, the parallel run, where it
//! stops, and records in order.

mod block;
mod closure;
mod comoments;
mod controls;
mod correlations;
mod course;
mod engine;
mod least_squares;
mod moments;
mod pilot;
mod preparation;
mod records;
mod run;
mod sampling;
mod stopping;
mod streams;
mod threads;
mod tree;
mod units;

pub use block::{BlockRunner, Counts, FOLDS, Layout, Tally};
pub use closure::Closure;
pub use comoments::{CONTROLS, Comoments};
pub use controls::Guide;
pub use correlations::{Correlations, Grid as CorrelationGrid, Lattice, Tallies, Tally as JumpTally};
pub use least_squares::least_squares;
pub use moments::Moments;
pub use preparation::{draw, expected_quantities};
pub use records::{BlockRecords, RecordSink, RecordedJump, Recording, TrajectoryRecord};
pub use run::{Ensemble, Estimator, Plan, Watcher, learn, run, run_each, run_from, run_recording};
pub use sampling::{Baseline, Sampling};
pub use stopping::{Ending, Ladder, Stopped};
pub use streams::{Purpose, Stream, Streams};
