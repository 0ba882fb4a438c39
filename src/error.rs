//! The library's errors: what was wrong, with which value, and what is allowed.

use std::path::PathBuf;

pub mod shown;

/// Everything that can go wrong between a run file and its result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A value of the run file (or of `--set`) is outside what is allowed.
    #[error("`{key}` = {value}: {allowed}")]
    Value {
        /// Dotted path of the key, e.g. `model.spins.0.bath.gamma`.
        key: String,
        /// The offending value as written.
        value: String,
        /// What would be accepted.
        allowed: String,
    },
    /// A key the run file must have is absent.
    #[error("`{key}` is missing: {allowed}")]
    Missing {
        /// Dotted path of the key.
        key: String,
        /// What to write there.
        allowed: String,
    },
    /// A key that this version does not know.
    #[error("`{key}` is not a key of this table: {allowed}")]
    UnknownKey {
        /// Dotted path of the key.
        key: String,
        /// The keys that are known, and the nearest one.
        allowed: String,
    },
    /// The text is not TOML.
    #[error("not valid TOML: {0}")]
    Toml(String),
    /// The hard Fock cutoff clips the state by more than the run file allows.
    #[error(
        "cutoff = {cutoff} clips the state: up to {population:.1e} of the population reached its two highest levels \
         or lay beyond them (trajectory {trajectory}, allowed: numerics.max_clipped = {allowed:.0e}); {advice}"
    )]
    Clipped {
        /// Number of Fock levels kept.
        cutoff: usize,
        /// Largest clipped population seen.
        population: f64,
        /// Index of the trajectory that saw it.
        trajectory: u64,
        /// The threshold.
        allowed: f64,
        /// What cutoff would do.
        advice: String,
    },
    /// A density matrix or a ket would need more memory than allowed.
    #[error("{what} needs {needed}, more than the limit of {limit}; {advice}")]
    TooLarge {
        /// What was to be held.
        what: String,
        /// Memory needed, with its unit.
        needed: String,
        /// Memory allowed, with its unit.
        limit: String,
        /// The way out.
        advice: String,
    },
    /// The run file could not be read.
    #[error("{path}: the run file cannot be read: {source}")]
    RunFile {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A run would need more memory than there is.
    #[error("the run needs about {needed} of memory ({parts}), and {available} are available; {advice}")]
    Memory {
        /// Memory needed, with its unit.
        needed: String,
        /// What it is needed for.
        parts: String,
        /// Memory available, with its unit.
        available: String,
        /// The way out.
        advice: String,
    },
    /// A computation left the range in which its numbers mean anything.
    #[error("{0}")]
    Numerical(String),
    /// An error at one point of a sweep.
    #[error("at {label}: {source}")]
    AtPoint {
        /// The swept keys and their values there.
        label: String,
        /// What happened.
        source: Box<Error>,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file was read but does not hold what it should.
    #[error("{path}: {reason}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Stored blocks do not belong to the run that is to use them.
    #[error("stored blocks cannot be used: {0}")]
    Stored(String),
    /// Stored blocks are not merged.
    #[error("not merged: {0}")]
    Unmerged(String),
    /// Finished blocks could not be stored.
    #[error("{path}: {source}; blocks stored before are intact: `--resume` goes on from there")]
    Unsaved {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// Somebody stopped a computation before it was complete.
    #[error("stopped before it was complete")]
    Stopped,
    /// A result could not be drawn or encoded.
    #[error("cannot write {what}: {reason}")]
    Output {
        /// What was being written.
        what: String,
        /// Why it failed.
        reason: String,
    },
}

/// Characters of a key in a message at most.
pub const LONGEST_KEY: usize = 120;

/// The library's result type.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A value outside its allowed range.
    pub fn value(key: impl Into<String>, value: impl ToString, allowed: impl Into<String>) -> Self {
        let (key, allowed) = (key.into(), allowed.into());
        Self::Value { key: shown::one_line(&key, LONGEST_KEY), value: shown::value(&value.to_string()), allowed }
    }

    /// What a parser says of a text that is no TOML: it quotes the line, which may be long.
    pub fn toml(reason: impl ToString) -> Self {
        let lines = reason.to_string();
        Self::Toml(lines.lines().map(|line| shown::one_line(line, LONGEST_KEY)).collect::<Vec<_>>().join("\n"))
    }

    /// An input–output failure on `path`.
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }

    /// True for errors of the input (exit code 2), false for failures of the run (exit code 1).
    pub fn is_input(&self) -> bool {
        matches!(
            self,
            Self::Value { .. }
                | Self::Missing { .. }
                | Self::UnknownKey { .. }
                | Self::Toml(_)
                | Self::RunFile { .. }
                | Self::Stored(_)
                | Self::Memory { .. }
        )
    }
}
