//! The keys of a line that say whether, how and before whom it is called: holds, ways, tags, rank, hunt group.

use std::collections::BTreeMap;

use super::file::ListFile;
use super::sites::{Carrier, Site, priority, tags};
use super::standing::{self, Hold};
use super::ways::{PlannedWay, WAYS_MAX, carrier_name, dialable};
use super::written::WrittenLine;
use super::{PlannedLine, Preset, Undialable};
use crate::config::bank::Bank;
use crate::config::numbering::Numbering;
use crate::config::problem::{Place, Problem, list, quoted, suggestion};
use crate::config::yaml::Doc;
use crate::model::{CarrierName, Facets, Fault, GroupName, LineId, PhoneNumber, SiteId};

/// What lines may name, and by what rules they are dialed.
pub(super) struct Common<'a> {
    pub(super) doc: &'a Doc,
    pub(super) sites: &'a BTreeMap<SiteId, Site>,
    pub(super) hunt_groups: &'a BTreeMap<GroupName, u32>,
    pub(super) carriers: &'a BTreeMap<CarrierName, Option<Carrier>>,
    pub(super) dialing: Option<(&'a Numbering, &'a Bank)>,
}

/// An alternative number, and where it is written.
pub(super) type Alternative = (PhoneNumber, Place);

/// The ways to a line, as far as they may be dialed.
#[derive(Debug, Default)]
pub(super) struct Ways {
    pub(super) open: Vec<PlannedWay>,
    pub(super) alternatives: Vec<Alternative>,
    /// None of them may be dialed.
    pub(super) screened: Option<Preset>,
    /// Some of them may not be.
    pub(super) warnings: Vec<Problem>,
}

/// What is told of a line that its plan does not have dialed.
pub(super) const DISABLED: &str = "disabled in the plan";

