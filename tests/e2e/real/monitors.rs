//! The monitoring systems themselves, on what a run writes for them and on the files that we give their users: promtool,
//! Prometheus's node exporter, Nagios, Icinga, and `zabbix_sender`.
//!
//! The run is that of `reports/samples`; what it found is read from its lines.csv, and each of them has to say the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::{can_run_with, lacking};
use crate::night::{Ended, RUN, Running, SOON, rows};
use crate::stage::{Row, Stage, end, finish, wait_until};

/// What a result is to a monitor.
const CODES: [(&str, &str); 4] = [("pass", "0"), ("degraded", "1"), ("fail", "2"), ("untested", "3")];

fn tree(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The sample run in the folder `reports`; what it found, by line.
fn sampled(stage: &Stage) -> BTreeMap<String, Row> {
    let run = stage.path("reports/20261121T020000Z-nightly");
    fs::create_dir_all(&run).unwrap();
    fs::copy(tree("reports/samples/events.jsonl"), run.join("events.jsonl")).unwrap();
    std::os::unix::fs::symlink("20261121T020000Z-nightly", stage.path("reports/latest")).unwrap();
    rows(&tree("reports/samples/lines.csv")).into_iter().map(|row| (row["line"].clone(), row)).collect()
}

fn report(stage: &Stage, words: &[&str]) -> Ended {
    let mut command = stage.lineman(["report"]);
    command.args(words);
    Running::start(command).finish(RUN)
}

fn code(row: &Row) -> &'static str {
    CODES.iter().find(|(result, _)| row["result"] == *result).unwrap().1
}

/// Runs a checker, which has to be content; what it said.
#[track_caller]
fn content(mut command: Command) -> String {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let name = format!("{command:?}");
    let output = finish(command, RUN);
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {}\n{said}", output.status);
    said
}

fn promtool(arguments: &[&str], folder: &Path) -> String {
    let mut command = Command::new("promtool");
    command.args(arguments).current_dir(folder);
    content(command)
}

/// A server that ends with its test.
struct Server(Child, PathBuf);

impl Server {
    fn start(stage: &Stage, mut command: Command) -> Self {
        let path = stage.path("server.out");
        let out = File::create(&path).unwrap();
        command.stdin(Stdio::null()).stderr(out.try_clone().unwrap()).stdout(out);
        Self(command.spawn().expect("the server starts"), path)
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.1).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.0, Duration::from_secs(5));
    }
}

