//! The table of observables: name, meaning, unit, equation and operator of each, in one entry.

use std::fmt;

use crate::model::{Model, Parts};
use crate::operator::{Operator, Qubit};

/// A Hermitian operator whose normalised expectation is followed along every trajectory: an entry of the table, and the spins it
/// is of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observable {
    entry: u8,
    spins: [u8; 2],
}

/// What an observable is measured in. X and P have a unit only where a mass is named, see [`crate::model::BornMarkov`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A pure number.
    One,
    /// The unit of frequencies and energies.
    Frequency,
    /// That of X, to this power.
    Position(u8),
    /// That of P, to this power.
    Momentum(u8),
}

/// How many observables an entry stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Per {
    Model,
    Spin,
    Pair,
}

struct Entry {
    name: &'static str,
    per: Per,
    long_name: &'static str,
    unit: Unit,
    /// The definition; where a mass is named, the second.
    equation: [&'static str; 2],
    operator: fn(&Model, &Parts, [usize; 2]) -> Operator,
}

const fn of_model(
    name: &'static str,
    long_name: &'static str,
    unit: Unit,
    equation: [&'static str; 2],
    operator: fn(&Model, &Parts, [usize; 2]) -> Operator,
) -> Entry {
    Entry { name, per: Per::Model, long_name, unit, equation, operator }
}

const fn of_spins(
    name: &'static str,
    per: Per,
    long_name: &'static str,
    equation: &'static str,
    operator: fn(&Model, &Parts, [usize; 2]) -> Operator,
) -> Entry {
    Entry { name, per, long_name, unit: Unit::One, equation: [equation; 2], operator }
}

const TABLE: [Entry; 14] = [
    of_model("number", "mean occupation ⟨N⟩ of the oscillator", Unit::One, ["N = a†a"; 2], |_, parts, _| {
        parts.oscillator.number()
    }),
    of_model(
        "number_squared",
        "mean squared occupation ⟨N²⟩ of the oscillator",
        Unit::One,
        ["N² = (a†a)²"; 2],
        |_, parts, _| squared(parts.oscillator.number()),
    ),
    of_model(
        "x",
        "mean position ⟨X⟩ of the oscillator",
        Unit::Position(1),
        ["X = a + a†", "X = (a + a†)/√(2MΩ₀)"],
        |model, parts, _| position(model, parts),
    ),
    of_model(
        "p",
        "mean momentum ⟨P⟩ of the oscillator",
        Unit::Momentum(1),
        ["P = −i(a − a†)", "P = −i√(MΩ₀/2)(a − a†)"],
        |model, parts, _| momentum(model, parts),
    ),
    of_model(
        "x_squared",
        "mean squared position ⟨X²⟩ of the oscillator",
        Unit::Position(2),
        ["X² = (a + a†)²", "X² = (a + a†)²/(2MΩ₀)"],
        |model, parts, _| squared(position(model, parts)),
    ),
    of_model(
        "p_squared",
        "mean squared momentum ⟨P²⟩ of the oscillator",
        Unit::Momentum(2),
        ["P² = −(a − a†)²", "P² = −(MΩ₀/2)(a − a†)²"],
        |model, parts, _| squared(momentum(model, parts)),
    ),
    of_model("parity", "mean parity ⟨(−1)^N⟩ of the oscillator", Unit::One, ["(−1)^N"; 2], |_, parts, _| {
        parts.oscillator.parity()
    }),
    of_model(
        "energy",
        "mean energy ⟨H⟩",
        Unit::Frequency,
        ["H = Hamiltonian of the run file's model, ħ = 1"; 2],
        |model, parts, _| match model {
            Model::OscillatorSpins(model) => model.hamiltonian(parts),
            // Without spins; the run file refuses it, as what the energy is depends on how the bath is drawn in.
            Model::Adiabatic(_) | Model::BornMarkov(_) => model.frequency() * parts.oscillator.number(),
        },
    ),
    of_spins(
        "inversion",
        Per::Spin,
        "mean inversion ⟨τz⟩ of spin {} in its energy eigenbasis",
        "τz = |+⟩⟨+| − |−⟩⟨−|",
        |_, parts, [i, _]| parts.spins[i].z(),
    ),
    of_spins(
        "spin_x",
        Per::Spin,
        "mean coherence ⟨τx⟩ of spin {} in its energy eigenbasis",
        "τx = |+⟩⟨−| + |−⟩⟨+|, σz = cos θ τz + sin θ τx, θ = atan2(Δ, ω)",
        |_, parts, [i, _]| parts.spins[i].x(),
    ),
    of_spins(
        "spin_y",
        Per::Spin,
        "mean coherence ⟨τy⟩ of spin {} in its energy eigenbasis",
        "τy = −i|+⟩⟨−| + i|−⟩⟨+|, σz = cos θ τz + sin θ τx, θ = atan2(Δ, ω)",
        |_, parts, [i, _]| parts.spins[i].y(),
    ),
    of_spins("pair_xx", Per::Pair, "mean product ⟨τx τx⟩ of spins {}", "τxᵢ τxⱼ", |_, parts, pair| {
        product(parts, pair, Qubit::x)
    }),
    of_spins("pair_yy", Per::Pair, "mean product ⟨τy τy⟩ of spins {}", "τyᵢ τyⱼ", |_, parts, pair| {
        product(parts, pair, Qubit::y)
    }),
    of_spins("pair_zz", Per::Pair, "mean product ⟨τz τz⟩ of spins {}", "τzᵢ τzⱼ", |_, parts, pair| {
        product(parts, pair, Qubit::z)
    }),
];

fn squared(operator: Operator) -> Operator {
    &operator * &operator
}

fn position(model: &Model, parts: &Parts) -> Operator {
    model.quadrature_units()[0] * parts.oscillator.x()
}

fn momentum(model: &Model, parts: &Parts) -> Operator {
    model.quadrature_units()[1] * parts.oscillator.p()
}

fn product(parts: &Parts, [i, j]: [usize; 2], of: fn(Qubit) -> Operator) -> Operator {
    of(parts.spins[i]) * of(parts.spins[j])
}

/// The entry of a name, found when the program is compiled.
const fn entry(name: &str) -> u8 {
    let mut index = 0;
    while index < TABLE.len() {
        let (known, wanted) = (TABLE[index].name.as_bytes(), name.as_bytes());
        let mut same = known.len() == wanted.len();
        let mut i = 0;
        while same && i < known.len() {
            same = known[i] == wanted[i];
            i += 1;
        }
        if same {
            return index as u8;
        }
        index += 1;
    }
    panic!("no entry of this name");
}

impl Observable {
    /// N = a†a.
    pub const NUMBER: Self = Self::of(entry("number"));
    /// N².
    pub const NUMBER_SQUARED: Self = Self::of(entry("number_squared"));
    /// X = a + a†.
    pub const X: Self = Self::of(entry("x"));
    /// P = −i(a − a†).
    pub const P: Self = Self::of(entry("p"));
    /// X².
    pub const X_SQUARED: Self = Self::of(entry("x_squared"));
    /// P².
    pub const P_SQUARED: Self = Self::of(entry("p_squared"));
    /// (−1)^N.
    pub const PARITY: Self = Self::of(entry("parity"));
    /// H of [`crate::model::OscillatorSpins`], zero of energy without ½Ω₀.
    pub const ENERGY: Self = Self::of(entry("energy"));

    const fn of(entry: u8) -> Self {
        Self { entry, spins: [0; 2] }
    }

    /// τz of spin `spin`: +1 in its upper eigenstate, −1 in its lower.
    pub const fn inversion(spin: usize) -> Self {
        Self { entry: const { entry("inversion") }, spins: [spin as u8, 0] }
    }

    /// The names a run file may use; those of spins and pairs stand for all of them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|entry| entry.name)
    }

    /// All observables of a model with so many spins.
    pub fn all(spins: usize) -> Vec<Self> {
        (0..TABLE.len() as u8).flat_map(|entry| Self::of_entry(entry, spins)).collect()
    }

    fn of_entry(entry: u8, spins: usize) -> Vec<Self> {
        let spins = spins.min(usize::from(u8::MAX)) as u8;
        let with = |spins| Self { entry, spins };
        match TABLE[usize::from(entry)].per {
            Per::Model => vec![with([0; 2])],
            Per::Spin => (0..spins).map(|i| with([i, 0])).collect(),
            Per::Pair => (0..spins).flat_map(|i| (i + 1..spins).map(move |j| with([i, j]))).collect(),
        }
    }

    /// The observables behind a run file's name: `inversion` stands for all spins, `inversion_i` for one, `pair_zz_i_j` for one pair.
    pub fn parse(name: &str, spins: usize) -> Option<Vec<Self>> {
        if let Some(entry) = TABLE.iter().position(|entry| entry.name == name) {
            return Some(Self::of_entry(entry as u8, spins));
        }
        let found = Self::named(name)?;
        Self::of_entry(found.entry, spins).contains(&found).then(|| vec![found])
    }

    /// The one observable of this name, of a model with as many spins as it needs.
    pub fn named(name: &str) -> Option<Self> {
        TABLE.iter().zip(0..).find_map(|(entry, index)| {
            let numbers = name.strip_prefix(entry.name)?;
            let number = |text: &str| text.parse::<u8>().ok().filter(|number| number.to_string() == text);
            let spins = match entry.per {
                Per::Model => numbers.is_empty().then_some([0; 2])?,
                Per::Spin => [number(numbers.strip_prefix('_')?)?, 0],
                Per::Pair => {
                    let (i, j) = numbers.strip_prefix('_')?.split_once('_')?;
                    [number(i)?, number(j)?]
                }
            };
            let ordered = entry.per != Per::Pair || spins[0] < spins[1];
            ordered.then_some(Self { entry: index, spins })
        })
    }

    /// Its name without the numbers of spins.
    pub fn family(self) -> &'static str {
        self.entry().name
    }

