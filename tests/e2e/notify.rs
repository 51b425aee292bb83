//! Telling people and programs: mail over a real mail server (Debian's python3-aiosmtpd), hooks over Python's own web
//! server and as programs; and that nothing of it ever holds up, changes or calls off a night.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::night::{Ended, RUN, Running, SOON, run_of};
use crate::stage::{Stage, end, wait_until};
use crate::town::{Branch, PASSWORD, Town, VARIABLE};

/// What the mail server takes from `audit`.
const MAIL_PASSWORD: &str = "Copper-Wire-77";
/// What the web server is shown.
const TOKEN: &str = "Brass-Token-55";
/// An address that is a secret.
const SECRET_PATH: &str = "/services/Hidden-Path-33";

/// The servers of `tests/real/sinks`.
struct Sinks {
    child: Child,
    folder: PathBuf,
    ports: Value,
}

impl Sinks {
    fn start(stage: &Stage) -> Self {
        let folder = stage.path("sinks");
        fs::create_dir(&folder).unwrap();
        let said = File::create(stage.path("sinks.out")).unwrap();
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/real/sinks");
        let mut child = Command::new(script)
            .arg(&folder)
            .env("LINEMAN_SINK_PASSWORD", MAIL_PASSWORD)
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .spawn()
            .expect("tests/real/sinks starts");
        let ports = folder.join("ports.json");
        let there =
            wait_until(SOON, || ports.exists() || child.try_wait().is_ok_and(|status| status.is_some()));
        let said = fs::read_to_string(stage.path("sinks.out")).unwrap_or_default();
        assert!(there && ports.exists(), "the servers have not come up: {said}");
        let ports = serde_json::from_slice(&fs::read(ports).unwrap()).unwrap();
        Self { child, folder, ports }
    }

    fn port(&self, way: &str) -> u64 {
        self.ports[way].as_u64().unwrap()
    }

    /// Everything of a kind that was taken so far: `mail` or `http`.
    fn taken(&self, kind: &str) -> Vec<Value> {
        let read = |n: usize| fs::read(self.folder.join(format!("{kind}-{n}.json"))).ok();
        (1..).map_while(read).map(|bytes| serde_json::from_slice(&bytes).unwrap()).collect()
    }

    /// The bodies that the web server was sent on a path.
    fn told(&self, path: &str) -> Vec<Value> {
        let requests = self.taken("http").into_iter().filter(|request| request["path"] == path);
        requests.map(|request| serde_json::from_str(request["body"].as_str().unwrap()).unwrap()).collect()
    }
}

impl Drop for Sinks {
    fn drop(&mut self) {
        end(&mut self.child, Duration::from_secs(5));
    }
}

/// Whether the servers can run here; says loudly when not, and does not put up with it in CI.
#[expect(clippy::disallowed_methods, reason = "whether this is CI is told by the environment alone")]
fn can_run(test: &str) -> bool {
    let there = |program: &str, words: &[&str]| {
        Command::new(program).args(words).output().is_ok_and(|output| output.status.success())
    };
    if there("/usr/bin/python3", &["-c", "import aiosmtpd"]) && there("openssl", &["version"]) {
        return true;
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "in CI this must run; python3-aiosmtpd or openssl lacks"
    );
    let _ = writeln!(
        std::io::stderr(),
        "\n*** {test} DID NOT RUN: this machine lacks python3-aiosmtpd or openssl\n"
    );
    false
}

/// A town whose plan tells by these keys.
fn town(stage: &Stage, branches: impl IntoIterator<Item = Branch>, notify: &str) {
    let mut town = Town::new(&["v250", "v250"], branches);
    town.credentials = format!(
        "{{ oob: {{ username: oob, password: {{ env: {VARIABLE} }} }}, smtp: {{ username: audit, password: {{ env: MAIL_PASSWORD }} }}, token: {{ password: {{ env: TOKEN }} }} }}"
    );
    town.plan_keys.push_str(notify);
    town.found(stage);
}

