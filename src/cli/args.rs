//! The command line as it is typed: plain data, one file a verb. What it means is looked up in the file of each verb.

mod audit;
mod call;
mod control;
mod init;
mod modems;
mod report;
mod schema;
mod serve;
mod shell;
mod talk;

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory, Parser, Subcommand};
use clap_complete::engine::ArgValueCompleter;

use crate::sim::rfc2217::Manners;

pub use audit::{Audit, Selection};
pub use call::Call;
pub use control::{Action, Control, Daemon, DaemonStatus, LevelWord, RoleWord, Subject, SubjectKind};
pub use init::{Column, Init, TypedLine};
pub use modems::{Modems, ModemsCheck, ModemsVerb};
pub use report::{
    Asked, CsvTable, Diff, Format, Import, Nagios, Notify, Prometheus, Rates, Report, ReportVerb, Since,
    Status, Table, Trend, Written, Zabbix, ZabbixList,
};
pub use schema::Schema;
pub use serve::Serve;
pub use shell::{Completions, Man, Shell};
pub use talk::{Color, LogFormat, Talk};

/// Walks a company's out-of-band telephone lines: dials them all, times how each call is set up, logs into the console
/// behind it, proves that it is the right one, logs out, hangs up, and writes a verdict, a fault and a blame for every
/// line.
#[derive(Debug, Parser)]
#[command(name = "lineman", version, max_term_width = 100, after_help = AFTER)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// How it talks.
    #[command(flatten)]
    pub talk: Talk,
}

/// The command line, with the words behind the options set in paragraphs that fit any terminal. What is indented, as examples
/// are, stays as it is.
pub fn command() -> Command {
    set(Cli::command())
}

fn set(verb: Command) -> Command {
    let words = verb.get_after_help().map(ToString::to_string);
    let verb = match words {
        Some(words) => verb.after_help(paragraphs(&words)),
        None => verb,
    };
    verb.mut_subcommands(set)
}

fn paragraphs(words: &str) -> String {
    let one = |paragraph: &str| {
        let is_laid_out = paragraph.lines().any(|line| line.starts_with(' '));
        if is_laid_out { paragraph.to_owned() } else { paragraph.lines().collect::<Vec<_>>().join(" ") }
    };
    words.split("\n\n").map(one).collect::<Vec<_>>().join("\n\n")
}

const AFTER: &str = "\
Examples:
  lineman audit                                    the example plan on a simulated bank: see it work
  lineman init                                     a plan and a bank to begin with
  lineman modems                                   which modems there are
  lineman check dialplans/nightly.yaml             look before you dial
  lineman audit dialplans/nightly.yaml             the night
  lineman report diff                              what changed since the run before
  lineman help audit                               more on a verb; each has examples

Exit codes, the first that holds:
  2  usage or configuration: nothing was dialed
  4  interrupted; the report was written
  3  the run could not judge: every line that was to be tested ended with the blame of the bench,
     of a credential or of lineman itself; or the run's record could not be written
  1  some line is not `pass`
  0  every line that was to be tested is `pass`";

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Runs a plan: dials every line of it and writes the verdicts.
    Audit(Audit),
    /// Calls lines, a site or a number once, every phase live: a technician's run.
    Call(Box<Call>),
    /// Validates all files of a plan and shows what would be dialed; dials nothing.
    Check(Check),
    /// Writes the report of a run again from its journal; tells what changed between runs, what drifts, and how often it fails.
    Report(Report),
    /// Works as a daemon: begins the plans' runs by their schedules, and is steered and looked at meanwhile.
    Serve(Serve),
    /// Tells what a daemon is at: its plans, its banks' modems, and of everything that is not dialing, why.
    Status(DaemonStatus),
    /// Tells a daemon what to do: pause, drain, stop, call a line, disable a modem, and more.
    Control(Box<Control>),
    /// Tells why a line is not being dialed now, and when it will be; what a modem is at.
    Why(Why),
    /// Finds serial ports, asks the modems on them who they are, and writes a bank file.
    Modems(Modems),
    /// Runs a virtual exchange with modems on ptys or over RFC 2217, for rehearsal and for other programs.
    Sim(Sim),
    /// Prints the JSON Schema of a kind of file, by which editors complete and check.
    Schema(Schema),
    /// Writes a commented plan and bank to begin with, from answers or from a CSV file of lines.
    Init(Init),
    /// Prints what makes a shell complete verbs, options, files, and the names of lines and modems.
    Completions(Completions),
    /// Prints the manual page, or writes one for each verb.
    Man(Man),
}

/// `lineman check`.
#[derive(Debug, Args)]
#[command(after_help = "\
All problems of all files are told at once, each with file, line, key, and what would be right. What is shown of each line is
its final dial string; then when each site opens, what the run is expected to cost, and when it is expected to end.

Examples:
  lineman check                                    the example plan
  lineman check dialplans/nightly.yaml
  lineman check dialplans/nightly.yaml --site LDN01,LDN02
  lineman check dialplans/nightly.yaml --bank hardware/banks/spare.yaml
  lineman check dialplans/nightly.yaml -q && systemctl start lineman-audit

Exit codes: 0 it could be dialed like this; 2 something is wrong.")]
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
With --config, --socket or --url a daemon is asked: it knows besides what is paused, disabled, or waits for its turn.

Examples:
  lineman why BR0001-A          a line, or all lines of a site
  lineman why m03               a modem of the bank
  lineman why                   everything that waits, and what for
  lineman why m03 --config /etc/lineman/lineman.yaml
                                what the daemon says of it

Exit codes: 0 it was told; 2 usage, or there is no such line, site or modem, or no run.")]
pub struct Why {
    /// Lines, sites or modems; without any, all that is not being dialed and not judged.
    #[arg(value_name = "LINE|SITE|MODEM", add = ArgValueCompleter::new(super::names::all))]
    pub names: Vec<String>,
    /// Where runs are written.
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
    /// Which daemon is asked.
    #[command(flatten)]
    pub daemon: Daemon,
}

/// `lineman sim`.
#[derive(Debug, Args)]
#[command(after_help = "\
Manners of --rfc2217, words between commas:
  strict (if no name is given), ser2net, sredird   the RFC, or what these make of it
  notify=250ms      looks at the modem lines by the clock; 0ms tells each change at once
  control=HOW       answers SET-CONTROL right, no-lines (not for DTR and RTS), always-one, or never
  keep-dtr          leaves DTR up when a client goes
  no-dtr            has no DTR wired to the modem

Examples:
  lineman sim hardware/exchanges/demo.yaml --dir /tmp/town
                                                   modems on /tmp/town/m00 and on, until Ctrl-C
  lineman modems /tmp/town/m00                     a modem of it, asked from another terminal
  lineman sim hardware/exchanges/small.yaml --dir /tmp/town --rfc2217=ser2net,notify=250ms
                                                   the same on TCP ports, with the manners of ser2net
  lineman sim hardware/exchanges/faults.yaml --dir /tmp/town --seed 7

Exit codes: 0 it was stopped; 2 usage, a file is wrong, or ports could not be made.")]
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
