//! How the program talks: how loudly, in colour or not, in words or in JSON. It is settled once, before anything is said;
//! what is said is everybody else's business, and how loudly a daemon talks later on that of `service::levels`.

mod journald;

use std::ffi::{OsStr, OsString};
use std::sync::OnceLock;

use clap::ColorChoice;
use tracing_subscriber::filter::Directive;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt, reload};

use super::args::{Color, LogFormat, Talk};
use super::viewer;
use crate::service::levels::Levels;

/// Where a variable of the environment is looked up.
type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// What is told to the user himself goes by this name, and past the log's filter.
const SAID: &str = "lineman::said";

/// Settled once; before that, nobody is hushed.
static MANNER: OnceLock<Manner> = OnceLock::new();

/// How the program talks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Manner {
    quiet: u8,
    json: bool,
}

impl Manner {
    /// Nothing is told of work that goes well: neither its progress nor notices.
    pub(super) const fn is_quiet(self) -> bool {
        self.quiet > 0
    }

    /// Not even what came out of it: errors alone.
    pub(super) const fn is_silent(self) -> bool {
        self.quiet > 1
    }

    /// What goes to stderr is JSON, an object a line.
    pub(super) const fn is_json(self) -> bool {
        self.json
    }
}

/// How it was settled.
pub(super) fn now() -> Manner {
    MANNER.get().copied().unwrap_or_default()
}

/// Who reads the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Somebody who waits for the work to be done: times would be in the way.
    User,
    /// Somebody who looks what has happened since.
    Later,
}

/// Settles it, and begins the log; hands back what sets the log's levels from now on.
pub(super) fn settle(talk: &Talk, reader: Reader, env: Environment<'_>) -> Levels {
    let manner = Manner { quiet: talk.quiet, json: talk.log_format == LogFormat::Json };
    if MANNER.set(manner).is_err() {
        return Levels::none();
    }
    let coloured = |is_terminal| is_coloured(talk.color, env, is_terminal);
    console::set_colors_enabled(coloured(console::Term::stdout().is_term()));
    console::set_colors_enabled_stderr(coloured(console::Term::stderr().is_term()));
    let level = match (talk.quiet, talk.verbose) {
        (0, 0) => "warn",
        (_, 0) => "error",
        (_, 1) => "lineman=info",
        (_, 2) => "lineman=debug",
        _ => "trace",
    };
    let variable = env(EnvFilter::DEFAULT_ENV).and_then(|text| text.into_string().ok());
    let variable = variable.filter(|text| !text.is_empty());
    let (filter, wrong) = match variable.as_deref().map(EnvFilter::try_new) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(why)) => (EnvFilter::new(level), Some(why)),
        None => (EnvFilter::new(level), None),
    };
    let is_typed = talk.quiet > 0 || talk.verbose > 0;
    let asked = variable.filter(|_| wrong.is_none()).or_else(|| is_typed.then(|| level.to_owned()));
    // What is said to the user as JSON passes whatever filter there is.
    let said: Option<Directive> = if manner.json { format!("{SAID}=trace").parse().ok() } else { None };
    let open = move |filter: EnvFilter| match &said {
        Some(said) => filter.add_directive(said.clone()),
        None => filter,
    };
    let (filter, handle) = reload::Layer::new(open(filter));
    let log = fmt::layer().with_writer(|| viewer::Aside);
    let log = match reader {
        _ if manner.json => {
            // A panic's words would be no JSON.
            std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
            log.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
        // It stamps what it is told, and takes its priority from it.
        _ if journald::reads_stderr(env) => {
            log.without_time().map_event_format(journald::Prioritized).boxed()
        }
        Reader::User => log.without_time().boxed(),
        Reader::Later => log.boxed(),
    };
    tracing_subscriber::registry().with(filter).with(log).init();
    let change = move |directives: &str| {
        let filter = EnvFilter::try_new(directives).map_err(|error| error.to_string())?;
        handle.reload(open(filter)).map_err(|error| error.to_string())
    };
    let levels = Levels::new(Box::new(change), asked);
    if let Some(why) = wrong {
        note(&format!("warning: {} is no filter for a log ({why}); it is left out", EnvFilter::DEFAULT_ENV));
    }
    levels
}

/// Words on stderr that are not to be hushed: what went wrong.
pub(super) fn complain(text: &str) {
    tell(text, Level::Warn);
}

/// Words on stderr that a user who wants quiet does not miss: warnings of files, notices, what goes on.
pub(super) fn note(text: &str) {
    if !now().is_quiet() {
        tell(text, Level::Info);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Error,
    Warn,
    Info,
}

/// The level that a text names in front, where people are told so in words; and what is left of it.
fn levelled(text: &str, otherwise: Level) -> (Level, &str) {
    let known = [("error: ", Level::Error), ("warning: ", Level::Warn), ("notice: ", Level::Info)];
    let named = known.into_iter().find_map(|(word, level)| Some((level, text.strip_prefix(word)?)));
    named.unwrap_or((otherwise, text))
}

fn tell(text: &str, level: Level) {
    let text = text.trim_end_matches('\n');
    if !now().is_json() {
        viewer::aside(text);
        return;
    }
    match levelled(text, level) {
        (Level::Error, text) => tracing::error!(target: SAID, "{text}"),
        (Level::Warn, text) => tracing::warn!(target: SAID, "{text}"),
        (Level::Info, text) => tracing::info!(target: SAID, "{text}"),
    }
}

/// What must be known before the command line is read, since reading it may end in words: taken from it as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Early {
    /// Colour of help and of complaints about the command line.
    pub(super) color: ColorChoice,
    /// Complaints are to be JSON.
    pub(super) json: bool,
}

