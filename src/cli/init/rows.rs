//! Rows of an inventory -> lines, sites, and consoles behind lines. Everything that is wrong is told, each with its row; what
//! was understood in some way, or left out, is told in sums.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::args::Column;
use crate::config::numbering::Numbering;
use crate::config::problem::{Place, Problem, quoted};
use crate::model::{Hostname, LineId, PhoneNumber, SiteId};

use super::columns::{Columns, Role};
use super::kinds;
use super::table::{Row, Table};

/// States of an inventory in which nothing answers yet, or any more.
const NOT_IN_SERVICE: [&str; 8] =
    ["planned", "staged", "inventory", "decommissioning", "decommissioned", "offline", "retired", "closed"];

/// Most lines of a site that names neither them nor their hosts.
const LINES_OF_SITE_MAX: u32 = 999;

/// A line that a plan is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) id: LineId,
    pub(super) number: PhoneNumber,
    pub(super) site: Option<SiteId>,
    pub(super) hostname: Option<Hostname>,
    /// Cells that are taken as they stand, by the plan's names for them.
    pub(super) others: BTreeMap<&'static str, String>,
    /// Where it was read.
    pub(super) at: Place,
}

/// A site of which something is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Site {
    pub(super) zone: Option<String>,
    /// Latitude and longitude.
    pub(super) coordinates: Option<(String, String)>,
    pub(super) at: Place,
}

/// A console behind a console server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Behind {
    pub(super) line: LineId,
    pub(super) port: String,
    pub(super) hostname: Option<Hostname>,
    /// What answers there, where an inventory tells.
    pub(super) console: Option<&'static str>,
    pub(super) at: Place,
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) lines: Vec<Line>,
    pub(super) sites: BTreeMap<SiteId, Site>,
    pub(super) behind: Vec<Behind>,
    /// Consoles of devices, by their names in small letters, as far as a table tells.
    kinds: BTreeMap<String, &'static str>,
    /// What somebody should read.
    pub(super) notices: Vec<String>,
    pub(super) problems: Vec<Problem>,
}

/// By what rules numbers are read.
pub(super) struct Rules<'a> {
    /// The bank's own country.
    pub(super) own: &'a Numbering,
    /// Those of another country, for tables that say it.
    pub(super) of: &'a dyn Fn(&str) -> Option<Numbering>,
}

/// Columns of ours that are taken as they are, under these very names.
const PASSED: [&str; 8] = [
    "on_hold_until",
    "number_confirmed",
    "hunt_group",
    "carriers",
    "windows",
    "blackouts",
    "zone",
    "enabled",
];

fn is_passed(name: &str) -> bool {
    PASSED.contains(&name)
}

/// Whether the zone of a table is each line's own, as a plan has it, and not of its site.
fn is_passed_zone(columns: &Columns, table: &Table) -> bool {
    columns.at(Role::Zone).is_some_and(|at| is_passed(&table.header[at]))
}

/// What a table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lines,
    Sites,
    ConsolePorts,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Sites => "sites",
            Self::ConsolePorts => "consoles behind console servers",
        }
    }

    /// What is read of such a table.
    const fn roles(self) -> &'static [Role] {
        match self {
            Self::Lines => &[
                Role::Id,
                Role::Site,
                Role::Number,
                Role::Hostname,
                Role::Console,
                Role::Platform,
                Role::Credential,
                Role::Tags,
                Role::Priority,
                Role::Alternatives,
                Role::OnHold,
                Role::Status,
                Role::Zone,
                Role::Latitude,
                Role::Longitude,
                Role::Country,
            ],
            Self::Sites => &[Role::Site, Role::Zone, Role::Latitude, Role::Longitude],
            Self::ConsolePorts => &[Role::Hostname, Role::Port, Role::Peer],
        }
    }
}

