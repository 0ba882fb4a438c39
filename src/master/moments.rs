//! The moment equations of Eq. (23): five moments close, and a matrix exponential solves them.

use nalgebra::{Matrix6, SMatrix, SVector, Vector6};

use crate::bath::Coefficients;
use crate::model::{BornMarkov, Form, OscillatorPreparation};

/// First and second moments at one time, in the units of Sec. II (see [`BornMarkov`]).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// ⟨X⟩.
    pub x: f64,
    /// ⟨P⟩.
    pub p: f64,
    /// ⟨X²⟩.
    pub x_squared: f64,
    /// ⟨P²⟩.
    pub p_squared: f64,
    /// S = ½⟨XP + PX⟩.
    pub symmetrised: f64,
    /// ⟨N⟩ = (⟨P²⟩/2M + ½MΩ₀²⟨X²⟩)/Ω₀ − ½.
    pub number: f64,
    /// d⟨N⟩/dt.
    pub heating_rate: f64,
    /// √(σ_X²σ_P² − σ_XP²): at least ½ for every state (Robertson and Schrödinger).
    pub uncertainty_product: f64,
}

/// The moment equations of a model, d(⟨X⟩, ⟨P⟩, ⟨X²⟩, ⟨P²⟩, S, 1)/dt = A(…):
///
/// ```text
/// d⟨X⟩  = ⟨P⟩/M                    d⟨P⟩  = −Mw²⟨X⟩ − 2γ⟨P⟩                      w² = Ω₀² + Ω̃₀²
/// d⟨X²⟩ = 2S/M (+ 2k, completed)   d⟨P²⟩ = −2Mw²S − 4γ⟨P²⟩ + 2D                 k = (γ²+f²)/4D
/// dS    = ⟨P²⟩/M − Mw²⟨X²⟩ − 2γS − f
/// ```
///
/// and for the secular form, with Ω = Ω₀ + Ω̃₀²/2Ω₀ and γ↓ + γ↑ = 2D/(MΩ₀),
///
/// ```text
/// d⟨X⟩  = ΩP/(MΩ₀) − γ⟨X⟩                       d⟨P⟩  = −MΩ₀Ω⟨X⟩ − γ⟨P⟩
/// d⟨X²⟩ = 2ΩS/(MΩ₀) − 2γ⟨X²⟩ + D/(MΩ₀)²         d⟨P²⟩ = −2MΩ₀ΩS − 2γ⟨P²⟩ + D
/// dS    = Ω⟨P²⟩/(MΩ₀) − MΩ₀Ω⟨X²⟩ − 2γS
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MomentEquations {
    model: BornMarkov,
    matrix: Matrix6<f64>,
}

impl MomentEquations {
    /// The equations of `model`.
    pub fn new(model: &BornMarkov) -> Self {
        let Coefficients { gamma, diffusion, anomalous, .. } = model.coefficients;
        let (mass, stiffness) = (model.mass, model.mass * model.frequency);
        let secular = model.form == Form::Secular;
        // Ẋ = inverse_mass P − drag_x X, Ṗ = −spring X − drag_p P.
        let (inverse_mass, spring) = match secular {
            false => (1.0 / mass, mass * model.shifted_frequency_squared()),
            true => (model.secular_frequency() / stiffness, stiffness * model.secular_frequency()),
        };
        let (drag_x, drag_p) = if secular { (gamma, gamma) } else { (0.0, 2.0 * gamma) };
        let (noise_x, noise_p, noise_s) = match model.form {
            Form::Bare => (0.0, 2.0 * diffusion, -anomalous),
            Form::Completed => (2.0 * model.completion(), 2.0 * diffusion, -anomalous),
            Form::Secular => (diffusion / (stiffness * stiffness), diffusion, 0.0),
        };
        #[rustfmt::skip]
        let matrix = Matrix6::new(
            -drag_x, inverse_mass, 0.0, 0.0, 0.0, 0.0,
            -spring, -drag_p, 0.0, 0.0, 0.0, 0.0,
            0.0, 0.0, -2.0 * drag_x, 0.0, 2.0 * inverse_mass, noise_x,
            0.0, 0.0, 0.0, -2.0 * drag_p, -2.0 * spring, noise_p,
            0.0, 0.0, -spring, inverse_mass, -drag_x - drag_p, noise_s,
            0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
        );
        Self { model: *model, matrix }
    }

    /// The moments at every one of `times`, from the initial state.
    pub fn solve(&self, initial: OscillatorPreparation, times: &[f64]) -> Vec<Moments> {
        let start = self.initial(initial);
        times.iter().map(|time| self.read(&((self.matrix * *time).exp() * start))).collect()
    }

    /// The stationary moments; `None` when the equations do not tend to any (γ = 0, or w² ≤ 0).
    pub fn steady_state(&self) -> Option<Moments> {
        let damped = self.model.coefficients.gamma > 0.0;
        let bound = self.model.form == Form::Secular || self.model.shifted_frequency_squared() > 0.0;
        if !(damped && bound) {
            return None;
        }
        let square: SMatrix<f64, 5, 5> = self.matrix.fixed_view::<5, 5>(0, 0).into_owned();
        let source: SVector<f64, 5> = self.matrix.fixed_view::<5, 1>(0, 5).into_owned();
        let found = square.lu().solve(&(-source))?;
        Some(self.read(&Vector6::new(found[0], found[1], found[2], found[3], found[4], 1.0)))
    }

    fn initial(&self, initial: OscillatorPreparation) -> Vector6<f64> {
        let [x, p] = self.model.quadrature_units();
        let (re, im, spread) = match initial {
            OscillatorPreparation::Fock(n) => (0.0, 0.0, 2.0 * n as f64 + 1.0),
            OscillatorPreparation::Thermal(nbar) => (0.0, 0.0, 2.0 * nbar + 1.0),
            OscillatorPreparation::Coherent(alpha) => (2.0 * alpha.re, 2.0 * alpha.im, 1.0),
        };
        // x₀p₀ = ½.
        Vector6::new(x * re, p * im, x * x * (spread + re * re), p * p * (spread + im * im), 0.5 * re * im, 1.0)
    }

    fn read(&self, vector: &Vector6<f64>) -> Moments {
        let (mass, frequency) = (self.model.mass, self.model.frequency);
        let number = |p_squared: f64, x_squared: f64| {
            (0.5 * p_squared / mass + 0.5 * mass * frequency * frequency * x_squared) / frequency
        };
        let [x, p, x_squared, p_squared, symmetrised] = [0, 1, 2, 3, 4].map(|i| vector[i]);
        let rates = self.matrix * vector;
        let area = (x_squared - x * x) * (p_squared - p * p) - (symmetrised - x * p).powi(2);
        Moments {
            x,
            p,
            x_squared,
            p_squared,
            symmetrised,
            number: number(p_squared, x_squared) - 0.5,
            heating_rate: number(rates[3], rates[2]),
            uncertainty_product: area.max(0.0).sqrt(),
        }
    }
}
