//! A big night drawn by a seed, as its events: what the pictures, the page and the other views of a run are measured and
//! tried with. Nothing is dialed; the events keep every rule that a run's state holds them to.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use lineman::model::before::TestedBefore;
use lineman::model::event::{
    CheckKind, CheckOutcome, CheckRecord, EVENT_FORMAT, Ending, Hangup, LineVerdict, ModemHeader, ModemState,
    RunHeader, Sitting,
};
use lineman::model::usual::{FamilyUsual, Spread, Usual};
use lineman::model::{
    CallId, CallRecord, Coordinates, Event, EventKind, Facets, Fault, Line, LineBefore, Link, Moment, Mono,
    SiteId, Timeline,
};

const FAMILIES: [&str; 4] = ["courier", "rockwell-conexant", "v250", "generic"];
/// Rates of V.34, bit/s.
const RATES: [u32; 6] = [21_600, 24_000, 26_400, 28_800, 31_200, 33_600];
/// What is wrong with a line, each as often as it stands here.
const FAULTS: [Fault; 8] = [
    Fault::NoAnswer,
    Fault::Busy,
    Fault::NoCarrier,
    Fault::ConsoleSilent,
    Fault::Garbage,
    Fault::Voice,
    Fault::WrongConsole,
    Fault::LoginRefused,
];
/// One line in so many fails.
const FAILS_EVERY: usize = 12;

/// Draws the night: so many lines, two a site, on so many modems.
pub(crate) fn night(lines: usize, modems: usize, seed: u64) -> Vec<Event> {
    let mut night = Drawn::new(lines, modems, seed);
    for place in 0..lines {
        night.line(place);
    }
    night.troubles();
    night.finish()
}

/// As the journal has them.
#[allow(dead_code, reason = "not every target that draws a night writes it down")]
pub(crate) fn journal(events: &[Event]) -> String {
    let text = |event| serde_json::to_string(event).expect("an event has a JSON form") + "\n";
    events.iter().map(text).collect()
}

struct Drawn {
    dice: fastrand::Rng,
    start: Timestamp,
    lines: Vec<Line>,
    modems: Vec<ModemHeader>,
    /// When each modem is free again, ms.
    free: Vec<u64>,
    events: Vec<Event>,
}

impl Drawn {
    fn new(lines: usize, modems: usize, seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let start: Timestamp = "2026-11-21T02:00:00Z".parse().expect("a time");
        let line = |n: usize| Line {
            id: format!("BR{:04}-{}", n / 2, ["A", "B"][n % 2]).parse().expect("a name"),
            site: site(n),
            number: format!("+1919{n:07}").parse().expect("a number"),
            hostname: format!("br{:04}-rtr{}", n / 2, n % 2 + 1).parse().ok(),
            facets: Facets { country: Some("US".to_owned()), ..Facets::default() },
        };
        let modem = |n: usize| ModemHeader {
            id: format!("m{n:02}").parse().expect("a name"),
            port: format!("/dev/ttyS{n}"),
            profile: FAMILIES[n % FAMILIES.len()].to_owned(),
            trunk: "pstn".parse().ok(),
        };
        let lines: Vec<Line> = (0..lines).map(line).collect();
        let modems: Vec<ModemHeader> = (0..modems).map(modem).collect();
        let sites: BTreeMap<SiteId, Coordinates> = lines
            .iter()
            .map(|line| {
                let latitude_udeg = dice.i32(26_000_000..48_000_000);
                (
                    line.site.clone(),
                    Coordinates { latitude_udeg, longitude_udeg: dice.i32(-123_000_000..-70_000_000) },
                )
            })
            .collect();
        let header = RunHeader {
            format: EVENT_FORMAT,
            run: "20261121T020000Z-nightly".parse().expect("a run's id"),
            plan: "nightly".parse().expect("a name"),
            plan_path: None,
            bank: "hq".parse().expect("a name"),
            seed,
            currency: None,
            sites,
            lines: lines.clone(),
            modems: modems.clone(),
            sitting: Sitting { lineman: "0.1.0".to_owned(), origin_us: 0 },
        };
        let before: Vec<LineBefore> = lines.iter().map(|line| before(line, start, &mut dice)).collect();
        let mut drawn =
            Self { dice, start, lines, free: vec![1_000; modems.len()], modems, events: Vec::new() };
        drawn.tell(0, EventKind::RunStarted(Box::new(header)));
        drawn.tell(1, EventKind::LinesBefore { lines: before });
        for place in 0..drawn.modems.len() {
            drawn.modem(500, place, ModemState::Ready, None);
        }
        drawn
    }

