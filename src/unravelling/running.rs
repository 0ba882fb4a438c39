//! A trajectory on its way: where it stands, its next step, and what happens at the end of that.

use super::chance::{Chance, threshold};
use super::forced::{Silenced, choose};
use super::trunk::{Beginning, Mark};
use super::waiting_time::{Survival, root};
use super::workspace::{OUTPUTS, Workspace, total_weight};
use super::{Recorder, Stretch};
use crate::error::shown::{MOST_DIGITS, number};
use crate::model::PurePreparation;
use crate::propagate::WindowReport;
use crate::system::OpenSystem;
use crate::{Error, Result};

/// Before the first jump steps are not planned beyond this many expected waiting times, whatever the threshold: the trunk is made
/// of them. A jump throws the rest away.
const HORIZON: f64 = 2.0;

/// Later ones are planned up to this many times the wait for the next jump at the present rate, as the threshold is known, but no
/// less than that part of a waiting time.
const MARGIN: f64 = 1.02;
const LEAST: f64 = 0.1;

/// ln of the probability of a silence that does not matter.
const LEAST_SILENCE: f64 = -60.0;

/// Population at which the tail of an initial ket is cut, relative to its most likely level.
pub const INITIAL_TAIL: f64 = 1e-18;

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

/// A trajectory on its way.
pub struct Running<'t, 'a, S: OpenSystem> {
    own: &'t mut Workspace<'a, S>,
    end_of_run: f64,
    /// Whether any channel can fire.
    jumps: bool,
    /// Steps behind it.
    step: u64,
    time: f64,
    /// The first output that is still to come.
    output: usize,
    /// Whether it has jumped.
    fired: bool,
    /// Whether the last step ended without a jump.
    continues: bool,
    weight: Weight,
    /// ln of the threshold of the next jump; without jumps it is never reached.
    level: f64,
    /// ln of the probability of no jump since the last one, and the smallest value that this had.
    survival: f64,
    lowest: f64,
    /// ln of the probability of no jump of the silenced channel.
    silence: f64,
    report: TrajectoryReport,
}

/// The weight of a trajectory.
struct Weight {
    log: f64,
    sign: f64,
}

/// A step as far as it goes: to its planned end, or to a jump.
struct Step {
    /// How far it was planned and the propagation is known.
    planned: f64,
    /// The total rate of jumps at its beginning, and that of the silenced channel.
    rate: f64,
    silenced_rate: f64,
    /// How far it goes.
    elapsed: f64,
    /// When it ends.
    end: f64,
    /// ln of the probability of no jump until then, or until the planned end where a jump falls by itself.
    log_norm: f64,
    jump: Option<Fired>,
    /// The silenced channel's part in the norm that the step loses, as it is on average; `None` as long as it may fire.
    silenced_part: Option<f64>,
}

/// Who says that there is a jump.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fired {
    /// The threshold was reached.
    ByItself,
    /// A channel was forced.
    Forced(usize),
}

impl<'t, 'a, S: OpenSystem> Running<'t, 'a, S> {
    /// One that begins in `state`, or at the last mark before its first jump.
    pub fn begin<R: Recorder, B: Beginning<R>>(
        own: &'t mut Workspace<'a, S>,
        state: &PurePreparation,
        beginning: &B,
        chance: &mut impl Chance,
        recorder: &mut R,
    ) -> Self {
        own.follower.begin();
        let jumps = own.system.channels().iter().any(|channel| channel.rate > 0.0);
        let end_of_run = own.times.last().copied().unwrap_or(0.0);
        let mut running = Self {
            own,
            end_of_run,
            jumps,
            step: 0,
            time: 0.0,
            output: 0,
            fired: false,
            continues: false,
            weight: Weight { log: 0.0, sign: 1.0 },
            level: threshold(jumps, chance),
            survival: 0.0,
            lowest: 0.0,
            silence: 0.0,
            report: TrajectoryReport::default(),
        };
        let Self { own, level, .. } = &mut running;
        if let Some(mark) = beginning.before(*level) {
            own.ket.clone_from(&mark.ket);
            own.follower.resume(&mark.follower);
            B::recall(recorder, mark);
            (running.step, running.time, running.output, running.continues) = (mark.step, mark.time, mark.output, true);
            (running.survival, running.lowest) = (mark.log_survival, mark.lowest);
            (running.report.log_survival, running.report.norm_defect) = (mark.log_survival, mark.norm_defect);
        } else {
            own.follower.report.clipped = own.system.prepare(state, INITIAL_TAIL, &mut own.ket);
        }
        running
    }

