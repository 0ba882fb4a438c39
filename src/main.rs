//! The `fluctuator` program.

fn main() -> std::process::ExitCode {
    fluctuator::cli::main()
}
