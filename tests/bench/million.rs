//! A million lines on ten thousand modems through the pure scheduler, in virtual time and in this one process: no ports, no
//! threads, no waiting. What is measured is what a decision costs; the bank and its far ends are a draw by a seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use lineman::fleet::budget::{Budget, Purse};
use lineman::fleet::scheduler::{
    CallReport, Check, CheckReport, Decision, Group, GroupKind, Input, LineJob, ModemSeat, Scheduler,
    SchedulerPlan, outcome_of,
};
use lineman::model::{Fault, LineId, ModemId, Moment, Mono, Windows};

use super::common::Row;

/// Lines for each modem.
const LINES_PER_MODEM: usize = 100;
/// The four sizes, in lines.
const SIZES: [usize; 4] = [125_000, 250_000, 500_000, 1_000_000];
/// What the issue asks for.
const WALL_MAX_S: f64 = 30.0;
const MEMORY_MAX_MIB: f64 = 2048.0;
/// How much dearer a line of the largest night may be than n log n has it, from the smallest: one that does not fit the
/// caches of a processor is some times as dear by itself. A square would be eight times too dear, less its logarithm.
const GROWTH_MAX: f64 = 2.0;
/// Modems that share a trunk, and how many of them may call at a time.
const TRUNK: (usize, u32) = (250, 245);
/// Time zones, each with its own window.
const ZONES: usize = 12;
/// Lines of a site, and how many of them may be called at a time.
const SITE: (usize, u32) = (10, 2);
/// One modem of so many reaches nobody.
const DEAF_EVERY: usize = 400;

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut smallest = None;
    for lines in SIZES {
        let modems = lines / LINES_PER_MODEM;
        let night = Night::play(lines, modems);
        let wall = night.wall.as_secs_f64();
        let last = lines == SIZES[SIZES.len() - 1];
        let per_unit = night.cpu.as_secs_f64() / (lines as f64 * (lines as f64).log2());
        let growth = per_unit / *smallest.get_or_insert(per_unit);
        let figure = format!("{lines} lines, {modems} modems: {} calls, {} steps", night.calls, night.steps);
        rows.push(Row::told(figure, format!("{wall:.2} s")));
        // One thread that waits for nothing: on a computer that does nothing else, that is its wall time.
        let cpu = night.cpu.as_secs_f64();
        rows.push(if last {
            Row::at_most("  processor time", cpu, WALL_MAX_S, "s")
        } else {
            Row::told("  processor time", format!("{cpu:.2} s"))
        });
        let ended = format!("{} of {lines} judged, {} quarantines", night.judged, night.quarantines);
        rows.push(Row { met: Some(night.judged == lines), ..Row::told("  verdicts", ended) });
        rows.push(Row {
            figure: "  processor time by line, over n log n of the smallest".to_owned(),
            measured: format!("{:.2} us", night.cpu.as_secs_f64() * 1e6 / lines as f64),
            bound: format!("{GROWTH_MAX:.2}"),
            ratio: Some(growth),
            met: Some(growth <= GROWTH_MAX),
        });
        let peak = peak_mib();
        rows.push(if last {
            Row::at_most("  peak resident memory", peak, MEMORY_MAX_MIB, "MiB")
        } else {
            Row::told("  peak resident memory", format!("{peak:.0} MiB"))
        });
    }
    rows
}

/// The most that this process has had in memory.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}

fn cpu() -> Duration {
    let usage =
        nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).expect("of this process");
    let part = |time: nix::sys::time::TimeVal| {
        Duration::from_secs(time.tv_sec().unsigned_abs())
            + Duration::from_micros(time.tv_usec().unsigned_abs())
    };
    part(usage.user_time()) + part(usage.system_time())
}

/// What is to happen.
struct Event {
    at: Mono,
    sequence: u64,
    input: Input,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.sequence == other.sequence
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

/// A night, and what it took.
struct Night {
    events: BinaryHeap<Reverse<Event>>,
    sequence: u64,
    chance: fastrand::Rng,
    calls: usize,
    steps: usize,
    judged: usize,
    quarantines: usize,
    wall: Duration,
    cpu: Duration,
}

impl Night {
    fn play(lines: usize, modems: usize) -> Self {
        let mut night = Self {
            events: BinaryHeap::new(),
            sequence: 0,
            chance: fastrand::Rng::with_seed(20_261_122),
            calls: 0,
            steps: 0,
            judged: 0,
            quarantines: 0,
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
        };
        let (began, cpu_before) = (Instant::now(), cpu());
        night.run(plan(lines, modems));
        night.wall = began.elapsed();
        night.cpu = cpu().saturating_sub(cpu_before);
        night
    }

    fn run(&mut self, plan: SchedulerPlan) {
        let mut scheduler = Scheduler::new(plan);
        self.step(&mut scheduler, Mono::ZERO, Input::Start);
        loop {
            let deadline = scheduler.next_deadline();
            let event = self.events.peek().map(|Reverse(event)| event.at);
            match (event, deadline) {
                (Some(at), deadline) if deadline.is_none_or(|deadline| at <= deadline) => {
                    let Some(Reverse(event)) = self.events.pop() else { return };
                    self.step(&mut scheduler, at, event.input);
                }
                (_, Some(at)) => self.step(&mut scheduler, at, Input::Time),
                (_, None) => return,
            }
        }
    }

    fn push(&mut self, at: Mono, input: Input) {
        self.sequence += 1;
        self.events.push(Reverse(Event { at, sequence: self.sequence, input }));
    }

