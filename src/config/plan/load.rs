//! Reads a plan and all that it names, checks everything, and tells all problems of all files at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::checks;
use super::consoles;
use super::costs::{self, Calls, Costs};
use super::file::{LineFile, LinesFile, PlanFile};
use super::hours::{HoursChecker, HoursKeys};
use super::line::{self, Alternative, Common, DISABLED};
use super::notify::{self, NotifyPlan};
use super::select;
use super::sites;
use super::written::{self, WrittenLine};
use super::{CONSOLE_NONE, Overrides, Plan, PlannedLine, Preset};
use crate::config::bank::{self, ReadBank};
use crate::config::credentials::PlannedCredential;
use crate::config::history::HistoryPlan;
use crate::config::library::{Library, LoadError};
use crate::config::numbering::{Countries, Numbering, NumberingFile};
use crate::config::problem::{Place, Problem, Problems, list, quoted, suggestion};
use crate::config::source::beside;
use crate::config::yaml::{self, Doc};
use crate::console::{Behind, Dialog, DialogFile};
use crate::model::{CredentialName, Facets, Fault, Hostname, Line, LineId, PhoneNumber, PlanName, SiteId};

/// Reads a plan.
///
/// # Errors
/// All that is wrong with it, its bank, and the files that they name.
pub fn load_plan(path: &Path, overrides: &Overrides) -> Result<Plan, Problems> {
    let library = Library::around(path);
    let yaml::Decoded { value, doc } = yaml::read::<PlanFile>(path);
    let Some(file) = value else { return Err(doc.into_problems().in_order()) };
    let name = match file.plan.as_deref().map(str::parse::<PlanName>) {
        Some(Ok(name)) => Some(name),
        Some(Err(error)) => {
            doc.problem("plan", error.to_string());
            None
        }
        None => {
            bank::missing(&doc, "plan", "the plan has no name; write `plan: NAME`");
            None
        }
    };
    let (policy, deadline) = file.policy.check(&doc);
    let mut limits = file.limits.check(&doc);
    let history = file.history.check(path, &doc);
    let mut credentials = check_credentials(file.credentials, path, &doc);
    let known: Vec<&CredentialName> = credentials.keys().collect();
    let notify = notify::check(file.notify, path, &known, &doc);
    let read_bank = read_bank(file.bank.as_deref(), overrides, path, &library, &doc);
    let bank = read_bank.as_ref().and_then(|read| read.bank.as_ref());
    let numbering = load_numbering(file.numbering.as_deref(), read_bank.as_ref(), &library, &doc);

    let written = match file.lines {
        Some(LinesFile::Inline(files)) => Some(written::lines(files, &doc)),
        Some(LinesFile::Csv(name)) => {
            let before = doc.problem_count();
            let lines = written::csv(path, "lines", &name, &doc);
            // A file that is wrong as a whole is no plan without lines.
            (!lines.is_empty() || doc.problem_count() == before).then_some(lines)
        }
        None if doc.is_pruned("lines") => None,
        None => Some(Vec::new()),
    };
    if written.as_ref().is_some_and(Vec::is_empty) && !doc.is_pruned("lines[0]") {
        doc.problem("lines", "the plan has no lines; list them under `lines:`, or name a CSV file there");
    }
    let written_sites = sites::read(file.sites, path, &doc);
    let sites = sites::check(&written_sites, &doc);
    let hunt_groups = sites::hunt_groups(file.hunt_groups, &doc);
    let dialing = numbering.as_deref().zip(bank);
    let carriers = sites::carriers(file.carriers, dialing, &doc);
    let common = Common { doc: &doc, sites: &sites, hunt_groups: &hunt_groups, carriers: &carriers, dialing };
    let mut checker = LineChecker {
        doc: &doc,
        library: &library,
        defaults: (file.defaults.console.as_deref(), file.defaults.credential.as_deref()),
        credentials: &credentials,
        consoles: BTreeMap::new(),
        ids: BTreeMap::new(),
        common: &common,
        countries: Countries::new(&library),
        hours: None,
        lines: Vec::new(),
        places: Vec::new(),
        alternatives: BTreeMap::new(),
        warnings: Vec::new(),
    };
    checker.defaults();
    let mut written = written.unwrap_or_default();
    let server = checker.defaults.0;
    let behind = consoles::read(file.consoles.as_deref(), &mut written, server, path, &doc, &mut |name| {
        checker.console(name)
    });
    let keys = HoursKeys {
        zone: file.zone,
        windows: file.windows,
        holidays: file.holidays,
        blackouts: file.blackouts,
    };
    let bank_zone = bank.and_then(|bank| bank.location.zone.clone());
    let room = checker.room(&limits, &written, &behind);
    let mut hours = HoursChecker::new(&keys, bank_zone, path, room, &doc);
    for site in &written_sites {
        hours.site(site);
    }
    checker.hours = Some(hours);
    for (line, behind) in written.into_iter().zip(behind) {
        checker.line(line, behind);
    }
    let LineChecker { mut lines, places, alternatives, mut warnings, hours, .. } = checker;
    let zone = hours.as_ref().and_then(HoursChecker::zone);
    warnings.extend(hours.map(HoursChecker::into_warnings).unwrap_or_default());
    check_proving(&mut credentials, &lines, &doc);
    select::select(overrides, &mut lines, &doc);
    let reference = file.reference.as_deref();
    let checks = checks::check(reference, file.preflight.as_deref(), dialing, &lines, &doc);
    if let (Some((numbering, bank)), Some(read)) = (dialing, &read_bank) {
        checks::check_own_numbers(numbering, bank, &lines, &read.doc);
    }
    let others = checks
        .reference
        .iter()
        .chain(bank.iter().flat_map(|bank| bank.modems.iter().filter_map(|modem| modem.number.as_ref())));
    let calls = Calls { dialing, lines: &lines, others: others.cloned().collect(), room };
    let costs = costs::check(file.tariff.as_deref(), &file.budget, &calls, &library, &doc);
    let Costs { tariff, budget, warnings: costs_warnings } = costs;
    warnings.extend(costs_warnings);
    warnings.extend(line::check_alternatives(&lines, &alternatives, &doc));
    warnings.extend(same_numbers(&lines, &places));
    warnings.extend(sites::check_names(&written_sites, &sites, &lines, &places, &doc));
    let seed = overrides.seed.or(file.seed).unwrap_or_default();

    let mut problems = doc.into_problems();
    let mut bank = read_bank.and_then(|read| {
        problems.0.extend(read.doc.into_problems().0);
        read.bank
    });
    if bank.as_ref().is_some_and(|bank| bank.rehearsal) {
        // A simulated network may be any number of times faster than a real one.
        limits.compressed = true;
    } else if let (Some(bank), Some(numbering)) = (&mut bank, &numbering) {
        bank.on_hook_min = bank.on_hook_min.max(numbering.on_hook_min());
    }
    let plan = name.zip(bank).zip(numbering).map(|((name, bank), numbering)| Plan {
        name,
        path: path.to_owned(),
        bank,
        numbering,
        lines,
        sites,
        hunt_groups,
        carriers: carriers.into_iter().filter_map(|(name, carrier)| Some((name, carrier?))).collect(),
        credentials: credentials
            .into_iter()
            .filter_map(|(name, (credential, _))| Some((name, credential?)))
            .collect(),
        policy,
        checks,
        tariff,
        budget,
        deadline,
        zone,
        limits,
        history,
        notify,
        seed,
        warnings,
    });
    problems.in_order().or_value(plan)
}

