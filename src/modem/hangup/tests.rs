use proptest::prelude::*;

use super::*;
use crate::modem::machine::rig::{Pretend, Ran, run};

const LIMIT: Duration = Duration::from_secs(10);

const BOTH: [HangupWay; 3] = [HangupWay::Dtr, HangupWay::Escape, HangupWay::Reopen];

fn hang_up(situation: Situation, modem: Pretend) -> Ran<HangupOutcome> {
    let facts = PortFacts { has_signals: modem.signals, ..PortFacts::BARE };
    let machine = HangUp::with_ways(&BOTH, &Quirks::default(), facts, situation, LIMIT);
    run(machine, modem)
}

fn carrier_up(dcd: Option<bool>) -> Situation {
    Situation { carrier_may_be_up: true, dcd, ..Situation::default() }
}

fn proven(how: How) -> HangupOutcome {
    HangupOutcome { proven: true, how: Some(how), detail: String::new() }
}

#[test]
fn where_logout_took_the_carrier_one_round_trip_is_the_proof() {
    let situation =
        Situation { carrier_may_be_up: true, logged_out_took_carrier: true, ..Situation::default() };
    let ran = hang_up(situation, Pretend { codec_online: true, ..Pretend::default() });
    assert_eq!(ran.out, proven(How::AlreadyDown));
    assert_eq!((ran.did, ran.took_ms), (vec!["0 AT".to_owned()], 10));
}

#[test]
fn a_late_no_carrier_and_a_ring_are_not_the_answer_to_at() {
    let modem = Pretend { unasked: vec![(1, "NO CARRIER"), (2, "RING"), (3, "BUSY")], ..Pretend::default() };
    let ran = hang_up(Situation::default(), Pretend { latency_ms: 50, ..modem });
    assert_eq!((ran.out, ran.took_ms), (proven(How::AlreadyDown), 50));
}

/// Behind the `;` dial form a modem is off-hook in command state, where AT is answered too.
#[test]
fn what_the_held_dial_form_holds_is_put_down_before_at_proves_anything() {
    for (in_dialing, signals) in [(false, false), (true, false), (true, true)] {
        let situation = Situation { held: true, in_dialing, ..Situation::default() };
        // Where there is DTR, its drop may do nothing (&D0, a DIP switch), and no DCD shows it.
        let ran = hang_up(situation, Pretend { signals, dtr_works: !signals, ..Pretend::default() });
        assert!(ran.out.proven, "{:?}", ran.out);
        let ath = ran.did.iter().position(|did| did.ends_with("ATH")).expect("it is put down");
        let at = ran.did.iter().position(|did| did.ends_with(" AT")).expect("it is proven");
        assert!(ath < at, "{:?}", ran.did);
    }
}

#[test]
fn dtr_hangs_up_and_dcd_with_at_proves_it() {
    let ran = hang_up(carrier_up(Some(true)), Pretend { signals: true, ..Pretend::in_call() });
    assert_eq!(ran.out, proven(How::Dtr));
    // No waiting beyond the fall of DCD.
    assert_eq!(ran.did, ["0 dtr low", "10 dtr high", "10 AT"]);
    assert_eq!(ran.took_ms, 20);
    assert!(ran.modem.far.is_empty());
}

#[test]
fn a_slow_fall_of_dcd_is_waited_for_with_dtr_high_again() {
    let modem = Pretend { signals: true, latency_ms: 1_200, ..Pretend::in_call() };
    let ran = hang_up(carrier_up(Some(true)), modem);
    assert_eq!(ran.did, ["0 dtr low", "500 dtr high", "1200 AT", "2200 AT"]);
    assert_eq!(ran.out, proven(How::Dtr));
    // Two AT, two OK: it waits for the second, lest the next command takes it for its own.
    assert_eq!((ran.took_ms, ran.late), (3_400, vec![]));
}

#[test]
fn where_dtr_does_nothing_it_escapes() {
    let modem = Pretend { signals: true, dtr_works: false, ..Pretend::in_call() };
    let ran = hang_up(carrier_up(Some(true)), modem);
    assert_eq!(ran.did, ["0 dtr low", "500 dtr high", "3600 +++", "4610 ATH", "4620 AT"]);
    assert_eq!(
        ran.out,
        HangupOutcome { proven: true, how: Some(How::Escape), detail: "dtr: DCD stayed high".into() }
    );
    assert_eq!(ran.modem.far, b"+++");
}

#[test]
fn where_the_escape_does_nothing_either_the_port_is_closed() {
    let modem = Pretend { signals: true, dtr_works: false, escape_works: false, ..Pretend::in_call() };
    let ran = hang_up(carrier_up(Some(true)), modem);
    assert_eq!(
        ran.did,
        ["0 dtr low", "500 dtr high", "3600 +++", "5200 ATH", "7200 ATH", "9200 reopen", "9205 AT"]
    );
    assert_eq!(ran.out.how, Some(How::Reopen));
    assert_eq!(ran.out.detail, "dtr: DCD stayed high; escape: no answer to ATH");
}

