//! How many Fock levels a run may use.

/// Bound on the Fock space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cutoff {
    /// The active window decides; no level is forbidden.
    Auto,
    /// Levels 0 … levels − 1 exist; a† is cut at the highest one.
    Levels(usize),
}

impl Cutoff {
    /// True when level `n` exists.
    pub fn holds(self, n: usize) -> bool {
        match self {
            Self::Auto => true,
            Self::Levels(levels) => n < levels,
        }
    }
}
