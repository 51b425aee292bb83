//! Command lines: what stands behind `AT`, taken apart and done.

use crate::model::Mono;

use super::{Firmware, HangUpBy, Mode, Reply, Settings, SimModem, Wish, words};

/// What a command comes to.
enum Done {
    /// The next one.
    Next,
    /// The line ends here, with this reply.
    Reply(Reply),
    /// The line ends here, and nothing is said yet (dial, answer, back on-line).
    Silent,
}

/// A cursor over a command line.
struct Text<'a> {
    rest: &'a str,
}

impl<'a> Text<'a> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }

    fn take(&mut self) -> Option<char> {
        self.blanks();
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c.to_ascii_uppercase())
    }

    fn peek(&mut self) -> Option<char> {
        self.blanks();
        self.rest.chars().next().map(|c| c.to_ascii_uppercase())
    }

    fn skip(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.take();
        }
        found
    }

    /// Digits; none are 0, too many are no number.
    fn number(&mut self) -> Option<u32> {
        self.blanks();
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        if digits.is_empty() { Some(0) } else { digits.parse().ok() }
    }

    fn until(&mut self, end: char) -> &'a str {
        let (part, rest) = self.rest.split_once(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        part.trim()
    }
}

impl SimModem {
    /// Does a command line. The first command that fails ends it; what was done before stays done.
    pub(super) fn execute(&mut self, now: Mono, body: &str) {
        if let Some(part) = &self.setup_error
            && body.to_ascii_uppercase().contains(&part.to_ascii_uppercase())
            && !body.trim().is_empty()
        {
            self.print(&Reply::Error);
            return;
        }
        let mut text = Text { rest: body };
        loop {
            let done = match text.take() {
                None => Done::Reply(Reply::Ok),
                Some(c) => self.command(now, c, &mut text),
            };
            match done {
                Done::Next => {}
                Done::Reply(reply) => {
                    self.print(&reply);
                    return;
                }
                Done::Silent => return,
            }
        }
    }

    fn command(&mut self, now: Mono, c: char, text: &mut Text<'_>) -> Done {
        match c {
            'D' => return self.dial(text),
            'A' => {
                if self.mode == Mode::Escaped {
                    return Done::Reply(Reply::Error);
                }
                self.mode = Mode::Answering;
                self.wishes.push(Wish::Answer);
                return Done::Silent;
            }
            'S' => return self.register_command(text),
            '+' => return self.extended(text),
            '&' => return self.ampersand(text),
            '\\' | '%' | '*' | '#' | '-' => return self.proprietary(c, text),
            ';' => return Done::Next,
            _ => {}
        }
        let Some(n) = text.number() else { return Done::Reply(Reply::Error) };
        let flag = match n {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        };
        match (c, flag) {
            ('E', Some(on)) => self.set.echo = on,
            ('Q', Some(on)) => self.set.quiet = on,
            ('V', Some(on)) => self.set.verbose = on,
            ('X', _) if n <= words::x_max(self.firmware) => self.set.x = n as u8,
            ('H', Some(off_hook)) => {
                if !off_hook && !self.hangup_ignored {
                    if self.mode == Mode::Escaped || self.held {
                        self.wishes.push(Wish::HangUp(HangUpBy::Command));
                    }
                    self.on_hook();
                }
            }
            ('O', _) if n <= 3 => {
                if self.mode != Mode::Escaped {
                    return Done::Reply(Reply::NoCarrier);
                }
                let link = self.last_call.link.clone().unwrap_or_default();
                self.connect(now, &link);
                return Done::Silent;
            }
            ('Z', _) if n <= 4 => {
                if self.mode == Mode::Escaped || self.held {
                    self.wishes.push(Wish::HangUp(HangUpBy::Reset));
                }
                self.on_hook();
                self.set = Settings::factory(self.firmware);
                // What follows on the line is lost in the reset.
                return Done::Reply(Reply::Ok);
            }
            ('I', _) => return self.identify(n),
            ('W', _) if n <= 2 && matches!(self.firmware, Firmware::Rockwell | Firmware::V250) => {
                self.set.w = n as u8;
            }
            ('L' | 'M' | 'B' | 'C' | 'N' | 'P' | 'T' | 'Y' | 'F', _) if n <= 9 => {}
            _ => return Done::Reply(Reply::Error),
        }
        Done::Next
    }

    fn dial(&mut self, text: &mut Text<'_>) -> Done {
        let rest = std::mem::take(&mut text.rest);
        if self.mode == Mode::Escaped {
            return Done::Reply(Reply::Error);
        }
        let (number, held) = match rest.trim_end().strip_suffix(';') {
            Some(number) => (number, true),
            None => (rest, false),
        };
        let number = number.trim();
        if number.contains(';') {
            return Done::Reply(Reply::Error);
        }
        self.mode = Mode::Dialing;
        if number.is_empty() && self.held {
            self.held = false;
            self.wishes.push(Wish::Proceed);
            return Done::Silent;
        }
        let upper = number.to_ascii_uppercase();
        let number =
            if upper == "L" || upper == "TL" || upper == "PL" { self.last_number.clone() } else { upper };
        self.last_number.clone_from(&number);
        self.wishes.push(Wish::Dial { text: number, held });
        Done::Silent
    }

