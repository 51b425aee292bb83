//! `lineman check`: what a run of a plan would dial, and how long it would take, as an estimate.

pub mod cost;
pub mod hours;

use std::time::Duration;

use self::cost::{Cost, LineCost};
use super::plan::standing::Hold;
use super::plan::ways::PlannedWay;
use super::plan::{Plan, Undialable};
use crate::fleet::scheduler::Preflight;
use crate::model::{Facets, Fault, Line, ModemId};

/// What a plan comes to.
#[derive(Debug, Clone)]
pub struct Check {
    /// One row a line, in the order of the plan.
    pub rows: Vec<Row>,
    /// Modems of the bank.
    pub modems: usize,
    /// Calls that can be made at a time: modems, or what their trunks take.
    pub calls_at_a_time: usize,
    /// Lines that would be dialed.
    pub to_dial: usize,
    /// How long the run would take if every line needed one call.
    pub run: Duration,
    /// How long its longest call would take.
    pub longest: Duration,
    /// What the bench is checked with before and while it judges, in words; absent where there is nothing.
    pub bench: Option<String>,
    /// How many calls at a time sites and hunt groups take, in words; absent where nothing is said of it.
    pub limits: Option<String>,
    /// What it would cost.
    pub cost: Cost,
}

/// One line.
#[derive(Debug, Clone)]
pub struct Row {
    /// The line.
    pub line: Line,
    /// What the first modem that may dial it dials; access codes masked. Absent where none may.
    pub dial: Option<String>,
    /// Dial strings of other modems, where their prefix makes another.
    pub others: Vec<(ModemId, String)>,
    /// The first way, where it is not the line's own number without a carrier.
    pub by: Option<String>,
    /// The ways that are tried after the first: which, and what the first modem dials for it.
    pub ways: Vec<(String, String)>,
    /// A hold that has ended.
    pub ended_hold: Option<String>,
    /// Its console, or `none`.
    pub console: String,
    /// Its credential's name.
    pub credential: Option<String>,
    /// What a call to it costs, where the plan has a tariff or a budget.
    pub cost: Option<LineCost>,
    /// Why it would not be dialed.
    pub preset: Option<(Fault, String)>,
}

impl Check {
    /// Looks at a plan; `expected` is what a call to a line takes.
    pub fn of(plan: &Plan, expected: impl Fn(&Line) -> Duration) -> Self {
        let mut check = Self {
            rows: Vec::new(),
            modems: plan.bank.modems.len(),
            calls_at_a_time: calls_at_a_time(plan),
            to_dial: 0,
            run: Duration::ZERO,
            longest: Duration::ZERO,
            bench: bench_checks(plan),
            limits: limits(plan),
            cost: Cost::of(plan),
        };
        let mut work = Duration::ZERO;
        for planned in &plan.lines {
            let mut row = Row {
                line: planned.line.clone(),
                dial: None,
                others: Vec::new(),
                by: None,
                ways: Vec::new(),
                ended_hold: None,
                console: console(planned),
                credential: planned.credential.as_ref().map(ToString::to_string),
                cost: LineCost::of(plan, planned, expected(&planned.line)),
                preset: planned.preset.as_ref().map(|preset| (preset.fault, preset.detail.clone())),
            };
            if let Some(first) = planned.ways.first() {
                dialed(plan, first, &mut row);
                row.by = first.via(&planned.line).map(|_| first.told());
            }
            for way in planned.ways.iter().skip(1) {
                let dials = plan.bank.modems.iter().find_map(|modem| plan.dial_string(way, modem).ok());
                row.ways.push((way.told(), dials.map_or_else(|| "-".to_owned(), |dials| dials.masked())));
            }
            let ended = planned.hold.as_ref().filter(|_| planned.preset.is_none());
            row.ended_hold = ended.map(Hold::told);
            if row.preset.is_none() {
                let call = expected(&planned.line) + plan.bank.on_hook_min;
                work += call;
                check.longest = check.longest.max(call);
                check.to_dial += 1;
                row.cost.iter().for_each(|cost| check.cost.add(cost));
            }
            check.rows.push(row);
        }
        let seats = u32::try_from(check.calls_at_a_time.max(1)).unwrap_or(u32::MAX);
        check.run = (work / seats).max(check.longest);
        check
    }

