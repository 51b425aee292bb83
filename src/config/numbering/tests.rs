//! Every numbering that is shipped: what people dial there, and the law on redialing.

use super::*;
use crate::config::library::Library;
use crate::config::wiring::NUMBERINGS;
use crate::config::yaml;
use crate::model::NumberClass;

fn load(name: &str) -> Numbering {
    Library::built_in().load::<NumberingFile>(name).unwrap()
}

fn at(area_code: &str, local: Option<usize>) -> Location {
    let area_code = Some(area_code).filter(|code| !code.is_empty()).map(str::to_owned);
    Location { area_code, local, ..Location::default() }
}

fn dialed(name: &str, from: &Location, number: &str) -> String {
    load(name).digits(&number.parse().unwrap(), from).unwrap_or_else(|why| panic!("{name} {number}: {why}"))
}

/// A fixed line of each country (the example of LIBPHONE), and what is dialed for it there, far from its area, and from
/// there for a fixed line in London.
pub(in crate::config) const EXAMPLES: &[(&str, &str, &str, &str)] = &[
    ("at", "+43 1234567890", "01234567890", "00442079460101"),
    ("au", "+61 212345678", "0212345678", "0011442079460101"),
    ("br", "+55 1123456789", "0211123456789", "0021442079460101"),
    ("ca", "+1 5062345678", "15062345678", "011442079460101"),
    ("ch", "+41 212345678", "0212345678", "00442079460101"),
    ("de", "+49 30123456", "030123456", "00442079460101"),
    ("es", "+34 810123456", "810123456", "00442079460101"),
    ("fr", "+33 123456789", "0123456789", "00442079460101"),
    ("gb", "+44 1212345678", "01212345678", "02079460101"),
    ("ie", "+353 2212345", "02212345", "00442079460101"),
    ("in", "+91 7410410123", "07410410123", "00442079460101"),
    ("it", "+39 0212345678", "0212345678", "00442079460101"),
    ("jp", "+81 312345678", "0312345678", "010442079460101"),
    ("mx", "+52 2001234567", "2001234567", "00442079460101"),
    ("nl", "+31 101234567", "0101234567", "00442079460101"),
    ("nz", "+64 32345678", "032345678", "00442079460101"),
    ("se", "+46 8123456", "08123456", "00442079460101"),
    ("sg", "+65 61234567", "61234567", "001442079460101"),
    ("us", "+1 2015550123", "12015550123", "011442079460101"),
    ("za", "+27 101234567", "0101234567", "00442079460101"),
];

#[test]
fn every_country_dials_its_own_lines_and_those_of_others_as_people_do_there() {
    let names: Vec<&str> = EXAMPLES.iter().map(|row| row.0).collect();
    assert_eq!(names, NUMBERINGS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), "one example a file");
    for &(name, number, here, london) in EXAMPLES {
        assert_eq!(dialed(name, &at("", None), number), here, "{name}");
        assert_eq!(dialed(name, &at("", None), "+44 20 7946 0101"), london, "{name}");
        let rules = load(name);
        assert_eq!(rules.country.to_ascii_lowercase(), name);
        assert!(rules.emergency.iter().all(|number| number.len() >= 2) && !rules.premium.is_empty());
    }
}

