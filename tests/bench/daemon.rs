//! The daemon that has nothing to do: it must not wake up by itself, neither before its first run nor after one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

use super::common::{Line, Night, Process, Row, Running, Stage, Wire, pause};
use super::idle::{switches, woken};

/// Between the two readings.
const SPAN: Duration = Duration::from_secs(60);
/// Before the first reading: threads without work end after 10 s.
const SETTLE: Duration = Duration::from_secs(15);
/// Longest wait for the daemon to be ready, and to have made its run.
const LIMIT: Duration = Duration::from_secs(120);
/// What the daemon's API is asked with.
const TOKEN: &str = "bench-only-token";

pub(crate) fn rows() -> Vec<Row> {
    let modems = 64;
    let stage = Stage::set(&Night {
        modems,
        modem_extra: "",
        families: super::common::FOUR,
        wire: Wire::Pty,
        pace: 0.05,
        timing: "{ reply: 0ms }",
        limits: "{ dial: 90s, call: 240s }",
        lines: (0..modems * 2).map(|_| Line::new("cisco-ios", "")).collect(),
    });
    // A schedule too: to wait for a time is no wake-up.
    let daemon = Daemon::start(&stage, "  - { plan: plan.yaml, schedule: \"0 2 1 1 *\" }\n");
    let mut rows = vec![at_rest("before its first run", &daemon)];
    daemon.control("{\"do\": \"start\", \"plan\": \"bench\"}");
    daemon.until("lineman_run_completed{plan=\"bench\"} 1");
    rows.push(at_rest("after a run on 64 modems", &daemon));
    rows
}

/// The wake-ups of a minute.
fn at_rest(when: &str, daemon: &Daemon) -> Row {
    let folder = format!("/proc/{}/task", daemon.process.id());
    let folder = Path::new(&folder);
    pause(SETTLE);
    let before = switches(folder);
    pause(SPAN);
    let woken = woken(&before, &switches(folder));
    let figure = format!("voluntary context switches in {} s, {when}", SPAN.as_secs());
    Row::at_most(figure, woken as f64, 0.0, "")
}

/// A daemon at work on a stage, and the exchange that it calls into.
#[derive(Debug)]
pub(crate) struct Daemon {
    pub(crate) process: Process,
    url: String,
    _exchange: Running,
}

impl Daemon {
    /// Starts it with these plans (entries of `plans:`), and waits until it says that it is ready, as systemd would.
    pub(crate) fn start(stage: &Stage, plans: &str) -> Self {
        let exchange = stage.exchange();
        let mut config = format!(
            "service: bench\nreports: reports\nstate: state\nsocket: none\n\
             http: {{ listen: \"127.0.0.1:0\", token: {{ command: [printf, \"%s\", {TOKEN}] }}, reading: open }}\n\
             log: warn\nplans:\n"
        );
        let _ = write!(config, "{plans}");
        fs::write(stage.path("lineman.yaml"), config).expect("the folder can be written");
        let socket = stage.path("notify");
        let manager = UnixDatagram::bind(&socket).expect("a socket in the folder");
        manager.set_read_timeout(Some(LIMIT)).expect("a socket takes a limit");
        let process = stage.serve("lineman.yaml", &socket);
        let mut word = [0; 4_096];
        let said = loop {
            let n = manager.recv(&mut word).unwrap_or_else(|error| {
                panic!("the daemon is not ready: {error}\n{}", stage.read("serve.err"))
            });
            let said = String::from_utf8_lossy(&word[..n]).into_owned();
            if said.contains("READY=1") {
                break said;
            }
        };
        assert!(said.contains("STATUS="), "{said}");
        let url = fs::read_to_string(stage.path("state/bench.http")).expect("it says where it listens");
        Self { process, url: url.trim().to_owned(), _exchange: exchange }
    }

    /// Tells it something, which must be carried out.
    pub(crate) fn control(&self, told: &str) {
        if let Err(why) = self.try_control(told) {
            panic!("{told}: {why}");
        }
    }

    /// Tells it something, which it may refuse: why.
    pub(crate) fn try_control(&self, told: &str) -> Result<(), String> {
        let asked =
            ureq::post(format!("{}/api/v1/control", self.url)).config().http_status_as_error(false).build();
        let asked = asked
            .header("Authorization", format!("Bearer {TOKEN}"))
            .header("Content-Type", "application/json");
        let mut answer = asked.send(told).map_err(|error| error.to_string())?;
        if answer.status() == 200 {
            return Ok(());
        }
        Err(answer.body_mut().read_to_string().unwrap_or_default())
    }

    /// Its metrics: name and labels, value.
    pub(crate) fn metrics(&self) -> BTreeMap<String, f64> {
        let text = ureq::get(format!("{}/metrics?lines=verdicts", self.url))
            .call()
            .and_then(|mut answer| answer.body_mut().read_to_string())
            .expect("it answers");
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples
            .filter_map(|line| line.rsplit_once(' '))
            .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
            .collect()
    }

    /// Waits until this sample is there.
    fn until(&self, sample: &str) {
        let started = Instant::now();
        let (name, value) = sample.rsplit_once(' ').expect("a sample has a value");
        let value: f64 = value.parse().expect("a number");
        while self.metrics().get(name).is_none_or(|now| (now - value).abs() > f64::EPSILON) {
            assert!(started.elapsed() < LIMIT, "{sample} has not come");
            pause(Duration::from_millis(200));
        }
    }
}
