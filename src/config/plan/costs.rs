//! `tariff:` and `budget:` of a plan: what calls cost, and what may be spent on them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::{Plan, PlannedLine};
use crate::config::bank::Bank;
use crate::config::library::{Library, LoadError};
use crate::config::numbering::Numbering;
use crate::config::problem::Problem;
use crate::config::tariff::{Tariff, TariffFile, money};
use crate::config::yaml::Doc;
use crate::fleet::budget::{Budget, Funds, Ledger, Measure, Purse, Scope, Shortage};
use crate::model::{Charge, LineId, NumberClass, PhoneNumber, Price};

/// `budget:` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BudgetFile {
    run: Option<PurseFile>,
    line: Option<PurseFile>,
    number: Option<PurseFile>,
    local: Option<PurseFile>,
    national: Option<PurseFile>,
    mobile: Option<PurseFile>,
    international: Option<PurseFile>,
}

/// What may be spent, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PurseFile {
    calls: Option<u64>,
    minutes: Option<u64>,
    cost: Option<String>,
}

/// What calls cost and may cost, with what should be read of it.
#[derive(Debug, Default)]
pub(super) struct Costs {
    pub(super) tariff: Option<Arc<Tariff>>,
    pub(super) budget: Budget,
    pub(super) warnings: Vec<Problem>,
}

/// All that prices and budgets are held against.
pub(super) struct Calls<'a> {
    pub(super) dialing: Option<(&'a Numbering, &'a Bank)>,
    pub(super) lines: &'a [PlannedLine],
    /// Numbers that are called to check the bench.
    pub(super) others: Vec<PhoneNumber>,
    /// The longest that a call can take.
    pub(super) room: Duration,
}

impl Plan {
    /// What calls to a number are charged by, as seen from the bank.
    pub fn price(&self, number: &PhoneNumber) -> Price {
        price(&self.numbering, &self.bank, self.tariff.as_deref(), number)
    }
}

fn price(numbering: &Numbering, bank: &Bank, tariff: Option<&Tariff>, number: &PhoneNumber) -> Price {
    let class = numbering.class(number, &bank.location);
    Price { class, rates: tariff.and_then(|tariff| tariff.rates(class, number)).cloned() }
}

/// Reads both keys, and holds them against each other and against the numbers of the plan.
pub(super) fn check(
    tariff: Option<&str>,
    budget: &BudgetFile,
    calls: &Calls<'_>,
    library: &Library,
    doc: &Doc,
) -> Costs {
    let named = tariff.is_some();
    let tariff = tariff.and_then(|name| load(name, library, doc));
    let budget = budget.check(doc);
    let mut warnings = Vec::new();
    if !named && !doc.is_pruned("tariff") {
        for (key, _) in purses(&budget).filter(|(_, purse)| purse.cost.is_some()) {
            let what =
                "is in money, and the plan has no tariff: write `tariff: NAME`, a file of dialplans/tariffs";
            doc.problem(&format!("budget.{key}.cost"), what);
        }
    }
    if let (Some(dialing), false) = (calls.dialing, named && tariff.is_none()) {
        if let Some(tariff) = &tariff {
            warnings.extend(unpriced(tariff, &budget, dialing, calls, doc));
        }
        if tariff.is_some() || !budget.counts_money() {
            warnings.extend(too_small(tariff.as_deref(), &budget, dialing, calls, doc));
        }
    }
    Costs { tariff, budget, warnings }
}

fn load(name: &str, library: &Library, doc: &Doc) -> Option<Arc<Tariff>> {
    match library.load::<TariffFile>(name) {
        Ok(tariff) => Some(Arc::new(tariff)),
        Err(LoadError::Unknown(what)) => {
            doc.problem("tariff", what);
            None
        }
        Err(LoadError::Bad(problems)) => {
            problems.0.into_iter().for_each(|problem| doc.push(problem));
            None
        }
    }
}

impl BudgetFile {
    fn check(&self, doc: &Doc) -> Budget {
        let purse = |file: &Option<PurseFile>, key: &str, may_be_zero: bool| {
            file.as_ref().map(|file| file.check(&format!("budget.{key}"), may_be_zero, doc))
        };
        let Self { run, line, number, local, national, mobile, international } = self;
        let by_class = NumberClass::ALL.into_iter().zip([local, national, mobile, international]);
        Budget {
            run: purse(run, "run", false).unwrap_or_default(),
            by_class: by_class
                .filter_map(|(class, file)| Some((class, purse(file, class.word(), true)?)))
                .collect(),
            line: purse(line, "line", false).unwrap_or_default(),
            number: purse(number, "number", false).unwrap_or_default(),
        }
    }
}

impl PurseFile {
    fn check(&self, key: &str, may_be_zero: bool, doc: &Doc) -> Purse {
        if self.calls.is_none() && self.minutes.is_none() && self.cost.is_none() && !doc.lost_a_part(key) {
            doc.problem(
                key,
                "has no limit; write `calls: 500`, `minutes: 900`, `cost: \"25.00\"` or some of them",
            );
        }
        let zero = |name: &str, limit: Option<u64>| {
            if limit == Some(0) && !may_be_zero {
                doc.problem(
                    &format!("{key}.{name}"),
                    "is 0; nothing could be dialed: leave it out for no limit",
                );
            }
        };
        zero("calls", self.calls);
        zero("minutes", self.minutes);
        let cost = self.cost.as_deref().and_then(|text| match money(text) {
            Ok(cost) => Some(cost),
            Err(what) => {
                doc.problem(&format!("{key}.cost"), what);
                None
            }
        });
        let time = self.minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60)));
        Purse { calls: self.calls, time, cost }
    }
}

