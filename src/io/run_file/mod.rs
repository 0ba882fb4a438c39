//! The run file: TOML, `version = 1`, unknown keys refused, every value checked before anything runs.

mod born_markov;
mod coefficients;
mod density;
mod functionals;
mod keys;
mod model;
mod output;
mod overrides;
mod sampling;
mod section;
mod source;
mod tables;
mod target;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use toml::Table;

pub use self::coefficients::{CoefficientsFile, CoefficientsPoint};
pub use self::density::{BathSource, BornMarkovBath};
use self::functionals::{Curves, parse_functionals, parse_window};
pub use self::output::Records;
use self::sampling::{
    check_sampling, check_weights, parse_block, parse_estimator, parse_sampling, parse_sweep_numbers,
};
use self::section::{Section, allowed_words};
pub use self::source::{Source, is_piped, name};
pub use self::tables::TableRows;
use self::tables::{Tables, hash_with};
pub use self::target::Stopping;
use self::target::{Subject, parse_stopping};
use super::provenance::hash_text;
use crate::ensemble::{CorrelationGrid, Estimator, Plan, Sampling, SweepNumbers};
use crate::model::Model;
use crate::propagate::Tolerances;
use crate::system::{Experiment, Observable};
use crate::{Error, Result};

/// Version of the run file's layout.
pub const VERSION: i64 = 1;

/// Longest run file, in bytes: what is read is bounded, whatever it says.
pub(super) const MAX_BYTES: usize = 1 << 22;

/// Most output times of all sweep points together.
const MAX_TIMES: usize = 10_000_000;

/// A run file, read and checked, with its sweep laid out.
#[derive(Debug, Clone, PartialEq)]
pub struct RunFile {
    /// Title for tables and pictures.
    pub title: String,
    /// The file, word for word.
    pub text: String,
    /// `--set` overrides, in order.
    pub overrides: Vec<String>,
    /// SHA-256 of the run file with its overrides, without comments or layout, and of tabulated densities.
    pub hash: String,
    /// The tabulated densities that it names.
    pub tables: TableRows,
    /// Whether `run` also solves the density matrix.
    pub exact: bool,
    /// What `records.nc` is to hold.
    pub records: Records,
    /// Whether sweep points share their random numbers.
    pub sweep_numbers: SweepNumbers,
    /// One entry per sweep point (one without a sweep).
    pub points: Vec<RunPoint>,
}

/// One sweep point.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPoint {
    /// Swept keys and their values here.
    pub parameters: BTreeMap<String, Value>,
    /// What is simulated.
    pub experiment: Experiment,
    /// How accurately.
    pub tolerances: Tolerances,
    /// How many trajectories.
    pub stopping: Stopping,
    /// Seed of the random streams: that of the run file, or one made of it where sweep points have numbers of their own.
    pub seed: u64,
    /// Trajectories per block: `ensemble.block`, or what suits their number ([`Plan::default_block`]).
    pub block: u64,
    /// Plain, or with control variates.
    pub estimator: Estimator,
    /// How first jumps are sampled.
    pub sampling: Sampling,
    /// What is counted of the times between jumps.
    pub correlations: Option<CorrelationGrid>,
    /// The keys of the run file that this came from, without those that results do not depend on.
    pub keys: BTreeMap<String, String>,
}

impl RunPoint {
    /// The plan of this point's ensemble.
    pub fn plan(&self, threads: usize) -> Plan {
        let &Self { seed, block, estimator, sampling, .. } = self;
        Plan { trajectories: self.stopping.trajectories, seed, block, threads, estimator, sampling }
    }

    /// Trajectories before the first look at a target, if there is one.
    pub fn first_look(&self) -> Option<u64> {
        (!self.stopping.targets.is_empty()).then_some(self.stopping.min_trajectories)
    }
}

