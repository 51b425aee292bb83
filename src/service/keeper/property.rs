//! Random lives of a daemon: whatever is said, dies, is read again or is cut off, the promises hold after every step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use proptest::prelude::*;

use super::tests::{files, loaded};
use super::*;
use crate::config::service::When;
use crate::fleet::order::{Done as Ordered, Order, Refused as Disobeyed};
use crate::model::BankName;
use crate::service::control::Subject;
use crate::service::leftover::Left;
use crate::service::status::Stands;

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// So many s pass.
    Pass(u16),
    /// Until the next deadline.
    Deadline,
    /// The wall clock is set by so many s.
    Set(i32),
    /// Somebody says something; by its number in [`words`].
    Say(u8),
    /// The n-th job that waits to begin does so, or can't.
    Begin(u8, bool),
    /// The n-th job that goes on is over: done, cut short, dead.
    End(u8, u8),
    /// The n-th order that is not answered is obeyed, or not.
    Obey(u8, bool),
    /// The n-th folder that is asked for is seen.
    See(u8),
    /// One of the three configurations is read.
    Config(u8),
    /// The role.
    Lead(u8),
    /// What was to be kept could not be.
    Unkept,
    /// The daemon is killed, and begins again; jobs that were about to begin had made their folder, or not.
    Kill(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_u16..5_000).prop_map(Step::Pass),
        6 => Just(Step::Deadline),
        1 => (-7_200..7_200).prop_map(Step::Set),
        8 => any::<u8>().prop_map(Step::Say),
        8 => (any::<u8>(), prop::bool::weighted(0.9)).prop_map(|(n, well)| Step::Begin(n, well)),
        6 => (any::<u8>(), any::<u8>()).prop_map(|(n, how)| Step::End(n, how)),
        8 => (any::<u8>(), prop::bool::weighted(0.8)).prop_map(|(n, well)| Step::Obey(n, well)),
        8 => any::<u8>().prop_map(Step::See),
        1 => any::<u8>().prop_map(Step::Config),
        2 => any::<u8>().prop_map(Step::Lead),
        1 => Just(Step::Unkept),
        1 => any::<bool>().prop_map(Step::Kill),
    ]
}

/// The configurations: the usual one, one with a modem, a line and a plan disabled, one without a plan.
fn configs() -> &'static [Arc<Loaded>; 3] {
    static CONFIGS: OnceLock<[Arc<Loaded>; 3]> = OnceLock::new();
    CONFIGS.get_or_init(|| {
        let root = tempfile::tempdir().unwrap();
        let text = |night: &str, spare: bool| {
            let spare = if spare { "  - { plan: spare.yaml }\n" } else { "" };
            format!(
                "service: hq\nreports: reports\nstate: state\nhttp: none\nsocket: none\nleadership: told\nplans:\n  - {{ plan: night.yaml, schedule: \"0 * * * *\", missed: 30m{night} }}\n{spare}  - {{ plan: west.yaml, schedule: \"*/20 * * * *\", missed: skip, when: always, during_pause: true }}\n"
            )
        };
        files(root.path());
        let usual = loaded(root.path(), &text("", true));
        let less = loaded(root.path(), &text("", false));
        let edit = |file: &str, from: &str, to: &str| {
            let path = root.path().join(file);
            std::fs::write(&path, std::fs::read_to_string(&path).unwrap().replace(from, to)).unwrap();
        };
        edit("hq.yaml", "port: /dev/a0", "enabled: false, port: /dev/a0");
        edit("night.yaml", "id: night-1,", "id: night-1, enabled: false,");
        let off = loaded(root.path(), &text(", enabled: false", true));
        [usual, off, less]
    })
}

