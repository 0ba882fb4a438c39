//! Run files of random systems, over the whole of what a run file may say as far as a density matrix can follow.

use std::fmt::Write;

use crate::ensemble::{Purpose, Stream, Streams};
use crate::system::{FunctionalKind, Observable};
use crate::unravelling::Chance;

/// What decides how much is drawn from, and how long it may take.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// Also what changes no physics, or is only another way to say it: frequencies, temperatures, tolerances, windows, blocks.
    pub wide: bool,
    /// About how many milliseconds a run may take.
    pub milliseconds: f64,
    /// The shortest and the longest run.
    pub ends: [f64; 2],
}

impl Scope {
    /// The highest rate.
    fn fastest(self) -> f64 {
        if self.wide { 1e4 } else { 100.0 }
    }
}

/// Random choices, the same for the same seed and number.
pub struct Random(Stream);

impl Random {
    /// The choices for system `number` of `seed`.
    pub fn new(seed: u64, number: u64) -> Self {
        Self(Streams::new(seed).open(number, Purpose::Preparation))
    }

    /// Uniform in (low, high).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.uniform()
    }

    /// Log-uniform in (low, high).
    pub fn scale(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.0.uniform() < probability
    }

    /// One of several, each as often.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[((self.0.uniform() * from.len() as f64) as usize).min(from.len() - 1)]
    }
}

/// The kinds of models, the first with any number of spins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `oscillator-spins` with so many spins.
    Spins(usize),
    /// `adiabatic`.
    Adiabatic,
    /// `born-markov` in secular, completed or bare form.
    BornMarkov(&'static str),
}

/// A model while it is drawn.
struct Drawn {
    /// The lines below `[model]`.
    text: String,
    /// Words for a name.
    words: Vec<&'static str>,
    /// About how many jumps there are per unit time, and how fast the fastest phase turns.
    jumps: f64,
    turns: f64,
    /// The strongest coupling allowed grows with 1/√end: nothing is driven to many quanta.
    end: f64,
    frequency: f64,
}

/// A random run file of `trajectories` trajectories at most, and words that describe it.
pub fn run_file(random: &mut Random, kind: Kind, trajectories: u64, scope: Scope) -> (String, String) {
    let end = random.scale(scope.ends[0], scope.ends[1]);
    let frequency = if scope.wide && random.chance(0.5) { random.scale(0.2, 5.0) } else { 1.0 };
    let mut drawn =
        Drawn { text: String::new(), words: Vec::new(), jumps: 0.0, turns: frequency, end: end * frequency, frequency };
    match kind {
        Kind::Spins(count) => drawn.spins(random, count, scope),
        Kind::Adiabatic => drawn.adiabatic(random),
        Kind::BornMarkov(form) => drawn.born_markov(random, form),
    }
    let (oscillator, quanta) = oscillator(random, &mut drawn.words, kind == Kind::BornMarkov("bare"));
    // Shorter or fewer until it is cheap: a propagated radian of phase takes about 10 µs, a jump 20 µs.
    let rows = if let Kind::Spins(count) = kind { (1 << count) as f64 } else { 1.0 };
    let cost = |end: f64| 0.02 + end * (0.015 * (drawn.turns + 1.0) * rows * (1.0 + 0.3 * quanta) + 0.03 * drawn.jumps);
    let (mut end, mut trajectories) = (end, trajectories);
    let dear = |end: f64, trajectories: u64| cost(end) * trajectories as f64 > scope.milliseconds;
    while dear(end, trajectories) && end > 2.0 * scope.ends[0] {
        end *= 0.7;
    }
    while dear(end, trajectories) && trajectories > 64 {
        trajectories = if trajectories > 4096 { 4096 } else { trajectories / 2 };
    }
    let mut text = format!("[initial]\noscillator = {oscillator}\n");
    let points = if scope.wide { random.pick(&[2, 3, 5, 8]) } else { random.pick(&[2, 4, 5]) };
    let _ = write!(text, "[time]\nend = {}\npoints = {points}\n", show(end));
    let _ = write!(text, "[ensemble]\ntrajectories = {trajectories}\n");
    if scope.wide {
        if random.chance(0.3) {
            let _ = writeln!(text, "block = {}", random.pick(&[1, 2, 8, 64]));
        }
        if random.chance(0.3) {
            let _ = writeln!(text, "seed = {}", random.scale(1.0, 1e9) as u64);
        }
    }
    let _ = writeln!(text, "[output]\nobservables = [{}]", observables(kind));
    if scope.wide {
        let _ = writeln!(text, "functionals = [{}]", functionals(kind, end));
    }
    if scope.wide && random.chance(0.3) && points > 3 {
        let _ = writeln!(text, "heating_window = [{}, {}]", show(0.3 * end), show(end));
    }
    if scope.wide && random.chance(0.5) {
        let _ = writeln!(text, "[numerics]\ntolerance = {}", show(random.pick(&[1e-6, 1e-7, 1e-9, 1e-10])));
    }
    if scope.wide && matches!(kind, Kind::Spins(_)) {
        drawn.oscillator_dephasing(random, quanta);
    }
    drawn.words.dedup();
    (format!("version = 1\n[model]\n{}{text}", drawn.text), drawn.words.join("-"))
}

