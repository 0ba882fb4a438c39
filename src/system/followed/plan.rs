//! Which sums over a ket the followed quantities take, in which order, and how they are made of them.

use num_complex::Complex64;

use super::expansion::Contribution;
use super::spin_function::{Rows, SpinFunction};
use super::weight::{Path, Weight};

/// The sums that some real rows of numbers are made of: row i is Σ Re(c α*^p α^q · sum).
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub rows: Rows,
    pub functions: Vec<SpinFunction>,
    /// Functions whose sums over all levels come from the norms of the rows, and the first of their columns.
    pub norms: Vec<(usize, usize)>,
    pub passes: Vec<Pass>,
    /// What is summed level by level, and with which weights.
    pub parts: Vec<Part>,
    pub weights: Vec<Weight>,
    pub columns: usize,
    pub entries: Vec<Entry>,
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

/// Re or Im of Σ_row u ψ*_n φ_{n+shift} for a function u: the weights it is summed with and the first column of each sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    function: usize,
    shift: u32,
    imaginary: bool,
    pub weights: Vec<(usize, usize)>,
}

/// What a column adds to a row: Re c α*^p α^q times it, or minus Im.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub row: usize,
    pub column: usize,
    imaginary: bool,
    c: Complex64,
    power: [u32; 2],
}

impl Entry {
    /// Its coefficient where the frame is displaced by `alpha`.
    pub fn coefficient(&self, alpha: Complex64) -> f64 {
        let c = self.c * alpha.conj().powu(self.power[0]) * alpha.powu(self.power[1]);
        if self.imaginary { -c.im } else { c.re }
    }
}

impl Plan {
    /// Of rows of numbers, each given by what contributes to it.
    pub fn new(rows: Rows, numbers: impl Iterator<Item = Vec<Contribution>>) -> Self {
        let mut plan = Self {
            rows,
            functions: vec![SpinFunction::one(rows)],
            norms: Vec::new(),
            passes: Vec::new(),
            parts: Vec::new(),
            weights: Vec::new(),
            columns: 0,
            entries: Vec::new(),
        };
        for (row, contributions) in numbers.enumerate() {
            for contribution in &contributions {
                for class in 0..rows.classes() {
                    for (function, c) in rows.decompose(&contribution.spins, class, &mut plan.functions) {
                        plan.add((row, class), contribution, function, c);
                    }
                }
            }
        }
        plan.order_passes();
        plan
    }

    fn add(&mut self, (row, class): (usize, usize), contribution: &Contribution, function: usize, c: Complex64) {
        let &Contribution { shift, power, ref weight, .. } = contribution;
        let diagonal = shift == 0 && self.functions[function].is_diagonal();
        if diagonal && *weight == [(1.0, Path::default())] {
            let column = self.norm_column(function) + class;
            self.entries.push(Entry { row, column, imaginary: false, c, power });
            return;
        }
        // What a fixed coefficient does not see is not summed, and ψ*ψ is real.
        let needed = [power != [0; 2] || c.re != 0.0, !diagonal && (power != [0; 2] || c.im != 0.0)];
        for (imaginary, needed) in [false, true].into_iter().zip(needed) {
            if needed {
                let column = self.column(function, shift, imaginary, weight) + class;
                self.entries.push(Entry { row, column, imaginary, c, power });
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
        self.entries.sort_by_key(|entry| entry.row);
    }
}
