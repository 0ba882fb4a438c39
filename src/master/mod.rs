//! The density matrix of the same experiment: small cutoffs, no sampling error, nothing shared with the trajectories'
//! propagation.

mod counting;
mod equation;
mod evolution;
mod krylov;
mod lindbladian;
mod moments;
mod positivity;
mod sparse;

pub use evolution::{Exact, Limits, solve};
pub use moments::{MomentEquations, Moments};
