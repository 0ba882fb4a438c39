//! The vector loops of a register: H_eff on the rows of a ket, where every row meets those that X flips its spins into.

use crate::hilbert::PAD;
use crate::hilbert::lanes::{Kernel, Lanes, WIDTH, run};
use crate::system::combine::part;
use crate::system::kernel::inside;

/// Memory that a block of rows may take: as much as stays in a cache while its rows meet each other.
const BLOCK_BYTES: usize = 2 << 20;

/// Levels of a row that are summed over its partners at a time: the sums stay in the nearest cache.
const SPAN: usize = 64;

/// Cells of such sums, real and imaginary, with pads.
const SUMS: usize = 2 * (SPAN + 2 * PAD);

/// A row and the rows that X takes it to.
#[derive(Clone, Copy)]
pub struct Partners<'a> {
    /// The row.
    pub row: usize,
    /// What X multiplies on the row itself.
    pub own: f64,
    /// Bit and strength of the flips.
    pub flips: &'a [(usize, f64)],
    /// Cells from one row to the next.
    pub width: usize,
}

impl Partners<'_> {
    /// The one row that X takes the row to, with its weight; `None` when there are several.
    pub fn single(&self) -> Option<(usize, f64)> {
        match (self.own, self.flips) {
            (own, []) => Some((self.row, own)),
            (0.0, &[(bit, strength)]) => Some((self.row ^ bit, strength)),
            _ => None,
        }
    }

    /// `out`, a multiple of two vectors long, ← the weighted sum of the cells `start` behind the beginning of every row of them.
    #[inline(always)]
    pub fn sum_vectors<L: Lanes>(&self, lanes: L, from: &[f64], start: usize, out: &mut [L::Vector]) {
        // Eight sums hide the latency of one and fit into the registers.
        let done = self.columns::<L, 8>(lanes, from, start, out, 0);
        let done = self.columns::<L, 4>(lanes, from, start, out, done);
        self.columns::<L, 2>(lanes, from, start, out, done);
    }

    /// The sums from the `done`th vector on, M of them at a time; returns how far that went.
    #[inline(always)]
    fn columns<L: Lanes, const M: usize>(
        &self,
        lanes: L,
        from: &[f64],
        start: usize,
        out: &mut [L::Vector],
        mut done: usize,
    ) -> usize {
        while done + M <= out.len() {
            let place = start + done * WIDTH;
            let cells = |row: usize| {
                let begin = row * self.width + place;
                L::vectors(&from[begin..begin + M * WIDTH]).first_chunk::<M>()
            };
            let mut sums = [lanes.splat(0.0); M];
            if let Some(x) = cells(self.row).filter(|_| self.own != 0.0) {
                sums = x.map(|x| lanes.mul(lanes.splat(self.own), x));
            }
            for &(bit, strength) in self.flips {
                let Some(x) = cells(self.row ^ bit) else { break };
                let strength = lanes.splat(strength);
                for i in 0..M {
                    sums[i] = lanes.mul_add(strength, x[i], sums[i]);
                }
            }
            out[done..done + M].copy_from_slice(&sums);
            done += M;
        }
        done
    }
}

/// H_eff of a register on one window, in units of its scale (see [`RegisterGenerator`](super::RegisterGenerator)).
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// Energy and −decay of the levels, in either class of rows.
    pub levels: [(&'a [f64], &'a [f64]); 2],
    /// The class of row 0; one spin more in |+⟩ changes it.
    pub class: usize,
    /// Energy and −decay of the rows.
    pub rows: &'a [(f64, f64)],
    /// What X multiplies on the rows themselves.
    pub own: &'a [f64],
    /// Bit and strength of the flips.
    pub flips: &'a [(usize, f64)],
    /// c_n from the level below the window to the one above.
    pub coupling: &'a [f64],
}

impl Rows<'_> {
    /// Writes the rows from `first` on, a multiple of [`Self::block`], of H_eff on `from` into `to`: (−i(E_n + E) − (D_n + D)) ψ − i (c_n φ_{n−1} + c_{n+1} φ_{n+1}),
    /// φ the weighted sum of the partners.
    pub fn apply(self, first: usize, from: &[f64], to: &mut [f64]) {
        run(Application { rows: self, first, from, to });
    }

    /// Cells of a row.
    pub fn width(&self) -> usize {
        2 * (self.coupling.len() - 1 + 2 * PAD)
    }

    /// Energy and −decay of the levels of a row.
    pub fn levels_of(&self, row: usize) -> (&[f64], &[f64]) {
        self.levels[(row.count_ones() as usize + self.class) % 2]
    }

    /// Rows whose memory stays in a cache, a power of two.
    pub fn block(&self) -> usize {
        let rows = (BLOCK_BYTES / size_of::<f64>() / self.width()).clamp(1, self.rows.len());
        1 << rows.ilog2()
    }
}

