use proptest::prelude::*;

use super::*;
use crate::model::usual::Nights;
use crate::model::{Diagnostics, Mono};

const COURIER: OurModem<'_> = OurModem { family: "courier", asks_error_control: true };

/// A call that passed, with CONNECT 20 s after the dial and 20 s on the link.
fn call() -> CallRecord {
    let mut record = CallRecord::sample();
    for (moment, ms) in [
        (Moment::Dialed, 0),
        (Moment::Answered, 6_000),
        (Moment::Carrier, 15_100),
        (Moment::Connected, 20_000),
        (Moment::LoggedOut, 38_000),
        (Moment::OnHook, 40_000),
    ] {
        record.timeline.observe(moment, Mono::from_millis(ms));
    }
    (record.link.tx_bps, record.link.rx_bps) = (Some(31_200), Some(33_600));
    record.link.protocol = Some("LAPM".to_owned());
    record
}

fn trained(ms: u64) -> CallRecord {
    let mut record = CallRecord { timeline: crate::model::Timeline::default(), ..call() };
    record.timeline.observe(Moment::Answered, Mono::ZERO);
    record.timeline.observe(Moment::Carrier, Mono::from_millis(ms));
    record
}

fn told(diagnostics: Diagnostics) -> CallRecord {
    CallRecord { diagnostics: Some(Box::new(diagnostics)), ..call() }
}

fn nights(records: &[CallRecord]) -> Arc<Usual> {
    let mut nights = Nights::default();
    for record in records {
        nights.note("courier", record);
    }
    Arc::new(nights.usual())
}

fn applied(
    rules: Rules,
    usual: impl Into<Option<Arc<Usual>>>,
    mut record: CallRecord,
) -> (Option<Fault>, String) {
    Quality { rules: Arc::new(rules), usual: usual.into() }.apply(COURIER, &mut record);
    (record.fault, record.detail)
}

fn usually(record: CallRecord) -> (Option<Fault>, String) {
    applied(Rules::default(), None, record)
}

#[test]
fn a_good_call_on_a_first_night_is_a_pass() {
    assert_eq!(usually(call()), (None, String::new()));
    assert_eq!(usually(CallRecord::sample()), (None, String::new()), "nothing is known, nothing is said");
    assert_eq!(usually(told(Diagnostics::default())), (None, String::new()));
}

#[test]
fn the_slower_way_counts_and_the_limit_itself_is_fast_enough() {
    let at = |tx: u32, rx: u32| {
        let mut record = call();
        (record.link.tx_bps, record.link.rx_bps) = (Some(tx), Some(rx));
        usually(record)
    };
    assert_eq!(at(9_600, 14_400).0, None);
    let said = "connected at 4800 bit/s, under 9600".to_owned();
    assert_eq!(at(14_400, 4_800), (Some(Fault::SlowConnect), said));
}

#[test]
fn far_below_its_own_rate_a_line_is_slow_however_fast_others_are() {
    let usual = nights(&vec![call(); 5]);
    let at = |bps: u32| {
        let mut record = call();
        record.link.tx_bps = Some(bps);
        applied(Rules::default(), usual.clone(), record)
    };
    assert_eq!(at(19_200).0, None);
    let said = "connected at 16800 bit/s, usual 31200 bit/s (5 nights, 31200 to 31200 bit/s)".to_owned();
    assert_eq!(at(16_800), (Some(Fault::SlowConnect), said));
    let few = nights(&vec![call(); 4]);
    let mut record = call();
    record.link.tx_bps = Some(16_800);
    assert_eq!(applied(Rules::default(), few, record).0, None, "four nights are hearsay");
}

#[test]
fn another_familys_nights_are_not_compared_with() {
    let mut nights = Nights::default();
    for _ in 0..9 {
        nights.note("softmodem", &call());
    }
    let mut record = call();
    record.link.tx_bps = Some(14_400);
    assert_eq!(applied(Rules::default(), Arc::new(nights.usual()), record).0, None);
}

#[test]
fn two_retrains_are_too_many() {
    let with = |retrains| usually(told(Diagnostics { retrains: Some(retrains), ..Diagnostics::default() }));
    assert_eq!(with(1), (None, String::new()));
    assert_eq!(with(2), (Some(Fault::Retrains), "retrained 2 times".to_owned()));
}

