//! The command line: arguments, printing, exit codes; one file a verb.

pub mod args;
mod scribe;
mod screen;
