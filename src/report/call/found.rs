//! What a line's calls came to, and what to do about it: the likeliest first.

use super::watch::link;
use crate::model::{Blame, Fault, Line, Verdict};
use crate::report::LineState;
use crate::report::cell::one_line;
use crate::report::page::{Page, Paint, Style};

/// The verdict of a line, in words for whoever stands beside it.
pub fn found(line: &Line, state: &LineState, style: Style) -> String {
    let mut page = Page::new(style);
    let Some(verdict) = &state.verdict else {
        page.line(&format!("{}: not judged", line.id));
        return page.finish();
    };
    let result = Verdict::of(verdict.fault);
    let head = match verdict.fault {
        None => format!("{}: {}", line.id, result.word().to_uppercase()),
        Some(fault) => {
            format!("{}: {} {fault} (blame: {})", line.id, result.word().to_uppercase(), fault.blame())
        }
    };
    page.painted(&head, Some(Paint::of(result)));
    if !verdict.detail.is_empty() {
        page.wrapped(2, &one_line(&verdict.detail));
    }
    let Some(fault) = verdict.fault else {
        let host = state.deciding().and_then(|record| record.hostname.as_deref());
        let link = state.deciding().and_then(|record| link(&record.link));
        let told: Vec<String> =
            [host.map(|host| format!("{host} answered")), link].into_iter().flatten().collect();
        if verdict.detail.is_empty() && !told.is_empty() {
            page.wrapped(2, &one_line(&told.join("; ")));
        }
        return page.finish();
    };
    if let Some(text) = alone(fault, verdict.attempts) {
        page.wrapped(2, text);
    }
    let steps = fault.steps();
    page.line(if steps.len() > 1 { "  Look at this, the likeliest first:" } else { "  Look at this:" });
    for (nth, step) in steps.iter().enumerate() {
        page.hanging(4, 7, &format!("{}. {}:", nth + 1, step.cause));
        page.wrapped(7, step.action);
    }
    page.finish()
}

/// What is to be known of a failure that one call found.
fn alone(fault: Fault, attempts: u32) -> Option<&'static str> {
    let ours = fault.blame().is_bench() || matches!(fault.blame(), Blame::Policy | Blame::Lineman);
    if ours && fault.verdict() == Verdict::Untested && fault.blame().is_bench() {
        return Some("This says nothing of the far line: the fault is on our own side.");
    }
    // Nobody is called from his sleep twice, and no account is locked to make sure.
    let is_final = matches!(
        fault,
        Fault::Voice
            | Fault::Fax
            | Fault::LoginRefused
            | Fault::PasswordExpired
            | Fault::OpenConsole
            | Fault::BootPrompt
    );
    (fault.verdict() == Verdict::Fail && attempts == 1 && !ours && !is_final)
        .then_some("One call's finding: nothing has confirmed it. `--repeat 3` calls again.")
}
