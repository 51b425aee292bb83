//! What holds of a round over consoles, whatever its far ends send, and whenever.

use proptest::prelude::*;

use super::*;
use crate::console::{Behind, RoundLimits};

/// What may come while the call is at a console server.
#[derive(Debug, Clone)]
enum Happens {
    /// What a good server and good consoles would say now.
    Answer,
    Says(Vec<u8>),
    Rests(u64),
    Due,
    Lost,
    Cancelled,
    Limit,
}

/// Things that servers and consoles say, and those who play a server.
const WORDS: [&str; 26] = [
    "\r\n",
    "\r\nConnect to port > ",
    "Connect to port > ",
    "\r\n  1: sw1\r\n\r\nConnect to port > ",
    "\r\nbr1-cs1>",
    "br1-cs1>",
    "\r\nbr1-sw7#",
    "Trying sw1 (10.0.0.1, 2001)... Open\r\n",
    "% Connection refused by remote host\r\n\r\nbr1-cs1>",
    "% Unknown command or computer name\r\n",
    "Port 1 is in use\r\n",
    "Invalid port\r\n",
    "Closing connection to sw1 [confirm]",
    "\r\nsw1 login: ",
    "\r\nsw2 login: ",
    "\r\nlogin: ",
    "\r\nPassword: ",
    "\r\nroot@sw1:~# ",
    "\r\n# ",
    "Press RETURN to get started.\r\n",
    " --More-- ",
    "Would you like to enter the initial configuration dialog? [yes/no]: ",
    "rommon 1 >",
    "\x1b]0;br1-cs1>",
    "\x1b[2J\x1b[1;1H",
    "\x08\x08\x08",
];

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        10 => Just(Happens::Answer),
        6 => proptest::sample::select(&WORDS[..]).prop_map(|word| Happens::Says(word.as_bytes().to_vec())),
        1 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(Happens::Says),
        4 => prop_oneof![0..100_u64, 0..1500_u64, 0..8000_u64].prop_map(Happens::Rests),
        8 => Just(Happens::Due),
        1 => prop_oneof![3 => Just(Happens::Cancelled), 1 => Just(Happens::Lost), 1 => Just(Happens::Limit)],
    ]
}

const SERVERS: [&str; 3] = ["opengear", "cisco-ios-ts", "lantronix"];

/// A call at a console server, seen from the far end: who has been listening to what was typed.
struct Stage {
    session: Session,
    server: &'static str,
    now: Mono,
    last: Vec<u8>,
    typed: Vec<(Mono, Vec<u8>)>,
    /// What came since the last choice, and since the escape after it.
    since_choice: String,
    since_escape: Option<String>,
    chosen: Vec<String>,
    finding: Option<Finding>,
}

fn prompt(server: &str) -> &'static str {
    match server {
        "opengear" => "Connect to port >",
        "cisco-ios-ts" => "br1-cs1>",
        _ => "[br1-cs1]>",
    }
}

impl Stage {
    fn new(server: &'static str, backwards: bool) -> Self {
        let port = |n: u32| if server == "opengear" { n.to_string() } else { format!("sw{n}") };
        let behind = |n: u32| Behind {
            name: format!("sw{n}"),
            port: port(n),
            hostname: (n < 3).then(|| format!("sw{n}").parse().unwrap()),
            dialog: dialog(["linux", "generic", "cisco-ios"][n as usize - 1]),
        };
        let limits = SessionLimits { bytes_max: 400, ..SessionLimits::default() };
        let expect = Expect::default();
        let now = Mono::from_millis(1000);
        let session = Session::new(dialog(server), expect, limits, now)
            .with_consoles((1..=3).map(behind).collect(), backwards);
        let mut stage = Self {
            session,
            server,
            now,
            last: Vec::new(),
            typed: Vec::new(),
            since_choice: String::new(),
            since_escape: None,
            chosen: Vec::new(),
            finding: None,
        };
        stage.says(b"\r\nlogin: ");
        stage.rests(100);
        stage.input(Input::Granted(credential()));
        stage.rests(100);
        stage.says(b"oob\r\nPassword: ");
        stage.rests(100);
        let prompt = prompt(server);
        stage.says(format!("\r\n{prompt} ").trim_end().as_bytes());
        stage.rests(1100);
        stage
    }

