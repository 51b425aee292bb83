//! What stands around every page: where one is, what the daemon is at, and the words for how something stands.

use jiff::Timestamp;
use serde::Serialize;

use super::Here;
use super::assets::{self, Links};
use crate::model::Role;
use crate::report::html::words::stamp;
use crate::report::safe_line;
use crate::service::status::{Stands, Status};

/// What stands around a page.
#[derive(Serialize)]
pub(super) struct Frame {
    assets: Links,
    title: String,
    /// The entry of the navigation that is this page's.
    section: &'static str,
    daemon: Daemon,
}

/// The daemon in a line.
#[derive(Serialize)]
pub(super) struct Daemon {
    service: String,
    lineman: String,
    stands: &'static str,
    tone: &'static str,
    why: String,
    until: Option<Moment>,
    role: &'static str,
    leadership: String,
    problem: String,
    troubles: Vec<String>,
    started: Moment,
    config: String,
    loaded: Moment,
}

/// An instant: as people read it, and as a script does, which may tell it in the time of whoever looks.
#[derive(Serialize)]
pub(super) struct Moment {
    text: String,
    iso: String,
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self { text: stamp(at), iso: format!("{at:.3}") }
    }
}

/// What stands around this page.
pub(super) fn frame(here: &Here, title: String, section: &'static str) -> Frame {
    Frame { assets: assets::links(), title, section, daemon: daemon(&here.status) }
}

pub(super) fn daemon(status: &Status) -> Daemon {
    Daemon {
        service: safe_line(&status.service),
        lineman: safe_line(&status.lineman),
        stands: stands(status.stands),
        tone: tone(status.stands),
        why: safe_line(&status.why),
        until: status.until.map(Moment::from),
        role: role(status.role),
        leadership: safe_line(&status.leadership),
        problem: status
            .config
            .problem
            .clone()
            .unwrap_or_default()
            .lines()
            .map(safe_line)
            .collect::<Vec<_>>()
            .join("\n"),
        troubles: status.troubles.iter().map(|trouble| safe_line(trouble)).collect(),
        started: status.started.into(),
        config: safe_line(&status.config.path),
        loaded: status.config.loaded.into(),
    }
}

pub(super) const fn role(role: Role) -> &'static str {
    match role {
        Role::Primary => "primary",
        Role::Secondary => "secondary",
        Role::None => "nobody knows",
    }
}

/// How something stands, for people.
pub(super) const fn stands(stands: Stands) -> &'static str {
    match stands {
        Stands::Working => "at work",
        Stands::Idle => "ready",
        Stands::SettingUp => "being set up",
        Stands::Waiting => "waiting",
        Stands::Paused => "paused",
        Stands::Draining => "draining",
        Stands::Stopped => "stopped",
        Stands::EmergencyStopped => "EMERGENCY STOP",
        Stands::Disabled => "disabled",
        Stands::StandingBy => "standing by",
        Stands::Lent => "lent",
        Stands::Quarantined => "quarantined",
        Stands::Out => "out for a while",
        Stands::Down => "down",
    }
}

/// The colour of it, as that of a result: what is wrong, what is held back by somebody, what works.
pub(super) const fn tone(stands: Stands) -> &'static str {
    match stands {
        Stands::Working | Stands::Idle | Stands::Lent => "pass",
        Stands::SettingUp | Stands::Waiting | Stands::StandingBy => "none",
        Stands::Paused | Stands::Draining | Stands::Stopped | Stands::Disabled | Stands::Out => "degraded",
        Stands::EmergencyStopped | Stands::Quarantined | Stands::Down => "fail",
    }
}
