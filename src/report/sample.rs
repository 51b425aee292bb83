//! A small run with a bit of everything, told as its events: what `reports/samples/` is rendered from.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::before::TestedBefore;
use crate::model::event::{
    CredentialState, EVENT_FORMAT, Ending, Hangup, LineVerdict, ModemHeader, ModemState, RunHeader, Sitting,
};
use crate::model::usual::{FamilyUsual, Spread, Usual};
use crate::model::{
    CallId, CallRecord, CallSetup, Charge, Coordinates, Diagnostics, Event, EventKind, FailureCost, Fault,
    Line, LineBefore, Link, Micros, Moment, Mono, NumberClass, SiteId, Termination, Timeline,
};

use Moment::{
    Answered, Carrier, Connected, Dialed, DigitsSent, LoggedIn, LoggedOut, OnHook, Prompted, Ready, Released,
    Ringing, Taken, Verified,
};

/// Where a run's story is put together; the events may be told in any order.
pub(crate) struct Story {
    events: Vec<Event>,
}

pub(crate) fn start() -> Timestamp {
    "2026-11-21T02:00:00.125Z".parse().unwrap()
}

pub(crate) fn event(ms: u64, kind: EventKind) -> Event {
    let at = start() + SignedDuration::from_millis(i64::try_from(ms).unwrap());
    Event { at, mono: Mono::from_millis(ms), kind }
}

/// The line whose number may not be dialed.
const SCREENED: u32 = 8;

pub(crate) fn line(n: u32) -> Line {
    Line {
        id: format!("BR{n:04}-A").parse().unwrap(),
        site: format!("BR{n:04}").parse().unwrap(),
        number: if n == SCREENED { "+19005550108".into() } else { format!("+1919555{:04}", 100 + n) }
            .parse()
            .unwrap(),
        hostname: Some(format!("br{n:04}-rtr1").parse().unwrap()),
        facets: crate::model::Facets::default(),
    }
}

pub(crate) fn modem(n: u32, profile: &str) -> ModemHeader {
    ModemHeader {
        id: format!("m{n:02}").parse().unwrap(),
        port: format!("/dev/serial/by-path/pci-0000:00:14.0-usb-0:{}:1.0", n + 1),
        profile: profile.into(),
        trunk: (n > 0).then(|| "pstn".parse().unwrap()),
    }
}

pub(crate) fn header(lines: Vec<Line>, modems: Vec<ModemHeader>) -> EventKind {
    EventKind::RunStarted(Box::new(RunHeader {
        format: EVENT_FORMAT,
        run: "20261121T020000Z-nightly".parse().unwrap(),
        plan: "nightly".parse().unwrap(),
        plan_path: Some("dialplans/nightly.yaml".into()),
        bank: "hq".parse().unwrap(),
        seed: 42,
        currency: Some("USD".into()),
        sites: BTreeMap::new(),
        lines,
        modems,
        sitting: Sitting { lineman: "0.1.0".into(), origin_us: 86_400_000_000 },
    }))
}

pub(crate) fn call_id(n: u32, attempt: u32) -> CallId {
    CallId::new(&line(n).id, attempt)
}

/// What the samples' tariff takes: 0.0002 USD a second from the answer on, and all that may have been one.
fn charge(record: &CallRecord) -> Option<Charge> {
    let free = record.failure_cost() == Some(FailureCost::Free);
    let billed_s = match record.timeline.get(Dialed) {
        Some(dialed) if !free => {
            let answered = record.timeline.get(Answered);
            let from = answered.map_or(dialed.at, |answered| answered.at.before(answered.half_width));
            let end = record.timeline.get(OnHook).or(record.timeline.get(Released))?;
            u32::try_from(end.at.since(from).as_millis().div_ceil(1000)).unwrap()
        }
        _ => 0,
    };
    let cost = Some(Micros(200).times(billed_s.into()));
    Some(Charge { class: NumberClass::National, billed_s, cost })
}

impl Story {
    pub(crate) fn new(header: EventKind) -> Self {
        Self { events: vec![event(0, header)] }
    }

    pub(crate) fn tell(&mut self, ms: u64, kind: EventKind) {
        self.events.push(event(ms, kind));
    }

    pub(crate) fn modem(&mut self, ms: u64, n: u32, state: ModemState, fault: Option<Fault>, detail: &str) {
        self.tell(
            ms,
            EventKind::Modem { modem: modem(n, "").id, state, fault, detail: detail.into(), until: None },
        );
    }

