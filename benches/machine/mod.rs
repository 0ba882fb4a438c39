//! What one core of this machine can do: its clock, fused multiply–adds, and memory.

use std::hint::black_box;
use std::time::Instant;

use fluctuator::hilbert::lanes::{Kernel, Lanes, WIDTH, run};

/// How much time may be spent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effort {
    /// Once through, on small arrays.
    Test,
    /// Until least times settle.
    Full,
}

/// Shortest batch of repetitions that is timed, and how long and how often batches are repeated.
const BATCH: f64 = 1e-3;
const LONGEST: f64 = 1.0;
const FEWEST: usize = 5;
const MOST: usize = 300;

/// Least time of one call, in seconds, over batches of calls after one to warm up.
pub fn least_seconds(effort: Effort, mut call: impl FnMut()) -> f64 {
    let mut timed = |calls: usize| {
        let begun = Instant::now();
        (0..calls).for_each(|_| call());
        begun.elapsed().as_secs_f64().max(1e-9) / calls as f64
    };
    let once = timed(1);
    if effort == Effort::Test {
        return once;
    }
    let calls = (BATCH / timed(1)).ceil().max(1.0) as usize;
    let begun = Instant::now();
    let going = |batch: &usize| *batch < FEWEST || *batch < MOST && begun.elapsed().as_secs_f64() < LONGEST;
    (0..).take_while(going).map(|_| timed(calls)).fold(f64::INFINITY, f64::min)
}

/// The limits of one core.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// Cycles per second.
    pub clock: f64,
    /// Seconds per multiply–add of a vector, many at a time.
    pub operation: f64,
    /// Seconds per multiply–add of a vector, each after the other.
    pub latency: f64,
    /// Bytes per second to and from memory.
    pub bandwidth: f64,
    /// Doubles in each array of the triad.
    length: usize,
}

/// Chains of multiply–adds that run at a time: more than latency × pipes of any processor at hand, fewer than its registers.
const CHAINS: usize = 12;

/// Doubles in each of the triad's arrays, far beyond any cache.
const LENGTH: usize = 1 << 24;

impl Machine {
    /// Measures them, in about ten seconds.
    pub fn measure(effort: Effort) -> Self {
        let (rounds, length) = if effort == Effort::Test { (1_000, 1 << 12) } else { (200_000, LENGTH) };
        let cycles = 2.0 * (UNROLLED * rounds) as f64;
        let clock = cycles / least_seconds(effort, || _ = black_box(in_turn(rounds, black_box(3), black_box(5))));
        let many = least_seconds(effort, || _ = black_box(run(Chains::<CHAINS> { rounds })));
        let one = least_seconds(effort, || _ = black_box(run(Chains::<1> { rounds })));
        let (b, c, mut a) = (vec![1.0; length], vec![2.0; length], vec![0.0; length]);
        let triad = least_seconds(effort, || run(Triad { b: &b, c: &c, s: black_box(0.5), a: black_box(&mut a) }));
        Self {
            clock,
            operation: many / (CHAINS * rounds) as f64,
            latency: one / rounds as f64,
            bandwidth: (4 * size_of::<f64>() * length) as f64 / triad,
            length,
        }
    }

    /// What was measured, line by line.
    pub fn text(&self) -> String {
        let Self { clock, operation, latency, bandwidth, length } = *self;
        let cycles = |seconds: f64| seconds * clock;
        format!(
            "clock       {:.2} GHz: dependent additions and exclusive ors of integers, one cycle each
arithmetic  {:.3} ns ({:.2} cycles) per multiply–add of {WIDTH} doubles, {CHAINS} independent chains in registers; {:.2} ns ({:.2} cycles) in one chain
memory      {:.1} GB/s: a = b + s·c on three arrays of {} MiB, four times 8 bytes per element with the write-allocate of a
",
            1e-9 * clock,
            1e9 * operation,
            cycles(operation),
            1e9 * latency,
            cycles(latency),
            1e-9 * bandwidth,
            (size_of::<f64>() * length) >> 20,
        )
    }
}

/// Pairs of instructions in one round of [`in_turn`].
const UNROLLED: usize = 16;

/// An addition, an exclusive or, and again, each waiting for the one before.
#[inline(never)]
fn in_turn(rounds: usize, a: u64, b: u64) -> u64 {
    let mut x = a;
    for _ in 0..rounds {
        for _ in 0..UNROLLED {
            x = x.wrapping_add(a) ^ b;
        }
    }
    x
}

/// x ← a·x + b in `N` chains of vectors that know nothing of each other.
struct Chains<const N: usize> {
    rounds: usize,
}

impl<const N: usize> Kernel for Chains<N> {
    type Output = [f64; WIDTH];

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> [f64; WIDTH] {
        let (a, b) = (lanes.splat(black_box(0.5)), lanes.splat(black_box(1.0)));
        let mut x = [b; N];
        for x in &mut x {
            // Values that no compiler knows to be the same.
            *x = lanes.splat(black_box(1.0));
        }
        for _ in 0..self.rounds {
            for x in &mut x {
                *x = lanes.mul_add(a, *x, b);
            }
        }
        let mut sum = x[0];
        for x in &x[1..] {
            sum = lanes.add(sum, *x);
        }
        L::cells(sum)
    }
}

/// a = b + s·c.
struct Triad<'a> {
    b: &'a [f64],
    c: &'a [f64],
    s: f64,
    a: &'a mut [f64],
}

impl Kernel for Triad<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let s = lanes.splat(self.s);
        for ((a, b), c) in L::vectors_mut(self.a).iter_mut().zip(L::vectors(self.b)).zip(L::vectors(self.c)) {
            *a = lanes.mul_add(s, *c, *b);
        }
    }
}
