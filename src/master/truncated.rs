//! ρ of an experiment on so many Fock levels: built on the entries that are reached, carried on, and read.

use num_complex::Complex64;

use super::counting::Counting;
use super::equation::Equation;
use super::exact::{Exact, Limits};
use super::initial::initial_entries;
use super::krylov::Krylov;
use super::lindbladian::Lindbladian;
use super::positivity::smallest_eigenvalue;
use super::sparse::Operators;
use crate::model::Model;
use crate::system::{Experiment, Observable, channels};
use crate::{Error, Result};

/// Bytes per real unknown besides the Krylov vectors: matrix entries, indices, index map.
const BYTES_PER_UNKNOWN: u64 = 200;

/// ρ on so many Fock levels at some time, and what has been read of it.
pub struct Truncated<'a> {
    experiment: &'a Experiment,
    dimension: usize,
    lindbladian: Lindbladian,
    counting: Option<Counting>,
    /// Every observable as a functional of the entries.
    readouts: Vec<Vec<f64>>,
    /// For every Fock level, where its populations are.
    populations: Vec<Vec<usize>>,
    krylov: Krylov,
    /// The entries of ρ, followed by the numbers of jumps.
    rho: Vec<f64>,
    now: f64,
    /// What has been read.
    pub exact: Exact,
}

impl<'a> Truncated<'a> {
    /// ρ(0) on `levels` Fock levels; `None` when `progress` said no.
    ///
    /// # Errors
    /// When it would take more memory than `limits` allow, or has an observable that is not known.
    pub fn new(
        experiment: &'a Experiment,
        limits: &Limits,
        levels: usize,
        progress: impl FnMut() -> bool,
    ) -> Result<Option<Self>> {
        let rows = 1usize << experiment.model.spins().len();
        let dimension = rows * levels;
        let most = most_entries(experiment, limits, [levels, rows])?;
        let (initial, lost) = initial_entries(experiment, levels);
        let operators = Operators::new(&experiment.model, levels);
        let support: Vec<(u32, u32)> =
            initial.keys().copied().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        let equation = Equation::of(&experiment.model, &operators);
        let lindbladian = match Lindbladian::new(&equation, &support, most, progress) {
            Err(Error::Stopped) => return Ok(None),
            made => made?.ok_or_else(|| too_large(limits, [levels, rows]))?,
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
        let counting = Counting::new(&channels(&experiment.model), &operators, &lindbladian, end_of_run(experiment));
        let counted = counting.as_ref().map_or(0, Counting::len);
        rho.resize(lindbladian.dimension() + counted, 0.0);
        let exact = Exact {
            observables: vec![Vec::new(); readouts.len()],
            jumps: vec![Vec::new(); counted],
            top_population: lost,
            levels,
            ..Exact::default()
        };
        Ok(Some(Self {
            experiment,
            dimension,
            populations: level_entries(&lindbladian, levels),
            lindbladian,
            counting,
            readouts,
            krylov: Krylov::new(rho.len()),
            rho,
            now: 0.0,
            exact,
        }))
    }

    /// Carries ρ on to `time` with an error of at most `tolerance` per unit time; `false` when `progress` said no, which hears the
    /// fraction done.
    pub fn advance(&mut self, time: f64, tolerance: f64, progress: &mut impl FnMut(f64) -> bool) -> bool {
        let Self { lindbladian, counting, krylov, rho, now, .. } = self;
        let end = end_of_run(self.experiment);
        let go_on = |left: f64| progress((time - left) / end);
        let apply = |from: &[f64], to: &mut [f64]| {
            lindbladian.apply(from, to);
            if let Some(counting) = &*counting {
                counting.apply(from, to);
            }
        };
        let arrived = krylov.advance(apply, rho, time - *now, tolerance, go_on);
        *now = time;
        self.exact.applications = krylov.applications;
        arrived
    }

    /// Reads all observables, jumps and populations off, and returns what the two highest levels hold.
    pub fn read(&mut self) -> f64 {
        let Self { readouts, counting, populations, rho, exact, .. } = self;
        for (curve, readout) in exact.observables.iter_mut().zip(readouts) {
            curve.push(readout.iter().zip(&*rho).map(|(o, x)| o * x).sum());
        }
        if let Some(counting) = counting {
            exact.jumps.iter_mut().zip(counting.numbers(rho)).for_each(|(curve, number)| curve.push(number));
        }
        exact.fock = populations.iter().map(|entries| entries.iter().map(|&e| rho[e]).sum::<f64>()).collect();
        let top: f64 = exact.fock.iter().rev().take(2).map(|population| population.abs()).sum();
        exact.top_population = exact.top_population.max(top);
        exact.trace_defect = exact.trace_defect.max((exact.fock.iter().sum::<f64>() - 1.0).abs());
        top
    }

    /// Finds ρ's smallest eigenvalue; `false` when `progress` said no.
    pub fn find_smallest_eigenvalue(&mut self, progress: impl FnMut() -> bool) -> bool {
        let Self { lindbladian, rho, .. } = &*self;
        let entry =
            |(e, &(i, j)): (usize, &(u32, u32))| (i as usize, j as usize, Complex64::new(rho[2 * e], rho[2 * e + 1]));
        let entries = lindbladian.entries().iter().enumerate().map(entry);
        let found = smallest_eigenvalue(self.dimension, entries, progress);
        self.exact.smallest_eigenvalue.extend(found);
        found.is_some()
    }
}

fn end_of_run(experiment: &Experiment) -> f64 {
    experiment.times.last().copied().unwrap_or(0.0)
}

/// How many entries of ρ the memory holds.
///
/// # Errors
/// When these are fewer than it is likely to have.
fn most_entries(experiment: &Experiment, limits: &Limits, [levels, rows]: [usize; 2]) -> Result<usize> {
    let dimension = rows * levels;
    let most = limits.memory / BYTES_PER_ENTRY;
    // Without a coupling ρ may stay diagonal.
    let couples = match &experiment.model {
        Model::OscillatorSpins(model) => model.spins.iter().any(|spin| spin.coupling != 0.0),
        Model::Adiabatic(model) => model.diffusion > 0.0,
        Model::BornMarkov(_) => true,
    };
    let least = if couples { filled(dimension) } else { dimension as f64 };
    if dimension > u32::MAX as usize || least > most as f64 {
        return Err(too_large(limits, [levels, rows]));
    }
    Ok(usize::try_from(most).unwrap_or(usize::MAX))
}

/// Bytes per entry of ρ.
const BYTES_PER_ENTRY: u64 = 2 * (8 * (Krylov::VECTORS as u64 + 2) + BYTES_PER_UNKNOWN);

/// The coupling fills the upper triangle but for a conserved parity: D²/4 entries.
fn filled(dimension: usize) -> f64 {
    (dimension as f64).powi(2) / 4.0
}

fn too_large(limits: &Limits, [levels, rows]: [usize; 2]) -> Error {
    let dimension = rows * levels;
    let entries = filled(dimension);
    Error::TooLarge {
        what: format!(
            "a density matrix of dimension {dimension} ({levels} Fock levels × {rows} spin states, about {entries:.2e} of its entries)"
        ),
        needed: gigabytes(entries * BYTES_PER_ENTRY as f64),
        limit: gigabytes(limits.memory as f64),
        advice: "use `fluctuator run`, which holds only kets, or raise --memory-limit".into(),
    }
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
