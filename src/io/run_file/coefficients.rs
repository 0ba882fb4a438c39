//! The run file as `fluctuator coefficients` reads it: `[model]` and `[sweep]`; other tables may be there for other commands.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use toml::Table;

use super::density::{BathSource, born_markov_bath};
use super::section::Section;
use super::tables::{TableRows, Tables, hash_with};
use super::{Source, VERSION, overrides};
use crate::bath::Bath;
use crate::io::provenance::hash_text;
use crate::{Error, Result};

/// Keys of `[model]` that the coefficients do not depend on.
const OF_THE_EQUATION: [&str; 3] = ["cutoff", "form", "frequency_shift"];
/// Tables that other commands read.
const OTHER_TABLES: [&str; 5] = ["initial", "time", "ensemble", "output", "numerics"];

/// The baths of a run file, its sweep laid out.
#[derive(Debug, Clone, PartialEq)]
pub struct CoefficientsFile {
    /// Title for tables and pictures.
    pub title: String,
    /// The file, word for word.
    pub text: String,
    /// `--set` overrides, in order.
    pub overrides: Vec<String>,
    /// SHA-256 of the run file with its overrides, without comments or layout, and of tabulated densities.
    pub hash: String,
    /// One entry per sweep point (one without a sweep).
    pub points: Vec<CoefficientsPoint>,
}

/// One sweep point.
#[derive(Debug, Clone, PartialEq)]
pub struct CoefficientsPoint {
    /// Swept keys and their values here.
    pub parameters: BTreeMap<String, Value>,
    /// The bath that the run file asks for.
    pub bath: Bath,
}

impl CoefficientsFile {
    /// Reads and checks a run file; tabulated densities are looked for beside it.
    ///
    /// # Errors
    /// When a file cannot be read, is not TOML, or says something that is not allowed.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self> {
        let Source { text, name, directory } = Source::read(path)?;
        Self::parse(&text, &name, overrides, &directory)
    }

    /// The same from a text; `name` becomes the title of a run file without one.
    ///
    /// # Errors
    /// When it is not TOML, or says something that is not allowed.
    pub fn parse(text: &str, name: &str, overrides: &[String], directory: &Path) -> Result<Self> {
        let mut table: Table = text.parse().map_err(|error: toml::de::Error| Error::toml(error))?;
        for pair in overrides {
            overrides::apply(&mut table, pair)?;
        }
        let tables = Tables::new(directory, &TableRows::new());
        let hash = hash_text(&toml::to_string(&table).map_err(Error::toml)?);
        let mut title = None;
        let mut points = Vec::new();
        for point in overrides::sweep(&mut table)? {
            let (parameters, table) = point?;
            let (of_file, bath) = parse_point(table, &tables)?;
            title = title.or(of_file);
            points.push(CoefficientsPoint { parameters, bath });
        }
        let hash = hash_with(hash, &tables.into_rows());
        let title = title.unwrap_or_else(|| name.to_owned());
        Ok(Self { title, text: text.to_owned(), overrides: overrides.to_vec(), hash, points })
    }

    /// Whether the sweep runs over the kind of bath itself.
    pub fn sweeps_the_bath(&self) -> bool {
        self.points.iter().any(|point| point.parameters.contains_key("model.bath"))
    }
}

fn parse_point(table: Table, tables: &Tables) -> Result<(Option<String>, Bath)> {
    let mut root = Section::new("", table);
    root.has("sweep"); // taken out already: named among the known keys
    let version = root.integer("version", "the layout of the run file; this program reads version = 1")?;
    if version != VERSION {
        return Err(Error::value("version", version, "this program reads version = 1"));
    }
    let title = root.optional_text("title")?;
    let mut model = root.required_section("model", "the table [model] with kind, frequency, …")?;
    for name in OTHER_TABLES {
        root.optional_section(name)?;
    }
    root.finish()?;
    let kind = model.optional_text("kind")?.unwrap_or_default();
    if kind != "born-markov" {
        let allowed = "only \"born-markov\" has the coefficients of Eq. (24)";
        return Err(Error::value(model.key("kind"), format!("\"{kind}\""), allowed));
    }
    for name in OF_THE_EQUATION {
        model.optional(name);
    }
    let found = born_markov_bath(&mut model, tables)?;
    model.finish()?;
    match found.source {
        BathSource::Traced(bath) => Ok((title, *bath)),
        BathSource::Given(_) => {
            let allowed = "there is nothing to compute from; give density, temperature and bath instead";
            Err(Error::value("model.coefficients", "given directly", allowed))
        }
    }
}
