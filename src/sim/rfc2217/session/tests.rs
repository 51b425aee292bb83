//! What a client is answered and told, byte by byte.

use proptest::prelude::*;

use super::*;

const WILL_COM_PORT: [u8; 3] = [IAC, 251, COM_PORT];
/// What a client answers to the greeting, and asks.
const AGREE: [u8; 12] = [IAC, 253, 3, IAC, 251, 3, IAC, 253, 0, IAC, 251, 0];
const NOTHING: [u8; 0] = [];
/// The modem lines of a modem at rest, told without a change.
const AT_REST: [u8; 7] = [IAC, 250, COM_PORT, 107, CTS, IAC, 240];

fn at(ms: u64) -> Mono {
    Mono::ZERO + Duration::from_millis(ms)
}

fn session(manners: &Manners) -> Session {
    Session::new(Mono::ZERO, manners, "a modem", Lines::new(), true)
}

/// All that goes out now.
fn out(session: &mut Session) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !session.output().is_empty() {
        let count = session.output().len();
        bytes.extend_from_slice(session.output());
        session.sent(count);
    }
    bytes
}

fn events(session: &mut Session) -> Vec<Event> {
    std::iter::from_fn(|| session.event()).collect()
}

fn wrongs(session: &mut Session) -> usize {
    events(session).iter().filter(|event| matches!(event, Event::Wrong(_))).count()
}

/// A session in which all is agreed, and all that was said till then is read.
fn agreed(manners: &Manners) -> Session {
    let mut session = session(manners);
    out(&mut session);
    session.input(&AGREE);
    session.input(&WILL_COM_PORT);
    out(&mut session);
    assert_eq!(events(&mut session), []);
    session
}

fn command(code: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![IAC, 250, COM_PORT, code];
    telnet::escape(value, &mut bytes);
    bytes.extend([IAC, 240]);
    bytes
}

/// What a client is answered to one command.
fn asked(session: &mut Session, code: u8, value: &[u8]) -> Vec<u8> {
    session.input(&command(code, value));
    out(session)
}

#[test]
fn nothing_is_said_of_the_port_before_a_client_wants_to_hear_it() {
    let mut session = session(&Manners::strict());
    assert_eq!(out(&mut session), [IAC, 251, 3, IAC, 253, 3, IAC, 251, 0, IAC, 253, 0]);
    session.set(at(1), Lines::new().with(Signal::Dsr, true));
    assert_eq!(out(&mut session), NOTHING);
    session.set(at(2), Lines::new());
    session.input(&AGREE);
    assert_eq!(out(&mut session), NOTHING);
    session.input(&WILL_COM_PORT);
    let mut expected = vec![IAC, 253, COM_PORT];
    // What DSR did meanwhile is a change that was not told yet.
    expected.extend(command(107, &[CTS | 2]));
    assert_eq!(out(&mut session), expected);
    assert_eq!(events(&mut session), []);
}

#[test]
fn commands_count_once_the_option_is_agreed() {
    let mut session = session(&Manners::strict());
    out(&mut session);
    session.input(&command(5, &[9]));
    assert_eq!(wrongs(&mut session), 1);
    // In one breath with the WILL: our DO can't have been seen.
    session.input(&[&WILL_COM_PORT[..], &command(5, &[9])].concat());
    assert_eq!(wrongs(&mut session), 1);
    assert_eq!(out(&mut session), [&[IAC, 253, COM_PORT][..], &AT_REST].concat());
    session.input(&command(5, &[9]));
    assert_eq!(events(&mut session), [Event::Dtr(false)]);
    // And no more once it is off again.
    session.input(&[IAC, 252, COM_PORT]);
    assert_eq!(out(&mut session), [&command(105, &[9])[..], &[IAC, 254, COM_PORT]].concat());
    session.input(&command(5, &[8]));
    session.set(at(5), Lines::new().with(Signal::Dcd, true));
    assert_eq!((out(&mut session), wrongs(&mut session)), (vec![], 1));
}

#[test]
fn servers_in_the_field_obey_who_has_not_agreed_and_it_is_told_all_the_same() {
    for manners in [Manners::ser2net(), Manners::sredird()] {
        let mut session = session(&manners);
        out(&mut session);
        assert_eq!(asked(&mut session, 3, &[2]), command(103, &[2]));
        assert_eq!(wrongs(&mut session), 1);
        assert_eq!(asked(&mut session, 3, &[0]), command(103, &[2]));
        assert_eq!(wrongs(&mut session), 0, "told once");
    }
}

