//! Why a line is not being dialed now, and when it will be; what a modem is at: told from the events of a run.
//!
//! Pure: it is folded from events, and asked with the time handed in. Where no run is going on, the plan and history say
//! more; that is cli's.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Unit};

use super::cell;
use crate::model::event::{Ending, LineVerdict, ModemState, RunHeader, WaitReason};
use crate::model::{CallId, Event, EventKind, Fault, Line, LineId, ModemId, Moment, Verdict};

/// Lines that must have been judged by calls before their pace says anything.
const PACE_LINES_MIN: usize = 5;

/// A pause of the run, in words.
pub fn pause_text(why: &str, until: Option<Timestamp>) -> String {
    let said = if why.is_empty() { String::new() } else { format!(": {}", cell::one_line(why)) };
    match until {
        Some(until) => format!("the run is paused until {}{said}", format_args!("{until:.0}")),
        None => format!("the run is paused until it is resumed{said}"),
    }
}

/// Where everything stands after the events so far.
#[derive(Debug, Clone)]
pub struct Situation {
    header: RunHeader,
    began: Timestamp,
    last: Timestamp,
    ended: Option<(Ending, Timestamp)>,
    /// Lines that wait or are called; all others are judged, or have not been called yet.
    lines: BTreeMap<LineId, LineNow>,
    verdicts: BTreeMap<LineId, (Timestamp, LineVerdict)>,
    modems: BTreeMap<ModemId, ModemNow>,
    calls: BTreeMap<CallId, (LineId, ModemId)>,
    /// When lines were judged by calls.
    judged: Vec<Timestamp>,
    /// The deadline has come.
    closed: bool,
    /// Since when the run is paused, why, and until when.
    paused: Option<(Timestamp, String, Option<Timestamp>)>,
}

/// What an open line is at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum LineNow {
    Called {
        modem: ModemId,
        moment: Moment,
        since: Timestamp,
        attempt: u32,
    },
    Waits {
        until: Option<Timestamp>,
        reason: WaitReason,
        why: String,
    },
    /// It would be dialed now.
    Ready,
}

/// What a modem is at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ModemNow {
    state: Option<ModemState>,
    since: Timestamp,
    fault: Option<Fault>,
    detail: String,
    until: Option<Timestamp>,
    line: Option<LineId>,
}

impl Situation {
    /// Of these events; absent if they do not begin with a header.
    pub fn of(events: &[Event]) -> Option<Self> {
        let first = events.first()?;
        let EventKind::RunStarted(header) = &first.kind else { return None };
        let idle = || ModemNow {
            state: None,
            since: first.at,
            fault: None,
            detail: String::new(),
            until: None,
            line: None,
        };
        let mut situation = Self {
            header: RunHeader::clone(header),
            began: first.at,
            last: first.at,
            ended: None,
            lines: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            modems: header.modems.iter().map(|modem| (modem.id.clone(), idle())).collect(),
            calls: BTreeMap::new(),
            judged: Vec::new(),
            closed: false,
            paused: None,
        };
        for event in events {
            situation.apply(event);
        }
        Some(situation)
    }

