//! The machine by hand: what the shell can hardly bring about, or not at the right instant.

mod diagnosing;
mod handed;

use std::sync::OnceLock;
use std::time::Duration;

use super::*;
use crate::call::Limits;
use crate::console::{Dialog, DialogFile};
use crate::model::{DialString, Line, PhaseTimes};

/// Compiling its patterns takes longer than many a call.
fn ios() -> Arc<Dialog> {
    static IOS: OnceLock<Arc<Dialog>> = OnceLock::new();
    let compile = || {
        let text = include_str!("../../../hardware/consoles/cisco-ios.yaml");
        let file: DialogFile = serde_yaml::from_str(text).unwrap();
        Arc::new(file.compile().unwrap())
    };
    Arc::clone(IOS.get_or_init(compile))
}

pub(super) fn spec(with_console: bool) -> CallSpec {
    CallSpec {
        call: "BR1.1".parse().unwrap(),
        line: Line {
            id: "BR1".parse().unwrap(),
            site: "BR1".parse().unwrap(),
            number: "+19195550101".parse().unwrap(),
            hostname: Some("br1-rtr1".parse().unwrap()),
            facets: crate::model::Facets::default(),
        },
        attempt: 1,
        modem: "m00".parse().unwrap(),
        dial: DialString::new("9,", "5550101").unwrap(),
        via: None,
        credential: with_console.then(|| "oob".parse().unwrap()),
        dialog: with_console.then(ios),
        consoles: Vec::new(),
        port_bps: Some(115_200),
        limits: Limits::default(),
        short_dial: None,
        quality: crate::call::Quality::default(),
        price: crate::model::Price::unknown(crate::model::NumberClass::National),
        ring_cadence: Duration::from_secs(6),
        tap: None,
    }
}

pub(super) const WIRED: PortFacts = PortFacts::WIRED;
pub(super) const BARE: PortFacts = PortFacts::BARE;
/// A port that a server has, with lines of which it tells up to a second late.
pub(super) const FAR: PortFacts =
    PortFacts { may_stay_online: true, signal_lag: Duration::from_secs(1), ..PortFacts::WIRED };
const COURIER: &str = "{ profile: courier, marks: { ringing: true } }";

pub(super) fn credential() -> Credential {
    Credential::new("oob", "s3cret".to_owned().into()).unwrap()
}

/// A machine, its time, and what it did.
struct Rig {
    machine: Machine,
    now: Mono,
    written: String,
    moments: Vec<Moment>,
    outcomes: Vec<Outcome>,
    asked: bool,
    ending: Option<Ending>,
    live: Vec<Live>,
}

impl Rig {
    fn new(spec: CallSpec, profile: &str, facts: PortFacts) -> Self {
        let profile = Arc::new(serde_yaml::from_str(profile).unwrap());
        let now = Mono::from_millis(1000);
        let mut rig = Self {
            machine: Machine::new(spec, profile, facts, false, now),
            now,
            written: String::new(),
            moments: Vec::new(),
            outcomes: Vec::new(),
            asked: false,
            ending: None,
            live: Vec::new(),
        };
        rig.obey();
        rig
    }

    fn obey(&mut self) {
        while let Some(output) = self.machine.poll() {
            assert!(self.ending.is_none(), "{output:?} after the end");
            match output {
                Output::Port(Action::Write(bytes)) => {
                    self.written.push_str(&String::from_utf8_lossy(&bytes));
                }
                Output::Port(Action::Reopen) => self.machine.handle(self.now, Input::Reopened),
                Output::Port(Action::Dtr(_) | Action::Drain) | Output::PasswordSent => {}
                Output::Dial(bytes) => {
                    self.written.push_str(&String::from_utf8_lossy(&bytes));
                    self.machine.handle(self.now, Input::DialWritten);
                }
                Output::AskCredential => self.asked = true,
                Output::Credential(outcome) => self.outcomes.push(outcome),
                Output::Moment(moment) => self.moments.push(moment),
                Output::Live(live) => self.live.push(*live),
                Output::Done(ending) => self.ending = Some(*ending),
            }
        }
    }

