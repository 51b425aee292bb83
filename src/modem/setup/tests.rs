use proptest::prelude::*;

use super::*;
use crate::modem::machine::rig::{Pretend, Ran, run};

/// Set up, and nothing was refused.
const DONE: SetupEnd = Ok(SetupDone { refused: Vec::new() });

fn profile(yaml: &str) -> Profile {
    let profile: Profile = serde_yaml::from_str(yaml).unwrap();
    assert_eq!(profile.problems(), []);
    profile
}

fn courier() -> Profile {
    profile("{ profile: a, setup: ['AT&F1', ATE0Q0V1, { send: ATX7, optional: true }, ATS0=0] }")
}

fn facts(modem: &Pretend) -> PortFacts {
    PortFacts { has_signals: modem.signals, dcd_at_open: modem.signals && modem.carrier, ..PortFacts::BARE }
}

fn full(profile: &Profile, modem: Pretend) -> Ran<SetupEnd> {
    run(Setup::full(profile, &facts(&modem), SetupLimits::default()), modem)
}

fn quick(profile: &Profile, modem: Pretend) -> Ran<SetupEnd> {
    run(Setup::quick(profile, &facts(&modem), SetupLimits::default()), modem)
}

fn fault(ran: &Ran<SetupEnd>) -> (Fault, &str) {
    let fault = ran.out.as_ref().unwrap_err();
    (fault.fault, fault.detail.as_str())
}

#[test]
fn each_line_is_typed_after_the_ok_to_the_one_before() {
    for echo in [false, true] {
        let ran = full(&courier(), Pretend { echo, ..Pretend::default() });
        assert_eq!(ran.out, DONE);
        assert_eq!(ran.did, ["0 AT", "10 AT&F1", "20 ATE0Q0V1", "30 ATX7", "40 ATS0=0"]);
        assert_eq!((ran.took_ms, ran.late), (50, vec![]));
    }
}

#[test]
fn rests_are_kept() {
    let profile = profile(
        "{ profile: a, setup: [{ send: ATZ, pause: 3s }, ATE0], quirks: { settle: 100ms, open_delay: 1500ms } }",
    );
    let ran = full(&profile, Pretend::default());
    assert_eq!(ran.did, ["1500 AT", "1610 ATZ", "4720 ATE0"]);
    assert_eq!(ran.took_ms, 4_830);
}

#[test]
fn an_optional_line_may_be_refused_and_no_other() {
    let ran = full(&courier(), Pretend { errors: vec!["ATX7"], ..Pretend::default() });
    assert_eq!(ran.out, Ok(SetupDone { refused: vec!["ATX7".to_owned()] }));
    let ran = full(&courier(), Pretend { errors: vec!["AT&F1"], ..Pretend::default() });
    assert_eq!(fault(&ran), (Fault::ModemError, "`AT&F1` was answered `ERROR`"));
    assert_eq!(ran.did.last().unwrap(), "10 AT&F1");
}

#[test]
fn a_modem_that_loses_its_first_commands_is_knocked_at_again() {
    let ran = full(&courier(), Pretend { deaf_for: 2, ..Pretend::default() });
    assert_eq!(ran.out, DONE);
    assert_eq!(ran.did[..3], ["0 AT", "1000 AT", "2000 AT"]);
    assert_eq!(ran.late, Vec::<String>::new());
}

#[test]
fn the_late_ok_to_an_earlier_at_is_not_taken_for_that_of_a_line() {
    let modem = Pretend { latency_ms: 1_300, errors: vec!["AT&F1"], ..Pretend::default() };
    let ran = full(&courier(), modem);
    // Were it taken, the refused line would pass.
    assert_eq!(fault(&ran), (Fault::ModemError, "`AT&F1` was answered `ERROR`"));
}

#[test]
fn a_setup_that_runs_out_of_time_leaves_dtr_high() {
    // Its recovery has just dropped DTR when the limit comes; with DTR low no later dial would go out.
    let limits = SetupLimits { total: Duration::from_millis(3_200), ..SetupLimits::default() };
    let modem = Pretend { dead: true, signals: true, ..Pretend::default() };
    let ran = run(Setup::full(&courier(), &facts(&modem), limits), modem);
    assert_eq!(fault(&ran).0, Fault::ModemSilent);
    assert_eq!((ran.took_ms, ran.modem.dtr), (3_200, true), "{:?}", ran.did);
}

#[test]
fn what_the_last_call_left_behind_answers_nothing() {
    let modem = Pretend {
        latency_ms: 50,
        unasked: vec![(5, "NO CARRIER"), (60, "RING"), (110, "NO CARRIER"), (130, "BUSY")],
        ..Pretend::default()
    };
    let ran = full(&courier(), modem);
    assert_eq!((ran.out, ran.took_ms), (DONE, 250));
}

#[test]
fn a_line_that_is_not_answered_is_typed_once_more() {
    let profile = profile("{ profile: a, setup: ['AT&F', ATE0] }");
    let machine = Setup::full(&profile, &PortFacts::default(), SetupLimits::default());
    let ran = run(Deafening { machine, lines: 0 }, Pretend::default());
    assert_eq!(ran.out, DONE);
    assert_eq!(ran.did, ["0 AT", "10 AT&F", "4010 AT&F", "4220 ATE0"]);
}

