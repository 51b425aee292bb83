//! Debian's iaxmodem as one of our own modems: set-up, identification and a dial against an AT interpreter that nobody
//! here wrote. It says `OK` to nearly everything, an empty `+GMI` included; with no switch behind it a dial ends in
//! `NO ANSWER` after 45 s.

use std::time::Duration;

use super::can_run;
use super::far_end::Iaxmodem;
use crate::stage::Stage;

#[test]
fn iaxmodem_is_set_up_identified_and_dials_into_no_answer() {
    if !can_run("the dial with iaxmodem") {
        return;
    }
    let stage = Stage::new();
    let link = stage.path("ttyIAX");
    stage.write(
        "bank.yaml",
        &format!(
            "bank: iax\nlocation: {{ country: US, area_code: \"919\" }}\nmodems:\n  - {{ id: iax0, port: \"{}\", profile: auto }}\n",
            link.display()
        ),
    );
    stage.write(
        "plan.yaml",
        r#"
plan: iax
bank: bank.yaml
numbering: us
defaults: { console: none }
policy: { attempts: 1, confirm: 1 }
limits: { dial: 60s }
lines:
  - { id: NOBODY-A, site: BR0161, number: "+1 919 555 0161" }
"#,
    );
    let _modem = Iaxmodem::start(&stage, &link);
    let audit = stage.audit(&[], Duration::from_secs(120));
    let lines = audit.lines();
    let said = audit.said();
    let line = &lines["NOBODY-A"];
    assert_eq!(
        [&line["result"], &line["fault"], &line["blame"]],
        ["fail", "no-answer", "far-line"],
        "{said}"
    );
    // The modem's own words after 45 s, not a limit of ours.
    let total: u64 = line["total_ms"].parse().expect("a call that was dialed and hung up has a length");
    assert!((44_000..58_000).contains(&total), "{total} ms\n{said}");
    // Nothing was seen in between, and nothing is claimed.
    for phase in ["ring_ms", "train_ms", "connect_ms", "prompt_ms", "login_ms", "hostname"] {
        assert_eq!(line[phase], "", "{phase}\n{said}");
    }
    let modem = &audit.modems()["iax0"];
    assert_eq!(modem["profile"], "generic", "its answers fit no family\n{said}");
    assert_eq!(modem["hangup_unproven"], "0", "{said}");
    assert_eq!(audit.output.status.code(), Some(1), "{said}");
}
