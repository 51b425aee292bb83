//! Sessions that are handed over, and taken back.

use proptest::prelude::*;

use super::*;

const LIMITS: HandoverLimits =
    HandoverLimits { idle: Duration::from_secs(10 * 60), whole: Duration::from_secs(30 * 60) };

/// Logged in to an IOS router, in a technician's hands.
fn handed() -> Talk {
    let mut talk = Talk::new("cisco-ios", Some("br1-rtr1"));
    talk.session = talk.session.with_handover(Some(LIMITS));
    talk.exchange("\r\nUsername: ", "oob\r").exchange("oob\r\nPassword: ", "s3cret-w0rd\r");
    talk.exchange("\r\nbr1-rtr1>", "");
    let shown = (Stand::Verified, Some("br1-rtr1".to_owned()), "br1-rtr1>".to_owned());
    assert_eq!(talk.handed, Some(shown));
    assert!(talk.session.is_handed_over() && talk.session.is_winding_up() && !talk.session.is_leaving());
    talk
}

impl Talk {
    fn types(&mut self, keys: &str) -> &mut Self {
        self.input(Input::Keys(keys.as_bytes()));
        assert_eq!(std::mem::take(&mut self.sent), keys);
        self
    }

    fn back(&mut self, why: Back) -> &mut Self {
        self.input(Input::TakeBack(why));
        assert_eq!(self.back, Some(why));
        self
    }
}

