use proptest::prelude::*;

use super::*;

/// Tokens in a short notation: `<OK>` for results, `'text'` for lines, `[bytes]` for data.
fn show(codec: &mut Codec) -> String {
    codec
        .map(|token| match token {
            Token::Result(ResultCode::Unknown(text)) => format!("<?{text}>"),
            Token::Result(code) => format!("<{code}>"),
            Token::Info(text) => format!("'{text}'"),
            Token::Data(bytes) => format!("[{}]", bytes.escape_ascii()),
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn read(bytes: &str) -> String {
    let mut codec = Codec::new(false);
    codec.feed(bytes.as_bytes());
    show(&mut codec)
}

#[test]
fn line_ends_may_be_any_mixture() {
    for bytes in [
        "\r\nRING\r\n\r\nOK\r\n",
        "RING\rOK\r",
        "RING\nOK\n",
        "\n\rRING\n\r\n\rOK\n\r",
        "\r\r\nRING\r\r\n\r\r\nOK\r\r\n",
        "\r\nRING\r\nOK\r",
        "\0\r\nRI\x11NG\r\n\x10\x03\r\nOK\x7f\r\n",
    ] {
        assert_eq!(read(bytes), "<RING> <OK>", "{bytes:?}");
    }
}

#[test]
fn ringing_is_not_an_incoming_ring() {
    assert_eq!(read("\r\nRINGING\r\n\r\nRING\r\n\r\nRRING\r\n"), "<RINGING> <RING> <RINGING>");
}

#[test]
fn bytes_after_connect_are_data_untouched() {
    assert_eq!(read("\r\nCONNECT 9600\r\n\r\nlogin: \x00\r\nOK\r\n"), {
        r"<CONNECT 9600> [\r\nlogin: \x00\r\nOK\r\n]"
    });
    // A line end that is a CR alone, or an LF alone, eats nothing else.
    assert_eq!(read("CONNECT\rlogin: "), "<CONNECT> [login: ]");
    assert_eq!(read("CONNECT\n\rlogin: "), r"<CONNECT> [\rlogin: ]");
    assert_eq!(read("CONNECT\r\r\nlogin: "), r"<CONNECT> [\r\nlogin: ]");
    assert_eq!(read("CONNECT 9600\r\n"), "<CONNECT 9600>");
}

#[test]
fn a_connect_without_a_line_end_before_it_is_found() {
    for (bytes, tokens) in [
        ("ATDT5550101\rCONNECT 9600\r\nx", "'ATDT5550101' <CONNECT 9600> [x]"),
        ("ATDT5550101CONNECT 9600\r\nx", "'ATDT5550101' <CONNECT 9600> [x]"),
        ("RINGINGCONNECT 9600/ARQ\r\nx", "<RINGING> <CONNECT 9600/ARQ> [x]"),
        ("DIALING 5550101 CONNECT\r\nx", "<DIALING> <CONNECT> [x]"),
        ("\u{1}~~}#CONNECT 300\r\nx", "'~~}#' <CONNECT 300> [x]"),
    ] {
        assert_eq!(read(bytes), tokens, "{bytes:?}");
    }
}

#[test]
fn words_that_hold_connect_are_no_connect() {
    for bytes in [
        "DISCONNECT\r\n",
        "Reconnect 9600\r\n",
        "not CONNECTED\r\n",
        "XCONNECT 9600\r\n",
        "UNABLE TO CONNECT\r\n",
        "Error 7: CONNECT FAILED\r\n",
    ] {
        let mut codec = Codec::new(false);
        codec.feed(bytes.as_bytes());
        assert_eq!(show(&mut codec), format!("'{}'", bytes.trim()));
        assert!(!codec.is_online());
    }
}

#[test]
fn a_fax_answer_is_no_data_call() {
    let mut codec = Codec::new(false);
    codec.feed(b"\r\nCONNECT FAX\r\n\r\nNO CARRIER\r\n");
    assert_eq!(show(&mut codec), "<FAX> <NO CARRIER>");
    assert!(!codec.is_online());
}

#[test]
fn echoes_are_swallowed_in_every_shape() {
    let echoed = |bytes: &str| {
        let mut codec = Codec::new(false);
        codec.expect_echo("ATE0Q0V1X4");
        codec.expect_echo("AT");
        codec.expect_echo("ATDT9,5550101");
        codec.feed(bytes.as_bytes());
        show(&mut codec)
    };
    for (bytes, tokens) in [
        ("AT\r\r\nOK\r\n", "<OK>"),
        ("ate0q0v1x4\r\r\nOK\r\n", "<OK>"),
        ("ATDT9,5550101\r\r\nCONNECT 9600\r\nx", "<CONNECT 9600> [x]"),
        ("ATDT9,5550101CONNECT 9600\r\nx", "<CONNECT 9600> [x]"),
        ("ATDT9,5550101BUSY\r\n", "<BUSY>"),
        ("\r\n9 555-0101\r\n\r\nBUSY\r\n", "<BUSY>"),
        ("\r\nCALLING 95550101...\r\n\r\nBUSY\r\n", "<BUSY>"),
        ("95550101 CONNECT 9600\r\nx", "<CONNECT 9600> [x]"),
        ("AT\rATDT9,5550101\rOK\r", "<OK>"),
        // Not ours.
        ("AT&T Paradyne\r\n", "<?AT&T Paradyne>"),
        ("5550\r\n", "<?5550>"),
    ] {
        assert_eq!(echoed(bytes), tokens, "{bytes:?}");
    }
}

#[test]
fn a_number_that_looks_like_a_rate_hides_no_connect() {
    let mut codec = Codec::new(false);
    codec.expect_echo("ATDT9600");
    codec.feed(b"ATDT9600\r\r\nDIALING 9600\r\n\r\n9600\r\n\r\nCONNECT 9600\r\n");
    assert_eq!(show(&mut codec), "<DIALING> <CONNECT 9600>");
}

#[test]
fn lines_that_nobody_knows_are_kept_and_while_dialing_they_are_unknown_results() {
    let mut codec = Codec::new(false);
    codec.feed(b"\r\nOFF-HOOK INTRUSION\r\n");
    assert_eq!(show(&mut codec), "'OFF-HOOK INTRUSION'");
    codec.note_written(b"ATDT5550101\r");
    codec.feed(b"\r\nOFF-HOOK INTRUSION\r\n\r\nNO CARRIER\r\n\r\nLINE DROP\r\n");
    assert_eq!(show(&mut codec), "<?OFF-HOOK INTRUSION> <NO CARRIER> 'LINE DROP'");
    // The next command ends it too.
    codec.note_written(b"ATDT5550101\r");
    codec.note_written(b"ATI\r");
    codec.feed(b"\r\n5601\r\n");
    assert_eq!(show(&mut codec), "'5601'");
}

#[test]
fn over_current_comes_without_a_line_end_before_it() {
    let mut codec = Codec::new(false);
    codec.expect_echo("ATDT5550101");
    codec.feed(b"ATDT5550101\rX\r\n");
    assert_eq!(show(&mut codec), "<X>");
}

#[test]
fn numbers_are_results_only_where_the_profile_says_so() {
    let mut words = Codec::new(false);
    words.feed(b"3\r0\r14400\r");
    assert_eq!(show(&mut words), "'3' '0' '14400'");
    let profile: Profile =
        serde_yaml::from_str("{ profile: a, quirks: { numeric: true }, numbers: { 11: RINGING } }").unwrap();
    let mut numbers = Codec::for_profile(&profile);
    numbers.note_written(b"ATDT5550101\r");
    numbers.feed(b"ATDT5550101\r6\r11\r13\r3\r");
    assert_eq!(show(&mut numbers), "<NO DIALTONE> <RINGING> '13' <NO CARRIER>");
    numbers.feed(b"14400\r0\rOK\r1\rlogin: ");
    assert_eq!(show(&mut numbers), "'14400' <OK> <OK> <CONNECT> [login: ]");
}

#[test]
fn unsolicited_lines_may_come_anywhere() {
    assert_eq!(
        read("\r\nOK\r\n\r\nRING\r\n\r\nCIDM\r\n14400\r\n\r\nRING\r\n\r\nOK\r\n"),
        "<OK> <RING> <CIDM> '14400' <RING> <OK>"
    );
}

#[test]
fn the_way_back_to_command_state_has_to_be_told() {
    let mut codec = Codec::new(false);
    codec.feed(b"CONNECT\r\nbye\r\n\r\nNO CARRIER\r\n");
    assert_eq!(show(&mut codec), r"<CONNECT> [bye\r\n\r\nNO CARRIER\r\n]");
    codec.set_online(false);
    codec.feed(b"\r\nOK\r\n");
    assert_eq!(show(&mut codec), "<OK>");
    codec.set_online(true);
    codec.feed(b"\nOK\r\n");
    assert_eq!(show(&mut codec), r"[\nOK\r\n]");
}

#[test]
fn the_end_of_a_call_is_told_only_by_a_framed_line_at_the_very_end() {
    assert!(online_end(b"Goodbye\r\n\r\nNO CARRIER\r\n"));
    assert!(online_end(b"\r\nNO CARRIER\r\n"));
    for tail in [
        &b"NO CARRIER\r\n"[..],
        b"\r\nNO CARRIER",
        b"\r\nNO CARRIER\r\nrouter#",
        b"\r\n%LINK: NO CARRIER\r\n",
        b"",
    ] {
        assert!(!online_end(tail), "{:?}", tail.escape_ascii().to_string());
    }
}

#[test]
fn clearing_forgets_what_the_last_call_left() {
    let mut codec = Codec::new(false);
    codec.feed(b"\r\nNO CARRIER\r\nhalf a ban");
    codec.clear();
    codec.feed(b"\r\nOK\r\n");
    assert_eq!(show(&mut codec), "<OK>");
}

#[test]
fn an_overlong_line_is_given_out_in_pieces_and_hides_no_connect() {
    let mut codec = Codec::new(false);
    let noise = "~".repeat(3 * LINE_LEN_MAX + 17);
    codec.feed(noise.as_bytes());
    codec.feed(b"CONNECT 28800/ARQ/V34/LAPM/V42BIS\r\nx");
    let tokens: Vec<Token> = codec.by_ref().collect();
    let text: usize = tokens.iter().map(|t| if let Token::Info(text) = t { text.len() } else { 0 }).sum();
    assert_eq!(text, noise.len());
    assert!(matches!(tokens.as_slice(), [.., Token::Result(ResultCode::Connect(_)), Token::Data(_)]));
}

#[test]
fn what_is_never_fetched_stays_bounded_and_keeps_its_results() {
    let mut codec = Codec::new(false);
    for _ in 0..20_000 {
        codec.feed(b"twenty bytes of text\r\n");
    }
    codec.feed(b"\r\nCONNECT 9600\r\n");
    for _ in 0..1_000 {
        codec.feed(&[b'x'; 1_024]);
    }
    assert!(codec.pending_bytes <= PENDING_BYTES_MAX);
    let tokens: Vec<Token> = codec.by_ref().collect();
    assert!(tokens.iter().any(|token| matches!(token, Token::Result(ResultCode::Connect(_)))));
    assert_eq!(codec.pending_bytes, 0);
    // And it goes on.
    codec.feed(b"login: ");
    assert_eq!(show(&mut codec), "[login: ]");
}

#[test]
fn debug_shows_no_dial_string() {
    let mut codec = Codec::new(false);
    codec.expect_echo("ATDT4711");
    assert!(!format!("{codec:?}").contains("4711"));
}

/// Pieces of what modems, and nobody in his senses, send.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "\r", "\n", "\r\n", "OK", "RING", "RINGING", "NO CARRIER", "CONNECT", "CONNECT 9600", "CONNECT FAX",
            "CONNECT 28800/ARQ/V34/LAPM/V42BIS", "BUSY", "ATDT5550101", "AT", "5550101", "CARRIER 28800", "+MRR: 1,2",
            "DELAYED 00:00:10", "X", "0", "1", " ", "login: ", "é", "DIS",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
        1 => (any::<u8>(), 0_usize..2 * LINE_LEN_MAX).prop_map(|(byte, n)| vec![byte; n]),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// All tokens of a stream that comes in these pieces, adjacent data joined.
fn tokens(numeric: bool, pieces: &[&[u8]]) -> Vec<Token> {
    let mut codec = Codec::new(numeric);
    codec.expect_echo("AT");
    codec.expect_echo("ATDT5550101");
    let mut out: Vec<Token> = Vec::new();
    for piece in pieces {
        codec.feed(piece);
        assert!(codec.line.len() < LINE_LEN_MAX, "the unfinished line grew to {}", codec.line.len());
        for token in codec.by_ref() {
            match (out.last_mut(), token) {
                (Some(Token::Data(last)), Token::Data(more)) => last.extend(more),
                (_, token) => out.push(token),
            }
        }
    }
    out
}

/// A codec of a family that may print lines about the link behind CONNECT.
fn late() -> Codec {
    let profile = serde_yaml::from_str("{ profile: a, quirks: { link_lines_after_connect: true } }")
        .expect("a profile");
    Codec::for_profile(&profile)
}

#[test]
fn lines_about_the_link_behind_connect_are_not_the_consoles() {
    for (after, expected) in [
        ("\r\nPROTOCOL: V42\r\n\r\nlogin: ", "<PROTOCOL> [\\r\\nlogin: ]"),
        ("\r\n+ER: LAPM\r\n\r\n+DR: V42B\r\nlogin: ", "<PROTOCOL> <COMPRESSION> [login: ]"),
        (
            "Protocol: LAPM\rCompression: NONE\r\n\r\nUsername: ",
            "<PROTOCOL> <COMPRESSION> [\\r\\nUsername: ]",
        ),
        ("\r\n\r\nPassword: ", "[\\r\\n\\r\\nPassword: ]"),
        ("\r\nProtocol of this host\r\n", "[\\r\\nProtocol of this host\\r\\n]"),
        ("\r\nCARRIER LOST\r\n", "[\\r\\nCARRIER LOST\\r\\n]"),
        ("\r\nNO CARRIER\r\n", "[\\r\\nNO CARRIER\\r\\n]"),
        // A prompt has no line end: nothing of it may be held back.
        ("\r\ncarrier login: ", "[\\r\\ncarrier login: ]"),
        ("login: \r\nPROTOCOL: V42\r\n", "[login: \\r\\nPROTOCOL: V42\\r\\n]"),
    ] {
        let all = format!("\r\nCONNECT 33600\r\n{after}");
        let mut codec = late();
        codec.feed(all.as_bytes());
        assert_eq!(show(&mut codec), format!("<CONNECT 33600> {expected}"), "{after:?}");
        let mut codec = late();
        all.bytes().for_each(|byte| codec.feed(&[byte]));
        assert_eq!(show(&mut codec), format!("<CONNECT 33600> {expected}"), "{after:?}, byte by byte");
    }
    assert_eq!(read("CONNECT\r\nPROTOCOL: V42\r\n"), "<CONNECT> [PROTOCOL: V42\\r\\n]", "elsewhere it is");
}

proptest! {
    /// Nothing of the far end is lost behind CONNECT but whole lines about the link, and a beginning of one that may
    /// still become one.
    #[test]
    fn what_is_no_line_about_the_link_is_passed_on_whole(data in "[ -~\r\n]{0,80}") {
        let heads = ["PROTOCOL:", "COMPRESSION:", "MODULATION:", "CARRIER ", "+MCR:", "+MRR:", "+ER:", "+DR:", "+ILRR:"];
        let text = data.trim_start_matches(['\r', '\n']).to_ascii_uppercase();
        prop_assume!(!heads.iter().any(|head| head.starts_with(&text) || text.starts_with(head)));
        let mut codec = late();
        codec.feed(b"\r\nCONNECT 9600\r\n");
        codec.feed(data.as_bytes());
        let out: Vec<u8> =
            codec.filter_map(|token| if let Token::Data(data) = token { Some(data) } else { None }).flatten().collect();
        prop_assert_eq!(out, data.as_bytes());
    }

    #[test]
    fn any_split_gives_the_same_tokens(
        bytes in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        numeric: bool,
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut rest = bytes.as_slice();
        let mut from = 0;
        for cut in cuts {
            let (piece, behind) = rest.split_at(cut - from);
            pieces.push(piece);
            (rest, from) = (behind, cut);
        }
        pieces.push(rest);
        let whole = tokens(numeric, &[&bytes]);
        prop_assert_eq!(&tokens(numeric, &pieces), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&tokens(numeric, &single), &whole);
    }

    #[test]
    fn what_comes_after_a_connect_is_passed_on_whole(data in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut codec = Codec::new(false);
        codec.feed(b"\r\nCONNECT 9600\r\n");
        codec.feed(&data);
        let mut out = Vec::new();
        for token in codec {
            if let Token::Data(bytes) = token {
                out.extend(bytes);
            }
        }
        prop_assert_eq!(out, data);
    }

    #[test]
    fn a_result_is_found_behind_any_line(noise in "[ -~]{0,200}", code in prop::sample::select(vec![
        "OK", "BUSY", "NO CARRIER", "NO DIALTONE", "RINGING", "VOICE",
    ])) {
        let mut codec = Codec::new(false);
        codec.feed(noise.as_bytes());
        prop_assume!(codec.line.len() == noise.len() && glued_connect(noise.trim()).is_none());
        prop_assume!(!noise.to_ascii_uppercase().contains("CONNECT"));
        codec.feed(format!("\r\n{code}\r\n").as_bytes());
        let last = codec.by_ref().last();
        prop_assert_eq!(last, ResultCode::parse(code).map(Token::Result));
    }
}
