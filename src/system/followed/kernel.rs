//! The vector loops behind followed quantities: products of two rows level by level, and their sums with weights.

use super::assembly::Assembly;
use super::summation::{Pass, Shift, Summation};
use super::weight::WeightTable;
use crate::hilbert::lanes::{Kernel, Lanes, WIDTH, run};
use crate::hilbert::{Ket, PAD, Window};

/// All sums over one ket, in one visit to the vector unit.
pub struct Sweep<'a> {
    pub summation: &'a Summation,
    pub ket: &'a Ket,
    pub weights: &'a WeightTable,
    /// Two rows to spare, and one for every part; none where the ket has one row.
    pub products: &'a mut [f64],
    /// Of every row of the ket, over the levels at even and at odd places of the window.
    pub norms: &'a mut [[f64; 2]],
    /// Of every sum, that over all levels and the difference of those over the two classes.
    pub columns: &'a mut [[f64; 2]],
    /// Those of the assembly.
    pub coefficients: &'a [f64],
    /// What every quantity has besides.
    pub constants: &'a [f64],
    pub values: &'a mut [f64],
    pub rates: &'a mut [f64],
}

impl Sweep<'_> {
    /// Fills norms, columns, values and rates.
    pub fn run(self) {
        run(self);
    }
}

impl Kernel for Sweep<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { summation, ket, weights, products, norms, columns, coefficients, constants, values, rates } = self;
        let window = ket.window();
        let len = window.len();
        // The levels at even places of the window are those of the first class, or those at odd ones.
        let sign = if (window.lo() + ket.sector) % 2 == 1 { -1.0 } else { 1.0 };
        let mut write = |sum: usize, [even, odd]: [f64; 2]| columns[sum] = [even + odd, sign * (even - odd)];
        if let [norm] = norms {
            let row = ket.padded_row(0);
            for Shift { shift, both, one } in &summation.shifts {
                if *shift == 0 {
                    *norm = weigh::<L, true>(lanes, &one[0], Squares::of(row), (weights, window), &mut write);
                    continue;
                }
                let re = Product::<L, false>::of(row, row, *shift);
                let im = Product::<L, true> { bra: re.bra, ket: re.ket };
                weigh::<L, false>(lanes, &one[0], re, (weights, window), &mut write);
                weigh::<L, false>(lanes, &one[1], im, (weights, window), &mut write);
                weigh_both(lanes, both, (re, im), (weights, window), &mut write);
            }
        } else {
            for (row, norm) in norms.iter_mut().enumerate() {
                *norm = weigh::<L, true>(lanes, &[], Squares::of(ket.padded_row(row)), (weights, window), &mut write);
            }
            let (spare, cells) = products.split_at_mut(2 * len);
            cells.fill(0.0);
            for pass in &summation.passes {
                multiply(lanes, summation, pass, ket, spare, cells);
            }
            for (part, cells) in summation.parts.iter().zip(cells.chunks_exact(len)) {
                let cells = Kept(pairs::<L>(cells, 0, len / (2 * WIDTH)));
                weigh::<L, false>(lanes, &part.weights, cells, (weights, window), &mut write);
            }
        }
        for (function, place) in &summation.norms {
            let mut sum = [0.0; 2];
            for (u, norm) in summation.functions[*function].flips[0].1.iter().zip(&*norms) {
                sum = [sum[0] + u * norm[0], sum[1] + u * norm[1]];
            }
            write(*place, sum);
        }
        let norm = norms.iter().map(|[even, odd]| even + odd).sum();
        assemble(lanes, &summation.assembly, coefficients, (columns.as_flattened(), norm), constants, (values, rates));
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
        if needed[0] {
            fill(lanes, Product::<L, false>::of(bra, other, pass.shift), re);
        }
        if needed[1] {
            fill(lanes, Product::<L, true>::of(bra, other, pass.shift), im);
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

/// |ψ_n|² of a row.
#[derive(Clone, Copy)]
struct Squares<'a, L: Lanes>(Pairs<'a, L>, Pairs<'a, L>);

impl<'a, L: Lanes> Squares<'a, L> {
    #[inline(always)]
    fn of(row: PaddedRow<'a>) -> Self {
        let count = (row.0.len() - 2 * PAD) / (2 * WIDTH);
        Self(pairs::<L>(row.0, PAD, count), pairs::<L>(row.1, PAD, count))
    }
}

impl<L: Lanes> Vectors<L> for Squares<'_, L> {
    #[inline(always)]
    fn pair(self, lanes: L, k: usize) -> [L::Vector; 2] {
        let (a, b) = (self.0[k], self.1[k]);
        [lanes.mul_add(a[0], a[0], lanes.mul(b[0], b[0])), lanes.mul_add(a[1], a[1], lanes.mul(b[1], b[1]))]
    }
}