#[test]
fn block_errors_count_by_the_minute_and_a_short_call_is_not_a_fraction_of_one() {
    let with = |errors, up_ms: u64| {
        let mut record = told(Diagnostics { block_errors: Some(errors), ..Diagnostics::default() });
        record.timeline = crate::model::Timeline::default();
        record.timeline.observe(Moment::Connected, Mono::from_millis(1_000));
        record.timeline.observe(Moment::OnHook, Mono::from_millis(1_000 + up_ms));
        usually(record)
    };
    // 67 a minute are 22.3 in 20 s.
    assert_eq!(with(22, 20_000).0, None);
    assert_eq!(
        with(23, 20_000),
        (Some(Fault::Noisy), "23 block errors in 20.0 s, over 67 a minute".to_owned())
    );
    assert_eq!(with(11, 200).0, None, "a burst in a call that hangs up at once");
    assert_eq!(with(12, 200).0, Some(Fault::Noisy));
    assert_eq!(with(67, 60_000).0, None);
    let unconnected = told(Diagnostics { block_errors: Some(500), ..Diagnostics::default() });
    let unconnected = CallRecord { timeline: crate::model::Timeline::default(), ..unconnected };
    assert_eq!(usually(unconnected).0, None, "no time, no rate");
}

#[test]
fn no_error_control_is_a_blemish_where_it_was_asked_for_and_the_modem_said_none() {
    let with = |protocol: Option<&str>, asks_error_control| {
        let mut record = call();
        record.link.protocol = protocol.map(str::to_owned);
        Quality::default().apply(OurModem { family: "courier", asks_error_control }, &mut record);
        record.fault
    };
    assert_eq!(with(Some("NONE"), true), Some(Fault::NoErrorControl));
    assert_eq!(with(Some("NONE"), false), None);
    assert_eq!(with(None, true), None, "not told is not none");
    assert_eq!(with(Some("MNP"), true), None);
}

#[test]
fn training_is_slow_by_the_lines_own_measure() {
    let usual = nights(&[9_100, 8_200, 10_400, 9_000, 9_300, 8_900, 9_200, 9_400, 9_100].map(trained));
    let with = |ms| applied(Rules::default(), usual.clone(), trained(ms));
    assert_eq!(with(16_900).0, None, "within the margin, although far out of a narrow spread");
    let said = "trained 31.2 s, usual 9.1 s (9 nights, 8.2 to 10.4 s)".to_owned();
    assert_eq!(with(31_200), (Some(Fault::SlowTrain), said));
    let wavers = nights(&[9_000, 12_000, 15_000, 18_000, 21_000, 24_000, 27_000].map(trained));
    assert_eq!(applied(Rules::default(), wavers, trained(45_000)).0, None, "it always wavered");
    assert_eq!(applied(Rules::default(), None, trained(45_000)).0, None, "a first night has no usual");
}

#[test]
fn an_answer_that_is_only_bounded_is_given_the_benefit_of_its_bounds() {
    let bounded = |ms: u64, half: u64| {
        let mut record = CallRecord { timeline: crate::model::Timeline::default(), ..call() };
        let answer = Mono::from_millis(10_000);
        record.timeline.bound(Moment::Answered, answer, answer + Duration::from_millis(2 * half));
        record.timeline.observe(Moment::Connected, answer + Duration::from_millis(half + ms));
        record
    };
    let usual = nights(&vec![bounded(12_000, 3_000); 6]);
    assert_eq!(applied(Rules::default(), usual.clone(), bounded(22_900, 3_000)).0, None);
    let (fault, detail) = applied(Rules::default(), usual, bounded(23_100, 3_000));
    assert_eq!(fault, Some(Fault::SlowTrain));
    assert!(detail.starts_with("trained and connected in 23.1 s, usual 12.0 s (6 nights"), "{detail}");
}

