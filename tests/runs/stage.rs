//! Where whole runs are played: the program's own dispatcher, workers, calls and ports against the exchange in memory,
//! under paused time. A night passes in some milliseconds, and each run is held to all promises at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lineman::call::machine::Cancel;
use lineman::call::quality::Rules;
use lineman::call::{CallSpec, Limits, Quality, ShortDial};
use lineman::console::{Behind, Credential, Dialog, DialogFile};
use lineman::fleet::budget::Budget;
use lineman::fleet::desk::{Desk, DeskEntry, Remember};
use lineman::fleet::dispatcher::{self, Job, LineBook, NotDialed, ObserveError, Observer, RunEnd};
use lineman::fleet::hours::{Calendar, Derived, Hours};
use lineman::fleet::order::{Answer, Done, Order, Standing, Told};
use lineman::fleet::policy::Policy;
use lineman::fleet::redial::RedialLaw;
use lineman::fleet::scheduler::{Check, CheckPlan, LineJob, ModemSeat, Past, Preflight, SchedulerPlan, Way};
use lineman::fleet::worker::{OpenPort, ProfileChoice, Seat};
use lineman::model::event::{EVENT_FORMAT, Ending, ModemHeader, RunHeader, Sitting, Via};
use lineman::model::price::{Rate, Rates};
use lineman::model::{
    CallId, CredentialName, DialString, Event, EventKind, Line, LineId, Micros, ModemId, Mono, NumberClass,
    PhoneNumber, Price, Reading, TrunkName, Usual, Windows,
};
use lineman::modem::clock::set::SetWatch;
use lineman::modem::clock::{Clock, Wall};
use lineman::modem::port::memory::{Door, Wires};
use lineman::modem::port::{Port, PortError, PortOptions, PortPath};
use lineman::modem::profile::Profile;
use lineman::sim::Exchange;
use lineman::sim::file::{BehindEntry, ConsoleKind, ExchangeFile, LineEntry};
use lineman::sim::log::{Entry, Log};
use tokio::sync::{mpsc, oneshot};

use crate::promises;

/// No run of these tests may take longer than this, in its own time.
const NIGHT: Duration = Duration::from_secs(24 * 3600);

/// The account of nearly all lines, and its password.
pub(crate) const USER: &str = "oob";
pub(crate) const PASSWORD: &str = "s3cret-pass";

/// Something that the test does to a run while it goes on.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// A signal of the user.
    Interrupt(Cancel),
    /// The worker of this modem panics when it reads its port next.
    Sabotage(&'static str),
    /// The event stream can't be kept any more.
    Break,
    /// Whoever takes the events panics, and the run with it.
    Panic,
    /// Whoever operates the run tells it something.
    Order(Order),
    /// A technician borrows a modem for a call to this line, for so long.
    Borrow(&'static str, Duration),
    /// Nothing that is done on the port of this modem ends any more, until it is opened anew.
    Jam(&'static str),
}

/// What is lent: the modem, and from when to when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lent {
    pub(crate) modem: String,
    pub(crate) line: String,
    pub(crate) from: Mono,
    pub(crate) to: Option<Mono>,
}

/// What was told, and what came of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard {
    pub(crate) answers: Vec<(Order, Answer)>,
    pub(crate) lent: Vec<Lent>,
}

/// What opening a port comes to, where it comes to no good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// The driver never answers.
    Stuck,
    /// The worker dies of it.
    Panics,
}

/// Looks at each event; may answer with a deed.
pub(crate) type Hook = Box<dyn FnMut(&Event) -> Option<Deed> + Send>;

/// How long the exchange is left alone with a run that died.
const AFTER_DEATH: Duration = Duration::from_secs(60);

/// What a future comes to; `None` if it panics, as in a task of its own.
async fn survive<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    let mut poll = |cx: &mut Context<'_>| Pin::new(&mut future).poll(cx).map(Some);
    poll_fn(|cx| catch_unwind(AssertUnwindSafe(|| poll(cx))).unwrap_or(Poll::Ready(None))).await
}

/// The hours of a stage: spells of the wall clock.
struct StageCalendar {
    spells: BTreeMap<LineId, Vec<(Timestamp, Timestamp)>>,
    deadline: Option<Timestamp>,
}

impl Calendar for StageCalendar {
    fn derive(&mut self, reading: &Reading) -> Derived {
        let windows = self.spells.iter().map(|(line, spells)| {
            let spells = spells.iter().map(|&(from, to)| (reading.not_before(from), reading.not_after(to)));
            (line.clone(), Windows::new(spells))
        });
        Derived {
            windows: windows.collect(),
            deadline: self.deadline.map(|deadline| reading.not_before(deadline)),
            horizon: reading.mono + NIGHT,
        }
    }