impl Early {
    /// Of the words that were typed, and of the environment.
    pub(super) fn of(words: &[OsString], env: Environment<'_>) -> Self {
        let words: Vec<&str> =
            words.iter().take_while(|word| *word != "--").filter_map(|w| w.to_str()).collect();
        let value = |option: &str| {
            let glued = |word: &&str| word.strip_prefix(option)?.strip_prefix('=').map(ToOwned::to_owned);
            let at = words.iter().rposition(|word| glued(word).is_some() || *word == option)?;
            glued(&words[at]).or_else(|| words.get(at + 1).map(|word| (*word).to_owned()))
        };
        let color = match value("--color").as_deref() {
            Some("always") => Color::Always,
            Some("never") => Color::Never,
            _ => Color::Auto,
        };
        // Whether it is a terminal is clap's to see, for the stream that it writes to.
        let color = match (is_coloured(color, env, true), is_coloured(color, env, false)) {
            (true, true) => ColorChoice::Always,
            (false, _) => ColorChoice::Never,
            (true, false) => ColorChoice::Auto,
        };
        Self { color, json: value("--log-format").as_deref() == Some("json") }
    }
}

/// Whether a stream is coloured. What was typed is stronger than the environment; there, `NO_COLOR` (no-color.org) than
/// `CLICOLOR_FORCE`, and that than `CLICOLOR` (bixense.com/clicolors), as long as they are not empty.
fn is_coloured(asked: Color, env: Environment<'_>, is_terminal: bool) -> bool {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let is_zero = |value: OsString| value == OsStr::new("0");
    match asked {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR").is_some() => false,
        Color::Auto if set("CLICOLOR_FORCE").is_some_and(|value| !is_zero(value)) => true,
        Color::Auto if set("CLICOLOR").is_some_and(is_zero) => false,
        Color::Auto => is_terminal && set("TERM").is_some_and(|term| term != "dumb"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into())
    }

    #[test]
    fn colour_is_settled_by_the_strongest_word() {
        type Variables = &'static [(&'static str, &'static str)];
        let cases: &[(Color, Variables, bool, bool)] = &[
            (Color::Auto, &[("TERM", "xterm")], true, true),
            (Color::Auto, &[("TERM", "xterm")], false, false),
            (Color::Auto, &[("TERM", "dumb")], true, false),
            (Color::Auto, &[], true, false),
            (Color::Auto, &[("TERM", "xterm"), ("NO_COLOR", "1")], true, false),
            (Color::Auto, &[("TERM", "xterm"), ("NO_COLOR", "0")], true, false),
            (Color::Auto, &[("TERM", "xterm"), ("NO_COLOR", "")], true, true),
            (Color::Auto, &[("TERM", "xterm"), ("CLICOLOR", "0")], true, false),
            (Color::Auto, &[("CLICOLOR_FORCE", "1")], false, true),
            (Color::Auto, &[("CLICOLOR_FORCE", "0")], false, false),
            (Color::Auto, &[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], false, true),
            (Color::Auto, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true, false),
            (Color::Always, &[("NO_COLOR", "1")], false, true),
            (Color::Never, &[("CLICOLOR_FORCE", "1"), ("TERM", "xterm")], true, false),
        ];
        for (asked, variables, is_terminal, coloured) in cases {
            let env = of(variables);
            assert_eq!(is_coloured(*asked, &env, *is_terminal), *coloured, "{asked:?} {variables:?}");
        }
    }

    #[test]
    fn what_help_needs_is_read_before_the_rest_is_understood() {
        let early = |typed: &str| {
            let words: Vec<OsString> = typed.split(' ').map(Into::into).collect();
            Early::of(&words, &of(&[("TERM", "xterm")]))
        };
        assert_eq!(early("lineman audit"), Early { color: ColorChoice::Auto, json: false });
        assert_eq!(early("lineman --color never audit --nonsense").color, ColorChoice::Never);
        assert_eq!(early("lineman --color=never audit --color always").color, ColorChoice::Always);
        assert!(early("lineman --log-format json x").json && early("lineman x --log-format=json").json);
        assert!(!early("lineman x -- --log-format=json").json && !early("lineman --log-format").json);
    }

    #[test]
    fn a_level_is_taken_from_the_words_for_people() {
        assert_eq!(levelled("error: x", Level::Warn), (Level::Error, "x"));
        assert_eq!(levelled("warning: x", Level::Info), (Level::Warn, "x"));
        assert_eq!(levelled("stopping", Level::Info), (Level::Info, "stopping"));
    }
}