impl RunFile {
    /// Reads and checks a run file; `overrides` are `key=value` texts with any run-file key.
    ///
    /// # Errors
    /// When the file cannot be read, is not TOML, or says something that is not allowed.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self> {
        Self::of(&Source::read(path)?, overrides)
    }

    /// The same of one that has been read.
    ///
    /// # Errors
    /// When it is not TOML, or says something that is not allowed.
    pub fn of(source: &Source, overrides: &[String]) -> Result<Self> {
        let tables = Tables::new(&source.directory, &TableRows::new());
        Self::parse_in(tables, &source.text, &source.name, overrides)
    }

    /// The same from a text; `name` becomes the title of a run file without one.
    ///
    /// # Errors
    /// When it is not TOML, or says something that is not allowed.
    pub fn parse(text: &str, name: &str, overrides: &[String]) -> Result<Self> {
        Self::parse_stored(text, name, overrides, &TableRows::new())
    }

    /// The same; of the tabulated densities that it names, these `tables` are known.
    ///
    /// # Errors
    /// When it is not TOML, or says something that is not allowed.
    pub fn parse_stored(text: &str, name: &str, overrides: &[String], tables: &TableRows) -> Result<Self> {
        Self::parse_in(Tables::new(Path::new(""), tables), text, name, overrides)
    }

    fn parse_in(tables: Tables, text: &str, name: &str, overrides: &[String]) -> Result<Self> {
        if text.len() > MAX_BYTES {
            return Err(Error::value("the run file", "long", format!("may have {MAX_BYTES} bytes at most")));
        }
        let mut table: Table = text.parse().map_err(|error: toml::de::Error| Error::toml(error))?;
        for pair in overrides {
            overrides::apply(&mut table, pair)?;
        }
        let hash = hash_text(&toml::to_string(&table).map_err(Error::toml)?);
        let mut parsed = Vec::new();
        let mut times = 0;
        let points = overrides::sweep(&mut table)?;
        for point in points {
            let (parameters, table) = point?;
            let (settings, mut point) = parse_point(table, parameters, &tables)?;
            point.seed = settings.sweep_numbers.seed(point.seed, parsed.len());
            times += point.experiment.times.len();
            if times > MAX_TIMES {
                let allowed = format!("all sweep points together may have {MAX_TIMES} output times");
                return Err(Error::value("time.points", point.experiment.times.len(), allowed));
            }
            parsed.push((settings, point));
        }
        let Some((settings, _)) = parsed.first().cloned() else {
            return Err(Error::value("sweep", "[]", "a sweep needs at least one value per key"));
        };
        let tables = tables.into_rows();
        Ok(Self {
            title: settings.title.unwrap_or_else(|| name.to_owned()),
            text: text.to_owned(),
            overrides: overrides.to_vec(),
            hash: hash_with(hash, &tables),
            tables,
            exact: settings.exact,
            records: settings.records,
            sweep_numbers: settings.sweep_numbers,
            points: parsed.into_iter().map(|(_, point)| point).collect(),
        })
    }
}

/// What belongs to the whole file, not to a sweep point.
#[derive(Debug, Clone)]
struct Settings {
    title: Option<String>,
    exact: bool,
    records: Records,
    sweep_numbers: SweepNumbers,
}

