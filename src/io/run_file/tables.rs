//! The tabulated densities that a run file names: read from files beside it, or known since blocks of the run were stored.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::io::provenance::hash_text;

/// Rows (ω, J) of tabulated densities by the names that the run file has for their files.
pub type TableRows = BTreeMap<String, Vec<(f64, f64)>>;

/// Where tabulated densities come from. Each is read once, however many sweep points use it.
#[derive(Debug)]
pub struct Tables {
    directory: PathBuf,
    known: RefCell<TableRows>,
    /// The name that was asked for last.
    used: RefCell<Option<String>>,
}

impl Tables {
    /// Those in a directory, as far as they are not `known`.
    pub fn new(directory: &Path, known: &TableRows) -> Self {
        Self { directory: directory.to_owned(), known: RefCell::new(known.clone()), used: RefCell::default() }
    }

    /// The rows of the table `name`, from `read` if they are not known.
    pub fn rows(&self, name: &str, read: impl FnOnce(&Path) -> Result<Vec<(f64, f64)>>) -> Result<Vec<(f64, f64)>> {
        let known = self.known.borrow().get(name).cloned();
        let rows = known.map_or_else(|| read(&self.directory.join(name)), Ok)?;
        self.known.borrow_mut().insert(name.to_owned(), rows.clone());
        *self.used.borrow_mut() = Some(name.to_owned());
        Ok(rows)
    }

    /// Name and contents, in short, of the table that was used since this was asked last: to tell what differs.
    pub fn used(&self) -> Option<String> {
        let name = self.used.take()?;
        let mut contents = contents(self.known.borrow().get(&name)?);
        contents.truncate(12);
        Some(format!("\"{name}\" with the contents {contents}"))
    }

    /// All tables that were used or known.
    pub fn into_rows(self) -> TableRows {
        self.known.into_inner()
    }
}

/// SHA-256 of a table's rows.
fn contents(rows: &[(f64, f64)]) -> String {
    hash_text(&format!("{rows:?}"))
}

/// The hash of a run file together with those of the tables that it names.
pub fn hash_with(hash: String, tables: &TableRows) -> String {
    tables.values().fold(hash, |hash, rows| hash_text(&format!("{hash} {}", contents(rows))))
}
