//! The machine among strangers: any bytes, edges, times, losses and cancels.

use std::time::Duration;

use proptest::prelude::*;

use super::tests::{BARE, FAR, WIRED, credential, spec};
use super::*;
use crate::model::{Mark, PhaseTimes};
use crate::modem::result_code::ResultCode;

const PROFILES: [&str; 3] = [
    include_str!("../../../hardware/modems/courier.yaml"),
    include_str!("../../../hardware/modems/rockwell-conexant.yaml"),
    include_str!("../../../hardware/modems/generic.yaml"),
];

const TEXTS: [&str; 36] = [
    "\r\nOK\r\n",
    "OK\r",
    "\r\nERROR\r\n",
    "\r\nCONNECT 33600/ARQ/V34/LAPM/V42BIS\r\n",
    "\r\nCONNECT\r\n",
    "\r\nNO CARRIER\r\n",
    "NO CARR",
    "IER\r\n",
    "\r\nBUSY\r\n",
    "\r\nRING\r\n",
    "\r\nRINGING\r\n",
    "\r\nCARRIER 33600\r\n",
    "\r\nNO ANSWER\r\n",
    "\r\nNO DIALTONE\r\n",
    "\r\nVOICE\r\n",
    "\r\nDELAYED\r\n",
    "\r\nUsername: ",
    "Password: ",
    "\r\nbr1-rtr1>",
    "\r\nother-rtr9#",
    "\r\n% Login invalid\r\n\r\nUsername: ",
    "\r\nPress RETURN to get started.\r\n",
    "\r\n --More-- ",
    "rommon 1 >",
    "\r\n*Mar  1 00:00:00.000: %LINK-3-UPDOWN: up\r\n",
    "\r\n",
    "br1-rtr1 con0 is now available\r\n",
    "AT\r",
    "\x1b[2J\x07",
    "\r\n% Password expired\r\n",
    "Trying sw1 (10.0.0.1, 2001)... Open\r\n",
    "% Connection refused by remote host\r\n\r\nbr1-rtr1>",
    "\r\nbr1-rtr1>",
    "\r\nsw1 login: ",
    "\r\nsw2 login: ",
    "Closing connection to sw1 [confirm]",
];

#[derive(Debug, Clone)]
enum Step {
    /// What a good modem and a good console would say now.
    Answer,
    Text(usize),
    Noise(Vec<u8>),
    Signal(Signal, bool),
    Wait(u64),
    /// Until it wants to be called.
    Due,
    /// A stamp from before.
    Stale(usize, u64),
    Grant,
    Deny,
    Cancel(Cancel),
    Lost,
    /// The next write or reopening of the port fails.
    Fails,
}

fn step() -> impl Strategy<Value = Step> {
    let signal = prop_oneof![Just(Signal::Dcd), Just(Signal::Dsr), Just(Signal::Ri)];
    prop_oneof![
        40 => Just(Step::Answer),
        14 => (0..TEXTS.len()).prop_map(Step::Text),
        3 => proptest::collection::vec(any::<u8>(), 1..40).prop_map(Step::Noise),
        6 => (signal, any::<bool>()).prop_map(|(signal, on)| Step::Signal(signal, on)),
        14 => (0..4000u64).prop_map(Step::Wait),
        10 => Just(Step::Due),
        2 => (0..TEXTS.len(), 1..5000u64).prop_map(|(text, ms)| Step::Stale(text, ms)),
        8 => Just(Step::Grant),
        1 => Just(Step::Deny),
        1 => prop_oneof![Just(Cancel::LogOut), Just(Cancel::HangUp)].prop_map(Step::Cancel),
        1 => Just(Step::Lost),
        1 => Just(Step::Fails),
    ]
}