#[test]
fn every_setting_is_answered_with_what_is_in_force() {
    let mut session = agreed(&Manners::strict());
    for (code, value, expected) in [
        (0, &[][..], &b"a modem"[..]),
        (1, &[0, 0, 0, 0], &[0, 0, 0x25, 0x80]),
        (1, &[0, 1, 0xC2, 0], &[0, 1, 0xC2, 0]),
        (1, &[0, 0, 0, 0], &[0, 1, 0xC2, 0]),
        // Any speed, and one with 255 in it.
        (1, &[0, 0, 0xFF, 0xFF], &[0, 0, 0xFF, 0xFF]),
        (2, &[7], &[7]),
        (2, &[0], &[7]),
        (3, &[3], &[3]),
        (3, &[0], &[3]),
        (4, &[2], &[2]),
        (4, &[0], &[2]),
        (5, &[7], &[8]),
        (5, &[3], &[3]),
        (6, &[], &[0x60]),
        (7, &[], &[CTS]),
        (10, &[255], &[255]),
        (11, &[255], &[255]),
        (12, &[3], &[3]),
    ] {
        assert_eq!(asked(&mut session, code, value), command(code + 100, expected), "{code} {value:?}");
    }
    // A client's own signature is no question.
    assert_eq!(asked(&mut session, 0, b"a client"), NOTHING);
    assert_eq!(wrongs(&mut session), 0);
    assert_eq!(asked(&mut session, 2, &[9]), NOTHING);
    assert_eq!(wrongs(&mut session), 1);
}

#[test]
fn what_comes_before_a_command_is_done_before_it() {
    let mut session = agreed(&Manners::strict());
    session
        .input(&[b"ATH\r"[..].to_vec(), command(5, &[9]), b"x\xff\xff".to_vec(), command(5, &[8])].concat());
    assert_eq!(
        events(&mut session),
        [Event::Data(b"ATH\r".to_vec()), Event::Dtr(false), Event::Data(b"x\xff".to_vec()), Event::Dtr(true)]
    );
    // What it is already is no change.
    session.input(&command(5, &[8]));
    assert_eq!(events(&mut session), []);
}

#[test]
fn each_change_of_a_line_is_told_at_once_with_its_own_bit() {
    let mut session = agreed(&Manners::strict());
    let mut lines = Lines::new();
    for (signal, level, expected) in [
        (Signal::Ri, true, CTS | RI),
        (Signal::Ri, false, CTS | 4),
        (Signal::Dsr, true, CTS | DSR | 2),
        (Signal::Dcd, true, CTS | DSR | DCD | 8),
        (Signal::Dsr, false, CTS | DCD | 2),
        (Signal::Dcd, false, CTS | 8),
    ] {
        lines = lines.with(signal, level);
        session.set(at(1), lines);
        assert_eq!(out(&mut session), command(107, &[expected]), "{signal:?} {level}");
        assert_eq!(session.deadline(), None);
    }
    // The same again is no change.
    session.set(at(2), lines);
    assert_eq!(out(&mut session), NOTHING);
}

#[test]
fn the_mask_rules_what_is_told() {
    let mut session = agreed(&Manners::strict());
    asked(&mut session, 11, &[0]);
    session.set(at(1), Lines::new().with(Signal::Dcd, true));
    assert_eq!(out(&mut session), NOTHING);
    asked(&mut session, 11, &[DCD | 8]);
    session.set(at(2), Lines::new());
    assert_eq!(out(&mut session), command(107, &[8]));
    session.set(at(3), Lines::new().with(Signal::Dsr, true));
    assert_eq!(out(&mut session), NOTHING);
    // Masked like this, a rise and a fall of DCD can be told apart only by the level.
    asked(&mut session, 11, &[DCD]);
    session.set(at(4), Lines::new().with(Signal::Dcd, true));
    assert_eq!(out(&mut session), command(107, &[DCD]));
    session.set(at(5), Lines::new());
    assert_eq!(out(&mut session), NOTHING);
    assert_eq!(asked(&mut session, 7, &[]), command(107, &[0]));
}

#[test]
fn a_client_that_says_stop_hears_nothing_until_it_says_go() {
    let mut session = agreed(&Manners::strict());
    assert_eq!(asked(&mut session, 8, &[]), NOTHING);
    session.data(b"RING\r\n");
    session.set(at(1), Lines::new().with(Signal::Dcd, true));
    session.set(at(2), Lines::new());
    session.input(&command(5, &[7]));
    assert_eq!(out(&mut session), NOTHING);
    let told = asked(&mut session, 9, &[]);
    assert_eq!(told, [command(105, &[8]), b"RING\r\n".to_vec(), command(107, &[CTS | 8])].concat());
    assert_eq!(wrongs(&mut session), 0);
}

