//! When the next jump falls: the root of ‖ψ(s)‖² = r on the dense output of a step.

/// ln‖ψ‖² and its rate of decrease Σ‖L_mψ‖²/‖ψ‖² at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Survival {
    /// Time since the step began.
    pub time: f64,
    /// ln‖ψ(s)‖².
    pub log_norm: f64,
    /// −d ln‖ψ‖²/ds ≥ 0.
    pub rate: f64,
}

/// More iterations than bisection to the last bit could need.
const MAX_ITERATIONS: usize = 200;

/// Finds the instant at which ln‖ψ‖² = `level` between `start` (above it) and `end` (at or below it).
///
/// `probe` evaluates the ket at a time; the ket of its last call is the one at the returned instant. Newton's method on
/// ln‖ψ‖², which is a straight line for a constant jump rate, started from the cubic through both ends and held in a
/// bracket: ‖ψ‖² never rises, so the root is the only one. Ends when the next correction is below `accuracy`.
pub fn root(
    level: f64,
    start: Survival,
    end: Survival,
    accuracy: f64,
    mut probe: impl FnMut(f64) -> Survival,
) -> Survival {
    let (mut low, mut high) = (start.time, end.time);
    let mut guess = cubic_guess(level, start, end);
    let mut last = end;
    for _ in 0..MAX_ITERATIONS {
        last = probe(guess);
        let excess = last.log_norm - level;
        if excess > 0.0 {
            low = last.time;
        } else {
            high = last.time;
        }
        let newton = excess / last.rate;
        if newton.abs() <= accuracy || high - low <= accuracy {
            break;
        }
        guess = last.time + newton;
        if !(guess > low && guess < high) {
            guess = 0.5 * (low + high);
        }
    }
    last
}

/// Where the cubic with the values and slopes of ln‖ψ‖² at both ends meets `level`.
fn cubic_guess(level: f64, start: Survival, end: Survival) -> f64 {
    let span = end.time - start.time;
    let drop = start.log_norm - end.log_norm;
    let fraction_dropped = ((start.log_norm - level) / drop).clamp(0.0, 1.0);
    // p(u) = drop already made at the fraction u of the step, in units of the whole drop.
    let (s0, s1) = (start.rate * span / drop, end.rate * span / drop);
    if !(drop > 0.0 && s0.is_finite() && s1.is_finite()) {
        return 0.5 * (start.time + end.time);
    }
    let p = |u: f64| u * (s0 + u * (3.0 - 2.0 * s0 - s1 + u * (s0 + s1 - 2.0)));
    let slope = |u: f64| s0 + u * (2.0 * (3.0 - 2.0 * s0 - s1) + u * 3.0 * (s0 + s1 - 2.0));
    let mut u = fraction_dropped;
    for _ in 0..2 {
        let next = u + (fraction_dropped - p(u)) / slope(u);
        if !(next > 0.0 && next < 1.0) {
            break;
        }
        u = next;
    }
    start.time + span * u
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survival(time: f64) -> Survival {
        // Rate that starts at zero and oscillates: ln‖ψ‖² = −(t − sin t).
        Survival { time, log_norm: -(time - time.sin()), rate: 1.0 - time.cos() }
    }

    #[test]
    fn finds_the_root_of_an_uneven_decay() {
        for level in [-1e-9, -0.01, -1.0, -5.9] {
            let found = root(level, survival(0.0), survival(6.0), 1e-13, survival);
            assert!((found.log_norm - level).abs() < 1e-12, "{level}: {found:?}");
        }
    }

    #[test]
    fn a_constant_rate_takes_two_probes() {
        let line = |time: f64| Survival { time, log_norm: -2.0 * time, rate: 2.0 };
        let mut probes = 0;
        let found = root(-1.0, line(0.0), line(1.0), 1e-14, |t| {
            probes += 1;
            line(t)
        });
        assert!((found.time - 0.5).abs() < 1e-14 && probes <= 2);
    }
}
