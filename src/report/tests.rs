//! The files, as bytes: samples, columns, cells, transcripts, the summary, and SCHEMA.md against the code.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::columns::{CALLS, CONSOLES, LINES, MODEMS};
use super::sample::{Story, call_id, event, header, line, modem, night};
use super::*;
use crate::model::event::{Ending, Hangup, ModemState, Sitting};
use crate::model::{Blame, Change, Event, EventKind, Fault, Moment, NumberClass, Termination, Verdict};

mod board;
mod schemas;
mod state;

const BRIEF: [(Moment, u64); 2] = [(Moment::Dialed, 1), (Moment::OnHook, 2)];

fn started(n: u32, attempt: u32, on: u32) -> EventKind {
    EventKind::CallStarted {
        call: call_id(n, attempt),
        line: line(n).id,
        modem: modem(on, "").id,
        attempt,
        dialed: String::new(),
        via: None,
    }
}

/// Every file below a folder, by its path within it.
fn tree(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                files.insert(path.strip_prefix(dir).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn journal(events: &[Event]) -> String {
    events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect()
}

fn rows(csv: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// A cell by the name of its column and the first row whose `line` (or `modem`) is `of`.
fn cell_of<'a>(rows: &'a [Vec<String>], key: &str, of: &str, column: &str) -> &'a str {
    let place = |name: &str| rows[0].iter().position(|head| head == name).unwrap();
    let row = rows.iter().find(|row| row[place(key)] == of).unwrap();
    &row[place(column)]
}

#[test]
fn the_samples_are_what_the_code_writes() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let samples = repository.join("reports/samples");
    // Ignored by git, and beside the samples: after a wanted change it takes their place.
    let fresh = repository.join("reports/samples.new");
    let _ = fs::remove_dir_all(&fresh);
    fs::create_dir_all(&fresh).unwrap();
    fs::write(fresh.join("events.jsonl"), journal(&night())).unwrap();
    // The journal's own text, read back, is what is rendered: it holds all that the files need.
    let text = fs::read_to_string(fresh.join("events.jsonl")).unwrap();
    let events: Vec<Event> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    replay(&events, &fresh).unwrap();
    let mut committed = tree(&samples);
    committed.retain(|path, _| path != Path::new(".gitattributes"));
    let written = tree(&fresh);
    assert_eq!(written.keys().collect::<Vec<_>>(), committed.keys().collect::<Vec<_>>());
    for (path, bytes) in &written {
        assert_eq!(
            String::from_utf8_lossy(bytes),
            String::from_utf8_lossy(&committed[path]),
            "{} has changed; if that is meant, put {} in its place and look at the difference",
            path.display(),
            fresh.display()
        );
    }
    fs::remove_dir_all(&fresh).unwrap();
}

#[test]
fn rendering_as_the_run_goes_and_from_its_journal_gives_the_same_bytes() {
    let events = night();
    for end in [1, 7, 40, events.len() / 2, events.len() - 1, events.len()] {
        let (live, again) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let mut state = RunState::begin(&events[0]).unwrap();
        let mut renderer = Renderer::new(live.path());
        for event in &events[1..end] {
            state.apply(event).unwrap();
            renderer.note(&state, event);
            // As a dispatcher would: at each verdict, not at each event.
            if matches!(event.kind, EventKind::Verdict(_)) {
                renderer.write(&state).unwrap();
            }
        }
        renderer.write(&state).unwrap();
        assert!(!renderer.is_stale());
        let (replayed, _) = replay(&events[..end], again.path()).unwrap();
        assert_eq!(replayed, state);
        assert_eq!(tree(live.path()), tree(again.path()), "after {end} events");
    }
}

#[test]
fn a_write_touches_only_what_has_changed() {
    let home = TempDir::new().unwrap();
    let events = night();
    let mut state = RunState::begin(&events[0]).unwrap();
    let mut renderer = Renderer::new(home.path());
    let names = |paths: Vec<PathBuf>| -> Vec<String> {
        let name = |path: PathBuf| path.strip_prefix(home.path()).unwrap().to_str().unwrap().to_owned();
        paths.into_iter().map(name).collect()
    };
    assert_eq!(
        names(renderer.write(&state).unwrap()),
        ["lines.csv", "calls.csv", "modems.csv", "summary.json", "datapackage.json"]
    );
    for event in &events[1..] {
        state.apply(event).unwrap();
        renderer.note(&state, event);
        let written = names(renderer.write(&state).unwrap());
        match &event.kind {
            EventKind::CallMoment { .. } | EventKind::CallStarted { .. } => assert!(written.is_empty()),
            EventKind::Verdict(_) => assert_eq!(written, ["lines.csv", "summary.json"]),
            EventKind::CallEnded(record) if record.transcript.is_some() => assert_eq!(
                written,
                [&format!("transcripts/{}.txt", record.call), "calls.csv", "modems.csv", "summary.json"]
            ),
            _ => {}
        }
    }
}

