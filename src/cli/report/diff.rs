//! `lineman report diff`: what changed between two runs.

use serde::Serialize;

use crate::history::Store;
use crate::history::diff::{KnownRun, Which};
use crate::model::Changes;
use crate::report::changes_json::{ChangesJson, DIFF_COLUMNS, diff_rows};
use crate::report::page::Page;
use crate::report::{SCHEMA, news};

use super::super::args::{Diff, Format};
use super::super::{Failure, say, screen};
use crate::run::history::trouble;

#[derive(Serialize)]
struct Answer<'a> {
    schema: u32,
    from: Run<'a>,
    to: Run<'a>,
    changes: ChangesJson<'a>,
}

#[derive(Serialize)]
struct Run<'a> {
    #[serde(rename = "run")]
    id: &'a str,
    plan: &'a str,
    bank: &'a str,
    started: String,
    ended: bool,
}

impl<'a> From<&'a KnownRun> for Run<'a> {
    fn from(run: &'a KnownRun) -> Self {
        let KnownRun { id, plan, bank, started, ended, .. } = run;
        Self { id: id.as_str(), plan, bank, started: format!("{started:.3}"), ended: *ended }
    }
}

/// Runs it.
pub(super) fn run(args: &Diff) -> Result<u8, Failure> {
    let store = super::store(&args.asked)?;
    let (from, to) = runs(args, &store)?;
    let changes = store.diff(&from, &to).map_err(|error| Failure::wrong(trouble(&error)))?;
    say(&match args.asked.format {
        Format::Text => text(&from, &to, &changes),
        Format::Json => super::json(&Answer {
            schema: SCHEMA,
            from: (&from).into(),
            to: (&to).into(),
            changes: (&changes).into(),
        })?,
        Format::Csv => super::csv(&DIFF_COLUMNS, diff_rows(&changes))?,
    });
    Ok(0)
}

/// The two runs, the earlier one first.
fn runs(args: &Diff, store: &Store) -> Result<(KnownRun, KnownRun), Failure> {
    let asked = args.asked.plan.as_ref().map(crate::model::PlanName::as_str);
    let named = |name: &str, plan: Option<&str>| {
        let which = name.parse().map_or(Which::Id(name), Which::Day);
        find(store, which, plan)?.ok_or_else(|| {
            let of = plan.map_or(String::new(), |plan| format!(" of plan `{plan}`"));
            Failure::wrong(format!(
                "{} knows no run{of} `{name}`; name a run's id, or the day that it began, as `2026-11-14`",
                store.path().display()
            ))
        })
    };
    let nothing = || {
        let of = asked.map_or(String::new(), |plan| format!(" of plan `{plan}`"));
        Failure::wrong(format!("{} knows no run{of} yet", store.path().display()))
    };
    let (from, to) = match (&args.from, &args.to) {
        (None, _) => {
            let to = find(store, Which::Last, asked)?.ok_or_else(nothing)?;
            let from = find(store, Which::Before(&to), asked)?.ok_or_else(|| {
                Failure::wrong(format!(
                    "run `{}` is the first of its plan: there is nothing to compare it with",
                    to.id
                ))
            })?;
            (from, to)
        }
        (Some(from), None) => {
            let from = named(from, asked)?;
            let to = find(store, Which::Last, Some(&from.plan))?.ok_or_else(nothing)?;
            (from, to)
        }
        (Some(from), Some(to)) => {
            let to = named(to, asked)?;
            (named(from, asked.or(Some(&to.plan)))?, to)
        }
    };
    if from.started > to.started {
        return Err(Failure::wrong(format!(
            "run `{}` began after run `{}`; the earlier one comes first",
            from.id, to.id
        )));
    }
    Ok((from, to))
}

fn find(store: &Store, which: Which<'_>, plan: Option<&str>) -> Result<Option<KnownRun>, Failure> {
    store.run(which, plan).map_err(|error| Failure::wrong(trouble(&error)))
}

fn text(from: &KnownRun, to: &KnownRun, changes: &Changes) -> String {
    let mut page = Page::new(screen::style());
    let known = if to.ended { "" } else { " (it was killed: of some lines nothing is known)" };
    page.wrapped(0, &format!("What changed from {} to {}{known}", from.id, to.id));
    if from.bank != to.bank {
        page.wrapped(0, &format!("They ran on different banks: {} and {}.", from.bank, to.bank));
    }
    news::list(&mut page, changes);
    news::known(&mut page, changes);
    page.finish()
}
