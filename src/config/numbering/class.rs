//! Where a number lies as seen from the bank: what prices and budgets go by.

use regex::Regex;

use super::Numbering;
use crate::config::bank::Location;
use crate::model::{NumberClass, PhoneNumber};

/// What the beginning of a national number tells of where it lies.
#[derive(Debug, Clone, Default)]
pub struct Beginnings {
    /// It is a mobile number. Empty where the country's numbers do not tell.
    pub mobile: Vec<Regex>,
    /// It lies in another country, which shares the country code.
    pub abroad: Vec<Regex>,
    /// It lies in this country; where there is any, all others lie in one that shares the country code.
    pub home: Vec<Regex>,
}

impl Numbering {
    /// Where a number lies, as seen from a place. A number that no country has is as far away as can be.
    pub fn class(&self, number: &PhoneNumber, from: &Location) -> NumberClass {
        let begins = |with: &[Regex], national: &str| with.iter().any(|pattern| pattern.is_match(national));
        let Beginnings { mobile, abroad, home } = &self.beginnings;
        match self.national_part(number) {
            None => NumberClass::International,
            Some(national) if begins(abroad, national) => NumberClass::International,
            Some(national) if !home.is_empty() && !begins(home, national) => NumberClass::International,
            Some(national) if begins(mobile, national) => NumberClass::Mobile,
            Some(national) => match from.area_code.as_deref() {
                Some(area) if national.starts_with(area) => NumberClass::Local,
                Some(_) | None => NumberClass::National,
            },
        }
    }
}
