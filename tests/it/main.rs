//! One test binary; a module per promise.

mod analytic;

mod determinism;


mod reference;
mod statistics;
mod systems;
mod waiting_times;
