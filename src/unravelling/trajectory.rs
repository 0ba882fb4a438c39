//! One trajectory: unnormalised evolution until ‖ψ‖² has fallen to a random number, then a jump, and so on.

use super::waiting_time::{Survival, root};
use super::{Recorder, Stretch};
use crate::hilbert::{Ket, Window};
use crate::model::PurePreparation;
use crate::propagate::{Follower, Tolerances, WindowReport};
use crate::system::OpenSystem;
use crate::{Error, Result};

/// Steps are not planned beyond this many expected waiting times: a jump would throw the rest away.
const HORIZON: f64 = 2.0;

/// Jump instants are found to this fraction of the ket tolerance.
const JUMP_SHARE: f64 = 0.1;

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
        }
    }

    /// The ket at the end of the last trajectory, normalised.
    pub fn final_ket(&self) -> &Ket {
        &self.ket
    }

    /// Runs one trajectory from `state`. Outputs do not break steps; every jump uses two numbers of `chance`.
    ///
    /// # Errors
    /// When the Fock window outgrows the memory, or a ket vanishes.
    pub fn run(
        &mut self,
        state: &PurePreparation,
        chance: &mut impl Chance,
        recorder: &mut impl Recorder,
    ) -> Result<TrajectoryReport> {
        self.follower.begin();
        let applications = self.follower.applications();
        let mut report = TrajectoryReport::default();
        let clipped = self.system.prepare(state, INITIAL_TAIL, &mut self.ket);
        self.follower.report.clipped = clipped;

        let end_of_run = self.times.last().copied().unwrap_or(0.0);
        let jumps = self.system.channels().iter().any(|channel| channel.rate > 0.0);
        let (mut time, mut fired, mut continues) = (0.0, false, false);
        let mut outputs = self.times.iter().copied().enumerate().peekable();
        while outputs.next_if(|(_, t)| *t <= 0.0).map(|(index, _)| recorder.output(index, &self.ket)).is_some() {}
        // ln of the threshold relative to the norm at the start of the step; without jumps it is never reached.
        let mut level = threshold(jumps, chance);
        while time < end_of_run {
            let rate = total_weight(self.system, &self.ket, &mut self.weights);
            let left = end_of_run - time;
            let horizon = if rate > 0.0 { left.min(HORIZON / rate) } else { left };
            let h = self.follower.step(&mut self.ket, horizon)?;
            self.follower.evaluate(h, &self.ket, &mut self.end);
            let start = Survival { time: 0.0, log_norm: 0.0, rate };
            let end_norm = self.end.norm_squared();
            let log_norm = end_norm.ln();
            report.norm_defect = report.norm_defect.max(end_norm - 1.0);
            let jumped = log_norm <= level;
            let mut elapsed = h;
            if jumped {
                let rate = total_weight(self.system, &self.end, &mut self.weights) / end_norm;
                let end = Survival { time: h, log_norm, rate };
                let accuracy = self.accuracy / (rate + start.rate + self.follower.scale());
                let found = root(level, start, end, accuracy, |s| {
                    self.follower.evaluate(s, &self.ket, &mut self.end);
                    let norm = self.end.norm_squared();
                    let rate = total_weight(self.system, &self.end, &mut self.weights) / norm;
                    Survival { time: s, log_norm: norm.ln(), rate }
                });
                elapsed = found.time;
            }
            // A step that was meant to reach the end does, whatever the rounding of the sum.
            let last = !jumped && h >= end_of_run - time;
            let now = if last { end_of_run } else { time + elapsed };
            recorder.stretch(&Stretch {
                begin: time,
                continues,
                length: elapsed,
                end_time: now,
                start: &self.ket,
                end: &self.end,
                evaluate: &|times, kets| self.follower.evaluate_all(times, &self.ket, kets),
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
                self.follower.evaluate_all(&batch.map(|(_, s)| s)[..count], &self.ket, &mut self.outputs[..count]);
                for ((index, _), ket) in batch.iter().zip(&self.outputs[..count]) {
                    recorder.output(*index, ket);
                }
            }
            std::mem::swap(&mut self.ket, &mut self.end);
            continues = !jumped;
            if jumped {
                let channel = choose(&self.weights, chance.uniform());
                self.system.collapse(channel, &mut self.ket, &mut self.between);
                recorder.jump(now, channel);
                fired = true;
                level = threshold(jumps, chance);
            } else {
                level -= log_norm;
                if !fired {
                    report.log_survival += log_norm;
                }
            }
            let norm = self.ket.norm_squared();
            if !(norm.is_finite() && norm > 0.0) {
                return Err(Error::Numerical(format!("a ket of norm² {norm} at t = {now}: the step was not accurate")));
            }
            self.ket.scale(1.0 / norm.sqrt());
            self.follower.follow(&mut self.ket);
            time = now;
        }
        report.window = self.follower.report;
        report.applications = self.follower.applications() - applications;
        Ok(report)
    }
}

/// ln of a fresh threshold, or −∞ when no channel can fire.
fn threshold(jumps: bool, chance: &mut impl Chance) -> f64 {
    if jumps { chance.uniform().ln() } else { f64::NEG_INFINITY }
}

fn total_weight<S: OpenSystem>(system: &S, ket: &Ket, weights: &mut [f64]) -> f64 {
    system.weights(ket, weights);
    weights.iter().sum()
}

/// The channel whose share of the summed weights contains the fraction `u`; never one of weight zero.
fn choose(weights: &[f64], u: f64) -> usize {
    let mut left = u * weights.iter().sum::<f64>();
    let mut chosen = 0;
    for (channel, &weight) in weights.iter().enumerate() {
        if weight > 0.0 {
            chosen = channel;
            if left < weight {
                break;
            }
            left -= weight;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn channels_are_chosen_by_weight_in_their_own_order() {
        let weights = [0.0, 1.0, 0.0, 3.0, 0.0];
        assert_eq!([0.0, 0.2499, 0.2501, 0.9999, 1.0].map(|u| choose(&weights, u)), [1, 1, 3, 3, 3]);
    }
}
