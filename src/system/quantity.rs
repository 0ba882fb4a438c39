//! The quantities that are followed for control variates, as operators.

use num_complex::Complex64;

use super::combination::Span;
use super::{Observable, OpenSystem};
use crate::model::{Model, OscillatorSpins, Parts, Spin};
use crate::operator::{Factor, Function, Operator, Parity, Qubit, Shape};

/// S = Σ gᵢ(cos θᵢ τzᵢ + sin θᵢ τxᵢ), the operator that X couples to, and Ṡ = i[Σ(ω̃ᵢ/2)τzᵢ, S], its precession.
fn coupling(model: &Model, Parts { spins, .. }: &Parts) -> [Operator; 2] {
    match model {
        Model::OscillatorSpins(model) => {
            let coupling = model.coupling(spins);
            let own: Operator = model.spins.iter().zip(spins).map(|(spin, q)| 0.5 * spin.splitting() * q.z()).sum();
            let precession = Complex64::I * own.commutator(&coupling);
            [coupling, precession]
        }
        Model::Adiabatic(_) | Model::BornMarkov(_) => Default::default(),
    }
}

/// P S: i[H, N] = −P S, the quanta that the coupling takes out of the oscillator per unit time.
pub fn power(model: &Model) -> Operator {
    let parts = model.parts();
    let [coupling, _] = coupling(model, &parts);
    parts.oscillator.p() * coupling
}

/// N, N², X² and the symmetrised product ½{X, P}, each followed by its product with T = Σ τz, then X S, P S, X Ṡ, P Ṡ, T, X, P, S, Ṡ and
/// every spin's own τz: beside each other those that are made of the same sums over a ket.
fn all(model: &Model) -> Vec<Operator> {
    let parts = model.parts();
    let (a, spins) = (parts.oscillator, &parts.spins);
    let (number, x, p) = (a.number(), a.x(), a.p());
    let inversion: Operator = spins.iter().map(|spin| spin.z()).sum();
    let [coupling, precession] = coupling(model, &parts);
    let squares = [number.clone(), &number * &number, &x * &x, 0.5 * x.anticommutator(&p)];
    let turned = |square: Operator| {
        let product = &square * &inversion;
        [square, product]
    };
    let coupled = [&x * &coupling, &p * &coupling, &x * &precession, &p * &precession];
    let mut operators: Vec<Operator> = squares.into_iter().flat_map(turned).chain(coupled).collect();
    operators.extend([inversion, x, p, coupling, precession]);
    operators.extend(spins.iter().map(|spin| spin.z()));
    operators
}

/// Those of the model of `system` that do not vanish on its kets and are no combinations of the ones before.
pub fn followed(system: &impl OpenSystem) -> Vec<Operator> {
    let mut followed = Vec::new();
    extend(system, &mut followed, all(system.model()));
    followed
}

/// Adds those `more` that do not vanish on the kets of `system` and are no combinations of the ones before.
fn extend(system: &impl OpenSystem, followed: &mut Vec<Operator>, more: Vec<Operator>) {
    let mut span = Span::new(&[], parity(system));
    for operator in followed.iter() {
        span.add(operator, Vec::new());
    }
    followed.extend(more.into_iter().filter(|operator| span.add(operator, Vec::new())));
}

/// Sets of quantities that control variates may be made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidates {
    /// All quantities of all sets.
    pub operators: Vec<Operator>,
    /// The first set is [`followed`], and part of every other.
    pub sets: Vec<CandidateSet>,
}

/// One set of them.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateSet {
    /// What it is made of, in words.
    pub name: String,
    /// The places of its quantities.
    pub places: Vec<usize>,
}

impl Candidates {
    /// Leaves the sets only that have no functions of N but polynomials, which are the first.
    pub fn keep_polynomials(&mut self) {
        let plain = |set: &&CandidateSet| set.places.iter().all(|place| is_polynomial(&self.operators[*place]));
        let sets = self.sets.iter().take_while(plain).count();
        self.truncate(sets);
    }

    /// Leaves the first `sets` only.
    pub fn truncate(&mut self, sets: usize) {
        self.sets.truncate(sets);
        self.operators.truncate(self.sets.iter().flat_map(|set| &set.places).max().map_or(0, |last| last + 1));
    }
}

/// Whether it is a polynomial in a and a†, but for what it does to the spins.
pub fn is_polynomial(operator: &Operator) -> bool {
    let plain = |factor: &Factor| !matches!(factor, Factor::Band(band) if !band.functions().is_empty());
    operator.terms().all(|(word, _)| word.factors().all(|(_, factor)| plain(factor)))
}

/// Most spins of which each is followed by itself, and for which functions that saturate are.
const FEW_SPINS: usize = 4;