    fn may_dial(&self, line: &LineId, wall: Timestamp) -> Result<(), String> {
        let open = self
            .spells
            .get(line)
            .is_none_or(|spells| spells.iter().any(|&(from, to)| from <= wall && wall < to));
        if open { Ok(()) } else { Err("closed".to_owned()) }
    }

    fn opens_next(&self, line: &LineId, wall: Timestamp) -> Option<String> {
        let next = self.spells.get(line)?.iter().find(|(_, to)| *to > wall);
        Some(next.map_or_else(|| "it opens no more".to_owned(), |(from, _)| format!("it opens next {from}")))
    }
}

/// A credential of the plan.
pub(crate) struct Account {
    pub(crate) name: &'static str,
    pub(crate) username: &'static str,
    pub(crate) password: &'static str,
    pub(crate) prove_on: Option<&'static str>,
    pub(crate) barred: Option<&'static str>,
}

/// All that makes a run.
pub(crate) struct Stage {
    pub(crate) exchange: ExchangeFile,
    pub(crate) wires: Wires,
    /// Profiles that stand before those of the program.
    pub(crate) profiles: Vec<&'static str>,
    pub(crate) auto: bool,
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    pub(crate) on_hook_min: Duration,
    /// All modems share one trunk with this many calls.
    pub(crate) trunk: Option<u32>,
    pub(crate) accounts: Vec<Account>,
    /// Lines with another credential than the first one.
    pub(crate) credential_of: BTreeMap<&'static str, &'static str>,
    /// What is done when which event comes.
    pub(crate) hooks: Vec<Hook>,
    /// Signals at given times from the start.
    pub(crate) interrupts: Vec<(Duration, Cancel)>,
    /// Lines that the book refuses at the last moment.
    pub(crate) undialable: BTreeSet<&'static str>,
    pub(crate) past: Past,
    /// Ports that can't be opened.
    pub(crate) openings: BTreeMap<&'static str, Opening>,
    /// Nothing is dialed from here on.
    pub(crate) deadline: Option<Duration>,
    /// When lines may be dialed: seconds from the run's beginning, by a wall clock that is right.
    pub(crate) windows: BTreeMap<&'static str, Vec<(u64, u64)>>,
    /// How far the wall clock is from being right when the run begins, seconds; and when it is set right.
    pub(crate) wrong_by: i64,
    pub(crate) set_right: Option<Duration>,
    /// Whether anybody is told of that.
    pub(crate) set_in_silence: bool,
    /// Lines of the plan that lead to the number of another.
    pub(crate) shared: BTreeMap<&'static str, &'static str>,
    /// Lines of the exchange that are none of the plan, but whose numbers another line can be reached by.
    pub(crate) alternatives: BTreeMap<&'static str, &'static str>,
    /// What each modem is asked before its first line.
    pub(crate) preflight: Preflight,
    /// The line of the exchange that is no line of the plan, but its reference number.
    pub(crate) reference: Option<&'static str>,
    pub(crate) redial: RedialLaw,
    /// What modems must say of themselves.
    pub(crate) fingerprints: BTreeMap<&'static str, &'static str>,
    /// What is usual on the lines.
    pub(crate) usual: BTreeMap<LineId, Usual>,
    /// What calls may take.
    pub(crate) budget: Budget,
    /// Orders at given times from the start.
    pub(crate) orders: Vec<(Duration, Order)>,
    /// What holds from the start by order.
    pub(crate) standing: Standing,
}

/// What every call is charged by: 0.01 and 0.06 a minute, 30 s at least, then in steps of 6 s.
pub(crate) fn price() -> Price {
    let rate = Rate { per_call: Micros(10_000), per_minute: Micros(60_000), first_s: 30, step_s: 6 };
    Price { class: NumberClass::National, rates: Some(Arc::new(Rates::flat(rate))) }
}

