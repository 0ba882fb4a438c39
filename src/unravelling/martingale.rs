//! The martingales of the followed quantities along a trajectory: jumps compensated by their mean rate.

use super::Stretch;
use super::chebyshev::{DEGREES, MOST_WEIGHTS, RULES, Rule};
use super::smoothness::Smoothness;
use crate::hilbert::{Ket, Window};
use crate::system::{FollowedSet, OpenSystem, Scratch, combine};

/// M_y(t) = y(0) − E[y(0)] + Σ_jumps Δy − ∫₀ᵗ c ds for every followed quantity y, at given times.
///
/// With the mean rate of change by jumps c = Σ_m ‖L_mψ‖² [y(L_mψ/‖L_mψ‖) − y(ψ)], E[M_y(t)] = 0: in a short time dt the
/// jump of channel m happens with probability ‖L_mψ‖² dt and changes y by the bracket, which c dt takes away again,
/// given all that happened before. For y = ⟨O⟩ this is ⟨O⟩_t − E⟨O⟩_0 − ∫⟨𝓛†O⟩ds (see [`FollowedSet`]), but it needs no
/// 𝓛†O, holds in a truncated Fock space as it stands, and only moves where something can jump.
///
/// c is smooth between jumps. It is interpolated over each stretch at Chebyshev nodes on the propagator's dense output,
/// as many as bring the error that its last coefficients foretell below the tolerance, and integrated, which serves every output
/// time within the stretch. Nothing is given back of that error because it might have the other sign next time: a mean over
/// trajectories keeps it, and no error bar knows of it.
pub struct Martingales<'a, S: OpenSystem> {
    system: &'a S,
    set: &'a FollowedSet,
    times: &'a [f64],
    /// The error allowed of a value at an output time, and of the integrals per unit of time.
    tolerance: f64,
    accuracy: f64,
    jumps: bool,
    width: usize,
    next: usize,
    /// The last node of the last stretch.
    end: usize,
    /// Whether there is a value before the present stretch, and whether that is the trajectory's own.
    begun: bool,
    started: bool,
    /// How smooth c was in the last stretch that went on from another, and in the last one after a jump.
    seen: [Smoothness; 2],
    /// Σ (Δy)² over the jumps so far.
    activity: Vec<f64>,
    sum: Vec<f64>,
    last: Vec<f64>,
    values: Vec<f64>,
    rates: Vec<f64>,
    weights: Vec<f64>,
    integral: Vec<f64>,
    scrap: Vec<f64>,
    now: Vec<f64>,
    /// 1/(1 + |y|) at the stretch's beginning.
    units: Vec<f64>,
    kets: Vec<Ket>,
    scratch: Scratch,
}

/// All that [`Martingales`] remember of a trajectory that goes on without a jump.
#[derive(Debug, Clone, PartialEq)]
pub struct MartingaleMark {
    next: usize,
    begun: bool,
    seen: [Smoothness; 2],
    activity: Vec<f64>,
    sum: Vec<f64>,
    last: Vec<f64>,
    values: Vec<f64>,
    rates: Vec<f64>,
}

/// Rows of quantities are padded with zeros to a multiple of this, for the vector loops.
const BLOCK: usize = 8;

/// The richest rule.
const LAST_RULE: usize = DEGREES.len() - 1;

impl<'a, S: OpenSystem> Martingales<'a, S> {
    /// Martingales of the quantities `set` of `system` at `times` (ascending); integrals err by at most about `tolerance`·(1 + |y|) over a whole run.
    pub fn new(system: &'a S, set: &'a FollowedSet, times: &'a [f64], tolerance: f64) -> Self {
        let width = set.order().next_multiple_of(BLOCK);
        let duration = times.last().copied().filter(|end| *end > 0.0).unwrap_or(1.0);
        let cells = |rows: usize| vec![0.0; rows * width];
        let most = DEGREES[LAST_RULE] + 1;
        Self {
            system,
            set,
            times,
            tolerance,
            accuracy: tolerance / duration,
            jumps: system.channels().iter().any(|channel| channel.rate > 0.0),
            width,
            next: 0,
            end: 0,
            begun: false,
            started: false,
            seen: [Smoothness::default(); 2],
            activity: cells(1),
            sum: cells(1),
            last: cells(1),
            values: cells(3),
            rates: cells(most),
            weights: vec![0.0; MOST_WEIGHTS],
            integral: cells(1),
            scrap: cells(4),
            now: cells(1),
            units: cells(1),
            kets: vec![Ket::zeros(Window::around(0, 1), system.rows()); most - 2],
            scratch: set.scratch(),
        }
    }

