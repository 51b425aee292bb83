use super::*;

const WAIT: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_secs(10);

struct Played {
    machine: DialTone,
    actions: Vec<Action>,
    end: Option<ToneOutcome>,
}

impl Played {
    fn begun(facts: PortFacts) -> Self {
        let profile: Profile = serde_yaml::from_str("{ profile: generic, dial: ATDT }").unwrap();
        let mut machine = DialTone::new(&profile, facts, WAIT, LIMIT);
        let mut actions = Vec::new();
        let _ = machine.start(Mono::ZERO, &mut actions);
        assert_eq!(actions, [Action::Drain, command("ATDTW;")], "no digit, whatever the prefix");
        Self { machine, actions: Vec::new(), end: None }
    }

    fn input(&mut self, ms: u64, input: Input<'_>) -> Vec<Action> {
        if let Progress::Done(end) = self.machine.handle(Mono::from_millis(ms), input, &mut self.actions) {
            self.end = Some(end);
        }
        std::mem::take(&mut self.actions)
    }

    fn hear(&mut self, ms: u64, code: ResultCode) -> Vec<Action> {
        self.input(ms, Input::Token(&Token::Result(code)))
    }

    /// OK to ATH, OK to AT.
    fn on_hook(mut self, ms: u64) -> Tone {
        assert_eq!(self.hear(ms, ResultCode::Ok), [command("AT")]);
        self.hear(ms + 10, ResultCode::Ok);
        let end = self.end.expect("an end");
        assert!(end.on_hook, "{end:?}");
        end.tone
    }
}

#[test]
fn a_dial_tone_is_heard_and_the_modem_hung_up() {
    let mut played = Played::begun(PortFacts::default());
    assert_eq!(played.hear(1500, ResultCode::Ok), [command("ATH")]);
    assert_eq!(played.on_hook(1600), Tone::Heard);
}

#[test]
fn each_word_for_a_missing_dial_tone_is_a_fault_of_our_own_line() {
    for (code, fault) in [
        (ResultCode::NoDialtone, Fault::NoDialtone),
        (ResultCode::NoLine, Fault::NoDialtone),
        (ResultCode::OverCurrent, Fault::NoDialtone),
        (ResultCode::LineInUse, Fault::LineInUse),
        (ResultCode::PhoneOffHook, Fault::LineInUse),
    ] {
        let mut played = Played::begun(PortFacts::default());
        assert_eq!(played.hear(5000, code.clone()), [command("ATH")], "{code:?}");
        match played.on_hook(5010) {
            Tone::Missing(found, why) => assert!(found == fault && !why.is_empty(), "{code:?}"),
            other => panic!("{code:?}: {other:?}"),
        }
    }
}

#[test]
fn whatever_else_it_says_is_no_fault() {
    for code in [ResultCode::Error, ResultCode::NoCarrier, ResultCode::Busy, ResultCode::Voice] {
        let mut played = Played::begun(PortFacts::default());
        assert_eq!(played.hear(50, code.clone()), [command("ATH")], "{code:?}");
        assert!(matches!(played.on_hook(60), Tone::Unknown(_)), "{code:?}");
    }
}

#[test]
fn silence_is_no_fault_and_the_dial_is_ended() {
    let mut played = Played::begun(PortFacts::default());
    assert_eq!(played.input(30_000, Input::Token(&Token::Info("HMM".into()))), []);
    assert_eq!(played.input(60_000, Input::Time), [Action::Write(b"\r".to_vec())]);
    assert_eq!(played.hear(60_100, ResultCode::NoCarrier), [command("ATH")]);
    match played.on_hook(60_200) {
        Tone::Unknown(why) => assert!(why.contains("60 s") && why.contains("HMM"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_that_comes_in_meanwhile_ends_it() {
    let mut played = Played::begun(PortFacts::default());
    assert_eq!(played.hear(100, ResultCode::Ring), [Action::Write(b"\r".to_vec())]);
    // No answer to the CR: ATH all the same.
    assert_eq!(played.input(2_100, Input::Time), [command("ATH")]);
    assert_eq!(played.hear(2_200, ResultCode::Ok), [command("AT")]);
    for n in 0..20 {
        played.hear(2_210 + n * 100, ResultCode::Ok);
    }
    let end = played.end.expect("an end");
    assert!(end.on_hook && matches!(end.tone, Tone::Unknown(_)), "{end:?}");
}

#[test]
fn where_ath_is_not_answered_dtr_is_dropped_and_a_dead_modem_is_told_unproven() {
    let facts = PortFacts { has_signals: true, ..PortFacts::default() };
    let mut played = Played::begun(facts);
    assert_eq!(played.hear(1_000, ResultCode::Ok), [command("ATH")]);
    assert_eq!(played.input(3_000, Input::Time), [command("ATH")]);
    assert_eq!(played.input(5_000, Input::Time), [Action::Dtr(false)]);
    for second in 6..60 {
        played.input(second * 1000, Input::Time);
    }
    let end = played.end.expect("bounded");
    assert!(!end.on_hook && end.tone == Tone::Heard && !end.detail.is_empty(), "{end:?}");
}

#[test]
fn one_that_is_cut_short_is_hung_up_as_well() {
    let profile: Profile = serde_yaml::from_str("profile: generic").unwrap();
    let mut machine = DialTone::cut_short(&profile, PortFacts::default(), LIMIT);
    let mut actions = Vec::new();
    let _ = machine.start(Mono::ZERO, &mut actions);
    assert_eq!(actions, [Action::Write(b"\r".to_vec())]);
    let played = Played { machine, actions: Vec::new(), end: None };
    let mut played = Played { ..played };
    assert_eq!(played.hear(5, ResultCode::Ok), [command("ATH")]);
    assert!(matches!(played.on_hook(10), Tone::Unknown(_)));
}
