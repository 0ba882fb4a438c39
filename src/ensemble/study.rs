//! What pilot trajectories tell of a whole run: which estimator each curve takes, and what events do that a sample may lack.

use serde::{Deserialize, Serialize};

use super::Layout;
use super::set_choice::ControlSet;

/// Kinds of events, by how often one happens in a trajectory: from 0.3 on, 0.03, 0.003, less often, and that nothing happens at
/// all.
pub const KINDS: usize = 5;

/// The kind of a trajectory that goes on without any jump.
pub const SILENCE: usize = KINDS - 1;

/// The kind of events of which a trajectory has `mean` on average.
pub fn kind(mean: f64) -> usize {
    [0.3, 0.03, 0.003].iter().position(|least| mean >= *least).unwrap_or(SILENCE - 1)
}

/// Events of a kind at which a sample's own spread and what is known beforehand count alike: with n of them the spread of a
/// Poisson number is known to 1/√(2n).
const AS_MANY: f64 = 5.0;

/// What one kind of events does to a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The variance that they give it, E Σ (change)², with two standard errors of its estimate.
    pub variance: f64,
    /// How many of them a trajectory has on average, counted by what they do: (E Σ (change)²)²/E Σ (change)⁴.
    pub events: f64,
}

impl Effect {
    /// This and what `more` does, `factor` times, together.
    pub fn beside(self, more: Self, factor: f64) -> Self {
        let more = Self { variance: factor * factor * more.variance, ..more };
        match (self.variance > 0.0, more.variance > 0.0) {
            // (a + b)² ≤ 2a² + 2b².
            (true, true) => Self {
                variance: 2.0 * (self.variance + more.variance),
                events: if self.variance > more.variance { self.events } else { more.events },
            },
            (true, false) => self,
            (false, _) => more,
        }
    }
}

/// What is smaller is rounding, and its fourth powers are no numbers.
pub const SMALLEST: f64 = 1e-60;

/// Squares of changes that are larger have fourth powers that are no numbers.
const LARGEST: f64 = 1e100;

/// Sums over the events of one kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventSums {
    second: f64,
    second_squared: f64,
    fourth: f64,
}

impl EventSums {
    /// An event that happens `how_often` times in a trial and changes the value by the root of `square`.
    pub fn add(&mut self, how_often: f64, square: f64) {
        let square = square.min(LARGEST);
        let second = how_often * square;
        if second > SMALLEST {
            self.second += second;
            self.second_squared += second * second;
            self.fourth += second * square;
        }
    }

    /// Σ (change)² over all of them.
    pub fn second(&self) -> f64 {
        self.second
    }

    /// The events of one trial together, as one sample of the sum over all that could have happened to it.
    pub fn add_trial(&mut self, trial: Self) {
        self.second += trial.second;
        self.second_squared += trial.second * trial.second;
        self.fourth += trial.fourth;
    }

    /// Those of another stretch of the same trials.
    pub fn merge(&mut self, more: Self) {
        self.second += more.second;
        self.second_squared += more.second_squared;
        self.fourth += more.fourth;
    }

    /// As many of each.
    pub fn times(self, factor: f64) -> Self {
        let Self { second, second_squared, fourth } = self;
        Self { second: factor * second, second_squared: factor * factor * second_squared, fourth: factor * fourth }
    }

    /// What they tell without their own error, gathered from so many trials.
    pub fn mean_effect(self, trials: usize) -> Effect {
        let [second, fourth] = [self.second, self.fourth].map(|sum| sum / trials.max(1) as f64);
        Effect { variance: second, events: if fourth > 0.0 { second * second / fourth } else { 0.0 } }
    }

    /// What they tell, gathered from so many trials.
    pub fn effect(self, trials: usize) -> Effect {
        let count = trials.max(1) as f64;
        let Effect { variance: mean, events } = self.mean_effect(trials);
        let spread = (self.second_squared / count - mean * mean).max(0.0) / (count - 1.0).max(1.0);
        Effect { variance: mean + 2.0 * spread.sqrt(), events }
    }
}

