//! Ports that others hold, that vanish, that are wedged or no ports at all: told, left out, tried again, and never in the
//! way of the others.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lineman::sim::log::What;

use crate::night::{Exchange, RUN, Running, audit, audited, rows, run_of, verdict};
use crate::stage::{Row, Stage, wait_until};
use crate::town::{Branch, Town};

/// Where lineman keeps its lock files.
const LOCKS: &str = "/var/lock";

/// Another program's lock file for a port.
struct Foreign {
    path: PathBuf,
    owner: Option<Child>,
}

impl Foreign {
    /// A lock file of a program called `sleep`, that runs; `None` where lock files cannot be written.
    fn living(port: &Path) -> Option<Self> {
        let owner = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().expect("sleep starts");
        let pid = owner.id();
        let lock = Self { path: lock_file(port), owner: Some(owner) };
        lock.write(pid)
    }

    /// A lock file of a program that is gone.
    fn stale(port: &Path) -> Option<Self> {
        let mut owner = Command::new("true").spawn().expect("true starts");
        let pid = owner.id();
        owner.wait().expect("a child of ours");
        Self { path: lock_file(port), owner: None }.write(pid)
    }

    fn write(self, pid: u32) -> Option<Self> {
        match fs::write(&self.path, format!("{pid:>10}\n")) {
            Ok(()) => Some(self),
            Err(error) => {
                let _ = writeln!(
                    std::io::stderr(),
                    "\n*** lock files of other programs WERE NOT TESTED: {}: {error}\n",
                    self.path.display()
                );
                None
            }
        }
    }

    fn pid(&self) -> u32 {
        self.owner.as_ref().map_or(0, Child::id)
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        if let Some(owner) = &mut self.owner {
            let _ = owner.kill();
            let _ = owner.wait();
        }
    }
}

/// As mgetty and minicom name it: `/dev/pts/3` is `LCK..pts_3`.
fn lock_file(port: &Path) -> PathBuf {
    let tty = fs::canonicalize(port).expect("the port is there");
    let name = tty.strip_prefix("/dev").expect("a tty is in /dev").to_string_lossy().replace('/', "_");
    Path::new(LOCKS).join(format!("LCK..{name}"))
}

/// Held with flock(2) by this very process.
fn hold(port: &Path) -> File {
    let file = File::options().read(true).write(true).open(port).expect("the port is there");
    file.try_lock().expect("nobody holds it yet");
    file
}

fn modems(stage: &Stage) -> Vec<Row> {
    rows(&run_of(stage, "latest").join("modems.csv"))
}

fn calls_on(stage: &Stage, modem: &str) -> usize {
    rows(&run_of(stage, "latest").join("calls.csv")).iter().filter(|call| call["modem"] == modem).count()
}

#[test]
fn ports_that_cannot_be_had_are_told_with_their_owners_and_the_others_do_the_job() {
    let town = Town::new(&["courier"; 5], (1..=6).map(Branch::new));
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let uucp = Foreign::living(&exchange.port("m00"));
    let _held = hold(&exchange.port("m01"));
    // No tty, and nothing at all.
    let mut text = fs::read_to_string(stage.path("bank.yaml")).unwrap();
    for (modem, path) in [("m02", &stage.write("file", "")), ("m03", &stage.path("nowhere"))] {
        text = text.replace(&exchange.port(modem).display().to_string(), &path.display().to_string());
    }
    stage.write("bank.yaml", &text);
    let ended = audited(&stage, &["--plain"]);
    let said = ended.said();
    assert_eq!(ended.code(), Some(0), "{said}");

    let line_of = |modem: &str| {
        let start = format!("modem {modem}: out ");
        ended
            .out
            .lines()
            .find(|l| l.contains(&start))
            .unwrap_or_else(|| panic!("{modem} is not told\n{said}"))
    };
    let myself = format!("(pid {})", std::process::id());
    assert!(line_of("m01").contains("port-busy") && line_of("m01").contains(&myself), "{said}");
    assert!(line_of("m02").contains("port-open-failed") && line_of("m02").contains("is no tty"), "{said}");
    assert!(
        line_of("m03").contains("port-open-failed") && line_of("m03").contains("does not exist"),
        "{said}"
    );
    if let Some(uucp) = &uucp {
        let told = line_of("m00");
        assert!(
            told.contains("port-busy") && told.contains(&format!("`sleep` (pid {})", uucp.pid())),
            "{told}"
        );
        assert!(fs::read_to_string(&uucp.path).is_ok_and(|text| text.contains(&uucp.pid().to_string())));
    }
    let free = 6 - if uucp.is_some() { 0 } else { calls_on(&stage, "m00") };
    assert_eq!(calls_on(&stage, "m04"), free, "{said}");
    for row in modems(&stage) {
        let fault = match row["modem"].as_str() {
            "m01" => "port-busy",
            "m02" | "m03" => "port-open-failed",
            _ => continue,
        };
        assert_eq!([&row["state"], &row["last_fault"], &row["calls"]], ["out", fault, "0"], "{row:?}");
    }
}

