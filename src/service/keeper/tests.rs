//! The brain, one story at a time: nights that are due, calls beside a run, what operators say, roles, deaths.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::config::service;
use crate::fleet::order::{Done as Ordered, Order, Refused as Disobeyed};
use crate::model::BankName;
use crate::service::control::Subject;
use crate::service::durable::Holds;
use crate::service::leftover::Left;
use crate::service::status::Stands;

/// Two banks of two modems, three plans: `night` and `spare` on bank `hq`, `west` on bank `w`.
pub(super) fn files(root: &Path) {
    let write = |path: &str, text: String| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    for (bank, port) in [("hq", "a"), ("w", "b")] {
        let modems = [0, 1]
            .map(|n| format!("  - {{ id: {port}{n}, port: /dev/{port}{n}, profile: generic }}\n"))
            .concat();
        write(
            &format!("{bank}.yaml"),
            format!(
                "bank: {bank}\nrehearsal: true\nlocation: {{ country: US, area_code: \"919\" }}\nmodems:\n{modems}"
            ),
        );
    }
    for (at, (plan, bank)) in [("night", "hq"), ("spare", "hq"), ("west", "w")].into_iter().enumerate() {
        let lines = [1, 2, 3]
            .map(|n| format!("  - {{ id: {plan}-{n}, site: S{n}, number: \"+1 919 555 0{at}0{n}\" }}\n"))
            .concat();
        write(
            &format!("{plan}.yaml"),
            format!(
                "plan: {plan}\nbank: {bank}.yaml\nnumbering: us\nzone: America/New_York\ndefaults: {{ console: none }}\nlines:\n{lines}"
            ),
        );
    }
}

/// The daemon's file, with more in its entry for `night` and at its end.
pub(super) fn daemon(night: &str, more: &str) -> String {
    format!(
        "service: hq\nreports: reports\nstate: state\nhttp: none\nsocket: none\n{more}\nplans:\n  - {{ plan: night.yaml, schedule: \"0 2 * * *\"{night} }}\n  - {{ plan: spare.yaml }}\n  - {{ plan: west.yaml, schedule: \"30 2 * * *\", when: always }}\n"
    )
}

pub(super) fn loaded(root: &Path, text: &str) -> Arc<Loaded> {
    let path = root.join("lineman.yaml");
    fs::write(&path, text).unwrap();
    Arc::new(service::load(&path, &|_| None).map_err(|bad| bad.problems.to_string()).unwrap())
}

/// A brain with a clock, and what it said last.
struct World {
    /// Its files, as long as it lives.
    root: tempfile::TempDir,
    keeper: Keeper,
    now: Reading,
    said: Vec<Action>,
    tickets: u64,
}

fn at(text: &str) -> Timestamp {
    // The plans are in New York, in winter.
    format!("{text}-05:00").parse().unwrap()
}

impl World {
    fn new(start: &str, text: &str, durable: Durable) -> Self {
        let root = tempfile::tempdir().unwrap();
        files(root.path());
        let loaded = loaded(root.path(), text);
        let wall = at(start);
        let now = Reading { mono: Mono::from_millis(1_000), wall, begun: wall };
        let (keeper, said) = Keeper::new(&now, loaded, durable);
        let mut world = Self { root, keeper, now, said, tickets: 0 };
        assert!(world.said.iter().any(|action| matches!(action, Action::Levels(_))));
        world.step(Input::Role { role: Role::Primary, why: "it has no peers".to_owned() });
        world
    }

    /// A usual day: nothing kept, all folders empty.
    fn usual(start: &str) -> Self {
        let mut world = Self::new(start, &daemon("", ""), Durable::default());
        world.empty_folders();
        world
    }

    fn empty_folders(&mut self) {
        for plan in ["night", "spare", "west"] {
            self.step(Input::Found { plan: plan.parse().unwrap(), newest: Ok(None) });
        }
    }

    fn step(&mut self, input: Input) -> &mut Self {
        self.said = self.keeper.step(&self.now, input);
        let deadline = self.keeper.next_deadline();
        assert!(deadline.is_none_or(|deadline| deadline > self.now.wall), "{deadline:?} is past");
        self
    }

    fn pass(&mut self, span: Duration) -> &mut Self {
        self.now.wall += span;
        self.now.mono = self.now.mono + span;
        self.step(Input::Time)
    }

    /// To the next deadline, which must be this.
    fn to(&mut self, time: &str) -> &mut Self {
        assert_eq!(self.keeper.next_deadline(), Some(at(time)), "the next deadline");
        let span = at(time).duration_since(self.now.wall);
        self.pass(span.try_into().unwrap())
    }

