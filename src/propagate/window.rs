//! One step of the evolution in a Fock window that grows before anything leaves it and shrinks behind the ket.

use super::series::TOGETHER;
use super::{Series, Stop, Tolerances};
use crate::hilbert::{Ket, PAD, Window};
use crate::system::{Generator, OpenSystem};
use crate::{Error, Result};

/// Levels added at a time at least, spare levels kept around the ket, and how many must be idle before it shrinks.
const GROWTH: usize = 8;
const GUARD: usize = 8;
const IDLE: usize = 16;

/// Generators that are kept, and levels above which only that of the present window is.
const KEPT: usize = 16;
const WIDE: usize = 1024;

/// Most memory the series of one ket may take.
const MAX_BYTES: usize = 16 << 30;

/// What the window saw of the ket.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct WindowReport {
    /// Largest population of the two outermost levels at either end at the end of a step.
    pub edge_population: f64,
    /// Largest population of the two highest levels below a hard cutoff.
    pub clipped: f64,
    /// Most levels held, of the frame that kets live in.
    pub largest: usize,
    /// Highest level of the laboratory that was reached, exclusive.
    pub highest: usize,
    /// Steps taken.
    pub steps: u64,
}

/// All that a [`Follower`] remembers of a trajectory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FollowerMark {
    guess: f64,
    report: WindowReport,
    /// Applications of H_eff since the trajectory began.
    applications: u64,
}

/// Propagates kets of one system, with the generator and the memory that this takes.
pub struct Follower<'a, S: OpenSystem> {
    system: &'a S,
    /// Those of the last windows, that of the present one last.
    generators: Vec<S::Generator>,
    series: Series,
    scratch: Ket,
    /// Applications of H_eff when the trajectory began.
    begun_at: u64,
    /// Truncation error allowed per unit time.
    ket_rate: f64,
    /// Amplitude allowed to leave per unit time.
    leak_rate: f64,
    /// Who may stop it.
    pub stop: Stop<'a>,
    /// What it saw since the trajectory began.
    pub report: WindowReport,
}

/// Makes the generator of `window` the last of `generators`: the same windows come again and again, in one trajectory and in the
/// next, and a table takes as long to fill as dozens of its applications.
fn tuned<'g, S: OpenSystem>(generators: &'g mut Vec<S::Generator>, system: &S, window: Window) -> &'g mut S::Generator {
    if let Some(place) = generators.iter().rposition(|generator| generator.window() == window) {
        let last = generators.len() - 1;
        generators.swap(place, last);
    } else {
        if window.len() > WIDE {
            generators.clear();
        } else if generators.len() >= KEPT {
            generators.remove(0);
        }
        generators.push(system.generator(window));
    }
    let last = generators.len() - 1;
    &mut generators[last]
}

impl<'a, S: OpenSystem> Follower<'a, S> {
    /// A propagator for trajectories of the given duration.
    pub fn new(system: &'a S, tolerances: &Tolerances, duration: f64) -> Self {
        Self {
            system,
            generators: Vec::new(),
            series: Series::default(),
            scratch: Ket::zeros(Window::around(0, 1), system.rows()),
            begun_at: 0,
            ket_rate: tolerances.ket / duration,
            leak_rate: tolerances.window.sqrt() / duration,
            stop: Stop::default(),
            report: WindowReport::default(),
        }
    }

    /// Begins a new trajectory: nothing of the last one may reach it.
    pub fn begin(&mut self) {
        self.series.forget();
        self.report = WindowReport::default();
        self.begun_at = self.series.applications;
    }

    /// What it remembers of the trajectory.
    pub fn mark(&self) -> FollowerMark {
        FollowerMark { guess: self.series.guess(), report: self.report, applications: self.applications() }
    }

    /// Goes on from where `mark` was made.
    pub fn resume(&mut self, mark: &FollowerMark) {
        self.series.resume(mark.guess);
        self.report = mark.report;
        self.begun_at = self.series.applications.wrapping_sub(mark.applications);
    }

    /// Applications of H_eff since the trajectory began.
    pub fn applications(&self) -> u64 {
        self.series.applications.wrapping_sub(self.begun_at)
    }

    /// Bound on the frequencies of the current window (1/time).
    pub fn scale(&self) -> f64 {
        self.generators.last().map_or(0.0, Generator::scale)
    }

