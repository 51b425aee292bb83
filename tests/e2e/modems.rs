//! `lineman modems` from outside: what it shows and writes of modems, what it never types, and that the hook which wakes a
//! stuck modem is run when it must, and no oftener than it may.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use lineman::model::EventKind;
use lineman::sim::log::What;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, poll};
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

use crate::night::{Ended, Exchange, RUN, Running, SOON, at_once, audited, journal, rows, run_of, verdict};
use crate::stage::Stage;
use crate::town::{Branch, PASSWORD, Town, VARIABLE};

/// `lineman modems` with these arguments.
fn modems<S: AsRef<std::ffi::OsStr>>(stage: &Stage, arguments: &[S]) -> Ended {
    let mut command = stage.lineman(["modems"]);
    command.args(arguments);
    Running::start(command).finish(RUN)
}

/// What sits behind a pty of ours: hears every byte, and says what a test has it say.
struct Behind {
    port: PathBuf,
    heard: Arc<Mutex<Vec<u8>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    _slave: File,
}

impl Behind {
    /// `answers` gives what is said to each line that came, which ends with a CR.
    fn new(mut answers: impl FnMut(&str) -> Vec<u8> + Send + 'static) -> Self {
        // Not openpty(3): its ends would be inherited by every program that another test starts in this moment.
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let mut master: PtyMaster = posix_openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let port = PathBuf::from(ptsname_r(&master).unwrap());
        let slave = File::options().read(true).write(true).open(&port).unwrap();
        let mut raw = tcgetattr(&slave).unwrap();
        cfmakeraw(&mut raw);
        tcsetattr(&slave, SetArg::TCSANOW, &raw).unwrap();
        let (heard, over) = (Arc::<Mutex<Vec<u8>>>::default(), Arc::new(AtomicBool::new(false)));
        let (ears, end) = (Arc::clone(&heard), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            let mut line = Vec::new();
            while !end.load(Ordering::Relaxed) {
                let mut ready = [PollFd::new(master.as_fd(), PollFlags::POLLIN)];
                if poll(&mut ready, 50_u16).unwrap_or(0) == 0 {
                    continue;
                }
                let mut bytes = [0; 256];
                let Ok(length @ 1..) = master.read(&mut bytes) else { continue };
                ears.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes[..length]);
                for &byte in &bytes[..length] {
                    if byte == b'\r' {
                        let answer = answers(&String::from_utf8_lossy(&line));
                        line.clear();
                        let _ = master.write_all(&answer);
                    } else {
                        line.push(byte);
                    }
                }
            }
        });
        Self { port, heard, over, thread: Some(thread), _slave: slave }
    }

    fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    fn port(&self) -> String {
        self.port.display().to_string()
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// All that may ever be typed at something that nobody knows: no S register, nothing that is stored, nothing that dials.
fn assert_harmless(heard: &str) {
    let typed: Vec<&str> = heard.split('\r').map(|line| line.trim_start_matches('+')).collect();
    for line in typed {
        let known = ["", "AT", "ATH", "ATH0", "ATE0Q0V1", "ATI", "ATI3", "AT+GMI", "AT+GMM", "AT+GSN"];
        assert!(known.contains(&line), "`{line}` was typed; all of it: {heard:?}");
    }
}

const OK: &[u8] = b"\r\nOK\r\n";

#[test]
fn each_modem_is_shown_with_its_family_and_its_own_words() {
    let stage = Stage::new();
    let town = Town::new(&["courier", "rockwell-conexant", "si24xx", "generic"], [Branch::new(1)])
        .modem(3, "fault: dead");
    let exchange = Exchange::of(&town, &stage);
    let all = ["m00", "m01", "m02", "m03"].map(|id| exchange.port(id));
    let nothing = stage.path("nowhere");
    let ended = modems(&stage, &[all.as_slice(), std::slice::from_ref(&nothing)].concat());
    let said = ended.said();
    assert_eq!(ended.code(), Some(0), "{said}");
    for (id, profile, words) in [
        ("m00", "courier", "Courier V.Everything"),
        ("m01", "rockwell-conexant", "V2.210-V90_2M_DLS"),
        ("m02", "si24xx", "Silicon Laboratories"),
        ("m03", "none", "no answer to `AT`"),
        ("nowhere", "none", "does not exist"),
    ] {
        // A cell may go on in the rows below.
        let (at, _) =
            ended.out.lines().enumerate().find(|(_, l)| l.contains(&format!("/{id} "))).expect(&said);
        let row: String = ended.out.lines().skip(at).take(3).collect::<Vec<_>>().join(" ");
        let row = row.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            row.contains(profile) && row.contains(words.split(' ').next().unwrap()),
            "{id}: {row}\n{said}"
        );
    }
    assert!(exchange.dialed().is_empty(), "{said}");
    // None answers: could not judge.
    let ended = modems(&stage, &[&all[3], &nothing]);
    assert_eq!(ended.code(), Some(3), "{}", ended.said());
    // Usage.
    for wrong in [
        &["rfc2217://"][..],
        &["nowhere", "--baud", "12345"],
        &["nowhere", "--no-ask", "--write", "x.yaml"],
        &["nowhere", "--country", "US"],
    ] {
        let ended = modems(&stage, wrong);
        assert_eq!(ended.code(), Some(2), "{wrong:?}: {}", ended.said());
    }
}