/// The driver, and everything that the machine has promised.
struct Driver {
    machine: Machine,
    now: Mono,
    /// Reads with the machine, so that what it may do is known.
    ear: Codec,
    last_written: Vec<u8>,
    fails: bool,
    lost: bool,
    cancelled: bool,
    asked: u32,
    granted: bool,
    dialed_at: Option<Mono>,
    /// A result, a RING or the limit: the dial is over, or may be ended.
    dial_over: bool,
    /// The `;` form is out, and its OK is due.
    sending: bool,
    /// The modem is off-hook in command state, or dials from there: OK to AT proves nothing.
    held: bool,
    /// The console that was chosen last, behind a console server.
    chosen: &'static str,
    /// The last result.
    last_code: Option<ResultCode>,
    hang_ups: u32,
    moments: Vec<Moment>,
    password_sent: bool,
    outcomes: u32,
    ending: Option<Ending>,
}

impl Driver {
    fn input(&mut self, at: Mono, input: Input<'_>) {
        if let Input::Bytes(bytes) = &input {
            self.ear.feed(bytes);
            for token in self.ear.by_ref() {
                if let Token::Result(code) = token {
                    self.dial_over |=
                        self.dialed_at.is_some() && (code.is_final() || code == ResultCode::Ring);
                    if code.is_final() {
                        // The digits went out; any other end but ERROR is on-hook.
                        self.held = match code {
                            ResultCode::Ok => self.held || self.sending,
                            ResultCode::Error => self.held,
                            _ => false,
                        };
                        self.sending = false;
                    }
                    self.last_code = Some(code);
                }
            }
        }
        match &input {
            Input::Cancel(_) => self.cancelled = true,
            Input::PortLost(..) => self.lost = true,
            _ => {}
        }
        self.machine.handle(at, input);
        self.obey();
    }

    fn obey(&mut self) {
        while let Some(output) = self.machine.poll() {
            assert!(self.ending.is_none(), "{output:?} after the end");
            match output {
                Output::Port(_) | Output::Dial(_) if self.lost => panic!("{output:?} on a port that is gone"),
                Output::Port(_) | Output::Dial(_) if std::mem::take(&mut self.fails) => {
                    self.dialed_at = self.dialed_at.or(matches!(output, Output::Dial(_)).then_some(self.now));
                    self.lost = true;
                    self.machine.handle(self.now, Input::PortLost(Fault::PortLost, "it failed"));
                }
                Output::Port(Action::Write(bytes)) => self.write(bytes),
                Output::Port(Action::Reopen) => {
                    (self.held, self.sending) = (false, false);
                    self.hang_ups += 1;
                    self.now = self.now + Duration::from_millis(10);
                    self.machine.handle(self.now, Input::Reopened);
                }
                Output::Port(Action::Drain) => self.ear.clear(),
                Output::Port(Action::Dtr(_)) => {
                    (self.held, self.sending) = (false, false);
                    self.hang_ups += 1;
                }
                Output::Dial(bytes) => {
                    assert_eq!(self.dialed_at, None, "dialed twice");
                    self.sending = bytes == b"ATDT9,5550101;\r";
                    assert!(self.sending || bytes == b"ATDT9,5550101\r", "{}", bytes.escape_ascii());
                    self.ear.expect_echo("ATDT9,5550101");
                    self.last_written = bytes;
                    self.dialed_at = Some(self.now);
                    self.hang_ups = 0;
                    self.machine.handle(self.now, Input::DialWritten);
                }
                Output::AskCredential => self.asked += 1,
                Output::PasswordSent => {
                    assert!(self.granted && !self.password_sent);
                    self.password_sent = true;
                }
                Output::Credential(_) => {
                    assert!(self.password_sent);
                    self.outcomes += 1;
                }
                Output::Moment(moment) => {
                    assert!(self.moments.last().is_none_or(|last| *last < moment), "{moment:?}");
                    self.moments.push(moment);
                }
                Output::Live(live) => panic!("{live:?}, and nobody looks on"),
                Output::Done(ending) => self.ending = Some(*ending),
            }
        }
    }

