//! Jump operators of the oscillator alone: what they do to a level, their weight and their action on a ket.

use num_complex::Complex64;

use super::expectation::{lowering_twice, number_moments};
use crate::hilbert::{Cutoff, Ket, LANES};
use crate::operator::{Band, Factor, Operator};

/// A jump operator of the oscillator alone, without its rate.
///
/// It keeps the parity (−1)^N or reverses it. What leads above a cutoff is cut, as in H_eff.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OscillatorJump {
    /// u a + v a†.
    Linear {
        /// Coefficient u of a.
        lower: Complex64,
        /// Coefficient v of a†.
        raise: Complex64,
    },
    /// a†^p a^q: N for p = q = 1, which dephases the oscillator.
    Powers {
        /// The power p of a†.
        raise: u32,
        /// The power q of a.
        lower: u32,
    },
}

/// Share of ‖ψ‖² at an edge of the window from which a jump may carry nothing away.
const EMPTY: f64 = 1e-24;

impl OscillatorJump {
    /// The form that an operator of the first part has here, if any.
    pub fn of(operator: &Operator) -> Option<Self> {
        let mut bands = Vec::new();
        for (word, c) in operator.terms() {
            let mut factors = word.factors();
            match (factors.next(), factors.next()) {
                (Some((0, Factor::Band(band))), None) if *band == Band::ladder(band.raise, band.lower) => {
                    bands.push(([band.raise, band.lower], c));
                }
                _ => return None,
            }
        }
        if let [([raise, lower], c)] = bands[..]
            && raise + lower > 1
        {
            return (c == Complex64::ONE).then_some(Self::Powers { raise, lower });
        }
        let (mut lower, mut raise) = (Complex64::ZERO, Complex64::ZERO);
        for (powers, c) in bands {
            match powers {
                [0, 1] => lower = c,
                [1, 0] => raise = c,
                _ => return None,
            }
        }
        Some(Self::Linear { lower, raise })
    }

    /// Whether it reverses the parity (−1)^N of a ket that has one.
    pub fn reverses_parity(self) -> bool {
        match self {
            Self::Linear { .. } => true,
            Self::Powers { raise, lower } => raise.abs_diff(lower) % 2 == 1,
        }
    }

    /// ‖L|n⟩‖².
    pub fn decay(self, n: usize, cutoff: Cutoff) -> f64 {
        let level = n as f64;
        match self {
            Self::Linear { lower, raise } => {
                let room = if cutoff.holds(n + 1) { level + 1.0 } else { 0.0 };
                lower.norm_sqr() * level + raise.norm_sqr() * room
            }
            Self::Powers { raise, lower } => amplitude(n, raise, lower, cutoff).map_or(0.0, |(_, a)| a * a),
        }
    }

    /// u*v of L†L = … + u*v a†² + uv* a²: what couples levels two apart in H_eff.
    pub fn squeezing(self) -> Complex64 {
        match self {
            Self::Linear { lower, raise } => lower.conj() * raise,
            Self::Powers { .. } => Complex64::ZERO,
        }
    }

    /// ‖Lψ‖²; of u a + v a† it is |u|²⟨N⟩ + |v|²⟨N+1⟩ + 2 Re(u* v ⟨a²⟩*), a† cut at the highest level.
    pub fn weight(self, ket: &Ket, cutoff: Cutoff) -> f64 {
        match self {
            Self::Linear { lower, raise } => linear_weight(ket, lower, raise, cutoff),
            Self::Powers { raise: 1, lower: 1 } => number_moments(ket).second,
            Self::Powers { .. } => {
                let window = ket.window();
                let of = |j: usize| self.decay(window.lo() + j, cutoff) * ket.level_population(j);
                (0..window.live(cutoff)).map(of).sum()
            }
        }
    }

    /// ψ ← Lψ, in a window widened where the operator would carry amplitude out of it; `scratch` lends memory.
    pub fn apply(self, ket: &mut Ket, scratch: &mut Ket, cutoff: Cutoff) {
        match self {
            Self::Linear { lower, raise } => {
                let [below, above] = [lower, raise].map(|c| usize::from(c != Complex64::ZERO));
                make_room(ket, scratch, below, above, cutoff);
                apply_linear(ket, scratch, lower, raise, cutoff);
            }
            Self::Powers { raise, lower } => {
                make_room(
                    ket,
                    scratch,
                    lower.saturating_sub(raise) as usize,
                    raise.saturating_sub(lower) as usize,
                    cutoff,
                );
                apply_powers(ket, scratch, raise, lower, cutoff);
            }
        }
    }
}

