//! The block: a fixed number of consecutive trajectories, run one after the other, and what is kept of them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::controls::{CONTROLS, Controls, ControlsMark, Guide, correct, finish_functionals};
use super::sampling::{Baseline, Confined, Never};
use super::study::Study;
use super::tree::Merge;
use super::units::Units;
use super::{BlockRecords, Layout, Moments, Purpose, RecordedJump, Streams, draw};
use crate::hilbert::Ket;
use crate::model::PurePreparation;
use crate::propagate::{Stop, Tolerances};
use crate::system::{Experiment, Followed};
use crate::unravelling::{Chance, Forced, ForcedJump, Recorder, Rewindable, Stretch, Trajectory, TrajectoryReport, Trunks};
use crate::{Error, Result};

/// Extremes and sums of what trajectories noticed about themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Largest rise of ‖ψ‖² over a step.
    pub norm_defect: f64,
    /// Largest population on the two outermost window levels.
    pub edge_population: f64,
    /// Largest population clipped by a hard cutoff.
    pub clipped: f64,
    /// Most Fock levels held at once.
    pub largest_window: usize,
    /// Highest Fock level (exclusive) held.
    pub highest_level: usize,
    /// Propagation steps.
    pub steps: u64,
    /// Applications of H_eff.
    pub applications: u64,
}

/// What is kept of any number of trajectories; its size does not depend on that number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Number of trajectories.
    pub trajectories: u64,
    /// Moments of the records (see [`Layout`]): one per trajectory, or one per block of a stratified run.
    pub records: Moments,
    /// Moments of the leading entries corrected by their control variates, and of the drift estimator of the heating rate;
    /// empty without controls.
    pub corrected: Moments,
    /// Moments of the Fock populations at the end.
    pub fock: Moments,
    /// Diagnostics.
    pub counts: Counts,
    /// The first trajectory whose clipped population was above the threshold, with that population.
    pub clipped_at: Option<(u64, f64)>,
    /// What pilot trajectories have told of all of them, the same everywhere in a run.
    pub study: Option<Arc<Study>>,
}

impl Tally {
    /// What `factor` times as many trajectories of the same kind would leave: for predictions of what an estimator will report.
    pub fn enlarged(&self, factor: f64) -> Self {
        let Self { trajectories, records, corrected, fock, counts, clipped_at, study } = self;
        Self {
            trajectories: (*trajectories as f64 * factor).round() as u64,
            records: records.enlarged(factor),
            corrected: corrected.enlarged(factor),
            fock: fock.enlarged(factor),
            counts: *counts,
            clipped_at: *clipped_at,
            study: study.clone(),
        }
    }

    /// Memory that a tally takes, in bytes, but for the Fock levels and what pilots have told, which tallies share.
    pub fn bytes(layout: Layout, controlled: bool) -> u64 {
        let corrected = if controlled { layout.drift() + 1 } else { 0 };
        2 * 8 * (layout.len() + corrected) as u64
    }
}

impl Merge for Tally {
    fn merge(&mut self, right: Self) {
        self.trajectories += right.trajectories;
        self.records.merge(&right.records);
        self.corrected.merge(&right.corrected);
        self.fock.merge(&right.fock);
        let (a, b) = (&mut self.counts, right.counts);
        a.norm_defect = a.norm_defect.max(b.norm_defect);
        a.edge_population = a.edge_population.max(b.edge_population);
        a.clipped = a.clipped.max(b.clipped);
        a.largest_window = a.largest_window.max(b.largest_window);
        a.highest_level = a.highest_level.max(b.highest_level);
        a.steps += b.steps;
        a.applications += b.applications;
        self.clipped_at = self.clipped_at.or(right.clipped_at);
        self.study = self.study.take().or(right.study);
    }
}

