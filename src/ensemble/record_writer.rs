//! From what happens along a trajectory to its record.

use super::candidates::Candidates;
use super::controls::{CONTROLS, Controls, ControlsMark};
use super::{Layout, RecordedJump};
use crate::hilbert::Ket;
use crate::system::{Experiment, OpenSystem, Readout};
use crate::unravelling::{Recorder, Rewindable, Stretch};

/// Writes a trajectory into its record.
pub struct RecordWriter<'a, 'b, S: OpenSystem> {
    /// The system.
    pub system: &'a S,
    /// What is observed, and when.
    pub experiment: &'a Experiment,
    /// Reads the observables off kets.
    pub readout: &'a mut Readout,
    /// Where everything lies in the record.
    pub layout: Layout,
    /// The record.
    pub record: &'a mut [f64],
    /// The controls of the record, if there are any.
    pub controls: Option<&'a mut Controls<'b, S>>,
    /// Those made of the trajectory's weight.
    pub weight_controls: Option<&'a mut [[f64; CONTROLS]]>,
    /// All jumps, if they are kept.
    pub jumps: Option<&'a mut Vec<RecordedJump>>,
    /// ln of the probability of no jump up to every output time before the first.
    pub survival: &'a mut [f64],
    /// Jumps that could be forced, if somebody asks.
    pub candidates: Option<&'a mut Candidates<'b, S>>,
}

/// What a [`RecordWriter`] has written before the first jump.
pub struct RecordMemory {
    record: Vec<f64>,
    survival: Vec<f64>,
    controls: Option<ControlsMark>,
}

impl<S: OpenSystem> Rewindable for RecordWriter<'_, '_, S> {
    type Memory = RecordMemory;

    fn remember(&self) -> RecordMemory {
        RecordMemory {
            record: self.record.to_vec(),
            survival: self.survival.to_vec(),
            controls: self.controls.as_ref().map(|controls| controls.mark()),
        }
    }

    fn recall(&mut self, memory: &RecordMemory) {
        self.record.copy_from_slice(&memory.record);
        self.survival.copy_from_slice(&memory.survival);
        if let Some((controls, mark)) = self.controls.as_mut().zip(memory.controls.as_ref()) {
            controls.resume(mark);
        }
    }

    fn memory_size(&self) -> usize {
        let controls = self.controls.as_ref().map_or(0, |controls| controls.mark_size());
        size_of_val(self.record) + controls
    }
}

impl<S: OpenSystem> Recorder for RecordWriter<'_, '_, S> {
    fn stretch(&mut self, stretch: &Stretch) {
        if let Some(controls) = &mut self.controls {
            controls.stretch(self.layout, stretch);
        }
        if let Some(candidates) = &mut self.candidates {
            candidates.stretch(stretch);
        }
    }

    fn output(&mut self, index: usize, ket: &Ket) {
        let start = self.layout.observable(index, 0);
        let values = &mut self.record[start..start + self.experiment.observables.len()];
        self.readout.observe(self.system, self.experiment.times[index], ket, values);
    }

    fn weigh(&mut self, index: usize, weight: f64) {
        let start = self.layout.observable(index, 0);
        let entries = start..start + self.experiment.observables.len();
        self.record[entries.clone()].iter_mut().for_each(|value| *value *= weight);
        if let Some(entry) = self.layout.weight(index) {
            self.record[entry] = weight;
        }
        if let Some(controls) = &mut self.weight_controls {
            controls[entries].fill([weight - 1.0, 0.0, 0.0, 0.0]);
        }
    }

    fn survive(&mut self, index: usize, log_probability: f64) {
        self.survival[index] = log_probability;
    }

    fn jump(&mut self, time: f64, channel: usize) {
        if let Some(jumps) = &mut self.jumps {
            jumps.push(RecordedJump { time, channel });
        }
        if let Some(candidates) = &mut self.candidates {
            candidates.jump(time, channel);
        }
        self.record[self.layout.jumps(channel)] += 1.0;
    }
}
