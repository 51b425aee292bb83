//! The command line as it is typed: plain data. What it means is looked up in the file of each verb.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use super::hours::At;
use crate::config::Overrides;
use crate::config::bank::{BAUD, BAUDS};
use crate::history::rates::By;
use crate::model::{CredentialName, LineId, PlanName, span};
use crate::sim::rfc2217::Manners;

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
}

/// `lineman audit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lineman audit                                   the example plan on a simulated bank
  lineman audit dialplans/nightly.yaml            a real night
  lineman audit dialplans/nightly.yaml --only BR0001-A,BR0002-A
  lineman audit dialplans/nightly.yaml --at 02:00
                                                  asks for passwords now, proves them, dials at two
  lineman audit dialplans/nightly.yaml --tag core --skip-passed 7d
  lineman audit --resume                          goes on where a killed run stopped")]
pub struct Audit {
    /// The plan; without one, the example plan on the simulated bank.
    pub plan: Option<PathBuf>,
    /// Use this bank file instead of the plan's.
    #[arg(long, value_name = "FILE")]
    pub bank: Option<PathBuf>,
    /// Where runs are written: each gets a folder of its own in it.
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
    /// Which lines.
    #[command(flatten)]
    pub selection: Selection,
    /// Somebody has confirmed the numbers of this line: dial it again although a person answered there.
    #[arg(long, value_name = "LINE", value_delimiter = ',')]
    pub number_confirmed: Vec<LineId>,
    /// Go on with a run that was killed or interrupted; without an id, the one that `current` points to.
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "current",
        conflicts_with_all = ["only", "site", "tag", "skip_passed"])]
    pub resume: Option<String>,
    /// Show what would be dialed, in which order, and dial nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Begin to dial at this time (`02:00`, `2026-11-23T02:00`, both of the plan's zone, or with `Z`): secrets are asked for
    /// now, each is proven now on one line whose window allows it, and is kept in memory alone.
    #[arg(long, value_name = "TIME", conflicts_with = "no_wait")]
    pub at: Option<At>,
    /// Wait for no window: lines that are closed now end `untested/out-of-window`.
    #[arg(long)]
    pub no_wait: bool,
    /// Forget that the secret of this credential was refused, and try it again.
    #[arg(long, value_name = "NAME")]
    pub forget_refusal: Vec<CredentialName>,
    /// Seed of all randomness (the simulated exchange's, above all).
    #[arg(long)]
    pub seed: Option<u64>,
    /// Plain lines instead of the live view.
    #[arg(long)]
    pub plain: bool,
}

/// Which lines of a plan are dialed; a line must be left by all of these.
#[derive(Debug, Clone, Default, Args)]
pub struct Selection {
    /// These lines alone (ids or sites, separated by commas; `*` stands for anything); the others end `untested/skipped`.
    #[arg(long, value_name = "LINE|SITE", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Lines of these sites alone.
    #[arg(long, value_name = "SITE", value_delimiter = ',')]
    pub site: Vec<String>,
    /// Lines with one of these tags alone.
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    pub tag: Vec<String>,
    /// Skip lines that passed within this time, as `7d` or `12h`.
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    pub skip_passed: Option<Duration>,
}

