//! The vector loops behind followed quantities: products of two rows level by level, and their sums with weights.

use super::summation::{BLOCK, Pass, Shift, Summation};
use super::weight::WeightTable;
use crate::hilbert::lanes::{Kernel, Lanes, WIDTH, run};
use crate::hilbert::{Ket, PAD, Window};
use crate::system::combine::part;

/// All sums over one ket, in one visit to the vector unit.
pub struct Sweep<'a> {
    pub summation: &'a Summation,
    pub ket: &'a Ket,
    pub weights: &'a WeightTable,
    /// Two rows to spare, and one for every part; none where the ket has one row.
    pub products: &'a mut [f64],
    /// Of every row of the ket, over the levels at even and at odd places of the window.
    pub norms: &'a mut [[f64; 2]],
    pub columns: &'a mut [f64],
    /// Those of the blocks, and what they make of the columns.
    pub coefficients: &'a [f64],
    pub rows: &'a mut [f64],
}

impl Sweep<'_> {
    /// Fills norms, columns and rows, and returns ‖ψ‖².
    pub fn run(self) -> f64 {
        run(self)
    }
}

impl Kernel for Sweep<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> f64 {
        let Self { summation, ket, weights, products, norms, columns, coefficients, rows } = self;
        let (window, classes) = (ket.window(), summation.rows.classes());
        let len = window.len();
        // Whether the levels at odd places of the window are those of the first class.
        let odd = (window.lo() + ket.sector) % 2 == 1;
        let mut write = |column: usize, [first, second]: [f64; 2]| {
            columns[column] = first + second;
            if classes == 2 {
                columns[column + 1] = if odd { second - first } else { first - second };
            }
        };
        for (row, norm) in norms.iter_mut().enumerate() {
            *norm = norm_squared(lanes, ket.padded_row(row));
        }
        for (function, column) in &summation.norms {
            let mut sum = [0.0; 2];
            for (u, norm) in summation.functions[*function].flips[0].1.iter().zip(&*norms) {
                sum = [sum[0] + u * norm[0], sum[1] + u * norm[1]];
            }
            write(*column, sum);
        }
        if summation.rows.count == 1 {
            let row = ket.padded_row(0);
            for Shift { shift, both, one } in &summation.shifts {
                for (one, imaginary) in one.iter().zip([false, true]) {
                    let product = Product::of(lanes, (row, row), (*shift, imaginary));
                    weigh(lanes, one, product, (weights, window), &mut write);
                }
                weigh_both(lanes, both, (row, *shift), (weights, window), &mut write);
            }
        } else {
            let (spare, cells) = products.split_at_mut(2 * len);
            cells.fill(0.0);
            for pass in &summation.passes {
                multiply(lanes, summation, pass, ket, spare, cells);
            }
            for (part, cells) in summation.parts.iter().zip(cells.chunks_exact(len)) {
                weigh(
                    lanes,
                    &part.weights,
                    Kept(pairs::<L>(cells, 0, len / (2 * WIDTH))),
                    (weights, window),
                    &mut write,
                );
            }
        }
        apply(lanes, summation, coefficients, columns, rows);
        norms.iter().map(|[even, odd]| even + odd).sum()
    }
}

/// A row of a ket with its pads: real and imaginary parts.
type PaddedRow<'a> = (&'a [f64], &'a [f64]);

/// Adds what a pass gives to the parts that it feeds.
#[inline(always)]
fn multiply<L: Lanes>(lanes: L, summation: &Summation, pass: &Pass, ket: &Ket, spare: &mut [f64], cells: &mut [f64]) {
    let len = ket.window().len();
    let (re, im) = spare.split_at_mut(len);
    let needed = [0, 1].map(|part| pass.feeds.iter().any(|feed| feed.parts[part].is_some()));
    for row in 0..ket.rows() {
        let (bra, other) = (ket.padded_row(row), ket.padded_row(row ^ pass.flip));
        for (imaginary, out) in [(false, &mut *re), (true, &mut *im)] {
            if needed[usize::from(imaginary)] {
                let product = Product::of(lanes, (bra, other), (pass.shift, imaginary));
                for (k, out) in L::vectors_mut(out).as_chunks_mut().0.iter_mut().enumerate() {
                    *out = product.pair(lanes, k);
                }
            }
        }
        for feed in &pass.feeds {
            let u = summation.functions[feed.function].flips[feed.flip].1[row];
            for (place, from) in feed.parts.iter().zip([&*re, &*im]) {
                if let (Some(place), true) = (place, u != 0.0) {
                    add(lanes, u, from, &mut cells[place * len..(place + 1) * len]);
                }
            }
        }
    }
}

