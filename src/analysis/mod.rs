//! What is concluded from a run: the summary with its errors, and how far two results agree.

mod agreement;
mod emission;
mod estimate;
mod summary;

pub use agreement::{Agreement, Deviation, compare};
pub use emission::{ALL_JUMPS, Emission, emission};
pub use estimate::{exact_point, trajectory_point};
pub use summary::{Diagnostics, Estimate, FORMAT_VERSION, HeatingRate, Method, Point, Provenance, Scalar, Summary};
