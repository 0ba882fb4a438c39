//! `--set key=value` and `[sweep]`: both put values at dotted paths of the run file.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use toml::{Table, Value};

use crate::{Error, Result};

/// Keys that a sweep cannot vary.
const WHOLE_FILE: [&str; 4] = ["version", "title", "output.exact", "ensemble.sweep"];

/// Most points a sweep may have.
const MAX_POINTS: usize = 10_000;

/// Most bytes of all sweep points written out: what is read is bounded, whatever it says.
const MAX_EXPANDED: usize = 1 << 27;

/// Most steps of a dotted path; the run file has five.
const MAX_STEPS: usize = 8;

/// Applies one `key=value`; the value is TOML, and a bare word counts as a text.
pub fn apply(table: &mut Table, pair: &str) -> Result<()> {
    let Some((key, value)) = pair.split_once('=') else {
        return Err(Error::value("--set", pair, "must be key=value, e.g. --set model.spins.0.coupling=0.5"));
    };
    let (key, value) = (key.trim(), value.trim());
    let parsed = format!("value = {value}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    // The sweep's own keys contain dots, so a path into it is one key.
    if let Some(swept) = key.strip_prefix("sweep.") {
        let sweep = table.entry("sweep").or_insert_with(|| Value::Table(Table::new()));
        let Value::Table(sweep) = sweep else { return Err(not_a_table("sweep", sweep)) };
        sweep.insert(swept.trim_matches('"').to_owned(), parsed.unwrap_or_else(|| Value::String(value.to_owned())));
        return Ok(());
    }
    insert(table, key, parsed.unwrap_or_else(|| Value::String(value.to_owned())))
}

/// The swept keys with their values at one point, and the run file there.
type Swept = (BTreeMap<String, Json>, Table);

/// Takes `[sweep]` out of the table and returns one (parameters, table) per point, made when it is asked for: the cartesian
/// product, keys in alphabetical order, the last running fastest. Without a sweep: the table itself.
pub fn sweep(table: &mut Table) -> Result<impl ExactSizeIterator<Item = Result<Swept>> + use<'_>> {
    let sweep = match table.remove("sweep") {
        None => Table::new(),
        Some(Value::Table(sweep)) => sweep,
        Some(value) => return Err(not_a_table("sweep", &value)),
    };
    let (mut lists, mut bytes, mut count) = (Vec::new(), Vec::new(), 1);
    for (key, values) in sweep {
        if WHOLE_FILE.contains(&key.as_str()) {
            let allowed = "belongs to the whole run file and cannot be swept";
            return Err(Error::value(format!("sweep.\"{key}\""), values, allowed));
        }
        let Value::Array(values) = values else {
            let quotes = "must be a list of values; a dotted key is put in quotes: \"model.frequency\" = [1.0, 2.0]";
            return Err(Error::value(format!("sweep.\"{key}\""), values, quotes));
        };
        if values.is_empty() || count * values.len() > MAX_POINTS {
            let allowed = format!("a sweep needs at least one value per key and at most {MAX_POINTS} points");
            return Err(Error::value(format!("sweep.\"{key}\""), format!("{} values", values.len()), allowed));
        }
        count *= values.len();
        bytes.push(values.iter().map(|value| value.to_string().len()).sum::<usize>() / values.len());
        lists.push((key, values));
    }
    // What every point has: the file without its sweep, and one value of each list.
    let common = toml::to_string(table).map_err(Error::toml)?.len();
    let each = bytes.iter().fold(common, |sum, bytes| sum.saturating_add(*bytes));
    if each.saturating_mul(count) > MAX_EXPANDED {
        let allowed = format!("the bytes of a sweep point times the number of points may be {MAX_EXPANDED} at most");
        return Err(Error::value("the run file", format!("{each} bytes at each of {count} points"), allowed));
    }
    Ok((0..count).map(move |index| {
        let (mut parameters, mut table, mut runs) = (BTreeMap::new(), table.clone(), count);
        for (key, values) in &lists {
            runs /= values.len();
            let value = &values[index / runs % values.len()];
            insert(&mut table, key, value.clone())?;
            parameters.insert(key.clone(), serde_json::to_value(value).unwrap_or(Json::Null));
        }
        Ok((parameters, table))
    }))
}

fn not_a_table(key: &str, value: &Value) -> Error {
    Error::value(key, value, "must be a table of key = [values]")
}

/// Puts `value` at a dotted path; numbers index lists, missing tables are made.
fn insert(table: &mut Table, path: &str, value: Value) -> Result<()> {
    let bad = |allowed: &str| Error::value(path, &value, allowed);
    if path.split('.').count() > MAX_STEPS {
        return Err(bad(&format!("must name a key of the run file, of at most {MAX_STEPS} parts")));
    }
    let mut steps = path.split('.').peekable();
    let Some(first) = steps.next().filter(|step| !step.is_empty()) else {
        return Err(bad("must name a key of the run file, e.g. model.frequency"));
    };
    if steps.peek().is_none() {
        table.insert(first.to_owned(), value);
        return Ok(());
    }
    let mut place = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
    while let Some(step) = steps.next() {
        let last = steps.peek().is_none();
        place = match place {
            Value::Table(inner) if last => {
                inner.insert(step.to_owned(), value);
                return Ok(());
            }
            Value::Table(inner) => inner.entry(step).or_insert_with(|| Value::Table(Table::new())),
            Value::Array(list) => {
                let allowed = format!("`{step}` must be an index below {}", list.len());
                let item = step.parse::<usize>().ok().and_then(|index| list.get_mut(index));
                let Some(item) = item else { return Err(bad(&allowed)) };
                if last {
                    *item = value;
                    return Ok(());
                }
                item
            }
            _ => return Err(bad(&format!("there is no table to hold `{step}`"))),
        };
    }
    Ok(())
}