fn lineman(stage: &Stage, words: &[&str]) -> Command {
    let mut command = stage.lineman(words);
    command.env(VARIABLE, PASSWORD).env("MAIL_PASSWORD", MAIL_PASSWORD).env("TOKEN", TOKEN);
    // A proxy of the machine has no business with servers of this host.
    for variable in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(variable);
    }
    command
}

fn audited(stage: &Stage, more: &[&str]) -> Ended {
    let words = [&["audit", "plan.yaml", "--reports", "reports", "--plain"], more].concat();
    Running::start(lineman(stage, &words)).finish(RUN)
}

fn rehearsed(stage: &Stage, more: &[&str]) -> Ended {
    Running::start(lineman(stage, &[&["report", "notify"], more].concat())).finish(RUN)
}

fn sound(n: usize) -> Branch {
    Branch::new(n)
}

fn dead(n: usize) -> Branch {
    Branch::with_fault(n, "voice")
}

fn header<'a>(mail: &'a Value, name: &str) -> &'a str {
    let found = mail["headers"].as_array().unwrap().iter().find(|pair| pair[0] == name);
    found.map_or("", |pair| pair[1].as_str().unwrap())
}

#[track_caller]
fn assert_no_secret(text: &str, what: &str) {
    for secret in [PASSWORD, MAIL_PASSWORD, TOKEN, SECRET_PATH, "Hidden-Path"] {
        assert!(!text.contains(secret), "{what} holds `{secret}`:\n{text}");
    }
}

