//! Several consoles behind one line: one verdict each in one call, and nothing but CRs typed at any of them.

use lineman::model::event::ConsoleRecord;
use lineman::model::{Fault, Moment, PhaseTimes};
use lineman::sim::log::What;

use crate::stage::{PASSWORD, Played, Stage, USER};
use crate::verdicts::bank;

/// The two kinds of console servers, with the names of three ports.
const KINDS: [(&str, [&str; 3]); 2] = [("port-menu", ["1", "2", "3"]), ("port-names", ["sw1", "sw2", "pdu"])];

/// A line with a console server, and consoles behind it; each is `(port, rest)`.
fn server(kind: &str, consoles: &[(&str, String)]) -> String {
    let behind = |(port, rest): &(&str, String)| format!("{{ port: \"{port}\", {rest} }}");
    let behind: Vec<String> = consoles.iter().map(behind).collect();
    format!(
        "console: {kind}, hostname: br1-cs1, username: {USER}, password: {PASSWORD}, consoles: [{}]",
        behind.join(", ")
    )
}

/// Three consoles that name themselves in their login prompts; the second with this beside.
fn three(kind: &str, ports: [&str; 3], second: &str) -> String {
    let good = |n: usize| format!("console: linux, hostname: br1-host{n}");
    let bad = if second.is_empty() { good(2) } else { format!("{}, {second}", good(2)) };
    server(kind, &[(ports[0], good(1)), (ports[1], bad), (ports[2], good(3))])
}

fn play(line: &str) -> Played {
    Stage::new(&bank(&["profile: courier", "profile: courier"], &[("BR1", line)])).play()
}

fn faults(consoles: &[ConsoleRecord]) -> Vec<Option<Fault>> {
    consoles.iter().map(|record| record.fault).collect()
}

/// What went through to the consoles and was no CR.
fn typed(played: &Played) -> Vec<String> {
    played.logged(What::ConsoleTyped).iter().filter_map(|entry| entry.text.clone()).collect()
}

#[test]
fn all_consoles_are_seen_in_one_call_and_each_has_its_verdict() {
    for (kind, ports) in KINDS {
        let played = play(&three(kind, ports, ""));
        let calls = played.calls_of("BR1");
        assert_eq!((played.fault("BR1"), calls.len()), (None, 1), "{kind}: {}", played.verdict("BR1").detail);
        let call = calls[0];
        assert_eq!(faults(&call.consoles), [None; 3], "{kind}");
        let hosts: Vec<_> = call.consoles.iter().filter_map(|record| record.hostname.as_deref()).collect();
        assert_eq!(hosts, ["br1-host1", "br1-host2", "br1-host3"]);
        assert!(call.consoles.iter().all(|record| record.answer_ms.is_some_and(|ms| ms > 0)));
        let chosen: Vec<_> =
            played.logged(What::ConsoleChosen).iter().map(|e| e.text.clone().unwrap()).collect();
        assert_eq!(chosen, ports);
        assert_eq!(played.logged(What::ConsoleLeft).len(), 3);
        assert_eq!((typed(&played), played.logged(What::Command).len()), (Vec::new(), 0), "{kind}");
        assert_eq!((played.logged(What::Password).len(), played.logged(What::LoggedOut).len()), (1, 1));
        let times = PhaseTimes::of(&call.timeline);
        assert!(times.verify_ms.is_some_and(|ms| ms > 3000) && times.logout_ms.is_some_and(|ms| ms < 5000));
    }
}

