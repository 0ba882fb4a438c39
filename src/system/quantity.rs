//! The quantities that are followed for control variates, as operators.

use num_complex::Complex64;

use super::combination::Span;
use super::{Observable, OpenSystem};
use crate::model::{Model, Parts};
use crate::operator::{Operator, Parity};

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

/// N, N², X², the symmetrised product ½{X, P}, T = Σ τz, its products with those, X S, P S, X Ṡ, P Ṡ, X, P, S, Ṡ and every spin's
/// own τz.
fn all(model: &Model) -> Vec<Operator> {
    let parts = model.parts();
    let (a, spins) = (parts.oscillator, &parts.spins);
    let (number, x, p) = (a.number(), a.x(), a.p());
    let inversion: Operator = spins.iter().map(|spin| spin.z()).sum();
    let [coupling, precession] = coupling(model, &parts);
    let squares = [number.clone(), &number * &number, &x * &x, 0.5 * x.anticommutator(&p)];
    let turned = squares.clone().map(|square| square * &inversion);
    let coupled = [&x * &coupling, &p * &coupling, &x * &precession, &p * &precession];
    let mut operators: Vec<Operator> = squares.into_iter().chain([inversion]).chain(turned).chain(coupled).collect();
    operators.extend([x, p, coupling, precession]);
    operators.extend(spins.iter().map(|spin| spin.z()));
    operators
}

/// Those of the model of `system` that do not vanish on its kets and are no combinations of the ones before.
pub fn followed(system: &impl OpenSystem) -> Vec<Operator> {
    let parity = parity(system);
    let vanishes =
        |operator: &Operator| parity.as_ref().is_some_and(|parity| parity.reversed_by(operator) == Some(true));
    let mut followed: Vec<Operator> = Vec::new();
    for operator in all(system.model()) {
        let known = Span::new(&followed, parity.clone());
        let is_known = || known.coefficients(&operator).iter().any(|c| *c != 0.0);
        if !operator.is_zero() && !vanishes(&operator) && !is_known() {
            followed.push(operator);
        }
    }
    followed
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
