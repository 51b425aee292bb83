//! A house with a daemon in it: its file, its life in a process of its own, its socket, and what it tells its service manager,
//! which is how a test waits for it without looking again and again.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lineman::model::{Event, EventKind};
use lineman::sim::log::{Entry, What};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::night::{Ended, Exchange, RUN, Running, SOON, rows, run_of_folder, verdict};
use crate::stage::{Row, Stage, wait_until};
use crate::town::{PASSWORD, VARIABLE};

/// A daemon's file, and where its lives leave what they leave.
pub(crate) struct House<'a> {
    stage: &'a Stage,
    pub(crate) name: String,
    /// Keys of the file, a line each, behind those that every house has.
    pub(crate) keys: String,
    /// Keys of the one entry under `plans:`, behind the plan's path.
    pub(crate) entry: String,
    lives: Cell<u32>,
}

impl<'a> House<'a> {
    /// A daemon with the town's plan, which runs on demand alone.
    pub(crate) fn new(stage: &'a Stage) -> Self {
        Self::named(stage, "hq")
    }

    pub(crate) fn named(stage: &'a Stage, name: &str) -> Self {
        Self {
            stage,
            name: name.to_owned(),
            keys: "http: none".to_owned(),
            entry: String::new(),
            lives: Cell::new(0),
        }
    }

    /// Writes its file.
    pub(crate) fn write(&self) {
        let name = &self.name;
        let entry = if self.entry.is_empty() { String::new() } else { format!(", {}", self.entry) };
        let text = format!(
            "service: {name}\nreports: reports\nstate: state\nsocket: {name}.sock\n{}\nplans:\n  - {{ plan: plan.yaml{entry} }}\n",
            self.keys
        );
        self.stage.write(&self.file(), &text);
    }

    pub(crate) fn file(&self) -> String {
        format!("{}.yaml", self.name)
    }

    /// Starts it, and waits until it is up.
    pub(crate) fn open(&self) -> Daemon {
        let daemon = self.begin();
        daemon.wait_ready();
        daemon
    }

    /// Starts it, and waits for nothing.
    pub(crate) fn begin(&self) -> Daemon {
        self.write();
        self.begin_by(|stage| stage.lineman(["serve", &self.file()]))
    }

    /// Starts it by this command, which must end up as the daemon, with this house's environment.
    pub(crate) fn begin_by(&self, command: impl FnOnce(&Stage) -> Command) -> Daemon {
        self.lives.set(self.lives.get() + 1);
        let path = self.stage.path(&format!("{}.{}.notify", self.name, self.lives.get()));
        let mut command = command(self.stage);
        let told = Told::listen(&path);
        command.env(VARIABLE, PASSWORD).env("NOTIFY_SOCKET", &path).env("RUST_BACKTRACE", "0");
        Daemon { program: Some(Running::start(command)), told, socket: self.socket() }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.stage.path(&format!("{}.sock", self.name))
    }

    /// The folder of the plan's runs.
    pub(crate) fn reports(&self) -> PathBuf {
        self.stage.path("reports/town")
    }

    /// The run that a link of the plan's reports points to.
    pub(crate) fn run(&self, link: &str) -> PathBuf {
        run_of_folder(&self.reports(), link)
    }
}

/// What a daemon tells its service manager: a thread takes each word as it comes.
struct Told {
    heard: Arc<(Mutex<Vec<String>>, Condvar)>,
    path: PathBuf,
    thread: Option<JoinHandle<()>>,
}

/// Ends the thread that listens.
const BYE: &[u8] = b"BYE";

