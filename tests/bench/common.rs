//! What every figure needs: a folder with generated files, the exchange and lineman as processes of their own, and what
//! both wrote, read back.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lineman::journal;
use lineman::model::{CallRecord, Event, EventKind};
use lineman::sim::log::{Entry, What};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, SysconfVar, sysconf};
use tempfile::TempDir;

/// Families of four kinds of marks, modem by modem.
pub(crate) const FOUR: &[&str] = &["courier", "rockwell-conexant", "v250", "generic"];
/// The program.
const LINEMAN: &str = env!("CARGO_BIN_EXE_lineman");
/// Where Debian has ser2net.
pub(crate) const SER2NET: &str = "/usr/sbin/ser2net";
/// Area codes of the lines; 555-01xx in each is kept free for fiction, and all of it is simulated.
const AREAS: [&str; 8] = ["212", "305", "312", "404", "415", "512", "615", "704"];
/// Longest wait for the exchange to be ready, and for a process to end once it was told.
const START_LIMIT: Duration = Duration::from_secs(20);

/// One line of the night: its console, and what else its exchange says of it.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) console: &'static str,
    pub(crate) extra: String,
}

impl Line {
    pub(crate) fn new(console: &'static str, extra: impl Into<String>) -> Self {
        Self { console, extra: extra.into() }
    }
}

/// How lineman reaches the exchange's modems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Ptys, which have no modem lines.
    Pty,
    /// The exchange's own RFC 2217 server, with these manners.
    Rfc2217(&'static str),
    /// Debian's ser2net in front of ptys, with these options of its connections.
    Ser2net(&'static str),
}

/// A night: what the exchange plays and what the plan asks for.
#[derive(Debug)]
pub(crate) struct Night {
    pub(crate) modems: usize,
    /// What the exchange says of each modem, besides its profile.
    pub(crate) modem_extra: &'static str,
    /// The families, in turn.
    pub(crate) families: &'static [&'static str],
    pub(crate) wire: Wire,
    pub(crate) pace: f64,
    pub(crate) timing: &'static str,
    pub(crate) limits: &'static str,
    pub(crate) lines: Vec<Line>,
}

/// A folder that is gone with the benchmark, unless `--keep` was given.
#[derive(Debug)]
pub(crate) struct Stage {
    folder: TempDir,
    wire: Wire,
    /// Modems, each with its profile.
    modems: Vec<(String, &'static str)>,
}

impl Stage {
    /// Writes the files of a night.
    pub(crate) fn set(night: &Night) -> Self {
        let mut folder = TempDir::with_prefix("lineman-bench-").expect("a folder in the temp folder");
        if std::env::args().any(|word| word == "--keep") {
            folder.disable_cleanup(true);
            println!("files in {}", folder.path().display());
        }
        let family = |index: usize| night.families[index % night.families.len()];
        let modems = (0..night.modems).map(|index| (format!("m{index:02}"), family(index))).collect();
        let stage = Self { folder, wire: night.wire, modems };
        let (mut exchange, mut plan) = (String::new(), String::new());
        let _ = write!(
            exchange,
            "exchange: bench\nseed: 1\npace: {}\ntiming: {}\nmodems:\n",
            night.pace, night.timing
        );
        for (modem, profile) in &stage.modems {
            let _ = writeln!(exchange, "  - {{ id: {modem}, profile: {profile}{} }}", night.modem_extra);
        }
        let _ = write!(
            plan,
            "plan: bench\nbank: bank.yaml\nnumbering: us\n\
             credentials:\n  oob: {{ username: oob, password: {{ command: [printf, \"%s\", bench-only] }} }}\n\
             defaults: {{ credential: oob }}\n\
             policy: {{ attempts: 3, confirm: 2, retry_after: {{ {} }} }}\nlimits: {}\nlines:\n",
            no_pauses(),
            night.limits
        );
        exchange.push_str("lines:\n");
        for (index, line) in night.lines.iter().enumerate() {
            let number = Self::number(index);
            let Line { console, extra } = line;
            let _ = writeln!(
                exchange,
                "  - {{ id: L{index:03}, number: \"{number}\", console: {console}, hostname: host{index:03}, \
                 username: oob, password: bench-only{extra} }}"
            );
            let _ = writeln!(
                plan,
                "  - {{ id: L{index:03}, number: \"{number}\", console: {console}, hostname: host{index:03} }}"
            );
        }
        for (name, text) in [("exchange.yaml", exchange), ("plan.yaml", plan)] {
            fs::write(stage.path(name), text).expect("the folder can be written");
        }
        stage
    }

    /// The number of a line.
    pub(crate) fn number(index: usize) -> String {
        format!("+1{}55501{:02}", AREAS[index / 100], index % 100)
    }

