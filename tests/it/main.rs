//! One test binary; a module per promise.

mod analytic;
mod bath;
mod bath_input;
mod born_markov;
mod cli;
mod coefficients;
mod controls;
mod convergence;
mod densities;
mod determinism;
mod durability;
mod emission;
mod followed;
mod frames;
mod heating;
mod input;
mod layering;
mod records;
mod reference;
mod sampling;
mod shards;
mod statistics;
mod stopping;
mod systems;
mod unseen;
mod waiting_times;
