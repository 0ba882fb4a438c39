//! Sec. II: the Born–Markov equation (23) of the oscillator, as it stands, completed to Lindblad form, or secular.

use num_complex::Complex64;

use crate::bath::Coefficients;

/// Which equation is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Eq. (23) as it stands. It is not of Lindblad form: its coefficient matrix in {X, P}, [[2D, f−iγ], [f+iγ, 0]], has the
    /// determinant −(γ²+f²).
    Bare,
    /// Eq. (23) with `−((γ²+f²)/4D)[P,[P,ρ]]` added: the determinant is then zero and one channel is left.
    Completed,
    /// Only the terms of Eq. (23) that do not rotate: `γ↓ 𝓓[a] + γ↑ 𝓓[a†]` and the shift of the frequency.
    Secular,
}

impl Form {
    /// The names a run file may use.
    pub const NAMES: [&'static str; 3] = ["bare", "completed", "secular"];

    /// Name in run files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Completed => "completed",
            Self::Secular => "secular",
        }
    }

    /// The form of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Bare, Self::Completed, Self::Secular].into_iter().find(|form| form.name() == name)
    }
}

/// `dρ/dt = −i[H_S + ½M Ω̃₀² X², ρ] − iγ[X, {P, ρ}] − D[X, [X, ρ]] − f[X, [P, ρ]]`, Eq. (23), in one of its forms.
///
/// H_S = P²/2M + ½MΩ₀²X², X = (a + a†)/√(2MΩ₀), P = −i√(MΩ₀/2)(a − a†), ħ = 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BornMarkov {
    /// Mass M > 0.
    pub mass: f64,
    /// Oscillator frequency Ω₀ > 0.
    pub frequency: f64,
    /// Which equation.
    pub form: Form,
    /// γ, D, f and Ω̃₀² (zero where the run file leaves the frequency shift out).
    pub coefficients: Coefficients,
}

/// A generator that is quadratic in a and a†: H = energy·N + h a² + h* a†², and Σ c_μν (A_μ ρ A_ν† − ½{A_ν†A_μ, ρ}) with
/// A = (a, a†).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuadraticForm {
    /// Energy of one quantum.
    pub energy: f64,
    /// Squeezing h.
    pub squeezing: Complex64,
    /// c of a ρ a†.
    pub down: f64,
    /// c of a† ρ a.
    pub up: f64,
    /// c of a ρ a; its conjugate is that of a† ρ a†.
    pub cross: Complex64,
}

impl QuadraticForm {
    /// Determinant of c: negative when it is no Lindblad generator.
    pub fn determinant(&self) -> f64 {
        self.down * self.up - self.cross.norm_sqr()
    }
}

/// Rounding that a rate may fall below zero by, relative to its parts.
const ROUNDING: f64 = 1e-12;

impl BornMarkov {
    /// x₀ and p₀ with X = x₀(a + a†), P = −ip₀(a − a†), x₀p₀ = ½.
    pub fn quadrature_units(&self) -> [f64; 2] {
        let stiffness = self.mass * self.frequency;
        [(0.5 / stiffness).sqrt(), (0.5 * stiffness).sqrt()]
    }

    /// w² = Ω₀² + Ω̃₀², the squared frequency that Eq. (23) moves with.
    pub fn shifted_frequency_squared(&self) -> f64 {
        self.frequency * self.frequency + self.coefficients.frequency_shift_squared
    }

    /// Ω₀ + Ω̃₀²/2Ω₀: the frequency of the secular form, w to first order in the shift.
    pub fn secular_frequency(&self) -> f64 {
        self.frequency + 0.5 * self.coefficients.frequency_shift_squared / self.frequency
    }

    /// (γ²+f²)/4D, the coefficient of `−[P, [P, ρ]]` that completes Eq. (23) to Lindblad form; infinite for D = 0 unless
    /// nothing is to be completed.
    pub fn completion(&self) -> f64 {
        let Coefficients { gamma, anomalous, diffusion, .. } = self.coefficients;
        let excess = gamma * gamma + anomalous * anomalous;
        if excess == 0.0 { 0.0 } else { excess / (4.0 * diffusion) }
    }

