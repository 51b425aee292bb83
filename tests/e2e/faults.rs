//! Every fault that the exchange can produce, through the whole program: one line, one verdict, whose fault it is.
//!
//! The words stand here once more, as the design has them, so that a change of the program's own table is noticed.

use std::sync::Mutex;
use std::thread;

use crate::night::{audited, rows, run_of, verdict};
use crate::stage::Stage;
use crate::town::{Branch, Town};

/// Runs that go on at a time; they mostly wait.
const AT_A_TIME: usize = 6;

/// One fault: what to call it, what is done, on which modems, and the verdict that must come of it.
struct Case {
    name: &'static str,
    profiles: &'static [&'static str],
    build: fn(Branch) -> Branch,
    /// Keys of every modem in the exchange.
    modems: &'static str,
    policy: &'static str,
    verdict: &'static str,
    code: i32,
}

const fn case(name: &'static str, build: fn(Branch) -> Branch, verdict: &'static str) -> Case {
    Case {
        name,
        profiles: &["courier"],
        build,
        modems: "",
        policy: "attempts: 3, confirm: 2",
        verdict,
        code: 1,
    }
}

/// Both modems are meant to have it.
const PAIR: &[&str] = &["courier", "courier"];

fn cases() -> Vec<Case> {
    vec![
        Case { code: 0, ..case("nothing", |b| b, "pass - -") },
        // Our own side. The run could not judge, so it ends with 3.
        bench("port-missing", |b| b, "fault: port-missing", "untested port-open-failed bench-modem"),
        Case {
            policy: "attempts: 3, confirm: 2, patience: 4s",
            ..bench("dead", |b| b, "fault: dead", "untested modem-silent bench-modem")
        },
        bench("setup-error", |b| b, "fault: setup-error", "untested modem-error bench-modem"),
        bench(
            "port-vanishes",
            |b| b.far("fault: { kind: port-vanishes, at: ringing, back_after: 5s }"),
            "",
            "untested port-lost bench-modem",
        ),
        // Lost before its logout was proven, a call has proven nothing.
        bench(
            "port-vanishes in the logout",
            |b| b.far("fault: { kind: port-vanishes, at: logout, back_after: 5s }"),
            "",
            "untested port-lost bench-modem",
        ),
        bench("dial-error", |b| b.far("fault: dial-error"), "", "untested modem-error bench-modem"),
        bench("blacklisted", |b| b.far("fault: blacklisted"), "", "untested modem-refused bench-modem"),
        bench("delayed", |b| b.far("fault: delayed"), "", "untested modem-refused bench-modem"),
        bench(
            "dialing-disabled",
            |b| b.far("fault: dialing-disabled"),
            "",
            "untested modem-refused bench-modem",
        ),
        bench("no-dialtone", |b| b.far("fault: no-dialtone"), "", "untested no-dialtone bench-line"),
        bench("line-in-use", |b| b.far("fault: line-in-use"), "", "untested line-in-use bench-line"),
        bench("glare", |b| b.far("fault: glare"), "", "untested glare bench-line"),
        // The network and who answers.
        case("reorder", |b| b.far("fault: reorder"), "fail reorder network"),
        case("no-ring", |b| b.far("fault: no-ring"), "fail no-ring network"),
        case("busy", |b| b.far("fault: busy"), "fail busy far-line"),
        case("busy once", |b| b.far("fault: { kind: busy, times: 1 }"), "degraded needed-retry network"),
        case("no-answer", |b| b.far("fault: no-answer"), "fail no-answer far-line"),
        case("voice", |b| b.far("fault: voice"), "fail voice far-line"),
        case("fax", |b| b.far("fault: fax"), "fail fax far-line"),
        // The second ring tells the cadence; without one a country's is taken, and the silence must be longer.
        case("never-trains", |b| b.rings(3).far("fault: never-trains"), "fail no-carrier far-modem"),
        Case {
            profiles: &["generic"],
            ..case(
                "never-trains, told by nothing",
                |b| b.far("fault: never-trains"),
                "fail no-connect far-end",
            )
        },
        Case {
            profiles: &["generic"],
            ..case(
                "nobody answers, told by nothing",
                |b| b.far("fault: no-answer"),
                "fail no-connect far-end",
            )
        },
        // What the modem tells once it is on-hook.
        Case {
            profiles: &["v250"],
            ..case(
                "never-trains, told afterwards by another family",
                |b| b.far("fault: never-trains"),
                "fail no-carrier far-modem",
            )
        },
        Case {
            profiles: &["rockwell-conexant"],
            ..case(
                "never-trains, told afterwards",
                |b| b.far("fault: never-trains"),
                "fail no-carrier far-modem",
            )
        },
        drops("drops after CONNECT", |b| b.far("fault: { kind: drops, after: 100ms }")),
        drops("drops at the prompt", |b| b.far("fault: { kind: drops, at: prompted }")),
        drops("drops after the username", |b| b.far("fault: { kind: drops, at: username }")),
        // The console.
        case("silent", |b| b.far("fault: silent"), "fail console-silent console"),
        case("garbage", |b| b.far("fault: garbage"), "fail garbage console"),
        case("parity", |b| b.far("fault: parity-garbage"), "fail garbage console"),
        // Once, since an unproven password that is never answered counts as refused: a second call would send none.
        Case {
            policy: "attempts: 1, confirm: 1",
            ..case("stalls", |b| b.far("fault: login-stalls"), "fail login-timeout console")
        },
        case("boot", |b| b.far("fault: boot-prompt"), "fail boot-prompt console"),
        case("console-busy", |b| b.far("fault: console-busy"), "fail console-busy console"),
        case("unavailable", |b| b.far("fault: login-unavailable"), "fail login-unavailable console"),
        case(
            "wrong-host",
            |b| b.far("fault: { kind: wrong-host, text: other-rtr9 }"),
            "fail wrong-console console",
        ),
        case("open", |b| b.far("fault: open-console"), "fail open-console security"),
        // With no other line the run could not judge: a credential's fault is not a line's alone.
        Case {
            code: 3,
            ..case("refused", |b| b.far("fault: refused-password"), "fail login-refused credential")
        },
        Case {
            code: 3,
            ..case("expired", |b| b.far("fault: password-expired"), "fail password-expired credential")
        },
        case("lost-logout", |b| b.far("fault: lost-logout"), "degraded logout-unproven console"),
        case("flood", |b| b.far("fault: flood"), "fail login-timeout console"),
        case("echo", |b| b.far("fault: echo"), "fail console-silent console"),
        // The plan itself.
        Case {
            code: 0,
            ..case("on hold", |b| b.near("on_hold: \"ticket 4711\""), "untested on-hold policy")
        },
    ]
}

