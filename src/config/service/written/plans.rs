//! The plans that a daemon's file names: each read with what it is run by, and all of them held apart.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::{EntryFile, Texts, absolute, folder};
use crate::config::bank::missing;
use crate::config::credentials::CredentialSource;
use crate::config::hours::zone::Zone;
use crate::config::plan::Plan;
use crate::config::problem::{Place, Problem, Problems, list, quoted};
use crate::config::service::schedule::EXPRESSIONS_MAX;
use crate::config::service::{LoadedPlan, MISSED, PlanEntry, Schedule, When};
use crate::config::source::{self, shown};
use crate::config::yaml::Doc;
use crate::model::{BankName, PlanName, span};

/// The plans, one after the other.
pub(super) struct Plans<'a> {
    pub(super) path: &'a Path,
    pub(super) doc: &'a Doc,
    pub(super) reports: Option<&'a Path>,
    pub(super) load_plan: &'a dyn Fn(&Path) -> Result<Plan, Problems>,
    /// Each with its key.
    pub(super) loaded: Vec<(String, LoadedPlan)>,
    /// What is wrong in the plans' own files.
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
}

impl Plans<'_> {
    pub(super) fn entry(&mut self, key: &str, file: &EntryFile) {
        let under = |name: &str| format!("{key}.{name}");
        let Some(text) = &file.plan else {
            missing(self.doc, &under("plan"), "names no plan; write `plan: dialplans/nightly.yaml`");
            return;
        };
        let Some(path) = folder(&under("plan"), Some(text), self.path, self.doc) else { return };
        let plan = match (self.load_plan)(&path) {
            Ok(plan) => Some(plan),
            Err(problems) => {
                self.problems.extend(problems.0);
                None
            }
        };
        for credential in plan.iter().flat_map(|plan| plan.credentials.values()) {
            if credential.source == CredentialSource::Prompt {
                let what = "asks for the password at a terminal, which a daemon has not; name a file, a variable, a command, or systemd's";
                self.problems.push(Problem::new(credential.at.clone(), what));
            }
            if let CredentialSource::File(file) = &credential.source {
                source::note(file);
            }
        }
        let zone = file.zone.as_deref().map(Zone::named);
        if let Some(Err(what)) = &zone {
            self.doc.problem(&under("zone"), what);
        }
        let zone = zone.and_then(Result::ok).or_else(|| plan.as_ref()?.zone.clone());
        self.warnings.extend(
            zone.as_ref()
                .and_then(Zone::doubt)
                .map(|doubt| format!("{}: {doubt}", self.doc.place(&under("zone")))),
        );
        let schedule =
            file.schedule.as_ref().and_then(|texts| self.schedule(&under("schedule"), texts, zone.as_ref()));
        let missed = match file.missed.as_deref() {
            None => Some(MISSED),
            Some("skip") => None,
            Some(text) => self.span(&under("missed"), text, "; or `skip`, to never begin late"),
        };
        let window = file.window.as_deref().and_then(|text| self.span(&under("window"), text, ""));
        let when = match file.when.as_deref() {
            None => When::Primary,
            Some(text) => {
                let all = [When::Primary, When::Secondary, When::Always];
                all.into_iter().find(|when| when.word() == text).unwrap_or_else(|| {
                    let what = format!("is {}; write one of {}", quoted(text), list(all.map(When::word)));
                    self.doc.problem(&under("when"), what);
                    When::Primary
                })
            }
        };
        let own =
            file.reports.as_ref().map(|text| folder(&under("reports"), Some(text), self.path, self.doc));
        let Some(plan) = plan else { return };
        let reports = match own {
            Some(own) => own,
            None => self.reports.map(|reports| reports.join(plan.name.as_str())),
        };
        let entry = PlanEntry {
            path,
            schedule,
            missed,
            window,
            when,
            enabled: file.enabled.unwrap_or(true),
            during_pause: file.during_pause,
            reports: reports.unwrap_or_default(),
        };
        self.warnings.extend(plan.warnings.iter().map(ToString::to_string));
        self.loaded.push((key.to_owned(), LoadedPlan { entry, plan: Arc::new(plan) }));
    }

    fn schedule(&self, key: &str, texts: &Texts, zone: Option<&Zone>) -> Option<Schedule> {
        let at = |n: usize| if texts.listed { format!("{key}[{n}]") } else { key.to_owned() };
        if texts.items.is_empty() {
            self.doc.problem(
                key,
                "is empty; write `\"0 2 * * mon-fri\"`, or leave it out for a plan that runs on demand only",
            );
            return None;
        }
        if texts.items.len() > EXPRESSIONS_MAX {
            self.doc.problem(
                key,
                format!("has {} expressions, and {EXPRESSIONS_MAX} is the most", texts.items.len()),
            );
            return None;
        }
        let (rules, name) = if let Some(zone) = zone {
            (zone.rules().clone(), zone.name().to_owned())
        } else {
            let host = TimeZone::system();
            let name = host.iana_name().unwrap_or("this host's zone").to_owned();
            (host, name)
        };
        let items: Vec<&str> = texts.items.iter().map(|item| item.as_deref().unwrap_or_default()).collect();
        match Schedule::new(&items, rules, &name) {
            Ok(schedule) => Some(schedule),
            Err(wrong) => {
                for (n, what) in wrong {
                    self.doc.problem(&at(n), what);
                }
                None
            }
        }
    }

    fn span(&self, key: &str, text: &str, or: &str) -> Option<Duration> {
        match span::parse(text) {
            Ok(span) => Some(span),
            Err(what) => {
                self.doc.problem(key, format!("{what}{or}"));
                None
            }
        }
    }
}

