//! The result as it is kept: per sweep point the curves with their errors, and beside them where they came from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::functional::FunctionalEstimate;
use super::scalar::{Estimate, Scalar};
use super::{BornMarkovPoint, Emission};
use crate::ensemble::{ControlSet, Ending};

/// Version of the layout of `summary.json`; readers refuse a newer one.
pub const FORMAT_VERSION: u32 = 1;

/// A whole result: one entry of `points` per sweep point, in the order of the sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// See [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Where, when and from what the numbers were made.
    pub provenance: Provenance,
    /// What the run file, the seed and the number of trajectories determine, and nothing else.
    pub points: Vec<Point>,
}

/// How the numbers of a point were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Mean over quantum trajectories, with standard errors.
    Trajectories,
    /// Density matrix: no sampling error.
    Exact,
}

/// Where, when and from what a result was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Program name and version.
    pub program: String,
    /// Commit the program was built from, if known.
    pub git_commit: Option<String>,
    /// The run file, word for word.
    pub run_file: String,
    /// `--set` overrides applied to it, in order.
    pub overrides: Vec<String>,
    /// SHA-256 of the run file with its overrides applied.
    pub run_file_hash: String,
    /// How the numbers were made.
    pub method: Method,
    /// Title of the run.
    pub title: String,
    /// Seed of the random streams.
    pub seed: u64,
    /// `common` where the points of a sweep share the random numbers of the seed, so that the errors of neighbouring points are
    /// correlated (mostly by 0.9 and more); `independent` where each has its own. Absent without a sweep and for `exact`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<String>,
    /// Trajectories that ran per sweep point, the largest number where they differ (0 for `exact`): every point has its own.
    pub trajectories: u64,
    /// Trajectories asked for per sweep point, the most of them where there is a target; absent for `exact`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trajectories_asked: Option<u64>,
    /// SHA-256 of the model with its initial state at every sweep point: results with different ones are not of one model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// SHA-256 of all that the numbers at every sweep point depend on but for the number of trajectories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<String>,
    /// False when the run was interrupted or its time was over: the points then hold a complete prefix of the trajectories.
    pub complete: bool,
    /// Why each sweep point has no more trajectories, in the order of the points; empty for `exact`. It stands here and not
    /// with the points because a time limit or a signal is nothing that the run file and the seed determine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endings: Vec<Ending>,
    /// Wall-clock time in seconds.
    pub wall_time_seconds: f64,
    /// Threads used.
    pub threads: usize,
    /// Processor features the kernels were dispatched on.
    pub cpu_features: Vec<String>,
    /// Largest resident memory of the process, in bytes, where the system tells.
    pub peak_memory_bytes: Option<u64>,
}

/// The result at one sweep point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The swept keys and their values here (empty without a sweep).
    pub parameters: BTreeMap<String, Value>,
    /// Number of trajectories averaged (0 for `exact`).
    pub trajectories: u64,
    /// The probability of no jump at all, where `ensemble.sampling` gave that trajectory its exact weight and sampled the
    /// others only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_jump_probability: Option<f64>,
    /// Output times, in the inverse of the run file's frequency unit.
    pub times: Vec<f64>,
    /// Observable name → estimate at every time.
    pub observables: BTreeMap<String, Estimate>,
    /// Functionals of observables that the run file asked for, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub functionals: BTreeMap<String, FunctionalEstimate>,
    /// Heating rate over the run.
    pub heating_rate: HeatingRate,
    /// Probability of each Fock level at the end of the run, level 0 first.
    pub fock_distribution: Estimate,
    /// Channel name → mean number of jumps per trajectory.
    pub jumps: BTreeMap<String, Scalar>,
    /// Curves known in closed form, name → ⟨N⟩ at every time (`adiabatic`: Eq. 40; `quantum_noise`).
    pub closed_forms: BTreeMap<String, Vec<f64>>,
    /// `all` jumps, or a channel's name → waiting times and g²(τ), where the run file asked for `output.correlations`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub emission: BTreeMap<String, Emission>,
    /// What goes with Eq. (23): its coefficients, moments, weights and positivity; absent for other models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born_markov: Option<BornMarkovPoint>,
    /// Which quantities the control variates were made of, how many they are, and by what they divided the variance of pilot
    /// trajectories that they had not been fitted to; absent without control variates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_set: Option<ControlSet>,
    /// What the propagation noticed about itself.
    pub diagnostics: Diagnostics,
}

/// (⟨N⟩(t₁) − ⟨N⟩(t₀))/(t₁ − t₀) over the window, and what theory says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeatingRate {
    /// Quanta per unit time.
    pub value: f64,
    /// Spread of the same functional over trajectories; absent for `exact`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
    /// The plain average over trajectories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_value: Option<f64>,
    /// Standard error of the plain average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_standard_error: Option<f64>,
    /// Name of the estimator behind `value` and `slope`: `controlled`, `plain` or `exact`.
    #[serde(default)]
    pub estimator: String,
    /// Least-squares slope of ⟨N⟩(t) over the output times of the window.
    #[serde(default)]
    pub slope: Option<Scalar>,
    /// The plain average of the same slope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_slope: Option<Scalar>,
    /// The drift estimator: time average of ⟨𝓛†N⟩ over the window, from the same trajectories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Scalar>,
    /// [t₀, t₁].
    pub window: [f64; 2],
    /// The paper's 2Γ, Eq. (41); null where it does not apply.
    pub paper: Option<f64>,
    /// The smallest κ = γ(2n̄+1) over max(Ω₀, ω̃) of its spins, which Eq. (41) needs to be ≫ 1; absent where it does not apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper_ratio: Option<f64>,
    /// Mean over the window of A₊(⟨N⟩+1) − A₋⟨N⟩ (second order in g); null where it does not apply.
    pub quantum_noise: Option<f64>,
}

/// What the propagation noticed about itself; the worst over trajectories, or the sum for the counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Diagnostics {
    /// Fock levels allowed: the hard cutoff, or 0 for `auto`.
    pub cutoff: usize,
    /// Largest deviation of the norm from its law: rise between jumps (trajectories), |tr ρ − 1| (exact).
    pub worst_norm_defect: f64,
    /// Largest population seen on the two outermost levels of the active window.
    pub largest_edge_population: f64,
    /// Largest population seen on, or initially beyond, the two highest levels below a hard cutoff.
    pub clipped_population: f64,
    /// Re α and Im α of the frame D(α e^{−iΩ₀t}) that trajectories were computed in; absent where that was the laboratory's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub displacement: Option<[f64; 2]>,
    /// Most Fock levels held at once, in the frame of `displacement`.
    pub largest_window: usize,
    /// Highest Fock level (exclusive) ever held, in the laboratory.
    pub highest_level: usize,
    /// Propagation steps.
    pub steps: u64,
    /// Applications of H_eff (trajectories) or of the generator (exact).
    pub applications: u64,
}