    /// Runs a program in the stage's folder to its end.
    pub(crate) fn wait(&self, program: &str, words: &[&str], limit: Duration) {
        let mut command = self.command(program);
        command.args(words).stdout(self.file("program.out")).stderr(self.file("program.err"));
        let process = Process { child: command.spawn().expect("the program starts") };
        process.watched(limit);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program in the stage's folder, which is its home too.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        for variable in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            command.env(variable, self.path("home"));
        }
        command
    }

    fn file(&self, name: &str) -> File {
        File::create(self.path(name)).expect("the folder can be written")
    }

    /// Starts the exchange, waits until its ports are there, and writes the bank that reaches them.
    pub(crate) fn exchange(&self) -> Running {
        let mut command = self.command(LINEMAN);
        command.args(["sim", "exchange.yaml", "--dir", "ports"]).stdout(Stdio::piped());
        if let Wire::Rfc2217(manners) = self.wire {
            command.arg(format!("--rfc2217={manners}"));
        }
        let mut child = command.stderr(self.file("sim.err")).spawn().expect("the exchange starts");
        let said = BufReader::new(child.stdout.take().expect("its stdout is a pipe"));
        let exchange = Process { child };
        let ready = said.lines().map_while(Result::ok).any(|line| line == "ready");
        assert!(ready, "the exchange is not ready: {}", self.read("sim.err"));
        let server = match self.wire {
            Wire::Ser2net(options) => Some(self.ser2net(options)),
            Wire::Pty | Wire::Rfc2217(_) => None,
        };
        let mut bank =
            "bank: bench\nlocation: { country: US, area_code: \"919\" }\non_hook_min: 0s\nmodems:\n"
                .to_owned();
        for (index, (modem, profile)) in self.modems.iter().enumerate() {
            let port = match (self.wire, &server) {
                (Wire::Rfc2217(_), _) => self.read(&format!("ports/{modem}.url")).trim().to_owned(),
                (_, Some((_, numbers))) => format!("rfc2217://127.0.0.1:{}", numbers[index]),
                _ => self.path("ports").join(modem).display().to_string(),
            };
            let _ = writeln!(bank, "  - {{ id: {modem}, port: \"{port}\", profile: {profile} }}");
        }
        // Behind a server nothing shows that the modem is a played one, whose time is compressed.
        bank.push_str("rehearsal: true\n");
        fs::write(self.path("bank.yaml"), bank).expect("the folder can be written");
        Running { _server: server.map(|(process, _)| process), _exchange: exchange }
    }

    /// ser2net in front of the exchange's ptys, and its TCP ports in the order of the modems.
    fn ser2net(&self, options: &str) -> (Process, Vec<u16>) {
        // Held until the last is found, so that none is found twice.
        let free: Vec<TcpListener> = self
            .modems
            .iter()
            .map(|_| TcpListener::bind("127.0.0.1:0").expect("loopback has a free port"))
            .collect();
        let number = |listener: &TcpListener| listener.local_addr().expect("it is bound").port();
        let numbers: Vec<u16> = free.iter().map(number).collect();
        drop(free);
        let mut config = "%YAML 1.1\n---\n".to_owned();
        for ((modem, _), number) in self.modems.iter().zip(&numbers) {
            let port = self.path("ports").join(modem).display().to_string();
            let _ = write!(
                config,
                "connection: &{modem}\n  accepter: telnet(rfc2217),tcp,127.0.0.1,{number}\n  connector: serialdev,{port},115200n81,local\n{options}"
            );
        }
        fs::write(self.path("ser2net.yaml"), config).expect("the folder can be written");
        // -n: stays in the foreground; -u: no lock files, whose folder may not be ours.
        let mut command = Command::new(SER2NET);
        command.args(["-n", "-u", "-c"]).arg(self.path("ser2net.yaml")).stdin(Stdio::null());
        let said = self.file("ser2net.out");
        command.stdout(said.try_clone().expect("a file has a second handle")).stderr(said);
        let process = Process { child: command.spawn().expect("ser2net starts") };
        let deadline = Instant::now() + START_LIMIT;
        while !numbers.iter().all(|&number| is_listening(number)) {
            assert!(Instant::now() < deadline, "ser2net does not listen: {}", self.read("ser2net.out"));
            pause(Duration::from_millis(20));
        }
        (process, numbers)
    }

    /// Starts the audit.
    pub(crate) fn audit(&self) -> Process {
        // It begins with as few files as some systems give (macOS), and asks for more where it needs them.
        let mut command = self.command("sh");
        command.args(["-c", "ulimit -S -n 256 && exec \"$@\"", "sh", LINEMAN]);
        command.args(["audit", "plan.yaml", "--plain", "--reports", "reports"]);
        command.stdout(self.file("audit.out")).stderr(self.file("audit.err"));
        Process { child: command.spawn().expect("lineman starts") }
    }