    /// A call of line `n` with its marks in ms after its start, the last of which ends it.
    pub(crate) fn call(
        &mut self,
        start_ms: u64,
        (n, attempt, on): (u32, u32, u32),
        marks: &[(Moment, u64)],
        more: impl FnOnce(&mut CallRecord),
    ) {
        let (line, modem) = (line(n), modem(on, "").id);
        let (call, dialed) = (call_id(n, attempt), format!("9,{}", &line.number.as_str()[1..]));
        let started = EventKind::CallStarted {
            call: call.clone(),
            line: line.id.clone(),
            modem: modem.clone(),
            attempt,
            dialed: dialed.clone(),
            via: None,
        };
        self.tell(start_ms, started);
        let mut timeline = Timeline::default();
        for &(moment, ms) in marks {
            // This modem hides the answer: it lies within a cadence of 6 s, and is told at the end.
            if moment == Answered && on == 0 {
                timeline.bound(
                    moment,
                    Mono::from_millis(start_ms + ms - 3000),
                    Mono::from_millis(start_ms + ms + 3000),
                );
                continue;
            }
            timeline.observe(moment, Mono::from_millis(start_ms + ms));
            self.tell(start_ms + ms, EventKind::CallMoment { call: call.clone(), moment, was: None });
        }
        let end_ms = start_ms + marks.last().map_or(0, |(_, ms)| *ms);
        let mut record = CallRecord {
            call,
            line: line.id,
            modem,
            attempt,
            dialed,
            via: None,
            started: event(start_ms, EventKind::Notice { text: String::new() }).at,
            finished: event(end_ms, EventKind::Notice { text: String::new() }).at,
            timeline,
            rings: None,
            fault: None,
            detail: String::new(),
            cut_short_ms: None,
            link: Link::default(),
            diagnostics: None,
            hostname: None,
            consoles: Vec::new(),
            charge: None,
            hangup: Hangup::Proven,
            unknown: Vec::new(),
            transcript: None,
        };
        more(&mut record);
        record.charge = charge(&record);
        self.tell(end_ms, EventKind::CallEnded(Box::new(record)));
    }

    pub(crate) fn judge(
        &mut self,
        ms: u64,
        n: u32,
        attempts: u32,
        by: Option<u32>,
        fault: Option<Fault>,
        detail: &str,
    ) {
        self.tell(
            ms,
            EventKind::Verdict(LineVerdict {
                line: line(n).id,
                fault,
                detail: detail.into(),
                call: by.map(|attempt| call_id(n, attempt)),
                attempts,
            }),
        );
    }

    /// In the order of time; what was told first stays first.
    pub(crate) fn events(mut self) -> Vec<Event> {
        self.events.sort_by_key(|event| event.mono);
        self.events
    }
}

/// As a Courier tells it.
fn told(record: &mut CallRecord) {
    record.diagnostics = Some(Box::new(Diagnostics {
        termination: Some(Termination::Remote),
        disconnect_cause: Some("DISC Received".into()),
        tx_level_dbm: Some(-16),
        rx_level_dbm: Some(-23),
        snr_db: Some(30),
        retrains: Some(0),
        rate_shifts: Some(1),
        block_errors: Some(2),
        round_trip_ms: Some(3),
        more: [("equalization".into(), "Long".into()), ("near-echo-loss".into(), "31".into())].into(),
        ..Diagnostics::default()
    }));
}

fn v34(record: &mut CallRecord) {
    record.link = Link {
        modulation: Some("V.34".into()),
        tx_bps: Some(31_200),
        rx_bps: Some(33_600),
        protocol: Some("LAPM".into()),
        compression: Some("V.42bis".into()),
    };
}

/// The whole way, as a modem that shows it all tells it.
const WHOLE: [(Moment, u64); 13] = [
    (Taken, 0),
    (Ready, 61),
    (Dialed, 64),
    (Ringing, 4_120),
    (Answered, 10_150),
    (Carrier, 19_870),
    (Connected, 21_040),
    (Prompted, 21_512),
    (LoggedIn, 22_698),
    (Verified, 22_710),
    (LoggedOut, 23_377),
    (OnHook, 23_912),
    (Released, 23_915),
];