#[test]
fn without_binary_text_is_text() {
    let mut session = session(&Manners::strict());
    out(&mut session);
    session.input(&[IAC, 254, 0, IAC, 252, 0]);
    session.input(b"AT\r");
    session.input(b"\0ATI\r\nX");
    assert_eq!(events(&mut session), [Event::Data(b"AT\r".to_vec()), Event::Data(b"ATI\r\nX".to_vec())]);
    session.input(b"ATZ\rX");
    assert!(matches!(&events(&mut session)[..], [Event::Wrong(_), Event::Data(data)] if data == b"ATZ\rX"));
    session.data(b"AT\rOK\r\n\xff");
    assert_eq!(out(&mut session), b"AT\r\0OK\r\n\xff\xff");
}

#[test]
fn with_binary_a_cr_is_a_cr() {
    let mut session = agreed(&Manners::strict());
    session.input(b"AT\rX\0");
    assert_eq!(events(&mut session), [Event::Data(b"AT\rX\0".to_vec())]);
    session.data(b"AT\rOK\r\n\xff");
    assert_eq!(out(&mut session), b"AT\rOK\r\n\xff\xff");
}

#[test]
fn a_purge_takes_waiting_data_and_no_answers() {
    let mut session = agreed(&Manners::strict());
    session.data(&vec![b'x'; 60_000]);
    session.input(&command(12, &[2]));
    session.input(&command(12, &[1]));
    let told = out(&mut session);
    let data = told.iter().take_while(|byte| **byte == b'x').count();
    assert_eq!(data, STAGED_MAX, "what was on its way can't be called back");
    assert!(told.ends_with(&[command(112, &[2]), command(112, &[1])].concat()));
}

#[test]
fn a_client_that_does_not_read_its_data_can_still_hang_up() {
    let mut session = agreed(&Manners::strict());
    for _ in 0..100 {
        session.data(&[255; 4096]);
    }
    assert!(session.data.len() <= DATA_MAX && session.wants_input());
    session.input(&command(5, &[9]));
    assert_eq!(events(&mut session), [Event::Dtr(false)]);
    session.set(at(1), Lines::new().with(Signal::Dcd, true));
    assert!(out(&mut session).windows(7).any(|some| some == command(107, &[CTS | DCD | 8])));
}

#[test]
fn ser2nets_first_words_and_its_silences() {
    let manners = Manners::ser2net();
    let mut session = session(&manners);
    let first = out(&mut session);
    for expected in [&[IAC, 251, ECHO][..], &[IAC, 254, ECHO], &[IAC, 253, COM_PORT], &AT_REST] {
        assert!(first.windows(expected.len()).any(|some| some == expected), "{first:?}");
    }
    session.input(&WILL_COM_PORT);
    assert_eq!(out(&mut session), NOTHING, "an answer is not answered");
    session.input(&AGREE);
    assert_eq!(out(&mut session), [IAC, 253, 3], "all but this was asked for by the server");
    for (control, answer) in
        [(8, None), (9, None), (11, None), (12, None), (7, Some(7)), (10, Some(10)), (1, Some(1))]
    {
        let expected = answer.map(|value| command(105, &[value])).unwrap_or_default();
        assert_eq!(asked(&mut session, 5, &[control]), expected, "SET-CONTROL {control}");
    }
    assert_eq!(events(&mut session), [Event::Dtr(false)], "it is done all the same");
    assert_eq!(asked(&mut session, 3, &[2]), command(103, &[2]));
}

#[test]
fn lines_that_are_looked_at_by_the_clock_are_told_by_it() {
    let mut session = agreed(&Manners::ser2net());
    assert_eq!(session.deadline(), None, "nothing to tell, nothing to wake up for");
    let up = Lines::new().with(Signal::Dcd, true);
    session.set(at(2400), up);
    assert_eq!(out(&mut session), NOTHING);
    assert_eq!(session.deadline(), Some(at(3000)));
    session.time(at(2999));
    assert_eq!(out(&mut session), NOTHING);
    session.time(at(3000));
    assert_eq!(out(&mut session), command(107, &[CTS | DCD | 8]));
    assert_eq!(session.deadline(), None);
    // What is over before the next look was never seen.
    session.set(at(3100), Lines::new());
    session.set(at(3200), up);
    session.time(at(9000));
    assert_eq!((out(&mut session), session.deadline()), (vec![], None));
    session.set(at(9100), Lines::new());
    assert_eq!(session.deadline(), Some(at(10_000)));
    // Late is late, and the beat goes on.
    session.time(at(10_700));
    assert_eq!(out(&mut session), command(107, &[CTS | 8]));
    session.set(at(10_800), up);
    assert_eq!(session.deadline(), Some(at(11_000)));
}

