//! The block: a fixed number of consecutive trajectories, run one after the other, and what is kept of them.

use std::sync::Arc;

use super::candidates::Candidates;
use super::controls::{CONTROLS, Controls, Guide, correct, finish_functionals};
use super::record_writer::{RecordMemory, RecordWriter};
use super::sample_units::SampleUnits;
use super::sampling::{Baseline, Confined, Never};
use super::study::Study;
use super::tally::{Counts, Tally};
use super::tree::Merge;
use super::{BlockRecords, Layout, Purpose, Streams, draw};
use crate::model::PurePreparation;
use crate::propagate::{Stop, Tolerances};
use crate::system::{Experiment, OpenSystem, Readout};
use crate::unravelling::{Chance, ForcedJump, Silenced, Trajectory, TrajectoryReport, Trunks};
use crate::{Error, Result};

/// Controls made of a trajectory's weight, one set per value of the record, and their coefficients.
struct WeightControls<'a> {
    record: Vec<[f64; CONTROLS]>,
    coefficients: &'a [[f64; CONTROLS]],
}

/// Runs blocks of one system, reusing its memory.
pub struct BlockRunner<'a, S: OpenSystem> {
    system: &'a S,
    experiment: &'a Experiment,
    streams: Streams,
    max_clipped: f64,
    trajectory: Trajectory<'a, S>,
    trunks: Trunks<RecordMemory>,
    readout: Readout,
    layout: Layout,
    controls: Option<Controls<'a, S>>,
    /// The controls made of a trajectory's weight, w − 1, whose mean is zero, and their coefficients.
    weight_controls: Option<WeightControls<'a>>,
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

