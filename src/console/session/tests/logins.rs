//! Calls as they go where nothing is in the way, and each fault in its plainest form.

use super::*;

#[test]
fn ios_on_an_aux_line() {
    let mut talk = Talk::new("cisco-ios", Some("br0001-rtr1"));
    talk.exchange("\r\n\r\nUser Access Verification\r\n\r\nUsername: ", "oob\r");
    let prompted = talk.at(Moment::Prompted);
    assert_eq!(
        prompted,
        Mono::from_millis(1000),
        "stamped when the bytes came, not when they were understood"
    );
    talk.exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    assert_eq!((talk.passwords, talk.outcome), (1, None));
    talk.exchange("\r\n\r\nbr0001-rtr1>", "exit\r");
    assert_eq!(talk.outcome, Some(Outcome::Accepted));
    assert_eq!(talk.at(Moment::LoggedIn), talk.at(Moment::Verified));
    talk.says(
        "exit\r\n\r\nbr0001-rtr1 aux0 is now available\r\n\r\n\r\nPress RETURN to get started.\r\n\r\n\r\n",
    );
    let finding = talk.ends(0..=100);
    assert_eq!(
        (finding.fault, finding.logout_proven, finding.carrier_gone),
        (None, true, false),
        "{finding:?}"
    );
    assert_eq!(finding.hostname.as_deref(), Some("br0001-rtr1"));
    assert!(talk.has(Moment::LoggedOut));
    assert!(finding.transcript.contains("User Access Verification"));
}

#[test]
fn ios_on_a_console_that_wants_return_and_has_a_line_password() {
    let mut talk = Talk::new("cisco-ios", Some("br0001-rtr1"));
    talk.rests(2900);
    assert_eq!(talk.sent, "", "text first");
    talk.rests(200);
    assert_eq!(std::mem::take(&mut talk.sent), "\r");
    talk.exchange(
        "\r\n\r\nbr0001-rtr1 con0 is now available\r\n\r\n\r\nPress RETURN to get started.\r\n\r\n",
        "\r",
    );
    talk.says("\r\n\r\nUser Access Verification\r\n\r\nPassword: ").rests(900);
    assert_eq!(talk.sent, "", "a CR of ours is on its way: the prompt may come again");
    talk.rests(200);
    assert_eq!(std::mem::take(&mut talk.sent), format!("{PASSWORD}\r"));
    talk.exchange("\r\nbr0001-rtr1#", "exit\r");
    talk.says("exit\r\n").input(Input::CarrierLost);
    let finding = talk.ends(0..=0);
    assert_eq!((finding.fault, finding.logout_proven, finding.carrier_gone), (None, true, true));
    assert_eq!(talk.at(Moment::LoggedOut), talk.now);
}

#[test]
fn nxos() {
    let mut talk = Talk::new("cisco-nxos", Some("br0002-sw1"));
    talk.exchange("\r\nUser Access Verification\r\nbr0002-sw1 login: ", "oob\r");
    talk.exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.exchange(
        "\r\n\r\nCisco Nexus Operating System (NX-OS) Software\r\nTAC support: http://www.cisco.com/tac\r\nbr0002-sw1# ",
        "exit\r",
    );
    talk.says("exit\r\n\r\n\r\nUser Access Verification\r\nbr0002-sw1 login: ");
    let finding = talk.ends(0..=100);
    assert_eq!((finding.fault, finding.logout_proven), (None, true), "{finding:?}");
}

#[test]
fn debian_with_a_bare_prompt_is_known_by_its_login_prompt() {
    let mut talk = Talk::new("linux", Some("br0003-cs1"));
    talk.exchange("\r\nDebian GNU/Linux 12 br0003-cs1 pts/3\r\n\r\nbr0003-cs1 login: ", "oob\r");
    talk.exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.exchange(
        "\r\nLinux br0003-cs1 6.1.0-18-amd64 #1 SMP\r\n\r\nThe programs included with the Debian GNU/Linux system\r\n\
         are free software.\r\nLast login: Sat Nov 21 02:00:00 UTC 2026 on pts/3\r\n$ ",
        "exit\r",
    );
    talk.says("exit\r\n\r\nDebian GNU/Linux 12 br0003-cs1 pts/3\r\n\r\nbr0003-cs1 login: ");
    let finding = talk.ends(0..=100);
    assert_eq!((finding.fault, finding.hostname.as_deref()), (None, Some("br0003-cs1")), "{finding:?}");
    assert!(talk.has(Moment::Verified));
}

