//! The text at the end of a run, for people: what changed, then counts that add up to the plan, then what did not pass,
//! the near faults first, then the bench's own troubles, then what was written.
//!
//! Pure: width and colour are handed in, and the text says everything without colour too.

use std::path::PathBuf;

use unicode_width::UnicodeWidthStr;

use super::consoles::ConsoleCounts;
use super::live::lines_text;
pub use super::page::Style;
use super::page::{Page, Paint};
use super::{Health, LineState, ModemFigures, RunState, cell, cost, news};
use crate::model::event::{CredentialState, Ending};
use crate::model::{Blame, Fault, Line, Verdict};

/// Lines that are named where nobody has to act: left out by choice, or not reached.
const NAMED_MAX: usize = 20;

/// The summary of a run. `files` are named at its end.
pub fn text(state: &RunState, files: &[PathBuf], style: Style) -> String {
    let mut page = Page::new(style);
    head(&mut page, state);
    if state.has_history() {
        news::tonight(&mut page, state);
    }
    counts(&mut page, state);
    not_passed(&mut page, state);
    bench(&mut page, state);
    told(&mut page, state);
    if !files.is_empty() {
        page.heading("Files");
        for file in files {
            // Not wrapped: a path is copied.
            page.line(&format!("  {}", cell::one_line(&file.display().to_string())));
        }
    }
    page.finish()
}

fn head(page: &mut Page, state: &RunState) {
    let header = state.header();
    let ending = match state.ended() {
        Some((Ending::Completed, at)) => format!("completed at {at:.0}"),
        Some((Ending::Interrupted, at)) => {
            format!("interrupted at {at:.0}; `lineman audit --resume {}` goes on", header.run)
        }
        None => {
            format!("has no end: going on, or cut off (then `lineman audit --resume {}` goes on)", header.run)
        }
    };
    page.wrapped(0, &format!("Run {} of plan {} on bank {}", header.run, header.plan, header.bank));
    page.wrapped(0, &format!("began at {:.0}, {ending}", state.started()));
}

fn counts(page: &mut Page, state: &RunState) {
    let counts = state.counts();
    page.line("");
    for result in Verdict::ALL {
        let count = counts.of(result);
        let row = format!("  {:<9}{count:>7}", result.word());
        page.painted(&row, (count > 0).then_some(Paint::of(result)));
    }
    if counts.left > 0 {
        page.line(&format!("  {:<9}{:>7}  (no verdict yet)", "left", counts.left));
    }
    let (total, plan) = (counts.total(), state.header().lines.len() as u64);
    page.line(&format!(
        "  {:<9}{total:>7}  of {} in the plan; {}",
        "total",
        lines_text(plan),
        match state.calls_ended() {
            1 => "1 call".to_owned(),
            calls => format!("{calls} calls"),
        }
    ));
    let consoles = ConsoleCounts::of(state);
    if consoles.total > 0 {
        let ConsoleCounts { total, pass, degraded, fail, untested } = consoles;
        page.wrapped(
            2,
            &format!(
                "{total} consoles behind console servers: {pass} pass, {degraded} degraded, {fail} fail, {untested} not reached"
            ),
        );
    }
    let sum = |of: fn(&ModemFigures) -> u64| state.modems().iter().map(of).sum::<u64>();
    let answered = sum(|modem| modem.answered_failures);
    let free = sum(|modem| modem.free_failures);
    if answered + free > 0 {
        page.wrapped(
            2,
            &format!("calls in vain: {answered} answered, which the carrier charges; {free} not answered, which are free"),
        );
    }
    if let Some(billed) = cost::text(state) {
        page.wrapped(2, &billed);
    }
    if let Err(broken) = state.check() {
        page.wrapped(2, &format!("THESE COUNTS ARE WRONG: {broken}; please report it with events.jsonl"));
    }
}

fn not_passed(page: &mut Page, state: &RunState) {
    let found: Vec<(Fault, &Line, &LineState)> = state
        .lines()
        .filter_map(|(line, known)| Some((known.verdict.as_ref()?.fault?, line, known)))
        .collect();
    for blame in Blame::ALL {
        let count = found.iter().filter(|(fault, ..)| fault.blame() == blame).count();
        if count == 0 {
            continue;
        }
        page.heading(&format!("{blame} ({}): {}", meaning(blame), lines_text(count as u64)));
        for fault in Fault::ALL.into_iter().filter(|fault| fault.blame() == blame) {
            let mut lines: Vec<_> =
                found.iter().filter(|(f, ..)| *f == fault).map(|(_, l, k)| (*l, *k)).collect();
            // What everybody knows stands behind what is new.
            if state.has_past() {
                lines.sort_by_key(|(line, _)| state.changed(&line.id).map(|changed| changed.change));
            }
            if !lines.is_empty() {
                one_fault(page, state, fault, &lines);
            }
        }
    }
}

