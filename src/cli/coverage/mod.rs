//! `fluctuator coverage`: do error bars cover? Of one run file, of a fixed suite of systems, of random ones.

mod differential;
mod random;
mod run_file;
mod suite;
mod suite_report;
mod systems;
mod work;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Outcome, RunFileArguments};
use crate::{Error, Result};

/// Arguments of `coverage`.
#[derive(Debug, Args)]
pub struct CoverageArguments {
    /// Run file (TOML).
    #[arg(required_unless_present_any = ["suite", "random"])]
    run_file: Option<PathBuf>,
    /// Test a fixed, generated set of systems instead of a run file.
    ///
    /// Every observable at every output time, heating rates, jump numbers and Fock populations, with the default and the plain
    /// estimator and all samplings that the system allows. A cell (one of these in one system) is low where it covers less than
    /// 95.45 % by more than chance gives once in 3.5 million, by the exact binomial distribution. Exit code 1 if any is, if more
    /// seeds have a deviation beyond five standard errors than chance gives, or if the error bars of frequent events are wider
    /// than the true error by more than 1.3 in the median.
    #[arg(long, conflicts_with_all = ["run_file", "random", "set", "trajectories"])]
    suite: bool,
    /// Run N random systems once each, with the default and the plain estimator, against the density matrix.
    ///
    /// Exit code 1 if more of them have a deviation beyond five standard errors than chance gives; the run files of the worst
    /// are written in full.
    #[arg(long, value_name = "N", conflicts_with_all = ["run_file", "set", "trajectories"])]
    random: Option<u64>,
    /// Independent runs per sweep point or system, with the seeds seed, seed + 1, … [default: 1000; of the suite 200].
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Also at every output time, not only at the end of the run.
    #[arg(long)]
    every_time: bool,
    /// Only the part of the suite that takes seconds, with 60 seeds unless told otherwise.
    #[arg(long, requires = "suite")]
    quick: bool,
    /// Only systems of the suite with one of these words in their name.
    #[arg(long, value_name = "WORD", num_args = 1.., requires = "suite")]
    only: Vec<String>,
    /// Print the run files of the suite's systems and run nothing.
    #[arg(long, requires = "suite")]
    list: bool,
    /// Only these samplings (suite).
    #[arg(long, value_enum, num_args = 1.., requires = "suite")]
    sampling: Vec<SamplingChoice>,
    /// Only these estimators (suite).
    #[arg(long, value_enum, num_args = 1.., requires = "suite")]
    estimator: Vec<EstimatorChoice>,
    /// Result directory [default: out/RUN_FILE_STEM/coverage, out/suite or out/random].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace a finished report of another run file, or of more seeds, that lies in the result directory.
    #[arg(long)]
    force: bool,
    /// Set any run-file key, e.g. --set model.spins.0.coupling=0.5 (repeatable).
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Threads [default: all cores]. Results do not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Number of trajectories (overrides the run file); the most of them where the run file has a target.
    #[arg(long, value_name = "N")]
    trajectories: Option<u64>,
    /// First seed of the random numbers (overrides the run file); of `--random`, the seed that the systems are drawn with.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// No progress and no table.
    #[arg(long)]
    quiet: bool,
}

/// `ensemble.sampling`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SamplingChoice {
    /// Trajectories as often as they happen.
    Direct,
    /// The trajectory without a jump once, with its weight.
    NoJump,
    /// The same with stratified first jumps.
    Stratified,
}

/// `ensemble.estimator`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EstimatorChoice {
    /// What a run file that names none gets.
    Default,
    /// The plain average.
    Plain,
}

/// Tests what is asked for.
pub fn run(arguments: &CoverageArguments) -> Result<Outcome> {
    let run_file = RunFileArguments {
        run_file: arguments.run_file.clone().unwrap_or_default(),
        set: arguments.set.clone(),
        threads: arguments.threads,
        trajectories: arguments.trajectories,
        seed: arguments.seed,
        quiet: arguments.quiet,
    };
    if arguments.suite {
        return suite::run(arguments, run_file.threads()?);
    }
    match arguments.random {
        Some(count @ 1..=1_000_000) => differential::run(arguments, count, run_file.threads()?),
        Some(count) => Err(Error::value("--random", count, "must be between 1 and 1000000 systems")),
        None => run_file::run(arguments, &run_file),
    }
}
