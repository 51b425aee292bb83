//! `lineman status`, `lineman control`: how a daemon is found, and what it is told.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;
use hyper::http::Uri;
use jiff::{SignedDuration, Timestamp};

use crate::cli::names;
use crate::model::{BankName, LineId, ModemId, PlanName};

/// Which daemon is asked.
#[derive(Debug, Clone, Default, Args)]
pub struct Daemon {
    /// The daemon of this file.
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// The daemon behind this control socket; without anything, the one in /run/lineman or in your own state folder.
    #[arg(long, value_name = "PATH", env = "LINEMAN_SOCKET", global = true)]
    pub socket: Option<PathBuf>,
    /// The daemon behind this address, as `https://oob.example.org:9467`.
    #[arg(long, value_name = "URL", value_parser = url, global = true)]
    pub url: Option<Uri>,
    /// The token that the daemon's HTTP asks for.
    #[arg(long, value_name = "FILE", global = true)]
    pub token_file: Option<PathBuf>,
    /// Certificates (PEM) to trust beside the host's own.
    #[arg(long, value_name = "FILE", global = true)]
    pub ca: Option<PathBuf>,
}

fn url(text: &str) -> Result<Uri, String> {
    let url: Uri = text.parse().map_err(|error| format!("{error}"))?;
    match (url.scheme_str(), url.host()) {
        (Some("http" | "https"), Some(_)) => Ok(url),
        _ => Err("write it as `https://host:port`".to_owned()),
    }
}

/// `lineman status`.
#[derive(Debug, Args)]
#[command(after_help = "\
What the daemon is at: each plan with its run or when it is due next, each bank's modems, what waits; and of everything that
is not dialing, why.

Examples:
  lineman status                                    the daemon of this host
  lineman status --config /etc/lineman/lineman.yaml
  lineman status --json                             for programs: the daemon's own answer
  lineman status --url https://oob.example.org:9467 --token-file ~/.lineman-token

Exit codes: 0 it works; 1 it is held (paused, drained, stopped, disabled), its newest configuration is wrong, it is in
trouble, or a modem is out, down or under quarantine; 2 usage, or no daemon answers.")]
pub struct DaemonStatus {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: Daemon,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `lineman control`.
#[derive(Debug, Args)]
#[command(after_help = "\
What is changed holds until it is changed again, over restarts of the daemon too. What can't be done is refused with a reason,
and nothing has changed then.

Examples:
  lineman control pause --for 2h --why 'work on the PBX'
  lineman control resume
  lineman control start nightly                     now, or as soon as its bank is free
  lineman control call BR0001-A                     a technician's call, beside the run; watched to its end
  lineman control drain --why 'kernel update'       calls end as they may, then nothing is dialed
  lineman control emergency-stop                    hang up everything now; until `release`
  lineman control restart m03                       a modem that looks wedged
  lineman control disable line BR0001-A --why 'line is being moved'
  lineman control enable modem m03
  lineman control log fleet debug                   and without a level: as configured
  lineman control role primary                      by keepalived, Pacemaker, or you

Exit codes: 0 done; 1 refused, and nothing has changed; 2 usage, or no daemon answers. Those of `call`: as of `lineman call`,
where one that is refused is 3.")]
pub struct Control {
    /// What it is told.
    #[command(subcommand)]
    pub action: Action,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: Daemon,
}

/// What a daemon is told.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Runs a plan now, or as soon as its bank is free.
    #[command(
        after_help = "Examples:\n  lineman control start nightly\n  lineman control start nightly --anyway   although it is paused"
    )]
    Start {
        /// The plan.
        plan: PlanName,
        /// Although it, or the daemon, is paused.
        #[arg(long)]
        anyway: bool,
    },
    /// Ends the run of a plan, or all runs: calls log out and hang up.
    #[command(
        after_help = "Examples:\n  lineman control stop nightly --why 'wrong plan'\n  lineman control stop"
    )]
    Stop {
        /// The plan; without one, all.
        plan: Option<PlanName>,
        /// Why, for whoever reads the report.
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        why: String,
    },
    /// Begins no call and no run for a while; calls that are running end as they may.
    #[command(
        after_help = "Examples:\n  lineman control pause --for 2h --why 'work on the PBX'\n  lineman control pause nightly --until 2026-11-23T06:00Z"
    )]
    Pause {
        /// The plan; without one, all of the daemon.
        plan: Option<PlanName>,
        /// It ends by itself after so long, as `2h` or `90m`.
        #[arg(long = "for", value_name = "TIME", conflicts_with = "until")]
        length: Option<SignedDuration>,
        /// It ends by itself then, as `2026-11-23T06:00-05:00`.
        #[arg(long, value_name = "TIME")]
        until: Option<Timestamp>,
        /// Why.
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        why: String,
    },
    /// Ends a pause, a drain or a stop.
    #[command(after_help = "Examples:\n  lineman control resume\n  lineman control resume nightly")]
    Resume {
        /// The plan; without one, all of the daemon.
        plan: Option<PlanName>,
    },
    /// Lets running calls end as they may, and begins nothing else until `resume`.
    #[command(
        after_help = "Examples:\n  lineman control drain --why 'kernel update'\n  lineman control drain nightly"
    )]
    Drain {
        /// The plan; without one, all of the daemon.
        plan: Option<PlanName>,
        /// Why.
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        why: String,
    },
    /// Hangs up everything now; nothing is dialed until `release`, over restarts too.
    #[command(after_help = "Examples:\n  lineman control emergency-stop --why 'fire brigade'")]
    EmergencyStop {
        /// Why.
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        why: String,
    },
    /// Ends an emergency stop.
    #[command(after_help = "Examples:\n  lineman control release")]
    Release,
    /// Ends a modem's worker, after its call has hung up, and begins it again with its port opened anew.
    #[command(
        after_help = "Examples:\n  lineman control restart m03\n  lineman control restart m03 --bank hq"
    )]
    Restart {
        /// The modem.
        #[arg(add = ArgValueCompleter::new(names::modems))]
        modem: ModemId,
        /// Its bank, where several have a modem of this name.
        #[arg(long)]
        bank: Option<BankName>,
    },
    /// Lets something work again that was disabled here.
    #[command(
        after_help = "Examples:\n  lineman control enable modem m03\n  lineman control enable line BR0001-A\n  lineman control enable daemon"
    )]
    Enable {
        /// What.
        #[command(flatten)]
        subject: Subject,
    },
    /// Takes something out of work until it is enabled again, over restarts too; a call on it logs out and hangs up first.
    #[command(
        after_help = "Examples:\n  lineman control disable line BR0001-A --why 'line is being moved'\n  lineman control disable modem m03\n  lineman control disable plan nightly"
    )]
    Disable {
        /// What.
        #[command(flatten)]
        subject: Subject,
        /// Why.
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        why: String,
    },
    /// Calls a line now, before whatever waits; beside a run of its bank on one of its modems. Watched to its end.
    #[command(after_help = "\
