//! The other families: a plausible conversation with each, its refusals, its menus, and how it is left.

use super::*;

fn passes(finding: &Finding, host: &str) {
    assert_eq!(
        (finding.fault, finding.hostname.as_deref(), finding.logout_proven),
        (None, Some(host), true),
        "{finding:?}"
    );
}

/// Logs in at a console whose login prompt names `br0001`, up to the password.
fn at_password(name: &str) -> Talk {
    let mut talk = Talk::new(name, Some("br0001"));
    talk.exchange("\r\nbr0001 login: ", "oob\r");
    talk.exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk
}

#[test]
fn junos() {
    let mut talk = Talk::new("junos", Some("br0001-mx1"));
    talk.exchange("\r\n\r\nbr0001-mx1 (ttyu0)\r\n\r\nlogin: ", "oob\r");
    talk.exchange("oob\r\nPassword:", &format!("{PASSWORD}\r"));
    talk.exchange(
        "\r\n\r\n--- JUNOS 21.4R3.15 Kernel 64-bit  JNPR-12.1-20220617\r\n{master}\r\noob@br0001-mx1> ",
        "exit\r",
    );
    talk.says("exit\r\n\r\n\r\nbr0001-mx1 (ttyu0)\r\n\r\nlogin: ");
    passes(&talk.ends(0..=100), "br0001-mx1");
}

#[test]
fn junos_with_its_log_on_the_console() {
    let mut talk = Talk::new("junos", Some("br0001-mx1"));
    talk.exchange("\r\nlogin: \r\nNov 21 02:00:00  br0001-mx1 mgd[4711]: UI_AUTH_EVENT: x\r\n", "oob\r");
    talk.exchange("oob\r\nPassword:", &format!("{PASSWORD}\r"));
    talk.exchange("\r\nLast login: Sat Nov 21 01:00:00 on ttyu0\r\n---(more)---", "q");
    talk.exchange("\r\nroot@br0001-mx1:~ # ", "exit\r");
    talk.says("logout\r\n\r\nbr0001-mx1 (ttyu0)\r\n\r\nlogin: ");
    passes(&talk.ends(0..=100), "br0001-mx1");
}

#[test]
fn another_junos_is_known_before_anything_is_sent() {
    let mut talk = Talk::new("junos", Some("br0001-mx1"));
    talk.says("\r\nAmnesiac (ttyu0)\r\n\r\nlogin: ");
    fails(&talk.ends(0..=100), Fault::WrongConsole, "answered as \"Amnesiac\"");
    assert!(!talk.asked);
}

#[test]
fn a_junos_configuration_mode_that_somebody_left_open_is_left_and_never_agreed_to() {
    let mut talk = Talk::new("junos", Some("br0001-mx1"));
    talk.says("\r\n[edit]\r\noob@br0001-mx1# ").rests(600);
    assert_eq!(std::mem::take(&mut talk.sent), "exit\r");
    talk.says("exit\r\nThe configuration has been changed but not committed\r\nExit with uncommitted changes? [yes,no] (yes) ");
    talk.rests(9_500);
    assert_eq!(talk.sent.trim_start_matches('\r'), "", "it is not ours to answer");
    talk.sent.clear();
    fails(&talk.ends(0..=1000), Fault::OpenConsole, "logout not proven");
}

#[test]
fn boot_loaders_of_all_families() {
    for (name, text) in [
        ("junos", "\r\nloader> "),
        ("junos", "\r\nOK "),
        ("junos", "\r\ndb> "),
        ("opengear", "\r\nU-Boot> "),
        ("avocent-acs", "\r\n=> "),
        ("lantronix", "\r\nboot> "),
        ("digi", "\r\n=> "),
        ("hp-procurve", "\r\n=> "),
    ] {
        let mut talk = Talk::new(name, Some("br0001"));
        talk.says(text);
        fails(&talk.ends(400..=600), Fault::BootPrompt, "boot loader's prompt");
    }
}

