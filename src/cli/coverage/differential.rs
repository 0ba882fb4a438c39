//! `fluctuator coverage --random N`: random systems against the density matrix, once each.

use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

use super::random::{Kind, Random, Scope, run_file};
use super::work::{in_order, once, units};
use super::{CoverageArguments, suite_report};
use crate::Result;
use crate::analysis::chance::{beyond_probability, most};
use crate::analysis::suite::BEYOND;
use crate::analysis::truth;
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::Progress;
use crate::cli::{Outcome, table};
use crate::io::run_file::RunFile;
use crate::io::{build_commit, prepare_directory, today, write_report};
use crate::master::{self, Limits};

/// How systems are drawn: everything that a run file may say, runs of at most about half a second.
const SCOPE: Scope = Scope { wide: true, milliseconds: 500.0, ends: [1e-3, 1e3] };

/// Fewest and most trajectories.
const TRAJECTORIES: [f64; 2] = [100.0, 4000.0];

/// Density matrices that take more are left out, and counted.
const MEMORY: u64 = 256 << 20;

/// Systems whose run file is written in full.
const SHOWN: usize = 12;

/// Two estimators of a system and what deviates.
#[derive(Debug, Clone, Serialize)]
struct Compared {
    number: u64,
    name: String,
    trajectories: u64,
    sampling: String,
    /// Values that could deviate, over both estimators.
    values: u64,
    /// The largest deviation, in standard errors.
    worst: f64,
    /// What it is of.
    worst_of: String,
    /// All beyond five standard errors (for few blocks: what is as unlikely by Student's t).
    beyond: Vec<Value>,
    /// What failed.
    failures: Vec<String>,
    /// Why the density matrix was not solved.
    skipped: Option<String>,
    run_file: String,
}

/// A value that deviates.
#[derive(Debug, Clone, Serialize)]
struct Value {
    estimator: &'static str,
    quantity: String,
    time: f64,
    exact: f64,
    mean: f64,
    error: f64,
    z: f64,
}

/// Everything that is written.
#[derive(Debug, Serialize)]
struct Report {
    date: String,
    program: String,
    git_commit: Option<String>,
    seed: u64,
    seconds: f64,
    systems: usize,
    skipped: usize,
    failed: usize,
    values: u64,
    beyond: usize,
    expected: f64,
    systems_beyond: usize,
    allowed: u64,
    /// The worst of them.
    worst: Vec<Compared>,
}

/// Runs `count` random systems.
pub fn run(arguments: &CoverageArguments, count: u64, threads: usize) -> Result<Outcome> {
    let seed = arguments.seed.unwrap_or(1);
    let directory = arguments.out.clone().unwrap_or_else(|| PathBuf::from("out/random"));
    prepare_directory(&directory)?;
    let (interrupt, begun) = (Interrupt::listen()?, Instant::now());
    let progress = Progress::new("random systems", "systems", count, arguments.quiet);
    let mut systems = Vec::new();
    let compare = |number| compare(seed, number, &interrupt);
    in_order(count, threads, &interrupt, compare, |system: Compared| {
        systems.push(system);
        progress.advance(1);
    })?;
    progress.finish();
    if systems.is_empty() {
        eprintln!("interrupted before a system was complete: nothing to save");
        return Ok(Outcome::NothingSaved);
    }
    let report = Report::new(systems, seed, begun);
    let text = report.describe();
    write_report(&directory, "random", &report, &text)?;
    if !arguments.quiet {
        say!("{}", text.trim_end());
        say!("results in {}", directory.display());
    }
    if (report.systems as u64) < count {
        eprintln!("interrupted: the systems so far are saved in {}", directory.display());
        return Ok(Outcome::Incomplete);
    }
    Ok(if report.passes() { Outcome::Done } else { Outcome::Deviates })
}

