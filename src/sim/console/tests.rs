//! A console by itself: what is typed, what comes back, and when.

use proptest::prelude::*;

use super::*;
use crate::sim::fault::FaultKind;

fn manner() -> Manner {
    let ms = Duration::from_millis;
    Manner { prompt: ms(400), think: ms(50), pace: 1.0, chance: fastrand::Rng::with_seed(1) }
}

fn line(yaml: &str) -> LineEntry {
    serde_yaml::from_str(&format!("{{ id: a, number: '+19195550101', hostname: rtr1, {yaml} }}")).unwrap()
}

fn console(yaml: &str, fault: Option<FaultKind>) -> Console {
    Console::start(&line(yaml), fault.map(FaultEntry::plain).as_ref(), manner(), Mono::ZERO)
}

/// All that is said until nothing more is due before `until`; the last instant.
fn hear(console: &mut Console, until: Mono) -> (String, Vec<What>, bool) {
    let (mut said, mut events, mut dropped) = (Vec::new(), Vec::new(), false);
    while let Some(due) = console.deadline().filter(|due| *due <= until) {
        while let Some(act) = console.poll(due) {
            match act {
                Act::Say(bytes, shows) => {
                    said.extend(bytes);
                    events.extend(shows);
                }
                Act::Heard(what, ..) => events.push(what),
                Act::Drop => dropped = true,
            }
        }
    }
    (String::from_utf8_lossy(&said).into_owned(), events, dropped)
}

const FULL: &str = "console: cisco-ios, username: oob, password: demo";

#[test]
fn nothing_is_said_before_its_time() {
    let mut c = console(FULL, None);
    assert_eq!(c.deadline(), Some(Mono::from_millis(400)));
    assert_eq!(c.poll(Mono::from_millis(399)), None);
    assert!(c.poll(Mono::from_millis(400)).is_some());
    c.input(Mono::from_millis(1000), b"o");
    assert_eq!(c.deadline(), Some(Mono::from_millis(1050)));
}

#[test]
fn a_console_that_sleeps_wants_a_cr() {
    let mut c = console(&format!("{FULL}, wake: true"), None);
    assert_eq!(hear(&mut c, Mono::from_millis(50_000)).0, "");
    c.input(Mono::from_millis(50_000), b"\r");
    assert!(hear(&mut c, Mono::from_millis(51_000)).0.ends_with("Username: "));
}

#[test]
fn the_password_is_not_echoed_and_the_username_is() {
    let mut c = console(FULL, None);
    hear(&mut c, Mono::from_millis(1000));
    c.input(Mono::from_millis(1000), b"oob\r\n");
    assert_eq!(hear(&mut c, Mono::from_millis(2000)).0, "oob\r\nPassword: ");
    c.input(Mono::from_millis(2000), b"demo\r");
    let (said, events, _) = hear(&mut c, Mono::from_millis(3000));
    assert_eq!((said.as_str(), events), ("\r\nrtr1>", vec![What::Password, What::LoggedIn]));
    c.input(Mono::from_millis(3000), b"show version\rexit\r");
    let (said, events, _) = hear(&mut c, Mono::from_millis(4000));
    assert!(said.contains("% Invalid input") && said.ends_with("Username: "), "{said:?}");
    assert_eq!(events, [What::Command, What::Logout, What::LoggedOut, What::Prompted]);
}

#[test]
fn a_line_is_edited_and_ctrl_c_runs_nothing() {
    let mut c = console(FULL, None);
    hear(&mut c, Mono::from_millis(1000));
    c.input(Mono::from_millis(1000), b"oob\rdemo\r");
    hear(&mut c, Mono::from_millis(3000));
    c.input(Mono::from_millis(3000), b"rel\x7foad\x03");
    let (said, events, _) = hear(&mut c, Mono::from_millis(4000));
    assert_eq!((said.as_str(), events.len()), ("rel\x08 \x08oad^C\r\nrtr1>", 0));
    c.input(Mono::from_millis(4000), b"\x7fexit\r");
    assert!(hear(&mut c, Mono::from_millis(5000)).0.ends_with("Username: "));
}

