//! A night's work while it goes on: an exchange in a process of its own with its log, and audits that are watched,
//! stopped and killed.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lineman::model::Event;
use lineman::sim::log::{Entry, What};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::stage::{Row, Stage, end, ended, wait_until};
use crate::town::{PASSWORD, Town, VARIABLE};

/// How long anything may take that takes no time on an idle machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);
/// How long a whole run may take.
pub(crate) const RUN: Duration = Duration::from_secs(100);

/// `lineman sim` in a process of its own, with its ports and its log in a folder.
pub(crate) struct Exchange {
    child: Child,
    folder: PathBuf,
    said: PathBuf,
}

impl Exchange {
    /// Starts the exchange of a town, writes a bank that names its ports, and waits until they are there.
    pub(crate) fn of(town: &Town, stage: &Stage) -> Self {
        Self::start(town, stage, &[])
    }

    /// The same over RFC 2217, with these manners of the servers; the bank names their addresses.
    pub(crate) fn served(town: &Town, stage: &Stage, manners: &str) -> Self {
        let exchange = Self::start(town, stage, &[&format!("--rfc2217={manners}")]);
        let mut bank = fs::read_to_string(stage.path("bank.yaml")).expect("the town has a bank");
        for (modem, _, _) in &town.modems {
            let url = fs::read_to_string(exchange.folder.join(format!("{modem}.url"))).expect("an address");
            bank = bank.replace(&exchange.port(modem).display().to_string(), url.trim());
        }
        stage.write("bank.yaml", &bank);
        exchange
    }

    fn start(town: &Town, stage: &Stage, more: &[&str]) -> Self {
        let folder = stage.path("ports");
        town.found_on_ports(stage, &folder);
        let said = stage.path("exchange.out");
        let out = File::create(&said).expect("the test's folder can be written");
        let err = out.try_clone().expect("a file has a second handle");
        let mut command = stage.lineman(["sim", "exchange.yaml", "--dir"]);
        let child =
            command.arg(&folder).args(more).stdout(out).stderr(err).spawn().expect("the exchange starts");
        let mut exchange = Self { child, folder, said };
        let ready = wait_until(SOON, || {
            exchange.said().contains("\nready") || exchange.child.try_wait().is_ok_and(|s| s.is_some())
        });
        let running = exchange.child.try_wait().is_ok_and(|status| status.is_none());
        assert!(ready && running, "the exchange has not come up: {}", exchange.said());
        exchange
    }

    /// Ends it as a crash would.
    pub(crate) fn kill_hard(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The port of a modem.
    pub(crate) fn port(&self, modem: &str) -> PathBuf {
        self.folder.join(modem)
    }

    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// What really happened so far.
    pub(crate) fn log(&self) -> Vec<Entry> {
        let text = fs::read_to_string(self.folder.join("exchange.jsonl")).expect("the exchange keeps a log");
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).expect("a log of JSON lines")).collect()
    }

    /// The entries of one kind.
    pub(crate) fn logged(&self, what: What) -> Vec<Entry> {
        self.log().into_iter().filter(|entry| entry.event == what).collect()
    }

    /// The lines dialed so far, in order.
    pub(crate) fn dialed(&self) -> Vec<String> {
        self.logged(What::Dialed).into_iter().map(|entry| entry.line.unwrap_or_default()).collect()
    }

    /// Calls that were dialed and are not on-hook again.
    pub(crate) fn off_hook(&self) -> Vec<Entry> {
        let log = self.log();
        let over: Vec<_> = log.iter().filter(|e| e.event == What::OnHook).map(|e| e.call).collect();
        log.into_iter().filter(|e| e.event == What::Dialed && !over.contains(&e.call)).collect()
    }

    /// Waits until the log fulfils a condition.
    pub(crate) fn wait_for(&self, what: &str, holds: impl Fn(&[Entry]) -> bool) {
        assert!(wait_until(SOON, || holds(&self.log())), "{what} has not come to pass: {:#?}", self.log());
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        end(&mut self.child, Duration::from_secs(5));
    }
}

/// What a stream said so far.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    fn listen(&self, mut stream: impl Read + Send + 'static) -> JoinHandle<()> {
        let heard = self.clone();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = stream.read(&mut bytes) {
                heard.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes[..n]);
            }
        })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// A program that runs; killed when it is let go.