impl Told {
    fn listen(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).expect("a socket in the test's folder");
        let heard = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let to = Arc::clone(&heard);
        let thread = thread::spawn(move || {
            let mut bytes = vec![0; 8_192];
            while let Ok(n) = socket.recv(&mut bytes) {
                if &bytes[..n] == BYE {
                    return;
                }
                let text = String::from_utf8_lossy(&bytes[..n]);
                let (words, news) = &*to;
                words
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(text.lines().map(ToOwned::to_owned));
                news.notify_all();
            }
        });
        Self { heard, path: path.to_owned(), thread: Some(thread) }
    }

    fn words(&self) -> Vec<String> {
        self.heard.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until all that was told fulfils a condition; whether it did within the limit.
    fn wait(&self, limit: Duration, mut holds: impl FnMut(&[String]) -> bool) -> bool {
        let (words, news) = &*self.heard;
        let until = Instant::now() + limit;
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if holds(&words) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            words = news.wait_timeout(words, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// All that was told, to the last word.
    fn end(&mut self) -> Vec<String> {
        let told = UnixDatagram::unbound().and_then(|socket| socket.send_to(BYE, &self.path));
        if let (Ok(_), Some(thread)) = (told, self.thread.take()) {
            let _ = thread.join();
        }
        self.words()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.end();
    }
}

/// A daemon's answer to one request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Answer {
    /// What it did, in words; it must have done it.
    #[track_caller]
    pub(crate) fn done(&self) -> &str {
        assert_eq!(self.code, 200, "{}", self.text);
        self.body["said"].as_str().unwrap_or_else(|| panic!("it says nothing: {}", self.text))
    }

    /// Why it refused; it must have refused.
    #[track_caller]
    pub(crate) fn refused(&self) -> &str {
        assert_eq!(self.code, 409, "{}", self.text);
        self.body["error"].as_str().unwrap_or_else(|| panic!("it gives no reason: {}", self.text))
    }
}

/// A life of a daemon; killed when it is let go.
pub(crate) struct Daemon {
    program: Option<Running>,
    told: Told,
    socket: PathBuf,
}

impl Daemon {
    /// Waits until it says that it is up.
    pub(crate) fn wait_ready(&self) {
        self.wait("READY", |words| words.iter().any(|word| word == "READY=1"));
    }

    /// Waits until what it told its manager fulfils a condition.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, holds: impl FnMut(&[String]) -> bool) {
        assert!(self.told.wait(SOON, holds), "{what} was not told\n{}", self.said());
    }

    /// Waits for a line of its state; the newest counts.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, mut holds: impl FnMut(&str) -> bool) {
        self.wait(what, |words| newest(words).is_some_and(&mut holds));
    }

    /// Waits until it has told that this run goes on.
    #[track_caller]
    pub(crate) fn wait_run(&self, run: &str) {
        self.wait(&format!("run {run}"), |words| words.iter().any(|word| is_at_work(word, run)));
    }

    /// Waits until a run that it told of goes on no more.
    #[track_caller]
    pub(crate) fn wait_over(&self, run: &str) {
        self.wait_run(run);
        let over = self.told.wait(RUN, |words| newest(words).is_some_and(|line| !line.contains(run)));
        assert!(over, "run {run} has not ended\n{}", self.said());
    }

    /// The newest line of its state.
    pub(crate) fn line(&self) -> String {
        newest(&self.told.words()).unwrap_or_default().to_owned()
    }

    /// Begins a run of the town's plan; its id.
    #[track_caller]
    pub(crate) fn start_run(&self) -> String {
        let answer = self.control(&json!({"do": "start", "plan": "town"}));
        answer.done();
        if let Some(run) = answer.body["run"].as_str() {
            return run.to_owned();
        }
        // It waits for a moment, for what it has said.
        let mut run = None;
        self.wait_for("the run", |line| {
            let words = line.split("run ").nth(1).and_then(|rest| rest.split([';', ',']).next());
            run = words.map(ToOwned::to_owned);
            run.is_some()
        });
        run.expect("just seen")
    }

    /// Waits until a run has ended for good, in this life or in one before.
    #[track_caller]
    pub(crate) fn wait_settled(&self, run: &str) {
        let settled = || {
            let plan = self.plan();
            plan["run"].is_null() && plan["last"]["run"] == run && plan["last"]["completed"] == true
        };
        assert!(wait_until(RUN, settled), "run {run} is not done: {:#}\n{}", self.plan(), self.said());
    }

    /// A run of the town's plan from its beginning to its end.
    #[track_caller]
    pub(crate) fn whole_run(&self) -> String {
        let run = self.start_run();
        self.wait_over(&run);
        run
    }

    /// Tells it something.
    #[track_caller]
    pub(crate) fn control(&self, what: &Value) -> Answer {
        self.ask("POST", "/api/v1/control", &what.to_string())
    }

    /// What it tells of itself.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        let answer = self.ask("GET", "/api/v1/status", "");
        assert_eq!(answer.code, 200, "{}", answer.text);
        answer.body
    }

    /// One modem's place in it.
    #[track_caller]
    pub(crate) fn modem(&self, modem: &str) -> Value {
        let status = self.status();
        let banks = status["banks"].as_array().expect("banks").clone();
        let all = banks.iter().flat_map(|bank| bank["modems"].as_array().expect("modems").clone());
        let mut ours = all.filter(|row| row["modem"] == modem);
        ours.next().unwrap_or_else(|| panic!("no modem {modem}: {status:#}"))
    }

    /// The town's plan's place in it.
    #[track_caller]
    pub(crate) fn plan(&self) -> Value {
        let status = self.status();
        let plans = status["plans"].as_array().expect("plans");
        plans.iter().find(|row| row["plan"] == "town").unwrap_or_else(|| panic!("{status:#}")).clone()
    }

    /// One request over its socket.
    #[track_caller]
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        ask(&self.socket, method, path, body)
            .unwrap_or_else(|error| panic!("{method} {path} {body}: {error}\n{}", self.said()))
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// All that it said, for the message of a failing test.
    pub(crate) fn said(&self) -> String {
        let log = self.program.as_ref().map(Running::err).unwrap_or_default();
        format!("it told its manager:\n{}\nand its log:\n{log}", self.told.words().join("\n"))
    }

    /// Its log so far.
    pub(crate) fn log(&self) -> String {
        self.program.as_ref().map(Running::err).unwrap_or_default()
    }

    pub(crate) fn id(&self) -> u32 {
        self.program.as_ref().expect("it lives").id()
    }

    #[track_caller]
    pub(crate) fn is_alive(&mut self) -> bool {
        self.program.as_mut().is_some_and(Running::is_running)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.program.as_ref().expect("it lives").signal(signal);
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill_hard(mut self) -> Ended {
        self.program.take().expect("it lives").kill_hard()
    }

    /// Waits for its end, which must come within `limit`; and all that it told its manager.
    pub(crate) fn finish_told(mut self, limit: Duration) -> (Ended, Vec<String>) {
        let ended = self.program.take().expect("it lives").finish(limit);
        (ended, self.told.end())
    }

    /// Waits for its end, which must come within `limit`.
    pub(crate) fn finish(mut self, limit: Duration) -> Ended {
        self.program.take().expect("it lives").finish(limit)
    }

    /// SIGTERM, and its end, which must be clean.
    #[track_caller]
    pub(crate) fn close(self) -> Ended {
        self.signal(Signal::SIGTERM);
        let ended = self.finish(SOON);
        assert_eq!(ended.code(), Some(0), "{}", ended.said());
        ended
    }
}

