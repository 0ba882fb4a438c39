//! The operators of each kind of part by their usual names.

use num_complex::Complex64;

use super::factor::Terms;
use super::{Band, Factor, Function, Levels, Mode, Operator, Pauli, Qubit};

/// One factor with coefficient 1.
fn alone(factor: Factor) -> Terms {
    vec![(Complex64::ONE, Some(factor))]
}

impl Mode {
    fn band(self, band: Band) -> Operator {
        Operator::on(self.0, alone(Factor::Band(band)))
    }

    /// a.
    pub fn lower(self) -> Operator {
        self.band(Band::ladder(0, 1))
    }

    /// a†.
    pub fn raise(self) -> Operator {
        self.band(Band::ladder(1, 0))
    }

    /// N = a†a.
    pub fn number(self) -> Operator {
        self.band(Band::ladder(1, 1))
    }

    /// X = a + a†.
    pub fn x(self) -> Operator {
        self.lower() + self.raise()
    }

    /// P = −i(a − a†).
    pub fn p(self) -> Operator {
        -Complex64::I * (self.lower() - self.raise())
    }

    /// (−1)^N.
    pub fn parity(self) -> Operator {
        self.band(Band::parity())
    }

    /// `function`(N).
    pub fn function(self, function: Function) -> Operator {
        self.band(Band::function(function))
    }

    /// |to⟩⟨from| of two Fock states.
    pub fn fock(self, to: u32, from: u32) -> Operator {
        Operator::on(self.0, alone(Factor::Fock { to, from }))
    }
}

impl Qubit {
    fn pauli(self, pauli: Pauli) -> Operator {
        Operator::on(self.0, alone(Factor::Pauli(pauli)))
    }

    /// τx.
    pub fn x(self) -> Operator {
        self.pauli(Pauli::X)
    }

    /// τy.
    pub fn y(self) -> Operator {
        self.pauli(Pauli::Y)
    }

    /// τz, +1 in |up⟩.
    pub fn z(self) -> Operator {
        self.pauli(Pauli::Z)
    }

    /// |down⟩⟨up|.
    pub fn lower(self) -> Operator {
        0.5 * self.x() - Complex64::new(0.0, 0.5) * self.y()
    }

    /// |up⟩⟨down|.
    pub fn raise(self) -> Operator {
        self.lower().adjoint()
    }

    /// |up⟩⟨up|.
    pub fn up(self) -> Operator {
        0.5 * self.z() + Operator::from(0.5)
    }

    /// |down⟩⟨down|.
    pub fn down(self) -> Operator {
        -0.5 * self.z() + Operator::from(0.5)
    }
}

impl Levels {
    /// |to⟩⟨from|; zero beyond the last level.
    pub fn transition(self, to: u16, from: u16) -> Operator {
        Operator::on(self.place, Factor::transition(to, from, self.count))
    }

    /// Jx, Jy and Jz of the spin J = (count − 1)/2, whose level m has Jz = m − J.
    pub fn spin(self) -> [Operator; 3] {
        let j = 0.5 * f64::from(self.count - 1);
        let raise: Operator = (1..self.count)
            .map(|to| {
                let above = f64::from(to) - j;
                (j * (j + 1.0) - above * (above - 1.0)).sqrt() * self.transition(to, to - 1)
            })
            .sum();
        let lower = raise.adjoint();
        let z = (0..self.count).map(|level| (f64::from(level) - j) * self.transition(level, level)).sum();
        [0.5 * (&raise + &lower), Complex64::new(0.0, -0.5) * (raise - lower), z]
    }
}