#[test]
fn a_live_table_has_judged_lines_alone_in_the_order_of_the_plan() {
    let events = night();
    let state = RunState::of(&events[..events.len() / 2]).unwrap();
    let rows = rows(&Table::Lines.bytes(&state).unwrap());
    let names: Vec<&str> = rows[1..].iter().map(|row| row[3].as_str()).collect();
    assert_eq!(names.len() as u64, state.counts().judged());
    assert!(names.is_sorted() && names.len() < 13, "{names:?}");
    state.check().unwrap();
}

#[test]
fn the_columns_are_those_of_the_design() {
    let design = "schema,run,plan,line,site,number,result,fault,blame,detail,advice,attempts,modem,dialed,started,\
        finished,setup_ms,dial_ms,post_dial_ms,ring_ms,train_ms,connect_ms,prompt_ms,login_ms,verify_ms,logout_ms,\
        hangup_ms,total_ms,ring_train_ms,train_connect_ms,dialed_to_connect_ms,split_error_ms,rings,modulation,\
        tx_bps,rx_bps,protocol,compression,hostname,termination,tx_level_dbm,rx_level_dbm,snr_db,line_quality,\
        retrains,rate_shifts,block_errors,round_trip_ms,disconnect_cause,via,carrier,class,billed_s,cost,\
        currency,consoles,consoles_failed,change,nights";
    let state = RunState::of(&night()).unwrap();
    let head = |csv: Vec<u8>| String::from_utf8(csv).unwrap().lines().next().unwrap().trim_end().to_owned();
    assert_eq!(head(Table::Lines.bytes(&state).unwrap()), design);
    assert_eq!(head(Table::Calls.bytes(&state).unwrap()), design.replace(",line,", ",line,call,attempt,"));
}

#[test]
fn what_a_modem_told_stands_in_columns_of_its_own() {
    let state = RunState::of(&night()).unwrap();
    let columns = [
        "termination",
        "tx_level_dbm",
        "rx_level_dbm",
        "snr_db",
        "line_quality",
        "retrains",
        "rate_shifts",
        "block_errors",
        "round_trip_ms",
        "disconnect_cause",
    ];
    let lines = rows(&Table::Lines.bytes(&state).unwrap());
    let calls = rows(&Table::Calls.bytes(&state).unwrap());
    for (table, key, of, cells) in [
        (&lines, "line", "BR0001-A", ["remote", "-16", "-23", "30", "", "0", "1", "2", "3", "DISC Received"]),
        (
            &calls,
            "call",
            "BR0011-A.1",
            ["training-failed", "-12", "-31", "", "38", "", "", "", "", "#UD 60=3D (training failed)"],
        ),
        (&calls, "call", "BR0003-A.1", [""; 10]),
    ] {
        assert_eq!(columns.map(|column| cell_of(table, key, of, column)), cells, "{of}");
    }
}

/// What older ones wrote: nothing of it is lost, and what it did not know is empty.
#[test]
fn journals_of_older_schemas_are_rendered() {
    let texts = [
        (include_str!("../../tests/fixtures/journal/schema-1.jsonl"), 20),
        (include_str!("../../tests/fixtures/journal/schema-2.jsonl"), 10),
    ];
    for (text, columns_since) in texts {
        is_rendered(text, columns_since);
    }
}

fn is_rendered(text: &str, columns_since: usize) {
    let events: Vec<Event> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (now, then) = (RunState::of(&night()).unwrap(), RunState::of(&events).unwrap());
    for (new, old) in [
        (Table::Lines.bytes(&now).unwrap(), Table::Lines.bytes(&then).unwrap()),
        (Table::Calls.bytes(&now).unwrap(), Table::Calls.bytes(&then).unwrap()),
    ] {
        let (new, old) = (rows(&new), rows(&old));
        assert_eq!((new[0].clone(), new.len()), (old[0].clone(), old.len()));
        let known = new[0].len() - columns_since;
        let detail = new[0].iter().position(|name| name == "detail").unwrap();
        for (new, old) in new.iter().zip(&old).skip(1) {
            for column in (0..known).filter(|column| *column != detail) {
                assert_eq!(new[column], old[column]);
            }
            assert!(new[detail].starts_with(&old[detail]) || old[detail].starts_with("no carrier at first"));
            assert!(old[known..].iter().all(String::is_empty), "{old:?}");
        }
    }
}

