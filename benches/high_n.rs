//! What one trajectory of a high coherent or number state costs; `--write` renews `runs/high-n.txt` and `runs/figures/high-n.png`.
//!
//! The system is `runs/high-n.toml`. Coherent states run in the frame that moves with them, as `fluctuator run` has them, and in the
//! laboratory's (with a rotating frame on wide windows); number states on the chain, in the laboratory. One trajectory is
//! `Trajectory::run` with the observables of the file at its output times: no trunk, no Fock distribution, no control variates.

#[allow(dead_code, unused_imports, reason = "the project's figures have more than this one needs, and tests")]
#[path = "../src/io/figure.rs"]
mod figure;
mod report;

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::time::Instant;

use fluctuator::analysis::convergence::{Fit, fit_line};
use fluctuator::ensemble::{Purpose, Streams, draw};
use fluctuator::error;
use fluctuator::hilbert::{Cutoff, Ket};
use fluctuator::io::run_file::{RunFile, RunPoint};
use fluctuator::model::Model;
use fluctuator::system::{Chain, Experiment, OpenSystem, Readout, Register};
use fluctuator::unravelling::{Recorder, Trajectory, TrajectoryReport};

use figure::{Figure, Sketch, Swatch, colour};
use report::{Mode, circumstances, in_runs, mode, table, three_digits};

const RUN_FILE: &str = include_str!("../runs/high-n.toml");

/// What |α|² and n take; a test takes the first.
const NUMBERS: [usize; 5] = [1_000, 10_000, 50_000, 100_000, 1_000_000];

/// Trajectories per row, each of its own random numbers; a test takes one.
const TRAJECTORIES: u64 = 9;

/// How often they are repeated, and for how many seconds at most beyond the fewest.
const FEWEST_ROUNDS: usize = 2;
const MOST_ROUNDS: usize = 100;
const LONGEST: f64 = 1.0;

/// What follows a line that begins like this in `runs/high-n.txt` was measured by other means, and stays.
const KEPT: &str = "\nNot measured by this program";

/// What the trajectories from one initial state cost.
struct Cost {
    /// |α|² or n.
    number: usize,
    /// Most levels held by any trajectory.
    window: usize,
    /// Medians.
    applications: f64,
    steps: f64,
    median_ms: f64,
    least_ms: f64,
    /// Least time per application of H_eff and amplitude of the trajectory's largest window.
    least_ns: f64,
}

impl Cost {
    fn cells(&self) -> Vec<String> {
        let times = [self.median_ms, self.least_ms, self.least_ns].map(three_digits);
        let counts = [self.window as f64, self.applications, self.steps].map(|count| format!("{count:.0}"));
        std::iter::once(self.number.to_string()).chain(counts).chain(times).collect()
    }
}

/// One way to run the system.
struct Curve {
    title: &'static str,
    label: &'static str,
    symbol: &'static str,
    costs: Vec<Cost>,
}

impl Curve {
    /// The exponent of the least time in `size`.
    fn exponent(&self, size: fn(&Cost) -> f64) -> Option<Fit> {
        fit_line(&self.costs.iter().map(|cost| (size(cost).ln(), cost.least_ms.ln())).collect::<Vec<_>>())
    }

    fn text(&self) -> String {
        let [window, amplitude] = [
            ("largest window", self.exponent(|cost| cost.window as f64)),
            (if self.symbol == "n" { "√n" } else { "|α|" }, self.exponent(|cost| (cost.number as f64).sqrt())),
        ]
        .map(|(size, fit)| fit.map(|fit| format!("{size}^({:.2} ± {:.2})", fit.slope, fit.slope_error)));
        let fits: Vec<String> = [window, amplitude].into_iter().flatten().collect();
        let fits = if fits.is_empty() { String::new() } else { format!("least ms ∝ {}\n", fits.join(", ")) };
        let head = [self.symbol, "largest window", "applications", "steps", "median ms", "least ms", "least ns"];
        let rows: Vec<Vec<String>> = self.costs.iter().map(Cost::cells).collect();
        format!("{}:\n\n{}{fits}", self.title, table(&head, &rows))
    }
}

/// Reads the observables off at every output.
struct Outputs<'a, S> {
    system: &'a S,
    experiment: &'a Experiment,
    readout: Readout,
    values: Vec<f64>,
}