fn bench(
    name: &'static str,
    build: fn(Branch) -> Branch,
    modems: &'static str,
    verdict: &'static str,
) -> Case {
    Case {
        profiles: PAIR,
        modems,
        // Without a modem a run waits ten minutes for one; a second will do here.
        policy: "attempts: 3, confirm: 2, patience: 1s",
        code: 3,
        ..case(name, build, verdict)
    }
}

fn drops(name: &'static str, build: fn(Branch) -> Branch) -> Case {
    case(name, build, "fail carrier-lost far-modem")
}

impl Case {
    fn town(&self) -> Town {
        let branch = (self.build)(Branch::new(1).rings(2));
        let mut town = Town::new(self.profiles, [branch]);
        // S7 (75 s) must be longer than the silence after which ringing counts as ceased.
        town.pace = 0.03;
        // A modem that is silent is given up sooner than the run's patience ends.
        town.limits = town.limits.replace("setup: 5s", "setup: 3s");
        self.policy.clone_into(&mut town.policy);
        for modem in &mut town.modems {
            self.modems.clone_into(&mut modem.2);
        }
        town
    }

    /// What is wrong with the run, if anything.
    fn wrong(&self) -> Option<String> {
        let stage = Stage::new();
        self.town().found(&stage);
        let ended = audited(&stage, &[]);
        let told = |what: &str| Some(format!("{}: {what}\n{}", self.name, ended.said()));
        let Ok(run) = std::panic::catch_unwind(|| run_of(&stage, "latest")) else { return told("no report") };
        let lines = rows(&run.join("lines.csv"));
        let [line] = &lines[..] else { return told("lines.csv has not one row") };
        if verdict(line) != self.verdict {
            return told(&format!("`{}`, and `{}` was meant", verdict(line), self.verdict));
        }
        if ended.code() != Some(self.code) {
            return told(&format!("exit code {} was meant", self.code));
        }
        if line["result"] != "pass" && (line["detail"].is_empty() || line["advice"].is_empty()) {
            return told("no detail or no advice");
        }
        if line["run"] != run.file_name().unwrap_or_default().to_string_lossy() || line["plan"] != "town" {
            return told("the row is another run's");
        }
        let calls = rows(&run.join("calls.csv"));
        if calls.len().to_string() != line["attempts"] {
            return told(&format!("{} calls, and `attempts` says {}", calls.len(), line["attempts"]));
        }
        None
    }
}

#[test]
fn every_fault_of_the_exchange_makes_the_verdict_of_the_design() {
    let cases = Mutex::new(cases().into_iter());
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(case) = { cases.lock().unwrap().next() } {
                    if let Some(what) = case.wrong() {
                        wrong.lock().unwrap().push(what);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} cases are wrong:\n\n{}", wrong.len(), wrong.join("\n\n"));
}
