//! What modems tell of a call once it is over: it reaches the tables, tells failures apart, and costs nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use lineman::call::machine::Cancel;
use lineman::model::{CallSetup, Fault, Moment};
use lineman::report;
use lineman::sim::log::What;

use crate::stage::{Deed, Played, Stage};
use crate::verdicts::{bank_of, ios};

const ROCKWELL: &str = "profile: rockwell-conexant";

/// calls.csv as it would be written: each row by the names of its columns.
fn calls_csv(played: &Played) -> Vec<BTreeMap<String, String>> {
    let dir = tempfile::tempdir().expect("a folder");
    report::replay(&played.events, dir.path()).expect("reports");
    let mut table = csv::Reader::from_path(dir.path().join("calls.csv")).expect("a table");
    let names = table.headers().expect("a header").clone();
    let row = |row: csv::Result<csv::StringRecord>| {
        let row = row.expect("a row");
        names.iter().map(str::to_owned).zip(row.iter().map(str::to_owned)).collect()
    };
    table.records().map(row).collect()
}

#[test]
fn what_a_courier_tells_of_its_call_stands_in_calls_csv() {
    for wired in [false, true] {
        let mut stage = Stage::new(&bank_of(&["profile: courier"], 2, &[]));
        if wired {
            stage = stage.with_lines();
        }
        let played = stage.play();
        for row in calls_csv(&played) {
            assert_eq!(row["result"], "pass");
            let level = |name: &str| row[name].parse::<i32>().unwrap_or_else(|_| panic!("{name} in {row:?}"));
            assert!((-60..0).contains(&level("tx_level_dbm")) && (-60..0).contains(&level("rx_level_dbm")));
            assert!(level("snr_db") > 0 && level("round_trip_ms") > 0);
            assert_eq!((level("retrains"), level("block_errors")), (0, 0));
            assert!(!row["termination"].is_empty() && !row["disconnect_cause"].is_empty(), "{row:?}");
        }
    }
}

/// One word of the modem, three ends; what it tells afterwards parts them. Without it they stay one.
#[test]
fn no_carrier_without_ringing_is_told_apart_by_unimodems_report() {
    let mute =
        "{ profile: mute, setup: [AT&F, ATE0Q0V1X4W1, ATS7=75, ATS95=44], marks: { carrier: [line] } }";
    for (fault, told, untold) in
        [("never-trains", Fault::NoCarrier, Fault::NoConnect), ("no-ring", Fault::NoRing, Fault::NoConnect)]
    {
        for (profile, expected) in [(ROCKWELL, told), ("profile: mute", untold)] {
            let line = [("BAD", ios(&format!("fault: {fault}")))];
            let mut stage =
                Stage::new(&bank_of(&["profile: generic"; 2], 1, &line).replace("profile: generic", profile));
            stage.profiles.push(mute);
            let played = stage.play();
            let verdict = played.verdict("BAD");
            assert_eq!(verdict.fault, Some(expected), "{fault}, {profile}: {verdict:?}");
            for call in played.calls_of("BAD") {
                assert!(call.detail.starts_with("NO CARRIER"), "{}", call.detail);
                assert_eq!(call.detail.contains("; #UD: "), expected != Fault::NoConnect, "{}", call.detail);
                let heard = call.diagnostics.as_ref().and_then(|told| told.call_setup);
                let answered = (expected != Fault::NoConnect).then_some(if fault == "never-trains" {
                    CallSetup::AnswerTone
                } else {
                    CallSetup::Nothing
                });
                assert_eq!(heard, answered, "{fault}, {profile}");
            }
        }
    }
}

/// The last-connection report of a Lucent says that training failed; it is no proof of who was busy or did not answer.
#[test]
fn a_lucents_report_tells_a_failed_training_and_no_more() {
    let lines = [("TRAINS", ios("fault: never-trains")), ("SILENT", ios("fault: no-ring"))];
    let played = Stage::new(&bank_of(&["profile: lucent"; 2], 1, &lines)).play();
    let verdict = played.verdict("TRAINS");
    assert_eq!(verdict.fault, Some(Fault::NoCarrier), "{verdict:?}");
    assert!(played.calls_of("TRAINS")[0].detail.ends_with("the modem says `cause 3 (training failure)`"));
    assert_eq!(played.fault("SILENT"), Some(Fault::NoConnect), "{:?}", played.verdict("SILENT"));
}

/// A family that has no word for ringback: nobody answered, and whether it rang nobody knows.
#[test]
fn no_answer_tone_does_not_tell_whether_it_rang() {
    let line = [("BAD", ios("fault: no-ring")), ("TRAINS", ios("fault: never-trains"))];
    let mut stage = Stage::new(&bank_of(&["profile: plain"; 2], 1, &line));
    stage
        .profiles
        .push("{ profile: plain, setup: [AT&F, ATE0Q0V1X4W1, ATS7=75, ATS95=44], diagnostics: [AT#UD] }");
    let played = stage.play();
    let verdict = played.verdict("BAD");
    assert_eq!(verdict.fault, Some(Fault::NoConnect), "{verdict:?}");
    assert!(played.calls_of("BAD")[0].detail.ends_with("; #UD: neither answer tone nor busy was heard"));
    assert_eq!(played.fault("TRAINS"), Some(Fault::NoCarrier), "{:?}", played.verdict("TRAINS"));
}

