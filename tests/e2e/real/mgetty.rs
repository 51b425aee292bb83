//! Debian's mgetty behind `answer_on:`: it sets up the answering modem, answers at the first RING, and becomes login.

use std::time::Duration;

use super::far_end::{Exchange, MgettyHost};
use super::{PASSWORD, can_run};
use crate::stage::Stage;

/// More than two calls ever take, each with mgetty's start, getty's pause and login's penance.
const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn mgetty_passes_with_the_right_account_and_refuses_another() {
    if !can_run("the audit of mgetty") {
        return;
    }
    let stage = Stage::new();
    stage.write(
        "exchange.yaml",
        r#"
exchange: mgettys
pace: 0.2
modems:
  - { id: m00, profile: courier }
lines:
  - { id: GOOD-A, number: "+1 919 555 0151", answer_on: far0 }
  - { id: OTHER-PASSWORD-A, number: "+1 919 555 0152", answer_on: far1 }
"#,
    );
    let ports = stage.path("ports");
    stage.write(
        "bank.yaml",
        &format!(
            "bank: mgettys\nlocation: {{ country: US, area_code: \"919\" }}\nmodems:\n  - {{ id: m00, port: \"{}\", profile: courier }}\n",
            ports.join("m00").display()
        ),
    );
    stage.write(
        "plan.yaml",
        r#"
plan: mgettys
bank: bank.yaml
numbering: us
credentials:
  oob: { username: oob, password: { env: OOB_PASSWORD } }
defaults: { console: linux, credential: oob }
policy: { attempts: 1, confirm: 1, in_order: true }
lines:
  - { id: GOOD-A, site: BR0151, number: "+1 919 555 0151", hostname: br0151-con1 }
  - { id: OTHER-PASSWORD-A, site: BR0152, number: "+1 919 555 0152", hostname: br0152-con1 }
"#,
    );
    let exchange = Exchange::start(&stage, "exchange.yaml", &ports, &["m00", "far0", "far1"]);
    let _good = MgettyHost::start("br0151-con1", &ports.join("far0"), PASSWORD, &stage.path("far0"));
    let _other = MgettyHost::start("br0152-con1", &ports.join("far1"), "not-that-one-8", &stage.path("far1"));
    // Twice, since mgetty ends with each call: the second finds one that was started anew, and no shell of the first.
    for night in 1..=2 {
        let audit = stage.audit(&[("OOB_PASSWORD", PASSWORD)], LIMIT);
        let lines = audit.lines();
        let said = format!("night {night}: {}\nthe exchange said: {}", audit.said(), exchange.said());
        let good = &lines["GOOD-A"];
        assert_eq!((good["result"].as_str(), good["hostname"].as_str()), ("pass", "br0151-con1"), "{said}");
        let refused = &lines["OTHER-PASSWORD-A"];
        assert_eq!(
            [&refused["result"], &refused["fault"], &refused["blame"]],
            ["fail", "login-refused", "credential"],
            "{said}"
        );
        assert_eq!(audit.modems()["m00"]["hangup_unproven"], "0", "{said}");
        assert_eq!(audit.output.status.code(), Some(1), "{said}");
        assert_eq!(audit.holding(PASSWORD), Vec::<String>::new());
    }
}
