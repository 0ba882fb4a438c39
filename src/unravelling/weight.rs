//! The weight of a trajectory of an equation that is not of Lindblad form: what it grows by between jumps.

use super::chebyshev::{DEGREES, MOST_WEIGHTS, RULES, Rule};
use crate::hilbert::{Ket, Window};
use crate::propagate::Follower;
use crate::system::{Jump, OpenSystem};

/// The rule of one panel, and how many nodes it has.
const RULE: usize = 10;
const NODES: usize = DEGREES[RULE] + 1;
const _: () = assert!(NODES == 18, "panels were chosen for 18 nodes");

/// Halvings of a step at most, and parts of one step: where q is rounding, which it can be on kets that are spread far, halving
/// would find no end.
const DEEPEST: u32 = 24;
const MOST_PANELS: usize = 1 << 11;

/// ∫ 2q dt over one step on the propagator's dense output, q = Σ‖Lψ‖²/‖ψ‖² over the negative channels, as a function of the
/// upper end.
///
/// A trajectory jumps at the rate Σ‖Lψ‖²/‖ψ‖² of *all* channels, but H_eff has the negative ones with their sign: the
/// probability of no jump is ‖ψ‖² e^{−∫2q}, and where the state is normalised again the weight has grown by e^{∫2q}. With a
/// change of sign at every negative jump E[w |ψ⟩⟨ψ|] = ρ (Becker, Wu and Eckardt, PRL 131, 160401 (2023)). This is also the
/// influence martingale of Donvil and Muratore-Ginanneschi, Nat. Commun. 13, 4140 (2022), whose rate r of negative jumps is
/// free: its squared weight grows on average by (r+q)²/r, least for r = q, which is the choice made here.
///
/// Panels of the step are halved until the Chebyshev coefficients of q have fallen below the tolerance.
pub struct Growth<'a, S: OpenSystem> {
    system: &'a S,
    negative: Vec<bool>,
    accuracy: f64,
    panels: Vec<Panel>,
    /// Parts of the step still to be sampled, the next one last: beginning, length and how often it was halved.
    ahead: Vec<(f64, f64, u32)>,
    kets: Vec<Ket>,
    weights: Vec<f64>,
}

/// A part of the step with 2q at its nodes and the integral before it.
struct Panel {
    begin: f64,
    length: f64,
    before: f64,
    values: [f64; NODES],
}

impl<'a, S: OpenSystem> Growth<'a, S> {
    /// Growth along trajectories of `system`; ln of the weight errs by at most about `tolerance` over `duration`.
    pub fn new(system: &'a S, tolerance: f64, duration: f64) -> Self {
        Self {
            system,
            negative: system.channels().iter().map(|channel| channel.jump == Jump::Negative).collect(),
            accuracy: tolerance / duration,
            panels: Vec::new(),
            ahead: Vec::new(),
            kets: vec![Ket::zeros(Window::around(0, 1), system.rows()); NODES],
            weights: vec![0.0; system.channels().len()],
        }
    }

    /// Whether a jump of `channel` reverses the sign.
    pub fn reverses(&self, channel: usize) -> bool {
        self.negative[channel]
    }

    /// Samples q over the step of length `length` last expanded from `start`.
    pub fn lay(&mut self, follower: &Follower<'_, S>, start: &Ket, length: f64) {
        let rule = &RULES[RULE];
        self.panels.clear();
        self.ahead.push((0.0, length, 0));
        let mut before = 0.0;
        while let Some((begin, length, depth)) = self.ahead.pop() {
            let values = self.sample(rule, follower, start, begin, length);
            let mut left = [0.0];
            rule.left_out(&values, &mut [0.0; 4], &mut left);
            let room = self.panels.len() + self.ahead.len() < MOST_PANELS;
            if rule.share_within * left[0] > self.accuracy && left[0].is_finite() && depth < DEEPEST && room {
                let half = 0.5 * length;
                self.ahead.extend([(begin + half, half, depth + 1), (begin, half, depth + 1)]);
                continue;
            }
            let whole: f64 = rule.weights().iter().zip(&values).map(|(weight, value)| weight * value).sum();
            self.panels.push(Panel { begin, length, before, values });
            before += length * whole;
        }
    }

    /// ∫₀ˢ 2q of the step laid out last.
    pub fn until(&self, s: f64) -> f64 {
        let after = self.panels.partition_point(|panel| panel.begin <= s).max(1);
        let Some(panel) = self.panels.get(after - 1) else { return 0.0 };
        let rule = &RULES[RULE];
        let mut weights = [0.0; MOST_WEIGHTS];
        rule.weights_until(((s - panel.begin) / panel.length).clamp(0.0, 1.0), &mut weights);
        let part: f64 = weights.iter().zip(&panel.values).map(|(weight, value)| weight * value).sum();
        panel.before + panel.length * part
    }

    fn sample(
        &mut self,
        rule: &Rule,
        follower: &Follower<'_, S>,
        start: &Ket,
        begin: f64,
        length: f64,
    ) -> [f64; NODES] {
        let times: [f64; NODES] = std::array::from_fn(|node| begin + rule.fractions[node] * length);
        follower.evaluate_all(&times, start, &mut self.kets);
        let mut rate = |ket: &Ket| {
            self.system.weights(ket, &mut self.weights);
            let signed = self.weights.iter().zip(&self.negative);
            2.0 * signed.filter(|(_, negative)| **negative).map(|(weight, _)| weight).sum::<f64>() / ket.norm_squared()
        };
        std::array::from_fn(|node| rate(&self.kets[node]))
    }
}
