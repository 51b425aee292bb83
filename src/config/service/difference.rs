//! In what two configurations differ, in words: for the log, and for whoever asked to have it read again.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};

use super::{Loaded, LoadedPlan, Schedule, Service};
use crate::config::bank::Bank;
use crate::config::plan::{Plan, PlannedLine};
use crate::model::{BankName, PlanName};

/// Names that one sentence gives; of more it gives the number.
const NAMED_MAX: usize = 8;

/// What changed, one sentence each; nothing if they are the same.
pub fn told(old: &Loaded, new: &Loaded) -> Vec<String> {
    let mut said = of_service(&old.service, &new.service);
    let plans = |loaded: &Loaded| -> BTreeMap<PlanName, LoadedPlan> {
        loaded.plans.iter().map(|plan| (plan.name().clone(), plan.clone())).collect()
    };
    let (before, after) = (plans(old), plans(new));
    said.extend(names("plan", "is gone", before.keys().filter(|plan| !after.contains_key(*plan))));
    said.extend(names("plan", "is new", after.keys().filter(|plan| !before.contains_key(*plan))));
    let mut banks: BTreeMap<&BankName, (&Bank, &Bank)> = BTreeMap::new();
    for (name, after) in &after {
        let Some(before) = before.get(name) else { continue };
        said.extend(of_entry(before, after));
        said.extend(of_plan(&before.plan, &after.plan));
        if before.bank() == after.bank() {
            banks.insert(before.bank(), (&before.plan.bank, &after.plan.bank));
        } else {
            said.push(format!("plan `{name}` has the bank `{}` now, for `{}`", after.bank(), before.bank()));
        }
    }
    for (before, after) in banks.into_values() {
        said.extend(of_bank(before, after));
    }
    said
}

/// Whether two things are shown alike: not all of them can be compared, and what is not shown is not written by anybody.
fn same(before: &impl Debug, after: &impl Debug) -> bool {
    format!("{before:?}") == format!("{after:?}")
}

/// `lines `A`, `B` are new`
fn names<T: Display>(noun: &str, what: &str, all: impl Iterator<Item = T>) -> Option<String> {
    let all: Vec<String> = all.map(|name| format!("`{name}`")).collect();
    let (is, many) = (what.starts_with("is "), all.len() > 1);
    let plural = what.replacen("is ", "are ", 1);
    match all.len() {
        0 => None,
        1 => Some(format!("{noun} {} {what}", all.concat())),
        n if n > NAMED_MAX => Some(format!("{n} {noun}s {}", if is && many { &plural } else { what })),
        _ => Some(format!("{noun}s {} {}", all.join(", "), if is { &plural } else { what })),
    }
}

fn of_service(before: &Service, after: &Service) -> Vec<String> {
    const LATER: &str = "; it takes effect when the daemon is started again";
    let mut said = Vec::new();
    let mut say = |changed: bool, words: &str| {
        if changed {
            said.push(words.to_owned());
        }
    };
    if before.enabled != after.enabled {
        say(true, if after.enabled { "the daemon is enabled" } else { "the daemon is disabled" });
    }
    say(before.name != after.name, &format!("the daemon's name has changed{LATER}"));
    say(before.state != after.state, &format!("the folder of its state has changed{LATER}"));
    say(before.socket != after.socket, "the control socket has changed");
    say(before.reports != after.reports, "the reports folder has changed, for runs that begin from now on");
    say(before.leadership != after.leadership, "leadership has changed");
    say(before.log != after.log, "what is logged has changed");
    match (&before.http, &after.http) {
        (Some(before), Some(after)) => {
            let doors = (before.listen, &before.tls, before.max_connections);
            say(
                doors != (after.listen, &after.tls, after.max_connections),
                "where or how the HTTP server listens has changed",
            );
            say(before.token != after.token, "where the token is has changed");
            say(before.reading != after.reading, "who may read over HTTP has changed");
        }
        (before, after) => say(before != after, "the HTTP server has come or gone"),
    }
    said
}

fn of_entry(before: &LoadedPlan, after: &LoadedPlan) -> Vec<String> {
    let name = after.name();
    let (before, after) = (&before.entry, &after.entry);
    let mut said = Vec::new();
    if before.enabled != after.enabled {
        said.push(format!("plan `{name}` is {}", if after.enabled { "enabled" } else { "disabled" }));
    }
    if before.schedule != after.schedule {
        let written = |schedule: &Option<Schedule>| {
            schedule.as_ref().map_or_else(|| "on demand only".to_owned(), ToString::to_string)
        };
        said.push(format!(
            "plan `{name}` is due by {} now, for {}",
            written(&after.schedule),
            written(&before.schedule)
        ));
    }
    let rules = [
        (before.missed != after.missed, "missed"),
        (before.window != after.window, "window"),
        (before.when != after.when, "when"),
        (before.during_pause != after.during_pause, "during_pause"),
        (before.reports != after.reports, "reports"),
    ];
    let rules: Vec<String> =
        rules.iter().filter(|(changed, _)| *changed).map(|(_, key)| format!("`{key}`")).collect();
    if !rules.is_empty() {
        said.push(format!("of plan `{name}` {} has changed", rules.join(", ")));
    }
    said
}

