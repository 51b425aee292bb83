//! Time zones by their IANA names, with a word for those that are no zone, or hardly the one that was meant.

use std::fmt;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::config::problem::quoted;

/// A time zone that exists.
#[derive(Debug, Clone)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// The zone of this name, in whatever case it is written.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn named(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("is empty; write a name of the IANA database, as `America/New_York`".to_owned());
        }
        let found = jiff::tz::db().get(text).or_else(|_| TimeZoneDatabase::bundled().get(text));
        match found {
            Ok(rules) if !rules.is_unknown() => {
                let name = rules.iana_name().unwrap_or(text).to_owned();
                Ok(Self { name, rules })
            }
            _ => Err(format!(
                "{} is no time zone{}; write a name of the IANA database, as `America/New_York` or `Europe/Berlin`",
                quoted(text),
                near(text)
            )),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its clocks do.
    pub const fn rules(&self) -> &TimeZone {
        &self.rules
    }

    /// What somebody who wrote this name should know: it is a zone, and perhaps not the one that was meant.
    pub fn doubt(&self) -> Option<String> {
        let instead = match self.name.as_str() {
            "EST" => "America/New_York",
            "MST" => "America/Denver",
            "HST" => "Pacific/Honolulu",
            name if name.starts_with("Etc/GMT") && name.contains(['+', '-']) => {
                return Some(format!(
                    "`{name}` has its sign the other way round (`Etc/GMT+5` lies 5 h behind UTC), and no summer time; name the city's zone instead"
                ));
            }
            _ => return None,
        };
        Some(format!(
            "`{}` has no summer time, the year round; is `{instead}` meant? (every zone has the name of a city)",
            self.name
        ))
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl PartialOrd for Zone {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Zone {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name.cmp(&other.name)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

/// Abbreviations of zones are so long at most: `AEDT`.
const SHORT_LEN_MAX: usize = 5;

/// `; did you mean ...?`: by the whole name, or by its city alone, which is what people remember.
fn near(wrong: &str) -> String {
    let even = |name: &str| name.to_lowercase().replace([' ', '-'], "_");
    let wrong_even = even(wrong);
    let city = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let wrong_city = city(&wrong_even);
    let abbreviated = wrong.len() <= SHORT_LEN_MAX && wrong.chars().all(char::is_alphabetic);
    let best = TimeZoneDatabase::bundled()
        .available()
        .filter_map(|name| {
            let known = even(name.as_str());
            let by_name = strsim::damerau_levenshtein(&wrong_even, &known);
            let by_city = strsim::damerau_levenshtein(&wrong_city, &city(&known));
            let fits = if abbreviated {
                by_city == 0
            } else {
                by_name <= 1 + known.chars().count() / 5 || by_city <= wrong_city.chars().count() / 4
            };
            fits.then(|| (by_name.min(by_city), by_name, name.as_str().to_owned()))
        })
        .min();
    let nothing = if abbreviated { " (an abbreviation does not tell when clocks are changed)" } else { "" };
    best.map_or_else(|| nothing.to_owned(), |(_, _, name)| format!("; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_in_any_case_and_others_are_guessed_at() {
        assert_eq!(Zone::named("America/New_York").unwrap().name(), "America/New_York");
        assert_eq!(Zone::named("europe/berlin").unwrap().name(), "Europe/Berlin");
        for (wrong, meant) in [
            ("America/New_Yrok", "America/New_York"),
            ("US/New_York", "America/New_York"),
            ("New York", "America/New_York"),
            ("Berlin", "Europe/Berlin"),
            ("Rome", "Europe/Rome"),
            ("Asia/Kolkatta", "Asia/Kolkata"),
            ("America/Sao Paulo", "America/Sao_Paulo"),
        ] {
            let said = Zone::named(wrong).unwrap_err();
            assert!(said.contains(&format!("did you mean `{meant}`?")), "{wrong}: {said}");
        }
        assert!(Zone::named("PST").unwrap_err().contains("when clocks are changed"));
        for wrong in ["", "+05:00", "PDT", "Mars/Olympus", "../etc/passwd", "Etc/Unknown", "/etc/localtime"] {
            assert!(Zone::named(wrong).is_err(), "{wrong} was taken");
        }
    }

    #[test]
    fn a_zone_that_is_hardly_meant_is_doubted() {
        assert!(Zone::named("EST").unwrap().doubt().unwrap().contains("America/New_York"));
        assert!(Zone::named("Etc/GMT+5").unwrap().doubt().is_some());
        assert_eq!(Zone::named("America/New_York").unwrap().doubt(), None);
        assert_eq!(Zone::named("UTC").unwrap().doubt(), None);
    }
}
