//! The promises of design.md section 4 that a run can break, checked on its event stream and on the exchange's own log.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lineman::fleet::budget::Purse;
use lineman::fleet::policy::{CALLS_WITHOUT_CARRIER_MAX, CallClass, NUMBER_HELD};
use lineman::fleet::scheduler::KNOWN_LINE_CHECKS_MAX;
use lineman::model::charge::ChargeSum;
use lineman::model::event::{CheckKind, CheckOutcome, CredentialState, Ending, Hangup, ModemState};
use lineman::model::{CallRecord, Charge, EventKind, Fault, Micros, Moment, Mono, PhaseTimes, Verdict};
use lineman::report::RunState;
use lineman::sim::log::{Entry, What};

use crate::stage::{Played, price};

/// Holds a run to all of them.
pub(crate) fn hold(played: &Played) {
    stream(played);
    verdicts(played);
    calls(played);
    redials(played);
    lawful(played);
    distrust(played);
    exchange(played);
    passwords(played);
    secrets(played);
    consoles(played);
    charges(played);
}

/// A call is never charged less than the far end was off-hook, as the exchange saw it, nor more than what was set aside for
/// it; and no budget is overdrawn.
fn charges(played: &Played) {
    let worst = price().worst(played.setting.room);
    let mut began: BTreeMap<&str, Mono> = BTreeMap::new();
    let mut all: Vec<(Option<&CallRecord>, Charge)> = Vec::new();
    for event in &played.events {
        match &event.kind {
            EventKind::CallStarted { modem, .. }
            | EventKind::Modem { modem, state: ModemState::Checking, .. } => {
                began.insert(modem.as_str(), event.mono);
            }
            EventKind::CallEnded(call) => {
                let charge = call.charge.expect("every call is charged");
                let since = began[call.modem.as_str()];
                holds(played, call.modem.as_str(), (since, event.mono), charge, &call.call);
                // A number that is known not to have answered is free of charge.
                if let Some(Fault::Busy | Fault::NoDialtone | Fault::Reorder) = call.fault {
                    assert_eq!((charge.billed_s, charge.cost), (0, Some(Micros(0))), "{call:?}");
                }
                assert!(charge.billed_s <= worst.billed_s && charge.cost <= worst.cost, "{call:?}");
                // What was not dialed is no call.
                let dialed = call.hangup != Hangup::NotNeeded;
                all.extend(dialed.then_some((Some(&**call), charge)));
            }
            EventKind::BenchCheck(check) => {
                assert_eq!(check.charge.is_some(), check.dialed.is_some(), "{check:?}");
                if let Some(charge) = check.charge {
                    let since = began[check.modem.as_str()];
                    holds(played, check.modem.as_str(), (since, event.mono), charge, &check.check);
                    assert!(charge.cost <= worst.cost, "{check:?}");
                    all.push((None, charge));
                }
            }
            _ => {}
        }
    }
    within(&played.setting.budget.run, all.iter().map(|(_, charge)| charge));
    for line in &played.setting.lines {
        let of = all.iter().filter(|(call, _)| call.is_some_and(|call| call.line == line.id));
        within(&played.setting.budget.line, of.map(|(_, charge)| charge));
    }
}

/// Whether a charge is no less than what the exchange knows.
fn holds(played: &Played, modem: &str, (from, to): (Mono, Mono), charge: Charge, what: &dyn std::fmt::Debug) {
    let stamps = from.as_micros()..=to.as_micros();
    let mut off_hook = 0;
    let mut answered: Option<u64> = None;
    for entry in played.log.iter().filter(|entry| entry.modem.as_deref() == Some(modem)) {
        if !stamps.contains(&entry.mono_us) {
            continue;
        }
        match entry.event {
            What::Answered => answered = Some(entry.mono_us),
            What::OnHook => off_hook += answered.take().map_or(0, |since| entry.mono_us - since),
            _ => {}
        }
    }
    off_hook += answered.map_or(0, |since| to.as_micros() - since);
    let billed = u64::from(charge.billed_s) * 1_000_000;
    assert!(billed >= off_hook, "{what:?} was off-hook for {off_hook} us, and {charge:?}");
}

