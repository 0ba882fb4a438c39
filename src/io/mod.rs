//! Files: the run file, the result files, the pictures, stored blocks; and other processes.

mod available;
mod bath_plot;
mod beside;
pub mod blocks;
mod coefficient_table;
mod coefficients;
mod convergence;
mod earlier;
mod emission_plot;
mod figure;
mod files;
mod finite;
mod heating_plot;
mod labels;
mod netcdf;
mod plot;
mod provenance;
mod questions;
pub mod ranks;
mod records;
mod report;
mod result;
pub mod run_file;
pub mod terminal;

pub use available::available_memory;
pub use beside::{exact_beside, other_model};
pub use coefficient_table::{COEFFICIENTS_VERSION, CoefficientRow, CoefficientTable, KernelCurve};
pub use coefficients::{write_coefficients, write_surrogate};
pub use convergence::{draw_convergence, read_convergence, write_convergence};
pub use earlier::{
    certain_trajectories, earlier_has_more, earlier_result, refuse_to_replace, refuse_to_replace_report,
};
pub use emission_plot::draw_emission;
pub use heating_plot::draw_heating;
pub use netcdf::write_netcdf;
pub use plot::{draw_number, write_plots};
pub use provenance::{build_commit, hash_text, peak_memory};
pub use questions::{changes, models, models_of, questions, questions_of, run_file_of};
pub use records::{JUMP_BYTES, RECORDS_FILE, RecordSpool};
pub use report::{today, write_report};
pub use result::{EXACT_DIRECTORY, prepare_directory, read_exact, read_summary, write_numbers, write_result};