#[test]
fn a_level_is_held_against_the_lines_own_and_only_then_against_a_threshold() {
    let at = |rx: i16, snr: u16| {
        told(Diagnostics { rx_level_dbm: Some(rx), snr_db: Some(snr), ..Diagnostics::default() })
    };
    let usual = nights(&[at(-22, 34), at(-21, 35), at(-23, 34), at(-22, 33), at(-24, 34)]);
    assert_eq!(usually(at(-41, 12)).0, None, "no threshold is known to fit all");
    assert_eq!(applied(Rules::default(), usual.clone(), at(-32, 24)).0, None);
    let said = "received at -33 dBm, usual -22 dBm (5 nights, -24 to -21 dBm)".to_owned();
    assert_eq!(applied(Rules::default(), usual.clone(), at(-33, 34)), (Some(Fault::Noisy), said));
    let said = "signal to noise 23 dB, usual 34 dB (5 nights, 33 to 35 dB)".to_owned();
    assert_eq!(applied(Rules::default(), usual, at(-22, 23)), (Some(Fault::Noisy), said));
    let strict = Rules { rx_level_dbm: Some(-38), snr_db: Some(20), ..Rules::default() };
    let said = "received at -41 dBm, under -38; noisy: signal to noise 12 dB, under 20".to_owned();
    assert_eq!(applied(strict, None, at(-41, 12)), (Some(Fault::Noisy), said));
}

#[test]
fn the_worst_gives_the_fault_and_all_are_told() {
    let mut record = told(Diagnostics { retrains: Some(3), ..Diagnostics::default() });
    (record.link.rx_bps, record.link.protocol) = (Some(4_800), Some("none".to_owned()));
    record.detail = "one credential try".to_owned();
    let (fault, detail) = usually(record.clone());
    assert_eq!(fault, Some(Fault::Retrains));
    assert_eq!(
        detail,
        "retrained 3 times; no-error-control: asked for error control, and the modem tells that there is none; \
         slow-connect: connected at 4800 bit/s, under 9600; one credential try"
    );
    // What the call found of itself stays.
    (record.fault, record.detail) = (Some(Fault::LogoutUnproven), "the prompt never came back".to_owned());
    let (fault, detail) = usually(record);
    assert_eq!(fault, Some(Fault::LogoutUnproven));
    assert!(detail.starts_with("the prompt never came back; retrains: retrained 3 times; "), "{detail}");
}

#[test]
fn each_rule_can_be_off() {
    let off = Rules {
        connect_bps: None,
        connect_share: None,
        retrains: None,
        block_errors_per_min: None,
        level_drop_db: None,
        rx_level_dbm: None,
        snr_db: None,
        error_control: false,
        train: None,
        needed_retry: false,
        nights: NIGHTS,
    };
    let mut bad = told(Diagnostics {
        retrains: Some(9),
        block_errors: Some(900),
        rx_level_dbm: Some(-50),
        snr_db: Some(3),
        ..Diagnostics::default()
    });
    (bad.link.tx_bps, bad.link.protocol) = (Some(300), Some("NONE".to_owned()));
    assert_eq!(applied(off, nights(&vec![call(); 9]), bad).0, None);
}

proptest! {
    /// A failure is never made less of one, nor more; and a pass never more than a blemish.
    #[test]
    fn a_call_that_failed_is_left_as_it_is(
        fault in proptest::sample::select(Fault::ALL.to_vec()),
        retrains in proptest::option::of(0_u32..9),
        errors in proptest::option::of(0_u32..999),
        bps in proptest::option::of(300_u32..56_000),
        passed in any::<bool>(),
    ) {
        let mut record = told(Diagnostics { retrains, block_errors: errors, ..Diagnostics::default() });
        record.link.tx_bps = bps;
        record.fault = Some(fault).filter(|_| !passed);
        let before = record.clone();
        Quality::default().apply(COURIER, &mut record);
        if matches!(Verdict::of(before.fault), Verdict::Fail | Verdict::Untested) {
            prop_assert_eq!(record, before);
        } else {
            prop_assert!(matches!(Verdict::of(record.fault), Verdict::Pass | Verdict::Degraded));
            prop_assert!(record.fault.is_none() || before.fault.is_some() || !record.detail.is_empty());
            prop_assert!(before.fault.is_none() || record.fault == before.fault);
        }
    }
}
