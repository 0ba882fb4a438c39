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

/// Probes after which the bracket is halved each time.
const FEWEST_HALVED: usize = 20;

/// Newton steps towards the root of a cubic: their errors square.
const CUBIC_ITERATIONS: usize = 4;

/// Finds the instant at which ln‖ψ‖² = `level` between `start` (above it) and `end` (at or below it).
///
/// `probe` evaluates the ket at a time; the ket of its last call is the one at the returned instant. Every probe is where the
/// cubic with the values and slopes of ln‖ψ‖² at both ends of the bracket meets the level: ‖ψ‖² never rises, so there is
/// one root, and it stays in the bracket. Ends when Newton's correction of a probe is below `accuracy`.
pub fn root(
    level: f64,
    start: Survival,
    end: Survival,
    accuracy: f64,
    mut probe: impl FnMut(f64) -> Survival,
) -> Survival {
    let (mut low, mut high) = (start, end);
    for iteration in 0..MAX_ITERATIONS {
        let middle = 0.5 * (low.time + high.time);
        // Should the cubics not close in, halves do.
        let guess = if iteration < FEWEST_HALVED { meeting(level, low, high) } else { middle };
        let last = probe(if guess > low.time && guess < high.time { guess } else { middle });
        let excess = last.log_norm - level;
        let newton = excess / last.rate;
        if newton.abs() <= accuracy || high.time - low.time <= accuracy {
            return last;
        }
        *(if excess > 0.0 { &mut low } else { &mut high }) = last;
    }
    probe(0.5 * (low.time + high.time))
}

/// Where the cubic with the values and slopes of ln‖ψ‖² at both ends meets `level`.
fn meeting(level: f64, start: Survival, end: Survival) -> f64 {
    let span = end.time - start.time;
    let drop = start.log_norm - end.log_norm;
    let fraction_dropped = ((start.log_norm - level) / drop).clamp(0.0, 1.0);
    // p(u) = drop already made at the fraction u of the step, in units of the whole drop.
    let (s0, s1) = (start.rate * span / drop, end.rate * span / drop);
    if !(drop > 0.0 && s0.is_finite() && s1.is_finite()) {
        return 0.5 * (start.time + end.time);
    }
    let (square, cube) = (3.0 - 2.0 * s0 - s1, s0 + s1 - 2.0);
    let p = |u: f64| u * (s0 + u * (square + u * cube));
    let slope = |u: f64| s0 + u * (2.0 * square + u * 3.0 * cube);
    // From the end that is nearer, in the value, along its slope.
    let along = if fraction_dropped < 0.5 { fraction_dropped / s0 } else { 1.0 - (1.0 - fraction_dropped) / s1 };
    let mut u = if along > 0.0 && along < 1.0 { along } else { fraction_dropped };
    for _ in 0..CUBIC_ITERATIONS {
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