/// Reads a bank by itself, as a plan without lines: for what is done with modems alone. Its numbers are dialed by the rules
/// of its country.
///
/// # Errors
/// All that is wrong with it.
pub fn load_bench(path: &Path) -> Result<Plan, Problems> {
    let library = Library::around(path);
    let read = bank::read(path, &library);
    let located = read.bank.as_ref().is_none_or(|bank| bank.location.country.is_some());
    if !located {
        let what = "does not say the country, by whose rules the modems' numbers are dialed; name a plan, or write `location: { country: US }`";
        read.doc.problem("location", what);
    }
    let numbering = if located { load_numbering(None, Some(&read), &library, &read.doc) } else { None };
    if let Some((numbering, bank)) = numbering.as_deref().zip(read.bank.as_ref()) {
        checks::check_own_numbers(numbering, bank, &[], &read.doc);
    }
    let compressed = read.bank.as_ref().is_some_and(|bank| bank.rehearsal);
    let limits = crate::call::Limits { compressed, ..crate::call::Limits::default() };
    let problems = read.doc.into_problems();
    let plan = read.bank.zip(numbering).and_then(|(mut bank, numbering)| {
        if !bank.rehearsal {
            bank.on_hook_min = bank.on_hook_min.max(numbering.on_hook_min());
        }
        Some(Plan {
            name: bank.name.as_str().parse().ok()?,
            path: path.to_owned(),
            bank,
            numbering,
            lines: Vec::new(),
            sites: BTreeMap::new(),
            hunt_groups: BTreeMap::new(),
            carriers: BTreeMap::new(),
            credentials: BTreeMap::new(),
            policy: crate::fleet::policy::Policy::default(),
            checks: crate::fleet::scheduler::CheckPlan::default(),
            tariff: None,
            budget: crate::fleet::budget::Budget::default(),
            deadline: None,
            zone: None,
            limits,
            history: HistoryPlan::default(),
            notify: NotifyPlan::default(),
            seed: 0,
            warnings: Vec::new(),
        })
    });
    problems.in_order().or_value(plan)
}