impl Stage {
    /// A stage for an exchange, written as YAML.
    pub(crate) fn new(exchange: &str) -> Self {
        let exchange: ExchangeFile = serde_yaml::from_str(exchange).expect("an exchange file");
        assert_eq!(exchange.problems(), Vec::new());
        Self {
            exchange,
            wires: Wires::Data,
            profiles: Vec::new(),
            auto: false,
            policy: Policy::default(),
            limits: Limits::default(),
            on_hook_min: Duration::ZERO,
            trunk: None,
            accounts: vec![Account {
                name: "main",
                username: USER,
                password: PASSWORD,
                prove_on: None,
                barred: None,
            }],
            credential_of: BTreeMap::new(),
            hooks: Vec::new(),
            interrupts: Vec::new(),
            undialable: BTreeSet::new(),
            past: Past::default(),
            openings: BTreeMap::new(),
            deadline: None,
            windows: BTreeMap::new(),
            wrong_by: 0,
            set_right: None,
            set_in_silence: false,
            shared: BTreeMap::new(),
            alternatives: BTreeMap::new(),
            preflight: Preflight::Off,
            reference: None,
            redial: RedialLaw::default(),
            fingerprints: BTreeMap::new(),
            usual: BTreeMap::new(),
            budget: Budget::default(),
            orders: Vec::new(),
            standing: Standing::default(),
        }
    }

    /// Makes a line of the exchange the plan's reference number.
    pub(crate) fn with_reference(mut self, line: &'static str, preflight: Preflight) -> Self {
        self.reference = Some(line);
        self.preflight = preflight;
        self
    }

