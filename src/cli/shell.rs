//! `lineman completions`: what makes a shell complete our words; and the answer when a shell asks.

use std::ffi::OsString;
use std::path::Path;

use clap_complete::env::Shells;

use super::args::{self, Completions};
use super::{Failure, say};

/// Says that a shell asks; its value is which one. The script that is printed sets it.
const ASKING: &str = "LINEMAN_COMPLETE";
/// What is completed, and what is asked: found in the PATH, so that a script outlives the place it was printed from.
const NAME: &str = "lineman";

/// Runs it; the exit code.
pub(super) fn run(args: &Completions) -> Result<u8, Failure> {
    let broken =
        |why: &dyn std::fmt::Display| Failure::wrong(format!("the script could not be put together: {why}"));
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(args.shell.name()) else { return Err(broken(&"unknown shell")) };
    let mut script = Vec::new();
    shell.write_registration(ASKING, NAME, NAME, NAME, &mut script).map_err(|error| broken(&error))?;
    say(String::from_utf8_lossy(&script).trim());
    Ok(0)
}

/// Answers a shell that asks; `None` if none does, else the exit code.
pub(super) fn answer(words: &[OsString], here: Option<&Path>) -> Option<u8> {
    std::env::var_os(ASKING)?;
    let asked = clap_complete::CompleteEnv::with_factory(args::command).var(ASKING).bin(NAME).completer(NAME);
    match asked.try_complete(words.iter().cloned(), here) {
        Ok(true) => Some(0),
        Ok(false) => None,
        // A shell shows no complaints at a TAB; it completes nothing.
        Err(_) => Some(super::WRONG),
    }
}