#[test]
fn promtool_takes_the_metrics_the_rules_and_every_query_of_the_dashboard() {
    if !can_run_with("promtool on metrics, rules and dashboard", &lacking(&["promtool"])) {
        return;
    }
    let stage = Stage::new();
    sampled(&stage);
    for words in [&["prometheus", "-o", "m.prom"][..], &["prometheus", "--verdicts-only", "-o", "m.prom"]] {
        assert_eq!(report(&stage, words).code(), Some(0));
        let mut check = Command::new("sh");
        check.args(["-c", "promtool check metrics < m.prom"]).current_dir(stage.path("."));
        assert_eq!(content(check), "", "it has nothing to say of good metrics");
    }
    let folder = tree("reports/monitoring/prometheus");
    for name in ["alerts", "daemon-alerts"] {
        promtool(&["check", "rules", &format!("{name}.yml")], &folder);
        promtool(&["test", "rules", &format!("{name}.test.yml")], &folder);
    }

    let dashboard = fs::read_to_string(tree("reports/monitoring/grafana/lineman.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    let mut queries = Vec::new();
    queries_of(&dashboard, &mut queries);
    assert!(queries.len() > 12, "{queries:?}");
    let mut rules = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (n, query) in queries.iter().enumerate() {
        let plain = query.replace("$plan", "nightly").replace("$site", ".*");
        let _ = writeln!(rules, "      - record: query:{n}\n        expr: {}", serde_json::json!(plain));
    }
    stage.write("dashboard.yml", &rules);
    promtool(&["check", "rules", "dashboard.yml"], &stage.path("."));

    // Nobody asks for a metric that is not there.
    let metrics = fs::read_to_string(tree("reports/samples/metrics.prom")).unwrap();
    let alerts = fs::read_to_string(folder.join("alerts.yml")).unwrap();
    let asked = queries.join(" ") + &alerts;
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    for name in asked.split(word).filter(|word| word.starts_with("lineman_")) {
        assert!(metrics.contains(&format!("# TYPE {name} gauge\n")), "{name} is no metric of ours");
    }
}

/// All values of `expr` in a dashboard.
fn queries_of(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(keys) => {
            found.extend(keys.get("expr").and_then(|expr| expr.as_str()).map(str::to_owned));
            keys.values().for_each(|value| queries_of(value, found));
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| queries_of(value, found)),
        _ => {}
    }
}

#[test]
fn the_node_exporter_serves_the_file_of_the_last_run() {
    if !can_run_with("the node exporter's textfile collector", &lacking(&["prometheus-node-exporter"])) {
        return;
    }
    let stage = Stage::new();
    let lines = sampled(&stage);
    assert_eq!(report(&stage, &[]).code(), Some(1), "all its files are written");
    // As the page says: a link, made once.
    fs::create_dir(stage.path("textfile")).unwrap();
    let metrics = stage.path("reports/latest/metrics.prom");
    std::os::unix::fs::symlink(metrics, stage.path("textfile/lineman.prom")).unwrap();
    let mut command = Command::new("prometheus-node-exporter");
    command
        .args(["--collector.disable-defaults", "--collector.textfile", "--web.listen-address=127.0.0.1:0"])
        .arg(format!("--collector.textfile.directory={}", stage.path("textfile").display()));
    let server = Server::start(&stage, command);
    let mut address = None;
    let listening = wait_until(SOON, || {
        let said = server.said();
        let after = said.split_once("address=127.0.0.1:").map(|(_, rest)| rest);
        address =
            after.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u16>().ok());
        address.is_some_and(|port| port != 0)
    });
    assert!(listening, "{}", server.said());
    let mut stream = TcpStream::connect(("127.0.0.1", address.unwrap())).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut served = String::new();
    stream.read_to_string(&mut served).unwrap();
    assert!(served.contains("node_textfile_scrape_error 0"), "{served}\n{}", server.said());
    for (line, row) in &lines {
        let none = |cell: &str| if cell.is_empty() { "none".to_owned() } else { cell.to_owned() };
        // It sorts the labels by their names.
        let verdict = format!(
            "lineman_line_verdict{{blame=\"{}\",line=\"{line}\",plan=\"nightly\",reason=\"{}\",result=\"{}\",site=\"{}\"}} 1",
            none(&row["blame"]),
            none(&row["fault"]),
            row["result"],
            row["site"]
        );
        assert!(served.contains(&verdict), "{verdict}\n{served}");
    }
}

/// Objects that every installation of Nagios has.
const NAGIOS_USUAL: &str = "\
define timeperiod {
    timeperiod_name 24x7
    alias           always
    sunday          00:00-24:00
    monday          00:00-24:00
    tuesday         00:00-24:00
    wednesday       00:00-24:00
    thursday        00:00-24:00
    friday          00:00-24:00
    saturday        00:00-24:00
}
define command {
    command_name    tell
    command_line    /bin/true
}
define contact {
    contact_name                    admin
    host_notification_period        24x7
    service_notification_period     24x7
    host_notification_options       n
    service_notification_options    n
    host_notification_commands      tell
    service_notification_commands   tell
}
define contactgroup {
    contactgroup_name   admins
    members             admin
}
";

/// A Nagios with our objects, and a host with a service for each of these lines.
fn nagios(stage: &Stage, lines: &BTreeMap<String, Row>) -> PathBuf {
    fs::create_dir_all(stage.path("nagios/results")).unwrap();
    let mut objects = NAGIOS_USUAL.to_owned();
    // The example has these two.
    let more = lines.iter().filter(|(_, row)| !["BR0001", "BR0004"].contains(&row["site"].as_str()));
    for (line, row) in more {
        let site = &row["site"];
        let _ = write!(
            objects,
            "define host {{\n host_name {site}\n address 127.0.0.1\n max_check_attempts 1\n check_period 24x7\n notification_period 24x7\n contact_groups admins\n}}\n\
             define service {{\n use lineman-passive\n host_name {site}\n service_description lineman {line}\n}}\n"
        );
    }
    objects.push_str(
        "define service {\n use lineman-passive\n host_name BR0001\n service_description lineman BR0001-A\n}\n",
    );
    let objects = stage.write("nagios/usual.cfg", &objects);
    let folder = stage.path("nagios");
    let mut config = String::new();
    let shipped = ["lineman.cfg", "example.cfg"].map(|name| tree("reports/monitoring/nagios").join(name));
    for file in shipped.iter().chain([&objects]) {
        let _ = writeln!(config, "cfg_file={}", file.display());
    }
    for (key, name) in [
        ("log_file", "nagios.log"),
        ("status_file", "status.dat"),
        ("object_cache_file", "objects.cache"),
        ("precached_object_file", "objects.precache"),
        ("lock_file", "nagios.pid"),
        ("temp_file", "nagios.tmp"),
        ("temp_path", ""),
        ("check_result_path", "results"),
        ("command_file", "nagios.cmd"),
        ("query_socket", "nagios.qh"),
        ("state_retention_file", "retention.dat"),
    ] {
        let _ = writeln!(config, "{key}={}", folder.join(name).display());
    }
    // Whoever runs the test; it is asked for only by root's Nagios.
    config.push_str(
        "check_external_commands=1\nstatus_update_interval=1\nenable_notifications=0\nexecute_service_checks=0\n\
         execute_host_checks=0\nnagios_user=root\nnagios_group=root\nillegal_macro_output_chars=`~$&|'\"<>\n",
    );
    stage.write("nagios/nagios.cfg", &config)
}

