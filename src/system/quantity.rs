//! The quantities followed for control variates: where each lies, and its operator.
//!
//! With S = Σ gᵢ(cos θᵢ τzᵢ + sin θᵢ τxᵢ) the operator that X couples to, Ṡ = i[Σ(ω̃ᵢ/2)τzᵢ, S] its precession and T = Σ τzᵢ;
//! ½{X, P} is the symmetrised product.

use num_complex::Complex64;

use crate::model::Model;
use crate::operator::Operator;

/// N.
pub const NUMBER: usize = 0;
/// N².
pub const NUMBER_SQUARED: usize = 1;
/// X².
pub const X_SQUARED: usize = 2;
/// ½{X, P}.
pub const XP: usize = 3;
/// T.
pub const INVERSION: usize = 4;
/// N, N², X² and ½{X, P}, each times T, from here on.
pub const TIMES_INVERSION: usize = 5;
/// X S, the coupling energy.
pub const X_COUPLING: usize = 9;
/// P S: i[H, N] = −P S, the quanta that the coupling takes out per unit time.
pub const P_COUPLING: usize = 10;
/// X Ṡ.
pub const X_PRECESSION: usize = 11;
/// P Ṡ.
pub const P_PRECESSION: usize = 12;
/// How many conserve the parity (−1)^N Πτzᵢ: the others vanish on a chain.
pub const EVEN: usize = 13;
/// X.
pub const X: usize = 13;
/// P.
pub const P: usize = 14;
/// S.
pub const COUPLING: usize = 15;
/// Ṡ.
pub const PRECESSION: usize = 16;
/// τz of spin 0; spin i follows i places later.
pub const FIRST_SPIN: usize = 17;

/// Whether the quantity at `place` is one of the spins alone.
pub fn is_of_spins(place: usize) -> bool {
    place == INVERSION || place >= COUPLING
}

/// The operators of all quantities of a model, in order; systems that follow fewer follow the first of them.
pub fn operators(model: &Model) -> Vec<Operator> {
    let parts = model.parts();
    let (a, spins) = (parts.oscillator, &parts.spins);
    let (number, x, p) = (a.number(), a.x(), a.p());
    let inversion: Operator = spins.iter().map(|spin| spin.z()).sum();
    let (coupling, precession) = match model {
        Model::OscillatorSpins(model) => {
            let coupling = model.coupling(spins);
            let own: Operator = model.spins.iter().zip(spins).map(|(spin, q)| 0.5 * spin.splitting() * q.z()).sum();
            let precession = Complex64::I * own.commutator(&coupling);
            (coupling, precession)
        }
        Model::Adiabatic(_) | Model::BornMarkov(_) => Default::default(),
    };
    let squares = [number.clone(), &number * &number, &x * &x, 0.5 * x.anticommutator(&p)];
    let turned = squares.clone().map(|square| square * &inversion);
    let coupled = [&x * &coupling, &p * &coupling, &x * &precession, &p * &precession];
    let mut operators: Vec<Operator> = squares.into_iter().chain([inversion]).chain(turned).chain(coupled).collect();
    operators.extend([x, p, coupling, precession]);
    operators.extend(spins.iter().map(|spin| spin.z()));
    operators
}
