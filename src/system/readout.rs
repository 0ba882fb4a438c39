//! Expectation values of observables in a ket, whatever the system: sums over rows and levels that several observables share.

use num_complex::Complex64;

use super::expectation::{level_moments, overlap};
use super::{Observable, OpenSystem};
use crate::hilbert::Ket;
use crate::operator::{Band, Factor, Operator, Pauli, Word};

/// ⟨ψ|O|ψ⟩/⟨ψ|ψ⟩ of some observables, prepared for the kets of one system.
///
/// Polynomials in a and a† times Pauli matrices are sums of the moments ⟨a†ⁱaʲ P⟩ with products P of Pauli matrices, each taken
/// once from the ket, and moved to where the frame is: a is a + α there. Other functions of N are read off the populations.
#[derive(Debug, Clone)]
pub struct Readout {
    strings: Vec<PauliString>,
    observables: Vec<Sum>,
    /// Whether some observable needs the populations.
    by_level: bool,
    moments: Vec<Complex64>,
    populations: Vec<f64>,
    rows: Vec<[[f64; 2]; 3]>,
}

/// A product of Pauli matrices: i^ys Π τx (where `flip` has a bit) Π τz (where `sign` has one).
#[derive(Debug, Clone, PartialEq, Eq)]
struct PauliString {
    flip: usize,
    sign: usize,
    /// How many τy = iτxτz there are.
    ys: u32,
    /// The powers (i, j), i ≤ j, of a†ⁱaʲ whose moments with it are needed.
    powers: Vec<[u32; 2]>,
    /// Where they begin among all moments.
    start: usize,
}

/// One observable.
#[derive(Debug, Clone, Default)]
struct Sum {
    /// Coefficient, string and powers of moments; real parts are added up.
    moments: Vec<(Complex64, usize, [u32; 2])>,
    /// Coefficient and function of N.
    functions: Vec<(f64, Band)>,
}

impl Readout {
    /// For `observables` of `system`.
    ///
    /// # Panics
    /// If an observable has functions of N, other than polynomials, times something else.
    pub fn new(system: &impl OpenSystem, observables: &[Observable]) -> Self {
        let identity = PauliString { flip: 0, sign: 0, ys: 0, powers: vec![[0; 2]], start: 0 };
        let mut readout = Self {
            strings: vec![identity],
            observables: Vec::new(),
            by_level: false,
            moments: Vec::new(),
            populations: Vec::new(),
            rows: Vec::new(),
        };
        let moves = system.displacement(0.0).is_some();
        for observable in observables {
            let sum = readout.sum(&observable.operator(system.model()), moves);
            readout.by_level |= !sum.functions.is_empty();
            readout.observables.push(sum);
        }
        let mut start = 0;
        for string in &mut readout.strings {
            string.start = start;
            start += string.powers.len();
        }
        readout.moments = vec![Complex64::ZERO; start];
        readout
    }

    /// An operator as a sum; of two words that are each other's adjoints one is taken twice.
    fn sum(&mut self, operator: &Operator, moves: bool) -> Sum {
        let mut sum = Sum::default();
        for (word, c) in operator.terms() {
            let (band, flip, sign, ys) = parts(word);
            let Band { raise, lower, alternating, .. } = band;
            if alternating || !band.functions().is_empty() {
                assert!(raise == lower && flip | sign == 0, "functions of N are read off the populations");
                sum.functions.push((c.re, band));
                continue;
            }
            if raise > lower {
                continue;
            }
            let string = self.string(flip, sign, ys);
            let powers = &mut self.strings[string].powers;
            let least = if moves { [0; 2] } else { [raise, lower] };
            for i in least[0]..=raise {
                for j in least[1]..=lower {
                    let needed = [i.min(j), i.max(j)];
                    if !powers.contains(&needed) {
                        powers.push(needed);
                    }
                }
            }
            sum.moments.push((if raise < lower { 2.0 * c } else { c }, string, [raise, lower]));
        }
        sum
    }

    fn string(&mut self, flip: usize, sign: usize, ys: u32) -> usize {
        let known = self.strings.iter().position(|string| (string.flip, string.sign) == (flip, sign));
        known.unwrap_or_else(|| {
            self.strings.push(PauliString { flip, sign, ys, powers: Vec::new(), start: 0 });
            self.strings.len() - 1
        })
    }

    /// The values in a ket of `system` at a time; it need not be normalised.
    pub fn observe(&mut self, system: &impl OpenSystem, time: f64, ket: &Ket, values: &mut [f64]) {
        self.take_moments(system, ket);
        let norm = self.moments[0].re;
        let alpha = system.displacement(time);
        if self.by_level {
            system.populations_at(time, ket, &mut self.populations);
        }
        for (value, sum) in values.iter_mut().zip(&self.observables) {
            let moments = sum.moments.iter().map(|(c, string, powers)| {
                let string = &self.strings[*string];
                (c * match alpha {
                    None => self.moment(string, *powers),
                    Some(alpha) => self.displaced(string, *powers, alpha),
                })
                .re
            });
            let moments = moments.sum::<f64>();
            let by_level = |(c, band): &(f64, Band)| {
                let value = |(n, p): (u32, &f64)| band.on(n).map_or(0.0, |(_, value)| value * p);
                c * (0..).zip(&self.populations).map(value).sum::<f64>()
            };
            *value = (moments + sum.functions.iter().map(by_level).sum::<f64>()) / norm;
        }
    }

