//! What a run is expected to come to, in sentences: when it ends, and which lines do not fit before its deadline.
//!
//! How that is foretold is [`crate::fleet::forecast`]'s; here it gets its words, in the plan's zone.

use jiff::{SignedDuration, Timestamp};

use crate::config::Plan;
use crate::config::hours::local_and_utc;
use crate::fleet::forecast::{Forecast, Frame, LinePast, forecast};
use crate::fleet::policy::EXPECTED_CALL;
use crate::fleet::scheduler::SchedulerPlan;
use crate::model::{LineId, Mono, Reading};

use super::experience::Experience;
use super::hours;

/// Lines that are named; all of them have their verdicts in the reports.
const NAMED_MAX: usize = 5;

/// Foretells a run that begins now, and defers in its schedule what will not fit. Nothing is told of a simulated bank, nor
/// of a rehearsal of which nothing is known: how fast it plays is nobody's experience.
pub(crate) fn of(
    plan: &Plan,
    scheduled: &mut SchedulerPlan,
    experience: &Experience,
    now: &Reading,
    deadline: Option<Mono>,
) -> Vec<String> {
    let played = plan.bank.exchange.is_some() || (plan.bank.rehearsal && experience.took_ms.is_empty());
    if played {
        return Vec::new();
    }
    let past = |line: &LineId| LinePast {
        took_ms: experience.took_ms.get(line).copied(),
        fault: experience.faults.get(line).copied(),
        tested: experience.tested.get(line).copied(),
    };
    let frame = Frame { start: now.mono, deadline, on_hook_min: plan.bank.on_hook_min };
    let told = forecast(scheduled, frame, &past);
    let wall = |at: Mono| {
        let ahead = SignedDuration::try_from(at.since(now.mono)).unwrap_or(SignedDuration::MAX);
        now.wall.checked_add(ahead).unwrap_or(Timestamp::MAX)
    };
    let said = |at: Mono| local_and_utc(&wall(at).to_zoned(hours::zone(plan)));
    sentences(&told, deadline, &said)
}

fn sentences(told: &Forecast, deadline: Option<Mono>, said: &dyn Fn(Mono) -> String) -> Vec<String> {
    let mut sentences = Vec::new();
    let (to_dial, lines) = (told.to_dial, plural(told.to_dial));
    if let (Some(ends), Some(late)) = (told.ends, told.ends_late) {
        let slow = if late == ends { String::new() } else { format!(", on a slow night at {}", said(late)) };
        sentences.push(format!(
            "{to_dial} {lines} to dial; the last call is expected to end at {}{slow}",
            said(ends)
        ));
    }
    if told.unknown > 0 && to_dial > 0 {
        let seconds = EXPECTED_CALL.as_secs();
        let which = if told.unknown == to_dial {
            format!("nothing is known yet of how long any of these {to_dial} {lines} takes")
        } else {
            format!("nothing is known yet of how long {} of these {to_dial} lines take", told.unknown)
        };
        sentences.push(format!("{which}: {seconds} s are assumed, so this is a guess"));
    }
    let until = deadline.map_or_else(String::new, |deadline| format!(" at {}", said(deadline)));
    if !told.left_out.is_empty() {
        let named: Vec<&str> = told.left_out.iter().take(NAMED_MAX).map(LineId::as_str).collect();
        let more = told.left_out.len() - named.len();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        sentences.push(format!(
            "{} of {to_dial} {lines} are not expected to be tested before the deadline{until}; those of higher priority, and then those that were not tested for longest, go first. Left for last: {}{more}",
            told.left_out.len(),
            named.join(", ")
        ));
    } else if told.left_out_late > 0 {
        sentences.push(format!(
            "on a slow night, {} of {to_dial} {lines} would not be tested before the deadline{until}",
            told.left_out_late
        ));
    }
    if told.kept_out > 0 {
        sentences.push(format!(
            "{} of {to_dial} {lines} are not expected to be dialed, since their windows or a budget do not let them",
            told.kept_out
        ));
    }
    sentences
}

