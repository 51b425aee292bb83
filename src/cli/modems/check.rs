//! `lineman modems check`: the bench's own test. Sets all modems up, listens for their dial tones, lets them call each other
//! where the bank has their numbers, and the reference number where a plan has one. No line is called.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use comfy_table::{ContentArrangement, Table};

use crate::cli::example::Example;
use crate::cli::{Failure, args, note, say, stop};
use crate::config::{Overrides, Plan, load_bench, load_plan};
use crate::console::transcript::clean_line;
use crate::fleet::inspection::{Bench, Findings, Inspected, inspect, ring};
use crate::fleet::scheduler::Check;
use crate::model::event::CheckOutcome;
use crate::model::{Fault, ModemId};
use crate::modem::clock::Clock;
use crate::report::outcome::{ALL_PASSED, COULD_NOT_JUDGE, INTERRUPTED, SOME_NOT_PASSED};
use crate::run::bench::Bench as OpenBench;
use crate::run::job;

/// Width where there is no terminal to ask, columns.
const WIDTH: u16 = 110;

/// Runs it; the exit code.
pub(super) async fn run(args: &args::ModemsCheck) -> Result<u8, Failure> {
    let clock = Clock::start();
    let example = if args.plan.is_none() && args.bank.is_none() { Some(Example::find()?) } else { None };
    let plan = match (args.plan.as_deref().or(example.as_ref().map(|e| e.plan.as_path())), &args.bank) {
        (Some(path), bank) => {
            let overrides = Overrides { bank: bank.clone(), ..Overrides::default() };
            load_plan(path, &overrides).map_err(Failure::wrong)?
        }
        (None, Some(bank)) => load_bench(bank).map_err(Failure::wrong)?,
        (None, None) => return Err(Failure::wrong("name a plan, or a bank: `--bank FILE`")),
    };
    let mut plan = plan;
    if let Some(why) = plan.bank.all_off(&BTreeMap::new()) {
        return Err(Failure::wrong(why));
    }
    for (modem, why) in plan.bank.off() {
        note(&format!("modem `{modem}` is {why}, and is left alone"));
    }
    plan.bank.modems.retain(|modem| modem.enabled);
    let plan = Arc::new(plan);
    let stops = stop::listen()?;
    let mut open = OpenBench::open(&plan, |_| false, clock).await?;
    let modems: Vec<(ModemId, bool)> =
        plan.bank.modems.iter().map(|modem| (modem.id.clone(), modem.number.is_some())).collect();
    let seats = job::seats(&plan).into_iter().map(|seat| {
        let port = open.open.remove(&seat.id);
        (seat, port)
    });
    let bench = Bench {
        seats: seats.collect(),
        opener: Arc::clone(&open.ports),
        book: job::Book::new(Arc::clone(&plan), BTreeMap::new()),
        trunks: plan.bank.modems.iter().filter_map(|m| Some((m.id.clone(), m.trunk.clone()?))).collect(),
        limits: trunk_limits(&plan),
        checks: ring(&modems, true, plan.checks.reference.is_some()),
    };
    let Findings { modems: found, notices, stopped } = inspect(bench, clock, stops).await;
    open.close().await;
    let rows: Vec<Row> = plan.bank.modems.iter().map(|modem| Row::of(&modem.id, &found, &plan)).collect();
    for text in &notices {
        note(text);
    }
    say(&table(&rows));
    advise(&plan, &rows);
    if stopped {
        return Ok(INTERRUPTED);
    }
    Ok(exit_code(&rows))
}

fn trunk_limits(plan: &Plan) -> BTreeMap<crate::model::TrunkName, NonZeroU32> {
    let limits = plan.bank.trunks.iter();
    limits.filter_map(|(name, most)| Some((name.clone(), NonZeroU32::new(*most)?))).collect()
}

/// How well a modem did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Works,
    /// A call failed, and its other end may be to blame.
    Doubtful,
    Fails,
}

#[derive(Debug)]
struct Row {
    cells: [String; 8],
    health: Health,
    advice: Option<String>,
}

impl Row {
    fn of(id: &ModemId, all: &BTreeMap<ModemId, Inspected>, plan: &Plan) -> Self {
        let nothing = Inspected::default();
        let found = all.get(id).unwrap_or(&nothing);
        let entry = plan.bank.modems.iter().find(|modem| modem.id == *id);
        let port = entry.map_or_else(String::new, |modem| {
            if modem.port.is_empty() { format!("sim:{id}") } else { modem.port.clone() }
        });
        let written = entry.map(|modem| modem.profile.clone()).unwrap_or_default();
        let profile = found
            .identified
            .as_deref()
            .and_then(|said| said.split_whitespace().next())
            .map_or(written, ToOwned::to_owned);
        let (health, advice) = judge(id, found, all);
        let verdict = match health {
            Health::Works => "works",
            Health::Doubtful => "doubtful",
            Health::Fails => "fails",
        };
        let words = [tone(found), made(found), taken(found), reference(found)];
        let [tone, made, taken, reference] = words;
        let verdict = verdict.to_owned();
        let cells = [id.to_string(), port, profile, tone, made, taken, reference, verdict];
        Self { cells: cells.map(|cell| clean_line(&cell)), health, advice }
    }
}