fn read_bank(
    written: Option<&str>,
    overrides: &Overrides,
    plan: &Path,
    library: &Library,
    doc: &Doc,
) -> Option<ReadBank> {
    let path = match (&overrides.bank, written) {
        (Some(path), _) => path.clone(),
        (None, Some(path)) => beside(plan, path),
        (None, None) => {
            bank::missing(doc, "bank", "the plan names no bank; write `bank: ../hardware/banks/NAME.yaml`");
            return None;
        }
    };
    Some(bank::read(&path, library))
}

/// The numbering that the plan names, or that of the bank's country.
fn load_numbering(
    written: Option<&str>,
    bank: Option<&ReadBank>,
    library: &Library,
    doc: &Doc,
) -> Option<Arc<Numbering>> {
    let read = bank?;
    let location = read.bank.as_ref().map(|bank| &bank.location);
    let country = location.and_then(|location| location.country.clone());
    let name = match (written, &country) {
        (Some(name), _) => name.to_owned(),
        (None, Some(country)) => country.to_ascii_lowercase(),
        (None, None) => {
            if location.is_some() {
                bank::missing(doc, "numbering", "the plan names no numbering; write `numbering: us`");
            }
            return None;
        }
    };
    let numbering = match library.load::<NumberingFile>(&name) {
        Ok(numbering) => numbering,
        Err(LoadError::Unknown(what)) => {
            doc.problem("numbering", what);
            return None;
        }
        Err(LoadError::Bad(problems)) => {
            problems.0.into_iter().for_each(|problem| doc.push(problem));
            return None;
        }
    };
    if let Some(country) = country.filter(|country| *country != numbering.country) {
        let what = format!(
            "`{name}` has the dialing rules of {}, and the bank stands in {country}",
            numbering.country
        );
        doc.problem("numbering", what);
    }
    if let Some(what) = location.and_then(|location| numbering.local_problem(location)) {
        read.doc.problem("location.local", what);
    }
    if let Some(what) = location.and_then(|location| numbering.carrier_problem(location)) {
        read.doc.problem("location.carrier", what);
    }
    Some(Arc::new(numbering))
}

