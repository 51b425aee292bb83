//! The ways to a line: its own number and the alternative ones, each through its carriers; all of them screened.

use super::sites::{CARRIER_DIRECT, Carrier};
use super::{Plan, Undialable};
use crate::config::bank::{Bank, BankModem, Location};
use crate::config::numbering::Numbering;
use crate::config::screening::screen;
use crate::model::event::Via;
use crate::model::{CarrierName, DialString, Line, PhoneNumber};

/// Most ways that a line may have: each gets a call before the line fails.
pub const WAYS_MAX: usize = 8;

/// A way to a line: a number, and the carrier through which it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedWay {
    /// What is called.
    pub number: PhoneNumber,
    /// The carrier; absent: the number alone is dialed.
    pub carrier: Option<CarrierName>,
}

impl PlannedWay {
    /// What is told of it; absent where it is the line's own number without a carrier.
    pub fn via(&self, line: &Line) -> Option<Via> {
        let number = (self.number != line.number).then(|| self.number.clone());
        let carrier = self.carrier.clone();
        (number.is_some() || carrier.is_some()).then_some(Via { number, carrier })
    }

    /// In words: `+19195550109 through att`.
    pub fn told(&self) -> String {
        match &self.carrier {
            Some(carrier) => format!("{} through {carrier}", self.number),
            None => self.number.to_string(),
        }
    }
}

impl Plan {
    /// What a modem dials on a way to a line: the only way to a dial string, and it is screened.
    ///
    /// # Errors
    /// It has none, or one that must not be dialed.
    pub fn dial_string(&self, way: &PlannedWay, modem: &BankModem) -> Result<DialString, Undialable> {
        let carrier = match &way.carrier {
            None => None,
            Some(name) => Some(
                self.carriers
                    .get(name)
                    .ok_or_else(|| Undialable::NoString(format!("`{name}` is no carrier of this plan")))?,
            ),
        };
        dial_string(&self.numbering, &self.bank, &way.number, carrier, &modem.prefix)
    }
}

/// What is dialed for a number through a carrier with this prefix; screened.
pub(super) fn dial_string(
    numbering: &Numbering,
    bank: &Bank,
    number: &PhoneNumber,
    carrier: Option<&Carrier>,
    prefix: &str,
) -> Result<DialString, Undialable> {
    let dial = match carrier {
        None => numbering.dial_string(number, &bank.location, prefix),
        Some(carrier) => {
            let prefix = format!("{prefix}{}", carrier.prefix);
            numbering.dial_string(number, &through(carrier, &bank.location), &prefix)
        }
    };
    let dial = dial.map_err(Undialable::NoString)?;
    screen(&dial, number, numbering)?;
    Ok(dial)
}

/// Whether every modem of the bank may dial a number through a carrier.
pub(super) fn dialable(
    numbering: &Numbering,
    bank: &Bank,
    number: &PhoneNumber,
    carrier: Option<&Carrier>,
) -> Result<(), Undialable> {
    let mut prefixes: Vec<&str> = bank.modems.iter().map(|modem| modem.prefix.as_str()).collect();
    prefixes.push("");
    prefixes.sort_unstable();
    prefixes.dedup();
    for prefix in prefixes {
        match dial_string(numbering, bank, number, carrier, prefix) {
            Ok(_) => {}
            // A prefix that can't be dialed is told at the bank.
            Err(Undialable::NoString(_)) if !prefix.is_empty() => {}
            Err(why) => return Err(why),
        }
    }
    Ok(())
}

/// Where we dial from, as a carrier that is chosen for each call sees it: it takes no short numbers of our own area, and its
/// code stands where the country wants it, if it does.
pub(super) fn through(carrier: &Carrier, from: &Location) -> Location {
    Location {
        area_code: None,
        local: None,
        carrier: carrier.code.clone().or_else(|| from.carrier.clone()),
        ..from.clone()
    }
}

/// The name of a carrier, or none for `direct`.
///
/// # Errors
/// It is no name.
pub(super) fn carrier_name(text: &str) -> Result<Option<CarrierName>, String> {
    if text == CARRIER_DIRECT {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: crate::model::id::NameError| error.to_string())
}
