use proptest::prelude::*;

use super::*;

/// A terminal of our own, which knows printable characters, CR, LF and backspaces alone: anything else is a defect.
struct Terminal {
    width: usize,
    rows: Vec<Vec<char>>,
    column: usize,
}

impl Terminal {
    fn new(width: usize) -> Self {
        Self { width, rows: vec![Vec::new()], column: 0 }
    }

    fn write(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '\r' => self.column = 0,
                '\n' => self.rows.push(Vec::new()),
                '\u{8}' => self.column = self.column.min(self.width - 1).saturating_sub(1),
                c => {
                    assert!(!c.is_control(), "{c:?} reached the terminal");
                    if self.column == self.width {
                        self.rows.push(Vec::new());
                        self.column = 0;
                    }
                    let row = self.rows.last_mut().unwrap();
                    while row.len() <= self.column {
                        row.push(' ');
                    }
                    row[self.column] = c;
                    self.column += 1;
                }
            }
        }
    }

    fn row(&self) -> String {
        self.rows.last().unwrap().iter().collect::<String>().trim_end().to_owned()
    }

    fn text(&self) -> String {
        let rows: Vec<String> =
            self.rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned()).collect();
        rows.join("\n")
    }
}

fn shown(width: u16, bytes: &[u8]) -> (Terminal, Teletype) {
    let (mut terminal, mut teletype) = (Terminal::new(usize::from(width)), Teletype::new());
    teletype.width(width);
    terminal.write(&teletype.take(Mono::ZERO, bytes));
    (terminal, teletype)
}

#[test]
fn a_line_is_edited_in_place() {
    for (raw, row, column) in [
        (&b"br1#show\x08 \x08"[..], "br1#sho", 7),
        // readline: a character in the middle, by insertion and by writing the rest anew.
        (b"$ ls -a\x08\x08\x08\x1b[1@x", "$ lsx -a", 5),
        (b"$ abc\x08\x08Xbc\x08\x08", "$ aXbc", 4),
        (b"$ abc\r\x1b[K# root", "# root", 6),
        (b"$ abcdef\x1b[4D\x1b[2P", "$ abef", 4),
        (b"--More--\x08\x08\x08\x08\x08\x08\x08\x08        \x08\x08\x08\x08\x08\x08\x08\x08next", "next", 4),
        (b"ab\tc", "ab      c", 9),
        (b"\x1b[31mred\x1b[0m\x1b]0;t\x07\x1b[?2004h$ ", "red$", 5),
    ] {
        let (terminal, _) = shown(80, raw);
        assert_eq!(
            (terminal.row().as_str(), terminal.column),
            (row, column),
            "{:?}",
            String::from_utf8_lossy(raw)
        );
    }
}

#[test]
fn a_long_line_grows_over_rows_and_is_written_anew_when_edited() {
    let (mut terminal, mut teletype) = shown(10, b"0123456789abcd");
    assert_eq!(terminal.text(), "0123456789\nabcd");
    terminal.write(&teletype.take(Mono::ZERO, b"\x08"));
    terminal.write(&teletype.take(Mono::ZERO, b"X"));
    assert!(terminal.text().ends_with("0123456789\nabcX"), "{}", terminal.text());
}

#[test]
fn a_terminal_that_is_made_narrower_gets_the_line_anew() {
    let (mut terminal, mut teletype) = shown(20, b"0123456789abcd");
    teletype.width(10);
    terminal.write(&teletype.take(Mono::ZERO, b"\x08 \x08"));
    assert!(terminal.text().starts_with("0123456789abcd\n0123456789"), "{}", terminal.text());
    teletype.width(0);
    assert_eq!(teletype.paper.width, WIDTH);
}

#[test]
fn a_program_that_draws_a_screen_is_read_line_by_line() {
    let (terminal, _) = shown(80, b"$ top\r\n\x1b[2J\x1b[1;1Hload 0.1\x1b[2;1Htasks 3\x1b[1;6H0.2");
    assert_eq!(terminal.text(), "$ top\nload 0.1\ntasks 3\n     0.2");
}

#[test]
fn a_secret_is_held_back_and_masked_and_a_key_is_echoed_all_the_same() {
    let mut teletype = Teletype::new();
    teletype.mask(&"s3cret".into());
    assert_eq!(teletype.take(Mono::ZERO, b"enable secret s3c"), "enable secret ");
    assert_eq!(teletype.take(Mono::ZERO, b"ret\r\n"), "********\r\n");
    assert_eq!(teletype.take(Mono::ZERO, b"s"), "");
    assert_eq!(teletype.rest(teletype.deadline().expect("it is held back")), "s");
    assert_eq!(teletype.take(Mono::ZERO, b"how"), "how");
}

proptest! {
    #[test]
    fn the_terminal_shows_the_line_as_it_stands_and_no_sequence_reaches_it(
        width in 10_u16..60,
        pieces in proptest::collection::vec(
            prop_oneof![
                4 => "[ -~]{1,8}".prop_map(String::into_bytes),
                2 => Just(b"\x08".to_vec()),
                1 => Just(b"\x08 \x08".to_vec()),
                1 => Just(b"\x1b[K".to_vec()),
                1 => Just(b"\x1b[3D".to_vec()),
                1 => Just(b"\x1b[2C".to_vec()),
                1 => Just(b"\x1b[P".to_vec()),
                1 => Just(b"\x1b[2@".to_vec()),
                1 => Just(b"\r".to_vec()),
                1 => Just(b"\r\n".to_vec()),
                1 => proptest::collection::vec(any::<u8>().prop_filter("ASCII", u8::is_ascii), 0..6),
            ],
            0..40,
        ),
    ) {
        let (mut terminal, mut teletype) = (Terminal::new(usize::from(width)), Teletype::new());
        teletype.width(width);
        for piece in &pieces {
            terminal.write(&teletype.take(Mono::ZERO, piece));
            let cells = teletype.row.cells();
            if cells.len().max(teletype.row.cursor()) < usize::from(width) {
                let line: String = cells.iter().collect();
                prop_assert_eq!(terminal.row(), line.trim_end());
                prop_assert_eq!(terminal.column, teletype.row.cursor());
            }
        }
    }

    #[test]
    fn any_bytes_are_harmless(bytes in proptest::collection::vec(any::<u8>(), 0..600), width in 8_u16..100) {
        shown(width, &bytes);
    }
}