/// Numbers as seen from a place there: its area, a fixed line and a mobile one of the country; those of LIBPHONE.
const CLASSES: &[(&str, &str, &str, &str)] = &[
    ("at", "1", "+43 662 880455", "+43 664 123456"),
    ("au", "2", "+61 312345678", "+61 412345678"),
    ("br", "21", "+55 1123456789", "+55 11961234567"),
    ("ca", "506", "+1 204 234 5678", ""),
    ("ch", "44", "+41 212345678", "+41 781234567"),
    ("de", "30", "+49 89123456", "+49 15123456789"),
    ("es", "81", "+34 910123456", "+34 612345678"),
    ("fr", "1", "+33 412345678", "+33 612345678"),
    ("gb", "20", "+44 1212345678", "+44 7400123456"),
    ("ie", "1", "+353 2212345", "+353 850123456"),
    ("in", "11", "+91 2212345678", "+91 9812345678"),
    ("it", "02", "+39 0612345678", "+39 3123456789"),
    ("jp", "3", "+81 612345678", "+81 9012345678"),
    ("mx", "55", "+52 2001234567", ""),
    ("nl", "10", "+31 201234567", "+31 612345678"),
    ("nz", "4", "+64 32345678", "+64 211234567"),
    ("se", "8", "+46 31123456", "+46 701234567"),
    ("sg", "", "+65 61234567", "+65 81234567"),
    ("us", "919", "+1 201 555 0123", ""),
    ("za", "10", "+27 211234567", "+27 711234567"),
];

#[test]
fn every_country_knows_its_own_numbers_from_mobile_ones_and_those_of_others() {
    let names: Vec<&str> = CLASSES.iter().map(|row| row.0).collect();
    assert_eq!(names, NUMBERINGS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), "one row a file");
    for (&(name, area, fixed, mobile), (_, text)) in CLASSES.iter().zip(NUMBERINGS) {
        let rules = load(name);
        let class = |number: &str| rules.class(&number.parse().unwrap(), &at(area, None));
        assert_eq!(class(fixed), NumberClass::National, "{name} {fixed}");
        let abroad = if name == "gb" { "+49 30123456" } else { "+44 20 7946 0101" };
        assert_eq!(class(abroad), NumberClass::International, "{name} {abroad}");
        assert!(text.contains("\nmobile: ["), "{name} says whether its numbers tell");
        assert_eq!(rules.beginnings.mobile.is_empty(), mobile.is_empty(), "{name}");
        if !mobile.is_empty() {
            assert_eq!(class(mobile), NumberClass::Mobile, "{name} {mobile}");
        }
        if !area.is_empty() {
            // As many digits as the other fixed line has.
            let digits = fixed.bytes().filter(u8::is_ascii_digit).count();
            let here = format!("+{:2<digits$}", format!("{}{area}", rules.country_code));
            assert_eq!(class(&here), NumberClass::Local, "{name} {here}");
        }
        let nowhere = rules.class(&fixed.parse().unwrap(), &at("", None));
        assert_eq!(nowhere, NumberClass::National, "{name}: a bank without an area has nothing local");
    }
}

#[test]
fn countries_that_share_a_country_code_are_abroad_for_each_other() {
    let class = |name: &str, number: &str| load(name).class(&number.parse().unwrap(), &at("", None));
    for number in ["+1 416 555 0123", "+1 876 555 0123", "+1 441 555 0123"] {
        assert_eq!(class("us", number), NumberClass::International, "{number}");
    }
    for number in ["+1 787 555 0123", "+1 340 555 0123", "+1 907 555 0123", "+1 800 555 0123"] {
        assert_eq!(class("us", number), NumberClass::National, "{number}");
    }
    assert_eq!(class("ca", "+1 212 555 0123"), NumberClass::International);
    assert_eq!(class("ca", "+1 416 555 0123"), NumberClass::National);
    assert_eq!(class("ie", "+353 48 9012 3456"), NumberClass::International);
}