/// Reads all tables. What is said of sites and of consoles behind lines is put to the lines of all of them.
pub(super) fn read(tables: &[Table], named: &[Column], rules: &Rules<'_>) -> Found {
    let mut found = Found::default();
    let mut all: Vec<(Kind, &Table, Columns)> = Vec::new();
    for table in tables {
        let (kind, columns) = recognized(table, named);
        let told = columns.told(&table.header, kind.roles());
        if !told.is_empty() {
            found.notices.push(format!("{}: taken for {}; {}", table.file, kind.word(), told.join(", ")));
        }
        let idle: Vec<String> = (0..table.header.len())
            .filter(|at| !columns.uses(*at, kind.roles()))
            .filter(|at| kind != Kind::Lines || !is_passed(&table.header[*at]))
            .map(|at| quoted(&table.header[at]))
            .collect();
        if !idle.is_empty() {
            found.notices.push(format!("{}: columns of no use here: {}", table.file, shortened(&idle)));
        }
        all.push((kind, table, columns));
    }
    if !all.iter().any(|(kind, ..)| *kind == Kind::Lines) {
        for table in tables {
            let columns = crate::config::problem::list(table.header.iter().map(String::as_str));
            let what = format!(
                "no column looks like telephone numbers; name it: `--column number=NAME` (there are {columns})"
            );
            found.problems.push(Problem::new(place(table, 1, ""), what));
        }
        return found;
    }
    for (_, table, columns) in all.iter().filter(|(kind, ..)| *kind == Kind::Lines) {
        lines(table, columns, rules, &mut found);
    }
    if found.lines.is_empty() && found.problems.is_empty() {
        let files =
            all.iter().filter(|(kind, ..)| *kind == Kind::Lines).map(|(_, table, _)| table.file.as_str());
        let what = "no row has a telephone number; is it in another column? name it: `--column number=NAME`";
        found.problems.extend(files.map(|file| Problem::new(Place::file(file), what)).collect::<Vec<_>>());
    }
    let mentioned: BTreeSet<SiteId> = found.lines.iter().filter_map(Line::site).collect();
    for (kind, table, columns) in &all {
        match kind {
            Kind::Sites => sites(table, columns, &mentioned, &mut found),
            Kind::ConsolePorts => console_ports(table, columns, &mut found),
            Kind::Lines => {}
        }
    }
    if !found.sites.is_empty() {
        // Where sites are listed, a line's is among them.
        for (site, at) in found.lines.iter().filter_map(|line| Some((line.site()?, line.at.clone()))) {
            found.sites.entry(site).or_insert_with(|| Site { at, ..Site::default() });
        }
    }
    found
}

impl Line {
    /// Its site, as a plan understands it.
    fn site(&self) -> Option<SiteId> {
        self.site.clone().or_else(|| self.id.as_str().parse().ok())
    }
}

fn place(table: &Table, line: usize, key: &str) -> Place {
    Place { file: table.file.clone(), line: Some(line), key: key.to_owned() }
}

/// What a table is about, and its columns.
fn recognized(table: &Table, named: &[Column]) -> (Kind, Columns) {
    let mut columns = Columns::of(&table.header, named);
    let header = |columns: &Columns, role| columns.at(role).map(|at| table.header[at].to_lowercase());
    // The key of a database says nothing to anybody.
    let keys = |at: usize| table.rows.iter().all(|row| row.cells[at].bytes().all(|b| b.is_ascii_digit()));
    if let Some(at) = columns.at(Role::Id)
        && table.header[at] == "ID"
        && columns.has(Role::Hostname)
        && keys(at)
    {
        columns.drop(Role::Id);
    }
    let places = columns.has(Role::Zone) || columns.has(Role::Latitude);
    if !columns.has(Role::Site) && places && header(&columns, Role::Hostname).as_deref() == Some("name") {
        columns.turn(Role::Hostname, Role::Site);
    }
    let kind = if columns.has(Role::Number) {
        Kind::Lines
    } else if columns.has(Role::Hostname) && columns.has(Role::Peer) {
        if !columns.has(Role::Port) {
            columns = with_port(table, columns, named);
        }
        Kind::ConsolePorts
    } else if columns.has(Role::Site) && places {
        Kind::Sites
    } else {
        Kind::Lines
    };
    let kind = if kind == Kind::Lines && !columns.has(Role::Number) { Kind::Sites } else { kind };
    (kind, columns)
}

