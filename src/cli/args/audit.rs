//! `lineman audit`, and by what lines of a plan are chosen.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use lettre::message::Mailbox;

use crate::cli::names;
use crate::config::Overrides;
use crate::model::{CredentialName, LineId, span};
use crate::run::hours::At;

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
  lineman audit dialplans/nightly.yaml --mail noc@example.com
                                                  a mail at the end; more of that under `notify:` in the plan
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
    #[arg(long, value_name = "LINE", value_delimiter = ',', add = ArgValueCompleter::new(names::lines))]
    pub number_confirmed: Vec<LineId>,
    /// Go on with a run that was killed or interrupted; without an id, the one that `current` points to.
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "current",
        add = ArgValueCompleter::new(names::runs),
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
    /// Mail what the run found to these when it has ended, in place of those that the plan names; through the plan's mail
    /// server, or this host's own.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', conflicts_with = "no_notify")]
    pub mail: Vec<Mailbox>,
    /// Tell nobody: no mail and no hook, whatever the plan says.
    #[arg(long)]
    pub no_notify: bool,
    /// Plain lines instead of the live view.
    #[arg(long)]
    pub plain: bool,
}

/// Which lines of a plan are dialed; a line must be left by all of these.
#[derive(Debug, Clone, Default, Args)]
pub struct Selection {
    /// These lines alone (ids or sites, separated by commas; `*` stands for anything); the others end `untested/skipped`.
    #[arg(long, value_name = "LINE|SITE", value_delimiter = ',', add = ArgValueCompleter::new(names::lines))]
    pub only: Vec<String>,
    /// Lines of these sites alone.
    #[arg(long, value_name = "SITE", value_delimiter = ',', add = ArgValueCompleter::new(names::sites))]
    pub site: Vec<String>,
    /// Lines with one of these tags alone.
    #[arg(long, value_name = "TAG", value_delimiter = ',', add = ArgValueCompleter::new(names::tags))]
    pub tag: Vec<String>,
    /// Skip lines that passed within this time, as `7d` or `12h`.
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    pub skip_passed: Option<Duration>,
}

impl Selection {
    /// As the config room takes it.
    pub(in crate::cli) fn overrides(&self, bank: Option<PathBuf>, seed: Option<u64>) -> Overrides {
        Overrides { bank, seed, only: self.only.clone(), sites: self.site.clone(), tags: self.tag.clone() }
    }
}
