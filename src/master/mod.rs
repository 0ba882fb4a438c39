//! The density matrix of the same experiment: small cutoffs, no sampling error, nothing shared with the trajectories'
//! propagation.

mod evolution;
mod krylov;
mod lindbladian;
mod sparse;

pub use evolution::{Exact, Limits, solve};