    fn step(&mut self, scheduler: &mut Scheduler, now: Mono, input: Input) {
        self.steps += 1;
        for decision in scheduler.step(now, input) {
            match decision {
                Decision::SetUp(modem) => {
                    let took = Duration::from_millis(self.chance.u64(500..3_000));
                    self.push(now + took, Input::ModemReady(modem));
                }
                Decision::Dial { line, modem, attempt, .. } => self.call(now, line, modem, attempt),
                Decision::Check { modem, check } => self.check(now, modem, &check),
                Decision::Verdict(_) => self.judged += 1,
                Decision::Withdraw { .. } => self.judged -= 1,
                Decision::Quarantine { .. } => self.quarantines += 1,
                _ => {}
            }
        }
    }

    fn call(&mut self, now: Mono, line: LineId, modem: ModemId, attempt: u32) {
        self.calls += 1;
        let number = ordinal(line.as_str());
        let fault = match number % 100 {
            _ if is_deaf(&modem) => Some(Fault::NoAnswer),
            _ if self.chance.u32(..1000) == 0 => Some(Fault::ModemSilent),
            _ if self.chance.u32(..500) == 0 => Some(Fault::NoDialtone),
            0..=3 => Some(Fault::NoAnswer),
            4..=5 => Some(Fault::Busy),
            6 => Some(Fault::NoCarrier),
            7 => Some(Fault::ConsoleSilent),
            8 => Some(Fault::LoginRefused),
            9..=11 if attempt == 1 => Some(Fault::Busy),
            _ => None,
        };
        let (furthest, took) = match fault {
            Some(Fault::NoDialtone | Fault::ModemSilent) => (Moment::Taken, self.chance.u64(2_000..9_000)),
            Some(Fault::Busy) => (Moment::Dialed, self.chance.u64(4_000..15_000)),
            Some(Fault::NoAnswer) => (Moment::Ringing, 60_000),
            Some(Fault::NoCarrier) => (Moment::Answered, self.chance.u64(50_000..70_000)),
            Some(Fault::ConsoleSilent) => (Moment::Connected, self.chance.u64(60_000..90_000)),
            _ => (Moment::LoggedOut, self.chance.u64(35_000..110_000)),
        };
        let took = Duration::from_millis(took);
        let report = CallReport {
            line,
            modem,
            attempt,
            fault,
            furthest: Some(furthest),
            dialed: furthest > Moment::Taken,
            held: false,
            took,
            cut_short: None,
            via: None,
            charge: None,
            connected_after: fault.is_none().then_some(took / 2),
            refused_for: None,
            detail: String::new(),
        };
        self.push(now + took, Input::CallEnded(Box::new(report)));
    }

    fn check(&mut self, now: Mono, modem: ModemId, check: &Check) {
        let fault = is_deaf(&modem).then_some(Fault::NoAnswer);
        let took = Duration::from_secs(30);
        if let Check::Peer(peer) = check {
            self.push(now + took, Input::Answered(peer.clone()));
        }
        let report = CheckReport {
            modem,
            outcome: outcome_of(fault),
            fault,
            detail: String::new(),
            dialed: true,
            held: false,
            charge: None,
        };
        self.push(now + took, Input::Checked(Box::new(report)));
    }
}

/// The number in a name.
fn ordinal(name: &str) -> usize {
    name.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0)
}

fn is_deaf(modem: &ModemId) -> bool {
    ordinal(modem.as_str()) % DEAF_EVERY == DEAF_EVERY / 2
}

fn plan(lines: usize, modems: usize) -> SchedulerPlan {
    let mut chance = fastrand::Rng::with_seed(lines as u64);
    // Each zone's night begins an hour after the one before, and is long enough for all.
    let hour = |hours: usize| Mono::ZERO + Duration::from_secs(3600 * hours as u64);
    let windows: Vec<Windows> =
        (0..ZONES).map(|zone| Windows::new([(hour(zone / 4), hour(20 + zone / 4))])).collect();
    let line = |index: usize| {
        let number = format!("+1919{:07}", 2_000_000 + index).parse().expect("a number");
        let id = format!("L{index}").parse().expect("a name");
        let expected = chance.bool().then(|| Duration::from_secs(chance.u64(35..110)));
        let (windows, groups) = (windows[index % ZONES].clone(), vec![index / SITE.0]);
        LineJob { expected, windows, groups, ..LineJob::new(id, number) }
    };
    let site = |index: usize| Group {
        name: format!("S{index}"),
        kind: GroupKind::Site,
        max_calls: NonZeroU32::new(SITE.1).expect("a limit"),
    };
    let trunk = |index: usize| format!("t{}", index / TRUNK.0).parse().ok();
    let seat = |index: usize| ModemSeat {
        id: format!("m{index}").parse().expect("a name"),
        trunk: trunk(index),
        has_number: index.is_multiple_of(2),
        toll: None,
    };
    let most = NonZeroU32::new(TRUNK.1).expect("a limit");
    let trunks: BTreeMap<_, _> =
        (0..modems).step_by(TRUNK.0).filter_map(|index| Some((trunk(index)?, most))).collect();
    SchedulerPlan {
        lines: (0..lines).map(line).collect(),
        modems: (0..modems).map(seat).collect(),
        trunks,
        groups: (0..lines.div_ceil(SITE.0)).map(site).collect(),
        room: Duration::from_secs(240),
        budget: Budget {
            run: Purse { calls: Some(lines as u64 * 4), ..Purse::default() },
            ..Budget::default()
        },
        ..SchedulerPlan::default()
    }
}
