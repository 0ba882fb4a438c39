//! fluctuator
#![forbid(unsafe_code)]
pub mod analysis;
pub mod cli;
pub mod ensemble;
pub mod error;
pub mod hilbert;
pub mod io;
pub mod master;
pub mod model;
pub mod propagate;
pub mod system;
pub mod unravelling;
pub use error::{Error, Result};