    /// As text: a table, then what it comes to. One line each, no colour, no trailing line end.
    pub fn to_text(&self) -> String {
        let priced = self.rows.iter().any(|row| row.cost.is_some());
        let mut head = vec!["line", "site", "number", "dials"];
        if priced {
            head.extend(["class", "price"]);
        }
        head.extend(["console", "credential", "note"]);
        let mut table: Vec<Vec<String>> = vec![head.into_iter().map(str::to_owned).collect()];
        for row in &self.rows {
            let mut notes: Vec<String> = Vec::new();
            if let Some((fault, detail)) = &row.preset {
                notes.push(format!("not dialed: {fault}: {}", super::problem::visible(detail)));
            }
            if row.preset.is_none() {
                notes.extend(row.by.iter().map(|by| format!("by {by}")));
                notes.extend(row.others.iter().map(|(modem, dial)| format!("{modem} dials {dial}")));
                notes.extend(row.ways.iter().map(|(way, dial)| format!("else {way}: {dial}")));
            }
            notes.extend(
                row.ended_hold
                    .iter()
                    .map(|hold| format!("its hold has ended: {}", super::problem::visible(hold))),
            );
            notes.extend(facets(&row.line.facets));
            let to_dial = row.preset.is_none();
            let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            let mut cells = vec![
                row.line.id.to_string(),
                row.line.site.to_string(),
                row.line.number.to_string(),
                or_dash(row.dial.clone().filter(|_| to_dial)),
            ];
            if priced {
                let cost = row.cost.as_ref().filter(|_| to_dial);
                cells.push(or_dash(cost.map(|cost| cost.class.word().to_owned())));
                cells.push(or_dash(cost.and_then(|cost| cost.price.clone())));
            }
            cells.extend([row.console.clone(), or_dash(row.credential.clone()), notes.join("; ")]);
            table.push(cells);
        }
        // The last column is as long as it is.
        let mut widths = vec![0; table[0].len() - 1];
        for row in &table {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(unicode_width::UnicodeWidthStr::width(cell.as_str()));
            }
        }
        let mut out = String::new();
        for row in &table {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                let pad = width - unicode_width::UnicodeWidthStr::width(cell.as_str());
                line.extend(std::iter::repeat_n(' ', pad + 2));
            }
            line.extend(row.last().map(String::as_str));
            out.push_str(line.trim_end());
            out.push('\n');
        }
        let lines = self.rows.len();
        let sum = format!(
            "\n{lines} {}, {} to dial, {} {}, {} at a time\nabout {} if each needs one call; the longest call about {} (an estimate)",
            plural(lines, "line"),
            self.to_dial,
            self.modems,
            plural(self.modems, "modem"),
            self.calls_at_a_time,
            spoken(self.run),
            spoken(self.longest),
        );
        out.push_str(&sum);
        out.push_str(&self.cost.to_text());
        if let Some(limits) = &self.limits {
            out.push_str("\ncalls at a time, at most: ");
            out.push_str(limits);
        }
        if let Some(bench) = &self.bench {
            out.push_str("\nthe bench: ");
            out.push_str(bench);
        }
        out
    }
}

/// What the first way to a line dials.
fn dialed(plan: &Plan, way: &PlannedWay, row: &mut Row) {
    for modem in &plan.bank.modems {
        match plan.dial_string(way, modem) {
            Ok(dial) => {
                let text = dial.masked();
                match &row.dial {
                    None => row.dial = Some(text),
                    Some(first) if *first != text && !row.others.iter().any(|(_, t)| *t == text) => {
                        row.others.push((modem.id.clone(), text));
                    }
                    Some(_) => {}
                }
            }
            Err(Undialable::Screened(why)) => {
                row.preset.get_or_insert((Fault::Screened, why.to_string()));
            }
            Err(Undialable::NoString(_)) => {}
        }
    }
}

