//! How a run learns, from pilot and trial trajectories, before it begins.

use std::sync::Arc;

use super::controls::{CONTROLS, Guide};
use super::evidence::{Evidence, Ran, spread};
use super::immediate::sums;
use super::job::Job;
use super::least_squares::least_squares_along;
use super::sought::Search;
use super::study::Study;
use super::threads::Threads;
use super::trial::{MOST_INSTANTS, Trial, Trials};
use super::{Estimator, Layout, Lessons, Purpose, Sampling, Streams, pilot};
use crate::Result;
use crate::system::{Experiment, Followed, quantity};

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
    pub fn law<S: Followed>(system: &S, job: &Job, threads: &Threads) -> Result<Option<Self>> {
        let Estimator::Controlled { pilot } = job.plan.estimator else { return Ok(Some(Self::default())) };
        if system.is_weighted() {
            let layout = Layout::new(job.experiment, system.channels().len());
            let weights = Some(vec![[0.0; CONTROLS]; layout.estimates()]);
            return Ok(Some(Self { weights, ..Self::default() }));
        }
        let guide = pilot::learn(system, job, pilot, None, threads)?;
        Ok(guide.map(|guide| Self { guide: Some(guide), ..Self::default() }))
    }

    /// Runs the pilots of a job, their first thresholds confined to `part` (lower end and width); `None` when it is stopped.
    ///
    /// # Errors
    /// When a trajectory fails.
    pub fn learn<S: Followed>(
        system: &S,
        job: &Job,
        part: Option<(f64, f64)>,
        threads: &Threads,
    ) -> Result<Option<Self>> {
        let experiment = job.experiment;
        let layout = Layout::new(experiment, system.channels().len());
        let Numbers { pilots, plain, pairs } = Numbers::of(job.plan.estimator, layout);
        let controlled = job.plan.estimator != Estimator::Plain;
        let guide = match controlled && !system.is_weighted() {
            true => match pilot::learn(system, job, pilots, part, threads)? {
                Some(guide) => Some(guide),
                None => return Ok(None),
            },
            false => None,
        };
        let none = vec![[0.0; CONTROLS]; layout.estimates()];
        let weights = (controlled && system.is_weighted()).then(|| none.clone());
        let trials = Trials {
            system,
            guide: guide.as_ref(),
            weights: weights.as_deref(),
            part,
            plain: if controlled { plain } else { 0 },
            pairs,
        };
        let Some(ran) = trials.run(job, threads)? else { return Ok(None) };
        let (fits, tests) = ran.split_at(trials.plain as usize);
        let silent = match system.channels().iter().any(|channel| channel.rate > 0.0) {
            true => trials.silent(job, tests)?,
            false => Some(Vec::new()),
        };
        let Some(silent) = silent else { return Ok(None) };
        let width = part.map_or(1.0, |(_, width)| width);
        let at_once = sums(experiment, layout, tests, width);
        let search = Search::new(experiment, layout, tests, width);
        let mut chance = Streams::new(job.plan.seed).open(0, Purpose::TrialSearch);
        let choices = search.choose(&at_once, pairs, &mut chance);
        let Some(sought) = trials.seek(job, threads, &search, &choices)? else { return Ok(None) };
        let ran_with_events = Ran { tests, sought: &sought, silent: &silent };
        let evidence = Evidence::new(experiment, layout, ran_with_events, &at_once, part);
        let base = |entry: usize| guide.as_ref().map_or([0.0; CONTROLS], |guide| guide.drift(layout, entry));
        let mut coefficients = none;
        let mut study = Study::default();
        let scales = scales(system, experiment, guide.as_ref());
        // A control errs by the tolerance in the same direction in every trajectory: the error of a mean does not fall with their
        // number, and in units of a trajectory's variance it grows with that.
        let scale = |entry: usize, beta: &[f64; CONTROLS]| {
            let Scale { value, controls } = scales[layout.curve(entry)];
            controls.iter().zip(beta).map(|(scale, beta)| scale * beta.abs()).sum::<f64>().max(value)
        };
        let tolerance = job.tolerances.ket;
        let variance = |entry: usize, beta: &[f64; CONTROLS]| {
            let numerical = tolerance * scale(entry, beta);
            evidence.variance(entry, beta) + job.plan.trajectories as f64 * numerical * numerical
        };
        // What the plain average and the best correction of a curve leave of its variance, over all its values.
        let mut left = vec![[0.0; 2]; layout.curves()];
        let mut used = vec![false; layout.curves()];
        if controlled {
            for (entry, best) in coefficients.iter_mut().enumerate() {
                let noise = tolerance * scales[layout.curve(entry)].value;
                let time = layout.time(entry).unwrap_or(experiment.heating_window[1]);
                let base = base(entry);
                let fitted = fit(fits, (entry, time), base, noise, width);
                let [plain, drift, fitted_left] = [[0.0; CONTROLS], base, fitted].map(|beta| variance(entry, &beta));
                let (beta, corrected) = if fitted_left < drift { (fitted, fitted_left) } else { (base, drift) };
                *best = beta;
                used[layout.curve(entry)] |= beta.iter().any(|beta| *beta != 0.0);
                left[layout.curve(entry)][0] += plain;
                left[layout.curve(entry)][1] += corrected;
            }
        }
        let pays = |([plain, corrected], used): (&[f64; 2], &bool)| *used && corrected <= plain;
        study.controlled = left.iter().zip(&used).map(pays).collect();
        for (entry, beta) in coefficients.iter_mut().enumerate() {
            if !study.controlled[layout.curve(entry)] {
                *beta = [0.0; CONTROLS];
            }
        }
        study.scale = coefficients.iter().enumerate().map(|(entry, beta)| scale(entry, beta)).collect();
        let beta = |entry: usize| coefficients.get(entry).unwrap_or(&[0.0; CONTROLS]);
        study.record = (0..layout.len()).map(|entry| evidence.effects(entry, beta(entry))).collect();
        study.others = if job.plan.sampling == Sampling::Stratified { 0 } else { ran.len() as u64 };
        study.spread = (0..layout.len()).map(|entry| width * width * spread(&ran, entry, beta(entry))).collect();
        study.fock = evidence.fock();
        study.any = evidence.any(experiment);
        let weights = weights.map(|_| coefficients.clone());
        let guide = guide.map(|guide| guide.with_coefficients(coefficients));
        Ok(Some(Self { guide, weights, study: Arc::new(study) }))
    }
}

