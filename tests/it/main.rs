//! One test binary; a module per promise.

mod analytic;
mod cli;
mod controls;
mod convergence;
mod determinism;
mod emission;
mod followed;
mod frames;
mod heating;
mod input;
mod layering;
mod records;
mod reference;
mod sampling;
mod statistics;
mod stopping;
mod systems;
mod waiting_times;