struct Application<'a> {
    rows: Rows<'a>,
    first: usize,
    from: &'a [f64],
    to: &'a mut [f64],
}

impl Kernel for Application<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        let width = self.rows.width();
        let (count, block) = (self.to.len() / width, self.rows.block());
        let (near, far) = self.rows.flips.split_at(self.rows.flips.partition_point(|(bit, _)| *bit < block));
        let mut sums = Line([0.0; SUMS]);
        for place in 0..count {
            self.row::<L, false>(lanes, place, near, &mut sums.0);
        }
        // Rows of different blocks meet where the same place of all of them is in the cache.
        if !far.is_empty() {
            for place in 0..block.min(count) {
                for place in (place..count).step_by(block) {
                    self.row::<L, true>(lanes, place, far, &mut sums.0);
                }
            }
        }
    }
}

impl Application<'_> {
    /// The row at `place` of those that are written to: all but the flips that are not among `flips`, or what `MORE` of them add.
    #[inline(always)]
    fn row<L: Lanes, const MORE: bool>(
        &mut self,
        lanes: L,
        place: usize,
        flips: &[(usize, f64)],
        sums: &mut [f64; SUMS],
    ) {
        let Rows { rows, own, coupling, .. } = self.rows;
        let (from, row, len, width) = (self.from, self.first + place, coupling.len() - 1, self.rows.width());
        let stride = width / 2;
        let partners = Partners { row, own: if MORE { 0.0 } else { own[row] }, flips, width };
        let (energy, growth) = self.rows.levels_of(row);
        let (to_re, to_im) = self.to[place * width..(place + 1) * width].split_at_mut(stride);
        let (to_re, to_im) = (inside(to_re, len), inside(to_im, len));
        let source = &from[row * width..(row + 1) * width];
        for start in (0..len).step_by(SPAN) {
            let span = SPAN.min(len - start);
            let cells = span + 2 * PAD;
            let (weight, phi) = if let Some((other, weight)) = partners.single() {
                let parts = [other * width, other * width + stride];
                (weight, parts.map(|begin| &from[begin + start..begin + start + cells]))
            } else {
                let (re, im) = sums.split_at_mut(SUMS / 2);
                partners.sum_vectors(lanes, from, start, L::vectors_mut(&mut re[..cells]));
                partners.sum_vectors(lanes, from, stride + start, L::vectors_mut(&mut im[..cells]));
                (1.0, [&re[..cells], &im[..cells]])
            };
            let levels = start..start + span;
            let span = Span {
                weight,
                levels: (&energy[levels.clone()], &growth[levels.clone()]),
                row: rows[row],
                coupling: &coupling[start..=start + span],
                from: [PAD + start, stride + PAD + start].map(|begin| &source[begin..begin + span]),
                phi,
            };
            span.apply::<L, MORE>(lanes, &mut to_re[levels.clone()], &mut to_im[levels]);
        }
    }
}

/// Begins with a cache line.
#[repr(align(64))]
struct Line<const N: usize>([f64; N]);

