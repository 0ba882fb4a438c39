//! Which sums over a ket the followed quantities take, in which order, and how they are made of them.

use std::collections::BTreeMap;

use num_complex::Complex64;

use super::expansion::Contribution;
use super::spin_function::{Rows, SpinFunction};
use super::weight::{Path, Weight};

/// The sums that some real rows of numbers are made of: row i is Σ Re(c α*^p α^q · sum).
#[derive(Debug, Clone, PartialEq)]
pub struct Summation {
    pub rows: Rows,
    pub functions: Vec<SpinFunction>,
    /// Functions whose sums over all levels come from the norms of the rows, and the first of their columns.
    pub norms: Vec<(usize, usize)>,
    pub passes: Vec<Pass>,
    /// What is summed level by level, and with which weights.
    pub parts: Vec<Part>,
    pub weights: Vec<Weight>,
    /// The parts of a ket of one row, by shifts.
    pub shifts: Vec<Shift>,
    /// How many columns there are: of every sum over the levels of two classes, that over all and the difference of the two.
    pub columns: usize,
    terms: Vec<Term>,
    /// The columns that some rows at a time are made of.
    pub blocks: Vec<Vec<usize>>,
    /// Where the coefficient of each term stands among those of the blocks: [`BLOCK`] of them for every column of a block.
    places: Vec<usize>,
}

/// Rows that are made of columns at a time.
pub const BLOCK: usize = 16;

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

/// Re or Im of Σ_row u ψ*_n φ_{n+shift} for a function u: the weights it is summed with and the first column of each sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    function: usize,
    shift: u32,
    imaginary: bool,
    pub weights: Vec<(usize, usize)>,
}

/// All sums of products of one row with itself a few levels up: the weights, and the first columns of those with the real and with the
/// imaginary part.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    pub shift: usize,
    pub both: Vec<(usize, [usize; 2])>,
    /// Of the real or of the imaginary part alone.
    pub one: [Vec<(usize, usize)>; 2],
}

/// What a column adds to a row: Re c α*^p α^q times it, or minus Im.
#[derive(Debug, Clone, PartialEq)]
struct Term {
    row: usize,
    column: usize,
    imaginary: bool,
    c: Complex64,
    power: [u32; 2],
}

impl Term {
    /// Its coefficient where the frame is displaced by `alpha`.
    fn coefficient(&self, alpha: Complex64) -> f64 {
        let c = self.c * alpha.conj().powu(self.power[0]) * alpha.powu(self.power[1]);
        if self.imaginary { -c.im } else { c.re }
    }
}

impl Summation {
    /// Of rows of numbers, each given by what contributes to it.
    pub fn new(rows: Rows, numbers: impl Iterator<Item = Vec<Contribution>>) -> Self {
        let mut summation = Self {
            rows,
            functions: vec![SpinFunction::one(rows)],
            norms: Vec::new(),
            passes: Vec::new(),
            parts: Vec::new(),
            weights: Vec::new(),
            shifts: Vec::new(),
            columns: 0,
            terms: Vec::new(),
            blocks: Vec::new(),
            places: Vec::new(),
        };
        for (row, contributions) in numbers.enumerate() {
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
                        summation.add((row, offset), contribution, function, c);
                    }
                }
            }
        }
        summation.order_passes();
        summation.order_shifts();
        summation.order_terms();
        summation
    }

    fn add(&mut self, (row, offset): (usize, usize), contribution: &Contribution, function: usize, c: Complex64) {
        let &Contribution { shift, power, ref weight, .. } = contribution;
        let diagonal = shift == 0 && self.functions[function].is_diagonal();
        if diagonal && *weight == [(1.0, Path::default())] {
            let column = self.norm_column(function) + offset;
            self.terms.push(Term { row, column, imaginary: false, c, power });
            return;
        }
        // What a fixed coefficient does not see is not summed, and ψ*ψ is real.
        let needed = [power != [0; 2] || c.re != 0.0, !diagonal && (power != [0; 2] || c.im != 0.0)];
        for (imaginary, needed) in [false, true].into_iter().zip(needed) {
            if needed {
                let column = self.column(function, shift, imaginary, weight) + offset;
                self.terms.push(Term { row, column, imaginary, c, power });
            }
        }
    }

    fn norm_column(&mut self, function: usize) -> usize {
        if let Some((_, column)) = self.norms.iter().find(|(known, _)| *known == function) {
            return *column;
        }
        let column = self.new_column();
        self.norms.push((function, column));
        column
    }

    fn new_column(&mut self) -> usize {
        self.columns += self.rows.classes();
        self.columns - self.rows.classes()
    }

    fn column(&mut self, function: usize, shift: u32, imaginary: bool, weight: &Weight) -> usize {
        let weight = self.weights.iter().position(|known| known == weight).unwrap_or_else(|| {
            self.weights.push(weight.clone());
            self.weights.len() - 1
        });
        let same = |part: &Part| (part.function, part.shift, part.imaginary) == (function, shift, imaginary);
        let place = self.parts.iter().position(same).unwrap_or_else(|| {
            self.parts.push(Part { function, shift, imaginary, weights: Vec::new() });
            self.parts.len() - 1
        });
        if let Some((_, column)) = self.parts[place].weights.iter().find(|(known, _)| *known == weight) {
            return *column;
        }
        let column = self.new_column();
        self.parts[place].weights.push((weight, column));
        column
    }

    fn order_shifts(&mut self) {
        if self.rows.count > 1 {
            return;
        }
        for part in &self.parts {
            let shift = part.shift as usize;
            let at = self.shifts.iter().position(|known| known.shift == shift).unwrap_or_else(|| {
                self.shifts.push(Shift { shift, both: Vec::new(), one: [Vec::new(), Vec::new()] });
                self.shifts.len() - 1
            });
            let Shift { both, one, .. } = &mut self.shifts[at];
            let [own, other] = if part.imaginary { [1, 0] } else { [0, 1] };
            for &(weight, column) in &part.weights {
                match one[other].iter().position(|(known, _)| *known == weight) {
                    Some(place) => {
                        let (_, known) = one[other].remove(place);
                        both.push((weight, if part.imaginary { [known, column] } else { [column, known] }));
                    }
                    None => one[own].push((weight, column)),
                }
            }
        }
    }

    /// Rows of all blocks.
    pub fn rows_of_blocks(&self) -> usize {
        BLOCK * self.blocks.len()
    }

    /// The coefficients of the blocks where the frame is displaced by `alpha`.
    pub fn coefficients(&self, alpha: Complex64, coefficients: &mut Vec<f64>) {
        coefficients.clear();
        coefficients.resize(BLOCK * self.blocks.iter().map(Vec::len).sum::<usize>(), 0.0);
        for (term, place) in self.terms.iter().zip(&self.places) {
            coefficients[*place] += term.coefficient(alpha);
        }
    }

    fn order_terms(&mut self) {
        let last = self.terms.iter().map(|term| term.row).max();
        self.blocks = vec![Vec::new(); last.map_or(0, |last| last / BLOCK + 1)];
        for term in &self.terms {
            self.blocks[term.row / BLOCK].push(term.column);
        }
        for block in &mut self.blocks {
            block.sort_unstable();
            block.dedup();
        }
        let place = |term: &Term| {
            let before: usize = self.blocks[..term.row / BLOCK].iter().map(Vec::len).sum();
            let own = self.blocks[term.row / BLOCK].partition_point(|column| *column < term.column);
            BLOCK * (before + own) + term.row % BLOCK
        };
        self.places = self.terms.iter().map(place).collect();
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