    /// Runs it to its end.
    pub fn run<R: Recorder, B: Beginning<R>>(
        mut self,
        beginning: &mut B,
        chance: &mut impl Chance,
        recorder: &mut R,
    ) -> Result<TrajectoryReport> {
        while self.own.times.get(self.output).is_some_and(|time| *time <= 0.0) {
            recorder.output(self.output, &self.own.ket);
            if self.own.growth.is_some() {
                recorder.weigh(self.output, 1.0);
            }
            self.output += 1;
        }
        while self.time < self.end_of_run && self.silence > LEAST_SILENCE {
            if !self.fired && beginning.wants(self.step) {
                beginning.keep(recorder, |memory| self.mark(memory));
            }
            self.step += 1;
            let mut step = self.plan()?;
            self.find_jump(&mut step);
            self.force_jump(&mut step);
            self.find_end(&mut step);
            step.silenced_part = self.silenced_part(&step);
            self.record(&step, recorder)?;
            self.end_step(&step, chance, recorder);
            self.normalise(step.end)?;
            self.time = step.end;
        }
        self.report.window = self.own.follower.report;
        self.report.applications = self.own.follower.applications();
        Ok(self.report)
    }

    fn mark<M>(&self, memory: M) -> Mark<M> {
        Mark {
            step: self.step,
            time: self.time,
            output: self.output,
            ket: self.own.ket.clone(),
            log_survival: self.survival,
            lowest: self.lowest,
            norm_defect: self.report.norm_defect,
            follower: self.own.follower.mark(),
            memory,
        }
    }

    /// A step without a jump as far as the propagation goes at once; its end is in `end`.
    fn plan(&mut self) -> Result<Step> {
        let Workspace { system, follower, weights, ket, end, growth, silenced, .. } = &mut *self.own;
        let rate = total_weight(*system, ket, weights);
        let silenced_rate = silenced.map_or(0.0, |silenced| weights[silenced.channel]);
        let left = self.end_of_run - self.time;
        let waits = if self.fired { (MARGIN * (self.survival - self.level)).max(LEAST) } else { HORIZON };
        let horizon = if rate > 0.0 { left.min(waits / rate) } else { left };
        let planned = follower.step(ket, self.time, horizon)?;
        follower.evaluate(planned, ket, end);
        if let Some(growth) = growth {
            growth.lay(follower, ket, planned);
        }
        // Without weights ln‖ψ‖², which is the probability of no jump; with them that is less by the growth.
        let mut log_norm = self.own.end.norm_squared().ln() - self.own.growth(planned);
        self.report.norm_defect = self.report.norm_defect.max(log_norm.exp_m1());
        // Where no channel can fire a ket survives for certain: what its norm has lost is rounding, and no jump.
        if rate == 0.0 && self.own.weigh_end() == 0.0 {
            log_norm = 0.0;
        }
        Ok(Step {
            planned,
            rate,
            silenced_rate,
            elapsed: planned,
            end: self.time,
            log_norm,
            jump: None,
            silenced_part: None,
        })
    }

    /// Ends the step where the threshold is reached, if it is.
    fn find_jump(&mut self, step: &mut Step) {
        let reached = self.survival + step.log_norm <= self.level;
        if !reached {
            return;
        }
        let rate = self.own.weigh_end() / self.own.end.norm_squared();
        let accuracy = self.own.accuracy / (rate + step.rate + self.own.follower.scale());
        let start = Survival { time: 0.0, log_norm: 0.0, rate: step.rate };
        let end = Survival { time: step.planned, log_norm: step.log_norm, rate };
        let found = root(self.level - self.survival, start, end, accuracy, |s| {
            self.own.evaluate_end(s);
            let norm = self.own.end.norm_squared();
            let rate = self.own.weigh_end() / norm;
            Survival { time: s, log_norm: norm.ln() - self.own.growth(s), rate }
        });
        // Nor does a jump happen at an instant at which nothing can fire: the threshold waits.
        if found.rate > 0.0 {
            (step.elapsed, step.jump) = (found.time, Some(Fired::ByItself));
        } else {
            self.own.evaluate_end(step.planned);
        }
    }

    /// Ends the step where a jump is to be forced, if that comes first.
    fn force_jump(&mut self, step: &mut Step) {
        let Some(jump) = self.own.to_force.pop_if(|jump| jump.time <= self.time + step.elapsed) else { return };
        step.elapsed = (jump.time - self.time).clamp(0.0, step.elapsed);
        self.own.evaluate_end(step.elapsed);
        step.log_norm = self.own.end.norm_squared().ln() - self.own.growth(step.elapsed);
        self.own.weigh_end();
        step.jump = (self.own.weights[jump.channel] > 0.0).then_some(Fired::Forced(jump.channel));
    }

    /// A step that was meant to reach the end of the run does, whatever the rounding of the sum.
    fn find_end(&self, step: &mut Step) {
        let whole = step.jump.is_none() && step.elapsed == step.planned;
        let last = whole && step.planned >= self.end_of_run - self.time;
        step.end = if last { self.end_of_run } else { self.time + step.elapsed };
    }

