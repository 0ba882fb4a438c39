//! Quantum jumps: waiting time, jump and trajectory, for any open system.

mod chebyshev;
mod forced;
mod martingale;
mod recorder;
mod smoothness;
mod trajectory;
mod trunk;
mod waiting_time;
mod weight;

pub use forced::{ForcedJump, Silenced, choose};
pub use martingale::{MartingaleMark, Martingales};
pub use recorder::{Recorder, Stretch};
pub use trajectory::{Chance, INITIAL_TAIL, Trajectory, TrajectoryReport};
pub use trunk::{Rewindable, Trunks};
