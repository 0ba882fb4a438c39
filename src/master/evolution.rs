//! ρ(t) of an experiment at its output times, in a Fock space that is large enough.

use std::collections::HashMap;

use num_complex::Complex64;

use super::counting::Counting;
use super::equation::Equation;
use super::krylov::Krylov;
use super::lindbladian::Lindbladian;
use super::moments::MomentEquations;
use super::positivity::smallest_eigenvalue;
use super::sparse::Operators;
use crate::hilbert::{Cutoff, OscillatorAmplitudes};
use crate::model::{Form, Model, OscillatorPreparation, PureOscillator};
use crate::system::{Experiment, Observable, channels};
use crate::{Error, Result};

/// Bounds on a density-matrix solution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Most memory in bytes.
    pub memory: u64,
    /// Error of ρ allowed over the whole run (Frobenius norm, by the propagator's estimate).
    pub tolerance: f64,
    /// With an automatic cutoff: population allowed on the two highest levels at any output time.
    pub tail: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 4 << 30, tolerance: 1e-10, tail: 1e-12 }
    }
}

/// The density-matrix solution.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exact {
    /// tr(Oρ) by observable, then time.
    pub observables: Vec<Vec<f64>>,
    /// Mean number of jumps before each output time, by channel in the order of [`channels`], then time; empty for the bare
    /// Eq. (23), whose channels are made anew for every ket.
    pub jumps: Vec<Vec<f64>>,
    /// Populations of the Fock levels at the end.
    pub fock: Vec<f64>,
    /// Largest |tr ρ − 1|.
    pub trace_defect: f64,
    /// Largest population of the two highest levels, or beyond them initially.
    pub top_population: f64,
    /// Fock levels used.
    pub levels: usize,
    /// Applications of 𝓛.
    pub applications: u64,
    /// Smallest eigenvalue of ρ at every output time; empty but for Eq. (23), whose forms need not keep ρ positive.
    pub smallest_eigenvalue: Vec<f64>,
}

/// Levels an automatic cutoff starts with above the initial state, and by how much it is raised.
const FIRST_MARGIN: usize = 16;
const GROWTH: f64 = 1.4;

/// Bytes per real unknown besides the Krylov vectors: matrix entries, indices, index map.
const BYTES_PER_UNKNOWN: u64 = 200;

/// Solves the master equation of `experiment`; `progress` hears the fraction done and says whether to go on. `None` when
/// it said no.
///
/// # Errors
/// When the density matrix would take more memory than `limits` allow, or that of the bare Eq. (23) leaves its moment equations.
pub fn solve(experiment: &Experiment, limits: &Limits, mut progress: impl FnMut(f64) -> bool) -> Result<Option<Exact>> {
    match experiment.cutoff {
        Cutoff::Levels(levels) => match attempt(experiment, limits, levels, f64::INFINITY, &mut progress)? {
            Attempt::Done(exact) => Ok(Some(exact)),
            Attempt::TooFewLevels(_) | Attempt::Stopped => Ok(None),
        },
        Cutoff::Auto => {
            let mut levels = initial_levels(experiment) + FIRST_MARGIN;
            let mut last: Option<Tail> = None;
            loop {
                match attempt(experiment, limits, levels, limits.tail, &mut progress)? {
                    Attempt::Done(exact) => return Ok(Some(exact)),
                    Attempt::Stopped => return Ok(None),
                    Attempt::TooFewLevels(tail) => {
                        if last.is_some_and(|last| tail.is_worse_than(last)) && known_number(experiment).is_some() {
                            return Err(Error::Numerical(format!(
                                "the density matrix of the bare Eq. (23) is unstable from t = {} on: the highest of {levels} Fock \
                                 levels hold more ({:.1e}) than those of fewer levels did; a shorter run, model.cutoff or form = \
                                 \"completed\" avoid that",
                                tail.time, tail.population
                            )));
                        }
                        last = Some(tail);
                    }
                }
                levels = (levels as f64 * GROWTH).ceil() as usize;
            }
        }
    }
}

/// Deviation of ⟨N⟩ from the moment equations, relative to 1 + ⟨N⟩, from which ρ is not the equation's.
const UNSTABLE: f64 = 1e-8;

/// ⟨N⟩ at the output times where it is known otherwise and ρ may go astray: by the moment equations of the bare Eq. (23).
fn known_number(experiment: &Experiment) -> Option<Vec<f64>> {
    match &experiment.model {
        Model::BornMarkov(model) if model.form == Form::Bare => {
            let moments = MomentEquations::new(model).solve(experiment.oscillator, &experiment.times);
            Some(moments.iter().map(|moments| moments.number).collect())
        }
        Model::OscillatorSpins(_) | Model::Adiabatic(_) | Model::BornMarkov(_) => None,
    }
}

enum Attempt {
    Done(Exact),
    TooFewLevels(Tail),
    Stopped,
}

/// What the two highest levels held when it first was too much.
#[derive(Debug, Clone, Copy)]
struct Tail {
    time: f64,
    population: f64,
}

