//! Debian's iaxmodem as one of our own modems: set-up, identification and a dial against an AT interpreter that nobody
//! here wrote. It says `OK` to nearly everything, an empty `+GMI` included; with no switch behind it a dial ends in
//! `NO ANSWER` after 45 s.

use std::time::Duration;

use lineman::modem::codec::{Codec, Token};
use lineman::modem::result_code::ResultCode;

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
    assert_eq!(modem["profile"], "unknown", "its answers fit no family\n{said}");
    assert_eq!(modem["hangup_unproven"], "0", "{said}");
    assert_eq!(audit.output.status.code(), Some(1), "{said}");
}

/// What was recorded of it: each command line, and all that came back before the next.
const RECORDED: &str = include_str!("../../fixtures/iaxmodem.txt");

/// Undoes the escapes of the record.
fn unescape(text: &str) -> String {
    text.replace("\\r", "\r").replace("\\n", "\n").replace("\\\\", "\\")
}

#[test]
fn what_was_recorded_of_iaxmodem_is_understood() {
    let mut codec = Codec::new(false);
    let mut asked = String::new();
    let mut understood = 0;
    for line in RECORDED.lines() {
        if let Some(sent) = line.strip_prefix("> ") {
            asked = unescape(sent);
            codec.note_written(asked.as_bytes());
        } else if let Some(answer) = line.strip_prefix("< ").filter(|answer| !answer.is_empty()) {
            // After the answer stands how long it took, if it took long.
            let answer = unescape(answer.split("   +").next().unwrap_or_default());
            codec.feed(answer.as_bytes());
            let tokens: Vec<Token> = codec.by_ref().collect();
            let said: Vec<&str> =
                answer.split(['\r', '\n']).filter(|l| !l.is_empty() && *l != asked.trim_end()).collect();
            let Some((result, infos)) = said.split_last() else {
                panic!("{asked:?} was answered with {answer:?}")
            };
            // A number is a result only for a codec that was told so: here it is noise, and must not be taken for more.
            let last = match *result {
                "0" => Token::Info("0".to_owned()),
                word => {
                    Token::Result(ResultCode::parse(word).unwrap_or_else(|| panic!("{word:?} is no result")))
                }
            };
            let expected: Vec<Token> =
                infos.iter().map(|info| Token::Info((*info).to_owned())).chain([last]).collect();
            assert_eq!(tokens, expected, "{asked:?} was answered with {answer:?}");
            understood += 1;
        }
    }
    assert!(understood > 40, "only {understood} answers stand in the record");
}
