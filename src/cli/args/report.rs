//! `lineman report` and what it can be asked.

mod formats;
mod monitor;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCompleter;
use lettre::message::Mailbox;

use crate::cli::names;
use crate::history::rates::By;
use crate::model::{PlanName, span};

pub use formats::{CsvTable, Table, Written};
pub use monitor::{Nagios, Prometheus, Status, Zabbix, ZabbixList};

/// `lineman report`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Without anything else, all files of a run are written again from its journal, byte for byte, and its summary is shown.

Examples:
  lineman report                                   the last run
  lineman report 20261121T020000Z-nightly          a run, by its id or its folder
  lineman report diff                              what changed since the run before
  lineman report trend                             whatever drifts
  lineman report --reports /var/lib/lineman/reports

Exit codes: the run's own (`lineman --help`); 2 usage, or there is no such run.")]
pub struct Report {
    /// What else can be asked of runs than to write one again.
    #[command(subcommand)]
    pub verb: Option<ReportVerb>,
    /// The run's id, or its folder; without one, what `latest` points to.
    #[arg(add = ArgValueCompleter::new(names::runs))]
    pub run: Option<String>,
    /// Where runs were written.
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
}

const HTML_HELP: &str = "\
Examples:
  lineman report html -o morning.html              the last run
  lineman report html current -o now.html          the run that goes on: what is known of it so far";

const JSON_HELP: &str = "\
Examples:
  lineman report json | jq -r '.lines[] | select(.result == \"fail\") | [.line, .fault, .detail] | @tsv'
  lineman report json 20261121T020000Z-nightly -o night.json

reports/schemas/run.schema.json is its JSON Schema.";

const JUNIT_HELP: &str = "\
A line that is `degraded` is a case that passed; its output says what is wrong with it.

Examples:
  lineman report junit -o results/lineman.xml
  lineman report junit 20261121T020000Z-nightly

reports/schemas/junit.xsd is its schema.";

const TEXT_HELP: &str = "\
Examples:
  lineman report text                              the last run
  lineman report text --color always | less -R     with its colours
  lineman report text 20261121T020000Z-nightly -o night.txt";

/// What can be asked of the runs of a reports folder, and of their history.
#[derive(Debug, Subcommand)]
pub enum ReportVerb {
    /// A run as one page for a browser: `report.html`, which needs no network and nothing beside it.
    #[command(after_help = HTML_HELP)]
    Html(Written),
    /// A run as tables: verdicts, calls, consoles or modems.
    Csv(CsvTable),
    /// A run as one JSON object: its summary and all its tables.
    #[command(after_help = JSON_HELP)]
    Json(Written),
    /// A run as JUnit XML: lines that fail are failures, the bench's own troubles errors, what was left out is skipped.
    #[command(after_help = JUNIT_HELP)]
    Junit(Written),
    /// A run's summary in words, as the audit ends with it.
    #[command(after_help = TEXT_HELP)]
    Text(Written),
    /// A run as metrics for the node exporter's textfile collector; also valid OpenMetrics.
    Prometheus(Prometheus),
    /// A run as passive check results for Nagios and Icinga.
    Nagios(Nagios),
    /// A run for zabbix_sender: what there is to discover, and its values.
    Zabbix(Zabbix),
    /// How lines stand now, as a monitoring plugin: one line, exit code 0 to 3.
    Status(Status),
    /// What changed between two runs.
    Diff(Diff),
    /// The nights of a line, of a site's lines or of one of our modems, against their own baseline; what drifts.
    Trend(Trend),
    /// How often it fails, and which of our modems is worse than its brothers.
    Rates(Rates),
    /// Sends the mail of a run and calls its plan's hooks, as a rehearsal.
    Notify(Notify),
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
    #[arg(value_name = "LINE|SITE|MODEM", add = ArgValueCompleter::new(names::all))]
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

/// `lineman report notify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Whoever would be told at the run's end is told now, marked as a rehearsal; whether there is anything new does not matter.
What went wrong is said as the sink says it.

Examples:
  lineman report notify                            everybody whom the plan of the last run names
  lineman report notify --mail me@example.com      the mail alone, to me
  lineman report notify --hook noc --plan dialplans/nightly.yaml
  lineman report notify --show                     shows the mail and the hooks' messages, and sends nothing

Exit codes: 0 every sink took it; 1 one did not; 2 usage, or there is no such run, or nobody is to be told.")]
pub struct Notify {
    /// The run's id, or its folder; without one, what `latest` points to.
    pub run: Option<String>,
    /// The plan that says who is told; without one, the run's own.
    #[arg(long, value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// The mail alone, to these in place of those that the plan names.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub mail: Vec<Mailbox>,
    /// These hooks alone.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub hook: Vec<String>,
    /// Show what would be sent, and send nothing.
    #[arg(long)]
    pub show: bool,
    /// Where runs were written.
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
}