/// A random run file and what it is read as.
fn draw(seed: u64, number: u64) -> Result<(String, String, RunFile)> {
    let mut random = Random::new(seed, number);
    let kind = match random.between(0.0, 1.0) {
        x if x < 0.15 => Kind::Spins(0),
        x if x < 0.55 => Kind::Spins(1),
        x if x < 0.75 => Kind::Spins(2),
        x if x < 0.82 => Kind::Spins(3),
        x if x < 0.88 => Kind::Adiabatic,
        _ => Kind::BornMarkov(random.pick(&["secular", "completed", "bare"])),
    };
    let trajectories = random.scale(TRAJECTORIES[0], TRAJECTORIES[1]) as u64;
    let sampling = random.pick(&["direct", "direct", "no-jump", "stratified"]);
    let (text, name) = run_file(&mut random, kind, trajectories, SCOPE);
    // Other samplings need pure starts and whole blocks: where the run file is refused with one, it is without.
    let with = text.replace("[ensemble]\n", &format!("[ensemble]\nsampling = \"{sampling}\"\n"));
    let (text, file) = match RunFile::parse(&with, &name, &[]) {
        Ok(file) if units(&file.points[0]) >= 2 => (with, file),
        Ok(_) | Err(_) => RunFile::parse(&text, &name, &[]).map(|file| (text, file))?,
    };
    Ok((text, name, file))
}

/// Draws and compares one system; `None` when it was interrupted.
fn compare(seed: u64, number: u64, interrupt: &Interrupt) -> Result<Option<Compared>> {
    let (text, name, file) = draw(seed, number)?;
    let point = &file.points[0];
    let mut compared = Compared {
        number,
        name,
        trajectories: point.stopping.trajectories,
        sampling: format!("{:?}", point.sampling).to_lowercase(),
        values: 0,
        worst: 0.0,
        worst_of: String::new(),
        beyond: Vec::new(),
        failures: Vec::new(),
        skipped: None,
        run_file: text,
    };
    let limits = Limits { memory: MEMORY, ..Limits::default() };
    let exact = match master::solve(&point.experiment, &limits, |_| !interrupt.seen()) {
        Ok(Some(exact)) => exact,
        Ok(None) => return Ok(None),
        Err(error) => return Ok(Some(Compared { skipped: Some(error.to_string()), ..compared })),
    };
    let plain = RunFile::parse(&compared.run_file, &compared.name, &["ensemble.estimator=\"plain\"".into()])?;
    let known = truth(&point.experiment, &exact, point.tolerances.ket);
    for (estimator, point) in [("default", point), ("plain", &plain.points[0])] {
        let found = match once(point, point.seed, interrupt) {
            Ok(Some((found, _))) => found,
            Ok(None) => return Ok(None),
            Err(error) => {
                compared.failures.push(format!("{estimator}: {error}"));
                continue;
            }
        };
        let units = units(point);
        for known in &known {
            let Some(value) = known.found_in(&found)[0].filter(|value| !value.is_numerical(known)) else { continue };
            if !value.mean.is_finite() || !value.error.is_finite() {
                let (quantity, time) = (&known.quantity, known.time);
                compared.failures.push(format!("{estimator}: {quantity} at {time} is no finite number"));
                continue;
            }
            compared.values += 1;
            // A value without an error is infinitely far off, which no report can say.
            let z = value.z(known).clamp(f64::MIN, f64::MAX);
            if z.abs() > compared.worst {
                compared.worst = z.abs();
                compared.worst_of = format!("{estimator}: {} at {}", known.quantity, known.time);
            }
            if z.abs() > BEYOND && beyond_probability(z.abs(), units) < normal_beyond() {
                let (quantity, time, exact) = (known.quantity.clone(), known.time, known.exact);
                let (mean, error) = (value.mean, value.error);
                compared.beyond.push(Value { estimator, quantity, time, exact, mean, error, z });
            }
        }
    }
    Ok(Some(compared))
}

/// Probability of a normal deviation beyond five standard errors.
fn normal_beyond() -> f64 {
    beyond_probability(BEYOND, u64::MAX)
}