#[test]
fn each_thing_that_can_be_wrong_with_one_is_told_of_that_one_and_the_others_are_seen() {
    let cases = [
        ("fault: wrong-host", Fault::WrongConsole, "answered as \"some-other-host\", expected \"br1-host2\""),
        ("fault: silent", Fault::ConsoleSilent, "not one character within 20 s after 3 CRs"),
        ("fault: open-console", Fault::OpenConsole, "command prompt \"root@br1-host2:~"),
        ("fault: boot-prompt", Fault::BootPrompt, "grub>"),
        ("fault: garbage", Fault::Garbage, "unreadable"),
        ("fault: parity-garbage", Fault::Garbage, "even parity"),
        ("fault: echo", Fault::ConsoleSilent, "it only echoes"),
        ("fault: flood", Fault::LoginTimeout, "endless output"),
        ("password_only: true, banner: no name here", Fault::WrongConsole, "names a host"),
    ];
    for (kind, ports) in KINDS {
        for (second, fault, words) in cases {
            let played = play(&three(kind, ports, second));
            let verdict = played.verdict("BR1");
            assert_eq!(verdict.fault, Some(fault), "{kind} {second}: {}", verdict.detail);
            assert!(verdict.detail.contains(words), "{kind} {second}: {}", verdict.detail);
            let (port, host) = (ports[1], "br1-host2");
            assert!(
                verdict.detail.starts_with(&format!("console {host} (port {port}): ")),
                "{}",
                verdict.detail
            );
            assert!(verdict.detail.contains("2 of 3 consoles passed"), "{}", verdict.detail);
            for call in played.calls_of("BR1") {
                assert_eq!(faults(&call.consoles), [None, Some(fault), None], "{kind} {second}: {call:?}");
                assert!(call.transcript.as_ref().is_some_and(|said| said.contains("br1-cs1")), "{call:?}");
            }
            let final_ones = [Fault::OpenConsole, Fault::BootPrompt];
            let calls = if final_ones.contains(&fault) { 1 } else { 2 };
            assert_eq!(played.calls_of("BR1").len(), calls, "{kind} {second}");
            assert_eq!(typed(&played), Vec::<String>::new(), "{kind} {second}");
            assert_eq!(played.logged(What::Command).len(), 0, "{kind} {second}");
        }
    }
}

#[test]
fn a_port_that_its_server_refuses_is_told_and_the_others_are_seen_where_that_can_be_known() {
    let cases = [
        ("busy", Fault::ConsoleBusy),
        ("off", Fault::ConsoleSilent),
        ("unknown", Fault::WrongConsole),
        ("odd", Fault::WrongConsole),
    ];
    for (refusal, fault) in cases {
        let (kind, ports) = KINDS[1];
        let played = play(&three(kind, ports, &format!("refuses: {refusal}")));
        for call in played.calls_of("BR1") {
            assert_eq!(faults(&call.consoles), [None, Some(fault), None], "{refusal}: {call:?}");
        }
        assert_eq!(played.fault("BR1"), Some(fault), "{refusal}");
        assert_eq!(played.logged(What::LoggedOut).len(), played.calls_of("BR1").len());

        // A menu that does not tell when it has connected: what looks like its prompt may be the console's.
        let (kind, ports) = KINDS[0];
        let played = play(&three(kind, ports, &format!("refuses: {refusal}")));
        let calls = played.calls_of("BR1");
        assert_eq!(faults(&calls[0].consoles), [None, Some(fault), Some(Fault::Skipped)], "{refusal}");
        if let Some(second) = calls.get(1) {
            assert_eq!(faults(&second.consoles), [Some(Fault::Skipped), Some(fault), None], "{refusal}");
        }
        assert_eq!(played.logged(What::LoggedOut).len(), 0, "nothing was typed there any more");
    }
}

#[test]
fn an_escape_that_does_nothing_ends_the_call_and_the_next_one_begins_at_the_other_end() {
    for (kind, ports) in KINDS {
        let played = play(&three(kind, ports, "holds: true"));
        let calls = played.calls_of("BR1");
        let not_left = Some(Fault::LogoutUnproven);
        assert_eq!(calls.len(), 2, "{kind}");
        assert_eq!(faults(&calls[0].consoles), [None, not_left, Some(Fault::Skipped)], "{kind}");
        assert_eq!(faults(&calls[1].consoles), [Some(Fault::Skipped), not_left, None], "{kind}");
        let verdict = played.verdict("BR1");
        assert_eq!(verdict.fault, Some(Fault::LoginTimeout), "{}", verdict.detail);
        assert!(verdict.detail.contains("could not be left again"), "{}", verdict.detail);
        assert!(calls[0].consoles[2].detail.contains("not reached"), "{:?}", calls[0].consoles);
        // The escape itself, once a call, and no more: no choice, no logout.
        let bytes = if kind == "port-menu" { ["~", "m"] } else { ["\\x1e", "x"] };
        let escape: Vec<String> = bytes.iter().map(|byte| format!("{}: {byte}", ports[1])).collect();
        assert_eq!(typed(&played), [escape.clone(), escape].concat(), "{kind}");
        assert_eq!(played.logged(What::Logout).len(), 0, "{kind}");
    }
}

