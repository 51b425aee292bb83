//! How much is logged, of each room, while the daemon works: set from the configuration and by control, for whatever runs
//! already and whatever begins later, since there is one filter for all of it.
//!
//! The log itself is begun by `cli`, which hands in how its filter is changed.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use crate::config::service::ROOMS;
use crate::model::Level;

/// What stands for all rooms that are not named.
pub const ALL: &str = "";

/// How a filter is changed that is at work: takes its directives (`warn,lineman=info,lineman::fleet=debug`).
pub type Apply = Box<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// The levels of a log that is at work.
pub struct Levels {
    apply: Apply,
    /// What was asked for on the command line, or by RUST_LOG: it stands for [`ALL`] until that is changed.
    asked: Option<String>,
    first: Option<Level>,
}

impl Levels {
    /// Of this log. `asked` are the directives that whoever started the program asked for: they take the place of the
    /// configuration's level of all rooms until that is set to another.
    pub fn new(apply: Apply, asked: Option<String>) -> Self {
        Self { apply, asked, first: None }
    }

    /// Nothing is logged anywhere: for tests.
    pub fn none() -> Self {
        Self::new(Box::new(|_| Ok(())), None)
    }

    /// Logs from these levels on, by room; [`ALL`] is all that are not named (`info` if it is absent). It holds at once, for
    /// everything. Of the libraries that lineman is made with no more than warnings are logged; RUST_LOG can have more.
    ///
    /// # Errors
    /// The log can't be changed: in words.
    pub fn set(&mut self, levels: &BTreeMap<String, Level>) -> Result<(), String> {
        let all = levels.get(ALL).copied().unwrap_or(Level::Info);
        if *self.first.get_or_insert(all) != all {
            self.asked = None;
        }
        (self.apply)(&directives(levels, self.asked.as_deref()))
    }
}

impl fmt::Debug for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Levels")
            .field("asked", &self.asked)
            .field("first", &self.first)
            .finish_non_exhaustive()
    }
}

/// The levels as a filter's directives, of which the most special one holds.
fn directives(levels: &BTreeMap<String, Level>, asked: Option<&str>) -> String {
    let all = levels.get(ALL).copied().unwrap_or(Level::Info);
    let mut out = match asked {
        Some(asked) => asked.to_owned(),
        // What every call does is in the journal; a night of it would bury what happens to the daemon.
        None => {
            let calls = if all == Level::Info { ",lineman::fleet::talk=warn" } else { "" };
            format!("{},lineman={}{calls}", all.min(Level::Warn).word(), all.word())
        }
    };
    for (room, level) in levels.iter().filter(|(room, _)| ROOMS.contains(&room.as_str())) {
        let _ = write!(out, ",lineman::{room}={}", level.word());
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::filter::EnvFilter;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::{Layer, reload};

    use super::*;

    fn levels(of: &[(&str, Level)]) -> BTreeMap<String, Level> {
        of.iter().map(|(room, level)| ((*room).to_owned(), *level)).collect()
    }

    #[test]
    fn the_most_special_word_holds() {
        assert_eq!(directives(&levels(&[]), None), "warn,lineman=info,lineman::fleet::talk=warn");
        assert_eq!(directives(&levels(&[(ALL, Level::Error)]), None), "error,lineman=error");
        assert_eq!(
            directives(
                &levels(&[(ALL, Level::Debug), ("fleet", Level::Off), ("nonsense", Level::Info)]),
                None
            ),
            "warn,lineman=debug,lineman::fleet=off"
        );
        let asked = directives(&levels(&[(ALL, Level::Warn), ("fleet", Level::Debug)]), Some("trace"));
        assert_eq!(asked, "trace,lineman::fleet=debug");
    }

    #[test]
    fn the_rooms_are_those_of_the_sources() {
        let there = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
        let there = there.filter_map(Result::ok).filter(|entry| entry.path().is_dir());
        let there: BTreeSet<String> = there.map(|entry| entry.file_name().into_string().unwrap()).collect();
        assert_eq!(there, ROOMS.map(str::to_owned).into());
    }

    /// Counts what comes through.
    #[derive(Debug, Clone, Default)]
    struct Heard(Arc<Mutex<Vec<String>>>);

    impl<S: tracing::Subscriber> Layer<S> for Heard {
        fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
            self.0.lock().unwrap().push(event.metadata().target().to_owned());
        }
    }

    fn speak() {
        tracing::debug!(target: "lineman::fleet::worker", "x");
        tracing::info!(target: "lineman::service", "x");
        tracing::info!(target: "hyper::proto", "x");
    }

    #[test]
    fn a_level_holds_at_once_and_for_a_worker_that_begins_later() {
        let heard = Heard::default();
        let (filter, handle) = reload::Layer::new(EnvFilter::new("warn"));
        let log = tracing_subscriber::registry().with(heard.clone().with_filter(filter));
        let log = tracing::Dispatch::new(log);
        let apply: Apply = Box::new(move |directives| {
            handle.reload(EnvFilter::new(directives)).map_err(|error| error.to_string())
        });
        let mut at_work = Levels::new(apply, Some("lineman=error".to_owned()));
        let take = || std::mem::take(&mut *heard.0.lock().unwrap());
        tracing::dispatcher::with_default(&log, || {
            at_work.set(&levels(&[(ALL, Level::Info)])).unwrap();
            speak();
            assert_eq!(take(), Vec::<String>::new(), "what was asked for is stronger");
            at_work.set(&levels(&[(ALL, Level::Debug)])).unwrap();
            speak();
            assert_eq!(take(), ["lineman::fleet::worker", "lineman::service"]);
            at_work.set(&levels(&[(ALL, Level::Warn), ("fleet", Level::Trace)])).unwrap();
            let later = log.clone();
            std::thread::spawn(move || tracing::dispatcher::with_default(&later, speak)).join().unwrap();
            assert_eq!(take(), ["lineman::fleet::worker"]);
        });
    }
}