    fn says(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        self.since_choice.push_str(&text);
        if let Some(since) = &mut self.since_escape {
            since.push_str(&text);
        }
        self.input(Input::Bytes(bytes));
    }

    fn input(&mut self, input: Input<'_>) {
        if self.finding.is_some() {
            return;
        }
        self.session.handle(self.now, input);
        while let Some(output) = self.session.poll() {
            assert!(self.finding.is_none(), "{output:?} after the end");
            match output {
                Output::Send(bytes) => self.sent(bytes),
                Output::Done(finding) => self.finding = Some(*finding),
                _ => {}
            }
        }
    }

    /// The law of what may be typed, and after what.
    fn sent(&mut self, bytes: Vec<u8>) {
        let text = String::from_utf8(bytes.clone()).unwrap();
        let escape = match self.server {
            "opengear" => "\r~m",
            "cisco-ios-ts" => "\x1ex",
            _ => "\x1bA",
        };
        let choice = match self.server {
            "opengear" => text.trim_end().parse::<u32>().ok().map(|n| n.to_string()),
            _ => {
                text.trim_end().rsplit(' ').next().filter(|_| text.starts_with("connect ")).map(str::to_owned)
            }
        };
        let at_console = !self.chosen.is_empty() && self.since_escape.is_none();
        // What stands between a choice and its escape is the console's: a CR, or the escape.
        if at_console && text != "\r" && text != escape {
            // But where its server has refused it in so many words, or asks for the next one in place of connecting it.
            assert_eq!(self.server, "cisco-ios-ts", "{text:?} after {:?}", self.since_choice);
            let connected = self.since_choice.contains("... Open");
            assert!(
                !connected && self.since_choice.contains("br1-cs1>"),
                "{text:?} after {:?}",
                self.since_choice
            );
        } else if let Some(since) = &self.since_escape
            && text != "\r"
        {
            assert!(since.contains(prompt(self.server)) || text == "y", "{text:?} after {since:?}");
        }
        if text == escape {
            assert!(at_console, "an escape without a choice");
            self.since_escape = Some(String::new());
        }
        if let Some(choice) = choice {
            assert!(!self.chosen.contains(&choice), "{choice} was chosen twice");
            self.chosen.push(choice);
            self.since_choice.clear();
            self.since_escape = None;
        }
        self.last = bytes.clone();
        self.typed.push((self.now, bytes));
    }

    fn rests(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        for _ in 0..2000 {
            let due = self.session.deadline();
            if self.finding.is_some() || due > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(due);
            self.input(Input::Time);
        }
        panic!("timers without end");
    }

    fn answer(&self) -> String {
        let last = String::from_utf8_lossy(&self.last).into_owned();
        let prompt = prompt(self.server);
        match last.as_str() {
            "\r" => {
                format!("\r\nsw{} login: ", self.chosen.last().map_or("1", |port| &port[port.len() - 1..]))
            }
            "\x1ex" | "\r~m" | "\x1bA" | "y" => format!("\r\n{prompt}"),
            "disconnect\r" => "disconnect\r\nClosing connection [confirm]".to_owned(),
            "exit\r" | "q\r" | "logout\r" => "\r\nlogin: ".to_owned(),
            choice => format!("{choice}\nTrying sw1 (10.0.0.1, 2001)... Open\r\n"),
        }
    }

    fn step(&mut self, step: &Happens, cuts: Option<&[usize]>) {
        match step {
            Happens::Answer => {
                let answer = self.answer();
                self.says_cut(answer.as_bytes(), cuts);
                self.rests(200);
            }
            Happens::Says(bytes) => self.says_cut(bytes, cuts),
            Happens::Rests(ms) => self.rests(*ms),
            Happens::Due => {
                let due = self.session.deadline().since(self.now);
                self.rests(u64::try_from(due.as_millis()).unwrap_or(0) + 1);
            }
            Happens::Lost => self.input(Input::CarrierLost),
            Happens::Cancelled => self.input(Input::Cancel),
            Happens::Limit => self.input(Input::Limit),
        }
    }

