//! A plan as the fleet takes it: what the config room read, in the types of the rooms that do the work.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::call::quality::Rules;
use crate::call::{CallSpec, Quality, ShortDial, Tap};
use crate::config::bank::{BankModem, PROFILE_AUTO};
use crate::config::plan::Undialable;
use crate::config::plan::ways::PlannedWay;
use crate::config::{Plan, PlannedLine};
use crate::fleet::dispatcher::{LineBook, NotDialed};
use crate::fleet::policy::{CallClass, expected_call};
use crate::fleet::redial::RedialLaw;
use crate::fleet::scheduler::{
    CallReport, Check, CheckPlan, Group, GroupKind, LineJob, ModemSeat, Past, Preset, SchedulerPlan, Way,
};
use crate::fleet::worker::{ProfileChoice, Seat};
use crate::model::event::{
    CheckKind, CheckOutcome, CredentialState, EVENT_FORMAT, ModemHeader, ModemState, RunHeader, Sitting, Via,
};
use crate::model::{
    CallId, CallRecord, CredentialName, Event, EventKind, Fault, GroupName, Line, LineId, ModemId, Moment,
    PhoneNumber, RunId, SiteId, Usual, Windows,
};
use crate::modem::clock::Clock;
use crate::modem::fingerprint::Fingerprint;
use crate::modem::profile::Profile;

use super::experience::Experience;

/// This sitting.
pub(crate) fn sitting(clock: Clock) -> Sitting {
    Sitting { lineman: env!("CARGO_PKG_VERSION").to_owned(), origin_us: clock.origin_us() }
}

/// First event of a new run.
pub(crate) fn header(plan: &Plan, run: &RunId, clock: Clock) -> RunHeader {
    let modems = plan.bank.modems.iter().map(|modem| ModemHeader {
        id: modem.id.clone(),
        port: if modem.port.is_empty() { format!("sim:{}", modem.id) } else { modem.port.clone() },
        profile: modem.profile.clone(),
        trunk: modem.trunk.clone(),
    });
    RunHeader {
        format: EVENT_FORMAT,
        run: run.clone(),
        plan: plan.name.clone(),
        plan_path: Some(plan.path.clone()),
        bank: plan.bank.name.clone(),
        seed: plan.seed,
        currency: plan.tariff.as_ref().map(|tariff| tariff.currency.clone()),
        sites: plan.sites.iter().filter_map(|(id, site)| Some((id.clone(), site.coordinates?))).collect(),
        lines: plan.lines.iter().map(|planned| planned.line.clone()).collect(),
        modems: modems.collect(),
        sitting: sitting(clock),
    }
}

/// Workers' seats, in the order of the bank.
pub(crate) fn seats(plan: &Plan) -> Vec<Seat> {
    let all: Arc<[Profile]> = plan.bank.profiles.values().map(|profile| Profile::clone(profile)).collect();
    let known = |modem: &BankModem| Some((modem.id.clone(), modem.fingerprint.clone()?));
    let neighbours: Arc<[(ModemId, Fingerprint)]> = plan.bank.modems.iter().filter_map(known).collect();
    let seat = |modem: &BankModem| Seat {
        id: modem.id.clone(),
        profile: match plan.bank.profiles.get(&modem.profile) {
            Some(profile) if modem.profile != PROFILE_AUTO => ProfileChoice::Fixed(Arc::clone(profile)),
            _ => ProfileChoice::Auto(Arc::clone(&all)),
        },
        setup_limit: plan.limits.setup,
        on_hook_min: plan.bank.on_hook_min,
        tone_limit: plan.limits.dial,
        hangup_limit: plan.limits.hangup,
        port: modem.port.clone(),
        fingerprint: modem.fingerprint.clone(),
        neighbours: Arc::clone(&neighbours),
        reset: modem.reset.clone(),
    };
    plan.bank.modems.iter().map(seat).collect()
}