fn parse_point(table: Table, parameters: BTreeMap<String, Value>, tables: &Tables) -> Result<(Settings, RunPoint)> {
    let mut keys = keys::deciding(&table);
    let mut root = Section::new("", table);
    root.has("sweep"); // taken out already: named among the known keys
    let version = root.integer("version", "the layout of the run file; this program reads version = 1")?;
    if version != VERSION {
        return Err(Error::value("version", version, "this program reads version = 1"));
    }
    let title = root.optional_text("title")?;
    let (model, cutoff) =
        model::parse_model(root.required_section("model", "the table [model] with kind, frequency, …")?, tables)?;
    if let Some(used) = tables.used() {
        keys.insert("model.density.file".into(), used);
    }
    let oscillator = model::parse_initial(root.section("initial")?, cutoff)?;
    let times = parse_times(root.required_section("time", "the table [time] with end and points")?)?;

    let mut output = root.section("output")?;
    let observables = parse_observables(&mut output, &model)?;
    let exact = output.flag("exact", false)?;
    let heating_window = parse_window(&mut output, "heating_window", &times)?;
    let curves = Curves { model: &model, observables: &observables, times: &times };
    let functionals = parse_functionals(&mut output, &curves)?;
    let records = output::parse_records(&mut output)?;
    let correlations = output::parse_correlations(&mut output, &model, times[times.len() - 1])?;
    output.finish()?;

    let mut numerics = root.section("numerics")?;
    let tolerance = numerics.positive("tolerance", 1e-8, 1e-13..=1e-2)?;
    let mut tolerances = Tolerances::from_tolerance(tolerance);
    tolerances.window = numerics.positive("window_tolerance", tolerances.window, 1e-24..=1e-2)?;
    tolerances.max_clipped = numerics.positive("max_clipped", tolerances.max_clipped, 1e-24..=1.0)?;
    numerics.finish()?;

    let mut ensemble = root.section("ensemble")?;
    let subject =
        Subject { model: &model, observables: &observables, functionals: &functionals, times: &times, tolerance };
    let stopping = parse_stopping(&mut ensemble, &subject)?;
    let seed = ensemble.count("seed", 1, 0..=i64::MAX as u64)?;
    let estimator = parse_estimator(&mut ensemble, stopping.trajectories)?;
    let sampling = parse_sampling(&mut ensemble)?;
    let sweep_numbers = parse_sweep_numbers(&mut ensemble)?;
    let block = parse_block(&mut ensemble, &stopping, sampling)?;
    ensemble.finish()?;
    root.finish()?;

    let experiment = Experiment { model, oscillator, cutoff, times, observables, heating_window, functionals };
    check_weights(&experiment.model, sampling, records, correlations.is_some())?;
    check_sampling(sampling, &experiment, &stopping, block, records, correlations.is_some())?;
    let point =
        RunPoint { parameters, experiment, tolerances, stopping, seed, block, estimator, sampling, correlations, keys };
    Ok((Settings { title, exact, records, sweep_numbers }, point))
}

fn parse_times(mut time: Section) -> Result<Vec<f64>> {
    let end = time.number("end", "the duration of the run, > 0, in 1/frequency units")?;
    if !(end > 0.0 && end <= 1e9) {
        return Err(Error::value("time.end", end, "the duration must be > 0 and at most 1e9"));
    }
    let points = time.count("points", 101, 2..=1_000_000)? as usize;
    time.finish()?;
    let last = points - 1;
    Ok((0..points).map(|i| if i == last { end } else { end * i as f64 / last as f64 }).collect())
}

fn parse_observables(output: &mut Section, model: &Model) -> Result<Vec<Observable>> {
    let names = output.texts("observables", &["number"])?;
    let mut observables = vec![Observable::NUMBER];
    for name in names {
        let Some(found) = Observable::parse(&name, model.spins().len()) else {
            let allowed = match (Observable::named(&name), model.spins().len()) {
                (Some(_), 0) => "there are no spins".into(),
                (Some(_), 1) => "there is one spin, number 0".into(),
                (Some(_), spins) => format!("there are {spins} spins, from 0 to {}", spins - 1),
                (None, _) => {
                    let names = allowed_words(&name, &Observable::names().collect::<Vec<_>>());
                    format!("{names}; with numbers those of single spins (inversion_0) or pairs i < j (pair_zz_0_1)")
                }
            };
            return Err(Error::value("output.observables", format!("\"{name}\""), allowed));
        };
        if found.contains(&Observable::ENERGY) && matches!(model, Model::Adiabatic(_)) {
            let allowed = "the adiabatic model has no spin energy; observe number instead";
            return Err(Error::value("output.observables", "\"energy\"", allowed));
        }
        if found.contains(&Observable::ENERGY) && matches!(model, Model::BornMarkov(_)) {
            let allowed = "is not observed with kind = \"born-markov\"; H_S is Ω₀(N + ½): observe number instead";
            return Err(Error::value("output.observables", "\"energy\"", allowed));
        }
        if found.is_empty() {
            let allowed = match model.spins().len() {
                0 => "there are no spins: leave it out",
                _ => "it is of two spins, and there is one: leave it out",
            };
            return Err(Error::value("output.observables", format!("\"{name}\""), allowed));
        }
        for observable in found {
            if !observables.contains(&observable) {
                observables.push(observable);
            }
        }
    }
    Ok(observables)
}
