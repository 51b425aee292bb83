use proptest::prelude::*;

use super::*;
use crate::console::sieve::ESCAPE_LEN_MAX;

fn feed(screen: &mut Screen, bytes: &[u8]) {
    for &byte in bytes {
        screen.feed(byte);
    }
}

fn cleaned(bytes: &[u8]) -> String {
    let mut screen = Screen::new();
    feed(&mut screen, bytes);
    screen.flush();
    screen.transcript(None)
}

#[test]
fn escape_sequences_leave_their_text_and_nothing_else() {
    for (raw, clean) in [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;oob@host: ~\x07$ ", "$ "),
        ("\x1b]52;c;ZXZpbA==\x1b\\ok", "ok"),
        ("\x1bP1$r0m\x1b\\ok", "ok"),
        ("\x1b[?2004hoob@br0001:~$ ", "oob@br0001:~$ "),
        ("a\u{202e}b\u{200b}c\u{feff}d\u{9b}e\u{7f}", "abcde"),
        ("bell\x07 tab\there", "bell tab here"),
        ("--More--\x08\x08\x08\x08\x08\x08\x08\x08        \x08\x08\x08\x08\x08\x08\x08\x08next", "next"),
    ] {
        assert_eq!(cleaned(raw.as_bytes()), clean, "{raw:?}");
    }
}

#[test]
fn line_ends_of_any_mixture_are_one() {
    assert_eq!(cleaned(b"a\r\nb\n\rc\rd\r\r\ne\n"), "a\nb\nc\nd\ne\n");
    assert_eq!(cleaned(b"**EMSI_REQA77E\r\x11host login: "), "**EMSI_REQA77E\nhost login: ");
}

#[test]
fn a_screen_that_is_drawn_has_lines() {
    for (raw, clean) in [
        (
            "\x1b[2J\x1b[1;1Hbr1   1-Jan-1990\x1b[3;30HMain Menu\x1b[5;4H1. Status",
            "br1   1-Jan-1990\nMain Menu\n1. Status",
        ),
        // To and fro within the row of the prompt, and nothing behind it.
        ("\x1b[24;1H\x1b[2K\x1b[24;1Hbr1# \x1b[24;1H\x1b[24;6H\x1b[?25h\x1b[24;6Hexit", "br1# exit"),
        ("one\x1bEtwo\x1bDthree", "one\ntwo\nthree"),
        ("one\r\n\x1b[24;1Htwo\x1b[24;1H\r\nthree", "one\ntwo\nthree"),
        ("br1> \x1b[K\x1b[0K\x1b[2C", "br1> "),
        ("one\x1b[A\x1b[Btwo\x1b[7dthree\x1b[7d four", "one\ntwo\nthree four"),
    ] {
        assert_eq!(cleaned(raw.as_bytes()), clean, "{raw:?}");
    }
}

#[test]
fn a_sequence_that_noise_began_does_not_swallow_the_prompt() {
    assert_eq!(cleaned(b"\x1b]noise\r\nlogin: "), "\nlogin: ");
    let mut endless = b"\x1bPq".to_vec();
    endless.extend(std::iter::repeat_n(b'#', ESCAPE_LEN_MAX));
    endless.extend_from_slice(b"login: ");
    assert!(cleaned(&endless).ends_with("login: "));
}

#[test]
fn a_cut_character_is_let_go_at_the_end() {
    assert_eq!(cleaned(b"caf\xc3"), "caf\u{fffd}");
    assert_eq!(cleaned("café".as_bytes()), "café");
}

#[test]
fn a_backspace_takes_back_nothing_that_was_read() {
    let mut screen = Screen::new();
    feed(&mut screen, b"Username: ");
    let mark = screen.fix();
    feed(&mut screen, b"\x08\x08\x08oob");
    assert_eq!(screen.since(mark), "oob");
}

#[test]
fn secrets_are_masked_whole_wrapped_and_cut_off() {
    let secret = SecretString::from("s3cret-word");
    let masked = |text: &str| redact(text, Some(&secret));
    assert_eq!(
        masked("Password: s3cret-word\nagain s3cret-words3cret-word."),
        "Password: ********\nagain ****************."
    );
    assert_eq!(masked("Password: s3cre\nt-word\n$ "), "Password: ********\n$ ");
    assert_eq!(masked("Password: s3cret-\nNO CARRIER"), "Password: ********\nNO CARRIER");
    assert_eq!(masked("Password: s3c"), "Password: s3c");
    assert_eq!(masked("nothing here"), "nothing here");
}

#[test]
fn a_transcript_full_of_secrets_shows_no_part_of_one() {
    let secret = SecretString::from("hunter2-hunter2-Zq-4711-0815");
    for offset in 0..40 {
        let mut screen = Screen::new();
        feed(&mut screen, &vec![b'.'; offset]);
        feed(&mut screen, "hunter2-hunter2-Zq-4711-0815".repeat(4000).as_bytes());
        let kept = screen.transcript(Some(&secret));
        let kept = kept.replace("[... left out ...]", "");
        assert!(kept.chars().all(|c| ".*\n".contains(c)), "a part of the secret was kept");
    }
}

#[test]
fn a_long_transcript_keeps_its_beginning_and_its_end() {
    let mut screen = Screen::new();
    for n in 0..40_000 {
        feed(&mut screen, format!("line {n}\n").as_bytes());
    }
    let kept = screen.transcript(None);
    assert!(kept.starts_with("line 0\n") && kept.ends_with("line 39999\n"));
    assert!(kept.contains("[... left out ...]"));
    assert!(kept.len() <= HEAD_LEN_MAX + TAIL_LEN_MAX + 32, "{}", kept.len());
}

#[test]
fn positions_stay_valid_while_the_text_is_cut() {
    let mut screen = Screen::new();
    feed(&mut screen, &vec![b'x'; 200_000]);
    let mark = screen.fix();
    feed(&mut screen, b"\r\nlogin: ");
    assert_eq!(screen.since(mark), "\nlogin: ");
}

#[test]
fn a_detail_is_one_short_line() {
    assert_eq!(clean_line("  two\r\n lines\x1b[2J\u{202e} "), "two lines");
    let long = clean_line(&"word ".repeat(1000));
    assert_eq!(long.chars().count(), DETAIL_LEN_MAX);
    assert!(long.ends_with('…'));
}

proptest! {
    #[test]
    fn no_bytes_leave_a_control_character_and_no_cut_changes_the_text(
        bytes in proptest::collection::vec(
            prop_oneof![4 => any::<u8>(), 1 => Just(0x1b), 1 => Just(b']'), 1 => Just(b'['), 1 => Just(0xe2)],
            0..3000,
        ),
    ) {
        let text = cleaned(&bytes);
        prop_assert!(text.chars().all(|c| c == '\n' || !(c.is_control() || is_hidden(c))));
        prop_assert!(!clean_line(&text).contains('\n'));
    }

    #[test]
    fn no_secret_shows_up_in_a_transcript_of_any_length(
        before in 0..60_000_usize, between in 0..9000_usize, times in 1..12_usize,
    ) {
        let secret = SecretString::from("hunter2-hunter2-Zq");
        let mut screen = Screen::new();
        feed(&mut screen, &vec![b'.'; before]);
        for _ in 0..times {
            feed(&mut screen, b"hunter2-hunter2-Zq");
            feed(&mut screen, &vec![b'.'; between]);
        }
        let kept = screen.transcript(Some(&secret));
        prop_assert!(!kept.contains("hunter2") && !kept.contains("Zq"), "a part of the secret was kept");
    }
}
