//! The tables `[model]` and `[initial]`.

use num_complex::Complex64;
use toml::Value;

use super::born_markov::parse_born_markov;
use super::section::{Section, as_number};
use super::tables::Tables;
use crate::hilbert::Cutoff;
use crate::model::{
    Adiabatic, Convention, Model, OscillatorBath, OscillatorPreparation, OscillatorSpins, Spin, SpinBath,
    SpinPreparation, excited_probability, occupation,
};
use crate::{Error, Result};

/// Most spins of a register: 2^16 rows.
const MAX_SPINS: usize = 16;

/// Highest cutoff: a bound on the levels' numbers, not on memory, which follows the active window.
const MAX_CUTOFF: i64 = 1 << 40;

/// Highest initial level or |α|², and highest thermal occupation: the Fock distribution is kept from level 0.
const MAX_LEVEL: u64 = 10_000_000;
const MAX_THERMAL: f64 = 1e6;

/// `[model]`: the system and its Fock cutoff.
pub fn parse_model(mut model: Section, tables: &Tables) -> Result<(Model, Cutoff)> {
    let kind = model.word("kind", None, &["oscillator-spins", "adiabatic", "born-markov"])?;
    if kind == "born-markov" {
        let cutoff = parse_cutoff(&mut model)?;
        let parsed = Model::BornMarkov(parse_born_markov(&mut model, tables)?);
        model.finish()?;
        return Ok((parsed, cutoff));
    }
    let frequency = model.number("frequency", "the oscillator's Ω₀ > 0")?;
    if !(frequency > 0.0 && frequency <= 1e12) {
        return Err(Error::value("model.frequency", frequency, "the oscillator's Ω₀ must be > 0 (at most 1e12)"));
    }
    let cutoff = parse_cutoff(&mut model)?;
    let parsed = if kind == "adiabatic" {
        Model::Adiabatic(Adiabatic { frequency, diffusion: parse_diffusion(&mut model)? })
    } else {
        let sections = model.sections("spins")?;
        if sections.len() > MAX_SPINS {
            let allowed = format!("at most {MAX_SPINS} spins (a ket has 2^K rows)");
            return Err(Error::value("model.spins", format!("{} spins", sections.len()), allowed));
        }
        let temperature = model.non_negative("temperature")?;
        let spins = sections.into_iter().map(|spin| parse_spin(spin, temperature)).collect::<Result<_>>()?;
        let oscillator_bath = match model.optional_section("oscillator_bath")? {
            Some(bath) => Some(parse_oscillator_bath(bath, frequency)?),
            None => None,
        };
        let oscillator_dephasing = model.non_negative("oscillator_dephasing")?.unwrap_or(0.0);
        Model::OscillatorSpins(OscillatorSpins { frequency, spins, oscillator_bath, oscillator_dephasing })
    };
    model.finish()?;
    Ok((parsed, cutoff))
}

fn parse_cutoff(model: &mut Section) -> Result<Cutoff> {
    let allowed = "must be \"auto\" or the number of Fock levels kept, from 2";
    match model.optional("cutoff") {
        None => Ok(Cutoff::Auto),
        Some(Value::String(word)) if word == "auto" => Ok(Cutoff::Auto),
        Some(Value::Integer(levels)) if (2..=MAX_CUTOFF).contains(&levels) => Ok(Cutoff::Levels(levels as usize)),
        Some(value) => Err(Error::value(model.key("cutoff"), value, allowed)),
    }
}

/// Γ of Eq. (40): given, or 2g²/(γ(2n̄+1)) of a spin.
fn parse_diffusion(model: &mut Section) -> Result<f64> {
    const EITHER: &str = "give either diffusion = Γ or spin = { coupling, gamma, nbar }";
    let spin = model.optional_section("spin")?;
    match (model.non_negative("diffusion")?, spin) {
        (Some(diffusion), None) => Ok(diffusion),
        (None, Some(mut spin)) => {
            let coupling = spin.energy("coupling", None, "the spin's coupling g")?;
            let gamma = require(spin.non_negative("gamma")?, &spin, "gamma", "the spin's relaxation rate γ > 0")?;
            let nbar = require(spin.non_negative("nbar")?, &spin, "nbar", "the occupation n̄ ≥ 0 of the spin's bath")?;
            if gamma == 0.0 {
                return Err(Error::value(spin.key("gamma"), gamma, "must be > 0: Γ = 2g²/(γ(2n̄+1))"));
            }
            spin.finish()?;
            Ok(Adiabatic::diffusion_from_spin(coupling, gamma, nbar))
        }
        (Some(diffusion), Some(_)) => Err(Error::value(model.key("diffusion"), diffusion, EITHER)),
        (None, None) => Err(Error::Missing { key: model.key("diffusion"), allowed: EITHER.into() }),
    }
}