#[test]
fn cells_hold_what_the_events_say_and_nothing_where_they_are_silent() {
    let state = RunState::of(&night()).unwrap();
    let bytes = Table::Lines.bytes(&state).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert_eq!(
        text.matches("\r\n").count(),
        text.matches('\n').count(),
        "RFC 4180 ends its records with CR LF"
    );
    let lines = rows(&bytes);
    for (of, column, is) in [
        ("BR0001-A", "result", "pass"),
        ("BR0001-A", "fault", ""),
        ("BR0001-A", "advice", ""),
        ("BR0001-A", "number", "+19195550101"),
        ("BR0001-A", "dialed", "9,19195550101"),
        ("BR0001-A", "started", "2026-11-21T02:00:00.225Z"),
        ("BR0001-A", "setup_ms", "61"),
        ("BR0001-A", "dial_ms", ""),
        ("BR0001-A", "post_dial_ms", "4056"),
        ("BR0001-A", "ring_ms", "6030"),
        ("BR0001-A", "split_error_ms", "3000"),
        ("BR0001-A", "total_ms", "23848"),
        ("BR0001-A", "tx_bps", "31200"),
        ("BR0002-A", "ring_ms", ""),
        ("BR0002-A", "rings", ""),
        ("BR0002-A", "dialed_to_connect_ms", "27259"),
        ("BR0003-A", "result", "degraded"),
        ("BR0003-A", "modem", "m02"),
        ("BR0003-A", "attempts", "2"),
        ("BR0008-A", "result", "untested"),
        ("BR0008-A", "attempts", "0"),
        ("BR0008-A", "modem", ""),
        ("BR0008-A", "started", ""),
        ("BR0008-A", "total_ms", ""),
        ("BR0010-A", "detail", "'=== WELCOME === br0010-rtr1# stood open"),
        ("BR0011-A", "result", "pass"),
    ] {
        assert_eq!(cell_of(&lines, "line", of, column), is, "{of} {column}");
    }
    let calls = rows(&Table::Calls.bytes(&state).unwrap());
    assert_eq!(cell_of(&calls, "call", "BR0003-A.1", "fault"), "busy");
    assert_eq!(
        cell_of(&calls, "call", "BR0003-A.2", "fault"),
        "",
        "the call passed, the line needed a retry"
    );
    assert_eq!(cell_of(&calls, "call", "BR0011-A.1", "dial_ms"), "1564");
    let modems = rows(&Table::Modems.bytes(&state).unwrap());
    for (of, column, is) in [
        ("m00", "profile", "courier"),
        ("m00", "health", "good"),
        ("m00", "hangup_unproven", "0"),
        ("m01", "profile", "rockwell-conexant"),
        ("m01", "trunk", "pstn"),
        ("m01", "state", "quarantined"),
        ("m01", "health", "bad"),
        ("m01", "calls", "5"),
        ("m01", "failed", "4"),
        ("m01", "untested", "1"),
        ("m01", "bench_faults", "1"),
        ("m01", "hangup_unproven", "1"),
        ("m01", "times_out", "1"),
        // 6.754 s busy, 4.994 s until the port was gone, three times 51.954 s without carrier.
        ("m01", "seconds_on_line", "167.610"),
        ("m01", "faults", "port-lost:1 busy:1 no-carrier:3"),
        ("m01", "last_fault", "port-lost"),
        ("m03", "calls", "0"),
        ("m03", "health", "bad"),
        ("m03", "last_fault", "port-busy"),
        ("m03", "seconds_on_line", "0.000"),
    ] {
        assert_eq!(cell_of(&modems, "modem", of, column), is, "{of} {column}");
    }
}