    /// Starts the daemon, which tells this socket how it stands.
    pub(crate) fn serve(&self, config: &str, notify: &Path) -> Process {
        let mut command = self.command(LINEMAN);
        command.args(["serve", config]).env("NOTIFY_SOCKET", notify);
        command.stdout(self.file("serve.out")).stderr(self.file("serve.err"));
        Process { child: command.spawn().expect("lineman starts") }
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// A whole night, from its first dial to its last on-hook.
    pub(crate) fn play(&self, limit: Duration) -> Played {
        let exchange = self.exchange();
        let usage = self.audit().watched(limit);
        drop(exchange);
        let events = self.events("latest");
        let log = self.log();
        let said = || format!("{}{}", self.read("audit.out"), self.read("audit.err"));
        assert!(!log.is_empty() && !events.is_empty(), "nothing was dialed: {}", said());
        Played { events, log, usage }
    }

    /// The exchange's log.
    pub(crate) fn log(&self) -> Vec<Entry> {
        let text = self.read("ports/exchange.jsonl");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of the exchange's log")).collect()
    }

    fn events(&self, run: &str) -> Vec<Event> {
        let path = self.path("reports").join(run).join(journal::FILE_NAME);
        journal::read(&path).unwrap_or_else(|error| panic!("{error}\n{}", self.read("audit.err"))).events
    }
}

/// What a night left behind.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) events: Vec<Event>,
    pub(crate) log: Vec<Entry>,
    pub(crate) usage: Usage,
}

impl Played {
    /// CLOCK_MONOTONIC in µs at the origin of our own stamps.
    pub(crate) fn origin_us(&self) -> u64 {
        self.events
            .iter()
            .find_map(|event| match &event.kind {
                EventKind::RunStarted(header) => Some(header.sitting.origin_us),
                _ => None,
            })
            .expect("a journal begins with its header")
    }

    /// Our own record of each call, with the exchange's.
    pub(crate) fn pairs<'a>(&'a self, calls: &'a [ExchangeCall]) -> Vec<(&'a CallRecord, &'a ExchangeCall)> {
        let pair = |record: &'a CallRecord| {
            let same =
                |call: &&ExchangeCall| call.line == record.line.as_str() && call.attempt == record.attempt;
            Some((record, calls.iter().find(same)?))
        };
        self.records().filter_map(pair).collect()
    }

    /// Our own records of all calls.
    pub(crate) fn records(&self) -> impl Iterator<Item = &CallRecord> {
        self.events.iter().filter_map(|event| match &event.kind {
            EventKind::CallEnded(record) => Some(&**record),
            _ => None,
        })
    }

    /// The exchange's log, call by call, in the order of the dials.
    pub(crate) fn calls(&self) -> Vec<ExchangeCall> {
        ExchangeCall::of(&self.log)
    }
}

/// One call as the exchange saw it.
#[derive(Debug)]
pub(crate) struct ExchangeCall {
    number: u64,
    pub(crate) modem: String,
    pub(crate) line: String,
    pub(crate) attempt: u32,
    pub(crate) entries: Vec<Entry>,
}

impl ExchangeCall {
    /// The calls of a log, in the order of the dials.
    pub(crate) fn of(log: &[Entry]) -> Vec<Self> {
        let mut calls: Vec<Self> = Vec::new();
        for entry in log.iter().filter(|entry| entry.call.is_some()) {
            match calls.iter_mut().find(|call| Some(call.number) == entry.call) {
                Some(call) => call.entries.push(entry.clone()),
                None => calls.push(Self {
                    number: entry.call.unwrap_or_default(),
                    modem: entry.modem.clone().unwrap_or_default(),
                    line: entry.line.clone().unwrap_or_default(),
                    attempt: entry.attempt.unwrap_or_default(),
                    entries: vec![entry.clone()],
                }),
            }
        }
        calls
    }

    /// The first entry of a kind, µs.
    pub(crate) fn at(&self, what: What) -> Option<u64> {
        self.entries.iter().find(|entry| entry.event == what).map(|entry| entry.mono_us)
    }

    /// Dial command to on-hook, µs.
    pub(crate) fn span(&self) -> (u64, u64) {
        let dialed = self.at(What::Dialed).expect("a call begins with its dial");
        (dialed, self.at(What::OnHook).unwrap_or(dialed))
    }
}

/// The exchange at work, and the server in front of it; ended if it is dropped, the server first.
#[derive(Debug)]
pub(crate) struct Running {
    _server: Option<Process>,
    _exchange: Process,
}

/// A process of ours; ended if it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

