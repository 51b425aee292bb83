//! Whole audits over the exchange's own RFC 2217 server: the verdicts are the same whatever its manners, lineman's client
//! keeps to the protocol, and a server that dies in mid-call costs its port and no line. What the modem lines show is in
//! `remote`.

use std::collections::BTreeSet;
use std::fs;

use lineman::sim::log::{Entry, What};

use crate::night::{Exchange, RUN, Running, at_once, audit, audited, rows, run_of, verdict};
use crate::stage::Stage;
use crate::town::{Branch, Town};

/// On a server's port set-up has to wait out the guard times of an escape, and so have hang-ups that nothing proves.
fn patient(mut town: Town) -> Town {
    town.limits = town.limits.replace("setup: 5s", "setup: 20s").replace("hangup: 4s", "hangup: 20s");
    town
}

fn town() -> Town {
    patient(Town::new(
        &["courier", "rockwell-conexant"],
        [
            Branch::new(1),
            Branch::new(2).rings(2),
            Branch::with_fault(3, "boot-prompt"),
            Branch::with_fault(4, "{ kind: wrong-host, text: other-rtr9 }"),
            Branch::with_fault(5, "silent"),
            Branch::new(6),
        ],
    ))
}

/// How calls with a carrier were hung up on, without repeats.
fn hung_up_by(exchange: &Exchange) -> BTreeSet<String> {
    let connected: BTreeSet<_> =
        exchange.logged(What::Connected).into_iter().map(|entry| entry.call).collect();
    let hung_up = exchange.logged(What::HungUp).into_iter().filter(|entry| connected.contains(&entry.call));
    hung_up.filter_map(|entry| entry.by).collect()
}

fn wrongs(exchange: &Exchange) -> Vec<Entry> {
    exchange.logged(What::ProtocolError)
}

#[test]
fn verdicts_are_the_same_over_any_server_and_the_client_keeps_to_the_protocol() {
    at_once(
        &[
            "strict",
            "ser2net",
            "sredird",
            "strict,control=never",
            "strict,keep-dtr",
            "ser2net,no-dtr,keep-dtr",
        ],
        verdicts_over,
    );
}

fn verdicts_over(manners: &str) {
    let stage = Stage::new();
    let exchange = Exchange::served(&town(), &stage, manners);
    let ended = audited(&stage, &["--plain"]);
    let said = format!("{manners}: {}\n{:#?}", ended.said(), exchange.log());
    let lines = rows(&run_of(&stage, "latest").join("lines.csv"));
    let verdicts: Vec<String> = lines.iter().map(verdict).collect();
    assert_eq!(
        verdicts,
        [
            "pass - -",
            "pass - -",
            "fail boot-prompt console",
            "fail wrong-console console",
            "fail console-silent console",
            "pass - -"
        ],
        "{said}"
    );
    let modems = rows(&run_of(&stage, "latest").join("modems.csv"));
    for modem in &modems {
        assert_eq!([&modem["state"], &modem["hangup_unproven"]], ["ready", "0"], "{said}");
    }
    assert!(exchange.off_hook().is_empty(), "{said}");
    assert!(wrongs(&exchange).is_empty(), "{manners}: {:#?}", wrongs(&exchange));
    if manners == "strict" {
        assert_eq!(hung_up_by(&exchange), BTreeSet::from(["dtr".to_owned()]), "{said}");
    }
}

#[test]
fn an_exchange_that_dies_in_mid_call_loses_the_port_and_no_line() {
    let mut dying = patient(Town::new(&["courier"], (1..=3).map(Branch::new)));
    dying.pace = 0.1;
    let mut living = dying.clone();
    living.modems[0].0 = "m01".to_owned();
    let (stage, other) = (Stage::new(), Stage::new());
    let second = Exchange::served(&living, &other, "strict");
    let mut first = Exchange::served(&dying, &stage, "strict");
    // One bank of both.
    let bank = fs::read_to_string(stage.path("bank.yaml")).unwrap();
    let theirs = fs::read_to_string(other.path("bank.yaml")).unwrap();
    let more = theirs.lines().find(|line| line.contains("id: m01")).unwrap();
    stage.write("bank.yaml", &bank.replace("modems:\n", &format!("modems:\n{more}\n")));
    let run = Running::start(audit(&stage, &["--plain"]));
    first.wait_for("a call", |log| log.iter().any(|entry| entry.event == What::Connected));
    first.kill_hard();
    let ended = run.finish(RUN);
    let said = format!("{}\n{:#?}", ended.said(), second.log());
    assert_eq!(ended.code(), Some(0), "{said}");
    let lines = rows(&run_of(&stage, "latest").join("lines.csv"));
    assert!(lines.iter().all(|row| row["result"] == "pass"), "{said}");
    let calls = rows(&run_of(&stage, "latest").join("calls.csv"));
    assert!(calls.iter().any(|c| c["modem"] == "m00" && c["fault"] == "port-lost"), "{said}");
}
