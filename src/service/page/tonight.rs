//! The first page: what goes on now, what waits, when what is due, and what the last run of each plan found.

use std::collections::BTreeMap;

use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use super::frame::{Moment, daemon, stands, tone};
use super::{Here, Lost, Page, going, past};
use crate::report::html;
use crate::report::html::words::clean;
use crate::service::status::{PlanStatus, Stands, Status};

/// Plans whose last run is told in full.
const TOLD_MAX: usize = 4;

/// A plan.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "a template names them")]
pub(super) struct Plan {
    pub(super) plan: String,
    pub(super) bank: String,
    pub(super) stands: &'static str,
    pub(super) tone: &'static str,
    pub(super) word: Stands,
    pub(super) why: String,
    until: Option<Moment>,
    schedule: String,
    next: Option<Moment>,
    run: String,
    last: Option<Last>,
    disabled: Vec<(String, String)>,
}

#[derive(Serialize)]
struct Last {
    run: String,
    ended: Moment,
    completed: bool,
    counts: BTreeMap<String, usize>,
}

/// What waits for its bank.
#[derive(Serialize)]
pub(super) struct Queued {
    plan: String,
    line: String,
    since: Moment,
    why: String,
}

#[expect(clippy::unnecessary_wraps, reason = "other pages may not be found")]
pub(super) fn page(here: &Here) -> Result<Page, Lost> {
    let part = context! {
        daemon => Value::from(Serde(daemon(&here.status))),
        runs => Value::from(Serde(going::all(here))),
        plans => Value::from(Serde(plans(&here.status))),
        queue => Value::from(Serde(queue(&here.status))),
    };
    let nights = if here.part { Vec::new() } else { nights(here) };
    let more = here.loaded.plans.len().saturating_sub(TOLD_MAX);
    Ok(Page {
        template: "tonight",
        title: "Tonight".to_owned(),
        section: "tonight",
        value: context! { nights, more, ..part },
    })
}

pub(super) fn plans(status: &Status) -> Vec<Plan> {
    status.plans.iter().map(plan).collect()
}

fn plan(told: &PlanStatus) -> Plan {
    Plan {
        plan: told.plan.to_string(),
        bank: told.bank.to_string(),
        stands: stands(told.stands),
        tone: tone(told.stands),
        word: told.stands,
        why: clean(&told.why),
        until: told.until.map(Moment::from),
        schedule: told.schedule.iter().map(|text| clean(text)).collect::<Vec<_>>().join(", "),
        next: told.next.map(Moment::from),
        run: told.run.as_ref().map(ToString::to_string).unwrap_or_default(),
        last: told.last.as_ref().map(|last| Last {
            run: last.run.to_string(),
            ended: last.ended.into(),
            completed: last.completed,
            counts: last.counts.clone(),
        }),
        disabled: told.disabled_lines.iter().map(|(line, why)| (line.to_string(), clean(why))).collect(),
    }
}

pub(super) fn queue(status: &Status) -> Vec<Queued> {
    let queued = status.queue.iter().map(|waits| Queued {
        plan: waits.plan.to_string(),
        line: waits.line.as_ref().map(ToString::to_string).unwrap_or_default(),
        since: waits.since.into(),
        why: clean(&waits.why),
    });
    queued.collect()
}

/// What the last run of each plan found.
fn nights(here: &Here) -> Vec<Value> {
    let told = here.loaded.plans.iter().take(TOLD_MAX).filter_map(|plan| {
        let state = past::last(here, plan)?;
        let overview = html::overview(&state);
        Some(context! { runs => past::runs_of(plan.name()), ..overview })
    });
    told.collect()
}
