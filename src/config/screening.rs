//! Whether a dial string may be dialed: never to an emergency, short or premium-rate number, whatever the rules and
//! prefixes that made it.
//!
//! Looks at the final string, since it is what an exchange hears: as it is, and with each part of the prefix taken away
//! (a private exchange swallows an outside-line digit, or does not). There is no switch to turn it off. The table of
//! regions is modems.md 5.2 (LIBPHONE); a numbering file can add to it and take nothing from it.

use super::numbering::Numbering;
use crate::model::{DialString, PhoneNumber};

/// Most digits of a short number: services, operators, extensions (modems.md 5.2, safety rule c).
pub const SHORT_DIGITS_MAX: usize = 4;

/// Numbers that call for help, and numbers that cost the caller extra, of one region.
struct Region {
    /// Country code.
    code: &'static str,
    /// National trunk prefix.
    trunk: &'static str,
    emergency: &'static [&'static str],
    /// Beginnings of national numbers without trunk prefix; `.` is any digit, `$` the end.
    premium: &'static [&'static str],
}

const fn region(
    code: &'static str,
    trunk: &'static str,
    emergency: &'static [&'static str],
    premium: &'static [&'static str],
) -> Region {
    Region { code, trunk, emergency, premium }
}

/// modems.md 5.2 (LIBPHONE). Country codes are prefix-free, so the first that fits is the one.
const REGIONS: &[Region] = &[
    region("1", "1", &["911", "112"], &["900", "...976"]),
    region(
        "44",
        "0",
        &["999", "112"],
        &["842", "843", "844", "845", "870", "871", "872", "873", "90", "91", "982", "983", "984", "989"],
    ),
    region(
        "353",
        "0",
        &["999", "112"],
        // With their length: 1 is Dublin, whose own numbers are shorter.
        &["15........$"],
    ),
    region(
        "49",
        "0",
        &["110", "112"],
        &["900", "1371", "1372", "1373", "1374", "1375", "1376", "1377", "1378", "1379"],
    ),
    region("33", "0", &["15", "17", "18", "112"], &["81", "82", "83", "85", "86", "88", "89"]),
    region("39", "", &["112", "113", "115", "118"], &["89", "144", "163", "164", "166", "0878"]),
    region("34", "", &["112", "085", "088"], &["803", "806", "807"]),
    region("31", "0", &["112", "911"], &["900", "906", "909"]),
    region("32", "0", &["112", "100", "101"], &["70", "90"]),
    region("41", "0", &["112", "117", "118", "144"], &["900", "901", "906"]),
    region("43", "0", &["112", "122", "133", "144"], &["900", "901", "930", "931", "939", "86", "89"]),
    region("46", "0", &["112", "90000"], &["900", "939", "944", "649", "99"]),
    region("47", "", &["110", "112", "113"], &["820", "829"]),
    region("45", "", &["112", "114"], &["90"]),
    region("358", "0", &["112"], &["600", "700"]),
    region("48", "", &["112", "997", "998", "999"], &["70"]),
    region("61", "0", &["000", "112", "106"], &["190"]),
    region("64", "0", &["111"], &["90"]),
    region("81", "0", &["110", "119"], &["990"]),
    region("65", "", &["999", "993", "995"], &["1900"]),
    region("852", "", &["999", "112", "992"], &["900........$"]),
    region("86", "0", &["110", "119", "120"], &["168.....$", "160.....$"]),
    region(
        "91",
        "0",
        &["100", "101", "102", "108", "112", "1298", "2611"],
        &["1860.......$", "1861.........$", "1862.........$"],
    ),
    region("55", "0", &["112", "128", "190", "192", "193", "911"], &["300", "500", "900"]),
    region(
        "27",
        "0",
        &["112", "10111", "10177"],
        &["862", "863", "864", "865", "866", "867", "868", "869", "90", "91", "92"],
    ),
    region("52", "", &["911", "060", "065", "066", "068", "080"], &["900"]),
    region("972", "0", &["100", "101", "102", "112"], &["1200", "1212", "1900", "1901", "1902", "1919"]),
    region("82", "0", &["112", "119"], &["602", "603", "604", "605", "606", "607", "608", "609"]),
];

/// Why a dial string is never dialed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is an emergency number, here or elsewhere.
    #[error("{} the emergency number `{number}`", if *with_prefix { "with its prefix it is" } else { "it is" })]
    IsEmergency {
        /// Which.
        number: String,
        /// Only with some of the prefix.
        with_prefix: bool,
    },
    /// It begins with one of our emergency numbers: the exchange would not wait for the rest.
    #[error(
        "{}it begins with the emergency number `{number}`, and the exchange would not wait for the rest",
        if *with_prefix { "with its prefix " } else { "" }
    )]
    BeginsWithEmergency {
        /// Which.
        number: String,
        /// Only with some of the prefix.
        with_prefix: bool,
    },
    /// The prefix itself reaches an emergency number before a pause.
    #[error("the modem's prefix alone would reach the emergency number `{number}`")]
    PrefixIsEmergency {
        /// Which.
        number: &'static str,
    },
    /// Too short for a subscriber.
    #[error("what would be dialed has {0} digits, and numbers of up to {SHORT_DIGITS_MAX} are services")]
    Short(usize),
    /// It costs extra.
    #[error("it is a premium-rate number")]
    Premium,
}

