//! H_eff of a register on one window, in the laboratory's frame, in a rotating or in a moving one.

use num_complex::Complex64;

use super::Register;
use super::kernel::Rows;
use super::turning::Turning;
use crate::hilbert::{Window, in_pieces};
use crate::system::quadratic_kernel::Squeezing;
use crate::system::{Generator, MovingFrame, Turned};

/// How much an application costs in a rotating frame, about, relative to one in the laboratory's.
const TURNING_COST: f64 = 4.0;

/// Tables of H_eff on one window, in units of `scale`.
///
/// On wide windows Ω₀N alone would set the scale; it is then left out, in a rotating frame. So it is in a moving frame, whose
/// drive 2 Re α(t) S turns at the same frequency.
#[derive(Debug, Clone)]
pub struct RegisterGenerator {
    window: Window,
    scale: f64,
    mean_decay: f64,
    /// Energy and −decay of the levels, in either class of rows (see [`super::parity`]).
    levels: [(Vec<f64>, Vec<f64>); 2],
    /// Energy and −decay of the rows.
    rows: Vec<(f64, f64)>,
    /// What X multiplies on the rows themselves.
    own: Vec<f64>,
    flips: Vec<(usize, f64)>,
    /// √n/scale between window levels j − 1 and j; the first and the last lead out of the window.
    coupling: Vec<f64>,
    coupling_norm: f64,
    squeeze: Option<Squeeze>,
    rotation: f64,
    drive: Option<Drive>,
    /// In a rotating frame: memory for what turns.
    turned: Vec<f64>,
}

/// 2 Re α(t+s) = 2 Re α(t) cos Ωs + 2 Im α(t) sin Ωs: the c and d of what turns, times these.
#[derive(Debug, Clone)]
struct Drive {
    frame: MovingFrame,
    /// 2 Re α and 2 Im α at the beginning of the step, in units of the scale.
    now: (f64, f64),
}

/// −½ Σ (u*v a†² + u v* a²) of the jumps that are linear in a and a†.
#[derive(Debug, Clone)]
struct Squeeze {
    up: (f64, f64),
    down: (f64, f64),
    /// √(n(n−1))/scale from window level j − 2 to j, for j up to len + 1.
    band: Vec<f64>,
}

impl RegisterGenerator {
    /// The tables of `system` on `window`.
    pub(super) fn new(system: &Register, window: Window) -> Self {
        let (lo, live) = (window.lo(), window.live(system.cutoff));
        let decay_at = |j: usize| -> f64 {
            0.5 * system.oscillator_jumps().map(|(rate, jump)| rate * jump.decay(lo + j, system.cutoff)).sum::<f64>()
        };
        let mut decay: Vec<f64> = (0..live).map(decay_at).collect();
        let mut energy: Vec<f64> = (0..live).map(|j| system.frequency * (lo + j) as f64).collect();
        let (rows, tied) = system.layout_terms();
        let (mut row_energy, mut row_decay): (Vec<f64>, Vec<f64>) = rows.into_iter().unzip();
        // Levels and rows have centres of their own; only the decay's matter, the energy's is a phase.
        let [(_, level_width), (_, row_width)] = [centre(&mut energy), centre(&mut row_energy)];
        let [(level_decay, level_decay_width), (own_decay, row_decay_width)] =
            [centre(&mut decay), centre(&mut row_decay)];
        let half_width = [tied.0.abs() + row_width, tied.1.abs() + level_decay_width + row_decay_width];

        let [mut coupling, mut band] = bands(window, system);
        let (mut up, mut down) = (Complex64::ZERO, Complex64::ZERO);
        for (rate, jump) in system.oscillator_jumps() {
            up -= 0.5 * rate * jump.squeezing();
            down -= 0.5 * rate * jump.squeezing().conj();
        }
        let squeezes = up != Complex64::ZERO || down != Complex64::ZERO;
        let highest = |table: &[f64]| table[..live].last().copied().unwrap_or(0.0);
        let drive = system.frame.as_ref().map_or(0.0, |frame| frame.at(0.0).norm());
        let others =
            2.0 * system.coupling_norm() * (highest(&coupling) + drive) + (up.norm() + down.norm()) * highest(&band);
        let mut scale = (half_width[0] + level_width).hypot(half_width[1]) + others;
        // Ω as well: what turns is a power series, too.
        let turning = half_width[0].hypot(half_width[1]) + others + system.frequency.abs();
        let rotates = system.frame.is_some() || !squeezes && scale > TURNING_COST * turning;
        if rotates {
            scale = turning;
            energy.fill(0.0);
        }
        for table in [&mut coupling, &mut band] {
            table.iter_mut().for_each(|x| *x /= scale);
        }
        let class = |class: usize| {
            (class_column(window, class, &energy, tied.0, scale), class_column(window, class, &decay, tied.1, -scale))
        };
        let rows: Vec<_> = row_energy.iter().zip(&row_decay).map(|(e, d)| (e / scale, -d / scale)).collect();
        Self {
            window,
            scale,
            mean_decay: level_decay + own_decay,
            levels: [class(0), class(1)],
            own: (0..rows.len()).map(|row| system.own(row)).collect(),
            rows,
            flips: system.partners().to_vec(),
            coupling,
            coupling_norm: system.coupling_norm(),
            squeeze: squeezes.then_some(Squeeze { up: (up.re, up.im), down: (down.re, down.im), band }),
            rotation: if rotates { system.frequency } else { 0.0 },
            drive: system.frame.map(|frame| Drive { frame, now: (0.0, 0.0) }),
            turned: Vec::new(),
        }
    }
}