/// What a process used.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// User and system time.
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
    /// Peak resident memory.
    pub(crate) peak_kib: u64,
    /// Most open files and most threads that were seen.
    pub(crate) files: usize,
    pub(crate) threads: u64,
}

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end and looks at what it uses until then.
    fn watched(mut self, limit: Duration) -> Usage {
        let started = Instant::now();
        let mut usage = Usage::default();
        let folder = PathBuf::from(format!("/proc/{}", self.id()));
        loop {
            let (ended, cpu) = cpu(&folder);
            usage.cpu = usage.cpu.max(cpu);
            usage.peak_kib = usage.peak_kib.max(status(&folder, "VmHWM:"));
            usage.threads = usage.threads.max(status(&folder, "Threads:"));
            usage.files = usage.files.max(fs::read_dir(folder.join("fd")).map_or(0, Iterator::count));
            usage.wall = started.elapsed();
            if ended {
                break;
            }
            assert!(usage.wall < limit, "the audit has not ended within {limit:?}");
            pause(Duration::from_millis(100));
        }
        let _ = self.child.wait();
        usage
    }

    fn signal(&self, signal: Signal) {
        // Not waited for yet, so the id is still its own.
        if let Ok(id) = i32::try_from(self.id()) {
            let _ = kill(Pid::from_raw(id), signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let deadline = Instant::now() + START_LIMIT;
        while let Ok(None) = self.child.try_wait() {
            if Instant::now() > deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            self.signal(Signal::SIGTERM);
            pause(Duration::from_millis(100));
        }
    }
}

/// Whether a process has ended, and its CPU time so far; a zombie still has it.
fn cpu(folder: &Path) -> (bool, Duration) {
    let Ok(stat) = fs::read_to_string(folder.join("stat")) else { return (true, Duration::ZERO) };
    // Behind the name, which may hold anything: state, and so on (proc(5)); utime and stime are the 12th and 13th.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let per_s =
        sysconf(SysconfVar::CLK_TCK).ok().flatten().and_then(|n| u64::try_from(n).ok()).unwrap_or(100);
    (fields.first() == Some(&"Z"), Duration::from_millis((ticks(11) + ticks(12)) * 1000 / per_s))
}

/// Looked up in the kernel's table: to connect would take the port.
fn is_listening(number: u16) -> bool {
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    table.lines().any(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let local = fields.next().unwrap_or_default();
        local.ends_with(&format!(":{number:04X}")) && fields.nth(1) == Some("0A")
    })
}

/// A number of `status`.
pub(crate) fn status(folder: &Path, key: &str) -> u64 {
    let text = fs::read_to_string(folder.join("status")).unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Lets time pass.
pub(crate) fn pause(span: Duration) {
    let until = Instant::now() + span;
    while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        thread::park_timeout(left);
    }
}

/// `retry_after: 0s` for every fault that may be redialed.
fn no_pauses() -> String {
    use lineman::model::{Fault, Verdict};
    let redialed = Fault::ALL.into_iter().filter(|f| f.verdict() == Verdict::Fail || f.blame().is_bench());
    redialed.map(|fault| format!("{}: 0s", fault.code())).collect::<Vec<_>>().join(", ")
}

/// Sorted values and what is asked of them.
#[derive(Debug, Default, Clone)]
pub(crate) struct Sample(Vec<u64>);

impl Sample {
    pub(crate) fn of(values: impl IntoIterator<Item = u64>) -> Self {
        let mut values: Vec<u64> = values.into_iter().collect();
        values.sort_unstable();
        Self(values)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The nearest-rank percentile.
    pub(crate) fn percentile(&self, percent: usize) -> u64 {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or(0)
    }
}

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) figure: String,
    pub(crate) measured: String,
    pub(crate) bound: String,
    /// Measured to bound.
    pub(crate) ratio: Option<f64>,
    /// Absent where nothing is asked.
    pub(crate) met: Option<bool>,
}

/// Whether a browser and its driver are here.
pub(crate) fn has_browser() -> bool {
    ["chromium", "chromedriver"].iter().all(|program| {
        Command::new(program).arg("--version").output().is_ok_and(|told| told.status.success())
    })
}

impl Row {
    /// A measurement that must not be above its bound.
    pub(crate) fn at_most(figure: impl Into<String>, measured: f64, bound: f64, unit: &str) -> Self {
        Self {
            figure: figure.into(),
            measured: format!("{measured:.2} {unit}"),
            bound: format!("{bound:.2} {unit}"),
            ratio: (bound > 0.0).then(|| measured / bound),
            met: Some(measured <= bound),
        }
    }

    /// A figure of which nothing is asked.
    pub(crate) fn told(figure: impl Into<String>, measured: impl Into<String>) -> Self {
        Self {
            figure: figure.into(),
            measured: measured.into(),
            bound: String::new(),
            ratio: None,
            met: None,
        }
    }
}