/// Lets the first answer to a set-up line get lost.
struct Deafening {
    machine: Setup,
    lines: usize,
}

impl crate::modem::machine::rig::Machine for Deafening {
    type Out = SetupEnd;

    fn start(&mut self, now: Mono, actions: &mut Vec<Action>) -> Progress<Self::Out> {
        self.machine.start(now, actions)
    }

    fn handle(&mut self, now: Mono, input: Input<'_>, actions: &mut Vec<Action>) -> Progress<Self::Out> {
        if let Input::Token(Token::Result(ResultCode::Ok)) = input {
            self.lines += 1;
            if self.lines == 2 {
                return self.machine.handle(now, Input::Time, actions);
            }
        }
        self.machine.handle(now, input, actions)
    }
}

#[test]
fn a_port_found_online_is_hung_up_before_anything_is_typed() {
    let modem = Pretend { signals: true, codec_online: false, ..Pretend::in_call() };
    let ran = full(&courier(), modem);
    assert_eq!(ran.out, DONE);
    assert_eq!(ran.did[..4], ["0 dtr low", "10 dtr high", "10 AT", "20 AT&F1"]);
    assert!(ran.modem.far.is_empty(), "the far end got {:?}", ran.modem.far.escape_ascii().to_string());
}

#[test]
fn a_silent_modem_without_lines_gets_one_escape() {
    let modem = Pretend { codec_online: false, ..Pretend::in_call() };
    let ran = full(&courier(), modem);
    assert_eq!(ran.out, DONE, "{:?}", ran.did);
    assert_eq!(ran.did[..5], ["0 AT", "1000 AT", "2000 AT", "4100 +++", "5110 ATH"]);
    assert!(!ran.modem.carrier);
}

/// A modem that an earlier run left in a call.
fn found_online() -> Pretend {
    Pretend { codec_online: false, ..Pretend::in_call() }
}

/// A port that a server has.
const REMOTE: PortFacts = PortFacts { may_stay_online: true, ..PortFacts::BARE };

#[test]
fn a_modem_behind_a_server_is_hung_up_before_at_is_typed_though_nothing_shows_it_online() {
    let ran = run(Setup::full(&courier(), &REMOTE, SetupLimits::default()), found_online());
    assert_eq!(ran.out, Ok(SetupDone::default()), "{:?}", ran.did);
    assert_eq!(ran.did[..4], ["1100 +++", "2110 ATH", "2120 AT", "2130 AT&F1"]);
    assert_eq!((ran.modem.far.as_slice(), ran.modem.carrier), (b"+++".as_slice(), false));
    // Nobody is online: a few seconds is what that costs.
    let ran = run(Setup::full(&courier(), &REMOTE, SetupLimits::default()), Pretend::default());
    assert_eq!(ran.out, Ok(SetupDone::default()), "{:?}", ran.did);
    assert_eq!(
        ran.did[..3],
        ["1100 +++", "2700 ATH", "2710 ATH"],
        "the first meets the escape in the buffer"
    );
    assert!(ran.took_ms < 4_000, "{} ms", ran.took_ms);
    // With lines DTR falls first: it may do it, though with DCD low all along only ATH proves it.
    let wired = PortFacts { has_signals: true, ..REMOTE };
    let modem = Pretend { signals: true, ..found_online() };
    let ran = run(Setup::full(&courier(), &wired, SetupLimits::default()), modem);
    assert_eq!(
        (ran.out, ran.modem.far.as_slice()),
        (Ok(SetupDone::default()), b"".as_slice()),
        "{:?}",
        ran.did
    );
}

#[test]
fn a_modem_behind_a_server_that_was_proven_on_hook_is_not_hung_up_again() {
    let ran = run(Setup::full(&courier(), &REMOTE, SetupLimits::default()).on_hook(), Pretend::default());
    assert_eq!((ran.out, ran.did[0].as_str()), (Ok(SetupDone::default()), "0 AT"));
    // But for a carrier that can be seen.
    let facts = PortFacts { has_signals: true, dcd_at_open: true, ..REMOTE };
    let modem = Pretend { signals: true, ..found_online() };
    let ran = run(Setup::full(&courier(), &facts, SetupLimits::default()).on_hook(), modem);
    assert_eq!((ran.out, ran.did[0].as_str()), (Ok(SetupDone::default()), "0 dtr low"));
}

#[test]
fn a_dead_modem_is_silent_in_bounded_time() {
    for signals in [false, true] {
        let ran = full(&courier(), Pretend { dead: true, signals, ..Pretend::default() });
        let (fault, detail) = fault(&ran);
        assert_eq!(fault, Fault::ModemSilent);
        assert!(detail.starts_with("no answer to `AT` ("), "{detail}");
        assert!(ran.took_ms <= 13_000, "{} ms", ran.took_ms);
        assert!(ran.modem.dtr);
        assert_eq!(ran.did.iter().filter(|did| did.ends_with("+++")).count(), 1, "{:?}", ran.did);
    }
}