#[test]
fn a_bank_that_was_written_is_taken_by_check_and_audit() {
    let stage = Stage::new();
    let town = Town::new(&["courier", "rockwell-conexant", "v250"], (1..=4).map(Branch::new));
    let exchange = Exchange::of(&town, &stage);
    // As somebody types it, who stands in the folder; the bank's own folder is another.
    fs::create_dir(stage.path("banks")).unwrap();
    let ports = ["ports/m00", "ports/m01", "ports/m02", "nowhere"];
    let ended = modems(&stage, &[ports.as_slice(), &["--write", "banks/hq.yaml"]].concat());
    assert_eq!(ended.code(), Some(0), "{}", ended.said());
    let written = fs::read_to_string(stage.path("banks/hq.yaml")).unwrap();
    assert_eq!(written.matches("fingerprint: ").count(), 3, "{written}");
    assert!(written.contains("does not exist"), "{written}");

    // It is not to be dialed with before somebody has said where it stands.
    let plan = fs::read_to_string(stage.path("plan.yaml")).unwrap();
    stage.write("plan.yaml", &plan.replace("bank: bank.yaml", "bank: banks/hq.yaml"));
    let check = |stage: &Stage| {
        let mut check = stage.lineman(["check", "plan.yaml"]);
        check.env(VARIABLE, PASSWORD);
        Running::start(check).finish(SOON)
    };
    let ended = check(&stage);
    assert!(ended.code() == Some(2) && ended.err.contains("location"), "{}", ended.said());
    let completed = written.replace("# location:", "location:");
    // Simulated, so that three seconds on-hook are not needed.
    let completed = completed.replace("on_hook_min: 3s", "on_hook_min: 0s\nrehearsal: true");
    stage.write("banks/hq.yaml", &completed);
    let ended = check(&stage);
    assert_eq!(ended.code(), Some(0), "{completed}\n{}", ended.said());
    let ended = audited(&stage, &["--plain"]);
    assert_eq!(ended.code(), Some(0), "{completed}\n{}\n{:#?}", ended.said(), exchange.log());

    // Swapped cables are told, and nothing is dialed over them.
    let swapped = completed
        .replace("ports/m00", "ports/mXX")
        .replace("ports/m01", "ports/m00")
        .replace("ports/mXX", "ports/m01");
    stage.write("banks/hq.yaml", &swapped);
    let before = exchange.dialed().len();
    let ended = audited(&stage, &["--plain"]);
    let said = ended.said();
    assert!(said.contains("was a cable swapped?") && said.contains("as `m01` should"), "{said}");
    let calls = rows(&run_of(&stage, "latest").join("calls.csv"));
    assert!(calls.iter().all(|call| call["modem"] == "m02"), "{said}");
    assert_eq!(exchange.dialed().len(), before + 4, "{said}");
}