fn within<'a>(purse: &Purse, charges: impl Iterator<Item = &'a Charge>) {
    let sum = ChargeSum::of(charges.map(|charge| Some(*charge)));
    assert!(purse.calls.is_none_or(|most| sum.calls() <= most), "{sum:?} of {purse:?}");
    let seconds = sum.billed_s().unwrap_or_default();
    assert!(purse.time.is_none_or(|most| seconds <= most.as_secs()), "{sum:?} of {purse:?}");
    assert!(purse.cost.is_none_or(|most| sum.known_cost() <= most), "{sum:?} of {purse:?}");
}

/// Nothing but CRs is typed at a console behind a console server, and an escape at one where that does nothing; each console
/// of a line has one verdict in each of its calls.
fn consoles(played: &Played) {
    let mut typed: BTreeMap<(Option<u64>, String), String> = BTreeMap::new();
    for entry in played.logged(What::ConsoleTyped) {
        let text = entry.text.clone().unwrap_or_default();
        let (port, byte) = text.split_once(": ").expect("a port and a byte");
        typed.entry((entry.call, port.to_owned())).or_default().push_str(byte);
    }
    for ((call, port), bytes) in typed {
        // A modem that does not hang up gets its own words for it, last, and they go through (the allow-list has them).
        let rest = ["~m", "\\x1ex"].iter().find_map(|escape| bytes.strip_prefix(escape)).unwrap_or(&bytes);
        let known = rest.replace("+++", "").replace("ATH", "").replace("AT", "").is_empty();
        let faked = played.setting.lines.iter().flat_map(|line| &line.consoles);
        let excused =
            faked.into_iter().any(|behind| behind.port == port && behind.holds && behind.fakes.is_some());
        assert!(known || excused, "`{bytes}` was typed at console {port} in call {call:?}");
    }
    for call in played.calls() {
        let line = played.setting.lines.iter().find(|line| line.id == call.line);
        // A call whose worker died tells of none.
        let told = !call.consoles.is_empty() || call.fault != Some(Fault::Internal);
        let planned = line.map_or(0, |line| line.consoles.len());
        assert!(!told || call.consoles.len() == planned, "{call:?}");
        let passed = told && call.consoles.iter().all(|console| console.fault.is_none());
        assert!(passed || call.fault.is_some(), "{call:?}");
    }
}

/// The stream is one run, in order, and its counts add up (the report room's own check).
fn stream(played: &Played) {
    let state = RunState::of(&played.events).unwrap_or_else(|broken| panic!("{broken}"));
    state.check().unwrap_or_else(|broken| panic!("{broken}"));
    assert!(played.events.is_sorted_by_key(|event| event.mono), "stamps go back");
    let ends = |kind: &EventKind| matches!(kind, EventKind::RunEnded { .. });
    let last = &played.events.last().expect("events").kind;
    assert!(ends(last), "the last event is {last:?}");
    assert_eq!(played.events.iter().filter(|event| ends(&event.kind)).count(), 1);
}

/// Promise 1, and what a verdict may rest on.
fn verdicts(played: &Played) {
    let calls = played.calls();
    for entry in &played.setting.lines {
        let verdict = played.verdict(entry.id.as_str());
        let Some(fault) = verdict.fault else { continue };
        assert!(
            fault != Fault::Cancelled || played.end.ending == Ending::Interrupted,
            "{} is cancelled in a run that was not",
            entry.id
        );
        if fault.verdict() != Verdict::Fail {
            continue;
        }
        // No line fails on our fault: some call to its number has seen this very thing.
        let seen = calls.iter().any(|call| {
            call.fault == Some(fault)
                && played
                    .setting
                    .lines
                    .iter()
                    .any(|other| other.id == call.line && other.number == entry.number)
        });
        assert!(seen, "{}: {fault} without a call that found it", entry.id);
    }
}