fn words(n: u8, now: Timestamp) -> Control {
    let plan = |name: &str| name.parse::<PlanName>().unwrap();
    let why = || "a word".to_owned();
    let a0 = || Subject::Modem { modem: "a0".parse().unwrap(), bank: None };
    let line = || Subject::Line { line: "night-2".parse().unwrap(), plan: None };
    match n % 28 {
        0 => Control::Start { plan: plan("night"), anyway: false },
        1 => Control::Start { plan: plan("spare"), anyway: false },
        2 => Control::Start { plan: plan("spare"), anyway: true },
        3 => Control::Stop { plan: Some(plan("night")), why: why() },
        4 => Control::Stop { plan: None, why: why() },
        5 => Control::Pause { plan: None, until: Some(now + Duration::from_secs(50 * 60)), why: why() },
        6 => Control::Pause { plan: Some(plan("night")), until: None, why: why() },
        7 | 8 => Control::Resume { plan: None },
        9 | 10 => Control::Resume { plan: Some(plan("night")) },
        11 => Control::Drain { plan: None, why: why() },
        12 => Control::Drain { plan: Some(plan("night")), why: why() },
        13 => Control::EmergencyStop { why: why() },
        14 | 15 => Control::Release,
        16 => Control::Restart { modem: "a1".parse().unwrap(), bank: None },
        17 => Control::Disable { subject: a0(), why: why() },
        18 => Control::Enable { subject: a0() },
        19 => Control::Disable { subject: line(), why: why() },
        20 => Control::Enable { subject: line() },
        21 => Control::Disable { subject: Subject::Daemon { daemon: true }, why: why() },
        22 | 23 => Control::Enable { subject: Subject::Daemon { daemon: true } },
        24 => Control::Call { plan: None, line: "night-3".parse().unwrap(), anyway: false },
        25 => Control::Call { plan: None, line: "spare-1".parse().unwrap(), anyway: true },
        26 => Control::Call { plan: None, line: "west-1".parse().unwrap(), anyway: false },
        _ => Control::Reload,
    }
}

/// A job as the loop has it.
#[derive(Debug, Clone)]
struct Running {
    begin: Begin,
    run: Option<RunId>,
}

/// The newest run in a plan's folder.
#[derive(Debug, Clone)]
struct Folder {
    newest: Leftover,
}

/// The world around the brain: it carries out what the brain says, and holds it to its promises.
struct World {
    keeper: Keeper,
    now: Reading,
    /// What is on the disk.
    disk: Durable,
    folders: BTreeMap<PlanName, Folder>,
    jobs: BTreeMap<JobId, Running>,
    orders: Vec<(OrderId, JobId, Order)>,
    looks: Vec<PlanName>,
    reload: bool,
    role: Role,
    config: usize,
    tickets: BTreeMap<Ticket, u32>,
    /// Tickets whose daemon was killed.
    lost: BTreeSet<Ticket>,
    count: u64,
    logs: Vec<String>,
    /// Times that were begun, by plan.
    begun: BTreeSet<(PlanName, Timestamp)>,
    /// Ended runs, which nobody goes on with.
    finished: BTreeSet<RunId>,
    /// Somebody asked for a run or a call although it is paused.
    anyway: bool,
    exited: bool,
}

const START: &str = "2026-11-22T12:00:00Z";

impl World {
    fn new() -> Self {
        let wall: Timestamp = START.parse().unwrap();
        let now = Reading { mono: Mono::from_millis(1), wall, begun: wall };
        let (keeper, said) = Keeper::new(&now, Arc::clone(&configs()[0]), Durable::default());
        let mut world = Self {
            keeper,
            now,
            disk: Durable::default(),
            folders: BTreeMap::new(),
            jobs: BTreeMap::new(),
            orders: Vec::new(),
            looks: Vec::new(),
            reload: false,
            role: Role::None,
            config: 0,
            tickets: BTreeMap::new(),
            lost: BTreeSet::new(),
            count: 0,
            logs: Vec::new(),
            begun: BTreeSet::new(),
            finished: BTreeSet::new(),
            anyway: false,
            exited: false,
        };
        world.carry_out(said, true);
        world.feed(Input::Role { role: Role::Primary, why: "told".to_owned() });
        world
    }

    fn feed(&mut self, input: Input) {
        if let Input::Role { role, .. } = &input {
            self.role = *role;
        }
        let said = self.keeper.step(&self.now, input);
        self.carry_out(said, true);
        let deadline = self.keeper.next_deadline();
        assert!(deadline.is_none_or(|deadline| deadline > self.now.wall), "{deadline:?} is past");
        self.assert_promises();
    }

