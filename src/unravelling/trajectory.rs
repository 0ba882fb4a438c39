//! One trajectory: unnormalised evolution until ‖ψ‖² has fallen to a random number, then a jump, and so on.

use super::forced::{ForcedJump, Silenced, choose};
use super::trunk::{Alone, Beginning, Mark};
use super::waiting_time::{Survival, root};
use super::weight::Growth;
use super::{Recorder, Rewindable, Stretch, Trunks};
use crate::error::shown::{MOST_DIGITS, number};
use crate::hilbert::{Ket, Window};
use crate::model::PurePreparation;
use crate::propagate::{Follower, Stop, Tolerances, WindowReport};
use crate::system::OpenSystem;
use crate::{Error, Result};

/// Before the first jump steps are not planned beyond this many expected waiting times, whatever the threshold: the trunk is made
/// of them. A jump throws the rest away.
const HORIZON: f64 = 2.0;

/// Later ones are planned up to this many times the wait for the next jump at the present rate, as the threshold is known, but no
/// less than that part of a waiting time.
const MARGIN: f64 = 1.02;
const LEAST: f64 = 0.1;

/// Jump instants are found to this fraction of the ket tolerance.
const JUMP_SHARE: f64 = 0.1;

/// ln of the probability of a silence that does not matter.
const LEAST_SILENCE: f64 = -60.0;

/// Kets evaluated together for outputs.
const OUTPUTS: usize = 4;

/// Population at which the tail of an initial ket is cut, relative to its most likely level.
pub const INITIAL_TAIL: f64 = 1e-18;

/// Two uniform random numbers per jump: the threshold of ‖ψ‖² and the choice of the channel, both in (0, 1).
pub trait Chance {
    /// The next number, uniform in (0, 1).
    fn uniform(&mut self) -> f64;
}

/// What a trajectory noticed about itself.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TrajectoryReport {
    /// Fock window and steps.
    pub window: WindowReport,
    /// Largest rise of ‖ψ‖² over a step, where it can only fall.
    pub norm_defect: f64,
    /// Applications of H_eff.
    pub applications: u64,
    /// ln of the probability of the evolution without jumps up to the first jump, or the end.
    pub log_survival: f64,
}

/// Runs trajectories of one system one after the other, reusing its memory.
pub struct Trajectory<'a, S: OpenSystem> {
    system: &'a S,
    follower: Follower<'a, S>,
    times: &'a [f64],
    accuracy: f64,
    weights: Vec<f64>,
    ket: Ket,
    end: Ket,
    between: Ket,
    outputs: [Ket; OUTPUTS],
    growth: Option<Growth<'a, S>>,
    /// The jumps to be forced in the present trajectory, the next one last.
    to_force: Vec<ForcedJump>,
    /// The channel that does not fire in the present trajectory.
    silenced: Option<Silenced>,
}

impl<'a, S: OpenSystem> Trajectory<'a, S> {
    /// Trajectories with output at `times` (ascending, from 0; the last is the end of the run).
    pub fn new(system: &'a S, times: &'a [f64], tolerances: &Tolerances) -> Self {
        let empty = || Ket::zeros(Window::around(0, 1), system.rows());
        let duration = times.last().copied().filter(|end| *end > 0.0).unwrap_or(1.0);
        Self {
            system,
            follower: Follower::new(system, tolerances, duration),
            times,
            accuracy: JUMP_SHARE * tolerances.ket,
            weights: vec![0.0; system.channels().len()],
            ket: empty(),
            end: empty(),
            between: empty(),
            outputs: std::array::from_fn(|_| empty()),
            growth: system.is_weighted().then(|| Growth::new(system, tolerances.ket, duration)),
            to_force: Vec::new(),
            silenced: None,
        }
    }

    /// Who may stop trajectories from now on: they then end with [`Error::Stopped`].
    pub fn stop_when(&mut self, stop: Stop<'a>) {
        self.follower.stop = stop;
    }

