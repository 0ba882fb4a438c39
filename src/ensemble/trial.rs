//! Trial trajectories: run before the ensemble, with events made to happen, to learn how to estimate it and what it may miss.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::block::Path;
use super::candidates::{Candidate, Candidates, Chosen, Instant};
use super::controls::{CONTROLS, Guide};
use super::job::Job;
use super::preparation::{GOLDEN, Turn, another, rarity};
use super::sampling::{Confined, Never};
use super::sought::{Choice, Search, Sought};
use super::threads::Threads;
use super::{BlockRunner, Purpose, Streams, draw};
use crate::model::PurePreparation;
use crate::propagate::Stop;
use crate::system::Followed;
use crate::unravelling::{Chance, ForcedJump, Silenced};
use crate::{Error, Result};

/// Initial states whose trajectory without jumps is looked at.
const SILENT_STATES: usize = 4;

/// A trajectory and what an event makes of it.
pub struct Trial {
    /// The pure state it began in.
    pub state: PurePreparation,
    /// How rare that is, or another one further out.
    pub rarity: f64,
    /// As it went by itself.
    pub natural: Path,
    /// What could have happened to it.
    pub candidates: Vec<Candidate>,
    /// The same with a jump forced, then with another one after that, and so on.
    pub jumped: Vec<Jumped>,
    /// The same without some of its jumps.
    pub silenced: Option<Silence>,
    /// The same chances from another initial state.
    pub restarted: Option<Restarted>,
}

/// A trajectory in which a channel does not fire any more that did.
pub struct Silence {
    /// How it went, with the probability of the silence.
    pub path: Path,
    /// How many choices of a jump to be missing this one stands for.
    pub often: f64,
    /// Whether the channel never fires.
    pub from_start: bool,
}

/// A trajectory from another initial state.
pub struct Restarted {
    /// That state.
    pub state: PurePreparation,
    /// How it went.
    pub path: Path,
    /// How often that state is drawn, in comparison.
    pub weight: f64,
    /// How rare it is, or another one further out.
    pub rarity: f64,
    /// What could have happened to it.
    pub candidates: Vec<Candidate>,
    /// The same with a jump forced.
    pub jumped: Option<Jumped>,
    /// The same without some of its jumps.
    pub silenced: Option<Silence>,
}

/// A trajectory with forced jumps.
pub struct Jumped {
    /// How it went.
    pub path: Path,
    /// The last of them.
    pub last: Chosen,
    /// What could happen after it.
    pub candidates: Vec<Candidate>,
    /// How many trials it stands for: not in every one are as many jumps forced.
    pub trials: f64,
}

/// In every trial so many jumps are forced one after the other.
const JUMPS: usize = 2;

/// In one of so many trials another one is, after those.
const ANOTHER: u64 = 2;

/// Trajectories without any jump, by the state they begin in.
pub type Silent = Vec<(PurePreparation, Path)>;

/// What a trial run needs beside the job.
pub struct Trials<'a, S> {
    /// The system.
    pub system: &'a S,
    /// The guide of the controls, if there are any.
    pub guide: Option<&'a Guide>,
    /// Coefficients of the weights as controls, where trajectories carry weights.
    pub weights: Option<&'a [[f64; CONTROLS]]>,
    /// Lower end and width of the part that first thresholds are confined to.
    pub part: Option<(f64, f64)>,
    /// How many trajectories are run as they come, before those with events.
    pub plain: u64,
    /// How many of them are run with events.
    pub pairs: u64,
}

impl<'a, S: Followed> Trials<'a, S> {
    /// Runs them on all threads, those with events last; `None` when the watcher stops it.
    ///
    /// # Errors
    /// When a trajectory fails.
    pub fn run(&self, job: &Job, threads: &Threads) -> Result<Option<Vec<Trial>>> {
        let stop = || job.watcher.stop();
        let one = |index, runner: &mut _| self.one(job, index, runner);
        self.on_all_threads(job, (threads, &stop), self.plain + self.pairs, one)
    }

