//! Quantum jumps: waiting time, jump and trajectory, for any open system.

mod recorder;
mod trajectory;
mod waiting_time;

pub use recorder::Recorder;
pub use trajectory::{Chance, Trajectory, TrajectoryReport};
