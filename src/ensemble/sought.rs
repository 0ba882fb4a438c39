//! Jumps that are sought out among all that could have happened to any trial, where those forced by chance do not stand for what they do.

use super::Layout;
use super::branch::{Branch, Choice, Sought, branches, counts};
use super::fading::Happening;
use super::immediate::{EventTable, entry, happening, is_represented};
use super::job::Job;
use super::study::{EventSums, KINDS, SILENCE};
use super::threads::Threads;
use super::trial::{Trial, Trials};
use crate::Result;
use crate::system::{Experiment, OpenSystem};
use crate::unravelling::{Chance, ForcedJump, choose};

/// What is looked for: what jumps of a kind since the output time before do at once to an observable, or to the weight.
struct Target {
    time: usize,
    column: usize,
    kind: usize,
    /// Σ rate × duration × change² over all that could have happened.
    total: f64,
}

/// A jump that could have happened.
struct Possible {
    /// It, once for every time that it happens.
    choice: Choice,
    /// The output time that comes next.
    time: usize,
    kind: usize,
    /// The trajectory's weight then.
    weight: f64,
}

/// Where jumps are sought.
pub struct Search<'a> {
    experiment: &'a Experiment,
    layout: Layout,
    branches: Vec<Vec<Branch<'a>>>,
    possible: Vec<Possible>,
}

impl<'a> Search<'a> {
    /// Among all that could have happened to `tests`, where a trajectory that jumps counts with the weight `weight`.
    pub fn new(experiment: &'a Experiment, layout: Layout, tests: &'a [Trial], weight: f64) -> Self {
        let branches: Vec<Vec<Branch>> = tests.iter().map(branches).collect();
        let mut possible = Vec::new();
        for (trial, branches) in branches.iter().enumerate() {
            for (number, branch) in branches.iter().enumerate() {
                for (candidate, found) in branch.found.iter().enumerate() {
                    let once = branch.often * counts(weight, branch.jumped || found.after_another);
                    for (channel, rate) in found.rates.iter().enumerate() {
                        let often = once * rate * found.instant.duration;
                        if often > 0.0 {
                            let choice = Choice { trial, branch: number, candidate, channel, often };
                            let Happening { end, weight, kind } =
                                happening(experiment, layout, branch.path, found, channel, branch.mean);
                            possible.push(Possible { choice, time: end.0, kind, weight });
                        }
                    }
                }
            }
        }
        Self { experiment, layout, branches, possible }
    }

    /// At most so many of them, of which `sums` tell what all do and those that were forced already.
    ///
    /// Each observable has its turn, with the output time and the kind of jumps that change it most and for which no jump that was
    /// forced stands; of all those jumps one is drawn by how much of that it does. What it does to other observables stands for
    /// such jumps there, too. What nearly every third trajectory has (the first kind) any sample shows. The weights are those of the mixture
    /// of all draws (the balance heuristic; Veach, Guibas, SIGGRAPH 95, 419).
    pub fn choose(&self, [all, forced]: &[EventTable; 2], most: u64, chance: &mut impl Chance) -> Vec<Choice> {
        let columns = self.experiment.observables.len() + 1;
        let mut sought = vec![[EventSums::default(); KINDS]; all.len()];
        let (mut targets, mut chosen) = (Vec::new(), Vec::new());
        let mut column = (chance.uniform() * columns as f64) as usize;
        let mut idle = 0;
        while chosen.len() < most as usize && idle < columns {
            column = (column + 1) % columns;
            let kinds = (0..self.experiment.times.len()).flat_map(|time| (1..SILENCE).map(move |kind| (time, kind)));
            let missing = kinds.filter_map(|(time, kind)| {
                let entry = entry(self.experiment, self.layout, time, column);
                let [all, forced, sought] = [all, forced, &sought].map(|sums| sums[entry][kind]);
                let missing = all.second() > 0.0 && !is_represented(all, [forced, sought]);
                missing.then_some(Target { time, column, kind, total: all.second() })
            });
            idle += 1;
            let Some(mut target) = missing.max_by(|a, b| a.total.total_cmp(&b.total)) else { continue };
            let shares: Vec<f64> = self.possible.iter().map(|possible| self.share(&target, possible)).collect();
            target.total = shares.iter().sum();
            if target.total > 0.0 {
                idle = 0;
                let place = choose(&shares, chance.uniform());
                self.add(&self.possible[place], target.total / shares[place], &mut sought);
                targets.push(target);
                chosen.push(&self.possible[place]);
            }
        }
        let draws = |possible: &Possible| -> f64 {
            targets.iter().map(|target| self.share(target, possible) / target.total).sum()
        };
        let with_weight =
            |possible: &&Possible| Choice { often: possible.choice.often / draws(possible), ..possible.choice };
        chosen.iter().map(with_weight).collect()
    }

    /// Forces the jumps that were chosen on the branches of `trials`; `None` when it is stopped.
    ///
    /// # Errors
    /// When a trajectory fails.
    pub fn force<S: OpenSystem>(
        &self,
        trials: &Trials<S>,
        job: &Job,
        threads: &Threads,
        choices: &[Choice],
    ) -> Result<Option<Vec<Sought>>> {
        let stop = || job.watcher.stop();
        trials.on_all_threads(job, (threads, &stop), choices.len() as u64, |index, runner| {
            let choice = choices[index as usize];
            let (forced, mean) = self.forced(&choice);
            let mut chances = trials.chances(job, trials.plain + choice.trial as u64);
            let path = runner.path(&self.branch(&choice).state, &mut chances, &forced)?;
            Ok(Sought { choice, path, mean })
        })
    }

