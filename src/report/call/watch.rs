//! A call while it goes on: a line for each phase that ends, and what it is busy with now.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::figure::{Figure, ThereUsually};
use super::{figure_seconds, seconds};
use crate::model::event::{CheckOutcome, Hangup, ModemState, WaitReason};
use crate::model::usual::Spread;
use crate::model::{
    CallId, CallRecord, Event, EventKind, LineId, Link, Moment, Mono, PhaseTimes, Timeline, Verdict,
};
use crate::report::cell::one_line;
use crate::report::page::{Paint, Style};

/// Columns from which on the nights behind a usual figure are told.
const WIDE: usize = 100;
/// Columns from which on the usual figure itself is told.
const MIDDLE: usize = 76;
/// Columns from which on each figure has its name.
const NAMED: usize = 56;
/// Nights from which on "longer than ever" says something.
const NIGHTS_MIN: u32 = 3;

/// A run of few lines, one after the other, as it is watched.
#[derive(Debug)]
pub struct Watch {
    style: Style,
    /// Calls that each line gets; one line a call is told where there are many.
    repeat: u32,
    usually: BTreeMap<LineId, ThereUsually>,
    hosts: BTreeMap<LineId, String>,
    profiles: BTreeMap<String, String>,
    running: Option<Running>,
    /// What the line that waits waits for, and until when.
    waiting: Option<(String, Option<Mono>)>,
    made: BTreeMap<LineId, u32>,
}

#[derive(Debug)]
struct Running {
    call: CallId,
    line: LineId,
    /// The family of its modem.
    family: String,
    since: Mono,
    at: Moment,
    timeline: Timeline,
}

impl Watch {
    /// `usually`: what is usual on each line, as far as it is known.
    pub fn new(style: Style, repeat: u32, usually: BTreeMap<LineId, ThereUsually>) -> Self {
        Self {
            style,
            repeat,
            usually,
            hosts: BTreeMap::new(),
            profiles: BTreeMap::new(),
            running: None,
            waiting: None,
            made: BTreeMap::new(),
        }
    }

    /// What an event is worth telling, line by line.
    pub fn apply(&mut self, event: &Event) -> Vec<String> {
        match &event.kind {
            EventKind::RunStarted(header) => {
                for line in &header.lines {
                    let host = line.hostname.as_ref().map(|host| format!(", {host}")).unwrap_or_default();
                    self.hosts.insert(line.id.clone(), format!("{}{host}", line.number));
                }
                for modem in &header.modems {
                    self.profiles.insert(modem.id.to_string(), modem.profile.clone());
                }
                Vec::new()
            }
            EventKind::Modem { modem, state, fault, detail, .. } => match state {
                ModemState::Identified => {
                    let profile = detail.split_whitespace().next().unwrap_or_default();
                    self.profiles.insert(modem.to_string(), profile.to_owned());
                    Vec::new()
                }
                ModemState::Ready | ModemState::Checking => Vec::new(),
                state => {
                    let fault = fault.map_or(String::new(), |fault| format!(" {fault}"));
                    let told = format!("modem {modem}: {}{fault} {}", state.word(), one_line(detail));
                    vec![self.paint(told.trim_end(), Paint::Yellow)]
                }
            },
            EventKind::CallStarted { call, line, modem, dialed, .. } => {
                self.waiting = None;
                self.running = Some(Running {
                    call: call.clone(),
                    line: line.clone(),
                    family: self.profiles.get(modem.as_str()).cloned().unwrap_or_default(),
                    since: event.mono,
                    at: Moment::Taken,
                    timeline: Timeline::default(),
                });
                if let Some(running) = &mut self.running {
                    running.timeline.observe(Moment::Taken, event.mono);
                }
                if self.repeat > 1 && self.made.contains_key(line) {
                    return Vec::new();
                }
                let whom = self.hosts.get(line).map(String::as_str).unwrap_or_default();
                let profile = self.profiles.get(modem.as_str()).map_or("?", String::as_str);
                let head = format!("{line} ({whom}): dialing {dialed} on {modem} ({profile})");
                let head = self.paint(&one_line(&head), Paint::Bold);
                if self.made.is_empty() { vec![head] } else { vec![String::new(), head] }
            }
            EventKind::CallMoment { call, moment, was } => {
                self.moment(call, *moment, was.unwrap_or(event.mono))
            }
            EventKind::CallEnded(record) => self.ended(record),
            EventKind::LineWaits { line, until, reason, why } => {
                let told = one_line(&format!("{line} waits: {why}"));
                let left =
                    until.and_then(|until| u64::try_from(until.duration_since(event.at).as_millis()).ok());
                let until = left.map(|ms| event.mono + std::time::Duration::from_millis(ms));
                let is_news = !matches!(reason, WaitReason::Modem | WaitReason::Group) && self.repeat == 1;
                let line = until.map_or_else(
                    || told.clone(),
                    |until| format!("{told} (for {})", seconds(millis(until.since(event.mono)))),
                );
                self.waiting = Some((told, until));
                if is_news { vec![line] } else { Vec::new() }
            }
            EventKind::Credential { credential, state, detail } => {
                use crate::model::event::CredentialState;
                let stopped = *state == CredentialState::Stopped;
                let told = || one_line(&format!("credential {credential} is stopped: {detail}"));
                if stopped { vec![self.paint(&told(), Paint::Red)] } else { Vec::new() }
            }
            EventKind::BenchCheck(record) if record.outcome != CheckOutcome::Passed => {
                let told = format!(
                    "modem {}: check {} {}: {}",
                    record.modem,
                    record.check.word(),
                    record.outcome.word(),
                    record.detail
                );
                vec![self.paint(&one_line(&told), Paint::Yellow)]
            }
            EventKind::Notice { text } => vec![one_line(text)],
            EventKind::Paused { why, until } => vec![one_line(&crate::report::why::pause_text(why, *until))],
            EventKind::Resumed => vec!["the pause is over".to_owned()],
            EventKind::VerdictWithdrawn { line, why } => {
                vec![one_line(&format!("verdict of {line} withdrawn: {why}"))]
            }
            _ => Vec::new(),
        }
    }

