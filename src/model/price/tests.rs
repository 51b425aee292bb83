//! Rounding, hours, and the promise that what is set aside is never less than what is charged.

use proptest::prelude::*;

use super::*;

const DAY: u32 = 24 * 3600;
const WEEKDAYS: u8 = 0b001_1111;

fn rate(per_call: u64, per_minute: u64, first_s: u32, step_s: u32) -> Rate {
    Rate { per_call: Micros(per_call), per_minute: Micros(per_minute), first_s, step_s }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn time_is_billed_in_steps_and_never_less_than_the_first() {
    let by_minute = rate(0, 60_000, 60, 60);
    let by_six = rate(0, 60_000, 30, 6);
    for (ms, minutes, sixes) in [
        (1, 60, 30),
        (29_999, 60, 30),
        (30_001, 60, 36),
        (60_000, 60, 60),
        (60_001, 120, 66),
        (61_000, 120, 66),
    ] {
        let length = Duration::from_millis(ms);
        assert_eq!((by_minute.billed_s(length), by_six.billed_s(length)), (minutes, sixes), "{ms} ms");
    }
    assert_eq!(by_minute.cost(120), Micros(120_000));
    assert_eq!(rate(50_000, 10_000, 1, 1).cost(1), Micros(50_167), "a part of a millionth is a whole one");
    assert_eq!(rate(0, u64::MAX, 1, 1).cost(u32::MAX), Micros(u64::MAX), "no figure is too large to be told");
}

#[test]
fn a_call_that_nobody_answered_is_free() {
    let rates = Rates::flat(rate(50_000, 60_000, 60, 60));
    let price = Price { class: NumberClass::Mobile, rates: Some(Arc::new(rates)) };
    let free = price.charge(None, Duration::from_secs(60));
    assert_eq!(free, Charge { class: NumberClass::Mobile, billed_s: 0, cost: Some(Micros(0)) });
    let unknown = Price::unknown(NumberClass::Mobile);
    assert_eq!(unknown.charge(None, Duration::ZERO).cost, None, "nothing is known of its price");
    assert_eq!(unknown.worst(Duration::from_millis(1500)).billed_s, 2, "its seconds are");
}

/// Weekdays 8 to 18 are dear, all nights from 22 to 6 are cheap.
fn day_and_night() -> Rates {
    Rates {
        base: rate(0, 20, 1, 1),
        timed: vec![
            (vec![Hours { days: WEEKDAYS, from_s: 8 * 3600, to_s: 18 * 3600 }], rate(0, 30, 1, 1)),
            (vec![Hours { days: 0x7f, from_s: 22 * 3600, to_s: DAY + 6 * 3600 }], rate(0, 10, 1, 1)),
        ],
        zone: TimeZone::get("Europe/Berlin").unwrap(),
    }
}

#[test]
fn the_rate_is_that_of_the_hour_and_the_dearest_of_several() {
    let rates = day_and_night();
    let during = |from: &str, to: &str| {
        let mut found: Vec<u64> =
            rates.during(at(from), at(to)).iter().map(|rate| rate.per_minute.0).collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    // A Monday in winter; Berlin is an hour ahead.
    assert_eq!(during("2026-11-23T09:00:00Z", "2026-11-23T09:02:00Z"), [30]);
    assert_eq!(during("2026-11-23T06:59:00Z", "2026-11-23T07:01:00Z"), [20, 30]);
    assert_eq!(during("2026-11-23T06:58:00Z", "2026-11-23T06:59:59Z"), [20]);
    assert_eq!(during("2026-11-23T17:00:00Z", "2026-11-23T17:01:00Z"), [20], "it ends at 18:00 there");
    // Over midnight, and the next morning.
    assert_eq!(during("2026-11-23T23:30:00Z", "2026-11-24T00:30:00Z"), [10]);
    assert_eq!(during("2026-11-24T04:59:00Z", "2026-11-24T05:00:00Z"), [10, 20]);
    // A Sunday at noon; the night of Sunday is Monday's morning.
    assert_eq!(during("2026-11-22T11:00:00Z", "2026-11-22T11:05:00Z"), [20]);
    assert_eq!(during("2026-11-23T04:00:00Z", "2026-11-23T04:05:00Z"), [10]);
    // In summer it is two hours ahead.
    assert_eq!(during("2026-07-20T06:00:00Z", "2026-07-20T06:05:00Z"), [30]);
    // The clocks are put back during the call.
    assert_eq!(during("2026-10-25T00:59:00Z", "2026-10-25T01:01:00Z"), [10, 20, 30]);
    let price = Price { class: NumberClass::National, rates: Some(Arc::new(rates)) };
    let call = (at("2026-11-23T06:59:00Z"), at("2026-11-23T07:01:00Z"));
    assert_eq!(price.charge(Some(call), Duration::from_secs(120)).cost, Some(Micros(60)));
}

fn any_rate() -> impl Strategy<Value = Rate> {
    (0u64..5_000_000, 0u64..9_000_000, 0u32..200, 0u32..200)
        .prop_map(|(per_call, per_minute, first_s, step_s)| rate(per_call, per_minute, first_s, step_s))
}

fn any_hours() -> impl Strategy<Value = Hours> {
    (0u8..0x80, 0u32..DAY, 1u32..=DAY).prop_map(|(days, from_s, length)| Hours {
        days,
        from_s,
        to_s: from_s + length,
    })
}

fn any_rates() -> impl Strategy<Value = Rates> {
    let timed = prop::collection::vec((prop::collection::vec(any_hours(), 1..3), any_rate()), 0..4);
    let zone = prop::sample::select(vec!["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]);
    (any_rate(), timed, zone).prop_map(|(base, timed, zone)| Rates {
        base,
        timed,
        zone: TimeZone::get(zone).unwrap(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_charge_is_never_more_than_what_was_set_aside_for_it(
        rates in any_rates(),
        start in 1_700_000_000i64..1_900_000_000,
        room_ms in 0u64..600_000,
        part in 0u64..=1000,
    ) {
        let price = Price { class: NumberClass::Local, rates: Some(Arc::new(rates)) };
        let room = Duration::from_millis(room_ms);
        let length = Duration::from_millis(room_ms * part / 1000);
        let from = Timestamp::from_second(start).unwrap();
        let to = from + SignedDuration::try_from(length).unwrap();
        let (charge, worst) = (price.charge(Some((from, to)), length), price.worst(room));
        prop_assert!(charge.billed_s <= worst.billed_s && charge.cost <= worst.cost, "{:?} {:?}", charge, worst);
        prop_assert!(Duration::from_secs(charge.billed_s.into()) >= length, "never too little");
    }

    #[test]
    fn no_instant_of_a_call_has_a_dearer_rate_than_the_one_it_is_charged_by(
        rates in any_rates(),
        start in 1_700_000_000i64..1_900_000_000,
        length in 1i64..7200,
        within in 0i64..7200,
    ) {
        let from = Timestamp::from_second(start).unwrap();
        let to = from + SignedDuration::from_secs(length);
        let instant = from + SignedDuration::from_secs(within.min(length));
        // The plain way: which hours is this instant in?
        let civil = rates.zone.to_datetime(instant);
        let second = u32::try_from(civil.time().duration_since(jiff::civil::Time::midnight()).as_secs()).unwrap();
        let today = civil.weekday().to_monday_zero_offset();
        let day_has = |hours: &Hours, back: i8| hours.days & (1 << (today - back).rem_euclid(7)) != 0;
        let fits = |hours: &Hours| {
            (day_has(hours, 0) && (hours.from_s..hours.to_s).contains(&second))
                || (day_has(hours, 1) && (hours.from_s..hours.to_s).contains(&(second + DAY)))
        };
        let timed = rates.timed.iter().find(|(hours, _)| hours.iter().any(fits));
        let holds = timed.map_or(rates.base, |(_, rate)| *rate);
        prop_assert!(rates.during(from, to).contains(&holds));
    }
}