#[test]
fn an_escape_whose_ath_was_not_taken_proves_nothing() {
    // The OK of `+++` comes late and is no answer to ATH, and in command state AT is answered with the carrier up.
    let modem =
        Pretend { reopen_works: false, reopens: false, latency_ms: 601, deaf_for: 1, ..Pretend::in_call() };
    let ran = hang_up(carrier_up(None), modem);
    assert_eq!(ran.did, ["0 reopen", "4100 +++", "5700 ATH", "5901 ATH", "6502 AT"]);
    assert!(ran.out.proven && !ran.modem.carrier);
}

/// A modem in a call, with modem lines.
fn ran_modem(change: impl FnOnce(&mut Pretend)) -> Pretend {
    let mut modem = Pretend { signals: true, ..Pretend::in_call() };
    change(&mut modem);
    modem
}

#[test]
fn without_modem_lines_the_port_is_reopened_before_any_guard_time() {
    let ran = hang_up(carrier_up(None), Pretend::in_call());
    assert_eq!(ran.did, ["0 reopen", "5 AT"]);
    assert_eq!((ran.out, ran.took_ms), (proven(How::Reopen), 15));
    assert!(ran.modem.far.is_empty());
}

#[test]
fn without_modem_lines_the_escape_comes_last() {
    let ran = hang_up(carrier_up(None), Pretend { reopen_works: false, ..Pretend::in_call() });
    assert_eq!(ran.out.how, Some(How::Escape));
    assert_eq!(ran.out.detail, "reopen: no answer to AT");
    assert_eq!(ran.did, ["0 reopen", "5 AT", "1005 AT", "3105 +++", "4115 ATH", "4125 AT"]);
}

#[test]
fn a_port_that_does_not_open_again_is_left_for_the_escape() {
    let ran =
        hang_up(carrier_up(None), Pretend { reopens: false, reopen_works: false, ..Pretend::in_call() });
    assert_eq!(ran.out.how, Some(How::Escape));
    assert_eq!(ran.out.detail, "reopen: the port did not open again");
    assert_eq!(ran.modem.far, b"+++");
}

#[test]
fn carrier_loss_during_the_guard_time_ends_it() {
    let situation = carrier_up(Some(true));
    let modem = ran_modem(|modem| {
        modem.dtr_works = false;
        modem.unasked = vec![(3_000, "NO CARRIER")];
        // The far end goes as well: commands are taken from then on.
        modem.online = false;
        modem.dcd_stuck = true;
    });
    let facts = PortFacts { dcd_at_open: true, ..PortFacts::WIRED };
    let machine = HangUp::with_ways(&BOTH, &Quirks::default(), facts, situation, LIMIT);
    let ran = run(machine, modem);
    assert_eq!(ran.did, ["0 dtr low", "500 dtr high", "3000 AT"]);
    assert_eq!(ran.out.how, Some(How::Escape));
}

#[test]
fn a_dcd_that_was_never_low_is_no_evidence_but_then_only_an_escape_will_do() {
    let facts = PortFacts { dcd_at_open: true, ..PortFacts::WIRED };
    let machine = HangUp::with_ways(&BOTH, &Quirks::default(), facts, carrier_up(Some(true)), LIMIT);
    let ran = run(machine, ran_modem(|modem| modem.dcd_stuck = true));
    // DTR did it, but nobody can see it: no AT after it.
    assert_eq!(ran.did, ["0 dtr low", "500 dtr high", "3600 +++", "5200 ATH", "5210 ATH", "5220 AT"]);
    assert!(ran.out.proven, "{:?}", ran.out);
}

#[test]
fn a_dcd_that_was_low_before_must_fall() {
    let ran = hang_up(carrier_up(Some(true)), ran_modem(|modem| modem.dcd_stuck = true));
    assert!(!ran.out.proven, "{:?}", ran.out);
    assert!(ran.out.detail.contains("AT was answered, but DCD stayed high"), "{}", ran.out.detail);
}

#[test]
fn a_dial_is_aborted_by_a_cr() {
    let situation = Situation { in_dialing: true, ..Situation::default() };
    for signals in [false, true] {
        let modem = Pretend { dialing: true, signals, ..Pretend::default() };
        let situation = Situation { dcd: signals.then_some(false), ..situation };
        let ran = hang_up(situation, modem);
        assert_eq!(ran.did, ["0 ", "10 AT"]);
        assert_eq!((ran.out, ran.took_ms), (proven(How::Abort), 20));
    }
}

