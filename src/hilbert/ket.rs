//! A ket in split real and imaginary rows over the active Fock window.

use super::lanes::{Kernel, Lanes, WIDTH, run};
use super::{Cells, Window};

/// Zero cells kept on both sides of every row, so that stencils over n need no branch at the edges.
pub const PAD: usize = 4;

/// Amplitudes ⟨n, s|ψ⟩ for the levels n of a window and the spin rows s.
///
/// Row s of a register of K spins is the product state whose bit i is set when spin i is in |+⟩ (2^K rows). Where kets have
/// definite parity the last spin follows from the level, the row and the `sector`: half the rows, one for a chain. Memory: row by row, real part then
/// imaginary part, each with [`PAD`] zeros on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Ket {
    window: Window,
    rows: usize,
    /// Parity label of a chain, or of a register whose kets have definite parity (0 or 1); 0 otherwise.
    pub sector: usize,
    data: Cells,
}

impl Ket {
    /// The zero vector.
    pub fn zeros(window: Window, rows: usize) -> Self {
        let mut ket = Self { window, rows, sector: 0, data: Cells::default() };
        ket.reset(window, 0);
        ket
    }

    /// Becomes the zero vector on `window`, keeping the allocation.
    pub fn reset(&mut self, window: Window, sector: usize) {
        self.window = window;
        self.sector = sector;
        let stride = self.stride();
        self.data.set_zero(2 * self.rows * stride);
    }

    /// Takes the form of `other`, whatever is in it then: whoever asks writes all of it, pads included.
    pub fn take_form(&mut self, other: &Ket) {
        (self.window, self.rows, self.sector) = (other.window, other.rows, other.sector);
        self.data.set_len(other.data.len());
    }

    /// The Fock window.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Number of spin rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Cells from one part of a row to the next.
    pub fn stride(&self) -> usize {
        self.window.len() + 2 * PAD
    }

    /// All cells, pads included.
    pub fn data(&self) -> &[f64] {
        &self.data
    }

    /// All cells; whoever writes must leave the pads zero.
    pub fn data_mut(&mut self) -> &mut [f64] {
        &mut self.data
    }

    /// Real and imaginary parts of row `row`, level `lo` first.
    pub fn row(&self, row: usize) -> (&[f64], &[f64]) {
        let (stride, len) = (self.stride(), self.window.len());
        let start = 2 * row * stride + PAD;
        (&self.data[start..start + len], &self.data[start + stride..start + stride + len])
    }

    /// Real and imaginary parts of row `row` with their pads.
    pub fn padded_row(&self, row: usize) -> (&[f64], &[f64]) {
        let stride = self.stride();
        self.data[2 * row * stride..2 * (row + 1) * stride].split_at(stride)
    }

    /// Mutable real and imaginary parts of row `row`.
    pub fn row_mut(&mut self, row: usize) -> (&mut [f64], &mut [f64]) {
        let (stride, len) = (self.stride(), self.window.len());
        let (re, im) = self.data[2 * row * stride..2 * (row + 1) * stride].split_at_mut(stride);
        (&mut re[PAD..PAD + len], &mut im[PAD..PAD + len])
    }

    /// Two different rows at once, `from` read and `to` written: ((re, im), (re, im)).
    #[expect(clippy::type_complexity, reason = "two rows of two parts each")]
    pub fn row_pair_mut(&mut self, from: usize, to: usize) -> ((&mut [f64], &mut [f64]), (&mut [f64], &mut [f64])) {
        let (stride, len) = (self.stride(), self.window.len());
        let (low, high) = (from.min(to), from.max(to));
        let (head, tail) = self.data.split_at_mut(2 * high * stride);
        let (a_re, a_im) = head[2 * low * stride..2 * (low + 1) * stride].split_at_mut(stride);
        let (b_re, b_im) = tail[..2 * stride].split_at_mut(stride);
        let a = (&mut a_re[PAD..PAD + len], &mut a_im[PAD..PAD + len]);
        let b = (&mut b_re[PAD..PAD + len], &mut b_im[PAD..PAD + len]);
        if from < to { (a, b) } else { (b, a) }
    }

    /// ‖ψ‖².
    pub fn norm_squared(&self) -> f64 {
        norm_squared(&self.data)
    }

    /// ψ ← `factor` ψ.
    pub fn scale(&mut self, factor: f64) {
        run(Scale { factor, cells: &mut self.data });
    }

    /// ψ ← e^{−iφ(N − n_lo)} ψ for φ = `angle`.
    pub fn turn(&mut self, angle: f64) {
        for row in 0..self.rows {
            let (re, im) = self.row_mut(row);
            run(Turn { angle, re, im });
        }
    }

