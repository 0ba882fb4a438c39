//! The systems of the suite: chosen ones that are hard for error bars, and random ones from a fixed seed.

use super::random::{Kind, Random, Scope, observables, run_file};

/// A system of the suite.
#[derive(Debug, Clone)]
pub struct System {
    /// What it is, in short.
    pub name: String,
    /// Its run file.
    pub text: String,
    /// Its place among all systems.
    pub number: u64,
}

/// What a chosen system is made of.
struct Chosen {
    name: &'static str,
    kind: Kind,
    /// The lines below `[model]`.
    model: &'static str,
    /// `initial.oscillator`.
    oscillator: &'static str,
    end: f64,
    trajectories: u64,
}

/// Output times of a chosen system, with t = 0.
const POINTS: usize = 4;

/// The seed that the random systems are drawn with.
const SEED: u64 = 20_261_126;

/// How many there are, the numbers of their trajectories, and how long a run of one takes at most.
const RANDOM: usize = 48;
const TRAJECTORIES: [u64; 9] = [64, 512, 3, 1024, 100, 31, 4096, 2, 20_000];
const SCOPE: Scope = Scope { wide: false, milliseconds: 80.0, ends: [0.01, 100.0] };

/// The models of the random systems, in turn.
const KINDS: [Kind; 12] = [
    Kind::Spins(1),
    Kind::Spins(0),
    Kind::Spins(2),
    Kind::Spins(1),
    Kind::Spins(1),
    Kind::Spins(3),
    Kind::Spins(1),
    Kind::Spins(2),
    Kind::BornMarkov("secular"),
    Kind::Spins(1),
    Kind::Spins(2),
    Kind::Adiabatic,
];

/// All systems: the chosen ones, then the random ones.
pub fn systems() -> Vec<System> {
    let drawn = (0..RANDOM).map(|number| {
        let (kind, trajectories) = (KINDS[number % KINDS.len()], TRAJECTORIES[number % TRAJECTORIES.len()]);
        let mut random = Random::new(SEED, number as u64);
        let (text, words) = run_file(&mut random, kind, trajectories, SCOPE);
        (format!("random-{number:02}-{words}"), text)
    });
    let all = CHOSEN.iter().map(Chosen::system).chain(drawn);
    all.zip(0..).map(|((name, text), number)| System { name, text, number }).collect()
}

impl Chosen {
    fn system(&self) -> (String, String) {
        let Self { name, kind, model, oscillator, end, trajectories } = self;
        let head = match kind {
            Kind::Spins(_) => "kind = \"oscillator-spins\"\nfrequency = 1.0".to_owned(),
            Kind::Adiabatic => "kind = \"adiabatic\"\nfrequency = 1.0".to_owned(),
            Kind::BornMarkov(form) => format!("kind = \"born-markov\"\nfrequency = 1.0\nform = \"{form}\""),
        };
        let text = format!(
            "version = 1\n[model]\n{head}\n{model}\n[initial]\noscillator = {{ {oscillator} }}\n\
             [time]\nend = {end:?}\npoints = {POINTS}\n[ensemble]\ntrajectories = {trajectories}\n\
             [output]\nobservables = [{}]\n",
            observables(*kind)
        );
        ((*name).to_owned(), text)
    }
}

const fn chosen(
    name: &'static str,
    kind: Kind,
    model: &'static str,
    oscillator: &'static str,
    end: f64,
    trajectories: u64,
) -> Chosen {
    Chosen { name, kind, model, oscillator, end, trajectories }
}

const ONE: Kind = Kind::Spins(1);
const ALONE: Kind = Kind::Spins(0);

