//! The lines of the year: where they are, when they may be dialed, what they cost, and who calls them.

use std::fmt::Write as _;
use std::fs;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lineman::config::hours::Hours;
use lineman::config::{Overrides, load_plan};
use lineman::fleet::budget::{Budget, Purse};
use lineman::fleet::policy::Policy;
use lineman::fleet::scheduler::{
    CheckPlan, Group, GroupKind, LineJob, ModemSeat, Preflight, SchedulerPlan, Way,
};
use lineman::model::event::Via;
use lineman::model::{Charge, Micros, NumberClass, Windows};

pub(crate) const LINES: usize = 5_000;
pub(crate) const MODEMS: usize = 32;
/// The longest that a call can take here.
pub(crate) const ROOM: Duration = Duration::from_secs(300);
/// Lines of a site.
const SITE: usize = 4;
/// Outside lines of each half of the bank.
pub(crate) const TRUNK: u32 = 15;

/// Zones of all kinds: no summer time, the other half of the earth, half hours, half an hour of summer time, and one that
/// goes back for a month.
const ZONES: [&str; 12] = [
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Europe/London",
    "Europe/Berlin",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Auckland",
];

/// Hours as plans have them: at night, at night on some days, around the hour that is skipped or comes twice, and in the
/// day.
const HOURS: [&str; 5] = [
    "22:00-05:00",
    "mon-fri 21:30-05:30, sat,sun,holiday 00:00-24:00",
    "01:30-03:30",
    "sun-thu 23:00-04:00, holiday 12:00-14:00",
    "mon-fri 12:00-13:00, mon-fri 18:00-22:00",
];

pub(crate) struct World {
    first: Date,
    /// Of each zone and kind.
    pub(crate) hours: Vec<Hours>,
    plan: SchedulerPlan,
}

/// Which hours a line has.
pub(crate) const fn hours_of(line: usize) -> usize {
    (line / SITE) % (ZONES.len() * HOURS.len())
}

impl World {
    pub(crate) fn new(first: Date) -> Self {
        Self { first, hours: hours(), plan: plan() }
    }

    /// When a night's run begins; it has a day.
    pub(crate) fn begins(&self, night: u32) -> Timestamp {
        let day = self.first.checked_add(jiff::Span::new().days(night)).expect("in the calendar");
        day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).expect("in the calendar").timestamp()
    }

    /// The plan of a night, with the windows of each kind of hours.
    pub(crate) fn plan(&self, windows: &[Windows]) -> SchedulerPlan {
        let mut plan = self.plan.clone();
        for (line, job) in plan.lines.iter_mut().enumerate() {
            job.windows = windows[hours_of(line)].clone();
        }
        plan
    }
}

/// Reads the hours as a plan gives them, a line for each zone and kind.
fn hours() -> Vec<Hours> {
    let mut text = "plan: year\nbank: bank.yaml\nnumbering: us\ndefaults: { console: none }\n\
        holidays: [12-25, 01-01, \"2026-05-01\", \"2026-11-26\"]\n\
        blackouts: [2026-12-31T18:00/2027-01-01T12:00, 2026-07-14T23:30/2026-07-15T00:30]\nlines:\n"
        .to_owned();
    for n in 0..ZONES.len() * HOURS.len() {
        let windows: Vec<String> =
            split(HOURS[n / ZONES.len()]).map(|window| format!("\"{window}\"")).collect();
        let (zone, windows) = (ZONES[n % ZONES.len()], windows.join(", "));
        writeln!(text, "- {{ id: L{n}, number: \"+1 919 555 {n:04}\", zone: {zone}, windows: [{windows}] }}")
            .expect("a string takes it");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let bank = "bank: hq\nlocation: { country: US, area_code: \"919\" }\n\
        modems: [{ id: m00, port: /dev/ttyS0, profile: generic }]\n";
    fs::write(folder.path().join("bank.yaml"), bank).expect("written");
    let path = folder.path().join("plan.yaml");
    fs::write(&path, text).expect("written");
    let plan = load_plan(&path, &Overrides::default()).expect("a plan");
    plan.lines.iter().map(|planned| Hours::clone(planned.hours.as_deref().expect("it has hours"))).collect()
}

/// `mon-fri 21:30-05:30, sat,sun 00:00-24:00` has two windows: a comma with a blank behind it parts them.
fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(", ")
}

