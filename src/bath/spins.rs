//! A bath given spin by spin, Eq. (18): a comb of weights, sharp or broadened, and the constant C₀ of Eq. (17).

use statrs::function::erf::erf;

/// One spin of the bath: H = (ω/2)σz + (Δ/2)σx, coupled by g X σz with the X of Sec. II, X = (a + a†)/√(2MΩ₀).
///
/// The spins of [`crate::bath`] have no initial state and no bath of their own: they are in thermal equilibrium, Eq. (5).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BathSpin {
    /// Asymmetry energy ω.
    pub asymmetry: f64,
    /// Tunnelling matrix element Δ.
    pub tunnelling: f64,
    /// Coupling g (energy/length).
    pub coupling: f64,
}

impl BathSpin {
    /// Splitting ω̃ = √(ω² + Δ²), Eq. (14).
    pub fn splitting(&self) -> f64 {
        self.asymmetry.hypot(self.tunnelling)
    }

    /// Weight (gΔ/ω̃)² in J, Eq. (18); 0 for a spin without splitting, which nothing flips.
    pub fn weight(&self) -> f64 {
        if self.tunnelling == 0.0 { 0.0 } else { (self.coupling * self.tunnelling / self.splitting()).powi(2) }
    }

    /// The weight (gω/ω̃)² of the static part, g² for a spin without splitting.
    fn static_weight(&self) -> f64 {
        if self.tunnelling == 0.0 {
            self.coupling * self.coupling
        } else {
            (self.coupling * self.asymmetry / self.splitting()).powi(2)
        }
    }
}

/// What C₀ of Eq. (17) is taken to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StaticPart {
    /// Σ(gω/ω̃)² sech²(ω̃/2T): with ⟨Ê⟩ subtracted, as Eq. (12) asks.
    #[default]
    Connected,
    /// Σ(gω/ω̃)², as printed below Eq. (17).
    Paper,
}

/// A finite list of spins.
#[derive(Debug, Clone, PartialEq)]
pub struct SpinList {
    spins: Vec<BathSpin>,
    /// Lines (ω̃ > 0, weight > 0), ω̃ ascending.
    lines: Vec<(f64, f64)>,
    /// Height of each broadened line: weight/(√2π σ erf(ω̃/√2σ)).
    heights: Vec<f64>,
    broadening: f64,
    static_part: StaticPart,
}

/// Standard deviations beyond which a line is zero (e^{−72} of its height).
const REACH: f64 = 12.0;

impl SpinList {
    /// From the spins, the standard deviation σ ≥ 0 of the Gaussian that each line becomes, and the choice of C₀.
    ///
    /// With σ = 0, J is a comb of δ functions. Else the line at ω̃ is the odd function (G(ω − ω̃) − G(ω + ω̃))/erf(ω̃/√2σ), G
    /// the normal density: J stays odd in ω, as a spectral density is, goes to zero with ω, and each line keeps its weight on
    /// ω > 0.
    pub fn new(spins: Vec<BathSpin>, broadening: f64, static_part: StaticPart) -> Self {
        let line = |spin: &BathSpin| (spin.splitting(), spin.weight());
        let mut lines: Vec<(f64, f64)> = spins.iter().map(line).filter(|line| line.0 > 0.0 && line.1 > 0.0).collect();
        lines.sort_by(|a, b| a.0.total_cmp(&b.0));
        let root = std::f64::consts::SQRT_2 * broadening;
        let height = |(line, weight): &(f64, f64)| weight / (std::f64::consts::PI.sqrt() * root * erf(line / root));
        let heights = lines.iter().map(height).collect();
        Self { spins, lines, heights, broadening, static_part }
    }

    /// The spins.
    pub fn spins(&self) -> &[BathSpin] {
        &self.spins
    }

    /// Lines (ω̃ > 0, weight > 0) of the comb, ω̃ ascending.
    pub fn lines(&self) -> &[(f64, f64)] {
        &self.lines
    }

    /// Whether J is a comb of δ functions (or nothing at all), with sums for integrals.
    pub fn is_sharp(&self) -> bool {
        self.broadening == 0.0 || self.lines.is_empty()
    }

    /// Standard deviation σ of each line.
    pub(super) fn broadening(&self) -> f64 {
        self.broadening
    }

    /// J(ω) of the broadened comb; of the sharp one ∞ on a line and 0 elsewhere.
    pub fn at(&self, frequency: f64) -> f64 {
        if self.is_sharp() {
            return if self.lines.iter().any(|line| line.0 == frequency) { f64::INFINITY } else { 0.0 };
        }
        let reach = REACH * self.broadening;
        let first = self.lines.partition_point(|line| line.0 < frequency - reach);
        let near = self.lines[first..].iter().zip(&self.heights[first..]);
        near.take_while(|((line, _), _)| *line <= frequency + reach)
            .map(|((line, _), height)| height * profile(frequency, *line, self.broadening))
            .sum()
    }

    /// C₀ of Eq. (17) at temperature T ≥ 0.
    pub fn constant(&self, temperature: f64) -> f64 {
        let factor = |spin: &BathSpin| match self.static_part {
            StaticPart::Paper => 1.0,
            StaticPart::Connected if spin.splitting() == 0.0 => 1.0,
            StaticPart::Connected if temperature == 0.0 => 0.0,
            StaticPart::Connected => (0.5 * spin.splitting() / temperature).cosh().powi(-2),
        };
        self.spins.iter().map(|spin| spin.static_weight() * factor(spin)).sum()
    }

    /// Where J begins to be and ceases to be more than nothing.
    pub(super) fn range(&self) -> [f64; 2] {
        let reach = REACH * self.broadening;
        let (first, last) = (self.lines.first(), self.lines.last());
        [first.map_or(0.0, |line| line.0 - reach).max(0.0), last.map_or(0.0, |line| line.0 + reach)]
    }

    /// Points between which J is smooth on the scale of their distance, no two closer than half a standard deviation.
    pub(super) fn breaks(&self) -> Vec<f64> {
        const STEPS: [f64; 9] = [-9.0, -6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0, 9.0];
        let around = |line: &(f64, f64)| STEPS.map(|step| line.0 + step * self.broadening);
        let mut breaks: Vec<f64> = self.lines.iter().flat_map(around).filter(|&point| point > 0.0).collect();
        breaks.sort_by(f64::total_cmp);
        breaks.dedup_by(|next, kept| *next - *kept < 0.5 * self.broadening);
        breaks
    }
}

/// √2π σ times the odd Gaussian G(ω − ω̃) − G(ω + ω̃) = G(ω − ω̃)(1 − e^{−2ωω̃/σ²}).
fn profile(frequency: f64, line: f64, width: f64) -> f64 {
    let distance = (frequency - line) / width;
    let doubled = 2.0 * (frequency / width) * (line / width);
    let odd = if doubled > 40.0 { 1.0 } else { -(-doubled).exp_m1() };
    (-0.5 * distance * distance).exp() * odd
}
