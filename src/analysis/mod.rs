//! What is concluded from a run: the summary with its errors, how far two results agree, how fast errors fall.

mod agreement;
mod controlled;
pub mod convergence;
mod estimate;
mod sample;
mod summary;

pub use agreement::{Agreement, Deviation, compare};
pub use controlled::{Controlled, controlled, drift};
pub use estimate::{exact_point, trajectory_point};
pub use summary::{Diagnostics, Estimate, FORMAT_VERSION, HeatingRate, Method, Point, Provenance, Scalar, Summary};
