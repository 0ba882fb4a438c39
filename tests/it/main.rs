//! One test binary; a module per promise.

mod analytic;
mod cli;
mod controls;
mod convergence;
mod determinism;
mod durability;
mod emission;
mod followed;
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
