//! `fluctuator coverage --suite`: every error bar of a fixed set of systems, over many seeds.

use std::path::PathBuf;
use std::time::Instant;

use super::suite_report::{Report, SystemLine};
use super::systems::{System, systems};
use super::work::{sample, units};
use super::{CoverageArguments, EstimatorChoice, SamplingChoice};
use crate::analysis::suite::{Cell, Counter, Pool, Setting, Verdict, median};
use crate::analysis::{Known, truth};
use crate::cli::Outcome;
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::Progress;
use crate::io::run_file::{RunFile, RunPoint};
use crate::io::{prepare_directory, write_report};
use crate::master::{self, Limits};
use crate::{Error, Result};

/// Seeds unless told otherwise, of the whole suite and of its quick part.
const SEEDS: [u64; 2] = [200, 60];

/// Distance between the first seeds of systems.
const APART: u64 = 1 << 32;

/// One way to run a system.
struct Job {
    setting: Setting,
    point: RunPoint,
}

/// Runs the suite, or the part of it that is asked for.
pub fn run(arguments: &CoverageArguments, threads: usize) -> Result<Outcome> {
    let seeds = arguments.seeds.unwrap_or(SEEDS[usize::from(arguments.quick)]);
    if !(2..=1 << 40).contains(&seeds) {
        return Err(Error::value("--seeds", seeds, "must be between 2 and 2^40"));
    }
    let wanted = |name: &str| {
        let any = |word: &String| name.contains(word.as_str());
        (arguments.only.is_empty() || arguments.only.iter().any(any)) && (!arguments.quick || is_quick(name))
    };
    let chosen: Vec<System> = systems().into_iter().filter(|system| wanted(&system.name)).collect();
    if chosen.is_empty() {
        let allowed = "no system has such a name; `fluctuator coverage --suite --list` prints all of them";
        return Err(Error::value("--only", arguments.only.join(" "), allowed));
    }
    if arguments.list {
        chosen.iter().for_each(|system| say!("# {}\n{}", system.name, system.text));
        return Ok(Outcome::Done);
    }
    let directory = arguments.out.clone().unwrap_or_else(|| PathBuf::from("out/suite"));
    prepare_directory(&directory)?;
    let jobs: Vec<Vec<Job>> = chosen.iter().map(|system| jobs(system, arguments)).collect::<Result<_>>()?;
    let interrupt = Interrupt::listen()?;
    let begun = Instant::now();
    let count = jobs.iter().map(Vec::len).sum::<usize>() as u64;
    let progress = Progress::new("suite", "runs", count * seeds, arguments.quiet);
    let mut tested = Tested::default();
    for jobs in &jobs {
        tested.system(jobs, seeds, threads, &progress, &interrupt)?;
        if interrupt.seen() {
            break;
        }
    }
    progress.finish();
    if tested.cells.is_empty() && interrupt.seen() {
        eprintln!("interrupted before a system was complete: nothing to save");
        return Ok(Outcome::NothingSaved);
    }
    let Tested { cells, pool, failures, lines } = tested;
    let verdict = Verdict::of(&cells, pool, failures);
    let passes = verdict.passes();
    let report = Report::new(verdict, cells, lines, seeds, begun, !interrupt.seen());
    let text = report.describe();
    write_report(&directory, "suite", &report, &text)?;
    if !arguments.quiet {
        say!("{}", text.trim_end());
        say!("results in {}", directory.display());
    }
    if interrupt.seen() {
        eprintln!("interrupted: the systems so far are saved in {}", directory.display());
        return Ok(Outcome::Incomplete);
    }
    Ok(if passes { Outcome::Done } else { Outcome::Deviates })
}

/// Whether a system belongs to the quick part.
fn is_quick(name: &str) -> bool {
    const QUICK: [&str; 6] = [
        "rare-dephasing-and-loss",
        "hardly-damped-spin",
        "rare-loss-of-many-quanta",
        "one-quantum-rare-loss",
        "few-trajectories-fast-spin",
        "two-trajectories-warm-spin",
    ];
    QUICK.contains(&name)
}