impl Tail {
    /// Whether it came sooner, or was larger at the same time, although there were more levels.
    fn is_worse_than(self, with_fewer_levels: Self) -> bool {
        self.time < with_fewer_levels.time
            || self.time == with_fewer_levels.time && self.population >= with_fewer_levels.population
    }
}

/// Solves with `levels` Fock levels; these are too few when the two highest held more than `tail` at an output time.
fn attempt(
    experiment: &Experiment,
    limits: &Limits,
    levels: usize,
    tail: f64,
    progress: &mut impl FnMut(f64) -> bool,
) -> Result<Attempt> {
    let rows = 1usize << experiment.model.spins().len();
    let dimension = rows * levels;
    let per_entry = 2 * (8 * (Krylov::VECTORS as u64 + 2) + BYTES_PER_UNKNOWN);
    let most = limits.memory / per_entry;
    let too_large = |entries: f64| Error::TooLarge {
        what: format!(
            "a density matrix of dimension {dimension} ({levels} Fock levels × {rows} spin states, about {entries:.2e} of its entries)"
        ),
        needed: gigabytes(entries * per_entry as f64),
        limit: gigabytes(limits.memory as f64),
        advice: "use `fluctuator run`, which holds only kets, or raise --memory-limit".into(),
    };
    // The coupling fills the upper triangle but for a conserved parity: D²/4 entries. Without it ρ may stay diagonal.
    let couples = match &experiment.model {
        Model::OscillatorSpins(model) => model.spins.iter().any(|spin| spin.coupling != 0.0),
        Model::Adiabatic(model) => model.diffusion > 0.0,
        Model::BornMarkov(_) => true,
    };
    let filled = (dimension as f64).powi(2) / 4.0;
    if dimension > u32::MAX as usize || (if couples { filled } else { dimension as f64 }) > most as f64 {
        return Err(too_large(filled));
    }
    let (initial, lost) = initial_entries(experiment, levels);
    let operators = Operators::new(&experiment.model, levels);
    let support: Vec<(u32, u32)> =
        initial.keys().copied().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let equation = Equation::of(&experiment.model, &operators);
    let lindbladian = match Lindbladian::new(&equation, &support, most, || progress(0.0)) {
        Err(Error::Stopped) => return Ok(Attempt::Stopped),
        made => made?.ok_or_else(|| too_large(filled))?,
    };
    let mut rho = vec![0.0; lindbladian.dimension()];
    for (e, entry) in lindbladian.entries().iter().enumerate() {
        if let Some(value) = initial.get(entry) {
            (rho[2 * e], rho[2 * e + 1]) = (value.re, value.im);
        }
    }
    let of = |observable: &Observable| match operators.observable(*observable) {
        Some(operator) => Ok(lindbladian.functional(&operator)),
        None => Err(Error::Numerical(format!("the density matrix does not know the observable {observable}"))),
    };
    let readouts = experiment.observables.iter().map(of).collect::<Result<Vec<Vec<f64>>>>()?;
    let populations = level_entries(&lindbladian, levels);

    let known = known_number(experiment);
    let end = experiment.times.last().copied().unwrap_or(0.0);
    let counting = Counting::new(&channels(&experiment.model), &operators, &lindbladian, end);
    rho.resize(lindbladian.dimension() + counting.as_ref().map_or(0, Counting::len), 0.0);
    let mut exact = Exact {
        observables: vec![Vec::new(); readouts.len()],
        jumps: vec![Vec::new(); counting.as_ref().map_or(0, Counting::len)],
        top_population: lost,
        levels,
        ..Exact::default()
    };
    let mut krylov = Krylov::new(rho.len());
    let mut now = 0.0;
    for &time in &experiment.times {
        let go_on = |left: f64| progress((time - left) / end);
        let apply = |from: &[f64], to: &mut [f64]| {
            lindbladian.apply(from, to);
            if let Some(counting) = &counting {
                counting.apply(from, to);
            }
        };
        if !krylov.advance(apply, &mut rho, time - now, limits.tolerance / end, go_on) {
            return Ok(Attempt::Stopped);
        }
        now = time;
        for (curve, readout) in exact.observables.iter_mut().zip(&readouts) {
            curve.push(readout.iter().zip(&rho).map(|(o, x)| o * x).sum());
        }
        if let Some(counting) = &counting {
            exact.jumps.iter_mut().zip(counting.numbers(&rho)).for_each(|(curve, number)| curve.push(number));
        }
        let fock = populations.iter().map(|entries| entries.iter().map(|&e| rho[e]).sum::<f64>());
        exact.fock = fock.collect();
        let top: f64 = exact.fock.iter().rev().take(2).map(|population| population.abs()).sum();
        exact.top_population = exact.top_population.max(top);
        exact.trace_defect = exact.trace_defect.max((exact.fock.iter().sum::<f64>() - 1.0).abs());
        if top > tail {
            return Ok(Attempt::TooFewLevels(Tail { time, population: top }));
        }
        let curve = &exact.observables[experiment.number_index()];
        if let Some(known) = &known {
            let (number, exact) = (curve[curve.len() - 1], known[curve.len() - 1]);
            let deviation = (number - exact).abs();
            if deviation.is_nan() || deviation > UNSTABLE * (1.0 + exact.abs()) {
                return Err(Error::Numerical(format!(
                    "the density matrix of the bare Eq. (23) on {levels} Fock levels has ⟨N⟩ = {number:.9} at t = {time}, its \
                     moment equations {exact:.9}: model.cutoff is too small, or rounding has grown, as it may without Lindblad \
                     form (a shorter run, fewer levels or form = \"completed\" avoid that)"
                )));
            }
        }
        if matches!(experiment.model, Model::BornMarkov(_)) {
            let entries = lindbladian
                .entries()
                .iter()
                .enumerate()
                .map(|(e, &(i, j))| (i as usize, j as usize, Complex64::new(rho[2 * e], rho[2 * e + 1])));
            let Some(smallest) = smallest_eigenvalue(dimension, entries, || progress(time / end)) else {
                return Ok(Attempt::Stopped);
            };
            exact.smallest_eigenvalue.push(smallest);
        }
    }
    exact.applications = krylov.applications;
    Ok(Attempt::Done(exact))
}

