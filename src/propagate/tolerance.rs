//! The error budget of a run, all of it derived from one number.

/// Tolerances of the propagation.
///
/// The budget of a whole trajectory is spread evenly over its duration, so a step of length h may spend h/duration of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerances {
    /// Bound on the truncation error of the ket at the end of a trajectory (2-norm, ‖ψ‖ = 1 at each step's start).
    pub ket: f64,
    /// Bound on the population that the ket would send out of its Fock window over a trajectory.
    pub window: f64,
    /// Largest population a hard cutoff may clip before the run ends with an error.
    pub max_clipped: f64,
}

impl Tolerances {
    /// The window may lose this fraction of the run's tolerance as population.
    pub const WINDOW_SHARE: f64 = 1e-2;

    /// Default of `max_clipped`.
    pub const MAX_CLIPPED: f64 = 1e-4;

    /// All tolerances from one: the ket's, `tolerance`; the window's, a hundredth of it in *population*.
    ///
    /// Amplitude ε that leaves the window was at its edge; to return to the bulk it has to come back down level by level,
    /// so it enters low powers of N, X and P in second order, as its population ε².
    pub fn from_tolerance(tolerance: f64) -> Self {
        Self { ket: tolerance, window: Self::WINDOW_SHARE * tolerance, max_clipped: Self::MAX_CLIPPED }
    }
}
