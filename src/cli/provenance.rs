//! Where, when and from what a result was made.

use std::time::Instant;

use crate::analysis::{Method, Provenance};
use crate::io::run_file::RunFile;
use crate::io::{build_commit, models, peak_memory, questions};
use crate::system::cpu_features;

/// The provenance of a result of `file` that is finished now; `trajectories` have run at every sweep point, the largest number
/// where they differ.
pub fn provenance(
    file: &RunFile,
    method: Method,
    trajectories: u64,
    complete: bool,
    begun: Instant,
    threads: usize,
) -> Provenance {
    Provenance {
        program: concat!("fluctuator ", env!("CARGO_PKG_VERSION")).into(),
        git_commit: build_commit(),
        run_file: file.text.clone(),
        overrides: file.overrides.clone(),
        run_file_hash: file.hash.clone(),
        method,
        title: file.title.clone(),
        seed: file.points[0].seed,
        sweep: (method == Method::Trajectories && file.points.len() > 1).then(|| file.sweep_numbers.name().into()),
        trajectories,
        trajectories_asked: (method == Method::Trajectories).then(|| file.points[0].stopping.trajectories),
        models: models(file),
        questions: questions(file, method),
        complete,
        endings: Vec::new(),
        wall_time_seconds: begun.elapsed().as_secs_f64(),
        threads,
        cpu_features: cpu_features(),
        peak_memory_bytes: peak_memory(),
    }
}