/// Levels that the initial state needs.
fn initial_levels(experiment: &Experiment) -> usize {
    match experiment.oscillator {
        OscillatorPreparation::Fock(n) => n + 1,
        OscillatorPreparation::Coherent(_) => mixture(experiment, Cutoff::Auto)
            .iter()
            .map(|(_, state)| state.lo + state.amplitudes.len())
            .max()
            .unwrap_or(1),
        OscillatorPreparation::Thermal(nbar) => 1 + thermal_levels(nbar),
    }
}

/// Levels of a thermal state with a weight above 1e-18.
fn thermal_levels(nbar: f64) -> usize {
    if nbar == 0.0 { 1 } else { (THERMAL_TAIL.ln() / (nbar / (nbar + 1.0)).ln()).ceil() as usize }
}

/// Weight at which a thermal mixture is cut.
const THERMAL_TAIL: f64 = 1e-18;

/// The initial oscillator state as (weight, pure state) parts.
fn mixture(experiment: &Experiment, cutoff: Cutoff) -> Vec<(f64, OscillatorAmplitudes)> {
    const TAIL: f64 = 1e-24;
    let pure = |state| OscillatorAmplitudes::new(state, TAIL, cutoff);
    match experiment.oscillator {
        OscillatorPreparation::Fock(n) => vec![(1.0, pure(PureOscillator::Fock(n)))],
        OscillatorPreparation::Coherent(alpha) => vec![(1.0, pure(PureOscillator::Coherent(alpha)))],
        OscillatorPreparation::Thermal(nbar) => {
            let ratio = nbar / (nbar + 1.0);
            let weights = std::iter::successors(Some(1.0 - ratio), |weight| Some(weight * ratio));
            let kept = weights.take_while(|weight| *weight > THERMAL_TAIL).enumerate();
            let held = kept.take_while(|(n, _)| cutoff.holds(*n));
            held.map(|(n, weight)| (weight, pure(PureOscillator::Fock(n)))).collect()
        }
    }
}

/// ρ(0) by entry (i ≤ j), normalised, and the population that the cutoff took away.
fn initial_entries(experiment: &Experiment, levels: usize) -> (HashMap<(u32, u32), Complex64>, f64) {
    let spins = experiment.model.spins();
    let parts = mixture(experiment, Cutoff::Levels(levels));
    let total: f64 = parts.iter().map(|part| part.0).sum();
    let lost = parts.iter().map(|part| part.0 * part.1.clipped).sum::<f64>() + (1.0 - total).max(0.0);
    let mut entries = HashMap::new();
    for row in 0..1usize << spins.len() {
        let weight: f64 = (spins.iter().enumerate())
            .map(|(i, spin)| {
                let excited = spin.initial_excited_probability();
                if row >> i & 1 == 1 { excited } else { 1.0 - excited }
            })
            .product();
        if weight == 0.0 {
            continue;
        }
        for (share, state) in &parts {
            for (a, left) in state.amplitudes.iter().enumerate() {
                for (b, right) in state.amplitudes.iter().enumerate().skip(a) {
                    let key = ((row * levels + state.lo + a) as u32, (row * levels + state.lo + b) as u32);
                    *entries.entry(key).or_insert(Complex64::ZERO) += weight * share / total * left * right.conj();
                }
            }
        }
    }
    (entries, lost)
}

/// For every Fock level, where the vector holds its diagonal entries.
fn level_entries(lindbladian: &Lindbladian, levels: usize) -> Vec<Vec<usize>> {
    let mut places = vec![Vec::new(); levels];
    for (e, &(i, j)) in lindbladian.entries().iter().enumerate() {
        if i == j {
            places[i as usize % levels].push(2 * e);
        }
    }
    places
}

fn gigabytes(bytes: f64) -> String {
    format!("{:.1} GiB", bytes / (1u64 << 30) as f64)
}