/// The plan as the scheduler takes it, with what earlier runs taught.
pub(crate) fn scheduler_plan(
    plan: &Plan,
    past: Past,
    experience: &Experience,
    hours: &BTreeMap<LineId, Windows>,
) -> SchedulerPlan {
    let provers: BTreeSet<&LineId> = experience.provers.values().collect();
    let groups = Groups::of(plan);
    let room = plan.room();
    let toll = |number: &PhoneNumber| plan.price(number).worst(room);
    let line = |planned: &PlannedLine| {
        let mut job = LineJob::new(planned.line.id.clone(), planned.line.number.clone());
        // A line that may not be dialed at all has none left, and its verdict stands.
        if !planned.ways.is_empty() {
            job.ways = planned.ways.iter().map(|one| way(plan, room, planned, one)).collect();
        }
        job.credential.clone_from(&planned.credential);
        job.prove_on = provers.contains(&planned.line.id);
        let unknown = (!planned.consoles.is_empty()).then(|| expected_call(planned.consoles.len()));
        job.expected = experience.expected(&planned.line.id).or(unknown);
        job.windows = hours.get(&planned.line.id).cloned().unwrap_or(Windows::ALWAYS);
        job.groups = groups.of_line(&planned.line);
        job.priority = planned.line.facets.priority;
        job.preset = planned.preset.as_ref().map(|p| Preset { fault: p.fault, detail: p.detail.clone() });
        job
    };
    SchedulerPlan {
        lines: plan.lines.iter().map(line).collect(),
        modems: plan
            .bank
            .modems
            .iter()
            .map(|modem| ModemSeat {
                id: modem.id.clone(),
                trunk: modem.trunk.clone(),
                has_number: modem.number.is_some(),
                toll: modem.number.as_ref().map(toll),
            })
            .collect(),
        trunks: plan
            .bank
            .trunks
            .iter()
            .filter_map(|(name, calls)| Some((name.clone(), NonZeroU32::new(*calls)?)))
            .collect(),
        policy: plan.policy.clone(),
        checks: CheckPlan { toll: plan.checks.reference.as_ref().map(toll), ..plan.checks.clone() },
        budget: plan.budget.clone(),
        redial: redial_law(plan),
        past,
        room,
        groups: groups.all,
        ..SchedulerPlan::default()
    }
}

/// A way as the scheduler takes it.
fn way(plan: &Plan, room: Duration, planned: &PlannedLine, way: &PlannedWay) -> Way {
    Way {
        number: way.number.clone(),
        via: way.via(&planned.line),
        worst: plan.price(&way.number).worst(room),
    }
}

/// Sites and hunt groups with a limit of calls at a time, with their places in the scheduler's list.
struct Groups {
    all: Vec<Group>,
    by_site: BTreeMap<SiteId, usize>,
    by_name: BTreeMap<GroupName, usize>,
}

impl Groups {
    fn of(plan: &Plan) -> Self {
        let mut groups = Self { all: Vec::new(), by_site: BTreeMap::new(), by_name: BTreeMap::new() };
        for (site, about) in &plan.sites {
            if let Some(max_calls) = about.max_calls.and_then(NonZeroU32::new) {
                groups.by_site.insert(site.clone(), groups.all.len());
                groups.all.push(Group { name: site.to_string(), kind: GroupKind::Site, max_calls });
            }
        }
        for (name, max_calls) in &plan.hunt_groups {
            if let Some(max_calls) = NonZeroU32::new(*max_calls) {
                groups.by_name.insert(name.clone(), groups.all.len());
                groups.all.push(Group { name: name.to_string(), kind: GroupKind::HuntGroup, max_calls });
            }
        }
        groups
    }

    fn of_line(&self, line: &Line) -> Vec<usize> {
        let hunt_group = line.facets.hunt_group.as_ref().and_then(|name| self.by_name.get(name));
        self.by_site.get(&line.site).into_iter().chain(hunt_group).copied().collect()
    }
}

/// The law where the bank stands. A simulated network has none, and may be any number of times faster.
fn redial_law(plan: &Plan) -> RedialLaw {
    match &plan.numbering.redial {
        Some(redial) if !plan.bank.rehearsal => RedialLaw {
            attempts: redial.attempts,
            busy_attempts: redial.busy_attempts,
            pauses: redial.pauses.clone(),
        },
        _ => RedialLaw::default(),
    }
}

