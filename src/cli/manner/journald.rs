//! A log that journald reads: it stamps each line itself, and takes a priority in front of it (`sd-daemon(3)`), so that
//! `journalctl -p warning` finds what it should.

use std::ffi::OsString;
use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Whether stderr is journald's: the stream that this environment names (`JOURNAL_STREAM`) may have been led elsewhere since.
#[cfg(unix)]
pub(super) fn reads_stderr(env: &dyn Fn(&str) -> Option<OsString>) -> bool {
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::MetadataExt as _;
    let Some(named) = env("JOURNAL_STREAM").and_then(|name| name.into_string().ok()) else { return false };
    let stderr = std::io::stderr().as_fd().try_clone_to_owned();
    let facts = stderr.and_then(|stderr| std::fs::File::from(stderr).metadata());
    facts.is_ok_and(|facts| named == format!("{}:{}", facts.dev(), facts.ino()))
}

/// There is no journald here.
#[cfg(not(unix))]
pub(super) fn reads_stderr(_env: &dyn Fn(&str) -> Option<OsString>) -> bool {
    false
}

/// Puts the priority in front of each event.
#[derive(Debug)]
pub(super) struct Prioritized<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for Prioritized<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(writer, "<{}>", priority(*event.metadata().level()))?;
        self.0.format_event(context, writer, event)
    }
}

/// The priority of syslog that a level is.
const fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}