    /// What the wall clock of the stage makes of the windows, and the windows that the run begins with.
    fn hours(&self, clock: Clock, lines: &[LineEntry]) -> (Option<Hours>, Derived) {
        if self.windows.is_empty() && self.wrong_by == 0 {
            let deadline = self.deadline.map(|after| lineman::model::Mono::ZERO + after);
            return (None, Derived { deadline, ..Derived::default() });
        }
        let right = Wall::Played(Arc::default()).read(&clock).wall;
        let ahead = Arc::new(AtomicI64::new(self.wrong_by * 1000));
        let (tell, told) = mpsc::channel(1);
        if let Some(after) = self.set_right {
            let (ahead, in_silence) = (Arc::clone(&ahead), self.set_in_silence);
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                ahead.store(0, Ordering::SeqCst);
                if !in_silence {
                    let _ = tell.send(()).await;
                }
                std::future::pending::<()>().await;
            });
        }
        let at = |seconds: u64| right + SignedDuration::from_secs(i64::try_from(seconds).expect("a night"));
        let spells = lines.iter().filter_map(|entry| {
            let spells = self.windows.get(entry.id.as_str())?;
            Some((entry.id.clone(), spells.iter().map(|&(from, to)| (at(from), at(to))).collect()))
        });
        let deadline = self.deadline.map(|after| right + SignedDuration::try_from(after).expect("a night"));
        let mut calendar = StageCalendar { spells: spells.collect(), deadline };
        let wall = Wall::Played(ahead);
        let derived = wall.read(&clock);
        let first = calendar.derive(&derived);
        let set = SetWatch::of(told);
        let hours = Hours {
            calendar: Box::new(calendar),
            wall,
            horizon: first.horizon,
            derived,
            set,
            notices: vec!["by the clock of the stage".to_owned()],
        };
        (Some(hours), first)
    }

    fn number_of(&self, line: &str) -> PhoneNumber {
        let entry = self.exchange.lines.iter().find(|entry| entry.id.as_str() == line).expect("a line");
        entry.number.clone()
    }

    /// Lets a line of the plan lead to the number of another.
    pub(crate) fn sharing(mut self, line: &'static str, of: &'static str) -> Self {
        self.shared.insert(line, of);
        self
    }

    pub(crate) fn with_lines(mut self) -> Self {
        self.wires = Wires::DataAndLines;
        self
    }

    /// Does something when an event fits, once.
    pub(crate) fn when(
        mut self,
        mut fits: impl FnMut(&EventKind) -> bool + Send + 'static,
        deed: Deed,
    ) -> Self {
        let mut deed = Some(deed);
        self.hooks.push(Box::new(move |event| if fits(&event.kind) { deed.take() } else { None }));
        self
    }

    /// Does something each time an event fits.
    pub(crate) fn whenever(
        mut self,
        mut fits: impl FnMut(&EventKind) -> bool + Send + 'static,
        deed: Deed,
    ) -> Self {
        self.hooks.push(Box::new(move |event| fits(&event.kind).then(|| deed.clone())));
        self
    }

    /// Plays the run to its end, and holds it to every promise.
    pub(crate) fn play(self) -> Played {
        let played = self.play_unchecked();
        promises::hold(&played);
        played
    }

    /// Plays the run to its end.
    pub(crate) fn play_unchecked(self) -> Played {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(self.run())
    }

    async fn run(mut self) -> Played {
        let clock = Clock::start();
        let lines = self.plan_lines();
        let profiles = profiles(&self.profiles);
        let log = Log::in_memory();
        let (exchange, ports) =
            Exchange::in_memory(self.exchange.clone(), &profiles, clock, self.wires, log.clone())
                .expect("an exchange");
        let ports: BTreeMap<ModemId, PortPath> = ports.into_iter().collect();
        let (stop, stops) = mpsc::channel(8);
        for (after, how) in self.interrupts.clone() {
            let stop = stop.clone();
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                let _ = stop.send(Order::stop(how)).await;
            });
        }
        let heard = Arc::new(Mutex::new(Heard::default()));
        for (after, order) in self.orders.clone() {
            let (stop, heard) = (stop.clone(), Arc::clone(&heard));
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                give(order, stop, heard).await;
            });
        }
        let doors = ports.iter().filter_map(|(modem, path)| match path {
            PortPath::Memory(door) => Some((modem.clone(), door.clone())),
            PortPath::Tty(_) | PortPath::Rfc2217(_) | PortPath::Telnet(_) | PortPath::Tcp(_) => None,
        });
        let refused = Arc::new(Mutex::new(Vec::new()));
        let mut recorder = Recorder {
            events: Vec::new(),
            hooks: std::mem::take(&mut self.hooks),
            stop,
            doors: doors.collect(),
            broken: false,
            heard: Arc::clone(&heard),
            clock,
            numbers: lines.iter().map(|entry| (entry.id.clone(), entry.number.clone())).collect(),
        };
        let mut setting = Setting {
            lines: lines.clone(),
            modems: self.exchange.modems.iter().map(|modem| modem.id.clone()).collect(),
            policy: self.policy.clone(),
            redial: self.redial.clone(),
            on_hook_min: self.on_hook_min,
            trunk: self.trunk,
            usernames: self.accounts.iter().map(|account| account.username).collect(),
            passwords: self.accounts.iter().map(|account| account.password).collect(),
            limits: self.limits,
            budget: self.budget.clone(),
            room: Duration::ZERO,
        };
        let trunk: TrunkName = "pstn".parse().expect("a name");
        let reference = self.reference.map(|line| self.number_of(line));
        let mut book = Book::new(
            &lines,
            reference.clone(),
            (self.limits, &self.policy.degraded),
            self.accounts.first().map(|account| account.name),
            &self.credential_of,
            self.undialable.clone(),
        );
        book.modems = self
            .exchange
            .modems
            .iter()
            .filter_map(|modem| Some((modem.id.clone(), modem.number.clone()?)))
            .collect();
        let alternatives = self.alternatives.iter();
        book.alternatives =
            alternatives.map(|(line, of)| (line.parse().expect("a name"), self.number_of(of))).collect();
        book.usual = self.usual.iter().map(|(line, usual)| (line.clone(), Arc::new(usual.clone()))).collect();
        let rooms = book.lines.values().map(|line| self.limits.room(line.dialog.as_deref(), &line.consoles));
        let room = rooms.max().unwrap_or_default();
        setting.room = room;
        let worst = price().worst(room);
        let (hours, first) = self.hours(clock, &lines);
        let windows: BTreeMap<LineId, Windows> = first.windows.into_iter().collect();
        let provers: Vec<&str> = self.accounts.iter().filter_map(|account| account.prove_on).collect();
        let job = Job {
            opening: EventKind::RunStarted(Box::new(header(
                &self.exchange,
                &lines,
                self.trunk.map(|_| &trunk),
            ))),
            preface: Vec::new(),
            seats: self
                .exchange
                .modems
                .iter()
                .map(|modem| (self.seat(&modem.id, &modem.profile, &profiles), None))
                .collect(),
            opener: Arc::new(Opener { ports, clock, openings: self.openings }),
            plan: SchedulerPlan {
                lines: lines
                    .iter()
                    .map(|entry| LineJob {
                        credential: book.lines[&entry.id].credential.clone(),
                        prove_on: provers.contains(&entry.id.as_str()),
                        windows: windows.get(&entry.id).cloned().unwrap_or(Windows::ALWAYS),
                        ways: book
                            .ways(&entry.id)
                            .into_iter()
                            .map(|(number, via)| Way { worst, via, ..Way::own(number) })
                            .collect(),
                        ..LineJob::new(entry.id.clone(), entry.number.clone())
                    })
                    .collect(),
                modems: self
                    .exchange
                    .modems
                    .iter()
                    .map(|modem| ModemSeat {
                        id: modem.id.clone(),
                        trunk: self.trunk.map(|_| trunk.clone()),
                        has_number: modem.number.is_some(),
                        toll: Some(worst),
                    })
                    .collect(),
                trunks: self
                    .trunk
                    .and_then(NonZeroU32::new)
                    .map(|most| (trunk.clone(), most))
                    .into_iter()
                    .collect(),
                policy: self.policy,
                checks: CheckPlan { preflight: self.preflight, reference, toll: Some(worst) },
                budget: self.budget,
                redial: self.redial,
                past: self.past,
                standing: self.standing,
                room,
                ..SchedulerPlan::default()
            },
            book,
            deadline: first.deadline,
            hours,
            desk: Desk::new(
                self.accounts.iter().map(entry).collect(),
                Arc::new(Memory { refused: Arc::clone(&refused) }),
            ),
        };
        let run = survive(Box::pin(dispatcher::run(job, clock, &mut recorder, stops)));
        let end = tokio::time::timeout(NIGHT, run).await.expect("a run ends");
        let took = clock.now().as_micros();
        if end.is_none() {
            // Its ports are dropped with its tasks; the exchange sees that in its own time.
            tokio::time::sleep(AFTER_DEATH).await;
        }
        let end = end.unwrap_or_else(|| RunEnd {
            ending: Ending::Interrupted,
            broken: Some(ObserveError("it died".to_owned())),
        });
        exchange.stop().await;
        let refused = refused.lock().expect("no panic").clone();
        Played {
            setting,
            events: recorder.events,
            log: log.entries(),
            end,
            took: Duration::from_micros(took),
            refused,
            heard: heard.lock().expect("no panic").clone(),
        }
    }

    /// The plan's lines: those of the exchange, but for the numbers that some share.
    fn plan_lines(&self) -> Vec<LineEntry> {
        let mut lines = self.exchange.lines.clone();
        for (line, of) in &self.shared {
            let number = lines.iter().find(|entry| entry.id.as_str() == *of).expect("a line").number.clone();
            let entry = lines.iter_mut().find(|entry| entry.id.as_str() == *line).expect("a line");
            entry.number = number;
        }
        let others = || self.alternatives.values().copied().chain(self.reference);
        lines.retain(|entry| others().all(|other| other != entry.id.as_str()));
        lines
    }

    fn seat(&self, id: &ModemId, profile: &str, profiles: &[Profile]) -> Seat {
        let fixed = profiles.iter().find(|p| p.profile == profile).expect("a profile").clone();
        Seat {
            id: id.clone(),
            profile: if self.auto {
                ProfileChoice::Auto(profiles.into())
            } else {
                ProfileChoice::Fixed(Arc::new(fixed))
            },
            setup_limit: self.limits.setup,
            on_hook_min: self.on_hook_min,
            tone_limit: self.limits.dial,
            hangup_limit: self.limits.hangup,
            port: format!("memory:{id}"),
            fingerprint: self.fingerprints.get(id.as_str()).map(|text| text.parse().expect("a fingerprint")),
            neighbours: self
                .fingerprints
                .iter()
                .map(|(id, text)| (id.parse().expect("a name"), text.parse().expect("a fingerprint")))
                .collect(),
            reset: None,
        }
    }
}

