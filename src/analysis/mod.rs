//! What is concluded from a run: the summary with its errors, the accuracy asked for, how far two results agree, how fast
//! errors fall and whether error bars cover.

mod absent;
mod agreement;
mod born_markov;
pub mod chance;
pub mod convergence;
mod coverage;
mod deviations;
mod emission;
mod estimate;
mod functional;
mod prediction;
mod sample;
mod scalar;
pub mod suite;
mod summary;
mod target;
mod truth;

pub use agreement::{Agreement, Deviation, Tolerance, compare};
pub use born_markov::{BornMarkovPoint, MomentCurves, SteadyState, Weights};
pub use coverage::{Coverage, PointCoverage, Tester};
pub use deviations::{Deviations, Level};
pub use emission::{ALL_JUMPS, Emission, emission};
pub use estimate::{exact_point, trajectory_point};
pub use functional::FunctionalEstimate;
pub use prediction::needed;
pub use scalar::{Estimate, Scalar};
pub use summary::{Diagnostics, FORMAT_VERSION, HeatingRate, Method, Point, Provenance, Summary};
pub use target::{Accuracy, Quantity, Target, excess, trajectories_needed};
pub use truth::{Found, Known, truth};