fn of_plan(before: &Plan, after: &Plan) -> Vec<String> {
    let name = &after.name;
    let lines = |plan: &Plan| -> BTreeMap<String, PlannedLine> {
        plan.lines.iter().map(|planned| (planned.line.id.to_string(), planned.clone())).collect()
    };
    let (old, new) = (lines(before), lines(after));
    let noun = format!("plan `{name}`: line");
    let both = || new.iter().filter_map(|(id, after)| Some((id, old.get(id)?, after)));
    let turned = |to: bool| {
        both().filter(move |(_, before, after)| before.enabled != after.enabled && after.enabled == to)
    };
    let mut said = Vec::new();
    said.extend(names(&noun, "is gone", old.keys().filter(|id| !new.contains_key(*id))));
    said.extend(names(&noun, "is new", new.keys().filter(|id| !old.contains_key(*id))));
    said.extend(names(&noun, "is enabled", turned(true).map(|(id, ..)| id)));
    said.extend(names(&noun, "is disabled", turned(false).map(|(id, ..)| id)));
    let changed = both().filter(|(_, before, after)| !same_line(before, after)).map(|(id, ..)| id);
    said.extend(names(&noun, "has changed", changed));
    let dialogs = |plan: &Plan| -> BTreeMap<String, String> {
        let named =
            plan.lines.iter().filter_map(|planned| Some((planned.console.clone()?, planned.dialog.clone()?)));
        let once: BTreeMap<_, _> = named.collect();
        once.into_iter().map(|(name, dialog)| (name, format!("{dialog:?}"))).collect()
    };
    let (old, new) = (dialogs(before), dialogs(after));
    let changed = new.iter().filter(|(name, dialog)| old.get(*name).is_some_and(|before| before != *dialog));
    said.extend(names(&format!("plan `{name}`: console"), "has changed", changed.map(|(name, _)| name)));
    let parts = [
        (same(&before.numbering, &after.numbering), "numbering"),
        (same(&before.sites, &after.sites), "sites"),
        (same(&before.hunt_groups, &after.hunt_groups), "hunt_groups"),
        (same(&before.carriers, &after.carriers), "carriers"),
        (same(&before.credentials, &after.credentials), "credentials"),
        (same(&(&before.policy, before.deadline), &(&after.policy, after.deadline)), "policy"),
        (same(&before.checks, &after.checks), "checks"),
        (same(&before.tariff, &after.tariff), "tariff"),
        (same(&before.budget, &after.budget), "budget"),
        (same(&before.zone, &after.zone), "zone"),
        (same(&before.limits, &after.limits), "limits"),
        (same(&before.history, &after.history), "history"),
        (same(&before.notify, &after.notify), "notify"),
        (before.seed == after.seed, "seed"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(same, _)| !same).map(|(_, part)| format!("`{part}`")).collect();
    if !parts.is_empty() {
        let parts = parts.join(", ");
        said.push(format!("plan `{name}`: {parts} has changed, for runs that begin from now on"));
    }
    said
}

/// Whether a line is the same, but for being enabled; what is said at its console is told by the console's name.
fn same_line(before: &PlannedLine, after: &PlannedLine) -> bool {
    let about = |planned: &PlannedLine| {
        let preset = planned.preset.clone().filter(|_| planned.enabled);
        let of = (&planned.line, &planned.console, &planned.consoles, &planned.credential, &planned.zone);
        format!(
            "{of:?} {:?}",
            (&planned.ways, &planned.hold, &planned.number_confirmed, &preset, &planned.hours)
        )
    };
    let presets = |planned: &PlannedLine| planned.preset.is_some() && planned.enabled;
    if before.enabled != after.enabled && !presets(before) && !presets(after) {
        // Its preset comes and goes with it.
        let enabled = |planned: &PlannedLine| PlannedLine { enabled: true, preset: None, ..planned.clone() };
        return about(&enabled(before)) == about(&enabled(after));
    }
    about(before) == about(after)
}

fn of_bank(before: &Bank, after: &Bank) -> Vec<String> {
    let noun = format!("bank `{}`: modem", after.name);
    let modems = |bank: &Bank| -> BTreeMap<_, _> {
        bank.modems.iter().map(|modem| (modem.id.clone(), modem.clone())).collect()
    };
    let (old, new) = (modems(before), modems(after));
    let both = || new.iter().filter_map(|(id, after)| Some((id, old.get(id)?, after)));
    let turned = |to: bool| {
        both().filter(move |(_, before, after)| before.enabled != after.enabled && after.enabled == to)
    };
    let changed = both().filter(|(_, before, after)| {
        let mut as_after = (*before).clone();
        as_after.enabled = after.enabled;
        as_after != **after
    });
    let later = "has changed, for runs that begin from now on";
    let mut said = Vec::new();
    said.extend(names(&noun, "is gone", old.keys().filter(|id| !new.contains_key(*id))));
    said.extend(names(&noun, "is new", new.keys().filter(|id| !old.contains_key(*id))));
    said.extend(names(&noun, "is enabled", turned(true).map(|(id, ..)| id)));
    said.extend(names(&noun, "is disabled", turned(false).map(|(id, ..)| id)));
    said.extend(names(&noun, later, changed.map(|(id, ..)| id)));
    let rest = |bank: &Bank| {
        format!(
            "{:?}",
            (&bank.location, bank.on_hook_min, &bank.trunks, &bank.profiles, &bank.exchange, bank.rehearsal)
        )
    };
    if rest(before) != rest(after) {
        said.push(format!(
            "bank `{}`: its trunks, place or profiles have changed, for runs that begin from now on",
            after.name
        ));
    }
    said
}