/// The purses with their keys.
fn purses(budget: &Budget) -> impl Iterator<Item = (&'static str, &Purse)> {
    [("run", &budget.run), ("line", &budget.line), ("number", &budget.number)]
        .into_iter()
        .chain(budget.by_class.iter().map(|(class, purse)| (class.word(), purse)))
}

/// Numbers that the tariff has no price for: an error where a budget in money would have to pay for them.
fn unpriced(
    tariff: &Tariff,
    budget: &Budget,
    (numbering, bank): (&Numbering, &Bank),
    calls: &Calls<'_>,
    doc: &Doc,
) -> Vec<Problem> {
    // By class, how many there are, and the first.
    let mut found: BTreeMap<NumberClass, (usize, &PhoneNumber)> = BTreeMap::new();
    for number in calls.numbers() {
        let price = price(numbering, bank, Some(tariff), number);
        if price.rates.is_none() {
            found.entry(price.class).or_insert((0, number)).0 += 1;
        }
    }
    let shared = [&budget.run, &budget.line, &budget.number].into_iter().any(|purse| purse.cost.is_some());
    let mut warnings = Vec::new();
    for (class, (count, first)) in found {
        let word = class.word();
        let who =
            if count == 1 { first.to_string() } else { format!("{count} numbers, the first is {first}") };
        let what = format!(
            "the tariff `{}` has no price for {word} numbers ({who}); give it `classes.{word}`, or `prefixes` that they begin with",
            tariff.name
        );
        if shared || budget.by_class.get(&class).is_some_and(|purse| purse.cost.is_some()) {
            doc.problem("tariff", format!("{what}: a budget in money can't hold what has no price"));
        } else {
            warnings.push(Problem::new(doc.place("tariff"), format!("{what}: what they cost is not told")));
        }
    }
    warnings
}

/// Purses that can't pay for one longest call: an error where nothing could be dialed at all.
fn too_small(
    tariff: Option<&Tariff>,
    budget: &Budget,
    (numbering, bank): (&Numbering, &Bank),
    calls: &Calls<'_>,
    doc: &Doc,
) -> Vec<Problem> {
    if *budget == Budget::default() {
        return Vec::new();
    }
    let ledger: Ledger<(), ()> = Ledger::new(budget.clone());
    let mut found: BTreeMap<Shortage, (usize, &LineId, Charge)> = BTreeMap::new();
    let mut to_dial = 0;
    for planned in calls.to_dial() {
        to_dial += 1;
        let mut short = None;
        for way in &planned.ways {
            let worst = price(numbering, bank, tariff, &way.number).worst(calls.room);
            match ledger.may_begin(Some(&()), &(), &worst) {
                Funds::Enough => {
                    short = None;
                    break;
                }
                // What has no price was told.
                Funds::Spent(_) if worst.cost.is_none() && budget.counts_money() => {}
                Funds::Spent(shortage) | Funds::SetAside(shortage) => short = Some((shortage, worst)),
            }
        }
        if let Some((shortage, worst)) = short {
            found.entry(shortage).or_insert((0, &planned.line.id, worst)).0 += 1;
        }
    }
    let mut warnings = Vec::new();
    let all_short = found.values().map(|(count, ..)| count).sum::<usize>() == to_dial;
    for (shortage, (count, first, worst)) in found {
        let key = key_of(&shortage);
        let takes = match (shortage.measure, worst.cost) {
            (Measure::Cost, Some(cost)) => format!("may cost up to {cost}"),
            (Measure::Cost, None) | (Measure::Time, _) => {
                format!("may be billed up to {} min", worst.billed_s.div_ceil(60))
            }
            // Nobody is to be called there, and whoever wrote it knows.
            (Measure::Calls, _) => continue,
        };
        let who = if count == 1 {
            format!("line `{first}`")
        } else {
            format!("{count} lines, the first is `{first}`")
        };
        let what = format!("is less than one call may take, so none is made ({who}: a call {takes})");
        if all_short {
            doc.problem(&key, format!("{what}; give it more, or shorten `limits.call`"));
        } else {
            warnings.push(Problem::new(doc.place(&key), what));
        }
    }
    warnings
}

/// `budget.run.minutes`
fn key_of(shortage: &Shortage) -> String {
    let scope = match shortage.scope {
        Scope::Line => "line",
        Scope::Number => "number",
        Scope::Class(class) => class.word(),
        Scope::Run => "run",
    };
    let measure = match shortage.measure {
        Measure::Calls => "calls",
        Measure::Time => "minutes",
        Measure::Cost => "cost",
    };
    format!("budget.{scope}.{measure}")
}

impl Calls<'_> {
    fn to_dial(&self) -> impl Iterator<Item = &PlannedLine> {
        self.lines.iter().filter(|planned| planned.preset.is_none())
    }

    /// All numbers that may be called, each as often as a line has it.
    fn numbers(&self) -> impl Iterator<Item = &PhoneNumber> {
        self.to_dial().flat_map(|planned| planned.ways.iter().map(|way| &way.number)).chain(&self.others)
    }
}

#[cfg(test)]
#[path = "costs/tests.rs"]
mod tests;
