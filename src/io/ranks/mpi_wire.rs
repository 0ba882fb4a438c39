//! The wire that MPI is: the door of that crate.

use std::sync::{Mutex, MutexGuard, PoisonError};

use mpi::Threading;
use mpi::environment::Universe;
use mpi::traits::{Communicator, Destination, MatchedReceiveVec, Source};

use super::wire::{Tag, Wire};

/// All processes of the MPI job; MPI ends when this is dropped.
pub struct World {
    universe: Universe,
    /// Held during every call.
    turn: Mutex<()>,
}

impl World {
    /// Starts MPI; `None` if it cannot be called from several threads, one at a time.
    pub fn start() -> Option<Self> {
        let (universe, threading) = mpi::initialize_with_threading(Threading::Serialized)?;
        (threading >= Threading::Serialized).then(|| Self { universe, turn: Mutex::new(()) })
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(tag: Tag) -> i32 {
    match tag {
        Tag::Talk => 1,
        Tag::Recall => 2,
    }
}

impl Wire for World {
    fn rank(&self) -> usize {
        let _turn = self.turn();
        usize::try_from(self.universe.world().rank()).unwrap_or_default()
    }

    fn size(&self) -> usize {
        let _turn = self.turn();
        usize::try_from(self.universe.world().size()).unwrap_or(1)
    }

    fn send(&self, rank: usize, tag: Tag, message: &[u8]) {
        let _turn = self.turn();
        let world = self.universe.world();
        world.process_at_rank(rank as i32).send_with_tag(message, number(tag));
    }

    fn poll(&self, tag: Tag) -> Option<(usize, Vec<u8>)> {
        let _turn = self.turn();
        let world = self.universe.world();
        let (bytes, status) = world.any_process().immediate_matched_probe_with_tag(number(tag))?.matched_receive_vec();
        Some((usize::try_from(status.source_rank()).unwrap_or_default(), bytes))
    }

    fn abort(&self) -> ! {
        self.universe.world().abort(1)
    }
}