#[test]
fn at_a_prompt_it_is_logged_out_of_at_once_and_nothing_of_it_is_kept() {
    let mut talk = handed();
    talk.types("show secrets\r").says("show secrets\r\nall-of-them\r\nbr1-rtr1>").rests(60_000);
    talk.back(Back::Escape).rests(600);
    assert_eq!(std::mem::take(&mut talk.sent), "exit\r");
    talk.says("exit\r\n\r\nUsername: ");
    let finding = talk.ends(0..=1000);
    assert_eq!(finding.fault, None, "{finding:?}");
    assert!(finding.logout_proven && talk.has(Moment::HandedBack) && talk.has(Moment::LoggedOut));
    assert!(!finding.transcript.contains("all-of-them"), "{}", finding.transcript);
    assert!(finding.transcript.contains("handed over"), "{}", finding.transcript);
    // The logout is no longer than it was.
    let took = talk.at(Moment::LoggedOut).since(talk.at(Moment::HandedBack));
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn what_was_half_typed_is_never_sent_off() {
    let mut talk = handed();
    talk.types("reload").says("reload").rests(5000);
    talk.back(Back::Escape).rests(100);
    assert_eq!(std::mem::take(&mut talk.sent), "\u{3}");
    talk.says("^C\r\nbr1-rtr1>").rests(600);
    assert_eq!(std::mem::take(&mut talk.sent), "exit\r");
    talk.input(Input::CarrierLost);
    assert!(talk.finding.clone().is_some_and(|finding| finding.fault.is_none() && finding.logout_proven));
}

#[test]
fn a_question_is_never_agreed_to() {
    let mut talk = handed();
    talk.types("reload\r").says("reload\r\nProceed with reload? [confirm]").rests(1000);
    talk.back(Back::Idle).rests(9900);
    assert_eq!(talk.sent, "\u{3}\u{3}\u{3}", "no CR, which would agree");
    talk.sent.clear();
    let finding = talk.ends(0..=1000);
    fails(&finding, Fault::LogoutUnproven, "no prompt after it was handed back");
}

#[test]
fn a_far_end_that_hangs_up_after_a_farewell_has_logged_out_and_else_it_is_not_known() {
    let mut talk = handed();
    talk.types("exit\r").says("exit\r\n").rests(50);
    talk.input(Input::CarrierLost);
    assert_eq!(talk.back, Some(Back::CarrierLost));
    assert_eq!(
        talk.finding.clone().map(|finding| (finding.fault, finding.logout_proven)),
        Some((None, true))
    );

    let mut talk = handed();
    talk.types("show clock\r").says("*07:00").rests(50);
    talk.input(Input::CarrierLost);
    fails(&talk.finding.clone().unwrap(), Fault::LogoutUnproven, "while the console was handed over");
}

#[test]
fn who_has_logged_out_by_hand_is_not_logged_out_of_again() {
    let mut talk = handed();
    talk.types("exit\r")
        .says("exit\r\n\r\nbr1-rtr1 con0 is now available\r\n\r\nPress RETURN to get started.\r\n");
    talk.rests(3000).back(Back::Escape);
    let finding = talk.ends(0..=1000);
    assert!(finding.fault.is_none() && finding.logout_proven, "{finding:?}");
}

#[test]
fn its_limits_end_it_and_a_cancel_too() {
    let mut talk = handed();
    talk.rests(600_000);
    assert_eq!(talk.back, Some(Back::Idle));
    let mut talk = handed();
    for _ in 0..20 {
        if talk.back.is_none() {
            talk.types("\r").says("\r\nbr1-rtr1>").rests(120_000);
        }
    }
    assert_eq!(talk.back, Some(Back::Whole));
    let mut talk = handed();
    talk.input(Input::Cancel);
    assert_eq!(talk.back, Some(Back::Cancelled));
    talk.rests(700);
    assert_eq!(talk.sent, "exit\r");
}

#[test]
fn without_a_credential_the_login_prompt_is_handed_over_and_the_verdict_stays() {
    let mut talk = Talk::new("linux", Some("br1"));
    talk.session = talk.session.with_handover(Some(LIMITS));
    talk.grants = false;
    talk.says("\r\nbr1 login: ").rests(200);
    assert!(talk.asked);
    talk.input(Input::NoCredential("the plan gives no credential for it"));
    assert_eq!(talk.handed, Some((Stand::LoginPrompt, Some("br1".to_owned()), "br1 login: ".to_owned())));
    talk.types("me\r").says("me\r\nPassword: ").types("mine\r").says("\r\nme@br1:~$ ").rests(1000);
    talk.back(Back::Escape).rests(700);
    assert_eq!(std::mem::take(&mut talk.sent), "exit\r");
    talk.says("exit\r\nlogout\r\n\r\nbr1 login: ");
    let finding = talk.ends(0..=2000);
    fails(&finding, Fault::CredentialUnproven, "no credential");
    assert!(finding.logout_proven && talk.outcome.is_none());
}

#[test]
fn another_console_than_the_expected_one_is_not_handed_over() {
    let mut talk = Talk::new("cisco-ios", Some("br1-rtr1"));
    talk.session = talk.session.with_handover(Some(LIMITS));
    talk.exchange("\r\nUsername: ", "oob\r").exchange("oob\r\nPassword: ", "s3cret-w0rd\r");
    talk.exchange("\r\nother>", "exit\r");
    assert_eq!(talk.handed, None);
}

#[derive(Debug, Clone)]
enum Happens {
    Says(&'static str),
    Keys(&'static str),
    Rests(u64),
    Back(Back),
    Cancel,
    Lost,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        6 => prop::sample::select(vec![
            "\r\nbr1-rtr1>", "\r\nbr1-rtr1#", "\r\nUsername: ", "Proceed? [confirm]", " --More-- ", "^C",
            "kept-nowhere\r\n", "\x1b[2J", "\r\nPassword: ", "\r\n[yes/no]: ", "log line\r\n",
        ]).prop_map(Happens::Says),
        5 => prop::sample::select(vec!["a", "\r", "exit\r", "reload", "+++", "\u{4}", "\u{3}", "~"])
            .prop_map(Happens::Keys),
        4 => (0..700_000_u64).prop_map(Happens::Rests),
        2 => (0..900_u64).prop_map(Happens::Rests),
        1 => prop::sample::select(vec![Back::Escape, Back::TerminalGone]).prop_map(Happens::Back),
        1 => Just(Happens::Cancel),
        1 => Just(Happens::Lost),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens: it ends in time; once it was taken back no CR goes out but behind a word of the dialog; what
    /// was said in between is kept nowhere.
    #[test]
    fn every_handover_ends_and_no_key_is_of_our_making(steps in proptest::collection::vec(happens(), 0..40)) {
        let mut talk = handed();
        let allowed = dialog("cisco-ios");
        for step in steps {
            if talk.finding.is_some() {
                break;
            }
            let in_hands = talk.back.is_none();
            match step {
                Happens::Says(text) => drop(talk.says(text)),
                Happens::Keys(keys) => talk.input(Input::Keys(keys.as_bytes())),
                Happens::Rests(ms) => drop(talk.rests(ms)),
                Happens::Back(why) => talk.input(Input::TakeBack(why)),
                Happens::Cancel => talk.input(Input::Cancel),
                Happens::Lost => talk.input(Input::CarrierLost),
            }
            let sent = std::mem::take(&mut talk.sent);
            if !in_hands || talk.back.is_some() {
                for word in sent.split_inclusive('\r') {
                    let word = word.trim_start_matches('\u{3}').trim_end_matches('\r');
                    let is_ours = word.is_empty() || allowed.allows(word);
                    prop_assert!(is_ours, "{:?} after it was taken back", sent);
                }
            }
        }
        talk.rests(3_600_000);
        let finding = talk.finding.clone().expect("it ends");
        prop_assert!(talk.back.is_some());
        prop_assert!(!finding.transcript.contains("kept-nowhere") || talk.has(Moment::LoggedOut) || finding.fault.is_some());
        prop_assert!(matches!(finding.fault, None | Some(Fault::LogoutUnproven)), "{:?}", finding);
    }
}