    /// Expands a step from `ket` (normalised) at `time`, widening its window until nothing beyond the tolerance leaves it within
    /// the step. Returns the step's length, at most `horizon`.
    ///
    /// # Errors
    /// When the window would take more memory than one ket may have, or when it is stopped.
    pub fn step(&mut self, ket: &mut Ket, time: f64, horizon: f64) -> Result<f64> {
        loop {
            let window = ket.window();
            let generator = tuned(&mut self.generators, self.system, window);
            generator.begin_step(time);
            let h = self.series.expand(generator, ket, horizon, self.ket_rate, &self.stop)?;
            let (leak, reach) = (generator.leak().map(|norm| norm * generator.scale()), generator.reach());
            let len = window.len();
            let leaves = |leak: f64, edge| leak > 0.0 && !self.series.edge_within(h, edge, self.leak_rate / leak);
            let below = leaves(leak[0], PAD..PAD + reach);
            let above = leaves(leak[1], PAD + len - reach..PAD + len);
            if !below && !above {
                self.report.steps += 1;
                self.report.largest = self.report.largest.max(len);
                self.report.highest = self.report.highest.max(self.system.highest(window));
                return Ok(h);
            }
            let more = (len / 8).next_multiple_of(8).max(GROWTH);
            let wider = window.grown(if below { more } else { 0 }, if above { more } else { 0 }, self.system.cutoff());
            let bytes = (super::MAX_ORDER + 4) * 16 * ket.rows() * (wider.len() + 2 * PAD);
            if bytes > MAX_BYTES {
                return Err(Error::TooLarge {
                    what: format!(
                        "a ket on {} Fock levels and {} spin states with its series",
                        wider.len(),
                        ket.rows()
                    ),
                    needed: format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64),
                    limit: format!("{} GiB", MAX_BYTES >> 30),
                    advice: "give a hard cutoff or a shorter run".into(),
                });
            }
            ket.rewindow(wider, &mut self.scratch);
        }
    }

    /// ψ(t+s) of the step last expanded into `end`; `start` is the ket it was expanded from.
    pub fn evaluate(&self, s: f64, start: &Ket, end: &mut Ket) {
        end.take_form(start);
        self.series.evaluate(s, end);
        self.turn_back(s, end);
    }

    /// ln of the factor in ‖ψ(s)‖² that kets of [`Self::evaluate_all`] lack.
    pub fn log_factor(&self, s: f64) -> f64 {
        -2.0 * self.series.mean_decay() * s
    }

    /// The same at several times at once, each up to a positive factor. Once it is stopped the kets are worth nothing.
    pub fn evaluate_all(&self, times: &[f64], start: &Ket, kets: &mut [Ket]) {
        for ket in kets.iter_mut() {
            ket.take_form(start);
        }
        for (times, kets) in times.chunks(TOGETHER).zip(kets.chunks_mut(TOGETHER)) {
            if self.stop.after(kets.len() * start.data().len()) {
                return;
            }
            self.series.evaluate_all(times, kets);
        }
        for (s, ket) in times.iter().zip(kets) {
            self.turn_back(*s, ket);
        }
    }

    /// From the rotating frame of the step to the laboratory's.
    fn turn_back(&self, s: f64, ket: &mut Ket) {
        let rotation = self.generators.last().map_or(0.0, Generator::rotation);
        if rotation != 0.0 {
            ket.turn(rotation * s);
        }
    }

    /// Looks at the edges of a normalised ket and narrows its window where it has become idle.
    pub fn follow(&mut self, ket: &mut Ket) {
        let (window, cutoff) = (ket.window(), self.system.cutoff());
        let live = window.live(cutoff);
        let top: f64 = (live.saturating_sub(2)..live).map(|j| ket.level_population(j)).sum();
        let bottom: f64 = if window.lo() == 0 { 0.0 } else { (0..2).map(|j| ket.level_population(j)).sum() };
        if window.at_cutoff(cutoff) {
            self.report.clipped = self.report.clipped.max(top);
        }
        self.report.edge_population = self.report.edge_population.max(top.max(bottom));

        let Some(generator) = self.generators.last() else { return };
        // A level is idle when even the strongest coupling could not carry its amplitude out at a tenth of the rate allowed.
        let quiet = (0.1 * self.leak_rate / generator.scale()).powi(2);
        let idle = |level: usize| ket.level_population(level) < quiet;
        let last = window.len() - 1;
        // Most windows are busy right behind the guard; look there before counting.
        let spare = |level: &dyn Fn(usize) -> usize| {
            if last < GUARD + IDLE || !idle(level(GUARD + IDLE - 1)) {
                return 0;
            }
            let count = (0..last).take_while(|&j| idle(level(j))).count();
            if count >= GUARD + IDLE { count - GUARD } else { 0 }
        };
        let (below, above) = (spare(&|j| j), spare(&|j| last - j));
        if below + above > 0 && below + above < last {
            ket.rewindow(Window::around(window.lo() + below, window.hi() - above), &mut self.scratch);
        }
    }
}
