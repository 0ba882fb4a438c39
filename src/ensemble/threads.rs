//! The threads of a run.

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{Error, Result};

/// A pool of threads that all do the same.
pub struct Threads(ThreadPool);

impl Threads {
    /// Starts `count` threads.
    pub fn start(count: usize) -> Result<Self> {
        let pool = ThreadPoolBuilder::new().num_threads(count).build();
        pool.map(Self).map_err(|error| Error::Numerical(format!("cannot start {count} threads: {error}")))
    }

    /// Runs `work` on one of the threads, where the others take part in it if it can be divided.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.0.install(work)
    }

    /// Runs `work` once on every thread; a panic of one is passed on when all have ended.
    pub fn each(&self, work: impl Fn() + Sync) {
        self.0.broadcast(|_| work());
    }
}