    fn at(&self, ms: u64) -> Timestamp {
        self.start + SignedDuration::from_millis(i64::try_from(ms).expect("a night is short"))
    }

    fn tell(&mut self, ms: u64, kind: EventKind) {
        self.events.push(Event { at: self.at(ms), mono: Mono::from_millis(ms), kind });
    }

    fn modem(&mut self, ms: u64, place: usize, state: ModemState, fault: Option<Fault>) {
        let modem = self.modems[place].id.clone();
        self.tell(ms, EventKind::Modem { modem, state, fault, detail: String::new(), until: None });
    }

    /// All calls of a line, and its verdict.
    fn line(&mut self, place: usize) {
        let fault = (self.dice.usize(0..FAILS_EVERY) == 0).then(|| FAULTS[self.dice.usize(0..FAULTS.len())]);
        let slow = fault.is_none() && self.dice.usize(0..60) == 0;
        let fault = if slow { Some(Fault::SlowConnect) } else { fault };
        let calls = if fault.is_some() && !slow { 2 } else { 1 };
        let mut ended = 0;
        for attempt in 1..=calls {
            ended = self.call(place, attempt, fault, ended);
        }
        let verdict = LineVerdict {
            line: self.lines[place].id.clone(),
            fault,
            detail: detail(fault),
            call: Some(CallId::new(&self.lines[place].id, calls)),
            attempts: calls,
        };
        self.tell(ended, EventKind::Verdict(verdict));
    }

    /// One call on the modem that is free first, not before `not_before`; tells when it was over.
    fn call(&mut self, place: usize, attempt: u32, fault: Option<Fault>, not_before: u64) -> u64 {
        let on = (0..self.free.len()).min_by_key(|&modem| self.free[modem]).expect("the bank has modems");
        let from = self.free[on].max(not_before);
        let (line, modem) = (self.lines[place].clone(), self.modems[on].id.clone());
        let call = CallId::new(&line.id, attempt);
        let dialed = line.number.as_str()[1..].to_owned();
        let started = EventKind::CallStarted {
            call: call.clone(),
            line: line.id.clone(),
            modem: modem.clone(),
            attempt,
            dialed: dialed.clone(),
            via: None,
        };
        self.tell(from, started);
        let (timeline, end) = self.timeline(from, fault, self.modems[on].profile.clone().as_str());
        let connected = timeline.get(Moment::Connected).is_some();
        let rate = if fault == Some(Fault::SlowConnect) { 4_800 } else { self.rate(&line) };
        let transcript = connected && fault.is_some_and(|fault| fault != Fault::SlowConnect);
        let record = CallRecord {
            call,
            line: line.id.clone(),
            modem,
            attempt,
            dialed,
            via: None,
            started: self.at(from),
            finished: self.at(end),
            timeline,
            rings: Some(2),
            fault,
            detail: detail(fault),
            cut_short_ms: None,
            link: Link {
                modulation: connected.then(|| "V.34".to_owned()),
                tx_bps: connected.then_some(rate),
                rx_bps: connected.then_some(rate),
                protocol: connected.then(|| "LAPM".to_owned()),
                compression: None,
            },
            diagnostics: None,
            hostname: line.hostname.as_ref().map(ToString::to_string).filter(|_| connected),
            consoles: Vec::new(),
            charge: None,
            hangup: Hangup::Proven,
            unknown: Vec::new(),
            transcript: transcript.then(|| {
                "\r\nUnauthorized use of this system is prohibited; all of it is recorded.\r\n\r\nUser Access Verification\r\n\r\nUsername: "
                    .to_owned()
            }),
        };
        self.tell(end, EventKind::CallEnded(Box::new(record)));
        // A rest on-hook, and now and then a gap.
        self.free[on] = end + 3_000 + if self.dice.usize(0..20) == 0 { self.dice.u64(0..120_000) } else { 0 };
        end
    }

    /// Mostly the usual one, sometimes a step less, seldom far less.
    fn rate(&mut self, line: &Line) -> u32 {
        let usual = usual_rate(line);
        match self.dice.u8(0..100) {
            0 => RATES[usual] / 2,
            1..20 => RATES[usual.saturating_sub(1)],
            _ => RATES[usual],
        }
    }