    /// What goes on at this moment, if anything does: for a row that is drawn anew.
    pub fn now(&self, now: Mono) -> Option<String> {
        if let Some(running) = &self.running {
            let count = match self.made.get(&running.line) {
                _ if self.repeat <= 1 => String::new(),
                made => format!("call {} of {}: ", made.copied().unwrap_or(0) + 1, self.repeat),
            };
            let usual =
                self.next_usual(running).map(|usual| format!(", usually {usual}")).unwrap_or_default();
            let s = now.since(running.since).as_secs();
            return Some(format!("{count}{} {s} s{usual}", running.at.activity()));
        }
        let (told, until) = self.waiting.as_ref()?;
        let left = until.map(|until| until.since(now).as_secs());
        Some(left.map_or_else(|| told.clone(), |left| format!("{told}, {left} s left")))
    }

    fn usual(&self, line: &LineId, family: &str, figure: Figure) -> Option<&Spread> {
        self.usually.get(line)?.get(family, figure)
    }

    /// How long what it is busy with takes mostly.
    fn next_usual(&self, running: &Running) -> Option<String> {
        let figures: &[Figure] = match running.at {
            Moment::Dialed | Moment::DigitsSent => &[Figure::PostDial],
            Moment::Ringing => &[Figure::Ring, Figure::RingTrain],
            Moment::Answered => &[Figure::Train, Figure::TrainConnect],
            Moment::Carrier => &[Figure::Connect],
            Moment::Connected => &[Figure::Prompt],
            Moment::Prompted => &[Figure::Login],
            _ => &[],
        };
        let usual = |figure: &Figure| self.usual(&running.line, &running.family, *figure);
        figures.iter().find_map(usual).map(|usual| figure_seconds(usual.median))
    }

