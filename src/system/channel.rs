//! The jump channels of a model: their operators, rates and names, in one fixed order.

use num_complex::Complex64;

use crate::model::{Form, Model};

/// What a jump does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Jump {
    /// |−⟩⟨+| on spin i.
    SpinDown(usize),
    /// |+⟩⟨−| on spin i.
    SpinUp(usize),
    /// τz on spin i.
    Dephase(usize),
    /// u a + v a† on the oscillator.
    Ladder {
        /// Coefficient u of a.
        lower: Complex64,
        /// Coefficient v of a†.
        raise: Complex64,
    },
    /// The positive channel of a generator that is not of Lindblad form, split anew for every ket.
    Positive,
    /// Its negative channel: a jump reverses the sign of the trajectory's weight.
    Negative,
}

/// A jump operator L = √rate × jump.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// Name in the result files, e.g. `spin_0_down`.
    pub name: String,
    /// Rate (1/time); a channel of rate zero is kept, so that all points of a sweep have the same channels.
    pub rate: f64,
    /// The operator without its rate.
    pub jump: Jump,
}

/// All channels of a model: per spin down, up, dephasing (as far as it has them), then the oscillator's.
pub fn channels(model: &Model) -> Vec<Channel> {
    let mut list = Vec::new();
    let mut push = |name: String, rate: f64, jump: Jump| list.push(Channel { name, rate, jump });
    let ladder = |lower: f64, raise: f64| Jump::Ladder { lower: lower.into(), raise: raise.into() };
    match model {
        Model::OscillatorSpins(model) => {
            for (i, spin) in model.spins.iter().enumerate() {
                if let Some(bath) = spin.bath {
                    push(format!("spin_{i}_down"), bath.down(), Jump::SpinDown(i));
                    push(format!("spin_{i}_up"), bath.up(), Jump::SpinUp(i));
                }
                if spin.dephasing > 0.0 {
                    push(format!("spin_{i}_dephasing"), spin.dephasing / 2.0, Jump::Dephase(i));
                }
            }
            if let Some(bath) = model.oscillator_bath {
                push("oscillator_loss".into(), bath.kappa * (bath.nbar + 1.0), ladder(1.0, 0.0));
                push("oscillator_gain".into(), bath.kappa * bath.nbar, ladder(0.0, 1.0));
            }
        }
        Model::Adiabatic(model) => push("position".into(), 2.0 * model.diffusion, ladder(1.0, 1.0)),
        Model::BornMarkov(model) => match model.form {
            Form::Bare => {
                push("positive".into(), 1.0, Jump::Positive);
                push("negative".into(), 1.0, Jump::Negative);
            }
            Form::Completed => {
                let [lower, raise] = model.completed_channel();
                push("completed".into(), 1.0, Jump::Ladder { lower, raise });
            }
            Form::Secular => {
                let [down, up] = model.secular_rates();
                push("down".into(), down, ladder(1.0, 0.0));
                push("up".into(), up, ladder(0.0, 1.0));
            }
        },
    }
    list
}