const fn plural(lines: usize) -> &'static str {
    if lines == 1 { "line" } else { "lines" }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;
    use std::fs;

    use super::*;
    use crate::config::{Overrides, load_plan};
    use crate::fleet::scheduler::Past;
    use crate::model::usual::Spread;
    use crate::run::job;

    fn said(at: Mono) -> String {
        format!("{} s", at.as_micros() / 1_000_000)
    }

    fn s(seconds: u64) -> Mono {
        Mono::from_millis(seconds * 1000)
    }

    /// A plan of four lines on one modem, and what is known of them.
    fn known(rehearsal: bool) -> (Plan, SchedulerPlan, Experience) {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let bank = "bank: hq\nlocation: { country: US, area_code: \"919\" }\non_hook_min: 3s\n\
            modems: [{ id: m00, port: /dev/ttyS0, profile: generic }]\n";
        write("bank.yaml", &format!("{bank}rehearsal: {rehearsal}\n"));
        let mut plan = "plan: nightly\nbank: bank.yaml\nnumbering: us\nzone: America/Chicago\n\
            defaults: { console: none }\nlines:\n"
            .to_owned();
        for (number, line) in ["A", "B", "C", "D"].iter().enumerate() {
            let _ = writeln!(plan, "- {{ id: {line}, number: \"+1 919 555 010{number}\" }}");
        }
        write("plan.yaml", &plan);
        let plan = load_plan(&folder.path().join("plan.yaml"), &Overrides::default()).unwrap();
        let mut experience = Experience::default();
        for (planned, tested) in plan.lines.iter().zip([400, 100, 300, 200]) {
            experience.took_ms.insert(planned.line.id.clone(), Spread::of(&[60_000; 7]).unwrap());
            experience.tested.insert(planned.line.id.clone(), Timestamp::from_second(tested).unwrap());
        }
        let scheduled = job::scheduler_plan(&plan, Past::default(), &experience, &BTreeMap::new());
        (plan, scheduled, experience)
    }

    fn midnight() -> Reading {
        let wall = "2026-11-22T06:00:00Z".parse().unwrap();
        Reading { mono: s(5), wall, begun: wall }
    }

    #[test]
    fn what_does_not_fit_is_left_for_last_and_told_in_the_plans_zone() {
        let (plan, mut scheduled, experience) = known(false);
        let told = of(&plan, &mut scheduled, &experience, &midnight(), Some(s(5 + 100)));
        let deferred: Vec<Option<u32>> = scheduled.lines.iter().map(|job| job.deferred).collect();
        assert_eq!(deferred, [Some(3), None, Some(2), None], "those that were tested last");
        assert!(told[0].contains("end at Sun 2026-11-22 00:02 -06:00 America/Chicago"), "{told:?}");
        assert!(
            told[1].starts_with("2 of 4 lines are not expected to be tested before the deadline"),
            "{told:?}"
        );
        assert!(told[1].ends_with("Left for last: C, A"), "{told:?}");
        let (_, mut scheduled, _) = known(false);
        let told = of(&plan, &mut scheduled, &experience, &midnight(), None);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(scheduled.lines.iter().all(|job| job.deferred.is_none()));
    }

    #[test]
    fn nothing_is_foretold_of_a_rehearsal_of_which_nothing_is_known() {
        let (plan, mut scheduled, experience) = known(true);
        let tell = |scheduled: &mut SchedulerPlan, experience: &Experience| {
            of(&plan, scheduled, experience, &midnight(), Some(s(6)))
        };
        assert!(tell(&mut scheduled, &Experience::default()).is_empty());
        assert!(scheduled.lines.iter().all(|job| job.deferred.is_none()));
        assert!(!tell(&mut scheduled, &experience).is_empty());
    }

    #[test]
    fn a_run_of_which_all_is_known() {
        let told = Forecast { to_dial: 9, ends: Some(s(60)), ends_late: Some(s(90)), ..Forecast::default() };
        let [one] = sentences(&told, None, &said).try_into().unwrap();
        assert_eq!(one, "9 lines to dial; the last call is expected to end at 60 s, on a slow night at 90 s");
    }

    #[test]
    fn what_is_not_known_is_said_and_who_is_left_out_is_named() {
        let left_out = (0..7).map(|n| format!("L{n}").parse().unwrap()).collect();
        let told = Forecast {
            to_dial: 20,
            unknown: 2,
            ends: Some(s(60)),
            ends_late: Some(s(90)),
            left_out,
            left_out_late: 9,
            kept_out: 1,
        };
        let said = sentences(&told, Some(s(70)), &said);
        assert_eq!(
            said[1..],
            [
                "nothing is known yet of how long 2 of these 20 lines take: 75 s are assumed, so this is a guess",
                "7 of 20 lines are not expected to be tested before the deadline at 70 s; those of higher priority, and then those that were not tested for longest, go first. Left for last: L0, L1, L2, L3, L4 and 2 more",
                "1 of 20 lines are not expected to be dialed, since their windows or a budget do not let them",
            ]
        );
    }

    #[test]
    fn a_slow_night_is_warned_of_where_all_fit_on_a_usual_one() {
        let told = Forecast { to_dial: 1, unknown: 1, left_out_late: 1, ..Forecast::default() };
        let said = sentences(&told, Some(s(70)), &said);
        assert_eq!(
            said,
            [
                "nothing is known yet of how long any of these 1 line takes: 75 s are assumed, so this is a guess",
                "on a slow night, 1 of 1 line would not be tested before the deadline at 70 s",
            ]
        );
    }

    #[test]
    fn nothing_to_dial_nothing_to_say() {
        assert!(sentences(&Forecast::default(), Some(s(1)), &said).is_empty());
    }
}