/// What Nagios knows of each service, by its description.
fn services(status: &str) -> BTreeMap<String, Row> {
    let blocks = status.split("servicestatus {").skip(1).map(|block| {
        let block = block.split_once("\n\t}").map_or(block, |(block, _)| block);
        let pairs = block.lines().filter_map(|line| line.trim().split_once('='));
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect::<Row>()
    });
    blocks.map(|row| (row["service_description"].clone(), row)).collect()
}

#[test]
fn nagios_takes_our_objects_and_knows_each_line_once_a_run_has_told_it() {
    if !can_run_with("Nagios on passive results", &lacking(&["nagios4"])) {
        return;
    }
    let stage = Stage::new();
    let lines = sampled(&stage);
    let config = nagios(&stage, &lines);
    let program = ["/usr/sbin/nagios4", "nagios4"].into_iter().find(|path| Path::new(path).exists());
    let mut check = Command::new(program.unwrap());
    check.arg("-v").arg(&config);
    let said = content(check);
    assert!(said.contains("Total Warnings: 0") && said.contains("Total Errors:   0"), "{said}");

    let mut command = Command::new(program.unwrap());
    command.arg(&config);
    let server = Server::start(&stage, command);
    let pipe = stage.path("nagios/nagios.cmd");
    let open = wait_until(SOON, || fs::metadata(&pipe).is_ok_and(|pipe| pipe.file_type().is_fifo()));
    assert!(open, "{}", server.said());
    let told = report(&stage, &["nagios", "--run-host", "dialer1", "-o", "nagios/nagios.cmd"]);
    assert_eq!(told.code(), Some(0), "{}", told.said());
    let status = || fs::read_to_string(stage.path("nagios/status.dat")).unwrap_or_default();
    let known = |name: &str, key: &str| services(&status()).get(name).map(|row| row[key].clone());
    // The run's own result comes last.
    let heard = wait_until(SOON, || known("lineman nightly", "has_been_checked").as_deref() == Some("1"));
    assert!(heard, "{}\n{}", status(), server.said());
    let found = services(&status());
    for (line, row) in &lines {
        let service = &found[&format!("lineman {line}")];
        assert_eq!(service["current_state"], code(row), "{line}: {service:?}");
        assert!(service["plugin_output"].contains(&row["fault"]), "{line}: {service:?}");
        assert_eq!(service["long_plugin_output"].is_empty(), row["advice"].is_empty(), "{line}: {service:?}");
        let figures = &service["performance_data"];
        assert!(figures.starts_with(&format!("attempts={}", row["attempts"])), "{line}: {figures}");
        if let Ok(ms) = row["ring_ms"].parse::<u32>() {
            assert!(figures.contains(&format!(" ring={}.{:03}s", ms / 1000, ms % 1000)), "{line}: {figures}");
        }
    }
    assert_eq!(found["lineman nightly"]["current_state"], "0");
    assert_eq!(found["out-of-band"]["has_been_checked"], "0", "that one asks by itself");
}

