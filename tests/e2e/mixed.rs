//! One night with nearly every fault in it: one row a line in the plan's order, counts that add up in every file, and
//! modems that fail where others succeed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use lineman::model::EventKind;
use lineman::model::event::ModemState;
use serde_json::Value;

use crate::night::{audited, journal, rows, run_of, verdict};
use crate::stage::Stage;
use crate::town::{Branch, PASSWORD, Town, VARIABLE};

/// Faults of lines, and their verdicts on a bank of Couriers; none of them makes another line's verdict another one.
const FAULTS: [(&str, &str); 21] = [
    ("", "pass - -"),
    ("reorder", "fail reorder network"),
    ("no-ring", "fail no-ring network"),
    ("busy", "fail busy far-line"),
    ("{ kind: busy, times: 1 }", "degraded needed-retry network"),
    ("no-answer", "fail no-answer far-line"),
    ("voice", "fail voice far-line"),
    ("fax", "fail fax far-line"),
    ("never-trains", "fail no-carrier far-modem"),
    ("{ kind: drops, after: 100ms }", "fail carrier-lost far-modem"),
    ("silent", "fail console-silent console"),
    ("garbage", "fail garbage console"),
    ("boot-prompt", "fail boot-prompt console"),
    ("console-busy", "fail console-busy console"),
    ("{ kind: wrong-host, text: other-rtr9 }", "fail wrong-console console"),
    ("open-console", "fail open-console security"),
    ("lost-logout", "degraded logout-unproven console"),
    ("echo", "fail console-silent console"),
    ("line-in-use", "untested line-in-use bench-line"),
    ("", "pass - -"),
    ("", "pass - -"),
];

fn town() -> (Town, BTreeMap<String, &'static str>) {
    let mut expected = BTreeMap::new();
    let mut branches = Vec::new();
    for (n, (fault, verdict)) in FAULTS.iter().enumerate() {
        let branch = Branch::new(n + 1).rings(3);
        let branch = if fault.is_empty() { branch } else { branch.far(&format!("fault: {fault}")) };
        expected.insert(branch.id.clone(), *verdict);
        branches.push(branch);
    }
    // Two lines of an account that is refused: one says so, the other is never risked.
    for n in [90, 91] {
        branches.push(Branch::new(n).near("credential: old").far("password: changed-there"));
    }
    for (n, near, verdict) in [
        (92, "on_hold: \"dug up\"", "untested on-hold policy"),
        (93, "", "untested skipped policy"),
        (94, "console: none, credential: null", "pass - -"),
    ] {
        let branch = if near.is_empty() { Branch::new(n) } else { Branch::new(n).near(near) };
        expected.insert(branch.id.clone(), verdict);
        branches.push(branch);
    }
    // Six that work, so that the line in use is tried as often as any line is, and waits for none that may yet return.
    let mut town =
        Town::new(&["courier"; 8], branches).modem(2, "fault: dead").modem(3, "fault: port-missing");
    town.credentials = format!(
        "{{ oob: {{ username: oob, password: {{ env: {VARIABLE} }} }}, old: {{ username: older, password: {{ env: {VARIABLE} }} }} }}"
    );
    town.pace = 0.03;
    (town, expected)
}