    fn moment(&mut self, call: &CallId, moment: Moment, at: Mono) -> Vec<String> {
        let Some(running) = self.running.as_mut().filter(|running| running.call == *call) else {
            return Vec::new();
        };
        let before = PhaseTimes::of(&running.timeline);
        // What was told at once has the stamp of its telling, a few milliseconds late.
        let latest = running.timeline.iter().map(|(_, mark)| mark.at).max();
        let at = latest.map_or(at, |latest| at.max(latest));
        if moment == Moment::Dialed {
            running.timeline.observe_anew(moment, at);
        } else {
            running.timeline.observe(moment, at);
        }
        let after = PhaseTimes::of(&running.timeline);
        (running.at, running.since) = (moment, at);
        let whose = (running.line.clone(), running.family.clone());
        if self.repeat > 1 || matches!(moment, Moment::Taken | Moment::Released) {
            return Vec::new();
        }
        let since_dial = running.timeline.get(Moment::Dialed).map(|dialed| millis(at.since(dialed.at)));
        let new = Figure::ALL.into_iter().filter(|figure| figure.of(&before).is_none());
        let mut figures: Vec<(Figure, u64)> =
            new.filter_map(|figure| Some((figure, figure.of(&after)?))).collect();
        // The row of CONNECT tells its own phase; the whole way there is told where that is all that there is.
        if figures.len() > 1 {
            figures.retain(|(figure, _)| !matches!(figure, Figure::DialedToConnect | Figure::Total));
        }
        vec![self.row(&whose, since_dial, reached(moment), &figures)]
    }

    fn row(
        &self,
        (line, family): &(LineId, String),
        since: Option<u64>,
        what: &str,
        figures: &[(Figure, u64)],
    ) -> String {
        let when = since.map_or(String::new(), seconds);
        // On a telephone's screen the figure stands beside what has come, which names it well enough.
        let named = self.style.width >= NAMED;
        let what =
            if named || !what.is_empty() { what } else { figures.first().map_or("", |(it, _)| it.word()) };
        let mut row = format!("  {when:>8}  {what:<14}");
        for (figure, ms) in figures {
            if named {
                let _ = write!(row, "  {:<17}", figure.word());
            }
            let _ = write!(row, " {:>8}", seconds(*ms));
            let usual = self.usual(line, family, *figure);
            let Some(usual) = usual.filter(|_| self.style.width >= MIDDLE) else { continue };
            let _ = write!(row, "  usually {}", figure_seconds(usual.median));
            if self.style.width >= WIDE {
                let nights =
                    if usual.nights == 1 { "1 night".to_owned() } else { format!("{} nights", usual.nights) };
                let _ = write!(
                    row,
                    " ({} to {}, {nights})",
                    figure_seconds(usual.least).trim_end_matches(" s"),
                    figure_seconds(usual.most)
                );
            }
            if usual.nights >= NIGHTS_MIN && i64::try_from(*ms).is_ok_and(|ms| is_long(ms, usual.most)) {
                row.push_str(&self.paint("  longer than all of these", Paint::Yellow));
            }
        }
        row.trim_end().to_owned()
    }