impl<S: OpenSystem> Recorder for Outputs<'_, S> {
    fn output(&mut self, index: usize, ket: &Ket) {
        self.readout.observe(self.system, self.experiment.times[index], ket, &mut self.values);
        black_box(&self.values);
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Runs `count` trajectories again and again after a first time to warm up; the time of each is its least.
fn measure<S: OpenSystem>(number: usize, system: &S, point: &RunPoint, count: u64) -> fluctuator::Result<Cost> {
    let (experiment, streams) = (&point.experiment, Streams::new(point.seed));
    let mut trajectory = Trajectory::new(system, &experiment.times, &point.tolerances);
    let readout = Readout::new(system, &experiment.observables);
    let mut outputs = Outputs { system, experiment, readout, values: vec![0.0; experiment.observables.len()] };
    let mut run = |index: u64| -> fluctuator::Result<(f64, TrajectoryReport)> {
        let mut preparation = streams.open(index, Purpose::Preparation);
        let state = draw(experiment.oscillator, experiment.model.spins(), &mut preparation);
        let mut jumps = streams.open(index, Purpose::Jumps);
        let begun = Instant::now();
        let report = trajectory.run(&state, &mut jumps, &mut outputs)?;
        Ok((begun.elapsed().as_secs_f64(), report))
    };
    let reports = (0..count).map(|index| Ok(run(index)?.1)).collect::<fluctuator::Result<Vec<_>>>()?;
    let mut seconds = vec![f64::INFINITY; reports.len()];
    let begun = Instant::now();
    let mut rounds = 0;
    while rounds < FEWEST_ROUNDS || rounds < MOST_ROUNDS && begun.elapsed().as_secs_f64() < LONGEST {
        for (index, seconds) in (0..count).zip(&mut seconds) {
            *seconds = seconds.min(run(index)?.0);
        }
        rounds += 1;
    }
    let amplitudes =
        reports.iter().map(|report| report.applications as f64 * (report.window.largest * system.rows()) as f64);
    let units: Vec<f64> = seconds.iter().zip(amplitudes).map(|(seconds, amplitudes)| seconds / amplitudes).collect();
    Ok(Cost {
        number,
        window: reports.iter().map(|report| report.window.largest).max().unwrap_or(0),
        applications: median(reports.iter().map(|report| report.applications as f64).collect()),
        steps: median(reports.iter().map(|report| report.window.steps as f64).collect()),
        least_ms: 1e3 * least(&seconds),
        median_ms: 1e3 * median(seconds),
        least_ns: 1e9 * least(&units),
    })
}

/// The run file with this initial state.
fn point(oscillator: &str) -> fluctuator::Result<RunPoint> {
    let overrides = [format!("initial.oscillator={oscillator}")];
    Ok(RunFile::parse(RUN_FILE, "high-n", &overrides)?.points.remove(0))
}

/// The three curves, by the moving frame, the laboratory's, and number states.
fn curves(numbers: &[usize], count: u64) -> Result<Vec<Curve>, Box<dyn Error>> {
    let (mut moving, mut resting, mut fock) = (Vec::new(), Vec::new(), Vec::new());
    for &number in numbers {
        let coherent = point(&format!("{{ coherent = [{:?}, 0.0] }}", (number as f64).sqrt()))?;
        moving.push(measure(number, &Register::of(&coherent.experiment), &coherent, count)?);
        let register = Register::new(&coherent.experiment.model, Cutoff::Auto);
        resting.push(measure(number, &register, &coherent, count)?);
        let state = point(&format!("{{ fock = {number} }}"))?;
        let Model::OscillatorSpins(model) = &state.experiment.model else { return Err("not a model of spins".into()) };
        let chain = Chain::new(model, Cutoff::Auto).ok_or("no chain without parity")?;
        fock.push(measure(number, &chain, &state, count)?);
    }
    let curve = |title, label, symbol, costs| Curve { title, label, symbol, costs };
    Ok(vec![
        curve(
            "Coherent, in the frame that moves with αe^{−iΩ₀t}, as runs take it",
            "coherent, moving frame",
            "|α|²",
            moving,
        ),
        curve("Coherent, in the laboratory's frame, rotating on wide windows", "coherent, laboratory", "|α|²", resting),
        curve("Number states on the chain, in the laboratory's frame", "number state, laboratory", "n", fock),
    ])
}

/// Time against |α|² and n, with a line along which it would be linear in the window.
fn draw_curves(curves: &[Curve]) -> Figure {
    let title = "One trajectory of runs/high-n.toml (11 outputs until t = 10/Ω₀), one core";
    let mut sketch =
        Sketch::new(title, "|α|² or n (quanta)", "least time per trajectory (ms)").logarithmic([true, true]);
    for (index, curve) in curves.iter().enumerate() {
        let points: Vec<(f64, f64)> = curve.costs.iter().map(|cost| (cost.number as f64, cost.least_ms)).collect();
        let colour = colour(index, curves.len());
        sketch.line(&points, &colour);
        sketch.circles(&points, &colour);
        sketch.entry(Swatch::Line, &colour, curve.label);
        if let [(first, time), .., (last, _)] = points[..] {
            sketch.dashes(&[(first, time), (last, time * (last / first).sqrt())], &colour);
        }
    }
    sketch.entry(Swatch::Dashes, figure::NEUTRAL, "∝ |α| or √n, the width of a coherent state");
    sketch.finish()
}

fn main() -> Result<(), Box<dyn Error>> {
    let Some(mode) = mode() else { return Ok(()) };
    let (numbers, count) = if mode == Mode::Test { (&NUMBERS[..1], 1) } else { (&NUMBERS[..], TRAJECTORIES) };
    let curves = curves(numbers, count)?;
    let tables: Vec<String> = curves.iter().map(Curve::text).collect();
    let text = format!(
        "What one trajectory of runs/high-n.toml costs, with |α|² or n as set: plain averages at its output times, one after the other
and each from its beginning, without the Fock distribution. Of {count} trajectories, each repeated and its least time taken: largest
window of any; median applications of H_eff, steps and time; least time; least time per application and amplitude of the largest
window of the trajectory; exponents by least squares.
{}
`cargo bench --bench high_n -- --write` writes this part and figures/high-n.png.\n\n{}",
        circumstances(),
        tables.join("\n")
    );
    print!("{text}");
    let pixels = draw_curves(&curves).png(2.0)?;
    if mode == Mode::Write {
        let path = in_runs("high-n.txt");
        let before = fs::read_to_string(&path)?;
        let at = before.find(KEPT).ok_or_else(|| format!("{} has no line {KEPT:?}", path.display()))?;
        fs::write(&path, text + &before[at..])?;
        fs::write(in_runs("figures/high-n.png"), pixels)?;
    }
    Ok(())
}
