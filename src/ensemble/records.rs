//! Records of single trajectories, handed over in the order of the trajectories whoever finished first.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::system::{Channel, Experiment};

/// A jump as it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RecordedJump {
    /// When it happened, in 1/frequency units.
    pub time: f64,
    /// Index of its channel among [`super::Ensemble::channels`].
    pub channel: usize,
}

/// What is recorded of one trajectory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrajectoryRecord<'a> {
    /// Its number, from 0.
    pub number: u64,
    /// How much it counts in a mean over trajectories; 1 unless trajectories are drawn with unequal probabilities. Each of
    /// its jumps counts as much.
    pub weight: f64,
    /// Its jumps in the order of time; empty unless they were asked for.
    pub jumps: &'a [RecordedJump],
    /// Its observables at the end of the run, in the order of the experiment, and its heating rate.
    pub final_values: &'a [f64],
}

/// The records of one block of consecutive trajectories.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BlockRecords {
    first: u64,
    weights: Vec<f64>,
    jumps: Vec<RecordedJump>,
    ends: Vec<usize>,
    final_values: Vec<f64>,
}

impl BlockRecords {
    /// Records of a block that begins with trajectory `first`.
    pub fn new(first: u64) -> Self {
        Self { first, ..Self::default() }
    }

    /// Where the jumps of the trajectory in hand go.
    pub fn jumps_mut(&mut self) -> &mut Vec<RecordedJump> {
        &mut self.jumps
    }

    /// Ends the trajectory in hand.
    pub fn finish_trajectory(&mut self, weight: f64, final_values: impl IntoIterator<Item = f64>) {
        self.weights.push(weight);
        self.ends.push(self.jumps.len());
        self.final_values.extend(final_values);
    }

    /// How many trajectories it has.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// The same without jumps.
    pub fn without_jumps(self) -> Self {
        Self { jumps: Vec::new(), ends: vec![0; self.weights.len()], ..self }
    }

    /// Whether these are records of `count` trajectories from `first` on, with that many channels and final values each: those
    /// read from a file might not be.
    pub fn fit(&self, first: u64, count: u64, channels: usize, values: usize) -> bool {
        let ascends = self.ends.windows(2).all(|pair| pair[0] <= pair[1]);
        self.first == first
            && [self.weights.len(), self.ends.len()].iter().all(|length| *length as u64 == count)
            && self.final_values.len() == values * self.weights.len()
            && ascends
            && self.ends.last().copied().unwrap_or(0) == self.jumps.len()
            && self.jumps.iter().all(|jump| jump.channel < channels)
    }

    /// The trajectories in order.
    pub fn trajectories(&self) -> impl Iterator<Item = TrajectoryRecord<'_>> {
        let values = self.final_values.len() / self.weights.len().max(1);
        (0..self.weights.len()).map(move |i| TrajectoryRecord {
            number: self.first + i as u64,
            weight: self.weights[i],
            jumps: &self.jumps[if i == 0 { 0 } else { self.ends[i - 1] }..self.ends[i]],
            final_values: &self.final_values[i * values..(i + 1) * values],
        })
    }
}

/// Where the records of finished blocks go.
pub trait RecordSink: Send {
    /// Whether jumps are wanted; weights and final values always come.
    fn wants_jumps(&self) -> bool;

    /// The records of a new ensemble follow.
    ///
    /// # Errors
    /// When they cannot be kept; the run then ends with this error.
    fn begin(&mut self, experiment: &Experiment, channels: &[Channel]) -> Result<()>;

    /// The records of the next block: blocks come in order, without gaps, from the first.
    ///
    /// # Errors
    /// When they cannot be kept; the run then ends with this error.
    fn accept(&mut self, records: &BlockRecords) -> Result<()>;
}

/// Most blocks that may be finished ahead of one that is not; threads further ahead wait for it.
const MOST_AHEAD: u64 = 256;