fn require(value: Option<f64>, section: &Section, name: &str, what: &str) -> Result<f64> {
    value.ok_or_else(|| Error::Missing { key: section.key(name), allowed: what.to_owned() })
}

/// A spin; `temperature` is that of the initial state of spins that do not say their own.
fn parse_spin(mut section: Section, temperature: Option<f64>) -> Result<Spin> {
    let asymmetry = section.energy("asymmetry", Some(0.0), "")?;
    let tunnelling = section.energy("tunnelling", Some(0.0), "")?;
    let coupling = section.energy("coupling", None, "the coupling g to X = a + a†")?;
    let dephasing = section.non_negative("dephasing")?.unwrap_or(0.0);
    let mut spin = Spin { asymmetry, tunnelling, coupling, initial: SpinPreparation::Ground, bath: None, dephasing };
    if let Some(bath) = section.optional_section("bath")? {
        spin.bath = Some(parse_spin_bath(bath, spin.splitting())?);
    }
    spin.initial = match temperature {
        Some(t) if !section.has("initial") => {
            SpinPreparation::Mixed { excited_probability: excited_probability(spin.splitting(), t) }
        }
        _ => parse_spin_initial(&mut section, &spin)?,
    };
    section.finish()?;
    Ok(spin)
}

fn parse_spin_bath(mut bath: Section, splitting: f64) -> Result<SpinBath> {
    let gamma = require(bath.non_negative("gamma")?, &bath, "gamma", "the relaxation rate γ ≥ 0")?;
    let convention = match bath.has("convention") {
        true => bath.word("convention", None, &["detailed-balance", "paper"])?,
        false => "detailed-balance".into(),
    };
    let convention = if convention == "paper" { Convention::Paper } else { Convention::DetailedBalance };
    let nbar = parse_occupation(&mut bath, splitting, convention, "the spin's splitting √(ω²+Δ²)")?;
    bath.finish()?;
    Ok(SpinBath { gamma, nbar })
}

fn parse_oscillator_bath(mut bath: Section, frequency: f64) -> Result<OscillatorBath> {
    let kappa = require(bath.non_negative("kappa")?, &bath, "kappa", "the oscillator's damping rate κ ≥ 0")?;
    let nbar = parse_occupation(&mut bath, frequency, Convention::DetailedBalance, "the frequency")?;
    bath.finish()?;
    Ok(OscillatorBath { kappa, nbar })
}

/// n̄ given directly or by a temperature.
fn parse_occupation(bath: &mut Section, energy: f64, convention: Convention, what: &str) -> Result<f64> {
    match (bath.non_negative("nbar")?, bath.non_negative("temperature")?) {
        (Some(nbar), None) => Ok(nbar),
        (None, Some(temperature)) => {
            let nbar = occupation(energy, temperature, convention);
            if nbar.is_finite() && nbar <= 1e12 {
                return Ok(nbar);
            }
            let allowed = format!("gives no finite n̄ for {what} = {energy}; give nbar instead");
            Err(Error::value(bath.key("temperature"), temperature, allowed))
        }
        (Some(nbar), Some(_)) => Err(Error::value(bath.key("nbar"), nbar, "give either nbar or temperature, not both")),
        (None, None) => Err(Error::Missing {
            key: bath.key("nbar"),
            allowed: "the occupation n̄ ≥ 0 of the bath, or its temperature".into(),
        }),
    }
}

