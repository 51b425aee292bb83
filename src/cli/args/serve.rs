//! `lineman serve`.

use std::path::PathBuf;

use clap::Args;

/// `lineman serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Its file says which plans run when, who may steer it, and where it listens; an example with every key is
hardware/host/lineman.yaml, its schema `lineman schema service`. It works in the foreground, for systemd or
a terminal; what it has to say goes to stderr. `lineman status` and `lineman control` talk to it.

Examples:
  lineman serve                                     to look at: the example plan, and a page that is told
  lineman serve --check /etc/lineman/lineman.yaml   look: what would run, and when next
  lineman serve /etc/lineman/lineman.yaml
  lineman serve -v lineman.yaml                     with what every call does

Signals: SIGTERM and SIGINT end it (calls log out and hang up; again: all lines are dropped; again: at once);
SIGHUP reads all files again.

Exit codes: 0 it was told to end, or --check found nothing wrong; 2 usage or configuration, or another daemon
has its state.")]
pub struct Serve {
    /// The daemon's file; without one, the example plan on the simulated bank, to look at.
    #[arg(required_if_eq("check", "true"))]
    pub config: Option<PathBuf>,
    /// Validate all files, show what would run and when, and end.
    #[arg(long)]
    pub check: bool,
}
