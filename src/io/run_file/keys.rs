//! The keys of a run file one by one, as far as results depend on them.

use std::collections::BTreeMap;

use toml::{Table, Value};

/// Keys, or tables of keys, that decide nothing, or no more than where a run ends.
const INDIFFERENT: [&str; 8] = [
    "title",
    "output.exact",
    "output.jumps",
    "output.final_values",
    "ensemble.trajectories",
    "ensemble.max_trajectories",
    "ensemble.target",
    "ensemble.time_limit",
];

/// Dotted keys with their values as TOML.
pub fn deciding(table: &Table) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    table.iter().for_each(|(name, value)| collect(name.clone(), value, &mut keys));
    keys
}

fn collect(path: String, value: &Value, keys: &mut BTreeMap<String, String>) {
    if INDIFFERENT.contains(&path.as_str()) {
        return;
    }
    match value {
        Value::Table(table) => {
            table.iter().for_each(|(name, value)| collect(format!("{path}.{name}"), value, keys));
        }
        Value::Array(items) if items.iter().any(Value::is_table) => {
            items.iter().enumerate().for_each(|(index, value)| collect(format!("{path}.{index}"), value, keys));
        }
        _ => drop(keys.insert(path, value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_dotted_and_those_that_decide_nothing_are_left_out() {
        let text = "title = \"x\"\n[ensemble]\nseed = 2\ntarget = { observable = \"number\" }\n\
                    [[model.spins]]\nbath = { gamma = 1.0 }\n[output]\nobservables = [\"x\"]\nexact = true";
        let keys = deciding(&text.parse().unwrap());
        let shown: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(shown, ["ensemble.seed=2", "model.spins.0.bath.gamma=1.0", "output.observables=[\"x\"]"]);
    }
}