    /// Tells the recorder of the step and of the outputs in it.
    fn record(&mut self, step: &Step, recorder: &mut impl Recorder) -> Result<()> {
        let Workspace { follower, ket, end, .. } = &*self.own;
        recorder.stretch(&Stretch {
            begin: self.time,
            continues: self.continues,
            length: step.elapsed,
            end_time: step.end,
            start: ket,
            end,
            evaluate: &|times, kets| follower.evaluate_all(times, ket, kets),
            stop: &follower.stop,
        });
        follower.stop.check(0)?;
        // ln of the probability that there was no jump before the step, or none of the silenced channel, and the part of what its norm
        // loses that counts.
        let survived = if self.own.silenced.is_some() {
            step.silenced_part.map(|part| (self.silence, part))
        } else {
            (!self.fired).then_some((self.survival, 1.0))
        };
        loop {
            let mut instants = [0.0; OUTPUTS];
            let first = self.output;
            let due = self.own.times[first..].iter().take_while(|time| **time <= step.end);
            let count = instants.iter_mut().zip(due).map(|(s, time)| *s = (time - self.time).min(step.elapsed)).count();
            if count == 0 {
                return Ok(());
            }
            self.output += count;
            let Workspace { follower, ket, outputs, .. } = &mut *self.own;
            let (instants, outputs) = (&instants[..count], &mut outputs[..count]);
            follower.stop.check(count * ket.data().len())?;
            follower.evaluate_all(instants, ket, outputs);
            for (index, ket) in (first..).zip(&*outputs) {
                recorder.output(index, ket);
            }
            for (index, s) in (first..).zip(instants) {
                if let Some((before, part)) = survived {
                    let log_norm =
                        self.own.outputs[index - first].norm_squared().ln() + self.own.follower.log_factor(*s);
                    recorder.survive(index, before + part * (log_norm - self.own.growth(*s)));
                }
                if self.own.growth.is_some() {
                    recorder.weigh(index, self.weight.sign * (self.weight.log + self.own.growth(*s)).exp());
                }
            }
        }
    }

    fn silenced_part(&mut self, step: &Step) -> Option<f64> {
        let Silenced { channel, .. } = self.own.silenced.filter(|silenced| step.end > silenced.from)?;
        let norm = self.own.end.norm_squared();
        let after = self.own.weigh_end() / norm;
        let own = step.silenced_rate + self.own.weights[channel] / norm;
        Some(if step.rate + after > 0.0 { own / (step.rate + after) } else { 0.0 })
    }

    /// Goes to the end of the step, with its jump.
    fn end_step(&mut self, step: &Step, chance: &mut impl Chance, recorder: &mut impl Recorder) {
        self.weight.log += self.own.growth(step.elapsed);
        let Workspace { system, weights, ket, end, between, growth, silenced, .. } = &mut *self.own;
        std::mem::swap(ket, end);
        let lost = if step.jump == Some(Fired::ByItself) { self.level - self.survival } else { step.log_norm };
        self.silence += step.silenced_part.unwrap_or(0.0) * lost;
        let channel = step.jump.map(|fired| match fired {
            Fired::ByItself => choose(weights, chance.uniform()),
            Fired::Forced(channel) => channel,
        });
        let silenced = silenced.filter(|silenced| step.end > silenced.from);
        let passed_over = channel.is_some() && channel == silenced.map(|silenced| silenced.channel);
        self.continues = channel.is_none() || passed_over;
        if let Some(channel) = channel {
            if !passed_over {
                system.collapse(channel, ket, between);
                if growth.as_ref().is_some_and(|growth| growth.reverses(channel)) {
                    self.weight.sign = -self.weight.sign;
                }
                recorder.jump(step.end, channel);
                self.fired = true;
            }
            self.level = threshold(self.jumps, chance);
            (self.survival, self.lowest) = (0.0, 0.0);
        } else {
            self.survival += step.log_norm;
            self.lowest = self.lowest.min(self.survival);
            if !self.fired {
                self.report.log_survival = self.survival;
            }
        }
    }

    fn normalise(&mut self, now: f64) -> Result<()> {
        let Workspace { ket, follower, .. } = &mut *self.own;
        let norm = ket.norm_squared();
        if !(norm.is_finite() && norm > 0.0) {
            let (norm, now) = (number(norm, MOST_DIGITS), number(now, MOST_DIGITS));
            return Err(Error::Numerical(format!("a ket of norm² {norm} at t = {now}: the step was not accurate")));
        }
        ket.scale(1.0 / norm.sqrt());
        follower.follow(ket);
        Ok(())
    }
}