#[test]
fn a_dial_that_no_character_aborts_is_ended_by_dtr_or_by_closing() {
    let situation = Situation { in_dialing: true, ..Situation::default() };
    let modem = Pretend { dialing: true, abort_works: false, ..Pretend::default() };
    let ran = hang_up(situation, modem.clone());
    assert_eq!(ran.did, ["0 ", "2000 ATH", "4000 reopen", "4005 AT"]);
    assert_eq!(ran.out.how, Some(How::Reopen));
    let situation = Situation { dcd: Some(false), ..situation };
    let ran = hang_up(situation, Pretend { signals: true, ..modem });
    assert_eq!(ran.did, ["0 ", "2000 dtr low", "2500 dtr high", "2500 AT"]);
    assert_eq!(ran.out.how, Some(How::Dtr));
}

#[test]
fn a_connect_that_crosses_the_abort_is_hung_up_like_a_call() {
    let situation = Situation { in_dialing: true, ..Situation::default() };
    let modem = Pretend {
        codec_online: false,
        unasked: vec![(3, "CONNECT 9600\r\n\r\nrouter login: ")],
        ..Pretend::in_call()
    };
    let ran = hang_up(situation, modem);
    assert_eq!(ran.did, ["0 ", "3 reopen", "8 AT"]);
    assert_eq!(ran.out.how, Some(How::Reopen));
    assert_eq!(ran.modem.far, b"\r");
}

#[test]
fn an_at_that_gets_no_answer_falls_back_on_the_ways() {
    let ran = hang_up(Situation::default(), Pretend { deaf_for: 2, ..Pretend::default() });
    assert_eq!(ran.out.how, Some(How::Reopen));
    assert_eq!(ran.out.detail, "carrier was down: no answer to AT");
}

#[test]
fn a_dead_modem_is_told_as_such_within_the_limit() {
    for signals in [false, true] {
        let modem = Pretend { dead: true, signals, ..Pretend::in_call() };
        let ran = hang_up(carrier_up(signals.then_some(true)), modem);
        assert!(!ran.out.proven);
        assert_eq!(ran.out.how, None);
        assert!(ran.took_ms <= 10_000, "{} ms", ran.took_ms);
        assert!(ran.modem.dtr, "DTR was left low");
        assert!(ran.out.detail.contains("no answer to AT") || ran.out.detail.contains("not done"));
    }
}

#[test]
fn the_pause_after_opening_is_kept_before_at() {
    let quirks = Quirks { open_delay: Duration::from_millis(1_500), ..Quirks::default() };
    let machine = HangUp::with_ways(&BOTH, &quirks, PortFacts::default(), carrier_up(None), LIMIT);
    let ran = run(machine, Pretend::in_call());
    assert_eq!(ran.did, ["0 reopen", "1505 AT"]);
}

/// On a port that a server has.
fn hang_up_remote(situation: Situation, modem: Pretend) -> Ran<HangupOutcome> {
    let facts = PortFacts {
        has_signals: modem.signals,
        may_stay_online: true,
        signal_lag: Duration::from_secs(1),
        ..PortFacts::BARE
    };
    run(HangUp::with_ways(&BOTH, &Quirks::default(), facts, situation, LIMIT), modem)
}

#[test]
fn behind_a_server_dtr_is_proven_by_the_fall_of_dcd_however_late() {
    for dcd_lag_ms in [0, 400, 1_000] {
        let modem = Pretend { signals: true, dcd_lag_ms, ..Pretend::in_call() };
        let ran = hang_up_remote(carrier_up(Some(true)), modem);
        assert_eq!(ran.out, proven(How::Dtr), "{:?}", ran.did);
        assert!(ran.modem.far.is_empty());
    }
}

#[test]
fn behind_a_server_a_drop_of_dtr_that_nothing_shows_is_not_believed() {
    for dcd in [None, Some(false)] {
        let modem = Pretend { signals: true, dtr_works: false, ..Pretend::in_call() };
        let ran = hang_up_remote(carrier_up(dcd), modem);
        assert_eq!(ran.did, ["0 dtr low", "500 dtr high", "1600 +++", "2610 ATH", "2620 AT"]);
        assert_eq!(ran.out.how, Some(How::Escape));
        assert_eq!(ran.out.detail, "dtr: nothing shows that the server dropped it");
        assert_eq!(ran.modem.far, b"+++");
    }
}

