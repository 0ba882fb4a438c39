//! The parts that a system is made of, in order: modes, qubits and things with levels.

/// A part of a [`Space`], as operators refer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(pub(super) u16);

/// A bosonic mode with a = Σ √n |n−1⟩⟨n|.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode(pub(super) Place);

/// A two-level system with the eigenstates |up⟩ and |down⟩ of its τz.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Qubit(pub(super) Place);

/// A part with a few levels, numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    pub(super) place: Place,
    pub(super) count: u16,
}

/// What kind of part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A bosonic mode.
    Mode,
    /// A two-level system.
    Qubit,
    /// So many levels, at least two.
    Levels(u16),
}

/// The parts of a system by name, in order: the first is the slowest index of a ket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Space {
    parts: Vec<(String, Kind)>,
}

impl Space {
    /// Without parts: its operators are numbers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a bosonic mode.
    ///
    /// # Panics
    /// If there are 65 536 parts already.
    pub fn mode(&mut self, name: &str) -> Mode {
        Mode(self.add(name, Kind::Mode))
    }

    /// Adds a two-level system.
    ///
    /// # Panics
    /// If there are 65 536 parts already.
    pub fn qubit(&mut self, name: &str) -> Qubit {
        Qubit(self.add(name, Kind::Qubit))
    }

    /// Adds a part of `count` levels; one level is a mere factor and gets a second one.
    ///
    /// # Panics
    /// If there are 65 536 parts already.
    pub fn levels(&mut self, name: &str, count: u16) -> Levels {
        let count = count.max(2);
        Levels { place: self.add(name, Kind::Levels(count)), count }
    }

    fn add(&mut self, name: &str, kind: Kind) -> Place {
        let place = u16::try_from(self.parts.len()).expect("at most 65 536 parts");
        self.parts.push((name.to_owned(), kind));
        Place(place)
    }

    /// How many parts.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Name and kind of every part, in order.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = (&str, Kind)> {
        self.parts.iter().map(|(name, kind)| (name.as_str(), *kind))
    }

    /// Dimension of every part, given how many levels its modes keep.
    pub fn dimensions(&self, cutoff: usize) -> Vec<usize> {
        let dimension = |(_, kind): &(String, Kind)| match kind {
            Kind::Mode => cutoff,
            Kind::Qubit => 2,
            Kind::Levels(count) => usize::from(*count),
        };
        self.parts.iter().map(dimension).collect()
    }
}