/// Passes a dial string for a number, dialed under this numbering, or says why not.
pub fn screen(dial: &DialString, number: &PhoneNumber, numbering: &Numbering) -> Result<(), Refusal> {
    let all = dial.digits();
    let own = dial.number_digits();
    let prefix_len = all.len() - own.len();
    if own.len() <= SHORT_DIGITS_MAX {
        return Err(Refusal::Short(own.len()));
    }
    let ours = emergency_of(&numbering.country_code, numbering);
    // From the number alone to all that is sent, so that the plainest reason is given.
    for start in (0..=prefix_len).rev() {
        let heard = &all[start..];
        let with_prefix = start < prefix_len;
        if let Some(emergency) = ours.iter().find(|emergency| heard.starts_with(**emergency)) {
            let number = (*emergency).to_owned();
            return Err(if heard == number {
                Refusal::IsEmergency { number, with_prefix }
            } else {
                Refusal::BeginsWithEmergency { number, with_prefix }
            });
        }
        if let Some(emergency) = emergency_anywhere().find(|emergency| *emergency == heard) {
            return Err(Refusal::IsEmergency { number: emergency.to_owned(), with_prefix });
        }
        if costs_extra(heard, numbering) {
            return Err(Refusal::Premium);
        }
    }
    if let Some(emergency) = before_a_pause(dial) {
        return Err(Refusal::PrefixIsEmergency { number: emergency });
    }
    let abroad = own
        .strip_prefix(numbering.international_prefix.as_str())
        .is_some_and(|behind| behind.get(numbering.carrier.len()..).is_some_and(international_premium));
    let at_home = numbering.national_part(number).is_some_and(|national| numbering.is_premium(national));
    if abroad || at_home || international_premium(number.digits()) {
        return Err(Refusal::Premium);
    }
    Ok(())
}

/// Emergency numbers of our own country: the table's and the numbering file's.
fn emergency_of<'a>(code: &str, numbering: &'a Numbering) -> Vec<&'a str> {
    let table = REGIONS.iter().filter(|region| region.code == code).flat_map(|region| region.emergency);
    table.copied().chain(numbering.emergency.iter().map(String::as_str)).filter(|n| !n.is_empty()).collect()
}

/// Emergency numbers of all regions.
pub(super) fn emergency_anywhere() -> impl Iterator<Item = &'static str> {
    REGIONS.iter().flat_map(|region| region.emergency.iter().copied())
}

/// An emergency number that most networks know, whosever it is, that stands in the prefix in front of a pause: an
/// exchange that waits for no more digits connects it there. (Ours are found wherever they stand.)
fn before_a_pause(dial: &DialString) -> Option<&'static str> {
    const NEARLY_EVERYWHERE: [&str; 2] = ["112", "911"];
    let command = dial.command();
    let mut heard = String::new();
    let mut spells = vec![0];
    for c in command.chars() {
        match c {
            '0'..='9' | '*' | '#' => heard.push(c),
            ',' | 'W' | '@' => {
                let reached = |spell: &usize| NEARLY_EVERYWHERE.into_iter().find(|e| heard[*spell..] == **e);
                if let Some(found) = spells.iter().find_map(reached) {
                    return Some(found);
                }
                spells.push(heard.len());
            }
            _ => {}
        }
    }
    None
}

/// Whether what an exchange hears is a premium-rate number of ours, in any form in which it can be dialed. (Of another
/// country only the number itself is asked: behind an outside-line `0` every German number looks international.)
fn costs_extra(heard: &str, numbering: &Numbering) -> bool {
    let table = REGIONS.iter().find(|region| region.code == numbering.country_code);
    let costs = |national: &str| {
        numbering.is_national(national)
            && (numbering.is_premium(national) || table.is_some_and(|region| region.costs_extra(national)))
    };
    let behind_trunk = heard.strip_prefix(numbering.trunk_prefix.as_str()).is_some_and(|behind| {
        // With a carrier and, as some networks forgive, without.
        costs(behind) || behind.get(numbering.carrier.len()..).is_some_and(costs)
    });
    behind_trunk || (numbering.area.without_trunk && costs(heard))
}

/// Whether a number in international form, without `+`, is premium-rate in its own country.
fn international_premium(digits: &str) -> bool {
    let region = REGIONS.iter().find(|region| digits.starts_with(region.code));
    region.is_some_and(|region| {
        let national = &digits[region.code.len()..];
        // Some write the trunk prefix behind the country code, and some networks forgive it.
        let bare = if region.trunk == "0" { national.trim_start_matches('0') } else { national };
        region.costs_extra(national) || region.costs_extra(bare)
    })
}

impl Region {
    fn costs_extra(&self, national: &str) -> bool {
        self.premium.iter().any(|pattern| fits(pattern, national))
    }
}

/// Whether digits begin as a pattern says; `.` is any digit, `$` the end.
fn fits(pattern: &str, digits: &str) -> bool {
    let mut rest = digits.chars();
    pattern.chars().all(|want| match (want, rest.next()) {
        ('$', found) => found.is_none(),
        ('.', Some(_)) => true,
        (want, Some(found)) => want == found,
        (_, None) => false,
    })
}

#[cfg(test)]
mod tests;
