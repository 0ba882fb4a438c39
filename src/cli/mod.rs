//! The command line: one file per subcommand; progress bars, tables and exit codes live here.

/// `println!` that never panics: see [`crate::io::terminal::say`].
macro_rules! say {
    ($($text:tt)*) => { $crate::io::terminal::say(format_args!($($text)*)) };
}

/// `eprintln!` that never panics: see [`crate::io::terminal::tell`].
macro_rules! tell {
    ($($text:tt)*) => { $crate::io::terminal::tell(format_args!($($text)*)) };
}

mod batch;
mod born_markov;
mod check;
mod coefficients;
mod compare;
mod converge;
mod coverage;
mod drawing;
mod exact;
mod forecast;
mod interrupt;
mod merge;
mod needs;
mod plot;
mod progress;
mod provenance;
mod ranks;
mod run;
mod status;
mod table;
mod watcher;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::io::run_file::{self, RunFile, Source};
use crate::io::terminal;
use crate::{Error, Result};

/// Quantum trajectories of a harmonic oscillator coupled to two-level systems.
#[derive(Debug, Parser)]
#[command(version, about, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 failed, or `compare` or `coverage` found a deviation, or standard output did not take what was printed
(all files are written then); 2 bad input, or too little memory for it; 3 incomplete but saved (interrupted, time limit);
130 interrupted or out of time with nothing to save.

Start with:  fluctuator check runs/fig3a.toml   then   fluctuator run runs/fig3a.toml";

#[derive(Debug, Subcommand)]
enum Command {
    /// Average quantum trajectories: ⟨N⟩(t), heating rate and more, with standard errors.
    ///
    /// Finished blocks are stored in DIR/blocks within about a second, and before anything is concluded from them: after a crash,
    /// a signal or a time limit, --resume goes on from there, to the same bytes as an uninterrupted run. It also extends a run:
    /// with more trajectories, or a smaller error as target.
    ///
    /// Ctrl-C (or TERM, USR1, XCPU) stores what is finished at once, finishes the blocks in hand (for 0.5 s at most), saves the
    /// complete trajectories and exits with 3; a second one ends at once. Blocks are small: ensemble.block trajectories, where that
    /// is left out 1 in runs of less than 1024, and never more than 32.
    ///
    /// What lies in DIR is not lost unasked: unfinished blocks, of whichever run, are only discarded with --restart, and a finished
    /// result is only replaced by the same one or one of more trajectories, unless --force is given.
    Run(run::RunArguments),
    /// Make one result of the blocks stored by shards, interrupted runs or earlier merges.
    ///
    /// In whatever pieces the trajectories were run, the result has the same bytes as one run. What is missing, damaged, of
    /// another run or there twice is said, with its trajectories and its file. Trajectories that several files hold count once.
    ///
    /// Exit code 3: all is well, but the trajectories there do not reach the target (nothing is written), or the result is partial.
    Merge(merge::MergeArguments),
    /// Print how far a run is, in all its shards; exit code 1 if a file is damaged or of another run.
    Status(status::StatusArguments),
    /// Solve the density matrix of the same run file (small cutoffs), without sampling error.
    Exact(exact::ExactArguments),
    /// Test the error bars: over many seeds, how often is the exact mean within one and two of them?
    ///
    /// Runs the ensemble once per seed and solves the density matrix once (small cutoffs): observables, heating rates, jump numbers
    /// and Fock levels. With a target in the run file it is the stopped estimates that are tested; a time limit is ignored. Exit code
    /// 1 if the coverage of any reported standard error (not of plain_standard_error) lies so far below 68.27 % or 95.45 % that
    /// chance gives it once in 3.5 million. Ctrl-C saves the seeds so far and exits with 3.
    ///
    /// With --suite the same for a fixed set of systems, with --random for random ones, once each.
    Coverage(coverage::CoverageArguments),
    /// Validate a run file; print its size, memory and predicted time.
    ///
    /// Answers within about ten seconds: from some trajectories, or from parts of one where whole ones take longer.
    Check(check::CheckArguments),
    /// Draw number.svg and number.png of a result directory again.
    Plot(plot::PlotArguments),
    /// Compare two results: z-scores and largest deviation; exit code 1 above the threshold.
    ///
    /// Numbers without a standard error are compared to the tolerance alone. Where nothing can be compared the exit code is 1, too.
    /// Two runs of one seed share their random numbers, which is said: their agreement is no evidence.
    Compare(compare::CompareArguments),
    /// Measure how each error falls with trajectories, tolerances and cutoff; say which one is the largest.
    ///
    /// Ctrl-C ends it and saves nothing.
    Converge(converge::ConvergeArguments),
    /// Coefficients of the Born–Markov equation (23) for spin and oscillator bath, Fig. 2, kernels ν(τ) and η(τ).
    ///
    /// Writes coefficients.json, coefficients.csv and kernels.csv; a sweep over temperature draws the paper's Fig. 2.
    Coefficients(coefficients::CoefficientsArguments),
}

