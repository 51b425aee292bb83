//! One modem's worker: owns its port, sets it up, makes the calls that it is given, keeps it on-hook between them.
//!
//! It decides nothing. A worker that panics drops its port, which hangs up; the dispatcher starts another.

mod checks;
mod readiness;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::reset::{self, ResetHook, Resets};
use crate::call::CallSpec;
use crate::call::machine::Cancel;
use crate::call::shell::{self, CallOver, Notice};
use crate::model::event::{CheckOutcome, Hangup};
use crate::model::{Blame, CallId, Charge, Fault, Link, ModemId, Mono};
use crate::modem::clock::Clock;
use crate::modem::fingerprint::Fingerprint;
use crate::modem::learned::Learned;
use crate::modem::port::{Port, PortError};
use crate::modem::profile::Profile;

/// Longest that opening a port may take; a driver that is stuck must not keep lines waiting for its modem.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// Longest that giving a port back may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(3);

/// A modem's place in the bank, as far as its worker needs it.
#[derive(Debug, Clone)]
pub struct Seat {
    /// The modem.
    pub id: ModemId,
    /// Its family, or how to find it.
    pub profile: ProfileChoice,
    /// Longest set-up.
    pub setup_limit: Duration,
    /// Least time on-hook between two calls.
    pub on_hook_min: Duration,
    /// Longest that a dial tone is waited for: the modem's own wait for it may be as long as a call's dialing.
    pub tone_limit: Duration,
    /// Longest hang-up of a check.
    pub hangup_limit: Duration,
    /// Its port, as the bank has it.
    pub port: String,
    /// What it must say of itself; anything else is another modem, and is not dialed on.
    pub fingerprint: Option<Fingerprint>,
    /// What the modems of the bank say of themselves: tells whose place another one is.
    pub neighbours: Arc<[(ModemId, Fingerprint)]>,
    /// What wakes it when it is stuck.
    pub reset: Option<ResetHook>,
}

/// Which profile a modem has.
#[derive(Debug, Clone)]
pub enum ProfileChoice {
    /// The bank says it.
    Fixed(Arc<Profile>),
    /// The modem is asked; these are there to choose from.
    Auto(Arc<[Profile]>),
}

/// Opens a modem's port; handed in, so that tests can hand in another.
pub trait OpenPort: Send + Sync + 'static {
    /// Opens the port of `modem`.
    fn open(&self, modem: &ModemId) -> impl Future<Output = Result<Port, PortError>> + Send;
}

/// What a worker is to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// Open the port if need be, set the modem up, tell.
    SetUp,
    /// Make this call.
    Call(Box<CallSpec>),
    /// Listen for a dial tone.
    DialTone,
    /// Make this call, which is a check of the modem.
    Check(Box<CallSpec>),
    /// Answer the call of another modem.
    Answer,
}

/// What a worker tells.
#[derive(Debug)]
pub(crate) enum Report {
    /// The modem is set up.
    Ready {
        /// Who it is, if it was asked.
        identified: Option<String>,
        /// What it can show of a call, where that was not told before.
        abilities: Option<String>,
    },
    /// It can't be used now.
    Out(Fault, String),
    /// Something that the user should read, in words.
    Notice(String),
    /// A call is over.
    Over(Box<CallOver>),
    /// A check is over.
    Checked(Box<CheckOver>),
}

/// A check, or the answer to one, that is over.
#[derive(Debug)]
pub(crate) struct CheckOver {
    pub(crate) outcome: CheckOutcome,
    pub(crate) fault: Option<Fault>,
    /// In words, cleaned.
    pub(crate) detail: String,
    /// Whether digits may have gone out.
    pub(crate) dialed: bool,
    pub(crate) hangup: Hangup,
    pub(crate) hangup_detail: String,
    pub(crate) port_lost: bool,
    /// The link, where there was one.
    pub(crate) link: Link,
    /// What its call is charged; absent where it called nobody.
    pub(crate) charge: Option<Charge>,
}

/// The worker's channels.
#[derive(Debug)]
pub(crate) struct Channels {
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) notices: mpsc::Sender<(CallId, Notice)>,
    pub(crate) reports: mpsc::Sender<(ModemId, Report)>,
    pub(crate) cancel: watch::Receiver<Option<Cancel>>,
}