    /// Forces the jumps that were chosen in `search` on trials, the first of which has the number `first`.
    ///
    /// # Errors
    /// When a trajectory fails.
    pub fn seek(
        &self,
        job: &Job,
        threads: &Threads,
        search: &Search,
        choices: &[Choice],
    ) -> Result<Option<Vec<Sought>>> {
        let streams = Streams::new(job.plan.seed);
        let stop = || job.watcher.stop();
        self.on_all_threads(job, (threads, &stop), choices.len() as u64, |index, runner| {
            let choice = choices[index as usize];
            let (forced, mean) = search.forced(&choice);
            let inner = streams.open(self.plain + choice.trial as u64, Purpose::TrialJumps);
            let path = runner.path(&search.branch(&choice).state, &mut Confined { inner, part: self.part }, &forced)?;
            Ok(Sought { choice, path, mean })
        })
    }

    /// Runs `one` for all numbers below `count`, in any order; `None` when it is to stop.
    fn on_all_threads<'b, T: Send>(
        &'b self,
        job: &'b Job,
        (threads, stop): (&Threads, &'b (dyn Fn() -> bool + Sync)),
        count: u64,
        one: impl Fn(u64, &mut BlockRunner<'b, S>) -> Result<T> + Sync,
    ) -> Result<Option<Vec<T>>> {
        let next = AtomicU64::new(0);
        let outcomes = Mutex::new(Vec::new());
        threads.each(|| {
            let mut runner = self.runner(job);
            runner.stop_when(Stop::when(stop));
            while !stop() {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    break;
                }
                let ran = one(index, &mut runner);
                if matches!(ran, Err(Error::Stopped)) {
                    break;
                }
                outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((index, ran));
            }
        });
        let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
        if outcomes.len() as u64 != count {
            return Ok(None);
        }
        outcomes.sort_by_key(|(index, _)| *index);
        outcomes.into_iter().map(|(_, ran)| ran).collect::<Result<Vec<_>>>().map(Some)
    }

    /// The trajectories without jumps from the first few states that `trials` began in, and from as many that they were begun in anew.
    ///
    /// # Errors
    /// When a trajectory fails.
    pub fn silent(&self, job: &Job, trials: &[Trial]) -> Result<Option<Silent>> {
        let stop = || job.watcher.stop();
        let mut runner = self.runner(job);
        runner.stop_when(Stop::when(&stop));
        let mut silent = Silent::new();
        let begun = trials.iter().map(|trial| trial.state).collect::<Vec<_>>();
        let anew = trials.iter().flat_map(|trial| &trial.restarted).map(|restarted| restarted.state).collect();
        for states in [begun, anew] {
            let most = silent.len() + SILENT_STATES;
            for state in states {
                if silent.len() < most && silent.iter().all(|(known, _)| *known != state) {
                    match runner.path(&state, &mut Never, &[]) {
                        Err(Error::Stopped) => return Ok(None),
                        path => silent.push((state, path?)),
                    }
                }
            }
        }
        Ok(Some(silent))
    }

    fn runner<'b>(&'b self, job: &'b Job) -> BlockRunner<'b, S> {
        let mut runner = BlockRunner::new(self.system, job.experiment, job.tolerances, job.plan.seed, self.guide);
        if let Some(coefficients) = self.weights {
            runner.control_weights(coefficients);
        }
        runner
    }