fn parse_spin_initial(section: &mut Section, spin: &Spin) -> Result<SpinPreparation> {
    const ALLOWED: &str =
        "allowed are \"ground\", \"excited\", \"thermal\", { excited_probability = p }, { temperature = T }";
    let key = section.key("initial");
    match section.optional("initial") {
        None => Ok(SpinPreparation::Ground),
        Some(Value::String(word)) => match word.as_str() {
            "ground" => Ok(SpinPreparation::Ground),
            "excited" => Ok(SpinPreparation::Excited),
            "thermal" if spin.bath.is_some() => Ok(SpinPreparation::Thermal),
            "thermal" => {
                let allowed =
                    "this spin has no bath to be thermal with; give { temperature = T } or { excited_probability = p }";
                Err(Error::value(key, "\"thermal\"", allowed))
            }
            _ => Err(Error::value(key, format!("\"{word}\""), ALLOWED)),
        },
        Some(Value::Table(table)) => {
            let mut initial = Section::new(&key, table);
            let shown = initial.shown();
            let probability = initial.optional_number("excited_probability")?;
            let temperature = initial.non_negative("temperature")?;
            initial.finish()?;
            match (probability, temperature) {
                (Some(p), None) if (0.0..=1.0).contains(&p) => Ok(SpinPreparation::Mixed { excited_probability: p }),
                (Some(p), None) => {
                    Err(Error::value(format!("{key}.excited_probability"), p, "must be between 0 and 1"))
                }
                (None, Some(t)) => {
                    Ok(SpinPreparation::Mixed { excited_probability: excited_probability(spin.splitting(), t) })
                }
                _ => Err(Error::value(key, shown, ALLOWED)),
            }
        }
        Some(value) => Err(Error::value(key, value, ALLOWED)),
    }
}

/// `[initial]`: the oscillator's state.
pub fn parse_initial(mut initial: Section, cutoff: Cutoff) -> Result<OscillatorPreparation> {
    let Some(mut state) = initial.optional_section("oscillator")? else {
        initial.finish()?;
        return Ok(OscillatorPreparation::Fock(0));
    };
    initial.finish()?;
    let allowed = "give one of { fock = n }, { coherent = [re, im] }, { thermal = n̄ }";
    let (fock, coherent, thermal) = (state.has("fock"), state.has("coherent"), state.has("thermal"));
    let parsed = match (fock, coherent, thermal) {
        (true, false, false) => {
            let n = state.count("fock", 0, 0..=MAX_LEVEL)? as usize;
            if !cutoff.holds(n) {
                let allowed = "the level must lie below model.cutoff";
                return Err(Error::value("initial.oscillator.fock", n, allowed));
            }
            OscillatorPreparation::Fock(n)
        }
        (false, true, false) => OscillatorPreparation::Coherent(parse_alpha(&mut state, cutoff)?),
        (false, false, true) => {
            let nbar = state.non_negative("thermal")?.unwrap_or(0.0);
            if nbar > MAX_THERMAL {
                return Err(Error::value(state.key("thermal"), nbar, "n̄ must be between 0 and 1e6"));
            }
            OscillatorPreparation::Thermal(nbar)
        }
        (false, false, false) if !state.is_empty() => return state.finish().map(|()| OscillatorPreparation::Fock(0)),
        _ => return Err(Error::value("initial.oscillator", state.shown(), allowed)),
    };
    state.finish()?;
    Ok(parsed)
}

fn parse_alpha(state: &mut Section, cutoff: Cutoff) -> Result<Complex64> {
    let key = state.key("coherent");
    let value = state.optional("coherent").unwrap_or(Value::Boolean(false));
    let parts = match &value {
        Value::Array(parts) => parts.iter().map(as_number).collect::<Option<Vec<_>>>(),
        single => as_number(single).map(|re| vec![re, 0.0]),
    };
    let Some([re, im]) = parts.as_deref().and_then(|parts| <[f64; 2]>::try_from(parts).ok()) else {
        return Err(Error::value(key, &value, "must be [re, im] (or one real number)"));
    };
    let alpha = Complex64::new(re, im);
    if alpha.norm_sqr() > MAX_LEVEL as f64 {
        return Err(Error::value(key, &value, format!("|α|² must be at most {MAX_LEVEL}")));
    }
    // A coherent state has lost everything to a cutoff that lies far below |α|².
    if let Cutoff::Levels(levels) = cutoff
        && (levels as f64) < alpha.norm_sqr() - 8.0 * alpha.norm()
    {
        let allowed = format!("|α|² = {} lies far above model.cutoff = {levels}", alpha.norm_sqr());
        return Err(Error::value(key, &value, allowed));
    }
    Ok(alpha)
}