/// A console server port's own name stands under `Name`.
fn with_port(table: &Table, columns: Columns, named: &[Column]) -> Columns {
    let name = table.header.iter().find(|name| name.eq_ignore_ascii_case("name"));
    let Some(theirs) = name else { return columns };
    let mut named = named.to_vec();
    named.push(Column { ours: "port".to_owned(), theirs: theirs.clone() });
    Columns::of(&table.header, &named)
}

/// A cell, if there is something in it.
fn cell<'a>(row: &'a Row, columns: &Columns, role: Role) -> Option<&'a str> {
    // NetBox writes a long dash where there is nothing.
    columns
        .at(role)
        .map(|at| row.cells[at].trim())
        .filter(|text| !text.is_empty() && !["—", "-", "None"].contains(text))
}

fn lines(table: &Table, columns: &Columns, rules: &Rules<'_>, found: &mut Found) {
    let (mut without, mut renamed, mut held) = (0_usize, Vec::new(), 0_usize);
    let mut nameless = Vec::new();
    let mut ids: BTreeMap<LineId, Place> =
        found.lines.iter().map(|line| (line.id.clone(), line.at.clone())).collect();
    let mut places: Vec<(SiteId, Site)> = Vec::new();
    for row in &table.rows {
        let at = |role: Role| {
            let key = columns.at(role).and_then(|at| table.header.get(at)).map(String::as_str);
            place(table, row.line, key.unwrap_or_default())
        };
        let before = found.problems.len();
        let kind = cell(row, columns, Role::Platform).and_then(kinds::console);
        found.kinds.extend(cell(row, columns, Role::Hostname).map(str::to_lowercase).zip(kind));
        let Some(written) = cell(row, columns, Role::Number) else {
            without += 1;
            continue;
        };
        let number = match rules_of(row, columns, rules)
            .map(|other| other.as_ref().unwrap_or(rules.own).read(written))
        {
            Ok(Ok(number)) => Some(number),
            Ok(Err(what)) => {
                found.problems.push(Problem::new(at(Role::Number), what));
                None
            }
            Err(what) => {
                found.problems.push(Problem::new(at(Role::Country), what));
                None
            }
        };
        let site = cell(row, columns, Role::Site).map(|text| name::<SiteId>(text, &mut renamed));
        let site = site.transpose().unwrap_or_else(|what| {
            found.problems.push(Problem::new(at(Role::Site), what));
            None
        });
        let device = cell(row, columns, Role::Hostname);
        let hostname = device.and_then(|text| text.parse::<Hostname>().ok());
        if let Some(text) = device.filter(|_| hostname.is_none()) {
            nameless.push(format!("{} (row {})", quoted(text), row.line));
        }
        let id = match (cell(row, columns, Role::Id).or(device), &site) {
            (Some(text), _) => name::<LineId>(text, &mut renamed).map_err(|what| (Role::Id, what)),
            (None, Some(site)) => lettered(site, &ids).map_err(|what| (Role::Site, what)),
            (None, None) => Err((Role::Number, "the row names neither line, host nor site".to_owned())),
        };
        let id = match id {
            Ok(id) => Some(id),
            Err((role, what)) => {
                let role = if columns.has(role) { role } else { Role::Hostname };
                found.problems.push(Problem::new(at(role), what));
                None
            }
        };
        if let Some(first) = id.as_ref().and_then(|id| ids.get(id).map(|first| (id, first))) {
            let what = format!(
                "`{}` is the name of the line at {} already; every line has its own",
                first.0,
                Place { key: String::new(), ..first.1.clone() }
            );
            found.problems.push(Problem::new(at(Role::Id), what));
        }
        let (Some(id), Some(number), true) = (id, number, found.problems.len() == before) else { continue };
        let own = Place { key: String::new(), ..at(Role::Id) };
        ids.insert(id.clone(), own.clone());
        let others = others(row, columns, table);
        held += usize::from(others.contains_key("on_hold") && !columns.has(Role::OnHold));
        let line = Line { id, number, site, hostname, others, at: own.clone() };
        let about = Site {
            zone: about(row, columns, own.clone()).zone.filter(|_| !is_passed_zone(columns, table)),
            ..about(row, columns, own)
        };
        places.extend(line.site().map(|site| (site, about)));
        found.lines.push(line);
    }
    for (site, about) in places {
        put(site, about, found);
    }
    let file = &table.file;
    let mut told = |text: String| found.notices.push(format!("{file}: {text}"));
    if without > 0 {
        told(format!("{without} {} without a number left out", rows(without)));
    }
    if held > 0 {
        told(format!(
            "{held} {} not in service there: on hold, so never dialed until `on_hold` is taken away",
            rows(held)
        ));
    }
    if !renamed.is_empty() {
        told(format!("names have no blanks and signs here: {}", shortened(&renamed)));
    }
    if !nameless.is_empty() {
        told(format!("no host names, so any console there will do: {}", shortened(&nameless)));
    }
}