    fn one<'b>(&'b self, job: &'b Job, index: u64, runner: &mut BlockRunner<'b, S>) -> Result<Trial> {
        let &Job { experiment, plan, .. } = job;
        let streams = Streams::new(plan.seed);
        let mut preparation = streams.open(index, Purpose::TrialPreparation);
        let state = draw(experiment.oscillator, experiment.model.spins(), &mut preparation);
        let rarity = rarity(experiment, &state);
        let chances = || Confined { inner: streams.open(index, Purpose::TrialJumps), part: self.part };
        if index < self.plain {
            let natural = runner.path(&state, &mut chances(), &[])?;
            return Ok(Trial {
                state,
                rarity,
                natural,
                candidates: Vec::new(),
                jumped: Vec::new(),
                silenced: None,
                restarted: None,
            });
        }
        // Times and choices are spread evenly over the trials, by a lattice with one shift for all of them.
        let mut shift = streams.open(0, Purpose::TrialShift);
        let number = (index - self.plain) as f64;
        let place = (number + shift.uniform()) / self.pairs as f64;
        let choice = (number * GOLDEN + shift.uniform()).fract();
        let mut events = streams.open(index, Purpose::TrialEvents);
        let missing = [(choice + 0.5).fract(), (number * SILVER + shift.uniform()).fract()];
        // A trajectory with these jumps forced, what could happen to it, one more to be forced, and one to be missing.
        let look = |runner: &mut BlockRunner<'b, S>, state: &PurePreparation, forced: &[ForcedJump], instants, u| {
            let mut candidates = Candidates::new(self.system, experiment, instants);
            let path = runner.path_with(state, &mut chances(), forced, Some(&mut candidates))?;
            let (chosen, silenced) = (candidates.choose(u), candidates.silence(missing));
            Ok::<_, Error>((path, candidates.found(), chosen, silenced))
        };
        let silent = |runner: &mut BlockRunner<'b, S>, state: &PurePreparation, chosen: Option<(Silenced, f64)>| {
            let Some((silenced, often)) = chosen else { return Ok(None) };
            let path = runner.path_silenced(state, &mut chances(), silenced)?;
            Ok::<_, Error>(Some(Silence { path, often, from_start: silenced.from == 0.0 }))
        };
        let instants = around(&experiment.times, place, &mut events);
        let (natural, candidates, mut next, chosen) = look(runner, &state, &[], instants, choice)?;
        let silenced = silent(runner, &state, chosen)?;
        let mut trial = Trial { state, rarity, natural, candidates, jumped: Vec::new(), silenced, restarted: None };
        let most = JUMPS + usize::from((index - self.plain).is_multiple_of(ANOTHER));
        let mut forced = Vec::new();
        while let Some(last) = next.filter(|_| forced.len() < most) {
            forced.push(last.jump);
            let instants = after(last.jump.time, &experiment.times, &mut events);
            let (path, candidates, chosen, _) = look(runner, &state, &forced, instants, events.uniform())?;
            let trials = if forced.len() > JUMPS { ANOTHER as f64 } else { 1.0 };
            trial.jumped.push(Jumped { path, last, candidates, trials });
            next = chosen;
        }
        let trial_number = [index - self.plain, self.pairs].map(|number| number as usize);
        let turn = Turn { trial: trial_number, shift: [shift.uniform(), shift.uniform()] };
        if let Some((other, weight, rarity)) = another(experiment, &state, turn) {
            let instants = around(&experiment.times, place, &mut events);
            let (path, candidates, chosen, missing) = look(runner, &other, &[], instants, choice)?;
            let silenced = silent(runner, &other, missing)?;
            let jumped = match chosen {
                Some(last) => {
                    let instants = after(last.jump.time, &experiment.times, &mut events);
                    let (path, candidates, ..) = look(runner, &other, &[last.jump], instants, choice)?;
                    Some(Jumped { path, last, candidates, trials: 1.0 })
                }
                None => None,
            };
            trial.restarted = Some(Restarted { state: other, path, weight, rarity, candidates, jumped, silenced });
        }
        Ok(trial)
    }
}

/// Parts that the places of all instants are divided into; each trial has a jump forced in one of them.
const PARTS: usize = 6;

/// Instants at which one trajectory is looked at for jumps to be forced, and others in each of the other parts.
const INSTANTS: usize = 16;
const ELSEWHERE: usize = 2;

/// Most instants at which one trajectory is looked at.
pub const MOST_INSTANTS: usize = INSTANTS + (PARTS - 1) * ELSEWHERE;

/// Instants in the part of all that `place` lies in, where a jump may be forced, and fewer in the other parts.
fn around(times: &[f64], place: f64, chance: &mut impl Chance) -> Vec<Instant> {
    let chosen = ((place * PARTS as f64) as usize).min(PARTS - 1);
    let mut instants = Vec::new();
    for part in 0..PARTS {
        let count = if part == chosen { INSTANTS } else { ELSEWHERE };
        for k in 0..count {
            let within = (k as f64 + chance.uniform()) / count as f64;
            let (time, density) = instant(times, (part as f64 + within) / PARTS as f64);
            // The part that a trial looks at is any of them.
            let forced = 1.0 / (density * count as f64);
            instants.push(Instant {
                time,
                duration: forced / PARTS as f64,
                forced: if part == chosen { forced } else { 0.0 },
            });
        }
    }
    instants
}

