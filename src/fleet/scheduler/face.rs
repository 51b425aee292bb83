//! What goes into the scheduler and what comes out of it.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use crate::fleet::budget::Budget;
use crate::fleet::order::{Order, Standing};
use crate::fleet::policy::{CallClass, Policy};
use crate::fleet::redial::RedialLaw;
use crate::model::event::{CheckKind, CheckOutcome, LineVerdict, Via, WaitReason};
use crate::model::{
    CallId, Charge, CredentialName, Fault, LineId, ModemId, Moment, Mono, NumberClass, PhoneNumber,
    TrunkName, Windows,
};

/// All that the scheduler knows when a sitting begins.
#[derive(Debug, Clone, Default)]
pub struct SchedulerPlan {
    /// The lines, in the order of the plan; ids are unique.
    pub lines: Vec<LineJob>,
    /// The modems, in the order of the bank; ids are unique.
    pub modems: Vec<ModemSeat>,
    /// Most calls at a time of each trunk; a trunk that is not here has no limit.
    pub trunks: BTreeMap<TrunkName, NonZeroU32>,
    /// Groups of lines with a limit of their own: sites, hunt groups. Lines name them by their place here.
    pub groups: Vec<Group>,
    /// What calls may take in all.
    pub budget: Budget,
    /// The longest that a call can take, from taking the port to on-hook: a call is begun only where all of it lies within its
    /// line's window.
    pub room: Duration,
    /// The rules of the run.
    pub policy: Policy,
    /// How the bench is checked.
    pub checks: CheckPlan,
    /// National rules for calls to one number.
    pub redial: RedialLaw,
    /// What earlier sittings of the run found.
    pub past: Past,
    /// What holds from the start by order.
    pub standing: Standing,
}

/// How the bench is checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckPlan {
    /// What each modem is asked before its first line.
    pub preflight: Preflight,
    /// A number that is known to answer with a carrier; no line of the plan.
    pub reference: Option<PhoneNumber>,
    /// What the longest call to it is charged; absent: nothing that a budget counts.
    pub toll: Option<Charge>,
}

/// What each modem is asked before its first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Preflight {
    /// Nothing.
    #[default]
    Off,
    /// Whether there is a dial tone.
    DialTone,
    /// That, and a call to the reference number.
    Reference,
}

/// A check of a modem.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Off-hook, dial tone, on-hook.
    DialTone,
    /// A call to the plan's reference number.
    Reference,
    /// A call to the number of this modem, which is told to answer.
    Peer(ModemId),
    /// A call to this line, which passed in this run on another modem, up to CONNECT.
    Line(LineId),
}

impl Check {
    /// Its kind, for the record.
    pub const fn kind(&self) -> CheckKind {
        match self {
            Self::DialTone => CheckKind::DialTone,
            Self::Reference => CheckKind::Reference,
            Self::Peer(_) => CheckKind::Peer,
            Self::Line(_) => CheckKind::KnownLine,
        }
    }

    /// What is told of a modem that makes it.
    pub fn told(&self) -> String {
        match self {
            Self::DialTone => "dial tone".to_owned(),
            Self::Reference => "calls the reference number".to_owned(),
            Self::Peer(peer) => format!("calls `{peer}`"),
            Self::Line(line) => format!("calls `{line}`{PASSED}"),
        }
    }

    /// Which one that was told of; absent for anything else, and where no digit is dialed.
    pub fn of_told(text: &str) -> Option<Self> {
        let called = text.strip_prefix("calls ")?;
        if called == "the reference number" {
            return Some(Self::Reference);
        }
        let (name, rest) = called.strip_prefix('`')?.split_once('`')?;
        match rest {
            "" => name.parse().ok().map(Self::Peer),
            PASSED => name.parse().ok().map(Self::Line),
            _ => None,
        }
    }
}

/// Why a line is called for a check.
const PASSED: &str = ", which passed";

/// What a check came to, as far as the scheduler cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// The modem.
    pub modem: ModemId,
    /// What it came to; [`outcome_of`] tells it of a call.
    pub outcome: CheckOutcome,
    /// What was heard instead of a dial tone or CONNECT.
    pub fault: Option<Fault>,
    /// In words.
    pub detail: String,
    /// Whether digits may have gone out.
    pub dialed: bool,
    /// The modem could not be brought on-hook, and may hold the number.
    pub held: bool,
    /// What is billed of its call, at most; absent where no digit went out.
    pub charge: Option<Charge>,
}

