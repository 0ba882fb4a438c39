//! The surrogate of a bath: the density with which a bath of the other kind does the same, Eq. (21) and (22).

use super::{Bath, SpectralDensity};

/// Rows per decade, and how far beyond Ω₀ and the bath's characteristic frequency.
const PER_DECADE: f64 = 40.0;
const REACH: f64 = 1e4;
/// Rows per standard deviation of a broadened list, and most of them.
const PER_WIDTH: f64 = 24.0;
const MOST: f64 = 50_000.0;

impl Bath {
    /// Rows (ω, J) of the density with which a bath of the other kind at the same temperature has the same coefficients and
    /// kernels: J tanh(ω/2T) for a bath of spins, Eq. (22), J coth(ω/2T) for one of oscillators, Eq. (21).
    ///
    /// At the rows of a table, evenly over the range of a broadened list, else evenly in ln ω. `None` for a sharp comb, whose
    /// lines no table holds.
    pub fn surrogate(&self) -> Option<Vec<(f64, f64)>> {
        let row = |w: f64| (w, self.kind.surrogate(self.density.at(w), w, self.temperature));
        let rows = |count: f64, at: &dyn Fn(f64) -> f64| {
            (0..=count as u32).map(|k| row(at(f64::from(k) / count))).collect::<Vec<_>>()
        };
        let found = match &self.density {
            SpectralDensity::Spins(spins) if spins.is_sharp() => return None,
            SpectralDensity::Spins(spins) => {
                let [low, high] = spins.range();
                let count = (PER_WIDTH * (high - low) / spins.broadening()).ceil().min(MOST);
                rows(count, &|part| low + part * (high - low))
            }
            SpectralDensity::Table(table) => table.frequencies().iter().map(|&w| row(w)).collect(),
            density => {
                let scales = [self.frequency, density.characteristic_frequency()];
                let [low, high] = [scales[0].min(scales[1]) / REACH, scales[0].max(scales[1]) * REACH];
                let high = high.min(density.shape().high);
                rows((PER_DECADE * (high / low).log10()).ceil(), &|part| low * (high / low).powf(part))
            }
        };
        // Only 0·coth 0 at ω = 0 is no number.
        Some(found.into_iter().filter(|(_, density)| density.is_finite()).collect())
    }
}