    fn timeline(&mut self, from: u64, fault: Option<Fault>, family: &str) -> (Timeline, u64) {
        let last = match fault {
            None | Some(Fault::SlowConnect) => Moment::LoggedOut,
            Some(Fault::NoAnswer | Fault::Busy | Fault::Voice) => Moment::Ringing,
            Some(Fault::NoCarrier) => Moment::Answered,
            Some(Fault::ConsoleSilent | Fault::Garbage) => Moment::Connected,
            Some(_) => Moment::Prompted,
        };
        // What a family hides.
        let hidden = |moment| match family {
            "generic" => matches!(moment, Moment::Ringing | Moment::Answered | Moment::Carrier),
            "courier" => moment == Moment::Carrier,
            _ => moment == Moment::DigitsSent,
        };
        let mut timeline = Timeline::default();
        let mut at = from;
        for moment in Moment::ALL {
            // No night hands a console over.
            let shown = moment != Moment::HandedBack && (moment <= last || moment >= Moment::OnHook);
            at += match moment {
                Moment::Taken | Moment::HandedBack => 0,
                Moment::Ready | Moment::Dialed | Moment::Verified | Moment::Released => 20,
                Moment::DigitsSent => 900 + self.dice.u64(0..300),
                Moment::Ringing | Moment::Answered => 2_500 + self.dice.u64(0..5_000),
                Moment::Carrier => 7_000 + self.dice.u64(0..3_000) * (1 + self.dice.u64(0..20) / 19 * 6),
                Moment::Connected | Moment::LoggedIn => 900 + self.dice.u64(0..900),
                Moment::Prompted | Moment::LoggedOut => 300 + self.dice.u64(0..400),
                Moment::OnHook if !matches!(fault, None | Some(Fault::SlowConnect)) => {
                    5_000 + self.dice.u64(0..40_000)
                }
                Moment::OnHook => 500 + self.dice.u64(0..200),
            } * u64::from(shown);
            if shown && !hidden(moment) && moment != Moment::HandedBack {
                timeline.observe(moment, Mono::from_millis(at));
            }
        }
        (timeline, at)
    }

    /// One modem is out twice, one is checked, fails and goes under quarantine: once all calls are over, so that no call
    /// has to be thought of.
    fn troubles(&mut self) {
        let end = self.free.iter().copied().max().unwrap_or(0);
        let last = self.modems.len() - 1;
        self.modem(end + 1_000, 0, ModemState::Out, Some(Fault::PortBusy));
        self.modem(end + 400_000, 0, ModemState::Ready, None);
        self.modem(end + 2_000, last, ModemState::Checking, None);
        let check = CheckRecord {
            modem: self.modems[last].id.clone(),
            check: CheckKind::DialTone,
            outcome: CheckOutcome::Failed,
            dialed: None,
            fault: Some(Fault::NoDialtone),
            detail: "no dial tone within 4 s".to_owned(),
            took_ms: 4_100,
            charge: None,
        };
        self.tell(end + 6_100, EventKind::BenchCheck(Box::new(check)));
        self.modem(end + 6_101, last, ModemState::Quarantined, None);
        self.tell(end + 500_000, EventKind::RunEnded { ending: Ending::Completed });
    }

    fn finish(mut self) -> Vec<Event> {
        self.events.sort_by_key(|event| event.mono);
        self.events
    }
}

fn site(n: usize) -> SiteId {
    format!("BR{:04}", n / 2).parse().expect("a name")
}

/// Which of the rates is usual on a line.
fn usual_rate(line: &Line) -> usize {
    line.id.as_str().bytes().map(usize::from).sum::<usize>() % RATES.len()
}

fn detail(fault: Option<Fault>) -> String {
    fault.map_or_else(String::new, |fault| format!("{fault}: heard nothing else within 55 s, in 2 calls"))
}

/// What is usual: five nights like this one; one line in ten failed.
fn before(line: &Line, start: Timestamp, dice: &mut fastrand::Rng) -> LineBefore {
    let failed = dice.usize(0..10) == 0;
    let spread = |middle: i64, mad: i64| Spread {
        nights: 5,
        median: middle,
        mad,
        least: middle - 3 * mad,
        most: middle + 4 * mad,
    };
    let rate = i64::from(RATES[usual_rate(line)]);
    let family = FamilyUsual {
        connect_bps: Some(spread(rate, 1_200)),
        train_ms: Some(spread(8_500, 400)),
        ..FamilyUsual::default()
    };
    LineBefore {
        line: line.id.clone(),
        tested: Some(TestedBefore {
            run: "20261120T020000Z-nightly".parse().expect("a run's id"),
            at: start - SignedDuration::from_hours(24),
            fault: failed.then_some(Fault::NoAnswer),
            since: start - SignedDuration::from_hours(24 * 5),
            runs: 5,
        }),
        untested_runs: 0,
        untested_by_choice: 0,
        changes: 0,
        usual: Some(Usual {
            dialed_to_connect_ms: Some(spread(21_000, 900)),
            families: FAMILIES.map(|name| (name.to_owned(), family.clone())).into(),
        }),
    }
}
