//! A real Prometheus that scrapes the daemon, with the alerts that we give its users: they fire when they should, and go when
//! their reason has gone.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::house::{Daemon, House};
use crate::night::{Exchange, SOON};
use crate::real::{can_run_with, lacking};
use crate::stage::{Stage, end, finish, wait_until};
use crate::town::{Branch, Town};

/// What Prometheus is let in with.
const TOKEN: &str = "Copper-Lantern-27";

fn rules(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/monitoring/prometheus").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Prometheus, which ends with its test.
struct Prometheus {
    process: Child,
    url: String,
    log: PathBuf,
}

impl Prometheus {
    /// Scrapes the daemon that listens there, as `reports/monitoring/daemon.md` says, only sooner.
    fn start(stage: &Stage, daemon: &str) -> Self {
        let target = daemon.trim().trim_start_matches("http://");
        stage.write("token", TOKEN);
        for name in ["alerts.yml", "daemon-alerts.yml"] {
            // The same rules; nobody waits minutes here.
            let lines = rules(name);
            let sooner = lines.lines().map(|line| match line.trim_start().strip_prefix("for: ") {
                Some(_) => "        for: 200ms\n".to_owned(),
                None => format!("{line}\n"),
            });
            stage.write(name, &sooner.collect::<String>());
        }
        stage.write(
            "prometheus.yml",
            &format!(
                "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms }}\n\
                 rule_files: [alerts.yml, daemon-alerts.yml]\n\
                 scrape_configs:\n  - job_name: lineman\n    static_configs: [{{ targets: [\"{target}\"] }}]\n    \
                 authorization: {{ credentials_file: token }}\n"
            ),
        );
        // It says nowhere which port it took when it may take any.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = stage.path("prometheus.log");
        let said = File::create(&log).unwrap();
        let process = Command::new("prometheus")
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", "--log.level=warn"])
            .arg(format!("--web.listen-address={free}"))
            .current_dir(stage.path("."))
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .spawn()
            .expect("Prometheus starts");
        Self { process, url: format!("http://{free}"), log }
    }

    fn ask(&self, what: &str) -> Option<Value> {
        let mut answer = ureq::get(format!("{}/api/v1/{what}", self.url)).call().ok()?;
        serde_json::from_str(&answer.body_mut().read_to_string().ok()?).ok()
    }

    /// The alerts that fire: name, and one of their labels.
    fn firing(&self, label: &str) -> Vec<(String, String)> {
        let asked = self.ask("alerts").unwrap_or_default();
        let alerts = asked["data"]["alerts"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let firing = alerts.iter().filter(|alert| alert["state"] == "firing");
        firing.map(|alert| (text(&alert["labels"]["alertname"]), text(&alert["labels"][label]))).collect()
    }

    /// Waits until the alerts that fire fulfil a condition.
    #[track_caller]
    fn wait(
        &self,
        what: &str,
        label: &str,
        daemon: Option<&Daemon>,
        holds: impl Fn(&[(String, String)]) -> bool,
    ) {
        let came = wait_until(SOON, || holds(&self.firing(label)));
        assert!(
            came,
            "{what}: {:?}\n{:#}\n{}\n{}",
            self.firing(label),
            self.ask("targets").unwrap_or_default()["data"]["activeTargets"],
            std::fs::read_to_string(&self.log).unwrap_or_default(),
            daemon.map(Daemon::said).unwrap_or_default()
        );
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        end(&mut self.process, Duration::from_secs(5));
    }
}

#[test]
fn an_alert_on_a_failed_line_fires_and_so_do_those_on_the_daemon() {
    if !can_run_with("Prometheus, scraping the daemon", &lacking(&["prometheus", "promtool"])) {
        return;
    }
    let stage = Stage::new();
    let branches = [Branch::new(1), Branch::with_fault(2, "busy"), Branch::new(3)];
    let _exchange = Exchange::of(&Town::new(&["courier", "generic"], branches), &stage);
    let mut house = House::new(&stage);
    house.keys =
        format!("http: {{ listen: \"127.0.0.1:0\", token: {{ command: [printf, \"%s\", {TOKEN}] }} }}");
    let daemon = house.open();
    let url = std::fs::read_to_string(stage.path("state/hq.http")).unwrap();
    let prometheus = Prometheus::start(&stage, &url);
    let has = |name: &'static str, of: &'static str| {
        move |firing: &[(String, String)]| firing.contains(&(name.to_owned(), of.to_owned()))
    };
    daemon.whole_run();
    prometheus.wait("a failed line", "line", Some(&daemon), has("LinemanLineDown", "BR0002-A"));
    let down: Vec<String> = prometheus
        .firing("line")
        .into_iter()
        .filter(|(name, _)| name == "LinemanLineDown")
        .map(|(_, line)| line)
        .collect();
    assert_eq!(down, ["BR0002-A"], "the lines that passed are left alone");

    daemon.control(&json!({"do": "emergency-stop", "why": "a drill"})).done();
    let stopped = has("LinemanEmergencyStopped", "emergency-stopped");
    prometheus.wait("an emergency stop", "stands", Some(&daemon), stopped);
    daemon.control(&json!({"do": "release"})).done();
    prometheus.wait("its end", "stands", Some(&daemon), |firing| !stopped(firing));

    // The whole text, as a real reader of it sees it; and nobody asks for a metric that is not there.
    let text = ureq::get(format!("{}/metrics", url.trim()))
        .header("Authorization", format!("Bearer {TOKEN}"))
        .call()
        .and_then(|mut answer| answer.body_mut().read_to_string())
        .unwrap();
    // promtool knows the older format alone, where a counter's family has the name of its samples.
    let counters = ["process_cpu_seconds", "lineman_modem_restarts"];
    let gauges = text.lines().filter(|line| !counters.iter().any(|counter| line.contains(counter)));
    stage.write("metrics", &gauges.fold(String::new(), |all, line| all + line + "\n"));
    let mut check = Command::new("sh");
    check.args(["-c", "promtool check metrics < metrics"]).current_dir(stage.path("."));
    let checked = finish(check, SOON);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(checked.status.success() && said.is_empty(), "{said}\n{text}");
    // Those that come only while something waits, or ends by itself.
    let sometimes = ["lineman_service_until_timestamp_seconds"];
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    for name in rules("daemon-alerts.yml").split(word).filter(|word| word.starts_with("lineman_")) {
        let there = text.lines().any(|line| line.split(word).next() == Some(name));
        assert!(there || sometimes.contains(&name), "{name} is no metric of the daemon");
    }

    daemon.close();
    prometheus.wait("a daemon that is gone", "job", None, has("LinemanDaemonDown", "lineman"));
}