#[test]
fn within_the_area_the_short_form_is_dialed_where_there_is_one() {
    for (name, area, local, number, want) in [
        ("ca", "506", Some(7), "+1 506 234 5678", "2345678"),
        ("ca", "506", None, "+1 506 234 5678", "5062345678"),
        ("nl", "10", Some(7), "+31 10 123 4567", "1234567"),
        ("nl", "10", None, "+31 10 123 4567", "0101234567"),
        ("se", "8", Some(6), "+46 8 123 456", "123456"),
        ("jp", "3", Some(8), "+81 3 1234 5678", "12345678"),
        ("au", "2", Some(8), "+61 2 1234 5678", "12345678"),
        ("br", "11", None, "+55 11 2345 6789", "23456789"),
        ("br", "11", Some(9), "+55 11 96123 4567", "961234567"),
        ("br", "21", None, "+55 11 2345 6789", "0211123456789"),
        ("in", "11", Some(8), "+91 11 2345 6789", "23456789"),
        ("ie", "22", Some(5), "+353 22 12345", "12345"),
        ("at", "1", Some(9), "+43 1 234567890", "234567890"),
        ("nz", "3", Some(7), "+64 3 234 5678", "2345678"),
        // Closed plans: all digits, always.
        ("fr", "1", None, "+33 1 23 45 67 89", "0123456789"),
        ("ch", "21", None, "+41 21 234 56 78", "0212345678"),
        ("it", "02", None, "+39 02 1234 5678", "0212345678"),
        ("es", "81", None, "+34 81 012 34 56", "810123456"),
        ("mx", "55", None, "+52 55 1234 5678", "5512345678"),
        ("za", "10", None, "+27 10 123 4567", "0101234567"),
    ] {
        assert_eq!(dialed(name, &at(area, local), number), want, "{name} {area} {local:?}");
    }
}

#[test]
fn a_bank_may_name_its_own_carrier_where_one_is_chosen() {
    let rules = load("br");
    let own = |carrier: &str| Location { carrier: Some(carrier.to_owned()), ..at("", None) };
    assert_eq!(dialed("br", &own("15"), "+55 11 2345 6789"), "0151123456789");
    assert_eq!(dialed("br", &own("15"), "+1 201 555 0123"), "001512015550123");
    assert_eq!(rules.carrier_problem(&own("15")), None);
    let said = rules.carrier_problem(&own("1515")).unwrap();
    assert_eq!(said, "has 4 digits; a carrier has 2 under the numbering `br`");
    let said = load("us").carrier_problem(&own("15")).unwrap();
    assert!(said.contains("no carrier is chosen there"), "{said}");
    assert_eq!(load("us").carrier_problem(&at("", None)), None);
}

#[test]
fn a_closed_plan_has_no_local_form_and_says_so() {
    let said = load("fr").local_problem(&at("1", Some(8))).unwrap();
    assert_eq!(
        said,
        "is 8; under the numbering `fr` all digits are dialed within the area too, so leave it out"
    );
    assert_eq!(load("fr").local_problem(&at("1", None)), None);
    let said = load("au").local_problem(&at("2", Some(7))).unwrap();
    assert_eq!(said, "is 7; a call within the area has 8 digits under the numbering `au`");
}

