//! What an operator does to one part of the system, and products of two such factors.

use num_complex::Complex64;

use super::Band;

/// A factor other than 1 of a product of operators, one per part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Factor {
    /// On a mode: a†^p F(N) a^q.
    Band(Band),
    /// On a mode: |to⟩⟨from|.
    Fock {
        /// The level it makes.
        to: u32,
        /// The level it takes.
        from: u32,
    },
    /// On a qubit.
    Pauli(Pauli),
    /// On a part with so many levels: |to⟩⟨from|. The projector on the last level is written as 1 less the others, so that
    /// every operator is one sum only.
    Transition {
        /// The level it makes.
        to: u16,
        /// The level it takes.
        from: u16,
        /// How many levels there are.
        levels: u16,
    },
}

/// A Pauli matrix, with τz = +1 for up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pauli {
    /// τx = |up⟩⟨down| + |down⟩⟨up|.
    X,
    /// τy = −i|up⟩⟨down| + i|down⟩⟨up|.
    Y,
    /// τz = |up⟩⟨up| − |down⟩⟨down|.
    Z,
}

/// Σ c · factor on one part, where no factor is 1.
pub(super) type Terms = Vec<(Complex64, Option<Factor>)>;

impl Factor {
    /// |to⟩⟨from| on a part of `levels` levels; zero beyond them.
    pub(super) fn transition(to: u16, from: u16, levels: u16) -> Terms {
        let one = Complex64::ONE;
        if to >= levels || from >= levels {
            return Vec::new();
        }
        if (to, from) != (levels - 1, levels - 1) {
            return vec![(one, Some(Self::Transition { to, from, levels }))];
        }
        let others = (0..levels - 1).map(|level| (-one, Some(Self::Transition { to: level, from: level, levels })));
        std::iter::once((one, None)).chain(others).collect()
    }

    /// The Hermitian adjoint.
    pub fn adjoint(&self) -> Self {
        match self {
            Self::Band(band) => Self::Band(band.adjoint()),
            Self::Fock { to, from } => Self::Fock { to: *from, from: *to },
            Self::Pauli(pauli) => Self::Pauli(*pauli),
            Self::Transition { to, from, levels } => Self::Transition { to: *from, from: *to, levels: *levels },
        }
    }

    /// `self` times `other`, on the same part.
    ///
    /// # Panics
    /// If they are of parts of different kinds: operators of different spaces.
    pub(super) fn times(&self, other: &Self) -> Terms {
        match (self, other) {
            (Self::Band(one), Self::Band(other)) => one.times(other).into_iter().map(of_band).collect(),
            (Self::Band(band), Self::Fock { to, from }) => {
                let made = band.on(*to).map(|(to, c)| (c.into(), Some(Self::Fock { to, from: *from })));
                made.into_iter().collect()
            }
            (Self::Fock { to, from }, Self::Band(band)) => {
                let made = band.adjoint().on(*from).map(|(from, c)| (c.into(), Some(Self::Fock { to: *to, from })));
                made.into_iter().collect()
            }
            (Self::Fock { to, from }, Self::Fock { to: middle, from: last }) => {
                let made = (from == middle).then_some((Complex64::ONE, Some(Self::Fock { to: *to, from: *last })));
                made.into_iter().collect()
            }
            (Self::Pauli(one), Self::Pauli(other)) => vec![one.times(*other)],
            (Self::Transition { to, from, levels }, Self::Transition { to: middle, from: last, .. }) => {
                if from == middle { Self::transition(*to, *last, *levels) } else { Vec::new() }
            }
            _ => panic!("operators of different spaces were multiplied"),
        }
    }

    /// What |level⟩ becomes: levels with their amplitudes. A qubit's level 0 is down.
    pub fn on(&self, level: u32) -> Option<(u32, Complex64)> {
        let sign = if level == 1 { 1.0 } else { -1.0 };
        match self {
            Self::Band(band) => band.on(level).map(|(to, c)| (to, c.into())),
            Self::Fock { to, from } => (level == *from).then_some((*to, Complex64::ONE)),
            Self::Transition { to, from, .. } => {
                (level == u32::from(*from)).then_some((u32::from(*to), Complex64::ONE))
            }
            Self::Pauli(Pauli::X) => Some((1 - level.min(1), Complex64::ONE)),
            // τy|up⟩ = i|down⟩, τy|down⟩ = −i|up⟩.
            Self::Pauli(Pauli::Y) => Some((1 - level.min(1), Complex64::new(0.0, sign))),
            Self::Pauli(Pauli::Z) => Some((level, sign.into())),
        }
    }
}

fn of_band((c, band): (f64, Band)) -> (Complex64, Option<Factor>) {
    (c.into(), (!band.is_identity()).then_some(Factor::Band(band)))
}

impl Pauli {
    /// τxτy = iτz and so on in turn; the square of each is 1.
    fn times(self, other: Self) -> (Complex64, Option<Factor>) {
        let (next, third) = match self {
            Self::X => (Self::Y, Self::Z),
            Self::Y => (Self::Z, Self::X),
            Self::Z => (Self::X, Self::Y),
        };
        if self == other {
            (Complex64::ONE, None)
        } else if other == next {
            (Complex64::I, Some(Factor::Pauli(third)))
        } else {
            (-Complex64::I, Some(Factor::Pauli(next)))
        }
    }
}