impl Common<'_> {
    /// Whether it is dialed at all.
    pub(super) fn enabled(&self, written: &WrittenLine) -> bool {
        let Some(word) = &written.file.enabled else { return true };
        word.meaning().unwrap_or_else(|| {
            let what = format!("is {}; write `true` or `false`", quoted(&word.0));
            written.problem("enabled", what, self.doc);
            true
        })
    }

    /// Tags, rank and hunt group; the country is another's.
    pub(super) fn facets(&self, site: &SiteId, written: &WrittenLine) -> Facets {
        let about = self.sites.get(site);
        let mut all = tags(written.file.tags.as_ref(), written, self.doc);
        all.extend(about.into_iter().flat_map(|site| site.tags.iter().cloned()));
        all.sort_unstable();
        all.dedup();
        let own = written.file.priority.as_deref().and_then(|text| priority(text, written, self.doc));
        let hunt_group = written.file.hunt_group.as_deref().and_then(|text| self.hunt_group(text, written));
        Facets {
            tags: all,
            priority: own.or_else(|| about?.priority).unwrap_or_default(),
            country: None,
            hunt_group,
            consoles: Vec::new(),
        }
    }

    fn hunt_group(&self, text: &str, written: &WrittenLine) -> Option<GroupName> {
        let known = || self.hunt_groups.keys().map(GroupName::as_str);
        let found = self.hunt_groups.keys().find(|name| name.as_str() == text).cloned();
        if found.is_none() && !self.doc.is_pruned(&format!("hunt_groups.{text}")) {
            let near = suggestion(text, known());
            let what = format!(
                "{} is no hunt group of this plan{near} (under `hunt_groups:`: {})",
                quoted(text),
                list(known())
            );
            written.problem("hunt_group", what, self.doc);
        }
        found
    }

    /// The hold, and the day on which the number was confirmed.
    pub(super) fn hold(&self, written: &WrittenLine) -> (Option<Hold>, Option<(jiff::civil::Date, Place)>) {
        let date = |key: &str, text: Option<&String>| match standing::date(text?) {
            Ok(date) => Some(date),
            Err(what) => {
                written.problem(key, what, self.doc);
                None
            }
        };
        let until = date("on_hold_until", written.file.on_hold_until.as_ref());
        let confirmed = date("number_confirmed", written.file.number_confirmed.as_ref());
        let reason = written.file.on_hold.as_deref().map(str::trim);
        let said = reason.filter(|reason| !is_yes_or_no(reason));
        match (reason, said) {
            (Some(reason), None) => {
                let what = format!(
                    "is {}; write why it is on hold, as `\"cable cut, ticket 4711\"`, or leave it out: a line is on hold as long as there is a reason",
                    quoted(reason)
                );
                written.problem("on_hold", what, self.doc);
            }
            (None, _) if written.file.on_hold_until.is_some() && !written.is_pruned("on_hold", self.doc) => {
                let what = "stands without `on_hold`; write there why the line is on hold, or leave both out";
                written.problem("on_hold_until", what, self.doc);
            }
            _ => {}
        }
        let hold = said.map(|reason| Hold {
            reason: reason.to_owned(),
            until,
            at: written.place("on_hold_until", self.doc),
        });
        (hold, confirmed.map(|date| (date, written.place("number_confirmed", self.doc))))
    }

    /// Every number through every carrier: its own number first, through all carriers, then the alternative ones.
    pub(super) fn ways(&self, own: &PhoneNumber, written: &WrittenLine) -> Ways {
        let alternatives = self.alternatives(own, written.file.alternatives.as_ref(), written);
        let carriers = self.line_carriers(written.file.carriers.as_ref(), written);
        let own = (own.clone(), written.place("number", self.doc));
        let mut ways = Ways::default();
        let mut refused: Vec<(Place, String)> = Vec::new();
        let many = (alternatives.len() + 1) * carriers.len();
        if many > WAYS_MAX {
            let key = if alternatives.is_empty() { "carriers" } else { "alternatives" };
            let what = format!(
                "makes {many} ways to the line ({} numbers through {} carriers), and {WAYS_MAX} is the most: each gets a call before the line fails",
                alternatives.len() + 1,
                carriers.len()
            );
            written.problem(key, what, self.doc);
        }
        for (number, place) in std::iter::once(&own).chain(&alternatives) {
            for (carrier, carrier_place) in &carriers {
                let way = PlannedWay { number: number.clone(), carrier: carrier.clone() };
                let refusal = match self.may_dial(&way) {
                    Ok(()) => {
                        ways.open.push(way);
                        continue;
                    }
                    Err(refusal) => refusal,
                };
                // Where the number alone would do, the carrier is at fault.
                let alone = PlannedWay { carrier: None, ..way.clone() };
                let by_carrier = carrier_place.as_ref().filter(|_| self.may_dial(&alone).is_ok());
                let place = by_carrier.unwrap_or(place);
                match refusal {
                    Undialable::Screened(why) => {
                        refused.push((place.clone(), format!("{} is not called: {why}", way.told())));
                        ways.screened
                            .get_or_insert(Preset { fault: Fault::Screened, detail: why.to_string() });
                    }
                    Undialable::NoString(what) => self.doc.push(Problem::new(place.clone(), what)),
                }
            }
        }
        if !ways.open.is_empty() {
            ways.screened = None;
            ways.warnings = refused.into_iter().map(|(at, what)| Problem::new(at, what)).collect();
        }
        ways.alternatives = alternatives;
        ways
    }

    fn may_dial(&self, way: &PlannedWay) -> Result<(), Undialable> {
        let Some((numbering, bank)) = self.dialing else { return Ok(()) };
        let carrier = match &way.carrier {
            None => None,
            Some(name) => match self.carriers.get(name) {
                Some(Some(carrier)) => Some(carrier),
                // It is wrong, and told at its own place.
                _ => return Ok(()),
            },
        };
        dialable(numbering, bank, &way.number, carrier)
    }

    fn alternatives(
        &self,
        own: &PhoneNumber,
        list: Option<&ListFile>,
        written: &WrittenLine,
    ) -> Vec<Alternative> {
        let mut found: Vec<Alternative> = Vec::new();
        for (key, item) in list.into_iter().flat_map(|list| list.keyed("alternatives")) {
            let number = match item.map(|text| (text, text.parse::<PhoneNumber>())) {
                Some((_, Ok(number))) => number,
                Some((text, Err(error))) => {
                    written.problem(&key, number_problem(text, &error), self.doc);
                    continue;
                }
                None => {
                    written.missing(&key, "is empty; write a number, as `\"+1 919 555 0101\"`", self.doc);
                    continue;
                }
            };
            if number == *own {
                let what = format!("{number} is the line's own number, which is tried first anyway");
                written.problem(&key, what, self.doc);
            } else if found.iter().any(|(known, _)| *known == number) {
                written.problem(&key, format!("{number} stands twice; each number is tried once"), self.doc);
            } else {
                found.push((number, written.place(&key, self.doc)));
            }
        }
        found
    }

    /// The carriers with the place where each is named; the number alone where the line names none.
    fn line_carriers(
        &self,
        list: Option<&ListFile>,
        written: &WrittenLine,
    ) -> Vec<(Option<CarrierName>, Option<Place>)> {
        let mut found: Vec<(Option<CarrierName>, Option<Place>)> = Vec::new();
        for (key, item) in list.into_iter().flat_map(|list| list.keyed("carriers")) {
            let Some(text) = item else {
                written.missing(&key, "is empty; write a carrier's name, or `direct` for none", self.doc);
                continue;
            };
            let name = match carrier_name(text) {
                Ok(name) if name.as_ref().is_none_or(|name| self.carriers.contains_key(name)) => name,
                _ => {
                    if !self.doc.is_pruned(&format!("carriers.{text}")) {
                        written.problem(&key, self.no_carrier(text), self.doc);
                    }
                    continue;
                }
            };
            if found.iter().any(|(known, _)| *known == name) {
                let what = format!("{} stands twice; each carrier is tried once", quoted(text));
                written.problem(&key, what, self.doc);
            } else {
                found.push((name, Some(written.place(&key, self.doc))));
            }
        }
        if found.is_empty() { vec![(None, None)] } else { found }
    }

    fn no_carrier(&self, text: &str) -> String {
        let known = || self.carriers.keys().map(CarrierName::as_str).chain([super::sites::CARRIER_DIRECT]);
        let near = suggestion(text, known());
        let names = self.carriers.keys().map(CarrierName::as_str);
        format!(
            "{} is no carrier of this plan{near} (under `carriers:`: {}; `direct` is none)",
            quoted(text),
            list(names)
        )
    }
}

