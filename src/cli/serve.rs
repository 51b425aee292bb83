//! `lineman serve`: the daemon, in the foreground.

use std::fmt::Write as _;

use super::args::Serve;
use super::trial::Trial;
use super::{Failure, say};
use crate::config::service::{Loaded, load};
use crate::modem::clock::Clock;
use crate::service::daemon::{self, Setup};
use crate::service::levels::Levels;
use crate::service::signals;
use crate::service::systemd::Systemd;

/// Next times that are shown of each plan.
const PREVIEW: usize = 3;

/// Runs it until it is told to end; the exit code.
pub(super) async fn run(args: &Serve, levels: Levels) -> Result<u8, Failure> {
    if let (true, Some(config)) = (args.check, &args.config) {
        let loaded =
            load(config, &|name| std::env::var_os(name)).map_err(|unread| Failure::wrong(unread.problems))?;
        say(&text(&loaded, Clock::start().wall()));
        return Ok(0);
    }
    let signals = signals::listen()
        .map_err(|error| Failure::wrong(format!("signals can't be listened for: {error}")))?;
    let systemd = Systemd::of(&|name| std::env::var_os(name));
    let trial = if args.config.is_none() { Some(Trial::make()?) } else { None };
    let config = args.config.clone().or_else(|| trial.as_ref().map(|trial| trial.config.clone()));
    let config = config.ok_or_else(|| Failure::wrong("no file is named"))?;
    let setup = Setup { config, levels, systemd, signals };
    Box::pin(daemon::serve(setup)).await?;
    Ok(0)
}

/// Has the program begin again, as the same process, with one heap for all of its threads, unless it was told how many
/// (`MALLOC_ARENA_MAX`) already. glibc gives threads heaps of their own and keeps what each has left over: runs come and go on
/// threads that come and go, and a daemon would hold some megabytes more after each of its runs, for days. The variable is the
/// only way to say so without `unsafe`, and it is read before `main`.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn with_one_heap() {
    use std::os::unix::process::CommandExt as _;
    const HEAPS: &str = "MALLOC_ARENA_MAX";
    if std::env::var_os(HEAPS).is_some() {
        return;
    }
    let mut words = std::env::args_os();
    let mut again = std::process::Command::new("/proc/self/exe");
    if let Some(name) = words.next() {
        again.arg0(name);
    }
    let error = again.args(words).env(HEAPS, "1").exec();
    // It works without, only larger.
    tracing::debug!(%error, "the heap is the system's own");
}

/// Other systems' heaps are their own business.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) const fn with_one_heap() {}

/// What would run, and when.
fn text(loaded: &Loaded, now: jiff::Timestamp) -> String {
    let mut text = format!("{}: service `{}`\n", loaded.service.path.display(), loaded.service.name);
    for warning in &loaded.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    for plan in &loaded.plans {
        let _ =
            write!(text, "\nplan {}, on bank {}: {} lines", plan.name(), plan.bank(), plan.plan.lines.len());
        match &plan.entry.schedule {
            None => text.push_str("; on demand only"),
            Some(schedule) => {
                let _ = write!(text, "; {} ({})", schedule.written().join(", "), schedule.zone_name());
                for time in schedule.preview(now, PREVIEW) {
                    let _ = write!(text, "\n  {time}");
                }
            }
        }
        if !plan.entry.enabled {
            text.push_str("\n  disabled");
        }
        text.push('\n');
    }
    text
}
