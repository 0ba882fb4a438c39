//! How a run learns, from pilot and trial trajectories, before it begins.

use std::sync::Arc;

use super::branch::Sought;
use super::coefficients::{Coefficients, Selection, scales};
use super::controls::CONTROLS;
use super::evidence::{Evidence, Ran, spread};
use super::immediate::{EventTable, sums};
use super::instants::MOST_INSTANTS;
use super::job::Job;
use super::sought::Search;
use super::study::Study;
use super::threads::Threads;
use super::trial::{Silent, Trial, Trials};
use super::{Estimator, Layout, Lessons, Purpose, Sampling, Streams, pilot};
use crate::Result;
use crate::system::{Experiment, OpenSystem};

/// Trajectories with events: of a run of few trajectories, and usually.
const PAIRS: [u64; 2] = [12, 32];

/// Pilots of a run of fewer trajectories than 32.
const FEW_PILOTS: u64 = 4;

/// Memory that trial trajectories may take, in bytes.
const MOST_BYTES: u64 = 1 << 29;

/// How many trajectories are run as they come, for coefficients, and how many with events.
struct Numbers {
    pilots: u64,
    plain: u64,
    pairs: u64,
}

impl Numbers {
    fn of(estimator: Estimator, layout: Layout) -> Self {
        let (pilots, pairs) = match estimator {
            Estimator::Plain => (0, PAIRS[1]),
            Estimator::Controlled { pilot: ..FEW_PILOTS } => (0, PAIRS[0]),
            Estimator::Controlled { pilot: ..Estimator::FEWEST_PILOTS } => (0, PAIRS[1]),
            Estimator::Controlled { pilot } => (pilot, PAIRS[1]),
        };
        let most = (MOST_BYTES / bytes(layout)).max(1);
        let plain = pilots.min(most);
        let plain = if plain >= Estimator::FEWEST_PILOTS { plain } else { 0 };
        Self { pilots, plain, pairs: pairs.min((most / 3).max(PAIRS[0] / 2)) }
    }
}

/// What is kept of one trial trajectory, in bytes: its record, its controls, and what every channel would do to every observable.
fn bytes(layout: Layout) -> u64 {
    let candidates = MOST_INSTANTS * layout.channels() * (layout.curves() + 1);
    8 * (layout.len() + CONTROLS * layout.estimates() + candidates) as u64
}

/// Paths of a trial with events, on average: as it goes by itself, with one jump forced, with more, without some, from another state,
/// and with one that was sought out.
const PATHS: u64 = 9;

/// What events do to one entry of a record, while it is gathered, in bytes.
const ENTRY: u64 = 768;

impl Lessons {
    /// Memory that the trials of a run take, in bytes.
    pub(super) fn trial_bytes(estimator: Estimator, layout: Layout) -> u64 {
        let Numbers { plain, pairs, .. } = Numbers::of(estimator, layout);
        (plain + PATHS * pairs) * bytes(layout) + ENTRY * layout.len() as u64
    }

    /// About how many trajectories are run to learn all this.
    pub fn trajectories(estimator: Estimator, experiment: &Experiment) -> u64 {
        let Numbers { pilots, plain, pairs } = Numbers::of(estimator, Layout::new(experiment, 0));
        pilots + plain + PATHS * pairs
    }

    /// The law of the control variates alone, with drift estimators and without knowledge of what a sample may miss: what
    /// measurements of time need.
    ///
    /// # Errors
    /// When a trajectory fails.
    pub fn law<S: OpenSystem>(system: &S, job: &Job, threads: &Threads) -> Result<Option<Self>> {
        let Estimator::Controlled { pilot } = job.plan.estimator else { return Ok(Some(Self::default())) };
        if system.is_weighted() {
            let layout = Layout::new(job.experiment, system.channels().len());
            let weights = Some(vec![[0.0; CONTROLS]; layout.estimates()]);
            return Ok(Some(Self { weights, ..Self::default() }));
        }
        let learned = pilot::learn(system, job, pilot, None, threads)?;
        Ok(learned.map(|(guide, set)| Self {
            guide: Some(guide),
            study: Arc::new(Study { control_set: Some(set), ..Study::default() }),
            ..Self::default()
        }))
    }

