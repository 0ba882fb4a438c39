//! Parities of a Lindblad equation: whether it conserves a given one, and all that it conserves, by linear algebra over 0 and 1.

use super::space::Kind;
use super::{Factor, Lindbladian, Operator, Pauli, Space, Word};

/// Π(−1)^{charge} over the parts: of a mode its level number or nothing, of a qubit whether it is up or nothing, of other
/// parts a charge, 0 or 1, of every level.
///
/// Kets of one parity stay such, but for jumps, which reverse it or keep it each: half of their amplitudes are zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parity {
    /// Per part: the charge of its levels, the first 0. Of a mode that of level 1; it goes on in turn.
    charges: Vec<Vec<bool>>,
}

impl Parity {
    /// Π(−1)^{level} over all parts: (−1)^N Π(−τz) of a mode and qubits.
    pub fn of_all(space: &Space) -> Self {
        let levels = |kind: Kind| if let Kind::Levels(count) = kind { usize::from(count) } else { 2 };
        let charges = |(_, kind)| (0..levels(kind)).map(|level| level % 2 == 1).collect();
        Self { charges: space.parts().map(charges).collect() }
    }

    /// The charge of every part's levels, the first of which have none. A mode's level n has n times that of level 1.
    pub fn charges(&self) -> &[Vec<bool>] {
        &self.charges
    }

    /// Whether a product of levels, one per part, is odd.
    pub fn is_odd(&self, levels: &[usize]) -> bool {
        self.charges.iter().zip(levels).fold(false, |odd, (charges, level)| {
            let charge = if charges.len() == 2 { charges[1] && level % 2 == 1 } else { charges[*level] };
            odd != charge
        })
    }

    /// Whether an operator reverses it (`Some(true)`) or keeps it; `None` where it does neither. Zero keeps it.
    pub fn reversed_by(&self, operator: &Operator) -> Option<bool> {
        let mut words = operator.terms().map(|(word, _)| self.reversed_by_word(word));
        let first = words.next().unwrap_or(false);
        words.all(|reversed| reversed == first).then_some(first)
    }

    /// Whether a word reverses it; otherwise the word keeps it.
    pub fn reversed_by_word(&self, word: &Word) -> bool {
        word.factors().fold(false, |reversed, (part, factor)| {
            let (to, from) = ends(factor);
            let charge = |level: usize| self.charges[part][level];
            reversed != (charge(to) != charge(from))
        })
    }
}

/// Two levels of the part that `factor` joins, those of modes modulo 2.
fn ends(factor: &Factor) -> (usize, usize) {
    match factor {
        Factor::Band(band) => (usize::from(band.shift() % 2 != 0), 0),
        Factor::Fock { to, from } => ((to % 2) as usize, (from % 2) as usize),
        Factor::Pauli(Pauli::X | Pauli::Y) => (1, 0),
        Factor::Pauli(Pauli::Z) => (0, 0),
        Factor::Transition { to, from, .. } => (usize::from(*to), usize::from(*from)),
    }
}

impl Lindbladian {
    /// Whether H keeps a parity and every jump operator keeps or reverses it.
    pub fn conserves(&self, parity: &Parity) -> bool {
        parity.reversed_by(&self.hamiltonian) == Some(false)
            && self.active().all(|jump| parity.reversed_by(&jump.operator).is_some())
    }

    /// All parities that it conserves, as few as make up the others by products: H keeps them, every jump operator keeps or
    /// reverses each.
    pub fn conserved_parities(&self) -> Vec<Parity> {
        // One unknown per level but the first of every part.
        let mut starts = Vec::new();
        let mut unknowns = 0;
        for (_, kind) in self.space.parts() {
            starts.push(unknowns);
            unknowns += if let Kind::Levels(count) = kind { usize::from(count) - 1 } else { 1 };
        }
        let row = |word: &Word| {
            let mut row = vec![false; unknowns];
            for (part, factor) in word.factors() {
                let (to, from) = ends(factor);
                [to, from]
                    .into_iter()
                    .filter(|level| *level > 0)
                    .for_each(|level| row[starts[part] + level - 1] ^= true);
            }
            row
        };
        let mut equations: Vec<Vec<bool>> = self.hamiltonian.terms().map(|(word, _)| row(word)).collect();
        for jump in self.active() {
            let mut rows = jump.operator.terms().map(|(word, _)| row(word));
            let first = rows.next().unwrap_or_default();
            equations.extend(rows.map(|other| other.iter().zip(&first).map(|(a, b)| a ^ b).collect::<Vec<bool>>()));
        }
        let charges = |solution: Vec<bool>| {
            let ends = starts.iter().skip(1).copied().chain([unknowns]);
            let part = |(start, end): (&usize, usize)| {
                std::iter::once(false).chain(solution[*start..end].iter().copied()).collect()
            };
            Parity { charges: starts.iter().zip(ends).map(part).collect() }
        };
        solutions(equations, unknowns).into_iter().map(charges).collect()
    }
}

/// A basis of the solutions of homogeneous linear equations over {0, 1}.
fn solutions(mut equations: Vec<Vec<bool>>, unknowns: usize) -> Vec<Vec<bool>> {
    let mut pivots = Vec::new();
    for column in 0..unknowns {
        let Some(found) = (pivots.len()..equations.len()).find(|row| equations[*row][column]) else { continue };
        equations.swap(pivots.len(), found);
        let pivot = equations[pivots.len()].clone();
        for (row, equation) in equations.iter_mut().enumerate() {
            if row != pivots.len() && equation[column] {
                equation.iter_mut().zip(&pivot).for_each(|(a, b)| *a ^= b);
            }
        }
        pivots.push(column);
    }
    let free = (0..unknowns).filter(|column| !pivots.contains(column));
    let solution = |free: usize| {
        let mut solution = vec![false; unknowns];
        solution[free] = true;
        pivots.iter().zip(&equations).for_each(|(pivot, equation)| solution[*pivot] = equation[free]);
        solution
    };
    free.map(solution).collect()
}
