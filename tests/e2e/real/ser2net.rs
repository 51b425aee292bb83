//! Debian's ser2net, a port server that nobody here wrote, in front of the exchange's ptys: RFC 2217, telnet, and raw bytes.

use std::fmt::Write;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lineman::sim::log::What;

use super::{can_run_with, lacking};
use crate::night::{Exchange, RUN, Running, SOON, at_once, audit, audited, rows, run_of, verdict};
use crate::stage::{Stage, end, wait_until};
use crate::town::{Branch, Town};

/// Where Debian has it.
const PROGRAM: &str = "/usr/sbin/ser2net";

/// Whether it can run here; says loudly when not.
fn can_run(test: &str) -> bool {
    can_run_with(test, &lacking(&["ser2net"]))
}

/// ser2net in front of the ports of an exchange, and the bank that reaches them through it.
struct Ser2net {
    child: Child,
    said: PathBuf,
}

impl Ser2net {
    /// Gives `modems` of the exchange an address each, and waits until all can be connected to. `scheme` is ours,
    /// `accepter` ser2net's word for the same.
    fn start(
        stage: &Stage,
        exchange: &Exchange,
        modems: &[&str],
        scheme: &str,
        accepter: &str,
        more: &str,
    ) -> Self {
        let name = modems.join("-");
        // Held until the last is found, so that none is found twice.
        let free: Vec<TcpListener> =
            modems.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let numbers: Vec<u16> = free.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        drop(free);
        let mut config = "%YAML 1.1\n---\n".to_owned();
        let mut bank = fs::read_to_string(stage.path("bank.yaml")).expect("the town has a bank");
        for (modem, number) in modems.iter().zip(&numbers) {
            let port = exchange.port(modem).display().to_string();
            let _ = write!(
                config,
                "connection: &{modem}\n  accepter: {accepter},127.0.0.1,{number}\n{more}  connector: serialdev,{port},115200n81,local\n"
            );
            bank = bank.replace(&format!("\"{port}\""), &format!("\"{scheme}://127.0.0.1:{number}\""));
        }
        // Nothing shows that the modem behind it is a played one, whose time is compressed.
        if !bank.contains("rehearsal:") {
            bank.push_str("rehearsal: true\n");
        }
        stage.write("bank.yaml", &bank);
        let file = stage.write(&format!("ser2net-{name}.yaml"), &config);
        let said = stage.path(&format!("ser2net-{name}.out"));
        let out = File::create(&said).expect("the test's folder can be written");
        let err = out.try_clone().expect("a file has a second handle");
        // -n: stays in the foreground; -u: no lock files, whose folder may not be ours; -d: says what it does.
        let child = Command::new(PROGRAM)
            .args(["-n", "-d", "-u", "-c"])
            .arg(file)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .expect("ser2net starts");
        let server = Self { child, said };
        assert!(wait_until(SOON, || numbers.iter().all(|&number| is_listening(number))), "{}", server.said());
        server
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// Ends it as a crash would.
    fn kill_hard(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Ser2net {
    fn drop(&mut self) {
        end(&mut self.child, Duration::from_secs(5));
    }
}

/// Looked up in the kernel's table: to connect would take the port.
fn is_listening(number: u16) -> bool {
    let table = fs::read_to_string(Path::new("/proc/net/tcp")).unwrap_or_default();
    table.lines().any(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let local = fields.next().unwrap_or_default();
        local.ends_with(&format!(":{number:04X}")) && fields.nth(1) == Some("0A")
    })
}

/// What came to the consoles that belongs to no dialog: AT commands, and escapes.
fn strayed(exchange: &Exchange) -> Vec<String> {
    let heard = exchange.logged(What::Command).into_iter().chain(exchange.logged(What::Username));
    let texts = heard.filter_map(|entry| entry.text);
    texts.filter(|text| text.to_uppercase().starts_with("AT") || text.contains("+++")).collect()
}

#[test]
fn an_audit_through_ser2net_is_like_one_without_it_in_all_three_ways_of_speaking_to_it() {
    if !can_run("the audit through ser2net") {
        return;
    }
    let cases = [
        ("rfc2217", "telnet(rfc2217),tcp", ""),
        (
            "rfc2217",
            "telnet(rfc2217),tcp",
            "  options:\n    banner: \"\\\\r\\\\nser2net port \\\\p OK\\\\r\\\\n\"\n",
        ),
        ("telnet", "telnet,tcp", ""),
        ("tcp", "tcp", ""),
    ];
    at_once(&cases, |(scheme, accepter, more)| {
        let mut town = Town::new(
            &["courier", "rockwell-conexant"],
            [
                Branch::new(1),
                Branch::new(2).rings(2),
                Branch::with_fault(3, "busy"),
                Branch::with_fault(4, "no-answer"),
                Branch::new(5),
            ],
        );
        town.limits = town.limits.replace("setup: 5s", "setup: 15s");
        let stage = Stage::new();
        let exchange = Exchange::of(&town, &stage);
        let server = Ser2net::start(&stage, &exchange, &["m00", "m01"], scheme, accepter, more);
        let ended = audited(&stage, &["--plain"]);
        let said =
            format!("{scheme}: {}\nser2net said: {}\n{:#?}", ended.said(), server.said(), exchange.log());
        assert_eq!(ended.code(), Some(1), "{said}");
        let lines = rows(&run_of(&stage, "latest").join("lines.csv"));
        let verdicts: Vec<String> = lines.iter().map(verdict).collect();
        assert_eq!(
            verdicts,
            ["pass - -", "pass - -", "fail busy far-line", "fail no-answer far-line", "pass - -"],
            "{said}"
        );
        let modems = rows(&run_of(&stage, "latest").join("modems.csv"));
        for modem in &modems {
            assert_eq!([&modem["state"], &modem["hangup_unproven"]], ["ready", "0"], "{said}");
        }
        assert!(exchange.off_hook().is_empty(), "{said}");
        assert_eq!(strayed(&exchange), [""; 0], "{said}");
        // It was shown no modem-control line, so it names no instant of theirs.
        for call in rows(&run_of(&stage, "latest").join("calls.csv")) {
            if call["modem"] == "m01" {
                assert_eq!(call["split_error_ms"], "", "{said}");
            }
        }
    });
}

#[test]
fn a_server_that_dies_in_mid_call_loses_its_port_and_no_line() {
    if !can_run("the death of ser2net") {
        return;
    }
    let mut town = Town::new(&["courier", "courier"], (1..=4).map(Branch::new));
    town.pace = 0.1;
    town.limits = town.limits.replace("setup: 5s", "setup: 15s");
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let mut dying = Ser2net::start(&stage, &exchange, &["m00"], "rfc2217", "telnet(rfc2217),tcp", "");
    let _other = Ser2net::start(&stage, &exchange, &["m01"], "tcp", "tcp", "");
    let run = Running::start(audit(&stage, &["--plain"]));
    exchange.wait_for("a call on m00", |log| {
        log.iter().any(|entry| entry.event == What::Connected && entry.modem.as_deref() == Some("m00"))
    });
    dying.kill_hard();
    let ended = run.finish(RUN);
    let said = format!("{}\n{:#?}", ended.said(), exchange.log());
    let lines = rows(&run_of(&stage, "latest").join("lines.csv"));
    assert!(lines.iter().all(|row| row["result"] == "pass" && row["modem"] == "m01"), "{said}");
    assert_eq!(ended.code(), Some(0), "{said}");
    let calls = rows(&run_of(&stage, "latest").join("calls.csv"));
    let lost: Vec<&str> = calls.iter().filter(|c| c["modem"] == "m00").map(|c| c["fault"].as_str()).collect();
    assert_eq!(lost, ["port-lost"], "{said}");
    // It was tried again, and nobody listened.
    let modems = rows(&run_of(&stage, "latest").join("modems.csv"));
    assert_eq!(modems[0]["state"], "out", "{said}");
}

#[test]
fn a_port_that_somebody_else_has_on_the_server_is_busy_and_one_that_nobody_serves_is_told() {
    if !can_run("the busy port of ser2net") {
        return;
    }
    let mut town = Town::new(&["courier", "courier", "courier"], (1..=2).map(Branch::new));
    town.limits = town.limits.replace("setup: 5s", "setup: 15s");
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let _server = Ser2net::start(&stage, &exchange, &["m00", "m01"], "rfc2217", "telnet(rfc2217),tcp", "");
    let text = fs::read_to_string(stage.path("bank.yaml")).unwrap();
    let taken = text.split("rfc2217://").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let _somebody = std::net::TcpStream::connect(&taken).unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = exchange.port("m02").display().to_string();
    stage.write("bank.yaml", &text.replace(&gone, &format!("tcp://{nobody}")));
    exchange.wait_for("the other's connection", |log| {
        log.iter().any(|e| e.event == What::PortOpened && e.modem.as_deref() == Some("m00"))
    });
    let ended = audited(&stage, &["--plain"]);
    let said = ended.said();
    assert_eq!(ended.code(), Some(0), "{said}");
    let told = |modem: &str| {
        let start = format!("modem {modem}: out ");
        ended
            .out
            .lines()
            .find(|l| l.contains(&start))
            .unwrap_or_else(|| panic!("{modem} is not told\n{said}"))
    };
    assert!(told("m00").contains("port-busy") && told("m00").contains("Port already in use"), "{said}");
    assert!(
        told("m02").contains("port-open-failed") && told("m02").contains("nobody listens there"),
        "{said}"
    );
}
