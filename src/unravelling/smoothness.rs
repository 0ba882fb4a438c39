//! How smooth a function of time was over a stretch, so that the next stretch is sampled as finely as needed at the first attempt.

use super::chebyshev::{RULES, Rule};

/// How fast the Chebyshev coefficients of a function fall: like size·(ratio·length)^d/d!, as those of an entire function do.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Smoothness {
    /// log₂ of the ratio.
    ratio: f64,
}

impl Smoothness {
    /// From the size of the function and the part of it that `rule` left out over a stretch of this length, all positive.
    pub fn of(rule: &Rule, size: f64, left: f64, length: f64) -> Self {
        let fall = rough_log2(left) - rough_log2(size) + rule.log2_factorial;
        Self { ratio: fall / rule.degree as f64 - rough_log2(length) }
    }

    /// The number of the first rule from number `from` on, or else of the last one, that should make no larger errors of the integrals
    /// of a function of this size than `allowed`, over the whole stretch and within it, per unit of length.
    pub fn enough(self, from: usize, size: f64, length: f64, allowed: [f64; 2]) -> usize {
        let (size, fall) = (rough_log2(size) + ROOM, self.ratio + rough_log2(length));
        let [whole, within] = allowed.map(rough_log2);
        let rules = RULES.split_last().map_or(&RULES[..], |(_, rules)| rules);
        let last = rules.len();
        let holds = |rule: &Rule| {
            let left = size + rule.degree as f64 * fall - rule.log2_factorial;
            let [of_whole, of_within] = rule.log2_shares;
            left + of_whole <= whole && left + of_within <= within
        };
        (from..last).find(|i| holds(&rules[*i])).unwrap_or(last)
    }
}

/// log₂ of the room left for stretches less smooth than the last one: a rule too poor costs more than one too rich.
const ROOM: f64 = 3.0;

/// log₂ x of a positive number, infinity included, to 0.01: its exponent, and of its fraction 1 + m the parabola through 0, ½ and 1.
fn rough_log2(x: f64) -> f64 {
    const FRACTION: u64 = (1 << 52) - 1;
    /// 4·(log₂ 1.5 − ½).
    const BEND: f64 = 0.339_850_002_884_624_8;
    let bits = x.to_bits();
    let m = f64::from_bits((bits & FRACTION) | 1.0f64.to_bits()) - 1.0;
    (bits >> 52) as f64 - 1023.0 + m + BEND * m * (1.0 - m)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_roughly_right() {
        for i in -6000..6000 {
            let x = (f64::from(i) * 0.1).exp();
            assert!((rough_log2(x) - x.log2()).abs() < 0.01, "{x}: {}", rough_log2(x));
        }
        assert!(rough_log2(f64::INFINITY) >= rough_log2(f64::MAX));
    }

    /// e^{−λs}: what is left out of stretches of other lengths is foretold from one, within a factor of three, and the rule chosen
    /// errs by no more than allowed, give or take that factor, while two rules before it err by more.
    #[test]
    fn what_rules_leave_is_foretold_from_one_stretch() {
        let sample = |rule: &Rule, length: f64| {
            let values: Vec<f64> = rule.fractions.iter().map(|fraction| (-3.0 * fraction * length).exp()).collect();
            let mut left = [0.0];
            rule.left_out(&values, &mut [0.0; 4], &mut left);
            left[0]
        };
        let (known, length) = (&RULES[4], 0.4);
        let smoothness = Smoothness::of(known, 1.0, sample(known, length), length);
        for length in [0.1, 0.2, 0.4, 0.8] {
            for allowed in [1e-6, 1e-9] {
                let choice = smoothness.enough(0, 1.0, length, [allowed, f64::INFINITY]);
                let error = |rule: &Rule| rule.share_of_whole * sample(rule, length);
                assert!(error(&RULES[choice]) < 3.0 * allowed, "{length} {allowed}: rule {choice}");
                assert!(smoothness.enough(0, 1.0, length, [f64::INFINITY, allowed]) >= choice);
                if choice > 1 {
                    assert!(error(&RULES[choice - 2]) > allowed, "{length} {allowed}: rule {choice} is too rich");
                }
            }
        }
        assert_eq!(smoothness.enough(3, 1.0, 1e-3, [1.0; 2]), 3);
        assert_eq!(smoothness.enough(0, 1.0, 1e3, [1e-9; 2]), RULES.len() - 1);
    }
}