const CHOSEN: [Chosen; 35] = [
    chosen(
        "rare-dephasing",
        ONE,
        "spins = [{ tunnelling = 2.0, coupling = 1.0, dephasing = 0.001 }]",
        "fock = 0",
        1.0,
        1024,
    ),
    chosen(
        "rare-dephasing-and-loss",
        ONE,
        "spins = [{ tunnelling = 2.0, coupling = 1.0, dephasing = 0.01 }]\noscillator_bath = { kappa = 0.01, nbar = 0.0 }",
        "fock = 0",
        0.4,
        512,
    ),
    chosen(
        "weakly-damped-spin",
        ONE,
        "spins = [{ tunnelling = 2.0, coupling = 0.5, bath = { gamma = 0.001, nbar = 0.0 } }]",
        "fock = 0",
        5.0,
        512,
    ),
    chosen(
        "damped-spin",
        ONE,
        "spins = [{ tunnelling = 2.0, coupling = 0.5, bath = { gamma = 0.05, nbar = 0.0 } }]",
        "fock = 0",
        5.0,
        512,
    ),
    chosen(
        "hardly-damped-spin",
        ONE,
        "spins = [{ tunnelling = 2.0, coupling = 0.5, bath = { gamma = 1e-5, nbar = 0.0 } }]",
        "fock = 0",
        5.0,
        64,
    ),
    chosen(
        "rare-loss-coherent",
        ONE,
        "spins = [{ tunnelling = 1.5, coupling = 0.3 }]\noscillator_bath = { kappa = 0.0005, nbar = 0.0 }",
        "coherent = [2.0, 0.0]",
        6.0,
        256,
    ),
    chosen("rare-loss-of-many-quanta", ALONE, "oscillator_bath = { kappa = 0.0005, nbar = 0.0 }", "fock = 20", 1.0, 64),
    chosen(
        "cold-thermal-spin",
        ONE,
        "spins = [{ tunnelling = 2.0, coupling = 1.0, initial = \"thermal\", bath = { gamma = 10.0, temperature = 0.1 } }]",
        "fock = 0",
        1.0,
        512,
    ),
    chosen(
        "fast-bath-early",
        ONE,
        "spins = [{ tunnelling = 2.0, coupling = 1.0, bath = { gamma = 100.0, nbar = 0.0 } }]",
        "fock = 0",
        0.05,
        1024,
    ),
    chosen(
        "very-fast-bath-early",
        ONE,
        "spins = [{ tunnelling = 2.0, coupling = 1.0, bath = { gamma = 1000.0, nbar = 0.0 } }]",
        "fock = 0",
        0.05,
        512,
    ),
    chosen(
        "cold-resonant-spin",
        ONE,
        "spins = [{ tunnelling = 1.0, coupling = 0.1, initial = \"thermal\", bath = { gamma = 0.3, temperature = 0.0 } }]",
        "fock = 0",
        40.0,
        256,
    ),
    chosen(
        "late-jump-asymmetric",
        ONE,
        "spins = [{ asymmetry = 1.0, coupling = 2.0, initial = \"excited\", bath = { gamma = 1e-3, nbar = 0.0 } }]",
        "fock = 0",
        3.0,
        31,
    ),
    chosen(
        "few-trajectories-fast-spin",
        ONE,
        "spins = [{ tunnelling = 2.0, coupling = 1.0, bath = { gamma = 10.0, nbar = 0.0 } }]",
        "fock = 0",
        0.25,
        31,
    ),
    chosen("one-quantum-rare-loss", ALONE, "oscillator_bath = { kappa = 0.01, nbar = 0.0 }", "fock = 1", 1.0, 31),
    chosen("one-quantum-lost", ALONE, "oscillator_bath = { kappa = 1.0, nbar = 0.0 }", "fock = 1", 5.0, 100),
    chosen("vacuum-in-cold-bath", ALONE, "oscillator_bath = { kappa = 0.1, nbar = 0.0 }", "fock = 0", 4.0, 31),
    chosen("vacuum-in-warm-bath", ALONE, "oscillator_bath = { kappa = 0.1, nbar = 1.0 }", "fock = 0", 4.0, 100),
    chosen(
        "heated-ion",
        ONE,
        "spins = [{ tunnelling = 3.0, coupling = 0.02, initial = \"thermal\", bath = { gamma = 0.03183, nbar = 0.3 } }]",
        "fock = 0",
        50.0,
        128,
    ),
    chosen("adiabatic", Kind::Adiabatic, "diffusion = 0.2", "fock = 0", 2.0, 512),
    chosen("adiabatic-rare", Kind::Adiabatic, "diffusion = 1e-4", "coherent = [1.0, 0.5]", 1.0, 512),
    chosen(
        "completed",
        Kind::BornMarkov("completed"),
        "coefficients = { gamma = 0.05, D = 0.06, f = 0.02, frequency_shift_squared = -0.1 }",
        "coherent = [1.0, 0.0]",
        3.0,
        256,
    ),
    chosen(
        "bare-early",
        Kind::BornMarkov("bare"),
        "coefficients = { gamma = 0.05, D = 0.06, f = 0.02, frequency_shift_squared = -0.1 }",
        "coherent = [1.0, 0.0]",
        1.0,
        1024,
    ),
    chosen(
        "bare-few",
        Kind::BornMarkov("bare"),
        "coefficients = { gamma = 0.01, D = 0.02, f = 0.01, frequency_shift_squared = 0.0 }",
        "fock = 0",
        0.5,
        64,
    ),
    chosen(
        "three-spins-without-baths",
        Kind::Spins(3),
        "spins = [\n  { tunnelling = 1.0, coupling = 0.2, initial = { excited_probability = 0.3 } },\n  \
         { tunnelling = 1.3, coupling = 0.2, initial = { excited_probability = 0.1 } },\n  \
         { asymmetry = 0.8, coupling = 0.2, initial = { excited_probability = 0.02 } },\n]",
        "fock = 0",
        3.0,
        100,
    ),
    chosen(
        "rarely-excited-spin",
        ONE,
        "spins = [{ tunnelling = 1.0, coupling = 0.3, initial = { excited_probability = 0.001 } }]",
        "fock = 0",
        3.0,
        512,
    ),
    chosen(
        "rarely-excited-oscillator",
        ALONE,
        "oscillator_bath = { kappa = 0.01, nbar = 0.0 }",
        "thermal = 0.003",
        1.0,
        100,
    ),
    chosen("thermal-oscillator-alone", ALONE, "", "thermal = 1.0", 1.0, 64),
    chosen("number-state-alone", ALONE, "", "fock = 3", 5.0, 2),
    chosen(
        "frequent-and-rare-baths",
        Kind::Spins(2),
        "spins = [\n  { tunnelling = 2.0, coupling = 0.5, bath = { gamma = 20.0, nbar = 1.0 } },\n  \
         { tunnelling = 1.2, coupling = 0.5, bath = { gamma = 1e-4, nbar = 0.0 } },\n]",
        "fock = 0",
        1.0,
        128,
    ),
    chosen(
        "two-trajectories-warm-spin",
        ONE,
        "spins = [{ tunnelling = 2.0, coupling = 0.5, bath = { gamma = 2.0, nbar = 1.0 } }]",
        "fock = 0",
        2.0,
        2,
    ),
    chosen(
        "three-trajectories-decaying-spin",
        ONE,
        "spins = [{ tunnelling = 2.0, coupling = 0.3, initial = \"excited\", bath = { gamma = 1.0, nbar = 0.0 } }]",
        "coherent = [1.0, 0.0]",
        1.0,
        3,
    ),
    chosen(
        "many-trajectories-early",
        ONE,
        "spins = [{ tunnelling = 2.0, coupling = 1.0, bath = { gamma = 10.0, nbar = 0.1 } }]",
        "fock = 0",
        0.05,
        20_000,
    ),
    chosen(
        "slow-spin-for-long",
        ONE,
        "spins = [{ tunnelling = 1.5, coupling = 0.05, bath = { gamma = 1e-3, nbar = 0.5 } }]",
        "fock = 0",
        100.0,
        64,
    ),
    chosen(
        "fast-spin-many-trajectories",
        ONE,
        "spins = [{ tunnelling = 2.0, coupling = 1.0, bath = { gamma = 20.0, nbar = 1.0 } }]",
        "fock = 0",
        0.2,
        4096,
    ),
    chosen(
        "many-jumps-each",
        ONE,
        "spins = [{ tunnelling = 2.0, coupling = 1.0, bath = { gamma = 100.0, nbar = 1.0 } }]",
        "fock = 0",
        1.0,
        100,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::run_file::RunFile;

    #[test]
    fn there_are_many_systems_of_different_names_and_all_parse() {
        let systems = systems();
        assert!(systems.len() >= 60, "{}", systems.len());
        let names: std::collections::BTreeSet<&str> = systems.iter().map(|system| system.name.as_str()).collect();
        assert_eq!(names.len(), systems.len());
        for system in &systems {
            let parsed = RunFile::parse(&system.text, &system.name, &[]);
            assert!(parsed.is_ok(), "{:?}\n{}", parsed.err(), system.text);
        }
    }
}