/// Re, or Im, of ψ*_n φ_{n+shift} of two rows.
#[derive(Clone, Copy)]
struct Product<'a, L: Lanes, const IMAGINARY: bool> {
    bra: (Pairs<'a, L>, Pairs<'a, L>),
    ket: (Pairs<'a, L>, Pairs<'a, L>),
}

impl<'a, L: Lanes, const IMAGINARY: bool> Product<'a, L, IMAGINARY> {
    #[inline(always)]
    fn of(bra: PaddedRow<'a>, ket: PaddedRow<'a>, shift: usize) -> Self {
        let count = (bra.0.len() - 2 * PAD) / (2 * WIDTH);
        Self {
            bra: (pairs::<L>(bra.0, PAD, count), pairs::<L>(bra.1, PAD, count)),
            ket: (pairs::<L>(ket.0, PAD + shift, count), pairs::<L>(ket.1, PAD + shift, count)),
        }
    }
}

impl<L: Lanes, const IMAGINARY: bool> Vectors<L> for Product<'_, L, IMAGINARY> {
    /// Re ψ*φ = aₓbₓ + a_y b_y, Im ψ*φ = aₓb_y − a_y bₓ.
    #[inline(always)]
    fn pair(self, lanes: L, k: usize) -> [L::Vector; 2] {
        let (a, b, c, d) = (self.bra.0[k], self.bra.1[k], self.ket.0[k], self.ket.1[k]);
        if IMAGINARY {
            [lanes.sub_mul(lanes.mul(a[0], d[0]), b[0], c[0]), lanes.sub_mul(lanes.mul(a[1], d[1]), b[1], c[1])]
        } else {
            [lanes.mul_add(a[0], c[0], lanes.mul(b[0], d[0])), lanes.mul_add(a[1], c[1], lanes.mul(b[1], d[1]))]
        }
    }
}