#[test]
fn sredirds_answers() {
    let mut session = agreed(&Manners::sredird());
    for control in [0, 7, 8, 9, 3] {
        assert_eq!(asked(&mut session, 5, &[control]), command(105, &[1]), "SET-CONTROL {control}");
    }
    assert_eq!(asked(&mut session, 1, &[0, 0, 0x4B, 0]), command(101, &[0, 0, 0x4B, 0, 0, 0, 0, 0]));
    assert_eq!(events(&mut session), [Event::Dtr(false)]);
}

#[test]
fn a_server_may_be_silent_about_controls() {
    let mut session = agreed(&Manners::strict().control(Control::Never));
    assert_eq!(asked(&mut session, 5, &[9]), NOTHING);
    assert_eq!(events(&mut session), [Event::Dtr(false)]);
}

#[test]
fn a_stranger_is_told_of_so_often_and_no_more() {
    let mut session = session(&Manners::strict());
    session.input(&[IAC, b'G'].repeat(1000));
    assert_eq!(wrongs(&mut session), WRONGS_MAX as usize + 1);
    session.input(&[IAC, 250, COM_PORT]);
    session.end();
    assert_eq!(wrongs(&mut session), 0);
    let mut session = agreed(&Manners::strict());
    session.input(&[IAC, 250, COM_PORT]);
    session.end();
    assert_eq!(wrongs(&mut session), 1);
}

/// What can happen to a session.
#[derive(Debug, Clone)]
enum Step {
    Input(Vec<u8>),
    Data(usize),
    Line(u8, bool),
    Sent(usize),
    Time(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let noise = prop_oneof![any::<u8>(), Just(IAC), Just(250), Just(240), Just(COM_PORT), 0..13_u8];
    let commands = (0..14_u8, proptest::collection::vec(any::<u8>(), 0..5), 1..400_usize)
        .prop_map(|(code, value, times)| command(code, &value).repeat(times));
    prop_oneof![
        proptest::collection::vec(noise, 0..100).prop_map(Step::Input),
        commands.prop_map(Step::Input),
        Just(Step::Input(AGREE.to_vec())),
        Just(Step::Input(WILL_COM_PORT.to_vec())),
        (0..9000_usize).prop_map(Step::Data),
        (0..3_u8, any::<bool>()).prop_map(|(line, level)| Step::Line(line, level)),
        (1..9000_usize).prop_map(Step::Sent),
        (0..3000_u64).prop_map(Step::Time),
    ]
}

proptest! {
    #[test]
    fn nothing_makes_it_hold_much_or_stand_still(
        polling in any::<bool>(),
        steps in proptest::collection::vec(step(), 1..60)
    ) {
        let manners = if polling { Manners::ser2net() } else { Manners::strict() };
        let mut session = session(&manners);
        let (mut now, mut lines) = (0, Lines::new());
        for step in steps {
            match step {
                // As the socket does it: what a client may not send now waits there.
                Step::Input(bytes) => {
                    for some in bytes.chunks(4096) {
                        if session.wants_input() {
                            session.input(some);
                        }
                    }
                }
                Step::Data(count) => session.data(&vec![IAC; count]),
                Step::Line(line, level) => {
                    let signal = [Signal::Dcd, Signal::Dsr, Signal::Ri][usize::from(line)];
                    lines = lines.with(signal, level);
                    session.set(at(now), lines);
                }
                Step::Sent(count) => {
                    let count = count.min(session.output().len());
                    session.sent(count);
                }
                Step::Time(ms) => {
                    now += ms;
                    session.time(at(now));
                }
            }
            prop_assert!(session.out.len() <= OUT_MAX + 32 * 1024, "{}", session.out.len());
            prop_assert!(session.data.len() <= DATA_MAX);
            // A deadline that has come and is served is not there any more: else the thread would spin.
            if let Some(due) = session.deadline().filter(|due| *due <= at(now)) {
                session.time(at(now));
                prop_assert!(session.deadline().is_none_or(|next| next > at(now)), "{due:?} again");
            }
            // Whoever reads gets on: a session never waits for itself.
            let suspended = session.suspended;
            prop_assert!(session.wants_input() || !session.output().is_empty() || suspended);
        }
        out(&mut session);
        prop_assert!(session.wants_input());
    }
}