/// Moves values so that the middle of their range is 0; where it was, and half the range.
fn centre(values: &mut [f64]) -> (f64, f64) {
    let range = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = values.iter().fold(range, |(low, high), x| (low.min(*x), high.max(*x)));
    values.iter_mut().for_each(|x| *x -= 0.5 * (low + high));
    (0.5 * (low + high), 0.5 * (high - low))
}

/// ⟨n−1|a|n⟩ and ⟨n−2|a²|n⟩ from the window's first level on, zero from a cutoff on.
fn bands(window: Window, system: &Register) -> [Vec<f64>; 2] {
    let (len, live) = (window.len(), window.live(system.cutoff));
    let level = |j: usize| (window.lo() + j) as f64;
    let mut coupling: Vec<f64> = (0..=len).map(|j| level(j).sqrt()).collect();
    let mut band: Vec<f64> = (0..len + 2).map(|j| (level(j) * (level(j) - 1.0)).max(0.0).sqrt()).collect();
    if window.at_cutoff(system.cutoff) || live < len {
        coupling[live..].fill(0.0);
        band[live..].fill(0.0);
    }
    [coupling, band]
}

/// What stands on the diagonal of a row of this class, level by level, with ± `tied` of the spin that has no rows.
fn class_column(window: Window, class: usize, levels: &[f64], tied: f64, scale: f64) -> Vec<f64> {
    let sign = |j: usize| if (window.lo() + j + class) % 2 == 1 { 1.0 } else { -1.0 };
    let mut column: Vec<f64> = levels.iter().enumerate().map(|(j, x)| (x + sign(j) * tied) / scale).collect();
    column.resize(window.len(), 0.0);
    column
}

impl Generator for RegisterGenerator {
    fn window(&self) -> Window {
        self.window
    }

    fn scale(&self) -> f64 {
        self.scale
    }

    fn mean_decay(&self) -> f64 {
        self.mean_decay
    }

    fn begin_step(&mut self, time: f64) {
        if let Some(drive) = &mut self.drive {
            let twice = 2.0 * drive.frame.at(time) / self.scale;
            drive.now = (twice.re, twice.im);
        }
    }

    fn apply(&mut self, sector: usize, from: &[f64], turned: Option<&Turned>, to: &mut [f64]) {
        let rows = Rows {
            levels: self.levels.each_ref().map(|(energy, growth)| (&energy[..], &growth[..])),
            class: sector,
            rows: &self.rows,
            own: &self.own,
            flips: &self.flips,
            coupling: &self.coupling,
        };
        if let Some(turned) = turned {
            let drive = self.drive.as_ref().map(|drive| drive.now);
            Turning { rows, drive, turned, from, to, scratch: &mut self.turned }.apply();
            return;
        }
        let width = rows.width();
        in_pieces([to], width, &|start, [to]| {
            rows.apply(start / width, from, to);
            if let Some(Squeeze { up, down, band }) = &self.squeeze {
                for (from, to) in from[start..].chunks_exact(width).zip(to.chunks_exact_mut(width)) {
                    Squeezing { band, up: *up, down: *down }.add(from, to);
                }
            }
        });
    }

    fn rotation(&self) -> f64 {
        self.rotation
    }

    fn leak(&self) -> [f64; 2] {
        let len = self.window.len();
        let (mut below, mut above) = (self.coupling[0], self.coupling[len]);
        below *= self.coupling_norm;
        above *= self.coupling_norm;
        if let Some(squeeze) = &self.squeeze {
            below += squeeze.down.0.hypot(squeeze.down.1) * squeeze.band[1];
            above += squeeze.up.0.hypot(squeeze.up.1) * squeeze.band[len + 1];
        }
        [below, above]
    }

    fn reach(&self) -> usize {
        if self.squeeze.is_some() { 2 } else { 1 }
    }
}
