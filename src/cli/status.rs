//! `lineman status`: what a daemon is at, and of everything that is not dialing, why.

use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::args::DaemonStatus;
use super::{Failure, daemon, say};
use crate::console::transcript::clean_line;
use crate::report::why::clock;
use crate::service::http::client::ClientError;
use crate::service::status::{BankStatus, ModemStatus, PlanStatus, Progress, Stands, Status};

/// It works.
const WELL: u8 = 0;
/// It is held, or something of it is amiss.
const AMISS: u8 = 1;
/// Width where there is no terminal to ask, columns.
const WIDTH: usize = 110;

/// Runs it; the exit code.
pub(super) async fn run(args: &DaemonStatus) -> Result<u8, Failure> {
    let client = daemon::client(&args.daemon).await?;
    let status = client.status().await.map_err(unanswered)?;
    if args.json {
        say(&serde_json::to_string_pretty(&status).map_err(Failure::wrong)?);
    } else {
        let width = console::Term::stdout().size_checked().map_or(WIDTH, |(_, columns)| columns.into());
        say(&text(&status, &TimeZone::system(), width));
    }
    Ok(code(&status))
}

/// As an error of this command.
pub(super) fn unanswered(error: ClientError) -> Failure {
    Failure::wrong(error)
}

/// What a script should know.
fn code(status: &Status) -> u8 {
    let bad = |stands: Stands| matches!(stands, Stands::Quarantined | Stands::Out | Stands::Down);
    let held = !matches!(
        status.stands,
        Stands::Working | Stands::Idle | Stands::Waiting | Stands::SettingUp | Stands::StandingBy
    );
    let modems = status.banks.iter().flat_map(|bank| &bank.modems).any(|modem| bad(modem.stands));
    let plans = status.plans.iter().any(|plan| bad(plan.stands));
    let wrong = status.config.problem.is_some() || !status.troubles.is_empty();
    if held || modems || plans || wrong { AMISS } else { WELL }
}

/// All of it, for people.
pub(super) fn text(status: &Status, zone: &TimeZone, width: usize) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}: {}{}",
        status.service,
        status.stands.word(),
        reason(&status.why, status.until, zone)
    );
    let _ = writeln!(out, "  role {}: {}", status.role, clean_line(&status.leadership));
    let _ = writeln!(
        out,
        "  lineman {}, up since {}; configuration {} of {}",
        status.lineman,
        clock(status.started, zone),
        clean_line(&status.config.path),
        clock(status.config.loaded, zone)
    );
    if let Some(problem) = &status.config.problem {
        let _ = writeln!(out, "  the configuration file is wrong now, so the one before holds:");
        for line in problem.lines() {
            let _ = writeln!(out, "    {}", clean_line(line));
        }
    }
    for trouble in &status.troubles {
        let _ = writeln!(out, "  trouble: {}", clean_line(trouble));
    }
    let plans = status.plans.iter().map(|plan| plan_row(plan, zone));
    let _ = write!(out, "\n{}", table(&["plan", "bank", "stands", "run, or next", "why"], plans, width));
    for bank in &status.banks {
        let run = bank.run.as_ref().map(|run| format!(": run {run}")).unwrap_or_default();
        let rows = bank.modems.iter().map(|modem| modem_row(modem, zone));
        let modems = table(&["modem", "port", "stands", "call", "why"], rows, width);
        let _ = write!(out, "\nbank {}{run}\n{modems}", bank.bank);
    }
    if !status.queue.is_empty() {
        out.push_str("\nwaiting\n");
        for waiting in &status.queue {
            let line = waiting.line.as_ref().map(|line| format!(", call to {line}")).unwrap_or_default();
            let since = clock(waiting.since, zone);
            let _ = writeln!(out, "  {}{line}, since {since}: {}", waiting.plan, clean_line(&waiting.why));
        }
    }
    out
}

/// Behind a colon: why, and until when.
fn reason(why: &str, until: Option<Timestamp>, zone: &TimeZone) -> String {
    // Most reasons name their end themselves.
    let until = until.map(|until| format!("until {}", clock(until, zone)));
    let why = (!why.is_empty()).then(|| clean_line(why));
    let parts: Vec<String> = why.into_iter().chain(until).collect();
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) }
}

fn told(why: &str, until: Option<Timestamp>, zone: &TimeZone) -> String {
    reason(why, until, zone).trim_start_matches(": ").to_owned()
}

