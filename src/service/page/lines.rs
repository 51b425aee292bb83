//! All lines: found by their names, sites, numbers and hosts, with what the last run found of each; what tonight's run has found
//! already counts before that.

use std::collections::HashMap;
use std::sync::Arc;

use minijinja::Value;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::{Here, Lost, Page, past};
use crate::config::service::LoadedPlan;
use crate::model::{Fault, Line, LineId, Verdict};
use crate::report::html::path_safe;
use crate::report::html::words::{clean, count, grouped};
use crate::report::{LineState, RunState, news};

/// Lines of one page.
const ROWS_MAX: usize = 200;
/// Longest search that is looked at, in bytes.
const SEARCH_MAX: usize = 200;

#[derive(Serialize)]
struct Row {
    plan: String,
    line: String,
    site: String,
    number: String,
    hostname: String,
    result: &'static str,
    fault: &'static str,
    mark: String,
    detail: String,
    tonight: bool,
    disabled: String,
}

/// A line's verdict and what changed.
struct Found {
    fault: Option<Fault>,
    detail: String,
    mark: String,
}

pub(super) fn page(here: &Here) -> Result<Page, Lost> {
    let wanted = here.word("plan");
    let search: String = here.word("q").chars().take(SEARCH_MAX).collect();
    let result = here.word("result");
    let words: Vec<String> = search.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let from: usize = here.word("from").parse().unwrap_or(0);
    let plans: Vec<&LoadedPlan> =
        if wanted.is_empty() { here.loaded.plans.iter().collect() } else { vec![here.plan(wanted)?] };
    let (mut rows, mut matching) = (Vec::new(), 0_usize);
    for plan in plans {
        let last = past::last(here, plan);
        let tonight = tonight(here, plan);
        let disabled = here.status.plans.iter().find(|told| told.plan == *plan.name());
        for planned in &plan.plan.lines {
            let line = &planned.line;
            if !fits(line, &words) {
                continue;
            }
            let live = tonight.get(&line.id);
            let before = || last.as_ref().and_then(|state| before(state, &line.id));
            let judged = live
                .map(|found| Some(found.fault))
                .or_else(|| before().map(|found| Some(found.fault)))
                .flatten();
            let word = judged.map_or("", |fault| Verdict::of(fault).word());
            if !result.is_empty() && result != word {
                continue;
            }
            matching += 1;
            if matching <= from || rows.len() >= ROWS_MAX {
                continue;
            }
            let off = disabled.and_then(|told| told.disabled_lines.get(&line.id));
            let earlier = before();
            let found = live.or(earlier.as_ref());
            rows.push(Row {
                plan: plan.name().to_string(),
                line: line.id.to_string(),
                site: line.site.to_string(),
                number: line.number.to_string(),
                hostname: line.hostname.as_ref().map(ToString::to_string).unwrap_or_default(),
                result: word,
                fault: judged.flatten().map_or("", Fault::code),
                mark: found.map(|found| found.mark.clone()).unwrap_or_default(),
                detail: found.map(|found| found.detail.clone()).unwrap_or_default(),
                tonight: live.is_some(),
                disabled: off.map(|why| clean(why)).unwrap_or_default(),
            });
        }
    }
    let address = |from: usize| {
        format!(
            "/lines?plan={}&q={}&result={}&from={from}",
            path_safe(wanted),
            path_safe(&search),
            path_safe(result)
        )
    };
    let names: Vec<String> = here.loaded.plans.iter().map(|plan| plan.name().to_string()).collect();
    let shown = rows.len();
    Ok(Page {
        template: "lines",
        title: "Lines".to_owned(),
        section: "lines",
        value: context! {
            rows => Value::from(Serde(rows)),
            count => count(matching as u64, "line"),
            range => if shown < matching { format!("{} to {}", grouped(from as u64 + 1), grouped((from + shown) as u64)) } else { String::new() },
            before => if from > 0 { address(from.saturating_sub(ROWS_MAX)) } else { String::new() },
            after => if from + shown < matching { address(from + ROWS_MAX) } else { String::new() },
            plans => names,
            results => Verdict::ALL.map(Verdict::word).to_vec(),
            wanted, search, result,
        },
    })
}

/// Every word of the search stands somewhere in it.
fn fits(line: &Line, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let hostname = line.hostname.as_ref().map(ToString::to_string).unwrap_or_default();
    let text = format!("{} {} {} {hostname}", line.id, line.site, line.number).to_lowercase();
    words.iter().all(|word| text.contains(word))
}

fn of(state: &RunState, id: &LineId, known: &LineState) -> Option<Found> {
    let verdict = known.verdict.as_ref()?;
    let mark = state.changed(id).as_ref().and_then(news::mark).unwrap_or_default();
    Some(Found { fault: verdict.fault, detail: clean(&verdict.detail), mark })
}

fn before(state: &Arc<RunState>, id: &LineId) -> Option<Found> {
    of(state, id, state.line(id)?.1)
}

/// What tonight's run has found already; a technician's call is none.
fn tonight(here: &Here, plan: &LoadedPlan) -> HashMap<LineId, Found> {
    let runs = here.live().runs();
    let Some(run) = runs.iter().find(|run| !run.is_call && run.plan == *plan.name()) else {
        return HashMap::new();
    };
    let judged = |state: &RunState| {
        let found =
            state.lines().filter_map(|(line, known)| Some((line.id.clone(), of(state, &line.id, known)?)));
        found.collect()
    };
    run.read(judged).unwrap_or_default()
}
