//! Hours against an oracle that looks at the site's clocks minute by minute, over random windows, zones and days on which
//! clocks are changed, in both directions.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;

use super::days::{Blackout, Holidays};
use super::week::Window;
use super::zone::Zone;
use super::*;
use crate::model::Mono;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn hours(zone: &str, windows: &[&str], holidays: &[&str], blackouts: &[&str]) -> Hours {
    let mut days = Holidays::default();
    for day in holidays {
        days.add(day).unwrap();
    }
    let blackouts: Vec<Blackout> = blackouts.iter().map(|text| text.parse().unwrap()).collect();
    let windows = windows.iter().map(|text| text.parse::<Window>().unwrap()).collect();
    Hours::new(Zone::named(zone).unwrap(), windows, Arc::new(days), &blackouts)
}

/// The open spells between two instants, as text.
fn open(hours: &Hours, from: &str, to: &str) -> Vec<String> {
    let spells = spells::open(hours, at(from).as_second(), at(to).as_second());
    let said = |second: i64| {
        let there = Timestamp::from_second(second).unwrap().to_zoned(hours.zone().rules().clone());
        there.strftime("%d %H:%M%:z").to_string()
    };
    spells.into_iter().map(|(from, to)| format!("{} .. {}", said(from), said(to))).collect()
}

#[test]
fn a_night_is_an_hour_shorter_in_spring_and_longer_in_autumn() {
    let nights = hours("America/New_York", &["22:00-05:00"], &[], &[]);
    assert_eq!(
        open(&nights, "2026-03-07T17:00:00Z", "2026-03-08T17:00:00Z"),
        ["07 22:00-05:00 .. 08 05:00-04:00"]
    );
    assert_eq!(
        open(&nights, "2026-10-31T17:00:00Z", "2026-11-01T17:00:00Z"),
        ["31 22:00-04:00 .. 01 05:00-05:00"]
    );
}

