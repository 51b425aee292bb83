//! `lineman report status|prometheus|nagios|zabbix`: what monitoring systems ask for.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Written;
use crate::model::{PlanName, span};
use crate::report::nagios::passive::{Form, Template};

/// `lineman report status`.
#[derive(Debug, Args)]
#[command(after_help = "\
A line stands as it was found when it was tested last: pass OK, degraded WARNING, fail CRITICAL. It is UNKNOWN if that is longer ago
than --max-age, if it was to be tested and was not (our bench, a deadline, an interrupted run), or if nobody knows of it. A line
that the last run left out by choice (`--only`, on hold, out of its window) stands as the run before found it. Each name is looked
for in the newest run that has it, calls of `lineman call` aside. Of several lines the worst counts: CRITICAL, UNKNOWN, WARNING, OK.

Examples:
  lineman report status BR0001-A                   one line, with its phases as perfdata
  lineman report status BR0001                     all lines of a site
  lineman report status --plan nightly             a whole plan, the worst first
  lineman report status BR0001-A --max-age 3d --reports /var/lib/lineman/reports

Exit codes are those of monitoring plugins: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN; wrong usage is 3 too.")]
pub struct Status {
    /// Lines or sites; without any, all lines of the last run.
    #[arg(value_name = "LINE|SITE")]
    pub names: Vec<String>,
    /// A finding older than this says nothing of today.
    #[arg(long, value_name = "TIME", value_parser = span::parse, default_value = "26h")]
    pub max_age: Duration,
    /// Ask runs of this plan alone.
    #[arg(long, value_name = "NAME")]
    pub plan: Option<PlanName>,
    /// Where runs were written.
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
}

/// `lineman report prometheus`.
#[derive(Debug, Args)]
#[command(after_help = "\
Every run that ends writes the same as `metrics.prom` into its folder, so a symlink does for a host with one plan:
  ln -s /var/lib/lineman/reports/latest/metrics.prom /var/lib/prometheus/node-exporter/lineman.prom

Examples:
  lineman report prometheus -o /var/lib/lineman/nightly.prom
  lineman report prometheus --verdicts-only 20261121T020000Z-nightly

reports/monitoring/prometheus.md tells each metric; alert rules and a dashboard for Grafana lie beside it.")]
pub struct Prometheus {
    /// Leave out the durations and rates of each line: for plans of thousands of lines.
    #[arg(long)]
    pub verdicts_only: bool,
    /// Which run, and where it goes.
    #[command(flatten)]
    pub written: Written,
}

/// `lineman report nagios`.
#[derive(Debug, Args)]
#[command(after_help = "\
Names hold {site}, {line}, {hostname} and {plan} for what the plan says. Lines that were left out by choice (`--only`, on hold, out of
their window) have no result, and so keep their state; --all gives them one, UNKNOWN.

Examples:
  lineman report nagios > /var/lib/nagios4/rw/nagios.cmd
  lineman report nagios --form nsca | send_nsca -H monitor
  lineman report nagios --form nsca | send_nrdp.sh -u https://monitor/nrdp -t TOKEN
  lineman report nagios --host '{hostname}' --service oob --run-host dialer1
  lineman report nagios --form icinga | while read -r body; do curl ... -d \"$body\"; done

reports/monitoring/nagios.md has the rest of it.")]
pub struct Nagios {
    /// How results are written: command (external command file), nsca (tabs, for send_nsca and send_nrdp), or icinga (JSON for its API).
    #[arg(long, value_name = "FORM", value_parser = form, default_value = "command")]
    pub form: Form,
    /// Host of each line's result.
    #[arg(long, value_name = "NAME", value_parser = template, default_value = "{site}")]
    pub host: Template,
    /// Service of each line's result.
    #[arg(long, value_name = "NAME", value_parser = template, default_value = "lineman {line}")]
    pub service: Template,
    /// Also give the service `lineman PLAN` of this host a result: how the run itself went.
    #[arg(long, value_name = "HOST", value_parser = name)]
    pub run_host: Option<String>,
    /// Lines too that were left out by choice.
    #[arg(long)]
    pub all: bool,
    /// Which run, and where it goes.
    #[command(flatten)]
    pub written: Written,
}

fn form(text: &str) -> Result<Form, String> {
    match text {
        "command" => Ok(Form::Command),
        "nsca" => Ok(Form::Nsca),
        "icinga" => Ok(Form::Icinga),
        _ => Err("it goes by command, nsca or icinga".to_owned()),
    }
}

fn template(text: &str) -> Result<Template, String> {
    text.parse().map_err(|error: crate::report::nagios::passive::TemplateError| error.to_string())
}

/// A name without places.
fn name(text: &str) -> Result<String, String> {
    if text.contains(['{', '}']) {
        return Err("is one host, so it has no places".to_owned());
    }
    template(text).map(|template| template.to_string())
}

/// `lineman report zabbix`.
#[derive(Debug, Args)]
#[command(after_help = "\
Keys hold the name of a line or modem alone, so each plan has a Zabbix host of its own. Lines that were left out by choice send
nothing, and so keep their values; --all sends them too.

Examples:
  lineman report zabbix --host lineman-nightly | zabbix_sender -z zabbix -T -i -
  lineman report zabbix --discovery lines          the list alone, as JSON

reports/monitoring/zabbix.md has the rest of it, and a template to import.")]
pub struct Zabbix {
    /// The Zabbix host; `-` leaves it to zabbix_sender (its -s, or Hostname of its configuration).
    #[arg(long, value_name = "NAME", value_parser = zabbix_host, default_value = "-")]
    pub host: String,
    /// Only the list of the lines or of the modems, as JSON for low-level discovery.
    #[arg(long, value_name = "LIST", value_enum)]
    pub discovery: Option<ZabbixList>,
    /// Leave out the durations and rates of each line.
    #[arg(long)]
    pub verdicts_only: bool,
    /// Lines too that were left out by choice.
    #[arg(long)]
    pub all: bool,
    /// Which run, and where it goes.
    #[command(flatten)]
    pub written: Written,
}

/// Zabbix takes letters, digits, blanks, `.`, `-` and `_`.
fn zabbix_host(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || " ._-".contains(c));
    if fits {
        Ok(text.to_owned())
    } else {
        Err("a Zabbix host has letters, digits, blanks, `.`, `-` and `_`".to_owned())
    }
}

/// What is listed for discovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ZabbixList {
    /// The lines of the plan.
    Lines,
    /// The modems of the bank.
    Modems,
}