fn entry(account: &Account) -> DeskEntry {
    DeskEntry {
        name: account.name.parse().expect("a name"),
        credential: Credential::new(account.username, account.password.to_owned().into())
            .expect("a credential"),
        prove_on: account.prove_on.map(|line| line.parse().expect("a name")),
        barred: account.barred.map(ToOwned::to_owned),
    }
}

/// The program's own profiles, those of the test before them.
fn profiles(own: &[&str]) -> Vec<Profile> {
    static SHIPPED: OnceLock<Vec<Profile>> = OnceLock::new();
    let parse = |text: &&str| serde_yaml::from_str::<Profile>(text).expect("a profile");
    let shipped = SHIPPED.get_or_init(|| {
        let texts = [
            include_str!("../../hardware/modems/courier.yaml"),
            include_str!("../../hardware/modems/elsa.yaml"),
            include_str!("../../hardware/modems/generic.yaml"),
            include_str!("../../hardware/modems/lucent.yaml"),
            include_str!("../../hardware/modems/microcom.yaml"),
            include_str!("../../hardware/modems/multitech.yaml"),
            include_str!("../../hardware/modems/rockwell-conexant.yaml"),
            include_str!("../../hardware/modems/si24xx.yaml"),
            include_str!("../../hardware/modems/softmodem.yaml"),
            include_str!("../../hardware/modems/unknown.yaml"),
            include_str!("../../hardware/modems/v250.yaml"),
            include_str!("../../hardware/modems/zyxel.yaml"),
        ];
        texts.iter().map(parse).collect()
    });
    own.iter().map(parse).chain(shipped.iter().cloned()).collect()
}

