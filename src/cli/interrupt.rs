//! Signals (Ctrl-C, TERM, and what batch systems send ahead of the end: USR1, XCPU): the first asks for an orderly end, the
//! second ends the process at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1, SIGXCPU};
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
        for signal in [SIGINT, SIGTERM, SIGUSR1, SIGXCPU] {
            // In this order: a signal that finds the flag set ends the process, then the flag is set.
            let register = || {
                flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&interrupt.flag))?;
                flag::register(signal, Arc::clone(&interrupt.flag))
            };
            register().map_err(|error| Error::Numerical(format!("cannot listen to signals: {error}")))?;
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