    fn says_cut(&mut self, bytes: &[u8], cuts: Option<&[usize]>) {
        let Some(cuts) = cuts else { return self.says(bytes) };
        let mut rest = bytes;
        for &cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            self.says(piece);
            self.input(Input::Time);
            rest = after;
        }
    }
}

fn play(server: usize, backwards: bool, steps: &[Happens], cuts: Option<&[usize]>) -> Stage {
    let mut stage = Stage::new(SERVERS[server], backwards);
    for step in steps {
        if stage.finding.is_none() {
            stage.step(step, cuts);
        }
    }
    let talked = stage.now;
    if stage.finding.is_none() {
        stage.rests(400_000);
    }
    let finding = stage.finding.clone().expect("it ends");
    let limits = RoundLimits::default();
    let most = (limits.choose + limits.console + limits.leave * 2) * 3 + limits.choose;
    let took = stage.now.since(talked);
    assert!(took <= Duration::from_secs(400), "{took:?} {most:?}");
    check(&stage, &finding);
    stage
}

fn check(stage: &Stage, finding: &Finding) {
    assert_eq!(finding.consoles.len(), 3);
    let names: Vec<&str> = finding.consoles.iter().map(|record| record.console.as_str()).collect();
    assert_eq!(names, ["sw1", "sw2", "sw3"]);
    let shown = format!("{finding:?}");
    assert!(!shown.contains(PASSWORD) && !finding.detail.contains('\n'));
    for record in &finding.consoles {
        let chosen = stage.chosen.iter().any(|port| record.console.ends_with(port.as_str()));
        assert_eq!(chosen, record.fault != Some(Fault::Skipped), "{record:?} {:?}", stage.chosen);
        // Nothing passes that did not answer.
        assert!(record.fault.is_some() || record.answer_ms.is_some(), "{record:?}");
        assert!(!record.detail.chars().any(char::is_control), "{record:?}");
        if let (None, Some(host)) = (record.fault, &record.hostname) {
            assert!(record.console == "sw3" || host == &record.console, "{record:?}");
        }
    }
    let all = finding.consoles.iter().all(|record| record.fault.is_none());
    if finding.fault.is_none() {
        assert!(all && finding.logout_proven, "{finding:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_console_and_no_server_gets_more_than_it_may_and_every_round_ends(
        server in 0..SERVERS.len(),
        backwards in any::<bool>(),
        steps in proptest::collection::vec(happens(), 0..60),
        cuts in proptest::collection::vec(1..9_usize, 1..20),
    ) {
        let whole = play(server, backwards, &steps, None);
        let pieces = play(server, backwards, &steps, Some(&cuts));
        prop_assert_eq!(whole.typed, pieces.typed, "the pieces of a stream changed what was typed");
        prop_assert_eq!(whole.finding, pieces.finding, "the pieces of a stream changed what was found");
    }
}

/// The property is worth as much as the rounds that it makes.
#[test]
fn the_strangers_lead_to_every_kind_of_finding() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = proptest::collection::vec(happens(), 0..60);
    let mut seen = std::collections::BTreeMap::<String, u32>::new();
    for n in 0..900 {
        let steps = strategy.new_tree(&mut runner).unwrap().current();
        let stage = play(n % 3, n % 2 == 0, &steps, None);
        let finding = stage.finding.unwrap();
        *seen.entry(finding.fault.map_or("all pass", Fault::code).to_owned()).or_default() += 1;
        for record in &finding.consoles {
            *seen.entry(format!("of one: {}", record.fault.map_or("pass", Fault::code))).or_default() += 1;
        }
    }
    let must = [
        "all pass",
        "of one: pass",
        "of one: skipped",
        "of one: wrong-console",
        "of one: open-console",
        "of one: console-silent",
        "of one: console-busy",
        "of one: logout-unproven",
        "of one: login-timeout",
        "of one: cancelled",
        "of one: carrier-lost",
        "logout-unproven",
    ];
    let missing: Vec<_> = must.iter().filter(|what| !seen.contains_key(**what)).collect();
    assert!(missing.is_empty(), "never met: {missing:?}; met: {seen:?}");
}