fn header(exchange: &ExchangeFile, lines: &[LineEntry], trunk: Option<&TrunkName>) -> RunHeader {
    RunHeader {
        format: EVENT_FORMAT,
        run: "20261121T020000Z-stage".parse().expect("a run id"),
        plan: "stage".parse().expect("a name"),
        plan_path: None,
        bank: "stage".parse().expect("a name"),
        seed: exchange.seed,
        currency: None,
        sites: std::collections::BTreeMap::new(),
        lines: lines.iter().map(line).collect(),
        modems: exchange
            .modems
            .iter()
            .map(|modem| ModemHeader {
                id: modem.id.clone(),
                port: format!("sim:{}", modem.id),
                profile: modem.profile.clone(),
                trunk: trunk.cloned(),
            })
            .collect(),
        sitting: Sitting { lineman: "0".to_owned(), origin_us: 0 },
    }
}

fn line(entry: &LineEntry) -> Line {
    Line {
        id: entry.id.clone(),
        site: entry.id.as_str().parse().expect("a name"),
        number: entry.number.clone(),
        hostname: entry.hostname.clone(),
        facets: lineman::model::Facets::default(),
    }
}

struct Opener {
    ports: BTreeMap<ModemId, PortPath>,
    openings: BTreeMap<&'static str, Opening>,
    clock: Clock,
}

impl OpenPort for Opener {
    async fn open(&self, modem: &ModemId) -> Result<Port, PortError> {
        match self.openings.get(modem.as_str()) {
            Some(Opening::Stuck) => std::future::pending().await,
            Some(Opening::Panics) => panic!("no such port"),
            None => {}
        }
        Port::open(&self.ports[modem], &PortOptions::default(), self.clock).await
    }
}

/// The program's own dialogs. Compiling their patterns takes longer than many a run.
fn dialogs() -> &'static BTreeMap<&'static str, Arc<Dialog>> {
    static DIALOGS: OnceLock<BTreeMap<&str, Arc<Dialog>>> = OnceLock::new();
    DIALOGS.get_or_init(|| {
        let texts = [
            ("cisco-ios", include_str!("../../hardware/consoles/cisco-ios.yaml")),
            ("cisco-nxos", include_str!("../../hardware/consoles/cisco-nxos.yaml")),
            ("linux", include_str!("../../hardware/consoles/linux.yaml")),
            ("generic", include_str!("../../hardware/consoles/generic.yaml")),
            ("junos", include_str!("../../hardware/consoles/junos.yaml")),
            ("hp-procurve", include_str!("../../hardware/consoles/hp-procurve.yaml")),
            ("opengear", include_str!("../../hardware/consoles/opengear.yaml")),
            ("cisco-ios-ts", include_str!("../../hardware/consoles/cisco-ios-ts.yaml")),
        ];
        let compile = |text: &str| {
            let file: DialogFile = serde_yaml::from_str(text).expect("a dialog file");
            Arc::new(file.compile().expect("a dialog"))
        };
        texts.into_iter().map(|(name, text)| (name, compile(text))).collect()
    })
}

struct Planned {
    line: Line,
    dialog: Option<Arc<Dialog>>,
    consoles: Vec<Behind>,
    credential: Option<CredentialName>,
}

struct Book {
    lines: BTreeMap<LineId, Planned>,
    reference: Option<PhoneNumber>,
    /// The modems' own numbers.
    modems: BTreeMap<ModemId, PhoneNumber>,
    alternatives: BTreeMap<LineId, PhoneNumber>,
    limits: Limits,
    rules: Arc<Rules>,
    usual: BTreeMap<LineId, Arc<Usual>>,
    undialable: BTreeSet<&'static str>,
}