    fn input(&mut self, input: Input<'_>) -> &mut Self {
        self.machine.handle(self.now, input);
        self.obey();
        self
    }

    fn says(&mut self, text: &str) -> &mut Self {
        self.input(Input::Bytes(text.as_bytes()))
    }

    /// So much time passes; what falls due is done.
    fn rests(&mut self, ms: u64) -> &mut Self {
        let end = self.now + Duration::from_millis(ms);
        while let Some(due) = self.machine.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.input(Input::Time);
        }
        self.now = end;
        self
    }

    fn ending(&self) -> &Ending {
        self.ending.as_ref().expect("it has not ended")
    }

    /// Up to the command prompt; the logout is out.
    fn logged_in(facts: PortFacts) -> Self {
        let mut rig = Self::at_password(facts);
        rig.says("\r\nbr1-rtr1>").rests(100);
        assert!(rig.written.ends_with("exit\r"), "{:?}", rig.written);
        rig
    }

    /// The password is on its way.
    fn at_password(facts: PortFacts) -> Self {
        let mut rig = Self::new(spec(true), COURIER, facts);
        rig.says("\r\nOK\r\n").rests(9000);
        if facts.has_signals {
            rig.input(Input::Signal(Signal::Dcd, true));
        }
        rig.says("\r\nCONNECT 9600\r\n\r\nUsername: ").rests(100);
        assert!(rig.asked);
        rig.input(Input::Granted(credential())).rests(100);
        rig.says("oob\r\nPassword: ").rests(100);
        assert!(rig.written.ends_with("s3cret\r"), "{:?}", rig.written);
        rig
    }
}

const HELD: &str = "{ profile: rockwell, setup: [ATS7=75], marks: { digits_sent: held, carrier: [line] } }";

/// The `;` form is out, and its OK is due.
fn sending() -> Rig {
    let mut rig = Rig::new(spec(false), HELD, BARE);
    rig.says("\r\nOK\r\n").rests(10);
    assert!(rig.written.ends_with("ATDT9,5550101;\r"), "{:?}", rig.written);
    rig
}

#[test]
fn the_end_of_dialing_is_seen_and_call_progress_begins() {
    let mut rig = sending();
    rig.rests(4000).says("\r\nOK\r\n");
    assert!(rig.written.ends_with(";\rATD\r"), "{:?}", rig.written);
    rig.rests(9000).says("\r\nCARRIER 33600\r\n").rests(1000).says("\r\nCONNECT 115200\r\n");
    assert_eq!(
        rig.moments[2..],
        [Moment::Dialed, Moment::DigitsSent, Moment::Carrier, Moment::Connected],
        "{:?}",
        rig.moments
    );
}

#[test]
fn a_modem_that_refuses_the_held_form_is_dialed_plainly_in_the_same_call() {
    let mut rig = sending();
    rig.rests(40).says("\r\nERROR\r\n");
    assert!(rig.written.ends_with(";\rATDT9,5550101\r"), "{:?}", rig.written);
    let dialed = rig.now;
    rig.rests(9000).says("\r\nBUSY\r\n\r\nOK\r\n").rests(60_000);
    let ending = rig.ending();
    assert_eq!((ending.fault, ending.hangup), (Some(Fault::Busy), Hangup::Proven));
    assert!(ending.learned.held_dial_fails);
    assert_eq!(ending.timeline.get(Moment::Dialed).unwrap().at, dialed, "the refused one dialed nothing");
}

