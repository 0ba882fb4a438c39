//! fluctuator
#![forbid(unsafe_code)]
pub mod ensemble;
pub mod error;
pub mod hilbert;
pub mod master;
pub mod model;
pub mod propagate;
pub mod system;
pub mod unravelling;
pub use error::{Error, Result};
