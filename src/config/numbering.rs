//! Dialing rules of a country, as data (`dialplans/numbering/*.yaml`): `+E.164` -> what is dialed from where we stand.
//!
//! Whether the result may be dialed is [`super::screening`]'s to say; outside this room no string comes out that it
//! has not seen.

mod class;
mod country;
mod redial;
mod written;

#[cfg(test)]
pub(super) mod tests;

use std::time::Duration;

use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use super::bank::Location;
use super::library::{Known, LibraryFile};
use super::problem::quoted;
use crate::model::{DialString, PhoneNumber, span};

pub use self::class::Beginnings;
pub use self::country::Countries;
pub use self::redial::Redial;
use self::redial::RedialFile;

/// Largest compiled pattern, bytes.
const REGEX_SIZE_MAX: usize = 1 << 20;

/// The longest from one ringback burst to the next: North America's. [modems.md 6]
const LONGEST_CADENCE: Duration = Duration::from_secs(6);

/// Dialing rules of one country.
#[derive(Debug, Clone)]
pub struct Numbering {
    /// Its name: that of its file.
    pub name: String,
    /// Country, two capitals.
    pub country: String,
    /// Country code, digits.
    pub country_code: String,
    /// Dialed in front of a national number; may be empty.
    pub trunk_prefix: String,
    /// Dialed in front of the country code of another country.
    pub international_prefix: String,
    /// Digits of the long-distance carrier, dialed behind either prefix where a country wants one chosen for each call;
    /// else empty. A bank may name its own (`location.carrier`).
    pub carrier: String,
    /// What a whole national number matches, without trunk prefix.
    pub national: Regex,
    /// The same in words.
    pub national_about: String,
    /// Emergency numbers.
    pub emergency: Vec<String>,
    /// What the beginning of a premium-rate national number matches.
    pub premium: Vec<Regex>,
    /// What the beginning of a national number tells of where it lies.
    pub beginnings: Beginnings,
    /// From one ringback burst to the next.
    pub ring_cadence: Duration,
    /// Calls within our own area.
    pub area: Area,
    /// The law on redialing; absent: no such rule is known.
    pub redial: Option<Redial>,
}

/// How calls within our own area are dialed.
#[derive(Debug, Clone, Default)]
pub struct Area {
    /// Numbers of digits that a bank may name as `location.local`.
    pub local: Vec<usize>,
    /// The one that holds where the bank names none; without it the whole national number is dialed, trunk prefix and all.
    pub default: Option<usize>,
    /// A national number may be dialed without its trunk prefix.
    pub without_trunk: bool,
}

/// Why a number has no dial string here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberingError {
    /// It is of our own country, and no number there looks like it.
    #[error("is no number of {country}: a number there has {about}")]
    NotNational {
        /// Our country.
        country: String,
        /// What numbers look like there.
        about: String,
    },
}

impl Numbering {
    /// From one ringback burst to the next where `number` rings. The far exchange makes it: abroad another one, of which
    /// no more is known than the longest there is.
    pub fn cadence_to(&self, number: &PhoneNumber) -> Duration {
        match self.national_part(number) {
            Some(_) => self.ring_cadence,
            None => self.ring_cadence.max(LONGEST_CADENCE),
        }
    }

    /// The digits to dial for a number from a place, without the prefix of the modem.
    pub fn digits(&self, number: &PhoneNumber, from: &Location) -> Result<String, NumberingError> {
        let carrier = from.carrier.as_deref().unwrap_or(&self.carrier);
        let Some(national) = self.national_part(number) else {
            return Ok(format!("{}{carrier}{}", self.international_prefix, number.digits()));
        };
        if !self.is_national(national) {
            return Err(NumberingError::NotNational {
                country: self.country.clone(),
                about: self.national_about.clone(),
            });
        }
        let with_trunk = format!("{}{carrier}{national}", self.trunk_prefix);
        let Some(subscriber) = from.area_code.as_deref().and_then(|area| national.strip_prefix(area)) else {
            return Ok(with_trunk);
        };
        Ok(match from.local.or(self.area.default) {
            Some(digits) if digits == subscriber.len() => subscriber.to_owned(),
            Some(digits) if digits == national.len() && self.area.without_trunk => national.to_owned(),
            _ => with_trunk,
        })
    }

