use super::*;

/// `modulation tx/rx protocol compression`, `-` for what is absent.
fn show(link: &Link) -> String {
    let text = |word: &Option<String>| word.clone().unwrap_or_else(|| "-".to_owned());
    let rate = |bps: Option<u32>| bps.map_or_else(|| "-".to_owned(), |bps| bps.to_string());
    format!(
        "{} {}/{} {} {}",
        text(&link.modulation),
        rate(link.tx_bps),
        rate(link.rx_bps),
        text(&link.protocol),
        text(&link.compression)
    )
}

/// Every form of modems.md 2.1: what it states, and the number whose meaning is open.
#[test]
fn every_form_of_connect_is_read() {
    for (line, link, bare) in [
        ("CONNECT", "- -/- - -", None),
        ("CONNECT 9600", "- -/- - -", Some(9_600)),
        ("CONNECT 0600", "- -/- - -", Some(600)),
        ("CONNECT 33,600", "- -/- - -", Some(33_600)),
        ("CONNECT 33 600", "- -/- - -", Some(33_600)),
        ("CONNECT 115200", "- -/- - -", Some(115_200)),
        ("CONNECT 75TX/1200RX", "V.23 75/1200 - -", None),
        ("CONNECT 1200TX/75RX", "V.23 1200/75 - -", None),
        ("CONNECT 1200/75", "V.23 1200/75 - -", None),
        ("CONNECT 75/1200", "V.23 75/1200 - -", None),
        ("CONNECT 14400/ARQ", "- -/- ARQ -", Some(14_400)),
        ("CONNECT 28800/ARQ/V34/LAPM/V42BIS", "V.34 -/- LAPM V.42bis", Some(28_800)),
        ("CONNECT 9600/ARQ/V32/MNP/MNP5", "V.32 -/- MNP MNP5", Some(9_600)),
        ("CONNECT 2400/NONE", "- -/- NONE -", Some(2_400)),
        ("CONNECT 9600/SYNC", "- -/- SYNC -", Some(9_600)),
        ("CONNECT 9600/ARQ/HST/CELLULAR/HST/V42BIS", "HST -/- HST V.42bis", Some(9_600)),
        ("CONNECT 14400/REL", "- -/- ARQ -", Some(14_400)),
        ("CONNECT 19200/REL - MNP", "- -/- MNP -", Some(19_200)),
        ("CONNECT 33600 LAPM", "- -/- LAPM -", Some(33_600)),
        ("CONNECT 33600 LAPM, COMPRESSED", "- -/- LAPM COMPRESSED", Some(33_600)),
        ("CONNECT 115200/V34/LAPM/V42B/TX=28800/RX=28000", "V.34 28800/28000 LAPM V.42bis", Some(115_200)),
        ("CONNECT 38400/V.32bis 14400/V.42bis", "V.32bis 14400/14400 - V.42bis", Some(38_400)),
        ("CONNECT 14400/ARQ/MNP5", "- -/- MNP MNP5", Some(14_400)),
        ("CONNECT 14400/ARQ/SREJ", "- -/- ARQ -", Some(14_400)),
        ("CONNECT 57600/V34/LAPM/V42B/33600", "V.34 33600/33600 LAPM V.42bis", Some(57_600)),
        ("CONNECT 57600/V90/LAPM/V42B/49333", "V.90 -/49333 LAPM V.42bis", Some(57_600)),
        ("CONNECT 57600/NONE/1200 TX/75 RX", "V.23 1200/75 NONE -", Some(57_600)),
        ("CONNECT 57600/V34/LAPM/NONE/31200", "V.34 31200/31200 LAPM NONE", Some(57_600)),
        ("CONNECT 57600/33600", "- 33600/33600 - -", Some(57_600)),
        ("connect 28800/arq/v34/lap-m/v42bis", "V.34 -/- LAPM V.42bis", Some(28_800)),
        ("CONNECT 49333/ARQ/x2/LAPM/V42BIS", "x2 -/- LAPM V.42bis", Some(49_333)),
        // What nobody knows hides nothing.
        ("CONNECT 28800/FROBNITZ/99999999999", "- -/- - -", Some(28_800)),
        ("CONNECT \u{fffd}\u{fffd}", "- -/- - -", None),
        ("CONNECT 115200/V34/TX=288000/RX=28000", "V.34 -/28000 - -", Some(115_200)),
        ("CONNECT/ARQ", "- -/- ARQ -", None),
    ] {
        let connect = Connect::parse(line).unwrap_or_else(|| panic!("{line} is no CONNECT"));
        assert_eq!((show(&connect.link).as_str(), connect.bare_bps), (link, bare), "{line}");
        assert_eq!(connect.text, line);
    }
}

#[test]
fn words_that_only_begin_like_connect_are_none() {
    for line in ["CONNECTED", "CONNECTION CLOSED", "CONNECT_", "CONNECT-X", "CONN", "DISCONNECT", ""] {
        assert_eq!(Connect::parse(line), None, "{line}");
    }
}