fn linear_weight(ket: &Ket, lower: Complex64, raise: Complex64, cutoff: Cutoff) -> f64 {
    let moments = number_moments(ket);
    let mut weight = lower.norm_sqr() * moments.first;
    if raise != Complex64::ZERO {
        let mut raised = moments.first + moments.norm;
        if let Cutoff::Levels(levels) = cutoff {
            let (window, top) = (ket.window(), levels - 1);
            if (window.lo()..window.hi()).contains(&top) {
                raised -= levels as f64 * ket.level_population(top - window.lo());
            }
        }
        weight += raise.norm_sqr() * raised;
        if lower != Complex64::ZERO {
            weight += 2.0 * (lower.conj() * raise * lowering_twice(ket).conj()).re;
        }
    }
    weight.max(0.0)
}

/// Widens the window where one of the lowest `below` or of the highest `above` levels is not empty.
fn make_room(ket: &mut Ket, scratch: &mut Ket, below: usize, above: usize, cutoff: Cutoff) {
    let empty = EMPTY * ket.norm_squared();
    let live = ket.window().live(cutoff);
    let filled = |j: usize| ket.level_population(j) > empty;
    let below = if (0..below.min(live)).any(filled) { below } else { 0 };
    let above = if (live.saturating_sub(above)..live).any(filled) { above } else { 0 };
    if below + above > 0 {
        let step = |needed: usize| needed.next_multiple_of(LANES);
        ket.rewindow(ket.window().grown(step(below), step(above), cutoff), scratch);
    }
}

fn apply_linear(ket: &mut Ket, scratch: &mut Ket, lower: Complex64, raise: Complex64, cutoff: Cutoff) {
    scratch.copy_from(ket);
    let window = ket.window();
    let (lo, live) = (window.lo(), window.live(cutoff));
    for row in 0..ket.rows() {
        let (from_re, from_im) = scratch.row(row);
        let (re, im) = ket.row_mut(row);
        for j in 0..window.len() {
            let mut sum = Complex64::ZERO;
            if j < live {
                if j + 1 < live {
                    sum += lower * ((lo + j + 1) as f64).sqrt() * Complex64::new(from_re[j + 1], from_im[j + 1]);
                }
                if j > 0 {
                    sum += raise * ((lo + j) as f64).sqrt() * Complex64::new(from_re[j - 1], from_im[j - 1]);
                }
            }
            (re[j], im[j]) = (sum.re, sum.im);
        }
    }
}

fn apply_powers(ket: &mut Ket, scratch: &mut Ket, raise: u32, lower: u32, cutoff: Cutoff) {
    scratch.copy_from(ket);
    let window = ket.window();
    let elements: Vec<(usize, usize, f64)> = (0..window.live(cutoff))
        .filter_map(|j| amplitude(window.lo() + j, raise, lower, cutoff).map(|(end, a)| (j, end, a)))
        .filter_map(|(j, end, a)| end.checked_sub(window.lo()).map(|to| (j, to, a)))
        .filter(|(_, to, _)| *to < window.len())
        .collect();
    for row in 0..ket.rows() {
        let (from_re, from_im) = scratch.row(row);
        let (re, im) = ket.row_mut(row);
        re.fill(0.0);
        im.fill(0.0);
        for &(from, to, a) in &elements {
            (re[to], im[to]) = (a * from_re[from], a * from_im[from]);
        }
    }
}

