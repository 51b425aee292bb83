//! Consoles behind a console server, seen from the far end.

use std::ops::RangeInclusive;

use super::*;
use crate::console::Behind;
use crate::model::event::ConsoleRecord;

const MENU: &str = "\r\n  1: sw1\r\n  2: sw2\r\n\r\nConnect to port > ";

fn behind(name: &str, port: &str) -> Behind {
    Behind {
        name: name.to_owned(),
        port: port.to_owned(),
        hostname: Some(name.parse().unwrap()),
        dialog: dialog("linux"),
    }
}

fn talk(name: &str, consoles: &[Behind], backwards: bool) -> Talk {
    let mut talk = Talk::new(name, Some("br1-cs1"));
    talk.session = talk.session.with_consoles(consoles.to_vec(), backwards);
    talk
}

/// A talk that stands at Opengear's menu.
fn opengear(consoles: &[Behind]) -> Talk {
    let mut talk = talk("opengear", consoles, false);
    talk.exchange("\r\nbr1-cs1 login: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk
}

/// A talk that stands at the command prompt of a Cisco terminal server and has chosen sw1.
fn cisco(consoles: &[Behind]) -> Talk {
    let mut talk = talk("cisco-ios-ts", consoles, false);
    talk.exchange("\r\nUsername: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.says("\r\n\r\nbr1-cs1>").waits(600, "connect sw1\r");
    talk
}

impl Talk {
    /// Nothing comes for so long, and then it has sent exactly this.
    fn waits(&mut self, ms: u64, answer: &str) -> &mut Self {
        self.rests(ms);
        assert_eq!(std::mem::take(&mut self.sent), answer, "{:?}", self.finding);
        self
    }

    fn over(&mut self, within: RangeInclusive<u64>) -> (Finding, Vec<Option<Fault>>) {
        let finding = self.ends(within);
        let faults = finding.consoles.iter().map(|record| record.fault).collect();
        (finding, faults)
    }
}

fn record<'a>(finding: &'a Finding, name: &str) -> &'a ConsoleRecord {
    finding.consoles.iter().find(|record| record.console == name).unwrap()
}

#[test]
fn two_consoles_of_a_menu_are_chosen_woken_read_and_left() {
    let mut talk = opengear(&[behind("sw1", "1"), behind("sw2", "2")]);
    talk.says("\r\n").says(MENU).waits(1000, "1\r");
    // What stands there before our CR may be old.
    talk.says("1\r\nold-host login: ").waits(1100, "\r");
    talk.says("\r\nDebian GNU/Linux 12 sw1 ttyS0\r\n\r\nsw1 login: ").waits(1000, "\r~m");
    talk.says("\r\n").says(MENU).waits(500, "2\r");
    talk.says("2\r\n").waits(1000, "\r").says("\r\nsw2 login: ").waits(1000, "\r~m");
    talk.says(MENU).waits(500, "q\r");
    let (finding, faults) = talk.says("q\r\n\r\nbr1-cs1 login: ").over(0..=100);
    assert_eq!((finding.fault, faults), (None, vec![None, None]), "{finding:?}");
    assert_eq!(record(&finding, "sw2").hostname.as_deref(), Some("sw2"));
    assert!(finding.logout_proven && talk.has(Moment::Verified));
    assert!(
        talk.at(Moment::Verified) < talk.at(Moment::LoggedOut)
            && talk.at(Moment::LoggedIn) < talk.at(Moment::Verified)
    );
    assert_eq!(talk.passwords, 1);
}

#[test]
fn who_gets_a_shell_is_led_to_the_menu_and_out_of_both() {
    let mut talk = opengear(&[behind("sw1", "1")]);
    talk.says("\r\noob@br1-cs1:~$ ").waits(600, "pmshell\r");
    talk.says("pmshell\r\n").says(MENU).waits(600, "1\r").says("1\r\n").waits(1000, "\r");
    talk.says("\r\nsw1 login: ").waits(1000, "\r~m").says(MENU).waits(600, "q\r");
    talk.says("q\r\noob@br1-cs1:~$ ").waits(600, "exit\r");
    let (finding, faults) = talk.says("exit\r\n\r\nbr1-cs1 login: ").over(0..=100);
    assert_eq!((finding.fault, faults), (None, vec![None]), "{finding:?}");
}

#[test]
fn a_menu_that_does_not_come_leaves_all_of_them_unseen() {
    let mut talk = opengear(&[behind("sw1", "1")]);
    talk.says("\r\noob@br1-cs1:~$ ")
        .waits(600, "pmshell\r")
        .says("-bash: pmshell: command not found\r\noob@br1-cs1:~$ ");
    let (finding, faults) = talk.over(9_000..=11_000);
    assert_eq!(faults, [Some(Fault::Skipped)]);
    fails(&finding, Fault::LoginTimeout, "menu of ports did not come");
}

