//! A technician's call on a terminal: its lines above, and one row that shows what goes on; plain lines elsewhere.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::screen::{Screen, is_dumb};
use crate::model::{Event, Mono};
use crate::report::Counts;
use crate::report::call::{Ink, Watch};

/// How often the seconds in the row go on.
const TICK: Duration = Duration::from_secs(1);

/// Whether a row can be drawn anew here.
pub(super) fn is_movable() -> bool {
    let attended = console::Term::stderr().features().is_attended();
    attended && std::io::stdout().is_terminal() && !is_dumb(std::env::var_os("TERM"))
}

/// The screen that fits. `row`: one that is drawn anew shows the seconds.
pub(super) fn of(watch: Watch, row: bool) -> Box<dyn Screen> {
    if !row {
        return Box::new(Lines { watch });
    }
    let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = multi.add(ProgressBar::new(1).with_style(style));
    Box::new(Row { watch, multi, bar, drawn: Mono::ZERO })
}

/// With what pictures are drawn here: blocks where the locale is UTF-8.
pub(super) fn ink() -> Ink {
    let named = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(std::env::var_os);
    let locale = named.map(|name| name.to_string_lossy().to_ascii_lowercase()).find(|name| !name.is_empty());
    match locale {
        Some(locale) if locale.contains("utf-8") || locale.contains("utf8") => Ink::Blocks,
        _ => Ink::Ascii,
    }
}

/// Plain lines.
struct Lines {
    watch: Watch,
}

impl Screen for Lines {
    fn show(&mut self, _counts: Counts, event: &Event) {
        for line in self.watch.apply(event) {
            // A reader that went away (`| head`) is no reason to leave a call hanging.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        }
    }

    fn aside(&mut self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    fn tick(&mut self, _now: Mono) {}

    fn next_tick(&self, _now: Mono) -> Option<Duration> {
        None
    }

    fn finish(&mut self) {}
}

/// Lines above a row that shows what goes on.
struct Row {
    watch: Watch,
    multi: MultiProgress,
    bar: ProgressBar,
    drawn: Mono,
}

impl Screen for Row {
    fn show(&mut self, _counts: Counts, event: &Event) {
        for line in self.watch.apply(event) {
            // A terminal that went away is noticed by the signal that it sends.
            let _ = self.multi.println(line);
        }
    }

    fn aside(&mut self, text: &str) {
        let _ = self.multi.println(text);
    }

    fn tick(&mut self, now: Mono) {
        self.drawn = now;
        let width = usize::from(console::Term::stderr().size().1).saturating_sub(1);
        let row = self.watch.now(now).map(|text| format!("            {text}")).unwrap_or_default();
        let row = console::truncate_str(&row, width, "…").into_owned();
        if self.bar.message() != row {
            self.bar.set_message(row);
        }
    }

    fn next_tick(&self, now: Mono) -> Option<Duration> {
        Some((self.drawn + TICK).since(now))
    }

    fn finish(&mut self) {
        let _ = self.multi.clear();
    }
}