/// The rules of the country that a row names; none if it names none, or our own.
fn rules_of(row: &Row, columns: &Columns, rules: &Rules<'_>) -> Result<Option<Numbering>, String> {
    match cell(row, columns, Role::Country) {
        None => Ok(None),
        Some(text) if text.eq_ignore_ascii_case(&rules.own.country) => Ok(None),
        // A country that is written at length is no reason to refuse a number that needs no rules.
        Some(_) if cell(row, columns, Role::Number).is_some_and(|number| number.starts_with('+')) => Ok(None),
        Some(text) => (rules.of)(text).map(Some).ok_or_else(|| {
            format!(
                "{} is no country whose numbers are known; write its two letters, or its numbers with `+`",
                quoted(text)
            )
        }),
    }
}

/// Cells that a plan takes as they are.
fn others(row: &Row, columns: &Columns, table: &Table) -> BTreeMap<&'static str, String> {
    let mut others = BTreeMap::new();
    let mut put = |key: &'static str, text: Option<String>| {
        if let Some(text) = text {
            others.insert(key, text);
        }
    };
    let plain = |role| cell(row, columns, role).map(ToOwned::to_owned);
    let guessed = cell(row, columns, Role::Platform).and_then(kinds::console).map(ToOwned::to_owned);
    put("console", plain(Role::Console).or(guessed));
    put("credential", plain(Role::Credential));
    put("priority", plain(Role::Priority));
    put("alternatives", plain(Role::Alternatives));
    put("tags", cell(row, columns, Role::Tags).map(tags));
    let status = cell(row, columns, Role::Status).map(str::to_lowercase);
    let status = status.filter(|status| NOT_IN_SERVICE.contains(&status.as_str()));
    let file = table.file.rsplit(['/', '\\']).next().unwrap_or_default();
    // Free words: nothing that a spreadsheet would take for a formula may stand in front.
    let said = plain(Role::OnHold).map(|text| text.trim_start_matches(['=', '+', '-', '@']).to_owned());
    put("on_hold", said.or_else(|| status.map(|status| format!("{status} in {file}"))));
    for (name, text) in table.header.iter().zip(&row.cells) {
        let ours = PASSED.iter().find(|ours| *ours == name).filter(|_| !text.trim().is_empty());
        put(ours.copied().unwrap_or_default(), ours.map(|_| text.trim().to_owned()));
    }
    others
}

/// Tags as a plan has them: words with `|` between.
fn tags(text: &str) -> String {
    let words =
        text.split([',', ';', '|']).map(|word| cleaned(word, "-_.:@+/")).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("|")
}

fn about(row: &Row, columns: &Columns, at: Place) -> Site {
    let text = |role| cell(row, columns, role).map(ToOwned::to_owned);
    Site { zone: text(Role::Zone), coordinates: text(Role::Latitude).zip(text(Role::Longitude)), at }
}

/// What is said of a site; what was said first stays.
fn put(site: SiteId, about: Site, found: &mut Found) {
    if about.zone.is_none() && about.coordinates.is_none() {
        return;
    }
    let known = found.sites.entry(site).or_insert_with(|| Site { at: about.at.clone(), ..Site::default() });
    known.zone = known.zone.take().or(about.zone);
    known.coordinates = known.coordinates.take().or(about.coordinates);
}