/// Instants after `time`: soon after, before the next output time, and anywhere, as often each.
fn after(time: f64, times: &[f64], chance: &mut impl Chance) -> Vec<Instant> {
    let end = times.last().copied().unwrap_or(0.0);
    let output = times.iter().copied().find(|output| *output > time).unwrap_or(end);
    let spans = [time.min(end - time), output - time, end - time];
    let each = INSTANTS / spans.len();
    let mut instants = Vec::new();
    for span in spans {
        for k in 0..each {
            let later = span * (k as f64 + chance.uniform()) / each as f64;
            let density: f64 = spans.iter().filter(|span| later < **span).map(|span| 1.0 / span).sum();
            let duration = if density > 0.0 { 1.0 / (density * each as f64) } else { 0.0 };
            instants.push(Instant { time: time + later, duration, forced: duration });
        }
    }
    instants
}

/// √2 − 1: so are its multiples, and independently of those of [`GOLDEN`].
const SILVER: f64 = 0.414_213_562_373_095_05;

/// Least share of events before the first output time.
const EARLY: f64 = 0.2;

/// The instant at the place `u` in (0, 1) of those at which jumps are forced, and the density there: evenly before the first
/// output time, then evenly in ln t, so that every output time has events before it.
fn instant(times: &[f64], u: f64) -> (f64, f64) {
    let end = times.last().copied().unwrap_or(1.0);
    let first = times.iter().copied().find(|time| *time > 0.0).unwrap_or(end);
    let decades = (end / first).ln();
    let early = if decades > 0.0 { (1.0 / (1.0 + decades)).max(EARLY) } else { 1.0 };
    if u < early {
        (first * u / early, early / first)
    } else {
        let time = first * ((u - early) / (1.0 - early) * decades).exp();
        (time, (1.0 - early) / (decades * time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The durations of one trajectory's instants add up to the run, and so do those for jumps over all trials.
    #[test]
    fn instants_stand_for_the_whole_run() {
        const TRIALS: usize = 6000;
        let (times, mut chance) = ([0.0, 0.01, 10.0], Streams::new(1).open(0, Purpose::TrialEvents));
        let mut sums = [[0.0; 2]; 2];
        for trial in 0..TRIALS {
            for found in around(&times, (trial as f64 + 0.5) / TRIALS as f64, &mut chance) {
                for (sum, duration) in sums.iter_mut().zip([found.duration, found.forced]) {
                    sum[0] += duration / TRIALS as f64;
                    sum[1] += duration * found.time / TRIALS as f64;
                }
            }
        }
        for [whole, first] in sums {
            // ∫ dt and ∫ t dt; a trial's stratified estimate of the first has a spread of about 1 of 10.
            assert!((whole / 10.0 - 1.0).abs() < 0.01 && (first / 50.0 - 1.0).abs() < 0.01, "{whole} {first}");
        }
        let sum = |instants: Vec<Instant>| instants.iter().map(|instant| instant.duration).sum::<f64>();
        let mean = (0..TRIALS).map(|_| sum(after(2.0, &[0.0, 2.5, 10.0], &mut chance))).sum::<f64>() / TRIALS as f64;
        assert!((mean / 8.0 - 1.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn instants_have_the_density_that_they_say() {
        for times in [vec![0.0, 2.0], vec![0.0, 0.01, 10.0], vec![0.0, 1.0, 1.5]] {
            let end = times[times.len() - 1];
            let places = (0..20_000).map(|i| (f64::from(i) + 0.5) / 20_000.0);
            // ∫ dt = E[1/density], and ∫ t dt = E[t/density].
            let sums = places.map(|u| instant(&times, u)).fold([0.0; 2], |[a, b], (time, density)| {
                assert!(time > 0.0 && time < end);
                [a + 1.0 / density, b + time / density]
            });
            let [whole, first] = sums.map(|sum| sum / 20_000.0);
            assert!((whole / end - 1.0).abs() < 1e-3 && (first / (0.5 * end * end) - 1.0).abs() < 1e-3);
        }
    }
}