/// Runs blocks of one system, reusing its memory.
pub struct BlockRunner<'a, S: Followed> {
    system: &'a S,
    experiment: &'a Experiment,
    streams: Streams,
    max_clipped: f64,
    trajectory: Trajectory<'a, S>,
    trunks: Trunks<RecordMemory>,
    layout: Layout,
    controls: Option<Controls<'a, S>>,
    /// The controls made of a trajectory's weight, w − 1, whose mean is zero, and their coefficients.
    weight_controls: Option<(Vec<[f64; CONTROLS]>, &'a [[f64; CONTROLS]])>,
    study: Option<Arc<Study>>,
    record: Vec<f64>,
    corrected: Vec<f64>,
    fock: Vec<f64>,
    /// ln of the probability of no jump up to the output times before the first.
    survival: Vec<f64>,
    /// Records of single trajectories, and whether their jumps are among them; `None` when nobody asked.
    kept: Option<(BlockRecords, bool)>,
    baseline: Option<&'a Baseline>,
}

impl<'a, S: Followed> BlockRunner<'a, S> {
    /// A runner for the trajectories of `seed`; with a guide they carry control variates.
    pub fn new(
        system: &'a S,
        experiment: &'a Experiment,
        tolerances: &Tolerances,
        seed: u64,
        guide: Option<&'a Guide>,
    ) -> Self {
        let layout = Layout::new(experiment, system.channels().len());
        Self {
            system,
            experiment,
            streams: Streams::new(seed),
            max_clipped: tolerances.max_clipped,
            trajectory: Trajectory::new(system, &experiment.times, tolerances),
            trunks: Trunks::default(),
            layout,
            controls: guide.map(|guide| Controls::new(system, guide, layout, tolerances.ket)),
            weight_controls: None,
            study: None,
            record: vec![0.0; layout.len()],
            corrected: Vec::new(),
            fock: Vec::new(),
            survival: vec![0.0; experiment.times.len()],
            kept: None,
            baseline: None,
        }
    }

    /// Who may stop what is run from now on.
    pub fn stop_when(&mut self, stop: Stop<'a>) {
        self.trajectory.stop_when(stop);
    }

    /// Runs only trajectories that jump from now on, beside the one that does not.
    pub fn sample_jumps(&mut self, baseline: &'a Baseline) {
        self.baseline = Some(baseline);
    }

    /// The trajectory without jumps, and what it noticed about itself.
    ///
    /// # Errors
    /// When a Fock window outgrows the memory, or it is stopped.
    pub fn run_without_jumps(&mut self, stratified: bool) -> Result<(Baseline, TrajectoryReport)> {
        // A pure initial state: any draw gives it.
        let mut chance = self.streams.open(0, Purpose::Preparation);
        let state = draw(self.experiment.oscillator, self.experiment.model.spins(), &mut chance);
        let report = self.run_from(&state, &mut Never, &[])?.0;
        let probability = report.log_survival.exp();
        let (record, corrected, fock) = (self.record.clone(), self.corrected.clone(), self.fock.clone());
        Ok((Baseline { probability, record, corrected, fock, stratified }, report))
    }

    /// Trajectories that carry weights carry them as control variates too from now on, with these coefficients: their mean is
    /// known to be 1.
    pub fn control_weights(&mut self, coefficients: &'a [[f64; CONTROLS]]) {
        self.weight_controls = Some((vec![[0.0; CONTROLS]; self.layout.estimates()], coefficients));
    }

    /// What is kept of blocks tells what pilot trajectories have told from now on.
    pub fn tell(&mut self, study: Arc<Study>) {
        self.study = Some(study);
    }

    /// One trajectory by itself from `state`, with these jumps forced.
    ///
    /// # Errors
    /// When a Fock window outgrows the memory, or it is stopped.
    pub fn path(
        &mut self,
        state: &PurePreparation,
        chance: &mut impl Chance,
        jumps: &[ForcedJump],
    ) -> Result<Path> {
        self.survival.fill(f64::NEG_INFINITY);
        let (_, forced) = self.run_from(state, chance, jumps)?;
        let weights = self.weight_controls.as_ref().map(|(record, _)| record);
        let controls = self.controls.as_ref().map(|controls| &controls.record).or(weights);
        Ok(Path {
            record: self.record.clone(),
            controls: controls.cloned().unwrap_or_default(),
            fock: self.fock.clone(),
            log_survival: self.survival.clone(),
            forced,
        })
    }