#[test]
fn a_night_of_all_faults_has_one_row_a_line_and_counts_that_add_up() {
    let (town, mut expected) = town();
    let stage = Stage::new();
    town.found(&stage);
    // An exchange's password is its first one; the lines of the old account have another.
    let text = fs::read_to_string(stage.path("exchange.yaml")).unwrap();
    stage.write(
        "exchange.yaml",
        &text.replace(&format!("password: {PASSWORD}, rings: 1, password: "), "rings: 1, password: "),
    );
    let text = fs::read_to_string(stage.path("plan.yaml")).unwrap();
    // A premium number slipped in.
    let text = text.replace(
        "{ id: BR0092-A",
        "{ id: PREM-A, site: PREM, number: \"+1 900 555 0101\" }\n  - { id: BR0092-A",
    );
    stage.write("plan.yaml", &text.replace(", credential: null", ""));
    expected.insert("PREM-A".to_owned(), "untested screened policy");
    // By site or by id, whatever one has at hand.
    let wanted: Vec<&str> =
        expected.keys().map(|id| id.trim_end_matches("-A")).filter(|id| *id != "BR0093").collect();
    let ended = audited(&stage, &["--only", &format!("{},BR0090,BR0091-A", wanted.join(","))]);
    let said = ended.said();
    assert_eq!(ended.code(), Some(1), "{said}");
    let run = run_of(&stage, "latest");
    let lines = rows(&run.join("lines.csv"));

    let mut found: BTreeMap<&str, String> =
        lines.iter().map(|row| (row["line"].as_str(), verdict(row))).collect();
    assert_eq!(found.len(), lines.len(), "a line has two rows\n{said}");
    let mut account = [found.remove("BR0090-A").unwrap(), found.remove("BR0091-A").unwrap()];
    account.sort();
    assert_eq!(
        account,
        ["fail login-refused credential", "untested credential-unproven credential"],
        "{said}"
    );
    let found: BTreeMap<String, &str> =
        found.iter().map(|(line, verdict)| ((*line).to_owned(), verdict.as_str())).collect();
    assert_eq!(found, expected, "{said}");

    // In the order of the plan.
    let ids = |text: &str| -> Vec<String> {
        text.lines().filter_map(|l| Some(l.split_once("{ id: ")?.1.split_once(',')?.0.to_owned())).collect()
    };
    let planned = ids(&fs::read_to_string(stage.path("plan.yaml")).unwrap());
    assert_eq!(lines.iter().map(|row| row["line"].clone()).collect::<Vec<_>>(), planned);

    // Each call has its row, and each attempt its call.
    let calls = rows(&run.join("calls.csv"));
    let mut attempts: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for call in &calls {
        let attempt = call["attempt"].parse().unwrap();
        assert!(
            attempts.entry(&call["line"]).or_default().insert(attempt),
            "two calls {}\n{said}",
            call["call"]
        );
    }
    for line in &lines {
        let made: Vec<u32> = attempts.remove(line["line"].as_str()).unwrap_or_default().into_iter().collect();
        let told: u32 = line["attempts"].parse().unwrap();
        assert_eq!(made, (1..=told).collect::<Vec<_>>(), "{}\n{said}", line["line"]);
    }
    assert!(attempts.is_empty());

    // Each modem's sums are those of the calls, and nothing was dialed on those that could not be had.
    for modem in rows(&run.join("modems.csv")) {
        let of = |result: &str| {
            calls.iter().filter(|c| c["modem"] == modem["modem"] && c["result"] == result).count()
        };
        let figures = ["passed", "degraded", "failed", "untested"].map(|name| modem[name].clone());
        let counted = ["pass", "degraded", "fail", "untested"].map(|result| of(result).to_string());
        assert_eq!(figures, counted, "{modem:?}\n{said}");
        let dead = ["m02", "m03"].contains(&modem["modem"].as_str());
        assert_eq!(modem["calls"] == "0", dead, "{modem:?}\n{said}");
    }

    // The summary, for programs and for people, says the same.
    let summary: Value = serde_json::from_slice(&fs::read(run.join("summary.json")).unwrap()).unwrap();
    let counts = ["pass", "degraded", "fail", "untested"]
        .map(|result| lines.iter().filter(|row| row["result"] == result).count() as u64);
    for (result, count) in ["pass", "degraded", "fail", "untested"].iter().zip(counts) {
        assert_eq!(summary["lines"][result], count, "{result}\n{said}");
        let told = ended.out.lines().find_map(|l| l.trim().strip_prefix(result)?.trim().parse::<u64>().ok());
        assert_eq!(told, Some(count), "{result}\n{said}");
    }
    assert_eq!(summary["lines"]["total"], lines.len() as u64);
    assert_eq!(summary["lines"]["left"], 0);
    assert_eq!(summary["calls"], calls.len() as u64);
    assert_eq!(counts.iter().sum::<u64>(), lines.len() as u64);
    assert_eq!(summary["not_passed"].as_array().map(Vec::len), Some(lines.len() - counts[0] as usize));

    // Transcripts are of calls that did not pass, and of consoles that said something.
    let kept: BTreeSet<String> = fs::read_dir(run.join("transcripts"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().trim_end_matches(".txt").to_owned())
        .collect();
    for call in &calls {
        if call["result"] == "pass" || ["busy", "voice", "console-silent"].contains(&call["fault"].as_str()) {
            let echoed = call["fault"] == "console-silent" && call["detail"].contains("echo");
            assert!(!kept.contains(&call["call"]) || echoed, "{}: {kept:?}\n{said}", call["call"]);
        }
        if ["boot-prompt", "open-console", "login-refused", "garbage"].contains(&call["fault"].as_str()) {
            assert!(kept.contains(&call["call"]), "{} has no transcript: {kept:?}\n{said}", call["call"]);
        }
    }
}

#[test]
fn a_modem_that_fails_where_others_succeed_is_found_out_and_its_verdicts_are_taken_back() {
    // Whoever m00 calls first speaks to it; after that it finds everything busy.
    let mut town = Town::new(&["courier", "courier", "courier"], (1..=16).map(Branch::new));
    town.rules = vec![
        "name: first, modem: m00, call: 1, fault: voice".to_owned(),
        "name: deaf, modem: m00, fault: busy".to_owned(),
    ];
    let stage = Stage::new();
    town.found(&stage);
    let ended = audited(&stage, &[]);
    let said = ended.said();
    let run = run_of(&stage, "latest");
    let lines = rows(&run.join("lines.csv"));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in &lines {
        *counts.entry(verdict(line)).or_default() += 1;
    }
    // Nobody is woken twice: the line that spoke stays untested. All others were saved by the other modems.
    assert_eq!(counts.remove("untested quarantined-bench bench-modem"), Some(1), "{counts:?}\n{said}");
    counts.remove("degraded needed-retry network");
    assert_eq!(counts.into_keys().collect::<Vec<_>>(), ["pass - -"], "{said}");
    let modems = rows(&run.join("modems.csv"));
    let health: Vec<&str> = modems.iter().map(|modem| modem["state"].as_str()).collect();
    assert_eq!(health, ["quarantined", "ready", "ready"], "{said}");
    assert!(ended.out.contains("withdrawn"), "{said}");
    // Out means out.
    let after = journal(&run)
        .into_iter()
        .skip_while(|event| !matches!(&event.kind, EventKind::Modem { state: ModemState::Quarantined, .. }));
    let dialed_after = after.filter(
        |event| matches!(&event.kind, EventKind::CallStarted { modem, .. } if modem.as_str() == "m00"),
    );
    assert_eq!(dialed_after.count(), 0, "{said}");
    assert_eq!(ended.code(), Some(1), "{said}");
}
