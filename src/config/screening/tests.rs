//! What must never be dialed, in tables and in properties; and what must.

mod countries;

use proptest::prelude::*;

use super::*;
use crate::config::bank::Location;
use crate::config::library::Library;
use crate::config::numbering::NumberingFile;

fn numbering(name: &str) -> Numbering {
    Library::built_in().load::<NumberingFile>(name).unwrap()
}

fn from(area_code: Option<&str>, local: Option<usize>) -> Location {
    Location { area_code: area_code.map(str::to_owned), local, ..Location::default() }
}

/// `919/7` is a bank in the area 919 that dials 7 digits within it.
fn place(text: &str) -> Location {
    match text.split_once('/') {
        Some((area, local)) => from(Some(area), local.parse().ok()),
        None => from(Some(text).filter(|area| !area.is_empty()), None),
    }
}

fn dialed(country: &str, at: &str, prefix: &str, number: &str) -> Result<String, String> {
    let (rules, number) = (numbering(country), number.parse::<PhoneNumber>().unwrap());
    let dial = rules.dial_string(&number, &place(at), prefix)?;
    screen(&dial, &number, &rules).map_err(|why| why.to_string())?;
    Ok(dial.command())
}

#[test]
fn numbers_become_what_is_dialed_from_where_we_stand() {
    for (country, at, prefix, number, want) in [
        ("us", "919", "9,", "+1 919 555 0101", "9,9195550101"),
        ("us", "919/7", "9,", "+1 919 555 0101", "9,5550101"),
        ("us", "919/10", "", "+1 919 555 0101", "9195550101"),
        ("us", "919/11", "", "+1 919 555 0101", "19195550101"),
        ("us", "919", "9,", "+1 704 555 0101", "9,17045550101"),
        ("us", "", "9,", "+1 919 555 0101", "9,19195550101"),
        ("us", "212", "9,", "+1 212 212 0101", "9,2122120101"),
        ("us", "919", "9,", "+44 20 7946 0101", "9,011442079460101"),
        ("us", "919", "9,1010288,", "+1 919 911 0101", "9,1010288,9199110101"),
        ("gb", "20", "9,", "+44 20 7946 0101", "9,02079460101"),
        ("gb", "20/8", "9,", "+44 20 7946 0101", "9,79460101"),
        ("gb", "20/8", "9,", "+44 161 496 0101", "9,01614960101"),
        ("gb", "20", "", "+1 919 555 0101", "0019195550101"),
        ("de", "30", "0,", "+49 30 5550101", "0,0305550101"),
        ("de", "30/7", "0,", "+49 30 5550101", "0,5550101"),
        ("de", "30/7", "0,", "+49 30 55501", "0,03055501"),
        // Behind an outside-line 0 it looks like a premium-rate number of France, and is not one.
        ("de", "30", "0,", "+49 3381 555010", "0,03381555010"),
        ("de", "30", "0W", "+44 20 7946 0101", "0W00442079460101"),
    ] {
        assert_eq!(
            dialed(country, at, prefix, number).as_deref(),
            Ok(want),
            "{country} {at} {prefix} {number}"
        );
    }
}

#[test]
fn what_must_never_be_dialed() {
    let emergency = "emergency number";
    let premium = "premium-rate";
    for (country, at, prefix, number, why) in [
        // In its local form it begins with an emergency number.
        ("us", "919/7", "9,", "+1 919 911 0101", emergency),
        ("de", "30/8", "0,", "+49 30 11055501", emergency),
        ("de", "30/8", "", "+49 30 11255501", emergency),
        ("gb", "20/8", "", "+44 20 9994 0101", emergency),
        // A 9 too few is swallowed, or one too many is sent.
        ("us", "919/11", "91,", "+1 919 555 0101", emergency),
        ("us", "919/11", "91", "+1 919 555 0101", emergency),
        ("gb", "20/8", "9", "+44 20 9946 0101", emergency),
        ("de", "30/7", "1", "+49 30 1055501", emergency),
        // The prefix is the emergency.
        ("us", "919", "911,", "+1 919 555 0101", emergency),
        ("us", "919", "9,911,", "+1 919 555 0101", emergency),
        ("us", "919", "9911,,W", "+1 919 555 0101", emergency),
        ("us", "919", "9,9,1,1,", "+1 919 555 0101", emergency),
        ("de", "30", "112,", "+49 30 5550101", emergency),
        ("de", "30", "911,", "+49 30 5550101", emergency),
        ("de", "30", "0,9,11,", "+49 30 5550101", emergency),
        ("us", "919", "112W", "+1 919 555 0101", emergency),
        // It costs extra: at home, abroad, in each form, and made so by the prefix.
        ("us", "919", "9,", "+1 900 555 0101", premium),
        ("us", "919", "9,", "+1 919 976 0101", premium),
        ("us", "919/7", "9,", "+1 919 976 0101", premium),
        ("us", "919", "9,", "+44 909 879 0101", premium),
        ("us", "919", "9,", "+49 900 1 555010", premium),
        ("us", "919/7", "9,1900", "+1 919 555 0101", premium),
        ("us", "919/7", "9,900", "+1 919 555 0101", premium),
        ("gb", "20", "9,", "+44 871 555 0101", premium),
        ("de", "30", "0,", "+49 137 155 50101", premium),
        ("de", "30", "0,", "+1 900 555 0101", premium),
        ("de", "30", "0,", "+33 8 99 55 01 01", premium),
        ("de", "30", "0,", "+39 0878 555010", premium),
    ] {
        let said =
            dialed(country, at, prefix, number).expect_err(&format!("{country} {at} {prefix} {number}"));
        assert!(said.contains(why), "{country} {at} {prefix} {number}: {said}");
    }
}