#[test]
fn opengear_with_a_shell() {
    let mut talk = at_password("opengear");
    talk.exchange("\r\n\r\noob@br0001:~$ ", "exit\r");
    talk.says("exit\r\nlogout\r\n").input(Input::CarrierLost);
    passes(&talk.ends(0..=0), "br0001");
}

#[test]
fn opengear_with_the_menu_of_ports_alone() {
    let mut talk = at_password("opengear");
    talk.says("\r\n 1: router    2: switch\r\n 3: ups\r\n\r\nConnect to port > ").rests(450);
    assert_eq!(talk.sent, "", "believed too early");
    talk.rests(100);
    assert_eq!(std::mem::take(&mut talk.sent), "q\r");
    assert_eq!(talk.outcome, Some(Outcome::Accepted));
    assert!(talk.has(Moment::Verified), "the login prompt named it");
    // A firmware that knows another word.
    talk.says("q\r\nInvalid port\r\nConnect to port > ").rests(600);
    assert_eq!(std::mem::take(&mut talk.sent), "exit\r");
    talk.says("exit\r\n\r\nbr0001 login: ");
    passes(&talk.ends(0..=100), "br0001");
}

#[test]
fn avocent_with_its_cli() {
    let mut talk = Talk::new("avocent-acs", Some("br0001-acs1"));
    talk.exchange("\r\nlogin: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.exchange(
        "\r\nWelcome to ACS8000 br0001-acs1.\r\nType help for more information\r\n\r\n--:- / cli-> ",
        "exit\r",
    );
    assert!(talk.has(Moment::Verified), "what it said after the login named it");
    talk.says("exit\r\n\r\nlogin: ");
    passes(&talk.ends(0..=100), "br0001-acs1");

    let mut talk = Talk::new("avocent-acs", Some("br0001-acs1"));
    talk.exchange("\r\nlogin: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.exchange("\r\nWelcome to ACS8000 br0002-acs1.\r\n--:- / cli-> ", "exit\r");
    talk.says("\r\n\r\nlogin: ");
    fails(&talk.ends(0..=100), Fault::WrongConsole, "answered as \"br0002-acs1\"");
}

#[test]
fn avocent_with_its_list_of_ports() {
    let mut talk = at_password("avocent-acs");
    talk.says(
        "\r\nSerial Console Server Connection Menu for your Master Terminal Server\r\n\r\n 1 router   2 switch\r\n\r\n \
         Type 'q' to quit, a valid option [1-2], or anything else to refresh : ",
    );
    talk.rests(600);
    assert_eq!(std::mem::take(&mut talk.sent), "q\r");
    talk.says("q\r\n").input(Input::CarrierLost);
    passes(&talk.ends(0..=0), "br0001");
}

#[test]
fn a_port_that_somebody_has_is_busy_and_nobody_is_thrown_out() {
    for (name, text) in [
        ("avocent-acs", "\r\nIn Use\r\n"),
        ("avocent-acs", "\r\nIn Use by owning user\r\nPreempt (y/n)? "),
        ("opengear", "\r\nPort 3 is already in use\r\n"),
        ("digi", "\r\nPort is being used\r\n"),
        ("lantronix", "\r\nPort busy\r\n"),
        ("hp-procurve", "\r\nThe console is already in use\r\n"),
        ("junos", "\r\nLine in use\r\n"),
    ] {
        let mut talk = Talk::new(name, Some("br0001"));
        talk.says(text);
        assert_eq!(talk.ends(900..=1300).fault, Some(Fault::ConsoleBusy), "{name} {text:?}");
        let mut dropped = Talk::new(name, Some("br0001"));
        dropped.says(text).says("\r\nNO CARRIER\r\n").input(Input::CarrierLost);
        assert_eq!(dropped.ends(0..=0).fault, Some(Fault::ConsoleBusy), "{text:?} and a dropped carrier");
    }
}

#[test]
fn refusals_and_those_who_let_nobody_in() {
    for (name, text, fault) in [
        ("junos", "\r\nLogin incorrect\r\nlogin: ", Fault::LoginRefused),
        ("opengear", "\r\nLogin incorrect\r\nbr0001 login: ", Fault::LoginRefused),
        ("avocent-acs", "\r\nLogin incorrect\r\n", Fault::LoginRefused),
        ("lantronix", "\r\nInvalid password\r\n", Fault::LoginRefused),
        ("digi", "\r\nLogin incorrect\r\n\r\nbr0001 login: ", Fault::LoginRefused),
        ("hp-procurve", "\r\nInvalid password\r\n\r\nUsername: ", Fault::LoginRefused),
        ("hp-procurve", "\r\n\r\nPassword: ", Fault::LoginRefused),
        ("junos", "\r\nYour password has expired.\r\nNew password: ", Fault::PasswordExpired),
        (
            "avocent-acs",
            "\r\nYou are required to change your password\r\nNew password: ",
            Fault::PasswordExpired,
        ),
        ("opengear", "\r\nThis account is currently not available.\r\n", Fault::LoginUnavailable),
        ("avocent-acs", "\r\nRADIUS server not responding\r\n", Fault::LoginUnavailable),
        ("hp-procurve", "\r\nCan't reach RADIUS server 10.0.0.1\r\n\r\nUsername: ", Fault::LoginUnavailable),
        ("digi", "\r\nLogin timed out\r\n", Fault::LoginTimeout),
    ] {
        let mut talk = Talk::new(name, None);
        talk.exchange("\r\nlogin: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
        talk.says(text);
        let finding = talk.ends(0..=1500);
        assert_eq!(finding.fault, Some(fault), "{name} {text:?}: {finding:?}");
        let judged = if fault == Fault::LoginUnavailable { Outcome::NotJudged } else { Outcome::Refused };
        assert_eq!((talk.passwords, talk.outcome), (1, Some(judged)), "{name} {text:?}");
    }
}

#[test]
fn lantronix_of_both_ages() {
    let mut talk = Talk::new("lantronix", Some("br0001-slc1"));
    talk.exchange("\r\nlogin: ", "oob\r").exchange("oob\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.exchange("\r\nFor a list of commands, type 'help'.\r\n\r\n[br0001-slc1]> ", "logout\r");
    talk.says("logout\r\n").input(Input::CarrierLost);
    passes(&talk.ends(0..=0), "br0001-slc1");

    let mut talk = Talk::new("lantronix", None);
    talk.exchange(
        "\r\nType HELP at the 'Local_1> ' prompt for assistance.\r\n\r\nLogin password> ",
        &format!("{PASSWORD}\r"),
    );
    talk.says("\r\nLocal_1> ").rests(200);
    assert_eq!(std::mem::take(&mut talk.sent), "logout\r");
    talk.says("logout\r\n").input(Input::CarrierLost);
    let finding = talk.ends(0..=0);
    assert_eq!((finding.fault, finding.logout_proven), (None, true), "{finding:?}");
}

#[test]
fn a_setup_menu_is_left_without_saving() {
    let mut talk = Talk::new("lantronix", Some("br0001"));
    talk.says("\r\nChange Setup:\r\n  0 Server\r\n  7 Defaults\r\n  8 Exit without save\r\n  9 Save and exit            Your choice ? ");
    talk.rests(600);
    assert_eq!(std::mem::take(&mut talk.sent), "8\r");
    talk.says("8\r\nexiting without save !\r\n").input(Input::CarrierLost);
    fails(&talk.ends(0..=0), Fault::OpenConsole, "menu \"9 Save and exit");
    assert!(!talk.asked);
}

#[test]
fn digi_with_its_access_menu() {
    let menu = "\r\nAccess selection menu:\r\n\r\n    a: Admin CLI\r\n    s: Shell\r\n    q: Quit\r\n\r\nSelect access or quit [admin] : ";
    let mut talk = at_password("digi");
    talk.says(menu).rests(600);
    assert_eq!(std::mem::take(&mut talk.sent), "q\r");
    assert!(talk.has(Moment::LoggedIn) && talk.has(Moment::Verified));
    talk.says("q\r\n\r\nbr0001 login: ");
    passes(&talk.ends(0..=100), "br0001");

    // With one access alone there is no menu, and the prompt is drawn.
    let mut talk = at_password("digi");
    talk.says("\r\nConnecting now...\r\nPress Tab to autocomplete commands\r\nType 'exit' to disconnect from the Admin CLI\r\n\r\n\x1b[0K>\x1b[2C");
    talk.rests(300);
    assert_eq!(std::mem::take(&mut talk.sent), "exit\r");
    // What it comes back to may be the menu.
    talk.says("exit\r\n").says(menu).rests(600);
    assert_eq!(std::mem::take(&mut talk.sent), "q\r");
    talk.says("q\r\n").input(Input::CarrierLost);
    passes(&talk.ends(0..=0), "br0001");
}

#[test]
fn a_menu_that_stands_open_without_a_login_is_a_finding_and_is_left() {
    let mut talk = Talk::new("digi", Some("br0001"));
    talk.says("\r\nSelect access or quit [admin] : ").rests(600);
    assert_eq!(std::mem::take(&mut talk.sent), "q\r");
    talk.says("q\r\n").input(Input::CarrierLost);
    let finding = talk.ends(0..=0);
    fails(&finding, Fault::OpenConsole, "menu \"Select access or quit [admin] :\" without a login");
    assert!(finding.logout_proven && !talk.asked && !talk.has(Moment::LoggedIn));
}

#[test]
fn a_menu_that_does_not_let_go_is_left_to_the_hang_up() {
    let mut talk = at_password("opengear");
    talk.says("\r\nConnect to port > ").rests(600);
    let mut keys = 0;
    while talk.finding.is_none() {
        keys += std::mem::take(&mut talk.sent).matches('\r').count();
        talk.says("\r\nConnect to port > ").rests(1000);
    }
    assert_eq!(keys, 3 + LOGOUT_REPEATS, "each of its keys, and the last again");
    fails(&talk.ends(0..=0), Fault::LogoutUnproven, "Connect to port >");
}

#[test]
fn a_carrier_that_is_lost_at_a_menu_was_logged_in() {
    let mut talk = at_password("digi");
    talk.says("\r\nSelect access or quit [admin] : ").input(Input::CarrierLost);
    fails(&talk.ends(0..=0), Fault::CarrierLost, "before the logout");
    assert_eq!(talk.outcome, Some(Outcome::Accepted));
}

/// The ProCurve way of writing: each line is put in its place, and the cursor goes to and fro before it rests.
fn drawn(prompt: &str) -> String {
    let after = prompt.len() + 1;
    format!(
        "\x1b[1;24r\x1b[24;1H\x1b[24;1H\x1b[2K\x1b[24;1H\x1b[?25h\x1b[24;1H\x1b[24;1H{prompt}\x1b[24;1H\x1b[24;{after}H\x1b[24;1H\x1b[?25h\x1b[24;{after}H"
    )
}

#[test]
fn procurve_that_draws_its_prompts_and_asks_at_the_logout() {
    let mut talk = Talk::new("hp-procurve", Some("br0004-sw1"));
    talk.exchange(
        "\x1b[2J\x1b[1;1HProCurve J4813A Switch 2524\r\nSoftware revision F.05.17\r\n\r\n\x1b[24;1HPress any key to continue\x1b[24;1H\x1b[?25h\x1b[24;27H",
        "\r",
    );
    talk.exchange(&drawn("Username: "), "oob\r");
    talk.exchange(&drawn("Password: "), &format!("{PASSWORD}\r"));
    talk.says(
        "\x1b[2J\x1b[1;1HYour previous successful login (as manager) was on 2026-11-20 02:00:00\x1b[3;1H",
    );
    talk.exchange(&drawn("br0004-sw1# "), "logout\r");
    talk.exchange(&format!("logout{}", drawn("Do you want to log out [y/n]? ")), "y");
    talk.exchange(&format!("y{}", drawn("Do you want to save current configuration [y/n/^C]? ")), "n");
    talk.says("n\x1b[2J\x1b[1;1HProCurve J4813A Switch 2524\x1b[24;1HPress any key to continue");
    passes(&talk.ends(0..=200), "br0004-sw1");
}

const PROCURVE_MENU: &str = "\x1b[2J\x1b[1;1Hbr0004-sw1                                    1-Jan-1990   0:05:41\
    \x1b[2;1H===========================- CONSOLE - MANAGER MODE -==========================\
    \x1b[3;36HMain Menu\x1b[5;4H1. Status and Counters...\x1b[9;4H5. Command Line (CLI)\x1b[14;4H0. Logout\
    \x1b[22;1HProvides the menu to display configuration, status, and counters.\
    \x1b[23;1HTo select menu item, press item number, or highlight item and press <Enter>.\
    \x1b[5;4H\x1b[7m1. Status and Counters...\x1b[0m\x1b[5;4H";

#[test]
fn procurve_with_its_menu() {
    let mut talk = Talk::new("hp-procurve", Some("br0004-sw1"));
    talk.exchange("\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.says(PROCURVE_MENU).rests(900);
    assert_eq!(talk.sent, "", "it may still be drawing");
    talk.rests(200);
    assert_eq!(std::mem::take(&mut talk.sent), "0");
    assert!(talk.has(Moment::Verified), "its top line names it");
    talk.exchange(&drawn("Do you want to log out [y/n]? "), "y");
    talk.says("y\r\nPress any key to continue");
    passes(&talk.ends(0..=200), "br0004-sw1");

    let mut talk = Talk::new("hp-procurve", Some("br0005-sw1"));
    talk.says(PROCURVE_MENU);
    // The top line is a banner too: another switch, and nothing is sent to it.
    fails(&talk.ends(0..=200), Fault::WrongConsole, "answered as \"br0004-sw1\"");
}

#[test]
fn procurve_asks_about_changes_of_others_right_after_the_login() {
    let mut talk = Talk::new("hp-procurve", Some("br0004-sw1"));
    talk.exchange("\r\nUsername: ", "oob\r").exchange("\r\nPassword: ", &format!("{PASSWORD}\r"));
    talk.exchange("\r\nDo you want to save current configuration [y/n/^C]? ", "n");
    talk.exchange("n\r\n-- MORE --, next page: Space, next line: Enter, quit: Control-C", " ");
    talk.exchange("\r\nbr0004-sw1> ", "logout\r");
    talk.says("\r\n").input(Input::CarrierLost);
    passes(&talk.ends(0..=0), "br0004-sw1");
}

#[test]
fn the_menu_in_front_of_a_catalyst_1900() {
    let menu = "\r\n1 user(s) now active on Management Console.\r\n\r\n        User Interface Menu\r\n\r\n     [M] Menus\r\n     [K] Command Line\r\n\r\nEnter Selection: ";
    let mut talk = Talk::new("cisco-ios", Some("br0006-sw1"));
    talk.says(menu).rests(600);
    assert_eq!(std::mem::take(&mut talk.sent), "K\r");
    assert!(!talk.asked, "nobody is logged in by that");
    talk.exchange("K\r\nEnter password: ", &format!("{PASSWORD}\r"));
    talk.exchange("\r\n        CLI session with the switch is open.\r\n\r\nbr0006-sw1>", "exit\r");
    talk.says(menu);
    passes(&talk.ends(0..=200), "br0006-sw1");

    // Without a password the command line stands open.
    let mut talk = Talk::new("cisco-ios", Some("br0006-sw1"));
    talk.says(menu).rests(600);
    talk.sent.clear();
    talk.says("K\r\n\r\nbr0006-sw1>").rests(600);
    assert_eq!(std::mem::take(&mut talk.sent), "exit\r");
    talk.says(menu);
    fails(&talk.ends(0..=200), Fault::OpenConsole, "br0006-sw1>");
}