    /// Keeps records of single trajectories from now on, with or without their jumps.
    pub fn keep_records(&mut self, jumps: bool) {
        self.kept = Some((BlockRecords::default(), jumps));
    }

    /// The records of the last block, if they were to be kept.
    pub fn take_records(&mut self) -> Option<BlockRecords> {
        self.kept.as_mut().map(|(records, _)| std::mem::take(records))
    }

    /// Runs the trajectories `range` and returns what is kept of them.
    ///
    /// # Errors
    /// When a Fock window outgrows the memory.
    pub fn run(&mut self, range: std::ops::Range<u64>) -> Result<Tally> {
        self.run_unless(range, &|| false).map(Option::unwrap_or_default)
    }

    /// The same; `None` when `given_up` turned true before the last trajectory began, or when it was stopped.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_unless(&mut self, range: std::ops::Range<u64>, given_up: &dyn Fn() -> bool) -> Result<Option<Tally>> {
        let mut tally = Tally { study: self.study.clone(), ..Tally::default() };
        if let Some((records, _)) = &mut self.kept {
            *records = BlockRecords::new(range.start);
        }
        let mut units = Units::new(self.baseline.is_some_and(|baseline| baseline.stratified), range.end - range.start);
        for index in range.clone() {
            if given_up() {
                return Ok(None);
            }
            let report = match self.run_one(index, index - range.start, range.end - range.start) {
                Err(Error::Stopped) => return Ok(None),
                ran => ran?,
            };
            tally.trajectories += 1;
            if let Some([record, corrected, fock]) = units.unit([&self.record, &self.corrected, &self.fock]) {
                tally.records.push(record);
                if !corrected.is_empty() {
                    tally.corrected.push(corrected);
                }
                tally.fock.push(fock);
            }
            let window = report.window;
            // A whole population may round to more than one.
            let over = window.clipped.min(1.0) > self.max_clipped;
            tally.merge(Tally {
                counts: Counts {
                    norm_defect: report.norm_defect,
                    edge_population: window.edge_population,
                    clipped: window.clipped,
                    largest_window: window.largest,
                    highest_level: window.highest,
                    steps: window.steps,
                    applications: report.applications,
                },
                clipped_at: over.then_some((index, window.clipped)),
                ..Tally::default()
            });
        }
        Ok(Some(tally))
    }

    /// Runs trajectory `index`, the `place`th of `count` in its block, into `self.record` and `self.fock`.
    fn run_one(&mut self, index: u64, place: u64, count: u64) -> Result<TrajectoryReport> {
        let mut chance = self.streams.open(index, Purpose::Preparation);
        let state = draw(self.experiment.oscillator, self.experiment.model.spins(), &mut chance);
        let jumps = self.streams.open(index, Purpose::Jumps);
        let part = self.baseline.map(|baseline| {
            let width = if baseline.stratified { baseline.weight() / count as f64 } else { baseline.weight() };
            (baseline.probability + if baseline.stratified { width * place as f64 } else { 0.0 }, width)
        });
        let (report, _) = self.run_from(&state, &mut Confined { inner: jumps, part }, &[])?;
        if let Some((records, _)) = &mut self.kept {
            let last = self.layout.observable(self.experiment.times.len() - 1, 0);
            let weight = self.baseline.map_or(1.0, Baseline::weight);
            records.finish_trajectory(weight, self.record[last..=self.layout.heating_rate()].iter().copied());
        }
        if let Some(baseline) = self.baseline {
            baseline.mix(&mut self.record, &mut self.corrected, &mut self.fock);
        }
        Ok(report)
    }

    /// Runs a trajectory from `state` into `self.record`, `self.corrected` and `self.fock`.
    fn run_from(
        &mut self,
        state: &PurePreparation,
        jumps: &mut impl Chance,
        forced: &[ForcedJump],
    ) -> Result<(TrajectoryReport, Vec<Forced>)> {
        self.record.fill(0.0);
        if let Some(controls) = &mut self.controls {
            controls.begin();
        }
        let mut recorder = RecordWriter {
            system: self.system,
            experiment: self.experiment,
            layout: self.layout,
            record: &mut self.record,
            controls: self.controls.as_mut(),
            weight_controls: self.weight_controls.as_mut().map(|(record, _)| &mut record[..]),
            jumps: self.kept.as_mut().filter(|(_, jumps)| *jumps).map(|(records, _)| records.jumps_mut()),
            survival: &mut self.survival,
        };
        let (report, forced) = match forced {
            [] => (self.trajectory.run_on(&mut self.trunks, state, jumps, &mut recorder)?, Vec::new()),
            _ => self.trajectory.run_forced(state, forced, jumps, &mut recorder)?,
        };
        let (layout, number) = (self.layout, self.experiment.number_index());
        self.record[layout.heating_rate()] =
            self.experiment.heating_rate(|time| self.record[layout.observable(time, number)]);
        self.record[layout.heating_slope()] =
            self.experiment.heating_slope(|time| self.record[layout.observable(time, number)]);
        self.corrected.clear();
        if let Some(controls) = &mut self.controls {
            controls.finish(layout, self.experiment);
            let coefficients = &controls.guide().coefficients;
            correct(layout, &self.record, &controls.record, coefficients, &mut self.corrected);
        }
        if let Some((controls, coefficients)) = &mut self.weight_controls {
            finish_functionals(controls, layout, self.experiment);
            correct(layout, &self.record, controls, coefficients, &mut self.corrected);
        }

        let last = self.experiment.times.len() - 1;
        self.system.populations_at(self.experiment.times[last], self.trajectory.final_ket(), &mut self.fock);
        if let Some(weight) = layout.weight(last).map(|entry| self.record[entry]) {
            self.fock.iter_mut().for_each(|population| *population *= weight);
        }
        Ok((report, forced))
    }
}