#[test]
fn a_modem_that_listens_for_dial_tone_behind_it_is_the_benchs_fault_and_put_down() {
    let mut rig = sending();
    rig.rests(4000).says("\r\nOK\r\n").rests(3000).says("\r\nNO DIALTONE\r\n").rests(10);
    assert!(rig.written.ends_with("ATD\rATH\r"), "{:?}", rig.written);
    rig.says("\r\nOK\r\n").rests(10).says("\r\nOK\r\n").rests(60_000);
    let ending = rig.ending();
    assert_eq!((ending.fault, ending.hangup), (Some(Fault::ModemError), Hangup::Proven), "{ending:?}");
    assert!(ending.learned.held_dial_fails);
}

#[test]
fn a_call_that_is_cancelled_while_it_is_held_is_put_down() {
    for ok_first in [false, true] {
        let mut rig = sending();
        rig.rests(4000);
        if ok_first {
            rig.says("\r\nOK\r\n").rests(2000);
        }
        rig.input(Input::Cancel(Cancel::LogOut));
        assert!(rig.written.ends_with("\r\r"), "a CR aborts: {:?}", rig.written);
        // The OK of the digits may have been on its way: the modem is then off-hook, and would answer AT.
        rig.says("\r\nOK\r\n").rests(10);
        assert!(rig.written.ends_with("ATH\r"), "{:?}", rig.written);
        rig.says("\r\nOK\r\n").rests(10).says("\r\nOK\r\n").rests(60_000);
        let ending = rig.ending();
        assert_eq!((ending.fault, ending.hangup), (Some(Fault::Cancelled), Hangup::Proven), "{ending:?}");
    }
}

#[test]
fn a_line_about_the_link_behind_connect_is_the_modems() {
    let profile = "{ profile: si24xx, quirks: { link_lines_after_connect: true } }";
    let mut rig = Rig::new(spec(true), profile, BARE);
    rig.says("\r\nOK\r\n").rests(9000).says("\r\nCONNECT 33600\r\n\r\nPROTOCOL: V42\r\n").rests(100);
    rig.says("\r\nUsername: ").rests(100).input(Input::Cancel(Cancel::HangUp)).rests(60_000);
    let ending = rig.ending();
    assert_eq!(ending.link.protocol.as_deref(), Some("LAPM"), "{ending:?}");
    assert!(!ending.transcript.as_deref().unwrap_or_default().contains("PROTOCOL"), "{ending:?}");
}

#[test]
fn a_finding_stands_when_the_user_drops_the_line_in_the_logout() {
    let mut rig = Rig::at_password(BARE);
    rig.says("\r\nother-rtr9>").rests(100);
    rig.input(Input::Cancel(Cancel::HangUp)).rests(60_000);
    assert_eq!(rig.ending().fault, Some(Fault::WrongConsole));
}

#[test]
fn a_logout_that_the_user_cuts_off_is_neither_a_pass_nor_the_consoles_fault() {
    let mut rig = Rig::logged_in(BARE);
    rig.input(Input::Cancel(Cancel::HangUp)).rests(60_000);
    assert_eq!(rig.ending().fault, Some(Fault::Cancelled), "{:?}", rig.ending());
    assert_eq!(rig.outcomes, [Outcome::Accepted]);
    assert!(!rig.moments.contains(&Moment::LoggedOut), "nobody saw it");
    assert!(rig.ending().transcript.is_some() && rig.ending().hostname.is_some());
}

#[test]
fn a_port_that_is_lost_in_the_logout_is_the_benchs_fault() {
    let mut rig = Rig::logged_in(BARE);
    rig.input(Input::PortLost(Fault::PortLost, "unplugged"));
    assert_eq!(rig.ending().fault, Some(Fault::PortLost));
    assert_eq!(rig.outcomes, [Outcome::Accepted]);
    assert!(!rig.moments.contains(&Moment::LoggedOut));
}

#[test]
fn an_open_console_stays_one_when_the_port_is_lost() {
    let mut rig = Rig::new(spec(true), COURIER, BARE);
    rig.says("\r\nOK\r\n").rests(9000).says("\r\nCONNECT 9600\r\n\r\nbr1-rtr1>").rests(1000);
    rig.input(Input::PortLost(Fault::PortLost, "unplugged"));
    assert_eq!(rig.ending().fault, Some(Fault::OpenConsole), "it is not called again");
    assert!(rig.ending().port_lost);
}