#[test]
fn a_file_that_is_there_is_never_overwritten_and_nothing_is_asked_in_vain() {
    let stage = Stage::new();
    let modem = Behind::new(|_| OK.to_vec());
    let there = stage.write("hq.yaml", "mine\n");
    std::os::unix::fs::symlink("nowhere", stage.path("link.yaml")).unwrap();
    for (file, more) in [
        ("hq.yaml", None),
        ("link.yaml", None),
        ("no-folder/hq.yaml", None),
        ("new.yaml", Some(["--country", "Narnia"])),
        ("new.yaml", Some(["--baud", "12345"])),
    ] {
        let port = modem.port();
        let mut arguments = vec![port.as_str(), "--write", file];
        arguments.extend(more.iter().flatten());
        let ended = modems(&stage, &arguments);
        assert_eq!(ended.code(), Some(2), "{file}: {}", ended.said());
    }
    assert_eq!(fs::read_to_string(there).unwrap(), "mine\n");
    assert!(!stage.path("nowhere").exists() && !stage.path("new.yaml").exists());
    assert_eq!(modem.heard(), "", "a modem was asked, and nothing could be written");
}

#[test]
fn what_does_not_tell_who_it_is_is_never_sent_an_s_register() {
    // Says OK to all, says ERROR to all questions, echoes all, is silent.
    type Answer = fn(&str) -> Vec<u8>;
    let cases: [(&str, Answer, Option<i32>); 4] = [
        ("agrees", |_| OK.to_vec(), Some(0)),
        (
            "refuses",
            |line| {
                if line.contains("ATI") || line.contains('G') {
                    b"\r\nERROR\r\n".to_vec()
                } else {
                    OK.to_vec()
                }
            },
            Some(0),
        ),
        ("echoes", |line| format!("{line}\r\n").into_bytes(), Some(3)),
        ("silent", |_| Vec::new(), Some(3)),
    ];
    at_once(&cases, |(name, answer, code)| {
        let stage = Stage::new();
        let modem = Behind::new(answer);
        let ended = modems(&stage, &[&modem.port()]);
        assert_eq!(ended.code(), code, "{name}: {}", ended.said());
        assert!(modem.heard().contains("AT\r"), "{name}: {:?}", modem.heard());
        assert_harmless(&modem.heard());
        if code == Some(0) {
            assert!(ended.out.contains("unknown") && ended.out.contains("nothing"), "{}", ended.said());
        }
    });
}

/// What a modem says is data: in a terminal, and in a file.
#[test]
fn hostile_words_harm_neither_terminal_nor_file() {
    let stage = Stage::new();
    let modem = Behind::new(|line| {
        let words: String = match line {
            "ATI" => format!(
                "\r\n\u{1b}]0;owned\u{7}\u{1b}[31m\"}} # {{: &a *b !c\u{202e}\u{2028}x\r\n{}",
                "y".repeat(900)
            ),
            "ATI3" => "\r\n'; reset: { command: [rm] } \\x41\u{85}z\u{9b}31m\r\n".to_owned(),
            "AT+GMI" => format!("\r\nw {}", "w".repeat(70)).repeat(60),
            "AT+GMM" => "\r\n=cmd|' /C calc'!A0\r\n\u{feff}\u{fffe}/ / //\r\n".to_owned(),
            _ => String::new(),
        };
        [words.as_bytes(), OK].concat()
    });
    let ended = modems(&stage, &[modem.port().as_str(), "--write", "hq.yaml", "--country", "us"]);
    let said = ended.said();
    assert_eq!(ended.code(), Some(0), "{said}");
    let bad = |c: char| (c.is_control() && c != '\n') || ['\u{202e}', '\u{2028}', '\u{feff}'].contains(&c);
    assert!(!ended.out.contains(bad), "{:?}", ended.out);
    let written = fs::read_to_string(stage.path("hq.yaml")).unwrap();
    assert!(!written.contains(bad), "{written:?}");
    stage.write(
        "plan.yaml",
        "plan: p\nbank: hq.yaml\nnumbering: us\ndefaults: { console: none }\n\
         lines: [{ id: A, number: \"+1 919 555 0101\" }]\n",
    );
    let ended = Running::start(stage.lineman(["check", "plan.yaml"])).finish(SOON);
    assert_eq!(ended.code(), Some(0), "{written}\n{}", ended.said());
    assert!(!written.contains("reset: { command: [rm] }\n"), "{written}");
}

// --- the reset hook

/// A bank whose first modem has a hook that runs `script`, which finds the folder of the exchange in `$PORTS`.
fn with_hook(stage: &Stage, exchange: &Exchange, script: &str, every: &str) {
    let bank = fs::read_to_string(stage.path("bank.yaml")).unwrap();
    let folder = exchange.port("m00").parent().unwrap().display().to_string();
    let script = stage.write("hook.sh", &format!("PORTS='{folder}'\n{script}\n"));
    let keys = format!("id: m00, reset: {{ command: [sh, \"{}\"], every: {every} }},", script.display());
    stage.write("bank.yaml", &bank.replacen("id: m00,", &keys, 1));
}