#[test]
fn icinga_takes_our_configuration() {
    if !can_run_with("Icinga on our configuration", &lacking(&["icinga2"])) {
        return;
    }
    let stage = Stage::new();
    let folder = stage.path("icinga");
    fs::create_dir_all(&folder).unwrap();
    // Root's Icinga becomes another user.
    for path in [stage.path("."), folder.clone()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let mut config = "const NodeName = \"t\"\nconst ZoneName = \"t\"\ninclude <itl>\n".to_owned();
    for name in ["lineman.conf", "example.conf"] {
        let path = tree("reports/monitoring/icinga").join(name);
        // Which may not look into our folders.
        let _ = writeln!(config, "{}", fs::read_to_string(path).unwrap());
    }
    let config = stage.write("icinga/icinga2.conf", &config);
    let mut command = Command::new("/usr/sbin/icinga2");
    command.args(["daemon", "-C", "-c"]).arg(config);
    for what in ["DataDir", "LogDir", "CacheDir", "InitRunDir"] {
        command.arg(format!("-D{what}={}", folder.display()));
    }
    let said = content(command);
    assert!(said.contains("Instantiated 3 Services") && !said.contains("warning/"), "{said}");
}

/// Takes what a `zabbix_sender` sends, connection by connection, and answers that all is well.
fn trapper(listener: &TcpListener, connections: usize) -> Vec<serde_json::Value> {
    let mut values = Vec::new();
    for _ in 0..connections {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let mut head = [0; 13];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(&head[..5], b"ZBXD\x01", "the sender's own protocol, not compressed");
        let mut body = vec![0; usize::try_from(u32::from_le_bytes(head[5..9].try_into().unwrap())).unwrap()];
        stream.read_exact(&mut body).unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let data = body["data"].as_array().unwrap();
        let info = format!("processed: {0}; failed: 0; total: {0}; seconds spent: 0.1", data.len());
        let answer = serde_json::json!({"response": "success", "info": info}).to_string();
        let mut bytes = b"ZBXD\x01".to_vec();
        bytes.extend(u64::try_from(answer.len()).unwrap().to_le_bytes());
        bytes.extend(answer.as_bytes());
        stream.write_all(&bytes).unwrap();
        values.extend(data.iter().cloned());
    }
    values
}

#[test]
fn zabbix_sender_sends_each_value_as_it_was_meant() {
    if !can_run_with("zabbix_sender on the sender file", &lacking(&["zabbix_sender"])) {
        return;
    }
    let stage = Stage::new();
    let lines = sampled(&stage);
    let told = report(&stage, &["zabbix", "--host", "lineman nightly", "-o", "sender.txt"]);
    assert_eq!(told.code(), Some(0), "{}", told.said());
    let count = fs::read_to_string(stage.path("sender.txt")).unwrap().lines().count();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    // It sends 250 values at a time.
    let server = thread::spawn(move || trapper(&listener, count.div_ceil(250)));
    let mut command = Command::new("zabbix_sender");
    command.args(["-z", "127.0.0.1", "-p", &port, "-T", "-i", "sender.txt"]).current_dir(stage.path("."));
    let said = content(command);
    assert!(said.contains(&format!("sent: {count};")) && said.contains("failed: 0"), "{said}");
    let sent: BTreeMap<String, serde_json::Value> = server
        .join()
        .unwrap()
        .into_iter()
        .map(|value| (value["key"].as_str().unwrap().to_owned(), value))
        .collect();
    assert_eq!(sent.len(), count);
    for (line, row) in &lines {
        let of = |what: &str| &sent[&format!("lineman.line.{what}[{line}]")];
        assert_eq!(of("result")["value"], code(row), "{line}");
        assert_eq!(
            of("reason")["value"],
            if row["fault"].is_empty() { "none" } else { &row["fault"] },
            "{line}"
        );
        assert_eq!(of("result")["host"], "lineman nightly");
        // lines.csv guards its cells against spreadsheets; here they stand as they were said.
        let detail = [row["detail"].trim_start_matches('\''), &row["advice"]];
        let detail: Vec<&str> = detail.into_iter().filter(|part| !part.is_empty()).collect();
        assert_eq!(of("detail")["value"], detail.join("; "), "{line}");
    }
    let list = sent["lineman.lines.discovery"]["value"].as_str().unwrap();
    let list: Vec<BTreeMap<String, String>> = serde_json::from_str(list).unwrap();
    let named: Vec<&String> = list.iter().map(|entry| &entry["{#LINE}"]).collect();
    assert_eq!(named, lines.keys().collect::<Vec<_>>());
    let alone = report(&stage, &["zabbix", "--discovery", "lines"]);
    assert_eq!(serde_json::from_str::<Vec<BTreeMap<String, String>>>(&alone.out).unwrap(), list);
}
