//! The trunk: what comes before the first jump is the same for all trajectories from one state, so it is computed only once.

use super::Recorder;
use crate::hilbert::Ket;
use crate::model::PurePreparation;
use crate::propagate::FollowerMark;

/// Memory that the marks of one trunk may take, in bytes.
const MOST_BYTES: usize = 4 << 20;

/// Fewest and most marks of a trunk.
const FEWEST_MARKS: usize = 1;
const MOST_MARKS: usize = 64;

/// A recorder that can go back to what it had recorded at an earlier instant.
pub trait Rewindable: Recorder {
    /// What it has recorded.
    type Memory;

    /// What it has recorded so far.
    fn remember(&self) -> Self::Memory;

    /// Takes `memory` for what it has recorded.
    fn recall(&mut self, memory: &Self::Memory);

    /// About the size of a memory in bytes.
    fn memory_size(&self) -> usize;
}

/// Where a trajectory stands that has not jumped.
pub struct Mark<M> {
    /// Steps behind it.
    pub step: u64,
    /// Its time.
    pub time: f64,
    /// The first output that is still to come.
    pub output: usize,
    /// The ket, normalised.
    pub ket: Ket,
    /// ln of the probability of no jump so far.
    pub log_survival: f64,
    /// The smallest value that this had, rounding included: a threshold below it has not been reached.
    pub lowest: f64,
    /// Largest rise of ‖ψ‖² over a step.
    pub norm_defect: f64,
    /// What the propagation remembers.
    pub follower: FollowerMark,
    /// What the recorder has recorded.
    pub memory: M,
}

/// Marks along the evolution without jumps from one state.
///
/// A trajectory whose first jump comes late begins at the last mark before it, and those that jump later than all before leave
/// new marks. As everything from a mark on is computed as if the trajectory had come there by itself, the result
/// is the same to the last bit, whoever left the marks. There are never more than a fixed number of them: when they are too many,
/// every second one is given up.
pub struct Trunk<M> {
    marks: Vec<Mark<M>>,
    /// Steps from mark to mark.
    spacing: u64,
}

impl<M> Default for Trunk<M> {
    fn default() -> Self {
        Self { marks: Vec::new(), spacing: 1 }
    }
}

/// How a trajectory begins.
pub trait Beginning<R: ?Sized> {
    /// What recorders remember.
    type Memory;

    /// The last mark before ln of the probability of no jump reaches `threshold`.
    fn before(&self, threshold: f64) -> Option<&Mark<Self::Memory>>;

    /// Whether a mark after `step` steps is wanted.
    fn wants(&self, step: u64) -> bool;

    /// Keeps a mark made by `mark` from the recorder's memory.
    fn keep(&mut self, recorder: &R, mark: impl FnOnce(Self::Memory) -> Mark<Self::Memory>);

    /// Brings the recorder to where it was at `mark`.
    fn recall(recorder: &mut R, mark: &Mark<Self::Memory>);
}

/// Every trajectory from its very beginning.
pub struct Alone;

impl<R: ?Sized> Beginning<R> for Alone {
    type Memory = ();

    fn before(&self, _threshold: f64) -> Option<&Mark<()>> {
        None
    }

    fn wants(&self, _step: u64) -> bool {
        false
    }

    fn keep(&mut self, _recorder: &R, _mark: impl FnOnce(()) -> Mark<()>) {}

    fn recall(_recorder: &mut R, _mark: &Mark<()>) {}
}

impl<R: Rewindable> Beginning<R> for Trunk<R::Memory> {
    type Memory = R::Memory;

    fn before(&self, threshold: f64) -> Option<&Mark<R::Memory>> {
        self.marks[..self.marks.partition_point(|mark| mark.lowest > threshold)].last()
    }

    fn wants(&self, step: u64) -> bool {
        step > 0 && step.is_multiple_of(self.spacing) && self.marks.last().is_none_or(|last| last.step < step)
    }

    fn keep(&mut self, recorder: &R, mark: impl FnOnce(R::Memory) -> Mark<R::Memory>) {
        let mark = mark(recorder.remember());
        let size = size_of_val(mark.ket.data()) + recorder.memory_size();
        self.marks.push(mark);
        if self.marks.len() > (MOST_BYTES / size.max(1)).clamp(FEWEST_MARKS, MOST_MARKS) {
            self.spacing *= 2;
            let spacing = self.spacing;
            self.marks.retain(|mark| mark.step.is_multiple_of(spacing));
        }
    }

    fn recall(recorder: &mut R, mark: &Mark<R::Memory>) {
        recorder.recall(&mark.memory);
    }
}

/// Most initial states that have a trunk; trajectories from further ones run alone.
const MOST_STATES: usize = 4;

/// The trunks of the initial states of an ensemble, those that came first.
pub struct Trunks<M> {
    known: Vec<(PurePreparation, Trunk<M>)>,
}

impl<M> Default for Trunks<M> {
    fn default() -> Self {
        Self { known: Vec::new() }
    }
}

impl<M> Trunks<M> {
    /// The trunk of `state`, if it has one.
    pub fn of(&mut self, state: &PurePreparation) -> Option<&mut Trunk<M>> {
        let place = self.known.iter().position(|(known, _)| known == state);
        if place.is_none() && self.known.len() < MOST_STATES {
            self.known.push((*state, Trunk::default()));
            return self.known.last_mut().map(|(_, trunk)| trunk);
        }
        place.map(|place| &mut self.known[place].1)
    }
}