fn passed(record: &mut CallRecord) {
    v34(record);
    told(record);
    record.rings = Some(1);
    record.hostname = Some(record.line.as_str().to_lowercase().replace("-a", "-rtr1"));
}

/// What earlier nights found: of each change there is one. Lines 2 and 10 are new, and 14 is gone.
fn before() -> Vec<LineBefore> {
    let retrained = Some(Fault::SlowTrain);
    [
        (1, Some((None, 12)), 0, 0),
        (3, Some((None, 30)), 0, 1),
        (4, Some((Some(Fault::Busy), 5)), 0, 1),
        (5, Some((Some(Fault::NoAnswer), 2)), 0, 1),
        (6, Some((None, 41)), 0, 0),
        (7, Some((None, 1)), 0, 5),
        (SCREENED, None, 8, 0),
        (9, Some((Some(Fault::NoAnswer), 3)), 1, 1),
        (11, Some((None, 12)), 0, 0),
        (12, Some((retrained, 2)), 0, 0),
        (13, Some((None, 7)), 0, 2),
        (14, Some((None, 90)), 0, 0),
    ]
    .map(|(n, tested, untested_runs, changes)| LineBefore {
        line: line(n).id,
        tested: tested.map(|(fault, runs)| TestedBefore {
            run: "20261120T020000Z-nightly".parse().unwrap(),
            at: start() - SignedDuration::from_hours(24),
            fault,
            since: start() - SignedDuration::from_hours(24 * i64::from(runs)),
            runs,
        }),
        untested_runs,
        untested_by_choice: 0,
        changes,
        usual: usual(n),
    })
    .into()
}

/// What is usual on a line: told of some that passed on most nights, called from Couriers.
fn usual(n: u32) -> Option<Usual> {
    let (to_connect, rate) = match n {
        1 => ([20_800, 21_100, 20_950, 21_400, 20_990], 31_200),
        7 => ([22_100, 21_900, 22_300, 22_000, 24_800], 31_200),
        9 => ([19_300, 19_250, 19_800, 19_410, 19_300], 33_600),
        13 => ([26_900, 27_300, 27_100, 27_000, 27_200], 28_800),
        _ => return None,
    };
    let family = FamilyUsual { connect_bps: Spread::of(&[rate; 5]), ..FamilyUsual::default() };
    Some(Usual {
        dialed_to_connect_ms: Spread::of(&to_connect),
        families: [("courier".to_owned(), family)].into(),
    })
}

/// Where the branches are, in thousandths of a degree; of the last one the plan does not say it.
const PLACES: [(i32, i32); 12] = [
    (35_780, -78_639),
    (36_073, -79_792),
    (35_227, -80_843),
    (37_541, -77_436),
    (38_907, -77_037),
    (33_749, -84_388),
    (32_081, -81_091),
    (30_332, -81_656),
    (25_762, -80_192),
    (36_163, -86_782),
    (41_878, -87_630),
    (40_713, -74_006),
];

fn sites() -> BTreeMap<SiteId, Coordinates> {
    let place = |(n, (latitude, longitude)): (u32, (i32, i32))| {
        (line(n).site, Coordinates { latitude_udeg: latitude * 1000, longitude_udeg: longitude * 1000 })
    };
    (1..).zip(PLACES).map(place).collect()
}

