//! Ctrl-C and TERM: the first asks for an orderly end, the second ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::{Error, Result};

/// Set once a signal has come.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    flag: Arc<AtomicBool>,
}

impl Interrupt {
    /// Begins to listen.
    pub fn listen() -> Result<Self> {
        let interrupt = Self::default();
        for signal in [SIGINT, SIGTERM] {
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
        self.flag.load(Ordering::Relaxed)
    }
}
