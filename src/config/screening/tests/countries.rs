//! The screen holds in every country that is shipped: what its exchange would make of each string that is let through.

use proptest::prelude::*;

use super::*;
use crate::config::wiring::NUMBERINGS;

/// Beginnings of numbers, and how many digits those have in all.
type Ranges = &'static [(&'static str, &'static [usize])];

/// Premium-rate numbers as an exchange of the country routes them: the beginning without trunk prefix, and how many
/// digits there are (from LIBPHONE; kept apart from the files, which it is to judge).
const PREMIUM: &[(&str, Ranges)] = &[
    ("at", &[("900", &[9, 10]), ("930", &[9, 12]), ("939", &[9]), ("862", &[9]), ("898", &[13])]),
    ("au", &[("190", &[10])]),
    ("br", &[("900", &[9, 10]), ("500", &[9, 10])]),
    ("ca", &[("900", &[10])]),
    ("ch", &[("900", &[9]), ("901", &[9]), ("906", &[9])]),
    ("de", &[("900", &[10, 11]), ("1377", &[10])]),
    ("es", &[("803", &[9]), ("806", &[9]), ("807", &[9])]),
    ("fr", &[("812", &[9]), ("836", &[9]), ("850", &[9]), ("890", &[9]), ("899", &[9])]),
    ("gb", &[("842", &[10]), ("871", &[10]), ("909", &[10]), ("912", &[10]), ("983", &[10])]),
    ("ie", &[("1512", &[10]), ("1520", &[10]), ("1590", &[10])]),
    ("in", &[("1861", &[13]), ("1862", &[13])]),
    ("it", &[("899", &[9]), ("8955", &[10]), ("144", &[9]), ("166", &[9]), ("0878", &[9])]),
    ("jp", &[("990", &[9])]),
    ("mx", &[("900", &[10])]),
    ("nl", &[("900", &[7, 10]), ("906", &[7, 10]), ("909", &[7, 10])]),
    ("nz", &[("900", &[8, 9, 10]), ("909", &[8])]),
    ("se", &[("900", &[7, 10]), ("939", &[8]), ("944", &[8]), ("649", &[9]), ("991", &[7])]),
    ("sg", &[("1900", &[11])]),
    ("us", &[("900", &[10])]),
    ("za", &[("862", &[9]), ("869", &[9]), ("900", &[9]), ("929", &[9])]),
];

/// Areas of each country from which a bank may dial, with the digits of a call within them.
const AREAS: &[(&str, &[(&str, usize)])] = &[
    ("at", &[("1", 7), ("316", 6)]),
    ("au", &[("2", 8)]),
    ("br", &[("11", 8), ("21", 9)]),
    ("ca", &[("506", 7), ("416", 10), ("416", 11)]),
    ("de", &[("30", 8), ("30", 7)]),
    ("gb", &[("20", 8), ("1539", 6)]),
    ("ie", &[("1", 7), ("22", 5)]),
    ("in", &[("11", 8), ("120", 7)]),
    ("jp", &[("3", 8), ("75", 7)]),
    ("nl", &[("10", 7), ("113", 6)]),
    ("nz", &[("3", 7), ("9", 7)]),
    ("se", &[("8", 7), ("90", 6)]),
    ("us", &[("919", 7), ("212", 10), ("212", 11)]),
];

fn areas(name: &str) -> &'static [(&'static str, usize)] {
    AREAS.iter().find(|row| row.0 == name).map_or(&[], |row| row.1)
}

fn premium(name: &str) -> Ranges {
    PREMIUM.iter().find(|row| row.0 == name).expect("every country has premium numbers").1
}

/// Whether an exchange of the country, hearing this, would connect a premium-rate number of the country.
fn costs(rules: &Numbering, heard: &str) -> bool {
    let is = |national: &str| {
        premium(&rules.name)
            .iter()
            .any(|(begin, lengths)| national.starts_with(begin) && lengths.contains(&national.len()))
    };
    let behind = heard.strip_prefix(rules.trunk_prefix.as_str());
    behind.is_some_and(is)
        || behind.and_then(|behind| behind.get(rules.carrier.len()..)).is_some_and(is)
        || (rules.area.without_trunk && is(heard))
        || heard
            .strip_prefix(rules.international_prefix.as_str())
            .and_then(|behind| behind.get(rules.carrier.len()..))
            .and_then(|behind| behind.strip_prefix(rules.country_code.as_str()))
            .is_some_and(is)
}

#[test]
fn the_tables_know_every_country_that_is_shipped() {
    let names: Vec<&str> = NUMBERINGS.iter().map(|(name, _)| *name).collect();
    assert_eq!(PREMIUM.iter().map(|row| row.0).collect::<Vec<_>>(), names);
    for name in names {
        let rules = numbering_of(name);
        assert_eq!(areas(name).is_empty(), rules.area.local.is_empty(), "{name}");
        for &(area, local) in areas(name) {
            assert_eq!(rules.local_problem(&from(Some(area), Some(local))), None, "{name} {area}");
        }
    }
}

#[test]
fn every_countrys_own_lines_are_dialed_behind_the_usual_prefixes() {
    for (name, number) in [
        ("at", "+43 1234567890"),
        ("au", "+61 212345678"),
        ("br", "+55 1123456789"),
        ("ca", "+1 5062345678"),
        ("ch", "+41 212345678"),
        ("de", "+49 30123456"),
        ("es", "+34 910123456"),
        ("fr", "+33 123456789"),
        ("gb", "+44 1212345678"),
        ("ie", "+353 2212345"),
        // Pathankot and Dublin, whose numbers begin like those that cost extra.
        ("in", "+91 1862212345"),
        ("ie", "+353 15123456"),
        ("it", "+39 0212345678"),
        ("jp", "+81 312345678"),
        ("mx", "+52 5512345678"),
        ("nl", "+31 101234567"),
        ("nz", "+64 32345678"),
        ("se", "+46 8123456"),
        ("sg", "+65 61234567"),
        ("us", "+1 2015550123"),
        ("za", "+27 101234567"),
    ] {
        for prefix in ["", "9,", "0,", "0W", "9W"] {
            let dialed = dialed(name, "", prefix, number);
            assert!(dialed.is_ok(), "{name} {prefix} {number}: {dialed:?}");
        }
        // And from another country.
        let other = if name == "nz" { "gb" } else { "nz" };
        assert!(dialed(other, "", "9,", number).is_ok(), "{number} from {other}");
    }
}