impl Book {
    fn new(
        lines: &[LineEntry],
        reference: Option<PhoneNumber>,
        (limits, rules): (Limits, &Rules),
        usual: Option<&str>,
        credential_of: &BTreeMap<&str, &str>,
        undialable: BTreeSet<&'static str>,
    ) -> Self {
        let dialogs = dialogs();
        let planned = |entry: &LineEntry| {
            let kind = |console: ConsoleKind| match console {
                ConsoleKind::None => None,
                ConsoleKind::CiscoIos => Some("cisco-ios"),
                ConsoleKind::CiscoNxos => Some("cisco-nxos"),
                ConsoleKind::Linux => Some("linux"),
                ConsoleKind::Junos => Some("junos"),
                ConsoleKind::HpProcurve | ConsoleKind::HpProcurveMenu => Some("hp-procurve"),
                ConsoleKind::Generic => Some("generic"),
                ConsoleKind::PortMenu => Some("opengear"),
                ConsoleKind::PortNames => Some("cisco-ios-ts"),
            };
            let behind = |behind: &BehindEntry| Behind {
                name: behind.hostname.as_ref().map_or_else(|| behind.port.clone(), ToString::to_string),
                port: behind.port.clone(),
                hostname: behind.hostname.clone(),
                dialog: Arc::clone(&dialogs[kind(behind.console).unwrap_or("generic")]),
            };
            let kind = kind(entry.console);
            let credential = credential_of.get(entry.id.as_str()).copied().or(usual);
            Planned {
                line: line(entry),
                dialog: kind.map(|kind| Arc::clone(&dialogs[kind])),
                consoles: entry.consoles.iter().map(behind).collect(),
                credential: credential.filter(|_| kind.is_some()).map(|name| name.parse().expect("a name")),
            }
        };
        Self {
            lines: lines.iter().map(|entry| (entry.id.clone(), planned(entry))).collect(),
            reference,
            modems: BTreeMap::new(),
            alternatives: BTreeMap::new(),
            limits,
            rules: Arc::new(rules.clone()),
            usual: BTreeMap::new(),
            undialable,
        }
    }

    /// The numbers of a line, each with what is told of it.
    fn ways(&self, line: &LineId) -> Vec<(PhoneNumber, Option<Via>)> {
        let other = self.alternatives.get(line).map(|number| {
            let via = Via { number: Some(number.clone()), carrier: None };
            (number.clone(), Some(via))
        });
        std::iter::once((self.lines[line].line.number.clone(), None)).chain(other).collect()
    }
}

impl LineBook for Book {
    fn call(&self, line: &LineId, modem: &ModemId, attempt: u32, way: usize) -> Result<CallSpec, NotDialed> {
        if self.undialable.contains(line.as_str()) {
            return Err(NotDialed("screened at the last moment".to_owned()));
        }
        let planned = &self.lines[line];
        // National numbers, as the exchange's location reads them.
        let (number, via) = self.ways(line).swap_remove(way);
        let digits = number.digits().trim_start_matches('1');
        Ok(CallSpec {
            call: CallId::new(line, attempt),
            line: planned.line.clone(),
            attempt,
            modem: modem.clone(),
            dial: DialString::new("", digits).expect("digits"),
            via,
            dialog: planned.dialog.clone(),
            consoles: planned.consoles.clone(),
            credential: planned.credential.clone(),
            port_bps: Some(115_200),
            limits: self.limits,
            short_dial: self.usual.get(line).and_then(|usual| ShortDial::of(&self.limits, usual)),
            quality: Quality { rules: Arc::clone(&self.rules), usual: self.usual.get(line).cloned() },
            price: price(),
            ring_cadence: Duration::from_secs(6),
            tap: None,
        })
    }

    fn check(&self, check: &Check, modem: &ModemId) -> Result<CallSpec, NotDialed> {
        let number = match check {
            Check::DialTone => None,
            Check::Peer(peer) => self.modems.get(peer).cloned(),
            Check::Reference => self.reference.clone(),
            Check::Line(line) => Some(self.lines[line].line.number.clone()),
        };
        let number = number.ok_or_else(|| NotDialed("no such number".to_owned()))?;
        let id: LineId = check.kind().word().parse().expect("a name");
        let digits = number.digits().trim_start_matches('1').to_owned();
        Ok(CallSpec {
            call: CallId::new(&id, 1),
            line: Line {
                id,
                site: "check".parse().expect("a name"),
                number,
                hostname: None,
                facets: lineman::model::Facets::default(),
            },
            attempt: 1,
            modem: modem.clone(),
            dial: DialString::new("", &digits).expect("digits"),
            via: None,
            dialog: None,
            consoles: Vec::new(),
            credential: None,
            port_bps: Some(115_200),
            limits: self.limits,
            short_dial: None,
            quality: lineman::call::Quality::default(),
            price: price(),
            ring_cadence: Duration::from_secs(6),
            tap: None,
        })
    }
}

