//! `lineman control`: tells a daemon what to do, and says what it answered. A technician's call is watched to its end.

use std::collections::BTreeMap;

use super::args::{Action, Control, LevelWord, RoleWord, Subject as Named, SubjectKind};
use super::{Failure, call, complain, daemon, note, say, screen, status};
use crate::model::{LineId, RunId};
use crate::modem::clock::Clock;
use crate::report::RunState;
use crate::report::call::{Watch, found};
use crate::report::outcome::{COULD_NOT_JUDGE, INTERRUPTED};
use crate::service::control::{self, Level, Role, Subject};
use crate::service::http::client::{Client, ClientError, Events, Live, RunEvent};

/// Refused: nothing has changed.
const REFUSED: u8 = 1;

/// Runs it; the exit code.
pub(super) async fn run(args: &Control) -> Result<u8, Failure> {
    let told = told(&args.action)?;
    let client = daemon::client(&args.daemon).await?;
    if let Action::Call { line, detach: false, .. } = &args.action {
        return watched(&client, &told, line).await;
    }
    match client.control(&told).await {
        Ok(done) => {
            say(&done.said);
            Ok(0)
        }
        Err(error) => refused(
            error,
            if matches!(told, control::Control::Call { .. }) { COULD_NOT_JUDGE } else { REFUSED },
        ),
    }
}

/// A refusal has a code of its own; without an answer nothing is known.
fn refused(error: ClientError, code: u8) -> Result<u8, Failure> {
    match error {
        ClientError::Refused(trouble) if matches!(trouble.status, 404 | 409) => {
            complain(&format!("error: refused: {}", trouble.error));
            Ok(code)
        }
        error => Err(status::unanswered(error)),
    }
}

/// What is meant by what was typed.
fn told(action: &Action) -> Result<control::Control, Failure> {
    use control::Control;

    Ok(match action {
        Action::Start { plan, anyway } => Control::Start { plan: plan.clone(), anyway: *anyway },
        Action::Stop { plan, why } => Control::Stop { plan: plan.clone(), why: why.clone() },
        Action::Pause { plan, length, until, why } => {
            let now = Clock::start().wall();
            let until = match length {
                Some(length) if !length.is_positive() => {
                    return Err(Failure::wrong("--for is no time to come; write it as `2h` or `90m`"));
                }
                Some(length) => Some(now.checked_add(*length).map_err(Failure::wrong)?),
                None => *until,
            };
            if let Some(past) = until.filter(|until| *until <= now) {
                return Err(Failure::wrong(format!("--until {past} has passed")));
            }
            Control::Pause { plan: plan.clone(), until, why: why.clone() }
        }
        Action::Resume { plan } => Control::Resume { plan: plan.clone() },
        Action::Drain { plan, why } => Control::Drain { plan: plan.clone(), why: why.clone() },
        Action::EmergencyStop { why } => Control::EmergencyStop { why: why.clone() },
        Action::Release => Control::Release,
        Action::Restart { modem, bank } => Control::Restart { modem: modem.clone(), bank: bank.clone() },
        Action::Enable { subject } => Control::Enable { subject: named(subject)? },
        Action::Disable { subject, why } => Control::Disable { subject: named(subject)?, why: why.clone() },
        Action::Call { line, plan, anyway, .. } => {
            Control::Call { plan: plan.clone(), line: line.clone(), anyway: *anyway }
        }
        Action::Role { role } => Control::Role {
            role: match role {
                RoleWord::Primary => Role::Primary,
                RoleWord::Secondary => Role::Secondary,
                RoleWord::None => Role::None,
            },
        },
        Action::Log { room, level } => Control::Log {
            room: room.clone().filter(|room| room != "all"),
            level: level.map(|level| match level {
                LevelWord::Off => Level::Off,
                LevelWord::Error => Level::Error,
                LevelWord::Warn => Level::Warn,
                LevelWord::Info => Level::Info,
                LevelWord::Debug => Level::Debug,
                LevelWord::Trace => Level::Trace,
            }),
        },
        Action::Reload => Control::Reload,
    })
}

