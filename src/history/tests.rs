mod nights;
mod troubles;

use std::fmt::Write as _;

use jiff::Timestamp;

use super::night::{LineNight, ModemNight};
use super::{Night, Series, Store, Taken, Waits};
use crate::model::event::{EVENT_FORMAT, Ending, LineVerdict, ModemHeader, RunHeader, Sitting};
use crate::model::{
    BankName, CallId, CallRecord, Fault, Line, LineBefore, LineId, Moment, Mono, PhoneNumber, PlanName,
    RunId, Timeline, Verdict,
};

/// The night of the n-th day at two o'clock.
const NIGHT_S: i64 = 86_400;
const FIRST_S: i64 = 1_790_000_000;

/// A run to be taken in.
#[derive(Clone)]
struct Run {
    header: RunHeader,
    started: Timestamp,
    ended: Option<Ending>,
    found: Vec<Found>,
    bytes: u64,
    quarantined: bool,
}

/// What was found of one line.
#[derive(Clone)]
struct Found {
    verdict: Option<LineVerdict>,
    calls: Vec<CallRecord>,
    doubted: bool,
}

fn plan() -> PlanName {
    "nightly".parse().unwrap()
}

fn bank() -> BankName {
    "hq".parse().unwrap()
}

fn line_id(n: usize) -> LineId {
    format!("BR{n:04}-A").parse().unwrap()
}

fn line(n: usize) -> Line {
    Line {
        id: line_id(n),
        site: format!("BR{n:04}").parse().unwrap(),
        number: format!("+1919555{n:04}").parse().unwrap(),
        hostname: None,
        facets: crate::model::Facets::default(),
    }
}

fn second(s: i64) -> Timestamp {
    Timestamp::from_second(s).unwrap()
}

impl Run {
    /// The run of the n-th night over so many lines, none of them judged yet.
    fn of(night: i64, lines: usize) -> Self {
        let started = second(FIRST_S + night * NIGHT_S);
        let header = RunHeader {
            format: EVENT_FORMAT,
            run: RunId::new(started, &plan()),
            plan: plan(),
            plan_path: None,
            bank: bank(),
            seed: 1,
            currency: None,
            sites: std::collections::BTreeMap::new(),
            lines: (0..lines).map(line).collect(),
            modems: vec![ModemHeader {
                id: "m00".parse().unwrap(),
                port: "/dev/ttyS0".to_owned(),
                profile: "courier".to_owned(),
                trunk: Some("pstn".parse().unwrap()),
            }],
            sitting: Sitting { lineman: "0.1.0".to_owned(), origin_us: 0 },
        };
        let found = vec![Found { verdict: None, calls: Vec::new(), doubted: false }; lines];
        Self { header, started, ended: Some(Ending::Completed), found, bytes: 1000, quarantined: false }
    }

    /// One more call to a line, so long after the start.
    fn call(&mut self, n: usize, after_s: i64, fault: Option<Fault>) -> &mut CallRecord {
        let attempt = u32::try_from(self.found[n].calls.len()).unwrap() + 1;
        let started = second(self.started.as_second() + after_s);
        let mut timeline = Timeline::default();
        timeline.observe(Moment::Taken, Mono::ZERO);
        timeline.observe(Moment::Dialed, Mono::from_millis(100));
        if matches!(Verdict::of(fault), Verdict::Pass | Verdict::Degraded) {
            timeline.observe(Moment::Answered, Mono::from_millis(8_100));
            timeline.observe(Moment::Carrier, Mono::from_millis(18_100));
            timeline.observe(Moment::Connected, Mono::from_millis(19_100));
        }
        timeline.observe(Moment::OnHook, Mono::from_millis(29_000));
        timeline.observe(Moment::Released, Mono::from_millis(30_000));
        self.found[n].calls.push(CallRecord {
            call: CallId::new(&line_id(n), attempt),
            line: line_id(n),
            attempt,
            started,
            finished: second(started.as_second() + 30),
            timeline,
            fault,
            ..CallRecord::sample()
        });
        self.found[n].calls.last_mut().unwrap()
    }

    /// A line's verdict, by its last call if it has one.
    fn judge(&mut self, n: usize, fault: Option<Fault>) {
        let calls = &self.found[n].calls;
        self.found[n].verdict = Some(LineVerdict {
            line: line_id(n),
            fault,
            detail: fault.map(|fault| format!("{fault}, it was found")).unwrap_or_default(),
            call: calls.last().map(|record| record.call.clone()),
            attempts: u32::try_from(calls.len()).unwrap(),
        });
    }

    /// A call and the verdict that it makes.
    fn tested(&mut self, n: usize, fault: Option<Fault>) {
        self.call(n, 60 * i64::try_from(n).unwrap(), fault);
        self.judge(n, fault);
    }