#[test]
fn a_suspended_connection_is_ended_before_the_next_one() {
    let mut talk = cisco(&[behind("sw1", "sw1"), behind("sw2", "sw2")]);
    talk.says("connect sw1\r\nTrying sw1 (10.0.0.1, 2001)... Open\r\n").waits(1100, "\r");
    talk.says("\r\nsw1 login: ").waits(1000, "\x1ex").says("\r\nbr1-cs1>").waits(600, "disconnect\r");
    talk.says("disconnect\r\nClosing connection to sw1 [confirm]").waits(200, "y");
    talk.says("\r\nbr1-cs1>").waits(600, "connect sw2\r");
    talk.says("connect sw2\r\nTrying sw2 (10.0.0.1, 2002)...\r\n% Connection refused by remote host\r\n\r\nbr1-cs1>");
    talk.waits(1000, "exit\r");
    let (finding, faults) = talk.says("exit\r\n\r\nUsername: ").over(0..=100);
    assert_eq!(faults, [None, Some(Fault::ConsoleBusy)]);
    fails(&finding, Fault::ConsoleBusy, "console sw2: the console server says that the port is taken");
    assert!(finding.detail.ends_with("1 of 2 consoles passed"), "{}", finding.detail);
    assert!(
        finding.transcript.contains("---- console sw2 ----") && !finding.transcript.contains("console sw1")
    );
}

#[test]
fn words_of_a_console_are_no_refusal_of_its_server() {
    let mut talk = cisco(&[behind("sw1", "sw1"), behind("sw2", "sw2")]);
    talk.says("connect sw1\r\nTrying sw1 (10.0.0.1, 2001)... Open\r\n");
    // The server's refusal and its prompt, to the letter, behind the words that say that the console is connected.
    talk.says("% Connection refused by remote host\r\n\r\nbr1-cs1>").waits(1100, "\r");
    talk.says("\r\nbr1-cs1>").rests(20_000);
    let (finding, faults) = talk.over(0..=1000);
    assert_eq!(faults, [Some(Fault::WrongConsole), Some(Fault::Skipped)]);
    fails(&finding, Fault::WrongConsole, "prompt of the console server itself");
    assert_eq!(talk.sent, "", "neither an escape nor a choice: it would prove nothing");
}

#[test]
fn the_prompt_of_another_host_is_no_proof_of_being_back() {
    let mut talk = cisco(&[behind("sw1", "sw1"), behind("sw2", "sw2")]);
    talk.says("connect sw1\r\nTrying sw1 (10.0.0.1, 2001)... Open\r\n").waits(1100, "\r");
    talk.says("\r\nroot@sw1:~# ").waits(1000, "\x1ex");
    // The escape went through; what answers looks like a command prompt, and is another one.
    talk.says("\r\nbr1-cs9>");
    let (finding, faults) = talk.over(9_000..=11_000);
    assert_eq!(faults, [Some(Fault::OpenConsole), Some(Fault::Skipped)]);
    fails(&finding, Fault::OpenConsole, "could not be left again");
    assert!(!finding.logout_proven);
}

#[test]
fn an_open_session_gets_nothing_but_crs_and_is_told() {
    let mut talk = opengear(&[behind("sw1", "1")]);
    talk.says(MENU).waits(1000, "1\r").says("1\r\n").waits(1000, "\r");
    talk.says("\r\nroot@sw1:~# ").waits(1000, "\r~m").says(MENU).waits(600, "q\r");
    let (finding, _) = talk.says("\r\nbr1-cs1 login: ").over(0..=100);
    fails(&finding, Fault::OpenConsole, "command prompt \"root@sw1:~#\" without a login");
}

#[test]
fn a_login_prompt_without_a_name_is_asked_again_and_then_told() {
    let mut talk = cisco(&[behind("sw1", "sw1")]);
    talk.says("connect sw1\r\nTrying sw1 (10.0.0.1, 2001)... Open\r\n").waits(1100, "\r");
    talk.says("\r\nPassword: ").waits(1000, "\r").says("\r\nlogin: ").waits(1000, "\r");
    talk.says("\r\nsw1 login: ").waits(1000, "\x1ex").says("\r\nbr1-cs1>").waits(600, "disconnect\r");
    talk.says("\r\nbr1-cs1>").waits(600, "exit\r");
    let (finding, faults) = talk.says("\r\nUsername: ").over(0..=100);
    assert_eq!((finding.fault, faults), (None, vec![None]));
}

#[test]
fn the_last_comes_first_in_the_second_call() {
    let consoles = [behind("sw1", "1"), behind("sw2", "2")];
    let mut talk = talk("opengear", &consoles, true);
    talk.exchange("\r\nbr1-cs1 login: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.says(MENU).waits(1000, "2\r");
}

#[test]
fn who_is_cancelled_leaves_the_console_and_logs_out() {
    let mut talk = opengear(&[behind("sw1", "1"), behind("sw2", "2")]);
    talk.says(MENU).waits(1000, "1\r");
    talk.input(Input::Cancel);
    talk.waits(10, "\r~m").says(MENU).waits(600, "q\r");
    let (finding, faults) = talk.says("\r\nbr1-cs1 login: ").over(0..=100);
    assert_eq!(faults, [Some(Fault::Cancelled), Some(Fault::Skipped)]);
    fails(&finding, Fault::Cancelled, "cancelled");
    assert!(finding.logout_proven);
}

#[test]
fn another_console_server_than_the_expected_one_is_left_at_once() {
    let mut talk = talk("opengear", &[behind("sw1", "1")], false);
    talk.exchange("\r\nbr1-cs1 login: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.says("\r\noob@br9-cs9:~$ ").waits(600, "exit\r");
    let (finding, faults) = talk.says("\r\nbr9-cs9 login: ").over(0..=100);
    assert_eq!(faults, [Some(Fault::Skipped)]);
    fails(&finding, Fault::WrongConsole, "br9-cs9");
}