fn one_fault(page: &mut Page, state: &RunState, fault: Fault, lines: &[(&Line, &LineState)]) {
    let result = fault.verdict();
    page.painted(&format!("  {fault} ({result})"), Some(Paint::of(result)));
    page.wrapped(4, fault.advice());
    if names_will_do(fault) {
        let mut names: Vec<&str> = lines.iter().take(NAMED_MAX).map(|(line, _)| line.id.as_str()).collect();
        let more = format!("and {} more, see lines.csv", lines.len().saturating_sub(NAMED_MAX));
        if lines.len() > NAMED_MAX {
            names.push(&more);
        }
        page.wrapped(4, &names.join(", "));
        return;
    }
    let id_width = lines.iter().map(|(line, _)| line.id.as_str().width()).max().unwrap_or(0);
    for (line, known) in lines {
        let Some(verdict) = &known.verdict else { continue };
        let gap = " ".repeat(id_width - line.id.as_str().width());
        let mut parts = vec![format!("{}{gap}", line.id), line.number.to_string()];
        if line.site.as_str() != line.id.as_str() {
            parts.push(format!("site {}", line.site));
        }
        if let Some(call) = known.deciding() {
            parts.push(format!("by {}", call.modem));
        }
        parts.extend(state.changed(&line.id).and_then(|changed| news::mark(&changed)));
        page.line(&format!("    {}", parts.join("  ")));
        if !verdict.detail.is_empty() {
            page.wrapped(8, &cell::one_line(&verdict.detail));
        }
        for why in &known.withdrawn {
            page.wrapped(8, &format!("(an earlier verdict was withdrawn: {})", cell::one_line(why)));
        }
    }
}

/// Faults that say the same of every line, and leave nothing to find out about each.
const fn names_will_do(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::OutOfWindow
            | Fault::PastDeadline
            | Fault::OverBudget
            | Fault::OnHold
            | Fault::Skipped
            | Fault::Cancelled
    )
}

/// The modems that were in trouble, whoever's verdicts suffered from it.
fn bench(page: &mut Page, state: &RunState) {
    let in_trouble: Vec<_> = state
        .modems()
        .iter()
        .filter(|modem| matches!(modem.health(), Health::Troubled | Health::Bad))
        .collect();
    if in_trouble.is_empty() {
        return;
    }
    page.heading(&format!("Our own modems in trouble: {} of {}", in_trouble.len(), state.modems().len()));
    for modem in in_trouble {
        let state = modem.state.map_or("never set up", |told| told.word());
        page.line(&format!("  {} ({}): {state}", modem.header.id, cell::one_line(&modem.header.port)));
        if !modem.detail.is_empty() {
            page.wrapped(4, &cell::one_line(&modem.detail));
        }
        let mut facts = vec![match modem.calls {
            0 => "made no call".to_owned(),
            calls => format!("{} of its {calls} calls ended in a fault of ours", modem.bench_faults),
        }];
        if modem.hangup_unproven > 0 {
            facts.push(format!("on-hook not proven after {}", modem.hangup_unproven));
        }
        match modem.times_out {
            0 => {}
            1 => facts.push("out for a while once".to_owned()),
            times => facts.push(format!("out for a while {times} times")),
        }
        page.wrapped(4, &facts.join("; "));
        if let Some(fault) = modem.last_fault {
            page.wrapped(4, &format!("its last fault: {fault}: {}", fault.advice()));
        }
    }
}

fn told(page: &mut Page, state: &RunState) {
    let stopped: Vec<_> =
        state.credentials().iter().filter(|(_, (told, _))| *told == CredentialState::Stopped).collect();
    if !stopped.is_empty() {
        page.heading("Credentials stopped");
        for (name, (_, detail)) in stopped {
            page.wrapped(2, &format!("{name}: {}", cell::one_line(detail)));
        }
    }
    if !state.notices().is_empty() {
        page.heading("Notices");
        for (_, text) in state.notices() {
            page.wrapped(2, &cell::one_line(text));
        }
    }
}

/// What a blame word stands for.
pub(super) const fn meaning(blame: Blame) -> &'static str {
    match blame {
        Blame::BenchModem => "our own modem or its port",
        Blame::BenchLine => "our own outside line",
        Blame::Network => "the telephone network between",
        Blame::FarLine => "the line at the far end",
        Blame::FarModem => "the modem at the far end",
        Blame::FarEnd => "something at the far end",
        Blame::Console => "the console behind the far modem",
        Blame::Security => "for the security team",
        Blame::Credential => "username and password",
        Blame::Policy => "the plan's rules, or the user",
        Blame::Lineman => "lineman itself",
    }
}
