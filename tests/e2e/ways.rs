//! Who is called, and how: alternative numbers and carriers tried in turn, a stranger who is not rung every night, and what
//! `--number-confirmed`, `--tag`, `--site` and `--skip-passed` change.

use std::fs;
use std::time::Duration;

use lineman::sim::log::What;

use crate::night::{Exchange, audited, rows, run_of, verdict};
use crate::stage::{Row, Stage, finish};
use crate::town::{Branch, PASSWORD, Town};

/// Another number of a branch: its router answers there too.
fn other_number(n: usize, far: &str) -> String {
    format!(
        "id: ALT{n}, number: \"{}\", console: cisco-ios, hostname: br{n:04}-rtr1, username: oob, password: {PASSWORD}, rings: 1{far}",
        alternative(n)
    )
}

fn alternative(n: usize) -> String {
    format!("+1 704 555 {:04}", 200 + n)
}

fn with_alternative(n: usize, far: &str) -> Branch {
    Branch::new(n).far(far).near(&format!("alternatives: [\"{}\"]", alternative(n)))
}

/// The rows of the last run, by line.
fn last(stage: &Stage) -> impl Fn(&str) -> Row {
    let rows = rows(&run_of(stage, "latest").join("lines.csv"));
    move |line| rows.iter().find(|row| row["line"] == line).cloned().unwrap_or_default()
}

#[test]
fn a_line_is_reached_by_another_number_or_carrier_and_the_one_that_worked_is_told() {
    let stage = Stage::new();
    let mut town = Town::new(
        &["courier", "v250"],
        [
            with_alternative(1, "fault: busy"),
            with_alternative(2, "fault: voice"),
            with_alternative(3, "fault: busy"),
            Branch::new(4).near("carriers: [unknown, att]"),
            Branch::new(5).near("carriers: [att, direct]"),
        ],
    );
    town.far_lines = vec![other_number(1, ""), other_number(2, ""), other_number(3, ", fault: no-answer")];
    town.plan_keys.push_str("\ncarriers: { att: { prefix: \"1010288\" }, unknown: { prefix: \"1010333\" } }");
    town.exchange_keys = "location: { carriers: [\"1010288\"] }".to_owned();
    let exchange = Exchange::of(&town, &stage);
    let ended = audited(&stage, &[]);
    let row = last(&stage);
    let told = |line: &str| {
        let row = row(line);
        format!("{} / {} / {}", verdict(&row), row["via"], row["carrier"])
    };
    let said = ended.said();
    assert_eq!(told("BR0001-A"), "degraded needed-retry network / +17045550201 / ", "{said}");
    assert_eq!(told("BR0002-A"), "degraded needed-retry network / +17045550202 / ", "{said}");
    assert_eq!(told("BR0004-A"), "degraded needed-retry network /  / att", "{said}");
    assert_eq!(told("BR0005-A"), "pass - - /  / att", "{said}");
    assert!(row("BR0003-A")["result"] == "fail", "{:?}\n{said}", row("BR0003-A"));
    assert!(row("BR0001-A")["detail"].contains("busy"), "{:?}", row("BR0001-A"));
    let strangers = |entries: Vec<String>| entries.iter().filter(|line| *line == "BR0002-A").count();
    assert_eq!(strangers(exchange.dialed()), 1, "one call woke them\n{said}");

    // The next night the stranger is left alone, and the line is called by the number that is right.
    let again = audited(&stage, &["--only", "BR0002-A"]);
    let row = last(&stage);
    assert_eq!(verdict(&row("BR0002-A")), "pass - -", "{}", again.said());
    assert_eq!(row("BR0002-A")["via"], "+17045550202");
    assert_eq!(strangers(exchange.dialed()), 1, "they were rung again\n{}", again.said());
    assert!(again.said().contains("is called by +17045550202"), "{}", again.said());
}

