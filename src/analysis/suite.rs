//! Verdict on error bars over many systems: cells that cover too seldom, deviations that chance does not give, inflation.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Point;
use super::chance::{FALSE_ALARM, beyond_probability, most};
use super::deviations::Deviations;
use super::truth::Known;

/// A deviation of so many standard errors is counted.
pub const BEYOND: f64 = 5.0;

/// From so many independent units on deviations beyond [`BEYOND`] are expected as of normal ones.
const POOLED_FROM: u64 = 100;

/// Cells with so many expected events of every channel say how wide error bars are.
const FREQUENT: f64 = 30.0;

/// The widest that they may be, in true errors, in the median.
pub const INFLATION: f64 = 1.3;

/// How runs of one system are made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// Name of the system.
    pub system: String,
    /// `default` or `plain`.
    pub estimator: String,
    /// `direct`, `no-jump` or `stratified`.
    pub sampling: String,
    /// Trajectories of a run.
    pub trajectories: u64,
    /// Independent units behind its errors: trajectories, or blocks.
    pub units: u64,
    /// The first seed; systems do not share any.
    pub first_seed: u64,
}

/// One quantity at one time of one setting, over all seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// Where it belongs.
    #[serde(flatten)]
    pub setting: Setting,
    /// The quantity.
    pub quantity: String,
    /// The time.
    pub time: f64,
    /// Its exact value.
    pub exact: f64,
    /// Runs, one per seed.
    pub runs: u64,
    /// Fraction of them within two standard errors, or within Student's interval for few units.
    pub covered: f64,
    /// The smallest fraction that chance allows.
    pub lowest: f64,
    /// Mean of (estimate − exact)/(standard error).
    pub mean_z: f64,
    /// Runs further off than five standard errors.
    pub beyond: u64,
    /// Mean standard error.
    pub mean_error: f64,
    /// Root of the mean squared deviation.
    pub true_error: f64,
    /// Expected events of the rarest channel in a run, where that is known.
    pub events: Option<f64>,
}

impl Cell {
    /// Whether it covers too seldom to be chance.
    pub fn is_low(&self) -> bool {
        self.covered < self.lowest
    }

    /// Mean standard error over true error, where every event is frequent.
    pub fn inflation(&self) -> Option<f64> {
        let frequent = self.events.is_some_and(|events| events >= FREQUENT) && self.true_error > 0.0;
        frequent.then(|| self.mean_error / self.true_error)
    }
}

/// Counts the cells of one setting, seed by seed.
pub struct Counter {
    setting: Setting,
    cells: Vec<(Known, Deviations, u64)>,
    seeds: u64,
    pool: Pool,
}

/// A value further off than five standard errors.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Far {
    /// The system, and how it was run.
    pub system: String,
    /// `default` or `plain`.
    pub estimator: String,
    /// `direct`, `no-jump` or `stratified`.
    pub sampling: String,
    /// The seed of the run.
    pub seed: u64,
    /// The quantity.
    pub quantity: String,
    /// The time.
    pub time: f64,
    /// (estimate − exact)/(standard error).
    pub z: f64,
}

/// Deviations beyond five standard errors, over everything.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Pool {
    /// Values that could deviate.
    pub values: u64,
    /// How many would by chance.
    pub expected: f64,
    /// Those that did.
    pub far: Vec<Far>,
}

impl Pool {
    /// The most runs with such a deviation that chance allows: their expected number is at most that of the values.
    pub fn allowed(&self) -> u64 {
        most(self.expected)
    }

    /// Systems and seeds with such a deviation: values of one seed depend on each other, those of different seeds do not.
    pub fn runs(&self) -> usize {
        self.far.iter().map(|far| (&far.system, far.seed)).collect::<BTreeSet<_>>().len()
    }

    /// Adds another pool.
    pub fn add(&mut self, other: Self) {
        self.values += other.values;
        self.expected += other.expected;
        self.far.extend(other.far);
    }
}

impl Counter {
    /// Nothing counted yet of what is `known` of a system.
    pub fn new(setting: Setting, known: &[Known]) -> Self {
        let units = setting.units;
        let cells = known.iter().map(|known| (known.clone(), Deviations::of_units(units), 0)).collect();
        Self { setting, cells, seeds: 0, pool: Pool::default() }
    }