#[test]
fn three_wrong_passwords_end_the_session() {
    let mut c = console(FULL, None);
    let mut at = 1000;
    for n in 1..=3 {
        hear(&mut c, Mono::from_millis(at));
        c.input(Mono::from_millis(at), b"oob\rwrong\r");
        at += 5000;
        let (said, events, dropped) = hear(&mut c, Mono::from_millis(at));
        assert!(said.contains("% Login invalid") && events.contains(&What::Password), "{said:?}");
        assert_eq!(dropped, n == 3);
    }
}

#[test]
fn a_console_may_ask_for_a_password_alone() {
    let mut c = console("console: cisco-ios, password: demo", None);
    assert!(hear(&mut c, Mono::from_millis(1000)).0.ends_with("Verification\r\n\r\nPassword: "));
    c.input(Mono::from_millis(1000), b"demo\r");
    assert!(hear(&mut c, Mono::from_millis(2000)).0.ends_with("rtr1>"));
}

#[test]
fn an_idle_login_times_out_and_a_session_does_not() {
    let mut c = console(&format!("{FULL}, login_limit: 5s"), None);
    let (said, _, dropped) = hear(&mut c, Mono::from_millis(10_000));
    assert!(said.contains("% Username:  timeout expired!") && dropped, "{said:?}");
    let mut c = console(&format!("{FULL}, login_limit: 5s"), None);
    hear(&mut c, Mono::from_millis(1000));
    c.input(Mono::from_millis(1000), b"oob\rdemo\r");
    assert!(!hear(&mut c, Mono::from_millis(99_000)).2);
}

#[test]
fn syslog_lines_come_in_between() {
    let mut c = console(&format!("{FULL}, syslog: true"), None);
    let (said, ..) = hear(&mut c, Mono::from_millis(1000));
    let prompt = said.find("Username: ").unwrap();
    assert!(
        said[..prompt].contains("%LINK-3-UPDOWN") && said[prompt..].contains("%LINK-3-UPDOWN"),
        "{said:?}"
    );
}

#[test]
fn another_host_another_banner() {
    let mut c = console("console: linux, username: u, password: p, banner: \"Welcome\\nto us\"", None);
    assert_eq!(hear(&mut c, Mono::from_millis(1000)).0, "\r\nWelcome\r\nto us\r\nrtr1 login: ");
    let mut c = console(FULL, Some(FaultKind::BootPrompt));
    hear(&mut c, Mono::from_millis(1000));
    c.input(Mono::from_millis(1000), b"\r");
    assert!(hear(&mut c, Mono::from_millis(2000)).0.ends_with("rommon 2 > "));
}

#[test]
fn ctrl_d_ends_a_shell() {
    let mut c = console("console: linux, username: u, password: p", None);
    hear(&mut c, Mono::from_millis(1000));
    c.input(Mono::from_millis(1000), b"u\rp\r\x04");
    assert!(hear(&mut c, Mono::from_millis(2000)).2);
}