/// Calls come in pairs of beginning and end, their instants in order, and every one that was dialed was hung up.
fn calls(played: &Played) {
    for call in played.calls() {
        let marks: Vec<_> = call.timeline.iter().collect();
        assert!(
            marks.windows(2).all(|pair| pair[0].1.at <= pair[1].1.at),
            "{}: instants go back: {marks:?}",
            call.call
        );
        let at = |moment| call.timeline.get(moment);
        if call.fault != Some(Fault::Internal) {
            assert!(at(Moment::Taken).is_some() && at(Moment::Released).is_some(), "{call:?}");
        }
        match call.hangup {
            Hangup::Proven => assert!(at(Moment::OnHook).is_some(), "{call:?}"),
            Hangup::Unproven => assert!(at(Moment::OnHook).is_none(), "{call:?}"),
            Hangup::NotNeeded => assert!(at(Moment::Dialed).is_none(), "{call:?}"),
        }
        if call.fault.is_none() {
            assert!(at(Moment::Connected).is_some(), "{call:?}");
        }
        let times = PhaseTimes::of(&call.timeline);
        assert!(at(Moment::Ringing).is_some() || times.post_dial_ms.is_none(), "{call:?}");
        assert!(at(Moment::Answered).is_some() || times.train_ms.is_none(), "{call:?}");
        if let (Some(total), Some(dialed)) = (times.total_ms, at(Moment::Dialed)) {
            let limits = played.setting.limits;
            let consoles = u32::try_from(call.consoles.len()).expect("a count");
            let behind = (limits.choose + limits.console + limits.leave * 2) * consoles;
            let most = limits.call + behind + limits.logout * 2 + Duration::from_secs(60);
            assert!(u128::from(total) <= most.as_millis(), "{} took {total} ms from {dialed:?}", call.call);
        }
    }
}

/// Promise 3: who is called again, and how often.
fn redials(played: &Played) {
    let number_of = |line: &str| {
        let entry = played.setting.lines.iter().find(|entry| entry.id.as_str() == line);
        entry.map(|entry| entry.number.clone()).expect("a line of the plan")
    };
    let mut woken: BTreeSet<_> = BTreeSet::new();
    let mut finals: BTreeSet<String> = BTreeSet::new();
    let mut dialed: BTreeMap<_, u32> = BTreeMap::new();
    let mut carrierless: BTreeSet<_> = BTreeSet::new();
    let mut attempts: BTreeMap<String, u32> = BTreeMap::new();
    let policy = &played.setting.policy;
    for event in &played.events {
        match &event.kind {
            EventKind::CallStarted { line, .. } => {
                let number = number_of(line.as_str());
                assert!(!finals.contains(line.as_str()), "{line} is called after a final finding");
                assert!(!woken.contains(&number), "{line} is called after voice or fax at its number");
                let calls = dialed.get(&number).copied().unwrap_or_default();
                assert!(
                    !carrierless.contains(&number) || calls < CALLS_WITHOUT_CARRIER_MAX,
                    "{line} is called though its number was answered without carrier in {calls} calls"
                );
            }
            EventKind::CallEnded(record) => {
                let number = number_of(record.line.as_str());
                // Whoever panicked may have dialed.
                let digits =
                    record.timeline.get(Moment::Dialed).is_some() || record.fault == Some(Fault::Internal);
                *dialed.entry(number.clone()).or_default() += u32::from(digits);
                match CallClass::of(record.fault) {
                    CallClass::Final => {
                        finals.insert(record.line.to_string());
                        if matches!(record.fault, Some(Fault::Voice | Fault::Fax)) {
                            woken.insert(number);
                        }
                    }
                    CallClass::AnsweredWithoutCarrier => {
                        carrierless.insert(number);
                    }
                    _ => {}
                }
                if CallClass::of(record.fault).is_attempt() {
                    *attempts.entry(record.line.to_string()).or_default() += 1;
                }
            }
            _ => {}
        }
    }
    if !played.modem_states().iter().any(|(_, state, ..)| *state == ModemState::Quarantined) {
        for (line, attempts) in attempts {
            assert!(attempts <= policy.attempts, "{line} had {attempts} calls");
        }
    }
    confirmed(played);
}

