//! The country of a number, as far as the numbering files tell.

use std::cell::OnceCell;

use super::{Beginnings, Numbering, NumberingFile};
use crate::config::library::{Known, Library};
use crate::model::PhoneNumber;

/// The countries of the library; read when the first number of another country than our own is met.
pub struct Countries<'a> {
    library: &'a Library,
    all: OnceCell<Vec<Numbering>>,
}

impl<'a> Countries<'a> {
    /// Those of a library.
    pub const fn new(library: &'a Library) -> Self {
        Self { library, all: OnceCell::new() }
    }

    /// The country of a number, two capitals; absent where no file, or more than one, says that it is its own. `own` are
    /// the rules that the plan is dialed by, which are right or were told.
    pub fn of(&self, number: &PhoneNumber, own: &Numbering) -> Option<String> {
        if own.is_of_country(number) {
            return Some(own.country.clone());
        }
        // What is wrong with a country's file that the plan does not name is no matter of the plan's.
        let all = self.all.get_or_init(|| {
            let names = self.library.names(Known::Numbering);
            names.iter().filter_map(|name| self.library.load::<NumberingFile>(name).ok()).collect()
        });
        let mut found = all.iter().filter(|rules| rules.is_of_country(number));
        let first = found.next()?;
        found.all(|other| other.country == first.country).then(|| first.country.clone())
    }
}

impl Numbering {
    /// Whether a number is one of this country, and of no other that shares its code.
    fn is_of_country(&self, number: &PhoneNumber) -> bool {
        let Some(national) = self.national_part(number) else { return false };
        let begins = |with: &[regex::Regex]| with.iter().any(|pattern| pattern.is_match(national));
        let Beginnings { abroad, home, .. } = &self.beginnings;
        self.is_national(national) && !begins(abroad) && (home.is_empty() || begins(home))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_countries_share_is_told_apart_by_its_areas() {
        let library = Library::built_in();
        let countries = Countries::new(&library);
        let of = |number: &str, own: &str| {
            let own = library.load::<NumberingFile>(own).unwrap();
            countries.of(&number.parse().unwrap(), &own)
        };
        for own in ["us", "ca", "de"] {
            assert_eq!(of("+1 919 555 0101", own).as_deref(), Some("US"), "{own}");
            assert_eq!(of("+1 416 555 0101", own).as_deref(), Some("CA"), "{own}");
            assert_eq!(of("+1 876 555 0101", own), None, "Jamaica is neither ({own})");
            assert_eq!(of("+44 20 7946 0139", own).as_deref(), Some("GB"), "{own}");
            assert_eq!(of("+49 30 55501020", own).as_deref(), Some("DE"), "{own}");
            assert_eq!(of("+998 71 555 0101", own), None, "no file has it ({own})");
        }
        assert_eq!(of("+1 800 555 0101", "de"), None, "free of charge from both countries");
    }
}