fn plan() -> SchedulerPlan {
    let seat = |n: usize| ModemSeat {
        id: format!("m{n:02}").parse().expect("a name"),
        trunk: Some(format!("t{}", n % 2).parse().expect("a name")),
        has_number: false,
        toll: None,
    };
    let most = |calls: u32| NonZeroU32::new(calls).expect("not zero");
    let sites =
        (0..LINES / SITE).map(|n| Group { name: format!("S{n}"), kind: GroupKind::Site, max_calls: most(2) });
    let hunt = Group { name: "rotary".to_owned(), kind: GroupKind::HuntGroup, max_calls: most(1) };
    SchedulerPlan {
        lines: (0..LINES).map(line).collect(),
        modems: (0..MODEMS).map(seat).collect(),
        trunks: (0..2).map(|n| (format!("t{n}").parse().expect("a name"), most(TRUNK))).collect(),
        groups: sites.chain([hunt]).collect(),
        budget: budget(),
        room: ROOM,
        policy: Policy::default(),
        checks: CheckPlan { preflight: Preflight::DialTone, reference: None, toll: None },
        ..SchedulerPlan::default()
    }
}

/// Enough for most nights; on bad ones calls abroad and to mobiles end early.
fn budget() -> Budget {
    let minutes = |minutes: u64| Some(Duration::from_secs(minutes * 60));
    Budget {
        run: Purse { calls: Some(7_000), time: minutes(7_000), cost: Some(Micros(600_000_000)) },
        by_class: [
            (
                NumberClass::International,
                Purse { calls: Some(700), time: None, cost: Some(Micros(250_000_000)) },
            ),
            (NumberClass::Mobile, Purse { time: minutes(480), ..Purse::default() }),
        ]
        .into(),
        line: Purse { calls: Some(4), ..Purse::default() },
        number: Purse { calls: Some(5), time: minutes(30), cost: None },
    }
}

fn line(n: usize) -> LineJob {
    // A few share a number with the line before.
    let own = if n % 97 == 1 { n - 1 } else { n };
    let number = |prefix: u32, n: usize| format!("+1{prefix}555{n:04}").parse().expect("a number");
    let mut job = LineJob::new(format!("L{n:04}").parse().expect("a name"), number(919, own));
    let class = match own % 20 {
        0..3 => NumberClass::Local,
        3..15 => NumberClass::National,
        15..17 => NumberClass::Mobile,
        _ => NumberClass::International,
    };
    job.ways[0].worst = worst(class);
    if n.is_multiple_of(11) {
        let number: lineman::model::PhoneNumber = number(984, n);
        let via = Some(Via { number: Some(number.clone()), carrier: None });
        job.ways.push(Way { number, via, worst: worst(NumberClass::National) });
    }
    job.groups = vec![n / SITE];
    if n.is_multiple_of(250) {
        job.groups.push(LINES / SITE);
    }
    job.priority = i32::from(n.is_multiple_of(50));
    job.expected = Some(Duration::from_secs(45 + n as u64 % 60));
    job
}

/// What the longest call is charged.
fn worst(class: NumberClass) -> Charge {
    let billed_s = ROOM.as_secs() as u32;
    Charge { class, billed_s, cost: Some(cost(class, billed_s)) }
}

/// So much a minute, begun ones counting in full.
pub(crate) fn cost(class: NumberClass, billed_s: u32) -> Micros {
    let rate = match class {
        NumberClass::Local => 10_000,
        NumberClass::National => 30_000,
        NumberClass::Mobile => 150_000,
        NumberClass::International => 250_000,
    };
    Micros(rate * u64::from(billed_s.div_ceil(60)))
}