/// National rules: no more failed calls in a row to a number than may be, and no sooner.
fn lawful(played: &Played) {
    let law = &played.setting.redial;
    let number_of = |line: &str| {
        let entry = played.setting.lines.iter().find(|entry| entry.id.as_str() == line);
        entry.map(|entry| entry.number.clone()).expect("a line of the plan")
    };
    let mut failed: BTreeMap<_, (u32, Mono)> = BTreeMap::new();
    for event in &played.events {
        match &event.kind {
            EventKind::CallStarted { line, .. } => {
                let Some((calls, ended)) = failed.get(&number_of(line.as_str())) else { continue };
                assert!(law.attempts.is_none_or(|most| *calls < most), "{line}: one call too many");
                let pause = law.pauses.last().copied().unwrap_or_default();
                assert!(event.mono >= *ended + pause, "{line} is called again too soon");
            }
            EventKind::CallEnded(record) => {
                let number = number_of(record.line.as_str());
                if CallClass::of(record.fault) == CallClass::Passed {
                    failed.remove(&number);
                } else if record.timeline.get(Moment::Dialed).is_some() {
                    let entry = failed.entry(number).or_default();
                    *entry = (entry.0 + 1, event.mono);
                }
            }
            _ => {}
        }
    }
}

/// A failing verdict that is not one of the exceptions had its confirmation, on another modem where there was one.
fn confirmed(played: &Played) {
    for entry in &played.setting.lines {
        let verdict = played.verdict(entry.id.as_str());
        let class = CallClass::of(verdict.fault);
        let decided = played.calls().into_iter().find(|call| Some(&call.call) == verdict.call.as_ref());
        assert!(
            !class.is_failing() || decided.is_none_or(|call| call.cut_short_ms.is_none()),
            "{}: {:?} rests on a call that was cut short",
            entry.id,
            verdict.fault
        );
        if class != CallClass::Failed || played.end.ending == Ending::Interrupted {
            continue;
        }
        let failing: Vec<&CallRecord> = played
            .calls_of(entry.id.as_str())
            .into_iter()
            .filter(|call| CallClass::of(call.fault).is_failing())
            .collect();
        let wanted = played.setting.policy.confirm.min(played.setting.policy.attempts);
        let shared = played.setting.lines.iter().filter(|other| other.number == entry.number).count() > 1;
        let unproven = played
            .calls_of(entry.id.as_str())
            .iter()
            .any(|call| call.fault == Some(Fault::CredentialUnproven));
        // Answered without carrier, even if another call decided: two calls to the number, and no more.
        let closed = failing.len() >= CALLS_WITHOUT_CARRIER_MAX as usize
            && failing.iter().any(|call| CallClass::of(call.fault) == CallClass::AnsweredWithoutCarrier);
        // A line that has had all its lawful calls is judged by what it has.
        let spent = played.setting.redial.attempts.is_some();
        assert!(
            failing.len() >= wanted as usize || spent || closed || shared || unproven,
            "{}: {:?} after {} failing calls",
            entry.id,
            verdict.fault,
            failing.len()
        );
        let modems: BTreeSet<_> = failing.iter().map(|call| &call.modem).collect();
        let in_doubt: BTreeSet<&str> = played
            .modem_states()
            .iter()
            .filter(|(_, state, ..)| {
                matches!(state, ModemState::Out | ModemState::Wedged | ModemState::Quarantined)
            })
            .map(|(modem, ..)| *modem)
            .collect();
        let sound = played.setting.modems.iter().filter(|id| !in_doubt.contains(id.as_str())).count();
        // A modem that let the line down twice is no better than one that failed it.
        let let_down =
            played.calls_of(entry.id.as_str()).iter().any(|call| CallClass::of(call.fault).is_bench());
        if wanted >= 2 && sound >= 2 && !spent && !shared && !unproven && !let_down {
            assert!(modems.len() >= 2, "{}: {:?} was confirmed by the same modem", entry.id, verdict.fault);
        }
    }
}