/// Each credential that was written, checked or not, with the line that shall prove it.
type Credentials = BTreeMap<CredentialName, (Option<PlannedCredential>, Option<String>)>;

fn check_credentials(
    files: BTreeMap<String, Option<crate::config::credentials::CredentialFile>>,
    plan: &Path,
    doc: &Doc,
) -> Credentials {
    let mut credentials = BTreeMap::new();
    for (text, file) in files {
        let key = format!("credentials.{text}");
        let name = match text.parse::<CredentialName>() {
            Ok(name) if text != CONSOLE_NONE => name,
            Ok(_) => {
                doc.problem(&key, "`none` means that there is no credential; give it another name");
                continue;
            }
            Err(error) => {
                doc.problem(&key, error.to_string());
                continue;
            }
        };
        let Some(file) = file else {
            bank::missing(doc, &key, "is empty; write `{ username: NAME, password: { env: NAME } }`");
            credentials.insert(name, (None, None));
            continue;
        };
        let prove_on = file.prove_on.clone();
        credentials.insert(name, (file.check(&key, plan, doc), prove_on));
    }
    credentials
}

/// Checks lines one by one, and remembers what they have in common.
struct LineChecker<'a> {
    doc: &'a Doc,
    library: &'a Library,
    /// Console and credential of lines that name none.
    defaults: (Option<&'a str>, Option<&'a str>),
    credentials: &'a Credentials,
    /// Consoles that were looked up: the dialog, or the complaint to whoever names it (none where its own file is wrong).
    consoles: BTreeMap<String, Result<Arc<Dialog>, Option<String>>>,
    ids: BTreeMap<LineId, Place>,
    common: &'a Common<'a>,
    countries: Countries<'a>,
    hours: Option<HoursChecker<'a>>,
    lines: Vec<PlannedLine>,
    places: Vec<Place>,
    alternatives: BTreeMap<LineId, Vec<Alternative>>,
    warnings: Vec<Problem>,
}

