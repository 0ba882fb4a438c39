//! The model's operators as sparse matrices, built factor by factor from their definitions.

use num_complex::Complex64;

use crate::model::{Model, Spin};
use crate::system::Observable;

/// A square matrix as columns of (row, value).
#[derive(Debug, Clone, PartialEq)]
pub struct Sparse {
    columns: Vec<Vec<(u32, Complex64)>>,
}

impl Sparse {
    /// A matrix from its entries.
    pub fn from_entries(dimension: usize, entries: impl IntoIterator<Item = (usize, usize, f64)>) -> Self {
        let mut columns = vec![Vec::new(); dimension];
        for (row, column, value) in entries {
            columns[column].push((row as u32, Complex64::from(value)));
        }
        Self { columns }
    }

    /// The identity.
    pub fn identity(dimension: usize) -> Self {
        Self::from_entries(dimension, (0..dimension).map(|i| (i, i, 1.0)))
    }

    /// Dimension.
    pub fn dimension(&self) -> usize {
        self.columns.len()
    }

    /// The non-zero (row, value) of column `column`.
    pub fn column(&self, column: usize) -> &[(u32, Complex64)] {
        &self.columns[column]
    }

    /// self + factor · other.
    pub fn plus(mut self, factor: Complex64, other: &Self) -> Self {
        for (column, added) in self.columns.iter_mut().zip(&other.columns) {
            for &(row, value) in added {
                match column.iter_mut().find(|(known, _)| *known == row) {
                    Some((_, sum)) => *sum += factor * value,
                    None => column.push((row, factor * value)),
                }
            }
            column.retain(|(_, value)| *value != Complex64::ZERO);
        }
        self
    }

    /// factor · self.
    pub fn times(&self, factor: Complex64) -> Self {
        Self { columns: vec![Vec::new(); self.dimension()] }.plus(factor, self)
    }

    /// self · other.
    pub fn product(&self, other: &Self) -> Self {
        let mut result = Self { columns: vec![Vec::new(); self.dimension()] };
        for (column, source) in result.columns.iter_mut().zip(&other.columns) {
            for &(middle, right) in source {
                for &(row, left) in self.column(middle as usize) {
                    match column.iter_mut().find(|(known, _)| *known == row) {
                        Some((_, sum)) => *sum += left * right,
                        None => column.push((row, left * right)),
                    }
                }
            }
        }
        result
    }

    /// Hermitian adjoint.
    pub fn adjoint(&self) -> Self {
        let mut result = Self { columns: vec![Vec::new(); self.dimension()] };
        for (column, source) in self.columns.iter().enumerate() {
            for &(row, value) in source {
                result.columns[row as usize].push((column as u32, value.conj()));
            }
        }
        result
    }

    /// self ⊗ other, the indices of `other` running fastest.
    pub fn kron(&self, other: &Self) -> Self {
        let inner = other.dimension();
        let mut columns = Vec::with_capacity(self.dimension() * inner);
        for outer_column in &self.columns {
            for inner_column in &other.columns {
                let mut column = Vec::with_capacity(outer_column.len() * inner_column.len());
                for &(i, a) in outer_column {
                    column.extend(inner_column.iter().map(|&(j, b)| (i * inner as u32 + j, a * b)));
                }
                columns.push(column);
            }
        }
        Self { columns }
    }
}

/// Operators of a model on `levels` Fock levels; the spin index (bit i for spin i) runs slowest.
#[derive(Debug, Clone)]
pub struct Operators {
    spins: Vec<Spin>,
    frequency: f64,
    lowering: Sparse,
    /// x₀ and p₀ of the quadratures.
    units: [f64; 2],
}

impl Operators {
    /// The elementary operators of `model`.
    pub fn new(model: &Model, levels: usize) -> Self {
        let lowering = Sparse::from_entries(levels, (1..levels).map(|n| (n - 1, n, (n as f64).sqrt())));
        let spins = model.spins().to_vec();
        let lowering = Sparse::identity(1 << spins.len()).kron(&lowering);
        Self { spins, frequency: model.frequency(), lowering, units: model.quadrature_units() }
    }

    /// A 2×2 matrix in the basis (|−⟩, |+⟩) acting on spin `spin`.
    pub fn on_spin(&self, spin: usize, entries: &[(usize, usize, f64)]) -> Sparse {
        let local = Sparse::from_entries(2, entries.iter().copied());
        let above = Sparse::identity(1 << (self.spins.len() - 1 - spin));
        let levels = self.lowering.dimension() >> self.spins.len();
        above.kron(&local).kron(&Sparse::identity((1 << spin) * levels))
    }

    fn inversion(&self, spin: usize) -> Sparse {
        self.on_spin(spin, &[(0, 0, -1.0), (1, 1, 1.0)])
    }

    /// a.
    pub fn lowering(&self) -> &Sparse {
        &self.lowering
    }

    /// X = x₀(a + a†).
    pub fn position(&self) -> Sparse {
        self.lowering.adjoint().plus(Complex64::ONE, &self.lowering).times(self.units[0].into())
    }

    /// P = −ip₀(a − a†).
    pub fn momentum(&self) -> Sparse {
        let doubled = self.lowering.times(-Complex64::I).plus(Complex64::I, &self.lowering.adjoint());
        doubled.times(self.units[1].into())
    }

