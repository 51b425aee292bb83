//! The shipped tariff, and what is wrong with others.

use super::*;
use crate::config::library::{Library, LoadError};
use crate::config::yaml;

fn tariff(text: &str) -> Result<Tariff, String> {
    let yaml::Decoded { value, doc } = yaml::decode::<TariffFile>(text, "t.yaml".to_owned());
    let Some(file) = value.filter(|_| !doc.has_problems()) else {
        return Err(doc.into_problems().to_string());
    };
    file.ready().map_err(|complaints| {
        complaints.iter().map(|(key, what)| format!("{key}: {what}")).collect::<Vec<_>>().join("\n")
    })
}

fn rate_of(tariff: &Tariff, class: NumberClass, number: &str) -> Option<Rate> {
    tariff.rates(class, &number.parse().unwrap()).map(|rates| rates.base)
}

#[test]
fn the_shipped_one_prices_a_number_by_its_longest_beginning_and_else_by_its_class() {
    let tariff = Library::built_in().load::<TariffFile>("example").unwrap();
    assert_eq!((tariff.name.as_str(), tariff.currency.as_str()), ("example", "USD"));
    let price = |class, number: &str| rate_of(&tariff, class, number).unwrap();
    assert_eq!(price(NumberClass::National, "+1 704 555 0101").per_minute, Micros(35_000));
    assert_eq!(price(NumberClass::Local, "+1 919 555 0101").per_call, Micros(80_000));
    assert_eq!(price(NumberClass::International, "+44 20 7946 0101").per_minute, Micros(60_000));
    assert_eq!(price(NumberClass::International, "+44 7400 123456").per_minute, Micros(280_000));
    assert_eq!(price(NumberClass::International, "+33 1 2345 6789").per_minute, Micros(1_200_000));
    let by_second = price(NumberClass::International, "+49 30 123456");
    assert_eq!((by_second.first_s, by_second.step_s), (1, 1));
    let rates = tariff.rates(NumberClass::National, &"+1 704 555 0101".parse().unwrap()).unwrap();
    let (hours, night) = &rates.timed[0];
    assert_eq!(night.per_minute, Micros(20_000));
    assert_eq!(
        hours[..],
        [
            Hours { days: 0b001_1111, from_s: 21 * 3600, to_s: 31 * 3600 },
            Hours { days: 0b110_0000, from_s: 0, to_s: 24 * 3600 },
        ]
    );
    assert_eq!(said(rates, Duration::from_secs(60)), "0.035/min");
}

#[test]
fn a_class_that_is_left_out_has_no_price() {
    let tariff = tariff("tariff: t\ncurrency: EUR\nclasses: { national: { per_call: '0.1' } }\n").unwrap();
    assert_eq!(rate_of(&tariff, NumberClass::Mobile, "+49 151 2345678"), None);
    let national = rate_of(&tariff, NumberClass::National, "+49 30 123456").unwrap();
    let want = Rate { per_call: Micros(100_000), per_minute: Micros(0), first_s: 60, step_s: 60 };
    assert_eq!(national, want, "without a word the begun minute is billed");
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_what_would_be_right() {
    let text = "tariff: t\ncurrency: euro\nfirst: 90\nstep: 1.5s\nclasses:\n  \
        local: {}\n  national: { per_minute: '0,05' }\n  \
        mobile: { per_minute: '0.1', hours: [{ per_minute: '1' }, { when: ['mon-fri 22-06'] }, { when: ['sat,holiday 00:00-24:00'] }] }\n\
        prefixes:\n  '0049': { per_minute: '1' }\n  '+44': { per_minute: '1' }\n  '+4-4': { per_minute: '2' }\n  '+49':\n";
    let said = tariff(text).unwrap_err();
    for part in [
        "currency: is `euro`; write the three letters",
        "first: `90` is no duration",
        "step: is `1.5s`; billing goes by whole seconds",
        "classes.local: has no price",
        "classes.national.per_minute: is `0,05`",
        "classes.mobile.hours[0]: are of no time zone",
        "classes.mobile.hours[0]: has no `when`",
        "classes.mobile.hours[1].when[0]: ",
        "classes.mobile.hours[2].when[0]: names holidays",
        "prefixes.0049: is no beginning of a number",
        "prefixes.+44: stands here already",
        "prefixes.+49: is empty",
    ] {
        assert!(said.contains(part), "{part} is not told:\n{said}");
    }
    assert!(tariff("tariff: t\ncurrency: EUR\n").unwrap_err().contains("has no price"));
    let said =
        tariff("tariff: t\ncurrency: EUR\nzone: Europe/Munic\nclasses: { local: { per_call: '1' } }\n")
            .unwrap_err();
    assert!(said.contains("is no time zone"), "{said}");
    // A bare figure is taken as it is written, not as a floating one.
    let bare = tariff("tariff: t\ncurrency: EUR\nclasses: { local: { per_minute: 0.070 } }\n").unwrap();
    assert_eq!(rate_of(&bare, NumberClass::Local, "+49 30 123456").unwrap().per_minute, Micros(70_000));
}

#[test]
fn a_name_that_is_none_is_told_with_those_that_there_are() {
    let Err(LoadError::Unknown(said)) = Library::built_in().load::<TariffFile>("exampel") else { panic!() };
    assert!(said.contains("there is no tariff `exampel`; did you mean `example`?"), "{said}");
}