/// What earlier sittings found, from their events.
pub(crate) fn past(events: &[Event]) -> Past {
    let mut past = Past::default();
    let mut verdicts = BTreeMap::new();
    let mut lost: BTreeMap<&CallId, (LineId, Option<Via>)> = BTreeMap::new();
    // Failing calls of each modem since it last passed anything: what a quarantine makes void.
    let mut unproven: BTreeMap<&ModemId, Vec<&CallId>> = BTreeMap::new();
    let mut checking: BTreeMap<&ModemId, Check> = BTreeMap::new();
    for event in events {
        match &event.kind {
            EventKind::BenchCheck(record) => {
                past.checks.extend(record.charge);
                checking.remove(&record.modem);
            }
            EventKind::Modem { modem, state: ModemState::Checking, detail, .. } => {
                checking.extend(Check::of_told(detail).map(|check| (modem, check)));
            }
            EventKind::RunResumed(_) => past.lost_checks.extend(std::mem::take(&mut checking).into_values()),
            _ => {}
        }
        match &event.kind {
            EventKind::Verdict(verdict) => drop(verdicts.insert(verdict.line.clone(), verdict.clone())),
            EventKind::VerdictWithdrawn { line, .. } => drop(verdicts.remove(line)),
            EventKind::CallStarted { call, line, attempt, via, .. } => {
                lost.insert(call, (line.clone(), via.clone()));
                let begun = past.begun.entry(line.clone()).or_default();
                *begun = (*begun).max(*attempt);
            }
            EventKind::CallEnded(record) => {
                lost.remove(&record.call);
                past.calls.push(report(record));
                let class = CallClass::of(record.fault);
                if class == CallClass::Passed {
                    unproven.remove(&record.modem);
                } else if class.is_failing() && past.quarantined.contains(&record.modem) {
                    past.void.insert(record.call.clone());
                } else if class.is_failing() {
                    unproven.entry(&record.modem).or_default().push(&record.call);
                }
            }
            EventKind::BenchCheck(record)
                if record.outcome == CheckOutcome::Passed && record.check != CheckKind::DialTone =>
            {
                unproven.remove(&record.modem);
            }
            EventKind::Modem { modem, state: ModemState::Quarantined, .. } => {
                past.quarantined.insert(modem.clone());
                past.void.extend(unproven.remove(modem).into_iter().flatten().cloned());
            }
            // It was taken back.
            EventKind::Modem { modem, state: ModemState::Ready, .. } => {
                past.quarantined.remove(modem);
            }
            _ => {}
        }
    }
    past.lost = lost.into_values().collect();
    past.lost_checks.extend(checking.into_values());
    past.unproven = unproven.into_values().flatten().cloned().collect();
    past.verdicts = verdicts.into_values().filter(|v| v.fault != Some(Fault::Cancelled)).collect();
    past
}

/// Credentials of which a password was on its way, not proven before, when the run was cut off: they count as refused.
pub(crate) fn cut_off(events: &[Event]) -> BTreeSet<CredentialName> {
    let mut proven = BTreeSet::new();
    let mut open = BTreeMap::new();
    for event in events {
        match &event.kind {
            EventKind::Credential { credential, state: CredentialState::Proven, .. } => {
                proven.insert(credential.clone());
            }
            EventKind::PasswordSent { call, credential } if !proven.contains(credential) => {
                open.insert(call.clone(), credential.clone());
            }
            EventKind::CallEnded(record) => drop(open.remove(&record.call)),
            _ => {}
        }
    }
    open.into_values().filter(|credential| !proven.contains(credential)).collect()
}

/// A call as the scheduler takes it.
pub(crate) fn report(record: &CallRecord) -> CallReport {
    let at = |moment| record.timeline.get(moment).map(|mark| mark.at);
    let took = match (at(Moment::Taken), at(Moment::Released)) {
        (Some(from), Some(to)) => to.since(from),
        _ => Duration::ZERO,
    };
    CallReport {
        line: record.line.clone(),
        modem: record.modem.clone(),
        attempt: record.attempt,
        fault: record.fault,
        furthest: record.furthest(),
        dialed: at(Moment::Dialed).is_some(),
        held: false,
        took,
        cut_short: record.cut_short_ms.map(Duration::from_millis),
        connected_after: at(Moment::Dialed).and_then(|from| Some(at(Moment::Connected)?.since(from))),
        via: record.via.clone(),
        // What was not dialed is no call; one whose worker died is told without its instants, and is billed.
        charge: record.charge.filter(|charge| at(Moment::Dialed).is_some() || charge.billed_s > 0),
        refused_for: None,
        detail: record.detail.clone(),
    }
}

