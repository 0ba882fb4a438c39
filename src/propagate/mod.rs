//! Evolution between jumps: a power series in time with dense output, in a Fock window that follows the ket.

mod series;
mod stop;
mod tolerance;
mod window;

pub use series::{MAX_ORDER, Series};
pub use stop::Stop;
pub use tolerance::Tolerances;
pub use window::{Follower, FollowerMark, WindowReport};