/// No two plans of one name, no two banks of one name or port: what is one to the keeper must be one.
pub(super) fn check_apart(plans: &[(String, LoadedPlan)], doc: &Doc) {
    let mut names: BTreeMap<&PlanName, &str> = BTreeMap::new();
    let mut banks: BTreeMap<&BankName, (&Path, &str)> = BTreeMap::new();
    let mut ports: BTreeMap<&str, (&BankName, &str)> = BTreeMap::new();
    let mut reports: BTreeMap<&Path, &str> = BTreeMap::new();
    for (key, loaded) in plans {
        let problem = |what: String| {
            doc.push(Problem::new(Place { key: format!("{key}.plan"), ..doc.place(key) }, what));
        };
        let (plan, bank) = (&loaded.plan, &loaded.plan.bank);
        if let Some(first) = names.get(&plan.name) {
            problem(format!("its plan is named `{}`, as that of {first}; each has its own name", plan.name));
            continue;
        }
        names.insert(&plan.name, key);
        // Where none could be made out, that is told.
        let own = loaded.entry.reports.as_path();
        if let Some(first) = reports.get(own).filter(|_| !own.as_os_str().is_empty()) {
            problem(format!("has the reports folder of {first}; each has its own"));
        }
        reports.insert(&loaded.entry.reports, key);
        match banks.get(&bank.name) {
            Some((path, first)) if !same_file(path, &bank.path) => problem(format!(
                "its bank is named `{}`, as that of {first} (`{}`); one bank has one file, and two banks have two names",
                bank.name,
                shown(path)
            )),
            Some(_) => {}
            None => {
                banks.insert(&bank.name, (&bank.path, key));
                for modem in bank.modems.iter().filter(|modem| !modem.port.is_empty()) {
                    if let Some((other, first)) = ports.get(modem.port.as_str()) {
                        problem(format!(
                            "its bank `{}` has the port `{}`, which is one of the bank `{other}` of {first}; a port is of one bank",
                            bank.name, modem.port
                        ));
                    }
                    ports.insert(&modem.port, (&bank.name, key));
                }
            }
        }
    }
}

fn same_file(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| absolute(path));
    real(a) == real(b)
}