    fn apply(&mut self, event: &Event) {
        self.last = event.at;
        match &event.kind {
            EventKind::RunResumed(_) => self.resume(event.at),
            EventKind::Modem { modem, state, fault, detail, until } => {
                let Some(now) = self.modems.get_mut(modem) else { return };
                if *state != ModemState::Identified {
                    (now.state, now.since, now.fault, now.until) = (Some(*state), event.at, *fault, *until);
                    now.detail.clone_from(detail);
                }
            }
            EventKind::CallStarted { call, line, modem, attempt, .. } => {
                self.calls.insert(call.clone(), (line.clone(), modem.clone()));
                let (moment, since) = (Moment::Taken, event.at);
                let now = LineNow::Called { modem: modem.clone(), moment, since, attempt: *attempt };
                self.lines.insert(line.clone(), now);
                if let Some(modem) = self.modems.get_mut(modem) {
                    (modem.line, modem.since) = (Some(line.clone()), event.at);
                }
            }
            EventKind::CallMoment { call, moment: to, .. } => {
                let line = self.calls.get(call).and_then(|(line, _)| self.lines.get_mut(line));
                if let Some(LineNow::Called { moment, .. }) = line {
                    *moment = *to;
                }
            }
            EventKind::CallEnded(record) => {
                self.calls.remove(&record.call);
                self.lines.insert(record.line.clone(), LineNow::Ready);
                if let Some(modem) = self.modems.get_mut(&record.modem) {
                    (modem.line, modem.since) = (None, event.at);
                }
            }
            EventKind::LineWaits { line, until, reason, why } => {
                let now = match reason {
                    WaitReason::Modem => LineNow::Ready,
                    _ => LineNow::Waits { until: *until, reason: *reason, why: cell::one_line(why) },
                };
                self.lines.insert(line.clone(), now);
            }
            EventKind::Verdict(verdict) => {
                self.lines.remove(&verdict.line);
                if verdict.call.is_some() {
                    self.judged.push(event.at);
                }
                self.closed |= verdict.fault == Some(Fault::PastDeadline);
                self.verdicts.insert(verdict.line.clone(), (event.at, verdict.clone()));
            }
            EventKind::VerdictWithdrawn { line, .. } => {
                self.verdicts.remove(line);
            }
            EventKind::RunEnded { ending } => self.ended = Some((*ending, event.at)),
            EventKind::RunStarted(_)
            | EventKind::LinesBefore { .. }
            | EventKind::PasswordSent { .. }
            | EventKind::Credential { .. }
            | EventKind::BenchCheck(_)
            | EventKind::Notice { .. } => {}
            EventKind::Paused { why, until } => self.paused = Some((event.at, why.clone(), *until)),
            EventKind::Resumed => self.paused = None,
        }
    }

    fn resume(&mut self, at: Timestamp) {
        self.ended = None;
        self.paused = None;
        self.closed = false;
        self.calls.clear();
        self.lines.clear();
        self.judged.clear();
        self.began = at;
        self.verdicts.retain(|_, (_, verdict)| verdict.fault != Some(Fault::Cancelled));
        for modem in self.modems.values_mut() {
            (modem.state, modem.line, modem.until, modem.since) = (None, None, None, at);
        }
    }

    /// The header of the run.
    pub const fn header(&self) -> &RunHeader {
        &self.header
    }

    /// How it ended, and when.
    pub const fn ended(&self) -> Option<(Ending, Timestamp)> {
        self.ended
    }

    /// When the last thing happened.
    pub const fn last(&self) -> Timestamp {
        self.last
    }