/// Works until its commands end. `port` may have been opened before; `in_doubt` where the modem may be on a call that
/// nobody has seen the end of.
pub(crate) async fn work<O: OpenPort>(
    seat: Seat,
    opener: Arc<O>,
    port: Option<Port>,
    in_doubt: bool,
    clock: Clock,
    mut channels: Channels,
) {
    let mut bench = Bench {
        seat,
        opener,
        port,
        family: None,
        learned: Learned::default(),
        told: String::new(),
        fresh: true,
        in_doubt,
        free_at: Mono::ZERO,
        resets: Resets::default(),
        hook: None,
        clock,
    };
    while let Some(command) = channels.commands.recv().await {
        match command {
            Command::SetUp => {
                let mut cancel = channels.cancel.clone();
                // A run that is being ended has no use for the modem: a silent one must not hold it up.
                let report = tokio::select! {
                    biased;
                    _ = cancel.wait_for(Option::is_some) => {
                        Report::Out(Fault::Cancelled, "the run is being ended".to_owned())
                    }
                    report = bench.set_up(&channels) => report,
                };
                bench.let_hook_finish(&mut cancel).await;
                tell(&channels, &bench.seat.id, report).await;
            }
            Command::Call(spec) => bench.call(*spec, &channels).await,
            Command::DialTone | Command::Check(_) | Command::Answer => {
                let over = bench.check(command, &channels).await;
                tell(&channels, &bench.seat.id, Report::Checked(Box::new(over))).await;
            }
        }
    }
    if let Some(port) = bench.port.take()
        && tokio::time::timeout(CLOSE_LIMIT, port.close()).await.is_err()
    {
        tracing::warn!(modem = %bench.seat.id, "the port could not be closed within {} s", CLOSE_LIMIT.as_secs());
    }
    // Whoever takes the modem next knows nothing of its last call.
    let mut cancel = channels.cancel.clone();
    tokio::select! {
        biased;
        _ = cancel.wait_for(|cancel| *cancel == Some(Cancel::HangUp)) => {}
        () = tokio::time::sleep_until(clock.instant(bench.free_at)) => {}
    }
}

/// The longest that [`Command::SetUp`] can take: opening the port, asking who it is and setting it up, its hook, and all of that
/// once more.
pub(crate) fn longest_setup(seat: &Seat) -> Duration {
    let once = OPEN_LIMIT + seat.setup_limit * 2 + CLOSE_LIMIT;
    let hook =
        if seat.reset.is_some() { reset::COMMAND_LIMIT * 2 + reset::REST_AFTER } else { Duration::ZERO };
    once * 2 + hook
}

/// The longest that listening for a dial tone, or answering another modem, can take.
pub(crate) fn longest_listening(seat: &Seat) -> Duration {
    seat.on_hook_min + seat.tone_limit * 2 + seat.hangup_limit * 2
}

async fn tell(channels: &Channels, modem: &ModemId, report: Report) {
    // Nobody listens any more only when the run is being torn down.
    let _ = channels.reports.send((modem.clone(), report)).await;
}

struct Bench<O> {
    seat: Seat,
    opener: Arc<O>,
    port: Option<Port>,
    /// The profile of its family, once the modem was set up with it.
    family: Option<Arc<Profile>>,
    /// What this one modem has shown of itself.
    learned: Learned,
    /// What was told of its abilities.
    told: String,
    /// The whole set-up is due before the next call.
    fresh: bool,
    /// Its last call's on-hook was not proven: it may have come at any time since.
    in_doubt: bool,
    /// On-hook long enough for the next call from here on.
    free_at: Mono,
    /// When it was reset by its hook, and how its set-ups went since.
    resets: Resets,
    /// Its hook, while it runs.
    hook: Option<JoinHandle<Result<String, String>>>,
    clock: Clock,
}

impl<O: OpenPort> Bench<O> {
    async fn call(&mut self, spec: CallSpec, channels: &Channels) {
        let over = self.make(spec, channels).await;
        let blames_modem = over.record.fault.is_some_and(|fault| fault.blame() == Blame::BenchModem);
        if over.port_lost && !blames_modem {
            let why = format!("the port was lost at the end of the call: {}", over.hangup_detail);
            tell(channels, &self.seat.id, Report::Out(Fault::PortLost, why)).await;
        }
        tell(channels, &self.seat.id, Report::Over(Box::new(over))).await;
    }

    /// The modem's profile with what it has shown of itself.
    fn profile(&self) -> Option<Arc<Profile>> {
        self.family.as_ref().map(|family| Arc::new(family.for_modem(&self.learned)))
    }

    /// Makes a call and keeps what it leaves of the modem.
    async fn make(&mut self, mut spec: CallSpec, channels: &Channels) -> CallOver {
        let (notices, cancel) = (channels.notices.clone(), channels.cancel.clone());
        self.rest(&mut channels.cancel.clone()).await;
        let profile = self.profile();
        let (Some(port), Some(profile)) = (self.port.as_mut(), profile) else {
            // Can't be: calls go to modems that told Ready. Dying is the one answer that gives the line back.
            panic!("a call was given to a modem without a port");
        };
        // Behind a pty is a program, not a modem: a rehearsal, at whatever pace.
        spec.limits.compressed |= port.is_pty();
        let mut over = shell::run(spec, profile, self.fresh, port, self.clock, notices, cancel).await;
        self.learned.absorb(std::mem::take(&mut over.learned));
        let blames_modem = over.record.fault.is_some_and(|fault| fault.blame() == Blame::BenchModem);
        let unproven = over.record.hangup == Hangup::Unproven;
        // After anything but a proven hang-up the whole set-up is due, which begins by hanging up.
        self.fresh = unproven || blames_modem || !over.settled;
        self.in_doubt = unproven;
        if over.dialed {
            self.free_at = over.on_hook + self.seat.on_hook_min;
        }
        if over.port_lost {
            self.port = None;
        }
        over
    }

    /// Waits until the modem has been on-hook long enough. A call that is cancelled meanwhile is not dialed, and need not
    /// wait.
    async fn rest(&mut self, cancel: &mut watch::Receiver<Option<Cancel>>) {
        tokio::select! {
            biased;
            _ = cancel.wait_for(Option::is_some) => {}
            () = tokio::time::sleep_until(self.clock.instant(self.free_at)) => {}
        }
    }
}