#[test]
fn with_no_port_free_nothing_is_begun() {
    let town = Town::new(&["courier", "generic"], [Branch::new(1)]);
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let held = [hold(&exchange.port("m00")), hold(&exchange.port("m01"))];
    let ended = audited(&stage, &["--plain"]);
    let said = ended.said();
    assert_eq!(ended.code(), Some(2), "{said}");
    let myself = format!("(pid {})", std::process::id());
    for modem in ["m00", "m01"] {
        let told = ended.err.lines().any(|line| line.contains(modem) && line.contains(&myself));
        assert!(told, "{modem} and its owner are not told\n{said}");
    }
    assert!(!stage.path("reports").exists(), "a run was begun\n{said}");
    drop(held);
    assert_eq!(audited(&stage, &["--plain"]).code(), Some(0));
}

#[test]
fn a_stale_lock_is_taken_over_and_none_is_left_behind() {
    let town = Town::new(&["courier"], [Branch::new(1)]);
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let Some(stale) = Foreign::stale(&exchange.port("m00")) else { return };
    let mut run = Running::start(audit(&stage, &["--plain"]));
    let ours = format!("{:>10}\n", run.id());
    let taken = wait_until(RUN, || {
        fs::read_to_string(&stale.path).is_ok_and(|text| text == ours) || !run.is_running()
    });
    let ended = run.finish(RUN);
    assert!(taken && ended.code() == Some(0), "{}", ended.said());
    assert!(!stale.path.exists(), "the lock file is still there");
    // A run that was killed leaves a lock of its own, and nothing in the way of the next.
    let mut run = Running::start(audit(&stage, &["--plain"]));
    run.wait_for("the run's beginning", |text| text.contains("of plan town"));
    run.kill_hard();
    let ended = audited(&stage, &["--plain"]);
    assert_eq!(ended.code(), Some(0), "{}", ended.said());
    assert!(!stale.path.exists());
}

#[test]
fn a_port_that_was_busy_or_gone_is_tried_again() {
    // One line keeps the run going until ports that are out are looked after, ten seconds later.
    let mut town = Town::new(
        &["courier"; 3],
        [Branch::with_fault(1, "{ kind: busy, times: 1 }")].into_iter().chain((2..=8).map(Branch::new)),
    );
    // Not in the busy line's call: a number that our own modem may hold is busy through us.
    town.rules = (2..=8)
        .map(|n| {
            format!(
                "name: unplugged{n}, modem: m01, line: BR{n:04}-A, call: 1-2, \
                 fault: {{ kind: port-vanishes, at: connected, back_after: 100s }}"
            )
        })
        .collect();
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let plan = fs::read_to_string(stage.path("plan.yaml")).unwrap();
    stage.write("plan.yaml", &plan.replace("busy: 200ms", "busy: 13s"));
    let held = hold(&exchange.port("m00"));
    let mut run = Running::start(audit(&stage, &["--plain"]));
    run.wait_for("the busy port", |text| text.contains("port-busy"));
    drop(held);
    run.wait_for("the port that vanished", |text| text.contains("port-lost"));
    let ended = run.finish(RUN);
    let said = ended.said();
    assert_eq!(ended.code(), Some(1), "{said}");
    let lines = rows(&run_of(&stage, "latest").join("lines.csv"));
    assert_eq!(verdict(&lines[0]), "degraded needed-retry network", "{said}");
    assert!(lines[1..].iter().all(|row| row["result"] == "pass"), "a bench fault is no line's\n{said}");
    let states: Vec<[String; 2]> =
        modems(&stage).iter().map(|row| [row["modem"].clone(), row["state"].clone()]).collect();
    assert!(states.iter().all(|[_, state]| state == "ready"), "{states:?}\n{said}");
    assert_eq!(exchange.logged(What::PortReturned).len(), 1);
    let lost = rows(&run_of(&stage, "latest").join("calls.csv"));
    let lost: Vec<&Row> = lost.iter().filter(|call| call["fault"] == "port-lost").collect();
    assert_eq!(lost.len(), 1, "{said}");
    assert_eq!((lost[0]["modem"].as_str(), lost[0]["blame"].as_str()), ("m01", "bench-modem"));
}