    fn taken_by(&self, store: &mut Store) -> Taken {
        let lines = self.header.lines.iter().zip(&self.found).map(|(line, found)| LineNight {
            line,
            verdict: found.verdict.as_ref(),
            calls: &found.calls,
            doubted: found.doubted,
        });
        let modem = &self.header.modems[0];
        let modem = ModemNight {
            id: &modem.id,
            family: &modem.profile,
            trunk: modem.trunk.as_ref(),
            health: "good",
            state: Some("ready"),
            quarantined: self.quarantined,
            bench_faults: 0,
            hangup_unproven: 0,
            times_out: 0,
            checks: 0,
            checks_failed: 0,
            on_line_ms: 29_000,
            last_fault: None,
            detail: "",
        };
        let night = Night {
            header: &self.header,
            started: self.started,
            ended: self.ended.map(|ending| (ending, second(self.started.as_second() + 3_600))),
            sittings: 1,
            journal_bytes: self.bytes,
            lines: lines.collect(),
            modems: vec![modem],
        };
        store.ingest(&night).unwrap()
    }
}

/// A history in a folder of its own.
fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::write(&folder.path().join("history.db"), Waits::Briefly).unwrap();
    (folder, store)
}

fn before(store: &Store, lines: usize) -> Vec<LineBefore> {
    let lines: Vec<Line> = (0..lines).map(line).collect();
    store.lines_before(Series { plan: &plan(), bank: &bank(), except: None }, &lines).unwrap()
}

fn number_of(store: &Store, sql: &str) -> i64 {
    store.connection().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// All that is in the database, as text.
fn dump(store: &Store) -> String {
    let tables = ["run", "verdict", "call", "bench", "spell", "line"];
    let mut text = String::new();
    for table in tables {
        let mut all = store.connection().prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = all.column_count();
        let mut rows = all.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells: Vec<String> =
                (0..columns).map(|at| format!("{:?}", row.get_ref(at).unwrap())).collect();
            writeln!(text, "{table}: {}", cells.join(" ")).unwrap();
        }
    }
    text
}

