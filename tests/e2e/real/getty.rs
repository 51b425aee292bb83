//! Debian's getty and login behind `exec:`: the right password, a wrong one, a host of another name.

use std::time::Duration;

use super::{PASSWORD, can_run, script};
use crate::stage::Stage;
use crate::terminal::Terminal;

/// More than three calls ever take, each with getty's second of start and login's three of penance.
const LIMIT: Duration = Duration::from_secs(120);

/// A line whose far end is a getty on a host called `hostname`, where `oob` has `password`.
fn line(id: &str, number: &str, hostname: &str, password: &str) -> String {
    let getty = script("getty");
    let getty = getty.display();
    format!(
        "  - {{ id: {id}, number: \"{number}\", exec: [env, \"LINEMAN_REAL_PASSWORD={password}\", \"{getty}\", {hostname}] }}\n"
    )
}

fn exchange(lines: &[String]) -> String {
    format!(
        "exchange: gettys\npace: 0.05\nmodems:\n  - {{ id: m00, profile: courier }}\nlines:\n{}",
        lines.concat()
    )
}

const BANK: &str = "bank: gettys\nexchange: exchange.yaml\n";

#[test]
fn getty_and_login_pass_with_the_right_account_and_are_told_apart_without_it() {
    if !can_run("the audit of getty and login") {
        return;
    }
    let stage = Stage::new();
    stage.write(
        "exchange.yaml",
        &exchange(&[
            line("GOOD-A", "+1 919 555 0141", "br0141-con1", PASSWORD),
            line("OTHER-PASSWORD-A", "+1 919 555 0142", "br0142-con1", "not-that-one-7"),
            line("OTHER-HOST-A", "+1 919 555 0143", "br0999-con1", PASSWORD),
        ]),
    );
    stage.write("bank.yaml", BANK);
    // In order, on one modem: the first line proves the credential, so that the refusal on the second is that line's own.
    stage.write(
        "plan.yaml",
        r#"
plan: gettys
bank: bank.yaml
numbering: us
credentials:
  oob: { username: oob, password: { env: OOB_PASSWORD } }
defaults: { console: linux, credential: oob }
policy: { attempts: 1, confirm: 1, in_order: true }
lines:
  - { id: GOOD-A, site: BR0141, number: "+1 919 555 0141", hostname: br0141-con1 }
  - { id: OTHER-PASSWORD-A, site: BR0142, number: "+1 919 555 0142", hostname: br0142-con1 }
  - { id: OTHER-HOST-A, site: BR0143, number: "+1 919 555 0143", hostname: br0143-con1 }
"#,
    );
    let audit = stage.audit(&[("OOB_PASSWORD", PASSWORD)], LIMIT);
    let lines = audit.lines();
    let said = audit.said();

    let good = &lines["GOOD-A"];
    assert_eq!((good["result"].as_str(), good["hostname"].as_str()), ("pass", "br0141-con1"), "{said}");
    for phase in ["prompt_ms", "login_ms", "logout_ms", "hangup_ms", "total_ms"] {
        assert!(!good[phase].is_empty(), "{phase} is empty\n{said}");
    }
    let refused = &lines["OTHER-PASSWORD-A"];
    assert_eq!(verdict(refused), ["fail", "login-refused", "credential"], "{said}");
    // login sits for some seconds on a wrong password, and that is what the call waited for.
    assert!(refused["total_ms"].parse::<u64>().is_ok_and(|total| total > 1000), "{said}");
    let other = &lines["OTHER-HOST-A"];
    assert_eq!(verdict(other), ["fail", "wrong-console", "console"], "{said}");
    assert!(other["login_ms"].is_empty(), "nothing is sent to another host\n{said}");

    assert_eq!(audit.output.status.code(), Some(1), "{said}");
    assert_eq!(audit.holding(PASSWORD), Vec::<String>::new());
}

