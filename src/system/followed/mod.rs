//! The quantities followed for control variates, and how jumps change them on average: sums over one pass through a ket.

mod expansion;
mod kernel;
mod spin_function;
mod summation;
mod weight;

use num_complex::Complex64;

use self::expansion::Expansion;
use self::kernel::Sweep;
use self::spin_function::Rows;
use self::summation::Summation;
use self::weight::WeightTable;
use super::{OpenSystem, quantity};
use crate::hilbert::{Cells, Cutoff, Ket};
use crate::operator::Operator;

/// Hermitian operators whose expectations are followed along the trajectories of one system: the jumps' statistics of them serve as
/// control variates.
///
/// For any quantity y of the normalised ket, ψ ↦ y(ψ), jumps change it at the mean rate
/// c(ψ) = Σ_m ‖L_mψ‖² [y(L_mψ/‖L_mψ‖) − y(ψ)] for ‖ψ‖ = 1, so that Σ_jumps Δy − ∫c dt is a martingale: its mean is zero
/// whatever y is. For y = ⟨O⟩ this is c = Σ_m ⟨L_m†OL_m⟩ − ⟨Σ_m L_m†L_m⟩⟨O⟩, and the martingale is
/// ⟨O⟩_t − ⟨O⟩_0 − ∫⟨𝓛†O⟩ds, because ⟨O⟩ follows ⟨𝓛†O⟩ − c between jumps.
///
/// Every O and every Σ L†OL is a sum of products A ⊗ F of operators of the spins and of functions of a and a†. F joins level n with
/// level n + s by a weight w(n), cut by a cutoff as the jumps are, and A joins rows: ⟨A ⊗ F⟩ = Σ_n w(n) ⟨ψ(n)|A|ψ(n + s)⟩. The
/// inner products are taken once for all that share A and s. In a moving frame a is a + α, and the quantities are those of the laboratory.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowedSet {
    operators: Vec<Operator>,
    of_spins: Vec<bool>,
    cutoff: Cutoff,
    /// Row i is quantity i, row order + i what jumps make of it, and the last one the rate of jumps; all but for constants.
    summation: Summation,
    /// Row, coefficient and powers of α* and α of the constants.
    constants: Vec<(usize, Complex64, [u32; 2])>,
    /// The coefficients of the summation's blocks where kets live in the laboratory.
    fixed: Option<Vec<f64>>,
}

/// Memory lent to a [`FollowedSet`].
#[derive(Debug, Clone)]
pub struct Scratch {
    weights: WeightTable,
    /// One row of products for every part of the summation, and two to spare, where kets have several rows.
    products: Cells,
    norms: Vec<[f64; 2]>,
    columns: Vec<f64>,
    coefficients: Vec<f64>,
    constants: Vec<f64>,
    rows: Vec<f64>,
}

impl FollowedSet {
    /// The usual quantities of the model of `system` (see [`quantity`]), but for those that vanish on its kets and those that are
    /// combinations of others.
    pub fn usual(system: &impl OpenSystem) -> Self {
        Self::new(system, quantity::followed(system))
    }

    /// For kets of `system`, whose jump operators are those of its model. Without jump operators, as those of Eq. (23) as it stands,
    /// jumps change nothing.
    ///
    /// # Panics
    /// If an operator is not of the model's parts, leads more than four levels up or down, or, in a moving frame, has functions of N.
    pub fn new(system: &impl OpenSystem, operators: Vec<Operator>) -> Self {
        let of_parity = system.has_parity();
        let moves = system.displacement(0.0).is_some();
        let equation = system.model().lindbladian().unwrap_or_default();
        let jumps = equation.active().map(|jump| (jump.rate, &jump.operator));
        let expansion = Expansion::new(jumps, moves, of_parity);
        let tied = system.model().spins().len().checked_sub(1).filter(|_| of_parity);
        let rows = Rows { count: system.rows(), tied, of_parity };
        let values = operators.iter().map(|operator| expansion.value(operator));
        let after = operators.iter().map(|operator| expansion.after_jumps(operator));
        let summation = Summation::new(rows, values.chain(after).chain([expansion.decay()]));
        let constants = operators.iter().enumerate().flat_map(|(row, operator)| {
            let of = move |(c, power)| (row, c, power);
            expansion.constants(operator).into_iter().map(of)
        });
        let of_oscillator = |operator: &Operator| operator.terms().any(|(word, _)| word.factor(0).is_some());
        Self {
            of_spins: operators.iter().map(|operator| !of_oscillator(operator)).collect(),
            cutoff: system.cutoff(),
            constants: constants.collect(),
            fixed: (!moves).then(|| {
                let mut fixed = Vec::new();
                summation.coefficients(Complex64::ZERO, &mut fixed);
                fixed
            }),
            summation,
            operators,
        }
    }