    fn write(&mut self, bytes: Vec<u8>) {
        if bytes.windows(6).any(|part| part == b"s3cret") {
            assert!(self.password_sent, "the password went out unannounced");
        }
        if bytes == b"ATD\r" {
            assert_eq!(self.last_code, Some(ResultCode::Ok), "it was not told that the digits are out");
            self.dial_over = false;
        } else if bytes == b"ATDT9,5550101\r" {
            assert_eq!(self.last_code, Some(ResultCode::Error), "dialed twice");
            (self.dialed_at, self.dial_over) = (Some(self.now), false);
        } else if let Some(dialed) = self.dialed_at {
            let late = self.now >= dialed + Duration::from_secs(90);
            if !self.dial_over {
                assert_eq!(bytes, b"\r", "something else than an abort while the modem dials");
                assert!(late || self.cancelled, "an abort without a reason");
                self.dial_over = true;
            }
            if bytes == b"ATH\r" {
                (self.held, self.sending) = (false, false);
            }
            self.hang_ups += 1;
        }
        self.ear.note_written(&bytes);
        match bytes.as_slice() {
            b"connect sw1\r" => self.chosen = "\r\nsw1 login: ",
            b"connect sw2\r" => self.chosen = "\r\nsw2 login: ",
            b"\x1ex" => self.chosen = "",
            _ => {}
        }
        self.last_written = bytes;
    }

    fn answer(&self) -> &'static str {
        let written = String::from_utf8_lossy(&self.last_written);
        match written.as_ref() {
            "connect sw1\r" | "connect sw2\r" => "\r\nTrying sw1 (10.0.0.1, 2001)... Open\r\n",
            "\x1ex" | "y" => "\r\nbr1-rtr1>",
            "disconnect\r" => "disconnect\r\nClosing connection to sw1 [confirm]",
            "\r" if !self.chosen.is_empty() => self.chosen,
            "ATDT9,5550101\r" | "ATD\r" => {
                "\r\nRINGING\r\n\r\nCONNECT 33600/ARQ/V34/LAPM/V42BIS\r\n\r\nUsername: "
            }
            "oob\r" => "oob\r\nPassword: ",
            "s3cret\r" => "\r\n\r\nbr1-rtr1>",
            "exit\r" => "exit\r\n\r\nbr1-rtr1 con0 is now available\r\n\r\nPress RETURN to get started.\r\n",
            "\r" => "\r\nUsername: ",
            _ => "\r\nOK\r\n",
        }
    }

    fn step(&mut self, step: &Step) {
        if self.ending.is_some() || (self.lost && !matches!(step, Step::Wait(_))) {
            return;
        }
        match step {
            Step::Answer => {
                // No modem dials in no time.
                let dials = if self.sending { Duration::from_secs(4) } else { Duration::ZERO };
                self.now = self.now + dials;
                self.input(self.now, Input::Bytes(self.answer().as_bytes()));
            }
            Step::Text(text) => self.input(self.now, Input::Bytes(TEXTS[*text].as_bytes())),
            Step::Noise(bytes) => self.input(self.now, Input::Bytes(bytes)),
            Step::Signal(signal, on) => self.input(self.now, Input::Signal(*signal, *on)),
            Step::Stale(text, ms) => {
                let at = Mono::from_micros(self.now.as_micros().saturating_sub(ms * 1000));
                self.input(at, Input::Bytes(TEXTS[*text].as_bytes()));
            }
            Step::Wait(ms) => {
                self.now = self.now + Duration::from_millis(*ms);
                self.input(self.now, Input::Time);
            }
            Step::Due => self.due(),
            Step::Grant if self.asked > 0 && !self.granted => {
                self.granted = true;
                self.input(self.now, Input::Granted(credential()));
            }
            Step::Deny if self.asked > 0 && !self.granted => {
                self.input(self.now, Input::Denied("stopped".to_owned()));
            }
            Step::Grant | Step::Deny => {}
            Step::Cancel(how) => self.input(self.now, Input::Cancel(*how)),
            Step::Lost => self.input(self.now, Input::PortLost(Fault::PortLost, "unplugged")),
            Step::Fails => self.fails = true,
        }
    }

    fn due(&mut self) {
        let due = self.machine.deadline().expect("a call that is not over is waiting for something");
        self.now = self.now.max(due);
        self.input(self.now, Input::Time);
    }
}

