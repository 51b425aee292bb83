//! The client against what servers say, as recorded of Debian's ser2net 4.3.11 and as sredird's source has it.

use proptest::prelude::*;

use super::*;

const RFC2217: Kind = Kind::Rfc2217 { baud: 115_200, rtscts: false };

const DO_44: [u8; 3] = [255, 253, 44];
const WILL_44: [u8; 3] = [255, 251, 44];

/// ser2net's first words: it would suppress go-ahead and echo, and asks for the com port option itself.
const SER2NET_FIRST: [u8; 21] =
    [255, 251, 3, 255, 253, 3, 255, 251, 1, 255, 254, 1, 255, 253, 0, 255, 251, 0, 255, 253, 44];

/// sredird's: binary both ways, echo, no go-ahead, the com port option.
const SREDIRD_FIRST: [u8; 18] =
    [255, 251, 0, 255, 253, 0, 255, 251, 1, 255, 251, 3, 255, 253, 3, 255, 253, 44];

fn at(ms: u64) -> Mono {
    Mono::from_millis(ms)
}

fn sub(said: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_sub(COM_PORT, said, &mut out);
    out
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The settings as a server confirms them, but for SET-CONTROL.
fn confirmed() -> Vec<u8> {
    let words: [&[u8]; 5] = [&[101, 0, 1, 0xc2, 0], &[102, 8], &[103, 1], &[104, 1], &[112, 3]];
    words.iter().flat_map(|said| sub(said)).collect()
}

/// A client to which a server said all this at once, and which has waited out its limits since.
fn opened(server: &[&[u8]]) -> Client {
    let mut client = Client::new(RFC2217, false, at(0));
    for words in server {
        client.receive(at(10), words);
    }
    rest(&mut client, 10_000);
    assert!(client.is_open());
    let _ = client.take_out();
    client
}

/// Lets its limits come, as a driver would.
fn rest(client: &mut Client, until_ms: u64) {
    while let Some(due) = client.deadline().filter(|due| *due <= at(until_ms)) {
        client.time(due);
    }
}

fn events(client: &mut Client) -> Vec<Event> {
    std::iter::from_fn(|| client.next_event()).collect()
}

#[test]
fn the_option_is_offered_and_never_asked_for() {
    let mut client = Client::new(RFC2217, false, at(0));
    let out = client.take_out();
    assert!(holds(&out, &WILL_44) && !holds(&out, &DO_44), "{out:?}");
    let mut client = Client::new(Kind::Telnet, false, at(0));
    assert!(!client.take_out().contains(&44), "telnet without it says nothing of it");
    assert_eq!(Client::new(Kind::Raw, false, at(0)).take_out(), b"");
}

#[test]
fn ser2net_on_a_port_without_lines_opens_at_once_and_shows_none() {
    let mut client = Client::new(RFC2217, false, at(0));
    let _ = client.take_out();
    client.receive(at(1), &SER2NET_FIRST);
    // It answers our own request for what it had offered with a word of its own.
    client.receive(at(2), &[&sub(&[107, 0]), [255, 253, 3].as_slice()].concat());
    let out = client.take_out();
    for asked in [&[1, 0, 1, 0xc2, 0][..], &[2, 8], &[3, 1], &[4, 1], &[5, 1], &[5, 8], &[5, 11], &[12, 3]] {
        assert!(holds(&out, &sub(asked)), "{asked:?} is not in {out:?}");
    }
    assert!(holds(&out, &[11, 255, 255, 255, 240]), "the mask's 255 is doubled");
    assert!(!holds(&out, &DO_44));
    // Neither DTR nor RTS is ever answered, and the mask with the state itself.
    client.receive(at(3), &[confirmed(), sub(&[105, 1]), sub(&[107, 0]), sub(&[106, 0])].concat());
    assert!(!client.is_open());
    rest(&mut client, 110);
    assert!(client.is_open(), "nothing but its silence was left to wait for");
    assert_eq!(client.take_remarks(), [""; 0]);
    assert!(!client.has_lines(), "all low is what it says of a port that has none");
    assert_eq!(client.level(Signal::Dcd), None);
    // A state told before the option is agreed is as good as one told later.
    let client = opened(&[&SER2NET_FIRST, &sub(&[107, 0x30]), &confirmed()]);
    assert!(client.has_lines());
    assert_eq!((client.level(Signal::Dsr), client.level(Signal::Dcd)), (Some(true), Some(false)));
}

#[test]
fn sredird_answers_set_control_wrongly_and_is_not_believed() {
    let mut client = opened(&[&SREDIRD_FIRST, &confirmed(), &sub(&[107, 0xb1])]);
    assert!(client.dtr(false));
    assert_eq!(client.take_out(), sub(&[5, 9]));
    for echo in [[105, 1], [105, 8], [105, 9], [105, 7]] {
        client.receive(at(11_000), &sub(&echo));
    }
    assert_eq!(events(&mut client), [], "an echo moves no line");
    assert_eq!(client.level(Signal::Dcd), Some(true));
    client.receive(at(11_500), &sub(&[107, 0x38]));
    assert_eq!(events(&mut client), [Event::Signal(Signal::Dcd, false)]);
    // Its speed comes with four bytes too many.
    let mut sredird = Client::new(RFC2217, false, at(0));
    sredird.receive(at(1), &SREDIRD_FIRST);
    sredird.receive(at(2), &sub(&[101, 0, 1, 0xc2, 0, 0, 0, 0, 0]));
    rest(&mut sredird, 5_000);
    assert!(!sredird.take_remarks().iter().any(|remark| remark.contains("speed")));
}

#[test]
fn edges_come_in_order_with_the_data_between_them_and_only_when_a_level_changes() {
    let mut client = opened(&[&SER2NET_FIRST, &confirmed(), &sub(&[107, 0x10])]);
    let words = [
        sub(&[107, 0x32]),
        b"\r\nCONNECT".to_vec(),
        sub(&[107, 0x3f]),
        sub(&[107, 0xb8]),
        sub(&[107, 0xf4]),
        b" 9600\r\n".to_vec(),
        sub(&[107, 0x10]),
    ];
    client.receive(at(20_000), &words.concat());
    assert_eq!(
        events(&mut client),
        [
            Event::Signal(Signal::Dsr, true),
            Event::Data(b"\r\nCONNECT".to_vec()),
            Event::Signal(Signal::Dcd, true),
            Event::Signal(Signal::Ri, true),
            Event::Data(b" 9600\r\n".to_vec()),
            Event::Signal(Signal::Dsr, false),
            Event::Signal(Signal::Dcd, false),
            Event::Signal(Signal::Ri, false),
        ]
    );
}

#[test]
fn a_server_that_says_nothing_at_all_is_waited_for_once_and_told() {
    let mut client = Client::new(RFC2217, false, at(0));
    rest(&mut client, 1_999);
    assert!(!client.is_open());
    rest(&mut client, 2_100);
    assert!(client.is_open());
    assert!(client.take_remarks()[0].contains("does not answer to RFC 2217"));
    assert!(!client.has_lines() && !client.dtr(false), "nothing can be asked of it");
    assert_eq!(client.level(Signal::Dcd), None);
    let _ = client.take_out();
    client.send(b"AT\r\xff");
    assert_eq!(client.take_out(), b"AT\r\0\xff\xff", "no binary mode was agreed");
}

#[test]
fn a_server_that_refuses_or_answers_half_is_used_as_it_is() {
    let mut client = Client::new(RFC2217, false, at(0));
    client.receive(at(1), &[255, 254, 44, 255, 253, 0, 255, 251, 0, 255, 253, 3, 255, 251, 3]);
    rest(&mut client, 150);
    assert!(client.is_open(), "all was answered: there is nothing to wait for");
    assert!(client.take_remarks()[0].contains("refuses RFC 2217"));
    // Without the agreement, what it tells of lines is not taken for more than noise.
    client.receive(at(200), &sub(&[107, 0xf0]));
    assert!(!client.has_lines());
    // Agreed, but the settings are not answered: a second, and a word to the user.
    let mut client = Client::new(RFC2217, false, at(0));
    client.receive(at(1), &DO_44);
    rest(&mut client, 2_999);
    assert!(!client.is_open());
    rest(&mut client, 4_000);
    assert!(client.is_open());
    let remarks = client.take_remarks();
    assert_eq!(remarks.len(), 1);
    assert!(remarks[0].contains("speed, its data bits, its parity, its stop bits"), "{remarks:?}");
    // Or with other figures.
    let mut client = Client::new(RFC2217, false, at(0));
    let other: Vec<u8> =
        [&[101, 0, 0, 0x25, 0x80][..], &[102, 7]].iter().flat_map(|said| sub(said)).collect();
    client.receive(at(1), &SER2NET_FIRST);
    client.receive(at(2), &other);
    rest(&mut client, 4_000);
    let remarks = client.take_remarks();
    assert!(remarks.contains(&"its speed is 9600 instead of 115200 bit/s".to_owned()), "{remarks:?}");
    assert!(remarks.contains(&"data bits: 7 instead of 8".to_owned()), "{remarks:?}");
}

#[test]
fn a_banner_is_kept_apart_from_what_the_modem_says_and_waited_out_with_a_limit() {
    let mut client = Client::new(Kind::Raw, false, at(0));
    for ms in (0..2_000).step_by(50) {
        client.receive(at(ms), b"welcome ");
        rest(&mut client, ms);
    }
    assert!(client.is_open(), "it talks for ever, and is not waited for that long");
    assert!(client.banner().starts_with(b"welcome welcome ") && client.banner().len() <= BANNER_BYTES_MAX);
    assert!(events(&mut client).len() < 25, "what came in the first second is the server's");
    let mut client = opened(&[&SER2NET_FIRST, &confirmed(), &sub(&[107, 0]), b"ser2net port\r\nOK\r\n"]);
    assert_eq!(events(&mut client), []);
    client.receive(at(20_000), b"OK");
    assert_eq!(events(&mut client), [Event::Data(b"OK".to_vec())]);
}

#[test]
fn a_confirmed_purge_throws_away_what_was_on_its_way_and_an_unconfirmed_one_nothing_more() {
    let mut client = opened(&[&SER2NET_FIRST, &confirmed(), &sub(&[107, 0x30])]);
    client.receive(at(20_000), b"old");
    client.purge(at(20_001));
    assert_eq!((client.take_out(), events(&mut client)), (sub(&[12, 1]), vec![]));
    client.receive(
        at(20_002),
        &[b"also old".to_vec(), sub(&[107, 0xb0]), sub(&[112, 1]), b"new".to_vec()].concat(),
    );
    assert_eq!(
        events(&mut client),
        [Event::Signal(Signal::Dcd, true), Event::Data(b"new".to_vec())],
        "edges stay"
    );
    // A confirmation that does not come holds nothing up for longer than its limit.
    client.purge(at(21_000));
    client.receive(at(21_999), b"lost");
    rest(&mut client, 22_000);
    client.receive(at(22_001), b"heard");
    assert_eq!(events(&mut client), [Event::Data(b"heard".to_vec())]);
    // A server that never confirmed one is not waited for.
    let mut client = opened(&[&DO_44]);
    client.purge(at(20_000));
    client.receive(at(20_001), b"OK");
    assert_eq!(events(&mut client), [Event::Data(b"OK".to_vec())]);
}

#[test]
fn a_server_may_stop_us_and_let_us_go_on() {
    let mut client = opened(&[&DO_44]);
    client.receive(at(20_000), &sub(&[108]));
    assert!(client.is_suspended());
    client.receive(at(20_100), &sub(&[109]));
    assert!(!client.is_suspended());
}

#[test]
fn lines_that_were_proven_once_are_known_of_the_next_connection_but_not_their_levels() {
    let mut client = Client::new(RFC2217, true, at(0));
    client.receive(at(1), &DO_44);
    rest(&mut client, 10_000);
    assert!(client.has_lines());
    assert_eq!(client.level(Signal::Dcd), None, "it was not told yet");
    client.receive(at(20_000), &sub(&[107, 0x80]));
    assert_eq!(events(&mut client), [Event::Signal(Signal::Dcd, true)]);
}

#[test]
fn an_option_that_ends_takes_its_rights_with_it() {
    let mut client = opened(&[&SER2NET_FIRST, &confirmed(), &sub(&[107, 0xb0])]);
    client.receive(at(20_000), &[255, 254, 44]);
    assert_eq!(client.take_out(), [255, 252, 44]);
    assert!(!client.has_lines() && !client.dtr(false));
}

proptest! {
    /// Whatever a server sends, and in whatever pieces: bounded answers, an open port within the limits, no panic.
    #[test]
    fn hostile_servers_get_bounded_answers(
        pieces in prop::collection::vec(
            prop::collection::vec(prop_oneof![Just(255_u8), 240_u8..=255, Just(44), 100_u8..=112, any::<u8>()], 0..60),
            0..40,
        ),
        rfc2217 in any::<bool>(),
    ) {
        let mut client = Client::new(if rfc2217 { RFC2217 } else { Kind::Telnet }, false, at(0));
        let mut sent = client.take_out().len();
        let mut came = 0;
        let mut ms = 0;
        for piece in &pieces {
            ms += 37;
            client.receive(at(ms), piece);
            rest(&mut client, ms);
            came += piece.len();
            sent += client.take_out().len();
        }
        rest(&mut client, ms + 10_000);
        prop_assert!(client.is_open());
        sent += client.take_out().len();
        prop_assert!(sent <= came + 200, "{came} bytes came, {sent} went out");
        prop_assert!(client.banner().len() <= BANNER_BYTES_MAX);
        let data: usize = events(&mut client)
            .iter()
            .map(|event| if let Event::Data(data) = event { data.len() } else { 0 })
            .sum();
        prop_assert!(data <= came);
    }
}
