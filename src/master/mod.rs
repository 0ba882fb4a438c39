//! The density matrix of the same experiment: small cutoffs, no sampling error, nothing shared with the trajectories'
//! propagation.

mod counting;
mod equation;
mod evolution;
mod exact;
mod initial;
mod krylov;
mod lindbladian;
mod moments;
mod positivity;
mod sparse;
mod truncated;

pub use evolution::solve;
pub use exact::{Exact, Limits};
pub use moments::{MomentEquations, Moments};
