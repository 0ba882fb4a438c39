//! The quantities followed for control variates, and how jumps change them on average: sums over one pass through a ket.

mod expansion;
mod kernel;
mod plan;
mod spin_function;
mod weight;

use num_complex::Complex64;

use self::expansion::Expansion;
use self::kernel::{add, products, sums, weighted};
use self::plan::{Part, Pass, Plan};
use self::spin_function::Rows;
use self::weight::WeightTable;
use super::{OpenSystem, quantity};
use crate::hilbert::{Cells, Cutoff, Ket, Window};
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
    plan: Plan,
    /// Row, coefficient and powers of α* and α of the constants.
    constants: Vec<(usize, Complex64, [u32; 2])>,
    /// The coefficients of the plan's entries where kets live in the laboratory.
    fixed: Option<Vec<f64>>,
}

/// Memory lent to a [`FollowedSet`].
#[derive(Debug, Clone)]
pub struct Scratch {
    weights: WeightTable,
    /// One row of products for every part of the plan, and two to spare.
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
        let plan = Plan::new(rows, values.chain(after).chain([expansion.decay()]));
        let constants = operators.iter().enumerate().flat_map(|(row, operator)| {
            let of = move |(c, power)| (row, c, power);
            expansion.constants(operator).into_iter().map(of)
        });
        let of_oscillator = |operator: &Operator| operator.terms().any(|(word, _)| word.factor(0).is_some());
        Self {
            of_spins: operators.iter().map(|operator| !of_oscillator(operator)).collect(),
            cutoff: system.cutoff(),
            constants: constants.collect(),
            fixed: (!moves).then(|| plan.entries.iter().map(|entry| entry.coefficient(Complex64::ZERO)).collect()),
            plan,
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

    /// Whether a quantity is one of the spins alone.
    pub fn is_of_spins(&self, place: usize) -> bool {
        self.of_spins[place]
    }

    /// Memory for it.
    pub fn scratch(&self) -> Scratch {
        Scratch {
            weights: WeightTable::default(),
            products: Cells::default(),
            norms: vec![[0.0; 2]; self.plan.rows.count],
            columns: vec![0.0; self.plan.columns],
            coefficients: vec![0.0; self.plan.entries.len()],
            constants: vec![0.0; self.order()],
            rows: vec![0.0; 2 * self.order() + 1],
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

    /// Fills the rows, and returns ‖ψ‖².
    fn take(&self, alpha: Option<Complex64>, ket: &Ket, scratch: &mut Scratch) -> f64 {
        let norm = self.sum(ket, scratch);
        let Scratch { columns, coefficients, constants, rows, .. } = scratch;
        let alpha = alpha.unwrap_or_default();
        constants.fill(0.0);
        for (row, c, [p, q]) in &self.constants {
            constants[*row] += (c * alpha.conj().powu(*p) * alpha.powu(*q)).re;
        }
        let coefficients = match &self.fixed {
            Some(fixed) => fixed,
            None => {
                let found = self.plan.entries.iter().map(|entry| entry.coefficient(alpha));
                coefficients.iter_mut().zip(found).for_each(|(to, from)| *to = from);
                coefficients
            }
        };
        rows.fill(0.0);
        for (entry, c) in self.plan.entries.iter().zip(coefficients) {
            rows[entry.row] += c * columns[entry.column];
        }
        norm
    }

    /// Fills the columns, and returns ‖ψ‖².
    fn sum(&self, ket: &Ket, scratch: &mut Scratch) -> f64 {
        let Plan { rows, functions, norms, passes, parts, weights, .. } = &self.plan;
        let (window, classes) = (ket.window(), rows.classes());
        let len = window.len();
        scratch.weights.cover(weights, window, self.cutoff);
        scratch.products.set_len((parts.len() + 2) * len);
        // The class of the levels at even places of the window.
        let even = (window.lo() + ket.sector) % 2;
        let write = |columns: &mut [f64], [first, second]: [f64; 2]| match columns {
            [both] => *both = first + second,
            columns => (columns[even], columns[1 - even]) = (first, second),
        };
        let (spare, cells) = scratch.products.split_at_mut(2 * len);
        for (row, norm) in scratch.norms.iter_mut().enumerate() {
            let own = ket.padded_row(row);
            products(own, own, 0, &mut spare[..len], &mut []);
            *norm = sums(&spare[..len]);
        }
        for (function, column) in norms {
            let mut sum = [0.0; 2];
            for (u, norm) in functions[*function].flips[0].1.iter().zip(&scratch.norms) {
                sum = [sum[0] + u * norm[0], sum[1] + u * norm[1]];
            }
            write(&mut scratch.columns[*column..column + classes], sum);
        }
        if rows.count > 1 {
            cells.fill(0.0);
        }
        for pass in passes {
            self.multiply(pass, ket, spare, cells);
        }
        for (part, cells) in parts.iter().zip(cells.chunks_exact(len)) {
            weigh(part, cells, window, &scratch.weights, |column, sum| {
                write(&mut scratch.columns[column..column + classes], sum);
            });
        }
        scratch.norms.iter().map(|[even, odd]| even + odd).sum()
    }

    /// Adds what a pass gives to the parts that it feeds.
    fn multiply(&self, pass: &Pass, ket: &Ket, spare: &mut [f64], cells: &mut [f64]) {
        let len = ket.window().len();
        let needed = [0, 1].map(|part| pass.feeds.iter().any(|feed| feed.parts[part].is_some()));
        for row in 0..ket.rows() {
            let (bra, other) = (ket.padded_row(row), ket.padded_row(row ^ pass.flip));
            if ket.rows() == 1 {
                // There is one function only.
                for (imaginary, place) in pass.feeds[0].parts.into_iter().enumerate() {
                    let Some(place) = place else { continue };
                    let out = &mut cells[place * len..(place + 1) * len];
                    let (re, im): (&mut [f64], &mut [f64]) =
                        if imaginary == 0 { (out, &mut []) } else { (&mut [], out) };
                    products(bra, other, pass.shift, re, im);
                }
                continue;
            }
            let (re, im) = spare.split_at_mut(len);
            let [re, im] = [(re, needed[0]), (im, needed[1])].map(|(to, needed)| if needed { to } else { &mut [] });
            products(bra, other, pass.shift, re, im);
            for feed in &pass.feeds {
                let u = self.plan.functions[feed.function].flips[feed.flip].1[row];
                for (place, from) in feed.parts.iter().zip([&*re, &*im]) {
                    if let (Some(place), true) = (place, u != 0.0) {
                        add(u, from, &mut cells[place * len..(place + 1) * len]);
                    }
                }
            }
        }
    }
}

/// The sums of a part with its weights, four at a time.
fn weigh(part: &Part, cells: &[f64], window: Window, table: &WeightTable, mut found: impl FnMut(usize, [f64; 2])) {
    let (fours, rest) = part.weights.as_chunks::<4>();
    for four in fours {
        let sums = weighted(cells, four.map(|(weight, _)| table.row(weight, window)));
        four.iter().zip(sums).for_each(|((_, column), sum)| found(*column, sum));
    }
    for (weight, column) in rest {
        let [sum] = weighted(cells, [table.row(*weight, window)]);
        found(*column, sum);
    }
}
