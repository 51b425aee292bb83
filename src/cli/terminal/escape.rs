//! Which keys a technician's terminal keeps for itself while a console is handed over: Ctrl-], and `~` at the beginning of
//! a line with `.`, `?` or `~` behind it. Everything else is the console's.

/// Ctrl-].
const BRACKET: u8 = 0x1d;

/// What keys come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    /// These go to the console.
    Send(Vec<u8>),
    /// Help is wanted.
    Help,
    /// The console is given back.
    Back,
}

/// Reads keys.
#[derive(Debug)]
pub(super) struct Escape {
    at_beginning: bool,
    /// A `~` at the beginning of a line waits for the key behind it.
    tilde: bool,
}

impl Escape {
    /// At the beginning of a line.
    pub(super) const fn new() -> Self {
        Self { at_beginning: true, tilde: false }
    }

    /// Takes keys; what comes behind a [`Typed::Back`] is nobody's.
    pub(super) fn take(&mut self, keys: &[u8]) -> Vec<Typed> {
        let mut typed = Vec::new();
        let mut send = Vec::new();
        for &key in keys {
            if std::mem::take(&mut self.tilde) {
                match key {
                    b'.' => return Self::ended(typed, send),
                    b'?' => {
                        Self::flush(&mut typed, &mut send);
                        typed.push(Typed::Help);
                        self.at_beginning = true;
                        continue;
                    }
                    // The key itself, without its meaning here.
                    b'~' | BRACKET => {
                        send.push(key);
                        self.at_beginning = false;
                        continue;
                    }
                    _ => send.push(b'~'),
                }
            } else if key == b'~' && self.at_beginning {
                self.tilde = true;
                continue;
            }
            if key == BRACKET {
                return Self::ended(typed, send);
            }
            self.at_beginning = matches!(key, b'\r' | b'\n');
            send.push(key);
        }
        Self::flush(&mut typed, &mut send);
        typed
    }

    fn flush(typed: &mut Vec<Typed>, send: &mut Vec<u8>) {
        if !send.is_empty() {
            typed.push(Typed::Send(std::mem::take(send)));
        }
    }

    fn ended(mut typed: Vec<Typed>, mut send: Vec<u8>) -> Vec<Typed> {
        Self::flush(&mut typed, &mut send);
        typed.push(Typed::Back);
        typed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn take(pieces: &[&[u8]]) -> Vec<Typed> {
        let mut escape = Escape::new();
        pieces.iter().flat_map(|piece| escape.take(piece)).collect()
    }

    fn send(text: &str) -> Typed {
        Typed::Send(text.as_bytes().to_vec())
    }

    #[test]
    fn only_the_escapes_are_kept() {
        for (keys, expected) in [
            (&b"show clock\r"[..], vec![send("show clock\r")]),
            (b"ls\r\x1d", vec![send("ls\r"), Typed::Back]),
            (b"~.", vec![Typed::Back]),
            (b"ls\r~.rest", vec![send("ls\r"), Typed::Back]),
            (b"cd ~.\r", vec![send("cd ~.\r")]),
            (b"~~.", vec![send("~.")]),
            (b"~?~.", vec![Typed::Help, Typed::Back]),
            (b"~x", vec![send("~x")]),
            (b"~\x1dx", vec![send("\x1dx")]),
            (b"~\r~.", vec![send("~\r"), Typed::Back]),
        ] {
            assert_eq!(take(&[keys]), expected, "{:?}", String::from_utf8_lossy(keys));
        }
    }

    proptest! {
        #[test]
        fn how_keys_are_cut_changes_nothing(keys in "[a~.?\r\u{1d}]{0,20}", cut in 0..20_usize) {
            let keys = keys.as_bytes();
            let (first, second) = keys.split_at(cut.min(keys.len()));
            let flat = |typed: Vec<Typed>| {
                let mut text = String::new();
                for typed in typed {
                    match typed {
                        Typed::Send(bytes) => text.push_str(std::str::from_utf8(&bytes).unwrap()),
                        Typed::Help => text.push('H'),
                        Typed::Back => {
                            text.push('B');
                            break;
                        }
                    }
                }
                text
            };
            prop_assert_eq!(flat(take(&[keys])), flat(take(&[first, second])));
        }
    }
}