    fn carry_out(&mut self, said: Vec<Action>, kept: bool) {
        let mut keeps = Vec::new();
        for action in said {
            assert!(!self.exited, "it has ended: {action:?}");
            match action {
                Action::Keep(state) => {
                    if kept {
                        self.disk = state;
                    }
                    keeps.push(Input::Kept(if kept { Ok(()) } else { Err("no space".to_owned()) }));
                }
                Action::Look { plan, .. } => self.looks.push(plan),
                Action::Begin(begin) => self.begin(begin),
                Action::Order { job, order, what } => {
                    assert!(self.jobs.get(&job).is_some_and(|job| job.run.is_some()), "{what:?} to nobody");
                    self.orders.push((order, job, what));
                }
                Action::Reply { ticket, .. } => {
                    let answers =
                        self.tickets.get_mut(&ticket).unwrap_or_else(|| panic!("{ticket:?} is nobody's"));
                    *answers += 1;
                    assert_eq!(*answers, 1, "{ticket:?} was answered twice");
                }
                Action::Reload => self.reload = true,
                Action::Lead(_) | Action::Tell(_) | Action::Levels(_) => {}
                Action::Log { text, .. } => self.logs.push(text),
                Action::Exit => {
                    assert!(self.jobs.is_empty(), "it ends while a job goes on");
                    self.exited = true;
                }
            }
        }
        for kept in keeps {
            let said = self.keeper.step(&self.now, kept);
            let _ = said
                .iter()
                .map(|action| assert!(!matches!(action, Action::Keep(_)), "it keeps on keeping"))
                .count();
            self.carry_out(said, true);
        }
    }

    /// A job may begin only where nothing holds it back, and nobody has its bank.
    fn begin(&mut self, begin: Begin) {
        let plan = begin.plan.clone();
        let own: Vec<&Running> =
            self.jobs.values().filter(|job| job.begin.plan.bank() == plan.bank()).collect();
        match &begin.what {
            What::Run { resume } => {
                assert!(own.is_empty(), "the bank of {begin:?} is taken");
                if let Some(run) = resume {
                    assert!(!self.finished.contains(run), "{run} was finished");
                }
                if let (None, Some(due)) = (resume, begin.due) {
                    assert!(!self.begun.contains(&(plan.name().clone(), due)), "{due} was begun before");
                }
            }
            What::Call { modem: None, .. } => assert!(own.is_empty(), "the bank of {begin:?} is taken"),
            What::Call { modem: Some(modem), .. } => {
                assert!(
                    own.iter().any(|job| matches!(job.begin.what, What::Run { .. })),
                    "nobody lent {modem}"
                );
                let other = own.iter().any(
                    |job| matches!(&job.begin.what, What::Call { modem: Some(other), .. } if other == modem),
                );
                assert!(!other, "{modem} is lent twice");
            }
        }
        let held = &self.keeper.durable;
        let holds = held.plans.get(plan.name()).map(|memory| memory.holds.clone()).unwrap_or_default();
        let both = [&held.daemon, &holds];
        assert!(held.emergency.is_none(), "an emergency stop is in force");
        assert!(
            both.iter()
                .all(|holds| holds.stopped.is_none() && holds.drained.is_none() && holds.disabled.is_none())
        );
        let paused = holds.paused.is_some() || (held.daemon.paused.is_some() && !plan.entry.during_pause);
        assert!(!paused || self.anyway, "it is paused");
        assert!(
            plan.entry.enabled
                && configs()[self.config].plan(plan.name()).is_some_and(|now| now.entry.enabled)
        );
        assert!(plan.entry.when.fits(self.role), "it is {}", self.role);
        self.jobs.insert(begin.job, Running { begin, run: None });
    }

