//! The quantities followed for control variates: what they are, and how jumps change them on average.

use num_complex::Complex64;

use super::combination::Span;
use super::combine::bilinear;
use super::{Observable, OpenSystem, quantity};
use crate::hilbert::{Ket, PAD, Window};
use crate::operator::Parity;

/// What jumps do to a trajectory, whatever their direction: the squares of the changes they make, per unit time. Their
/// integral is the variance that jumps give a quantity, known from the rates before a single jump has been seen.
pub mod activity {
    /// Σ_m ‖L_mψ‖² (ΔN)².
    pub const NUMBER: usize = 0;
    /// Σ_m ‖L_mψ‖² (ΔT)².
    pub const INVERSION: usize = 1;
    /// Σ_m ‖L_mψ‖² [(ΔX)² + (ΔP)²]; zero on a chain, where both vanish.
    pub const FIELD: usize = 2;
    /// How many there are.
    pub const COUNT: usize = 3;
}

/// Memory lent to [`Followed`].
#[derive(Debug, Clone)]
pub struct Scratch {
    after: Ket,
    spare: Ket,
    pub(super) values: Vec<f64>,
    weights: Vec<f64>,
    /// Sums over rows and over pairs of rows.
    pub(super) sums: Vec<PairSums>,
    /// What X and its precession make of every row.
    pub(super) met: Vec<Met>,
    pub(super) roots: Roots,
}

/// √(n+1) for the levels of a window, one more of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Roots {
    lo: usize,
    table: Vec<f64>,
}

impl Roots {
    pub fn of(&mut self, window: Window) -> &[f64] {
        if self.lo != window.lo() || self.table.len() <= window.len() {
            self.lo = window.lo();
            self.table = (0..=window.len()).map(|j| ((window.lo() + j + 1) as f64).sqrt()).collect();
        }
        &self.table
    }
}

impl Scratch {
    /// Memory for kets of `system`.
    pub fn new(system: &impl Followed) -> Self {
        let empty = || Ket::zeros(Window::around(0, 1), system.rows());
        Self {
            after: empty(),
            spare: empty(),
            values: vec![0.0; system.followed()],
            weights: vec![0.0; system.channels().len()],
            sums: Vec::new(),
            met: Vec::new(),
            roots: Roots::default(),
        }
    }
}

/// An open system whose jump statistics serve as control variates.
///
/// For any quantity y of the normalised ket, ψ ↦ y(ψ), jumps change it at the mean rate
/// c(ψ) = Σ_m ‖L_mψ‖² [y(L_mψ/‖L_mψ‖) − y(ψ)] for ‖ψ‖ = 1, so that Σ_jumps Δy − ∫c dt is a martingale: its mean is zero
/// whatever y is. For y = ⟨O⟩ this is c = Σ_m ⟨L_m†OL_m⟩ − ⟨Σ_m L_m†L_m⟩⟨O⟩, and the martingale is
/// ⟨O⟩_t − ⟨O⟩_0 − ∫⟨𝓛†O⟩ds, because ⟨O⟩ follows ⟨𝓛†O⟩ − c between jumps.
pub trait Followed: OpenSystem {
    /// How many quantities are followed.
    fn followed(&self) -> usize;

    /// The laboratory's quantities (see [`quantity`]) in `ket` at `time`, normalised.
    fn follow(&self, time: f64, ket: &Ket, scratch: &mut Scratch, values: &mut [f64]);

    /// The quantities, and into `rates` the mean rate c at which jumps change them, followed by the [`activity`].
    fn follow_with_jumps(&self, time: f64, ket: &Ket, scratch: &mut Scratch, values: &mut [f64], rates: &mut [f64]) {
        self.follow(time, ket, scratch, values);
        rates.fill(0.0);
        let norm = ket.norm_squared();
        let mut weights = std::mem::take(&mut scratch.weights);
        self.weights(ket, &mut weights);
        for (channel, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            self.add_jump((channel, weight / norm), time, ket, scratch, values, rates);
        }
        scratch.weights = weights;
    }

    /// Adds what jumps of one `channel`, at its `rate`, contribute: `rate`·(y after − y).
    fn add_jump(
        &self,
        (channel, rate): (usize, f64),
        time: f64,
        ket: &Ket,
        scratch: &mut Scratch,
        values: &[f64],
        rates: &mut [f64],
    ) {
        let mut after = std::mem::replace(&mut scratch.after, Ket::zeros(Window::around(0, 1), 0));
        let mut spare = std::mem::replace(&mut scratch.spare, Ket::zeros(Window::around(0, 1), 0));
        let mut changed = std::mem::take(&mut scratch.values);
        after.copy_from(ket);
        self.collapse(channel, &mut after, &mut spare);
        if after.norm_squared() > 0.0 {
            self.follow(time, &after, scratch, &mut changed);
            add_changes(rate, &changed, values, rates);
        }
        (scratch.after, scratch.spare, scratch.values) = (after, spare, changed);
    }

