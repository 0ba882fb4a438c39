//! Expectation values of observables in a ket, whatever the system: sums over rows and levels that several observables share.

use std::collections::BTreeMap;

use num_complex::Complex64;

use super::displaced_parity::displaced_parity;
use super::expectation::{level_moments, overlap};
use super::pauli_string::PauliString;
use super::{Observable, OpenSystem};
use crate::hilbert::Ket;
use crate::operator::{Band, Operator};

/// ⟨ψ|O|ψ⟩/⟨ψ|ψ⟩ of some observables, prepared for the kets of one system.
///
/// Polynomials in a and a† times Pauli matrices are sums of moments ⟨a†ⁱaʲ P⟩ with products P of Pauli matrices. Each moment is
/// taken once from the ket, and those of one i, j and set of flipped spins in one pass. In a moving frame a is a + α, and the
/// coefficients are polynomials in Re α and Im α: what cancels between powers of α and α* has cancelled before there are numbers.
/// Other functions of N are read off the populations.
#[derive(Debug, Clone)]
pub struct Readout {
    passes: Vec<Pass>,
    observables: Vec<Sum>,
    /// What functions of N there are.
    functions: Functions,
    moments: Vec<Complex64>,
    populations: Vec<f64>,
    rows: Vec<[[f64; 2]; 3]>,
}

/// Functions of N among the observables, other than polynomials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Functions {
    None,
    /// (−1)^N alone: in a moving frame it takes no populations.
    Parity,
    Any,
}

/// ⟨a†ⁱaʲ P⟩, i ≤ j, with the [`PauliString`] P.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    flip: usize,
    powers: [u32; 2],
    sign: usize,
}

/// Moments that come from one pass over the ket.
#[derive(Debug, Clone)]
struct Pass {
    flip: usize,
    powers: [u32; 2],
    /// What gives signs, the string's phase, and the moment's place.
    strings: Vec<(usize, Complex64, usize)>,
}

/// One observable.
#[derive(Debug, Clone, Default)]
struct Sum {
    /// Place of a moment, coefficient, and the powers of Re α and Im α it goes with; real parts are added up.
    moments: Vec<(usize, Complex64, [u32; 2])>,
    /// Coefficient and function of N.
    functions: Vec<(f64, Band)>,
}