    fn assert_promises(&mut self) {
        let mut runs: BTreeMap<BankName, u32> = BTreeMap::new();
        for job in self.jobs.values().filter(|job| matches!(job.begin.what, What::Run { .. })) {
            *runs.entry(job.begin.plan.bank().clone()).or_default() += 1;
        }
        assert!(runs.values().all(|runs| *runs == 1), "{runs:?}");
        let status = self.keeper.status(&self.now);
        let json = serde_json::to_string(&status).unwrap();
        assert_eq!(serde_json::from_str::<crate::service::status::Status>(&json).unwrap(), status);
        for plan in &status.plans {
            let silent = matches!(plan.stands, Stands::Working);
            // A run of a plan that is gone from the file goes on, and says so.
            let is_gone = configs()[self.config].plan(&plan.plan).is_none();
            assert_eq!(plan.why.is_empty(), silent && !is_gone, "{plan:?}");
        }
        for modem in status.banks.iter().flat_map(|bank| &bank.modems) {
            assert!(!modem.why.is_empty(), "{modem:?}");
        }
        // What was said of what is on the disk is what is there.
        assert_eq!(
            serde_json::from_slice::<Durable>(&serde_json::to_vec(&self.disk).unwrap()).unwrap(),
            self.disk
        );
    }

    fn pass(&mut self, span: Duration) {
        self.now.wall += span;
        self.now.mono = self.now.mono + span;
        self.feed(Input::Time);
    }

