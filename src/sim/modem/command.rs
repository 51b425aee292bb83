//! Command lines: what stands behind `AT`, taken apart and done.

use crate::model::Mono;

use super::family::Form;
use super::{CallEnd, HangUpBy, LastCall, Mode, Reply, Report, Settings, SimModem, Wish, report};

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
        let upper = body.to_ascii_uppercase();
        let mut refused = self.refuses.iter().chain(&self.setup_error);
        if !body.trim().is_empty() && refused.any(|part| upper.contains(&part.to_ascii_uppercase())) {
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
                if self.mode == Mode::Escaped || self.held {
                    return Done::Reply(Reply::Error);
                }
                self.mode = Mode::Answering;
                self.unimodem = false;
                self.wishes.push(Wish::Answer);
                return Done::Silent;
            }
            'S' => return self.register_command(text),
            '+' => return self.extended(text),
            ';' => return Done::Next,
            'E' | 'Q' | 'V' | 'X' | 'H' | 'O' | 'Z' | 'I' => {}
            _ => return self.by_table(c, text),
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
            ('X', _) if n <= u32::from(self.family.x.1) => self.set.x = n as u8,
            ('H', Some(off_hook)) => self.hook(off_hook),
            ('O', _) if n <= 3 => {
                if self.mode != Mode::Escaped {
                    return Done::Reply(Reply::NoCarrier);
                }
                let link = self.last_call.link.clone().unwrap_or_default();
                self.connect(now, &link);
                return Done::Silent;
            }
            ('Z', _) if n <= 4 => {
                self.hang_up(HangUpBy::Reset);
                self.set = Settings::factory(self.family);
                // It wipes every account of the last call (modems.md 0.7). What follows on the line is lost.
                self.last_call = LastCall::default();
                self.unimodem = false;
                return Done::Reply(Reply::Ok);
            }
            ('I', _) => return self.identify(n),
            _ => return Done::Reply(Reply::Error),
        }
        Done::Next
    }

    fn hook(&mut self, off_hook: bool) {
        if off_hook {
            self.lifted = self.mode == Mode::Command;
        } else if !self.hangup_ignored {
            self.hang_up(HangUpBy::Command);
        }
    }

    fn hang_up(&mut self, by: HangUpBy) {
        if self.mode == Mode::Escaped || self.held {
            self.wishes.push(Wish::HangUp(by));
        }
        self.on_hook();
    }

    /// A command that not all have: `&K3`, `\N3`, `%TCB`, `-STE=7`.
    fn by_table(&mut self, c: char, text: &mut Text<'_>) -> Done {
        let error = Done::Reply(Reply::Error);
        let word: String = std::iter::once(c)
            .chain(text.rest.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_uppercase()))
            .collect();
        let Some((name, most)) = self.family.command(&word) else { return error };
        for _ in name.chars().skip(1) {
            text.take();
        }
        text.skip('=');
        let Some(n) = text.number().filter(|n| *n <= most) else { return error };
        let n = n as u8;
        match name {
            "W" => self.set.w = n,
            "&F" => {
                self.set = Settings::factory(self.family);
                self.unimodem = false;
            }
            "&A" => self.set.amp_a = n,
            "&C" => self.set.amp_c = n,
            "&D" => self.set.amp_d = n,
            "&Q" => self.set.amp_q = n,
            "&S" => self.set.amp_s = n,
            "&V" if n == 1 && self.family.tells(Report::Termination) => {
                self.info_lines(&report::termination(&self.last_call, self.report));
            }
            "\\V" => self.set.one_line = n >= 1,
            "%V" => self.set.look = n,
            "%L" | "%Q" if self.family.tells(Report::Levels) => {
                let link = self.last_call.link.as_ref().filter(|_| self.mode == Mode::Escaped);
                let figure = link.map(|link| {
                    let level = u32::from(link.rx_level_dbm.unsigned_abs());
                    if name == "%L" { level } else { report::quality(link.snr) }
                });
                match figure {
                    Some(figure) => self.info(&format!("{figure:03}")),
                    None if self.family.levels_off_line => self.info("000"),
                    None => return error,
                }
            }
            "%TCB" => self.wishes.push(Wish::ForgetLocks),
            "%B" if self.family.tells(Report::Blacklist) => {
                // The exchange has the list, and ends the line.
                self.wishes.push(Wish::ListLocks);
                return Done::Silent;
            }
            "#UD" => {
                let call = Some(&self.last_call).filter(|call| self.unimodem && call.end != CallEnd::NoCall);
                let lines = report::unimodem(call, self.family.answer_tone_key);
                self.info_lines(&lines);
            }
            _ => {}
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
        self.lifted = false;
        if number.is_empty() && self.held && !held {
            self.held = false;
            self.wishes.push(Wish::Proceed);
            return Done::Silent;
        }
        self.unimodem = false;
        let upper = number.to_ascii_uppercase();
        let number =
            if upper == "L" || upper == "TL" || upper == "PL" { self.last_number.clone() } else { upper };
        self.last_number.clone_from(&number);
        self.wishes.push(Wish::Dial { text: number, held });
        Done::Silent
    }

    fn register_command(&mut self, text: &mut Text<'_>) -> Done {
        let error = Done::Reply(Reply::Error);
        let register = text.number().and_then(|n| u8::try_from(n).ok());
        let Some(register) = register.filter(|register| self.family.knows_register(*register)) else {
            return error;
        };
        let slot = usize::from(register);
        let bit = if self.family.bits && text.skip('.') {
            match text.number().filter(|bit| *bit < 8) {
                Some(bit) => Some(1_u8 << bit),
                None => return error,
            }
        } else {
            None
        };
        if text.skip('?') {
            let value = match (register, bit) {
                (86, None) if self.family.tells(Report::S86) => failure_reason(self.last_call.end),
                (_, None) => self.set.s[slot],
                (_, Some(bit)) => u8::from(self.set.s[slot] & bit != 0),
            };
            self.info(&format!("{value:03}"));
            return Done::Next;
        }
        if !text.skip('=') {
            return error;
        }
        let Some(value) = text.number().and_then(|n| u8::try_from(n).ok()) else { return error };
        match bit {
            None => self.set.s[slot] = value,
            Some(bit) if value == 1 => self.set.s[slot] |= bit,
            Some(bit) if value == 0 => self.set.s[slot] &= !bit,
            Some(_) => return error,
        }
        match (self.family.form, register) {
            // The same switches under two names; the last write wins (modems.md 1.7).
            (Form::Conexant, 95) => {
                self.set.mr = value & 0x04 != 0;
                self.set.er = value & 0x08 != 0;
                self.set.dr = value & 0x20 != 0;
            }
            // Said to clear the blacklist of "some chipsets" (modems.md 1.7).
            (Form::Usr, 40) if value == 7 => self.wishes.push(Wish::ForgetLocks),
            _ => {}
        }
        Done::Next
    }

    fn identify(&mut self, n: u32) -> Done {
        let key = if n == 0 { "ATI".to_owned() } else { format!("ATI{n}") };
        if n > self.family.info_max {
            return Done::Reply(Reply::Error);
        }
        let product = self.answers.get("ATI3").map_or("USRobotics", String::as_str);
        let lines = match n {
            6 if self.family.tells(Report::Link) => report::link(&self.last_call, product),
            11 if self.family.tells(Report::Signal) => report::signal(&self.last_call),
            11 if self.family.tells(Report::Connection) => report::connection(&self.last_call),
            _ => self.answers.get(&key).cloned().into_iter().collect(),
        };
        self.info_lines(&lines);
        Done::Next
    }

    fn extended(&mut self, text: &mut Text<'_>) -> Done {
        let whole = text.until(';').to_ascii_uppercase();
        let error = Done::Reply(Reply::Error);
        let (name, value) = match whole.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (whole.as_str(), None),
        };
        let asked = name.strip_suffix('?');
        let plain = asked.unwrap_or(name);
        let key = format!("+{plain}");
        if let Some(text) = self.answers.get(&key).filter(|_| value.is_none()).cloned() {
            self.info(&text);
            return Done::Next;
        }
        if !self.family.extended.contains(&plain) || matches!(plain, "GMI" | "GMM") {
            return error;
        }
        let switch = match plain {
            "MR" => Some((&mut self.set.mr, 0x04_u8)),
            "ER" => Some((&mut self.set.er, 0x08)),
            "DR" => Some((&mut self.set.dr, 0x20)),
            _ => None,
        };
        match (switch, asked.is_some(), value) {
            (Some((on, _)), true, _) => {
                let on = u8::from(*on);
                self.info(&format!("+{plain}: {on}"));
            }
            (Some(_), false, Some("?")) => self.info(&format!("+{plain}: (0,1)")),
            (Some((on, bit)), false, Some(v)) => {
                *on = v != "0";
                let (on, register) = (*on, &mut self.set.s[95]);
                *register = if on { *register | bit } else { *register & !bit };
            }
            (Some(_) | None, false, None) if !plain.starts_with('G') => return error,
            (None, ..) if plain == "FCLASS" && !matches!(value, None | Some("0" | "?")) => return error,
            (None, true, _) => self.info(&format!("+{plain}: 0")),
            (None, false, Some(_)) => {}
            (Some(_) | None, false, None) => self.info("0"),
        }
        Done::Next
    }
}

/// S86: the first event behind a NO CARRIER (modems.md 3.2).
const fn failure_reason(end: CallEnd) -> u8 {
    match end {
        CallEnd::CarrierLost => 4,
        CallEnd::Remote => 12,
        CallEnd::ExtensionOffHook => 25,
        _ => 0,
    }
}
