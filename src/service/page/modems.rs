//! The banks: how each modem stands now, with the reason where it does not dial; and how it served the last runs.

use std::collections::BTreeMap;

use minijinja::Value;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::frame::{Moment, stands, tone};
use super::past::{history, unread};
use super::{Here, Lost, Page};
use crate::history::portrait::{BankNights, Service};
use crate::model::{BankName, Verdict};
use crate::report::charts;
use crate::report::html::words::{clean, grouped};
use crate::service::status::{BankStatus, ModemStatus};

/// Runs that a picture shows.
const RUNS_MAX: u16 = 45;

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "a template names them")]
struct Bank {
    bank: String,
    run: String,
    modems: Vec<Modem>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "a template names them")]
struct Modem {
    modem: String,
    port: String,
    stands: &'static str,
    tone: &'static str,
    why: String,
    until: Option<Moment>,
    call: String,
    restarts: u32,
    disabled: bool,
}

#[derive(Serialize)]
struct Health {
    bank: String,
    picture: String,
    rows: Vec<Served>,
    note: String,
}

/// One modem's last runs, summed up.
#[derive(Serialize)]
struct Served {
    modem: String,
    family: String,
    health: String,
    runs: usize,
    calls: String,
    passed: String,
    ours: String,
    times_out: String,
    fault: &'static str,
    detail: String,
}

#[expect(clippy::unnecessary_wraps, reason = "other pages may not be found")]
pub(super) fn page(here: &Here) -> Result<Page, Lost> {
    let banks: Vec<Bank> = here.status.banks.iter().map(bank).collect();
    let health = if here.part { Vec::new() } else { health(here) };
    let pictures: Vec<Value> = health
        .into_iter()
        .map(|mut health| {
            let picture = Value::from_safe_string(std::mem::take(&mut health.picture));
            context! { drawn => picture, ..Value::from(Serde(health)) }
        })
        .collect();
    Ok(Page {
        template: "modems",
        title: "Modems".to_owned(),
        section: "modems",
        value: context! { banks => Value::from(Serde(banks)), health => pictures },
    })
}

fn bank(told: &BankStatus) -> Bank {
    Bank {
        bank: told.bank.to_string(),
        run: told.run.as_ref().map(ToString::to_string).unwrap_or_default(),
        modems: told.modems.iter().map(modem).collect(),
    }
}

fn modem(told: &ModemStatus) -> Modem {
    Modem {
        modem: told.modem.to_string(),
        port: clean(&told.port),
        stands: stands(told.stands),
        tone: tone(told.stands),
        why: clean(&told.why),
        until: told.until.map(Moment::from),
        call: told.call.as_ref().map(ToString::to_string).unwrap_or_default(),
        restarts: told.restarts,
        disabled: matches!(told.stands, crate::service::status::Stands::Disabled),
    }
}

fn health(here: &Here) -> Vec<Health> {
    let mut banks: BTreeMap<&BankName, Health> = BTreeMap::new();
    for plan in &here.loaded.plans {
        let name = plan.bank();
        // Plans of one bank mostly share a history; where each has its own, the first one that knows the bank is shown.
        if banks.get(name).is_some_and(|health| !health.picture.is_empty()) {
            continue;
        }
        let found = history(plan).and_then(|store| {
            store.map(|store| store.bank_nights(name, RUNS_MAX).map_err(|error| unread(&error))).transpose()
        });
        let health = match found {
            Ok(found) => told(name, &found.unwrap_or_default()),
            Err(Lost::Unreadable(note) | Lost::Unknown(note)) => {
                Health { note, ..told(name, &BankNights::default()) }
            }
            Err(Lost::Template(_)) => continue,
        };
        banks.insert(name, health);
    }
    banks.into_values().collect()
}

fn told(bank: &BankName, nights: &BankNights) -> Health {
    let modems: Vec<(String, Vec<Option<charts::Served>>)> = nights
        .modems
        .iter()
        .map(|(modem, served)| {
            (modem.to_string(), served.iter().map(|served| served.as_ref().map(drawn)).collect())
        })
        .collect();
    let picture = charts::bank_nights(&nights.runs, &modems).unwrap_or_default();
    let rows = nights.modems.iter().map(|(modem, served)| {
        let all = || served.iter().flatten();
        let sum = |of: fn(&Service) -> u32| all().map(|served| u64::from(of(served))).sum::<u64>();
        let last = all().next_back();
        let (calls, passed) = (sum(|served| served.calls), sum(|served| served.passed));
        let trouble = all().rev().find(|served| served.last_fault.is_some());
        Served {
            modem: modem.to_string(),
            family: last.map(|last| clean(&last.family)).unwrap_or_default(),
            health: last.map(|last| clean(&last.health)).unwrap_or_default(),
            runs: all().count(),
            calls: grouped(calls),
            passed: (passed * 100).checked_div(calls).map(|share| format!("{share} %")).unwrap_or_default(),
            ours: grouped(sum(|served| served.bench_faults)),
            times_out: grouped(sum(|served| served.times_out)),
            fault: trouble.and_then(|served| served.last_fault).map_or("", crate::model::Fault::code),
            detail: trouble.and_then(|served| served.detail.as_deref()).map(clean).unwrap_or_default(),
        }
    });
    let note = if nights.runs.is_empty() {
        "The history knows no run on this bank yet.".to_owned()
    } else {
        String::new()
    };
    Health { bank: bank.to_string(), picture, rows: rows.collect(), note }
}

fn drawn(served: &Service) -> charts::Served {
    let tone = match served.health.as_str() {
        "good" => Verdict::Pass,
        "troubled" => Verdict::Degraded,
        "bad" => Verdict::Fail,
        _ => Verdict::Untested,
    };
    charts::Served { tone, calls: served.calls, bench_faults: served.bench_faults }
}