/// All observables that a model of this kind has.
pub fn observables(kind: Kind) -> String {
    let (spins, energy) = match kind {
        Kind::Spins(count) => (count, true),
        Kind::Adiabatic | Kind::BornMarkov(_) => (0, false),
    };
    let names = Observable::names().filter(|name| {
        let found = Observable::parse(name, spins).unwrap_or_default();
        !found.is_empty() && (energy || found != [Observable::ENERGY])
    });
    names.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// A functional of every kind, of number, position and spins.
fn functionals(kind: Kind, end: f64) -> String {
    let spin = if matches!(kind, Kind::Spins(1..)) { "inversion_0" } else { "p_squared" };
    let functional = |(observable, functional): (&str, FunctionalKind)| {
        let name = functional.name();
        let time = match functional {
            FunctionalKind::Value => format!("time = {}", show(0.5 * end)),
            _ => format!("window = [0.0, {}]", show(end)),
        };
        format!("{{ name = \"{name}\", observable = \"{observable}\", kind = \"{name}\", {time} }}")
    };
    let of = [spin, "x_squared", "number", "p_squared", spin];
    of.into_iter().zip(FunctionalKind::ALL).map(functional).collect::<Vec<_>>().join(", ")
}

impl Drawn {
    fn spins(&mut self, random: &mut Random, count: usize, scope: Scope) {
        let _ = write!(self.text, "kind = \"oscillator-spins\"\nfrequency = {}\n", show(self.frequency));
        self.words.push(["oscillator", "spin", "two-spins", "three-spins"][count.min(3)]);
        // At most about a quantum from a resonant drive, a few from a static force.
        let strongest = (2.0 / self.end / count.max(1) as f64).sqrt().clamp(0.02, 1.0);
        let spins: Vec<String> = (0..count).map(|_| self.spin(random, strongest, scope)).collect();
        if count > 0 {
            let _ = writeln!(self.text, "spins = [\n  {}\n]", spins.join(",\n  "));
        }
        if scope.wide && random.chance(0.2) {
            let _ = writeln!(self.text, "temperature = {}", show(self.frequency * random.scale(0.05, 3.0)));
        }
        if count == 0 || random.chance(0.4) {
            let (kappa, nbar) = (random.scale(1e-5, 30.0), occupation(random));
            self.jumps += kappa * (3.0 + 5.0 * nbar);
            self.words.push(if nbar > 0.0 { "warm-loss" } else { "loss" });
            let bath = match scope.wide && nbar > 0.0 && random.chance(0.4) {
                true => format!("temperature = {}", show(self.frequency / (1.0 / nbar).ln_1p())),
                false => format!("nbar = {}", show(nbar)),
            };
            let _ = writeln!(self.text, "oscillator_bath = {{ kappa = {}, {bath} }}", show(kappa));
        }
    }

    /// Dephasing of the oscillator in one of four systems, slower where there are more `quanta`: ⟨N²⟩ decides how often it jumps.
    fn oscillator_dephasing(&mut self, random: &mut Random, quanta: f64) {
        if random.chance(0.25) {
            self.words.push("dephased");
            let rate = random.scale(1e-5, 30.0) / (1.0 + quanta).powi(2);
            let _ = writeln!(self.text, "oscillator_dephasing = {}", show(rate));
        }
    }

    fn spin(&mut self, random: &mut Random, strongest: f64, scope: Scope) -> String {
        let [asymmetry, tunnelling] = match random.between(0.0, 1.0) {
            x if x < 0.5 => [0.0, random.scale(0.3, 6.0)],
            x if x < 0.65 => [random.scale(0.3, 6.0), 0.0],
            x if x < 0.7 => [0.0, 1.0],
            _ => [random.scale(0.3, 4.0), random.scale(0.3, 4.0)],
        }
        .map(|energy| energy * self.frequency);
        let splitting = f64::hypot(asymmetry, tunnelling);
        self.turns = self.turns.max(splitting);
        if asymmetry != 0.0 && !self.words.contains(&"asymmetric") {
            self.words.push("asymmetric");
        }
        let coupling = self.frequency * random.scale(0.05 * strongest, strongest);
        let mut parts = vec![
            format!("asymmetry = {}", show(asymmetry)),
            format!("tunnelling = {}", show(tunnelling)),
            format!("coupling = {}", show(coupling)),
        ];
        let mut starts = vec!["\"ground\"", "\"ground\"", "\"excited\""];
        if random.chance(0.65) {
            let (gamma, nbar) = (random.scale(1e-5, scope.fastest()), occupation(random));
            self.jumps += gamma * (nbar * (nbar + 1.0) / (nbar + 0.5) + 0.1);
            self.words.push("bath");
            let occupation = match scope.wide && nbar > 0.0 && random.chance(0.4) {
                true => format!(
                    "temperature = {}, convention = \"{}\"",
                    show(splitting / (1.0 / nbar).ln_1p()),
                    random.pick(&["detailed-balance", "paper"])
                ),
                false => format!("nbar = {}", show(nbar)),
            };
            parts.push(format!("bath = {{ gamma = {}, {occupation} }}", show(gamma)));
            starts.push("\"thermal\"");
        }
        if random.chance(0.4) {
            let dephasing = random.scale(1e-5, scope.fastest());
            self.jumps += 0.5 * dephasing;
            self.words.push("dephasing");
            parts.push(format!("dephasing = {}", show(dephasing)));
        }
        match random.between(0.0, 1.0) {
            x if x < 0.15 => {
                let probability = random.pick(&[0.001, 0.03, 0.3, 0.8]);
                parts.push(format!("initial = {{ excited_probability = {} }}", show(probability)));
            }
            x if x < 0.2 => {
                let temperature = splitting * random.pick(&[0.02, 0.1, 0.5, 3.0]);
                parts.push(format!("initial = {{ temperature = {} }}", show(temperature)));
            }
            // Without a word it is the ground state, or thermal at the temperature of the model.
            x if x < 0.4 && scope.wide => {}
            _ => parts.push(format!("initial = {}", random.pick(&starts))),
        }
        format!("{{ {} }}", parts.join(", "))
    }

    fn adiabatic(&mut self, random: &mut Random) {
        let diffusion = random.scale(1e-5, 0.5 / self.end.max(0.5));
        self.jumps += 10.0 * diffusion;
        self.words.push("adiabatic");
        let _ = write!(
            self.text,
            "kind = \"adiabatic\"\nfrequency = {}\ndiffusion = {}\n",
            show(self.frequency),
            show(diffusion)
        );
    }

    fn born_markov(&mut self, random: &mut Random, form: &'static str) {
        let [gamma, f, shift] = [random.scale(1e-4, 0.1), random.between(-0.05, 0.05), random.between(-0.3, 0.3)];
        // The secular form needs D ≥ MΩ₀γ; the weights of the bare one grow where D is small.
        let mass = random.pick(&[0.5, 1.0, 3.0]);
        let diffusion = mass * self.frequency * gamma * random.between(1.0, 3.0) + 0.02;
        self.jumps += 10.0 * diffusion / mass;
        self.words.push(form);
        let _ = write!(
            self.text,
            "kind = \"born-markov\"\nform = \"{form}\"\nmass = {mass:.1}\nfrequency = {}\n\
             coefficients = {{ gamma = {}, D = {}, f = {}, frequency_shift_squared = {} }}\n",
            show(self.frequency),
            show(gamma),
            show(diffusion),
            show(f),
            show(shift * self.frequency * self.frequency)
        );
    }
}

/// A bath's occupation: often none.
fn occupation(random: &mut Random) -> f64 {
    match random.chance(0.4) {
        true => 0.0,
        false => random.scale(0.01, 2.0),
    }
}

/// A start of the oscillator, and about how many quanta it has.
fn oscillator(random: &mut Random, words: &mut Vec<&'static str>, coherent_only: bool) -> (String, f64) {
    match random.between(0.0, 1.0) {
        x if x < 0.35 && !coherent_only => ("{ fock = 0 }".into(), 0.0),
        x if x < 0.55 && !coherent_only => {
            let level = random.pick(&[1, 2, 5]);
            words.push("fock");
            (format!("{{ fock = {level} }}"), f64::from(level))
        }
        x if x < 0.8 || coherent_only => {
            let [re, im] = [random.between(-1.5, 1.5), random.between(-1.5, 1.5)];
            words.push("coherent");
            (format!("{{ coherent = [{}, {}] }}", show(re), show(im)), re * re + im * im)
        }
        _ => {
            let nbar = random.scale(0.01, 1.0);
            words.push("thermal");
            (format!("{{ thermal = {} }}", show(nbar)), nbar)
        }
    }
}

/// A number as TOML, short enough to read.
pub fn show(value: f64) -> String {
    match value {
        0.0 => "0.0".into(),
        _ if (0.01..1000.0).contains(&value.abs()) => {
            let digits = (2.0 - value.abs().log10().floor()).max(1.0) as usize;
            format!("{value:.digits$}")
        }
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::run_file::RunFile;

    #[test]
    fn every_random_run_file_is_one() {
        let kinds = [
            Kind::Spins(0),
            Kind::Spins(1),
            Kind::Spins(3),
            Kind::Adiabatic,
            Kind::BornMarkov("secular"),
            Kind::BornMarkov("completed"),
            Kind::BornMarkov("bare"),
        ];
        for number in 0..700 {
            let mut random = Random::new(7, number);
            let scope = Scope { wide: number % 2 == 0, milliseconds: 100.0, ends: [0.01, 100.0] };
            let (text, words) = run_file(&mut random, kinds[number as usize % kinds.len()], 1000, scope);
            let parsed = RunFile::parse(&text, &words, &[]);
            assert!(parsed.is_ok(), "{}\n{text}", parsed.err().map_or(String::new(), |error| error.to_string()));
        }
    }
}