#[test]
fn behind_a_server_closing_the_port_comes_last_and_proves_nothing_by_itself() {
    let ran = hang_up_remote(carrier_up(None), Pretend { reopen_works: false, ..Pretend::in_call() });
    assert_eq!(ran.did, ["0 dtr low", "1100 +++", "2110 ATH", "2120 AT"][1..]);
    assert_eq!(ran.out.how, Some(How::Escape));
    // No escape: what is behind the reopened port is told to hang up before it is asked whether it is there.
    let modem = Pretend { escape_works: false, ..Pretend::in_call() };
    let ran = hang_up_remote(carrier_up(None), modem.clone());
    assert_eq!(ran.did[ran.did.len() - 3..], ["6700 reopen", "6705 ATH", "6715 AT"], "{:?}", ran.did);
    assert_eq!(ran.out.how, Some(How::Reopen));
    let ran = hang_up_remote(carrier_up(None), Pretend { reopen_works: false, ..modem });
    assert!(!ran.out.proven, "{:?}", ran.out);
}

proptest! {
    /// The same behind a server, where closing the port may do nothing and DCD may tell late, or nothing.
    #[test]
    fn behind_a_server_it_never_lies_either(
        flags in prop::collection::vec(any::<bool>(), 7),
        dialing: bool,
        carrier: bool,
        dcd_is_seen: bool,
        dcd_lag_ms in 0_u64..1_000,
        latency_ms in 1_u64..900,
    ) {
        let &[signals, dtr_works, reopen_works, reopens, escape_works, abort_works, dead] = flags.as_slice() else {
            unreachable!("seven were asked for");
        };
        let carrier = carrier && !dialing;
        let modem = Pretend {
            signals, dtr_works, reopen_works, reopens, escape_works, abort_works, dead, latency_ms, dcd_lag_ms,
            online: carrier,
            carrier,
            dialing,
            codec_online: carrier,
            ..Pretend::default()
        };
        let situation = Situation {
            carrier_may_be_up: carrier,
            in_dialing: dialing,
            dcd: signals.then_some(carrier && dcd_is_seen),
            ..Situation::default()
        };
        let ran = hang_up_remote(situation, modem);
        prop_assert!(ran.took_ms <= 10_000, "{} ms", ran.took_ms);
        prop_assert!(ran.modem.dtr);
        if ran.out.proven {
            prop_assert!(!ran.modem.carrier && !ran.modem.online && !ran.modem.dialing, "{:?}", ran);
        }
        prop_assert!(ran.modem.far.is_empty() || ran.modem.far.starts_with(b"+++"), "{:?}", ran);
        if escape_works {
            prop_assert!(!ran.modem.far.windows(2).any(|pair| pair == b"AT"), "{:?}", ran);
        }
    }
}

proptest! {
    /// Whatever works and whatever does not: it ends in time, leaves DTR high, claims nothing that is not so, and types
    /// no command into a far console before it has tried a way that could have hung up.
    #[test]
    fn it_never_lies_and_never_hangs(
        flags in prop::collection::vec(any::<bool>(), 9),
        dialing: bool,
        carrier: bool,
        latency_ms in 1_u64..1_500,
        deaf_for in 0_usize..3,
    ) {
        let &[signals, dtr_works, reopen_works, reopens, escape_works, abort_works, dcd_stuck, dead, echo] =
            flags.as_slice()
        else {
            unreachable!("nine were asked for");
        };
        let carrier = carrier && !dialing;
        let modem = Pretend {
            signals, dtr_works, reopen_works, reopens, escape_works, abort_works, dead, echo, latency_ms, deaf_for,
            dcd_stuck: dcd_stuck && carrier,
            online: carrier,
            carrier,
            dialing,
            codec_online: carrier,
            ..Pretend::default()
        };
        let situation = Situation {
            carrier_may_be_up: carrier,
            in_dialing: dialing,
            dcd: signals.then_some(carrier),
            ..Situation::default()
        };
        let ran = hang_up(situation, modem);
        prop_assert!(ran.took_ms <= 10_000, "{} ms", ran.took_ms);
        prop_assert!(ran.modem.dtr);
        prop_assert_eq!(ran.out.proven, ran.out.how.is_some());
        if ran.out.proven {
            prop_assert!(!ran.modem.carrier && !ran.modem.online && !ran.modem.dialing, "{:?}", ran);
        }
        // Of a modem that keeps within the time for an answer, none is left over for the next command.
        if ran.out.proven && abort_works && latency_ms < 1_000 {
            prop_assert!(ran.late.iter().all(|line| line != "OK"), "{:?}", ran);
        }
        let first_way_works = if signals { dtr_works } else { reopens && reopen_works };
        if first_way_works && !dead && !dialing && deaf_for == 0 {
            prop_assert!(ran.out.proven || dcd_stuck, "{:?}", ran);
            prop_assert!(ran.modem.far.is_empty(), "{:?}", ran);
        }
        if ran.modem.far.windows(2).any(|pair| pair == b"AT") {
            prop_assert!(!ran.did[0].ends_with(" AT"), "AT first: {:?}", ran.did);
        }
    }
}