#[test]
fn one_that_can_not_be_left_but_was_the_last_leaves_the_line_degraded() {
    let (kind, ports) = KINDS[1];
    let good = |n: usize| format!("console: linux, hostname: br1-host{n}");
    let line = server(kind, &[(ports[0], good(1)), (ports[1], format!("{}, holds: true", good(2)))]);
    let played = play(&line);
    assert_eq!(played.fault("BR1"), Some(Fault::LogoutUnproven), "{}", played.verdict("BR1").detail);
    assert_eq!(played.calls_of("BR1").len(), 1);
}

#[test]
fn a_console_that_shows_its_servers_menu_or_refusal_gets_nothing_typed() {
    for (kind, ports) in KINDS {
        for fake in ["menu", "refusal", "escape"] {
            for holds in [false, true] {
                let beside = format!("fakes: {fake}, holds: {holds}");
                let played = play(&three(kind, ports, &beside));
                let calls = played.calls_of("BR1");
                // Whatever went through was the escape, and at a console that shows the prompt upon the escape alone
                // there is no telling.
                let through = typed(&played).join(" ");
                if !(fake == "escape" && holds) {
                    let choice = format!("{}: {}", ports[1], &ports[2][..1]);
                    assert!(!through.contains(&choice), "{kind} {beside}: {through}");
                    assert!(!through.contains(&format!("{}: e", ports[1])), "{kind} {beside}: {through}");
                }
                if !holds {
                    assert_eq!(through, "", "{kind} {beside}");
                }
                if fake == "menu" {
                    let second = &calls[0].consoles[1];
                    assert_eq!(second.fault, Some(Fault::WrongConsole), "{kind} {beside}: {second:?}");
                    assert_eq!(calls[0].consoles[2].fault, Some(Fault::Skipped), "{kind} {beside}");
                }
            }
        }
    }
}

#[test]
fn a_call_that_never_came_to_its_consoles_says_so_of_each() {
    let (kind, ports) = KINDS[0];
    let played = play(&format!("{}, fault: busy", three(kind, ports, "")));
    assert_eq!(played.fault("BR1"), Some(Fault::Busy));
    for call in played.calls_of("BR1") {
        assert_eq!(faults(&call.consoles), [Some(Fault::Skipped); 3]);
        assert_eq!(call.consoles[0].detail, "not reached: busy");
    }
    let played = play(&format!("{}, fault: refused-password", three(kind, ports, "")));
    assert_eq!(played.fault("BR1"), Some(Fault::LoginRefused));
    assert_eq!(faults(&played.calls_of("BR1")[0].consoles), [Some(Fault::Skipped); 3]);
    assert_eq!(played.logged(What::ConsoleChosen).len(), 0);
}

#[test]
fn a_carrier_that_is_lost_at_a_console_is_told_of_it_and_of_the_line() {
    let (kind, ports) = KINDS[1];
    let line = format!(
        "{}, fault: {{ kind: drops, at: logged-in, after: 9s }}",
        three(kind, ports, "fault: silent")
    );
    let played = play(&line);
    assert_eq!(played.fault("BR1"), Some(Fault::CarrierLost), "{}", played.verdict("BR1").detail);
    let first = played.calls_of("BR1")[0];
    assert!(first.consoles.iter().any(|record| record.fault == Some(Fault::CarrierLost)), "{first:?}");
    assert!(first.consoles.iter().any(|record| record.fault == Some(Fault::Skipped)), "{first:?}");
    assert!(first.timeline.get(Moment::Verified).is_none());
}

#[test]
fn twenty_consoles_have_the_time_that_they_need() {
    let (kind, _) = KINDS[0];
    let ports: Vec<String> = (1..=20).map(|n| n.to_string()).collect();
    let consoles: Vec<(&str, String)> = ports
        .iter()
        .map(|port| (port.as_str(), format!("console: linux, hostname: br1-host{port}, fault: silent")))
        .collect();
    let played = play(&server(kind, &consoles));
    let call = played.calls_of("BR1")[0];
    assert_eq!(faults(&call.consoles), [Some(Fault::ConsoleSilent); 20]);
    assert!(played.verdict("BR1").detail.contains("0 of 20 consoles passed"));
    assert_eq!(played.logged(What::LoggedOut).len(), 2);
}
