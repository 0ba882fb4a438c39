//! How quantities are made of sums over a ket: runs of them that share sums, a vector at a time.

use num_complex::Complex64;

use crate::hilbert::lanes::WIDTH;

/// What a column adds to a number: Re c α*^p α^q times it, or minus Im.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    pub number: Number,
    pub column: usize,
    pub imaginary: bool,
    pub c: Complex64,
    pub power: [u32; 2],
}

/// A number that is made of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// ⟨O⟩ of a quantity.
    Value(usize),
    /// Σ rate ⟨L†OL⟩ of a quantity.
    AfterJumps(usize),
    /// Σ rate ⟨L†L⟩.
    Decay,
}

impl Term {
    /// Its coefficient where the frame is displaced by `alpha`.
    fn coefficient(&self, alpha: Complex64) -> f64 {
        let c = self.c * alpha.conj().powu(self.power[0]) * alpha.powu(self.power[1]);
        if self.imaginary { -c.im } else { c.re }
    }
}

/// The rate of jumps and all quantities as sums of columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Assembly {
    /// The columns of the rate of jumps.
    pub decay: Vec<usize>,
    pub runs: Vec<Run>,
    terms: Vec<Term>,
    /// Where the coefficient of each term stands.
    places: Vec<usize>,
}

/// At most four quantities, the first of them `start`, that are made of the same columns. Cells up to `start` + 4 are written: those
/// beyond the run by the next one again.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub start: usize,
    pub columns: Vec<usize>,
}

impl Assembly {
    /// Of `order` quantities.
    pub fn new(order: usize, terms: Vec<Term>) -> Self {
        let mut own = vec![Vec::new(); order];
        let mut decay = Vec::new();
        for term in &terms {
            match term.number {
                Number::Value(quantity) | Number::AfterJumps(quantity) => own[quantity].push(term.column),
                Number::Decay => decay.push(term.column),
            }
        }
        order_columns(&mut decay);
        let runs = runs(&own);
        let place = |term: &Term| {
            let (quantity, after) = match term.number {
                Number::Value(quantity) => (quantity, 0),
                Number::AfterJumps(quantity) => (quantity, 1),
                Number::Decay => return decay.partition_point(|column| *column < term.column),
            };
            let run = runs.partition_point(|run| run.start <= quantity) - 1;
            let before: usize = runs[..run].iter().map(|run| run.columns.len()).sum();
            let column = runs[run].columns.partition_point(|column| *column < term.column);
            decay.len() + 2 * WIDTH * (before + column) + WIDTH * after + quantity - runs[run].start
        };
        let places = terms.iter().map(place).collect();
        Self { decay, runs, terms, places }
    }

    /// The coefficients where the frame is displaced by `alpha`: one for every column of the rate of jumps, then for every column of
    /// every run those in the values of four quantities, and in what jumps make of them.
    pub fn coefficients(&self, alpha: Complex64, coefficients: &mut Vec<f64>) {
        let columns: usize = self.runs.iter().map(|run| run.columns.len()).sum();
        coefficients.clear();
        coefficients.resize(self.decay.len() + 2 * WIDTH * columns, 0.0);
        for (term, place) in self.terms.iter().zip(&self.places) {
            coefficients[*place] += term.coefficient(alpha);
        }
    }
}

fn order_columns(columns: &mut Vec<usize>) {
    columns.sort_unstable();
    columns.dedup();
}

/// What a run costs besides its columns, in columns.
const COST_OF_RUN: usize = 5;

/// The cheapest runs for quantities that are made of these columns each.
fn runs(own: &[Vec<usize>]) -> Vec<Run> {
    let order = own.len();
    let columns = |start: usize, end: usize| {
        let mut columns = own[start..end].concat();
        order_columns(&mut columns);
        columns
    };
    // The cost of all from a quantity on, and where the run that begins with it ends. No run reaches beyond whole vectors.
    let mut best = vec![(0, order); order + 1];
    for start in (0..order).rev() {
        let options =
            (start + 1..=(start + WIDTH).min(order)).filter(|_| start + WIDTH <= order.next_multiple_of(WIDTH));
        let cost = |end: usize| best[end].0 + COST_OF_RUN + columns(start, end).len();
        best[start] = options.map(|end| (cost(end), end)).min().unwrap_or((NEVER, order));
    }
    let mut runs = Vec::new();
    let mut start = 0;
    while start < order {
        let end = best[start].1;
        runs.push(Run { start, columns: columns(start, end) });
        start = end;
    }
    runs
}

/// The cost of what cannot be.
const NEVER: usize = usize::MAX / 2;

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantities that share columns make a run, none beyond whole vectors, and every coefficient stands where its quantity and column do.
    #[test]
    fn quantities_that_share_columns_are_made_together() {
        let columns = [vec![0, 1], vec![1], vec![5], vec![6, 5], vec![5, 6, 7], vec![6], vec![8], vec![2, 3, 4]];
        let of_quantity = |(quantity, columns): (usize, &'static [usize])| {
            columns.iter().map(move |column| (Number::Value(quantity), *column))
        };
        let columns: Vec<&'static [usize]> = columns.into_iter().map(|columns| &*columns.leak()).collect();
        let mut numbers: Vec<_> = columns.iter().copied().enumerate().flat_map(of_quantity).collect();
        numbers.extend([
            (Number::AfterJumps(3), 5),
            (Number::AfterJumps(3), 6),
            (Number::Decay, 9),
            (Number::Decay, 2),
        ]);
        let term = |(i, (number, column))| Term {
            number,
            column,
            imaginary: false,
            c: Complex64::new(f64::from(i), 0.0),
            power: [0; 2],
        };
        let terms: Vec<Term> = (1..).zip(numbers).map(term).collect();
        let assembly = Assembly::new(columns.len(), terms.clone());
        assert_eq!(assembly.decay, [2, 9]);
        let runs: Vec<_> = assembly.runs.iter().map(|run| (run.start, &run.columns[..])).collect();
        assert_eq!(runs, [(0, &[0, 1, 5, 6][..]), (4, &[2, 3, 4, 5, 6, 7, 8])]);
        let mut coefficients = Vec::new();
        assembly.coefficients(Complex64::ZERO, &mut coefficients);
        for term in &terms {
            let place = match term.number {
                Number::Decay => usize::from(term.column == 9),
                Number::Value(quantity) | Number::AfterJumps(quantity) => {
                    let after = usize::from(matches!(term.number, Number::AfterJumps(_)));
                    let run = quantity / WIDTH;
                    let column = runs[run].1.iter().position(|column| *column == term.column).expect("it is there");
                    2 + 2 * WIDTH * (4 * run + column) + WIDTH * after + quantity % WIDTH
                }
            };
            assert_eq!(coefficients[place], term.c.re, "{term:?}");
        }
        assert_eq!(coefficients.iter().filter(|c| **c != 0.0).count(), terms.len());
        // Without shared columns runs end where a vector may begin.
        let alone: Vec<Vec<usize>> = (0..6).map(|i| (20 * i..20 * i + 20).collect()).collect();
        assert!(super::runs(&alone).iter().all(|run| run.start + WIDTH <= 8));
    }
}