/// Puts finished blocks in order. Blocks are claimed in order and every claimed block is finished or abandons all, so what
/// waits is bounded. What lies before the first block that never comes is passed on whoever abandons.
pub(super) struct Reordering<'a> {
    state: Mutex<State<'a>>,
    advanced: Condvar,
    abandoned: AtomicBool,
}

struct State<'a> {
    next: u64,
    waiting: BTreeMap<u64, BlockRecords>,
    sink: Option<&'a mut dyn RecordSink>,
}

impl<'a> Reordering<'a> {
    /// Expects block 0 first.
    pub fn new(sink: Option<&'a mut dyn RecordSink>) -> Self {
        let state = State { next: 0, waiting: BTreeMap::new(), sink };
        Self { state: Mutex::new(state), advanced: Condvar::new(), abandoned: AtomicBool::new(false) }
    }

    /// Takes the records of a block and passes on all that are due.
    pub fn accept(&self, block: u64, records: BlockRecords) -> Result<()> {
        let mut guard = lock(&self.state);
        while block >= guard.next + MOST_AHEAD && !self.abandoned.load(Ordering::Relaxed) {
            guard = self.advanced.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        let state = &mut *guard;
        state.waiting.insert(block, records);
        while let Some(records) = state.waiting.remove(&state.next) {
            if let Some(sink) = &mut state.sink {
                sink.accept(&records)?;
            }
            state.next += 1;
        }
        self.advanced.notify_all();
        Ok(())
    }

    /// A block will never come: nobody need wait for it.
    pub fn abandon(&self) {
        let _guard = lock(&self.state);
        self.abandoned.store(true, Ordering::Relaxed);
        self.advanced.notify_all();
    }
}

/// Abandons when its thread panics, so that the others end and the panic can be passed on.
pub(super) struct Guard<'a, 'b>(pub &'a Reordering<'b>);

impl Drop for Guard<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.abandon();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Numbers(Vec<u64>);

    impl RecordSink for Numbers {
        fn wants_jumps(&self) -> bool {
            true
        }

        fn begin(&mut self, _experiment: &Experiment, _channels: &[Channel]) -> Result<()> {
            Ok(())
        }

        fn accept(&mut self, records: &BlockRecords) -> Result<()> {
            self.0.extend(records.trajectories().map(|trajectory| trajectory.number));
            Ok(())
        }
    }

    fn block(first: u64) -> BlockRecords {
        let mut block = BlockRecords::new(first);
        block.finish_trajectory(1.0, [0.0]);
        block.finish_trajectory(1.0, [0.0]);
        block
    }

    #[test]
    fn blocks_are_passed_on_in_order() {
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
            let mut sink = Numbers::default();
            let reordering = Reordering::new(Some(&mut sink));
            for index in order {
                reordering.accept(index, block(2 * index)).unwrap();
            }
            drop(reordering);
            assert_eq!(sink.0, [0, 1, 2, 3, 4, 5, 6, 7], "{order:?}");
        }
    }

    #[test]
    fn who_is_far_ahead_waits_until_the_gap_closes_or_is_abandoned() {
        for abandon in [false, true] {
            let mut sink = Numbers::default();
            let reordering = Reordering::new(Some(&mut sink));
            std::thread::scope(|scope| {
                scope.spawn(|| reordering.accept(MOST_AHEAD, block(9)).unwrap());
                std::thread::sleep(std::time::Duration::from_millis(20));
                assert!(lock(&reordering.state).waiting.is_empty(), "it waits");
                if abandon {
                    reordering.abandon();
                } else {
                    reordering.accept(0, block(0)).unwrap();
                }
            });
            assert!(lock(&reordering.state).waiting.contains_key(&MOST_AHEAD));
            // A block given up further on keeps nobody from passing on what is due.
            reordering.accept(u64::from(!abandon), block(2)).unwrap();
            drop(reordering);
            assert_eq!(sink.0.len(), if abandon { 2 } else { 4 });
        }
    }
}
