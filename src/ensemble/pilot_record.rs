//! What pilot trajectories leave for the law of the control variates.

/// Intervals of equal length that the run is divided into.
pub const INTERVALS: usize = 100;

/// What a pilot trajectory leaves: quantities and martingales at τ_0 … τ_INTERVALS, time by time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PilotRecord {
    /// Quantities y.
    pub values: Vec<f64>,
    /// Martingales M.
    pub martingales: Vec<f64>,
    /// Number of jumps.
    pub jumps: u64,
    /// The squares of the changes that jumps made to every quantity.
    pub activity: Vec<f64>,
}

/// How large a quantity was in the pilots.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// The largest |y|.
    pub largest: f64,
    /// The largest deviation from the mean at the same time.
    pub varies: f64,
}

impl Size {
    /// That of the quantity `place` of `order`.
    pub fn of(pilots: &[PilotRecord], order: usize, place: usize) -> Self {
        let values = || pilots.iter().flat_map(|pilot| pilot.values.iter().skip(place).step_by(order));
        let largest = values().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let mut varies = 0.0f64;
        for time in 0..=INTERVALS {
            let values = || pilots.iter().filter_map(|pilot| pilot.values.get(time * order + place));
            let mean = values().sum::<f64>() / pilots.len() as f64;
            varies = values().fold(varies, |varies, value| varies.max((value - mean).abs()));
        }
        Self { largest, varies }
    }

    /// In two groups of pilots.
    pub fn and(self, other: Self) -> Self {
        Self { largest: self.largest.max(other.largest), varies: self.varies.max(other.varies) }
    }
}