/// Numbers for the levels of a window. Closures in their place would not be compiled for the processor's features.
trait Vectors<L: Lanes>: Copy {
    /// Two vectors of them.
    fn pair(self, lanes: L, k: usize) -> [L::Vector; 2];
}

/// Cells in pairs of vectors: a window has a whole number of them.
type Pairs<'a, L> = &'a [[<L as Lanes>::Vector; 2]];

/// `count` pairs of vectors from the cell `start` on.
#[inline(always)]
fn pairs<L: Lanes>(cells: &[f64], start: usize, count: usize) -> Pairs<'_, L> {
    &L::vectors(&cells[start..]).as_chunks().0[..count]
}

/// Numbers that are there.
#[derive(Clone, Copy)]
struct Kept<'a, L: Lanes>(Pairs<'a, L>);

impl<L: Lanes> Vectors<L> for Kept<'_, L> {
    #[inline(always)]
    fn pair(self, _lanes: L, k: usize) -> [L::Vector; 2] {
        self.0[k]
    }
}

/// Re or Im of ψ*_n φ_{n+shift} of two rows.
#[derive(Clone, Copy)]
struct Product<'a, L: Lanes> {
    bra: (Pairs<'a, L>, Pairs<'a, L>),
    ket: (Pairs<'a, L>, Pairs<'a, L>),
    sign: L::Vector,
}

impl<'a, L: Lanes> Product<'a, L> {
    /// Re ψ*φ = aₓbₓ + a_y b_y, Im ψ*φ = aₓb_y − a_y bₓ.
    #[inline(always)]
    fn of(lanes: L, (bra, ket): (PaddedRow<'a>, PaddedRow<'a>), (shift, imaginary): (usize, bool)) -> Self {
        let count = (bra.0.len() - 2 * PAD) / (2 * WIDTH);
        let (first, second) = if imaginary { (ket.1, ket.0) } else { (ket.0, ket.1) };
        Self {
            bra: (pairs::<L>(bra.0, PAD, count), pairs::<L>(bra.1, PAD, count)),
            ket: (pairs::<L>(first, PAD + shift, count), pairs::<L>(second, PAD + shift, count)),
            sign: lanes.splat(if imaginary { -1.0 } else { 1.0 }),
        }
    }
}

impl<L: Lanes> Vectors<L> for Product<'_, L> {
    #[inline(always)]
    fn pair(self, lanes: L, k: usize) -> [L::Vector; 2] {
        let Self { bra, ket, sign } = self;
        let (a, b, c, d) = (bra.0[k], bra.1[k], ket.0[k], ket.1[k]);
        [
            lanes.mul_add(a[0], c[0], lanes.mul(sign, lanes.mul(b[0], d[0]))),
            lanes.mul_add(a[1], c[1], lanes.mul(sign, lanes.mul(b[1], d[1]))),
        ]
    }
}

/// `to` += `factor` · `from`.
#[inline(always)]
fn add<L: Lanes>(lanes: L, factor: f64, from: &[f64], to: &mut [f64]) {
    let factor = lanes.splat(factor);
    for (to, from) in L::vectors_mut(to).iter_mut().zip(L::vectors(from)) {
        *to = lanes.mul_add(factor, *from, *to);
    }
}

/// Σ |ψ_n|² of a row over the even and over the odd places.
#[inline(always)]
fn norm_squared<L: Lanes>(lanes: L, row: PaddedRow) -> [f64; 2] {
    let mut sums = [lanes.splat(0.0); 2];
    for (sum, cells) in sums.iter_mut().zip([row.0, row.1]) {
        for x in part::<L>(cells, PAD, cells.len() - 2 * PAD) {
            *sum = lanes.mul_add(*x, *x, *sum);
        }
    }
    by_parity(L::cells(lanes.add(sums[0], sums[1])))
}

/// The sums of numbers with weights, each for a column, some at a time.
#[inline(always)]
fn weigh<L: Lanes>(
    lanes: L,
    weights: &[(usize, usize)],
    cells: impl Vectors<L>,
    (table, window): (&WeightTable, Window),
    write: &mut impl FnMut(usize, [f64; 2]),
) {
    let (fours, rest) = weights.as_chunks::<4>();
    for four in fours {
        weigh_some(lanes, cells, *four, (table, window), write);
    }
    match *rest {
        [one, two, three] => weigh_some(lanes, cells, [one, two, three], (table, window), write),
        [one, two] => weigh_some(lanes, cells, [one, two], (table, window), write),
        [one] => weigh_some(lanes, cells, [one], (table, window), write),
        _ => {}
    }
}