/// What a call that was made as a check says of its modem. One that met a busy number, a person or a fax says that
/// something was heard, and nothing more.
pub fn outcome_of(fault: Option<Fault>) -> CheckOutcome {
    match (fault, CallClass::of(fault)) {
        (_, CallClass::Passed) => CheckOutcome::Passed,
        (Some(Fault::Busy | Fault::Voice | Fault::Fax | Fault::Glare), _)
        | (_, CallClass::Unproven | CallClass::Defect | CallClass::Policy) => CheckOutcome::Unknown,
        (
            _,
            CallClass::Failed
            | CallClass::AnsweredWithoutCarrier
            | CallClass::Final
            | CallClass::BenchModem
            | CallClass::BenchLine,
        ) => CheckOutcome::Failed,
    }
}

/// A line to be judged.
#[derive(Debug, Clone)]
pub struct LineJob {
    /// The line.
    pub id: LineId,
    /// How it can be reached: the first is the usual one, the others are tried in turn after a call that failed on the way.
    /// Never empty.
    pub ways: Vec<Way>,
    /// The credential that is used there, if any.
    pub credential: Option<CredentialName>,
    /// Whether its credential is to be proven here (the plan's `prove_on`, else where it worked last): dialed first.
    pub prove_on: bool,
    /// How long its calls are expected to take in all, from experience.
    pub expected: Option<Duration>,
    /// When it may be dialed.
    pub windows: Windows,
    /// The groups that it belongs to: places in [`SchedulerPlan::groups`], each once.
    pub groups: Vec<usize>,
    /// Who goes first, the higher the sooner.
    pub priority: i32,
    /// It will not fit before the deadline: after all that do. The lower the number the sooner (longest not tested first).
    pub deferred: Option<u32>,
    /// Set for a line that must not be dialed: its verdict.
    pub preset: Option<Preset>,
}

impl LineJob {
    /// A line with this number alone, no credential, no window and no rank.
    pub fn new(id: LineId, number: PhoneNumber) -> Self {
        Self {
            id,
            ways: vec![Way::own(number)],
            credential: None,
            prove_on: false,
            expected: None,
            windows: Windows::ALWAYS,
            groups: Vec::new(),
            priority: 0,
            deferred: None,
            preset: None,
        }
    }
}

/// A way to a line: a number, and a carrier's code before it or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// What is called; numbers are never called twice at the same time, whatever the way.
    pub number: PhoneNumber,
    /// What is told of it; absent is the line's own number without a carrier.
    pub via: Option<Via>,
    /// What the longest call is charged: what is set aside for it in the budgets, its class's among them.
    pub worst: Charge,
}

impl Way {
    /// A line's own number, of which nothing else is known; without a tariff, and not for a budget of time.
    pub const fn own(number: PhoneNumber) -> Self {
        let worst = Charge { class: NumberClass::Local, billed_s: 0, cost: None };
        Self { number, via: None, worst }
    }
}

/// Lines that have a limit of calls at a time in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What it is called in the plan.
    pub name: String,
    /// What it is.
    pub kind: GroupKind,
    /// Most calls at a time.
    pub max_calls: NonZeroU32,
}

/// What a [`Group`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKind {
    /// The lines of a site.
    Site,
    /// Lines of which a busy one rolls over to the next.
    HuntGroup,
}

impl GroupKind {
    /// In words.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::HuntGroup => "hunt group",
        }
    }
}

/// The verdict of a line that must not be dialed: screened, skipped, on-hold ..
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preset {
    /// Why.
    pub fault: Fault,
    /// In words.
    pub detail: String,
}

/// A modem of the bank.
#[derive(Debug, Clone)]
pub struct ModemSeat {
    /// The modem.
    pub id: ModemId,
    /// The trunk that it shares, if any.
    pub trunk: Option<TrunkName>,
    /// It has an outside number of its own, under which other modems of the bank can call it.
    pub has_number: bool,
    /// What the longest call to that is charged; absent: nothing that a budget counts.
    pub toll: Option<Charge>,
}

