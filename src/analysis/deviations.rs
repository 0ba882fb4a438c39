//! Deviations from an exact value in units of the reported error, counted over independent runs.

use serde::{Deserialize, Serialize};

use super::chance::{fewest, half_width, normal_probability};

/// Half-widths of the intervals, in standard errors: 68.27 % and 95.45 % of normal deviations.
const SIGMAS: [f64; 2] = [1.0, 2.0];

/// Coverage is called generous when it lies this many binomial standard errors above the nominal one.
const GENEROUS: f64 = 5.0;

/// How often the exact value was within an interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Probability that a normal deviation is within it.
    pub nominal: f64,
    /// Fraction of the runs in which it was.
    pub seen: f64,
    /// Binomial standard error √(p(1 − p)/runs) of that fraction, p the nominal one.
    pub binomial_error: f64,
    /// The smallest fraction that chance allows: below lies a binomial probability of 2.9e-7.
    pub lowest: f64,
}

impl Level {
    /// Whether the coverage is too low to be chance.
    pub fn is_low(&self) -> bool {
        self.seen < self.lowest
    }

    /// Whether it is as it should be, neither too low nor too high.
    pub fn is_right(&self) -> bool {
        !self.is_low() && self.seen <= self.nominal + GENEROUS * self.binomial_error
    }
}

/// z-scores of one estimate, counted.
#[derive(Debug, Clone)]
pub struct Deviations {
    half_widths: [f64; 2],
    runs: u64,
    numerical: u64,
    inside: [u64; 2],
    finite: u64,
    mean: f64,
    squares: f64,
    errors: f64,
    deviations: f64,
}

impl Default for Deviations {
    fn default() -> Self {
        Self::of_units(u64::MAX)
    }
}

impl Deviations {
    /// Deviations of means of so many independent units: with few of them, intervals are wider, by Student's t.
    pub fn of_units(units: u64) -> Self {
        let half_widths = SIGMAS.map(|sigmas| half_width(sigmas, units));
        let (runs, numerical, inside, finite) = (0, 0, [0; 2], 0);
        Self { half_widths, runs, numerical, inside, finite, mean: 0.0, squares: 0.0, errors: 0.0, deviations: 0.0 }
    }

    /// Adds one run. A deviation up to `tolerance` (absolute) is numerical and covered whatever the standard error is.
    pub fn push(&mut self, estimate: f64, standard_error: f64, exact: f64, tolerance: f64) {
        let deviation = estimate - exact;
        let numerical = deviation.abs() <= tolerance;
        self.runs += 1;
        self.numerical += u64::from(numerical && standard_error <= tolerance);
        self.errors += standard_error;
        self.deviations += deviation * deviation;
        let z = deviation / standard_error;
        for (half_width, inside) in self.half_widths.iter().zip(&mut self.inside) {
            *inside += u64::from(numerical || (standard_error.is_finite() && z.abs() <= *half_width));
        }
        // Without an error bar the run is outside every interval; there is no z to average.
        if z.is_finite() {
            self.finite += 1;
            let from_mean = z - self.mean;
            self.mean += from_mean / self.finite as f64;
            self.squares += from_mean * (z - self.mean);
        }
    }

    /// Runs counted.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Whether every run was within the numerical tolerance, by its value and by its standard error: nothing to test.
    pub fn is_numerical(&self) -> bool {
        self.numerical == self.runs
    }

    /// Mean of the finite z.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Sample variance of the finite z; 0 for fewer than two.
    pub fn variance(&self) -> f64 {
        self.squares / self.finite.saturating_sub(1).max(1) as f64
    }

    /// Mean standard error.
    pub fn mean_error(&self) -> f64 {
        self.errors / self.runs as f64
    }

    /// Root of the mean squared deviation: the error that the estimates really have.
    pub fn true_error(&self) -> f64 {
        (self.deviations / self.runs as f64).sqrt()
    }

    /// Coverage of one and of two standard errors.
    pub fn levels(&self) -> [Level; 2] {
        let runs = self.runs as f64;
        [0, 1].map(|i| {
            let nominal = normal_probability(SIGMAS[i]);
            let binomial_error = (nominal * (1.0 - nominal) / runs).sqrt();
            let lowest = fewest(self.runs, nominal) as f64 / runs;
            Level { nominal, seen: self.inside[i] as f64 / runs, binomial_error, lowest }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

    #[test]
    fn quantiles_of_a_normal_distribution_cover_and_others_do_not() {
        let normal = Normal::standard();
        let levels = |scale: f64| {
            let mut deviations = Deviations::default();
            let z = (0..1000).map(|i| normal.inverse_cdf((i as f64 + 0.5) / 1000.0));
            z.for_each(|z| deviations.push(3.0 + scale * z * 0.1, 0.1, 3.0, 0.0));
            (deviations.levels(), deviations.variance())
        };
        let (right, variance) = levels(1.0);
        assert_relative_eq!(right[0].seen, 0.682, epsilon = 0.002);
        assert_relative_eq!(right[1].nominal, 0.9545, epsilon = 1e-4);
        assert_relative_eq!(variance, 1.0, epsilon = 0.01);
        assert!(right.iter().all(|level| level.is_right() && !level.is_low()));
        assert!(levels(1.4).0.iter().all(|level| !level.is_right() && level.is_low()), "error bars too small");
        assert!(levels(0.6).0.iter().all(|level| !level.is_right() && !level.is_low()), "error bars too large");
        assert!(levels(2.0).0.iter().all(Level::is_low), "error bars halved");
    }

    #[test]
    fn few_units_are_judged_by_student() {
        // Two units: their t has one degree of freedom, and 200 runs of it cover by Student's intervals, not by normal ones.
        let student = StudentsT::new(0.0, 1.0, 1.0).expect("valid");
        let mut of = [Deviations::of_units(2), Deviations::default()];
        for i in 0..200 {
            let t = student.inverse_cdf((f64::from(i) + 0.5) / 200.0);
            of.iter_mut().for_each(|deviations| deviations.push(t, 1.0, 0.0, 0.0));
        }
        let [by_student, by_normal] = of.map(|deviations| deviations.levels()[1]);
        assert!(!by_student.is_low() && by_normal.is_low(), "{by_student:?} {by_normal:?}");
    }

    #[test]
    fn a_missing_error_bar_is_never_right() {
        let mut deviations = Deviations::default();
        deviations.push(1e-9, 0.0, 0.0, 1e-6);
        assert!(deviations.is_numerical(), "zero within the numerical tolerance says nothing");
        deviations.push(1.0, 0.0, 0.0, 1e-6);
        assert_eq!((deviations.runs(), deviations.levels()[1].seen, deviations.mean()), (2, 0.5, 0.0));
        for error in [f64::NAN, f64::INFINITY] {
            let mut deviations = Deviations::default();
            deviations.push(1.0, error, 0.0, 1e-6);
            assert_eq!(deviations.levels()[1].seen, 0.0, "{error}");
        }
    }
}
