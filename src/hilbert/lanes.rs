//! Four doubles at a time: AVX2 with fused multiply–add where the processor has it, arrays elsewhere; chosen at run time.

/// Doubles per vector.
pub const WIDTH: usize = 4;

/// Arithmetic on vectors of [`WIDTH`] doubles.
pub trait Lanes: Copy {
    /// The vector.
    type Vector: Copy + 'static;

    /// The whole vectors of a slice; no alignment is asked for.
    fn vectors(cells: &[f64]) -> &[Self::Vector];

    /// The same, to be written to.
    fn vectors_mut(cells: &mut [f64]) -> &mut [Self::Vector];

    /// The doubles of a vector.
    fn cells(vector: Self::Vector) -> [f64; WIDTH];

    /// The vector of these doubles.
    fn pack(cells: [f64; WIDTH]) -> Self::Vector;

    /// All doubles `x`.
    fn splat(self, x: f64) -> Self::Vector;

    /// a + b.
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// a − b.
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// a·b.
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// a·b + c.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// c − a·b.
    fn sub_mul(self, c: Self::Vector, a: Self::Vector, b: Self::Vector) -> Self::Vector;
}

/// A loop written for any [`Lanes`]; its `run` must be `#[inline(always)]`.
pub trait Kernel {
    /// What it returns.
    type Output;

    /// The loop.
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// Runs a kernel with the best vectors the processor has.
#[inline]
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(lanes) = pulp::x86::V3::try_new() {
        return lanes.vectorize(avx2::Inside { lanes, kernel });
    }
    kernel.run(Arrays)
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Kernel, Lanes, WIDTH};
    use pulp::x86::V3;
    use pulp::{NullaryFnOnce, Simd, cast, f64x4};

    /// A kernel that is compiled into a function with the processor's features.
    pub struct Inside<K> {
        pub lanes: V3,
        pub kernel: K,
    }

    impl<K: Kernel> NullaryFnOnce for Inside<K> {
        type Output = K::Output;

        #[inline(always)]
        fn call(self) -> K::Output {
            self.kernel.run(self.lanes)
        }
    }

    impl Lanes for V3 {
        type Vector = f64x4;

        #[inline(always)]
        fn vectors(cells: &[f64]) -> &[f64x4] {
            V3::as_simd_f64s(cells).0
        }

        #[inline(always)]
        fn vectors_mut(cells: &mut [f64]) -> &mut [f64x4] {
            V3::as_mut_simd_f64s(cells).0
        }

        #[inline(always)]
        fn cells(vector: f64x4) -> [f64; WIDTH] {
            cast(vector)
        }

        #[inline(always)]
        fn pack(cells: [f64; WIDTH]) -> f64x4 {
            cast(cells)
        }

        #[inline(always)]
        fn splat(self, x: f64) -> f64x4 {
            self.splat_f64x4(x)
        }

        #[inline(always)]
        fn add(self, a: f64x4, b: f64x4) -> f64x4 {
            self.add_f64x4(a, b)
        }

        #[inline(always)]
        fn sub(self, a: f64x4, b: f64x4) -> f64x4 {
            self.sub_f64x4(a, b)
        }

        #[inline(always)]
        fn mul(self, a: f64x4, b: f64x4) -> f64x4 {
            self.mul_f64x4(a, b)
        }

        #[inline(always)]
        fn mul_add(self, a: f64x4, b: f64x4, c: f64x4) -> f64x4 {
            self.mul_add_f64x4(a, b, c)
        }

        #[inline(always)]
        fn sub_mul(self, c: f64x4, a: f64x4, b: f64x4) -> f64x4 {
            self.negate_mul_add_f64x4(a, b, c)
        }
    }
}

/// Vectors of any processor, left to the compiler; fused only where that is an instruction of every processor of the kind (a library
/// call elsewhere would be ten times slower).
#[derive(Clone, Copy)]
struct Arrays;

#[inline(always)]
fn fma(a: f64, b: f64, c: f64) -> f64 {
    if cfg!(target_arch = "aarch64") { a.mul_add(b, c) } else { a * b + c }
}

impl Lanes for Arrays {
    type Vector = [f64; WIDTH];

    fn vectors(cells: &[f64]) -> &[[f64; WIDTH]] {
        cells.as_chunks().0
    }

    fn vectors_mut(cells: &mut [f64]) -> &mut [[f64; WIDTH]] {
        cells.as_chunks_mut().0
    }

    fn cells(vector: [f64; WIDTH]) -> [f64; WIDTH] {
        vector
    }

    fn pack(cells: [f64; WIDTH]) -> [f64; WIDTH] {
        cells
    }

    fn splat(self, x: f64) -> [f64; WIDTH] {
        [x; WIDTH]
    }

    fn add(self, a: [f64; WIDTH], b: [f64; WIDTH]) -> [f64; WIDTH] {
        std::array::from_fn(|i| a[i] + b[i])
    }

    fn sub(self, a: [f64; WIDTH], b: [f64; WIDTH]) -> [f64; WIDTH] {
        std::array::from_fn(|i| a[i] - b[i])
    }

    fn mul(self, a: [f64; WIDTH], b: [f64; WIDTH]) -> [f64; WIDTH] {
        std::array::from_fn(|i| a[i] * b[i])
    }

    fn mul_add(self, a: [f64; WIDTH], b: [f64; WIDTH], c: [f64; WIDTH]) -> [f64; WIDTH] {
        std::array::from_fn(|i| fma(a[i], b[i], c[i]))
    }

    fn sub_mul(self, c: [f64; WIDTH], a: [f64; WIDTH], b: [f64; WIDTH]) -> [f64; WIDTH] {
        std::array::from_fn(|i| fma(-a[i], b[i], c[i]))
    }
}