    /// How many quantities there are.
    pub fn order(&self) -> usize {
        self.operators.len()
    }

    /// The operators.
    pub fn operators(&self) -> &[Operator] {
        &self.operators
    }

    /// Where an operator is among them.
    pub fn place(&self, operator: &Operator) -> Option<usize> {
        self.operators.iter().position(|known| known == operator)
    }

    /// Whether all are polynomials in a and a†, but for what they do to the spins.
    pub fn is_polynomial(&self) -> bool {
        self.operators.iter().all(quantity::is_polynomial)
    }

    /// Whether a quantity is one of the spins alone.
    pub fn is_of_spins(&self, place: usize) -> bool {
        self.of_spins[place]
    }

    /// Memory for it.
    pub fn scratch(&self) -> Scratch {
        let mut constants = vec![0.0; self.order()];
        self.take_constants(Complex64::ZERO, &mut constants);
        Scratch {
            weights: WeightTable::default(),
            products: Cells::default(),
            norms: vec![[0.0; 2]; self.summation.rows.count],
            columns: vec![0.0; self.summation.columns],
            coefficients: Vec::new(),
            constants,
            rows: vec![0.0; self.summation.rows_of_blocks().max(2 * self.order() + 1)],
        }
    }

    /// The quantities in `ket`, which need not be normalised, of a frame displaced by `alpha`.
    pub fn values(&self, alpha: Option<Complex64>, ket: &Ket, scratch: &mut Scratch, values: &mut [f64]) {
        let norm = self.take(alpha, ket, scratch);
        for ((value, row), constant) in values.iter_mut().zip(&scratch.rows).zip(&scratch.constants) {
            *value = row / norm + constant;
        }
    }

    /// The quantities, and into `rates` the mean rate c at which jumps change them.
    pub fn rates(
        &self,
        alpha: Option<Complex64>,
        ket: &Ket,
        scratch: &mut Scratch,
        values: &mut [f64],
        rates: &mut [f64],
    ) {
        let norm = self.take(alpha, ket, scratch);
        let order = self.order();
        let decay = scratch.rows[2 * order] / norm;
        for i in 0..order {
            let value = scratch.rows[i] / norm;
            // A constant is not changed by jumps.
            rates[i] = scratch.rows[order + i] / norm - decay * value;
            values[i] = value + scratch.constants[i];
        }
    }

    /// The constants of all quantities where the frame is displaced by `alpha`.
    fn take_constants(&self, alpha: Complex64, constants: &mut [f64]) {
        constants.fill(0.0);
        for (row, c, [p, q]) in &self.constants {
            constants[*row] += (c * alpha.conj().powu(*p) * alpha.powu(*q)).re;
        }
    }

    /// Fills the rows, and returns ‖ψ‖².
    fn take(&self, alpha: Option<Complex64>, ket: &Ket, scratch: &mut Scratch) -> f64 {
        let Scratch { weights, products, norms, columns, coefficients, constants, rows } = scratch;
        let coefficients = match &self.fixed {
            Some(fixed) => fixed,
            None => {
                let alpha = alpha.unwrap_or_default();
                self.take_constants(alpha, constants);
                self.summation.coefficients(alpha, coefficients);
                coefficients
            }
        };
        let window = ket.window();
        weights.cover(&self.summation.weights, window, self.cutoff);
        let products_of = if ket.rows() == 1 { 0 } else { self.summation.parts.len() + 2 };
        products.set_len(products_of * window.len());
        let summation = &self.summation;
        Sweep { summation, ket, weights, products, norms, columns, coefficients, rows }.run()
    }
}