#[test]
fn numbers_that_nobody_has_and_strings_that_nobody_may_send() {
    // A trunk prefix less, and it would be a call for help.
    let help = dialed("us", "919", "9,", "+1 911 555 0101").unwrap_err();
    assert!(help.contains("is no number of US"), "{help}");
    let no_number = dialed("us", "919", "9,", "+1 911 155 0101").unwrap_err();
    assert!(no_number.contains("is no number of US"), "{no_number}");
    for bad in ["9;", "9D", "9L", "S=1", "9!", "9\r", "9A"] {
        let said = dialed("us", "919", bad, "+1 919 555 0101").unwrap_err();
        assert!(said.contains("a dial string holds digits"), "{bad}: {said}");
    }
    // A numbering file of the user's own can't make a short number either.
    let dial = DialString::new("9,1919555", "0101").unwrap();
    let number = "+1 919 555 0101".parse().unwrap();
    assert_eq!(screen(&dial, &number, &numbering("us")), Err(Refusal::Short(4)));
}

#[test]
fn a_numbering_file_can_take_nothing_from_the_table() {
    let text = "numbering: bare\ncountry: DE\ncountry_code: \"49\"\ninternational_prefix: \"00\"\nnational: '\\d+'\n\
                emergency: [\"4711\"]\nring_cadence: 5s\n";
    let file = crate::config::yaml::decode::<NumberingFile>(text, "bare").value.unwrap();
    let rules = crate::config::library::LibraryFile::ready(file).unwrap();
    let number: PhoneNumber = "+49 112 555 0101".parse().unwrap();
    let dial = |digits: &str| screen(&DialString::new("", digits).unwrap(), &number, &rules);
    assert!(matches!(dial("1125550101"), Err(Refusal::BeginsWithEmergency { .. })));
    assert!(matches!(dial("47115550"), Err(Refusal::BeginsWithEmergency { .. })));
    assert!(matches!(dial("10111"), Err(Refusal::IsEmergency { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Whatever rules and prefixes make of a number: what is let through begins with no emergency number of ours and is
    /// none of anywhere, however much of its prefix an exchange swallows.
    #[test]
    fn invariant_no_emergency_passes(
        country in "us|gb|de",
        area in "[1-9][0-9]{1,3}",
        in_area in any::<bool>(),
        rest in "(11|99|91|0|9)?[0-9]{3,9}",
        local in 3_usize..=11,
        prefix in "[0-9]{0,2}[,W@]{0,2}(0|00|1|9|91|11|911|112|99)?[,W]?[0-9]{0,2}",
    ) {
        let rules = numbering_of(&country);
        let other = if area.starts_with('2') { "3" } else { "2" };
        let number = format!("+{}{}{rest}", rules.country_code, if in_area { &area } else { other });
        let Ok(number) = number.parse::<PhoneNumber>() else { return Ok(()) };
        let location = from(Some(&area), Some(local));
        let Ok(dial) = rules.dial_string(&number, &location, &prefix) else { return Ok(()) };
        if screen(&dial, &number, rules).is_err() {
            return Ok(());
        }
        let all = dial.digits();
        let swallowed_max = all.len() - dial.number_digits().len();
        for swallowed in 0..=swallowed_max {
            let heard = &all[swallowed..];
            prop_assert!(heard.len() > SHORT_DIGITS_MAX);
            prop_assert!(rules.emergency.iter().all(|e| !heard.starts_with(e)), "{dial:?} as {heard}");
            prop_assert!(emergency_anywhere().all(|e| e != heard), "{dial:?} as {heard}");
        }
    }

    /// Ordinary numbers behind ordinary prefixes are dialed: the screen is no wall.
    #[test]
    fn ordinary_numbers_pass(
        area in "[2-8][1-9][2-9]",
        exchange in "[2-8][0-8][2-9]",
        last in "[0-9]{4}",
        prefix in "(9|8|0)?[,W]?",
        local in prop_oneof![Just(7_usize), Just(10), Just(11)],
        here in any::<bool>(),
    ) {
        prop_assume!(exchange != "976");
        let rules = numbering_of("us");
        let number: PhoneNumber = format!("+1{area}{exchange}{last}").parse().unwrap();
        let location = from(Some(if here { &area } else { "919" }), Some(local));
        let dial = rules.dial_string(&number, &location, &prefix).unwrap();
        prop_assert_eq!(screen(&dial, &number, rules), Ok(()), "{:?}", dial);
    }
}

/// Loaded once; a property asks thousands of times.
fn numbering_of(name: &str) -> &'static Numbering {
    use crate::config::wiring::NUMBERINGS;
    use std::sync::LazyLock;
    static ALL: LazyLock<Vec<Numbering>> =
        LazyLock::new(|| NUMBERINGS.iter().map(|(name, _)| numbering(name)).collect());
    ALL.iter().find(|rules| rules.name == name).unwrap()
}