/// A shell's own words and ways: it edits its line, a program of it is interrupted, what is half typed is never run.
#[test]
fn a_real_shell_is_handed_over_and_taken_back_from_whatever_runs_there() {
    if !can_run("the handing over of a real shell") {
        return;
    }
    let stage = Stage::new();
    stage.write("exchange.yaml", &exchange(&[line("GOOD-A", "+1 919 555 0141", "br0141-con1", PASSWORD)]));
    stage.write("bank.yaml", BANK);
    stage.write(
        "plan.yaml",
        r#"
plan: gettys
bank: bank.yaml
numbering: us
credentials:
  oob: { username: oob, password: { env: OOB_PASSWORD } }
defaults: { console: linux, credential: oob }
lines:
  - { id: GOOD-A, site: BR0141, number: "+1 919 555 0141", hostname: br0141-con1 }
"#,
    );
    // At its prompt; with half a line, which would tell if it were sent off; with a program that runs; left by hand.
    for (keys, shows, code) in [
        (&b"echo $((40+2))\rprintf '\\033]0;evil\\007[%s]' $((6*7))\r"[..], "[42]", Some(0)),
        (b"touch half-\x7f-typed", "touch half-typed", Some(0)),
        (b"cat\rsee\r", "see\nsee", Some(0)),
        (b"exit\r", "", Some(0)),
    ] {
        let mut command = stage.lineman([
            "call",
            "GOOD-A",
            "--plan",
            "plan.yaml",
            "--interactive",
            "--watch",
            "--reports",
            "reports",
        ]);
        command.env("OOB_PASSWORD", PASSWORD);
        let mut terminal = Terminal::start(&command, None);
        terminal.wait_for("the shell", |screen| screen.contains("in all.") && screen.ends_with('$'));
        terminal.press(keys);
        if keys == b"exit\r" {
            terminal.wait_for("its end", |screen| screen.contains("the far end hung up"));
        } else {
            terminal.wait_for("its answer", |screen| screen.contains(shows));
            terminal.press(b"\x1d");
        }
        let (status, raw) = terminal.finish(LIMIT);
        let said = String::from_utf8_lossy(&raw).into_owned();
        assert_eq!(status.code(), code, "{said}");
        assert!(said.contains("PASS") && said.contains("on-hook is proven"), "{said}");
        // Had it been run, it would have been refused, and that be told.
        assert!(!said.contains("cannot touch"), "{said}");
        assert!(!said.contains("]0;evil\u{7}") && !said.contains(PASSWORD), "{said}");
    }
}

#[test]
fn a_password_that_getty_refuses_first_is_tried_once() {
    if !can_run("the audit of getty with a wrong password") {
        return;
    }
    let stage = Stage::new();
    stage.write(
        "exchange.yaml",
        &exchange(&[
            line("FIRST-A", "+1 919 555 0144", "br0144-con1", PASSWORD),
            line("SECOND-A", "+1 919 555 0145", "br0145-con1", PASSWORD),
        ]),
    );
    stage.write("bank.yaml", BANK);
    stage.write(
        "plan.yaml",
        r#"
plan: gettys
bank: bank.yaml
numbering: us
credentials:
  oob: { username: oob, password: { env: OOB_PASSWORD } }
defaults: { console: linux, credential: oob }
policy: { attempts: 2, confirm: 2, in_order: true }
lines:
  - { id: FIRST-A, site: BR0144, number: "+1 919 555 0144", hostname: br0144-con1 }
  - { id: SECOND-A, site: BR0145, number: "+1 919 555 0145", hostname: br0145-con1 }
"#,
    );
    let wrong = "Wrong-Horse-42";
    let audit = stage.audit(&[("OOB_PASSWORD", wrong)], LIMIT);
    let lines = audit.lines();
    let said = audit.said();
    assert_eq!(verdict(&lines["FIRST-A"]), ["fail", "login-refused", "credential"], "{said}");
    assert_eq!(lines["FIRST-A"]["attempts"], "1", "a refusal is never tried again\n{said}");
    // Dialed, timed, and seen up to the login prompt; but the account is not risked a second time.
    let second = &lines["SECOND-A"];
    assert_eq!(verdict(second), ["untested", "credential-unproven", "credential"], "{said}");
    assert!(!second["prompt_ms"].is_empty(), "{said}");
    assert!(second["login_ms"].is_empty(), "{said}");
    assert_eq!(audit.holding(wrong), Vec::<String>::new());
}

fn verdict(row: &crate::stage::Row) -> [&str; 3] {
    [&row["result"], &row["fault"], &row["blame"]]
}