impl<'a, S: OpenSystem> BlockRunner<'a, S> {
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
            readout: Readout::new(system, &experiment.observables),
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
        let report = self.run_from(&state, &mut Never, Intervention::NONE, None)?;
        let probability = report.log_survival.exp();
        let (record, corrected, fock) = (self.record.clone(), self.corrected.clone(), self.fock.clone());
        Ok((Baseline { probability, record, corrected, fock, stratified }, report))
    }

    /// Trajectories that carry weights carry them as control variates too from now on, with these coefficients: their mean is
    /// known to be 1.
    pub fn control_weights(&mut self, coefficients: &'a [[f64; CONTROLS]]) {
        self.weight_controls =
            Some(WeightControls { record: vec![[0.0; CONTROLS]; self.layout.estimates()], coefficients });
    }

    /// What is kept of blocks tells what pilot trajectories have told from now on.
    pub fn tell(&mut self, study: Arc<Study>) {
        self.study = Some(study);
    }

    /// One trajectory by itself from `state`, with these jumps forced.
    ///
    /// # Errors
    /// When a Fock window outgrows the memory, or it is stopped.
    pub fn path(&mut self, state: &PurePreparation, chance: &mut impl Chance, jumps: &[ForcedJump]) -> Result<Path> {
        self.path_with(state, chance, jumps, None)
    }

    /// The same with a channel silenced; `log_survival` is that of the silence.
    ///
    /// # Errors
    /// As [`Self::path`].
    pub fn path_silenced(
        &mut self,
        state: &PurePreparation,
        chance: &mut impl Chance,
        silenced: Silenced,
    ) -> Result<Path> {
        self.survival.fill(f64::NEG_INFINITY);
        self.run_from(state, chance, Intervention::Silenced(silenced), None)?;
        Ok(self.as_path())
    }

    /// The same, looked at by `candidates`.
    ///
    /// # Errors
    /// As [`Self::path`].
    pub(super) fn path_with(
        &mut self,
        state: &PurePreparation,
        chance: &mut impl Chance,
        jumps: &[ForcedJump],
        candidates: Option<&mut Candidates<'a, S>>,
    ) -> Result<Path> {
        self.survival.fill(f64::NEG_INFINITY);
        self.run_from(state, chance, Intervention::Forced(jumps), candidates)?;
        Ok(self.as_path())
    }

    /// All that the last trajectory left.
    fn as_path(&self) -> Path {
        let weights = self.weight_controls.as_ref().map(|weights| &weights.record);
        let controls = self.controls.as_ref().map(|controls| &controls.record).or(weights);
        Path {
            record: self.record.clone(),
            controls: controls.cloned().unwrap_or_default(),
            fock: self.fock.clone(),
            log_survival: self.survival.clone(),
        }
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
        let mut units =
            SampleUnits::new(self.baseline.is_some_and(|baseline| baseline.stratified), range.end - range.start);
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
        let report = self.run_from(&state, &mut Confined { inner: jumps, part }, Intervention::NONE, None)?;
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
        intervention: Intervention,
        candidates: Option<&mut Candidates<'a, S>>,
    ) -> Result<TrajectoryReport> {
        self.record.fill(0.0);
        if let Some(controls) = &mut self.controls {
            controls.begin();
        }
        let mut recorder = RecordWriter {
            system: self.system,
            experiment: self.experiment,
            readout: &mut self.readout,
            layout: self.layout,
            record: &mut self.record,
            controls: self.controls.as_mut(),
            weight_controls: self.weight_controls.as_mut().map(|weights| &mut weights.record[..]),
            jumps: self.kept.as_mut().filter(|(_, jumps)| *jumps).map(|(records, _)| records.jumps_mut()),
            survival: &mut self.survival,
            candidates,
        };
        // What comes before the first jump is looked at only by who is there.
        let report = match intervention {
            Intervention::Forced([]) if recorder.candidates.is_none() => {
                self.trajectory.run_on(&mut self.trunks, state, jumps, &mut recorder)?
            }
            Intervention::Forced(forced) => self.trajectory.run_forced(state, forced, jumps, &mut recorder)?,
            Intervention::Silenced(silenced) => self.trajectory.run_silenced(state, silenced, jumps, &mut recorder)?,
        };
        let layout = self.layout;
        for place in 0..self.experiment.functional_count() {
            let functional = self.experiment.functional(place);
            let value = |time: usize| self.record[layout.observable(time, functional.observable)];
            self.record[layout.functional(place)] = functional.of(&self.experiment.times, value);
        }
        self.corrected.clear();
        if let Some(controls) = &mut self.controls {
            controls.finish(layout, self.experiment);
            let coefficients = &controls.guide().coefficients;
            correct(layout, &self.record, &controls.record, coefficients, &mut self.corrected);
        }
        if let Some(WeightControls { record, coefficients }) = &mut self.weight_controls {
            finish_functionals(record, layout, self.experiment);
            correct(layout, &self.record, record, coefficients, &mut self.corrected);
        }

        let last = self.experiment.times.len() - 1;
        self.system.populations_at(self.experiment.times[last], self.trajectory.final_ket(), &mut self.fock);
        if let Some(weight) = layout.weight(last).map(|entry| self.record[entry]) {
            self.fock.iter_mut().for_each(|population| *population *= weight);
        }
        Ok(report)
    }
}

/// What is done to a trajectory beside what falls by itself.
#[derive(Debug, Clone, Copy)]
enum Intervention<'a> {
    /// Jumps are forced.
    Forced(&'a [ForcedJump]),
    /// A channel does not fire.
    Silenced(Silenced),
}

impl Intervention<'_> {
    /// Nothing at all.
    const NONE: Self = Self::Forced(&[]);
}

/// All that is kept of one trajectory that is run by itself.
#[derive(Default)]
pub struct Path {
    /// Its record.
    pub record: Vec<f64>,
    /// The controls of the leading entries; empty without any.
    pub controls: Vec<[f64; CONTROLS]>,
    /// Its Fock populations at the end.
    pub fock: Vec<f64>,
    /// ln of the probability of no jump up to every output time before its first jump; of the silence where a channel is silenced.
    pub log_survival: Vec<f64>,
}
