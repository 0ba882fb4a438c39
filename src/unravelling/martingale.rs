//! The martingales of the followed quantities along a trajectory: jumps compensated by their mean rate.

use super::Stretch;
use super::chebyshev::{RULES, evaluate, integrate};
use crate::hilbert::{Ket, Window};
use crate::system::{Followed, Scratch};

/// M_y(t) = y(0) − E[y(0)] + Σ_jumps Δy − ∫₀ᵗ c ds for every followed quantity y, at given times.
///
/// With the mean rate of change by jumps c = Σ_m ‖L_mψ‖² [y(L_mψ/‖L_mψ‖) − y(ψ)], E[M_y(t)] = 0: in a short time dt the
/// jump of channel m happens with probability ‖L_mψ‖² dt and changes y by the bracket, which c dt takes away again,
/// given all that happened before. For y = ⟨O⟩ this is ⟨O⟩_t − E⟨O⟩_0 − ∫⟨𝓛†O⟩ds (see [`Followed`]), but it needs no
/// 𝓛†O, holds in a truncated Fock space as it stands, and only moves where something can jump.
///
/// c is smooth between jumps. It is interpolated over each stretch at Chebyshev nodes on the propagator's dense output,
/// as many as bring its last coefficients below the tolerance, and integrated term by term, which serves every output
/// time within the stretch.
pub struct Martingales<'a, S: Followed> {
    system: &'a S,
    times: &'a [f64],
    accuracy: f64,
    jumps: bool,
    width: usize,
    next: usize,
    begun: bool,
    rule: usize,
    sum: Vec<f64>,
    last: Vec<f64>,
    values: Vec<f64>,
    rates: Vec<f64>,
    coefficients: Vec<f64>,
    integral: Vec<f64>,
    now: Vec<f64>,
    ket: Ket,
    scratch: Scratch,
}

/// The rule a trajectory begins with, and the richest one.
const FIRST_RULE: usize = 1;
const LAST_RULE: usize = RULES_COUNT - 1;
const RULES_COUNT: usize = super::chebyshev::DEGREES.len();

impl<'a, S: Followed> Martingales<'a, S> {
    /// Martingales at `times` (ascending); integrals err by at most about `tolerance`·(1 + |y|) over a whole run.
    pub fn new(system: &'a S, times: &'a [f64], tolerance: f64) -> Self {
        let width = system.followed();
        let duration = times.last().copied().filter(|end| *end > 0.0).unwrap_or(1.0);
        let cells = |rows: usize| vec![0.0; rows * width];
        let most = super::chebyshev::DEGREES[LAST_RULE] + 1;
        Self {
            system,
            times,
            accuracy: tolerance / duration,
            jumps: system.channels().iter().any(|channel| channel.rate > 0.0),
            width,
            next: 0,
            begun: false,
            rule: FIRST_RULE,
            sum: cells(1),
            last: cells(1),
            values: cells(most),
            rates: cells(most),
            coefficients: cells(most),
            integral: cells(most + 1),
            now: cells(1),
            ket: Ket::zeros(Window::around(0, 1), system.rows()),
            scratch: Scratch::new(system),
        }
    }

    /// The quantities of `ket`.
    pub fn values(&mut self, ket: &Ket) -> &[f64] {
        self.system.follow(ket, &mut self.scratch, &mut self.now);
        &self.now
    }

    /// Begins a trajectory. `expected` are the means of the quantities over the initial states it was drawn from; without
    /// them M(0) = 0.
    pub fn begin(&mut self, expected: Option<&[f64]>) {
        self.next = 0;
        self.rule = FIRST_RULE;
        self.sum.fill(0.0);
        self.begun = expected.is_some();
        if let Some(expected) = expected {
            self.last.copy_from_slice(expected);
        }
    }

