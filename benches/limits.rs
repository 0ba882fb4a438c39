//! One application of H_eff beside what one core of this machine allows; `--write` renews `runs/limits.txt`.
//!
//! Measured are, in this order, the clock, the limit of fused multiply–adds, the bandwidth of memory, and `Generator::apply` of the
//! chain and of registers of up to sixteen spins.

mod machine;
mod report;
mod spins;

use std::error::Error;
use std::hint::black_box;

use fluctuator::hilbert::{Cutoff, Ket, Window};
use fluctuator::model::Model;
use fluctuator::system::{Chain, Generator, OpenSystem, Register};

use machine::{Effort, Machine, least_seconds};
use report::{Mode, circumstances, in_runs, mode, table, three_digits};
use spins::bathed;

/// Windows of the chain and of registers, and numbers of spins; a test takes the first of each.
const CHAIN_WINDOWS: [usize; 5] = [40, 200, 1_000, 10_000, 100_000];
const REGISTER_WINDOWS: [usize; 3] = [40, 200, 1_000];
const SPINS: [usize; 9] = [1, 2, 4, 6, 8, 10, 12, 14, 16];

/// Most memory one ket may take, in bytes; two are held.
const MOST_BYTES: usize = 1 << 30;

/// Bytes of an amplitude.
const BYTES: usize = 2 * size_of::<f64>();

/// Vector operations on four doubles that four amplitudes of the chain take at least.
///
/// (−iE − D)ψ takes 4 multiply–adds and −i(c_n ψ_{n−1} + c_{n+1} ψ_{n+1}) another 4. They read E, D, c twice, and ψ at three
/// levels with real and imaginary parts: 10 loads, which also go two at a time, and are what is counted.
const CHAIN_OPERATIONS: f64 = 10.0;

/// The same of one row of a register of `spins` spins that X flips and that has no diagonal coupling.
///
/// The row's energy and decay are added to the level's (2), (−iE − D)ψ takes 4 and the stencil over n 4 multiply–adds. What the
/// stencil acts on, φ = Σ w_k ψ_k over the K rows that X leads to, takes one for each part of each: 2K.
fn register_operations(spins: usize) -> f64 {
    10.0 + 2.0 * spins as f64
}

/// What one application costs.
struct Application {
    name: String,
    window: usize,
    amplitudes: usize,
    /// Bytes of a ket, with its pads.
    bytes: usize,
    /// Least time of one application.
    seconds: f64,
    /// Vector operations per four amplitudes.
    operations: f64,
}

impl Application {
    fn of<S: OpenSystem>(name: &str, system: &S, levels: usize, operations: f64, effort: Effort) -> Self {
        let window = Window::around(0, levels);
        let mut generator = system.generator(window);
        let mut ket = Ket::zeros(window, system.rows());
        for row in 0..system.rows() {
            let (re, im) = ket.row_mut(row);
            re.fill(0.1);
            im.fill(0.2);
        }
        let mut to = ket.clone();
        let seconds =
            least_seconds(effort, || generator.apply(0, black_box(ket.data()), None, black_box(to.data_mut())));
        Self {
            name: name.into(),
            window: window.len(),
            amplitudes: window.len() * system.rows(),
            bytes: size_of_val(ket.data()),
            seconds,
            operations,
        }
    }

    /// Bytes that go through memory at least per second: the ket is read once; where it goes is read and written.
    fn traffic(&self) -> f64 {
        (3 * self.bytes) as f64 / self.seconds
    }

    fn cells(&self, machine: &Machine) -> Vec<String> {
        let nanoseconds = 1e9 * self.seconds / self.amplitudes as f64;
        let limit = self.operations * machine.operation * machine.clock / 4.0;
        let cycles = 1e-9 * nanoseconds * machine.clock;
        vec![
            self.name.clone(),
            self.window.to_string(),
            three_digits(1e-6 * self.bytes as f64),
            three_digits(1e6 * self.seconds),
            three_digits(nanoseconds),
            format!("{cycles:.2}"),
            format!("{limit:.2}"),
            format!("{:.1}", cycles / limit),
            format!("{:.1}", 1e-9 * self.traffic()),
            format!("{:.0} %", 100.0 * self.traffic() / machine.bandwidth),
        ]
    }
}

/// The table's head, in the order of [`Application::cells`].
const HEAD: [&str; 10] = [
    "spins",
    "window",
    "ket (MB)",
    "application (µs)",
    "ns/amplitude",
    "cycles/amplitude",
    "limit (cycles)",
    "over limit",
    "GB/s at least",
    "of triad",
];

/// The chain on every window, then registers as far as a ket stays small enough.
fn applications(test: bool, effort: Effort) -> Result<Vec<Application>, Box<dyn Error>> {
    let part = |all: &'static [usize]| if test { &all[..1] } else { all };
    let chain = Chain::new(&bathed(1), Cutoff::Auto).ok_or("no chain without parity")?;
    let mut found: Vec<Application> = part(&CHAIN_WINDOWS)
        .iter()
        .map(|&levels| Application::of("chain", &chain, levels, CHAIN_OPERATIONS, effort))
        .collect();
    for &spins in part(&SPINS) {
        let register = Register::new(&Model::OscillatorSpins(bathed(spins)), Cutoff::Auto);
        for &levels in part(&REGISTER_WINDOWS) {
            if register.rows() * levels * BYTES <= MOST_BYTES {
                let operations = register_operations(spins);
                found.push(Application::of(&spins.to_string(), &register, levels, operations, effort));
            }
        }
    }
    Ok(found)
}

fn main() -> Result<(), Box<dyn Error>> {
    let Some(mode) = mode() else { return Ok(()) };
    let effort = if mode == Mode::Test { Effort::Test } else { Effort::Full };
    let machine = Machine::measure(effort);
    // One core: large kets would be shared with idle threads.
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let applications = alone.install(|| applications(mode == Mode::Test, effort).map_err(|error| error.to_string()))?;
    let rows: Vec<Vec<String>> = applications.iter().map(|application| application.cells(&machine)).collect();
    let text = format!(
        "One application of H_eff beside what one core allows. {}
`cargo bench --bench limits -- --write` writes this file.

{}
Least times of one application, from ket to ket, spins without asymmetry, each with a bath; kets of at most 1 GiB. The limit is that
of {CHAIN_OPERATIONS} vector operations per four amplitudes of the chain (its loads; 8 multiply–adds) and 10 + 2K of a register of K spins, at the
rate above. GB/s: the ket is read once, where it goes is read (write-allocate) and written once. Kets that fit into a cache do not
pay for memory: there the share of the triad says nothing, and may be above 100 %.

{}",
        circumstances(),
        machine.text(),
        table(&HEAD, &rows)
    );
    print!("{text}");
    if mode == Mode::Write {
        std::fs::write(in_runs("limits.txt"), text)?;
    }
    Ok(())
}