/// All that is kept of one trajectory that is run by itself.
pub struct Path {
    /// Its record.
    pub record: Vec<f64>,
    /// The controls of the leading entries; empty without any.
    pub controls: Vec<[f64; CONTROLS]>,
    /// Its Fock populations at the end.
    pub fock: Vec<f64>,
    /// ln of the probability of no jump up to every output time before its first jump.
    pub log_survival: Vec<f64>,
    /// What came of forced jumps.
    pub forced: Vec<Forced>,
}

/// Writes a trajectory into its record.
struct RecordWriter<'a, 'b, S: Followed> {
    system: &'a S,
    experiment: &'a Experiment,
    layout: Layout,
    record: &'a mut [f64],
    controls: Option<&'a mut Controls<'b, S>>,
    weight_controls: Option<&'a mut [[f64; CONTROLS]]>,
    jumps: Option<&'a mut Vec<RecordedJump>>,
    survival: &'a mut [f64],
}

/// What a [`RecordWriter`] has written before the first jump.
struct RecordMemory {
    record: Vec<f64>,
    survival: Vec<f64>,
    controls: Option<ControlsMark>,
}

impl<S: Followed> Rewindable for RecordWriter<'_, '_, S> {
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

impl<S: Followed> Recorder for RecordWriter<'_, '_, S> {
    fn stretch(&mut self, stretch: &Stretch) {
        if let Some(controls) = &mut self.controls {
            controls.stretch(self.layout, stretch);
        }
    }

    fn output(&mut self, index: usize, ket: &Ket) {
        let observables = &self.experiment.observables;
        let start = self.layout.observable(index, 0);
        let values = &mut self.record[start..start + observables.len()];
        self.system.observe_at(self.experiment.times[index], ket, observables, values);
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
        self.record[self.layout.jumps(channel)] += 1.0;
    }
}