/// Some levels of a row.
struct Span<'a> {
    weight: f64,
    levels: (&'a [f64], &'a [f64]),
    row: (f64, f64),
    coupling: &'a [f64],
    from: [&'a [f64]; 2],
    /// With pads.
    phi: [&'a [f64]; 2],
}

impl Span<'_> {
    #[inline(always)]
    fn apply<L: Lanes, const MORE: bool>(&self, lanes: L, to_re: &mut [f64], to_im: &mut [f64]) {
        let len = to_re.len();
        let part = |cells, start| part::<L>(cells, start, len);
        let [re, im] = self.from.map(|cells| part(cells, 0));
        let [left_re, left_im] = self.phi.map(|cells| part(cells, PAD - 1));
        let [right_re, right_im] = self.phi.map(|cells| part(cells, PAD + 1));
        let (energy, growth) = (part(self.levels.0, 0), part(self.levels.1, 0));
        let (below, above) = (part(self.coupling, 0), part(self.coupling, 1));
        let (row_energy, row_growth) = (lanes.splat(self.row.0), lanes.splat(self.row.1));
        let weight = lanes.splat(self.weight);
        let (to_re, to_im) = (L::vectors_mut(to_re), L::vectors_mut(to_im));
        for k in 0..re.len() {
            let (a, b) = if MORE {
                (to_re[k], to_im[k])
            } else {
                let (e, d) = (lanes.add(energy[k], row_energy), lanes.add(growth[k], row_growth));
                (lanes.mul_add(e, im[k], lanes.mul(d, re[k])), lanes.sub_mul(lanes.mul(d, im[k]), e, re[k]))
            };
            let (l, r) = (lanes.mul(weight, below[k]), lanes.mul(weight, above[k]));
            to_re[k] = lanes.mul_add(l, left_im[k], lanes.mul_add(r, right_im[k], a));
            to_im[k] = lanes.sub_mul(lanes.sub_mul(b, r, right_re[k]), l, left_re[k]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PAD, Rows};

    /// Numbers between −½ and ½ without a pattern.
    fn arbitrary(count: usize, mut noise: f64) -> Vec<f64> {
        let mut next = || {
            noise = (noise * 997.0 + 0.123).fract();
            noise - 0.5
        };
        (0..count).map(|_| next()).collect()
    }

    /// H_eff on one row, level by level, as the documentation of [`Rows::apply`] has it.
    fn directly(rows: &Rows, row: usize, from: &[f64]) -> Vec<[f64; 2]> {
        let (stride, len) = (rows.width() / 2, rows.coupling.len() - 1);
        let (energy, growth) = rows.levels[(row.count_ones() as usize + rows.class) % 2];
        let cell = |row: usize, part: usize, place: usize| from[(2 * row + part) * stride + place];
        let phi = |part: usize, place: usize| {
            let flipped: f64 = rows.flips.iter().map(|(bit, weight)| weight * cell(row ^ bit, part, place)).sum();
            rows.own[row] * cell(row, part, place) + flipped
        };
        let level = |j: usize| {
            let place = PAD + j;
            let (e, d) = (energy[j] + rows.rows[row].0, growth[j] + rows.rows[row].1);
            let (below, above) = (rows.coupling[j], rows.coupling[j + 1]);
            let met = |part: usize| below * phi(part, place - 1) + above * phi(part, place + 1);
            let (re, im) = (cell(row, 0, place), cell(row, 1, place));
            [d * re + e * im + met(1), d * im - e * re - met(0)]
        };
        (0..len).map(level).collect()
    }

    /// Rows so long that a block has four of sixteen.
    #[test]
    fn blocks_of_rows_meet_as_the_sum_says() {
        const LEN: usize = 16_392;
        let tables: [_; 4] = std::array::from_fn(|i| arbitrary(LEN, 0.1 + 0.2 * i as f64));
        let (coupling, own) = (arbitrary(LEN + 1, 0.7), arbitrary(16, 0.4));
        let [energies, growths] = [0.2, 0.6].map(|noise| arbitrary(16, noise));
        let pairs: Vec<_> = energies.into_iter().zip(growths).collect();
        let mut from = arbitrary(16 * 2 * (LEN + 2 * PAD), 0.3);
        for part in from.chunks_exact_mut(LEN + 2 * PAD) {
            part[..PAD].fill(0.0);
            part[PAD + LEN..].fill(0.0);
        }
        let all = [(1, 0.3), (2, -0.7), (4, 0.9), (8, -0.4)];
        for (flips, own) in [(&all[..], &own[..]), (&all, &[0.0; 16]), (&all[2..], &own), (&all[3..], &[0.0; 16])] {
            let levels = [(&tables[0][..], &tables[1][..]), (&tables[2], &tables[3])];
            let rows = Rows { levels, class: 1, rows: &pairs, own, flips, coupling: &coupling };
            let (width, block) = (rows.width(), rows.block());
            assert_eq!(block, 4);
            let mut whole = vec![f64::NAN; from.len()];
            rows.apply(0, &from, &mut whole);
            let mut worst = 0.0f64;
            for (row, to) in whole.chunks_exact(width).enumerate() {
                let (re, im) = to.split_at(width / 2);
                let found = re[PAD..].iter().zip(&im[PAD..]);
                for ([x, y], (re, im)) in directly(&rows, row, &from).into_iter().zip(found) {
                    worst = worst.max((x - re).abs()).max((y - im).abs());
                }
            }
            assert!(worst < 1e-14, "{flips:?}: {worst}");
            // Block by block it comes out the same.
            let mut pieces = vec![f64::NAN; from.len()];
            for (piece, to) in pieces.chunks_exact_mut(block * width).enumerate() {
                rows.apply(piece * block, &from, to);
            }
            assert!(pieces == whole, "{flips:?}");
        }
    }
}