#[test]
fn a_night_is_told_by_mail_by_webhook_and_by_command_and_no_secret_goes_with_it() {
    if !can_run("a_night_is_told_by_mail_by_webhook_and_by_command_and_no_secret_goes_with_it") {
        return;
    }
    let stage = Stage::new();
    let sinks = Sinks::start(&stage);
    let hook = stage.write("hook.sh", "#!/bin/sh\n{ env; cat; } >> hook.out\n");
    let mut mode = fs::metadata(&hook).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o700);
    fs::set_permissions(&hook, mode).unwrap();
    let notify = format!(
        "\nnotify:\n  simulated: true\n  mail: {{ to: ['NOC <noc@example.com>', desk@example.com], from: oob@example.com, server: 'localhost:{}', tls: starttls, ca: sinks/ca.pem, credential: smtp }}\n  hooks:\n    chat: {{ webhook: 'https://localhost:{}/chat', ca: sinks/ca.pem, credential: token, every: 0 }}\n    hidden: {{ webhook: {{ env: HOOK }}, failures: false }}\n    page: {{ command: [./hook.sh], when: never, every: 0 }}\n",
        sinks.port("starttls"),
        sinks.port("https"),
    );
    town(&stage, [sound(1), dead(2), dead(3), sound(4)], &notify);
    let mut command = lineman(&stage, &["audit", "plan.yaml", "--reports", "reports", "--plain"]);
    command.env("HOOK", format!("http://127.0.0.1:{}{SECRET_PATH}", sinks.port("http")));
    let ended = Running::start(command).finish(RUN);
    assert_eq!(ended.code(), Some(1), "{}", ended.said());
    for said in [
        "\nTold\n",
        "mail to noc@example.com, desk@example.com through localhost:",
        "(starttls): 1 message sent",
        "hook hidden: 1 message sent",
    ] {
        assert!(ended.out.contains(said), "`{said}`: {}", ended.said());
    }
    assert!(!ended.err.contains("warning: notify"), "{}", ended.said());

    let run = run_of(&stage, "latest");
    let mails = sinks.taken("mail");
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(
        (&mail["tls"], &mail["authenticated"], &mail["defects"]),
        (&true.into(), &true.into(), &Value::Array(Vec::new()))
    );
    assert_eq!(mail["to"], serde_json::json!(["noc@example.com", "desk@example.com"]));
    assert_eq!(header(mail, "Subject"), "lineman town: 2 fail, 2 pass");
    assert_eq!((header(mail, "Auto-Submitted"), header(mail, "From")), ("auto-generated", "oob@example.com"));
    assert!(header(mail, "Message-ID").contains(run.file_name().unwrap().to_str().unwrap()));
    let shape = [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/csv",
        "text/csv",
        "text/csv",
    ];
    assert_eq!(mail["shape"], serde_json::json!(shape));
    assert!(mail["longest_line"].as_u64().unwrap() <= 998);
    let parts = mail["parts"].as_array().unwrap();
    assert!(parts[0]["text"].as_str().unwrap().contains("BR0002-A"));
    assert!(parts[1]["text"].as_str().unwrap().contains("<b>BR0002-A</b>"));
    for part in &parts[2..] {
        let name = part["name"].as_str().unwrap();
        let file = fs::read_to_string(run.join(name)).unwrap();
        // A mail's text has its own line ends; what is in the lines is the same.
        assert_eq!(
            part["text"].as_str().unwrap().lines().collect::<Vec<_>>(),
            file.lines().collect::<Vec<_>>(),
            "{name}"
        );
    }

    let told = sinks.told("/chat");
    let end = told.last().unwrap();
    assert_eq!(
        (&end["event"], &end["ended"]["lines"]["fail"], &end["ended"]["exit_code"]),
        (&"run-ended".into(), &2.into(), &1.into())
    );
    let mut early: Vec<&str> = told[..told.len() - 1]
        .iter()
        .flat_map(|message| message["failures"].as_array().unwrap())
        .map(|failure| failure["line"].as_str().unwrap())
        .collect();
    early.sort_unstable();
    assert_eq!(early, ["BR0002-A", "BR0003-A"], "each once, while the run went on");
    let chat = sinks.taken("http").into_iter().find(|request| request["path"] == "/chat").unwrap();
    assert_eq!(chat["headers"]["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(sinks.told(SECRET_PATH).len(), 1);

    let seen = fs::read_to_string(stage.path("hook.out")).unwrap();
    assert!(seen.contains("LINEMAN_EVENT=new-failures") && seen.contains("\"line\":\"BR0003-A\""), "{seen}");
    assert!(!seen.contains("run-ended"), "{seen}");
    assert_no_secret(&seen, "a command's environment");
    assert_no_secret(&format!("{}{}", ended.out, ended.err), "what was said");
    assert_no_secret(&mail.to_string(), "the mail");
    for message in &told {
        assert_no_secret(&message.to_string(), "a message");
    }
    assert_no_secret(&fs::read_to_string(run.join("events.jsonl")).unwrap(), "the journal");
}

#[test]
fn a_mail_that_is_for_changes_is_sent_when_something_changed_and_simulated_banks_tell_nobody_unasked() {
    if !can_run("a_mail_that_is_for_changes_is_sent_when_something_changed") {
        return;
    }
    let stage = Stage::new();
    let sinks = Sinks::start(&stage);
    let notify = |simulated: &str| {
        let port = sinks.port("smtps");
        format!(
            "\nnotify:\n{simulated}  mail: {{ to: noc@example.com, server: 'localhost:{port}', tls: smtps, ca: sinks/ca.pem, credential: smtp, when: change }}\n"
        )
    };
    let branches = || [sound(1), dead(2)];
    town(&stage, branches(), &notify(""));
    let unasked = audited(&stage, &[]);
    assert!(!unasked.out.contains("\nTold\n") && sinks.taken("mail").is_empty(), "{}", unasked.said());

    town(&stage, branches(), &notify("  simulated: true\n"));
    let same = audited(&stage, &[]);
    assert!(same.out.contains("nothing to tell (when: change)"), "{}", same.said());
    assert!(sinks.taken("mail").is_empty());

    town(&stage, [dead(1), dead(2)], &notify("  simulated: true\n"));
    let changed = audited(&stage, &[]);
    let mails = sinks.taken("mail");
    assert_eq!(mails.len(), 1, "{}", changed.said());
    assert_eq!(header(&mails[0], "Subject"), "lineman town: 1 new failure, 2 fail, 0 pass");
    assert!(mails[0]["parts"][0]["text"].as_str().unwrap().contains("What changed since"));

    // Nothing is new, but somebody asked for it; and then nobody is to be told at all.
    let asked = audited(&stage, &["--mail", "me@example.com"]);
    let mails = sinks.taken("mail");
    assert_eq!(
        (mails.len(), &mails[1]["to"]),
        (2, &serde_json::json!(["me@example.com"])),
        "{}",
        asked.said()
    );
    let nobody = audited(&stage, &["--no-notify"]);
    assert!(!nobody.out.contains("\nTold\n") && sinks.taken("mail").len() == 2, "{}", nobody.said());
    let both = audited(&stage, &["--no-notify", "--mail", "me@example.com"]);
    assert_eq!(both.code(), Some(2), "{}", both.said());
}

#[test]
fn a_sink_that_fails_is_told_and_holds_up_and_changes_nothing() {
    if !can_run("a_sink_that_fails_is_told_and_holds_up_and_changes_nothing") {
        return;
    }
    let stage = Stage::new();
    let sinks = Sinks::start(&stage);
    // It leaves a child behind that would outlive it, and neither reads nor ends.
    stage.write("hang.sh", "sleep 1000 & echo $! > hang.pid; sleep 1000\n");
    let (http, plain) = (sinks.port("http"), sinks.port("plain"));
    let notify = format!(
        "\nnotify:\n  simulated: true\n  mail: {{ to: hang@example.com, server: 'localhost:{plain}', limit: 2s }}\n  hooks:\n    hangs: {{ command: [sh, hang.sh], every: 0, limit: 2s }}\n    gone: {{ command: [./not-there], failures: false }}\n    fails: {{ command: [sh, -c, 'echo \"no such {MAIL_PASSWORD}\" >&2; exit 3'], failures: false }}\n    slow: {{ webhook: 'http://127.0.0.1:{http}/slow', every: 0, limit: 2s }}\n    busy: {{ webhook: 'http://127.0.0.1:{http}/busy', failures: false }}\n    moved: {{ webhook: 'http://127.0.0.1:{http}/moved', failures: false }}\n    no: {{ webhook: 'http://127.0.0.1:{http}/no/Hidden-Path', failures: false, credential: token }}\n    unset: {{ webhook: {{ env: NOT_SET }} }}\n"
    );
    town(&stage, [sound(1), dead(2), dead(3)], &notify);
    let quiet = audited(&stage, &["--no-notify"]);
    let began = Instant::now();
    let ended = audited(&stage, &[]);
    assert_eq!((ended.code(), quiet.code()), (Some(1), Some(1)), "{}", ended.said());
    // All at once, within their limits, whatever a busy machine makes of them.
    assert!(began.elapsed() < Duration::from_secs(45), "{:?}: {}", began.elapsed(), ended.said());
    for (sink, why) in [
        ("mail to hang@example.com", "took no mail within 2 s"),
        ("hook hangs", "did not end within 2 s"),
        ("hook gone", "can't be started"),
        ("hook fails", "ended with status 3: no such"),
        ("hook slow", "127.0.0.1"),
        ("hook moved", "answered 302 Found (it is somewhere else; name the new address)"),
        ("hook no", "answered 400 Bad Request: Bearer ******** at ********"),
        ("hook unset", "the environment variable `NOT_SET` is not set"),
    ] {
        let of = |text: &str| text.lines().any(|line| line.contains(sink) && line.contains(why));
        assert!(of(&ended.err), "{sink}: {why}, on stderr: {}", ended.said());
        assert!(of(&ended.out), "{sink}: {why}, behind the summary: {}", ended.said());
    }
    assert!(ended.out.contains("hook busy: 1 message sent"), "{}", ended.said());
    let no_end = |text: &str| !text.contains(TOKEN) && !text.contains("Hidden-Path");
    assert!(no_end(&ended.out) && no_end(&ended.err), "{}", ended.said());
    let child = fs::read_to_string(stage.path("hang.pid")).unwrap();
    let status = PathBuf::from("/proc").join(child.trim());
    assert!(wait_until(SOON, || !is_alive(&status)), "what a hook started outlived it");
    // Every line has its verdict, as without them.
    let lines =
        |ended: &Ended| ended.out.lines().filter(|line| line.trim_start().starts_with("total ")).count();
    assert_eq!((lines(&ended), lines(&quiet)), (1, 1));
}

/// Whether a process is there and no zombie.
fn is_alive(process: &std::path::Path) -> bool {
    fs::read_to_string(process.join("stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().starts_with(" Z"))
}

#[test]
fn who_is_told_can_be_tried_by_day_and_a_mail_server_is_believed_only_with_its_certificate() {
    if !can_run("who_is_told_can_be_tried_by_day") {
        return;
    }
    let stage = Stage::new();
    let sinks = Sinks::start(&stage);
    let keys = |way: &str, tls: &str, ca: &str| {
        let port = sinks.port(way);
        format!(
            "\nnotify:\n  mail: {{ to: noc@example.com, server: 'localhost:{port}', tls: {tls}{ca}, credential: smtp }}\n  hooks:\n    chat: {{ webhook: 'http://127.0.0.1:{}/day', when: never }}\n",
            sinks.port("http")
        )
    };
    let trusted = ", ca: sinks/ca.pem";
    town(&stage, [sound(1), dead(2)], &keys("starttls", "starttls", trusted));
    audited(&stage, &[]);
    assert!(sinks.taken("mail").is_empty() && sinks.taken("http").is_empty());

    let all = rehearsed(&stage, &[]);
    assert_eq!(all.code(), Some(0), "{}", all.said());
    let mails = sinks.taken("mail");
    assert_eq!(header(&mails[0], "Subject"), "[rehearsal] lineman town: 1 fail, 1 pass");
    let told = sinks.told("/day");
    assert_eq!(
        (told.len(), &told[0]["rehearsal"], &told[0]["event"]),
        (1, &true.into(), &"new-failures".into())
    );

    let shown = rehearsed(&stage, &["--show"]);
    assert_eq!(shown.code(), Some(0), "{}", shown.said());
    assert!(shown.out.contains("Subject: [rehearsal] lineman town: 1 fail, 1 pass"), "{}", shown.said());
    assert!(sinks.taken("mail").len() == 1 && sinks.told("/day").len() == 1, "--show sends nothing");

    // Put off once, and taken at the second try; refused for good, and told as the server says it.
    let later = rehearsed(&stage, &["--mail", "later@example.com"]);
    assert!(later.code() == Some(0) && sinks.taken("mail").len() == 2, "{}", later.said());
    let never = rehearsed(&stage, &["--mail", "never@example.com"]);
    assert!(
        never.code() == Some(1) && never.err.contains("550") && !never.err.contains('\u{1b}'),
        "{}",
        never.said()
    );
    let echo = rehearsed(&stage, &["--mail", "echo@example.com"]);
    assert!(echo.err.contains("you said ********") && !echo.err.contains(MAIL_PASSWORD), "{}", echo.said());

    // A certificate that nobody vouches for, and a server that has none where one is asked for: no mail, no password.
    for (way, tls, ca) in
        [("starttls", "starttls", ""), ("smtps", "smtps", ""), ("plain", "starttls", trusted)]
    {
        town(&stage, [sound(1), dead(2)], &keys(way, tls, ca));
        let refused = rehearsed(&stage, &["--mail", "me@example.com"]);
        assert_eq!(refused.code(), Some(1), "{way} {tls}: {}", refused.said());
        assert_eq!(sinks.taken("mail").len(), 2, "{way} {tls}");
    }
    let wrong = rehearsed(&stage, &["--hook", "nobody"]);
    assert!(wrong.code() == Some(2) && wrong.err.contains("chat"), "{}", wrong.said());
    town(&stage, [sound(1), dead(2)], "");
    let nobody = rehearsed(&stage, &[]);
    assert!(
        nobody.code() == Some(2) && nobody.err.contains("says nobody who is to be told"),
        "{}",
        nobody.said()
    );
}