/// Promise 3: no verdict stands on a failing call of a modem that turned out bad; no line is called on one under quarantine,
/// or during its check; and nobody is called for checks more often than may be.
fn distrust(played: &Played) {
    let mut unproven: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut void: BTreeSet<&str> = BTreeSet::new();
    let mut quarantined: BTreeSet<&str> = BTreeSet::new();
    let mut checking: BTreeSet<&str> = BTreeSet::new();
    let mut known_lines: BTreeMap<&str, u32> = BTreeMap::new();
    for event in &played.events {
        match &event.kind {
            EventKind::CallStarted { modem, call, .. } => {
                assert!(
                    !quarantined.contains(modem.as_str()),
                    "{call} on {modem}, which is under quarantine"
                );
                assert!(!checking.contains(modem.as_str()), "{call} on {modem}, which is being checked");
            }
            EventKind::CallEnded(record) => match CallClass::of(record.fault) {
                CallClass::Passed => drop(unproven.remove(record.modem.as_str())),
                class if class.is_failing() && quarantined.contains(record.modem.as_str()) => {
                    void.insert(record.call.as_str());
                }
                class if class.is_failing() => {
                    unproven.entry(record.modem.as_str()).or_default().push(record.call.as_str());
                }
                _ => {}
            },
            EventKind::BenchCheck(record) => {
                checking.remove(record.modem.as_str());
                if record.check != CheckKind::DialTone && record.outcome == CheckOutcome::Passed {
                    unproven.remove(record.modem.as_str());
                }
                if let (CheckKind::KnownLine, Some(dialed)) = (record.check, &record.dialed) {
                    *known_lines.entry(dialed).or_default() += 1;
                }
            }
            EventKind::Modem { modem, state, .. } => match state {
                ModemState::Quarantined => {
                    quarantined.insert(modem.as_str());
                    void.extend(unproven.remove(modem.as_str()).unwrap_or_default());
                }
                ModemState::Checking => drop(checking.insert(modem.as_str())),
                ModemState::Ready => {
                    quarantined.remove(modem.as_str());
                    checking.remove(modem.as_str());
                }
                ModemState::Identified
                | ModemState::Out
                | ModemState::HangupUnproven
                | ModemState::Wedged
                | ModemState::Down
                | ModemState::Disabled
                | ModemState::Lent => {}
            },
            _ => {}
        }
    }
    for entry in &played.setting.lines {
        let verdict = played.verdict(entry.id.as_str());
        let call = verdict.call.as_ref().filter(|_| verdict.fault != Some(Fault::QuarantinedBench));
        let rests_on = call.filter(|call| void.contains(call.as_str()));
        assert_eq!(rests_on, None, "{}: {:?} rests on a void call", entry.id, verdict.fault);
    }
    assert!(known_lines.values().all(|calls| *calls <= KNOWN_LINE_CHECKS_MAX), "{known_lines:?}");
}