fn plan_row(plan: &PlanStatus, zone: &TimeZone) -> [String; 5] {
    let at = match (&plan.run, plan.next) {
        (Some(run), _) => match plan.progress {
            Some(Progress { judged, lines }) => format!("run {run}, {judged} of {lines}"),
            None => format!("run {run}"),
        },
        (None, Some(next)) => format!("next {}", clock(next, zone)),
        (None, None) => "on demand".to_owned(),
    };
    let mut why = vec![told(&plan.why, plan.until, zone)];
    why.extend(
        plan.disabled_lines
            .iter()
            .map(|(line, why)| format!("line {line} is disabled{}", reason(why, None, zone))),
    );
    if let (None, Some(last)) = (&plan.run, &plan.last) {
        let counts: Vec<String> = last.counts.iter().map(|(result, n)| format!("{result} {n}")).collect();
        let how = if last.completed { "ended" } else { "was ended" };
        why.push(format!("the last {how} {}: {}", clock(last.ended, zone), counts.join(", ")));
    }
    why.retain(|why| !why.is_empty());
    [plan.plan.to_string(), plan.bank.to_string(), plan.stands.word().to_owned(), at, why.join("; ")]
}

fn modem_row(modem: &ModemStatus, zone: &TimeZone) -> [String; 5] {
    let mut why = told(&modem.why, modem.until, zone);
    if modem.restarts > 0 {
        let times = if modem.restarts == 1 { "once".to_owned() } else { format!("{} times", modem.restarts) };
        let gap = if why.is_empty() { "" } else { "; " };
        let _ = write!(why, "{gap}begun again {times}");
    }
    let call = modem.call.as_ref().map(ToString::to_string).unwrap_or_default();
    [modem.modem.to_string(), clean_line(&modem.port), modem.stands.word().to_owned(), call, why]
}

fn table(heads: &[&str], rows: impl Iterator<Item = [String; 5]>, width: usize) -> String {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX))
        .set_header(heads.iter().copied())
        .add_rows(rows);
    let lines = table.lines().map(|line| format!(" {}\n", line.trim_end()));
    lines.collect()
}

/// Why a plan, a modem or a bank of the daemon does nothing now; absent if it has none of this name.
pub(super) fn why(status: &Status, name: &str, zone: &TimeZone) -> Vec<String> {
    let plans = status.plans.iter().filter(|plan| plan.plan.as_str() == name).map(|plan| {
        let [_, _, stands, at, why] = plan_row(plan, zone);
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        format!("plan {name} is {stands}{why}; {at}")
    });
    let of_bank = |bank: &BankStatus| {
        let modems =
            bank.modems.iter().filter(|modem| modem.modem.as_str() == name || bank.bank.as_str() == name);
        let rows = modems.map(|modem| {
            let [id, _, stands, call, why] = modem_row(modem, zone);
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            let call = if call.is_empty() { String::new() } else { format!(", in call {call}") };
            format!("modem {id} of bank {} is {stands}{call}{why}", bank.bank)
        });
        rows.collect::<Vec<_>>()
    };
    plans.chain(status.banks.iter().flat_map(of_bank)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        serde_json::from_str(include_str!("../../tests/fixtures/status.json")).unwrap()
    }

    #[test]
    fn everything_that_is_not_dialing_has_its_reason() {
        insta::assert_snapshot!(text(&status(), &TimeZone::UTC, 120));
    }

    #[test]
    fn a_script_hears_of_what_is_held_and_of_what_is_amiss() {
        let mut status = status();
        assert_eq!(code(&status), AMISS, "a modem is out");
        status.banks.clear();
        status.troubles.clear();
        assert_eq!(code(&status), WELL);
        for stands in
            [Stands::Paused, Stands::Draining, Stands::Stopped, Stands::EmergencyStopped, Stands::Disabled]
        {
            status.stands = stands;
            assert_eq!(code(&status), AMISS, "{stands:?}");
        }
        status.stands = Stands::StandingBy;
        assert_eq!(code(&status), WELL, "a secondary that stands by does what it is for");
        status.config.problem = Some("x".to_owned());
        assert_eq!(code(&status), AMISS);
    }

    #[test]
    fn a_name_may_be_a_plan_a_modem_or_a_bank() {
        assert_eq!(why(&status(), "m01", &TimeZone::UTC).len(), 1);
        assert_eq!(why(&status(), "hq", &TimeZone::UTC).len(), 3);
        assert_eq!(why(&status(), "nightly", &TimeZone::UTC).len(), 1);
        assert!(why(&status(), "x", &TimeZone::UTC).is_empty());
    }
}