    fn register_command(&mut self, text: &mut Text<'_>) -> Done {
        let Some(register) = text.number().and_then(|n| u8::try_from(n).ok()) else {
            return Done::Reply(Reply::Error);
        };
        if text.skip('?') {
            let value = self.set.s[usize::from(register)];
            self.info(&format!("{value:03}"));
            return Done::Next;
        }
        if !text.skip('=') {
            return Done::Reply(Reply::Error);
        }
        match text.number().and_then(|n| u8::try_from(n).ok()) {
            Some(value) => {
                self.set.s[usize::from(register)] = value;
                Done::Next
            }
            None => Done::Reply(Reply::Error),
        }
    }

    fn ampersand(&mut self, text: &mut Text<'_>) -> Done {
        let Some(c) = text.take() else { return Done::Reply(Reply::Error) };
        let Some(n) = text.number() else { return Done::Reply(Reply::Error) };
        let usr = self.firmware == Firmware::Usr;
        match c {
            'F' if n <= 2 => self.set = Settings::factory(self.firmware),
            'A' if usr && n <= 3 => self.set.amp_a = n as u8,
            'C' if n <= 1 => self.set.amp_c = n as u8,
            'D' if n <= 3 => self.set.amp_d = n as u8,
            'S' if n <= 1 => self.set.amp_s = n as u8,
            'V' if n == 1 && self.firmware == Firmware::Rockwell => {
                for line in words::termination_report(&self.last_call) {
                    self.info(&line);
                }
            }
            'B' | 'H' | 'I' | 'M' | 'N' | 'U' if usr => {}
            'E' | 'G' | 'J' | 'K' | 'L' | 'P' | 'Q' | 'R' | 'T' | 'V' | 'W' | 'X' | 'Y' | 'Z' if n <= 9 => {}
            _ => return Done::Reply(Reply::Error),
        }
        Done::Next
    }

    fn proprietary(&mut self, c: char, text: &mut Text<'_>) -> Done {
        if matches!(self.firmware, Firmware::Hayes | Firmware::Usr) {
            return Done::Reply(Reply::Error);
        }
        match c {
            '#' => {
                let key = text.until(';').to_ascii_uppercase();
                if key != "UD" {
                    return Done::Reply(Reply::Error);
                }
                for line in words::unimodem_report(&self.last_call) {
                    self.info(&line);
                }
            }
            '-' | '*' => {
                text.until(';');
            }
            _ => {
                // `\N3`, `%C1`, `%TCB`: a letter, or several, and a number.
                if text.take().is_none_or(|letter| !letter.is_ascii_alphabetic()) {
                    return Done::Reply(Reply::Error);
                }
                while c == '%' && text.peek().is_some_and(|letter| matches!(letter, 'T' | 'C' | 'B')) {
                    text.take();
                }
                if text.number().is_none() {
                    return Done::Reply(Reply::Error);
                }
            }
        }
        Done::Next
    }

    fn identify(&mut self, n: u32) -> Done {
        let usr = self.firmware == Firmware::Usr;
        match n {
            0 | 3 => {
                let key = if n == 0 { "ATI" } else { "ATI3" };
                if let Some(text) = self.answers.get(key).cloned() {
                    self.info(&text);
                }
            }
            6 if usr => {
                for line in words::link_report(&self.last_call) {
                    self.info(&line);
                }
            }
            11 if usr => {
                for line in words::signal_report(&self.last_call) {
                    self.info(&line);
                }
            }
            1 | 2 | 4..=9 => {}
            _ => return Done::Reply(Reply::Error),
        }
        Done::Next
    }

    fn extended(&mut self, text: &mut Text<'_>) -> Done {
        let whole = text.until(';').to_ascii_uppercase();
        let error = Done::Reply(Reply::Error);
        let (name, value) = match whole.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (whole.as_str(), None),
        };
        if let Some(key) = match name {
            "GMI" | "GMM" => Some(format!("+{name}")),
            _ => None,
        } {
            return match self.answers.get(&key).cloned() {
                Some(text) => {
                    self.info(&text);
                    Done::Next
                }
                None => error,
            };
        }
        if matches!(self.firmware, Firmware::Usr | Firmware::Hayes) {
            return match name {
                "FCLASS" if value == Some("0") => Done::Next,
                _ => error,
            };
        }
        if let Some(name) = name.strip_suffix('?') {
            let value = match name {
                "MR" => u8::from(self.set.mr),
                "ER" => u8::from(self.set.er),
                "DR" => u8::from(self.set.dr),
                _ => return error,
            };
            self.info(&format!("+{name}: {value}"));
            return Done::Next;
        }
        if value == Some("?") {
            self.info(&format!("+{name}: (0,1)"));
            return Done::Next;
        }
        // Old Rockwell sets have no report by `+MR`: there it is W1 or S95.
        let reports = self.firmware == Firmware::V250;
        match (name, value) {
            ("MR", Some(v)) if reports => self.set.mr = v != "0",
            ("ER", Some(v)) if reports => self.set.er = v != "0",
            ("DR", Some(v)) if reports => self.set.dr = v != "0",
            (
                "MS" | "ES" | "DS" | "DS44" | "IFC" | "ICF" | "IPR" | "ILRR" | "FCLASS" | "ESA" | "EWIND",
                Some(_),
            ) => {}
            ("GMR" | "GSN" | "GCI" | "GCAP" | "GMI9", None) => self.info("0"),
            _ => return error,
        }
        Done::Next
    }
}