pub(crate) struct Running {
    child: Child,
    out: Heard,
    err: Heard,
    readers: Vec<JoinHandle<()>>,
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// All of it, for the message of a failing test.
    pub(crate) fn said(&self) -> String {
        format!("ended with {}\n{}\n{}", self.status, self.out, self.err)
    }
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let (out, err) = (Heard::default(), Heard::default());
        let readers = vec![
            out.listen(child.stdout.take().expect("it was asked for")),
            err.listen(child.stderr.take().expect("it was asked for")),
        ];
        Self { child, out, err, readers }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn out(&self) -> String {
        self.out.text()
    }

    pub(crate) fn err(&self) -> String {
        self.err.text()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    /// Waits until what it said on both streams fulfils a condition.
    pub(crate) fn wait_for(&mut self, what: &str, holds: impl Fn(&str) -> bool) {
        let came = wait_until(SOON, || holds(&self.out()) || holds(&self.err()) || !self.is_running());
        let said = format!("{}\n{}", self.out(), self.err());
        assert!(came && (holds(&self.out()) || holds(&self.err())), "{what} was not said: {said}");
    }

    /// Waits for so many verdicts in its plain output.
    pub(crate) fn wait_for_verdicts(&mut self, count: usize) {
        self.wait_for(&format!("verdict {count}"), |text| verdicts(text) >= count);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(id), signal).expect("a child of ours, not waited for yet");
    }

    /// Waits for its end, which must come within `limit`.
    pub(crate) fn finish(mut self, limit: Duration) -> Ended {
        let status = ended(&mut self.child, limit);
        if status.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        let (out, err) = (self.out(), self.err());
        let Some(status) = status else {
            panic!("it has not ended within {limit:?}; it said:\n{out}\n{err}")
        };
        Ended { status, out, err }
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill_hard(self) -> Ended {
        self.signal(Signal::SIGKILL);
        self.finish(SOON)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_running() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Verdict lines in plain output: `02:00:00Z [3/44] pass ...`.
pub(crate) fn verdicts(text: &str) -> usize {
    text.lines()
        .filter(|line| line.split_ascii_whitespace().nth(1).is_some_and(|w| w.starts_with('[')))
        .count()
}

/// `lineman audit plan.yaml --reports reports`, with the town's password and more arguments.
pub(crate) fn audit(stage: &Stage, more: &[&str]) -> Command {
    let mut command = stage.lineman(["audit", "plan.yaml", "--reports", "reports"]);
    command.args(more).env(VARIABLE, PASSWORD);
    command
}

/// An audit from its beginning to its end.
pub(crate) fn audited(stage: &Stage, more: &[&str]) -> Ended {
    Running::start(audit(stage, more)).finish(RUN)
}

/// The folder of the run that a link of the reports folder points to.
pub(crate) fn run_of(stage: &Stage, link: &str) -> PathBuf {
    run_of_folder(&stage.path("reports"), link)
}

/// The same of any folder of runs.
pub(crate) fn run_of_folder(reports: &Path, link: &str) -> PathBuf {
    let target = fs::read_link(reports.join(link));
    reports.join(target.unwrap_or_else(|error| panic!("{}/{link}: {error}", reports.display())))
}

/// The rows of a table, in their order.
pub(crate) fn rows(path: &Path) -> Vec<Row> {
    let mut reader =
        csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    reader
        .deserialize()
        .map(|row| row.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .collect()
}

/// `result fault blame` of a row; a dash where there is none.
pub(crate) fn verdict(row: &Row) -> String {
    ["result", "fault", "blame"].map(|name| if row[name].is_empty() { "-" } else { &row[name] }).join(" ")
}

/// The journal of a run.
pub(crate) fn journal(run: &Path) -> Vec<Event> {
    let text = fs::read_to_string(run.join("events.jsonl")).expect("a run has a journal");
    text.lines().map(|line| serde_json::from_str(line).expect("a journal of JSON lines")).collect()
}

/// Runs a test for each of some cases at the same time; they mostly wait.
pub(crate) fn at_once<C: Copy + Send + Sync>(cases: &[C], test: impl Fn(C) + Sync) {
    thread::scope(|scope| {
        for &case in cases {
            let test = &test;
            scope.spawn(move || test(case));
        }
    });
}