fn tone(found: &Inspected) -> String {
    let tone = found.made.iter().find(|finding| finding.check == Check::DialTone);
    match tone.map(|finding| (finding.outcome, finding.fault)) {
        None => "-".to_owned(),
        Some((CheckOutcome::Passed, _)) => "yes".to_owned(),
        Some((CheckOutcome::Failed, fault)) => fault.map_or("no", Fault::code).to_owned(),
        Some((CheckOutcome::Unknown, _)) => "not known".to_owned(),
    }
}

fn calls(found: &Inspected, which: impl Fn(&Check) -> Option<String>) -> String {
    let told: Vec<String> = found
        .made
        .iter()
        .filter_map(|finding| {
            let whom = which(&finding.check)?;
            let what = match (finding.outcome, finding.fault) {
                (CheckOutcome::Passed, _) => finding
                    .link
                    .rx_bps
                    .or(finding.link.tx_bps)
                    .map_or_else(|| "connected".to_owned(), |bps| format!("{bps} bit/s")),
                (CheckOutcome::Failed, fault) => fault.map_or("failed", Fault::code).to_owned(),
                (CheckOutcome::Unknown, _) => "not known".to_owned(),
            };
            Some(format!("{whom}{what}"))
        })
        .collect();
    if told.is_empty() { "-".to_owned() } else { told.join(", ") }
}

fn made(found: &Inspected) -> String {
    calls(found, |check| match check {
        Check::Peer(peer) => Some(format!("{peer}: ")),
        Check::DialTone | Check::Reference | Check::Line(_) => None,
    })
}

fn reference(found: &Inspected) -> String {
    calls(found, |check| (*check == Check::Reference).then(String::new))
}

fn taken(found: &Inspected) -> String {
    let told: Vec<String> = found
        .taken
        .iter()
        .map(|(caller, outcome)| match outcome {
            CheckOutcome::Passed => format!("{caller}: connected"),
            CheckOutcome::Failed => format!("{caller}: rang, no carrier"),
            CheckOutcome::Unknown => format!("{caller}: did not ring"),
        })
        .collect();
    if told.is_empty() { "-".to_owned() } else { told.join(", ") }
}

/// What the findings say of a modem, and what to do about it.
fn judge(id: &ModemId, found: &Inspected, all: &BTreeMap<ModemId, Inspected>) -> (Health, Option<String>) {
    let advice = |fault: Fault, detail: &str| {
        let detail = if detail.is_empty() { fault.code() } else { detail };
        Some(format!("{id}: {detail}: {}", fault.advice()))
    };
    if let Some((fault, detail)) = &found.out {
        return (Health::Fails, advice(*fault, detail));
    }
    let failed = |finding: &&crate::fleet::inspection::Finding| finding.outcome == CheckOutcome::Failed;
    if let Some(tone) = found.made.iter().filter(failed).find(|finding| finding.check == Check::DialTone) {
        return (Health::Fails, advice(tone.fault.unwrap_or(Fault::NoDialtone), &tone.detail));
    }
    if let Some(why) = &found.hangup_unproven {
        let text =
            format!("{id}: on-hook could not be proven: {why}; it may hold its line until its power is cut");
        return (Health::Fails, Some(text));
    }
    let Some(call) = found.made.iter().find(failed) else {
        // Whoever calls finds a wrong number, a wrong trunk or a deaf modem; the callee is judged by its own calls too.
        let missed = found.taken.iter().find(|(_, outcome)| *outcome != CheckOutcome::Passed);
        return match missed {
            Some((caller, _)) if !is_bad(caller, all) => {
                let text = format!(
                    "{id}: the call of {caller} to its number came to nothing: is that its number, and does its line take calls?"
                );
                (Health::Doubtful, Some(text))
            }
            _ => (Health::Works, None),
        };
    };
    if is_bad(id, all) {
        let fault = call.fault.unwrap_or(Fault::NoConnect);
        let text = format!(
            "{id}: no call of it came through ({}): its receiver, its line, or the outside line behind it",
            if call.detail.is_empty() { fault.code() } else { &call.detail }
        );
        return (Health::Fails, Some(text));
    }
    match &call.check {
        Check::Peer(peer) if is_bad(peer, all) => (Health::Works, None),
        Check::Peer(peer) => {
            let text = format!("{id}: its call to {peer} failed ({}), and others came through", call.detail);
            (Health::Doubtful, Some(text))
        }
        Check::DialTone | Check::Reference | Check::Line(_) => {
            let text = format!("{id}: its call to the reference number failed ({})", call.detail);
            (Health::Doubtful, Some(text))
        }
    }
}