#[test]
fn a_port_that_somebody_takes_in_the_middle_of_the_run_is_told_as_busy() {
    let mut town = Town::new(
        &["courier"],
        [Branch::with_fault(1, "{ kind: port-vanishes, at: ringing, back_after: 5s }")],
    );
    town.policy.push_str(", patience: 12s");
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let run = Running::start(audit(&stage, &["--plain"]));
    exchange.wait_for("the port's return", |log| log.iter().any(|entry| entry.event == What::PortReturned));
    let _held = hold(&exchange.port("m00"));
    let ended = run.finish(RUN);
    let said = ended.said();
    let lines = rows(&run_of(&stage, "latest").join("lines.csv"));
    assert_eq!(verdict(&lines[0]), "untested port-busy bench-modem", "{said}");
    assert!(lines[0]["detail"].contains(&format!("(pid {})", std::process::id())), "{said}");
    assert_eq!(ended.code(), Some(3), "{said}");
}

#[test]
fn a_wedged_port_or_one_that_does_not_hang_up_holds_up_nobody() {
    let town = Town::new(&["courier"; 4], (1..=16).map(Branch::new))
        .modem(0, "fault: wedged")
        .modem(1, "fault: dead");
    let stage = Stage::new();
    let _exchange = Exchange::of(&town, &stage);
    let began = Instant::now();
    let mut run = Running::start(audit(&stage, &["--plain"]));
    run.wait_for_verdicts(16);
    let ended = run.finish(RUN);
    let (took, said) = (began.elapsed(), ended.said());
    assert!(took < Duration::from_secs(15), "{took:?}\n{said}");
    assert_eq!(ended.code(), Some(0), "{said}");
    let lines = rows(&run_of(&stage, "latest").join("lines.csv"));
    assert!(lines.iter().all(|row| row["result"] == "pass"), "{said}");
    assert!(calls_on(&stage, "m00") <= 2 && calls_on(&stage, "m01") == 0, "{said}");
    // A wedged one is told as such.
    let first = &modems(&stage)[0];
    assert_eq!([&first["hangup_unproven"], &first["passed"]], ["1", "1"], "{first:?}\n{said}");
    assert!(ended.out.contains("modem m00: hangup-unproven"), "{said}");
}

#[test]
fn a_hang_up_that_is_not_done_is_the_modems_fault_and_no_lines() {
    let mut town = Town::new(&["courier", "courier"], (1..=6).map(Branch::new));
    town.rules = vec!["name: stuck, modem: m00, call: 1, fault: hangup-ignored".to_owned()];
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let ended = audited(&stage, &["--plain"]);
    let said = ended.said();
    let lines = rows(&run_of(&stage, "latest").join("lines.csv"));
    assert!(lines.iter().all(|row| row["result"] == "pass"), "{said}");
    let rows = modems(&stage);
    assert_eq!(
        [&rows[0]["hangup_unproven"], &rows[1]["hangup_unproven"]],
        ["1", "0"],
        "{said}\n{:#?}",
        exchange.log()
    );
    assert!(ended.out.contains("modem m00: hangup-unproven"), "{said}");
}

#[test]
fn a_port_that_the_bank_has_twice_is_an_error() {
    let town = Town::new(&["courier", "generic"], [Branch::new(1)]);
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let bank = fs::read_to_string(stage.path("bank.yaml")).unwrap();
    // Under its own name, and under another one.
    let twin = stage.path("twin");
    std::os::unix::fs::symlink(exchange.port("m00"), &twin).unwrap();
    for second in [exchange.port("m00"), twin] {
        let first = exchange.port("m01").display().to_string();
        stage.write("bank.yaml", &bank.replace(&first, &second.display().to_string()));
        let ended = audited(&stage, &["--plain"]);
        assert_eq!(ended.code(), Some(2), "{}", ended.said());
        assert!(
            ended.err.contains("bank.yaml:6: modems[1].port: is the port of modems[0]"),
            "{}",
            ended.said()
        );
        assert!(exchange.dialed().is_empty() && !stage.path("reports").exists(), "{}", ended.said());
    }
}