impl Selection {
    /// As the config room takes it.
    pub(super) fn overrides(&self, bank: Option<PathBuf>, seed: Option<u64>) -> Overrides {
        Overrides { bank, seed, only: self.only.clone(), sites: self.site.clone(), tags: self.tag.clone() }
    }
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

/// `lineman report`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Report {
    /// What else can be asked of runs than to write one again.
    #[command(subcommand)]
    pub verb: Option<ReportVerb>,
    /// The run's id, or its folder; without one, what `latest` points to.
    pub run: Option<String>,
    /// Where runs were written.
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
    /// Show one line alone.
    #[arg(long, value_name = "LINE")]
    pub line: Option<LineId>,
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

/// What can be asked of the runs of a reports folder, and of their history.
#[derive(Debug, Subcommand)]
pub enum ReportVerb {
    /// What changed between two runs.
    Diff(Diff),
    /// The nights of a line, of a site's lines or of one of our modems, against their own baseline; what drifts.
    Trend(Trend),
    /// How often it fails, and which of our modems is worse than its brothers.
    Rates(Rates),
    /// Takes runs into the history, from their journals.
    Import(Import),
}

/// Where the history lies that is asked, and how it is to answer.
#[derive(Debug, Args)]
pub struct Asked {
    /// Of this plan alone; without one, of the plan that ran last, or of all.
    #[arg(long, value_name = "NAME")]
    pub plan: Option<PlanName>,
    /// Where runs were written.
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
    /// The history, where a plan names one with `history: { file: ... }`; else `history.db` in the reports folder.
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// How it is written: words for people; json or csv for programs (reports/SCHEMA.md).
    #[arg(long, value_name = "text|json|csv", value_enum, default_value_t, hide_possible_values = true)]
    pub format: Format,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Words, for people.
    #[default]
    Text,
    /// One object.
    Json,
    /// A table.
    Csv,
}

/// `lineman report diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
A line that a run did not test stands as it stood after the last one that did.

Examples:
  lineman report diff                              the last run against the one before it of the same plan
  lineman report diff 2026-11-14                   what changed since that night's run
  lineman report diff 2026-11-01 2026-11-14        between two nights
  lineman report diff 20261114T020000Z-nightly --format csv

Exit codes: 0 it was told, whatever changed; 2 usage, or there is no such run.")]
pub struct Diff {
    /// The earlier run: its id, or the day that it began (UTC, as ids have it).
    #[arg(value_name = "A")]
    pub from: Option<String>,
    /// The later run; without one, the last one of the same plan.
    #[arg(value_name = "B")]
    pub to: Option<String>,
    /// What is asked.
    #[command(flatten)]
    pub asked: Asked,
}

/// `lineman report trend`.
#[derive(Debug, Args)]
#[command(after_help = "\
A figure's last 7 nights are held against the median of up to 90 nights before them; a slope is looked for over the last 60.
Fewer than 21 nights say nothing, and then nothing is said. Families of our modems are never mixed.
Without a name, all lines that work and all modems are looked at, and those that drift are told: they are held to more then,
since among thousands of figures chance alone makes some drift.

Examples:
  lineman report trend                             whatever drifts
  lineman report trend BR0042-A                    a line
  lineman report trend BR0042                      all lines of a site
  lineman report trend m07 --since 90d             one of our modems
  lineman report trend BR0042-A --format csv       night by night, for a spreadsheet

Exit codes: 0 nothing drifts; 1 something does; 2 usage, or the history has no such name.")]
pub struct Trend {
    /// A line, a site, or one of our modems; without one, every line of the plan and every modem that drifts.
    #[arg(value_name = "LINE|SITE|MODEM")]
    pub name: Option<String>,
    /// Only nights since then: days (`90d`) or a date.
    #[arg(long, value_name = "DAYS|DATE", value_parser = since, requires = "name")]
    pub since: Option<Since>,
    /// What is asked.
    #[command(flatten)]
    pub asked: Asked,
}

/// `lineman report rates`.
#[derive(Debug, Args)]
#[command(after_help = "\
Sites, countries and causes are counted by the verdicts of lines, our bench and carriers by calls; what was not tested counts for nothing.
`--by modem` also holds each modem against its brothers: the same family, first calls alone, lines that were sound that night.

Examples:
  lineman report rates --by site
  lineman report rates --by modem --since 7d
  lineman report rates --by cause --since 2026-11-01 --format csv

Exit codes: 0 it was told; 1 a modem is worse than its brothers beyond chance; 2 usage, or there is no history.")]
pub struct Rates {
    /// By what: site, trunk, modem, carrier, country or cause.
    #[arg(long, value_name = "WHAT", value_parser = by)]
    pub by: By,
    /// Only runs since then: days (`30d`) or a date.
    #[arg(long, value_name = "DAYS|DATE", value_parser = since, default_value = "30d")]
    pub since: Since,
    /// What is asked.
    #[command(flatten)]
    pub asked: Asked,
}

/// A time in the past, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// So long ago.
    Ago(std::time::Duration),
    /// The beginning of a day, UTC.
    Date(jiff::civil::Date),
}