/// What one kind of events does to a value, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// By what became of those that were forced.
    pub forced: Effect,
    /// By what became of those that were sought out, where what the forced ones do at once does not stand for all.
    pub sought: Effect,
    /// By what all that could have happened since the last output time would do at once, where those that were forced do not stand for
    /// them. Each of the three may miss what the others find.
    pub at_once: Effect,
    /// By what all that could have happened since the run began would do at once, if that lasted until the value is changed again.
    pub if_lasting: Effect,
}

impl Known {
    /// Becomes `other`, part by part, where that has the larger variance.
    pub fn take_larger(&mut self, other: &Self) {
        let parts = [&mut self.forced, &mut self.sought, &mut self.at_once, &mut self.if_lasting];
        for (own, other) in parts.into_iter().zip([other.forced, other.sought, other.at_once, other.if_lasting]) {
            if other.variance > own.variance {
                *own = other;
            }
        }
    }
}

/// What events do to a value, kind by kind.
pub type Effects = [Known; KINDS];

/// What pilot trajectories tell of a run.
///
/// A sample cannot know from its own spread which events it has missed: as long as they are rarer than one in M trajectories
/// its variance is too small or even zero. So the events are made to happen, in pilot trajectories of their own that are run
/// twice, with the event and without it; the difference, at every time and in every quantity, weighted with how often the
/// event happens, is the variance that it gives to the value, known before a single one has been sampled.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Study {
    /// Whether each curve of the run's layout is corrected by control variates.
    pub controlled: Vec<bool>,
    /// What the control variates are made of, if there are any.
    pub control_set: Option<ControlSet>,
    /// What numerical errors make of every entry that is estimated, in units of the tolerance.
    pub scale: Vec<f64>,
    /// What events do to every entry of a record, as it is estimated.
    pub record: Vec<Effects>,
    /// How many trajectories were run as the ensemble's are, for this study alone; none where first jumps are stratified.
    pub others: u64,
    /// The variance over these of every entry of a record, as it is estimated.
    pub spread: Vec<f64>,
    /// What they do to the population of every Fock level at the end; to levels beyond, as to the last.
    pub fock: Vec<Effects>,
    /// How many events a trajectory has on average, at most 1, and the largest square change that one made to the
    /// population of a level.
    pub any: [f64; 2],
}

impl Study {
    /// Whether this is of a run whose records have that layout: what is read from a file might not be.
    pub fn fit(&self, layout: &Layout) -> bool {
        let lengths = [self.controlled.len(), self.scale.len(), self.record.len(), self.spread.len()];
        lengths == [layout.curves(), layout.estimates(), layout.len(), layout.len()]
    }

    /// The variance of a trajectory's value that a sample of `trajectories` shows, which is `own`, or, where that is more, what it shows
    /// together with the trajectories that were run besides: each event that those had counts as if the sample had had it.
    pub fn shown(&self, entry: usize, trajectories: f64, own: f64) -> f64 {
        let others = self.others as f64;
        own.max((trajectories * own + others * self.spread[entry]) / (trajectories + others))
    }

    /// The variance of the population of a level of mean `population` that neither the sample nor the pilots can have seen, where
    /// trajectories count with the weight `weight`.
    ///
    /// A level far out is reached by several events in a row only. What has been seen in none of M trajectories happens in up
    /// to 5/M of all (as many as count as known elsewhere), and not more often than anything happens at all; what the sample does show is
    /// not counted twice.
    pub fn beyond(&self, population: f64, weight: f64, trajectories: f64) -> f64 {
        let [events, square] = self.any;
        let seen = population * trajectories / AS_MANY;
        square * (events * weight).min(AS_MANY * weight * weight / trajectories) / (1.0 + seen * seen)
    }

    /// The variance of a trajectory's value that a sample of `trajectories`, which shows the variance `shown`, cannot be trusted to
    /// show.
    ///
    /// What is small beside what the sample shows may be missed: together with the rest it is no larger than one standard error.
    pub fn unseen(effects: &Effects, trajectories: f64, shown: f64) -> f64 {
        let missed = Self::missed(effects, trajectories).max(Self::least(effects, trajectories));
        let seen = shown / missed;
        if missed > 0.0 { missed / (1.0 + seen * seen) } else { 0.0 }
    }

