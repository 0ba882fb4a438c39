//! Pilot trajectories: run before the ensemble to learn the closure, on random streams of their own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::controls::{Guide, boundaries};
use super::job::Job;
use super::pilot_record::PilotRecord;
use super::sampling::Confined;
use super::set_choice::{ControlSet, FEWEST, SetChoice};
use super::threads::Threads;
use super::{Purpose, Streams, draw, expected_quantities};
use crate::hilbert::Ket;
use crate::model::OscillatorPreparation;
use crate::propagate::Stop;
use crate::system::quantity::{self, CandidateSet, Candidates};
use crate::system::{Experiment, FollowedSet, OpenSystem};
use crate::unravelling::{MartingaleMark, Martingales, Recorder, Rewindable, Stretch, Trajectory, Trunks};
use crate::{Error, Result};

/// The error allowed of a pilot's martingales: a law fitted to some hundred pilots has no more digits than that, and an error in it costs
/// variance, never truth.
const LAW: f64 = 1e-5;

/// Runs `count` pilot trajectories, their first thresholds confined to `part` (lower end and width), and fits the closure of the
/// set of quantities that serves best;
/// `None` when the watcher stops it.
///
/// # Errors
/// When a trajectory fails.
pub fn learn<S: OpenSystem>(
    system: &S,
    job: &Job,
    count: u64,
    part: Option<(f64, f64)>,
    threads: &Threads,
) -> Result<Option<(Guide, ControlSet)>> {
    let &Job { experiment, tolerances, plan, watcher, .. } = job;
    let Candidates { operators, sets } = candidates(system, experiment, count);
    let set = FollowedSet::new(system, operators);
    let expected = expected_quantities(system, &set, experiment);
    let times = boundaries(experiment);
    let next = AtomicU64::new(0);
    let outcomes = Mutex::new(Vec::new());
    threads.each(|| {
        let stop = || watcher.stop();
        let mut trajectory = Trajectory::new(system, &times, tolerances);
        trajectory.stop_when(Stop::when(&stop));
        let mut recorder = PilotRecorder {
            martingales: Martingales::new(system, &set, &times, tolerances.ket.max(LAW)),
            record: PilotRecord::default(),
        };
        let (streams, mut trunks) = (Streams::new(plan.seed), Trunks::default());
        while !watcher.stop() {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                break;
            }
            let mut chance = streams.open(index, Purpose::PilotPreparation);
            let state = draw(experiment.oscillator, experiment.model.spins(), &mut chance);
            recorder.martingales.begin(expected.as_deref());
            let mut jumps = Confined { inner: streams.open(index, Purpose::PilotJumps), part };
            let ran = trajectory.run_on(&mut trunks, &state, &mut jumps, &mut recorder);
            if matches!(ran, Err(Error::Stopped)) {
                break;
            }
            outcomes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((index, ran.map(|_| std::mem::take(&mut recorder.record))));
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    if outcomes.len() as u64 != count {
        return Ok(None);
    }
    outcomes.sort_by_key(|(index, _)| *index);
    let pilots = outcomes.into_iter().map(|(_, outcome)| outcome).collect::<Result<Vec<_>>>()?;
    let of_spins: Vec<bool> = (0..set.order()).map(|place| set.is_of_spins(place)).collect();
    let expressions = quantity::expressions(system, set.operators(), &experiment.observables);
    let choice = SetChoice {
        pilots: &pilots,
        of_spins: &of_spins,
        sets: &sets,
        expressions: &expressions,
        tolerance: tolerances.ket,
        error: tolerances.ket.max(LAW),
    };
    let (best, closure, factor) = choice.best();
    let CandidateSet { name, places } = &sets[best];
    let chosen = ControlSet { name: name.clone(), quantities: places.len(), factor };
    let set = FollowedSet::new(system, places.iter().map(|place| set.operators()[*place].clone()).collect());
    let expected = expected.map(|expected| places.iter().map(|place| expected[*place]).collect());
    Ok(Some((Guide::new(system, experiment, (set, closure), expected), chosen)))
}

/// Largest occupation of a thermal initial state over whose levels functions of N are added up, one by one.
const MOST_THERMAL: f64 = 50.0;

/// The sets of quantities to choose from: only the usual one with few pilots, and none whose means over the initial states take long.
fn candidates<S: OpenSystem>(system: &S, experiment: &Experiment, pilots: u64) -> Candidates {
    let mut candidates = quantity::candidates(system);
    if pilots < FEWEST {
        candidates.truncate(1);
    }
    if matches!(experiment.oscillator, OscillatorPreparation::Thermal(nbar) if nbar > MOST_THERMAL) {
        candidates.keep_polynomials();
    }
    candidates
}

/// Keeps quantities and martingales at the boundaries.
struct PilotRecorder<'a, S: OpenSystem> {
    martingales: Martingales<'a, S>,
    record: PilotRecord,
}

impl<S: OpenSystem> Rewindable for PilotRecorder<'_, S> {
    type Memory = (PilotRecord, MartingaleMark);

    fn remember(&self) -> Self::Memory {
        (self.record.clone(), self.martingales.mark())
    }

    fn recall(&mut self, (record, martingales): &Self::Memory) {
        self.record.clone_from(record);
        self.martingales.resume(martingales);
    }

    fn memory_size(&self) -> usize {
        size_of_val(&self.record.values[..]) + size_of_val(&self.record.martingales[..])
    }
}

impl<S: OpenSystem> Recorder for PilotRecorder<'_, S> {
    fn output(&mut self, index: usize, ket: &Ket) {
        let values = self.martingales.values(index, ket);
        self.record.values.extend_from_slice(values);
    }

    fn stretch(&mut self, stretch: &Stretch) {
        let PilotRecord { martingales, activity, .. } = &mut self.record;
        self.martingales.stretch(stretch, |_, m| martingales.extend_from_slice(m));
        activity.clear();
        activity.extend_from_slice(self.martingales.activity());
    }

    fn jump(&mut self, _time: f64, _channel: usize) {
        self.record.jumps += 1;
    }
}
