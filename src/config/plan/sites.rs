//! The plan's `sites:`, `hunt_groups:` and `carriers:`: what several lines have in common. When a site may be called is
//! for its hours to say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::PlannedLine;
use super::file::{CarrierFile, HuntGroupFile, ListFile, SitesFile};
use super::written::{self, Written, WrittenSite};
use crate::config::bank::{Bank, Location};
use crate::config::numbering::Numbering;
use crate::config::problem::{Place, Problem, quoted, suggestion};
use crate::config::yaml::Doc;
use crate::model::{CarrierName, Coordinates, DialString, GroupName, Line, SiteId};

/// The carrier's name that means "none": the number alone is dialed.
pub const CARRIER_DIRECT: &str = "direct";

/// Longest tag, in characters.
pub const TAG_LEN_MAX: usize = 64;

/// The highest priority, and the lowest below zero.
pub const PRIORITY_MAX: i32 = 1000;

/// What a plan says of a site. Its hours are kept elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Site {
    /// Most calls to it at a time; absent: no limit.
    pub max_calls: Option<u32>,
    /// Tags of all its lines; sorted.
    pub tags: Vec<String>,
    /// The priority of its lines that have none of their own.
    pub priority: Option<i32>,
    /// Where it lies, for the map of the report.
    pub coordinates: Option<Coordinates>,
}

/// A carrier of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier {
    /// Dialed before the number, behind the modem's own prefix; empty where it has a code instead.
    pub prefix: String,
    /// Its digits where a country wants the carrier's code within the number (behind the trunk prefix), in place of the
    /// bank's `location.carrier`.
    pub code: Option<String>,
}

/// The sites as they were written, each with its place.
pub(super) fn read(file: Option<SitesFile>, plan: &Path, doc: &Doc) -> Vec<WrittenSite> {
    match file {
        Some(SitesFile::Inline(files)) => written::sites(files, doc),
        Some(SitesFile::Csv(name)) => written::csv(plan, "sites", &name, doc),
        None => Vec::new(),
    }
}

/// What they say, but for their hours.
pub(super) fn check(written: &[WrittenSite], doc: &Doc) -> BTreeMap<SiteId, Site> {
    let mut sites = BTreeMap::new();
    let mut places: BTreeMap<SiteId, Place> = BTreeMap::new();
    for site in written {
        let key = if site.is_inline() { "" } else { "site" };
        let name = match site.file.site.as_deref().map(str::parse::<SiteId>) {
            Some(Ok(name)) => Some(name),
            Some(Err(error)) => {
                site.problem(key, error.to_string(), doc);
                None
            }
            None => {
                site.missing("site", "the row has no site; write its name", doc);
                None
            }
        };
        let checked = Site {
            max_calls: site.file.max_calls.as_deref().and_then(|text| max_calls(text, site, doc)),
            tags: tags(site.file.tags.as_ref(), site, doc),
            priority: site.file.priority.as_deref().and_then(|text| priority(text, site, doc)),
            coordinates: coordinates(site, doc),
        };
        let Some(name) = name else { continue };
        if let Some(first) = places.get(&name) {
            let first = Place { key: String::new(), ..first.clone() };
            site.problem(key, format!("`{name}` stands at {first} already; a site is described once"), doc);
            continue;
        }
        places.insert(name.clone(), site.place(key, doc));
        sites.insert(name, checked);
    }
    sites
}

fn max_calls(text: &str, site: &WrittenSite, doc: &Doc) -> Option<u32> {
    match text.parse::<u32>() {
        Ok(0) => {
            let what = "is 0; a site that takes no call can't be called: put its lines on hold instead (`on_hold: why`)";
            site.problem("max_calls", what, doc);
            None
        }
        Ok(max_calls) => Some(max_calls),
        Err(_) => {
            let what = format!("is {}; write how many calls the site takes at a time, as `2`", quoted(text));
            site.problem("max_calls", what, doc);
            None
        }
    }
}