/// The sums Σ weight · cell over the even places and over the odd ones with N weights, each for a column.
#[inline(always)]
fn weigh_some<L: Lanes, const N: usize>(
    lanes: L,
    cells: impl Vectors<L>,
    weights: [(usize, usize); N],
    (table, window): (&WeightTable, Window),
    write: &mut impl FnMut(usize, [f64; 2]),
) {
    let count = window.len() / (2 * WIDTH);
    let rows = weights.map(|(weight, _)| pairs::<L>(table.row(weight, window), 0, count));
    let mut sums = [[lanes.splat(0.0); 2]; N];
    // Two sums of each hide the latency of one.
    for k in 0..count {
        let x = cells.pair(lanes, k);
        for (sums, row) in sums.iter_mut().zip(&rows) {
            sums[0] = lanes.mul_add(row[k][0], x[0], sums[0]);
            sums[1] = lanes.mul_add(row[k][1], x[1], sums[1]);
        }
    }
    for ((_, column), [a, b]) in weights.into_iter().zip(sums) {
        write(column, by_parity(L::cells(lanes.add(a, b))));
    }
}

/// The same with the products of a row with itself `shift` levels up, real and imaginary parts together.
#[inline(always)]
fn weigh_both<L: Lanes>(
    lanes: L,
    weights: &[(usize, [usize; 2])],
    (row, shift): (PaddedRow, usize),
    at: (&WeightTable, Window),
    write: &mut impl FnMut(usize, [f64; 2]),
) {
    let (twos, rest) = weights.as_chunks::<2>();
    for two in twos {
        weigh_both_of(lanes, *two, (row, shift), at, write);
    }
    if let [one] = *rest {
        weigh_both_of(lanes, [one], (row, shift), at, write);
    }
}

#[inline(always)]
fn weigh_both_of<L: Lanes, const N: usize>(
    lanes: L,
    weights: [(usize, [usize; 2]); N],
    (row, shift): (PaddedRow, usize),
    (table, window): (&WeightTable, Window),
    write: &mut impl FnMut(usize, [f64; 2]),
) {
    let count = window.len() / (2 * WIDTH);
    let rows = weights.map(|(weight, _)| pairs::<L>(table.row(weight, window), 0, count));
    let [re, im] = [false, true].map(|imaginary| Product::<L>::of(lanes, (row, row), (shift, imaginary)));
    let mut sums = [[[lanes.splat(0.0); 2]; 2]; N];
    for k in 0..count {
        let (re, im) = (re.pair(lanes, k), im.pair(lanes, k));
        for (sums, row) in sums.iter_mut().zip(&rows) {
            for i in 0..2 {
                sums[0][i] = lanes.mul_add(row[k][i], re[i], sums[0][i]);
                sums[1][i] = lanes.mul_add(row[k][i], im[i], sums[1][i]);
            }
        }
    }
    for ((_, columns), sums) in weights.into_iter().zip(sums) {
        for (column, [a, b]) in columns.into_iter().zip(sums) {
            write(column, by_parity(L::cells(lanes.add(a, b))));
        }
    }
}

/// What the blocks make of the columns.
#[inline(always)]
fn apply<L: Lanes>(lanes: L, summation: &Summation, coefficients: &[f64], columns: &[f64], rows: &mut [f64]) {
    let mut coefficients = L::vectors(coefficients);
    for (block, rows) in summation.blocks.iter().zip(L::vectors_mut(rows).as_chunks_mut::<{ BLOCK / WIDTH }>().0) {
        let (own, rest) = coefficients.split_at(block.len() * (BLOCK / WIDTH));
        coefficients = rest;
        let mut sums = [lanes.splat(0.0); BLOCK / WIDTH];
        for (column, own) in block.iter().zip(own.as_chunks::<{ BLOCK / WIDTH }>().0) {
            let x = lanes.splat(columns[*column]);
            for (sum, c) in sums.iter_mut().zip(own) {
                *sum = lanes.mul_add(x, *c, *sum);
            }
        }
        *rows = sums;
    }
}

#[inline(always)]
fn by_parity(cells: [f64; WIDTH]) -> [f64; 2] {
    [cells[0] + cells[2], cells[1] + cells[3]]
}
