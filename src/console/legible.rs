//! Whether what came can be read at all: counts over raw bytes that tell text from a speed or parity mismatch.

/// Fewest bytes from which garbage is concluded; less may be a click on the line.
pub(super) const GARBAGE_BYTES_MIN: usize = 12;
/// Share of unreadable bytes, in percent, above which it is garbage. Art in an old code page may come near it.
const GARBAGE_PERCENT_MIN: usize = 30;
/// Share of bytes, in percent, that must agree on one parity before a parity mismatch is named.
const PARITY_PERCENT_MIN: usize = 97;
/// Share of bytes, in percent, that must read as text once their top bit is taken away.
const STRIPPED_PERCENT_MIN: usize = 95;

/// Counts over all bytes of a session. Valid UTF-8 is text; so are escape sequences, whose bytes are ASCII.
#[derive(Debug, Clone, Default)]
pub(super) struct Legibility {
    total: usize,
    unreadable: usize,
    high: usize,
    even: usize,
    stripped_readable: usize,
    partial: Vec<u8>,
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e | b'\r' | b'\n' | b'\t' | 0x07 | 0x08 | 0x0b | 0x0c | 0x11 | 0x13 | 0x1b)
}

impl Legibility {
    /// Takes one byte.
    pub(super) fn feed(&mut self, byte: u8) {
        self.total += 1;
        self.high += usize::from(byte >= 0x80);
        self.even += usize::from(byte.count_ones().is_multiple_of(2));
        self.stripped_readable += usize::from(is_plain(byte & 0x7f));
        self.partial.push(byte);
        while !self.partial.is_empty() {
            match std::str::from_utf8(&self.partial) {
                Ok(text) => {
                    let bad = |c: char| {
                        if c.is_ascii() { !is_plain(c as u8) } else { c.is_control() }
                    };
                    self.unreadable += text.chars().filter(|&c| bad(c)).map(char::len_utf8).sum::<usize>();
                    self.partial.clear();
                }
                // The beginning of a character: the next byte decides.
                Err(error) if error.error_len().is_none() => break,
                Err(_) => {
                    self.unreadable += 1;
                    self.partial.remove(0);
                }
            }
        }
    }

    /// All bytes so far.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// Bytes that are no text, a cut character at the end among them.
    pub(super) fn unreadable(&self) -> usize {
        self.unreadable + self.partial.len()
    }

    /// In words, if what came is garbage.
    pub(super) fn garbage(&self) -> Option<String> {
        let unreadable = self.unreadable();
        if self.total < GARBAGE_BYTES_MIN || unreadable * 100 <= self.total * GARBAGE_PERCENT_MIN {
            return None;
        }
        let count = format!("{unreadable} of {} bytes are unreadable", self.total);
        Some(match self.parity() {
            Some(parity) => format!("{count}: parity mismatch, they read as 7 bits with {parity} parity"),
            None => format!("{count}: speed mismatch or noise"),
        })
    }

    /// The parity on which the bytes agree, if they are text once the top bit is gone.
    fn parity(&self) -> Option<&'static str> {
        let at_least = |count: usize, percent: usize| count * 100 >= self.total * percent;
        if !at_least(self.stripped_readable, STRIPPED_PERCENT_MIN) {
            return None;
        }
        // Mark first: it sets the top bit of every byte, whatever the others are.
        if at_least(self.high, PARITY_PERCENT_MIN) {
            Some("mark")
        } else if at_least(self.even, PARITY_PERCENT_MIN) {
            Some("even")
        } else if at_least(self.total - self.even, PARITY_PERCENT_MIN) {
            Some("odd")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(bytes: &[u8]) -> Legibility {
        let mut legibility = Legibility::default();
        for &byte in bytes {
            legibility.feed(byte);
        }
        legibility
    }

    const BANNER: &str = "\r\nUser Access Verification\r\n\r\nUsername: ";

    #[test]
    fn text_of_any_language_is_no_garbage() {
        for text in [
            BANNER,
            "Zugriff nur für Befugte\r\n",
            "株式会社の回線です。\r\n",
            "\x1b[31mred\x1b[0m banner\r\n",
        ] {
            assert_eq!(fed(text.as_bytes()).garbage(), None, "{text:?}");
            assert_eq!(fed(text.as_bytes()).unreadable(), 0, "{text:?}");
        }
    }

    #[test]
    fn a_few_bytes_of_noise_are_no_garbage() {
        assert_eq!(fed(&[0xff, 0xfe, 0x00, 0x80]).garbage(), None);
        let mut clicks = vec![0xff, 0x00, 0xfe];
        clicks.extend_from_slice(BANNER.as_bytes());
        assert_eq!(fed(&clicks).garbage(), None);
    }

    #[test]
    fn a_parity_mismatch_is_named() {
        let with = |set: fn(u8) -> bool| -> String {
            let bytes: Vec<u8> = BANNER.bytes().map(|b| if set(b) { b | 0x80 } else { b }).collect();
            fed(&bytes).garbage().unwrap()
        };
        assert!(with(|b| b.count_ones() % 2 == 1).contains("even parity"));
        assert!(with(|b| b.count_ones() % 2 == 0).contains("odd parity"));
        assert!(with(|_| true).contains("mark parity"));
    }

    #[test]
    fn a_speed_mismatch_is_not_called_parity() {
        let bytes = [0x00, 0xff, 0xe0, 0x9c, 0x00, 0xf8, 0x1e, 0xff, 0x83, 0x00, 0xfc, 0xc3, 0x06, 0x80];
        let said = fed(&bytes).garbage().unwrap();
        assert!(said.contains("speed mismatch"), "{said}");
    }
}