/// The newest line of its state; that it reads its files, which were just written, says nothing of how it stands.
fn newest(words: &[String]) -> Option<&str> {
    let mut lines = words.iter().rev().filter_map(|word| word.strip_prefix("STATUS="));
    lines.find(|line| !line.starts_with("reading "))
}

fn is_at_work(word: &str, run: &str) -> bool {
    word.strip_prefix("STATUS=").is_some_and(|line| line.contains(&format!("run {run}")))
}

/// One request over a daemon's socket, on a connection of its own.
pub(crate) fn ask(socket: &Path, method: &str, path: &str, body: &str) -> std::io::Result<Answer> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(SOON))?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: lineman\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    answer(&text)
        .ok_or_else(|| std::io::Error::new(std::io::ErrorKind::InvalidData, format!("no answer: {text:?}")))
}

/// An answer of HTTP as it came.
pub(crate) fn answer(text: &str) -> Option<Answer> {
    let code = text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let (_, body) = text.split_once("\r\n\r\n")?;
    Some(Answer { code, body: serde_json::from_str(body).unwrap_or(Value::Null), text: text.to_owned() })
}

/// Keys of a plan's entry that make it due at one second alone of each day.
pub(crate) fn once(due: Timestamp) -> String {
    format!("schedule: \"{}\", zone: UTC", due.strftime("%-S %-M %-H * * *"))
}