/// What earlier sittings of a resumed run found, from its journal.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// Verdicts that stand (withdrawn ones left out). These lines are done, nothing is emitted for them again; but a
    /// `cancelled` one counts as none, since to go on is what `--resume` is for.
    pub verdicts: Vec<LineVerdict>,
    /// Calls that ended, in the order in which they did.
    pub calls: Vec<CallReport>,
    /// The highest attempt number that each line's calls had, ended or not: ids are not used twice.
    pub begun: BTreeMap<LineId, u32>,
    /// Of the calls that began and of which no end is known, the lines and the ways that they went.
    pub lost: Vec<(LineId, Option<Via>)>,
    /// Modems that are under quarantine: they are checked before they get a line.
    pub quarantined: BTreeSet<ModemId>,
    /// Calls that count as not made, since their modem was put under quarantine for them.
    pub void: BTreeSet<CallId>,
    /// What was billed of calls that checked modems.
    pub checks: Vec<Charge>,
    /// Checks that began and of which no end is known.
    pub lost_checks: Vec<Check>,
    /// Failing calls of modems that have passed nothing since: what a quarantine would make void.
    pub unproven: BTreeSet<CallId>,
    /// Calls of other runs to numbers of this one, not long ago, in the order of their ends: only the law on calling again
    /// counts them.
    pub called: Vec<CalledBefore>,
}

/// A call of another run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalledBefore {
    /// What was called.
    pub number: PhoneNumber,
    /// So long before this run it ended.
    pub ago: Duration,
    /// What it found.
    pub fault: Option<Fault>,
    /// It got through.
    pub through: bool,
}

/// What a call found, as far as the scheduler cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallReport {
    /// The line.
    pub line: LineId,
    /// The modem.
    pub modem: ModemId,
    /// The attempt number of the [`Decision::Dial`].
    pub attempt: u32,
    /// What it found; absent is a pass.
    pub fault: Option<Fault>,
    /// The furthest instant on the way to the console ([`crate::model::Timeline::furthest`]).
    pub furthest: Option<Moment>,
    /// Whether digits may have gone out.
    pub dialed: bool,
    /// The modem could not be brought on-hook, and may hold the number.
    pub held: bool,
    /// How long the modem was taken.
    pub took: Duration,
    /// The dial limit that ended it, if that was shortened.
    pub cut_short: Option<Duration>,
    /// Dial command .. CONNECT, if it came to that.
    pub connected_after: Option<Duration>,
    /// The way that it went, where it is not the line's own number without a carrier.
    pub via: Option<Via>,
    /// What is billed of it, at most; absent where no digit went out.
    pub charge: Option<Charge>,
    /// How long the modem refuses to dial this number, where it refused (`DELAYED`) and said so.
    pub refused_for: Option<Duration>,
    /// The finding in words.
    pub detail: String,
}

/// What happened.
///
/// Every [`Decision::Dial`] is answered by one `CallEnded`, `Panicked` or `NotDialed`, and every [`Decision::SetUp`] by a
/// `ModemReady` or a `ModemOut`; every [`Decision::Check`] by one `Checked` for its modem, and one `Answered` for the modem
/// that had to answer, if there was one. If a call's end shows that its modem is of no use any more although the call was not
/// to blame (on-hook unproven, say), `ModemOut` comes before `CallEnded`, or the modem is dialed on at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The sitting begins. Comes first, once.
    Start,
    /// A modem is set up and free.
    ModemReady(ModemId),
    /// A modem can't be had: its port is busy or gone, or its set-up failed.
    ModemOut {
        /// Which.
        modem: ModemId,
        /// A fault whose blame is `bench-modem`.
        fault: Fault,
        /// In words.
        detail: String,
    },
    /// A call is over and its modem free, if its fault is none of the modem's.
    CallEnded(Box<CallReport>),
    /// The worker of a call died; its port was hung up as well as could be.
    Panicked {
        /// Its modem.
        modem: ModemId,
        /// Its line.
        line: LineId,
        /// What it died of, in words.
        detail: String,
    },
    /// The call was not made after all: the line may not be dialed from this modem, and no other is tried.
    NotDialed {
        /// The modem, free again.
        modem: ModemId,
        /// The line.
        line: LineId,
        /// Why, in words.
        detail: String,
    },
    /// A check is over.
    Checked(Box<CheckReport>),
    /// A modem that had to answer another one's call is on-hook again, whatever came of it.
    Answered(ModemId),
    /// A login with the credential worked.
    CredentialProven(CredentialName),
    /// The credential is never sent again in this run.
    CredentialStopped(CredentialName),
    /// The wall clock was set, or its rules have changed: when these lines may be dialed from here on. Lines that are not
    /// named keep their windows.
    Windows(Vec<(LineId, Windows)>),
    /// Something is ordered; answered by a [`Decision::Answer`] or [`Decision::Lend`] with the same ticket, unless the run ends
    /// before.
    Told {
        /// Whose answer it is.
        ticket: u64,
        /// What is to be done.
        order: Order,
    },
    /// The worker of a modem can't be ended: it is stuck inside the system. Whatever it was at was told as over before.
    Lost {
        /// Which.
        modem: ModemId,
        /// In words.
        detail: String,
    },
    /// First signal: dial no more.
    Drain,
    /// The plan's deadline has come: dial no more; the calls that are running end as they may.
    Deadline,
    /// Nothing but time has passed; the answer to [`super::Scheduler::next_deadline`].
    Time,
}