    /// X² (sign 1) or P² (sign −1), ±(a² + a†²) + 2N + 1 in its own unit, not cut at the highest level as a product of cut operators is.
    pub fn quadrature_squared(&self, sign: f64) -> Sparse {
        let (lower, raise) = (&self.lowering, self.lowering.adjoint());
        let squares = lower.product(lower).plus(Complex64::ONE, &raise.product(&raise));
        let identity = Sparse::identity(lower.dimension());
        let unit = if sign > 0.0 { self.units[0] } else { self.units[1] };
        let whole = self.number().times(2.0.into()).plus(Complex64::ONE, &identity).plus(sign.into(), &squares);
        whole.times((unit * unit).into())
    }

    /// XP = −(i/2)(a² − a†² − 1), not cut at the highest level either.
    ///
    /// A product of cut operators would have [X, P] = −i(n_max) there, so that drag, −iγ[X, {P, ρ}], would drive what little
    /// reaches the highest levels at a rate ∝ γ n_max.
    pub fn position_momentum(&self) -> Sparse {
        let (lower, raise) = (&self.lowering, self.lowering.adjoint());
        let identity = Sparse::identity(lower.dimension());
        let doubled = lower.product(lower).plus(-Complex64::ONE, &raise.product(&raise));
        doubled.plus(-Complex64::ONE, &identity).times(Complex64::new(0.0, -0.5))
    }

    /// N = a†a.
    pub fn number(&self) -> Sparse {
        self.lowering.adjoint().product(&self.lowering)
    }

    /// H of Eq. (1)–(4), (29).
    pub fn hamiltonian(&self) -> Sparse {
        let mut hamiltonian = self.number().times(self.frequency.into());
        for (i, spin) in self.spins.iter().enumerate() {
            let sigma_z = self
                .inversion(i)
                .times(spin.cos_theta().into())
                .plus(spin.sin_theta().into(), &self.on_spin(i, &[(0, 1, 1.0), (1, 0, 1.0)]));
            hamiltonian = hamiltonian
                .plus((0.5 * spin.splitting()).into(), &self.inversion(i))
                .plus(spin.coupling.into(), &self.position().product(&sigma_z));
        }
        hamiltonian
    }

    /// All jump operators with their rates included.
    pub fn jumps(&self, model: &Model) -> Vec<Sparse> {
        let mut jumps = Vec::new();
        let mut push = |rate: f64, operator: Sparse| {
            if rate > 0.0 {
                jumps.push(operator.times(rate.sqrt().into()));
            }
        };
        match model {
            Model::OscillatorSpins(model) => {
                for (i, spin) in model.spins.iter().enumerate() {
                    if let Some(bath) = spin.bath {
                        push(bath.gamma * (bath.nbar + 1.0), self.on_spin(i, &[(0, 1, 1.0)]));
                        push(bath.gamma * bath.nbar, self.on_spin(i, &[(1, 0, 1.0)]));
                    }
                    push(spin.dephasing / 2.0, self.inversion(i));
                }
                if let Some(bath) = model.oscillator_bath {
                    push(bath.kappa * (bath.nbar + 1.0), self.lowering.clone());
                    push(bath.kappa * bath.nbar, self.lowering.adjoint());
                }
                push(model.oscillator_dephasing, self.number());
            }
            Model::Adiabatic(model) => push(2.0 * model.diffusion, self.position()),
            // Written out in [`super::equation`].
            Model::BornMarkov(_) => {}
        }
        jumps
    }

    /// The operator of an observable, made of its factors; `None` of one that this oracle does not know.
    pub fn observable(&self, observable: Observable) -> Option<Sparse> {
        let spins: Vec<usize> = observable.spins().collect();
        let pair =
            |entries: &[(usize, usize, f64)]| self.on_spin(spins[0], entries).product(&self.on_spin(spins[1], entries));
        const X: [(usize, usize, f64); 2] = [(0, 1, 1.0), (1, 0, 1.0)];
        // τy = i times this.
        const TURN: [(usize, usize, f64); 2] = [(0, 1, 1.0), (1, 0, -1.0)];
        const Z: [(usize, usize, f64); 2] = [(0, 0, -1.0), (1, 1, 1.0)];
        Some(match observable.family() {
            "number" => self.number(),
            "number_squared" => self.number().product(&self.number()),
            "x" => self.position(),
            "p" => self.momentum(),
            "x_squared" => self.quadrature_squared(1.0),
            "p_squared" => self.quadrature_squared(-1.0),
            "parity" => self.number_parity(),
            "energy" => self.hamiltonian(),
            "inversion" => self.on_spin(spins[0], &Z),
            "spin_x" => self.on_spin(spins[0], &X),
            "spin_y" => self.on_spin(spins[0], &TURN).times(Complex64::I),
            "pair_xx" => pair(&X),
            "pair_yy" => pair(&TURN).times((-1.0).into()),
            "pair_zz" => pair(&Z),
            _ => return None,
        })
    }

    /// (−1)^N.
    fn number_parity(&self) -> Sparse {
        let dimension = self.lowering.dimension();
        let levels = dimension >> self.spins.len();
        let sign = |i: usize| if (i % levels).is_multiple_of(2) { 1.0 } else { -1.0 };
        Sparse::from_entries(dimension, (0..dimension).map(|i| (i, i, sign(i))))
    }
}
