//! Names that a shell may offer at a TAB: of lines, sites, tags and modems, and runs' ids. They come from the plan that
//! the command line names; where it names none, from the example for what would run it, else from the last run.
//!
//! What can't be read offers nothing: a TAB is no place for complaints.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use clap_complete::engine::CompletionCandidate;

use crate::config::library::{Known, Library};
use crate::config::{Overrides, Plan, load_plan};
use crate::journal;
use crate::model::event::RunHeader;
use crate::model::{Event, EventKind, Line};

use super::example::Example;
use super::report::folder;

/// Longest first event of a journal that is read, bytes: it has all lines of the plan.
const HEADER_MAX: u64 = 64 << 20;

/// Lines and sites: what `--only` and `lineman call` take.
pub(super) fn lines(current: &OsStr) -> Vec<CompletionCandidate> {
    offer(current, |all| {
        let lines = all.lines.iter();
        lines.flat_map(|line| [line.id.to_string(), line.site.to_string()]).collect()
    })
}

/// Sites.
pub(super) fn sites(current: &OsStr) -> Vec<CompletionCandidate> {
    offer(current, |all| all.lines.iter().map(|line| line.site.to_string()).collect())
}

/// Tags.
pub(super) fn tags(current: &OsStr) -> Vec<CompletionCandidate> {
    offer(current, |all| all.lines.iter().flat_map(|line| line.facets.tags.clone()).collect())
}

/// Lines, sites and modems: what `lineman why` and `lineman report trend` take.
pub(super) fn all(current: &OsStr) -> Vec<CompletionCandidate> {
    offer(current, |all| {
        let lines = all.lines.iter().flat_map(|line| [line.id.to_string(), line.site.to_string()]);
        lines.chain(all.modems.iter().cloned()).collect()
    })
}

/// Modems of the bank.
pub(super) fn modems(current: &OsStr) -> Vec<CompletionCandidate> {
    offer(current, |all| all.modems.iter().cloned().collect())
}

/// Consoles of the library, and `none`.
pub(super) fn consoles(current: &OsStr) -> Vec<CompletionCandidate> {
    let names = Library::around(Path::new("lineman")).names(Known::Console);
    beginning(current, names.into_iter().chain(["none".to_owned()]).collect())
}

/// Runs of the reports folder, and the two links.
pub(super) fn runs(current: &OsStr) -> Vec<CompletionCandidate> {
    let reports = folder(Typed::now().value("--reports").map(PathBuf::from).as_ref());
    let runs = journal::runs(&reports).unwrap_or_default();
    let names = runs.into_iter().map(|(run, ..)| run.to_string()).chain(["latest".to_owned()]).collect();
    beginning(current, names)
}

/// The names that begin with what stands there; of a list between commas with its last part.
fn offer(current: &OsStr, names: impl FnOnce(&Names) -> BTreeSet<String>) -> Vec<CompletionCandidate> {
    Names::find(&Typed::now()).map_or_else(Vec::new, |all| beginning(current, names(&all)))
}

fn beginning(current: &OsStr, names: BTreeSet<String>) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else { return Vec::new() };
    let (before, begun) = current
        .rsplit_once(',')
        .map_or(("", current), |(_, begun)| current.split_at(current.len() - begun.len()));
    let begins = |name: &String| name.get(..begun.len()).is_some_and(|head| head.eq_ignore_ascii_case(begun));
    names.into_iter().filter(begins).map(|name| CompletionCandidate::new(format!("{before}{name}"))).collect()
}

/// What is typed so far: a shell hands it in behind a `--`.
struct Typed(Vec<String>);

impl Typed {
    fn now() -> Self {
        let words = std::env::args_os().skip_while(|word| word != "--").skip(1);
        Self(words.map(|word| word.to_string_lossy().into_owned()).collect())
    }

    fn value(&self, option: &str) -> Option<&str> {
        self.0.iter().enumerate().find_map(|(at, word)| match word.strip_prefix(option) {
            Some("") => self.0.get(at + 1).map(String::as_str),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        })
    }