fn named(named: &Named) -> Result<Subject, Failure> {
    fn read<T: std::str::FromStr<Err: std::fmt::Display>>(name: &str) -> Result<T, Failure> {
        name.parse().map_err(|error: T::Err| Failure::wrong(format!("`{name}` {error}")))
    }

    let Named { kind, name, plan, bank } = named;
    if plan.is_some() && *kind != SubjectKind::Line {
        return Err(Failure::wrong("--plan is for a line"));
    }
    if bank.is_some() && *kind != SubjectKind::Modem {
        return Err(Failure::wrong("--bank is for a modem"));
    }
    let name = name.as_deref();
    Ok(match (kind, name) {
        (SubjectKind::Daemon, None) => Subject::Daemon { daemon: true },
        (SubjectKind::Daemon, Some(_)) => {
            return Err(Failure::wrong("the daemon has no name here; leave it out"));
        }
        (_, None) => return Err(Failure::wrong("name it")),
        (SubjectKind::Line, Some(name)) => Subject::Line { line: read(name)?, plan: plan.clone() },
        (SubjectKind::Modem, Some(name)) => Subject::Modem { modem: read(name)?, bank: bank.clone() },
        (SubjectKind::Plan, Some(name)) => Subject::Plan { plan: read(name)? },
    })
}

/// A technician's call, watched to its end; its exit code.
async fn watched(client: &Client, told: &control::Control, line: &LineId) -> Result<u8, Failure> {
    // Before it begins, so that nothing of it is missed.
    let mut events = client.events().await.map_err(status::unanswered)?;
    let done = match client.control(told).await {
        Ok(done) => done,
        Err(error) => return refused(error, COULD_NOT_JUDGE),
    };
    note(&done.said);
    let watching = follow(&mut events, line, done.run);
    tokio::select! {
        ended = watching => ended,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.map_err(Failure::wrong)?;
            note("no longer watched; the call goes on at the daemon, and its report is written there");
            Ok(INTERRUPTED)
        }
    }
}

/// Tells a call from its first event to its last; its exit code.
async fn follow(events: &mut Events, line: &LineId, run: Option<RunId>) -> Result<u8, Failure> {
    let style = screen::style();
    let mut watch = Watch::new(style, 1, BTreeMap::new());
    let mut state: Option<RunState> = None;
    let lost = |why: &str| Failure::unjudged(format!("{why}; the daemon's reports tell what the call found"));
    loop {
        let live = events.next().await.map_err(|error| lost(&error.to_string()))?;
        let event = match live {
            None => return Err(lost("the daemon has ended")),
            Some(Live::Missed) => return Err(lost("events came faster than they could be read")),
            Some(Live::Picture | Live::Status(_)) => continue,
            Some(Live::Event(event)) => event,
        };
        if !event.call || !is_of(&event, state.as_ref(), line, run.as_ref()) {
            continue;
        }
        match &mut state {
            None => state = Some(RunState::begin(&event.event).map_err(|error| lost(&error.to_string()))?),
            Some(state) => state.apply(&event.event).map_err(|error| lost(&error.to_string()))?,
        }
        for told in watch.apply(&event.event) {
            say(&told);
        }
        let Some(state) = state.as_ref().filter(|state| state.ended().is_some()) else { continue };
        if let Some((line, known)) = state.line(line) {
            say(&format!("\n{}", found(line, known, style)));
        }
        return Ok(call::code(state));
    }
}

/// Whether an event is of the call that is watched: of its run, once that is known, which its first event tells.
fn is_of(event: &RunEvent, state: Option<&RunState>, line: &LineId, run: Option<&RunId>) -> bool {
    use crate::model::EventKind;

    match (state, &event.event.kind) {
        (Some(state), _) => state.header().run == event.run,
        (None, EventKind::RunStarted(header)) => {
            run.is_none_or(|run| *run == event.run) && header.lines.iter().any(|known| known.id == *line)
        }
        (None, _) => false,
    }
}
