//! The independent units of an ensemble: trajectories, or whole blocks where their trajectories depend on each other.

/// A unit's record, its corrected values, and its Fock populations.
pub type SampleUnit<'a> = [&'a [f64]; 3];

/// Turns the trajectories of a block into units.
pub struct SampleUnits {
    whole_blocks: bool,
    length: u64,
    seen: u64,
    sums: [Vec<f64>; 3],
}

impl SampleUnits {
    /// Units of a block of `length` trajectories.
    pub fn new(whole_blocks: bool, length: u64) -> Self {
        Self { whole_blocks, length, seen: 0, sums: Default::default() }
    }

    /// Takes in a trajectory; returns the unit that it completes: itself, or the mean over its block.
    pub fn unit<'a>(&'a mut self, trajectory: SampleUnit<'a>) -> Option<SampleUnit<'a>> {
        if !self.whole_blocks {
            return Some(trajectory);
        }
        let share = 1.0 / self.length as f64;
        for (sum, values) in self.sums.iter_mut().zip(trajectory) {
            sum.resize(sum.len().max(values.len()), 0.0);
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += share * value);
        }
        self.seen += 1;
        (self.seen == self.length).then(|| self.sums.each_ref().map(Vec::as_slice))
    }
}