    /// Takes in a stretch without jumps; the changes since the last one were jumps (or the draw of the initial state).
    /// `reached` is told the number of every time within it and the martingales there.
    pub fn stretch(&mut self, stretch: &Stretch, mut reached: impl FnMut(usize, &[f64])) {
        let width = self.width;
        self.node(0, stretch.start);
        if self.begun {
            for j in 0..width {
                self.sum[j] += self.values[j] - self.last[j];
            }
        }
        self.begun = true;
        let last = if self.jumps { self.interpolate(stretch) } else { self.ends(stretch) };
        let rows = last + 2;
        while let Some(time) = self.times.get(self.next).filter(|time| **time <= stretch.end_time) {
            self.now.copy_from_slice(&self.sum);
            if self.jumps {
                // A jump may follow another at once: a stretch without length has no inside.
                let inside = stretch.length > 0.0;
                let fraction = if inside { ((time - stretch.begin) / stretch.length).clamp(0.0, 1.0) } else { 0.0 };
                // The integral falls below the sum; `values` row 0 is free by now.
                evaluate(&self.integral[..rows * width], width, fraction, &mut self.values[..width]);
                self.now.iter_mut().zip(&self.values).for_each(|(now, integral)| *now -= integral);
            }
            reached(self.next, &self.now);
            self.next += 1;
        }
        if self.jumps {
            evaluate(&self.integral[..rows * width], width, 1.0, &mut self.values[..width]);
            self.sum.iter_mut().zip(&self.values).for_each(|(sum, integral)| *sum -= integral);
        }
        self.last.copy_from_slice(&self.values[last * width..(last + 1) * width]);
    }

    /// Without jumps quantities move on their own only.
    fn ends(&mut self, stretch: &Stretch) -> usize {
        let width = self.width;
        self.system.follow(stretch.end, &mut self.scratch, &mut self.values[width..2 * width]);
        1
    }

    /// Samples c over the stretch as finely as needed and integrates it; returns the degree.
    fn interpolate(&mut self, stretch: &Stretch) -> usize {
        let width = self.width;
        let mut known = None;
        loop {
            let rule = &RULES[self.rule];
            let degree = rule.degree;
            match known {
                None => self.node(degree, stretch.end),
                // The old nodes are every second new one.
                Some(old) => {
                    for i in (1..=old).rev() {
                        for table in [&mut self.values, &mut self.rates] {
                            table.copy_within(i * width..(i + 1) * width, 2 * i * width);
                        }
                    }
                }
            }
            let step = if known.is_some() { 2 } else { 1 };
            for i in (1..degree).step_by(step) {
                let mut ket = std::mem::replace(&mut self.ket, Ket::zeros(Window::around(0, 1), 0));
                (stretch.evaluate)(rule.fractions[i] * stretch.length, &mut ket);
                self.node(i, &ket);
                self.ket = ket;
            }
            let cells = (degree + 1) * width;
            rule.coefficients(&self.rates[..cells], width, &mut self.coefficients[..cells]);
            let converged = self.tail(degree - 1..degree + 1) <= self.accuracy;
            if converged || self.rule == LAST_RULE {
                let half = degree / 2;
                if converged && self.rule > 0 && self.tail(half - 1..degree + 1) <= self.accuracy {
                    self.rule -= 1;
                }
                integrate(&self.coefficients[..cells], width, stretch.length, &mut self.integral[..cells + width]);
                return degree;
            }
            known = Some(degree);
            self.rule += 1;
        }
    }

    /// Largest sum of the coefficients `range`, relative to 1 + |y| at the stretch's start.
    fn tail(&self, range: std::ops::Range<usize>) -> f64 {
        let column = |j: usize| -> f64 {
            let sum = range.clone().fold(0.0, |sum, k| sum + self.coefficients[k * self.width + j].abs());
            sum / (1.0 + self.values[j].abs())
        };
        (0..self.width).map(column).fold(0.0, f64::max)
    }

    /// Quantities and rates at node `i`.
    fn node(&mut self, i: usize, ket: &Ket) {
        let cells = i * self.width..(i + 1) * self.width;
        let (values, rates) = (&mut self.values[cells.clone()], &mut self.rates[cells]);
        self.system.follow_with_jumps(ket, &mut self.scratch, values, rates);
    }
}