    fn ended(&mut self, record: &CallRecord) -> Vec<String> {
        let running = self.running.take();
        let nth = self.made.entry(record.line.clone()).or_default();
        *nth += 1;
        let nth = *nth;
        let result = Verdict::of(record.fault);
        let word = match record.fault {
            None => result.word().to_owned(),
            Some(fault) => format!("{result} {fault}"),
        };
        let times = PhaseTimes::of(&record.timeline);
        if self.repeat > 1 {
            let connect = times
                .dialed_to_connect_ms
                .map(|ms| format!(", CONNECT after {}", seconds(ms)))
                .unwrap_or_default();
            let link = link(&record.link).map(|link| format!(", {link}")).unwrap_or_default();
            let detail = if record.fault.is_none() || record.detail.is_empty() {
                String::new()
            } else {
                format!(": {}", record.detail)
            };
            let told = one_line(&format!("  call {nth:>3}  {word}{connect}{link}{detail}"));
            return vec![self.paint(&told, Paint::of(result))];
        }
        let mut lines = Vec::new();
        let family = running.as_ref().map(|running| running.family.clone()).unwrap_or_default();
        let whose = (record.line.clone(), family);
        let seen = running.map(|running| running.timeline).unwrap_or_default();
        let dialed = record.timeline.get(Moment::Dialed);
        for (moment, mark) in record.timeline.iter() {
            if seen.get(moment).is_some() || mark.half_width.is_zero() {
                continue;
            }
            let Some(dialed) = dialed else { continue };
            let (at, half) = (millis(mark.at.since(dialed.at)), millis(mark.half_width));
            let around = format!("  {:>8}  {:<14}", format!("~{}", seconds(at)), reached(moment));
            let half = format!("give or take {}", seconds(half));
            if self.style.width >= MIDDLE {
                lines.push(format!("{around}  {half}: this modem does not show it"));
            } else {
                lines.extend([around.trim_end().to_owned(), format!("            {half}")]);
            }
        }
        for figure in [Figure::Ring, Figure::Train, Figure::TrainConnect] {
            let live = PhaseTimes::of(&seen);
            if let (None, Some(ms)) = (figure.of(&live), figure.of(&times)) {
                lines.push(self.row(&whose, None, "", &[(figure, ms)]));
            }
        }
        if let Some(link) = link(&record.link) {
            lines.push(format!("  link      {}", one_line(&link)));
        }
        if let Some(quality) = quality(record) {
            lines.push(format!("  line      {quality}"));
        }
        if let Some(host) = &record.hostname {
            lines.push(format!("  console   {} answered", one_line(host)));
        }
        for console in &record.consoles {
            let fault = console.fault.map_or("pass", crate::model::Fault::code);
            lines.push(one_line(&format!("  behind    {}: {fault} {}", console.console, console.detail)));
        }
        match record.hangup {
            Hangup::Proven => lines.push("  hang-up   on-hook is proven".to_owned()),
            Hangup::NotNeeded => {}
            Hangup::Unproven => lines
                .push(self.paint("  hang-up   on-hook could NOT be proven: look at our modem", Paint::Red)),
        }
        // Of a single line the verdict follows at once.
        if self.hosts.len() > 1 {
            let detail =
                if record.detail.is_empty() { String::new() } else { format!(": {}", record.detail) };
            lines.push(self.paint(&one_line(&format!("  found     {word}{detail}")), Paint::of(result)));
        }
        lines
    }

    fn paint(&self, text: &str, paint: Paint) -> String {
        if self.style.colour { format!("\u{1b}[{}m{text}\u{1b}[0m", paint as u8) } else { text.to_owned() }
    }
}

/// Well beyond all that was ever seen; a few hundredths more are no news.
fn is_long(ms: i64, most: i64) -> bool {
    ms > most.saturating_add((most / 10).max(100))
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// What has come, in the words of somebody who listens.
/// What has come, in words.
pub const fn reached(moment: Moment) -> &'static str {
    match moment {
        Moment::Taken => "port is ours",
        Moment::Ready => "modem ready",
        Moment::Dialed => "dialing",
        Moment::DigitsSent => "digits are out",
        Moment::Ringing => "it rings",
        Moment::Answered => "answered",
        Moment::Carrier => "carrier",
        Moment::Connected => "CONNECT",
        Moment::Prompted => "login prompt",
        Moment::LoggedIn => "logged in",
        Moment::Verified => "right console",
        Moment::HandedBack => "handed back",
        Moment::LoggedOut => "logged out",
        Moment::OnHook => "on-hook",
        Moment::Released => "port is free",
    }
}

/// The link in words, if anything is known of it.
pub(super) fn link(link: &Link) -> Option<String> {
    let rate = match (link.tx_bps, link.rx_bps) {
        (Some(tx), Some(rx)) if tx != rx => Some(format!("{rx} bit/s from there, {tx} to there")),
        (tx, rx) => rx.or(tx).map(|bps| format!("{bps} bit/s")),
    };
    let parts = [rate, link.modulation.clone(), link.protocol.clone(), link.compression.clone()];
    let told: Vec<String> = parts.into_iter().flatten().collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// What our modem told of the line, in words.
fn quality(record: &CallRecord) -> Option<String> {
    let told = record.diagnostics.as_deref()?;
    let parts = [
        told.rx_level_dbm.map(|level| format!("received at {level} dBm")),
        told.snr_db.map(|snr| format!("signal to noise {snr} dB")),
        told.retrains.map(|count| format!("{count} retrains")),
        told.block_errors.map(|count| format!("{count} block errors")),
    ];
    let told: Vec<String> = parts.into_iter().flatten().collect();
    (!told.is_empty()).then(|| told.join(", "))
}