Examples:
  lineman control call BR0001-A
  lineman control call BR0001-A --plan nightly --detach

Ctrl-C ends the watching; the call goes on at the daemon.

Exit codes: 0 pass; 1 not a pass; 2 usage, or no daemon answers; 3 refused, or nothing could be judged; 4 interrupted")]
    Call {
        /// The line.
        #[arg(add = ArgValueCompleter::new(names::lines))]
        line: LineId,
        /// Its plan, where several have a line of this name.
        #[arg(long)]
        plan: Option<PlanName>,
        /// Although its plan, or the daemon, is paused.
        #[arg(long)]
        anyway: bool,
        /// Does not wait for the call.
        #[arg(long)]
        detach: bool,
    },
    /// Says what this daemon is among its peers.
    #[command(after_help = "Examples:\n  lineman control role primary\n  lineman control role secondary")]
    Role {
        /// What it is from now on.
        role: RoleWord,
    },
    /// Says how much is logged, of one room or of all.
    #[command(
        after_help = "Examples:\n  lineman control log fleet debug\n  lineman control log all info\n  lineman control log fleet           as configured\n  lineman control log                 all of them as configured"
    )]
    Log {
        /// The room (fleet, modem, call, service, ..), or `all`.
        room: Option<String>,
        /// From this level on; without one, as configured.
        level: Option<LevelWord>,
    },
    /// Reads all configuration again.
    #[command(after_help = "Examples:\n  lineman control reload")]
    Reload,
}

/// What can be disabled.
#[derive(Debug, Args)]
pub struct Subject {
    /// What it is.
    pub kind: SubjectKind,
    /// Which; not for the daemon.
    #[arg(required_if_eq_any = [("kind", "line"), ("kind", "modem"), ("kind", "plan")])]
    pub name: Option<String>,
    /// The plan of a line, where several have one of this name.
    #[arg(long)]
    pub plan: Option<PlanName>,
    /// The bank of a modem, where several have one of this name.
    #[arg(long)]
    pub bank: Option<BankName>,
}

/// What can be disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SubjectKind {
    /// A line of a plan.
    Line,
    /// A modem of a bank.
    Modem,
    /// A plan.
    Plan,
    /// All of it.
    Daemon,
}

/// What a daemon is among its peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleWord {
    /// The one that dials.
    Primary,
    /// One that stands by.
    Secondary,
    /// Nobody knows.
    None,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names say it")]
pub enum LevelWord {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}