/// What a call is to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    Nothing,
    Console,
    /// A console server with two consoles.
    Server,
}

/// A call to a console server.
fn server() -> CallSpec {
    static DIALOGS: std::sync::OnceLock<[Arc<crate::console::Dialog>; 2]> = std::sync::OnceLock::new();
    let read = |text: &str| {
        let file: crate::console::DialogFile = serde_yaml::from_str(text).unwrap();
        Arc::new(file.compile().unwrap())
    };
    let [server, linux] = DIALOGS.get_or_init(|| {
        [
            read(include_str!("../../../hardware/consoles/cisco-ios-ts.yaml")),
            read(include_str!("../../../hardware/consoles/linux.yaml")),
        ]
    });
    let behind = |name: &str| crate::console::Behind {
        name: name.to_owned(),
        port: name.to_owned(),
        hostname: Some(name.parse().unwrap()),
        dialog: Arc::clone(linux),
    };
    CallSpec { dialog: Some(Arc::clone(server)), consoles: vec![behind("sw1"), behind("sw2")], ..spec(true) }
}

fn run(profile: usize, facts: PortFacts, fresh: bool, behind: Behind, steps: &[Step]) -> Driver {
    let profile: Arc<Profile> = Arc::new(serde_yaml::from_str(PROFILES[profile]).unwrap());
    let begin = Mono::from_millis(10_000);
    let spec = if behind == Behind::Server { server() } else { spec(behind == Behind::Console) };
    let (limits, call_limit) = (spec.limits, spec.call_limit());
    let out = limits.logout + if behind == Behind::Server { limits.leave * 2 } else { Duration::ZERO };
    let room = limits.room(spec.dialog.as_deref(), &spec.consoles);
    let mut driver = Driver {
        ear: Codec::for_profile(&profile),
        machine: Machine::new(spec, profile, facts, fresh, begin),
        now: begin,
        last_written: Vec::new(),
        fails: false,
        lost: false,
        cancelled: false,
        asked: 0,
        granted: false,
        dialed_at: None,
        dial_over: false,
        sending: false,
        held: false,
        chosen: "",
        last_code: None,
        hang_ups: 0,
        moments: Vec::new(),
        password_sent: false,
        outcomes: 0,
        ending: None,
    };
    driver.obey();
    for step in steps {
        driver.step(step);
    }
    let talked = driver.now;
    for _ in 0..2000 {
        if driver.ending.is_some() {
            break;
        }
        driver.due();
    }
    let ending = driver.ending.clone().expect("it comes to its end");
    // Within the sum of its limits: however long it was talked at, nothing goes on for longer.
    let second = Duration::from_secs(1);
    let set_up = begin + limits.setup * 2 + second * 2;
    let latest = driver.dialed_at.map_or(set_up, |at| at + call_limit + out + limits.hangup + second * 5);
    let late = driver.now.since(latest.max(talked + limits.hangup + second));
    assert_eq!(late, Duration::ZERO, "too late by {late:?}: {ending:?}");
    assert!(call_limit + out + limits.hangup + limits.setup * 2 < room, "a window has no room for it");
    check(&driver, &ending);
    let consoles = if behind == Behind::Server { 2 } else { 0 };
    assert_eq!(ending.consoles.len(), consoles, "{ending:?}");
    let all_pass = ending.consoles.iter().all(|record| record.fault.is_none());
    assert!(ending.fault.is_some() || all_pass, "{ending:?}");
    driver
}