#[test]
fn mgetty_and_its_emsi_request() {
    for prompt in [
        "**EMSI_REQA77E\r\x11br0003-cs1 login: ",
        "\rDebian GNU/Linux pts/0 38400 (33600)\n\r**EMSI_REQA77E\r\x11              \r\r\nbr0003-cs1 login: ",
        "\n\r@ \x08\x08\r\nbr0003-cs1!login: ",
        "\r\n\rbr0003-cs1 login:",
    ] {
        let mut talk = Talk::new("linux", Some("br0003-cs1"));
        talk.exchange(prompt, "oob\r");
        talk.exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
        talk.exchange("\r\n\x1b[?2004h\x1b]0;oob@br0003-cs1: ~\x07oob@br0003-cs1:~$ ", "exit\r");
        talk.says("\x1b[?2004l\rlogout\r\n").input(Input::CarrierLost);
        let finding = talk.ends(0..=0);
        assert_eq!((finding.fault, finding.logout_proven), (None, true), "{finding:?}");
    }
}

#[test]
fn a_switch_that_asks_at_logout() {
    let mut talk = Talk::new("generic", Some("br0004-sw1"));
    talk.exchange("\r\nPress any key to continue", "\r");
    talk.exchange("\r\n\r\nUsername: ", "oob\r");
    talk.exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.exchange("\r\n\r\nbr0004-sw1# ", "exit\r");
    talk.says("exit\r\nbr0004-sw1> ").rests(600);
    assert_eq!(std::mem::take(&mut talk.sent), "logout\r");
    talk.exchange("logout\r\nDo you want to log out (y/n)? ", "y");
    talk.exchange("y\r\nDo you want to save current configuration (y/n)? ", "n");
    talk.says("n\r\n\r\nPress any key to continue");
    assert_eq!(talk.ends(0..=200).fault, None);
}

#[test]
fn a_username_alone_may_be_enough() {
    let mut talk = Talk::new("generic", None);
    talk.exchange("\r\nlogin: ", "oob\r");
    talk.exchange("oob\r\nbr0009> ", "exit\r");
    talk.says("\r\nlogin: ");
    let finding = talk.ends(0..=200);
    assert_eq!((finding.fault, talk.outcome, talk.passwords), (None, None, 0));
    assert!(!talk.has(Moment::Verified), "nobody was expected, so nobody was verified");
    assert_eq!(finding.hostname.as_deref(), Some("br0009"));
}

#[test]
fn names_are_compared_with_and_without_their_domain() {
    for (expected, seen) in [
        ("br0003-cs1.example.net", "br0003-cs1"),
        ("br0003-cs1", "br0003-cs1.example.net"),
        ("BR0003-CS1", "br0003-cs1"),
    ] {
        let mut talk = Talk::new("linux", Some(expected));
        talk.exchange(&format!("\r\n{seen} login: "), "oob\r");
    }
}

#[test]
fn another_host_at_the_login_prompt_gets_nothing_at_all() {
    for text in [
        "\r\nbr0002-rtr1 login: ",
        "\r\nDebian GNU/Linux 12 br0002-rtr1 ttyS0\r\n\r\n",
        "\r\nDebian GNU/Linux 12 br0001-rtr1 ttyS0\r\n\r\nbr0002-rtr1 login: ",
        "\r\nDebian GNU/Linux 12 br0002-rtr1 ttyS0\r\n\r\nlogin: ",
    ] {
        let mut talk = Talk::new("linux", Some("br0001-rtr1"));
        talk.says(text);
        let finding = talk.ends(0..=100);
        fails(&finding, Fault::WrongConsole, "answered as \"br0002-rtr1\", expected \"br0001-rtr1\"");
        assert!(!talk.asked && talk.has(Moment::Prompted));
        assert_eq!(finding.hostname.as_deref(), Some("br0002-rtr1"));
    }
}

