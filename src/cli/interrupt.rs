//! Signals (Ctrl-C, TERM, and what batch systems send ahead of the end: USR1, XCPU): the first asks for an orderly end, the
//! second ends the process at once. HUP, which comes when the terminal is gone, asks for an orderly end as often as it comes, unless
//! `nohup` has told the process to ignore it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXCPU};
use signal_hook::flag;

use crate::{Error, Result};

/// Set once a signal has come.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    flag: Arc<AtomicBool>,
    /// When it was first noticed.
    noticed: Arc<OnceLock<Instant>>,
}

impl Interrupt {
    /// Begins to listen.
    pub fn listen() -> Result<Self> {
        let interrupt = Self::default();
        let failed = |error: std::io::Error| Error::Numerical(format!("cannot listen to signals: {error}"));
        for signal in [SIGINT, SIGTERM, SIGUSR1, SIGXCPU] {
            // In this order: a signal that finds the flag set ends the process, then the flag is set.
            let register = || {
                flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&interrupt.flag))?;
                flag::register(signal, Arc::clone(&interrupt.flag))
            };
            register().map_err(failed)?;
        }
        // When its terminal is gone, a shell may send this more than once: no reason to end without saving.
        if !ignores(SIGHUP) {
            flag::register(SIGHUP, Arc::clone(&interrupt.flag)).map_err(failed)?;
        }
        Ok(interrupt)
    }

    /// Whether a signal has come.
    pub fn seen(&self) -> bool {
        let seen = self.flag.load(Ordering::Relaxed);
        if seen {
            self.noticed.get_or_init(Instant::now);
        }
        seen
    }

    /// Whether one came longer ago than this.
    pub fn seen_before(&self, time: Duration) -> bool {
        self.seen() && self.noticed.get().is_some_and(|noticed| noticed.elapsed() > time)
    }
}

/// Whether whoever started this process has told it to ignore a signal, where the system tells (Linux).
fn ignores(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