fn check(driver: &Driver, ending: &Ending) {
    let marks: Vec<(Moment, Mark)> = ending.timeline.iter().collect();
    assert!(marks.windows(2).all(|pair| pair[0].1.at <= pair[1].1.at), "{marks:?}");
    let told = |moment: &Moment| driver.moments.contains(moment) || *moment == Moment::Answered;
    assert!(marks.iter().all(|(moment, _)| told(moment)), "{marks:?} {:?}", driver.moments);
    assert!(driver.moments.iter().all(|moment| ending.timeline.get(*moment).is_some()));
    let times = PhaseTimes::of(&ending.timeline);
    let has = |moment| ending.timeline.get(moment).is_some();
    assert!(times.total_ms.is_none() || (has(Moment::Dialed) && has(Moment::OnHook)));
    assert!(times.train_ms.is_none() || (has(Moment::Answered) && has(Moment::Carrier)));
    assert_eq!(driver.outcomes, u32::from(driver.password_sent), "what became of the password");
    assert_eq!(ending.dialed, driver.dialed_at.is_some());
    assert_eq!(ending.port_lost, driver.lost);
    if driver.dialed_at.is_some() {
        assert_ne!(ending.hangup, Hangup::NotNeeded, "a call that was dialed is hung up");
        assert!(driver.lost || driver.hang_ups > 0, "it left without a hang-up");
    } else {
        assert_eq!(ending.hangup, Hangup::NotNeeded);
        assert!(ending.fault.is_some(), "nothing was dialed, and nothing found");
    }
    assert_eq!(ending.hangup == Hangup::Proven, has(Moment::OnHook));
    assert!(ending.hangup != Hangup::Proven || !driver.held, "it may still be off-hook: {ending:?}");
    if let Some(sent) = ending.timeline.get(Moment::DigitsSent) {
        assert!(sent.at >= driver.dialed_at.expect("it dialed"), "{marks:?}");
    }
    if ending.fault.is_none() {
        assert!(has(Moment::Connected), "{ending:?}");
        assert!(!driver.granted || has(Moment::LoggedOut), "{ending:?}");
    }
    let all = format!("{ending:?}");
    assert!(!all.contains("s3cret"), "{all}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_a_call_ends_in_time_and_hangs_up(
        profile in 0..PROFILES.len(),
        facts in prop::sample::select(vec![WIRED, BARE, FAR]),
        fresh in any::<bool>(),
        behind in prop_oneof![
            2 => Just(Behind::Nothing),
            6 => Just(Behind::Console),
            5 => Just(Behind::Server),
        ],
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        run(profile, facts, fresh, behind, &steps);
    }
}

/// The property is worth as much as the calls that it makes.
#[test]
fn the_strangers_lead_to_every_kind_of_ending() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = proptest::collection::vec(step(), 0..90);
    let mut seen = std::collections::BTreeMap::<String, u32>::new();
    for n in 0..1500 {
        let steps = strategy.new_tree(&mut runner).unwrap().current();
        let behind = if n % 7 < 3 { Behind::Server } else { Behind::Console };
        let driver = run(n % 3, [WIRED, BARE, FAR][n / 3 % 3], n % 5 == 0, behind, &steps);
        let ending = driver.ending.unwrap();
        let fault = ending.fault.map_or("pass", Fault::code);
        *seen.entry(fault.to_owned()).or_default() += 1;
        for record in &ending.consoles {
            *seen.entry(format!("of one: {}", record.fault.map_or("pass", Fault::code))).or_default() += 1;
        }
        *seen.entry(format!("{:?}", ending.hangup)).or_default() += 1;
    }
    let must = [
        "pass",
        "cancelled",
        "port-lost",
        "modem-silent",
        "login-timeout",
        "login-refused",
        "carrier-lost",
        "credential-unproven",
        "wrong-console",
        "Proven",
        "Unproven",
        "NotNeeded",
        "of one: pass",
        "of one: skipped",
    ];
    let missing: Vec<_> = must.iter().filter(|what| !seen.contains_key(**what)).collect();
    assert!(missing.is_empty(), "never met: {missing:?}; met: {seen:?}");
}