#[test]
fn numbers_that_no_country_has_are_told() {
    for (name, number) in [
        ("fr", "+33 12345678"),
        ("fr", "+33 0123456789"),
        ("it", "+39 2 1234 5678"),
        ("es", "+34 1234 56789"),
        ("sg", "+65 1234 5678"),
        ("mx", "+52 1 55 1234 5678"),
        ("br", "+55 23456789"),
        ("ca", "+1 911 555 0101"),
        ("in", "+91 11 2345 678"),
        ("au", "+61 1300 123 456"),
    ] {
        let error = load(name).digits(&number.parse().unwrap(), &at("", None));
        assert!(matches!(error, Err(NumberingError::NotNational { .. })), "{name} {number}: {error:?}");
    }
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

#[test]
fn the_law_on_redialing_is_that_of_modems_md() {
    let law = |name: &str| load(name).redial;
    let limits = |name: &str| law(name).map(|law| (law.attempts, law.busy_attempts));
    assert_eq!(limits("us"), Some((None, Some(15))), "no limit for a dialer that a computer controls");
    assert_eq!(limits("au"), Some((Some(3), Some(10))));
    assert_eq!(limits("at"), Some((Some(3), Some(11))));
    assert_eq!(limits("ch"), Some((Some(5), None)));
    assert_eq!(limits("fr"), Some((Some(5), None)));
    assert_eq!(limits("it"), Some((Some(9), None)));
    assert_eq!(limits("sg"), limits("it"));
    assert_eq!(limits("jp"), Some((None, None)));
    for name in ["ca", "gb", "de", "nl", "se", "in", "br", "mx", "za", "ie", "es", "nz"] {
        assert_eq!(law(name), None, "{name}");
    }
    let pause = |name: &str, failed| law(name).unwrap().pause_after(failed);
    assert_eq!([1, 2, 3, 4, 5].map(|n| pause("fr", n)), [2, 4, 6, 8, 8].map(minutes));
    assert_eq!([1, 4, 5, 8].map(|n| pause("it", n)), [0, 0, 2, 2].map(minutes));
    assert_eq!([1, 3, 4].map(|n| pause("ch", n)), [2, 2, 5].map(minutes));
    assert_eq!([1, 2, 3, 9].map(|n| pause("jp", n)), [0, 0, 3, 3].map(minutes));
    assert_eq!([0, 1, 2].map(|n| pause("us", n)), [0, 0, 0].map(minutes));
    let on_hook = |name: &str| load(name).on_hook_min().as_secs();
    assert_eq!(["ch", "au", "us", "gb"].map(on_hook), [5, 2, 0, 0]);
}

#[test]
fn all_that_is_wrong_with_a_law_is_told_at_once() {
    let text = |redial: &str| {
        format!(
            "numbering: x\ncountry: DE\ncountry_code: \"49\"\ninternational_prefix: \"00\"\nnational: '\\d+'\n\
             emergency: [\"112\"]\nring_cadence: 5s\nredial: {redial}\n"
        )
    };
    let wrong = |redial: &str| -> Vec<String> {
        let file = yaml::decode::<NumberingFile>(&text(redial), "x").value.unwrap();
        let complaints = file.ready().expect_err(redial);
        complaints.into_iter().map(|(key, what)| format!("{key} {what}")).collect()
    };
    assert_eq!(
        wrong("{ attempts: 0, busy_attempts: 0, pauses: [2m, 2, 25h], on_hook_min: 1h }"),
        [
            "redial.attempts is 0; then nothing could be dialed, leave it out for no limit",
            "redial.busy_attempts is 0; then nothing could be dialed, leave it out for no limit",
            "redial.pauses[1] `2` is no duration; write a number with its unit, as `250ms`, `90s`, `3m`, `1h` or `7d`",
            "redial.pauses[2] is over 24h; no run is so long",
            "redial.on_hook_min is over 10m, and every call waits for it",
        ]
    );
    assert_eq!(
        wrong("{ attempts: 5, busy_attempts: 3 }"),
        ["redial.busy_attempts is 3, under `attempts: 5`; leave it out"]
    );
    assert_eq!(wrong("{ on_hook_min: 0 }"), ["redial.on_hook_min is 0; leave it out for no limit"]);
    assert_eq!(wrong("{}"), ["redial has no rule; leave it out where there is none"]);
    let unknown = yaml::decode::<NumberingFile>(&text("{ tries: 3 }"), "x");
    assert!(unknown.doc.has_problems(), "an unknown key was taken");
}

#[test]
fn how_it_rings_abroad_is_the_far_exchanges_and_bounded_by_the_longest_cadence() {
    let (gb, us) = (load("gb"), load("us"));
    let cadence = |rules: &Numbering, number: &str| rules.cadence_to(&number.parse().unwrap()).as_secs();
    assert_eq!((cadence(&gb, "+442079460101"), cadence(&gb, "+12015550123")), (3, 6));
    assert_eq!((cadence(&us, "+12015550123"), cadence(&us, "+442079460101")), (6, 6));
    assert!(NUMBERINGS.iter().all(|(name, _)| load(name).ring_cadence <= LONGEST_CADENCE));
}
