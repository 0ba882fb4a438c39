//! What chance allows: bounds of counts and half-widths of intervals.

use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Normal, Poisson, StudentsT};

/// What is so unlikely is called wrong: beyond five standard deviations to one side of a normal distribution, 2.9e-7.
pub const FALSE_ALARM: f64 = 2.866_515_718_791_939e-7;

/// From so many units on an error bar is taken as normal; below, intervals are those of Student's t.
pub const NORMAL_FROM: u64 = 32;

/// From so many units on Student's t is normal to eight digits.
const LARGE: u64 = 1 << 24;

/// Probability that a normal deviation is within `sigmas` standard deviations.
pub fn normal_probability(sigmas: f64) -> f64 {
    1.0 - 2.0 * Normal::standard().sf(sigmas)
}

/// Half-width, in standard errors, of the interval that covers as often as `sigmas` normal ones do, for the mean of `units`
/// independent units: of Student's t with one degree of freedom less below [`NORMAL_FROM`] units. Infinite for a single unit.
pub fn half_width(sigmas: f64, units: u64) -> f64 {
    match units {
        0 | 1 => f64::INFINITY,
        few if few < NORMAL_FROM => {
            let student = StudentsT::new(0.0, 1.0, (few - 1) as f64);
            student.map_or(f64::INFINITY, |student| student.inverse_cdf(1.0 - Normal::standard().sf(sigmas)))
        }
        _ => sigmas,
    }
}

/// Probability that the mean of `units` normal units lies further than `sigmas` of its own standard errors from the truth.
pub fn beyond_probability(sigmas: f64, units: u64) -> f64 {
    let normal = 2.0 * Normal::standard().sf(sigmas);
    match units {
        0 | 1 => 1.0,
        LARGE.. => normal,
        _ => StudentsT::new(0.0, 1.0, (units - 1) as f64).map_or(normal, |student| 2.0 * student.sf(sigmas)),
    }
}

/// The fewest of `runs` that an interval of probability `nominal` covers but for one case in 1/[`FALSE_ALARM`]: by the exact
/// binomial distribution.
pub fn fewest(runs: u64, nominal: f64) -> u64 {
    Binomial::new(nominal, runs).map_or(0, |binomial| binomial.inverse_cdf(FALSE_ALARM))
}

/// The most rare events that are seen where `expected` are, but for one case in 1/[`FALSE_ALARM`]: by the Poisson distribution.
pub fn most(expected: f64) -> u64 {
    let Ok(poisson) = Poisson::new(expected) else { return 0 };
    (0..).find(|&count| poisson.sf(count) < FALSE_ALARM).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn half_widths_are_the_tabulated_ones() {
        assert_relative_eq!(half_width(2.0, 32), 2.0);
        // t₁: tan(π(p − ½)); t₂: 2α√(2/(α'))… both by hand for p = 0.97725.
        let p = 1.0 - Normal::standard().sf(2.0);
        assert_relative_eq!(half_width(2.0, 2), (std::f64::consts::PI * (p - 0.5)).tan(), max_relative = 1e-6);
        let q = 4.0 * p * (1.0 - p);
        assert_relative_eq!(half_width(2.0, 3), 2.0 * (p - 0.5) * (2.0 / q).sqrt() * 1.0, max_relative = 1e-6);
        assert!(half_width(2.0, 31) > 2.0 && half_width(2.0, 31) < 2.1);
        assert!(half_width(2.0, 1).is_infinite());
    }

    #[test]
    fn counts_are_bounded_by_their_own_distributions() {
        let nominal = normal_probability(2.0);
        for runs in [20, 60, 200, 1000] {
            let fewest = fewest(runs, nominal);
            let binomial = Binomial::new(nominal, runs).expect("valid");
            assert!(binomial.cdf(fewest) >= FALSE_ALARM, "{runs}");
            assert!(fewest == 0 || binomial.cdf(fewest - 1) < FALSE_ALARM, "{runs}");
        }
        // The normal approximation would put it at 176.2.
        assert!((170..176).contains(&fewest(200, nominal)), "{}", fewest(200, nominal));
        assert_eq!(most(0.0), 0);
        let [few, many] = [most(0.1), most(100.0)];
        assert!((4..7).contains(&few) && (150..165).contains(&many), "{few} {many}");
    }

    #[test]
    fn few_units_go_beyond_more_often() {
        for units in [1_000_000, LARGE, u64::MAX] {
            assert_relative_eq!(beyond_probability(5.0, units), 2.0 * FALSE_ALARM, max_relative = 1e-3);
        }
        assert!(beyond_probability(5.0, 100) > 3.0 * 5.7e-7);
    }
}