    /// The ket at the end of the last trajectory, normalised.
    pub fn final_ket(&self) -> &Ket {
        &self.ket
    }

    /// Runs one trajectory from `state`. Outputs do not break steps; every jump uses two numbers of `chance`.
    ///
    /// # Errors
    /// When the Fock window outgrows the memory, a ket vanishes, or it is stopped.
    pub fn run(
        &mut self,
        state: &PurePreparation,
        chance: &mut impl Chance,
        recorder: &mut impl Recorder,
    ) -> Result<TrajectoryReport> {
        self.run_beginning(state, &mut Alone, chance, recorder)
    }

    /// The same to the last bit, but what comes before the first jump is taken from the state's trunk as far as it is known
    /// there; all `trunks` belong to one kind of recorder.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_on<R: Rewindable>(
        &mut self,
        trunks: &mut Trunks<R::Memory>,
        state: &PurePreparation,
        chance: &mut impl Chance,
        recorder: &mut R,
    ) -> Result<TrajectoryReport> {
        match trunks.of(state).filter(|_| self.growth.is_none()) {
            Some(trunk) => self.run_beginning(state, trunk, chance, recorder),
            None => self.run(state, chance, recorder),
        }
    }

    /// The same with jumps forced, in the order of their times. The recorder is told of them as of any other jump.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_forced(
        &mut self,
        state: &PurePreparation,
        jumps: &[ForcedJump],
        chance: &mut impl Chance,
        recorder: &mut impl Recorder,
    ) -> Result<TrajectoryReport> {
        self.to_force = jumps.iter().rev().copied().collect();
        let report = self.run_beginning(state, &mut Alone, chance, recorder);
        self.to_force.clear();
        report
    }

    /// The same with a channel silenced. It ends early when it is so improbable that it does not matter, with the outputs from there on
    /// missing.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_silenced(
        &mut self,
        state: &PurePreparation,
        silenced: Silenced,
        chance: &mut impl Chance,
        recorder: &mut impl Recorder,
    ) -> Result<TrajectoryReport> {
        self.silenced = Some(silenced);
        let report = self.run_beginning(state, &mut Alone, chance, recorder);
        self.silenced = None;
        report
    }

    fn run_beginning<R: Recorder, B: Beginning<R>>(
        &mut self,
        state: &PurePreparation,
        beginning: &mut B,
        chance: &mut impl Chance,
        recorder: &mut R,
    ) -> Result<TrajectoryReport> {
        self.follower.begin();
        let mut report = TrajectoryReport::default();
        let end_of_run = self.times.last().copied().unwrap_or(0.0);
        let jumps = self.system.channels().iter().any(|channel| channel.rate > 0.0);
        let (mut time, mut fired, mut continues) = (0.0, false, false);
        let mut weight = Weight { log: 0.0, sign: 1.0 };
        // ln of the threshold of the next jump; without jumps it is never reached.
        let mut level = threshold(jumps, chance);
        // ln of the probability of no jump since the last one, and the smallest value that this had.
        let (mut survival, mut lowest) = (0.0, 0.0f64);
        // ln of the probability of no jump of the silenced channel.
        let mut silence = 0.0;
        let (mut step, mut first_output) = (0, 0);
        if let Some(mark) = beginning.before(level) {
            self.ket.clone_from(&mark.ket);
            self.follower.resume(&mark.follower);
            B::recall(recorder, mark);
            (step, time, first_output, continues) = (mark.step, mark.time, mark.output, true);
            (survival, lowest) = (mark.log_survival, mark.lowest);
            (report.log_survival, report.norm_defect) = (mark.log_survival, mark.norm_defect);
        } else {
            self.follower.report.clipped = self.system.prepare(state, INITIAL_TAIL, &mut self.ket);
        }
        let mut outputs = self.times.iter().copied().enumerate().skip(first_output).peekable();
        while let Some((index, _)) = outputs.next_if(|(_, t)| *t <= 0.0) {
            recorder.output(index, &self.ket);
            if self.growth.is_some() {
                recorder.weigh(index, 1.0);
            }
        }
        while time < end_of_run && silence > LEAST_SILENCE {
            if !fired && beginning.wants(step) {
                let output = outputs.peek().map_or(self.times.len(), |(index, _)| *index);
                beginning.keep(recorder, |memory| Mark {
                    step,
                    time,
                    output,
                    ket: self.ket.clone(),
                    log_survival: survival,
                    lowest,
                    norm_defect: report.norm_defect,
                    follower: self.follower.mark(),
                    memory,
                });
            }
            step += 1;
            let rate = total_weight(self.system, &self.ket, &mut self.weights);
            let left = end_of_run - time;
            let own_before = self.silenced.map_or(0.0, |silenced| self.weights[silenced.channel]);
            let waits = if fired { (MARGIN * (survival - level)).max(LEAST) } else { HORIZON };
            let horizon = if rate > 0.0 { left.min(waits / rate) } else { left };
            let h = self.follower.step(&mut self.ket, time, horizon)?;
            self.follower.evaluate(h, &self.ket, &mut self.end);
            let start = Survival { time: 0.0, log_norm: 0.0, rate };
            if let Some(growth) = &mut self.growth {
                growth.lay(&self.follower, &self.ket, h);
            }
            // Without weights ln‖ψ‖², which is the probability of no jump; with them that is less by the growth.
            let growth = |s: f64| self.growth.as_ref().map_or(0.0, |growth| growth.until(s));
            let end_norm = self.end.norm_squared();
            let mut log_norm = end_norm.ln() - growth(h);
            report.norm_defect = report.norm_defect.max(log_norm.exp_m1());
            // Where no channel can fire a ket survives for certain: what its norm has lost is rounding, and no jump.
            if rate == 0.0 && total_weight(self.system, &self.end, &mut self.weights) == 0.0 {
                log_norm = 0.0;
            }
            let mut jumped = survival + log_norm <= level;
            let mut elapsed = h;
            if jumped {
                let rate = total_weight(self.system, &self.end, &mut self.weights) / end_norm;
                let end = Survival { time: h, log_norm, rate };
                let accuracy = self.accuracy / (rate + start.rate + self.follower.scale());
                let found = root(level - survival, start, end, accuracy, |s| {
                    self.follower.evaluate(s, &self.ket, &mut self.end);
                    let norm = self.end.norm_squared();
                    let rate = total_weight(self.system, &self.end, &mut self.weights) / norm;
                    Survival { time: s, log_norm: norm.ln() - growth(s), rate }
                });
                // Nor does a jump happen at an instant at which nothing can fire: the threshold waits.
                jumped = found.rate > 0.0;
                if jumped {
                    elapsed = found.time;
                } else {
                    self.follower.evaluate(h, &self.ket, &mut self.end);
                }
            }
            let mut forced = None;
            if let Some(jump) = self.to_force.pop_if(|jump| jump.time <= time + elapsed) {
                elapsed = (jump.time - time).clamp(0.0, elapsed);
                self.follower.evaluate(elapsed, &self.ket, &mut self.end);
                let norm = self.end.norm_squared();
                log_norm = norm.ln() - growth(elapsed);
                total_weight(self.system, &self.end, &mut self.weights);
                forced = (self.weights[jump.channel] > 0.0).then_some(jump.channel);
                jumped = forced.is_some();
            }
            // A step that was meant to reach the end does, whatever the rounding of the sum.
            let last = !jumped && elapsed == h && h >= end_of_run - time;
            let now = if last { end_of_run } else { time + elapsed };
            recorder.stretch(&Stretch {
                begin: time,
                continues,
                length: elapsed,
                end_time: now,
                start: &self.ket,
                end: &self.end,
                evaluate: &|times, kets| self.follower.evaluate_all(times, &self.ket, kets),
                stop: &self.follower.stop,
            });
            self.follower.stop.check(0)?;
            // The silenced channel's part in the norm lost, as it is on average.
            let silenced = self.silenced.filter(|silenced| now > silenced.from);
            let part = silenced.map(|Silenced { channel, .. }| {
                let norm = self.end.norm_squared();
                let after = total_weight(self.system, &self.end, &mut self.weights) / norm;
                let own = own_before + self.weights[channel] / norm;
                if rate + after > 0.0 { own / (rate + after) } else { 0.0 }
            });
            loop {
                let mut batch = [(0, 0.0); OUTPUTS];
                let mut count = 0;
                while let Some((index, t)) = outputs.next_if(|(_, t)| count < OUTPUTS && *t <= now) {
                    batch[count] = (index, (t - time).min(elapsed));
                    count += 1;
                }
                if count == 0 {
                    break;
                }
                self.follower.stop.check(count * self.ket.data().len())?;
                self.follower.evaluate_all(&batch.map(|(_, s)| s)[..count], &self.ket, &mut self.outputs[..count]);
                for ((index, _), ket) in batch.iter().zip(&self.outputs[..count]) {
                    recorder.output(*index, ket);
                }
                let survived = if self.silenced.is_some() {
                    part.map(|part| (silence, part))
                } else {
                    (!fired).then_some((survival, 1.0))
                };
                if let Some((before, part)) = survived {
                    for ((index, s), ket) in batch.iter().zip(&self.outputs[..count]) {
                        let log_norm = ket.norm_squared().ln() + self.follower.log_factor(*s);
                        recorder.survive(*index, before + part * (log_norm - growth(*s)));
                    }
                }
                if self.growth.is_some() {
                    for (index, s) in &batch[..count] {
                        recorder.weigh(*index, weight.sign * (weight.log + growth(*s)).exp());
                    }
                }
            }
            weight.log += growth(elapsed);
            std::mem::swap(&mut self.ket, &mut self.end);
            silence += part.unwrap_or(0.0) * if jumped && forced.is_none() { level - survival } else { log_norm };
            let channel = jumped.then(|| forced.unwrap_or_else(|| choose(&self.weights, chance.uniform())));
            let passed_over = channel.is_some() && channel == silenced.map(|silenced| silenced.channel);
            continues = !jumped || passed_over;
            if passed_over {
                level = threshold(jumps, chance);
                (survival, lowest) = (0.0, 0.0);
            } else if let Some(channel) = channel {
                self.system.collapse(channel, &mut self.ket, &mut self.between);
                if self.growth.as_ref().is_some_and(|growth| growth.reverses(channel)) {
                    weight.sign = -weight.sign;
                }
                recorder.jump(now, channel);
                fired = true;
                level = threshold(jumps, chance);
                (survival, lowest) = (0.0, 0.0);
            } else {
                survival += log_norm;
                lowest = lowest.min(survival);
                if !fired {
                    report.log_survival = survival;
                }
            }
            let norm = self.ket.norm_squared();
            if !(norm.is_finite() && norm > 0.0) {
                let (norm, now) = (number(norm, MOST_DIGITS), number(now, MOST_DIGITS));
                return Err(Error::Numerical(format!("a ket of norm² {norm} at t = {now}: the step was not accurate")));
            }
            self.ket.scale(1.0 / norm.sqrt());
            self.follower.follow(&mut self.ket);
            time = now;
        }
        report.window = self.follower.report;
        report.applications = self.follower.applications();
        Ok(report)
    }
}

/// The weight of a trajectory.
struct Weight {
    log: f64,
    sign: f64,
}

/// ln of a fresh threshold, or −∞ when no channel can fire.
fn threshold(jumps: bool, chance: &mut impl Chance) -> f64 {
    if jumps { chance.uniform().ln() } else { f64::NEG_INFINITY }
}

fn total_weight<S: OpenSystem>(system: &S, ket: &Ket, weights: &mut [f64]) -> f64 {
    system.weights(ket, weights);
    weights.iter().sum()
}