/// The second call's line is dead; what the first one left in the modem is not told of it.
#[test]
fn a_report_of_an_earlier_call_is_not_told_of_a_call_that_never_got_through() {
    let line = [("BAD", ios("fault: no-ring"))];
    for modem in ["profile: courier", ROCKWELL] {
        let played = Stage::new(&bank_of(&[modem], 2, &line)).play();
        for row in calls_csv(&played) {
            let passed = row["line"] != "BAD";
            for figure in ["snr_db", "line_quality", "block_errors", "retrains"] {
                assert!(passed || row[figure].is_empty() || row[figure] == "0", "{modem}: {row:?}");
            }
        }
    }
}

#[test]
fn a_bank_that_rests_on_hook_pays_nothing_for_it() {
    let mut stage = Stage::new(&bank_of(&[ROCKWELL], 4, &[])).with_lines();
    stage.on_hook_min = Duration::from_secs(3);
    let played = stage.play();
    let mut on_hook = None;
    let mut asked = 0;
    for call in played.calls() {
        let at = |moment| call.timeline.get(moment).unwrap().at;
        let reading = at(Moment::Released).since(at(Moment::OnHook));
        assert!(reading < Duration::from_millis(500), "{reading:?}");
        asked += u32::from(reading > Duration::ZERO && call.diagnostics.is_some());
        if let Some(before) = on_hook {
            let rest = at(Moment::Dialed).since(before);
            assert!((3000..3050).contains(&rest.as_millis()), "{rest:?}: counted from on-hook");
        }
        on_hook = Some(at(Moment::OnHook));
    }
    assert_eq!(asked, 4);
}

/// A modem without a report says ERROR once, and is not asked again.
#[test]
fn what_a_modem_does_not_have_is_asked_once() {
    let mut stage = Stage::new(&bank_of(&["profile: odd"], 4, &[]));
    stage.profiles.push(
        "{ profile: odd, setup: [AT&F1, ATE0Q0V1X4&A3, ATX7], marks: { ringing: true }, diagnostics: [AT#UD, ATI6], quirks: { settle: 50ms } }",
    );
    let played = stage.play();
    assert!(played.faults().iter().all(|(_, fault)| fault.is_none()));
    let calls = played.calls();
    let reading = |index: usize| {
        let at = |moment| calls[index].timeline.get(moment).unwrap().at;
        at(Moment::Released).since(at(Moment::OnHook))
    };
    assert!(calls.iter().all(|call| call.diagnostics.is_some()));
    assert!(reading(1) < reading(0) && reading(2) == reading(1), "{:?} {:?}", reading(0), reading(1));
}

/// Between on-hook and the end of the reading a signal is obeyed like at any other time.
#[test]
fn a_signal_while_a_modem_is_asked_loses_no_verdict() {
    for how in [Cancel::LogOut, Cancel::HangUp] {
        let stage = Stage::new(&bank_of(&[ROCKWELL], 2, &[])).when(
            |kind| matches!(kind, lineman::model::EventKind::CallMoment { moment: Moment::OnHook, .. }),
            Deed::Interrupt(how),
        );
        let played = stage.play();
        let first = played.calls()[0];
        assert_eq!(first.fault, None, "{first:?}");
        assert_eq!(played.logged(What::Dialed).len(), 1);
    }
}

/// The figures of one and the same line, as each family's reports tell them; what a family does not tell stays empty.
#[test]
fn each_family_tells_the_lines_figures_as_far_as_it_knows_them() {
    let link = "link: { tx: 26400, rx: 31200, snr: 27, retrains: 2, block_errors: 4, rx_level_dbm: -31, \
                tx_level_dbm: -12, rate_shifts: 3, round_trip_ms: 45 }";
    let columns = [
        "tx_level_dbm",
        "rx_level_dbm",
        "snr_db",
        "line_quality",
        "retrains",
        "rate_shifts",
        "block_errors",
        "round_trip_ms",
    ];
    for (profile, figures) in [
        ("courier", ["-12", "-31", "27", "", "2", "3", "6", "45"]),
        ("rockwell-conexant", ["-12", "-31", "", "46", "2", "3", "6", "45"]),
        ("v250", ["-12", "-31", "", "", "2", "3", "6", "45"]),
        ("lucent", ["-12", "", "", "", "2", "", "6", "45"]),
        ("softmodem", ["-12", "-31", "", "", "2", "3", "6", "45"]),
        ("generic", [""; 8]),
    ] {
        let line = [("NOISY", ios(link))];
        let played = Stage::new(&bank_of(&[&format!("profile: {profile}")], 1, &line)).with_lines().play();
        let rows = calls_csv(&played);
        let row = rows.iter().find(|row| row["line"] == "NOISY").expect("a row");
        assert_eq!(columns.map(|column| row[column].as_str()), figures, "{profile}");
        if profile != "generic" {
            assert_eq!(row["rx_bps"], "31200", "{profile}");
            assert!(["local", "remote"].contains(&row["termination"].as_str()), "{profile}: {row:?}");
        }
    }
}

#[test]
fn who_was_heard_to_answer_got_further_than_who_was_heard_to_ring() {
    // The first modem hears it ring and is deaf to the rest; the second one's account of the call knows of a voice.
    let modems = ["profile: courier, fault: { kind: deaf, until: 10m }", "profile: v250"];
    let mut stage = Stage::new(&bank_of(&modems, 1, &[("BAD", ios("fault: voice"))]));
    stage.policy.confirm = 3;
    let played = stage.play();
    let faults: Vec<_> = played.calls_of("BAD").iter().map(|call| call.fault).collect();
    assert!(faults.contains(&Some(Fault::Voice)), "{faults:?}");
    assert_eq!(played.fault("BAD"), Some(Fault::Voice), "{:?}", played.verdict("BAD"));
}