/// By what a line is picked and ranked, as far as its plan says something of it.
fn facets(facets: &Facets) -> Vec<String> {
    let mut told = Vec::new();
    if facets.priority != 0 {
        told.push(format!("priority {}", facets.priority));
    }
    told.extend(facets.hunt_group.as_ref().map(|name| format!("hunt group {name}")));
    if !facets.tags.is_empty() {
        told.push(format!("tags {}", facets.tags.join(" ")));
    }
    told
}

/// `at most at a time: 2 calls to site BR0001, 1 to hunt group lobby`
fn limits(plan: &Plan) -> Option<String> {
    const SHOWN_MAX: usize = 8;
    let sites = plan.lines.iter().map(|planned| &planned.line.site);
    let sites: std::collections::BTreeSet<_> = sites.collect();
    let sites =
        sites.into_iter().filter_map(|site| Some(("site", site.as_str(), plan.sites.get(site)?.max_calls?)));
    let groups = plan.hunt_groups.iter().map(|(name, max_calls)| ("hunt group", name.as_str(), *max_calls));
    let mut all: Vec<String> =
        sites.chain(groups).map(|(kind, name, max_calls)| format!("{max_calls} to {kind} {name}")).collect();
    let more = all.len().saturating_sub(SHOWN_MAX);
    all.truncate(SHOWN_MAX);
    if more > 0 {
        all.push(format!("and {more} more of them"));
    }
    (!all.is_empty()).then(|| all.join(", "))
}