#[test]
fn an_hour_that_comes_twice_counts_twice_and_a_skipped_one_not_at_all() {
    let hour = hours("Europe/Berlin", &["02:00-03:00"], &[], &[]);
    assert_eq!(
        open(&hour, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"),
        ["25 02:00+02:00 .. 25 03:00+01:00"],
        "both passes touch"
    );
    assert_eq!(open(&hour, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"), Vec::<String>::new());
    let half = hours("Europe/Berlin", &["02:15-02:45"], &[], &[]);
    assert_eq!(
        open(&half, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"),
        ["25 02:15+02:00 .. 25 02:45+02:00", "25 02:15+01:00 .. 25 02:45+01:00"]
    );
    // Half an hour on Lord Howe Island, and a day that never was on Samoa.
    let howe = hours("Australia/Lord_Howe", &["01:30-02:00"], &[], &[]);
    assert_eq!(
        open(&howe, "2026-04-04T12:00:00Z", "2026-04-05T12:00:00Z"),
        ["05 01:30+11:00 .. 05 02:00+10:30"]
    );
    let samoa = hours("Pacific/Apia", &["00:00-24:00"], &[], &["2011-12-31"]);
    assert_eq!(
        open(&samoa, "2011-12-29T12:00:00Z", "2012-01-01T00:00:00Z"),
        ["29 02:00-10:00 .. 31 00:00+14:00", "01 00:00+14:00 .. 01 14:00+14:00"]
    );
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
    let nights = hours("Europe/London", &["fri 22:00-05:00", "holiday 01:00-02:00"], &["2026-12-26"], &[]);
    assert_eq!(
        open(&nights, "2026-12-25T00:00:00Z", "2026-12-28T00:00:00Z"),
        ["25 22:00+00:00 .. 26 05:00+00:00"],
        "a Friday's night goes on into the holiday"
    );
    let holiday = hours("Europe/London", &["mon-fri 22:00-05:00"], &["2026-12-25"], &[]);
    assert_eq!(
        open(&holiday, "2026-12-24T12:00:00Z", "2026-12-28T00:00:00Z"),
        ["24 22:00+00:00 .. 25 05:00+00:00"],
        "a holiday is no Friday"
    );
}

#[test]
fn blackouts_hold_by_the_sites_own_clocks() {
    let dark = hours("Asia/Kolkata", &[], &[], &["2026-12-31T18:00/2027-01-01T12:00"]);
    assert_eq!(
        open(&dark, "2026-12-31T00:00:00Z", "2027-01-02T00:00:00Z"),
        ["31 05:30+05:30 .. 31 18:00+05:30", "01 12:00+05:30 .. 02 05:30+05:30"]
    );
}

#[test]
fn a_runs_windows_are_in_its_own_time_and_keep_their_ends_beyond_the_horizon() {
    let nights = hours("America/New_York", &["22:00-05:00"], &[], &[]);
    let wall = at("2026-11-22T02:00:00Z");
    let reading = Reading { mono: Mono::from_millis(10_000), wall, begun: wall };
    let hour = |hours: u64| Mono::from_millis(10_000 + hours * 3_600_000);
    let windows = nights.windows(&reading, wall, at("2026-11-23T02:00:00Z"));
    assert_eq!(windows.spells(), Some(&[(hour(1), hour(8))][..]));
    let windows = nights.windows(&reading, wall, at("2026-11-23T03:00:01Z"));
    assert_eq!(windows.spells(), Some(&[(hour(1), hour(8)), (hour(25), hour(32))][..]));
    let inside = Reading { wall: at("2026-11-22T04:00:00Z"), ..reading };
    let windows = nights.windows(&inside, inside.wall, at("2026-11-22T05:00:00Z"));
    assert_eq!(windows.spells(), Some(&[(hour(0), hour(6))][..]));
}

#[test]
fn the_next_opening_has_room_for_a_call() {
    let nights = hours("America/New_York", &["mon 22:00-24:00", "tue 00:00-00:10"], &[], &[]);
    let room = Duration::from_secs(300);
    let said = |after: &str| nights.next(at(after), room).map(|opening| opening.to_string());
    let monday = "Mon 2026-11-23 22:00 -05:00 America/New_York (2026-11-24 03:00 UTC)";
    assert_eq!(said("2026-11-22T04:00:00Z").as_deref(), Some(monday));
    assert_eq!(
        said("2026-11-24T05:04:00Z").as_deref(),
        Some("Tue 2026-11-24 00:04 -05:00 America/New_York (2026-11-24 05:04 UTC)")
    );
    assert_eq!(
        said("2026-11-24T05:06:00Z").as_deref(),
        Some("Mon 2026-11-30 22:00 -05:00 America/New_York (2026-12-01 03:00 UTC)")
    );
    let yearly = hours("UTC", &["holiday 10:00-11:00"], &["02-29"], &[]);
    assert_eq!(
        yearly.next(at("2027-01-01T00:00:00Z"), room).map(|opening| opening.to_string()).as_deref(),
        Some("Tue 2028-02-29 10:00 UTC")
    );
    assert_eq!(hours("UTC", &["holiday 10:00-11:00"], &[], &[]).next(at("2027-01-01T00:00:00Z"), room), None);
    let always = hours("UTC", &["00:00-24:00"], &[], &[]);
    assert!(always.next(at("2027-01-01T00:00:00Z"), room).is_some());
}

// --- the oracle

/// What random hours are written as; the oracle reads this, and not what was made of it.
#[derive(Debug, Clone)]
struct Written {
    /// Classes of days (0 Monday .. 7 holiday), first and last minute as written (of a 24 h day, up to 1440).
    windows: Vec<(Vec<usize>, u32, u32)>,
    holidays: Vec<Date>,
    blackouts: Vec<(DateTime, DateTime)>,
}

const NAMES: [&str; 8] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"];

impl Written {
    fn hours(&self, zone: &str) -> Hours {
        let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        let windows = self.windows.iter().map(|(days, from, to)| {
            let days: Vec<&str> = days.iter().map(|day| NAMES[*day]).collect();
            format!("{} {}-{}", days.join(","), clock(*from), clock(*to)).parse::<Window>().unwrap()
        });
        let mut holidays = Holidays::default();
        for date in &self.holidays {
            holidays.add(&date.to_string()).unwrap();
        }
        let blackouts: Vec<Blackout> =
            self.blackouts.iter().map(|&(from, to)| Blackout { from, to }).collect();
        Hours::new(Zone::named(zone).unwrap(), windows.collect(), Arc::new(holidays), &blackouts)
    }

    /// By the words of the plan: is a clock that shows this inside?
    fn says(&self, shown: DateTime) -> bool {
        let class = |date: Date| {
            if self.holidays.contains(&date) {
                7
            } else {
                usize::try_from(date.weekday().to_monday_zero_offset()).unwrap()
            }
        };
        let minute = u32::try_from(i32::from(shown.hour()) * 60 + i32::from(shown.minute())).unwrap();
        let (today, yesterday) = (class(shown.date()), class(shown.date().yesterday().unwrap()));
        let inside = self.windows.iter().any(|(days, from, to)| {
            if from < to {
                days.contains(&today) && *from <= minute && minute < *to
            } else {
                (days.contains(&today) && *from <= minute) || (days.contains(&yesterday) && minute < *to)
            }
        });
        let dark = self.blackouts.iter().any(|&(from, to)| from <= shown && shown < to);
        (inside || self.windows.is_empty()) && !dark
    }
}

/// Zones that change their clocks on either side of the equator, by half an hour, at midnight, during Ramadan, by a whole day, below zero in
/// winter (Dublin), or never; and days around their changes.
const CHANGES: &[(&str, &str)] = &[
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("Europe/Dublin", "2026-10-25T01:00:00Z"),
    ("Australia/Sydney", "2026-04-04T16:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("America/Santiago", "2026-09-06T04:00:00Z"),
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ("Africa/Cairo", "2026-10-29T21:00:00Z"),
    ("Africa/Casablanca", "2026-02-15T02:00:00Z"),
    ("Asia/Beirut", "2026-03-28T22:00:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("Pacific/Chatham", "2026-09-26T14:00:00Z"),
    ("Asia/Kolkata", "2026-06-01T00:00:00Z"),
    ("America/St_Johns", "2026-03-08T05:30:00Z"),
    ("Antarctica/Troll", "2026-03-29T01:00:00Z"),
    ("UTC", "2026-01-01T00:00:00Z"),
];

prop_compose! {
    fn written(around: Timestamp)(
        windows in proptest::collection::vec(
            (proptest::collection::btree_set(0_usize..8, 1..8), 0_u32..1440, 0_u32..=1440), 0..4),
        round in any::<bool>(),
        holidays in proptest::collection::vec(-4_i64..5, 0..3),
        blackouts in proptest::collection::vec((-4_i64 * 1440..4 * 1440, 1_i64..3000), 0..3),
    ) -> Written {
        let here = jiff::tz::Offset::UTC.to_datetime(around).with().second(0).build().unwrap();
        // Whole hours meet each other and the changes of clocks far more often.
        let even = |minute: u32| if round { minute / 60 * 60 } else { minute };
        Written {
            windows: windows
                .into_iter()
                .map(|(days, from, to)| (days.into_iter().collect(), even(from), even(to)))
                .filter(|(_, from, to)| from != to)
                .collect(),
            holidays: holidays.into_iter().map(|days| here.date().checked_add(days.days()).unwrap()).collect(),
            blackouts: blackouts
                .into_iter()
                .map(|(from, long)| (here + from.minutes(), here + (from + long).minutes()))
                .collect(),
        }
    }
}

fn case() -> impl Strategy<Value = (&'static str, Timestamp, Written)> {
    let known = (0..CHANGES.len()).prop_map(|index| (CHANGES[index].0, at(CHANGES[index].1)));
    // Any zone of the database, around any of its changes in the years in which it has some.
    let names: Vec<String> = jiff::tz::TimeZoneDatabase::bundled()
        .available()
        .map(|name| name.as_str().to_owned())
        .filter(|name| Zone::named(name).is_ok())
        .collect();
    let any = (0..names.len(), 1_900_000_000_i64..2_000_000_000, any::<bool>()).prop_map(
        move |(index, second, ahead)| {
            let name: &'static str = names[index].clone().leak();
            let zone = Zone::named(name).unwrap();
            let from = Timestamp::from_second(second - if ahead { 0 } else { 600_000_000 }).unwrap();
            let change = zone.rules().following(from).next().map(|change| change.timestamp());
            (name, change.unwrap_or(from))
        },
    );
    prop_oneof![2 => known.boxed(), 1 => any.boxed()]
        .prop_flat_map(|(zone, around)| (Just(zone), Just(around), written(around)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Every minute of eight days around a change of clocks: what the plan says of the time that is shown there, the look
    /// at one instant, and the computed spells agree, at the first and the last second of each minute.
    #[test]
    fn spells_look_and_words_agree((zone, around, written) in case(), second in 0_i64..60) {
        let hours = written.hours(zone);
        let from = around.as_second() - 4 * 86_400 + second;
        let spells = spells::open(&hours, from, from + 8 * 86_400);
        for pair in spells.windows(2) {
            prop_assert!(pair[0].1 < pair[1].0, "{spells:?} touch");
        }
        for minute in 0..8 * 1440 {
            for second in [from + minute * 60, from + minute * 60 + 59] {
                let instant = Timestamp::from_second(second).unwrap();
                let shown = hours.zone().rules().to_datetime(instant);
                let words = written.says(shown);
                let in_spell = spells.iter().any(|&(from, to)| (from..to).contains(&second));
                prop_assert_eq!(hours.is_open(instant), words, "{} in {}: {}", instant, zone, shown);
                prop_assert_eq!(in_spell, words, "{} in {}: {} {:?}", instant, zone, shown, spells);
            }
        }
    }

    /// A call that is begun where a run's windows have room lies within the hours, all of it; and where they have none there
    /// is none.
    #[test]
    fn a_call_that_has_room_lies_within(
        (zone, around, written) in case(),
        room_min in 1_i64..90,
        starts_before in 0_i64..4 * 1440,
        micros in 0_i64..1_000_000,
        look in 0_i64..4 * 1440,
    ) {
        let hours = written.hours(zone);
        let start = around - SignedDuration::from_mins(starts_before) + SignedDuration::from_micros(micros);
        let reading = Reading { mono: Mono::from_micros(1_234_567), wall: start, begun: start };
        let horizon = start + SignedDuration::from_hours(8 * 24);
        let windows = hours.windows(&reading, start, horizon);
        let room = Duration::from_secs(u64::try_from(room_min * 60).unwrap());
        let asked = reading.not_before(start + SignedDuration::from_mins(look));
        let wall_at = |mono: Mono| start + SignedDuration::try_from(mono.since(reading.mono)).unwrap();
        let all_open = |from: Timestamp| {
            (0..=room_min).all(|minute| {
                let last = SignedDuration::from_nanos(if minute == room_min { 1_001 } else { 0 });
                hours.is_open(from + SignedDuration::from_mins(minute) - last)
            })
        };
        if let Some(begin) = windows.next(asked, room) {
            prop_assert!(begin >= asked);
            prop_assert!(all_open(wall_at(begin)), "{} {:?}", wall_at(begin), windows);
            let next = hours.next(wall_at(asked), room);
            let before = next.map(|next| next.from.timestamp().duration_since(wall_at(begin)).abs());
            prop_assert!(before.is_some_and(|away| away <= SignedDuration::from_secs(1)), "{before:?}");
        } else {
            let mut at = wall_at(asked);
            while at < horizon {
                prop_assert!(!all_open(at), "{at} has room, and no window said so: {windows:?}");
                at += SignedDuration::from_mins(1);
            }
        }
    }

    /// What people write is read back as it is said.
    #[test]
    fn windows_are_said_as_they_are_read((_, _, written) in case()) {
        for window in &written.hours("UTC").windows {
            prop_assert_eq!(&window.to_string().parse::<Window>().unwrap(), window);
        }
    }
}