/// Logs in at an IOS console up to the password.
fn at_password(expected: Option<&str>) -> Talk {
    let mut talk = Talk::new("cisco-ios", expected);
    talk.exchange("\r\nUsername: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk
}

#[test]
fn another_host_at_the_command_prompt_is_logged_out_of() {
    let mut talk = at_password(Some("br0001-rtr1"));
    talk.exchange("\r\nbr0002-rtr1#", "exit\r");
    assert_eq!(talk.outcome, Some(Outcome::Accepted));
    talk.says("exit\r\n\r\nPress RETURN to get started.\r\n");
    let finding = talk.ends(0..=100);
    fails(&finding, Fault::WrongConsole, "answered as \"br0002-rtr1\"");
    assert!(finding.logout_proven && !talk.has(Moment::Verified));
}

#[test]
fn a_host_that_nobody_named_is_not_proven() {
    let mut talk = Talk::new("linux", Some("br0001"));
    talk.exchange("\r\nlogin: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.exchange("\r\n$ ", "exit\r").says("exit\r\n\r\nlogin: ");
    let finding = talk.ends(0..=100);
    fails(&finding, Fault::WrongConsole, "neither banner nor prompt names a host; expected \"br0001\"");
    assert!(finding.logout_proven && talk.has(Moment::LoggedIn) && !talk.has(Moment::Verified));
}

#[test]
fn a_refusal_is_a_verdict() {
    for text in [
        "\r\n% Login invalid\r\n\r\nUsername: ",
        "\r\n% Authentication failed\r\n\r\nUsername: ",
        "\r\n% Bad passwords\r\n",
        "\r\nPassword: ",
        "\r\n\r\nUsername: ",
    ] {
        let mut talk = at_password(Some("br0001-rtr1"));
        talk.says(text);
        let finding = talk.ends(0..=1500);
        assert_eq!(finding.fault, Some(Fault::LoginRefused), "{text:?}: {finding:?}");
        assert_eq!((talk.outcome, talk.passwords), (Some(Outcome::Refused), 1));
        assert!(!talk.has(Moment::LoggedIn));
    }
}

#[test]
fn login_incorrect_on_debian() {
    let mut talk = Talk::new("linux", Some("br0003"));
    talk.exchange("br0003 login: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.says("\r\n").rests(3000);
    talk.says("Login incorrect\r\nbr0003 login: ");
    fails(&talk.ends(0..=100), Fault::LoginRefused, "Login incorrect");
}

#[test]
fn an_expired_password() {
    let mut talk = Talk::new("linux", Some("br0003"));
    talk.exchange("br0003 login: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.says("\r\nYou are required to change your password immediately (administrator enforced).\r\nCurrent password: ");
    fails(&talk.ends(0..=1500), Fault::PasswordExpired, "You are required to change your password");
    assert_eq!((talk.outcome, talk.passwords), (Some(Outcome::Refused), 1));
}

#[test]
fn a_console_that_lets_nobody_in() {
    let cases: [(&str, &str, Fault); 7] = [
        ("cisco-ios", "\r\n\r\nPassword required, but none set\r\n", Fault::LoginUnavailable),
        (
            "linux",
            "\r\nSystem is going down. Unprivileged users are not permitted to log in anymore.\r\n",
            Fault::LoginUnavailable,
        ),
        ("cisco-ios", "\r\n% Line is busy\r\n", Fault::ConsoleBusy),
        ("cisco-ios", "\r\nRequested line is busy!\r\n", Fault::ConsoleBusy),
        ("generic", "\r\nIn Use by owning user\r\n", Fault::ConsoleBusy),
        ("linux", "\r\nPort in use\r\n", Fault::ConsoleBusy),
        ("generic", "\r\nLine in use\r\n", Fault::ConsoleBusy),
    ];
    for (name, text, fault) in cases {
        let mut talk = Talk::new(name, Some("br0001"));
        talk.says(text);
        assert_eq!(talk.ends(900..=1100).fault, Some(fault), "{text:?}");
        let mut dropped = Talk::new(name, Some("br0001"));
        dropped.says(text).says("\r\nNO CARRIER\r\n").input(Input::CarrierLost);
        assert_eq!(dropped.ends(0..=0).fault, Some(fault), "{text:?} and a dropped carrier");
    }
}

#[test]
fn an_authentication_server_that_is_away_has_not_judged_the_password() {
    let mut talk = at_password(None);
    talk.says("\r\n% Authentication server 10.0.0.1 is not responding\r\n\r\nUsername: ");
    fails(&talk.ends(0..=100), Fault::LoginUnavailable, "not responding");
    assert_eq!(talk.outcome, Some(Outcome::NotJudged));
}

#[test]
fn boot_prompts() {
    let cases = [
        ("cisco-ios", "\r\nrommon 1 >"),
        ("cisco-ios", "\r\nswitch: "),
        ("cisco-nxos", "\r\nloader> "),
        ("cisco-nxos", "\r\nswitch(boot)# "),
        ("linux", "\r\ngrub> "),
        ("linux", "\r\n(initramfs) "),
        ("generic", "\r\nrommon 2 > "),
        ("linux", "\r\nGive root password for maintenance\r\n(or press Control-D to continue): "),
    ];
    for (name, text) in cases {
        let mut talk = Talk::new(name, Some("br0001"));
        talk.says(text);
        fails(&talk.ends(400..=600), Fault::BootPrompt, "boot loader's prompt");
    }
}

#[test]
fn an_open_console_gets_the_logout_alone() {
    for (name, prompt) in [
        ("cisco-ios", "br0001-rtr1>"),
        ("cisco-ios", "br0001-rtr1(config)#"),
        ("cisco-nxos", "br0001-rtr1# "),
        ("linux", "root@br0001-rtr1:~# "),
        ("linux", "$ "),
        ("generic", "br0001-rtr1> (enable) "),
    ] {
        let mut talk = Talk::new(name, Some("br0001-rtr1"));
        talk.says(&format!("\r\n{prompt}")).rests(450);
        assert_eq!(talk.sent, "", "believed too early");
        talk.rests(100);
        assert_eq!(std::mem::take(&mut talk.sent), "exit\r", "{prompt:?}");
        talk.says("exit\r\n").input(Input::CarrierLost);
        let finding = talk.ends(0..=0);
        fails(&finding, Fault::OpenConsole, prompt.trim());
        assert!(!talk.asked && finding.logout_proven && !talk.has(Moment::LoggedIn));
    }
}

#[test]
fn an_open_console_of_another_host_is_left_alone() {
    let mut talk = Talk::new("cisco-ios", Some("br0001-rtr1"));
    talk.says("\r\nbr0002-rtr1#");
    fails(&talk.ends(0..=600), Fault::WrongConsole, "stands open without a login");
}

#[test]
fn silence_gets_three_crs_and_no_more() {
    let mut talk = Talk::new("cisco-ios", Some("br0001-rtr1"));
    talk.rests(19_900);
    assert_eq!(std::mem::take(&mut talk.sent), "\r\r\r");
    fails(&talk.ends(100..=100), Fault::ConsoleSilent, "not one character within 20 s after 3 CRs");
    assert!(talk.moments.is_empty());
}

#[test]
fn an_echo_is_no_console() {
    let mut talk = Talk::new("cisco-ios", None);
    for _ in 0..7 {
        talk.rests(3000);
        let echo = std::mem::take(&mut talk.sent);
        if talk.finding.is_none() {
            talk.says(&echo);
        }
    }
    fails(&talk.ends(0..=0), Fault::ConsoleSilent, "it only echoes");
}

#[test]
fn garbage_is_told_from_text() {
    let banner = "\r\nUser Access Verification\r\n\r\nUsername: ";
    let even: Vec<u8> = banner.bytes().map(|b| if b.count_ones() % 2 == 1 { b | 0x80 } else { b }).collect();
    let mut talk = Talk::new("cisco-ios", None);
    talk.input(Input::Bytes(&even));
    talk.rests(20_000);
    talk.sent.clear();
    fails(&talk.ends(0..=0), Fault::Garbage, "parity mismatch, they read as 7 bits with even parity");

    let mut talk = Talk::new("cisco-ios", None);
    talk.input(Input::Bytes(&[
        0x00, 0xff, 0xe0, 0x9c, 0x00, 0xf8, 0x1e, 0xff, 0x83, 0x00, 0xfc, 0xc3, 0x06, 0x80,
    ]));
    talk.rests(20_000);
    talk.sent.clear();
    fails(&talk.ends(0..=0), Fault::Garbage, "speed mismatch");
}

#[test]
fn a_few_clicks_are_no_garbage() {
    let mut talk = Talk::new("cisco-ios", None);
    talk.input(Input::Bytes(&[0xff, 0x00, 0xfe]));
    talk.rests(20_000);
    talk.sent.clear();
    fails(&talk.ends(0..=0), Fault::ConsoleSilent, "3 bytes of noise");
}

#[test]
fn endless_output_has_an_end() {
    let mut talk = Talk::new("linux", None);
    let flood = "y\r\n".repeat(30_000);
    talk.says(&flood);
    fails(&talk.ends(0..=0), Fault::LoginTimeout, "endless output: 65536 bytes");

    let mut talk = Talk::new("linux", None);
    talk.input(Input::Bytes(&vec![0xa5; 70_000]));
    assert_eq!(talk.ends(0..=0).fault, Some(Fault::Garbage));
}

#[test]
fn a_login_that_does_not_end() {
    let mut talk = Talk::new("cisco-ios", None);
    talk.says("\r\nbooting, please wait").rests(19_000);
    talk.sent.clear();
    fails(&talk.ends(0..=1000), Fault::LoginTimeout, "last line \"booting, please wait\"");

    let mut talk = Talk::new("cisco-ios", None);
    talk.exchange("\r\nUsername: ", "oob\r").says("oob\r\n");
    fails(&talk.ends(44_000..=45_000), Fault::LoginTimeout, "after the username within 45 s");
    assert_eq!(talk.outcome, None);

    let mut talk = at_password(None);
    talk.says("\r\n");
    fails(&talk.ends(44_000..=45_000), Fault::LoginTimeout, "after the password within 45 s");
    assert_eq!(talk.outcome, Some(Outcome::Refused), "an unheard password counts as refused");

    let mut talk = at_password(None);
    talk.says("\r\n% Password:  timeout expired!\r\n");
    fails(&talk.ends(0..=1000), Fault::LoginTimeout, "timeout expired");
}

#[test]
fn a_logout_without_proof_degrades() {
    let mut talk = at_password(Some("br0001-rtr1"));
    talk.exchange("\r\nbr0001-rtr1>", "exit\r").rests(9000);
    assert_eq!(std::mem::take(&mut talk.sent), "\r\r\r", "asks for the prompt that would prove it");
    let finding = talk.ends(0..=1000);
    fails(&finding, Fault::LogoutUnproven, "no login prompt within 10 s");
    assert!(talk.has(Moment::Verified) && !talk.has(Moment::LoggedOut) && !finding.logout_proven);
}

#[test]
fn a_logout_that_leaves_a_mode_is_repeated_and_bounded() {
    let mut talk = at_password(Some("br0001-rtr1"));
    talk.exchange("\r\nbr0001-rtr1(config)#", "exit\r");
    let mut exits = 1;
    while talk.finding.is_none() {
        talk.says("exit\r\nbr0001-rtr1#").rests(1000);
        exits += std::mem::take(&mut talk.sent).matches("exit\r").count();
    }
    assert_eq!(exits, 1 + LOGOUT_REPEATS);
    fails(&talk.ends(0..=0), Fault::LogoutUnproven, "br0001-rtr1#");
}

#[test]
fn a_lost_carrier_tells_its_step() {
    let lost = |talk: &mut Talk| {
        talk.says("\r\nNO CARRIER\r\n").input(Input::CarrierLost);
        let finding = talk.ends(0..=0);
        assert!(finding.carrier_gone && !finding.logout_proven);
        finding
    };
    let mut talk = Talk::new("cisco-ios", None);
    fails(&lost(&mut talk), Fault::CarrierLost, "before a login prompt");

    let mut talk = Talk::new("cisco-ios", None);
    talk.grants = false;
    talk.says("\r\nUsername: ").rests(100);
    fails(&lost(&mut talk), Fault::CarrierLost, "at the login prompt");

    let mut talk = Talk::new("cisco-ios", None);
    talk.exchange("\r\nUsername: ", "oob\r").says("oob\r\n");
    fails(&lost(&mut talk), Fault::CarrierLost, "after the username");
    assert_eq!(talk.outcome, None);

    let mut talk = at_password(None);
    fails(&lost(&mut talk), Fault::CarrierLost, "after the password");
    assert_eq!(talk.outcome, Some(Outcome::Refused));

    let mut talk = at_password(Some("br0001-rtr1"));
    talk.says("\r\nbr0001-rtr1>");
    fails(&lost(&mut talk), Fault::CarrierLost, "before the logout");
    assert_eq!(talk.outcome, Some(Outcome::Accepted));
    assert!(talk.has(Moment::Verified));
}

#[test]
fn waiting_for_the_credential_is_bounded_and_never_the_lines_fault() {
    let waiting = || {
        let mut talk = Talk::new("cisco-ios", None);
        talk.grants = false;
        talk.says("\r\nUsername: ").rests(100);
        assert!(talk.asked && talk.has(Moment::Prompted));
        talk
    };
    let mut talk = waiting();
    fails(&talk.ends(59_000..=60_000), Fault::CredentialUnproven, "waited 60 s");

    let mut talk = waiting();
    talk.input(Input::Denied("`oob` was refused on BR0001-A".into()));
    fails(&talk.ends(0..=0), Fault::CredentialUnproven, "was refused on BR0001-A");

    let mut talk = waiting();
    talk.rests(30_000).says("\r\n% Username:  timeout expired!\r\n").input(Input::CarrierLost);
    fails(&talk.ends(0..=0), Fault::CredentialUnproven, "hung up after 30.07 s of waiting");

    let mut talk = waiting();
    talk.rests(20_000).input(Input::Granted(credential()));
    assert_eq!(talk.sent, "oob\r", "the prompt still stands");

    let mut talk = waiting();
    talk.rests(30_000).says("\r\n% Username:  timeout expired!\r\n").rests(1000);
    talk.input(Input::Granted(credential()));
    assert_eq!(talk.sent, "", "the prompt is gone");
    talk.rests(3100);
    assert_eq!(std::mem::take(&mut talk.sent), "\r");
    talk.says("\r\nUsername: ").rests(1100);
    assert_eq!(talk.sent, "oob\r");
}

#[test]
fn cancel_leaves_promptly_and_never_leaves_a_session_behind() {
    let mut talk = Talk::new("cisco-ios", None);
    talk.input(Input::Cancel);
    assert_eq!(talk.ends(0..=0).fault, Some(Fault::Cancelled));

    let mut talk = Talk::new("cisco-ios", None);
    talk.exchange("\r\nUsername: ", "oob\r").input(Input::Cancel);
    assert_eq!(talk.ends(0..=0).fault, Some(Fault::Cancelled));

    let mut talk = at_password(Some("br0001-rtr1"));
    talk.input(Input::Cancel);
    talk.rests(1000).exchange("\r\nbr0001-rtr1>", "exit\r");
    talk.says("\r\nPress RETURN to get started.\r\n");
    let finding = talk.ends(0..=100);
    assert_eq!((finding.fault, finding.logout_proven), (None, true), "it was judged after all");

    let mut talk = at_password(None);
    talk.input(Input::Cancel);
    assert_eq!(talk.ends(4500..=5000).fault, Some(Fault::Cancelled));
}