/// `a dial tone on each modem first; the reference +19195550100 is dialed as 9,9195550100`
fn bench_checks(plan: &Plan) -> Option<String> {
    let first = match plan.checks.preflight {
        Preflight::Off => None,
        Preflight::DialTone => Some("a dial tone on each modem first".to_owned()),
        Preflight::Reference => Some("a dial tone and a call on each modem first".to_owned()),
    };
    let reference = plan.checks.reference.as_ref().map(|number| {
        let dials = plan.bank.modems.iter().find_map(|modem| plan.dial_string_of(number, modem).ok());
        let dials = dials.map_or_else(|| "-".to_owned(), |dials| dials.masked());
        format!("the reference {number} is dialed as {dials}")
    });
    let told: Vec<String> = [first, reference].into_iter().flatten().collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// The dialog's name, and how many consoles are behind it.
fn console(planned: &super::PlannedLine) -> String {
    let name = planned.console.as_deref().unwrap_or(super::plan::CONSOLE_NONE);
    match planned.consoles.len() {
        0 => name.to_owned(),
        behind => format!("{name} +{behind}"),
    }
}

/// Modems, or fewer where trunks take fewer.
fn calls_at_a_time(plan: &Plan) -> usize {
    let free = plan.bank.modems.iter().filter(|modem| modem.trunk.is_none()).count();
    let on_trunks = plan.bank.trunks.iter().map(|(trunk, max_calls)| {
        let members = plan.bank.modems.iter().filter(|modem| modem.trunk.as_ref() == Some(trunk)).count();
        members.min(*max_calls as usize)
    });
    free + on_trunks.sum::<usize>()
}

fn plural(n: usize, noun: &str) -> String {
    if n == 1 { noun.to_owned() } else { format!("{noun}s") }
}

/// `45 s`, `12 min`, `3 h 20 min`.
fn spoken(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Overrides, load_plan};

    fn check(name: &str) -> Check {
        let path = Path::new("tests/fixtures/config").join(name);
        let plan = load_plan(&path, &Overrides::default()).unwrap();
        Check::of(&plan, |_| Duration::from_secs(75))
    }

    #[test]
    fn a_plan_is_shown_with_what_each_line_dials() {
        insta::assert_snapshot!(check("good-check.yaml").to_text(), @r"
        line      site    number         dials              console  credential  note
        BR0001-A  BR0001  +19195550101   9,9195550101       plain    oob         m03 dials 8,xxxxW9195550101
        BR0002-A  BR0002  +17045550102   9,17045550102      plain    oob         m03 dials 8,xxxxW17045550102
        BR0003-A  BR0003  +442079460103  9,011442079460103  none     -           m03 dials 8,xxxxW011442079460103
        BR0004-A  BR0004  +19005550104   -                  plain    oob         not dialed: screened: it is a premium-rate number
        BR0005-A  BR0005  +19195550105   -                  plain    oob         not dialed: on-hold: dug up, ticket 4711 (no end date, age unknown)
        BR0006-A  BR0006  +19195550106   9,9195550106       plain    oob         m03 dials 8,xxxxW9195550106

        6 lines, 4 to dial, 4 modems, 3 at a time
        about 104 s if each needs one call; the longest call about 78 s (an estimate)
        the bench: a dial tone on each modem first
        ");
    }

    #[test]
    fn what_the_bench_is_checked_with_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        write(
            "bank.yaml",
            "bank: hq\nlocation: { country: US }\nmodems: [{ id: m00, port: /dev/ttyS100, profile: generic, prefix: '9,' }]\n",
        );
        let plan = |keys: &str| {
            let text = format!(
                "plan: p\nbank: bank.yaml\n{keys}defaults: {{ console: none }}\nlines: [{{ id: A, number: '+1 704 555 0101' }}]\n"
            );
            Check::of(&load_plan(&write("plan.yaml", &text), &Overrides::default()).unwrap(), |_| {
                Duration::from_secs(75)
            })
        };
        assert_eq!(plan("preflight: off\n").bench, None);
        assert_eq!(plan("").bench.as_deref(), Some("a dial tone on each modem first"));
        let text = plan("reference: '+1 704 555 0100'\npreflight: reference\n").to_text();
        let last = "the bench: a dial tone and a call on each modem first; the reference +17045550100 is dialed as 9,17045550100";
        assert_eq!(text.lines().last(), Some(last));
    }

    #[test]
    fn a_bank_in_any_country_is_shown_what_is_dialed_there() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        for (name, number, dialed, london) in crate::config::numbering::tests::EXAMPLES {
            let country = name.to_uppercase();
            write(
                "bank.yaml",
                format!(
                    "bank: hq\nlocation: {{ country: {country} }}\n\
                     modems: [{{ id: m00, port: /dev/ttyS100, profile: generic, prefix: '9,' }}]\n"
                ),
            );
            let lines = format!(
                "[{{ id: A, number: '{number}' }}, {{ id: B, number: '+44 20 7946 0101' }}, {{ id: C, number: '+1 900 555 0101' }}]"
            );
            let text = format!("plan: p\nbank: bank.yaml\ndefaults: {{ console: none }}\nlines: {lines}\n");
            let plan = load_plan(&write("plan.yaml", text), &Overrides::default()).unwrap();
            let check = Check::of(&plan, |_| Duration::from_secs(75));
            let dials: Vec<Option<&str>> = check.rows.iter().map(|row| row.dial.as_deref()).collect();
            let (dialed, london) = (format!("9,{dialed}"), format!("9,{london}"));
            assert_eq!(dials, [Some(dialed.as_str()), Some(london.as_str()), None], "{name}");
            let text = check.to_text();
            assert!(text.contains(&dialed) && text.contains(&london), "{name}: {text}");
            assert!(text.contains("not dialed: screened: it is a premium-rate number"), "{name}: {text}");
        }
    }

    #[test]
    fn a_trunk_that_takes_fewer_calls_than_it_has_modems_makes_the_run_longer() {
        let check = check("good-check.yaml");
        assert_eq!((check.modems, check.calls_at_a_time, check.to_dial), (4, 3, 4));
        assert_eq!(check.run, Duration::from_secs(78 * 4) / 3);
        assert_eq!(check.longest, Duration::from_secs(78));
    }

    #[test]
    fn spans_are_said_as_people_say_them() {
        let said = [0, 45, 119, 121, 7199, 12_000].map(|s| spoken(Duration::from_secs(s)));
        assert_eq!(said, ["0 s", "45 s", "119 s", "3 min", "120 min", "3 h 20 min"]);
    }
}