    /// The dial string of a number, with the modem's prefix. Not screened.
    pub(super) fn dial_string(
        &self,
        number: &PhoneNumber,
        from: &Location,
        prefix: &str,
    ) -> Result<DialString, String> {
        let digits = self.digits(number, from).map_err(|error| error.to_string())?;
        DialString::new(prefix, &digits).map_err(|error| error.to_string())
    }

    /// The national part of a number, if it is of this country.
    pub fn national_part<'a>(&self, number: &'a PhoneNumber) -> Option<&'a str> {
        number.digits().strip_prefix(self.country_code.as_str())
    }

    /// Whether these digits are a whole national number.
    pub fn is_national(&self, digits: &str) -> bool {
        whole(&self.national, digits)
    }

    /// Whether a national number costs the caller extra.
    pub fn is_premium(&self, national: &str) -> bool {
        self.premium.iter().any(|premium| premium.find(national).is_some_and(|found| found.start() == 0))
    }

    /// The least rest on-hook between two calls of one modem that the law asks for; zero where it asks for none.
    pub fn on_hook_min(&self) -> Duration {
        self.redial.as_ref().and_then(|redial| redial.on_hook_min).unwrap_or_default()
    }

    /// What is wrong with `location.local` of a bank here, if anything.
    pub fn local_problem(&self, from: &Location) -> Option<String> {
        let local = from.local.filter(|local| !self.area.local.contains(local))?;
        if self.area.local.is_empty() {
            return Some(format!(
                "is {local}; under the numbering `{}` all digits are dialed within the area too, so leave it out",
                self.name
            ));
        }
        let known: Vec<String> = self.area.local.iter().map(ToString::to_string).collect();
        Some(format!(
            "is {local}; a call within the area has {} digits under the numbering `{}`",
            known.join(" or "),
            self.name
        ))
    }

    /// What is wrong with `location.carrier` of a bank here, if anything.
    pub fn carrier_problem(&self, from: &Location) -> Option<String> {
        let carrier = from.carrier.as_deref()?;
        if self.carrier.is_empty() {
            return Some(format!(
                "has no meaning under the numbering `{}`: no carrier is chosen there; leave it out",
                self.name
            ));
        }
        (carrier.len() != self.carrier.len()).then(|| {
            format!(
                "has {} digits; a carrier has {} under the numbering `{}`",
                carrier.len(),
                self.carrier.len(),
                self.name
            )
        })
    }
}

fn whole(pattern: &Regex, digits: &str) -> bool {
    // The file's pattern was compiled between anchors.
    pattern.is_match(digits)
}

/// `dialplans/numbering/*.yaml` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NumberingFile {
    numbering: Option<String>,
    country: Option<String>,
    country_code: Option<String>,
    trunk_prefix: Option<String>,
    international_prefix: Option<String>,
    carrier: Option<String>,
    national: Option<String>,
    national_about: Option<String>,
    area: AreaFile,
    emergency: Vec<Option<String>>,
    premium: Vec<Option<String>>,
    mobile: Vec<Option<String>>,
    abroad: Vec<Option<String>>,
    home: Vec<Option<String>>,
    ring_cadence: Option<String>,
    redial: Option<RedialFile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AreaFile {
    local: Vec<usize>,
    default: Option<usize>,
    without_trunk: bool,
}

type Complaints = Vec<(String, String)>;

fn digits(value: Option<String>, key: &str, may_be_empty: bool, out: &mut Complaints) -> String {
    match value {
        Some(text) if text.chars().all(|c| c.is_ascii_digit()) && (may_be_empty || !text.is_empty()) => text,
        Some(text) => {
            out.push((key.to_owned(), format!("is {}; write digits, in quotes", quoted(&text))));
            String::new()
        }
        None => {
            out.push((key.to_owned(), "is missing; write digits, in quotes".to_owned()));
            String::new()
        }
    }
}

fn pattern(text: &str, key: &str, anchored: bool, out: &mut Complaints) -> Option<Regex> {
    let source = if anchored { format!("^(?:{text})$") } else { format!("^(?:{text})") };
    // Compiled bare first: what the user wrote is what the complaint is about.
    let build = |text: &str| RegexBuilder::new(text).size_limit(REGEX_SIZE_MAX).build();
    match build(text).and_then(|_| build(&source)) {
        Ok(regex) => Some(regex),
        Err(error) => {
            out.push((key.to_owned(), format!("is no regular expression: {}", regex_error(&error))));
            None
        }
    }
}