fn since(text: &str) -> Result<Since, String> {
    let date = text.parse().ok().map(Since::Date);
    date.or_else(|| span::parse(text).ok().map(Since::Ago))
        .ok_or_else(|| "write days, as `30d`, or a date, as `2026-11-01`".to_owned())
}

fn by(text: &str) -> Result<By, String> {
    let told = || By::ALL.map(By::word).join(", ");
    By::ALL.into_iter().find(|by| by.word() == text).ok_or_else(|| format!("it goes by {}", told()))
}

/// `lineman report import`.
#[derive(Debug, Args)]
#[command(after_help = "\
A run is taken in when it ends, so this is for runs of other hosts, for those from before there was a history, and to make a
history again that was lost. A run that is known already changes nothing.

Examples:
  lineman report import                            all runs of reports/
  lineman report import /backup/2025 --reports reports
  lineman report import reports/20261121T020000Z-nightly --history /var/lib/lineman/history.db

Exit codes: 0 all of them are in the history; 1 some could not be read; 2 usage, or the history can't be written.")]
pub struct Import {
    /// Runs' folders, or reports folders; without one, the reports folder.
    #[arg(value_name = "FOLDER")]
    pub folders: Vec<PathBuf>,
    /// Where runs were written.
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
    /// The history, where a plan names one with `history: { file: ... }`; else `history.db` in the reports folder.
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
}

/// `lineman modems`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Every port that is asked is opened, what is online there is hung up, and `AT` and the questions ATI, ATI3, +GMI, +GMM and
+GSN are typed; never an S register. Ports that other programs hold are left alone.

Examples:
  lineman modems                                   all serial ports of this host
  lineman modems /dev/ttyUSB0 rfc2217://10.0.0.9:4001
  lineman modems --write hardware/banks/hq.yaml --country US
  lineman modems --no-ask                          only what the system knows; opens nothing

Exit codes: 0 some modem answered; 3 none did; 2 usage.")]
pub struct Modems {
    /// What else to do with modems than to list them.
    #[command(subcommand)]
    pub verb: Option<ModemsVerb>,
    /// Ask these ports alone: a tty's path, or `rfc2217://host:port`.
    #[arg(value_name = "PORT")]
    pub ports: Vec<String>,
    /// Write a bank file of what answered; an existing file is not overwritten.
    #[arg(long, value_name = "FILE", conflicts_with = "no_ask")]
    pub write: Option<PathBuf>,
    /// The country that the bank dials from, two letters, for the bank file.
    #[arg(long, value_name = "XX", requires = "write", value_parser = country)]
    pub country: Option<String>,
    /// Speed of the ports, bit/s.
    #[arg(long, value_name = "BPS", default_value_t = BAUD, value_parser = baud)]
    pub baud: u32,
    /// Open nothing: show only what the system knows of its ports.
    #[arg(long)]
    pub no_ask: bool,
}

/// What else can be done with modems.
#[derive(Debug, Subcommand)]
pub enum ModemsVerb {
    /// Tests the bench itself: dial tone on each modem, calls between the modems, calls to the reference number.
    Check(ModemsCheck),
}

/// `lineman modems check`.
#[derive(Debug, Args)]
#[command(after_help = "\
No line of a plan is called: the modems call each other where the bank has their numbers (`number:`), and the number that the plan names as its `reference:`.

Exit codes: 0 all modems work, 1 some do not, 3 none does, 2 usage or configuration, 4 interrupted")]
pub struct ModemsCheck {
    /// The plan, for its bank and its reference number; without plan and bank, the example plan.
    pub plan: Option<PathBuf>,
    /// Test this bank instead of the plan's.
    #[arg(long, value_name = "FILE")]
    pub bank: Option<PathBuf>,
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

/// A country as a bank has it.
fn country(text: &str) -> Result<String, String> {
    let is_code = text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic());
    is_code
        .then(|| text.to_ascii_uppercase())
        .ok_or_else(|| "write two letters, as `US`, `GB` or `DE`".to_owned())
}

/// A speed that a bank may have too.
fn baud(text: &str) -> Result<u32, String> {
    let told = || BAUDS.map(|baud| baud.to_string()).join(", ");
    let baud = text.parse().ok().filter(|baud| BAUDS.contains(baud));
    baud.ok_or_else(|| format!("speeds of serial ports are {}", told()))
}