fn sites(table: &Table, columns: &Columns, mentioned: &BTreeSet<SiteId>, found: &mut Found) {
    let mut others = 0_usize;
    for row in &table.rows {
        let Some(text) = cell(row, columns, Role::Site) else { continue };
        match name::<SiteId>(text, &mut Vec::new()) {
            Ok(site) if mentioned.contains(&site) => {
                put(site, about(row, columns, place(table, row.line, "")), found);
            }
            Ok(_) => others += 1,
            Err(what) => found.problems.push(Problem::new(place(table, row.line, ""), what)),
        }
    }
    if others > 0 {
        found.notices.push(format!(
            "{}: {others} {} of sites without a line left out",
            table.file,
            rows(others)
        ));
    }
}

fn console_ports(table: &Table, columns: &Columns, found: &mut Found) {
    let (mut free, mut others) = (0_usize, 0_usize);
    for row in &table.rows {
        let Some(device) = cell(row, columns, Role::Hostname) else { continue };
        let line = found.lines.iter().find(|line| {
            line.hostname.as_ref().is_some_and(|host| host.is(device))
                || line.id.as_str().eq_ignore_ascii_case(device)
        });
        let Some(line) = line.map(|line| line.id.clone()) else {
            others += 1;
            continue;
        };
        // `core-sw1 > Console`: the device comes first.
        let peer = cell(row, columns, Role::Peer)
            .and_then(|text| text.split(['>', ' ', ':', '\t']).find(|word| !word.is_empty()));
        let (Some(peer), Some(port)) = (peer, cell(row, columns, Role::Port)) else {
            free += 1;
            continue;
        };
        let at = place(table, row.line, "");
        match peer.parse::<Hostname>() {
            Ok(hostname) => {
                let console = found.kinds.get(&peer.to_lowercase()).copied();
                found.behind.push(Behind {
                    line,
                    port: number_of(port),
                    hostname: Some(hostname),
                    console,
                    at,
                });
            }
            Err(what) => found.problems.push(Problem::new(at, format!("{} {what}", quoted(peer)))),
        }
    }
    if free + others > 0 {
        found.notices.push(format!(
            "{}: left out: {free} {} with nothing there, {others} of devices without a line",
            table.file,
            rows(free)
        ));
    }
}

/// A port is chosen by its number where its name ends with one: `Port 7` is 7.
fn number_of(port: &str) -> String {
    let head = port.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = port[head.len()..].trim_start_matches('0');
    if number.is_empty() { port.to_owned() } else { number.to_owned() }
}

/// A name of ours, with what it can't hold made `-`; what that changed is noted.
fn name<N>(text: &str, renamed: &mut Vec<String>) -> Result<N, String>
where
    N: std::str::FromStr + std::fmt::Display,
    N::Err: std::fmt::Display,
{
    let fitting = cleaned(text, "._-:@+");
    let name: N = fitting.parse().map_err(|why| format!("is {}, which {why}", quoted(text)))?;
    if fitting != text {
        let told = format!("{} is `{name}`", quoted(text));
        if !renamed.contains(&told) {
            renamed.push(told);
        }
    }
    Ok(name)
}

/// Letters, digits and these signs stay; whatever stands between them is one `-`.
fn cleaned(text: &str, signs: &str) -> String {
    let parts =
        text.split(|c: char| !(c.is_alphanumeric() || signs.contains(c))).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").trim_start_matches('.').to_owned()
}

/// The first name of a site that is free: `BR0001-A`, `BR0001-B`.
fn lettered(site: &SiteId, taken: &BTreeMap<LineId, Place>) -> Result<LineId, String> {
    let letters = ('A'..='Z').map(|letter| letter.to_string());
    let ends = letters.chain((27..=LINES_OF_SITE_MAX).map(|number| number.to_string()));
    let mut names = ends.filter_map(|end| format!("{site}-{end}").parse::<LineId>().ok());
    names.find(|id| !taken.contains_key(id)).ok_or_else(|| {
        format!(
            "{} has too many lines, or too long a name, to be told apart by letters; name them",
            quoted(site.as_str())
        )
    })
}

const fn rows(count: usize) -> &'static str {
    if count == 1 { "row" } else { "rows" }
}

/// The first few of many.
fn shortened(all: &[String]) -> String {
    const SHOWN: usize = 5;
    let first = all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(SHOWN) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
