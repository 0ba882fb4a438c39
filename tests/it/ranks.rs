//! A run on several ranks has the bits of a run in one process. Threads stand in for processes; scripts/mpi/demo.sh has real ones.

#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fluctuator::ensemble::{self, Ensemble, Estimator, Plan, Processes, Stopped, StoredRun, Watcher};
use fluctuator::hilbert::Cutoff;
use fluctuator::io::ranks::{Assignment, Ranks, Tag, Wire};
use fluctuator::model::OscillatorPreparation;
use fluctuator::propagate::Tolerances;
use fluctuator::system::Experiment;

use crate::cli::Sandbox;
use crate::systems::{experiment, oscillator, spin};

/// Messages on their way: tag, sender and text.
type Mailbox = Mutex<VecDeque<(Tag, usize, Vec<u8>)>>;

/// One process's end of a network: a mailbox per process.
struct Mail {
    rank: usize,
    boxes: Arc<Vec<Mailbox>>,
}

impl Wire for Mail {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.boxes.len()
    }

    fn send(&self, rank: usize, tag: Tag, message: &[u8]) {
        self.boxes[rank].lock().unwrap().push_back((tag, self.rank, message.to_vec()));
    }

    fn poll(&self, tag: Tag) -> Option<(usize, Vec<u8>)> {
        let mut mail = self.boxes[self.rank].lock().unwrap();
        let at = mail.iter().position(|message| message.0 == tag)?;
        mail.remove(at).map(|(_, from, message)| (from, message))
    }

    fn abort(&self) -> ! {
        panic!("rank {} aborts", self.rank)
    }
}

fn warm() -> Experiment {
    experiment(oscillator(vec![spin(2.0, 1.0, 10.0, 1.0)], None), OscillatorPreparation::Fock(0), 1.0, 5)
}

fn plan(trajectories: u64) -> Plan {
    let estimator = Estimator::Controlled { pilot: 16 };
    Plan { trajectories, seed: 5, block: 8, threads: 2, estimator, sampling: Default::default() }
}

type Run = Result<Option<Ensemble>, String>;

/// The outcome on `size` ranks.
fn on(size: usize, experiment: &Experiment, plan: &Plan, watch: &Watch) -> Run {
    let boxes = Arc::new((0..size).map(|_| Mutex::default()).collect::<Vec<_>>());
    let tolerances = Tolerances::from_tolerance(1e-8);
    let meet = |rank| {
        let wire = Mail { rank, boxes: Arc::clone(&boxes) };
        Ranks::meet(Box::new(wire), 2, "a test")
    };
    let assignment = Assignment { point: 3, identity: "this".into(), pilot: Some(16), block: 8 };
    std::thread::scope(|scope| {
        for rank in 1..size {
            let (meet, assignment, tolerances) = (&meet, &assignment, &tolerances);
            scope.spawn(move || {
                meet(rank).assist(|told, dispatch| {
                    assert_eq!(told, assignment);
                    let counting = Counting { dispatch, handed_out: &watch.elsewhere };
                    ensemble::assist(experiment, tolerances, plan, None, &counting)
                });
            });
        }
        let ranks = meet(0);
        assert_eq!(ranks.threads(), 2 * size);
        let outcome = ranks.together(&assignment, || {
            let stored_run = StoredRun { others: Some(&ranks as &dyn Processes), ..StoredRun::default() };
            ensemble::run_stored(experiment, &tolerances, plan, watch, None, stored_run)
        });
        outcome.map_err(|error| error.to_string())
    })
}

/// A dispatch of blocks that counts.
struct Counting<'a> {
    dispatch: &'a dyn ensemble::Dispatch,
    handed_out: &'a AtomicU64,
}

impl ensemble::Dispatch for Counting<'_> {
    fn claim(&self) -> Option<u64> {
        let block = self.dispatch.claim();
        self.handed_out.fetch_add(u64::from(block.is_some()), Ordering::Relaxed);
        block
    }

    fn bring(&self, block: u64, outcome: Result<ensemble::Sums, ensemble::Failure>) {
        self.dispatch.bring(block, outcome);
    }

    fn abandon(&self) {
        self.dispatch.abandon();
    }

    fn gives_up(&self) -> bool {
        self.dispatch.gives_up()
    }
}

/// Enough at the first look at which ⟨N⟩ is known well enough; counts trajectories, and blocks of others than rank 0.
#[derive(Default)]
struct Watch {
    enough: Option<f64>,
    stop_after: Option<u64>,
    /// A stop drops the blocks in hand.
    drops: bool,
    /// Nothing is finished before another rank has got a block.
    shares: bool,
    heard: AtomicU64,
    elsewhere: AtomicU64,
}

