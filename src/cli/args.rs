//! The command line as it is typed: plain data, one file a verb. What it means is looked up in the file of each verb.

mod audit;
mod modems;
mod report;
mod schema;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::sim::rfc2217::Manners;

pub use audit::{Audit, Selection};
pub use modems::{Modems, ModemsCheck, ModemsVerb};
pub use report::{
    Asked, CsvTable, Diff, Format, Import, Nagios, Prometheus, Rates, Report, ReportVerb, Since, Status,
    Table, Trend, Written, Zabbix, ZabbixList,
};
pub use schema::Schema;

/// Walks a company's out-of-band telephone lines: dials them all, times how each call is set up, logs into the console
/// behind it, proves that it is the right one, logs out, hangs up, and writes a verdict, a fault and a blame for every
/// line.
#[derive(Debug, Parser)]
#[command(name = "lineman", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// More talk on stderr: -v what happens, -vv what is said to modems, -vvv everything. `RUST_LOG` is honoured too.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

const EXIT_CODES: &str = "\
Exit codes, the first that holds:
  2  usage or configuration: nothing was dialed
  4  interrupted; the report was written
  3  the run could not judge: every line that was to be tested ended with the blame of the bench, of a credential
     or of lineman itself; or the run's record could not be written
  1  some line is not `pass`
  0  every line that was to be tested is `pass`";

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Runs a plan: dials every line of it and writes the verdicts.
    Audit(Audit),
    /// Validates all files of a plan and shows what would be dialed; dials nothing.
    Check(Check),
    /// Writes the report of a run again from its journal; tells what changed between runs, what drifts, and how often it fails.
    Report(Report),
    /// Tells why a line is not being dialed now, and when it will be; what a modem is at.
    Why(Why),
    /// Finds serial ports, asks the modems on them who they are, and writes a bank file.
    Modems(Modems),
    /// Runs a virtual exchange with modems on ptys or over RFC 2217, for rehearsal and for other programs.
    Sim(Sim),
    /// Prints the JSON Schema of a kind of file, by which editors complete and check.
    Schema(Schema),
}

/// `lineman check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The plan; without one, the example plan.
    pub plan: Option<PathBuf>,
    /// Use this bank file instead of the plan's.
    #[arg(long, value_name = "FILE")]
    pub bank: Option<PathBuf>,
    /// Where runs are written: what earlier ones found keeps some lines from being dialed.
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
    /// Which lines are shown.
    #[command(flatten)]
    pub selection: Selection,
}

/// `lineman why`.
#[derive(Debug, Args)]
#[command(after_help = "\
While a run goes on, its journal is read: nothing is asked of the run, and nothing disturbs it. Otherwise the last run, its plan and history answer.

Examples:
  lineman why BR0001-A          a line, or all lines of a site
  lineman why m03               a modem of the bank
  lineman why                   everything that waits, and what for")]
pub struct Why {
    /// Lines, sites or modems; without any, all that is not being dialed and not judged.
    #[arg(value_name = "LINE|SITE|MODEM")]
    pub names: Vec<String>,
    /// Where runs are written.
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
}

/// `lineman sim`.
#[derive(Debug, Args)]
#[command(after_help = "\
Manners of --rfc2217, words between commas:
  strict (if no name is given), ser2net, sredird   the RFC, or what these make of it
  notify=250ms      looks at the modem lines by the clock; 0ms tells each change at once
  control=HOW       answers SET-CONTROL right, no-lines (not for DTR and RTS), always-one, or never
  keep-dtr          leaves DTR up when a client goes
  no-dtr            has no DTR wired to the modem")]
pub struct Sim {
    /// The exchange's file.
    pub exchange: PathBuf,
    /// Where to put a symlink for each modem's pty (with --rfc2217 a file `<modem>.url`), and the exchange's log; made if
    /// it is not there.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// Seed of its randomness; the file's own if not given.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Serve the modems over RFC 2217 with their modem lines, on TCP ports of 127.0.0.1, in place of ptys.
    #[arg(long, value_name = "MANNERS", num_args = 0..=1, require_equals = true, default_missing_value = "strict")]
    pub rfc2217: Option<Manners>,
}
