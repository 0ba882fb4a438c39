//! One run on many processes: rank 0 holds it together and hands out blocks, the others run them and bring their sums.
//!
//! Which blocks a rank runs decides nothing: sums depend on the run file and the numbers of the trajectories alone, they are
//! merged in the fixed tree, and looks are taken at complete prefixes, by rank 0. It alone reads and writes files (the others
//! read the run file). A block counts when its sums have reached rank 0 and its disk; when a rank dies, MPI ends all, and what
//! is stored is what a resumed run goes on from.
//!
//! Calls are made by one thread at a time (`MPI_THREAD_SERIALIZED`), and nobody waits inside one: a rank that waits asks now
//! and then, and leaves its core to others.

#[cfg(feature = "mpi")]
mod mpi_wire;
mod protocol;
mod wire;

pub use protocol::{Assignment, Ranks};
pub use wire::{Tag, Wire};

use crate::{Error, Result};

/// The processes that were started together.
///
/// # Errors
/// In a program built without MPI, and when MPI cannot be started.
#[cfg(feature = "mpi")]
pub fn start() -> Result<Box<dyn Wire>> {
    let wire = mpi_wire::World::start();
    wire.map(|wire| Box::new(wire) as Box<dyn Wire>).ok_or_else(|| Error::Numerical("MPI cannot be started".into()))
}

/// The processes that were started together.
///
/// # Errors
/// In a program built without MPI, and when MPI cannot be started.
#[cfg(not(feature = "mpi"))]
pub fn start() -> Result<Box<dyn Wire>> {
    Err(Error::value("--mpi", "given", "this program was built without MPI: cargo build --release --features mpi"))
}
