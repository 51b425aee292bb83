//! Where a number lies as seen from the bank: what prices and budgets go by.

use super::Numbering;
use crate::config::bank::Location;
use crate::model::{NumberClass, PhoneNumber};

impl Numbering {
    /// Where a number lies, as seen from a place. One that shares our country code and is not of our country is as far away
    /// as any other: it is dialed like one at home, and charged like one abroad.
    pub fn class(&self, number: &PhoneNumber, from: &Location) -> NumberClass {
        let Some(national) = self.national_part(number).filter(|_| self.is_of_country(number)) else {
            return NumberClass::International;
        };
        if self.mobile.iter().any(|mobile| mobile.is_match(national)) {
            return NumberClass::Mobile;
        }
        match from.area_code.as_deref() {
            Some(area) if national.starts_with(area) => NumberClass::Local,
            Some(_) | None => NumberClass::National,
        }
    }
}
