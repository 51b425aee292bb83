//! What others stumbled over (peers.md 6 and 12).

use super::*;

#[test]
fn a_log_line_after_the_prompt_does_not_hide_it() {
    let mut talk = Talk::new("cisco-ios", Some("br0001-rtr1"));
    talk.exchange(
        "\r\nUsername: \r\n*Mar  1 00:00:00.000: %LINK-3-UPDOWN: Interface Serial0, changed state to up\r\n",
        "oob\r",
    );
    talk.exchange(
        "oob\r\nPassword: \r\n%SYS-5-CONFIG_I: Configured from console by vty0\r\n",
        &format!("{PASSWORD}\r"),
    );
    talk.exchange(
        "\r\nbr0001-rtr1>\r\n000123: Nov 21 02:00:00.123 UTC: %SEC_LOGIN-5-LOGIN_SUCCESS: Login Success [user: oob]\r\n\
         000124: Nov 21 02:00:00.200 UTC: %LINK-3-UPDOWN: x\r\n",
        "exit\r",
    );
    talk.says("exit\r\n\r\nPress RETURN to get started.\r\n*Mar  1 00:00:05.000: %LINK-3-UPDOWN: y\r\n");
    assert_eq!(talk.ends(0..=100).fault, None);
}

#[test]
fn a_prompt_that_a_log_line_cut_in_two_is_not_another_host() {
    let mut talk = Talk::new("cisco-ios", Some("br0001-rtr1"));
    talk.exchange("\r\nUsername: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.exchange("\r\nbr0001-*Mar  1 00:00:00.000: %SYS-5-CONFIG_I: x\r\nrtr1>", "exit\r");
    assert!(talk.has(Moment::Verified));

    let mut talk = Talk::new("linux", Some("br0003"));
    talk.exchange("\r\nbr0003 log[12345.678901] usb 1-1: new device\r\nin: ", "oob\r");
    talk.exchange(
        "oob\r\nPass[12345.678901] usb 1-1: new device\r\n[12345.7890] more\r\nword: ",
        &format!("{PASSWORD}\r"),
    );
}

#[test]
fn a_prompt_that_a_log_line_swallowed_is_asked_for_again() {
    let mut talk = Talk::new("cisco-ios", Some("br0001-rtr1"));
    talk.exchange("\r\nUsername: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.says("\r\n*Mar  1 00:00:00.000: %SYS-5-CONFIG_I: x\r\n").rests(900);
    assert_eq!(talk.sent, "");
    talk.rests(200);
    assert_eq!(std::mem::take(&mut talk.sent), "\r");
    talk.exchange("\r\nbr0001-rtr1>", "exit\r");
}

#[test]
fn a_swallowed_password_prompt_is_never_answered_with_an_empty_line() {
    let mut talk = Talk::new("cisco-ios", None);
    talk.exchange("\r\nUsername: ", "oob\r");
    talk.says("oob\r\n*Mar  1 00:00:00.000: %SYS-5-CONFIG_I: x\r\n");
    assert_eq!(talk.ends(44_000..=45_000).fault, Some(Fault::LoginTimeout));
}

#[test]
fn a_cr_that_crossed_a_late_prompt_gets_no_double_answer() {
    let mut talk = Talk::new("cisco-ios", None);
    talk.rests(3000);
    assert_eq!(std::mem::take(&mut talk.sent), "\r");
    // The prompt was on its way; then the CR arrives there and is an empty name.
    talk.says("\r\nUser Access Verification\r\n\r\nUsername: ").rests(300);
    talk.says("\r\nUsername: ").rests(900);
    assert_eq!(talk.sent, "", "it has not come to rest");
    talk.rests(200);
    assert_eq!(std::mem::take(&mut talk.sent), "oob\r");
    // A third one, from a CR in the far end's queue: tolerated, and the password prompt follows.
    talk.says("\r\nUsername: ").rests(300);
    assert_eq!(talk.sent, "");
    talk.exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
}

#[test]
fn a_name_that_was_lost_is_typed_once_more_and_not_again() {
    let mut talk = Talk::new("linux", Some("br0003"));
    talk.exchange("\r\nbr0003 login: ", "oob\r");
    talk.says("\r\nbr0003 login: ").rests(2100);
    assert_eq!(std::mem::take(&mut talk.sent), "oob\r");
    talk.says("\r\nbr0003 login: ").rests(10_000);
    assert_eq!(talk.sent, "");
}

#[test]
fn an_empty_name_that_our_cr_typed_does_not_cost_the_password() {
    let mut talk = Talk::new("linux", Some("br0003"));
    talk.rests(3000);
    assert_eq!(std::mem::take(&mut talk.sent), "\r");
    talk.says("\r\nbr0003 login: \r\nPassword: ").rests(1100);
    assert_eq!(std::mem::take(&mut talk.sent), "\r", "an empty line, not the password");
    talk.says("\r\nLogin incorrect\r\nbr0003 login: ").rests(1100);
    assert_eq!(std::mem::take(&mut talk.sent), "oob\r");
}

#[test]
fn last_login_and_failed_login_are_no_prompts() {
    let mut talk = Talk::new("linux", Some("br0003"));
    talk.exchange("\r\nbr0003 login: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.exchange("\r\nLast login:", "");
    talk.exchange(" Sat Nov 21 02:00:00 UTC 2026 on pts/3\r\nLast failed login:", "");
    talk.exchange(" Sat Nov 21 01:00:00 UTC 2026\r\nThere were 2 failed login attempts since.\r\n", "");
    assert!(talk.finding.is_none());
    talk.exchange("[oob@br0003 ~]$ ", "exit\r");
}

#[test]
fn a_banner_that_speaks_of_use_and_denial_is_no_verdict() {
    let mut talk = Talk::new("cisco-ios", Some("br0001-rtr1"));
    talk.says(
        "\r\n*** This system is for official use only. Access denied to others. ***\r\n\
         *** Systems in use are monitored# ***\r\n",
    );
    talk.rests(1500).exchange("\r\nUsername: ", "oob\r");
    talk.exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.says("\r\nUnauthorised access is denied and will be prosecuted.\r\n").rests(3000);
    assert!(talk.finding.is_none(), "{:?}", talk.finding);
    talk.exchange("br0001-rtr1>", "exit\r");
}

#[test]
fn a_banner_line_that_ends_like_a_prompt_is_not_an_open_console() {
    let mut talk = Talk::new("cisco-ios", Some("br0001-rtr1"));
    talk.says("\r\n#################\r\n# br0001-rtr1 #").rests(400);
    talk.says("\r\n#################\r\n\r\nbr0001-rtr1>").rests(300);
    talk.exchange(" is watched\r\nUsername: ", "oob\r");
}

#[test]
fn a_console_that_chats_is_woken_like_a_silent_one() {
    let mut talk = Talk::new("cisco-ios", Some("br0001-rtr1"));
    for _ in 0..4 {
        talk.says("*Mar  1 00:00:00.000: %LINK-3-UPDOWN: Interface Serial0, changed state to up\r\n")
            .rests(1000);
    }
    assert_eq!(std::mem::take(&mut talk.sent), "\r");
    talk.says("\r\nUsername: ").rests(1100);
    assert_eq!(talk.sent, "oob\r");

    let mut talk = Talk::new("cisco-ios", Some("br0001-rtr1"));
    for line in 0..10 {
        talk.says(&format!("banner line {line}\r\n")).rests(1000);
    }
    assert_eq!(talk.sent, "", "text is still arriving");
}

#[test]
fn pagers_and_the_setup_dialog_are_left() {
    let mut talk = Talk::new("cisco-ios", Some("br0001-rtr1"));
    talk.exchange("\r\na long banner\r\n --More-- ", "q");
    talk.exchange(
        "\x08\x08\x08\x08\x08\x08\x08\x08\x08        \x08\x08\x08\x08\x08\x08\x08\x08\x08\r\nUsername: ",
        "oob\r",
    );

    let mut talk = Talk::new("cisco-ios", None);
    talk.exchange(
        "\r\n         --- System Configuration Dialog ---\r\n\r\nWould you like to enter the initial configuration dialog? [yes/no]: ",
        "no\r",
    );
    talk.exchange("no\r\n\r\n\r\nPress RETURN to get started!\r\n\r\n", "\r");
    talk.says("\r\nRouter>").rests(600);
    assert_eq!(std::mem::take(&mut talk.sent), "exit\r");
    talk.says("\r\nPress RETURN to get started.\r\n");
    fails(&talk.ends(0..=100), Fault::OpenConsole, "Router>");
}

#[test]
fn what_asks_for_ever_is_not_answered_for_ever() {
    for (asks, answer) in [(" --More-- ", "q"), ("Press RETURN to get started.\r\n", "\r")] {
        let mut talk = Talk::new("cisco-ios", None);
        let mut answers = 0;
        for _ in 0..40 {
            talk.says("\r\n").says(asks).rests(100);
            answers += std::mem::take(&mut talk.sent).matches(answer).count();
        }
        assert_eq!(u32::try_from(answers), Ok(ANSWERS_MAX), "{asks:?}");
    }
}

#[test]
fn a_new_password_is_never_given() {
    let mut talk = Talk::new("cisco-nxos", None);
    talk.says("\r\nEnter the password for \"admin\": ").rests(2000);
    talk.says("\r\nNew password: ").rests(2500);
    assert!(!talk.asked && talk.sent.is_empty());
}

#[test]
fn an_echoed_password_is_masked_everywhere() {
    let mut talk = Talk::new("linux", Some("br0003"));
    talk.exchange("\r\nbr0003 login: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    let (begin, end) = PASSWORD.split_at(4);
    talk.says(begin).rests(20);
    talk.says(&format!("\x1b[0m{end}\r\n{PASSWORD}")).rests(20);
    talk.input(Input::CarrierLost);
    let finding = talk.ends(0..=0);
    fails(&finding, Fault::CarrierLost, "last line \"********\"");
    assert!(!finding.transcript.contains("w0rd") && finding.transcript.contains("********"));
    assert!(!format!("{finding:?} {:?}", talk.session).contains(PASSWORD));
}

#[test]
fn a_host_that_calls_itself_by_the_password_is_masked_too() {
    let mut talk = Talk::new("cisco-ios", Some("br0001"));
    talk.exchange("\r\nUsername: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.exchange(&format!("\r\n{PASSWORD}>"), "exit\r");
    talk.input(Input::CarrierLost);
    let finding = talk.ends(0..=0);
    fails(&finding, Fault::WrongConsole, "answered as \"********\"");
    assert_eq!(finding.hostname.as_deref(), Some("********"));
}

#[test]
fn outputs_do_not_show_what_is_sent() {
    let shown = format!("{:?}", Output::Send(PASSWORD.as_bytes().to_vec()));
    assert_eq!(shown, "Send(11 bytes)");
    assert!(!format!("{:?}", Input::Granted(credential())).contains(PASSWORD));
}

#[test]
fn a_banner_behind_the_username_that_names_another_host_gets_no_password() {
    let mut talk = Talk::new("linux", Some("br1"));
    talk.exchange("login: ", "oob\r");
    let finding = talk.says("oob\r\nDebian GNU/Linux 12 br2 ttyS0\r\n\r\nPassword: ").ends(0..=5_000);
    fails(&finding, Fault::WrongConsole, "br2");
    assert_eq!(talk.passwords, 0);
}
