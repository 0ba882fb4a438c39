//! How a generator that is not of Lindblad form is split into one positive and one negative channel, ket by ket.

use num_complex::Complex64;

use crate::model::QuadraticForm;

/// A share of the vacuum's variance added to ⟨A†A⟩ before the split is chosen: the best split has a kink in time where the
/// ket is squeezed just so, this one is smooth. It is a split as good as any; only its choice is rounded.
const ROUNDING: f64 = 0.01;

/// ⟨N⟩, ⟨N+1⟩ (a† cut where it is) and ⟨a²⟩ of a normalised ket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SecondMoments {
    /// ⟨a†a⟩.
    pub lowered: f64,
    /// ⟨a a†⟩.
    pub raised: f64,
    /// ⟨a²⟩.
    pub squeezed: Complex64,
}

impl SecondMoments {
    /// ⟨L†L⟩ of L = u a + v a†.
    fn weight(&self, [u, v]: [Complex64; 2]) -> f64 {
        let cross = 2.0 * (u.conj() * v * self.squeezed.conj()).re;
        (u.norm_sqr() * self.lowered + v.norm_sqr() * self.raised + cross).max(0.0)
    }
}

/// L₊ and L₋, each as u a + v a†, with c = L₊L₊† − L₋L₋† for the coefficient matrix c of [`QuadraticForm`], and their rates
/// ‖L±ψ‖².
///
/// H_eff knows only Σ c_μν A_ν†A_μ and not how c is split, so the split may follow the ket. A trajectory that jumps with both
/// rates and changes sign at every negative jump must grow by 2‖L₋ψ‖² dt in between, and its squared weight grows on average
/// by 4‖L₋ψ‖² dt: the best split has the least ⟨L₋†L₋⟩. c + bb† has rank one when b†adj(c)b = −det c; minimising b†gb, with
/// g = ⟨A†A⟩, under that condition makes b the eigenvector of adj(c)b = μ g b with the positive μ. At g's own minimum
/// ⟨L₋†L₋⟩ = ½(√(s² − 4 det c det g) − s), s = ⟨L₊†L₊⟩ − ⟨L₋†L₋⟩: it vanishes for Gaussian kets (det g = 0) that lose norm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// L₊.
    pub positive: [Complex64; 2],
    /// L₋.
    pub negative: [Complex64; 2],
    /// ‖L₊ψ‖² and ‖L₋ψ‖² for ‖ψ‖ = 1.
    pub rates: [f64; 2],
}

impl Split {
    /// The best split for a ket with these second moments.
    pub fn of(form: &QuadraticForm, moments: &SecondMoments) -> Self {
        let excess = -form.determinant();
        let rounded = SecondMoments {
            lowered: moments.lowered + 0.5 * ROUNDING,
            raised: moments.raised + 0.5 * ROUNDING,
            squeezed: moments.squeezed,
        };
        let negative = if excess > 0.0 { negative_channel(form, &rounded, excess) } else { [Complex64::ZERO; 2] };
        // c + bb† = L₊L₊†, taken from its larger column.
        let [u, v] = negative;
        let (down, up, cross) = (form.down + u.norm_sqr(), form.up + v.norm_sqr(), form.cross + u * v.conj());
        let positive = if down.max(up) <= 0.0 {
            [Complex64::ZERO; 2]
        } else if down >= up {
            [Complex64::from(down.sqrt()), cross.conj() / down.sqrt()]
        } else {
            [cross / up.sqrt(), Complex64::from(up.sqrt())]
        };
        Self { positive, negative, rates: [moments.weight(positive), moments.weight(negative)] }
    }
}

/// b of adj(c) b = μ g b with the positive μ, scaled to b†adj(c)b = −det c.
fn negative_channel(form: &QuadraticForm, g: &SecondMoments, excess: f64) -> [Complex64; 2] {
    let signed = form.down * g.lowered + form.up * g.raised + 2.0 * (form.cross * g.squeezed).re;
    let determinant = g.lowered * g.raised - g.squeezed.norm_sqr();
    let root = (signed * signed + 4.0 * excess * determinant).sqrt();
    // The positive root of det g μ² − s μ − excess = 0, without cancellation.
    let mu = if signed > 0.0 { 0.5 * (signed + root) / determinant } else { 2.0 * excess / (root - signed) };
    // adj(c) − μg = [[up − μ⟨N⟩, −cross − μ⟨a†²⟩], […, down − μ⟨N+1⟩]] has rank one.
    let across = form.cross + mu * g.squeezed.conj();
    let (first, second) = (mu * g.lowered - form.up, mu * g.raised - form.down);
    let b = if first.abs() > second.abs() {
        [-across, Complex64::from(first)]
    } else {
        [Complex64::from(second), -across.conj()]
    };
    let length = form.up * b[0].norm_sqr() + form.down * b[1].norm_sqr() - 2.0 * (b[0].conj() * form.cross * b[1]).re;
    b.map(|part| part * (excess / length).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> QuadraticForm {
        QuadraticForm {
            energy: 1.0,
            squeezing: Complex64::ZERO,
            down: 0.19,
            up: 0.04,
            cross: Complex64::new(0.11, -0.1),
        }
    }

    #[test]
    fn both_channels_together_are_the_generator() {
        for (n, squeezed) in
            [(0.0, Complex64::ZERO), (1.0, Complex64::new(0.3, -0.9)), (7.0, Complex64::new(-6.0, 2.0))]
        {
            let moments = SecondMoments { lowered: n, raised: n + 1.0, squeezed };
            let Split { positive: [u, v], negative: [x, y], rates } = Split::of(&form(), &moments);
            assert!((u.norm_sqr() - x.norm_sqr() - form().down).abs() < 1e-14);
            assert!((v.norm_sqr() - y.norm_sqr() - form().up).abs() < 1e-14);
            assert!((u * v.conj() - x * y.conj() - form().cross).norm() < 1e-14);
            // Near the least rate there can be; no other split on a grid of b's phase and shape is better by more than the rounding.
            let signed = rates[0] - rates[1];
            let determinant = n * (n + 1.0) - squeezed.norm_sqr();
            let least = 0.5 * ((signed * signed - 4.0 * form().determinant() * determinant).sqrt() - signed);
            assert!(rates[1] >= least - 1e-12 && rates[1] < least + 0.02, "{rates:?}, {least}");
        }
    }
}