/// Patterns of which each fits the beginning of some national numbers.
fn beginnings(written: &[Option<String>], name: &str, out: &mut Complaints) -> Vec<Regex> {
    let mut patterns = Vec::new();
    for (index, text) in written.iter().enumerate() {
        let key = format!("{name}[{index}]");
        match text.as_deref().filter(|text| !text.is_empty()) {
            Some(text) => patterns.extend(pattern(text, &key, false, out)),
            None => out.push((key, "is empty; it would fit every number".to_owned())),
        }
    }
    patterns
}

/// The last line of a regex error, which has what is wrong; those before draw the pattern.
pub(super) fn regex_error(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

impl LibraryFile for NumberingFile {
    type Ready = Numbering;
    const KIND: Known = Known::Numbering;

    fn name(&self) -> Option<&str> {
        self.numbering.as_deref()
    }

    fn ready(self) -> Result<Numbering, Complaints> {
        let mut out = Complaints::new();
        let country = self.country.unwrap_or_default();
        if !(country.len() == 2 && country.chars().all(|c| c.is_ascii_uppercase())) {
            out.push(("country".to_owned(), "write the country's two letters, as `US`".to_owned()));
        }
        let country_code = digits(self.country_code, "country_code", false, &mut out);
        let trunk_prefix = digits(self.trunk_prefix.or(Some(String::new())), "trunk_prefix", true, &mut out);
        let international_prefix = digits(self.international_prefix, "international_prefix", false, &mut out);
        let carrier = digits(self.carrier.or(Some(String::new())), "carrier", true, &mut out);
        let national = self.national.as_deref().and_then(|text| pattern(text, "national", true, &mut out));
        if self.national.is_none() {
            let what = "is missing; write what a national number matches";
            out.push(("national".to_owned(), what.to_owned()));
        }
        let mut emergency = Vec::new();
        for (index, text) in self.emergency.into_iter().enumerate() {
            emergency.push(digits(text, &format!("emergency[{index}]"), false, &mut out));
        }
        if emergency.is_empty() {
            out.push(("emergency".to_owned(), "is missing; list the country's emergency numbers".to_owned()));
        }
        let premium = beginnings(&self.premium, "premium", &mut out);
        let beginnings = Beginnings {
            mobile: beginnings(&self.mobile, "mobile", &mut out),
            abroad: beginnings(&self.abroad, "abroad", &mut out),
            home: beginnings(&self.home, "home", &mut out),
        };
        if let Some(default) = self.area.default.filter(|default| !self.area.local.contains(default)) {
            out.push(("area.default".to_owned(), format!("is {default}, which is not among `area.local`")));
        }
        let ring_cadence = match self.ring_cadence.as_deref().map(span::parse) {
            Some(Ok(span)) if span >= Duration::from_secs(1) => span,
            Some(Ok(_)) => {
                out.push((
                    "ring_cadence".to_owned(),
                    "is under a second; no ringback is so quick".to_owned(),
                ));
                Duration::ZERO
            }
            Some(Err(what)) => {
                out.push(("ring_cadence".to_owned(), what));
                Duration::ZERO
            }
            None => {
                let what = "is missing; write the time from one ringback burst to the next, as `6s`";
                out.push(("ring_cadence".to_owned(), what.to_owned()));
                Duration::ZERO
            }
        };
        let redial = self.redial.map(|redial| redial.check(&mut out));
        match national {
            Some(national) if out.is_empty() => Ok(Numbering {
                name: self.numbering.unwrap_or_default(),
                country,
                country_code,
                trunk_prefix,
                international_prefix,
                carrier,
                national,
                national_about: self.national_about.unwrap_or_else(|| "another form".to_owned()),
                emergency,
                premium,
                beginnings,
                ring_cadence,
                area: Area {
                    local: self.area.local,
                    default: self.area.default,
                    without_trunk: self.area.without_trunk,
                },
                redial,
            }),
            _ => Err(out),
        }
    }
}