    /// The variance that events give a value of which a sample of `trajectories` has hardly any.
    pub fn missed(effects: &Effects, trajectories: f64) -> f64 {
        let share = |effect: &Effect| {
            let seen = effect.events * trajectories / AS_MANY;
            if effect.variance > 0.0 { effect.variance / (1.0 + seen * seen) } else { 0.0 }
        };
        let most = |known: &Known| share(&known.forced).max(share(&known.sought)).max(share(&known.at_once));
        effects.iter().map(most).sum()
    }

    /// The variance that a sample of `trajectories` must show at least where the error of a value is to be known.
    ///
    /// What events do that leave no trace after a while is known badly from a few that were forced, as it depends on when they
    /// happen. But of a value that one of them can change by δ a sample knows the error only if it shows a variance of some δ²/M: with
    /// less, as many may have been missed as would go together with none seen (the "rule of three", Hanley and Lippman-Hand, JAMA
    /// 249, 1743 (1983), and so on beyond 95 %).
    fn least(effects: &Effects, trajectories: f64) -> f64 {
        let few = |effect: &Effect| effect.variance / (effect.events * trajectories / AS_MANY).max(1.0);
        effects.iter().map(|known| few(&known.if_lasting)).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event of probability p that changes a value by 1: variance p as long as few have been seen, nothing when many have.
    #[test]
    fn what_a_sample_shows_is_not_counted_twice() {
        let mut effects = Effects::default();
        let [rare, small] = [Effect { variance: 1e-4, events: 1e-4 }, Effect { variance: 1e-3, events: 10.0 }];
        let known = &mut effects[kind(1e-4)];
        known.forced = rare;
        assert!((Study::unseen(&effects, 100.0, 0.0) - 1e-4).abs() < 1e-6);
        assert!((Study::unseen(&effects, 5e4, 0.0) - 0.5e-4).abs() < 1e-9);
        assert!(Study::unseen(&effects, 1e7, 0.0) < 1e-7);
        assert_eq!(Study::unseen(&Effects::default(), 2.0, 0.0), 0.0);
        // Many small events beside it do not make up for the one that is rare, whichever way they are known.
        for [forced, at_once] in [[rare, small], [small, rare]] {
            effects[kind(1e-4)] = Known { forced, at_once, ..Known::default() };
            assert!((Study::unseen(&effects, 100.0, 0.0) - 1e-4).abs() < 1e-6);
        }
    }

    /// Two events a trajectory that change a value by 2, but not for long: as long as the sample shows nothing of them, some in it may
    /// have been missed; what it shows of five is enough.
    #[test]
    fn what_may_not_last_is_missed_until_the_sample_shows_it() {
        let mut effects = Effects::default();
        effects[kind(2.0)].if_lasting = Effect { variance: 8.0, events: 2.0 };
        let least = 4.0 * AS_MANY / 1000.0;
        assert!((Study::unseen(&effects, 1000.0, 0.0) - least).abs() < 1e-9);
        assert!(Study::unseen(&effects, 1000.0, 4.0 * least) < 0.06 * least);
        // Not more often than they happen at all.
        effects[kind(1e-6)].if_lasting = Effect { variance: 4e-6, events: 1e-6 };
        effects[kind(2.0)] = Known::default();
        assert!((Study::unseen(&effects, 1000.0, 0.0) - 4e-6).abs() < 1e-12);
    }

    /// One event of size 1 in 100 trajectories besides the sample counts as one of 1100; where the sample shows more by itself, that
    /// stands.
    #[test]
    fn events_seen_outside_the_sample_count_as_its_own() {
        let study = Study { others: 100, spread: vec![0.01, 0.0], ..Study::default() };
        assert!((study.shown(0, 1000.0, 0.0) - 1.0 / 1100.0).abs() < 1e-12);
        assert_eq!((study.shown(0, 1000.0, 0.02), study.shown(1, 1000.0, 0.02)), (0.02, 0.02));
        assert_eq!(Study { others: 0, ..study }.shown(0, 1000.0, 1e-4), 1e-4);
    }

    #[test]
    fn kinds_are_told_apart_by_how_often_they_happen() {
        assert_eq!([8.0, 0.1, 0.01, 1e-9].map(kind), [0, 1, 2, 3]);
    }
}
