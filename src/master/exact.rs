//! The density-matrix solution of an experiment, and the bounds on what it may take.

/// Bounds on a density-matrix solution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Most memory in bytes.
    pub memory: u64,
    /// Error of ρ allowed over the whole run (Frobenius norm, by the propagator's estimate).
    pub tolerance: f64,
    /// With an automatic cutoff: population allowed on the two highest levels at any output time.
    pub tail: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 4 << 30, tolerance: 1e-10, tail: 1e-12 }
    }
}

/// The density-matrix solution.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exact {
    /// tr(Oρ) by observable, then time.
    pub observables: Vec<Vec<f64>>,
    /// Mean number of jumps before each output time, by channel in the order of [`channels`](crate::system::channels), then time; empty for the bare
    /// Eq. (23), whose channels are made anew for every ket.
    pub jumps: Vec<Vec<f64>>,
    /// Populations of the Fock levels at the end.
    pub fock: Vec<f64>,
    /// Largest |tr ρ − 1|.
    pub trace_defect: f64,
    /// Largest population of the two highest levels, or beyond them initially.
    pub top_population: f64,
    /// Fock levels used.
    pub levels: usize,
    /// Applications of 𝓛.
    pub applications: u64,
    /// Smallest eigenvalue of ρ at every output time; empty but for Eq. (23), whose forms need not keep ρ positive.
    pub smallest_eigenvalue: Vec<f64>,
}
