use proptest::prelude::*;

use super::*;

fn heard(pieces: &[&[u8]], secrets: &[&str]) -> Vec<String> {
    let mut aloud = Aloud::default();
    for &secret in secrets {
        aloud.mask(&secret.into());
    }
    for piece in pieces {
        aloud.take(Mono::from_millis(1), piece);
    }
    aloud.end();
    aloud.lines()
}

#[test]
fn lines_come_cleaned_and_blank_ones_not_at_all() {
    let lines = heard(&[b"\x1b[31mred\x1b[0m banner\r\n\r\n\x1b]0;title\x07br1 login: "], &[]);
    assert_eq!(lines, ["red banner", "br1 login:"]);
}

#[test]
fn a_prompt_is_told_once_the_output_rests_and_its_answer_with_it() {
    let mut aloud = Aloud::default();
    aloud.take(Mono::from_millis(1000), b"\r\nUsername: ");
    let at = aloud.deadline().expect("it is to rest");
    aloud.rest(at);
    assert_eq!(aloud.lines(), ["Username:"]);
    aloud.rest(at + REST);
    aloud.take(at + REST, b"oob\r\n");
    assert_eq!(aloud.lines(), ["Username: oob"]);
    aloud.end();
    assert!(aloud.lines().is_empty());
}

#[test]
fn a_secret_is_masked_however_it_comes() {
    let masked = ["it is ******** here"];
    for pieces in [
        &[b"it is s3cret-w0rd here".as_slice()][..],
        &[b"it is s3cr", b"et-w0", b"rd here"],
        &[b"it is s\x1b[1m3cret\x1b[0m-w0rd here"],
        &[b"it is s3cret\r\n-w0rd here"],
    ] {
        assert_eq!(heard(pieces, &["s3cret-w0rd", "s3c"]), masked, "{pieces:?}");
    }
    assert_eq!(heard(&[b"half: s3cret-"], &["s3cret-w0rd"]), ["half: ********"]);
    // A rest tells nothing of what may be one.
    let mut aloud = Aloud::default();
    aloud.mask(&"s3cret-w0rd".into());
    aloud.take(Mono::from_millis(1), b"it is s3cret");
    aloud.rest(Mono::from_millis(60_000));
    aloud.take(Mono::from_millis(60_001), b"-w0rd\n");
    assert!(aloud.lines().iter().all(|line| !line.contains("s3c") && !line.contains("w0rd")));
}

proptest! {
    #[test]
    fn nothing_but_printable_text_and_no_secret_comes_through(
        pieces in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..12),
                Just(b"s3cret-w0rd".to_vec()),
                Just(b"s3cret".to_vec()),
                Just(b"\x1b[2J\x1b[1;1H".to_vec()),
                Just(b"\r\n".to_vec()),
            ],
            0..24,
        ),
    ) {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        for line in heard(&pieces, &["s3cret-w0rd"]) {
            prop_assert!(!line.contains("s3cret-w0rd"));
            prop_assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
        }
    }
}
