//! Many trajectories: random streams, blocks, mergeable moments, control variates, the fixed tree, the parallel run, what is
//! stored of it, where it stops, and records in order.

mod block;
mod candidates;
mod closure;
mod controls;
mod correlations;
mod course;
mod desk;
mod engine;
mod evidence;
mod extent;
mod fading;
mod footprint;
mod immediate;
mod layout;
mod least_squares;
mod lessons;
mod moments;
mod pilot;
mod pilot_record;
mod preparation;
mod record_writer;
mod records;
mod run;
mod sampling;
mod stock;
mod stopping;
mod streams;
mod study;
mod sums;
mod tally;
mod threads;
mod tree;
mod trial;
mod units;
mod work;

pub use block::{BlockRunner, Path};
pub use closure::Closure;
pub use controls::{CONTROLS, DRIFT, Guide};
pub use correlations::{Correlations, Grid as CorrelationGrid, Groups, Lattice, Tallies, Tally as JumpTally};
pub use desk::{Clipping, Crew, Desk, Failure, FrontDesk, Offer};
pub use extent::Extent;
pub use footprint::{Footprint, largest_frequency};
pub use layout::Layout;
pub use least_squares::least_squares;
pub use lessons::Lessons;
pub use moments::Moments;
pub use preparation::{draw, expected_quantities};
pub use records::{BlockRecords, RecordSink, RecordedJump, Recording, TrajectoryRecord};
pub use run::{
    Ensemble, Estimator, Plan, Watcher, assist, learn, learn_law, run, run_each, run_from, run_recording, run_stored,
};
pub use sampling::{Baseline, Sampling};
pub use stock::Stock;
pub use stopping::{Ending, Ladder, Stopped};
pub use streams::{Purpose, Stream, Streams, SweepNumbers};
pub use study::{Effect, Effects, KINDS, Known, SILENCE, Study};
pub use sums::{Ledger, Stored, Sums};
pub use tally::{Counts, Tally};
pub use tree::{Merge, Node, Tree};
