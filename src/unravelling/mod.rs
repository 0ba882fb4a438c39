//! Quantum jumps: waiting time, jump and trajectory, for any open system.

mod chance;
mod chebyshev;
mod forced;
mod martingale;
mod recorder;
mod running;
mod smoothness;
mod trajectory;
mod trunk;
mod waiting_time;
mod weight;
mod workspace;

pub use chance::Chance;
pub use forced::{ForcedJump, Silenced, choose};
pub use martingale::{MartingaleMark, Martingales};
pub use recorder::{Recorder, Stretch};
pub use running::{INITIAL_TAIL, TrajectoryReport};
pub use trajectory::Trajectory;
pub use trunk::{Rewindable, Trunks};