    fn branch(&self, choice: &Choice) -> &Branch<'a> {
        &self.branches[choice.trial][choice.branch]
    }

    /// The jumps forced on its branch with this one, and how often, by their rates, a trajectory is like that.
    fn forced(&self, choice: &Choice) -> (Vec<ForcedJump>, f64) {
        let Branch { forced, found, mean, .. } = self.branch(choice);
        let found = &found[choice.candidate];
        let jump = ForcedJump { time: found.instant.time, channel: choice.channel };
        let end = self.experiment.times.last().copied().unwrap_or(0.0);
        (forced.iter().copied().chain([jump]).collect(), mean * (found.rates[choice.channel] * end).min(1.0))
    }

    /// How often a jump happens × change², if it is what is looked for.
    fn share(&self, target: &Target, possible: &Possible) -> f64 {
        if (possible.time, possible.kind) != (target.time, target.kind) {
            return 0.0;
        }
        let change = self.changes(&possible.choice)[target.column];
        possible.choice.often * change * change * possible.weight * possible.weight
    }

    /// Adds what a jump does at once, as `times` as many.
    fn add(&self, possible: &Possible, times: f64, sums: &mut EventTable) {
        let Possible { choice, time, kind, weight } = possible;
        for (column, change) in self.changes(choice).iter().enumerate().filter(|(_, change)| **change != 0.0) {
            let entry = entry(self.experiment, self.layout, *time, column);
            sums[entry][*kind].add(choice.often * times, change * change * weight * weight);
        }
    }

    fn changes(&self, choice: &Choice) -> &[f64] {
        let columns = self.experiment.observables.len() + 1;
        &self.branch(choice).found[choice.candidate].changes[choice.channel * columns..][..columns]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::block::Path;
    use crate::ensemble::candidates::{Candidate, Instant};
    use crate::ensemble::immediate::sums;
    use crate::ensemble::{Purpose, Streams};
    use crate::hilbert::Cutoff;
    use crate::model::{Model, OscillatorPreparation, OscillatorSpins, PureOscillator, PurePreparation};
    use crate::system::Observable;

    fn experiment() -> Experiment {
        Experiment {
            model: Model::OscillatorSpins(OscillatorSpins::new(1.0, Vec::new())),
            oscillator: OscillatorPreparation::Fock(0),
            cutoff: Cutoff::Auto,
            times: vec![0.0, 1.0, 2.0],
            observables: vec![Observable::NUMBER],
            heating_window: [0, 2],
            functionals: Vec::new(),
        }
    }

    /// A trial looked at once, at `time`, where two channels have these rates and change the observable by so much.
    fn trial(time: f64, rates: [f64; 2], changes: [f64; 2]) -> Trial {
        let found = Candidate {
            instant: Instant { time, duration: 0.5, forced: 0.0 },
            after_another: false,
            rates: rates.to_vec(),
            values: vec![0.0, 1.0],
            changes: vec![changes[0], 0.0, changes[1], 0.0],
        };
        let empty = Path { record: vec![0.0; 8], controls: Vec::new(), fock: Vec::new(), log_survival: Vec::new() };
        Trial {
            state: PurePreparation { oscillator: PureOscillator::Fock(0), excited: 0 },
            rarity: 1.0,
            natural: empty,
            candidates: vec![found],
            jumped: Vec::new(),
            silenced: None,
            restarted: None,
        }
    }

    /// What is rare and changes something is sought, at every output time; what nearly every trajectory has, or changes nothing, is not.
    fn trials() -> Vec<Trial> {
        vec![
            trial(0.5, [1.0, 1e-4], [1.0, 3.0]),
            trial(0.7, [1.0, 4e-4], [1.0, -1.0]),
            trial(0.9, [1.0, 1e-3], [1.0, 0.0]),
            trial(1.5, [0.0, 5e-4], [0.0, 0.1]),
        ]
    }

    #[test]
    fn the_weights_make_up_for_the_choice() {
        const DRAWS: u64 = 20_000;
        let (experiment, tests) = (experiment(), trials());
        let layout = Layout::new(&experiment, 2);
        let (search, at_once) = (Search::new(&experiment, layout, &tests, 1.0), sums(&experiment, layout, &tests, 1.0));
        let mut often = [0.0; 4];
        for draw in 0..DRAWS {
            let choices = search.choose(&at_once, 8, &mut Streams::new(draw).open(0, Purpose::TrialSearch));
            // One for each output time that there is something for.
            assert_eq!(choices.len(), 2, "{choices:?}");
            assert!(choices.iter().all(|choice| choice.channel == 1), "{choices:?}");
            choices.iter().for_each(|choice| often[choice.trial] += choice.often / DRAWS as f64);
        }
        // rate × duration. The first is drawn with probability 9/13, the second with 4/13: 5σ of the means are 2.4 % and 5.3 %.
        for ((often, right), within) in
            often.into_iter().zip([0.5e-4, 2e-4, 0.0, 2.5e-4]).zip([0.024, 0.053, 0.0, 1e-9])
        {
            assert!((often - right).abs() <= within * right, "{often} for {right}");
        }
    }

    #[test]
    fn what_was_forced_already_is_not_sought() {
        let (experiment, tests) = (experiment(), trials());
        let layout = Layout::new(&experiment, 2);
        let search = Search::new(&experiment, layout, &tests, 1.0);
        let [all, _] = sums(&experiment, layout, &tests, 1.0);
        let mut chance = Streams::new(1).open(0, Purpose::TrialSearch);
        assert!(search.choose(&[all.clone(), all.clone()], 8, &mut chance).is_empty());
        let none = vec![[EventSums::default(); KINDS]; all.len()];
        assert_eq!(search.choose(&[all, none], 1, &mut chance).len(), 1);
    }
}