impl Watcher for Watch {
    fn finished(&self, trajectories: u64) {
        while self.shares && self.elsewhere.load(Ordering::Relaxed) == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.heard.fetch_add(trajectories, Ordering::Relaxed);
    }

    fn stop(&self) -> bool {
        self.stop_after.is_some_and(|most| self.heard.load(Ordering::Relaxed) >= most)
    }

    fn give_up(&self) -> bool {
        self.drops && self.stop()
    }

    fn first_look(&self) -> Option<u64> {
        self.enough.map(|_| 64)
    }

    fn enough(&self, ensemble: &Ensemble) -> bool {
        let (records, count) = (&ensemble.tally.records, ensemble.tally.trajectories as f64);
        let worst = records.squares().iter().take(5).fold(0.0_f64, |worst, square| worst.max(*square));
        self.enough.is_some_and(|enough| worst.sqrt() / count < enough)
    }
}

#[test]
fn ranks_change_nothing() {
    let warm = warm();
    for (enough, trajectories) in [(None, 500), (Some(0.04), 4000)] {
        let one = on(1, &warm, &plan(trajectories), &Watch { enough, ..Watch::default() }).unwrap().unwrap();
        let stopped = if enough.is_some() { Stopped::Target } else { Stopped::Trajectories };
        assert_eq!(one.ending.stopped, stopped, "after {} trajectories", one.tally.trajectories);
        for size in [2, 3, 5] {
            let watch = Watch { enough, shares: true, ..Watch::default() };
            let several = on(size, &warm, &plan(trajectories), &watch).unwrap().unwrap();
            assert!(one == several, "{size} ranks");
            assert_eq!(watch.heard.into_inner(), one.tally.trajectories);
        }
    }
}

/// A stop, at whatever moment, leaves the complete prefix; blocks in hand are called back, and all ranks come home.
#[test]
fn a_stopped_run_calls_its_ranks_back() {
    let warm = warm();
    for (stop_after, drops) in [(0, true), (1, true), (1, false), (100, true), (100, false), (1000, false)] {
        let watch = Watch { stop_after: Some(stop_after), drops, ..Watch::default() };
        if let Some(ensemble) = on(3, &warm, &plan(100_000), &watch).unwrap() {
            let count = ensemble.tally.trajectories;
            assert_eq!(ensemble.ending.stopped, Stopped::Interrupted);
            assert!(count < 100_000 && count % 8 == 0, "{count}");
            let whole = on(1, &warm, &plan(count), &Watch::default()).unwrap().unwrap();
            assert!(ensemble.tally == whole.tally, "{count} trajectories");
        }
    }
}

/// A block that another rank drops is waited for by nobody: at a look that will never come, all go home. A watchdog, not a timing:
/// whoever forgets a dropped block waits for ever.
#[test]
fn a_block_dropped_elsewhere_keeps_nobody_at_a_look() {
    let (home, arrived) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        // The first look is after 64 trajectories, 8 blocks in the hands of 6 threads; they are called back shortly before.
        for _ in 0..10 {
            for stop_after in [40, 48, 56] {
                let watch = Watch { enough: Some(0.0), stop_after: Some(stop_after), drops: true, ..Watch::default() };
                let ensemble = on(3, &warm(), &plan(100_000), &watch).unwrap();
                assert!(ensemble.is_none_or(|ensemble| ensemble.ending.stopped == Stopped::Interrupted));
            }
        }
        home.send(()).unwrap();
    });
    let patience = Duration::from_secs(60);
    arrived.recv_timeout(patience).expect("all come home");
}

/// The first trajectory that fails is the same on any number of ranks, and so is what is said of it.
#[test]
fn a_failure_elsewhere_is_told_as_if_it_were_here() {
    let clipped = Experiment { cutoff: Cutoff::Levels(6), ..warm() };
    let reason = on(1, &clipped, &plan(5000), &Watch::default()).unwrap_err();
    assert!(reason.contains("cutoff = 6 clips the state"), "{reason}");
    for size in [2, 4] {
        assert_eq!(on(size, &clipped, &plan(5000), &Watch::default()).unwrap_err(), reason);
    }
}

#[test]
fn records_are_refused_for_ranks_and_so_is_a_program_without_mpi() {
    let sandbox = Sandbox::new();
    if cfg!(feature = "mpi") {
        let refused = sandbox.expect(2, "run run.toml --mpi --set output.jumps=true");
        assert!(
            refused.error().contains("records of single trajectories do not come from other processes"),
            "{}",
            refused.stderr
        );
    } else {
        let refused = sandbox.expect(2, "run run.toml --mpi");
        assert!(refused.error().contains("cargo build --release --features mpi"), "{}", refused.stderr);
    }
}