/// Out of order, or in calls of which none came through.
fn is_bad(id: &ModemId, all: &BTreeMap<ModemId, Inspected>) -> bool {
    let Some(found) = all.get(id) else { return true };
    let mut calls: Vec<CheckOutcome> = found.taken.iter().map(|(_, outcome)| *outcome).collect();
    let made = found.made.iter().filter(|finding| finding.check != Check::DialTone);
    calls.extend(made.map(|finding| finding.outcome));
    let through = calls.contains(&CheckOutcome::Passed);
    found.out.is_some() || (!through && calls.contains(&CheckOutcome::Failed))
}

fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(console::Term::stdout().size_checked().map_or(WIDTH, |(_, columns)| columns))
        .set_header([
            "modem",
            "port",
            "profile",
            "dial tone",
            "calls made",
            "calls taken",
            "reference",
            "verdict",
        ]);
    for row in rows {
        table.add_row(row.cells.clone());
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn advise(plan: &Plan, rows: &[Row]) {
    let advice: Vec<&str> = rows.iter().filter_map(|row| row.advice.as_deref()).collect();
    if !advice.is_empty() {
        say(&format!("\n{}", advice.iter().map(|text| clean_line(text)).collect::<Vec<_>>().join("\n")));
    }
    if plan.checks.reference.is_none() && plan.bank.modems.iter().all(|modem| modem.number.is_none()) {
        let what =
            if plan.lines.is_empty() { "a plan with `reference:`" } else { "`reference:` in the plan" };
        note(&format!(
            "no call was made: give the modems of bank `{}` their own numbers (`number: \"+1 ...\"`), or {what}",
            plan.bank.name
        ));
    }
}

fn exit_code(rows: &[Row]) -> u8 {
    if rows.iter().all(|row| row.health == Health::Works) {
        ALL_PASSED
    } else if rows.iter().all(|row| row.health == Health::Fails) {
        COULD_NOT_JUDGE
    } else {
        SOME_NOT_PASSED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::inspection::Finding;
    use crate::model::Link;

    fn id(name: &str) -> ModemId {
        name.parse().unwrap()
    }

    fn call(to: &str, outcome: CheckOutcome) -> Finding {
        let fault = (outcome == CheckOutcome::Failed).then_some(Fault::NoCarrier);
        let check = Check::Peer(id(to));
        Finding { check, outcome, fault, detail: String::new(), link: Link::default() }
    }

    /// A ring of these modems, of which some are deaf.
    fn bank(names: &[&str], deaf: &[&str]) -> BTreeMap<ModemId, Inspected> {
        let outcome = |caller: &str, peer: &str| {
            if deaf.contains(&caller) || deaf.contains(&peer) {
                CheckOutcome::Failed
            } else {
                CheckOutcome::Passed
            }
        };
        let mut all = BTreeMap::new();
        for (at, name) in names.iter().enumerate() {
            let next = names[(at + 1) % names.len()];
            let before = names[(at + names.len() - 1) % names.len()];
            let made = vec![call(next, outcome(name, next))];
            let taken = vec![(id(before), outcome(before, name))];
            all.insert(id(name), Inspected { made, taken, ..Inspected::default() });
        }
        all
    }

    fn healths(all: &BTreeMap<ModemId, Inspected>) -> Vec<Health> {
        all.iter().map(|(id, found)| judge(id, found, all).0).collect()
    }

    #[test]
    fn one_deaf_modem_is_to_blame_and_its_neighbours_are_not() {
        use Health::{Fails, Works};
        assert_eq!(healths(&bank(&["a", "b", "c", "d"], &["b"])), [Works, Fails, Works, Works]);
        assert_eq!(healths(&bank(&["a", "b", "c"], &[])), [Works; 3]);
        assert_eq!(healths(&bank(&["a", "b"], &["b"])), [Fails; 2], "of two, nobody can tell which");
    }

    #[test]
    fn a_modem_without_dial_tone_fails_whatever_else() {
        let mut all = bank(&["a", "b", "c"], &[]);
        let check = Check::DialTone;
        let outcome = CheckOutcome::Failed;
        let missing = Finding {
            check,
            outcome,
            fault: Some(Fault::NoDialtone),
            detail: "NO DIALTONE".to_owned(),
            link: Link::default(),
        };
        all.insert(id("b"), Inspected { made: vec![missing], ..Inspected::default() });
        let (health, advice) = judge(&id("b"), &all[&id("b")], &all);
        assert_eq!(health, Health::Fails);
        assert!(advice.unwrap().contains("NO DIALTONE"));
    }
}
