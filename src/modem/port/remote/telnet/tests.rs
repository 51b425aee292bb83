use proptest::prelude::*;

use super::*;

/// All that is read, with data joined: where a stream is cut is no part of what it says.
fn read(pieces: &[&[u8]], binary: bool) -> Vec<Item> {
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    for piece in pieces {
        let mut bytes = *piece;
        while let Some(item) = decoder.next(&mut bytes, binary) {
            match (items.last_mut(), item) {
                (Some(Item::Data(data)), Item::Data(more)) => data.extend(more),
                (_, item) => items.push(item),
            }
        }
        assert!(bytes.is_empty(), "some were left");
        assert!(decoder.sub.len() <= SUB_BYTES_MAX, "a subnegotiation grows without bound");
    }
    items
}

#[test]
fn options_data_and_subnegotiations_are_told_apart() {
    let stream = [
        b"ab".as_slice(),
        &[IAC, WILL, 1, IAC, DONT, 44, IAC, IAC],
        b"c",
        &[IAC, SB, 44, 107, IAC, IAC, 7, IAC, SE],
        &[IAC, 241, IAC, 246],
        b"d",
    ]
    .concat();
    assert_eq!(
        read(&[&stream], true),
        [
            Item::Data(b"ab".to_vec()),
            Item::Option(Verb::Will, 1),
            Item::Option(Verb::Dont, 44),
            Item::Data(b"\xffc".to_vec()),
            Item::Sub(44, vec![107, 255, 7]),
            Item::Data(b"d".to_vec()),
        ]
    );
}

#[test]
fn a_nul_belongs_to_its_cr_outside_of_binary_mode_alone() {
    let stream = b"a\r\0b\r\n\0c\0\r\r\0";
    assert_eq!(read(&[stream], false), [Item::Data(b"a\rb\r\n\0c\0\r\r".to_vec())]);
    assert_eq!(read(&[stream], true), [Item::Data(stream.to_vec())]);
    // A command between the two is no data.
    assert_eq!(read(&[&[CR, IAC, 241, NUL, b'x']], false), [Item::Data(b"\rx".to_vec())]);
}

#[test]
fn a_subnegotiation_that_is_never_closed_or_too_long_says_nothing() {
    let unclosed = [IAC, SB, 44, 107, IAC, WILL, 3, b'x'];
    assert_eq!(read(&[&unclosed], true), [Item::Option(Verb::Will, 3), Item::Data(b"x".to_vec())]);
    let mut long = vec![IAC, SB, 44];
    long.resize(100_000, 7);
    long.extend([IAC, SE, b'x']);
    assert_eq!(read(&[&long], true), [Item::Data(b"x".to_vec())]);
    assert_eq!(read(&[&[IAC, SB, IAC, SE, b'x']], true), [Item::Data(b"x".to_vec())], "an empty one");
}

#[test]
fn what_goes_out_is_escaped() {
    let mut out = Vec::new();
    put_data(b"AT\r\xff", false, &mut out);
    put_option(Verb::Will, 44, &mut out);
    put_sub(44, &[11, 255], &mut out);
    let expected =
        [b"AT\r\0\xff\xff".as_slice(), &[IAC, WILL, 44, IAC, SB, 44, 11, 255, 255, IAC, SE]].concat();
    assert_eq!(out, expected);
    out.clear();
    put_data(b"AT\r", true, &mut out);
    assert_eq!(out, b"AT\r");
}

/// Bytes in which telnet's own are common.
fn wild() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        Just(IAC),
        prop::sample::select(vec![SB, SE, WILL, WONT, DO, DONT, CR, NUL, b'\n', 44]),
        any::<u8>()
    ];
    prop::collection::vec(byte, 0..200)
}

proptest! {
    #[test]
    fn any_split_of_any_bytes_says_the_same(
        bytes in wild(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        binary in any::<bool>(),
    ) {
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read(&pieces, binary), read(&[&bytes], binary));
        let ones: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(read(&ones, binary), read(&[&bytes], binary));
    }

    #[test]
    fn what_is_written_is_read_again(data in wild(), said in wild(), option in any::<u8>(), binary in any::<bool>()) {
        prop_assume!(option != IAC);
        let mut out = Vec::new();
        put_data(&data, binary, &mut out);
        put_sub(option, &said, &mut out);
        put_option(Verb::Do, option, &mut out);
        let mut expected = Vec::new();
        if !data.is_empty() {
            expected.push(Item::Data(data));
        }
        expected.push(Item::Sub(option, said));
        expected.push(Item::Option(Verb::Do, option));
        prop_assert_eq!(read(&[&out], binary), expected);
    }
}