/// Makes the particulars of each call.
pub(crate) struct Book {
    plan: Arc<Plan>,
    rules: Arc<Rules>,
    usual: BTreeMap<LineId, Arc<Usual>>,
    lines: BTreeMap<LineId, usize>,
    modems: BTreeMap<ModemId, usize>,
    tap: Option<Tap>,
}

impl Book {
    /// Of a plan, with what is usual on its lines, as far as earlier nights tell.
    pub(crate) fn new(plan: Arc<Plan>, usual: BTreeMap<LineId, Arc<Usual>>) -> Self {
        let rules = Arc::new(plan.policy.degraded.clone());
        let lines =
            plan.lines.iter().enumerate().map(|(at, planned)| (planned.line.id.clone(), at)).collect();
        let modems = plan.bank.modems.iter().enumerate().map(|(at, modem)| (modem.id.clone(), at)).collect();
        Self { plan, rules, usual, lines, modems, tap: None }
    }

    /// With a terminal that looks on at the calls to lines, or wants their console.
    #[must_use]
    pub(crate) fn with_tap(self, tap: Tap) -> Self {
        Self { tap: Some(tap), ..self }
    }
}

impl LineBook for Book {
    fn call(&self, line: &LineId, modem: &ModemId, attempt: u32, way: usize) -> Result<CallSpec, NotDialed> {
        let planned = self.lines.get(line).and_then(|at| self.plan.lines.get(*at));
        let modem = self.modems.get(modem).and_then(|at| self.plan.bank.modems.get(*at));
        let (Some(planned), Some(modem)) = (planned, modem) else {
            return Err(NotDialed(format!("`{line}` is not in the plan")));
        };
        let Some(way) = planned.ways.get(way) else {
            return Err(NotDialed(format!("`{line}` has no such way")));
        };
        let dial = self.plan.dial_string(way, modem).map_err(|why| NotDialed(why.to_string()))?;
        let usual = self.usual.get(line);
        Ok(CallSpec {
            call: CallId::new(line, attempt),
            line: Line::clone(&planned.line),
            attempt,
            modem: modem.id.clone(),
            dial,
            via: way.via(&planned.line),
            dialog: planned.dialog.clone(),
            consoles: planned.consoles.clone(),
            credential: planned.credential.clone(),
            port_bps: modem.port_bps(),
            limits: self.plan.limits,
            short_dial: usual.and_then(|usual| ShortDial::of(&self.plan.limits, usual)),
            quality: Quality { rules: Arc::clone(&self.rules), usual: usual.cloned() },
            price: self.plan.price(&way.number),
            ring_cadence: self.plan.numbering.cadence_to(&way.number),
            tap: self.tap.clone(),
        })
    }

    fn check(&self, check: &Check, modem: &ModemId) -> Result<CallSpec, NotDialed> {
        let bank = |id: &ModemId| self.modems.get(id).and_then(|at| self.plan.bank.modems.get(*at));
        let alone = |number: &PhoneNumber| PlannedWay { number: number.clone(), carrier: None };
        let (way, name) = match check {
            Check::DialTone => (None, "dial-tone"),
            Check::Reference => (self.plan.checks.reference.as_ref().map(alone), "reference"),
            Check::Peer(peer) => (bank(peer).and_then(|peer| peer.number.as_ref()).map(alone), "peer"),
            // The way that is still there: at a line's own number there may be a person.
            Check::Line(line) => {
                (self.plan.line(line).and_then(|planned| planned.ways.first()).cloned(), "known-line")
            }
        };
        let (Some(way), Some(modem)) = (way, bank(modem)) else {
            return Err(NotDialed("there is no such number to check it with".to_owned()));
        };
        check_call(&self.plan, name, &way, modem).map_err(|why| NotDialed(why.to_string()))
    }
}