/// Where a site lies: both figures, or neither.
fn coordinates(site: &WrittenSite, doc: &Doc) -> Option<Coordinates> {
    let degrees = |key: &str, text: &Option<String>, most: f64| {
        let text = text.as_deref()?;
        let degrees = text.parse::<f64>().ok().filter(|degrees| degrees.abs() <= most);
        if degrees.is_none() {
            let what = format!("is {}; write degrees from -{most} to {most}, as `35.780401`", quoted(text));
            site.problem(key, what, doc);
        }
        // Within 180 millions: it fits.
        degrees.map(|degrees| (degrees * 1e6).round() as i32)
    };
    let latitude_udeg = degrees("latitude", &site.file.latitude, 90.0);
    let longitude_udeg = degrees("longitude", &site.file.longitude, 180.0);
    for (there, missing) in [(latitude_udeg, "longitude"), (longitude_udeg, "latitude")] {
        let written = if missing == "longitude" { &site.file.longitude } else { &site.file.latitude };
        if there.is_some() && written.is_none() {
            site.missing(missing, "is missing; a place is `latitude` and `longitude`", doc);
        }
    }
    Some(Coordinates { latitude_udeg: latitude_udeg?, longitude_udeg: longitude_udeg? })
}

/// The priority of a line or a site.
pub(super) fn priority<T>(text: &str, written: &Written<T>, doc: &Doc) -> Option<i32> {
    match text.parse::<i32>() {
        Ok(priority) if priority.abs() <= PRIORITY_MAX => Some(priority),
        _ => {
            let what = format!(
                "is {}; write a whole number from -{PRIORITY_MAX} to {PRIORITY_MAX}, the higher the sooner (0 where nothing is said)",
                quoted(text)
            );
            written.problem("priority", what, doc);
            None
        }
    }
}