    /// Adds the result of one seed.
    pub fn push(&mut self, point: &Point) {
        let units = self.setting.units;
        let (pooled, probability) = (units >= POOLED_FROM, beyond_probability(BEYOND, units));
        for (known, deviations, beyond) in &mut self.cells {
            let Some(found) = known.found_in(point)[0] else { continue };
            deviations.push(found.mean, found.error, known.exact, known.tolerance);
            let is_beyond = found.z(known).abs() > BEYOND;
            *beyond += u64::from(is_beyond);
            if pooled && !found.is_numerical(known) {
                self.pool.values += 1;
                self.pool.expected += probability;
                if is_beyond {
                    let Setting { system, estimator, sampling, first_seed, .. } = self.setting.clone();
                    let seed = first_seed.wrapping_add(self.seeds);
                    let (quantity, time, z) = (known.quantity.clone(), known.time, found.z(known));
                    self.pool.far.push(Far { system, estimator, sampling, seed, quantity, time, z });
                }
            }
        }
        self.seeds += 1;
    }

    /// Seeds so far.
    pub fn seeds(&self) -> u64 {
        self.seeds
    }

    /// The cells in which anything could deviate, and the deviations beyond five standard errors.
    pub fn finish(self) -> (Vec<Cell>, Pool) {
        let Self { setting, cells, pool, .. } = self;
        let tested = cells.into_iter().filter(|(_, deviations, _)| deviations.runs() > 0 && !deviations.is_numerical());
        let cell = |(known, deviations, beyond): (Known, Deviations, u64)| {
            let [_, level] = deviations.levels();
            // What is below the tolerance says nothing of statistical errors.
            let statistical = deviations.true_error() > known.tolerance;
            let quantity = known.quantity;
            Cell {
                time: known.time,
                exact: known.exact,
                runs: deviations.runs(),
                covered: level.seen,
                lowest: level.lowest,
                mean_z: deviations.mean(),
                beyond,
                // A run of one unit has no error, which never covers.
                mean_error: Some(deviations.mean_error()).filter(|error| error.is_finite()).unwrap_or(0.0),
                true_error: deviations.true_error(),
                events: known.events.filter(|_| statistical).map(|events| {
                    // Of a level those events count that reach it.
                    let events = if quantity.starts_with("level.") { events.min(known.exact) } else { events };
                    events * setting.trajectories as f64
                }),
                quantity,
                setting: setting.clone(),
            }
        };
        (tested.map(cell).collect(), pool)
    }
}

/// The verdict over everything that was tested.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Systems.
    pub systems: usize,
    /// Cells in which anything could deviate.
    pub cells: usize,
    /// Cells that cover too seldom.
    pub low: usize,
    /// Probability that any cell is found low by chance, at most.
    pub false_alarm: f64,
    /// Deviations beyond five standard errors, pooled over all cells with 100 units or more.
    pub pool: Pool,
    /// Systems and seeds with a deviation beyond five standard errors.
    pub runs_beyond: usize,
    /// The most of them that chance allows.
    pub allowed_beyond: u64,
    /// Cells with 30 expected events or more of every channel.
    pub frequent: usize,
    /// Their median inflation: mean standard error over true error.
    pub median_inflation: Option<f64>,
    /// The same by estimator and sampling.
    pub inflation: BTreeMap<String, f64>,
    /// Runs that ended with an error.
    pub failures: Vec<String>,
}

impl Verdict {
    /// The verdict on these cells.
    pub fn of(cells: &[Cell], pool: Pool, failures: Vec<String>) -> Self {
        let systems: BTreeSet<&str> = cells.iter().map(|cell| cell.setting.system.as_str()).collect();
        let mut by_setting = BTreeMap::<String, Vec<f64>>::new();
        for cell in cells {
            if let Some(inflation) = cell.inflation() {
                let name = format!("{}, {}", cell.setting.estimator, cell.setting.sampling);
                by_setting.entry(name).or_default().push(inflation);
            }
        }
        let all: Vec<f64> = by_setting.values().flatten().copied().collect();
        Self {
            systems: systems.len(),
            cells: cells.len(),
            low: cells.iter().filter(|cell| cell.is_low()).count(),
            false_alarm: (cells.len() as f64 * FALSE_ALARM).min(1.0),
            runs_beyond: pool.runs(),
            allowed_beyond: pool.allowed(),
            pool,
            frequent: all.len(),
            median_inflation: median(all),
            inflation: by_setting
                .into_iter()
                .filter_map(|(name, ratios)| median(ratios).map(|median| (name, median)))
                .collect(),
            failures,
        }
    }

    /// Whether everything is as promised.
    pub fn passes(&self) -> bool {
        self.low == 0
            && self.failures.is_empty()
            && self.runs_beyond as u64 <= self.allowed_beyond
            && self.median_inflation.is_none_or(|median| median <= INFLATION)
    }
}

/// The middle value; `None` of none.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
