//! The messages between rank 0 and the others: who runs which block of which sweep point.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::wire::{Tag, Wire};
use crate::ensemble::{Clipping, Dispatch, Failure, Offer, Processes, RootDispatch, Sums};
use crate::io::terminal::tell;
use crate::{Error, Result};

/// Shortest and longest time between two looks at whether a message has come.
const PATIENCE: [Duration; 2] = [Duration::from_micros(50), Duration::from_millis(1)];

/// A sweep point that blocks are to be run of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// Its number.
    pub point: usize,
    /// What its blocks depend on (`io::blocks::Identity::hash`).
    pub identity: String,
    /// Pilot trajectories; none for plain estimates.
    pub pilot: Option<u64>,
    /// Trajectories per block.
    pub block: u64,
}

/// From rank 0. To every [`Word::Ask`], and to nothing else, the answer is a block or leave.
#[derive(Serialize, Deserialize)]
enum Order {
    /// Blocks of this point may be asked for.
    Assignment(u64, Assignment),
    Block(u64),
    /// There are no more blocks of it.
    Leave,
    /// There are no more assignments.
    End,
}

/// To rank 0.
#[derive(Serialize, Deserialize)]
enum Word {
    Here {
        threads: usize,
        maker: String,
    },
    Ask,
    Done(u64, Box<Sums>),
    Clipped(u64, Clipping),
    Failed(u64, String),
    Dropped,
    /// All threads of this rank have ended the assignment; and why, if not in good order.
    Gone(Option<String>),
}

/// This process among those that were started together. When rank 0 drops it, the others end.
pub struct Ranks {
    wire: Box<dyn Wire>,
    /// Threads of all ranks.
    threads: usize,
    /// Number of the assignment in hand.
    assignment: AtomicU64,
    /// Ranks other than 0 that are at an assignment.
    out: AtomicUsize,
}

impl Ranks {
    /// Meets the others; `threads` is what this process has, `maker` says what program it is.
    pub fn meet(wire: Box<dyn Wire>, threads: usize, maker: &str) -> Self {
        let mut ranks = Self { wire, threads, assignment: AtomicU64::new(0), out: AtomicUsize::new(0) };
        if !ranks.is_first() {
            ranks.say(&Word::Here { threads, maker: maker.into() });
            return ranks;
        }
        for _ in 1..ranks.wire.size() {
            let (rank, word) = ranks.wait();
            let Word::Here { threads, maker: theirs } = word else { ranks.fail("another rank spoke out of turn") };
            ranks.threads += threads;
            if theirs != maker {
                tell(format_args!(
                    "note: rank {rank} is {theirs}: the last digits may differ from those of one process"
                ));
            }
        }
        ranks
    }

    /// Whether this is the one that holds the run together.
    pub fn is_first(&self) -> bool {
        self.wire.rank() == 0
    }

    /// Threads of all ranks, at rank 0.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Rank 0: gives the others an assignment, at which [`Processes::serve`] keeps them, does `work`, and calls back who is still at it.
    pub fn together<T>(&self, assignment: &Assignment, work: impl FnOnce() -> T) -> T {
        let number = self.assignment.fetch_add(1, Ordering::Relaxed) + 1;
        let others = 1..self.wire.size();
        self.out.store(others.len(), Ordering::Relaxed);
        others.for_each(|rank| self.order(rank, &Order::Assignment(number, assignment.clone())));
        let outcome = work();
        self.serve(&Closed);
        outcome
    }

    /// Other ranks: takes assignments until there are no more. `run` runs the blocks that are dispatched to it.
    pub fn assist(&self, mut run: impl FnMut(&Assignment, &dyn Dispatch) -> Result<()>) {
        loop {
            match self.wait().1 {
                Order::Assignment(number, assignment) => {
                    let line = Line { ranks: self, assignment: number, recalled: AtomicBool::new(false) };
                    let trouble = run(&assignment, &line).err().map(|error| error.to_string());
                    self.say(&Word::Gone(trouble));
                }
                Order::End => return,
                Order::Block(_) | Order::Leave => self.fail("an answer to no question"),
            }
        }
    }

    fn order(&self, rank: usize, order: &Order) {
        self.send(rank, Tag::Talk, order);
    }

    fn say(&self, word: &Word) {
        self.send(0, Tag::Talk, word);
    }

    fn send(&self, rank: usize, tag: Tag, message: &impl Serialize) {
        match postcard::to_stdvec(message) {
            Ok(bytes) => self.wire.send(rank, tag, &bytes),
            Err(error) => self.fail(&error.to_string()),
        }
    }