#[test]
fn transcripts_are_kept_of_calls_that_did_not_pass_and_carry_no_escape() {
    let home = TempDir::new().unwrap();
    let (state, written) = replay(&night(), home.path()).unwrap();
    let files = tree(&home.path().join("transcripts"));
    let names: Vec<_> = files.keys().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(names, ["BR0005-A.1.txt", "BR0005-A.2.txt", "BR0007-A.1.txt", "BR0010-A.1.txt"]);
    assert!(names.iter().all(|name| written.contains(&home.path().join("transcripts").join(name))));
    assert_eq!(
        String::from_utf8_lossy(&files[Path::new("BR0010-A.1.txt")]),
        "line:     BR0010-A (site BR0010)\n\
         number:   +19195550110, dialed 9,19195550110\n\
         call:     BR0010-A.1 (attempt 1)\n\
         modem:    m00\n\
         started:  2026-11-21T02:02:01.125Z\n\
         finished: 2026-11-21T02:02:25.040Z\n\
         verdict:  fail open-console (blame: security)\n\
         detail:   === WELCOME === br0010-rtr1# stood open\n\
         \n\
         ---- what the console said ----\n\
         === WELCOME ===\n\
         \u{fffd}[1mbr0010-rtr1#\u{fffd}[0m exit\n"
    );
    assert!(super::files(&state, home.path()).iter().all(|path| path.exists()));
}

#[test]
fn the_summary_for_programs_adds_up_to_the_plan() {
    let state = RunState::of(&night()).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&summary_json::bytes(&state).unwrap()).unwrap();
    let lines = &json["lines"];
    let sum = |keys: &[&str]| keys.iter().map(|key| lines[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!(lines["total"], 13);
    assert_eq!(sum(&["pass", "degraded", "fail", "untested", "left"]), 13);
    assert_eq!(json["by_blame"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>(), 9);
    assert_eq!(json["not_passed"].as_array().unwrap().len(), 9);
    assert_eq!((&json["ending"], &json["exit_code"]), (&"completed".into(), &1.into()));
    let half = RunState::of(&night()[..50]).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&summary_json::bytes(&half).unwrap()).unwrap();
    assert!(json["finished"].is_null() && json["exit_code"].is_null() && json["ending"].is_null());
}

#[test]
fn the_summary_for_people() {
    let state = RunState::of(&night()).unwrap();
    let files = [PathBuf::from("reports/20261121T020000Z-nightly/lines.csv")];
    let plain = summary::text(&state, &files, summary::Style { colour: false, width: 100 });
    assert!(!plain.contains('\u{1b}'));
    insta::assert_snapshot!(plain);
    let coloured = summary::text(&state, &files, summary::Style { colour: true, width: 100 });
    let mut without = String::new();
    for part in coloured.split('\u{1b}') {
        without +=
            part.strip_prefix('[').and_then(|rest| rest.split_once('m')).map_or(part, |(_, rest)| rest);
    }
    assert_eq!(without, plain, "colour adds nothing but colour");
    let order: Vec<usize> = Blame::ALL.iter().filter_map(|b| plain.find(&format!("\n{b} ("))).collect();
    assert!(order.len() > 3 && order.is_sorted(), "near faults first: {order:?}");
}

#[test]
fn lines_that_nobody_meant_to_test_do_not_fill_the_summary() {
    let mut story = Story::new(header((1..=400).map(line).collect(), vec![modem(0, "generic")]));
    for n in 1..=400 {
        story.judge(1, n, 0, None, Some(Fault::Skipped), "");
    }
    story.tell(2, EventKind::RunEnded { ending: Ending::Completed });
    let state = RunState::of(&story.events()).unwrap();
    let text = summary::text(&state, &[], summary::Style { colour: false, width: 80 });
    assert!(text.lines().count() < 20 && text.contains("and 380 more,"), "{text}");
    assert!(text.contains("untested     400") && text.lines().all(|row| row.len() <= 80), "{text}");
}

#[test]
fn files_are_readable_for_whom_the_umask_allows_and_nothing_half_written_stays() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("plain"), "").unwrap();
    fs::write(home.path().join(".writing-left-by-a-crash"), "half").unwrap();
    replay(&night(), home.path()).unwrap();
    let mode = |name: &str| fs::metadata(home.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("lines.csv"), mode("plain"));
    let hidden = tree(home.path())
        .into_keys()
        .filter(|path| path.to_string_lossy().contains("/.") || path.starts_with("."));
    assert_eq!(hidden.collect::<Vec<_>>(), Vec::<PathBuf>::new());
    assert!(!home.path().join(".writing-left-by-a-crash").exists());
}

