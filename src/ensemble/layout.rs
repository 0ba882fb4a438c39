//! Where each quantity lies in the flat record of a trajectory.

use crate::system::{Experiment, activity};

/// Where each quantity lies in the flat record of a trajectory: observables time by time, heating rates, jump counts, the activity
/// time by time (zero without controls), and weights.
///
/// Where trajectories carry weights, observables and heating rates are those times the weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    times: usize,
    observables: usize,
    channels: usize,
    weighted: bool,
}

impl Layout {
    /// The layout for an experiment with `channels` jump channels.
    pub fn new(experiment: &Experiment, channels: usize) -> Self {
        let weighted = experiment.model.is_weighted();
        Self { times: experiment.times.len(), observables: experiment.observables.len(), channels, weighted }
    }

    /// Entry of observable `observable` at time `time`.
    pub fn observable(&self, time: usize, observable: usize) -> usize {
        time * self.observables + observable
    }

    /// Entry of the heating rate.
    pub fn heating_rate(&self) -> usize {
        self.times * self.observables
    }

    /// Entry of the slope of ⟨N⟩(t) over the heating window.
    pub fn heating_slope(&self) -> usize {
        self.heating_rate() + 1
    }

    /// Number of leading entries that have control variates.
    pub fn estimates(&self) -> usize {
        self.heating_slope() + 1
    }

    /// Entry of the number of jumps of `channel`.
    pub fn jumps(&self, channel: usize) -> usize {
        self.estimates() + channel
    }

    /// Entry of the [`activity`] of kind `kind` up to time `time`.
    pub fn activity(&self, time: usize, kind: usize) -> usize {
        self.estimates() + self.channels + time * activity::COUNT + kind
    }

    /// Entry of the weight at time `time`, where trajectories carry weights.
    pub fn weight(&self, time: usize) -> Option<usize> {
        self.weighted.then(|| self.activity(self.times, 0) + time)
    }

    /// Entry of the number of jumps of `channel` before time `time`, where trajectories carry weights.
    pub fn fired(&self, time: usize, channel: usize) -> Option<usize> {
        self.weight(self.times).map(|after| after + time * self.channels + channel)
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
        self.fired(self.times, 0).unwrap_or(self.activity(self.times, 0))
    }

    /// A record always holds the heating rate.
    pub fn is_empty(&self) -> bool {
        false
    }
}
