//! Which sums over a ket the followed quantities take, in which order, and how they are made of them.

use std::collections::BTreeMap;

use num_complex::Complex64;

use super::assembly::{Assembly, Number, Term};
use super::expansion::Contribution;
use super::spin_function::{Rows, SpinFunction};
use super::weight::{Path, Weight};

/// The sums that quantities and the rate of jumps are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Summation {
    pub rows: Rows,
    pub functions: Vec<SpinFunction>,
    /// Functions whose sums over all levels come from the norms of the rows, and their sums.
    pub norms: Vec<(usize, usize)>,
    pub passes: Vec<Pass>,
    /// What is summed level by level, and with which weights.
    pub parts: Vec<Part>,
    pub weights: Vec<Weight>,
    /// The parts of a ket of one row, by shifts; shift 0 first.
    pub shifts: Vec<Shift>,
    /// How many sums there are, each of two columns: over all levels, and, of levels of two classes, the difference of the two.
    pub sums: usize,
    pub assembly: Assembly,
}

/// All that one set of flipped rows and one shift give.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    pub flip: usize,
    pub shift: usize,
    pub feeds: Vec<Feed>,
}

/// A function that is fed by a pass: the number of the flip among its own, and the parts that its real and imaginary part go into.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed {
    pub function: usize,
    pub flip: usize,
    pub parts: [Option<usize>; 2],
}

/// Re or Im of Σ_row u ψ*_n φ_{n+shift} for a function u: the weights it is summed with and the number of each sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    function: usize,
    shift: u32,
    imaginary: bool,
    pub weights: Vec<(usize, usize)>,
}

/// All sums of products of one row with itself a few levels up: the weights, and the sums with the real and with the imaginary
/// part.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    pub shift: usize,
    pub both: Vec<(usize, [usize; 2])>,
    /// Of the real or of the imaginary part alone.
    pub one: [Vec<(usize, usize)>; 2],
}

impl Summation {
    /// Of `order` quantities, given by what contributes to every number.
    pub fn new(rows: Rows, order: usize, numbers: impl Iterator<Item = (Number, Vec<Contribution>)>) -> Self {
        let mut summation = Self {
            rows,
            functions: vec![SpinFunction::one(rows)],
            norms: Vec::new(),
            passes: Vec::new(),
            parts: Vec::new(),
            weights: Vec::new(),
            shifts: Vec::new(),
            sums: 0,
            assembly: Assembly::new(0, Vec::new()),
        };
        let mut terms = Vec::new();
        for (number, contributions) in numbers {
            for contribution in &contributions {
                let mut multiples: BTreeMap<usize, [Complex64; 2]> = BTreeMap::new();
                for class in 0..rows.classes() {
                    for (function, c) in rows.decompose(&contribution.spins, class, &mut summation.functions) {
                        multiples.entry(function).or_default()[class] += c;
                    }
                }
                for (function, [first, second]) in multiples {
                    // A sum over two classes is made of that over both and of the difference.
                    let parts = if rows.classes() == 1 {
                        [first, Complex64::ZERO]
                    } else {
                        [0.5 * (first + second), 0.5 * (first - second)]
                    };
                    for (offset, c) in parts.into_iter().enumerate().filter(|(_, c)| *c != Complex64::ZERO) {
                        summation.add(&mut terms, (number, offset), contribution, function, c);
                    }
                }
            }
        }
        summation.order_passes();
        summation.order_shifts();
        summation.assembly = Assembly::new(order, terms);
        summation
    }

    fn add(
        &mut self,
        terms: &mut Vec<Term>,
        (number, offset): (Number, usize),
        contribution: &Contribution,
        function: usize,
        c: Complex64,
    ) {
        let &Contribution { shift, power, ref weight, .. } = contribution;
        let diagonal = shift == 0 && self.functions[function].is_diagonal();
        if diagonal && *weight == [(1.0, Path::default())] {
            let column = 2 * self.norm_sum(function) + offset;
            terms.push(Term { number, column, imaginary: false, c, power });
            return;
        }
        // What a fixed coefficient does not see is not summed, and ψ*ψ is real.
        let needed = [power != [0; 2] || c.re != 0.0, !diagonal && (power != [0; 2] || c.im != 0.0)];
        for (imaginary, needed) in [false, true].into_iter().zip(needed) {
            if needed {
                let column = 2 * self.sum(function, shift, imaginary, weight) + offset;
                terms.push(Term { number, column, imaginary, c, power });
            }
        }
    }

    fn norm_sum(&mut self, function: usize) -> usize {
        if let Some((_, sum)) = self.norms.iter().find(|(known, _)| *known == function) {
            return *sum;
        }
        self.norms.push((function, self.sums));
        self.sums += 1;
        self.sums - 1
    }

    fn sum(&mut self, function: usize, shift: u32, imaginary: bool, weight: &Weight) -> usize {
        let weight = self.weights.iter().position(|known| known == weight).unwrap_or_else(|| {
            self.weights.push(weight.clone());
            self.weights.len() - 1
        });
        let same = |part: &Part| (part.function, part.shift, part.imaginary) == (function, shift, imaginary);
        let place = self.parts.iter().position(same).unwrap_or_else(|| {
            self.parts.push(Part { function, shift, imaginary, weights: Vec::new() });
            self.parts.len() - 1
        });
        if let Some((_, sum)) = self.parts[place].weights.iter().find(|(known, _)| *known == weight) {
            return *sum;
        }
        self.parts[place].weights.push((weight, self.sums));
        self.sums += 1;
        self.sums - 1
    }

    fn order_shifts(&mut self) {
        if self.rows.count > 1 {
            return;
        }
        // The norm is taken along with them.
        self.shifts.push(Shift { shift: 0, both: Vec::new(), one: [Vec::new(), Vec::new()] });
        for part in &self.parts {
            let shift = part.shift as usize;
            let at = self.shifts.iter().position(|known| known.shift == shift).unwrap_or_else(|| {
                self.shifts.push(Shift { shift, both: Vec::new(), one: [Vec::new(), Vec::new()] });
                self.shifts.len() - 1
            });
            let Shift { both, one, .. } = &mut self.shifts[at];
            let [own, other] = if part.imaginary { [1, 0] } else { [0, 1] };
            for &(weight, sum) in &part.weights {
                match one[other].iter().position(|(known, _)| *known == weight) {
                    Some(place) => {
                        let (_, known) = one[other].remove(place);
                        both.push((weight, if part.imaginary { [known, sum] } else { [sum, known] }));
                    }
                    None => one[own].push((weight, sum)),
                }
            }
        }
    }

    fn order_passes(&mut self) {
        for (place, part) in self.parts.iter().enumerate() {
            for (number, (flip, _)) in self.functions[part.function].flips.iter().enumerate() {
                let (flip, shift) = (*flip, part.shift as usize);
                let at = self.passes.iter().position(|pass| (pass.flip, pass.shift) == (flip, shift));
                let at = at.unwrap_or_else(|| {
                    self.passes.push(Pass { flip, shift, feeds: Vec::new() });
                    self.passes.len() - 1
                });
                let feeds = &mut self.passes[at].feeds;
                let known = feeds.iter().position(|feed| feed.function == part.function);
                let known = known.unwrap_or_else(|| {
                    feeds.push(Feed { function: part.function, flip: number, parts: [None; 2] });
                    feeds.len() - 1
                });
                feeds[known].parts[usize::from(part.imaginary)] = Some(place);
            }
        }
        self.passes.sort_by_key(|pass| (pass.flip, pass.shift));
    }
}