    /// The lines of this id or site, in the order of the plan.
    pub fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Line> + 'a {
        self.header.lines.iter().filter(move |line| line.id.as_str() == name || line.site.as_str() == name)
    }

    /// Whether the bank has such a modem.
    pub fn has_modem(&self, name: &str) -> bool {
        self.header.modems.iter().any(|modem| modem.id.as_str() == name)
    }

    /// The verdict of a line so far.
    pub fn verdict(&self, line: &LineId) -> Option<&LineVerdict> {
        self.verdicts.get(line).map(|(_, verdict)| verdict)
    }

    /// Why a line is not being dialed, at an instant of the wall clock; times are told in `zone`, and in UTC.
    pub fn line(&self, line: &LineId, now: Timestamp, zone: &TimeZone) -> String {
        if let Some((at, verdict)) = self.verdicts.get(line) {
            return judged(verdict, *at, zone);
        }
        match self.lines.get(line) {
            Some(LineNow::Called { modem, moment, since, attempt }) => format!(
                "is being called now: call {attempt}, on {modem}, {} for {}",
                moment.activity(),
                span(*since, now)
            ),
            Some(LineNow::Waits { until, reason, why }) => {
                let mut text = format!(
                    "waits ({}): {}",
                    reason.word(),
                    if why.is_empty() { words(*reason) } else { why }
                );
                match until {
                    Some(until) if *until > now => {
                        let _ =
                            write!(text, "; not before {}, in {}", clock(*until, zone), span(now, *until));
                    }
                    Some(_) => text.push_str("; that time has come: it is dialed as soon as a modem is free"),
                    None => text.push_str("; no time is known for that, it is dialed as soon as it is over"),
                }
                text
            }
            Some(LineNow::Ready) | None => self.ready(now, zone),
        }
    }

    /// A line that could be dialed.
    fn ready(&self, now: Timestamp, zone: &TimeZone) -> String {
        if let Some((since, why, until)) = self.paused.as_ref().filter(|_| self.ended.is_none()) {
            let said = if why.is_empty() { String::new() } else { format!(": {}", cell::one_line(why)) };
            let until = until.map_or_else(
                || "until it is resumed".to_owned(),
                |until| format!("until {}, in {}", clock(until, zone), span(now, until)),
            );
            return format!("waits: the run is paused since {}, {until}{said}", clock(*since, zone));
        }
        let count = |is: fn(&ModemNow) -> bool| self.modems.values().filter(|modem| is(modem)).count();
        let calling = count(|modem| modem.line.is_some());
        let serving = count(ModemNow::serves);
        let ready = self
            .header
            .lines
            .iter()
            .filter(|line| !self.verdicts.contains_key(&line.id))
            .filter(|line| matches!(self.lines.get(&line.id), None | Some(LineNow::Ready)))
            .count();
        let mut text = format!(
            "waits for a free modem: {serving} of {} are in service and {calling} in calls, and {ready} {} for one",
            self.modems.len(),
            if ready == 1 { "line waits" } else { "lines wait" },
        );
        if serving == 0 {
            text.push_str("; none can make a call now (ask for each of them)");
        } else if let Some(by) = self.by(ready, now) {
            let _ = write!(
                text,
                "; at the pace of this run all of them have been dialed by about {}",
                clock(by, zone)
            );
        }
        text
    }

    /// When so many more lines will have been judged, at the pace so far.
    fn by(&self, lines: usize, now: Timestamp) -> Option<Timestamp> {
        if self.judged.len() < PACE_LINES_MIN {
            return None;
        }
        let so_far = now.duration_since(self.began);
        let each = so_far.checked_div(i32::try_from(self.judged.len()).ok()?)?;
        let left = each.checked_mul(i32::try_from(lines).ok()?)?;
        now.checked_add(left).ok()?.round(Unit::Minute).ok()
    }

    /// What a modem is at, at an instant of the wall clock.
    pub fn modem(&self, id: &ModemId, now: Timestamp, zone: &TimeZone) -> Option<String> {
        let modem = self.modems.get(id)?;
        if let Some(line) = &modem.line {
            let activity = match self.lines.get(line) {
                Some(LineNow::Called { moment, .. }) => moment.activity(),
                _ => "in a call",
            };
            return Some(format!("calls {line}: {activity}, for {} so far", span(modem.since, now)));
        }
        let mut text = match modem.state {
            None => "is being set up".to_owned(),
            Some(ModemState::Ready | ModemState::Identified) => self.idle(now, zone),
            Some(ModemState::Out) => "is out".to_owned(),
            Some(ModemState::HangupUnproven) => {
                "could not be brought on-hook for certain; its set-up hangs up first".to_owned()
            }
            Some(ModemState::Checking) => "is being checked".to_owned(),
            Some(ModemState::Quarantined) => {
                "is under quarantine: no line is called on it before it has passed a check".to_owned()
            }
            Some(ModemState::Wedged) => "is left alone for the rest of the run".to_owned(),
            Some(ModemState::Down) => {
                "is down: it failed again and again, and is tried again slowly".to_owned()
            }
            Some(ModemState::Disabled) => {
                "is disabled: nothing is dialed on it before it is enabled".to_owned()
            }
            Some(ModemState::Lent) => "is lent".to_owned(),
        };
        if !matches!(modem.state, None | Some(ModemState::Ready | ModemState::Identified)) {
            let said =
                [modem.fault.map(Fault::code).unwrap_or_default(), modem.detail.as_str()].map(cell::one_line);
            for word in said.iter().filter(|word| !word.is_empty()) {
                let _ = write!(text, ": {word}");
            }
            let _ = write!(text, "; since {}", clock(modem.since, zone));
        }
        if let Some(until) = modem.until.filter(|until| *until > now && self.ended.is_none()) {
            let what = if modem.state == Some(ModemState::Quarantined) { "checked" } else { "tried" };
            let _ = write!(text, "; it is {what} again at {}, in {}", clock(until, zone), span(now, until));
        }
        Some(text)
    }

    /// A modem that has nothing to do.
    fn idle(&self, now: Timestamp, zone: &TimeZone) -> String {
        let open: Vec<&LineId> = self
            .header
            .lines
            .iter()
            .map(|line| &line.id)
            .filter(|id| !self.verdicts.contains_key(id))
            .collect();
        if open.is_empty() {
            return "is free, and every line has its verdict".to_owned();
        }
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        let mut next: Option<Timestamp> = None;
        for id in &open {
            let word = match self.lines.get(*id) {
                Some(LineNow::Waits { until, reason, .. }) => {
                    next = [next, *until].into_iter().flatten().filter(|at| *at > now).min();
                    reason.word()
                }
                Some(LineNow::Called { .. }) => "in a call",
                Some(LineNow::Ready) | None => {
                    "for a modem that may call them (trunk, number, or who failed them before)"
                }
            };
            *reasons.entry(word).or_default() += 1;
        }
        let reasons: Vec<String> = reasons.iter().map(|(word, count)| format!("{count} {word}")).collect();
        let next = next.map_or(String::new(), |at| {
            format!("; the next may be dialed at {}, in {}", clock(at, zone), span(now, at))
        });
        format!(
            "is free; {} open, and none is for it now: {}{next}",
            super::live::lines_text(open.len() as u64),
            reasons.join(", ")
        )
    }
}

