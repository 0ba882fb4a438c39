//! Matrix elements of operators between products of levels.

use num_complex::Complex64;

use super::{Operator, Word};

impl Word {
    /// The product of levels, one per part, that a product of levels becomes, and its amplitude; `None` where it becomes zero.
    pub fn on(&self, levels: &[u32]) -> Option<(Vec<u32>, Complex64)> {
        let mut made = levels.to_vec();
        let mut amplitude = Complex64::ONE;
        for (part, factor) in self.factors() {
            let (level, c) = factor.on(*levels.get(part)?)?;
            made[part] = level;
            amplitude *= c;
        }
        Some((made, amplitude))
    }
}

impl Operator {
    /// Row, column and value of the matrix elements other than 0 on parts with so many levels each, the first part the slowest
    /// index; what leads beyond them is left out. Elements that several words share come several times.
    pub fn elements(&self, dimensions: &[usize]) -> Vec<(usize, usize, Complex64)> {
        let total: usize = dimensions.iter().product();
        let mut elements = Vec::new();
        let mut levels = vec![0u32; dimensions.len()];
        for column in 0..total {
            let mut rest = column;
            for (level, dimension) in levels.iter_mut().zip(dimensions).rev() {
                (*level, rest) = ((rest % dimension) as u32, rest / dimension);
            }
            for (word, c) in self.terms() {
                let Some((made, amplitude)) = word.on(&levels) else { continue };
                let inside = made.iter().zip(dimensions).all(|(level, dimension)| (*level as usize) < *dimension);
                if inside && amplitude != Complex64::ZERO {
                    let row = made.iter().zip(dimensions).fold(0, |row, (level, d)| row * d + *level as usize);
                    elements.push((row, column, c * amplitude));
                }
            }
        }
        elements
    }
}
