//! `lineman report FORMAT`: which run, and where it goes. What each format says is the report room's.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

/// Of every format: which run, and where it goes.
#[derive(Debug, Args)]
pub struct Written {
    /// The run's id, or its folder; without one, what `latest` points to.
    #[arg(add = ArgValueCompleter::new(crate::cli::names::runs))]
    pub run: Option<String>,
    /// Write into this file, whole or not at all, in place of stdout.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Where runs were written.
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
}

/// `lineman report csv`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lineman report csv                               the verdicts of the last run, one row a line
  lineman report csv --table calls -o calls.csv    every call with its phases
  lineman report csv 20261121T020000Z-nightly --table modems

reports/SCHEMA.md says what each column means; reports/schemas/ has the same for programs.")]
pub struct CsvTable {
    /// Which table: lines, calls, consoles (behind console servers) or modems.
    #[arg(long, value_name = "TABLE", value_enum, default_value_t, hide_possible_values = true)]
    pub table: Table,
    /// Which run, and where it goes.
    #[command(flatten)]
    pub written: Written,
}

/// A table of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Table {
    /// One row a line: the verdict.
    #[default]
    Lines,
    /// One row a call.
    Calls,
    /// One row a console behind a console server.
    Consoles,
    /// One row a modem.
    Modems,
}