    /// Moves the ket to another window: levels outside are dropped, new ones are empty. `scratch` lends memory.
    pub fn rewindow(&mut self, window: Window, scratch: &mut Ket) {
        if window == self.window {
            return;
        }
        scratch.rows = self.rows;
        scratch.reset(window, self.sector);
        let lo = window.lo().max(self.window.lo());
        let hi = window.hi().min(self.window.hi());
        if lo < hi {
            for row in 0..self.rows {
                let (re, im) = self.row(row);
                let from = lo - self.window.lo()..hi - self.window.lo();
                let to = lo - window.lo()..hi - window.lo();
                let (new_re, new_im) = scratch.row_mut(row);
                new_re[to.clone()].copy_from_slice(&re[from.clone()]);
                new_im[to].copy_from_slice(&im[from]);
            }
        }
        std::mem::swap(self, scratch);
    }

    /// Copies another ket of the same system, keeping the allocation.
    pub fn copy_from(&mut self, other: &Ket) {
        self.take_form(other);
        self.data.copy_from_slice(&other.data);
    }

    /// Population Σ_s |⟨n, s|ψ⟩|² of the level at index `level` of the window.
    pub fn level_population(&self, level: usize) -> f64 {
        (0..self.rows)
            .map(|row| {
                let (re, im) = self.row(row);
                re[level] * re[level] + im[level] * im[level]
            })
            .sum()
    }
}

/// Σx² of cells that come in eights.
pub fn norm_squared(cells: &[f64]) -> f64 {
    run(NormSquared { cells })
}

struct NormSquared<'a> {
    cells: &'a [f64],
}

impl Kernel for NormSquared<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> f64 {
        let (fours, rest) = L::vectors(self.cells).as_chunks::<4>();
        let mut sums = [lanes.splat(0.0); 4];
        for x in fours {
            for i in 0..4 {
                sums[i] = lanes.mul_add(x[i], x[i], sums[i]);
            }
        }
        for x in rest {
            sums[0] = lanes.mul_add(*x, *x, sums[0]);
        }
        let [a, b, c, d] = sums;
        let cells = L::cells(lanes.add(lanes.add(a, b), lanes.add(c, d)));
        (cells[0] + cells[1]) + (cells[2] + cells[3])
    }
}

struct Turn<'a> {
    angle: f64,
    re: &'a mut [f64],
    im: &'a mut [f64],
}

/// Vectors whose phases follow from each other before they are computed afresh.
const PHASES: usize = 32;

impl Kernel for Turn<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let phase = |level: f64| (-self.angle * level).sin_cos();
        let (s, c) = phase(WIDTH as f64);
        let (step_im, step_re) = (lanes.splat(s), lanes.splat(c));
        let parts = L::vectors_mut(self.re).chunks_mut(PHASES).zip(L::vectors_mut(self.im).chunks_mut(PHASES));
        for (chunk, (re, im)) in parts.enumerate() {
            let first: [(f64, f64); WIDTH] = std::array::from_fn(|lane| phase((chunk * PHASES * WIDTH + lane) as f64));
            let (mut z_im, mut z_re) = (L::pack(first.map(|p| p.0)), L::pack(first.map(|p| p.1)));
            for (re, im) in re.iter_mut().zip(im) {
                let (x, y) = (*re, *im);
                *re = lanes.sub_mul(lanes.mul(x, z_re), y, z_im);
                *im = lanes.mul_add(x, z_im, lanes.mul(y, z_re));
                let turned = lanes.sub_mul(lanes.mul(z_re, step_re), z_im, step_im);
                z_im = lanes.mul_add(z_re, step_im, lanes.mul(z_im, step_re));
                z_re = turned;
            }
        }
    }
}

struct Scale<'a> {
    factor: f64,
    cells: &'a mut [f64],
}

impl Kernel for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let factor = lanes.splat(self.factor);
        for x in L::vectors_mut(self.cells) {
            *x = lanes.mul(factor, *x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewindowing_keeps_the_levels_both_windows_hold() {
        let mut ket = Ket::zeros(Window::around(4, 12), 2);
        for row in 0..2 {
            let (re, im) = ket.row_mut(row);
            for j in 0..8 {
                re[j] = (10 * row + j) as f64;
                im[j] = -re[j];
            }
        }
        let mut scratch = Ket::zeros(Window::around(0, 8), 1);
        ket.rewindow(Window::around(8, 24), &mut scratch);
        assert_eq!(ket.row(1).0[..5], [14.0, 15.0, 16.0, 17.0, 0.0]);
        assert_eq!(ket.row(0).1[..4], [-4.0, -5.0, -6.0, -7.0]);
        ket.rewindow(Window::around(0, 12), &mut scratch);
        assert_eq!(ket.row(0).0[8..12], [4.0, 5.0, 6.0, 7.0]);
        assert_eq!(ket.level_population(8), 2.0 * (16.0 + 14.0 * 14.0));
    }
}