#[test]
fn a_stranger_is_rung_again_only_when_somebody_has_confirmed_the_number() {
    let stage = Stage::new();
    let mut town = Town::new(&["courier"], [Branch::with_fault(1, "voice"), Branch::new(2)]);
    let exchange = Exchange::of(&town, &stage);
    let calls = |exchange: &Exchange| exchange.dialed().iter().filter(|line| *line == "BR0001-A").count();
    let night = |more: &[&str], expected: &str| {
        let ended = audited(&stage, more);
        let row = last(&stage)("BR0001-A");
        assert_eq!(verdict(&row), expected, "{}", ended.said());
        row["detail"].clone()
    };
    night(&[], "fail voice far-line");
    assert_eq!(calls(&exchange), 1);
    let detail = night(&[], "untested on-hold policy");
    assert!(detail.contains("lineman audit --number-confirmed BR0001-A"), "{detail}");
    assert_eq!(calls(&exchange), 1);

    // `check` and a dry run show it, and neither they nor a wrong name change anything.
    for arguments in [
        &["check", "plan.yaml", "--reports", "reports"][..],
        &["audit", "plan.yaml", "--reports", "reports", "--dry-run", "--number-confirmed", "BR0001-A"],
    ] {
        let shown = finish(stage.lineman(arguments.iter().copied()), Duration::from_secs(30));
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(text.contains("not dialed: on-hold: +17045550101 was answered by voice"), "{text}");
    }
    let wrong = audited(&stage, &["--number-confirmed", "BR0001-B"]);
    assert_eq!(wrong.code(), Some(2), "{}", wrong.said());
    assert!(wrong.said().contains("`BR0001-B` is no line of this plan; did you mean `BR0001-A`?"));

    night(&["--number-confirmed", "BR0001-A"], "fail voice far-line");
    assert_eq!(calls(&exchange), 2);
    night(&[], "untested on-hold policy");
    assert_eq!(calls(&exchange), 2, "it was the wrong number after all");

    // The plan can say so too; without a zone, no earlier day than the voice's anywhere on earth.
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::Offset::constant(14)));
    town.branches[0] = Branch::new(1).near(&format!("number_confirmed: {}", today.date()));
    town.write_plan(&stage);
    night(&[], "fail voice far-line");
    assert_eq!(calls(&exchange), 3);
    // Another number is another line.
    let plan = fs::read_to_string(stage.path("plan.yaml")).unwrap();
    let plan =
        plan.replace("0101\", ", "0102\", ").replace(&format!(", number_confirmed: {}", today.date()), "");
    stage.write("plan.yaml", &plan);
    let ended = audited(&stage, &["--only", "BR0001-A"]);
    assert_ne!(last(&stage)("BR0001-A")["fault"], "on-hold", "{}", ended.said());
    let dialed = exchange.logged(What::Dialed).len();
    assert!(dialed > 3, "{}", ended.said());
}

#[test]
fn lines_are_picked_by_tag_and_site_and_those_that_passed_lately_are_left_out() {
    let stage = Stage::new();
    let mut town = Town::new(
        &["courier"],
        [
            Branch::new(1).near("tags: [core, east]"),
            Branch::with_fault(2, "busy").near("tags: core"),
            Branch::new(3),
        ],
    );
    town.plan_keys.push_str("\nsites: { BR0003: { tags: [far], max_calls: 1 } }");
    let exchange = Exchange::of(&town, &stage);
    let night = |more: &[&str]| {
        let ended = audited(&stage, more);
        let rows = rows(&run_of(&stage, "latest").join("lines.csv"));
        let told: Vec<String> = rows.iter().map(|row| verdict(row).replace(" -", "")).collect();
        (told.join(", "), rows[0]["detail"].clone(), ended.said())
    };
    let (told, _, said) = night(&["--tag", "core"]);
    assert_eq!(told, "pass, fail busy far-line, untested skipped policy", "{said}");
    let (told, detail, said) = night(&["--skip-passed", "7d"]);
    assert_eq!(told, "untested skipped policy, fail busy far-line, pass", "{said}");
    assert!(detail.starts_with("passed at 20") && detail.contains("--skip-passed"), "{detail}");
    let (told, _, said) = night(&["--site", "BR0001,BR0003", "--tag", "far"]);
    assert_eq!(told, "untested skipped policy, untested skipped policy, pass", "{said}");
    drop(exchange);
}
