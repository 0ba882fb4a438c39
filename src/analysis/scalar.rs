//! Means with their standard errors, as they are kept: one number, or a curve.

use serde::{Deserialize, Serialize};

/// A mean with its standard error, at every time (or level).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Best estimate.
    pub mean: Vec<f64>,
    /// Its standard error: one standard deviation of `mean` itself, not of a trajectory; the sample's, and in quadrature
    /// what events that it has not seen may add (the `Study` of its pilots). Absent for `exact`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<Vec<f64>>,
    /// Name of the estimator behind `mean`: `controlled` (control variates), `plain` or `exact`.
    pub estimator: String,
    /// The plain average over trajectories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_mean: Option<Vec<f64>>,
    /// Standard error of the plain average: the sample's alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_standard_error: Option<Vec<f64>>,
}

/// One number with its standard error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Scalar {
    /// Best estimate.
    pub mean: f64,
    /// Standard error; absent for `exact`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
}
