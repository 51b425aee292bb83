//! What the bank asks for is kept, as the exchange saw it: calls on a trunk, rest on-hook, and access codes that nobody reads.

use std::fs;

use lineman::sim::log::{Entry, What};

use crate::night::{Exchange, audited, rows, run_of};
use crate::stage::Stage;
use crate::town::{Branch, Town};

/// Gives every modem of the bank more keys.
pub(crate) fn modem_keys(stage: &Stage, keys: &str) {
    let bank = fs::read_to_string(stage.path("bank.yaml")).unwrap();
    let line = |line: &str| match line.strip_suffix(" }").filter(|line| line.starts_with("  - ")) {
        Some(entry) => format!("{entry}, {keys} }}\n"),
        None => format!("{line}\n"),
    };
    stage.write("bank.yaml", &bank.lines().map(line).collect::<Vec<_>>().concat());
}

/// The most calls that were up at a time.
fn most_at_a_time(log: &[Entry]) -> usize {
    let (mut up, mut most) = (0_usize, 0);
    for entry in log {
        match entry.event {
            What::Dialed => up += 1,
            What::OnHook => up -= 1,
            _ => {}
        }
        most = most.max(up);
    }
    most
}

#[test]
fn a_trunk_never_has_more_calls_than_it_may() {
    for (limit, most) in [(2, 2), (8, 5)] {
        let mut town = Town::new(&["courier"; 5], (1..=15).map(|n| Branch::new(n).rings(2)));
        town.bank_keys = format!("on_hook_min: 0s\ntrunks: {{ pstn: {{ max_calls: {limit} }} }}");
        let stage = Stage::new();
        let exchange = Exchange::of(&town, &stage);
        modem_keys(&stage, "trunk: pstn");
        let ended = audited(&stage, &[]);
        assert_eq!(ended.code(), Some(0), "{}", ended.said());
        // As many as it may, and no more: an idle trunk is a night that takes too long.
        assert_eq!(most_at_a_time(&exchange.log()), most, "{}", ended.said());
    }
}

#[test]
fn a_modem_stays_on_hook_for_as_long_as_the_bank_says() {
    const REST_US: u64 = 700_000;
    let branches = (1..=8).map(|n| if n % 3 == 0 { Branch::with_fault(n, "busy") } else { Branch::new(n) });
    let mut town = Town::new(&["courier", "generic"], branches);
    town.bank_keys = "on_hook_min: 700ms".to_owned();
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let ended = audited(&stage, &[]);
    let log = exchange.log();
    for modem in ["m00", "m01"] {
        let of = |what| log.iter().filter(move |e| e.event == what && e.modem.as_deref() == Some(modem));
        let rests: Vec<u64> = of(What::OnHook)
            .zip(of(What::Dialed).skip(1))
            .map(|(down, up)| up.mono_us - down.mono_us)
            .collect();
        assert!(rests.len() >= 2, "{}", ended.said());
        assert!(rests.iter().all(|rest| *rest >= REST_US), "{modem}: {rests:?}");
        // Nor is there much more than that.
        let mut sorted = rests.clone();
        sorted.sort_unstable();
        assert!(sorted[rests.len() / 2] < REST_US + 200_000, "{modem}: {rests:?}");
    }
}

#[test]
fn an_access_code_is_dialed_and_written_nowhere() {
    const CODE: &str = "31337313";
    let stage = Stage::new();
    let town = Town::new(&["courier", "generic"], [Branch::new(1), Branch::new(2)]);
    let exchange = Exchange::of(&town, &stage);
    modem_keys(&stage, &format!("prefix: \"9,{CODE},\""));
    let audit = audited(&stage, &["-vvv"]);
    let check =
        crate::night::Running::start(stage.lineman(["check", "plan.yaml"])).finish(crate::night::SOON);
    let dialed = exchange.logged(What::Dialed);
    assert!(
        !dialed.is_empty()
            && dialed.iter().all(|entry| entry.dialed.as_ref().is_some_and(|d| d.contains(CODE)))
    );
    let run = run_of(&stage, "latest");
    for name in ["lines.csv", "calls.csv", "modems.csv", "summary.json", "events.jsonl"] {
        let text = fs::read_to_string(run.join(name)).unwrap();
        assert!(!text.contains(CODE), "{name}: {text}");
    }
    for text in [&audit.out, &audit.err, &check.out, &check.err] {
        assert!(!text.contains(CODE), "{text}");
    }
    // Masked, and not left out.
    let lines = rows(&run.join("lines.csv"));
    assert!(
        lines.iter().all(|row| row["dialed"].starts_with("9,") && row["dialed"].contains("1704555010")),
        "{lines:?}"
    );
    assert!(check.out.contains("1704555010"), "{}", check.said());
}
