//! Short names for legends and axes: of swept parameters, physical symbols as long as they are unambiguous, and of results.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::analysis::{Method, Point, Summary};
use crate::error::shown::number;

/// The keys that a sweep varies, with a name for each.
pub(super) struct Names<'a>(BTreeSet<&'a str>);

impl<'a> Names<'a> {
    /// The swept keys of all points.
    pub fn of(points: &'a [Point]) -> Self {
        Self(points.iter().flat_map(|p| p.parameters.keys()).map(String::as_str).collect())
    }

    /// The keys in alphabetical order: the last runs fastest.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &'a str> {
        self.0.iter().copied()
    }

    /// Symbol of a key, with the spin's number where several spins are swept; the whole key if that is ambiguous.
    pub fn name(&self, key: &str) -> String {
        let name = self.short(key);
        let clash = self.0.iter().filter(|other| self.short(other) == name).count() > 1;
        if clash { key.to_owned() } else { name }
    }

    /// Name and value of the point's parameters, those `except` one, e.g. `n̄ = 1, γ = 10`; empty without any.
    pub fn label(&self, point: &Point, except: Option<&str>) -> String {
        let kept = point.parameters.iter().filter(|(key, _)| Some(key.as_str()) != except);
        kept.map(|(key, v)| format!("{} = {}", self.name(key), value(v))).collect::<Vec<_>>().join(", ")
    }

    fn short(&self, key: &str) -> String {
        let spins: BTreeSet<&str> = self.0.iter().filter_map(|key| spin(key)).collect();
        match spin(key) {
            Some(index) if spins.len() > 1 => symbol(key) + &index.chars().map(subscript).collect::<String>(),
            _ => symbol(key),
        }
    }
}

/// The swept parameters of each point in short, e.g. `n̄ = 1, γ = 10`; empty without a sweep.
pub(super) fn point_labels(points: &[Point]) -> Vec<String> {
    let names = Names::of(points);
    points.iter().map(|point| names.label(point, None)).collect()
}

/// What the points of a summary are.
pub(super) fn own_label(summary: &Summary) -> String {
    let counts: BTreeSet<u64> = summary.points.iter().map(|p| p.trajectories).collect();
    match (summary.provenance.method, counts.first()) {
        (Method::Exact, _) => "density matrix".into(),
        (Method::Trajectories, Some(count)) if counts.len() == 1 => format!("mean of {count} trajectories"),
        (Method::Trajectories, _) => "mean over trajectories".into(),
    }
}

/// What an axis along a run-file key says beside its name: the unit, where the key has one that is known.
pub(super) fn unit(key: &str) -> &'static str {
    match last_part(key) {
        "nbar" => " (quanta)",
        "gamma"
        | "kappa"
        | "dephasing"
        | "oscillator_dephasing"
        | "coupling"
        | "tunnelling"
        | "asymmetry"
        | "frequency"
        | "temperature" => " (frequency unit)",
        "end" => " (1/frequency unit)",
        _ => "",
    }
}

/// Physical symbol of a run-file key, or its last part.
fn symbol(key: &str) -> String {
    match last_part(key) {
        "nbar" => "n̄",
        "gamma" => "γ",
        "kappa" => "κ",
        "dephasing" => "γφ",
        "oscillator_dephasing" => "κφ",
        "temperature" => "T",
        "coupling" => "g",
        "tunnelling" => "Δ",
        "asymmetry" => "ω",
        "frequency" => "Ω₀",
        other => other,
    }
    .into()
}

fn last_part(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// Index of the spin a key belongs to, as in `model.spins.0.bath.nbar`.
fn spin(key: &str) -> Option<&str> {
    key.strip_prefix("model.spins.")?.split('.').next()
}

fn subscript(digit: char) -> char {
    digit.to_digit(10).and_then(|d| char::from_u32('₀' as u32 + d)).unwrap_or(digit)
}

/// A parameter's value, numbers to six significant digits.
fn value(value: &Value) -> String {
    match (value.as_f64(), value.as_str()) {
        (Some(value), _) => number(value, 6),
        (None, Some(text)) => text.into(),
        (None, None) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Diagnostics;

    fn labels(keys: &[(&str, Value)]) -> String {
        let parameters: serde_json::Map<String, Value> = keys.iter().map(|(k, v)| (k.to_string(), v.clone())).collect();
        let point = serde_json::json!({
            "parameters": parameters, "trajectories": 0, "times": [], "observables": {}, "jumps": {},
            "heating_rate": { "value": 0.0, "window": [0.0, 0.0], "paper": null, "quantum_noise": null },
            "fock_distribution": { "mean": [], "estimator": "exact" }, "closed_forms": {},
            "diagnostics": Diagnostics::default(),
        });
        point_labels(&[serde_json::from_value(point).unwrap()]).remove(0)
    }

    #[test]
    fn labels_are_short_and_unambiguous() {
        assert_eq!(labels(&[]), "");
        assert_eq!(labels(&[("model.spins.0.bath.nbar", 0.0.into())]), "n̄ = 0");
        assert_eq!(
            labels(&[("model.spins.0.bath.gamma", 10.into()), ("model.frequency", (0.1 + 0.2).into())]),
            "Ω₀ = 0.3, γ = 10"
        );
        assert_eq!(
            labels(&[("model.spins.0.coupling", 1.5e-7.into()), ("model.spins.12.coupling", 123456.5.into())]),
            "g₀ = 1.5e-7, g₁₂ = 123456"
        );
        assert_eq!(
            labels(&[("model.spins.0.bath.nbar", 1.into()), ("model.oscillator_bath.nbar", 2.into())]),
            "model.oscillator_bath.nbar = 2, model.spins.0.bath.nbar = 1"
        );
        assert_eq!(labels(&[("model.spins.0.initial", "ground".into())]), "initial = ground");
    }
}