    fn poll<M: DeserializeOwned>(&self, tag: Tag) -> Option<(usize, M)> {
        let (rank, bytes) = self.wire.poll(tag)?;
        match postcard::from_bytes(&bytes) {
            Ok(message) => Some((rank, message)),
            Err(error) => {
                self.fail(&format!("rank {rank} is not understood ({error}): another version of the program?"))
            }
        }
    }

    /// Waits for a message without keeping a core busy.
    fn wait<M: DeserializeOwned>(&self) -> (usize, M) {
        let mut patience = Patience::new();
        loop {
            if let Some(message) = self.poll(Tag::Talk) {
                return message;
            }
            patience.wait();
        }
    }

    fn fail(&self, reason: &str) -> ! {
        tell(format_args!("error: rank {}: {reason}", self.wire.rank()));
        self.wire.abort()
    }
}

impl Processes for Ranks {
    fn serve(&self, dispatch: &dyn RootDispatch) {
        let (mut asking, mut recalled, mut patience) = (VecDeque::new(), false, Patience::new());
        while self.out.load(Ordering::Relaxed) > 0 {
            if dispatch.gives_up() && !std::mem::replace(&mut recalled, true) {
                let assignment = self.assignment.load(Ordering::Relaxed);
                (1..self.wire.size()).for_each(|rank| self.send(rank, Tag::Recall, &assignment));
            }
            match self.poll(Tag::Talk) {
                Some((rank, word)) => {
                    patience = Patience::new();
                    match word {
                        Word::Ask => asking.push_back(rank),
                        Word::Done(block, sums) => dispatch.bring(block, Ok(*sums)),
                        Word::Clipped(block, clipping) => dispatch.bring(block, Err(Failure::Clipped(clipping))),
                        Word::Failed(block, reason) => dispatch.bring(block, Err(Error::Numerical(reason).into())),
                        Word::Dropped => dispatch.abandon(),
                        Word::Gone(trouble) => {
                            self.out.fetch_sub(1, Ordering::Relaxed);
                            let told =
                                |reason: &String| tell(format_args!("warning: rank {rank} does not help: {reason}"));
                            trouble.iter().for_each(told);
                        }
                        Word::Here { .. } => self.fail("a rank came twice"),
                    }
                }
                None => patience.wait(),
            }
            while let Some(&rank) = asking.front() {
                let order = match dispatch.offer() {
                    Offer::Block(block) => Order::Block(block),
                    Offer::Over => Order::Leave,
                    Offer::Later => break,
                };
                self.order(rank, &order);
                asking.pop_front();
            }
        }
    }
}

impl Drop for Ranks {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.fail("ends in the middle of the run");
        }
        if self.is_first() {
            (1..self.wire.size()).for_each(|rank| self.order(rank, &Order::End));
        }
    }
}

/// The dispatch of rank 0, as another rank sees it.
struct Line<'a> {
    ranks: &'a Ranks,
    assignment: u64,
    recalled: AtomicBool,
}

impl Dispatch for Line<'_> {
    fn claim(&self) -> Option<u64> {
        self.ranks.say(&Word::Ask);
        match self.ranks.wait().1 {
            Order::Block(block) => Some(block),
            Order::Leave => None,
            Order::Assignment(..) | Order::End => self.ranks.fail("no answer to a question"),
        }
    }

    fn bring(&self, block: u64, outcome: std::result::Result<Sums, Failure>) {
        self.ranks.say(&match outcome {
            Ok(sums) => Word::Done(block, Box::new(sums)),
            Err(Failure::Clipped(clipping)) => Word::Clipped(block, clipping),
            Err(Failure::Other(error)) => Word::Failed(block, error.to_string()),
        });
    }

    fn abandon(&self) {
        self.ranks.say(&Word::Dropped);
    }

    fn gives_up(&self) -> bool {
        while let Some((_, assignment)) = self.ranks.poll::<u64>(Tag::Recall) {
            // One of an earlier assignment came too late to be of use.
            if assignment == self.assignment {
                self.recalled.store(true, Ordering::Relaxed);
            }
        }
        self.recalled.load(Ordering::Relaxed)
    }
}

/// The dispatch after the end: there are no blocks.
struct Closed;

impl Dispatch for Closed {
    fn claim(&self) -> Option<u64> {
        None
    }

    fn bring(&self, _block: u64, _outcome: std::result::Result<Sums, Failure>) {}

    fn abandon(&self) {}

    fn gives_up(&self) -> bool {
        true
    }
}

impl RootDispatch for Closed {
    fn offer(&self) -> Offer {
        Offer::Over
    }
}

/// Time between two looks, longer each time.
struct Patience(Duration);

impl Patience {
    fn new() -> Self {
        Self(PATIENCE[0])
    }

    fn wait(&mut self) {
        std::thread::sleep(self.0);
        self.0 = (self.0 * 2).min(PATIENCE[1]);
    }
}