impl LineChecker<'_> {
    /// Checks the defaults at their own place, once.
    fn defaults(&mut self) {
        let (console, credential) = self.defaults;
        if let Some(name) = console.filter(|name| *name != CONSOLE_NONE)
            && let Err(Some(what)) = self.console(name)
        {
            self.doc.problem("defaults.console", what);
        }
        if let Some(name) = credential.filter(|name| *name != CONSOLE_NONE)
            && let Err(what) = self.credential(name)
        {
            self.doc.problem("defaults.credential", what);
        }
    }

    fn console(&mut self, name: &str) -> Result<Arc<Dialog>, Option<String>> {
        if let Some(known) = self.consoles.get(name) {
            return known.clone();
        }
        let loaded = match self.library.load::<DialogFile>(name) {
            Ok(dialog) => Ok(Arc::new(dialog)),
            Err(LoadError::Unknown(what)) => Err(Some(what)),
            Err(LoadError::Bad(problems)) => {
                problems.0.into_iter().for_each(|problem| self.doc.push(problem));
                Err(None)
            }
        };
        self.consoles.insert(name.to_owned(), loaded.clone());
        loaded
    }

    /// The longest that a call to any of these lines can take.
    fn room(
        &mut self,
        limits: &crate::call::Limits,
        written: &[WrittenLine],
        behind: &[Vec<Behind>],
    ) -> std::time::Duration {
        let mut longest = limits.room(None, &[]);
        for (line, behind) in written.iter().zip(behind) {
            let name = line.file.console.as_deref().or(self.defaults.0);
            let dialog = name.filter(|name| *name != CONSOLE_NONE).and_then(|name| self.console(name).ok());
            longest = longest.max(limits.room(dialog.as_deref(), behind));
        }
        longest
    }

    fn credential(&self, name: &str) -> Result<CredentialName, String> {
        let known = || self.credentials.keys().map(CredentialName::as_str);
        let found = self.credentials.keys().find(|known| known.as_str() == name);
        found.cloned().ok_or_else(|| {
            let near = suggestion(name, known());
            format!(
                "{} is no credential of this plan{near} (under `credentials:`: {})",
                quoted(name),
                list(known())
            )
        })
    }

    fn line(&mut self, mut written: WrittenLine, consoles: Vec<Behind>) {
        let LineFile { id, site, number, hostname, console, credential, zone, windows, blackouts, .. } =
            &mut written.file;
        let (id, site, number) = (id.take(), site.take(), number.take());
        let (hostname, console, credential) = (hostname.take(), console.take(), credential.take());
        let (zone, windows, blackouts) = (zone.take(), windows.take(), blackouts.take());
        let doc = self.doc;
        let id = match id.as_deref().map(str::parse::<LineId>) {
            Some(Ok(id)) => Some(id),
            Some(Err(error)) => {
                written.problem("id", error.to_string(), doc);
                None
            }
            None => {
                written.missing("id", "the line has no id; write `id: BR0001-A`", doc);
                None
            }
        };
        let place = written.place("id", doc);
        if let Some(id) = &id {
            match self.ids.get(id) {
                Some(first) => written.problem(
                    "id",
                    format!(
                        "`{id}` is the id of the line at {} already; every line has its own",
                        short(first)
                    ),
                    doc,
                ),
                None => drop(self.ids.insert(id.clone(), place.clone())),
            }
        }
        let site = match site.as_deref().map(str::parse::<SiteId>) {
            Some(Ok(site)) => Some(site),
            Some(Err(error)) => {
                written.problem("site", error.to_string(), doc);
                None
            }
            // A branch with one line needs no second name.
            None => id.as_ref().and_then(|id| id.as_str().parse().ok()),
        };
        let number = match number.as_deref().map(|text| (text, text.parse::<PhoneNumber>())) {
            Some((_, Ok(number))) => Some(number),
            Some((text, Err(error))) => {
                written.problem("number", line::number_problem(text, &error), doc);
                None
            }
            None => {
                written.missing("number", "the line has no number; write `number: \"+1 919 555 0101\"`", doc);
                None
            }
        };
        let hostname = match hostname.as_deref().map(str::parse::<Hostname>) {
            Some(Ok(hostname)) => Some(hostname),
            Some(Err(error)) => {
                written.problem("hostname", error.to_string(), doc);
                None
            }
            None => None,
        };
        let (console, dialog) = self.line_console(console.as_deref(), &written);
        let credential = self.line_credential(credential.as_deref(), console.as_deref(), &written);
        let (hold, number_confirmed) = self.common.hold(&written);
        let facets = site.as_ref().map(|site| self.common.facets(site, &written)).unwrap_or_default();
        let ways = number.as_ref().map(|number| self.common.ways(number, &written)).unwrap_or_default();
        let keys = HoursKeys { zone, windows, holidays: None, blackouts };
        let (hours, zone) = match (&mut self.hours, &site) {
            (Some(hours), Some(site)) => hours.line(&keys, site, &written),
            _ => (None, None),
        };
        let (Some(id), Some(site), Some(number)) = (id, site, number) else { return };
        let numbering = self.common.dialing.map(|(numbering, _)| numbering);
        let country = numbering.and_then(|numbering| self.countries.of(&number, numbering));
        let names = consoles.iter().map(|behind| behind.name.clone()).collect();
        let facets = Facets { country, consoles: names, ..facets };
        let line = Line { id, site, number, hostname, facets };
        let on_hold = hold.as_ref().map(|hold| Preset { fault: Fault::OnHold, detail: hold.told() });
        let enabled = self.common.enabled(&written);
        let disabled = (!enabled).then(|| Preset { fault: Fault::Skipped, detail: DISABLED.to_owned() });
        let preset = disabled.or(ways.screened).or(on_hold);
        self.warnings.extend(ways.warnings);
        if !ways.alternatives.is_empty() {
            self.alternatives.insert(line.id.clone(), ways.alternatives);
        }
        self.places.push(place);
        let ways = ways.open;
        self.lines.push(PlannedLine {
            line,
            console,
            dialog,
            consoles,
            credential,
            zone,
            ways,
            hold,
            number_confirmed,
            preset,
            enabled,
            hours,
        });
    }

    fn line_console(
        &mut self,
        own: Option<&str>,
        written: &WrittenLine,
    ) -> (Option<String>, Option<Arc<Dialog>>) {
        let Some(name) = own.or(self.defaults.0) else {
            written.missing(
                "console",
                "the line names no console; write `console: cisco-ios` here or under `defaults:`, or `none` to stop after CONNECT",
                self.doc,
            );
            return (None, None);
        };
        if name == CONSOLE_NONE {
            return (None, None);
        }
        match self.console(name) {
            Ok(dialog) => (Some(name.to_owned()), Some(dialog)),
            Err(what) => {
                if let (Some(what), Some(_)) = (what, own) {
                    written.problem("console", what, self.doc);
                }
                (Some(name.to_owned()), None)
            }
        }
    }

    fn line_credential(
        &self,
        own: Option<&str>,
        console: Option<&str>,
        written: &WrittenLine,
    ) -> Option<CredentialName> {
        let named = own.or(self.defaults.1);
        match named.filter(|name| *name != CONSOLE_NONE) {
            Some(name) => match self.credential(name) {
                Ok(name) => console.map(|_| name),
                Err(what) => {
                    if own.is_some() {
                        written.problem("credential", what, self.doc);
                    }
                    None
                }
            },
            None if console.is_some() => {
                written.missing(
                    "credential",
                    "the line has a console and no credential; name one here or under `defaults:`, or write `console: none`",
                    self.doc,
                );
                None
            }
            None => None,
        }
    }
}