/// The level that a†^p a^q makes of |n⟩, and its amplitude; `None` below the vacuum and where a cutoff ends.
fn amplitude(n: usize, raise: u32, lower: u32, cutoff: Cutoff) -> Option<(usize, f64)> {
    let middle = n.checked_sub(lower as usize)?;
    let end = middle + raise as usize;
    if !cutoff.holds(end) {
        return None;
    }
    // Squares of the amplitudes of a^q and of a†^p: both are the same, and whole numbers, where the level stays.
    let product = |above: usize| (middle + 1..=above).fold(1.0, |product, k| product * k as f64);
    let (falling, rising) = (product(n), product(end));
    Some((end, if n == end { falling } else { (falling * rising).sqrt() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hilbert::Window;

    const JUMPS: [OscillatorJump; 6] = [
        OscillatorJump::Linear { lower: Complex64::new(0.3, -0.7), raise: Complex64::new(0.4, 0.2) },
        OscillatorJump::Powers { raise: 1, lower: 1 },
        OscillatorJump::Powers { raise: 2, lower: 2 },
        OscillatorJump::Powers { raise: 0, lower: 2 },
        OscillatorJump::Powers { raise: 3, lower: 0 },
        OscillatorJump::Powers { raise: 1, lower: 2 },
    ];

    /// Two rows of irregular numbers on the levels of a window that a cutoff leaves.
    fn filled(window: Window, cutoff: Cutoff) -> Ket {
        let mut ket = Ket::zeros(window, 2);
        for row in 0..2 {
            let (re, im) = ket.row_mut(row);
            for j in 0..window.live(cutoff) {
                let place = (3 * j + 7 * row + 1) as f64;
                (re[j], im[j]) = ((place * 0.71).sin(), (place * 1.37).cos());
            }
        }
        ket
    }

    fn amplitude_of(ket: &Ket, row: usize, level: usize) -> Complex64 {
        let (re, im) = ket.row(row);
        let place = level.checked_sub(ket.window().lo()).filter(|j| *j < re.len());
        place.map_or(Complex64::ZERO, |j| Complex64::new(re[j], im[j]))
    }

    /// What it does to a level as [`Band::on`] says, which multiplies roots one by one.
    fn elements(jump: OscillatorJump, n: u32) -> Vec<(u32, Complex64)> {
        let on = |raise, lower, c: Complex64| Band::ladder(raise, lower).on(n).map(|(end, value)| (end, c * value));
        match jump {
            OscillatorJump::Linear { lower, raise } => {
                [on(0, 1, lower), on(1, 0, raise)].into_iter().flatten().collect()
            }
            OscillatorJump::Powers { raise, lower } => on(raise, lower, Complex64::ONE).into_iter().collect(),
        }
    }

    /// Kets become what the matrix elements say, in windows at the vacuum and above it, with and without a cutoff; weights are the
    /// norms², and decays those of single levels.
    #[test]
    fn kets_are_changed_as_matrix_elements_say() {
        for jump in JUMPS {
            for (lo, cutoff) in [(0, Cutoff::Auto), (8, Cutoff::Auto), (0, Cutoff::Levels(11)), (4, Cutoff::Levels(14))]
            {
                let window = Window::around(lo, lo + 8);
                let before = filled(window, cutoff);
                let (mut after, mut scratch) = (before.clone(), Ket::zeros(window, 2));
                jump.apply(&mut after, &mut scratch, cutoff);
                let top = window.hi() + 8;
                let mut expected = vec![[Complex64::ZERO; 2]; top];
                let mut decays = 0.0;
                for n in window.lo()..window.hi() {
                    for (end, c) in elements(jump, n as u32) {
                        if cutoff.holds(end as usize) {
                            let level = &mut expected[end as usize];
                            level.iter_mut().enumerate().for_each(|(row, x)| *x += c * amplitude_of(&before, row, n));
                        }
                    }
                    let population: f64 = (0..2).map(|row| amplitude_of(&before, row, n).norm_sqr()).sum();
                    decays += population * jump.decay(n, cutoff);
                }
                let norm: f64 = expected.iter().flatten().map(Complex64::norm_sqr).sum();
                for (n, level) in expected.iter().enumerate() {
                    for (row, x) in level.iter().enumerate() {
                        let found = amplitude_of(&after, row, n);
                        assert!((found - x).norm() <= 1e-13 * norm.sqrt(), "{jump:?} {lo} {cutoff:?}: {n} {found} {x}");
                    }
                }
                let weight = jump.weight(&before, cutoff);
                assert!((weight - norm).abs() <= 1e-12 * norm, "{jump:?} {lo} {cutoff:?}: {weight} {norm}");
                if jump.squeezing() == Complex64::ZERO {
                    assert!((decays - norm).abs() <= 1e-12 * norm, "{jump:?} {lo} {cutoff:?}: {decays} {norm}");
                }
                // Levels change their parity where it says so.
                for (end, _) in elements(jump, 6) {
                    assert_eq!(end % 2 == 1, jump.reverses_parity(), "{jump:?}");
                }
            }
        }
    }

    #[test]
    fn operators_are_recognised() {
        let a = crate::operator::Space::new().mode("a");
        let squared = a.lower() * a.lower();
        assert_eq!(OscillatorJump::of(&a.number()), Some(OscillatorJump::Powers { raise: 1, lower: 1 }));
        assert_eq!(OscillatorJump::of(&squared), Some(OscillatorJump::Powers { raise: 0, lower: 2 }));
        let [lower, raise] = [Complex64::new(0.3, -0.7), Complex64::new(0.0, 2.0)];
        assert_eq!(
            OscillatorJump::of(&(lower * a.lower() + raise * a.raise())),
            Some(OscillatorJump::Linear { lower, raise })
        );
        for none in [2.0 * a.number(), a.number() + a.lower(), a.parity(), &squared + a.lower(), Operator::from(1.0)] {
            assert_eq!(OscillatorJump::of(&none), None, "{none:?}");
        }
    }
}