#[test]
fn the_number_behind_connect_is_the_lines_only_where_it_cannot_be_the_ports() {
    use ConnectNumber::{Line, Port};
    let settled = |line: &str, says, dte| {
        let link = Connect::parse(line).unwrap().settle(&Link::default(), says, dte);
        (link.tx_bps, link.rx_bps)
    };
    let both = |bps| (Some(bps), Some(bps));
    for (line, says, dte, expected) in [
        // No port runs at these.
        ("CONNECT 28800", None, None, both(28_800)),
        ("CONNECT 14400/ARQ", None, Some(115_200), both(14_400)),
        // Towards us only: the way out is V.34 at most.
        ("CONNECT 49333", None, None, (None, Some(49_333))),
        // No line runs at these, whatever anybody says.
        ("CONNECT 38400", None, None, (None, None)),
        ("CONNECT 57600", Some(Line), Some(115_200), (None, None)),
        ("CONNECT 115200", Some(Line), None, (None, None)),
        // These could be either: our own port's rate tells, or the profile.
        ("CONNECT 9600", None, None, (None, None)),
        ("CONNECT 9600", None, Some(9_600), (None, None)),
        ("CONNECT 9600", None, Some(115_200), both(9_600)),
        ("CONNECT 9600", Some(Line), Some(9_600), both(9_600)),
        ("CONNECT 9600", Some(Port), Some(115_200), (None, None)),
        // The profile says port, but no port is like this: S95 was not taken.
        ("CONNECT 33600", Some(Port), Some(115_200), both(33_600)),
        ("CONNECT 28800", Some(Port), Some(28_800), (None, None)),
        ("CONNECT", None, Some(9_600), (None, None)),
        ("CONNECT 0", None, Some(9_600), (None, None)),
        ("CONNECT 12345", None, Some(9_600), (None, None)),
    ] {
        assert_eq!(settled(line, says, dte), expected, "{line} {says:?} {dte:?}");
    }
}

#[test]
fn a_vaguer_word_does_not_replace_a_more_exact_one() {
    let known = Link {
        tx_bps: Some(28_800),
        rx_bps: Some(48_000),
        protocol: Some("LAPM".into()),
        compression: Some("V.42bis".into()),
        ..Link::default()
    };
    for line in ["CONNECT 48000", "CONNECT 57600/ARQ", "CONNECT 48000 COMPRESSED"] {
        assert_eq!(Connect::parse(line).unwrap().settle(&known, None, Some(115_200)), known, "{line}");
    }
    let later = Connect::parse("CONNECT 26400/ARQ/V34/MNP/MNP5").unwrap().settle(&known, None, None);
    assert_eq!(show(&later), "V.34 28800/48000 MNP MNP5");
    // An early NONE gives way to the later word.
    let none = Link { protocol: Some("NONE".into()), ..Link::default() };
    assert_eq!(
        Connect::parse("CONNECT 2400/ARQ").unwrap().settle(&none, None, None).protocol.as_deref(),
        Some("ARQ")
    );
    // And a stated rate replaces an earlier one.
    let stated = Connect::parse("CONNECT 57600/V34/LAPM/V42B/31200").unwrap().settle(&known, None, None);
    assert_eq!(stated.rx_bps, Some(31_200));
}

#[test]
fn carrier_and_rate_lines_are_the_lines_own() {
    for (rest, expected) in [
        ("28800", "- 28800/28800 - -"),
        ("1200", "- 1200/1200 - -"),
        ("49333", "- -/49333 - -"),
        ("75/1200", "V.23 75/1200 - -"),
        ("1200TX/75RX", "V.23 1200/75 - -"),
        ("14,400", "- 14400/14400 - -"),
        ("", "- -/- - -"),
        ("115200", "- -/- - -"),
    ] {
        assert_eq!(show(&carrier(rest)), expected, "CARRIER {rest}");
    }
    for (rest, expected) in [
        ("28800,48000", "- 28800/48000 - -"),
        ("28800, 26400", "- 28800/26400 - -"),
        ("28800 26400", "- 28800/26400 - -"),
        ("33600", "- 33600/33600 - -"),
        ("49333", "- -/49333 - -"),
        ("?", "- -/- - -"),
        ("288000,48000", "- -/48000 - -"),
    ] {
        assert_eq!(show(&rates(rest)), expected, "+MRR: {rest}");
    }
}

#[test]
fn words_on_the_way_to_connect_have_one_spelling() {
    for (rest, expected) in [
        ("V34", "V.34"),
        ("V.34", "V.34"),
        ("V32B", "V.32bis"),
        ("V22B", "V.22bis"),
        ("V23C", "V.23"),
        ("B103", "Bell 103"),
        ("K56", "K56flex"),
        ("V90", "V.90"),
        ("QAM9000", "QAM9000"),
    ] {
        assert_eq!(modulation(rest).modulation.as_deref(), Some(expected), "{rest}");
    }
    for (rest, expected) in [
        ("NONE", "- -/- NONE -"),
        ("LAPM", "- -/- LAPM -"),
        ("LAP-M", "- -/- LAPM -"),
        ("V42", "- -/- LAPM -"),
        ("V42bis", "- -/- LAPM V.42bis"),
        ("V.44", "- -/- LAPM V.44"),
        ("ALT", "- -/- MNP -"),
        ("ALTERNATE", "- -/- MNP -"),
        ("ALTERNATE, + CLASS 4", "- -/- MNP -"),
        ("ALTERNATE, + CLASS 5", "- -/- MNP MNP5"),
        ("LAPM/SREJ", "- -/- LAPM -"),
        ("QX.25 something", "- -/- QX.25 -"),
    ] {
        assert_eq!(show(&protocol(rest)), expected, "PROTOCOL: {rest}");
    }
    for (rest, expected) in [
        ("CLASS 5", Some("MNP5")),
        ("V.42BIS", Some("V.42bis")),
        ("V.42 bis", Some("V.42bis")),
        ("V42B", Some("V.42bis")),
        ("V44", Some("V.44")),
        ("ALT", Some("MNP5")),
        ("NONE", Some("NONE")),
        ("V42B TD", Some("V.42bis")),
        ("LZ78", Some("LZ78")),
        ("", None),
    ] {
        assert_eq!(compression(rest).compression.as_deref(), expected, "COMPRESSION: {rest}");
    }
}
