//! The instants at which trials are looked at for jumps to be forced.

use super::candidates::Instant;
use crate::unravelling::Chance;

/// Parts that the places of all instants are divided into; each trial has a jump forced in one of them.
const PARTS: usize = 6;

/// Instants at which one trajectory is looked at for jumps to be forced, and others in each of the other parts.
const INSTANTS: usize = 16;
const ELSEWHERE: usize = 2;

/// Most instants at which one trajectory is looked at.
pub const MOST_INSTANTS: usize = INSTANTS + (PARTS - 1) * ELSEWHERE;

/// Instants in the part of all that `place` lies in, where a jump may be forced, and fewer in the other parts.
pub fn around(times: &[f64], place: f64, chance: &mut impl Chance) -> Vec<Instant> {
    let chosen = ((place * PARTS as f64) as usize).min(PARTS - 1);
    let mut instants = Vec::new();
    for part in 0..PARTS {
        let count = if part == chosen { INSTANTS } else { ELSEWHERE };
        for k in 0..count {
            let within = (k as f64 + chance.uniform()) / count as f64;
            let (time, density) = instant(times, (part as f64 + within) / PARTS as f64);
            // The part that a trial looks at is any of them.
            let forced = 1.0 / (density * count as f64);
            instants.push(Instant {
                time,
                duration: forced / PARTS as f64,
                forced: if part == chosen { forced } else { 0.0 },
            });
        }
    }
    instants
}

/// Instants after `time`: soon after, before the next output time, and anywhere, as often each.
pub fn after(time: f64, times: &[f64], chance: &mut impl Chance) -> Vec<Instant> {
    let end = times.last().copied().unwrap_or(0.0);
    let output = times.iter().copied().find(|output| *output > time).unwrap_or(end);
    let spans = [time.min(end - time), output - time, end - time];
    let each = INSTANTS / spans.len();
    let mut instants = Vec::new();
    for span in spans {
        for k in 0..each {
            let later = span * (k as f64 + chance.uniform()) / each as f64;
            let density: f64 = spans.iter().filter(|span| later < **span).map(|span| 1.0 / span).sum();
            let duration = if density > 0.0 { 1.0 / (density * each as f64) } else { 0.0 };
            instants.push(Instant { time: time + later, duration, forced: duration });
        }
    }
    instants
}

/// Least share of events before the first output time.
const EARLY: f64 = 0.2;

/// The instant at the place `u` in (0, 1) of those at which jumps are forced, and the density there: evenly before the first
/// output time, then evenly in ln t, so that every output time has events before it.
fn instant(times: &[f64], u: f64) -> (f64, f64) {
    let end = times.last().copied().unwrap_or(1.0);
    let first = times.iter().copied().find(|time| *time > 0.0).unwrap_or(end);
    let decades = (end / first).ln();
    let early = if decades > 0.0 { (1.0 / (1.0 + decades)).max(EARLY) } else { 1.0 };
    if u < early {
        (first * u / early, early / first)
    } else {
        let time = first * ((u - early) / (1.0 - early) * decades).exp();
        (time, (1.0 - early) / (decades * time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::{Purpose, Streams};

    /// The durations of one trajectory's instants add up to the run, and so do those for jumps over all trials.
    #[test]
    fn instants_stand_for_the_whole_run() {
        const TRIALS: usize = 6000;
        let (times, mut chance) = ([0.0, 0.01, 10.0], Streams::new(1).open(0, Purpose::TrialEvents));
        let mut sums = [[0.0; 2]; 2];
        for trial in 0..TRIALS {
            for found in around(&times, (trial as f64 + 0.5) / TRIALS as f64, &mut chance) {
                for (sum, duration) in sums.iter_mut().zip([found.duration, found.forced]) {
                    sum[0] += duration / TRIALS as f64;
                    sum[1] += duration * found.time / TRIALS as f64;
                }
            }
        }
        for [whole, first] in sums {
            // ∫ dt and ∫ t dt; a trial's stratified estimate of the first has a spread of about 1 of 10.
            assert!((whole / 10.0 - 1.0).abs() < 0.01 && (first / 50.0 - 1.0).abs() < 0.01, "{whole} {first}");
        }
        let sum = |instants: Vec<Instant>| instants.iter().map(|instant| instant.duration).sum::<f64>();
        let mean = (0..TRIALS).map(|_| sum(after(2.0, &[0.0, 2.5, 10.0], &mut chance))).sum::<f64>() / TRIALS as f64;
        assert!((mean / 8.0 - 1.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn instants_have_the_density_that_they_say() {
        for times in [vec![0.0, 2.0], vec![0.0, 0.01, 10.0], vec![0.0, 1.0, 1.5]] {
            let end = times[times.len() - 1];
            let places = (0..20_000).map(|i| (f64::from(i) + 0.5) / 20_000.0);
            // ∫ dt = E[1/density], and ∫ t dt = E[t/density].
            let sums = places.map(|u| instant(&times, u)).fold([0.0; 2], |[a, b], (time, density)| {
                assert!(time > 0.0 && time < end);
                [a + 1.0 / density, b + time / density]
            });
            let [whole, first] = sums.map(|sum| sum / 20_000.0);
            assert!((whole / end - 1.0).abs() < 1e-3 && (first / (0.5 * end * end) - 1.0).abs() < 1e-3);
        }
    }
}