#[test]
fn a_report_that_cannot_be_written_is_named_and_tried_again() {
    let home = TempDir::new().unwrap();
    // A folder in the place of the file: a fault that root meets too.
    fs::create_dir(home.path().join("calls.csv")).unwrap();
    let state = RunState::of(&night()).unwrap();
    let mut renderer = Renderer::new(home.path());
    let error = renderer.write(&state).unwrap_err();
    assert!(error.to_string().contains("calls.csv` could not be written"), "{error}");
    assert!(renderer.is_stale() && home.path().join("lines.csv").is_file());
    fs::remove_dir(home.path().join("calls.csv")).unwrap();
    renderer.write(&state).unwrap();
    assert!(!renderer.is_stale() && home.path().join("calls.csv").is_file());
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "[=+@\\-\t\r\n;,\"' a0-9]{0,12}",
        "[\\x00-\\x1f\\x7f-\\u{9f}\\u{202a}-\\u{202e}\\u{2066}-\\u{2069}\\u{200b}a=]{0,12}",
        ".{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_of_a_far_end_breaks_out_of_its_cell(
        texts in prop::collection::vec(hostile(), 6),
        fault in prop::sample::select(Fault::ALL.to_vec()),
    ) {
        let mut story = Story::new(header(vec![line(1)], vec![modem(0, &texts[0])]));
        story.modem(1, 0, ModemState::Out, Some(fault), &texts[5]);
        story.call(2, (1, 1, 0), &BRIEF, |record| {
            record.fault = Some(fault);
            record.detail.clone_from(&texts[1]);
            record.hostname = Some(texts[2].clone());
            record.link.modulation = Some(texts[3].clone());
            record.link.protocol = Some(texts[4].clone());
            record.transcript = Some(texts[5].clone());
            record.hangup = Hangup::Unproven;
        });
        story.judge(9, 1, 1, Some(1), Some(fault), &texts[1]);
        story.tell(10, EventKind::RunEnded { ending: Ending::Completed });
        let home = TempDir::new().unwrap();
        let (state, _) = replay(&story.events(), home.path()).unwrap();
        for (file, columns) in [("lines.csv", LINES.len()), ("calls.csv", CALLS.len()), ("modems.csv", MODEMS.len())] {
            let table = rows(&fs::read(home.path().join(file)).unwrap());
            prop_assert_eq!(table.len(), 2, "{}: one header, one row", file);
            for (name, cell) in table[0].iter().zip(&table[1]) {
                prop_assert_eq!(table[1].len(), columns);
                prop_assert!(!cell.chars().any(char::is_control), "{} {:?}", name, cell);
                prop_assert!(name == "number" || !cell.trim_start().starts_with(['=', '+', '-', '@']), "{} {:?}", name, cell);
            }
        }
        for transcript in fs::read_dir(home.path().join("transcripts")).into_iter().flatten() {
            let text = fs::read_to_string(transcript.unwrap().path()).unwrap();
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        }
        let text = summary::text(&state, &[], summary::Style { colour: false, width: 60 });
        prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
    }
}

/// The cells of every table row of SCHEMA.md below a heading that begins with `heading`.
fn documented(schema: &str, heading: &str) -> Vec<Vec<String>> {
    let section = schema.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    let row = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
    section.lines().filter(|line| line.starts_with("| `")).map(row).collect()
}

#[test]
fn schema_md_documents_every_column_and_code() {
    let schema = include_str!("../../reports/SCHEMA.md");
    let first = |heading: &str| -> Vec<String> {
        documented(schema, heading).into_iter().map(|row| row[0].clone()).collect()
    };
    assert_eq!(first("lines.csv"), LINES.iter().map(|column| column.name).collect::<Vec<_>>());
    let both: Vec<&str> = CALLS
        .iter()
        .map(|column| column.name)
        .filter(|name| !LINES.iter().any(|c| c.name == *name))
        .collect();
    assert_eq!(first("calls.csv"), both);
    assert_eq!(first("consoles.csv"), CONSOLES.iter().map(|column| column.name).collect::<Vec<_>>());
    assert_eq!(first("modems.csv"), MODEMS.iter().map(|column| column.name).collect::<Vec<_>>());
    assert_eq!(first("Results"), Verdict::ALL.map(Verdict::word));
    let changes = first("Changes");
    assert_eq!(changes[..Change::ALL.len()], Change::ALL.map(Change::word));
    let mut blames = Blame::ALL.map(Blame::word).to_vec();
    blames.sort_unstable();
    let mut told = first("Blames");
    told.sort_unstable();
    assert_eq!(told, blames);
    let faults: Vec<Vec<String>> = Fault::ALL
        .iter()
        .map(|fault| {
            [fault.code(), fault.verdict().word(), fault.blame().word(), fault.advice()]
                .map(|cell| cell.replace('`', ""))
                .to_vec()
        })
        .collect();
    assert_eq!(documented(schema, "Faults"), faults);
    assert_eq!(first("Terminations"), Termination::ALL.map(Termination::word));
    assert_eq!(first("Classes"), NumberClass::ALL.map(NumberClass::word));
    assert_eq!(first("Health"), Health::ALL.map(Health::word));
    let json: serde_json::Value =
        serde_json::from_slice(&summary_json::bytes(&RunState::of(&night()).unwrap()).unwrap()).unwrap();
    let mut keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    let mut told = first("summary.json");
    told.sort_unstable();
    assert_eq!(told, keys);
    assert!(schema.contains(&format!("schema number is {SCHEMA}")));
}