/// The candidates for a system: the usual quantities, what each of several spins does to the oscillator by itself, and functions that
/// saturate as a spin does that N quanta drive faster than it decays.
///
/// A spin of linewidth Γ that is driven by √N g has a population that goes with 1/(1 + N/s), and s is about Γ²/8g²: the exact solution
/// of the adjoint equation for N is N plus something like log(1 + N/s), and its parts that change N by k go with aᵏ/(1 + N/s) for large N.
/// Two scales, s and s/4, follow it closer than one.
pub fn candidates(system: &impl OpenSystem) -> Candidates {
    let mut operators = followed(system);
    let mut name = "usual".to_owned();
    let set = |name: &str, order: usize| CandidateSet { name: name.to_owned(), places: (0..order).collect() };
    let mut sets = vec![set(&name, operators.len())];
    let Model::OscillatorSpins(model) = system.model() else { return Candidates { operators, sets } };
    if model.spins.len() > FEW_SPINS {
        return Candidates { operators, sets };
    }
    if model.spins.len() > 1 {
        let usual = operators.len();
        extend(system, &mut operators, of_each_spin(model, &system.model().parts()));
        if operators.len() > usual {
            name.push_str(", each spin's own");
            sets.push(set(&name, operators.len()));
        }
    }
    let (Some(scale), None) = (saturation(model), system.displacement(0.0)) else {
        return Candidates { operators, sets };
    };
    for (joined, scale) in [(", saturating at N = ", 0.25 * scale), (" and ", scale)] {
        extend(system, &mut operators, saturating(system.model(), scale));
        name.push_str(&format!("{joined}{}", (1e3 * scale).round() / 1e3));
        sets.push(set(&name, operators.len()));
    }
    Candidates { operators, sets }
}

/// X Sᵢ, P Sᵢ, X Ṡᵢ and P Ṡᵢ of every spin.
fn of_each_spin(model: &OscillatorSpins, parts: &Parts) -> Vec<Operator> {
    let (x, p) = (parts.oscillator.x(), parts.oscillator.p());
    let one = |(spin, q): (&Spin, &Qubit)| {
        let coupling = spin.cos_theta() * q.z() + spin.sin_theta() * q.x();
        let precession = Complex64::I * (0.5 * spin.splitting() * q.z()).commutator(&coupling);
        [&x * &coupling, &p * &coupling, &x * &precession, &p * &precession]
    };
    model.spins.iter().zip(&parts.spins).filter(|(spin, _)| spin.coupling != 0.0).flat_map(one).collect()
}

/// The mean of Γ²/8g² over the spins that couple and decay, with Γ = γ(2n̄ + 1) + 2γφ.
fn saturation(model: &OscillatorSpins) -> Option<f64> {
    let of = |spin: &Spin| {
        let bath = spin.bath.map_or(0.0, |bath| bath.down() + bath.up());
        let width = bath + 2.0 * spin.dephasing;
        (spin.coupling != 0.0 && width > 0.0).then(|| width * width / (8.0 * spin.coupling * spin.coupling))
    };
    let scales: Vec<f64> = model.spins.iter().filter_map(of).collect();
    let mean = scales.iter().sum::<f64>() / scales.len() as f64;
    (!scales.is_empty()).then(|| mean.clamp(4.0, 1e6))
}

/// log(1 + N/s), R = 1/(1 + N/s), R T, and R aᵏ for k up to 4, times 1 and T where k is even, S and Ṡ where it is odd.
fn saturating(model: &Model, scale: f64) -> Vec<Operator> {
    let parts = model.parts();
    let a = parts.oscillator;
    let inversion: Operator = parts.spins.iter().map(|spin| spin.z()).sum();
    let [coupling, precession] = coupling(model, &parts);
    let [log, reciprocal] = [Shape::Log, Shape::Reciprocal].map(|shape| a.function(Function::new(shape, scale)));
    let mut operators = vec![log, reciprocal.clone(), &reciprocal * &inversion];
    let mut lowered = reciprocal;
    for k in 1..=4 {
        lowered = lowered * a.lower();
        let partners = if k % 2 == 1 { [&coupling, &precession] } else { [&Operator::from(1.0), &inversion] };
        for product in partners.map(|spins| &lowered * spins) {
            let adjoint = product.adjoint();
            operators.extend([&product + &adjoint, Complex64::I * (&adjoint - &product)]);
        }
    }
    operators
}

/// Each observable as a linear combination of `quantities`, up to a constant; all zero where it is none.
pub fn expressions(system: &impl OpenSystem, quantities: &[Operator], observables: &[Observable]) -> Vec<Vec<f64>> {
    let span = Span::new(quantities, parity(system));
    observables.iter().map(|observable| span.coefficients(&observable.operator(system.model()))).collect()
}

/// That of the kets of `system`, where they have one.
fn parity(system: &impl OpenSystem) -> Option<Parity> {
    system.has_parity().then(|| Parity::of_all(&system.model().parts().space))
}