/// Least squares of a value on its controls, beside the coefficients `base` where the trajectories do not tell: what varies by no
/// more than `noise` counts as constant.
///
/// A fit to a few trajectories that have jumped once leaves no residue and knows nothing of two jumps in a row. So it tells of a
/// combination of controls only if n jumped trajectories out of N carry it ((Σ|x|)²/Σx² by how far they are from the median) with n²/2N > 1, so
/// that one of them jumped twice; where first jumps are drawn from `width` of all thresholds, that many times less.
fn fit(
    trials: &[Trial],
    (entry, time): (usize, usize),
    base: [f64; CONTROLS],
    noise: f64,
    width: f64,
) -> [f64; CONTROLS] {
    if trials.is_empty() {
        return base;
    }
    let rows: Vec<[f64; CONTROLS + 1]> = trials
        .iter()
        .map(|trial| {
            let controls = &trial.natural.controls[entry];
            let rest = controls.iter().zip(base).fold(trial.natural.record[entry], |y, (c, beta)| y - beta * c);
            std::array::from_fn(|i| if i == 0 { rest } else { controls[i - 1] })
        })
        .collect();
    let count = rows.len() as f64;
    let means: [f64; CONTROLS + 1] = std::array::from_fn(|i| rows.iter().map(|row| row[i]).sum::<f64>() / count);
    let product = |i: usize, j: usize| rows.iter().map(|row| (row[i] - means[i]) * (row[j] - means[j])).sum::<f64>();
    let ridge = |i: usize, j: usize| if i == j { count * noise * noise } else { 0.0 };
    let pairs = (1..=CONTROLS).flat_map(|i| (1..=CONTROLS).map(move |j| (i, j)));
    let gram: Vec<f64> = pairs.map(|(i, j)| product(i, j) + ridge(i, j)).collect();
    let right: Vec<f64> = (1..=CONTROLS).map(|i| product(0, i)).collect();
    let jumped: Vec<bool> = trials.iter().map(|trial| trial.natural.log_survival[time] == f64::NEG_INFINITY).collect();
    let known = |weights: &[f64]| {
        let along = |row: &[f64; CONTROLS + 1]| (0..CONTROLS).map(|k| weights[k] * row[k + 1]).sum::<f64>();
        let values: Vec<f64> = rows.iter().map(along).collect();
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted[sorted.len() / 2];
        let far = values.iter().zip(&jumped).filter(|(_, jumped)| **jumped).map(|(value, _)| (value - median).abs());
        let [first, second] = far.fold([0.0; 2], |[first, second], x| [first + x, second + x * x]);
        // n²/2N > 1 with n = first²/second.
        width * first.powi(4) > 2.0 * count * second * second
    };
    let fitted = least_squares_along(&gram, &right, CONTROLS, known);
    std::array::from_fn(|i| fitted[i] + base[i])
}

/// What numerical errors make of a curve, in units of the tolerance.
#[derive(Clone, Copy)]
struct Scale {
    /// Those of every followed quantity of its values.
    value: f64,
    /// Those of the martingales of each control.
    controls: [f64; CONTROLS],
}

/// That of every curve.
fn scales<S: Followed>(system: &S, experiment: &Experiment, guide: Option<&Guide>) -> Vec<Scale> {
    let amplification = guide.map(|guide| guide.closure.amplification());
    let of = |expression: Vec<f64>| {
        let value = expression.iter().map(|c| c.abs()).sum::<f64>().max(1.0);
        let Some(amplification) = amplification else { return Scale { value, controls: [value; CONTROLS] } };
        let fitted = expression.iter().zip(amplification).map(|(c, error)| c.abs() * error).sum();
        let more = amplification.get(quantity::P_COUPLING).copied().unwrap_or(0.0);
        Scale { value, controls: [fitted, value, more, 1.0] }
    };
    let mut scales: Vec<Scale> = system.expressions(&experiment.observables).into_iter().map(of).collect();
    let number = scales[experiment.number_index()];
    let times = |factor: f64| {
        let Scale { value, controls } = number;
        Scale { value: factor * value, controls: controls.map(|scale| factor * scale) }
    };
    let [from, to] = experiment.heating_window;
    let rate = times(2.0 / (experiment.times[to] - experiment.times[from]));
    // The slope is a sum over output times with levers of either sign: that of the signs of the levers is the largest.
    let middle = experiment.times[from..=to].iter().sum::<f64>() / (to - from + 1) as f64;
    let slope = times(experiment.heating_slope(|time| (experiment.times[time] - middle).signum()));
    scales.extend([rate, slope]);
    scales
}