/// The particulars of a call that checks a modem: up to CONNECT, with no credential.
fn check_call(plan: &Plan, name: &str, way: &PlannedWay, modem: &BankModem) -> Result<CallSpec, Undialable> {
    let no_name = |_| Undialable::NoString("it has no name".to_owned());
    let id: LineId = name.parse().map_err(no_name)?;
    let site: SiteId = name.parse().map_err(|_| Undialable::NoString("it has no name".to_owned()))?;
    Ok(CallSpec {
        call: CallId::new(&id, 1),
        line: Line {
            id,
            site,
            number: way.number.clone(),
            hostname: None,
            facets: crate::model::Facets::default(),
        },
        attempt: 1,
        modem: modem.id.clone(),
        dial: plan.dial_string(way, modem)?,
        via: None,
        dialog: None,
        consoles: Vec::new(),
        credential: None,
        port_bps: Some(modem.baud),
        limits: plan.limits,
        short_dial: None,
        quality: Quality::default(),
        price: plan.price(&way.number),
        ring_cadence: plan.numbering.cadence_to(&way.number),
        tap: None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Overrides, load_plan};
    use crate::model::Mono;
    use crate::model::usual::Spread;

    const PLAN: &str = "plan: nightly\nbank: bank.yaml\nnumbering: us\ndefaults: { console: none }\n\
        policy: { degraded: { retrains: 7 } }\nlines:\n\
        - { id: A, number: \"+1 919 555 0101\" }\n- { id: B, number: \"+1 919 555 0102\" }\n";
    const BANK: &str = "bank: hq\nlocation: { country: US, area_code: \"919\" }\n\
        modems: [{ id: m00, port: /dev/ttyS0, profile: generic }, { id: m01, port: \"tcp://10.0.0.9:4001\", profile: generic }]\n";

    #[test]
    fn a_call_knows_the_plans_rules_and_what_is_usual_on_its_line() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bank.yaml"), BANK).unwrap();
        fs::write(folder.path().join("plan.yaml"), PLAN).unwrap();
        let plan = load_plan(&folder.path().join("plan.yaml"), &Overrides::default()).unwrap();
        let known = Usual { dialed_to_connect_ms: Spread::of(&[22_000; 5]), ..Usual::default() };
        let usual = BTreeMap::from([("A".parse().unwrap(), Arc::new(known.clone()))]);
        let book = Book::new(Arc::new(plan), usual);
        let call = |line: &str| book.call(&line.parse().unwrap(), &"m00".parse().unwrap(), 1, 0).unwrap();
        let (a, b) = (call("A"), call("B"));
        assert_eq!(a.short_dial.map(|short| short.limit), Some(Duration::from_secs(43)));
        assert_eq!(a.quality.usual.as_deref(), Some(&known));
        assert_eq!((b.short_dial, b.quality.usual), (None, None));
        let behind = book.call(&"A".parse().unwrap(), &"m01".parse().unwrap(), 1, 0).unwrap();
        assert_eq!((a.port_bps, behind.port_bps), (Some(115_200), None), "only the server knows its rate");
        assert_eq!((a.quality.rules.retrains, b.quality.rules.retrains), (Some(7), Some(7)));
    }

    #[test]
    fn a_line_has_its_ways_its_groups_and_its_rank() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bank.yaml"), BANK).unwrap();
        let text = PLAN
            .replace("id: A,", "id: A, site: X, hunt_group: lobby, priority: 7, carriers: [att, direct],")
            + "- { id: C, site: X, number: \"+1 900 555 0103\" }\n- { id: D, site: X, number: \"+44 20 7946 0104\" }\n\
               sites: { X: { max_calls: 2, priority: -1 }, Y: { max_calls: 1 }, Z: { tags: z } }\n\
               hunt_groups: { attic: , lobby: }\ncarriers: { att: { prefix: \"1010288\" } }\n";
        fs::write(folder.path().join("plan.yaml"), text).unwrap();
        let plan = Arc::new(load_plan(&folder.path().join("plan.yaml"), &Overrides::default()).unwrap());
        let made = scheduler_plan(&plan, Past::default(), &Experience::default(), &BTreeMap::new());
        let groups: Vec<_> = made
            .groups
            .iter()
            .map(|group| (group.kind.word(), group.name.as_str(), group.max_calls.get()))
            .collect();
        assert_eq!(
            groups,
            [("site", "X", 2), ("site", "Y", 1), ("hunt group", "attic", 1), ("hunt group", "lobby", 1)]
        );
        let [a, b, c, d] = &made.lines[..] else { panic!("{:?}", made.lines) };
        assert_eq!((&a.groups[..], &b.groups[..], &d.groups[..]), (&[0, 3][..], &[][..], &[0][..]));
        assert_eq!((a.priority, b.priority, d.priority), (7, 0, -1));
        let att = Some("att".parse().unwrap());
        let vias: Vec<_> = a.ways.iter().map(|way| way.via.clone()).collect();
        assert_eq!(vias, [Some(crate::model::event::Via { number: None, carrier: att }), None]);
        assert_eq!(c.preset.as_ref().map(|preset| preset.fault), Some(Fault::Screened));
        assert_eq!(c.ways.len(), 1, "the scheduler wants one, and the verdict stands");

        let book = Book::new(plan, BTreeMap::new());
        let call =
            |line: &str, way: usize| book.call(&line.parse().unwrap(), &"m00".parse().unwrap(), 1, way);
        assert_eq!(call("A", 0).unwrap().dial.command(), "101028819195550101");
        let direct = call("A", 1).unwrap();
        assert_eq!((direct.dial.command().as_str(), direct.via), ("9195550101", None));
        assert!(call("A", 2).is_err() && call("C", 0).is_err(), "no string comes of what may not be dialed");
        let check = book.check(&Check::Line("A".parse().unwrap()), &"m01".parse().unwrap()).unwrap();
        assert_eq!(check.dial.command(), "101028819195550101", "the way on which it passed");
    }

    #[test]
    fn what_a_quarantine_made_void_is_known_to_a_resumed_run_and_who_was_taken_back_too() {
        let call = |id: &str, modem: &str, fault: Option<Fault>| {
            let at = jiff::Timestamp::UNIX_EPOCH;
            let (line, attempt) = id.split_once('.').unwrap();
            EventKind::CallEnded(Box::new(CallRecord {
                call: id.parse().unwrap(),
                line: line.parse().unwrap(),
                modem: modem.parse().unwrap(),
                attempt: attempt.parse().unwrap(),
                started: at,
                finished: at,
                fault,
                ..CallRecord::sample()
            }))
        };
        let state = |modem: &str, state: ModemState| EventKind::Modem {
            modem: modem.parse().unwrap(),
            state,
            fault: None,
            detail: String::new(),
            until: None,
        };
        let checking = |modem: &str, what: &str| EventKind::Modem {
            modem: modem.parse().unwrap(),
            state: ModemState::Checking,
            fault: None,
            detail: what.to_owned(),
            until: None,
        };
        let events = [
            call("A.1", "m0", Some(Fault::NoAnswer)),
            call("B.1", "m0", None),
            call("C.1", "m0", Some(Fault::NoConnect)),
            state("m0", ModemState::Quarantined),
            call("D.1", "m0", Some(Fault::NoConnect)),
            state("m0", ModemState::Ready),
            call("E.1", "m0", Some(Fault::NoConnect)),
            state("m1", ModemState::Quarantined),
            checking("m1", "calls the reference number"),
            EventKind::RunResumed(Sitting { lineman: String::new(), origin_us: 0 }),
            checking("m2", "calls `m1`"),
        ];
        let events = events.map(|kind| Event { at: jiff::Timestamp::UNIX_EPOCH, mono: Mono::ZERO, kind });
        let past = past(&events);
        let ids = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect::<BTreeSet<CallId>>();
        assert_eq!(past.void, ids(&["C.1", "D.1"]), "not what failed before a pass");
        assert_eq!(past.unproven, ids(&["E.1"]));
        assert_eq!(past.quarantined, BTreeSet::from(["m1".parse().unwrap()]));
        // No end is known of either check: each may have been billed.
        assert_eq!(past.lost_checks, [Check::Reference, Check::Peer("m1".parse().unwrap())]);
    }
}