    /// The plan among them.
    fn plan(&self) -> Option<&Path> {
        let is_plan =
            |path: &&Path| path.extension().is_some_and(|e| e == "yaml" || e == "yml") && path.is_file();
        let bank = self.value("--bank");
        let words = self.0.iter().skip(1).map(String::as_str).filter(|word| Some(*word) != bank);
        self.value("--plan").into_iter().chain(words).map(Path::new).find(is_plan)
    }

    /// Whether it is a verb that takes the example where no plan is named.
    fn runs_the_example(&self) -> bool {
        self.0.iter().skip(1).any(|word| ["audit", "call", "check"].contains(&word.as_str()))
    }
}

/// What there is to be named.
struct Names {
    lines: Vec<Line>,
    modems: BTreeSet<String>,
}

impl Names {
    fn find(typed: &Typed) -> Option<Self> {
        let load = |path: &Path| load_plan(path, &Overrides::default()).ok();
        if let Some(path) = typed.plan() {
            return load(path).as_ref().map(Self::of_plan);
        }
        if typed.runs_the_example() {
            let example = Example::find().ok()?;
            return load(&example.plan).as_ref().map(Self::of_plan);
        }
        let reports = folder(typed.value("--reports").map(PathBuf::from).as_ref());
        ["current", "latest"].iter().find_map(|name| Self::of_run(&reports.join(name)))
    }

    fn of_plan(plan: &Plan) -> Self {
        Self {
            lines: plan.lines.iter().map(|planned| planned.line.clone()).collect(),
            modems: plan.bank.modems.iter().map(|modem| modem.id.to_string()).collect(),
        }
    }

    /// Those of a run, as its journal's first event has them.
    fn of_run(folder: &Path) -> Option<Self> {
        let file = File::open(folder.join(journal::FILE_NAME)).ok()?;
        let mut first = String::new();
        BufReader::new(file.take(HEADER_MAX)).read_line(&mut first).ok()?;
        match serde_json::from_str::<Event>(&first).ok()?.kind {
            EventKind::RunStarted(header) => Some(Self::of_header(*header)),
            _ => None,
        }
    }

    fn of_header(header: RunHeader) -> Self {
        let modems = header.modems.iter().map(|modem| modem.id.to_string()).collect();
        Self { lines: header.lines, modems }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(current: &str, names: &[&str]) -> Vec<String> {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let found = beginning(OsStr::new(current), names);
        found.iter().map(|found| found.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_name_is_completed_and_so_is_the_last_of_a_list() {
        let names = ["BR0001-A", "BR0001", "BR0002-A", "m00"];
        assert_eq!(offered("br0001", &names), ["BR0001", "BR0001-A"]);
        assert_eq!(offered("BR0002-A,BR0001-", &names), ["BR0002-A,BR0001-A"]);
        assert_eq!(offered("", &names).len(), 4);
        assert!(offered("x", &names).is_empty() && offered("é", &names).is_empty());
    }

    #[test]
    fn the_plan_is_found_among_what_is_typed() {
        let folder = tempfile::tempdir().unwrap();
        let plan = folder.path().join("p.yaml");
        std::fs::write(&plan, "").unwrap();
        let path = plan.to_str().unwrap();
        let typed = |words: &[&str]| Typed(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(typed(&["lineman", "audit", path, "--only", "x"]).plan(), Some(plan.as_path()));
        assert_eq!(typed(&["lineman", "call", "--plan", path, "x"]).plan(), Some(plan.as_path()));
        assert_eq!(typed(&["lineman", "audit", "--bank", path]).plan(), None);
        assert_eq!(typed(&["lineman", "audit", "--bank", "b", "--plan=x.yaml"]).plan(), None);
        assert!(
            typed(&["lineman", "check"]).runs_the_example() && !typed(&["lineman", "why"]).runs_the_example()
        );
    }
}