impl Readout {
    /// For `observables` of `system`.
    ///
    /// # Panics
    /// If an observable has functions of N, other than polynomials, times something else.
    pub fn new(system: &impl OpenSystem, observables: &[Observable]) -> Self {
        let moves = system.displacement(0.0).is_some();
        let norm = Moment { flip: 0, powers: [0; 2], sign: 0 };
        let mut places = BTreeMap::from([(norm, 0)]);
        let sum = |observable: &Observable| sum(&observable.operator(system.model()), moves, &mut places);
        let observables: Vec<Sum> = observables.iter().map(sum).collect();
        let mut passes: Vec<Pass> = Vec::new();
        for (&Moment { flip, powers, sign }, &place) in &places {
            let string = (sign, PauliString { flip, sign }.phase(), place);
            match passes.last_mut().filter(|pass| (pass.flip, pass.powers) == (flip, powers)) {
                Some(pass) => pass.strings.push(string),
                None => passes.push(Pass { flip, powers, strings: vec![string] }),
            }
        }
        Self {
            passes,
            functions: match observables.iter().flat_map(|sum| &sum.functions).all(|(_, band)| *band == Band::parity())
            {
                _ if observables.iter().all(|sum| sum.functions.is_empty()) => Functions::None,
                true => Functions::Parity,
                false => Functions::Any,
            },
            observables,
            moments: vec![Complex64::ZERO; places.len()],
            populations: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// The values in a ket of `system` at a time; it need not be normalised. NaN for functions of N where
    /// [`OpenSystem::populations_at`] has none.
    pub fn observe(&mut self, system: &impl OpenSystem, time: f64, ket: &Ket, values: &mut [f64]) {
        self.take_moments(system, ket);
        let norm = self.moments[0].re;
        let displacement = system.displacement(time);
        let alpha = displacement.unwrap_or_default();
        let parity = match (self.functions, displacement) {
            (Functions::Parity, Some(alpha)) => {
                Some(if is_far(ket, alpha) { 0.0 } else { displaced_parity(ket, alpha) })
            }
            _ => None,
        };
        if self.functions != Functions::None && parity.is_none() {
            system.populations_at(time, ket, &mut self.populations);
        }
        for (value, sum) in values.iter_mut().zip(&self.observables) {
            let moment = |(place, c, [re, im]): &(usize, Complex64, [u32; 2])| {
                let own = (c * self.moments[*place]).re;
                if re + im == 0 { own } else { own * alpha.re.powi(*re as i32) * alpha.im.powi(*im as i32) }
            };
            let by_level = |(c, band): &(f64, Band)| match parity {
                Some(parity) => c * parity,
                None if self.populations.is_empty() => f64::NAN,
                None => {
                    let value = |(n, p): (u32, &f64)| band.on(n).map_or(0.0, |(_, value)| value * p);
                    c * (0..).zip(&self.populations).map(value).sum::<f64>()
                }
            };
            let moments: f64 = sum.moments.iter().map(moment).sum();
            *value = (moments + sum.functions.iter().map(by_level).sum::<f64>()) / norm;
        }
    }

    fn take_moments(&mut self, system: &impl OpenSystem, ket: &Ket) {
        let of_parity = system.has_parity();
        let tied = system.model().spins().len().checked_sub(1).filter(|_| of_parity);
        let rows = ket.rows();
        self.rows.clear();
        self.rows.extend((0..rows).map(|row| level_moments(ket, row)));
        self.moments.fill(Complex64::ZERO);
        for Pass { flip, powers: [i, j], strings } in &self.passes {
            let shift = (j - i) as usize;
            let reverses = (flip.count_ones() as usize + shift) % 2 == 1;
            if of_parity && reverses {
                continue;
            }
            for row in 0..rows {
                let bra = (row ^ flip) & (rows - 1);
                // A row and its partner give each other's conjugates.
                let twice = shift == 0 && bra != row;
                if twice && bra < row {
                    continue;
                }
                // Over even and over odd levels of the ket's row.
                let found = if shift == 0 && bra == row && *i <= 2 {
                    let [norm, first, second] = self.rows[row];
                    let falling = |parity: usize| [norm[parity], first[parity], second[parity] - first[parity]];
                    [0, 1].map(|parity| Complex64::from(falling(parity)[*i as usize]))
                } else {
                    let [even, odd] = overlap(ket, [bra, row], shift, *i, tied.is_some());
                    if shift.is_multiple_of(2) { [even, odd] } else { [odd, even] }
                };
                let odd_where_even = (row.count_ones() as usize + ket.sector) % 2 == 1;
                for &(sign, phase, place) in strings {
                    let sign = |up: bool| {
                        let full = row | tied.map_or(0, |tied| usize::from(up) << tied);
                        if (sign & !full).count_ones() % 2 == 1 { -1.0 } else { 1.0 }
                    };
                    let sum = sign(odd_where_even) * found[0] + sign(!odd_where_even) * found[1];
                    let sum = phase * sum;
                    self.moments[place] += if twice { Complex64::from(2.0 * sum.re) } else { sum };
                }
            }
        }
    }
}

/// Whether a ket lies so far from the origin of the laboratory that it does not overlap with what it is there after a turn by π:
/// ⟨(−1)^N⟩ is then zero, below e^{−50}.
fn is_far(ket: &Ket, alpha: Complex64) -> bool {
    const WIDTHS: f64 = 5.0;
    alpha.norm() - (ket.window().hi() as f64).sqrt() > WIDTHS
}

/// An operator as a sum of moments, whose places are found or made; of two words that are each other's adjoints one is taken twice.
fn sum(operator: &Operator, moves: bool, places: &mut BTreeMap<Moment, usize>) -> Sum {
    let mut functions = Vec::new();
    let mut coefficients: BTreeMap<(Moment, [u32; 2]), Complex64> = BTreeMap::new();
    for (word, c) in operator.terms() {
        let (band, PauliString { flip, sign }) = PauliString::of(word);
        let (raise, lower, alternating) = (band.raise, band.lower, band.alternating);
        if alternating || !band.functions().is_empty() {
            assert!(raise == lower && flip | sign == 0, "functions of N are read off the populations");
            functions.push((c.re, band));
            continue;
        }
        if raise > lower {
            continue;
        }
        let c = if raise < lower { 2.0 * c } else { c };
        for i in if moves { 0 } else { raise }..=raise {
            for j in if moves { 0 } else { lower }..=lower {
                let c = binomial(raise, i) * binomial(lower, j) * c;
                let powers = [i.min(j), i.max(j)];
                for (power, weight) in displacement([raise - i, lower - j]) {
                    let (c, moment) = (c * weight, Moment { flip, powers, sign });
                    *coefficients.entry((moment, power)).or_default() += if i <= j { c } else { c.conj() };
                }
            }
        }
    }
    let mut place = |moment: Moment| {
        let next = places.len();
        *places.entry(moment).or_insert(next)
    };
    let terms = coefficients.into_iter().filter(|(_, c)| *c != Complex64::ZERO);
    Sum { moments: terms.map(|((moment, power), c)| (place(moment), c, power)).collect(), functions }
}

/// α*^p α^q as a polynomial: powers of Re α and Im α, and coefficients.
fn displacement([p, q]: [u32; 2]) -> Vec<([u32; 2], Complex64)> {
    let mut terms = Vec::new();
    for k in 0..=p {
        for l in 0..=q {
            let weight = binomial(p, k) * binomial(q, l);
            terms.push(([p + q - k - l, k + l], weight * (-Complex64::I).powu(k) * Complex64::I.powu(l)));
        }
    }
    terms
}

/// n over k.
pub(super) fn binomial(n: u32, k: u32) -> f64 {
    (0..k).fold(1.0, |product, i| product * f64::from(n - i) / f64::from(i + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hilbert::{Cutoff, Window, product_ket};
    use crate::model::{Model, OscillatorSpins, PureOscillator};
    use crate::system::Register;

    const SEEN: [Observable; 7] = [
        Observable::NUMBER,
        Observable::NUMBER_SQUARED,
        Observable::X_SQUARED,
        Observable::P_SQUARED,
        Observable::X,
        Observable::P,
        Observable::PARITY,
    ];

    /// The values of an oscillator alone whose ket is `state` in a frame displaced by `alpha`, and the populations.
    fn displaced(alpha: Complex64, state: PureOscillator) -> ([f64; 7], Vec<f64>) {
        let model = OscillatorSpins::new(1.0, Vec::new());
        let system = Register::displaced(&model, alpha).expect("no bath");
        let mut ket = Ket::zeros(Window::around(0, 8), 1);
        product_ket(&mut ket, state, 0, 1e-24, 8, Cutoff::Auto);
        let (mut values, mut populations) = ([0.0; 7], Vec::new());
        Readout::new(&system, &SEEN).observe(&system, 0.0, &ket, &mut values);
        system.populations_at(0.0, &ket, &mut populations);
        (values, populations)
    }

    /// At |α|² = 5·10⁶ the vacuum still has the variances of a vacuum, to the rounding of the mean squares.
    #[test]
    fn a_far_vacuum_keeps_its_variances() {
        let alpha = Complex64::new(-1000.0, 2000.0);
        let ([n, nn, xx, pp, x, p, parity], _) = displaced(alpha, PureOscillator::Fock(0));
        assert_eq!([n, x, p, xx - x * x, pp - p * p, parity], [5e6, -2000.0, 4000.0, 1.0, 1.0, 0.0]);
        assert!((nn - n * n - n).abs() <= f64::EPSILON * nn, "{nn}");
        // Where X is zero, ⟨X²⟩ is 1 to the last bit.
        assert_eq!(displaced(Complex64::new(0.0, 1e3), PureOscillator::Fock(0)).0[2], 1.0);
    }

    /// D(α)D(β)|0⟩ is the coherent state of α + β, whose moments are known; those of |β⟩ are of no definite parity.
    #[test]
    fn a_displaced_coherent_state_has_the_moments_of_the_sum() {
        let (alpha, beta) = (Complex64::new(2.0, -3.0), Complex64::new(-0.7, 1.1));
        let (found, populations) = displaced(alpha, PureOscillator::Coherent(beta));
        let sum = alpha + beta;
        let n = sum.norm_sqr();
        let (x, p) = (2.0 * sum.re, 2.0 * sum.im);
        let known = [n, n * n + n, x * x + 1.0, p * p + 1.0, x, p, (-2.0 * n).exp()];
        for (found, known) in found.into_iter().zip(known) {
            assert!((found - known).abs() < 1e-12 + 1e-12 * known.abs(), "{found} {known}");
        }
        assert_poissonian(&populations, n, 1e-13);
        let (_, populations) = displaced(alpha, PureOscillator::Fock(0));
        assert_poissonian(&populations, alpha.norm_sqr(), 1e-14);
    }

    fn assert_poissonian(populations: &[f64], mean: f64, within: f64) {
        let mut poisson = (-mean).exp();
        for (level, found) in populations.iter().enumerate().take(30) {
            assert!((found - poisson).abs() < within, "level {level}: {found} {poisson}");
            poisson *= mean / (level + 1) as f64;
        }
    }

    #[test]
    fn a_displaced_number_state_has_the_moments_of_its_populations() {
        let (found, populations) = displaced(Complex64::new(1.2, -2.1), PureOscillator::Fock(3));
        let moment = |of: fn(f64) -> f64| populations.iter().zip(0..).map(|(p, n)| of(f64::from(n)) * p).sum::<f64>();
        assert!((moment(|_| 1.0) - 1.0).abs() < 1e-12);
        assert!((moment(|n| n) - found[0]).abs() < 1e-10);
        assert!((moment(|n| n * n) - found[1]).abs() < 1e-8);
        assert!((moment(|n| if n % 2.0 == 0.0 { 1.0 } else { -1.0 }) - found[6]).abs() < 1e-12);
    }

    /// Where kets have a parity, one of three rows of two spins stands for the other.
    #[test]
    fn spins_without_rows_are_read_as_those_with() {
        let spin = |tunnelling: f64| crate::model::Spin {
            asymmetry: 0.0,
            tunnelling,
            coupling: 0.7,
            initial: crate::model::SpinPreparation::Ground,
            bath: None,
            dephasing: 0.0,
        };
        let model = OscillatorSpins::new(1.0, vec![spin(1.0), spin(2.0), spin(0.4)]);
        let whole = Register::new(&Model::OscillatorSpins(model.clone()), Cutoff::Auto);
        let half = Register::with_parity(&model, Cutoff::Auto).expect("no asymmetry");
        let observables = Observable::all(3);
        for (lo, sector) in [(0, 0), (0, 1), (5, 0), (5, 1)] {
            let window = Window::around(lo, lo + 8);
            let (mut tied, mut spread) = (Ket::zeros(window, 4), Ket::zeros(window, 8));
            tied.sector = sector;
            let mut number = 0.3f64;
            for row in 0..4usize {
                for j in 0..window.len() {
                    let up = (window.lo() + j + row.count_ones() as usize + sector) % 2;
                    let [re, im] = [(); 2].map(|()| {
                        number = (number * 997.0 + 0.123).fract();
                        number - 0.5
                    });
                    for (ket, row) in [(&mut tied, row), (&mut spread, row | up << 2)] {
                        (ket.row_mut(row).0[j], ket.row_mut(row).1[j]) = (re, im);
                    }
                }
            }
            let mut values = [vec![0.0; observables.len()], vec![0.0; observables.len()]];
            Readout::new(&half, &observables).observe(&half, 0.0, &tied, &mut values[0]);
            Readout::new(&whole, &observables).observe(&whole, 0.0, &spread, &mut values[1]);
            for (observable, (found, known)) in observables.iter().zip(values[0].iter().zip(&values[1])) {
                assert!((found - known).abs() < 1e-12 * (1.0 + known.abs()), "{observable}: {found} {known}");
            }
            // They are not all zero.
            assert!(values[1].iter().filter(|value| value.abs() > 1e-3).count() > 10, "{values:?}");
        }
    }
}