impl Report {
    fn new(mut systems: Vec<Compared>, seed: u64, begun: Instant) -> Self {
        let values = systems.iter().map(|system| system.values).sum::<u64>();
        let count = |test: &dyn Fn(&Compared) -> bool| systems.iter().filter(|system| test(system)).count();
        let expected = values as f64 * normal_beyond();
        let mut report = Self {
            date: today(),
            program: concat!("fluctuator ", env!("CARGO_PKG_VERSION")).into(),
            git_commit: build_commit(),
            seed,
            seconds: begun.elapsed().as_secs_f64(),
            systems: systems.len(),
            skipped: count(&|system| system.skipped.is_some()),
            failed: count(&|system| !system.failures.is_empty()),
            values,
            beyond: systems.iter().map(|system| system.beyond.len()).sum(),
            expected,
            systems_beyond: count(&|system| !system.beyond.is_empty()),
            allowed: most(expected),
            worst: Vec::new(),
        };
        let badness = |system: &Compared| (system.failures.is_empty(), system.beyond.is_empty(), -system.worst);
        systems.sort_by(|a, b| {
            let (a, b) = (badness(a), badness(b));
            (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2))
        });
        report.worst = systems;
        report.worst.truncate(report.failed + report.systems_beyond + SHOWN);
        report
    }

    fn passes(&self) -> bool {
        self.failed == 0 && self.systems_beyond as u64 <= self.allowed
    }

    fn describe(&self) -> String {
        let header = ["system", "trajectories", "sampling", "values", "> 5σ", "worst", "of"];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        rows.extend(self.worst.iter().map(|system| {
            vec![
                format!("{} {}", system.number, system.name),
                system.trajectories.to_string(),
                system.sampling.clone(),
                system.values.to_string(),
                system.beyond.len().to_string(),
                suite_report::table_number(system.worst),
                system.worst_of.clone(),
            ]
        }));
        let mut text = format!(
            "Random systems against the density matrix\n{}, {}{}, seed {}, {:.0} s\n\n{}\n",
            self.date,
            self.program,
            self.git_commit.as_ref().map_or(String::new(), |commit| format!(" ({commit})")),
            self.seed,
            self.seconds,
            table::aligned(&rows)
        );
        for system in self.worst.iter().filter(|system| !system.beyond.is_empty() || !system.failures.is_empty()) {
            text += &format!("# {} {}\n", system.number, system.name);
            for failure in &system.failures {
                text += &format!("# failed, {failure}\n");
            }
            for value in system.beyond.iter().take(SHOWN) {
                text += &format!(
                    "# {}: {} at {} is {:e} ± {:e}, exactly {:e}: {:.3e} standard errors\n",
                    value.estimator, value.quantity, value.time, value.mean, value.error, value.exact, value.z
                );
            }
            text += &format!("{}\n", system.run_file);
        }
        text += &format!(
            "{} systems, {} of them too large for the density matrix, {} failed.\n\
             Beyond five standard errors: {} of {} values, {:.3} expected; in {} systems, {} allowed.\n{}\n",
            self.systems,
            self.skipped,
            self.failed,
            self.beyond,
            self.values,
            self.expected,
            self.systems_beyond,
            self.allowed,
            if self.passes() { "All agree." } else { "THEY DO NOT AGREE." }
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_files_use_what_there_is() {
        let mut all = String::new();
        for number in 0..300 {
            let (text, ..) = draw(3, number).expect("every draw is a run file");
            all += &text;
        }
        for key in [
            "asymmetry",
            "dephasing",
            "temperature",
            "convention",
            "kappa",
            "coherent",
            "thermal",
            "excited_probability",
            "heating_window",
            "tolerance",
            "block",
            "stratified",
            "no-jump",
            "adiabatic",
            "bare",
            "secular",
            "completed",
        ] {
            assert!(all.contains(key), "no {key}");
        }
    }

    #[test]
    fn systems_are_the_same_again() {
        let text = |number| draw(5, number).expect("a run file").0;
        assert_eq!(text(11), text(11));
        assert_ne!(text(11), text(12));
    }
}
