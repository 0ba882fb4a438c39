//! What is concluded from a run: the summary with its errors, the accuracy asked for, how far two results agree, how fast
//! errors fall and whether error bars cover.

mod absent;
mod agreement;
mod born_markov;
mod controlled;
pub mod convergence;
mod coverage;
mod emission;
mod estimate;
mod prediction;
mod sample;
mod summary;
mod target;
mod unseen;
mod weighted;

pub use agreement::{Agreement, Deviation, Tolerance, compare};
pub use born_markov::{BornMarkovPoint, MomentCurves, SteadyState, Weights};
pub use controlled::{Controlled, controlled, drift};
pub use coverage::{Coverage, Deviations, Level, PointCoverage, THRESHOLD, Tester};
pub use emission::{ALL_JUMPS, Emission, emission};
pub use estimate::{exact_point, trajectory_point};
pub use prediction::needed;
pub use sample::ENOUGH_TO_FIT;
pub use summary::{Diagnostics, Estimate, FORMAT_VERSION, HeatingRate, Method, Point, Provenance, Scalar, Summary};
pub use target::{Accuracy, Quantity, Target, excess, trajectories_needed};