struct Recorder {
    events: Vec<Event>,
    hooks: Vec<Hook>,
    stop: mpsc::Sender<Told>,
    doors: BTreeMap<ModemId, Door>,
    broken: bool,
    heard: Arc<Mutex<Heard>>,
    clock: Clock,
    numbers: BTreeMap<LineId, PhoneNumber>,
}

/// Tells a run something, and keeps what it answers.
async fn give(order: Order, stop: mpsc::Sender<Told>, heard: Arc<Mutex<Heard>>) {
    let (reply, answer) = oneshot::channel();
    if stop.send(Told { order: order.clone(), reply: Some(reply) }).await.is_ok()
        && let Ok(answer) = answer.await
    {
        heard.lock().expect("no panic").answers.push((order, answer));
    }
}

/// Borrows a modem for so long.
async fn borrow(
    line: LineId,
    number: PhoneNumber,
    lasts: Duration,
    clock: Clock,
    stop: mpsc::Sender<Told>,
    heard: Arc<Mutex<Heard>>,
) {
    let order = Order::Lend { numbers: vec![number], line: Some(line.clone()) };
    let (reply, answer) = oneshot::channel();
    if stop.send(Told { order: order.clone(), reply: Some(reply) }).await.is_err() {
        return;
    }
    let Ok(answer) = answer.await else { return };
    heard.lock().expect("no panic").answers.push((order, answer.clone()));
    let Ok(Done::Lent(modem)) = answer else { return };
    let nth = {
        let mut heard = heard.lock().expect("no panic");
        let (modem, line) = (modem.to_string(), line.to_string());
        heard.lent.push(Lent { modem, line, from: clock.now(), to: None });
        heard.lent.len() - 1
    };
    tokio::time::sleep(lasts).await;
    heard.lock().expect("no panic").lent[nth].to = Some(clock.now());
    give(Order::TakeBack { modem }, stop, heard).await;
}

impl Observer for Recorder {
    fn on_event(&mut self, event: &Event) -> Result<(), ObserveError> {
        if self.broken {
            return Err(ObserveError("the disk is full".to_owned()));
        }
        self.events.push(event.clone());
        for deed in self.hooks.iter_mut().filter_map(|hook| hook(event)) {
            match deed {
                Deed::Interrupt(how) => {
                    let _ = self.stop.try_send(Order::stop(how));
                }
                Deed::Sabotage(modem) => {
                    self.doors[&modem.parse::<ModemId>().expect("a name")].sabotage();
                }
                Deed::Break => self.broken = true,
                Deed::Jam(modem) => self.doors[&modem.parse::<ModemId>().expect("a name")].jam(),
                Deed::Order(order) => {
                    drop(tokio::spawn(give(order, self.stop.clone(), Arc::clone(&self.heard))));
                }
                Deed::Borrow(line, lasts) => {
                    let line: LineId = line.parse().expect("a name");
                    let number = self.numbers[&line].clone();
                    let (stop, heard) = (self.stop.clone(), Arc::clone(&self.heard));
                    drop(tokio::spawn(borrow(line, number, lasts, self.clock, stop, heard)));
                }
                Deed::Panic => panic!("an observer that nobody thought of"),
            }
        }
        Ok(())
    }
}

struct Memory {
    refused: Arc<Mutex<Vec<(String, String)>>>,
}

impl Remember for Memory {
    fn refused(&self, credential: &Credential, why: &str) {
        let mut refused = self.refused.lock().expect("no panic");
        refused.push((credential.username().to_owned(), why.to_owned()));
    }
}

/// What a run was told to keep to.
pub(crate) struct Setting {
    pub(crate) lines: Vec<LineEntry>,
    pub(crate) modems: Vec<ModemId>,
    pub(crate) policy: Policy,
    pub(crate) redial: RedialLaw,
    pub(crate) on_hook_min: Duration,
    pub(crate) trunk: Option<u32>,
    pub(crate) usernames: BTreeSet<&'static str>,
    pub(crate) passwords: Vec<&'static str>,
    pub(crate) limits: Limits,
    pub(crate) budget: Budget,
    /// The longest that a call can take.
    pub(crate) room: Duration,
}

/// A run that is over.
pub(crate) struct Played {
    pub(crate) setting: Setting,
    pub(crate) events: Vec<Event>,
    /// The exchange's own log.
    pub(crate) log: Vec<Entry>,
    pub(crate) end: RunEnd,
    /// How long it took, in its own time.
    pub(crate) took: Duration,
    /// Secrets that were handed on to be remembered: username, why.
    pub(crate) refused: Vec<(String, String)>,
    /// What was told, and what came of it.
    pub(crate) heard: Heard,
}