#[test]
fn a_run_is_taken_in_once_with_all_that_it_found() {
    let (_folder, mut store) = store();
    let mut run = Run::of(0, 3);
    run.call(0, 10, Some(Fault::Busy));
    run.tested(0, None);
    run.tested(1, Some(Fault::NoAnswer));
    run.judge(2, Some(Fault::Skipped));
    assert_eq!(run.taken_by(&mut store), Taken::New);
    let once = dump(&store);
    assert_eq!(run.taken_by(&mut store), Taken::Known);
    assert_eq!(dump(&store), once);
    assert_eq!(number_of(&store, "SELECT pass * 100 + fail * 10 + untested FROM runs"), 111);
    let row: (String, String, Option<String>, String) = store
        .connection()
        .query_row("SELECT result, fault, detail, site FROM verdicts WHERE line = 'BR0001-A'", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    let expected =
        ("fail".into(), "no-answer".into(), Some("no-answer, it was found".into()), "BR0001".into());
    assert_eq!(row, expected);
    let row: (String, i64, String, i64, String) = store
        .connection()
        .query_row(
            "SELECT fault, train_ms, family, took_ms, trunk FROM calls WHERE line = 'BR0000-A' AND attempt = 2",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
        )
        .unwrap();
    assert_eq!(row, (String::new(), 10_000, "courier".into(), 30_000, "pstn".into()));
    assert_eq!(number_of(&store, "SELECT pass * 10 + fail FROM modems"), 12);
    assert_eq!(number_of(&store, "SELECT count(*) FROM verdict WHERE detail IS NOT NULL"), 1);
}

#[test]
fn a_run_of_which_more_is_known_takes_its_own_place() {
    let (_folder, mut store) = store();
    let mut run = Run::of(0, 2);
    run.ended = None;
    run.tested(0, Some(Fault::Busy));
    run.taken_by(&mut store);
    Run::of(1, 2).taken_by(&mut store);
    assert_eq!(number_of(&store, "SELECT count(*) FROM verdict WHERE fault IS NULL"), 3);
    // It is resumed: the second line is judged, and the first one's verdict was taken back meanwhile.
    run.ended = Some(Ending::Completed);
    run.bytes += 1;
    run.tested(0, None);
    run.tested(1, None);
    assert_eq!(run.taken_by(&mut store), Taken::Renewed);
    assert_eq!(number_of(&store, "SELECT count(*) FROM run"), 2);
    assert_eq!(number_of(&store, "SELECT count(*) FROM call"), 3);
    let before = before(&store, 2);
    assert!(before.iter().all(|line| line.tested.as_ref().is_some_and(|tested| tested.fault.is_none())));
}

#[test]
fn two_runs_of_one_second_have_keys_of_their_own() {
    let (_folder, mut store) = store();
    let (mut a, mut b) = (Run::of(0, 1), Run::of(0, 1));
    a.tested(0, None);
    b.tested(0, Some(Fault::Busy));
    b.header.run = b.header.run.nth(2);
    a.taken_by(&mut store);
    b.taken_by(&mut store);
    // Another host's, whose run has the same name.
    let mut other = a.clone();
    other.header.bank = "branch".parse().unwrap();
    assert_eq!(other.taken_by(&mut store), Taken::New);
    assert_eq!(number_of(&store, "SELECT count(DISTINCT run) FROM run"), 3);
    assert_eq!(before(&store, 1)[0].tested.as_ref().unwrap().run, b.header.run);
}

#[test]
fn a_line_whose_number_has_changed_is_another_line_and_facets_are_those_of_each_run() {
    let (_folder, mut store) = store();
    let mut run = Run::of(0, 1);
    run.tested(0, Some(Fault::Busy));
    run.taken_by(&mut store);
    let mut run = Run::of(1, 1);
    run.header.lines[0].facets.tags = vec!["core".into(), "east".into()];
    run.tested(0, Some(Fault::Busy));
    run.taken_by(&mut store);
    assert_eq!(before(&store, 1)[0].tested.as_ref().unwrap().runs, 2);
    assert_eq!(number_of(&store, "SELECT count(*) FROM verdicts WHERE tags = 'core,east'"), 1);
    let moved = Line { number: "+12125550199".parse().unwrap(), ..line(0) };
    let series = Series { plan: &plan(), bank: &bank(), except: None };
    assert_eq!(store.lines_before(series, [&moved]).unwrap(), []);
    assert!(store.recall(series, [&moved]).unwrap().is_empty());
}

#[test]
fn a_voice_holds_its_number_until_a_modem_answers_or_somebody_confirms_it() {
    let (_folder, mut store) = store();
    let held = |store: &Store| -> Vec<String> {
        store.voice_holds(&bank()).unwrap().keys().map(PhoneNumber::to_string).collect()
    };
    let mut run = Run::of(0, 4);
    (0..3).for_each(|n| run.tested(n, Some(Fault::Voice)));
    // The other way to it is somebody's, and its own number is not.
    let other: PhoneNumber = "+12125550100".parse().unwrap();
    let via = crate::model::event::Via { number: Some(other.clone()), carrier: None };
    run.call(3, 0, Some(Fault::Voice)).via = Some(via);
    run.tested(3, None);
    run.found[2].doubted = true;
    run.found[2].verdict.as_mut().unwrap().fault = Some(Fault::NoAnswer);
    run.call(2, 300, Some(Fault::NoAnswer));
    run.judge(2, Some(Fault::NoAnswer));
    run.taken_by(&mut store);
    assert_eq!(held(&store), ["+12125550100", "+19195550000", "+19195550001"]);
    let hold = &store.voice_holds(&bank()).unwrap()[&line(1).number];
    assert_eq!((hold.line.as_str(), hold.run.as_str()), ("BR0001-A", run.header.run.as_str()));
    assert_eq!(hold.at, second(FIRST_S + 90));
    assert!(
        store.voice_holds(&"branch".parse().unwrap()).unwrap().is_empty(),
        "it was not called from there"
    );

    store.confirm_number(&bank(), &line(0).number, second(FIRST_S + 3_600)).unwrap();
    let mut run = Run::of(1, 4);
    run.tested(1, None);
    run.taken_by(&mut store);
    assert_eq!(held(&store), ["+12125550100"]);
    // Confirmed or not: a voice that is heard later is heard.
    let mut run = Run::of(2, 4);
    run.tested(0, Some(Fault::Voice));
    run.taken_by(&mut store);
    assert_eq!(held(&store), ["+12125550100", "+19195550000"]);
    let mut run = Run::of(3, 4);
    run.quarantined = true;
    run.call(1, 0, Some(Fault::Voice));
    run.judge(1, Some(Fault::QuarantinedBench));
    run.found[1].verdict.as_mut().unwrap().call = None;
    run.taken_by(&mut store);
    assert_eq!(held(&store), ["+12125550100", "+19195550000"], "a modem under quarantine proves nothing");
}

#[test]
fn the_page_for_people_names_every_column_of_every_view() {
    let page = include_str!("../../reports/SCHEMA.md").split("## history.db").nth(1).unwrap();
    let (_folder, store) = store();
    for view in ["runs", "verdicts", "calls", "modems"] {
        let row = page.lines().find(|row| row.starts_with(&format!("| `{view}` |"))).unwrap();
        let all = store.connection().prepare(&format!("SELECT * FROM {view}")).unwrap();
        let told: std::collections::BTreeSet<&str> =
            row.rsplit('|').nth(1).unwrap().split('`').skip(1).step_by(2).collect();
        assert_eq!(all.column_names().collect::<std::collections::BTreeSet<_>>(), told, "{view}");
    }
}
