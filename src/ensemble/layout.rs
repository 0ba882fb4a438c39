//! Where each quantity lies in the flat record of a trajectory.

use crate::system::Experiment;

/// Where each quantity lies in the flat record of a trajectory: observables time by time, functionals of them (the heating rate first),
/// jump counts, and weights time by time.
///
/// Where trajectories carry weights, observables and functionals are those times the weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    times: usize,
    observables: usize,
    functionals: usize,
    channels: usize,
    weighted: bool,
}

impl Layout {
    /// The layout for an experiment with `channels` jump channels.
    pub fn new(experiment: &Experiment, channels: usize) -> Self {
        let weighted = experiment.model.is_weighted();
        Self {
            times: experiment.times.len(),
            observables: experiment.observables.len(),
            functionals: experiment.functional_count(),
            channels,
            weighted,
        }
    }

    /// Entry of observable `observable` at time `time`.
    pub fn observable(&self, time: usize, observable: usize) -> usize {
        time * self.observables + observable
    }

    /// Entry of a functional (see [`Experiment::functional`]).
    pub fn functional(&self, place: usize) -> usize {
        self.times * self.observables + place
    }

    /// Which functional an entry is.
    pub fn functional_at(&self, entry: usize) -> Option<usize> {
        entry.checked_sub(self.functional(0)).filter(|place| *place < self.functionals)
    }

    /// Entry of the heating rate.
    pub fn heating_rate(&self) -> usize {
        self.functional(0)
    }

    /// Entry of the slope of ⟨N⟩(t) over the heating window.
    pub fn heating_slope(&self) -> usize {
        self.functional(1)
    }

    /// Number of leading entries that have control variates.
    pub fn estimates(&self) -> usize {
        self.functional(self.functionals)
    }

    /// Entry of the number of jumps of `channel`.
    pub fn jumps(&self, channel: usize) -> usize {
        self.estimates() + channel
    }

    /// Entry of the weight at time `time`, where trajectories carry weights.
    pub fn weight(&self, time: usize) -> Option<usize> {
        self.weighted.then(|| self.jumps(self.channels) + time)
    }

    /// Index of the drift estimator of the heating rate among the corrected values.
    pub fn drift(&self) -> usize {
        self.estimates()
    }

    /// Number of curves: observables and functionals, which are estimated each in its own way.
    pub fn curves(&self) -> usize {
        self.observables + self.functionals
    }

    /// The curve that a value with controls belongs to.
    pub fn curve(&self, entry: usize) -> usize {
        if entry < self.functional(0) {
            entry % self.observables
        } else {
            self.observables + entry - self.functional(0)
        }
    }

    /// The output time that `entry` of a record belongs to; `None` for what is of the whole run.
    pub fn time(&self, entry: usize) -> Option<usize> {
        match self.weight(0) {
            _ if entry < self.functional(0) => Some(entry / self.observables),
            Some(first) if entry >= first => Some(entry - first),
            _ => None,
        }
    }

    /// Number of jump channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Number of output times.
    pub fn times(&self) -> usize {
        self.times
    }

    /// Length of a record.
    pub fn len(&self) -> usize {
        self.weight(self.times).unwrap_or(self.jumps(self.channels))
    }

    /// A record always holds the heating rate.
    pub fn is_empty(&self) -> bool {
        false
    }
}
