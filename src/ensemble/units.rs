//! The independent units of an ensemble: trajectories, or whole blocks where their trajectories depend on each other.

use super::comoments::CONTROLS;

/// A unit's record, the controls of it, and its Fock populations.
pub type Unit<'a> = (&'a [f64], &'a [[f64; CONTROLS]], &'a [f64]);

/// Turns the trajectories of a block into units.
pub struct Units {
    whole_blocks: bool,
    length: u64,
    seen: u64,
    record: Vec<f64>,
    controls: Vec<[f64; CONTROLS]>,
    fock: Vec<f64>,
}

impl Units {
    /// Units of a block of `length` trajectories.
    pub fn new(whole_blocks: bool, length: u64) -> Self {
        let (record, controls, fock) = (Vec::new(), Vec::new(), Vec::new());
        Self { whole_blocks, length, seen: 0, record, controls, fock }
    }

    /// Number of the unit that trajectory `index` belongs to.
    pub fn number(&self, index: u64) -> u64 {
        if self.whole_blocks { index / self.length } else { index }
    }

    /// Takes in a trajectory; returns the unit that it completes: itself, or the mean over its block.
    pub fn unit<'a>(
        &'a mut self,
        record: &'a [f64],
        controls: Option<&'a [[f64; CONTROLS]]>,
        fock: &'a [f64],
    ) -> Option<Unit<'a>> {
        let controls = controls.unwrap_or(&[]);
        if !self.whole_blocks {
            return Some((record, controls, fock));
        }
        let share = 1.0 / self.length as f64;
        let add = |sum: &mut Vec<f64>, values: &[f64]| {
            sum.resize(sum.len().max(values.len()), 0.0);
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += share * value);
        };
        add(&mut self.record, record);
        add(&mut self.fock, fock);
        self.controls.resize(controls.len(), [0.0; CONTROLS]);
        for (sum, row) in self.controls.iter_mut().zip(controls) {
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += share * value);
        }
        self.seen += 1;
        (self.seen == self.length).then_some((&self.record[..], &self.controls[..], &self.fock[..]))
    }
}
