//! What jumps do at once, and how long that lasts.

use std::collections::BTreeMap;

use super::candidates::Candidate;
use super::study::{EventSums, KINDS};

/// A value that is so much nearer to the usual one after a jump than before it has come back.
const NEARER: f64 = 0.5;

/// Where, when and how often something happens.
#[derive(Clone, Copy)]
pub struct Happening {
    /// The output time that comes next, by its number and itself.
    pub end: (usize, f64),
    /// The weight of the trajectory then.
    pub weight: f64,
    /// Its kind.
    pub kind: usize,
}

/// What jumps did at once, on its way to later output times: it lasts until the observable is changed again, at about the rate at which
/// jumps changed it when it happened.
#[derive(Default)]
pub struct Fading {
    /// By observable or weight, the power of two below that rate, and kind: what there is at an output time of what came since the one
    /// before.
    sums: BTreeMap<(usize, Option<i32>, usize), BTreeMap<usize, EventSums>>,
}

impl Fading {
    /// Adds what `channel` would do at an instant of a path, as one of `often` such jumps; `usual` are the means at the output time that
    /// comes next.
    pub fn add(
        &mut self,
        of: Happening,
        candidate: &Candidate,
        channel: usize,
        often: f64,
        usual: impl Fn(usize) -> f64,
    ) {
        let Candidate { instant, rates, values, changes, .. } = candidate;
        let columns = values.len();
        let changed = changes[channel * columns..][..columns].iter().enumerate();
        for (column, change) in changed.filter(|(_, change)| **change != 0.0) {
            let all = changes.iter().skip(column).step_by(columns).zip(rates);
            let rate: f64 = all.filter(|(change, _)| **change != 0.0).map(|(_, rate)| rate).sum();
            let weighted = of.weight != 1.0;
            // What comes closer to what is usual is nothing that a sample lacks.
            let [before, after] = [0.0, *change].map(|change| (values[column] + change - usual(column)).abs());
            if !weighted && after < NEARER * before {
                continue;
            }
            // What has a weight keeps its sign, whatever happens.
            let fades = (!weighted && rate > 0.0).then(|| rate.log2().floor() as i32);
            let left = left(fades, of.end.1 - instant.time);
            let sums = self.sums.entry((column, fades, of.kind)).or_default().entry(of.end.0).or_default();
            sums.add(often * left, change * change * of.weight * of.weight);
        }
    }

    /// What there is at every output time, in `entries` places of which `entry` tells that of an output time and an observable.
    pub fn finish(
        self,
        times: &[f64],
        entries: usize,
        entry: impl Fn(usize, usize) -> usize,
    ) -> Vec<[EventSums; KINDS]> {
        let mut all = vec![[EventSums::default(); KINDS]; entries];
        for ((column, fades, kind), new) in self.sums {
            let (mut now, mut before) = (EventSums::default(), 0.0);
            for (time, at) in times.iter().enumerate() {
                now = now.times(left(fades, at - before));
                new.get(&time).into_iter().for_each(|new| now.merge(*new));
                all[entry(time, column)][kind].merge(now);
                before = *at;
            }
        }
        all
    }
}

/// What is left of a change after so long.
fn left(fades: Option<i32>, duration: f64) -> f64 {
    fades.map_or(1.0, |power| (-f64::from(power).exp2() * duration).exp())
}