// --- what must hold after every trouble

/// Lines that have a verdict in the journal of a run that may be cut off.
pub(crate) fn judged(run: &Path) -> BTreeMap<String, String> {
    let mut judged = BTreeMap::new();
    for event in journal_so_far(run) {
        match event.kind {
            EventKind::Verdict(verdict) => {
                // A line that a stop has cut off is to be done when the run is resumed.
                let fault = verdict.fault.map_or_else(|| "pass".to_owned(), |fault| fault.to_string());
                if fault != "cancelled" {
                    judged.insert(verdict.line.to_string(), fault);
                }
            }
            EventKind::VerdictWithdrawn { line, .. } => drop(judged.remove(line.as_str())),
            _ => {}
        }
    }
    judged
}

/// The whole lines of a journal.
pub(crate) fn journal_so_far(run: &Path) -> Vec<Event> {
    let text = fs::read_to_string(run.join("events.jsonl")).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).expect("a journal of JSON lines")).collect()
}

/// The runs of a plan's reports folder, oldest first.
pub(crate) fn runs(reports: &Path) -> Vec<String> {
    let mut runs: Vec<String> = fs::read_dir(reports)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("20"))
        .collect();
    runs.sort();
    runs
}

/// Every line has its verdict, in the plan's order, and no line is blamed: all pass, but for those that are named here.
#[track_caller]
pub(crate) fn assert_all_pass(run: &Path, lines: usize, but: &[(&str, &str)], said: &str) -> Vec<Row> {
    let rows = rows(&run.join("lines.csv"));
    assert_eq!(rows.len(), lines, "{said}");
    for row in &rows {
        let other = but.iter().find(|(line, _)| row["line"] == *line);
        let expected = other.map_or("pass - -", |(_, verdict)| verdict);
        assert_eq!(verdict(row), expected, "{row:?}\n{said}");
    }
    rows
}

/// All lines on-hook, and no session open: whoever got in was logged out, but in the calls of these that were cut off.
#[track_caller]
pub(crate) fn assert_hung_up(exchange: &Exchange, said: &str) {
    exchange.wait_for("all lines on-hook", |_| exchange.off_hook().is_empty());
    let log = exchange.log();
    let inside = calls(&log, What::LoggedIn);
    let out = calls(&log, What::LoggedOut);
    assert_eq!(inside, out, "sessions were left open\n{said}\n{log:#?}");
}

/// The calls of which something is logged.
pub(crate) fn calls(log: &[Entry], what: What) -> BTreeSet<u64> {
    log.iter().filter(|entry| entry.event == what).filter_map(|entry| entry.call).collect()
}

/// How often each line was dialed.
pub(crate) fn dials(log: &[Entry]) -> BTreeMap<String, usize> {
    let mut dials = BTreeMap::new();
    for entry in log.iter().filter(|entry| entry.event == What::Dialed) {
        *dials.entry(entry.line.clone().unwrap_or_default()).or_default() += 1;
    }
    dials
}