/// The tags of a line or a site, sorted, each once.
pub(super) fn tags<T>(list: Option<&ListFile>, written: &Written<T>, doc: &Doc) -> Vec<String> {
    let mut tags = Vec::new();
    for (key, item) in list.into_iter().flat_map(|list| list.keyed("tags")) {
        match item.map(|item| (item, tag_problem(item))) {
            Some((item, None)) => tags.push(item.to_owned()),
            Some((_, Some(what))) => written.problem(&key, what, doc),
            None => written.missing(&key, "is empty; write a word", doc),
        }
    }
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// What keeps a text from being a tag.
fn tag_problem(text: &str) -> Option<String> {
    if text.chars().count() > TAG_LEN_MAX {
        return Some(format!("{} is longer than {TAG_LEN_MAX} characters", quoted(text)));
    }
    let bad = text.chars().find(|&c| !(c.is_alphanumeric() || "-_.:@+/".contains(c)))?;
    let hint = match bad {
        ',' | ';' | ' ' | '\t' => {
            ": a tag is one word; write several as `[a, b]`, and as `a|b` in a CSV file"
        }
        _ => "",
    };
    Some(format!("{} holds {bad:?}; letters, digits and `- _ . : @ + /` are allowed{hint}", quoted(text)))
}

/// Hunt groups: the calls that each takes at a time, 1 where nothing is said.
pub(super) fn hunt_groups(
    files: BTreeMap<String, Option<HuntGroupFile>>,
    doc: &Doc,
) -> BTreeMap<GroupName, u32> {
    let mut groups = BTreeMap::new();
    for (text, file) in files {
        let key = format!("hunt_groups.{text}");
        let name = match text.parse::<GroupName>() {
            Ok(name) => name,
            Err(error) => {
                doc.problem(&key, error.to_string());
                continue;
            }
        };
        let max_calls = match file.and_then(|file| file.max_calls) {
            Some(0) => {
                doc.problem(
                    &format!("{key}.max_calls"),
                    "is 0; a hunt group that takes no call can't be called",
                );
                1
            }
            Some(max_calls) => max_calls,
            None => 1,
        };
        groups.insert(name, max_calls);
    }
    groups
}

/// Carriers; one that is wrong is there without a prefix, so that its name is known.
pub(super) fn carriers(
    files: BTreeMap<String, Option<CarrierFile>>,
    dialing: Option<(&Numbering, &Bank)>,
    doc: &Doc,
) -> BTreeMap<CarrierName, Option<Carrier>> {
    let mut carriers = BTreeMap::new();
    for (text, file) in files {
        let key = format!("carriers.{text}");
        let name = match text.parse::<CarrierName>() {
            Ok(_) if text == CARRIER_DIRECT => {
                doc.problem(&key, "`direct` means that no carrier's code is dialed; give it another name");
                continue;
            }
            Ok(name) => name,
            Err(error) => {
                doc.problem(&key, error.to_string());
                continue;
            }
        };
        let file = file.unwrap_or_default();
        let carrier = match (file.prefix, file.code) {
            (Some(prefix), None) => prefix_problem(&prefix)
                .map_or(Ok(Carrier { prefix, code: None }), |what| Err(("prefix", what))),
            (None, Some(code)) => code_problem(&code, dialing)
                .map_or(Ok(Carrier { prefix: String::new(), code: Some(code) }), |what| Err(("code", what))),
            (Some(_), Some(_)) => {
                Err(("code", "stands beside `prefix`; a carrier has one of the two".to_owned()))
            }
            (None, None) if doc.lost_a_part(&key) || doc.is_pruned(&key) => {
                carriers.insert(name, None);
                continue;
            }
            (None, None) => Err((
                "prefix",
                "is missing; write what is dialed before the number, in quotes, as `\"1010288\"`".to_owned(),
            )),
        };
        let carrier = carrier.map_err(|(part, what)| doc.problem(&format!("{key}.{part}"), what)).ok();
        carriers.insert(name, carrier);
    }
    carriers
}

fn code_problem(code: &str, dialing: Option<(&Numbering, &Bank)>) -> Option<String> {
    if code.is_empty() || !code.chars().all(|c| c.is_ascii_digit()) {
        return Some(format!("is {}; write the carrier's digits, in quotes", quoted(code)));
    }
    let (numbering, bank) = dialing?;
    if numbering.carrier.is_empty() {
        return Some(format!(
            "has no meaning under the numbering `{}`: no carrier's code stands within a number there; write `prefix:`, what is dialed before the number",
            numbering.name
        ));
    }
    numbering.carrier_problem(&Location { carrier: Some(code.to_owned()), ..bank.location.clone() })
}

fn prefix_problem(prefix: &str) -> Option<String> {
    if let Err(error) = DialString::new(prefix, "") {
        return Some(error.to_string());
    }
    (!prefix.contains(|c: char| c.is_ascii_digit() || "*#".contains(c)))
        .then(|| format!("is {}; write the digits that choose the carrier, in quotes", quoted(prefix)))
}

/// Sites that lines name and `sites:` does not have, where it has some, and the other way round where they are written in
/// the plan itself: legal, and a slip of the pen would take a line's hours away. Each told once.
pub(super) fn check_names(
    written: &[WrittenSite],
    sites: &BTreeMap<SiteId, Site>,
    lines: &[PlannedLine],
    places: &[Place],
    doc: &Doc,
) -> Vec<Problem> {
    let mut warnings = Vec::new();
    if sites.is_empty() {
        return warnings;
    }
    // A line that names no site has one of its own, which nobody has to list.
    let is_unknown = |planned: &PlannedLine| {
        let Line { id, site, .. } = &planned.line;
        id.as_str() != site.as_str() && !sites.contains_key(site)
    };
    let unknown: BTreeMap<&SiteId, &Place> = lines
        .iter()
        .zip(places)
        .filter(|(planned, _)| is_unknown(planned))
        .map(|(planned, place)| (&planned.line.site, place))
        .rev()
        .collect();
    let first = lines.iter().zip(places).find(|(planned, _)| is_unknown(planned));
    if let Some((planned, place)) = first {
        let name = planned.line.site.as_str();
        let near = suggestion(name, sites.keys().map(SiteId::as_str));
        let what = format!("the line's site `{name}`{} not under `sites:`{near}", others(unknown.len()));
        warnings.push(Problem::new(place.clone(), what));
    }
    let used: BTreeSet<&str> = lines.iter().map(|planned| planned.line.site.as_str()).collect();
    let mut unused = written.iter().filter(|site| {
        site.is_inline() && site.file.site.as_deref().is_some_and(|name| !used.contains(name))
    });
    if let Some(site) = unused.next() {
        let name = site.file.site.as_deref().unwrap_or_default();
        let near = suggestion(name, used.iter().copied());
        let what = match unused.count() {
            0 => format!("no line of this plan is at the site{near}"),
            more => format!("no line of this plan is at the site{near} (nor at {more} more of them)"),
        };
        warnings.push(Problem::new(site.place("", doc), what));
    }
    warnings
}

fn others(sites: usize) -> String {
    match sites.saturating_sub(1) {
        0 => " is".to_owned(),
        1 => " and one more are".to_owned(),
        more => format!(" and {more} more are"),
    }
}