/// Writes numbers down.
#[inline(always)]
fn fill<L: Lanes>(lanes: L, cells: impl Vectors<L>, out: &mut [f64]) {
    for (k, out) in L::vectors_mut(out).as_chunks_mut().0.iter_mut().enumerate() {
        *out = cells.pair(lanes, k);
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

/// The sums of numbers with weights, some at a time; and, where SUM asks for it, their sums over the even places and
/// over the odd ones.
#[inline(always)]
fn weigh<L: Lanes, const SUM: bool>(
    lanes: L,
    weights: &[(usize, usize)],
    cells: impl Vectors<L>,
    at: (&WeightTable, Window),
    write: &mut impl FnMut(usize, [f64; 2]),
) -> [f64; 2] {
    let (first, fours) = weights.split_at(weights.len() % 4);
    let sum = match *first {
        [one, two, three] => weigh_some::<L, 3, SUM>(lanes, cells, [one, two, three], at, write),
        [one, two] => weigh_some::<L, 2, SUM>(lanes, cells, [one, two], at, write),
        [one] => weigh_some::<L, 1, SUM>(lanes, cells, [one], at, write),
        _ if SUM => weigh_some::<L, 0, SUM>(lanes, cells, [], at, write),
        _ => [0.0; 2],
    };
    for four in fours.as_chunks::<4>().0 {
        weigh_some::<L, 4, false>(lanes, cells, *four, at, write);
    }
    sum
}

/// The sums Σ weight · cell over the even places and over the odd ones with N weights.
#[inline(always)]
fn weigh_some<L: Lanes, const N: usize, const SUM: bool>(
    lanes: L,
    cells: impl Vectors<L>,
    weights: [(usize, usize); N],
    (table, window): (&WeightTable, Window),
    write: &mut impl FnMut(usize, [f64; 2]),
) -> [f64; 2] {
    let count = window.len() / (2 * WIDTH);
    let rows = weights.map(|(weight, _)| pairs::<L>(table.row(weight, window), 0, count));
    // Two sums of each hide the latency of one.
    let mut sums = [[lanes.splat(0.0); 2]; N];
    let mut all = [lanes.splat(0.0); 2];
    for k in 0..count {
        let x = cells.pair(lanes, k);
        if SUM {
            all = [lanes.add(all[0], x[0]), lanes.add(all[1], x[1])];
        }
        for (sums, row) in sums.iter_mut().zip(&rows) {
            sums[0] = lanes.mul_add(row[k][0], x[0], sums[0]);
            sums[1] = lanes.mul_add(row[k][1], x[1], sums[1]);
        }
    }
    for ((_, sum), [a, b]) in weights.into_iter().zip(sums) {
        write(sum, by_parity(L::cells(lanes.add(a, b))));
    }
    by_parity(L::cells(lanes.add(all[0], all[1])))
}

/// The same with the products of a row with itself some levels up, real and imaginary parts together.
#[inline(always)]
fn weigh_both<L: Lanes>(
    lanes: L,
    weights: &[(usize, [usize; 2])],
    products: (impl Vectors<L>, impl Vectors<L>),
    at: (&WeightTable, Window),
    write: &mut impl FnMut(usize, [f64; 2]),
) {
    let (twos, rest) = weights.as_chunks::<2>();
    for two in twos {
        weigh_both_of(lanes, *two, products, at, write);
    }
    if let [one] = *rest {
        weigh_both_of(lanes, [one], products, at, write);
    }
}

#[inline(always)]
fn weigh_both_of<L: Lanes, const N: usize>(
    lanes: L,
    weights: [(usize, [usize; 2]); N],
    (re, im): (impl Vectors<L>, impl Vectors<L>),
    (table, window): (&WeightTable, Window),
    write: &mut impl FnMut(usize, [f64; 2]),
) {
    let count = window.len() / (2 * WIDTH);
    let rows = weights.map(|(weight, _)| pairs::<L>(table.row(weight, window), 0, count));
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
    for ((_, places), sums) in weights.into_iter().zip(sums) {
        for (place, [a, b]) in places.into_iter().zip(sums) {
            write(place, by_parity(L::cells(lanes.add(a, b))));
        }
    }
}

/// Values and rates of all quantities of the columns, for ‖ψ‖² = `norm`.
#[inline(always)]
fn assemble<L: Lanes>(
    lanes: L,
    assembly: &Assembly,
    coefficients: &[f64],
    (columns, norm): (&[f64], f64),
    constants: &[f64],
    (values, rates): (&mut [f64], &mut [f64]),
) {
    let (of_decay, of_runs) = coefficients.split_at(assembly.decay.len());
    let decay: f64 = assembly.decay.iter().zip(of_decay).map(|(column, c)| c * columns[*column]).sum();
    let (per_norm, decay) = (lanes.splat(1.0 / norm), lanes.splat(decay / norm));
    let mut of_runs = L::vectors(of_runs).as_chunks::<2>().0;
    for run in &assembly.runs {
        let (own, rest) = of_runs.split_at(run.columns.len());
        of_runs = rest;
        let (mut value, mut after) = (lanes.splat(0.0), lanes.splat(0.0));
        for (column, [of_value, of_after]) in run.columns.iter().zip(own) {
            let x = lanes.splat(columns[*column]);
            value = lanes.mul_add(x, *of_value, value);
            after = lanes.mul_add(x, *of_after, after);
        }
        // A constant is not changed by jumps.
        let value = lanes.mul(per_norm, value);
        L::vectors_mut(&mut rates[run.start..])[0] = lanes.sub_mul(lanes.mul(per_norm, after), decay, value);
        L::vectors_mut(&mut values[run.start..])[0] = lanes.add(value, L::vectors(&constants[run.start..])[0]);
    }
}

#[inline(always)]
fn by_parity(cells: [f64; WIDTH]) -> [f64; 2] {
    [cells[0] + cells[2], cells[1] + cells[3]]
}