/// A run with a line that leads to a console server with three consoles.
fn with_consoles() -> Vec<Event> {
    use crate::model::event::ConsoleRecord;
    let mut events = night();
    let record = |name: &str, fault: Option<Fault>, hostname: Option<&str>| ConsoleRecord {
        console: name.to_owned(),
        fault,
        detail: fault.map(|fault| format!("=about {fault}")).unwrap_or_default(),
        hostname: hostname.map(str::to_owned),
        answer_ms: hostname.map(|_| 1130),
    };
    let called = events.iter().find_map(|event| match &event.kind {
        EventKind::CallEnded(record) if record.attempt == 2 => Some(record.line.clone()),
        _ => None,
    });
    let line = called.unwrap();
    for event in &mut events {
        match &mut event.kind {
            EventKind::RunStarted(header) => {
                let planned = header.lines.iter_mut().find(|planned| planned.id == line).unwrap();
                planned.facets.consoles = ["core", "+access", "pdu"].map(str::to_owned).to_vec();
            }
            EventKind::CallEnded(call) if call.line == line => {
                let skipped = Some(Fault::Skipped);
                call.consoles = match call.attempt {
                    1 => vec![
                        record("core", None, Some("sw1")),
                        record("+access", skipped, None),
                        record("pdu", skipped, None),
                    ],
                    _ => vec![
                        record("core", skipped, None),
                        record("+access", Some(Fault::OpenConsole), Some("sw2")),
                        record("pdu", skipped, None),
                    ],
                };
            }
            _ => {}
        }
    }
    events
}

#[test]
fn each_console_is_told_by_the_call_that_came_to_it() {
    let events = with_consoles();
    let state = RunState::of(&events).unwrap();
    let table = String::from_utf8(Table::Consoles.bytes(&state).unwrap()).unwrap();
    let cells = |row: &str, of: &[usize]| {
        let row: Vec<&str> = row.split(',').collect();
        of.iter().map(|at| row[*at].to_owned()).collect::<Vec<_>>().join(",")
    };
    let rows: Vec<String> = table
        .lines()
        .skip(1)
        .map(|row| {
            let quoted = row.replace(", ", " ");
            cells(&quoted, &[5, 6, 7, 8, 9])
        })
        .collect();
    assert_eq!(
        rows,
        [
            "core,pass,,,",
            "'+access,fail,open-console,security,'=about open-console",
            "pdu,untested,skipped,policy,'=about skipped",
        ]
    );
    let json: serde_json::Value = serde_json::from_slice(&summary_json::bytes(&state).unwrap()).unwrap();
    assert_eq!(
        json["consoles"],
        serde_json::json!({"total": 3, "pass": 1, "degraded": 0, "fail": 1, "untested": 1})
    );
    let text = summary::text(&state, &[], summary::Style { colour: false, width: 100 });
    assert!(
        text.contains("3 consoles behind console servers: 1 pass, 0 degraded, 1 fail, 1 not reached"),
        "{text}"
    );
    let EventKind::RunStarted(header) = &events[0].kind else { panic!("{:?}", events[0]) };
    let mut board = super::Board::new(header);
    for event in &events {
        board.apply(event);
    }
    let bar = board.text(events.last().unwrap().mono, 200).remove(0);
    assert!(bar.contains("consoles 1 of 3"), "{bar}");
    let folder = tempfile::tempdir().unwrap();
    let (_, files) = super::replay(&events, folder.path()).unwrap();
    assert!(files.contains(&folder.path().join("consoles.csv")));
    let (_, files) = super::replay(&night(), folder.path()).unwrap();
    assert!(!files.contains(&folder.path().join("consoles.csv")), "no plan with consoles, no such file");
}
