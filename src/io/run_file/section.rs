//! One table of the run file: typed access that takes keys out, so that what is left over is unknown.

use std::ops::RangeInclusive;

use toml::{Table, Value};

use crate::error::LONGEST_KEY;
use crate::error::shown::one_line;
use crate::{Error, Result};

/// A table with its dotted path and the keys that were asked for.
#[derive(Debug)]
pub struct Section {
    path: String,
    table: Table,
    known: Vec<&'static str>,
}

impl Section {
    /// The table at `path` ("" for the root).
    pub fn new(path: &str, table: Table) -> Self {
        Self { path: path.to_owned(), table, known: Vec::new() }
    }

    /// Dotted path of a key of this table.
    pub fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.table.remove(name)
    }

    fn wrong(&self, name: &str, value: &Value, allowed: &str) -> Error {
        Error::value(self.key(name), value, allowed)
    }

    fn missing(&self, name: &str, allowed: &str) -> Error {
        Error::Missing { key: self.key(name), allowed: allowed.to_owned() }
    }

    /// Whether the key is there; it counts as known.
    pub fn has(&mut self, name: &'static str) -> bool {
        self.known.push(name);
        self.table.contains_key(name)
    }

    /// Every key that is left, as one table: for messages.
    pub fn shown(&self) -> String {
        Value::Table(self.table.clone()).to_string()
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// A value of any type.
    pub fn optional(&mut self, name: &'static str) -> Option<Value> {
        self.take(name)
    }

    /// A finite number, if the key is there.
    pub fn optional_number(&mut self, name: &'static str) -> Result<Option<f64>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        as_number(&value).map(Some).ok_or_else(|| self.wrong(name, &value, "must be a finite number"))
    }

    /// A finite number; `what` says what to write when it is missing.
    pub fn number(&mut self, name: &'static str, what: &str) -> Result<f64> {
        self.optional_number(name)?.ok_or_else(|| self.missing(name, what))
    }

    /// A number in a range, with a default.
    pub fn positive(&mut self, name: &'static str, default: f64, range: RangeInclusive<f64>) -> Result<f64> {
        let value = self.optional_number(name)?.unwrap_or(default);
        if range.contains(&value) {
            return Ok(value);
        }
        let allowed = format!("must be between {:e} and {:e}", range.start(), range.end());
        Err(Error::value(self.key(name), value, allowed))
    }

    /// A rate or an occupation: finite and ≥ 0, at most 1e12.
    pub fn non_negative(&mut self, name: &'static str) -> Result<Option<f64>> {
        match self.optional_number(name)? {
            Some(value) if !(0.0..=1e12).contains(&value) => {
                Err(Error::value(self.key(name), value, "must be a number ≥ 0 (at most 1e12)"))
            }
            value => Ok(value),
        }
    }

    /// An energy: finite, of any sign, at most 1e12 in size.
    pub fn energy(&mut self, name: &'static str, default: Option<f64>, what: &str) -> Result<f64> {
        match self.optional_number(name)?.or(default) {
            Some(value) if value.abs() <= 1e12 => Ok(value),
            Some(value) => Err(Error::value(self.key(name), value, "must be between −1e12 and 1e12")),
            None => Err(self.missing(name, what)),
        }
    }

    /// An integer that must be there.
    pub fn integer(&mut self, name: &'static str, what: &str) -> Result<i64> {
        let Some(value) = self.take(name) else { return Err(self.missing(name, what)) };
        value.as_integer().ok_or_else(|| self.wrong(name, &value, "must be a whole number"))
    }

    /// A whole number in a range, with a default.
    pub fn count(&mut self, name: &'static str, default: u64, range: RangeInclusive<u64>) -> Result<u64> {
        let Some(value) = self.take(name) else { return Ok(default) };
        let allowed = format!("must be a whole number between {} and {}", range.start(), range.end());
        let count = value.as_integer().and_then(|integer| u64::try_from(integer).ok());
        count.filter(|count| range.contains(count)).ok_or_else(|| self.wrong(name, &value, &allowed))
    }

    /// A whole number in a range, if the key is there.
    pub fn optional_count(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Result<Option<u64>> {
        if self.has(name) { self.count(name, 0, range).map(Some) } else { Ok(None) }
    }

    /// true or false, with a default.
    pub fn flag(&mut self, name: &'static str, default: bool) -> Result<bool> {
        let Some(value) = self.take(name) else { return Ok(default) };
        value.as_bool().ok_or_else(|| self.wrong(name, &value, "must be true or false"))
    }

    /// A text, if the key is there.
    pub fn optional_text(&mut self, name: &'static str) -> Result<Option<String>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let text = value.as_str().map(str::to_owned);
        text.map(Some).ok_or_else(|| self.wrong(name, &value, "must be a text in quotes"))
    }

    /// One of a few words.
    pub fn word(&mut self, name: &'static str, default: Option<&str>, allowed: &[&str]) -> Result<String> {
        let what = format!("allowed are {}", quoted(allowed));
        let Some(word) = self.optional_text(name)?.or_else(|| default.map(str::to_owned)) else {
            return Err(self.missing(name, &what));
        };
        if allowed.contains(&word.as_str()) {
            return Ok(word);
        }
        Err(Error::value(self.key(name), format!("\"{word}\""), what))
    }

    /// A list of texts, with a default.
    pub fn texts(&mut self, name: &'static str, default: &[&str]) -> Result<Vec<String>> {
        let Some(value) = self.take(name) else { return Ok(default.iter().map(ToString::to_string).collect()) };
        let list = value.as_array().and_then(|list| list.iter().map(|item| item.as_str().map(str::to_owned)).collect());
        list.ok_or_else(|| self.wrong(name, &value, "must be a list of texts, e.g. [\"number\", \"x\"]"))
    }

    /// A list of finite numbers, if the key is there.
    pub fn optional_numbers(&mut self, name: &'static str) -> Result<Option<Vec<f64>>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let list = value.as_array().and_then(|list| list.iter().map(as_number).collect());
        list.map(Some).ok_or_else(|| self.wrong(name, &value, "must be a list of finite numbers"))
    }

    /// A table inside this one; empty when absent.
    pub fn section(&mut self, name: &'static str) -> Result<Section> {
        Ok(self.optional_section(name)?.unwrap_or_else(|| Section::new(&self.key(name), Table::new())))
    }

    /// A table inside this one that must be there.
    pub fn required_section(&mut self, name: &'static str, what: &str) -> Result<Section> {
        self.optional_section(name)?.ok_or_else(|| self.missing(name, what))
    }

    /// A table inside this one, if it is there.
    pub fn optional_section(&mut self, name: &'static str) -> Result<Option<Section>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(Section::new(&self.key(name), table))),
            Some(value) => Err(self.wrong(name, &value, "must be a table")),
        }
    }

    /// An array of tables; empty when absent.
    pub fn sections(&mut self, name: &'static str) -> Result<Vec<Section>> {
        let list = match self.take(name) {
            None => Vec::new(),
            Some(Value::Array(list)) => list,
            Some(value) => return Err(self.wrong(name, &value, "must be a list of tables")),
        };
        self.tables(name, list)
    }

    /// A table, or a list of at least one, that must be there.
    pub fn one_or_more(&mut self, name: &'static str) -> Result<Vec<Section>> {
        match self.take(name) {
            Some(Value::Table(table)) => Ok(vec![Section::new(&self.key(name), table)]),
            Some(Value::Array(list)) if !list.is_empty() => self.tables(name, list),
            Some(value) => Err(self.wrong(name, &value, "must be a table or a list of tables")),
            None => Err(self.missing(name, "a table or a list of tables")),
        }
    }

    fn tables(&self, name: &str, list: Vec<Value>) -> Result<Vec<Section>> {
        let parse = |(i, value): (usize, Value)| match value {
            Value::Table(table) => Ok(Section::new(&format!("{}.{i}", self.key(name)), table)),
            value => Err(Error::value(format!("{}.{i}", self.key(name)), value, "must be a table")),
        };
        list.into_iter().enumerate().map(parse).collect()
    }

    /// Refuses whatever was not asked for.
    pub fn finish(self) -> Result<()> {
        let Some(unknown) = self.table.keys().next() else { return Ok(()) };
        let mut known = self.known.clone();
        known.sort_unstable();
        known.dedup();
        let key = one_line(&self.key(unknown), LONGEST_KEY);
        Err(Error::UnknownKey { key, allowed: allowed_words(unknown, &known) })
    }
}

/// A finite number, written as an integer or a float.
pub fn as_number(value: &Value) -> Option<f64> {
    let number = value.as_float().or_else(|| value.as_integer().map(|integer| integer as f64))?;
    number.is_finite().then_some(number)
}

/// `"a", "b"` for messages.
pub fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

/// `did you mean …? allowed are …`, the first where a word is near enough.
pub fn allowed_words(unknown: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|word| (distance(word, unknown), *word)).min();
    let hint = match nearest {
        Some((d, word)) if 3 * d <= unknown.chars().count() => format!("did you mean `{word}`? "),
        _ => String::new(),
    };
    format!("{hint}allowed are {}", known.join(", "))
}

/// Edits (insert, delete, replace, swap two neighbours) from `a` to `b`, for "did you mean".
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut edits = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                edits = edits.min(rows[i - 2][j - 2] + 1);
            }
            row.push(edits);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
