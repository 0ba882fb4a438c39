//! What is asked of a model: its initial state, its Fock space, when and what to observe.

use super::{Functional, FunctionalKind, NamedFunctional, Observable};
use crate::hilbert::Cutoff;
use crate::model::{Model, OscillatorPreparation};

/// One simulation, whatever the method: a model, how it starts, and what is read off it when.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// The system.
    pub model: Model,
    /// Initial state of the oscillator; spins carry their own.
    pub oscillator: OscillatorPreparation,
    /// Bound on the Fock space.
    pub cutoff: Cutoff,
    /// Output times, ascending from 0; the last is the end of the run.
    pub times: Vec<f64>,
    /// What is observed; [`Observable::NUMBER`] is always among them.
    pub observables: Vec<Observable>,
    /// Indices into `times` between which the heating rate is taken.
    pub heating_window: [usize; 2],
    /// Functionals of observables that are asked for besides the heating rate.
    pub functionals: Vec<NamedFunctional>,
}

impl Experiment {
    /// Position of [`Observable::NUMBER`] among the observables.
    pub fn number_index(&self) -> usize {
        self.observables.iter().position(|observable| *observable == Observable::NUMBER).unwrap_or(0)
    }

    /// Exact initial occupation ⟨N⟩(0) (before any cutoff).
    pub fn initial_number(&self) -> f64 {
        match self.oscillator {
            OscillatorPreparation::Fock(n) => n as f64,
            OscillatorPreparation::Coherent(alpha) => alpha.norm_sqr(),
            OscillatorPreparation::Thermal(nbar) => nbar,
        }
    }

    /// Functionals that every run has: the heating rate by difference and that by slope.
    pub const HEATING_FUNCTIONALS: usize = 2;

    /// How many functionals there are: those of heating, and those asked for besides.
    pub fn functional_count(&self) -> usize {
        Self::HEATING_FUNCTIONALS + self.functionals.len()
    }

    /// One of them, in that order.
    pub fn functional(&self, place: usize) -> Functional {
        let of_number = |kind| Functional { observable: self.number_index(), kind, window: self.heating_window };
        match place {
            0 => of_number(FunctionalKind::Rate),
            1 => of_number(FunctionalKind::Slope),
            _ => self.functionals[place - Self::HEATING_FUNCTIONALS].functional,
        }
    }

    /// (⟨N⟩(t₁) − ⟨N⟩(t₀))/(t₁ − t₀) of a curve `number` over the heating window.
    pub fn heating_rate(&self, number: impl Fn(usize) -> f64) -> f64 {
        self.functional(0).of(&self.times, number)
    }

    /// Least-squares slope Σ(t−t̄)⟨N⟩(t)/Σ(t−t̄)² of a curve `number` over the output times of the heating window.
    pub fn heating_slope(&self, number: impl Fn(usize) -> f64) -> f64 {
        self.functional(1).of(&self.times, number)
    }

    /// Whether the initial state is mixed, so that every trajectory starts from a pure state drawn from it.
    pub fn is_sampled(&self) -> bool {
        let mixed = |p: f64| p > 0.0 && p < 1.0;
        matches!(self.oscillator, OscillatorPreparation::Thermal(nbar) if nbar > 0.0)
            || self.model.spins().iter().any(|spin| mixed(spin.initial_excited_probability()))
    }
}