    /// ⟨a†ⁱaʲ P⟩, unnormalised, in the frame.
    fn moment(&self, string: &PauliString, [i, j]: [u32; 2]) -> Complex64 {
        let place = string.powers.iter().position(|powers| *powers == [i.min(j), i.max(j)]);
        let moment = place.map_or(Complex64::ZERO, |place| self.moments[string.start + place]);
        if i <= j { moment } else { moment.conj() }
    }

    /// ⟨(a† + α*)ᵖ(a + α)^q P⟩.
    fn displaced(&self, string: &PauliString, [p, q]: [u32; 2], alpha: Complex64) -> Complex64 {
        let mut sum = Complex64::ZERO;
        for i in 0..=p {
            for j in 0..=q {
                let weight = binomial(p, i) * binomial(q, j) * alpha.conj().powu(p - i) * alpha.powu(q - j);
                sum += weight * self.moment(string, [i, j]);
            }
        }
        sum
    }

    fn take_moments(&mut self, system: &impl OpenSystem, ket: &Ket) {
        let of_parity = system.has_parity();
        let spins = system.model().spins().len();
        let tied = spins.checked_sub(1).filter(|_| of_parity);
        let rows = ket.rows();
        self.rows.clear();
        self.rows.extend((0..rows).map(|row| level_moments(ket, row)));
        for string in &self.strings {
            // The factor of a row where the tied spin is up at even levels, or at odd ones.
            let phase = |row: usize, up: bool| {
                let full = row | tied.map_or(0, |tied| usize::from(up) << tied);
                if (string.sign & !full).count_ones() % 2 == 1 { -1.0 } else { 1.0 }
            };
            let phases = |row: usize| {
                let odd_when_even = (row.count_ones() as usize + ket.sector) % 2 == 1;
                [phase(row, odd_when_even), phase(row, !odd_when_even)]
            };
            for (place, &[i, j]) in string.powers.iter().enumerate() {
                let shift = (j - i) as usize;
                let reverses = (string.flip.count_ones() as usize + shift) % 2 == 1;
                let mut sum = Complex64::ZERO;
                if !(of_parity && reverses) {
                    for row in 0..rows {
                        let [even, odd] = phases(row);
                        let bra = (row ^ string.flip) & (rows - 1);
                        sum += if bra == row && shift == 0 && i <= 2 {
                            let [norm, first, second] =
                                self.rows[row].map(|[on_even, on_odd]| even * on_even + odd * on_odd);
                            Complex64::from([norm, first, second - first][i as usize])
                        } else {
                            // The phases are those of the ket's level, `shift` above the bra's.
                            let [on_even, on_odd] = overlap(ket, bra, row, shift, i);
                            let [even, odd] = if shift.is_multiple_of(2) { [even, odd] } else { [odd, even] };
                            even * on_even + odd * on_odd
                        };
                    }
                }
                self.moments[string.start + place] = Complex64::I.powu(string.ys) * sum;
            }
        }
    }
}

/// What a word does to the oscillator, which spins it flips, which it gives signs, and how many τy there are.
fn parts(word: &Word) -> (Band, usize, usize, u32) {
    let (mut band, mut flip, mut sign, mut ys) = (Band::default(), 0, 0, 0);
    for (part, factor) in word.factors() {
        let bit = || 1 << (part - 1);
        match factor {
            Factor::Band(own) => band = own.clone(),
            Factor::Pauli(Pauli::X) => flip |= bit(),
            Factor::Pauli(Pauli::Z) => sign |= bit(),
            Factor::Pauli(Pauli::Y) => {
                flip |= bit();
                sign |= bit();
                ys += 1;
            }
            Factor::Fock { .. } | Factor::Transition { .. } => unreachable!("models are of an oscillator and spins"),
        }
    }
    (band, flip, sign, ys)
}

fn binomial(n: u32, k: u32) -> f64 {
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
        let model = OscillatorSpins { frequency: 1.0, spins: Vec::new(), oscillator_bath: None };
        let system = Register::displaced(&model, alpha).expect("no bath");
        let mut ket = Ket::zeros(Window::around(0, 8), 1);
        product_ket(&mut ket, state, 0, 1e-24, 8, Cutoff::Auto);
        let (mut values, mut populations) = ([0.0; 7], Vec::new());
        Readout::new(&system, &SEEN).observe(&system, 0.0, &ket, &mut values);
        system.populations_at(0.0, &ket, &mut populations);
        (values, populations)
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
            assert!((found - known).abs() < 1e-10 * known.abs().max(1.0), "{found} {known}");
        }
        let mut poisson = (-n).exp();
        for (level, found) in populations.iter().enumerate().take(30) {
            assert!((found - poisson).abs() < 1e-12, "level {level}: {found} {poisson}");
            poisson *= n / (level + 1) as f64;
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
        let model =
            OscillatorSpins { frequency: 1.0, spins: vec![spin(1.0), spin(2.0), spin(0.4)], oscillator_bath: None };
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
