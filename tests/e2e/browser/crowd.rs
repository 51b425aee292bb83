//! A night of as many lines as are wanted, told as its events: what the page of a great bank is made of. Drawn without
//! dice, so that it is the same every time.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use lineman::model::before::TestedBefore;
use lineman::model::event::{
    EVENT_FORMAT, Ending, Hangup, LineVerdict, ModemHeader, ModemState, RunHeader, Sitting,
};
use lineman::model::{
    CallId, CallRecord, Coordinates, Event, EventKind, Fault, Line, LineBefore, Link, Moment, Mono, Timeline,
};

/// Faults of lines, in turn.
const FAULTS: [Fault; 8] = [
    Fault::Busy,
    Fault::NoAnswer,
    Fault::NoCarrier,
    Fault::ConsoleSilent,
    Fault::WrongConsole,
    Fault::LoginRefused,
    Fault::SlowConnect,
    Fault::Voice,
];

/// Writes the journal of such a night into a folder, and hands the folder back.
pub(crate) fn journal(folder: &Path, lines: u32, modems: u32) -> PathBuf {
    let text: Vec<String> = night(lines, modems)
        .iter()
        .map(|event| serde_json::to_string(event).expect("an event is JSON"))
        .collect();
    fs::create_dir_all(folder).expect("the folder can be made");
    fs::write(folder.join("events.jsonl"), text.join("\n") + "\n").expect("the journal can be written");
    folder.to_owned()
}

fn start() -> Timestamp {
    "2026-11-21T02:00:00Z".parse().expect("an instant")
}

fn event(ms: u64, kind: EventKind) -> Event {
    let at = start() + SignedDuration::from_millis(i64::try_from(ms).expect("ms of one night"));
    Event { at, mono: Mono::from_millis(ms), kind }
}

fn line(n: u32) -> Line {
    Line {
        id: format!("BR{n:04}-A").parse().expect("a name"),
        site: format!("BR{:04}", n / 2).parse().expect("a name"),
        number: format!("+1919{:07}", 5_550_000 + n).parse().expect("a number"),
        hostname: Some(format!("br{n:04}-rtr1").parse().expect("a host")),
        facets: lineman::model::Facets::default(),
    }
}

/// Every seventh line is not well, in turn for all reasons.
fn fault(n: u32) -> Option<Fault> {
    n.is_multiple_of(7).then(|| FAULTS[(n / 7) as usize % FAULTS.len()])
}

/// Its events, in the order of time.
pub(crate) fn night(lines: u32, modems: u32) -> Vec<Event> {
    let modem = |n: u32| ModemHeader {
        id: format!("m{n:02}").parse().expect("a name"),
        port: format!("/dev/ttyS{n}"),
        profile: ["courier", "rockwell-conexant", "v250"][n as usize % 3].to_owned(),
        trunk: None,
    };
    let all: Vec<Line> = (0..lines).map(line).collect();
    let sites = all.iter().enumerate().map(|(n, line)| {
        let n = i32::try_from(n).expect("few lines");
        let at = Coordinates {
            latitude_udeg: 30_000_000 + n % 97 * 150_000,
            longitude_udeg: -120_000_000 + n % 89 * 500_000,
        };
        (line.site.clone(), at)
    });
    let header = RunHeader {
        format: EVENT_FORMAT,
        run: "20261121T020000Z-crowd".parse().expect("a run"),
        plan: "crowd".parse().expect("a plan"),
        plan_path: None,
        bank: "hq".parse().expect("a bank"),
        seed: 42,
        currency: None,
        sites: sites.collect(),
        lines: all.clone(),
        modems: (0..modems).map(modem).collect(),
        sitting: Sitting { lineman: "0.1.0".to_owned(), origin_us: 0 },
    };
    let mut events = vec![event(0, EventKind::RunStarted(Box::new(header)))];
    let before = all.iter().enumerate().map(|(n, line)| before(line, u32::try_from(n).expect("few lines")));
    events.push(event(1, EventKind::LinesBefore { lines: before.collect() }));
    for n in 0..modems {
        let ready = EventKind::Modem {
            modem: modem(n).id,
            state: ModemState::Ready,
            fault: None,
            detail: String::new(),
            until: None,
        };
        events.push(event(2, ready));
    }
    for n in 0..lines {
        // Each modem makes its calls one behind the other.
        let from = 1_000 + u64::from(n / modems) * 60_000;
        call(&mut events, &all[n as usize], n, modem(n % modems), from);
    }
    events.sort_by_key(|event| event.mono);
    let last = events.last().map_or(0, |event| event.mono.as_micros() / 1000);
    events.push(event(last + 10, EventKind::RunEnded { ending: Ending::Completed }));
    events
}