    /// The quantities of `ket` at the time number `index`.
    pub fn values(&mut self, index: usize, ket: &Ket) -> &[f64] {
        let count = self.set.order();
        let alpha = self.system.displacement(self.times[index]);
        self.set.values(alpha, ket, &mut self.scratch, &mut self.now);
        &self.now[..count]
    }

    /// Begins a trajectory. `expected` are the means of the quantities over the initial states it was drawn from; without
    /// them M(0) = 0.
    pub fn begin(&mut self, expected: Option<&[f64]>) {
        self.next = 0;
        self.seen = [Smoothness::default(); 2];
        self.sum.fill(0.0);
        self.activity.fill(0.0);
        self.started = false;
        self.begun = expected.is_some();
        if let Some(expected) = expected {
            self.last[..expected.len()].copy_from_slice(expected);
        }
    }

    /// What they remember of the trajectory.
    pub fn mark(&self) -> MartingaleMark {
        let row = |table: &[f64], row: usize| table[row * self.width..(row + 1) * self.width].to_vec();
        MartingaleMark {
            next: self.next,
            begun: self.begun,
            seen: self.seen,
            activity: self.activity.clone(),
            sum: self.sum.clone(),
            last: self.last.clone(),
            values: row(&self.values, 1),
            rates: row(&self.rates, self.end),
        }
    }

    /// Goes on from where `mark` was made, as long as no jump comes between.
    pub fn resume(&mut self, mark: &MartingaleMark) {
        (self.next, self.begun, self.end) = (mark.next, mark.begun, 0);
        self.seen = mark.seen;
        self.started = true;
        self.activity.copy_from_slice(&mark.activity);
        self.sum.copy_from_slice(&mark.sum);
        self.last.copy_from_slice(&mark.last);
        self.values[self.width..2 * self.width].copy_from_slice(&mark.values);
        self.rates[..self.width].copy_from_slice(&mark.rates);
    }

    /// Takes in a stretch without jumps; the changes since the last one were jumps (or the draw of the initial state).
    /// `reached` is told the number of every time within it and the martingales there.
    pub fn stretch(&mut self, stretch: &Stretch, mut reached: impl FnMut(usize, &[f64])) {
        let (width, count) = (self.width, self.set.order());
        if self.jumps && stretch.continues {
            // What the window lost in between is beyond the tolerance.
            self.values.copy_within(width..2 * width, 0);
            self.rates.copy_within(self.end * width..(self.end + 1) * width, 0);
        } else {
            self.node(0, 0, stretch.begin, stretch.start);
            if self.begun {
                for j in 0..width {
                    let change = self.values[j] - self.last[j];
                    self.sum[j] += change;
                    if self.started {
                        self.activity[j] += change * change;
                    }
                }
            }
        }
        (self.begun, self.started) = (true, true);
        let rule = if self.jumps { Some(self.sample(stretch)) } else { None };
        let mut done = f64::NEG_INFINITY;
        while let Some(time) = self.times.get(self.next).filter(|time| **time <= stretch.end_time) {
            if *time == done {
                reached(self.next, &self.now[..count]);
                self.next += 1;
                continue;
            }
            done = *time;
            self.now.copy_from_slice(&self.sum);
            // A jump may follow another at once: a stretch without length has no inside.
            if let Some(rule) = rule.filter(|_| stretch.length > 0.0) {
                let fraction = ((time - stretch.begin) / stretch.length).clamp(0.0, 1.0);
                rule.weights_until(fraction, &mut self.weights);
                combine(&self.weights[..=rule.degree], &self.rates, &mut self.integral);
                self.now.iter_mut().zip(&self.integral).for_each(|(now, rate)| *now -= stretch.length * rate);
            }
            reached(self.next, &self.now[..count]);
            self.next += 1;
        }
        match rule {
            Some(rule) => {
                combine(rule.weights(), &self.rates, &mut self.integral);
                self.sum.iter_mut().zip(&self.integral).for_each(|(sum, rate)| *sum -= stretch.length * rate);
                self.last.copy_from_slice(&self.values[width..2 * width]);
                self.end = rule.degree;
            }
            None => {
                let alpha = self.system.displacement(stretch.begin + stretch.length);
                self.set.values(alpha, stretch.end, &mut self.scratch, &mut self.last);
            }
        }
    }