    /// γ↓ and γ↑ of the secular form.
    ///
    /// Written with a and a†, the coefficient matrix of Eq. (23) has the diagonal D/(MΩ₀) ± γ, and everything else rotates
    /// with e^{±2iΩ₀t}: γ↓ = D/(MΩ₀) + γ, γ↑ = D/(MΩ₀) − γ. With D₁ and γ from a spectral density these are the Golden-Rule
    /// rates: γ↓ − γ↑ = 2γ, γ↓ + γ↑ = 2D/(MΩ₀) = πJ(Ω₀)c(Ω₀)/(MΩ₀) (+ 2D₀/(MΩ₀)). γ↑ < 0 when D < MΩ₀γ: no bath gives that.
    pub fn secular_rates(&self) -> [f64; 2] {
        let Coefficients { gamma, diffusion, .. } = self.coefficients;
        let mean = diffusion / (self.mass * self.frequency);
        let rate = |sum: f64| if sum.abs() <= ROUNDING * (mean.abs() + gamma.abs()) { 0.0 } else { sum };
        [rate(mean + gamma), rate(mean - gamma)]
    }

    /// u and v of the completed form's only channel u a + v a† = √(2D) X + ((f+iγ)/√(2D)) P; both zero without any.
    pub fn completed_channel(&self) -> [Complex64; 2] {
        let Coefficients { gamma, diffusion, anomalous, .. } = self.coefficients;
        let [x, p] = self.quadrature_units();
        let strength = (2.0 * diffusion).sqrt();
        if strength == 0.0 {
            return [Complex64::ZERO; 2];
        }
        let momentum = Complex64::new(anomalous, gamma) / strength * Complex64::I * p;
        [Complex64::from(strength * x) - momentum, Complex64::from(strength * x) + momentum]
    }

    /// The equation in terms of a and a†.
    pub fn quadratic_form(&self) -> QuadraticForm {
        let Coefficients { gamma, diffusion, anomalous, frequency_shift_squared } = self.coefficients;
        let [x, p] = self.quadrature_units();
        let [down, up] = self.secular_rates();
        let energy = self.secular_frequency();
        if self.form == Form::Secular {
            return QuadraticForm { energy, squeezing: Complex64::ZERO, down, up, cross: Complex64::ZERO };
        }
        // −k[P,[P,ρ]] is 2k P ρ P − …
        let added = if self.form == Form::Completed { 2.0 * self.completion() * p * p } else { 0.0 };
        QuadraticForm {
            energy,
            // ½MΩ̃₀²X² and (γ/2)(XP + PX) = −i(γ/2)(a² − a†²).
            squeezing: Complex64::new(0.25 * frequency_shift_squared / self.frequency, -0.5 * gamma),
            down: down + added,
            up: up + added,
            cross: Complex64::new(2.0 * diffusion * x * x - added, -anomalous),
        }
    }

    /// ⟨a⟩ at `time` when it was `alpha` at first: the means obey closed equations, d⟨X⟩/dt = ⟨P⟩/M and
    /// d⟨P⟩/dt = −Mw²⟨X⟩ − 2γ⟨P⟩, or ⟨a⟩ ∝ e^{−(iΩ+γ)t} in the secular form.
    pub fn mean_amplitude(&self, alpha: Complex64, time: f64) -> Complex64 {
        if alpha == Complex64::ZERO {
            return alpha;
        }
        let gamma = self.coefficients.gamma;
        if self.form == Form::Secular {
            return alpha * Complex64::from_polar((-gamma * time).exp(), -self.secular_frequency() * time);
        }
        let stiffness = self.shifted_frequency_squared();
        let square = (stiffness - gamma * gamma) * time * time;
        // cos νt and sin νt/(νt) with ν² = w² − γ² of either sign.
        let [cosine, sine] = if square.abs() < 1e-8 {
            [1.0 - 0.5 * square, 1.0 - square / 6.0]
        } else if square > 0.0 {
            [square.sqrt().cos(), square.sqrt().sin() / square.sqrt()]
        } else {
            let angle = (-square).sqrt();
            [angle.cosh(), angle.sinh() / angle]
        };
        // With ⟨X⟩ = 2x₀ Re⟨a⟩, ⟨P⟩ = 2p₀ Im⟨a⟩ and p₀/(Mx₀) = Ω₀.
        let (decay, elapsed) = ((-gamma * time).exp(), sine * time);
        let re = (cosine + gamma * elapsed) * alpha.re + self.frequency * elapsed * alpha.im;
        let im = (cosine - gamma * elapsed) * alpha.im - stiffness / self.frequency * elapsed * alpha.re;
        decay * Complex64::new(re, im)
    }
}