    fn tell(&mut self, control: Control) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.step(Input::Control { ticket, control });
        ticket
    }

    fn answer(&self, ticket: Ticket) -> control::Answer {
        let answers: Vec<_> = self
            .said
            .iter()
            .filter_map(|action| match action {
                Action::Reply { ticket: to, answer } if *to == ticket => Some(answer.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(answers.len(), 1, "{:?}", self.said);
        answers.into_iter().next().unwrap()
    }

    fn refused(&mut self, control: Control) -> String {
        let ticket = self.tell(control);
        self.answer(ticket).unwrap_err().why
    }

    fn done(&mut self, control: Control) -> String {
        let ticket = self.tell(control);
        self.answer(ticket).unwrap().said
    }

    fn begins(&self) -> Vec<(JobId, String, What)> {
        let begun = |action: &Action| match action {
            Action::Begin(begin) => Some((begin.job, begin.plan.name().to_string(), begin.what.clone())),
            _ => None,
        };
        self.said.iter().filter_map(begun).collect()
    }

    /// The first job that begins in this step, with a run of its name and number.
    fn begun(&mut self) -> (JobId, RunId) {
        let begins = self.begins();
        let (job, plan, what) = begins.into_iter().next().unwrap_or_else(|| panic!("{:?}", self.said));
        let run = match what {
            What::Run { resume: Some(run) } => run,
            _ => RunId::new(self.now.wall, &plan.parse().unwrap()).nth(u8::try_from(job.0 % 200).unwrap()),
        };
        self.step(Input::Begun { job, run: run.clone() });
        (job, run)
    }

    fn orders(&self) -> Vec<(OrderId, JobId, Order)> {
        let ordered = |action: &Action| match action {
            Action::Order { job, order, what } => Some((*order, *job, what.clone())),
            _ => None,
        };
        self.said.iter().filter_map(ordered).collect()
    }

    fn over(&mut self, job: JobId, completed: bool) -> &mut Self {
        let counts = BTreeMap::from([("pass".to_owned(), 3)]);
        self.step(Input::Ended { job, end: RunEnd::Over { completed, counts } })
    }

    fn logged(&self) -> String {
        let text = |action: &Action| match action {
            Action::Log { text, .. } => Some(text.clone()),
            _ => None,
        };
        self.said.iter().filter_map(text).collect::<Vec<_>>().join("\n")
    }

    fn plan(&self, name: &str) -> crate::service::status::PlanStatus {
        let status = self.keeper.status(&self.now);
        status.plans.into_iter().find(|plan| plan.plan.as_str() == name).unwrap()
    }

    fn kept(&self) -> Durable {
        self.keeper.durable.clone()
    }
}

fn call(line: &str) -> Control {
    Control::Call { plan: None, line: line.parse().unwrap(), anyway: false }
}

fn start(plan: &str) -> Control {
    Control::Start { plan: plan.parse().unwrap(), anyway: false }
}

fn says(text: &str, part: &str) {
    assert!(text.contains(part), "`{part}` is not in: {text}");
}

#[test]
fn a_plan_begins_when_it_is_due_and_is_idle_before_and_after() {
    let mut world = World::usual("2026-11-22T12:00:00");
    let plan = world.plan("night");
    assert_eq!((plan.stands, plan.next), (Stands::Idle, Some(at("2026-11-23T02:00:00"))));
    says(&plan.why, "Mon 2026-11-23 02:00 EST");
    world.to("2026-11-23T02:00:00");
    let (job, run) = world.begun();
    assert_eq!(world.plan("night").stands, Stands::Working);
    assert_eq!(world.plan("night").run, Some(run.clone()));
    world.over(job, true);
    let last = world.plan("night").last.unwrap();
    assert!(last.completed && last.run == run && last.counts["pass"] == 3);
    assert_eq!(world.plan("night").next, Some(at("2026-11-24T02:00:00")));
}

#[test]
fn nothing_begins_before_its_folder_was_looked_into() {
    let mut world = World::new("2026-11-22T12:00:00", &daemon("", ""), Durable::default());
    let ticket = world.tell(start("spare"));
    assert!(world.begins().is_empty());
    says(&world.answer(ticket).unwrap().said, "looked into");
    world.empty_folders();
    let begun: Vec<_> = world.keeper.jobs.values().map(|job| job.plan.name().to_string()).collect();
    assert_eq!(begun, ["spare"]);
}

#[test]
fn two_plans_never_have_one_bank_and_two_banks_work_at_once() {
    let mut world = World::usual("2026-11-23T01:59:00");
    let ticket = world.tell(start("spare"));
    let (spare, run) = world.begun();
    assert_eq!(world.answer(ticket).unwrap().run, Some(run.clone()));
    world.to("2026-11-23T02:00:00");
    assert!(world.begins().is_empty());
    let night = world.plan("night");
    assert_eq!(night.stands, Stands::Waiting);
    says(&night.why, &format!("bank `hq` is taken by run `{run}`"));
    world.to("2026-11-23T02:30:00");
    assert_eq!(world.begins()[0].1, "west");
    world.over(spare, true);
    assert_eq!(world.begins()[0].1, "night");
}

#[test]
fn a_run_that_could_not_begin_in_time_is_told_as_missed() {
    let mut world = World::usual("2026-11-23T01:59:00");
    world.tell(start("spare"));
    world.begun();
    world.to("2026-11-23T02:00:00").to("2026-11-23T02:30:00").to("2026-11-23T03:00:00");
    says(&world.logged(), "plan `night` missed its time Mon 2026-11-23 02:00 EST: bank `hq` is taken by");
    assert_eq!(world.plan("night").stands, Stands::Idle);
}

#[test]
fn what_was_missed_while_no_daemon_ran_begins_late_or_is_told() {
    let mut earlier = World::usual("2026-11-22T12:00:00").kept();
    earlier.daemon = Holds::default();
    let mut late = World::new("2026-11-23T02:59:00", &daemon("", ""), earlier.clone());
    late.empty_folders();
    assert!(late.keeper.jobs.values().any(|job| job.plan.name().as_str() == "night"));
    let too_late = World::new("2026-11-25T03:01:00", &daemon("", ""), earlier.clone());
    // Told when it began.
    let (_, said) = Keeper::new(&too_late.now, Arc::clone(&too_late.keeper.loaded), earlier.clone());
    let text = format!("{said:?}");
    says(&text, "plan `night` missed its time Wed 2026-11-25 02:00 EST: no daemon ran");
    says(&text, "missed 2 of its times before");
    let mut never = World::new(
        "2026-11-23T02:02:00",
        &daemon(", missed: skip", ""),
        Durable { plans: earlier.plans.clone(), ..Durable::default() },
    );
    never.empty_folders();
    assert!(!never.keeper.jobs.values().any(|job| job.plan.name().as_str() == "night"));
}

#[test]
fn a_technician_borrows_a_modem_beside_a_run_and_gives_it_back() {
    let mut world = World::usual("2026-11-23T01:59:00");
    world.to("2026-11-23T02:00:00");
    let (night, _) = world.begun();
    let ticket = world.tell(call("night-2"));
    let (order, job, what) = world.orders().remove(0);
    assert_eq!(job, night);
    let Order::Lend { numbers, line } = what else { panic!("{what:?}") };
    assert_eq!((numbers.len(), line), (1, Some("night-2".parse().unwrap())));
    world.step(Input::Ordered { order, answer: Ok(Ordered::Lent("a1".parse().unwrap())) });
    assert_eq!(
        world.begins()[0].2,
        What::Call { line: "night-2".parse().unwrap(), modem: Some("a1".parse().unwrap()) }
    );
    let (call_job, run) = world.begun();
    assert_eq!(world.answer(ticket).unwrap().run, Some(run));
    let bank = world.keeper.status(&world.now).banks.remove(0);
    assert_eq!(bank.modems[1].stands, Stands::Lent);
    world.over(call_job, true);
    assert_eq!(world.orders()[0].2, Order::TakeBack { modem: "a1".parse().unwrap() });
}

#[test]
fn a_call_that_no_modem_can_be_lent_for_is_refused_with_the_runs_reason() {
    let mut world = World::usual("2026-11-23T01:59:00");
    world.to("2026-11-23T02:00:00");
    world.begun();
    let ticket = world.tell(call("spare-1"));
    let (order, _, what) = world.orders().remove(0);
    // A line of another plan is none of the run's.
    assert!(matches!(what, Order::Lend { line: None, .. }));
    world.step(Input::Ordered { order, answer: Err(Disobeyed("all are under quarantine".to_owned())) });
    says(&world.answer(ticket).unwrap_err().why, "all are under quarantine");
    assert!(world.keeper.queue.iter().next().is_none());
}

#[test]
fn a_call_goes_before_what_waits_where_nothing_can_be_lent() {
    let mut world = World::usual("2026-11-23T01:59:30");
    world.tell(call("night-1"));
    let (first, _) = world.begun();
    world.to("2026-11-23T02:00:00");
    let ticket = world.tell(call("night-2"));
    says(&world.answer(ticket).unwrap().said, "waits: bank `hq` is taken by the call of run");
    says(&world.refused(call("night-2")), "waits already");
    says(&world.refused(call("night-1")), "goes on already");
    world.over(first, true);
    let (second, _) = world.begun();
    assert_eq!(world.plan("night").stands, Stands::Waiting);
    world.over(second, true);
    assert_eq!(world.begins()[0].2, What::Run { resume: None });
}

#[test]
fn a_pause_holds_back_ends_by_itself_and_can_be_overridden() {
    let mut world = World::usual("2026-11-23T01:00:00");
    let until = Some(at("2026-11-23T02:20:00"));
    says(&world.done(Control::Pause { plan: None, until, why: "cable work".to_owned() }), "paused until");
    assert_eq!(world.keeper.status(&world.now).until, until);
    says(&world.refused(start("spare")), "cable work");
    let ticket = world.tell(Control::Start { plan: "spare".parse().unwrap(), anyway: true });
    let (spare, _) = world.begun();
    assert!(world.answer(ticket).is_ok() && world.orders().is_empty());
    world.over(spare, true);
    world.to("2026-11-23T02:00:00");
    assert!(world.begins().is_empty());
    says(&world.plan("night").why, "cable work");
    world.to("2026-11-23T02:20:00");
    says(&world.logged(), "the pause of the daemon is over");
    assert_eq!(world.begins()[0].1, "night");
}

/// Whoever began although it was paused had seen that pause. The next one is for other cables.
#[test]
fn a_later_pause_holds_what_began_although_it_was_paused() {
    let mut world = World::usual("2026-11-23T01:00:00");
    let pause = || Control::Pause { plan: None, until: None, why: "cable work".to_owned() };
    world.done(pause());
    world.tell(Control::Start { plan: "spare".parse().unwrap(), anyway: true });
    let (spare, _) = world.begun();
    assert!(world.orders().is_empty());
    world.done(Control::Resume { plan: None });
    world.tell(pause());
    assert!(matches!(&world.orders()[..], [(_, job, Order::Pause { .. })] if *job == spare));
    assert_eq!(world.plan("spare").stands, Stands::Paused);
}

#[test]
fn two_banks_never_call_one_number_at_once() {
    let mut world = World::usual("2026-11-23T01:00:00");
    let file = world.root.path().join("west.yaml");
    let text = fs::read_to_string(&file).unwrap().replace("+1 919 555 0203", "+1 919 555 0003");
    fs::write(&file, text).unwrap();
    let config = loaded(world.root.path(), &daemon("", ""));
    world.step(Input::Config(config));
    world.to("2026-11-23T02:00:00");
    let (night, run) = world.begun();
    world.to("2026-11-23T02:30:00");
    assert!(world.begins().is_empty(), "it would find night-3 busy, or be found there");
    says(&world.plan("west").why, &format!("`{run}` on bank `hq` calls numbers of it"));
    let ticket = world.tell(call("west-3"));
    assert!(world.begins().is_empty() && world.orders().is_empty());
    says(&world.answer(ticket).unwrap().said, "calls numbers of it");
    world.tell(call("west-1"));
    assert_eq!(world.begins()[0].2, What::Call { line: "west-1".parse().unwrap(), modem: None });
    let (other, _) = world.begun();
    world.over(other, true);
    world.over(night, true);
    assert_eq!(world.begins()[0].2, What::Call { line: "west-3".parse().unwrap(), modem: None });
}

/// As where its plan was edited meanwhile: whoever starts the plan gets a new run, and nothing goes back to the old one.
#[test]
fn a_run_that_was_cut_off_and_cannot_go_on_gives_way_to_a_new_one() {
    let mut world = World::usual("2026-11-23T01:00:00");
    world.to("2026-11-23T02:00:00");
    let (_, old) = world.begun();
    let mut world = World::new("2026-11-23T02:10:00", &daemon("", ""), world.kept());
    let stands = Left::CutOff;
    let newest = Leftover { run: old.clone(), begun: at("2026-11-23T02:00:00"), stands };
    world.step(Input::Found { plan: "night".parse().unwrap(), newest: Ok(Some(newest)) });
    let job = world.begins()[0].0;
    world.step(Input::NotBegun { job, why: "its plan has another line now".to_owned() });
    let ticket = world.tell(start("night"));
    let (_, new) = world.begun();
    assert_eq!(world.answer(ticket).unwrap().run, Some(new.clone()));
    assert_ne!(new, old);
    says(&world.logged(), &format!("run `{new}` was begun after it"));
    assert!(world.keeper.queue.iter().next().is_none());
    assert_eq!(world.kept().plans[&"night".parse().unwrap()].running.as_ref().unwrap().run, new);
}

#[test]
fn a_run_whose_plan_is_gone_is_seen_and_can_be_stopped() {
    let mut world = World::usual("2026-11-23T01:00:00");
    world.to("2026-11-23T02:00:00");
    let (night, run) = world.begun();
    let without = daemon("", "").replace("  - { plan: night.yaml, schedule: \"0 2 * * *\" }\n", "");
    let config = loaded(world.root.path(), &without);
    world.step(Input::Config(config));
    let shown = world.plan("night");
    assert_eq!((shown.stands, shown.run, shown.next), (Stands::Working, Some(run), None));
    says(&shown.why, "no longer in the configuration");
    world.tell(Control::Stop { plan: Some("night".parse().unwrap()), why: String::new() });
    assert!(matches!(&world.orders()[..], [(_, job, Order::Stop { .. })] if *job == night));
    world.over(night, false);
    assert!(world.keeper.status(&world.now).plans.iter().all(|plan| plan.plan.as_str() != "night"));
    says(world.refused(start("night")).as_str(), "there is no plan `night`");
}

#[test]
fn a_run_is_paused_and_goes_on() {
    let mut world = World::usual("2026-11-23T01:00:00");
    world.to("2026-11-23T02:00:00");
    let (night, _) = world.begun();
    world.tell(Control::Pause { plan: Some("night".parse().unwrap()), until: None, why: String::new() });
    assert!(matches!(&world.orders()[..], [(_, job, Order::Pause { .. })] if *job == night));
    assert_eq!(world.plan("night").stands, Stands::Paused);
    says(&world.refused(Control::Resume { plan: None }), "is not paused");
    world.tell(Control::Resume { plan: Some("night".parse().unwrap()) });
    assert!(matches!(&world.orders()[..], [(_, _, Order::Resume)]));
}

#[test]
fn an_emergency_stop_hangs_up_first_and_outlives_the_daemon() {
    let mut world = World::usual("2026-11-23T01:00:00");
    world.to("2026-11-23T02:00:00");
    let (night, run) = world.begun();
    let ticket = world.tell(Control::EmergencyStop { why: "storm".to_owned() });
    assert!(world.answer(ticket).is_ok());
    let place = |fits: fn(&Action) -> bool| world.said.iter().position(fits).unwrap();
    let stop =
        place(|action| matches!(action, Action::Order { what: Order::Stop { how: Cancel::HangUp, .. }, .. }));
    let keep = place(|action| matches!(action, Action::Keep(_)));
    let reply = place(|action| matches!(action, Action::Reply { .. }));
    assert!(stop < keep && keep < reply);
    let kept = world.kept();
    assert!(kept.plans[&"night".parse().unwrap()].running.is_none(), "it is not gone on with");
    world.over(night, false);
    says(&world.refused(start("night")), "storm");
    // The next daemon finds the run cut off, and knows better.
    let mut next = World::new("2026-11-23T02:10:00", &daemon("", ""), kept);
    let left = Leftover { run, begun: at("2026-11-23T02:00:00"), stands: Left::CutOff };
    next.step(Input::Found { plan: "night".parse().unwrap(), newest: Ok(Some(left)) });
    assert!(next.begins().is_empty());
    assert_eq!(next.keeper.status(&next.now).stands, Stands::EmergencyStopped);
    next.tell(Control::Release);
    assert!(next.begins().is_empty());
    assert_eq!(next.keeper.status(&next.now).stands, Stands::Idle);
}

#[test]
fn a_crash_is_gone_on_with_while_the_window_holds() {
    let mut world = World::usual("2026-11-23T01:00:00");
    world.to("2026-11-23T02:00:00");
    let (_, run) = world.begun();
    let kept = world.kept();
    let left = |stands| Ok(Some(Leftover { run: run.clone(), begun: at("2026-11-23T02:00:00"), stands }));
    let night: PlanName = "night".parse().unwrap();
    let mut soon = World::new("2026-11-23T06:00:00", &daemon("", ""), kept.clone());
    soon.step(Input::Found { plan: night.clone(), newest: left(Left::CutOff) });
    assert_eq!(soon.begins()[0].2, What::Run { resume: Some(run.clone()) });
    let mut late = World::new("2026-11-23T14:00:00", &daemon("", ""), kept.clone());
    late.step(Input::Found { plan: night.clone(), newest: left(Left::CutOff) });
    assert!(late.begins().is_empty());
    says(&late.logged(), "is left as it is: its window ended");
    let mut long = World::new("2026-11-23T14:00:00", &daemon(", window: 20h", ""), kept.clone());
    long.step(Input::Found { plan: night.clone(), newest: left(Left::CutOff) });
    assert!(long.begins().is_empty(), "the window is that of the night when it began");
    let mut ended = World::new("2026-11-23T06:00:00", &daemon("", ""), kept);
    ended.step(Input::Found { plan: night, newest: left(Left::Completed) });
    assert!(ended.begins().is_empty() && ended.plan("night").last.unwrap().completed);
}

#[test]
fn a_run_that_dies_again_and_again_is_down_and_tried_slowly() {
    let mut world = World::usual("2026-11-23T01:00:00");
    world.to("2026-11-23T02:00:00");
    let (mut job, run) = world.begun();
    let mut pauses = Vec::new();
    for death in 1..=7 {
        world.step(Input::Ended { job, end: RunEnd::Died("a panic".to_owned()) });
        says(&world.logged(), "a panic");
        let plan = world.plan("night");
        let stands = if death > 5 { Stands::Down } else { Stands::Waiting };
        assert_eq!((plan.stands, plan.until.is_some()), (stands, true));
        // Control is not held up by it.
        assert!(world.done(Control::Log { room: None, level: Some(Level::Debug) }).contains("debug"));
        let again = plan.until.unwrap();
        let pause = again.duration_since(world.now.wall);
        pauses.push(pause.as_secs());
        world.pass(pause.try_into().unwrap());
        let (next, resumed) = world.begun();
        assert_eq!(resumed, run);
        job = next;
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 900, 900]);
    // One that lived long begins the row anew.
    world.pass(Duration::from_secs(11 * 60));
    world.step(Input::Ended { job, end: RunEnd::Died("a panic".to_owned()) });
    assert_eq!(world.plan("night").stands, Stands::Waiting);
}

#[test]
fn a_lost_role_ends_a_run_and_a_role_that_comes_back_goes_on_with_it() {
    let mut world = World::usual("2026-11-23T01:00:00");
    world.to("2026-11-23T02:00:00");
    let (night, run) = world.begun();
    world.step(Input::Role { role: Role::Secondary, why: "a peer holds the lock".to_owned() });
    let orders = world.orders();
    let Order::Stop { how: Cancel::LogOut, why: Some(why) } = &orders[0].2 else { panic!("{orders:?}") };
    says(why, "a peer holds the lock");
    world.over(night, false);
    assert_eq!(world.plan("night").stands, Stands::StandingBy);
    says(&world.refused(start("night")), "runs as primary");
    world.step(Input::Role { role: Role::Primary, why: "the peer is gone".to_owned() });
    assert!(
        world
            .said
            .iter()
            .any(|action| matches!(action, Action::Look { plan, .. } if plan.as_str() == "night"))
    );
    let left = Leftover { run: run.clone(), begun: at("2026-11-23T02:00:00"), stands: Left::Interrupted };
    world.step(Input::Found { plan: "night".parse().unwrap(), newest: Ok(Some(left)) });
    assert_eq!(world.begins()[0].2, What::Run { resume: Some(run) });
}

#[test]
fn what_another_host_did_is_not_done_again_and_what_it_left_goes_on() {
    let night: PlanName = "night".parse().unwrap();
    for (stands, goes_on) in
        [(Left::Completed, false), (Left::Live, false), (Left::CutOff, true), (Left::Interrupted, true)]
    {
        let mut world = World::usual("2026-11-23T01:00:00");
        world.step(Input::Role { role: Role::Secondary, why: "a peer holds the lock".to_owned() });
        world.to("2026-11-23T02:00:00");
        assert!(world.begins().is_empty());
        world.pass(Duration::from_secs(20 * 60));
        world.step(Input::Role { role: Role::Primary, why: "the peer is gone".to_owned() });
        let run: RunId = "20261123T070000Z-night".parse().unwrap();
        let left = Leftover { run: run.clone(), begun: at("2026-11-23T02:00:01"), stands };
        world.step(Input::Found { plan: night.clone(), newest: Ok(Some(left)) });
        let begins: Vec<What> = world.begins().into_iter().map(|(_, _, what)| what).collect();
        let expected = if goes_on { vec![What::Run { resume: Some(run) }] } else { Vec::new() };
        assert_eq!(begins, expected, "{stands:?}");
        let late = world.pass(Duration::from_secs(20 * 60)).begins();
        assert!(late.iter().all(|(_, plan, _)| plan != "night"), "{late:?}");
    }
}

#[test]
fn modems_and_lines_are_disabled_at_once_and_for_the_next_run() {
    let mut world = World::usual("2026-11-23T01:00:00");
    world.to("2026-11-23T02:00:00");
    let (night, _) = world.begun();
    let modem = Subject::Modem { modem: "a0".parse().unwrap(), bank: None };
    let ticket = world.tell(Control::Disable { subject: modem.clone(), why: "crackles".to_owned() });
    let (order, job, what) = world.orders().remove(0);
    let Order::Disable { why, .. } = what else { panic!("{what:?}") };
    assert_eq!(job, night);
    says(&why, "crackles");
    // Whoever asked hears of it once the modem is on-hook.
    assert!(!world.said.iter().any(|action| matches!(action, Action::Reply { .. })));
    world.step(Input::Ordered { order, answer: Ok(Ordered::Said("its call logged out".to_owned())) });
    says(&world.answer(ticket).unwrap().said, "its call logged out");
    let line = Subject::Line { line: "night-3".parse().unwrap(), plan: None };
    world.tell(Control::Disable { subject: line.clone(), why: String::new() });
    assert!(matches!(&world.orders()[..], [(_, _, Order::Skip { .. })]));
    world.over(night, true);
    world.tell(start("night"));
    let begin = world.said.iter().find_map(|action| match action {
        Action::Begin(begin) => Some(begin.clone()),
        _ => None,
    });
    let begin = begin.unwrap();
    assert!(
        begin.disabled.contains_key(&"a0".parse().unwrap())
            && begin.skipped.contains_key(&"night-3".parse().unwrap())
    );
    let (_, _) = world.begun();
    assert!(world.orders().is_empty(), "it knew that when it began");
    world.tell(Control::Enable { subject: modem.clone() });
    assert!(matches!(&world.orders()[..], [(_, _, Order::Enable { .. })]));
    says(&world.done(Control::Enable { subject: modem }), "enabled already");
    says(&world.refused(call("night-3")), "enable it first");
    world.tell(Control::Enable { subject: line });
    assert!(matches!(&world.orders()[..], [(_, _, Order::Restore { .. })]));
}

#[test]
fn a_reload_disables_in_a_running_run_and_leaves_the_run_alone_otherwise() {
    let mut world = World::usual("2026-11-23T01:00:00");
    world.to("2026-11-23T02:00:00");
    let (night, _) = world.begun();
    let root = world.root.path().to_owned();
    let bank = fs::read_to_string(root.join("hq.yaml")).unwrap();
    fs::write(root.join("hq.yaml"), bank.replace("port: /dev/a0", "enabled: false, port: /dev/a0")).unwrap();
    let plan = fs::read_to_string(root.join("night.yaml")).unwrap();
    fs::write(root.join("night.yaml"), plan.replace("id: night-1,", "id: night-1, enabled: false,")).unwrap();
    let next = loaded(&root, &daemon(", window: 3h", "log: debug"));
    let ticket = world.tell(Control::Reload);
    assert!(world.said.iter().any(|action| matches!(action, Action::Reload)));
    world.step(Input::Config(next));
    let said = world.answer(ticket).unwrap().said;
    for part in [
        "modem `a0` is disabled",
        "line `night-1` is disabled",
        "`window` has changed",
        "what is logged has changed",
    ] {
        says(&said, part);
    }
    let orders: Vec<Order> = world
        .orders()
        .into_iter()
        .map(|(_, job, what)| {
            assert_eq!(job, night);
            what
        })
        .collect();
    assert!(matches!(&orders[..], [Order::Disable { .. }, Order::Skip { .. }]), "{orders:?}");
    assert!(
        world
            .said
            .iter()
            .any(|action| matches!(action, Action::Levels(levels) if levels[""] == Level::Debug))
    );
    let modem = Subject::Modem { modem: "a0".parse().unwrap(), bank: None };
    says(&world.refused(Control::Enable { subject: modem }), "only that file can enable it");
    // A bad one is told, and changes nothing.
    fs::write(root.join("lineman.yaml"), "service: hq\nplanes: []\n").unwrap();
    let bad = service::load(&root.join("lineman.yaml"), &|_| None).unwrap_err();
    let ticket = world.tell(Control::Reload);
    world.step(Input::BadConfig(bad.problems));
    says(&world.answer(ticket).unwrap_err().why, "did you mean `plans`?");
    assert!(world.keeper.status(&world.now).config.problem.is_some());
    assert!(world.orders().is_empty());
    // The plan itself.
    world.step(Input::Config(loaded(&root, &daemon(", enabled: false", ""))));
    assert!(matches!(&world.orders()[..], [(_, _, Order::Stop { how: Cancel::LogOut, .. })]));
    assert!(world.keeper.status(&world.now).config.problem.is_none());
}

#[test]
fn drain_finishes_calls_and_holds_until_it_is_resumed() {
    let mut world = World::usual("2026-11-23T01:00:00");
    world.to("2026-11-23T02:00:00");
    let (night, _) = world.begun();
    world.tell(Control::Drain { plan: None, why: "new kernel".to_owned() });
    assert!(matches!(&world.orders()[..], [(_, _, Order::Drain { .. })]));
    let status = world.keeper.status(&world.now);
    assert_eq!(status.stands, Stands::Draining);
    says(&status.why, "new kernel");
    // A graver word still comes through.
    world.tell(Control::Stop { plan: None, why: String::new() });
    assert!(matches!(&world.orders()[..], [(_, _, Order::Stop { how: Cancel::LogOut, .. })]));
    world.over(night, false);
    assert_eq!(world.keeper.status(&world.now).stands, Stands::Stopped);
    let mut next = World::new("2026-11-23T02:30:00", &daemon("", ""), world.kept());
    says(&next.refused(start("spare")), "the daemon is stopped");
    says(&next.done(Control::Resume { plan: None }), "no longer drained nor stopped");
}

#[test]
fn it_ends_when_all_runs_have_and_the_next_daemon_goes_on() {
    let mut world = World::usual("2026-11-23T01:00:00");
    world.to("2026-11-23T02:00:00");
    let (night, run) = world.begun();
    world.step(Input::Terminate(Cancel::LogOut));
    assert!(matches!(&world.orders()[..], [(_, _, Order::Stop { how: Cancel::LogOut, .. })]));
    says(&world.refused(start("spare")), "ending");
    world.step(Input::Terminate(Cancel::HangUp));
    assert!(matches!(&world.orders()[..], [(_, _, Order::Stop { how: Cancel::HangUp, .. })]));
    world.over(night, false);
    assert!(matches!(world.said.last(), Some(Action::Exit)));
    let mut next = World::new("2026-11-23T02:05:00", &daemon("", ""), world.kept());
    let left = Leftover { run: run.clone(), begun: at("2026-11-23T02:00:00"), stands: Left::Interrupted };
    next.step(Input::Found { plan: "night".parse().unwrap(), newest: Ok(Some(left)) });
    assert_eq!(next.begins()[0].2, What::Run { resume: Some(run) });
}

#[test]
fn a_state_that_can_not_be_kept_is_told_and_tried_again() {
    let mut world = World::usual("2026-11-23T01:00:00");
    world.tell(Control::Pause { plan: None, until: None, why: String::new() });
    world.step(Input::Kept(Err("no space left".to_owned())));
    says(&world.keeper.status(&world.now).troubles.concat(), "no space left");
    world.to("2026-11-23T01:01:00");
    assert!(world.said.iter().any(|action| matches!(action, Action::Keep(_))));
    world.step(Input::Kept(Ok(())));
    assert!(world.keeper.status(&world.now).troubles.is_empty());
    assert_eq!(world.keeper.next_deadline(), Some(at("2026-11-23T02:00:00")));
}

#[test]
fn a_clock_that_is_set_loses_no_night_and_plays_none_twice() {
    let mut world = World::usual("2026-11-23T01:00:00");
    world.to("2026-11-23T02:00:00");
    let (night, _) = world.begun();
    world.over(night, true);
    world.now.wall = at("2026-11-23T01:30:00");
    world.step(Input::Time);
    assert_eq!(world.plan("night").next, Some(at("2026-11-24T02:00:00")), "set back by NTP");
    world.now.wall = at("2036-11-23T01:30:00");
    world.step(Input::Time);
    world.now.wall = at("2026-11-23T10:30:00");
    world.step(Input::Time);
    assert_eq!(world.plan("night").next, Some(at("2026-11-24T02:00:00")), "set to 2036 and back");
}

#[test]
fn what_can_not_be_done_is_refused_with_the_reason() {
    let mut world = World::usual("2026-11-22T12:00:00");
    let plan = |name: &str| Some(name.parse::<PlanName>().unwrap());
    for (control, part) in [
        (start("nigth"), "did you mean `night`?"),
        (call("night-9"), "no plan has a line `night-9`"),
        (Control::Stop { plan: plan("night"), why: String::new() }, "nothing runs"),
        (Control::Release, "no emergency stop"),
        (Control::Restart { modem: "a0".parse().unwrap(), bank: None }, "nothing to restart"),
        (Control::Restart { modem: "zz".parse().unwrap(), bank: None }, "no bank has"),
        (
            Control::Restart { modem: "a0".parse().unwrap(), bank: Some("w".parse::<BankName>().unwrap()) },
            "has no modem",
        ),
        (Control::Role { role: Role::Secondary }, "always the primary"),
        (Control::Log { room: Some("flet".to_owned()), level: None }, "did you mean `fleet`?"),
        (
            Control::Pause { plan: None, until: Some(at("2026-11-22T11:00:00")), why: String::new() },
            "is past",
        ),
        (Control::Resume { plan: None }, "is not paused"),
    ] {
        let why = world.refused(control);
        says(&why, part);
    }
}

#[test]
fn a_role_that_is_told_is_told_on() {
    let text = daemon("", "leadership: { told: { initial: secondary } }");
    let mut world = World::new("2026-11-22T12:00:00", &text, Durable::default());
    world.done(Control::Role { role: Role::Primary });
    assert!(world.said.iter().any(|action| matches!(action, Action::Tell(Role::Primary))));
}

#[test]
fn a_job_that_can_not_begin_is_told_to_who_asked_and_tried_again_for_a_schedule() {
    let mut world = World::usual("2026-11-23T01:59:00");
    let ticket = world.tell(start("spare"));
    let job = world.begins()[0].0;
    world.step(Input::NotBegun { job, why: "the disk is full".to_owned() });
    says(&world.answer(ticket).unwrap_err().why, "the disk is full");
    world.to("2026-11-23T02:00:00");
    let job = world.begins()[0].0;
    world.step(Input::NotBegun { job, why: "the disk is full".to_owned() });
    world.to("2026-11-23T02:00:05");
    assert_eq!(world.begins()[0].1, "night");
}
