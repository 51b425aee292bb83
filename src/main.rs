//! The program; see the library for the rooms.

use std::process::ExitCode;

fn main() -> ExitCode {
    lineman::cli::main()
}