#[test]
fn what_a_swallowed_or_missing_outside_line_would_turn_into_help_is_not_dialed() {
    for (name, prefix, number, help) in [
        // 0 and 0011: 000.
        ("au", "0,", "+44 20 7946 0101", "`000`"),
        ("es", "0,", "+34 856 123 456", "`085`"),
        ("es", "0W", "+34 881 123 456", "`088`"),
        ("mx", "0,", "+52 656 123 4567", "`065`"),
        ("sg", "99", "+65 9123 4567", "`999`"),
        ("jp", "11", "+81 3 1234 5678", "`110`"),
        ("nz", "111,", "+64 3 234 5678", "`111`"),
        ("za", "10,111,", "+27 10 123 4567", "`10111`"),
        ("in", "10", "+91 11 2345 6789", "`100`"),
    ] {
        let said = dialed(name, "", prefix, number).expect_err(&format!("{name} {prefix} {number}"));
        assert!(said.contains("emergency number") && said.contains(help), "{name} {prefix}: {said}");
    }
    // Delhi: 2611 in its short form calls for help, in its long one it does not.
    let short = dialed("in", "11/8", "", "+91 11 2611 0101").unwrap_err();
    assert!(short.contains("`2611`"), "{short}");
    assert_eq!(dialed("in", "", "", "+91 11 2611 0101").as_deref(), Ok("01126110101"));
}

#[test]
fn premium_numbers_of_every_country_are_refused_at_home_and_from_abroad() {
    for &(name, ranges) in PREMIUM {
        let rules = numbering_of(name);
        for (begin, lengths) in ranges {
            for length in *lengths {
                let national = format!("{begin:2<length$}");
                let number = format!("+{}{national}", rules.country_code);
                let home = dialed(name, "", "9,", &number).expect_err(&format!("{name} {number}"));
                assert!(
                    home.contains("premium-rate") || home.contains("is no number of"),
                    "{name} {number}: {home}"
                );
                let other = if name == "nz" { "gb" } else { "nz" };
                let abroad = dialed(other, "", "9,", &number).expect_err(&format!("{number} from {other}"));
                assert!(abroad.contains("premium-rate"), "{number} from {other}: {abroad}");
            }
        }
    }
}

/// A country, one of its areas or none, and a number: of the area, of the country, one that costs extra, or abroad.
fn calls() -> impl Strategy<Value = (&'static str, Location, String)> {
    let names: Vec<&'static str> = NUMBERINGS.iter().map(|(name, _)| *name).collect();
    (prop::sample::select(names), any::<prop::sample::Index>(), 0..6_u8, "[0-9]{13}").prop_map(
        |(name, index, kind, digits)| {
            let rules = numbering_of(name);
            let areas = areas(name);
            let area = (!areas.is_empty() && kind != 5).then(|| areas[index.index(areas.len())]);
            let location = from(area.map(|area| area.0), area.map(|area| area.1));
            let length = 6 + index.index(6);
            let rest = &digits[..length];
            let national = match (kind, area) {
                (0 | 1, Some((area, local))) => {
                    let subscriber = if local >= area.len() + 7 { 7 } else { local };
                    format!("{area}{}", &digits[..subscriber])
                }
                (2, _) => {
                    let ranges = premium(name);
                    let (begin, lengths) = ranges[index.index(ranges.len())];
                    let length = lengths[index.index(lengths.len())];
                    format!("{begin}{}", &digits[..length - begin.len()])
                }
                (3, _) => {
                    // Abroad: any country of which there is a file.
                    let other = numbering_of(NUMBERINGS[index.index(NUMBERINGS.len())].0);
                    return (name, location, format!("+{}{rest}", other.country_code));
                }
                _ => rest.to_owned(),
            };
            (name, location, format!("+{}{national}", rules.country_code))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6000))]

    /// Whatever is dialed in any country behind any usual prefix: the exchange, whether it swallows the outside line or
    /// not, connects neither an emergency number nor one that costs extra.
    #[test]
    fn invariant_no_country_dials_for_help_or_at_a_premium(
        (name, location, number) in calls(),
        prefix in prop::sample::select(vec!["", "9,", "0,", "0W", "9W", "9", "0", "00,", "8,"]),
    ) {
        let rules = numbering_of(name);
        let Ok(number) = number.parse::<PhoneNumber>() else { return Ok(()) };
        let Ok(dial) = rules.dial_string(&number, &location, prefix) else { return Ok(()) };
        if screen(&dial, &number, rules).is_err() {
            return Ok(());
        }
        let all = dial.digits();
        for swallowed in 0..=all.len() - dial.number_digits().len() {
            let heard = &all[swallowed..];
            prop_assert!(heard.len() > SHORT_DIGITS_MAX);
            prop_assert!(rules.emergency.iter().all(|help| !heard.starts_with(help)), "{dial:?} as {heard}");
            prop_assert!(emergency_anywhere().all(|help| help != heard), "{dial:?} as {heard}");
            prop_assert!(!costs(rules, heard), "{dial:?} as {heard} costs extra in {name}");
        }
    }
}