#[test]
fn procurve_wants_a_key_and_asks_at_the_logout() {
    for (kind, leave) in [("hp-procurve", "logout\r"), ("hp-procurve-menu", "0")] {
        let mut c = console(&format!("console: {kind}, username: u, password: p"), None);
        let (said, ..) = hear(&mut c, Mono::from_millis(1000));
        assert!(said.contains("Press any key to continue") && !said.contains("Username"), "{said:?}");
        c.input(Mono::from_millis(1000), b"\ru\rp\r");
        let (said, events, _) = hear(&mut c, Mono::from_millis(2000));
        assert!(events.contains(&What::LoggedIn) && said.contains("rtr1"), "{said:?}");
        assert_eq!(said.contains("To select menu item"), kind == "hp-procurve-menu");
        c.input(Mono::from_millis(2000), leave.as_bytes());
        assert!(hear(&mut c, Mono::from_millis(3000)).0.contains("log out [y/n]? "));
        c.input(Mono::from_millis(3000), b"y");
        let (said, events, _) = hear(&mut c, Mono::from_millis(4000));
        assert!(said.contains("save current configuration [y/n/^C]? ") && events.is_empty(), "{said:?}");
        c.input(Mono::from_millis(4000), b"n");
        let (said, events, _) = hear(&mut c, Mono::from_millis(5000));
        assert!(said.contains("Press any key") && events == [What::LoggedOut], "{said:?} {events:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_bring_it_down(
        kind in 0..9_usize,
        fault in prop::option::of(0..6_usize),
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
    ) {
        let kind = ["cisco-ios", "cisco-nxos", "linux", "generic", "junos", "hp-procurve", "hp-procurve-menu", "port-menu", "port-names"][kind];
        let fault = fault.map(|f| {
            use FaultKind::{BootPrompt, Echo, Garbage, LostLogout, OpenConsole, PasswordExpired};
            [BootPrompt, Echo, Garbage, LostLogout, OpenConsole, PasswordExpired][f]
        });
        let behind = if kind.starts_with("port") {
            ", consoles: [{ port: \"1\", console: linux }, { port: \"2\", console: junos, holds: true, fakes: escape }]"
        } else {
            ""
        };
        let mut c = console(&format!("console: {kind}, username: u, password: p{behind}"), fault);
        let mut now = Mono::ZERO;
        for chunk in chunks {
            c.input(now, &chunk);
            now = now + Duration::from_millis(200);
            let (said, ..) = hear(&mut c, now);
            prop_assert!(said.len() < 64 * 1024);
        }
    }
}

/// A console server of this kind with two consoles, behind its login.
fn server(kind: &str, ports: [&str; 2], second: &str) -> Console {
    let mut c = console(
        &format!(
            "console: {kind}, username: u, password: p, consoles: [\
             {{ port: \"{}\", console: linux, hostname: sw1 }}, \
             {{ port: \"{}\", console: linux, hostname: sw2, {second} }}]",
            ports[0], ports[1]
        ),
        None,
    );
    hear(&mut c, Mono::from_millis(1000));
    c.input(Mono::from_millis(1000), b"u\rp\r");
    assert!(hear(&mut c, Mono::from_millis(2000)).1.contains(&What::LoggedIn));
    c
}

#[test]
fn a_menu_of_ports_connects_and_its_escape_comes_back() {
    let mut c = server("port-menu", ["1", "2"], "refuses: busy");
    c.input(Mono::from_millis(2000), b"2\r");
    assert!(hear(&mut c, Mono::from_millis(3000)).0.contains("Port 2 is in use\r\n\r\n   1: sw1"));
    c.input(Mono::from_millis(3000), b"1\r");
    assert!(hear(&mut c, Mono::from_millis(4000)).1.contains(&What::ConsoleChosen));
    c.input(Mono::from_millis(4000), b"\r");
    assert!(hear(&mut c, Mono::from_millis(5000)).0.ends_with("sw1 login: "));
    // In the middle of a line it is no escape.
    c.input(Mono::from_millis(5000), b"x~m");
    let (said, events, _) = hear(&mut c, Mono::from_millis(6000));
    assert_eq!((said.as_str(), events), ("x~m", vec![What::ConsoleTyped; 3]));
    c.input(Mono::from_millis(6000), b"\r~m");
    let (said, events, _) = hear(&mut c, Mono::from_millis(7000));
    assert!(said.ends_with("Connect to port > ") && events == [What::ConsoleLeft], "{said:?} {events:?}");
}

#[test]
fn port_names_are_suspended_resumed_and_ended() {
    let mut c = server("port-names", ["sw1", "sw2"], "holds: true");
    let mut at = 2000;
    let mut say = |c: &mut Console, bytes: &[u8]| {
        c.input(Mono::from_millis(at), bytes);
        at += 1000;
        hear(c, Mono::from_millis(at)).0
    };
    assert!(say(&mut c, b"connect sw1\r").ends_with("Trying sw1 (10.0.0.1, 2001)... Open\r\n"));
    assert!(say(&mut c, b"\x1ex").ends_with("rtr1>"));
    assert!(say(&mut c, b"\r").contains("[Resuming connection 1 to sw1"), "a CR goes back to it");
    assert!(say(&mut c, b"\x1ex").ends_with("rtr1>"));
    assert!(say(&mut c, b"disconnect\r").ends_with("Closing connection [confirm]"));
    assert!(say(&mut c, b"y").ends_with("rtr1>"));
    assert!(say(&mut c, b"\r").ends_with("rtr1>"), "there is none to go back to");
    assert!(say(&mut c, b"connect sw9\r").contains("% Unknown command or computer name"));
    say(&mut c, b"connect sw2\r");
    assert_eq!(say(&mut c, b"\x1ex"), "", "its escape does nothing, and what sleeps says nothing");
    assert!(say(&mut c, b"\r").ends_with("sw2 login: "));
}