    /// Runs the pilots of a job, their first thresholds confined to `part` (lower end and width); `None` when it is stopped.
    ///
    /// # Errors
    /// When a trajectory fails.
    pub fn learn<S: OpenSystem>(
        system: &S,
        job: &Job,
        part: Option<(f64, f64)>,
        threads: &Threads,
    ) -> Result<Option<Self>> {
        let experiment = job.experiment;
        let layout = Layout::new(experiment, system.channels().len());
        let Numbers { pilots, plain, pairs } = Numbers::of(job.plan.estimator, layout);
        let controlled = job.plan.estimator != Estimator::Plain;
        let (guide, control_set) = match controlled && !system.is_weighted() {
            true => match pilot::learn(system, job, pilots, part, threads)? {
                Some((guide, set)) => (Some(guide), Some(set)),
                None => return Ok(None),
            },
            false => (None, None),
        };
        let none = vec![[0.0; CONTROLS]; layout.estimates()];
        let weights = (controlled && system.is_weighted()).then_some(&none[..]);
        let plain = if controlled { plain } else { 0 };
        let trials = Trials { system, guide: guide.as_ref(), weights, part, plain, pairs };
        let Some(ran) = trials.run(job, threads)? else { return Ok(None) };
        let (fits, tests) = ran.split_at(plain as usize);
        let Some(events) = Events::of(&trials, job, threads, tests)? else { return Ok(None) };
        let with_events = Ran { tests, sought: &events.sought, silent: &events.silent };
        let evidence = Evidence::new(experiment, layout, with_events, &events.at_once, part);
        let scales = scales(system, experiment, guide.as_ref());
        let width = part.map_or(1.0, |(_, width)| width);
        let selection = Selection { job, layout, guide: guide.as_ref(), scales, evidence: &evidence, fits, width };
        let chosen = if controlled { selection.coefficients() } else { Coefficients::none(layout) };
        let Coefficients { entries, controlled } = chosen;
        let beta = |entry: usize| entries.get(entry).unwrap_or(&[0.0; CONTROLS]);
        let study = Study {
            scale: (0..layout.estimates()).map(|entry| selection.scale(entry, beta(entry))).collect(),
            record: (0..layout.len()).map(|entry| evidence.effects(entry, beta(entry))).collect(),
            others: if job.plan.sampling == Sampling::Stratified { 0 } else { ran.len() as u64 },
            spread: (0..layout.len()).map(|entry| width * width * spread(&ran, entry, beta(entry))).collect(),
            fock: evidence.fock(),
            any: evidence.any(experiment),
            controlled,
            control_set,
        };
        let weights = weights.map(|_| entries.clone());
        let guide = guide.map(|guide| guide.with_coefficients(entries));
        Ok(Some(Self { guide, weights, study: Arc::new(study) }))
    }
}

/// What is run beside trials.
struct Events {
    /// What jumps do at once to the trials, and what those do that were forced.
    at_once: [EventTable; 2],
    /// The jumps that were sought out.
    sought: Vec<Sought>,
    /// The trajectories without jumps.
    silent: Silent,
}

impl Events {
    /// Runs it; `None` when it is stopped.
    fn of<S: OpenSystem>(trials: &Trials<S>, job: &Job, threads: &Threads, tests: &[Trial]) -> Result<Option<Self>> {
        let channels = trials.system.channels();
        let silent = match channels.iter().any(|channel| channel.rate > 0.0) {
            true => trials.silent(job, tests)?,
            false => Some(Vec::new()),
        };
        let Some(silent) = silent else { return Ok(None) };
        let layout = Layout::new(job.experiment, channels.len());
        let weight = trials.part.map_or(1.0, |(_, width)| width);
        let at_once = sums(job.experiment, layout, tests, weight);
        let search = Search::new(job.experiment, layout, tests, weight);
        let mut chance = Streams::new(job.plan.seed).open(0, Purpose::TrialSearch);
        let choices = search.choose(&at_once, trials.pairs, &mut chance);
        let sought = search.force(trials, job, threads, &choices)?;
        Ok(sought.map(|sought| Self { at_once, sought, silent }))
    }
}