fn before(line: &Line, n: u32) -> LineBefore {
    LineBefore {
        line: line.id.clone(),
        tested: Some(TestedBefore {
            run: "20261120T020000Z-crowd".parse().expect("a run"),
            at: start() - SignedDuration::from_hours(24),
            // Of those that are not well, every fifth is news.
            fault: fault(n).filter(|_| !n.is_multiple_of(5)),
            since: start() - SignedDuration::from_hours(24 * 9),
            runs: 9,
        }),
        untested_runs: 0,
        untested_by_choice: 0,
        changes: 0,
        usual: None,
    }
}

fn call(events: &mut Vec<Event>, line: &Line, n: u32, modem: ModemHeader, from: u64) {
    let (id, fault) = (CallId::new(&line.id, 1), fault(n));
    let dialed = format!("9,{}", &line.number.as_str()[1..]);
    let started = EventKind::CallStarted {
        call: id.clone(),
        line: line.id.clone(),
        modem: modem.id.clone(),
        attempt: 1,
        dialed: dialed.clone(),
        via: None,
    };
    events.push(event(from, started));
    let jitter = u64::from(n * 37 % 4_000);
    let marks = [
        (Moment::Taken, 0),
        (Moment::Ready, 60),
        (Moment::Dialed, 64),
        (Moment::Ringing, 4_100),
        (Moment::Answered, 10_100 + jitter),
        (Moment::Carrier, 19_800 + jitter * 2),
        (Moment::Connected, 21_000 + jitter * 2),
        (Moment::Prompted, 21_500 + jitter * 2),
        (Moment::LoggedIn, 22_700 + jitter * 2),
        (Moment::Verified, 22_710 + jitter * 2),
        (Moment::LoggedOut, 23_400 + jitter * 2),
        (Moment::OnHook, 23_900 + jitter * 2),
        (Moment::Released, 23_910 + jitter * 2),
    ];
    let far = match fault {
        None | Some(Fault::SlowConnect) => marks.len(),
        Some(Fault::Busy | Fault::NoAnswer | Fault::Voice) => 3,
        Some(Fault::NoCarrier) => 5,
        Some(_) => 7,
    };
    let mut timeline = Timeline::default();
    let ends = [(Moment::OnHook, 24_000 + jitter * 2), (Moment::Released, 24_010 + jitter * 2)];
    let shown = marks[..far].iter().chain(if far < marks.len() { &ends[..] } else { &[] });
    for &(moment, ms) in shown {
        timeline.observe(moment, Mono::from_millis(from + ms));
    }
    let end = from + 24_100 + jitter * 2;
    let speaks = fault.is_some_and(|fault| matches!(fault, Fault::WrongConsole | Fault::LoginRefused));
    let rate = if fault == Some(Fault::SlowConnect) { 2_400 } else { 33_600 - n % 5 * 2_400 };
    let detail = fault.map_or(String::new(), |fault| format!("{fault} after {} s, in call 1", 20 + n % 40));
    events.push(event(
        end,
        EventKind::CallEnded(Box::new(CallRecord {
            call: id.clone(),
            line: line.id.clone(),
            modem: modem.id,
            attempt: 1,
            dialed,
            via: None,
            started: event(from, EventKind::Notice { text: String::new() }).at,
            finished: event(end, EventKind::Notice { text: String::new() }).at,
            timeline,
            rings: None,
            fault,
            detail: detail.clone(),
            cut_short_ms: None,
            link: Link {
                modulation: Some("V.34".to_owned()),
                tx_bps: (far > 6).then_some(rate),
                rx_bps: (far > 6).then_some(rate),
                protocol: Some("LAPM".to_owned()),
                compression: None,
            },
            diagnostics: None,
            hostname: None,
            consoles: Vec::new(),
            charge: None,
            hangup: Hangup::Proven,
            unknown: Vec::new(),
            transcript: speaks.then(|| {
                "\nUser Access Verification\n\nUsername: oob\nPassword:\n% Login invalid\n".repeat(4)
            }),
        })),
    ));
    let verdict = LineVerdict { line: line.id.clone(), fault, detail, call: Some(id), attempts: 1 };
    events.push(event(end + 1, EventKind::Verdict(verdict)));
}
