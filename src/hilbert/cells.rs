//! Memory of vectors, from the beginning of a cache line on.

use std::ops::{Deref, DerefMut};

/// Doubles per cache line.
const LINE: usize = 8;

/// Numbers in a row that begin where a cache line does: vectors of four that lie across two lines are read in twice the time.
#[derive(Debug, Default)]
pub struct Cells {
    memory: Vec<f64>,
    begin: usize,
    len: usize,
}

impl Cells {
    /// Becomes `len` cells long, whatever is in them, and keeps the allocation if it is large enough.
    pub fn set_len(&mut self, len: usize) {
        if self.memory.len() < len + LINE {
            self.memory.clear();
            self.memory.resize(len + LINE, 0.0);
            self.begin = self.memory.as_ptr().align_offset(LINE * size_of::<f64>()).min(LINE);
        }
        self.len = len;
    }

    /// Becomes `len` zeros.
    pub fn set_zero(&mut self, len: usize) {
        self.set_len(len);
        self.fill(0.0);
    }

    /// Becomes a copy of `cells`.
    pub fn copy_from(&mut self, cells: &[f64]) {
        self.set_len(cells.len());
        self.copy_from_slice(cells);
    }
}

impl Deref for Cells {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        &self.memory[self.begin..self.begin + self.len]
    }
}

impl DerefMut for Cells {
    fn deref_mut(&mut self) -> &mut [f64] {
        &mut self.memory[self.begin..self.begin + self.len]
    }
}

impl Clone for Cells {
    fn clone(&self) -> Self {
        let mut copy = Self::default();
        copy.copy_from(self);
        copy
    }

    fn clone_from(&mut self, source: &Self) {
        self.copy_from(source);
    }
}

impl PartialEq for Cells {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

#[cfg(test)]
mod tests {
    use super::{Cells, LINE};

    #[test]
    fn cells_begin_with_a_cache_line_whatever_their_length() {
        let mut cells = Cells::default();
        assert!(cells.is_empty());
        for len in [1, 24, 7, 100_000, 16] {
            cells.set_zero(len);
            cells[len - 1] = 2.0;
            let copy = cells.clone();
            for cells in [&cells, &copy] {
                assert_eq!(cells.as_ptr().align_offset(LINE * size_of::<f64>()), 0);
                assert_eq!((cells.len(), cells.iter().sum::<f64>()), (len, 2.0));
            }
            assert!(copy == cells);
        }
    }
}