    /// Each observable as a linear combination of the followed quantities, up to a constant; all zero where it is none. Where kets
    /// live in a moving frame, it is that of the frame.
    fn expressions(&self, observables: &[Observable]) -> Vec<Vec<f64>> {
        let quantities = quantity::operators(self.model());
        let parity = self.has_parity().then(|| Parity::of_all(&self.model().parts().space));
        let span = Span::new(&quantities[..self.followed()], parity);
        observables.iter().map(|observable| span.coefficients(&observable.operator(self.model()))).collect()
    }
}

/// Adds the changes by jumps at rate `rate` that turn the quantities `before` into `after`, and their [`activity`].
pub(super) fn add_changes(rate: f64, after: &[f64], before: &[f64], rates: &mut [f64]) {
    let (changes, active) = rates.split_at_mut(before.len());
    for ((total, after), before) in changes.iter_mut().zip(after).zip(before) {
        *total += rate * (after - before);
    }
    let squared = |place: usize| before.get(place).map_or(0.0, |before| (after[place] - before).powi(2));
    active[activity::NUMBER] += rate * squared(quantity::NUMBER);
    active[activity::INVERSION] += rate * squared(quantity::INVERSION);
    active[activity::FIELD] += rate * (squared(quantity::X) + squared(quantity::P));
}

/// With S and with Ṡ between: the lowered parts and the overlaps.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Met {
    pub coupled: (Complex64, f64),
    pub precessing: (Complex64, f64),
}

impl Met {
    pub fn add(&mut self, weight: f64, other: &Self) {
        self.coupled.0 += weight * other.coupled.0;
        self.coupled.1 += weight * other.coupled.1;
        self.precessing.0 += weight * other.precessing.0;
        self.precessing.1 += weight * other.precessing.1;
    }
}

/// Σ ψ*φ, Σ n ψ*φ, Σ n² ψ*φ (real parts), ⟨ψ|a|φ⟩ and ⟨ψ|a²|φ⟩ over some levels of two rows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct PairSums {
    pub norm: f64,
    /// Imaginary part of Σ ψ*φ.
    pub turned: f64,
    pub first: f64,
    pub second: f64,
    pub lowered: Complex64,
    pub lowered_twice: Complex64,
}

impl PairSums {
    /// The sums over the even and over the odd levels of two rows, given with their pads as (re, im).
    pub fn by_parity(roots: &mut Roots, window: Window, bra: (&[f64], &[f64]), ket: (&[f64], &[f64])) -> [Self; 2] {
        debug_assert_eq!(bra.0.len(), window.len() + 2 * PAD);
        let sums = bilinear(roots.of(window), bra, ket);
        let even = window.lo() % 2;
        [even, 1 - even].map(|parity| Self::of(window, sums.map(|sum| sum[parity])))
    }

    /// Powers of n are summed from the window's first level on.
    #[inline]
    fn of(window: Window, sums: [f64; 8]) -> Self {
        let [norm, first, second, a_re, a_im, b_re, b_im, turned] = sums;
        let lo = window.lo() as f64;
        Self {
            norm,
            turned,
            first: first + lo * norm,
            second: second + lo * (2.0 * first + lo * norm),
            lowered: Complex64::new(a_re, a_im),
            lowered_twice: Complex64::new(b_re, b_im),
        }
    }

    /// All sums times `factor`.
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            norm: self.norm * factor,
            turned: self.turned * factor,
            first: self.first * factor,
            second: self.second * factor,
            lowered: self.lowered * factor,
            lowered_twice: self.lowered_twice * factor,
        }
    }

    /// Adds `weight` times `other`.
    pub fn add(&mut self, weight: f64, other: &Self) {
        self.norm += weight * other.norm;
        self.turned += weight * other.turned;
        self.first += weight * other.first;
        self.second += weight * other.second;
        self.lowered += weight * other.lowered;
        self.lowered_twice += weight * other.lowered_twice;
    }

    /// The sums of D(α)ψ and D(α)φ, where a is a + α. Those of N are for ψ = φ, and that of N² leaves out what is of third
    /// order, 4 Re α*⟨Na⟩: control variates need not be exact.
    pub fn displaced(self, alpha: Complex64) -> Self {
        let (overlap, shift) = (Complex64::new(self.norm, self.turned), alpha.norm_sqr());
        let field = 2.0 * (alpha.conj() * self.lowered).re;
        let squeezed = 2.0 * (alpha.conj() * alpha.conj() * self.lowered_twice).re;
        Self {
            norm: self.norm,
            turned: self.turned,
            first: self.first + field + shift * self.norm,
            second: self.second
                + field * (1.0 + 2.0 * shift)
                + squeezed
                + shift * (4.0 * self.first + (1.0 + shift) * self.norm),
            lowered: self.lowered + alpha * overlap,
            lowered_twice: self.lowered_twice + alpha * (2.0 * self.lowered + alpha * overlap),
        }
    }

    /// N, N², X² and ½{X, P}, unnormalised.
    pub fn quadratic(&self) -> [f64; 4] {
        let (re, im) = (self.lowered_twice.re, self.lowered_twice.im);
        [self.first, self.second, 2.0 * re + 2.0 * self.first + self.norm, 2.0 * im]
    }
}