#[test]
fn a_login_that_was_seen_counts_when_the_call_is_cut_off_in_the_same_breath() {
    let mut rig = Rig::at_password(BARE);
    rig.says("\r\nbr1-rtr1>").input(Input::PortLost(Fault::PortLost, "unplugged"));
    assert_eq!(rig.outcomes, [Outcome::Accepted]);
    let mut rig = Rig::at_password(BARE);
    rig.says("\r\n% Login invalid\r\n").input(Input::PortLost(Fault::PortLost, "unplugged"));
    assert_eq!(
        (rig.outcomes.as_slice(), rig.ending().fault),
        ([Outcome::Refused].as_slice(), Some(Fault::LoginRefused))
    );
}

#[test]
fn a_port_that_is_lost_while_the_number_is_written_may_have_dialed() {
    let profile = Arc::new(serde_yaml::from_str(COURIER).unwrap());
    let mut machine = Machine::new(spec(false), profile, BARE, false, Mono::ZERO);
    machine.handle(Mono::ZERO, Input::Bytes(b"\r\nOK\r\n"));
    while !matches!(machine.poll(), Some(Output::Dial(_))) {}
    machine.handle(Mono::from_millis(5000), Input::PortLost(Fault::ModemSilent, "stalled"));
    let ending = std::iter::from_fn(|| machine.poll())
        .find_map(|output| if let Output::Done(ending) = output { Some(ending) } else { None });
    let ending = ending.unwrap();
    assert!(ending.dialed && ending.port_lost);
    assert_eq!((ending.hangup, ending.fault), (Hangup::Unproven, Some(Fault::ModemSilent)));
}

#[test]
fn a_call_that_is_cancelled_at_its_beginning_types_nothing() {
    let profile = Arc::new(serde_yaml::from_str(COURIER).unwrap());
    let mut machine = Machine::new(spec(false), profile, BARE, false, Mono::ZERO);
    machine.handle(Mono::ZERO, Input::Cancel(Cancel::LogOut));
    while let Some(output) = machine.poll() {
        assert!(!matches!(output, Output::Port(_) | Output::Dial(_)), "{output:?}");
    }
}

/// The edge of DCD overtakes the bytes that were sent before it.
#[test]
fn what_was_said_before_the_carrier_fell_is_still_heard() {
    let mut rig = Rig::at_password(WIRED);
    rig.input(Input::Signal(Signal::Dcd, false)).rests(5);
    rig.says("\r\n% Login invalid\r\n\r\nNO CARRIER\r\n").rests(60_000);
    assert_eq!(rig.ending().fault, Some(Fault::LoginRefused), "{:?}", rig.ending());
}

#[test]
fn a_flicker_of_dcd_loses_no_carrier() {
    let mut rig = Rig::at_password(WIRED);
    rig.input(Input::Signal(Signal::Dcd, false)).rests(10);
    rig.input(Input::Signal(Signal::Dcd, true)).rests(100);
    assert!(rig.ending.is_none());
    rig.says("\r\nbr1-rtr1>").rests(100);
    assert_eq!(rig.outcomes, [Outcome::Accepted]);
}

/// A console that prints the words and goes on, with a pause that a driver may make.
#[test]
fn a_console_that_says_no_carrier_and_goes_on_has_lost_none() {
    let mut rig = Rig::at_password(BARE);
    rig.says("\r\nlast event:\r\nNO CARRIER\r\n").rests(40);
    rig.says("\r\nbr1-rtr1>").rests(100);
    assert_eq!((rig.outcomes.as_slice(), rig.ending.is_none()), ([Outcome::Accepted].as_slice(), true));
}