fn check_proving(credentials: &mut Credentials, lines: &[PlannedLine], doc: &Doc) {
    for (name, (credential, prove_on)) in credentials {
        let Some(text) = prove_on else { continue };
        let key = format!("credentials.{name}.prove_on");
        let Some(found) = lines.iter().find(|planned| planned.line.id.as_str() == text) else {
            let near = suggestion(text, lines.iter().map(|planned| planned.line.id.as_str()));
            doc.problem(&key, format!("{} is no line of this plan{near}", quoted(text)));
            continue;
        };
        if found.credential.as_ref() != Some(name) {
            doc.problem(&key, format!("the line {} does not log in with this credential", quoted(text)));
        }
        if let Some(credential) = credential {
            credential.prove_on = Some(found.line.id.clone());
        }
    }
}

/// Lines that share a number: legal, and nearly always a slip in the inventory.
fn same_numbers(lines: &[PlannedLine], places: &[Place]) -> Vec<Problem> {
    let mut seen: BTreeMap<&PhoneNumber, usize> = BTreeMap::new();
    let mut warnings = Vec::new();
    for (index, planned) in lines.iter().enumerate() {
        match seen.get(&planned.line.number) {
            None => drop(seen.insert(&planned.line.number, index)),
            Some(&first) => {
                let other = &lines[first].line;
                let hosts = match (&other.hostname, &planned.line.hostname) {
                    (Some(a), Some(b)) if a != b => {
                        format!(" and another hostname (`{a}` there, `{b}` here): one of the two will fail")
                    }
                    _ => ": it is dialed twice".to_owned(),
                };
                let what = format!("has the number of `{}` at {}{hosts}", other.id, short(&places[first]));
                warnings.push(Problem::new(places[index].clone(), what));
            }
        }
    }
    warnings
}

/// A place without its key.
fn short(place: &Place) -> String {
    Place { key: String::new(), ..place.clone() }.to_string()
}