/// Every way to run a system that it allows and that was asked for.
fn jobs(system: &System, arguments: &CoverageArguments) -> Result<Vec<Job>> {
    // Every system has seeds of its own, so that what happens by chance in one says nothing of another.
    let seed = arguments.seed.unwrap_or(1).wrapping_add(system.number * APART) & (i64::MAX as u64);
    let mut jobs = Vec::new();
    for (choice, estimator) in [(EstimatorChoice::Default, "default"), (EstimatorChoice::Plain, "plain")] {
        if !arguments.estimator.is_empty() && !arguments.estimator.contains(&choice) {
            continue;
        }
        for (choice, sampling) in [
            (SamplingChoice::Direct, "direct"),
            (SamplingChoice::NoJump, "no-jump"),
            (SamplingChoice::Stratified, "stratified"),
        ] {
            if !arguments.sampling.is_empty() && !arguments.sampling.contains(&choice) {
                continue;
            }
            let mut overrides = vec![format!("ensemble.seed={seed}"), format!("ensemble.sampling=\"{sampling}\"")];
            if estimator == "plain" {
                overrides.push("ensemble.estimator=\"plain\"".into());
            }
            let file = match RunFile::parse(&system.text, &system.name, &overrides) {
                Ok(file) => file,
                // A mixed start has many trajectories without a jump; few trajectories are no whole block.
                Err(_) if choice != SamplingChoice::Direct => continue,
                Err(error) => return Err(error),
            };
            let Some(point) = file.points.into_iter().next() else { continue };
            let units = units(&point);
            if units < 2 {
                continue;
            }
            let [system, estimator, sampling] = [&system.name, estimator, sampling].map(str::to_owned);
            let trajectories = point.stopping.trajectories;
            let setting = Setting { system, estimator, sampling, trajectories, units, first_seed: seed };
            jobs.push(Job { setting, point });
        }
    }
    Ok(jobs)
}

/// What has been tested so far.
#[derive(Default)]
struct Tested {
    cells: Vec<Cell>,
    pool: Pool,
    failures: Vec<String>,
    lines: Vec<SystemLine>,
}

impl Tested {
    /// Tests one system; one that was interrupted is left out.
    fn system(
        &mut self,
        jobs: &[Job],
        seeds: u64,
        threads: usize,
        progress: &Progress,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let Some(first) = jobs.first() else { return Ok(()) };
        let begun = Instant::now();
        let (point, name) = (&first.point, &first.setting.system);
        let exact = match master::solve(&point.experiment, &Limits::default(), |_| !interrupt.seen()) {
            Ok(Some(exact)) => exact,
            Ok(None) => return Ok(()),
            Err(error) => {
                self.failures.push(format!("{name}: {error}"));
                return Ok(());
            }
        };
        let known = truth(&point.experiment, &exact, point.tolerances.ket);
        let exact_seconds = begun.elapsed().as_secs_f64();
        let (mut cells, mut pool, mut failures) = (Vec::new(), Pool::default(), Vec::new());
        for job in jobs {
            match job.run(&known, seeds, threads, progress, interrupt) {
                Ok((found, beyond)) => {
                    cells.extend(found);
                    pool.add(beyond);
                }
                Err(error) => {
                    let Setting { system, estimator, sampling, .. } = &job.setting;
                    failures.push(format!("{system}, {estimator}, {sampling}: {error}"));
                }
            }
            if interrupt.seen() {
                return Ok(());
            }
        }
        self.lines.push(SystemLine {
            name: name.clone(),
            trajectories: first.setting.trajectories,
            settings: jobs.len(),
            cells: cells.len(),
            low: cells.iter().filter(|cell| cell.is_low()).count(),
            least_covered: cells.iter().map(|cell| cell.covered).fold(1.0, f64::min),
            median_inflation: median(cells.iter().filter_map(Cell::inflation).collect()),
            exact_seconds,
            seconds: begun.elapsed().as_secs_f64(),
        });
        self.cells.extend(cells);
        self.pool.add(pool);
        self.failures.extend(failures);
        Ok(())
    }
}

impl Job {
    fn run(
        &self,
        known: &[Known],
        seeds: u64,
        threads: usize,
        progress: &Progress,
        interrupt: &Interrupt,
    ) -> Result<(Vec<Cell>, Pool)> {
        let mut counter = Counter::new(self.setting.clone(), known);
        let outcome = sample(&self.point, seeds, threads, interrupt, |point, _| {
            counter.push(point);
            progress.advance(1);
        });
        progress.advance(if outcome.is_err() { seeds - counter.seeds() } else { 0 });
        outcome.map(|()| counter.finish())
    }
}