impl ModemNow {
    fn serves(&self) -> bool {
        self.line.is_some() || matches!(self.state, Some(ModemState::Ready | ModemState::Checking))
    }
}

/// What became of a judged line.
fn judged(verdict: &LineVerdict, at: Timestamp, zone: &TimeZone) -> String {
    let result = Verdict::of(verdict.fault);
    let fault = verdict.fault.map_or(String::new(), |fault| format!("/{fault}"));
    let detail = if verdict.detail.is_empty() {
        String::new()
    } else {
        format!(": {}", cell::one_line(&verdict.detail))
    };
    let again = match verdict.fault {
        Some(Fault::Cancelled) => "; `lineman audit --resume` goes on with it",
        _ => "; it is not dialed again in this run",
    };
    format!("has its verdict, {result}{fault}{detail} (told at {}){again}", clock(at, zone))
}

/// A reason that came without words.
const fn words(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::Modem => "for a free modem",
        WaitReason::Window => "it is outside its hours",
        WaitReason::Pause => "the pause after a failed call",
        WaitReason::Redial => "national rules for calling a number again",
        WaitReason::Held => "one of our modems may still hold its number",
        WaitReason::Refused => "our modems refuse to dial its number",
        WaitReason::Number => "its number is being called for another line",
        WaitReason::Group => "its site or hunt group has all the calls that it may have at a time",
        WaitReason::Budget => "what is left of a budget is set aside for calls that are running",
        WaitReason::Credential => "its credential is not proven yet",
    }
}

/// `02:41 (07:41Z)`, with the date where it is another day there.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    let there = at.to_zoned(zone.clone());
    if zone.iana_name().is_some_and(|name| name == "UTC" || name == "Etc/UTC") {
        return at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    }
    format!("{} ({})", there.strftime("%Y-%m-%d %H:%M:%S %Z"), at.strftime("%H:%M:%SZ"))
}

/// From one instant to a later one, for people.
pub fn span(from: Timestamp, to: Timestamp) -> String {
    let span = to.duration_since(from).max(SignedDuration::ZERO);
    match span.as_secs() {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7_200 => format!("{} min", s / 60),
        s @ 7_200..172_800 => format!("{} h {:02} min", s / 3600, s / 60 % 60),
        s => format!("{} days", s / 86_400),
    }
}

#[cfg(test)]
mod tests;