    /// The squares of the changes that jumps made so far to every quantity.
    pub fn activity(&self) -> &[f64] {
        &self.activity[..self.set.order()]
    }

    /// Samples c over the stretch as finely as needed; returns the rule that was.
    fn sample(&mut self, stretch: &Stretch) -> &'static Rule {
        let (width, count) = (self.width, self.set.order());
        for (unit, value) in self.units[..count].iter_mut().zip(&self.values) {
            *unit = 1.0 / (1.0 + value.abs());
        }
        let seen = usize::from(!stretch.continues);
        // Errors of whole stretches add up over the run; that of an output time within a stretch is its own alone.
        let within = self.times.get(self.next).is_some_and(|time| *time < stretch.end_time);
        let inside = if within { self.tolerance / stretch.length } else { f64::INFINITY };
        let accuracy = self.accuracy;
        let allowed = [accuracy, inside];
        let end = DEGREES[LAST_RULE];
        self.node(end, 1, stretch.begin + stretch.length, stretch.end);
        let row = |i: usize| &self.rates[i * width..(i + 1) * width];
        let size = self.largest(row(0)).max(self.largest(row(end)));
        let mut choice = self.seen[seen].enough(0, size, stretch.length, allowed);
        loop {
            let rule = &RULES[choice];
            let degree = rule.degree;
            self.rates.copy_within(end * width..(end + 1) * width, degree * width);
            let mut kets = std::mem::take(&mut self.kets);
            let instants = &mut self.weights[..degree - 1];
            instants.iter_mut().zip(&rule.fractions[1..]).for_each(|(s, fraction)| *s = fraction * stretch.length);
            (stretch.evaluate)(instants, &mut kets[..degree - 1]);
            for (i, ket) in kets[..degree - 1].iter().enumerate() {
                if stretch.stop.after(ket.data().len()) {
                    break;
                }
                self.node(i + 1, 2, stretch.begin + rule.fractions[i + 1] * stretch.length, ket);
            }
            self.kets = kets;
            rule.left_out(&self.rates[..(degree + 1) * width], &mut self.scrap, &mut self.integral);
            let left = self.largest(&self.integral);
            if left > 0.0 && size > 0.0 && stretch.length > 0.0 {
                self.seen[seen] = Smoothness::of(rule, size, left, stretch.length);
            }
            let holds = rule.share_of_whole * left <= accuracy && rule.share_within * left <= inside;
            if holds || choice == LAST_RULE || stretch.stop.after(0) {
                return rule;
            }
            choice = self.seen[seen].enough(choice + 1, size, stretch.length, allowed);
        }
    }

    /// The largest of these sizes in units of 1 + |y|.
    fn largest(&self, sizes: &[f64]) -> f64 {
        // Four maxima at a time; what is no number is larger than none.
        let larger = |x: f64, y: f64| if y > x { y } else { x };
        let mut most = [0.0; 4];
        for (sizes, units) in sizes.as_chunks::<4>().0.iter().zip(self.units.as_chunks::<4>().0) {
            for i in 0..4 {
                most[i] = larger(most[i], sizes[i].abs() * units[i]);
            }
        }
        most.into_iter().fold(0.0, larger)
    }

    /// Rates at node `i`, which is at `time`, and the quantities into row `row` of `values`: 0 at the stretch's beginning, 1 at its end.
    fn node(&mut self, i: usize, row: usize, time: f64, ket: &Ket) {
        let width = self.width;
        let values = &mut self.values[row * width..(row + 1) * width];
        let rates = &mut self.rates[i * width..(i + 1) * width];
        self.set.rates(self.system.displacement(time), ket, &mut self.scratch, values, rates);
    }
}