/// What to do. To be done in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Set this modem up: at the start, after a pause while it is out, after a worker of it died.
    SetUp(ModemId),
    /// Call a line.
    Dial {
        /// The line.
        line: LineId,
        /// The modem: free, and set up.
        modem: ModemId,
        /// Number of the call within the line, from 1; earlier sittings and calls that did not get to dialing included.
        attempt: u32,
        /// Which of its [`LineJob::ways`].
        way: usize,
        /// `<line>.<attempt>`.
        call: CallId,
        /// Its dial limit may be shortened: it is the first call to its number, and a second one can follow.
        may_shorten: bool,
    },
    /// The line is judged.
    Verdict(LineVerdict),
    /// A verdict is taken back; another one follows, at once or after more calls.
    Withdraw {
        /// The line.
        line: LineId,
        /// Why, in words.
        why: String,
    },
    /// Check a modem: it is free, and set up. A modem that has to answer is too.
    Check {
        /// Which.
        modem: ModemId,
        /// How.
        check: Check,
    },
    /// A modem fails where others succeed, or failed its checks: no line is called on it before it has passed one.
    Quarantine {
        /// Which.
        modem: ModemId,
        /// The evidence, in words.
        detail: String,
        /// It is checked again then; absent: never, or once its call is over.
        until: Option<Mono>,
    },
    /// A modem under quarantine has passed its check: lines are called on it again.
    TakeBack {
        /// Which.
        modem: ModemId,
        /// What it passed, in words.
        detail: String,
    },
    /// Something that the user should read.
    Notice(String),
    /// A modem was tried often enough: it is left alone for the rest of the run.
    GiveUp {
        /// Which.
        modem: ModemId,
        /// What it failed with last.
        fault: Fault,
        /// In words.
        detail: String,
    },
    /// What the line waits for has changed: told once for each change, until its next call or its verdict. A line of which
    /// nothing was told yet waits for a free modem.
    Waits {
        /// The line.
        line: LineId,
        /// Not before; absent where no time is known, but an event.
        until: Option<Mono>,
        /// What for.
        reason: WaitReason,
        /// Why, in words.
        why: String,
    },
    /// A modem was tried often enough: it is tried again slowly.
    Down {
        /// Which.
        modem: ModemId,
        /// What it failed with last.
        fault: Fault,
        /// In words.
        detail: String,
        /// The next time.
        until: Mono,
    },
    /// A call or check of this modem is to log out and hang up: nobody is to blame for that. It ends like any other.
    Recall(ModemId),
    /// A modem that is on-hook is out of service: its worker ends, and its port is closed.
    Dismiss {
        /// Which.
        modem: ModemId,
        /// Why, in words.
        why: String,
    },
    /// A modem that is on-hook gets a new worker, which opens its port anew and sets it up.
    Restart(ModemId),
    /// A modem that is on-hook is lent: its port is closed, and then whoever waits for it is answered.
    Lend {
        /// Who.
        ticket: u64,
        /// Which.
        modem: ModemId,
        /// What will be called, if it is a line of the run.
        line: Option<LineId>,
    },
    /// What became of an order: what is done, or why it is refused, in words.
    Answer {
        /// Of which.
        ticket: u64,
        /// What.
        answer: Result<String, String>,
    },
    /// No call begins.
    Paused {
        /// Why, in words.
        why: String,
        /// It ends by itself then.
        until: Option<Mono>,
    },
    /// A pause is over.
    Resumed,
    /// Every line has its verdict and no call is running. Comes last, once.
    Finished,
}
