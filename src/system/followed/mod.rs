//! The quantities followed for control variates, and how jumps change them on average: sums over one pass through a ket.

mod assembly;
mod expansion;
mod kernel;
mod spin_function;
mod summation;
mod weight;

use num_complex::Complex64;

use self::assembly::Number;
use self::expansion::Expansion;
use self::kernel::Sweep;
use self::spin_function::Rows;
use self::summation::Summation;
use self::weight::WeightTable;
use super::{OpenSystem, quantity};
use crate::hilbert::lanes::WIDTH;
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
    /// All quantities but for constants, what jumps make of them, and the rate of jumps.
    summation: Summation,
    /// Quantity, coefficient and powers of α* and α of the constants.
    constants: Vec<(usize, Complex64, [u32; 2])>,
    /// The coefficients of the summation's columns where kets live in the laboratory.
    fixed: Option<Vec<f64>>,
}

/// Memory lent to a [`FollowedSet`].
#[derive(Debug, Clone)]
pub struct Scratch {
    weights: WeightTable,
    /// One row of products for every part of the summation, and two to spare, where kets have several rows.
    products: Cells,
    norms: Vec<[f64; 2]>,
    columns: Vec<[f64; 2]>,
    coefficients: Vec<f64>,
    constants: Vec<f64>,
    rates: Vec<f64>,
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
        let values = operators.iter().enumerate().map(|(i, operator)| (Number::Value(i), expansion.value(operator)));
        let after =
            operators.iter().enumerate().map(|(i, operator)| (Number::AfterJumps(i), expansion.after_jumps(operator)));
        let numbers = values.chain(after).chain([(Number::Decay, expansion.decay())]);
        let summation = Summation::new(rows, operators.len(), numbers);
        let constants = operators.iter().enumerate().flat_map(|(quantity, operator)| {
            let of = move |(c, power)| (quantity, c, power);
            expansion.constants(operator).into_iter().map(of)
        });
        let of_oscillator = |operator: &Operator| operator.terms().any(|(word, _)| word.factor(0).is_some());
        Self {
            of_spins: operators.iter().map(|operator| !of_oscillator(operator)).collect(),
            cutoff: system.cutoff(),
            constants: constants.collect(),
            fixed: (!moves).then(|| {
                let mut fixed = Vec::new();
                summation.assembly.coefficients(Complex64::ZERO, &mut fixed);
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

    /// How many cells they are written to: whole vectors.
    pub fn width(&self) -> usize {
        self.order().next_multiple_of(WIDTH)
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
        let mut constants = vec![0.0; self.width()];
        self.take_constants(Complex64::ZERO, &mut constants);
        Scratch {
            weights: WeightTable::default(),
            products: Cells::default(),
            norms: vec![[0.0; 2]; self.summation.rows.count],
            columns: vec![[0.0; 2]; self.summation.sums],
            coefficients: Vec::new(),
            constants,
            rates: vec![0.0; self.width()],
        }
    }

    /// The quantities in `ket`, which need not be normalised, of a frame displaced by `alpha`: into the first cells of `values`, which
    /// has [`width`](Self::width) of them at least.
    pub fn values(&self, alpha: Option<Complex64>, ket: &Ket, scratch: &mut Scratch, values: &mut [f64]) {
        let mut rates = std::mem::take(&mut scratch.rates);
        self.rates(alpha, ket, scratch, values, &mut rates);
        scratch.rates = rates;
    }

    /// The quantities, and into `rates`, as long, the mean rate c at which jumps change them.
    pub fn rates(
        &self,
        alpha: Option<Complex64>,
        ket: &Ket,
        scratch: &mut Scratch,
        values: &mut [f64],
        rates: &mut [f64],
    ) {
        let Scratch { weights, products, norms, columns, coefficients, constants, .. } = scratch;
        let coefficients = match &self.fixed {
            Some(fixed) => fixed,
            None => {
                let alpha = alpha.unwrap_or_default();
                self.take_constants(alpha, constants);
                self.summation.assembly.coefficients(alpha, coefficients);
                coefficients
            }
        };
        let window = ket.window();
        weights.cover(&self.summation.weights, window, self.cutoff);
        let products_of = if ket.rows() == 1 { 0 } else { self.summation.parts.len() + 2 };
        products.set_len(products_of * window.len());
        let summation = &self.summation;
        Sweep { summation, ket, weights, products, norms, columns, coefficients, constants, values, rates }.run();
    }

    /// The constants of all quantities where the frame is displaced by `alpha`.
    fn take_constants(&self, alpha: Complex64, constants: &mut [f64]) {
        constants.fill(0.0);
        for (quantity, c, [p, q]) in &self.constants {
            constants[*quantity] += (c * alpha.conj().powu(*p) * alpha.powu(*q)).re;
        }
    }
}