#[test]
fn a_logout_that_took_the_carrier_is_stamped_when_it_went() {
    for facts in [BARE, WIRED] {
        let mut rig = Rig::logged_in(facts);
        rig.rests(500);
        let at = rig.now;
        if facts.has_signals {
            rig.input(Input::Signal(Signal::Dcd, false));
        }
        rig.says("\r\nNO CARRIER\r\n").rests(30).says("\r\nOK\r\n").rests(60_000);
        let ending = rig.ending();
        assert_eq!((ending.fault, ending.hangup), (None, Hangup::Proven), "{ending:?}");
        assert_eq!(ending.timeline.get(Moment::LoggedOut).unwrap().at, at);
    }
}

#[test]
fn instants_never_go_back() {
    let mut rig = Rig::new(spec(false), COURIER, BARE);
    rig.says("\r\nOK\r\n").rests(9000);
    rig.says("\r\nCARRIER 33600\r\n").rests(100).says("\r\nRINGING\r\n").rests(100);
    // Stamped before what was heard last.
    rig.machine.handle(Mono::from_millis(2000), Input::Bytes(b"\r\nCONNECT 33600\r\n"));
    rig.obey();
    rig.rests(60_000);
    let marks: Vec<_> = rig.ending().timeline.iter().collect();
    assert!(marks.windows(2).all(|pair| pair[0].1.at <= pair[1].1.at), "{marks:?}");
    assert!(rig.ending().timeline.get(Moment::Ringing).is_none(), "no ringing behind the carrier");
}

/// DCD of an earlier call says nothing of this one.
#[test]
fn a_dcd_that_fell_in_the_set_up_ends_no_session() {
    let facts = PortFacts { dcd_at_open: true, ..PortFacts::WIRED };
    let mut rig = Rig::new(spec(true), COURIER, facts);
    rig.input(Input::Signal(Signal::Dcd, false)).says("\r\nOK\r\n").rests(9000);
    rig.says("\r\nCONNECT 9600\r\n\r\nUsername: ").rests(2000);
    assert!(rig.asked && rig.ending.is_none(), "{:?}", rig.ending);
}

const ROCKWELL: &str = "{ profile: r, marks: { answered: dsr, carrier: [dcd] } }";

#[test]
fn edges_that_come_late_bound_their_instants_and_no_text_does() {
    let mut rig = Rig::new(spec(false), ROCKWELL, FAR);
    rig.says("\r\nOK\r\n").rests(9_000);
    rig.input(Input::Signal(Signal::Dsr, true)).rests(400);
    rig.input(Input::Signal(Signal::Dcd, true)).rests(10);
    rig.says("\r\nCONNECT 33600\r\n").rests(60_000);
    let timeline = &rig.ending().timeline;
    let span = |moment| {
        let mark = timeline.get(moment).unwrap();
        let at = mark.at.as_micros() / 1000;
        let half = mark.half_width.as_millis() as u64;
        (at - half, at + half)
    };
    assert_eq!(span(Moment::Answered), (9_000, 10_000));
    // It can't lie before the answer; where that is not known, it may.
    assert_eq!(span(Moment::Carrier), (9_400, 10_400));
    assert_eq!(span(Moment::Connected), (10_410, 10_410), "CONNECT is stamped as it comes");
    let times = PhaseTimes::of(timeline);
    // From 9.0 to 10.4 s, if one edge came at once and the other as late as can be.
    assert_eq!((times.train_ms, times.split_error_ms), (Some(400), Some(1000)));
    // Where edges come at once they are observed.
    let mut rig = Rig::new(spec(false), ROCKWELL, WIRED);
    rig.says("\r\nOK\r\n").rests(9_000);
    rig.input(Input::Signal(Signal::Dsr, true)).rests(400);
    rig.says("\r\nCONNECT 33600\r\n").rests(60_000);
    assert_eq!(PhaseTimes::of(&rig.ending().timeline).split_error_ms, None);
}