/// Notices of the journal that tell of the modem's reset.
fn notices(run: &Path) -> Vec<String> {
    let told = journal(run).into_iter().filter_map(|event| match event.kind {
        EventKind::Notice { text } if text.contains("reset") => Some(text),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_stuck_modem_is_woken_by_its_hook_once_and_used_afterwards() {
    let stage = Stage::new();
    let town = Town::new(&["courier"], (1..=3).map(Branch::new))
        .modem(0, "fault: { kind: dead, cleared_by: power }");
    let exchange = Exchange::of(&town, &stage);
    let log = stage.path("hook.log");
    let script =
        format!("echo \"$LINEMAN_MODEM $LINEMAN_PORT\" >> '{}'; : > \"$PORTS/m00.power\"", log.display());
    with_hook(&stage, &exchange, &script, "10m");
    let ended = audited(&stage, &["--plain"]);
    let said = format!("{}\n{:#?}", ended.said(), exchange.log());
    assert_eq!(ended.code(), Some(0), "{said}");
    let ran = fs::read_to_string(log).unwrap();
    assert_eq!(ran, format!("m00 {}\n", exchange.port("m00").display()), "{said}");
    let told = notices(&run_of(&stage, "latest"));
    assert!(told.len() == 1 && told[0].contains("`m00`: reset by `sh`"), "{told:?}\n{said}");
    assert_eq!(exchange.logged(What::PowerCut).len(), 1, "{said}");
}

#[test]
fn a_hook_that_does_not_help_is_not_run_again_too_soon_and_one_that_fails_is_told() {
    let cases = [
        ("echo run >> \"$PORTS/log\"", "reset by `sh`"),
        (
            "echo run >> \"$PORTS/log\"; printf 'no relay \\033[31mhere' >&2; exit 7",
            "exit status: 7: no relay here",
        ),
    ];
    at_once(&cases, |(script, words)| {
        let stage = Stage::new();
        let mut town = Town::new(&["courier"], [Branch::new(1)]).modem(0, "fault: dead");
        // Long enough for more than four set-ups.
        town.policy.push_str(", patience: 50s");
        let exchange = Exchange::of(&town, &stage);
        with_hook(&stage, &exchange, script, "10m");
        let ended = audited(&stage, &["--plain"]);
        let said = ended.said();
        assert_eq!(ended.code(), Some(3), "{said}");
        let ran = fs::read_to_string(stage.path("ports/log")).unwrap_or_default();
        assert_eq!(ran, "run\n", "{said}");
        let told = notices(&run_of(&stage, "latest"));
        assert!(told.len() == 1 && told[0].contains(words), "{told:?}\n{said}");
        let lines = rows(&run_of(&stage, "latest").join("lines.csv"));
        assert_eq!(verdict(&lines[0]), "untested modem-silent bench-modem", "{said}");
        let out = ended.out.matches("modem m00: out").count();
        assert!(out >= 2, "it was tried {out} times only\n{said}");
    });
}

/// A relay that was switched off must be switched on again, whatever becomes of the run; nor is a hook waited for that
/// has left something behind in the background.
#[test]
fn a_run_that_is_ended_lets_its_hook_finish() {
    let stage = Stage::new();
    let town = Town::new(&["courier"], [Branch::new(1)]).modem(0, "fault: dead");
    let exchange = Exchange::of(&town, &stage);
    with_hook(&stage, &exchange, ": > \"$PORTS/off\"; sleep 3; : > \"$PORTS/on\"", "10m");
    let run = Running::start(crate::night::audit(&stage, &["--plain"]));
    let (off, on) = (stage.path("ports/off"), stage.path("ports/on"));
    assert!(crate::stage::wait_until(RUN, || off.exists()), "the hook was not run");
    run.signal(nix::sys::signal::Signal::SIGINT);
    let ended = run.finish(RUN);
    assert_eq!(ended.code(), Some(4), "{}", ended.said());
    assert!(crate::stage::wait_until(SOON, || on.exists()), "the relay stays off\n{}", ended.said());
}