/// The run file and what every command that reads one understands.
#[derive(Debug, Args)]
struct RunFileArguments {
    /// Run file (TOML); `-` is standard input.
    run_file: PathBuf,
    /// Set any run-file key, e.g. --set model.spins.0.coupling=0.5 (repeatable).
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Threads [default: all cores; at most 64 or four per core, whichever is more]. Results do not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Number of trajectories (overrides the run file); the most of them where the run file has a target.
    #[arg(long, value_name = "N")]
    trajectories: Option<u64>,
    /// Seed of the random numbers (overrides the run file).
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// No progress and no table.
    #[arg(long)]
    quiet: bool,
}

impl RunFileArguments {
    /// Reads the run file with the overrides of the command line.
    fn load(&self) -> Result<RunFile> {
        let source = Source::read(&self.run_file)?;
        let mut overrides = self.set.clone();
        if let Some(trajectories) = self.trajectories {
            let has_target = |file: RunFile| file.points.iter().any(|point| !point.stopping.targets.is_empty());
            let key = match RunFile::of(&source, &overrides).is_ok_and(has_target) {
                true => "ensemble.max_trajectories",
                false => "ensemble.trajectories",
            };
            overrides.push(format!("{key}={trajectories}"));
        }
        overrides.extend(self.seed.map(|seed| format!("ensemble.seed={seed}")));
        RunFile::of(&source, &overrides)
    }

    /// Threads to use.
    fn threads(&self) -> Result<usize> {
        let available = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let most = (FAIR_SHARE * available).max(FEWEST_BOUND);
        match self.threads {
            Some(n) if !(1..=4096).contains(&n) => Err(Error::value("--threads", n, "must be between 1 and 4096")),
            Some(n) if n > most => {
                tell!(
                    "note: --threads {n} is taken for {most}: there are {available} processors, and more threads cost time"
                );
                Ok(most)
            }
            Some(n) => Ok(n),
            None => Ok(available),
        }
    }

    /// Where the results go unless `--out` says otherwise.
    fn default_directory(&self) -> PathBuf {
        Path::new("out").join(run_file::name(&self.run_file))
    }
}

/// More threads than this many per processor are taken for so many, or for 64 where that is more.
const FAIR_SHARE: usize = 4;
const FEWEST_BOUND: usize = 64;

/// How a command ended, short of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    /// `compare` or `coverage` found more than the threshold.
    Deviates,
    /// Interrupted; what was complete is saved.
    Incomplete,
    /// Interrupted before anything was complete.
    NothingSaved,
}

/// Runs the command line and returns the exit code.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Merge(arguments) => merge::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Exact(arguments) => exact::run(&arguments),
        Command::Coverage(arguments) => coverage::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Plot(arguments) => plot::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Converge(arguments) => converge::run(&arguments),
        Command::Coefficients(arguments) => coefficients::run(&arguments),
    };
    match outcome {
        Ok(Outcome::Done) => match terminal::lost_output() {
            None => ExitCode::SUCCESS,
            Some(reason) => {
                tell!(
                    "error: cannot write to standard output: {reason}; the files that the command writes are complete"
                );
                ExitCode::from(1)
            }
        },
        Ok(Outcome::Deviates) => ExitCode::from(1),
        Ok(Outcome::Incomplete) => ExitCode::from(3),
        Ok(Outcome::NothingSaved) => ExitCode::from(130),
        Err(error) => {
            tell!("error: {error}");
            ExitCode::from(if error.is_input() { 2 } else { 1 })
        }
    }
}
