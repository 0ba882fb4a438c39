//! H_eff of a register in a rotating or in a moving frame, all of it in one vector loop: kets there are often small.

use super::kernel::{Partners, Rows};
use crate::hilbert::lanes::{Kernel, Lanes, run};
use crate::hilbert::{LANES, PAD};
use crate::system::Turned;
use crate::system::combine::part;
use crate::system::kernel::inside;

/// Amplitudes taken together: few enough for what turns to stay in the cache, enough for long strides through memory;
/// one vector of levels at least, however many rows.
const CHUNK: usize = 4096;

/// H_eff on all rows where a† and a take the two parts of what is turned, c + id and c − id.
pub struct Turning<'a> {
    /// The rows.
    pub rows: Rows<'a>,
    /// What the moving frame adds, −i w (x c + y d): (x, y).
    pub drive: Option<(f64, f64)>,
    /// What turns.
    pub turned: &'a Turned<'a>,
    /// The ket.
    pub from: &'a [f64],
    /// H_eff on it.
    pub to: &'a mut [f64],
    /// Memory for c and d of all rows on a chunk of levels, and of a sum of rows.
    pub scratch: &'a mut Vec<f64>,
}

impl Turning<'_> {
    /// Does it.
    pub fn apply(self) {
        run(self);
    }
}

impl Kernel for Turning<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { rows, drive, turned, from, to, scratch } = self;
        let (width, count) = (rows.width(), rows.rows.len());
        let (stride, len) = (width / 2, width / 2 - 2 * PAD);
        let most = (CHUNK / count).max(1).next_multiple_of(LANES).min(len);
        scratch.resize((count + 1) * 4 * (most + 2 * PAD), 0.0);
        for part in to.chunks_exact_mut(stride) {
            inside(part, len);
        }
        for start in (0..len).step_by(most) {
            let levels = start..len.min(start + most);
            let cells = levels.len() + 2 * PAD;
            let (sum, parts) = scratch.split_at_mut(4 * cells);
            for (row, parts) in parts.chunks_exact_mut(4 * cells).enumerate().take(count) {
                let (c, d) = parts.split_at_mut(2 * cells);
                for part in 0..2 {
                    let begin = row * width + part * stride + start;
                    let place = part * cells..(part + 1) * cells;
                    turned.parts(lanes, begin..begin + cells, &mut c[place.clone()], &mut d[place]);
                }
            }
            for (row, to) in to.chunks_exact_mut(width).enumerate() {
                let partners = Partners { row, own: rows.own[row], flips: rows.flips, width: 4 * cells };
                let (weight, phi) = match partners.single() {
                    Some((other, weight)) => (weight, &parts[other * 4 * cells..(other + 1) * 4 * cells]),
                    None => {
                        partners.sum_vectors(lanes, parts, 0, L::vectors_mut(sum));
                        (1.0, &sum[..])
                    }
                };
                let source = &from[row * width..(row + 1) * width];
                let (energy, growth) = rows.levels_of(row);
                let inside = PAD + start..PAD + levels.end;
                let span = Span {
                    weight,
                    drive,
                    levels: (&energy[levels.clone()], &growth[levels.clone()]),
                    row: rows.rows[row],
                    coupling: &rows.coupling[start..=levels.end],
                    from: [&source[inside.clone()], &source[stride..][inside.clone()]],
                    parts: std::array::from_fn(|i| &phi[i * cells..(i + 1) * cells]),
                };
                let (re, im) = to.split_at_mut(stride);
                span.apply(lanes, &mut re[inside.clone()], &mut im[inside]);
            }
        }
    }
}

/// Some levels of a row.
struct Span<'a> {
    weight: f64,
    drive: Option<(f64, f64)>,
    levels: (&'a [f64], &'a [f64]),
    row: (f64, f64),
    coupling: &'a [f64],
    from: [&'a [f64]; 2],
    /// c and d, real and imaginary, with pads.
    parts: [&'a [f64]; 4],
}

impl Span<'_> {
    #[inline(always)]
    fn apply<L: Lanes>(&self, lanes: L, to_re: &mut [f64], to_im: &mut [f64]) {
        let len = to_re.len();
        let part = |cells, start| part::<L>(cells, start, len);
        let [re, im] = self.from.map(|cells| part(cells, 0));
        let [below_c_re, below_c_im, below_d_re, below_d_im] = self.parts.map(|cells| part(cells, PAD - 1));
        let [c_re, c_im, d_re, d_im] = self.parts.map(|cells| part(cells, PAD));
        let [above_c_re, above_c_im, above_d_re, above_d_im] = self.parts.map(|cells| part(cells, PAD + 1));
        let (energy, growth) = (part(self.levels.0, 0), part(self.levels.1, 0));
        let (below, above) = (part(self.coupling, 0), part(self.coupling, 1));
        let (row_energy, row_growth) = (lanes.splat(self.row.0), lanes.splat(self.row.1));
        let weight = lanes.splat(self.weight);
        let drive = self.drive.map(|(x, y)| (lanes.splat(self.weight * x), lanes.splat(self.weight * y)));
        let (to_re, to_im) = (L::vectors_mut(to_re), L::vectors_mut(to_im));
        for k in 0..re.len() {
            let (e, d) = (lanes.add(energy[k], row_energy), lanes.add(growth[k], row_growth));
            let (l, r) = (lanes.mul(weight, below[k]), lanes.mul(weight, above[k]));
            let a = lanes.mul_add(e, im[k], lanes.mul(d, re[k]));
            let b = lanes.sub_mul(lanes.mul(d, im[k]), e, re[k]);
            let (left_re, left_im) = (lanes.sub(below_c_re[k], below_d_im[k]), lanes.add(below_c_im[k], below_d_re[k]));
            let (right_re, right_im) =
                (lanes.add(above_c_re[k], above_d_im[k]), lanes.sub(above_c_im[k], above_d_re[k]));
            let mut out_re = lanes.mul_add(l, left_im, lanes.mul_add(r, right_im, a));
            let mut out_im = lanes.sub_mul(lanes.sub_mul(b, r, right_re), l, left_re);
            if let Some((x, y)) = drive {
                out_re = lanes.mul_add(x, c_im[k], lanes.mul_add(y, d_im[k], out_re));
                out_im = lanes.sub_mul(lanes.sub_mul(out_im, y, d_re[k]), x, c_re[k]);
            }
            (to_re[k], to_im[k]) = (out_re, out_im);
        }
    }
}