    fn entry(self) -> &'static Entry {
        const { &TABLE }.get(usize::from(self.entry)).unwrap_or(const { &TABLE[0] })
    }

    /// What it is, in words.
    pub fn long_name(self) -> String {
        let [i, j] = self.spins;
        let spins = if self.entry().per == Per::Pair { format!("{i} and {j}") } else { i.to_string() };
        self.entry().long_name.replace("{}", &spins)
    }

    /// Its unit.
    pub fn unit(self) -> Unit {
        self.entry().unit
    }

    /// Its definition, with or without a mass.
    pub fn equation(self, massive: bool) -> &'static str {
        self.entry().equation[usize::from(massive)]
    }

    /// Its operator in a model.
    ///
    /// # Panics
    /// If the model has fewer spins than it needs.
    pub fn operator(self, model: &Model) -> Operator {
        (self.entry().operator)(model, &model.parts(), self.spins.map(usize::from))
    }

    /// The spins that it is of.
    pub fn spins(self) -> impl Iterator<Item = usize> {
        let count = match self.entry().per {
            Per::Model => 0,
            Per::Spin => 1,
            Per::Pair => 2,
        };
        self.spins.into_iter().take(count).map(usize::from)
    }
}

impl fmt::Display for Observable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry().name)?;
        self.spins().try_for_each(|spin| write!(f, "_{spin}"))
    }
}

impl fmt::Debug for Observable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