#[test]
fn a_late_edge_is_bounded_by_what_was_heard_before_it() {
    let mut rig = Rig::new(spec(false), "{ profile: r, marks: { ringing: true, answered: dsr } }", FAR);
    rig.says("\r\nOK\r\n").rests(5_000).says("\r\nRINGING\r\n").rests(6_000);
    rig.says("\r\nRINGING\r\n").rests(300).input(Input::Signal(Signal::Dsr, true));
    rig.rests(10).says("\r\nCONNECT 33600\r\n").rests(60_000);
    let mark = rig.ending().timeline.get(Moment::Answered).unwrap();
    // It still rang 300 ms ago.
    assert_eq!((mark.at, mark.half_width), (Mono::from_millis(12_150), Duration::from_millis(150)));
    // Two edges in one report: the carrier is not put before the answer, and its span holds all of the second.
    let mut rig = Rig::new(spec(false), ROCKWELL, FAR);
    rig.says("\r\nOK\r\n").rests(9_000);
    rig.input(Input::Signal(Signal::Dsr, true)).input(Input::Signal(Signal::Dcd, true)).rests(10);
    rig.says("\r\nCONNECT 33600\r\n").rests(60_000);
    let mark = |moment| rig.ending().timeline.get(moment).unwrap();
    assert!(mark(Moment::Answered).at <= mark(Moment::Carrier).at);
    assert_eq!(mark(Moment::Carrier).half_width, Duration::from_millis(500));
}

#[test]
fn a_wire_that_tells_late_does_not_hold_up_a_logout_nor_believe_a_console_sooner() {
    // NO CARRIER behind the logout: the wire still shows the carrier, since nobody has looked.
    let mut rig = Rig::logged_in(FAR);
    rig.rests(500);
    let at = rig.now;
    rig.says("\r\nNO CARRIER\r\n").rests(10);
    assert_eq!(rig.moments.last(), Some(&Moment::LoggedOut));
    rig.rests(600).input(Input::Signal(Signal::Dcd, false)).says("\r\nOK\r\n").rests(60_000);
    let ending = rig.ending();
    assert_eq!((ending.fault, ending.hangup), (None, Hangup::Proven), "{ending:?}");
    assert_eq!(ending.timeline.get(Moment::LoggedOut).unwrap().at, at);
    // Before it, the words alone end nothing while the wire may still speak against them.
    let mut rig = Rig::at_password(FAR);
    rig.says("\r\nlast event:\r\nNO CARRIER\r\n").rests(1_500).says("\r\nbr1-rtr1>").rests(100);
    assert_eq!((rig.outcomes.as_slice(), rig.ending.is_none()), ([Outcome::Accepted].as_slice(), true));
    // A logout that only the wire tells of is bounded like any other edge.
    let mut rig = Rig::logged_in(FAR);
    rig.rests(5_000).input(Input::Signal(Signal::Dcd, false)).rests(100).says("\r\nOK\r\n").rests(60_000);
    let mark = rig.ending().timeline.get(Moment::LoggedOut);
    assert!(mark.is_none_or(|mark| !mark.half_width.is_zero()), "{mark:?}");
}

#[test]
fn what_a_console_prints_behind_connect_overrules_nothing_that_the_modem_told() {
    const V250: &str =
        "{ profile: v250, marks: { carrier: [line] }, quirks: { link_lines_after_connect: true } }";
    let mut rig = Rig::new(spec(true), V250, BARE);
    rig.says("\r\nOK\r\n").rests(20_000).says("\r\n+MCR: V34\r\n+MRR: 33600\r\n+ER: LAPM\r\n").rests(900);
    rig.says("\r\nCONNECT 115200\r\n\r\nCARRIER 2400\r\nPROTOCOL: NONE\r\nCOMPRESSION: V.42BIS\r\n");
    rig.says("\r\nUsername: ").rests(10);
    let link = &rig.machine.link;
    assert_eq!((link.tx_bps, link.protocol.as_deref()), (Some(33_600), Some("LAPM")));
    assert_eq!(link.compression.as_deref(), Some("V.42bis"), "of that the modem had told nothing");
}