    fn nth<T>(items: impl Iterator<Item = T>, n: u8) -> Option<T> {
        let items: Vec<T> = items.collect();
        let len = items.len();
        items.into_iter().nth(usize::from(n) % len.max(1))
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Pass(s) => self.pass(Duration::from_secs((*s).into())),
            Step::Deadline => {
                if let Some(deadline) = self.keeper.next_deadline() {
                    let span = deadline.duration_since(self.now.wall);
                    self.pass(span.try_into().unwrap());
                }
            }
            Step::Set(by) => {
                self.now.wall += i64::from(*by).seconds();
                self.feed(Input::Time);
            }
            Step::Say(n) => {
                self.count += 1;
                let ticket = Ticket(self.count);
                self.tickets.insert(ticket, 0);
                let control = words(*n, self.now.wall);
                self.anyway |= matches!(
                    control,
                    Control::Start { anyway: true, .. } | Control::Call { anyway: true, .. }
                );
                self.feed(Input::Control { ticket, control });
            }
            Step::Begin(n, well) => {
                let waiting = self.jobs.iter().filter(|(_, job)| job.run.is_none()).map(|(id, _)| *id);
                if let Some(job) = Self::nth(waiting, *n) {
                    self.begin_or_not(job, *well);
                }
            }
            Step::End(n, how) => {
                let going = self.jobs.iter().filter(|(_, job)| job.run.is_some()).map(|(id, _)| *id);
                if let Some(job) = Self::nth(going, *n) {
                    self.end(job, *how);
                }
            }
            Step::Obey(n, well) => {
                if !self.orders.is_empty() {
                    let at = usize::from(*n) % self.orders.len();
                    self.obey(at, *well);
                }
            }
            Step::See(n) => {
                if !self.looks.is_empty() {
                    let plan = self.looks.remove(usize::from(*n) % self.looks.len());
                    self.see(plan);
                }
            }
            Step::Config(n) => {
                self.config = usize::from(n % 3);
                self.reload = false;
                self.feed(Input::Config(Arc::clone(&configs()[self.config])));
            }
            Step::Lead(n) => {
                let role = [Role::Primary, Role::Primary, Role::Secondary, Role::None][usize::from(n % 4)];
                self.feed(Input::Role { role, why: "told".to_owned() });
            }
            Step::Unkept => {
                let said = self.keeper.step(&self.now, Input::Kept(Err("no space".to_owned())));
                self.carry_out(said, true);
            }
            Step::Kill(made) => self.kill(*made),
        }
    }

    fn run_of(&mut self, job: JobId) -> RunId {
        let begin = &self.jobs[&job].begin;
        if let What::Run { resume: Some(run) } = &begin.what {
            return run.clone();
        }
        self.count += 1;
        format!("{}-{}", RunId::new(self.now.wall, begin.plan.name()), self.count).parse().unwrap()
    }

    fn begin_or_not(&mut self, job: JobId, well: bool) {
        if !well {
            self.jobs.remove(&job);
            return self.feed(Input::NotBegun { job, why: "it could not".to_owned() });
        }
        let run = self.run_of(job);
        self.made(job, &run);
        if let Some(running) = self.jobs.get_mut(&job) {
            running.run = Some(run.clone());
        }
        self.feed(Input::Begun { job, run });
    }

    /// The folder of a run is there.
    fn made(&mut self, job: JobId, run: &RunId) {
        let begin = self.jobs[&job].begin.clone();
        if let What::Run { resume } = &begin.what {
            let name = begin.plan.name().clone();
            // A folder that is stamped before it was due, by a clock that was set back just then, is told from nobody's after a
            // kill in that moment.
            if let (None, Some(due)) = (resume, begin.due)
                && self.now.wall >= due
            {
                self.begun.insert((name.clone(), due));
            }
            let before = self.folders.get(&name).filter(|folder| folder.newest.run == *run);
            let began = before.map_or(self.now.wall, |folder| folder.newest.begun);
            let newest = Leftover { run: run.clone(), begun: began, stands: Left::CutOff };
            self.folders.insert(name, Folder { newest });
        }
    }

    fn end(&mut self, job: JobId, how: u8) {
        let Some(Running { begin, run: Some(run) }) = self.jobs.remove(&job) else { return };
        self.orders.retain(|(_, to, _)| *to != job);
        let stands = match how % 3 {
            0 => Left::Completed,
            1 => Left::Interrupted,
            _ => Left::CutOff,
        };
        if matches!(begin.what, What::Run { .. }) {
            if stands == Left::Completed {
                self.finished.insert(run.clone());
            }
            if let Some(folder) = self.folders.get_mut(begin.plan.name()) {
                folder.newest.stands = stands;
            }
        }
        let end = match stands {
            Left::CutOff | Left::Live => RunEnd::Died("a panic".to_owned()),
            stands => RunEnd::Over { completed: stands == Left::Completed, counts: BTreeMap::new() },
        };
        self.feed(Input::Ended { job, end });
    }

    fn obey(&mut self, at: usize, well: bool) {
        let (order, job, what) = self.orders.remove(at);
        let lent = |modem: &str| {
            let modem: ModemId = modem.parse().unwrap();
            let taken = self.jobs.values().any(
                |job| matches!(&job.begin.what, What::Call { modem: Some(other), .. } if *other == modem),
            );
            (!taken).then_some(modem)
        };
        let answer = match what {
            _ if !well => Err(Disobeyed("it would not".to_owned())),
            Order::Lend { .. } => {
                let west = self.jobs[&job].begin.plan.bank().as_str() == "w";
                let modem =
                    if west { lent("b0").or_else(|| lent("b1")) } else { lent("a0").or_else(|| lent("a1")) };
                modem.map(Ordered::Lent).ok_or_else(|| Disobeyed("none is left".to_owned()))
            }
            _ => Ok(Ordered::Said("done".to_owned())),
        };
        self.feed(Input::Ordered { order, answer });
    }

    fn see(&mut self, plan: PlanName) {
        let live = self.jobs.values().find(|job| job.begin.plan.name() == &plan && job.run.is_some());
        let live = live.and_then(|job| job.run.clone());
        let newest = self.folders.get(&plan).map(|folder| {
            let stands =
                if Some(&folder.newest.run) == live.as_ref() { Left::Live } else { folder.newest.stands };
            Leftover { stands, ..folder.newest.clone() }
        });
        self.feed(Input::Found { plan, newest: Ok(newest) });
    }

    /// Killed, with all its jobs; it begins again with what is on the disk.
    fn kill(&mut self, made: bool) {
        let waiting: Vec<JobId> =
            self.jobs.iter().filter(|(_, job)| job.run.is_none()).map(|(id, _)| *id).collect();
        for job in waiting {
            if made {
                let run = self.run_of(job);
                self.made(job, &run);
            }
        }
        let had_emergency = self.keeper.durable.emergency.is_some();
        self.jobs.clear();
        self.orders.clear();
        self.looks.clear();
        self.lost
            .extend(self.tickets.iter().filter(|(_, answers)| **answers == 0).map(|(ticket, _)| *ticket));
        self.now.wall += Duration::from_secs(5);
        self.now.mono = Mono::from_millis(1);
        self.now.begun = self.now.wall;
        self.role = Role::None;
        let loaded = Arc::clone(&configs()[self.config]);
        let (keeper, said) = Keeper::new(&self.now, loaded, self.disk.clone());
        self.keeper = keeper;
        self.carry_out(said, true);
        assert_eq!(self.keeper.durable.emergency.is_some(), had_emergency);
        self.feed(Input::Role { role: Role::Primary, why: "told".to_owned() });
    }

    /// Whatever waits is brought to its end, and the daemon too.
    fn wind_up(&mut self) {
        self.feed(Input::Terminate(Cancel::LogOut));
        for _ in 0..1_000 {
            if self.exited {
                break;
            }
            if let Some(job) = self.jobs.iter().find(|(_, job)| job.run.is_none()).map(|(id, _)| *id) {
                self.begin_or_not(job, true);
            } else if !self.orders.is_empty() {
                self.obey(0, true);
            } else if let Some(job) = self.jobs.keys().next().copied() {
                self.end(job, 1);
            } else {
                break;
            }
        }
        assert!(self.exited, "it does not end: {:?}", self.jobs);
        for (ticket, answers) in &self.tickets {
            let expected = u32::from(!self.lost.contains(ticket));
            assert_eq!(*answers, expected, "{ticket:?}");
        }
    }

    /// Every time of a schedule that passed was begun, or told.
    fn assert_nothing_lost(&self) {
        for plan in &configs()[0].plans {
            let Some(schedule) = &plan.entry.schedule else { continue };
            let start: Timestamp = START.parse().unwrap();
            let times = std::iter::successors(schedule.next_after(start), |at| schedule.next_after(*at));
            let times: Vec<(Timestamp, String)> =
                times.take_while(|at| *at <= self.now.wall).map(|at| (at, schedule.told(at))).collect();
            let of_it = format!("plan `{}`", plan.name());
            let logs: Vec<&String> = self.logs.iter().filter(|log| log.contains(&of_it)).collect();
            let (lumps, single): (Vec<&String>, Vec<&String>) =
                logs.into_iter().partition(|log| log.contains("of its times before"));
            let single = single.into_iter().fold(String::new(), |all, log| all + log);
            for (at, (due, told)) in times.iter().enumerate() {
                let begun = self.begun.contains(&(plan.name().clone(), *due));
                let later = || {
                    times[at + 1..].iter().any(|(_, later)| lumps.iter().any(|lump| lump.ends_with(later)))
                };
                assert!(begun || single.contains(told) || later(), "{of_it}, {told}: {:#?}", self.logs);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_promises_hold_in_every_life(steps in prop::collection::vec(step(), 1..160)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        world.wind_up();
    }

    #[test]
    fn nothing_that_is_due_is_lost_without_a_word(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        for step in steps.iter().filter(|step| !matches!(step, Step::Set(_) | Step::Config(_) | Step::Kill(_))) {
            world.take(step);
        }
        // What waits at the end has had its time.
        for _ in 0..4 {
            world.pass(Duration::from_secs(31 * 60));
            for at in (0..world.orders.len()).rev() {
                world.obey(at, true);
            }
            let waiting: Vec<JobId> = world.jobs.iter().filter(|(_, job)| job.run.is_none()).map(|(id, _)| *id).collect();
            for job in waiting {
                world.begin_or_not(job, true);
            }
        }
        world.pass(Duration::from_secs(60));
        let last_hour = world.now.wall;
        world.pass(Duration::from_secs(35 * 60));
        world.now.wall = last_hour;
        world.assert_nothing_lost();
    }
}

#[test]
fn a_plan_for_the_secondary_runs_as_nothing_else() {
    assert!(
        When::Secondary.fits(Role::Secondary)
            && !When::Secondary.fits(Role::Primary)
            && !When::Secondary.fits(Role::None)
    );
    assert!(When::Always.fits(Role::None) && !When::Primary.fits(Role::None));
}