/// The night of the samples.
pub(crate) fn night() -> Vec<Event> {
    let mut modems = vec![modem(0, "courier"), modem(1, "auto"), modem(2, "generic"), modem(3, "courier")];
    modems[3].port = "/dev/ttyS0".into();
    let mut header = header((1..=13).map(line).collect(), modems);
    if let EventKind::RunStarted(header) = &mut header {
        header.sites = sites();
    }
    let mut night = Story::new(header);
    night.tell(1, EventKind::LinesBefore { lines: before() });
    for n in [0, 2] {
        night.modem(30 + u64::from(n), n, ModemState::Ready, None, "");
    }
    night.modem(70, 1, ModemState::Identified, None, "rockwell-conexant RC336ACi V1.100");
    night.modem(71, 1, ModemState::Ready, None, "");
    let owner = "held by `minicom` (process 4711)";
    night.modem(72, 3, ModemState::Out, Some(Fault::PortBusy), owner);

    night.call(100, (1, 1, 0), &WHOLE, passed);
    night.tell(
        22_900,
        EventKind::Credential {
            credential: "oob".parse().unwrap(),
            state: CredentialState::Proven,
            detail: "accepted by BR0001-A".into(),
        },
    );
    night.judge(24_020, 1, 1, Some(1), None, "");

    let quiet = [(Taken, 0), (Ready, 40), (Dialed, 41), (Connected, 27_300), (Prompted, 27_900)];
    let quiet_rest =
        [(LoggedIn, 29_050), (Verified, 29_062), (LoggedOut, 29_800), (OnHook, 31_950), (Released, 31_951)];
    let quiet: Vec<_> = quiet.into_iter().chain(quiet_rest).collect();
    night.call(110, (2, 1, 2), &quiet, |record| record.hostname = Some("br0002-rtr1".into()));
    night.judge(32_070, 2, 1, Some(1), None, "");

    let busy = [(Taken, 0), (Ready, 44), (Dialed, 46), (OnHook, 6_800), (Released, 6_801)];
    let is_busy = |record: &mut CallRecord| {
        record.fault = Some(Fault::Busy);
        record.detail = "BUSY 6.7 s after the dial command".into();
    };
    night.call(120, (3, 1, 1), &busy, is_busy);
    let wait = EventKind::LineWaits {
        line: line(3).id,
        until: Some(start() + SignedDuration::from_secs(187)),
        reason: crate::model::event::WaitReason::Pause,
        why: "busy, again in 180 s".into(),
    };
    night.tell(6_950, wait);
    night.call(187_000, (3, 2, 2), &quiet, |record| record.hostname = Some("br0003-rtr1".into()));
    night.judge(218_960, 3, 2, Some(2), Some(Fault::NeededRetry), "busy at first, passed at call 2");

    night.call(25_000, (4, 1, 0), &busy, is_busy);
    night.call(212_000, (4, 2, 0), &busy, is_busy);
    night.judge(218_900, 4, 2, Some(2), Some(Fault::Busy), "busy in 2 calls, 187 s apart");

    let wrong = [
        (Taken, 0),
        (Ready, 60),
        (Dialed, 63),
        (Ringing, 4_000),
        (Answered, 10_000),
        (Carrier, 19_000),
        (Connected, 20_100),
        (Prompted, 20_800),
        (OnHook, 21_900),
        (Released, 21_902),
    ];
    let is_wrong = |record: &mut CallRecord| {
        v34(record);
        record.rings = Some(2);
        record.fault = Some(Fault::WrongConsole);
        record.detail = "expected `br0005-rtr1`, the login prompt says `br0050-rtr1`".into();
        record.hostname = Some("br0050-rtr1".into());
        record.transcript = Some("\r\nUnauthorized use is prohibited.\r\n\r\nbr0050-rtr1 login: ".into());
    };
    night.call(33_000, (5, 1, 0), &wrong, is_wrong);
    night.call(56_000, (5, 2, 2), &wrong[..], is_wrong);
    night.judge(
        78_000,
        5,
        2,
        Some(2),
        Some(Fault::WrongConsole),
        "expected `br0005-rtr1`, the login prompt says `br0050-rtr1`",
    );

    let voice =
        [(Taken, 0), (Ready, 61), (Dialed, 63), (Ringing, 4_300), (OnHook, 13_200), (Released, 13_201)];
    night.call(56_500, (6, 1, 0), &voice, |record| {
        record.fault = Some(Fault::Voice);
        record.detail = "VOICE after 2 rings".into();
        record.rings = Some(2);
    });
    night.judge(69_800, 6, 1, Some(1), Some(Fault::Voice), "VOICE after 2 rings");

    let mut refused = WHOLE.to_vec();
    refused.retain(|(moment, _)| !matches!(moment, LoggedIn | Verified | LoggedOut));
    night.call(71_000, (7, 1, 0), &refused, |record| {
        v34(record);
        record.rings = Some(1);
        record.fault = Some(Fault::LoginRefused);
        record.detail = "`% Login invalid` after the password".into();
        record.hostname = Some("br0007-rtr1".into());
        record.transcript = Some(
            "br0007-rtr1 line 2\r\n\r\nUser Access Verification\r\n\r\nUsername: oob\r\nPassword: \r\n% Login invalid\r\n\r\nUsername: ".into(),
        );
    });
    night.judge(95_000, 7, 1, Some(1), Some(Fault::LoginRefused), "`% Login invalid` after the password");

    night.judge(75, SCREENED, 0, None, Some(Fault::Screened), "`9,19005550108` is a premium number (US)");

    let lost = [(Taken, 0), (Ready, 44), (Dialed, 46), (Released, 5_040)];
    night.call(8_000, (9, 1, 1), &lost, |record| {
        record.fault = Some(Fault::PortLost);
        record.detail = "the port vanished 5.0 s after the dial command".into();
        record.hangup = Hangup::Unproven;
    });
    night.modem(13_041, 1, ModemState::HangupUnproven, None, "the port vanished during call BR0009-A.1");
    night.modem(13_042, 1, ModemState::Out, Some(Fault::PortLost), "tried again in 30 s");
    night.modem(43_100, 1, ModemState::Ready, None, "");
    night.call(96_000, (9, 2, 0), &WHOLE, passed);
    night.judge(119_920, 9, 2, Some(2), None, "");

    let mut open = WHOLE.to_vec();
    open.retain(|(moment, _)| !matches!(moment, LoggedIn | Verified));
    night.call(121_000, (10, 1, 0), &open, |record| {
        v34(record);
        record.rings = Some(1);
        record.fault = Some(Fault::OpenConsole);
        record.detail = "=== WELCOME === br0010-rtr1# stood open".into();
        record.hostname = Some("br0010-rtr1".into());
        record.transcript = Some("=== WELCOME ===\n\u{1b}[1mbr0010-rtr1#\u{1b}[0m exit\n".into());
    });
    night.judge(145_000, 10, 1, Some(1), Some(Fault::OpenConsole), "=== WELCOME === br0010-rtr1# stood open");

    let untrained = [
        (Taken, 0),
        (Ready, 44),
        (Dialed, 46),
        (DigitsSent, 1_610),
        (Answered, 8_000),
        (OnHook, 52_000),
        (Released, 52_001),
    ];
    for (start_ms, n, attempt) in [(44_000, 11, 1), (97_000, 12, 1), (149_500, 11, 2)] {
        night.call(start_ms, (n, attempt, 1), &untrained, |record| {
            record.fault = Some(Fault::NoCarrier);
            record.detail =
                "NO CARRIER 44 s after the answer; #UD: answer tone was heard, and training failed".into();
            record.diagnostics = Some(Box::new(Diagnostics {
                termination: Some(Termination::TrainingFailed),
                disconnect_cause: Some("#UD 60=3D (training failed)".into()),
                call_setup: Some(CallSetup::AnswerTone),
                s86: Some(0),
                rx_level_dbm: Some(-31),
                tx_level_dbm: Some(-12),
                line_quality: Some(38),
                ..Diagnostics::default()
            }));
        });
    }
    let detail = "NO CARRIER 44 s after the answer, in 2 calls";
    night.judge(201_600, 11, 2, Some(2), Some(Fault::NoCarrier), detail);
    night.call(150_000, (12, 2, 0), &WHOLE, passed);
    night.judge(173_990, 12, 2, Some(2), Some(Fault::NeededRetry), "no carrier at first, passed at call 2");
    let why = "m01 trained with neither of 2 lines, and m00 did";
    night.modem(203_000, 1, ModemState::Quarantined, None, why);
    night.tell(203_001, EventKind::VerdictWithdrawn { line: line(11).id, why: why.into() });
    night.call(270_000, (11, 3, 0), &WHOLE, passed);
    night.judge(293_990, 11, 3, Some(3), None, "");

    let mute =
        [(Taken, 0), (Ready, 40), (Dialed, 42), (Connected, 26_000), (OnHook, 50_100), (Released, 50_101)];
    let is_mute = |record: &mut CallRecord| {
        record.fault = Some(Fault::ConsoleSilent);
        record.detail = "not one character in 20 s, woken 3 times".into();
    };
    night.call(79_000, (13, 1, 2), &mute, is_mute);
    night.call(219_500, (13, 2, 0), &mute, is_mute);
    night.judge(
        269_700,
        13,
        2,
        Some(2),
        Some(Fault::ConsoleSilent),
        "not one character in 20 s, woken 3 times",
    );
    night.tell(
        294_000,
        EventKind::Notice { text: "m03 stayed busy: `minicom` (process 4711) held its port".into() },
    );
    night.tell(294_010, EventKind::RunEnded { ending: Ending::Completed });
    night.events()
}
