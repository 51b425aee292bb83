//! `lineman call`: a technician's call to one line, or to the few of a site, every phase live; then what it found and what
//! to look at. The call itself is `run::technician`'s.

mod screen;
mod target;
mod usual;

use std::sync::Arc;

use secrecy::SecretString;

use crate::call::Tap;
use crate::call::live::{HandoverLimits, Live, Wish};
use crate::model::event::Ending;
use crate::model::{Fault, LineId};
use crate::modem::clock::Clock;
use crate::report::call::{ThereUsually, Watch, found, many};
use crate::report::outcome::{ALL_PASSED, COULD_NOT_JUDGE, is_left_out};
use crate::report::{RunState, exit_code};
use crate::run::rules;
use crate::run::technician::Ready;

use super::args::Call;
use super::terminal::{self, Terminal};
use super::viewer::Viewer;
use super::{Failure, audit, complain, person, say, stop};

use self::target::Target;

type There = std::collections::BTreeMap<LineId, ThereUsually>;

/// Runs it; the exit code. `talkative`: the log goes to stderr, so no row is drawn over it.
pub(super) async fn run(args: &Call, talkative: bool) -> Result<u8, Failure> {
    if args.interactive {
        terminal::ready().map_err(Failure::wrong)?;
    }
    let clock = Clock::start();
    let Target { plan, example } = target::find(args).await?;
    if args.interactive && plan.lines.len() != 1 {
        return Err(Failure::wrong(format!(
            "--interactive hands one console over, and these are {} lines; name one of them",
            plan.lines.len()
        )));
    }
    let reports = audit::reports_folder(args.reports.as_deref(), example.is_some());
    let host = person();
    let ready = Box::pin(Ready::prepare(plan, &reports, &wish(args), host.as_ref(), clock)).await?;
    let stops = stop::listen()?;

    let there = usual::of(ready.plan(), ready.recalled(), &reports);
    let row = screen::is_movable() && !args.plain && !args.interactive && !talkative;
    let watch = Watch::new(super::screen::style(), args.repeat, there.clone());
    let (tap, terminal) = match tap(args, row, ready.secrets()) {
        Some((tap, terminal)) => (Some(tap), Some(terminal)),
        None => (None, None),
    };
    let call = ready.open().await?;
    let viewer = Viewer::start(screen::of(watch, row), clock);
    let made = Box::pin(call.carry_out(Box::new(viewer), tap, stops)).await;
    if let Some(terminal) = terminal {
        tokio::task::block_in_place(|| terminal.finish());
    }
    if let Some(state) = &made.state {
        say(&text(args, state, &there, &made.folder.display().to_string()));
    }
    match (made.failure, &made.state) {
        (Some(failure), _) => Err(failure),
        (None, Some(state)) => Ok(code(state)),
        (None, None) => Err(Failure::unjudged("the calls left no record")),
    }
}

fn wish(args: &Call) -> rules::Wish {
    rules::Wish {
        repeat: args.repeat,
        pause: args.pause,
        any_time: args.any_time,
        on_hold: args.on_hold,
        number_confirmed: args.number_confirmed,
        forget_refusal: args.forget_refusal.clone(),
    }
}

/// The side channel between the call and the terminal, where one is wanted.
fn tap(args: &Call, row: bool, secrets: Arc<[SecretString]>) -> Option<(Tap, Terminal)> {
    if !args.watch && !args.interactive {
        return None;
    }
    let handover = args.interactive.then(HandoverLimits::default);
    let (tap, end) = Tap::new(Wish { watch: args.watch, handover, secrets });
    let show = move |live: &Live| {
        let Live::Line { text, .. } = live else { return };
        let said = format!("            | {text}");
        if row { complain(&said) } else { say(&said) }
    };
    Some((tap, Terminal::start(end, show)))
}

/// The exit code of the night, but that nothing is fine where nothing was called.
pub(super) fn code(state: &RunState) -> u8 {
    let left_out = |fault: Option<Fault>| fault.is_some_and(is_left_out);
    let none =
        state.lines().all(|(_, line)| left_out(line.verdict.as_ref().and_then(|verdict| verdict.fault)));
    match exit_code(state) {
        ALL_PASSED if none => COULD_NOT_JUDGE,
        code => code,
    }
}

/// What was found of each line, and where it is written.
fn text(args: &Call, state: &RunState, there: &There, folder: &str) -> String {
    let style = super::screen::style();
    let interrupted = matches!(state.ended(), Some((Ending::Interrupted, _)));
    let nothing = ThereUsually::default();
    let mut parts = Vec::new();
    for (line, about) in state.lines() {
        if args.repeat > 1 {
            let family = about.calls.last().and_then(|record| {
                let modem = state.modems().iter().find(|modem| modem.header.id == record.modem)?;
                Some(modem.header.profile.as_str())
            });
            let usually = (there.get(&line.id).unwrap_or(&nothing), family.unwrap_or_default());
            parts.push(many(line, about, args.repeat, &usually, style, screen::ink()));
        }
        let cancelled = about.verdict.as_ref().is_some_and(|verdict| verdict.fault == Some(Fault::Cancelled));
        if !(interrupted && cancelled && args.repeat > 1) {
            parts.push(found(line, about, style));
        }
    }
    if interrupted {
        parts.push("interrupted: this is what there was until then".to_owned());
    }
    parts.push(format!("written to {folder}"));
    format!("\n{}", parts.iter().map(|part| part.trim_end()).collect::<Vec<_>>().join("\n\n"))
}