/// What is wrong with a number.
pub(super) fn number_problem(text: &str, error: &crate::model::number::NumberError) -> String {
    let hint = if text.contains("E+") { " (a spreadsheet made a figure of it)" } else { "" };
    format!("{error}{hint}")
}

/// What people write in a column that they take for a mark. It holds a line for ever, or does not hold it at all.
fn is_yes_or_no(text: &str) -> bool {
    let words = ["", "true", "false", "yes", "no", "y", "n", "x", "on", "off", "0", "1", "-", "none", "null"];
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Alternative numbers that are other lines' own: to reach another line is to judge the wrong one. One that several lines
/// have in common (that of their site, say) is legal, and worth a look.
pub(super) fn check_alternatives(
    lines: &[PlannedLine],
    alternatives: &BTreeMap<LineId, Vec<Alternative>>,
    doc: &Doc,
) -> Vec<Problem> {
    let own: BTreeMap<&PhoneNumber, &LineId> =
        lines.iter().map(|planned| (&planned.line.number, &planned.line.id)).collect();
    let mut seen: BTreeMap<&PhoneNumber, &LineId> = BTreeMap::new();
    let mut warnings = Vec::new();
    for planned in lines {
        for (number, place) in alternatives.get(&planned.line.id).into_iter().flatten() {
            if let Some(other) = own.get(number).filter(|other| ***other != planned.line.id) {
                let what = format!(
                    "{number} is the number of line `{other}`: if that one answers, nothing is known of this one; a number has one line"
                );
                doc.push(Problem::new(place.clone(), what));
            } else if let Some(other) = seen.get(number) {
                let what = format!(
                    "{number} is an alternative number of line `{other}` too: by it nobody can tell which of the two lines works"
                );
                warnings.push(Problem::new(place.clone(), what));
            } else {
                seen.insert(number, &planned.line.id);
            }
        }
    }
    warnings
}