#[test]
fn a_modem_that_says_error_to_everything_is_told_as_such() {
    let ran = full(&courier(), Pretend { errors: vec!["AT"], ..Pretend::default() });
    assert_eq!(fault(&ran), (Fault::ModemError, "`AT` was answered `ERROR` each time"));
}

#[test]
fn the_quick_one_costs_one_round_trip() {
    let profile = profile("{ profile: a, setup: ['AT&F'], quirks: { settle: 100ms, open_delay: 1500ms } }");
    let ran = quick(&profile, Pretend::default());
    assert_eq!((ran.out, ran.took_ms), (DONE, 10));
    assert_eq!(ran.did, ["0 AT"]);
    let ran = quick(&profile, Pretend { dead: true, ..Pretend::default() });
    assert_eq!(fault(&ran), (Fault::ModemSilent, "no answer to `AT` within 1000 ms"));
    assert_eq!(ran.did, ["0 AT"]);
}

#[test]
fn whatever_drags_on_ends_with_the_total_limit() {
    let profile = profile("{ profile: a, setup: [ATE0, ATE0, ATE0, ATE0, ATE0] }");
    let limits = SetupLimits { total: Duration::from_secs(3), ..SetupLimits::default() };
    let machine = Setup::full(&profile, &PortFacts::default(), limits);
    let ran = run(machine, Pretend { latency_ms: 700, ..Pretend::default() });
    assert_eq!(fault(&ran), (Fault::ModemSilent, "set-up did not end within 3000 ms"));
    assert_eq!(ran.took_ms, 3_000);
}

#[test]
fn every_write_ends_with_a_cr_alone() {
    let mut actions = Vec::new();
    let profile = courier();
    let mut machine = Setup::full(&profile, &PortFacts::default(), SetupLimits::default());
    let _ = machine.start(Mono::ZERO, &mut actions);
    assert_eq!(actions, [Action::Drain, Action::Write(b"AT\r".to_vec())]);
}

proptest! {
    /// However a modem behaves: set-up ends in time, and OK means that every line was taken.
    #[test]
    fn ok_means_that_all_was_taken(
        flags in prop::collection::vec(any::<bool>(), 7),
        latency_ms in 1_u64..900,
        deaf_for in 0_usize..5,
        refused in proptest::option::of(0_usize..4),
    ) {
        let &[signals, carrier, dtr_works, escape_works, dead, echo, codec_online] = flags.as_slice() else {
            unreachable!("seven were asked for");
        };
        let profile = courier();
        let errors = refused.map(|i| ["AT&F1", "ATE0Q0V1", "ATX7", "ATS0=0"][i]);
        let modem = Pretend {
            signals, carrier, dtr_works, escape_works, dead, echo, latency_ms, deaf_for,
            codec_online: codec_online && carrier,
            online: carrier,
            errors: errors.into_iter().collect(),
            ..Pretend::default()
        };
        let ran = full(&profile, modem);
        prop_assert!(ran.took_ms <= 30_000);
        prop_assert!(ran.modem.dtr);
        if ran.out.is_ok() {
            prop_assert!(!dead && !ran.modem.carrier);
            prop_assert!(errors.is_none_or(|line| line == "ATX7"), "{:?}", ran);
            let told = ran.out.as_ref().is_ok_and(|done| !done.refused.is_empty());
            prop_assert_eq!(told, errors.is_some());
            for line in &profile.setup {
                prop_assert!(ran.did.iter().any(|did| did.ends_with(&line.send)), "{:?}", ran.did);
            }
        }
        if signals && carrier && dtr_works {
            prop_assert!(ran.modem.far.is_empty());
        }
    }

    /// Behind a server the far console may be listening: the first that it hears is an escape, and OK means on-hook.
    #[test]
    fn behind_a_server_no_console_is_typed_at_first(
        flags in prop::collection::vec(any::<bool>(), 6),
        latency_ms in 1_u64..900,
    ) {
        let &[signals, carrier, dtr_works, escape_works, dcd_is_seen, dead] = flags.as_slice() else {
            unreachable!("six were asked for");
        };
        let facts = PortFacts { has_signals: signals, dcd_at_open: signals && carrier && dcd_is_seen, ..REMOTE };
        let modem = Pretend {
            signals, carrier, dtr_works, escape_works, dead, latency_ms,
            reopen_works: false,
            codec_online: false,
            online: carrier,
            ..Pretend::default()
        };
        let ran = run(Setup::full(&courier(), &facts, SetupLimits::default()), modem);
        prop_assert!(ran.took_ms <= 30_000);
        prop_assert!(ran.modem.far.is_empty() || ran.modem.far.starts_with(b"+++"), "{:?}", ran);
        if ran.out.is_ok() {
            prop_assert!(!dead && !ran.modem.carrier, "{:?}", ran);
        }
        if escape_works {
            prop_assert!(!ran.modem.far.windows(2).any(|pair| pair == b"AT"), "{:?}", ran);
        }
    }
}