/// Promise 2, as the exchange saw it: no two calls on a modem or to a number, no trunk over its limit, on-hook long
/// enough between two calls, and everything on-hook at the end.
fn exchange(played: &Played) {
    let gone: BTreeSet<&str> =
        played.logged(What::PortVanished).iter().filter_map(|entry| entry.modem.as_deref()).collect();
    let number = |line: Option<&str>| {
        played.setting.lines.iter().find(|entry| Some(entry.id.as_str()) == line).map(|entry| &entry.number)
    };
    let unproven: Vec<(&str, _, Mono)> = played
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::CallEnded(call) if call.hangup == Hangup::Unproven => {
                Some((call.modem.as_str(), number(Some(call.line.as_str())), event.mono))
            }
            _ => None,
        })
        .collect();
    // After a check, whose number is no line's.
    let stuck: Vec<(&str, Mono)> = played
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Modem { modem, state: ModemState::HangupUnproven, .. } => {
                Some((modem.as_str(), event.mono))
            }
            _ => None,
        })
        .collect();
    let mut on_call: BTreeMap<&str, &Entry> = BTreeMap::new();
    let mut off_since: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in &played.log {
        let Some(modem) = entry.modem.as_deref() else { continue };
        match entry.event {
            What::Dialed => {
                assert_ne!(entry.text.as_deref(), Some("EMERGENCY NUMBER"), "{entry:?}");
                // A modem that nothing could bring on-hook holds its number only so long.
                let other = on_call.values().find(|other| other.line.is_some() && other.line == entry.line);
                let given_up = |other: &Entry, after: Duration| {
                    unproven.iter().any(|(modem, called, ended)| {
                        other.modem.as_deref() == Some(modem)
                            && number(other.line.as_deref()) == *called
                            && Mono::from_micros(other.mono_us) <= *ended
                            && Mono::from_micros(entry.mono_us) >= *ended + after
                    }) || stuck.iter().any(|(modem, told)| {
                        other.modem.as_deref() == Some(modem)
                            && Mono::from_micros(other.mono_us) <= *told
                            && Mono::from_micros(entry.mono_us) >= *told + after
                    })
                };
                assert!(
                    other.is_none_or(|other| given_up(other, NUMBER_HELD)),
                    "two calls: {entry:?}, {other:?}"
                );
                assert_eq!(on_call.insert(modem, entry), None, "two calls on {modem}");
                if let Some(most) = played.setting.trunk {
                    let calls = on_call.values().filter(|other| !given_up(other, Duration::ZERO)).count();
                    assert!(calls <= most as usize, "{calls} calls on the trunk");
                }
                if let Some(since) = off_since.get(modem) {
                    let rest = Duration::from_micros(entry.mono_us - since);
                    assert!(
                        rest >= played.setting.on_hook_min,
                        "{modem} was on-hook for {rest:?} before {entry:?}"
                    );
                }
            }
            // Out of our hands.
            What::PortVanished => drop(on_call.remove(modem)),
            What::OnHook => {
                on_call.remove(modem);
                off_since.insert(modem, entry.mono_us);
            }
            _ => {}
        }
    }
    for (modem, entry) in on_call {
        let known = unproven.iter().map(|(modem, ..)| *modem).chain(stuck.iter().map(|(modem, _)| *modem));
        let known = known.into_iter().any(|unproven| unproven == modem);
        assert!(gone.contains(modem) || known, "{modem} is still off-hook: {entry:?}");
    }
}

/// Promise 4, as the far ends saw it: until one was accepted, one password at a time; none after a refusal of one that
/// was not proven; none more than two after each other that are refused.
fn passwords(played: &Played) {
    let mut proven = false;
    let mut refused = 0;
    let mut named: BTreeMap<u64, &str> = BTreeMap::new();
    let mut per_call: BTreeMap<u64, u32> = BTreeMap::new();
    for entry in &played.log {
        let call = entry.call.unwrap_or_default();
        if entry.event == What::Username {
            named.insert(call, entry.text.as_deref().unwrap_or_default());
        }
        // A hang-up that nothing else could end types AT: that may look like a login, but it is nobody's.
        let ours = named.get(&call).is_none_or(|name| played.setting.usernames.contains(name));
        if entry.event != What::Password || !ours {
            continue;
        }
        let sent = per_call.entry(call).or_default();
        *sent += 1;
        assert_eq!(*sent, 1, "a second password in one call: {entry:?}");
        if played.setting.usernames.len() > 1 {
            continue;
        }
        assert!(proven || refused == 0, "a password after a refusal of an unproven one: {entry:?}");
        if entry.accepted == Some(true) {
            proven = true;
            refused = 0;
        } else {
            refused += 1;
        }
    }
    none_once_stopped(played);
}

/// No call that began after the stop sends a password. Those that had been granted it before are nobody's fault: a proven
/// credential may be used by all modems at a time.
fn none_once_stopped(played: &Played) {
    let mut stopped = BTreeSet::new();
    let mut late = BTreeSet::new();
    for event in &played.events {
        match &event.kind {
            EventKind::Credential { credential, state: CredentialState::Stopped, .. } => {
                stopped.insert(credential.clone());
            }
            EventKind::CallStarted { call, .. } if !stopped.is_empty() => {
                late.insert(call.clone());
            }
            EventKind::PasswordSent { call, credential } => {
                let late = late.contains(call) && stopped.contains(credential);
                assert!(!late, "`{credential}` was sent by `{call}`, which began after it was stopped");
            }
            _ => {}
        }
    }
}

/// Promise 6: no secret in anything that is written.
fn secrets(played: &Played) {
    for event in &played.events {
        let text = serde_json::to_string(event).expect("an event is JSON");
        for password in &played.setting.passwords {
            assert!(!text.contains(password), "a password in {text}");
        }
    }
}
